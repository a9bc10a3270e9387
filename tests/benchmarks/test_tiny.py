"""The benchmarks run, and every engine gives the same answers, on a company of a thousand deals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import semantic_layer, trytond

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_every_engine_gives_the_same_answers(tmp_path: Path) -> None:
    tasks = ["demo", "import", "refresh", "questions", "survival", "scans", "layer", "compensation"]
    if os.environ.get("SALESOPS_BENCHMARKS") == "all":  # two minutes of a processor more
        tasks += ["catalogue", "single", "web"]
    command = [sys.executable, "-m", "benchmarks", *tasks, "--size", "tiny", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = [
        "demo",
        "import",
        "refresh, full",
        "refresh after",
        "weekly",
        "waterfall",
        "matrix",
        "survival",
        "scans of history",
        "compensation, a year",
        "compensation, 100 deals",
        "compensation, preview",
    ]
    if "web" in tasks:
        lines += [
            "repeat_purchase_share, month x rep",
            "whole catalogue",
            "one metric, one period",
            "  home",
            "  metric explorer",
        ]
    for task in lines:
        assert any(line.startswith(task) for line in done.stdout.splitlines()), done.stdout
    if semantic_layer.python():
        assert f"  {semantic_layer.QUESTIONS[0]}" in done.stdout, done.stdout
    else:
        assert "boring-semantic-layer: skipped" in done.stdout, done.stdout
    if not trytond.python():
        assert "trytond-commission: skipped" in done.stdout, done.stdout
