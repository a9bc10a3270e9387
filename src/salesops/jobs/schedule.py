"""When something is due, in the workspace's local time. Pure: days and times in and out, no clock.

daily 07:00 · weekdays 07:00 · weekly monday 07:00 · monthly 1 07:00 · monthly last 07:00
month end 07:00 · quarter end 07:00 · year end 07:00    the morning after a fiscal period has ended
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from salesops.common.errors import UsageError
from salesops.common.periods import FiscalCalendar

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EXAMPLES = "daily 07:00, weekdays 07:00, weekly monday 07:00, monthly 1 07:00, monthly last 07:00 or quarter end 07:00"
FORM = re.compile(
    r"(?:(daily|weekdays)|weekly (\w+)|monthly (last|[1-9]|[12]\d|3[01])|(month|quarter|year)[ -]end) (\d{1,2}):(\d\d)"
)
LONGEST = 400
"""How many days back a last time is looked for: more than a fiscal year of 53 weeks."""


@dataclass(frozen=True)
class Schedule:
    """Days of one kind at a time of day: `rule` is daily, weekdays, weekly, monthly, month, quarter or year (end)."""

    rule: str
    at: time
    day: int = 0  # weekly: 0 = Monday; monthly: 1..31, 0 = the last

    def holds(self, day: date, fiscal: FiscalCalendar) -> bool:
        """Say whether a day is one of these days. A month that lacks the day has it on its last one."""
        if self.rule == "weekdays":
            return day.weekday() < 5
        if self.rule == "weekly":
            return day.weekday() == self.day
        if self.rule == "monthly":
            last = calendar.monthrange(day.year, day.month)[1]
            return day.day == (min(self.day, last) if self.day else last)
        if self.rule in ("month", "quarter", "year"):
            return fiscal.period_of(day, self.rule).start == day  # type: ignore[arg-type]
        return True

    def __str__(self) -> str:
        if self.rule == "weekly":
            return f"weekly {DAYS[self.day]} {self.at:%H:%M}"
        if self.rule == "monthly":
            return f"monthly {self.day or 'last'} {self.at:%H:%M}"
        end = " end" if self.rule in ("month", "quarter", "year") else ""
        return f"{self.rule}{end} {self.at:%H:%M}"


def parse(text: str) -> Schedule:
    """Read a schedule; raises UsageError with examples.

    >>> str(parse("Weekly Monday 7:00")), str(parse("monthly last 18:30"))
    ('weekly monday 07:00', 'monthly last 18:30')
    """
    found = FORM.fullmatch(" ".join(text.lower().split()))
    plain, weekday, monthly, end, hour, minute = found.groups() if found else (None,) * 6
    near = [n for n, name in enumerate(DAYS) if weekday and len(weekday) >= 3 and name.startswith(weekday)]
    if found is None or (weekday and not near) or int(hour or 0) > 23 or int(minute or 0) > 59:
        raise UsageError(f"{text!r} is no schedule", f"Write for example {EXAMPLES}")
    at = time(int(hour or 0), int(minute or 0))
    if weekday:
        return Schedule("weekly", at, near[0])
    if monthly:
        return Schedule("monthly", at, 0 if monthly == "last" else int(monthly))
    return Schedule(plain or end or "", at)


def moment(day: date, at: time, zone: str) -> int:
    """The instant (microseconds since 1970 UTC) of a local time: the first of two where a clock goes back; where it goes forward over
    the time, as much later."""
    local = datetime.combine(day, at, ZoneInfo(zone))
    return int(local.astimezone(UTC).timestamp()) * 1_000_000


def latest(schedule: Schedule, now: int, zone: str, fiscal: FiscalCalendar) -> int | None:
    """The last instant, not after `now`, at which the schedule was due; None where it was never in the last 400 days."""
    today = datetime.fromtimestamp(now / 1e6, ZoneInfo(zone)).date()
    for back in range(LONGEST):
        day = today - timedelta(days=back)
        if schedule.holds(day, fiscal) and (found := moment(day, schedule.at, zone)) <= now:
            return found
    return None


def following(schedule: Schedule, now: int, zone: str, fiscal: FiscalCalendar) -> int | None:
    """The first instant after `now` at which the schedule is due."""
    today = datetime.fromtimestamp(now / 1e6, ZoneInfo(zone)).date()
    for ahead in range(LONGEST):
        day = today + timedelta(days=ahead)
        if schedule.holds(day, fiscal) and (found := moment(day, schedule.at, zone)) > now:
            return found
    return None
