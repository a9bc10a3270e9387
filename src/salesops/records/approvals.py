"""Approvals: what one person proposes and another decides before it is done. One mechanism for every room.

An action that may need one makes a `Plan` of what it is about to do and goes `through` here with the function that does it:

    return approvals.through(actor, plan, lambda decided: _erase(actor, record, decided))

Where the workspace does not ask for approval (`approvals` in `salesops.toml`), it is done at once. Under the policy `self` it is done at once,
too, and noted as approved by the same person. Under `two_person` nothing is done: the proposal waits, and `Waiting` is given instead of the
result. When somebody else approves it, the kind's `apply` does it as the proposer, with the proposer's roles of that moment, in
the transaction in which it becomes approved. What it leans on (`base`) must still be what the proposer saw: else it is stale and cannot be
approved, only proposed again. A request is decided once; the database holds these rules, too (constraints of `ApprovalRequest`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from salesops.common.errors import Changed, Conflict, InvalidData, NotAllowed, NotFound, Problem, SalesopsError
from salesops.workspace import Config

from . import audit, context
from .access import PERMISSIONS, ROLES, Actor, actor_for, may, require
from .writing import emit

Decided = Callable[[], None]
"""What an action calls first inside its transaction: it takes the lock of writers, and the request becomes approved with what is done."""
MOST_LINES = 50
_OWN = ("actions", "actions_erase", "actions_targets", "actions_users")


@dataclass(frozen=True)
class Line:
    """One thing that changes: what it is, and its values before and after as people read them."""

    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Plan:
    """What somebody is about to do. `held` is what `apply` needs (JSON), `base` a digest of what it leans on."""

    kind: str
    title: str
    subject: str
    subject_id: str
    held: Mapping[str, Any]
    base: str
    lines: Sequence[Line] = ()
    more: int = 0  # lines that are not listed here


@dataclass(frozen=True)
class Kind:
    """One kind of thing that may need approval.

    `permission` is what it takes to decide. `apply(actor, held, decided)` does it, calls `decided` inside its transaction, and gives the
    result. `base(held)` is the digest as it is now. `hides(actor, held)`: whether the actor may not read what changes (pay).
    """

    name: str
    title: str
    permission: str
    apply: Callable[[Actor, dict[str, Any], Decided], Any]
    base: Callable[[dict[str, Any]], str]
    hides: Callable[[Actor, dict[str, Any]], bool] = field(default=lambda actor, held: False)


@dataclass(frozen=True)
class Waiting:
    """Nothing was done yet: the proposal of this number waits for somebody else's approval."""

    number: int
    title: str
    approvers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.title}: proposal {self.number} waits for {' or '.join(self.approvers) or 'somebody who may approve'}"

    def to_dict(self) -> dict[str, Any]:
        return {"approval": self.number, "status": "open", "title": self.title, "approvers": list(self.approvers)}


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known; rooms do it when they are imported."""
    _KINDS[kind.name] = kind
    return kind


@cache
def _load() -> None:
    for name in _OWN:
        import_module(f"salesops.records.{name}")


def kinds() -> Mapping[str, Kind]:
    """Every kind by name."""
    _load()
    return _KINDS


# What may only be done through here

_passing: ContextVar[frozenset[str]] = ContextVar("passing", default=frozenset())


@contextmanager
def passing(kind: str) -> Iterator[None]:
    """What is done inside has been through here for this kind."""
    token = _passing.set(_passing.get() | {kind})
    try:
        yield
    finally:
        _passing.reset(token)


def guards(kind: str) -> bool:
    """Say whether this kind takes an approval that has not been given around here."""
    return asks_for(kind) and kind not in _passing.get()


# Policy


def asks_for(kind: str) -> bool:
    """Say whether the workspace has a kind approved before it is done."""
    return kind in str(context.option("approvals", Config.approvals)).replace(",", " ").split()


def from_rows() -> int:
    """An edit of so many records together is a bulk edit."""
    return int(context.option("approvals_from_rows", Config.approvals_from_rows))


def approvers(kind: str, held: Mapping[str, Any], but: str = "") -> tuple[str, ...]:
    """The active users who may decide a proposal, without one of them."""
    from .models import User

    one = kinds()[kind]
    found = []
    for username, roles in User.objects.filter(is_active=True).order_by("username").values_list("username", "roles"):
        actor = Actor(username, frozenset(roles.split()) & frozenset(ROLES))
        if username != but and actor.roles & PERMISSIONS[one.permission] and not one.hides(actor, dict(held)):
            found.append(username)
    return tuple(found)


def policy(actor: Actor, plan: Plan) -> str:
    """How a plan of the actor is approved: `self` takes that the actor may decide such proposals himself."""
    kind = kinds()[plan.kind]
    able = may(actor, kind.permission) and not kind.hides(actor, dict(plan.held))
    said = str(context.option("approval_policy", ""))
    if not said:
        said = "two_person" if approvers(plan.kind, plan.held, but=actor.username) else "self"
    return said if able else "two_person"


# Proposing


def through(actor: Actor, plan: Plan, act: Callable[[Decided], Any], note: str = "") -> Any:
    """Do what is planned, or propose it (and give `Waiting`), as the workspace's policy says."""
    if not asks_for(plan.kind):
        return act(at_once)
    if policy(actor, plan) == "two_person":
        return _propose(actor, plan, note)
    return act(lambda: _approve_oneself(actor, plan, note))


def at_once() -> None:
    """Nothing is to be noted."""


def _row(actor: Actor, plan: Plan, note: str, **columns: Any) -> Any:
    from .models import ApprovalRequest

    shown = [[one.what, one.before, one.after] for one in plan.lines[:MOST_LINES]]
    return ApprovalRequest.objects.create(
        kind=plan.kind, title=plan.title, subject=plan.subject, subject_id=plan.subject_id, held=audit.canonical(dict(plan.held)),
        base=plan.base, lines=json.dumps(shown, ensure_ascii=False), more=plan.more + max(0, len(plan.lines) - MOST_LINES), note=note.strip(),
        asked_by=actor.username, **{"asked": context.clock(), **columns},
    )  # fmt: skip


def _propose(actor: Actor, plan: Plan, note: str) -> Waiting:
    from django.db import transaction

    from .models import ApprovalRequest

    with transaction.atomic():
        audit.lock()
        same = {"kind": plan.kind, "subject": plan.subject, "subject_id": plan.subject_id}
        there = ApprovalRequest.objects.filter(**same, status=ApprovalRequest.OPEN).first()
        if there is not None:
            if there.asked_by != actor.username and not _stale(there):
                raise Conflict(
                    f"proposal {there.pk} of {there.asked_by} is about the same and waits already",
                    remedy="Have it approved or declined first",
                )
            _decide(actor, there, ApprovalRequest.REPLACED, "")
        row = _row(actor, plan, note)
        _written(actor, "approval.propose", row)
    return Waiting(int(row.pk), plan.title, approvers(plan.kind, plan.held, but=actor.username))


def _approve_oneself(actor: Actor, plan: Plan, note: str) -> None:
    from .models import ApprovalRequest

    audit.lock()
    decided = {"status": ApprovalRequest.APPROVED, "policy": "self", "decided_by": actor.username}
    now = context.clock()
    _written(actor, "approval.self", _row(actor, plan, note, **decided, asked=now, decided=now))


# Deciding


def approve(actor: Actor, number: int, reason: str = "") -> Any:
    """Approve a proposal of somebody else: it is done now, as its proposer. Gives what doing it gives.

    Raises NotAllowed for one's own or without the kind's permission, Changed where it is stale, Conflict where it is decided already;
    whatever the action itself refuses, it refuses now, and the proposal stays open.
    """
    row = _open(actor, number)
    kind = kinds()[row.kind]
    held = json.loads(row.held)

    def decided() -> None:
        audit.lock()
        if _stale(row):
            raise Changed(
                f"what proposal {number} is about has changed since it was made",
                remedy="Decline it, or have it proposed again",
            )
        _decide(actor, row, row.APPROVED, reason)

    try:
        proposer = actor_for(None, row.asked_by, door=actor.door)
    except NotAllowed:
        raise NotAllowed(f"{row.asked_by}, who proposed it, is no active user any more", "Decline it") from None
    return kind.apply(proposer, held, decided)


def decline(actor: Actor, number: int, reason: str) -> None:
    """Decline a proposal of somebody else, and say why."""
    from django.db import transaction

    if not reason.strip():
        problem = Problem("approval", None, "reason", "is missing", "Say why")
        raise InvalidData("a proposal is declined with a reason", remedy="Say why", problems=[problem])
    row = _open(actor, number)
    with transaction.atomic():
        audit.lock()
        _decide(actor, row, row.DECLINED, reason)


def withdraw(actor: Actor, number: int, reason: str = "") -> None:
    """Take a proposal of one's own back."""
    from django.db import transaction

    with transaction.atomic():
        audit.lock()
        row = _seen(actor, number)
        if row.asked_by != actor.username:
            raise NotAllowed(f"proposal {number} is of {row.asked_by}", remedy="Decline it, or ask them to withdraw it")
        _decide(actor, row, row.WITHDRAWN, reason)


def _open(actor: Actor, number: int) -> Any:
    """A proposal that the actor may decide."""
    row = _seen(actor, number)
    kind = kinds()[row.kind]
    if row.asked_by == actor.username:
        raise NotAllowed(f"proposal {number} is your own", remedy="Somebody else decides it; you may withdraw it")
    require(actor, kind.permission)
    if row.status != row.OPEN:
        raise Conflict(f"proposal {number} is {row.status} already", remedy="Nothing is to be done")
    return row


def _decide(actor: Actor, row: Any, status: str, reason: str) -> None:
    """Close an open request, inside the caller's transaction: of two who decide at once, one does."""
    from .models import ApprovalRequest

    decided = {"status": status, "decided_by": actor.username, "decided": context.clock(), "reason": reason.strip()}
    if not ApprovalRequest.objects.filter(pk=row.pk, status=ApprovalRequest.OPEN).update(**decided):
        now = ApprovalRequest.objects.get(pk=row.pk)
        raise Conflict(f"proposal {row.pk} is {now.status} already", remedy="Nothing is to be done")
    verb = {"approved": "approve", "declined": "decline", "withdrawn": "withdraw", "replaced": "replace"}[status]
    _written(actor, f"approval.{verb}", row)
    if actor.username != row.asked_by:
        _tell(row, actor.username, status, reason.strip())


def _tell(row: Any, by: str, status: str, reason: str) -> None:
    """A notice to who proposed it."""
    from .notices import notify

    said = {"approved": "Approved", "declined": "Declined", "replaced": "Proposed again"}[status]
    text = f"By {by}" + (f": {reason}" if reason else "")
    notify(row.asked_by, f"approval:{row.pk}", f"{said}: {row.title}", text, f"/approvals/{row.pk}")


def _written(actor: Actor, action: str, row: Any) -> None:
    detail = {"kind": row.kind, "subject": row.subject, "id": row.subject_id, "asked_by": row.asked_by}
    audit.write(actor, action, entity="approval", record=row.pk, rows=1, detail=detail)
    emit(action, {"approval": row.pk, "kind": row.kind, "asked_by": row.asked_by})


def _stale(row: Any) -> bool:
    """Whether what an open proposal leans on is another than its proposer saw, or is gone."""
    try:
        return bool(kinds()[row.kind].base(json.loads(row.held)) != row.base)
    except SalesopsError:
        return True


# Reading


def listed(actor: Actor, status: str = "open", *, mine: bool = False, kind: str = "") -> list[dict[str, Any]]:
    """Proposals that the actor made, may decide, or (auditors) may read: open ones the oldest first, others the latest first.

    `status` is open, decided, all, or one status; `mine` keeps those that wait for the actor's own decision.
    """
    from .models import ApprovalRequest

    require(actor, "read")
    rows = ApprovalRequest.objects.order_by("id" if status == "open" else "-id")
    if status == "decided":
        rows = rows.exclude(status=ApprovalRequest.OPEN)
    elif status != "all":
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    found = [_shown(actor, row) for row in rows[:500] if _sees(actor, row)]
    return [row for row in found if row["yours"]] if mine else found


def waiting_for(actor: Actor) -> int:
    """How many proposals wait for the actor's decision."""
    from .models import ApprovalRequest

    rows = ApprovalRequest.objects.filter(status=ApprovalRequest.OPEN).exclude(asked_by=actor.username)
    return sum(_decides(actor, row) for row in rows[:500])


def show(actor: Actor, number: int) -> dict[str, Any]:
    """One proposal: what changes, who asked, who decided."""
    return _shown(actor, _seen(actor, number))


def _seen(actor: Actor, number: int) -> Any:
    from .models import ApprovalRequest

    require(actor, "read")
    row = ApprovalRequest.objects.filter(pk=number).first()
    if row is None or not _sees(actor, row):
        raise NotFound(f"there is no proposal {number}", remedy="salesops approval list")
    return row


def _decides(actor: Actor, row: Any) -> bool:
    kind = kinds()[row.kind]
    return bool(actor.roles & PERMISSIONS[kind.permission]) and not kind.hides(actor, json.loads(row.held))


def _sees(actor: Actor, row: Any) -> bool:
    if row.asked_by == actor.username or _decides(actor, row):
        return True
    return actor.has("auditor") and not kinds()[row.kind].hides(actor, json.loads(row.held))


def _shown(actor: Actor, row: Any) -> dict[str, Any]:
    waits = row.status == row.OPEN
    return {
        "number": row.pk, "kind": row.kind, "kind_title": kinds()[row.kind].title, "title": row.title, "subject": row.subject,
        "subject_id": row.subject_id, "status": row.status, "policy": row.policy, "asked_by": row.asked_by, "asked": row.asked,
        "note": row.note, "decided_by": row.decided_by, "decided": row.decided, "reason": row.reason,
        "self_approved": row.policy == "self", "stale": waits and _stale(row), "lines": json.loads(row.lines), "more": row.more,
        "yours": waits and row.asked_by != actor.username and _decides(actor, row), "own": waits and row.asked_by == actor.username,
    }  # fmt: skip
