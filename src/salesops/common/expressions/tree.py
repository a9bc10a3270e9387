"""Holds the checked tree of a formula: what the SQL and the Decimal back ends both read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from salesops.common.expressions.types import ValueType

Comparison = Literal["=", "!=", "<", "<=", ">", ">="]
Operator = Literal["+", "-", "*", "/"]
Function = Literal["if", "min", "max", "abs", "round", "floor", "ceil", "coalesce", "year", "quarter", "month", "day"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal: Decimal for any number, date, text or bool; None only where something already is wrong."""

    type: ValueType
    at: int
    value: Decimal | date | str | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the row."""

    type: ValueType
    at: int
    name: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left operator right``. Negation is ``0 - right``."""

    type: ValueType
    at: int
    operator: Operator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """``left comparison right``: null if either side is."""

    type: ValueType
    at: int
    comparison: Comparison
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class OneOf:
    """``value in (options)``: options are constants."""

    type: ValueType
    at: int
    value: Node
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``value is null``: never null itself."""

    type: ValueType
    at: int
    value: Node


@dataclass(frozen=True, slots=True)
class Not:
    """``not value``: null if the value is."""

    type: ValueType
    at: int
    value: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """``and`` / ``or`` over two or more parts, three-valued."""

    type: ValueType
    at: int
    word: Literal["and", "or"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """``name(args)``. ``places`` is the count of decimals that ``round`` keeps (``floor`` and ``ceil``: 0)."""

    type: ValueType
    at: int
    name: Function
    args: tuple[Node, ...]
    places: int = 0


Node = Constant | Field | Arithmetic | Compare | OneOf | IsNull | Not | Logic | Call


def children(node: Node) -> tuple[Node, ...]:
    """Give the parts directly below a node."""
    match node:
        case Arithmetic() | Compare():
            return node.left, node.right
        case OneOf():
            return node.value, *node.options
        case IsNull() | Not():
            return (node.value,)
        case Logic():
            return node.parts
        case Call():
            return node.args
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Go through a node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)
