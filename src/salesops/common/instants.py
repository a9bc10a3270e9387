"""Converts instants: microseconds since 1970-01-01 UTC (int), moments with a time zone, and local business days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

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


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidData(f"'{name}' is not a time zone", "Use an IANA name such as Europe/Warsaw") from None
