SELECT
  o.id AS id,
  o.created_on AS day,
  o.created_on AS basis,
  n.owner AS owner_now,
  CASE WHEN r.at IS NULL THEN 0 ELSE 1 END AS answered,
  CASE WHEN r.at IS NULL THEN :as_of_end - o.created WHEN r.at < o.created THEN 0 ELSE r.at - o.created END AS waited,
  CASE WHEN r.at < o.created THEN 0
       ELSE v.before + CASE WHEN v.into < 0 THEN 0 WHEN v.into > v.open THEN v.open ELSE v.into END
            - x.before - CASE WHEN x.into < 0 THEN 0 WHEN x.into > x.open THEN x.open ELSE x.into END END AS open_waited,
  q.allowed AS allowed
FROM lead AS o
LEFT JOIN lead AS b ON b.id = o.id AND on_day(b, o.created_on)
LEFT JOIN lead AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN fact_first_attempt AS r ON r.id = o.id
LEFT JOIN (
  SELECT l.id, h.before, h.open, (l.created + s.shift) % 86400000000 - 32400000000 AS into
  FROM lead AS l
  LEFT JOIN (SELECT DISTINCT z.unit FROM zone_shift AS z) AS own ON own.unit = l.business_unit
  JOIN zone_shift AS s ON s.unit = COALESCE(own.unit, -1) AND s.since <= l.created AND l.created < s.until
  JOIN fact_business_hours AS h ON h.unit = COALESCE(l.business_unit, -1) AND h.n = (l.created + s.shift) // 86400000000
  WHERE as_of(l)
) AS x ON x.id = o.id
LEFT JOIN (
  SELECT e.id, h.before, h.open, (e.at + s.shift) % 86400000000 - 32400000000 AS into
  FROM (
    SELECT l.id, l.business_unit, COALESCE(r.at, :as_of_end - 1) AS at
    FROM lead AS l
    LEFT JOIN fact_first_attempt AS r ON r.id = l.id
    WHERE as_of(l)
  ) AS e
  LEFT JOIN (SELECT DISTINCT z.unit FROM zone_shift AS z) AS own ON own.unit = e.business_unit
  JOIN zone_shift AS s ON s.unit = COALESCE(own.unit, -1) AND s.since <= e.at AND e.at < s.until
  JOIN fact_business_hours AS h ON h.unit = COALESCE(e.business_unit, -1) AND h.n = (e.at + s.shift) // 86400000000
) AS v ON v.id = o.id
LEFT JOIN (
  SELECT l.id,
         60 * CASE WHEN MIN(CASE WHEN NOT t.business_unit IS NULL THEN t.number END) IS NULL THEN MIN(t.number)
                   ELSE MIN(CASE WHEN NOT t.business_unit IS NULL THEN t.number END) END AS allowed
  FROM lead AS l
  JOIN target AS t ON t.metric = 'lead_response_minutes' AND COALESCE(t.kind, 'goal') <> 'quota'
    AND COALESCE(t.status, 'published') = 'published' AND t.person IS NULL AND t.team IS NULL AND t.number > 0
    AND (t.business_unit IS NULL OR t.business_unit = l.business_unit)
    AND COALESCE(t.starts_on, l.created_on) <= l.created_on AND l.created_on <= COALESCE(t.ends_on, l.created_on)
  WHERE as_of(l) AND as_of(t)
  GROUP BY l.id
) AS q ON q.id = o.id
WHERE as_of(o)
