"""How fast the pipeline flows: velocity with its drivers over periods, what changed it, and how fast cohorts are won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.metrics.answer import Answer
from salesops.pipeline.curves import STARTS, cycle_curves
from salesops.pipeline.velocity import velocity, velocity_change
from salesops.web.shell import drawn, shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from .common import chosen, file_of, own_link, scoped
from .funnel import FROM, days_shown, table_of

BACK = 8
"""Periods that are shown, the latest last."""
COHORTS = 4
DRIVERS = {
    "deals": (gettext_lazy("Deals worked"), "count"), "average_value": (gettext_lazy("Average won value"), "money"),
    "win_rate": (gettext_lazy("Win rate"), "ratio"), "cycle_days": (gettext_lazy("Mean cycle"), "days"),
    "velocity": (gettext_lazy("Velocity"), "money_per_day"),
}  # fmt: skip
PARTS = {
    "opportunities": gettext_lazy("Deals worked"), "average won value": gettext_lazy("Average won value"),
    "win rate": gettext_lazy("Win rate"), "cycle days": gettext_lazy("Mean cycle"),
}  # fmt: skip
UNITS = {"opportunities": "count", "average won value": "money", "win rate": "ratio", "cycle days": "days"}


@dataclass(frozen=True)
class Part:
    """What a driver added: its name, what it was and is, its figure and bar."""

    title: str
    before: str
    after: str
    figure: str
    exact: str
    step: drawn.Step
    colour: str


@page("pipeline/velocity", "pipeline-velocity", warm=True)
def show_velocity(request: Request) -> HttpResponse:
    """Velocity by period, the breakdown of its change, and cycle curves."""
    with asking(request) as ask:
        periods = _periods(ask)
        found = ask.of(
            velocity,
            period=periods[0].grain,
            from_=periods[0].start,
            to=periods[-1].end,
            as_of=ask.question.as_of,
            **scoped(ask),
        )
        file = file_of(request, found, "velocity")
        if file is not None:
            return file
        rows = found.to_pylist()
        facts = {
            "rows": [_row(ask, row, found.currency) for row in rows], "heads": [title for title, _unit in DRIVERS.values()],
            "chart": _chart(rows, found), "change": _change(ask), "curve": _curve(request, ask), "notes": found.notes, "hidden": found.hidden,
            "view": chosen(request, "view", ("chart", "table")), "csv": own_link(request, format="csv"), "xlsx": own_link(request, format="xlsx"),
            "any": any(row["velocity"] is not None for row in rows), "count": len(rows),
        }  # fmt: skip
        return render(request, "pipeline/velocity.html", facts)


def _periods(ask: Asking, count: int = BACK) -> list[Any]:
    q = ask.question
    period = q.calendar.period_of(q.period.start, "quarter") if q.period.grain == "range" else q.period
    found = [period]
    while len(found) < count:
        found.append(q.calendar.previous(found[-1]))
    return found[::-1]


def _row(ask: Asking, row: Mapping[str, Any], currency: str) -> dict[str, Any]:
    cells = [shown.shown(row[name], unit, currency) for name, (_title, unit) in DRIVERS.items()]
    why = reverse("why", args=["sales_velocity"]) + ask.question.link(period=row["period"])
    return {
        "period": row["period"],
        "cells": cells[:-1],
        "velocity": cells[-1],
        "why": why,
        "current": row["period"] == ask.question.period.key,
    }


def _chart(rows: Sequence[Mapping[str, Any]], found: Answer) -> dict[str, Any]:
    values = [row["velocity"] for row in rows]
    texts = [str(shown.shown(one, "money_per_day", found.currency)) for one in values]
    last = texts[-1] if texts else ""
    return {
        "kind": "line", "categories": [row["period"] for row in rows], "unit": "",
        "series": [{"name": _("Velocity a day"), "role": "own", "values": values, "shown": texts}],
        "summary": _("Sales velocity by period; in the last one %(last)s.") % {"last": last},
    }  # fmt: skip


def _change(ask: Asking) -> dict[str, Any] | None:
    """What each driver added to the change from the compared period; None where there is nothing to compare with, or no value."""
    q = ask.question
    if q.then is None or q.then_as_of is None:
        return None
    spans = [f"{one.start}..{one.end}" for one in (q.then, q.period)]
    found = ask.of(velocity_change, *spans, as_of=q.as_of, **scoped(ask))
    rows = found.to_pylist()
    if not rows:
        return {"empty": " ".join(found.empty.values())}
    *parts, whole = rows
    moves = [Decimal(str(row["change"])) for row in parts]
    steps = drawn.flow(moves)

    def rate(value: Any) -> str:
        return f"{shown.signed_value(value, 'money', found.currency)}{_('/day')}"

    def figure(driver: str, value: float) -> str:
        return str(shown.shown(value, UNITS[driver], found.currency))

    biggest = max(parts, key=lambda row: abs(row["change"]))
    return {
        "then": q.then.key, "now": q.period.key, "up": whole["change"] >= 0, "net": rate(whole["change"]),
        "before": shown.shown(whole["before"], "money_per_day", found.currency), "after": shown.shown(whole["after"], "money_per_day", found.currency),
        "main": PARTS[biggest["driver"]], "main_figure": rate(biggest["change"]), "unfinished": q.as_of < q.period.end,
        "parts": [
            Part(
                str(PARTS[row["driver"]]), figure(row["driver"], row["before"]), figure(row["driver"], row["after"]), rate(row["change"]),
                shown.money(Decimal(str(row["change"])), found.currency), step, "better" if row["change"] >= 0 else "worse",
            )
            for row, step in zip(parts, steps, strict=True)
        ],
    }  # fmt: skip


def _curve(request: Request, ask: Asking) -> dict[str, Any]:
    """The share won by days since the start, of the deals created in each of the last periods."""
    start = chosen(request, "start", tuple(STARTS))
    periods = _periods(ask, COHORTS)
    cohorts = [
        (one, ask.of(cycle_curves, start=start, from_=one.start, to=one.end, as_of=ask.question.as_of, **scoped(ask)))
        for one in periods if one.start <= ask.question.as_of
    ]  # fmt: skip
    longest = max((row["day"] for _one, found in cohorts for row in found.to_pylist()), default=0)
    at = days_shown(longest)
    series, medians = [], []
    for one, _whole in reversed(cohorts):  # the latest in our own colour
        found = ask.of(
            cycle_curves, start=start, from_=one.start, to=one.end, as_of=ask.question.as_of, at=at, **scoped(ask)
        )
        known = {row["day"]: row["share_won"] for row in found.to_pylist()}
        values = [known.get(day) for day in at]
        series.append(
            {"name": one.key, "values": values, "shown": [str(shown.shown(value, "ratio")) for value in values]}
        )
        medians += [f"{one.key}: {note}" for note in found.notes if "median days" in note]
    known_series = [one for one in series if any(value is not None for value in one["values"])]
    chart = None if not known_series else {
        "kind": "line", "categories": [str(day) for day in at], "unit": "%", "series": known_series,
        "summary": _("Share of deals won by days since %(start)s, by the period of creation. Younger periods end earlier.") % {"start": FROM[start]},
    }  # fmt: skip
    return {
        "chart": chart, "table": table_of(chart) if chart else [], "start": FROM[start], "start_name": start, "medians": medians,
        "starts": [(name, title, own_link(request, start=name)) for name, title in FROM.items()],
    }  # fmt: skip
