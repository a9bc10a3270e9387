SELECT
  o.id AS id,
  o.number AS number,
  o.ordered_on AS day,
  o.ordered_on AS basis,
  n.owner AS owner_now,
  CASE WHEN o.amount IS NULL THEN l.value
       ELSE in_currency(o.amount, COALESCE(o.currency, :reporting), o.ordered_on) END AS value
FROM "order" AS o
LEFT JOIN (
  SELECT y."order", CASE WHEN COUNT(*) = COUNT(y.value) THEN CAST(SUM(y.value) AS BIGINT) END AS value
  FROM fact_order_line AS y
  GROUP BY y."order"
) AS l ON l."order" = o.id
LEFT JOIN "order" AS b ON b.id = o.id AND on_day(b, o.ordered_on)
LEFT JOIN "order" AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(o) AND o.ordered_on <= :as_of
  AND NOT COALESCE(o.status, '') IN ('cancelled', 'canceled', 'Cancelled', 'Canceled', 'draft', 'Draft')
