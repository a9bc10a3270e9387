"""Running one piece of work in a process of its own: wall and processor seconds, and the most memory it held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """What a process took. `own` is the seconds that the work itself reports (without starting the program)."""

    wall: float
    cpu: float
    memory_mb: float
    result: dict[str, Any]

    @property
    def own(self) -> float:
        return float(self.result.get("seconds", self.wall))


def run(*words: object, python: str = sys.executable, module: str = "benchmarks.work") -> Run:
    """Run `python -m benchmarks.work WORDS`; raises RuntimeError with its output when it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen([python, "-m", module, *map(str, words)], cwd=ROOT, stdout=out, stderr=err)
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{words} failed:\n{out.read()[-2000:]}\n{err.read()[-4000:]}")
        lines = out.read().strip().splitlines()
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes here
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit, json.loads(lines[-1]) if lines else {})
