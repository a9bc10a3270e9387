"""Pieces of the statement that do not depend on the question: aggregates, ranks, survival."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from .definitions import Part
from .facts import Fact
from .sql import expand, parse

MONEY_COLUMNS = frozenset({"value", "prorated", "lost_value"})


def is_money(part: Part) -> bool:
    """Whether the part is an amount in 10^-4."""
    if part.money is not None:
        return part.money
    names = {column.name for column in parse(part.measure).find_all(exp.Column)}
    return bool(names & MONEY_COLUMNS) or any(name.endswith("_value") for name in names)


@dataclass
class Group:
    """The aggregates taken from one scan: columns by their SQL, so that equal ones are computed once.

    `own`: by the currency they are worked in as well, once for every currency that quotas are in. `across`: the dimensions by
    which they are not split. `window`: over which days before the period's end, too.
    """

    fact: Fact
    own: bool = False
    across: tuple[str, ...] = ()
    window: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)

    def add(self, sql: str) -> str:
        return self.columns.setdefault(sql, f"a{len(self.columns)}")


QUANTILES = {"median": (1, 2), "p25": (1, 4), "p75": (3, 4), "p90": (9, 10)}
"""Quantiles by row number: row ceil(n x a / b) of the values in ascending order."""
SURVIVAL = {"km": "-0.693147180559", "km_p75": "-1.386294361119", "km_p90": "-2.302585092993"}
"""ln of the share that is left when the time is read: 0.5, 0.25 and 0.1, within 1e-12."""


def kaplan_meier(select: exp.Select, keys: list[str], how: str = "km") -> exp.Expression:
    """First time x with S(x) <= 0.5 (`km_p75`: 0.25, `km_p90`: 0.1), by key, from rows (keys, x, e): S falls by (n - d) / n at each time of d events."""
    names = ", ".join(keys)
    times = (
        exp.select(*keys, "x", "SUM(e) AS d", "COUNT(*) AS c")
        .from_(select.subquery("x0", copy=False), copy=False)
        .group_by(*keys, "x")
    )
    risk = (
        exp.select("*")
        .from_(times.subquery("x1", copy=False), copy=False)
        .select(
            parse(
                f"SUM(c) OVER (PARTITION BY {names} ORDER BY x DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n"
            )
        )
    )
    window = f"OVER (PARTITION BY {names} ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    curve = (
        exp.select(*keys, "x")
        .from_(risk.subquery("x2", copy=False), copy=False)
        .select(
            parse(f"SUM(CASE WHEN d < n THEN LN(CAST(n - d AS DOUBLE) / n) ELSE 0 END) {window} AS s"),
            parse(f"MAX(CASE WHEN d = n THEN 1 ELSE 0 END) {window} AS dead"),
        )
    )
    first = parse(f"MIN(CASE WHEN dead = 1 OR s <= {SURVIVAL[how]} THEN x END) AS v")
    return exp.select(*keys, first).from_(curve.subquery("x3", copy=False), copy=False).group_by(*keys)


def own(text: str, needs: set[str]) -> str:
    """A definition's SQL over bare column names, as SQL over the fact `f`; adds the columns to `needs`."""
    tree = parse(text)

    def replace(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and not node.table:
            needs.add(node.name)
            return exp.column(node.name, table="f", quoted=node.this.args.get("quoted"))
        return node

    tree = tree.transform(replace)
    wrapped = exp.select(exp.alias_(tree, "x"))
    expand(wrapped, "", False)
    return wrapped.expressions[0].this.sql("duckdb")


def when(where: str, measure: str) -> str:
    return f"CASE WHEN {where} THEN {measure} END" if where else measure


def missing(where: str, measure: str) -> str:
    condition = f"({where}) AND ({measure}) IS NULL" if where else f"({measure}) IS NULL"
    return f"COUNT(CASE WHEN {condition} THEN 1 END)"


def grouped(select: exp.Select, keys: dict[str, str]) -> exp.Select:
    return select.group_by(*(parse(sql) for sql in keys.values()), copy=False)
