"""What followed a change: worked by hand, right as often as it says, and silent where there is too little."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.pipeline.effect import Effect, _t_quantile, _t_tails, measure


def test_worked_by_hand() -> None:
    # Two months each way. The eight touched win 2 of 10 deals a month, then 4 of 10 (20 % -> 40 %); the eight others 3 of 10,
    # then 4 of 10 (30 % -> 40 %). 20 points less 10.
    won = [[2, 2, 4, 4]] * 8 + [[3, 3, 4, 4]] * 8
    got = measure(won, [True] * 8 + [False] * 8, 2, records=np.full((16, 4), 10))
    assert got.effect == pytest.approx(0.10)
    assert (got.before, got.after) == (pytest.approx(0.2), pytest.approx(0.4))
    assert got.change_untreated == pytest.approx(0.10)
    assert got.relative == pytest.approx(0.10 / 0.30)
    assert (got.units_treated, got.units_untreated, got.records) == (8, 8, 640)
    assert (got.periods_before, got.periods_after, got.drawn, got.trend) == (2, 2, "units", None)
    assert got.low == got.high == got.effect  # all units alike: nothing varies


def test_a_level_is_a_ratio_of_sums() -> None:
    # One of 1 and 0 of 9 is 10 %, not the mean of 100 % and 0 %.
    won = [[1, 2], [0, 0]] * 4 + [[1, 1], [0, 0]] * 4
    deals = [[1, 1], [9, 9]] * 8
    won[0::2] = [[1, 1]] * 8
    got = measure(won, [True] * 8 + [False] * 8, 1, records=deals)
    assert (got.before, got.after) == (pytest.approx(0.1), pytest.approx(0.1))


def test_the_words_say_how_sure() -> None:
    chance = np.random.default_rng(1)
    values = chance.normal(100, 5, (30, 10))
    values[:15, 6:] += 20
    got = measure(values, np.arange(30) < 15, 6)
    assert got.p_value is not None
    assert got.p_value < 1e-6
    assert got.effect == pytest.approx(20, abs=3)
    assert "15 touched moved by +" in got.words()
    assert "beside 15 that were not touched" in got.words()
    assert "told from chance" not in got.words()
    nothing = measure(chance.normal(100, 5, (30, 10)), np.arange(30) < 15, 6)
    assert nothing.low is not None
    assert ("told from chance" in nothing.words()) == (nothing.low <= 0)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (
            lambda: measure(np.ones((5, 14)), [1, 1, 0, 0, 0], 11),
            "11 periods before and 3 after .* 2 units touched and 3 not",
        ),
        (lambda: measure(np.ones((1, 14)), [1], 12), "12 periods before and 2 after"),
        (lambda: measure(np.ones((20, 4)), [1] * 10 + [0] * 10, 2, records=np.full((20, 4), 0.1)), "2 records"),
        (lambda: measure(np.zeros((20, 4)), [1] * 10 + [0] * 10, 2, records=np.zeros((20, 4))), "No unit"),
        (lambda: measure(np.ones((20, 4)), [0] * 20, 2), "No unit"),
    ],
)
def test_it_refuses_where_there_is_too_little(ask: Callable[[], Effect], reason: str) -> None:
    got = ask()
    assert got.effect is got.low is got.p_value is None
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(got.words())


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: measure([1, 2], [1], 1), "do not fit"),
        (lambda: measure([[1, 2]], [1], 2), "none on one side"),
        (lambda: measure([[1, 2]], [1], 1, records=[[0, 1]]), "without records"),
        (lambda: measure([[1, math.inf]], [1], 1), "infinite"),
    ],
)
def test_what_cannot_be_is_refused(ask: Callable[[], Effect], said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        ask()


def test_the_distribution_of_student() -> None:
    # From any table: 95 % two-sided.
    for freedom, t in ((1, 12.7062), (3, 3.18245), (10, 2.22814), (30, 2.04227), (120, 1.97993)):
        assert _t_quantile(0.05, freedom) == pytest.approx(t, rel=1e-5)
        assert _t_tails(t, freedom) == pytest.approx(0.05, rel=1e-4)


# --- Invariants -----------------------------------------------------------------------------------------------------

PANEL = st.lists(st.lists(st.integers(0, 100), min_size=6, max_size=6), min_size=16, max_size=24)


@settings(max_examples=30)
@given(PANEL, st.lists(st.integers(-50, 50), min_size=6, max_size=6), st.randoms())
def test_what_hits_all_alike_and_the_order_of_units_change_no_effect(
    panel: list[list[int]], shock: list[int], chance: Any
) -> None:
    touched = [k % 2 == 0 for k in range(len(panel))]
    got = measure(panel, touched, 3, draws=50)
    moved = measure(np.array(panel) + np.array(shock), touched, 3, draws=50)
    assert moved.effect == pytest.approx(got.effect, abs=1e-9)
    order = list(range(len(panel)))
    chance.shuffle(order)
    mixed = measure([panel[k] for k in order], [touched[k] for k in order], 3, draws=50)
    assert mixed.effect == pytest.approx(got.effect, abs=1e-9)
    x = np.array(panel, dtype=float)
    plain = [x[[t == side for t in touched]] for side in (True, False)]
    by_hand = [side[:, 3:].mean() - side[:, :3].mean() for side in plain]
    assert got.effect == pytest.approx(by_hand[0] - by_hand[1], abs=1e-9)
    turned = measure(panel, [not t for t in touched], 3, draws=50)
    assert turned.effect == pytest.approx(-got.effect, abs=1e-9)  # type: ignore[operator]


def test_the_same_seed_gives_the_same_answer() -> None:
    values = np.random.default_rng(0).normal(0, 1, (20, 8))
    touched = np.arange(20) < 10
    assert measure(values, touched, 4, seed=3) == measure(values, touched, 4, seed=3)
    assert measure(values, touched, 4, seed=3).low != measure(values, touched, 4, seed=4).low


# --- As sure as it says ---------------------------------------------------------------------------------------------


def lingering(shape: tuple[int, int], stays: float, chance: np.random.Generator) -> np.ndarray:
    noise = chance.standard_normal(shape)
    for t in range(1, shape[1]):
        noise[:, t] = stays * noise[:, t - 1] + math.sqrt(1 - stays**2) * noise[:, t]
    return noise


def covered(truth: float, cases: list[Effect]) -> float:
    assert not any(case.refused for case in cases)
    return float(np.mean([case.low <= truth <= case.high for case in cases]))  # type: ignore[operator]


@pytest.mark.parametrize("untouched", [8, 40])
def test_intervals_over_units_hold_the_truth(untouched: int) -> None:
    # People differ, linger, and share a market that wanders; the change adds 0.5.
    chance, touched = np.random.default_rng(1), np.arange(8 + untouched) < 8
    cases = []
    for seed in range(300):
        values = 3 * chance.standard_normal((len(touched), 1)) + lingering((len(touched), 8), 0.5, chance)
        values = values + lingering((1, 8), 0.9, chance)
        values[touched, 5:] += 0.5
        cases.append(measure(values, touched, 5, draws=300, seed=seed))
    assert 0.91 <= covered(0.5, cases) <= 0.985


def test_intervals_of_win_rates_hold_the_truth() -> None:
    chance, touched = np.random.default_rng(2), np.arange(30) < 12
    cases = []
    for seed in range(300):
        deals = chance.poisson(6, (30, 8))
        rate = np.clip(0.3 + 0.1 * chance.standard_normal((30, 1)), 0.05, 0.85) + 0.1 * (
            touched[:, None] & (np.arange(8) >= 5)
        )
        cases.append(measure(chance.binomial(deals, rate), touched, 5, records=deals, draws=300, seed=seed))
    assert 0.91 <= covered(0.1, cases) <= 0.985


@pytest.mark.parametrize(("periods", "start", "stays"), [(24, 18, 0.0), (24, 18, 0.5), (60, 48, 0.6), (104, 90, 0.7)])
def test_intervals_over_periods_hold_the_truth(periods: int, start: int, stays: float) -> None:
    chance = np.random.default_rng(3)
    cases = []
    for seed in range(300):
        values = lingering((1, periods), stays, chance)
        values[:, start:] += 1
        cases.append(measure(values, [True], start, draws=300, seed=seed))
    assert {case.drawn for case in cases} == {"periods"}
    assert 0.88 <= covered(1, cases) <= 0.985


def test_a_season_is_no_effect() -> None:
    # Launched before the best months of the year; nothing happened.
    chance, season = np.random.default_rng(5), 5 * np.sin(2 * np.pi * np.arange(41) / 12)
    series = [lingering((1, 41), 0.2, chance) + season for _ in range(200)]
    out = [measure(one, [True], 37, season=12, draws=200) for one in series]
    left_in = [measure(one, [True], 37, draws=200) for one in series]
    assert covered(0, out) >= 0.88
    assert abs(np.mean([one.effect for one in out])) < 0.2  # type: ignore[arg-type]
    assert np.mean([one.effect for one in left_in]) > 3  # type: ignore[arg-type]
    assert (
        covered(4, left_in) == 1
    )  # a series that swings like this says nothing about four months, and the interval shows it
    got = measure(series[0], [True], 37, season=12)
    assert (got.seasonal, got.periods_before, got.periods_after) == (True, 25, 4)
    short = measure(series[0][:, 26:], [True], 12, season=12)
    assert not short.seasonal
    assert "season is left in" in short.words()


def test_a_trend_before_the_change_is_called_out() -> None:
    chance, touched = np.random.default_rng(6), np.arange(24) < 12
    level, rising = [], []
    for seed in range(150):
        values = lingering((24, 12), 0.2, chance)
        level.append(measure(values, touched, 8, draws=300, seed=seed).trend)
        rising.append(measure(values + touched[:, None] * 0.3 * np.arange(12), touched, 8, draws=300, seed=seed))
    assert np.mean([one.doubtful for one in level if one]) < 0.17  # a tenth was asked for
    assert np.mean([one.trend.doubtful for one in rising if one.trend]) > 0.95
    assert "may be that trend" in rising[0].words()
    assert rising[0].trend is not None
    assert rising[0].trend.slope == pytest.approx(0.3, abs=0.15)


# --- Real orders ----------------------------------------------------------------------------------------------------


def test_nothing_happened_to_every_other_state(shared: Path) -> None:
    """A change that never was: orders by state and month; of many days and divisions chance may call out about one in twenty."""
    orders: dict[str, dict[int, set[str]]] = {}
    with (shared / "data" / "superstore" / "superstore.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            month, _day, year = (int(part) for part in row["Order Date"].split("/"))
            orders.setdefault(row["State"], {}).setdefault((year - 2014) * 12 + month, set()).add(row["Order ID"])
    first = min(min(months) for months in orders.values())
    panel = np.array([[len(months.get(first + k, ())) for k in range(48)] for _, months in sorted(orders.items())])
    chance, wrong = np.random.default_rng(8), 0
    for start in range(8, 40, 2):
        touched = chance.permutation(len(panel)) % 2 == 0
        got = measure(panel, touched, start, draws=300)
        assert got.p_value is not None
        wrong += got.p_value < 0.05
    assert wrong <= 4
