SELECT
  t.id AS id,
  t.day AS day,
  t.day AS basis,
  t.person AS owner,
  t.person AS owner_now,
  t.kind AS credit_kind,
  t.unit AS unit,
  CASE WHEN t.split IS NULL THEN t.value
       ELSE CAST(SIGN(t.value) * (t.whole + CASE WHEN t.place <= t.rest THEN 1 ELSE 0 END) AS BIGINT) END AS value
FROM (
  SELECT u.id, u.day, u.person, u.kind, u.unit, u.split, u.value, u.whole,
         ROW_NUMBER() OVER (PARTITION BY u.id, u.part, u.unit ORDER BY u.rest DESC, u.split) AS place,
         SUM(u.rest) OVER (PARTITION BY u.id, u.part, u.unit) // 1000000 AS rest
  FROM (
    SELECT w.id, w.day, COALESCE(c.person, w.owner) AS person, 'credit' AS kind, w.unit, c.id AS split, 0 AS part, w.value,
           ABS(w.value) // 1000000 * c.share + ABS(w.value) % 1000000 * c.share // 1000000 AS whole,
           ABS(w.value) % 1000000 * c.share % 1000000 AS rest
    FROM (
      SELECT y.id, y.day, y.owner, un.unit, in_currency(y.value, y.currency, y.day) AS value
      FROM (
        SELECT o.id, o.closed_on AS day, o.value, o.currency, CASE WHEN k.id IS NULL THEN o.owner ELSE k.owner END AS owner
        FROM opportunity AS o
        LEFT JOIN opportunity AS k ON k.id = o.id AND on_day(k, o.closed_on) AND k.day_from <= :last AND :first < k.day_to
        WHERE as_of(o) AND o.status = 'won' AND :first <= o.closed_on AND o.closed_on <= :last
      ) AS y
      JOIN unit AS un ON 1 = 1
    ) AS w
    LEFT JOIN opportunity_split AS c ON c.opportunity = w.id AND COALESCE(c.kind, 'credit') = 'credit'
      AND NOT c.share IS NULL AND c.valid_from <= w.day AND w.day < c.valid_to
    UNION ALL
    SELECT w.id, w.day, c.person, 'overlay' AS kind, w.unit, c.id AS split, c.id AS part, w.value,
           ABS(w.value) // 1000000 * c.share + ABS(w.value) % 1000000 * c.share // 1000000 AS whole,
           ABS(w.value) % 1000000 * c.share % 1000000 AS rest
    FROM (
      SELECT o.id, o.closed_on AS day, un.unit, in_currency(o.value, o.currency, o.closed_on) AS value
      FROM opportunity AS o
      JOIN unit AS un ON 1 = 1
      WHERE :overlay AND as_of(o) AND o.status = 'won' AND :first <= o.closed_on AND o.closed_on <= :last
    ) AS w
    JOIN opportunity_split AS c ON c.opportunity = w.id AND c.kind = 'overlay'
      AND NOT c.share IS NULL AND c.valid_from <= w.day AND w.day < c.valid_to
  ) AS u
) AS t
LEFT JOIN opportunity AS o ON o.id = t.id AND as_of(o)
LEFT JOIN opportunity AS b ON b.id = t.id AND on_day(b, t.day)
