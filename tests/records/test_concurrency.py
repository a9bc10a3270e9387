"""Several processes write at once: one order, one chain, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT
from tests.records.test_backup import environment, work


def test_two_writers_never_fork_the_chain(database_url: str | None, tmp_path: Path) -> None:
    work(database_url, "fill", tmp_path / "acme")
    before = json.loads(work(database_url, "content", tmp_path / "acme"))
    stop = tmp_path / "stop"
    command = [sys.executable, "-m", "tests.records.worker", "busy", str(tmp_path / "acme"), str(stop)]
    outputs = [tmp_path / f"writer-{n}" for n in range(2)]
    writers = []
    for output in outputs:
        with output.open("w") as out:
            writers.append(subprocess.Popen(command, cwd=ROOT, env=environment(database_url), stdout=out))
    deadline = time.monotonic() + 60  # both are at work before they are told to stop
    while time.monotonic() < deadline and not all(output.read_text() for output in outputs):
        time.sleep(0.05)
    stop.touch()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    written = sum(len(output.read_text().split()) for output in outputs)
    after = json.loads(work(database_url, "content", tmp_path / "acme"))
    assert after["verify"]["ok"]
    assert after["Account"][0] == before["Account"][0] + written > 1
    assert after["AuditEntry"][0] == before["AuditEntry"][0] + 4 * written  # created, changed, commented on, a task


def test_a_writer_killed_leaves_whole_edits(database_url: str | None, tmp_path: Path) -> None:
    work(database_url, "fill", tmp_path / "acme")
    command = [sys.executable, "-m", "tests.records.worker", "busy", str(tmp_path / "acme"), str(tmp_path / "never")]
    for delay in (0.05, 0.2):
        writer = subprocess.Popen(
            command, cwd=ROOT, env=environment(database_url), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        writer.kill()
        writer.communicate()
    held = json.loads(work(database_url, "content", tmp_path / "acme"))
    assert held["verify"]["ok"]
    assert (
        held["Account"][0] == held["SourceId"][0] - 21
    )  # every account has its source id; the rest is one person, 20 deals
