"""Computes what deals measure: value by year, recurring change, margin, conversion of whole deals, MBO, accruals."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from salesops.common.money import PPM, RATE_SCALE, divide, minor_digits
from salesops.compensation.exact import rounded
from salesops.compensation.plan import Goal, RoundingMode


def to_plan_cents(units: int, currency: str, rates: tuple[int, ...] = (), mode: RoundingMode = "half_up") -> int:
    """Convert a deal's amount (10^-4) to minor units of the plan's currency, rounded once.

    ``rates`` are stored rates (10^-10) that are multiplied unrounded: one, or two over a pivot.

    >>> to_plan_cents(500_000_000, "USD", (11_000_000_000,)), to_plan_cents(500_000_000, "USD", (10_850_000_000,))
    (5500000, 5425000)
    """
    above, below = units, 10 ** (4 - minor_digits(currency))
    for rate in rates:
        above, below = above * rate, below * RATE_SCALE
    return divide(above, below, mode)


def to_pay_cents(
    cents: int, plan_currency: str, pay_currency: str, rates: tuple[int, ...], mode: RoundingMode = "half_up"
) -> int:
    """Convert an earning (already rounded in the plan's currency) to minor units of the pay currency, rounded once more."""
    above, below = cents * 10 ** minor_digits(pay_currency), 10 ** minor_digits(plan_currency)
    for rate in rates:
        above, below = above * rate, below * RATE_SCALE
    return divide(above, below, mode)


def annual_value(total: int, months: int, at_most_a_year: bool = False) -> int:
    """Give annual contract value: total x 12 / term; with ``at_most_a_year`` a term below twelve months counts whole.

    >>> annual_value(9_000_000, 30), annual_value(600_000, 6, True), annual_value(600_000, 6)
    (3600000, 600000, 1200000)
    """
    return rounded(Fraction(total * 12, max(months, 12) if at_most_a_year else months))


def recurring_change(new: int, expansion: int, contraction: int, churn: int) -> int:
    """Give the change of recurring revenue; contraction and churn are sizes."""
    return new + expansion - contraction - churn


def margin(lines: Iterable[tuple[int, int, int]], floor_at_zero: bool = False) -> int:
    """Give sum(quantity x (net price - cost)) of (quantity, price, cost).

    >>> margin([(250, 84_00, 61_50)])
    562500
    """
    total = sum(quantity * (price - cost) for quantity, price, cost in lines)
    return max(0, total) if floor_at_zero else total


def mbo_share(goals: Iterable[Goal], achieved: dict[str, int], cap: int = PPM) -> Fraction:
    """Give the sum of weight x achievement, each goal between 0 and the cap; a goal nobody rated counts 0.

    >>> goals = (Goal(id="a", weight=400_000), Goal(id="b", weight=300_000), Goal(id="c", weight=300_000))
    >>> mbo_share(goals, {"a": 1_000_000, "b": 500_000, "c": 800_000})
    Fraction(79, 100)
    """
    parts = (Fraction(goal.weight * min(max(achieved.get(goal.id, 0), 0), cap), PPM * PPM) for goal in goals)
    return sum(parts, Fraction(0))


def effective_rate(cost: Fraction | int, forecast: int) -> Fraction:
    """Give the effective commission rate of a year: its forecast cost / its forecast measure. Undefined at zero."""
    return Fraction(cost) / forecast


def accrual(
    earned: int, to_date: int, cost: Fraction | int, forecast: int, mode: RoundingMode = "half_up"
) -> tuple[int, int]:
    """Give (accrued at the effective rate, true-up against what was earned) of a measure to date."""
    accrued = rounded(effective_rate(cost, forecast) * to_date, mode)
    return accrued, accrued - earned
