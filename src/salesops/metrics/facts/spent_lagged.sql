SELECT
  f.id AS id,
  f.category AS category,
  g.day AS day,
  g.day AS basis,
  f.campaign AS campaign,
  f.business_unit AS business_unit,
  f.selling AS selling,
  g.lag_months AS lag_months,
  f.value AS value
FROM fact_spent AS f
JOIN (
  SELECT a.month_start AS month, z.month_start AS day, l.lag_months
  FROM (
    SELECT d.month_start, ROW_NUMBER() OVER (ORDER BY d.month_start) AS place
    FROM (SELECT DISTINCT month_start FROM calendar_day) AS d
  ) AS a
  JOIN (
    SELECT COALESCE(MAX(CASE WHEN r.place = (r.size + 1) // 2 THEN (r.cycle_days * 1200 + 18262) // 36524 END), 0) AS lag_months
    FROM (
      SELECT w.cycle_days, ROW_NUMBER() OVER (ORDER BY w.cycle_days) AS place, COUNT(*) OVER (PARTITION BY 1) AS size
      FROM fact_closed AS w
      WHERE w.status = 'won' AND NOT w.cycle_days IS NULL
    ) AS r
  ) AS l ON 1 = 1
  JOIN (
    SELECT d.month_start, ROW_NUMBER() OVER (ORDER BY d.month_start) AS place
    FROM (SELECT DISTINCT month_start FROM calendar_day) AS d
  ) AS z ON z.place = a.place + l.lag_months
) AS g ON g.month = f.day
