"""Sales velocity with its four drivers, and what each of them added to its change between two periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from salesops.metrics.answer import Answer, Column
from salesops.metrics.change import explain_change
from salesops.metrics.definitions import Asked
from salesops.metrics.notes import notes_of
from salesops.metrics.query import run
from salesops.metrics.request import understand
from salesops.metrics.session import Actor

from . import asking
from .asking import Group, ratio


def velocity(
    session: Any,
    actor: Actor,
    *,
    variant: str = "",
    period: str | None = None,
    from_: date | str | None = None,
    to: date | str | None = None,
    by: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
) -> Answer:
    """Velocity a day with deals worked, average won value, win rate and mean cycle days, by group and period (terms.md,
    `sales_velocity`; `variant` closed counts closed deals only)."""
    name = "sales_velocity" + (f".{variant}" if variant else "")
    request = understand(
        session,
        name,
        period=period,
        from_=from_,
        to=to,
        by=by,
        where=where,
        as_of=as_of,
        currency=currency,
        calendar=calendar,
    )
    raw = run(session, actor, request)
    one: Asked = request.asked[0]
    rows = []
    for row in raw.to_pylist():
        cell, ids = asking._cell(row, request)
        part = {key.removeprefix("m0__"): value for key, value in row.items() if key.startswith("m0__")}
        deals = (part.get("closed") or 0) + (part.get("open") or 0)
        average = ratio(part.get("value"), part.get("value__n"))
        rows.append({
            **asking.of_group(Group(cell, ids, {})), "period": row["period"], "deals": deals,
            "average_value": None if average is None else round(average), "win_rate": ratio(part.get("won"), part.get("closed")),
            "cycle_days": ratio(part.get("days"), part.get("days__n")), "velocity": row["m0"],
        })  # fmt: skip
    place = {cell.key: n for n, cell in enumerate(request.cells)}
    rows.sort(key=lambda r: (place[r["period"]], *(str(r[name]) for name in request.by)))
    columns = [
        Column("period", "period", "period"), *asking.dimension_columns(request), Column("deals", "deals worked", "metric", "count"),
        Column("average_value", "average won value", "metric", "money"), Column("win_rate", "win rate", "metric", "ratio"),
        Column("cycle_days", "mean cycle", "metric", "days"), Column("velocity", "velocity", "metric", "money_per_day"),
    ]  # fmt: skip
    short = "velocity needs a won deal of known amount and a cycle above zero"
    empty = {} if any(row["velocity"] is not None for row in rows) else {one.name: short}
    told = [f"{one.name}: {one.variant.formula}", *notes_of(session, actor, request, raw)]
    return asking.answer(
        session, request, columns, rows, notes=told, hidden=asking.hidden(session, actor, request), empty=empty
    )


def velocity_change(
    session: Any, actor: Actor, from_: date | str, to: date | str, *, variant: str = "", **question: Any
) -> Answer:
    """What deals, average value, win rate and cycle each added to the change of velocity from one period to another."""
    return explain_change(
        session, actor, "sales_velocity" + (f".{variant}" if variant else ""), from_=from_, to=to, **question
    )
