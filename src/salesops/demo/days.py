"""Days and instants as integers (days and microseconds since 1970): working days, seasons, quarters, office hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NULL: Final = int(np.iinfo(np.int64).min)
"""Stands for "no value" in integer arrays."""
FOREVER: Final = 10**6
"""The end of an open interval, in days."""
MICROS: Final = 1_000_000
DAY: Final = 86_400 * MICROS
_EPOCH: Final = date(1970, 1, 1)


def number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def as_date(day: int) -> date:
    """The date of a day number."""
    return _EPOCH + timedelta(days=int(day))


def years_before(end: date, years: int) -> date:
    """The day after the same day `years` years earlier, so that both ends together span whole years."""
    following = end + timedelta(days=1)
    if (following.month, following.day) == (2, 29):
        following = following.replace(day=28)
    return following.replace(year=following.year - years)


def months(day: Ints) -> Ints:
    """Months since 1970-01 of each day."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_start(month: Ints) -> Ints:
    """The first day of each month, counted since 1970-01."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def quarters(day: Ints) -> Ints:
    """Calendar quarters since 1970-Q1 of each day."""
    return months(day) // 3


def quarter_end(day: Ints) -> Ints:
    """The last day of each day's quarter."""
    return month_start((quarters(day) + 1) * 3) - 1


def weekday(day: Ints) -> Ints:
    """0 = Monday of each day."""
    return (day + 3) % 7


def on_workday(day: Ints) -> Ints:
    """Saturdays become the Friday before, Sundays the Monday after."""
    w = weekday(day)
    return day - (w == 5) + (w == 6)


def office(day: Ints, opens: Ints, part: Floats) -> Ints:
    """Instants on the days, within eight hours of opening (hour UTC); `part` in [0, 1) says when, to the second."""
    return day * DAY + (opens * 3600 + (part * 28_800).astype(np.int64)) * MICROS


def easter(year: int) -> date:
    """Easter Sunday (Meeus/Jones/Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def nth_weekday(year: int, month: int, day_of_week: int, n: int) -> date:
    """The n-th (1..) such weekday of a month; n = -1 is the last."""
    if n < 0:
        following = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return following - timedelta(days=(following.weekday() - day_of_week) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(day_of_week - first.weekday()) % 7 + 7 * (n - 1))


def holidays(country: str, year: int) -> list[tuple[date, str]]:
    """Public holidays of a country (US, DE or GB) in a year, with their names."""
    spring = easter(year)
    fixed = [(date(year, 1, 1), "New Year's Day"), (date(year, 12, 25), "Christmas Day")]
    church = [(spring - timedelta(days=2), "Good Friday"), (spring + timedelta(days=1), "Easter Monday")]
    if country == "US":
        return [
            *fixed,
            (nth_weekday(year, 1, 0, 3), "Martin Luther King Jr. Day"),
            (nth_weekday(year, 5, 0, -1), "Memorial Day"),
            (date(year, 6, 19), "Juneteenth"),
            (date(year, 7, 4), "Independence Day"),
            (nth_weekday(year, 9, 0, 1), "Labor Day"),
            (nth_weekday(year, 11, 3, 4), "Thanksgiving"),
        ]
    if country == "DE":
        own = [(date(year, 5, 1), "Tag der Arbeit"), (date(year, 10, 3), "Tag der Deutschen Einheit")]
        return fixed + church + own + [(date(year, 12, 26), "Zweiter Weihnachtstag")]
    return (
        fixed
        + church
        + [
            (nth_weekday(year, 5, 0, 1), "Early May bank holiday"),
            (nth_weekday(year, 5, 0, -1), "Spring bank holiday"),
            (nth_weekday(year, 8, 0, -1), "Summer bank holiday"),
            (date(year, 12, 26), "Boxing Day"),
        ]
    )


@dataclass(frozen=True)
class Span:
    """The simulated days, first to last (both inside)."""

    first: int
    last: int
    company: dict[str, Any]

    @property
    def length(self) -> int:
        """Count of days."""
        return self.last - self.first + 1

    @property
    def closing(self) -> int:
        """The last instant at which anything can have happened."""
        return (self.last + 1) * DAY - MICROS

    @cached_property
    def quarter_numbers(self) -> Ints:
        """Every quarter that the span touches."""
        both = quarters(np.array([self.first, self.last]))
        return np.arange(both[0], both[1] + 1)

    @cached_property
    def _season(self) -> Floats:
        day = np.arange(self.first, self.last + 1)
        month = np.array(self.company["selling"]["month"])[months(day) % 12]
        weight = month * np.where(weekday(day) >= 5, 0.03, 1.0)
        total = np.concatenate([[0.0], np.cumsum(weight)])
        return np.asarray(total / total[-1])

    def seasonal(self, when: Floats) -> Ints:
        """Move evenly spread moments (days, fractions allowed) to where the season puts them; days of the span."""
        part = np.clip((when - self.first) / self.length, 0, 1 - 1e-9)
        return self.first + np.searchsorted(self._season, part, side="right").astype(np.int64) - 1
