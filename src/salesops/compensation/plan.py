"""Holds a compensation plan: typed, frozen, closed vocabulary. Read from YAML by ``reader``, written by it, hashed by ``identity``.

Money is minor units of the plan's currency (``Cents``), shares and rates are parts per million (``Ppm``), a range
``a .. b`` of days is held as ``[start, end)``. Every name that an auditor must read is a field here, never a formula;
expressions (``Formula``) stand only in ``where``, ``amount``, ``weight`` and their like, as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Final, Literal

Cents = Annotated[int, "money"]
"""Minor units of the plan's currency."""
Ppm = Annotated[int, "share"]
"""Parts per million: 8 % is 80,000. Also attainments: 120 % is 1,200,000."""
Factor = Annotated[int, "factor"]
"""A factor in parts per million: 1.136 is 1,136,000."""
Name = Annotated[str, "name"]
"""A word that other parts refer to: letters, digits, ``_`` and ``-``."""
Formula = Annotated[str, "formula"]
"""Text of the expression language (``salesops.common.expressions``)."""

Window = Literal["month", "quarter", "half", "year"]
"""``half`` is two quarters of the fiscal year, from its start."""
Accumulate = Literal["period", "ytd", "rolling"]
Proration = Literal["calendar_days", "working_days", "whole_months", "none"]
ZeroQuota = Literal["full", "none", "error"]
Negative = Literal["recover", "carry_negative", "floor_zero"]
RoundingMode = Literal["half_up", "half_even"]
Affects = Literal["quota", "pay"]

PRIMARY: Final = "primary"
ROLLUP: Final = "rollup"
HOUSE: Final = "(house)"
"""The payee of credit that nobody gets."""


# Small values ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Days:
    """A range of whole days ``[start, end)``; ``end`` None is open. Written ``2026-01-01 .. 2026-12-31``, both inside."""

    start: date
    end: date | None = None

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: ``365 days``, ``6 months``, ``5 years``."""

    count: int
    unit: Literal["days", "months", "years"]


@dataclass(frozen=True, slots=True)
class Per:
    """Money for each period of a length: ``4_000 per month``."""

    cents: Cents
    window: Window


@dataclass(frozen=True, slots=True)
class OfTarget:
    """A share of the target incentive of the component's window: ``300% of target_incentive``."""

    ppm: Ppm


Limit = Cents | OfTarget
"""Money, or a share of the target incentive."""


@dataclass(frozen=True, slots=True)
class Point:
    """A break-point: an attainment (``100%``, of the quota), or an amount or count of the measure (``250_000``).

    Exactly one is given.
    """

    attainment: Ppm | None = None
    amount: int | None = None


# Measures and quotas --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Numerator and denominator, summed apart and divided last."""

    num: Formula
    den: Formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is accumulated: an amount (or ratio) of the credits of some types that pass a filter.

    ``unit`` ``money``: ``amount`` gives money, converted at ``rate`` to the plan's currency and rounded once a deal
    line. ``count``: whole units. ``levels``, ``of``, ``include_self`` and ``exclude_own_direct`` are read where
    ``credit`` holds ``rollup``.
    """

    name: Name
    credit: tuple[str, ...] = (PRIMARY,)
    amount: Formula | None = None
    where: Formula | None = None
    ratio: Ratio | None = None
    unit: Literal["money", "count"] = "money"
    rate: Literal["plan", "record"] = "plan"
    levels: Literal["1", "2", "all"] = "all"
    of: tuple[str, ...] = (PRIMARY,)
    include_self: bool = False
    exclude_own_direct: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How the effective quota of a window comes about. The base is ``amount`` or, without it, the payee's quota row."""

    of: Name
    window: Window = "year"
    amount: Cents | None = None
    seasonality: tuple[Ppm, ...] = ()
    proration: Proration = "calendar_days"
    ramp: tuple[Ppm, ...] = ()
    relief: Literal["quota", "earnings", "none"] = "quota"
    breakpoints: Literal["to_date", "full"] = "to_date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target incentive (variable pay at 100 %): money for a window, prorated apart from the quota."""

    amount: Per | None = None
    window: Window = "year"
    proration: Proration = "calendar_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Windfall:
    """Of a payee's share in one deal, what lies above ``above`` counts by ``count``."""

    measure: Name
    above: Cents
    count: Ppm
    affects: tuple[Affects, ...] = ("quota", "pay")
    review: bool = False


# Crediting ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """How a deal is shared between the payee before and the payee after a change of territory."""

    protect_days: int
    split: tuple[Ppm, Ppm]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRule:
    """Who gets credit of a type. ``to`` is a field that holds a payee (``deal.owner``), ``territory`` or ``split``.

    ``max_total`` caps the credit of all types of one ``cap_group`` on a deal. ``priority`` orders rules of one source.
    """

    type: Name = PRIMARY
    to: str = "deal.owner"
    share: Ppm = 1_000_000
    when: Formula | None = None
    max_total: Ppm | None = None
    cap_group: str = "overlay"
    as_of: Literal["booked", "created", "period_end", "closed_won_stage_entry"] = "booked"
    role: str = ""
    transition: Transition | None = None
    source: Literal["override", "named_account", "territory", "split", "owner", "house"] = "owner"
    id: str = ""


# What a component may carry --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on another component or measure: ``revenue.attainment >= 50%``.

    ``of`` ``attainment`` compares money with the rounded break-point ``at x quota``; ``amount`` and ``earned`` compare
    cents; ``value`` a ratio measure in ppm.
    """

    ref: Name
    of: Literal["attainment", "amount", "earned", "value"]
    op: Literal[">=", ">", "<", "<="]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A limit of earnings. ``hard`` forfeits the excess, ``soft`` pays a share of it, ``defer`` moves it on."""

    above: Limit
    kind: Literal["hard", "soft", "defer"] = "hard"
    pay: Ppm = 0
    scope: Literal["deal", "window", "period", "year"] = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A share that is released when something happens: ``booking`` at once, ``cash`` as money comes in, else by date."""

    on: Name
    share: Ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdback:
    """Milestones whose shares sum to 100 %."""

    milestones: tuple[Milestone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clawback:
    """What is taken back when a deal fails within a time from its crediting day."""

    on: tuple[Literal["cancelled", "churned", "returned", "unpaid"], ...]
    within: Duration
    method: Literal["at_paid_rate", "recompute", "pro_rata"]
    full_within: Duration | None = None
    max_offset: Ppm = 1_000_000
    counts_to_quota: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capitalize:
    """How an earning becomes a contract cost asset (ASC 340-40, IFRS 15)."""

    benefit_period: Duration
    fringe: Ppm = 0
    expedient: bool = True
    method: Literal["daily", "whole_month"] = "daily"
    policy: str = ""


# Components -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What every component has. ``kind`` is the word in the plan; the classes below add the fields of their kind.

    ``accumulate``: ``period`` restarts with every ``window`` (default: the plan's pay period), ``ytd`` is window
    ``year``, ``rolling`` sums the last ``rolling`` pay periods and pays the level. ``weight`` is the component's share
    of the target incentive. ``negative`` says what becomes of a period that comes out below zero.
    """

    kind: Literal[""] = ""
    id: Name
    title: str = ""
    measure: Name | None = None
    window: Window | None = None
    accumulate: Accumulate = "period"
    rolling: int = 0
    weight: Ppm | None = None
    zero_quota: ZeroQuota = "error"
    negative: Negative = "carry_negative"
    gate: Gate | None = None
    cap: Cap | None = None
    hold: Holdback | None = None
    clawback: Clawback | None = None
    capitalize: Capitalize | None = None
    earning_code: Literal["COMM", "BONUS", "SPIFF", "SALARY", "AWARD", ""] = ""
    award: bool = False
    pilot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salary(Component):
    """Base pay: an element like any other, prorated by days. Without ``amount`` the payee's salary row is taken."""

    kind: Literal["salary"] = "salary"  # type: ignore[assignment]
    amount: Per | None = None
    proration: Proration = "calendar_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat(Component):
    """``F = rate x S``. ``gate_at``: nothing until there, then from the first unit; ``deductible``: only above."""

    kind: Literal["flat"] = "flat"  # type: ignore[assignment]
    rate: Ppm
    gate_at: Point | None = None
    deductible: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A band ``[previous to, to)`` and its rate; the last has no ``to``. ``times`` is resolved by the reader to ``rate``."""

    to: Point | None = None
    rate: Ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiered(Component):
    """Rates by band: ``marginal`` pays each band at its own rate, ``retroactive`` all at the rate of the band reached."""

    kind: Literal["tiered"] = "tiered"  # type: ignore[assignment]
    bands: tuple[Band, ...]
    mode: Literal["marginal", "retroactive"] = "marginal"
    gate_at: Point | None = None
    deductible: Point | None = None
    accept_cliff: bool = False


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """At an attainment, a share of the target incentive."""

    attainment: Ppm
    payout: Ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Component):
    """``F = TI x weight x P(A)``: linear between points, 0 below the first, flat above the last."""

    kind: Literal["curve"] = "curve"  # type: ignore[assignment]
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A sum that is paid from a point on (``at``)."""

    at: Point
    pay: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBonus(Component):
    """``F`` = the sum of the highest step that is reached."""

    kind: Literal["step_bonus"] = "step_bonus"  # type: ignore[assignment]
    steps: tuple[Step, ...]
    accept_cliff: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitBand:
    """A band of units and the money for each."""

    to: int | None = None
    pay: Cents


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRate(Component):
    """Money for each unit of a count measure, flat (one band) or tiered, always marginal."""

    kind: Literal["unit_rate"] = "unit_rate"  # type: ignore[assignment]
    bands: tuple[UnitBand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorBand:
    """A band of attainment (or of a ratio) and its factor."""

    to: Ppm | None = None
    factor: Factor


@dataclass(frozen=True, slots=True)
class FactorPoint:
    """A factor at an attainment (or ratio); linear between points, flat outside."""

    at: Ppm
    factor: Factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier(Component):
    """A factor on other components by the attainment (or the ratio) of ``measure``: fixed, by band or by point."""

    kind: Literal["multiplier"] = "multiplier"  # type: ignore[assignment]
    applies_to: tuple[Name, ...]
    factor: Factor | None = None
    bands: tuple[FactorBand, ...] = ()
    points: tuple[FactorPoint, ...] = ()
    on: Literal["earnings", "base"] = "earnings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One side of a matrix: the attainment (or ratio) of a measure at some values, ascending."""

    measure: Name
    at: tuple[Ppm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix(Component):
    """A factor on other components by two measures. ``step`` takes the cell reached, ``bilinear`` lies between cells.

    Outside the grid the nearest cell counts.
    """

    kind: Literal["matrix"] = "matrix"  # type: ignore[assignment]
    applies_to: tuple[Name, ...]
    rows: Axis
    cols: Axis
    cells: tuple[tuple[Factor, ...], ...]
    mode: Literal["step", "bilinear"] = "step"
    on: Literal["earnings", "base"] = "earnings"
    clamp: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GateComponent(Component):
    """A condition that other components need, else they pay 0 for the period."""

    kind: Literal["gate"] = "gate"  # type: ignore[assignment]
    applies_to: tuple[Name, ...]
    when: Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One objective of an MBO: its weight, and the most that it can count."""

    id: Name
    weight: Ppm
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mbo(Component):
    """``amount`` (or target incentive x weight) x sum of goal weight x min(achievement, ``goal_cap``)."""

    kind: Literal["mbo"] = "mbo"  # type: ignore[assignment]
    goals: tuple[Goal, ...]
    amount: Cents | None = None
    goal_cap: Ppm = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spiff(Component):
    """A fixed sum for each qualifying credit (or each unit of ``measure``), within a window, a payee cap and a budget."""

    kind: Literal["spiff"] = "spiff"  # type: ignore[assignment]
    pay: Cents
    per: Literal["deal", "unit"] = "deal"
    where: Formula | None = None
    during: Days
    payee_cap: Cents | None = None
    budget: Cents | None = None
    on_exhaust: Literal["first_come", "prorate"] = "first_come"
    credit: tuple[str, ...] = (PRIMARY,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest(Component):
    """Prizes by rank within a group. ``pool`` shares the prizes of tied ranks, ``dense`` gives each the rank's prize."""

    kind: Literal["contest"] = "contest"  # type: ignore[assignment]
    rank_by: Name
    prizes: tuple[Cents, ...]
    within: str = ""
    qualify: Gate | None = None
    ties: Literal["pool", "dense", "tie_break"] = "pool"
    tie_break: tuple[Literal["earliest_to_reach", "deals"], ...] = ()
    during: Days | None = None
    badge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Component):
    """A share of a team measure (or a fixed sum), divided by weights with largest remainders."""

    kind: Literal["pool"] = "pool"  # type: ignore[assignment]
    share_of: Ppm | None = None
    amount: Cents | None = None
    by: Formula = "active_days"
    within: str = ""
    rounding: Literal["largest_remainder"] = "largest_remainder"


AnyComponent = (
    Salary
    | Flat
    | Tiered
    | Curve
    | StepBonus
    | UnitRate
    | Multiplier
    | Matrix
    | GateComponent
    | Mbo
    | Spiff
    | Contest
    | Pool
)
KINDS: Final[dict[str, type[AnyComponent]]] = {
    "salary": Salary, "flat": Flat, "tiered": Tiered, "curve": Curve, "step_bonus": StepBonus, "unit_rate": UnitRate,
    "multiplier": Multiplier, "matrix": Matrix, "gate": GateComponent, "mbo": Mbo, "spiff": Spiff, "contest": Contest,
    "pool": Pool,
}  # fmt: skip
SECTIONS: Final = ("draw", "guarantee", "windfall", "true_up", "cap", "holdback", "clawback")
"""Kinds of pay that are no components: sections of the plan (or of a component: cap, hold, clawback)."""

EARNS_BY_CREDIT: Final = (Flat, Tiered, Curve, StepBonus, UnitRate)
"""Components with an earning function F of accumulated credit."""
MODIFIERS: Final = (Multiplier, Matrix, GateComponent)
"""Components that pay nothing themselves: they change others."""
GROUPED: Final = (Spiff, Contest, Pool)
"""Components whose pay depends on other payees: their scope is their ``within``."""


# Pay ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Money ahead of earnings. ``pays`` ``top_up`` lifts pay to the amount, ``additive`` adds it. See ``draws``."""

    amount: Per
    recoverable: bool = True
    pays: Literal["top_up", "additive"] = "top_up"
    recover: Literal["down_to_draw", "down_to_zero", "percent"] = "down_to_draw"
    percent: Ppm = 1_000_000
    months: int | None = None
    expires: Literal["never", "fiscal_year_end"] = "never"
    on_termination: Literal["forgive", "collect"] = "collect"
    max_balance: Cents | None = None
    offset_allowed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueUp:
    """At the year's end, F of the whole year less what the periods paid: only upward, or signed."""

    component: Name
    at: Literal["year_end"] = "year_end"
    mode: Literal["lift_only", "signed"] = "lift_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """Where and how earnings are rounded to minor units: once for a payee, component and period."""

    mode: RoundingMode = "half_up"
    at: Literal["component_period"] = "component_period"


# Worked tests inside the plan -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDeal:
    """A deal of a worked test: its amount, and where they matter its day, measure, units and id."""

    amount: Cents
    on: date | None = None
    measure: Name | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a worked test starts from. ``deals`` count in the first measure unless they name one.

    ``measures`` gives a total in place of deals, ``ratios`` ratio measures, ``achieved`` goals of MBOs; ``period`` the
    pay period that is asked (default: the first of the plan in which the deals lie).
    """

    quota: Cents | None = None
    quotas: tuple[tuple[str, Cents], ...] = ()
    deals: tuple[TestDeal, ...] = ()
    measures: tuple[tuple[str, Cents], ...] = ()
    ratios: tuple[tuple[str, Ppm], ...] = ()
    achieved: tuple[tuple[str, Ppm], ...] = ()
    target_incentive: Cents | None = None
    period: str = ""
    hired: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedTest:
    """A worked example: what goes in, and what must come out to the cent."""

    title: str = ""
    given: Given
    expect: tuple[tuple[str, Cents], ...] = ()
    per_deal: tuple[Cents, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compensation plan: one version of it."""

    plan: Name
    version: int = 1
    title: str = ""
    description: str = ""
    effective: Days
    currency: str
    pay_period: Window = "month"
    on_change: Literal["reset", "carry"] = "reset"
    measures: tuple[Measure, ...] = ()
    crediting: tuple[CreditRule, ...] = ()
    quotas: tuple[Quota, ...] = ()
    target_incentive: Target | None = None
    windfall: Windfall | None = None
    components: tuple[AnyComponent, ...] = ()
    cap: Cap | None = None
    draw: Draw | None = None
    guarantee: Draw | None = None
    true_up: TrueUp | None = None
    rounding: Rounding = field(default_factory=Rounding)
    tests: tuple[WorkedTest, ...] = ()

    def component(self, name: str) -> AnyComponent | None:
        """The component of that id, None if there is none."""
        return next((one for one in self.components if one.id == name), None)

    def measure(self, name: str | None) -> Measure | None:
        """The measure of that name, None if there is none."""
        return next((one for one in self.measures if one.name == name), None)

    def quota_of(self, measure: str | None) -> Quota | None:
        """The quota of a measure: the plan's, else a plain one for the window in which it counts; None if unknown."""
        declared = next((one for one in self.quotas if one.of == measure), None)
        if declared is not None or measure is None or self.measure(measure) is None:
            return declared
        using = next((one for one in self.components if one.measure == measure), None)
        return Quota(of=measure, window=self.pay_period if using is None else self.window_of(using))

    def window_of(self, component: Component) -> Window:
        """The stretch in which a component accumulates before it starts anew."""
        if component.accumulate == "ytd":
            return "year"
        return component.window or self.pay_period

    def modifiers_of(self, name: str) -> tuple[AnyComponent, ...]:
        """The multipliers, matrices and gates that apply to a component, in the order of the plan."""
        return tuple(one for one in self.components if isinstance(one, MODIFIERS) and name in one.applies_to)
