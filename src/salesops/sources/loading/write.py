"""A computed import into the state: chunks under a batch that nobody reads yet, then one transaction that makes it live.

A killed import goes on with the chunk after the last that was committed. Rows of a batch that is not live count nowhere.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import connection, transaction

from salesops.common.progress import Progress, Task
from salesops.records import audit, bulk, history
from salesops.records.access import Actor
from salesops.records.chains import rechain, touched_by
from salesops.records.entities import entities
from salesops.records.models import Batch, Change
from salesops.records.writing import emit, next_tick

FACTS_CHUNK = 200_000
CHANGE = ["entity", "record", "field", "value", "effective", "recorded", "seq", "assumed", "batch"]


def write(
    batch: Any,
    folder: Path,
    actor: Actor,
    outcome: dict[str, Any],
    progress: Progress,
    *,
    computed: int,
    keep: Callable[[], None] = lambda: None,
) -> None:
    """Bring a computed import into the state and make it live.

    `computed` is the tick of the state that it was compared with; `keep` writes what goes live with it (custom fields, value rules).
    """
    chunks = list(_chunks(folder))
    with ThreadPoolExecutor(1) as beside, bulk.roomy(), progress.task("Writing", len(chunks) + 1) as task:
        digest = beside.submit(_digest, folder)
        _write_chunks(batch, chunks, task)
        _go_live(batch, folder, actor, outcome, computed, keep, digest)
        task.advance(1)


def write_facts(batch: Any, folder: Path, progress: Progress) -> None:
    """Bring only the facts of an import into the state, while what else it changes is still being worked out."""
    chunks = [chunk for chunk in _chunks(folder) if chunk.columns is CHANGE]
    with bulk.roomy(), progress.task("Writing history", len(chunks)) as task:
        _write_chunks(batch, chunks, task)


def _write_chunks(batch: Any, chunks: list[_Chunk], task: Task) -> None:
    """Write the chunks that are not written yet, each in a transaction that counts it."""
    task.advance(batch.chunks_done)
    for number, chunk in enumerate(chunks):
        if number < batch.chunks_done:
            continue
        with transaction.atomic():
            chunk.write(batch.pk)
            Batch.objects.filter(pk=batch.pk).update(chunks_done=number + 1, status=Batch.LOADING)
        batch.chunks_done = number + 1
        task.advance(1)


class _Chunk:
    """Some row groups of one file, bound for one table."""

    def __init__(self, path: Path, groups: list[int], table: str, columns: list[str]) -> None:
        self.path, self.groups, self.table, self.columns = path, groups, table, columns

    def write(self, batch: int) -> None:
        file = pq.ParquetFile(self.path)
        for record_batch in file.iter_batches(batch_size=50_000, row_groups=self.groups):
            if "closed_by" in self.columns:
                record_batch = _own(record_batch, batch)
            bulk.insert(self.table, self.columns, bulk.arrow_rows(record_batch, (batch,)))


def _chunks(folder: Path) -> Iterator[_Chunk]:
    """What is written chunk by chunk, always in the same order: facts, then interval and event rows."""
    targets = [(folder / "facts.parquet", "records_change", CHANGE)]
    for entity in entities().values():
        path = folder / f"rows-{entity.name}.parquet"
        if entity.shape != "versioned" and path.exists():
            targets.append((path, entity.table, [*pq.ParquetFile(path).schema_arrow.names, "batch"]))
    for path, table, columns in targets:
        file = pq.ParquetFile(path)
        groups: list[int] = []
        size = 0
        for number in range(file.num_row_groups):
            groups.append(number)
            size += file.metadata.row_group(number).num_rows
            if size >= FACTS_CHUNK:
                yield _Chunk(path, groups, table, columns)
                groups, size = [], 0
        if groups:
            yield _Chunk(path, groups, table, columns)


def _own(rows: pa.RecordBatch, batch: int) -> pa.RecordBatch:
    """`closed_by` 0 means: by a row of this very import."""
    place = rows.schema.get_field_index("closed_by")
    column = rows.column(place)
    own = pc.if_else(pc.equal(column, 0), pa.scalar(batch, column.type), column)
    return rows.set_column(place, "closed_by", own)


def _go_live(
    batch: Any,
    folder: Path,
    actor: Actor,
    outcome: dict[str, Any],
    computed: int,
    keep: Callable[[], None],
    digest: Future[str],
) -> None:
    """One transaction: source ids, current rows, ends of superseded rows, problems, the flip, the audit entry."""
    with transaction.atomic():
        tick = next_tick()
        keep()
        names = ["id", "entity", "system", "external_id", "record"]
        for part in _batches(folder / "source_ids.parquet"):
            bulk.insert_missing("records_sourceid", [*names, "batch"], bulk.arrow_rows(part, (batch.pk,)))
        for entity in entities().values():
            for path in sorted(folder.glob(f"current-{entity.name}-*.parquet")):
                _current(entity, path, batch.pk)
            _ended(entity, folder / f"ended-{entity.name}.parquet", batch.pk)
        _leavings(folder, batch.pk)
        batch.status, batch.tick, batch.finished = Batch.LIVE, tick, time.time_ns() // 1000
        batch.summary = json.dumps({**outcome, "rows": outcome.get("facts", 0) + outcome.get("rows", 0)})
        batch.save()
        if tick != computed + 1:
            _catch_up(computed, batch.pk)
        audit.write(
            actor, "import", batch=batch.pk, rows=outcome.get("facts", 0) + outcome.get("rows", 0),
            detail={"mapping": batch.mapping, "counts": outcome.get("counts", {})}, digest=digest.result(),
        )  # fmt: skip
        emit("import.live", {"batch": batch.pk, "counts": outcome.get("counts", {})})


def _catch_up(computed: int, batch: int) -> None:
    """Somebody edited while the import was computed: current rows and ends of what they touched are worked out anew."""
    others = list(Batch.objects.filter(tick__gt=computed).exclude(pk=batch).values_list("pk", flat=True))
    for entity in entities().values():
        if entity.shape == "versioned":
            changes = Change.objects.filter(entity=entity.code, batch__in=others)
            history.recompute_current(entity, changes.values_list("record", flat=True).distinct())
        else:
            rechain(entity, touched_by(entity, others))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    if path.exists():
        yield from pq.ParquetFile(path).iter_batches(batch_size=50_000)


def _current(entity: Any, path: Path, batch: int) -> None:
    for part in _batches(path):
        bulk.upsert(entity.table, [*part.schema.names, "batch"], "id", bulk.arrow_rows(part, (batch,)))


def _ended(entity: Any, path: Path, batch: int) -> None:
    for part in _batches(path):
        rows = [(ended, ender or batch, row) for row, ended, ender in bulk.arrow_rows(part)]
        mark = "%s" if connection.vendor == "postgresql" else "?"
        sql = f'UPDATE "{entity.table}" SET recorded_to = {mark}, closed_by = {mark} WHERE "row" = {mark}'
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.executemany(sql, rows)
            else:
                cursor.connection.executemany(sql, rows)


def _leavings(folder: Path, batch: int) -> None:
    """The bad rows and the conflicts, kept beside the batch."""
    for part in _batches(folder / "problems.parquet"):
        bulk.insert("records_rowerror", [*part.schema.names, "batch"], bulk.arrow_rows(part, (batch,)))
    for part in _batches(folder / "conflicts.parquet"):
        bulk.insert(
            "records_importconflict", [*part.schema.names, "batch", "resolved"], bulk.arrow_rows(part, (batch, ""))
        )


def _digest(folder: Path) -> str:
    """A digest of everything that was written, in the order in which it was written."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
