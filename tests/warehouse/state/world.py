"""Facts written straight into the state, the way an import leaves them, and what the warehouse makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salesops.common.instants import to_us
from salesops.records.entities import entities

MARK = "\x01"
ZONE = ZoneInfo("Europe/Warsaw")


def at(day: str | date, hour: int = 12) -> int:
    """The instant of an hour of a business day."""
    found = date.fromisoformat(day) if isinstance(day, str) else day
    return to_us(datetime(found.year, found.month, found.day, hour, tzinfo=ZONE))


@dataclass(frozen=True)
class Fact:
    """One row of `Change`; `value` is a text, None (emptied), or for the field `*` a dict of those."""

    entity: str
    record: int
    field: str
    value: Any
    effective: int | None
    recorded: int
    seq: int = 0

    @property
    def text(self) -> str | None:
        if self.field != "*":
            return None if self.value is None else str(self.value)
        return json.dumps({k: MARK if v is None else str(v) for k, v in self.value.items()})


class World:
    """Writes batches of facts and rows, refreshes, and asks."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws

    def empty(self) -> None:
        """Forget everything, generations included."""
        from salesops.records.models import Batch, Change, SourceId
        from salesops.warehouse.refresh import discard

        for entity in entities().values():
            entity.model.objects.all().delete()
        for model in (Change, SourceId, Batch):
            model.objects.all().delete()
        discard(self.ws)

    def batch(self, kind: str = "import") -> Any:
        from django.db import transaction

        from salesops.records.models import Batch
        from salesops.records.writing import next_tick

        with transaction.atomic():
            return Batch.objects.create(kind=kind, status=Batch.LIVE, tick=next_tick(), started=0)

    def write(self, facts: Iterable[Fact], kind: str = "import") -> Any:
        """Facts as one live batch."""
        from salesops.records.models import Change

        batch = self.batch(kind)
        Change.objects.bulk_create(
            Change(
                entity=entities()[f.entity].code, record=f.record, field=f.field, value=f.text, effective=f.effective,
                recorded=f.recorded, seq=f.seq, batch=batch.pk,
            )
            for f in facts
        )  # fmt: skip
        return batch

    def record(self, entity: str, record: int, day: str, **values: Any) -> None:
        """A record that was described on a day, known the same day."""
        self.write([Fact(entity, record, "*", values, at(day), at(day))])

    def set(self, entity: str, record: int, day: str, **values: Any) -> None:
        """Fields that took values on a day."""
        self.write([Fact(entity, record, n, v, at(day), at(day), k) for k, (n, v) in enumerate(values.items())], "edit")

    def row(self, entity: str, record: int, **values: Any) -> None:
        """A row of an interval or event entity."""
        model = entities()[entity].model
        model.objects.create(id=record, system="crm", external_id=str(record), batch=self.batch().pk, **values)

    def stages(self) -> None:
        """New (1) and Demo (2) are open, Won (3) and Lost (4) are closed."""
        for record, (name, kind) in enumerate((("New", "open"), ("Demo", "open"), ("Won", "won"), ("Lost", "lost")), 1):
            self.record("stage", record, "2020-01-01", name=name, kind=kind, position=record, pipeline=1)

    def refresh(self, full: bool = False) -> Any:
        from salesops.warehouse import refresh

        return refresh(self.ws, full=full)

    def ask(self, sql: str, known: date | None = None) -> list[tuple[Any, ...]]:
        """The rows of a question to the current generation."""
        from salesops.warehouse import open_session

        with open_session(self.ws, as_known_on=known) as session:
            return [tuple(row.values()) for row in session.query(sql).to_pylist()]

    def told(self, what: str, record: int) -> list[tuple[Any, ...]]:
        """The columns `what` of a deal's versions, in order."""
        return self.ask(f"SELECT day_from, {what} FROM opportunity WHERE id = {record} ORDER BY day_from")

    def everything(self, known: date | None = None) -> dict[str, list[str]]:
        """Every table's rows as sorted texts: two warehouses are equal when these are."""
        from salesops.warehouse import open_session

        found = {}
        with open_session(self.ws, as_known_on=known) as session:
            for name in sorted(session.manifest.rows):
                if not name.endswith("_late"):
                    found[name] = sorted(
                        str(sorted(r.items())) for r in session.query(f'SELECT * FROM "{name}"').to_pylist()
                    )
        return found


def day(text: str) -> date:
    return date.fromisoformat(text)


FIRST = date(2024, 3, 20)  # the clocks go forward on 31 March
DAYS = [FIRST + timedelta(days=n) for n in range(24)]
