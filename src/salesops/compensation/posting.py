"""Computes what the open period posts for a payee, from the result as it is now and the ledger as it stands.

First close, recalculation before the period is locked, and corrections of any closed period are this one function:
for each component, origin period and deal the result less what the ledger holds. Only the open period's own earnings
are held back; a difference to an earlier period posts whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from salesops.common.allocation import allocate
from salesops.common.periods import FiscalCalendar, Period
from salesops.compensation import holds, statements
from salesops.compensation.facts import Payee
from salesops.compensation.interpret import Result
from salesops.compensation.ledger import Entry
from salesops.compensation.plan import Plan
from salesops.compensation.settle import Earned, Forfeit, Opening, Release, Settlement, Taken, settle
from salesops.compensation.statements import earning_code

Place = tuple[str, str, str]
"""Component, origin period, deal."""


@dataclass(slots=True)
class Book:
    """What a payee's ledger holds: earned, forfeited and clawed back so far, what is held, and opening balances.

    ``base`` is what milestones release of a deal (and its earning code), ``gone`` what a clawback took of what was held.
    """

    earned: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    forfeited: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    clawed: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    held: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    gone: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    base: dict[Place, tuple[int, str]] = field(default_factory=dict)
    draw: int = 0
    debts: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def book_of(entries: Iterable[Entry]) -> Book:
    """Read a payee's ledger. A REVERSAL counts with the accounts that it moves."""
    book = Book()
    for one in entries:
        place = one.component, one.origin_period, one.deal
        accounts = dict(one.moves)
        if {"cost_contra", "earned"} <= accounts.keys() and one.component not in ("(guarantee)",):
            book.earned[place] += accounts["earned"]
        if "forfeited" in accounts:
            book.forfeited[one.component, one.origin_period] += accounts["forfeited"]
        if (
            "cost_contra" in accounts
            and ("negative_carry" in accounts or "held" in accounts)
            and one.type != "WRITE_OFF"
        ):
            book.clawed[one.component, one.deal] += accounts["cost_contra"]
        if "held" in accounts:
            book.held[place] += accounts["held"]
            if one.type == "HOLD":
                book.base[place] = book.base.get(place, (0, ""))[0] + one.base, one.code
            if "cost_contra" in accounts:
                book.gone[place] += accounts["cost_contra"]
        book.draw -= accounts.get("draw_advance", 0)
        if "negative_carry" in accounts:
            book.debts[one.component] -= accounts["negative_carry"]
    return book


def post_period(
    plan: Plan, payee: Payee, calendar: FiscalCalendar, result: Result, period: Period, entries: Sequence[Entry]
) -> Settlement:
    """Give the settlement of the open period over the entries of all periods so far (its own, if any, reversed before)."""
    book = book_of(entries)
    policies = statements.policies_of(plan)
    earned, forfeits = _differences(plan, payee, result, period, book)
    return settle(
        payee.payee, period.key, earned, policies, Opening(book.draw, {key: owed for key, owed in book.debts.items() if owed > 0}),
        forfeits=forfeits, releases=_releases(plan, payee, period, book), taken=_taken(result, period, book),
        draw=statements.draw_period(policies.draw, payee, calendar, period),
    )  # fmt: skip


def _differences(
    plan: Plan, payee: Payee, result: Result, period: Period, book: Book
) -> tuple[list[Earned], list[Forfeit]]:
    earned: list[Earned] = []
    forfeits: list[Forfeit] = []
    upto = [one for one in result.periods if one.start <= period.start]
    for component in plan.components:
        if component.award:
            continue
        code = earning_code(component)
        for one in upto:
            now = result.results.get((component.id, one.key))
            amounts = statements.gross(now) if now is not None else {}
            cut = (now.forfeited if now is not None else 0) - book.forfeited.get((component.id, one.key), 0)
            if cut:
                forfeits.append(Forfeit(component.id, cut, one.key))
            cuts = allocate(max(0, cut), {deal: max(0, c) for deal, c in amounts.items()}, "equal") if amounts else {}
            posted = {deal for name, origin, deal in book.earned if (name, origin) == (component.id, one.key)}
            for deal in [*amounts, *sorted(posted - amounts.keys())]:
                cents = amounts.get(deal, 0) - book.earned.get((component.id, one.key, deal), 0)
                if not cents:
                    continue
                if one.key != period.key:
                    earned.append(Earned(component.id, cents, code, deal, one.key, "PPA"))
                    continue
                base = cents - cuts.get(deal, 0)
                free = holds.released(
                    component.hold, base, statements.progress(payee, deal, period), period.end, plan.rounding.mode
                )
                keep = base - free if component.hold is not None else 0
                earned.append(Earned(component.id, cents, code, deal, held=keep, base=base))
    return earned, forfeits


def _releases(plan: Plan, payee: Payee, period: Period, book: Book) -> list[Release]:
    found: list[Release] = []
    for place, (base, code) in book.base.items():
        name, origin, deal = place
        component = plan.component(name)
        if component is None or component.hold is None or origin == period.key:
            continue
        progress = statements.progress(payee, deal, period)
        free = holds.released(component.hold, base, progress, period.end, plan.rounding.mode)
        released = base - book.gone[place] - book.held[place]
        part = min(free, base - book.gone[place]) - released
        if part:
            found.append(Release(name, deal, origin, part, code))
            book.held[place] -= part
    return found


def _taken(result: Result, period: Period, book: Book) -> list[Taken]:
    """Give what clawbacks up to this period take beyond what was taken: of held money first."""
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for claim in result.claims:
        if any(one.key == claim.period and one.start <= period.start for one in result.periods):
            totals[claim.component, claim.deal] += claim.cents
    found: list[Taken] = []
    for (name, deal), cents in totals.items():
        rest = cents - book.clawed.get((name, deal), 0)
        for (held_name, origin, held_deal), held in book.held.items():
            part = min(rest, held) if (held_name, held_deal) == (name, deal) else 0
            if part > 0:
                found.append(Taken(name, deal, part, origin))
                rest -= part
        if rest:
            found.append(Taken(name, deal, rest))
    return found
