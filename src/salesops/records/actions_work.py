"""Tasks, comments, documents, saved views, alerts: the work that hangs on records and pages, in small generic helpers.

One's own work is everybody's to write; that of others takes the permission `manage_work`. A comment or document on a
record takes the sight of that record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from salesops.common.errors import InvalidData, NotAllowed, NotFound, Problem, UsageError

from . import audit, context, resolve, scope
from .access import Actor, may, require
from .entities import entities
from .entities import entity as entity_of
from .writing import emit


@dataclass(frozen=True)
class Work:
    """One kind of work: its model, whose it is, what may be set, and what must be."""

    model: str
    owner: str
    settable: tuple[str, ...]
    needed: tuple[str, ...]


KINDS = {
    "task": Work(
        "Task", "created_by", ("title", "owner", "due", "source", "subject", "subject_id", "status", "note"), ("title",)
    ),
    "comment": Work("Comment", "user", ("subject", "subject_id", "text"), ("subject", "subject_id", "text")),
    "document": Work(
        "Document", "user", ("subject", "subject_id", "name", "media_type", "content"), ("name", "content")
    ),
    "saved_view": Work("SavedView", "user", ("name", "page", "query", "shared"), ("name", "page")),
    "alert": Work("Alert", "user", ("metric", "rule", "active"), ("metric", "rule")),
}
LOOKED = 1000
"""Among how many of the latest comments those are looked for that concern somebody."""
SHARED = {"task", "comment", "document"}
"""Kinds that everybody reads who sees their subject; of the others, one's own and what is shared."""


def _kind(kind: str) -> Work:
    if kind not in KINDS:
        raise UsageError(f"there is no kind of work {kind!r}", remedy=f"Kinds: {', '.join(KINDS)}")
    return KINDS[kind]


def _model(work: Work) -> Any:
    from . import models

    return getattr(models, work.model)


def create_work(actor: Actor, kind: str, **columns: Any) -> int:
    """Create a task, comment, document, saved view or alert, and give its number."""
    from django.db import transaction

    work = _kind(kind)
    require(actor, "work")
    _check(actor, kind, work, columns)
    if missing := [name for name in work.needed if columns.get(name) in (None, "")]:
        problems = [Problem(kind, None, name, "is missing", f"Give {name}") for name in missing]
        raise InvalidData(f"the {kind} lacks {', '.join(missing)}", remedy="Give them", problems=problems)
    if kind == "task":
        columns.setdefault("owner", actor.username)
    with transaction.atomic():
        audit.lock()
        row = _model(work).objects.create(**{**columns, work.owner: actor.username, "created": context.clock()})
        _written(actor, f"{kind}.create", kind, row.pk, columns)
    return int(row.pk)


def edit_work(actor: Actor, kind: str, number: int, **columns: Any) -> None:
    """Change a piece of work of one's own (a task also by whom it is given to), or anybody's with `manage_work`."""
    from django.db import transaction

    work = _kind(kind)
    require(actor, "work")
    _check(actor, kind, work, columns)
    with transaction.atomic():
        audit.lock()
        row = _mine(actor, kind, work, number)
        if kind == "task" and "status" in columns:
            row.done = context.clock() if columns["status"] == "done" else None
        for name, value in columns.items():
            setattr(row, name, value)
        row.save()
        _written(actor, f"{kind}.edit", kind, number, columns)


def finish_task(actor: Actor, number: int, note: str = "") -> None:
    """Mark a task as done."""
    edit_work(actor, "task", number, status="done", **({"note": note} if note else {}))


def delete_work(actor: Actor, kind: str, number: int) -> None:
    """Delete a piece of work; its audit entries stay."""
    from django.db import transaction

    work = _kind(kind)
    require(actor, "work")
    with transaction.atomic():
        audit.lock()
        _mine(actor, kind, work, number).delete()
        _written(actor, f"{kind}.delete", kind, number, {})


def list_work(actor: Actor, kind: str, **wanted: Any) -> list[dict[str, Any]]:
    """Work of a kind that the actor sees, oldest first, filtered by columns (`status="open"`, `subject_id=...`)."""
    from django.db.models import Q

    work = _kind(kind)
    require(actor, "work")
    if unknown := sorted(set(wanted) - set(work.settable) - {work.owner}):
        raise UsageError(f"{kind} has no {', '.join(unknown)}", remedy=f"Filter by {', '.join(work.settable)}")
    rows = _model(work).objects.filter(**wanted).order_by("id")
    if kind not in SHARED and not may(actor, "manage_work"):
        mine = Q(**{work.owner: actor.username})
        rows = rows.filter(mine | Q(shared=True) if "shared" in work.settable else mine)
    found = list(rows.values())
    return [row for row in found if kind not in SHARED or _sees(actor, kind, row)]


def list_comments(actor: Actor, entity: str = "", key: object = "") -> list[dict[str, Any]]:
    """Comments on records that the actor may see: of all entities, of one, or (`key`) on one record."""
    wanted = {"subject": entity_of(entity).name} if entity else {}
    if key not in (None, ""):
        if not entity:
            raise UsageError("a record is of an entity", remedy="Name the entity, too")
        wanted["subject_id"] = str(resolve.find_record(actor, entity_of(entity), key))
    return list_work(actor, "comment", **wanted)


def told(actor: Actor, after: int = 0, most: int = 50) -> list[dict[str, Any]]:
    """Comments by others that concern the actor, the latest first: those that name him, by user name, name or person (`@Ann Lee`),
    and those on records that he owns. `after` leaves out comments up to that number; each says whether it `names` him."""
    from .models import Comment

    require(actor, "work")
    written = Comment.objects.filter(id__gt=after).exclude(user=actor.username).order_by("-id")[:LOOKED]
    rows: list[dict[str, Any]] = [dict(row) for row in written.values()]
    named = _named(actor)
    owned = _owned(actor, rows)
    found = []
    for row in rows:
        names = bool(named.search(row["text"]))
        mine = (row["subject"], row["subject_id"]) in owned
        if mine or (names and _sees(actor, "comment", row)):
            found.append({**row, "names": names})
            if len(found) == most:
                break
    return found


def seen(actor: Actor) -> int:
    """The number of the latest comment that was there when the actor said last that they have read; 0 for never."""
    from .models import Seen

    return int(Seen.objects.filter(user=actor.username).values_list("comment", flat=True).first() or 0)


def mark_seen(actor: Actor) -> int:
    """Everything written up to now has been read by the actor; gives the number of the latest comment."""
    from .models import Comment, Seen

    require(actor, "work")
    last = int(Comment.objects.order_by("-id").values_list("id", flat=True).first() or 0)
    if last > seen(actor):
        Seen.objects.update_or_create(user=actor.username, defaults={"comment": last})
    return last


def _named(actor: Actor) -> re.Pattern[str]:
    """What in a text names the actor: an @ and one of his names, as whole words, in capitals or not."""
    from .models import User

    names = {actor.username, *User.objects.filter(username=actor.username).values_list("name", flat=True)}
    if actor.person is not None:
        names |= set(resolve.labels(actor, {"person": [actor.person]}).get("person", {}).values())
    either = "|".join(sorted((re.escape(name) for name in names if name), key=len, reverse=True))
    return re.compile(rf"(?<![\w@])@(?:{either})(?![\w@]|[.-]\w)", re.IGNORECASE)


def _owned(actor: Actor, rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """The subjects of comments that the actor's person owns."""
    if actor.person is None:
        return set()
    ids: dict[str, set[int]] = {}
    for row in rows:
        entity = entities().get(row["subject"])
        if entity is not None and "owner" in entity.by_name and str(row["subject_id"]).isdigit():
            ids.setdefault(entity.name, set()).add(int(row["subject_id"]))
    return {
        (name, str(one))
        for name, found in ids.items()
        for one in entities()[name].model.objects.filter(id__in=found, owner=actor.person).values_list("id", flat=True)
    }


def _sees(actor: Actor, kind: str, row: dict[str, Any]) -> bool:
    own = {row.get("owner"), row.get("created_by"), row.get("user")}
    if actor.username in own or may(actor, "manage_work"):
        return True
    entity = entities().get(row["subject"])
    if entity is None or not str(row["subject_id"]).isdigit():
        return kind != "task"
    return scope.may_see(actor, entity, int(row["subject_id"]))


def _check(actor: Actor, kind: str, work: Work, columns: dict[str, Any]) -> None:
    if unknown := sorted(set(columns) - set(work.settable)):
        raise UsageError(f"{kind} has no {', '.join(unknown)}", remedy=f"It has {', '.join(work.settable)}")
    page = str(columns.get("page") or "/")
    if kind == "saved_view" and (not page.startswith("/") or page.startswith("//") or set(page) & set("\\?#\r\n\t")):
        raise UsageError(f"{page!r} is no page of the workspace", remedy="Give its path, for example /pipeline/")
    entity = entities().get(str(columns.get("subject", "")))
    if entity is not None and columns.get("subject_id") not in (None, ""):
        columns["subject_id"] = str(resolve.find_record(actor, entity, columns["subject_id"]))


def _mine(actor: Actor, kind: str, work: Work, number: int) -> Any:
    row = _model(work).objects.filter(pk=number).first()
    if row is None:
        raise NotFound(f"there is no {kind} {number}", remedy=f"List them: {kind}s")
    owners = (getattr(row, work.owner), getattr(row, "owner", None))
    if actor.username not in owners and not may(actor, "manage_work"):
        raise NotAllowed(f"{kind} {number} belongs to {owners[0]}", remedy="Ask them, or sales ops")
    return row


def _written(actor: Actor, action: str, kind: str, number: int, columns: dict[str, Any]) -> None:
    shown = {name: value for name, value in columns.items() if name not in ("content", "text")}
    digest = audit.digest_of({name: repr(value) for name, value in sorted(columns.items())})
    audit.write(actor, action, entity=kind, record=number, rows=1, detail=shown, digest=digest)
    emit(action, {"id": number})
