"""Holds what the steps of one set-oriented calculation share: the connection, the plan, its pay periods, small helpers.

Tables in are read from the schema ``given`` of a DuckDB connection, named and shaped as ``salesops.compensation`` says;
tables of the calculation are made in the schema ``calc``. All arithmetic is on integers: BIGINT where the figures of
a line fit, HUGEINT (128 bits) for products; what does not fit raises an error in the engine and is never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa

from salesops.common.errors import InvalidData
from salesops.common.expressions import Schema
from salesops.common.periods import FiscalCalendar, Period
from salesops.compensation.plan import Plan
from salesops.compensation.quotas import windows_in

Grain = Literal["deal", "day"]
"""Roll-up credit of managers: one row per deal line, or one per day of crediting (lineage is expanded on demand)."""

THREADS: Final = 2
PPM: Final = 1_000_000

COLUMNS: Final[Mapping[str, str]] = {
    "claim": "deal VARCHAR, line VARCHAR, credit_type VARCHAR, source VARCHAR, rule VARCHAR, payee VARCHAR, num BIGINT, den BIGINT, priority INTEGER",
    "closure": "ancestor VARCHAR, person VARCHAR, depth INTEGER, valid_from DATE, valid_to DATE",
    "assignment": "payee VARCHAR, plan VARCHAR, valid_from DATE, valid_to DATE, hired_on DATE, left_on DATE, ramp_from DATE, "
    "pay_currency VARCHAR, region VARCHAR, level_weight_ppm BIGINT",
    "absence": "payee VARCHAR, valid_from DATE, valid_to DATE",
    "quota": "payee VARCHAR, quota VARCHAR, valid_from DATE, valid_to DATE, cents BIGINT",
    "target": "payee VARCHAR, valid_from DATE, valid_to DATE, cents BIGINT",
    "salary": "payee VARCHAR, valid_from DATE, valid_to DATE, cents BIGINT",
    "achievement": "payee VARCHAR, component VARCHAR, goal VARCHAR, period VARCHAR, ppm BIGINT",
    "rate": "kind VARCHAR, currency VARCHAR, to_currency VARCHAR, valid_from DATE, valid_to DATE, rate BIGINT, rate_id VARCHAR",
}  # fmt: skip
"""Tables in that may be left out: they are then empty."""

_MACROS: Final = """
CREATE OR REPLACE MACRO calc.half_up(n, d) AS
    CASE WHEN n >= 0 THEN (2 * n + d) // (2 * d) ELSE -((d - 2 * n) // (2 * d)) END;
CREATE OR REPLACE MACRO calc.even_up(n, d) AS
    n // d + CASE WHEN 2 * (n % d) > d OR (2 * (n % d) = d AND (n // d) % 2 = 1) THEN 1 ELSE 0 END;
CREATE OR REPLACE MACRO calc.half_even(n, d) AS
    CASE WHEN n >= 0 THEN calc.even_up(n, d) ELSE -calc.even_up(-n, d) END;
CREATE OR REPLACE MACRO calc.common(a, b) AS (a // gcd(a, b)) * b;
"""


@dataclass(frozen=True)
class Subset:
    """What an incremental calculation is about.

    ``calc.wanted`` names deals that are read, ``calc.person`` payees whose direct credits are computed anew, ``calc.dirty``
    payees whose pay is. ``stored`` is SQL of credits of the run before: of those persons where ``rolled`` is SQL of its
    managers' sums (which are then changed by the difference), else of everybody else.
    """

    stored: str
    rolled: str = ""


@dataclass
class Work:
    """One calculation in progress."""

    con: duckdb.DuckDBPyConnection
    plan: Plan
    calendar: FiscalCalendar
    schema: Schema
    periods: list[Period]
    through: date
    grain: Grain = "deal"
    subset: Subset | None = None

    def run(self, sql: str) -> None:
        """Run a statement."""
        self.con.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Give the rows of a question."""
        return self.con.execute(sql).fetchall()

    def make(self, name: str, sql: str) -> None:
        """Make the table ``calc.name`` of what a question gives."""
        self.con.execute(f"CREATE OR REPLACE TABLE calc.{name} AS {sql}")

    def put(self, name: str, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Make the table ``calc.name`` of rows; the columns name their DuckDB types."""
        put(self.con, f"calc.{name}", columns, rows)

    def has(self, name: str) -> bool:
        """Say whether the table ``calc.name`` was made in this calculation."""
        return bool(self.rows(f"SELECT 1 FROM duckdb_tables() WHERE schema_name = 'calc' AND table_name = '{name}'"))

    def drop(self, *names: str) -> None:
        """Give back the memory of tables that no later step reads."""
        for name in names:
            self.con.execute(f"DROP TABLE IF EXISTS calc.{name}")

    @property
    def first(self) -> date:
        """The first day that is calculated."""
        return max(self.periods[0].start, self.plan.effective.start)

    @property
    def last(self) -> date:
        """The last day that is calculated."""
        end = self.plan.effective.end
        return self.through if end is None else min(self.through, end - timedelta(days=1))


_ARROW: Final[Mapping[str, Any]] = {
    "BIGINT": pa.int64(), "INTEGER": pa.int32(), "VARCHAR": pa.string(), "DATE": pa.date32(), "BOOLEAN": pa.bool_(),
    "HUGEINT": pa.decimal128(38, 0),
}  # fmt: skip


def put(
    con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Make a table of rows of Python values, moved in columns."""
    listed = list(rows)
    fields = [pa.field(name, _ARROW[kind]) for name, kind in columns.items()]
    arrays: list[tuple[Any, ...]] = list(zip(*listed, strict=True)) if listed else [() for _ in fields]
    moved = pa.table([pa.array(list(a), f.type) for a, f in zip(arrays, fields, strict=True)], schema=pa.schema(fields))
    con.register("moved_rows", moved)
    picked = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
    con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {picked} FROM moved_rows")
    con.unregister("moved_rows")


def connect(memory: str = "1200MB", threads: int = THREADS, spill: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB in memory with a known count of threads and a bound of its memory; ``spill`` is a folder for more."""
    con = duckdb.connect(config={"threads": threads, "memory_limit": memory, "preserve_insertion_order": True})
    if spill:
        con.execute("SET temp_directory = ?", [spill])
    con.execute("CREATE SCHEMA IF NOT EXISTS given")
    return con


def give(con: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    """Put Arrow tables into the schema ``given``."""
    con.execute("CREATE SCHEMA IF NOT EXISTS given")
    for name, table in tables.items():
        con.register("moved_rows", table)
        con.execute(f"CREATE OR REPLACE TABLE given.{name} AS SELECT * FROM moved_rows")
        con.unregister("moved_rows")


def begin(con: duckdb.DuckDBPyConnection) -> None:
    """Make the schemas and macros, and an empty table for every table in that was left out."""
    con.execute("CREATE SCHEMA IF NOT EXISTS given; CREATE SCHEMA IF NOT EXISTS calc")
    con.execute(_MACROS)
    con.execute("DROP TABLE IF EXISTS calc.opening")
    here = {
        name
        for (name,) in con.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'given'"
        ).fetchall()
    }
    for name, columns in COLUMNS.items():
        if name not in here:
            con.execute(f"CREATE TABLE given.{name} ({columns})")


def pay_periods(plan: Plan, calendar: FiscalCalendar, through: date) -> list[Period]:
    """Give the pay periods of a plan from its first day on that begin by a day."""
    last = through if plan.effective.end is None else min(through, plan.effective.end - timedelta(days=1))
    if last < plan.effective.start:
        raise InvalidData(
            f"Plan {plan.plan} is not in force by {through}", f"Ask for a day from {plan.effective.start} on"
        )
    return windows_in(calendar, plan.pay_period, plan.effective.start, last)
