"""Comparing people: by hand, against slow reckonings, and fair to those with little behind them."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.metrics.peers import fair_standing, mix_gap, ramp, tenure_band, top_quarter

# --- What the best quarter does otherwise ---------------------------------------------------------------------------


def test_the_top_quarter_is_rounded_up() -> None:
    assert top_quarter({"a": 1.2, "b": 0.9, "c": 1.2, "d": None, "e": 0.5, "f": math.nan}) == [
        "a"
    ]  # 4 known, 1 of them
    assert top_quarter({"c": 1.2, "a": 1.2, "b": 0.9, "e": 0.5, "f": 0.1}) == ["a", "c"]  # 5: 2; ties by key
    assert top_quarter({}) == []


def test_the_mix_gap_by_hand() -> None:
    # Eight with both: two are the top. Their mixes are 80/20 and 40/60 (mean 60/40), the rest all 30/70.
    attained: dict[str, float | None] = dict.fromkeys("cdefgh", 0.5) | {
        "a": 1.5,
        "b": 1.2,
        "no minutes": 3.0,
        "new": None,
    }
    minutes = {key: {"call": 30, "admin": 70} for key in "cdefgh"}
    minutes |= {"a": {"call": 800, "admin": 200}, "b": {"call": 4, "admin": 6}, "new": {"call": 1}, "no minutes": {}}
    got = mix_gap(attained, minutes, minimum=2)
    assert (got.top_people, got.rest_people, got.left_out) == (2, 6, 2)
    assert got.top == {"admin": pytest.approx(0.4), "call": pytest.approx(0.6)}
    assert got.gap == {"admin": pytest.approx(-0.3), "call": pytest.approx(0.3)}
    shy = mix_gap(attained, minutes)
    assert "has 2 people" in shy.refused
    assert shy.gap == {}
    with pytest.raises(InvalidData, match="below zero"):
        mix_gap({"a": 1}, {"a": {"call": -1}})


@given(
    st.dictionaries(
        st.integers(0, 30),
        st.tuples(st.integers(0, 200), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 90), max_size=3)),
        min_size=4,
    ),
    st.randoms(),
)
def test_the_mix_gap_is_that_of_a_slow_reckoning(people: dict[int, tuple[int, dict[str, int]]], chance: Any) -> None:
    known = sorted((-score, key) for key, (score, kinds) in people.items() if sum(kinds.values()))
    best = [key for _, key in known[: math.ceil(len(known) / 4)]]
    mixed = list(people)
    chance.shuffle(mixed)
    got = mix_gap({key: people[key][0] for key in mixed}, {key: people[key][1] for key in mixed}, minimum=1)
    if len(known) < 2:
        assert got.refused
        return
    for kind, share in got.top.items():
        exact = sum(Fraction(people[key][1].get(kind, 0), sum(people[key][1].values())) for key in best) / len(best)
        assert share == pytest.approx(float(exact), abs=1e-12)
    assert math.fsum(got.gap.values()) == pytest.approx(0, abs=1e-12)
    assert got.left_out == len(people) - len(known)


# --- How long newcomers take ----------------------------------------------------------------------------------------

TENURED = [(f"old {k}", month, 100) for k in range(5) for month in (13, 14)]
NEW = {
    "fast": [80, 80, 80, 0],  # the mean of the first three is 80: month 3
    "slow": [0, 60, 100, 79, 61, 100],  # 53, 79.7, 80: month 5
    "left": [10, 20],  # gone after two months
    "on the way": [0, 0, 0, 10],
    "late": [0, 0, 0, 0, 0, 240],  # one great month counts: 80
}


def rows(new: dict[str, list[int]]) -> tuple[list[str], list[int], list[int]]:
    all_rows = TENURED + [(who, k, made) for who, months in new.items() for k, made in enumerate(months, start=1)]
    who, month, made = zip(*all_rows, strict=True)
    return list(who), list(month), list(made)


def test_the_ramp_by_hand() -> None:
    got = ramp(*rows(NEW))
    assert got.target == 100
    found = dict(zip(got.people, zip(got.months.tolist(), got.reached.tolist(), strict=True), strict=True))
    assert found == {
        "fast": (3, True),
        "slow": (5, True),
        "left": (2, False),
        "on the way": (4, False),
        "late": (6, True),
    }
    # At risk 5; month 2: one leaves. Month 3: 1 of 4. Month 4: one censored. Month 5: 1 of 2. Month 6: the last.
    assert got.curve is not None
    np.testing.assert_allclose(got.curve.survival, [1, 3 / 4, 3 / 4, 3 / 8, 0], atol=1e-15)
    assert (
        got.median == 5
    )  # dropping those who did not get there would say 5 of 3, 5, 6 too; but of "left" as a success, 3
    assert got.present == (5, 5, 4, 4, 2, 2)
    assert got.level == (0, 20, None, None, None, None)  # a month of fewer than five people is nobody's business
    months = ramp(*rows(NEW), minimum=2).level
    assert months == (0, 20, 0, 0, 0, 100)  # row ceil(n / 2)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda: ramp(*rows({"one": [1, 2, 3]})), "1 newcomers, at least 5"),
        (lambda: ramp(*rows(NEW), minimum=6), "5 people have been here"),
        (lambda: ramp(*rows(NEW), tenured=[0, 0, 5]), "not above 0"),
        (lambda: ramp([], [], []), "0 people have been here"),
    ],
)
def test_a_ramp_without_enough_people_is_refused(ask: Callable[[], Any], reason: str) -> None:
    got = ask()
    assert reason in got.refused
    assert got.median is None
    assert got.curve is None


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((["a", "a"], [1, 1], [5, 5]), "twice"),
        ((["a", "a"], [1, 3], [5, 5]), "gap"),
        ((["a"], [0], [5]), "before the first"),
        ((["a"], [1], [5.5]), "whole units"),
        ((["a"], [1, 2], [5]), "length"),
    ],
)
def test_months_that_cannot_be_are_refused(columns: tuple[Any, Any, Any], said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        ramp(*columns)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=16), min_size=1, max_size=12),
    st.lists(st.integers(1, 200), min_size=1, max_size=9),
    st.randoms(),
)
def test_the_ramp_is_that_of_a_slow_reckoning(people: list[list[int]], tenured: list[int], chance: Any) -> None:
    flat = [(who, k, made) for who, months in enumerate(people) for k, made in enumerate(months, start=1)]
    chance.shuffle(flat)
    who, month, made = zip(*flat, strict=True)
    got = ramp(who, month, made, minimum=1, tenured=tenured)
    target = Fraction(4, 5) * sorted(tenured)[math.ceil(len(tenured) / 2) - 1]
    for place, months in enumerate(people):
        first = next((k for k in range(3, len(months) + 1) if Fraction(sum(months[k - 3 : k]), 3) >= target), None)
        assert got.reached[place] == (first is not None)
        assert got.months[place] == (first or len(months))


# --- Who stands out among those in the same position ----------------------------------------------------------------


def slowly(total: dict[str, int], records: dict[str, int]) -> dict[str, tuple[float, float, float]]:
    """Shares in exact fractions: fair value, weight, reach."""
    size, k = sum(records.values()), len(total)
    m = Fraction(sum(total.values()), size)
    s2 = m * (1 - m)
    q = sum(records[key] * (Fraction(total[key], records[key]) - m) ** 2 for key in total)
    below = size - Fraction(sum(n * n for n in records.values()), size)
    t2 = max((q - (k - 1) * s2) / below, Fraction(0))
    noise = {key: s2 / n or Fraction(1, 10**300) for key, n in records.items()}
    typical = sum(v / (v + t2) for v in noise.values()) / sum(1 / (v + t2) for v in noise.values())
    found = {}
    for key, v in noise.items():
        away = Fraction(total[key], records[key]) - m
        b = Fraction(k - 3, k - 1) * v / (v + t2)
        variance = v * (1 - Fraction(k - 1, k) * b) + Fraction(2, k - 3) * b**2 * (typical + t2) / (v + t2) * away**2
        w = t2 / (t2 + v)
        found[key] = (float(m + w * away), float(w), NormalDist().inv_cdf(0.95) * math.sqrt(variance))
    return found


def test_three_of_three_is_not_the_best() -> None:
    # Five people at 30 %, one at 60 % of 200, one who won 3 of 3. The mean is 423 of 1,203; the 3 of 3 hardly count.
    won = {"a": 60, "b": 60, "c": 60, "d": 60, "e": 60, "star": 120, "lucky": 3}
    closed = dict.fromkeys(won, 200) | {"lucky": 3}
    position = dict.fromkeys(won, ("small", "25 and more"))
    got = {one.person: one for one in fair_standing(won, closed, position, "share")}
    expected = slowly(won, closed)
    for key, one in got.items():
        fair, weight, reach = expected[key]
        assert one.fair == pytest.approx(fair)
        assert one.weight == pytest.approx(weight)
        assert one.high == pytest.approx(fair + reach)
    assert got["lucky"].value == 1
    assert got["lucky"].fair < got["star"].fair  # type: ignore[operator]
    assert (got["star"].stands, got["lucky"].stands) == ("above", "as the others")


def test_only_the_same_position_is_compared_and_small_groups_are_not() -> None:
    won = {f"s{k}": 20 for k in range(5)} | {f"l{k}": 4 for k in range(4)} | {"fresh": 0}
    closed = {f"s{k}": 40 for k in range(5)} | {f"l{k}": 40 for k in range(4)} | {"fresh": 0}
    group = {key: ("large" if key[0] == "l" else "small", tenure_band(30)) for key in won}
    got = {one.person: one for one in fair_standing(won, closed, group, "share")}
    assert got["s1"].group_mean == got["s1"].fair == 0.5  # the large deals' 10 % are not held against anybody
    assert got["s1"].stands == "as the others"
    assert (got["l1"].value, got["l1"].group_mean, got["l1"].stands) == (0.1, None, "too few to compare")
    assert (got["fresh"].value, got["fresh"].stands) == (None, "no value")
    assert [tenure_band(m) for m in (0, 3, 4, 12, 13, 25)] == ["0-3", "0-3", "4-6", "7-12", "13-24", "25 and more"]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: fair_standing({"a": 2}, {"a": 1}, {"a": 0}, "share"), "2 of 1"),
        (lambda: fair_standing({"a": 2}, {}, {"a": 0}, "mean", {"a": 4}), "2 of 0"),
        (lambda: fair_standing({"a": 2}, {"a": 1}, {"a": 0}, "mean"), "sums of squares"),
        (lambda: fair_standing({"a": 0}, {"a": 1}, {}, "share"), "no group"),
    ],
)
def test_what_cannot_stand_is_refused(ask: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        ask()


@given(
    st.dictionaries(
        st.text("ab", min_size=1, max_size=4), st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=5
    ),
    st.randoms(),
)
def test_fair_values_are_those_of_a_slow_reckoning(people: dict[str, tuple[int, int]], chance: Any) -> None:
    won = {key: min(pair) for key, pair in people.items()}
    closed = {key: pair[1] for key, pair in people.items()}
    mixed = list(won)
    chance.shuffle(mixed)
    got = fair_standing({key: won[key] for key in mixed}, closed, dict.fromkeys(won), "share")
    assert [one.person for one in got] == sorted(won)
    expected = slowly(won, closed)
    for one in got:
        assert one.fair == pytest.approx(expected[one.person][0], abs=1e-9)
        assert min(one.value, one.group_mean) - 1e-12 <= one.fair <= max(one.value, one.group_mean) + 1e-12  # type: ignore


def test_nobody_stands_out_where_all_are_alike_and_the_truth_is_nearer() -> None:
    chance = np.random.default_rng(1)
    called, misses, fair_error, raw_error, people = 0, 0, 0.0, 0.0, 30
    for _ in range(100):
        n = chance.integers(3, 60, people)
        alike = {k: int(w) for k, w in enumerate(chance.binomial(n, 0.3))}
        closed = {k: int(c) for k, c in enumerate(n)}
        called += sum(
            one.stands != "as the others" for one in fair_standing(alike, closed, dict.fromkeys(alike), "share")
        )
        truth = np.clip(0.35 + 0.1 * chance.standard_normal(people), 0.02, 0.98)
        unlike = {k: int(w) for k, w in enumerate(chance.binomial(n, truth))}
        for one in fair_standing(unlike, closed, dict.fromkeys(unlike), "share"):
            fair_error += (one.fair - truth[one.person]) ** 2  # type: ignore[operator]
            raw_error += (one.value - truth[one.person]) ** 2  # type: ignore[operator]
            misses += not one.low <= truth[one.person] <= one.high  # type: ignore[operator]
    assert called / (100 * people) < 0.03
    assert fair_error < 0.6 * raw_error
    assert 0.07 <= misses / (100 * people) <= 0.16  # 90 % intervals


def test_means_of_amounts_are_drawn_in_as_well() -> None:
    chance = np.random.default_rng(2)
    totals, counts, squares, truth = {}, {}, {}, {}
    for who in range(40):
        truth[who] = 1_000 + 100 * chance.standard_normal()
        amounts = truth[who] + 400 * chance.standard_normal(int(chance.integers(2, 50)))
        totals[who], counts[who], squares[who] = float(amounts.sum()), len(amounts), float((amounts**2).sum())
    got = fair_standing(totals, counts, dict.fromkeys(totals), "mean", squares)
    fair = sum((one.fair - truth[one.person]) ** 2 for one in got)  # type: ignore[operator]
    assert fair < 0.8 * sum((one.value - truth[one.person]) ** 2 for one in got)  # type: ignore[operator]


# --- Real deals -----------------------------------------------------------------------------------------------------


def test_the_agents_of_maven_by_region(shared: Path) -> None:
    folder = shared / "data" / "maven_crm"
    with (folder / "sales_teams.csv").open(encoding="utf-8-sig") as file:
        region = {row["sales_agent"]: row["regional_office"] for row in csv.DictReader(file)}
    won, closed = dict.fromkeys(region, 0), dict.fromkeys(region, 0)
    with (folder / "sales_pipeline.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row["deal_stage"] in ("Won", "Lost"):
                closed[row["sales_agent"]] += 1
                won[row["sales_agent"]] += row["deal_stage"] == "Won"
    got = fair_standing(won, closed, region, "share")
    assert sum(one.stands == "no value" for one in got) == 5  # the five who own no deal
    with_deals = [one for one in got if one.value is not None]
    assert len(with_deals) == 30
    for one in with_deals:
        assert one.fair is not None
        assert abs(one.fair - one.group_mean) <= abs(one.value - one.group_mean) + 1e-12  # type: ignore[operator]
    assert sum(one.stands in ("above", "below") for one in with_deals) <= 10  # the raw win rates run from 55 to 70 %
