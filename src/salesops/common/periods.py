"""Computes business periods: days, weeks, months, quarters and years of calendar, fiscal and 4-4-5 style calendars.

Start and end of a period are both inclusive dates. Quarters and years are always those of the fiscal calendar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final, Literal, get_args

from salesops.common.errors import InvalidData, UsageError

Grain = Literal["day", "week", "month", "quarter", "year"]
Kind = Literal["month", "445", "454", "544"]
GRAINS: Final[tuple[Grain, ...]] = get_args(Grain)

CALENDAR_COLUMNS: Final = (
    "day",
    *("week_key", "week_start", "week_end"),
    *("month_key", "month_start", "month_end"),
    *("quarter_key", "quarter_start", "quarter_end"),
    *("year_key", "year_start", "year_end"),
    "iso_weekday",
)

_DAY: Final = timedelta(days=1)
_WEEKS: Final = {"445": (4, 4, 5), "454": (4, 5, 4), "544": (5, 4, 4)}
_MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS_FULL: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_EXAMPLES: Final = "2017, FY2018, 2017-Q3, FY2018-Q1, 2017-03, 2017-W05, 2017-03-31 or 2017-01-01..2017-03-31"

CalendarRow = tuple[
    date, str, date, date, str, date, date, str, date, date, str, date, date, int
]  # the columns of CALENDAR_COLUMNS


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of whole days. ``start`` and ``end`` are both inside it.

    ``grain`` is a Grain, or ``range`` for two free dates. ``key`` is stable, sorts within its grain and can be parsed
    again; ``label`` is for people.
    """

    grain: str
    key: str
    label: str
    start: date
    end: date

    @property
    def days(self) -> int:
        """Count of calendar days."""
        return (self.end - self.start).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day <= self.end

    def __str__(self) -> str:
        return f"{self.label} ({self.start} to {self.end})"


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """The calendar by which a company counts its months, quarters and years.

    ``kind`` is ``month`` (fiscal months are calendar months) or a pattern of weeks per quarter (``445``, ``454``,
    ``544``). A fiscal year begins with ``start_month`` and is named by the calendar year in which it ends
    (``year_named_by``). A week begins on ``week_start`` (0 = Monday, 6 = Sunday). In kinds of weeks, a fiscal year ends
    with the last week that ends inside the month before ``start_month`` (``anchor="last"``), or with the one that ends
    nearest to the end of that month (``anchor="nearest"``); a 53rd week belongs to the last period.

    Keys: ``2017-Q3``, ``2017``, ``2017-03``, ``2017-W05`` for calendar years; ``FY2018-Q1``, ``FY2018`` where the
    fiscal year is another than the calendar year; ``FY2018-P03``, ``FY2018-W05`` (weeks of the fiscal year) where
    periods are weeks. Else a week belongs to the year that holds most of its days; from Monday, that is the ISO week.
    """

    kind: Kind = "month"
    start_month: int = 1
    week_start: int = 0
    year_named_by: Literal["end", "start"] = "end"
    anchor: Literal["last", "nearest"] = "last"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InvalidData(f"'{self.kind}' is no kind of fiscal calendar", "Use month, 445, 454 or 544")
        if not 1 <= self.start_month <= 12:
            raise InvalidData(f"A fiscal year cannot start in month {self.start_month}", "Use 1 to 12")
        if not 0 <= self.week_start <= 6:
            raise InvalidData(f"A week cannot start on day {self.week_start}", "Use 0 (Monday) to 6 (Sunday)")
        if self.year_named_by not in ("end", "start"):
            raise InvalidData(f"A year cannot be named by its '{self.year_named_by}'", "Use end or start")
        if self.anchor not in ("last", "nearest"):
            raise InvalidData(f"'{self.anchor}' is no anchor of a fiscal year", "Use last or nearest")

    @property
    def described(self) -> str:
        """What people need to know of it: ``months, year from April``.

        >>> FiscalCalendar("445", start_month=2).described
        'weeks 4-4-5, year from February'
        """
        parts = "months" if self.kind == "month" else f"weeks {'-'.join(self.kind)}"
        start = _MONTHS_FULL[self.start_month - 1]
        return f"{parts}, year from {start}"

    # One period -----------------------------------------------------------------------------------------------------

    def period_of(self, day: date, grain: Grain) -> Period:
        """Give the period of a grain that holds a day.

        >>> FiscalCalendar(start_month=2).period_of(date(2017, 8, 15), "quarter").key
        'FY2018-Q3'
        """
        if grain == "day":
            return Period("day", day.isoformat(), day.isoformat(), day, day)
        if grain == "week":
            return self._week_of(day)
        if grain == "month" and self.kind == "month":
            return _calendar_month(day.year, day.month)
        if grain == "month":
            return self._part(*self._place(day, "month"), "month")
        if grain == "quarter":
            return self._part(*self._place(day, "quarter"), "quarter")
        if grain == "year":
            return self._year(self._year_of(day))
        raise UsageError(f"'{grain}' is no grain", "Use day, week, month, quarter or year")

    def periods(self, grain: Grain, first_day: date, last_day: date) -> list[Period]:
        """Give every period of a grain that touches the days from first to last, in order."""
        found: list[Period] = []
        day = first_day
        while day <= last_day:
            period = self.period_of(day, grain)
            found.append(period)
            if period.end == date.max:
                break
            day = period.end + _DAY
        return found

    def parse_period(self, text: str) -> Period:
        """Read a period as people write it; raise UsageError with examples if it cannot be one.

        Takes every key, also ``FY2017`` for a calendar year, and two dates joined by ``..``.

        >>> print(FiscalCalendar().parse_period("2017-Q3"))
        Q3 2017 (2017-07-01 to 2017-09-30)
        """
        cleaned = text.strip().upper()
        try:
            period = self._parse(cleaned)
        except (ValueError, OverflowError):
            period = None
        if period is None:
            raise UsageError(f"'{text}' is not a period", f"Write for example {_EXAMPLES}")
        return period

    # Neighbours -----------------------------------------------------------------------------------------------------

    def previous(self, period: Period) -> Period:
        """Give the period just before; for a range, as many days just before it."""
        before = period.start - _DAY
        if period.grain == "range":
            return range_period(before - timedelta(days=period.days - 1), before)
        return self.period_of(before, _grain(period))

    def next(self, period: Period) -> Period:
        """Give the period just after; for a range, as many days just after it."""
        after = period.end + _DAY
        if period.grain == "range":
            return range_period(after, after + timedelta(days=period.days - 1))
        return self.period_of(after, _grain(period))

    def year_ago(self, period: Period) -> Period:
        """Give the same period of the year before.

        The same quarter, month or week number (a 53rd week maps to the last week if there is no 53rd). A day and the
        ends of a range keep month and day; 29 February maps to 28 February, a range of whole months to whole months.
        """
        if period.grain == "day":
            return self.period_of(_same_day(period.start, -1), "day")
        if period.grain == "range":
            end = _same_day(period.end, -1)
            whole_months = period.start.day == 1 and (period.end + _DAY).day == 1
            return range_period(_same_day(period.start, -1), _month_end(end) if whole_months else end)
        if period.grain == "month" and self.kind == "month":
            return _calendar_month(period.start.year - 1, period.start.month)
        if period.grain == "week":
            year, number = self._week_place(period.start)
            return self._week(year - 1, min(number, self._weeks_in(year - 1)))
        if period.grain == "year":
            return self._year(self._year_of(period.start) - 1)
        grain = _grain(period)
        year, number = self._place(period.start, grain)
        return self._part(year - 1, number, grain)

    # All days -------------------------------------------------------------------------------------------------------

    def calendar_rows(self, first: date, last: date) -> list[CalendarRow]:
        """Give one row per day from first to last, both included, with the columns of CALENDAR_COLUMNS."""
        spans: list[dict[date, Period]] = []
        for grain in GRAINS[1:]:
            by_day: dict[date, Period] = {}
            for period in self.periods(grain, first, last):
                start, end = max(period.start, first), min(period.end, last)
                by_day.update((start + timedelta(days=n), period) for n in range((end - start).days + 1))
            spans.append(by_day)
        weeks, months, quarters, years = spans
        rows: list[CalendarRow] = []
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            w, m, q, y = weeks[day], months[day], quarters[day], years[day]
            rows.append(
                (day, w.key, w.start, w.end, m.key, m.start, m.end, q.key, q.start, q.end, y.key, y.start, y.end,
                 day.isoweekday())
            )  # fmt: skip
        return rows

    # Years ----------------------------------------------------------------------------------------------------------

    def year_bounds(self, year: int) -> tuple[date, date]:
        """Give first and last day of the fiscal year of that name."""
        return _year_bounds(self, year)

    def _year_of(self, day: date) -> int:
        guess = day.year + self._name_offset() + (0 if day.month >= self.start_month else -1)
        while day < self.year_bounds(guess)[0]:
            guess -= 1
        while day > self.year_bounds(guess)[1]:
            guess += 1
        return guess

    def _name_offset(self) -> int:
        """Years from the calendar year of the first month to the name."""
        return 1 if self.year_named_by == "end" and self.start_month > 1 else 0

    def _year(self, year: int) -> Period:
        start, end = self.year_bounds(year)
        name = self._year_name(year)
        return Period("year", name, name, start, end)

    def _year_name(self, year: int) -> str:
        plain = self.kind == "month" and self.start_month == 1
        return f"{year:04d}" if plain else f"FY{year:04d}"

    # Months and quarters --------------------------------------------------------------------------------------------

    def _parts(self, year: int, grain: str) -> tuple[date, ...]:
        """Give the starts of the twelve months or four quarters of a year, and the start of the next year."""
        starts = _month_starts(self, year)
        return starts if grain == "month" else starts[::3]

    def _place(self, day: date, grain: str) -> tuple[int, int]:
        year = self._year_of(day)
        return year, sum(1 for start in self._parts(year, grain)[:-1] if start <= day)

    def _part(self, year: int, number: int, grain: str) -> Period:
        starts = self._parts(year, grain)
        start, end = starts[number - 1], starts[number] - _DAY
        if grain == "month" and self.kind == "month":
            return _calendar_month(start.year, start.month)
        name = self._year_name(year)
        if grain == "month":
            return Period(grain, f"{name}-P{number:02d}", f"P{number} {name}", start, end)
        return Period(grain, f"{name}-Q{number}", f"Q{number} {name}", start, end)

    # Weeks ----------------------------------------------------------------------------------------------------------

    def _week_of(self, day: date) -> Period:
        return self._week(*self._week_place(day))

    def _week_place(self, day: date) -> tuple[int, int]:
        if self.kind != "month":
            year = self._year_of(day)
            return year, (day - self.year_bounds(year)[0]).days // 7 + 1
        middle = day + timedelta(days=3 - (day.weekday() - self.week_start) % 7)
        return middle.year, (middle.timetuple().tm_yday - 1) // 7 + 1

    def _weeks_in(self, year: int) -> int:
        if self.kind != "month":
            start, end = self.year_bounds(year)
            return ((end - start).days + 1) // 7
        last = date(year, 12, 31)
        return self._week_place(last - timedelta(days=(last.weekday() - self.week_start - 3) % 7))[1]

    def _week(self, year: int, number: int) -> Period:
        if not 1 <= number <= self._weeks_in(year):
            raise ValueError(number)
        if self.kind != "month":
            first, name = self.year_bounds(year)[0], self._year_name(year)
        else:
            fourth = date(year, 1, 4)  # always in the first week, as it has at least four days in the year
            first, name = fourth - timedelta(days=(fourth.weekday() - self.week_start) % 7), f"{year:04d}"
        start = first + timedelta(weeks=number - 1)
        return Period("week", f"{name}-W{number:02d}", f"W{number} {name}", start, start + timedelta(days=6))

    # Reading --------------------------------------------------------------------------------------------------------

    def _parse(self, text: str) -> Period | None:
        if ".." in text:
            first, last = (date.fromisoformat(part.strip()) for part in text.split("..", 1))
            return range_period(first, last)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return self.period_of(date.fromisoformat(text), "day")
        match = re.fullmatch(r"(FY)?(\d{4})(?:-?([QWP])(\d{1,2})|-(\d\d))?", text)
        if match is None:
            return None
        fiscal, year, letter, number, month = match[1], int(match[2]), match[3], int(match[4] or 0), match[5]
        if month:
            return self._parse_month(text, year, int(month)) if not fiscal else None
        if letter is None:
            return self._year(year)
        if letter == "Q":
            return self._part(year, number, "quarter") if 1 <= number <= 4 else None
        if letter == "P":
            return self._part(year, number, "month") if 1 <= number <= 12 else None
        return self._parse_week(text, year, number, bool(fiscal))

    def _parse_month(self, text: str, year: int, month: int) -> Period:
        if self.kind != "month":
            raise UsageError(
                f"'{text}' is a calendar month, but this fiscal calendar counts periods of weeks",
                f"Write FY{year}-P{month:02d} for a fiscal period, or two dates joined by ..",
            )
        return _calendar_month(year, month)

    def _parse_week(self, text: str, year: int, number: int, fiscal: bool) -> Period:
        if fiscal != (self.kind != "month"):
            meant = f"FY{year}-W{number:02d}" if not fiscal else f"{year}-W{number:02d}"
            raise UsageError(f"'{text}' is no week of this calendar", f"Write {meant}, or two dates joined by ..")
        return self._week(year, number)


@dataclass(frozen=True, slots=True)
class UnitCalendar:
    """The fiscal calendar of a business unit (``unit`` is its id), where it is not the workspace's.

    Units with equal calendars share ``number``. ``problem`` says why a stored calendar cannot be used.
    """

    unit: int
    name: str
    number: int
    calendar: FiscalCalendar
    problem: str = ""


def range_period(first: date, last: date) -> Period:
    """Make a period of two free dates, both inclusive; raise UsageError if they are in the wrong order."""
    if last < first:
        raise UsageError(f"The period ends on {last}, before it starts on {first}", "Write the earlier date first")
    key = f"{first.isoformat()}..{last.isoformat()}"
    return Period("range", key, f"{first.isoformat()} to {last.isoformat()}", first, last)


def _calendar_month(year: int, month: int) -> Period:
    start = date(year, month, 1)
    return Period("month", f"{year:04d}-{month:02d}", f"{_MONTH_NAMES[month - 1]} {year}", start, _month_end(start))


def _month_end(day: date) -> date:
    return _add_months(day.year, day.month, 1) - _DAY if (day.year, day.month) != (MAXYEAR, 12) else date.max


def _add_months(year: int, month: int, months: int) -> date:
    count = year * 12 + month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _same_day(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + years, 2, 28)
    return day.replace(year=day.year + years)


def _grain(period: Period) -> Grain:
    for grain in GRAINS:
        if grain == period.grain:
            return grain
    raise UsageError(f"'{period.grain}' is no grain", "Use day, week, month, quarter or year")


@lru_cache(maxsize=4096)
def _year_bounds(calendar: FiscalCalendar, year: int) -> tuple[date, date]:
    first_month = year - calendar._name_offset()
    if not MINYEAR + 2 <= first_month <= MAXYEAR - 2:
        raise UsageError(f"The year {year} is out of range", "Use a year between 4 and 9997")
    nominal_start = date(first_month, calendar.start_month, 1)
    nominal_end = _add_months(first_month, calendar.start_month, 12) - _DAY
    if calendar.kind == "month":
        return nominal_start, nominal_end
    return _week_end(calendar, nominal_start - _DAY) + _DAY, _week_end(calendar, nominal_end)


def _week_end(calendar: FiscalCalendar, month_end: date) -> date:
    """Give the last day of the fiscal year that nominally ends on month_end."""
    last_weekday = (calendar.week_start - 1) % 7
    back = (month_end.weekday() - last_weekday) % 7
    if calendar.anchor == "nearest" and back > 3:
        return month_end + timedelta(days=7 - back)
    return month_end - timedelta(days=back)


@lru_cache(maxsize=4096)
def _month_starts(calendar: FiscalCalendar, year: int) -> tuple[date, ...]:
    start, end = _year_bounds(calendar, year)
    if calendar.kind == "month":
        return tuple(_add_months(start.year, start.month, n) for n in range(13))
    weeks = _WEEKS[calendar.kind] * 4
    return (*(start + timedelta(weeks=n) for n in accumulate((0, *weeks[:11]))), end + _DAY)
