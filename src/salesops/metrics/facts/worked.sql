SELECT
  a.id AS id,
  a.day AS day,
  a.basis AS basis,
  a.owner AS owner,
  a.owner_now AS owner_now,
  a.kind AS kind,
  a.outside AS outside,
  CASE WHEN k.owner IS NULL THEN NULL ELSE a.minutes END AS minutes
FROM fact_activity AS a
LEFT JOIN (
  SELECT DISTINCT w.owner FROM fact_workday AS w WHERE NOT w.minutes IS NULL
) AS k ON k.owner = a.owner
