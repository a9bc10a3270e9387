"""The whole catalogue at once, one figure at a time, and the scans of history, each in one warehouse session.

A company of 1,000 reps, 36 months and 1,000,000 opportunities (of `full` size): every metric in its default variant by month and
by rep, besides the Kaplan-Meier medians that are no default, cohorts and tables. A metric that has no rep is asked by month.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

FIRST, LAST = date(2023, 10, 1), date(2026, 9, 30)
QUARTER: Final = {"from_": "2026-Q2"}
FROM, TO = date(2026, 4, 1), date(2026, 6, 30)
MONTHLY: Final = {"period": "month", "from_": FIRST, "to": LAST}
MEDIANS: Final = ("sales_cycle_days.km", "sales_cycle_days.km_any_close")
COHORTS: Final = ("orders", "wins", "subscriptions")
REPEATS: Final = 3
Ask = Callable[[], Any]


def opened(folder: str) -> tuple[Any, Any]:
    """A session of the workspace's current generation, and who asks: somebody who sees everything."""
    from salesops import workspace

    ws = workspace.open_workspace(folder)
    from salesops.records import access
    from salesops.warehouse.generations import load
    from salesops.warehouse.session import Session

    generation = load(ws.warehouse)
    assert generation is not None
    return Session(ws, generation), access.actor_for(ws)


def _by(name: str) -> tuple[str, ...]:
    """By rep where every part of the metric knows one."""
    from salesops.metrics.catalogue import asked
    from salesops.metrics.facts import fact

    return ("owner",) if all(fact(part.fact).owned for part in asked(name).variant.parts.values()) else ()


def _named() -> list[str]:
    from salesops.metrics.catalogue import metrics

    return [one.id for one in metrics().values() if one.variants]


def _families() -> list[list[str]]:
    """The metrics in families that share facts, each asked in one call: a fact is scanned once for all of a family."""
    from salesops.metrics.catalogue import asked

    found: list[tuple[set[str], tuple[str, ...], list[str]]] = []
    for name in (*_named(), *MEDIANS):
        facts = {part.fact for part in asked(name).variant.parts.values()}
        by, names = _by(name), [name]
        for other in [one for one in found if one[0] & facts and one[1] == by]:
            found.remove(other)
            facts, names = facts | other[0], other[2] + names
        found.append((facts, by, names))
    return [names for _, _, names in found]


def every(session: Any, actor: Any) -> Iterator[tuple[str, Ask]]:
    """Each metric, cohorts and tables: its name and how it is asked."""
    from salesops.metrics.query import query

    for name in (*_named(), *MEDIANS):
        yield name, lambda name=name: query(session, actor, [name], by=_by(name), **MONTHLY).rows  # type: ignore[misc]
    yield from _tables(session, actor)


def together(session: Any, actor: Any) -> Iterator[tuple[str, Ask]]:
    """The whole catalogue in as few questions as facts allow: a family of metrics a question, cohorts and tables."""
    from salesops.metrics.query import query

    for names in _families():
        told = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        yield told, lambda names=names: query(session, actor, names, by=_by(names[0]), **MONTHLY).rows  # type: ignore[misc]
    yield from _tables(session, actor)


def _tables(session: Any, actor: Any) -> Iterator[tuple[str, Ask]]:
    from salesops.metrics import people
    from salesops.metrics.cohorts import cohorts
    from salesops.pipeline.movements import process_variants
    from salesops.pipeline.queries import waterfall

    for of in COHORTS:
        yield f"cohorts of {of}", lambda of=of: cohorts(session, actor, of=of, period="month", by=("owner",)).rows  # type: ignore[misc]
    yield "pipeline_waterfall", lambda: waterfall(session, actor, FROM, TO, scope="all_open", by=("owner",)).rows
    yield "variants", lambda: process_variants(session, actor, of="stages").rows
    yield "activity_mix_gap", lambda: people.mix(session, actor, **QUARTER).rows


def catalogue(folder: str) -> dict[str, Any]:
    """The whole catalogue, in one session that has not been asked before: by question wall seconds, processor seconds and rows."""
    session, actor = opened(folder)
    started, found = time.perf_counter(), []
    for name, ask in together(session, actor):
        wall, cpu = time.perf_counter(), time.process_time()
        rows = ask()
        found.append([name, time.perf_counter() - wall, time.process_time() - cpu, len(rows)])
        print(*found[-1], file=sys.stderr, flush=True)
    return {"seconds": time.perf_counter() - started, "questions": found}


def single(folder: str) -> dict[str, Any]:
    """Each metric over one quarter as one value, the best of some repetitions; the first time is told beside."""
    from salesops.metrics.query import query

    session, actor = opened(folder)
    return _timed([(name, lambda name=name: query(session, actor, [name], **QUARTER).rows) for name in _named()])  # type: ignore[misc]


def scans(folder: str) -> dict[str, Any]:
    """What reads the history of deals between two evenings, each the best of some repetitions."""
    from salesops.metrics.query import query
    from salesops.pipeline.changes import changes
    from salesops.pipeline.movements import stage_flow, stage_matrix
    from salesops.pipeline.queries import waterfall

    session, actor = opened(folder)
    questions: list[tuple[str, Ask]] = [
        ("waterfall", lambda: waterfall(session, actor, FROM, TO).rows),
        ("waterfall, all open", lambda: waterfall(session, actor, FROM, TO, scope="all_open").rows),
        *(
            (f"waterfall by {name}", lambda name=name: waterfall(session, actor, FROM, TO, scope="all_open", by=(name,)).rows)
            for name in ("owner", "team", "stage", "product")
        ),
        ("stage matrix", lambda: stage_matrix(session, actor, FROM, TO).rows),
        ("stage flow", lambda: stage_flow(session, actor, FROM, TO).rows),
        ("slipping", lambda: query(session, actor, ["slip_rate"], by=("owner",), **QUARTER).rows),
        ("pushes", lambda: query(session, actor, ["slip_rate.pushes"], by=("owner",), **QUARTER).rows),
        ("changes", lambda: changes(session, actor, FROM, TO).rows),
    ]  # fmt: skip
    return _timed(questions)


def _timed(questions: list[tuple[str, Ask]]) -> dict[str, Any]:
    started, found = time.perf_counter(), []
    for name, ask in questions:
        walls, cpus = [], []
        rows: Any = ()
        for _ in range(REPEATS):
            wall, cpu = time.perf_counter(), time.process_time()
            rows = ask()
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        found.append([name, min(walls), min(cpus), len(rows), walls[0]])
    return {"seconds": time.perf_counter() - started, "questions": found}
