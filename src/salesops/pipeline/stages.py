"""Movements between stages as SQL: where deals stood on two evenings, and every move between them."""

from __future__ import annotations

from datetime import date

from salesops.metrics.sql import converted, day

NEW, GONE = -2, -3
"""Keys of what is no stage: not there yet, deleted since."""


def matrix(before: date, after: date, currency: str | None) -> str:
    """Rows (from_stage, to_stage, n, value): deals by stage on two evenings, one scan.

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
            SELECT o.id,
                   COALESCE(MAX(CASE WHEN o.day_from <= {a} AND {a} < o.day_to AND o.created_on <= {a} AND NOT o.deleted
                                     THEN COALESCE(o.stage, 0) END), {NEW}) AS from_stage,
                   COALESCE(MAX(CASE WHEN {b} < o.day_to AND NOT o.deleted THEN COALESCE(o.stage, 0) END), {GONE}) AS to_stage,
                   MAX(CASE WHEN o.status = 'open' AND NOT o.deleted THEN 1 ELSE 0 END) AS was_open,
                   MAX(CASE WHEN {b} < o.day_to THEN o.value END) AS value,
                   MAX(CASE WHEN {b} < o.day_to THEN o.currency END) AS currency
            FROM opportunity AS o
            WHERE o.created_on <= {b} AND ((o.day_from <= {a} AND {a} < o.day_to AND ({b} >= o.day_to OR o.status = 'open'))
                                           OR (o.day_from <= {b} AND {b} < o.day_to AND o.day_from > {a})
                                           OR (o.day_from <= {a} AND {b} < o.day_to AND o.created_on > {a}))
            GROUP BY o.id
        ) AS t{join}
        WHERE NOT (t.from_stage = {NEW} AND t.to_stage = {GONE}) AND (t.from_stage <> t.to_stage OR t.was_open = 1)
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
