SELECT
  o.id AS id,
  o.closed_on AS day,
  o.closed_on AS basis,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, o.closed_on) AS value,
  CASE WHEN k.paid IN ('yes', 'Yes', 'YES', 'true', 'True', '1') OR NOT y.campaign IS NULL THEN 1 ELSE 0 END AS paid_campaign
FROM opportunity AS o
JOIN (
  SELECT a.id, ROW_NUMBER() OVER (PARTITION BY a.account ORDER BY a.closed_on, a.id) AS place
  FROM opportunity AS a
  WHERE as_of(a) AND a.status = 'won' AND NOT a.account IS NULL
) AS w ON w.id = o.id AND w.place = 1
LEFT JOIN opportunity AS b ON b.id = o.id AND on_day(b, o.closed_on)
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN campaign AS k ON k.id = o.campaign AND on_day(k, o.closed_on)
LEFT JOIN (SELECT DISTINCT x.campaign FROM cost AS x WHERE x.paid AND x.on_day <= :as_of) AS y ON y.campaign = o.campaign
WHERE as_of(o) AND o.status = 'won'
