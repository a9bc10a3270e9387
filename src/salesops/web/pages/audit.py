"""The audit log: who did what, with filters, and whether the chain of entries holds."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from salesops.records import audit
from salesops.records.entities import entities
from salesops.web.shell import cells
from salesops.web.shell.asked import Request
from salesops.web.shell.routes import page
from salesops.web.shell.words import many_of, one_of

PAGE = 100


@page("settings/audit", "audit", action="read_audit")
def log(request: Request) -> HttpResponse:
    """The latest entries first, 100 a page, filtered by who, what and of which record."""
    wanted = {name: request.GET.get(name, "").strip() for name in ("user", "action", "entity")}
    record = request.GET.get("record", "").strip()
    start = int(request.GET["offset"]) if request.GET.get("offset", "").isdigit() else 0
    rows, total = audit.entries(
        request.actor, limit=PAGE, offset=start, record=int(record) if record.isdigit() else None, user=wanted["user"],
        action=wanted["action"], entity=wanted["entity"],
    )  # fmt: skip
    facts = {
        "rows": [_row(row) for row in rows], "total": total, "first": start + 1 if rows else 0, "last": start + len(rows),
        "next": start + PAGE if start + PAGE < total else None, "before": max(start - PAGE, 0) if start else None,
        "wanted": {**wanted, "record": record}, "filtered": any(wanted.values()) or bool(record),
        "kinds": [(name, many_of(name)) for name in entities()],
    }  # fmt: skip
    return render(request, "data/audit.html", facts)


@page("settings/audit/verify", "audit-verify", action="read_audit", methods=("POST",))
def verify(request: Request) -> HttpResponse:
    """Walk the chain and say whether it holds; `head` is the hash of the last entry as somebody wrote it down."""
    found = audit.verify(request.actor, head=request.POST.get("head", "").strip())
    return render(request, "data/verified.html", {"found": found})


@page("settings/audit/file", "audit-file", action="read_audit")
def file(request: Request) -> HttpResponse:
    """The whole log as lines of JSON, which `salesops audit verify` checks without this server."""
    lines = "".join(f"{line}\n" for line in audit.export(request.actor))
    response = HttpResponse(lines, content_type="application/jsonl")
    response["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
    return response


def _row(row: dict[str, Any]) -> dict[str, Any]:
    entity = row["entity"]
    known = entity in entities()
    return {
        **row, "when": cells.moment(row["at"]), "of": one_of(entity) if known else entity.replace("_", " "),
        "links": known and row["record"] is not None, "told": _told(row["detail"]), "what": row["action"].replace("_", " "),
    }  # fmt: skip


def _told(detail: str) -> list[tuple[str, str]]:
    """What an entry says besides, as pairs; nested parts as text."""
    try:
        held = json.loads(detail)
    except json.JSONDecodeError:
        return [("", detail)]
    if not isinstance(held, dict):
        return [("", str(held))]
    return [
        (str(name).replace("_", " "), one if isinstance(one, str) else json.dumps(one, ensure_ascii=False))
        for name, one in held.items()
    ]
