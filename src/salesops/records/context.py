"""The workspace that this process serves, as the records room needs to know it: its clock, time zone and currency."""

from __future__ import annotations

import time
import tomllib
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from salesops.common.instants import day_of as _day_of
from salesops.common.instants import end_of_day, start_of_day, to_us


def folder() -> Path:
    """The workspace's folder."""
    from django.conf import settings

    return Path(settings.WORKSPACE)


def option(name: str, default: Any) -> Any:
    """One setting of `salesops.toml` (read again when the file has changed)."""
    file = folder() / "salesops.toml"
    try:
        stamp = file.stat().st_mtime_ns
    except FileNotFoundError:
        return default
    return _read(str(file), stamp).get(name, default)


@lru_cache(maxsize=4)
def _read(file: str, stamp: int) -> dict[str, Any]:
    return tomllib.loads(Path(file).read_text(encoding="utf-8"))


def time_zone() -> str:
    """The IANA name of the zone in which business days end."""
    return str(option("time_zone", "UTC"))


def currency() -> str:
    """The currency of amounts that name none."""
    return str(option("currency", "USD"))


def clock() -> int:
    """The wall clock, in microseconds since 1970 UTC: for audit and job times."""
    return time.time_ns() // 1000


def now() -> int:
    """The business instant: the wall clock, or its time of day on the workspace's fixed `today`."""
    fixed = option("today", "")
    if not fixed:
        return clock()
    zone = ZoneInfo(time_zone())
    moment = datetime.now(zone).timetz().replace(fold=0)
    return to_us(datetime.combine(date.fromisoformat(str(fixed)), moment))


def today() -> date:
    """The business day that it is now."""
    return day_of(now())


def day_of(instant: int) -> date:
    """The business day of an instant."""
    return _day_of(instant, time_zone())


def day_end(day: date) -> int:
    """The first instant after a business day."""
    return end_of_day(day, time_zone())


def day_start(day: date) -> int:
    """The first instant of a business day."""
    return start_of_day(day, time_zone())
