"""Computes earnings F of accumulated credit S: flat, tiered, gated, above a deductible, curve, steps, units, factors, caps.

S, break-points and bases are whole minor units (whole units for counts), rates ppm, results exact. Bands are
floor-inclusive and ceiling-exclusive. Below zero the rate is that of the band that holds zero (curves, gates and
deductibles: 0). Break-points given as attainment come from the exact quota and are rounded once, half up.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from salesops.common.money import PPM
from salesops.compensation.exact import Exact, rounded
from salesops.compensation.plan import (
    Band,
    Cap,
    Curve,
    CurvePoint,
    FactorBand,
    FactorPoint,
    Flat,
    Matrix,
    Point,
    StepBonus,
    Tiered,
    UnitRate,
    ZeroQuota,
)


class NoQuota(ValueError):
    """A break-point is an attainment, and there is no quota above zero to take it of."""


@dataclass(frozen=True, slots=True)
class Slab:
    """A band in minor units ``[low, high)``, None without end, and its rate. ``tier`` counts the plan's bands from 0."""

    tier: int
    low: int | None
    high: int | None
    rate: int

    def overlap(self, low: int, high: int) -> int:
        """Length of what this band shares with ``[low, high)``."""
        start = low if self.low is None else max(low, self.low)
        end = high if self.high is None else min(high, self.high)
        return max(0, end - start)


@dataclass(frozen=True, slots=True)
class Slabs:
    """F by bands. ``gate``: F is 0 as long as S is below it, from the first unit at or above it."""

    slabs: tuple[Slab, ...]
    retroactive: bool = False
    gate: int | None = None

    def is_open(self, s: int) -> bool:
        """Whether the gate lets S pay."""
        return self.gate is None or s >= self.gate

    def pieces(self, s0: int, s1: int) -> list[tuple[Slab, int]]:
        """Give the bands that a credit moving S from s0 to s1 touches, with the signed length in each."""
        low, high, sign = min(s0, s1), max(s0, s1), 1 if s1 >= s0 else -1
        found = ((slab, sign * slab.overlap(low, high)) for slab in self.slabs)
        return [(slab, base) for slab, base in found if base]

    def reached(self, s: int) -> Slab:
        """Give the band in which S lies."""
        return next(slab for slab in reversed(self.slabs) if slab.low is None or s >= slab.low)

    def rate(self, s: int) -> int:
        """Give the rate that all of S earns, for retroactive tiers: 0 while the gate is shut."""
        return self.reached(s).rate if self.is_open(s) else 0

    def raw(self, s: int) -> int:
        """Give F(S) in 10^-6 minor units."""
        if not self.is_open(s):
            return 0
        if self.retroactive:
            return self.rate(s) * s
        return sum(base * slab.rate for slab, base in self.pieces(0, s))

    def total(self, s: int) -> Fraction:
        """Give F(S) in minor units, exact."""
        return Fraction(self.raw(s), PPM)

    @property
    def base_rate(self) -> int:
        """The rate of the lowest band, which holds zero."""
        return self.slabs[0].rate


@dataclass(frozen=True, slots=True)
class Smooth:
    """F of an attainment curve or of steps: ``points`` are (attainment, amount) or (money or units, amount).

    ``linear`` between points; below the first 0, above the last flat. ``scale`` is the exact quota for points that are
    attainments (ppm), else None.
    """

    points: tuple[tuple[int, Fraction], ...]
    scale: Fraction | None
    linear: bool

    def total(self, s: int) -> Fraction:
        """Give F(S) in minor units, exact."""
        place = Fraction(s) if self.scale is None else s * PPM / self.scale
        return between(self.points, place) if self.linear else reached(self.points, place)

    def raw(self, s: int) -> int:
        """Give F(S) in 10^-6 minor units, rounded half to even: differences of it telescope."""
        return rounded(self.total(s) * PPM, "half_even")


@dataclass(frozen=True, slots=True)
class Constant:
    """F of steps and curves at a zero quota: the most, or nothing, from the first unit on."""

    amount: Fraction

    def total(self, s: int) -> Fraction:
        """Give the amount once anything counts."""
        return self.amount if s > 0 else Fraction(0)

    def raw(self, s: int) -> int:
        """Give the amount in 10^-6 minor units."""
        return rounded(self.total(s) * PPM, "half_even")


Earning = Slabs | Smooth | Constant


def between(points: Sequence[tuple[int, Fraction]], place: Exact) -> Fraction:
    """Give the value at a place: linear between points, 0 below the first, flat above the last."""
    if place < points[0][0]:
        return Fraction(0)
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if place < x1:
            return y0 + (y1 - y0) * (place - x0) / Fraction(x1 - x0)
    return points[-1][1]


def reached(points: Sequence[tuple[int, Fraction]], place: Exact) -> Fraction:
    """Give the value of the highest point that is reached, 0 below the first."""
    return next((value for x, value in reversed(points) if place >= x), Fraction(0))


def breakpoint(point: Point, quota: Fraction | None) -> int:
    """Give a break-point in minor units: an attainment of the exact quota, rounded half up once.

    >>> breakpoint(Point(attainment=500_000), Fraction(24_000_000 * 44, 90))
    5866667
    """
    if point.amount is not None:
        return point.amount
    if quota is None or quota <= 0:
        raise NoQuota("there is no quota above zero")
    return rounded(quota * (point.attainment or 0) / PPM)


def slabs(bands: Sequence[Band], quota: Fraction | None, deductible: Point | None = None) -> tuple[Slab, ...]:
    """Give the bands in minor units. The band that holds zero reaches down without end; bands below it are gone.

    Under a deductible nothing is paid: a band of rate 0 reaches up to it.
    """
    found: list[Slab] = []
    low: int | None = None
    for tier, band in enumerate(bands):
        high = None if band.to is None else breakpoint(band.to, quota)
        if high is None or high > max(low or 0, 0):
            found.append(Slab(tier, low, high, band.rate))
            low = high
    if deductible is not None:
        found = _above(found, breakpoint(deductible, quota))
    return tuple(found)


def _above(found: Sequence[Slab], start: int) -> list[Slab]:
    kept = [Slab(0, None, start, 0)]
    for slab in found:
        if slab.high is None or slab.high > start:
            low = start if slab.low is None else max(slab.low, start)
            kept.append(Slab(slab.tier + 1, low, slab.high, slab.rate))
    return kept


def needs_quota(component: Flat | Tiered | Curve | StepBonus | UnitRate) -> bool:
    """Say whether a component's earnings depend on a quota."""
    match component:
        case Curve():
            return True
        case Tiered():
            points = [band.to for band in component.bands] + [component.gate_at, component.deductible]
        case Flat():
            points = [component.gate_at, component.deductible]
        case StepBonus():
            points = [step.at for step in component.steps]
        case UnitRate():
            points = []
    return any(point is not None and point.attainment is not None for point in points)


def earning(
    component: Flat | Tiered | Curve | StepBonus | UnitRate, quota: Fraction | None, target: Fraction | None = None
) -> Earning:
    """Give F of a component at an exact quota; ``target`` is the target incentive of the window.

    Raises NoQuota where F needs a quota and has none, or zero with ``zero_quota: error``.
    """
    if needs_quota(component) and (quota is None or quota <= 0):
        if quota is None or component.zero_quota == "error":
            raise NoQuota("there is no quota above zero")
        return _without_quota(component, component.zero_quota, target)
    match component:
        case Flat():
            gate = None if component.gate_at is None else breakpoint(component.gate_at, quota)
            found = slabs([Band(rate=component.rate)], quota, component.deductible)
            return Slabs(found, gate=gate)
        case Tiered():
            gate = None if component.gate_at is None else breakpoint(component.gate_at, quota)
            found = slabs(component.bands, quota, component.deductible)
            return Slabs(found, component.mode == "retroactive", gate)
        case UnitRate():
            return Slabs(unit_slabs(component))
        case Curve():
            whole = _pay_target(component.weight, target)
            return Smooth(tuple((p.attainment, whole * p.payout / PPM) for p in component.points), quota, True)
        case StepBonus():
            whole = _pay_target(component.weight, target)
            amounts = [Fraction(s.pay) if isinstance(s.pay, int) else whole * s.pay.ppm / PPM for s in component.steps]
            places = [breakpoint(step.at, quota) for step in component.steps]
            return Smooth(tuple(zip(places, amounts, strict=True)), None, False)


def unit_slabs(component: UnitRate) -> tuple[Slab, ...]:
    """Give the bands of a unit rate: S counts units, the rate is money for each, in the ppm scale of other bands."""
    bands = [Band(to=None if b.to is None else Point(amount=b.to), rate=b.pay * PPM) for b in component.bands]
    return slabs(bands, None)


def _pay_target(weight: int | None, target: Fraction | None) -> Fraction:
    return (target or Fraction(0)) * (PPM if weight is None else weight) / PPM


def _without_quota(
    component: Flat | Tiered | Curve | StepBonus | UnitRate, how: ZeroQuota, target: Fraction | None
) -> Earning:
    """Give F at a zero quota: ``full`` pays at the top from the first unit on, ``none`` nothing."""
    if how == "none":
        return Constant(Fraction(0))
    match component:
        case Curve():
            return Constant(_pay_target(component.weight, target) * component.points[-1].payout / PPM)
        case StepBonus():
            last = component.steps[-1].pay
            return Constant(
                Fraction(last) if isinstance(last, int) else _pay_target(component.weight, target) * last.ppm / PPM
            )
        case Tiered():
            return Slabs((Slab(len(component.bands) - 1, None, None, component.bands[-1].rate),))
        case Flat():
            return Slabs((Slab(0, None, None, component.rate),))
        case UnitRate():
            return Slabs(unit_slabs(component))


# Factors --------------------------------------------------------------------------------------------------------------


def factor_by_band(bands: Sequence[FactorBand], place: Exact) -> Fraction:
    """Give the factor of the band in which a place (ppm) lies, as a ratio."""
    for band in bands:
        if band.to is None or place < band.to:
            return Fraction(band.factor, PPM)
    return Fraction(bands[-1].factor, PPM)


def factor_by_point(points: Sequence[FactorPoint], place: Exact) -> Fraction:
    """Give the factor at a place (ppm): linear between points, flat outside."""
    inside = min(max(place, points[0].at), points[-1].at)
    return between([(point.at, Fraction(point.factor, PPM)) for point in points], inside)


def matrix_factor(matrix: Matrix, row: Exact, col: Exact) -> Fraction:
    """Give the factor of a matrix at two places (ppm); outside the grid the nearest cell counts.

    ``step`` takes the cell of the last row and column that are reached; ``bilinear`` weighs the four cells around.
    """
    i, t = _along(matrix.rows.at, row)
    j, u = _along(matrix.cols.at, col)
    cells = matrix.cells
    if matrix.mode == "step":
        return Fraction(cells[i + (t == 1)][j + (u == 1)], PPM)
    i1, j1 = min(i + 1, len(matrix.rows.at) - 1), min(j + 1, len(matrix.cols.at) - 1)
    corners = (1 - t) * (1 - u) * cells[i][j] + (1 - t) * u * cells[i][j1]
    corners += t * (1 - u) * cells[i1][j] + t * u * cells[i1][j1]
    return Fraction(corners) / PPM


def _along(at: Sequence[int], place: Exact) -> tuple[int, Fraction]:
    """Give the interval of an axis in which a place lies, and how far along it (0 to 1)."""
    if place <= at[0] or len(at) == 1:
        return 0, Fraction(0)
    for i, (low, high) in enumerate(itertools.pairwise(at)):
        if place < high:
            return i, Fraction(place - low) / (high - low)
    return len(at) - 2, Fraction(1)


# Caps -----------------------------------------------------------------------------------------------------------------


def capped(amount: Exact, cap: Cap, limit: Exact) -> Exact:
    """Give what a cap leaves of an amount: the limit, and of a soft cap a share of what lies above.

    >>> soft = Cap(above=1_500_000, kind="soft", pay=500_000)
    >>> capped(2_550_000, soft, 1_500_000)
    Fraction(2025000, 1)
    """
    if amount <= limit:
        return amount
    return limit + Fraction(cap.pay, PPM) * (amount - limit) if cap.kind == "soft" else limit


def deferred(opening: Exact, amount: Exact, limit: Exact) -> tuple[Exact, Exact]:
    """Give (kept now, moved to the next period) of what came over plus what was earned."""
    kept = min(opening + amount, limit)
    return kept, opening + amount - kept


def curve(points: Sequence[CurvePoint], attainment: Exact) -> Fraction:
    """Give P(A) of a pay curve as a ratio of the target incentive; A in ppm."""
    return between([(p.attainment, Fraction(p.payout, PPM)) for p in points], attainment)
