"""Reads formulas of people: routing rules, plan filters, segments, criteria. Never evaluated as Python."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from salesops.common.errors import InvalidData, Problem
from salesops.common.expressions.checker import EXACT, Checker, all_fields, result_digits
from salesops.common.expressions.interpreter import Value, evaluate, rounded
from salesops.common.expressions.tree import Node
from salesops.common.expressions.types import MAX_DIGITS, SCALE, Kind, Schema, ValueType
from salesops.common.expressions.words import Rewritten, rewrite
from salesops.common.money import MAX_UNITS

if TYPE_CHECKING:
    from sqlglot import exp

    from salesops.common.expressions.sql import Columns


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked formula: its text, type and fields, and its two back ends."""

    text: str
    node: Node
    fields: frozenset[str]

    @property
    def type(self) -> ValueType:
        """What the formula gives: its kind, and its currency if that is money."""
        return self.node.type

    @property
    def scale(self) -> int:
        """Decimal places of the stored result: 4 for money, 6 for a rate, 10 for a plain number, else 0."""
        return SCALE.get(self.type.kind, 0)

    def evaluate(self, row: Mapping[str, Any]) -> Value:
        """Give the value on one row of stored values, exactly; numbers as Decimal with ``scale`` places."""
        return rounded(evaluate(self.node, row), self.scale)

    def stored(self, row: Mapping[str, Any]) -> Any:
        """Give the value on one row in stored form, as the SQL does: numbers as integers in units of 10^-scale."""
        value = self.evaluate(row)
        if not isinstance(value, Decimal):
            return value
        whole = int(value.scaleb(self.scale, EXACT))
        if self.type.kind != "number" and not -MAX_UNITS <= whole <= MAX_UNITS:
            raise InvalidData(f"{value} is too large to store", "Check the figures of this record")
        return whole

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Say whether a condition holds on a row; unknown (null) does not hold."""
        return self.evaluate(row) is True

    def sql(self, columns: Columns | None = None) -> exp.Expression:
        """Give a SQLGlot expression (DuckDB) over stored columns, with SQL's three-valued logic.

        ``columns`` gives the SQL of each field; by default a quoted column of that name. Numbers come in stored form:
        money, rates and counts as BIGINT, plain numbers as HUGEINT (a ratio is not there to be summed). A figure that
        does not fit raises an error in the engine rather than losing digits.
        """
        from salesops.common.expressions.sql import column, compile_sql

        return compile_sql(self.node, columns or column)


def parse(text: str, schema: Schema, expect: Kind | None = None, source: str = "formula") -> Expression:
    """Read a formula over the fields of a schema; raise InvalidData with every problem if it cannot be used.

    Takes literals (``12.5``, ``'text'``, ``true``, ``'2017-03-31'`` where it meets a date), fields (dotted, and in
    backticks for any name), ``= != < <= > >=`` and their Python forms, ``and or not``, ``in (...)``, ``between a and
    b``, ``is null``, ``+ - * /``, literals with a unit (``8%``, ``250_000 USD``, ``2017-03-31``) and the functions
    ``if(condition, a, b) min max abs round floor ceil coalesce year quarter month day``. ``if`` gives b where the
    condition is unknown; ``round(x, places)`` rounds halves away from zero; ``min`` and ``max`` are null if any value
    is. Money, rates, counts and dates mix only where that has a meaning. A division is rounded half to even to 10
    places and gives null for a zero denominator. ``expect`` is the kind that is needed, such as ``bool`` for a condition.

    >>> from salesops.common.expressions import FieldType
    >>> won = parse("stage = 'Won' and amount > 1000", {"stage": FieldType("text"), "amount": FieldType("money")})
    >>> won.sql().sql("duckdb")
    '("stage" = \\'Won\\') AND ("amount" > 10000000)'
    >>> won.matches({"stage": "Won", "amount": 12_500_000})
    True
    """
    node, problems = _read(text, schema, expect, source)
    if node is None or problems:
        summary = problems[0] if len(problems) == 1 else f"The formula has {len(problems)} problems"
        if isinstance(summary, Problem):
            raise InvalidData(f"{summary.problem} (at {summary.field} of: {text})", summary.remedy, problems)
        raise InvalidData(f"{summary}: {text}", "Mend each of them", problems)
    return Expression(text, node, all_fields([node]))


def check(text: str, schema: Schema, expect: Kind | None = None, source: str = "formula") -> list[Problem]:
    """Give every problem of a formula, none if it can be used; ``field`` of a problem names the character."""
    return _read(text, schema, expect, source)[1]


def _read(text: str, schema: Schema, expect: Kind | None, source: str) -> tuple[Node | None, list[Problem]]:
    rewritten, problems = rewrite(text, source, frozenset(schema))
    if problems:
        return None, problems
    try:
        tree = ast.parse(rewritten.source.strip(), mode="eval")
    except SyntaxError as error:
        return None, [_syntax_problem(error, rewritten, text, source)]
    except (RecursionError, MemoryError, ValueError):
        return None, [Problem(source, None, "character 1", "The formula is nested too deeply", "Split it")]
    checker = Checker(rewritten, schema, source)
    node = checker.read(tree.body)
    problems = checker.problems
    if not problems and expect is not None and node.type.kind != expect:
        remedy = "Compare it, for example: amount > 0" if expect == "bool" else f"Write a formula that gives {expect}"
        problems.append(Problem(source, None, "character 1", f"A {expect} is needed, but this is {node.type}", remedy))
    if not problems and node.type.kind == "null":
        problems.append(
            Problem(source, None, "character 1", "Null alone is no formula", "Write for example: x is null")
        )
    if not problems and node.type.numeric and result_digits(node) >= MAX_DIGITS:
        problems.append(
            Problem(
                source,
                None,
                "character 1",
                "The result can need more digits than can be held exactly",
                "Use fewer factors",
            )
        )
    return node, problems


def _syntax_problem(error: SyntaxError, rewritten: Rewritten, text: str, source: str) -> Problem:
    at = min(rewritten.origin(max(0, (error.offset or 1) - 1)), max(0, len(text) - 1))
    near = text[at : at + 20].strip()
    return Problem(
        source, None, f"character {at + 1}", f"The formula cannot be understood at '{near}'",
        "Check that every bracket is closed, and that a comparison or operator stands between two values",
    )  # fmt: skip
