"""What a person can do with imports: run one (or only look what it would do), list them, see their bad rows, undo one.

An import is one batch. It is computed from staged files before anything is written, written in chunks that nobody reads, and made
live by one transaction; a killed import is taken up again by importing the same files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from django.db import DatabaseError, connection, transaction

from salesops.common.errors import Conflict, InvalidData, NotFound, Problem, SalesopsError, UsageError, WorkspaceError
from salesops.common.locks import exclusive
from salesops.common.progress import Progress, Silent
from salesops.records import access, approvals, audit, context, history
from salesops.records.access import Actor
from salesops.records.approvals import Line, Plan, Waiting
from salesops.records.chains import rechain, touched_by
from salesops.records.entities import Field, entities
from salesops.records.models import Batch, Change, CustomField, MappingText, RowError, ValueRule
from salesops.records.names import drop_unused
from salesops.records.writing import current_tick, emit, new_batch, next_tick
from salesops.workspace import Workspace

from . import ready, suggest
from .loading.compute import Computation, Job
from .loading.write import write, write_facts
from .mapping import Mapping, Part, Source, StageRow, load_mapping, parse_mapping, render_mapping
from .native import is_native, native_file, native_mapping
from .reading import ReadOptions, StagedFile, stage
from .reading.engine import FULL, says_full

MANY = 1_000_000  # facts from which on writing them and working out the rest go on side by side
READABLE = {".csv", ".tsv", ".txt", ".xlsx", ".xls", ".xlsm", ".parquet", ".jsonl", ".ndjson", ".xes", ".gz"}


@dataclass(frozen=True)
class ImportResult:
    """What an import did, or (dry run) would do."""

    batch: int | None
    status: str  # live | unchanged | dry_run | resumed
    mapping: str
    system: str
    mode: str
    file_date: date
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    facts: int = 0
    rows: int = 0
    errors: int = 0
    warnings: int = 0
    conflicts: int = 0
    ignored_files: list[str] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    mapping_text: str = ""
    notes: list[str] = field(default_factory=list)
    preview: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "file_date": str(self.file_date)}


def import_files(
    workspace: Workspace,
    actor: Actor,
    paths: Sequence[Path | str],
    *,
    mapping: str = "",
    system: str = "",
    mode: str = "delta",
    file_date: date | None = None,
    dry_run: bool = False,
    options: ReadOptions | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Import files together, as one batch.

    `mapping` is a path, the name of a mapping of the workspace or of a ready one; without it the files are recognised, or a mapping is suggested
    and kept. `mode` `snapshot` says that absent rows are gone as of the file's date. Raises InvalidData (with every problem) when a file
    cannot be read at all, Busy when another import does not finish.
    """
    access.require(actor, "import")
    if mode not in ("delta", "snapshot"):
        raise UsageError(f"mode {mode!r} is unknown", remedy="Use delta or snapshot")
    files = _files(paths)
    asked = _Import(workspace, actor, files, mapping, system, mode, file_date, options, progress or Silent())
    with (
        _clear_failures(),
        exclusive(workspace.path / "import.lock", wait=600, what="another import"),
        _database_lock(),
    ):
        return asked.run(dry_run)


@contextmanager
def _clear_failures() -> Iterator[None]:
    """A full disk is told as such, whoever notices it: the operating system, DuckDB or the database."""
    try:
        yield
    except SalesopsError:
        raise
    except Exception as error:
        if not _disk_is_full(error):
            raise
        raise WorkspaceError(
            "there is no room left to write: the disk is full, or a file may not grow any further; nothing was imported",
            remedy="Free some space on the disk of the workspace (and of its database), then import the same files again",
        ) from error


def _disk_is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return isinstance(error, (DatabaseError, duckdb.Error, OSError)) and says_full(error)


def _files(paths: Sequence[Path | str]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = [p for p in sorted(path.iterdir()) if p.suffix.lower() in READABLE and not p.name.startswith(".")]
            if not inside:
                raise UsageError(
                    f"{path} holds no file to import", remedy=f"Known endings: {', '.join(sorted(READABLE))}"
                )
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise NotFound(f"there is no file {path}", remedy="Check the path")
    if not found:
        raise UsageError("no file to import", remedy="Name files or folders")
    return found


class _DatabaseLock:
    """On PostgreSQL, imports of other machines wait too (a session-level advisory lock)."""

    KEY = 7_301_986

    def __enter__(self) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [self.KEY])

    def __exit__(self, *_: object) -> None:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [self.KEY])


def _database_lock() -> _DatabaseLock:
    return _DatabaseLock()


class _Import:
    """One import under way."""

    def __init__(
        self,
        workspace: Workspace,
        actor: Actor,
        files: list[Path],
        mapping: str,
        system: str,
        mode: str,
        file_date: date | None,
        options: ReadOptions | None,
        progress: Progress,
    ) -> None:
        self.workspace, self.actor, self.files, self.progress = workspace, actor, files, progress
        self.wanted, self.system, self.mode, self.file_date = mapping, system, mode, file_date
        self.options = replace(options or ReadOptions(), time_zone=workspace.config.time_zone)
        self.notes: list[str] = []
        self._digest = b""
        self._kept: Mapping | None = None

    # -- what is asked for --------------------------------------------------------------------------------------------

    def fingerprint(self) -> str:
        """Of everything that the result depends on besides the state."""
        digest = hashlib.sha256(self._content())
        named = self._named_mapping()
        own = {(r.entity, r.field, r.found, r.becomes) for r in named.rules} if named else set()
        stored = ValueRule.objects.values_list("entity", "field", "found", "becomes", "system")
        rules = sorted(str(row) for row in stored if row[:4] not in own)
        words = [
            render_mapping(named) if named else "",
            self.system,
            self.mode,
            str(self.file_date or ""),
            repr(self.options),
        ]
        digest.update(json.dumps([*words, rules]).encode())
        return digest.hexdigest()

    def _content(self) -> bytes:
        """A digest of the files' names and contents, read once."""
        if not self._digest:
            digest = hashlib.sha256()
            for path in self.files:
                digest.update(path.name.encode())
                with path.open("rb") as source:
                    while block := source.read(1 << 20):
                        digest.update(block)
            self._digest = digest.digest()
        return self._digest

    def _named_mapping(self) -> Mapping | None:
        if not self.wanted:
            return None
        path = Path(self.wanted)
        if path.suffix == ".toml" and path.exists():
            return load_mapping(path)
        own = self.workspace.mappings / f"{self.wanted.removesuffix('.toml')}.toml"
        if own.exists():
            return load_mapping(own)
        if found := ready.ready_mappings().get(self.wanted):
            return found
        names = sorted({p.stem for p in self.workspace.mappings.glob("*.toml")} | set(ready.ready_mappings()))
        raise NotFound(f"there is no mapping {self.wanted!r}", remedy=f"Mappings: {', '.join(names) or 'none yet'}")

    # -- the run ------------------------------------------------------------------------------------------------------

    def run(self, dry_run: bool) -> ImportResult:
        fingerprint = self.fingerprint()
        if not dry_run:
            if earlier := Batch.objects.filter(fingerprint=fingerprint, status=Batch.LIVE).first():
                self._sweep()
                return self._unchanged(earlier)
            if resumed := self._resume(fingerprint):
                return resumed
            self._sweep()
        folder = self.workspace.work / f"import-{fingerprint[:16]}{'-dry' if dry_run else ''}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            return self._anew(folder, fingerprint, dry_run)
        except BaseException as error:
            if dry_run or isinstance(error, Exception):
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def _sweep(self) -> None:
        """Remove what killed imports left in the working folder; the lock says that none is under way."""
        for left in self.workspace.work.glob("import-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _anew(self, folder: Path, fingerprint: str, dry_run: bool) -> ImportResult:
        staged = self._stage(folder / "staged")
        mapping = self._mapping(staged)
        day = self.file_date or max(date.fromisoformat(s.file_date) for s in staged)
        declared = self._custom(mapping, staged)
        tick = current_tick()
        zone = self.workspace.config.time_zone
        work = Computation(Job(tuple(staged), mapping, self.mode, day, zone, folder / "out", declared), self.progress)

        def opened() -> Any:
            with transaction.atomic():
                return new_batch(
                    "import", self.actor, system=mapping.system, mode=self.mode, mapping=mapping.name,
                    fingerprint=fingerprint, file_date=day,
                )  # fmt: skip

        batch = None
        if work.facts().facts >= MANY and not dry_run:
            batch = opened()
            self._together(work, batch, folder / "out")
        else:
            work.finish()
        outcome = work.outcome.to_dict()
        if count := outcome["reread"]:
            values = "1 earlier value" if count == 1 else f"{count:,} earlier values"
            self.notes.append(f"Value rules read {values} anew, with effect from when they held")
        result = self._result(mapping, day, staged, outcome, folder / "out")
        if outcome["ignored_files"] and len(outcome["ignored_files"]) == len(staged):
            raise InvalidData(
                f"the mapping {mapping.name} reads none of these files", remedy="Check its `match` patterns"
            )
        if dry_run:
            shutil.rmtree(folder, ignore_errors=True)
            return replace(result, status="dry_run")
        if not (outcome["facts"] or outcome["rows"] or outcome["errors"] or outcome["conflicts"]):
            shutil.rmtree(folder, ignore_errors=True)
            return replace(result, status="unchanged")
        batch = batch or opened()
        marker = {
            "batch": batch.pk,
            "tick": tick,
            "outcome": outcome,
            "mapping": result.mapping_text,
            "declared": [[entity, f.name, f.kind] for entity, fields in declared.items() for f in fields],
        }
        (folder / "ready.json.new").write_text(json.dumps(marker), encoding="utf-8")
        (folder / "ready.json.new").rename(folder / "ready.json")
        return self._finish(batch, folder, result, marker)

    def _together(self, work: Computation, batch: Any, out: Path) -> None:
        """Write the facts of a large import while DuckDB works out the rest: the two use different processors.

        A kill in between leaves a batch without `ready.json`, which the next import gives up.
        """
        with _taken_back(batch), ThreadPoolExecutor(1) as pool:
            rest = pool.submit(work.finish)
            try:
                write_facts(batch, out, self.progress)
            except BaseException:
                work.con.interrupt()
                raise
            rest.result()

    def _finish(self, batch: Any, folder: Path, result: ImportResult, marker: dict[str, Any]) -> ImportResult:
        """Write a computed import. What fails on the way is taken back, now or, where even that fails, by the next import."""
        mapping = parse_mapping(result.mapping_text)

        def keep() -> None:
            self._declare(marker["declared"])
            self._keep_mapping(mapping, result.mapping_text)
            batch.fingerprint = self.fingerprint()  # with the value rules that it brought

        with _taken_back(batch):
            write(
                batch, folder / "out", self.actor, marker["outcome"], self.progress, computed=marker["tick"], keep=keep
            )
        self._write_mapping(mapping.name, result.mapping_text)
        shutil.rmtree(folder, ignore_errors=True)
        return replace(result, batch=batch.pk)

    def _unchanged(self, batch: Any) -> ImportResult:
        if text := MappingText.objects.filter(name=batch.mapping).values_list("content", flat=True).first():
            self._write_mapping(batch.mapping, text)  # a killed import may have gone live without it
        return ImportResult(
            batch.pk, "unchanged", batch.mapping, batch.system, batch.mode, batch.file_date,
            notes=[f"These files are in already, as batch {batch.pk}; nothing changed"],
        )  # fmt: skip

    def _resume(self, fingerprint: str) -> ImportResult | None:
        """Take up a killed import of the same files; other unfinished ones are given up and their rows removed."""
        for batch in Batch.objects.filter(kind="import", status__in=[Batch.STAGED, Batch.LOADING]):
            folder = self.workspace.work / f"import-{batch.fingerprint[:16]}"
            marker = folder / "ready.json"
            values = json.loads(marker.read_text(encoding="utf-8")) if marker.exists() else {}
            if (
                batch.fingerprint == fingerprint
                and values.get("batch") == batch.pk
                and values["tick"] == current_tick()
            ):
                outcome = values["outcome"]
                assert batch.file_date is not None
                mapping = parse_mapping(values["mapping"])
                counts = {k: outcome[k] for k in ("counts", "facts", "rows", "errors", "warnings", "conflicts")}
                result = ImportResult(
                    batch.pk, "resumed", mapping.name, mapping.system, batch.mode, batch.file_date, **counts,
                    mapping_text=values["mapping"], notes=["Went on with an import that had been interrupted"],
                )  # fmt: skip
                return self._finish(batch, folder, result, values)
            _give_up(batch)
            shutil.rmtree(folder, ignore_errors=True)
        return None

    # -- steps --------------------------------------------------------------------------------------------------------

    def _stage(self, folder: Path) -> list[StagedFile]:
        staged, problems = [], []
        for number, path in enumerate(self.files):
            try:
                native = None if self.wanted else native_file(path)
                staged.append(native or stage(path, folder / str(number), self.options, self.progress))
            except InvalidData as error:
                if error.__cause__ is not None and _disk_is_full(error.__cause__):
                    raise error.__cause__ from None
                problems += list(error.problems) or [Problem(path.name, None, None, str(error), error.remedy)]
        if problems:
            raise InvalidData(
                "some files cannot be read", remedy="Correct or leave out these files", problems=tuple(problems)
            )
        return staged

    def _mapping(self, staged: list[StagedFile]) -> Mapping:
        columns = {s.source: [c.name for c in s.columns] for s in staged}
        mapping = self._named_mapping()
        if mapping is None and is_native(columns):
            self.notes.append("Recognised the public import format")
            return native_mapping(columns, self.system or "salesops")
        if mapping is None and (mapping := self._used_before(staged)):
            self.notes.append(f"Read with the mapping {mapping.name}, which read files of these names before")
        if mapping is None and (found := ready.recognise(columns)):
            mapping, score, reasons = found
            self.notes.append(f"Recognised {mapping.name} ({score:.0%}): {'; '.join(reasons)}")
        if mapping is None:
            suggested = suggest.suggest(staged, self.system or None)
            mapping = replace(suggested.mapping, **self._named_after_folder())
            self.notes += ["Suggested a mapping from names and content; look it over", *suggested.notes]
        else:
            prepared = ready.prepare(mapping, staged)
            self._kept = replace(prepared.mapping, parts=mapping.parts)
            mapping = prepared.mapping
            self.notes += prepared.notes
        mapping = replace(mapping, parts=tuple(self._with_currency(p, staged) for p in mapping.parts))
        return replace(mapping, system=self.system) if self.system else mapping

    def _with_currency(self, part: Part, staged: list[StagedFile]) -> Part:
        """Amounts written with a currency (`EUR 1,200`, `Amount (EUR)`) have it, where no column says which."""
        entity = entities()[part.entity]
        if "currency" in part.fields or "currency" not in entity.by_name or part.history:
            return part
        columns = {c.name: c for s in staged if part.takes(s.source) for c in s.columns}
        amounts = [
            s.column for n, s in part.fields.items() if n in entity.by_name and entity.by_name[n].kind == "money"
        ]
        found = {columns[c].currency for c in amounts if c in columns and columns[c].currency}
        if len(found) != 1:
            return part
        currency = str(found.pop())
        self.notes.append(f"amounts of {part.entity} are written in {currency}")
        return replace(part, fields={**part.fields, "currency": Source(value=currency)})

    def _used_before(self, staged: list[StagedFile]) -> Mapping | None:
        """The workspace's own mapping that reads every one of these files: next month's export keeps its system and ids."""
        for path in sorted(self.workspace.mappings.glob("*.toml")):
            mapping = load_mapping(path)
            if self.system and mapping.system != self.system:
                continue
            if all(mapping.parts_for(s.source) for s in staged) and not ready.prepare(mapping, staged).missing:
                return mapping
        return None

    def _named_after_folder(self) -> dict[str, Any]:
        """A mapping of several files is named after their folder rather than after the first of them."""
        folders = {path.resolve().parent.name for path in self.files}
        if len(self.files) < 2 or len(folders) > 1:
            return {}
        name = "".join(ch if ch.isalnum() else "_" for ch in folders.pop().lower()).strip("_")
        return {"name": name, "system": self.system or name} if name else {}

    def _custom(self, mapping: Mapping, staged: list[StagedFile]) -> dict[str, tuple[Field, ...]]:
        """Columns mapped to `custom.<name>` that nobody declared yet, with the kind that their content shows."""
        known = set(CustomField.objects.values_list("entity", "name"))
        kinds = {"number": "scaled:6", "percent": "scaled:6", "money": "scaled:6", "empty": "text"}
        wanted: dict[tuple[str, str], Field] = {}
        for part in mapping.parts:
            for name, source in part.fields.items():
                if not name.startswith("custom.") or (part.entity, name[7:]) in known:
                    continue
                profiles = [c for s in staged if part.takes(s.source) for c in s.columns if c.name == source.column]
                kind = profiles[0].kind if profiles else "text"
                wanted[(part.entity, name[7:])] = Field(name[7:], kinds.get(kind, kind), custom=True)
        return {entity: tuple(f for (e, _), f in wanted.items() if e == entity) for entity in {e for e, _ in wanted}}

    def _declare(self, declared: list[list[str]]) -> None:
        """Custom fields become known in the transaction in which the import goes live."""
        fresh = [d for d in declared if not CustomField.objects.filter(entity=d[0], name=d[1]).exists()]
        for entity, name, kind in fresh:
            CustomField.objects.create(entity=entity, name=name, kind=kind, title=name)
        if fresh:
            detail = {"fields": [f"{entity}.{name}" for entity, name, _ in fresh]}
            audit.write(self.actor, "declare_fields", rows=len(fresh), detail=detail)

    def _result(
        self, mapping: Mapping, day: date, staged: list[StagedFile], outcome: dict[str, Any], out: Path
    ) -> ImportResult:
        stages = tuple(StageRow(**s) for s in outcome["stages"])
        text = render_mapping(replace(self._kept or mapping, system=mapping.system, stages=stages))
        return ImportResult(
            None, "live", mapping.name, mapping.system, self.mode, day, outcome["counts"], outcome["facts"], outcome["rows"],
            outcome["errors"], outcome["warnings"], outcome["conflicts"], outcome["ignored_files"],
            [_file_summary(s) for s in staged], text, self.notes, _preview(out), _problems(out),
        )  # fmt: skip

    def _keep_mapping(self, mapping: Mapping, text: str) -> None:
        """The mapping as used, and its value rules, which later imports apply as well."""
        MappingText.objects.update_or_create(name=mapping.name, defaults={"content": text, "updated": context.clock()})
        for rule in mapping.rules:
            ValueRule.objects.update_or_create(
                entity=rule.entity,
                field=rule.field,
                system=mapping.system,
                found=rule.found,
                defaults={"becomes": rule.becomes},
            )

    def _write_mapping(self, name: str, text: str) -> None:
        """The mapping is kept as a text file (an existing file of that name stays as people wrote it)."""
        path = self.workspace.mappings / f"{name}.toml"
        if not path.exists():
            part = path.with_suffix(".toml.new")
            part.write_text(text, encoding="utf-8")
            part.rename(path)


def _file_summary(staged: StagedFile) -> dict[str, Any]:
    """What was detected in a file, for people to check."""
    return {
        "file": staged.source,
        "format": staged.format,
        "encoding": staged.encoding,
        "delimiter": staged.delimiter,
        "rows": staged.rows,
        "rejected": staged.rejected,
        "file_date": staged.file_date,
        "columns": [
            {
                k: v
                for k, v in c.to_dict().items()
                if k in ("name", "kind", "date_format", "decimal", "currency", "certain", "note", "examples")
            }
            for c in staged.columns
        ],
    }


def _preview(out: Path) -> list[dict[str, Any]]:
    """The first rows that each entity would get."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for path in sorted([*out.glob("current-*-0.parquet"), *out.glob("rows-*.parquet")]):
        name = path.stem.split("-")[1]
        head = next(pq.ParquetFile(path).iter_batches(batch_size=5), None)
        for row in head.to_pylist() if head else []:
            rows.append({"entity": name, **{k: v for k, v in row.items() if v not in (None, "", "{}")}})
    return rows


def _problems(out: Path, limit: int = 1000) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    head = next(pq.ParquetFile(out / "problems.parquet").iter_batches(batch_size=limit), None)
    return list(head.to_pylist()) if head else []


@contextmanager
def _taken_back(batch: Any) -> Iterator[None]:
    """Remove what was written of an import that fails. Where even that fails (a full disk), the next import does it."""
    try:
        yield
    except Exception:
        with suppress(DatabaseError, OSError):
            _give_up(batch)
        raise


def _give_up(batch: Any) -> None:
    """Remove the rows of an import that will not be taken up again."""
    with transaction.atomic():
        Change.objects.filter(batch=batch.pk).delete()
        for entity in entities().values():
            if entity.shape != "versioned":
                entity.model.objects.filter(batch=batch.pk).delete()
        Batch.objects.filter(pk=batch.pk).update(status=Batch.FAILED)


def list_imports(actor: Actor) -> list[dict[str, Any]]:
    """Every import, latest first."""
    access.require(actor, "import")
    rows = Batch.objects.filter(kind__in=["import", "demo"]).order_by("-id").values()
    return [{**row, "summary": json.loads(row["summary"] or "{}")} for row in rows]


def row_errors(actor: Actor, batch: int, limit: int = 100, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The bad rows of an import and their number."""
    access.require(actor, "import")
    found = RowError.objects.filter(batch=batch).order_by("id")
    return [dict(row) for row in found.values()[offset : offset + limit]], found.count()


def undo_import(
    workspace: Workspace,
    actor: Actor,
    batch_id: int,
    *,
    also: Callable[[dict[str, Any]], None] | None = None,
    wait: float = 600,
    note: str = "",
) -> dict[str, Any] | Waiting:
    """Take an import back: its facts and rows count no longer, what it had ended is open again. The undo is audited.

    `also` is called with the result inside the transaction: what it writes stands or falls with the undo. It may need approval: then
    nothing is undone yet. Raises NotFound for an unknown import, Conflict for one that is not live, Busy when another import goes on
    for `wait` seconds.
    """
    access.require(actor, "undo_import")
    batch = _live_import(batch_id)
    held = {"batch": batch_id}
    rows = json.loads(batch.summary or "{}").get("rows") or 0
    lines = [Line(f"import {batch_id} ({batch.mapping or batch.kind}, {rows} rows)", "live", "undone")]
    plan = Plan("import_undo", f"Undo import {batch_id}", "import", str(batch_id), held, undo_base(held), lines)
    done: dict[str, Any] | Waiting = approvals.through(
        actor, plan, lambda decided: undo_at_once(workspace.path, actor, batch_id, decided, also=also, wait=wait), note
    )
    if isinstance(done, Waiting) and also is not None:
        with transaction.atomic():
            also(done.to_dict())
    return done


def _live_import(batch_id: int) -> Any:
    batch = Batch.objects.filter(pk=batch_id, kind__in=["import", "demo"]).first()
    if batch is None:
        raise NotFound(f"there is no import {batch_id}", remedy="salesops import list")
    if batch.status != Batch.LIVE:
        raise Conflict(f"import {batch_id} is {batch.status}, not live", remedy="Only a live import can be undone")
    return batch


def undo_base(held: dict[str, Any]) -> str:
    """What an undo leans on: the import as it is."""
    return audit.digest_of(list(Batch.objects.filter(pk=held["batch"]).values_list("status", "tick")))


def undo_at_once(
    folder: Path,
    actor: Actor,
    batch_id: int,
    decided: Callable[[], None],
    *,
    also: Callable[[dict[str, Any]], None] | None = None,
    wait: float = 600,
) -> dict[str, Any]:
    """Undo an import under the locks of imports and of writers."""
    access.require(actor, "undo_import")
    with (
        exclusive(folder / "import.lock", wait=wait, what="another import"),
        _database_lock(),
        transaction.atomic(),
    ):
        batch = _live_import(batch_id)
        decided()
        batch.status, batch.tick = Batch.UNDONE, next_tick()
        batch.save(update_fields=["status", "tick"])
        counts = {e.name: _undo_entity(e, batch_id) for e in entities().values()}
        counts = {name: count for name, count in counts.items() if count}
        drop_unused()
        audit.write(actor, "undo_import", batch=batch_id, rows=sum(counts.values()), detail={"counts": counts})
        emit("import.undone", {"batch": batch_id})
        done = {"batch": batch_id, "status": "undone", "counts": counts}
        if also is not None:
            also(done)
    return done


def _undo_entity(entity: Any, batch: int) -> int:
    if entity.shape == "versioned":
        ids = list(Change.objects.filter(batch=batch, entity=entity.code).values_list("record", flat=True).distinct())
        history.recompute_current(entity, ids)
        return len(ids)
    count = int(entity.model.objects.filter(batch=batch).count())
    rechain(entity, touched_by(entity, [batch]))
    return count
