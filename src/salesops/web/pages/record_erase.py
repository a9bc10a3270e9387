"""Erasing who a person, contact or lead is: what goes and what stays, and the name to type."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from salesops.common.errors import SalesopsError, UsageError
from salesops.records import actions_erase, approvals, queries
from salesops.records.approvals import Waiting
from salesops.records.entities import entity as entity_of
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import asking
from salesops.web.shell.routes import page
from salesops.web.shell.toasts import tell
from salesops.web.shell.words import field_title, one_of

from . import record_parts as parts
from .approvals import told


@page("erase/<str:entity>/<int:key>", "record-erase", action="erase", methods=("GET", "POST"))
def erase(request: Request, entity: str, key: int) -> HttpResponse:
    """What would be erased; erased when the name was typed."""
    with asking(request) as ask:
        kind = entity_of(entity)
        if kind.name not in actions_erase.FIELDS:
            raise UsageError(_("Only a person, a contact or a lead can be erased"), _("Delete the record instead"))
        record = queries.show_record(ask.actor, kind.name, key)
        facts: dict[str, Any] = {
            "kind": kind, "one": one_of(kind.name), "record": record, "title": parts.title_of(kind, record.values, record.labels),
            "fields": [field_title(name) for name in actions_erase.FIELDS[kind.name]],
            "asks": approvals.asks_for("erasure"),
        }  # fmt: skip
        if request.method == "GET":
            return render(request, "records/erase.html", facts)
        try:
            done = actions_erase.erase(
                ask.actor,
                kind.name,
                record.id,
                confirm=request.POST.get("confirm", ""),
                note=request.POST.get("note", ""),
            )
        except SalesopsError as error:
            return render(request, "records/erase.html", {**facts, "problem": error}, status=400)
    if isinstance(done, Waiting):
        tell(request, told(done))
        return HttpResponseRedirect(reverse("approval", args=[done.number]))
    also = [one for one in done["also"] if (one["entity"], one["record"]) != (kind.name, record.id)]
    tell(
        request,
        _("Erased. Others have the same e-mail: erase them, too")
        if also
        else _("Erased; counts and amounts are what they were"),
    )
    where = (also[0]["entity"], also[0]["record"]) if also else (kind.name, record.id)
    return HttpResponseRedirect(reverse("record-erase" if also else "record", args=where))
