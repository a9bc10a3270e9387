"""Erasing a person, contact or lead: what tells who it is goes, in the current row, in all history and in whatever names it; what is
counted stays.

Nothing is deleted: the record keeps its id, its dates, its owner and every reference, so that each count and each amount is what it was.
Names become `Erased contact 1a2b3c4d` (the end of the id), filled fields stay filled, empty ones empty. The audit log says that, who and
when, and none of what was erased. It cannot be undone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from salesops.common.errors import Conflict, NotAllowed, UsageError

from . import approvals, audit, history, resolve
from .access import Actor, require
from .approvals import Decided, Kind, Line, Plan, Waiting
from .entities import Entity
from .entities import entity as entity_of
from .resolve import find_record
from .writing import emit

FIELDS: dict[str, tuple[str, ...]] = {
    "person": ("name", "first_name", "last_name", "email", "other_emails"),
    "contact": ("name", "first_name", "last_name", "email", "phone", "title"),
    "lead": ("name", "first_name", "last_name", "email", "phone", "title"),
}
"""What is erased of each entity, besides its custom text fields."""
SOUGHT = ("name", "email", "other_emails", "phone")
"""Fields whose values are looked for in other people's texts; a first name alone would strike others, too."""
ERASED = "erased"


def erase(actor: Actor, entity: str, key: object, *, confirm: str, note: str = "") -> dict[str, Any] | Waiting:
    """Erase a person, contact or lead (and what was merged into it); `confirm` repeats the record's name. Gives what was touched, by count,
    and `also`: other records with the same e-mail, which are erased one by one. May need approval: then nothing is erased yet.

    Raises UsageError where `confirm` is another name, Conflict for a person whose account is still active.
    """
    kind = entity_of(entity)
    if entity not in FIELDS:
        raise UsageError(f"a {entity} is nobody", remedy=f"What can be erased: {', '.join(FIELDS)}")
    _allowed(actor)
    record = find_record(actor, kind, key, deleted=True)
    name = str(resolve.labels(actor, {entity: [record]}).get(entity, {}).get(record, ""))
    if " ".join(confirm.split()).casefold() != " ".join(name.split()).casefold() or not confirm.strip():
        raise UsageError(
            "the name does not match: nothing was erased", remedy=f"Write the name of {entity} {record} exactly"
        )
    _no_account(kind, _with_merged(kind, record))
    held = {"entity": entity, "record": record}
    known = _known_values(kind, _with_merged(kind, record))
    lines = [
        Line(field.replace("_", " "), "filled", ERASED)
        for field in (*FIELDS[entity], *sorted(set(known) - set(FIELDS[entity])))
        if field in known
    ]
    plan = Plan("erasure", f"Erase the {entity} {name}", entity, str(record), held, _base(held), lines)
    done: dict[str, Any] | Waiting = approvals.through(actor, plan, lambda decided: _erase(actor, held, decided), note)
    return done


def _erase(actor: Actor, held: dict[str, Any], decided: Decided) -> dict[str, Any]:
    from django.db import transaction

    _allowed(actor)
    kind, record = entity_of(held["entity"]), int(held["record"])
    with transaction.atomic():
        audit.lock()
        decided()
        ids = _with_merged(kind, record)
        _no_account(kind, ids)
        values = _known_values(kind, ids)
        sought = _texts_sought(value for field in SOUGHT for value in values.get(field, ()))
        done = {
            "changes": _changes(kind, ids), "rows": _rows(kind, ids), "names": _source_names(kind, ids, values),
            "related": _related(kind, ids, sought), "texts": _texts(kind, ids, sought), "problems": _problems(kind, ids, sought),
        }  # fmt: skip
        audit.write(actor, "record.erase", entity=kind, record=record, rows=len(ids), detail={"records": ids, **done})
        emit("record.erase", {"entity": kind.name, "records": ids})
    return {"record": record, "records": ids, **done, "also": _also(values.get("email", set()))}


def _allowed(actor: Actor) -> None:
    require(actor, "erase")
    if not actor.sees_all:
        raise NotAllowed(f"{actor.username} may not erase", remedy="Ask an owner or admin")


def _with_merged(kind: Entity, record: int) -> list[int]:
    return [record, *(loser for loser, winner in history.redirects(kind).items() if winner == record)]


def _base(held: dict[str, Any]) -> str:
    """The versions of the record and of what was merged into it."""
    kind = entity_of(held["entity"])
    return audit.digest_of([[one, history.version_of(kind, one)] for one in _with_merged(kind, int(held["record"]))])


approvals.register(Kind("erasure", "Erasure", "erase", _erase, _base))


def erasures() -> int:
    """How many there were: warehouse files from before the last one are not used again."""
    from .models import AuditEntry

    return AuditEntry.objects.filter(action="record.erase").count()


# What is put in place


def _instead(kind: Entity, record: int, field: str) -> str:
    code = f"{record:016x}"[-8:]
    if field == "name":
        return f"Erased {kind.name} {code}"
    return f"{ERASED}-{code}@erased.invalid" if field == "email" else ERASED


def _fields(kind: Entity) -> set[str]:
    """The fields that are erased, custom text fields among them."""
    from .models import CustomField

    custom = CustomField.objects.filter(entity=kind.name, kind="text").values_list("name", flat=True)
    return {*FIELDS[kind.name], *(f"custom.{name}" for name in custom)}


def _texts_sought(texts: Iterable[str]) -> list[str]:
    """The texts that are looked for elsewhere, the longest first; those too short to mean somebody are left out."""
    parts = {part.strip() for text in texts for part in (text.split(",") if "@" in text else [text])}
    long = (part for part in parts if len(part) > 4 and not part.casefold().startswith(ERASED))
    return sorted(long, key=lambda part: (-len(part), part))


# Where it stands


def _known_values(kind: Entity, ids: list[int]) -> dict[str, set[str]]:
    """Every value that the erased fields ever had, by field."""
    from .models import Change, SourceId

    fields, found = _fields(kind), dict[str, set[str]]()
    for field, value in Change.objects.filter(entity=kind.code, record__in=ids).values_list("field", "value"):
        said = json.loads(value) if field == "*" and value else {field: value}
        for name, text in said.items():
            if name in fields and text and text != "\x01":
                found.setdefault(name, set()).add(str(text))
    described = bool(found)
    if not described:  # known by name only: its source's key is its name
        keys = SourceId.objects.filter(entity=kind.code, record__in=ids).values_list("external_id", flat=True)
        found = {"name": set(keys)}
    return found


def _changes(kind: Entity, ids: list[int]) -> int:
    from .models import Change

    fields, altered = _fields(kind), []
    for row in Change.objects.filter(entity=kind.code, record__in=ids, field__in=["*", *fields]):
        if not row.value:
            continue
        if row.field != "*":
            row.value = _instead(kind, row.record, row.field)
        else:
            said = json.loads(row.value)
            kept = {
                name: _instead(kind, row.record, name) if name in fields and text and text != "\x01" else text
                for name, text in said.items()
            }
            row.value = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
        altered.append(row)
    Change.objects.bulk_update(altered, ["value"], batch_size=500)
    return len(altered)


def _rows(kind: Entity, ids: list[int]) -> int:
    fields = [name for name in _fields(kind) if not name.startswith("custom.")]
    custom = [name.removeprefix("custom.") for name in _fields(kind) if name.startswith("custom.")]
    rows = list(kind.model.objects.filter(id__in=ids))
    for row in rows:
        for name in fields:
            if getattr(row, name):
                setattr(row, name, _instead(kind, row.id, name))
        held = json.loads(row.custom or "{}")
        row.custom = json.dumps(
            {k: ERASED if k in custom and v else v for k, v in held.items()}, separators=(",", ":"), ensure_ascii=False
        )
    kind.model.objects.bulk_update(rows, [*fields, "custom"])
    return len(rows)


def _source_names(kind: Entity, ids: list[int], values: dict[str, set[str]]) -> int:
    """Keys of sources that are themselves a name or an address. The digest stays, so that the same key still finds the record."""
    from .models import SourceId

    personal = {text.casefold() for texts in values.values() for text in texts}
    rows = [
        row
        for row in SourceId.objects.filter(entity=kind.code, record__in=ids)
        if row.external_id.casefold() in personal or "@" in row.external_id
    ]
    for row in rows:
        row.external_id = f"Erased {kind.name} {row.id:016x}"
    SourceId.objects.bulk_update(rows, ["external_id"])
    return len(rows)


def _related(kind: Entity, ids: list[int], sought: list[str]) -> int:
    """Subjects of its activities, its consents' addresses, its employee numbers; and its name wherever activities mention it."""
    from .models import Activity, Consent, Employment, EngagementEvent

    count = 0
    if kind.name == "person":
        count += Employment.objects.filter(person__in=ids).exclude(employee_number=None).update(employee_number=ERASED)
    else:
        its = {f"{kind.name}__in": ids}
        count += Activity.objects.filter(**its).exclude(subject=None).update(subject=ERASED)
        count += Consent.objects.filter(**its).exclude(email=None).update(email=f"{ERASED}@erased.invalid")
        count += Consent.objects.filter(**its).exclude(reason=None).update(reason=ERASED)
    for model, fields in (
        (Activity, ("subject", "participants", "outcome", "custom")),
        (Consent, ("email",)),
        (EngagementEvent, ("url",)),
    ):
        count += _struck(model, fields, sought)
    return count


def _texts(kind: Entity, ids: list[int], sought: list[str]) -> int:
    """Comments, tasks, saved views, kept answers of the API, proposals and notices; documents that were attached to it are removed."""
    from .models import AnsweredKey, ApprovalRequest, Comment, Document, Notice, SavedView, Task

    documents, _ = Document.objects.filter(subject=kind.name, subject_id__in=[str(one) for one in ids]).delete()
    places: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (Comment, ("text",)), (Task, ("title", "note")), (SavedView, ("name", "query")), (AnsweredKey, ("body",)),
        (ApprovalRequest, ("title", "lines", "held", "note", "reason")), (Notice, ("title", "text")),
    )  # fmt: skip
    return documents + sum(_struck(model, fields, sought) for model, fields in places)


def _problems(kind: Entity, ids: list[int], sought: list[str]) -> int:
    """Refused rows of imports, conflicts with imports, and value rules that name it."""
    from .models import Batch, ImportConflict, RowError, ValueRule

    conflicts = ImportConflict.objects.filter(entity=kind.name, record__in=ids, field__in=_fields(kind))
    count = conflicts.update(kept=ERASED, offered=ERASED)
    for model, fields in (
        (RowError, ("value", "content", "problem", "remedy")),
        (ValueRule, ("found", "becomes")),
        (Batch, ("summary",)),
    ):
        count += _struck(model, fields, sought)
    return count


def _struck(model: Any, fields: tuple[str, ...], sought: list[str]) -> int:
    """Replace what is sought in text columns; how many rows had it."""
    from django.db.models import Q

    if not sought:
        return 0
    words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sought))})(?!\w)", re.IGNORECASE)
    anywhere = Q()
    for field in fields:
        for text in sought:
            anywhere |= Q(**{f"{field}__icontains": text})
    altered = []
    for row in model.objects.filter(anywhere):
        before = [getattr(row, field) for field in fields]
        after = [None if text is None else words.sub(ERASED, text) for text in before]
        if before != after:
            for field, now in zip(fields, after, strict=True):
                setattr(row, field, now)
            altered.append(row)
    model.objects.bulk_update(altered, list(fields), batch_size=200)
    return len(altered)


def _no_account(kind: Entity, ids: list[int]) -> None:
    """A person who may still sign in is not erased; the name of an account that has ended goes, its user name stays in the audit log."""
    from .models import User

    if kind.name != "person":
        return
    users = User.objects.filter(person__in=ids)
    if active := users.filter(is_active=True).first():
        raise Conflict(
            f"the account {active.username} is this person's",
            remedy=f"First: salesops user deactivate {active.username}",
        )
    users.update(name=ERASED)


def _also(emails: set[str]) -> list[dict[str, Any]]:
    """Records of other kinds, or doubles, with the same address."""
    found: list[dict[str, Any]] = []
    for name in FIELDS:
        for email in emails:
            rows = entity_of(name).model.objects.filter(email__iexact=email).values_list("id", flat=True)
            found += [{"entity": name, "record": int(one)} for one in rows]
    return found
