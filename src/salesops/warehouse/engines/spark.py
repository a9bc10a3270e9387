"""Spark as the warehouse: it reads the Parquet files of a generation itself, nothing is loaded or copied.

With `warehouse = "spark"` Spark runs inside this process, on all its processors; a Java is started with the first session and ends with the
process. With `spark://host:7077` this process is the driver of a cluster; with `sc://host:15002` it asks a server of Spark Connect, and needs
no Java. Whoever computes must then see the workspace's folder under the same path. Needs the extra `salesops[spark]`.

A session of salesops is a session of Spark with temporary views of its own, each made when a statement first names it. What was known on an earlier
day is written aside, as Parquet in the workspace's `work/spill`, for as long as the session is open. An overflow is an error (ANSI), never a wrong number.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
from sqlglot import exp, parse_one

from salesops.common.errors import WorkspaceError
from salesops.records.duck import quoted
from salesops.workspace import Workspace

from ..generations import Generation
from .answers import fitted

LOCAL = "spark"
INSTALL = "pip install 'salesops[spark]'"
JAVA = "Install Java 17 or 21 (Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME"
SEEN = "Let every machine of the cluster see the workspace's folder under the same path"
START = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "OFF"}
HERE = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": os.environ.get("SALESOPS_SPARK_MEMORY", "2g"),
        # Every statement is compiled: in Java's own 240 MB some hundreds of them fill the cache, and then nothing is compiled any more.
        "spark.driver.extraJavaOptions": "-XX:ReservedCodeCacheSize=512m"}  # fmt: skip
"""Settings of a Spark inside this process."""
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.groupByOrdinal": "true",
    "spark.sql.crossJoin.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",  # whole quotients of 32 digits rather than of 20
}
"""Settings on which the meaning of a statement depends: the same whatever the cluster's own are."""
REMEDIES = {
    "JAVA_GATEWAY_EXITED": JAVA,
    "PATH_NOT_FOUND": SEEN,
    "FAILED_READ_FILE": SEEN,
    "ARITHMETIC_OVERFLOW": "A sum is larger than the answer can hold: ask for less at once",
    "NUMERIC_VALUE_OUT_OF_RANGE": "A sum is larger than the answer can hold: ask for less at once",
    "CAST_OVERFLOW": "A sum is larger than the answer can hold: ask for less at once",
}
"""By the first part of Spark's name of an error."""
TABLES = re.compile(r"(?:\bFROM|\bJOIN|,)[\s(]+`?(\w+)", re.IGNORECASE)
"""What may be a table in a statement: every table is found, and some column of a list beside them."""
LARGE, OFTEN = 60, 8
"""How many SELECTs a statement may come to when Spark writes every WITH table in wherever it is named, and from how many on such a table is costly."""
_numbers = itertools.count(1)
_starting = threading.Lock()


def start(url: str, aside: Path) -> Any:
    """A new session of Spark, without tables; a Spark of this process keeps what it writes in the folder `aside`.

    Raises WorkspaceError when there is no PySpark, no Java or no server.
    """
    try:
        from pyspark.logger import PySparkLogger
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise WorkspaceError("the warehouse is Spark, and PySpark is not installed", remedy=INSTALL) from error
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True  # it prints what is raised anyway
    try:
        with _starting, _told(url, "cannot be reached" if "://" in url else "did not start"):
            session = _remote(SparkSession, url) if url.startswith("sc://") else _started(SparkSession, url, aside)
            for name, value in SESSION.items():
                session.conf.set(name, value)
    except ImportError as error:  # what Spark Connect needs beyond PySpark
        raise WorkspaceError(f"Spark Connect cannot be used: {error}", remedy=INSTALL) from error
    return session


def _started(builder: Any, url: str, aside: Path) -> Any:
    """A session of the Spark whose driver is this process, which is started with the first one."""
    if not has_java():
        raise WorkspaceError("the warehouse is Spark, and there is no Java", remedy=JAVA)
    local = url == LOCAL
    building = builder.builder.appName("salesops").master(f"local[{os.cpu_count() or 2}]" if local else url)
    if local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    folders = {"spark.sql.warehouse.dir": str(aside / "tables"), "spark.local.dir": str(aside)}
    for name, value in {**START, **(HERE | folders if local else {})}.items():
        building = building.config(name, value)
    session = building.getOrCreate().newSession()
    if local:  # 200 parts, Spark's own number, are for a cluster
        session.conf.set("spark.sql.shuffle.partitions", str(os.cpu_count() or 2))
    return session


@contextmanager
def _told(url: str, doing: str) -> Iterator[None]:
    """What Spark or its Java says against it, as an error that names the warehouse, what was being done and the remedy."""
    from pyspark.errors import PySparkException

    from . import shown

    try:
        yield
    except Exception as error:
        if isinstance(error, ImportError):  # told by `start`
            raise
        lost = isinstance(error, OSError) or type(error).__module__.startswith(("py4j", "grpc"))
        if not lost and not isinstance(error, PySparkException):
            raise
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        name = said[1:].partition("]")[0].partition(".")[0] if said.startswith("[") else ""
        if lost or "UNAVAILABLE" in said:
            remedy = "Check the setting warehouse and that the server runs; a Spark in this process ends with its Java: start anew"
        else:
            remedy = REMEDIES.get(name) or (
                "Report the statement (it is to run on every engine), and take the setting warehouse out meanwhile: DuckDB answers it"
            )
        raise WorkspaceError(f"the warehouse {shown(url)} {doing}: {said}", remedy=remedy) from error


def _remote(builder: Any, url: str) -> Any:
    """A session on a server of Spark Connect. Whether it is there is asked first: PySpark itself tries for minutes."""
    parts = urlsplit(url)
    socket.create_connection((parts.hostname or "", parts.port or 15002), timeout=15).close()
    return builder.builder.remote(url).create()


def has_java() -> bool:
    """Whether a Java is found where PySpark looks for it."""
    home = os.environ.get("JAVA_HOME")
    return (Path(home) / "bin" / "java").exists() if home else shutil.which("java") is not None


class Spark:
    """A generation in Spark, as temporary views of a session of its own."""

    dialect = "spark"

    def __init__(
        self,
        url: str,
        workspace: Workspace,
        generation: Generation,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[str, str],
        filtered: Mapping[str, str],
        restated: Iterable[str],
    ) -> None:
        spill = workspace.work / "spill"  # swept when the process is no more
        self._folder = spill / f"{os.getpid()}-spark-{next(_numbers)}"
        self._files, self._con, self._stored = workspace.warehouse / "files", con, generation.tables
        self._tables, self._filtered, self._restated = tables, filtered, frozenset(restated)
        self._missing = {name.lower(): name for name in tables}
        self._url, self._spark = url, start(url, spill / f"{os.getpid()}-spark")

    def _show(self, sql: str) -> None:
        """Make the views that a statement names and that are not there yet: each costs Spark a while, all of them many seconds."""
        with _told(self._url, "cannot open its tables"):
            for view in sorted(self._missing.keys() & {name.lower() for name in TABLES.findall(sql)}):
                self._frame(self._missing[view]).createOrReplaceTempView(f"`{view}`")
                del self._missing[view]

    def _frame(self, name: str) -> Any:
        """What counts of a table: base without the masked keys, and the delta, as `views.table_select` reads them."""
        if name in self._restated:
            return self._aside(name)
        table, schema = self._stored[name], _columns(self._con, self._tables[name])
        frame = self._read(schema, *(self._files / file for file in table.base))
        if table.mask:
            mask = self._spark.read.parquet(str(self._files / table.mask)).selectExpr(f"id AS `{table.key}`")
            frame = frame.join(mask, table.key, "left_anti").unionByName(self._read(schema, self._files / table.delta))
        return frame.where(self._filtered[name]) if name in self._filtered else frame

    def _aside(self, name: str) -> Any:
        """A table of the DuckDB session, written to a file for Spark."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{name}.parquet"
        select = f'SELECT * FROM "{name}"'
        self._con.execute(f"COPY ({select}) TO {quoted(file)} (FORMAT parquet)")
        return self._read(_columns(self._con, select), file)

    def _read(self, schema: str, *files: Path) -> Any:
        """Parquet files by a schema that is known, which saves Spark a job for each of them."""
        return self._spark.read.schema(schema).parquet(*map(str, files))

    def query(self, sql: str, schema: pa.Schema) -> pa.Table:
        """The answer, in the types of `schema`. Raises WorkspaceError."""
        self._show(sql)
        with _told(self._url, "did not answer a statement"), self._worked(sql) as shorter:
            found = self._spark.sql(shorter).toArrow()
        return fitted(found, schema)

    @contextmanager
    def _worked(self, sql: str) -> Iterator[str]:
        """The statement, whose WITH tables that are named again and again are worked out beforehand where it would grow too large.

        Spark writes a WITH table in wherever it is named, and again in each that names it: 20 of them come to 80,000 SELECTs, of
        which no plan is ever made.
        """
        tree: Any = parse_one(sql, dialect=self.dialect) if sql.startswith("WITH") else None
        if tree is None or _grown(tree) <= LARGE:
            yield sql
            return
        named, kept, made = Counter(table.name for table in tree.find_all(exp.Table)), dict[str, int](), list[str]()
        try:
            for number, cte in enumerate(tree.ctes):
                kept[cte.alias] = _selects(cte.this, kept)
                if named[cte.alias] < 2 or kept[cte.alias] < OFTEN:
                    continue
                before = ", ".join(one.sql(self.dialect, identify=True) for one in tree.ctes[:number])
                body = f"SELECT * FROM ({cte.this.sql(self.dialect, identify=True)})"
                made.append(f"worked_{next(_numbers)}")
                rows = self._spark.sql(f"WITH {before} {body}" if before else body)
                rows.localCheckpoint().createOrReplaceTempView(made[-1])
                cte.set("this", exp.select("*").from_(made[-1]))
                kept[cte.alias] = 1
            yield tree.sql(self.dialect, identify=True)
        finally:
            for view in made:
                self._spark.catalog.dropTempView(view)

    def close(self) -> None:
        """Forget the views, and remove what was written aside. A Spark of this process stays for the next session."""
        with suppress(Exception):  # a Spark that is gone has no views
            if self._url.startswith("sc://"):
                self._spark.stop()
            else:
                for name in self._tables:
                    self._spark.catalog.dropTempView(name.lower())
        shutil.rmtree(self._folder, ignore_errors=True)


def _selects(tree: exp.Expression, known: Mapping[str, int]) -> int:
    """How many SELECTs a tree comes to, whose tables come to `known` ones."""
    own = sum(1 for _ in tree.find_all(exp.Select))
    return own + sum(known.get(table.name, 0) for table in tree.find_all(exp.Table))


def _grown(tree: Any) -> int:
    """How many SELECTs a statement comes to when every WITH table is written in."""
    found: dict[str, int] = {}
    for cte in tree.ctes:
        found[cte.alias] = _selects(cte.this, found)
    within = {id(table) for cte in tree.ctes for table in cte.find_all(exp.Table)}
    return 1 + sum(found.get(table.name, 0) for table in tree.find_all(exp.Table) if id(table) not in within)


def _columns(con: duckdb.DuckDBPyConnection, select: str) -> str:
    """The columns of a DuckDB SELECT as a schema of Spark, whose names for these types are the same or STRING."""
    kinds = {"VARCHAR": "STRING", "INTEGER": "INT"}
    rows = con.execute(f"DESCRIBE {select}").fetchall()
    return ", ".join(f"`{row[0]}` {kinds.get(row[1], row[1])}" for row in rows)
