SELECT
  q.owner AS id,
  q.owner AS owner,
  q.owner AS owner_now,
  q.period AS period,
  q.day AS day,
  q.day AS basis,
  CASE WHEN COALESCE(c.value, 0) >= q.value THEN 1 ELSE 0 END AS reached
FROM (
  SELECT f.owner, f.period, f.day, SUM(f.value) AS value FROM fact_quota AS f GROUP BY f.owner, f.period, f.day
) AS q
LEFT JOIN (
  SELECT k.owner, p.key AS period, SUM(k.value) AS value
  FROM fact_credit AS k
  JOIN period AS p ON p.start <= k.day AND k.day <= p.end
  GROUP BY k.owner, p.key
) AS c ON c.owner = q.owner AND c.period = q.period
