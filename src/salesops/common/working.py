"""Computes working time: minutes per weekday, less holidays and absences, as working days and minutes of a period."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from salesops.common.effective import Interval
from salesops.common.errors import InvalidData
from salesops.common.money import PPM, divide


@dataclass(frozen=True, slots=True)
class WorkingPattern:
    """Contracted minutes of work for Monday to Sunday."""

    minutes: tuple[int, int, int, int, int, int, int]

    def __post_init__(self) -> None:
        if len(self.minutes) != 7 or not all(0 <= minutes <= 1440 for minutes in self.minutes):
            raise InvalidData(
                f"{self.minutes} is no working week", "Give seven figures, Monday to Sunday, of 0 to 1440 minutes"
            )


FULL_WEEK: Final = WorkingPattern((480, 480, 480, 480, 480, 0, 0))
"""Eight hours, Monday to Friday."""


@dataclass(frozen=True, slots=True)
class Absence:
    """Time off over ``[start, end)``: the whole of each day, or ``minutes`` of each working day."""

    days: Interval[date]
    minutes: int | None = None

    def __post_init__(self) -> None:
        if self.minutes is not None and self.minutes <= 0:
            raise InvalidData(
                f"An absence of {self.minutes} minutes a day", "Give minutes above zero, or none for all day"
            )


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """What a period holds for one person: days worked, minutes worked, and days lost to holidays and to absence."""

    days: int
    minutes: int
    holidays: int
    absent_days: int


Patterns = WorkingPattern | Sequence[tuple[Interval[date], WorkingPattern]]
"""One pattern, or dated ones: the last that covers a day counts, and a day that none covers has no working time."""


def working_time(
    patterns: Patterns,
    first: date,
    last: date,
    holidays: Collection[date] = (),
    absences: Iterable[Absence] = (),
    fte_ppm: int = PPM,
) -> WorkingTime:
    """Count working days and minutes from first to last day, both included.

    A working day has some working time left after holidays (whole days) and absences; a holiday or an absence on a day
    without working time costs nothing, and a holiday within an absence counts as holiday. Full-time equivalent (parts
    per million) scales the minutes only, rounded once, half to even.

    >>> working_time(FULL_WEEK, date(2017, 4, 10), date(2017, 4, 23), {date(2017, 4, 14), date(2017, 4, 17)})
    WorkingTime(days=8, minutes=3840, holidays=2, absent_days=0)
    """
    off, away = frozenset(holidays), tuple(absences)
    days = minutes = lost_to_holidays = lost_to_absence = 0
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        planned = planned_minutes(patterns, day)
        if planned == 0:
            continue
        if day in off:
            lost_to_holidays += 1
            continue
        left = _minutes_left(planned, day, away)
        if left:
            days, minutes = days + 1, minutes + left
        else:
            lost_to_absence += 1
    return WorkingTime(days, divide(minutes * fte_ppm, PPM), lost_to_holidays, lost_to_absence)


def planned_minutes(patterns: Patterns, day: date) -> int:
    """Give the contracted minutes of a day, before holidays and absences."""
    if isinstance(patterns, WorkingPattern):
        return patterns.minutes[day.weekday()]
    for interval, pattern in reversed(patterns):
        if interval.contains(day):
            return pattern.minutes[day.weekday()]
    return 0


def add_working_days(
    day: date, count: int, patterns: Patterns = FULL_WEEK, holidays: Collection[date] = (), limit: int = 36_600
) -> date:
    """Give the day that lies ``count`` working days after a day (before it, if negative); for deadlines.

    Zero gives the day itself if it is a working day, else the next one. Raises InvalidData if ``limit`` calendar days
    do not hold enough working days.
    """
    off, step = frozenset(holidays), -1 if count < 0 else 1
    left = abs(count)
    for n in range(limit):
        reached = day + timedelta(days=step * n)
        works = planned_minutes(patterns, reached) > 0 and reached not in off
        if works and (n > 0 or count == 0):
            left -= 1
            if left <= 0:
                return reached
    raise InvalidData(f"{count} working days from {day} are out of reach", "Check the working week")


def _minutes_left(planned: int, day: date, absences: tuple[Absence, ...]) -> int:
    left = planned
    for absence in absences:
        if absence.days.contains(day):
            left -= planned if absence.minutes is None else absence.minutes
    return max(0, left)
