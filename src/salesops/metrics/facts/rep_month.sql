SELECT
  m.person AS id,
  m.start AS day,
  m.start AS basis,
  m.person AS owner,
  m.person AS owner_now,
  m.started AS started,
  m.month AS month,
  CASE WHEN m.month > 12 THEN 1 ELSE 0 END AS tenured,
  CASE WHEN m.first = 1 THEN 1 ELSE 0 END AS newcomer,
  COALESCE(w.value, 0) AS value
FROM (
  SELECT g.person, g.started, g.start, g.month, MIN(g.month) OVER (PARTITION BY g.person) AS first
  FROM (
    SELECT j.person, j.started, c.month_start AS start,
           ROW_NUMBER() OVER (PARTITION BY j.person ORDER BY c.month_start) AS month
    FROM (
      SELECT e.person, MIN(e.valid_from) AS started, MAX(e.valid_to) AS until
      FROM employment AS e
      WHERE NOT e.person IS NULL
      GROUP BY e.person
      HAVING MIN(e.valid_from) > CAST('0001-01-01' AS DATE)
    ) AS j
    JOIN (
      SELECT x.owner AS person FROM opportunity AS x
      WHERE x.day_from <= :as_of AND NOT x.owner IS NULL AND NOT x.deleted
      UNION
      SELECT q.person FROM target AS q
      WHERE as_of(q) AND q.kind = 'quota' AND COALESCE(q.status, 'published') = 'published' AND q.amount > 0
        AND NOT q.person IS NULL
    ) AS r ON r.person = j.person
    JOIN (SELECT DISTINCT d.month_start, d.month_end FROM calendar_day AS d) AS c
      ON j.started <= c.month_start AND c.month_end < j.until AND c.month_end <= :as_of
  ) AS g
  JOIN (SELECT MIN(y.created_on) AS day FROM opportunity AS y WHERE as_of(y)) AS seen ON seen.day <= g.start
) AS m
LEFT JOIN (
  SELECT z.owner, z.start, SUM(z.value) AS value
  FROM (
    SELECT CASE WHEN k.id IS NULL THEN o.owner ELSE k.owner END AS owner, d.month_start AS start,
           in_currency(o.value, o.currency, o.closed_on) AS value
    FROM opportunity AS o
    JOIN calendar_day AS d ON d.day = o.closed_on
    LEFT JOIN opportunity AS k ON k.id = o.id AND on_day(k, o.closed_on)
    WHERE as_of(o) AND o.status = 'won'
  ) AS z
  GROUP BY z.owner, z.start
) AS w ON w.owner = m.person AND w.start = m.start
