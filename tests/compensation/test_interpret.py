"""One payee under a whole plan: windows, links, caps, clawbacks, holds, carry. Figures of sections 1.3 to 1.11 and 1.15."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction as F

from tests.compensation.people import (
    COMMON,
    PCT,
    cents,
    payable,
    payee,
    plan,
    sales,
    settled,
    tiered,
    worked,
    yearly,
)

from salesops.compensation.facts import Event, RatioPart
from salesops.compensation.ledger import balances
from salesops.compensation.plan import (
    Axis,
    Cap,
    Clawback,
    Curve,
    CurvePoint,
    Days,
    Draw,
    Duration,
    Flat,
    Gate,
    GateComponent,
    Goal,
    Holdback,
    Matrix,
    Mbo,
    Measure,
    Milestone,
    Multiplier,
    OfTarget,
    Per,
    Quota,
    Ratio,
    Rounding,
    Salary,
    Target,
    TrueUp,
    Windfall,
)

DAYS_365 = Duration(365, "days")


# Windows --------------------------------------------------------------------------------------------------------------

TWO_QUARTERS = sales((150_000_00, "2026-01-10"), (60_000_00, "2026-04-10"))
YTD = tiered(accumulate="ytd")


def test_discrete_quarters_and_year_to_date() -> None:
    assert cents(worked(plan(), payee(TWO_QUARTERS), "2026-06-30")) == [14_000_00, 4_800_00]
    assert cents(worked(plan(YTD), payee(TWO_QUARTERS), "2026-06-30")) == [14_000_00, 3_200_00]


def negative(policy: str) -> list[int]:
    deals = sales((150_000_00, "2026-01-10"), (20_000_00, "2026-04-10"), (30_000_00, "2026-07-10"))
    one = plan(tiered(accumulate="ytd", negative=policy), Flat(id="other", measure="m", rate=1 * PCT))
    return payable(settled(one, payee(deals), "2026-09-30"))


def test_a_negative_period_is_recovered_carried_or_forgiven() -> None:
    """Q1 14,000; Q2 F(170,000) = 13,600, so -400; Q3 F(200,000) = 16,000, so 2,400. Beside it 1 % of the quarter's sales."""
    assert negative("recover") == [15_500_00, 0, 2_500_00], "the 200 of Q2 are taken, 200 are carried"
    assert negative("carry_negative") == [15_500_00, 200_00, 2_300_00], "carried whole"
    assert negative("floor_zero") == [15_500_00, 200_00, 2_700_00]


def test_a_forgiven_quarter_is_posted_twice_and_the_year_shows_it() -> None:
    """1.15 (6): Q2 posts -400 and +400; Q3 with F(250,000) = 20,000 pays 6,400; the year 20,400."""
    deals = sales((150_000_00, "2026-01-10"), (20_000_00, "2026-04-10"), (80_000_00, "2026-07-10"))
    one, who = plan(tiered(accumulate="ytd", negative="floor_zero")), payee(deals)
    assert cents(worked(one, who, "2026-09-30")) == [14_000_00, -400_00, 6_400_00]
    found = settled(one, who, "2026-09-30")
    assert payable(found) == [14_000_00, 0, 6_400_00]
    entries = [entry for settlement in found.settlements.values() for entry in settlement.entries]
    assert balances(entries)["ada"]["forgiven"] == -400_00


def test_an_annual_true_up_lifts() -> None:
    deals = sales(
        (150_000_00, "2026-01-10"), (20_000_00, "2026-04-10"), (100_000_00, "2026-07-10"), (180_000_00, "2026-10-10")
    )
    one = plan(tiered(), true_up=TrueUp(component="c", mode="signed"))
    # quarters 14,000 + 1,600 + 8,000 + 17,600 = 41,200; the year 450,000 on 400,000 = 38,000
    assert cents(worked(one, payee(deals))) == [14_000_00, 1_600_00, 8_000_00, 17_600_00 - 3_200_00]
    lift = plan(tiered(), true_up=TrueUp(component="c"))
    assert cents(worked(lift, payee(deals)))[-1] == 17_600_00


def test_a_rolling_window_pays_the_level() -> None:
    one = plan(Flat(id="c", measure="m", rate=1 * PCT, accumulate="rolling", rolling=3), pay_period="month")
    deals = sales((100_00, "2026-01-10"), (200_00, "2026-02-10"), (300_00, "2026-03-10"), (400_00, "2026-04-10"))
    assert cents(worked(one, payee(deals), "2026-04-30")) == [1_00, 3_00, 6_00, 9_00]


def test_monthly_pay_in_a_quarter_spreads_the_quota_by_days() -> None:
    one = plan(tiered(window="quarter"), pay_period="month")
    deals = sales((50_000_00, "2026-01-10"))
    # January: quota to date 100,000 x 31/90 = 34,444.44; February 59/90 = 65,555.56
    assert cents(worked(one, payee(deals), "2026-02-28")) == [4_622_22, 4_000_00 - 4_622_22]
    full = plan(
        tiered(window="quarter"),
        pay_period="month",
        quotas=(Quota(of="m", window="quarter", amount=100_000_00, breakpoints="full"),),
    )
    assert cents(worked(full, payee(deals), "2026-02-28")) == [4_000_00, 0]


def test_a_joiner_counts_from_the_day_of_joining() -> None:
    deals = sales((90_000_00, "2026-02-20"), (50_000_00, "2026-02-15"))
    result = worked(
        plan(tiered(), quotas=(Quota(of="m", window="quarter", amount=240_000_00),)),
        payee(deals, start=date(2026, 2, 16)),
        "2026-03-31",
    )
    standing = result.of("c", "2026-Q1").standing
    assert standing is not None
    assert (standing.attained, standing.quota) == (90_000_00, F(240_000_00 * 44, 90))
    assert cents(result) == [7_200_00]


def test_a_plan_that_carries() -> None:
    second = plan(Flat(id="c", measure="m", rate=10 * PCT), effective=Days(date(2026, 2, 1), date(2027, 1, 1)))
    result = worked(second, payee(sales((50_000_00, "2026-02-10")), carried={"m": 80_000_00}), "2026-03-31")
    assert cents(result) == [13_000_00 - 8_000_00], "with the 6,400.00 of the first plan: 11,400.00"


def test_the_plan_says_how_halves_are_rounded() -> None:
    deals = sales(*((100_30, f"2026-01-{n}") for n in (10, 11, 12)))
    flat = Flat(id="c", measure="m", rate=5 * PCT)
    for mode, expected in (("half_up", 15_05), ("half_even", 15_04)):
        result = worked(plan(flat, rounding=Rounding(mode=mode)), payee(deals), "2026-03-31")  # type: ignore[arg-type]
        assert cents(result) == [expected]
        assert sum(line.cents for line in result.of("c", "2026-Q1").lines) == expected
    assert [line.cents for line in worked(plan(flat), payee(deals), "2026-03-31").of("c", "2026-Q1").lines] == [
        5_02,
        5_02,
        5_01,
    ]


# Links ------------------------------------------------------------------------------------------------------------------

MARGIN = Measure(name="margin", credit=("rollup",), ratio=Ratio(num="deal.margin", den="deal.revenue"))


def test_a_matrix_lifts_a_component() -> None:
    grid = Matrix(
        id="q", applies_to=("c",), mode="bilinear", rows=Axis(measure="m", at=(100 * PCT, 120 * PCT)),
        cols=Axis(measure="margin", at=(30 * PCT, 40 * PCT)), cells=((1_000_000, 1_200_000), (1_100_000, 1_400_000)),
    )  # fmt: skip
    who = payee(sales((108_000_00, "2026-01-10")), ratios={"margin": [RatioPart(date(2026, 1, 10), 34, 100)]})
    result = worked(plan(tiered(), grid, measures=(plan().measures[0], MARGIN)), who, "2026-03-31")
    assert result.of("c", "2026-Q1").factor == F("1.136")
    assert cents(result) == [int((8_000_00 + 960_00) * F("1.136"))]


def test_a_multiplier_on_earnings_or_on_the_base_rate() -> None:
    deals = sales((130_000_00, "2026-01-10"))
    for on, expect in (("earnings", 12_000_00 * 11 // 10), ("base", 12_000_00 + 1_040_00)):
        one = plan(tiered(bands=COMMON), Multiplier(id="x", applies_to=("c",), factor=1_100_000, on=on))  # type: ignore[arg-type]
        assert cents(worked(one, payee(deals), "2026-03-31")) == [expect]


def test_a_gate_compares_money_with_the_rounded_breakpoint() -> None:
    gate = GateComponent(id="g", applies_to=("c",), when=Gate("m", "attainment", ">=", 80 * PCT))
    one = plan(tiered(), gate)
    assert cents(worked(one, payee(sales((79_999_99, "2026-01-10"))), "2026-03-31")) == [0]
    assert cents(worked(one, payee(sales((80_000_00, "2026-01-10"))), "2026-03-31")) == [6_400_00]


def test_components_are_worked_out_behind_those_that_they_read() -> None:
    bonus = Flat(id="bonus", measure="m", rate=1 * PCT, gate=Gate("c", "earned", ">=", 5_000_00))
    for amount, expect in ((62_499_00, 0), (62_500_00, 625_00)):
        one = plan(bonus, tiered())
        assert cents(worked(one, payee(sales((amount, "2026-01-10"))), "2026-03-31"), "bonus") == [expect]


MANAGER = plan(
    Curve(id="revenue", measure="m", weight=60 * PCT, points=(CurvePoint(50 * PCT, 0), CurvePoint(80 * PCT, 50 * PCT), CurvePoint(100 * PCT, 100 * PCT))),
    Mbo(id="mbo", weight=40 * PCT, gate=Gate("revenue", "attainment", ">=", 50 * PCT),
        goals=(Goal(id="hiring", weight=40 * PCT), Goal(id="forecast", weight=30 * PCT), Goal(id="churn", weight=30 * PCT))),
    Salary(id="base", amount=Per(10_000_00, "month")),
    target_incentive=Target(amount=Per(25_000_00, "quarter"), window="quarter"),
)  # fmt: skip
REACHED = {
    ("mbo", goal, "2026-Q1"): reached * PCT for goal, reached in (("hiring", 100), ("forecast", 50), ("churn", 80))
}


def test_a_manager_has_a_curve_goals_and_a_salary() -> None:
    result = worked(MANAGER, payee(sales((90_000_00, "2026-01-10")), achieved=REACHED), "2026-03-31")
    got = [cents(result, name)[0] for name in ("revenue", "mbo", "base")]
    assert got == [int(25_000_00 * F("0.6") * F("0.75")), 7_900_00, 30_000_00]
    assert [(line.deal, line.cents) for line in result.of("mbo", "2026-Q1").lines] == [
        ("(hiring)", 4_000_00),
        ("(forecast)", 1_500_00),
        ("(churn)", 2_400_00),
    ]
    low = worked(MANAGER, payee(sales((49_999_99, "2026-01-10")), achieved=REACHED), "2026-03-31")
    assert [cents(low, name)[0] for name in ("revenue", "mbo")] == [0, 0]


# Caps -------------------------------------------------------------------------------------------------------------------


def test_caps_of_a_component() -> None:
    deals = sales((255_000_00, "2026-01-10"), (10_000_00, "2026-04-10"))
    flat = Flat(id="c", measure="m", rate=10 * PCT)

    def capped(cap: Cap) -> list[tuple[int, int, int]]:
        result = worked(plan(replace(flat, cap=cap)), payee(deals), "2026-06-30")
        return [(one.cents, one.forfeited, one.deferred) for one in (result.of("c", p.key) for p in result.periods)]

    assert capped(Cap(above=20_000_00)) == [(20_000_00, 5_500_00, 0), (1_000_00, 0, 0)]
    assert capped(Cap(above=15_000_00, kind="soft", pay=50 * PCT)) == [(20_250_00, 5_250_00, 0), (1_000_00, 0, 0)]
    assert capped(Cap(above=20_000_00, kind="defer")) == [(20_000_00, 0, 5_500_00), (6_500_00, 0, -5_500_00)]
    assert capped(Cap(above=20_000_00, scope="year")) == [(20_000_00, 5_500_00, 0), (0, 1_000_00, 0)]
    assert capped(Cap(above=20_000_00, scope="deal"))[0] == (20_000_00, 5_500_00, 0)


def test_a_cap_may_be_a_share_of_the_target_and_a_plan_cap_cuts_in_proportion() -> None:
    deals = sales((100_000_00, "2026-01-10"))
    aim = Target(amount=Per(2_000_00, "quarter"), window="quarter")
    one = plan(Flat(id="c", measure="m", rate=10 * PCT, cap=Cap(above=OfTarget(300 * PCT))), target_incentive=aim)
    assert cents(worked(one, payee(deals), "2026-03-31")) == [6_000_00]
    two = plan(
        Flat(id="c", measure="m", rate=10 * PCT),
        Flat(id="d", measure="m", rate=5 * PCT),
        cap=Cap(above=9_000_00, scope="period"),
    )
    result = worked(two, payee(deals), "2026-03-31")
    assert (cents(result), cents(result, "d")) == ([6_000_00], [3_000_00])
    assert payable(settled(two, payee(deals), "2026-03-31")) == [9_000_00]


# Clawbacks and holds ----------------------------------------------------------------------------------------------------

THREE = sales((70_000_00, "2026-01-10"), (40_000_00, "2026-02-10"), (20_000_00, "2026-03-10"))


def clawing(method: str, counts: bool = False, more: int = 0) -> tuple[list[int], list[int]]:
    rule = Clawback(on=("cancelled",), within=DAYS_365, method=method, counts_to_quota=counts)  # type: ignore[arg-type]
    gone = sales((-70_000_00, "2026-05-10", "D1"))[0]
    deals = [*THREE, replace(gone, line="2"), *([] if not more else sales((more, "2026-06-01", "D9")))]
    one = plan(
        tiered(bands=COMMON, accumulate="ytd", clawback=rule),
        quotas=(Quota(of="m", window="year", amount=100_000_00, breakpoints="full"),),
    )
    who = payee(deals, events=[Event("D1", "cancelled", date(2026, 5, 10), line="2")])
    result = worked(one, who, "2026-06-30")
    return cents(result), [claim.cents for claim in result.claims]


def test_a_clawback_replaces_the_negative_credit() -> None:
    assert clawing("at_paid_rate") == ([12_000_00, 0], [5_600_00])
    assert clawing("recompute") == ([12_000_00, 0], [7_200_00])
    assert clawing("recompute", counts=True) == ([12_000_00, 0], [7_200_00])
    assert clawing("recompute", counts=True, more=40_000_00) == ([12_000_00, 3_200_00], [7_200_00]), (
        "60,000 to 100,000 at 8 %"
    )
    assert clawing("recompute", counts=False, more=40_000_00)[0] == [12_000_00, 6_400_00], "from 130,000 on at 16 %"


def test_without_a_rule_the_negative_credit_pays() -> None:
    gone = replace(sales((-70_000_00, "2026-05-10", "D1"))[0], line="2")
    one = plan(
        tiered(bands=COMMON, accumulate="ytd"),
        quotas=(Quota(of="m", window="year", amount=100_000_00, breakpoints="full"),),
    )
    assert cents(worked(one, payee([*THREE, gone]), "2026-06-30")) == [12_000_00, 4_800_00 - 12_000_00]


def test_a_debt_is_taken_from_later_pay_at_most_by_the_share() -> None:
    rule = Clawback(on=("churned",), within=DAYS_365, method="at_paid_rate", max_offset=50 * PCT)
    deals = sales((100_000_00, "2026-01-10"), (50_000_00, "2026-04-10"), (200_000_00, "2026-07-10"))
    one = plan(Flat(id="c", measure="m", rate=10 * PCT, clawback=rule))
    found = settled(one, payee(deals, events=[Event("D1", "churned", date(2026, 4, 20))]), "2026-09-30")
    assert payable(found) == [10_000_00, 2_500_00, 12_500_00], "of 10,000.00: 2,500.00 in Q2, 7,500.00 in Q3"


def test_half_waits_for_the_cash_and_never_pays_twice() -> None:
    hold = Holdback(milestones=(Milestone(on="booking", share=50 * PCT), Milestone(on="cash", share=50 * PCT)))
    one = plan(Flat(id="c", measure="m", rate=10 * PCT, hold=hold))
    events = [
        Event("D1", "invoiced", date(2026, 2, 1), 80_000_00),
        Event("D1", "cash", date(2026, 4, 1), 40_000_00),
        Event("D1", "cash", date(2026, 8, 1), 40_000_00),
    ]
    found = settled(one, payee(sales((100_000_00, "2026-01-10")), events=events), "2026-09-30")
    assert payable(found) == [5_000_00, 2_500_00, 2_500_00]
    assert list(found.held.values()) == [5_000_00, 2_500_00, 0]


def test_a_clawback_takes_what_is_held_first() -> None:
    hold = Holdback(milestones=(Milestone(on="booking", share=50 * PCT), Milestone(on="cash", share=50 * PCT)))
    rule = Clawback(on=("cancelled",), within=DAYS_365, method="at_paid_rate")
    one = plan(Flat(id="c", measure="m", rate=10 * PCT, hold=hold, clawback=rule))
    events = [
        Event("D1", "cancelled", date(2026, 4, 1)),
        Event("D1", "invoiced", date(2026, 2, 1), 1_00),
        Event("D1", "cash", date(2026, 7, 1), 1_00),
    ]
    deals = sales((100_000_00, "2026-01-10"), (100_000_00, "2026-07-10"))
    found = settled(one, payee(deals, events=events), "2026-09-30")
    assert payable(found) == [5_000_00, 0, 0], "5,000 held are gone; 5,000 paid are taken from the 5,000 of Q3"


# Draws ------------------------------------------------------------------------------------------------------------------


def test_a_recoverable_guarantee_over_six_months() -> None:
    earned = [1_000_00, 2_500_00, 6_000_00, 3_000_00, 9_000_00, 5_000_00]
    deals = sales(*((amount * 10, f"2026-{n:02}-10") for n, amount in enumerate(earned, 1)))
    one = plan(
        Flat(id="c", measure="m", rate=10 * PCT),
        pay_period="month",
        guarantee=Draw(amount=Per(4_000_00, "month"), months=6),
    )
    found = settled(one, payee(deals, start=date(2026, 1, 1)), "2026-07-31")
    assert payable(found) == [4_000_00, 4_000_00, 4_000_00, 4_000_00, 5_500_00, 5_000_00, 0]
    assert [one.closing.draw for one in found.settlements.values()] == [3_000_00, 4_500_00, 2_500_00, 3_500_00, 0, 0, 0]


def test_a_part_of_a_month_prorates_the_draw() -> None:
    one = plan(pay_period="month", draw=Draw(amount=Per(2_800_00, "month"), recoverable=False))
    assert payable(settled(one, payee(start=date(2026, 2, 16)), "2026-03-31")) == [1_300_00, 2_800_00]


# What is wrong ------------------------------------------------------------------------------------------------------------


def test_a_missing_or_zero_quota_is_listed_and_the_rest_goes_on() -> None:
    one = plan(tiered(), Flat(id="other", measure="m", rate=1 * PCT), quotas=(Quota(of="m", window="quarter"),))
    who = payee(TWO_QUARTERS, quotas={"m": [yearly(0)[0]]})
    for person in (who, payee(TWO_QUARTERS)):
        result = worked(one, person, "2026-03-31")
        assert (cents(result), cents(result, "other")) == ([0], [1_500_00])
        assert "ada has no quota above zero for m, which c needs" in str(result.problems[0])
    assert cents(worked(plan(tiered(zero_quota="full"), quotas=one.quotas), who, "2026-03-31")) == [18_000_00]


def test_every_entry_balances_and_nothing_is_paid_below_zero() -> None:
    deals = sales((150_000_00, "2026-01-10"), (-60_000_00, "2026-04-10", "D1"))
    found = settled(plan(YTD), payee(deals), "2026-06-30")
    entries = [entry for one in found.settlements.values() for entry in one.entries]
    assert sum(balances(entries)["ada"].values()) == 0
    assert payable(found)[1] == 0
    assert balances(entries)["ada"]["earned"] == 0


def test_a_windfall_lowers_what_counts() -> None:
    one = plan(
        Flat(id="c", measure="m", rate=10 * PCT), windfall=Windfall(measure="m", above=250_000_00, count=25 * PCT)
    )
    assert cents(worked(one, payee(sales((1_000_000_00, "2026-01-10"))), "2026-03-31")) == [43_750_00]
