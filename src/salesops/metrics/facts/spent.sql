SELECT
  c.id AS id,
  c.category AS category,
  c.month_day AS day,
  c.month_day AS basis,
  c.campaign AS campaign,
  c.business_unit AS business_unit,
  CASE WHEN c.function IN ('sales', 'marketing') THEN 1 ELSE 0 END AS selling,
  CASE WHEN COALESCE(c.paid, k.paid IN ('yes', 'Yes', 'YES', 'true', 'True', '1')) THEN 1 ELSE 0 END AS paid,
  in_currency(c.amount, c.currency, c.month_day) AS value
FROM (
  SELECT e.id, e.on_day, e.campaign, e.business_unit, e.function, e.category, e.paid, e.amount,
         COALESCE(e.currency, :reporting) AS currency, COALESCE(d.month_start, e.month, e.on_day) AS month_day
  FROM cost AS e
  LEFT JOIN calendar_day AS d ON d.day = COALESCE(e.month, e.on_day)
  WHERE e.on_day <= :as_of
) AS c
LEFT JOIN campaign AS k ON k.id = c.campaign AND on_day(k, c.on_day)
