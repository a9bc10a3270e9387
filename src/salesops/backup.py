"""Backup and restore of a workspace: one file that holds configuration, mappings, state, warehouse and forecasts of one moment.

The file is a zip archive with `manifest.json`: what it holds, each file's size and SHA-256, the clock's tick and the
head of the audit log. The warehouse generation is captured before the state, so that it never knows more than it.
The archive appears under its name only when it is whole; a restore unpacks beside the target, checks every digest, and
renames. Killed at any point, either leaves nothing in place but a hidden folder that the next run clears.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from salesops import __version__, backup_tables
from salesops.common.errors import Busy, Conflict, InvalidData, NotFound, WorkspaceError
from salesops.common.locks import exclusive
from salesops.common.progress import Progress, Silent
from salesops.workspace import CONFIG, Workspace, read_config

FORMAT = 1
MANIFEST = "manifest.json"
STATE = "state.sqlite"
FORECASTS = "forecasts"
_PIECE = 1 << 20
_LARGEST_MANIFEST = 64 << 20


@dataclass(frozen=True)
class Backup:
    """What a backup holds."""

    file: Path
    bytes: int
    files: int
    tick: int
    generation: str
    audit_head: str


@dataclass(frozen=True)
class Restored:
    """What a restore put in place."""

    folder: Path
    tick: int
    generation: str
    audit_head: str


# Backup


def backup(
    workspace: Workspace,
    target: Path | str,
    *,
    actor: Any = None,
    warehouse: bool = True,
    progress: Progress | None = None,
) -> Backup:
    """Write a backup of the workspace, taken at one moment while others work on, to the file `target`.

    Without `warehouse` the restored workspace builds it anew (`salesops refresh`). The file holds secrets, so only its
    owner reads it. Raises Conflict when it is there already, NotFound when its folder is not there (a slip of the pen must not
    put it where nobody looks for it), NotAllowed when the actor (default: the owner's account) may not make it.
    """
    from salesops.records import access

    actor = actor or access.actor_for(workspace)
    access.require(actor, "backup")
    file = Path(target).expanduser().resolve()
    if file.exists():
        raise Conflict(f"{file.name} exists already", remedy="Choose another name")
    if not file.parent.is_dir():
        raise NotFound(f"there is no folder {file.parent}", remedy="Create it first, or name another one")
    _audit(actor, file.name)
    workspace.work.mkdir(exist_ok=True)
    for left in workspace.work.glob("backup-*"):  # of a backup that was killed
        if time.time() - left.stat().st_mtime > 86_400:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="backup-", dir=workspace.work))
    partial = file.with_name(f".{file.name}.part-{os.getpid()}")
    try:
        shutil.copy2(workspace.path / CONFIG, folder / CONFIG)
        if workspace.mappings.is_dir():
            shutil.copytree(workspace.mappings, folder / "mappings")
        _capture_forecasts(workspace.path / FORECASTS, folder / FORECASTS)
        generation = _capture_warehouse(workspace, folder) if warehouse else ""
        manifest = _capture_state(workspace, folder) | {"generation": generation}
        _pack(folder, partial, manifest, progress or Silent())
        os.replace(partial, file)
        _sync(file.parent)
    except (OSError, sqlite3.Error) as error:
        raise _unwritten("backup", error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        partial.unlink(missing_ok=True)
    count = len(manifest["files"])
    return Backup(file, file.stat().st_size, count, manifest["tick"], generation, manifest["audit_head"])


def _unwritten(what: str, error: Exception) -> WorkspaceError:
    reason = getattr(error, "strerror", None) or str(error)
    return WorkspaceError(f"the {what} cannot be written: {reason}", remedy="Make room, or choose another folder")


def _audit(actor: Any, name: str) -> None:
    """The entry is written first, so that the backup holds it."""
    from django.db import transaction

    from salesops.records import audit

    with transaction.atomic():
        audit.write(actor, "backup", detail={"file": name})


def _capture_warehouse(workspace: Workspace, folder: Path) -> str:
    """Link (or copy) the files of the current generation; gives its name, '' when there is none."""
    source, into = workspace.warehouse, folder / "warehouse"
    for _attempt in range(20):
        shutil.rmtree(into, ignore_errors=True)
        with suppress(FileNotFoundError):
            name = (source / "CURRENT").read_text(encoding="utf-8").strip()
            (into / "files").mkdir(parents=True)
            shutil.copy2(source / f"{name}.json", into / f"{name}.json")
            manifest = json.loads((into / f"{name}.json").read_text(encoding="utf-8"))
            for table in manifest["tables"].values():
                for file in {*table["base"], table.get("delta", ""), table.get("mask", "")} - {""}:
                    _link(source / "files" / file, into / "files" / file)
            (into / "CURRENT").write_text(name, encoding="utf-8")
            return name
        if not (source / "CURRENT").exists():
            return ""
        time.sleep(0.2)  # a refresh has just swept this generation away: take the newer one
    raise WorkspaceError("the warehouse is incomplete", remedy="salesops refresh --full, then back up again")


def _capture_forecasts(source: Path, into: Path) -> None:
    """Link (or copy) the stored forecasts and back-tests: each is whole and never changes; what is being written, or swept, is left out."""
    for file in sorted(source.glob("[0-9]*/*")) + sorted(source.glob("backtest/[0-9]*")):
        with suppress(FileNotFoundError):
            _link(file, into / file.relative_to(source))
    for folder in into.glob("[0-9]*"):
        if len(list(folder.iterdir())) < 2:  # it was swept away meanwhile
            shutil.rmtree(folder)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(source, target)


def _capture_state(workspace: Workspace, folder: Path) -> dict[str, Any]:
    """Copy the state as of one moment, and every other SQLite file of the workspace (jobs)."""
    for file in sorted(workspace.path.glob("*.sqlite")):
        if file.name != STATE:
            _copy_sqlite(file, folder / file.name)
    about: dict[str, Any] = {"format": FORMAT, "version": __version__, "created": time.time_ns() // 1000}
    if workspace.database_url:
        return about | {"state": "postgresql"} | backup_tables.dump(workspace.database_url, folder / "tables")
    _copy_sqlite(workspace.path / STATE, folder / STATE)
    with closing(sqlite3.connect(folder / STATE)) as connection:
        return about | {"state": "sqlite"} | backup_tables.facts(lambda sql: connection.execute(sql).fetchall())


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's online backup in one step: a single read transaction, while writers go on."""
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=60)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new, pages=-1)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, no side files


def _pack(folder: Path, partial: Path, manifest: dict[str, Any], progress: Progress) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed: dict[str, dict[str, Any]] = {}
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out, progress.task("Writing", len(files)) as task:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in files:
                name = path.relative_to(folder).as_posix()
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_STORED if path.suffix == ".parquet" else zipfile.ZIP_DEFLATED
                with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as member:
                    listed[name] = _copy(source, member)
                task.advance()
            manifest["files"] = listed
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        out.flush()
        os.fsync(out.fileno())


def _copy(source: IO[bytes], target: IO[bytes], limit: int | None = None) -> dict[str, Any]:
    """Copy a stream and give its size and SHA-256; stops one piece after `limit`."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(_PIECE):
        digest.update(piece)
        size += len(piece)
        target.write(piece)
        if limit is not None and size > limit:
            break
    return {"bytes": size, "sha256": digest.hexdigest()}


# Restore


def restore(file: Path | str, folder: Path | str, *, progress: Progress | None = None) -> Restored:
    """Put the workspace of a backup into `folder`, which must be missing or empty.

    State of PostgreSQL goes into the empty database that `DATABASE_URL` (or the backup's configuration) names. Raises
    InvalidData when the file is damaged or no backup, Conflict when the target holds something.
    """
    archive, target = Path(file).expanduser().resolve(), Path(folder).expanduser().resolve()
    if not archive.is_file():
        raise NotFound(f"there is no file {file}", remedy="Name the file that salesops backup wrote")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(f"{target.name} is not empty", remedy="Restore into a new or empty folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.restoring")
    beside.mkdir(exist_ok=True)
    lock = beside / "restore.lock"
    try:
        with exclusive(lock, what="another restore"):
            _clear(beside, lock)  # of a restore that was killed
            manifest = _unpack(archive, beside, progress or Silent())
            url = _database(beside, manifest)
            _place(beside, target, lock, url, manifest)
    except Busy:
        raise
    except Exception as error:
        if beside.exists():
            with suppress(OSError), exclusive(lock):
                shutil.rmtree(beside, ignore_errors=True)
        if isinstance(error, (OSError, sqlite3.Error)):
            raise _unwritten("restored workspace", error) from error
        raise
    return Restored(target, manifest["tick"], manifest["generation"], manifest["audit_head"])


def _clear(folder: Path, lock: Path) -> None:
    for path in folder.iterdir():
        if path != lock:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _place(beside: Path, target: Path, lock: Path, url: str, manifest: dict[str, Any]) -> None:
    mark = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    if url:
        backup_tables.check_empty(url, mark)
        backup_tables.load_in_process(beside, mark, {**os.environ, "DATABASE_URL": url})
        shutil.rmtree(beside / "tables")
    elif (beside / STATE).exists():
        _check_sqlite(beside / STATE)
    for name in ("warehouse", "mappings", "work"):
        (beside / name).mkdir(exist_ok=True)
    with suppress(OSError):
        (beside / CONFIG).chmod(0o600)
    (beside / MANIFEST).unlink()
    for left in (*beside.glob("*.lock"), *beside.glob("*.sqlite-*")):
        left.unlink()
    lock.unlink(missing_ok=True)
    os.rename(beside, target)
    _sync(target.parent)
    if url:
        backup_tables.finish(url)


def _check_sqlite(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise InvalidData("the state in the backup is damaged", remedy="Use another backup")


def _database(folder: Path, manifest: dict[str, Any]) -> str:
    """The URL of the database that the state goes to; '' for SQLite."""
    url = os.environ.get("DATABASE_URL") or read_config(folder).database_url
    if manifest["state"] == "sqlite":
        if url:
            raise Conflict(
                "the backup holds SQLite state, but DATABASE_URL names a database",
                remedy="Unset DATABASE_URL to restore it as a file",
            )
        return ""
    if not url:
        raise Conflict("the backup holds the state of a PostgreSQL database", remedy="Set DATABASE_URL to an empty one")
    return url


def read_manifest(file: Path | str) -> dict[str, Any]:
    """What a backup says that it holds; raises InvalidData when it is no backup of this or an older version."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _manifest(archive)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise InvalidData(f"{Path(file).name} is no backup: {error}", remedy="Name a file of salesops backup") from None


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        if archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
            raise ValueError("too large")
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        found = manifest["format"], manifest["files"], manifest["state"], manifest["tick"], manifest["generation"]
    except (KeyError, ValueError, TypeError):
        raise InvalidData("the file has no readable manifest", remedy="Name a file of salesops backup") from None
    if found[0] != FORMAT:
        raise InvalidData(f"the backup has format {found[0]}", remedy="Use the version of salesops that wrote it")
    unknown = [f"{app}.{name}" for app, name in manifest["migrations"] if not _known(app, name)]
    if unknown:
        raise InvalidData(
            f"the backup was made by a newer version ({manifest['version']})", remedy="Install that version first"
        )
    return manifest


def _known(app: str, name: str) -> bool:
    folder = Path(__file__).parent / app / "migrations"
    return not folder.is_dir() or (folder / f"{name}.py").exists()


def _unpack(file: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """Unpack a backup into a folder, checking names, sizes and digests."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            members = [name for name in archive.namelist() if name != MANIFEST]
            if sorted(members) != sorted(manifest["files"]) or len(set(members)) != len(members):
                raise InvalidData("the backup does not hold what its manifest says", remedy="Use another backup")
            with progress.task("Restoring", len(members)) as task:
                for name, wanted in _safe(manifest["files"]):
                    path = folder / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(name) as source, path.open("wb") as out:
                        found = _copy(source, out, wanted["bytes"])
                        out.flush()
                        os.fsync(out.fileno())
                    if found != wanted:
                        raise InvalidData(f"{name} in the backup is damaged", remedy="Use another backup")
                    task.advance()
            (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            return manifest
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise InvalidData(f"{file.name} cannot be read: {error}", remedy="Use another backup") from None


def _safe(files: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, wanted in files.items():
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
            raise InvalidData(f"the backup names a file outside the workspace: {name!r}", remedy="Do not use it")
        yield name, {"bytes": int(wanted["bytes"]), "sha256": str(wanted["sha256"])}


def _sync(folder: Path) -> None:
    """Make a rename in a folder durable."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
