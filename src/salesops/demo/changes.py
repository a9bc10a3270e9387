"""The history of one entity's records: changes gathered field by field, then put in order with both times."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from salesops.demo.columns import ids, instants, micro_hash, words
from salesops.demo.days import DAY, MICROS, Flags, Ints


@dataclass
class Changes:
    """Changes under way. `late` of them are recorded later than they happened, by `late_days` in the mean."""

    entity: str
    closing: int
    late: float = 0.0
    late_days: float = 2.5
    _fields: list[str] = field(default_factory=list)
    _parts: list[tuple[Ints, Ints, Ints, pa.Array]] = field(default_factory=list)

    def add(self, name: str, record: Ints, effective: Ints, value: pa.Array, where: Flags | None = None) -> None:
        """Add changes of one field; those after the closing instant are dropped, like those outside `where`."""
        keep = effective <= self.closing
        if where is not None:
            keep &= where
        chosen = np.flatnonzero(keep)
        if name not in self._fields:
            self._fields.append(name)
        code = np.full(len(chosen), self._fields.index(name), dtype=np.int64)
        texts = value.take(pa.array(chosen)) if len(chosen) < len(value) else value
        self._parts.append((record[chosen], effective[chosen], code, texts.cast(pa.string())))

    def cut(self, record_end: Ints, first: int) -> None:
        """Drop what happened after its record's end; `record_end[i]` is that of record `first + i`."""
        kept = []
        for record, effective, code, texts in self._parts:
            keep = np.flatnonzero(effective <= record_end[record - first])
            kept.append((record[keep], effective[keep], code[keep], texts.take(pa.array(keep))))
        self._parts = kept

    @property
    def count(self) -> int:
        """Changes so far."""
        return sum(len(record) for record, *_ in self._parts)

    def thin(self, names: tuple[str, ...], surplus: int, rng: np.random.Generator) -> None:
        """Drop about `surplus` changes of the named fields, evenly."""
        codes = [self._fields.index(name) for name in names if name in self._fields]
        droppable = sum(len(part[0]) for part in self._parts if len(part[2]) and part[2][0] in codes)
        if not droppable or surplus <= 0:
            return
        share = max(0.0, 1 - surplus / droppable)
        for number, (record, effective, code, texts) in enumerate(self._parts):
            if len(code) and code[0] in codes:
                keep = np.flatnonzero(rng.random(len(code)) < share)
                self._parts[number] = (record[keep], effective[keep], code[keep], texts.take(pa.array(keep)))

    def table(self) -> pa.Table:
        """The rows of the history file, ordered by record, time and the order in which they were added."""
        if not self._parts:
            return self._rows(*(np.zeros(0, dtype=np.int64),) * 3, pa.array([], pa.string()))
        record, effective, code = (np.concatenate([part[i] for part in self._parts]) for i in range(3))
        texts = pa.chunked_array([part[3] for part in self._parts]).combine_chunks()
        order = np.lexsort((effective, record))
        return self._rows(record[order], effective[order], code[order], texts.take(pa.array(order)))

    def _rows(self, record: Ints, effective: Ints, code: Ints, texts: pa.Array) -> pa.Table:
        starts = np.flatnonzero(np.diff(record, prepend=-1) != 0)
        within = np.arange(len(record)) - np.repeat(starts, np.diff(np.append(starts, len(record))))
        return pa.table(
            {
                "id": ids(self.entity, record),
                "field": words(code, self._fields or ["-"]),
                "value": texts,
                "effective": instants(effective),
                "recorded": instants(self._recorded(record, effective)),
                "seq": pa.array(within + 1, pa.int64()),
            }
        )

    def _recorded(self, record: Ints, effective: Ints) -> Ints:
        """When each change was entered: at once, or late; what happened at one moment was entered at one moment."""
        chance = micro_hash(record, effective)
        is_late = chance < self.late
        part = np.clip(chance / self.late if self.late else chance, 1e-6, 1 - 1e-6)
        delay = (-np.log(part) * self.late_days * DAY).astype(np.int64) // MICROS * MICROS
        return np.where(is_late, np.minimum(effective + delay, self.closing), effective)
