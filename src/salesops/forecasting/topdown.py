"""Forecasts from the totals of past periods, and from how a period usually fills up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .label import history_start
from .tables import Floats, Outcomes, Periods

SHORTEST: Final = 8
"""Periods from which Theta is fitted."""
CURVE: Final = 4
"""Past periods whose filling is averaged."""
_GRID: Final = np.linspace(0.02, 0.98, 49)


@dataclass(frozen=True)
class Series:
    """Bookings of whole past periods (10^-4), the latest last; `first` is the number of the first one."""

    values: Floats
    first: int
    per_year: int


def series(known: Outcomes, periods: Periods, on: np.datetime64) -> Series:
    """Bookings by period that had ended by the day and lay wholly after the first close on record."""
    start = history_start(known)
    whole = np.flatnonzero((periods.end <= on) & (periods.start >= start)) if not np.isnat(start) else np.zeros(0, int)
    number = periods.index(known.closed)
    total = np.bincount(number[number >= 0], weights=known.value[number >= 0], minlength=len(periods))
    length = float((periods.end - periods.start + 1).astype(np.int64).mean())
    return Series(total[whole], int(whole[0]) if len(whole) else 0, max(1, round(365.25 / length)))


def previous(y: Floats) -> float | None:
    """The last period's value."""
    return float(y[-1]) if len(y) else None


def mean_of(y: Floats, most: int = 4) -> float | None:
    """The mean of the last (up to) four periods."""
    return float(y[-most:].mean()) if len(y) else None


def seasonal_naive(y: Floats, season: int, ahead: int) -> float | None:
    """The value of the same period of the year before; `ahead` = 1 is the next one."""
    back = season - (ahead - 1) % season
    return float(y[-back]) if len(y) >= back and len(y) >= season else None


def smoothed(y: Floats) -> tuple[float, Floats]:
    """Simple exponential smoothing: its last level and its one-step errors, with the factor of least squared error."""
    y = np.asarray(y, dtype=np.float64)
    level = np.full(len(_GRID), y[: min(3, len(y))].mean())
    errors = np.empty((len(y), len(_GRID)))
    for i, value in enumerate(y):
        errors[i] = value - level
        level = level + _GRID * errors[i]
    best = int(np.argmin((errors[1:] ** 2).sum(axis=0))) if len(y) > 1 else 0
    return float(level[best]), errors[:, best]


def theta(y: Floats, ahead: int, season: int = 1) -> Floats:
    """The Theta method (Assimakopoulos, Nikolopoulos 2000) in its equal form: smoothing with half the slope of the trend as drift
    (Hyndman, Billah 2003), seasonally adjusted by ratios to a moving mean where there are two years and a clear season.
    """
    y = np.asarray(y, dtype=np.float64)
    index = _season(y, season)
    flat = y / index[np.arange(len(y)) % season]
    n = len(flat)
    slope = float(np.polyfit(np.arange(n), flat, 1)[0]) if n > 1 else 0.0
    level, _ = _first_level(flat)
    alpha = level[1]
    steps = np.arange(1, ahead + 1)
    drift = slope / 2 * (steps - 1 + (1 - (1 - alpha) ** n) / alpha)
    return (level[0] + drift) * index[(n + steps - 1) % season]


def _first_level(y: Floats) -> tuple[tuple[float, float], Floats]:
    """Smoothing that starts at the first value: (last level, factor), errors."""
    level = np.full(len(_GRID), y[0])
    errors = np.empty((len(y), len(_GRID)))
    for i, value in enumerate(y):
        errors[i] = value - level
        level = level + _GRID * errors[i]
    best = int(np.argmin((errors**2).sum(axis=0)))
    return (float(level[best]), float(_GRID[best])), errors[:, best]


def _season(y: Floats, season: int) -> Floats:
    """Seasonal factors (mean 1), halfway to none for each year that is missing to four; ones where it is not clear."""
    if season < 2 or len(y) < 2 * season or (y <= 0).any():
        return np.ones(max(season, 1))
    kernel = np.ones(season) / season if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(y, kernel, mode="valid")
    half = len(kernel) // 2
    ratio = y[half : half + len(trend)] / trend
    place = (np.arange(len(trend)) + half) % season
    factor = np.array([ratio[place == s].mean() if (place == s).any() else 1.0 for s in range(season)])
    within = np.array([ratio[place == s].var() if (place == s).sum() > 1 else ratio.var() for s in range(season)])
    between = factor.var()
    noise = within.mean() / max(1.0, len(trend) / season)
    clear = max(0.0, 1 - noise / between) if between > 0 else 0.0
    factor = 1 + clear * (factor / factor.mean() - 1)
    return np.asarray(factor)


@dataclass(frozen=True)
class Filling:
    """How far past periods had come with as many days left: booked by then and in all, by period (10^-4)."""

    booked: Floats
    total: Floats

    @property
    def share(self) -> float | None:
        """The usual share booked by this day; None where nothing was."""
        whole = self.total.sum()
        return float(self.booked.sum() / whole) if whole > 0 and self.booked.sum() > 0 else None

    @property
    def rest(self) -> float | None:
        """What usually comes after this day."""
        return float((self.total - self.booked).mean()) if len(self.total) else None


def filling(known: Outcomes, periods: Periods, on: np.datetime64, target: int, most: int = CURVE) -> Filling:
    """The filling of the last whole periods at as many days to the end as `target` has left."""
    start = history_start(known)
    if np.isnat(start):
        return Filling(np.zeros(0), np.zeros(0))
    left = (periods.end[target] - on).astype(np.int64)
    past = np.flatnonzero((periods.end <= on) & (periods.start >= start))[-most:]
    booked, total = np.zeros(len(past)), np.zeros(len(past))
    value = known.value
    for i, k in enumerate(past):
        inside = known.won & (known.closed >= periods.start[k]) & (known.closed <= periods.end[k])
        total[i] = value[inside].sum()
        booked[i] = value[inside & (known.closed <= periods.end[k] - left)].sum()
    return Filling(booked, total)
