SELECT
  o.id AS id,
  p.key AS period,
  p.end AS day,
  c.day AS basis,
  n.owner AS owner_now
FROM lead AS o
JOIN (
  SELECT x.id, MIN(x.day_from) AS day
  FROM lead AS x
  WHERE NOT x.converted_opportunity IS NULL
  GROUP BY x.id
) AS c ON c.id = o.id
JOIN period AS p ON (
  (p.start <= o.converted_on AND o.converted_on <= p.end)
  OR (o.converted_on IS NULL AND p.start <= c.day AND c.day <= p.end)
)
LEFT JOIN lead AS b ON b.id = o.id AND on_day(b, c.day)
LEFT JOIN lead AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(o) AND NOT o.converted_opportunity IS NULL AND (o.converted_on IS NULL OR o.converted_on <= :as_of)
