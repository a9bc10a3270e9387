"""Refuses definitions whose SQL does not mean the same on every engine: `python -m salesops.metrics.lint`.

An allow-list over the SQLGlot tree: what is not named here is refused. Reasons are in the guide to metrics; the
traps behind them were measured (arg_max, ASOF JOIN, round_even, extract(isodow), date_trunc('week'), GREATEST and LEAST with
null, casts of booleans, division of integers, DOUBLE in money).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any, Final

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import ParseError

from salesops.common.portable import ALLOWED, KINDS

from .build import Builder
from .catalogue import every
from .definitions import Asked
from .facts import Fact, facts
from .guide.lint import problems as guide_problems
from .request import Cell, Request
from .series import SeriesBuilder, fits
from .sql import expand, parse

REMEDIES: Final = {
    "ArgMax": "join the row with the greatest day instead, or use ROW_NUMBER",
    "ArgMin": "join the row with the smallest day instead, or use ROW_NUMBER",
    "DateTrunc": "join calendar_day: weeks start on different days on different engines",
    "TimestampTrunc": "join calendar_day: weeks start on different days on different engines",
    "Extract": "join calendar_day",
    "Greatest": "use CASE WHEN: engines disagree about null",
    "Least": "use CASE WHEN: engines disagree about null",
    "Round": "use in_currency or rounded_share: engines round halves differently",
    "Avg": "sum and count; divide at the very end",
    "Median": "rank by ROW_NUMBER and take row ceil(n / 2)",
    "PercentileDisc": "rank by ROW_NUMBER",
    "PercentileCont": "rank by ROW_NUMBER",
    "Quantile": "rank by ROW_NUMBER",
    "AtTimeZone": "use the business day that was computed at load",
    "CurrentDate": "use :as_of",
    "CurrentTimestamp": "use :as_of",
    "Filter": "use SUM(CASE WHEN ...)",
    "Qualify": "use a subquery with ROW_NUMBER",
    "Pow": "multiply",
    "First": "use ROW_NUMBER: the first of an unordered set is chance",
}
VERSIONED: Final = frozenset(
    ["opportunity", "lead", "account", "person", "stage", "product", "target", "pipeline", "campaign", "team"]
)


def problems(name: str, tree: exp.Expression) -> Iterator[str]:
    """Every construct in a tree that is not allowed: `<definition>: <construct>: <remedy>`."""
    seen: set[str] = set()
    for node in tree.walk():
        for text in _node(node):
            if text not in seen:
                seen.add(text)
                yield f"{name}: {text}"


def _node(node: Any) -> Iterator[str]:
    kind = type(node).__name__
    if isinstance(node, exp.Anonymous):
        yield f"{str(node.this).upper()}(): no function of the allow-list; write it with CASE, sums and joins"
    elif kind not in ALLOWED:
        yield f"{kind} ({node.sql('duckdb')[:60]}): {REMEDIES.get(kind, 'not in the allow-list')}"
    if isinstance(node, exp.Cast):
        yield from _cast(node)
    elif isinstance(node, exp.Div):
        if not _is_double(node.this):
            yield f"{node.sql('duckdb')[:80]}: cast the numerator to DOUBLE, or use // for integers"
        if not isinstance(node.expression, (exp.Nullif, exp.Literal, exp.Column)) and node.find(exp.Nullif) is None:
            yield f"{node.sql('duckdb')[:80]}: guard the denominator with NULLIF(..., 0)"
    elif isinstance(node, exp.Join):
        yield from _join(node)
    elif isinstance(node, exp.Window) and not node.args.get("partition_by") and not node.args.get("order"):
        yield f"{node.sql('duckdb')[:80]}: OVER () fails at random in DuckDB 1.5.5 on two threads: use OVER (PARTITION BY 1)"
    elif isinstance(node, exp.DateDiff) and str(node.args.get("unit")).strip("'").upper() != "DAY":
        yield f"{node.sql('duckdb')}: count days only"


def _cast(node: exp.Cast) -> Iterator[str]:
    target = node.to.this.name if isinstance(node.to.this, exp.DataType.Type) else str(node.to.this)
    if target not in KINDS:
        yield f"{node.sql('duckdb')[:80]}: cast to BIGINT, HUGEINT, DATE or DOUBLE only"
    if target in ("DOUBLE", "FLOAT") and isinstance(node.this.unnest(), (exp.Predicate, exp.Boolean)):
        yield f"{node.sql('duckdb')[:80]}: a boolean cannot be cast to a number everywhere; use CASE WHEN ... THEN 1 ELSE 0 END"
    if target in ("DOUBLE", "FLOAT") and not _divided(node):
        yield f"{node.sql('duckdb')[:80]}: DOUBLE only as the numerator of the last division, never in a column"


def _divided(node: exp.Expression) -> bool:
    parent = node.parent
    while isinstance(parent, (exp.Paren, exp.Mul)):
        node, parent = parent, parent.parent
    return isinstance(parent, (exp.Div, exp.Ln))


def _is_double(node: exp.Expression) -> bool:
    plain = node.unnest()
    if isinstance(plain, exp.Cast):
        return plain.to.this == exp.DataType.Type.DOUBLE
    return isinstance(plain, (exp.Mul, exp.Div, exp.Case, exp.Add, exp.Sub)) and plain.find(exp.Div) is not None


def _join(node: exp.Join) -> Iterator[str]:
    if str(node.args.get("method") or "").upper() == "ASOF" or node.args.get("kind") in ("SEMI", "ANTI"):
        yield f"{node.sql('duckdb')[:60]}: use EXISTS, or a join on day_from and day_to"
    on = node.args.get("on")
    if node.this.name in VERSIONED and node.side == "LEFT":
        bounded = on is not None and any(column.name in ("day_to", "day") for column in on.find_all(exp.Column))
        if not bounded:
            yield f"LEFT JOIN {node.this.name}: say of which day (on_day), or an amount is counted once per version"


# What is checked ------------------------------------------------------------------------------------------------------


def fact_problems(one: Fact) -> list[str]:
    """Problems of a fact file, its macros expanded."""
    try:
        tree = one.select()
    except ParseError as error:
        return [f"fact {one.name}: cannot be parsed: {error}"]
    for _ in range(3):
        expand(tree, "XXX", True)
    found = list(problems(f"fact {one.name}", tree))
    for needed in ("id", "day", "basis"):
        if needed not in one.columns:
            found.append(f"fact {one.name}: has no column {needed!r}: every fact needs id, day and basis")
    return found


def metric_problems(one: Asked, session: Any = None) -> list[str]:
    """Problems of a metric: its own texts, and the statements that are built from them."""
    found: list[str] = []
    for name, part in one.variant.parts.items():
        if part.fact not in facts():
            return [f"{one.name}: part {name}: there is no fact {part.fact!r}: use {', '.join(facts())}"]
    known = {f"{name}{suffix}" for name in one.variant.parts for suffix in ("", "__n")}
    for text in (one.variant.value, one.variant.fallback):
        for column in parse(text).find_all(exp.Column) if text else ():
            if column.name not in known:
                found.append(f"{one.name}: {column.name!r} in {text!r} is no part: use {', '.join(sorted(known))}")
    if found:
        return found
    for request in requests_of(one):
        try:
            bare = session or shape()
            builder = SeriesBuilder if fits(bare, ALL_SEEN, request) else Builder
            tree = builder(bare, ALL_SEEN, request).statement()
        except Exception as error:  # a definition that cannot be built is a problem of the definition
            return [f"{one.name}: cannot be built: {error}"]
        found += problems(one.name, tree)
    return list(dict.fromkeys(found))


ALL_SEEN = SimpleNamespace(username="lint", person=None, sees_all=True)


def requests_of(one: Asked) -> Iterator[Request]:
    first = Cell("2024-Q1", date(2024, 1, 1), date(2024, 3, 31), date(2024, 3, 31))
    second = Cell("2024-Q2", date(2024, 4, 1), date(2024, 6, 30), date(2024, 6, 30))
    third = Cell("2024-Q3", date(2024, 7, 1), date(2024, 9, 30), date(2024, 9, 30))
    several = [(first,), (first, second)]
    if {part.fact for part in one.variant.parts.values()} == {"open_state"}:
        several.append((first, second, third))  # in one pass
    for cells in several:
        for convert in (False, True):
            by = () if any(part.fact.startswith("case") for part in one.variant.parts.values()) else ("owner",)
            if not all(facts()[part.fact].owned for part in one.variant.parts.values()):
                by = ()
            yield Request((one,), cells, "quarter", by, date(2024, 6, 30), "USD", convert=convert)


def shape() -> Any:
    """A session without data: the builder asks it for the columns of a table, the reach of the calendar and the currencies of quotas."""

    def query(sql: Any) -> pa.Table:
        if "quota_currency" in str(sql):
            return pa.table({"unit": ["EUR", "USD"]})
        if "calendar_day" in str(sql):
            return pa.table({"a": [date(2020, 1, 1)], "b": [date(2030, 1, 1)]})
        text, number = pa.array([], pa.string()), pa.array([], pa.int64())
        columns = dict.fromkeys(("owner", "account", "stage", "pipeline"), number)
        return pa.table({**columns, "type": text, "source": text})

    currencies = {"target": ["EUR", "USD"]}
    manifest = SimpleNamespace(
        reporting_currency="USD", time_zone="UTC", today=date(2024, 6, 30), currencies=currencies
    )
    return SimpleNamespace(query=query, manifest=manifest, as_known_on=None, generation="lint")


def check() -> list[str]:
    """Every problem of the whole catalogue."""
    found = [text for one in facts().values() for text in fact_problems(one)]
    for one in every():
        found += metric_problems(one)
    found += guide_problems()
    return list(dict.fromkeys(found))


def main() -> int:
    """Print every problem; 1 when there is one."""
    found = check()
    for text in found:
        print(text)
    print(f"metrics: {len(facts())} facts, {len(every())} definitions, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
