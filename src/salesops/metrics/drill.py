"""The records behind one cell of an answer: what each contributes, summing up to the cell exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import NotAllowed
from salesops.spreadsheet import Exported, Table

from .build import Builder, apart
from .dimensions import labels
from .facts import Fact, fact
from .filters import Filter
from .pieces import is_money, own
from .query import _hidden
from .request import Request, understand
from .session import Actor
from .sql import parse

APP = "app"  # the system of records made in the product
NAMED = ("opportunity", "lead", "account", "person")


@dataclass(frozen=True)
class Drill(Exported):
    """One page of records. `rows`: fact, id, external_id (of the record's source), name, day and what the record adds to
    every part (null: nothing).

    `totals` are the sums over all pages, equal to the parts of the answer; `total` counts records; `hidden` those of the
    period that are not the reader's.
    """

    rows: pa.Table
    total: int
    offset: int
    limit: int
    totals: Mapping[str, int]
    money: frozenset[str]
    hidden: int
    as_of: date
    generation: str
    currency: str

    def to_pylist(self) -> list[dict[str, Any]]:
        """The page as dictionaries; money in 10^-4 of `currency`."""
        found: list[dict[str, Any]] = self.rows.to_pylist()
        return found

    def table(self) -> Table:
        """The page as it is written to a file: money exact in `currency`, ids as text."""
        rows = [
            {k: Decimal(v).scaleb(-4) if k in self.money and v is not None else v for k, v in row.items()}
            | {"id": str(row["id"])}
            for row in self.to_pylist()
        ]
        units = {part: "money" if part in self.money else "count" for part in self.totals}
        totals = [
            (f"total of {name}", Decimal(value).scaleb(-4) if name in self.money else value)
            for name, value in self.totals.items()
        ]
        about = [
            ("as of", self.as_of), ("generation", self.generation), ("currency", self.currency), ("records in all", self.total),
            ("records skipped", self.offset), ("hidden records, not yours", self.hidden), *totals,
        ]  # fmt: skip
        names = self.rows.column_names
        told = [{"column": name, "title": name.replace("_", " "), "unit": units.get(name, "")} for name in names]
        return Table(rows, names, units, self.currency, about=about, definitions=told)

    def to_dict(self) -> dict[str, Any]:
        """The page and what stands beside it, JSON-ready."""
        rows = [{k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()} for row in self.to_pylist()]
        return {
            "rows": rows, "total": self.total, "offset": self.offset, "limit": self.limit, "totals": dict(self.totals),
            "money": sorted(self.money), "hidden": self.hidden, "as_of": self.as_of.isoformat(),
            "generation": self.generation, "currency": self.currency,
        }  # fmt: skip


def drill(
    session: Any,
    actor: Actor,
    metric: str,
    *,
    cell: Mapping[str, Any] | None = None,
    offset: int = 0,
    limit: int = 100,
    **question: Any,
) -> Drill:
    """The records behind `metric` in one cell: `cell` maps dimensions to the cell's values (labels, ids or "(none)").

    `question` takes what `query.query` takes (period, from_, to, where, as_of, currency). An attainment of quotas in one
    currency is listed in that currency. A median or Kaplan-Meier part
    lists the records that it ranks, with their values.
    """
    request = replace(understand(session, [metric], **question), within=dict(cell) if cell else None)
    if "owner" in (cell or {}):  # overlay credit counts for a person
        request = replace(request, by=("owner",))
    one = request.asked[0]
    if one.variant.own_currency:
        request = replace(request, currency=_currency(session, actor, request))
    builder = Builder(session, actor, request)
    names = list(one.variant.parts)
    pairs = list(dict.fromkeys((part.fact, part.window) for part in one.variant.parts.values()))
    facts = [name for name, _ in pairs]
    _may_open(actor, one.name, facts)
    tables = dict(builder.periods())
    branches = []
    for name, window in pairs:
        branch = partial(_branch, one=fact(name), names=names, request=request, window=window)
        over = builder.over(window)
        tables |= dict(over.periods())
        branches.append(apart(over, branch))
    body = parse(" UNION ALL ".join(branch.sql("duckdb") for branch in branches))
    page = exp.select("*").from_(exp.alias_(exp.Subquery(this=body), "u", table=True)).order_by("day", "fact", "id")
    sums = exp.select("COUNT(*) AS n", *(f'CAST(SUM("{name}") AS BIGINT) AS "{name}"' for name in names)).from_(
        exp.alias_(exp.Subquery(this=body.copy()), "u", table=True)
    )
    page = page.limit(limit).offset(offset)
    ctes = {**tables, "page": page, "x": _source_ids(session, {fact(name).entity for name in facts})}
    named = exp.select("page.fact", "page.id", "x.external_id", "page.name", "page.day").from_("page")
    named = named.select(*(f'page."{name}"' for name in names), copy=False)
    named = named.join("x", on=parse("x.id = page.id"), join_type="left").order_by("page.day", "page.fact", "page.id")
    for alias, tree in ctes.items():
        named = named.with_(alias, as_=tree, copy=False)
    for alias, tree in tables.items():
        sums = sums.with_(alias, as_=tree, copy=False)
    found = session.query(sums).to_pylist()[0]
    rows = session.query(named)
    return Drill(
        rows=rows,
        total=found.pop("n"),
        offset=offset,
        limit=limit,
        totals={name: value or 0 for name, value in found.items()},
        money=frozenset(name for name, part in one.variant.parts.items() if is_money(part)),
        hidden=_hidden(session, actor, replace(request, within=None)),
        as_of=request.as_of,
        generation=session.generation,
        currency=request.currency,
    )


def _may_open(actor: Actor, name: str, facts: list[str]) -> None:
    """Costs are shown as sums to everybody who sees all records; one by one only to those who see pay."""
    if any(fact(one).pay for one in facts) and not getattr(actor, "sees_pay", False):
        raise NotAllowed(
            f"{actor.username} may not open the costs behind {name} one by one: pay may be among them",
            remedy="Ask finance or an admin",
        )


def _currency(session: Any, actor: Actor, request: Request) -> str:
    """The currency in which the answer worked this cell: the one of all its quotas, else the asked one."""
    builder = Builder(session, actor, replace(request, by=()))
    if len(builder.units) == 1:
        return request.currency
    select = builder.quota_units()
    for alias, tree in builder.periods():
        select = select.with_(alias, as_=tree, copy=False)
    found = {row["unit"] for row in session.query(select).to_pylist()}
    return found.pop() if len(found) == 1 else request.currency


def _source_ids(session: Any, entities: set[str]) -> exp.Expression:
    """What a source calls each record of the table `page`; records made in the product have no such id."""
    if "source_system" not in session.manifest.rows:  # a generation of an earlier version
        return parse("SELECT CAST(NULL AS BIGINT) AS id, CAST(NULL AS VARCHAR) AS external_id")
    listed = ", ".join(exp.Literal.string(one).sql("duckdb") for one in sorted(entities))
    return parse(
        f"SELECT s.id, MIN(s.external_id) AS external_id FROM source_system AS s WHERE s.entity IN ({listed}) "
        f"AND s.system <> '{APP}' AND s.id IN (SELECT page.id FROM page) GROUP BY s.id"
    )


def _branch(builder: Builder, one: Fact, names: list[str], request: Request, window: str) -> exp.Select:
    needs: set[str] = {"id", *([one.label] if one.label else []), *(["owner"] if one.entity == "target" else [])}
    values: dict[str, str] = {}
    parts = list(request.asked[0].variant.parts.values())
    parts = [part for part in parts if (part.fact, part.window) == (one.name, window)]
    across = tuple(sorted({name for part in parts for name in part.across}))
    cell = {name: value for name, value in (request.within or {}).items() if name in across}
    limits = Filter(builder.dimensions(one), cell)
    for name in names:
        part = request.asked[0].variant.parts[name]
        if (part.fact, part.window) != (one.name, window):
            continue
        measure, where = own(part.measure, needs), own(part.where, needs) if part.where else ""
        if across and not part.across and limits.condition is not None:  # in the cell, among those across it
            where = " AND ".join(f"({text})" for text in (where, limits.condition.sql("duckdb")) if text)
        values[name] = f"CASE WHEN {where} THEN {measure} END" if where else measure
    select = builder.rows(one, needs | limits.columns, across=across)
    taken = {join.this.alias_or_name for join in select.args.get("joins") or []}
    for join in limits.joins:
        if join.this.alias_or_name not in taken:
            select.append("joins", join)
    label = f"f.{one.label}" if one.label else "NULL"
    if one.entity in NAMED:
        select = select.join(
            exp.alias_(labels(one.entity).subquery(), "named", table=True),
            on=parse("named.id = f.id"),
            join_type="left",
        )
        label = "named.label"
    elif one.entity == "target":
        select = select.join(
            exp.alias_(labels("person").subquery(), "named", table=True),
            on=parse("named.id = f.owner"),
            join_type="left",
        )
        label = "named.label"
    select = select.select(
        exp.alias_(exp.Literal.string(one.title), "fact"),
        "f.id AS id",
        parse(f"CAST({label} AS VARCHAR) AS name"),
        "f.day AS day",
    )
    for name in names:
        select = select.select(parse(f'CAST({values.get(name, "NULL")} AS BIGINT) AS "{name}"'))
    return select.where(parse(" OR ".join(f"NOT ({value}) IS NULL" for value in values.values())))
