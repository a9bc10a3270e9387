"""Runs the worked tests inside a plan: a payee who was there all along, some deals, and what must come out to the cent.

Deals without a day lie on consecutive days from the start of the tested pay period: the one that is named, else the
last of the plan's first fiscal year, in which every window is whole. ``quota`` is the quota of the first measure for
the whole of its window, ``quotas`` names others; the plan's own quota amounts and target incentive hold where nothing
is given. Holds, draws and clawbacks do not apply unless ``payable`` is expected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from salesops.common.periods import FiscalCalendar, Period
from salesops.compensation import group, interpret, quotas, statements
from salesops.compensation.counts import first_measure
from salesops.compensation.crediting import Credit
from salesops.compensation.facts import Payee, RatioPart, Sum
from salesops.compensation.plan import GROUPED, Days, Plan, Spiff, TestDeal, WorkedTest
from salesops.compensation.quotas import Service
from salesops.compensation.words import money

TOTALS = ("total", "payable")
"""Words of ``expect`` beside the components: what all of them earn, and what is paid after draws and holds."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a worked test expects and did not get. Both in minor units; None: there is no such thing."""

    test: str
    what: str
    expected: int
    got: int | None
    currency: str

    def __str__(self) -> str:
        got = "nothing" if self.got is None else money(self.got, self.currency)
        return f"{self.test}: {self.what} is {got}, but {money(self.expected, self.currency)} is expected"


def run(plan: Plan, calendar: FiscalCalendar | None = None) -> list[Difference]:
    """Run every worked test of a plan; no differences mean that it may be published."""
    calendar = calendar or FiscalCalendar()
    found: list[Difference] = []
    for n, test in enumerate(plan.tests, 1):
        found += _run(plan, test, test.title or f"test {n}", calendar)
    return found


def _run(plan: Plan, test: WorkedTest, title: str, calendar: FiscalCalendar) -> list[Difference]:
    period = tested_period(plan, test, calendar)
    payee = payee_of(plan, test, calendar, period)
    result = group.entitlements(plan, [payee], calendar, period.end)[payee.payee]
    found: list[Difference] = []
    for what, expected in test.expect:
        got = _got(plan, payee, result, calendar, what, period)
        if got != expected:
            found.append(Difference(title, what, expected, got, plan.currency))
    per_deal = [sum(_of_deal(one, deal) for one in _tested(test, result, period)) for deal in deals_of(test)]
    for n, expected in enumerate(test.per_deal):
        got = per_deal[n] if n < len(per_deal) else None
        if got != expected:
            found.append(Difference(title, f"deal {n + 1}", expected, got, plan.currency))
    for problem in result.problems:
        found.append(Difference(f"{title}: {problem}", "a result", 0, None, plan.currency))
    return found


def _got(
    plan: Plan, payee: Payee, result: interpret.Result, calendar: FiscalCalendar, what: str, period: Period
) -> int | None:
    if what == "total":
        return result.earned(period.key)
    if what == "payable":
        settled = statements.statement(plan, payee, calendar, result).settlements.get(period.key)
        return None if settled is None else settled.payable
    one = result.results.get((what, period.key))
    return None if one is None else one.cents


def _tested(test: WorkedTest, result: interpret.Result, period: Period) -> Iterable[interpret.ComponentResult]:
    names = [what for what, _ in test.expect if what not in TOTALS]
    listed = [one for one in result.results.values() if one.period == period.key]
    return [one for one in listed if not names or one.component == names[0]]


def _of_deal(result: interpret.ComponentResult, deal: str) -> int:
    return sum(line.cents for line in result.lines if line.deal == deal)


def tested_period(plan: Plan, test: WorkedTest, calendar: FiscalCalendar) -> Period:
    """Give the pay period that a worked test asks about."""
    if test.given.period:
        named = calendar.parse_period(test.given.period)
        return quotas.window_of(calendar, named.end, plan.pay_period)
    last = calendar.period_of(plan.effective.start, "year").end
    if plan.effective.end is not None:
        last = min(last, plan.effective.end - timedelta(days=1))
    return quotas.window_of(calendar, last, plan.pay_period)


def deals_of(test: WorkedTest) -> list[str]:
    """Give the ids of a worked test's deals, in their order."""
    return [deal.id or f"D{n:03}" for n, deal in enumerate(test.given.deals, 1)]


def payee_of(plan: Plan, test: WorkedTest, calendar: FiscalCalendar, period: Period) -> Payee:
    """Make the payee of a worked test."""
    given = test.given
    hired = given.hired or date(plan.effective.start.year - 20, 1, 1)
    always = Days(date(plan.effective.start.year - 20, 1, 1))
    amounts = dict(given.quotas)
    first = first_measure(plan)
    if given.quota is not None:
        amounts = {**{quota.of: given.quota for quota in plan.quotas}, first: given.quota, **amounts}
    credits: dict[str, list[Credit]] = {}
    for n, (deal, name) in enumerate(zip(given.deals, deals_of(test), strict=True)):
        day = deal.on or min(period.start + timedelta(days=n), period.end)
        for key in _counts_in(plan, deal, first):
            credits.setdefault(key, []).append(_credit(name, day, n, deal.amount))
    for name, total in given.measures:
        credits.setdefault(name, []).append(_credit("(total)", period.end, len(given.deals), total))
    ratios = {name: [RatioPart(period.end, ppm, 1_000_000)] for name, ppm in given.ratios}
    windows = {one.id: quotas.window_of(calendar, period.start, plan.window_of(one)).key for one in plan.components}
    achieved = {(one.id, goal, windows[one.id]): ppm for one in plan.components for goal, ppm in given.achieved}
    target = [] if given.target_incentive is None else [Sum(always, given.target_incentive)]
    return Payee(
        "(test)", Service(Days(hired), hired), credits, ratios, {name: [Sum(always, cents)] for name, cents in amounts.items()},
        target, achieved=achieved,
    )  # fmt: skip


def _counts_in(plan: Plan, deal: TestDeal, first: str) -> list[str]:
    spiffs = [
        one.id for one in plan.components if isinstance(one, GROUPED) and isinstance(one, Spiff) and one.measure is None
    ]
    return [deal.measure or first, *spiffs]


def _credit(deal: str, day: date, n: int, amount: int) -> Credit:
    return Credit("(test)", "primary", deal, "1", day, n, amount, counted=amount, paid=amount, attained=amount)
