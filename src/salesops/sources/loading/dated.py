"""From `typed` rows of an interval or event entity to stored rows, and which rows they supersede."""

from __future__ import annotations

from salesops.records.columns import BEGINNING_US
from salesops.records.entities import Entity, Field

from .facts import _day_instant
from .typed import PartReader, literal, quote

CAST = {"date": "DATE", "boolean": "BOOLEAN", "text": "VARCHAR", "kind": "VARCHAR"}


def column_sql(field: Field, text: str) -> str:
    """SQL: a stored column's value from canonical text."""
    if field.kind == "boolean":
        return f"({text} = '1')"
    return text if field.kind in ("text", "kind") else f"TRY_CAST({text} AS {CAST.get(field.kind, 'BIGINT')})"


def _content(entity: Entity, alias: str) -> str:
    """SQL: one text of all that a row says, to tell a repetition from a correction."""
    cells = [f"coalesce({alias}.{quote(f.name)}::VARCHAR, chr(1))" for f in entity.fields]
    return " || chr(31) || ".join([*cells, f"coalesce({alias}.custom, '{{}}')", f"{alias}.deleted::VARCHAR"])


def dated_rows(reader: PartReader, file_us: int, file_day: str) -> None:
    """Append to the table `new_<entity>` (stored columns without row, batch and closed_by).

    Rows with a change time of their own are all kept, and chained by it; a row without one is new, the same, or a correction.
    An interval that came without dates and reads differently now ended on the file's date: a move is no correction.
    """
    con, entity = reader.context.con, reader.entity
    by_name = {r.field.name: r for r in reader.reads if not r.field.custom}
    cells = []
    for field in entity.fields:
        read = by_name.get(field.name)
        cells.append(f"{column_sql(field, f't.c_{read.n}') if read else 'NULL'} AS {quote(field.name)}")
    custom = [r for r in reader.reads if r.field.custom]
    pairs = [
        f"CASE WHEN t.c_{r.n} IS NOT NULL THEN {literal(chr(34) + r.field.name + chr(34) + ':')} || to_json(t.c_{r.n}) END"
        for r in custom
    ]
    custom_sql = f"'{{' || concat_ws(',', {', '.join(pairs)}) || '}}'" if pairs else "'{}'"
    own = _own_instant(reader)
    recorded = "coalesce(t.recorded_us, t.changed_us)" if reader.part.changed_at else own
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE candidate AS
        SELECT t.record AS id, {literal(reader.context.system)} AS system, t.ext AS external_id, {", ".join(cells)},
               {recorded} AS recorded_from, NULL::BIGINT AS recorded_to, {"FALSE" if reader.part.changed_at else "TRUE"} AS assumed,
               coalesce(t.gone, FALSE) AS deleted, {custom_sql} AS custom, t.seq
        FROM typed t
    """)
    if entity.shape == "event" and "at" not in by_name:
        return _complete(reader, sorted(by_name))
    con.execute(
        f"ALTER TABLE candidate ADD COLUMN content VARCHAR; UPDATE candidate SET content = {_content(entity, 'candidate')}"
    )
    if reader.part.changed_at:
        _insert(
            reader,
            "SELECT c.* FROM candidate c ANTI JOIN known_row k ON k.id = c.id AND k.recorded_from = c.recorded_from AND k.content = c.content",
        )
        return
    _insert(reader, "SELECT c.* FROM candidate c ANTI JOIN known_row k ON k.id = c.id")
    differs = "FROM candidate c JOIN known_row k ON k.id = c.id AND k.recorded_to IS NULL WHERE k.content <> c.content"
    if entity.shape == "interval" and "valid_from" not in by_name and "valid_to" not in by_name:
        _move(reader, entity, differs, file_us, file_day)
    else:
        _insert(
            reader,
            f"SELECT c.* REPLACE (greatest({file_us}, k.recorded_from + 1) AS recorded_from, FALSE AS assumed) {differs}",
        )


def _complete(reader: PartReader, fields: list[str]) -> None:
    """A table that says more of events which another file of this import describes (who took part, what it was about)."""
    if not fields:
        return
    new = f"new_{reader.entity.name}"
    said = ", ".join(f"{quote(f)} = coalesce(c.{quote(f)}, {new}.{quote(f)})" for f in fields)
    listed = ", ".join(f"any_value({quote(f)}) AS {quote(f)}" for f in fields)
    one = f"SELECT id, {listed} FROM (SELECT * FROM candidate ORDER BY seq) GROUP BY id"
    reader.context.con.execute(f"UPDATE {new} SET {said} FROM ({one}) c WHERE c.id = {new}.id")


def _own_instant(reader: PartReader) -> str:
    """SQL: the moment that a row speaks of, taken as the moment when it was learned."""
    by_name = {r.field.name: r for r in reader.reads}
    if reader.entity.shape == "event":
        return f"coalesce(t.c_{by_name['at'].n}::BIGINT, {BEGINNING_US})" if "at" in by_name else str(BEGINNING_US)
    if "valid_from" in by_name:
        day = _day_instant(by_name["valid_from"], reader.context.time_zone)
        return f"coalesce({day.replace('c_', 't.c_', 1)}, {BEGINNING_US})"
    return str(BEGINNING_US)


def _insert(reader: PartReader, select: str) -> None:
    reader.context.con.execute(
        f"INSERT INTO new_{reader.entity.name} BY NAME SELECT * EXCLUDE (content, seq) FROM ({select})"
    )


def _move(reader: PartReader, entity: Entity, differs: str, file_us: int, file_day: str) -> None:
    """What was true until now ends on the file's date, and the new begins there, under an id of its own."""
    from salesops.common.ids import record_id_sql

    ended = f"greatest({file_us}, k.recorded_from + 1) AS recorded_from"
    names = ", ".join(f"k.{quote(f.name)}" for f in entity.fields if f.name != "valid_to")
    _insert(
        reader,
        f"SELECT k.id, k.system, k.external_id, {names}, DATE '{file_day}' AS valid_to, {ended}, NULL::BIGINT AS recorded_to, "
        f"FALSE AS assumed, FALSE AS deleted, k.custom, '' AS content, 0 AS seq {differs}",
    )
    moved = f"c.external_id || '@{file_day}'"
    identity = record_id_sql(entity.name, reader.context.system, moved)
    _insert(
        reader,
        f"SELECT c.* REPLACE ({identity} AS id, {moved} AS external_id, DATE '{file_day}' AS valid_from, "
        f"{file_us} AS recorded_from, FALSE AS assumed) {differs}",
    )


def absent_rows(reader: PartReader, file_us: int) -> None:
    """A snapshot names every row of its source: those that it does not name are deleted as of its date."""
    entity = reader.entity
    names = ", ".join(f"k.{quote(f.name)}" for f in entity.fields)
    _insert(
        reader,
        f"SELECT k.id, k.system, k.external_id, {names}, greatest({file_us}, k.recorded_from + 1) AS recorded_from, NULL::BIGINT AS recorded_to, "
        f"FALSE AS assumed, TRUE AS deleted, k.custom, '' AS content, 0 AS seq FROM known_row k "
        f"WHERE k.recorded_to IS NULL AND NOT k.deleted AND k.system = {literal(reader.context.system)} "
        "AND k.id NOT IN (SELECT id FROM candidate)",
    )
