"""The funnel in three kinds, stage by stage with what is lost there, and how the deals of a cohort end over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer
from salesops.pipeline.conversion import OF, stage_deals, stage_report
from salesops.pipeline.curves import STARTS, curve_deals, cycle_curves
from salesops.pipeline.funnel import KINDS, funnel, funnel_records
from salesops.web.shell import drawn, shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from .common import WHOLE, Head, chosen, file_of, list_page, own_link, pipelines, scoped, spanned

TITLES = {
    "cohort": (gettext_lazy("Cohort"), gettext_lazy("What became of the leads and deals created in the period. Young cohorts are not through yet.")),
    "active": (gettext_lazy("Active"), gettext_lazy("Every event in its own period. A step may hold more than the one before it.")),
    "snapshot": (gettext_lazy("Snapshot"), gettext_lazy("Everything there is at the end of the period, by the furthest that it came.")),
}  # fmt: skip
STEPS = {
    "Leads": gettext_lazy("Leads"), "Leads converted": gettext_lazy("Leads converted"), "Deals": gettext_lazy("Deals"),
    "Won": gettext_lazy("Won"),
}  # fmt: skip
FROM = {
    "first_contact": gettext_lazy("first contact"), "creation": gettext_lazy("creation"), "qualified": gettext_lazy("qualification"),
}  # fmt: skip
COHORTS = {"year": gettext_lazy("Twelve months"), "period": gettext_lazy("Period")}
POINTS = 40
"""Days that a curve shows."""


@dataclass(frozen=True)
class Step:
    """A step: its name, records and value, its bar, what share of the step before came so far (and before), where it leads."""

    title: str
    count: int
    value: str
    exact: str
    width: float
    of_previous: shown.Shown | None
    of_first: shown.Shown | None
    delta: shown.Delta | None
    link: str


@page("pipeline/funnel", "pipeline-funnel", warm=True)
def show_funnel(request: Request) -> HttpResponse:
    """From lead to win, and where it leaks."""
    with asking(request) as ask:
        kind, pipeline = chosen(request, "kind", ("cohort", "active", "snapshot")), request.GET.get("pipeline", "")
        more = {"pipeline": pipeline or None, **scoped(ask)}
        found = ask.of(funnel, kind=kind, **more, **spanned(ask))
        if request.GET.get("list") != "stages" and (file := file_of(request, found, f"funnel-{kind}")):
            return file
        then = ask.of(funnel, kind=kind, **more, **spanned(ask, then=True)) if ask.question.then else None
        report = ask.of(stage_report, **more, **spanned(ask))
        if request.GET.get("list") == "stages" and (file := file_of(request, report, "stages")):
            return file
        several = pipelines(ask)
        facts = {
            "kind": kind, "kinds": [(name, TITLES[name][0], own_link(request, kind=name)) for name in ("cohort", "active", "snapshot")],
            "rule": TITLES[kind][1], "groups": _groups(ask, found, then, kind, pipeline), "currency": found.currency,
            "pipelines": [("", _("All"), own_link(request, pipeline=None)), *((one, one, own_link(request, pipeline=one)) for one in several)]
            if len(several) > 1 else [], "pipeline": pipeline, "stages": _stages(ask, report, pipeline), "curve": _curve(request, ask),
            "leak": _leak(report), "notes": [*found.notes, *report.notes], "hidden": found.hidden,
            "csv": own_link(request, format="csv"), "xlsx": own_link(request, format="xlsx"),
            "stages_csv": own_link(request, format="csv", list="stages"), "stages_xlsx": own_link(request, format="xlsx", list="stages"),
            "view": chosen(request, "view", ("chart", "table")),
        }  # fmt: skip
        return render(request, "pipeline/funnel.html", facts)


def _groups(ask: Asking, found: Answer, then: Answer | None, kind: str, pipeline: str) -> list[tuple[str, list[Step]]]:
    """The steps of leads, and of the deals of every pipeline, each with a scale of its own."""
    former = {(row.get("pipeline"), row["step"]): row["of_previous"] for row in (then.to_pylist() if then else ())}
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in found.to_pylist():
        name = str(_("Leads")) if row["kind"] == "lead" else row.get("pipeline") or pipeline or str(_("Deals"))
        groups.setdefault(name, []).append(row)
    return [
        (name, [_step(ask, row, rows, former, found.currency, kind, pipeline) for row in rows])
        for name, rows in groups.items()
    ]


def _step(
    ask: Asking, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], former: Mapping[Any, Any], currency: str, kind: str, pipeline: str
) -> Step:  # fmt: skip
    most = max(one["count"] or 0 for one in rows)
    value, before = row["value"], former.get((row.get("pipeline"), row["step"]))
    own = row.get("pipeline") or pipeline if row["kind"] != "lead" else ""
    link = reverse("pipeline-funnel-records") + ask.question.link(step=row["step"], kind=kind, pipeline=own)
    return Step(
        str(STEPS.get(row["step"], row["step"])), row["count"] or 0, "" if value is None else shown.money(value, currency, compact=True),
        "" if value is None else shown.money(value, currency), drawn.share(row["count"] or 0, most, 1000), _share(row["of_previous"]),
        _share(row["of_first"]), shown.delta(_tenth(row["of_previous"]), _tenth(before), "ratio", "up"), link,
    )  # fmt: skip


def _tenth(value: float | None) -> float | None:
    """A share to a tenth of a percent, as it is shown: what looks the same is no change."""
    return None if value is None else round(value, 3)


def _share(value: Any) -> shown.Shown | None:
    return None if value is None else shown.shown(value, "ratio")


def _leak(report: Answer) -> dict[str, Any] | None:
    """In which stage most deals, and most value, are lost; None where none is."""
    most = {by: row for row in report.to_pylist() for by in row["leak"].split(", ") if by}
    if "count" not in most:
        return None
    count, value = most["count"], most.get("value", most["count"])
    return {
        "stage": count["stage"], "lost": count["lost"], "entered": count["entered"], "value_stage": value["stage"],
        "value": shown.money(value["lost_value"] or 0, report.currency, compact=True), "same": count["stage_id"] == value["stage_id"],
    }  # fmt: skip


def _stages(ask: Asking, report: Answer, pipeline: str) -> list[dict[str, Any]]:
    """Stage by stage: who entered, went on, was lost; each number with its deals."""

    def link(row: Mapping[str, Any], of: str) -> str:
        return reverse("pipeline-stage-deals") + ask.question.link(
            stage=row["stage"], of=of, pipeline=row.get("pipeline") or pipeline
        )

    return [
        {
            "pipeline": row.get("pipeline", ""), "stage": row["stage"], "conversion": shown.shown(row["conversion"], "ratio"),
            "numbers": [(row[of], link(row, of)) for of in ("entered", "moved_on", "lost", "here")],
            "lost_value": shown.money(row["lost_value"] or 0, report.currency, compact=True),
            "old_enough": shown.shown(row["old_enough"], "ratio"), "median": _days(row["median_days"]), "p75": _days(row["p75_days"]),
            "young": row["old_enough"] is not None and row["old_enough"] < 1, "leak": row["leak"].split(", ") if row["leak"] else [],
        }
        for row in report.to_pylist()
    ]  # fmt: skip


def _days(value: float | None) -> str:
    return str(_("n/a")) if value is None else shown.number(value, 0)


# How a cohort ends


def cohort_of(request: Request, ask: Asking) -> dict[str, Any]:
    """Of which days the deals of a curve were created."""
    name, q = chosen(request, "cohort", ("year", "period")), ask.question
    start = q.period.start if name == "period" else q.calendar.year_ago(q.period).end + timedelta(days=1)
    return {"from_": start, "to": q.period.end, "as_of": q.as_of}


def days_shown(longest: int) -> tuple[int, ...]:
    """Days of a curve, evenly spaced."""
    step = max(round(longest / POINTS / 5) * 5, 1) if longest > POINTS else 1
    return tuple(range(0, longest + step, step))


def _curve(request: Request, ask: Asking) -> dict[str, Any]:
    """Shares won, lost and open by day, with the bands of those won and open."""
    start, cohort = chosen(request, "start", tuple(STARTS)), cohort_of(request, ask)
    whole = ask.of(cycle_curves, start=start, **cohort, **scoped(ask))
    last = max((row["day"] for row in whole.to_pylist()), default=0)
    found = ask.of(cycle_curves, start=start, at=days_shown(last), **cohort, **scoped(ask)) if last else whole
    rows = found.to_pylist()
    link = reverse("pipeline-curve-deals") + ask.question.link(start=start, cohort=request.GET.get("cohort", ""))
    chart = _drawn(rows, start) if rows else None
    return {
        "chart": chart, "table": table_of(chart) if chart else [], "start": FROM[start], "link": link,
        "starts": [(name, title, own_link(request, start=name)) for name, title in FROM.items()], "start_name": start,
        "cohorts": [(name, title, own_link(request, cohort=name)) for name, title in COHORTS.items()], "notes": found.notes,
        "cohort": request.GET.get("cohort") or "year", "first": cohort["from_"], "last": min(cohort["to"], cohort["as_of"]),
        "medians": [one for one in found.notes if "median days" in one],
    }  # fmt: skip


def table_of(chart: Mapping[str, Any]) -> list[list[str]]:
    """The rows of a chart as a table shows them: the category, then each series."""
    return [[name, *(one["shown"][n] for one in chart["series"])] for n, name in enumerate(chart["categories"])]


def _drawn(rows: Sequence[Mapping[str, Any]], start: str) -> dict[str, Any]:
    def series(name: Any, column: str, role: str, **more: Any) -> dict[str, Any]:
        values = [row[column] for row in rows]
        return {
            "name": str(name),
            "role": role,
            "values": values,
            "shown": [str(shown.shown(one, "ratio")) for one in values],
            **more,
        }

    last = rows[-1]
    return {
        "kind": "line", "categories": [str(row["day"]) for row in rows], "unit": "%", "series": [
            series(_("Won"), "share_won", "better"), series(_("Won, from"), "share_won_low", "low", band="better"),
            series(_("Won, to"), "share_won_high", "high", band="better"), series(_("Lost"), "share_lost", "worse"),
            series(_("Still open"), "share_open", "compare"), series(_("Still open, from"), "share_open_low", "low", band="compare"),
            series(_("Still open, to"), "share_open_high", "high", band="compare"),
        ],
        "summary": _("Shares of the cohort won, lost and open by days since %(start)s. After %(day)s days: %(won)s won, %(lost)s lost, %(open)s open.") % {
            "start": FROM[start], "day": last["day"], "won": shown.shown(last["share_won"], "ratio"),
            "lost": shown.shown(last["share_lost"], "ratio"), "open": shown.shown(last["share_open"], "ratio"),
        },
    }  # fmt: skip


# Records

NAME, OWNER = Head("name", gettext_lazy("Record"), "name"), Head("owner", gettext_lazy("Owner"), wide=True)
DAY, VALUE = Head("day", gettext_lazy("Day"), "day"), Head("value", gettext_lazy("Value"), "money")
STATUS = Head("status", gettext_lazy("Status"), wide=True)


@page("pipeline/funnel/records", "pipeline-funnel-records")
def funnel_step(request: Request) -> HttpResponse:
    """The leads or deals of a step."""
    with asking(request) as ask:
        step, kind, pipeline = _given(request, "step"), chosen(request, "kind", KINDS), request.GET.get("pipeline", "")
        found = ask.of(
            funnel_records, step, kind=kind, pipeline=pipeline or None, limit=WHOLE, **spanned(ask), **scoped(ask)
        )
        leads = step.startswith("Leads")
        heads = (NAME, OWNER, DAY) if leads else (NAME, OWNER, DAY, VALUE)
        title = _("%(step)s, %(period)s") % {"step": STEPS.get(step, step), "period": ask.question.period.key}
        back = (_("Funnel"), reverse("pipeline-funnel") + ask.question.link(kind=kind))
        return list_page(
            request, found, heads, title=title, note=str(TITLES[kind][1]), back=back, name="funnel", order="-day" if leads else "-value",
            entity="lead" if leads else "opportunity",
        )  # fmt: skip


@page("pipeline/funnel/stage", "pipeline-stage-deals")
def of_stage(request: Request) -> HttpResponse:
    """The deals behind a number of the stage report."""
    with asking(request) as ask:
        stage, of, pipeline = (
            _given(request, "stage"),
            chosen(request, "of", tuple(OF)),
            request.GET.get("pipeline", ""),
        )
        found = ask.of(stage_deals, stage, of=of, pipeline=pipeline or None, limit=WHOLE, **spanned(ask), **scoped(ask))
        words = {"entered": _("entered"), "moved_on": _("moved on"), "lost": _("lost here"), "here": _("still here")}
        title = f"{stage}: {words[of]}"
        note = _("Deals that first arrived at or beyond the stage in %(period)s.") % {"period": ask.question.period.key}
        back = (_("Funnel"), reverse("pipeline-funnel") + ask.question.link(pipeline=pipeline))
        return list_page(
            request, found, (NAME, OWNER, DAY, STATUS, VALUE), title=title, note=note, back=back, name="stage"
        )


@page("pipeline/funnel/curve", "pipeline-curve-deals")
def of_curve(request: Request) -> HttpResponse:
    """The deals of a curve with the days that each took or has taken."""
    with asking(request) as ask:
        start = chosen(request, "start", tuple(STARTS))
        found = ask.of(curve_deals, start=start, limit=WHOLE, **cohort_of(request, ask), **scoped(ask))
        days = Head(STARTS[start], _("Days"), "count")
        title = _("Deals by days since %(start)s") % {"start": FROM[start]}
        back = (_("Funnel"), reverse("pipeline-funnel") + ask.question.link(start=start))
        return list_page(
            request, found, (NAME, OWNER, DAY, STATUS, days, VALUE), title=title, note="", back=back, name="curve", order=f"-{days.name}"
        )  # fmt: skip


def _given(request: Request, name: str) -> str:
    value = request.GET.get(name, "")
    if not value:
        raise UsageError(f"the address names no {name}", "Open it from the funnel")
    return value
