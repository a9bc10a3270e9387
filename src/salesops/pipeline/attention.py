"""Deals that want attention, as lists: those that slip out of the period they were due in, and those where nothing happens.

The numbers are those of `slip_rate` and `stale_opportunities` (the same facts); here are the deals, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa

from salesops.metrics.answer import Answer, Column
from salesops.metrics.definitions import Part
from salesops.metrics.session import Actor
from salesops.metrics.sql import day

from . import asking


def slipping(
    session: Any,
    actor: Actor,
    period: str | None = None,
    *,
    from_: date | str | None = None,
    to: date | str | None = None,
    where: str | Mapping[str, Any] | None = None,
    cell: Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Answer:
    """Deals that on the eve of the period should have closed in it and do not: their close date left it, was removed, or is past while they
    are open. The largest first: owner now, stage and value of the eve, close date then and now, days late, pushes in the period and in all."""
    request = asking.asking(
        session, "slipping", {"due": Part("due"), "value": Part("due", "value")}, period=period, from_=from_, to=to, where=where,
        as_of=as_of, currency=currency, calendar=calendar,
    )  # fmt: skip
    columns = {
        "owner_now": "text", "stage": "text", "was_due": "day", "due_now": "day", "slipped": "count", "pushes": "count",
        "value": "money",
    }  # fmt: skip
    found = asking.listing(
        session, actor, request, "due", columns, where="f.slipped = 1 OR f.overdue = 1", order="f.value DESC, f.id", cell=cell,
        offset=offset, limit=limit,
    )  # fmt: skip
    end = min(request.last, request.as_of)
    reasons: list[str] = []
    late: list[int | None] = []
    for row in found.to_pylist():
        if row["due_now"] is None:
            reasons.append("close date removed")
            late.append(None)
        elif row["slipped"]:
            reasons.append(
                f"close date moved out, to {'a later' if row['due_now'] > row['was_due'] else 'an earlier'} day"
            )
            late.append((row["due_now"] - row["was_due"]).days)
        else:
            reasons.append("open, and the close date is past")
            late.append((end - row["due_now"]).days)
    table = found.rows.drop_columns("slipped")
    table = table.append_column("reason", pa.array(reasons, pa.string())).append_column(
        "days", pa.array(late, pa.int64())
    )
    table = table.append_column("pushes_in_all", _pushes(session, found, end))
    shown = [one for one in found.columns if one.name != "slipped"]
    shown += [Column("reason", "reason", "dimension"), Column("days", "days", "metric", "count"),
              Column("pushes_in_all", "pushes in all", "metric", "count")]  # fmt: skip
    empty = {"slipping": "no deal that was due in the period slipped"} if not len(found) else {}
    return replace(found, rows=table, columns=tuple(shown), empty=empty)


def stale(
    session: Any,
    actor: Actor,
    *,
    where: str | Mapping[str, Any] | None = None,
    cell: Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Answer:
    """Open deals without a held activity (else: since they entered their stage) for longer than the p75 of the stage's completed visits, the
    longest quiet first: owner now, stage, since when and since what, days, p75, pushes in all, value."""
    request = asking.asking(
        session, "stale", {"deals": Part("open_care"), "value": Part("open_care", "value")}, where=where, as_of=as_of,
        currency=currency,
    )  # fmt: skip
    columns = {
        "owner_now": "text", "stage": "text", "touched_on": "day", "by_activity": "count", "quiet_days": "count",
        "usual_days": "count", "value": "money",
    }  # fmt: skip
    found = asking.listing(
        session, actor, request, "open_care", columns, where="f.stale = 1", order="f.quiet_days DESC, f.id", cell=cell,
        offset=offset, limit=limit,
    )  # fmt: skip
    reasons = [
        f"no activity for {row['quiet_days']:,} days; three of four deals leave this stage within {row['usual_days']:,}"
        if row["by_activity"]
        else f"no activity since it entered the stage {row['quiet_days']:,} days ago; three of four leave it within {row['usual_days']:,}"
        for row in found.to_pylist()
    ]
    table = found.rows.drop_columns("by_activity").append_column(
        "pushes_in_all", _pushes(session, found, request.as_of)
    )
    table = table.append_column("reason", pa.array(reasons, pa.string()))
    titles = {"usual_days": "p75 of the stage", "quiet_days": "days", "touched_on": "since"}
    shown = [replace(one, title=titles.get(one.name, one.title)) for one in found.columns if one.name != "by_activity"]
    shown += [Column("pushes_in_all", "pushes in all", "metric", "count"), Column("reason", "reason", "dimension")]
    empty = {"stale": "no open deal is quiet for longer than its stage's p75; a stage without history is never stale"}
    return replace(found, rows=table, columns=tuple(shown), empty={} if len(found) else empty)


def pushes_sql(ids: Sequence[int], as_of: str) -> str:
    """Rows (id, n): how often the close date of each deal was moved to a later day while it was open, by the evenings' dates."""
    listed = ", ".join(str(int(one)) for one in ids)
    return f"""
        SELECT id, COUNT(*) AS n FROM (
            SELECT o.id, o.expected_close, o.status,
                   LEAD(o.expected_close) OVER (PARTITION BY o.id ORDER BY o.day_from) AS later,
                   LEAD(o.status) OVER (PARTITION BY o.id ORDER BY o.day_from) AS next_status
            FROM opportunity AS o WHERE o.id IN ({listed}) AND o.day_from <= {as_of} AND NOT o.deleted
        ) AS v WHERE later > expected_close AND status = 'open' AND next_status = 'open' GROUP BY id
    """


def _pushes(session: Any, page: Answer, as_of: date) -> pa.Array:
    ids = page.rows.column("id").to_pylist()
    found = {r["id"]: r["n"] for r in session.query(pushes_sql(ids, day(as_of))).to_pylist()} if ids else {}
    return pa.array([found.get(one, 0) for one in ids], pa.int64())
