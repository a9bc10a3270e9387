"""The audit log: one entry for every action, chained by SHA-256 to the entry before it.

An entry is written inside the action's transaction, under the lock of the `Clock` row, so that the chain never forks
and no action is without its entry. `verify` walks the chain and names the first entry that is not as it was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from salesops.common.errors import UsageError

from . import context
from .access import Actor, require
from .entities import Entity

COLUMNS = ("at", "user", "door", "action", "entity", "record", "batch", "rows", "detail", "digest", "previous")
START = ""
"""What the first entry has as its `previous`."""


@dataclass(frozen=True)
class VerifyResult:
    """What `verify` found: how many entries hold, the hash of the last one, and what is wrong first."""

    ok: bool
    entries: int
    head: str
    broken: int | None = None  # the id of the first entry that is wrong
    problem: str = ""  # edited, removed, reordered
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def lock() -> Any:
    """Take the lock that orders writers (the `Clock` row), inside a transaction; gives the row."""
    from .models import Clock

    row = Clock.objects.select_for_update().filter(pk=1).first()
    if row is None:
        Clock.objects.get_or_create(pk=1)
        row = Clock.objects.select_for_update().get(pk=1)
    return row


def write(
    actor: Actor,
    action: str,
    *,
    entity: Entity | str = "",
    record: int | None = None,
    batch: int | None = None,
    rows: int = 0,
    detail: dict[str, Any] | None = None,
    digest: str = "",
) -> int:
    """Write one entry inside the caller's transaction and give its id.

    `digest` stands for the content of bulk work (`digest_of`), `rows` for its size: bulk work has one entry a batch.
    """
    from .models import AuditEntry

    lock()
    last = AuditEntry.objects.order_by("-id").values_list("hash", flat=True).first()
    values: dict[str, Any] = {
        "at": context.clock(),
        "user": actor.username,
        "door": actor.door,
        "action": action,
        "entity": entity if isinstance(entity, str) else entity.name,
        "record": record,
        "batch": batch,
        "rows": rows,
        "detail": canonical(detail or {}),
        "digest": digest,
        "previous": last or START,
    }
    return int(AuditEntry.objects.create(**values, hash=entry_hash(values)).pk)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal content gives equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def entry_hash(values: dict[str, Any]) -> str:
    """The hash of an entry: SHA-256 over its columns, the previous entry's hash among them."""
    return digest_of({name: values[name] for name in COLUMNS})


# Reading


def entries(
    actor: Actor,
    *,
    limit: int | None = None,
    offset: int = 0,
    user: str = "",
    action: str = "",
    entity: str = "",
    record: int | None = None,
    before: int | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """The latest entries first (those `before` the one of an id), and how many there are in all."""
    from .models import AuditEntry

    require(actor, "read_audit")
    wanted = {"user": user, "action": action, "entity": entity, "record": record}
    found = AuditEntry.objects.filter(**{name: value for name, value in wanted.items() if value}).order_by("-id")
    rows = found.values("id", *COLUMNS, "hash")
    end = None if limit is None else offset + limit
    page = rows if before is None else rows.filter(id__lt=before)
    return list(page[offset:end]), found.count()


def export(actor: Actor) -> Iterator[str]:
    """The whole log in order, as lines of JSON that `verify_export` checks without the database."""
    require(actor, "read_audit")
    return (canonical(row) for row in _stored())


def _stored() -> Iterator[dict[str, Any]]:
    from .models import AuditEntry

    yield from AuditEntry.objects.order_by("id").values("id", *COLUMNS, "hash").iterator(chunk_size=5_000)


# Verifying


def verify(actor: Actor | None = None, *, head: str = "") -> VerifyResult:
    """Walk the chain. `head` is the hash of the last entry as somebody wrote it down elsewhere: it finds a cut tail.

    A tail that was cut is found without it, too, where an edit of the records still stands without its entry.
    """
    if actor is not None:
        require(actor, "read_audit")
    result = _walk(_stored(), head)
    if result.ok and (batch := _batch_without_entry()) is not None:
        message = f"the edit of batch {batch} has no entry: entries at the end were removed"
        return VerifyResult(False, result.entries, result.head, None, "removed", message)
    return result


def verify_export(lines: Iterable[str], *, head: str = "") -> VerifyResult:
    """Walk the chain of an exported log; raises UsageError for a line that is no entry."""
    return _walk(_parsed(lines), head)


def _parsed(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            missing = [name for name in (*COLUMNS, "hash") if name not in row]
        except (json.JSONDecodeError, TypeError):
            raise UsageError(f"line {number} is no audit entry", remedy="Give a file of audit export") from None
        if missing:
            raise UsageError(f"line {number} lacks {', '.join(missing)}", remedy="Give a file of audit export")
        yield row


def _walk(rows: Iterable[dict[str, Any]], head: str) -> VerifyResult:
    previous, count = START, 0
    seen = {START}
    stream = iter(rows)
    for row in stream:
        key = row.get("id")
        if entry_hash(row) != row["hash"]:
            return VerifyResult(False, count, previous, key, "edited", f"entry {key} was edited after it was written")
        if row["previous"] != previous:
            problem = _gap(row, stream, seen)
            message = f"entry {key} does not follow the one before it: entries were {problem}"
            return VerifyResult(False, count, previous, key, problem, message)
        previous, count = row["hash"], count + 1
        seen.add(previous)
    if head and head != previous:
        message = "the last entry is not the one expected: entries at the end were removed"
        return VerifyResult(False, count, previous, None, "removed", message)
    return VerifyResult(True, count, previous)


def _gap(row: dict[str, Any], rest: Iterable[dict[str, Any]], seen: set[str]) -> str:
    """Whether the entry that should precede `row` stands elsewhere in the log or is missing from it."""
    if row["previous"] in seen or any(other["hash"] == row["previous"] for other in rest):
        return "reordered"
    return "removed"


def _batch_without_entry() -> int | None:
    from .models import AuditEntry, Batch

    written = AuditEntry.objects.filter(batch__isnull=False).values("batch")
    return Batch.objects.filter(kind="edit").exclude(id__in=written).values_list("id", flat=True).first()
