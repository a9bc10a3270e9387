"""Measure the speed: `python -m benchmarks [NAME ...] [--size tiny|small|full]`, NAME one of NAMES below (`--help` lists them).

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
from typing import Any

from . import semantic_layer, trytond
from . import web as http
from .figures import NAMES as FIGURES
from .measure import ROOT, Run, run

SIZES = {"tiny": (20, 1_000, 10_000), "small": (200, 20_000, 200_000), "full": (10_000, 1_000_000, 10_000_000)}
COMPANY = {"tiny": (20, 1_000, 10_000), "small": (100, 20_000, 200_000), "full": (1_000, 1_000_000, 10_000_000)}
"""Reps, deals and changes of the company of which the whole catalogue is asked; with meetings, demos and proposals, over 36 months."""
WEB = {"tiny": (8, 200, 2_000), "small": (40, 5_000, 50_000), "full": (200, 100_000, 1_000_000)}
"""Reps, deals and changes of the company whose pages are served."""
COMPENSATION = {"tiny": (2_000, 20, 200), "small": (50_000, 500, 1_000), "full": (1_000_000, 10_000, 20_000)}
"""Deals and reps of a year that is calculated, and lines of the flat plan that trytond-commission calculates, too."""
YEAR_S, YEAR_MB, CHANGE_S, PREVIEW_S, FASTER = 30.0, 2048.0, 2.0, 0.2, 100
CLICKING_S = {"tiny": 3.0, "small": 30.0, "full": 300.0}
LIMITS = {"demo": 300.0, "import": 180.0, "refresh, full": 60.0, "refresh after 1,000 changes": 2.0}
RATIO, MEMORY_MB = 1.3, 4096.0
CATALOGUE_S, SINGLE_S, SCAN_S = 60.0, 0.3, 2.0
NAMES = (
    "demo",
    "import",
    "refresh",
    "questions",
    "survival",
    "catalogue",
    "single",
    "scans",
    "layer",
    "web",
    "compensation",
)


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
        self.company, self.web_folder = self.folder / "company", self.folder / "web"
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

    def reps(self) -> Path:
        """The workspace of the company of which the whole catalogue is asked, made once."""
        workspace, files = self.company / "workspace", self.company / "files"
        if not (workspace / "warehouse" / "CURRENT").exists():
            shutil.rmtree(self.company, ignore_errors=True)
            self.company.mkdir(parents=True)
            run("demo", files, *COMPANY[self.size], "light")
            run("load", files, workspace)
            run("refresh", workspace, "full")
        return workspace

    def catalogue(self) -> None:
        workspace = self.reps()
        for name in FIGURES:
            mine, hand = run("figure", name, "salesops", workspace), run("figure", name, "by hand", workspace)
            if mine.result["answer"] != hand.result["answer"]:
                pairs = zip(mine.result["answer"], hand.result["answer"], strict=False)
                raise SystemExit(
                    f"{name}: salesops and the work by hand differ: {[p for p in pairs if p[0] != p[1]][:3]}"
                )
            for engine, took in (("by hand", hand), ("salesops", mine)):
                note = f"{took.own / hand.own:.2f} x by hand, {len(took.result['answer']):,} rows the same"
                self.add(f"{name}, month x rep", engine, took, note)
        took = run("catalogue", workspace)
        asked = took.result["questions"]
        self.add(
            "whole catalogue", "salesops", took, f"{len(asked)} questions for every metric, at most {CATALOGUE_S:.0f} s"
        )
        self._slowest(asked)
        self._limit("whole catalogue", took.own, CATALOGUE_S)

    def single(self) -> None:
        took = run("single", self.reps())
        self.add("one metric, one period", "salesops", took, f"{len(took.result['questions'])} metrics, best of three")
        self._slowest(took.result["questions"])
        for name, seconds, *_ in took.result["questions"]:
            self._limit(f"one value of {name}", seconds, SINGLE_S)

    def scans(self) -> None:
        took = run("scans", self.reps())
        self.add("scans of history", "salesops", took, f"{len(took.result['questions'])} scans, best of three")
        self._slowest(took.result["questions"], len(took.result["questions"]))
        for name, seconds, *_ in took.result["questions"]:
            self._limit(name, seconds, SCAN_S)

    def layer(self) -> None:
        found = semantic_layer.python()
        if not found:
            print("boring-semantic-layer: skipped, no Python has it (see benchmarks/semantic_layer.py)")
            return
        workspace = self.reps()
        mine = run("layer", workspace)
        theirs = run(mine.result["files"], python=found, module="benchmarks.semantic_layer")
        for name in semantic_layer.QUESTIONS:
            (own, answer), (other, same) = mine.result["answers"][name], theirs.result["answers"][name]
            if answer != same:
                pairs = [p for p in zip(answer, same, strict=False) if p[0] != p[1]]
                raise SystemExit(
                    f"{name}: salesops and boring-semantic-layer differ ({len(answer)}, {len(same)} rows): {pairs[:3]}"
                )
            print(
                f"  {name:40} {own:8.3f} s, boring-semantic-layer {other:8.3f} s ({own / other:.2f} x), {len(same):,} rows the same"
            )
        self.add(
            "semantic layer",
            "salesops",
            mine,
            f"memory {mine.memory_mb / theirs.memory_mb:.2f} x boring-semantic-layer's",
        )
        self.add("semantic layer", "boring-sem.-layer", theirs)
        for name, why in semantic_layer.CANNOT.items():
            print(f"  it cannot: {name} ({why}); ours: {mine.result['ours'][name]}")

    def web(self) -> None:
        """Repeated and first views, weight of pages, and people clicking, over HTTP."""
        workspace, files = self.web_folder / "workspace", self.web_folder / "files"
        if not (workspace / "warehouse" / "CURRENT").exists():
            shutil.rmtree(self.web_folder, ignore_errors=True)
            self.web_folder.mkdir(parents=True)
            run("demo", files, *WEB[self.size], "light")
            run("load", files, workspace)
            run("refresh", workspace, "full")
        found = run("links", workspace, http.PEOPLE).result
        pages = {name: path.format(deal=found["deal"]) for name, path in http.PAGES.items()}
        with http.served(workspace) as server:
            people = http.visitors(server, found["links"])
            self._views(server, people[0], workspace, pages)
            self._load(server, people[1:], list(pages.values()))

    def compensation(self) -> None:
        """A year of compensation, a change of 100 deals, one rep's preview; the flat plan beside trytond-commission."""
        folder, (deals, reps, lines) = self.folder / "pay", COMPENSATION[self.size]
        module = "benchmarks.compensation"
        took = run("year", folder, deals, reps, module=module)
        note = (
            f"{deals:,} deals, {reps:,} reps: {took.result['lines']:,} lines stored, {took.result['megabytes']:.0f} MB"
        )
        self.add("compensation, a year", "salesops", took, note)
        self._limit("a year of compensation", took.own, YEAR_S)
        self._limit("a year of compensation, MB", took.memory_mb, YEAR_MB)
        took = run("change", folder, deals, reps, module=module)
        note = f"{took.result['payees']:,} payees anew, {took.result['cpu']:.2f} s of processor"
        self.add("compensation, 100 deals", "salesops", took, note)
        self._limit("100 changed deals", took.own, CHANGE_S)
        took = run("preview", folder, deals, reps, module=module)
        self.add(
            "compensation, preview",
            "salesops",
            took,
            f"{took.result['cpu']:.2f} s of processor; {took.result['payees']} payees as the interpreter pays them",
        )
        self._limit("preview of a rep", took.own, PREVIEW_S)
        self._flat(folder, lines, module)

    def _flat(self, folder: Path, lines: int, module: str) -> None:
        mine = run("flat", lines, folder / "flat", module=module)
        self.add("compensation, flat", "salesops", mine, f"{mine.result['lines']:,} lines stored")
        found = trytond.python()
        if not found:
            print("trytond-commission: skipped, no Python has it (see benchmarks/trytond.py)")
            return
        theirs = run(lines, python=found, module="benchmarks.trytond")
        if theirs.result["answer"] != mine.result["answer"] or theirs.result["lines"] != mine.result["lines"]:
            raise SystemExit(
                f"flat plan: salesops and trytond-commission differ: {mine.result['answer'][:3]}, {theirs.result['answer'][:3]}"
            )
        faster = theirs.own / mine.own
        self.add(
            "compensation, flat",
            "trytond-commission",
            theirs,
            f"the same {lines:,} lines, {faster:,.0f} x the seconds of salesops",
        )
        if self.size == "full" and faster < FASTER:
            self.failed.append(f"flat plan: {faster:.0f} times as fast as trytond-commission, at least {FASTER}")

    def _views(self, server: http.Server, owner: http.Visitor, workspace: Path, pages: dict[str, str]) -> None:
        for path in pages.values():
            owner.get(path)
        run("edit", workspace, 1000)
        run("refresh", workspace)
        print(f"  {'page':24} {'repeat ms cpu':>14} {'first s cpu':>12} {'first s':>9} {'kB gzipped':>11}")
        for name, path in pages.items():
            first, wall = http.view(server, owner, path)
            again, _ = http.view(server, owner, path, http.REPEATS)
            kilobytes = sum(http.weight(owner, path).values()) / 1000
            print(f"  {name:24} {again * 1000:14.0f} {first:12.2f} {wall:9.2f} {kilobytes:11.0f}", flush=True)
            for what, value, most in (
                ("repeated view, ms of processor", again * 1000, http.REPEAT_MS),
                ("first view after a refresh, s of processor", first, http.FIRST_S),
                ("weight, kB gzipped", kilobytes, http.WEIGHT_KB),
            ):
                if self.size == "full" and value > most:
                    self.failed.append(f"{name}: {what}: {value:.2f}, at most {most:.1f}")

    def _load(self, server: http.Server, people: list[http.Visitor], paths: list[str]) -> None:
        seconds, before = CLICKING_S[self.size], server.cpu()
        clicks = http.clicking(people, paths, seconds, http.WAIT_S if self.size != "tiny" else (0.2, 1.0))
        spent, asked = server.cpu() - before, len(clicks.seconds)
        print(f"  {len(people)} people clicking for {seconds:.0f} s: {asked} pages, p50 {clicks.quantile(0.5):.2f} s, p95 {clicks.quantile(0.95):.2f} s, "
              f"{spent / max(asked, 1) * 1000:.0f} ms of processor a page, {len(clicks.errors)} errors {clicks.errors[:3] or ''}")  # fmt: skip
        if clicks.errors:
            self.failed.append(f"people clicking: {len(clicks.errors)} errors")

    def _slowest(self, asked: list[list[Any]], most: int = 10) -> None:
        for name, seconds, cpu, rows, *first in sorted(asked, key=lambda one: -one[1])[:most]:
            told = f", the first time {first[0]:.3f} s" if first else ""
            print(f"  {name:40} {seconds:8.3f} s {cpu:8.3f} cpu s {rows:9,} rows{told}", flush=True)

    def _limit(self, what: str, seconds: float, most: float) -> None:
        if self.size == "full" and seconds > most:
            self.failed.append(f"{what}: {seconds:.2f} s, at most {most} s")


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
        bench.files, bench.workspace, bench.company, bench.web_folder = (
            given.out / one for one in ("files", "workspace", "company", "web")
        )
    print(f"size {given.size}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{'task':28} {'engine':18} {'seconds':>9} {'cpu s':>9} {'peak MB':>9}")
    steps = {
        "demo": bench.demo, "import": bench.load, "refresh": bench.refresh, "questions": bench.questions,
        "survival": bench.survival, "catalogue": bench.catalogue, "single": bench.single, "scans": bench.scans, "layer": bench.layer, "web": bench.web,
        "compensation": bench.compensation,
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
