"""Opens DuckDB within limits and turns its failures and those of the disk into errors that name a remedy."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from salesops.common.errors import InvalidData, SalesopsError, WorkspaceError
from salesops.sources.reading.model import ReadOptions

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""Errors of the operating system that mean: there is no room to write."""
FULL_SIGNS = (
    "no space left",
    "file too large",
    "disk is full",
    "disk i/o error",
    "disk full",
    "quota exceeded",
    "could not write",
)
"""The same in the words of DuckDB and the databases."""

# What is trimmed at both ends of a cell: blanks, tabs, line ends, no-break and ideographic spaces, byte order marks.
BLANKS = " \t\r\n\u00a0\u3000\ufeff"


def connect(work: Path, options: ReadOptions) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that spills into ``work`` and can neither install nor load extensions."""
    con = duckdb.connect(
        config={
            "threads": options.threads,
            "memory_limit": options.memory_limit,
            "temp_directory": str(work / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    return con


def text(value: str) -> str:
    """Quote a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """Quote a name as an SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def trimmed(column_sql: str) -> str:
    """SQL of a text without blanks at its ends; an empty one becomes NULL."""
    slow = f"nullif(trim({column_sql}, {text(BLANKS)}), '')"
    # Trimming by a list of characters is several times slower than seeing that there is nothing to trim.
    return f"CASE WHEN regexp_matches({column_sql}, '^[^!-~]|[^!-~]$') THEN {slow} ELSE nullif({column_sql}, '') END"


def says_full(error: BaseException) -> bool:
    """Whether an error's text says that there is no room to write."""
    return any(sign in str(error).lower() for sign in FULL_SIGNS)


@contextmanager
def clear_errors(source: str) -> Iterator[None]:
    """Turn failures of the disk, memory and DuckDB into errors with a remedy; ours pass through unchanged."""
    try:
        yield
    except SalesopsError:
        raise
    except OSError as error:
        raise _disk_error(source, error) from error
    except MemoryError as error:
        raise _memory_error(source) from error
    except duckdb.OutOfMemoryException as error:
        raise _memory_error(source) from error
    except duckdb.Error as error:
        if says_full(error):
            raise _disk_error(source, OSError(errno.ENOSPC, "")) from error
        first = str(error).strip().splitlines()[0][:300]
        raise InvalidData(
            f"{source} cannot be read: {first}",
            "Check that the file opens in the program that wrote it; export it anew",
        ) from error


def _disk_error(source: str, error: OSError) -> SalesopsError:
    if error.errno in FULL:
        return WorkspaceError(
            f"The disk is full, or a file may not grow any further, while {source} is being read",
            "Free some space where the workspace lies and start again; nothing was half-written",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return InvalidData(f"{source} may not be read", "Give your user permission to read it, or copy it elsewhere")
    reason = error.strerror or str(error) or type(error).__name__
    return InvalidData(f"{source} cannot be read: {reason}", "Check the file and the disk, then start again")


def _memory_error(source: str) -> SalesopsError:
    return InvalidData(
        f"{source} needs more memory than allowed", "Split the file, or raise the memory limit of the reading options"
    )
