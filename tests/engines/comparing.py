"""Questions to every metric, and the rule by which two engines agree.

Equal means: the same rows in the same order; integers, money, days and words exactly; other figures to 1e-9 of their
size. Quantiles are by row number, so that they are exact, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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
    """By name: the whole year by month, by owner and region, and the state of a past day."""
    year = {"from_": date(day.year - 1, 1, 1), "to": day}
    return {
        "by month": {**year, "period": "month"},
        "by owner": {**year, "by": "owner"},
        "by region": {**year, "by": "region"},
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
