"""Making the next generation: everything anew, or only what changed since the last one."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from salesops.common.errors import WorkspaceError
from salesops.common.locks import exclusive
from salesops.common.progress import Progress, Silent
from salesops.records import access, extract
from salesops.records.access import Actor
from salesops.records.actions_erase import erasures
from salesops.records.columns import FOREVER, custom_fields
from salesops.records.duck import connect, quoted
from salesops.records.entities import Entity, entities
from salesops.records.units import unit_calendars, unit_zones
from salesops.records.writing import current_tick
from salesops.workspace import Workspace

from . import engines, opportunity, tables
from .build import Settings, build_versioned
from .generations import Generation, Table, load, next_number, publish, sweep
from .merges import referred
from .session import forget_spill
from .views import table_select
from .zones import Zones

FORMAT = 5  # raise when the files' layout changes: older generations are then built anew
SPLIT_FROM = 200_000
"""From how many facts on the versions of an entity are written as two files (`_copy_apart`)."""
BUCKET = 3_000_000  # facts built at once
SMALL = 200_000  # a table up to this many rows is rewritten rather than patched
FULL_FROM = 50_000  # changed records from which a full refresh is quicker
# A change here means other tables' rows: everything is built anew.
MONEY_TABLES = (
    "opportunity", "opportunity_line", "order", "order_line", "target", "subscription", "cost", "invoice", "payment",
)  # fmt: skip
FAR_REACHING = {"stage", "price", "price_book", "product"}


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: which generation is current, how it was made, seconds."""

    generation: str
    kind: str  # full | incremental | unchanged
    records: int
    seconds: float


def refresh(
    workspace: Workspace, *, actor: Actor | None = None, full: bool = False, progress: Progress | None = None
) -> Refreshed:
    """Bring the warehouse up to the records; `actor` is who asks for it, where somebody does. One refresh runs at a time; readers keep the
    generation they opened."""
    if actor is not None:
        access.require(actor, "refresh")
    progress = progress or Silent()
    started = time.monotonic()
    folder = workspace.warehouse
    (folder / "files").mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "refresh.lock", wait=600, what="another refresh"):
        work = workspace.work / "refresh"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        forget_spill(workspace.work)
        maker = _Maker(workspace, work, progress)
        try:
            made = maker.make(full)
        except (OSError, duckdb.Error) as error:
            maker.clean()
            if not _no_room(error):
                raise
            raise WorkspaceError(
                f"the warehouse could not be written: {str(error).splitlines()[0]}",
                remedy="Make room on the disk (or set SALESOPS_MEMORY lower or higher) and refresh again; "
                "the generation before stays current",
            ) from error
        finally:
            maker.con.close()
            shutil.rmtree(work, ignore_errors=True)
    return replace(made, seconds=time.monotonic() - started)


def is_current(workspace: Workspace) -> bool:
    """Whether the current generation says all that is recorded, today, under the settings and in the layout of now."""
    current = load(workspace.warehouse)
    if current is None or current.tick < current_tick() or current.today != str(workspace.today):
        return False
    config = workspace.config
    settings = Settings(config.currency, Zones.of(config.time_zone, unit_zones()), custom_fields())
    return current.signature == _signature(workspace, settings, unit_calendars(config.calendar))


def _signature(workspace: Workspace, settings: Settings, calendars: Any) -> str:
    """A digest of what the files depend on besides the records: layout, entities and their fields, currency, time zones, calendars, custom
    fields; and how many people were erased, so that what a file still holds of them is never read on."""
    values = [
        FORMAT,
        {name: [(field.name, field.kind) for field in one.fields] for name, one in entities().items()},
        settings.reporting_currency,
        settings.zones.workspace,
        repr(workspace.config.calendar),
        repr(settings.custom),
    ]
    values += [repr(one) for one in (settings.zones.units, calendars, erasures()) if one]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def _no_room(error: Exception) -> bool:
    """Whether a refresh failed for want of disk or memory; the SQLite scanner says so only in words."""
    words = ("disk i/o error", "disk is full", "no space left", "file too large")
    kinds = (OSError, duckdb.IOException, duckdb.OutOfMemoryException)
    return isinstance(error, kinds) or any(word in str(error).lower() for word in words)


class _Maker:
    """One refresh under way: a connection, the new files, the manifest being put together."""

    def __init__(self, workspace: Workspace, work: Path, progress: Progress) -> None:
        self.workspace, self.work, self.progress = workspace, work, progress
        self.folder = workspace.warehouse
        config = workspace.config
        self.settings = Settings(config.currency, Zones.of(config.time_zone, unit_zones()), custom_fields())
        self.calendars = unit_calendars(config.calendar)
        self.signature = _signature(workspace, self.settings, self.calendars)
        self.number = next_number(self.folder)
        self.con = connect(work / "spill")
        self.tables: dict[str, Table] = {}

    def make(self, full: bool) -> Refreshed:
        previous = load(self.folder)
        if not full and previous and previous.signature == self.signature:
            tick = current_tick()
            changed = extract.changed_since(previous.tick)
            if tick == previous.tick and previous.today == str(self.workspace.today):
                return Refreshed(previous.name, "unchanged", 0, 0)
            count = sum(len(ids) for ids in changed.records.values())
            if not changed.everything and count <= FULL_FROM and not FAR_REACHING & changed.records.keys():
                return self._incremental(previous, changed, count, tick)
        made = self._full()
        if previous and previous.signature != self.signature:
            sweep(self.folder, 1)  # what settings of before, or somebody erased, stand in is not kept
        return made

    def clean(self) -> None:
        """Remove what a refresh that failed has written."""
        for file in (self.folder / "files").glob(f"*-{self.number}-*"):
            file.unlink(missing_ok=True)

    # -- full ---------------------------------------------------------------------------------------------------------

    def _full(self) -> Refreshed:
        raw = self.work / "raw"
        with self.progress.task("Reading records", None):
            tick = extract.extract_all(self.con, raw)
            self._redirects(extract.redirect_rows(self.con, raw))
        order = sorted(entities().values(), key=lambda e: (e.name == "opportunity", e.code))
        with self.progress.task("Building tables", len(order)) as task:
            for entity in order:
                if entity.shape == "versioned":
                    self._full_versioned(entity, raw)
                else:
                    self._full_dated(entity, raw)
                task.advance(1)
        self._gather_undated()
        self._write_part("source_system", extract.source_select(f"read_parquet({quoted(raw / 'sources.parquet')})"))
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
            source = f"(SELECT * FROM facts WHERE record % {buckets} = {bucket})" if buckets > 1 else "facts"
            write = partial(self._write_part, part=bucket, split=entity.name if count >= SPLIT_FROM else "")
            build_versioned(con, entity, source, self.settings, write)
        self._view(entity.name)

    def _redirects(self, rows: pa.Table) -> None:
        """Merged records: a table of the generation, and what the settings say of it."""
        self.con.register("redirect_rows", rows)
        self._write_part("redirect", "SELECT * FROM redirect_rows")
        self.con.unregister("redirect_rows")
        self._use_redirects()

    def _use_redirects(self) -> None:
        self._view("redirect")
        moved = self.con.execute("SELECT DISTINCT entity FROM redirect").fetchall()
        self.settings = replace(self.settings, moved=frozenset(row[0] for row in moved))

    def _full_dated(self, entity: Entity, raw: Path) -> None:
        source = f"read_parquet({quoted(raw / (entity.name + '.parquet'))})"
        select = self._dated(entity, source)
        self._write_part(entity.name, f"{select} ORDER BY t.id")
        self._view(entity.name, known=True)

    def _dated(self, entity: Entity, source: str) -> str:
        settings = self.settings
        return tables.dated_select(entity, settings.custom.get(entity.name, []), source, settings.zones, settings.moved)

    def _write_part(self, table: str, select: str, part: int = 0, split: str = "") -> None:
        """Write a Parquet file of a table (two of the table `split`) and enter it in the manifest being made."""
        name = f"{table.replace(':', '-')}-{self.number}-{part}"
        if table == split:
            rows, names = self._copy_apart(select, name)
        else:
            rows, names = self._copy(select, f"{name}.parquet"), [f"{name}.parquet"]
        old = self.tables.get(table)
        key = {"stage_history": "opportunity"}.get(table, "record" if table.endswith("_late") else "id")
        self.tables[table] = Table((*(old.base if old else ()), *names), (old.rows if old else 0) + rows, key)

    def _copy(self, select: str, name: str) -> int:
        target = self.folder / "files" / name
        temporary = target.with_suffix(".tmp")
        row = self.con.execute(f"COPY ({select}) TO {quoted(temporary)} (FORMAT parquet, COMPRESSION zstd)").fetchone()
        temporary.rename(target)
        return int(row[0]) if row else 0

    def _copy_apart(self, select: str, name: str) -> tuple[int, list[str]]:
        """Write versions that still hold and those of the past to files of their own: what is asked as of today, most of it, skips the
        past by its statistics."""
        folder = self.work / "apart"
        shutil.rmtree(folder, ignore_errors=True)
        told = f"SELECT *, CASE WHEN day_to = {FOREVER} THEN 'now' ELSE 'past' END AS still FROM ({select})"
        options = "FORMAT parquet, COMPRESSION zstd, PARTITION_BY (still)"
        row = self.con.execute(f"COPY ({told}) TO {quoted(folder)} ({options})").fetchone()
        names = []
        for number, file in enumerate(sorted(folder.glob("*/*.parquet"))):
            names.append(f"{name}_{number}_{file.parent.name.partition('=')[2]}.parquet")
            shutil.move(file, self.folder / "files" / names[-1])
        shutil.rmtree(folder, ignore_errors=True)
        if not names:  # not one row
            return self._copy(select, f"{name}.parquet"), [f"{name}.parquet"]
        return int(row[0]) if row else 0, names

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
        if self.calendars:
            self.con.register("unit_rows", tables.unit_calendar_table(self.calendars, first, last))
            self._rewrite("unit_calendar_day", "SELECT * FROM unit_rows")
        self._rewrite("rate_day", tables.rate_select(self.settings.reporting_currency, today))
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
        facts = {"currencies": self._currencies(), "zones": self.settings.zones.to_dict()}
        facts["calendars"] = [asdict(one) for one in self.calendars]
        generation = Generation(
            number=self.number,
            tick=tick,
            created=int(time.time() * 1_000_000),
            tables=self.tables,
            reporting_currency=self.settings.reporting_currency,
            time_zone=self.settings.zones.workspace,
            today=str(self.workspace.today),
            signature=self.signature,
            facts=facts,
        )
        selects = {name: table_select(self.folder, table) for name, table in self.tables.items()}
        engines.load(self.workspace, generation, self.con, selects)
        publish(self.folder, generation, self.workspace.config.keep_generations)

    def _currencies(self) -> dict[str, list[str]]:
        found = {}
        for table in MONEY_TABLES:
            rows = self.con.execute(
                f"SELECT DISTINCT coalesce(currency, '{self.settings.reporting_currency}') FROM \"{table}\" ORDER BY 1"
            )
            found[table] = [row[0] for row in rows.fetchall()]
        return found

    # -- incremental --------------------------------------------------------------------------------------------------

    def _incremental(self, previous: Generation, found: extract.Changed, count: int, tick: int) -> Refreshed:
        changed = found.records
        self.tables = dict(previous.tables)
        self._use_redirects()
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
        self._patch_sources(found.sources)
        self._derived_if_needed(changed, previous)
        self._publish(tick)
        return Refreshed(f"gen-{self.number}", "incremental", count, 0)

    def _touch_opportunities(self, changed: dict[str, set[int]]) -> None:
        """Deals whose lines changed, or used to have them, are valued anew."""
        lines = entities()["opportunity_line"]
        table = extract.facts_of(lines, changed["opportunity_line"])
        self.con.register("line_facts", table)
        deal = (
            "TRY_CAST(CASE WHEN field = '*' THEN json_extract_string(value, '$.opportunity') ELSE value END AS BIGINT)"
        )
        rows = self.con.execute(
            f"SELECT DISTINCT {referred('opportunity', 'deal', self.settings.moved)} FROM "
            f"(SELECT {deal} AS deal FROM line_facts WHERE field IN ('*', 'opportunity'))"
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
        self._patch(entity.name, self._dated(entity, "rows_arrow"), ids)

    def _patch_sources(self, sources: dict[str, set[int]]) -> None:
        if not sources:
            return
        self.con.register("sources_arrow", extract.sources_of(sources))
        select = extract.source_select("sources_arrow")
        self._patch("source_system", select, {record for ids in sources.values() for record in ids})

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
        self.con.register("ids_arrow", pa.table({"id": pa.array(sorted(ids), pa.int64())}))
        self.con.execute("INSERT INTO touched SELECT id FROM ids_arrow")
        self.con.unregister("ids_arrow")

    def _derived_if_needed(self, changed: dict[str, set[int]], previous: Generation) -> None:
        today = self.workspace.today
        if changed.keys() & {"reporting_line", "person"}:
            self._rewrite("reporting_closure", tables.CLOSURE)
        if "exchange_rate" in changed or previous.today != str(today):
            self._rewrite("rate_day", tables.rate_select(self.settings.reporting_currency, today))
        if previous.today[:4] != str(today)[:4]:
            self._derived()


def discard(workspace: Workspace) -> None:
    """Forget every generation; the next refresh builds anew. Records are untouched."""
    (workspace.warehouse / "CURRENT").unlink(missing_ok=True)
    for manifest in workspace.warehouse.glob("gen-*.json"):
        manifest.unlink()
    sweep(workspace.warehouse, 0)
