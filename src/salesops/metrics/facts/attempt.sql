SELECT
  o.id AS id,
  o.on_day AS day,
  o.on_day AS basis,
  o.lead AS lead,
  o.contact AS contact,
  o.at AS at
FROM activity AS o
WHERE o.at < :as_of_end AND o.kind IN ('call', 'email_out', 'message') AND COALESCE(o.direction, 'out') <> 'in'
  AND COALESCE(o.status, 'held') = 'held' AND NOT COALESCE(o.automatic, FALSE)
