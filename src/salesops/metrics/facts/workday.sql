SELECT
  d.person AS id,
  d.day AS day,
  d.day AS basis,
  d.person AS owner,
  d.person AS owner_now,
  d.unit AS business_unit,
  d.role AS role,
  d.assumed AS assumed,
  d.employed AS employed,
  rounded_share(d.minutes, d.fte, 1000000) AS minutes
FROM (
  SELECT j.person, j.day, j.unit, j.role, j.fte, j.weekday, j.employed,
         CASE WHEN t.id IS NULL THEN 1 ELSE 0 END AS assumed,
         CASE WHEN j.weekday = 0 THEN t.monday WHEN j.weekday = 1 THEN t.tuesday WHEN j.weekday = 2 THEN t.wednesday
              WHEN j.weekday = 3 THEN t.thursday WHEN j.weekday = 4 THEN t.friday WHEN j.weekday = 5 THEN t.saturday
              ELSE t.sunday END AS minutes
  FROM (
    SELECT e.person, c.day, c.weekday, e.unit, e.role, e.fte, e.employed, COALESCE(a.id, b.id, z.id) AS hours,
           ROW_NUMBER() OVER (PARTITION BY e.person, c.day ORDER BY e.job, a.id, b.id, z.id) AS place
    FROM (
      SELECT w.person, w.id AS job, w.legal_entity AS unit, w.role, COALESCE(w.fte, 1000000) AS fte, w.valid_from, w.valid_to,
             1 AS employed
      FROM employment AS w
      JOIN (
        SELECT x.owner FROM activity AS x WHERE x.on_day <= :as_of AND COALESCE(x.status, 'held') = 'held' AND NOT COALESCE(x.automatic, FALSE)
        UNION
        SELECT x.owner FROM opportunity AS x WHERE x.created_on <= :as_of
      ) AS s ON s.owner = w.person
      UNION ALL
      SELECT x.owner AS person, 0 AS job, NULL AS unit, NULL AS role, 1000000 AS fte, MIN(x.on_day) AS valid_from,
             MAX(x.on_day) + 1 AS valid_to, 0 AS employed
      FROM activity AS x
      WHERE x.on_day <= :as_of AND COALESCE(x.status, 'held') = 'held' AND NOT COALESCE(x.automatic, FALSE)
        AND NOT x.owner IS NULL AND NOT EXISTS (SELECT 1 FROM employment AS w WHERE w.person = x.owner)
      GROUP BY x.owner
    ) AS e
    JOIN (
      SELECT k.day, DATE_DIFF('day', CAST('1900-01-01' AS DATE), k.day) % 7 AS weekday
      FROM calendar_day AS k
      JOIN (SELECT MIN(x.on_day) AS day FROM activity AS x) AS f ON f.day <= k.day
      WHERE :first <= k.day AND k.day <= :last AND k.day <= :as_of
    ) AS c ON e.valid_from <= c.day AND c.day < e.valid_to
    LEFT JOIN business_unit AS u ON u.id = e.unit AND on_day(u, c.day)
    LEFT JOIN person AS y ON y.id = e.person AND on_day(y, c.day)
    LEFT JOIN working_time AS a ON a.person = e.person AND a.valid_from <= c.day AND c.day < a.valid_to
    LEFT JOIN working_time AS b ON b.person IS NULL AND b.calendar = u.calendar AND b.valid_from <= c.day AND c.day < b.valid_to
    LEFT JOIN working_time AS z ON z.person IS NULL AND z.calendar IS NULL AND z.valid_from <= c.day AND c.day < z.valid_to
    WHERE NOT EXISTS (
      SELECT 1 FROM absence AS l WHERE l.person = e.person AND l.valid_from <= c.day AND c.day < l.valid_to
    ) AND NOT EXISTS (
      SELECT 1 FROM holiday AS h
      WHERE h.valid_from <= c.day AND c.day < h.valid_to
        AND (h.calendar = u.calendar
             OR (h.calendar IS NULL AND (h.country IS NULL OR h.country = COALESCE(y.country, u.country))))
    )
  ) AS j
  LEFT JOIN working_time AS t ON t.id = j.hours
  WHERE j.place = 1
) AS d
WHERE d.minutes > 0 OR (d.assumed = 1 AND d.weekday < 5)
