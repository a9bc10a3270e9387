"""Records: one record with its facts, its versions and what belongs to it; what people do with it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from salesops.common.errors import NotFound, SalesopsError, UsageError
from salesops.records import access, actions, actions_erase, queries
from salesops.records.entities import entity as entity_of
from salesops.web.shell import cells, shown
from salesops.web.shell.asked import Request, inside
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page
from salesops.web.shell.toasts import tell
from salesops.web.shell.words import field_title, many_of, one_of

from . import record_parts as parts
from . import record_people
from .record_work import work_of


@page("record/<str:entity>/<path:key>", "record")
def record(request: Request, entity: str, key: str) -> HttpResponse:
    """A record as of the day of the scope bar: facts, versions, comments and tasks, and the lists of what belongs to it."""
    with asking(request) as ask:
        kind = entity_of(entity)
        as_of, known = days(ask)
        try:
            found = queries.show_record(ask.actor, entity, key, as_of=as_of, as_known_on=known)
        except NotFound:
            if as_of is None and known is None:
                raise
            queries.show_record(ask.actor, entity, key)  # it is there now, but was not then
            facts = {"kind": kind, "one": one_of(kind.name), "then": as_of or known}
            return render(request, "records/not_yet.html", facts, status=404)
        history = queries.history_of(ask.actor, kind.name, found.id, parts.written)
        return render(request, "records/record.html", _facts(request, ask, found, history))


def days(ask: Asking) -> tuple[Any, Any]:
    """The days of the scope bar for a question about records; None for now."""
    q = ask.question
    return (q.as_of if q.as_of != q.today else None), q.as_known_on


def _facts(request: Request, ask: Asking, found: queries.Record, history: list[dict[str, Any]]) -> dict[str, Any]:
    actor, kind, q = ask.actor, found.entity, ask.question
    as_of, known = days(ask)
    groups, empty = parts.facts(found)
    versions = parts.timeline(history, kind, as_of)
    every = "versions" in request.GET
    lists = [
        parts.related(actor, name, field, found.id, str(title), as_of, known)
        for name, field, title in parts.RELATED.get(kind.name, ()) if name not in parts.LARGE
    ]  # fmt: skip
    later = [
        (name, field, str(title)) for name, field, title in parts.RELATED.get(kind.name, ()) if name in parts.LARGE
    ]
    can = actions.abilities(actor, kind.name, found.id) if as_of is None and known is None else frozenset()
    batch = parts.last_edit(history) if can else None
    status = status_of(actor, found)
    return {
        "record": found, "kind": kind, "one": one_of(kind.name), "many": many_of(kind.name),
        "title": parts.title_of(kind, found.values, found.labels), "status": status, "owner": owner_of(found),
        "groups": groups, "empty": empty, "versions": versions if every else versions[: parts.VERSIONS], "total_versions": len(versions),
        "lists": [one for one in lists if one.total], "later": later, "none": [one for one in lists if not one.total],
        "erasable": kind.name in actions_erase.FIELDS and access.may(actor, "erase"),
        "can": can, "undo": batch if batch is not None and actions.may_undo(actor, batch) else None,
        "as_of": as_of, "known": known, "only_day": kind.name not in ("person", "team"),
        "steps": parts.steps(history, q.as_of, status.get("s") in ("ok", "bad")) if kind.name == "opportunity" else [],
        "batch_route": access.may(actor, "import"), **work_of(actor, kind.name, found.id),
        **(record_people.person(ask, found) if kind.name == "person" else {}),
        **(record_people.team(ask, found) if kind.name == "team" else {}),
    }  # fmt: skip


def owner_of(found: queries.Record) -> tuple[int, str] | None:
    """Whose a record is."""
    raw = found.values.get("owner")
    label = found.labels.get("person", {}).get(raw) if isinstance(raw, int) else None
    return (raw, label) if isinstance(raw, int) and label is not None else None


def status_of(actor: access.Actor, found: queries.Record) -> dict[str, str]:
    """The badge beside the title: the words of its state, and what they mean."""
    if found.deleted:
        return {"text": _("deleted"), "s": "bad"}
    if found.entity.name == "opportunity" and isinstance(found.values.get("stage"), int):
        stage = queries.show_record(actor, "stage", found.values["stage"])
        word = {"won": _("won"), "lost": _("lost")}.get(
            stage.values.get("kind") or "", stage.values.get("name") or _("open")
        )
        return {"text": word, "s": {"won": "ok", "lost": "bad"}.get(stage.values.get("kind") or "", "now")}
    if status := found.values.get("status"):
        return {"text": str(status).replace("_", " "), "s": ""}
    return {}


@page("related/<str:entity>/<int:key>/<str:name>/<str:field>", "record-related")
def related(request: Request, entity: str, key: int, name: str, field: str) -> HttpResponse:
    """One list of a record's page, for those that come after the page."""
    with asking(request) as ask:
        as_of, known = days(ask)
        found = queries.show_record(ask.actor, entity, key)
        titles = {(one, by): title for one, by, title in parts.RELATED.get(found.entity.name, ())}
        if (name, field) not in titles:
            raise NotFound(f"{entity} has no list of {name}", remedy="Open the record")
        one = parts.related(ask.actor, name, field, found.id, str(titles[name, field]), as_of, known)
        return render(request, "records/related.html", {"one": one, "record": found, "alone": True})


# What people do with a record


def back(request: Request, fallback: str) -> HttpResponseRedirect:
    """To the page that a form named, where it is one of ours."""
    return HttpResponseRedirect(inside(request.POST.get("next", ""), fallback))


def edited(actor: access.Actor, entity: str, key: int) -> int | None:
    """The batch of the edit just made, where the actor may undo it."""
    batch = parts.last_edit(queries.history_of(actor, entity, key))
    return batch if batch is not None and actions.may_undo(actor, batch) else None


@page("delete/<str:entity>/<int:key>", "record-delete", action="delete", methods=("POST",))
def delete(request: Request, entity: str, key: int) -> HttpResponse:
    """Delete a record; answers about earlier days still know it."""
    kind = entity_of(entity)
    actions.delete_record(request.actor, kind.name, key)
    tell(request, _("%(one)s deleted") % {"one": one_of(kind.name)}, edited(request.actor, kind.name, key))
    return HttpResponseRedirect(reverse("record", args=[kind.name, key]))


@page("restore/<str:entity>/<int:key>", "record-restore", action="restore", methods=("POST",))
def restore(request: Request, entity: str, key: int) -> HttpResponse:
    """Bring a deleted record back."""
    kind = entity_of(entity)
    actions.restore_record(request.actor, kind.name, key)
    tell(request, _("%(one)s restored") % {"one": one_of(kind.name)}, edited(request.actor, kind.name, key))
    return HttpResponseRedirect(reverse("record", args=[kind.name, key]))


@page("undo/<int:batch>", "record-undo", action="edit", methods=("POST",))
def undo(request: Request, batch: int) -> HttpResponse:
    """Take an edit back."""
    count = actions.undo(request.actor, batch)
    tell(request, ngettext("Undone: %(n)s record", "Undone: %(n)s records", count) % {"n": shown.number(count)})
    return back(request, reverse("home"))


@page("merge/<str:entity>/<int:key>", "record-merge", action="merge", methods=("GET", "POST"))
def merge(request: Request, entity: str, key: int) -> HttpResponse:
    """Two records side by side, and which of them stays."""
    with asking(request) as ask:
        kind, actor = entity_of(entity), ask.actor
        access.require(actor, "merge", kind)
        if kind.shape != "versioned":
            raise UsageError(f"{kind.name} records cannot be merged", remedy="Delete the one that is wrong")
        kept = queries.show_record(actor, kind.name, key)
        facts: dict[str, Any] = {
            "kind": kind,
            "one": one_of(kind.name),
            "kept": kept,
            "title": parts.title_of(kind, kept.values, kept.labels),
        }
        given = (request.POST.get("loser") or request.GET.get("loser") or "").strip()
        if given:
            try:
                lost = queries.show_record(actor, kind.name, given)
                if request.method == "POST":
                    actions.merge_records(actor, kind.name, kept.id, lost.id)
                    tell(request, _("Merged: the other one leads here now"), edited(actor, kind.name, kept.id))
                    return HttpResponseRedirect(reverse("record", args=[kind.name, kept.id]))
                if lost.id == kept.id:
                    raise UsageError(_("A record cannot be merged with itself"), remedy=_("Name another one"))
                facts |= {
                    "lost": lost,
                    "pairs": _pairs(kept, lost),
                    "lost_title": parts.title_of(kind, lost.values, lost.labels),
                }
            except SalesopsError as error:
                facts |= {"problem": error}
        return render(request, "records/merge.html", facts | {"given": given})


def _pairs(kept: queries.Record, lost: queries.Record) -> list[tuple[str, Any, Any, bool]]:
    """Fields of two records: title, mine, theirs, and whether theirs fills an empty one."""
    found = []
    for one in kept.fields:
        mine, theirs = (cells.cell(each.values, one, each.labels) for each in (kept, lost))
        if mine.text or theirs.text:
            found.append((field_title(one.name), mine, theirs, not mine.text and bool(theirs.text)))
    return found
