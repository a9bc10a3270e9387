"""PostgreSQL as the warehouse: every metric equal to DuckDB's, schemas of generations, doors that use the setting."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.engines.conftest import Work

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
    assert found["asked"] > (300 if not chosen else 30)


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
