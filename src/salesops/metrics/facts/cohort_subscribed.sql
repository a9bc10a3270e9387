SELECT
  t.account AS id,
  t.account AS account,
  t.period AS period,
  t.day AS day,
  t.first_day AS first_day,
  t.first_day AS basis,
  n.owner AS owner_now,
  t.value AS value
FROM (
  SELECT u.account, u.period, u.day, u.first_day,
         CASE WHEN COUNT(*) = COUNT(u.value) THEN CAST(SUM(u.value) AS BIGINT) END AS value
  FROM (
    SELECT s.account, p.key AS period, p.snap AS day, w.first_day,
           in_currency(s.recurring_amount, COALESCE(s.currency, :reporting), w.first_day) AS value
    FROM subscription AS s
    JOIN period AS p ON s.valid_from <= p.snap AND p.snap < s.valid_to
    JOIN (
      SELECT x.account, MIN(x.valid_from) AS first_day
      FROM subscription AS x
      WHERE NOT x.account IS NULL AND x.valid_from < x.valid_to
      GROUP BY x.account
    ) AS w ON w.account = s.account
  ) AS u
  GROUP BY u.account, u.period, u.day, u.first_day
) AS t
LEFT JOIN account AS b ON b.id = t.account AND on_day(b, t.first_day)
LEFT JOIN account AS o ON o.id = t.account AND on_day(o, :as_of)
LEFT JOIN account AS n ON n.id = t.account AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE t.first_day > CAST('0001-01-01' AS DATE)
