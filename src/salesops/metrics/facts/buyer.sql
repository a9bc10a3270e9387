SELECT
  t.account AS id,
  t.account AS account,
  t.period AS period,
  t.day AS day,
  t.day AS basis,
  n.owner AS owner_now,
  t.purchase_days AS purchase_days,
  t.days_in_period AS days_in_period,
  t.value AS value
FROM (
  SELECT u.account, u.period, u.day,
         COUNT(DISTINCT CASE WHEN u.purchase = 1 THEN u.bought_on END) AS purchase_days,
         COUNT(DISTINCT CASE WHEN u.purchase = 1 AND u.opens <= u.bought_on THEN u.bought_on END) AS days_in_period,
         CASE WHEN COUNT(*) = COUNT(u.value) THEN CAST(SUM(u.value) AS BIGINT) END AS value
  FROM (
    SELECT f.account, f.day AS bought_on, CASE WHEN {purchase} THEN 1 ELSE 0 END AS purchase, f.value, p.key AS period, p.start AS opens, p.snap AS day
    FROM {records} AS f
    JOIN period AS p ON f.day <= p.snap
    WHERE NOT f.account IS NULL
  ) AS u
  GROUP BY u.account, u.period, u.day
) AS t
LEFT JOIN account AS b ON b.id = t.account AND on_day(b, t.day)
LEFT JOIN account AS o ON o.id = t.account AND on_day(o, :as_of)
LEFT JOIN account AS n ON n.id = t.account AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE t.purchase_days > 0
