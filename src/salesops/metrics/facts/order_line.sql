SELECT
  i.id AS id,
  i."order" AS "order",
  o.number AS number,
  o.ordered_on AS day,
  o.ordered_on AS basis,
  n.owner AS owner_now,
  i.product AS product,
  g.line AS product_line,
  in_currency(
    CASE WHEN NOT i.amount IS NULL THEN i.amount
         ELSE CAST((CAST(i.quantity AS HUGEINT) * i.price // 10000) * (1000000 - COALESCE(i.discount, 0)) // 1000000 AS BIGINT) END,
    COALESCE(i.currency, o.currency, :reporting), o.ordered_on) AS value,
  in_currency(
    CASE WHEN NOT i.profit IS NULL THEN i.profit ELSE i.amount - i.cost END,
    COALESCE(i.currency, o.currency, :reporting), o.ordered_on) AS profit_value
FROM order_line AS i
JOIN "order" AS o ON o.id = i."order" AND as_of(o)
LEFT JOIN product AS g ON g.id = i.product AND on_day(g, o.ordered_on)
LEFT JOIN "order" AS b ON b.id = o.id AND on_day(b, o.ordered_on)
LEFT JOIN "order" AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(i) AND o.ordered_on <= :as_of
  AND NOT COALESCE(o.status, '') IN ('cancelled', 'canceled', 'Cancelled', 'Canceled', 'draft', 'Draft')
