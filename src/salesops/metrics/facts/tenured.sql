SELECT
  1 AS id,
  :as_of AS day,
  :as_of AS basis,
  MAX(CASE WHEN t.place = (t.size + 1) // 2 THEN t.value END) AS level,
  COUNT(DISTINCT t.owner) AS people
FROM (
  SELECT r.owner, r.value, ROW_NUMBER() OVER (ORDER BY r.value) AS place, COUNT(*) OVER () AS size
  FROM fact_rep_month AS r
  WHERE r.tenured = 1
) AS t
