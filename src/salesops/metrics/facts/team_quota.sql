SELECT
  t.id AS id,
  p.key AS period,
  p.snap AS day,
  p.snap AS basis,
  CAST(NULL AS BIGINT) AS owner,
  CAST(NULL AS BIGINT) AS owner_now,
  t.team AS team,
  in_currency(t.amount, COALESCE(t.currency, :reporting), t.starts_on, 'plan') AS value
FROM target AS t
JOIN period AS p ON p.start <= t.starts_on AND t.ends_on <= p.end
WHERE as_of(t) AND t.kind = 'quota' AND COALESCE(t.status, 'published') = 'published'
  AND NOT t.team IS NULL AND t.person IS NULL AND t.amount > 0
  AND COALESCE(t.metric, 'bookings') IN ('bookings', 'quota_attainment')
  AND NOT EXISTS (
    SELECT 1 FROM target AS c
    WHERE as_of(c) AND c.kind = 'quota' AND COALESCE(c.status, 'published') = 'published' AND c.amount > 0
      AND COALESCE(c.metric, 'bookings') IN ('bookings', 'quota_attainment')
      AND c.person IS NULL AND c.team = t.team AND p.start <= c.starts_on AND c.ends_on <= p.end
      AND c.starts_on <= t.starts_on AND t.ends_on <= c.ends_on
      AND (c.starts_on < t.starts_on OR t.ends_on < c.ends_on)
  )
