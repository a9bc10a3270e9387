"""Generations: manifests of immutable Parquet files, switched by one atomic rename.

    warehouse/CURRENT          the name of the generation that new sessions open
    warehouse/gen-12.json      its manifest
    warehouse/files/...        Parquet, never changed once a manifest names it

A table is a `base` file set, and, after incremental refreshes, a `delta` that replaces the rows whose key is in `mask`.
A killed refresh leaves files that no manifest names; the next one sweeps them.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


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


def publish(folder: Path, generation: Generation, keep: int, pinned: frozenset[str] = frozenset()) -> None:
    """Write the manifest, switch `CURRENT` to it, and remove what only older generations needed."""
    manifest = folder / f"{generation.name}.json"
    _write(manifest, json.dumps(asdict(generation), indent=1))
    _write(folder / "CURRENT", generation.name)
    sweep(folder, keep, pinned)


def next_number(folder: Path) -> int:
    numbers = [int(p.stem.split("-")[1]) for p in folder.glob("gen-*.json")]
    return max(numbers, default=0) + 1


def sweep(folder: Path, keep: int, pinned: frozenset[str] = frozenset()) -> None:
    """Remove manifests beyond the last `keep` (and not pinned), and files that no manifest names.

    A file younger than an hour that nobody names may belong to a session that is opening: it stays.
    """
    names = sorted((p.stem for p in folder.glob("gen-*.json")), key=lambda n: int(n.split("-")[1]))
    for name in names[: max(0, len(names) - keep)]:
        if name not in pinned:
            (folder / f"{name}.json").unlink(missing_ok=True)
    needed: set[str] = set()
    for manifest in folder.glob("gen-*.json"):
        if loaded := load(folder, manifest.stem):
            needed |= loaded.files()
    files = folder / "files"
    for file in files.glob("*.parquet") if files.exists() else ():
        if file.name not in needed and time.time() - file.stat().st_mtime > 3600:
            file.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    temporary.rename(path)
