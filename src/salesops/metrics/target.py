"""Targets beside a metric: goals and plans whose span lies inside the period, by company, team, person or unit."""

from __future__ import annotations

from typing import Any

from salesops.common.errors import UsageError

from .definitions import Asked
from .request import Request
from .session import Actor
from .sql import NO_ID, converted, day, live

SCOPES = {(): None, ("owner",): "person", ("team",): "team", ("business_unit",): "business_unit"}


def targets(session: Any, actor: Actor, request: Request, one: Asked) -> dict[tuple[Any, ...], Any]:
    """The target by (period, key), in 10^-4 for money, else as a number. Raises UsageError for other dimensions."""
    if tuple(request.by) not in SCOPES:
        raise UsageError("targets are set for the company, a team, a person or a unit", "Use --by owner, team, or none")
    column = SCOPES[tuple(request.by)]
    if not actor.sees_all and (column != "person" or actor.person is None):
        return {}
    money = one.unit == "money"
    key = f"t.{column}" if column else f"{NO_ID}"
    own = f"t.{column} IS NOT NULL" if column else "t.person IS NULL AND t.team IS NULL AND t.business_unit IS NULL"
    if column and not actor.sees_all:
        own += f" AND t.person = {int(actor.person or 0)}"
    value = "t.number"
    join = ""
    if money:
        value = "t.amount"
        if request.convert:
            join = (
                f"LEFT JOIN rate_day AS r ON r.kind = 'plan' AND r.currency = t.currency "
                f"AND r.to_currency = '{request.currency}' AND r.day = t.starts_on"
            )
            value = (
                f"CASE WHEN COALESCE(t.currency, '{request.currency}') = '{request.currency}' THEN t.amount "
                f"ELSE {converted('t.amount', 'r.rate')} END"
            )
    found: dict[tuple[Any, ...], Any] = {}
    for cell in request.cells:
        sql = f"""
            SELECT {key} AS key, CAST(SUM({value}) AS BIGINT) AS goal FROM target AS t {join}
            WHERE {live("t", day(request.as_of))} AND t.metric = '{one.metric.id}' AND t.kind <> 'quota'
              AND COALESCE(t.status, 'published') = 'published' AND {own}
              AND t.starts_on >= {day(cell.start)} AND t.ends_on <= {day(cell.end)}
            GROUP BY 1
        """
        for row in session.query(sql).to_pylist():
            goal = row["goal"] if money or row["goal"] is None else row["goal"] / 1_000_000
            found[(cell.key, row["key"]) if column else (cell.key,)] = goal
    return found
