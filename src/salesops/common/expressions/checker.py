"""Turns Python's syntax tree of a rewritten formula into a checked tree: known fields, allowed forms, fitting units."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Context, Decimal
from difflib import get_close_matches
from typing import Final

from salesops.common.errors import Problem
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
    Operator,
    walk,
)
from salesops.common.expressions.types import (
    BOOL,
    DIGITS,
    MAX_DIGITS,
    QUOTIENT_PLACES,
    SCALE,
    UNKNOWN,
    FieldType,
    Schema,
    ValueType,
)
from salesops.common.expressions.words import CALLED, FUNCTIONS, Rewritten, Word
from salesops.common.money import CURRENCIES

MAX_DEPTH: Final = 60
MAX_LITERAL_DIGITS: Final = 18
MAX_LITERAL_PLACES: Final = 10
MAX_DAYS: Final = 100_000

EXACT: Final = Context(prec=120)
"""Wide enough that sums and products within 38 digits are exact, and quotients round once."""

_COMPARISONS: Final[Mapping[type[ast.cmpop], Comparison]] = {
    ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_OPERATORS: Final[Mapping[type[ast.operator], Operator]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_NUMBER: Final = ValueType("number")
_COUNT: Final = ValueType("count")
_DATE: Final = ValueType("date")


class Checker:
    """Reads one syntax tree, collecting every problem. A part with a problem is of unknown type and causes no more."""

    def __init__(self, rewritten: Rewritten, schema: Schema, source: str) -> None:
        self.problems: list[Problem] = []
        self._rewritten, self._schema, self._source = rewritten, schema, source

    def read(self, tree: ast.expr, depth: int = 0) -> Node:
        """Give the checked node of a syntax node."""
        at = self._at(tree)
        if depth > MAX_DEPTH:
            return self._wrong(at, "The formula is nested too deeply", "Split it, or name a part as a field of its own")
        match tree:
            case ast.Name():
                return self._word(self._rewritten.words[tree.id])
            case ast.BoolOp():
                word = "and" if isinstance(tree.op, ast.And) else "or"
                parts = tuple(self._condition(self.read(value, depth + 1), f"'{word}'") for value in tree.values)
                return Logic(BOOL, at, "and" if word == "and" else "or", parts)
            case ast.UnaryOp(op=ast.Not()):
                return Not(BOOL, at, self._condition(self.read(tree.operand, depth + 1), "'not'"))
            case ast.UnaryOp(op=ast.USub()):
                return self._arithmetic(at, "-", Constant(replace(_NUMBER, literal=True), at, Decimal(0)),
                                        self.read(tree.operand, depth + 1))  # fmt: skip
            case ast.UnaryOp(op=ast.UAdd()):
                return self.read(tree.operand, depth + 1)
            case ast.BinOp() if type(tree.op) in _OPERATORS:
                left, right = self.read(tree.left, depth + 1), self.read(tree.right, depth + 1)
                return self._arithmetic(at, _OPERATORS[type(tree.op)], left, right)
            case ast.Compare():
                return self._comparisons(tree, depth)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if name.startswith(CALLED):
                args = [self.read(arg, depth + 1) for arg in tree.args]
                return self._call(at, name.removeprefix(CALLED), args)
            case ast.Call():
                return self._wrong(at, "Functions cannot be called here", f"Known functions: {', '.join(FUNCTIONS)}")
            case _:
                return self._wrong(
                    at, "This form is not part of the language", "Use fields, literals and operators only"
                )

    # Words ------------------------------------------------------------------------------------------------------------

    def _word(self, word: Word) -> Node:
        if word.kind == "field":
            return self._field(word)
        if word.kind == "string":
            if "\0" in word.text:
                return self._wrong(word.at, "A text cannot hold a null character", "Remove it")
            return Constant(ValueType("text", literal=True), word.at, word.text)
        if word.kind == "number":
            number = Decimal(word.text)
            if _too_long(number):
                return self._too_long(word)
            return Constant(replace(_NUMBER, literal=True), word.at, number)
        if word.kind in ("money", "date"):
            return self._unit_literal(word)
        if word.text == "null":
            return Constant(ValueType("null"), word.at, None)
        return Constant(BOOL, word.at, word.text == "true")

    def _too_long(self, word: Word) -> Node:
        return self._wrong(
            word.at, f"The number {word.text} is too long",
            f"Use at most {MAX_LITERAL_DIGITS} digits and {MAX_LITERAL_PLACES} decimals",
        )  # fmt: skip

    def _unit_literal(self, word: Word) -> Node:
        """Read a literal with a unit: ``2026-03-31`` or ``250_000 USD``."""
        if word.kind == "date":
            try:
                return Constant(_DATE, word.at, date.fromisoformat(word.text))
            except ValueError:
                return self._wrong(word.at, f"{word.text} is not a date", "Write it as 2017-03-31")
        text, code = word.text.split()
        if code not in CURRENCIES:
            return self._wrong(
                word.at, f"'{code}' is not a currency code", "Write an ISO 4217 code, such as 250_000 USD"
            )
        return (
            self._too_long(word)
            if _too_long(Decimal(text))
            else Constant(ValueType("money", code), word.at, Decimal(text))
        )

    def _field(self, word: Word) -> Node:
        declared: FieldType | None = self._schema.get(word.text)
        if declared is None:
            near = get_close_matches(word.text, self._schema, n=1)
            remedy = f"Did you mean '{near[0]}'?" if near else f"Known fields: {', '.join(sorted(self._schema)[:12])}"
            return self._wrong(word.at, f"There is no field '{word.text}'", remedy)
        return Field(ValueType(declared.kind, declared.currency), word.at, word.text)

    # Conditions -------------------------------------------------------------------------------------------------------

    def _condition(self, node: Node, where: str) -> Node:
        if node.type.kind not in ("bool", "unknown"):
            return self._wrong(
                node.at, f"{where} needs a condition, but this is {node.type}", "Compare it, for example: amount > 0"
            )
        return node

    def _comparisons(self, tree: ast.Compare, depth: int) -> Node:
        at, operators = self._at(tree), tree.ops
        left = self.read(tree.left, depth + 1)
        if isinstance(operators[0], (ast.In, ast.NotIn)):
            if len(operators) > 1:
                return self._wrong(at, "A list test cannot be chained", "Put brackets around it")
            test: Node = self._one_of(at, left, tree.comparators[0], depth)
            return Not(BOOL, at, test) if isinstance(operators[0], ast.NotIn) else test
        if isinstance(operators[0], (ast.Is, ast.IsNot)):
            test = self._is(tree, left, depth)
            return Not(BOOL, at, test) if isinstance(operators[0], ast.IsNot) and test.type == BOOL else test
        pairs: list[Node] = []
        for operator, comparator in zip(operators, tree.comparators, strict=True):
            if type(operator) not in _COMPARISONS:
                return self._wrong(at, "Different kinds of test cannot be chained", "Put brackets around each")
            right = self.read(comparator, depth + 1)
            pairs.append(self._compare(_COMPARISONS[type(operator)], left, right))
            left = right
        return pairs[0] if len(pairs) == 1 else Logic(BOOL, at, "and", tuple(pairs))

    def _is(self, tree: ast.Compare, left: Node, depth: int) -> Node:
        at = self._at(tree)
        kinds = [type(operator) for operator in tree.ops]
        first = self.read(tree.comparators[0], depth + 1)
        if len(kinds) == 1:
            if first.type.kind in ("null", "unknown"):
                return IsNull(BOOL, at, left)
            return self._wrong(at, "'is' tests for null only", "Write = to compare")
        if len(kinds) == 2 and kinds[1] is ast.Is and first.type.kind != "null":
            second = self.read(tree.comparators[1], depth + 1)
            low, high = self._compare(">=", left, first), self._compare("<=", left, second)
            return Logic(BOOL, at, "and", (low, high))
        return self._wrong(at, "Different kinds of test cannot be chained", "Put brackets around each")

    def _one_of(self, at: int, value: Node, listed: ast.expr, depth: int) -> Node:
        items = listed.elts if isinstance(listed, (ast.Tuple, ast.List)) else [listed]
        if not items:
            return self._wrong(at, "The list after 'in' is empty", "Write for example: stage in ('Won', 'Lost')")
        options: list[Node] = []
        for item in items:
            option = self.read(item, depth + 1)
            if option.type.kind == "null":
                option = self._wrong(option.at, "A list cannot hold null", "Write: ... or x is null")
            elif not isinstance(option, Constant) and option.type.kind != "unknown":
                option = self._wrong(option.at, "A list holds literals only", "Write: x = a or x = b")
            compared = self._compare("=", value, option)
            if isinstance(compared, Compare):
                value = compared.left
                options.append(compared.right)
        return OneOf(BOOL, at, value, tuple(options)) if options else self._unknown(at)

    def _compare(self, comparison: Comparison, left: Node, right: Node) -> Node:
        at = right.at
        if "unknown" in (left.type.kind, right.type.kind):
            return self._unknown(at)
        if "null" in (left.type.kind, right.type.kind):
            return self._wrong(at, "Nothing is equal to null", "Write 'is null' or 'is not null'")
        left, right = self._as_date(left, right), self._as_date(right, left)
        if "unknown" in (left.type.kind, right.type.kind):
            return self._unknown(at)
        one, other = left.type, right.type
        if not _comparable(one, other):
            return self._wrong(at, f"Cannot compare {one} with {other}", _remedy(one, other))
        if one.kind in ("text", "bool") and comparison not in ("=", "!="):
            return self._wrong(at, f"{one} has no order", "Compare it with = or !=, or list the values with 'in'")
        scale = max(_size(left)[1], _size(right)[1])
        digits = max(digits + scale - places for digits, places in (_size(left), _size(right)))
        return self._within(digits, Compare(BOOL, at, comparison, left, right))

    def _as_date(self, node: Node, other: Node) -> Node:
        """Read a text literal as a date where it meets a date."""
        if other.type.kind != "date" or not isinstance(node, Constant) or not isinstance(node.value, str):
            return node
        try:
            day = date.fromisoformat(node.value) if len(node.value) == 10 else None
        except ValueError:
            day = None
        if day is None:
            return self._wrong(node.at, f"'{node.value}' is not a date", "Write it as '2017-03-31'")
        return Constant(_DATE, node.at, day)

    # Arithmetic -------------------------------------------------------------------------------------------------------

    def _arithmetic(self, at: int, operator: Operator, left: Node, right: Node) -> Node:
        left, right = self._as_date(left, right), self._as_date(right, left)
        one, other = left.type, right.type
        if "unknown" in (one.kind, other.kind):
            return self._unknown(at)
        if "null" in (one.kind, other.kind):
            return self._wrong(at, "Nothing can be calculated with null", "Test the field with 'is null' first")
        if isinstance(left, Constant) and isinstance(right, Constant) and one.literal and other.literal:
            folded = _folded(operator, left, right)
            if folded is not None:
                return folded
        if "date" in (one.kind, other.kind):
            return self._date_arithmetic(at, operator, left, right)
        if not one.numeric or not other.numeric:
            bad = other if one.numeric else one
            return self._wrong(at, f"'{operator}' needs numbers, but this is {bad}", "Use money, rates or counts")
        kind = _sum(one, other) if operator in "+-" else _product(one, other) if operator == "*" else _ratio(one, other)
        if kind is None:
            return self._wrong(at, f"{_VERBS[operator]} {one} and {other} has no meaning", _remedy(one, other))
        if operator == "/" and any(
            isinstance(part, Arithmetic) and part.operator == "/" for side in (left, right) for part in walk(side)
        ):
            return self._wrong(at, "A division inside a division", "Write a / (b * c) instead of a / b / c")
        if operator == "/" and isinstance(right, Constant) and right.value == 0:
            return self._wrong(at, "A division by zero never has a value", "Divide by something else")
        node = Arithmetic(kind, at, operator, left, right)
        return self._within(_size(node)[0], node)

    def _date_arithmetic(self, at: int, operator: Operator, left: Node, right: Node) -> Node:
        if operator == "-" and left.type.kind == right.type.kind == "date":
            return Arithmetic(_COUNT, at, operator, left, right)
        days = right.value if isinstance(right, Constant) else None
        if left.type.kind == "date" and operator in "+-" and isinstance(days, Decimal):
            if days != days.to_integral_value() or abs(days) > MAX_DAYS:
                return self._wrong(right.at, f"{days} is no count of days", f"Use whole days, at most {MAX_DAYS}")
            return Arithmetic(_DATE, at, operator, left, right)
        return self._wrong(
            at, f"'{operator}' has no meaning between {left.type} and {right.type}",
            "Subtract two dates, or add a number of days: close_date + 30",
        )  # fmt: skip

    def _within(self, digits: int, node: Node) -> Node:
        if digits < MAX_DIGITS:
            return node
        problem = f"This can need {digits} digits, more than can be held exactly"
        return self._wrong(node.at, problem, "Use fewer factors or decimals")

    # Functions --------------------------------------------------------------------------------------------------------

    def _call(self, at: int, name: str, args: list[Node]) -> Node:
        if any(arg.type.kind == "unknown" for arg in args):
            return self._unknown(at)
        if name in _PARTS:
            return self._date_part(at, name, args)
        if name in ("round", "floor", "ceil"):
            return self._rounding(at, name, args)
        if name == "abs":
            if len(args) != 1 or not args[0].type.numeric:
                return self._wrong(at, "abs needs one number", "Write for example abs(amount)")
            return Call(args[0].type, at, "abs", tuple(args))
        return self._choice(at, name, args)

    def _choice(self, at: int, name: str, args: list[Node]) -> Node:
        """Read if, min, max and coalesce: values of one unit, of which one is given."""
        tests, values = (args[:1], args[1:]) if name == "if" else ([], args)
        if (name == "if" and len(args) != 3) or len(values) < 2:
            example = {"if": "if(amount > 1000, 2, 1)", "coalesce": "coalesce(discount, 0)"}.get(
                name, f"{name}(amount, 1000)"
            )
            return self._wrong(
                at, f"{name} needs {'three' if name == 'if' else 'at least two'} values", f"Write for example {example}"
            )
        for test in tests:
            if self._condition(test, "if").type.kind == "unknown":
                return self._unknown(at)
        first = next((value for value in values if value.type.kind != "text"), values[0])
        values = [self._as_date(value, first) for value in values]
        if any(value.type.kind == "unknown" for value in values):
            return self._unknown(at)
        found = values[0].type
        for value in values[1:]:
            merged = _merged(found, value.type)
            if merged is None:
                return self._wrong(value.at, f"{name} mixes {found} and {value.type}", _remedy(found, value.type))
            found = merged
        if name in ("min", "max") and not (found.numeric or found.kind == "date"):
            return self._wrong(at, f"{name} needs numbers or dates, but this is {found}", "Compare with = or in")
        node = Call(found, at, name, (*tests, *values))  # type: ignore[arg-type]
        return self._within(_size(node)[0], node) if found.numeric else node

    def _rounding(self, at: int, name: str, args: list[Node]) -> Node:
        places = args[1].value if len(args) == 2 and isinstance(args[1], Constant) else Decimal(0)
        if not args or len(args) > (2 if name == "round" else 1) or not args[0].type.numeric:
            return self._wrong(at, f"{name} needs a number", f"Write for example {name}(amount)")
        if (
            not isinstance(places, Decimal)
            or places not in range(5)
            or (len(args) == 2 and not isinstance(args[1], Constant))
        ):
            return self._wrong(at, "round keeps 0 to 4 decimals", "Write for example round(amount, 2)")
        return Call(args[0].type, at, name, (args[0],), int(places))  # type: ignore[arg-type]

    def _date_part(self, at: int, name: str, args: list[Node]) -> Node:
        if len(args) != 1 or args[0].type.kind != "date":
            return self._wrong(at, f"{name} needs one date", f"Write for example {name}(close_date) = 3")
        return Call(_COUNT, at, name, tuple(args))  # type: ignore[arg-type]

    # Helpers ----------------------------------------------------------------------------------------------------------

    def _at(self, tree: ast.expr) -> int:
        if isinstance(tree, ast.Name):
            return self._rewritten.words[tree.id].at
        return self._rewritten.origin(tree.col_offset)

    def _unknown(self, at: int) -> Node:
        return Constant(UNKNOWN, at, None)

    def _wrong(self, at: int, problem: str, remedy: str) -> Node:
        self.problems.append(Problem(self._source, None, f"character {at + 1}", problem, remedy))
        return self._unknown(at)


_PARTS: Final = ("year", "quarter", "month", "day")
_VERBS: Final = {"+": "Adding", "-": "Subtracting", "*": "Multiplying", "/": "Dividing"}


def _comparable(one: ValueType, other: ValueType) -> bool:
    if one.numeric and other.numeric:
        if one.literal or other.literal:
            return True
        if "money" in (one.kind, other.kind):
            return one.kind == other.kind and one.currency == other.currency
        return one.kind == other.kind or "number" in (one.kind, other.kind)
    return one.kind == other.kind


def _merged(one: ValueType, other: ValueType) -> ValueType | None:
    """Give the type of a choice between two values; null goes with anything, a literal takes the other's unit."""
    if "null" in (one.kind, other.kind):
        return other if one.kind == "null" else one
    if not _comparable(one, other):
        return None
    if one.literal and other.literal:
        return one
    return other if one.literal or one.kind == "number" else one


def _too_long(number: Decimal) -> bool:
    return len(number.as_tuple().digits) > MAX_LITERAL_DIGITS or _places(number) > MAX_LITERAL_PLACES


def _remedy(one: ValueType, other: ValueType) -> str:
    if one.kind == other.kind == "money":
        return "Use amounts of one currency, such as those converted to the reporting currency"
    if "text" in (one.kind, other.kind):
        return "Write text in quotes, and numbers and field names without"
    return "Use two values of the same unit"


def _sum(one: ValueType, other: ValueType) -> ValueType | None:
    if not _comparable(one, other):
        return None
    return other if one.literal else one if other.literal or one.kind != "number" else other


def _product(one: ValueType, other: ValueType) -> ValueType | None:
    if one.kind == other.kind == "money":
        return None
    money = next((value for value in (one, other) if value.kind == "money"), None)
    return money or (_COUNT if one.kind == other.kind == "count" else _NUMBER)


def _ratio(one: ValueType, other: ValueType) -> ValueType | None:
    if other.kind == "money":
        return _NUMBER if one.kind == "money" and one.currency == other.currency else None
    return one if one.kind == "money" else _NUMBER


def _folded(operator: Operator, left: Constant, right: Constant) -> Constant | None:
    if operator == "/" or not isinstance(left.value, Decimal) or not isinstance(right.value, Decimal):
        return None
    combine = {"+": EXACT.add, "-": EXACT.subtract, "*": EXACT.multiply}[operator]
    value = combine(left.value, right.value)
    if len(value.as_tuple().digits) > MAX_LITERAL_DIGITS or _places(value) > MAX_LITERAL_PLACES:
        return None
    return Constant(left.type, left.at, value)


def _places(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def _size(node: Node) -> tuple[int, int]:
    """Give an upper bound of the digits of a numeric part as a scaled integer, and its decimal places."""
    match node:
        case Constant(value=Decimal() as number):
            return max(len(number.as_tuple().digits), _places(number)), _places(number)
        case Field() if node.type.numeric:
            return DIGITS[node.type.kind], SCALE[node.type.kind]
        case Call(name="round" | "floor" | "ceil"):
            digits, places = _size(node.args[0])
            return digits + 1, min(places, node.places)
        case Call() if node.args[-1].type.numeric:
            sizes = [_size(arg) for arg in node.args if arg.type.numeric]
            places = max(places for _, places in sizes)
            return max(digits + places - own for digits, own in sizes), places
        case Arithmetic() if node.type.numeric and node.left.type.numeric:
            return _arithmetic_size(node.operator, _size(node.left), _size(node.right))
        case _:
            return 8, 0  # days between dates, or no number at all


def _arithmetic_size(operator: Operator, left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    (left_digits, left_places), (right_digits, right_places) = left, right
    if operator == "*":
        return left_digits + right_digits, left_places + right_places
    if operator == "/":
        shift = QUOTIENT_PLACES - left_places + right_places
        return max(left_digits + max(shift, 0), right_digits + max(-shift, 0)) + 1, QUOTIENT_PLACES
    places = max(left_places, right_places)
    return max(left_digits + places - left_places, right_digits + places - right_places) + 1, places


def result_digits(node: Node) -> int:
    """Give an upper bound of the digits of a numeric formula in the scale in which its result is stored."""
    digits, places = _size(node)
    return digits + max(0, SCALE[node.type.kind] - places)


def all_fields(nodes: Sequence[Node]) -> frozenset[str]:
    """Give the names of all fields in some nodes."""
    return frozenset(part.name for node in nodes for part in walk(node) if isinstance(part, Field))
