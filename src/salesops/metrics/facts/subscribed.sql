SELECT
  s.id AS id,
  s.account AS account,
  p.key AS period,
  p.snap AS day,
  p.snap AS basis,
  n.owner AS owner_now,
  s.product AS product,
  g.line AS product_line,
  COALESCE(s.currency, :reporting) AS currency,
  in_currency(s.recurring_amount, COALESCE(s.currency, :reporting), p.snap) AS value
FROM subscription AS s
JOIN period AS p ON s.valid_from <= p.snap AND p.snap < s.valid_to
LEFT JOIN product AS g ON g.id = s.product AND on_day(g, p.snap)
LEFT JOIN account AS b ON b.id = s.account AND on_day(b, p.snap)
LEFT JOIN account AS o ON o.id = s.account AND on_day(o, :as_of)
LEFT JOIN account AS n ON n.id = s.account AND n.day_to = CAST('9999-12-31' AS DATE)
