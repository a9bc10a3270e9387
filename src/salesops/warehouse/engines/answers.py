"""Rows of an engine as an Arrow table in the types that DuckDB would give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pyarrow as pa

from salesops.common.errors import WorkspaceError


def typed(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """The rows in the types of `schema`. A number that does not fit its column raises WorkspaceError: nothing is cut."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        with _fitting(field):
            arrays.append(_array(column, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of an Arrow table in the types of `schema`; raises as `typed` does."""
    arrays = []
    for column, field in zip(table.columns, schema, strict=True):
        with _fitting(field):
            arrays.append(column.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


@contextmanager
def _fitting(field: pa.Field) -> Iterator[None]:
    try:
        yield
    except (ValueError, OverflowError, ArithmeticError, TypeError) as error:  # Arrow's own are ValueErrors
        raise WorkspaceError(
            f"the warehouse's answer does not fit the column {field.name} ({field.type}): {error}",
            remedy="Ask for less at once, or report the statement and take the setting warehouse out meanwhile",
        ) from error


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_integer(kind):
        values = [None if one is None else _whole(one) for one in values]
    elif pa.types.is_floating(kind):
        values = [None if one is None else float(one) for one in values]
    elif pa.types.is_decimal(kind):
        values = [None if one is None else Decimal(one) for one in values]
    return pa.array(values, kind)


def _whole(value: Any) -> int:
    found = int(value)
    if found != value:
        raise ValueError(f"{value} is no whole number")
    return found
