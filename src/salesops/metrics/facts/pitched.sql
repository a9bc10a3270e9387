SELECT
  o.id AS id,
  t.day AS day,
  o.created_on AS basis,
  o.status AS status,
  n.owner AS owner_now
FROM (
  SELECT x.opportunity, MIN(x.day) AS day
  FROM (
    SELECT h.opportunity, h.day
    FROM stage_history AS h
    JOIN stage AS s ON s.id = h.stage AND s.day_from <= :as_of AND :as_of < s.day_to
    WHERE s.pitch AND h.day <= :as_of
    UNION ALL
    SELECT a.opportunity, a.on_day AS day
    FROM activity AS a
    WHERE a.kind IN ('demo', 'proposal', 'presentation') AND COALESCE(a.status, 'held') = 'held'
      AND NOT COALESCE(a.automatic, FALSE) AND NOT a.opportunity IS NULL AND a.on_day <= :as_of
  ) AS x
  GROUP BY x.opportunity
) AS t
JOIN opportunity AS o ON o.id = t.opportunity AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.created_on)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
