"""Why a number changed: the parts add up, whichever way one looks."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.common.errors import InvalidData
from salesops.metrics.decompose import Pair, driver_change, ratio_change, sum_change, velocity_change


def test_a_win_rate_that_rises_everywhere_and_falls_in_all() -> None:
    # Small deals are won more often. Both segments improve by 5 points, but large deals go from half to nine tenths of all.
    # Rate: mean shares 0.3 and 0.7, 5 points each. Mix: shares -0.4 and +0.4; mean rates 0.525 and 0.225; mean whole rate
    # (0.35 + 0.28) / 2 = 0.315; so -0.4 x 0.21 and +0.4 x -0.09.
    got = ratio_change({"small": (50, 100), "large": (20, 100)}, {"small": (11, 20), "large": (45, 180)})
    assert got.before == pytest.approx(0.35)
    assert got.after == pytest.approx(0.28)
    assert got.parts["small"].rate == pytest.approx(0.015)
    assert got.parts["large"].rate == pytest.approx(0.035)
    assert got.parts["small"].mix == pytest.approx(-0.084)
    assert got.parts["large"].mix == pytest.approx(-0.036)
    assert (got.mix, got.rate) == (pytest.approx(-0.12), pytest.approx(0.05))


def test_bookings_by_volume_mix_and_rate() -> None:
    # 10 deals of 100 become 12 of 100: all volume, 10 x (2 more deals). Nothing else changed.
    got = sum_change({"a": (500, 5), "b": (500, 5)}, {"a": (600, 6), "b": (600, 6)})
    assert (got.volume, got.mix, got.rate, got.change) == (200, 0, 0, 200)
    # The average of one group rises: all rate.
    got = sum_change({"a": (500, 5), "b": (500, 5)}, {"a": (600, 5), "b": (500, 5)})
    assert (got.volume, got.mix, got.rate) == (0, 0, 100)
    # Dear deals replace cheap ones: all mix, each group's own change.
    got = sum_change({"cheap": (500, 5), "dear": (5_000, 5)}, {"cheap": (400, 4), "dear": (6_000, 6)})
    assert (got.volume, got.mix, got.rate) == (0, 900, 0)
    assert (got.parts["cheap"].mix, got.parts["dear"].mix) == (-100, 1_000)
    # Shares are thirds of a unit: rounded so that nothing is lost. 1 of 1 becomes 3 of 2: N 1 -> 2, average 1 -> 1.5.
    assert sum_change({"a": (1, 1)}, {"a": (3, 2)}).change == 2


def test_velocity_by_its_four_drivers() -> None:
    # The worked case of terms.md: 40 x 25,000 x 25 % / 90 days = 2,777.78 a day. The cycle falls to 72 days: 3,472.22.
    got = velocity_change((40, 25_000, 0.25, 90), (40, 25_000, 0.25, 72))
    assert got.before == pytest.approx(2777.7778, abs=1e-4)
    assert got.parts["cycle days"] == pytest.approx(694.4444, abs=1e-4)
    assert sum(abs(part) for name, part in got.parts.items() if name != "cycle days") == 0
    # Twice the deals at half the rate: equal and opposite, and nothing remains.
    got = velocity_change((40, 25_000, 0.25, 90), (80, 25_000, 0.125, 90))
    assert got.parts["opportunities"] == pytest.approx(2777.7778 * math.log(2), rel=1e-6)
    assert got.parts["opportunities"] == pytest.approx(-got.parts["win rate"])


def test_a_driver_of_zero_is_split_by_shapley() -> None:
    # Nothing was won before. Orders: the rate's effect is 1/90 x 0.25 x 25,000 x 40 or x 80, on average x 60.
    got = velocity_change((40, 25_000, 0, 90), (80, 25_000, 0.25, 90))
    assert got.method == "shapley"
    assert got.parts["win rate"] == pytest.approx(60 * 25_000 * 0.25 / 90)
    assert got.parts["opportunities"] == pytest.approx(20 * 25_000 * 0.25 / 90)


def test_groups_that_come_and_go_have_no_rate_of_their_own() -> None:
    got = ratio_change({"old": (5, 10), "gone": (1, 10)}, {"old": (5, 10), "new": (9, 10)})
    assert got.parts["gone"].rate == got.parts["new"].rate == 0
    assert got.parts["gone"].mix > 0  # it was below the whole
    assert got.parts["new"].mix > 0
    booked = sum_change({}, {"new": (900, 3)})
    assert (booked.parts["new"].volume, booked.change) == (900, 900)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: ratio_change({"a": (0, 0)}, {"a": (1, 2)}), "no value"),
        (lambda: ratio_change({"a": (1, 0), "b": (1, 1)}, {"a": (1, 2)}), "unknown"),
        (lambda: sum_change({"a": (5, 0)}, {"a": (1, 2)}), "unknown"),
        (lambda: sum_change({"a": (5, -1)}, {"a": (1, 2)}), "unknown"),
        (lambda: sum_change({"a": (0.5, 1)}, {"a": (1, 2)}), "whole"),
        (lambda: velocity_change((1, 1, 1, 0), (1, 1, 1, 1)), "cycle days is 0"),
        (lambda: velocity_change((1, 1, 1), (1, 1, 1)), "four drivers"),
        (lambda: driver_change({"a": 1}, {"b": 1}), "a, b"),
    ],
)
def test_what_has_no_parts_is_refused(ask: object, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        ask()  # type: ignore[operator]


# --- Invariants -----------------------------------------------------------------------------------------------------

COUNT = st.integers(0, 50)
RATIOS = st.dictionaries(st.sampled_from("abcdef"), st.tuples(COUNT, COUNT).map(lambda p: (min(p), max(p))), min_size=1)
SUMS = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(-(10**12), 10**15), st.integers(1, 10**6)), max_size=6
)


@given(RATIOS, RATIOS)
def test_ratio_parts_add_up_and_mirror(before: dict[str, Pair], after: dict[str, Pair]) -> None:
    if not sum(d for _, d in before.values()) or not sum(d for _, d in after.values()):
        return
    got, back = ratio_change(before, after), ratio_change(after, before)
    assert got.mix + got.rate == pytest.approx(got.change, abs=1e-12)
    for key, part in got.parts.items():
        assert part.mix == -back.parts[key].mix
        assert part.rate == -back.parts[key].rate
    assert ratio_change(before, before).change == ratio_change(before, before).mix == 0
    upside_down = ratio_change(dict(reversed(before.items())), dict(reversed(after.items())))
    assert upside_down == got


@given(SUMS, SUMS)
def test_sum_parts_add_up_to_the_last_unit(before: dict[str, Pair], after: dict[str, Pair]) -> None:
    got = sum_change(before, after)
    assert got.volume + got.mix + got.rate == got.change
    for key, part in got.parts.items():
        assert part.change == after.get(key, (0, 0))[0] - before.get(key, (0, 0))[0]
        assert all(isinstance(x, int) for x in (part.volume, part.mix, part.rate))
    assert sum_change(dict(reversed(before.items())), after) == got


@given(SUMS.filter(bool), SUMS.filter(bool))
def test_sum_parts_are_the_mean_over_all_orders(before: dict[str, Pair], after: dict[str, Pair]) -> None:
    n0, n1 = sum(c for _, c in before.values()), sum(c for _, c in after.values())
    got = sum_change(before, after)
    for key in set(before) & set(after):
        (v0, c0), (v1, c1) = before[key], after[key]
        low = [Fraction(n0), Fraction(c0, n0), Fraction(v0, c0)]
        high = [Fraction(n1), Fraction(c1, n1), Fraction(v1, c1)]
        totals = [Fraction(0)] * 3
        for order in permutations(range(3)):
            now = list(low)
            for place in order:
                was = math.prod(now)
                now[place] = high[place]
                totals[place] += math.prod(now) - was
        part = got.parts[key]
        for rounded, exact in zip((part.volume, part.mix, part.rate), totals, strict=True):
            assert abs(rounded - exact / 6) < 1


DRIVERS = st.tuples(
    st.integers(0, 10**5), st.floats(0, 1e6, allow_subnormal=False), st.floats(0, 1), st.floats(0.5, 2_000)
)


@given(DRIVERS, DRIVERS)
def test_driver_parts_add_up_and_mirror(
    before: tuple[int, float, float, float], after: tuple[int, float, float, float]
) -> None:
    got, back = velocity_change(before, after), velocity_change(after, before)
    scale = max(got.before, got.after)
    total = math.fsum(got.parts.values())
    size = max([scale, *(abs(part) for part in got.parts.values())])
    assert total == pytest.approx(got.change, abs=1e-9 * size)
    for name, part in got.parts.items():
        assert part == pytest.approx(-back.parts[name], abs=1e-9 * size)
    same = velocity_change(before, before)
    assert set(same.parts.values()) <= {0.0}


# --- Real deals -----------------------------------------------------------------------------------------------------


def test_the_quarters_of_maven_by_product(shared: Path) -> None:
    with (shared / "data" / "maven_crm" / "sales_pipeline.csv").open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["close_date"]]
    won: dict[str, dict[str, Pair]] = {"2": defaultdict(lambda: (0, 0)), "3": defaultdict(lambda: (0, 0))}
    rate: dict[str, dict[str, Pair]] = {"2": defaultdict(lambda: (0, 0)), "3": defaultdict(lambda: (0, 0))}
    for row in rows:
        quarter = str((int(row["close_date"][5:7]) + 2) // 3)
        if quarter in won:
            is_won = row["deal_stage"] == "Won"
            x, n = rate[quarter][row["product"]]
            rate[quarter][row["product"]] = (x + is_won, n + 1)
            if is_won:
                value, n = won[quarter][row["product"]]
                won[quarter][row["product"]] = (value + int(row["close_value"]) * 10_000, n + 1)
    got = sum_change(won["2"], won["3"])
    assert (got.before, got.after) == (
        30_861_110_000,
        29_822_550_000,
    )  # 3,086,111 and 2,982,255, from the monthly totals
    assert got.volume + got.mix + got.rate == -1_038_560_000
    rates = ratio_change(rate["2"], rate["3"])
    assert rates.mix + rates.rate == pytest.approx(rates.change, abs=1e-12)
