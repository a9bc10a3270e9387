"""The versions of deals that a waterfall reads: reduced to its window, told apart by slice, with what the reader may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.metrics.calendars import unit_calendar
from salesops.metrics.dimensions import FANNED, Dimensions, by_owner
from salesops.metrics.facts import fact
from salesops.metrics.filters import Filter
from salesops.metrics.session import Actor
from salesops.metrics.sql import FOREVER, NO_ID, day, left_join, parse, subquery

from .waterfall import Slice, Window

MOVING = ("team", "manager")
_FAR = "CAST('9999-12-31' AS DATE)"


def filled(name: str) -> str:
    """Stretches of every person's team or manager without gaps: days without one have a null."""
    stretches = by_owner(name)
    return f"""
        SELECT person, day_from, day_to, {name} FROM ({stretches}) AS s
        UNION ALL
        SELECT person, day_from, day_to, NULL AS {name} FROM (
            SELECT person, day_to AS day_from,
                   COALESCE(LEAD(day_from) OVER (PARTITION BY person ORDER BY day_from), {_FAR}) AS day_to
            FROM ({stretches}) AS s
            UNION ALL
            SELECT person, CAST('0001-01-01' AS DATE) AS day_from, MIN(day_from) AS day_to FROM ({stretches}) AS s GROUP BY person
        ) AS gap WHERE day_from < day_to
    """


def versions(
    session: Any, actor: Actor, window: Window, by: Sequence[str], where: str | Mapping[str, Any] | None
) -> tuple[str, Slice, list[str]]:
    """SQL of the versions for `waterfall.bars`, how they are sliced, and the label table of each key."""
    dimensions = Dimensions(session, fact("open"), unit_calendar(session, where, "open"))
    products = [name for name in by if name in FANNED]
    if len(products) > 1:
        raise UsageError(f"cannot split by {' and '.join(products)} at once", "Ask for one of them")
    if products and by[-1] != products[0]:
        raise UsageError(f"{products[0]} divides deals, so it comes last", "Write --by owner,product_line")
    resolved = [dimensions.resolve(name) for name in by if name not in FANNED]
    limits = Filter(dimensions, where)
    if divided := sorted(limits.columns & set(FANNED)):
        raise UsageError(
            f"deals cannot be filtered by {divided[0]}, of which one may have several",
            f"Split by it: --by {divided[0]}",
        )
    columns = {"id", *limits.columns, *(name for one in resolved for name in one.columns)}
    scope = mine(session, actor, window.last)
    if scope is not None:
        columns |= {"owner"}
    base = _base(window, columns)
    since, until = "f.since", "f.until"
    joins: list[exp.Join] = []
    for name in by:
        if name in MOVING:
            joins.append(_moving(name, since, until))
            since = f"CASE WHEN d_{name}.day_from > {since} THEN d_{name}.day_from ELSE {since} END"
            until = f"CASE WHEN d_{name}.day_to < {until} THEN d_{name}.day_to ELSE {until} END"
    taken = {join.this.alias_or_name for join in joins}
    for join in [*(join for one in resolved for join in one.joins), *limits.joins]:
        if join.this.alias_or_name not in taken:
            taken.add(join.this.alias_or_name)
            joins.append(join.copy())
    select = exp.select(
        "f.id", parse(f"{since} AS since"), parse(f"{until} AS until"), "f.created_on", "f.state", "f.inside", "f.value",
        "f.currency", "f.closed_on",
    ).from_(subquery(base, "f"))  # fmt: skip
    for join in joins:
        select.append("joins", join)
    select = select.select(*(parse(f"{one.keyed} AS k{n}") for n, one in enumerate(resolved)))
    tests = [text for text in (scope, limits.condition.sql("duckdb") if limits.condition is not None else None) if text]
    if scope is not None:
        select.append("joins", now())
    if tests:
        both = " AND ".join(f"({text})" for text in tests)
        select = select.select(parse(f"CASE WHEN {both} THEN 1 ELSE 0 END AS mine"))
    if any(name in MOVING for name in by):
        select = select.where(
            parse(f"{since} < {until} AND {since} <= {day(window.last)} AND {until} > {day(window.eve)}")
        )
    product = products[0] if products else ""
    tables = [one.table for one in resolved] + (["product" if product == "product" else ""] if product else [])
    return select.sql("duckdb"), Slice(len(resolved), bool(tests), product), tables


def _base(window: Window, columns: set[str]) -> str:
    eve, first, last = day(window.eve), day(window.first), day(window.last)
    inside = "NOT o.deleted AND o.status = 'open'"
    if window.scope == "closing_in_period":
        inside += f" AND o.expected_close >= {first} AND o.expected_close <= {last}"
    own = {"id", "value", "currency", "closed_on", "created_on"}
    extra = "".join(f', o."{name}"' for name in sorted(columns - own))
    return f"""
        SELECT o.id, CASE WHEN o.created_on > o.day_from THEN o.created_on ELSE o.day_from END AS since, o.day_to AS until,
               o.created_on, CASE WHEN o.deleted THEN 'deleted' ELSE o.status END AS state,
               CASE WHEN {inside} THEN 1 ELSE 0 END AS inside, o.value, o.currency, o.closed_on, {last} AS basis{extra}
        FROM opportunity AS o
        WHERE o.day_from <= {last} AND o.day_to > {eve} AND o.created_on <= {last} AND o.created_on < o.day_to
          AND (o.day_from > {eve} OR o.day_to <= {last} OR o.created_on > {eve} OR ({inside}))
    """


def _moving(name: str, since: str, until: str) -> exp.Join:
    """Versions cut where the owner's team or manager changes."""
    on = f"d_{name}.person = f.owner AND d_{name}.day_from < {until} AND {since} < d_{name}.day_to"
    return left_join(parse(filled(name)), f"d_{name}", on)


def now() -> exp.Join:
    """The owner of now beside each row of `f`: `now_.owner`."""
    today = parse(f"SELECT id, owner FROM opportunity WHERE day_to = {FOREVER}")
    return left_join(today, "now_", "now_.id = f.id")


def mine(session: Any, actor: Actor, last: date) -> str | None:
    """Rows that the actor sees: owned that evening, or now, by them or by people below them at the end of the window."""
    if actor.sees_all:
        return None
    if actor.person is None:
        return "1 = 0"
    me = int(actor.person)

    def below(at: date) -> str:
        return (
            f"SELECT z.person FROM reporting_closure AS z WHERE z.ancestor = {me} AND z.valid_from <= {day(at)} "
            f"AND {day(at)} < z.valid_to UNION SELECT {me} AS person"
        )

    none = NO_ID
    return (
        f"COALESCE(f.owner, {none}) IN ({below(last)}) "
        f"OR COALESCE(now_.owner, {none}) IN ({below(session.manifest.today)})"
    )
