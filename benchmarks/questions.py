"""The hand-written answers to the benchmark's questions, as DuckDB SQL: what the product is measured against.

Same records, same rules: evenings, deletions, values converted deal by deal at the day's rate (half to even), latest knowledge.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

LAST_WEEK: Final = date(2026, 9, 27)
WEEKS: Final = 104
FIRST_WEEK: Final = LAST_WEEK - timedelta(days=7 * (WEEKS - 1))
FROM, TO = date(2026, 4, 1), date(2026, 6, 30)
EVE: Final = FROM - timedelta(days=1)
HOME: Final = "USD"
TEN: Final = 10_000_000_000


def _day(value: date) -> str:
    return f"DATE '{value}'"


def _money(value: str, currency: str, rate: str) -> str:
    """Half to even, to 10^-4. An amount is below 9 x 10^14 units, so it is never negative and HUGEINT holds the product."""
    product = f"({value}::HUGEINT * {rate})"
    up = f"CASE WHEN 2 * ({product} % {TEN}) + ({product} // {TEN}) % 2 > {TEN} THEN 1 ELSE 0 END"
    return f"CASE WHEN {currency} = '{HOME}' THEN {value} ELSE ({product} // {TEN} + {up})::BIGINT END"


def _rate(alias: str, currency: str, on: str) -> str:
    return (
        f"LEFT JOIN rate_day {alias} ON {alias}.kind = 'spot' AND {alias}.to_currency = '{HOME}' "
        f"AND {alias}.currency = {currency} AND {alias}.day = {on}"
    )


def weekly() -> str:
    """Open value on 104 Sunday evenings: week number, value, deals with a known value, deals without."""
    first, last = _day(FIRST_WEEK), _day(LAST_WEEK)
    index = "CASE WHEN {0} <= {1} THEN 0 ELSE (date_diff('day', {1}, {0}) + 6) // 7 END"
    return f"""
        WITH v AS (
            SELECT {index.format("greatest(created_on, day_from)", first)} AS i,
                   least({index.format("day_to", first)}, {WEEKS}) AS j, value, currency
            FROM opportunity
            WHERE status = 'open' AND NOT deleted AND day_from <= {last} AND day_to > {first}
              AND created_on <= {last} AND created_on < day_to
        ), home AS (
            SELECT w, sum(s) OVER o AS s, sum(c) OVER o AS c, sum(n) OVER o AS n FROM (
                SELECT w, sum(s) AS s, sum(c) AS c, sum(n) AS n FROM (
                    SELECT i AS w, sum(value) AS s, count(value) AS c, count(*) AS n FROM v
                    WHERE i < j AND currency = '{HOME}' GROUP BY i
                    UNION ALL
                    SELECT j, -sum(value), -count(value), -count(*) FROM v WHERE i < j AND currency = '{HOME}' GROUP BY j
                    UNION ALL SELECT unnest(range({WEEKS})), 0, 0, 0
                ) GROUP BY w
            ) WINDOW o AS (ORDER BY w)
        ), same AS (
            SELECT currency, value, w, count(*) AS n FROM (
                SELECT currency, value, unnest(range(i, j)) AS w FROM v WHERE i < j AND currency <> '{HOME}'
            ) GROUP BY ALL
        ), abroad AS (
            SELECT w, sum(n * m) AS s, sum(n) FILTER (WHERE m IS NOT NULL) AS c, sum(n) AS n FROM (
                SELECT s.w, s.n, {_money("s.value", "s.currency", "r.rate")} AS m
                FROM same s {_rate("r", "s.currency", f"{first} + (7 * s.w)::INTEGER")}
            ) GROUP BY w
        )
        SELECT h.w::BIGINT AS week, (coalesce(h.s, 0) + coalesce(a.s, 0))::BIGINT AS value,
               (h.c + coalesce(a.c, 0))::BIGINT AS known, (h.n + coalesce(a.n, 0) - h.c - coalesce(a.c, 0))::BIGINT AS unknown
        FROM home h LEFT JOIN abroad a ON a.w = h.w WHERE h.w < {WEEKS} ORDER BY 1
    """


def matrix() -> str:
    """Deals by stage on two evenings: from, to, deals, value. -2 = not there yet, -3 = deleted since, 0 = no stage."""
    a, b = _day(EVE), _day(TO)
    at = "created_on <= {0} AND day_from <= {0} AND {0} < day_to AND NOT deleted"
    was = f"{at.format(a)} AND (status = 'open' OR day_to <= {b})"
    now = f"{at.format(b)} AND (status = 'open' OR day_from > {a} OR created_on > {a})"
    return f"""
        WITH was AS (SELECT id, stage, status, value, currency FROM opportunity WHERE {was}),
             now AS (SELECT id, stage, status, value, currency FROM opportunity WHERE {now}),
             pair AS (
                SELECT CASE WHEN w.id IS NULL THEN -2 ELSE coalesce(w.stage, 0) END AS f,
                       CASE WHEN n.id IS NULL THEN -3 ELSE coalesce(n.stage, 0) END AS t,
                       CASE WHEN n.id IS NULL THEN w.value ELSE n.value END AS value,
                       CASE WHEN n.id IS NULL THEN w.currency ELSE n.currency END AS currency,
                       w.status = 'open' OR n.status = 'open' AS alive
                FROM was w FULL JOIN now n ON n.id = w.id
             )
        SELECT f, t, count(*) AS n, coalesce(sum({_money("value", "p.currency", "r.rate")}), 0)::BIGINT AS value
        FROM pair p {_rate("r", "p.currency", b)} WHERE f <> t OR alive GROUP BY f, t ORDER BY f, t
    """


def waterfall() -> str:
    """All open deals from one evening to another: bar, entries, value. Only the bars that the scope can have."""
    e, first, last = _day(EVE), _day(FROM), _day(TO)

    def money(value: str, currency: str, alias: str) -> str:
        return f"coalesce({_money(value, currency, f'{alias}.rate')}, 0)"

    return f"""
        WITH w AS (
            SELECT id, greatest(created_on, day_from) AS since, day_to AS until, value, currency, closed_on,
                   CASE WHEN deleted THEN 'deleted' ELSE status END AS state
            FROM opportunity
            WHERE day_from <= {last} AND day_to > {e} AND created_on <= {last} AND created_on < day_to
              AND (day_from > {e} OR day_to <= {last} OR created_on > {e} OR (status = 'open' AND NOT deleted))
        ), p AS (
            SELECT *, lag(state) OVER o AS old_state, lag(value) OVER o AS old_value, lag(currency) OVER o AS old_currency,
                   min(CASE WHEN state = 'open' THEN greatest(since, {e}) END) OVER (PARTITION BY id) AS entered
            FROM w WINDOW o AS (PARTITION BY id ORDER BY since)
        ), g AS (
            SELECT id, any_value(entered) AS entered, max(until) FILTER (WHERE state = 'open') AS left_on,
                   max(since) FILTER (WHERE entered IS NULL AND old_state IS NULL AND state IN ('won', 'lost') AND since >= {first}) AS closed,
                   any_value(old_state) FILTER (WHERE since = entered AND state = 'open') AS before,
                   max(value) FILTER (WHERE greatest(since, {e}) = coalesce(entered, since) AND (state = 'open' OR entered IS NULL)
                       AND (entered IS NOT NULL OR old_state IS NULL)) AS value,
                   any_value(currency) FILTER (WHERE greatest(since, {e}) = coalesce(entered, since)
                       AND (state = 'open' OR entered IS NULL) AND (entered IS NOT NULL OR old_state IS NULL)) AS currency,
                   any_value(state) FILTER (WHERE until > {last}) AS final, max(value) FILTER (WHERE until > {last}) AS final_value,
                   any_value(currency) FILTER (WHERE until > {last}) AS final_currency,
                   max(closed_on) FILTER (WHERE until > {last}) AS closed_on
            FROM p GROUP BY id
        ), deal AS (
            SELECT id, value, currency, final, final_value, final_currency, coalesce(entered, closed) AS day,
                   CASE WHEN entered = {e} THEN 'start' WHEN before IS NULL THEN 'created' ELSE 'reopened' END AS entry,
                   CASE WHEN final = 'open' THEN {last} WHEN final IN ('won', 'lost') THEN coalesce(closed_on, left_on, {last})
                        ELSE coalesce(left_on, {last}) END AS gone
            FROM g WHERE entered IS NOT NULL OR (closed IS NOT NULL AND final IN ('won', 'lost'))
        ), change AS (
            SELECT p.id, {money("p.value", "p.currency", "a")} - {money("p.old_value", "p.old_currency", "b")} AS value
            FROM p JOIN deal d ON d.id = p.id AND p.since > d.day {_rate("a", "p.currency", "p.since")}
            {_rate("b", "p.old_currency", "p.since")}
            WHERE p.old_state IS NOT NULL AND p.since >= {first}
              AND (coalesce(p.value, 0) <> coalesce(p.old_value, 0) OR p.currency <> p.old_currency)
        ), whole AS (
            SELECT d.entry, CASE WHEN d.final = 'open' THEN 'end' ELSE d.final END AS leaving,
                   {money("d.value", "d.currency", "a")} AS came, {money("d.final_value", "d.final_currency", "b")} AS went,
                   coalesce(c.value, 0) AS changed
            FROM deal d {_rate("a", "d.currency", "d.day")} {_rate("b", "d.final_currency", "d.gone")}
            LEFT JOIN (SELECT id, sum(value) AS value FROM change GROUP BY id) c ON c.id = d.id
        )
        SELECT bar, n::BIGINT AS n, value::BIGINT AS value FROM (
            SELECT entry AS bar, count(*) AS n, sum(came) AS value FROM whole GROUP BY 1
            UNION ALL SELECT leaving, count(*), sum(went) FROM whole GROUP BY 1
            UNION ALL SELECT CASE WHEN value > 0 THEN 'increased' ELSE 'decreased' END, count(*), sum(abs(value)) FROM change
                      WHERE value <> 0 GROUP BY 1
            UNION ALL SELECT 'currency', count(*), sum(went - came - changed) FROM whole WHERE went - came - changed <> 0
        ) WHERE n > 0 ORDER BY bar
    """


SQL: Final = {"weekly": weekly, "waterfall": waterfall, "matrix": matrix}
