"""Reading the state database into DuckDB: all of it for a full refresh, named records for an incremental one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .columns import BEGINNING_US, DATED_BY_NATURE
from .duck import attached_state, quoted, state_table
from .entities import Entity, entities
from .models import Batch

FACT_COLUMNS = "record, field, value, effective, recorded, seq, id, assumed"
FACT_SCHEMA = pa.schema(
    [
        ("record", pa.int64()), ("field", pa.string()), ("value", pa.string()), ("effective", pa.int64()),
        ("recorded", pa.int64()), ("seq", pa.int64()), ("id", pa.int64()), ("assumed", pa.bool_()),
    ]
)  # fmt: skip
SOURCE_SCHEMA = pa.schema(
    [("entity", pa.int64()), ("record", pa.int64()), ("system", pa.string()), ("external_id", pa.string()), ("batch", pa.int64())]
)  # fmt: skip
REDIRECT_SCHEMA = pa.schema([("entity", pa.string()), ("loser", pa.int64()), ("winner", pa.int64())])
CHUNK = 400


def extract_all(con: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Copy what live batches hold, as of one tick of the clock, and give that tick.

    Writes `folder/facts/entity=<code>/*.parquet` for versioned entities, `folder/<entity>.parquet` for the others and
    `folder/sources.parquet` for what systems call records. Several threads read, each through a connection of its own,
    so the live batches are listed first: nothing that a later batch wrote or closed is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with attached_state(con):
        con.execute("BEGIN")
        row = con.execute(f"SELECT coalesce(max(tick), 0) FROM {state_table('records_clock')}").fetchone()
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE live AS SELECT id FROM {state_table('records_batch')} WHERE status = 'live'"
        )
        con.execute(
            f"COPY (SELECT c.entity, c.record, c.field, c.value, c.effective, c.recorded, c.seq, c.id, "
            f"c.assumed::BOOLEAN AS assumed FROM {state_table('records_change')} c SEMI JOIN live ON live.id = c.batch) "
            f"TO {quoted(folder / 'facts')} (FORMAT parquet, PARTITION_BY (entity), OVERWRITE_OR_IGNORE, COMPRESSION lz4)"
        )
        con.execute(
            f"COPY (SELECT entity, record, system, external_id, batch FROM {state_table('records_sourceid')}) "
            f"TO {quoted(folder / 'sources.parquet')} (FORMAT parquet, COMPRESSION lz4)"
        )
        for entity in entities().values():
            if entity.shape == "versioned":
                continue
            ended = "CASE WHEN closed_by IS NULL OR closed_by IN (SELECT id FROM live) THEN recorded_to END"
            con.execute(
                f"COPY (SELECT t.* REPLACE ({ended} AS recorded_to) FROM {state_table(entity.table)} t SEMI JOIN live ON live.id = t.batch) "
                f"TO {quoted(folder / (entity.name + '.parquet'))} (FORMAT parquet, COMPRESSION lz4)"
            )
        con.execute("DROP TABLE live")
        con.execute("COMMIT")
    _extract_named(con, folder)
    return int(row[0]) if row else 0


def _named_only() -> list[Entity]:
    """Entities whose records may be known by name only: something refers to them and no file describes them."""
    return [
        e for e in entities().values() if e.shape == "versioned" and e.label_field and e.name not in DATED_BY_NATURE
    ]


def _extract_named(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """A record that is referred to and not described counts as one that always was, named as its source names it."""
    sources = f"read_parquet({quoted(folder / 'sources.parquet')})"
    for entity in _named_only():
        part = folder / "facts" / f"entity={entity.code}"
        known = (
            f"SELECT record FROM read_parquet({quoted(part / '*.parquet')})" if part.exists() else "SELECT 0 AS record"
        )
        part.mkdir(parents=True, exist_ok=True)
        con.execute(
            f"COPY (SELECT s.record, '{entity.label_field}' AS field, min(s.external_id) AS value, {BEGINNING_US} AS effective, "
            f"{BEGINNING_US} AS recorded, 0::BIGINT AS seq, 0::BIGINT AS id, TRUE AS assumed FROM {sources} s ANTI JOIN ({known}) k "
            f"ON k.record = s.record WHERE s.entity = {entity.code} GROUP BY s.record) TO {quoted(part / 'named.parquet')} (FORMAT parquet)"
        )


def redirect_rows(con: duckdb.DuckDBPyConnection, folder: Path) -> pa.Table:
    """Merged records among the extracted facts: entity, loser, and the winner that the loser lives on in (chains followed)."""
    direct: dict[str, dict[int, int]] = {}
    for entity in entities().values():
        if entity.shape != "versioned" or not facts_view(con, folder, entity, "redirect_facts"):
            continue
        rows = con.execute(
            f"SELECT record, arg_max(coalesce(value, ''), (coalesce(effective, {BEGINNING_US}), recorded, seq, id)) FROM redirect_facts "
            "WHERE field = 'merged_into' GROUP BY record"
        ).fetchall()
        direct[entity.name] = {record: int(value) for record, value in rows if value}
    con.execute("DROP VIEW IF EXISTS redirect_facts")
    found = [(name, loser, _follow(onward, loser)) for name, onward in direct.items() for loser in sorted(onward)]
    return _table(found, REDIRECT_SCHEMA)


def _follow(direct: dict[int, int], record: int) -> int:
    seen = {record}
    while (onward := direct.get(record)) is not None and onward not in seen:
        seen.add(onward)
        record = onward
    return record


def source_select(sources: str) -> str:
    """The SELECT of the table `source_system` from source ids (relation `sources`): the first id of a record in each system."""
    names = ", ".join(f"({e.code}, '{e.name}')" for e in entities().values() if e.shape == "versioned")
    return (
        f"SELECT s.record AS id, n.name AS entity, s.system, arg_min(s.external_id, (s.batch, s.external_id)) AS external_id FROM {sources} s "
        f"JOIN (VALUES {names}) n(code, name) ON n.code = s.entity GROUP BY s.record, n.name, s.system"
    )


def sources_of(ids: dict[str, set[int]]) -> pa.Table:
    """The source ids of these versioned records, by entity."""
    columns = "entity, record, system, external_id, batch"
    rows: list[tuple[Any, ...]] = []
    for name, wanted in ids.items():
        where = f"entity = {entities()[name].code} AND record IN ({{}})"
        rows += _rows(f"SELECT {columns} FROM records_sourceid WHERE {where}", sorted(wanted))
    return _table(rows, SOURCE_SCHEMA)


def facts_view(con: duckdb.DuckDBPyConnection, folder: Path, entity: Entity, name: str = "facts") -> int:
    """Make the view `name` over an entity's extracted facts; gives their number."""
    part = folder / "facts" / f"entity={entity.code}"
    files = sorted(part.glob("*.parquet")) if part.exists() else []
    if not files:
        con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {_empty_facts()}")
        return 0
    listed = ", ".join(quoted(f) for f in files)
    con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {FACT_COLUMNS} FROM read_parquet([{listed}])")
    row = con.execute(f"SELECT count(*) FROM {name}").fetchone()
    return int(row[0]) if row else 0


def _empty_facts() -> str:
    return (
        "SELECT NULL::BIGINT AS record, ''::VARCHAR AS field, ''::VARCHAR AS value, NULL::BIGINT AS effective, 0::BIGINT AS recorded, "
        "0::BIGINT AS seq, 0::BIGINT AS id, FALSE AS assumed WHERE FALSE"
    )


@dataclass(frozen=True)
class Changed:
    """What batches after a tick touched: ids of records by entity, of records whose source ids are new; and whether that
    reaches so far (a merge, an undone import) that only a full reading of the state is sure to find all of it."""

    records: dict[str, set[int]]
    sources: dict[str, set[int]]
    everything: bool = False


def changed_since(tick: int) -> Changed:
    """What the batches that went live or were undone after `tick` touched."""
    found: dict[str, set[int]] = {}
    sources: dict[str, set[int]] = {}
    batches = list(Batch.objects.filter(tick__gt=tick).values_list("id", "status", "kind"))
    ids = [number for number, _status, _kind in batches]
    if not ids:
        return Changed(found, sources)
    if any(status == Batch.UNDONE and kind != "edit" for _number, status, kind in batches):
        return Changed(found, sources, everything=True)
    if any(_rows("SELECT 1 FROM records_change WHERE batch IN ({}) AND field = 'merged_into'", ids)):
        return Changed(found, sources, everything=True)
    for name, records in _dropped(tick):
        found.setdefault(name, set()).update(records)
        sources.setdefault(name, set()).update(records)
    by_code = {e.code: e.name for e in entities().values()}
    for code, record in _rows("SELECT DISTINCT entity, record FROM records_change WHERE batch IN ({})", ids):
        found.setdefault(by_code[code], set()).add(record)
    named = {e.code for e in _named_only()}
    for code, record in _rows("SELECT DISTINCT entity, record FROM records_sourceid WHERE batch IN ({})", ids):
        sources.setdefault(by_code[code], set()).add(record)
        if code in named:
            found.setdefault(by_code[code], set()).add(record)
    for entity in entities().values():
        if entity.shape == "versioned":
            continue
        for column in ("batch", "closed_by"):
            sql = f'SELECT DISTINCT id FROM "{entity.table}" WHERE {column} IN ({{}})'
            for (record,) in _rows(sql, ids):
                found.setdefault(entity.name, set()).add(record)
    return Changed(found, sources)


def _dropped(tick: int) -> Iterable[tuple[str, list[int]]]:
    """The records whose names went when edits were undone after `tick`."""
    undone = Batch.objects.filter(tick__gt=tick, status=Batch.UNDONE, kind="edit", summary__contains='"dropped"')
    for summary in undone.values_list("summary", flat=True):
        yield from json.loads(summary)["dropped"].items()


def facts_of(entity: Entity, ids: Iterable[int], *, named: bool = True) -> pa.Table:
    """The live facts of these records; `named` adds the names of those that are referred to and not described."""
    sql = (
        f"SELECT {', '.join('c.' + c.strip() for c in FACT_COLUMNS.split(','))} FROM records_change c JOIN records_batch b "
        f"ON b.id = c.batch AND b.status = 'live' WHERE c.entity = {entity.code} AND c.record IN ({{}})"
    )
    facts = list(_rows(sql, sorted(ids)))
    if named and entity in _named_only() and (missing := sorted(set(ids) - {f[0] for f in facts})):
        names = _rows(
            f"SELECT record, min(external_id) FROM records_sourceid WHERE entity = {entity.code} AND record IN ({{}}) GROUP BY record",
            missing,
        )
        facts += [(r, entity.label_field, name, BEGINNING_US, BEGINNING_US, 0, 0, True) for r, name in names]
    return _table(facts, FACT_SCHEMA)


def rows_of(entity: Entity, ids: Iterable[int]) -> pa.Table:
    """The live interval or event rows of these records, with the columns of the stored table."""
    fields = list(entity.model._meta.fields)
    schema = pa.schema([(f.column, _arrow_type(f)) for f in fields])
    ended = (
        "CASE WHEN t.closed_by IS NULL OR EXISTS (SELECT 1 FROM records_batch e WHERE e.id = t.closed_by AND e.status = 'live') "
        "THEN t.recorded_to END"
    )
    names = ", ".join(ended if f.column == "recorded_to" else f't."{f.column}"' for f in fields)
    sql = (
        f"SELECT {names} FROM \"{entity.table}\" t JOIN records_batch b ON b.id = t.batch AND b.status = 'live' "
        f"WHERE t.id IN ({{}})"
    )
    return _table(_rows(sql, sorted(ids)), schema)


def _arrow_type(column: Any) -> pa.DataType:
    kind = column.get_internal_type()
    if kind in ("BigAutoField", "BigIntegerField", "IntegerField", "SmallIntegerField"):
        return pa.int64()
    return {"BooleanField": pa.bool_(), "DateField": pa.date32()}.get(kind, pa.string())


def _rows(sql: str, values: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        for start in range(0, len(values), CHUNK):
            part = list(values[start : start + CHUNK])
            cursor.execute(sql.format(", ".join(["%s"] * len(part))), part)
            yield from cursor.fetchall()


def _table(rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(_plain(c, t.type), t.type) for c, t in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _plain(values: Iterable[Any], kind: pa.DataType) -> list[Any]:
    """SQLite hands dates over as text and booleans as integers through a plain cursor."""
    from datetime import date

    if pa.types.is_date(kind):
        return [date.fromisoformat(v) if isinstance(v, str) else v for v in values]
    if pa.types.is_boolean(kind):
        return [None if v is None else bool(v) for v in values]
    return list(values)
