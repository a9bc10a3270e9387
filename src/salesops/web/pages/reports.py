"""Home > Reports: what is sent to whom and when, and what was sent. Alerts have a page of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from salesops.common.errors import SalesopsError, UsageError
from salesops.records import actions_work
from salesops.reports import actions
from salesops.reports.commands import described
from salesops.reports.content import PERIODS
from salesops.web.shell import cells
from salesops.web.shell.asked import Request
from salesops.web.shell.routes import page

KEPT = ("name", "kind", "metrics", "by", "period", "compare", "where", "view", "form", "to", "schedule", "only")
DIMENSIONS = ("owner", "manager", "team", "region", "segment", "source", "product")


@page("reports", "reports", action="report", methods=("GET", "POST"))
def reports(request: Request) -> HttpResponse:
    """The reader's reports; a form makes one."""
    problem: SalesopsError | None = None
    given = {name: request.POST.get(name, "") for name in KEPT}
    if request.method == "POST":
        try:
            number = _act(request)
            return HttpResponseRedirect(reverse("report", args=[number]) if number else reverse("reports"))
        except SalesopsError as error:
            problem = error
    facts = {
        "reports": [_row(row) for row in actions.list_reports(request.actor)], "periods": PERIODS, "dimensions": DIMENSIONS,
        "views": actions_work.list_work(request.actor, "saved_view"), "given": given, "problem": problem,
        "said": request.session.pop("said", ""), "edited": None,
    }  # fmt: skip
    return render(request, "reports/list.html", facts, status=400 if problem else 200)


@page("reports/<int:number>", "report", action="report", methods=("GET", "POST"))
def report(request: Request, number: int) -> HttpResponse:
    """One report: change it, run it, pause it; its runs with what was sent."""
    problem: SalesopsError | None = None
    if request.method == "POST":
        try:
            gone = _change(request, number)
            return HttpResponseRedirect(reverse("reports") if gone else reverse("report", args=[number]))
        except SalesopsError as error:
            problem = error
    row = actions.show_report(request.actor, number)
    runs = [
        {
            **run, "when": cells.moment(run["finished"] or run["due"]), "why": run.get("problem") or run.get("skipped", ""),
            "sent": [{**one, "when": cells.moment(one["sent"])} for one in run["sent"]],
        }
        for run in actions.history(request.actor, number)
    ]  # fmt: skip
    facts = {
        "report": _row(row), "runs": runs, "problem": problem, "said": request.session.pop("said", ""),
        "to": "\n".join(row["recipients"]),
    }  # fmt: skip
    return render(request, "reports/report.html", facts, status=400 if problem else 200)


@page("reports/<int:number>/runs/<int:run>/file", "report-file", action="report")
def file(request: Request, number: int, run: int) -> HttpResponse:
    """The file that a run sent."""
    name, content = actions.file_of(request.actor, number, run)
    response = HttpResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name.encode("ascii", "replace").decode()}"'
    return response


def _act(request: Request) -> int:
    given = request.POST
    what = given.get("do", "")
    if what == "create":
        number = actions.create_report(
            request.actor, given.get("name", ""), _question(given, request), form=given.get("form", "pdf"),
            recipients=given.get("to", ""), schedule=given.get("schedule", ""), only=given.get("only", ""),
        )  # fmt: skip
        request.session["said"] = _("The report is made")
        return number
    raise UsageError(_("there is no such action"), _("Load the page again"))


def _question(given: Mapping[str, str], request: Request) -> dict[str, Any]:
    kind = given.get("kind", "scorecard")
    if kind == "view":
        rows = {str(row["id"]): row for row in actions_work.list_work(request.actor, "saved_view")}
        row = rows.get(given.get("view", ""))
        if row is None:
            raise UsageError(_("no view was chosen"), _("Save one with the scope bar first"))
        return {"kind": kind, "page": row["page"], "query": row["query"]}
    return {"kind": kind, **{name: given.get(name, "") for name in ("metrics", "by", "period", "compare", "where")}}


def _change(request: Request, number: int) -> bool:
    given = request.POST
    what = given.get("do", "")
    if what == "run":
        actions.run_report(request.actor, number)
        request.session["said"] = _("The worker sends it now; this page tells when it is done")
    elif what in ("pause", "resume"):
        actions.edit_report(request.actor, number, active=what == "resume")
        request.session["said"] = _("The report goes on") if what == "resume" else _("The report is paused")
    elif what == "edit":
        fields = {name: given.get(name, "") for name in ("name", "form", "schedule", "only")}
        actions.edit_report(request.actor, number, **fields, recipients=given.get("to", ""))
        request.session["said"] = _("Saved")
    elif what == "delete":
        actions.delete_report(request.actor, number)
        request.session["said"] = _("The report is deleted")
        return True
    else:
        raise UsageError(_("there is no such action"), _("Load the page again"))
    return False


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "shows": described(row["question"]), "when": cells.moment(row["next"])}
