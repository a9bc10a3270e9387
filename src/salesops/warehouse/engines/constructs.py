"""Constructs that mean the same on every engine, once `transpile` has written them for it. What is not named here is not portable."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED: Final = _words(
    """
    Select Subquery CTE With From Join Where Group Having Order Ordered Union Table TableAlias Alias Values
    Tuple Column Identifier Literal Null Boolean Star Placeholder Paren Neg DataType DataTypeParam Cast Case If
    Coalesce Nullif And Or Not EQ NEQ GT GTE LT LTE Is In Between Exists Distinct Limit Offset Add Sub Mul Div
    IntDiv Mod Abs Sign Ln Exp Count Sum Min Max DateDiff Var Window WindowSpec RowNumber Lead GroupConcat
    """
)
"""By SQLGlot's names of them."""

KINDS: Final = _words("BIGINT INT INT128 DATE DOUBLE VARCHAR TEXT BOOLEAN")
"""Types that a value may be cast to."""


def foreign(tree: exp.Expression) -> str:
    """The first construct of a statement that is not portable, empty when there is none."""
    for node in tree.walk():
        if type(node).__name__ not in ALLOWED:
            return type(node).__name__ if not isinstance(node, exp.Anonymous) else f"{node.this}()"
        if isinstance(node, exp.Cast) and _kind(node) not in KINDS:
            return f"CAST AS {_kind(node)}"
        if isinstance(node, exp.Join) and (node.args.get("method") or node.args.get("kind") in ("SEMI", "ANTI")):
            return "ASOF, SEMI or ANTI JOIN"
        if isinstance(node, exp.DateDiff) and str(node.args.get("unit")).strip("'").upper() != "DAY":
            return "DATE_DIFF of anything but days"
    return ""


def _kind(node: Any) -> str:
    kind = node.to.this
    return str(kind.name if isinstance(kind, exp.DataType.Type) else kind)
