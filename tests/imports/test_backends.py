"""Runs the tests in `state/` on SQLite and on PostgreSQL: the same tests, the same answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def run(database_url: str, found: Path, folder: str = "state") -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "SALESOPS_STATE_TESTS": "1",
        "DATABASE_URL": database_url,
        "SALESOPS_FOUND": str(found),
    }
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.Popen(
        [*command, str(HERE / folder)], cwd=HERE.parents[1], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def both(postgres_url: str, tmp_path: Path, folder: str) -> dict[str, Path]:
    """Run the tests of a folder on both databases at once; gives where each left what it found."""
    folders = {"sqlite": tmp_path / "sqlite", "postgresql": tmp_path / "postgresql"}
    runs = {}
    for name, found in folders.items():
        found.mkdir()
        runs[name] = run("" if name == "sqlite" else postgres_url, found, folder)
    for name, started in runs.items():
        out, _ = started.communicate()
        assert started.returncode == 0, f"{name}:\n{out[-8000:]}"
    return folders


@pytest.mark.slow
@pytest.mark.postgres
def test_imports_answer_alike_on_both_databases(postgres_url: str, tmp_path: Path) -> None:
    """What the tests find on one database, they find on the other: fact by fact, row by row."""
    folders = both(postgres_url, tmp_path, "state")
    found = {name: {p.name: p.read_text() for p in folder.glob("*.txt")} for name, folder in folders.items()}
    assert found["postgresql"]
    assert found["sqlite"] == found["postgresql"]


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.usefixtures("shared")
def test_real_files_give_the_known_figures(postgres_url: str, tmp_path: Path) -> None:
    """The tests in `real/`, each database in a process and workspace of its own."""
    both(postgres_url, tmp_path, "real")
