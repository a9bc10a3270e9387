"""PostgreSQL as the warehouse: one schema a generation, loaded in one transaction, dropped when no manifest names it any more.

The schema is `salesops_<digest of the workspace's folder>_<number of the generation>`, so that several workspaces can share a database. Its
comment tells which generation it holds: a schema of an older warehouse with the same number is loaded anew. A reader never sees
half a generation, because PostgreSQL's DDL is transactional; the switch is that of the generation itself (`CURRENT`).

Text has the collation "C": it is compared as DuckDB does, byte by byte, whatever the database's own collation.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
from psycopg import sql

from salesops.common.errors import WorkspaceError
from salesops.common.portable import short
from salesops.records.duck import quoted
from salesops.workspace import Workspace

from ..generations import Generation
from .answers import typed

TYPES = {"BIGINT": "bigint", "INTEGER": "integer", "SMALLINT": "smallint", "TINYINT": "smallint", "DATE": "date",
         "BOOLEAN": "boolean", "DOUBLE": "double precision", "HUGEINT": "numeric", "VARCHAR": 'text COLLATE "C"'}  # fmt: skip
INDEXES = (("id",), ("opportunity",), ("day",), ("person", "valid_from"), ("lead",), ("contact",))
"""Indexes of each table that has these columns."""
CHUNK = 1 << 20
SETTINGS = (
    "TIME ZONE 'UTC'",
    "jit = off",  # compiling a long statement takes longer than running it
    "enable_mergejoin = off",
    "enable_nestloop = off",
    "work_mem = '64MB'",
)
"""Of each connection. Facts are subqueries over conditions of which the server has no statistics; it takes a thousand rows for one, and
loops over a subquery or merges on the coarse one of two keys: hash joins are never far from the best, the others were 6 to 90 times slower.
What is switched off is still done where nothing else can be (joins without an equality)."""


def schema_of(workspace: Workspace, generation: Generation) -> str:
    """The schema of a generation."""
    return f"{_prefix(workspace)}{generation.number}"


def _prefix(workspace: Workspace) -> str:
    return f"salesops_{hashlib.sha256(str(workspace.path).encode()).hexdigest()[:10]}_"


def _mark(generation: Generation) -> str:
    return f"salesops generation {generation.number}, tick {generation.tick}, made {generation.created}"


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    connection = connect(url)
    try:
        yield connection
    finally:
        connection.close()


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection that commits each statement; raises WorkspaceError when the server does not answer."""
    from . import shown

    try:
        connection = psycopg.connect(url, autocommit=True, application_name="salesops", connect_timeout=15)
        for setting in SETTINGS:
            connection.execute(f"SET {setting}".encode())
    except psycopg.Error as error:
        raise WorkspaceError(
            f"the warehouse {shown(url)} cannot be reached: {str(error).strip()}",
            remedy="Check the setting warehouse, that the server runs, and that the user may connect and create schemas",
        ) from error
    return connection


REMEDIES = {
    "42501": "Let the user create schemas in the database: GRANT CREATE, TEMPORARY ON DATABASE ... TO ...",
    "3F000": "salesops refresh --full loads the tables anew",
    "42P01": "salesops refresh --full loads the tables anew",
    "57014": "Ask for less at once, or allow the user more time (statement_timeout)",
    "57": "Check that the server runs, then ask again",
    "08": "Check that the server runs, then ask again",
    "53": "Make room for the server (disk, memory, connections), then ask again",
    "22003": "A sum is larger than the answer can hold: ask for less at once",
}
"""By SQLSTATE, or by its class (the first two signs)."""


@contextmanager
def _told(url: str, doing: str) -> Iterator[None]:
    """What the server says against it, as an error that names the warehouse, what was being done and the remedy."""
    from . import shown

    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ("08" if isinstance(error, psycopg.OperationalError) else "")
        said = error.diag.message_primary or str(error).strip() or type(error).__name__
        remedy = (
            REMEDIES.get(state)
            or REMEDIES.get(state[:2])
            or (
                "Report the statement (it is to run on every engine), and take the setting warehouse out meanwhile: DuckDB answers it"
            )
        )
        raise WorkspaceError(f"the warehouse {shown(url)} {doing}: {said}", remedy=remedy) from error


def load(
    url: str,
    workspace: Workspace,
    generation: Generation,
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, str],
) -> None:
    """Load a generation into its schema unless it is there, and drop the schemas of generations that are no more."""
    with _connected(url) as connection, _told(url, "cannot load the tables"):
        if not _there(connection, workspace, generation):
            _fill(connection, workspace, generation, con, tables)
        _sweep(connection, workspace, generation)


def _there(connection: psycopg.Connection[Any], workspace: Workspace, generation: Generation) -> bool:
    found = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s",
        [schema_of(workspace, generation)],
    ).fetchone()
    return found is not None and found[0] == _mark(generation)


def _fill(
    connection: psycopg.Connection[Any],
    workspace: Workspace,
    generation: Generation,
    con: duckdb.DuckDBPyConnection,
    tables: Mapping[str, str],
) -> None:
    name = schema_of(workspace, generation)
    schema = sql.Identifier(name)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])  # one process loads, others wait
        if _there(connection, workspace, generation):
            return
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        for table, select in tables.items():
            put(connection, con, f"{schema.as_string(connection)}.", table, select)
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(_mark(generation))))


def put(
    connection: psycopg.Connection[Any], con: duckdb.DuckDBPyConnection, where: str, table: str, select: str
) -> None:
    """Make a table of the rows of a DuckDB SELECT; `where` is "schema." or "TEMP "."""
    columns = [
        (row[0], TYPES.get(row[1].split("(")[0], "text")) for row in con.execute(f"DESCRIBE {select}").fetchall()
    ]
    temporary, place = ("TEMP ", "") if where == "TEMP " else ("", where)
    named = f"{place}{_quote(table)}"
    body = ", ".join(f"{_quote(name)} {kind}" for name, kind in columns)
    connection.execute(f"CREATE {temporary}TABLE {named} ({body})".encode())
    with tempfile.TemporaryDirectory(prefix="salesops-load-") as folder:
        file = Path(folder) / "rows.csv"
        texts = [name for name, kind in columns if kind.startswith("text")]
        force = f", FORCE_QUOTE ({', '.join(map(_exactly, texts))})" if texts else ""
        con.execute(f"COPY ({select}) TO {quoted(file)} (FORMAT csv, HEADER false, NULLSTR ''{force})")
        with (
            file.open("rb") as rows,
            connection.cursor() as cursor,
            cursor.copy(f"COPY {named} FROM STDIN (FORMAT csv)".encode()) as copy,
        ):
            while chunk := rows.read(CHUNK):
                copy.write(chunk)
    known = {name.lower() for name, _ in columns}
    for wanted in INDEXES:
        if known.issuperset(wanted):
            connection.execute(f"CREATE INDEX ON {named} ({', '.join(wanted)})".encode())
    connection.execute(f"ANALYZE {named}".encode())


def _sweep(connection: psycopg.Connection[Any], workspace: Workspace, generation: Generation) -> None:
    """Drop schemas of this workspace whose generation has no manifest, as files that no manifest names are removed."""
    prefix = _prefix(workspace)
    found = connection.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [prefix]).fetchall()
    for (name,) in found:
        number = name.removeprefix(prefix)
        if number != str(generation.number) and not (workspace.warehouse / f"gen-{number}.json").exists():
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


def _quote(name: str) -> str:
    return '"' + short(name.lower()).replace('"', '""') + '"'


def _exactly(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Postgresql:
    """A generation in PostgreSQL. What was known on an earlier day stands in temporary tables of this connection."""

    dialect = "postgres"

    def __init__(
        self,
        url: str,
        workspace: Workspace,
        generation: Generation,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[str, str],
        filtered: Mapping[str, str],
        restated: tuple[str, ...],
    ) -> None:
        load(url, workspace, generation, con, tables)
        self._url, self._duck = url, con
        self._schema, self._filtered, self._restated = schema_of(workspace, generation), dict(filtered), restated
        self._connection = self._opened()

    def _opened(self) -> psycopg.Connection[Any]:
        connection = connect(self._url)
        try:
            with _told(self._url, "cannot open its tables"):
                self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(sql.SQL("SET search_path = pg_temp, {}").format(sql.Identifier(self._schema)))
        for table, condition in self._filtered.items():
            inside = f"{_quote(self._schema)}.{_quote(table)}"
            connection.execute(f"CREATE TEMP VIEW {_quote(table)} AS SELECT * FROM {inside} WHERE {condition}".encode())
        for table in self._restated:
            put(connection, self._duck, "TEMP ", table, f'SELECT * FROM "{table}"')
        connection.execute("SET default_transaction_read_only = on")

    def query(self, sql: str, schema: pa.Schema) -> pa.Table:
        """The answer, in the types of `schema`; a connection that was lost is opened again, once. Raises WorkspaceError."""
        with _told(self._url, "did not answer a statement"):
            try:
                rows = self._rows(sql)
            except psycopg.OperationalError:
                if not self._connection.closed:
                    raise
                self._connection = self._opened()
                rows = self._rows(sql)
        return typed(rows, schema)

    def _rows(self, text: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(text.encode()).fetchall()

    def close(self) -> None:
        """End the connection, and with it what was temporary."""
        self._connection.close()
