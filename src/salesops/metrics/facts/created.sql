SELECT
  o.id AS id,
  o.created_on AS day,
  o.created_on AS basis,
  o.status AS status,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END) AS value,
  CASE WHEN COALESCE(o.closed_on, :as_of) >= COALESCE(o.first_contact, o.created_on)
       THEN DATE_DIFF('day', COALESCE(o.first_contact, o.created_on), COALESCE(o.closed_on, :as_of)) END AS age_days,
  o.first_contact AS first_contact
FROM opportunity AS o
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.created_on)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(o)
