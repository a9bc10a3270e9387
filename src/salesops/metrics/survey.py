"""What the time survey is filled with and of whom it is asked: captured minutes of a person's week, and who worked in it."""

from __future__ import annotations

from datetime import date
from typing import Any

from salesops.records import access, actions_time, context

from .query import query
from .session import Actor, calendar_of
from .sql import day

OUTREACH = ("call", "email_out", "social", "message")
SELLING = ("demo", "proposal", "presentation")
KEPT = ("admin", "crm_entry", "internal", "training", "travel")


def captured(session: Any, actor: Actor, *, first: date, last: date) -> dict[str, int]:
    """Minutes by category of the survey that the actor's own person has captured as activities from one day to another.

    Held and not automatic, as in `selling_time_share`: meetings with somebody from outside are selling, others internal. Activities
    without minutes add none.
    """
    if actor.person is None:
        return {}
    outside = "COALESCE(a.external, NOT (a.contact IS NULL AND a.lead IS NULL AND a.account IS NULL AND a.opportunity IS NULL))"
    sql = (
        f"SELECT CASE WHEN a.kind IN {OUTREACH} THEN 'outreach' WHEN a.kind IN {SELLING} THEN 'selling' "
        f"WHEN a.kind = 'meeting' THEN CASE WHEN {outside} THEN 'selling' ELSE 'internal' END "
        f"WHEN a.kind IN {KEPT} THEN a.kind END AS category, CAST(SUM(a.minutes) AS BIGINT) AS minutes "
        f"FROM activity AS a WHERE a.owner = {int(actor.person)} AND a.on_day BETWEEN {day(first)} AND {day(last)} "
        "AND COALESCE(a.status, 'held') = 'held' AND NOT COALESCE(a.automatic, FALSE) GROUP BY 1"
    )
    rows = session.query(sql).to_pylist()
    return {row["category"]: row["minutes"] for row in rows if row["category"] and row["minutes"]}


def asked(session: Any, actor: Actor, *, first: date, last: date) -> dict[int, str]:
    """{person: name} of whom the survey of a week is asked, as far as the actor sees them: everybody with a working day in it
    (who owns deals or activities, and was neither on leave nor gone)."""
    found = query(session, actor, "activities_per_day", by="owner", from_=first, to=last)
    return {
        row["owner_id"]: row["owner"]
        for row in found.to_pylist()
        if row["owner_id"] is not None and row["activities_per_day__days"]
    }


def week_to_report(session: Any) -> tuple[date, date]:
    """The first and the last day of the week that can be reported now: the one before this."""
    calendar = calendar_of(session)
    week = calendar.previous(calendar.period_of(context.today(), "week"))
    return week.start, week.end


def my_week(session: Any, actor: access.Actor) -> dict[str, Any]:
    """The actor's own week to report: its days, minutes by kind as they were reported (empty: not answered yet) and captured."""
    access.require(actor, "create", "time_report")
    first, last = week_to_report(session)
    told = actions_time.reported(actor, last)
    return {
        "first": first,
        "last": last,
        "reported": told,
        "captured": captured(session, actor, first=first, last=last),
    }
