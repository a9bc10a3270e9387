"""Section 1.3 of the design: quotas over seasons, hire, ramp and leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.common.periods import FiscalCalendar
from salesops.compensation import quotas
from salesops.compensation.exact import rounded
from salesops.compensation.plan import Days, Per, Quota

CALENDAR = FiscalCalendar()
PCT = 10_000
SEASONS = (20 * PCT, 25 * PCT, 25 * PCT, 30 * PCT)
ALWAYS = quotas.Service(Days(date(2020, 1, 1)), date(2020, 1, 1))
HIRED = quotas.Service(Days(date(2026, 2, 16)), date(2026, 2, 16))
QUARTER = Quota(of="m", window="quarter")


def q(quota: Quota, base: int, service: quotas.Service, window: str, upto: date | None = None) -> F:
    period = CALENDAR.parse_period(window)
    return quotas.effective(quota, base, service, CALENDAR, period, upto or period.end)


def test_a_year_is_spread_by_season() -> None:
    seasonal = Quota(of="m", window="year", seasonality=SEASONS)
    assert [q(seasonal, 1_200_000_00, ALWAYS, f"2026-Q{n}") for n in (1, 2, 3, 4)] == [
        240_000_00,
        300_000_00,
        300_000_00,
        360_000_00,
    ]
    assert q(seasonal, 1_200_000_00, ALWAYS, "2026") == 1_200_000_00


def test_a_joiner_has_the_days_of_the_quarter() -> None:
    got = q(QUARTER, 240_000_00, HIRED, "2026-Q1")
    assert got == F(240_000_00 * 44, 90)
    assert rounded(got) == 117_333_33
    assert rounded(90_000_00 * 1_000_000 / got) == 767_045, "90,000 credited against it is 76.7045 %"
    seasonal = Quota(of="m", window="year", seasonality=SEASONS)
    assert q(seasonal, 1_200_000_00, HIRED, "2026-Q1") == got


def test_ramp_and_proration_multiply_month_by_month() -> None:
    ramped = replace(QUARTER, ramp=(25 * PCT, 50 * PCT, 75 * PCT, 100 * PCT))
    assert rounded(q(ramped, 240_000_00, HIRED, "2026-02")) == 9_285_71
    assert q(ramped, 240_000_00, HIRED, "2026-03") == 40_000_00
    assert rounded(q(ramped, 240_000_00, HIRED, "2026-Q1")) == 49_285_71
    assert q(ramped, 240_000_00, HIRED, "2026-Q2") == 60_000_00 + 80_000_00 + 80_000_00


def test_days_away_lower_the_quota_only_where_the_plan_says_so() -> None:
    away = quotas.Service(Days(date(2020, 1, 1)), date(2020, 1, 1), (Days(date(2026, 5, 1), date(2026, 5, 31)),))
    assert rounded(q(QUARTER, 300_000_00, away, "2026-Q2")) == 201_098_90
    assert q(replace(QUARTER, relief="none"), 300_000_00, away, "2026-Q2") == 300_000_00
    assert q(replace(QUARTER, relief="earnings"), 300_000_00, away, "2026-Q2") == 300_000_00
    twice = replace(away, away=(*away.away, Days(date(2026, 5, 10), date(2026, 5, 20))))
    assert rounded(q(QUARTER, 300_000_00, twice, "2026-Q2")) == 201_098_90, "a day away counts once"


def test_leave_pay_is_the_average_paid_attainment_of_the_target_of_those_days() -> None:
    # two quarters paid 5,000.00 and 7,000.00 of 6,250.00 each: 96 %; 30 of 91 days of 6,250.00
    pay = quotas.leave_pay([(5_000_00, F(6_250_00)), (7_000_00, F(6_250_00))], F(6_250_00 * 30, 91))
    assert pay == F(96, 100) * F(6_250_00 * 30, 91)
    assert quotas.leave_pay([], F(1)) == 0


def test_a_season_is_spread_by_days_and_full_breakpoints_do_not_move() -> None:
    seasonal = Quota(of="m", window="year", seasonality=SEASONS)
    assert q(seasonal, 1_200_000_00, ALWAYS, "2026", date(2026, 1, 31)) == F(240_000_00 * 31, 90)
    assert q(seasonal, 1_200_000_00, ALWAYS, "2026", date(2026, 4, 30)) == 240_000_00 + F(300_000_00 * 30, 91)
    assert q(replace(seasonal, breakpoints="full"), 1_200_000_00, ALWAYS, "2026", date(2026, 1, 31)) == 1_200_000_00


@pytest.mark.parametrize(
    ("joined", "left", "months"),
    [(date(2026, 2, 15), None, 2), (date(2026, 2, 16), None, 1), (date(2020, 1, 1), date(2026, 3, 16), 2),
     (date(2020, 1, 1), date(2026, 3, 17), 3)],
)  # fmt: skip
def test_whole_months_follow_the_rule_of_the_15th(joined: date, left: date | None, months: int) -> None:
    """There on the 15th or before counts for a joiner; for a leaver a last day after the 15th does."""
    service = quotas.Service(Days(joined, left), joined)
    assert q(replace(QUARTER, proration="whole_months"), 90_000_00, service, "2026-Q1") == months * 30_000_00


def test_working_days_count_by_the_calendar() -> None:
    assert q(replace(QUARTER, proration="working_days"), 64_000_00, HIRED, "2026-Q1") == 32 * 1_000_00, (
        "32 of 64 weekdays"
    )
    assert q(replace(QUARTER, proration="none"), 64_000_00, HIRED, "2026-Q1") == 64_000_00


def test_target_incentive_prorates_apart_from_the_quota() -> None:
    q1 = CALENDAR.parse_period("2026-Q1")
    assert quotas.target(Per(25_000_00, "quarter"), HIRED, CALENDAR, q1, "calendar_days") == F(25_000_00 * 44, 90)
    assert quotas.target(Per(25_000_00, "quarter"), HIRED, CALENDAR, q1, "none") == 25_000_00
    assert quotas.target(Per(25_000_00, "quarter"), ALWAYS, CALENDAR, q1, "none", date(2026, 1, 31)) == F(
        25_000_00 * 31, 90
    )
    assert quotas.target(Per(25_000_00, "quarter"), ALWAYS, CALENDAR, q1, "none", date(2026, 12, 31)) == 25_000_00
    assert quotas.target(Per(100_000_00, "year"), ALWAYS, CALENDAR, q1, "none") == 25_000_00
    assert (
        quotas.target(Per(4_000_00, "month"), HIRED, CALENDAR, q1, "calendar_days") == F(4_000_00 * 13, 28) + 4_000_00
    )


def test_a_plan_change_resets_or_carries() -> None:
    # F1 = 8 % to 100k then 12 %, S_a = 80,000; F2 = 10 % flat; S_total = 130,000
    assert quotas.carried(F(6_400_00), F(8_000_00), F(13_000_00)) == 11_400_00


def test_windows_end_with_their_last_day() -> None:
    assert [
        quotas.window_of(CALENDAR, date(2026, m, d), "half").label for m, d in ((1, 1), (6, 30), (7, 1), (12, 31))
    ] == ["H1 2026", "H1 2026", "H2 2026", "H2 2026"]
    assert q(QUARTER, 90_00, ALWAYS, "2026-Q1", date(2026, 1, 1)) == 1_00, "the first day counts"
    assert q(QUARTER, 90_00, ALWAYS, "2026-Q1", date(2025, 12, 31)) == 0
    last_day = quotas.Service(Days(date(2026, 3, 31)), date(2026, 3, 31))
    assert q(QUARTER, 90_00, last_day, "2026-Q1") == 1_00, "who joins on the last day has one day"
    half = Quota(of="m", window="half")
    assert (
        quotas.effective(
            half, 181_00, ALWAYS, CALENDAR, quotas.window_of(CALENDAR, date(2026, 3, 1), "half"), date(2026, 1, 31)
        )
        == 31_00
    )


def test_a_year_without_seasons_prorates_by_the_days_of_the_year() -> None:
    year = Quota(of="m", window="year")
    assert q(year, 365_00, HIRED, "2026") == 319_00
    known = {HIRED.hired: 365_00}
    period = CALENDAR.parse_period("2026")
    assert quotas.effective(year, known.get, HIRED, CALENDAR, period, period.end) == 319_00, (
        "the quota is looked up on the first day that counts"
    )
    assert quotas.effective(year, {}.get, HIRED, CALENDAR, period, period.end) is None


def test_seasons_must_fit_and_sum_to_one() -> None:
    for bad in ((50 * PCT, 50 * PCT), (20 * PCT, 25 * PCT, 25 * PCT, 29 * PCT)):
        with pytest.raises(InvalidData, match="seasonality"):
            q(Quota(of="m", window="year", seasonality=bad), 1, ALWAYS, "2026")


# Invariant 12 ---------------------------------------------------------------------------------------------------------

DAYS = st.dates(date(2025, 6, 1), date(2027, 6, 1))


@given(
    st.integers(0, 10**11), DAYS, st.integers(1, 500), st.integers(0, 400), st.integers(0, 90),
    st.sampled_from(("calendar_days", "working_days", "whole_months", "none")), st.sampled_from(((), SEASONS)),
    st.sampled_from(((), (25 * PCT, 100 * PCT))),
)  # fmt: skip
def test_the_quarters_of_a_year_sum_to_the_year(
    base: int,
    joined: date,
    stays: int,
    away_from: int,
    away_days: int,
    method: str,
    seasons: tuple[int, ...],
    ramp: tuple[int, ...],
) -> None:
    start = joined + timedelta(days=away_from)
    away = (Days(start, start + timedelta(days=away_days)),) if away_days else ()
    service = quotas.Service(Days(joined, joined + timedelta(days=stays)), joined, away)
    quota = Quota(of="m", window="year", seasonality=seasons or SEASONS, ramp=ramp, proration=method)  # type: ignore[arg-type]
    quarters = [q(quota, base, service, f"2026-Q{n}") for n in (1, 2, 3, 4)]
    assert sum(quarters) == q(quota, base, service, "2026")
    assert 0 <= sum(quarters) <= base
    if joined <= date(2026, 1, 1) and joined + timedelta(days=stays) > date(2026, 12, 31) and not away and not ramp:
        assert sum(quarters) == base, "who is there all year has the whole quota"
