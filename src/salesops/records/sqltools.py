"""SQL that means the same on SQLite and PostgreSQL: JSON members, days, and the field-by-field reading of `Change`.

Everything here gives SQL text. Values are ids, words of our own and dates only, so they stand in the text; what people
type is always a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from django.db import connection

from . import context
from .entities import Entity, Field

FIRST_DAY, LAST_DAY = date(1, 1, 1), date(9999, 12, 31)
NEVER = -(2**63) + 1
"""Stands for the effective time of an undated change: before every other."""
LIVE = "batch IN (SELECT id FROM records_batch WHERE status = 'live')"


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def binary() -> str:
    """The collation that orders texts by their bytes."""
    return ' COLLATE "C"' if is_postgres() else ""


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def day(value: date) -> str:
    """A date literal, comparable with a stored day."""
    return f"DATE '{value.isoformat()}'" if is_postgres() else f"'{value.isoformat()}'"


def ids(values: Iterable[int]) -> str:
    """A list of ids for IN; an empty one matches nothing."""
    return ", ".join(str(int(value)) for value in values) or "NULL"


def end_of_day(column: str) -> str:
    """The first instant after the business day in `column`."""
    if is_postgres():
        zone = text(context.time_zone())
        return f"CAST(EXTRACT(EPOCH FROM (({column} + 1)::timestamp AT TIME ZONE {zone})) * 1000000 AS BIGINT)"
    return f"salesops_day_end({column})"


def day_of(column: str) -> str:
    """The business day of the instant in `column`."""
    if is_postgres():
        zone = text(context.time_zone())
        return f"((TIMESTAMPTZ 'epoch' + {column} * INTERVAL '1 microsecond') AT TIME ZONE {zone})::date"
    return f"salesops_day_of({column})"


@lru_cache(maxsize=100_000)
def _day_end(zone: str, value: str) -> int:
    return context.day_end(date.fromisoformat(value))


def prepare() -> None:
    """Give this SQLite connection the functions that `end_of_day` and `day_of` name."""
    if is_postgres():
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    zone = context.time_zone()
    raw.create_function(
        "salesops_day_end", 1, lambda value: None if value is None else _day_end(zone, value), deterministic=True
    )
    raw.create_function(
        "salesops_day_of",
        1,
        lambda value: None if value is None else context.day_of(value).isoformat(),
        deterministic=True,
    )


def member(column: str, key: str) -> str:
    """The text of a member of a JSON object; null where it is missing."""
    if is_postgres():
        return f"({column}::json ->> {text(key)})"
    return f"json_extract({column}, {text('$.' + chr(34) + key + chr(34))})"


def asserted(alias: str, field: str) -> str:
    """What one `Change` row asserts of `field`, as canonical text or the null mark; null where it says nothing.

    A field-level row that empties the field gives the null mark too.
    """
    mark = null_mark()
    name = text(field)
    return (
        f"CASE WHEN {alias}.field = {name} THEN COALESCE({alias}.value, {mark}) "
        f"WHEN {alias}.field = '*' THEN {member(f'{alias}.value', field)} END"
    )


def null_mark() -> str:
    return "chr(1)" if is_postgres() else "char(1)"


def order(alias: str) -> str:
    """The order of changes, the deciding one first."""
    return f"COALESCE({alias}.effective, {NEVER}) DESC, {alias}.recorded DESC, {alias}.seq DESC, {alias}.id DESC"


def expanded(entity: Entity, where: str) -> str:
    """Every live change of an entity, one row per field: record, field, value (null = emptied), effective, recorded,
    seq, id, assumed, batch. `where` is a condition on the change row `c`."""
    each = "CROSS JOIN LATERAL json_each_text(c.value::json) j" if is_postgres() else "CROSS JOIN json_each(c.value) j"
    columns = "c.effective, c.recorded, c.seq, c.id, c.assumed, c.batch"
    scope = f"c.entity = {entity.code} AND c.{LIVE} AND ({where})"
    return (
        f"SELECT c.record, c.field, c.value, {columns} FROM records_change c WHERE {scope} AND c.field <> '*' "
        f"UNION ALL SELECT c.record, j.key, NULLIF(CAST(j.value AS TEXT), {null_mark()}), {columns} "
        f"FROM (SELECT * FROM records_change c WHERE {scope} AND c.field = '*') c {each}"
    )


def winners(entity: Entity, where: str) -> str:
    """The deciding row of each record and field among the live changes that meet `where`."""
    return (
        "SELECT record, field, value, effective, recorded, assumed, batch, id FROM (SELECT x.*, ROW_NUMBER() OVER "
        f"(PARTITION BY x.record, x.field ORDER BY {order('x')}) AS place FROM ({expanded(entity, where)}) x) w "
        "WHERE place = 1"
    )


def typed(column: str, field: Field) -> str:
    """Canonical text in `column` as a value of the field's own column."""
    if field.kind in ("text", "kind"):
        return column
    if field.kind == "date":
        return f"CAST({column} AS DATE)" if is_postgres() else column
    if field.kind == "boolean":
        return f"({column} = '1')"
    return f"CAST({column} AS BIGINT)"


def rows(sql: str, params: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a query and give its rows."""
    prepare()
    with connection.cursor() as cursor:
        given = list(params)
        cursor.execute(sql, given) if given else cursor.execute(sql)
        return list(cursor.fetchall())


def run(sql: str, params: Iterable[Any] = ()) -> int:
    """Run a statement and give the number of rows that it touched."""
    prepare()
    with connection.cursor() as cursor:
        given = list(params)
        cursor.execute(sql, given) if given else cursor.execute(sql)
        return int(cursor.rowcount)
