"""One piece of work in a process of its own: `python -m benchmarks.work TASK ...` prints what it found as one line of JSON."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import catalogue, figures, semantic_layer, web
from .questions import FIRST_WEEK, FROM, LAST_WEEK, SQL, TO
from .survival import survival

REPEATS = 3  # the best of these is reported; every engine's


def demo(out: str, reps: str, opportunities: str, changes: str, activities: str = "none") -> dict[str, Any]:
    """Write the demo company in the public import format."""
    from salesops.demo.__main__ import main

    started = time.perf_counter()
    words = ["--reps", reps, "--opportunities", opportunities, "--changes", changes, "--activities", activities]
    if main([out, *words]):
        raise SystemExit(1)
    return {"seconds": time.perf_counter() - started}


def load(files: str, folder: str) -> dict[str, Any]:
    """Import the files into a new workspace on SQLite."""
    from salesops import workspace

    config = workspace.Config(name="Benchmark", currency="USD", today="2026-09-30")
    ws = workspace.create(Path(folder), config)
    from salesops.records import access
    from salesops.sources.imports import import_files

    started = time.perf_counter()
    result = import_files(ws, access.actor_for(ws), [Path(files)])
    return {"seconds": time.perf_counter() - started, "rows": result.rows, "facts": result.facts}


def load_plain(files: str, target: str) -> dict[str, Any]:
    """The same rows into bare SQLite tables: polars reads, `executemany` writes; no history, checks or indexes."""
    import polars as pl

    started = time.perf_counter()
    Path(target).unlink(missing_ok=True)
    with sqlite3.connect(target) as con:
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("PRAGMA synchronous = NORMAL")
        rows = 0
        for file in sorted(Path(files).glob("*.parquet")):
            frame = pl.read_parquet(file)
            frame = frame.with_columns(pl.col(n).cast(pl.String) for n, t in frame.schema.items() if not t.is_integer())
            names = ", ".join(f'"{name}"' for name in frame.columns)
            con.execute(f'CREATE TABLE "{file.stem}" ({names})')
            marks = ", ".join("?" * frame.width)
            for part in frame.iter_slices(100_000):
                con.executemany(f'INSERT INTO "{file.stem}" VALUES ({marks})', part.iter_rows())
            rows += frame.height
        con.commit()
    return {"seconds": time.perf_counter() - started, "rows": rows}


def refresh(folder: str, full: str = "") -> dict[str, Any]:
    """Refresh the warehouse."""
    from salesops import workspace

    ws = workspace.open_workspace(folder)
    from salesops.warehouse import refresh as run

    made = run(ws, full=bool(full))
    return {"seconds": made.seconds, "kind": made.kind}


def edit(folder: str, number: str) -> dict[str, Any]:
    """Change the amount of some deals, in one transaction."""
    from salesops import workspace

    ws = workspace.open_workspace(folder)
    from salesops.records import access
    from salesops.records.entities import entities
    from salesops.records.models import Opportunity
    from salesops.records.writing import change_set

    entity = entities()["opportunity"]
    chance = random.Random(int(number))
    some = Opportunity.objects.filter(pk__gt=chance.randrange(2**61)).order_by("pk")
    started = time.perf_counter()
    with change_set(access.actor_for(ws), "edit", entity) as changes:
        for record in list(some.values_list("pk", flat=True)[: int(number)]):
            changes.set(entity, record, {"amount": chance.randrange(10**9)})
    return {"seconds": time.perf_counter() - started}


def ask(task: str, engine: str, folder: str) -> dict[str, Any]:
    """Answer one question with one engine: the answer, and the best of some repetitions."""
    answer = _ENGINES[engine](task, folder)
    best, found = _best(answer)
    return {"seconds": best, "answer": sorted(_named(found, folder)) if task == "matrix" else found}


def _named(rows: Any, folder: str) -> list[list[Any]]:
    """Rows of a matrix with the stages' names, as the product shows them."""
    import polars as pl

    stages = pl.read_parquet(_files(folder, "stage")).filter(pl.col("day_to").dt.year() == 9999)
    names = {-2: "(new)", -3: "(deleted)", 0: "(none)"} | dict(stages.select("id", "name").rows())
    return [[names.get(f, f), names.get(t, t), n, value] for f, t, n, value in rows]


def _product(task: str, folder: str) -> Callable[[], Any]:
    from salesops import workspace

    ws = workspace.open_workspace(folder)
    from salesops.metrics.query import query
    from salesops.pipeline.queries import waterfall
    from salesops.records import access
    from salesops.warehouse.generations import load as current
    from salesops.warehouse.session import Session

    generation = current(ws.warehouse)
    assert generation is not None
    session, actor = Session(ws, generation), access.actor_for(ws)
    asked = {"period": "week", "from_": str(FIRST_WEEK), "to": str(LAST_WEEK), "as_of": "period_end"}

    def weekly() -> list[list[Any]]:
        rows = query(session, actor, ["open_pipeline.all_open"], **asked).rows.to_pylist()  # type: ignore[arg-type]
        part = "open_pipeline.all_open__value"
        return [[(r["to"] - FIRST_WEEK).days // 7, _units(r[part]), r[f"{part}__n"], r[f"{part}__out"]] for r in rows]

    def bars() -> list[list[Any]]:
        rows = waterfall(session, actor, FROM, TO, scope="all_open").rows.to_pylist()
        return sorted([r["bar"], r["count"], _units(r["value"])] for r in rows if r["count"])

    def matrix() -> list[list[Any]]:
        from salesops.pipeline.movements import stage_matrix

        rows = stage_matrix(session, actor, FROM, TO).rows.to_pylist()
        return [[r["from_stage"], r["to_stage"], r["count"], _units(r["value"])] for r in rows]

    return {"weekly": weekly, "waterfall": bars, "matrix": matrix}[task]


def _units(value: Any) -> int:
    return 0 if value is None else int(value * 10_000)


def _duckdb(task: str, folder: str, native: bool = False) -> Callable[[], Any]:
    """Hand-written SQL over the generation's own files, or over a DuckDB file with the same rows."""
    import duckdb

    store = Path(folder) / "work" / "native.duckdb"
    if native:
        store.unlink(missing_ok=True)
    con = duckdb.connect(str(store) if native else ":memory:", config={"threads": "2", "memory_limit": "2500MB"})
    for name in ("opportunity", "rate_day"):
        listed = ", ".join(f"'{file}'" for file in _files(folder, name))
        con.execute(f"CREATE {'TABLE' if native else 'VIEW'} {name} AS SELECT * FROM read_parquet([{listed}])")
    sql = SQL[task]()
    return lambda: [list(row) for row in con.execute(sql).fetchall()]


def _files(folder: str, name: str) -> list[Path]:
    """The files of a table of the current generation, which must be one of a full refresh."""
    warehouse = Path(folder) / "warehouse"
    manifest = json.loads((warehouse / f"{(warehouse / 'CURRENT').read_text()}.json").read_text())
    table = manifest["tables"][name]
    assert not table["mask"], "the hand-written work reads the files of a full refresh"
    return [warehouse / "files" / file for file in table["base"]]


def _polars(task: str, folder: str) -> Callable[[], Any]:
    from .frames import polars_answer

    return lambda: polars_answer(task, _files(folder, "opportunity"), _files(folder, "rate_day"))


def _pandas(task: str, folder: str) -> Callable[[], Any]:
    from .frames import pandas_answer

    return lambda: pandas_answer(task, _files(folder, "opportunity"), _files(folder, "rate_day"))


def figure(name: str, engine: str, folder: str) -> dict[str, Any]:
    """A figure by month and rep, by salesops or by hand: its rows, and the best seconds of some repetitions."""
    import duckdb

    if engine == "salesops":
        session, actor = catalogue.opened(folder)
        asked = dict(catalogue.every(session, actor))[name]
        best, found = _best(asked)
        return {"seconds": best, "answer": figures.product(name, found)}
    con = duckdb.connect(config={"threads": "2", "memory_limit": "2500MB"})
    for table in figures.TABLES:
        listed = ", ".join(f"'{file}'" for file in _files(folder, table))
        con.execute(f'CREATE VIEW "{table}" AS SELECT * FROM read_parquet([{listed}])')
    best, found = _best(lambda: figures.by_hand(name, con))
    return {"seconds": best, "answer": found}


def layer(folder: str) -> dict[str, Any]:
    """Our answers to the questions of `semantic_layer`, and the files that the other one reads, as its argument."""
    started = time.perf_counter()
    found = semantic_layer.product(folder)
    files = {name: [str(file) for file in _files(folder, name)] for name in ("opportunity", "order", "rate_day")}
    return {"seconds": time.perf_counter() - started, "files": json.dumps(files), **found}


def _best(ask: Callable[[], Any]) -> tuple[float, Any]:
    best, found = float("inf"), None
    for _ in range(REPEATS):
        started = time.perf_counter()
        found = ask()
        best = min(best, time.perf_counter() - started)
    return best, found


_ENGINES: dict[str, Callable[[str, str], Callable[[], Any]]] = {
    "salesops": _product,
    "duckdb": _duckdb,
    "native": lambda task, folder: _duckdb(task, folder, native=True),
    "polars": _polars,
    "pandas": _pandas,
}
TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "demo": demo, "load": load, "load_plain": load_plain, "refresh": refresh, "edit": edit, "ask": ask,
    "survival": survival, "catalogue": catalogue.catalogue, "single": catalogue.single, "scans": catalogue.scans,
    "figure": figure, "layer": layer, "links": web.links,
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
