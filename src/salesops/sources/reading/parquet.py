"""Reads a Parquet file: every column cast to canonical text by DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.common.errors import InvalidData
from salesops.sources.reading.engine import name, text, trimmed
from salesops.sources.reading.model import ROW, Draft, ReadOptions
from salesops.sources.reading.naming import unique_names
from salesops.sources.reading.problems import ProblemList


def read_parquet(
    path: Path, work: Path, options: ReadOptions, problems: ProblemList, con: duckdb.DuckDBPyConnection
) -> Draft:
    """Stage a Parquet file; ``_row`` is the number of the record, from 1."""
    try:
        with pq.ParquetFile(path) as file:
            meta = file.metadata
            size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
            columns = file.schema_arrow.names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidData(
            f"{problems.source} is a damaged Parquet file: {str(error)[:200]}", "Write or download it again"
        ) from error
    if size > options.max_unpacked_gzip:
        raise InvalidData(f"{problems.source} unpacks to {size >> 20} MB", "Split the file")
    if len(columns) > options.max_columns:
        raise InvalidData(
            f"{problems.source} has {len(columns)} columns, more than {options.max_columns}", "Select some"
        )
    if "file_row_number" in (column.lower() for column in columns):
        raise InvalidData(f"{problems.source} has a column named file_row_number", "Give that column another name")
    read = f"read_parquet({text(str(path))}, file_row_number = true)"
    described = con.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
    typed = [(row[0], row[1]) for row in described if row[0] != "file_row_number"]
    names = unique_names([column for column, _ in typed], problems, None)
    cells = [f"{as_text_sql(name(c), kind)} AS {name(n)}" for (c, kind), n in zip(typed, names, strict=True)]
    target = work / "raw.parquet"
    con.execute(
        f"COPY (SELECT file_row_number + 1 AS {ROW}, {', '.join(cells)} FROM {read}) TO {text(str(target))}"
        " (FORMAT parquet, COMPRESSION zstd)"
    )
    return Draft(str(target), "parquet", names, meta.num_rows)


def as_text_sql(column: str, kind: str) -> str:
    """SQL that writes a value of a DuckDB type canonically: ISO dates, instants with Z, plain decimals, JSON."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"replace(CAST({column}::TIMESTAMP AS VARCHAR), ' ', 'T') || 'Z'"
    if kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("]"):
        return f"nullif(CAST(to_json({column}) AS VARCHAR), 'null')"
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return (
            f"CASE WHEN isnan({column}) THEN NULL WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR)"
            f" ELSE CAST({column} AS VARCHAR) END"
        )
    if kind == "VARCHAR":
        return trimmed(column)
    return f"CAST({column} AS VARCHAR)"
