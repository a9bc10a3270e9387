"""The fixtures of tests/conftest.py do what their table says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.postgres
@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_gets_an_empty_postgresql_database(postgres_url: str, turn: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        connection.execute("CREATE TABLE left_behind (id bigint)")
    assert tables == (0,), turn


def test_database_url_runs_a_test_on_both(database_url: str | None) -> None:
    if database_url is None:
        return
    with psycopg.connect(database_url) as connection:
        encoding = connection.execute("SHOW server_encoding").fetchone()
    assert encoding == ("UTF8",)


def run_pytest(folder: Path, source: str, **environment: str) -> subprocess.Popen[str]:
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_inner.py").write_text(source, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--rootdir",
        str(folder),
    ]
    command += ["-c", os.devnull, str(folder)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(command, env=kept | environment, stdout=subprocess.PIPE, text=True, cwd=folder)


def test_what_was_left_out_is_grouped_by_reason(tmp_path: Path) -> None:
    source = """
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_needs_data(shared, n): ...

@pytest.mark.skip(reason="needs a browser")
def test_page(): ...

def test_runs(): ...
"""
    inner = run_pytest(tmp_path, source, SALESOPS_SHARED=str(tmp_path / "absent"))
    output = inner.communicate(timeout=120)[0]
    assert "    2 tests: the shared data is absent (set SALESOPS_SHARED to its folder)" in output
    assert "    1 test: needs a browser" in output
    assert output.splitlines()[-1].startswith("1 passed, 3 skipped")


def test_nothing_left_out_is_said_too(tmp_path: Path) -> None:
    output = run_pytest(tmp_path, "def test_runs(): ...").communicate(timeout=120)[0]
    assert "Nothing: every test that was asked for ran." in output


@pytest.mark.slow
@pytest.mark.postgres
def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path, postgres: object) -> None:
    source = f"""
import pathlib, time

def test_hangs(postgres):
    pathlib.Path({str(tmp_path / "there")!r}).write_text(postgres.create_database() + " " + str(postgres._folder))
    time.sleep(600)
"""
    inner = run_pytest(tmp_path, source)
    note = tmp_path / "there"
    wait_for(lambda: note.exists() and note.read_text().count(" ") == 1)
    url, folder = note.read_text().split()
    psycopg.connect(url).close()
    inner.kill()
    inner.wait()
    wait_for(lambda: not Path(folder).exists())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def wait_for(condition: object, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)
