"""Spark as the warehouse: it reads the Parquet files of a generation itself. `warehouse = "spark://local"` runs it in this process.

Any other address of Spark's own (`spark://host:7077`) is a cluster that must see the workspace's folder under the same path.
Needs the extra `salesops[spark]` and Java 17 or 21.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from salesops.common.errors import WorkspaceError
from salesops.records.duck import quoted

from .answers import typed

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, never a wrong number
    "spark.sql.caseSensitive": "false",
    "spark.sql.shuffle.partitions": str(os.cpu_count() or 2),
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "2g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.adaptive.enabled": "false",
}


def start(url: str = "spark://local") -> Any:
    """The Spark session of this process; raises WorkspaceError when there is no PySpark or no Java."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise WorkspaceError("PySpark is not installed", remedy="pip install 'salesops[spark]'") from error
    master = f"local[{os.cpu_count() or 2}]" if url == "spark://local" else url
    building = SparkSession.builder.master(master).appName("salesops")
    if url == "spark://local":
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    for name, value in SETTINGS.items():
        building = building.config(name, value)
    try:
        session = building.getOrCreate()
    except Exception as error:  # PySpark says that Java is missing by several exceptions of its own
        raise WorkspaceError(f"Spark did not start: {error}", remedy="Install Java 17 or 21 (JAVA_HOME)") from error
    session.sparkContext.setLogLevel("ERROR")
    return session


class Spark:
    """A generation in Spark."""

    dialect = "spark"

    def __init__(
        self,
        url: str,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[str, str],
        filtered: Mapping[str, str],
        restated: tuple[str, ...],
        folder: Path,
    ) -> None:
        self._spark = start(url).newSession()  # its temporary views are its own
        folder.mkdir(parents=True, exist_ok=True)
        for table, select in tables.items():
            if table in restated:
                select = f'SELECT * FROM "{table}"'
            file = folder / f"{table}.parquet"  # one file a table: base, mask and delta already put together
            con.execute(f"COPY ({select}) TO {quoted(file)} (FORMAT parquet)")
            frame = self._spark.read.parquet(str(file))
            if table in filtered and table not in restated:
                frame = frame.where(filtered[table])
            frame.createOrReplaceTempView(f"`{table.lower()}`")

    def query(self, sql: str, schema: pa.Schema) -> pa.Table:
        """The answer, in the types of `schema`."""
        rows = self._spark.sql(sql).collect()
        return typed(rows, schema)

    def close(self) -> None:
        """Forget the tables; Spark itself stays for the next session of this process."""
        self._spark.catalog.clearCache()
