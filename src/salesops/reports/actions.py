"""Reports as people keep them: list, create, change, pause, delete, run now, and what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from salesops.common.errors import InvalidData, NotAllowed, NotFound, Problem, UsageError
from salesops.jobs import schedule as times
from salesops.jobs.queue import enqueue
from salesops.records import access, audit, context
from salesops.records.access import Actor
from salesops.records.writing import emit

from . import content
from .sending import recipients_of

FORMS = ("pdf", "xlsx", "text")
ONLY = ("", "changed", "alert")
SETTABLE = ("name", "question", "form", "recipients", "schedule", "only", "active")


def list_reports(actor: Actor) -> list[dict[str, Any]]:
    """The actor's reports (all of them with `manage_work`), by name; recipients as they are shown, `next` when each is due."""
    from salesops.records.models import Report

    access.require(actor, "report")
    rows = Report.objects.order_by("name", "id")
    if not access.may(actor, "manage_work"):
        rows = rows.filter(owner=actor.username)
    return [_shown(row) for row in rows]


def show_report(actor: Actor, number: int) -> dict[str, Any]:
    """One report."""
    return _shown(_mine(actor, number))


def create_report(actor: Actor, name: str, question: Mapping[str, Any], **given: Any) -> int:
    """Make a report of a name and question (`content.check`); `form` pdf, xlsx or text, `recipients` addresses, `schedule` such as
    "weekly monday 07:00" (empty: by hand), `only` changed or alert. It shows what the actor sees; gives its number."""
    from django.db import transaction

    from salesops.records.models import Report

    access.require(actor, "report")
    columns = _checked(actor, {"name": name, "question": question, **given})
    with transaction.atomic():
        audit.lock()
        now = context.clock()
        row = Report.objects.create(**columns, owner=actor.username, since=now, created=now)
        _written(actor, "report.create", row)
    return int(row.pk)


def edit_report(actor: Actor, number: int, **given: Any) -> None:
    """Change a report; what is not given stays. Only its owner says what it shows and to whom; another may pause it."""
    from django.db import transaction

    if unknown := sorted(set(given) - set(SETTABLE)):
        raise UsageError(f"a report has no {', '.join(unknown)}", f"It has {', '.join(SETTABLE)}")
    with transaction.atomic():
        audit.lock()
        row = _mine(actor, number)
        if row.owner != actor.username and set(given) - {"active"}:
            raise NotAllowed(
                f"report {number} shows what {row.owner} sees", remedy=f"Ask {row.owner}, or make one of your own"
            )
        for name, value in _checked(actor, given, row).items():
            setattr(row, name, value)
        if {"schedule", "active"} & set(given):
            row.since = context.clock()  # times that passed meanwhile are not made up for
        row.save()
        _written(actor, "report.edit", row)


def delete_report(actor: Actor, number: int) -> None:
    """Delete a report; the audit log keeps what was sent."""
    from django.db import transaction

    with transaction.atomic():
        audit.lock()
        row = _mine(actor, number)
        _written(actor, "report.delete", row)
        row.delete()


def run_report(actor: Actor, number: int) -> int:
    """Have the worker make and send a report now; gives the number of the run."""
    from django.db import transaction

    from salesops.records.models import JobRun

    with transaction.atomic():
        audit.lock()
        row = _mine(actor, number)
        if row.owner != actor.username:
            raise NotAllowed(f"report {number} shows what {row.owner} sees", remedy=f"Ask {row.owner} to run it")
        subject = f"report:{number}"
        count = JobRun.objects.filter(subject=subject).count()
        key = f"{subject}:hand:{context.clock()}:{count}"
        enqueue("report", key, row.owner, subject=subject, report=number, by="hand", asked_by=actor.username)
        _written(actor, "report.run", row)
        return int(JobRun.objects.get(key=key).pk)


def history(actor: Actor, number: int, limit: int = 100) -> list[dict[str, Any]]:
    """The runs of a report, the latest first: status, why nothing was sent, and each recipient with when it was sent or why not."""
    from salesops.records.models import Delivery, JobRun

    _mine(actor, number)
    rows = list(JobRun.objects.filter(subject=f"report:{number}").order_by("-id")[:limit])
    sent: dict[int, list[dict[str, Any]]] = {}
    for one in Delivery.objects.filter(run__in=[row.pk for row in rows]).order_by("id").values():
        sent.setdefault(one["run"], []).append(
            {"recipient": one["recipient"], "sent": one["sent"], "tries": one["tries"], "problem": one["problem"]}
        )
    return [
        {
            "run": row.pk, "status": row.status, "due": row.due, "finished": row.finished, "tries": row.tries,
            "by": json.loads(row.parameters).get("by", "schedule"), "sent": sent.get(row.pk, []), **json.loads(row.result),
        }
        for row in rows
    ]  # fmt: skip


def file_of(actor: Actor, number: int, run: int) -> tuple[str, bytes]:
    """The file that a run sent: its name and content."""
    from salesops.records.models import JobRun

    from .running import kept_file

    _mine(actor, number)
    row = JobRun.objects.filter(pk=run, subject=f"report:{number}").first()
    found = kept_file(run) if row is not None else None
    if found is None:
        raise NotFound(f"run {run} has no file", remedy="Files are kept for 90 days")
    return found


def _checked(actor: Actor, given: Mapping[str, Any], row: Any = None) -> dict[str, Any]:
    """What is given as it is stored; raises InvalidData with every fault."""
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        try:
            found[name] = _one(actor, name, value, row)
        except (UsageError, InvalidData) as error:
            problems += error.problems or [Problem("report", None, name, error.message, error.remedy)]
    if problems:
        raise InvalidData(problems[0].problem, remedy=problems[0].remedy, problems=problems)
    return found


def _one(actor: Actor, name: str, value: Any, row: Any) -> Any:
    if name == "name":
        if not str(value).strip():
            raise UsageError("the report has no name", "Give it one")
        return " ".join(str(value).split())[:200]
    if name == "question":
        checked = content.check(value)
        if checked["kind"] == "metrics":
            _try(actor, checked)
        return json.dumps(checked, ensure_ascii=False)
    if name == "recipients":
        texts: Iterable[str] = value.replace("\n", ",").split(",") if isinstance(value, str) else value
        return json.dumps(recipients_of(actor, texts, json.loads(row.recipients) if row else ()), ensure_ascii=False)
    if name == "schedule":
        return str(times.parse(value)) if str(value).strip() else ""
    if (name == "form" and value not in FORMS) or (name == "only" and value not in ONLY):
        allowed = FORMS if name == "form" else ONLY[1:]
        raise UsageError(f"{name} cannot be {value!r}", f"Use {', '.join(allowed)}")
    return bool(value) if name == "active" else value


def _try(actor: Actor, question: Mapping[str, Any]) -> None:
    """Ask the question once, so that a fault in it is told now and not at seven in the morning."""
    with content.asking(actor, question["period"]) as ask:
        asked = {**ask.question.asked(), "by": question["by"], "where": question["where"] or None}
        ask.metrics(",".join(question["metrics"]), **asked)


def _shown(row: Any) -> dict[str, Any]:
    now = context.clock()
    upcoming = None
    if row.schedule and row.active:
        from salesops.web.serving import workspace

        upcoming = times.following(times.parse(row.schedule), now, context.time_zone(), workspace().config.calendar)
    return {
        "id": row.pk, "name": row.name, "owner": row.owner, "question": json.loads(row.question), "form": row.form,
        "recipients": [one["shown"] for one in json.loads(row.recipients)], "schedule": row.schedule, "only": row.only,
        "active": row.active, "next": upcoming,
    }  # fmt: skip


def _mine(actor: Actor, number: int) -> Any:
    from salesops.records.models import Report

    access.require(actor, "report")
    row = Report.objects.filter(pk=number).first()
    if row is None or (row.owner != actor.username and not access.may(actor, "manage_work")):
        raise NotFound(f"there is no report {number}", remedy="salesops report list shows yours")
    return row


def _written(actor: Actor, action: str, row: Any) -> None:
    detail = {name: value for name, value in _shown(row).items() if name not in ("id", "next")}
    audit.write(actor, action, entity="report", record=row.pk, rows=1, detail=detail)
    emit(action, {"id": row.pk})
