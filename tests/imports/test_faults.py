"""Killed, crowded, out of room, given nonsense: an import is in whole or not at all, and doing it again always works."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT
from tests.imports import kit
from tests.imports.worker import POINTS


class Company:
    """A workspace on one database, worked on by processes that may die."""

    def __init__(self, folder: Path, database_url: str | None) -> None:
        self.folder, self.url = folder / "acme", database_url
        self.run("init")

    def start(self, work: str, *words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.imports.worker", work, str(self.folder), *map(str, words)]
        return subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "DATABASE_URL": self.url or ""}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )  # fmt: skip

    def run(self, work: str, *words: object, killed: bool = False) -> Any:
        done = self.start(work, *words)
        out, err = done.communicate(timeout=300)
        if killed:
            return done.returncode
        assert done.returncode == 0, out + err
        return json.loads(out) if out.strip() else None

    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = self.run("content")
        return found


def files(folder: Path, deals: int = 3_000) -> list[Path]:
    """Deals with changes, members and calls: enough for several chunks when they are small."""
    rng = random.Random(1)
    made = [
        {
            "id": f"d{n % deals}", "changed": f"2018-0{1 + n // deals}-{1 + n % 27:02} 10:00", "learned": "", "gone": "no", "created": "2018-01-01",
            "name": f"Deal {n}", "amount": f"{rng.randrange(1000)}.50", "stage": rng.choice(["Open", "Won"]), "owner": "ann", "tier": "T1",
        }
        for n in range(2 * deals)
    ]  # fmt: skip
    calls = [
        {"id": f"c{n}", "at": f"2018-01-{1 + n % 28:02} 09:00", "owner": "bob", "minutes": n % 60, "outcome": ""}
        for n in range(500)
    ]
    return [kit.write_csv(folder / "versions.csv", made), kit.write_csv(folder / "calls.csv", calls)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The state after an import that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    company = Company(folder, None)
    company.run("take", *files(folder))
    return company.content()


@pytest.mark.slow
def test_killed_at_any_point_and_imported_again(
    whole: dict[str, Any], database_url: str | None, tmp_path: Path
) -> None:
    """At every other point on each database: killed, imported again, and the state is that of an undisturbed import."""
    rng = random.Random(0)
    points = list(POINTS) if not database_url else rng.sample(POINTS, 4)
    for number, point in enumerate(points):
        work = tmp_path / str(number)
        work.mkdir()
        url = _fresh(database_url)
        company = Company(work, url)
        given = files(work)
        assert company.run("die", point, *given, killed=True) == -9, point
        after = company.run("again", *given)
        assert after["state"] == whole["state"], point
        assert (after["live"], after["dead"], after["work"], after["mappings"], after["audit"]) == (
            1,
            0,
            [],
            ["crm.toml"],
            True,
        ), point


_databases: list[Any] = []


@pytest.fixture(autouse=True)
def _server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Further databases of the test's server, dropped afterwards."""
    _databases.clear()
    if "database_url" in request.fixturenames and request.getfixturevalue("database_url"):
        server = request.getfixturevalue("postgres")
        _databases.append(server)
    yield
    for url in _databases[1:]:
        _databases[0].drop_database(url)


def _fresh(database_url: str | None) -> str | None:
    if not database_url:
        return None
    url: str = _databases[0].create_database()
    _databases.append(url)
    return url


@pytest.mark.slow
def test_killed_after_random_delays(whole: dict[str, Any], database_url: str | None, tmp_path: Path) -> None:
    """One workspace: begun and killed again and again, at last left to finish."""
    company = Company(tmp_path, database_url)
    given = files(tmp_path)
    rng = random.Random(2)
    for _ in range(3):
        started = company.start("take", *given)
        time.sleep(rng.uniform(0.8, 2.6))
        started.kill()
        started.communicate()
    company.run("take", *given)
    after = company.content()
    assert after["state"] == whole["state"]
    assert (after["live"], after["dead"], after["work"], after["audit"]) == (1, 0, [], True)


def test_two_imports_at_once(whole: dict[str, Any], database_url: str | None, tmp_path: Path) -> None:
    """The same files from two processes: one imports, the other waits and finds that they are in."""
    company = Company(tmp_path, database_url)
    given = files(tmp_path)
    both = [company.start("take", *given) for _ in range(2)]
    ended = []
    for started in both:
        out, err = started.communicate(timeout=300)
        assert started.returncode == 0, err
        ended.append(json.loads(out)["status"])
    assert sorted(ended) == ["live", "unchanged"]
    assert company.content()["state"] == whole["state"]


@pytest.mark.slow
def test_a_full_disk_is_told_and_leaves_nothing(whole: dict[str, Any], tmp_path: Path) -> None:
    """No file may grow beyond a size, from a few bytes to almost enough: while reading, computing and writing."""
    company = Company(tmp_path, None)
    given = files(tmp_path)
    empty = company.content()
    told = set()
    for limit in (80_000, 300_000, 1_000_000, 3_000_000):
        answer = company.run("narrow", limit, *given)
        if answer["status"] == "live":
            break
        told.add(answer["status"])
        assert answer["remedy"], answer
        after = company.content()
        assert after["state"] == empty["state"], limit
    assert told == {"WorkspaceError"}
    assert company.run("take", *given)["status"] in ("live", "resumed")
    after = company.content()
    assert (after["state"], after["dead"], after["work"]) == (whole["state"], 0, [])


def hostile(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Files that are no tables, and tables that mean harm."""
    yield "photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    yield "empty.csv", b""
    yield (
        "calendar.ics",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    yield (
        "invite.csv",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    yield "log.xes", b'<?xml version="1.0"?><log><trace><event><string key="concept:name" value="A"'
    yield "bomb.xes.gz", gzip.compress(b"<log>" + b" " * 80_000_000)
    bomb = folder / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/worksheets/sheet1.xml", b"0" * 300_000_000)
    yield "bomb.xlsx", bomb.read_bytes()
    yield "book.xlsx", b"PK\x03\x04 this is no workbook"
    yield "data.parquet", b"PAR1 nothing PAR1"
    yield "rows.jsonl", b"this is no JSON\n" * 3


@pytest.mark.slow
def test_hostile_files_are_refused_by_name_and_leave_nothing(tmp_path: Path) -> None:
    company = Company(tmp_path, None)
    given = files(tmp_path, deals=20)
    before = company.content()
    for name, content in hostile(tmp_path):
        path = tmp_path / "hostile" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        answer = company.run("guess", *given, path)
        assert answer["status"] == "InvalidData", (name, answer)
        told = answer["problems"]
        assert [p["source"] for p in told] == [name], (name, told)
        assert all(p["remedy"] for p in told), name
    assert company.content() == before
    assert company.run("take", *given)["status"] == "live"


def test_odd_cells_are_data(tmp_path: Path) -> None:
    """Formulas, markup and very long texts are kept as they are; only what does not fit is refused."""
    company = Company(tmp_path, None)
    head = "id,name,city,industry,employees\n"
    rows = '1,"=HYPERLINK(""http://x.example"")",Lodz,Tools,1\n2,"\'; DROP TABLE records_account; --",Lodz,Tools,2\n'
    rows += f"3,{'x' * 100_000},Lodz,Tools,3\n4,Zażółć gęślą jaźń,Łódź,Tools,4\n"
    path = tmp_path / "companies.csv"
    path.write_bytes((head + rows).encode("cp1250"))
    assert company.run("take", path)["status"] == "live"
    found = "".join(company.content()["state"]["account"])
    for text in ("=HYPERLINK", "DROP TABLE", "x" * 100_000, "Zażółć gęślą jaźń", "Łódź"):
        assert text in found
