"""Section 1.4 of the design: earnings by rate function, each figure workable with a pencil. Money in cents."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.compensation import rates
from salesops.compensation.plan import (
    Axis,
    Band,
    Cap,
    Curve,
    CurvePoint,
    FactorBand,
    FactorPoint,
    Flat,
    Matrix,
    Point,
    Step,
    StepBonus,
    Tiered,
    UnitBand,
    UnitRate,
)  # fmt: skip

PCT = 10_000  # one percent in parts per million
Q = F(100_000_00)  # the quota of the examples: 100,000.00
COMMON = (
    Band(to=Point(attainment=100 * PCT), rate=8 * PCT),
    Band(to=Point(attainment=120 * PCT), rate=12 * PCT),
    Band(rate=16 * PCT),
)


def tiered(**fields: object) -> Tiered:
    return Tiered(**({"id": "c", "measure": "m", "bands": COMMON} | fields))  # type: ignore[arg-type]


def pays(component: object, s: int, quota: F | None = Q, target: int | None = None) -> F:
    return rates.earning(component, quota, None if target is None else F(target)).total(s)  # type: ignore[arg-type]


def test_flat_pays_one_rate_on_everything() -> None:
    assert pays(Flat(id="c", rate=8 * PCT), 130_000_00, None) == 10_400_00


def test_marginal_tiers_pay_each_band_at_its_own_rate() -> None:
    assert pays(tiered(), 130_000_00) == 8_000_00 + 2_400_00 + 1_600_00


def test_retroactive_tiers_pay_everything_at_the_rate_reached() -> None:
    assert pays(tiered(mode="retroactive"), 130_000_00) == 20_800_00


def test_a_retroactive_plan_has_a_cliff_of_one_cent() -> None:
    cliff = tiered(mode="retroactive")
    assert pays(cliff, 99_999_99) == F("7999.9992") * 100, "8,000.00 when rounded"
    assert pays(cliff, 100_000_00) == 12_000_00
    assert pays(tiered(), 99_999_99) < pays(tiered(), 100_000_00) == 8_000_00, "marginal tiers have none"


def test_a_band_holds_its_floor_and_not_its_ceiling() -> None:
    found = rates.earning(tiered(), Q)
    assert isinstance(found, rates.Slabs)
    assert [found.reached(s).tier for s in (99_999_99, 100_000_00, 119_999_99, 120_000_00)] == [0, 1, 1, 2]


def test_a_decelerator_is_a_band_with_a_lower_rate() -> None:
    slow = (
        Band(to=Point(attainment=80 * PCT), rate=4 * PCT),
        Band(to=Point(attainment=100 * PCT), rate=8 * PCT),
        Band(rate=12 * PCT),
    )
    assert pays(tiered(bands=slow), 70_000_00) == 2_800_00
    assert pays(tiered(bands=slow), 110_000_00) == 3_200_00 + 1_600_00 + 1_200_00


def test_gate_and_deductible_differ_by_what_lies_below() -> None:
    gate = Flat(id="c", rate=10 * PCT, gate_at=Point(amount=50_000_00))
    deductible = Flat(id="c", rate=10 * PCT, deductible=Point(amount=50_000_00))
    assert [pays(gate, s) for s in (45_000_00, 49_999_99, 50_000_00, 80_000_00)] == [0, 0, 5_000_00, 8_000_00]
    assert [pays(deductible, s) for s in (45_000_00, 50_000_00, 80_000_00)] == [0, 0, 3_000_00]


CURVE = Curve(
    id="c",
    points=(
        CurvePoint(50 * PCT, 0),
        CurvePoint(80 * PCT, 50 * PCT),
        CurvePoint(100 * PCT, 100 * PCT),
        CurvePoint(150 * PCT, 200 * PCT),
    ),
)


@pytest.mark.parametrize(
    ("attained", "pay"),
    [(49, 0), (50, 0), (65, 6_250_00), (90, 18_750_00), (100, 25_000_00), (120, 35_000_00), (170, 50_000_00)],
)
def test_a_pay_curve_is_linear_between_points_and_flat_above(attained: int, pay: int) -> None:
    assert pays(CURVE, attained * 1_000_00, target=25_000_00) == pay


def test_a_step_bonus_pays_the_sum_of_the_highest_step() -> None:
    bonus = StepBonus(
        id="c",
        steps=(Step(at=Point(attainment=90 * PCT), pay=1_000_00), Step(at=Point(attainment=100 * PCT), pay=3_000_00)),
    )
    assert [pays(bonus, s) for s in (89_999_99, 90_000_00, 99_999_99, 100_000_00, 500_000_00)] == [
        0,
        1_000_00,
        1_000_00,
        3_000_00,
        3_000_00,
    ]


def test_units_are_paid_in_money_each() -> None:
    assert pays(UnitRate(id="c", bands=(UnitBand(pay=45_00),)), 37, None) == 1_665_00
    assert (
        pays(UnitRate(id="c", bands=(UnitBand(to=30, pay=45_00), UnitBand(pay=60_00))), 37, None)
        == 30 * 45_00 + 7 * 60_00
    )


def test_caps_hard_soft_deferred() -> None:
    assert rates.capped(25_500_00, Cap(above=0, kind="hard"), 20_000_00) == 20_000_00
    assert rates.capped(25_500_00, Cap(above=0, kind="soft", pay=50 * PCT), 15_000_00) == 20_250_00
    assert rates.deferred(0, 25_500_00, 20_000_00) == (20_000_00, 5_500_00)
    assert rates.deferred(5_500_00, 10_000_00, 20_000_00) == (15_500_00, 0)
    assert rates.capped(20_000_00, Cap(above=0, kind="soft"), 20_000_00) == 20_000_00, "at the limit nothing is lost"


GRID = Matrix(id="x", applies_to=("c",), rows=Axis(measure="r", at=(100 * PCT, 120 * PCT)), cols=Axis(measure="m", at=(30 * PCT, 40 * PCT)),
              cells=((1_000_000, 1_200_000), (1_100_000, 1_400_000)), mode="bilinear")  # fmt: skip


def test_a_bilinear_matrix_weighs_the_four_cells() -> None:
    factor = rates.matrix_factor(GRID, 108 * PCT, 34 * PCT)
    assert factor == F("0.36") + F("0.288") + F("0.264") + F("0.224") == F("1.136")
    assert 12_000_00 * factor == 13_632_00


def test_a_larger_matrix_looks_at_its_neighbours_only() -> None:
    at = (0, 100 * PCT, 200 * PCT)
    cells = ((0, 1_000_000, 5_000_000), (2_000_000, 3_000_000, 7_000_000), (9_000_000, 9_000_000, 9_000_000))
    grid = Matrix(
        id="x",
        applies_to=("c",),
        rows=Axis(measure="r", at=at),
        cols=Axis(measure="m", at=at),
        cells=cells,
        mode="bilinear",
    )
    assert [rates.matrix_factor(grid, r * PCT, c * PCT) for r, c in [(50, 50), (100, 150), (150, 100), (200, 200)]] == [
        F(3, 2),
        5,
        6,
        9,
    ]


def test_a_step_matrix_takes_the_cell_reached_and_both_clamp() -> None:
    step = Matrix(id="x", applies_to=("c",), rows=GRID.rows, cols=GRID.cols, cells=GRID.cells, mode="step")
    at = [(108, 34), (119, 39), (120, 39), (108, 40), (120, 40), (50, 5), (500, 90)]
    assert [rates.matrix_factor(step, r * PCT, c * PCT) * 10 for r, c in at] == [10, 10, 11, 12, 14, 10, 14]
    assert [
        rates.matrix_factor(GRID, r * PCT, c * PCT) * 10 for r, c in [(50, 5), (500, 90), (120, 30), (100, 40)]
    ] == [10, 14, 11, 12]


def test_factors_by_band_and_by_point() -> None:
    bands = (
        FactorBand(to=80 * PCT, factor=500_000),
        FactorBand(to=100 * PCT, factor=1_000_000),
        FactorBand(factor=1_250_000),
    )
    assert [rates.factor_by_band(bands, p * PCT) for p in (79, 80, 99, 100)] == [F("0.5"), 1, 1, F("1.25")]
    points = (FactorPoint(80 * PCT, 800_000), FactorPoint(100 * PCT, 1_000_000))
    assert [rates.factor_by_point(points, p * PCT) for p in (10, 80, 95, 100, 300)] == [
        F("0.8"),
        F("0.8"),
        F("0.95"),
        1,
        1,
    ]


# Zero, none and negative ----------------------------------------------------------------------------------------------


def test_below_zero_the_rate_is_that_of_the_band_that_holds_zero() -> None:
    assert pays(tiered(), -10_000_00) == -800_00
    assert pays(tiered(mode="retroactive"), -10_000_00) == -800_00
    assert pays(Flat(id="c", rate=10 * PCT, gate_at=Point(amount=50_000_00)), -10_000_00) == 0
    assert pays(Flat(id="c", rate=10 * PCT, deductible=Point(amount=50_000_00)), -10_000_00) == 0
    assert pays(CURVE, -10_000_00, target=25_000_00) == 0


def test_zero_quota_pays_the_top_band_nothing_or_is_an_error() -> None:
    assert pays(tiered(zero_quota="full"), 10_000_00, F(0)) == 1_600_00
    assert pays(tiered(zero_quota="none"), 10_000_00, F(0)) == 0
    with pytest.raises(rates.NoQuota):
        pays(tiered(), 10_000_00, F(0))
    with pytest.raises(rates.NoQuota):
        pays(tiered(zero_quota="full"), 10_000_00, None)
    money = (Band(to=Point(amount=50_000_00), rate=8 * PCT), Band(rate=10 * PCT))
    assert pays(tiered(bands=money), 60_000_00, None) == 5_000_00, "bands in money need no quota"


def test_at_a_zero_quota_the_top_is_paid_from_the_first_unit_on() -> None:
    full = rates.earning(tiered(zero_quota="full"), F(0))
    assert isinstance(full, rates.Slabs)
    assert full.reached(1).tier == 2
    curve = Curve(id="c", points=CURVE.points, zero_quota="full")
    assert [pays(curve, s, F(0), 25_000_00) for s in (-1, 0, 1)] == [0, 0, 50_000_00]
    with pytest.raises(rates.NoQuota):
        rates.breakpoint(Point(attainment=100 * PCT), F(0))


def test_the_band_that_holds_zero_reaches_down_whatever_lies_below() -> None:
    bands = (Band(to=Point(amount=0), rate=5 * PCT), Band(rate=8 * PCT))
    assert pays(tiered(bands=bands), -100_00) == -8_00


def test_a_deductible_pays_the_bands_above_it() -> None:
    found = rates.earning(tiered(deductible=Point(amount=50_000_00)), Q)
    assert isinstance(found, rates.Slabs)
    assert [slab.tier for slab in found.slabs] == [0, 1, 2, 3], "the deductible is a band of its own"
    assert found.total(130_000_00) == 4_000_00 + 2_400_00 + 1_600_00
    assert pays(tiered(deductible=Point(amount=100_000_00)), 110_000_00) == 1_200_00


def test_breakpoints_come_from_the_exact_quota_and_are_rounded_once_half_up() -> None:
    quota = F(240_000_00 * 44, 90)
    assert rates.breakpoint(Point(attainment=100 * PCT), quota) == 117_333_33
    assert rates.breakpoint(Point(attainment=50 * PCT), quota) == 58_666_67, "not half of the rounded quota, 58,666.665"
    assert rates.breakpoint(Point(attainment=50 * PCT), F(1)) == 1, "half a cent goes up"


# Invariants (section 6) -----------------------------------------------------------------------------------------------

CENTS = st.integers(-(10**12), 10**12)


@st.composite
def band_lists(draw: st.DrawFn) -> tuple[Band, ...]:
    edges = sorted(draw(st.sets(st.integers(1, 2 * 10**6), max_size=4)))
    paid = [draw(st.integers(0, 300_000)) for _ in range(len(edges) + 1)]
    return (
        *tuple(Band(to=Point(attainment=e), rate=r) for e, r in zip(edges, paid, strict=False)),
        Band(rate=paid[-1]),
    )


@given(band_lists(), st.integers(1, 10**11), CENTS, st.integers(0, 10**9))
def test_marginal_pay_never_falls_and_never_jumps(bands: tuple[Band, ...], quota: int, s: int, more: int) -> None:
    f = rates.earning(tiered(bands=bands), F(quota))
    grown = f.total(s + more) - f.total(s)
    assert 0 <= grown <= F(max(band.rate for band in bands) * more, 1_000_000)


@given(band_lists(), st.integers(1, 10**10), CENTS, st.integers(1, 50))
def test_pay_scales_with_credits_and_quota(bands: tuple[Band, ...], quota: int, s: int, k: int) -> None:
    money = tuple(
        Band(to=None if b.to is None else Point(amount=rates.breakpoint(b.to, F(quota))), rate=b.rate) for b in bands
    )
    larger = tuple(Band(to=None if b.to is None else Point(amount=b.to.amount * k), rate=b.rate) for b in money)  # type: ignore[operator]
    for mode in ("marginal", "retroactive"):
        one, many = (
            rates.earning(tiered(bands=money, mode=mode), None),
            rates.earning(tiered(bands=larger, mode=mode), None),
        )
        assert many.total(s * k) == one.total(s) * k
