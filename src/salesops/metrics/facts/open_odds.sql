SELECT
  o.id AS id,
  p.key AS period,
  o.expected_close AS day,
  :as_of AS basis,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, :as_of) AS value,
  COALESCE(o.probability_override, s.probability, 0) AS stated,
  CASE WHEN o.probability_override IS NULL THEN 0 ELSE 1 END AS overridden,
  CASE WHEN h.total > 0 THEN h.won ELSE COALESCE(s.probability, 0) END AS won_before,
  CASE WHEN h.total > 0 THEN h.total ELSE 1000000 END AS all_before,
  CASE WHEN h.total > 0 THEN 1 ELSE 0 END AS measured
FROM opportunity AS o
JOIN period AS p ON p.start <= o.expected_close AND o.expected_close <= p.end
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN stage AS s ON s.id = o.stage AND s.day_from <= :as_of AND :as_of < s.day_to
LEFT JOIN (
  SELECT e.period, e.stage, SUM(e.value) AS total, SUM(CASE WHEN e.won = 1 THEN e.value ELSE 0 END) AS won
  FROM (
    SELECT y.key AS period, x.stage, in_currency(x.value, x.currency, y.at) AS value,
           CASE WHEN z.status = 'won' AND y.start <= z.closed_on AND z.closed_on <= y.end THEN 1 ELSE 0 END AS won
    FROM past_period AS y
    JOIN opportunity AS x ON x.day_from <= y.at AND y.at < x.day_to AND x.created_on <= y.at
    JOIN opportunity AS z ON z.id = x.id AND as_of(z)
    WHERE x.status = 'open' AND NOT x.deleted
  ) AS e
  GROUP BY e.period, e.stage
) AS h ON h.period = p.key AND h.stage = o.stage
WHERE as_of(o) AND o.status = 'open'
