"""From assertions to versions: the stretches of days during which a versioned record kept the same values.

Input is a relation `facts(record, field, value, effective, recorded, seq, id, assumed)` of canonical text; output one row per
record and stretch of days `[day_from, day_to)` with every field typed. Set-oriented: fields that move are carried forward by one
window pass over narrow rows, fields that were said once are joined when the rows are written. Order of assertions:
(effective, recorded, seq, id), as `terms.md` settles. A reference to a merged record is read as the record it lives on in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import duckdb

from salesops.records.columns import DELETED, FOREVER, Column, quote

from . import zones as own_zones
from .merges import referred
from .zones import Zones

ORDER = "effective, recorded, seq, id"
WORKING = ("fact", "row_fact", "carried", "late_record", "unit_span")


@dataclass(frozen=True)
class Versions:
    """Versions ready to be written: `select` gives them, one row per record and stretch of days.

    Where the records have more than one assertion, the working tables stand behind it: `carried` (record, day_from, day_to,
    assumed and the fields that move), `late_record`, `fact` and `row_fact`. `placed`: some record was a unit's that has a time
    zone of its own; `late_record.zone` is then that of the record's first day.
    """

    columns: tuple[Column, ...]
    moving: tuple[Column, ...]
    zones: Zones
    moved: frozenset[str]
    facts: str = ""
    placed: bool = False

    def select(self, carried: str = "carried", extra: tuple[str, ...] = ()) -> str:
        """The SELECT of the finished rows; `extra` columns of `carried` come last."""
        if self.facts:
            return self._select_single()
        names = {c.name for c in self.moving}
        static = [c for c in self.columns if c.name not in names]
        values = {c.name: f"v.{quote(c.name)}" for c in self.moving}
        values |= {c.name: c.out(star(c, "s.j", self.moved)) for c in static}
        join = "LEFT JOIN row_fact s ON s.record = v.record AND s.day <= v.day_from" if static else ""
        more = "".join(f", v.{quote(name)}" for name in extra)
        listed = self._listed(values, "l.first_effective", "l.late", "v.assumed", "l.zone" if self.placed else "")
        return (
            f"SELECT v.record AS id, v.day_from, v.day_to, {listed}{more} "
            f"FROM {carried} v JOIN late_record l ON l.record = v.record {join}"
        )

    def _select_single(self) -> str:
        """Records with one assertion each need no windows."""
        values = {c.name: c.out(star(c, "s.j", self.moved)) for c in self.columns}
        day = self.zones.home("s.effective")
        listed = self._listed(values, "s.effective", "s.recorded > s.effective", "s.assumed")
        source = f"SELECT record, effective, recorded, assumed, {parsed(self.columns)} AS j FROM {self.facts} WHERE effective IS NOT NULL"
        return f"SELECT s.record AS id, {day} AS day_from, {FOREVER} AS day_to, {listed} FROM ({source}) s"

    def _listed(self, values: dict[str, str], first: str, late: str, assumed: str, zone: str = "") -> str:
        deleted = f"coalesce({values.pop('deleted')}, FALSE)"
        created = f"coalesce({values.pop('created')}, {first})"
        moments = {c.name for c in self.columns if c.kind == "instant" and c.name == c.field and c.name.endswith("_at")}
        days = {
            f"{name.removesuffix('_at')}_on": self._day(sql, zone) for name, sql in values.items() if name in moments
        }
        own = "".join(f", {sql} AS {quote(name)}" for name, sql in {**values, **days}.items())
        return (
            f"{deleted} AS deleted, {late} AS late, {assumed} AS assumed, {created} AS created, "
            f"{self._day(created, zone)} AS created_on{own}"
        )

    def _day(self, instant: str, zone: str) -> str:
        return self.zones.day(instant, zone) if zone else self.zones.home(instant)


def build_versions(
    con: duckdb.DuckDBPyConnection,
    facts: str,
    columns: list[Column],
    zones: Zones,
    moved: frozenset[str] = frozenset(),
    always: frozenset[str] = frozenset(),
) -> Versions:
    """Work out the versions of the records in the relation `facts`; undated assertions are ignored.

    Columns of the result: id, day_from, day_to, deleted, late, assumed, created, created_on, and one per field. Fields named
    in `always` are carried even when they never move. `drop_working` ends the working tables.
    """
    columns = [*columns, DELETED]
    placed = own_zones.spans(con, facts, columns, zones, moved)
    if not always and not placed and _single(con, facts):
        return Versions(tuple(columns), (), zones, moved, facts)
    if placed:
        own_zones.place(con, facts, ORDER, zones)
    else:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE fact AS SELECT record, field, value, {ORDER}, assumed, "
            f"{zones.home('effective')} AS day FROM {facts} WHERE effective IS NOT NULL"
        )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE row_fact AS "
        f"SELECT record, {parsed(columns)} AS j, {ORDER}, day, assumed FROM fact WHERE field = '*'"
    )
    moving = _moving(con, columns, always)
    _carry_forward(con, moving, moved)
    if placed:
        own_zones.late_records(con)
    else:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE late_record AS SELECT record, bool_or(recorded > effective) AS late, "
            "min(effective) AS first_effective FROM fact GROUP BY record"
        )
    return Versions(tuple(columns), tuple(moving), zones, moved, placed=placed)


def drop_working(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the working tables of `build_versions`."""
    for table in WORKING:
        con.execute(f"DROP TABLE IF EXISTS {table}")


def parsed(columns: tuple[Column, ...] | list[Column]) -> str:
    """The JSON object of a whole-row assertion as a struct of texts."""
    keys = json.dumps({c.field: "VARCHAR" for c in columns}).replace("'", "''")
    return f"from_json(value, '{keys}')"


def star(column: Column, struct: str, moved: frozenset[str] = frozenset()) -> str:
    """The typed value that a whole-row assertion gives a field; the mark of an asserted empty value stays."""
    text = f"{struct}.{quote(column.field)}"
    if column.type == "VARCHAR":
        return text
    value = referred(column.target, f"TRY_CAST({text} AS {column.type})", moved)
    return f"CASE WHEN {text} = chr(1) THEN {column.empty} ELSE {value} END"


def _single(con: duckdb.DuckDBPyConnection, facts: str) -> bool:
    """Whether every record has exactly one assertion, of the whole row."""
    row = con.execute(f"SELECT count(*), count(*) FILTER (WHERE field = '*') FROM {facts}").fetchone() or (0, 0)
    if row[0] != row[1]:
        return False
    found = con.execute(f"SELECT count(DISTINCT record) FROM {facts}").fetchone() or (0,)
    return bool(row[0] == found[0])


def _moving(con: duckdb.DuckDBPyConnection, columns: list[Column], always: frozenset[str]) -> list[Column]:
    """Fields that are said more than once for some record; the rest stand in the one row that describes each record, and
    hold from its day on."""
    rows, records = con.execute("SELECT count(*), count(DISTINCT record) FROM row_fact").fetchone() or (0, 0)
    if rows != records:
        return columns
    named = {row[0] for row in con.execute("SELECT DISTINCT field FROM fact WHERE field <> '*'").fetchall()} | always
    return [c for c in columns if c.field in named]


def _cell(column: Column, moved: frozenset[str]) -> str:
    typed = "value"
    if column.type != "VARCHAR":
        typed = referred(column.target, f"TRY_CAST(value AS {column.type})", moved)
    field = column.field.replace("'", "''")
    return f"CASE WHEN field = '{field}' THEN coalesce({typed}, {column.empty}) END AS {quote(column.name)}"


def _carry_forward(con: duckdb.DuckDBPyConnection, moving: list[Column], moved: frozenset[str]) -> None:
    """One row per record and day, with the last value of every moving field up to that evening."""
    cells = "".join(f", {_cell(c, moved)}" for c in moving)
    stars = "".join(f", {star(c, 'j', moved)} AS {quote(c.name)}" for c in moving)
    carried = "".join(
        f", {c.out(f'last_value({quote(c.name)} IGNORE NULLS) OVER w')} AS {quote(c.name)}" for c in moving
    )
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE carried AS
        SELECT * REPLACE (coalesce(day_to, {FOREVER}) AS day_to) FROM (
            SELECT record, day AS day_from, lead(day) OVER o AS day_to, assumed{carried}
            FROM (
                SELECT record, {ORDER}, day, assumed{cells} FROM fact WHERE field <> '*'
                UNION ALL
                SELECT record, {ORDER}, day, assumed{stars} FROM row_fact
            )
            WINDOW o AS (PARTITION BY record ORDER BY {ORDER}),
                   w AS (PARTITION BY record ORDER BY {ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
            QUALIFY day_to IS DISTINCT FROM day_from
        )
    """)
