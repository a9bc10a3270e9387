"""Forecast: the board of calls by reporting line, the form that takes a minute, and every call that was made."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import SalesopsError
from salesops.common.money import from_units
from salesops.forecasting import runs
from salesops.forecasting.actions import submit
from salesops.forecasting.queries import Board, Form, board, call_history, form
from salesops.forecasting.results import NodeForecast
from salesops.forecasting.rollup import CATEGORIES, Counted, Line
from salesops.output import as_csv
from salesops.pipeline.deals import open_deals
from salesops.records import access
from salesops.spreadsheet import book
from salesops.web.shell import shown, toasts
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page
from salesops.web.shell.words import Words

from .forecast_model import STEPS, nodes, period_key, ranged

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES: dict[str, Words] = {
    "": gettext_lazy("All deals"), "new": gettext_lazy("New"), "expansion": gettext_lazy("Expansion"), "renewal": gettext_lazy("Renewal"),
}  # fmt: skip
NAMES: dict[str, Words] = {
    "commit": gettext_lazy("Commit"), "best_case": gettext_lazy("Best case"), "pipeline": gettext_lazy("Pipeline"),
}  # fmt: skip
ASKS: dict[str, Words] = {
    "commit": gettext_lazy("You would bet on it: closed and surely coming in"), "best_case": gettext_lazy("With luck: commit and what may well come"),
    "pipeline": gettext_lazy("If everything closes; leave it empty if you do not call it"),
}  # fmt: skip
ORIGINS: dict[str, Words] = {
    "call": gettext_lazy("called"), "adjusted": gettext_lazy("adjusted"), "rolled_up": gettext_lazy("from below"), "deals": gettext_lazy("from deals"),
}  # fmt: skip
DEEPEST = 8
MANY = 60
DEALS = 100


@page("forecast", "forecast")
def calls_board(request: Request) -> HttpResponse:
    """The board: target, closed, what counts as commit and best case and where it is from, by reporting line."""
    with asking(request) as ask:
        found = _board(request, ask)
        if request.GET.get("format") in ("csv", "xlsx"):
            return _file(found, request.GET["format"])
        top = found.lines[found.order[0]] if found.order else None
        model, people = nodes(ask, found.period.key)
        rows = [_row(ask, found, person, people) for person in found.order]
        shown_ = [row for row in rows if row["leads"] or not row["empty"]]
        facts = {
            "board": found, "rows": shown_, "left": len(rows) - len(shown_), "model": model, "types": TYPES, "type": found.type or "", **_making(request),
            "top": _headline(found, top, people.get(found.order[0])) if top else None,
            "may": access.roles_allow(ask.actor, "call"), "own": ask.actor.person in found.lines,
            "fold": 2 if len(found.order) >= MANY else "", "over": found.period.end < ask.question.today, "currency": found.currency,
        }  # fmt: skip
        return render(request, "forecast/board.html", facts)


@page("forecast/call", "forecast-call", action="call", methods=("GET", "POST"))
def call(request: Request) -> HttpResponse:
    """One's own call, or a figure beside the call of somebody below: the deals by category at hand, two numbers and a note."""
    with asking(request) as ask:
        person = request.POST.get("person") or request.GET.get("person") or None
        typed: dict[str, str] = {}
        problem: SalesopsError | None = None
        if request.method == "POST":
            typed = {name: request.POST.get(name, "").strip() for name in (*CATEGORIES, "note", "reason")}
            try:
                amounts = {name: _plain(typed[name]) for name in CATEGORIES if typed[name]}
                said = submit(
                    ask.session, request.actor, amounts, period=period_key(ask), person=person, note=typed["note"], reason=typed["reason"],
                    currency=ask.question.currency or None,
                )  # fmt: skip
                told = (
                    _("Called, in time for %(day)s")
                    if said.ids
                    else _("Nothing new: this was said already for %(day)s")
                )
                toasts.tell(request, told % {"day": shown.day(said.due_on)})
                return HttpResponseRedirect(_back(ask))
            except SalesopsError as error:
                problem = error
        try:
            found: Form | None = form(
                ask.session, request.actor, period=period_key(ask), person=person, currency=ask.question.currency or None, through=ask.of
            )  # fmt: skip
        except SalesopsError as error:
            found, problem = None, problem or (error if person is not None or ask.actor.person is not None else None)
        facts = {
            "problem": problem,
            "typed": typed,
            "other": person is not None,
            "asked": person,
            **(_form(ask, found, typed) if found else {"form": None}),
        }
        return render(request, "forecast/call.html", facts, status=400 if problem and request.method == "POST" else 200)


@page("forecast/history", "forecast-history")
def history(request: Request) -> HttpResponse:
    """Every call of the period, newest first."""
    with asking(request) as ask:
        rows = call_history(
            ask.session, request.actor, period=period_key(ask), person=request.GET.get("person") or None
        )
        if request.GET.get("format") == "csv":
            columns = [
                "at",
                "person",
                "made_by",
                "scope",
                "category",
                "type",
                "amount",
                "currency",
                "due_on",
                "reason",
                "note",
            ]
            return HttpResponse(as_csv(rows, columns), content_type="text/csv; charset=utf-8")
        lines = [
            {**row, "shown": shown.shown(row["amount"], "money", row["currency"]), "title": NAMES.get(row["category"], row["category"]),
             "kind": TYPES.get(row["type"], row["type"]) if row["type"] else ""}
            for row in rows
        ]  # fmt: skip
        return render(
            request, "forecast/history.html", {"rows": lines, "period": period_key(ask) or ask.question.period.key}
        )


# What is asked ------------------------------------------------------------------------------------------------------------


def _making(request: Request) -> dict[str, Any]:
    """Whether the reader may ask for a forecast, and how far one is."""
    if not access.roles_allow(request.actor, "forecast"):
        return {"makes": False}
    state = runs.running(request.actor)
    return {
        "makes": True,
        "state": state,
        "going": state["status"] in ("waiting", "running"),
        "title": STEPS.get(state["what"], state["what"]),
    }


def _board(request: Request, ask: Asking) -> Board:
    kind, top = request.GET.get("type") or None, request.GET.get("top") or None
    return board(
        ask.session, ask.actor, period=period_key(ask), as_of=ask.question.as_of, top=top, type=kind if kind in TYPES else None,
        currency=ask.question.currency or None, through=ask.of,
    )  # fmt: skip


def _plain(text: str) -> str:
    """An amount as somebody typed it: 120,000, 120 000, 120k, 1.2M."""
    bare = text.replace(",", "").replace(" ", "").replace("\u00a0", "").replace("\u202f", "")
    factor = {"k": 1_000, "m": 1_000_000}.get(bare[-1:].lower())
    if factor is None:
        return bare
    try:
        return str(Decimal(bare[:-1]) * factor)
    except ArithmeticError:
        return text


def _back(ask: Asking) -> str:
    from django.urls import reverse

    return reverse("forecast") + ask.question.link()


def _file(found: Board, kind: str) -> HttpResponse:
    table = found.table()
    if kind == "csv":
        return HttpResponse(as_csv(table.rows, table.columns), content_type="text/csv; charset=utf-8")
    response = HttpResponse(book(table), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="forecast-{found.period.key}.xlsx"'
    return response


# What is shown ------------------------------------------------------------------------------------------------------------


def _money(units: int | None, currency: str) -> shown.Shown:
    return shown.shown(None if units is None else from_units(units), "money", currency)


def _headline(found: Board, top: Line, model: NodeForecast | None) -> dict[str, Any]:
    """The figures of the answer line: commit against target, and how it moved in a week."""
    target = found.targets.get(top.person, found.street.get(top.person))
    commit, before = top.counted["commit"], found.before.get(top.person)
    gap = commit.amount - target if target is not None else None
    return {
        "name": found.names.get(top.person, ""), "commit": _money(commit.amount, found.currency),
        "best": _money(top.counted["best_case"].amount, found.currency),
        "closed": _money(top.deals["closed"], found.currency), "gap": _money(abs(gap), found.currency) if gap is not None else None,
        "model": ranged(model, commit.amount, target, found.currency), "short": gap is not None and gap < 0, "missing": commit.missing,
        "moved": _moved(commit.amount, before.counted["commit"].amount if before else None, found.currency),
    }  # fmt: skip


def _moved(now: int, before: int | None, currency: str) -> shown.Delta | None:
    return None if before is None else shown.delta(from_units(now), from_units(before), "money", "up", currency)


def _row(ask: Asking, found: Board, person: int, people: Mapping[int, NodeForecast]) -> dict[str, Any]:
    line, before, seat = (
        found.lines[person],
        found.before.get(person),
        next(one for one in found.tree.seats if one.person == person),
    )
    target = found.targets.get(person, found.street.get(person))
    commit = line.counted["commit"]
    said = max(line.mine.values(), key=lambda one: (one.at, one.id), default=None)
    return {
        "person": person, "name": found.names.get(person, str(person)), "depth": line.depth, "level": min(line.depth, DEEPEST), "leads": seat.direct > 0,
        "target": _money(target, found.currency), "closed": _money(line.deals["closed"], found.currency),
        "commit": _counted(commit, found.currency), "best_case": _counted(line.counted["best_case"], found.currency),
        "pipeline": _money(line.deals["pipeline"], found.currency), "gap": _gap(commit.amount, target, found.currency),
        "moved": _moved(commit.amount, before.counted["commit"].amount if before else None, found.currency),
        "model": ranged(people.get(person), commit.amount, target, found.currency), "said": said, "note": said.note if said else "",
        "adjustable": access.roles_allow(ask.actor, "call") and person != ask.actor.person,
        "empty": not line.deals["pipeline"] and target is None and said is None,
    }  # fmt: skip


def _gap(commit: int, target: int | None, currency: str) -> dict[str, Any] | None:
    if target is None:
        return None
    gap = from_units(commit - target)
    return {"text": shown.signed_value(gap, "money", currency), "short": gap < 0}


def _counted(one: Counted, currency: str) -> dict[str, Any]:
    by = one.call.reason if one.origin == "adjusted" and one.call else ""
    return {
        "now": _money(one.amount, currency), "was": _money(one.original.amount, currency) if one.original else None, "origin": one.origin,
        "title": ORIGINS[one.origin], "missing": one.missing, "reason": by,
    }  # fmt: skip


def _form(ask: Asking, found: Form, typed: Mapping[str, str]) -> dict[str, Any]:
    """The form with the deals behind it."""
    line, other = found.line, found.person != ask.actor.person
    rows = []
    for name in CATEGORIES:
        said = line.mine.get(name)
        start = typed.get(name)
        if start is None:
            start = (
                f"{from_units(said.amount).normalize():f}"
                if said is not None and said.amount is not None and not other
                else ""
            )
        rows.append({
            "name": name, "title": NAMES[name], "says": ASKS[name], "value": start, "deals": _money(line.deals[name], found.currency),
            "exact": f"{from_units(line.deals[name]).normalize():f}", "said": _money(said.amount, found.currency) if said else None,
        })  # fmt: skip
    deals = ask.of(
        open_deals, cell=None if found.scope == "team" else {"owner": found.name}, closing_from=found.period.start, closing_to=found.period.end,
        limit=DEALS, currency=found.currency, where=None if found.scope == "own" else f"manager = '{_quoted(found.name)}'",
    )  # fmt: skip
    return {
        "form": found, "rows": rows, "target": _money(found.target, found.currency), "closed": _money(line.deals["closed"], found.currency),
        "deals": [{**row, "shown": shown.shown(row["value"], "money", found.currency)} for row in deals.to_pylist()], "total": deals.total,
        "currency": found.currency, "team": found.scope == "team", "note": typed.get("note", _last_note(line, other)), "reason": typed.get("reason", ""),
    }  # fmt: skip


def _last_note(line: Line, other: bool) -> str:
    notes = [one.note for one in sorted(line.mine.values(), key=lambda one: (one.at, one.id)) if one.note]
    return notes[-1] if notes and not other else ""


def _quoted(text: str) -> str:
    return text.replace("'", "''")
