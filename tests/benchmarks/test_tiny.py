"""The benchmarks run, and every engine gives the same answers, on a company of a thousand deals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import semantic_layer

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_every_engine_gives_the_same_answers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--size", "tiny", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for task in ("demo", "import", "refresh, full", "refresh after", "weekly", "waterfall", "matrix", "survival",
                 "repeat_purchase_share, month x rep", "whole catalogue", "one metric, one period", "scans of history",
                 "  home", "  metric explorer", "  50 people clicking"):  # fmt: skip
        assert any(line.startswith(task) for line in done.stdout.splitlines()), done.stdout
    if semantic_layer.python():
        assert f"  {semantic_layer.QUESTIONS[0]}" in done.stdout, done.stdout
    else:
        assert "boring-semantic-layer: skipped" in done.stdout, done.stdout
