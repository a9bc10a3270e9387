SELECT
  t.id AS id,
  MIN(t.day) AS day,
  MIN(t.day) AS basis,
  MIN(t.at) AS at
FROM (
  SELECT a.lead AS id, a.day, a.at FROM fact_attempt AS a WHERE NOT a.lead IS NULL
  UNION ALL
  SELECT l.id, a.day, a.at FROM lead AS l JOIN fact_attempt AS a ON a.contact = l.converted_contact WHERE as_of(l)
) AS t
GROUP BY t.id
