"""Who decides a field when an import reads otherwise than the record: the app, the source, or whoever spoke last.

* The app owns the field: its value stays; a value that is new in the source is listed.
* Nobody owns it: what the source repeats since its last import is no news, whatever the record says now. A value that is new in the
  source counts; where it meets an edit made in the product, the edit is listed.
* The source owns it: what it says replaces an edit even if it merely repeats itself.

`ImportConflict.kept` is the value that stands, `offered` the one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa
from django.db import connection

from salesops.records.duck import attached_state, state_table
from salesops.records.entities import Entity, entities
from salesops.records.models import Batch, FieldOwner, ImportConflict

from .facts import FileDay
from .typed import literal

FEW = 20_000  # records up to which facts are looked up one by one rather than by a scan of all
CHUNK = 400
SPOKEN = "record, field, value, effective, recorded, seq, id, kind, system"


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of the comparison: `offer`, `owner` (who owns what), `told` (conflicts that were listed before)."""
    con.execute(
        "CREATE TEMP TABLE offer (entity SMALLINT, record BIGINT, field VARCHAR, offered VARCHAR, current VARCHAR, effective BIGINT, seq BIGINT)"
    )
    con.execute("CREATE TEMP TABLE owner (entity VARCHAR, record BIGINT, field VARCHAR, owner VARCHAR)")
    con.execute("CREATE TEMP TABLE told (entity VARCHAR, record BIGINT, field VARCHAR, kept VARCHAR, offered VARCHAR)")
    owners = list(FieldOwner.objects.values_list("entity", "record", "field", "owner"))
    if owners:
        con.executemany("INSERT INTO owner VALUES (?, ?, ?, ?)", owners)
    live = Batch.objects.filter(status=Batch.LIVE).values("id")
    told = list(
        ImportConflict.objects.filter(batch__in=live).values_list("entity", "record", "field", "kept", "offered")
    )
    if told:
        con.executemany("INSERT INTO told VALUES (?, ?, ?, ?, ?)", told)


def decide(con: duckdb.DuckDBPyConnection, system: str, file: FileDay, redirects: Mapping[str, dict[int, int]]) -> None:
    """Turn `offer` into facts (`new_fact`) and conflicts (`conflict`)."""
    by_code = {e.code: e for e in entities().values()}
    for (code,) in con.execute("SELECT DISTINCT entity FROM offer").fetchall():
        _decide(con, by_code[code], system, file, redirects.get(by_code[code].name, {}))


def _decide(
    con: duckdb.DuckDBPyConnection, entity: Entity, system: str, file: FileDay, redirects: Mapping[int, int]
) -> None:
    _spoken(con, entity, system, redirects)
    name = literal(entity.name)
    order = "PARTITION BY record, field ORDER BY effective DESC NULLS LAST, recorded DESC, seq DESC, id DESC"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE decided AS
        WITH source AS (
            SELECT record, field, value FROM spoken_fact WHERE kind <> 'edit' AND system = {literal(system)}
            QUALIFY row_number() OVER ({order}) = 1
        ), writer AS (
            SELECT record, field, kind, system, effective FROM spoken_fact WHERE own QUALIFY row_number() OVER ({order}) = 1
        )
        SELECT o.record, o.field, o.offered, o.current, o.effective, o.seq, coalesce(mine.owner, ours.owner, '') AS owner,
               coalesce(w.kind = 'edit', FALSE) AS edited, w.effective AS since,
               o.offered IS DISTINCT FROM CASE WHEN o.field = 'deleted' THEN coalesce(s.value, '0') ELSE s.value END AS news
        FROM offer o LEFT JOIN source s ON s.record = o.record AND s.field = o.field
        LEFT JOIN writer w ON w.record = o.record AND w.field = o.field
        LEFT JOIN owner mine ON mine.entity = {name} AND mine.record = o.record AND mine.field = o.field
        LEFT JOIN owner ours ON ours.entity = {name} AND ours.record IS NULL AND ours.field = o.field
        WHERE o.entity = {entity.code}
    """)
    taken = "owner <> 'app' AND (news OR (owner = 'source' AND edited))"
    con.execute(f"""
        INSERT INTO conflict
        SELECT DISTINCT c.* FROM (
            SELECT {name} AS entity, record, field, current AS kept, offered FROM decided WHERE owner = 'app' AND news
            UNION ALL
            SELECT {name}, record, field, offered, current FROM decided WHERE {taken} AND edited
        ) c ANTI JOIN told t ON t.entity = c.entity AND t.record = c.record AND t.field = c.field
            AND t.kept IS NOT DISTINCT FROM c.kept AND t.offered IS NOT DISTINCT FROM c.offered
    """)
    # What the file's day already knew is succeeded, whenever it became true; what is newer than the file stays the latest.
    con.execute(f"""
        INSERT INTO new_fact
        SELECT {entity.code}, record, field, offered, moment, greatest({file.start}, CASE WHEN moment <> effective THEN moment ELSE 0 END), seq, FALSE
        FROM (
            SELECT *, CASE WHEN since >= effective AND (edited OR since < {file.end}) THEN since + 1 ELSE effective END AS moment
            FROM decided WHERE {taken}
        )
    """)


def _spoken(con: duckdb.DuckDBPyConnection, entity: Entity, system: str, redirects: Mapping[int, int]) -> None:
    """`spoken_fact`: the live facts of the offered records and of those merged into them, field by field, with who wrote them.

    What value rules correct in this import (`reread`) is the source's word, too.
    """
    ids = [r[0] for r in con.execute("SELECT DISTINCT record FROM offer WHERE entity = ?", [entity.code]).fetchall()]
    wanted = {record: record for record in ids}
    if redirects:
        here = set(ids)
        wanted |= {loser: winner for loser, winner in redirects.items() if winner in here}
    con.register(
        "wanted_arrow", pa.table({"of": pa.array(wanted, pa.int64()), "record": pa.array(wanted.values(), pa.int64())})
    )
    con.execute("CREATE OR REPLACE TEMP TABLE wanted AS SELECT * FROM wanted_arrow")
    con.unregister("wanted_arrow")
    if len(wanted) <= FEW:
        con.register("fact_arrow", _looked_up(entity, sorted(wanted)))
        con.execute("CREATE OR REPLACE TEMP TABLE fact_here AS SELECT * FROM fact_arrow")
        con.unregister("fact_arrow")
    else:
        with attached_state(con):
            con.execute(
                "CREATE OR REPLACE TEMP TABLE fact_here AS SELECT c.record, c.field, c.value, c.effective, c.recorded, c.seq, c.id, b.kind, b.system "
                f"FROM {state_table('records_change')} c SEMI JOIN wanted w ON w.of = c.record "
                f"JOIN {state_table('records_batch')} b ON b.id = c.batch AND b.status = 'live' WHERE c.entity = {entity.code}"
            )
    con.execute(
        "INSERT INTO fact_here SELECT record, field, value, effective, recorded, seq, "
        f"9223372036854775807, 'import', {literal(system)} FROM reread WHERE entity = {entity.code}"
    )
    listed = SPOKEN.replace("record,", "w.record,", 1)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE spoken_fact AS
        SELECT {listed}, f.record = w.record AS own FROM (
            SELECT {SPOKEN} FROM fact_here WHERE field <> '*'
            UNION ALL
            SELECT record, key, nullif(json_extract_string(value, '$."' || key || '"'), chr(1)), effective, recorded, seq, id, kind, system
            FROM (SELECT *, unnest(json_keys(value)) AS key FROM fact_here WHERE field = '*')
        ) f JOIN wanted w ON w.of = f.record
        SEMI JOIN (SELECT DISTINCT field FROM offer WHERE entity = {entity.code}) o ON o.field = f.field
    """)


def _looked_up(entity: Entity, ids: list[int]) -> pa.Table:
    """The live facts of a few records, through the index."""
    found: list[tuple[object, ...]] = []
    with connection.cursor() as cursor:
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            cursor.execute(
                "SELECT c.record, c.field, c.value, c.effective, c.recorded, c.seq, c.id, b.kind, b.system FROM records_change c "
                f"JOIN records_batch b ON b.id = c.batch AND b.status = 'live' WHERE c.entity = {entity.code} "
                f"AND c.record IN ({', '.join(['%s'] * len(part))})",
                part,
            )
            found += cursor.fetchall()
    names = SPOKEN.split(", ")
    texts = {"field", "value", "kind", "system"}
    schema = pa.schema([(n, pa.string() if n in texts else pa.int64()) for n in names])
    columns = list(zip(*found, strict=True)) or [()] * len(names)
    return pa.Table.from_arrays([pa.array(c, t.type) for c, t in zip(columns, schema, strict=True)], schema=schema)
