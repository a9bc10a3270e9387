"""Computes shares of a pool: a part of a team measure, divided by weights so that the shares sum to it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from salesops.common.allocation import allocate
from salesops.common.money import PPM
from salesops.compensation.exact import rounded
from salesops.compensation.plan import Pool, RoundingMode


def fund(pool: Pool, measured: int, mode: RoundingMode = "half_up") -> int:
    """Give the money of a pool: its fixed amount, or a share of what the team's measure came to (none below zero)."""
    if pool.amount is not None:
        return pool.amount
    return max(0, rounded(Fraction(measured * (pool.share_of or 0), PPM), mode))


def shares(amount: int, weights: Mapping[str, int | Decimal]) -> dict[str, int]:
    """Divide a pool by weights: largest remainder, ties by payee. All weights zero: nobody gets anything.

    >>> shares(800_000, {"ada": 92, "bo": 92, "cy": 23})
    {'ada': 355556, 'bo': 355555, 'cy': 88889}
    """
    if not any(weights.values()):
        return dict.fromkeys(weights, 0)
    return allocate(amount, weights)
