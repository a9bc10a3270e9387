"""Runs the tests in `state/` on SQLite and on PostgreSQL: the same tests, the same answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
def test_the_warehouse_answers_alike_on_both_databases(database_url: str | None) -> None:
    environment = {**os.environ, "SALESOPS_STATE_TESTS": "1", "DATABASE_URL": database_url or ""}
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command.append(str(HERE / "state"))
    done = subprocess.run(command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
