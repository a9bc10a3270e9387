"""The KPI guide: which figures to watch for a problem, with their values, and what means nothing in this business."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from salesops.metrics.guide import guide as ask_guide
from salesops.metrics.guide.data import load
from salesops.web.serving import workspace
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import asking
from salesops.web.shell.routes import page

from .metrics import beside


@page("guide", "guide")
def guide(request: Request) -> HttpResponse:
    """The problems, and of one of them what to watch now. The business model is the workspace's, or one that is looked at."""
    with asking(request) as ask:
        data, own = load(), getattr(workspace().config, "business_model", "") or ""
        model = request.GET.get("model", own)
        problem = request.GET.get("problem", "")
        over = ask_guide(business_model=model or None)
        facts: dict[str, Any] = {
            "models": list(data.models.values()), "model": model, "own_model": own, "told": data.models.get(model),
            "problems": [(name, one.title, reverse("guide") + ask.question.link(problem=name, model=model)) for name, one in data.problems.items()],
            "problem": problem, "first": [beside(ask, row["metric"], row["reads"]) for row in over.section("first")] if not problem else [],
            "excluded": over.section("not"), "titles": {name: name.replace("_", " ") for name in data.advice},
        }  # fmt: skip
        if problem:
            found = ask_guide(problem=problem, business_model=model or None)
            facts |= {
                "about": found.section("problem")[0],
                "watch": [{**beside(ask, row["metric"], row["why"]), "instead_of": row["instead_of"]} for row in found.section("watch")],
                "not_here": found.section("not"),
            }  # fmt: skip
        return render(request, "metrics/guide.html", facts)
