"""Mixes forecasts: weights that are not negative and add up to one, learned for each week of the period from past as-ofs,
shrunk to equal ones. Few periods teach little, so few periods leave the weights nearly equal.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .tables import Floats, Ints

PRIOR: Final = 0.5
"""Periods that equal weights are worth."""
HALF_LIFE: Final = 12.0
"""Periods after which an error counts half."""
REACH: Final = 2.5
"""Weeks over which errors of neighbouring weeks fade to 1/e."""
STEPS: Final = 400


def weights(
    error: Floats, period: Ints, week: Ints, now: int, usable: Floats | None = None, prior: float = PRIOR
) -> Floats:
    """Weights for the week `now` from past errors.

    `error` is (row, component): (forecast - actual) / actual, NaN where the component could not tell; rows of a `period` and
    `week` of it. `usable` marks components that can tell today (all by default); the others get zero. Minimises the mean
    squared error of the mix, each period counting once, plus `prior` periods of the components' own mean squared error
    times the distance from equal weights.
    """
    many = error.shape[1]
    can = np.ones(many, dtype=bool) if usable is None else np.asarray(usable, dtype=bool)
    if not can.any():
        return np.zeros(many)
    found = np.zeros(many)
    columns = np.flatnonzero(can)
    found[columns] = _learned(error[:, columns], period, week, now, prior)
    return found


def _learned(error: Floats, period: Ints, week: Ints, now: int, prior: float) -> Floats:
    many = error.shape[1]
    equal = np.full(many, 1 / many)
    whole = ~np.isnan(error).any(axis=1)
    if many == 1 or not whole.any():
        return equal
    e, period, near = error[whole], period[whole], np.exp(-np.abs(week[whole] - now) / REACH)
    distinct, code = np.unique(period, return_inverse=True)
    near = near * 0.5 ** ((len(distinct) - 1 - code) / HALF_LIFE)
    per = np.bincount(code, weights=near)
    age = 0.5 ** ((len(distinct) - 1 - np.arange(len(distinct))) / HALF_LIFE)
    share = near / np.maximum(per[code], 1e-12) * age[code]
    squares = (e * share[:, None]).T @ e
    typical = float(np.trace(squares)) / many / max(share.sum(), 1e-12)
    quadratic = squares + prior * typical * np.eye(many)
    return _on_simplex(quadratic, prior * typical * equal, equal)


def _on_simplex(quadratic: Floats, linear: Floats, start: Floats) -> Floats:
    """The w >= 0 with sum 1 of least w'Qw - 2 l'w, by accelerated projected descent."""
    top = float(np.linalg.eigvalsh(quadratic)[-1])
    if top <= 0:
        return start
    w = y = start
    t = 1.0
    for _ in range(STEPS):
        following = _projected(y - (quadratic @ y - linear) / top)
        after = (1 + np.sqrt(1 + 4 * t * t)) / 2
        y = following + (t - 1) / after * (following - w)
        if np.abs(following - w).max() < 1e-10:
            break
        w, t = following, after
    return _projected(w)


def _projected(v: Floats) -> Floats:
    """The nearest point with no negative part and sum 1 (Held, Wolfe, Crowder 1974)."""
    u = np.sort(v)[::-1]
    above = (np.cumsum(u) - 1) / np.arange(1, len(v) + 1)
    last = np.flatnonzero(u > above)[-1]
    return np.maximum(v - above[last], 0)
