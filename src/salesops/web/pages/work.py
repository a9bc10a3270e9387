"""The inbox (to decide, to do, told) and saved views of pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from salesops.common.errors import SalesopsError, UsageError
from salesops.records import access, actions_settings, actions_work, approvals, context, notices, resolve, values
from salesops.records.entities import entities
from salesops.web.shell import cells
from salesops.web.shell.asked import Request, inside, number_of
from salesops.web.shell.routes import page

from .approvals import shown

TOLD = 50
"""How many comments the inbox shows, the latest first."""


@page("inbox", "inbox", methods=("GET", "POST"))
def inbox(request: Request) -> HttpResponse:
    """One queue: values that a source and the product disagree about, tasks, what others wrote on what is yours."""
    problem: SalesopsError | None = None
    if request.method == "POST":
        try:
            request.session["said"] = _act(request)
            return HttpResponseRedirect(reverse("inbox"))
        except SalesopsError as error:
            problem = error
    facts = {
        "conflicts": _conflicts(request), "tasks": _tasks(request), "told": _told(request), "problem": problem,
        "notices": [{**one, "on": cells.moment(one["created"])} for one in notices.unread(request.actor, TOLD)],
        "approvals": [shown(row) for row in approvals.listed(request.actor, mine=True)],
        "said": request.session.pop("said", ""), "today": context.today(),
    }  # fmt: skip
    response = render(request, "work/inbox.html", facts, status=400 if problem else 200)
    if request.method == "GET":
        actions_work.mark_seen(request.actor)
    return response


def _act(request: Request) -> str:
    given = request.POST
    acts: dict[str, Callable[[], str]] = {
        "finish": lambda: _finish(request, given.get("number", "")),
        "task": lambda: _task(request),
        "seen": lambda: _seen(request, given.get("number", "")),
        "kept": lambda: _settle(request, "kept"),
        "offered": lambda: _settle(request, "offered"),
    }
    act = acts.get(given.get("do", ""))
    if act is None:
        raise UsageError(_("there is no such action"), _("Load the page again"))
    return act()


def _finish(request: Request, number: str) -> str:
    actions_work.finish_task(request.actor, number_of(number))
    return _("Done")


def _settle(request: Request, take: str) -> str:
    actions_settings.resolve_conflict(request.actor, number_of(request.POST.get("number", "")), take)
    return _("Settled")


def _task(request: Request) -> str:
    given = request.POST
    due = given.get("due", "")
    try:
        day = date.fromisoformat(due) if due else None
    except ValueError:
        raise UsageError(_("%(text)s is no day") % {"text": repr(due)}, _("Write for example 2026-12-31")) from None
    owner = {"owner": given["owner"]} if given.get("owner") else {}
    actions_work.create_work(request.actor, "task", title=given.get("title", ""), due=day, **owner)
    return _("The task is made")


def _conflicts(request: Request) -> list[dict[str, Any]]:
    """Open conflicts of imports, for who may settle them."""
    actor = request.actor
    if not (access.may(actor, "import") and access.may(actor, "read_settings")):
        return []
    rows = actions_settings.list_conflicts(actor)
    names: dict[str, list[int]] = {}
    for row in rows:
        names.setdefault(row["entity"], []).append(row["record"])
    labels = resolve.labels(actor, dict(names))
    return [
        {
            **row, "label": labels.get(row["entity"], {}).get(row["record"]) or row["record"],
            "kept_text": _text(row, row["kept"]), "offered_text": _text(row, row["offered"]),
        }
        for row in rows
    ]  # fmt: skip


def _text(row: dict[str, Any], text: str | None) -> str:
    entity = entities()[row["entity"]]
    field = values.find_field(values.all_fields(entity), row["field"])
    return text or "" if field is None else values.shown(field, values.from_text(field, text))


def _tasks(request: Request) -> list[dict[str, Any]]:
    rows = actions_work.list_work(request.actor, "task", status="open", owner=request.actor.username)
    today = context.today()
    return sorted(
        ({**row, "late": bool(row["due"] and row["due"] < today)} for row in rows),
        key=lambda row: (row["due"] or date.max, row["id"]),
    )


def _seen(request: Request, number: str) -> str:
    """Put a notice of one's own away."""
    notices.put_away(request.actor, number_of(number))
    return _("Put away")


def _told(request: Request) -> list[dict[str, Any]]:
    """What others wrote that names the reader or stands on what they own; `new` since the inbox was opened last."""
    seen = actions_work.seen(request.actor)
    rows = actions_work.told(request.actor, most=TOLD)
    return [{**row, "on": cells.moment(row["created"]), "new": row["id"] > seen} for row in rows]


# Saved views


@page("views", "views", action="work", methods=("POST",))
def save_view(request: Request) -> HttpResponse:
    """Keep an address of ours under a name, for oneself or for everybody; or drop one."""
    given = request.POST
    back = inside(given.get("page", "/"))
    query = given.get("query", "")
    if given.get("do") == "drop":
        actions_work.delete_work(request.actor, "saved_view", number_of(given.get("number", "")))
    else:
        actions_work.create_work(
            request.actor,
            "saved_view",
            name=given.get("name", "").strip(),
            page=back,
            query=query,
            shared=given.get("shared") == "on",
        )
    return HttpResponseRedirect(f"{back}?{query}" if query else back)
