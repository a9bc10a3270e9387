"""Alerts: what the reader wants to be told of, and which metrics fell or rose beyond the expected in the latest finished period, and what
moved them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import SalesopsError, UsageError
from salesops.metrics.alerts import METRICS, alerts, expectations
from salesops.metrics.catalogue import asked, metrics
from salesops.metrics.defined.kept import defined
from salesops.metrics.definitions import Asked
from salesops.metrics.request import names
from salesops.records import access
from salesops.reports import alerts as stored
from salesops.web.shell import shown
from salesops.web.shell.asked import Request, number_of
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page
from salesops.web.shell.toasts import tell

GRAINS = {"month": gettext_lazy("Months"), "week": gettext_lazy("Weeks")}
DRAWN = 24
"""How many periods a small chart shows."""
MOST = 12
"""How many metrics are watched at once."""


@page("alerts", "alerts", methods=("GET", "POST"))
def watched(request: Request) -> HttpResponse:
    """The reader's own alerts; the metrics that are watched, those out of the expected first, each with its series and its limits."""
    problem: SalesopsError | None = None
    if request.method == "POST":
        try:
            tell(request, _act(request))
            return HttpResponseRedirect(f"{reverse('alerts')}#tell")
        except SalesopsError as error:
            problem = error
    with asking(request) as ask:
        grain = request.GET.get("grain") or "month"
        if grain not in GRAINS:
            raise UsageError(f"{grain!r} is no grain to watch by", f"Use {' or '.join(GRAINS)}")
        wanted = tuple(dict.fromkeys(names(",".join(request.GET.getlist("metric")))))[:MOST] or METRICS
        rows, notes, refused = _alerts(ask, wanted, grain)
        called = {row["metric"]: row for row in rows}
        order = [*called, *(name for name in wanted if name not in called and name not in refused)]
        cards = [_card(ask, name, grain, called.get(name)) for name in order]
        facts = {
            "cards": cards, "alerts": len(rows), "judged": len(order), "notes": notes, "refused": refused, "grain": grain, "grains": GRAINS,
            "wanted": wanted, "choices": _choices(ask), "most": MOST, "surges": sum(row["direction"] == "surge" for row in rows),
            "may": access.may(request.actor, "report"), "problem": problem, "given": request.POST,
            "own": _own(ask) if access.may(request.actor, "report") else [],
        }  # fmt: skip
        return render(request, "metrics/alerts.html", facts, status=400 if problem else 200)


def _own(ask: Asking) -> list[dict[str, Any]]:
    """The reader's own alerts, by the titles of their metrics."""
    titles = dict(_choices(ask))
    return [{**row, "title": titles.get(row["metric"], row["metric"])} for row in stored.list_alerts(ask.actor)]


def _act(request: Request) -> str:
    """Set, change, pause or delete an alert of one's own."""
    given, what = request.POST, request.POST.get("do", "")
    to = given.get("to", "").replace("\n", ",").split(",")
    if what == "alert":
        stored.create_alert(request.actor, given.get("metric", ""), given.get("rule", ""), to)
        return _("The alert is set")
    number = number_of(given.get("number", ""))
    if what == "edit":
        stored.edit_alert(
            request.actor, number, metric=given.get("metric") or None, rule=given.get("rule") or None, recipients=to
        )
        return _("The alert is changed")
    if what in ("pause", "resume"):
        stored.edit_alert(request.actor, number, active=what == "resume")
        return _("The alert goes on") if what == "resume" else _("The alert is paused")
    if what == "drop":
        stored.delete_alert(request.actor, number)
        return _("The alert is deleted")
    raise UsageError(_("there is no such action"), _("Load the page again"))


def _asked(ask: Asking) -> dict[str, Any]:
    q = ask.question
    given: dict[str, Any] = {"as_of": q.as_of, "where": q.where}
    return {**given, "currency": q.currency} if q.currency else given


def _alerts(ask: Asking, wanted: tuple[str, ...], grain: str) -> tuple[list[dict[str, Any]], list[str], dict[str, str]]:
    """The alerts, the notes, and by metric why it cannot be watched."""
    refused: dict[str, str] = {}
    for name in wanted:
        try:
            ask.of(expectations, name, period=grain, **_asked(ask))
        except SalesopsError as problem:
            refused[name] = str(problem)
    left = [name for name in wanted if name not in refused]
    if not left:
        return [], [], refused
    found = ask.of(alerts, ",".join(left), period=grain, **_asked(ask))
    return found.to_pylist(), list(found.notes), refused


def _card(ask: Asking, name: str, grain: str, row: Mapping[str, Any] | None) -> dict[str, Any]:
    """One metric: its title, its latest figure against the limits, the alert's cause, its series."""
    one = asked(name, defined(ask.session))
    found = ask.of(expectations, name, period=grain, **_asked(ask))
    rows = found.to_pylist()[-DRAWN:]
    last: Mapping[str, Any] = rows[-1] if rows else {}
    told: dict[str, Any] = {
        "name": one.name, "id": f"alert-{one.name.replace('.', '-')}", "title": _title(one), "period": last.get("period", ""),
        "value": _figure(last.get("value"), one, found.currency), "expected": _figure(last.get("expected"), one, found.currency),
        "low": _figure(last.get("low"), one, found.currency), "high": _figure(last.get("high"), one, found.currency),
        "judged": last.get("expected") is not None, "alert": row, "chart": _chart(one, rows, found.currency),
    }  # fmt: skip
    drawn = told["chart"]["series"]
    told["rows"] = [(each["period"], [one["shown"][n] for one in drawn]) for n, each in enumerate(rows)][::-1]
    if row is not None:
        better = {"up": row["direction"] == "surge", "down": row["direction"] == "drop"}.get(one.metric.better)
        told |= {
            "state": "warn" if better is None else "ok" if better else "bad", "since": row["since"] if row["since"] != row["period"] else "",
            "distance": shown.number(row["distance"], 1),
            "share": shown.number(row["share"] * 100) if row["share"] is not None else "",
            "usual": shown.number(row["usual_share"] * 100) if row["usual_share"] is not None else "",
            "dimension": (row["dimension"] or "").replace("_", " "), "by": row["dimension"] or "",
        }  # fmt: skip
    return told


def _title(one: Asked) -> str:
    return f"{one.metric.title}, {one.variant.title}" if one.variant.name else one.metric.title


def _figure(value: Any, one: Asked, currency: str) -> str:
    return str(shown.shown(None if value is None else round(value, 6), one.unit, currency))


def _chart(one: Asked, rows: list[dict[str, Any]], currency: str) -> dict[str, Any]:
    """The series with its limits, as the island of charts draws it."""

    def line(key: str, name: str, role: str) -> dict[str, Any]:
        return {"name": name, "values": [row[key] for row in rows], "shown": [_figure(row[key], one, currency) for row in rows], "role": role}  # fmt: skip

    series = [line("value", _title(one), "own"), line("low", _("lowest expected"), "compare"), line("high", _("highest expected"), "compare")]  # fmt: skip
    ends = {"first": rows[0]["period"] if rows else "", "last": rows[-1]["period"] if rows else ""}
    summary = _("%(title)s, %(first)s to %(last)s, with the lowest and highest expected") % {
        "title": _title(one),
        **ends,
    }
    return {"kind": "line", "categories": [row["period"] for row in rows], "series": series,
            "unit": "%" if one.unit == "ratio" else "", "summary": summary}  # fmt: skip


def _choices(ask: Asking) -> list[tuple[str, str]]:
    own = defined(ask.session)
    return [(one.id, one.title) for one in (*metrics().values(), *own.values()) if one.variants]
