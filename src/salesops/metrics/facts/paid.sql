SELECT
  y.id AS id,
  y.on_day AS day,
  y.on_day AS basis,
  y.account AS account,
  CASE WHEN a.id IS NULL THEN z.owner ELSE a.owner END AS owner,
  n.owner AS owner_now,
  y.currency AS currency,
  in_currency(y.amount, y.currency, y.on_day) AS value
FROM (
  SELECT e.id, e.on_day, e.amount, COALESCE(e.account, i.account) AS account,
         COALESCE(e.currency, i.currency, :reporting) AS currency
  FROM payment AS e
  LEFT JOIN invoice AS i ON i.id = e.invoice AND on_day(i, :as_of)
) AS y
LEFT JOIN account AS a ON a.id = y.account AND on_day(a, y.on_day)
LEFT JOIN account AS z ON z.id = y.account AND on_day(z, :as_of)
LEFT JOIN account AS n ON n.id = y.account AND n.day_to = CAST('9999-12-31' AS DATE)
WHERE y.on_day <= :as_of
