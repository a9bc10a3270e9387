"""One part of a mapping over one staged file: every value read as its field's kind, every bad row listed.

Makes the temporary table `typed` with `_row`, `ext`, `record`, `created_us`, `changed_us`, `recorded_us`, `seq`, `gone`, `c_<n>`
(canonical text of the n-th field), `at_<n>` (from when it holds, where the mapping says so), `unclear_<n>` (a name that
several records bear), `found_<n>` and `was_<n>` (to which text a value rule applied, and what it is without), and adds to the tables `problem` and `source_id`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from salesops.common.errors import InvalidData, Problem
from salesops.common.ids import content_key_sql, record_id_sql
from salesops.common.instants import zones
from salesops.records.entities import Entity, Field, entity
from salesops.records.values import is_zone
from salesops.sources.mapping import Condition, Part, Source
from salesops.sources.reading import ColumnProfile, StagedFile, parse_sql

NATIVE = "native"  # typed Parquet in the public import format, read where it lies
LONGEST = 10_000  # characters of a refused row that are kept
FALSY = "('', '0', 'false', 'f', 'no', 'n', 'nein', 'null', 'none')"


@dataclass(frozen=True)
class Read:
    """A mapped field: `n` numbers its columns in `typed`."""

    n: int
    field: Field
    source: Source
    text: str  # SQL: the source text, corrected by value rules
    value: str  # SQL: canonical text, null where it cannot be read
    at: str = ""  # SQL: instant from which it holds
    unclear: str = ""  # SQL: whether the text names several records
    found: str = ""  # SQL: the text to which a value rule applies, of fields whose values many texts can be read as
    was: str = ""  # SQL: canonical text of the value without value rules, of the same fields


@dataclass
class Context:
    """What reading a part needs to know besides the file."""

    con: duckdb.DuckDBPyConnection
    system: str
    time_zone: str
    rules: dict[tuple[str, str], dict[str, str | None]]
    words: dict[tuple[str, str], dict[str, str]]  # (entity, field) -> lower text -> word
    custom: dict[str, dict[str, Field]]
    redirects: dict[str, dict[int, int]] = field(default_factory=dict)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class PartReader:
    """Reads one part of a mapping over one staged file."""

    def __init__(self, context: Context, part: Part, staged: StagedFile) -> None:
        self.context, self.part, self.staged = context, part, staged
        self.entity = entity(part.entity)
        self.headers = {_key(c.name): c for c in staged.columns}
        self.native = staged.format == NATIVE
        self.rows = f"read_parquet({literal(staged.parquet_path)})"
        if self.native:
            self.rows = f"(SELECT *, file_row_number + 1 AS _row FROM read_parquet({literal(staged.parquet_path)}, file_row_number = true))"
        self.problems: list[Problem] = []
        self.reads: list[Read] = []
        self.joins: list[str] = []

    # -- columns ------------------------------------------------------------------------------------------------------

    def column(self, name: str, what: str) -> ColumnProfile | None:
        """The staged column of this name (case, spaces and underscores do not matter)."""
        found = self.headers.get(_key(name))
        if found is None:
            self.problems.append(
                Problem(
                    self.staged.source, None, name, f"there is no column {name!r} (mapped to {what})",
                    "Correct the mapping; columns: " + ", ".join(c.name for c in self.staged.columns),
                )
            )  # fmt: skip
        return found

    def instant(self, name: str, what: str) -> str:
        """SQL of a column read as an instant; NULL when there is no such column."""
        if not name:
            return "NULL::BIGINT"
        profile = self.column(name, what)
        if profile is None:
            return "NULL::BIGINT"
        if self.native:
            return f"epoch_us(TRY_CAST(s.{quote(profile.name)} AS TIMESTAMP))"
        return self.parsed(f"s.{quote(profile.name)}", "instant", profile)

    def cell(self, profile: ColumnProfile) -> str:
        """SQL of a source cell as text."""
        return f"s.{quote(profile.name)}::VARCHAR" if self.native else f"s.{quote(profile.name)}"

    def parsed(self, text: str, kind: str, profile: ColumnProfile) -> str:
        """SQL of a text read as a kind: canonical forms in the public format, else as its column was found to be written."""
        return native_sql(text, kind) if self.native else parse_sql(text, kind, profile, self.context.time_zone)

    def condition(self, condition: Condition | None) -> str:
        """SQL of a condition on source columns."""
        if condition is None:
            return "TRUE"
        profile = self.column(condition.column, "condition")
        if profile is None:
            return "FALSE"
        cell = f"coalesce(lower(trim({self.cell(profile)})), '')"
        whole = [literal(w.lower()) for w in condition.values if not w.endswith("*")]
        tests = [f"starts_with({cell}, {literal(w[:-1].lower())})" for w in condition.values if w.endswith("*")]
        tests += [f"{cell} IN ({', '.join(whole)})"] if whole else []
        test = f"({' OR '.join(tests) or 'FALSE'})"
        return f"NOT {test}" if condition.negate else test

    # -- fields -------------------------------------------------------------------------------------------------------

    def field_of(self, name: str) -> Field:
        if name.startswith("custom."):
            custom = self.context.custom.get(self.entity.name, {})
            return custom.get(name.removeprefix("custom.")) or Field(name.removeprefix("custom."), "text", custom=True)
        return self.entity.field(name)

    def read(self, name: str, source: Source) -> None:
        """Add a mapped field."""
        field_, n = self.field_of(name), len(self.reads)
        profile = ColumnProfile(name="", kind="text")
        if source.column:
            found = self.column(source.column, name)
            if found is None:
                return
            profile = found
            text = self.cell(found)
        else:
            text = literal(source.value or "")
        if source.when:
            other = self.column(source.otherwise, name) if source.otherwise else None
            text = (
                f"CASE WHEN {self.condition(source.when)} THEN {text} {f'ELSE {self.cell(other)}' if other else ''} END"
            )
        written, text = text, self.ruled(name, text)
        value = self.canonical(name, field_, source, text, profile, n)
        at = self.instant(source.at or source.known_from, name) if source.at or source.known_from else ""
        by_label = field_.kind == "ref" and source.by != "id"
        unclear = f"(k{n}.label IS NOT NULL AND k{n}.record IS NULL)" if by_label else ""
        hit = was = ""
        if field_.kind not in ("text", "ref") and (rules := self.context.rules.get((self.entity.name, name))):
            hit = f"CASE WHEN trim({written}) IN ({', '.join(map(literal, rules))}) THEN trim({written}) END"
            was = self.canonical(name, field_, source, written, profile, n)
        self.reads.append(Read(n, field_, source, text, value, at, unclear, hit, was))

    def compose_name(self) -> None:
        """Where only first and last names are mapped, the name is both."""
        said = {r.field.name: r for r in self.reads}
        first, last = said.get("first_name"), said.get("last_name")
        if "name" in said or "name" not in self.entity.by_name or not (first or last):
            return
        both = ", ".join(f"({r.value})" for r in (first, last) if r)
        value = f"nullif(trim(concat_ws(' ', {both})), '')"
        self.reads.append(Read(len(self.reads), self.entity.field("name"), Source(), value, value))

    def ruled(self, name: str, text: str) -> str:
        rules = self.context.rules.get((self.entity.name, name))
        if not rules:
            return text
        cases = " ".join(
            f"WHEN {literal(found)} THEN {'NULL' if becomes is None else literal(becomes)}"
            for found, becomes in sorted(rules.items())
        )
        return f"CASE trim({text}) {cases} ELSE {text} END"

    def canonical(self, name: str, field_: Field, source: Source, text: str, profile: ColumnProfile, n: int) -> str:
        """SQL: the canonical text of a field's value."""
        kind = field_.kind
        if kind == "ref":
            return f"({self.reference(field_, source, text, n)})::VARCHAR"
        if kind == "kind":
            return self.word(name, field_, text)
        if is_zone(self.entity, field_):
            table = ", ".join(f"{literal(low)}: {literal(zone)}" for low, zone in zones().items())
            return f"MAP {{{table}}}[lower(trim({text}))]"
        if kind == "text":
            # No database text holds a zero character, and U+0001 stands for an asserted empty value.
            return f"nullif(replace(replace({self.parsed(text, 'text', profile)}, chr(0), ''), chr(1), ''), '')"
        if kind == "boolean":
            return f"CASE {self.parsed(text, 'boolean', profile)} WHEN TRUE THEN '1' WHEN FALSE THEN '0' END"
        parsed = self.parsed(text, kind, profile)
        if source.scale:
            parsed = self.rescaled(parsed, source.scale, kind)
        return f"({parsed})::VARCHAR"

    def rescaled(self, parsed: str, scale: str, kind: str) -> str:
        """SQL of a number that the source writes in another unit: cents, percent, thousands, seconds ..."""
        factors = {"thousands": "* 1000", "millions": "* 1000000", "percent": "// 100", "minor": "// 100"}
        if scale in factors:
            return f"(({parsed}) {factors[scale]})"
        part = {"seconds": 60, "milliseconds": 60_000}.get(scale)
        if part is None or kind != "integer":
            raise InvalidData(
                f"scale {scale!r} is unknown for {kind}", remedy="See docs/guides/import.md for the scales"
            )
        return f"((({parsed}) + {part // 2}) // {part})"

    def reference(self, field_: Field, source: Source, text: str, n: int) -> str:
        system = source.system or self.context.system
        by_id = self.redirected(record_id_sql(field_.target, system, f"trim({text})"), field_.target)
        by_id = f"CASE WHEN nullif(trim({text}), '') IS NOT NULL THEN {by_id} END"
        if source.by == "id":
            return by_id
        self.joins.append(
            f"LEFT JOIN name_index k{n} ON k{n}.entity = {literal(field_.target)} AND k{n}.way = {literal(source.by)} "
            f"AND k{n}.label = lower(trim({text}))"
        )
        return f"CASE WHEN k{n}.label IS NULL THEN {by_id} ELSE k{n}.record END"

    def redirected(self, expression: str, target: str) -> str:
        """Records that were merged are written to their winner."""
        moved = self.context.redirects.get(target)
        if not moved:
            return expression
        cases = " ".join(f"WHEN {loser} THEN {winner}" for loser, winner in sorted(moved.items()))
        return f"CASE {expression} {cases} ELSE {expression} END"

    def word(self, name: str, field_: Field, text: str) -> str:
        words = self.context.words.get((self.entity.name, name), {})
        known = {**{w: w for w in field_.words}, **words}
        pairs = ", ".join(f"{literal(k.lower())}: {literal(v)}" for k, v in sorted(known.items()))
        plain = f"regexp_replace(lower(trim({text})), '[ -]+', '_', 'g')"
        table = f"MAP {{{pairs}}}"
        return f"coalesce({table}[lower(trim({text}))], {table}[{plain}])"

    # -- the whole ----------------------------------------------------------------------------------------------------

    def identity(self) -> str:
        """SQL of the external id; content and occurrence number where the mapping names no column."""
        if not self.part.id:
            columns = [self.cell(c) for c in self.staged.columns]
            key = content_key_sql(columns)
            return f"{key} || '#' || row_number() OVER (PARTITION BY {key} ORDER BY s._row)"
        found = [self.column(name, "id") for name in self.part.id]
        texts = [f"nullif(trim({self.cell(c)}), '')" for c in found if c]
        if len(texts) < len(self.part.id):
            return "NULL"
        joined = texts[0] if len(texts) == 1 else " || '|' || ".join(texts)
        return f"{literal(self.part.id_prefix)} || {joined}" if self.part.id_prefix else joined

    def own(self, external: str) -> str:
        """SQL of the id of the record with this external id."""
        return self.redirected(record_id_sql(self.entity.name, self.context.system, external), self.entity.name)

    def history_columns(self) -> str:
        """The columns of a table with one changed field per row: `h_field`, `h_value`, `h_old`, `h_at`, `h_recorded`."""
        history = self.part.history
        if history is None:
            return ""
        cells = {"h_field": history.field, "h_value": history.value, "h_old": history.old}
        texts = []
        for name, column in cells.items():
            profile = self.column(column, name) if column else None
            texts.append(
                f", {f'nullif(trim({self.cell(profile)}), {chr(39) * 2})' if profile else 'NULL::VARCHAR'} AS {name}"
            )
        at, recorded = self.instant(history.at, "at"), self.instant(history.recorded, "recorded")
        return "".join(texts) + f", {at} AS h_at, coalesce({recorded}, {at}) AS h_recorded"

    def run(self) -> int:
        """Make `typed`; gives the number of good rows. Raises InvalidData when the mapping names columns that are not there."""
        con, part = self.context.con, self.part
        for name, source in part.fields.items():
            self.read(name, source)
        self.compose_name()
        identity = self.identity()
        created = next((r for r in self.reads if r.field.name == "created"), None)
        gone = "NULL::BOOLEAN"
        if part.deleted and (profile := self.column(part.deleted, "deleted")):
            gone = f"coalesce(lower(trim({self.cell(profile)})), '') NOT IN {FALSY}"
        where = self.condition(part.only)
        changed, recorded = self.instant(part.changed_at, "changed_at"), self.instant(part.recorded_at, "recorded_at")
        seq = "s._row"
        in_order = part.seq or (part.history.seq if part.history else "")
        if in_order and (profile := self.column(in_order, "seq")):
            seq = self.parsed(self.cell(profile), "integer", profile)
        history = self.history_columns()
        if self.problems:
            raise InvalidData(
                f"{self.staged.source} does not fit the mapping",
                remedy="Correct the mapping",
                problems=tuple(self.problems),
            )
        columns = "".join(f", {r.value} AS c_{r.n}" for r in self.reads) + history
        columns += "".join(f", {r.at} AS at_{r.n}" for r in self.reads if r.at)
        created_us = f"({created.value})::BIGINT" if created else "NULL::BIGINT"
        own = self.own(f"({identity})::VARCHAR") if part.id else "NULL::BIGINT"
        columns += "".join(f", {r.text} AS x_{r.n}" for r in self.reads if self.keeps_text(r))
        columns += "".join(f", {r.unclear} AS unclear_{r.n}" for r in self.reads if r.unclear)
        columns += "".join(f", {r.found} AS found_{r.n}, {r.was} AS was_{r.n}" for r in self.reads if r.found)
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE typed AS
            SELECT s._row, ({identity})::VARCHAR AS ext, {own} AS record, {created_us} AS created_us, {changed} AS changed_us,
                   {recorded} AS recorded_us, {seq} AS seq, {gone} AS gone{columns}
            FROM {self.rows} s {" ".join(self.joins)} WHERE {where}
        """)
        if not self.part.id:  # the key of a row without an id is a window over the file: it is hashed once it is there
            con.execute(f"UPDATE typed SET record = {self.own('ext')}")
        self.reject()
        self.leave_merged()
        self.note_sources()
        row = con.execute("SELECT count(*) FROM typed").fetchone()
        return int(row[0]) if row else 0

    def keeps_text(self, read: Read) -> bool:
        """Whether the source text is needed after reading: to list what could not be read, or what a reference named."""
        return bool(read.source.column) and (read.field.kind != "text" or is_zone(self.entity, read.field))

    def reject(self) -> None:
        """List rows whose values cannot be read; rows with an error leave `typed`."""
        con, source = self.context.con, literal(self.staged.source)
        checks = [("ext IS NULL", "NULL", self.part.id[0] if self.part.id else "id", "the id is missing",
                   "Give every row an id, or map no id column", "error")]  # fmt: skip
        if self.part.history:
            checks.append(
                ("h_at IS NULL", "NULL", self.part.history.at, "the time of the change is missing or cannot be read",
                 "Write a date and time such as 2026-01-31 14:00", "error")
            )  # fmt: skip
        if self.part.changed_at:
            checks.append(
                ("changed_us IS NULL", "NULL", self.part.changed_at, "the change time is missing or cannot be read",
                 "Write a date and time such as 2026-01-31 14:00", "error")
            )  # fmt: skip
        for read in self.reads:
            if read.unclear:
                checks.append(
                    (f"unclear_{read.n}", f"x_{read.n}", read.source.column, f"names several records of {read.field.target}; nothing is taken over",
                     "Refer to them by id, or give each a name of its own", "warning")
                )  # fmt: skip
            if (read.field.kind in ("text", "ref") and not is_zone(self.entity, read.field)) or not read.source.column:
                continue
            severity = "warning" if read.field.kind in ("kind", "text") else "error"
            bad = f"nullif(trim(x_{read.n}), '') IS NOT NULL AND c_{read.n} IS NULL"
            checks.append((bad, f"x_{read.n}", read.source.column, *_explain(self.entity, read.field), severity))
        counts = con.execute(
            "SELECT " + ", ".join(f"count(*) FILTER ({c[0]})" for c in checks) + " FROM typed"
        ).fetchone()
        failing = [check for check, count in zip(checks, counts or (), strict=True) if count]
        for bad, value, column, problem, remedy, severity in failing:
            content, kept = "NULL", ""
            if severity == "error":
                content = f"left(o.content, {LONGEST})"
                kept = f"LEFT JOIN (SELECT _row AS of_row, to_json(r)::VARCHAR AS content FROM {self.rows} r) o ON o.of_row = typed._row"
            con.execute(
                f"INSERT INTO problem SELECT {source}, _row, {literal(column)}, {literal(problem)}, {literal(remedy)}, "
                f"left({value}, 200), {literal(severity)}, {content} FROM typed {kept} WHERE {bad}"
            )
        errors = " OR ".join(f"({bad})" for bad, *_, severity in failing if severity == "error")
        if errors:
            con.execute(f"DELETE FROM typed WHERE {errors}")
        self.drop_repeats(source)

    def drop_repeats(self, source: str) -> None:
        """Of rows with one id and no change time of their own, the last counts; those that say something else are listed."""
        if not self.part.id or self.part.changed_at or self.part.history:
            return
        con = self.context.con

        def values(alias: str) -> str:
            return ", ".join([f"{alias}.c_{r.n}" for r in self.reads] or ["1"])

        con.execute(
            "CREATE OR REPLACE TEMP TABLE last_row AS SELECT ext, max(_row) AS _row FROM typed GROUP BY ext HAVING count(*) > 1"
        )
        con.execute(
            f"INSERT INTO problem SELECT {source}, t._row, {literal(self.part.id[0])}, 'the id is repeated with other values; row ' || l._row || ' counts', "
            "'Keep one row for each id, or map the column that tells when the row changed', t.ext, 'warning', NULL "
            "FROM typed t JOIN last_row l ON l.ext = t.ext AND t._row <> l._row JOIN typed w ON w._row = l._row "
            f"WHERE row({values('t')}) IS DISTINCT FROM row({values('w')})"
        )
        con.execute("DELETE FROM typed t USING last_row l WHERE l.ext = t.ext AND t._row <> l._row")

    def leave_merged(self) -> None:
        """Of a record and one of the same system that was merged into it, the record's own row counts."""
        if not self.context.redirects.get(self.entity.name) or self.part.changed_at or self.part.history:
            return
        own = record_id_sql(self.entity.name, self.context.system, "external_id")
        self.context.con.execute(
            f"DELETE FROM typed WHERE record <> {record_id_sql(self.entity.name, self.context.system, 'ext')} AND record IN "
            f"(SELECT record FROM known_source WHERE entity = {self.entity.code} AND record = {own})"
        )

    def note_sources(self) -> None:
        """Which external ids were named: the records' own, and those that references point to."""
        con = self.context.con
        if self.entity.shape == "versioned":
            merged = self.context.redirects.get(self.entity.name)
            own = record_id_sql(self.entity.name, self.context.system, "ext") if merged else "record"
            con.execute(
                f"INSERT INTO source_id SELECT DISTINCT {own}, {self.entity.code}, {literal(self.context.system)}, ext, record FROM typed"
            )
        for read in self.reads:
            if read.field.kind != "ref":
                continue
            target = entity(read.field.target)
            system = literal(read.source.system or self.context.system)
            text = f"trim(x_{read.n})" if read.source.column else literal(read.source.value or "")
            con.execute(
                f"INSERT INTO source_id SELECT DISTINCT c_{read.n}::BIGINT, {target.code}, {system}, {text}, c_{read.n}::BIGINT FROM typed "
                f"WHERE c_{read.n} IS NOT NULL AND c_{read.n}::BIGINT = {record_id_sql(target.name, read.source.system or self.context.system, text)}"
            )


def told_once(con: duckdb.DuckDBPyConnection) -> None:
    """A cell that several parts of a mapping read, and cannot, is one problem: an error rather than a warning."""
    con.execute("""
        DELETE FROM problem WHERE rowid IN (
            SELECT place FROM (
                SELECT rowid AS place, row_number() OVER (
                    PARTITION BY source, "row", field, value, CASE WHEN starts_with(problem, 'is n') THEN '' ELSE problem END
                    ORDER BY severity = 'warning', rowid
                ) AS n FROM problem WHERE "row" IS NOT NULL
            ) WHERE n > 1
        )
    """)


def native_sql(text: str, kind: str) -> str:
    """SQL of a text in canonical form (ISO dates, plain decimals) read as a kind."""
    if kind == "text":
        return f"nullif(trim({text}), '')"
    if kind in ("date", "boolean"):
        return f"TRY_CAST({text} AS {kind.upper()})"
    if kind == "instant":
        return f"epoch_us(TRY_CAST({text} AS TIMESTAMP))"
    if kind == "integer":
        return f"TRY_CAST({text} AS BIGINT)"
    return decimal_sql(text, 4 if kind == "money" else int(kind.split(":")[1]))


def decimal_sql(text: str, places: int) -> str:
    """SQL of a plain decimal text as an integer of 10^-places, exact: 64-bit arithmetic, 128-bit where that is too narrow."""
    wide = f"CAST(TRY_CAST({text} AS DECIMAL(38, {places})) * {10**places} AS BIGINT)"
    if places > 8:
        return wide
    return f"coalesce(CAST(TRY_CAST({text} AS DECIMAL({17 - places}, {places})) * {10**places} AS BIGINT), {wide})"


def _key(name: str) -> str:
    return "".join(ch for ch in name.lower() if ch.isalnum())


def _explain(entity_: Entity, field_: Field) -> tuple[str, str]:
    """What is wrong with a value of this kind, and the remedy."""
    if is_zone(entity_, field_):
        return "is no time zone; nothing is taken over", "Write an IANA name such as Europe/Berlin, or add a value rule"
    if field_.kind == "kind":
        return (
            f"is no known word for {entity_.name}.{field_.name}",
            f"Add a value rule or declare the word; known: {', '.join(field_.words)}",
        )
    return {
        "date": ("is no date", "Write 2026-01-31, or name the date order with --date-order"),
        "instant": ("is no date and time", "Write 2026-01-31 14:00, or name the date order with --date-order"),
        "money": ("is no amount", "Write a number such as 1200.50, or name the decimal sign with --decimal"),
        "integer": ("is no whole number", "Write a number such as 12"),
        "boolean": ("is neither yes nor no", "Write true or false"),
    }.get(field_.kind, ("is no number", "Write a number such as 0.25"))
