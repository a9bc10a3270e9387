SELECT
  o.id AS id,
  o.on_day AS day,
  o.on_day AS basis,
  o.owner AS owner,
  o.owner AS owner_now,
  o.kind AS kind,
  o.account AS account,
  CASE WHEN o.kind IN ('email_out', 'email_in') THEN 0 ELSE o.minutes END AS minutes,
  CASE WHEN COALESCE(o.external, NOT (o.contact IS NULL AND o.lead IS NULL AND o.account IS NULL AND o.opportunity IS NULL))
       THEN 1 ELSE 0 END AS outside
FROM activity AS o
WHERE o.on_day <= :as_of AND COALESCE(o.status, 'held') = 'held' AND NOT COALESCE(o.automatic, FALSE)
