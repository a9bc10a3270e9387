SELECT
  MIN(e.id) AS id,
  e.case_id AS name,
  e.pipeline AS pipeline,
  MIN(e.on_day) AS day,
  MIN(e.on_day) AS basis,
  MAX(e.at) - MIN(e.at) AS duration,
  COUNT(*) AS events,
  CASE WHEN COUNT(*) > COUNT(DISTINCT e.activity) THEN 1 ELSE 0 END AS rework
FROM stage_event AS e
WHERE e.on_day <= :as_of
GROUP BY e.pipeline, e.case_id
