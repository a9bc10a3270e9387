SELECT
  t.account AS id,
  t.account AS account,
  t.day AS day,
  t.day AS basis,
  n.owner AS owner_now
FROM (
  SELECT f.account, MIN(f.day) AS day
  FROM fact_ordered AS f
  WHERE NOT f.account IS NULL
  GROUP BY f.account
) AS t
LEFT JOIN account AS b ON b.id = t.account AND on_day(b, t.day)
LEFT JOIN account AS o ON o.id = t.account AND on_day(o, :as_of)
LEFT JOIN account AS n ON n.id = t.account AND n.day_to = CAST('9999-12-31' AS DATE)
