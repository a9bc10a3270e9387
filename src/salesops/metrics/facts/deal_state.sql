SELECT
  o.id AS id,
  o.created_on AS day,
  CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END AS basis,
  o.status AS status,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END) AS value
FROM opportunity AS o
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(o)
