"""Sections 1.2, 1.6 to 1.9, 1.12 to 1.14 and 2.5: measures, prizes, draws, holds, clawbacks, currencies, assets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.compensation import capitalize, clawback, contests, draws, exact, holds, measures, pools, spiffs
from salesops.compensation.contests import Entrant
from salesops.compensation.crediting import Credit
from salesops.compensation.plan import (
    Band,
    Capitalize,
    Clawback,
    Contest,
    Days,
    Draw,
    Duration,
    Goal,
    Holdback,
    Milestone,
    Per,
    Point,
    Pool,
    Spiff,
    Tiered,
)  # fmt: skip
from salesops.compensation.rates import earning

PCT = 10_000
YEAR = Duration(365, "days")


def credit(payee: str, deal: str, counted: int = 1_00, n: int = 1) -> Credit:
    return Credit(payee, "primary", deal, "1", date(2026, 4, n), None, counted, counted=counted, paid=counted)


# 1.2 Measures ---------------------------------------------------------------------------------------------------------


def test_measures() -> None:
    assert measures.annual_value(90_000_00, 30) == 36_000_00
    assert measures.margin([(250, 84_00, 61_50)]) == 5_625_00
    assert (measures.margin([(1, 50, 80)]), measures.margin([(1, 50, 80)], floor_at_zero=True)) == (-30, 0)
    assert measures.recurring_change(500, 200, 50, 100) == 550
    goals = (
        Goal(id="hiring", weight=40 * PCT),
        Goal(id="forecast", weight=30 * PCT),
        Goal(id="churn", weight=30 * PCT),
    )
    reached = measures.mbo_share(goals, {"hiring": 100 * PCT, "forecast": 50 * PCT, "churn": 80 * PCT})
    assert reached == F("0.40") + F("0.15") + F("0.24") == F("0.79")
    assert 5_000_00 * reached == 3_950_00
    assert measures.mbo_share(goals, {"hiring": 150 * PCT, "forecast": -10 * PCT}) == F("0.4"), (
        "each goal lies between 0 and the cap"
    )
    assert measures.mbo_share(goals, {"hiring": 150 * PCT}, 120 * PCT) == F("0.48")


# 1.6 SPIFFs, contests, pools ------------------------------------------------------------------------------------------

EDGE = {"id": "s", "pay": 500_00, "during": Days(date(2026, 4, 1), date(2026, 7, 1))}


def test_a_spiff_stops_at_the_payee_cap_and_then_at_the_budget() -> None:
    capped = Spiff(**EDGE, payee_cap=5_000_00)  # type: ignore[arg-type]
    fourteen = [credit("ada", f"D{n:02}", n=n + 1) for n in range(14)]
    got = spiffs.awards(capped, fourteen)
    assert (sum(one.computed for one in got), sum(one.cents for one in got)) == (7_000_00, 5_000_00)
    units = Spiff(**(EDGE | {"per": "unit"}))  # type: ignore[arg-type]
    assert spiffs.awards(units, [credit("ada", "D", 14)])[0].cents == 7_000_00
    everybody = [credit(f"p{n % 5}", f"D{n:02}") for n in range(75)]
    prorated = spiffs.awards(Spiff(**EDGE, budget=30_000_00, on_exhaust="prorate"), everybody)  # type: ignore[arg-type]
    assert {one.cents for one in prorated} == {400_00}, "37,500 were computed: factor 0.8"
    first = spiffs.awards(Spiff(**EDGE, budget=30_250_00), everybody)  # type: ignore[arg-type]
    assert [one.cents for one in first][-16:] == [500_00, 250_00] + [0] * 14, "the award that crosses is paid in part"


def test_a_cancelled_deal_takes_its_spiff_back() -> None:
    got = spiffs.awards(Spiff(**EDGE), [credit("ada", "D"), credit("ada", "D", -1_00, n=9)])  # type: ignore[arg-type]
    assert [one.cents for one in got] == [500_00, -500_00]


def test_a_deal_of_several_lines_is_awarded_once_and_a_budget_follows_what_is_taken_back() -> None:
    second = replace(credit("ada", "D", n=2), line="2")
    nothing = credit("bo", "E", 0)
    assert [one.cents for one in spiffs.awards(Spiff(**EDGE), [credit("ada", "D"), second, nothing])] == [500_00]  # type: ignore[arg-type]
    taken_back = [credit("ada", "D"), credit("bo", "E", n=2), credit("bo", "E", -1_00, n=3)]
    for how, expected in (("first_come", [500_00, 100_00, -100_00]), ("prorate", [500_00, 500_00, -500_00])):
        got = spiffs.awards(Spiff(**EDGE, budget=600_00, on_exhaust=how), taken_back)  # type: ignore[arg-type]
        assert [one.cents for one in got] == expected


def test_a_prorated_budget_is_spent_whole_beside_what_was_taken_back() -> None:
    deals = [*(credit("ada", f"D{n}", n=n) for n in (1, 2, 3)), credit("ada", "D3", -1_00, n=4)]
    got = [one.cents for one in spiffs.awards(Spiff(**EDGE, budget=600_00, on_exhaust="prorate"), deals)]  # type: ignore[arg-type]
    assert (sum(got), got[-1]) == (600_00, -500_00)


def podium(ties: str, *values: int, **fields: object) -> dict[str, int]:
    contest = Contest(id="c", rank_by="m", prizes=(5_000_00, 3_000_00, 1_000_00), ties=ties, **fields)  # type: ignore[arg-type]
    entrants = [
        Entrant(name, value, reached_on=date(2026, 5, 9 - n), deals=n)
        for n, (name, value) in enumerate(zip("abcd", values, strict=False))
    ]
    return {award.payee: award.cents for award in contests.awards(contest, entrants)}


def test_tied_prizes_are_pooled_dense_or_broken() -> None:
    assert podium("pool", 90, 90, 70) == {"a": 4_000_00, "b": 4_000_00, "c": 1_000_00}
    assert podium("dense", 90, 90, 70) == {"a": 5_000_00, "b": 5_000_00, "c": 3_000_00}
    assert podium("tie_break", 90, 90, 70, tie_break=("earliest_to_reach",)) == {
        "b": 5_000_00,
        "a": 3_000_00,
        "c": 1_000_00,
    }
    assert podium("pool", 9, 8, 7, 6) == {"a": 5_000_00, "b": 3_000_00, "c": 1_000_00, "d": 0}
    assert sum(podium("pool", 9, 7, 7, 7).values()) == 9_000_00, "pooling never changes what is spent"


def test_ties_are_broken_in_the_order_that_is_named() -> None:
    early_few, late_many = (
        Entrant("a", 9, reached_on=date(2026, 5, 1), deals=1),
        Entrant("b", 9, reached_on=date(2026, 5, 2), deals=7),
    )
    for rules, first in ((("earliest_to_reach", "deals"), "a"), (("deals", "earliest_to_reach"), "b")):
        contest = Contest(id="c", rank_by="m", prizes=(5_000_00,), ties="tie_break", tie_break=rules)  # type: ignore[arg-type]
        assert contests.awards(contest, [late_many, early_few])[0].payee == first
    assert podium("dense", 9, 8, 7, 6) == {"a": 5_000_00, "b": 3_000_00, "c": 1_000_00, "d": 0}


def test_who_does_not_qualify_is_not_ranked() -> None:
    contest = Contest(id="c", rank_by="m", prizes=(5_000_00,), within="region")
    entrants = [Entrant("a", 90, qualifies=False, group="N"), Entrant("b", 80, group="N"), Entrant("c", 10, group="S")]
    assert [(one.payee, one.rank, one.cents) for one in contests.awards(contest, entrants)] == [
        ("b", 1, 5_000_00),
        ("c", 1, 5_000_00),
    ]


def test_a_pool_is_divided_to_the_cent() -> None:
    amount = pools.fund(Pool(id="p", share_of=2 * PCT), 400_000_00)
    assert amount == 8_000_00
    got = pools.shares(amount, {"ada": 92, "bo": 92, "cy": 23})
    assert got == {"ada": 3_555_56, "bo": 3_555_55, "cy": 888_89}
    assert sum(got.values()) == 8_000_00, "rounding each alone would give 8,000.01"
    assert pools.fund(Pool(id="p", share_of=2 * PCT), -5) == 0
    assert pools.shares(8_000_00, {"ada": 0}) == {"ada": 0}


# 1.7 Draws ------------------------------------------------------------------------------------------------------------

EARNINGS = [1_000_00, 2_500_00, 6_000_00, 3_000_00, 9_000_00, 5_000_00]
MONTHLY = Per(4_000_00, "month")


def drawn(draw: Draw, earnings: list[int] = EARNINGS) -> list[draws.DrawMove]:
    return draws.run(draw, [draws.DrawPeriod(e, 4_000_00) for e in earnings])


def test_a_recoverable_guarantee_lifts_pay_and_takes_it_back_down_to_the_draw() -> None:
    got = drawn(Draw(amount=MONTHLY))
    assert [m.pay for m in got] == [4_000_00, 4_000_00, 4_000_00, 4_000_00, 5_500_00, 5_000_00]
    assert [m.closing for m in got] == [3_000_00, 4_500_00, 2_500_00, 3_500_00, 0, 0]
    assert sum(m.pay for m in got) == sum(EARNINGS) == 26_500_00


def test_a_guarantee_that_is_not_recovered_is_a_subsidy() -> None:
    got = drawn(Draw(amount=MONTHLY, recoverable=False))
    assert [m.pay for m in got] == [4_000_00, 4_000_00, 6_000_00, 4_000_00, 9_000_00, 5_000_00]
    assert (sum(m.pay for m in got), sum(m.subsidy for m in got)) == (32_000_00, 5_500_00)


def test_additive_draws_are_paid_on_top() -> None:
    kept = drawn(Draw(amount=MONTHLY, recoverable=False, pays="additive"))
    assert [m.pay for m in kept] == [e + 4_000_00 for e in EARNINGS]
    repaid = drawn(Draw(amount=MONTHLY, pays="additive", recover="down_to_zero"), [1_000_00, 6_000_00])
    assert [(m.opening, m.advance, m.recovered, m.closing, m.pay) for m in repaid] == [
        (0, 4_000_00, 0, 4_000_00, 5_000_00),
        (4_000_00, 4_000_00, 4_000_00, 4_000_00, 6_000_00),
    ]


def test_ways_to_recover_and_to_end() -> None:
    half = drawn(Draw(amount=MONTHLY, recover="percent", percent=50 * PCT), [1_000_00, 6_000_00])
    assert (half[1].recovered, half[1].pay) == (1_000_00, 5_000_00), "half of the 2,000 above the draw"
    zero = drawn(Draw(amount=MONTHLY, recover="down_to_zero"), [1_000_00, 4_500_00])
    assert (zero[1].recovered, zero[1].pay) == (3_000_00, 1_500_00), "pay may fall below the draw"
    below = drawn(Draw(amount=MONTHLY, recover="down_to_zero"), [1_000_00, 2_000_00, 4_000_00])
    assert [(m.recovered, m.pay) for m in below] == [(0, 4_000_00), (0, 4_000_00), (4_000_00, 0)], (
        "from the draw on, all of it"
    )
    third = drawn(Draw(amount=MONTHLY, pays="additive", recover="percent", percent=25 * PCT), [0, 2_000_00])
    assert (third[1].recovered, third[1].pay) == (500_00, 5_500_00), "a quarter of all earnings"
    limited = drawn(Draw(amount=MONTHLY, max_balance=4_000_00), [1_000_00, 2_500_00])
    assert [(m.advance, m.pay) for m in limited] == [(3_000_00, 4_000_00), (1_000_00, 3_500_00)]
    ends = draws.DrawPeriod(1_000_00, 4_000_00, year_end=True)
    assert draws.move(Draw(amount=MONTHLY, expires="fiscal_year_end"), 500_00, ends).forgiven == 3_500_00
    assert draws.move(Draw(amount=MONTHLY), 500_00, ends).closing == 3_500_00, (
        "without expires the year's end forgives nothing"
    )
    leaves = draws.DrawPeriod(9_000_00, 4_000_00, advances=False, terminated=True)
    gone = draws.move(Draw(amount=MONTHLY), 12_000_00, leaves)
    assert (gone.recovered, gone.pay, gone.owed, gone.closing) == (9_000_00, 0, 3_000_00, 0)
    assert draws.move(Draw(amount=MONTHLY, on_termination="forgive"), 12_000_00, leaves).forgiven == 7_000_00


@given(
    st.lists(st.integers(0, 10**7), max_size=24), st.sampled_from(("down_to_draw", "percent")), st.integers(0, 10**6)
)
def test_what_is_paid_is_what_is_earned_and_owed(earnings: list[int], recover: str, percent: int) -> None:
    got = drawn(Draw(amount=MONTHLY, recover=recover, percent=percent), earnings)  # type: ignore[arg-type]
    assert all(m.pay >= 4_000_00 and m.closing >= 0 for m in got)
    assert sum(m.pay for m in got) == sum(earnings) + (got[-1].closing if got else 0)


# 1.8 Holds ------------------------------------------------------------------------------------------------------------


def test_half_is_held_until_the_cash_is_in() -> None:
    hold = Holdback(milestones=(Milestone(on="booking", share=50 * PCT), Milestone(on="cash", share=50 * PCT)))
    today = date(2026, 5, 1)
    at = [
        holds.released(hold, 10_000_00, holds.Progress({}, 80_000_00, cash), today)
        for cash in (0, 40_000_00, 80_000_00, 99_000_00)
    ]
    assert at == [5_000_00, 7_500_00, 10_000_00, 10_000_00]
    assert holds.released(hold, 10_000_00, holds.Progress({}), today) == 5_000_00, "nothing is invoiced yet"
    assert holds.released(hold, -10_000_00, holds.Progress({}), today) == -10_000_00, "a negative posts whole"


def test_milestones_release_cumulative_cents() -> None:
    hold = Holdback(
        milestones=(
            Milestone(on="booking", share=40 * PCT),
            Milestone(on="go_live", share=30 * PCT),
            Milestone(on="cash", share=30 * PCT),
        )
    )
    live = {"go_live": date(2026, 5, 2)}
    steps = [({}, 0, 1), (live, 0, 1), (live, 0, 2), (live, 1_00, 2)]
    got = [
        holds.released(hold, 33_33, holds.Progress(reached, 1_00, cash), date(2026, 5, day))
        for reached, cash, day in steps
    ]
    assert got == [13_33, 13_33, 23_33, 33_33]


# 1.9 Clawbacks --------------------------------------------------------------------------------------------------------

BANDS = (
    Band(to=Point(attainment=100 * PCT), rate=8 * PCT),
    Band(to=Point(attainment=120 * PCT), rate=12 * PCT),
    Band(rate=16 * PCT),
)


def claw(method: str, **fields: object) -> Clawback:
    return Clawback(on=("cancelled", "churned"), within=YEAR, method=method, **fields)  # type: ignore[arg-type]


def test_a_clawback_at_the_paid_rate_or_by_recomputing() -> None:
    f = earning(Tiered(id="c", bands=BANDS), F(100_000_00))
    deals = [credit("ada", "D1", 70_000_00, 1), credit("ada", "D2", 40_000_00, 2), credit("ada", "D3", 20_000_00, 3)]
    less = clawback.without_deal(f, deals, "D1")
    start = date(2026, 4, 1)
    assert clawback.amount(claw("at_paid_rate"), 5_600_00, start, start) == 5_600_00
    assert clawback.amount(claw("recompute"), 5_600_00, start, start, less) == 12_000_00 - 4_800_00 == 7_200_00


def test_a_clawback_pro_rata_of_the_days_left() -> None:
    sold = date(2026, 1, 1)
    churned = date(2026, 5, 1)  # day 120
    assert clawback.amount(claw("pro_rata"), 3_600_00, sold, churned) == 2_416_44
    assert clawback.amount(claw("pro_rata", full_within=Duration(121, "days")), 3_600_00, sold, churned) == 3_600_00
    assert clawback.amount(claw("pro_rata", full_within=Duration(120, "days")), 3_600_00, sold, churned) == 2_416_44


def test_day_n_is_outside_the_window() -> None:
    sold = date(2026, 1, 1)
    days = [date(2025, 12, 31), sold, date(2026, 12, 31), date(2027, 1, 1)]
    assert [clawback.applies(claw("pro_rata"), "churned", sold, day) for day in days] == [False, True, True, False]
    assert not clawback.applies(claw("pro_rata"), "returned", sold, sold)
    assert [clawback.offset(7_200_00, payable, 50 * PCT) for payable in (10_000_01, 0, -5)] == [5_000_00, 0, 0]


# 1.12, 1.13 Currencies and rounding -----------------------------------------------------------------------------------


def test_three_rates_are_kept_apart() -> None:
    euros = 50_000 * 10_000
    budget, record, pay = 11_000_000_000, 10_850_000_000, 7_900_000_000
    assert measures.to_plan_cents(euros, "USD", (budget,)) == 55_000_00
    assert measures.to_plan_cents(euros, "USD", (record,)) == 54_250_00
    assert measures.to_pay_cents(54_250_00, "USD", "GBP", (pay,)) == 42_857_50
    assert measures.to_pay_cents(10_005, "USD", "JPY", (1_500_000_000_000,)) == 15_008, "whole yen, half up"


def test_rounding_happens_once_and_pennies_go_to_the_largest_remainders() -> None:
    each = F(100_30 * 5, 100)
    assert each == F("501.5")
    assert [exact.rounded(each) * 3, exact.rounded(each * 3), exact.rounded(each * 3, "half_even")] == [
        15_06,
        15_05,
        15_04,
    ]
    assert exact.pennies([each] * 3, 15_05) == [5_02, 5_02, 5_01]
    assert exact.pennies([-each] * 3, -15_05) == [-5_02, -5_02, -5_01]
    assert exact.pennies([each, each, -each], 5_02) == [5_02, 5_01, -5_01], "each sign for itself"


@given(st.lists(st.fractions(-1000, 1000, max_denominator=60), max_size=12), st.sampled_from((0, 1)))
def test_pennies_sum_to_the_total_each_within_a_cent(amounts: list[F], more: int) -> None:
    whole = sum(amounts, F(0))
    total = whole.__floor__() if more == 0 else whole.__ceil__()
    got = exact.pennies(amounts, total)
    assert sum(got) == total
    assert all(abs(part - amount) < 1 for part, amount in zip(got, amounts, strict=True))


# 1.14 Accruals --------------------------------------------------------------------------------------------------------


def test_accrual_at_the_effective_rate() -> None:
    annual = earning(Tiered(id="c", bands=(Band(to=Point(amount=400_000_00), rate=8 * PCT), Band(rate=12 * PCT))), None)
    cost = annual.total(480_000_00)
    assert cost == 41_600_00
    assert exact.rounded(measures.effective_rate(cost, 480_000_00) * 10**6) == 86_667, "8.6667 %"
    assert annual.total(110_000_00) == 8_800_00
    assert measures.accrual(8_800_00, 110_000_00, cost, 480_000_00) == (9_533_33, 733_33)


# 2.5 Contract cost assets ---------------------------------------------------------------------------------------------

RULE = Capitalize(benefit_period=Duration(5, "years"), fringe=76_500)
START = date(2026, 2, 15)


def test_a_commission_becomes_an_asset_with_its_payroll_tax() -> None:
    one = capitalize.asset(RULE, 12_000_00, START)
    assert (one.fringe, one.cost, one.end, (one.end - one.start).days) == (918_00, 12_918_00, date(2031, 2, 15), 1826)


@pytest.mark.parametrize(
    ("method", "months", "years"),
    [
        (
            "daily",
            [99_04, 219_31, 212_24],
            {2026: 2_263_83, 2027: 2_582_19, 2028: 2_589_26, 2029: 2_582_18, 2030: 2_582_19, 2031: 318_35},
        ),
        (
            "whole_month",
            [215_30] * 3,
            {2026: 2_368_30, 2027: 2_583_60, 2028: 2_583_60, 2029: 2_583_60, 2030: 2_583_60, 2031: 215_30},
        ),
    ],
)
def test_the_schedule_never_drifts_and_ends_at_zero(method: str, months: list[int], years: dict[int, int]) -> None:
    rule = Capitalize(benefit_period=RULE.benefit_period, fringe=RULE.fringe, method=method)  # type: ignore[arg-type]
    rows = capitalize.schedule(capitalize.asset(rule, 12_000_00, START))
    assert [row.amortised for row in rows[:3]] == months
    assert capitalize.by_year(rows) == years
    assert sum(years.values()) == 12_918_00
    assert rows[-1].closing == 0
    assert len(rows) == (61 if method == "daily" else 60)


def test_churn_writes_off_what_is_left() -> None:
    one = capitalize.asset(RULE, 12_000_00, START)
    churned = date(2028, 2, 15)
    assert capitalize.write_off(one, churned) == (5_164_37, 7_753_63, 7_753_63)
    assert capitalize.write_off(one, churned, 2_416_44)[2] == 7_753_63 - 2_416_44
    rows = capitalize.schedule(one, churned)
    assert (sum(row.amortised for row in rows), rows[-1].written_off, rows[-1].closing) == (5_164_37, 7_753_63, 0)


def test_churn_on_the_first_of_a_month_belongs_to_that_month() -> None:
    rows = capitalize.schedule(capitalize.asset(RULE, 12_000_00, START), date(2026, 3, 1))
    assert [(row.amortised, row.written_off) for row in rows] == [(99_04, 0), (0, 12_918_00 - 99_04)]


def test_a_short_renewal_is_expensed_and_reports_tie() -> None:
    renewal = capitalize.asset(RULE, 1_200_00, START, Duration(12, "months"))
    assert renewal.expensed
    assert [capitalize.amortised(renewal, day) for day in (START, date(2026, 2, 16))] == [0, renewal.cost]
    monthly = capitalize.asset(replace(RULE, method="whole_month"), 12_000_00, START)
    assert [capitalize.amortised(monthly, day) for day in (START, date(2026, 2, 16), date(2026, 3, 1))] == [
        0,
        215_30,
        215_30,
    ]
    one = capitalize.asset(RULE, 12_000_00, START)
    rows = capitalize.schedule(one)
    year = capitalize.roll_forward([rows], date(2027, 1, 1), date(2027, 12, 1))
    assert (year.opening, year.amortised, year.closing) == (
        12_918_00 - 2_263_83,
        2_582_19,
        12_918_00 - 2_263_83 - 2_582_19,
    )
    assert capitalize.current_part(one, date(2026, 12, 31)) == (2_582_19, 12_918_00 - 2_263_83 - 2_582_19)
    assert [capitalize.impairment(5_000_00, left, 1_000_00) for left in (9_000_00, 5_500_00, 0)] == [
        0,
        500_00,
        5_000_00,
    ]
