"""Instants and local days, over changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.common.instants import DAY_US, day_of, end_of_day, from_us, start_of_day, to_us

HOUR = 3_600_000_000
ZONES = [
    "UTC",
    "Europe/Warsaw",
    "America/Sao_Paulo",
    "Asia/Seoul",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/New_York",
]


def test_microseconds_are_exact() -> None:
    assert to_us(datetime(2017, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == 1_483_228_800_000_001
    assert from_us(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    with pytest.raises(InvalidData, match="no time zone"):
        to_us(datetime(2017, 1, 1))
    with pytest.raises(InvalidData, match="Europe/Warsaw"):
        day_of(0, "Mars/Base")
    with pytest.raises(InvalidData):
        from_us(10**18)


@pytest.mark.parametrize(
    ("day", "tz", "hours", "start"),
    [
        (date(2017, 3, 26), "Europe/Warsaw", 23, "2017-03-25T23:00"),
        (date(2017, 10, 29), "Europe/Warsaw", 25, "2017-10-28T22:00"),
        (date(2017, 10, 15), "America/Sao_Paulo", 23, "2017-10-15T03:00"),  # clocks jump from midnight to one
        (date(2011, 12, 30), "Pacific/Apia", 0, "2011-12-30T10:00"),  # the day that Samoa skipped
        (date(2016, 11, 6), "America/Havana", 25, "2016-11-06T04:00"),  # midnight comes twice
        (date(1919, 3, 31), "America/Toronto", 23.5, "1919-03-31T04:30"),  # clocks jump from 23:30 to 00:30
    ],
)
def test_local_days_start_and_end_with_the_clock(day: date, tz: str, hours: float, start: str) -> None:
    assert from_us(start_of_day(day, tz)).isoformat()[:16] == start
    assert end_of_day(day, tz) - start_of_day(day, tz) == hours * HOUR


@given(
    st.integers(to_us(datetime(1995, 1, 1, tzinfo=UTC)), to_us(datetime(2037, 1, 1, tzinfo=UTC))),
    st.sampled_from(ZONES),
)
def test_an_instant_lies_within_its_local_day(us: int, tz: str) -> None:
    day = day_of(us, ZoneInfo(tz))
    assert start_of_day(day, tz) <= us < end_of_day(day, tz)


@settings(max_examples=50)
@given(st.dates(date(1995, 1, 1), date(2037, 1, 1)), st.sampled_from(ZONES))
def test_days_follow_each_other(day: date, tz: str) -> None:
    start, end = start_of_day(day, tz), end_of_day(day, tz)
    assert end == start_of_day(day + timedelta(days=1), tz)
    assert end - start in (0, DAY_US - HOUR, DAY_US, DAY_US + HOUR)
    assert day_of(start - 1, tz) < day
