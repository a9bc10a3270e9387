"""Movements between stages as SQL: where deals stood on two evenings, and every move between them."""

from __future__ import annotations

from datetime import date

from salesops.metrics.sql import converted, day, live

NEW, GONE = -2, -3
"""Keys of what is no stage: not there yet, deleted since."""


def matrix(before: date, after: date, currency: str | None) -> str:
    """Rows (from_stage, to_stage, n, value): deals by stage on two evenings.

    Left out: deals closed on both evenings in the same stage, and those that exist on neither. Value: that of the second
    evening, at its rate; of a deal that is gone, its last.
    """
    a, b = day(before), day(after)
    value, join = "t.value", ""
    if currency is not None:
        join = (
            f" LEFT JOIN rate_day AS r ON r.kind = 'spot' AND r.currency = t.currency AND r.to_currency = '{currency}' "
            f"AND r.day = {b}"
        )
        value = f"CASE WHEN t.currency = '{currency}' THEN t.value ELSE {converted('t.value', 'r.rate')} END"
    return f"""
        SELECT t.from_stage, t.to_stage, COUNT(*) AS n, CAST(SUM({value}) AS BIGINT) AS value,
               COUNT(*) - COUNT({value}) AS unknown
        FROM (
            SELECT CASE WHEN a.id IS NULL THEN {NEW} ELSE COALESCE(a.stage, 0) END AS from_stage,
                   CASE WHEN b.id IS NULL THEN {GONE} ELSE COALESCE(b.stage, 0) END AS to_stage,
                   CASE WHEN b.id IS NULL THEN a.value ELSE b.value END AS value,
                   CASE WHEN b.id IS NULL THEN a.currency ELSE b.currency END AS currency,
                   CASE WHEN a.status = 'open' OR b.status = 'open' THEN 1 ELSE 0 END AS was_open
            FROM (
                SELECT o.id, o.stage, o.status, o.value, o.currency FROM opportunity AS o
                WHERE {live("o", a)} AND (o.status = 'open' OR o.day_to <= {b})
            ) AS a
            FULL JOIN (
                SELECT o.id, o.stage, o.status, o.value, o.currency FROM opportunity AS o
                WHERE {live("o", b)} AND (o.status = 'open' OR o.day_from > {a} OR o.created_on > {a})
            ) AS b ON b.id = a.id
        ) AS t{join}
        WHERE t.from_stage <> t.to_stage OR t.was_open = 1
        GROUP BY t.from_stage, t.to_stage
    """


def flow(first: date, last: date) -> str:
    """Rows (from_stage, to_stage, n): every real move inside the window, entries into the first stage included."""
    return f"""
        SELECT h.stage AS from_stage, h.next_stage AS to_stage, COUNT(*) AS n
        FROM stage_history AS h
        WHERE h.next_day >= {day(first)} AND h.next_day <= {day(last)}
        GROUP BY h.stage, h.next_stage
        UNION ALL
        SELECT {NEW} AS from_stage, h.stage AS to_stage, COUNT(*) AS n
        FROM stage_history AS h
        WHERE h.visit = 1 AND h.day >= {day(first)} AND h.day <= {day(last)}
        GROUP BY h.stage
    """
