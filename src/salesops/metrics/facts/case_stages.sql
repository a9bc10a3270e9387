SELECT
  o.id AS id,
  h.day AS day,
  h.day AS basis,
  n.owner AS owner_now,
  h.duration AS duration,
  h.events AS events,
  h.rework AS rework
FROM (
  SELECT opportunity, MIN(day) AS day, MAX(at) - MIN(at) AS duration, COUNT(*) AS events,
         CASE WHEN COUNT(*) > COUNT(DISTINCT stage) THEN 1 ELSE 0 END AS rework
  FROM stage_history
  WHERE day <= :as_of
  GROUP BY opportunity
) AS h
JOIN opportunity AS o ON o.id = h.opportunity AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, h.day)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
