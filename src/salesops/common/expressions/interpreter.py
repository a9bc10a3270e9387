"""Evaluates a checked formula on one row with Decimal arithmetic: the oracle of the SQL back end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from salesops.common.errors import InvalidData
from salesops.common.expressions.checker import EXACT
from salesops.common.expressions.tree import Arithmetic, Call, Compare, Constant, Field, IsNull, Logic, Node, Not, OneOf
from salesops.common.expressions.types import QUOTIENT_PLACES, SCALE

Value = Decimal | date | str | bool | None


def evaluate(node: Node, row: Mapping[str, Any]) -> Value:
    """Give the value of a node on a row of stored values (money in 10^-4, rates in ppm); an absent field is null.

    Numbers come as Decimal in whole units. Comparison and logic are three-valued, as in SQL: None is unknown.
    """
    match node:
        case Constant():
            return node.value
        case Field():
            return _stored(row.get(node.name), node)
        case Arithmetic():
            return _arithmetic(node, evaluate(node.left, row), evaluate(node.right, row))
        case Compare():
            return _compare(node.comparison, evaluate(node.left, row), evaluate(node.right, row))
        case OneOf():
            value = evaluate(node.value, row)
            return _any([_compare("=", value, evaluate(option, row)) for option in node.options])
        case IsNull():
            return evaluate(node.value, row) is None
        case Not():
            return _not(_truth(evaluate(node.value, row)))
        case Call():
            return _call(node, [evaluate(arg, row) for arg in node.args])
        case Logic():
            parts = [_truth(evaluate(part, row)) for part in node.parts]
            return _any(parts) if node.word == "or" else _not(_any([_not(part) for part in parts]))


def rounded(value: Value, places: int) -> Value:
    """Round a number half to even to some places; leave anything else."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, EXACT) if isinstance(value, Decimal) else value


def _stored(value: Any, field: Field) -> Value:
    kind = field.type.kind
    if value is None:
        return None
    if kind in SCALE and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value).scaleb(-SCALE[kind], EXACT)
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "date" and isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise InvalidData(f"The field '{field.name}' holds {value!r}, which is not a stored {kind}", "Pass stored values")


def _arithmetic(node: Arithmetic, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, date) and isinstance(right, date):
        return Decimal((left - right).days)
    assert isinstance(right, Decimal)
    if isinstance(left, date):
        try:
            return left + timedelta(days=int(right) * (1 if node.operator == "+" else -1))
        except OverflowError:
            raise InvalidData(
                f"{left} {node.operator} {right} days is outside the calendar", "Check the dates"
            ) from None
    assert isinstance(left, Decimal)
    if node.operator == "+":
        return EXACT.add(left, right)
    if node.operator == "-":
        return EXACT.subtract(left, right)
    if node.operator == "*":
        return EXACT.multiply(left, right)
    return None if right == 0 else rounded(EXACT.divide(left, right), QUOTIENT_PLACES)


_ROUNDINGS = {"round": ROUND_HALF_UP, "floor": ROUND_FLOOR, "ceil": ROUND_CEILING}


def _call(node: Call, args: list[Value]) -> Value:
    if node.name == "if":
        return args[1] if args[0] is True else args[2]
    if node.name == "coalesce":
        return next((arg for arg in args if arg is not None), None)
    if any(arg is None for arg in args):
        return None
    first: Any = args[0]
    match node.name:
        case "min" | "max":
            return min(args) if node.name == "min" else max(args)  # type: ignore[type-var]
        case "abs":
            return abs(first) if isinstance(first, Decimal) else None
        case "round" | "floor" | "ceil":
            return Decimal(first).quantize(Decimal(1).scaleb(-node.places), _ROUNDINGS[node.name], EXACT)
        case "quarter":
            return Decimal((first.month + 2) // 3)
        case _:
            return Decimal(int(getattr(first, node.name)))


def _compare(comparison: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    match comparison:
        case "=":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _truth(value: Value) -> bool | None:
    return None if value is None else bool(value)


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _any(values: list[bool | None]) -> bool | None:
    if any(value is True for value in values):
        return True
    return None if any(value is None for value in values) else False
