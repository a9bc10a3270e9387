SELECT
  o.id AS id,
  p.key AS period,
  p.eve AS day,
  p.eve AS basis,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, p.eve) AS value
FROM opportunity AS o
JOIN period AS p ON o.day_from <= p.eve AND p.eve < o.day_to AND o.created_on <= p.eve AND p.eve <= :as_of
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN (
  SELECT x.id FROM opportunity AS x WHERE x.deleted AND x.day_from <= :gone_on AND :gone_on < x.day_to
) AS gone ON gone.id = o.id
WHERE NOT o.deleted AND o.status = 'open' AND gone.id IS NULL
