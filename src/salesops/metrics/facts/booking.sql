SELECT
  o.id AS id,
  o.booked_on AS day,
  o.booked_on AS basis,
  o.owner AS owner,
  o.owner AS owner_now,
  o.kind AS kind,
  o.account AS account,
  CASE WHEN o.status = 'cancelled' THEN 1 ELSE 0 END AS cancelled,
  CASE WHEN COALESCE(o.external, NOT (o.contact IS NULL AND o.lead IS NULL AND o.account IS NULL AND o.opportunity IS NULL))
       THEN 1 ELSE 0 END AS outside
FROM activity AS o
WHERE o.booked_on <= :as_of AND NOT COALESCE(o.automatic, FALSE)
