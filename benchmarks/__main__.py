"""Measure the speed: `python -m benchmarks [demo|import|refresh|questions|survival ...] [--size tiny|small|full]`.

Every figure is taken in a process of its own: its seconds (of the work, without starting the program), processor seconds and the
most memory it held. Before a ratio is printed the answers of all engines are compared, and a difference ends the run.
Data is made once in `benchmarks/out/<size>/` and used again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from .measure import ROOT, Run, run

SIZES = {"tiny": (20, 1_000, 10_000), "small": (200, 20_000, 200_000), "full": (10_000, 1_000_000, 10_000_000)}
LIMITS = {"demo": 300.0, "import": 180.0, "refresh, full": 60.0, "refresh after 1,000 changes": 2.0}
RATIO, MEMORY_MB = 1.3, 4096.0
NAMES = ("demo", "import", "refresh", "questions", "survival")


@dataclass
class Row:
    """One line of the table."""

    task: str
    engine: str
    run: Run
    note: str = ""

    def text(self) -> str:
        took = self.run
        return f"{self.task:28} {self.engine:18} {took.own:9.2f} {took.cpu:9.2f} {took.memory_mb:9.0f}  {self.note}"


class Bench:
    """The benchmarks of one size, printing as they go."""

    def __init__(self, size: str) -> None:
        self.size = size
        self.folder = ROOT / "benchmarks" / "out" / size
        self.files, self.workspace = self.folder / "files", self.folder / "workspace"
        self.rows: list[Row] = []
        self.failed: list[str] = []

    def add(self, task: str, engine: str, took: Run, note: str = "") -> Run:
        row = Row(task, engine, took, note)
        if engine == "salesops":
            limit = LIMITS.get(task)
            if limit and self.size == "full":
                self._judge(row, took.own <= limit, f"at most {limit:.0f} s")
            if took.memory_mb > MEMORY_MB:
                self._judge(row, False, "under 4 GiB")
        self.rows.append(row)
        print(row.text(), flush=True)
        return took

    def _judge(self, row: Row, good: bool, wanted: str) -> None:
        row.note = f"{row.note} ({wanted}: {'yes' if good else 'NO'})".strip()
        if not good:
            self.failed.append(f"{row.task}: {wanted}")

    def demo(self) -> None:
        shutil.rmtree(self.files, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.add("demo", "salesops", run("demo", self.files, *SIZES[self.size]))

    def load(self) -> None:
        if not self.files.exists():
            self.demo()
        shutil.rmtree(self.workspace, ignore_errors=True)
        took = run("load", self.files, self.workspace)
        plain = run("load_plain", self.files, self.folder / "plain.sqlite")
        (self.folder / "plain.sqlite").unlink(missing_ok=True)
        self.add("import", "salesops", took, f"{took.result['rows']:,} rows; {took.own / plain.own:.2f} x bare inserts")
        self.add("import", "bare inserts", plain, f"{plain.result['rows']:,} rows")

    def refresh(self) -> None:
        if not (self.workspace / "salesops.toml").exists():
            self.load()
        self.add("refresh, full", "salesops", run("refresh", self.workspace, "full"))
        run("edit", self.workspace, 1000)
        took = run("refresh", self.workspace)
        assert took.result["kind"] == "incremental", took.result
        self.add("refresh after 1,000 changes", "salesops", took)

    def questions(self) -> None:
        if not (self.workspace / "salesops.toml").exists():
            self.load()
        run("refresh", self.workspace, "full")
        for task in ("weekly", "waterfall", "matrix"):
            found = {
                engine: run("ask", task, engine, self.workspace)
                for engine in ("duckdb", "salesops", "native", "polars", "pandas")
            }
            answers = {engine: took.result["answer"] for engine, took in found.items()}
            for engine, answer in answers.items():
                if answer != answers["duckdb"]:
                    pairs = [pair for pair in zip(answer, answers["duckdb"], strict=False) if pair[0] != pair[1]]
                    raise SystemExit(f"{task}: {engine} and the hand-written SQL differ, first: {pairs[:3]}")
            ratio = found["salesops"].own / found["duckdb"].own
            for engine, took in found.items():
                note = f"{took.own / found['duckdb'].own:.2f} x hand-written SQL"
                label = {"duckdb": "DuckDB by hand", "native": "DuckDB, own file"}.get(engine, engine)
                self.add(task, label, took, note)
            if self.size == "full" and ratio > RATIO:
                self.failed.append(f"{task}: {ratio:.2f} times the hand-written SQL, at most {RATIO}")

    def survival(self) -> None:
        found = {engine: run("survival", engine, SIZES[self.size][1]) for engine in ("pandas", "salesops")}
        if found["pandas"].result["answer"] != found["salesops"].result["answer"]:
            raise SystemExit("survival: salesops and pandas differ")
        ratio = found["salesops"].own / found["pandas"].own
        for engine, took in found.items():
            self.add("survival, 5,000 groups", engine, took, f"{took.own / found['pandas'].own:.2f} x pandas")
        if self.size == "full" and ratio > 1:
            self.failed.append(f"survival: {ratio:.2f} times the seconds of pandas, at most 1")


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks (default: all); the exit code says whether every limit was kept."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--size", choices=sorted(SIZES), default="full")
    parser.add_argument("--out", type=Path, help="folder for the data (default: benchmarks/out)")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; use {', '.join(NAMES)}")
    bench = Bench(given.size)
    if given.out:
        bench.folder = given.out
        bench.files, bench.workspace = given.out / "files", given.out / "workspace"
    print(f"size {given.size}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{'task':28} {'engine':18} {'seconds':>9} {'cpu s':>9} {'peak MB':>9}")
    steps = {
        "demo": bench.demo, "import": bench.load, "refresh": bench.refresh, "questions": bench.questions,
        "survival": bench.survival,
    }  # fmt: skip
    for name in NAMES:
        if not given.names or name in given.names:
            steps[name]()
    print(f"load {os.getloadavg()[0]:.1f}")
    for line in bench.failed:
        print(f"NOT KEPT: {line}")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
