"""Says what of a plan the set-oriented calculation cannot do yet: such a plan is refused by name, never computed otherwise.

Draws, guarantees, holdbacks and what becomes of a negative period change no earning: they settle it, payee by payee
(``salesops.compensation.settle``), and are no matter of this calculation.
"""

from __future__ import annotations

from collections.abc import Iterator

from salesops.common.errors import InvalidData, Problem
from salesops.compensation.plan import EARNS_BY_CREDIT, ROLLUP, Component, Curve, GateComponent, Plan, StepBonus
from salesops.compensation.setwise import gates
from salesops.compensation.setwise.caps import refused
from salesops.compensation.setwise.work import Grain


def unsupported(plan: Plan, grain: Grain = "deal") -> list[Problem]:
    """Give a problem for each part of the plan that this back end does not calculate; none where it calculates all."""
    return [_problem(plan, what) for what in [*_plan_parts(plan, grain), *_component_parts(plan, grain)]]


def check(plan: Plan, grain: Grain = "deal") -> None:
    """Raise InvalidData that names every part of the plan that this back end does not calculate."""
    for name in _names(plan):
        if "'" in name:
            raise InvalidData(f"Plan {plan.plan} has the name {name}", "Use letters, digits, _ and - in names")
    problems = unsupported(plan, grain)
    if problems:
        raise InvalidData(
            f"Plan {plan.plan} uses what the set-oriented calculation does not do: " + "; ".join(p.problem for p in problems),
            "Calculate it with the interpreter", problems,
        )  # fmt: skip


def _names(plan: Plan) -> Iterator[str]:
    """Give every name that stands in SQL."""
    yield from (plan.plan, plan.currency)
    for measure in plan.measures:
        yield from (measure.name, *measure.credit, *measure.of)
    for rule in plan.crediting:
        yield from (rule.type, rule.cap_group)


def _problem(plan: Plan, what: str) -> Problem:
    return Problem("plan", None, None, what, "Calculate it with the interpreter", record=plan.plan)


def _plan_parts(plan: Plan, grain: Grain) -> Iterator[str]:
    if plan.on_change == "carry":
        yield "on_change: carry"
    if plan.true_up is not None:
        yield "true_up of the plan"
    if plan.windfall is not None:
        if plan.windfall.review:
            yield "windfall: review"
        if set(plan.windfall.affects) != {"quota", "pay"}:
            yield f"windfall: affects {', '.join(plan.windfall.affects)}"
        measure = plan.measure(plan.windfall.measure)
        if measure is not None and ROLLUP in measure.credit and grain == "day":
            yield f"windfall on {measure.name} with managers by day"
    for quota in plan.quotas:
        if quota.relief == "earnings":
            yield f"relief: earnings of quota {quota.of}"
        if quota.proration == "working_days":
            yield f"proration: working_days of quota {quota.of}"
    if plan.target_incentive is not None and plan.target_incentive.proration == "working_days":
        yield "proration: working_days of target_incentive"


def _component_parts(plan: Plan, grain: Grain) -> Iterator[str]:
    for one in plan.components:
        if isinstance(one, GateComponent):
            continue
        if not isinstance(one, EARNS_BY_CREDIT):
            yield f"component {one.id}: kind {one.kind}"
            continue
        measure = plan.measure(one.measure)
        if measure is not None and measure.ratio is not None:
            yield f"component {one.id}: the ratio measure {measure.name}"
        by_day = grain == "day" and measure is not None and ROLLUP in measure.credit
        for what in refused(one.cap, isinstance(one, (Curve, StepBonus)), by_day) if one.cap else ():
            yield f"component {one.id}: {what}"
        yield from (f"component {one.id}: {what}" for what in gates.refused(plan, one))
        yield from _carried(one)


def _carried(one: Component) -> Iterator[str]:
    if one.accumulate == "rolling":
        yield f"component {one.id}: accumulate rolling"
    for name in ("clawback", "pilot"):
        if getattr(one, name):
            yield f"component {one.id}: {name}"
