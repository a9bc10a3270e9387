"""Many rows into a state table at once: COPY on PostgreSQL, a hundred rows a statement on SQLite, inside Django's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import pyarrow as pa
from django.db import connection


@contextmanager
def roomy() -> Iterator[None]:
    """For the length of a large write, let SQLite keep more of its indexes in memory and write them back less often."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size = -600000")
        cursor.execute("PRAGMA wal_autocheckpoint = 10000")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_autocheckpoint = 1000")
            cursor.execute("PRAGMA cache_size = -65536")


def insert(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain Python values; the order of `columns` is that of each row."""
    names = ", ".join(f'"{c}"' for c in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
            return
        _together(cursor.connection, f'INSERT OR FAIL INTO "{table}" ({names})', len(columns), rows)


def upsert(table: str, columns: Sequence[str], key: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert whole rows, replacing those whose `key` is there already.

    SQLite deletes those first: an update on conflict keeps every page that a statement changes until it ends, which costs more
    than the rows.
    """
    if connection.vendor == "sqlite":
        place, left = columns.index(key), iter(rows)
        while part := list(islice(left, 10_000)):
            with connection.cursor() as cursor:
                keys = json.dumps([row[place] for row in part])
                cursor.connection.execute(
                    f'DELETE FROM "{table}" WHERE "{key}" IN (SELECT value FROM json_each(?))', (keys,)
                )
            insert(table, columns, part)
        return
    changes = ", ".join(f'"{c}" = excluded."{c}"' for c in columns if c != key)
    _merge(table, columns, rows, f'ON CONFLICT ("{key}") DO UPDATE SET {changes}')


def insert_missing(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows; those that break a unique constraint are there already and stay."""
    _merge(table, columns, rows, "ON CONFLICT DO NOTHING")


def _merge(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], on_conflict: str) -> None:
    names = ", ".join(f'"{c}"' for c in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f'CREATE TEMP TABLE incoming AS SELECT {names} FROM "{table}" WHERE FALSE')
            with cursor.copy(f"COPY incoming ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM incoming {on_conflict}')
            cursor.execute("DROP TABLE incoming")
            return
        _together(cursor.connection, f'INSERT OR FAIL INTO "{table}" ({names})', len(columns), rows, on_conflict)


def _together(
    connection: Any, into: str, width: int, rows: Iterable[Sequence[Any]], on_conflict: str = "", at_once: int = 100
) -> None:
    """Write many rows with each statement: starting and ending one costs SQLite as much as writing a row.

    `INSERT OR FAIL`: an error ends the transaction around it, so no statement needs to keep the pages that it changed.
    """
    row = f"({', '.join('?' * width)})"
    cells = chain.from_iterable(rows)
    size = width * at_once
    last: list[tuple[Any, ...]] = []

    def full() -> Iterator[tuple[Any, ...]]:
        while len(part := tuple(islice(cells, size))) == size:
            yield part
        last.append(part)

    connection.executemany(f"{into} VALUES {', '.join([row] * at_once)} {on_conflict}", full())
    if last[0]:
        connection.execute(f"{into} VALUES {', '.join([row] * (len(last[0]) // width))} {on_conflict}", last[0])


def arrow_rows(batch: pa.RecordBatch, extra: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """The rows of a batch as tuples the database driver takes, each followed by `extra`."""
    columns = [_plain(batch.column(i)) for i in range(batch.num_columns)]
    length = batch.num_rows
    constant = [[value] * length for value in extra]
    return zip(*columns, *constant, strict=True)


def _plain(column: pa.Array) -> list[Any]:
    if pa.types.is_date(column.type) and connection.vendor == "sqlite":
        return column.cast(pa.string()).to_pylist()
    return column.to_pylist()
