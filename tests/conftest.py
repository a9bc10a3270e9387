"""What every test may lean on: the shared data, a real PostgreSQL, and a closing word on what was left out.

| fixture        | gives                                                                                     |
| -------------- | ----------------------------------------------------------------------------------------- |
| `shared`       | the folder of shared data (`SALESOPS_SHARED`, default `../shared`); skips when absent     |
| `postgres`     | a running PostgreSQL server of this test process; `create_database()` gives a URL         |
| `postgres_url` | the URL of an empty PostgreSQL database, dropped after the test                           |
| `database_url` | the test runs twice: with None (the workspace's own SQLite) and with a `postgres_url`     |

No fixture knows Django: a workspace configures it (`salesops.open`), once in a process.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # read when numpy is loaded: several test processes share the machine

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


# --- Shared data ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared data, or skip the test and say why."""
    folder = Path(os.environ.get("SALESOPS_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("the shared data is absent (set SALESOPS_SHARED to its folder)")
    return folder.resolve()


# --- PostgreSQL -----------------------------------------------------------------------------------------------------

# The server is a child of this shell, which waits for the end of its standard input: when the test process closes it,
# or dies in whatever way, the server is stopped at once and its folder removed.
KEEPER = """
"$1" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
     -c synchronous_commit=off -c full_page_writes=off -c max_connections=50 -c shared_buffers=64MB \
     -c autovacuum_naptime=10min >"$2/log" 2>&1 </dev/null &
server=$!
read -r _
kill -QUIT $server 2>/dev/null
wait $server
cd / && rm -rf "$2"
"""
POSTGRES_USERS = ("postgres", "nobody")


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs: on PATH, or where Debian, Fedora and Homebrew put them."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "opt/homebrew/opt/postgresql*/bin",
        "usr/local/opt/postgresql*/bin",
    ):
        candidates += sorted(Path("/").glob(pattern), reverse=True)
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


class PostgresServer:
    """A PostgreSQL server on a free loopback port with a data folder of its own, without durability."""

    def __init__(self, programs: Path) -> None:
        self._as_user = _unprivileged()
        self._numbers = count(1)
        self._folder = Path(tempfile.mkdtemp(prefix="salesops-pg-"))
        if self._as_user:
            shutil.chown(self._folder, self._as_user["user"], self._as_user["group"])
        try:
            self._initialise(programs)
            self._start(programs)
        except BaseException:
            self.stop()
            raise

    def create_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database that `create_database` made, with whatever connections it still has."""
        name = url.rpartition("/")[2]
        self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        keeper: subprocess.Popen[bytes] | None = getattr(self, "_keeper", None)
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()
            keeper.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _url(self, database: str) -> str:
        return f"postgresql://salesops@127.0.0.1:{self._port}/{database}"

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _initialise(self, programs: Path) -> None:
        command = [str(programs / "initdb"), "--pgdata", str(self._folder / "data"), "--username=salesops"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False, **self._as_user)
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _start(self, programs: Path) -> None:
        for _attempt in range(5):  # another process may take the free port first
            self._port = _free_port()
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "keeper", str(programs / "postgres"), str(self._folder), str(self._port)],
                stdin=subprocess.PIPE,
                cwd=self._folder,
                start_new_session=True,  # an interrupt at the keyboard reaches the tests, which then stop the server
                **self._as_user,
            )
            if self._answers(within=30):
                return
            log = (self._folder / "log").read_text(errors="replace")
            if "could not bind" not in log:
                break
            self._keeper.kill()
            self._keeper.wait()
        raise RuntimeError(f"PostgreSQL did not start:\n{log}")

    def _answers(self, within: float) -> bool:
        until = time.monotonic() + within
        while time.monotonic() < until:
            try:
                psycopg.connect(self._url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if not (self._folder / "data" / "postmaster.pid").exists() and until - time.monotonic() < within - 2:
                    return False  # it has given up
                time.sleep(0.05)
            else:
                return True
        return False


def _unprivileged() -> dict[str, Any]:
    """Return the subprocess arguments that leave root, under which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return {}
    import grp
    import pwd

    for name in POSTGRES_USERS:
        try:
            group = grp.getgrgid(pwd.getpwnam(name).pw_gid).gr_name
        except KeyError:
            continue
        return {"user": name, "group": group, "extra_groups": []}
    raise RuntimeError(f"PostgreSQL does not run as root, and none of the users {POSTGRES_USERS} exists")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Run a PostgreSQL server for this test process; skip when PostgreSQL is not installed."""
    programs = find_postgres()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql; macOS: brew install postgresql)")
    server = PostgresServer(programs)
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database and drop it afterwards."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Run the test with None, which stands for the workspace's own SQLite file, and with an empty PostgreSQL."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url


# --- The closing word -----------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out and why, grouped by reason."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.section("left out")
    if not reasons:
        terminalreporter.line("Nothing: every test that was asked for ran.")
    for reason, tests in reasons.most_common():
        terminalreporter.line(f"{tests:5} {'test' if tests == 1 else 'tests'}: {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
