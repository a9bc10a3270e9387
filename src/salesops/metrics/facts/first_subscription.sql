SELECT
  t.account AS id,
  t.account AS account,
  t.day AS day,
  t.day AS basis,
  n.owner AS owner_now
FROM (
  SELECT s.account, MIN(s.valid_from) AS day
  FROM subscription AS s
  WHERE NOT s.account IS NULL AND s.valid_from < s.valid_to
  GROUP BY s.account
) AS t
LEFT JOIN account AS b ON b.id = t.account AND on_day(b, t.day)
LEFT JOIN account AS o ON o.id = t.account AND on_day(o, :as_of)
LEFT JOIN account AS n ON n.id = t.account AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE t.day > CAST('0001-01-01' AS DATE) AND t.day <= :as_of
