SELECT
  h.opportunity AS id,
  h.stage AS stage,
  h.next_day AS day,
  h.next_day AS basis,
  n.owner AS owner_now,
  CASE WHEN h.next_kind = 'won' OR (h.next_kind = 'open' AND h.next_position > h.position) THEN 1 ELSE 0 END AS onward
FROM stage_history AS h
JOIN opportunity AS o ON o.id = h.opportunity AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, h.next_day)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE h.kind = 'open' AND h.next_day <= :as_of
