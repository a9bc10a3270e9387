SELECT
  o.id AS id,
  o.closed_on AS day,
  o.closed_on AS basis,
  o.status AS status,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, o.closed_on) AS value,
  CASE WHEN o.closed_on >= COALESCE(o.first_contact, o.created_on)
       THEN DATE_DIFF('day', COALESCE(o.first_contact, o.created_on), o.closed_on) END AS cycle_days,
  CASE WHEN o.closed_on >= o.created_on THEN DATE_DIFF('day', o.created_on, o.closed_on) END AS created_days,
  CASE WHEN o.closed_on >= q.day THEN DATE_DIFF('day', q.day, o.closed_on) END AS qualified_days,
  o.first_contact AS first_contact,
  w.id AS first_win
FROM opportunity AS o
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.closed_on) AND b.day_from <= :last AND :first < b.day_to
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN (
  SELECT h.opportunity, MIN(h.day) AS day
  FROM stage_history AS h
  JOIN stage AS s ON s.id = h.stage AND s.day_from <= :as_of AND :as_of < s.day_to
  WHERE s.qualified AND h.day <= :as_of
  GROUP BY h.opportunity
) AS q ON q.opportunity = o.id
LEFT JOIN (
  SELECT id FROM (
    SELECT a.id, ROW_NUMBER() OVER (PARTITION BY a.account ORDER BY a.closed_on, a.id) AS place
    FROM opportunity AS a
    WHERE as_of(a) AND a.status = 'won' AND NOT a.account IS NULL
  ) AS f
  WHERE place = 1
) AS w ON w.id = o.id
WHERE as_of(o) AND o.status <> 'open'
