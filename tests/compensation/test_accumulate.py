"""Sections 1.4, 1.5, 1.11 and 1.13 of the design: lines of deals, periods that accumulate, corrections of the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction as F
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from salesops.compensation import accumulate, ppa
from salesops.compensation.accumulate import Step, credit_lines, window_pay
from salesops.compensation.crediting import Credit
from salesops.compensation.exact import rounded
from salesops.compensation.plan import Band, Curve, CurvePoint, Flat, Point, Tiered
from salesops.compensation.rates import earning

PCT = 10_000
Q = F(100_000_00)
COMMON = (
    Band(to=Point(attainment=100 * PCT), rate=8 * PCT),
    Band(to=Point(attainment=120 * PCT), rate=12 * PCT),
    Band(rate=16 * PCT),
)
TWO = (Band(to=Point(attainment=100 * PCT), rate=8 * PCT), Band(rate=12 * PCT))


def credits(*amounts: int, month: int = 1, first: int = 1) -> tuple[Credit, ...]:
    return tuple(
        Credit(
            "ada", "primary", f"D{n}", "1", date(2026, month, 1) + timedelta(days=n - first), None, a, counted=a, paid=a
        )
        for n, a in enumerate(amounts, first)
    )


def tiered(bands: tuple[Band, ...] = COMMON, quota: F | None = Q, **fields: Any) -> Any:
    return earning(Tiered(id="c", bands=bands, **fields), quota)


def shown(lines: Any) -> list[tuple[str, str, int | None, int]]:
    return [(one.deal, one.kind, None if one.rate is None else one.rate // PCT, one.raw // 1_000_000) for one in lines]


def test_deals_fill_bands_in_their_order() -> None:
    lines = credit_lines(tiered(), credits(70_000_00, 40_000_00, 20_000_00))
    assert shown(lines) == [
        ("D1", "own", 8, 5_600_00),
        ("D2", "own", 8, 2_400_00), ("D2", "own", 12, 1_200_00),
        ("D3", "own", 12, 1_200_00), ("D3", "own", 16, 1_600_00),
    ]  # fmt: skip
    by_deal = [sum(one.raw for one in lines if one.deal == d) // 1_000_000 for d in ("D1", "D2", "D3")]
    assert by_deal == [5_600_00, 3_600_00, 2_800_00]
    assert sum(by_deal) == 12_000_00


def test_a_retroactive_plan_trues_earlier_deals_up_in_lines_of_their_own() -> None:
    lines = credit_lines(tiered(mode="retroactive"), credits(70_000_00, 40_000_00, 20_000_00))
    assert shown(lines) == [
        ("D1", "own", 8, 5_600_00),
        ("D1", "true_up", 4, 2_800_00), ("D2", "own", 12, 4_800_00),
        ("D1", "true_up", 4, 2_800_00), ("D2", "true_up", 4, 1_600_00), ("D3", "own", 16, 3_200_00),
    ]  # fmt: skip
    assert [one.cause for one in lines] == ["", "D2/1", "", "D3/1", "D3/1", ""]
    assert sum(one.raw for one in lines) == 20_800_00 * 1_000_000


def test_a_gate_opens_for_earlier_deals_and_closes_again() -> None:
    gate = earning(Flat(id="c", rate=10 * PCT, gate_at=Point(amount=50_000_00)), None)
    lines = credit_lines(gate, credits(45_000_00, 35_000_00, -40_000_00))
    assert shown(lines) == [
        ("D1", "true_up", 10, 4_500_00), ("D2", "own", 10, 3_500_00),
        ("D1", "reversal", 10, -4_500_00), ("D2", "reversal", 10, -3_500_00),
    ]  # fmt: skip


def test_a_curve_is_attributed_by_differences() -> None:
    curve = earning(Curve(id="c", points=(CurvePoint(50 * PCT, 0), CurvePoint(100 * PCT, 100 * PCT))), Q, F(25_000_00))
    assert shown(credit_lines(curve, credits(60_000_00, 30_000_00))) == [
        ("D1", "own", None, 5_000_00),
        ("D2", "own", None, 15_000_00),
    ]


def test_a_credit_of_nothing_pays_nothing_and_a_curve_may_pay_before_anything_is_sold() -> None:
    curve = earning(Curve(id="c", points=(CurvePoint(0, 20 * PCT), CurvePoint(100 * PCT, 100 * PCT))), Q, F(25_000_00))
    lines = credit_lines(curve, credits(0, 50_000_00))
    assert shown(lines) == [("(none)", "own", None, 5_000_00), ("D1", "own", None, 0), ("D2", "own", None, 10_000_00)]
    (replaced,) = credit_lines(tiered(), [replace(credits(10_000_00)[0], paid=0)])
    assert (replaced.base, replaced.raw) == (0, 0)
    assert [one.computed for one in window_pay([Step("Q1", curve, ())])] == [5_000_00]


def test_a_windfall_that_only_spares_the_quota_pays_on_the_full_amount() -> None:
    (big,) = credits(1_000_000_00)
    lines = credit_lines(tiered(quota=F(400_000_00)), [replace(big, counted=437_500_00)])
    assert [(one.rate, one.base) for one in lines] == [(80_000, 914_285_71), (120_000, 85_714_29)], (
        "400,000 : 37,500 of the full million"
    )


# Periods --------------------------------------------------------------------------------------------------------------


def pay(*steps: Step) -> list[int]:
    return [one.computed for one in window_pay(steps)]


def test_each_period_alone() -> None:
    assert pay(Step("Q1", tiered(TWO), credits(150_000_00))) == [14_000_00]
    assert pay(Step("Q2", tiered(TWO), credits(60_000_00))) == [4_800_00]


def quarters(second: int) -> tuple[Step, Step]:
    return (
        Step("Q1", tiered(TWO), credits(150_000_00)),
        Step("Q2", tiered(TWO, quota=2 * Q), credits(second, month=4, first=2)),
    )


def test_year_to_date_moves_the_breakpoints_and_trues_up_earlier_deals() -> None:
    first, second = window_pay(quarters(60_000_00))
    assert (first.computed, second.computed, second.exact) == (14_000_00, 3_200_00, 17_200_00)
    assert shown(second.lines) == [
        ("D1", "true_up", 8, 4_000_00), ("D1", "true_up", 12, -6_000_00), ("D2", "own", 8, 4_000_00), ("D2", "own", 12, 1_200_00),
    ]  # fmt: skip
    assert sum(one.cents for one in second.lines) == 3_200_00


def test_a_year_to_date_may_come_out_below_zero() -> None:
    assert pay(*quarters(20_000_00)) == [14_000_00, -400_00]


def test_an_annual_true_up_only_lifts_or_goes_both_ways() -> None:
    year = tiered(TWO, quota=4 * Q).total(450_000_00)
    assert year == 32_000_00 + 6_000_00
    assert accumulate.true_up(year, 36_000_00, lift_only=True) == 2_000_00
    assert accumulate.true_up(year, 39_000_00, lift_only=True) == 0
    assert accumulate.true_up(year, 39_000_00, lift_only=False) == -1_000_00


def test_rolling_windows_sum_the_last_periods() -> None:
    assert accumulate.rolling([10, 20, 30, 40], 3) == [10, 30, 60, 90]


def test_year_to_date_rounds_what_is_paid_to_date_never_a_period_alone() -> None:
    monthly = [
        Step(f"M{m}", earning(Flat(id="c", rate=5 * PCT), None), credits(100_30, month=m, first=m)) for m in (1, 2, 3)
    ]
    assert pay(*monthly) == [5_02, 5_01, 5_02], "5.015 each: to date 5.015, 10.03, 15.045"


def test_a_factor_applies_to_the_period_that_it_belongs_to() -> None:
    f = tiered(TWO)
    got = pay(
        Step("Q1", f, credits(50_000_00), F("1.5")), Step("Q2", f, credits(50_000_00, month=4, first=2), F("0.5"))
    )
    assert got == [6_000_00, 2_000_00]
    base = pay(Step("Q1", f, credits(150_000_00), F("1.2"), on_base=True))
    assert base == [14_000_00 + 2_400_00], "20 % of 150,000 at the base rate of 8 %"


def test_a_linked_gate_pays_all_to_date_once_it_opens() -> None:
    f = tiered(TWO)
    steps = [Step("Q1", f, credits(50_000_00), is_open=False), Step("Q2", f, credits(10_000_00, month=4, first=2)),
             Step("Q3", f, (), is_open=False)]  # fmt: skip
    got = window_pay(steps)
    assert [one.computed for one in got] == [0, 4_800_00, -4_800_00]
    assert [sum(line.cents for line in one.lines) for one in got] == [0, 4_800_00, -4_800_00]


def test_a_plan_that_carries_pays_only_what_is_above() -> None:
    flat = earning(Flat(id="c", rate=10 * PCT), None)
    assert pay(
        Step("Q1", tiered((Band(to=Point(amount=100_000_00), rate=8 * PCT), Band(rate=12 * PCT))), credits(80_000_00))
    ) == [6_400_00]
    (after,) = window_pay([Step("Q1", flat, credits(50_000_00))], start=80_000_00)
    assert (after.before, after.after, after.computed) == (80_000_00, 130_000_00, 5_000_00)
    retro = earning(
        Tiered(
            id="c", mode="retroactive", bands=(Band(to=Point(amount=100_000_00), rate=8 * PCT), Band(rate=12 * PCT))
        ),
        None,
    )
    (jump,) = window_pay([Step("Q1", retro, credits(50_000_00))], start=80_000_00)
    assert jump.computed == 130_000_00 * 12 // 100 - 80_000_00 * 8 // 100


# 1.11 Prior-period adjustment -----------------------------------------------------------------------------------------


def result(a: int, b: int) -> dict[ppa.Key, int]:
    found = {}
    for payee, base in (("ada", a), ("bo", b)):
        (one,) = window_pay([Step("2026-Q1", tiered(), credits(base))])
        found[ppa.Key(payee, "c", "2026-Q1", "D1")] = one.computed
    return found


def test_a_corrected_split_posts_differences_in_the_open_period_and_only_once() -> None:
    posted = result(130_000_00, 80_000_00)
    corrected = result(118_000_00, 92_000_00)
    new = ppa.deltas(corrected, posted, "2026-Q2")
    assert [(d.key.payee, d.before, d.after, d.cents, d.type) for d in new] == [
        ("ada", 12_000_00, 10_160_00, -1_840_00, "PPA"),
        ("bo", 6_400_00, 7_360_00, 960_00, "PPA"),
    ]
    assert sum(d.cents for d in new) == -880_00, "the credits net to zero, the pay does not"
    assert ppa.deltas(corrected, ppa.after(posted, new), "2026-Q2") == []
    assert [d.type for d in ppa.deltas(posted, {}, "2026-Q1")] == ["EARN", "EARN"]


# Invariants (section 6) -----------------------------------------------------------------------------------------------

AMOUNTS = st.lists(st.integers(-(10**8), 10**8), max_size=8)
QUOTAS = st.integers(1, 10**8)
MODES = st.sampled_from(("marginal", "retroactive"))


@given(AMOUNTS, QUOTAS, MODES, st.one_of(st.none(), st.integers(0, 10**8)), st.randoms())
def test_lines_sum_to_f_for_any_order_of_deals(
    amounts: list[int], quota: int, mode: str, gate: int | None, shuffle: Any
) -> None:
    point = None if gate is None else Point(amount=gate)
    f = tiered(mode=mode, quota=F(quota), gate_at=point)
    for _ in range(2):
        assert sum(line.raw for line in credit_lines(f, credits(*amounts))) == f.raw(sum(amounts))
        shuffle.shuffle(amounts)


@given(
    st.lists(AMOUNTS, min_size=1, max_size=5),
    st.lists(QUOTAS, min_size=5, max_size=5),
    MODES,
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_periods_sum_to_the_rounded_year_and_lines_to_periods(
    months: list[list[int]], quotas: list[int], mode: str, gates: list[bool]
) -> None:
    first, steps = 1, []
    for n, amounts in enumerate(months):
        steps.append(
            Step(
                str(n),
                tiered(mode=mode, quota=F(quotas[n])),
                credits(*amounts, month=n + 1, first=first),
                is_open=gates[n],
            )
        )
        first += len(amounts)
    got = window_pay(steps)
    whole = steps[-1].earning.total(sum(sum(amounts) for amounts in months)) if gates[len(months) - 1] else 0
    assert sum(one.computed for one in got) == rounded(whole)
    assert all(sum(line.cents for line in one.lines) == one.computed for one in got)


@given(AMOUNTS, st.integers(1, 10**8), QUOTAS, MODES)
def test_adding_and_cancelling_a_deal_changes_nothing(amounts: list[int], deal: int, quota: int, mode: str) -> None:
    f = tiered(mode=mode, quota=F(quota))
    without = window_pay([Step("1", f, credits(*amounts))])
    with_it = window_pay(
        [Step("1", f, credits(*amounts, deal)), Step("2", f, credits(-deal, month=2, first=len(amounts) + 1))]
    )
    assert sum(one.computed for one in with_it) == without[0].computed


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(-100, 100)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(-100, 100)),
)
def test_posting_closes_and_is_idempotent(result: dict[str, int], posted: dict[str, int]) -> None:
    now, was = ({ppa.Key("p", "c", "1", deal): cents for deal, cents in one.items()} for one in (result, posted))
    new = ppa.deltas(now, was, "2")
    assert {k: v for k, v in ppa.after(was, new).items() if v} == {k: v for k, v in now.items() if v}
    assert ppa.deltas(now, ppa.after(was, new), "2") == []
