"""Keeps runs: columnar files that are named by their content, and for each run a manifest that says which of them hold.

A folder of runs has ``segments/ID/`` with ``lines.parquet``, ``results.parquet``, ``credits.parquet``, ``rolled.parquet`` and, unless it holds
everybody, ``payees.parquet`` (whose pay it holds) and ``people.parquet`` (whose direct credits); ID is the SHA-256 of what is
in it. ``runs/NAME.json`` lists segments: of each payee the last one that names the payee counts. A run after a change adds
a segment and refers to those of its parent, which never change. The manifest's hash is what a database keeps of a run: it covers every byte of its results.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.common.errors import InvalidData
from salesops.compensation.setwise import results
from salesops.compensation.setwise.work import Work

ENGINE: Final = 1
"""Version of the calculation: results of another version are not built upon."""

_ORDER: Final = {
    "lines": "payee, list_position({components}, component), list_position({periods}, period), seq",
    "results": "payee, list_position({components}, component), list_position({periods}, period)",
    "credits": "payee, list_position({measures}, measure), part DESC, credited_on, booked_at NULLS FIRST, deal, line, credit_type",
    "rolled": "payee, list_position({measures}, measure), part DESC, credited_on",
}


@dataclass(frozen=True)
class Run:
    """A stored run."""

    home: Path
    name: str
    segments: tuple[tuple[str, bool], ...]
    """Segments and whether each holds everybody, the oldest first."""
    about: tuple[tuple[str, str], ...]

    @property
    def hash(self) -> str:
        """The SHA-256 of the manifest without its name: equal runs of equal parents have equal hashes."""
        return hashlib.sha256(_manifest(self).encode()).hexdigest()

    def sql(self, table: str, but: str = "") -> str:
        """SQL of ``lines``, ``results``, ``credits`` or ``rolled``; ``but`` is SQL of payees that are left out."""
        parts = []
        for place, (segment, _) in enumerate(self.segments):
            names = "people" if table == "credits" else "payees"
            later = [self._file(other, names) for other, _ in self.segments[place + 1 :]]
            gone = [f"SELECT payee FROM read_parquet('{file}')" for file in later] + ([but] if but else [])
            where = f" WHERE payee NOT IN ({' UNION ALL '.join(gone)})" if gone else ""
            parts.append(f"SELECT * FROM read_parquet('{self._file(segment, table)}'){where}")
        return " UNION ALL ".join(parts)

    def _file(self, segment: str, table: str) -> str:
        """Give a file's name as it stands inside quotes in SQL."""
        return str(self.home / "segments" / segment / f"{table}.parquet").replace("'", "''")


def save(work: Work, home: Path, name: str, parent: Run | None = None) -> Run:
    """Store what a calculation found; of a subset of payees on top of its parent."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="writing-") as folder:
        written = Path(folder)
        _write(written / "lines.parquet", results.LINE, results.lines(work))
        _write_table(written / "results.parquet", results.results(work))
        _write_table(written / "credits.parquet", results.credits(work))
        _write_table(written / "rolled.parquet", results.rolled(work))
        if parent is not None:
            for file, names in (("payees", "dirty"), ("people", "person")):
                named = work.con.execute(f"SELECT payee FROM calc.{names} ORDER BY payee").to_arrow_table()
                _write_table(written / f"{file}.parquet", named)
        segment = _keep(home, written)
    before = () if parent is None else parent.segments
    return _kept(Run(home, name, (*before, (segment, parent is None)), about(work)))


def load(home: Path, name: str) -> Run:
    """Read the manifest of a run."""
    file = home / "runs" / f"{name}.json"
    if not file.exists():
        raise InvalidData(f"There is no run {name} in {home.name}", "Name a run that was stored")
    found = json.loads(file.read_text())
    return Run(
        home, name, tuple((one["id"], one["all"]) for one in found["segments"]), tuple(sorted(found["about"].items()))
    )


def about(work: Work) -> tuple[tuple[str, str], ...]:
    """Give what a run is of: only a run of the same can be built upon."""
    plan = hashlib.sha256(repr(work.plan).encode()).hexdigest()
    found = {"engine": str(ENGINE), "plan": plan, "grain": work.grain, "through": work.last.isoformat()}
    return tuple(sorted(found.items()))


def check(run: Run) -> None:
    """Raise InvalidData where a stored file is not what it was when it was written."""
    for segment, _ in run.segments:
        if _digest(run.home / "segments" / segment) != segment:
            raise InvalidData(
                f"Segment {segment[:12]} of run {run.name} was changed after it was written", "Calculate the run again"
            )


def compact(con: duckdb.DuckDBPyConnection, run: Run, work: Work, name: str) -> Run:
    """Write a run that stands on its own: byte for byte what a calculation of everybody writes."""
    lists = {
        "components": [one.id for one in work.plan.components], "periods": [one.key for one in work.periods],
        "measures": [one.name for one in work.plan.measures],
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=run.home, prefix="writing-") as folder:
        for table, order in _ORDER.items():
            found = con.execute(f"SELECT * FROM ({run.sql(table)}) ORDER BY {order.format(**lists)}").to_arrow_table()
            _write_table(Path(folder) / f"{table}.parquet", found.cast(results.LINE) if table == "lines" else found)
        segment = _keep(run.home, Path(folder))
    return _kept(Run(run.home, name, ((segment, True),), run.about))


def _write(file: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(file, schema, compression="zstd", compression_level=1, store_schema=False) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=results.ROWS)


def _write_table(file: Path, table: pa.Table) -> None:
    whole = table.combine_chunks()
    _write(
        file,
        table.schema,
        (
            batch
            for start in range(0, max(1, len(table)), results.ROWS)
            for batch in whole.slice(start, results.ROWS).combine_chunks().to_batches()
        ),
    )


def _keep(home: Path, written: Path) -> str:
    """Move written files to where their content names them; what is there already is the same."""
    segment = _digest(written)
    target = home / "segments" / segment
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        copied = target.with_name(f"{segment}.new")
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(written, copied, copy_function=os.link)
        copied.rename(target)
    return segment


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        with file.open("rb") as opened:
            whole.update(f"{file.name} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def _kept(run: Run) -> Run:
    file = run.home / "runs" / f"{run.name}.json"
    file.parent.mkdir(exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(_manifest(run))
    fresh.replace(file)
    return run


def _manifest(run: Run) -> str:
    segments = [{"id": segment, "all": whole} for segment, whole in run.segments]
    return json.dumps({"about": dict(run.about), "segments": segments}, indent=1, sort_keys=True)
