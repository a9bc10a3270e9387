SELECT
  o.id AS id,
  p.key AS period,
  p.snap AS day,
  p.snap AS basis,
  n.owner AS owner_now,
  CASE WHEN NOT o.converted_opportunity IS NULL AND (o.converted_on IS NULL OR o.converted_on <= p.snap)
       THEN 1 ELSE 0 END AS converted
FROM lead AS o
JOIN period AS p ON o.day_from <= p.snap AND p.snap < o.day_to AND o.created_on <= p.snap
LEFT JOIN lead AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN (
  SELECT x.id FROM lead AS x WHERE x.deleted AND x.day_from <= :gone_on AND :gone_on < x.day_to
) AS gone ON gone.id = o.id
WHERE NOT o.deleted AND gone.id IS NULL
