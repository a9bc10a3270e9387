"""Explains a change by what made it: mix, rate and volume by group, or the drivers of a product. The parts add up.

All splits are symmetric: exchanging the two periods changes every sign and nothing else, and no driver is changed "first".
That is Shapley's value of a product (Shapley, 1953; for indices Sun, 1998, and Albrecht and others, 2002), which for two factors is
Bennet's indicator (1920); and the logarithmic mean Divisia index of Ang (2004).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from math import lcm
from typing import Generic, Literal, TypeVar

from salesops.common.allocation import allocate, sorted_keys
from salesops.common.errors import InvalidData

K = TypeVar("K", bound=Hashable)
Number = int | float | Fraction
Pair = tuple[int, int]


@dataclass(frozen=True)
class RatioPart:
    """What one group added to the change of a ratio: by its share of the denominator (mix) and by its own ratio (rate)."""

    mix: float
    rate: float

    @property
    def change(self) -> float:
        return self.mix + self.rate


@dataclass(frozen=True)
class RatioChange(Generic[K]):
    """A ratio of sums before and after, and the parts of its change by group, sorted by key. The parts add up to `change`."""

    before: float
    after: float
    parts: dict[K, RatioPart]

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def mix(self) -> float:
        return math.fsum(part.mix for part in self.parts.values())

    @property
    def rate(self) -> float:
        return math.fsum(part.rate for part in self.parts.values())


@dataclass(frozen=True)
class SumPart:
    """What one group added to the change of a sum, in the sum's own whole units (money: 10^-4)."""

    volume: int
    mix: int
    rate: int

    @property
    def change(self) -> int:
        return self.volume + self.mix + self.rate


@dataclass(frozen=True)
class SumChange(Generic[K]):
    """A sum before and after, and the parts of its change by group, sorted by key; whole units, adding up exactly, the three
    parts of a group to that group's own change.
    """

    before: int
    after: int
    parts: dict[K, SumPart]

    @property
    def change(self) -> int:
        return self.after - self.before

    @property
    def volume(self) -> int:
        return sum(part.volume for part in self.parts.values())

    @property
    def mix(self) -> int:
        return sum(part.mix for part in self.parts.values())

    @property
    def rate(self) -> int:
        return sum(part.rate for part in self.parts.values())


@dataclass(frozen=True)
class DriverChange:
    """A product before and after, and what each driver added to its change; `method` says how it was split."""

    before: float
    after: float
    parts: dict[str, float]
    method: Literal["log-mean", "shapley"]

    @property
    def change(self) -> float:
        return self.after - self.before


def ratio_change(before: Mapping[K, Pair], after: Mapping[K, Pair]) -> RatioChange[K]:
    """Split the change of R = sum of numerators / sum of denominators over groups into mix and rate.

    Each mapping gives (numerator, denominator) by group: won and closed deals by segment, say; whole numbers, an absent
    group is (0, 0). With w = a group's share of the denominators, r = its own ratio, bars for the mean of both periods:

        rate_g = mean(w_g) x (r1_g - r0_g)
        mix_g = (w1_g - w0_g) x (mean(r_g) - mean(R))

    so a share that grows where the ratio is above the whole's is a gain. A group that is in one period only has no rate of
    its own to compare: all of it is mix. Computed in fractions and rounded once, each part to the nearest float.
    InvalidData where a period's denominators add to 0 (its ratio has no value), or a denominator is negative, or 0 under a
    numerator that is not.
    """
    keys, (n0, n1) = _keys(before, after), (_total(before, "before"), _total(after, "after"))
    whole0, whole1 = (Fraction(sum(pair[0] for pair in side.values())) for side in (before, after))
    middle = (whole0 / n0 + whole1 / n1) / 2
    parts = {}
    for key in keys:
        (x0, d0), (x1, d1) = _pair(before, key), _pair(after, key)
        if not d0 and not d1:
            parts[key] = RatioPart(0.0, 0.0)
            continue
        r0 = Fraction(x0, d0) if d0 else Fraction(x1, d1)
        r1 = Fraction(x1, d1) if d1 else r0
        w0, w1 = Fraction(d0, n0), Fraction(d1, n1)
        parts[key] = RatioPart(float((w1 - w0) * ((r0 + r1) / 2 - middle)), float((w0 + w1) / 2 * (r1 - r0)))
    return RatioChange(float(whole0 / n0), float(whole1 / n1), parts)


def sum_change(before: Mapping[K, Pair], after: Mapping[K, Pair]) -> SumChange[K]:
    """Split the change of a sum over groups into volume, mix and rate, in whole units.

    Each mapping gives (sum, count) by group: bookings and won deals by product line, say; an absent group is (0, 0).
    A group's sum is N x w x a: the count of all groups, its share of that count, its average. Each factor gets its Shapley
    value; with x the factor and y, z the other two,

        part_x = (x1 - x0) x ((y0 z0 + y1 z1) / 3 + (y0 z1 + y1 z0) / 6)

    volume = part of N, mix = part of w, rate = part of a. A group that is in one period only takes that period's average for
    both: it has no rate part. Within a group the parts are rounded to whole units by largest remainder (`common.allocation`),
    so they add up exactly to the group's change and, over groups, to the whole's.
    InvalidData for a negative count, or a sum that is not 0 with a count of 0 (leave unknown amounts out of both).
    Where one period has no count at all everything is volume.
    """
    n0, n1 = (sum(pair[1] for pair in side.values()) for side in (before, after))
    parts = {}
    for key in _keys(before, after):
        (v0, c0), (v1, c1) = _pair(before, key), _pair(after, key)
        a0 = Fraction(v0, c0) if c0 else (Fraction(v1, c1) if c1 else Fraction(0))
        a1 = Fraction(v1, c1) if c1 else a0
        w0 = Fraction(c0, n0) if n0 else Fraction(c1, n1 or 1)
        w1 = Fraction(c1, n1) if n1 else w0
        shares = _shapley([(Fraction(n0), Fraction(n1)), (w0, w1), (a0, a1)])
        parts[key] = SumPart(*_whole(shares))
    return SumChange(sum(pair[0] for pair in before.values()), sum(pair[0] for pair in after.values()), parts)


def driver_change(
    before: Mapping[str, Number], after: Mapping[str, Number], divided_by: frozenset[str] = frozenset()
) -> DriverChange:
    """Split the change of a product of drivers (those in `divided_by` divide) into what each driver added.

    Logarithmic mean Divisia (Ang, 2004, LMDI-I, additive): V1 - V0 times ln(x1 / x0) / ln(V1 / V0), with the sign turned for a
    driver that divides. Exact and symmetric; independent of units. Where a driver is 0 in a period there is no logarithm: then
    Shapley's value over all orders in which the drivers could have changed; `method` says which.
    InvalidData for different drivers in the two periods, a negative one, or a zero that divides.

    >>> driver_change({"deals": 40, "win rate": 0.25}, {"deals": 40, "win rate": 0.5}).parts
    {'deals': 0.0, 'win rate': 10.0}
    """
    if set(before) != set(after):
        raise InvalidData(
            "The two periods name different drivers", f"Give {', '.join(sorted({*before, *after}))} for both"
        )
    for side in (before, after):
        for name, value in side.items():
            if not math.isfinite(value) or value < 0 or (value == 0 and name in divided_by):
                raise InvalidData(
                    f"{name} is {value}, so there is no product to explain",
                    "Drivers are zero or more; one that divides is more",
                )
    names = list(before)
    pairs = [
        (1 / Fraction(before[n]), 1 / Fraction(after[n]))
        if n in divided_by
        else (Fraction(before[n]), Fraction(after[n]))
        for n in names
    ]
    v0, v1 = (math.prod(side) for side in zip(*pairs, strict=True))
    if any(x == 0 for pair in pairs for x in pair):
        shares = {name: float(part) for name, part in zip(names, _shapley(pairs), strict=True)}
        return DriverChange(float(v0), float(v1), shares, "shapley")
    logs = [_log(x1 / x0) for x0, x1 in pairs]
    mean = _log_mean(v0, v1)
    return DriverChange(
        float(v0), float(v1), {name: mean * log for name, log in zip(names, logs, strict=True)}, "log-mean"
    )


VELOCITY = ("opportunities", "average won value", "win rate", "cycle days")


def velocity_change(before: tuple[Number, ...], after: tuple[Number, ...]) -> DriverChange:
    """Explain a change of sales velocity, n x average won value x win rate / mean cycle days, by its four drivers.

    Each tuple gives the four in that order (terms.md, `sales_velocity`). Formula and errors: `driver_change`.
    """
    if len(before) != len(VELOCITY) or len(after) != len(VELOCITY):
        raise InvalidData("Velocity has four drivers", f"Give {', '.join(VELOCITY)}")
    return driver_change(
        dict(zip(VELOCITY, before, strict=True)), dict(zip(VELOCITY, after, strict=True)), frozenset({"cycle days"})
    )


def _keys(before: Mapping[K, Pair], after: Mapping[K, Pair]) -> list[K]:
    return sorted_keys({**before, **after})


def _pair(side: Mapping[K, Pair], key: K) -> Pair:
    value, count = side.get(key, (0, 0))
    if any(isinstance(x, bool) or not isinstance(x, int) for x in (value, count)):
        raise InvalidData(f"{key!r} has {value!r} of {count!r}, not whole numbers", "Convert to whole units first")
    if count < 0 or (count == 0 and value != 0):
        raise InvalidData(
            f"{key!r} has {value} of {count} records", "Leave what is unknown out of both the sum and its count"
        )
    return value, count


def _total(side: Mapping[K, Pair], name: str) -> int:
    total = sum(_pair(side, key)[1] for key in side)
    if not total:
        raise InvalidData(
            f"The period {name} has a denominator of 0, so its ratio has no value", "Compare other periods"
        )
    return total


def _shapley(pairs: list[tuple[Fraction, Fraction]]) -> list[Fraction]:
    """The Shapley value of each factor of a product: its mean effect over all orders of change."""
    if len(pairs) == 3:
        (x0, x1), (y0, y1), (z0, z1) = pairs

        def part(low: Fraction, high: Fraction, a: tuple[Fraction, Fraction], b: tuple[Fraction, Fraction]) -> Fraction:
            return (high - low) * ((a[0] * b[0] + a[1] * b[1]) / 3 + (a[0] * b[1] + a[1] * b[0]) / 6)

        return [part(x0, x1, pairs[1], pairs[2]), part(y0, y1, pairs[0], pairs[2]), part(z0, z1, pairs[0], pairs[1])]
    totals = [Fraction(0)] * len(pairs)
    orders = list(permutations(range(len(pairs))))
    for order in orders:
        current = [low for low, _ in pairs]
        value = math.prod(current)
        for place in order:
            current[place] = pairs[place][1]
            value, was = math.prod(current), value
            totals[place] += value - was
    return [total / len(orders) for total in totals]


def _whole(shares: list[Fraction]) -> list[int]:
    """Whole numbers that add up to the (whole) sum of the shares: down, then one unit more to the largest remainders."""
    down = [math.floor(share) for share in shares]
    rest = [share - low for share, low in zip(shares, down, strict=True)]
    units = lcm(*(one.denominator for one in rest))
    more = allocate(int(sum(rest)), {place: int(one * units) for place, one in enumerate(rest)})
    return [low + more[place] for place, low in enumerate(down)]


def _log(ratio: Fraction) -> float:
    """ln of a positive fraction, precise near 1."""
    if Fraction(1, 2) < ratio < 2:
        return math.log1p(float(ratio - 1))
    return math.log(ratio.numerator) - math.log(ratio.denominator)  # whole numbers of any size


def _log_mean(a: Fraction, b: Fraction) -> float:
    """The logarithmic mean (b - a) / ln(b / a); a where they are equal."""
    return float(a) if a == b else float(b - a) / _log(b / a)
