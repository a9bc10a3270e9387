SELECT
  o.id AS id,
  f.day AS day,
  f.day AS basis,
  n.owner AS owner_now,
  CASE WHEN NOT y.day IS NULL OR o.status = 'won' THEN 1 ELSE 0 END AS answered,
  CASE WHEN COALESCE(y.day, o.closed_on, :as_of) < f.day THEN 0
       ELSE DATE_DIFF('day', f.day, COALESCE(y.day, o.closed_on, :as_of)) END AS days
FROM opportunity AS o
JOIN (
  SELECT a.opportunity, MIN(a.at) AS at, MIN(a.on_day) AS day
  FROM activity AS a
  WHERE a.kind = 'proposal' AND a.on_day <= :as_of AND COALESCE(a.status, 'held') = 'held' AND NOT COALESCE(a.automatic, FALSE)
  GROUP BY a.opportunity
) AS f ON f.opportunity = o.id
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, f.day)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN (
  SELECT r.opportunity, MIN(r.on_day) AS day
  FROM activity AS r
  JOIN (
    SELECT a.opportunity, MIN(a.at) AS at
    FROM activity AS a
    WHERE a.kind = 'proposal' AND a.on_day <= :as_of AND COALESCE(a.status, 'held') = 'held' AND NOT COALESCE(a.automatic, FALSE)
    GROUP BY a.opportunity
  ) AS g ON g.opportunity = r.opportunity AND g.at < r.at
  WHERE r.on_day <= :as_of AND (r.kind = 'email_in' OR r.direction = 'in') AND NOT COALESCE(r.automatic, FALSE)
    AND COALESCE(r.status, 'held') = 'held' AND r.outcome IN ('positive', 'interested', 'accepted', 'yes')
  GROUP BY r.opportunity
) AS y ON y.opportunity = o.id
WHERE as_of(o)
