"""Looks into what was staged, and evaluates SQL over a column of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from salesops.sources.reading import StagedFile

Stager = Callable[..., StagedFile]


def rows_of(file: StagedFile, *columns: str) -> list[tuple[Any, ...]]:
    """The staged rows, in order: ``_row`` and the named columns (all by default)."""
    wanted = ", ".join(f'"{column}"' for column in columns) or "* EXCLUDE _row"
    with duckdb.connect() as con:
        return con.execute(f"SELECT _row, {wanted} FROM read_parquet(?)", [file.parquet_path]).fetchall()


def parsed(sql: str, values: list[str | None]) -> list[Any]:
    """Evaluate an SQL expression over the column ``v`` holding the given texts."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("t", pa.table({"i": pa.array(range(len(values))), "v": pa.array(values, pa.string())}))
        return [row[0] for row in con.execute(f"SELECT {sql} FROM t ORDER BY i").fetchall()]
