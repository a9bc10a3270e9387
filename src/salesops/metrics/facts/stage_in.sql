SELECT
  h.opportunity AS id,
  h.stage AS stage,
  h.day AS day,
  h.day AS basis,
  n.owner AS owner_now
FROM stage_history AS h
JOIN opportunity AS o ON o.id = h.opportunity AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, h.day)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE h.kind = 'open' AND h.day <= :as_of
