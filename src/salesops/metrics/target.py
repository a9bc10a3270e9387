"""Targets beside a metric: what the company, a unit, a team or a person should reach in exactly the asked period.

Whose a target is: the person's where it names one, else the team's, else the unit's, else the company's. Each is a line of its own: a
team's target is never the sum of its members', the company's never that of its units, so nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salesops.common.errors import UsageError

from .definitions import Asked
from .request import Request
from .scope import below
from .session import Actor
from .sql import NO_ID, converted, day, literal, live

SCOPES: dict[tuple[str, ...], str] = {
    (): "",
    ("owner",): "person",
    ("team",): "team",
    ("business_unit",): "business_unit",
}
ABOVE = {"": (), "business_unit": ("person", "team"), "team": ("person",), "person": ()}
"""What a target of a scope does not name, besides."""
KINDS = {"target": ("goal", "plan"), "goal": ("goal",), "plan": ("plan",), "quota": ("quota",)}
"""What a comparison takes: with `target` the goal, and where there is none the plan."""


@dataclass(frozen=True)
class Goals:
    """The targets by (period, key), in 10^-4 for money, else as a number; what is not there is not set. `notes` say why not."""

    by_cell: Mapping[tuple[Any, ...], Any]
    notes: tuple[str, ...] = ()


@dataclass
class _Whose:
    """How the targets of a question are found: the column of the group, the condition, and why there may be none."""

    column: str
    condition: str = "1 = 1"
    note: str = ""


def targets(session: Any, actor: Actor, request: Request, one: Asked, against: str = "target") -> Goals:
    """The published targets of a metric in each period and group of a question, as of its day.

    A target counts for the period that it spans. Where none does, targets inside the period that cover it without a gap add up, for
    metrics that add up over time; the widest ones are taken. The same target said twice counts as the later one says. Amounts
    convert at the plan rate of the first day. Raises UsageError for groups that have no targets, and for a filter.
    """
    whose = _whose(session, actor, request)
    if one.metric.id == "bookings" and against == "quota":
        raise UsageError("quotas and what is credited to them are another metric", "Ask quota_attainment")
    money = is_amount(one)
    kinds = KINDS[against]
    group = f"t.{whose.column}" if whose.column else str(NO_ID)
    cells = " UNION ALL ".join(
        f"SELECT {literal(cell.key).sql('duckdb')} AS period, {day(cell.start)} AS start, {day(cell.end)} AS until"
        for cell in request.cells
    )
    value, rates = _value(request, money)
    rank = " ".join(f"WHEN '{kind}' THEN {n}" for n, kind in enumerate(kinds))
    named = ", ".join(f"'{kind}'" for kind in kinds)
    sql = f"""
        WITH cell AS ({cells}),
        said AS (
            SELECT c.period, c.start, c.until, {group} AS whose, CASE t.kind {rank} END AS kind, t.starts_on, t.ends_on,
                   {value} AS value,
                   ROW_NUMBER() OVER (PARTITION BY c.period, {group}, t.kind, t.starts_on, t.ends_on
                                      ORDER BY t.created_on DESC, t.id DESC) AS place
            FROM cell AS c JOIN target AS t ON c.start <= t.starts_on AND t.ends_on <= c.until {rates}
            WHERE {live("t", day(request.as_of))} AND t.metric IN ({_names(one)}) AND t.kind IN ({named})
              AND COALESCE(t.status, 'published') = 'published' AND NOT {"t.amount" if money else "t.number"} IS NULL
              AND {whose.condition}
        ),
        wide AS (
            SELECT s.*, ROW_NUMBER() OVER (PARTITION BY s.period, s.whose, s.kind ORDER BY s.starts_on, s.ends_on DESC) AS turn,
                   MAX(s.ends_on) OVER (PARTITION BY s.period, s.whose, s.kind ORDER BY s.starts_on, s.ends_on DESC
                                         ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS before
            FROM said AS s
            WHERE s.place = 1 AND NOT EXISTS (
                SELECT 1 FROM said AS w
                WHERE w.place = 1 AND w.period = s.period AND w.whose = s.whose AND w.kind = s.kind
                  AND w.starts_on <= s.starts_on AND s.ends_on <= w.ends_on
                  AND (w.starts_on < s.starts_on OR s.ends_on < w.ends_on)
            )
        ),
        whole AS (
            SELECT w.period, w.whose, w.kind, CAST(SUM(w.value) AS BIGINT) AS goal, COUNT(*) AS parts, COUNT(w.value) AS known,
                   MAX(CASE WHEN w.before IS NULL OR DATE_DIFF('day', w.before, w.starts_on) = 1 THEN 0 ELSE 1 END) AS broken,
                   MAX(CASE WHEN w.turn = 1 AND w.starts_on > w.start THEN 1 ELSE 0 END) AS late,
                   MAX(CASE WHEN w.ends_on = w.until THEN 0 ELSE -1 END) AS early
            FROM wide AS w GROUP BY w.period, w.whose, w.kind
        ),
        chosen AS (
            SELECT x.*, CASE WHEN x.broken + x.late = 0 AND x.early = 0 THEN 1 ELSE 0 END AS covers,
                   ROW_NUMBER() OVER (PARTITION BY x.period, x.whose
                                      ORDER BY CASE WHEN x.broken + x.late = 0 AND x.early = 0 THEN 0 ELSE 1 END, x.kind) AS turn
            FROM whole AS x
        )
        SELECT period, whose, goal, parts, known, covers FROM chosen WHERE turn = 1
    """
    return _read(session.query(sql).to_pylist(), whose, one, money, not whose.column)


def is_amount(one: Asked) -> bool:
    """Whether the targets of a metric are amounts of money."""
    return one.unit in ("money", "money_per_day")


def _read(rows: list[dict[str, Any]], whose: _Whose, one: Asked, money: bool, alone: bool) -> Goals:
    found: dict[tuple[Any, ...], Any] = {}
    partly = apart = unknown = 0
    for row in rows:
        if row["known"] < row["parts"]:
            unknown += 1
        elif not row["covers"]:
            partly += 1
        elif row["parts"] > 1 and one.metric.additive != "additive":
            apart += 1
        else:
            key = (row["period"],) if alone else (row["period"], row["whose"])
            found[key] = row["goal"] if money else row["goal"] / 1_000_000
    notes = [f"{one.name}: {whose.note}"] if whose.note else []
    if partly:
        notes.append(f"{one.name}: {partly:,} not set: the targets in the period do not cover the whole of it once")
    if apart:
        notes.append(f"{one.name}: {apart:,} not set: its targets of shorter periods do not add up to one of a longer")
    if unknown:
        notes.append(f"{one.name}: {unknown:,} not known: there is no plan rate for the currency of a target")
    return Goals(found, tuple(notes))


def _names(one: Asked) -> str:
    names = [one.name] + ([f"{one.metric.id}.default"] if not one.variant.name else [])
    return ", ".join(literal(name).sql("duckdb") for name in names)


def _value(request: Request, money: bool) -> tuple[str, str]:
    """SQL of a target's value, and the join that finds its rate."""
    if not money:
        return "t.number", ""
    if not request.convert:
        return "t.amount", ""
    code = literal(request.currency).sql("duckdb")
    rates = (
        f"LEFT JOIN rate_day AS r ON r.kind = 'plan' AND r.currency = t.currency AND r.to_currency = {code} "
        "AND r.day = t.starts_on"
    )
    own = f"CASE WHEN COALESCE(t.currency, {code}) = {code} THEN t.amount ELSE {converted('t.amount', 'r.rate')} END"
    return own, rates


def _whose(session: Any, actor: Actor, request: Request) -> _Whose:
    """Of whom the groups of a question are, as far as the actor may see their targets."""
    if tuple(request.by) not in SCOPES:
        raise UsageError(
            "targets are set for the company, a team, a person or a unit",
            "Use --by owner, team, business_unit, or none",
        )
    if request.where or request.within:
        raise UsageError(
            "a target stands for everything of a company, unit, team or person, not for what a filter keeps",
            "Leave the filter out and read the row: --by team, owner or business_unit",
        )
    column = SCOPES[tuple(request.by)]
    others = [name for name in ("person", "team", "business_unit") if name != column]
    if column:
        others = list(ABOVE[column])
    condition = " AND ".join(
        [*(f"t.{name} IS NULL" for name in others), *([f"NOT t.{column} IS NULL"] if column else [])]
    )
    if actor.sees_all:
        return _Whose(column, condition)
    if actor.person is None or column == "business_unit":
        return _Whose(column, "1 = 0", "you see some of the records only, so their targets do not stand beside them")
    me, today = int(actor.person), day(session.manifest.today)
    if column == "person":
        return _Whose(
            column, f"{condition} AND ({below(me, 't.person', 't.starts_on')} OR {below(me, 't.person', today)})"
        )
    if column == "team":  # of a team whose people are all the actor's
        mine = below(me, "m.person", "m.valid_from")
        member = (
            "FROM team_member AS m WHERE m.team = t.team AND m.valid_from <= t.ends_on AND t.starts_on < m.valid_to"
        )
        return _Whose(
            column,
            f"{condition} AND EXISTS (SELECT 1 {member}) AND NOT EXISTS (SELECT 1 {member} "
            f"AND NOT ({mine} OR {below(me, 'm.person', today)}))",
        )
    alone = (
        f"SELECT COUNT(*) AS n FROM reporting_closure AS z WHERE z.ancestor = {me} AND z.person <> {me} "
        f"AND z.valid_from <= {today} AND {today} < z.valid_to"
    )
    if session.query(alone).column(0)[0].as_py():
        return _Whose(
            column, "1 = 0", "what you see is yours and your people's: ask --by owner or --by team for their targets"
        )
    return _Whose(column, f"t.person = {me}", "the target is your own")
