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
    writers = [
        subprocess.Popen(command, cwd=ROOT, env=environment(database_url), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    written = 0
    for writer in writers:  # both are at work before either is told to stop
        assert writer.stdout is not None
        written += len(writer.stdout.readline().split())
    time.sleep(0.5)
    stop.touch()
    for writer in writers:
        out, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0
        written += len(out.split())
    after = json.loads(work(database_url, "content", tmp_path / "acme"))
    assert after["verify"]["ok"]
    assert after["Account"][0] == before["Account"][0] + written > 1
    assert after["AuditEntry"][0] == before["AuditEntry"][0] + written


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
