"""The organisation over time, and what people's work looks like: activity, the mix of the best, ramp, fair comparison."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import NotFound, SalesopsError
from salesops.metrics import people as people_room
from salesops.metrics.organisation import Organisation, below, organisation
from salesops.output import as_csv
from salesops.spreadsheet import book
from salesops.web.shell import drawn, shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page
from salesops.web.shell.words import Words

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DEEPEST = 8
MANY = 60
"""From so many rows on, the tree starts folded below its second level."""


# The organisation


@page("plans/organisation", "organisation")
def org(request: Request) -> HttpResponse:
    """The tree of reporting lines as of the day, with head-count and bookings, and who moved since the compared day."""
    with asking(request) as ask:
        q = ask.question
        found: Organisation = ask.of(organisation, as_of=q.as_of, then=q.then_as_of)
        won = ask.metrics("bookings", by="owner", **{**q.asked(), "where": None})
        own = {
            row["owner_id"]: row["bookings"]
            for row in won.to_pylist()
            if row["owner_id"] is not None and row["bookings"] is not None
        }
        total = below(found, own)
        only = "changed" in request.GET
        seats = [
            {
                **vars(seat), "level": min(seat.depth, DEEPEST), "own": _amount(own.get(seat.person), won.currency),
                "all": _amount(total.get(seat.person) if seat.direct else None, won.currency),
            }
            for seat in found.seats if not only or seat.change
        ]  # fmt: skip
        facts = {
            "seats": seats, "people": found.people, "left": found.left, "then": q.then_as_of, "joined": found.changed("joined"),
            "moved": found.changed("moved"), "managers": sum(1 for seat in found.seats if seat.direct),
            "deepest": max((seat.depth for seat in found.seats), default=0) + 1, "only": only, "period": q.period.key, "hidden": won.hidden,
            "currency": won.currency, "fold": 2 if len(seats) >= MANY else "",
        }  # fmt: skip
        return render(request, "people/organisation.html", facts)


def _amount(value: Any, currency: str) -> shown.Shown:
    return shown.shown(value, "money", currency) if value is not None else shown.Shown("")


# People at work


VIEWS: dict[str, tuple[Words, Words]] = {
    "activity": (gettext_lazy("Activity"), gettext_lazy("What everybody does, and how the contracted time is spent as far as it was captured.")),
    "mix": (gettext_lazy("Mix of the best"), gettext_lazy("Where the quarter of people with the highest attainment spends its minutes, beside the rest.")),
    "ramp": (gettext_lazy("Ramp"), gettext_lazy("How newcomers come up to the level of the tenured, by month since the start.")),
    "compare": (gettext_lazy("Fair comparison"), gettext_lazy("Everybody beside those of the same segment and the same band of tenure.")),
}  # fmt: skip
COLUMNS: dict[str, Words] = {
    "owner": gettext_lazy("Person"), "activities": gettext_lazy("Activities"), "activities_per_day": gettext_lazy("Per day"),
    "activities.minutes": gettext_lazy("Minutes"), "prospect_meetings": gettext_lazy("Prospect meetings"),
    "selling_time_share": gettext_lazy("Selling time"), "non_selling_share": gettext_lazy("Other time"), "kind": gettext_lazy("Kind"),
    "top": gettext_lazy("Best quarter"), "rest": gettext_lazy("Rest"), "gap": gettext_lazy("Gap"), "month": gettext_lazy("Month"),
    "people": gettext_lazy("People"), "median": gettext_lazy("Median won"), "reached": gettext_lazy("Came up"),
    "segment": gettext_lazy("Segment"), "tenure": gettext_lazy("Months of tenure"), "records": gettext_lazy("Records"),
    "value": gettext_lazy("Own share"), "group_mean": gettext_lazy("Group"), "fair": gettext_lazy("Fair share"), "low": gettext_lazy("From"),
    "high": gettext_lazy("To"), "stands": gettext_lazy("Stands"),
}  # fmt: skip
METRICS: dict[str, Words] = {
    "win_rate": gettext_lazy("Win rate"), "lead_conversion": gettext_lazy("Lead conversion"), "qualification_rate": gettext_lazy("Qualification rate"),
}  # fmt: skip


@page("playbook/people", "people")
def people(request: Request) -> HttpResponse:
    """People at work, one view at a time, under the settings about peers."""
    with asking(request) as ask:
        view = request.GET.get("view", "activity") if request.GET.get("view") in VIEWS else "activity"
        metric = request.GET.get("metric", "win_rate") if request.GET.get("metric") in METRICS else "win_rate"
        facts: dict[str, Any] = {
            "view": view, "views": [(name, title) for name, (title, _says) in VIEWS.items()], "says": VIEWS[view][1], "metric": metric,
            "metrics": list(METRICS.items()), "query": request.GET.urlencode(),
        }  # fmt: skip
        try:
            found = _asked(ask, view, metric)
        except SalesopsError as error:
            return render(request, "people/people.html", facts | {"problem": error})
        facts |= {
            "found": found, "heads": [(name, COLUMNS.get(name, name.replace("_", " ").capitalize()), _numeric(unit)) for name, unit in found.columns.items()],
            "rows": [_row(row, found) for row in found.rows], "chart": _chart(view, found), **_beside(view, found),
        }  # fmt: skip
        return render(request, "people/people.html", facts)


@page("playbook/people/file/<str:view>/<str:form>", "people-file", action="export")
def file(request: Request, view: str, form: str) -> HttpResponse:
    """One view as CSV or XLSX."""
    if view not in VIEWS or form not in ("csv", "xlsx"):
        raise NotFound("there is no such file", remedy="Use csv or xlsx")
    with asking(request) as ask:
        metric = request.GET.get("metric", "win_rate") if request.GET.get("metric") in METRICS else "win_rate"
        table = _asked(ask, view, metric).table()
        content = as_csv(table.rows, table.columns).encode() if form == "csv" else book(table)
        response = HttpResponse(content, content_type="text/csv; charset=utf-8" if form == "csv" else XLSX)
        response["Content-Disposition"] = f'attachment; filename="people-{view}.{form}"'
        return response


def _asked(ask: Asking, view: str, metric: str) -> people_room.Figures:
    question = ask.question.asked()
    if view == "ramp":
        given = {name: question[name] for name in ("as_of", "currency") if name in question}
        return ask.of(people_room.ramp, **given)
    if view == "compare":
        return ask.of(people_room.compare, metric=metric, **question)
    return ask.of(people_room.activity if view == "activity" else people_room.mix, **question)


def _numeric(unit: str) -> bool:
    return bool(unit)


def _row(row: dict[str, Any], found: people_room.Figures) -> list[tuple[str, bool, str]]:
    """Cells of a row: text, whether it is a number, and what it sorts by."""
    cells = []
    for name, unit in found.columns.items():
        value = row.get(name)
        if not unit:
            text = (
                _("Everybody")
                if value == people_room.ALL
                else str(value or "").replace("_", " ")
                if name == "kind"
                else str(value or "")
            )
            cells.append((text, False, ""))
        elif name == "gap":
            cells.append(
                (_("n/a") if value is None else f"{shown.signed(value * 100, 1)} {_('pp')}", True, str(value or 0))
            )
        else:
            known = "number" if unit in ("per_day", "per_rep") else unit
            cells.append(
                (
                    str(shown.shown(value, "count" if unit == "minutes" else known, found.currency)),
                    True,
                    "" if value is None else str(value),
                )
            )
    return cells


def _chart(view: str, found: people_room.Figures) -> dict[str, Any] | None:
    """The picture of a view; None where there is nothing to draw."""
    rows = [row for row in found.rows if row.get("owner") != people_room.ALL]
    if not rows:
        return None
    if view == "mix":
        kinds = [str(row["kind"]).replace("_", " ") for row in rows]
        series = [
            _series(_("Best quarter"), rows, "top", "own", "ratio"),
            _series(_("Rest"), rows, "rest", "compare", "ratio"),
        ]
        return {
            "kind": "bars",
            "categories": kinds,
            "series": series,
            "unit": "%",
            "summary": _("Share of minutes by kind: the best quarter beside the rest"),
        }
    if view == "ramp":
        months = [str(row["month"]) for row in rows]
        series = [_series(_("Came up to the level"), rows, "reached", "own", "ratio")]
        return {
            "kind": "line",
            "categories": months,
            "series": series,
            "unit": "%",
            "summary": _("Share of newcomers who came up, by month since the start"),
        }
    if view == "activity":
        ranked = sorted(rows, key=lambda row: -(row["selling_time_share"] or 0))[:20]
        series = [_series(_("Selling time"), ranked, "selling_time_share", "own", "ratio")]
        return {
            "kind": "bars", "categories": [row["owner"] for row in ranked], "series": series, "unit": "%",
            "summary": _("Selling time by person, as a share of contracted minutes"),
        }  # fmt: skip
    return None


def _series(name: str, rows: list[dict[str, Any]], field: str, role: str, unit: str) -> dict[str, Any]:
    values = [None if row[field] is None else float(row[field]) for row in rows]
    return {"name": name, "values": values, "shown": [str(shown.shown(row[field], unit)) for row in rows], "role": role}


def _beside(view: str, found: people_room.Figures) -> dict[str, Any]:
    if view == "ramp":
        months = found.beside["rep_ramp_months"]
        return {
            "newcomers": found.beside["newcomers"], "refused": found.beside["refused"],
            "answer": None if months is None else shown.shown(months, "months"),
            "target": None if found.beside["target"] is None else shown.money(found.beside["target"], found.currency, compact=True),
        }  # fmt: skip
    if view == "mix":
        return {
            "refused": found.beside["refused"],
            "top_people": found.beside["top_people"],
            "rest_people": found.beside["rest_people"],
        }
    if view == "compare":
        return {"bands": [_band(row) for row in found.rows if row["fair"] is not None]}
    return {}


def _band(row: dict[str, Any]) -> dict[str, Any]:
    """A fair share as a drawing in a box 1000 wide: from, to, the point, the group."""
    low, high, fair, mean = (drawn.share(row[name], 1, 1000) for name in ("low", "high", "fair", "group_mean"))
    told = "–".join(str(shown.shown(row[name], "ratio")) for name in ("low", "high"))
    return {
        "owner": row["owner"], "group": f"{row['segment']} · {row['tenure']}", "low": low, "width": max(high - low, 2.0), "fair": fair,
        "mean": mean, "stands": row["stands"], "figure": shown.shown(row["fair"], "ratio"), "range": told,
    }  # fmt: skip
