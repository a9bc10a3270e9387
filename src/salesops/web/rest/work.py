"""The work that hangs on records: tasks and comments; saved views of pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.records import actions_work

from . import schemas as s
from .asked import LIMIT, MOST, whole
from .auth import Token, actor_of, stored_number
from .records import moment
from .writing import Done, write

router = Router(tags=["work"])
READ, WRITE = Token("work:read"), Token("work:write")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its moments as text."""
    return {**row, **{name: moment(row[name]) for name in ("created", "done") if name in row}}


# Tasks


@router.get("/tasks", auth=READ, response=s.Rows, operation_id="list_tasks", summary="List tasks")
def list_tasks(
    request: HttpRequest,
    status: str = Query("open", max_length=50, description="open or done"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The tasks that you may see, the oldest first."""
    rows = actions_work.list_work(actor_of(request), "task", status=status)
    return whole(request, [_shown(row) for row in rows], limit, cursor)


@router.post("/tasks", auth=WRITE, response={201: s.Number}, operation_id="create_task", summary="Create a task")
def create_task(request: HttpRequest, body: s.TaskIn) -> HttpResponse:
    """Create a task; yours unless `owner` says otherwise."""

    def act() -> Done:
        given = body.dict(exclude_none=True)
        return Done({"number": actions_work.create_work(actor_of(request), "task", **given)}, 201)

    return write(request, act)


@router.patch("/tasks/{number}", auth=WRITE, response=s.Number, operation_id="edit_task", summary="Change a task")
def edit_task(request: HttpRequest, number: int, body: s.TaskEdit) -> HttpResponse:
    """Change a task; what is not sent stays. `status` done finishes it."""

    def act() -> Done:
        given = body.dict(exclude_unset=True)
        actions_work.edit_work(actor_of(request), "task", stored_number(number, "task"), **given)
        return Done({"number": number})

    return write(request, act)


@router.delete("/tasks/{number}", auth=WRITE, response=s.Number, operation_id="delete_task", summary="Delete a task")
def delete_task(request: HttpRequest, number: int) -> HttpResponse:
    """Delete a task; its audit entries stay."""
    return write(request, lambda: _deleted(request, "task", number))


def _deleted(request: HttpRequest, kind: str, number: int) -> Done:
    actions_work.delete_work(actor_of(request), kind, stored_number(number, kind))
    return Done({"number": number})


# Comments


@router.get("/comments", auth=READ, response=s.Rows, operation_id="list_comments", summary="List comments")
def list_comments(
    request: HttpRequest,
    entity: str = Query("", max_length=100, description="Only those on records of this entity", example="opportunity"),
    key: str = Query("", max_length=300, description="Only those on this record of the entity", example="D07"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Comments on records that you may see, the oldest first."""
    rows = actions_work.list_comments(actor_of(request), entity, key)
    return whole(request, [_shown(row) for row in rows], limit, cursor)


@router.post(
    "/comments", auth=WRITE, response={201: s.Number}, operation_id="create_comment", summary="Comment on a record"
)
def create_comment(request: HttpRequest, body: s.CommentIn) -> HttpResponse:
    """Comment on a record that you may see."""

    def act() -> Done:
        given = {"subject": body.entity, "subject_id": body.key, "text": body.text}
        return Done({"number": actions_work.create_work(actor_of(request), "comment", **given)}, 201)

    return write(request, act)


@router.delete(
    "/comments/{number}", auth=WRITE, response=s.Number, operation_id="delete_comment", summary="Delete a comment"
)
def delete_comment(request: HttpRequest, number: int) -> HttpResponse:
    """Delete a comment of yours; its audit entries stay."""
    return write(request, lambda: _deleted(request, "comment", number))


# Saved views


@router.get("/views", auth=READ, response=s.Rows, operation_id="list_views", summary="List saved views")
def list_views(
    request: HttpRequest, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str = Query("", max_length=2000)
) -> HttpResponse:
    """Your views of pages, and those that others share: name, page, query."""
    return whole(
        request, [_shown(row) for row in actions_work.list_work(actor_of(request), "saved_view")], limit, cursor
    )


@router.post("/views", auth=WRITE, response={201: s.Number}, operation_id="create_view", summary="Save a view")
def create_view(request: HttpRequest, body: s.ViewIn) -> HttpResponse:
    """Keep a page with its filters under a name, for yourself or (`shared`) for everybody."""

    def act() -> Done:
        return Done({"number": actions_work.create_work(actor_of(request), "saved_view", **body.dict())}, 201)

    return write(request, act)


@router.delete("/views/{number}", auth=WRITE, response=s.Number, operation_id="delete_view", summary="Delete a view")
def delete_view(request: HttpRequest, number: int) -> HttpResponse:
    """Delete a view of yours; its audit entries stay."""
    return write(request, lambda: _deleted(request, "saved_view", number))
