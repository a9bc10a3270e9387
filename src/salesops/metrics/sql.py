"""Small pieces of SQL that every question is made of, as SQLGlot expressions over the DuckDB dialect.

Fact files are written with four macros, expanded here:

| macro | becomes |
| --- | --- |
| `as_of(o)` | the version of `o` that was true at the end of the day `:as_of` |
| `on_day(b, day)` | the version of `b` that was true at the end of that day |
| `in_currency(value, currency, day)` | the value in the asked currency at the day's spot rate, half to even to 10^-4 |
| `in_currency(..., 'plan')` | the same at the plan rate |
| `rounded_share(value, part, whole)` | value x part / whole, half to even |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp

from salesops.common.portable import NARROW

FOREVER = "DATE '9999-12-31'"
RATE = 10_000_000_000
NONE = "(none)"
"""The label of what belongs to nobody."""
UNIT = "un"
"""The alias under which facts join the table `unit`: the currencies that amounts are worked in."""
NO_ID = -1
"""The id of what belongs to nobody, in keys of answers."""


@lru_cache(maxsize=2048)
def _parsed(text: str) -> exp.Expression:
    tree = sqlglot.parse_one(text, dialect="duckdb")
    assert isinstance(tree, exp.Expression)
    for node in tree.walk():
        node._meta = None  # where in the text it stood: copying that would take longer than all the rest
    return tree


def parse(text: str) -> exp.Expression:
    """A fresh tree of an SQL text (parsed once)."""
    return _parsed(text).copy()


def literal(value: Any) -> exp.Expression:
    """A Python value as an SQL literal; text is always quoted by SQLGlot, never pasted."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    if isinstance(value, int):
        return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
    if isinstance(value, (list, tuple, set, frozenset)):
        return exp.Tuple(expressions=[literal(one) for one in value])
    return exp.Literal.string(str(value))


def sql_of(value: Any) -> str:
    """A Python value as SQL text, as `literal` writes it."""
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS DATE)"
    return literal(value).sql("duckdb")


def bind(tree: exp.Expression, values: Mapping[str, Any]) -> exp.Expression:
    """The same tree with every placeholder `:name` replaced by its value; an unknown name raises KeyError."""

    def replace(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Placeholder):
            found = values[node.name]
            return found.copy() if isinstance(found, exp.Expression) else literal(found)
        return node

    return tree.transform(replace, copy=False)


def day(value: date) -> str:
    """A day as an SQL literal."""
    return f"DATE '{value.isoformat()}'"


def live(alias: str, at: str, created: bool = True) -> str:
    """The condition that row `alias` was true, and its record existed, at the end of the day `at`."""
    born = f" AND {alias}.created_on <= {at}" if created else ""
    return f"{alias}.day_from <= {at} AND {at} < {alias}.day_to{born} AND NOT {alias}.deleted"


def converted(value: str, rate: str) -> str:
    """`value` x `rate` / 10^10, exactly, rounded half to even; null where either is null. Both are integers.

    Amounts below 10^8 at rates below 90 are multiplied in 64 bits, the rate in two halves: division of 128-bit integers takes
    twenty-five times as long. Other engines than DuckDB take the long way alone (`portable.transpile`).
    """
    size = f"(CAST(ABS({value}) AS HUGEINT) * {rate})"
    high = f"(ABS({value}) * ({rate} // 100000))"
    rest = f"({high} % 100000 * 100000 + ABS({value}) * ({rate} % 100000))"
    short = _half_even(f"({high} // 100000 + ({rest} + {RATE // 2}) // {RATE})", f"{rest} % {RATE} = {RATE // 2}")
    long = _half_even(f"(({size} + {RATE // 2}) // {RATE})", f"{size} % {RATE} = {RATE // 2}")
    return _signed(value, f"{rate} < 900000000000", short, long)


def shared(value: str, part: str, whole: str) -> str:
    """`value` x `part` / `whole`, exactly, rounded half to even; null where `value` is null. `whole` is above zero.

    Amounts below 10^8 and parts of at most a million are multiplied in 64 bits, as in `converted`.
    """

    def rounded(size: str) -> str:
        return _half_even(f"((2 * {size} + ({whole})) // (2 * ({whole})))", f"2 * {size} % (2 * ({whole})) = ({whole})")

    narrow, wide = f"(ABS({value}) * ({part}))", f"(CAST(ABS({value}) AS HUGEINT) * ({part}))"
    few = f"({part}) >= 0 AND ({part}) <= 1000000 AND ({whole}) <= 1000000000000"
    return _signed(value, few, rounded(narrow), rounded(wide))


def _half_even(near: str, tie: str) -> str:
    """The nearest integer, where `near` is the one rounded half up: of two as near, the even one."""
    return f"({near} - CASE WHEN {tie} AND {near} % 2 = 1 THEN 1 ELSE 0 END)"


def _signed(value: str, fits: str, short: str, long: str) -> str:
    """The size with the sign of `value`: worked the short way where amounts are small and the rest `fits`, too."""
    size = f"CASE WHEN ABS({value}) < {NARROW} AND {fits} THEN {short} ELSE {long} END"
    return f"CAST(SIGN({value}) * {size} AS BIGINT)"


def expand(select: exp.Expression, currency: str, convert: bool, reporting: str = "") -> exp.Expression:
    """Expand the macros in a statement. `convert` False: every amount is in the asked currency already. Where a SELECT joins the
    table `unit`, amounts are converted into the currency of its row.

    Between two currencies that have no rate of their own (docs/internals.md, `rate_day`), through the `reporting` one.
    """
    for node in list(select.find_all(exp.Anonymous)):
        if str(node.this).lower() == "in_currency":
            _in_currency(node, currency, convert, reporting)
    for node in list(select.find_all(exp.Anonymous)):
        name = str(node.this).lower()
        arguments = node.expressions
        if name == "as_of":
            node.replace(exp.paren(parse(live(arguments[0].sql("duckdb"), ":as_of"))))
        elif name == "on_day":
            alias, at = arguments[0].sql("duckdb"), arguments[1].sql("duckdb")
            node.replace(exp.paren(parse(f"{alias}.day_from <= {at} AND {at} < {alias}.day_to")))
        elif name == "rounded_share":
            value, part, whole = (one.sql("duckdb") for one in arguments)
            node.replace(parse(shared(value, part, whole)))
    return select


def _in_currency(node: exp.Anonymous, currency: str, convert: bool, reporting: str) -> None:
    value, code, at = (one.sql("duckdb") for one in node.expressions[:3])
    kind = node.expressions[3].name if len(node.expressions) > 3 else "spot"
    if not convert:
        node.replace(node.expressions[0])
        return
    owner = node.find_ancestor(exp.Select)
    assert owner is not None
    alias = f"rate_{code}_{kind}_{at}".lower()
    alias = "".join(c if c.isalnum() else "_" for c in alias)
    several = next((one for one in owner.args.get("joins") or [] if one.alias_or_name == UNIT), None)
    home = literal(currency).sql("duckdb") if several is None else f"{UNIT}.unit"
    rate = _rate(owner, alias, kind, code, home, at)
    if reporting and (several is not None or currency != reporting):
        into = _rate(owner, f"{alias}_in", kind, code, literal(reporting).sql("duckdb"), at)
        out = _rate(owner, f"{alias}_out", kind, literal(reporting).sql("duckdb"), home, at)
        through = f"CAST((CAST({into} AS HUGEINT) * {out} + {RATE // 2}) // {RATE} AS BIGINT)"
        rate = f"COALESCE({rate}, {through})"
    node.replace(parse(f"CASE WHEN {code} = {home} THEN {value} ELSE {converted(value, rate)} END"))


def _rate(owner: exp.Select, alias: str, kind: str, code: str, home: str, at: str) -> str:
    """Join the dense daily rates (at most one row each) under `alias`, once; the SQL of the rate."""
    on = (
        f"{alias}.kind = '{kind}' AND {alias}.currency = {code} AND {alias}.to_currency = {home} AND {alias}.day = {at}"
    )
    if all(join.alias_or_name != alias for join in owner.args.get("joins") or []):
        owner.append("joins", left_join(exp.to_table("rate_day"), alias, on))
    return f"{alias}.rate"


def left_join(source: exp.Expression | str, alias: str, on: str) -> exp.Join:
    """A left join of a table name or subquery under an alias."""
    tree: Any = exp.to_table(source) if isinstance(source, str) else source
    if isinstance(tree, exp.Query):
        tree = exp.Subquery(this=tree)
    return exp.Join(this=exp.alias_(tree, alias, table=True), side="LEFT", on=parse(on))


def subquery(text: str, alias: str) -> Any:
    """SQL as a subquery under an alias."""
    return exp.alias_(exp.Subquery(this=parse(text)), alias, table=True)


def prune(select: exp.Select, keep: Iterable[str]) -> exp.Select:
    """Drop columns that nobody asked for, then left joins that nothing refers to any more.

    Safe because every left join of a fact finds at most one row: the lint refuses any other join, and tests count.
    """
    wanted = set(keep)
    select.set("expressions", [one for one in select.expressions if one.alias_or_name in wanted])
    while True:
        joins = select.args.get("joins") or []
        for join in joins:
            if join.side != "LEFT":
                continue
            alias = join.this.alias_or_name
            rest = [*select.expressions, select.args.get("where"), *(other for other in joins if other is not join)]
            if not any(_mentions(one, alias) for one in rest if one is not None):
                select.set("joins", [other for other in joins if other is not join])
                break
        else:
            return select


def _mentions(tree: exp.Expression, alias: str) -> bool:
    """Whether a tree refers to a join: by a column of it, or by its bare name."""
    return any((column.table or column.name) == alias for column in tree.find_all(exp.Column))


def primary(table: str, key: str, value: str, where: str = "") -> str:
    """Disjoint stretches `(key, day_from, day_to, value)` of an interval table: on every day the row with the lowest
    id decides, so that two teams or two managers on one day never multiply an amount. Days without a row are missing.
    """
    rows = f"SELECT id, {key}, {value}, valid_from, valid_to FROM {table} WHERE {key} IS NOT NULL"
    rows += f" AND {value} IS NOT NULL" + (f" AND {where}" if where else "")
    edges = f"SELECT {key}, valid_from AS day FROM ({rows}) UNION SELECT {key}, valid_to AS day FROM ({rows})"
    stretch = (
        f"SELECT {key}, day AS day_from, LEAD(day) OVER (PARTITION BY {key} ORDER BY day) AS day_to FROM ({edges}) AS e"
    )
    pick = (
        f"SELECT s.{key}, s.day_from, s.day_to, r.{value}, "
        f"ROW_NUMBER() OVER (PARTITION BY s.{key}, s.day_from ORDER BY r.id) AS place "
        f"FROM ({stretch}) AS s JOIN ({rows}) AS r ON r.{key} = s.{key} "
        f"AND r.valid_from <= s.day_from AND s.day_to <= r.valid_to WHERE s.day_to IS NOT NULL"
    )
    return f"SELECT {key}, day_from, day_to, {value} FROM ({pick}) AS p WHERE place = 1"


def allocate(total: str, weight: str, whole: str, group: str, tie: str) -> tuple[str, str]:
    """SQL of one part of `total` by largest remainder: (floor with sign, the rank that decides who gets a unit more).

    part = floor(|total| x weight / whole) + 1 for the first (|total| - sum of floors) parts by descending remainder.
    `total`, `weight`, `whole` are integers, weights above zero; `group` partitions, `tie` breaks ties.
    """
    product = f"(CAST(ABS({total}) AS HUGEINT) * {weight})"
    rank = f"ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY {product} % {whole} DESC, {tie})"
    return f"({product} // {whole})", rank
