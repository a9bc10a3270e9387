SELECT
  o.id AS id,
  o.number AS number,
  o.issued_on AS day,
  o.issued_on AS basis,
  CASE WHEN a.id IS NULL THEN z.owner ELSE a.owner END AS owner,
  n.owner AS owner_now,
  COALESCE(o.kind, 'invoice') AS kind,
  CASE WHEN o.kind = 'credit_note' THEN -ABS(in_currency(o.amount, COALESCE(o.currency, :reporting), o.issued_on))
       ELSE in_currency(o.amount, COALESCE(o.currency, :reporting), o.issued_on) END AS value
FROM invoice AS o
LEFT JOIN account AS a ON a.id = o.account AND on_day(a, o.issued_on)
LEFT JOIN account AS z ON z.id = o.account AND on_day(z, :as_of)
LEFT JOIN account AS n ON n.id = o.account AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(o) AND o.issued_on <= :as_of
  AND NOT COALESCE(o.status, '') IN ('cancelled', 'canceled', 'Cancelled', 'Canceled', 'draft', 'Draft', 'void', 'Void')
