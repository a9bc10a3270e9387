"""Finds what a plan's author may not have meant: cliffs, dead zones, pay that falls with sales, missing tests; and what it costs.

An error blocks publishing (a cliff that nobody accepted), a warning is to be read. Jumps are printed at an example quota.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from salesops.common.errors import Problem
from salesops.common.money import PPM, minor_digits
from salesops.common.periods import FiscalCalendar
from salesops.compensation import group, rates, tested
from salesops.compensation.exact import rounded
from salesops.compensation.plan import (
    EARNS_BY_CREDIT,
    AnyComponent,
    Curve,
    Flat,
    Given,
    Mbo,
    Plan,
    StepBonus,
    Tiered,
    UnitRate,
    WorkedTest,
)
from salesops.compensation.words import money, percent

EXAMPLE_QUOTA = 100_000
"""Major units of the quota at which jumps are shown where the plan names none."""
EXAMPLE_TARGET = 25_000
EXAMPLE_COUNT = 100


@dataclass(frozen=True, slots=True)
class Jump:
    """What one minor unit of sales is worth at a place: F there less F one unit before."""

    component: str
    at: int
    attainment: Fraction | None
    before: int
    after: int

    @property
    def worth(self) -> int:
        """The jump in minor units."""
        return self.after - self.before


def findings(plan: Plan, source: str = "plan") -> list[Problem]:
    """Give what is doubtful about a plan that can be read, in its order."""
    found: list[Problem] = []
    for n, component in enumerate(plan.components):
        if isinstance(component, EARNS_BY_CREDIT):
            found += _of_component(plan, component, source, f"components[{n}]")
    if not plan.tests:
        found.append(
            _warn(
                source, "tests", "The plan has no worked tests", "Add given and expect: what must come out, to the cent"
            )
        )
    untested = [
        one.id for one in plan.components if isinstance(one, (*EARNS_BY_CREDIT, Mbo)) and not _tested(plan, one.id)
    ]
    if plan.tests and untested:
        found.append(_warn(source, "tests", f"No worked test expects {', '.join(untested)}", "Add a test of it"))
    return found


def _tested(plan: Plan, name: str) -> bool:
    return any(name == what for test in plan.tests for what, _ in test.expect)


def _of_component(
    plan: Plan, one: Flat | Tiered | Curve | StepBonus | UnitRate, source: str, path: str
) -> Iterator[Problem]:
    for jump in jumps(plan, one):
        accepted = isinstance(one, (Tiered, StepBonus)) and one.accept_cliff
        place = percent(jump.attainment) if jump.attainment is not None else money(jump.at, plan.currency, code=True)
        at_quota = "" if jump.attainment is None else f" (at a quota of {money(_quota(plan, one), plan.currency)})"
        if jump.worth < 0:
            yield _warn(
                source,
                path,
                f"{one.id}: pay falls by {money(-jump.worth, plan.currency)} at {place}{at_quota}",
                "Selling more must not pay less: raise the rates above",
            )
        else:
            text = f"{one.id}: a cliff at {place}, where one more cent is worth {money(jump.worth, plan.currency)}{at_quota}"
            if accepted:
                yield _warn(source, path, f"{text}; the plan accepts it", "Watch deals around it")
            elif isinstance(one, Tiered):
                yield Problem(
                    source, None, path, text, "Use marginal bands, or write accept_cliff: true if it is meant"
                )
            else:
                yield _warn(source, path, text, "Use a deductible or a curve if it is not meant")
    yield from _flats(one, source, path)


def _flats(one: Flat | Tiered | Curve | StepBonus | UnitRate, source: str, path: str) -> Iterator[Problem]:
    """Find stretches that pay nothing more, and ones that pay less."""
    slopes: list[tuple[str, int]] = []
    if isinstance(one, Tiered) and one.mode == "marginal":
        slopes = [(f"band {n}", band.rate) for n, band in enumerate(one.bands, 1)]
    elif isinstance(one, UnitRate):
        slopes = [(f"band {n}", band.pay) for n, band in enumerate(one.bands, 1)]
    elif isinstance(one, Curve):
        slopes = [
            (
                f"between {percent(Fraction(a.attainment, PPM))} and {percent(Fraction(b.attainment, PPM))}",
                b.payout - a.payout,
            )
            for a, b in pairwise(one.points)
        ]
    elif isinstance(one, Flat):
        slopes = [("everywhere", one.rate)]
    for n, (place, slope) in enumerate(slopes):
        if slope < 0:
            yield _warn(source, path, f"{one.id}: {place} pays less the more is sold", "Raise it to zero or above")
        elif slope == 0 and (n > 0 or isinstance(one, Flat)):
            yield _warn(
                source,
                path,
                f"{one.id}: {place} is a dead zone, where selling more pays nothing",
                "Give it a rate, or accept it knowingly",
            )


def _warn(source: str, path: str, problem: str, remedy: str) -> Problem:
    return Problem(source, None, path, problem, remedy, severity="warning")


def _quota(plan: Plan, one: AnyComponent) -> int:
    quota = plan.quota_of(one.measure)
    if quota is not None and quota.amount is not None:
        return quota.amount
    return EXAMPLE_COUNT if _counts(plan, one) else rounded(Fraction(EXAMPLE_QUOTA) * _cents(plan))


def _counts(plan: Plan, one: AnyComponent) -> bool:
    measure = plan.measure(one.measure)
    return measure is not None and measure.unit == "count"


def _cents(plan: Plan) -> int:
    return int(10 ** minor_digits(plan.currency))


def earning_of(plan: Plan, one: Flat | Tiered | Curve | StepBonus | UnitRate) -> rates.Earning:
    """Give F of a component at the example quota and target incentive."""
    aim = plan.target_incentive.amount if plan.target_incentive is not None else None
    target = aim.cents if aim is not None else EXAMPLE_TARGET * _cents(plan)
    return rates.earning(one, Fraction(_quota(plan, one)), Fraction(target))


def jumps(plan: Plan, one: Flat | Tiered | Curve | StepBonus | UnitRate) -> list[Jump]:
    """Give the places at which one minor unit of sales is worth more than any rate of the component explains."""
    f = earning_of(plan, one)
    quota = _quota(plan, one)
    found: list[Jump] = []
    for place in _places(f, quota):
        before, after = rounded(f.total(place - 1)), rounded(f.total(place))
        if abs(after - before) > max(1, _steepest(one)):
            attainment = Fraction(place, quota) if quota and rates.needs_quota(one) else None
            found.append(Jump(one.id, place, attainment, before, after))
    return found


def _places(f: rates.Earning, quota: int) -> list[int]:
    if isinstance(f, rates.Slabs):
        edges = [slab.low for slab in f.slabs if slab.low is not None]
        return sorted({edge for edge in [*edges, *([f.gate] if f.gate is not None else [])] if edge > 0})
    if isinstance(f, rates.Smooth):
        return [rounded(f.scale * x / PPM) if f.scale is not None else x for x, _ in f.points]
    return []


def _steepest(one: Flat | Tiered | Curve | StepBonus | UnitRate) -> int:
    """Give the most that one unit may be worth by a rate alone, in minor units, rounded up."""
    if isinstance(one, UnitRate):
        return max(band.pay for band in one.bands)
    if isinstance(one, Tiered):
        return 1 + max(band.rate for band in one.bands) // PPM
    return 1 + (one.rate // PPM if isinstance(one, Flat) else 0)


# What it costs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """What one payee earns at an attainment of every quota, by component, and per unit of the first measure."""

    attainment: int
    by_component: tuple[tuple[str, int], ...]
    total: int
    sold: int

    @property
    def of_sales(self) -> Fraction | None:
        """Compensation cost of sales: total / sold."""
        return Fraction(self.total, self.sold) if self.sold else None


def cost_by_attainment(
    plan: Plan,
    points: Sequence[int] = (600_000, 800_000, 1_000_000, 1_200_000, 1_500_000),
    calendar: FiscalCalendar | None = None,
    quota: int | None = None,
    target: int | None = None,
) -> list[Cost]:
    """Give what a payee with an example quota earns in a whole window at some attainments (ppm) of every measure.

    Objectives are taken as achieved, ratio measures as 100 %.
    """
    calendar = calendar or FiscalCalendar()
    amount = quota if quota is not None else EXAMPLE_QUOTA * _cents(plan)
    aim = (
        target
        if target is not None
        else None
        if plan.target_incentive and plan.target_incentive.amount
        else EXAMPLE_TARGET * _cents(plan)
    )
    bases = {one.name: EXAMPLE_COUNT if one.unit == "count" else amount for one in plan.measures if one.ratio is None}
    goals = tuple((goal.id, PPM) for one in plan.components if isinstance(one, Mbo) for goal in one.goals)
    ratios = tuple((one.name, PPM) for one in plan.measures if one.ratio is not None)
    found: list[Cost] = []
    for point in points:
        measures = tuple((name, base * point // PPM) for name, base in bases.items())
        given = Given(
            quotas=tuple(bases.items()),
            measures=measures,
            achieved=goals,
            ratios=ratios,
            target_incentive=aim,
        )
        test = WorkedTest(given=given)
        period = tested.tested_period(plan, test, calendar)
        payee = tested.payee_of(plan, test, calendar, period)
        result = group.entitlements(plan, [payee], calendar, period.end)[payee.payee]
        parts = tuple(
            (one.id, result.of(one.id, period.key).cents)
            for one in plan.components
            if (one.id, period.key) in result.results
        )
        found.append(Cost(point, parts, sum(cents for _, cents in parts), amount * point // PPM))
    return found
