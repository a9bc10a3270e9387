SELECT
  t.account AS id,
  t.account AS account,
  p.key AS period,
  p.snap AS day,
  p.snap AS basis,
  n.owner AS owner_now,
  t.at_start AS at_start,
  t.at_end AS at_end,
  CASE WHEN t.unknown = 0 THEN t.start_value END AS start_value,
  CASE WHEN t.unknown = 0 THEN t.now_value END AS now_value,
  CASE WHEN t.unknown = 0 THEN CASE WHEN t.now_value < t.start_value THEN t.now_value ELSE t.start_value END END AS kept_value,
  CASE WHEN t.unknown = 0 THEN t.end_value END AS end_value,
  t.margin_value AS margin_value,
  t.margin_base_value AS margin_base_value,
  m.months AS months
FROM (
  SELECT u.account, u.opens, MAX(u.at_start) AS at_start, MAX(u.at_end) AS at_end,
         MAX(CASE WHEN u.at_start = 1 AND u.start_value IS NULL THEN 1
                  WHEN u.at_end = 1 AND (u.start_value IS NULL OR u.end_value IS NULL) THEN 1 ELSE 0 END) AS unknown,
         CAST(SUM(CASE WHEN u.at_start = 1 THEN u.start_value ELSE 0 END) AS BIGINT) AS start_value,
         CAST(SUM(CASE WHEN u.at_end = 1 THEN u.start_value ELSE 0 END) AS BIGINT) AS now_value,
         CAST(SUM(CASE WHEN u.at_end = 1 THEN u.end_value ELSE 0 END) AS BIGINT) AS end_value,
         CAST(SUM(CASE WHEN u.at_end = 1 THEN rounded_share(u.end_value, u.margin, 1000000) END) AS BIGINT) AS margin_value,
         CAST(SUM(CASE WHEN u.at_end = 1 AND NOT u.margin IS NULL THEN u.end_value END) AS BIGINT) AS margin_base_value
  FROM (
    SELECT s.account, s.margin, p.start AS opens,
           CASE WHEN s.valid_from <= p.eve AND p.eve < s.valid_to THEN 1 ELSE 0 END AS at_start,
           CASE WHEN s.valid_from <= p.snap AND p.snap < s.valid_to THEN 1 ELSE 0 END AS at_end,
           in_currency(s.recurring_amount, COALESCE(s.currency, :reporting), p.eve) AS start_value,
           in_currency(s.recurring_amount, COALESCE(s.currency, :reporting), p.snap) AS end_value
    FROM subscription AS s
    JOIN period AS p ON s.valid_from <= p.snap AND p.eve < s.valid_to AND p.eve <= p.snap
    WHERE NOT s.account IS NULL
  ) AS u
  WHERE u.at_start = 1 OR u.at_end = 1
  GROUP BY u.account, u.opens
) AS t
JOIN period AS p ON p.start = t.opens
LEFT JOIN (
  SELECT y.period, SUM(y.days * 1000000 // y.size) AS months
  FROM (
    SELECT x.period, x.month_start, x.size, COUNT(*) AS days
    FROM (
      SELECT p.key AS period, c.month_start, DATE_DIFF('day', c.month_start, c.month_end) + 1 AS size
      FROM calendar_day AS c
      JOIN period AS p ON p.start <= c.day AND c.day <= p.snap
    ) AS x
    GROUP BY x.period, x.month_start, x.size
  ) AS y
  GROUP BY y.period
) AS m ON m.period = p.key
LEFT JOIN account AS b ON b.id = t.account AND on_day(b, p.snap)
LEFT JOIN account AS o ON o.id = t.account AND on_day(o, :as_of)
LEFT JOIN account AS n ON n.id = t.account AND n.day_to = CAST('9999-12-31' AS DATE)
