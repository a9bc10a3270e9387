"""Computes what a payee is paid, period by period, from what was earned: holds, releases, draws, clawbacks, carry.

``statement`` settles a whole result from the first period on, as if each had been posted when it ended; what the open
period posts over a ledger is ``posting.post_period``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from salesops.common.allocation import allocate
from salesops.common.periods import FiscalCalendar, Period
from salesops.compensation import draws, holds, quotas
from salesops.compensation.exact import rounded
from salesops.compensation.facts import Payee
from salesops.compensation.interpret import ComponentResult, Result, by_deal
from salesops.compensation.plan import Component, Draw, Duration, Plan
from salesops.compensation.settle import Earned, Forfeit, Opening, Policies, Release, Settlement, Taken, settle
from salesops.compensation.words import after


@dataclass(slots=True)
class _Held:
    """What of a deal's earning is in ``held``: earned after caps, released and taken back so far."""

    component: str
    deal: str
    origin: str
    cents: int
    code: str
    released: int = 0
    clawed: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """A payee's periods, settled in order."""

    payee: str
    settlements: Mapping[str, Settlement]
    held: Mapping[str, int] = field(default_factory=dict)


CODES = {
    "spiff": "SPIFF",
    "salary": "SALARY",
    "mbo": "BONUS",
    "step_bonus": "BONUS",
    "contest": "BONUS",
    "pool": "BONUS",
}


def earning_code(component: Component) -> str:
    """Give the payroll code of a component: its own, or that of its kind."""
    return "AWARD" if component.award else component.earning_code or CODES.get(component.kind, "COMM")


def policies_of(plan: Plan) -> Policies:
    """Give what a plan says about settling."""
    return Policies(
        plan.draw or plan.guarantee,
        {one.id: one.negative for one in plan.components},
        {one.id: one.clawback.max_offset for one in plan.components if one.clawback},
    )


def gross(result: ComponentResult) -> dict[str, int]:
    """Give a result's cents by deal before forfeits; what is deferred to or from a period stands under ``(cap)``."""
    found = {deal: cents for deal, cents in by_deal(result).items() if deal != "(cap)"}
    moved = result.cents - result.computed + result.forfeited
    return {**found, "(cap)": moved} if moved else found


def statement(
    plan: Plan, payee: Payee, calendar: FiscalCalendar, result: Result, opening: Opening | None = None
) -> Statement:
    """Settle a payee's result period by period, from the opening balances on, as if each had been posted when it ended."""
    settlements: dict[str, Settlement] = {}
    held: list[_Held] = []
    left: dict[str, int] = {}
    opening = opening or Opening()
    policies = policies_of(plan)
    for period in result.periods:
        earned, forfeits, new = _of_period(plan, payee, result, period)
        releases = _releases(plan, payee, held, period)
        held += new
        taken = _taken(result, held, period)
        settled = settle(
            payee.payee, period.key, earned, policies, opening, forfeits=forfeits, releases=releases, taken=taken,
            draw=draw_period(policies.draw, payee, calendar, period),
        )  # fmt: skip
        settlements[period.key] = settled
        opening = settled.closing
        left[period.key] = sum(one.cents - one.released - one.clawed for one in held)
    return Statement(payee.payee, settlements, left)


def _of_period(
    plan: Plan, payee: Payee, result: Result, period: Period
) -> tuple[list[Earned], list[Forfeit], list[_Held]]:
    earned: list[Earned] = []
    forfeits: list[Forfeit] = []
    new: list[_Held] = []
    for component in plan.components:
        one = result.results.get((component.id, period.key))
        if one is None or component.award:
            continue
        deals = gross(one)
        if one.forfeited:
            forfeits.append(Forfeit(component.id, one.forfeited))
        cuts = allocate(max(0, one.forfeited), {deal: max(0, c) for deal, c in deals.items()}, "equal") if deals else {}
        code = earning_code(component)
        for deal, cents in deals.items():
            base = cents - cuts.get(deal, 0)
            free = holds.released(component.hold, base, progress(payee, deal, period), period.end, plan.rounding.mode)
            keep = base - free if component.hold is not None else 0
            earned.append(Earned(component.id, cents, code, deal, held=keep, base=base))
            if keep:
                new.append(_Held(component.id, deal, period.key, base, code, released=free))
    return earned, forfeits, new


def progress(payee: Payee, deal: str, period: Period) -> holds.Progress:
    """Give how far a deal has come by the end of a period."""
    own = [event for event in payee.events if event.deal == deal and event.on <= period.end]
    reached: dict[str, date] = {}
    for event in own:
        reached[event.kind] = min(event.on, reached.get(event.kind, event.on))
    sums = {kind: sum(event.cents for event in own if event.kind == kind) for kind in ("invoiced", "cash")}
    return holds.Progress(reached, sums["invoiced"], sums["cash"])


def _releases(plan: Plan, payee: Payee, held: Sequence[_Held], period: Period) -> list[Release]:
    found: list[Release] = []
    for one in held:
        component = plan.component(one.component)
        if component is None or component.hold is None:
            continue
        free = holds.released(
            component.hold, one.cents, progress(payee, one.deal, period), period.end, plan.rounding.mode
        )
        part = min(free, one.cents - one.clawed) - one.released
        if part:
            found.append(Release(one.component, one.deal, one.origin, part, one.code))
            one.released += part
    return found


def _taken(result: Result, held: Sequence[_Held], period: Period) -> list[Taken]:
    """Give what clawbacks take in a period: first of what is still held of the deal, the rest becomes a debt."""
    found: list[Taken] = []
    for claim in result.claims:
        if claim.period != period.key:
            continue
        rest = claim.cents
        for one in held:
            if one.component == claim.component and one.deal == claim.deal and rest > 0:
                part = min(rest, one.cents - one.released - one.clawed)
                one.clawed += part
                rest -= part
                if part:
                    found.append(Taken(claim.component, claim.deal, part, one.origin))
        if rest:
            found.append(Taken(claim.component, claim.deal, rest))
    return found


def draw_period(draw: Draw | None, payee: Payee, calendar: FiscalCalendar, period: Period) -> draws.DrawPeriod | None:
    """Give a period's draw: its amount by days of service, and what ends with the period."""
    if draw is None:
        return None
    amount = rounded(quotas.target(draw.amount, payee.service, calendar, period, "calendar_days"))
    start, end = payee.service.active.start, payee.service.active.end
    advances = draw.months is None or period.start < after(start, Duration(draw.months, "months"))
    year_end = calendar.period_of(period.start, "year").end == period.end
    leaves = end is not None and end - timedelta(days=1) in period
    return draws.DrawPeriod(0, amount, advances, year_end, leaves)
