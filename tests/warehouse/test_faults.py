"""Killed, crowded out and short of room: the current generation is always whole, and the next refresh works."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEALS = 400
TOTAL = DEALS * (DEALS + 1) // 2


def start(task: str, folder: Path, number: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.warehouse.worker", task, str(folder), str(number)]
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "SALESOPS_DATABASE_URL")}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(task: str, folder: Path, number: int = 0) -> str:
    process = start(task, folder, number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-4000:]
    return out.strip()


def look(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("look", folder).splitlines()[-1])
    assert (found["n"], found["total"] % TOTAL, found["missing"]) == (DEALS, 0, [])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run("build", tmp_path / "acme", DEALS)
    return tmp_path / "acme"


@pytest.mark.slow
def test_a_killed_refresh_leaves_the_generation_before_and_the_next_one_works(folder: Path) -> None:
    chance = random.Random(7)
    for _attempt in range(4):
        process = start("refresh", folder)
        time.sleep(chance.uniform(0.8, 2.5))
        process.kill()
        process.communicate()
        look(folder)
    before = look(folder)["generation"]
    made = run("refresh", folder)
    assert made != before
    for file in (folder / "warehouse" / "files").iterdir():  # what the killed ones left is old by then
        os.utime(file, (0, 0))
    run("refresh", folder)
    assert look(folder)["loose"] == []
    assert not list((folder / "work").glob("refresh*"))


@pytest.mark.slow
def test_two_refreshes_at_once_take_turns(folder: Path) -> None:
    both = [start("refresh", folder), start("refresh", folder)]
    names = [process.communicate(timeout=120)[0].strip() for process in both]
    assert [p.returncode for p in both] == [0, 0]
    assert len(set(names)) == 2
    assert look(folder)["generation"] == max(names)


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_generation_before_stays(folder: Path) -> None:
    before = look(folder)
    for limit in (100, 3_000, 20_000):
        told = run("full_disk", folder, limit)
        assert told.startswith("WorkspaceError"), told
        assert "the warehouse could not be written" in told
        assert "stays current" in told
    after = look(folder)
    assert after == before
    assert run("refresh", folder) != before["generation"]
