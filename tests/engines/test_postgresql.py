"""PostgreSQL as the warehouse: every metric equal to DuckDB's, schemas of generations, doors that use the setting."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from tests.conftest import PostgresServer
from tests.engines.conftest import Work
from tests.metrics.build import BOSS, World

from salesops.common.errors import WorkspaceError
from salesops.metrics.catalogue import every
from salesops.metrics.engines import RAN
from salesops.metrics.query import query

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(1800)]
SOME = [
    "win_rate", "win_rate.value", "bookings", "sales_cycle_days", "sales_cycle_days.km", "open_pipeline", "weighted_pipeline",
    "quota_attainment", "stage_conversion", "lead_conversion", "stage_conversion", "activities",
]  # fmt: skip
"""One of each kind; `make test-engines` (SALESOPS_ENGINES=all) compares all."""


@pytest.fixture
def work(company: Path, database: str) -> Work:
    """The company, its warehouse in PostgreSQL."""
    return Work(company, database)


def test_metrics_are_the_same_as_on_duckdb(work: Work) -> None:
    """By month, by owner, by region and as of a past day; no statement was answered by anybody else."""
    chosen = [] if os.environ.get("SALESOPS_ENGINES") == "all" else SOME
    found = work.run("compare", "now", *chosen)
    assert found["different"] == {}
    assert set(found["by"]) == {"postgres"}
    if chosen:
        assert found["asked"] > 30
    else:  # what docs/engines.md tells of this
        assert (len(every()), found["asked"]) == (RAN["postgres"].definitions, RAN["postgres"].answers)


def test_analyses_are_the_same_as_on_duckdb(work: Work) -> None:
    """Waterfall, funnel, conversion, velocity, slipping, changes, cohorts, people, drills."""
    found = work.run("analyse")
    assert found["different"] == {}
    assert set(found["by"]) == {"postgres"}
    assert found["asked"] == RAN["postgres"].analyses


def test_a_past_day_of_knowledge_is_the_same(work: Work) -> None:
    """What had been recorded by then stands in temporary tables of the session."""
    found = work.run("compare", "2026-03-31", "bookings", "win_rate", "open_pipeline", "activities", "stage_conversion")
    assert found["different"] == {}
    assert set(found["by"]) == {"postgres"}


def test_the_doors_ask_the_engine_of_the_setting(company: Path, work: Work) -> None:
    """Python and the command line give the figure of DuckDB."""
    found, plain = work.run("doors"), Work(company).run("doors")
    assert found["by"].get("postgres", 0) > 0
    assert "postgres" not in plain["by"]
    assert found["value"] == plain["value"]
    assert found["code"] == 0
    assert json.loads(found["shown"]) == json.loads(plain["shown"])


def test_a_refresh_brings_a_schema_and_drops_the_old_ones(work: Work) -> None:
    """As many as the workspace keeps generations, and one that goes with the next load."""
    found = work.run("refresh")
    assert found["current"] in found["schemas"]
    assert len(found["schemas"]) <= 4


def test_a_server_that_does_not_answer_is_an_error_with_a_remedy(company: Path) -> None:
    """The password is not shown."""
    with pytest.raises(AssertionError, match="cannot be reached") as error:
        Work(company, "postgresql://somebody:secret@127.0.0.1:1/nowhere").run("doors")
    assert "Check the setting warehouse" in str(error.value)
    assert "secret" not in str(error.value)


# Errors ---------------------------------------------------------------------------------------------------------------

NUMBER = pa.schema([("n", pa.int64())])


@pytest.fixture
def small(database: str, entities_known: None, tmp_path: Path) -> Any:
    """One won deal of 5, in PostgreSQL."""
    from tests.engines.hand import elsewhere

    w = World(today="2024-06-30")
    w.deal("A", "2024-01-01", amount=5).won("2024-02-01")
    session = elsewhere(w.session(), database, tmp_path)
    yield session
    session.engine.close()


def ended(session: Any, url: str) -> None:
    """The server ends the session's connection, as a restart or an administrator would."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [session.engine._connection.info.backend_pid])


def test_a_lost_connection_is_opened_again(small: Any, database: str) -> None:
    """The question is answered as if nothing had been."""
    assert query(small, BOSS, "bookings").value() == Decimal(5)
    ended(small, database)
    assert query(small, BOSS, "bookings").value() == Decimal(5)


def test_a_server_that_is_gone_is_told_with_a_remedy(small: Any, database: str, postgres: PostgresServer) -> None:
    """After the end of the connection nobody may connect any more."""
    name = database.rpartition("/")[2]
    postgres._administer(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    postgres._administer(
        f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )
    try:
        with pytest.raises(WorkspaceError, match="cannot be reached") as error:
            query(small, BOSS, "bookings")
        assert "Check the setting warehouse" in error.value.remedy
    finally:
        postgres._administer(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@pytest.mark.parametrize(
    ("statement", "what", "remedy"),
    [
        ("SELECT nothing FROM nowhere", 'relation "nowhere" does not exist', "salesops refresh --full"),
        ("SELECT n FROM (VALUES (1)) AS v(n) WHERE", "syntax error", "take the setting warehouse out"),
        ("SELECT pg_sleep(9)", "statement timeout", "statement_timeout"),
        ("SELECT CAST(9223372036854775807 AS bigint) + 1 AS n", "bigint out of range", "ask for less"),
        ("SELECT CAST(9223372036854775807 AS numeric) + 1 AS n", "does not fit the column n", "Ask for less"),
        ("SELECT CAST(0.5 AS numeric) AS n", "0.5 is no whole number", "take the setting warehouse out"),
        ("CREATE TABLE mine (n bigint)", "read-only transaction", "take the setting warehouse out"),
    ],
)
def test_what_the_server_refuses_is_told_with_a_remedy(small: Any, statement: str, what: str, remedy: str) -> None:
    """Never as an error of the driver; the session goes on."""
    small.engine._connection.execute("SET statement_timeout = '500ms'")
    with pytest.raises(WorkspaceError, match=what) as error:
        small.engine.query(statement, NUMBER)
    assert remedy in error.value.remedy
    assert small.engine.query("SELECT 1 AS n", NUMBER).to_pylist() == [{"n": 1}]


def test_a_user_who_may_not_create_schemas_is_told_so(
    postgres: PostgresServer, database: str, entities_known: None, tmp_path: Path
) -> None:
    """With the statement that an administrator has to run."""
    from tests.engines.hand import elsewhere

    postgres._administer("CREATE USER guest")
    try:
        with pytest.raises(WorkspaceError, match="cannot load the tables: permission denied") as error:
            elsewhere(World().session(), database.replace("salesops@", "guest@"), tmp_path)
        assert "GRANT CREATE" in error.value.remedy
    finally:
        postgres._administer("DROP USER guest")
