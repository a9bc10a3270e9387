"""DuckDB connections: settings, scanner extensions, and the state database attached for reading.

DuckDB brings its own copy of SQLite. Two copies in one process would drop each other's file locks when one of them closes the
file, so Django's connection is closed while the state is attached, and opens again by itself afterwards.
"""

from __future__ import annotations

import importlib.resources
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

MEMORY = os.environ.get("SALESOPS_MEMORY", "2500MB")


def connect(temporary: Path | None = None, *, memory: str = MEMORY, ordered: bool = False) -> duckdb.DuckDBPyConnection:
    """A private in-memory DuckDB that spills to `temporary` when a step outgrows `memory`."""
    if temporary is not None:
        temporary.parent.mkdir(parents=True, exist_ok=True)  # DuckDB makes the last folder only
    connection = duckdb.connect(
        config={
            "memory_limit": memory,
            "threads": str(os.cpu_count() or 2),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "true" if ordered else "false",
            **({"temp_directory": str(temporary)} if temporary else {}),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _load_scanner(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    package = importlib.resources.files(f"duckdb_extension_{kind}_scanner")
    found = sorted(Path(str(package)).rglob(f"{kind}_scanner.duckdb_extension"))
    connection.execute(f"LOAD '{found[0]}'")


def _libpq(url: str) -> str:
    parts = urlsplit(url)
    words = {
        "host": parts.hostname,
        "port": parts.port,
        "dbname": parts.path.lstrip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    return " ".join(f"{k}='{v}'" for k, v in words.items() if v)


@contextmanager
def attached_state(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """The state database as the read-only catalogue `state`, for the length of the block. Must not be inside a transaction."""
    from django.conf import settings
    from django.db import connection as django_connection

    if django_connection.in_atomic_block:
        raise RuntimeError("the state cannot be attached inside a transaction")
    database = settings.DATABASES["default"]
    if settings.DATABASE_URL:
        _load_scanner(connection, "postgres")
        connection.execute(f"ATTACH {quoted(_libpq(settings.DATABASE_URL))} AS state (TYPE postgres, READ_ONLY)")
    else:
        _load_scanner(connection, "sqlite")
        django_connection.close()
        connection.execute(f"ATTACH '{database['NAME']}' AS state (TYPE sqlite, READ_ONLY)")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("DETACH state")


def state_table(name: str) -> str:
    """A state table's name inside the attached catalogue."""
    from django.conf import settings

    return f'state.public."{name}"' if settings.DATABASE_URL else f'state."{name}"'


def quoted(path: Path | str) -> str:
    """A path as an SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"
