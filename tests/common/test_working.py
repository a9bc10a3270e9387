"""Working days and minutes."""

from __future__ import annotations

from datetime import date

import pytest

from salesops.common.effective import Interval
from salesops.common.errors import InvalidData
from salesops.common.working import FULL_WEEK, Absence, WorkingPattern, WorkingTime, add_working_days, working_time

EASTER = {date(2017, 4, 14), date(2017, 4, 17)}
APRIL = (date(2017, 4, 1), date(2017, 4, 30))
FOUR_DAYS = WorkingPattern((480, 480, 480, 480, 0, 0, 0))


def test_april_2017_has_18_working_days() -> None:
    assert working_time(FULL_WEEK, *APRIL, EASTER) == WorkingTime(18, 18 * 480, 2, 0)


def test_holidays_on_free_days_cost_nothing_and_count_before_absence() -> None:
    away = Absence(Interval(date(2017, 4, 10), date(2017, 4, 18)))
    assert working_time(FULL_WEEK, *APRIL, EASTER | {date(2017, 4, 16)}, [away]) == WorkingTime(14, 14 * 480, 2, 4)
    assert working_time(FOUR_DAYS, *APRIL, EASTER).holidays == 1


def test_hours_off_leave_a_working_day_and_two_of_them_may_not() -> None:
    doctor = Absence(Interval(date(2017, 4, 3), date(2017, 4, 4)), minutes=240)
    assert working_time(FULL_WEEK, date(2017, 4, 3), date(2017, 4, 3), absences=[doctor]) == WorkingTime(1, 240, 0, 0)
    assert working_time(
        FULL_WEEK, date(2017, 4, 3), date(2017, 4, 3), absences=[doctor, doctor, doctor]
    ) == WorkingTime(0, 0, 0, 1)


def test_full_time_equivalent_scales_minutes_only() -> None:
    assert working_time(FULL_WEEK, *APRIL, EASTER, fte_ppm=800_000) == WorkingTime(18, 6_912, 2, 0)


def test_dated_patterns_hold_from_their_day() -> None:
    dated = [(Interval(date(2017, 1, 1), date(2017, 4, 17)), FULL_WEEK), (Interval(date(2017, 4, 17)), FOUR_DAYS)]
    assert working_time(dated, *APRIL).days == 10 + 8
    assert working_time(dated, date(2016, 1, 1), date(2016, 12, 31)).days == 0
    assert working_time(FULL_WEEK, date(2017, 4, 2), date(2017, 4, 1)) == WorkingTime(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [("2017-04-13", 1, "2017-04-18"), ("2017-04-15", 0, "2017-04-18"), ("2017-04-18", -1, "2017-04-13")],
)
def test_deadlines_skip_weekends_and_holidays(day: str, count: int, expected: str) -> None:
    found = add_working_days(date.fromisoformat(day), count, FULL_WEEK, EASTER)
    assert found.isoformat() == expected


def test_impossible_weeks_are_refused() -> None:
    with pytest.raises(InvalidData):
        WorkingPattern((480, 480, 480, 480, 480, 0))  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="out of reach"):
        add_working_days(date(2017, 1, 1), 1, WorkingPattern((0,) * 7), limit=100)  # type: ignore[arg-type]
    with pytest.raises(InvalidData):
        Absence(Interval(date(2017, 1, 1)), minutes=0)
