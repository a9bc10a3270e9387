"""Inbox > Approvals: what waits for a decision, what it changes, and what was decided."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import SalesopsError, UsageError
from salesops.records import approvals
from salesops.records.approvals import Waiting
from salesops.records.entities import entities
from salesops.web.shell import cells
from salesops.web.shell.asked import Request
from salesops.web.shell.routes import page
from salesops.web.shell.toasts import tell
from salesops.web.shell.words import Words

KINDS: dict[str, Words] = {
    "erasure": gettext_lazy("Erasure"),
    "roles": gettext_lazy("Roles of an account"),
    "bulk_edit": gettext_lazy("Change of many records"),
    "import_undo": gettext_lazy("Undo of an import"),
    "past_targets": gettext_lazy("Target of a past period"),
}
STATES: dict[str, tuple[Words, str]] = {
    "open": (gettext_lazy("waits"), "now"),
    "approved": (gettext_lazy("approved"), "ok"),
    "declined": (gettext_lazy("declined"), "bad"),
    "withdrawn": (gettext_lazy("withdrawn"), ""),
    "replaced": (gettext_lazy("proposed again"), ""),
}
"""By status: what it is called, and the colour of its badge."""


@page("approvals", "approvals")
def queue(request: Request) -> HttpResponse:
    """What waits for the reader, what the reader waits for, and the latest decisions."""
    found = [shown(row) for row in approvals.listed(request.actor)]
    facts = {
        "yours": [row for row in found if row["yours"]], "others": [row for row in found if not row["yours"]],
        "decided": [shown(row) for row in approvals.listed(request.actor, "decided")[:50]],
    }  # fmt: skip
    return render(request, "work/approvals.html", facts)


@page("approvals/<int:number>", "approval", methods=("GET", "POST"))
def one(request: Request, number: int) -> HttpResponse:
    """One proposal, before and after; approve it, decline it with a reason, or take one's own back."""
    problem: SalesopsError | None = None
    if request.method == "POST":
        try:
            tell(request, _act(request, number))
            return HttpResponseRedirect(reverse("approvals"))
        except SalesopsError as error:
            problem = error
    facts = {"one": shown(approvals.show(request.actor, number)), "problem": problem, "given": request.POST}
    return render(request, "work/approval.html", facts, status=400 if problem else 200)


def _act(request: Request, number: int) -> str:
    do, reason = request.POST.get("do", ""), request.POST.get("reason", "")
    if do == "approve":
        approvals.approve(request.actor, number, reason)
        return _("Approved and done")
    if do == "decline":
        approvals.decline(request.actor, number, reason)
        return _("Declined")
    if do == "withdraw":
        approvals.withdraw(request.actor, number, reason)
        return _("Withdrawn")
    raise UsageError(_("there is no such action"), _("Load the page again"))


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A proposal as pages show it."""
    state, colour = STATES[row["status"]]
    return {
        **row, "when": cells.moment(row["asked"]), "when_decided": cells.moment(row["decided"]), "state": state, "colour": colour,
        "kind_title": KINDS.get(row["kind"], row["kind_title"]),
        "record": row["subject"] in entities() and str(row["subject_id"]).isdigit() and row["kind"] != "bulk_edit",
    }  # fmt: skip


def told(waiting: Waiting) -> str:
    """What a page says where a proposal was made instead of the thing itself."""
    who = ", ".join(waiting.approvers)
    if not who:
        return _("Proposed. Nobody else may approve it yet: give somebody the role")
    return _("Proposed: it is done when one of these approves it: %(who)s") % {"who": who}
