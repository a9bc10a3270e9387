SELECT
  o.id AS id,
  y.key AS period,
  o.closed_on AS day,
  o.closed_on AS basis,
  o.status AS status,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, o.closed_on) AS value
FROM opportunity AS o
JOIN past_period AS y ON y.n <= 4 AND y.start <= o.closed_on AND o.closed_on <= y.end
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.closed_on)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE as_of(o) AND o.status <> 'open'
