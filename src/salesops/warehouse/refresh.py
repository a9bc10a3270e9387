"""Making the next generation: everything anew, or only what changed since the last one."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from salesops.common.locks import exclusive
from salesops.common.progress import Progress, Silent
from salesops.records import extract
from salesops.records.columns import custom_fields
from salesops.records.duck import connect, quoted
from salesops.records.entities import Entity, entities
from salesops.records.models import Clock
from salesops.workspace import Workspace

from . import opportunity, tables
from .build import Settings, build_versioned
from .generations import Generation, Table, load, next_number, publish, sweep
from .views import table_select

FORMAT = 1  # raise when the files' layout changes: older generations are then built anew
BUCKET = 3_000_000  # facts built at once
SMALL = 200_000  # a table up to this many rows is rewritten rather than patched
FULL_FROM = 50_000  # changed records from which a full refresh is quicker
# A change here means other tables' rows: everything is built anew.
FAR_REACHING = {"stage", "price", "product"}


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: which generation is current, how it was made, seconds."""

    generation: str
    kind: str  # full | incremental | unchanged
    records: int
    seconds: float


def refresh(workspace: Workspace, *, full: bool = False, progress: Progress | None = None) -> Refreshed:
    """Bring the warehouse up to the records. One refresh runs at a time; readers keep the generation they opened."""
    progress = progress or Silent()
    started = time.monotonic()
    folder = workspace.warehouse
    (folder / "files").mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "refresh.lock", wait=600, what="another refresh"):
        work = workspace.work / "refresh"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            made = _Maker(workspace, work, progress).make(full)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return replace(made, seconds=time.monotonic() - started)


class _Maker:
    """One refresh under way: a connection, the new files, the manifest being put together."""

    def __init__(self, workspace: Workspace, work: Path, progress: Progress) -> None:
        self.workspace, self.work, self.progress = workspace, work, progress
        self.folder = workspace.warehouse
        config = workspace.config
        self.settings = Settings(config.currency, config.time_zone, custom_fields())
        self.number = next_number(self.folder)
        self.con = connect(work / "spill")
        self.tables: dict[str, Table] = {}

    def make(self, full: bool) -> Refreshed:
        previous = load(self.folder)
        if not full and previous and previous.signature == self._signature():
            changed = extract.changed_since(previous.tick)
            if not changed and previous.today == str(self.workspace.today):
                return Refreshed(previous.name, "unchanged", 0, 0)
            count = sum(len(ids) for ids in changed.values())
            if count <= FULL_FROM and not FAR_REACHING & changed.keys():
                return self._incremental(previous, changed, count)
        return self._full()

    def _signature(self) -> str:
        values = [
            FORMAT,
            self.settings.reporting_currency,
            self.settings.time_zone,
            repr(self.workspace.config.calendar),
        ]
        values += [repr(self.settings.custom)]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]

    # -- full ---------------------------------------------------------------------------------------------------------

    def _full(self) -> Refreshed:
        raw = self.work / "raw"
        with self.progress.task("Reading records", None):
            tick = extract.extract_all(self.con, raw)
        order = sorted(entities().values(), key=lambda e: (e.name == "opportunity", e.code))
        with self.progress.task("Building tables", len(order)) as task:
            for entity in order:
                if entity.shape == "versioned":
                    self._full_versioned(entity, raw)
                else:
                    self._full_dated(entity, raw)
                task.advance(1)
        self._gather_undated()
        self._derived()
        self._publish(tick)
        total = sum(t.rows for t in self.tables.values())
        return Refreshed(f"gen-{self.number}", "full", total, 0)

    def _full_versioned(self, entity: Entity, raw: Path) -> None:
        con = self.con
        count = extract.facts_view(con, raw, entity)
        if entity.name == "opportunity":
            opportunity.build_reference(con, self.settings.reporting_currency)
        buckets = max(1, -(-count // BUCKET))
        for bucket in range(buckets):
            source = "facts"
            if buckets > 1:
                con.execute(
                    f"CREATE OR REPLACE TEMP TABLE bucket AS SELECT * FROM facts WHERE record % {buckets} = {bucket}"
                )
                source = "bucket"
            build_versioned(con, entity, source, self.settings, lambda t, s, b=bucket: self._write_part(t, s, b))
        con.execute("DROP TABLE IF EXISTS bucket")
        self._view(entity.name)

    def _full_dated(self, entity: Entity, raw: Path) -> None:
        source = f"read_parquet({quoted(raw / (entity.name + '.parquet'))})"
        select = tables.dated_select(entity, self.settings.custom.get(entity.name, []), source, self.settings.time_zone)
        self._write_part(entity.name, f"{select} ORDER BY t.id")
        self._view(entity.name, known=True)

    def _write_part(self, table: str, select: str, part: int = 0) -> None:
        """Write a Parquet file of a table and enter it in the manifest being made."""
        name = f"{table.replace(':', '-')}-{self.number}-{part}.parquet"
        rows = self._copy(select, name)
        old = self.tables.get(table)
        key = {"stage_history": "opportunity"}.get(table, "record" if table.endswith("_late") else "id")
        self.tables[table] = Table((*(old.base if old else ()), name), (old.rows if old else 0) + rows, key)

    def _copy(self, select: str, name: str) -> int:
        target = self.folder / "files" / name
        temporary = target.with_suffix(".tmp")
        row = self.con.execute(f"COPY ({select}) TO {quoted(temporary)} (FORMAT parquet, COMPRESSION zstd)").fetchone()
        temporary.rename(target)
        return int(row[0]) if row else 0

    def _view(self, table: str, known: bool = False) -> None:
        select = table_select(self.folder, self.tables[table])
        where = f" WHERE {tables.known_filter(None)}" if known else ""
        self.con.execute(f'CREATE OR REPLACE TEMP VIEW "{table}" AS SELECT * FROM ({select}){where}')

    def _gather_undated(self) -> None:
        parts = [t for t in self.tables if t.startswith("undated:")]
        base = tuple(f for t in parts for f in self.tables[t].base)
        rows = sum(self.tables.pop(t).rows for t in parts)
        self.tables["undated"] = Table(base, rows)

    def _derived(self) -> None:
        today = self.workspace.today
        first, last = self._span(today)
        calendar = tables.calendar_table(self.workspace.config.calendar, first, last)
        self.con.register("calendar_rows", calendar)
        self._rewrite("calendar_day", "SELECT * FROM calendar_rows")
        self._rewrite("rate_day", tables.rate_select(self.settings.reporting_currency, today + timedelta(days=366)))
        self._rewrite("reporting_closure", tables.CLOSURE)

    def _rewrite(self, table: str, select: str) -> None:
        self.tables.pop(table, None)
        self._write_part(table, select)

    def _span(self, today: date) -> tuple[date, date]:
        """The days that the calendar must cover: all dated records, three years ahead, at least ten years back."""
        days = [today - timedelta(days=3653)]
        for table in ("opportunity", "lead", "order"):
            row = self.con.execute(
                f"SELECT min(day_from) FROM \"{table}\" WHERE day_from > DATE '1950-01-01'"
            ).fetchone()
            days += [row[0]] if row and row[0] else []
        row = self.con.execute("SELECT min(on_day) FROM stage_event WHERE on_day > DATE '1950-01-01'").fetchone()
        days += [row[0]] if row and row[0] else []
        first = min(days)
        return date(first.year - 1, 1, 1), date(max(today, date.today()).year + 3, 12, 31)

    def _publish(self, tick: int) -> None:
        facts = {"currencies": self._currencies()}
        generation = Generation(
            number=self.number,
            tick=tick,
            created=int(time.time() * 1_000_000),
            tables=self.tables,
            reporting_currency=self.settings.reporting_currency,
            time_zone=self.settings.time_zone,
            today=str(self.workspace.today),
            signature=self._signature(),
            facts=facts,
        )
        publish(self.folder, generation, self.workspace.config.keep_generations)

    def _currencies(self) -> dict[str, list[str]]:
        found = {}
        for table in ("opportunity", "order", "order_line", "target", "subscription", "cost"):
            rows = self.con.execute(
                f"SELECT DISTINCT coalesce(currency, '{self.settings.reporting_currency}') FROM \"{table}\" ORDER BY 1"
            )
            found[table] = [row[0] for row in rows.fetchall()]
        return found

    # -- incremental --------------------------------------------------------------------------------------------------

    def _incremental(self, previous: Generation, changed: dict[str, set[int]], count: int) -> Refreshed:
        tick = Clock.objects.values_list("tick", flat=True).first() or 0
        self.tables = dict(previous.tables)
        for entity in entities().values():
            self._view(entity.name, known=entity.shape != "versioned")
        known = entities()
        if "opportunity_line" in changed:
            self._touch_opportunities(changed)
        for name in sorted(changed, key=lambda n: n == "opportunity"):
            ids = changed[name]
            if known[name].shape == "versioned":
                self._patch_versioned(known[name], ids)
            else:
                self._patch_dated(known[name], ids)
            self._view(name, known=known[name].shape != "versioned")
        self._derived_if_needed(changed, previous)
        self._publish(tick)
        return Refreshed(f"gen-{self.number}", "incremental", count, 0)

    def _touch_opportunities(self, changed: dict[str, set[int]]) -> None:
        """Deals whose lines changed, or used to have them, are valued anew."""
        lines = entities()["opportunity_line"]
        table = extract.facts_of(lines, changed["opportunity_line"])
        self.con.register("line_facts", table)
        rows = self.con.execute(
            "SELECT DISTINCT TRY_CAST(CASE WHEN field = '*' THEN json_extract_string(value, '$.opportunity') ELSE value END AS BIGINT) "
            "FROM line_facts WHERE field IN ('*', 'opportunity')"
        ).fetchall()
        changed.setdefault("opportunity", set()).update(r[0] for r in rows if r[0])

    def _patch_versioned(self, entity: Entity, ids: set[int]) -> None:
        self.con.register("facts_arrow", extract.facts_of(entity, ids))
        self.con.execute("CREATE OR REPLACE TEMP TABLE new_facts AS SELECT * FROM facts_arrow")
        if entity.name == "opportunity":
            opportunity.build_reference(self.con, self.settings.reporting_currency)

        def write(table: str, select: str) -> None:
            self._patch("undated" if table.startswith("undated:") else table, select, ids)

        build_versioned(self.con, entity, "new_facts", self.settings, write)
        self.con.unregister("facts_arrow")

    def _patch_dated(self, entity: Entity, ids: set[int]) -> None:
        self.con.register("rows_arrow", extract.rows_of(entity, ids))
        custom = self.settings.custom.get(entity.name, [])
        self._patch(entity.name, tables.dated_select(entity, custom, "rows_arrow", self.settings.time_zone), ids)

    def _patch(self, table: str, select: str, ids: set[int]) -> None:
        """Replace the rows of `ids` in a table by those of `select`: small tables are rewritten, large ones get a delta."""
        con, old = self.con, self.tables[table]
        con.execute("CREATE OR REPLACE TEMP TABLE touched (id BIGINT)")
        self._insert_ids(ids)
        con.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {select}")
        if old.rows <= SMALL or old.masked > old.rows // 10:
            kept = f"SELECT o.* FROM ({table_select(self.folder, old)}) o ANTI JOIN touched t ON t.id = o.{old.key}"
            self._rewrite(table, f"SELECT * FROM ({kept} UNION ALL BY NAME SELECT * FROM fresh) ORDER BY {old.key}")
            return
        files = self.folder / "files"
        delta, mask = f"{table}-{self.number}-delta.parquet", f"{table}-{self.number}-mask.parquet"
        earlier = f"UNION ALL BY NAME SELECT d.* FROM read_parquet({quoted(files / old.delta)}) d ANTI JOIN touched t ON t.id = d.{old.key}"
        added = self._copy(f"SELECT * FROM fresh {earlier if old.delta else ''}", delta)
        before = f"UNION SELECT id FROM read_parquet({quoted(files / old.mask)})" if old.mask else ""
        masked = self._copy(f"SELECT DISTINCT id FROM touched {before}", mask)
        del added
        self.tables[table] = Table(old.base, old.rows, old.key, delta, mask, masked)

    def _insert_ids(self, ids: set[int]) -> None:
        import pyarrow as pa

        self.con.register("ids_arrow", pa.table({"id": pa.array(sorted(ids), pa.int64())}))
        self.con.execute("INSERT INTO touched SELECT id FROM ids_arrow")
        self.con.unregister("ids_arrow")

    def _derived_if_needed(self, changed: dict[str, set[int]], previous: Generation) -> None:
        today = self.workspace.today
        if changed.keys() & {"reporting_line", "person"}:
            self._rewrite("reporting_closure", tables.CLOSURE)
        if "exchange_rate" in changed or previous.today != str(today):
            self._rewrite("rate_day", tables.rate_select(self.settings.reporting_currency, today + timedelta(days=366)))
        if previous.today[:4] != str(today)[:4]:
            self._derived()


def discard(workspace: Workspace) -> None:
    """Forget every generation; the next refresh builds anew. Records are untouched."""
    (workspace.warehouse / "CURRENT").unlink(missing_ok=True)
    for manifest in workspace.warehouse.glob("gen-*.json"):
        manifest.unlink()
    sweep(workspace.warehouse, 0)
