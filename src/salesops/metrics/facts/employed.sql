SELECT
  e.person AS id,
  e.person AS owner,
  e.person AS owner_now,
  e.period AS period,
  e.day AS day,
  e.day AS basis,
  e.role AS role,
  e.unit AS business_unit,
  e.fte AS fte
FROM (
  SELECT w.person, w.role, w.legal_entity AS unit, COALESCE(w.fte, 1000000) AS fte, p.key AS period, p.snap AS day,
         ROW_NUMBER() OVER (PARTITION BY w.person, p.key ORDER BY w.id) AS place
  FROM employment AS w
  JOIN period AS p ON w.valid_from <= p.snap AND p.snap < w.valid_to
  WHERE NOT w.person IS NULL
) AS e
WHERE e.place = 1
