SELECT
  o.id AS id,
  o.expected_close AS day,
  :as_of AS basis,
  n.owner AS owner_now,
  in_currency(o.value, o.currency, :as_of) AS value,
  COALESCE(s.probability, 0) AS probability
FROM opportunity AS o
LEFT JOIN opportunity AS n ON n.id = o.id AND n.day_to = CAST('9999-12-31' AS DATE)
LEFT JOIN stage AS s ON s.id = o.stage AND s.day_from <= :as_of AND :as_of < s.day_to
WHERE as_of(o) AND o.status = 'open'
