"""Generations: manifests of immutable Parquet files, switched by one atomic rename.

    warehouse/CURRENT          the name of the generation that new sessions open
    warehouse/gen-12.json      its manifest
    warehouse/files/...        Parquet, never changed once a manifest names it

A table is a `base` file set, and, after incremental refreshes, a `delta` that replaces the rows whose key is in `mask`.
A killed refresh leaves files that no manifest names; the next one sweeps them. A session holds a shared lock on its manifest,
so that what it reads stays for as long as it is open, whatever is refreshed meanwhile; the lock ends with its process.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

GRACE = 600  # seconds that a file which nobody names may still be about to be read (by a backup, by an older program)


@dataclass(frozen=True)
class Table:
    """The files of one table. `key` is the column that `mask` masks by."""

    base: tuple[str, ...]
    rows: int
    key: str = "id"
    delta: str = ""
    mask: str = ""
    masked: int = 0


@dataclass(frozen=True)
class Generation:
    """One manifest: which files make which table, and what they were made of."""

    number: int
    tick: int
    created: int
    tables: dict[str, Table]
    reporting_currency: str
    time_zone: str
    today: str
    signature: str  # of the settings and custom fields that the files depend on
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"gen-{self.number}"

    def files(self) -> set[str]:
        """Every file that this generation needs."""
        named = {f for t in self.tables.values() for f in (*t.base, t.delta, t.mask)}
        return named - {""}


def load(folder: Path, name: str = "") -> Generation | None:
    """The generation of this name (default: the current one), or None when there is none."""
    current = folder / "CURRENT"
    if not name:
        if not current.exists():
            return None
        name = current.read_text(encoding="utf-8").strip()
    manifest = folder / f"{name}.json"
    if not manifest.exists():
        return None
    values = json.loads(manifest.read_text(encoding="utf-8"))
    tables = {k: Table(**{**t, "base": tuple(t["base"])}) for k, t in values.pop("tables").items()}
    return Generation(tables=tables, **values)


def hold(folder: Path, name: str = "") -> tuple[Generation, int] | None:
    """The generation of this name (default: the current one) and an open file that keeps it; None when there is none.

    Closing the file lets the generation go.
    """
    for _attempt in range(10):
        generation = load(folder, name)
        if generation is None:
            return None
        manifest = folder / f"{generation.name}.json"
        try:
            held = os.open(manifest, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(held, fcntl.LOCK_SH)
        if manifest.exists():
            return generation, held
        os.close(held)  # swept between reading and locking: the current one is another by now
    return None


def publish(folder: Path, generation: Generation, keep: int) -> None:
    """Write the manifest, switch `CURRENT` to it, and remove what only older generations needed."""
    manifest = folder / f"{generation.name}.json"
    _write(manifest, json.dumps(asdict(generation), indent=1))
    _write(folder / "CURRENT", generation.name)
    sweep(folder, keep)


def next_number(folder: Path) -> int:
    """A number that no manifest and no file carries."""
    numbers = [int(p.stem.split("-")[1]) for p in folder.glob("gen-*.json")]
    for file in (folder / "files").glob("*.parquet"):
        numbers += [int(n) for n in re.findall(r"-(\d+)-\w+$", file.stem)]
    return max(numbers, default=0) + 1


def sweep(folder: Path, keep: int) -> None:
    """Remove manifests beyond the last `keep` that no session holds, and files that no manifest names."""
    names = sorted((p.stem for p in folder.glob("gen-*.json")), key=lambda n: int(n.split("-")[1]))
    current = load(folder)
    for name in names[: max(0, len(names) - keep)]:
        if current is None or name != current.name:
            _let_go(folder / f"{name}.json")
    needed: set[str] = set()
    for manifest in folder.glob("gen-*.json"):
        if loaded := load(folder, manifest.stem):
            needed |= loaded.files()
    files = folder / "files"
    for file in files.glob("*") if files.exists() else ():
        if file.suffix == ".tmp" or (file.name not in needed and time.time() - file.stat().st_mtime > GRACE):
            file.unlink(missing_ok=True)


def _let_go(manifest: Path) -> None:
    """Remove a manifest unless a session holds it."""
    try:
        found = os.open(manifest, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        manifest.unlink(missing_ok=True)
    except BlockingIOError:
        pass
    finally:
        os.close(found)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    temporary.rename(path)
