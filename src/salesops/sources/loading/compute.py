"""Everything that an import would change, computed before anything is written.

The result is a folder: `facts.parquet`, `source_ids.parquet`, `rows-<entity>.parquet`, `current-<entity>-<n>.parquet`, `problems.parquet`,
`conflicts.parquet` and `ready.json`, which is written last: an interrupted import that has it goes on from it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from salesops.common.errors import InvalidData, Problem
from salesops.common.instants import end_of_day, start_of_day
from salesops.common.progress import Progress
from salesops.records.chains import content_order, said_columns
from salesops.records.columns import BEGINNING_US, columns_of, custom_fields
from salesops.records.duck import attached_state, connect, quoted, state_table
from salesops.records.entities import Entity, Field, entities, entity
from salesops.records.extract import facts_of
from salesops.records.history import redirects
from salesops.records.models import DeclaredWord, ValueRule
from salesops.records.models import Stage as StageModel
from salesops.sources import words
from salesops.sources.mapping import Mapping, Part, StageRow
from salesops.sources.reading import StagedFile

from . import dated, facts, ownership
from .current import current_select
from .facts import FileDay
from .ownership import FEW
from .reread import Rereading
from .typed import Context, PartReader, literal, quote, told_once

PLACED = "entity SMALLINT, record BIGINT, field VARCHAR, value VARCHAR, effective BIGINT, recorded BIGINT, seq BIGINT, assumed BOOLEAN"
BUCKET = 3_000_000  # facts whose current rows are computed at once
HISTORY_ONLY = {"merged_into", "merged_from", "deleted"}  # what only actions and a `deleted` column write


@dataclass(frozen=True)
class Job:
    """One import to compute: staged files, their mapping, and what was asked for."""

    staged: tuple[StagedFile, ...]
    mapping: Mapping
    mode: str
    file_day: date
    time_zone: str
    folder: Path
    declared: dict[str, tuple[Field, ...]] = field(default_factory=dict)  # custom fields that go live with the import


@dataclass
class Outcome:
    """What an import does, counted: new, changed and unchanged records by entity, facts, rows, problems."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    facts: int = 0
    rows: int = 0
    errors: int = 0
    warnings: int = 0
    conflicts: int = 0
    ignored_files: list[str] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)  # keys of the value rules that it read with (see `reread`)
    reached: list[str] = field(default_factory=list)  # those that it looked for in what was read before
    reread: int = 0  # earlier facts and rows that these rules read otherwise

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Computation:
    """The steps of one computation, over one DuckDB connection."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self.job, self.progress = job, progress
        job.folder.mkdir(parents=True, exist_ok=True)
        check_fields(job.mapping)
        self.con = connect(job.folder / "spill")
        day = job.file_day
        self.file = FileDay(str(day), start_of_day(day, job.time_zone), end_of_day(day, job.time_zone))
        self.outcome = Outcome()
        self.work = self._work()
        self.context = self._context()
        self.touched: set[str] = set()
        self.snapshots: dict[str, PartReader] = {}
        self.lookups = {
            (field.target, s.by)
            for p, _ in self.work
            for n, s in p.fields.items()
            if s.by != "id" and (field := entity(p.entity).by_name.get(n)) is not None
        }

    # -- preparation --------------------------------------------------------------------------------------------------

    def _work(self) -> list[tuple[Part, StagedFile]]:
        """Which part reads which file, reference entities first, rows with histories before current rows."""
        pairs = []
        for staged in self.job.staged:
            parts = self.job.mapping.parts_for(staged.source)
            if not parts:
                self.outcome.ignored_files.append(staged.source)
            pairs += [(p, staged) for p in parts]
        return sorted(pairs, key=_turn)

    def _context(self) -> Context:
        rules: dict[tuple[str, str], dict[str, str | None]] = {}
        for row in ValueRule.objects.filter(system__in=["*", self.job.mapping.system]):
            rules.setdefault((row.entity, row.field), {})[row.found] = row.becomes
        for rule in self.job.mapping.rules:
            rules.setdefault((rule.entity, rule.field), {})[rule.found] = rule.becomes
        known: dict[tuple[str, str], dict[str, str]] = {}
        for e in entities().values():
            for f in e.fields:
                if f.kind == "kind":
                    known[(e.name, f.name)] = dict(words.synonyms(e.name, f.name))
        for word in DeclaredWord.objects.all():
            known.setdefault((word.entity, word.field), {})[word.word] = word.word
        custom = {name: {f.name: f for f in fields} for name, fields in custom_fields().items()}
        for name, fields in self.job.declared.items():
            custom[name] = {f.name: f for f in fields} | custom.get(name, {})
        return Context(self.con, self.job.mapping.system, self.job.time_zone, rules, known, custom)

    def _tables(self) -> None:
        con = self.con
        con.execute(f"CREATE TEMP TABLE new_fact ({PLACED})")
        con.execute(
            "CREATE TEMP TABLE first_value (entity SMALLINT, record BIGINT, field VARCHAR, value VARCHAR, changed BIGINT)"
        )
        con.execute("CREATE TEMP TABLE present (entity SMALLINT, record BIGINT, external_id VARCHAR)")
        con.execute(
            'CREATE TEMP TABLE problem (source VARCHAR, "row" BIGINT, field VARCHAR, problem VARCHAR, remedy VARCHAR, value VARCHAR, '
            "severity VARCHAR, content VARCHAR)"
        )
        con.execute(
            "CREATE TEMP TABLE source_id (id BIGINT, entity SMALLINT, system VARCHAR, external_id VARCHAR, record BIGINT)"
        )
        con.execute(
            "CREATE TEMP TABLE conflict (entity VARCHAR, record BIGINT, field VARCHAR, kept VARCHAR, offered VARCHAR)"
        )
        con.execute("CREATE TEMP TABLE name_index (entity VARCHAR, way VARCHAR, label VARCHAR, record BIGINT)")
        for name in {p.entity for p, _ in self.work}:
            e = entity(name)
            if e.shape != "versioned":
                cells = ", ".join(f"{quote(f.name)} {dated.CAST.get(f.kind, 'BIGINT')}" for f in e.fields)
                con.execute(
                    f"CREATE TEMP TABLE new_{name} (id BIGINT, system VARCHAR, external_id VARCHAR, {cells}, recorded_from BIGINT, "
                    "recorded_to BIGINT, assumed BOOLEAN, deleted BOOLEAN, custom VARCHAR, seq BIGINT)"
                )

    def _load_state(self) -> None:
        """Copy what the import is compared with: current rows and facts of the entities that it touches."""
        con = self.con
        names = {p.entity for p, _ in self.work} | {"stage"}
        with attached_state(con):
            con.execute(
                f"CREATE TEMP TABLE live AS SELECT id, kind = 'edit' AS edited FROM {state_table('records_batch')} WHERE status = 'live'"
            )
            for name in sorted(names):
                self._load_entity(entity(name))
            con.execute(
                f"CREATE TEMP TABLE known_source AS SELECT entity::SMALLINT AS entity, system, external_id, record FROM {state_table('records_sourceid')} "
                f"WHERE system = {literal(self.job.mapping.system)}"
            )
            con.execute(
                f"CREATE TEMP TABLE elsewhere AS SELECT DISTINCT entity::SMALLINT AS entity, record FROM {state_table('records_sourceid')} "
                f"WHERE system NOT IN ('app', {literal(self.job.mapping.system)})"
            )
            for target, way in sorted(self.lookups):
                self._index_names(target, way)
            con.execute("DROP TABLE live")
        merged = {e.name: redirects(e) for e in entities().values() if e.shape == "versioned"}
        self.context.redirects = {name: found for name, found in merged.items() if found}

    def _load_facts(self) -> None:
        """The facts that are here of the records that this import speaks of: `old_fact`."""
        con = self.con
        con.execute("CREATE TEMP TABLE spoken AS SELECT DISTINCT entity, record FROM new_fact")
        row = con.execute("SELECT count(*) FROM spoken").fetchone()
        if row and row[0] <= FEW:
            con.execute(f"CREATE TEMP TABLE old_fact ({PLACED}, id BIGINT)")
            for code in [r[0] for r in con.execute("SELECT DISTINCT entity FROM spoken").fetchall()]:
                e = next(e for e in entities().values() if e.code == code)
                ids = [r[0] for r in con.execute("SELECT record FROM spoken WHERE entity = ?", [code]).fetchall()]
                con.register("some_facts", facts_of(e, ids, named=False))
                con.execute(f"INSERT INTO old_fact BY NAME SELECT {code} AS entity, * FROM some_facts")
                con.unregister("some_facts")
            return
        with attached_state(con):
            live = f"SELECT id FROM {state_table('records_batch')} WHERE status = 'live'"
            con.execute(
                "CREATE TEMP TABLE old_fact AS SELECT c.entity::SMALLINT AS entity, c.record, c.field, c.value, c.effective, c.recorded, "
                f"c.seq, c.assumed::BOOLEAN AS assumed, c.id FROM {state_table('records_change')} c "
                f"SEMI JOIN ({live}) live ON live.id = c.batch SEMI JOIN spoken s ON s.entity = c.entity AND s.record = c.record"
            )

    def _load_entity(self, e: Entity) -> None:
        con = self.con
        source = state_table(e.table)
        if e.shape == "versioned":
            cells = []
            for column in columns_of(e, list(self.context.custom.get(e.name, {}).values())):
                cells.append(f"{_stored_text(column.field, column.kind)} AS {quote(column.field)}")
            con.execute(
                f"CREATE TEMP TABLE known_{e.name} AS SELECT t.id, {', '.join(cells)}, t.deleted::BOOLEAN::INTEGER::VARCHAR AS deleted FROM {source} t"
            )
            return
        con.execute(
            f"CREATE TEMP TABLE known_{e.name} AS SELECT t.*, live.edited, {dated.base_sql('t.external_id')} AS base FROM {source} t "
            "JOIN live ON live.id = t.batch"
        )
        for f in e.fields:
            if f.kind in dated.CAST:
                con.execute(f"ALTER TABLE known_{e.name} ALTER {quote(f.name)} TYPE {dated.CAST[f.kind]}")
        con.execute(f"ALTER TABLE known_{e.name} ALTER deleted TYPE BOOLEAN")
        con.execute(f"ALTER TABLE known_{e.name} ADD COLUMN content VARCHAR")
        con.execute(f"UPDATE known_{e.name} SET content = {dated.content_sql(e, f'known_{e.name}')}")

    def _index_names(self, target: str, way: str) -> None:
        """Labels under which records of `target` can be named; one that several share is kept without a record."""
        e = entity(target)
        self.con.execute(f"""
            INSERT INTO name_index SELECT {literal(target)}, {literal(way)}, lower(trim(t.{quote(way)})), CASE WHEN count(*) = 1 THEN min(t.id) END
            FROM {state_table(e.table)} t WHERE t.{quote(way)} IS NOT NULL AND NOT t.deleted::BOOLEAN
            GROUP BY 3
        """)

    # -- the run ------------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        self.facts()
        return self.finish()

    def facts(self) -> Outcome:
        """The first half: read every file and leave `facts.parquet`; the outcome counts facts, and nothing else yet."""
        self._tables()
        ownership.prepare(self.con)
        rereading = self.rereading = Rereading(self.context, [p for p, _ in self.work])
        self._load_state()
        self._problems_of_reading()
        self._stages()
        with self.progress.task("Reading rows", len(self.work)) as task:
            for part, staged in self.work:
                self._one(part, staged)
                task.advance(1)
        with self.progress.task("Comparing with what is known", None):
            self._absent()
            rereading.reach_back()
            rereading.write_rows()
            rereading.tell(self.outcome)
            ownership.decide(self.con, self.job.mapping.system, self.file, self.context.redirects)
            self._load_facts()
            self._first_values()
            self._without_repetitions()
            rereading.leave_repeated()
            self.outcome.facts = self._copy(
                "SELECT entity, record, field, value, effective, recorded, seq, assumed FROM fact_out ORDER BY entity, record",
                "facts.parquet",
            )
        return self.outcome

    def finish(self) -> Outcome:
        """The second half, which asks DuckDB alone: source ids, current rows, interval and event rows, problems."""
        with self.progress.task("Working out current values", None):
            self._write()
        self.con.close()
        return self.outcome

    def _problems_of_reading(self) -> None:
        rows = [p for s in self.job.staged for p in s.problems]
        if rows:
            self.con.executemany(
                "INSERT INTO problem VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                [(p.source, p.row, p.field, p.problem, p.remedy, p.value, p.severity) for p in rows],
            )

    def _one(self, part: Part, staged: StagedFile) -> None:
        reader = PartReader(self.context, part, staged)
        good = reader.run()
        e = reader.entity
        self.touched.add(e.name)
        mode = part.mode or self.job.mode
        counts = self.outcome.counts.setdefault(e.name, {"rows": 0})
        counts["rows"] += good
        if e.shape != "versioned":
            self.rereading.correct_rows(e)
            self.con.execute(f"CREATE OR REPLACE TEMP VIEW known_row AS SELECT * FROM known_{e.name}")
            dated.dated_rows(reader, self.file)
            if mode == "snapshot" and not part.changed_at:
                self.snapshots[e.name] = reader
            return
        self._learn_names(reader)
        self.con.execute(f"INSERT INTO present SELECT {e.code}, record, ext FROM typed")
        if part.history:
            facts.history_rows(reader, part.history)
        elif part.changed_at:
            facts.changed_rows(reader)
        else:
            self._views(e)
            facts.current_rows(reader, self.file)
            self.rereading.note(reader, facts.first_moments(reader, self.file), self.file)
            if mode == "snapshot":
                self.snapshots[e.name] = reader

    def _absent(self) -> None:
        """What the snapshots of this import, all their files together, do not name."""
        for name, reader in self.snapshots.items():
            if reader.entity.shape == "versioned":
                facts.absent_rows(self.con, reader.entity, self.file)
            else:
                self.con.execute(f"CREATE OR REPLACE TEMP VIEW known_row AS SELECT * FROM known_{name}")
                dated.absent_rows(reader, self.file)

    def _views(self, e: Entity) -> None:
        con = self.con
        con.execute(f"CREATE OR REPLACE TEMP VIEW known AS SELECT * FROM known_{e.name}")
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE said AS SELECT record, list(DISTINCT field) AS fields FROM (
                SELECT record, field FROM new_fact WHERE entity = {e.code} AND field <> '*' AND NOT assumed
                UNION ALL SELECT record, unnest(json_keys(value)) FROM new_fact WHERE entity = {e.code} AND field = '*' AND NOT assumed
            ) GROUP BY record
        """)
        con.execute("""
            CREATE OR REPLACE TEMP TABLE closed_stage AS
            SELECT DISTINCT id FROM (
                SELECT id, kind FROM known_stage
                UNION ALL SELECT record, json_extract_string(value, '$.kind') FROM new_fact WHERE entity = 41 AND field = '*'
            ) WHERE kind IN ('won', 'lost')
        """)

    def _learn_names(self, reader: PartReader) -> None:
        """Records of this import can be referred to by name as well."""
        for target, way in sorted(self.lookups):
            if target != reader.entity.name:
                continue
            read = next((r for r in reader.reads if r.field.name == way and not r.field.custom), None)
            if read is None:
                continue
            entity_name = literal(reader.entity.name)
            self.con.execute(f"""
                CREATE OR REPLACE TEMP TABLE name_index AS
                SELECT entity, way, label, CASE WHEN count(record) = count(*) AND count(DISTINCT record) = 1 THEN min(record) END AS record FROM (
                    SELECT * FROM name_index
                    UNION SELECT {entity_name}, {literal(way)}, lower(trim(c_{read.n})), record FROM typed WHERE c_{read.n} IS NOT NULL
                ) GROUP BY entity, way, label
            """)

    def _stages(self) -> None:
        """Stages that deals name and nobody describes: their kind is read off their names."""
        described = {s.id: s for s in self.job.mapping.stages}
        found = {**described, **{s.id: s for s in self._undescribed(set(described))}}
        for row in found.values():
            self._state_stage(row)
        self.outcome.stages = [asdict(s) for s in found.values()]

    def _undescribed(self, described: set[str]) -> list[StageRow]:
        if any(p.entity == "stage" for p, _ in self.work):
            return []
        names: list[str] = []
        for part, staged in self.work:
            source = part.fields.get("stage")
            if part.entity != "opportunity" or source is None or not source.column or part.history:
                continue
            column = next((c.name for c in staged.columns if c.name.lower() == source.column.lower()), None)
            if column is None:
                continue
            rows = self.con.execute(
                f"SELECT trim({quote(column)}) AS n, count(*) FROM read_parquet({literal(staged.parquet_path)}) "
                "WHERE n <> '' GROUP BY 1 ORDER BY 2 DESC LIMIT 200"
            ).fetchall()
            names += [r[0] for r in rows]
        known = set(StageModel.objects.values_list("name", flat=True))
        fresh = [n for n in dict.fromkeys(names) if n not in described and n not in known]
        order = {"open": 0, "won": 1, "lost": 2}
        ranked = sorted(fresh, key=lambda n: order[words.stage_kind(n)])
        return [
            StageRow(n, n, words.stage_kind(n), position, "", words.is_pitch(n), words.is_qualified(n))
            for position, n in enumerate(ranked, start=1 + len(described))
        ]

    def _state_stage(self, row: StageRow) -> None:
        from salesops.common.ids import record_id

        system = self.job.mapping.system
        record = record_id("stage", system, row.id)
        if StageModel.objects.filter(pk=record).exists():
            return
        values: dict[str, str] = {"name": row.name, "kind": row.kind, "position": str(row.position)}
        values |= {"pitch": "1"} if row.pitch else {}
        values |= {"qualified": "1"} if row.qualified else {}
        values |= {"probability": str(int(float(row.probability) * 1_000_000))} if row.probability else {}
        values |= {"pipeline": str(record_id("pipeline", system, row.pipeline))} if row.pipeline else {}
        self.touched.add("stage")
        self.con.execute("INSERT INTO source_id VALUES (?, 41, ?, ?, ?)", [record, system, row.id, record])
        self.con.execute(
            "INSERT INTO new_fact VALUES (41, ?, '*', ?, ?, ?, 0, TRUE)",
            [record, json.dumps(values), BEGINNING_US, BEGINNING_US],
        )

    def _first_values(self) -> None:
        """What a history table says a field was before its first change held since the record was created.

        The earlier the change, the greater the place in order: the first change decides, in whatever order they come.
        """
        if not self.con.execute("SELECT 1 FROM first_value LIMIT 1").fetchone():
            return
        self.con.execute(f"""
            INSERT INTO new_fact
            SELECT v.entity, v.record, v.field, v.value, c.created, c.created, {BEGINNING_US - 1} - v.changed, TRUE
            FROM first_value v JOIN (
                SELECT entity, record,
                       min(TRY_CAST(CASE WHEN field = 'created' THEN value ELSE json_extract_string(value, '$.created') END AS BIGINT)) AS created
                FROM (SELECT entity, record, field, value FROM new_fact UNION ALL SELECT entity, record, field, value FROM old_fact)
                WHERE field IN ('created', '*') GROUP BY entity, record
            ) c ON c.entity = v.entity AND c.record = v.record
            WHERE c.created IS NOT NULL AND v.value IS NOT NULL
        """)

    def _without_repetitions(self) -> None:
        """Facts that are here already say nothing new; of the same fact twice in one import, the last place counts.

        A fact that is here, and in this import comes after others of its moment, counts again where its place is a later one.
        """
        con = self.con
        said = "entity, record, field, value, effective, recorded"
        row = con.execute(f"SELECT count(*) - count(DISTINCT hash({said})) FROM new_fact").fetchone()
        if row and row[0]:
            con.execute(f"""
                CREATE TEMP TABLE fact_out AS
                SELECT {said}, max(seq) AS seq, bool_and(assumed) AS assumed FROM new_fact GROUP BY {said}
            """)
            con.execute("DROP TABLE new_fact")
        else:
            con.execute("ALTER TABLE new_fact RENAME TO fact_out")
        row = con.execute("SELECT count(*) FROM old_fact").fetchone()
        if row and row[0]:
            con.execute(f"""
                DELETE FROM fact_out f USING old_fact o WHERE o.entity = f.entity AND o.record = f.record AND o.field = f.field
                AND o.recorded = f.recorded AND o.effective IS NOT DISTINCT FROM f.effective AND o.value IS NOT DISTINCT FROM f.value
                AND (f.seq BETWEEN 0 AND {facts.PLACE - 1} OR o.seq >= f.seq)
            """)

    # -- results ------------------------------------------------------------------------------------------------------

    def _copy(self, select: str, name: str) -> int:
        row = self.con.execute(
            f"COPY ({select}) TO {quoted(self.job.folder / name)} (FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE 100000)"
        ).fetchone()
        return int(row[0]) if row else 0

    def _write(self) -> None:
        outcome = self.outcome
        self._copy(
            "SELECT DISTINCT s.* FROM source_id s ANTI JOIN known_source k USING (entity, system, external_id) ORDER BY id",
            "source_ids.parquet",
        )
        for name in sorted(self.touched):
            e = entity(name)
            if e.shape == "versioned":
                self._write_current(e)
            else:
                self._write_rows(e)
        told_once(self.con)
        self._copy('SELECT * FROM problem ORDER BY source, "row"', "problems.parquet")
        outcome.conflicts = self._copy("SELECT * FROM conflict", "conflicts.parquet")
        for severity, count in self.con.execute("SELECT severity, count(*) FROM problem GROUP BY 1").fetchall():
            setattr(outcome, "errors" if severity == "error" else "warnings", count)

    def _write_current(self, e: Entity) -> None:
        con, code = self.con, e.code
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE record_out AS SELECT DISTINCT record FROM fact_out WHERE entity = {code}"
        )
        counts = self.outcome.counts.setdefault(e.name, {"rows": 0})
        row = con.execute(
            f"SELECT count(*), count(*) FILTER (record NOT IN (SELECT id FROM known_{e.name})) FROM record_out"
            if e.name in {p.entity for p, _ in self.work} | {"stage"}
            else "SELECT count(*), count(*) FROM record_out"
        ).fetchone() or (0, 0)
        counts["new"], counts["changed"] = row[1], row[0] - row[1]
        custom = list(self.context.custom.get(e.name, {}).values())
        facts = con.execute("SELECT count(*) FROM fact_out WHERE entity = ?", [code]).fetchone()
        buckets = 1 + (facts[0] if facts else 0) // BUCKET
        for bucket in range(buckets):
            share = f"entity = {code} AND record >> 43 BETWEEN {_edge(bucket, buckets)} AND {_edge(bucket + 1, buckets) - 1}"
            con.execute(f"""
                CREATE OR REPLACE TEMP VIEW record_fact AS
                SELECT record, field, value, effective, recorded, seq, id FROM old_fact SEMI JOIN record_out USING (record) WHERE {share}
                UNION ALL
                SELECT record, field, value, effective, recorded, seq, 9223372036854775807 AS id FROM fact_out WHERE {share}
            """)
            self._copy(current_select(con, e, custom), f"current-{e.name}-{bucket}.parquet")

    def _write_rows(self, e: Entity) -> None:
        """New rows, each ended by the next one of its id; and the ends that known rows get (ended by batch 0: by this import)."""
        con = self.con
        counts = self.outcome.counts.setdefault(e.name, {"rows": 0})
        name = e.name
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE fresh_row AS
            SELECT *, row_number() OVER () AS n FROM new_{name} t
            QUALIFY row_number() OVER (PARTITION BY id, recorded_from, hash({dated.content_sql(e, "t")}) ORDER BY seq DESC) = 1
        """)
        self._chain(e, "")
        if con.execute("SELECT 1 FROM chain WHERE ended = recorded_from LIMIT 1").fetchone():
            self._order_moments(e)
        names = ", ".join(f"r.{quote(f.name)}" for f in e.fields)
        count = self._copy(
            f"SELECT r.id, r.system, r.external_id, {names}, r.recorded_from, c.ended AS recorded_to, c.ender AS closed_by, r.assumed, "
            "r.deleted, r.custom FROM fresh_row r JOIN chain c ON c.n = r.n AND NOT c.known ORDER BY r.id, r.recorded_from, r.seq",
            f"rows-{name}.parquet",
        )
        ended = self._copy(
            'SELECT stored AS "row", ended AS recorded_to, ender AS closed_by FROM chain WHERE known AND ended IS NOT NULL '
            "AND (recorded_to IS DISTINCT FROM ended OR closed_by IS DISTINCT FROM ender)",
            f"ended-{name}.parquet",
        )
        counts["new"], counts["changed"] = count - min(count, ended), ended
        self.outcome.rows += count

    def _order_moments(self, e: Entity) -> None:
        """Rows of one id recorded at one moment: by what they say where each has a change time of its own (`chains.content_order`), else
        successive changes in source order, a microsecond apart."""
        if any(p.entity == e.name and p.changed_at for p, _ in self.work):
            self._chain(e, f"{content_order(e)},", ", ".join(["", *map(quote, said_columns(e))]))
            return
        self.con.execute("""
            CREATE OR REPLACE TEMP TABLE fresh_row AS
            SELECT * REPLACE (recorded_from + row_number() OVER (PARTITION BY id, recorded_from ORDER BY seq, n) - 1 AS recorded_from)
            FROM fresh_row
        """)
        self._chain(e, "")

    def _chain(self, e: Entity, order: str, columns: str = "") -> None:
        """`chain`: the rows of `fresh_row` and the known ones of the same ids, each with the moment and batch that end it."""
        self.con.execute(f"""
            CREATE OR REPLACE TEMP TABLE chain AS
            SELECT *, lead(recorded_from) OVER w AS ended, lead(batch) OVER w AS ender FROM (
                SELECT id, recorded_from, recorded_to, NULL::BIGINT AS closed_by, FALSE AS known, n, seq, NULL::BIGINT AS stored, 0 AS batch{columns}
                FROM fresh_row
                UNION ALL
                SELECT id, recorded_from, recorded_to, closed_by, TRUE, 0, 0, "row", batch{columns} FROM known_{e.name} SEMI JOIN fresh_row USING (id)
            ) WINDOW w AS (PARTITION BY id ORDER BY recorded_from, {order} known DESC, stored, seq, n)
        """)


def check_fields(mapping: Mapping) -> None:
    """Raise InvalidData where a mapping writes what only the product's actions write."""
    problems = []
    for part in mapping.parts:
        named = {*part.fields, *(n for m in part.milestones for n in m.fields)}
        named |= set(part.history.names.values()) - {"deleted"} if part.history else set()
        for name in sorted(named & HISTORY_ONLY):
            remedy = (
                "Name the column in `deleted`"
                if name == "deleted"
                else "Leave it out; salesops record merge merges records"
            )
            problems.append(Problem(mapping.name, None, name, f"{part.entity}.{name} is history, not a field", remedy))
    if problems:
        raise InvalidData(f"the mapping {mapping.name} names what cannot be imported", "Correct the mapping", problems)


def _turn(pair: tuple[Part, StagedFile]) -> tuple[bool, int, bool]:
    """Histories before current rows, what others refer to first, and events before what is said of them elsewhere."""
    part, e = pair[0], entity(pair[0].entity)
    return not (part.history or part.changed_at), e.code, e.shape == "event" and "at" not in part.fields


def _edge(bucket: int, buckets: int) -> int:
    """Where a bucket of record ids begins, in their highest 20 of 63 bits: ids are digests, so equal stretches hold equally many."""
    return (bucket << 20) // buckets


def _stored_text(name: str, kind: str) -> str:
    """SQL: a stored current value as canonical text (column `t.<name>`, or a key of `t.custom`)."""
    if name.startswith("custom."):
        return f"json_extract_string(t.custom, '$.\"{name.removeprefix('custom.')}\"')"
    if kind == "boolean":
        return f"t.{quote(name)}::BOOLEAN::INTEGER::VARCHAR"
    if kind == "date":
        return f"t.{quote(name)}::DATE::VARCHAR"
    return f"t.{quote(name)}::VARCHAR"
