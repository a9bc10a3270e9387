SELECT
  h.opportunity AS id,
  h.stage AS stage,
  p.key AS period,
  p.eve AS day,
  p.eve AS basis,
  n.owner AS owner_now
FROM stage_history AS h
JOIN period AS p ON h.day <= p.eve AND (h.next_day IS NULL OR h.next_day > p.eve)
JOIN opportunity AS o ON o.id = h.opportunity AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, p.eve)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE h.kind = 'open' AND h.day <= :as_of
