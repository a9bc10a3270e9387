SELECT
  e.opportunity AS id,
  s.id AS stage,
  e.day AS day,
  o.created_on AS basis,
  n.owner AS owner_now,
  CASE WHEN e.furthest > COALESCE(s.position, 0) THEN 1 ELSE 0 END AS moved_on,
  CASE WHEN o.status = 'lost' AND e.furthest <= COALESCE(s.position, 0)
       THEN in_currency(o.value, o.currency, o.closed_on) ELSE 0 END AS lost_value,
  o.status AS status,
  in_currency(o.value, o.currency, CASE WHEN o.status = 'open' THEN :as_of ELSE o.closed_on END) AS value
FROM (
  SELECT opportunity, pipeline, day, reach,
         MAX(reach) OVER (PARTITION BY opportunity, pipeline ORDER BY visit
                          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS furthest,
         COALESCE(MAX(reach) OVER (PARTITION BY opportunity, pipeline ORDER BY visit
                                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -1) AS before
  FROM (
    SELECT h.opportunity, h.visit, h.day, x.pipeline,
           CASE WHEN h.kind = 'won' THEN 1000000000 ELSE h.position END AS reach
    FROM stage_history AS h
    JOIN stage AS x ON x.id = h.stage AND x.day_from <= :as_of AND :as_of < x.day_to
    WHERE h.kind <> 'lost' AND h.day <= :as_of{arrived}
  ) AS r
) AS e
JOIN stage AS s ON COALESCE(s.pipeline, -1) = COALESCE(e.pipeline, -1) AND COALESCE(s.position, 0) > e.before AND COALESCE(s.position, 0) <= e.reach
  AND s.day_from <= :as_of AND :as_of < s.day_to AND NOT s.deleted AND COALESCE(s.kind, 'open') = 'open'
JOIN opportunity AS o ON o.id = e.opportunity AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.created_on)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE e.reach > e.before
