"""Writes the import folder: one Parquet file per entity, block after block."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Summary:
    """What was written: rows of each file, by its name without the ending."""

    folder: Path
    rows: dict[str, int]

    @property
    def changes(self) -> int:
        """Rows of all history files together."""
        return sum(rows for name, rows in self.rows.items() if name.endswith("_history"))


@dataclass
class Folder:
    """The folder under way; use it as a context manager so that every file is closed."""

    path: Path
    rows: dict[str, int] = field(default_factory=dict)
    _writers: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def __enter__(self) -> Folder:
        self.path.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, name: str, table: pa.Table) -> None:
        """Append rows to `<name>.parquet`; an entity without any rows gets no file."""
        if not table.num_rows:
            return
        if name not in self._writers:
            file = self.path / f"{name}.parquet"
            self._writers[name] = pq.ParquetWriter(file, table.schema, compression="zstd", compression_level=1)
        self._writers[name].write_table(table, row_group_size=500_000)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def next_id(self, name: str) -> int:
        """The number of the next row of a file."""
        return self.rows.get(name, 0)
