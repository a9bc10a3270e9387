"""Forms over records: edit one, create one. What is typed is kept; a field that somebody else changed is shown with both values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from salesops.common.errors import Changed, InvalidData, NotAllowed, Problem, SalesopsError
from salesops.records import access, actions, context, queries, values
from salesops.records.access import Actor
from salesops.records.actions_settings import owners_of
from salesops.records.entities import Entity, Field
from salesops.records.entities import entity as entity_of
from salesops.web.shell import cells
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import asking
from salesops.web.shell.routes import page
from salesops.web.shell.toasts import tell
from salesops.web.shell.words import field_title, one_of

from . import record_parts as parts
from .records import edited

CHOSEN = frozenset({"stage", "pipeline", "business_unit", "calendar", "price_book", "product", "team"})
"""Entities of few records: a reference to one is chosen from a list."""
MOST = 200


@dataclass
class Input:
    """One field of a form: what it shows, what it held when the form was opened, and what is wrong with it."""

    name: str
    title: str
    kind: str  # text, number, money, date, datetime-local, choice, ref
    value: str = ""
    was: str = ""  # canonical text
    shown: str = ""  # what the form was opened with, as typed: what equals it was not changed
    choices: list[tuple[str, str]] = field(default_factory=list)
    target: str = ""
    help: str = ""
    unit: str = ""
    problems: list[str] = field(default_factory=list)
    theirs: str = ""
    theirs_typed: str = ""
    conflict: bool = False
    who: str = ""
    locked: str = ""


@page("change/<str:entity>/<int:key>", "record-edit", action="edit", methods=("GET", "POST"))
def edit(request: Request, entity: str, key: int) -> HttpResponse:
    """The form of a record. Only fields that were changed are sent on; each with the value that it had."""
    with asking(request) as ask:
        actor, kind = ask.actor, entity_of(entity)
        found = queries.show_record(actor, kind.name, key)
        if "edit" not in actions.abilities(actor, kind.name, found.id):
            access.require(actor, "edit", kind)
            raise NotAllowed(
                _("This record belongs to somebody else now"), remedy=_("Ask its owner, their manager or sales ops")
            )
        inputs = _inputs(actor, kind, found)
        facts: dict[str, Any] = {"effective": ""}
        status = 200
        if request.method == "POST":
            facts["effective"] = request.POST.get("effective", "").strip()
            wanted, was = _taken(request.POST, inputs)
            try:
                effective = _effective(facts["effective"])
                actions.edit_record(actor, kind.name, found.id, wanted, was=was, effective=effective)
                if wanted:
                    tell(
                        request,
                        _("Saved: %(fields)s") % {"fields": ", ".join(field_title(name) for name in wanted)},
                        edited(actor, kind.name, found.id),
                    )
                else:
                    tell(request, _("Nothing was changed"))
                return HttpResponseRedirect(reverse("record", args=[kind.name, found.id]) + ask.question.link())
            except Changed as error:
                _conflicts(actor, kind, found, inputs, error)
                facts["problem"], status = error, 409
            except SalesopsError as error:
                facts["problem"] = _told(inputs, error)
                status = 403 if isinstance(error, NotAllowed) else 422
        facts |= {
            "kind": kind, "one": one_of(kind.name), "record": found, "title": parts.title_of(kind, found.values, found.labels),
            "groups": _grouped(kind, inputs), "dated": kind.shape == "versioned",
        }  # fmt: skip
        return render(request, "records/edit.html", facts, status=status)


@page("create/<str:entity>", "record-create", action="create", methods=("GET", "POST"))
def create(request: Request, entity: str) -> HttpResponse:
    """The form of a new record; values in the address fill it in."""
    with asking(request) as ask:
        actor, kind = ask.actor, entity_of(entity)
        access.require(actor, "create", kind)
        inputs = _inputs(actor, kind, None)
        facts: dict[str, Any] = {"effective": ""}
        status = 200
        if request.method == "POST":
            facts["effective"] = request.POST.get("effective", "").strip()
            wanted, _was = _taken(request.POST, inputs)
            try:
                effective = _effective(facts["effective"])
                made = actions.create_record(actor, kind.name, wanted, effective=effective)
                tell(request, _("%(one)s created") % {"one": one_of(kind.name)}, edited(actor, kind.name, made))
                return HttpResponseRedirect(reverse("record", args=[kind.name, made]) + ask.question.link())
            except SalesopsError as error:
                facts["problem"] = _told(inputs, error)
                status = 403 if isinstance(error, NotAllowed) else 422
        else:
            for one in inputs:
                one.value = request.GET.get(one.name, one.value)
        facts |= {
            "kind": kind,
            "one": one_of(kind.name),
            "groups": _grouped(kind, inputs),
            "dated": kind.shape == "versioned",
        }
        return render(request, "records/edit.html", facts, status=status)


@page("named/<str:entity>", "record-names")
def named(request: Request, entity: str) -> JsonResponse:
    """Names of visible records for a text, as a reference field offers them."""
    kind = entity_of(entity)
    if not kind.label_field or kind.shape != "versioned":
        return JsonResponse({"found": []})
    found = queries.find(request.actor, kind.name, request.GET.get("q", "").strip(), limit=12)
    return JsonResponse({"found": list(dict.fromkeys(label for _key, label in found))})


# Inputs


def _inputs(actor: Actor, kind: Entity, found: queries.Record | None) -> list[Input]:
    """The fields of an entity that this actor may write, with what a record holds."""
    fields = [one for one in values.all_fields(kind).values() if found is None or one.name != "created"]
    masked = access.masked_fields(actor, kind) if kind.name != "activity" else frozenset()
    owners = owners_of(kind, found.id) if found is not None else {}
    return [
        _input(actor, kind, one, found, owners.get(one.name) == "source")
        for one in fields
        if one.name != "created" and not _hidden(one, found, masked)
    ]


def _hidden(one: Field, found: queries.Record | None, masked: frozenset[str]) -> bool:
    if found is not None:
        return found.values.get(one.name) == access.MASKED
    return one.name in masked


def _input(actor: Actor, kind: Entity, one: Field, found: queries.Record | None, locked: bool) -> Input:
    raw = found.values.get(one.name) if found is not None else None
    made = Input(
        one.name, field_title(one.name), _kind(one), cells.typed(one, raw), values.to_text(one, raw) or "", help=one.help,
        target=one.target, locked=_("The source system decides this field") if locked else "",
    )  # fmt: skip
    if one.kind == "money":
        made.unit = str((found.values.get("currency") if found is not None else "") or "") or context.currency()
    if one.kind == "kind":
        made.choices = [(word, word.replace("_", " ")) for word in values.words_of(kind, one)]
    elif one.kind == "boolean":
        made.choices = [("yes", _("yes")), ("no", _("no"))]
    elif one.kind == "ref":
        label = found.labels.get(one.target, {}).get(raw) if found is not None and raw is not None else None
        if one.target in CHOSEN and (choices := _few(actor, one.target, found)):
            made.kind, made.choices = "choice", choices
            if raw is not None and str(raw) not in dict(choices):
                made.choices.append((str(raw), label or _("not yours to see")))
        elif raw is not None:
            made.value = label or str(raw)
    made.shown = made.value
    return made


def _few(actor: Actor, target: str, found: queries.Record | None) -> list[tuple[str, str]]:
    pipeline = found.values.get("pipeline") if found is not None and target == "stage" else None
    more: dict[str, Any] = {"refers": {"pipeline": pipeline}} if isinstance(pipeline, int) else {}
    order = "position" if target == "stage" else "name"
    listed = queries.list_records(actor, target, order=order, limit=MOST + 1, **more)
    if listed.total > MOST:
        return []
    named = [(str(row["id"]), str(row["name"] or row["id"])) for row in listed.rows]
    if target == "stage" and not more:
        named = [
            (
                str(row["id"]),
                " · ".join(filter(None, (listed.labels.get("pipeline", {}).get(row["pipeline"]), row["name"]))),
            )
            for row in listed.rows
        ]
    return named


def _kind(one: Field) -> str:
    if one.kind in ("kind", "boolean"):
        return "choice"
    if one.kind == "ref":
        return "ref"
    if one.kind == "date":
        return "date"
    if one.kind == "instant":
        return "datetime-local"
    return "money" if one.kind == "money" else "number" if cells.is_number(one) else "text"


def _taken(given: Mapping[str, Any], inputs: list[Input]) -> tuple[dict[str, Any], dict[str, str | None]]:
    """What was changed in the form, and what those fields held when it was opened; the inputs keep what was typed."""
    wanted: dict[str, Any] = {}
    was: dict[str, str | None] = {}
    for one in inputs:
        if one.locked or one.name not in given:
            continue
        one.value = str(given.get(one.name, "")).strip()
        one.shown = str(given.get(f"shown.{one.name}", one.shown))
        one.was = str(given.get(f"was.{one.name}", one.was))
        if one.value != one.shown:
            wanted[one.name] = one.value or None
            was[one.name] = one.was or None
    return wanted, was


def _effective(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidData(
            _("The day since when it is true cannot be read"), remedy=_("Write it as 2026-09-30")
        ) from None


def _told(inputs: list[Input], error: SalesopsError) -> SalesopsError:
    """Put what is wrong beside the fields that it is about."""
    by_name = {one.name: one for one in inputs}
    for problem in error.problems:
        if problem.field in by_name:
            by_name[problem.field].problems.append(_sentence(problem))
    return error


def _sentence(problem: Problem) -> str:
    return ". ".join(part.rstrip(".") for part in (problem.problem, problem.remedy) if part) + "."


def _conflicts(actor: Actor, kind: Entity, found: queries.Record, inputs: list[Input], error: Changed) -> None:
    """Both values of every field that somebody else changed; sending the form again keeps one's own."""
    names = {problem.field for problem in error.problems}
    history = queries.history_of(actor, kind.name, found.id, parts.written)
    fields = values.all_fields(kind)
    for one in inputs:
        if one.name not in names:
            continue
        by = [version for version in history if one.name in version["fields"]]
        raw, own = found.values.get(one.name), fields[one.name]
        one.conflict = True
        one.theirs = cells.cell(found.values, own, found.labels).text or _("empty")
        label = found.labels.get(own.target, {}).get(raw) if own.kind == "ref" and raw is not None else None
        one.theirs_typed = (label or str(raw)) if label is not None and one.kind == "ref" else cells.typed(own, raw)
        one.who = by[-1]["user"] if by else ""
        one.was, one.shown = values.to_text(own, raw) or "", one.theirs_typed


def _grouped(kind: Entity, inputs: list[Input]) -> list[tuple[str, list[Input]]]:
    fields = values.all_fields(kind)
    groups: dict[str, list[Input]] = {}
    for one in inputs:
        groups.setdefault(parts.group_of(fields[one.name]), []).append(one)
    order = [str(title) for title in parts.TITLES.values()]
    return sorted(groups.items(), key=lambda pair: order.index(pair[0]))
