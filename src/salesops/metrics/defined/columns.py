"""Columns that definitions add to a fact, made where the fact is read: `=region` (a dimension as people compare it),
`$custom_fee` (an amount of the record in the asked currency), `>4f1c` (whether a record reached another within days)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..definitions import Reach
from ..facts import Fact, fact
from ..filters import Filter
from ..pieces import own
from ..request import END, Cell
from ..sql import day, left_join, parse

if TYPE_CHECKING:
    from ..build import Builder

NAMED, AMOUNT, REACHED = "=", "$", ">"


def quoted(name: str) -> str:
    """A column as SQL."""
    return exp.column(exp.to_identifier(name, quoted=True)).sql("duckdb")


class Beside:
    """Columns to set beside those of one fact, and the columns that they need of it."""

    def __init__(self, builder: Builder, one: Fact, names: Iterable[str]) -> None:
        self.builder, self.fact = builder, one
        self.names = sorted(name for name in names if name.startswith((NAMED, REACHED)))
        self.limits = Filter(builder.dimensions(one))
        self.fields = {name: self.limits._field(name[1:])[0] for name in self.names if name.startswith(NAMED)}
        self.reached = {name: reach_of(builder, name) for name in self.names if name.startswith(REACHED)}
        keys = {key for reach in self.reached.values() for key in (reach.key, "day")}
        needs_basis = {"basis"} if self.limits.joins else set()
        self.columns = self.limits.columns | keys | needs_basis

    def over(self, body: exp.Query) -> exp.Query:
        """The rows of the fact with these columns, too: as many rows as before."""
        if not self.names:
            return body
        select = exp.select("f.*").from_(exp.alias_(body.subquery(), "f", table=True))
        taken: set[str] = set()
        for join in self.limits.joins:
            if join.this.alias_or_name not in taken:
                taken.add(join.this.alias_or_name)
                select.append("joins", join.copy())
        for name, sql in self.fields.items():
            select = select.select(exp.alias_(sql.copy(), exp.to_identifier(name, quoted=True)))
        for number, (name, reach) in enumerate(self.reached.items()):
            alias = f"reach{number}"
            first = self._first(body, reach)
            select.append("joins", left_join(first, alias, f'{alias}.k = f."{reach.key}" AND {alias}.day = f.day'))
            found = parse(f"CASE WHEN {alias}.reached IS NULL THEN 0 ELSE 1 END")
            select = select.select(exp.alias_(found, exp.to_identifier(name, quoted=True)))
        return select

    def _first(self, body: exp.Query, reach: Reach) -> Any:
        """By key and day of an entry, the first day within the days allowed on which the other fact has the key."""
        there = _reachable(self.builder, reach)
        return parse(
            f'SELECT a.k, a.day, MIN(z.day) AS reached FROM (SELECT DISTINCT f."{reach.key}" AS k, f.day FROM '
            f"({body.sql('duckdb')}) AS f) AS a JOIN ({there.sql('duckdb')}) AS z ON z.k = a.k AND z.day >= a.day "
            f"AND DATE_DIFF('day', a.day, z.day) <= {reach.within} GROUP BY a.k, a.day"
        )


def reach_of(builder: Builder, name: str) -> Reach:
    """What a column `>4f1c` stands for."""
    parts = (part for one in builder.request.asked for part in one.variant.parts.values())
    return next(part.reach for part in parts if part.reach is not None and REACHED + part.reach.id == name)


def _reachable(builder: Builder, reach: Reach) -> exp.Select:
    """Keys and days of the fact to be reached: of the whole workspace, because the question is what became of the entry."""
    request = builder.request
    last = min(request.last, request.as_of)
    last = min(last + timedelta(reach.within), request.as_of) if last < END else request.as_of
    one, needs = fact(reach.fact), set[str]()
    where = own(reach.where, needs) if reach.where else ""
    cell = Cell("reach", request.first, max(last, request.first), max(last, request.first))
    other = type(builder)(builder.session, builder.actor, replace(request, cells=(cell,), by=(), within=None))
    beside = Beside(other, one, needs)
    columns = {name for name in needs if name not in beside.names} | {reach.to, "day"} | beside.columns
    body = beside.over(other.source(one, columns))
    select = exp.select(parse(f'f."{reach.to}" AS k'), "f.day").from_(exp.alias_(body.subquery(), "f", table=True))
    select = select.where(parse(f"f.day >= {day(cell.start)} AND f.day <= {day(cell.end)}"))
    return select.where(parse(where)) if where else select


def amount(tree: exp.Select, attribute: exp.Expression) -> exp.Expression | None:
    """An amount of a record converted as the fact converts its `value`; None where the fact has no such rule."""
    value = next((one for one in tree.expressions if one.alias_or_name == "value"), None)
    macros = (node for node in value.find_all(exp.Anonymous)) if value is not None else ()
    rule = next((node for node in macros if str(node.this).lower() == "in_currency"), None)
    if rule is None:
        return None
    found = rule.copy()
    found.expressions[0].replace(attribute)
    return found
