SELECT
  o.id AS id,
  o.created_on AS day,
  o.created_on AS basis,
  o.status AS status,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END) AS value,
  CASE WHEN COALESCE(o.closed_on, :as_of) >= COALESCE(o.first_contact, o.created_on)
       THEN DATE_DIFF('day', COALESCE(o.first_contact, o.created_on), COALESCE(o.closed_on, :as_of)) END AS age_days,
  CASE WHEN COALESCE(o.closed_on, :as_of) >= o.created_on
       THEN DATE_DIFF('day', o.created_on, COALESCE(o.closed_on, :as_of)) END AS created_age_days,
  CASE WHEN COALESCE(o.closed_on, :as_of) >= q.day
       THEN DATE_DIFF('day', q.day, COALESCE(o.closed_on, :as_of)) END AS qualified_age_days,
  o.first_contact AS first_contact
FROM opportunity AS o
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.created_on)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN (
  SELECT h.opportunity, MIN(h.day) AS day
  FROM stage_history AS h
  JOIN stage AS s ON s.id = h.stage AND s.day_from <= :as_of AND :as_of < s.day_to
  WHERE s.qualified AND h.day <= :as_of
  GROUP BY h.opportunity
) AS q ON q.opportunity = o.id
WHERE as_of(o)
