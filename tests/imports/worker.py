"""What the fault tests run in processes of their own: `python -m tests.imports.worker WORK FOLDER [ARGUMENTS]`."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from tests.imports import kit

from salesops import workspace as rooms

POINTS = (
    "compute:begin", "compute:end", "batch:made", "ready:written", "chunk:1", "chunk:2", "chunk:last", "live:begin", "live:rows", "live:flip",
    "live:audit", "live:done", "mapping:written", "folder:gone", "beside:batch:made", "beside:chunk:1", "beside:compute:end", "beside:ready:written",
)  # fmt: skip


def init(folder: Path) -> None:
    rooms.create(folder, rooms.Config(name="Acme", today="2018-12-31"))


def _import(folder: Path, files: list[str], **asked: Any) -> Any:
    ws = rooms.open_workspace(folder)
    from salesops.records import access
    from salesops.sources.imports import import_files

    mapping = folder.parent / "crm.toml"
    if not mapping.exists():
        mapping.write_text(kit.MAPPING, encoding="utf-8")
    return import_files(
        ws, access.actor_for(ws), files, **{"mapping": str(mapping), "file_date": date(2018, 3, 1)} | asked
    )


def take(folder: Path, *files: str) -> None:
    """Import; prints how it ended."""
    from salesops.common.errors import SalesopsError

    try:
        result = _import(folder, list(files))
        print(json.dumps({"status": result.status, "batch": result.batch}))
    except SalesopsError as error:
        print(json.dumps({"status": type(error).__name__, **error.to_dict()}))


def again(folder: Path, *files: str) -> None:
    """Import, and print what the workspace then holds."""
    _import(folder, list(files))
    content(folder)


def guess(folder: Path, *files: str) -> None:
    """Import without a mapping, as a newcomer does."""
    from salesops.common.errors import SalesopsError

    try:
        print(json.dumps({"status": _import(folder, list(files), mapping="").status}))
    except SalesopsError as error:
        print(json.dumps({"status": type(error).__name__, **error.to_dict()}))


def narrow(folder: Path, limit: str, *files: str) -> None:
    """Import while no file may grow beyond a size: what a full disk does to a program."""
    rooms.open_workspace(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    take(folder, *files)


def die(folder: Path, point: str, *files: str) -> None:
    """Import and be killed at a point."""
    rooms.open_workspace(folder)
    _arm(point)
    _import(folder, list(files))
    print("survived")


def _arm(point: str) -> None:
    """Kill this process, as `kill -9` does, when the import comes to a point. Nothing of the import itself is replaced."""
    from salesops.records import audit
    from salesops.sources import imports
    from salesops.sources.loading import write

    seen = {"chunk": 0}
    if point.startswith("beside:"):  # as large imports: facts are written while the rest is worked out
        imports.MANY = 1
        point = point.removeprefix("beside:")

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def around(module: Any, name: str, before: str = "", after: str = "") -> None:
        whole: Callable[..., Any] = getattr(module, name)

        def watched(*given: Any, **named: Any) -> Any:
            if point == before:
                kill()
            result = whole(*given, **named)
            if point == after:
                kill()
            return result

        setattr(module, name, watched)

    around(imports.Computation, "facts", "compute:begin")
    around(imports.Computation, "finish", "", "compute:end")
    around(imports, "new_batch", "", "batch:made")
    around(imports, "write", "ready:written", "live:done")
    around(write, "next_tick", "", "live:begin")
    around(write, "_leavings", "live:rows", "")
    around(write, "emit", "live:flip", "")
    around(audit, "write", "", "live:audit")
    around(imports._Import, "_write_mapping", "", "mapping:written")
    around(write, "_go_live", "chunk:last", "")
    plain = write._Chunk.write

    def chunk(self: Any, batch: int) -> None:
        seen["chunk"] += 1
        plain(self, batch)
        if point == f"chunk:{seen['chunk']}":
            kill()

    write._Chunk.write = chunk  # type: ignore[method-assign]
    if point == "folder:gone":
        rmtree = imports.shutil.rmtree
        watched = {"armed": False}
        around(imports, "write", "", "")
        whole = imports.write

        def written(*given: Any, **named: Any) -> None:
            whole(*given, **named)
            watched["armed"] = True

        def gone(*given: Any, **named: Any) -> None:
            rmtree(*given, **named)
            if watched["armed"]:
                kill()

        imports.write = written  # type: ignore[assignment]
        imports.shutil.rmtree = gone  # type: ignore[assignment]


def content(folder: Path) -> None:
    """Everything that counts, and what lies about."""
    ws = rooms.open_workspace(folder)
    from salesops.records import audit
    from salesops.records.entities import entities
    from salesops.records.models import Batch, Change

    live = set(Batch.objects.filter(status="live").values_list("id", flat=True))
    dead = Change.objects.exclude(batch__in=live).count()
    dead += sum(e.model.objects.exclude(batch__in=live).count() for e in entities().values() if e.shape != "versioned")
    found = {
        "state": kit.dump(),
        "live": len(live),
        "dead": dead,
        "work": sorted(p.name for p in ws.work.glob("import-*")),
        "mappings": sorted(p.name for p in ws.mappings.iterdir()),
        "audit": audit.verify().ok,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
