SELECT
  w.owner AS id,
  w.owner AS owner,
  w.owner AS owner_now,
  w.period AS period,
  w.day AS day,
  w.day AS basis,
  COALESCE(m.meetings, 0) AS meetings
FROM (
  SELECT d.owner, p.key AS period, p.snap AS day
  FROM fact_workday AS d
  JOIN period AS p ON p.start <= d.day AND d.day <= p.end
  GROUP BY d.owner, p.key, p.snap
) AS w
LEFT JOIN (
  SELECT a.owner, p.key AS period, SUM(CASE WHEN a.kind = 'meeting' AND a.outside = 1 THEN 1 ELSE 0 END) AS meetings
  FROM fact_activity AS a
  JOIN period AS p ON p.start <= a.day AND a.day <= p.end
  GROUP BY a.owner, p.key
) AS m ON m.owner = w.owner AND m.period = w.period
