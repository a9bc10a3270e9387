"""Records: one record with its facts and every version."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from salesops.records import queries
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import asking
from salesops.web.shell.routes import page


@page("record/<str:entity>/<path:key>", "record")
def record(request: Request, entity: str, key: str) -> HttpResponse:
    """A record as of the day of the scope bar, and its history."""
    with asking(request) as ask:
        q = ask.question
        days = {"as_of": q.as_of if q.as_of != q.today else None, "as_known_on": q.as_known_on}
        found = queries.show_record(ask.actor, entity, key, **days)
        history = queries.history_of(ask.actor, entity, found.id)
        rows = [(one, found.text(one)) for one in found.fields]
        facts = {"record": found, "rows": rows, "history": history[::-1], "entity": entity}
        return render(request, "records/record.html", facts)
