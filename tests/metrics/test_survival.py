"""Survival curves: worked by hand, against a slow exact reckoning, against the SQL of the catalogue, on real deals."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.metrics.survival import Curves, incidence, kaplan_meier

# Six deals: closed after 1, 2, 2 and 4 days; open since 2 and 3 days.
DAYS, CLOSED = [1, 2, 2, 2, 3, 4], [1, 1, 1, 0, 0, 1]


def test_worked_by_hand() -> None:
    # 6 at risk, 1 ends: 5/6. 5 at risk, 2 end: 5/6 x 3/5 = 1/2. Day 3: nobody ends. Day 4: the last one ends.
    got = kaplan_meier(DAYS, CLOSED)
    assert got.time.tolist() == [1, 2, 3, 4]
    assert got.at_risk.tolist() == [6, 5, 2, 1]
    assert got.events.tolist() == [1, 2, 0, 1]
    assert got.censored.tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(got.survival, [5 / 6, 1 / 2, 1 / 2, 0], rtol=1e-15)
    assert got.median().tolist() == [2]  # exactly one half is reached on day 2
    greenwood = [1 / 30, 1 / 30 + 2 / 15, 1 / 30 + 2 / 15, math.inf]
    np.testing.assert_allclose(got.greenwood, greenwood)
    np.testing.assert_allclose(got.variance()[:3], [25 / 36 / 30, 1 / 4 / 6, 1 / 4 / 6])
    assert math.isnan(got.variance()[3])


def test_the_band_is_log_log() -> None:
    low, high = kaplan_meier(DAYS, CLOSED).band(0.95)
    width = 1.959963984540054 * math.sqrt(1 / 6) / math.log(2)
    np.testing.assert_allclose([low[1], high[1]], [0.5 ** math.exp(width), 0.5 ** math.exp(-width)])
    assert np.isnan([low[3], high[3]]).all()
    assert [end[0] for end in kaplan_meier([1, 2], [0, 1]).band()] == [1, 1]  # nothing has happened yet


def test_the_mean_within_a_time() -> None:
    # One whole day, then 5/6, 1/2, 1/2 of a day, and nobody is left after day 4.
    mean, _error = kaplan_meier(DAYS, CLOSED).restricted_mean()
    np.testing.assert_allclose(mean, [1 + 5 / 6 + 1 / 2 + 1 / 2])
    mean, error = kaplan_meier(DAYS, CLOSED).restricted_mean(2.5)
    np.testing.assert_allclose(mean, [1 + 5 / 6 + 1 / 4])
    np.testing.assert_allclose(error, [math.sqrt((5 / 6 + 1 / 4) ** 2 / 30 + (1 / 4) ** 2 * 2 / 15)])
    np.testing.assert_allclose(kaplan_meier(DAYS, CLOSED).restricted_mean(9)[0], [1 + 5 / 6 + 1])
    assert np.isnan(kaplan_meier([1, 2], [1, 0]).restricted_mean(9)[0]).all()  # nobody was watched for nine days


def test_winning_and_losing_compete() -> None:
    # Four deals: won on day 1, lost on day 2, won on day 3, open since day 3. Half are won in the end (1/4 + 1/2 x 1/2);
    # calling the lost one "still open" would say 1 - 3/4 x 1/2 = 5/8.
    got = incidence([1, 2, 3, 3], [1, 2, 1, 0])
    np.testing.assert_allclose(got.incidence, [[1 / 4, 0], [1 / 4, 1 / 4], [1 / 2, 1 / 4]])
    np.testing.assert_allclose(got.overall.survival, [3 / 4, 1 / 2, 1 / 4])
    plain = kaplan_meier([1, 2, 3, 3], [1, 0, 1, 0])
    np.testing.assert_allclose(1 - plain.survival[-1], 5 / 8)
    np.testing.assert_allclose(got.at(1, [0, 1, 2.5]), [[0, 1 / 4, 1 / 4]])
    assert np.isnan(got.at(1, [4])).all()


def test_groups_counts_and_values_at_a_time() -> None:
    got = kaplan_meier([5, 1, 2, 3], [1, 1, 0, 1], count=[2, 1, 0, 3], group=["w", "e", "e", "w"])
    assert got.groups.tolist() == ["e", "w"]
    assert got.start.tolist() == [0, 1, 3]  # the row that stands for nothing is not there
    np.testing.assert_allclose(got.survival, [0, 2 / 5, 0], atol=1e-15)
    np.testing.assert_allclose(got.at([0, 3, 4, 9]), [[1, 0, 0, 0], [1, 2 / 5, 2 / 5, 0]], atol=1e-15)
    assert np.isnan(kaplan_meier([1, 2], [1, 0]).at([3])).all()
    nobody = kaplan_meier([], np.zeros(0, dtype=bool))
    assert (len(nobody.groups), len(nobody.time), len(nobody.median())) == (0, 0, 0)
    assert incidence([], np.zeros(0, dtype=int)).incidence.shape == (0, 2)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (([-1], [1]), "negative"),
        (([math.nan], [1]), "missing"),
        (([1, 2], [1]), "length"),
        (([1], [2]), "yes or no"),
        (([1], [1], [-2]), "count"),
        ((["a"], [1]), "numbers"),
    ],
)
def test_what_cannot_be_is_refused(columns: tuple[list[float], ...], said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        kaplan_meier(*columns)


# --- Invariants -----------------------------------------------------------------------------------------------------

ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(1, 3), st.sampled_from("abc")), min_size=1, max_size=40
)


def slowly(rows: list[tuple[int, int, int, str]]) -> dict[str, list[tuple[int, Fraction, Fraction, Fraction]]]:
    """Time, S, F1 and F2 by group, row by row in exact fractions."""
    found: dict[str, list[tuple[int, Fraction, Fraction, Fraction]]] = {}
    for key in sorted({row[3] for row in rows}):
        mine = [(t, cause) for t, cause, count, group in rows if group == key for _ in range(count)]
        s, f1, f2 = Fraction(1), Fraction(0), Fraction(0)
        found[key] = []
        for time in sorted({t for t, _ in mine}):
            n = sum(t >= time for t, _ in mine)
            won, lost = (sum(t == time and c == cause for t, c in mine) for cause in (1, 2))
            f1, f2 = f1 + s * Fraction(won, n), f2 + s * Fraction(lost, n)
            s *= Fraction(n - won - lost, n)
            found[key].append((time, s, f1, f2))
    return found


@given(ROWS)
def test_the_curves_are_those_of_a_slow_exact_reckoning(rows: list[tuple[int, int, int, str]]) -> None:
    days, cause, count, group = (np.array(column) for column in zip(*rows, strict=True))
    got = incidence(days, cause, count, group)
    expected = slowly(rows)
    assert got.overall.groups.tolist() == list(expected)
    flat = [row for key in expected for row in expected[key]]
    assert got.overall.time.tolist() == [row[0] for row in flat]
    np.testing.assert_allclose(got.overall.survival, [float(row[1]) for row in flat], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(got.incidence, [[float(row[2]), float(row[3])] for row in flat], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(got.incidence.sum(axis=1) + got.overall.survival, 1)
    median = [next((t for t, s, *_ in expected[key] if s <= Fraction(1, 2)), math.nan) for key in expected]
    np.testing.assert_array_equal(got.overall.median(), median)


@given(ROWS, st.randoms())
def test_order_and_counts_change_nothing(rows: list[tuple[int, int, int, str]], chance: object) -> None:
    def curves(given: list[tuple[int, int, int, str]]) -> Curves:
        days, cause, count, group = (np.array(column) for column in zip(*given, strict=True))
        return kaplan_meier(days, cause == 1, count, group)

    mixed = [(t, c, 1, g) for t, c, n, g in rows for _ in range(n)]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = curves(rows), curves(mixed)
    for name in ("time", "at_risk", "events", "survival", "greenwood"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 99))
def test_without_censoring_it_is_the_empirical_distribution(days: list[int], percent: int) -> None:
    got = kaplan_meier(days, np.ones(len(days), dtype=bool))
    np.testing.assert_allclose(got.survival, [sum(d > t for d in days) / len(days) for t in got.time], atol=1e-13)
    s = got.survival[got.survival > 0]
    np.testing.assert_allclose(got.variance()[: len(s)], s * (1 - s) / len(days), atol=1e-13)  # binomial
    row = -(-percent * len(days) // 100)  # ceil, in integers
    assert got.quantile(percent / 100)[0] == sorted(days)[row - 1]
    np.testing.assert_allclose(got.restricted_mean()[0], sum(days) / len(days))


@given(ROWS)
def test_with_one_way_to_end_incidence_is_one_minus_kaplan_meier(rows: list[tuple[int, int, int, str]]) -> None:
    days, cause, count, group = (np.array(column) for column in zip(*rows, strict=True))
    once = np.minimum(cause, 1)
    one, other = kaplan_meier(days, once == 1, count, group), incidence(days, once, count, group, causes=(1,))
    np.testing.assert_allclose(other.incidence[:, 0], 1 - one.survival, atol=1e-13)
    kept = one.survival > 1e-12
    np.testing.assert_allclose(other.variance[kept, 0], one.variance()[kept], atol=1e-12)


def test_far_apart_times_and_many_groups_are_counted_by_sorting() -> None:
    chance = np.random.default_rng(7)
    days, group = chance.random(5_000) * 1e9, chance.integers(0, 1_500, 5_000) * 10**12
    event = chance.random(5_000) < 0.6
    got = kaplan_meier(days, event, group=group)
    by_group = defaultdict(list)
    for d, e, g in zip(days.tolist(), event.tolist(), group.tolist(), strict=True):
        by_group[g].append((d, e))
    expected = []
    for key in sorted(by_group):
        s, rows = 1.0, sorted(by_group[key])
        for place, (_, e) in enumerate(rows):
            s *= 1 - e / (len(rows) - place)
            expected.append(s)
    np.testing.assert_allclose(got.survival, expected, rtol=1e-12, atol=1e-15)


def test_about_one_interval_in_twenty_misses_the_truth() -> None:
    # Exponential times with mean 10, censored by an exponential of mean 15: S(7) = exp(-0.7); 60 cases a group, 2,000 groups.
    chance = np.random.default_rng(3)
    life, watched = chance.exponential(10, 120_000), chance.exponential(15, 120_000)
    days, group = np.minimum(life, watched), np.repeat(np.arange(2_000), 60)
    got = kaplan_meier(days, life <= watched, group=group)
    low, high = (got._pick(end, np.array([7.0]), 1.0)[:, 0] for end in got.band())
    assert 0.93 <= np.mean((low <= math.exp(-0.7)) & (math.exp(-0.7) <= high)) <= 0.97
    # The same for F_1(7) of two ways to end, by the variance.
    cause = np.where(life > watched, 0, np.where(chance.random(120_000) < 0.3, 1, 2))
    found = incidence(days, cause, group=group)
    f = found.at(1, [7.0])[:, 0]
    error = np.sqrt(found.overall._pick(found.variance[:, 0], np.array([7.0]), 0.0)[:, 0])
    truth = 0.3 * (1 - math.exp(-0.7))
    assert abs(np.nanmean(f) - truth) < 0.003
    assert abs(np.nanstd(f) / np.nanmean(error) - 1) < 0.05


# --- Real deals -----------------------------------------------------------------------------------------------------


def maven(shared: Path) -> list[dict[str, str]]:
    with (shared / "data" / "maven_crm" / "sales_pipeline.csv").open(encoding="utf-8-sig") as file:
        return [row for row in csv.DictReader(file) if row["engage_date"]]


def test_maven_takes_69_days_to_close(shared: Path) -> None:
    rows, last = maven(shared), date(2017, 12, 31)
    days = [
        (
            (date.fromisoformat(row["close_date"]) if row["close_date"] else last)
            - date.fromisoformat(row["engage_date"])
        ).days
        for row in rows
    ]
    cause = [{"Won": 1, "Lost": 2}.get(row["deal_stage"], 0) for row in rows]
    either = kaplan_meier(days, np.array(cause) > 0)
    assert either.median().tolist() == [69]
    low, high = either.quantile_interval(0.5)
    assert low[0] <= 69 <= high[0]
    got = incidence(days, cause)
    np.testing.assert_allclose(got.overall.survival, either.survival)
    won, lost = got.at(1, [138])[0, 0], got.at(2, [138])[0, 0]
    assert 0.5 < won < 1 - kaplan_meier(days, np.array(cause) == 1).at([138])[0, 0]  # losses compete with wins
    assert won + lost < 1
