"""The catalogue of metrics, and the metrics that people define themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tomli_w
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import InvalidData, Problem, SalesopsError
from salesops.metrics.catalogue import activity, cost, customers, forecast, funnel, pipeline, process, revenue, sales
from salesops.metrics.defined import kept
from salesops.metrics.definitions import Metric
from salesops.records import access
from salesops.web.shell import cells
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

GROUPS = (
    (gettext_lazy("Sales performance"), sales), (gettext_lazy("Pipeline"), pipeline), (gettext_lazy("Activity and time"), activity),
    (gettext_lazy("Forecast"), forecast), (gettext_lazy("Funnel"), funnel), (gettext_lazy("Cost"), cost), (gettext_lazy("Customers"), customers),
    (gettext_lazy("Revenue"), revenue), (gettext_lazy("Process"), process),
)  # fmt: skip
EXAMPLE = """[large_win_rate]
kind = "ratio"
title = "Win rate of large deals"
question = "Of the decided deals above 5,000, how many did we win?"
better = "up"
numerator = { fact = "closed", where = "status = 'won' and value > 5000" }
denominator = { fact = "closed", where = "value > 5000" }
"""
"""What the form holds for somebody who begins."""


@page("metrics", "metrics")
def catalogue(request: Request) -> HttpResponse:
    """Every metric by group; `q` keeps those whose words have it."""
    text = request.GET.get("q", "").strip()
    with asking(request) as ask:
        own = kept.defined(ask.session)
        rows = kept.listed(ask.session, ask.actor)
        mine = [_own(row, own) for row in rows if _has(text, row["metric"], row["title"])]
        groups: list[dict[str, Any]] = [
            {"title": title, "metrics": found}
            for title, module in GROUPS
            if (found := [one for one in module.METRICS if _fits(one, text)])
        ]
        facts = {
            "text": text, "groups": groups, "mine": mine, "may_define": access.may(ask.actor, "define_metrics"),
            "count": sum(len(one["metrics"]) for one in groups) + len(mine),
            "total": sum(len(module.METRICS) for _title, module in GROUPS) + len(rows),
        }  # fmt: skip
        return render(request, "metrics/catalogue.html", facts)


def _own(row: dict[str, str], own: kept.Defined) -> dict[str, Any]:
    """A metric of the users as the catalogue shows it: broken ones with the reason."""
    name = row["metric"]
    return {
        **row,
        "made": own.get(name),
        "problems": list(own.broken.get(name, ())),
        "in_state": row["from"] == kept.STATE,
    }


def _fits(one: Metric, text: str) -> bool:
    return _has(text, one.id, one.title, one.question, *(v.title for v in one.variants))


def _has(text: str, *words: str) -> bool:
    """Whether every word of a text stands in some of these words."""
    whole = " ".join(words).casefold().replace("_", " ")
    return all(part in whole for part in text.casefold().replace("_", " ").split())


@page("metrics/define", "metric-define", methods=("GET", "POST"))
def define(request: Request) -> HttpResponse:
    """Define, change or end a metric. What is wrong is told by line; nothing that was typed is lost."""
    with asking(request) as ask:
        name = request.POST.get("of", "") or request.GET.get("of", "")
        if request.method == "POST":
            return _posted(request, ask, name)
        return _form(request, ask, name, _text(ask, name) or EXAMPLE)


def _posted(request: Request, ask: Asking, name: str) -> HttpResponse:
    text = request.POST.get("definition", "")
    try:
        if request.POST.get("do") == "end":
            kept.undefine(ask.session, ask.actor, name)
            return HttpResponseRedirect(reverse("metrics") + "#own")
        done = kept.define(ask.session, ask.actor, text, _("definition"))
    except InvalidData as error:
        return _form(request, ask, name, text, error.problems, status=400)
    except SalesopsError as error:
        return _form(request, ask, name, text, error=error, status=400)
    if len(done) == 1:
        return HttpResponseRedirect(reverse("metric", args=[done[0]["metric"]]))
    return HttpResponseRedirect(reverse("metrics") + "#own")


@page("metrics/check", "metric-check", methods=("POST",))
def check(request: Request) -> HttpResponse:
    """What is wrong with a definition while it is written; nothing is changed."""
    with asking(request) as ask:
        text = request.POST.get("definition", "")
        problems = kept.check(ask.session, ask.actor, text, _("definition")) if text.strip() else []
        return render(request, "metrics/checked.html", {"problems": problems, "empty": not text.strip()})


def _text(ask: Asking, name: str) -> str:
    """The definition that counts now, of the state or a file; empty where there is none."""
    found = [one for one in kept.found(ask.session).definitions if one.name == name]
    return tomli_w.dumps({name: found[0].values}) if found else ""


def _form(
    request: Request, ask: Asking, name: str, text: str, problems: Iterable[Problem] = (), error: SalesopsError | None = None, status: int = 200
) -> HttpResponse:  # fmt: skip
    rows = kept.history(ask.actor, name) if name else []
    place = next((row["from"] for row in kept.listed(ask.session, ask.actor) if row["metric"] == name), "")
    rows = [{**row, "since": cells.moment(row["created"]), "until": cells.moment(row["ended"])} for row in rows]
    wrong = list(problems)
    if not wrong and error is None and place in ("", kept.STATE):
        wrong = kept.check(ask.session, ask.actor, text, _("definition"))
    facts = {
        "of": name, "text": text, "problems": wrong, "error": error, "history": rows[::-1], "in_state": place == kept.STATE,
        "place": place, "may": access.may(ask.actor, "define_metrics") and place in ("", kept.STATE),
        "who": ", ".join(sorted(access.PERMISSIONS["define_metrics"])),
    }  # fmt: skip
    return render(request, "metrics/define.html", facts, status=status)
