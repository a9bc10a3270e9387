"""Posting: the result less what the ledger holds. Closing period by period is the statement; corrections close the past."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from tests.compensation.people import CALENDAR, PCT, payable, payee, plan, sales, settled, tiered

from salesops.compensation import ledger, posting, statements
from salesops.compensation.crediting import Credit
from salesops.compensation.facts import Event, Payee, Sum
from salesops.compensation.interpret import entitlement
from salesops.compensation.ledger import Entry
from salesops.compensation.plan import (
    Cap,
    Clawback,
    Days,
    Draw,
    Duration,
    Flat,
    Holdback,
    Milestone,
    Per,
    Plan,
    Quota,
    Salary,
    Target,
)

HALVES = Holdback(milestones=(Milestone(on="booking", share=50 * PCT), Milestone(on="cash", share=50 * PCT)))
RULE = Clawback(on=("cancelled",), within=Duration(365, "days"), method="at_paid_rate", max_offset=70 * PCT)
FULL = (Quota(of="m", window="year", amount=100_000_00, breakpoints="full"),)
PLANS = {
    "plain": plan(tiered(accumulate="ytd", negative="recover")),
    "held": plan(Flat(id="c", measure="m", rate=10 * PCT, hold=HALVES)),
    "clawed": plan(
        Flat(id="c", measure="m", rate=10 * PCT, hold=HALVES, clawback=RULE), Flat(id="d", measure="m", rate=1 * PCT)
    ),
    "capped": plan(
        tiered(cap=Cap(above=9_000_00)), Flat(id="d", measure="m", rate=1 * PCT, cap=Cap(above=1_000_00, kind="defer"))
    ),
    "drawn": plan(Flat(id="c", measure="m", rate=10 * PCT), draw=Draw(amount=Per(12_000_00, "quarter"))),
    "given": plan(
        tiered(accumulate="ytd"), quotas=FULL, guarantee=Draw(amount=Per(3_000_00, "month"), recoverable=False)
    ),
}
EVENTS = [
    Event("D1", "invoiced", date(2026, 2, 1), 80_000_00),
    Event("D1", "cash", date(2026, 4, 1), 40_000_00),
    Event("D2", "cancelled", date(2026, 7, 1)),
    Event("D1", "cash", date(2026, 8, 1), 40_000_00),
]
DEALS = sales(
    (100_000_00, "2026-01-10"), (60_000_00, "2026-05-10"), (-20_000_00, "2026-06-10", "D1"), (90_000_00, "2026-10-10")
)


def closed(one: Plan, people: list[Payee]) -> tuple[list[int], list[Entry]]:
    """Close the quarters one by one, each with what is known by then; the last known holds for the rest."""
    book: list[Entry] = []
    paid: list[int] = []
    for n, period in enumerate(entitlement(one, people[0], CALENDAR, date(2026, 12, 31)).periods):
        who = people[min(n, len(people) - 1)]
        settlement = posting.post_period(one, who, CALENDAR, entitlement(one, who, CALENDAR, period.end), period, book)
        book += ledger.post(book, settlement.entries)
        paid.append(settlement.payable)
    return paid, book


@pytest.mark.parametrize("name", PLANS)
def test_closing_period_by_period_is_the_statement_of_the_year(name: str) -> None:
    who = payee(DEALS, events=EVENTS)
    paid, book = closed(PLANS[name], [who])
    whole = settled(PLANS[name], who)
    assert paid == payable(whole)
    for account in ("held", "draw_advance", "negative_carry", "forfeited"):
        entries = [entry for one in whole.settlements.values() for entry in one.entries]
        assert ledger.balances(book)["ada"].get(account, 0) == ledger.balances(entries)["ada"].get(account, 0), account  # type: ignore[call-overload]


def test_a_period_that_is_closed_twice_posts_nothing_more() -> None:
    one, who = PLANS["clawed"], payee(DEALS, events=EVENTS)
    _, book = closed(one, [who])
    result = entitlement(one, who, CALENDAR, date(2026, 12, 31))
    again = posting.post_period(one, who, CALENDAR, result, result.periods[-1], book)
    assert [entry for entry in again.entries if entry.type in ("EARN", "PPA", "CLAWBACK", "HOLD", "CAP_FORFEIT")] == []


@pytest.mark.parametrize("name", PLANS)
def test_whatever_was_corrected_the_ledger_ends_at_the_latest_result(name: str) -> None:
    """Section 6 (10): each quarter is closed with other inputs; the postings of every origin period sum to the last result."""
    chance = random.Random(name)
    people = []
    for _ in range(4):
        changed = [replace(c, amount=c.amount + more, counted=c.counted + more, paid=c.paid + more, attained=c.attained + more) if c.amount > 0 else c
                   for c, more in ((c, chance.randrange(-40_000_00, 40_000_00)) for c in DEALS)]  # fmt: skip
        people.append(payee(changed, events=EVENTS))
    _, book = closed(PLANS[name], people)
    last = entitlement(PLANS[name], people[-1], CALENDAR, date(2026, 12, 31))
    held = posting.book_of(book)
    for component in PLANS[name].components:
        for period in last.periods:
            now = last.of(component.id, period.key)
            posted = {
                deal: cents
                for (one, origin, deal), cents in held.earned.items()
                if (one, origin) == (component.id, period.key) and cents
            }
            assert posted == {deal: cents for deal, cents in statements.gross(now).items() if cents}
            assert held.forfeited.get((component.id, period.key), 0) == now.forfeited
    assert sum(ledger.balances(book)["ada"].values()) == 0


def test_a_correction_of_the_past_is_in_the_open_period_and_names_its_origin() -> None:
    one = plan()
    _, book = closed(one, [payee(sales((130_000_00, "2026-01-10"))), payee(sales((118_000_00, "2026-01-10")))])
    corrections = [
        (entry.period, entry.origin_period, entry.deal, entry.cents) for entry in book if entry.type == "PPA"
    ]
    assert corrections == [("2026-Q2", "2026-Q1", "D1", -1_440_00)], "12,000 less at 12 %"
    assert [entry.period for entry in book if entry.type == "EARN"] == ["2026-Q1"], (
        "the entry of the first quarter stands"
    )


def test_leave_by_earnings_pays_the_average_of_what_was_paid() -> None:
    """Q1 paid 5,000 of a target of 10,000; in Q2 30 of 91 days are away: half of 10,000 x 30/91."""
    one = plan(
        Flat(id="c", measure="m", rate=5 * PCT), target_incentive=Target(amount=Per(10_000_00, "quarter"), window="quarter"),
        quotas=(Quota(of="m", window="quarter", relief="earnings"),),
    )  # fmt: skip
    who = payee(sales((100_000_00, "2026-01-10")), away=(Days(date(2026, 5, 1), date(2026, 5, 31)),))
    result = entitlement(one, who, CALENDAR, date(2026, 6, 30))
    assert [(line.deal, line.cents) for line in result.of("c", "2026-Q2").lines] == [("(leave)", 1_648_35)]


def test_a_raise_in_the_middle_of_a_month_is_paid_by_days() -> None:
    rows = [Sum(Days(date(2026, 1, 1), date(2026, 4, 16)), 3_000_00), Sum(Days(date(2026, 4, 16)), 6_000_00)]
    result = entitlement(plan(Salary(id="base"), pay_period="month"), payee(salaries=rows), CALENDAR, date(2026, 5, 31))
    assert [result.of("base", f"2026-0{n}").cents for n in (3, 4, 5)] == [3_000_00, 4_500_00, 6_000_00]


def test_credits_of_the_open_period_only_are_held() -> None:
    late = [*DEALS[:1], *sales((50_000_00, "2026-02-10", "D9"))]
    one = PLANS["held"]
    _, book = closed(one, [payee(DEALS[:1]), payee(late)])
    found: list[Credit] = late
    assert found[1].deal == "D9"
    assert [(entry.deal, entry.cents) for entry in book if entry.type == "HOLD"] == [("D1", 5_000_00)], (
        "D9 came too late: it posts whole"
    )
