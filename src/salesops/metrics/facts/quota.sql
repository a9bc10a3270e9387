SELECT
  t.id AS id,
  p.key AS period,
  p.snap AS day,
  p.snap AS basis,
  t.person AS owner,
  t.person AS owner_now,
  t.starts_on AS starts_on,
  t.ends_on AS ends_on,
  un.unit AS unit,
  COALESCE(t.currency, :reporting) AS quota_currency,
  in_currency(t.amount, COALESCE(t.currency, :reporting), t.starts_on, 'plan') AS value,
  CASE WHEN e.person IS NULL THEN in_currency(t.amount, COALESCE(t.currency, :reporting), t.starts_on, 'plan')
       ELSE rounded_share(
              in_currency(t.amount, COALESCE(t.currency, :reporting), t.starts_on, 'plan'),
              CASE WHEN COALESCE(e.days, 0) - COALESCE(l.days, 0) < 0 THEN 0
                   ELSE COALESCE(e.days, 0) - COALESCE(l.days, 0) END,
              DATE_DIFF('day', t.starts_on, t.ends_on) + 1) END AS prorated
FROM target AS t
JOIN unit AS un ON 1 = 1
JOIN period AS p ON p.start <= t.starts_on AND t.ends_on <= p.end
LEFT JOIN (
  SELECT x.id, MIN(w.person) AS person,
         SUM(CASE WHEN w.valid_from <= x.ends_on AND x.starts_on < w.valid_to
                  THEN DATE_DIFF('day', CASE WHEN w.valid_from > x.starts_on THEN w.valid_from ELSE x.starts_on END,
                                 CASE WHEN w.valid_to <= x.ends_on THEN w.valid_to ELSE x.ends_on + 1 END) END) AS days
  FROM target AS x
  JOIN (SELECT DISTINCT person, valid_from, valid_to FROM employment) AS w ON w.person = x.person
  WHERE as_of(x)
  GROUP BY x.id
) AS e ON e.id = t.id
LEFT JOIN (
  SELECT x.id,
         SUM(CASE WHEN a.valid_from <= x.ends_on AND x.starts_on < a.valid_to
                  THEN DATE_DIFF('day', CASE WHEN a.valid_from > x.starts_on THEN a.valid_from ELSE x.starts_on END,
                                 CASE WHEN a.valid_to <= x.ends_on THEN a.valid_to ELSE x.ends_on + 1 END) END) AS days
  FROM target AS x
  JOIN absence AS a ON a.person = x.person AND DATE_DIFF('day', a.valid_from, a.valid_to) > 30
  WHERE as_of(x)
  GROUP BY x.id
) AS l ON l.id = t.id
WHERE as_of(t) AND t.kind = 'quota' AND COALESCE(t.status, 'published') = 'published'
  AND NOT t.person IS NULL AND t.amount > 0
  AND COALESCE(t.metric, 'bookings') IN ('bookings', 'quota_attainment')
  AND NOT EXISTS (
    SELECT 1 FROM target AS c
    WHERE as_of(c) AND c.kind = 'quota' AND COALESCE(c.status, 'published') = 'published' AND c.amount > 0
      AND COALESCE(c.metric, 'bookings') IN ('bookings', 'quota_attainment')
      AND c.person = t.person AND p.start <= c.starts_on AND c.ends_on <= p.end
      AND c.starts_on <= t.starts_on AND t.ends_on <= c.ends_on
      AND (c.starts_on < t.starts_on OR t.ends_on < c.ends_on)
  )
