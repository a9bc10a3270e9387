"""A session: one generation, reduced to what was known on a day, ready for questions."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import parse_one

from salesops.common.errors import WorkspaceError
from salesops.common.instants import end_of_day
from salesops.common.periods import FiscalCalendar, UnitCalendar
from salesops.common.portable import foreign, transpile
from salesops.records.columns import custom_fields
from salesops.records.duck import connect
from salesops.records.entities import entities
from salesops.workspace import Workspace

from . import engines, opportunity, tables
from .build import Settings, build_versioned
from .generations import Generation, hold
from .views import table_select
from .zones import Zones

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Manifest:
    """What a session can say about its generation without reading a table."""

    name: str
    tick: int
    rows: dict[str, int]
    currencies: dict[str, list[str]]
    reporting_currency: str
    time_zone: str
    today: date
    calendars: tuple[UnitCalendar, ...] = ()


class Session:
    """Questions to one generation, which stays for as long as the session is open. Threads take turns."""

    def __init__(
        self, workspace: Workspace, generation: Generation, as_known_on: date | None = None, held: int | None = None
    ) -> None:
        self.workspace = workspace
        self.as_known_on = as_known_on
        self.generation = generation.name
        self.manifest = Manifest(
            name=generation.name,
            tick=generation.tick,
            rows={name: table.rows for name, table in generation.tables.items()},
            currencies=generation.facts.get("currencies", {}),
            reporting_currency=generation.reporting_currency,
            time_zone=generation.time_zone,
            today=date.fromisoformat(generation.today),
            calendars=tuple(
                UnitCalendar(**{**one, "calendar": FiscalCalendar(**one["calendar"])})
                for one in generation.facts.get("calendars", [])
            ),
        )
        self._lock = threading.Lock()
        self._held = held if held is not None else _held(workspace, generation)
        self._spill = workspace.work / "spill" / f"{os.getpid()}-{next(_numbers)}"
        self._con = connect(self._spill)
        self._engine: engines.Engine | None = None
        self.asked = Counter[str]()  # statements by the engine that answered them
        try:
            self._engine = _opened(self._con, workspace, generation, as_known_on)
        except BaseException:
            self.close()
            raise

    def query(self, sql: Any, parameters: Any = None) -> pa.Table:
        """The answer to an SQL text or SQLGlot expression (DuckDB dialect), as an Arrow table.

        The workspace's engine answers what can be written for it (`common.portable`); the rest is answered by DuckDB from the
        same generation.
        """
        text = sql if isinstance(sql, str) else sql.sql(dialect="duckdb")
        with self._lock:
            if self._engine is not None and parameters is None:
                tree: Any = parse_one(text, dialect="duckdb")
                if not foreign(tree):
                    return self._elsewhere(self._engine, tree, text)
            self.asked["duckdb"] += 1
            return self._con.execute(text, parameters).to_arrow_table()

    def _elsewhere(self, engine: engines.Engine, tree: Any, text: str) -> pa.Table:
        """The answer of the workspace's engine, in the types of DuckDB, which only plans the statement."""
        schema = self._con.execute(f"SELECT * FROM ({text}) LIMIT 0").to_arrow_table().schema
        self.asked[engine.dialect] += 1
        return engine.query(transpile(tree, engine.dialect), schema)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection itself, for benchmarks and notebooks."""
        return self._con

    def close(self) -> None:
        """End the session: its generation may be swept from now on."""
        if self._engine is not None:
            self._engine.close()
        self._con.close()
        shutil.rmtree(self._spill, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None


@contextmanager
def open_session(workspace: Workspace, *, as_known_on: date | None = None, generation: str = "") -> Iterator[Session]:
    """Open the current (or the named) generation, as known on a day (default: all that is known)."""
    found = hold(workspace.warehouse, generation)
    if found is None:
        what = f"generation {generation}" if generation else "warehouse"
        raise WorkspaceError(f"there is no {what} yet", remedy="salesops refresh")
    session = Session(workspace, found[0], as_known_on, found[1])
    try:
        yield session
    finally:
        session.close()


def _held(workspace: Workspace, generation: Generation) -> int | None:
    found = hold(workspace.warehouse, generation.name)
    return found[1] if found else None


def forget_spill(work: Path) -> None:
    """Remove what sessions of processes that are no more had written aside."""
    for folder in (work / "spill").glob("*-*"):
        try:
            os.kill(int(folder.name.split("-")[0]), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue


def _opened(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, generation: Generation, as_known_on: date | None
) -> engines.Engine | None:
    """Make the tables of a session in DuckDB, and in the workspace's engine if it has one."""
    restated = _views(con, workspace, generation, as_known_on)
    if not engines.chosen(workspace):
        return None
    until = None if as_known_on is None else end_of_day(as_known_on, generation.time_zone)
    selects = {name: table_select(workspace.warehouse, table) for name, table in generation.tables.items()}
    filtered = dict.fromkeys(_dated(generation), tables.known_filter(until))
    return engines.open_engine(workspace, generation, con, selects, filtered, restated)


def _dated(generation: Generation) -> list[str]:
    """The tables of intervals and events, which keep rows that were superseded."""
    known = entities()
    return [name for name in generation.tables if name in known and known[name].shape != "versioned"]


def _views(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, generation: Generation, as_known_on: date | None
) -> list[str]:
    """Make the views of a session; the tables that had to be built anew for what was known."""
    until = None if as_known_on is None else end_of_day(as_known_on, generation.time_zone)
    dated = set(_dated(generation))
    for name, table in generation.tables.items():
        select = table_select(workspace.warehouse, table)
        if name in dated:
            select = f"SELECT * FROM ({select}) WHERE {tables.known_filter(until)}"
        con.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS {select}')
    return [] if until is None else _restate(con, workspace, generation, until)


def _restate(con: duckdb.DuckDBPyConnection, workspace: Workspace, generation: Generation, until: int) -> list[str]:
    """Rebuild, from the facts known before `until`, the records of which something was learned late.

    A record whose every fact was recorded by the time it became true looks the same on any later day of knowledge,
    so only the others are built anew. The names of the tables that changed.
    """
    restated = ["reporting_closure", "rate_day"]
    merged = con.execute("SELECT DISTINCT entity FROM redirect").fetchall() if "redirect" in generation.tables else []
    moved = frozenset(row[0] for row in merged)
    zones = Zones.from_dict(generation.time_zone, generation.facts.get("zones", {}))
    settings = Settings(generation.reporting_currency, zones, custom_fields(), moved)
    order = sorted(
        (e for e in entities().values() if e.shape == "versioned"), key=lambda e: (e.name == "opportunity", e.code)
    )
    for entity in order:
        late = generation.tables.get(f"{entity.name}_late")
        if late is None or (not late.rows and not late.delta):
            continue
        con.execute(
            f'CREATE OR REPLACE TEMP TABLE known_facts AS SELECT * FROM "{entity.name}_late" WHERE recorded < {until}'
        )
        if entity.name == "opportunity":
            opportunity.build_reference(con, settings.reporting_currency)

        def write(table: str, select: str, name: str = entity.name) -> None:
            if table.startswith("undated:"):
                return
            restated.append(table)
            con.execute(f'CREATE OR REPLACE TEMP TABLE "{table}_known" AS {select}')
            base = table_select(workspace.warehouse, generation.tables[table])
            if table == "stage_history":
                late_ids = f'SELECT DISTINCT record FROM "{name}_late"'
                base = f"SELECT * FROM ({base}) WHERE opportunity NOT IN ({late_ids})"
            else:
                base = f"SELECT * FROM ({base}) WHERE NOT late"
            con.execute(
                f'CREATE OR REPLACE TEMP VIEW "{table}" AS {base} UNION ALL BY NAME SELECT * FROM "{table}_known"'
            )

        build_versioned(con, entity, "known_facts", settings, write, keep_late=False)
    con.execute(f"CREATE OR REPLACE TEMP TABLE reporting_closure_known AS {tables.CLOSURE}")
    con.execute("CREATE OR REPLACE TEMP VIEW reporting_closure AS SELECT * FROM reporting_closure_known")
    today = date.fromisoformat(generation.today)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE rate_day_known AS {tables.rate_select(generation.reporting_currency, today)}"
    )
    con.execute("CREATE OR REPLACE TEMP VIEW rate_day AS SELECT * FROM rate_day_known")
    return restated
