"""Stages a file: any table that a user has becomes one Parquet file of text columns with a profile of each column."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from salesops.common.progress import Progress, Silent
from salesops.sources.reading.batches import reject_long_cell
from salesops.sources.reading.content import check_readable, recognise, unpack_gzip
from salesops.sources.reading.csv_file import read_csv
from salesops.sources.reading.engine import clear_errors, connect, name, text
from salesops.sources.reading.jsonl import read_jsonl
from salesops.sources.reading.model import ROW, Draft, ReadOptions, StagedFile
from salesops.sources.reading.naming import date_in_name
from salesops.sources.reading.parquet import read_parquet
from salesops.sources.reading.problems import ProblemList
from salesops.sources.reading.profile import Profiled, null_condition, profile_columns
from salesops.sources.reading.xes import read_xes
from salesops.sources.reading.xlsx import read_workbook

Reader = Callable[[Path, Path, ReadOptions, ProblemList, duckdb.DuckDBPyConnection], Draft]
_READERS: dict[str, Reader] = {
    "csv": read_csv,
    "xlsx": read_workbook,
    "parquet": read_parquet,
    "jsonl": read_jsonl,
    "xes": read_xes,
}


def stage(
    path: str | Path, out_dir: str | Path, options: ReadOptions | None = None, progress: Progress | None = None
) -> StagedFile:
    """Read ``path`` into one Parquet file in ``out_dir`` and profile its columns.

    Rows that cannot be read are left out and reported in ``problems``, each with its row. Raises InvalidData, with a
    remedy, for what is no table at all, WorkspaceError when the disk is full; nothing half-written stays behind.
    """
    path, out_dir = Path(path), Path(out_dir)
    options, progress = options or ReadOptions(), progress or Silent()
    with clear_errors(path.name):
        check_readable(path)
        out_dir.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".reading-", dir=out_dir))
    try:
        with clear_errors(path.name), progress.task(f"Reading {path.name}", 4) as task:
            return _stage(path, out_dir, work, options, lambda: task.advance(1))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _stage(path: Path, out_dir: Path, work: Path, options: ReadOptions, step: Callable[[], None]) -> StagedFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    step()
    problems = ProblemList(path.name, options.problem_limit)
    unpacked = work / "unpacked"
    source = unpacked if unpack_gzip(path, unpacked, options) else path
    form = recognise(source, path.name.removesuffix(".gz"), options)
    with connect(work, options) as con:
        draft = _READERS[form](source, work, options, problems, con)
        step()
        raw = Path(draft.parquet)
        if options.null_tokens:
            raw = _rewritten(con, raw, draft, {column: list(options.null_tokens) for column in draft.names}, {})
        comma_likely = draft.delimiter == ";"
        profiled = profile_columns(con, f"read_parquet({text(str(raw))})", draft.names, options, comma_likely)
        step()
        raw = _corrected(con, raw, draft, profiled, options, problems)
        step()
    target = out_dir / _target_name(path, digest, draft.sheet if options.sheet else None)
    raw.replace(target)
    date, date_from = _file_date(path)
    return StagedFile(
        source=path.name,
        format=draft.format,
        encoding=draft.encoding,
        delimiter=draft.delimiter,
        sheet=draft.sheet,
        rows=draft.rows,
        columns=tuple(profiled.columns),
        sha256=digest,
        file_date=date.isoformat(),
        file_date_from=date_from,
        parquet_path=str(target),
        problems=tuple(problems.result()),
        rejected=problems.rejected,
        notes=tuple(draft.notes),
    )


def _target_name(path: Path, digest: str, sheet: str | None) -> str:
    stem = re.sub(r"[^\w.-]+", "_", f"{path.name}-{sheet}" if sheet else path.name).strip("._")[:80] or "file"
    return f"{stem}-{digest[:12]}.parquet"


def _file_date(path: Path) -> tuple[dt.date, str]:
    named = date_in_name(path.name)
    if named:
        return named, "name"
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date(), "modified"


def _corrected(
    con: duckdb.DuckDBPyConnection,
    raw: Path,
    draft: Draft,
    profiled: Profiled,
    options: ReadOptions,
    problems: ProblemList,
) -> Path:
    """Leave out rows with cells that are too long, and null the texts that mean missing, if there are any."""
    long = [column for column, longest in profiled.longest.items() if longest > options.max_cell]
    for column in long:
        rows = con.execute(
            f"SELECT {ROW}, length({name(column)}) FROM read_parquet({text(str(raw))})"
            f" WHERE length({name(column)}) > {options.max_cell} ORDER BY 1"
        ).fetchall()
        for row, length in rows:
            reject_long_cell(problems, row, column, length, options.max_cell)
    if not long and not profiled.nulls:
        return raw
    return _rewritten(con, raw, draft, profiled.nulls, dict.fromkeys(long, options.max_cell))


def _rewritten(
    con: duckdb.DuckDBPyConnection, raw: Path, draft: Draft, nulls: dict[str, list[str]], longest: dict[str, int]
) -> Path:
    target = raw.with_name(f"{raw.stem}-next.parquet")
    cells = [
        f"{null_condition(column, nulls[column])} AS {name(column)}" if column in nulls else name(column)
        for column in draft.names
    ]
    kept = " AND ".join(f"coalesce(length({name(column)}), 0) <= {limit}" for column, limit in longest.items())
    con.execute(
        f"COPY (SELECT {ROW}, {', '.join(cells)} FROM read_parquet({text(str(raw))}) WHERE {kept or 'true'})"
        f" TO {text(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    found = con.execute(f"SELECT count(*) FROM read_parquet({text(str(target))})").fetchone()
    assert found is not None
    draft.rows = int(found[0])
    raw.unlink()
    return target
