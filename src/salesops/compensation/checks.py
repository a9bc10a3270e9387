"""Checks that a plan makes sense: names that exist, sums that are whole, bands in order, formulas that fit, no cycles.

``field`` of a problem is the path in the plan (``components[0].bands[1].rate``), which the reader turns into a line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from salesops.common.errors import InvalidData, Problem
from salesops.common.expressions import Kind, Schema, check, parse
from salesops.common.money import PPM
from salesops.compensation import links
from salesops.compensation.plan import (
    EARNS_BY_CREDIT,
    MODIFIERS,
    ROLLUP,
    AnyComponent,
    Contest,
    Curve,
    Flat,
    Gate,
    GateComponent,
    Holdback,
    Matrix,
    Mbo,
    Measure,
    Multiplier,
    Plan,
    Point,
    Pool,
    Salary,
    Spiff,
    StepBonus,
    Tiered,
    UnitRate,
)
from salesops.compensation.schema import DEAL, MEMBER
from salesops.compensation.words import rate


def problems_of(plan: Plan, source: str = "plan", schema: Schema | None = None) -> list[Problem]:
    """Give everything that is wrong with a plan that could be read."""
    checker = _Checker(plan, source, {**DEAL, **(schema or {})})
    return list(checker.all())


class _Checker:
    def __init__(self, plan: Plan, source: str, schema: Schema) -> None:
        self.plan, self.source, self.schema = plan, source, schema
        self.measures = [one.name for one in plan.measures]
        self.names = [one.id for one in plan.components]

    def wrong(self, path: str, problem: str, remedy: str) -> Problem:
        return Problem(self.source, None, path, problem, remedy)

    def all(self) -> Iterator[Problem]:
        plan = self.plan
        yield from self.twice(self.measures, "measures", "measure")
        yield from self.twice(self.names, "components", "component")
        if not plan.components:
            yield self.wrong("components", "The plan has no components", "Add at least one")
        for one in plan.measures:
            yield from self.measure(one, f"measures.{one.name}")
        for n, quota in enumerate(plan.quotas):
            place = "quota" if len(plan.quotas) == 1 else f"quota[{n}]"
            yield from self.known(quota.of, self.measures, f"{place}.of", "measure")
            yield from self.whole(quota.seasonality, f"{place}.seasonality") if quota.seasonality else ()
        for n, rule in enumerate(plan.crediting):
            yield from self.formula(rule.when, "bool", f"crediting[{n}].when")
            if rule.transition is not None:
                yield from self.whole(rule.transition.split, f"crediting[{n}].transition.split")
        if plan.windfall is not None:
            if plan.windfall.count == 0 and "pay" not in plan.windfall.affects:
                yield self.wrong(
                    "windfall.count",
                    "What counts nothing lies in no band, so no rate could pay it",
                    "Count a share above 0 %, or add pay to affects",
                )
            yield from self.known(plan.windfall.measure, self.measures, "windfall.measure", "measure")
        if plan.true_up is not None:
            yield from self.known(plan.true_up.component, self.names, "true_up.component", "component")
        if plan.draw is not None and plan.guarantee is not None:
            yield self.wrong("guarantee", "A plan has a draw or a guarantee, not both", "Remove one")
        for n, component in enumerate(plan.components):
            yield from self.component(component, f"components[{n}]")
        cycle = links.cycle(plan)
        if cycle:
            yield self.wrong(
                "components",
                f"Components read each other in a circle: {' -> '.join(cycle)}",
                "Remove one of these links",
            )

    # Parts ------------------------------------------------------------------------------------------------------------

    def measure(self, one: Measure, path: str) -> Iterator[Problem]:
        wanted: Kind = "count" if one.unit == "count" else "money"
        if one.ratio is None and one.amount is None:
            yield self.wrong(
                path, f"The measure {one.name} has neither amount nor ratio", "Write for example amount: deal.amount"
            )
        yield from self.formula(one.amount, wanted, f"{path}.amount")
        yield from self.formula(one.where, "bool", f"{path}.where")
        if one.ratio is not None:
            yield from self.formula(one.ratio.num, None, f"{path}.ratio.num")
            yield from self.formula(one.ratio.den, None, f"{path}.ratio.den")
        if ROLLUP in one.credit and len(one.credit) > 1:
            yield self.wrong(
                f"{path}.credit",
                "Roll-up and direct credit do not add up in one measure",
                "Use include_self, or two measures",
            )

    def component(self, one: AnyComponent, path: str) -> Iterator[Problem]:
        if one.measure is not None:
            names = self.measures + (self.names if isinstance(one, Multiplier) else [])
            yield from self.known(one.measure, names, f"{path}.measure", "measure")
        elif isinstance(one, (*EARNS_BY_CREDIT, Spiff)) and not (isinstance(one, Spiff) and one.per == "deal"):
            yield self.wrong(
                path, f"{one.id} needs a measure", f"Add measure: one of {', '.join(self.measures) or 'your measures'}"
            )
        measure = self.plan.measure(one.measure)
        if isinstance(one, UnitRate) and measure is not None and measure.unit != "count":
            yield self.wrong(
                f"{path}.measure", f"{one.measure} counts money, not units", "Set unit: count on the measure"
            )
        if isinstance(one, EARNS_BY_CREDIT) and measure is not None and measure.ratio is not None:
            yield self.wrong(
                f"{path}.measure",
                f"{one.measure} is a ratio: nothing is earned on it directly",
                "Use it in a multiplier or matrix",
            )
        yield from self.shape(one, path)
        yield from self.extras(one, path)
        if isinstance(one, MODIFIERS):
            for name in one.applies_to:
                yield from self.known(name, [n for n in self.names if n != one.id], f"{path}.applies_to", "component")

    def shape(self, one: AnyComponent, path: str) -> Iterator[Problem]:
        """Check what belongs to the kind of a component."""
        match one:
            case Tiered():
                yield from self.bands([band.to for band in one.bands], f"{path}.bands")
            case UnitRate():
                yield from self.bands(
                    [None if b.to is None else Point(amount=b.to) for b in one.bands], f"{path}.bands"
                )
            case Multiplier():
                if sum((one.factor is not None, bool(one.bands), bool(one.points))) != 1:
                    yield self.wrong(path, f"{one.id} needs a factor, bands or points", "Give exactly one of them")
                if one.bands:
                    yield from self.bands(
                        [None if b.to is None else Point(attainment=b.to) for b in one.bands], f"{path}.bands"
                    )
                yield from self.ascending([point.at for point in one.points], f"{path}.points")
            case Curve():
                yield from self.ascending([point.attainment for point in one.points], f"{path}.points")
                yield from self.target(one, path)
            case StepBonus():
                yield from self.bands([*(step.at for step in one.steps), None], f"{path}.steps")
            case Matrix():
                yield from self.matrix(one, path)
            case Mbo():
                yield from self.twice([goal.id for goal in one.goals], f"{path}.goals", "goal")
                yield from self.whole([goal.weight for goal in one.goals], f"{path}.goals")
                if one.amount is None:
                    yield from self.target(one, path)
            case Spiff():
                yield from self.formula(one.where, "bool", f"{path}.where")
            case Contest():
                yield from self.known(one.rank_by, self.measures, f"{path}.rank_by", "measure")
                yield from self.gate(one.qualify, f"{path}.qualify", True)
            case Pool():
                yield from self.formula(one.by, None, f"{path}.share", MEMBER)
                if (one.share_of is None) == (one.amount is None):
                    yield self.wrong(path, f"{one.id} needs a fund", "Write fund: 2% of a measure, or an amount")
            case GateComponent():
                yield from self.gate(one.when, f"{path}.when")
            case Flat() | Salary():
                pass

    def extras(self, one: AnyComponent, path: str) -> Iterator[Problem]:
        """Check what any component may carry."""
        yield from self.gate(one.gate, f"{path}.gate")
        if one.hold is not None:
            yield from self.hold(one.hold, f"{path}.hold")
        if one.accumulate == "rolling" and one.rolling < 1:
            yield self.wrong(f"{path}.rolling", f"{one.id} is rolling over no periods", "Write for example rolling: 3")
        if one.accumulate != "rolling" and one.rolling:
            yield self.wrong(f"{path}.rolling", f"{one.id} does not roll", "Write accumulate: rolling, or remove it")

    def hold(self, hold: Holdback, path: str) -> Iterator[Problem]:
        yield from self.whole([part.share for part in hold.milestones], path)
        yield from self.twice([part.on for part in hold.milestones], path, "milestone")

    def matrix(self, one: Matrix, path: str) -> Iterator[Problem]:
        for axis, name in ((one.rows, "rows"), (one.cols, "cols")):
            yield from self.known(axis.measure, self.measures + self.names, f"{path}.{name}.measure", "measure")
            yield from self.ascending(axis.at, f"{path}.{name}.at")
        if len(one.cells) != len(one.rows.at) or any(len(row) != len(one.cols.at) for row in one.cells):
            yield self.wrong(
                f"{path}.cells",
                f"The cells of {one.id} do not fit {len(one.rows.at)} rows and {len(one.cols.at)} columns",
                "Give one factor for each",
            )

    def target(self, one: AnyComponent, path: str) -> Iterator[Problem]:
        if self.plan.target_incentive is None:
            yield self.wrong(
                path,
                f"{one.id} pays of the target incentive, and the plan has none",
                "Add target_incentive: 25_000 per quarter, or a window for payees' own",
            )

    # Rules ------------------------------------------------------------------------------------------------------------

    def formula(
        self, text: str | None, expect: Kind | None, path: str, schema: Schema | None = None
    ) -> Iterator[Problem]:
        if text is None:
            return
        fields = self.schema if schema is None else schema
        for problem in check(text, fields, None if expect in ("money", "count") else expect, path):
            yield self.wrong(path, f"{problem.problem} (at {problem.field} of: {text})", problem.remedy)
        if expect in ("money", "count"):
            yield from self.amount(text, expect, path)

    def amount(self, text: str, expect: Kind, path: str) -> Iterator[Problem]:
        try:
            found = parse(text, self.schema).type
        except InvalidData:
            return  # reported already
        fits = found.kind == "money" if expect == "money" else found.kind in ("count", "number")
        if not fits:
            yield self.wrong(
                path,
                f"'{text}' gives {found}, but {expect} is needed",
                "Use a field of that kind, or set unit on the measure",
            )

    def gate(self, gate: Gate | None, path: str, own: bool = False) -> Iterator[Problem]:
        if gate is None or (own and not gate.ref):
            return
        names = self.names if gate.of == "earned" else self.measures + self.names
        yield from self.known(gate.ref, names, path, "component or measure")

    def known(self, name: str, names: Sequence[str], path: str, what: str) -> Iterator[Problem]:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            remedy = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names) or 'none'}"
            yield self.wrong(path, f"There is no {what} '{name}'", remedy)

    def twice(self, names: Sequence[str], path: str, what: str) -> Iterator[Problem]:
        for name in sorted({name for name in names if list(names).count(name) > 1}):
            yield self.wrong(path, f"The {what} '{name}' is there twice", "Give each a name of its own")

    def whole(self, parts: Iterable[int], path: str) -> Iterator[Problem]:
        total = sum(parts)
        if total != PPM:
            yield self.wrong(path, f"The parts sum to {rate(total)}, not 100 %", "Correct them")

    def ascending(self, values: Sequence[int], path: str) -> Iterator[Problem]:
        if any(b <= a for a, b in itertools.pairwise(values)):
            yield self.wrong(path, "The points do not ascend", "List them from the lowest to the highest, each once")

    def bands(self, points: Sequence[Point | None], path: str) -> Iterator[Problem]:
        """Check that bands ascend, speak one language, and that the last is open."""
        if not points or points[-1] is not None:
            yield self.wrong(
                path, "The last band has an end, so above it nothing is said", "Leave 'to' out of the last band"
            )
        inner = [point for point in points[:-1] if point is not None]
        if len(inner) < len(points) - 1:
            yield self.wrong(path, "A band in the middle has no end", "Give each but the last a 'to'")
        if any((one.attainment is None) != (inner[0].attainment is None) for one in inner):
            yield self.wrong(path, "Bands mix shares of the quota and amounts", "Use one of the two")
            return
        values = [one.amount if one.attainment is None else one.attainment for one in inner]
        if any((b or 0) <= (a or 0) for a, b in itertools.pairwise(values)) or any((v or 0) < 0 for v in values):
            yield self.wrong(
                path, "The bands overlap or run backwards", "List them from the lowest to the highest, each end once"
            )
