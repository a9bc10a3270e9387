"""Works in a workspace of its own process: `python -m tests.engines.worker FOLDER COMMAND ...`, the answer as JSON on the last line.

make                     the small demo company
compare [DAY] [WORD..]   metrics on DuckDB and on the engine of SALESOPS_WAREHOUSE, as known on a day (`now`: all that is known); the words are
                         names of metrics and of questions, without which all are asked
analyse [NAME..]         waterfall, funnel, cohorts and the other analyses on both
doors                    a question through the Python door and the command line
refresh                  a new generation, with an edit in it
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.engines.comparing import analyses, answer, differences, names, questions, unlike

SETTING = "SALESOPS_WAREHOUSE"
PROGRESS = "... "
"""How a line begins that is shown while the work goes on."""


def make(folder: Path) -> Any:
    """Simulate, import and refresh."""
    from salesops.demo.build import open_demo
    from salesops.demo.parameters import Parameters

    open_demo(folder, Parameters.load(reps=8, years=2, activities="light"))
    return {}


@contextmanager
def both(folder: Path, day: date | None = None) -> Iterator[tuple[Any, Any]]:
    """A session on DuckDB, and one on the engine of SALESOPS_WAREHOUSE."""
    from salesops.workspace import open_workspace

    workspace = open_workspace(folder)
    from salesops.warehouse import open_session

    url = os.environ.pop(SETTING)
    with ExitStack() as stack:
        duck = stack.enter_context(open_session(workspace, as_known_on=day))
        os.environ[SETTING] = url
        yield duck, stack.enter_context(open_session(workspace, as_known_on=day))


def compare(folder: Path, known: str = "now", *words: str) -> Any:
    """Differences by metric and question, and how many statements each engine answered."""
    day = None if known == "now" else date.fromisoformat(known)
    different: dict[str, list[str]] = {}
    asked = 0
    with both(folder, day) as (duck, other):
        end = day or duck.manifest.today
        every = questions(end, end - timedelta(200))
        some = {title: every[title] for title in every if title in words} or every
        metrics = [word for word in words if word not in every] or names()
        for number, name in enumerate(metrics, 1):
            if number % 10 == 0:
                progress(
                    f"{number} of {len(metrics)} metrics, {asked} answers, {len(different)} different; {processor():.0f} s of processor time"
                )
            for title, question in some.items():
                expected = answer(duck, name, question)
                if expected is None:
                    continue
                asked += 1
                try:
                    found = answer(other, name, question)
                    wrong = ["refused"] if found is None else list(differences(expected, found))
                except Exception as error:  # whatever the engine says is the finding
                    wrong = [f"{type(error).__name__}: {error}"[:600]]
                if wrong:
                    different[f"{name}, {title}"] = wrong
    return {"different": different, "asked": asked, "by": dict(other.asked)}


def progress(text: str) -> None:
    """A line that `Work.run` passes on at once."""
    print(PROGRESS + text, flush=True)


def processor() -> float:
    """Processor seconds of this process and of what it started (a Java that still runs), where the system tells (Linux)."""
    own, ticks = os.times(), os.sysconf("SC_CLK_TCK")
    total = own.user + own.system
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # a process that has ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / ticks if int(fields[1]) == os.getpid() else 0
    return total


def analyse(folder: Path, *names: str) -> Any:
    """Differences by analysis, and how many statements each engine answered."""
    different: dict[str, list[str]] = {}
    with both(folder) as (duck, other):
        today = duck.manifest.today
        every = analyses(today, today - timedelta(200))
        asked = {name: ask for name, ask in every.items() if not names or name in names}
        for name, ask in asked.items():
            progress(name)
            expected = ask(duck)
            try:
                wrong = list(unlike(expected, ask(other)))
            except Exception as error:  # whatever the engine says is the finding
                wrong = [f"{type(error).__name__}: {error}"[:600]]
            if wrong:
                different[name] = wrong
    return {"different": different, "asked": len(asked), "by": dict(other.asked)}


def doors(folder: Path) -> Any:
    """The same figure by Python and by the command line, and which engine answered."""
    import subprocess

    import salesops

    ws = salesops.open(folder)
    value = ws.metrics.query("bookings", period="2025").value()
    by = dict(ws.session(None).asked)
    ws.close()
    command = [sys.executable, "-m", "salesops.cli", "-w", str(folder), "--format", "json"]
    command += ["metrics", "query", "bookings", "--period", "2025"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return {"value": str(value), "by": by, "code": done.returncode, "shown": done.stdout}


def refresh(folder: Path) -> Any:
    """Two generations more; the schemas that the database then has."""
    import psycopg

    from salesops.workspace import open_workspace

    workspace = open_workspace(folder)
    from salesops.warehouse import refresh as renew
    from salesops.warehouse.generations import load

    made = [renew(workspace, full=True).generation for _ in range(4)]
    with psycopg.connect(os.environ[SETTING]) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'salesops%'").fetchall()
    current = load(workspace.warehouse)
    assert current is not None
    return {"made": made, "current": current.number, "schemas": sorted(int(row[0].split("_")[-1]) for row in rows)}


if __name__ == "__main__":
    sys.stdout.flush()
    done = {"make": make, "compare": compare, "analyse": analyse, "doors": doors, "refresh": refresh}[sys.argv[2]](
        Path(sys.argv[1]), *sys.argv[3:]
    )
    print(json.dumps(done))
