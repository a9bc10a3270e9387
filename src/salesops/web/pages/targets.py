"""Targets: what a metric should be, by whose it is and by period; a cell is saved alone, and never over somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from salesops.common.errors import Changed, SalesopsError, UsageError
from salesops.common.periods import Period
from salesops.metrics.catalogue import asked, metrics
from salesops.metrics.defined.kept import defined
from salesops.metrics.definitions import Asked
from salesops.metrics.goals import list_targets, set_target, span_of, withdraw_target
from salesops.metrics.target import is_amount
from salesops.records import access, queries
from salesops.records.actions_targets import Seen
from salesops.records.approvals import Waiting
from salesops.web.shell import cells as written
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from . import approvals

KINDS = {"goal": gettext_lazy("Goal"), "plan": gettext_lazy("Plan"), "quota": gettext_lazy("Quota")}
WHOSE = {
    "company": gettext_lazy("Company"), "business_unit": gettext_lazy("Units"), "team": gettext_lazy("Teams"), "person": gettext_lazy("People"),
}  # fmt: skip
GRAINS = {"month": gettext_lazy("Months"), "quarter": gettext_lazy("Quarters"), "year": gettext_lazy("Years")}
PAGE = 50


@dataclass(frozen=True)
class Look:
    """What the grid shows: a metric and kind, whose, by periods of a grain; `until` is the year."""

    one: Asked
    kind: str
    whose: str
    grain: str
    year: Period
    periods: tuple[Period, ...]


@dataclass
class Cell:
    """One target of the grid: its text to edit, what it is stored as, and what became of the last change to it."""

    whose: str
    id: str
    period: str
    text: str = ""  # as it is written into the field: a share in per cent
    was: str = ""  # as it is stored; empty: not set
    shown: str = ""
    record: str = ""
    status: str = ""
    name: str = ""
    may: bool = False
    state: str = ""  # saved, conflict, error
    mine: str = ""
    told: str = ""

    @property
    def key(self) -> str:
        return f"t-{self.id or 'company'}-{self.period}"


@page("targets", "targets")
def targets(request: Request) -> HttpResponse:
    """The grid of targets."""
    with asking(request) as ask:
        look = _look(request, ask)
        text = request.GET.get("offset", "")
        start = int(text) if text.isdigit() else 0
        owners, total = _owners(ask, look, start)
        cells = _cells(ask, look, owners)
        rows: list[dict[str, Any]] = [
            {"id": key, "name": name, "cells": [cells[key, one.key] for one in look.periods]} for key, name in owners
        ]
        calendar = ask.question.calendar
        facts = {
            "look": look, "rows": rows, "total": total, "first": min(start + 1, total), "last": min(start + PAGE, total),
            "next": start + PAGE if start + PAGE < total else None, "before": max(start - PAGE, 0) if start else None,
            "metrics": _choices(ask), "kinds": KINDS, "whose": WHOSE, "grains": GRAINS, "unit": _unit(ask, look.one),
            "years": [calendar.previous(look.year), look.year, calendar.next(look.year)], "may": _may(ask),
            "set": sum(1 for row in rows for cell in row["cells"] if cell.was), "cells": sum(len(row["cells"]) for row in rows),
        }  # fmt: skip
        return render(request, "metrics/targets.html", facts)


@page("targets/cell", "target-cell", action="edit", methods=("POST",))
def cell(request: Request) -> HttpResponse:
    """Save one cell: `value` where it still is what it `was`; empty withdraws it. A conflict is told with both values, nothing is written."""
    with asking(request) as ask:
        given = request.POST
        one = asked(given.get("metric", ""), defined(ask.session))
        whose, key, period = given.get("whose", "company"), given.get("id", ""), given.get("period", "")
        if whose not in WHOSE or given.get("kind") not in KINDS:
            raise UsageError("this is no target's place", "Load the page again")
        look = Look(
            one,
            given["kind"],
            whose,
            "",
            ask.question.calendar.parse_period(period),
            (ask.question.calendar.parse_period(period),),
        )
        mine, told, state = given.get("value", "").strip(), "", "saved"
        if given.get("do") == "keep":
            state = ""
        else:
            try:
                waiting = _save(ask, look, key, period, mine, _seen(given.get("was", "")))
                if waiting:
                    state, told = "waits", approvals.told(waiting)
            except Changed as conflict:
                state, told = "conflict", conflict.message
            except SalesopsError as error:
                state, told = "error", str(error) + "".join(f" {each}" for each in error.problems)
        label = _owner(ask, whose, key)
        found = _cells(ask, look, [(key, label)])[key, period]
        found.state, found.told, found.mine = state, told, mine
        if state == "error":
            found.text = mine
        response = render(request, "metrics/target_cell.html", {"cell": found, "look": look, "unit": _unit(ask, one)})
        return response


@page("targets/<int:number>/history", "target-history")
def history(request: Request, number: int) -> HttpResponse:
    """Every value that a target had: since when, by whom."""
    record = queries.show_record(request.actor, "target", number)
    said = {one.name: record.text(one) for one in record.fields}
    versions = queries.history_of(request.actor, "target", number)
    rows = [
        {"at": written.moment(one["recorded"]), "user": one["user"], "value": one["fields"].get("amount") or one["fields"].get("number", ""),
         "status": one["fields"].get("status", ""), "why": one["fields"].get("provenance", "")}
        for one in reversed(versions)
    ]  # fmt: skip
    part = "HX-Request" in request.headers
    whose = next((said[name] for name in ("person", "team", "business_unit") if said.get(name)), str(WHOSE["company"]))
    facts = {"said": said, "whose": whose, "rows": rows, "number": number}
    return render(request, "metrics/target_history_part.html" if part else "metrics/target_history.html", facts)


# What is asked ------------------------------------------------------------------------------------------------------------


def _look(request: Request, ask: Asking) -> Look:
    given, calendar = request.GET, ask.question.calendar
    one = asked(given.get("metric", "") or "bookings", defined(ask.session))
    kind, whose, grain = given.get("kind") or "goal", given.get("whose") or "company", given.get("grain") or "quarter"
    for text, known in ((kind, KINDS), (whose, WHOSE), (grain, GRAINS)):
        if text not in known:
            raise UsageError(f"there is no {text!r} here", f"Use {', '.join(known)}")
    year = calendar.period_of(
        calendar.parse_period(given["year"]).start if given.get("year") else ask.question.period.start, "year"
    )
    if grain == "year":
        periods = [calendar.previous(year), year, calendar.next(year)]
    else:
        periods = [*calendar.periods(grain, year.start, year.end), year]  # type: ignore[arg-type]
    return Look(one, kind, whose, grain, year, tuple(periods))


def _may(ask: Asking) -> bool:
    return access.may(ask.actor, "edit", "target") and not ask.question.is_past


def _choices(ask: Asking) -> list[tuple[str, str]]:
    own = defined(ask.session)
    known = [one for one in (*metrics().values(), *own.values()) if one.variants]
    return [(one.id, one.title) for one in known]


def _unit(ask: Asking, one: Asked) -> str:
    """In what the cells are: a currency, per cent, or the metric's unit."""
    if is_amount(one):
        return (
            ask.session.manifest.reporting_currency
            if one.unit == "money"
            else f"{ask.session.manifest.reporting_currency}/day"
        )
    return "%" if one.unit == "ratio" else one.unit.replace("_", " ")


def _owners(ask: Asking, look: Look, start: int) -> tuple[list[tuple[str, str]], int]:
    """Whose targets the rows are: (id, name), and how many there are in all."""
    if look.whose == "company":
        return [("", str(WHOSE["company"]))], 1
    days: dict[str, Any] = (
        {"as_of": ask.question.as_of, "as_known_on": ask.question.as_known_on} if ask.question.is_past else {}
    )
    found = queries.list_records(ask.actor, look.whose, order="name", limit=PAGE, offset=start, **days)
    name = {one.name: one for one in found.fields}["name"]
    return [(str(row["id"]), found.text(row, name)) for row in found.rows], found.total


def _owner(ask: Asking, whose: str, key: str) -> str:
    if whose == "company":
        return str(WHOSE["company"])
    record = queries.show_record(ask.actor, whose, key)
    return record.text(next(one for one in record.fields if one.name == "name"))


def _cells(ask: Asking, look: Look, owners: list[tuple[str, str]]) -> dict[tuple[str, str], Cell]:
    """The cells of some rows: every period of each, set or not."""
    q = ask.question
    days: dict[str, Any] = {"as_of": q.as_of, "as_known_on": q.as_known_on} if q.is_past else {}
    known = {}
    for row in list_targets(ask.session, ask.actor, metric=look.one.name, kind=look.kind, **days):
        scope = row["scope"].replace(" ", "_")
        if scope == look.whose and row["status"] != "withdrawn" and row["value"] is not None:
            known[row["of_id"] or "", row["starts_on"], row["ends_on"]] = row
    may, calendars, found = _may(ask), getattr(ask.session.manifest, "calendars", ()), {}
    for key, name in owners:
        for one in look.periods:
            span = span_of(ask.session, one.key, int(key)) if look.whose == "business_unit" and calendars else one
            there = known.get((key, span.start, span.end))
            made = Cell(look.whose, key, one.key, name=name, may=may)
            if there is not None:
                value = Decimal(str(there["value"]))
                made.was, made.record, made.status = f"{value.normalize():f}", there["id"], there["status"] or ""
                made.text = f"{(value * 100).normalize():f}" if look.one.unit == "ratio" else made.was
                currency = there["currency"] or ask.session.manifest.reporting_currency
                made.shown = str(shown.shown(value, look.one.unit, currency, place="exact"))
            found[key, one.key] = made
    return found


# What is done -------------------------------------------------------------------------------------------------------------


def _seen(text: str) -> Seen:
    try:
        return Seen(Decimal(text) if text else None)
    except InvalidOperation:
        raise UsageError(f"{text!r} is no value that was shown", "Load the page again") from None


def _save(ask: Asking, look: Look, key: str, period: str, text: str, seen: Seen) -> Waiting | None:
    """Set, change or (empty) withdraw the target of one cell; gives what waits where it needs approval."""
    here = _cells(ask, look, [(key, "")])[key, period]
    if not text:
        if here.record:
            return withdraw_target(ask.actor, here.record, seen=seen)
        return None  # somebody else withdrew it, too
    value = f"{text} %" if look.one.unit == "ratio" and not text.endswith("%") else text
    whose: dict[str, Any] = {look.whose: key} if look.whose != "company" else {}
    status = "draft" if here.status == "draft" else "published"
    done = set_target(
        ask.session, ask.actor, look.one.name, period, value, kind=look.kind, status=status, seen=seen, **whose
    )
    return done if isinstance(done, Waiting) else None
