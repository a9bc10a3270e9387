"""Computes effective quotas and target incentives: base x seasonality x proration x ramp x relief, exact.

The quota of a window is the sum over its sub-periods: months where a ramp by month of service exists (in equal parts
of the quota window), else the seasons (four quarters or twelve months of a year), else the window itself. Within a
sub-period what counts is spread by the method of proration; up to a day inside it, by days of the same method.
Proration and ramp multiply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from salesops.common.errors import InvalidData
from salesops.common.money import PPM
from salesops.common.periods import FiscalCalendar, Period
from salesops.compensation.plan import Days, Per, Proration, Quota, Window

_DAY: Final = timedelta(days=1)
MONTHS: Final = {"month": 1, "quarter": 3, "half": 6, "year": 12}


@dataclass(frozen=True, slots=True)
class Service:
    """When somebody works under a plan: ``active`` (the assignment), ``hired`` for the ramp, and days away.

    ``working`` says which days are working days; None counts Monday to Friday.
    """

    active: Days
    hired: date
    away: tuple[Days, ...] = ()
    working: Callable[[date], bool] | None = None

    def works(self, day: date) -> bool:
        """Whether a day is a working day of the calendar."""
        return day.weekday() < 5 if self.working is None else self.working(day)


def window_of(calendar: FiscalCalendar, day: date, window: Window) -> Period:
    """Give the window that holds a day: a fiscal month, quarter, half year or year."""
    if window != "half":
        return calendar.period_of(day, window)
    year = calendar.period_of(day, "year")
    quarters = calendar.periods("quarter", year.start, year.end)
    first = day <= quarters[1].end
    start, end = (quarters[0].start, quarters[1].end) if first else (quarters[2].start, quarters[3].end)
    name = "H1" if first else "H2"
    return Period("range", f"{year.key}-{name}", f"{name} {year.label}", start, end)


def windows_in(calendar: FiscalCalendar, window: Window, first: date, last: date) -> list[Period]:
    """Give every window of a kind that touches the days from first to last."""
    found: list[Period] = []
    day = first
    while day <= last:
        found.append(window_of(calendar, day, window))
        day = found[-1].end + _DAY
    return found


def fraction(service: Service, part: Period, upto: date, method: Proration, relief: bool) -> Fraction:
    """Give the share of a sub-period that counts up to the end of a day: active days (less days away) of all days.

    ``whole_months``: a month counts for a joiner who was there on the 15th, and for a leaver who was there after it.
    ``none``: all of it, spread by days up to ``upto``.
    """
    last = min(part.end, upto)
    if last < part.start:
        return Fraction(0)
    if method == "none":
        return Fraction((last - part.start).days + 1, part.days) if _touches(service.active, part) else Fraction(0)
    if method == "whole_months":
        months = _months(part)
        return Fraction(sum(_whole_month(service.active, month) for month in months if month[1] <= last), len(months))
    days = _working if method == "working_days" else _calendar
    all_days = days(service, part.start, part.end)
    if all_days == 0:
        return Fraction(0)
    counted = _within(service.active, part.start, last)
    present = days(service, *counted) if counted else 0
    if relief:
        present -= _days_away(service, part.start, last, days)
    return Fraction(present, all_days)


def effective(
    quota: Quota,
    base: int | Callable[[date], int | None],
    service: Service,
    calendar: FiscalCalendar,
    window: Period,
    upto: date,
) -> Fraction | None:
    """Give the exact effective quota in minor units from the start of a window up to the end of a day.

    ``base`` is the quota of one whole ``quota.window``, or gives it for the day on which a sub-period begins to count.
    None where that is missing. With ``breakpoints: full`` the end of the window counts, whatever ``upto`` is.
    """
    upto = window.end if quota.breakpoints == "full" else min(upto, window.end)
    total = Fraction(0)
    for part, weight in sub_periods(quota, calendar, window.start, window.end):
        counted = fraction(service, part, upto, quota.proration, quota.relief == "quota")
        if counted:
            whole = base if isinstance(base, int) else base(max(part.start, service.active.start))
            if whole is None:
                return None
            total += whole * weight * counted * ramp_share(quota.ramp, service.hired, part.start)
    return total


def sub_periods(quota: Quota, calendar: FiscalCalendar, first: date, last: date) -> list[tuple[Period, Fraction]]:
    """Give the sub-periods of the days from first to last, each with its share of the base of its quota window.

    Raises InvalidData for a seasonality that does not fit the quota's window or does not sum to 100 %.
    """
    seasons = _seasons(quota)
    grain: Window = "month" if quota.ramp else quota.window
    if not quota.ramp and len(seasons) > 1:
        grain = "quarter" if len(seasons) * 3 == MONTHS[quota.window] else "month"
    found: list[tuple[Period, Fraction]] = []
    for part in windows_in(calendar, grain, first, last):
        whole = window_of(calendar, part.start, quota.window)
        place = _place(calendar, whole, part)
        found.append((part, _weight(seasons, MONTHS[quota.window], MONTHS[grain], place)))
    return found


def _seasons(quota: Quota) -> tuple[int, ...]:
    seasons = quota.seasonality or (PPM,)
    fits = len(seasons) in (1, MONTHS[quota.window], MONTHS[quota.window] // 3)
    if not fits or sum(seasons) != PPM:
        raise InvalidData(
            f"The seasonality of {quota.of} has {len(seasons)} parts that sum to {Fraction(sum(seasons), 10_000)} %",
            "Give four quarters or twelve months of a year (or the months of a quarter) that sum to 100 %",
        )
    return seasons


def _weight(seasons: Sequence[int], months: int, part: int, place: int) -> Fraction:
    """Give the share of the window's base of its ``place``-th part; a season is spread over its months equally."""
    each = months // len(seasons)  # months in a season
    if part >= each:
        count = part // each
        return Fraction(sum(seasons[place * count : (place + 1) * count]), PPM)
    return Fraction(seasons[place * part // each], PPM) * part / each


def _place(calendar: FiscalCalendar, whole: Period, part: Period) -> int:
    if part.start <= whole.start:
        return 0
    grain: Window = "month" if part.grain == "month" else "quarter" if part.grain == "quarter" else "half"
    return len(windows_in(calendar, grain, whole.start, part.start)) - 1


def ramp_share(ramp: Sequence[int], hired: date, day: date) -> Fraction:
    """Give the ramp of the month of service in which a month lies; month 1 is the month of joining.

    >>> [str(ramp_share((250_000, 500_000), date(2026, 2, 16), date(2026, m, 1))) for m in (2, 3, 9)]
    ['1/4', '1/2', '1/2']
    """
    if not ramp:
        return Fraction(1)
    month = (day.year - hired.year) * 12 + day.month - hired.month
    return Fraction(ramp[min(max(month, 0), len(ramp) - 1)], PPM)


def target(
    amount: Per,
    service: Service,
    calendar: FiscalCalendar,
    window: Period,
    method: Proration,
    upto: date | None = None,
) -> Fraction:
    """Give the target incentive (or salary, or draw) of a window up to the end of a day, prorated by the method."""
    upto = window.end if upto is None else min(upto, window.end)
    if MONTHS[amount.window] <= MONTHS[kind_of(window)]:
        parts = windows_in(calendar, amount.window, window.start, window.end)
        return sum((amount.cents * fraction(service, part, upto, method, False) for part in parts), Fraction(0))
    longer = Fraction(MONTHS[kind_of(window)], MONTHS[amount.window])  # a month of a yearly sum
    return amount.cents * longer * fraction(service, window, upto, method, False)


def kind_of(period: Period) -> str:
    """Give the kind of a window that ``window_of`` made: a half year is a range of days."""
    return "half" if period.grain == "range" else period.grain


def carried(before: Fraction, at_change: Fraction, at_end: Fraction) -> Fraction:
    """Give earnings over a change of plan that carries: ``F1(S_a) + F2(S_total) - F2(S_a)``."""
    return before + at_end - at_change


def leave_pay(payouts: Sequence[tuple[int, Fraction]], target_of_days: Fraction) -> Fraction:
    """Give pay for days away under ``relief: earnings``: average paid attainment x target incentive of those days.

    ``payouts`` are (paid, target incentive) of the periods before. Without any there is nothing to go by: 0.
    """
    whole = sum((aim for _, aim in payouts), Fraction(0))
    return Fraction(0) if whole == 0 else sum(paid for paid, _ in payouts) / whole * target_of_days


# Days -----------------------------------------------------------------------------------------------------------------


def _within(days: Days, first: date, last: date) -> tuple[date, date] | None:
    start = max(days.start, first)
    end = last if days.end is None else min(last, days.end - _DAY)
    return (start, end) if start <= end else None


def _touches(days: Days, part: Period) -> bool:
    return _within(days, part.start, part.end) is not None


def _calendar(service: Service, first: date, last: date) -> int:
    return (last - first).days + 1


def _working(service: Service, first: date, last: date) -> int:
    return sum(service.works(first + n * _DAY) for n in range((last - first).days + 1))


def _days_away(service: Service, first: date, last: date, days: Callable[[Service, date, date], int]) -> int:
    counted = _within(service.active, first, last)
    if counted is None or not service.away:
        return 0
    stretches = sorted(span for away in service.away if (span := _within(away, *counted)) is not None)
    total, reached = 0, first - _DAY
    for start, end in stretches:  # days that two absences share count once
        start = max(start, reached + _DAY)
        if start <= end:
            total += days(service, start, end)
            reached = end
    return total


def _months(part: Period) -> list[tuple[date, date]]:
    found: list[tuple[date, date]] = []
    start = part.start
    while start <= part.end:
        following = date(start.year + start.month // 12, start.month % 12 + 1, 1)
        found.append((start, following - _DAY))
        start = following
    return found


def _whole_month(active: Days, month: tuple[date, date]) -> bool:
    """Whether a month counts: joined on the 15th or before, left after the 15th (``end`` is the first day not worked)."""
    counted = _within(active, *month)
    if counted is None:
        return False
    start, end = counted
    return (start == month[0] or start.day <= 15) and (end == month[1] or end.day > 15)
