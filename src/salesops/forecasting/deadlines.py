"""When a week's forecast calls are due: a weekday and time in a zone, and which deadline a moment was in time for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from salesops.common.errors import UsageError
from salesops.common.instants import zone_name

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Deadline:
    """Every week on this weekday (0 = Monday), at this time of this zone."""

    weekday: int
    at: time
    zone: str

    def due(self, moment: datetime) -> datetime:
        """The first deadline that is not before a moment (which has a zone)."""
        local = moment.astimezone(ZoneInfo(self.zone))
        day = local.date() + timedelta(days=(self.weekday - local.weekday()) % 7)
        found = self._on(day)
        return found if found >= moment else self._on(day + timedelta(days=7))

    def last(self, moment: datetime) -> datetime:
        """The last deadline before a moment."""
        return self._on(self.due(moment).date() - timedelta(days=7))

    def day(self, moment: datetime) -> date:
        """The day of the deadline that a moment was in time for."""
        return self.due(moment).date()

    def _on(self, day: date) -> datetime:
        return datetime.combine(day, self.at, ZoneInfo(self.zone))

    def __str__(self) -> str:
        return f"{DAYS[self.weekday]} {self.at:%H:%M} {self.zone}"


def parse_deadline(text: str, zone: str) -> Deadline:
    """Read `Mon 10:00` or `Mon 10:00 Europe/Berlin`; without a zone it is `zone`. Raises UsageError, with the remedy.

    >>> str(parse_deadline("fri 9:30", "UTC"))
    'Fri 09:30 UTC'
    """
    found = re.fullmatch(r"\s*([A-Za-z]{3})[a-z]*\s+(\d{1,2}):(\d{2})(?:\s+(\S+))?\s*", text)
    day = found.group(1).title() if found else ""
    if found is None or day not in DAYS or int(found.group(2)) > 23 or int(found.group(3)) > 59:
        raise UsageError(f"{text!r} is no weekly deadline", "Write for example Mon 10:00 or Mon 10:00 Europe/Berlin")
    named = zone_name(found.group(4)) if found.group(4) else zone
    return Deadline(DAYS.index(day), time(int(found.group(2)), int(found.group(3))), named)
