SELECT
  q.owner AS id,
  q.owner AS owner,
  q.owner AS owner_now,
  q.period AS period,
  q.day AS day,
  q.day AS basis,
  CASE WHEN COALESCE(c.value, 0) >= q.value THEN 1 ELSE 0 END AS reached
FROM (
  SELECT f.owner, f.period, f.day, f.unit, SUM(f.value) AS value
  FROM each_quota AS f
  GROUP BY f.owner, f.period, f.day, f.unit
) AS q
JOIN (
  SELECT g.owner, g.period,
         CASE WHEN MIN(g.quota_currency) = MAX(g.quota_currency) THEN MIN(g.quota_currency) ELSE :currency END AS unit
  FROM fact_quota AS g
  GROUP BY g.owner, g.period
) AS u ON u.owner = q.owner AND u.period = q.period AND u.unit = q.unit
LEFT JOIN (
  SELECT k.owner, p.key AS period, k.unit, SUM(k.value) AS value
  FROM each_credit AS k
  JOIN period AS p ON p.start <= k.day AND k.day <= p.end
  GROUP BY k.owner, p.key, k.unit
) AS c ON c.owner = q.owner AND c.period = q.period AND c.unit = q.unit
