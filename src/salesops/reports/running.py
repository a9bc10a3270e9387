"""A run of a report: made once, kept in a folder of its own, sent to each recipient, and each sending noted.

A run that was interrupted goes on with what it had made: every recipient gets the same figures.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from django.db import transaction

from salesops.common.errors import SalesopsError
from salesops.common.periods import FiscalCalendar
from salesops.jobs import schedule
from salesops.jobs.queue import Job, enqueue
from salesops.records import access, audit, context
from salesops.records.access import Actor

from . import content
from .sending import Message, NotSent, send, token_of

MEDIA = {"pdf": "application/pdf", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
MOST_LINES = 40
"""Lines of figures in a message; the file has the rest."""


def note_reports(now: int, zone: str, fiscal: FiscalCalendar) -> None:
    """Note the runs that are due: of each report the latest time that has passed since it was made or changed, once."""
    from salesops.records.models import Report

    for row in Report.objects.filter(active=True).exclude(schedule=""):
        due = schedule.latest(schedule.parse(row.schedule), now, zone, fiscal)
        if due is not None and due > row.since:
            subject = f"report:{row.pk}"
            enqueue("report", f"{subject}:{due}", row.owner, due=due, subject=subject, report=row.pk, by="schedule")


def run(job: Job) -> dict[str, Any]:
    """Make the report of a job and send it to whom it is not sent yet; says what was done.

    Raises NotSent where a recipient was not reached: the job is tried again, and only they are sent to.
    """
    from salesops.records.models import Report

    row = Report.objects.filter(pk=job.parameters["report"]).first()
    by_hand = job.parameters.get("by") == "hand"
    if row is None or not (row.active or by_hand):
        return {"skipped": "deleted" if row is None else "paused"}
    actor = access.actor_for(username=row.owner, door="worker")
    access.require(actor, "report")
    made = _made(job.number) or _make(job, row, actor, by_hand)
    if made.get("skipped"):
        return {"skipped": made["skipped"]}
    message = _message(made, _folder(job.number))
    faults = []
    for recipient in json.loads(row.recipients):
        try:
            deliver(
                job.number,
                recipient,
                message,
                actor,
                "report.send",
                row.pk,
                {"report": row.name, "digest": made["digest"]},
            )
        except SalesopsError as error:
            faults.append(error)
    if faults:
        passing = [one for one in faults if getattr(one, "passes", False)]
        raise NotSent("; ".join(str(one) for one in faults), passes=bool(passing)) from faults[0]
    Report.objects.filter(pk=row.pk).update(digest=made["digest"])
    return {"title": made["title"], "file": made["file"]}


def deliver(
    run: int,
    recipient: dict[str, str],
    message: Message,
    actor: Actor,
    action: str,
    record: int,
    detail: dict[str, Any],
) -> None:
    """Send to one recipient unless that is done: noted before, marked (with its audit entry) after."""
    from salesops.records.models import Delivery

    place, now = recipient["shown"], context.clock()
    token = token_of(run, place)
    row, _ = Delivery.objects.get_or_create(run=run, recipient=place, defaults={"message_id": token, "begun": now})
    if row.sent is not None:
        return
    row.tries, row.begun, row.problem = row.tries + 1, now, ""
    row.save()
    try:
        send(recipient, message, token)
    except SalesopsError as error:
        row.problem = str(error)
        row.save(update_fields=["problem"])
        raise
    with transaction.atomic():
        audit.lock()
        row.sent = context.clock()
        row.save(update_fields=["sent"])
        audit.write(actor, action, entity="report" if action == "report.send" else "alert", record=record, rows=1,
                    detail={**detail, "recipient": place, "run": run})  # fmt: skip


def kept_file(run: int) -> tuple[str, bytes] | None:
    """The file that a run sent."""
    made = _made(run)
    if made is None or not made.get("file"):
        return None
    place = _folder(run) / made["file"]
    return (made["file"], place.read_bytes()) if place.is_file() else None


def _folder(run: int) -> Path:
    from salesops.web.serving import workspace

    return workspace().work / "reports" / str(run)


def _made(run: int) -> dict[str, Any] | None:
    """What a run has made already; a folder is there whole or not at all."""
    try:
        found: dict[str, Any] = json.loads((_folder(run) / "made.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def _make(job: Job, row: Any, actor: Actor, by_hand: bool) -> dict[str, Any]:
    from salesops.web.serving import workspace

    question = json.loads(row.question)
    company = workspace().config.name
    made = content.make(row.name, question, actor)
    told: dict[str, Any] = {"title": _title(row.name, made), "digest": made.digest, "file": "", "text": "", "facts": {}}
    file = b""
    unusual = content.unusual(question, actor) if row.only == "alert" and question["kind"] != "view" else ()
    if row.only == "changed" and made.digest == row.digest and not by_hand:
        told["skipped"] = "unchanged"
    elif row.only == "alert" and not unusual and not by_hand:
        told["skipped"] = "nothing unusual"
    else:
        if row.form == "pdf":
            from .paper import pdf

            file = pdf(made.page, row.name, company)
        elif row.form == "xlsx":
            file = made.book()
        told["file"] = f"{_file_name(row.name)}-{made.as_of.isoformat()}.{row.form}" if file else ""
        told["text"] = _text(row, made, company, unusual)
        told["facts"] = {"report": row.pk, "run": job.number, "name": row.name, **made.facts}
    folder = _folder(job.number)
    part = folder.with_name(f"{folder.name}.{job.turn}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    if told["file"]:
        (part / told["file"]).write_bytes(file)
    (part / "made.json").write_text(json.dumps(told, ensure_ascii=False, default=str), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return told


def _title(name: str, made: content.Content) -> str:
    return f"{name}: {made.period}" if made.period else name


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "report"


def _text(row: Any, made: content.Content, company: str, unusual: tuple[str, ...]) -> str:
    """A message to read without opening anything."""
    lines = list(made.lines[:MOST_LINES])
    if len(made.lines) > MOST_LINES:
        lines.append(f"... {len(made.lines) - MOST_LINES} more")
    head = f"{company}, {made.period}, as of {made.as_of}" if made.period else f"{company}, as of {made.as_of}"
    parts = [head, "\n".join(unusual), "\n".join(lines), address(f"/reports/{row.pk}"),
             f"The figures are those that {row.owner} sees. {row.owner} named you as a recipient."]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def address(path: str) -> str:
    """The address of a page, where `[reports] address` says how the workspace is reached; else nothing."""
    found = context.option("reports", {})
    base = str(found.get("address", "")).rstrip("/") if isinstance(found, dict) else ""
    return base + path if base else ""


def _message(made: dict[str, Any], folder: Path) -> Message:
    name = made["file"]
    files = ((name, MEDIA[name.rpartition(".")[2]], (folder / name).read_bytes()),) if name else ()
    return Message(made["title"], made["text"], files, made["facts"])
