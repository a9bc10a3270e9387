"""Interval and event tables, and the small tables made of them: rates by day, reporting closure, calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

from salesops.common.periods import CALENDAR_COLUMNS, FiscalCalendar, UnitCalendar
from salesops.records.columns import FOREVER, quote
from salesops.records.entities import Entity, Field

from .merges import referred
from .zones import FIELD, Zones

ALWAYS = "DATE '0001-01-01'"
PAIRS_UP_TO = 10  # currencies
DUCK = {"date": "DATE", "boolean": "BOOLEAN", "text": "VARCHAR", "kind": "VARCHAR"}


def dated_select(
    entity: Entity, custom: list[Field], source: str, zones: Zones, moved: frozenset[str] = frozenset()
) -> str:
    """The SELECT that types the stored rows of an interval or event entity (relation `source`).

    References to merged records (`moved` names their entities, the table `redirect` holds them) are read as the winner.
    """
    parts = ["t.id"]
    if entity.shape == "interval":
        parts += [
            f"coalesce(t.valid_from::DATE, {ALWAYS}) AS valid_from",
            f"coalesce(t.valid_to::DATE, {FOREVER}) AS valid_to",
        ]
    else:
        on_day = zones.home("t.at")
        if FIELD in entity.by_name:
            on_day = zones.day("t.at", zones.zone(f"({referred(FIELD, f't.{FIELD}::BIGINT', moved)})"))
        parts += ["t.at", f"{on_day} AS on_day"]
    for field in entity.fields:
        if field.name not in ("valid_from", "valid_to", "at"):
            value = f"t.{quote(field.name)}::{DUCK.get(field.kind, 'BIGINT')}"
            parts.append(f"{referred(field.target, value, moved)} AS {quote(field.name)}")
            if field.kind == "instant" and field.name.endswith("_at"):
                parts.append(
                    f"{zones.home(f't.{quote(field.name)}')} AS {quote(field.name.removesuffix('_at') + '_on')}"
                )
    for field in custom:
        value = f"json_extract_string(t.custom, '$.\"{field.name}\"')"
        value = referred(field.target, f"TRY_CAST({value} AS {DUCK.get(field.kind, 'BIGINT')})", moved)
        parts.append(f"{value} AS {quote('custom_' + field.name)}")
    parts += [
        "t.system",
        "t.recorded_from",
        "t.recorded_to",
        "t.assumed::BOOLEAN AS assumed",
        "t.deleted::BOOLEAN AS deleted",
    ]
    return f"SELECT {', '.join(parts)} FROM {source} t"


def known_filter(until: int | None) -> str:
    """Rows as known before the instant `until` (None = now)."""
    if until is None:
        return "recorded_to IS NULL AND NOT deleted"
    return f"recorded_from < {until} AND (recorded_to IS NULL OR recorded_to >= {until}) AND NOT deleted"


def rate_select(reporting: str, today: date) -> str:
    """Rates by day from the view `exchange_rate`, to 10 places, until a year after today.

    In this order: as recorded; the inverse of the other direction; through one common currency, the reporting one first.
    An interval that has ended carries nothing further: on later days the rate is unknown. Where there are more than
    `PAIRS_UP_TO` currencies, a common currency serves only conversions into and out of the reporting one.
    """
    last = today + timedelta(days=366)
    return f"""
        WITH pair AS (
            SELECT coalesce(kind, 'spot') AS kind, currency, to_currency, valid_from, valid_to, rate, 0 AS derived FROM exchange_rate
            WHERE rate > 0
            UNION ALL
            SELECT coalesce(kind, 'spot'), to_currency, currency, valid_from, valid_to,
                   ((200000000000000000000::HUGEINT // rate + 1) // 2)::BIGINT, 1
            FROM exchange_rate WHERE rate > 0
        ), daily AS (
            SELECT kind, currency, to_currency, unnest(range(greatest(valid_from, DATE '1970-01-01'), least(valid_to, DATE '{last}'),
                   INTERVAL 1 DAY))::DATE AS day, rate, derived, valid_from
            FROM pair WHERE greatest(valid_from, DATE '1970-01-01') < least(valid_to, DATE '{last}')
        ), one AS (
            SELECT kind, currency, to_currency, day, rate FROM daily WHERE currency <> to_currency
            QUALIFY row_number() OVER (PARTITION BY kind, currency, to_currency, day ORDER BY derived, valid_from DESC, rate) = 1
        ), two AS (
            SELECT a.kind, a.currency, b.to_currency, a.day,
                   ((a.rate::HUGEINT * b.rate + 5000000000) // 10000000000)::BIGINT AS rate
            FROM one a JOIN one b ON b.kind = a.kind AND b.day = a.day AND b.currency = a.to_currency
            WHERE a.currency <> b.to_currency
              AND ('{reporting}' IN (a.currency, b.to_currency) OR (SELECT count(DISTINCT currency) FROM one) <= {PAIRS_UP_TO})
            QUALIFY row_number() OVER (PARTITION BY a.kind, a.currency, b.to_currency, a.day
                                       ORDER BY a.to_currency <> '{reporting}', a.to_currency) = 1
        )
        SELECT kind, currency, to_currency, day, rate FROM one
        UNION ALL
        SELECT t.kind, t.currency, t.to_currency, t.day, t.rate FROM two t
        ANTI JOIN one o ON o.kind = t.kind AND o.currency = t.currency AND o.to_currency = t.to_currency AND o.day = t.day
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


def unit_calendar_table(calendars: list[UnitCalendar], first: date, last: date) -> pa.Table:
    """The days by the calendars that business units have of their own: `calendar` is the number of one."""
    parts = []
    for number, calendar in sorted({one.number: one.calendar for one in calendars}.items()):
        days = calendar_table(calendar, first, last)
        parts.append(days.add_column(0, "calendar", pa.array([number] * len(days), pa.int64())))
    return pa.concat_tables(parts)
