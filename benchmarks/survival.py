"""Kaplan-Meier medians of many groups: the product beside plain pandas, over the same seeded rows in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

GROUPS, REPEATS = 5_000, 3


def rows(number: int) -> tuple[Any, Any, Any]:
    """Days watched, whether closed, owner: exponential lives of mean 90 days, watched for up to 400."""
    chance = np.random.default_rng(1)
    life, watched = chance.exponential(90, number), chance.uniform(0, 400, number)
    days = np.minimum(life, watched).astype(np.int64)
    return days, life <= watched, chance.integers(0, GROUPS, number)


def product(days: Any, event: Any, group: Any) -> list[float]:
    from salesops.metrics.survival import kaplan_meier

    return kaplan_meier(days, event, group=group).median().tolist()


def pandas(days: Any, event: Any, group: Any) -> list[float]:
    import pandas as pd

    deals = pd.DataFrame({"owner": group, "days": days, "event": event})
    at = deals.groupby(["owner", "days"]).event.agg(["size", "sum"])
    at_risk = at["size"][::-1].groupby(level=0).cumsum()[::-1]
    survival = (1 - at["sum"] / at_risk).groupby(level=0).cumprod()
    reached = survival[survival <= 0.5 + 1e-12].reset_index().groupby("owner").days.first()
    return reached.reindex(at.index.unique(level=0)).astype(float).tolist()


ENGINES: dict[str, Callable[[Any, Any, Any], list[float]]] = {"salesops": product, "pandas": pandas}


def survival(engine: str, number: str) -> dict[str, Any]:
    """The medians by owner (-1 = not reached), and the best of some repetitions; the rows are made before the clock starts."""
    columns, best, found = rows(int(number)), float("inf"), []
    for _ in range(REPEATS):
        started = time.perf_counter()
        found = ENGINES[engine](*columns)
        best = min(best, time.perf_counter() - started)
    return {"seconds": best, "answer": [-1 if median != median else median for median in found]}
