"""The queue: rows of `JobRun` that a worker takes, holds by a lease, and finishes; nothing is lost and nothing waits on a dead process.

A job has a unique key, so that it is enqueued once however often that is tried. It is taken by one conditional update: of two workers one
changes the row. A worker extends its lease while it works; when it is killed the lease runs out and the next worker takes the job again.
What a job does is therefore written so that doing it twice does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from salesops.output import plain
from salesops.records import context
from salesops.records.noted import enqueue
from salesops.records.notices import notify

WAITS = (60, 300, 1800, 7200)
"""Seconds to wait before the second, third, fourth and fifth try."""
TRIES = len(WAITS) + 1
SECOND = 1_000_000


@dataclass(frozen=True)
class Job:
    """A job that this worker holds; `turn` is which try it is."""

    number: int
    kind: str
    key: str
    user: str
    parameters: Mapping[str, Any]
    due: int
    turn: int
    worker: str


def take(worker: str, kinds: Iterable[str], lease: float) -> Job | None:
    """Take the job that has been due for longest, or whose worker's lease has run out; None where there is none."""
    from salesops.records.models import JobRun

    while True:
        now = context.clock()
        ready = Q(status="waiting", due__lte=now) | Q(status="running", lease__lt=now)
        row = JobRun.objects.filter(ready, kind__in=list(kinds), key__isnull=False).order_by("due", "id").first()
        if row is None:
            return None
        same = JobRun.objects.filter(pk=row.pk, status=row.status, tries=row.tries, lease=row.lease)
        if row.tries >= TRIES:  # its workers died with it, every time
            same.update(status="failed", finished=now, result=json.dumps({"problem": "the worker died in every try"}))
            tell_given_up(row.pk, row.user, row.kind, "the worker died in every try")
            continue
        until = now + int(lease * SECOND)
        if same.update(status="running", worker=worker, lease=until, tries=F("tries") + 1, started=now):
            return Job(
                row.pk,
                row.kind,
                row.key or "",
                row.user,
                json.loads(row.parameters),
                row.due or now,
                row.tries + 1,
                worker,
            )


def hold(job: Job, lease: float) -> bool:
    """Extend the lease of a job; False where it is no longer this worker's."""
    return bool(_mine(job).update(lease=context.clock() + int(lease * SECOND)))


def progress(job: Job, what: str, done: int, total: int) -> None:
    """Note how far a running job is, for those who look."""
    _mine(job).update(result=json.dumps({"what": what, "done": done, "all": total}))


def finish(job: Job, result: Mapping[str, Any]) -> bool:
    """Note how a job ended; False where another worker has taken it meanwhile."""
    text = json.dumps(plain(dict(result)), ensure_ascii=False)
    return bool(_mine(job).update(status="done", result=text, finished=context.clock(), lease=None))


def fail(job: Job, problem: str, *, again: bool) -> None:
    """Note that a try failed: it is tried again after a wait, or given up and told to its user in the inbox."""
    text = json.dumps({"problem": problem}, ensure_ascii=False)
    if again and job.turn < TRIES:
        due = context.clock() + WAITS[job.turn - 1] * SECOND
        _mine(job).update(status="waiting", result=text, due=due, lease=None)
        return
    with transaction.atomic():
        if _mine(job).update(status="failed", result=text, finished=context.clock(), lease=None):
            tell_given_up(job.number, job.user, job.kind, problem)


def tell_given_up(number: int, user: str, kind: str, problem: str) -> None:
    """A notice that a job was given up."""
    link = ""
    if kind == "report":
        from salesops.records.models import JobRun

        subject = JobRun.objects.filter(pk=number).values_list("subject", flat=True).first() or ""
        link = f"/reports/{subject.removeprefix('report:')}"
    notify(user, f"job:{number}", f"{kind.capitalize()} was given up", problem, link)


def _mine(job: Job) -> Any:
    from salesops.records.models import JobRun

    return JobRun.objects.filter(pk=job.number, status="running", worker=job.worker, tries=job.turn)


__all__ = ["SECOND", "TRIES", "WAITS", "Job", "enqueue", "fail", "finish", "hold", "progress", "take", "tell_given_up"]
