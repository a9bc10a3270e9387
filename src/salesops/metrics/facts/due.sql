SELECT
  o.id AS id,
  p.key AS period,
  p.eve AS day,
  p.eve AS basis,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, p.eve) AS value,
  CASE WHEN e.status = 'open' AND (e.expected_close IS NULL OR e.expected_close < p.start OR e.expected_close > p.end)
       THEN 1 ELSE 0 END AS slipped,
  CASE WHEN e.status = 'open' AND e.expected_close >= p.start AND e.expected_close <= p.snap THEN 1 ELSE 0 END AS overdue,
  o.expected_close AS was_due,
  e.expected_close AS due_now,
  COALESCE(m.n, 0) AS pushes
FROM opportunity AS o
JOIN period AS p ON o.day_from <= p.eve AND p.eve < o.day_to AND o.created_on <= p.eve AND p.eve <= :as_of
  AND p.start <= o.expected_close AND o.expected_close <= p.end
LEFT JOIN opportunity AS e ON e.id = o.id AND e.day_from <= p.snap AND p.snap < e.day_to AND NOT e.deleted
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN (
  SELECT x.id FROM opportunity AS x WHERE x.deleted AND x.day_from <= :gone_on AND :gone_on < x.day_to
) AS gone ON gone.id = o.id
LEFT JOIN (
  SELECT t.id, p.key AS period, COUNT(*) AS n
  FROM (
    SELECT w.id, w.expected_close, LEAD(w.day_from) OVER (PARTITION BY w.id ORDER BY w.day_from) AS day,
           LEAD(w.expected_close) OVER (PARTITION BY w.id ORDER BY w.day_from) AS later,
           LEAD(w.status) OVER (PARTITION BY w.id ORDER BY w.day_from) AS status
    FROM opportunity AS w
    WHERE w.day_to >= :first AND w.day_from <= :last AND NOT w.deleted
  ) AS t
  JOIN period AS p ON p.eve < t.day AND t.day <= p.snap
  WHERE t.later > t.expected_close AND t.status = 'open'
  GROUP BY t.id, p.key
) AS m ON m.id = o.id AND m.period = p.key
WHERE NOT o.deleted AND o.status = 'open' AND gone.id IS NULL
