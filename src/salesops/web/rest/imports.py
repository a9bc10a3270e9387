"""Imports: upload files, look what they would do, import them, follow the job, see refused rows, undo."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import File, Query, Router
from ninja.files import UploadedFile

from salesops.common.errors import Conflict, NotFound, UsageError
from salesops.records import access
from salesops.records.approvals import Waiting
from salesops.sources.imports import list_imports, row_errors, undo_import
from salesops.sources.kept import grouped_errors, list_mappings, mapping_text
from salesops.web.serving import workspace

from . import jobs
from . import schemas as s
from .asked import LIMIT, MOST, answer, listed, offset_page, page, place_of, whole
from .auth import Token, actor_of
from .problems import WrongContent
from .records import moment
from .writing import Done, digest_of, key_of, replay, store, write

router = Router(tags=["imports"])
READ, WRITE = Token("imports:read"), Token("imports:write")


@router.post(
    "/imports/files", auth=WRITE, response={201: s.UploadOut}, operation_id="upload_files", summary="Upload files"
)
def upload_files(request: HttpRequest, files: list[UploadedFile] = File(...)) -> HttpResponse:
    """Upload files (multipart, field `files`, several at once); they are kept for a week, or until they are imported."""
    actor = actor_of(request)
    access.require(actor, "import")
    kept = [kept_file(one) for one in files]
    names = [name for name, *_ in kept]
    if len(set(names)) < len(names):
        raise UsageError("two files have the same name", remedy="Give every file a name of its own")
    content = json.dumps([[name, digest] for name, _, _, digest in kept])
    return write(request, lambda: Done(jobs.keep_upload(actor, kept), 201), content)


def kept_file(one: Any) -> tuple[str, Path, int, str]:
    """Name, place, size and digest of a file that came."""
    name = Path(str(one.name or "")).name
    if not name or name.startswith(".") or "\x00" in name or not hasattr(one, "temporary_file_path"):
        raise WrongContent(
            f"{one.name!r} is no name of a file", remedy="Send files as multipart/form-data with their names"
        )
    place = Path(one.temporary_file_path())
    digest = hashlib.sha256()
    with place.open("rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return name, place, place.stat().st_size, digest.hexdigest()


@router.post(
    "/imports", auth=WRITE, response={200: s.Job, 202: s.Job}, operation_id="start_import", summary="Import files"
)
def start_import(
    request: HttpRequest,
    body: s.ImportStart,
    wait: float = Query(0, ge=0, le=60, description="Seconds to wait for its end"),
) -> HttpResponse:
    """Import uploaded files, or (`dry_run`) say what that would do. 202 with the job's address; 200 where it ended within `wait`."""
    actor = actor_of(request)
    access.require(actor, "import")
    parameters = json.loads(body.json())
    if body.mapping and body.mapping_text:
        raise UsageError("a mapping has a name or a text", remedy="Give one of them")

    def act() -> Done:
        number = jobs.start(actor, parameters)
        return Done({"job": number}, 202, {"Location": f"/api/v1/imports/jobs/{number}"})

    return _followed(request, write(request, act), wait)


def _followed(request: HttpRequest, started: HttpResponse, wait: float) -> HttpResponse:
    """The answer that started a job, with the state that the job has by now."""
    found = jobs.state(actor_of(request), json.loads(started.content)["job"], wait)
    response = answer(found, 202 if found["status"] == "running" else 200)
    for name in ("Location", "Idempotency-Replayed"):
        if name in started:
            response[name] = started[name]
    return response


@router.get("/imports/jobs/{number}", auth=READ, response=s.Job, operation_id="show_job", summary="Show an import job")
def show_job(
    request: HttpRequest, number: int, wait: float = Query(0, ge=0, le=60, description="Seconds to wait for its end")
) -> HttpResponse:
    """How far an import is, or how it ended."""
    return answer(jobs.state(actor_of(request), _number(number), wait))


@router.post(
    "/imports/jobs/{number}/resume", auth=WRITE, response={200: s.Job, 202: s.Job}, operation_id="resume_job",
    summary="Resume an interrupted import",
)  # fmt: skip
def resume_job(request: HttpRequest, number: int, wait: float = Query(0, ge=0, le=60)) -> HttpResponse:
    """Take up an import whose server was stopped; it goes on where it was."""

    def act() -> Done:
        job = jobs.resume(actor_of(request), _number(number))
        return Done({"job": job}, 202, {"Location": f"/api/v1/imports/jobs/{job}"})

    return _followed(request, write(request, act), wait)


@router.get("/imports", auth=READ, response=s.Rows, operation_id="list_imports", summary="List imports")
def show_imports(
    request: HttpRequest, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str = Query("", max_length=2000)
) -> HttpResponse:
    """Every import, the latest first."""
    rows = list_imports(actor_of(request))
    before = place_of(request, cursor).get("before")
    after = [row for row in rows if before is None or row["id"] < int(before)]
    shown = after[:limit]
    following = {"before": shown[-1]["id"]} if len(after) > limit else None
    return listed(request, page(request, [_import(row) for row in shown], len(rows), limit, following, changed=False))


def _import(row: dict[str, Any]) -> dict[str, Any]:
    names = ("status", "kind", "system", "mode", "mapping", "user", "file_date", "summary")
    times = {name: moment(row[name]) for name in ("started", "finished")}
    return {"batch": row["id"], **{name: row[name] for name in names}, **times}


@router.get("/imports/{batch}", auth=READ, response=s.ImportOut, operation_id="show_import", summary="Show an import")
def show_import(request: HttpRequest, batch: int) -> HttpResponse:
    """One import."""
    found = next((row for row in list_imports(actor_of(request)) if row["id"] == batch), None)
    if found is None:
        raise NotFound(f"there is no import {batch}", remedy="GET /api/v1/imports lists them")
    return answer(_import(found))


@router.get(
    "/imports/{batch}/problems",
    auth=READ,
    response=s.Rows,
    operation_id="list_import_problems",
    summary="Rows with problems",
)
def list_problems(
    request: HttpRequest,
    batch: int,
    together: bool = Query(
        False, alias="grouped", description="One row for problems that are the same but for row and value"
    ),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The rows that were refused, or let in with a warning: source, row, field, value, problem, remedy; or how often each problem came."""
    if together:
        return whole(request, grouped_errors(actor_of(request), _number(batch))[0], limit, cursor)
    place = place_of(request, cursor)
    rows, total = row_errors(actor_of(request), _number(batch), limit, int(place.get("offset", 0)))
    return listed(request, offset_page(request, rows, total, limit, place, batch))


@router.get("/mappings", auth=READ, response=s.MappingList, operation_id="list_mappings", summary="List mappings")
def show_mappings(request: HttpRequest) -> HttpResponse:
    """The workspace's own mappings and the ready ones: how a source's files become records."""
    return answer({"items": list_mappings(workspace(), actor_of(request))})


@router.get("/mappings/{name}", auth=READ, response=s.MappingOut, operation_id="show_mapping", summary="Show a mapping")
def show_mapping(request: HttpRequest, name: str) -> HttpResponse:
    """The text of a mapping; edited, it is sent with an import as `mapping_text`. A dry run gives the one that files suggest."""
    return answer({"mapping": name, "text": mapping_text(workspace(), actor_of(request), name)})


@router.post(
    "/imports/{batch}/undo",
    auth=WRITE,
    response={200: s.Undone, 202: s.Waiting},
    operation_id="undo_import",
    summary="Undo an import",
)
def undo(request: HttpRequest, batch: int) -> HttpResponse:
    """Take an import back: what it said counts no longer, what it had ended is open again."""
    actor, key = actor_of(request), key_of(request)
    access.require(actor, "undo_import")
    digest = digest_of(request)
    if key and (earlier := replay(request, key, digest)) is not None:
        return earlier
    try:  # it takes the lock of imports before the database's, so that the answer is stored from inside
        done = undo_import(
            workspace(), actor, _number(batch), also=lambda found: store(request, key, digest, _done(found)), wait=10
        )
    except Conflict:
        if key and (earlier := replay(request, key, digest)) is not None:
            return earlier
        raise
    return _done(done.to_dict() if isinstance(done, Waiting) else done).response()


def _done(found: dict[str, Any]) -> Done:
    return Done(found, 202 if "approval" in found else 200)


def _number(number: int) -> int:
    if not 0 < number < 2**63:
        raise NotFound(f"there is no {number}", remedy="GET /api/v1/imports lists what there is")
    return number
