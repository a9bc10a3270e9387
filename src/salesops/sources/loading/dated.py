"""From `typed` rows of an interval or event entity to stored rows: new ones, corrections, moves, and what a snapshot leaves out.

A row is kept as it was learned and superseded by a later one of its id; `compute` chains them. Fields that a file does not name
stay as they are, and edits made in the product stand until the source itself says something new (see `ownership`).
"""

from __future__ import annotations

import duckdb

from salesops.common.ids import record_id_sql
from salesops.records.chains import PLACE, said_columns
from salesops.records.columns import BEGINNING_US
from salesops.records.entities import Entity, Field

from .facts import FileDay, _day_instant
from .typed import PartReader, literal, quote

CAST = {"date": "DATE", "boolean": "BOOLEAN", "text": "VARCHAR", "kind": "VARCHAR"}
WHEN_BEGUN = r"'@\d{4}-\d{2}-\d{2}$'"  # how the id of an interval that began with an import ends


def column_sql(field: Field, text: str) -> str:
    """SQL: a stored column's value from canonical text."""
    if field.kind == "boolean":
        return f"({text} = '1')"
    return text if field.kind in ("text", "kind") else f"TRY_CAST({text} AS {CAST.get(field.kind, 'BIGINT')})"


def content_sql(entity: Entity, alias: str) -> str:
    """SQL: one text of all that a row says, to tell a repetition from a correction."""
    empty = {"custom": "'{}'"}
    cells = [f"coalesce({alias}.{quote(name)}::VARCHAR, {empty.get(name, 'chr(1)')})" for name in said_columns(entity)]
    return " || chr(31) || ".join(cells)


def base_sql(external: str) -> str:
    """SQL: the source's own id of a row, without the day on which an import began it."""
    return f"regexp_replace({external}, {WHEN_BEGUN}, '')"


def dated_rows(reader: PartReader, file: FileDay) -> None:
    """Append to the table `new_<entity>` (stored columns without row, batch and closed_by, with `seq`).

    Rows with a change time of their own are all kept, and chained by it; a row without one is new, the same, or a correction.
    An interval that came without dates and reads differently now ended on the file's date: a move is no correction.
    """
    con, entity = reader.context.con, reader.entity
    mapped = sorted({r.field.name for r in reader.reads if not r.field.custom})
    _candidates(reader, file)
    con.execute(f"INSERT INTO present SELECT {entity.code}, id, external_id FROM candidate")
    if reader.part.changed_at:
        con.execute(
            f"ALTER TABLE candidate ADD COLUMN content VARCHAR; UPDATE candidate SET content = {content_sql(entity, 'candidate')}"
        )
        _succeed(con)
        _insert(
            entity, con,
            "SELECT c.* EXCLUDE (content) FROM candidate c ANTI JOIN known_row k ON k.id = c.id AND k.recorded_from = c.recorded_from "
            "AND k.content = c.content",
        )  # fmt: skip
        return
    dateless = entity.shape == "interval" and "valid_from" not in mapped and "valid_to" not in mapped
    _standing(reader, dateless)
    if entity.shape == "event" and "at" not in mapped:
        _complete(reader, mapped)
    elif dateless:
        _begin(reader, file)
    else:
        _insert(entity, con, "SELECT c.* FROM candidate c ANTI JOIN known_row k ON k.id = c.id")
    _compare(reader, mapped, file, dateless)


def _succeed(con: duckdb.DuckDBPyConnection) -> None:
    """Different rows of one id and one moment in a file are successive changes: each is recorded a microsecond after the one before."""
    found = con.execute("SELECT count(*) - count(DISTINCT hash(id, recorded_from)) FROM candidate").fetchone()
    if found and found[0]:
        con.execute("""
            CREATE OR REPLACE TEMP TABLE candidate AS
            SELECT * REPLACE (recorded_from + row_number() OVER (PARTITION BY id, recorded_from ORDER BY seq, content) - 1 AS recorded_from)
            FROM (SELECT * FROM candidate QUALIFY row_number() OVER (PARTITION BY id, recorded_from, content ORDER BY seq DESC) = 1)
        """)


def _candidates(reader: PartReader, file: FileDay) -> None:
    """`candidate`: the rows of the file as they would be stored."""
    by_name = {r.field.name: r for r in reader.reads if not r.field.custom}
    cells = []
    for field in reader.entity.fields:
        read = by_name.get(field.name)
        unsaid = "t.seq" if (reader.entity.name, field.name) == PLACE else "NULL"
        cells.append(f"{column_sql(field, f't.c_{read.n}') if read else unsaid} AS {quote(field.name)}")
    pairs = [
        f"CASE WHEN t.c_{r.n} IS NOT NULL THEN {literal(chr(34) + r.field.name + chr(34) + ':')} || to_json(t.c_{r.n}) END"
        for r in sorted((r for r in reader.reads if r.field.custom), key=lambda r: r.field.name)
    ]
    custom = f"'{{' || concat_ws(',', {', '.join(pairs)}) || '}}'" if pairs else "'{}'"
    own = f"least({_own_instant(reader)}, {file.end - 1})"
    changed = bool(reader.part.changed_at)
    recorded = "coalesce(t.recorded_us, t.changed_us)" if changed else own
    unclear = "".join(f", t.unclear_{r.n} AS {quote('unclear ' + r.field.name)}" for r in reader.reads if r.unclear)
    cells_sql = ", ".join(cells)
    reader.context.con.execute(f"""
        CREATE OR REPLACE TEMP TABLE candidate AS
        SELECT t.record AS id, {literal(reader.context.system)} AS system, t.ext AS external_id, {cells_sql},
               {recorded} AS recorded_from, NULL::BIGINT AS recorded_to, {"FALSE" if changed else "TRUE"} AS assumed,
               coalesce(t.gone, FALSE) AS deleted, {custom} AS custom, t.seq{unclear}
        FROM typed t
    """)


def _standing(reader: PartReader, dateless: bool) -> None:
    """`standing`: of each candidate the row that counts now (`k`), and the last one that its source said (`s`).

    Of an interval without dates it is the one that is open: the others of its source id have ended.
    """
    key = "base" if dateless else "id::VARCHAR"
    mine = f"known_row.system = {literal(reader.context.system)}" if dateless else "TRUE"
    open_now = "AND valid_to IS NULL AND NOT deleted" if dateless else ""
    latest = 'QUALIFY row_number() OVER (PARTITION BY join_key ORDER BY recorded_from DESC, "row" DESC) = 1'
    candidate_key = "external_id" if dateless else "id::VARCHAR"
    reader.context.con.execute(f"""
        CREATE OR REPLACE TEMP TABLE standing AS
        WITH stored AS (SELECT *, {key} AS join_key FROM known_row WHERE {mine})
        SELECT c.join_key, k, s FROM (SELECT DISTINCT {candidate_key} AS join_key FROM candidate) c
        JOIN (SELECT * FROM stored WHERE recorded_to IS NULL {open_now} {latest}) k ON k.join_key = c.join_key
        LEFT JOIN (SELECT * FROM stored WHERE NOT edited {latest}) s ON s.join_key = c.join_key
    """)


def _begin(reader: PartReader, file: FileDay) -> None:
    """Intervals without dates of which none is open: the first of its source id always was, one that comes back begins today."""
    con, entity = reader.context.con, reader.entity
    fresh = "FROM candidate c ANTI JOIN standing o ON o.join_key = c.external_id"
    known = f"(SELECT DISTINCT base FROM known_row WHERE system = {literal(reader.context.system)}) k"
    _insert(entity, con, f"SELECT c.* {fresh} ANTI JOIN {known} ON k.base = c.external_id")
    moved = f"c.external_id || '@{file.day}'"
    identity = record_id_sql(entity.name, reader.context.system, moved)
    _insert(
        entity, con,
        f"SELECT c.* REPLACE ({identity} AS id, {moved} AS external_id, DATE '{file.day}' AS valid_from, {file.start} AS recorded_from, "
        f"FALSE AS assumed) {fresh} SEMI JOIN {known} ON k.base = c.external_id",
    )  # fmt: skip


def _compare(reader: PartReader, mapped: list[str], file: FileDay, dateless: bool) -> None:
    """Rows that are here: a correction (or, without dates, a move) where the source says something new."""
    con, entity = reader.context.con, reader.entity
    custom = any(r.field.custom for r in reader.reads)
    names = [*mapped, "deleted", *(["custom"] if custom else [])]
    unclear = {r.field.name for r in reader.reads if r.unclear}
    owners = ", ".join(f"{_owner(entity, n)} AS {quote('owner ' + n)}" for n in names)
    key = "external_id" if dateless else "id::VARCHAR"
    otherwise = " OR ".join(f"c.{quote(n)} IS DISTINCT FROM o.k.{quote(n)}" for n in names)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE compared AS SELECT c, o.k AS k, o.s AS s, {owners} "
        f"FROM candidate c JOIN standing o ON o.join_key = c.{key} WHERE {otherwise}"
    )
    finals = {}
    for n in names:
        q, owner = quote(n), quote("owner " + n)
        news = f"c.{q} IS DISTINCT FROM {f'coalesce(s.{q}, FALSE)' if n == 'deleted' else f's.{q}'}"
        if n in unclear:
            news = f"({news} AND NOT c.{quote('unclear ' + n)})"
        taken = f"({owner} <> 'app' AND ({news} OR ({owner} = 'source' AND k.edited)))"
        finals[n] = f"CASE WHEN {taken} THEN c.{q} ELSE k.{q} END"
        _conflicts(reader, n, f"{owner} = 'app' AND {news}", f"{taken} AND k.edited")
    stays = {f.name: f"k.{quote(f.name)}" for f in entity.fields} | {"deleted": "k.deleted", "custom": "k.custom"}
    begun = "coalesce(k.valid_from, DATE '0001-01-01')" if entity.shape == "interval" else "NULL::DATE"
    columns = ", ".join(f"{finals.get(n, sql)} AS {quote(n)}" for n, sql in stays.items())
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE correction AS
        SELECT *, {content_sql(entity, "m")} AS content FROM (
            SELECT k.id AS id, k.system AS system, k.external_id AS external_id, {columns},
                   greatest({file.start}, k.recorded_from + 1) AS recorded_from, NULL::BIGINT AS recorded_to, FALSE AS assumed, c.seq AS seq,
                   k.content AS was, {begun} AS begun, c.external_id AS ext
            FROM compared
        ) m WHERE content <> was
    """)
    plain = "SELECT r.* EXCLUDE (content, was, begun, ext) FROM correction r"
    if not dateless:
        _insert(entity, con, plain)
        return
    today = f"DATE '{file.day}'"
    _insert(entity, con, f"{plain} WHERE begun >= {today} OR deleted")
    moving = f"FROM correction r JOIN standing o ON o.join_key = r.ext WHERE begun < {today} AND NOT r.deleted"
    _end(reader, moving, file)
    moved = f"r.ext || '@{file.day}'"
    identity = record_id_sql(entity.name, reader.context.system, moved)
    _insert(
        entity, con,
        f"SELECT r.* EXCLUDE (content, was, begun, ext) REPLACE ({identity} AS id, {moved} AS external_id, {today} AS valid_from, "
        f"{file.start} AS recorded_from, FALSE AS assumed) {moving}",
    )  # fmt: skip


def _owner(entity: Entity, field: str) -> str:
    """SQL: who decides a field of the row that stands."""
    said = (
        f"SELECT any_value(w.owner) FROM owner w WHERE w.entity = {literal(entity.name)} AND w.field = {literal(field)}"
    )
    return f"coalesce(({said} AND w.record = o.k.id), ({said} AND w.record IS NULL), '')"


def _end(reader: PartReader, of: str, file: FileDay) -> None:
    """The intervals `o.k` end on the file's day."""
    names = ", ".join(f"o.k.{quote(f.name)} AS {quote(f.name)}" for f in reader.entity.fields if f.name != "valid_to")
    _insert(
        reader.entity, reader.context.con,
        f"SELECT o.k.id AS id, o.k.system AS system, o.k.external_id AS external_id, {names}, DATE '{file.day}' AS valid_to, "
        f"greatest({file.start}, o.k.recorded_from + 1) AS recorded_from, NULL::BIGINT AS recorded_to, FALSE AS assumed, FALSE AS deleted, "
        f"o.k.custom AS custom, 0 AS seq {of}",
    )  # fmt: skip


def _conflicts(reader: PartReader, name: str, refused: str, replaced: str) -> None:
    """List what the app's value kept out, and which edits gave way."""
    kind = {f.name: f.kind for f in reader.entity.fields}.get(name, "boolean" if name == "deleted" else "text")
    cast = "::INTEGER::VARCHAR" if kind == "boolean" else "::VARCHAR"
    mine, theirs = f"k.{quote(name)}{cast}", f"c.{quote(name)}{cast}"
    field = literal("custom.*" if name == "custom" else name)
    reader.context.con.execute(f"""
        INSERT INTO conflict
        SELECT DISTINCT n.* FROM (
            SELECT {literal(reader.entity.name)} AS entity, k.id AS record, {field} AS field, {mine} AS kept, {theirs} AS offered
            FROM compared WHERE {refused} AND k.{quote(name)} IS DISTINCT FROM c.{quote(name)}
            UNION ALL
            SELECT {literal(reader.entity.name)}, k.id, {field}, {theirs}, {mine}
            FROM compared WHERE {replaced} AND k.{quote(name)} IS DISTINCT FROM c.{quote(name)}
        ) n ANTI JOIN told t ON t.entity = n.entity AND t.record = n.record AND t.field = n.field
            AND t.kept IS NOT DISTINCT FROM n.kept AND t.offered IS NOT DISTINCT FROM n.offered
    """)


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


def _insert(entity: Entity, con: duckdb.DuckDBPyConnection, select: str) -> None:
    fields = ", ".join(quote(f.name) for f in entity.fields)
    columns = f"id, system, external_id, {fields}, recorded_from, recorded_to, assumed, deleted, custom, seq"
    con.execute(f"INSERT INTO new_{entity.name} BY NAME SELECT {columns} FROM ({select})")


def absent_rows(reader: PartReader, file: FileDay) -> None:
    """A snapshot names every row of its source: what it does not name is gone as of its date.

    An interval that would go on ends on that day (what it was before stays true), one that has not begun and an event are deleted.
    """
    entity = reader.entity
    con = reader.context.con
    named = f"(SELECT external_id FROM present WHERE entity = {entity.code})"
    missing = (
        f"FROM (SELECT k FROM known_row k WHERE recorded_to IS NULL AND NOT deleted AND system = {literal(reader.context.system)} "
        f"AND external_id NOT IN {named} AND base NOT IN {named} AND id NOT IN (SELECT id FROM new_{entity.name})) o"
    )
    future = "TRUE"
    if entity.shape == "interval":
        day = f"DATE '{file.day}'"
        begun = (
            f"coalesce(o.k.valid_from, DATE '0001-01-01') < {day} AND coalesce(o.k.valid_to, DATE '9999-12-31') > {day}"
        )
        future = f"coalesce(o.k.valid_from, DATE '0001-01-01') >= {day}"
        _end(reader, f"{missing} WHERE {begun}", file)
    names = ", ".join(f"o.k.{quote(f.name)} AS {quote(f.name)}" for f in entity.fields)
    _insert(
        entity, con,
        f"SELECT o.k.id AS id, o.k.system AS system, o.k.external_id AS external_id, {names}, "
        f"greatest({file.start}, o.k.recorded_from + 1) AS recorded_from, NULL::BIGINT AS recorded_to, FALSE AS assumed, TRUE AS deleted, "
        f"o.k.custom AS custom, 0 AS seq {missing} WHERE {future}",
    )  # fmt: skip
