"""Writes rows of text into one Parquet file in bounded memory, for formats that are read row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.sources.reading.engine import BLANKS, text
from salesops.sources.reading.model import ROW
from salesops.sources.reading.problems import ProblemList

_ROWS = 50_000
_CHARACTERS = 32 << 20


def clean(value: str | None) -> str | None:
    """Trim a cell; an empty one is None."""
    return None if value is None else (value.strip(BLANKS) or None)


class BatchWriter:
    """Collects rows of text and writes them in batches; columns may be added on the way."""

    def __init__(self, target: Path, names: Sequence[str], max_cell: int, problems: ProblemList) -> None:
        self.names: list[str] = list(names)
        self.rows = 0
        self._target, self._max_cell, self._problems = target, max_cell, problems
        self._numbers: list[int] = []
        self._records: list[Sequence[str | None]] = []
        self._size = 0
        self._writer: pq.ParquetWriter | None = None
        self._parts: list[Path] = []
        self._width = -1

    def add(self, row: int, cells: Sequence[str | None]) -> None:
        """Add one row; cells missing at its end are null. A row with a cell that is too long is reported, not kept."""
        cleaned = [clean(cell) for cell in cells]
        size = sum(len(cell) for cell in cleaned if cell is not None)
        if size > self._max_cell and self._too_long(row, cleaned):
            return
        self._numbers.append(row)
        self._records.append(cleaned)
        self._size += size
        self.rows += 1
        if len(self._numbers) >= _ROWS or self._size >= _CHARACTERS:
            self._flush()

    def _too_long(self, row: int, cells: Sequence[str | None]) -> bool:
        for name, cell in zip(self.names, cells, strict=False):
            if cell is not None and len(cell) > self._max_cell:
                reject_long_cell(self._problems, row, name, len(cell), self._max_cell)
                return True
        return False

    def _flush(self) -> None:
        if not self._numbers and self._writer is not None:
            return
        width = len(self.names)
        schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in self.names)])
        if width != self._width:
            self._close_part()
            self._parts.append(self._target.with_suffix(f".part{len(self._parts)}"))
            self._writer, self._width = pq.ParquetWriter(self._parts[-1], schema, compression="zstd"), width
        padded = [[*record, *[None] * (width - len(record))] for record in self._records]
        columns = list(zip(*padded, strict=True)) if padded else [() for _ in range(width)]
        arrays = [pa.array(self._numbers, pa.int64()), *(pa.array(column, pa.string()) for column in columns)]
        assert self._writer is not None
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        self._numbers, self._records, self._size = [], [], 0

    def _close_part(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def abandon(self) -> None:
        """Close without finishing; the caller removes the folder."""
        self._close_part()

    def finish(self, con: duckdb.DuckDBPyConnection) -> None:
        """Write what is left and leave one Parquet file at the target."""
        if self._numbers or not self._parts or len(self.names) != self._width:
            self._writer = self._writer if len(self.names) == self._width else None
            self._flush()
        self._close_part()
        if len(self._parts) == 1:
            self._parts[0].replace(self._target)
            return
        files = ", ".join(text(str(part)) for part in self._parts)
        con.execute(
            f"COPY (SELECT * FROM read_parquet([{files}], union_by_name = true))"
            f" TO {text(str(self._target))} (FORMAT parquet, COMPRESSION zstd)"
        )


def reject_long_cell(problems: ProblemList, row: int, name: str, length: int, limit: int) -> None:
    """Report a row that is left out because one of its cells is longer than allowed."""
    problems.reject(
        f"{name} holds {length:,} characters, more than {limit:,}; the row was left out",
        "Shorten the text, or raise the limit for one cell",
        row,
        group="a cell that is too long",
    )
