"""What the worker does, by kind of job, and when each is due."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from salesops.records import access, context

from . import schedule
from .queue import Job, enqueue, progress

REFRESH_AT, FORECAST_AT, SWEEP_AT = "daily 02:00", "daily 02:30", "daily 03:30"
RUNS_KEPT = 90 * 24 * 3600 * 1_000_000
"""For how long, in microseconds, runs of the worker and what reports sent are kept."""
MOST_TAKEN_UP = 3
"""How often the worker takes up one import, each time with all its tries; then a person does."""


def note_due() -> None:
    """Note everything that is due now, each under a key of its own: it may be called at any time, by any number of workers."""
    from salesops.reports.running import note_reports

    now, zone, owner = context.clock(), context.time_zone(), access.ensure_owner()
    fiscal = _workspace().config.calendar
    asked = context.option("worker", {})
    for kind, usual in (("refresh", REFRESH_AT), ("forecast", FORECAST_AT), ("sweep", SWEEP_AT)):
        text = str(asked.get(kind, usual)) if isinstance(asked, Mapping) else usual
        if text == "never":
            continue
        due = schedule.latest(schedule.parse(text), now, zone, fiscal)
        if due is not None and now - due < 12 * 3600 * 1_000_000:  # a worker that starts at noon waits for the night
            subject = kind if kind == "forecast" else ""
            enqueue(kind, f"{kind}:{local(due, zone)}", owner, due=due, subject=subject)
    note_reports(now, zone, fiscal)
    _note_alerts(owner)
    _note_imports()


def local(instant: int, zone: str) -> str:
    """An instant as a key says it: the workspace's day and time."""
    return datetime.fromtimestamp(instant / 1e6, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M%z")


def _workspace() -> Any:
    from salesops.web.serving import workspace

    return workspace()


def _note_alerts(owner: str) -> None:
    """Stored alerts are checked once for each generation of the warehouse."""
    from salesops.records.models import Alert
    from salesops.warehouse.generations import load

    if not Alert.objects.filter(active=True).exists():
        return
    current = load(_workspace().warehouse)
    if current is not None:
        last = Alert.objects.filter(active=True).order_by("-created").values_list("created", flat=True).first()
        enqueue("alerts", f"alerts:{current.name}:{last}", owner)


def _note_imports() -> None:
    """Imports over REST or the pages whose process was killed are taken up again."""
    from salesops.records.models import JobRun
    from salesops.web.rest import jobs

    for row in JobRun.objects.filter(kind=jobs.IMPORT, status="running"):
        if jobs._status(row) == "interrupted":
            subject = f"import:{row.pk}"
            before = JobRun.objects.filter(subject=subject, status__in=("done", "failed")).count()
            if before < MOST_TAKEN_UP:
                enqueue("import", f"{subject}:{before}", row.user, subject=subject, job=row.pk)


# What is done


def refresh(job: Job) -> dict[str, Any]:
    """Bring the warehouse up to the records, so that the first question of the morning waits for nothing."""
    from salesops.warehouse import refresh as run

    done = run(_workspace())
    return {"generation": done.generation, "kind": done.kind, "records": done.records}


def forecast(job: Job) -> dict[str, Any]:
    """Make today's forecast over an up-to-date warehouse, as the workspace's owner; says on the way how far it is."""
    from salesops.forecasting.nightly import nightly
    from salesops.web.serving import sessions

    actor = access.actor_for(username=access.ensure_owner(), door="worker")
    told = 0.0

    def step(what: str, done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= 0.5 or not done:
            progress(job, what, done, total)
            told = time.monotonic()

    step("Refreshing", 0, 1)
    with sessions.use() as session:
        return nightly(session, actor, step=step)


def take_up_import(job: Job) -> dict[str, Any]:
    """Go on with an interrupted import; one that somebody else has taken up is theirs."""
    from salesops.common.errors import Busy
    from salesops.common.locks import exclusive
    from salesops.records.models import JobRun
    from salesops.web.rest import jobs

    number = int(job.parameters["job"])
    held = ExitStack()
    try:
        held.enter_context(exclusive(jobs._lock(number)))
    except Busy:
        return {"import": number, "taken": False}
    row = JobRun.objects.get(pk=number)
    if row.status != "running":
        held.close()
        return {"import": number, "taken": False}
    actor = access.actor_for(username=row.user, door="worker")
    jobs._import(actor, number, json.loads(row.parameters), held)
    return {"import": number, "taken": True}


def sweep(job: Job) -> dict[str, Any]:
    """Take away what nobody needs any more: expired sessions, old uploads and their files, notes of ended jobs, old runs, old forecasts."""
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from salesops.forecasting.nightly import sweep as sweep_forecasts
    from salesops.records.models import AnsweredKey, Delivery, JobRun
    from salesops.web.rest import jobs
    from salesops.web.rest.writing import KEPT_FOR

    now = context.clock()
    sessions, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    answers, _ = AnsweredKey.objects.filter(created__lt=now - KEPT_FOR).delete()
    uploads = jobs.sweep_uploads()
    running = set(JobRun.objects.filter(kind=jobs.IMPORT, status="running").values_list("pk", flat=True))
    files = _old(
        (_workspace().work / "jobs").glob("*"),
        lambda place: place.name.split(".")[0].isdigit() and int(place.name.split(".")[0]) not in running,
    )
    old = JobRun.objects.filter(key__isnull=False, status__in=("done", "failed"), finished__lt=now - RUNS_KEPT)
    gone = list(old.values_list("pk", flat=True))
    for number in gone:
        shutil.rmtree(_workspace().work / "reports" / str(number), ignore_errors=True)
    Delivery.objects.filter(run__in=gone).delete()
    old.delete()
    forecasts = sweep_forecasts()
    return {
        "sessions": sessions,
        "answers": answers,
        "uploads": uploads,
        "files": files,
        "runs": len(gone),
        "forecasts": forecasts,
    }


def _old(places: Any, wanted: Callable[[Path], bool], days: int = 7) -> int:
    """Delete the files among these that are wanted away and older than so many days; gives how many."""
    count = 0
    for place in list(places):
        if place.is_file() and wanted(place) and place.stat().st_mtime < time.time() - days * 86400:
            place.unlink(missing_ok=True)
            count += 1
    return count


def report(job: Job) -> dict[str, Any]:
    """Make a report and send it."""
    from salesops.reports.running import run

    return run(job)


def alerts(job: Job) -> dict[str, Any]:
    """Check every stored alert."""
    from salesops.reports.alerts import check_all

    return check_all()


def told(job: Job) -> dict[str, Any]:
    """Send the message of an alert."""
    from salesops.reports.alerts import send

    return send(job)


KINDS: dict[str, Callable[[Job], Any]] = {
    "refresh": refresh, "forecast": forecast, "import": take_up_import, "sweep": sweep, "report": report, "alerts": alerts, "alert": told,
}  # fmt: skip
