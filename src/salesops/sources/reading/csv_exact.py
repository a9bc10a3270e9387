"""Reads delimited text record by record with exact line numbers: the slow path for files with broken quoting."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
import numpy as np
import numpy.typing as npt

from salesops.sources.reading.batches import BatchWriter, reject_long_cell
from salesops.sources.reading.layout import Layout
from salesops.sources.reading.model import ReadOptions
from salesops.sources.reading.problems import ProblemList

_LOCK = threading.Lock()  # csv.field_size_limit is one setting for the whole process
_CHUNK = 16 << 20
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RecordStarts:
    """Where each record after the header starts: physical line and byte offset, blank lines left out."""

    lines: Longs
    offsets: Longs


def record_starts(path: Path, skip: int) -> RecordStarts:
    """Find the records by the parity of quotes: a line end with an even number of quotes before it ends a record.

    Exact for files quoted as RFC 4180 says; the caller compares the count with what the CSV reader found.
    """
    lines, offsets = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    base, line, quotes, at_start = 0, 0, 0, True
    with path.open("rb") as file:
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        else:
            base = 3
        while chunk := file.read(_CHUNK):
            data = np.frombuffer(chunk, np.uint8)
            ends = np.flatnonzero(data == 10)
            marks = np.flatnonzero(data == 34)
            even = (quotes + np.searchsorted(marks, ends)) % 2 == 0
            starts = ends[even] + 1
            number = line + np.flatnonzero(even) + 2
            if at_start:
                starts, number = np.concatenate([[0], starts]), np.concatenate([[line + 1], number])
            at_start = bool(len(starts) and starts[-1] == len(chunk))
            if at_start:
                starts, number = starts[:-1], number[:-1]
            first = data[starts]
            blank = (first == 10) | ((first == 13) & (data[np.minimum(starts + 1, len(data) - 1)] == 10))
            keep = ~blank & (number > skip)
            lines.append(number[keep].astype(np.int64))
            offsets.append((starts[keep] + base).astype(np.int64))
            base, line, quotes = base + len(chunk), line + len(ends), quotes + len(marks)
    return RecordStarts(np.concatenate(lines), np.concatenate(offsets))


def read_exact(
    path: Path,
    target: Path,
    layout: Layout,
    options: ReadOptions,
    problems: ProblemList,
    con: duckdb.DuckDBPyConnection,
) -> int:
    """Read record by record into ``target``; gives the rows kept. Broken records are reported, reading goes on."""
    writer = BatchWriter(target, layout.names, options.max_cell, problems)
    width = len(layout.names)
    try:
        for line, cells in _records(path, layout, options, problems):
            if len(cells) == width:
                writer.add(line, cells)
            elif any(cells):
                report_ragged(problems, line, width, len(cells), layout.delimiter.join(cells))
        writer.finish(con)
    finally:
        writer.abandon()
    return writer.rows


def report_ragged(problems: ProblemList, line: int, expected: int, found: int, text: str) -> None:
    """Report a row with too few or too many cells."""
    cells = f"{found} cells instead of {expected}" if found < expected else f"more than {expected} cells"
    problems.reject(
        f"The row has {cells}; it was left out",
        "Correct the row; put quotes around a value that holds the delimiter or a line end",
        line,
        value=text,
        group="a row with the wrong number of cells",
    )


def report_quotes(problems: ProblemList, line: int, text: str | None) -> None:
    """Report a row whose quotes do not match."""
    problems.reject(
        "A quotation mark is opened and never closed, or is followed by more text; the row was left out",
        "Write a quotation mark inside a quoted value twice",
        line,
        value=text,
        group="a row with unbalanced quotation marks",
    )


class _Lines:
    """The lines of an open file, each with its number, that can be read again from a place further back."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self.file, self.limit, self.number, self.first = file, limit, 0, b""
        self.resume = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline()
        if not line:
            raise StopIteration
        if not self.first:
            self.first, self.resume = line, self.file.tell()
        self.number += 1
        return line.decode("utf-8", "replace")

    def begin(self) -> None:
        self.first = b""

    def back_to_second(self, start: int) -> None:
        self.file.seek(self.resume)
        self.number = start


def _records(
    path: Path, layout: Layout, options: ReadOptions, problems: ProblemList
) -> Iterator[tuple[int, list[str]]]:
    with _LOCK, path.open("rb") as file:
        old = csv.field_size_limit(options.max_cell * 2)
        try:
            lines = _Lines(file, options.max_cell)
            for _ in range(layout.skip):
                next(lines, None)
            reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
            while True:
                lines.begin()
                start = lines.number + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    text = lines.first.decode("utf-8", "replace").rstrip("\r\n")
                    if len(text) > options.max_cell:
                        reject_long_cell(problems, start, "The row", len(text), options.max_cell)
                    else:
                        report_quotes(problems, start, text)
                    lines.back_to_second(start)
                    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
                    continue
                if cells:
                    yield start, cells
        finally:
            csv.field_size_limit(old)
