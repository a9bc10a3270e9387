"""Converts instants: microseconds since 1970-01-01 UTC (int), moments with a time zone, and local business days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from salesops.common.errors import InvalidData

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
DAY_US: Final = 86_400_000_000
"""Microseconds in 24 hours (a local day may be longer or shorter)."""

Zone = str | tzinfo
"""A time zone: an IANA name such as ``Europe/Warsaw``, or a tzinfo."""


def zone(tz: Zone) -> tzinfo:
    """Give the time zone of a name; raise InvalidData if there is none of that name."""
    return _zone(tz) if isinstance(tz, str) else tz


def to_us(moment: datetime) -> int:
    """Convert a moment with a time zone to microseconds since 1970 UTC, exactly.

    >>> to_us(datetime(1970, 1, 1, 1, tzinfo=ZoneInfo("Europe/Warsaw")))
    0
    """
    if moment.tzinfo is None:
        raise InvalidData(f"{moment} has no time zone", "Say which time zone it is in")
    return (moment - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """Convert microseconds since 1970 UTC to a moment in UTC; raise InvalidData outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(microseconds=us)
    except OverflowError:
        raise InvalidData(f"{us} microseconds is outside the years 1 to 9999", "Check the unit of the time") from None


def day_of(us: int, tz: Zone) -> date:
    """Give the local calendar day on which an instant falls.

    >>> day_of(to_us(datetime(2017, 3, 31, 22, 30, tzinfo=UTC)), "Europe/Warsaw")
    datetime.date(2017, 4, 1)
    """
    return from_us(us).astimezone(zone(tz)).date()


def start_of_day(day: date, tz: Zone) -> int:
    """Give the first instant of a local day.

    That is midnight; where clocks jump over midnight, the first moment after the jump; where midnight comes twice, the
    first one. A day that a zone skipped (Samoa, 30 December 2011) starts when the following day does, and is empty.
    """
    here = zone(tz)
    midnight = to_us(datetime.combine(day, time.min, tzinfo=here))
    before, after = midnight - DAY_US, midnight
    if day_of(midnight - 1, here) < day:
        return midnight
    while after - before > 1:  # clocks jumped from before midnight to after it: find the jump
        middle = (before + after) // 2
        if day_of(middle, here) < day:
            before = middle
        else:
            after = middle
    return after


def end_of_day(day: date, tz: Zone) -> int:
    """Give the exclusive end of a local day: the first instant of the next one.

    >>> spring = date(2017, 3, 26)
    >>> (end_of_day(spring, "Europe/Warsaw") - start_of_day(spring, "Europe/Warsaw")) // 3_600_000_000
    23
    """
    return start_of_day(day + timedelta(days=1), tz)


@lru_cache(maxsize=1)
def zones() -> dict[str, str]:
    """Every IANA name of a time zone by itself in lower case."""
    return {name.lower(): name for name in sorted(available_timezones())}


def zone_name(text: str) -> str:
    """The IANA name that a text says, whatever its case; raises InvalidData with the nearest names.

    >>> zone_name("europe/berlin")
    'Europe/Berlin'
    """
    known = zones()
    asked = text.strip().lower().replace(" ", "_")
    if asked in known:
        return known[asked]
    near = [name for name in known if name.rpartition("/")[2] == asked.rpartition("/")[2]][:3]
    near += [name for name in get_close_matches(asked, known, 3, 0.7) if name not in near]
    names = ", ".join(known[name] for name in near[:3])
    raise InvalidData(
        f"{text!r} is no time zone", f"Did you mean {names}?" if names else "Use an IANA name such as Europe/Warsaw"
    )


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidData(f"'{name}' is not a time zone", "Use an IANA name such as Europe/Warsaw") from None
