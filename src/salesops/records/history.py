"""History read back: what a record was as of a day, as known on another, and current rows computed anew from it.

The rule is that of `common.effective`: the greatest by (effective, recorded, seq, id) decides, among the live changes
effective and recorded before the ends of the two days. An undated change (no effective) comes before every dated one;
it shows in the record of now and in no answer about a day. Current rows hold the latest value, dated ahead included.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from salesops.common.errors import UsageError

from . import context, sqltools, values
from .entities import Entity

CHUNK = 2_000


@dataclass(frozen=True)
class ChangeRow:
    """One field of one record that took a value; `value` is canonical text, None when it was emptied."""

    id: int
    record: int
    field: str
    value: str | None
    effective: int | None
    recorded: int
    seq: int
    assumed: bool
    batch: int


def changes_of(entity: Entity, record: int) -> list[ChangeRow]:
    """Every live change of a record, field by field, in the order in which they hold (undated ones first)."""
    sql = (
        "SELECT id, record, field, value, effective, recorded, seq, assumed, batch FROM ("
        + sqltools.expanded(entity, f"c.record = {int(record)}")
        + f") x ORDER BY COALESCE(effective, {sqltools.NEVER}), recorded, seq, id, field"
    )
    return [ChangeRow(*(*row[:7], bool(row[7]), row[8])) for row in sqltools.rows(sql)]


def version_of(entity: Entity, record: int) -> int:
    """A number that grows with every change of a record: what an edit may say that it expects."""
    if entity.shape == "versioned":
        sql = f"SELECT MAX(id) FROM records_change WHERE entity = {entity.code} AND record = {int(record)}"
    else:
        sql = f"SELECT MAX(row) FROM {entity.table} WHERE id = {int(record)}"
    return int(sqltools.rows(f"{sql} AND {sqltools.LIVE}")[0][0] or 0)


def versions(entity: Entity, record: int) -> list[dict[str, Any]]:
    """The versions of a record in order: effective, recorded, assumed, batch, and the fields that each one says.

    Fields that a version merely repeats are left out. For intervals and events a version is a row.
    """
    if entity.shape != "versioned":
        return _row_versions(entity, record)
    found: dict[tuple[int | None, int, int], dict[str, Any]] = {}
    held: dict[str, str | None] = {}
    for change in changes_of(entity, record):
        if change.field in held and held[change.field] == change.value:
            continue
        held[change.field] = change.value
        key = (change.effective, change.recorded, change.batch)
        version = found.setdefault(
            key,
            {"effective": change.effective, "recorded": change.recorded, "assumed": change.assumed}
            | {"batch": change.batch, "fields": {}},
        )
        version["fields"][change.field] = change.value
    return list(found.values())


def _row_versions(entity: Entity, record: int) -> list[dict[str, Any]]:
    rows = entity.model.objects.filter(id=record, batch__in=live_batches()).order_by("recorded_from", "row")
    found = []
    for row in rows.values():
        fields = {field.name: values.to_text(field, row[field.name]) for field in entity.fields}
        fields |= {values.CUSTOM + name: value for name, value in json.loads(row["custom"]).items()}
        fields["deleted"] = "1" if row["deleted"] else None
        found.append(
            {"effective": None, "recorded": row["recorded_from"], "recorded_to": row["recorded_to"]}
            | {"assumed": row["assumed"], "batch": row["batch"]}
            | {"fields": {name: value for name, value in fields.items() if value is not None}}
        )
    return found


def live_batches() -> Any:
    """The live batches, as a subquery."""
    from .models import Batch

    return Batch.objects.filter(status=Batch.LIVE).values("id")


# As of a day


def state_as_of(
    entity: Entity,
    ids: Iterable[int],
    as_of: date | None = None,
    as_known_on: date | None = None,
    *,
    with_deleted: bool = False,
) -> dict[int, dict[str, Any]]:
    """Raw values of versioned records at the end of a day, as known at the end of another: {id: {field: raw}}.

    A record that was not there yet, or was deleted by then, is left out. Without `as_of` it is the latest state,
    undated values included. Raises UsageError when `as_of` lies after `as_known_on`.
    """
    check_days(as_of, as_known_on)
    conditions = days_sql("c", as_of, as_known_on)
    fields = values.all_fields(entity) | values.TECHNICAL
    state: dict[int, dict[str, Any]] = {}
    for chunk in chunks(ids):
        sql = sqltools.winners(entity, f"c.record IN ({sqltools.ids(chunk)}){conditions}")
        for record, name, text, *_rest in sqltools.rows(sql):
            if (field := fields.get(name)) is not None:
                state.setdefault(record, {})[name] = values.from_text(field, text)
    return {record: row for record, row in state.items() if _was_there(row, as_of, with_deleted)}


def _was_there(row: dict[str, Any], as_of: date | None, with_deleted: bool) -> bool:
    if row.get("deleted") and not with_deleted:
        return False
    created = row.get("created")
    return as_of is None or created is None or context.day_of(created) <= as_of


def check_days(as_of: date | None, as_known_on: date | None) -> None:
    """Raise UsageError when a state is asked for as of a day after the one of knowing."""
    if as_known_on is not None and (as_of or as_known_on) > as_known_on:
        raise UsageError(
            f"as of {as_of} cannot be answered as known on {as_known_on}",
            remedy="Ask as of a day no later than the one of knowing",
        )


def days_sql(alias: str, as_of: date | None, as_known_on: date | None) -> str:
    """Conditions on a change row for what was true by one day and recorded by another."""
    found = ""
    if as_of is not None:
        found += f" AND {alias}.effective < {context.day_end(as_of)}"
    if as_known_on is not None:
        found += f" AND {alias}.recorded < {context.day_end(as_known_on)}"
    return found


def rows_as_known(
    entity: Entity,
    ids: Iterable[int] | None = None,
    as_known_on: date | None = None,
    as_of: date | None = None,
) -> list[dict[str, Any]]:
    """Interval or event rows as known at the end of a day (None: now), with `as_of` those true by that day.

    `ids` None means all. Deleted rows are left out.
    """
    check_days(as_of, as_known_on)
    found = []
    for chunk in [None] if ids is None else chunks(ids):
        where = known_sql("r", as_known_on) + " AND NOT r.deleted"
        if chunk is not None:
            where += f" AND r.id IN ({sqltools.ids(chunk)})"
        if as_of is not None:
            where += valid_sql(entity, "r", as_of)
        keys = [row[0] for row in sqltools.rows(f"SELECT r.row FROM {entity.table} r WHERE {where} ORDER BY r.id")]
        for part in chunks(keys):
            found += list(entity.model.objects.filter(row__in=part).order_by("id", "row").values())
    return found


def known_sql(alias: str, as_known_on: date | None = None) -> str:
    """The condition that an interval or event row was known at the end of a day, or is known now."""
    if as_known_on is None:
        return f"{alias}.recorded_to IS NULL AND {alias}.{sqltools.LIVE}"
    end = context.day_end(as_known_on)
    return (
        f"{alias}.recorded_from < {end} AND ({alias}.recorded_to IS NULL OR {alias}.recorded_to >= {end}) "
        f"AND {alias}.{sqltools.LIVE}"
    )


def valid_sql(entity: Entity, alias: str, as_of: date) -> str:
    """The condition that an interval held on a day, or that an event had happened by its end."""
    if entity.shape == "event":
        return f" AND {alias}.at < {context.day_end(as_of)}"
    day = sqltools.day(as_of)
    return (
        f" AND ({alias}.valid_from IS NULL OR {alias}.valid_from <= {day})"
        f" AND ({alias}.valid_to IS NULL OR {day} < {alias}.valid_to)"
    )


# Redirects


def redirects(entity: Entity) -> dict[int, int]:
    """{merged record: the record that it lives on in}, chains followed to their end. Reads merges only (index `change_merged`)."""
    direct = {int(record): int(value) for record, value in sqltools.rows(redirects_sql(entity))}
    return {record: _follow(direct, record) for record in direct}


def redirects_sql(entity: Entity) -> str:
    """The query of the live merges: record, and the record that it was merged into."""
    return (
        "SELECT record, value FROM (SELECT c.record, c.value, ROW_NUMBER() OVER (PARTITION BY c.record ORDER BY "
        f"{sqltools.order('c')}) AS place FROM records_change c WHERE c.entity = {entity.code} "
        f"AND c.field = 'merged_into' AND c.{sqltools.LIVE}) x WHERE place = 1 AND value IS NOT NULL"
    )


def redirect(entity: Entity, record: int) -> int:
    """The record that this one lives on in after merges; itself when it was not merged."""
    return redirects(entity).get(record, record)


def _follow(direct: dict[int, int], record: int) -> int:
    seen = {record}
    while (onward := direct.get(record)) is not None and onward not in seen:
        seen.add(onward)
        record = onward
    return record


# Current rows


def recompute_current(entity: Entity, ids: Iterable[int]) -> int:
    """Compute the current rows of versioned records anew from their live changes; gives how many rows stand.

    Set-oriented: one statement a chunk. A record without any live change has no current row.
    """
    total = 0
    for chunk in chunks(sorted(set(ids))):
        listed = sqltools.ids(chunk)
        sqltools.run(
            f"DELETE FROM {entity.table} WHERE id IN ({listed}) AND id NOT IN (SELECT c.record FROM records_change c "
            f"WHERE c.entity = {entity.code} AND c.record IN ({listed}) AND c.{sqltools.LIVE})"
        )
        total += sqltools.run(_upsert(entity, f"c.record IN ({listed})"))
    return total


def _upsert(entity: Entity, where: str) -> str:
    columns = [f'"{column}"' for column in ("id", "deleted", "custom", "batch", *entity.by_name)]
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    return (
        f"INSERT INTO {entity.table} ({', '.join(columns)}) SELECT {', '.join(columns)} "
        f"FROM ({pivot_sql(entity, where)}) n WHERE TRUE ON CONFLICT (id) DO UPDATE SET {updates}"
    )


def pivot_sql(entity: Entity, where: str) -> str:
    """The rows, in the columns of the current table, that the changes `c` of an entity meeting `where` give."""
    said = "MAX(CASE WHEN w.field = {name} THEN w.value END)"
    deleted = said.format(name="'deleted'")
    picks = [
        'w.record AS "id"',
        f"COALESCE({deleted} = '1', {_false()}) AS \"deleted\"",
        f'{_custom_object()} AS "custom"',
        'MAX(w.batch) AS "batch"',
    ]
    for field in entity.fields:
        value = sqltools.typed(said.format(name=sqltools.text(field.name)), field)
        picks.append(f'{value} AS "{field.name}"')
    return f"SELECT {', '.join(picks)} FROM ({sqltools.winners(entity, where)}) w GROUP BY w.record"


def as_of_sql(entity: Entity, as_of: date | None, as_known_on: date | None) -> str:
    """The rows of an entity as of a day, as known on another, as a table expression; deleted ones are marked as such.

    Without days it is the table of current rows. Interval and event rows are those true on (or before) the day.
    """
    check_days(as_of, as_known_on)
    if entity.shape != "versioned":
        held = valid_sql(entity, "k", as_of) if as_of is not None else ""
        return f"(SELECT k.* FROM {entity.table} k WHERE {known_sql('k', as_known_on)}{held})"
    if as_of is None and as_known_on is None:
        return entity.table
    there = "" if as_of is None else f" WHERE p.created IS NULL OR p.created < {context.day_end(as_of)}"
    return f"(SELECT p.* FROM ({pivot_sql(entity, 'TRUE' + days_sql('c', as_of, as_known_on))}) p{there})"


def _false() -> str:
    return "FALSE" if sqltools.is_postgres() else "0"


def _custom_object() -> str:
    """The JSON object of custom values that are not empty, keys in order."""
    custom = "w.field LIKE 'custom.%' AND w.value IS NOT NULL"
    key = f"SUBSTR(w.field, {len(values.CUSTOM) + 1})"
    if sqltools.is_postgres():
        return (
            f"COALESCE(CAST(json_object_agg({key}, w.value ORDER BY w.field) FILTER (WHERE {custom}) AS TEXT), '{{}}')"
        )
    return f"COALESCE(json_group_object({key}, w.value) FILTER (WHERE {custom}), '{{}}')"


def chunks(ids: Iterable[int], size: int = CHUNK) -> Iterator[list[int]]:
    """Lists of at most `size` ids."""
    stream = iter(ids)
    while chunk := list(islice(stream, size)):
        yield chunk
