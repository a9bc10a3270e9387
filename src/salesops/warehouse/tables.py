"""Interval and event tables, and the small tables made of them: rates by day, reporting closure, calendar."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from salesops.common.periods import CALENDAR_COLUMNS, FiscalCalendar
from salesops.records.columns import FOREVER, day_sql, quote
from salesops.records.entities import Entity, Field

ALWAYS = "DATE '0001-01-01'"
DUCK = {"date": "DATE", "boolean": "BOOLEAN", "text": "VARCHAR", "kind": "VARCHAR"}


def dated_select(entity: Entity, custom: list[Field], source: str, time_zone: str) -> str:
    """The SELECT that types the stored rows of an interval or event entity (relation `source`)."""
    parts = ["t.id"]
    if entity.shape == "interval":
        parts += [
            f"coalesce(t.valid_from::DATE, {ALWAYS}) AS valid_from",
            f"coalesce(t.valid_to::DATE, {FOREVER}) AS valid_to",
        ]
    else:
        parts += ["t.at", f"{day_sql('t.at', time_zone)} AS on_day"]
    for field in entity.fields:
        if field.name not in ("valid_from", "valid_to", "at"):
            parts.append(f"t.{quote(field.name)}::{DUCK.get(field.kind, 'BIGINT')} AS {quote(field.name)}")
    for field in custom:
        value = f"json_extract_string(t.custom, '$.\"{field.name}\"')"
        parts.append(f"TRY_CAST({value} AS {DUCK.get(field.kind, 'BIGINT')}) AS {quote('custom_' + field.name)}")
    parts += ["t.recorded_from", "t.recorded_to", "t.assumed::BOOLEAN AS assumed", "t.deleted::BOOLEAN AS deleted"]
    return f"SELECT {', '.join(parts)} FROM {source} t"


def known_filter(until: int | None) -> str:
    """Rows as known before the instant `until` (None = now)."""
    if until is None:
        return "recorded_to IS NULL AND NOT deleted"
    return f"recorded_from < {until} AND (recorded_to IS NULL OR recorded_to >= {until}) AND NOT deleted"


def rate_select(reporting: str, last_day: date) -> str:
    """Rates by day from the view `exchange_rate`; the inverse, to 10 places, where only the other direction is known."""
    return f"""
        WITH pair AS (
            SELECT coalesce(kind, 'spot') AS kind, currency, to_currency, valid_from, valid_to, rate, 0 AS derived FROM exchange_rate
            WHERE rate > 0
            UNION ALL
            SELECT coalesce(kind, 'spot'), to_currency, currency, valid_from, valid_to,
                   ((200000000000000000000::HUGEINT // rate + 1) // 2)::BIGINT, 1
            FROM exchange_rate WHERE rate > 0
        ), span AS (
            SELECT *, greatest(valid_from, DATE '1970-01-01') AS first_day,
                   least(valid_to, DATE '{last_day}') AS end_day FROM pair
        ), daily AS (
            SELECT kind, currency, to_currency, unnest(range(first_day, end_day, INTERVAL 1 DAY))::DATE AS day, rate, derived, valid_from
            FROM span WHERE first_day < end_day
        )
        SELECT kind, currency, to_currency, day, rate FROM daily WHERE currency <> to_currency
        QUALIFY row_number() OVER (PARTITION BY kind, currency, to_currency, day ORDER BY derived, valid_from DESC, rate) = 1
    """


CLOSURE = f"""
    WITH RECURSIVE line AS (
        SELECT person, manager, valid_from, valid_to FROM reporting_line
        WHERE coalesce(kind, 'line') = 'line' AND manager IS NOT NULL AND person IS NOT NULL
    ), closure AS (
        SELECT id AS ancestor, id AS person, 0 AS depth, {ALWAYS} AS valid_from, {FOREVER} AS valid_to
        FROM (SELECT DISTINCT id FROM person UNION SELECT person FROM line UNION SELECT manager FROM line)
        UNION
        SELECT c.ancestor, l.person, c.depth + 1, greatest(c.valid_from, l.valid_from), least(c.valid_to, l.valid_to)
        FROM closure c JOIN line l ON l.manager = c.person
        WHERE greatest(c.valid_from, l.valid_from) < least(c.valid_to, l.valid_to) AND c.depth < 15 AND l.person <> c.ancestor
    )
    SELECT ancestor, person, depth, valid_from, valid_to FROM closure
"""


def calendar_table(calendar: FiscalCalendar, first: date, last: date) -> pa.Table:
    """The fiscal calendar of these days, one row a day."""
    columns = list(zip(*calendar.calendar_rows(first, last), strict=True))
    return pa.table({name: list(values) for name, values in zip(CALENDAR_COLUMNS, columns, strict=True)})
