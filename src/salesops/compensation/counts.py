"""Turns the figures of count measures between how money is read (minor units) and whole units.

A plan's text does not say whether ``to: 30`` is money or a count: the measure does, which is known only afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from salesops.common.money import minor_digits
from salesops.compensation.plan import Given, Plan, Point, WorkedTest

Turn = Callable[[int], int]


def to_units(plan: Plan) -> Plan:
    """Give a plan whose count figures were read as money with whole units in their place; ValueError for parts of units."""
    step = 10 ** minor_digits(plan.currency)

    def turn(value: int) -> int:
        if value % step:
            raise ValueError(f"{value / step:g} is not a whole count")
        return value // step

    return _turned(plan, turn)


def to_money(plan: Plan) -> Plan:
    """Give a plan with its count figures as if they were money: the form in which they are written."""
    step = 10 ** minor_digits(plan.currency)
    return _turned(plan, lambda value: value * step)


def _turned(plan: Plan, turn: Turn) -> Plan:
    names = {one.name for one in plan.measures if one.unit == "count"}
    if not names:
        return plan
    quotas = tuple(
        replace(q, amount=turn(q.amount)) if q.of in names and q.amount is not None else q for q in plan.quotas
    )
    components = tuple(_points(one, turn) if one.measure in names else one for one in plan.components)
    tests = tuple(replace(test, given=_given(plan, test, names, turn)) for test in plan.tests)
    windfall = plan.windfall
    if windfall is not None and windfall.measure in names:
        windfall = replace(windfall, above=turn(windfall.above))
    return replace(plan, quotas=quotas, components=components, tests=tests, windfall=windfall)


def _points(value: Any, turn: Turn) -> Any:
    """Turn every break-point below a value."""
    if isinstance(value, Point):
        return value if value.amount is None else replace(value, amount=turn(value.amount))
    if isinstance(value, tuple):
        return tuple(_points(one, turn) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        found = {one.name: _points(getattr(value, one.name), turn) for one in fields(value)}
        changed = {
            name: part
            for name, part in found.items()
            if part is not getattr(value, name) and part != getattr(value, name)
        }
        return replace(value, **changed) if changed else value
    return value


def _given(plan: Plan, test: WorkedTest, names: set[str], turn: Turn) -> Given:
    given = test.given
    first = first_measure(plan)
    quota = turn(given.quota) if given.quota is not None and first in names else given.quota
    pairs = tuple((name, turn(value) if name in names else value) for name, value in given.quotas)
    totals = tuple((name, turn(value) if name in names else value) for name, value in given.measures)
    deals = tuple(
        replace(deal, amount=turn(deal.amount)) if (deal.measure or first) in names else deal for deal in given.deals
    )
    return replace(given, quota=quota, quotas=pairs, measures=totals, deals=deals)


def first_measure(plan: Plan) -> str:
    """Give the measure that is meant where a worked test names none: the first quota's, else the first component's."""
    if plan.quotas:
        return plan.quotas[0].of
    return next((one.measure for one in plan.components if one.measure), plan.measures[0].name if plan.measures else "")
