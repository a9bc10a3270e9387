"""On which business day a moment falls: a day ends in the workspace's time zone, or in that of the record's business unit.

A record's unit is what its own field `business_unit` said at that moment; a record without that field, or before it was said,
counts in the workspace's zone. A unit's zone is the one that it has now. A moment exactly on the workspace's midnight is a date
that came without a time, and stays that date in every zone. The days of one record never run backwards: after a step west,
what follows falls on no earlier day than what it follows.

Where no unit has a zone of its own, nothing of this runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

import duckdb

from salesops.records.columns import Column, day_sql

from .merges import referred

FIELD = "business_unit"


@dataclass(frozen=True)
class Zones:
    """The workspace's zone, and the units (by id) of every other zone."""

    workspace: str
    units: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @classmethod
    def of(cls, workspace: str, own: Mapping[int, str]) -> Zones:
        """Of what units say their zone is; a zone that nobody knows, or that is the workspace's, counts as none."""
        others = {zone for zone in own.values() if zone != workspace}
        used = sorted(others & available_timezones()) if others else []  # reading the list of zones takes 4 ms
        return cls(workspace, tuple((zone, tuple(sorted(u for u, z in own.items() if z == zone))) for zone in used))

    def to_dict(self) -> dict[str, list[int]]:
        """The units of each zone, for a manifest."""
        return {zone: list(units) for zone, units in self.units}

    @classmethod
    def from_dict(cls, workspace: str, units: Mapping[str, Iterable[int]]) -> Zones:
        return cls(workspace, tuple((zone, tuple(ids)) for zone, ids in units.items()))

    def home(self, instant: str) -> str:
        """SQL: the workspace's day of an instant."""
        return day_sql(instant, self.workspace)

    def zone(self, unit: str) -> str:
        """SQL: the own zone of the unit in `unit`, null where it has none."""
        cases = " ".join(f"WHEN {unit} IN ({', '.join(map(str, ids))}) THEN '{zone}'" for zone, ids in self.units)
        return f"CASE {cases} END" if cases else "NULL::VARCHAR"

    def day(self, instant: str, zone: str) -> str:
        """SQL: the day of an instant in the zone in `zone` (null = the workspace's). Constant zones keep it quick."""
        home = self.home(instant)
        cases = " ".join(f"WHEN '{own}' THEN {day_sql(instant, own)}" for own, _units in self.units)
        if not cases:
            return home
        dated = f"{instant} = {self._midnight(home)}" if self.workspace != "UTC" else f"{instant} % 86400000000 = 0"
        return f"CASE WHEN {zone} IS NULL OR {dated} THEN {home} ELSE CASE {zone} {cases} END END"

    def _midnight(self, day: str) -> str:
        """SQL: the instant as which a day without a time is read."""
        return f"epoch_us(timezone('{self.workspace}', {day}::TIMESTAMP))"


def spans(
    con: duckdb.DuckDBPyConnection, facts: str, columns: list[Column], zones: Zones, moved: frozenset[str]
) -> bool:
    """Create `unit_span(record, since, until, zone)`: when a record was a unit's that has a zone of its own. False: never.

    Of several assertions of one moment the last counts for all of that moment.
    """
    if not zones.units or not any(c.name == FIELD and c.target == FIELD for c in columns):
        return False

    def zone(text: str) -> str:
        return zones.zone(f"({referred(FIELD, f'TRY_CAST({text} AS BIGINT)', moved)})")

    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE unit_span AS
        WITH said AS (
            SELECT record, effective, recorded, seq, id, {zone("value")} AS zone FROM {facts} f
            WHERE field = '{FIELD}' AND effective IS NOT NULL
            UNION ALL
            SELECT record, effective, recorded, seq, id, {zone("unit")} AS zone FROM (
                SELECT record, effective, recorded, seq, id, json_extract_string(value, '$.{FIELD}') AS unit FROM {facts} f
                WHERE field = '*' AND effective IS NOT NULL
            ) WHERE unit IS NOT NULL
        ), held AS (
            SELECT record, effective AS since, zone FROM said
            QUALIFY row_number() OVER (PARTITION BY record, effective ORDER BY recorded DESC, seq DESC, id DESC) = 1
        )
        SELECT * FROM (
            SELECT record, since, coalesce(lead(since) OVER (PARTITION BY record ORDER BY since), {2**63 - 1}) AS until, zone
            FROM held
        ) WHERE zone IS NOT NULL
    """)
    row = con.execute("SELECT count(*) FROM unit_span").fetchone()
    return bool(row and row[0])


def place(con: duckdb.DuckDBPyConnection, facts: str, order: str, zones: Zones) -> None:
    """Create `fact` with the day of each assertion in the zone that its record had then (`unit_span`); `home`: the workspace's."""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE fact AS
        SELECT f.record, f.field, f.value, f.effective, f.recorded, f.seq, f.id, f.assumed,
               {zones.day("f.effective", "z.zone")} AS day, {zones.home("f.effective")} AS home
        FROM {facts} f
        LEFT JOIN unit_span z ON z.record = f.record AND f.effective >= z.since AND f.effective < z.until
        WHERE f.effective IS NOT NULL
    """)
    con.execute(f"""
        UPDATE fact SET day = r.latest FROM (
            SELECT rowid AS place, day, max(day) OVER (PARTITION BY record ORDER BY {order}) AS latest
            FROM fact SEMI JOIN (SELECT record FROM fact WHERE day <> home) m USING (record)
        ) r WHERE r.place = fact.rowid AND r.latest <> r.day
    """)


def late_records(con: duckdb.DuckDBPyConnection) -> None:
    """Create `late_record(record, late, first_effective, zone)` of a `fact` made by `place`.

    What is known on K is what was recorded by the end of the workspace's day K. So an evening of a unit in the west whose day the
    workspace has left already counts as learned late, whenever it was recorded: its record is restated for each K.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE late_record AS
        SELECT l.record, l.late, l.first_effective, z.zone FROM (
            SELECT record, bool_or(recorded > effective OR home > day) AS late, min(effective) AS first_effective
            FROM fact GROUP BY record
        ) l LEFT JOIN unit_span z ON z.record = l.record AND l.first_effective >= z.since AND l.first_effective < z.until
    """)
