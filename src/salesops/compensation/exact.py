"""Rounds exact amounts to minor units and spreads whole minor units over lines: nothing here is a float."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Final

from salesops.common.allocation import allocate
from salesops.common.money import PPM, divide
from salesops.compensation.plan import RoundingMode

Exact = Fraction | int

MICRO: Final = PPM
"""``raw`` counts 10^-6 minor units: cents x parts per million."""


def rounded(value: Exact, mode: RoundingMode = "half_up") -> int:
    """Round to the nearest whole number; halves away from zero (half_up) or to even.

    >>> rounded(Fraction(5, 2)), rounded(Fraction(-5, 2)), rounded(Fraction(5, 2), "half_even")
    (3, -3, 2)
    """
    numerator, denominator = value.as_integer_ratio()
    return divide(numerator, denominator, mode)


def share(amount: int, ppm: int, mode: RoundingMode = "half_up") -> int:
    """Give a share of an amount, rounded once."""
    return divide(amount * ppm, PPM, mode)


def split(amount: int, shares: dict[str, Fraction]) -> dict[str, int]:
    """Divide an amount by exact shares that sum to one: largest remainder, ties by key, a negative mirrors.

    >>> split(10_000, {"a": Fraction(1, 3), "b": Fraction(1, 3), "c": Fraction(1, 3)})
    {'a': 3334, 'b': 3333, 'c': 3333}
    """
    return allocate(amount, _whole(shares))


def shared_out(amount: int, shares: dict[str, Fraction]) -> dict[str, int]:
    """Divide by shares that need not sum to one (overlays): the part not given stays with nobody."""
    given = sum(shares.values(), Fraction(0))
    total = rounded(amount * given)
    return allocate(total, _whole(shares)) if given else dict.fromkeys(shares, 0)


def pennies(exact: Sequence[Exact], total: int) -> list[int]:
    """Give whole amounts that sum to ``total``, each near its exact amount: largest remainder within each sign.

    Every amount is its exact one, its size rounded down; what is left goes to the largest remainders, ties to the
    earlier line. Lines of mixed sign: the positive part sums to its own rounded sum, the negative part to the rest.

    >>> pennies([Fraction(10030 * 5, 100)] * 3, 1505)
    [502, 502, 501]
    """
    positive, negative = ([(n, value * sign) for n, value in enumerate(exact) if value * sign > 0] for sign in (1, -1))
    above, below = _part_totals([value for _, value in positive], [value for _, value in negative], total)
    found = [0] * len(exact)
    for part, whole, sign in ((positive, above, 1), (negative, below, -1)):
        for (n, _), amount in zip(part, _spread([value for _, value in part], whole), strict=True):
            found[n] = sign * amount
    return found


def _part_totals(positive: list[Exact], negative: list[Exact], total: int) -> tuple[int, int]:
    if not negative:
        return total, 0
    if not positive:
        return 0, -total
    least, most = sum(value // 1 for value in negative), sum(-(-value // 1) for value in negative)
    above = min(max(rounded(sum(positive, Fraction(0))), total + least), total + most)
    return above, above - total


def _spread(values: list[Exact], total: int) -> list[int]:
    """Round amounts of one sign so that they sum to a total near their sum."""
    found = [int(value // 1) for value in values]
    if not values:
        return found
    left = total - sum(found)
    ordered = sorted(range(len(values)), key=lambda n: (found[n] - values[n], n))
    for n in range(abs(left)):
        found[ordered[n % len(ordered)]] += 1 if left > 0 else -1
    return found


def _whole(shares: dict[str, Fraction]) -> dict[str, int]:
    common = lcm(*(value.denominator for value in shares.values()))
    return {key: int(value * common) for key, value in shares.items()}
