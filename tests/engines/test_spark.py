"""Spark as the warehouse: every metric equal to DuckDB's, files read as DuckDB reads them, exact numbers, errors."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlglot import parse_one
from tests.engines.comparing import questions
from tests.engines.conftest import Work

from salesops.common.errors import WorkspaceError
from salesops.common.portable import transpile
from salesops.metrics.engines import RAN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
FEW = ["bookings", "win_rate", "open_pipeline", "stage_conversion"]
TITLES = list(questions(date(2026, 1, 1), date(2025, 6, 1)))


@pytest.fixture
def work(company: Path, spark: str) -> Work:
    """The company, its warehouse in a Spark of the asking process."""
    return Work(company, spark)


@pytest.mark.parametrize("title", TITLES)
def test_metrics_are_the_same_as_on_duckdb(work: Work, title: str) -> None:
    """All of them, a question at a time; no statement was answered by anybody else."""
    found = work.run("compare", "now", title)
    assert found["different"] == {}
    assert set(found["by"]) == {"spark"}
    assert found["asked"] > 60  # fewest by product


def test_analyses_are_the_same_as_on_duckdb(work: Work) -> None:
    """Waterfall, funnel, conversion, velocity, slipping, changes, cohorts, people, drills."""
    found = work.run("analyse")
    assert found["different"] == {}
    assert set(found["by"]) == {"spark"}
    assert found["asked"] == RAN["postgres"].analyses


def test_a_past_day_of_knowledge_is_the_same(work: Work) -> None:
    """What had been recorded by then is written aside for Spark, and gone with the session."""
    found = work.run("compare", "2026-03-31", *FEW, "activities")
    assert found["different"] == {}
    assert set(found["by"]) == {"spark"}
    assert not list((work.folder / "work" / "spill").glob("*/*"))


def test_the_doors_ask_the_engine_of_the_setting(company: Path, work: Work) -> None:
    """Python and the command line give the figure of DuckDB."""
    found, plain = work.run("doors"), Work(company).run("doors")
    assert found["by"].get("spark", 0) > 0
    assert found["value"] == plain["value"]
    assert found["code"] == 0
    assert json.loads(found["shown"]) == json.loads(plain["shown"])


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def patched(spark: str, entities_known: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """(DuckDB, Spark) over one table after an incremental refresh: two base files, a mask and a delta."""
    from salesops.warehouse.engines import open_engine
    from salesops.warehouse.generations import Generation, Table
    from salesops.warehouse.views import table_select

    folder = tmp_path_factory.mktemp("patched")
    files = folder / "warehouse" / "files"
    files.mkdir(parents=True)
    con = duckdb.connect()
    rows = "SELECT i AS id, i // 2 AS deal, 9223372036854775807 - i AS value, 'Ä' || i AS name, DATE '1000-01-01' + i::INTEGER AS day"
    for name, some in {"a": "range(3)", "b": "range(3, 6)", "delta": "range(1, 3)"}.items():
        con.execute(f"COPY ({rows}, '{name}' AS file FROM {some} AS r(i)) TO '{files / name}' (FORMAT parquet)")
    con.execute(f"COPY (SELECT 1::BIGINT AS id) TO '{files / 'mask'}' (FORMAT parquet)")
    table = Table(("a", "b"), 5, key="deal", delta="delta", mask="mask", masked=2)
    generation = Generation(1, 1, 1, {"t": table}, "USD", "UTC", "2024-01-01", "")
    workspace: Any = SimpleNamespace(
        path=folder, warehouse=folder / "warehouse", work=folder / "work", config=SimpleNamespace(warehouse=spark)
    )
    selects = {"t": table_select(workspace.warehouse, table)}
    con.execute(f"CREATE TEMP VIEW t AS {selects['t']}")
    engine = open_engine(workspace, generation, con, selects, {"t": "id > 0"}, ())
    assert engine is not None
    yield con, engine
    engine.close()


def ask(patched: Any, sql: str) -> tuple[list[Any], list[Any]]:
    """The rows of DuckDB and of Spark."""
    con, engine = patched
    table = con.execute(sql).to_arrow_table()
    return table.to_pylist(), engine.query(
        transpile(parse_one(sql, dialect="duckdb"), "spark"), table.schema
    ).to_pylist()


def test_a_table_that_was_patched_is_read_as_duckdb_reads_it(patched: Any) -> None:
    """Without the masked rows, with the delta, and only what is known (`id > 0`)."""
    duck, spark = ask(patched, "SELECT id, deal, value, name, day, file FROM t WHERE id > 0 ORDER BY file, id")
    assert spark == duck
    assert [(row["file"], row["id"]) for row in spark] == [("a", 1), ("b", 4), ("b", 5), ("delta", 1), ("delta", 2)]


# Numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "SUM(value)",
        "SUM(value) // 3",
        "-SUM(value) // 3",
        "SUM(CAST(value AS HUGEINT) * 10000000000) // 7",
        "SUM(value) * 10000000000 % 7",
        "SUM(SIGN(-id) * value)",
        "SUM(CASE WHEN id > 1 THEN 1 ELSE 0 END)",
        "CAST(SUM(value) AS DOUBLE) / COUNT(*)",
        "SUM(CAST(value AS DOUBLE))",
        "SUM(DATE_DIFF('day', DATE '1000-01-01', day) * 86400000000)",
    ],
)
def test_figures_beyond_64_bits_are_exact(patched: Any, value: str) -> None:
    """Five values next to the greatest BIGINT; floats stay floats."""
    duck, spark = ask(patched, f"SELECT {value} AS n FROM t WHERE id > 0")
    assert type(spark[0]["n"]) is type(duck[0]["n"])
    assert spark[0]["n"] == (
        pytest.approx(duck[0]["n"], rel=1e-12) if isinstance(spark[0]["n"], float) else duck[0]["n"]
    )


@pytest.mark.parametrize(
    ("statement", "what", "remedy"),
    [
        ("SELECT value * 10 AS n FROM t", "ARITHMETIC_OVERFLOW", "ask for less"),
        ("SELECT CAST(SUM(CAST(value AS DECIMAL(38, 0))) AS BIGINT) AS n FROM t", "CAST_OVERFLOW", "ask for less"),
        ("SELECT SUM(CAST(value AS DECIMAL(38, 0))) AS n FROM t", "does not fit the column n", "Ask for less"),
        ("SELECT nothing AS n FROM t", "nothing", "take the setting warehouse out"),
        ("SELECT n FROM nowhere", "nowhere", "take the setting warehouse out"),
    ],
)
def test_what_spark_refuses_is_told_with_a_remedy(patched: Any, statement: str, what: str, remedy: str) -> None:
    """Never as an error of PySpark, and never a number that was cut; the session goes on."""
    number = pa.schema([("n", pa.int64())])
    with pytest.raises(WorkspaceError, match=what) as error:
        patched[1].query(statement, number)
    assert remedy in error.value.remedy
    assert patched[1].query("SELECT CAST(1 AS DECIMAL(38, 0)) AS n", number).to_pylist() == [{"n": 1}]


# What is missing ------------------------------------------------------------------------------------------------------


def test_without_java_the_error_says_what_to_install(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME counts before the PATH."""
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(AssertionError, match="there is no Java") as error:
        work.run("doors")
    assert "openjdk-17-jre-headless" in str(error.value)


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is not None, reason="PySpark is installed")
def test_without_pyspark_the_error_says_what_to_install(company: Path) -> None:
    """It is an extra."""
    with pytest.raises(AssertionError, match="PySpark is not installed") as error:
        Work(company, "spark").run("doors")
    assert "salesops[spark]" in str(error.value)
