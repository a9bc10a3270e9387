"""What the clocks of business units say, as a small table that any engine can join: integers, no time zones in SQL."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from salesops.common.errors import InvalidData
from salesops.common.instants import DAY_US, MICROSECOND, from_us, start_of_day, zone

from .session import custom_columns
from .sql import FOREVER

OLDEST = date(1990, 1, 1)
EVER = 1 << 62
NO_UNIT = -1


def zone_shift(session: Any, first: date, last: date) -> str:
    """SELECT of (unit, since, until, shift): in `[since, until)`, in microseconds since 1970 UTC, the clock of `unit` is
    `shift` microseconds ahead of UTC. Unit -1 is the workspace; a unit whose zone is the workspace's has no rows.

    Changes of clocks before 1990, before `first` and more than a week after `last` are left out.
    """
    home = session.manifest.time_zone
    zones = {NO_UNIT: home, **{unit: name for unit, name in _units(session).items() if name != home}}
    rows = [
        f"({unit}, {since}, {until}, {shift})"
        for unit, name in sorted(zones.items())
        for since, until, shift in stretches(name, max(first, OLDEST), max(first, last, OLDEST) + timedelta(days=7))
    ]
    names = "unit, since, until, shift"
    return f"SELECT v.unit, v.since, v.until, v.shift FROM (VALUES {', '.join(rows)}) AS v({names})"


def stretches(name: str, first: date, last: date) -> list[tuple[int, int, int]]:
    """Stretches (since, until, shift) of a zone's clock between two days; the outer ones reach to the ends of time.

    >>> [(from_us(a).isoformat(), s // 3_600_000_000) for a, _, s in stretches("Europe/Warsaw", date(2024, 1, 1), date(2024, 6, 1))[1:]]
    [('2024-03-31T01:00:00+00:00', 2)]
    """
    here = zone(name)
    low, end = start_of_day(first, "UTC"), start_of_day(last, "UTC")
    found, since, shift = [], -EVER, _shift(low, here)
    while low < end:
        high = min(low + 7 * DAY_US, end)
        if _shift(high, here) != shift:
            before, after = low, high
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if _shift(middle, here) == shift else (before, middle)
            found.append((since, after, shift))
            since, shift = after, _shift(high, here)
        low = high
    return [*found, (since, EVER, shift)]


def _shift(at: int, here: Any) -> int:
    offset = from_us(at).astimezone(here).utcoffset()
    assert offset is not None
    return int(offset // MICROSECOND)


def _units(session: Any) -> dict[int, str]:
    """The time zone that each business unit has of its own, as it is now; a name that nobody knows counts as none."""
    if "time_zone" not in custom_columns(session, "business_unit"):
        return {}
    sql = f"SELECT id, time_zone FROM business_unit WHERE day_to = {FOREVER} AND NOT time_zone IS NULL"
    return {row["id"]: row["time_zone"] for row in session.query(sql).to_pylist() if _known(row["time_zone"])}


def _known(name: str) -> bool:
    try:
        zone(name)
    except (InvalidData, ValueError):
        return False
    return True
