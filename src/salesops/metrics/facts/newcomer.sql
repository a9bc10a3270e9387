SELECT
  s.person AS id,
  s.started AS day,
  s.started AS basis,
  s.person AS owner,
  s.person AS owner_now,
  CASE WHEN l.people >= 5 AND l.level > 0 THEN COALESCE(g.month, s.watched) END AS months,
  CASE WHEN g.month IS NULL THEN 0 ELSE 1 END AS reached
FROM (
  SELECT r.owner AS person, r.started, MAX(r.month) AS watched
  FROM fact_rep_month AS r
  WHERE r.newcomer = 1
  GROUP BY r.owner, r.started
) AS s
JOIN (SELECT t.level, t.people FROM fact_tenured AS t) AS l ON 1 = 1
LEFT JOIN (
  SELECT y.person, MIN(y.month) AS month
  FROM (
    SELECT r.owner AS person, r.month,
           SUM(r.value) OVER (PARTITION BY r.owner ORDER BY r.month ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS three
    FROM fact_rep_month AS r
    WHERE r.newcomer = 1
  ) AS y
  JOIN (SELECT t.level FROM fact_tenured AS t) AS v ON 5 * y.three >= 12 * v.level
  WHERE y.month >= 3
  GROUP BY y.person
) AS g ON g.person = s.person
