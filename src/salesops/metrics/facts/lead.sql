SELECT
  o.id AS id,
  o.created_on AS day,
  o.created_on AS basis,
  n.owner AS owner_now,
  CASE WHEN NOT o.converted_opportunity IS NULL AND (o.converted_on IS NULL OR o.converted_on <= :as_of)
       THEN 1 ELSE 0 END AS converted,
  CASE WHEN o.qualified_on <= :as_of THEN 1
       WHEN NOT o.converted_opportunity IS NULL AND (o.converted_on IS NULL OR o.converted_on <= :as_of) THEN 1
       ELSE 0 END AS qualified,
  CASE WHEN o.qualified_on <= :as_of THEN 1 ELSE 0 END AS said,
  CASE WHEN w.status = 'won' THEN 1 ELSE 0 END AS won
FROM lead AS o
LEFT JOIN lead AS b ON b.id = o.id AND on_day(b, o.created_on)
LEFT JOIN lead AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN opportunity AS w ON w.id = o.converted_opportunity AND as_of(w)
WHERE as_of(o)
