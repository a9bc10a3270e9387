SELECT
  h.opportunity AS id,
  h.stage AS stage,
  h.day AS day,
  o.created_on AS basis,
  n.owner AS owner_now,
  DATE_DIFF('day', h.day, CASE WHEN h.next_day <= :as_of THEN h.next_day ELSE :as_of END) AS days,
  CASE WHEN h.next_day <= :as_of THEN 1 ELSE 0 END AS completed
FROM stage_history AS h
JOIN opportunity AS o ON o.id = h.opportunity AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.created_on)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE h.kind = 'open' AND h.day <= :as_of
