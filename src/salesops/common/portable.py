"""SQL that means the same on every engine: which constructs are allowed, and how a statement is written for another engine.

Statements are written in the DuckDB dialect; SQLGlot writes them for the others, with the rewrites that the conformance suite
(`make test-engines`) showed to be needed:

| construct | why it is rewritten |
| --- | --- |
| `a // b` | other engines divide integers by `/`, by DIV() or not at all, some of them in binary floating point |
| `SUM(x)` | of BIGINT is a BIGINT in Spark; it is added up as DECIMAL there (a DOUBLE stays one) |
| `SIGN(x)` | PostgreSQL and Spark give a binary float, and an exact product would become one |
| `HUGEINT` | DECIMAL(38, 0) elsewhere |
| `CASE WHEN ABS(x) < NARROW AND ... THEN ... ELSE ...` | 64-bit arithmetic is quicker than 128-bit in DuckDB alone: the last branch stands for all |
| `GROUP BY 'text'` | refused by PostgreSQL and BigQuery: the place of the column stands instead |
| `DATE_DIFF('day', a, b)` | the order of arguments differs; a difference of dates where an engine has it |
| `OVER (... ORDER BY x)` | BigQuery puts nulls first, and has no NULLS LAST for sums in windows: `x IS NULL` becomes a key before |
| `FROM (SELECT ...)` without a name | refused by PostgreSQL 15 |
| names | quoted and in small letters, so that reserved words and case do not matter; at most 63 bytes in PostgreSQL, which cuts longer ones |
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError

from .errors import SalesopsError


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
        if isinstance(node, exp.Table) and node.db:
            return f"the table {node.db}.{node.name}"  # of DuckDB's own: engines list other tables there, or none
        if isinstance(node, exp.Join) and (node.args.get("method") or node.args.get("kind") in ("SEMI", "ANTI")):
            return "ASOF, SEMI or ANTI JOIN"
        if isinstance(node, exp.DateDiff) and str(node.args.get("unit")).strip("'").upper() != "DAY":
            return "DATE_DIFF of anything but days"
    return ""


def _kind(node: Any) -> str:
    kind = node.to.this
    return str(kind.name if isinstance(kind, exp.DataType.Type) else kind)


# Other engines ---------------------------------------------------------------------------------------------------------

RUN: Final = ("duckdb", "postgres", "spark")
"""Dialects of engines that the conformance suite runs."""
CHECKED: Final = ("trino", "snowflake", "bigquery", "clickhouse")
"""Dialects for which the SQL is generated and read back, and nothing is run."""
WIDE: Final = exp.DataType.build("DECIMAL(38, 0)")
LONGEST: Final = 63
"""Bytes of a name that PostgreSQL keeps."""


NARROW: Final = 1_000_000_000_000
"""Amounts below this may be multiplied in 64 bits."""


class NotPortable(SalesopsError):
    """A statement that cannot be written for an engine."""


def transpile(tree: exp.Expression, dialect: str) -> str:
    """The statement for an engine; raises NotPortable with what stands in the way."""
    tree = tree.copy()
    _groups(tree)
    _names(tree, dialect)
    if dialect != "duckdb":
        _long_way(tree)
    if dialect == "bigquery":
        _nulls_last(tree)
    for node in reversed(list(tree.find_all(exp.Sign, exp.IntDiv, exp.DateDiff, exp.Sum))):  # the inner ones first
        node.replace(_exact(node, dialect))
    for cast in tree.find_all(exp.DataType):
        if cast.this == exp.DataType.Type.INT128:
            cast.replace(WIDE.copy())
    try:
        return tree.sql(dialect=dialect, identify=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise NotPortable(f"{dialect}: {error}", "Write it with constructs of the allow-list") from error


def _groups(tree: exp.Expression) -> None:
    """Constants in GROUP BY become the place of their column."""
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        for key in group.expressions if group else ():
            if isinstance(key.unnest(), (exp.Literal, exp.Cast)) and not key.find(exp.Column):
                bare = [one.unalias() for one in select.expressions]
                key.replace(exp.Literal.number(bare.index(key) + 1))


def short(name: str) -> str:
    """A name as PostgreSQL can tell it from others: it cuts names to 63 bytes. Longer ones end with a digest."""
    if len(name.encode()) <= LONGEST:
        return name
    kept = name.encode()[: LONGEST - 11].decode(errors="ignore")
    return f"{kept}_{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def _long_way(tree: exp.Expression) -> None:
    """Arithmetic that is told apart by the size of an amount is done as for large ones: these engines count in decimals."""
    for case in reversed(list(tree.find_all(exp.Case))):  # the inner ones first
        condition = case.args["ifs"][0].this
        if isinstance(condition, exp.And) and any(
            isinstance(one.this, exp.Abs) and one.expression.name == str(NARROW) for one in condition.find_all(exp.LT)
        ):
            case.replace(case.args["default"])


def _nulls_last(tree: exp.Expression) -> None:
    """Nulls come last in the order of a window by a key of their own."""
    for window in tree.find_all(exp.Window):
        order, keys = window.args.get("order"), []
        for key in order.expressions if order else ():
            if not key.args.get("desc"):
                keys.append(exp.Ordered(this=exp.Is(this=key.this.copy(), expression=exp.Null()), nulls_first=True))
                key.set("nulls_first", True)
            keys.append(key)
        if order:
            order.set("expressions", keys)


def _names(tree: exp.Expression, dialect: str) -> None:
    for identifier in tree.find_all(exp.Identifier):
        name = identifier.name.lower()
        identifier.set("this", short(name) if dialect == "postgres" else name)
    unnamed = 0
    for subquery in tree.find_all(exp.Subquery):
        if isinstance(subquery.parent, (exp.From, exp.Join)) and not subquery.alias:
            unnamed += 1
            subquery.set("alias", exp.TableAlias(this=exp.to_identifier(f"unnamed_{unnamed}")))


def _exact(node: exp.Expression, dialect: str) -> exp.Expression:
    if isinstance(node, exp.Sign):
        value = node.this
        return exp.paren(
            exp.case()
            .when(exp.GT(this=value.copy(), expression=exp.Literal.number(0)), exp.Literal.number(1))
            .when(exp.LT(this=value.copy(), expression=exp.Literal.number(0)), exp.Neg(this=exp.Literal.number(1)))
            .when(exp.EQ(this=value.copy(), expression=exp.Literal.number(0)), exp.Literal.number(0))
        )
    if isinstance(node, exp.DateDiff):
        if dialect == "spark":
            return exp.cast(node.copy(), "BIGINT")
        if dialect != "postgres":
            return node
        ends = [exp.paren(exp.cast(one.copy(), "DATE")) for one in (node.this, node.expression)]
        return exp.cast(exp.paren(exp.Sub(this=ends[0], expression=ends[1])), "BIGINT")
    if isinstance(node, exp.Sum):
        return _sum(node) if dialect == "spark" else node
    return _quotient(node.this.copy(), node.expression.copy(), dialect)


def _sum(node: exp.Sum) -> exp.Expression:
    """The sum as Spark adds it up exactly: a BIGINT plus a DECIMAL is a DECIMAL, a DOUBLE plus one a DOUBLE."""
    value = node.this
    results = [one.args["true"] for one in value.args["ifs"]] if isinstance(value, exp.Case) else [value]
    if isinstance(value, exp.Case) and value.args.get("default"):
        results.append(value.args["default"])
    if all(isinstance(one, exp.Literal) for one in results):
        return node  # it counts
    zero = exp.cast(exp.Literal.number(0), "DECIMAL(1, 0)")
    return exp.Sum(this=exp.Add(this=exp.paren(value.copy()), expression=zero))


def _quotient(a: exp.Expression, b: exp.Expression, dialect: str) -> exp.Expression:
    """The quotient of integers, cut towards zero, exact up to 38 digits."""
    wide = exp.cast(exp.paren(a), WIDE.copy())
    if dialect == "duckdb":
        return exp.paren(exp.IntDiv(this=exp.paren(a), expression=exp.paren(b)))
    if dialect == "postgres":
        return exp.Anonymous(this="DIV", expressions=[exp.cast(exp.paren(a), "DECIMAL"), exp.paren(b)])
    if dialect == "bigquery":
        return exp.Anonymous(this="DIV", expressions=[exp.paren(a), exp.paren(b)])
    if dialect == "clickhouse":
        return exp.Anonymous(this="intDiv", expressions=[exp.paren(a), exp.paren(b)])
    # By the remainder, which is exact: a quotient of wide decimals may be rounded, and Spark's DIV gives a BIGINT, into which
    # a greater quotient is wrapped without a word, in ANSI mode, too.
    rest = exp.Mod(this=wide.copy(), expression=exp.paren(b.copy()))
    whole = exp.paren(exp.Sub(this=wide, expression=exp.paren(rest)))
    return exp.cast(exp.paren(exp.Div(this=whole, expression=exp.paren(b), typed=True)), WIDE.copy())
