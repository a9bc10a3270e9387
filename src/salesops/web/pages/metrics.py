"""The metric explorer: one metric over periods and by a dimension."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from salesops.metrics.catalogue import asked
from salesops.metrics.defined.kept import defined
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import asking
from salesops.web.shell.routes import page


@page("metric/<str:name>", "metric")
def metric(request: Request, name: str) -> HttpResponse:
    """What a metric is, and its value."""
    with asking(request) as ask:
        one = asked(name, defined(ask.session))
        found = ask.metrics(name, **ask.question.asked())
        return render(
            request, "metrics/metric.html", {"metric": one.metric, "variant": one.variant, "name": name, "found": found}
        )
