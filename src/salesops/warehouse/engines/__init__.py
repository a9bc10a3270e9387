"""The engines that can answer questions to a generation: DuckDB (built in), PostgreSQL, Spark.

Statements are written once, in the DuckDB dialect, as SQLGlot trees over an allow-list, and
written for another engine by `common.portable`; an `Engine` holds the tables of a generation and answers. The setting `warehouse` of a workspace
names the engine; a workspace without it uses DuckDB, and needs none of this.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa

from salesops.common.errors import WorkspaceError
from salesops.workspace import WAREHOUSES

if TYPE_CHECKING:
    from salesops.workspace import Workspace

    from ..generations import Generation

EXAMPLES = '"postgresql://user:password@host:5432/database", "spark", "spark://host:7077" or "sc://host:15002"'
SETTING = "SALESOPS_WAREHOUSE"
"""The environment variable that counts before the setting `warehouse`, so that a password need not be in a file."""


class Engine(Protocol):
    """Holds one generation, reduced to what was known on a day, and answers statements in its own dialect."""

    dialect: str

    def query(self, sql: str, schema: pa.Schema) -> pa.Table:
        """The answer, in the types of `schema`."""
        ...

    def close(self) -> None: ...


Tables = Mapping[str, str]
"""SELECT statements for DuckDB, by the name of the table that they give."""


def chosen(workspace: Workspace) -> str:
    """The URL of the engine that a workspace asks, empty for DuckDB."""
    return os.environ.get(SETTING, "") or workspace.config.warehouse


def kind_of(url: str) -> str:
    """`postgresql` or `spark`; raises WorkspaceError for anything else."""
    if url == "spark":
        return url
    for scheme, kind in WAREHOUSES.items():
        if url.startswith(scheme):
            return kind
    raise WorkspaceError(
        f"warehouse {shown(url)!r} names no engine",
        remedy=f"Write warehouse = {EXAMPLES}, or leave it out to use the built-in DuckDB",
    )


def shown(url: str) -> str:
    """A URL without its password or token."""
    parts = urlsplit(url)
    url = re.sub(r"(token=)[^;]*", r"\1***", url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url


def load(workspace: Workspace, generation: Generation, con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Bring a generation to the chosen engine before sessions are switched to it; DuckDB and Spark read its files."""
    url = chosen(workspace)
    if url and kind_of(url) == "postgresql":
        from . import postgresql

        postgresql.load(url, workspace, generation, con, tables)


def open_engine(
    workspace: Workspace,
    generation: Generation,
    con: duckdb.DuckDBPyConnection,
    tables: Tables,
    filtered: Mapping[str, str],
    restated: Iterable[str],
) -> Engine | None:
    """The chosen engine over a generation; None for DuckDB.

    `tables` are its stored tables; `filtered` says which rows of a table count (a condition over its columns);
    `restated` names tables of `con` which take the place of the stored ones.
    """
    url = chosen(workspace)
    if not url:
        return None
    if kind_of(url) == "spark":
        from .spark import Spark

        return Spark(url, workspace, generation, con, tables, filtered, tuple(restated))
    from .postgresql import Postgresql

    return Postgresql(url, workspace, generation, con, tables, filtered, tuple(restated))
