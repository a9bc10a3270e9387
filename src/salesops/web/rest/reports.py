"""Reports and stored alerts: what is sent to whom and when, and what was sent."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.reports import actions, alerts

from . import schemas as s
from .asked import LIMIT, MOST, answer, whole
from .auth import Token, actor_of, stored_number
from .records import moment
from .writing import Done, write

router = Router(tags=["reports"])
READ, WRITE = Token("reports:read"), Token("reports:write")


def _report(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "next": moment(row["next"])}


# Reports


@router.get("/reports", auth=READ, response=s.Rows, operation_id="list_reports", summary="List reports")
def list_reports(
    request: HttpRequest, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str = Query("", max_length=2000)
) -> HttpResponse:
    """Your reports (everybody's if you manage the work of others): what each shows, in which form, to whom, when next."""
    return whole(request, [_report(row) for row in actions.list_reports(actor_of(request))], limit, cursor)


@router.get("/reports/{number}", auth=READ, response=s.ReportOut, operation_id="show_report", summary="Show a report")
def show_report(request: HttpRequest, number: int) -> HttpResponse:
    """One report. Secrets in addresses are not shown."""
    return answer(_report(actions.show_report(actor_of(request), stored_number(number, "report"))))


@router.post("/reports", auth=WRITE, response={201: s.ReportOut}, operation_id="create_report", summary="Make a report")
def create_report(request: HttpRequest, body: s.ReportIn) -> HttpResponse:
    """Make a report that shows what you see. The worker sends it at the times of its `schedule`, or when it is run."""

    def act() -> Done:
        given = body.dict(exclude={"name", "question"})
        number = actions.create_report(actor_of(request), body.name, body.question, **given)
        return Done(_report(actions.show_report(actor_of(request), number)), 201)

    return write(request, act)


@router.patch(
    "/reports/{number}", auth=WRITE, response=s.ReportOut, operation_id="edit_report", summary="Change a report"
)
def edit_report(request: HttpRequest, number: int, body: s.ReportEdit) -> HttpResponse:
    """Change a report; what is not sent stays. `active` false pauses it; times that pass meanwhile are not made up for."""

    def act() -> Done:
        given = body.dict(exclude_unset=True, exclude_none=True)
        actions.edit_report(actor_of(request), stored_number(number, "report"), **given)
        return Done(_report(actions.show_report(actor_of(request), number)))

    return write(request, act)


@router.delete(
    "/reports/{number}", auth=WRITE, response=s.Number, operation_id="delete_report", summary="Delete a report"
)
def delete_report(request: HttpRequest, number: int) -> HttpResponse:
    """Delete a report; the audit log keeps what was sent."""

    def act() -> Done:
        actions.delete_report(actor_of(request), stored_number(number, "report"))
        return Done({"number": number})

    return write(request, act)


@router.post(
    "/reports/{number}/run",
    auth=WRITE,
    response={202: s.RunOut},
    operation_id="run_report",
    summary="Send a report now",
)
def run_report(request: HttpRequest, number: int) -> HttpResponse:
    """Have the worker make and send a report now; gives the number of the run, which its history tells of."""
    return write(
        request, lambda: Done({"run": actions.run_report(actor_of(request), stored_number(number, "report"))}, 202)
    )


@router.get(
    "/reports/{number}/runs", auth=READ, response=s.Rows, operation_id="list_report_runs", summary="List what was sent"
)
def list_report_runs(
    request: HttpRequest,
    number: int,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The runs of a report, the latest first: status, why nothing was sent, each recipient with when it was sent or why not."""
    rows = [
        {
            **run, "due": moment(run["due"]), "finished": moment(run["finished"]),
            "sent": [{**one, "sent": moment(one["sent"])} for one in run["sent"]],
        }
        for run in actions.history(actor_of(request), stored_number(number, "report"))
    ]  # fmt: skip
    return whole(request, rows, limit, cursor)


# Alerts


@router.get(
    "/reports/alerts/stored", auth=READ, response=s.Rows, operation_id="list_stored_alerts", summary="List stored alerts"
)  # fmt: skip
def list_stored_alerts(
    request: HttpRequest, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str = Query("", max_length=2000)
) -> HttpResponse:
    """Your alerts: tell me when. (`GET /alerts` says which metrics surge or drop now, whoever asks.)"""
    return whole(request, alerts.list_alerts(actor_of(request)), limit, cursor)


def _alert(request: HttpRequest, number: int, status: int = 200) -> Done:
    return Done(next(row for row in alerts.list_alerts(actor_of(request)) if row["id"] == number), status)


@router.post(
    "/reports/alerts/stored", auth=WRITE, response={201: s.AlertOut}, operation_id="create_alert", summary="Set an alert"
)  # fmt: skip
def create_alert(request: HttpRequest, body: s.AlertIn) -> HttpResponse:
    """Be told, in the inbox and wherever `recipients` say, when a metric is or does what the rule says."""

    def act() -> Done:
        number = alerts.create_alert(actor_of(request), body.metric, body.rule, body.recipients)
        return _alert(request, number, 201)

    return write(request, act)


@router.patch(
    "/reports/alerts/stored/{number}", auth=WRITE, response=s.AlertOut, operation_id="edit_alert", summary="Change an alert"
)  # fmt: skip
def edit_alert(request: HttpRequest, number: int, body: s.AlertEdit) -> HttpResponse:
    """Change an alert; what is not sent stays. `active` false pauses it."""

    def act() -> Done:
        given = body.dict(exclude_unset=True, exclude_none=True)
        alerts.edit_alert(actor_of(request), stored_number(number, "alert"), **given)
        return _alert(request, number)

    return write(request, act)


@router.delete(
    "/reports/alerts/stored/{number}", auth=WRITE, response=s.Number, operation_id="delete_alert", summary="Delete an alert"
)  # fmt: skip
def delete_alert(request: HttpRequest, number: int) -> HttpResponse:
    """Delete an alert of yours."""

    def act() -> Done:
        alerts.delete_alert(actor_of(request), stored_number(number, "alert"))
        return Done({"number": number})

    return write(request, act)
