SELECT
  e.id AS id,
  e.stage AS stage,
  o.created_on AS day,
  CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END AS basis,
  n.owner AS owner_now,
  e.moved_on AS moved_on,
  in_currency(o.value, o.currency, CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END) AS value
FROM fact_stage_arrival AS e
JOIN opportunity AS o ON o.id = e.id AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
