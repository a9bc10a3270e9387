"""Compiles a checked formula to a SQLGlot expression for DuckDB, over stored columns, in integer arithmetic only.

Every number is an integer with a known count of decimal places; comparisons bring both sides to the same count. A field
compared with a literal stays a bare column, so that the engine can skip by its statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlglot import exp

from salesops.common.expressions.tree import (
    Arithmetic,
    Call,
    Compare,
    Comparison,
    Constant,
    Field,
    IsNull,
    Logic,
    Node,
    Not,
    OneOf,
)
from salesops.common.expressions.types import QUOTIENT_PLACES, SCALE

Columns = Callable[[str], exp.Expression]
"""Gives the SQL of a field; by default a quoted column of the field's name."""

_WIDE: Final = "INT128"
_COMPARISONS: Final[dict[Comparison, Callable[..., exp.Expression]]] = {
    "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip


def column(name: str) -> exp.Expression:
    """Give the quoted column of a field's name."""
    return exp.column(exp.to_identifier(name, quoted=True))


def compile_sql(node: Node, columns: Columns = column) -> exp.Expression:
    """Give the SQL of a formula. Numbers come in stored form: money in 10^-4, rates in ppm, plain numbers in 10^-10."""
    back_end = _Sql(columns)
    if not node.type.numeric:
        return back_end.plain(node)
    kind = node.type.kind
    if isinstance(node, Field):
        return back_end.plain(node)
    wanted = SCALE[kind]
    number = back_end.number(node)
    if number.places <= wanted:
        whole = number.at_scale(wanted)
    else:
        whole = _divide(number.wide(), _integer(10 ** (number.places - wanted)))
    return exp.cast(whole, _WIDE if kind == "number" else "BIGINT")


@dataclass(frozen=True)
class _Number:
    """SQL of an integer that stands for itself / 10^places; ``known`` is its value if it is a literal."""

    sql: exp.Expression
    places: int
    known: int | None = None
    is_wide: bool = False

    def wide(self) -> exp.Expression:
        return self.sql if self.is_wide else exp.cast(self.sql, _WIDE)

    def at_scale(self, places: int) -> exp.Expression:
        factor = 10 ** (places - self.places)
        if self.known is not None:
            return _integer(self.known * factor)
        return self.sql if factor == 1 else _binary(exp.Mul, self.wide(), _integer(factor))


class _Sql:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def plain(self, node: Node) -> exp.Expression:
        match node:
            case Constant():
                return _literal(node.value)
            case Field():
                return _paren(self._columns(node.name).copy())
            case Arithmetic():  # of dates: those of numbers come through number()
                left, right = self.plain(node.left), self.plain(node.right)
                return _binary(exp.Add if node.operator == "+" else exp.Sub, left, right)
            case Compare():
                left, right = self._aligned((node.left, node.right))
                return _COMPARISONS[node.comparison](this=left, expression=right)
            case OneOf():
                value, *options = self._aligned((node.value, *node.options))
                return exp.In(this=value, expressions=options)
            case IsNull():
                value = self.number(node.value).sql if node.value.type.numeric else self.plain(node.value)
                return exp.Is(this=_paren(value), expression=exp.Null())
            case Not():
                return exp.Not(this=exp.Paren(this=self.plain(node.value)))
            case Call():
                return self._call(node, [self.plain(arg) for arg in node.args])
            case Logic():
                joined: exp.Expression = exp.Paren(this=self.plain(node.parts[0]))
                for part in node.parts[1:]:
                    following = exp.Paren(this=self.plain(part))
                    pair = exp.And if node.word == "and" else exp.Or
                    joined = pair(this=joined, expression=following)
                return joined

    def number(self, node: Node) -> _Number:
        if isinstance(node, Constant) and isinstance(node.value, Decimal):
            places = max(0, -int(node.value.as_tuple().exponent))
            known = int(node.value.scaleb(places))
            return _Number(_integer(known), places, known)
        if isinstance(node, Call):
            return self._number_call(node)
        if not isinstance(node, Arithmetic):
            return _Number(self.plain(node), SCALE[node.type.kind])
        if not node.left.type.numeric:  # days between two dates
            return _Number(self.plain(node), 0)
        left, right = self.number(node.left), self.number(node.right)
        if node.operator == "*":
            product = _binary(exp.Mul, left.wide(), right.wide())
            return _Number(product, left.places + right.places, is_wide=True)
        if node.operator == "/":
            shift = QUOTIENT_PLACES - left.places + right.places
            above, below = left.wide(), right.wide()
            if shift > 0:
                above = _binary(exp.Mul, above, _integer(10**shift))
            elif shift < 0:
                below = _binary(exp.Mul, below, _integer(10**-shift))
            return _Number(_divide(above, below), QUOTIENT_PLACES, is_wide=True)
        places = max(left.places, right.places)
        wide = [exp.cast(side.at_scale(places), _WIDE) for side in (left, right)]
        return _Number(_binary(exp.Add if node.operator == "+" else exp.Sub, *wide), places, is_wide=True)

    def _number_call(self, node: Call) -> _Number:
        """Give a function of numbers, or a part of a date."""
        if not node.args[-1].type.numeric:
            part = exp.Extract(this=exp.var(node.name.upper()), expression=self.plain(node.args[0]))
            return _Number(exp.cast(part, _WIDE), 0, is_wide=True)
        test = [self.plain(node.args[0])] if node.name == "if" else []
        numbers = [self.number(arg) for arg in node.args[len(test) :]]
        if node.name in ("round", "floor", "ceil"):
            return _to_places(numbers[0], node.places, node.name)
        places = max(number.places for number in numbers)
        args = [exp.cast(number.at_scale(places), _WIDE) for number in numbers]
        return _Number(self._call(node, [*test, *args]), places, is_wide=True)

    def _call(self, node: Call, args: list[exp.Expression]) -> exp.Expression:
        if node.name == "if":
            return exp.Paren(this=exp.Case().when(_paren(args[0]), args[1]).else_(args[2]))
        if node.name == "coalesce":
            return exp.Coalesce(this=args[0], expressions=args[1:])
        if node.name == "abs":
            return exp.Abs(this=args[0])
        kind = exp.Least if node.name == "min" else exp.Greatest  # both pass over null, this language does not
        unknown = exp.or_(*(exp.Is(this=_paren(arg.copy()), expression=exp.Null()) for arg in args))
        return exp.Paren(this=exp.Case().when(unknown, exp.Null()).else_(kind(this=args[0], expressions=args[1:])))

    def _aligned(self, nodes: tuple[Node, ...]) -> list[exp.Expression]:
        if not nodes[0].type.numeric:
            return [_paren(self.plain(node)) for node in nodes]
        numbers = [self.number(node) for node in nodes]
        places = max(number.places for number in numbers)
        return [_paren(number.at_scale(places)) for number in numbers]


def _divide(above: exp.Expression, below: exp.Expression) -> exp.Expression:
    """Divide integers, rounding half to even; null for a zero denominator. A literal denominator is above zero.

    ``//`` and ``%`` see no negative numbers, on which engines differ.
    """
    size: exp.Expression = exp.Abs(this=above.copy())
    sign: exp.Expression = exp.Sign(this=above.copy())
    step = below
    if not isinstance(below, exp.Literal):
        step = exp.Abs(this=exp.Nullif(this=below.copy(), expression=_integer(0)))
        sign = _binary(exp.Mul, sign, exp.Sign(this=below.copy()))
    whole = _binary(exp.IntDiv, size, step.copy())
    twice = _binary(exp.Mul, _integer(2), _binary(exp.Mod, size.copy(), step.copy()))
    odd = exp.EQ(this=_binary(exp.Mod, whole.copy(), _integer(2)), expression=_integer(1))
    tie = exp.And(this=exp.EQ(this=twice.copy(), expression=step.copy()), expression=odd)
    up = exp.Or(this=exp.GT(this=twice, expression=step.copy()), expression=exp.Paren(this=tie))
    extra = exp.Case().when(up, _integer(1)).else_(_integer(0))
    return _binary(exp.Mul, sign, _binary(exp.Add, whole, extra))


def _to_places(number: _Number, places: int, name: str) -> _Number:
    """Round to fewer decimals: half away from zero, down or up. Only sizes are divided: engines differ on negatives."""
    if number.places <= places:
        return number
    step = 10 ** (number.places - places)
    above = number.wide()
    size, sign = exp.Abs(this=above.copy()), exp.Sign(this=above.copy())
    below, more = _integer(step), _integer(step - 1)
    if name == "round":
        more = _integer(step // 2)
        return _Number(
            _binary(exp.Mul, sign, _binary(exp.IntDiv, _binary(exp.Add, size, more), below)), places, is_wide=True
        )
    outward = (
        exp.LT(this=above.copy(), expression=_integer(0))
        if name == "floor"
        else exp.GT(this=above.copy(), expression=_integer(0))
    )
    extra = exp.Case().when(outward, more).else_(_integer(0))
    grown = _binary(exp.Add, size, exp.Paren(this=extra))
    return _Number(_binary(exp.Mul, sign, _binary(exp.IntDiv, grown, below)), places, is_wide=True)


def _binary(kind: type[exp.Binary], left: exp.Expression, right: exp.Expression) -> exp.Expression:
    return exp.Paren(this=kind(this=left, expression=right))


def _paren(sql: exp.Expression) -> exp.Expression:
    return exp.Paren(this=sql) if isinstance(sql, (exp.Binary, exp.Not, exp.In)) else sql


def _integer(value: int) -> exp.Expression:
    number = exp.Literal.number(str(abs(value)))
    return exp.Paren(this=exp.Neg(this=number)) if value < 0 else number


def _literal(value: object) -> exp.Expression:
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    if isinstance(value, Decimal):
        return _integer(int(value))  # a count of days
    if isinstance(value, str):
        return exp.Literal.string(value)
    return exp.Null()
