"""Comments and tasks on records: read, write, edit one's own, finish."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from salesops.common.errors import InvalidData, NotFound, Problem, SalesopsError, UsageError
from salesops.records import access, actions_work, context, queries
from salesops.records.access import Actor
from salesops.web.shell import cells
from salesops.web.shell.asked import Request
from salesops.web.shell.routes import page

MENTION = re.compile(r"(?<![\w@])@([\w.-]*\w)")


def work_of(actor: Actor, entity: str, record: int) -> dict[str, Any]:
    """The comments and tasks on a record, as its reader sees them."""
    about = {"subject": entity, "subject_id": str(record)}
    every = access.may(actor, "manage_work")
    comments = [
        {**row, "when": cells.moment(row["created"]), "html": written(row["text"]), "mine": every or row["user"] == actor.username}
        for row in actions_work.list_work(actor, "comment", **about)
    ]  # fmt: skip
    today = context.today()
    tasks = [
        {
            **row, "mine": every or actor.username in (row["owner"], row["created_by"]), "late": bool(row["due"] and row["due"] < today),
            "when_done": cells.moment(row["done"]),
        }
        for row in actions_work.list_work(actor, "task", **about)
    ]  # fmt: skip
    return {
        "comments": comments[::-1], "tasks": sorted(tasks, key=lambda row: (row["status"] == "done", row["due"] or date.max, row["id"])),
        "entity": entity, "record_id": record,
    }  # fmt: skip


def written(text: str) -> SafeString:
    """A comment as text with its mentions marked; everything else is escaped."""
    found, start = [], 0
    for match in MENTION.finditer(text):
        found += [conditional_escape(text[start : match.start()]), format_html('<b class="mention">@{}</b>', match[1])]
        start = match.end()
    return mark_safe("".join([*found, conditional_escape(text[start:])]))  # every piece is escaped


def _part(request: Request, entity: str, record: int, **more: Any) -> HttpResponse:
    status = 422 if more.get("problem") else 200
    return render(request, "records/work.html", {**work_of(request.actor, entity, record), **more}, status=status)


@page("work/<str:entity>/<int:record>", "record-work", action="work", methods=("GET", "POST"))
def work(request: Request, entity: str, record: int) -> HttpResponse:
    """The comments and tasks of a record; a POST writes a comment (`text`) or a task (`title`, `owner`, `due`)."""
    entity, record = _seen(request, entity, record)
    if request.method == "GET":
        return _part(request, entity, record)
    given = {name: request.POST.get(name, "").strip() for name in ("text", "title", "owner", "due")}
    about = {"subject": entity, "subject_id": str(record)}
    try:
        if "text" in request.POST:
            actions_work.create_work(request.actor, "comment", text=given["text"], **about)
        else:
            more = {"due": _day(given["due"]), **({"owner": given["owner"]} if given["owner"] else {})}
            actions_work.create_work(request.actor, "task", title=given["title"], **about, **more)
    except SalesopsError as error:
        return _part(request, entity, record, problem=error, given=given)
    return _part(request, entity, record)


@page(
    "work/<str:entity>/<int:record>/<str:kind>/<int:number>", "record-work-one", action="work", methods=("GET", "POST")
)
def one(request: Request, entity: str, record: int, kind: str, number: int) -> HttpResponse:
    """One comment or task: its form (GET), and what is done with it (POST `do`: edit, done, open, delete)."""
    entity, record = _seen(request, entity, record)
    if kind not in ("comment", "task"):
        raise NotFound(f"there is no {kind}", remedy="Open the record")
    _of_record(request.actor, kind, number, entity, record)
    if request.method == "GET":
        return _part(request, entity, record, editing=(kind, number))
    do = request.POST.get("do", "edit")
    try:
        if do == "delete":
            actions_work.delete_work(request.actor, kind, number)
        elif do == "done":
            actions_work.finish_task(request.actor, number)
        elif do == "open":
            actions_work.edit_work(request.actor, "task", number, status="open")
        elif kind == "comment":
            text = request.POST.get("text", "").strip()
            if not text:
                raise InvalidData(_("The comment is empty"), remedy=_("Write something, or delete it"))
            actions_work.edit_work(request.actor, "comment", number, text=text)
        else:
            raise UsageError(f"a task cannot be {do!r}", remedy="Use done, open or delete")
    except SalesopsError as error:
        return _part(request, entity, record, problem=error)
    return _part(request, entity, record)


def _seen(request: Request, entity: str, record: int) -> tuple[str, int]:
    found = queries.show_record(request.actor, entity, record)
    return found.entity.name, found.id


def _of_record(actor: Actor, kind: str, number: int, entity: str, record: int) -> None:
    found = actions_work.list_work(actor, kind, subject=entity, subject_id=str(record))
    if number not in {row["id"] for row in found}:
        raise NotFound(f"there is no {kind} {number} on this record", remedy="Load the page again")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        problem = Problem("task", None, "due", f"{text!r} is no date", "Write it as 2026-09-30")
        raise InvalidData(_("The day cannot be read"), remedy=problem.remedy, problems=[problem]) from None
