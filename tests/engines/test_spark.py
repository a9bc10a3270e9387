"""Spark as the warehouse: every metric equal to DuckDB's, files read as DuckDB reads them, exact numbers, errors, Spark Connect."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlglot import parse_one
from tests.conftest import _free_port
from tests.engines.conftest import QUICK, Work

from salesops.common.errors import WorkspaceError
from salesops.common.portable import transpile
from salesops.metrics.engines import RAN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
FEW = ["bookings", "win_rate", "open_pipeline", "stage_conversion"]
Run = Callable[..., None]
"""Starts a program of PySpark."""


@pytest.fixture
def work(company: Path, spark: str) -> Work:
    """The company, its warehouse in a Spark of the asking process."""
    return Work(company, spark)


def test_metrics_are_the_same_as_on_duckdb(work: Work) -> None:
    """All of them, by month, owner, region, product in euros and as of a past day; no statement was answered by anybody else."""
    found = work.run("compare", "now")
    assert found["different"] == {}
    assert set(found["by"]) == {"spark"}
    assert found["asked"] == RAN["postgres"].answers


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


def test_the_doors_ask_the_engine_of_the_setting(company: Path, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python and the command line give the figure of DuckDB, with Spark's own settings for compiling."""
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS")
    found, plain = work.run("doors"), Work(company).run("doors")
    assert found["by"].get("spark", 0) > 0
    assert found["value"] == plain["value"]
    assert found["code"] == 0
    assert json.loads(found["shown"]) == json.loads(plain["shown"])


# Elsewhere ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(spark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Starts programs of PySpark, each with a port to wait for; stops them after the tests."""
    folder = tmp_path_factory.mktemp("programs")
    found = importlib.util.find_spec("pyspark")
    assert found is not None
    assert found.submodule_search_locations
    programs = Path(found.submodule_search_locations[0]) / "bin"
    environment = {name: value for name, value in os.environ.items() if name != "PYSPARK_SUBMIT_ARGS"}
    started: list[subprocess.Popen[bytes]] = []

    def run(program: str, *words: str, port: int = 0, says: str = "") -> None:
        log = folder / f"log{len(started)}"
        with log.open("w") as file:
            started.append(
                subprocess.Popen(
                    [programs / program, *words], cwd=folder, stdout=file, stderr=subprocess.STDOUT, env={**environment, "SPARK_LOCAL_IP": "127.0.0.1"}
                )
            )  # fmt: skip
        until = time.monotonic() + 300
        while not (_listens(port) if port else says in log.read_text()):
            alive = started[-1].poll() is None and time.monotonic() < until
            assert alive, log.read_text()[-3000:]
            time.sleep(0.5)

    yield run
    for one in reversed(started):
        one.terminate()
        one.wait(timeout=60)


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def connect(run: Run) -> str:
    """The setting for a server of Spark Connect on this machine."""
    port = _free_port()
    run(
        "spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]",
        "--conf", f"spark.connect.grpc.binding.port={port}", "--conf", "spark.connect.grpc.binding.address=127.0.0.1",
        "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2", *QUICK["PYSPARK_SUBMIT_ARGS"].split()[:-1],
        "spark-internal", port=port,
    )  # fmt: skip
    return f"sc://127.0.0.1:{port}"


def same_on(url: str, company: Path, *metrics: str) -> None:
    """Metrics by month, and some as known on an earlier day."""
    for day, names in (("now", metrics), ("2026-03-31", FEW[2:])):
        found = Work(company, url).run("compare", day, "by month", *names)
        assert found["different"] == {}
        assert found["asked"] == len(names)
        assert set(found["by"]) == {"spark"}


def test_spark_connect_gives_the_same(company: Path, connect: str) -> None:
    """No Java in the asking process."""
    same_on(connect, company, *FEW)


def test_a_cluster_gives_the_same(company: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A master and a worker of Spark's own; the driver is the asking process."""
    port, classes = _free_port(), "org.apache.spark.deploy"
    url = f"spark://127.0.0.1:{port}"
    web = ("--webui-port", "0")
    run("spark-class", f"{classes}.master.Master", "--host", "127.0.0.1", "--port", str(port), *web, port=port)
    run(
        "spark-class",
        f"{classes}.worker.Worker",
        "--cores",
        "1",
        "--memory",
        "1g",
        *web,
        url,
        says="registered with master",
    )
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.sql.shuffle.partitions=2 pyspark-shell")
    same_on(url, company, *FEW)


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["compiled", "interpreted", "connect"])
def patched(
    request: pytest.FixtureRequest, spark: str, entities_known: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """(DuckDB, Spark) over one table after an incremental refresh: two base files, a mask and a delta.

    Spark runs expressions in two ways, here and on a server.
    """
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
    generation = Generation(1, 1, 1, {"t": table, "other": Table(("a",), 3)}, "USD", "UTC", "2024-01-01", "")
    url = request.getfixturevalue("connect") if request.param == "connect" else spark
    workspace: Any = SimpleNamespace(
        path=folder, warehouse=folder / "warehouse", work=folder / "work", config=SimpleNamespace(warehouse=url)
    )
    selects = {name: table_select(workspace.warehouse, one) for name, one in generation.tables.items()}
    con.execute(f"CREATE TEMP VIEW t AS {selects['t']}")
    engine = open_engine(workspace, generation, con, selects, {"t": "id > 0"}, ())
    assert engine is not None
    compiled = request.param == "compiled"
    engine._spark.conf.set("spark.sql.codegen.wholeStage", str(compiled).lower())  # type: ignore[attr-defined]
    engine._spark.conf.set("spark.sql.codegen.factoryMode", "CODEGEN_ONLY" if compiled else "NO_CODEGEN")  # type: ignore[attr-defined]
    yield con, engine
    engine.close()


def ask(patched: Any, sql: str) -> tuple[list[Any], list[Any]]:
    """The rows of DuckDB and of Spark."""
    con, engine = patched
    table = con.execute(sql).to_arrow_table()
    return table.to_pylist(), engine.query(
        transpile(parse_one(sql, dialect="duckdb"), "spark"), table.schema
    ).to_pylist()


def views(patched: Any) -> set[str]:
    """The temporary views of the session."""
    return {row["viewName"] for row in patched[1]._spark.sql("SHOW VIEWS").toArrow().to_pylist()}


def test_a_table_that_was_patched_is_read_as_duckdb_reads_it(patched: Any) -> None:
    """Without the masked rows, with the delta, and only what is known (`id > 0`)."""
    duck, spark = ask(patched, "SELECT id, deal, value, name, day, file FROM t WHERE id > 0 ORDER BY file, id")
    assert spark == duck
    assert [(row["file"], row["id"]) for row in spark] == [("a", 1), ("b", 4), ("b", 5), ("delta", 1), ("delta", 2)]


def test_a_table_is_opened_when_a_statement_first_names_it(patched: Any) -> None:
    """In FROM or in a join; a column of that name does not count."""
    ask(patched, "SELECT t.id AS other FROM t WHERE id > 0")
    assert views(patched) == {"t"}
    patched[0].execute("CREATE OR REPLACE TEMP VIEW other AS SELECT 1 AS id")
    ask(patched, "SELECT COUNT(*) AS n FROM t CROSS JOIN other AS o")
    assert views(patched) == {"t", "other"}


def test_a_statement_that_names_its_tables_again_and_again_stays_small(patched: Any) -> None:
    """Twelve tables, each made of the one before twice, are 16,000 SELECTs when written in; nothing is left of the rows worked out."""
    levels = ["c0 AS (SELECT COUNT(*) AS n FROM t WHERE id > 0)"]
    levels += [f"c{n} AS (SELECT a.n + b.n AS n FROM c{n - 1} AS a CROSS JOIN c{n - 1} AS b)" for n in range(1, 13)]
    duck, spark = ask(patched, f"WITH {', '.join(levels)} SELECT x.n + y.n AS n FROM c12 AS x CROSS JOIN c12 AS y")
    assert spark == duck
    assert not [name for name in views(patched) if name.startswith("worked")]


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


def test_a_server_that_does_not_answer_is_an_error_with_a_remedy(company: Path, spark: str) -> None:
    """The token is not shown."""
    with pytest.raises(AssertionError, match="cannot be reached") as error:
        Work(company, f"sc://127.0.0.1:{_free_port()}/;token=secret").run("doors")
    assert "Check the setting warehouse" in str(error.value)
    assert "secret" not in str(error.value)
