"""How good people's calls are: bias and scatter of each caller, shrunk to what callers are like; value added by each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from .accuracy import wape
from .tables import Floats, texts

PRIOR: Final = 4.0
"""Periods that the common bias is worth against a caller's own."""
USUAL_SCATTER: Final = 0.3
"""Standard deviation of (actual - call) / call, as believed before anybody has called."""


@dataclass(frozen=True)
class Caller:
    """What a caller's calls have been like. `factor`: what becomes of each unit called (0.8 = calls a fifth too high)."""

    caller: str
    periods: int
    calls: int
    own: float | None
    """The caller's own factor, not shrunk; None where nothing was called."""
    factor: float
    scatter: float
    """Standard deviation of (actual - corrected call) / mean call, shrunk."""
    words: str

    def corrected(self, call: float) -> tuple[float, float, float]:
        """A call without its bias, and the ends of its central 80 % (never below 0 for a call that is not)."""
        middle = self.factor * call
        half = 1.2816 * self.scatter * abs(call)
        return middle, max(0.0, middle - half) if call >= 0 else middle - half, middle + half


def caller_bias(caller: ArrayLike, period: ArrayLike, call: ArrayLike, actual: ArrayLike) -> dict[str, Caller]:
    """Bias and scatter by caller from past calls (any number a period; a period counts once) and what was booked.

    The factor is sum of actuals / sum of calls, shrunk to that of everybody by PRIOR periods of a mean call; so nobody is called
    biased for one bad period, and a caller without past calls has the common factor.
    """
    who, when = texts(caller), np.asarray(period)
    f, a = np.asarray(call, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    known = ~(np.isnan(f) | np.isnan(a))
    who, when, f, a = who[known], when[known], f[known], a[known]
    if not len(who):
        return {}
    pairs, code, count = np.unique(
        np.char.add(np.char.add(who, "\x1f"), when.astype(str)), return_inverse=True, return_counts=True
    )
    of_pair = np.array([p.split("\x1f")[0] for p in pairs])
    calls, actuals = np.bincount(code, weights=f) / count, np.bincount(code, weights=a) / count
    common = float(actuals.sum() / calls.sum()) if calls.sum() else 1.0
    usual = float(np.abs(calls).mean())
    out: dict[str, Caller] = {}
    for name in np.unique(of_pair).tolist():
        mine = of_pair == name
        n, total, came = int(mine.sum()), float(calls[mine].sum()), float(actuals[mine].sum())
        weight = PRIOR * usual
        factor = (came + weight * common) / (total + weight) if total + weight > 0 else 1.0
        level = max(float(np.abs(calls[mine]).mean()), 1e-9)
        rest = (actuals[mine] - factor * calls[mine]) / level
        scatter = float(np.sqrt((float(rest @ rest) + PRIOR * USUAL_SCATTER**2) / (n + PRIOR)))
        own = came / total if total else None
        out[name] = Caller(name, n, int(count[mine].sum()), own, factor, scatter, _words(factor, n))
    return out


def _words(factor: float, periods: int) -> str:
    size = abs(1 - factor)
    if size < 0.05:
        return f"calls about right ({periods} periods, shrunk)"
    way = "too high" if factor < 1 else "too low"
    return f"calls are {way}: 100 called bring {100 * factor:.0f} ({periods} periods, shrunk)"


@dataclass(frozen=True)
class Layer:
    """One step of a forecast: its error, and how much error it took away from the step before and from the naive one."""

    name: str
    wape: float | None
    added: float | None
    """Error of the step before less its own; positive = better. None for the first."""
    added_to_naive: float | None
    rows: int


def value_added(actual: ArrayLike, layers: Mapping[str, ArrayLike]) -> list[Layer]:
    """Forecast value added, step by step, in the order given (the naive step first), over rows in which every step spoke."""
    a = np.asarray(actual, dtype=np.float64)
    columns: dict[str, Floats] = {name: np.asarray(x, dtype=np.float64) for name, x in layers.items()}
    known = ~np.isnan(a)
    for values in columns.values():
        known &= ~np.isnan(values)
    errors = [wape(a[known], values[known]).value for values in columns.values()]
    out = []
    for i, name in enumerate(columns):
        mine, before, naive = errors[i], errors[i - 1] if i else None, errors[0]
        out.append(
            Layer(
                name, mine, None if before is None or mine is None else before - mine,
                None if not i or naive is None or mine is None else naive - mine, int(known.sum()),
            )
        )  # fmt: skip
    return out
