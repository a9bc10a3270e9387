"""A small demo company in a workspace of this process, and sessions of it on DuckDB and on the engine under test."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT, PostgresServer
from tests.engines.worker import PROGRESS
from tests.metrics.build import Session

QUICK = {
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "PYSPARK_SUBMIT_ARGS": "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN "
    "--conf spark.sql.adaptive.enabled=false pyspark-shell",
}
"""Settings of the tests' Spark: on little data most of the time is planning and compiling, each plan once. Some tests run without them."""
ENGINES = ("duckdb", "postgresql", "spark")
"""Every engine that hand-made rows are asked on; one that is not there skips its tests."""
Move = Callable[[Session], Any]
"""Brings a hand-made session to an engine."""


def url_of(engine: str, request: pytest.FixtureRequest) -> str:
    """The setting `warehouse` for an engine, which is started if need be."""
    url: str = request.getfixturevalue({"postgresql": "database", "spark": "spark"}[engine])
    return url


@pytest.fixture(scope="session")
def spark() -> str:
    """The setting for a Spark in the asking process. It is slow to start and to ask: only `make test-engines` does."""
    if os.environ.get("SALESOPS_ENGINES") != "all":
        pytest.skip("Spark is compared with DuckDB by make test-engines")
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed (pip install 'salesops[spark]'; make test-engines tries to)")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Java is not installed (Debian: apt-get install openjdk-17-jre-headless)")
    for name, value in QUICK.items():
        os.environ.setdefault(name, value)
    return "spark"


@pytest.fixture(scope="session")
def entities_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Configure Django as `salesops.open` does, once in a process: the warehouse knows the entities."""
    from django.apps import apps

    if not apps.ready:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.web.settings")
        os.environ.setdefault("SALESOPS_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        import django

        django.setup()


@pytest.fixture(scope="module", params=ENGINES)
def moved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """Tests that move their session with this run once for each engine."""
    opened: list[Any] = []
    if request.param != "duckdb":
        request.getfixturevalue("entities_known")

    def move(session: Session) -> Any:
        if request.param == "duckdb":
            return session
        from tests.engines.hand import elsewhere

        opened.append(elsewhere(session, url_of(request.param, request), tmp_path_factory.mktemp(request.param)))
        return opened[-1]

    yield move
    for one in opened:
        one.engine.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight representatives and two years, made once; workers open it (one process serves one workspace)."""
    folder = tmp_path_factory.mktemp("engines") / "company"
    Work(folder).run("make")
    return folder


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database for the warehouse of one module."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


class Work:
    """Runs `worker.py` on a workspace; tells how far it is (seen with `pytest -s`, as in `make test-engines`)."""

    def __init__(self, folder: Path, engine: str = "") -> None:
        self.folder, self.engine = folder, engine

    def run(self, *words: str) -> Any:
        """One command of the worker; its answer."""
        environment = {name: value for name, value in os.environ.items() if name != "SALESOPS_WAREHOUSE"}
        if self.engine:
            environment["SALESOPS_WAREHOUSE"] = self.engine
        lines = [""]
        with tempfile.TemporaryFile("w+") as said:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.engines.worker", str(self.folder), *words],
                cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=said, text=True,
            )  # fmt: skip
            try:
                for line in worker.stdout or ():
                    lines.append(line)
                    if line.startswith(PROGRESS):
                        print(line, end="", flush=True)
                worker.wait(timeout=60)
            finally:  # the test may have been stopped by its limit
                worker.kill()
                worker.wait()
            if worker.returncode:
                said.seek(0)
                raise AssertionError(f"{' '.join(words)}:\n{''.join(lines)[-2000:]}\n{said.read()[-6000:]}")
        return json.loads(lines[-1])
