"""Drops and surges: few alarms where there is only chance, alarms where there is something, and who moved it."""

from __future__ import annotations

import csv
import math
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.metrics.surges import LEAST, MAD, WINDOW, Kind, _judge, _limits, attribute, watch

# --- Worked by hand -------------------------------------------------------------------------------------------------


def test_a_drop_is_told_once_with_what_was_expected() -> None:
    # Twenty months of 96 to 104 deals, then two months of 20, then back. Level: median of the last eight; chance alone makes
    # sqrt(100) = 10 deals, so on the scale 2 sqrt(x + 3/8) the spread is 1 and the expected 2 sqrt(100.375).
    months = [100, 96, 104, 98, 102] * 4
    got = watch([*months, 20, 20, 100, 100], "count", 12, season=1)
    (alert,) = got.alerts
    assert (alert.direction, alert.first, alert.last, alert.value) == ("drop", 20, 21, 20)
    assert alert.expected == pytest.approx(100, abs=1)
    y, expected = 2 * math.sqrt(20.375), 2 * math.sqrt(100.375)
    limit = _limits(24, 1, 0.5 / 12, True)[20]
    assert alert.score == pytest.approx((expected - y) / limit, rel=0.02)
    assert "drop: 20 where" in alert.words()
    assert np.isnan(got.expected[0, :WINDOW]).all()  # nothing is said before there is a level,
    assert np.isnan(got.low[0, :LEAST]).all()  # nor of the spread before there are differences from it


def test_december_is_high_every_year() -> None:
    year = [100.0] * 11 + [300.0]
    five = np.array(year * 5) + np.array([2, -3, 0, 3, -2] * 12)
    got = watch(five, "sum", 12)
    decembers = {alert.first: alert.direction for alert in got.alerts if alert.first % 12 == 11}
    assert decembers == {23: "surge"}  # two full years must be there before a season is known
    assert got.expected[0, 59] == pytest.approx(300, rel=0.03)
    five[59] = 100  # a December like any other month is news
    (alert,) = [alert for alert in watch(five, "sum", 12).alerts if alert.first == 59]
    assert (alert.direction, alert.value) == ("drop", 100)


def test_nothing_is_said_of_short_or_empty_series() -> None:
    assert watch([5] * LEAST, "count", 12).alerts == ()
    assert watch([math.nan] * 40, "ratio", 12, counts=[0] * 40).alerts == ()
    gaps = [0.5, math.nan] * 20
    got = watch([*gaps, 0.5, 0.01], "ratio", 12, counts=[200] * 42, season=1)
    assert [alert.first for alert in got.alerts] == [41]
    assert watch([7] * 30, "count", 12).alerts == ()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: watch([-1], "count", 12), "negative"),
        (lambda: watch([0.5], "ratio", 12), "denominators"),
        (lambda: watch([1.5], "ratio", 12, counts=[1]), "0 to 1"),
        (lambda: watch([1], "count", 12, alerts_per_year=12), "fewer alerts"),
    ],
)
def test_what_cannot_be_watched_is_refused(ask: object, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        ask()  # type: ignore[operator]


# --- Against a slow reckoning ---------------------------------------------------------------------------------------


def slowly(y: list[float], season: int) -> list[float]:
    """What is expected of each period, one at a time, in plain Python (fewer than six seasons)."""
    found = []
    for t in range(WINDOW, len(y)):
        seasons = t // season
        if season == 1 or seasons < 2:
            found.append(median(y[t - WINDOW : t]))
            continue
        blocks = [y[t - k * season : t - (k - 1) * season] for k in range(seasons, 0, -1)]
        levels = [median(block) for block in blocks]
        slope = (levels[-1] - levels[0]) / ((seasons - 1) * season)
        usual = [
            median(
                block[i] - level - slope * (i - (season - 1) / 2) for block, level in zip(blocks, levels, strict=True)
            )
            for i in range(season)
        ]
        rest = [y[t - k] - usual[(season - k) % season] + slope * k for k in range(1, WINDOW + 1)]
        found.append(median(rest) + usual[0])
    return found


@settings(max_examples=30)
@given(st.lists(st.integers(-50, 50), min_size=WINDOW + 1, max_size=40), st.sampled_from([1, 7, 12]))
def test_the_expected_is_that_of_a_slow_reckoning(numbers: list[int], season: int) -> None:
    y = [float(number) for number in numbers][: 6 * season - 1 if season > 1 else None]
    expected, _noise, spread = _judge(np.array([y]), season, False, None)
    found = slowly(y, season)
    np.testing.assert_allclose(expected[0, WINDOW:], found, atol=1e-9)
    if len(y) > LEAST:
        last = [abs(a - b) for a, b in zip(y[WINDOW:-1], found[:-1], strict=True)][-24:]
        assert spread[0, -1] == pytest.approx(MAD * median(last))


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), min_size=20, max_size=50), st.randoms())
def test_later_periods_and_other_series_change_no_judgement(numbers: list[int], chance: object) -> None:
    whole = watch(numbers, "count", 12)
    part = watch(numbers[:-3], "count", 12)
    np.testing.assert_array_equal(whole.low[0, :-3], part.low[0])
    several = [numbers, list(range(len(numbers))), [3] * len(numbers)]
    chance.shuffle(several)  # type: ignore[attr-defined]
    place = several.index(numbers)
    together = watch(several, "count", 12)
    np.testing.assert_array_equal(together.expected[place], whole.expected[0])
    own = [(a.first, a.last, a.direction) for a in together.alerts if a.series == place]
    assert own == [(a.first, a.last, a.direction) for a in whole.alerts]


# --- How often it is wrong, how often it sees -----------------------------------------------------------------------

SERIES = 200


def null(name: str, periods: int, per_year: int) -> tuple[np.ndarray, Kind, np.ndarray | None]:
    """Series of nothing but chance (with a season and growth where the name says so)."""
    chance = np.random.default_rng(11)
    shape, t = (SERIES, periods), np.arange(periods)
    usual = (1 + 0.4 * np.sin(2 * np.pi * t / per_year)) * np.exp(0.2 * t / per_year)
    if name == "ratios of few":
        n = chance.poisson(6, shape)
        with np.errstate(invalid="ignore"):
            return np.where(n > 0, chance.binomial(n, 0.3) / n, np.nan), "ratio", n
    if name == "amounts":
        deals = chance.poisson(20, shape)
        ends = np.cumsum(deals.ravel())
        amounts = np.append(0, np.cumsum(chance.lognormal(9, 1, ends[-1])))
        return (amounts[ends] - amounts[ends - deals.ravel()]).reshape(shape), "sum", None
    if name == "lingering":
        noise = chance.standard_normal(shape)
        for place in range(1, periods):
            noise[:, place] += 0.3 * noise[:, place - 1]
        return 1_000 + 50 * noise, "sum", None
    means = {"few": 0.8, "counts": 40.0}.get(name)
    return chance.poisson(means if means else 40 * usual, shape), "count", None


@pytest.mark.parametrize(("periods", "per_year"), [(72, 12), (208, 52)])
@pytest.mark.parametrize("name", ["few", "counts", "season and growth", "amounts", "lingering", "ratios of few"])
def test_chance_alone_alarms_at_most_once_a_year(name: str, periods: int, per_year: int) -> None:
    values, kind, counts = null(name, periods, per_year)
    got = watch(values, kind, per_year, counts=counts)
    years = SERIES * (periods - LEAST) / per_year
    assert len(got.alerts) / years <= 1.0
    if name == "counts":  # where the limits were taken, it is the rate that was asked for
        assert 0.35 <= len(got.alerts) / years <= 0.65


@pytest.mark.parametrize(
    ("per_year", "mean", "factor", "power"),
    [
        (12, 40, 0.3, 0.9),
        (12, 40, 2.0, 0.85),
        (12, 400, 0.7, 0.9),
        (52, 40, 0.3, 0.85),
        (52, 40, 2.2, 0.85),
        (52, 400, 0.7, 0.85),
    ],
)
def test_a_real_change_is_seen(per_year: int, mean: float, factor: float, power: float) -> None:
    chance = np.random.default_rng(4)
    values = chance.poisson(mean, (SERIES, 3 * per_year + 8))
    values[:, -1] = chance.poisson(mean * factor, SERIES)
    seen = {alert.series for alert in watch(values, "count", per_year).alerts if alert.first == values.shape[1] - 1}
    assert len(seen) / SERIES >= power


# --- Who moved it ---------------------------------------------------------------------------------------------------


def test_the_group_that_moved_most_comes_first() -> None:
    got = attribute({"East": (40, 40), "West": (60, 60)}, {"East": (38, 38), "West": (20, 20), "New": (2, 2)}, "count")
    assert [(one.group, one.change, one.share) for one in got] == [
        ("West", -40, 1.0),
        ("East", -2, 0.05),
        ("New", 2, -0.05),
    ]
    money = attribute({"East": (400, 4), "West": (600, 6)}, {"East": (400, 4), "West": (900, 6)}, "sum")
    assert (money[0].group, money[0].rate, money[0].share) == ("West", 300, 1.0)
    rates = attribute({"East": (20, 40), "West": (30, 60)}, {"East": (20, 40), "West": (6, 60)}, "ratio")
    assert rates[0].group == "West"
    assert rates[0].rate == pytest.approx(-0.24)
    assert {one.share for one in attribute({"a": (1, 1)}, {"b": (1, 1)}, "count")} == {None}


PAIRS = st.dictionaries(st.sampled_from("abcde"), st.tuples(st.integers(0, 50), st.integers(50, 90)), min_size=1)


@given(PAIRS, PAIRS, st.sampled_from(["count", "sum", "ratio"]))
def test_what_groups_moved_adds_up(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], kind: Kind
) -> None:
    got = attribute(before, after, kind)
    whole = [sum(v for v, _ in side.values()) for side in (before, after)]
    if kind == "ratio":
        whole = [v / sum(n for _, n in side.values()) for v, side in zip(whole, (before, after), strict=True)]
    assert math.fsum(one.change for one in got) == pytest.approx(whole[1] - whole[0], abs=1e-12)
    assert {one.group for one in got} == {*before, *after}


# --- Real orders ----------------------------------------------------------------------------------------------------


def test_four_years_of_real_orders_by_week(shared: Path) -> None:
    with (shared / "data" / "superstore" / "superstore.csv").open(encoding="utf-8-sig") as file:
        ordered = {(row["Order ID"], row["Order Date"]) for row in csv.DictReader(file)}
    weeks: Counter[date] = Counter()
    for _order, text in ordered:
        month, day, year = (int(part) for part in text.split("/"))
        on = date(year, month, day)
        weeks[on - timedelta(days=on.weekday())] += 1
    first, last = min(weeks), max(weeks)
    series = [weeks[first + timedelta(days=7 * k)] for k in range((last - first).days // 7)]
    got = watch(series, "count", 52)
    assert len(series) > 200
    assert len(got.alerts) <= 2 * len(series) / 52  # a seasonal business, but no flood of alarms
    series[-5] = 0
    assert any(
        alert.first == len(series) - 5 and alert.direction == "drop" for alert in watch(series, "count", 52).alerts
    )
