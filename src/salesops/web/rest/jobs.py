"""Imports over REST run beside the request, as jobs: a row says how far one is, a lock on a file that its process is alive.

A job whose process was killed is `interrupted`; resumed, the import goes on where it was (`sources.imports`).
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from salesops.common.errors import Busy, Conflict, NotFound, SalesopsError
from salesops.common.locks import exclusive
from salesops.common.progress import Silent, Task
from salesops.output import plain
from salesops.records import access, context
from salesops.records.access import Actor
from salesops.sources.imports import import_files
from salesops.sources.reading import ReadOptions
from salesops.web.serving import workspace

from .problems import status_of
from .records import moment

IMPORT, UPLOAD = "rest.import", "rest.upload"
KEPT_FOR = 7 * 24 * 3600 * 1_000_000
"""For how long, in microseconds, uploaded files that nobody imported are kept."""
logger = logging.getLogger("salesops.rest")


# Uploads


def uploads() -> Path:
    """The folder of uploaded files; those that nobody imported in a week go."""
    folder = workspace().work / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep_upload(actor: Actor, files: list[tuple[str, Path, int, str]]) -> dict[str, Any]:
    """Keep uploaded files (name, place, bytes, SHA-256) together, inside the caller's transaction; gives what they are called by."""
    from salesops.records.models import JobRun

    now = context.clock()
    sweep_uploads()
    listed = [{"file": name, "bytes": size, "sha256": digest} for name, _, size, digest in files]
    row = JobRun.objects.create(
        kind=UPLOAD, status="kept", user=actor.username, parameters=json.dumps({"files": listed}), started=now
    )
    folder = uploads() / str(row.pk)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, place, _, _ in files:
        place.rename(folder / name)
    return {"upload": row.pk, "files": listed}


def sweep_uploads() -> int:
    """Delete files that were uploaded and not imported for too long; gives how many uploads went."""
    from salesops.records.models import JobRun

    before = context.clock() - KEPT_FOR
    old = JobRun.objects.filter(kind=UPLOAD, status="kept", started__lt=before)
    for number in old.values_list("pk", flat=True):
        shutil.rmtree(uploads() / str(number), ignore_errors=True)
    for left in uploads().glob("tmp*"):  # of a server that was killed
        if left.stat().st_mtime_ns // 1000 < before:
            left.unlink(missing_ok=True)
    return int(old.update(status="gone"))


def _upload(actor: Actor, number: int) -> list[Path]:
    from salesops.records.models import JobRun

    row = JobRun.objects.filter(pk=number, kind=UPLOAD, user=actor.username, status="kept").first()
    folder = uploads() / str(number)
    if row is None or not folder.is_dir():
        raise NotFound(f"there is no upload {number}", remedy="Upload the files again: POST /api/v1/imports/files")
    return [folder / one["file"] for one in json.loads(row.parameters)["files"]]


def upload_names(actor: Actor, number: int) -> list[str]:
    """The names of the files of an upload; NotFound where they are gone."""
    return [path.name for path in _upload(actor, number)]


# Jobs


def start(actor: Actor, parameters: dict[str, Any]) -> int:
    """Note an import inside the caller's transaction; it runs once that is committed. Gives the job's number."""
    from salesops.records.models import JobRun

    access.require(actor, "import")
    _upload(actor, parameters["upload"])
    row = JobRun.objects.create(
        kind=IMPORT, user=actor.username, parameters=json.dumps(parameters), started=context.clock()
    )
    transaction.on_commit(lambda: _run(actor, row.pk, parameters))
    return int(row.pk)


def resume(actor: Actor, number: int) -> int:
    """Take up an interrupted import, inside the caller's transaction."""
    row = _row(actor, number)
    if _status(row) != "interrupted":
        raise Conflict(f"job {number} is {_status(row)}, not interrupted", remedy="Only an interrupted job is resumed")
    parameters = json.loads(row.parameters)
    _upload(actor, parameters["upload"])
    transaction.on_commit(lambda: _run(actor, row.pk, parameters))
    return number


def state(actor: Actor, number: int, wait: float = 0.0) -> dict[str, Any]:
    """How far a job is, or how it ended; waits at most `wait` seconds for its end, in whatever process it runs."""
    row = _row(actor, number)
    until = time.monotonic() + wait
    while (status := _status(row)) == "running" and time.monotonic() < until:
        time.sleep(0.1)
        row.refresh_from_db()
    result = json.loads(row.result)
    return {
        "job": row.pk, "status": status, "started": moment(row.started), "finished": moment(row.finished),
        "user": row.user, "parameters": json.loads(row.parameters),
        "result": result if row.status == "done" else None,
        "problem": result if row.status == "failed" else None,
    }  # fmt: skip


def _row(actor: Actor, number: int) -> Any:
    from salesops.records.models import JobRun

    access.require(actor, "import")
    row = JobRun.objects.filter(pk=number, kind=IMPORT).first()
    if row is None:
        raise NotFound(f"there is no import job {number}", remedy="Start one: POST /api/v1/imports")
    return row


def _lock(number: int) -> Path:
    folder = workspace().work / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{number}.lock"


def _status(row: Any) -> str:
    """The status of a job; one that says running and whose process is gone is interrupted."""
    if row.status != "running":
        return str(row.status)
    try:
        with exclusive(_lock(row.pk)):
            row.refresh_from_db()
            return "interrupted" if row.status == "running" else str(row.status)
    except Busy:
        return "running"


def _run(actor: Actor, number: int, parameters: dict[str, Any]) -> None:
    held = ExitStack()
    try:
        held.enter_context(exclusive(_lock(number)))
    except Busy:  # somebody else has taken it up
        return
    threading.Thread(target=_import, args=(actor, number, parameters, held), name=f"import-{number}").start()


def _import(actor: Actor, number: int, parameters: dict[str, Any], held: ExitStack) -> None:
    """Run the import and note how it ended."""
    with held:
        try:
            left_out = set(parameters.get("leave_out") or ())
            files = [path for path in _upload(actor, parameters["upload"]) if path.name not in left_out]
            day = parameters.get("file_date")
            result = import_files(
                workspace(), actor, files, mapping=_mapping(number, parameters), system=parameters.get("system", ""),
                mode=parameters.get("mode", "delta"), file_date=date.fromisoformat(day) if day else None,
                dry_run=bool(parameters.get("dry_run")), options=_reading(parameters),
                progress=Noted(number),
            )  # fmt: skip
            _finish(number, "done", result.to_dict())
            if (
                not parameters.get("dry_run") and not result.errors
            ):  # else they are read once more when the rows are mended
                _used(parameters["upload"])
        except SalesopsError as error:
            _finish(number, "failed", _problem(error))
        except Exception as error:
            logger.error("import job %s failed", number, exc_info=error)
            _finish(
                number, "failed", _problem(SalesopsError("salesops did not expect this", remedy="See the server's log"))
            )
        finally:
            connection.close()


class Noted(Silent):
    """Progress that other processes can read: what goes on, and how much of it is done, at most five times a second."""

    def __init__(self, number: int) -> None:
        self._place = _lock(number).with_suffix(".progress")
        self._tasks: list[list[Any]] = []
        self._told = 0.0

    def start(self, label: str, total: int | None = None) -> None:
        self._tasks.append([label, 0, total])
        self._tell(True)

    def advance(self, n: int = 1) -> None:
        if self._tasks:
            self._tasks[-1][1] += n
            self._tell(False)

    def done(self) -> None:
        if self._tasks:
            self._tasks.pop()

    def task(self, label: str, total: int | None = None) -> Task:
        return _NotedTask(self, label, total)

    def _tell(self, now: bool) -> None:
        if not now and time.monotonic() - self._told < 0.2:
            return
        self._told = time.monotonic()
        label, done, total = self._tasks[-1]
        part = self._place.with_suffix(".progress.new")
        part.write_text(json.dumps({"label": label, "done": done, "total": total}), encoding="utf-8")
        part.rename(self._place)


class _NotedTask:
    def __init__(self, noted: Noted, label: str, total: int | None) -> None:
        self._noted, self._label, self._total = noted, label, total

    def __enter__(self) -> Task:
        self._noted.start(self._label, self._total)
        return self

    def __exit__(self, *_: object) -> None:
        self._noted.done()

    def advance(self, n: int = 1) -> None:
        self._noted.advance(n)


def progress_of(number: int) -> dict[str, Any] | None:
    """What a running job does, and how much of it is done; None where it has not said yet."""
    try:
        found: dict[str, Any] = json.loads(_lock(number).with_suffix(".progress").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _reading(parameters: dict[str, Any]) -> ReadOptions:
    return ReadOptions(**{name: one for name, one in (parameters.get("reading") or {}).items() if one is not None})


def _mapping(number: int, parameters: dict[str, Any]) -> str:
    """The name of the mapping that was asked for, or the place of the one that was sent."""
    if not parameters.get("mapping_text"):
        return str(parameters.get("mapping", ""))
    place = _lock(number).with_suffix(".toml")
    place.write_text(parameters["mapping_text"], encoding="utf-8")
    return str(place)


def _used(upload: int) -> None:
    from salesops.records.models import JobRun

    JobRun.objects.filter(pk=upload, kind=UPLOAD).update(status="imported", finished=context.clock())
    shutil.rmtree(uploads() / str(upload), ignore_errors=True)


def _finish(number: int, status: str, result: dict[str, Any]) -> None:
    from salesops.records.models import JobRun

    text = json.dumps(plain(result), ensure_ascii=False)
    JobRun.objects.filter(pk=number).update(status=status, result=text, finished=context.clock())


def _problem(error: SalesopsError) -> dict[str, Any]:
    return {
        "type": "urn:salesops:problem:import", "title": "The import failed", "status": status_of(error),
        "detail": error.message, "remedy": error.remedy, "problems": [one.to_dict() for one in error.problems],
    }  # fmt: skip
