"""The small-edit write path: one transaction that takes a tick of the clock, opens a live batch, writes history, brings
current rows up to date, and leaves an audit entry and an outbox event. Bulk imports share `next_tick` and `new_batch`.

    with change_set(actor, "edit", entity) as edit:
        edit.set(record, {"amount": 12_000_000})
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from salesops.common.errors import Conflict, NotFound
from salesops.common.ids import record_id

from . import audit, context, history, values
from .access import Actor
from .chains import rechain, touched_by
from .entities import Entity, entities
from .names import APP, drop_unused, mentioned


def next_tick() -> int:
    """Take the next tick of the clock, inside a transaction: writers wait for each other here."""
    row = audit.lock()
    row.tick += 1
    row.save(update_fields=["tick"])
    return int(row.tick)


def current_tick() -> int:
    """The tick of the latest batch that went live or was undone."""
    from .models import Clock

    return int(Clock.objects.filter(pk=1).values_list("tick", flat=True).first() or 0)


def new_batch(kind: str, actor: Actor, **columns: Any) -> Any:
    """A new `Batch` row, started now by this actor (status `staged` unless said otherwise)."""
    from .models import Batch

    return Batch.objects.create(kind=kind, user=actor.username, **{"started": context.clock(), **columns})


def emit(topic: str, payload: dict[str, Any]) -> None:
    """Leave an event in the outbox, inside the caller's transaction."""
    from .models import Outbox

    Outbox.objects.create(topic=topic, payload=audit.canonical(payload), created=context.clock())


class ChangeSet:
    """Writes of one transaction under one live batch; made by `change_set`."""

    def __init__(self, actor: Actor, effective: int | None = None) -> None:
        from .models import Batch

        self.actor = actor
        self.tick = next_tick()
        self.now = _moment()
        self.effective = self.now if effective is None else effective
        self.batch = int(
            new_batch("edit", actor, status=Batch.LIVE, tick=self.tick, started=self.now, finished=context.clock()).pk
        )
        self.touched: dict[str, dict[int, list[str]]] = {}
        self.detail: dict[str, Any] = {}
        self.undo: dict[str, Any] = {}
        self._seq = 0
        self._made = 0

    # Versioned records

    def create(self, entity: Entity, raw: dict[str, Any]) -> int:
        """Create a record of any shape from raw values and give its id."""
        self._made += 1
        external = f"app-{self.tick}" if self._made == 1 else f"app-{self.tick}-{self._made}"
        record = record_id(entity.name, APP, external)
        if entity.shape != "versioned":
            self._insert_row(entity, record, external, raw, deleted=False)
            return record
        from .models import SourceId

        SourceId.objects.create(
            id=record, entity=entity.code, system=APP, external_id=external, record=record, batch=self.batch
        )
        self.set(entity, record, {"created": self.effective, "deleted": False, **raw})
        return record

    def set(self, entity: Entity, record: int, raw: dict[str, Any]) -> None:
        """Write field-level changes of a versioned record."""
        from .models import Change

        fields = values.all_fields(entity) | values.TECHNICAL
        rows = []
        for name, value in raw.items():
            self._seq += 1
            rows.append(
                Change(
                    entity=entity.code,
                    record=record,
                    field=name,
                    value=values.to_text(fields[name], value),
                    effective=self.effective,
                    recorded=self.now,
                    seq=self._seq,
                    batch=self.batch,
                )
            )
        Change.objects.bulk_create(rows)
        self._touch(entity, record, raw)

    # Intervals and events

    def correct(self, entity: Entity, record: int, raw: dict[str, Any], *, deleted: bool | None = None) -> None:
        """Supersede the row of an interval or event by one with these values changed; nothing is updated in place.

        It is recorded later than the row that stands, even where an import has said something of a day to come.
        """
        old = entity.model.objects.filter(id=record, recorded_to__isnull=True, batch__in=history.live_batches())
        row = old.order_by("-row").values().first()
        if row is None:
            raise NotFound(f"there is no {entity.name} {record}", remedy=f"salesops record list {entity.name}")
        recorded = max(self.now, row["recorded_from"] + 1)
        old.update(recorded_to=recorded, closed_by=self.batch)
        kept = {field.name: row[field.name] for field in entity.fields}
        custom = {values.CUSTOM + name: value for name, value in json.loads(row["custom"]).items()}
        fields = values.all_fields(entity)
        custom = {name: values.from_text(fields[name], text) for name, text in custom.items() if name in fields}
        gone = row["deleted"] if deleted is None else deleted
        said = {**kept, **custom, **raw}
        self._insert_row(
            entity, record, row["external_id"], said, deleted=gone, system=row["system"], recorded=recorded
        )
        self.touched[entity.name][record] = sorted(raw) + (["deleted"] if deleted is not None else [])

    def _insert_row(
        self,
        entity: Entity,
        record: int,
        external: str,
        raw: dict[str, Any],
        *,
        deleted: bool,
        system: str = APP,
        recorded: int | None = None,
    ) -> None:
        fields = values.all_fields(entity)
        columns = {name: value for name, value in raw.items() if not name.startswith(values.CUSTOM)}
        custom = {
            name.removeprefix(values.CUSTOM): values.to_text(fields[name], value)
            for name, value in sorted(raw.items())
            if name.startswith(values.CUSTOM) and value is not None
        }
        if entity.shape == "event":
            columns["at"] = columns.get("at") if columns.get("at") is not None else self.effective
        entity.model.objects.create(
            id=record,
            system=system,
            external_id=external,
            recorded_from=self.now if recorded is None else recorded,
            deleted=deleted,
            custom=json.dumps(custom, ensure_ascii=False),
            batch=self.batch,
            **columns,
        )
        self._touch(entity, record, raw)

    # Any shape

    def change(self, entity: Entity, record: int, raw: dict[str, Any]) -> None:
        """Give a record of any shape new values."""
        if entity.shape == "versioned":
            self.set(entity, record, raw)
        else:
            self.correct(entity, record, raw)

    def delete(self, entity: Entity, record: int, deleted: bool = True) -> None:
        """Delete or restore a record of any shape; both are history like any other change."""
        if entity.shape == "versioned":
            self.set(entity, record, {"deleted": deleted})
        else:
            self.correct(entity, record, {}, deleted=deleted)

    def refresh(self) -> None:
        """Bring the current rows of what was touched up to date."""
        for name, records in self.touched.items():
            entity = entities()[name]
            if entity.shape == "versioned":
                history.recompute_current(entity, records)

    def _touch(self, entity: Entity, record: int, raw: dict[str, Any]) -> None:
        self.touched.setdefault(entity.name, {}).setdefault(record, []).extend(raw)


def _moment() -> int:
    """The business instant of this edit: later than every edit before it, even when a clock goes back."""
    from .models import Batch

    last = Batch.objects.filter(kind="edit").order_by("-id").values_list("started", flat=True).first() or 0
    now = context.now()
    return now if now > last or last - now > 3_600_000_000 * 24 else last + 1


@contextmanager
def change_set(
    actor: Actor,
    action: str,
    entity: Entity,
    *,
    effective: date | int | None = None,
) -> Iterator[ChangeSet]:
    """Open a transaction with a live batch; on leaving it, current rows, batch summary, audit and outbox are written.

    `effective` is when the new values became true: an instant, or a day (its first instant); now when not given.
    """
    from django.db import transaction

    from .models import Batch

    instant = context.day_start(effective) if isinstance(effective, date) else effective
    with transaction.atomic():
        edit = ChangeSet(actor, instant)
        yield edit
        edit.refresh()
        records = [(name, record) for name, found in edit.touched.items() for record in found]
        first = records[0][1] if records else None
        summary = {"action": action, "entity": entity.name, "records": len(records), **edit.undo}
        Batch.objects.filter(pk=edit.batch).update(summary=audit.canonical(summary))
        touched = {name: {str(r): f for r, f in found.items()} for name, found in edit.touched.items()}
        detail = {"fields": sorted({f for found in touched.values() for fs in found.values() for f in fs})}
        audit.write(
            actor,
            action,
            entity=entity,
            record=first,
            batch=edit.batch,
            rows=len(records),
            detail=detail | edit.detail,
            digest=audit.digest_of(_written(edit.batch, edit.touched)),
        )
        emit(f"record.{action}", {"entity": entity.name, "batch": edit.batch, "tick": edit.tick, "records": touched})


def _written(batch: int, touched: dict[str, dict[int, list[str]]]) -> list[Any]:
    """What a batch wrote, for its digest."""
    from .models import Change

    columns = ("entity", "record", "field", "value", "effective", "seq")
    found: list[Any] = [list(row) for row in Change.objects.filter(batch=batch).order_by("id").values_list(*columns)]
    for name in touched:
        if (entity := entities()[name]).shape != "versioned":
            names = ("id", *(field.name for field in entity.fields), "custom", "deleted")
            rows = entity.model.objects.filter(batch=batch).order_by("row").values_list(*names)
            found += [list(row) for row in rows]
    return found


# Undo


def undo_batch(actor: Actor, batch: int) -> int:
    """Undo a live edit: its rows count no more, what it closed is open again. Gives the number of records affected.

    Permission is checked by `actions.undo`.
    """
    from django.db import transaction

    from .models import Batch, Change

    with transaction.atomic():
        tick = next_tick()
        row = Batch.objects.filter(pk=batch, kind="edit").first()
        if row is None:
            raise NotFound(f"there is no edit with batch {batch}", remedy="salesops record history shows the batches")
        if row.status != Batch.LIVE:
            raise Conflict(f"batch {batch} is {row.status} already", remedy="Nothing is to be undone")
        summary = json.loads(row.summary)
        before = history.redirects(entities()[summary["entity"]]) if summary.get("moved") else {}
        row.status, row.tick = Batch.UNDONE, tick
        row.save(update_fields=["status", "tick"])
        _return_sources(entities().get(summary.get("entity", "")), summary, before)
        count = 0
        for entity in entities().values():
            if entity.shape == "versioned":
                found = Change.objects.filter(batch=batch, entity=entity.code).values_list("record", flat=True)
                ids = set(found.distinct())
                history.recompute_current(entity, ids)
                count += len(ids)
            else:
                count += entity.model.objects.filter(batch=batch).values("id").distinct().count()
                rechain(entity, touched_by(entity, [batch]))
        if dropped := drop_unused(mentioned(batch)):
            row.summary = audit.canonical(summary | {"dropped": dropped})  # what the next refresh forgets
            row.save(update_fields=["summary"])
        audit.write(actor, "undo", batch=batch, rows=count, detail={"kind": row.kind})
        emit("record.undo", {"batch": batch, "tick": tick})
    return count


def _return_sources(entity: Entity | None, summary: dict[str, Any], before: dict[int, int]) -> None:
    """Point the source ids that an undone merge moved back to where the merges that still stand lead them."""
    from .models import SourceId

    if entity is None or not summary.get("moved"):
        return
    winner = summary["winner"]
    after = history.redirects(entity)
    for source, record in summary["moved"]:
        there = SourceId.objects.filter(pk=source, record=before.get(winner, winner))
        there.update(record=after.get(record, record))
