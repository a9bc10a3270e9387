"""API tokens: what a program shows to act as a user over REST.

A token is `so_<key>_<secret>`; only a SHA-256 of it is kept (the secret has 256 random bits, so that no salt or slow hash is
needed), and it is shown once, when it is made. It acts as its user, with the user's roles of that moment, and only within its
scopes: it never gives more than its user may do, and nothing once the user is inactive.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction

from salesops.common.errors import Conflict, InvalidData, NotAllowed, NotFound, UsageError

from . import audit, context
from .access import Actor, actor_for, may, require
from .actions_users import _may_grant
from .writing import emit

SCOPES: dict[str, str] = {
    "records:read": "List and show records and their history",
    "records:write": "Create, edit, delete and restore records",
    "imports:read": "List imports, their state and their problems",
    "imports:write": "Upload files, import them, undo imports",
    "metrics:read": "Ask for metrics and the pipeline, open the records behind them",
    "metrics:write": "Define metrics",
    "quality:read": "Ask how good the data is, list what is to be fixed",
    "targets:read": "List targets",
    "targets:write": "Set and withdraw targets",
    "forecast:read": "Show the forecast, its deals, the board and calls; try scenarios",
    "forecast:write": "Call what will be booked; make forecasts",
    "settings:read": "List custom fields, value rules and conflicts of imports",
    "settings:write": "Declare fields, words and rules, settle conflicts, refresh the warehouse",
    "work:read": "List tasks and comments",
    "work:write": "Create, change and delete tasks and comments",
    "approvals:read": "List proposals that wait for approval, and those that were decided",
    "approvals:write": "Approve, decline and withdraw proposals",
    "reports:read": "List reports, alerts and what was sent",
    "reports:write": "Create, change, run and delete reports and alerts",
    "audit:read": "Read, verify and export the audit log",
    "admin": "Everything that the user may do, tokens included",
}
"""What a token may be used for. `<room>:write` includes `<room>:read`, and `admin` everything."""
FRESH = 300_000_000
"""How old, in microseconds, the time of the last use may be before it is written again."""


def parse_scopes(text: str | Iterable[str]) -> frozenset[str]:
    """Give the scopes named in a text (separated by spaces or commas); raises UsageError for an unknown one, or none."""
    names = text.replace(",", " ").split() if isinstance(text, str) else list(text)
    if unknown := [name for name in names if name not in SCOPES]:
        raise UsageError(f"there is no scope {', '.join(map(repr, unknown))}", remedy=f"Scopes: {', '.join(SCOPES)}")
    if not names:
        raise UsageError("a token needs a scope", remedy=f"Scopes: {', '.join(SCOPES)}")
    return frozenset(names)


def allows(scopes: frozenset[str], needed: str) -> bool:
    """Say whether scopes include the needed one."""
    return bool({"admin", needed, needed.replace(":read", ":write")} & scopes)


def create_token(
    actor: Actor, username: str = "", *, name: str, scopes: str | Iterable[str], expires: date | None = None
) -> str:
    """Make a token of a user (default: the actor's own) and give it; it cannot be shown again.

    `expires` is the last day on which it is good. A token of somebody else takes the permission `manage_users`; one of an
    owner is made by an owner.
    """
    from .models import ApiToken

    username = username or actor.username
    require(actor, "read")
    wanted = parse_scopes(scopes)
    if not name.strip():
        raise InvalidData("a token needs a name", remedy="Say what uses it, for example 'nightly export'")
    if expires is not None and expires < context.today():
        raise InvalidData(f"{expires} is in the past", remedy="Give the last day on which the token is good")
    try:
        user = actor_for(None, username)
    except NotAllowed as error:
        raise NotFound(error.message, remedy="salesops user list") from None
    if username != actor.username:
        require(actor, "manage_users")
        _may_grant(actor, user.roles, frozenset())
    key, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    token = f"so_{key}_{secret}"
    with transaction.atomic():
        audit.lock()
        row = ApiToken.objects.create(
            key=key, digest=_digest(token), user=username, name=name.strip(), scopes=" ".join(sorted(wanted)),
            created=context.clock(), created_by=actor.username,
            expires=None if expires is None else context.day_end(expires),
        )  # fmt: skip
        _written(
            actor, "token.create", row, {"scopes": row.scopes, "expires": None if expires is None else str(expires)}
        )
    return token


def list_tokens(actor: Actor, username: str = "") -> list[dict[str, Any]]:
    """The tokens of a user; of everybody for who manages users, else one's own. Times in microseconds, secrets never."""
    from .models import ApiToken

    require(actor, "read")
    rows = ApiToken.objects.order_by("id")
    if username or not may(actor, "manage_users"):
        rows = rows.filter(user=username or actor.username)
    if username and username != actor.username:
        require(actor, "manage_users")
    names = ("id", "key", "user", "name", "scopes", "created", "created_by", "expires", "last_used", "revoked")
    now = context.clock()
    return [{**row, "status": _status(row, now)} for row in rows.values(*names)]


def revoke_token(actor: Actor, number: int) -> None:
    """End a token for good: one's own, or anybody's for who manages users."""
    from .models import ApiToken

    require(actor, "read")
    with transaction.atomic():
        audit.lock()
        row = ApiToken.objects.filter(pk=number).first()
        if row is None or (row.user != actor.username and not may(actor, "manage_users")):
            raise NotFound(f"there is no token {number}", remedy="salesops user token list")
        if row.revoked is not None:
            raise Conflict(f"token {number} is revoked already", remedy="Nothing is to be done")
        row.revoked = context.clock()
        row.save(update_fields=["revoked"])
        _written(actor, "token.revoke", row, {})


def authenticate(token: str, door: str = "rest") -> tuple[Actor, frozenset[str]] | None:
    """The actor of a token and its scopes; None for one that is unknown, expired, revoked, or whose user is inactive."""
    from .models import ApiToken

    parts = token.split("_", 2)
    if len(parts) != 3 or parts[0] != "so" or not parts[1].isalnum() or not token.isascii():
        return None
    row = ApiToken.objects.filter(key=parts[1]).first()
    now = context.clock()
    if row is None or not hmac.compare_digest(row.digest, _digest(token)):
        return None
    if _status({"revoked": row.revoked, "expires": row.expires}, now) != "active":
        return None
    try:
        actor = actor_for(None, row.user, door=door)
    except NotAllowed:
        return None
    if row.last_used is None or now - row.last_used > FRESH:
        ApiToken.objects.filter(pk=row.pk).update(last_used=now)
    return actor, frozenset(row.scopes.split())


def _status(row: dict[str, Any], now: int) -> str:
    if row["revoked"] is not None:
        return "revoked"
    return "expired" if row["expires"] is not None and row["expires"] <= now else "active"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _written(actor: Actor, action: str, row: Any, detail: dict[str, Any]) -> None:
    audit.write(
        actor, action, entity="token", record=row.pk, rows=1, detail={"user": row.user, "name": row.name, **detail}
    )
    emit(action, {"token": row.pk, "user": row.user})
