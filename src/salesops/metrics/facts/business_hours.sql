SELECT
  t.unit AS id,
  t.day AS day,
  t.day AS basis,
  t.unit AS unit,
  DATE_DIFF('day', CAST('1970-01-01' AS DATE), t.day) AS n,
  t.open AS open,
  COALESCE(SUM(t.open) OVER (PARTITION BY t.unit ORDER BY t.day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
FROM (
  SELECT e.unit, e.day, SUM(e.open) AS open
  FROM (
    SELECT u.unit, k.day, 0 AS open
    FROM (
      SELECT s.id AS unit, s.calendar FROM business_unit AS s WHERE s.day_to = CAST('9999-12-31' AS DATE)
      UNION ALL
      SELECT -1 AS unit, NULL AS calendar
    ) AS u
    JOIN calendar_day AS k ON TRUE
    WHERE EXISTS (
      SELECT 1 FROM working_time AS w WHERE w.person IS NULL AND (w.calendar IS NULL OR w.calendar = u.calendar)
    )
    UNION ALL
    SELECT h.unit, h.day,
           60000000 * COALESCE(
             CASE WHEN h.weekday = 0 THEN w.monday WHEN h.weekday = 1 THEN w.tuesday WHEN h.weekday = 2 THEN w.wednesday
                  WHEN h.weekday = 3 THEN w.thursday WHEN h.weekday = 4 THEN w.friday WHEN h.weekday = 5 THEN w.saturday
                  ELSE w.sunday END, 0) AS open
    FROM (
      SELECT u.unit, k.day, DATE_DIFF('day', CAST('1900-01-01' AS DATE), k.day) % 7 AS weekday, COALESCE(b.id, z.id) AS hours,
             ROW_NUMBER() OVER (PARTITION BY u.unit, k.day ORDER BY b.id, z.id) AS place
      FROM (
        SELECT s.id AS unit, s.calendar, s.country FROM business_unit AS s WHERE s.day_to = CAST('9999-12-31' AS DATE)
        UNION ALL
        SELECT -1 AS unit, NULL AS calendar, NULL AS country
      ) AS u
      JOIN calendar_day AS k ON TRUE
      LEFT JOIN working_time AS b ON b.person IS NULL AND b.calendar = u.calendar AND b.valid_from <= k.day AND k.day < b.valid_to
      LEFT JOIN working_time AS z ON z.person IS NULL AND z.calendar IS NULL AND z.valid_from <= k.day AND k.day < z.valid_to
      WHERE NOT EXISTS (
        SELECT 1 FROM holiday AS f
        WHERE f.valid_from <= k.day AND k.day < f.valid_to
          AND (f.calendar = u.calendar OR (f.calendar IS NULL AND (f.country IS NULL OR f.country = u.country)))
      )
    ) AS h
    JOIN working_time AS w ON w.id = h.hours
    WHERE h.place = 1
  ) AS e
  GROUP BY e.unit, e.day
) AS t
