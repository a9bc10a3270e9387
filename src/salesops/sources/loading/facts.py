"""From `typed` rows of a versioned entity to facts: what was said of which field, from when, and when we learned it.

What is said without a time of its own was learned no later than on the file's day: `file` gives that day's first instant (`start`)
and the first one after it (`end`).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from salesops.records.columns import since_ever
from salesops.records.entities import Entity, Field
from salesops.sources.mapping import History

from .typed import PartReader, Read, literal, native_sql, quote

MARK = "chr(1)"
PLACE = 1 << 32  # facts of one moment: place in the file, and below it 32 bits of a digest
DIGEST = "('0x' || left(md5(coalesce(value, chr(1))), 8))::BIGINT"
# Fields that are only learned when a deal closes or a lead converts: they hold from that day where a row has no change time.
CLOSING = {"actual_close", "loss_reason"}
CONVERTING = {"converted_at", "converted_opportunity", "converted_account", "converted_contact"}


@dataclass(frozen=True)
class FileDay:
    """The day of an import's files: as ISO text, its first instant and the first one after it."""

    day: str
    start: int
    end: int


def fact_name(field: Field) -> str:
    return f"custom.{field.name}" if field.custom else field.name


def changed_rows(reader: PartReader) -> None:
    """Rows that carry their own change time: each states the whole record from then on, empty values included."""
    con, code = reader.context.con, reader.entity.code
    pairs = [_unless_unclear(r, f"{_key(r)} || to_json(coalesce(c_{r.n}, {MARK}))") for r in reader.reads]
    if reader.part.deleted:
        pairs.append("'\"deleted\":\"' || CASE WHEN gone THEN '1' ELSE '0' END || '\"'")
    said = f"""
        SELECT record, '*' AS field, '{{' || concat_ws(',', {", ".join(pairs)}) || '}}' AS value, changed_us AS effective,
               coalesce(recorded_us, changed_us) AS recorded, seq FROM typed
    """
    con.execute(
        f"INSERT INTO new_fact {_in_order(reader, code, said, 'record, changed_us, recorded_us', bool(reader.part.seq))}"
    )
    if any(r.field.name == "created" for r in reader.reads):
        con.execute(f"""
            INSERT INTO new_fact SELECT {code}, record, 'created', min(created_us)::VARCHAR, min(created_us), min(created_us), 0, TRUE
            FROM typed WHERE created_us < changed_us GROUP BY record, created_us
        """)


def _in_order(reader: PartReader, code: int, said: str, moment: str, declared: bool) -> str:
    """SELECT of facts from `said` (record, field, value, effective, recorded, seq), with the `seq` that orders those of one moment.

    Where the source declares no order, it is the place among the different things that this file says of the field at that moment, then a
    digest of what is said: rows of one file are successive changes, rows of different files have one order whichever came first.
    `moment` names the columns of `typed` that tell moments apart.
    """
    if declared:
        return f"SELECT {code}, record, field, value, effective, recorded, seq, FALSE FROM ({said})"
    found = reader.context.con.execute(f"SELECT count(*) - count(DISTINCT hash({moment})) FROM typed").fetchone()
    if not (found and found[0]):
        return f"SELECT {code}, record, field, value, effective, recorded, {DIGEST}, FALSE FROM ({said})"
    return f"""
        SELECT {code}, record, field, value, effective, recorded,
               (row_number() OVER (PARTITION BY record, field, effective, recorded ORDER BY seq, value) - 1) * {PLACE} + {DIGEST}, FALSE
        FROM (SELECT record, field, value, effective, recorded, max(seq) AS seq FROM ({said}) GROUP BY ALL)
    """


def _unless_unclear(read: Read, pair: str) -> str:
    """SQL: what a row says of a field; nothing where a name fits several records."""
    return f"CASE WHEN NOT unclear_{read.n} THEN {pair} END" if read.unclear else pair


def current_rows(reader: PartReader, file: FileDay) -> None:
    """Rows without a change time: new records are taken over from their own dates, known ones by their difference.

    `known` holds the current raw values of records that are here; `said` the fields that a history in this import speaks of.
    """
    con = reader.context.con
    con.execute("CREATE OR REPLACE TEMP TABLE fresh AS SELECT t.* FROM typed t ANTI JOIN known k ON k.id = t.record")
    _first(reader, file)
    _offers(reader, file)


def _effective(reader: PartReader, read: Read, base: str, file_us: int) -> str:
    """SQL: from when a first value holds."""
    name = reader.entity.name
    if read.at:
        return f"coalesce(at_{read.n}, {file_us})"
    closing = next((r for r in reader.reads if r.field.name == "actual_close"), None)
    if name == "opportunity" and closing:
        day = _day_instant(closing, reader.context.time_zone)
        if read.field.name in CLOSING:
            return f"coalesce({day}, {base})"
        if read.field.name == "stage":
            return f"CASE WHEN c_{read.n}::BIGINT IN (SELECT id FROM closed_stage) THEN coalesce({day}, {base}) ELSE {base} END"
    if name == "lead" and read.field.name in CONVERTING:
        converted = next((r for r in reader.reads if r.field.name == "converted_at"), None)
        if converted:
            return f"coalesce(c_{converted.n}::BIGINT, {base})"
    return base


def _day_instant(read: Read, time_zone: str) -> str:
    moment = f"(c_{read.n}::DATE)::TIMESTAMP"
    if time_zone == "UTC":
        return f"epoch_us({moment})"
    return f"epoch_us(timezone('{time_zone}', {moment}))"


def _base(entity: Entity) -> str:
    always = since_ever(entity)
    return "created_us" if always is None else f"coalesce(created_us, {always})"


def _first(reader: PartReader, file: FileDay) -> None:
    """First sight of a record: one assertion per moment from which some of its values hold; all of it assumed."""
    con, entity = reader.context.con, reader.entity
    base = _base(entity)
    dated = "created_us IS NOT NULL" if since_ever(entity) is None else "TRUE"
    slots: dict[str, list[Read]] = {}
    for read in reader.reads:
        if not any(read.field.name in m.fields for m in reader.part.milestones) or read.at:
            slots.setdefault(_effective(reader, read, base, file.start), []).append(read)
    for effective, reads in slots.items():
        pairs = [
            f"CASE WHEN c_{r.n} IS NOT NULL AND NOT coalesce(list_contains(h.fields, {literal(fact_name(r.field))}), FALSE) "
            f"THEN {_key(r)} || to_json(c_{r.n}) END"
            for r in reads
        ]
        moment = f"CASE WHEN {dated} THEN {effective} END"
        con.execute(f"""
            INSERT INTO new_fact
            SELECT {entity.code}, record, '*', '{{' || body || '}}', moment, coalesce(least(moment, {file.end - 1}), {file.start}), seq, TRUE
            FROM (SELECT f.record, f.seq, concat_ws(',', {", ".join(pairs)}) AS body, {moment} AS moment
                  FROM fresh f LEFT JOIN said h ON h.record = f.record) WHERE body <> ''
        """)
    _milestones(reader, file)
    if reader.part.deleted:
        con.execute(
            f"INSERT INTO new_fact SELECT {entity.code}, record, 'deleted', '1', {file.start}, {file.start}, seq, FALSE FROM fresh WHERE gone"
        )


def _milestones(reader: PartReader, file: FileDay) -> None:
    con, entity = reader.context.con, reader.entity
    for milestone in reader.part.milestones:
        at = reader.instant(milestone.at, "milestone")
        for name, constant in milestone.fields.items():
            field = reader.field_of(name)
            value = _constant(reader, field, constant)
            con.execute(f"""
                INSERT INTO new_fact
                SELECT {entity.code}, f.record, {literal(fact_name(field))}, {value}, {at}, least({at}, {file.end - 1}), f.seq, TRUE
                FROM fresh f JOIN {reader.rows} s ON s._row = f._row WHERE {at} IS NOT NULL
            """)


def _constant(reader: PartReader, field: Field, constant: str) -> str:
    """SQL: a milestone's value, as canonical text."""
    from salesops.common.ids import record_id

    if constant.startswith("$"):
        profile = reader.column(constant[1:], field.name)
        assert profile is not None
        text = reader.cell(profile)
        if field.kind == "ref":
            from salesops.common.ids import record_id_sql

            return f"({record_id_sql(field.target, reader.context.system, f'trim({text})')})::VARCHAR"
        return f"({reader.parsed(text, 'text' if field.kind == 'kind' else field.kind, profile)})::VARCHAR"
    if field.kind == "ref":
        return literal(str(record_id(field.target, reader.context.system, constant)))
    return literal(constant)


def first_moments(reader: PartReader, file: FileDay) -> dict[str, str]:
    """SQL, by field: from when its value holds in a record that is seen for the first time."""
    base = _base(reader.entity)
    return {fact_name(r.field): _effective(reader, r, base, file.start) for r in reader.reads}


def _offers(reader: PartReader, file: FileDay) -> None:
    """Known records: what reads otherwise than it is now goes to the table `offer`; `ownership.decide` says what of it counts."""
    con, code = reader.context.con, reader.entity.code
    for read in reader.reads:
        name = fact_name(read.field)
        if name == "created":
            continue
        silent = f"AND c_{read.n} IS NOT NULL" if read.source.when and not read.source.otherwise else ""
        silent += f" AND NOT unclear_{read.n}" if read.unclear else ""
        effective = f"coalesce(at_{read.n}, {file.start})" if read.at else str(file.start)
        con.execute(
            f"INSERT INTO offer SELECT {code}, t.record, {literal(name)}, c_{read.n}, k.{quote(name)}, {effective}, t.seq "
            f"FROM typed t JOIN known k ON k.id = t.record LEFT JOIN said h ON h.record = t.record "
            f"WHERE c_{read.n} IS DISTINCT FROM k.{quote(name)} AND NOT coalesce(list_contains(h.fields, {literal(name)}), FALSE) {silent}"
        )
    gone = "CASE WHEN coalesce(t.gone, FALSE) THEN '1' ELSE '0' END"
    con.execute(
        f"INSERT INTO offer SELECT {code}, t.record, 'deleted', {gone}, coalesce(k.deleted, '0'), {file.start}, t.seq "
        f"FROM typed t JOIN known k ON k.id = t.record WHERE {gone} <> coalesce(k.deleted, '0')"
    )


def absent_rows(con: duckdb.DuckDBPyConnection, entity: Entity, file: FileDay) -> None:
    """A snapshot names every record of its source: those that it does not name are gone as of its date.

    `present` holds what the snapshot names, `elsewhere` the records that another system knows as well.
    """
    con.execute(f"""
        INSERT INTO offer SELECT {entity.code}, k.id, 'deleted', '1', '0', {file.start}, 0
        FROM known_{entity.name} k SEMI JOIN (SELECT record FROM known_source WHERE entity = {entity.code}) n ON n.record = k.id
        WHERE coalesce(k.deleted, '0') = '0' AND k.id NOT IN (SELECT record FROM present WHERE entity = {entity.code})
        AND k.id NOT IN (SELECT record FROM elsewhere WHERE entity = {entity.code})
    """)


def history_rows(reader: PartReader, history: History) -> None:
    """A table with one changed field per row becomes one fact per row, read as the field's kind."""
    con, code = reader.context.con, reader.entity.code
    names = _history_fields(reader, history)
    if not names:
        return
    theirs = ", ".join(f"{literal(t)}: {literal(fact_name(f))}" for t, f in names.items())
    fields = f"MAP {{{theirs}}}[h_field]"
    known = ", ".join(map(literal, names))
    declared = bool(reader.part.seq or history.seq)
    said = f"""
        SELECT record, {fields} AS field, {_by_field(reader, names, "h_value")} AS value, h_at AS effective, h_recorded AS recorded,
               {"seq" if declared else "_row"} AS seq FROM typed WHERE h_field IN ({known})
    """
    con.execute(f"INSERT INTO new_fact {_in_order(reader, code, said, 'record, h_field, h_at, h_recorded', declared)}")
    if history.old:
        con.execute(f"""
            INSERT INTO first_value SELECT {code}, record, {fields}, arg_min({_by_field(reader, names, "h_old")}, (h_at, _row)), min(h_at)
            FROM typed WHERE h_field IN ({known}) GROUP BY 2, 3
        """)


def _history_fields(reader: PartReader, history: History) -> dict[str, Field]:
    """The source's field names that occur and that we know, with the field that each means."""
    present = reader.context.con.execute("SELECT DISTINCT h_field FROM typed WHERE h_field IS NOT NULL").fetchall()
    ours = {**{n: n for n in reader.entity.by_name}, "deleted": "deleted", **history.names}
    folded = {k.lower(): v for k, v in ours.items()}
    found: dict[str, Field] = {}
    for (theirs,) in present:
        name = theirs if theirs.startswith("custom.") else folded.get(theirs.lower())
        if name is not None:
            found[theirs] = Field("deleted", "boolean") if name == "deleted" else reader.field_of(name)
    return found


def _by_field(reader: PartReader, names: dict[str, Field], text: str) -> str:
    """SQL: a value read as the kind of the field that its row names."""
    cases = " ".join(
        f"WHEN {literal(theirs)} THEN {_history_value(reader, field.name, field, text)}"
        for theirs, field in names.items()
    )
    return f"CASE h_field {cases} END"


def _history_value(reader: PartReader, name: str, field: Field, text: str) -> str:
    """SQL: canonical text of a history row's value. The column mixes kinds, so each is read by general forms."""
    from salesops.sources.mapping import Source
    from salesops.sources.reading import ColumnProfile

    text = reader.ruled(fact_name(field), text)
    if field.kind in ("text", "kind", "ref"):
        return reader.canonical(name, field, Source(column="value"), text, ColumnProfile(name="value", kind="text"), 0)
    if field.kind == "date":
        return f"TRY_CAST(left({text}, 10) AS DATE)::VARCHAR"
    if field.kind == "instant":
        zone = reader.context.time_zone
        return f"epoch_us(timezone('{zone}', TRY_CAST({text} AS TIMESTAMP)))::VARCHAR"
    if field.kind == "boolean":
        return f"CASE WHEN lower({text}) IN ('1', 'true', 'yes') THEN '1' WHEN lower({text}) IN ('0', 'false', 'no') THEN '0' END"
    return f"({native_sql(text, field.kind)})::VARCHAR"


def _key(read: Read) -> str:
    return literal(f'"{fact_name(read.field)}":')
