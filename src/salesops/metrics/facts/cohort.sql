SELECT
  t.id AS id,
  t.account AS account,
  t.day AS day,
  t.first_day AS first_day,
  t.first_day AS basis,
  n.owner AS owner_now,
  t.value AS value
FROM (
  SELECT y.id, y.account, y.day, y.value, MIN(y.day) OVER (PARTITION BY y.account) AS first_day
  FROM {records} AS y
  WHERE NOT y.account IS NULL AND {purchase}
) AS t
LEFT JOIN account AS b ON b.id = t.account AND on_day(b, t.first_day)
LEFT JOIN account AS o ON o.id = t.account AND on_day(o, :as_of)
LEFT JOIN account AS n ON n.id = t.account AND n.day_to = CAST('9999-12-31' AS DATE)
