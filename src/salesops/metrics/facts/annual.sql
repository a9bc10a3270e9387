SELECT
  o.id AS id,
  o.closed_on AS day,
  o.closed_on AS basis,
  n.owner AS owner_now,
  CASE WHEN a.lines = a.known THEN CAST(a.value AS BIGINT) END AS value
FROM opportunity AS o
JOIN (
  SELECT y.opportunity, COUNT(*) AS lines, COUNT(y.value) AS known, SUM(y.value) AS value
  FROM (
    SELECT z.opportunity, in_currency(z.value, z.currency, z.day) AS value
    FROM (
      SELECT l.opportunity, x.closed_on AS day, COALESCE(l.currency, x.currency) AS currency,
             rounded_share(l.net, 12, l.term) AS value
      FROM (
        SELECT i.opportunity, i.product, i.currency, i.recurring,
               CASE WHEN i.term_months > 0 THEN i.term_months END AS term,
               CASE WHEN NOT i.amount IS NULL THEN i.amount
                    ELSE (CAST(i.quantity AS HUGEINT) * i.price // 10000) * (1000000 - COALESCE(i.discount, 0)) // 1000000
               END AS net
        FROM opportunity_line AS i
        WHERE as_of(i)
      ) AS l
      JOIN opportunity AS x ON x.id = l.opportunity AND as_of(x) AND x.status = 'won'
      LEFT JOIN product AS g ON g.id = l.product AND on_day(g, x.closed_on)
      WHERE COALESCE(l.recurring, g.recurring)
    ) AS z
  ) AS y
  GROUP BY y.opportunity
) AS a ON a.opportunity = o.id
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.closed_on) AND b.day_from <= :last AND :first < b.day_to
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(o) AND o.status = 'won'
