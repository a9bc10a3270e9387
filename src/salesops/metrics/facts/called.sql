SELECT
  t.id AS id,
  t.person AS owner,
  t.person AS owner_now,
  t.period AS period,
  t.day AS day,
  t.day AS basis,
  t.category AS category,
  t.forecast AS forecast,
  CASE WHEN NOT t.forecast IS NULL THEN COALESCE(a.value, 0) END AS actual,
  ABS(COALESCE(a.value, 0) - t.forecast) AS miss,
  CASE WHEN NOT t.forecast IS NULL THEN ABS(COALESCE(a.value, 0) - COALESCE(b.value, 0)) END AS naive_miss
FROM (
  SELECT c.id, c.person, c.category, p.key AS period, p.snap AS day,
         in_currency(c.amount, COALESCE(c.currency, :reporting), c.on_day) AS forecast,
         ROW_NUMBER() OVER (PARTITION BY c.person, p.key ORDER BY c.at DESC, c.id DESC) AS place
  FROM forecast_call AS c
  JOIN period AS p ON c.starts_on = p.start AND c.ends_on = p.end AND p.end <= :as_of
  WHERE c.scope = 'own' AND c.category = 'commit' AND c.type IS NULL AND c.made_by = c.person
    AND c.on_day <= p.end AND {made}
) AS t
LEFT JOIN (
  SELECT w.owner, w.period, CAST(SUM(w.value) AS BIGINT) AS value
  FROM (
    SELECT CASE WHEN k.id IS NULL THEN o.owner ELSE k.owner END AS owner, p.key AS period,
           in_currency(o.value, o.currency, o.closed_on) AS value
    FROM opportunity AS o
    JOIN period AS p ON p.start <= o.closed_on AND o.closed_on <= p.end
    LEFT JOIN opportunity AS k ON k.id = o.id AND on_day(k, o.closed_on)
    WHERE as_of(o) AND o.status = 'won'
  ) AS w
  GROUP BY w.owner, w.period
) AS a ON a.owner = t.person AND a.period = t.period
LEFT JOIN (
  SELECT w.owner, w.period, CAST(SUM(w.value) AS BIGINT) AS value
  FROM (
    SELECT CASE WHEN k.id IS NULL THEN o.owner ELSE k.owner END AS owner, y.key AS period,
           in_currency(o.value, o.currency, o.closed_on) AS value
    FROM opportunity AS o
    JOIN past_period AS y ON y.n = 1 AND y.start <= o.closed_on AND o.closed_on <= y.end
    LEFT JOIN opportunity AS k ON k.id = o.id AND on_day(k, o.closed_on)
    WHERE as_of(o) AND o.status = 'won'
  ) AS w
  GROUP BY w.owner, w.period
) AS b ON b.owner = t.person AND b.period = t.period
WHERE t.place = 1
