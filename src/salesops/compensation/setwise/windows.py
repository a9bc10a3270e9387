"""Computes the steps of a calculation: F of every payee, component and pay period, as bands or segments in minor units.

Quotas, proration, ramps and break-points come from the pure modules (``quotas``, ``rates``), once for each set of equal
circumstances, and become tables:

``calc.step``     k (number, in the order of results), c (component), p (payee), g (payee, component and window), t (period), place (of the period in
                  its window, from 0), retroactive, form (band, retroactive, smooth), gate BIGINT null,
                  smooth, moved (F is another than in the period before), quota_num, quota_den (null: none).
``calc.slab``     k, tier, low, high (null without end), rate: bands of steps that are not smooth.
``calc.limit``    limits of capped components (``caps``).
``calc.segment``  k, from_s (null without end), to_s, a, b, d: raw(S) = (a + b x S) / d, rounded half to even.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, lcm
from typing import Any, Final

from salesops.common.errors import Problem
from salesops.common.periods import Period
from salesops.compensation import quotas, rates
from salesops.compensation.exact import MICRO
from salesops.compensation.facts import Sum, on_day
from salesops.compensation.plan import (
    EARNS_BY_CREDIT,
    Curve,
    Days,
    Flat,
    Limit,
    Per,
    Quota,
    StepBonus,
    Target,
    Tiered,
    UnitRate,
    Window,
)
from salesops.compensation.quotas import Service, window_of
from salesops.compensation.setwise.caps import LIMIT, PLAN_LIMIT
from salesops.compensation.setwise.work import PPM, Work

Earner = Flat | Tiered | Curve | StepBonus | UnitRate
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Payee:
    """Somebody under the plan: number, name, service, and the first and last day on which credit counts."""

    number: int
    name: str
    service: Service
    first: date
    last: date
    region: str = ""
    weight: int = PPM


@dataclass
class Windows:
    """Finds quotas, targets and F of payees; what has equal circumstances is computed once."""

    work: Work
    bases: Mapping[tuple[str, str], Sequence[Sum]]
    targets: Mapping[str, Sequence[Sum]]
    _shares: dict[Any, Fraction | None] = field(default_factory=dict)
    _targets: dict[Any, Fraction] = field(default_factory=dict)
    _earnings: dict[Any, rates.Earning] = field(default_factory=dict)

    def quota(self, payee: Payee, measure: str | None, window: Period, upto: date) -> Fraction | None:
        """Give the exact effective quota of a measure from a window's start up to a day; None where no base is known."""
        quota = self.work.plan.quota_of(measure)
        if quota is None:
            return None
        rows = self.bases.get((payee.name, quota.of), ())
        if quota.amount is not None:
            return self._part(payee, quota, quota.amount, window, upto)
        if (
            len(rows) == 1
            and rows[0].valid.start <= max(window.start, payee.first)
            and (rows[0].valid.end or date.max) > min(window.end, upto)
        ):
            return self._part(payee, quota, rows[0].cents, window, upto)
        return quotas.effective(quota, lambda day: on_day(rows, day), payee.service, self.work.calendar, window, upto)

    def _part(self, payee: Payee, quota: Quota, base: int, window: Period, upto: date) -> Fraction | None:
        """The quota of one base: its share of a window is the same for all whose service is."""
        service = payee.service
        key = quota.of, service.active, service.hired, service.away, window.start, window.end, upto
        if key not in self._shares:
            self._shares[key] = quotas.effective(quota, 1, service, self.work.calendar, window, upto)
        share = self._shares[key]
        return None if share is None else base * share

    def target(self, payee: Payee, window: Period, upto: date | None = None) -> Fraction | None:
        """Give the target incentive of a window up to a day, prorated; None where none is known."""
        aim = self.work.plan.target_incentive or Target()
        cents = on_day(self.targets.get(payee.name, ()), max(window.start, payee.service.active.start))
        amount = Per(cents, aim.window) if cents is not None else aim.amount
        if amount is None:
            return None
        key = amount, payee.service.active, window.start, window.end, upto
        if key not in self._targets:
            self._targets[key] = quotas.target(amount, payee.service, self.work.calendar, window, aim.proration, upto)
        return self._targets[key]

    def earning(
        self, component: Earner, payee: Payee, window: Period, period: Period
    ) -> tuple[rates.Earning, Fraction | None]:
        """Give F of a component at the end of a period, and the quota that it uses. Raises rates.NoQuota."""
        plan = self.work.plan
        quota = self.quota(payee, component.measure, window, period.end) if rates.needs_quota(component) else None
        rule = plan.quota_of(component.measure)
        upto = window.end if rule is not None and rule.breakpoints == "full" else period.end
        target = self.target(payee, window, upto) if form_of(component) == "smooth" else None
        key = component.id, quota, target
        if key not in self._earnings:
            self._earnings[key] = rates.earning(component, quota, target)
        return self._earnings[key], quota


def payees(work: Work) -> tuple[list[Payee], list[Problem]]:
    """Give who is assigned to the plan; somebody with several assignments is a problem and is left out."""
    only = "" if work.subset is None else "AND s.payee IN (SELECT payee FROM calc.dirty)"
    away: dict[str, list[Days]] = defaultdict(list)
    for name, start, end in work.rows(
        "SELECT payee, valid_from, valid_to FROM given.absence ORDER BY payee, valid_from, valid_to"
    ):
        away[name].append(Days(start, end))
    found: list[Payee] = []
    problems: list[Problem] = []
    listed = work.rows(f"""
        SELECT p.p, s.payee, s.valid_from, s.valid_to, s.hired_on, s.left_on, s.ramp_from, coalesce(s.region, ''), coalesce(s.level_weight_ppm, {PPM}),
            count(*) OVER (PARTITION BY s.payee) FROM given.assignment s JOIN calc.payee p ON p.payee = s.payee
        WHERE s.plan = '{work.plan.plan}' AND s.valid_from <= DATE '{work.last}'
            AND (s.valid_to IS NULL OR s.valid_to > DATE '{work.first}') {only} ORDER BY p.p, s.valid_from""")  # fmt: skip
    for number, name, start, end, hired, left, ramp, region, weight, count in listed:
        if count > 1:
            if not problems or problems[-1].record != name:
                problems.append(_assigned_twice(work, name))
            continue
        served = service(start, end, hired, left, ramp, away.get(name, ()))
        first = max(work.first, served.active.start)
        last = work.last if served.active.end is None else min(work.last, served.active.end - _DAY)
        if first <= last:
            found.append(Payee(number, name, served, first, last, region, weight))
    return found, problems


def service(
    start: date, end: date | None, hired: date | None, left: date | None, ramp: date | None, away: Sequence[Days] = ()
) -> Service:
    """Give when somebody works under a plan: the assignment, cut by joining and leaving."""
    ends = [one for one in (end, left) if one is not None]
    return Service(Days(max(start, hired or start), min(ends, default=None)), ramp or hired or start, tuple(away))


def _assigned_twice(work: Work, name: str) -> Problem:
    return Problem(
        "assignments", None, "valid_from", f"{name} is assigned to plan {work.plan.plan} more than once in these periods",
        "Make one assignment of it; until then nothing is paid to this payee", record=name,
    )  # fmt: skip


def read_windows(work: Work) -> Windows:
    """Read base quotas and target incentives."""
    bases: dict[tuple[str, str], list[Sum]] = defaultdict(list)
    for name, measure, start, end, cents in work.rows(
        "SELECT payee, quota, valid_from, valid_to, cents FROM given.quota ORDER BY ALL"
    ):
        bases[name, measure].append(Sum(Days(start, end), cents))
    targets: dict[str, list[Sum]] = defaultdict(list)
    for name, start, end, cents in work.rows(
        "SELECT payee, valid_from, valid_to, cents FROM given.target ORDER BY ALL"
    ):
        targets[name].append(Sum(Days(start, end), cents))
    return Windows(work, bases, targets)


STEP: Final = {
    "k": "BIGINT", "c": "INTEGER", "p": "INTEGER", "g": "BIGINT", "t": "INTEGER", "place": "INTEGER", "form": "VARCHAR",
    "retroactive": "BOOLEAN", "gate": "BIGINT", "smooth": "BOOLEAN", "moved": "BOOLEAN", "quota_num": "HUGEINT", "quota_den": "HUGEINT",
}  # fmt: skip
SLAB: Final = {"k": "BIGINT", "tier": "INTEGER", "low": "BIGINT", "high": "BIGINT", "rate": "BIGINT"}
SEGMENT: Final = {"k": "BIGINT", "from_s": "BIGINT", "to_s": "BIGINT", "a": "HUGEINT", "b": "HUGEINT", "d": "HUGEINT"}


@dataclass
class _Tables:
    """Collects the rows of the tables of steps."""

    steps: list[tuple[Any, ...]] = field(default_factory=list)
    slabs: list[tuple[Any, ...]] = field(default_factory=list)
    segments: list[tuple[Any, ...]] = field(default_factory=list)
    limits: list[tuple[Any, ...]] = field(default_factory=list)
    groups: int = 0
    _shapes: dict[int, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]] = field(default_factory=dict)

    def add(
        self, number: int, form: str, payee: Payee, steps: Sequence[tuple[int, rates.Earning, Fraction | None]]
    ) -> None:
        """Add the steps of one payee and component in one window."""
        self.groups += 1
        before: rates.Earning | None = None
        for place, (t, earning, quota) in enumerate(steps):
            k = len(self.steps)
            moved = before is not None and earning is not before and earning != before
            exact = (None, None) if quota is None else quota.as_integer_ratio()
            self.steps.append((k, number, payee.number, self.groups, t, place, form, *_shape(earning), moved, *exact))
            slabs, segments = self._shape_rows(earning)
            self.slabs += [(k, *one) for one in slabs]
            self.segments += [(k, *one) for one in segments]
            before = earning

    def _shape_rows(self, earning: rates.Earning) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        if id(earning) not in self._shapes:
            self._shapes[id(earning)] = list(_slabs(earning)), list(_segments(earning))
        return self._shapes[id(earning)]


def make_steps(work: Work, windows: Windows, who: Sequence[Payee]) -> list[Problem]:
    """Make ``calc.who``, ``calc.step``, ``calc.slab`` and ``calc.segment``; who lacks a quota is a problem, without steps."""
    work.put(
        "who", {"p": "INTEGER", "first": "DATE", "last": "DATE"}, ((one.number, one.first, one.last) for one in who)
    )
    tables = _Tables()
    problems: list[Problem] = []
    earners = [(n, one) for n, one in enumerate(work.plan.components) if isinstance(one, EARNS_BY_CREDIT)]
    inside = {number: component_windows(work, work.plan.window_of(one)) for number, one in earners}
    for payee in who:  # steps are numbered by payee, component and period: the order of results
        for number, component in earners:
            for window, periods in inside[number]:
                try:
                    steps = list(_window_steps(windows, component, payee, window, periods))
                except rates.NoQuota:
                    problems.append(_no_quota(component, payee))
                    continue
                if steps:
                    tables.add(number, form_of(component), payee, steps)
                    tables.limits += _limits(windows, component, payee, window, tables.steps[-len(steps) :])
    work.put("step", STEP, tables.steps)
    work.put("slab", SLAB, tables.slabs)
    work.put("segment", SEGMENT, tables.segments)
    work.put("limit", LIMIT, tables.limits)
    work.put("plan_limit", PLAN_LIMIT, _plan_limits(work, windows, who))
    return problems


def component_windows(work: Work, window: Window) -> list[tuple[Period, list[tuple[int, Period]]]]:
    """Give the windows of a kind, each with the numbered pay periods in it."""
    found: dict[date, tuple[Period, list[tuple[int, Period]]]] = {}
    for t, period in enumerate(work.periods):
        whole = window_of(work.calendar, period.start, window)
        found.setdefault(whole.start, (whole, []))[1].append((t, period))
    return list(found.values())


def _window_steps(
    windows: Windows, component: Earner, payee: Payee, window: Period, inside: Sequence[tuple[int, Period]]
) -> Iterator[tuple[int, rates.Earning, Fraction | None]]:
    for t, period in inside:
        if period.end >= payee.first and period.start <= payee.last:
            yield t, *windows.earning(component, payee, window, period)


def _plan_limits(work: Work, windows: Windows, who: Sequence[Payee]) -> Iterator[tuple[Any, ...]]:
    """Give the rows of ``calc.plan_limit``."""
    if work.plan.cap is None:
        return
    for payee in who:
        for t, period in enumerate(work.periods):
            yield payee.number, t, *_money(windows, payee, work.plan.cap.above, period).as_integer_ratio()


def _money(windows: Windows, payee: Payee, limit: Limit, span: Period) -> Fraction:
    return Fraction(limit) if isinstance(limit, int) else (windows.target(payee, span) or Fraction(0)) * limit.ppm / PPM


def _limits(
    windows: Windows, component: Earner, payee: Payee, window: Period, steps: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    """Give the rows of ``calc.limit`` for steps of one window: money, or a share of the target incentive of the cap's scope."""
    cap = component.cap
    if cap is None:
        return
    for k, number, _, group, t, *_ in steps:
        period = windows.work.periods[t]
        span = (
            windows.work.calendar.period_of(period.start, "year")
            if cap.scope == "year"
            else window
            if cap.scope == "window"
            else period
        )
        scope = group if cap.scope == "window" else span.start.toordinal()
        yield k, number, scope, *_money(windows, payee, cap.above, span).as_integer_ratio()


def _no_quota(component: Earner, payee: Payee) -> Problem:
    return Problem(
        "quotas", None, component.measure or component.id, f"{payee.name} has no quota above zero for {component.measure}, which {component.id} needs",
        "Give a quota for the whole window, or set zero_quota in the plan; nothing is paid on it until then", record=payee.name,
    )  # fmt: skip


def form_of(component: Earner) -> str:
    """Say by which form of F a component earns: bands, retroactive bands, or a smooth (or stepped) function."""
    if isinstance(component, (Curve, StepBonus)):
        return "smooth"
    return "retroactive" if isinstance(component, Tiered) and component.mode == "retroactive" else "band"


def _shape(earning: rates.Earning) -> tuple[bool, int | None, bool]:
    if isinstance(earning, rates.Slabs):
        return earning.retroactive, earning.gate, False
    return False, None, True


def _slabs(earning: rates.Earning) -> Iterator[tuple[int, int | None, int | None, int]]:
    if isinstance(earning, rates.Slabs):
        for slab in earning.slabs:
            yield slab.tier, slab.low, slab.high, slab.rate


def _segments(earning: rates.Earning) -> Iterator[tuple[int | None, int | None, int, int, int]]:
    """Give the straight pieces of a smooth F, in 10^-6 minor units, each from the first whole S that is in it."""
    if isinstance(earning, rates.Constant):
        yield None, 1, 0, 0, 1
        yield 1, None, *_line(earning.amount * MICRO, Fraction(0))
    if not isinstance(earning, rates.Smooth):
        return
    unit = Fraction(1) if earning.scale is None else Fraction(PPM) / earning.scale  # of a place, for one of S
    starts = [ceil(x / unit) for x, _ in earning.points]
    yield None, starts[0], 0, 0, 1
    for n, (x, y) in enumerate(earning.points):
        last = n + 1 == len(earning.points)
        slope = Fraction(0)
        if earning.linear and not last:
            following, above = earning.points[n + 1]
            slope = (above - y) / Fraction(following - x)
        end = None if last else starts[n + 1]
        if end is None or end > starts[n]:
            yield starts[n], end, *_line((y - slope * x) * MICRO, slope * unit * MICRO)


def _line(offset: Fraction, slope: Fraction) -> tuple[int, int, int]:
    d = lcm(offset.denominator, slope.denominator)
    return int(offset * d), int(slope * d), d
