"""Questions to every metric, and the rule by which two engines agree.

Equal means: the same rows in the same order; integers, money, days and words exactly; other figures to 1e-9 of their
size. Quantiles are by row number, so that they are exact, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from salesops.common.errors import NotFound, UsageError
from salesops.metrics.catalogue import every
from salesops.metrics.query import query

TOLERANCE = 1e-9


class Owner:
    """Somebody who sees everything."""

    username, person, sees_all, sees_pay = "owner", None, True, True


def questions(day: date, past: date) -> dict[str, Mapping[str, Any]]:
    """By name: the whole year by month, by owner and region, by product in another currency, and the state of a past day."""
    year = {"from_": date(day.year - 1, 1, 1), "to": day}
    return {
        "by month": {**year, "period": "month"},
        "by owner": {**year, "by": "owner"},
        "by region": {**year, "by": "region"},
        "by product, in euros": {**year, "by": "product", "currency": "EUR"},
        "as of a past day": {"from_": past - timedelta(364), "to": past, "as_of": past, "period": "quarter"},
    }


def names() -> list[str]:
    """Every metric in every variant."""
    return [one.name for one in every()]


def answer(session: Any, name: str, question: Mapping[str, Any]) -> pa.Table | None:
    """The rows of an answer; None when the metric cannot be split so, whatever the engine."""
    try:
        return query(session, Owner(), name, **question).rows
    except (UsageError, NotFound):
        return None


def differences(one: pa.Table, other: pa.Table) -> Iterator[str]:
    """Where two answers differ, in words."""
    if one.schema != other.schema:
        yield f"columns {one.schema} and {other.schema}"
        return
    if one.num_rows != other.num_rows:
        yield f"{one.num_rows} rows and {other.num_rows}"
        return
    for column in one.column_names:
        pairs = zip(one.column(column).to_pylist(), other.column(column).to_pylist(), strict=True)
        for row, (left, right) in enumerate(pairs):
            if not same(left, right):
                yield f"row {row}, {column}: {left!r} and {right!r}"
                break


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal: floats to `TOLERANCE`, everything else exactly."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=0.0)
    return bool(left == right)


def analyses(day: date, past: date) -> dict[str, Callable[[Any], list[dict[str, Any]]]]:
    """By name: what is worked out of statements of its own, beside the metrics, over the days from `past` to `day`."""
    from salesops.metrics import change, cohorts, drill, people
    from salesops.pipeline import attention, changes, conversion, curves, funnel, movements, process, queries, velocity

    span: dict[str, Any] = {"from_": past, "to": day}
    boss = Owner()
    asked: dict[str, Callable[[Any], Any]] = {
        "waterfall": lambda s: queries.waterfall(s, boss, **span),
        "waterfall of all open deals": lambda s: queries.waterfall(s, boss, **span, scope="all_open", by="owner,region"),
        "waterfall by product, in euros": lambda s: queries.waterfall(s, boss, **span, by="team,product", currency="EUR"),
        "waterfall, deals": lambda s: queries.waterfall_drill(s, boss, **span, bucket="won"),
        "stage matrix": lambda s: movements.stage_matrix(s, boss, **span),
        "stage flow": lambda s: movements.stage_flow(s, boss, **span),
        "variants": lambda s: movements.process_variants(s, boss, of="stages"),
        "transitions": lambda s: process.transitions(s, boss, of="stages"),
        "rework": lambda s: process.rework(s, boss, of="stages"),
        "funnel": lambda s: funnel.funnel(s, boss, **span, by="source"),
        "funnel at the end": lambda s: funnel.funnel(s, boss, kind="snapshot", **span),
        "conversion": lambda s: conversion.stage_report(s, boss, **span, by="region"),
        "curves": lambda s: curves.cycle_curves(s, boss, **span, by="owner"),
        "velocity": lambda s: velocity.velocity(s, boss, **span, by="team"),
        "velocity, change": lambda s: velocity.velocity_change(s, boss, "2026-Q1", "2026-Q2"),
        "changes": lambda s: changes.changes(s, boss, **span),
        "slipping": lambda s: attention.slipping(s, boss, **span),
        "stale": lambda s: attention.stale(s, boss),
        "change of a metric": lambda s: change.explain_change(s, boss, "win_rate", from_="2026-Q1", to="2026-Q2", by="owner"),
        "cohorts": lambda s: cohorts.cohorts(s, boss),
        "activity": lambda s: people.activity(s, boss, kinds=True, **span),
        "mix": lambda s: people.mix(s, boss, **span),
        "ramp": lambda s: people.ramp(s, boss),
        "people, compared": lambda s: people.compare(s, boss, **span),
        "drill": lambda s: drill.drill(s, boss, "bookings", **span),
        "drill, in euros": lambda s: drill.drill(s, boss, "weighted_pipeline", currency="EUR"),
    }  # fmt: skip

    def rows(found: Any) -> list[dict[str, Any]]:
        return list(found["rows"] if isinstance(found, dict) else found.to_pylist())

    return {name: lambda session, ask=ask: rows(ask(session)) for name, ask in asked.items()}


def unlike(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> Iterator[str]:
    """Where two lists of rows differ, in words."""
    if len(one) != len(other):
        yield f"{len(one)} rows and {len(other)}"
        return
    for number, (left, right) in enumerate(zip(one, other, strict=True)):
        wrong = [name for name in left.keys() | right.keys() if not same(left.get(name), right.get(name))]
        if wrong:
            yield f"row {number}, {wrong[0]}: {left.get(wrong[0])!r} and {right.get(wrong[0])!r}"
            return
