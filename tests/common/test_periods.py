"""Calendar, fiscal and 4-4-5 periods."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import InvalidData, UsageError
from salesops.common.periods import CALENDAR_COLUMNS, GRAINS, FiscalCalendar, Period

PLAIN = FiscalCalendar()
FEBRUARY = FiscalCalendar(start_month=2)
RETAIL = FiscalCalendar("454", start_month=2, week_start=6, year_named_by="start", anchor="nearest")
SEPTEMBER = FiscalCalendar("445", start_month=10, week_start=6)
CALENDARS = st.builds(
    FiscalCalendar,
    kind=st.sampled_from(["month", "445", "454", "544"]),
    start_month=st.integers(1, 12),
    week_start=st.integers(0, 6),
    year_named_by=st.sampled_from(["end", "start"]),
    anchor=st.sampled_from(["last", "nearest"]),
)
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


def span(period: Period) -> tuple[str, str, str]:
    return period.key, period.start.isoformat(), period.end.isoformat()


@pytest.mark.parametrize(
    ("calendar", "grain", "expected"),
    [
        (PLAIN, "week", ("2017-W52", "2017-12-25", "2017-12-31")),
        (PLAIN, "month", ("2017-12", "2017-12-01", "2017-12-31")),
        (PLAIN, "quarter", ("2017-Q4", "2017-10-01", "2017-12-31")),
        (PLAIN, "year", ("2017", "2017-01-01", "2017-12-31")),
        (FEBRUARY, "month", ("2017-12", "2017-12-01", "2017-12-31")),
        (FEBRUARY, "quarter", ("FY2018-Q4", "2017-11-01", "2018-01-31")),
        (FEBRUARY, "year", ("FY2018", "2017-02-01", "2018-01-31")),
        (RETAIL, "month", ("FY2017-P11", "2017-11-26", "2017-12-30")),
        (RETAIL, "year", ("FY2017", "2017-01-29", "2018-02-03")),
        (SEPTEMBER, "quarter", ("FY2018-Q1", "2017-10-01", "2017-12-30")),
        (SEPTEMBER, "week", ("FY2018-W13", "2017-12-24", "2017-12-30")),
    ],
)
def test_the_periods_of_a_day(calendar: FiscalCalendar, grain: str, expected: tuple[str, str, str]) -> None:
    assert span(calendar.period_of(date(2017, 12, 29), grain)) == expected  # type: ignore[arg-type]


def test_years_of_53_weeks_are_those_of_the_retail_and_the_september_calendar() -> None:
    """Both the 4-5-4 retail calendar and years to the last Saturday of September have them in these."""
    for calendar in (RETAIL, SEPTEMBER):
        long = [
            year for year in range(2004, 2026) if calendar.period_of(calendar.year_bounds(year)[0], "year").days == 371
        ]
        assert long == [2006, 2012, 2017, 2023]
    assert span(RETAIL.parse_period("FY2023")) == ("FY2023", "2023-01-29", "2024-02-03")
    assert span(SEPTEMBER.parse_period("FY2023")) == ("FY2023", "2022-09-25", "2023-09-30")
    assert RETAIL.parse_period("FY2023-P12").days == 35  # 4 weeks and the 53rd
    assert RETAIL.parse_period("FY2022-P12").days == 28


def test_a_week_belongs_to_the_iso_year() -> None:
    assert PLAIN.period_of(date(2016, 1, 3), "week").key == "2015-W53"
    assert PLAIN.period_of(date(2018, 12, 31), "week").key == "2019-W01"


@pytest.mark.parametrize(
    ("calendar", "text", "expected"),
    [
        (PLAIN, "2017-Q3", ("2017-Q3", "2017-07-01", "2017-09-30")),
        (PLAIN, "fy2017", ("2017", "2017-01-01", "2017-12-31")),
        (PLAIN, "2017", ("2017", "2017-01-01", "2017-12-31")),
        (PLAIN, " 2017-03 ", ("2017-03", "2017-03-01", "2017-03-31")),
        (PLAIN, "2017-W05", ("2017-W05", "2017-01-30", "2017-02-05")),
        (PLAIN, "2017-03-31", ("2017-03-31", "2017-03-31", "2017-03-31")),
        (PLAIN, "2017-01-01..2017-03-31", ("2017-01-01..2017-03-31", "2017-01-01", "2017-03-31")),
        (FEBRUARY, "FY2018-Q1", ("FY2018-Q1", "2017-02-01", "2017-04-30")),
        (FEBRUARY, "2018-Q1", ("FY2018-Q1", "2017-02-01", "2017-04-30")),
        (SEPTEMBER, "FY2018-P01", ("FY2018-P01", "2017-10-01", "2017-10-28")),
        (SEPTEMBER, "FY2018-W01", ("FY2018-W01", "2017-10-01", "2017-10-07")),
    ],
)
def test_periods_are_read_as_people_write_them(
    calendar: FiscalCalendar, text: str, expected: tuple[str, str, str]
) -> None:
    assert span(calendar.parse_period(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Q3",
        "2017-Q5",
        "2017-13",
        "2017-W54",
        "2017-02-30",
        "soon",
        "2017-W53",
        "0000",
        "2017-03-31..",
        "FY2017-W05",
    ],
)
def test_what_is_no_period_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match=r"Write|Use"):
        PLAIN.parse_period(text)


def test_calendar_months_and_backward_ranges_are_refused_where_they_mislead() -> None:
    with pytest.raises(UsageError, match="FY2017-P03"):
        SEPTEMBER.parse_period("2017-03")
    with pytest.raises(UsageError, match="earlier date first"):
        PLAIN.parse_period("2017-03-31..2017-01-01")
    with pytest.raises(InvalidData):
        FiscalCalendar(start_month=13)


@pytest.mark.parametrize(
    ("calendar", "text", "previous", "year_ago"),
    [
        (PLAIN, "2017-Q1", "2016-Q4", "2016-Q1"),
        (PLAIN, "2016-02-29", "2016-02-28", "2015-02-28"),
        (PLAIN, "2017-02-01..2017-02-28", "2017-01-04..2017-01-31", "2016-02-01..2016-02-29"),
        (PLAIN, "2015-W53", "2015-W52", "2014-W52"),
        (PLAIN, "2017-01", "2016-12", "2016-01"),
        (FEBRUARY, "FY2018", "FY2017", "FY2017"),
        (RETAIL, "FY2018-P01", "FY2017-P12", "FY2017-P01"),
        (RETAIL, "FY2017-W53", "FY2017-W52", "FY2016-W52"),
    ],
)
def test_neighbours(calendar: FiscalCalendar, text: str, previous: str, year_ago: str) -> None:
    period = calendar.parse_period(text)
    assert (calendar.previous(period).key, calendar.year_ago(period).key) == (previous, year_ago)
    assert calendar.next(calendar.previous(period)) == period


@settings(max_examples=60)
@given(CALENDARS, DAYS)
def test_every_day_is_in_one_period_that_can_be_read_again(calendar: FiscalCalendar, day: date) -> None:
    nested: dict[str, Period] = {grain: calendar.period_of(day, grain) for grain in GRAINS}
    for period in nested.values():
        assert day in period
        assert calendar.parse_period(period.key) == period
        assert calendar.period_of(period.start, period.grain) == calendar.period_of(period.end, period.grain)  # type: ignore[arg-type]
    for inner, outer in (("month", "quarter"), ("quarter", "year")):
        assert nested[outer].start <= nested[inner].start <= nested[inner].end <= nested[outer].end
    assert nested["week"].days == 7
    assert nested["week"].start.weekday() == calendar.week_start


@settings(max_examples=40)
@given(CALENDARS, DAYS, st.integers(0, 800))
def test_periods_follow_each_other_without_gaps(calendar: FiscalCalendar, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    for grain in GRAINS:
        found = calendar.periods(grain, first, last)
        assert first in found[0]
        assert last in found[-1]
        assert all(one.end + timedelta(days=1) == two.start for one, two in pairwise(found))
    assert sum(period.days in (364, 371) or calendar.kind == "month" for period in found) == len(found)


@settings(max_examples=20)
@given(CALENDARS, DAYS, st.integers(0, 400))
def test_calendar_rows_say_what_the_periods_say(calendar: FiscalCalendar, first: date, days: int) -> None:
    rows = calendar.calendar_rows(first, first + timedelta(days=days))
    assert [row[0] for row in rows] == [first + timedelta(days=n) for n in range(days + 1)]
    for row in (rows[0], rows[-1]):
        named = dict(zip(CALENDAR_COLUMNS, row, strict=True))
        for grain in GRAINS[1:]:
            period = calendar.period_of(row[0], grain)
            assert (named[f"{grain}_key"], named[f"{grain}_start"], named[f"{grain}_end"]) == span_dates(period)
        assert named["iso_weekday"] == row[0].isoweekday()


def span_dates(period: Period) -> tuple[str, date, date]:
    return period.key, period.start, period.end
