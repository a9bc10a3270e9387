"""Where a number comes from: the popover beside it, and the records behind it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from salesops.common.errors import UsageError
from salesops.metrics.catalogue import asked
from salesops.metrics.drill import Drill, drill
from salesops.metrics.explain import explain
from salesops.metrics.facts import fact
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

PAGE = 100


def question_of(request: Request, ask: Asking) -> dict[str, Any]:
    """The question of a number: that of the scope bar, with the span and the cell that its link names."""
    given = ask.question.asked()
    if request.GET.get("from"):
        given |= {"period": None, "from_": request.GET["from"], "to": request.GET.get("to") or None}
    if request.GET.get("where"):
        given["where"] = both(given["where"], request.GET["where"])
    if cell := cell_of(request.GET.getlist("cell")):
        given["cell"] = cell
    return given


def both(scope: str | None, where: str) -> str | None:
    """The scope and a page's own filter as one filter."""
    return f"({scope}) and ({where})" if scope and where else scope or where or None


def cell_of(given: list[str]) -> dict[str, str]:
    """`owner=Ann Lee` pairs as a mapping."""
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise UsageError(f"{one!r} is no name=value", "Write for example cell=owner=Ann Lee")
        found[name] = value
    return found


@page("number/<str:name>/why", "why")
def why(request: Request, name: str) -> HttpResponse:
    """The popover of a number: definition, formula with this number's inputs, scope, period, sources."""
    with asking(request) as ask:
        found = ask.of(explain, name, **question_of(request, ask))
        one = asked(name, _own(ask))
        facts = {
            "why": found, "metric": one.metric, "name": name, "value": _value(found), "inputs": _inputs(found),
            "query": request.GET.urlencode(),
        }  # fmt: skip
        return render(request, "numbers/why.html", facts)


@page("number/<str:name>/records", "number-records")
def records(request: Request, name: str) -> HttpResponse:
    """The records behind a number with what each adds; the totals are the number's parts."""
    with asking(request) as ask:
        one = asked(name, _own(ask))
        start = max(int(request.GET.get("offset") or 0), 0) if (request.GET.get("offset") or "0").isdigit() else 0
        given = question_of(request, ask)
        found: Drill = ask.of(drill, name, offset=start, limit=PAGE, **given)
        explained = ask.of(explain, name, **given)
        parts = [part for part in one.variant.parts if part in found.totals]
        entities = {
            fact(part.fact).title: fact(part.fact).record or fact(part.fact).entity
            for part in one.variant.parts.values()
        }
        facts = {
            "metric": one.metric, "variant": one.variant, "name": name, "found": found, "parts": parts, "value": _value(explained),
            "explained": explained, "rows": [_row(row, entities, parts, found) for row in found.to_pylist()],
            "totals": [_cell(found.totals[part], part, found) for part in parts], "first": start + 1,
            "last": min(start + PAGE, found.total), "next": start + PAGE if start + PAGE < found.total else None,
            "before": max(start - PAGE, 0) if start else None,
        }  # fmt: skip
        return render(request, "numbers/records.html", facts)


def _own(ask: Asking) -> Mapping[str, Any]:
    from salesops.metrics.defined.kept import defined

    return defined(ask.session)


def _row(row: Mapping[str, Any], entities: Mapping[str, str], parts: list[str], found: Drill) -> dict[str, Any]:
    return {
        "fact": row["fact"],
        "entity": entities.get(row["fact"], ""), "id": row["id"], "name": row["name"] or row["external_id"] or row["id"],
        "day": row["day"], "cells": [_cell(row[part], part, found) for part in parts],
    }  # fmt: skip


def _cell(value: Any, part: str, found: Drill) -> shown.Shown:
    if value is None:
        return shown.Shown("")
    if part in found.money:
        return shown.Shown(shown.money(Decimal(value).scaleb(-4), found.currency))
    return shown.Shown(shown.number(value))


def _value(found: Any) -> str:
    """The value of an explanation, exactly."""
    if found.value is None:
        return str(shown.Shown("n/a"))
    return found.render().splitlines()[0].rpartition(": ")[2]


def _inputs(found: Any) -> list[tuple[str, str]]:
    return [(one.title, _value(one)) for one in found.inputs]
