SELECT
  o.id AS id,
  p.key AS period,
  p.snap AS day,
  p.snap AS basis,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, p.snap) AS value,
  CASE WHEN DATE_DIFF('day', COALESCE(a.day, v.day, o.created_on), p.snap) > u.days THEN 1 ELSE 0 END AS stale,
  DATE_DIFF('day', COALESCE(a.day, v.day, o.created_on), p.snap) AS quiet_days,
  u.days AS usual_days,
  COALESCE(a.day, v.day, o.created_on) AS touched_on,
  CASE WHEN a.day IS NULL THEN 0 ELSE 1 END AS by_activity,
  CASE WHEN COALESCE(o.next_step, '') <> '' THEN 1 ELSE 0 END AS has_next_step,
  CASE WHEN o.expected_close >= p.snap THEN 1 ELSE 0 END AS dated
FROM opportunity AS o
JOIN period AS p ON o.day_from <= p.snap AND p.snap < o.day_to AND o.created_on <= p.snap
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN (
  SELECT x.id FROM opportunity AS x WHERE x.deleted AND x.day_from <= :gone_on AND :gone_on < x.day_to
) AS gone ON gone.id = o.id
LEFT JOIN stage_history AS v ON v.opportunity = o.id AND v.day <= p.snap AND COALESCE(v.next_day, CAST('9999-12-31' AS DATE)) > p.snap
LEFT JOIN (
  SELECT t.opportunity, t.day, LEAD(t.day) OVER (PARTITION BY t.opportunity ORDER BY t.day) AS until
  FROM (
    SELECT DISTINCT c.opportunity, c.on_day AS day
    FROM activity AS c
    WHERE COALESCE(c.status, 'held') = 'held' AND NOT COALESCE(c.automatic, FALSE)
      AND c.on_day <= :as_of AND c.opportunity IN (
        SELECT y.id FROM opportunity AS y
        WHERE y.status = 'open' AND NOT y.deleted AND y.day_from <= :last
          AND y.day_to > CASE WHEN :as_of < :first THEN :as_of ELSE :first END
      )
  ) AS t
) AS a ON a.opportunity = o.id AND a.day <= p.snap AND COALESCE(a.until, CAST('9999-12-31' AS DATE)) > p.snap
LEFT JOIN (
  SELECT r.period, r.stage, MIN(r.days) AS days
  FROM (
    SELECT g.period, g.stage, g.days,
           SUM(g.n) OVER (PARTITION BY g.period, g.stage ORDER BY g.days
                          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS place,
           SUM(g.n) OVER (PARTITION BY g.period, g.stage) AS size
    FROM (
      SELECT p.key AS period, w.stage, w.days, SUM(w.n) AS n
      FROM (
        SELECT h.stage, CASE WHEN :many THEN h.next_day ELSE CAST('0001-01-01' AS DATE) END AS day, DATE_DIFF('day', h.day, h.next_day) AS days, COUNT(*) AS n
        FROM stage_history AS h
        JOIN opportunity AS k ON k.id = h.opportunity AND as_of(k)
        WHERE h.kind = 'open' AND h.next_day <= :as_of AND h.next_day <= :last
        GROUP BY h.stage, CASE WHEN :many THEN h.next_day ELSE CAST('0001-01-01' AS DATE) END, DATE_DIFF('day', h.day, h.next_day)
      ) AS w
      JOIN period AS p ON w.day <= p.snap
      GROUP BY p.key, w.stage, w.days
    ) AS g
  ) AS r
  WHERE r.place >= (3 * r.size + 3) // 4
  GROUP BY r.period, r.stage
) AS u ON u.period = p.key AND u.stage = o.stage
WHERE NOT o.deleted AND o.status = 'open' AND gone.id IS NULL
