"""Reads delimited text with DuckDB, verifies that no row is lost unreported, and finds each record's line.

Three ways, the next only where the one before does not add up: (1) every record is one line, so that line = ordinal +
header; (2) line ends in quotes, blank lines or rejected rows: the lines are found by quote parity, and must be as many
as DuckDB's records; (3) quoting is broken: Python's ``csv`` reads record by record.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.sources.reading.csv_exact import Longs, read_exact, record_starts, report_ragged
from salesops.sources.reading.encoding import TextFile, as_utf8
from salesops.sources.reading.engine import name, text, trimmed
from salesops.sources.reading.layout import Layout, find_layout
from salesops.sources.reading.model import ROW, Draft, ReadOptions
from salesops.sources.reading.problems import ProblemList

_MAX_LINE = 32 << 20


def read_csv(
    path: Path, work: Path, options: ReadOptions, problems: ProblemList, con: duckdb.DuckDBPyConnection
) -> Draft:
    """Stage a delimited text file as raw Parquet with trimmed texts and ``_row``."""
    source = as_utf8(path, work, options, problems)
    layout = find_layout(source.path, options, problems)
    target = work / "raw.parquet"
    rows = _read_fast(source, target, layout, options, problems, con) if layout.plain else None
    if rows is None:
        rows = read_exact(source.path, target, layout, options, problems, con)
    if rows == 0:
        problems.warn("The file holds no rows below its column names", "Check the export if rows were expected")
    return Draft(str(target), "csv", layout.names, rows, encoding=source.encoding, delimiter=layout.delimiter)


def _read_fast(
    source: TextFile,
    target: Path,
    layout: Layout,
    options: ReadOptions,
    problems: ProblemList,
    con: duckdb.DuckDBPyConnection,
) -> int | None:
    """Read with DuckDB; None where its records cannot be reconciled with the file's lines."""
    if source.lines <= layout.skip:
        _copy_empty(target, layout, con)
        return 0
    cells = target.with_suffix(".cells")
    try:
        con.execute(_copy_sql(source.path, cells, layout, options))
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    kept = pq.read_metadata(cells).num_rows
    rejects = _rejects(con)
    if not rejects and kept + layout.skip == source.lines:
        _number(con, cells, target, layout)
        return kept
    if any("QUOTE" in error for _, error, _ in rejects):
        return None  # the reader may have swallowed good rows up to the next quotation mark
    starts = record_starts(source.path, layout.skip)
    offsets = np.array([offset for offset, _, _ in rejects], np.int64)
    if len(starts.lines) != kept + len(rejects) or not np.isin(offsets, starts.offsets).all():
        return None
    places = np.searchsorted(starts.offsets, offsets)
    for place, (_, error, line) in zip(places, rejects, strict=True):
        _report(problems, int(starts.lines[place]), error, line, len(layout.names))
    _number_by(cells, target, layout.names, np.delete(starts.lines, places))
    return kept


def _copy_sql(path: Path, target: Path, layout: Layout, options: ReadOptions) -> str:
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.names)))
    cells = ", ".join(f"{trimmed(f'c{i}')} AS c{i}" for i in range(len(layout.names)))
    max_line = min(_MAX_LINE, max(2 << 20, 4 * options.max_cell + 100_000))
    return (
        f"COPY (SELECT {cells} FROM read_csv({text(str(path))},"
        f" auto_detect = false, header = false, skip = {layout.skip}, delim = {text(layout.delimiter)},"
        f" quote = '\"', escape = '\"', comment = '', columns = {{{types}}}, strict_mode = true, null_padding = false,"
        f" store_rejects = true, max_line_size = {max_line}))"
        f" TO {text(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_group_rows(layout)})"
    )


def _group_rows(layout: Layout) -> int:
    return max(2_048, min(122_880, (64 << 20) // layout.line_bytes))


def _copy_empty(target: Path, layout: Layout, con: duckdb.DuckDBPyConnection) -> None:
    cells = ", ".join(f"NULL::VARCHAR AS {name(column)}" for column in layout.names)
    con.execute(
        f"COPY (SELECT 0::BIGINT AS {ROW}, {cells} WHERE false) TO {text(str(target))}"
        " (FORMAT parquet, COMPRESSION zstd)"
    )


def _rejects(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str | None]]:
    """Rejected records by byte offset from 0, with the errors and the text of each."""
    found = con.execute(
        "SELECT line_byte_position, string_agg(error_type || ' ' || error_message, ' '), left(first(csv_line), 300)"
        " FROM reject_errors GROUP BY 1 ORDER BY 1"
    ).fetchall()
    # With CRLF the reader starts a rejected line at the LF that ends the line before.
    return [(at - 1 + (1 if (line or "").startswith("\n") else 0), error, line) for at, error, line in found]


def _report(problems: ProblemList, line: int, error: str, text_of_line: str | None, width: int) -> None:
    shown = (text_of_line or "").strip("\r\n")
    if "COLUMNS" in error:
        found = re.search(r"Found: (\d+)", error)
        missing = "MISSING COLUMNS" in error and found
        report_ragged(problems, line, width, int(found.group(1)) if missing and found else width + 1, shown)
    elif "LINE SIZE" in error:
        problems.reject(
            "The row is longer than can be read; it was left out", "Shorten its longest text", line, value=shown
        )
    else:
        problems.reject(f"The row cannot be read ({error[:200]}); it was left out", "Correct the row", line, shown)


def _number(con: duckdb.DuckDBPyConnection, cells: Path, target: Path, layout: Layout) -> None:
    """Name the columns and add ``_row`` where every record is one line.

    A ``row_number()`` while reading would hold the reader to one thread; two passes take half the time.
    """
    named = ", ".join(f"c{i} AS {name(column)}" for i, column in enumerate(layout.names))
    con.execute(
        f"COPY (SELECT file_row_number + {layout.skip + 1} AS {ROW}, {named}"
        f" FROM read_parquet({text(str(cells))}, file_row_number = true))"
        f" TO {text(str(target))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_group_rows(layout)})"
    )
    cells.unlink()


def _number_by(cells: Path, target: Path, names: list[str], lines: Longs) -> None:
    """Name the columns and add ``_row`` from the given lines, row group by row group."""
    source, done = pq.ParquetFile(cells), 0
    schema = pa.schema([(ROW, pa.int64()), *((column, pa.string()) for column in names)])
    with source, pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            numbers = pa.array(lines[done : done + table.num_rows], pa.int64())
            writer.write_table(pa.Table.from_arrays([numbers, *table.columns], schema=schema))
            done += table.num_rows
    cells.unlink()
