"""Approvals: what waits for somebody else's decision, and the decision."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.records import approvals

from . import schemas as s
from .asked import LIMIT, MOST, answer, whole
from .auth import Token, actor_of, stored_number
from .records import moment
from .writing import Done, write

router = Router(tags=["work"])
READ, WRITE = Token("approvals:read"), Token("approvals:write")
Status = Literal["open", "decided", "all", "approved", "declined", "withdrawn", "replaced"]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "asked": moment(row["asked"]), "decided": moment(row["decided"])}


@router.get("/approvals", auth=READ, response=s.Rows, operation_id="list_approvals", summary="List proposals")
def list_approvals(
    request: HttpRequest,
    status: Status = Query("open", description="open, decided, all, or how they were decided"),
    mine: bool = Query(False, description="Only those that wait for your decision"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Proposals that you made or may decide: open ones the oldest first, decided ones the latest first."""
    rows = approvals.listed(actor_of(request), status, mine=mine)
    return whole(request, [_shown(row) for row in rows], limit, cursor)


@router.get(
    "/approvals/{number}", auth=READ, response=s.Approval, operation_id="show_approval", summary="Show a proposal"
)
def show_approval(request: HttpRequest, number: int) -> HttpResponse:
    """What it changes, before and after; who asked and who decided; whether it is stale."""
    return answer(_shown(approvals.show(actor_of(request), stored_number(number, "proposal"))))


def _now(request: HttpRequest, number: int) -> Done:
    return Done(_shown(approvals.show(actor_of(request), number)))


@router.post(
    "/approvals/{number}/approve", auth=WRITE, response=s.Approval, operation_id="approve", summary="Approve a proposal"
)
def approve(request: HttpRequest, number: int, body: s.Why) -> HttpResponse:
    """Approve somebody else's proposal: it is done now, as who proposed it. 403 for your own, 409 where it is stale or decided."""

    def act() -> Done:
        approvals.approve(actor_of(request), stored_number(number, "proposal"), body.reason)
        return _now(request, number)

    return write(request, act)


@router.post(
    "/approvals/{number}/decline", auth=WRITE, response=s.Approval, operation_id="decline", summary="Decline a proposal"
)
def decline(request: HttpRequest, number: int, body: s.Declined) -> HttpResponse:
    """Decline somebody else's proposal; the reason is told to who made it."""

    def act() -> Done:
        approvals.decline(actor_of(request), stored_number(number, "proposal"), body.reason)
        return _now(request, number)

    return write(request, act)


@router.post(
    "/approvals/{number}/withdraw", auth=WRITE, response=s.Approval, operation_id="withdraw", summary="Withdraw a proposal"
)  # fmt: skip
def withdraw(request: HttpRequest, number: int, body: s.Why) -> HttpResponse:
    """Take a proposal of your own back."""

    def act() -> Done:
        approvals.withdraw(actor_of(request), stored_number(number, "proposal"), body.reason)
        return _now(request, number)

    return write(request, act)
