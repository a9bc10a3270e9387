"""Units of formulas over metrics: what a sum, product or quotient is measured in, or that it has no meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..definitions import Unit


@dataclass(frozen=True)
class Measure:
    """A unit as powers of base units; `share` of what has none: a ratio (1) rather than a count. A literal is neither."""

    powers: tuple[tuple[str, int], ...] = ()
    share: bool = False
    literal: bool = False


def _of(share: bool = False, **powers: int) -> Measure:
    return Measure(tuple(sorted(powers.items())), share)


MEASURES: Final[Mapping[Unit, Measure]] = {
    "money": _of(money=1),
    "money_per_day": _of(days=-1, money=1),
    "ratio": _of(share=True),
    "count": _of(),
    "days": _of(days=1),
    "months": _of(months=1),
    "minutes": _of(minutes=1),
    "per_day": _of(days=-1),
    "per_rep": _of(reps=-1),
}
LITERAL: Final = Measure(literal=True)


def unit_of(one: Measure) -> Unit | None:
    """The unit that answers show; None where there is none (an amount squared, deals per amount)."""
    if one.literal:
        return "count"
    return next((unit for unit, measure in MEASURES.items() if measure == one), None)


def added(one: Measure, other: Measure) -> Measure | None:
    """The unit of a sum or difference; None where the two do not belong together. A plain number goes with what has no unit."""
    if one.literal or other.literal:
        kept = other if one.literal else one
        return kept if not kept.powers else None
    return one if one == other else None


def multiplied(one: Measure, other: Measure, divided: bool = False) -> Measure:
    """The unit of a product, or of `one / other`: count / count is a ratio, count x ratio a count."""
    powers = dict(one.powers)
    for name, power in other.powers:
        powers[name] = powers.get(name, 0) + (-power if divided else power)
    left = tuple(sorted((name, power) for name, power in powers.items() if power))
    if left:
        return Measure(left)
    if other.literal:
        return one
    if divided:
        return Measure((), one.share or not other.share)
    return other if one.literal else Measure((), one.share and other.share)
