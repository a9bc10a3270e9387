"""Computes everything that one payee is paid under a plan, period by period: the oracle of the set-oriented back end.

``entitlement`` gives what each component earns in each pay period from the present inputs, whatever was posted before;
``statements`` settles it into ledger entries, and ``posting`` posts what differs from a ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from salesops.common.allocation import allocate
from salesops.common.errors import Problem
from salesops.common.money import PPM
from salesops.common.periods import FiscalCalendar, Period
from salesops.compensation import accumulate, clawback, crediting, links, measures, quotas, rates
from salesops.compensation.accumulate import EarningLine, PeriodPay, Step, window_pay
from salesops.compensation.crediting import Credit
from salesops.compensation.exact import pennies, rounded
from salesops.compensation.facts import Event, Payee, Sum, on_day
from salesops.compensation.plan import (
    EARNS_BY_CREDIT,
    MODIFIERS,
    AnyComponent,
    Cap,
    Component,
    Curve,
    Days,
    Flat,
    Gate,
    GateComponent,
    Limit,
    Matrix,
    Mbo,
    Multiplier,
    Per,
    Plan,
    Proration,
    Salary,
    StepBonus,
    Target,
    Tiered,
    UnitRate,
    Window,
)
from salesops.compensation.ppa import Key

LEAVE_PERIODS = 3
"""Periods over which paid attainment is averaged for ``relief: earnings``."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a measure stands at the end of a period: what is attained in the window so far, and its exact quota.

    ``value`` is the ratio of a ratio measure.
    """

    attained: int
    quota: Fraction | None
    value: Fraction | None = None

    @property
    def attainment(self) -> Fraction | None:
        """Attained / quota; None without a quota above zero."""
        return None if not self.quota or self.quota < 0 else self.attained / self.quota

    @property
    def place(self) -> Fraction | None:
        """Attainment, or the ratio, in parts per million: where a factor is looked up."""
        found = self.attainment if self.value is None else self.value
        return None if found is None else found * PPM


@dataclass(frozen=True, slots=True)
class ComponentResult:
    """What a component earns in a period. ``cents`` = computed - forfeited, plus what was deferred to it, less what it defers."""

    component: str
    period: str
    window: str
    before: int = 0
    after: int = 0
    standing: Standing | None = None
    factor: Fraction = Fraction(1)
    is_open: bool = True
    computed: int = 0
    forfeited: int = 0
    deferred: int = 0
    cents: int = 0
    lines: tuple[EarningLine, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a clawback takes in a period."""

    period: str
    component: str
    deal: str
    event: str
    cents: int


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that a payee earns: by period and component, what clawbacks take, and what is wrong."""

    payee: str
    periods: tuple[Period, ...]
    results: Mapping[tuple[str, str], ComponentResult]
    claims: tuple[Claim, ...]
    problems: tuple[Problem, ...]

    def of(self, component: str, period: str) -> ComponentResult:
        """The result of a component in a period."""
        return self.results[component, period]

    def earned(self, period: str) -> int:
        """What all components earn in a period, awards in kind included."""
        return sum(one.cents for one in self.results.values() if one.period == period)

    def by_key(self) -> dict[Key, int]:
        """What is earned per payee, component, origin period and deal: what the ledger must hold."""
        found: dict[Key, int] = {}
        for one in self.results.values():
            for deal, cents in by_deal(one).items():
                key = Key(self.payee, one.component, one.period, deal)
                found[key] = found.get(key, 0) + cents
        return {key: cents for key, cents in found.items() if cents}


def by_deal(result: ComponentResult) -> dict[str, int]:
    """Give a result's cents by deal; what caps take or defer stands under ``(cap)``."""
    found: dict[str, int] = {}
    for line in result.lines:
        found[line.deal] = found.get(line.deal, 0) + line.cents
    rest = result.cents - result.computed
    if rest:
        found["(cap)"] = rest
    return found


def entitlement(plan: Plan, payee: Payee, calendar: FiscalCalendar, through: date) -> Result:
    """Give what each component earns a payee in each pay period that begins by a day, from the present inputs."""
    return _Work(plan, payee, calendar, through).run()


def standing(plan: Plan, payee: Payee, calendar: FiscalCalendar, ref: str, period: Period) -> Standing:
    """Give how a component's or measure's window stands at the end of a pay period."""
    return _Work(plan, payee, calendar, period.end).standing(ref, period)


def holds_true(plan: Plan, payee: Payee, calendar: FiscalCalendar, gate: Gate, period: Period) -> bool:
    """Say whether a condition on a measure (or on the attainment of a component) holds at the end of a pay period."""
    return _Work(plan, payee, calendar, period.end).passes(gate, period)


class _Undefined(Exception):
    """A factor reads a measure that has no value: no quota above zero, or nothing in the denominator."""

    def __init__(self, measure: str) -> None:
        super().__init__(measure)
        self.measure = measure


class _Work:
    """Works out one payee, component by component in the order of their links."""

    def __init__(self, plan: Plan, payee: Payee, calendar: FiscalCalendar, through: date) -> None:
        self.plan, self.payee, self.calendar = plan, payee, calendar
        self.mode = plan.rounding.mode
        first = max(plan.effective.start, payee.service.active.start)
        ends = [end - timedelta(days=1) for end in (plan.effective.end, payee.service.active.end) if end is not None]
        last = min([through, *ends])
        self.periods = tuple(quotas.windows_in(calendar, plan.pay_period, first, last)) if first <= last else ()
        self.first, self.last = first, last
        self.results: dict[tuple[str, str], ComponentResult] = {}
        self.problems: list[Problem] = []
        self.claims: list[Claim] = []
        self.counted = {name: self._counted(name, found) for name, found in payee.credits.items()}

    def run(self) -> Result:
        for name in links.ordered(self.plan):
            component = self.plan.component(name)
            if component is None or isinstance(component, MODIFIERS):
                continue
            self._component(component)
        self._true_up()
        self._plan_limits()
        self._clawbacks()
        problems = tuple(dict.fromkeys(self.problems))
        return Result(self.payee.payee, self.periods, self.results, tuple(self.claims), problems)

    # Credits and standing -----------------------------------------------------------------------------------------

    def _counted(self, measure: str, found: Sequence[Credit]) -> list[Credit]:
        """Give the credits of a measure inside plan and assignment, in order, windfalls applied."""
        ordered = sorted((c for c in found if self.first <= c.credited_on <= self.last), key=lambda c: c.order)
        windfall = self.plan.windfall
        if windfall is None or windfall.measure != measure:
            return ordered
        return crediting.with_windfall(ordered, windfall.above, windfall.count, windfall.affects)

    def _credits(self, component: Component, period: Period) -> tuple[Credit, ...]:
        found = (c for c in self.counted.get(component.measure or "", ()) if c.credited_on in period)
        return tuple(self._replaced(component, credit) for credit in found)

    def _replaced(self, component: Component, credit: Credit) -> Credit:
        """Take the pay off a negative credit that a clawback replaces, and its count where the rule says so."""
        rule = component.clawback
        if rule is None or credit.counted >= 0 or self._cause(component, credit) is None:
            return credit
        return replace(credit, paid=0) if rule.counts_to_quota else replace(credit, paid=0, counted=0, attained=0)

    def _cause(self, component: Component, credit: Credit) -> Event | None:
        """Give the event with a clawback that a negative credit came with."""
        for event in self.payee.events:
            came_with = event.line == credit.line if event.line is not None else event.on == credit.credited_on
            if event.deal == credit.deal and came_with and self._claws(component, event):
                return event
        return None

    def _claws(self, component: Component, event: Event) -> bool:
        sold = self._sold_on(component, event.deal)
        rule = component.clawback
        return rule is not None and sold is not None and clawback.applies(rule, event.kind, sold, event.on)

    def _sold_on(self, component: Component, deal: str) -> date | None:
        found = (
            c.credited_on for c in self.counted.get(component.measure or "", ()) if c.deal == deal and c.counted > 0
        )
        return min(found, default=None)

    def quota(self, measure: str | None, window: Period, upto: date) -> Fraction | None:
        """Give the exact effective quota of a measure from a window's start up to a day."""
        quota = self.plan.quota_of(measure)
        if quota is None:
            return None
        rows = self.payee.quotas.get(quota.of, ())
        base = quota.amount if quota.amount is not None else lambda day: on_day(rows, day)
        service = self.payee.service
        if self.payee.carried:  # with carry, the quota of the new plan is not prorated by the change
            service = replace(service, active=replace(service.active, start=min(window.start, service.active.start)))
        return quotas.effective(quota, base, service, self.calendar, window, upto)

    def target(self, window: Period, upto: date | None = None) -> Fraction | None:
        """Give the target incentive of a window up to a day, None if there is none."""
        aim = self.plan.target_incentive or Target()
        found = self._by_interval(self.payee.targets, aim.window, aim.proration, window, upto)
        if found is None and aim.amount is not None:
            return quotas.target(aim.amount, self.payee.service, self.calendar, window, aim.proration, upto)
        return found

    def _by_interval(
        self, sums: Sequence[Sum], window: Window, method: Proration, span: Period, upto: date | None = None
    ) -> Fraction | None:
        """Give an amount that changes over time: each for its own days, or, not prorated, the one at the start."""
        service = self.payee.service
        first = max(span.start, service.active.start)
        if method == "none":
            cents = on_day(sums, first)
            return (
                None if cents is None else quotas.target(Per(cents, window), service, self.calendar, span, method, upto)
            )
        parts: list[Fraction] = []
        for one in sums:
            start = max(one.valid.start, service.active.start)
            ends = [end for end in (one.valid.end, service.active.end) if end is not None]
            end = min(ends, default=None)
            if start <= span.end and (end is None or (end > span.start and end > start)):
                part = replace(service, active=Days(start, end))
                parts.append(quotas.target(Per(one.cents, window), part, self.calendar, span, method, upto))
        return sum(parts, Fraction(0)) if parts else None

    def standing(self, ref: str, period: Period) -> Standing:
        """Give how a component's or measure's window stands at the end of a period."""
        component = self.plan.component(ref)
        name = component.measure or "" if component is not None else ref
        measure = self.plan.measure(name)
        quota = self.plan.quota_of(name)
        kind = (
            self.plan.window_of(component) if component is not None else quota.window if quota else self.plan.pay_period
        )
        window = quotas.window_of(self.calendar, period.start, kind)
        if measure is not None and measure.ratio is not None:
            parts = [p for p in self.payee.ratios.get(name, ()) if window.start <= p.on <= period.end]
            den = sum(part.den for part in parts)
            return Standing(0, None, Fraction(sum(part.num for part in parts), den) if den else None)
        found = (c for c in self.counted.get(name, ()) if window.start <= c.credited_on <= period.end)
        attained = sum(
            c.attained for c in (self._replaced(component, c) if component is not None else c for c in found)
        )
        return Standing(attained + self.payee.carried.get(name, 0), self.quota(name, window, period.end))

    # Components ---------------------------------------------------------------------------------------------------

    def _component(self, component: AnyComponent) -> None:
        try:
            if isinstance(component, EARNS_BY_CREDIT):
                self._by_credit(component)
            elif isinstance(component, Mbo):
                self._each(component, self._mbo(component))
            elif isinstance(component, Salary):
                self._each(component, self._salary(component))
            else:
                self._each(component, self._awards(component))
        except (rates.NoQuota, _Undefined) as error:
            self._unpaid(component, self.periods, error)

    def _unpaid(self, component: AnyComponent, periods: Sequence[Period], error: Exception) -> None:
        """List what is missing and pay nothing on it."""
        name = self.payee.payee
        if isinstance(error, _Undefined):
            what = f"{error.measure} has no value for {name} by {periods[-1].label}, which the factor of {component.id} needs"
            remedy = f"Give the figures or the quota of {error.measure}; nothing is paid on it until then"
        else:
            what = f"{name} has no quota above zero for {component.measure}, which {component.id} needs"
            remedy = (
                "Give a quota for the whole window, or set zero_quota in the plan; nothing is paid on it until then"
            )
        problem = Problem("quotas", None, component.measure or component.id, what, remedy, record=name)
        self.problems.append(problem)
        for period in periods:
            window = quotas.window_of(self.calendar, period.start, self.plan.window_of(component))
            self.results[component.id, period.key] = ComponentResult(
                component.id, period.key, window.key, problem=problem
            )

    def _by_credit(self, component: Flat | Tiered | Curve | StepBonus | UnitRate) -> None:
        if component.accumulate == "rolling":
            self._capped(component, [self._rolling(component, n) for n in range(len(self.periods))])
            return
        pays: list[tuple[Period, Period, Step, PeriodPay]] = []
        for window, periods in self._windows(component):
            start = self.payee.carried.get(component.measure or "", 0) if window.start < self.first else 0
            try:
                steps = [self._step(component, window, period, self._credits(component, period)) for period in periods]
            except (rates.NoQuota, _Undefined) as error:
                self._unpaid(component, periods, error)
                continue
            pays += zip([window] * len(periods), periods, steps, window_pay(steps, self.mode, start), strict=True)
        self._capped(component, pays)
        self._leave(component)

    def _leave(self, component: Component) -> None:
        """Add pay for days away where the quota's relief is by earnings: average paid attainment of the target of those days."""
        quota = self.plan.quota_of(component.measure)
        if quota is None or quota.relief != "earnings" or not self.payee.service.away:
            return
        for n, period in enumerate(self.periods):
            target = _weighed(component, self.target(period))
            present = quotas.fraction(self.payee.service, period, period.end, "calendar_days", True)
            whole = quotas.fraction(self.payee.service, period, period.end, "calendar_days", False)
            if present == whole or not target or not whole:
                continue
            before = [
                one for one in self.periods[max(0, n - LEAVE_PERIODS) : n] if (component.id, one.key) in self.results
            ]
            payouts = [
                (self.results[component.id, one.key].cents, _weighed(component, self.target(one))) for one in before
            ]
            more = rounded(quotas.leave_pay(payouts, target * (whole - present) / whole), self.mode)
            if more:
                self._add(component.id, period, "(leave)", more)

    def _add(self, component: str, period: Period, deal: str, cents: int) -> None:
        """Add a line of its own to a result."""
        before = self.results[component, period.key]
        cause = "year" if deal == "(true-up)" else ""
        line = EarningLine(
            deal, "", "", "true_up" if cause else "own", 0, None, None, 0, None, cents * PPM, cause, cents
        )
        self.results[component, period.key] = replace(
            before, computed=before.computed + cents, cents=before.cents + cents, lines=(*before.lines, line)
        )

    def _windows(self, component: Component) -> list[tuple[Period, list[Period]]]:
        found: dict[str, tuple[Period, list[Period]]] = {}
        for period in self.periods:
            window = quotas.window_of(self.calendar, period.start, self.plan.window_of(component))
            found.setdefault(window.key, (window, []))[1].append(period)
        return list(found.values())

    def _step(
        self,
        component: Flat | Tiered | Curve | StepBonus | UnitRate,
        window: Period,
        period: Period,
        found: tuple[Credit, ...],
    ) -> Step:
        quota = self.quota(component.measure, window, period.end) if rates.needs_quota(component) else None
        to_date = self.plan.quota_of(component.measure)
        upto = window.end if to_date is not None and to_date.breakpoints == "full" else period.end
        earning = rates.earning(component, quota, self.target(window, upto))
        counted = any(
            window.start <= c.credited_on <= period.end for c in self.counted.get(component.measure or "", ())
        )
        factor, on_base = self._factor(component, period, counted)
        return Step(period.key, earning, found, factor, on_base, self._open(component, period))

    def _rolling(
        self, component: Flat | Tiered | Curve | StepBonus | UnitRate, n: int
    ) -> tuple[Period, Period, Step, PeriodPay]:
        """Work out a period of a rolling component: the level of F over the last periods, not a difference."""
        inside = self.periods[max(0, n - component.rolling + 1) : n + 1]
        found = tuple(credit for period in inside for credit in self._credits(component, period))
        needed = (
            [self.quota(component.measure, period, period.end) for period in inside]
            if rates.needs_quota(component)
            else []
        )
        known = [one for one in needed if one is not None]
        quota = sum(known, Fraction(0)) if len(known) == len(needed) and known else None
        period = inside[-1]
        factor, on_base = self._factor(component, period)
        earning = rates.earning(component, quota, self.target(period))
        step = Step(period.key, earning, found, factor, on_base, self._open(component, period))
        (pay,) = window_pay([step], self.mode)
        return period, period, step, pay

    def _capped(self, component: AnyComponent, pays: Sequence[tuple[Period, Period, Step, PeriodPay]]) -> None:
        """Apply the component's cap to exact pay and keep the results."""
        cap = _CapState(component.cap, self.mode)
        for window, period, step, pay in pays:
            limit = self._limit(component.cap, window, period)
            grown = (
                pay.exact if component.accumulate == "rolling" else pay.exact - cap.pay_before(window.key, pay.exact)
            )
            year = self.calendar.period_of(period.start, "year").key
            kept, forfeited, deferred = cap.take(limit, grown, window.key, year, pay)
            self.results[component.id, period.key] = ComponentResult(
                component.id, period.key, window.key, pay.before, pay.after, self.standing(component.id, period), step.factor,
                step.is_open, pay.computed, forfeited, deferred, kept, pay.lines,
            )  # fmt: skip

    def _limit(self, cap: Cap | None, window: Period, period: Period) -> Fraction:
        if cap is None:
            return Fraction(0)
        span = period if cap.scope in ("period", "deal") else window
        if cap.scope == "year":
            span = self.calendar.period_of(period.start, "year")
        return self._money(cap.above, span)

    def _money(self, limit: Limit, span: Period) -> Fraction:
        return Fraction(limit) if isinstance(limit, int) else (self.target(span) or Fraction(0)) * limit.ppm / PPM

    def _each(self, component: AnyComponent, amounts: Mapping[str, list[tuple[str, Fraction]]]) -> None:
        """Keep components that are sums of named amounts per period: goals, salary, awards."""
        pays: list[tuple[Period, Period, Step, PeriodPay]] = []
        for window, periods in self._windows(component):
            paid, exact = 0, Fraction(0)
            for period in periods:
                is_open = self._open(component, period)
                factor, _ = self._factor(component, period, period.key in amounts)
                parts = [(deal, amount * factor) for deal, amount in amounts.get(period.key, ())] if is_open else []
                exact += sum((amount for _, amount in parts), Fraction(0))
                total = rounded(exact, self.mode)
                cents = pennies([amount for _, amount in parts], total - paid)
                lines = tuple(
                    EarningLine(
                        deal, "", "", "own", 0, None, None, 0, None, rounded(amount * PPM, "half_even"), cents=part
                    )
                    for (deal, amount), part in zip(parts, cents, strict=True)
                )
                step = Step(period.key, rates.Constant(Fraction(0)), (), factor, is_open=is_open)
                pays.append((window, period, step, PeriodPay(period.key, 0, 0, exact, total - paid, lines)))
                paid = total
        self._capped(component, pays)

    def _mbo(self, component: Mbo) -> dict[str, list[tuple[str, Fraction]]]:
        """Give goals' money, in the last period of each window."""
        found: dict[str, list[tuple[str, Fraction]]] = {}
        for window, periods in self._windows(component):
            if periods[-1].end < min(window.end, self.last) and periods[-1] != self.periods[-1]:
                continue
            if periods[-1].end != window.end and not self._leaves(periods[-1]):
                continue
            whole = (
                Fraction(component.amount) if component.amount is not None else _weighed(component, self.target(window))
            )
            achieved = {g.id: self.payee.achieved.get((component.id, g.id, window.key), 0) for g in component.goals}
            found[periods[-1].key] = [
                (f"({goal.id})", whole * measures.mbo_share([goal], achieved, component.goal_cap))
                for goal in component.goals
            ]
        return found

    def _leaves(self, period: Period) -> bool:
        end = self.payee.service.active.end
        return end is not None and end - timedelta(days=1) in period

    def _salary(self, component: Salary) -> dict[str, list[tuple[str, Fraction]]]:
        found: dict[str, list[tuple[str, Fraction]]] = {}
        for period in self.periods:
            window = component.window or self.plan.pay_period
            paid = self._by_interval(self.payee.salaries, window, component.proration, period)
            if paid is None and component.amount is not None:
                paid = quotas.target(component.amount, self.payee.service, self.calendar, period, component.proration)
            if paid is not None:
                found[period.key] = [("(salary)", paid)]
        return found

    def _awards(self, component: AnyComponent) -> dict[str, list[tuple[str, Fraction]]]:
        found: dict[str, list[tuple[str, Fraction]]] = {}
        for award in self.payee.awards:
            if award.component == component.id:
                found.setdefault(award.period, []).append((award.deal, Fraction(award.cents)))
        return found

    # Links ----------------------------------------------------------------------------------------------------------

    def _factor(self, component: Component, period: Period, pays: bool = True) -> tuple[Fraction, bool]:
        """Give the product of a component's multipliers and matrices in a period, and whether it applies to the base.

        Where a factor is undefined and nothing is there that it could change, it is 1.
        """
        try:
            return self._product(component, period)
        except _Undefined:
            if pays:
                raise
            return Fraction(1), False

    def _product(self, component: Component, period: Period) -> tuple[Fraction, bool]:
        product, on_base = Fraction(1), False
        for one in self.plan.modifiers_of(component.id):
            if isinstance(one, Multiplier):
                product *= self._multiplier(one, component, period)
                on_base = on_base or one.on == "base"
            elif isinstance(one, Matrix):
                row, col = (self._place(axis.measure, period) for axis in (one.rows, one.cols))
                product *= rates.matrix_factor(one, row, col)
                on_base = on_base or one.on == "base"
        return product, on_base

    def _multiplier(self, one: Multiplier, component: Component, period: Period) -> Fraction:
        if one.factor is not None:
            return Fraction(one.factor, PPM)
        place = self._place(one.measure or component.id, period)
        return rates.factor_by_band(one.bands, place) if one.bands else rates.factor_by_point(one.points, place)

    def _place(self, ref: str, period: Period) -> Fraction:
        place = self.standing(ref, period).place
        if place is None:
            raise _Undefined(ref)
        return place

    def _open(self, component: Component, period: Period) -> bool:
        gates = [component.gate] if component.gate else []
        gates += [one.when for one in self.plan.modifiers_of(component.id) if isinstance(one, GateComponent)]
        return all(self.passes(gate, period) for gate in gates)

    def passes(self, gate: Gate, period: Period) -> bool:
        """Say whether a condition holds at the end of a period; a standing that is undefined does not pass."""
        if gate.of == "earned":
            result = self.results.get((gate.ref, period.key))
            return _compares(result.cents if result else 0, gate.op, gate.at)
        standing = self.standing(gate.ref, period)
        if gate.of == "value":
            return standing.value is not None and _compares(standing.value * PPM, gate.op, gate.at)
        if gate.of == "amount":
            return _compares(standing.attained, gate.op, gate.at)
        if standing.quota is None or standing.quota <= 0:
            return False
        return _compares(standing.attained, gate.op, rounded(standing.quota * gate.at / PPM))

    # Year's end and plan limits ---------------------------------------------------------------------------------------

    def _true_up(self) -> None:
        rule = self.plan.true_up
        component = self.plan.component(rule.component) if rule else None
        if rule is None or not isinstance(component, EARNS_BY_CREDIT):
            return
        for period in self.periods:
            year = self.calendar.period_of(period.start, "year")
            if period.end != year.end:
                continue
            inside = [one for one in self.periods if year.start <= one.start <= year.end]
            total = sum(credit.counted for one in inside for credit in self._credits(component, one))
            quota = self.quota(component.measure, year, year.end) if rates.needs_quota(component) else None
            try:
                whole = rates.earning(component, quota, self.target(year)).total(total)
            except rates.NoQuota:
                continue
            paid = sum(self.results[component.id, one.key].cents for one in inside)
            more = accumulate.true_up(whole, paid, rule.mode == "lift_only", self.mode)
            if more:
                self._add(component.id, period, "(true-up)", more)

    def _plan_limits(self) -> None:
        for period in self.periods:
            names = [one.id for one in self.plan.components if (one.id, period.key) in self.results and not one.award]
            total = sum(max(0, self.results[name, period.key].cents) for name in names)
            cap = self.plan.cap
            if cap is not None:
                limit = self._money(cap.above, period)
                over = total - rounded(rates.capped(total, cap, limit), self.mode)
                if over > 0:
                    self._cut(names, period, over)

    def _cut(self, names: Sequence[str], period: Period, over: int) -> None:
        """Take what is above the plan's cap from its components, in proportion."""
        weights = {name: max(0, self.results[name, period.key].cents) for name in names}
        for name, cents in allocate(over, weights).items():
            before = self.results[name, period.key]
            self.results[name, period.key] = replace(
                before, forfeited=before.forfeited + cents, cents=before.cents - cents
            )

    # Clawbacks ----------------------------------------------------------------------------------------------------------

    def _clawbacks(self) -> None:
        for component in self.plan.components:
            if component.clawback is None or not isinstance(component, EARNS_BY_CREDIT):
                continue
            done: set[str] = set()
            for event in sorted(self.payee.events, key=lambda one: (one.on, one.deal, one.kind)):
                period = next((one for one in self.periods if event.on in one), None)
                if period is None or event.deal in done or not self._claws(component, event):
                    continue
                done.add(event.deal)
                cents = self._claw(component, event, period, done)
                if cents > 0:
                    self.claims.append(Claim(period.key, component.id, event.deal, event.kind, cents))

    def _claw(
        self, component: Flat | Tiered | Curve | StepBonus | UnitRate, event: Event, period: Period, done: set[str]
    ) -> int:
        rule = component.clawback
        sold = self._sold_on(component, event.deal)
        assert rule is not None
        assert sold is not None
        upto = [one for one in self.periods if one.start <= period.start]
        paid = sum(by_deal(self.results[component.id, one.key]).get(event.deal, 0) for one in upto)
        without = self._without(component, period, done) if rule.method == "recompute" else None
        return clawback.amount(rule, paid, sold, event.on, without, self.mode)

    def _without(self, component: Flat | Tiered | Curve | StepBonus | UnitRate, period: Period, gone: set[str]) -> int:
        """Give what the windows of the gone deals pay up to a period, less what they would pay without them.

        What earlier clawbacks by this rule took is not taken again.
        """
        difference = 0
        for window, periods in self._windows(component):
            inside = [one for one in periods if one.start <= period.start]
            if not inside:
                continue
            steps = [self._step(component, window, one, self._kept(component, one, gone)) for one in inside]
            paid = sum(self.results[component.id, one.key].computed for one in inside)
            difference += paid - sum(pay.computed for pay in window_pay(steps, self.mode))
        return difference - sum(claim.cents for claim in self.claims if claim.component == component.id)

    def _kept(self, component: Component, period: Period, gone: set[str]) -> tuple[Credit, ...]:
        return tuple(credit for credit in self._credits(component, period) if credit.deal not in gone)


class _CapState:
    """Follows exact pay through a cap: kept to date in its scope, and what is deferred."""

    def __init__(self, cap: Cap | None, mode: str) -> None:
        self.cap, self.mode = cap, mode
        self.window = self.scope = ""
        self.before = self.spent = self.kept = self.over = Fraction(0)

    def pay_before(self, window: str, exact: Fraction) -> Fraction:
        """Give exact pay of the window before this period, and remember this one's."""
        before = self.before if window == self.window else Fraction(0)
        self.window, self.before = window, exact
        return before

    def take(self, limit: Fraction, grown: Fraction, window: str, year: str, pay: PeriodPay) -> tuple[int, int, int]:
        """Give (kept, forfeited, newly deferred) cents of a period that earned ``grown`` exactly."""
        if self.cap is None:
            return pay.computed, 0, 0
        scope = {"window": window, "year": year}.get(self.cap.scope, pay.period)
        if self.cap.kind == "defer":
            waiting = rounded(self.over)
            kept, self.over = (Fraction(one) for one in rates.deferred(self.over, grown, limit))
            cents = rounded(kept)
            return cents, 0, rounded(self.over) - waiting
        if self.cap.scope == "deal":
            return self._by_deal(limit, pay)
        if scope != self.scope:
            self.scope, self.spent, self.kept = scope, Fraction(0), Fraction(0)
        before, already = rounded(self.kept), rounded(self.spent)
        self.spent += grown
        self.kept = Fraction(rates.capped(self.spent, self.cap, limit))
        cents = rounded(self.kept) - before
        return cents, rounded(self.spent) - already - cents, 0

    def _by_deal(self, limit: Fraction, pay: PeriodPay) -> tuple[int, int, int]:
        assert self.cap is not None
        sums: dict[str, int] = {}
        for line in pay.lines:
            sums[line.deal] = sums.get(line.deal, 0) + line.cents
        kept = sum(rounded(rates.capped(cents, self.cap, limit)) for cents in sums.values())
        return kept, pay.computed - kept, 0


def _weighed(component: Component, target: Fraction | None) -> Fraction:
    weight = PPM if component.weight is None else component.weight
    return (target or Fraction(0)) * weight / PPM


def _compares(value: Fraction | int, op: str, limit: int) -> bool:
    return {">=": value >= limit, ">": value > limit, "<": value < limit, "<=": value <= limit}[op]
