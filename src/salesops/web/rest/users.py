"""Accounts: who may sign in or be acted as, with which roles."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.records import actions_users

from . import schemas as s
from .asked import LIMIT, MOST, whole
from .auth import Token, actor_of
from .writing import Done, no_key, waits, write

router = Router(tags=["people"], auth=Token("admin"))


def _account(row: dict[str, Any]) -> dict[str, Any]:
    person = None if row["person"] is None else {"id": str(row["person"]), "label": row["person_name"] or None}
    return {
        "username": row["username"], "name": row["name"], "roles": row["roles"].split(), "person": person,
        "pay_group": row["pay_group"], "active": row["is_active"],
    }  # fmt: skip


def _now(request: HttpRequest, username: str, status: int = 200) -> Done:
    rows = actions_users.list_users(actor_of(request))
    return Done(next(_account(row) for row in rows if row["username"] == username), status)


@router.get("/users", response=s.Rows, operation_id="list_users", summary="List accounts")
def list_users(
    request: HttpRequest, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str = Query("", max_length=2000)
) -> HttpResponse:
    """Every account: user name, name, roles, person, whether it is active."""
    return whole(request, [_account(row) for row in actions_users.list_users(actor_of(request))], limit, cursor)


@router.post(
    "/users", response={201: s.UserOut, 202: s.Waiting}, operation_id="create_user", summary="Create an account"
)
def create_user(request: HttpRequest, body: s.UserIn) -> HttpResponse:
    """Create an account. It cannot sign in before it has a password; a program acts as it with a token."""

    def act() -> Done:
        waiting = actions_users.create_user(actor_of(request), body.username, **body.dict(exclude={"username"}))
        if waiting:
            return waits(waiting)
        return _now(request, body.username, 201)

    return write(request, act)


@router.patch(
    "/users/{username}",
    response={200: s.UserOut, 202: s.Waiting},
    operation_id="edit_user",
    summary="Change an account",
)
def edit_user(request: HttpRequest, username: str, body: s.UserEdit) -> HttpResponse:
    """Change an account; what is not sent stays. `person` null unlinks; `active` false deactivates: what it did stays."""

    def act() -> Done:
        given = body.dict(exclude_unset=True)
        if given.get("person", "") is None:
            given["person"] = ""
        if waiting := actions_users.edit_user(actor_of(request), username, **given):
            return waits(waiting)
        return _now(request, username)

    return write(request, act)


@router.put("/users/{username}/password", response=s.Username, operation_id="set_password", summary="Set a password")
def set_password(request: HttpRequest, username: str, body: s.PasswordIn) -> HttpResponse:
    """Set the password to sign in with: your own, or anybody's if you manage users. An Idempotency-Key is refused here."""
    no_key(request, "a password is not set with an Idempotency-Key: no trace of it is stored")
    actions_users.set_password(actor_of(request), username, body.password)
    return Done({"username": username}).response()
