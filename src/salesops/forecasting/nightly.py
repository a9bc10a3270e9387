"""What the worker does every night: today's forecast, what is said of nights that it missed, and which old forecasts go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from salesops.records import context
from salesops.records.access import Actor

from . import stored
from .runs import Step, place, run

EVERY, WEEKLY = timedelta(days=35), timedelta(days=730)
"""How long every forecast is kept, and how long one a week; of older ones the last of each period stays."""
UNREAD = 86_400
"""Seconds for which nobody must have read a forecast that goes."""
TOLD = 400
"""Days after which a gap is no missed night, but a workspace that was laid aside."""


def nightly(session: Any, actor: Actor, *, step: Step | None = None) -> dict[str, Any]:
    """Make the forecast of the day that it is, unless one was made from the same data; says what was done."""
    on = session.manifest.today
    if not session.query("SELECT id FROM opportunity LIMIT 1").num_rows:
        return {"forecasts": [], "made": False, "why": "there are no deals"}
    heads = stored.heads(place())
    same = [
        one["number"] for one in heads if one["as_of"] == str(on) and one["about"]["generation"] == session.generation
    ]
    if same:
        return {"forecasts": same, "made": False}
    made = run(session, actor, step=step, notes=missed((one["as_of"] for one in heads), on))
    return {"forecasts": list(made.runs.values()), "made": True, "tested": made.tested}


def missed(days: Iterable[str], on: date) -> tuple[str, ...]:
    """A note of the days between the last forecast and this one on which none was made.

    >>> missed(["2026-11-19"], date(2026, 11, 23))
    ('No forecast was made for 2026-11-20 to 2026-11-22: changes since the day before are changes since 2026-11-19',)
    """
    last = max((date.fromisoformat(one) for one in days if one < str(on)), default=None)
    if last is None or not 1 < (on - last).days <= TOLD:
        return ()
    first, end = last + timedelta(days=1), on - timedelta(days=1)
    when = str(first) if first == end else f"{first} to {end}"
    return (f"No forecast was made for {when}: changes since the day before are changes since {last}",)


def sweep() -> int:
    """Delete forecasts that are kept no longer and that nobody reads; gives how many."""
    return stored.delete(place(), outdated(stored.heads(place()), context.today()), UNREAD)


def outdated(heads: Iterable[Mapping[str, Any]], today: date) -> list[int]:
    """Numbers of forecasts to delete: all of the last 35 days stay, then the last of each week for two years, then the last of each period."""
    kept: dict[tuple[str, ...], int] = {}
    known = sorted(heads, key=lambda one: (one["as_of"], one["number"]))
    for head in known:
        day = date.fromisoformat(head["as_of"])
        age = today - day
        if age <= EVERY:
            group: tuple[str, ...] = (head["period"], str(head["number"]))
        elif age <= WEEKLY:
            group = (head["period"], f"week {day:%G-%V}")
        else:
            group = (head["period"], "older")
        kept[group] = head["number"]
    stay = set(kept.values())
    return sorted(head["number"] for head in known if head["number"] not in stay)
