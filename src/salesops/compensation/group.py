"""Computes what depends on several payees of a plan: SPIFFs with a budget, contests, pools. The scope is ``within``.

A first-come SPIFF is paid in the period of the credit, a prorated one when its window ends; contests and pools when
their window ends. Credits that qualify for a SPIFF stand in ``Payee.credits`` under the component's id (``gather`` puts
them there), or under its measure where it is paid by unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from salesops.common.expressions import parse
from salesops.common.money import PPM
from salesops.common.periods import FiscalCalendar, Period, range_period
from salesops.compensation import contests, interpret, pools, quotas, spiffs
from salesops.compensation.contests import Entrant
from salesops.compensation.exact import rounded
from salesops.compensation.facts import Awarded, Payee
from salesops.compensation.plan import Component, Contest, Days, Plan, Pool, Spiff
from salesops.compensation.schema import MEMBER

_DAY = timedelta(days=1)


def entitlements(
    plan: Plan, payees: Sequence[Payee], calendar: FiscalCalendar, through: date
) -> dict[str, interpret.Result]:
    """Give every payee's result, awards of SPIFFs, contests and pools included."""
    given = awards(plan, payees, calendar, through)
    return {
        one.payee: interpret.entitlement(
            plan, replace(one, awards=(*one.awards, *given.get(one.payee, ()))), calendar, through
        )
        for one in payees
    }


def awards(plan: Plan, payees: Sequence[Payee], calendar: FiscalCalendar, through: date) -> dict[str, list[Awarded]]:
    """Give the awards of all payees of a plan up to a day: {payee: awards}."""
    found: dict[str, list[Awarded]] = defaultdict(list)
    for component in plan.components:
        match component:
            case Spiff():
                listed = _spiff(plan, component, payees, calendar, through)
            case Contest():
                listed = _contest(plan, component, payees, calendar, through)
            case Pool():
                listed = _pool(plan, component, payees, calendar, through)
            case _:
                continue
        for payee, award in listed:
            found[payee].append(award)
    return found


def _pay_period(plan: Plan, calendar: FiscalCalendar, day: date) -> Period:
    return quotas.window_of(calendar, day, plan.pay_period)


def _spiff(
    plan: Plan, spiff: Spiff, payees: Sequence[Payee], calendar: FiscalCalendar, through: date
) -> list[tuple[str, Awarded]]:
    qualifying = [
        credit
        for payee in payees
        for credit in payee.credits.get(spiff.id, payee.credits.get(spiff.measure or "", ()))
        if credit.credited_on in spiff.during
        and credit.credited_on <= through
        and credit.credited_on in payee.service.active
    ]
    days = {(one.payee, one.deal, one.line): one.credited_on for one in qualifying}
    at_end = spiff.budget is not None and spiff.on_exhaust == "prorate"
    last = (spiff.during.end or date.max) - _DAY
    if at_end and last > through:
        return []
    found: list[tuple[str, Awarded]] = []
    for award in spiffs.awards(spiff, qualifying):
        day = last if at_end else days[award.payee, award.deal, award.line]
        if award.cents:
            period = _pay_period(plan, calendar, day).key
            found.append((award.payee, Awarded(spiff.id, period, award.deal, award.cents)))
    return found


def spans(
    plan: Plan, component: Component, during: Days | None, calendar: FiscalCalendar, through: date
) -> list[Period]:
    """Give the stretches for which a contest or pool is decided, those that have ended by a day."""
    if during is not None:
        end = (during.end or date.max) - _DAY
        return [range_period(during.start, end)] if end <= through else []
    end = through if plan.effective.end is None else min(through, plan.effective.end - _DAY)
    if plan.effective.start > end:
        return []
    return [
        one
        for one in quotas.windows_in(calendar, plan.window_of(component), plan.effective.start, end)
        if one.end <= end
    ]


def _contest(
    plan: Plan, contest: Contest, payees: Sequence[Payee], calendar: FiscalCalendar, through: date
) -> list[tuple[str, Awarded]]:
    found: list[tuple[str, Awarded]] = []
    for span in spans(plan, contest, contest.during, calendar, through):
        entrants = [
            _entrant(plan, contest, payee, calendar, span) for payee in payees if payee.service.active.start <= span.end
        ]
        period = _pay_period(plan, calendar, span.end)
        for award in contests.awards(contest, entrants):
            if award.cents:
                found.append((award.payee, Awarded(contest.id, period.key, f"(rank {award.rank})", award.cents)))
    return found


def standings(
    plan: Plan, contest: Contest, payees: Sequence[Payee], calendar: FiscalCalendar, span: Period
) -> list[contests.Award]:
    """Give the places of a contest over a span as they are now: for a leader board."""
    return contests.awards(contest, [_entrant(plan, contest, payee, calendar, span) for payee in payees])


def _entrant(plan: Plan, contest: Contest, payee: Payee, calendar: FiscalCalendar, span: Period) -> Entrant:
    credits = [c for c in payee.credits.get(contest.rank_by, ()) if c.credited_on in span]
    qualifies = True
    if contest.qualify is not None:
        gate = replace(contest.qualify, ref=contest.qualify.ref or contest.rank_by)
        qualifies = interpret.holds_true(plan, payee, calendar, gate, _pay_period(plan, calendar, span.end))
    reached = max((c.credited_on for c in credits if c.counted > 0), default=None)
    group = str(payee.fields.get(contest.within, ""))
    return Entrant(
        payee.payee, sum(c.counted for c in credits), qualifies, reached, len({c.deal for c in credits}), group
    )


def _pool(
    plan: Plan, pool: Pool, payees: Sequence[Payee], calendar: FiscalCalendar, through: date
) -> list[tuple[str, Awarded]]:
    found: list[tuple[str, Awarded]] = []
    for span in spans(plan, pool, None, calendar, through):
        groups: dict[str, list[Payee]] = defaultdict(list)
        for payee in payees:
            groups[str(payee.fields.get(pool.within, "")) if pool.within else ""].append(payee)
        period = _pay_period(plan, calendar, span.end)
        for group in sorted(groups):
            measured = sum(_measured(pool, payee, span) for payee in groups[group])
            amount = pools.fund(pool, measured, plan.rounding.mode)
            weights = {payee.payee: weight(plan, pool, payee, calendar, span) for payee in groups[group]}
            for name, cents in pools.shares(amount, weights).items():
                if cents:
                    found.append((name, Awarded(pool.id, period.key, "(pool)", cents)))
    return found


def _measured(pool: Pool, payee: Payee, span: Period) -> int:
    return sum(c.counted for c in payee.credits.get(pool.measure or "", ()) if c.credited_on in span)


def weight(plan: Plan, pool: Pool, payee: Payee, calendar: FiscalCalendar, span: Period) -> Decimal:
    """Give a member's weight in a pool: its formula over days of service and the member's fields, never below zero."""
    present = quotas.fraction(payee.service, span, span.end, "calendar_days", True) * span.days
    row: dict[str, object] = {"active_days": rounded(present), "level_weight": PPM, **payee.fields}
    if pool.measure:
        standing = interpret.standing(plan, payee, calendar, pool.measure, _pay_period(plan, calendar, span.end))
        if standing.place is not None:
            row["attainment"] = rounded(Fraction(standing.place), "half_even")
    value = parse(pool.by, MEMBER).evaluate(row)
    return max(Decimal(0), value) if isinstance(value, Decimal) else Decimal(0)
