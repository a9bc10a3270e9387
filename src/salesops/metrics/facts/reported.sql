SELECT
  o.id AS id,
  o.on_day AS day,
  o.on_day AS basis,
  o.person AS owner,
  o.person AS owner_now,
  o.category AS category,
  CASE WHEN o.category IN ('selling', 'outreach', 'customer', 'call', 'meeting', 'demo', 'proposal', 'presentation', 'social',
                           'message', 'email_out')
       THEN 1
       WHEN o.category IN ('admin', 'crm_entry', 'training', 'internal', 'travel', 'other') THEN 0 END AS selling,
  CASE WHEN o.category IN ('selling', 'outreach', 'customer', 'call', 'meeting', 'demo', 'proposal', 'presentation', 'social',
                           'message', 'email_out', 'admin', 'crm_entry', 'training', 'internal', 'travel', 'other')
       THEN o.minutes END AS minutes
FROM time_report AS o
WHERE o.on_day <= :as_of
