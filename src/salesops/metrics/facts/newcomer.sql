SELECT
  s.person AS id,
  s.started AS day,
  s.started AS basis,
  s.person AS owner,
  s.person AS owner_now,
  CASE WHEN s.people >= 5 AND s.level > 0 THEN COALESCE(s.month, s.watched) END AS months,
  CASE WHEN s.month IS NULL THEN 0 ELSE 1 END AS reached
FROM (
  SELECT m.owner AS person, m.started, MAX(m.month) AS watched, MAX(m.level) AS level, MAX(m.people) AS people,
         MIN(CASE WHEN m.month >= 3 AND 5 * m.three >= 12 * m.level THEN m.month END) AS month
  FROM (
    SELECT w.owner, w.started, w.month, w.newcomer, w.three,
           MAX(CASE WHEN w.tenured = 1 AND w.place = (w.size + 1) // 2 THEN w.value END) OVER (PARTITION BY 1) AS level,
           SUM(CASE WHEN w.tenured = 1 AND w.nth = 1 THEN 1 ELSE 0 END) OVER (PARTITION BY 1) AS people
    FROM (
      SELECT r.owner, r.started, r.month, r.newcomer, r.tenured, r.value,
             SUM(r.value) OVER (PARTITION BY r.owner ORDER BY r.month ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS three,
             ROW_NUMBER() OVER (PARTITION BY r.tenured ORDER BY r.value) AS place,
             COUNT(*) OVER (PARTITION BY r.tenured) AS size,
             ROW_NUMBER() OVER (PARTITION BY r.owner, r.tenured ORDER BY r.month) AS nth
      FROM fact_rep_month AS r
    ) AS w
  ) AS m
  WHERE m.newcomer = 1
  GROUP BY m.owner, m.started
) AS s
