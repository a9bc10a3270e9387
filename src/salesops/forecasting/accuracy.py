"""How good forecasts were: errors of amounts, of chances and of intervals, each with its denominator; measures of the M4 competition.

A figure whose denominator is zero has no value and says why. Errors of `terms.md`: `forecast_error_pct` is of the actual and negative where
too much was forecast; `bias_pct` is positive where too much was forecast (the label says it in words).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from .tables import Floats, Ints

BINS: Final = 15
"""Bins of equal mass of the calibration error."""
CLIP: Final = 1e-12


@dataclass(frozen=True)
class Figure:
    """A figure with what it is a share of; `value` is None where it does not exist, and `reason` says why."""

    value: float | None
    of: str
    reason: str = ""

    @property
    def size(self) -> float | None:
        """The magnitude (the `abs_` figures)."""
        return None if self.value is None else abs(self.value)

    @property
    def label(self) -> str:
        """The figure for people: `-11.1 % of actual`."""
        return self.reason if self.value is None else f"{self.value:.1f} % of {self.of}"


def _percent(part: float, whole: float, of: str) -> Figure:
    if whole == 0:
        return Figure(None, of, f"The {of} is zero")
    return Figure(100.0 * part / whole, of)


def forecast_error_pct(actual: float, forecast: float) -> Figure:
    """100 (actual - forecast) / actual; negative = over-forecast. 90 against a forecast of 100: -11.1 % of actual."""
    return _percent(actual - forecast, actual, "actual")


def forecast_variance_pct(actual: float, forecast: float) -> Figure:
    """100 (actual - forecast) / forecast. 90 against a forecast of 100: -10.0 % of forecast."""
    return _percent(actual - forecast, forecast, "forecast")


def forecast_attainment_pct(actual: float, forecast: float) -> Figure:
    """100 actual / forecast. 90 against a forecast of 100: 90.0 % of forecast."""
    return _percent(actual, forecast, "forecast")


def wape(actual: ArrayLike, forecast: ArrayLike) -> Figure:
    """Sum |A - F| / sum |A|, as a share (not percent). The default accuracy is max(0, 1 - WAPE)."""
    a, f = _both(actual, forecast)
    return _share(np.abs(a - f).sum(), np.abs(a).sum())


def bias(actual: ArrayLike, forecast: ArrayLike) -> Figure:
    """Sum (F - A) / sum A, as a share; positive = over-forecast."""
    a, f = _both(actual, forecast)
    return _share((f - a).sum(), a.sum())


def bias_pct(actual: ArrayLike, forecast: ArrayLike) -> Figure:
    """100 sum (F - A) / sum A; positive = over-forecast (the opposite sign of `forecast_error_pct`)."""
    found = bias(actual, forecast)
    return found if found.value is None else Figure(100 * found.value, found.of)


def to_go_wape(actual: ArrayLike, forecast: ArrayLike, booked: ArrayLike) -> Figure:
    """WAPE of what was still to come: sum |A - F| / sum |A - booked|. The plain WAPE flatters late weeks."""
    a, f = _both(actual, forecast)
    b = np.asarray(booked, dtype=np.float64)
    found = _share(np.abs(a - f).sum(), np.abs(a - b).sum())
    return found if found.value is not None else Figure(None, "still to come", "Nothing was still to come")


def within(actual: ArrayLike, forecast: ArrayLike, share: float) -> Figure:
    """Share of the forecasts that missed by at most `share` of the actual."""
    a, f = _both(actual, forecast)
    return _share(float((np.abs(a - f) <= share * np.abs(a)).sum()), float(len(a)), "forecasts")


def skill(error: float | None, baseline: float | None) -> Figure:
    """1 - error / error of the baseline: the share of the baseline's error that is avoided."""
    if error is None or not baseline:
        return Figure(None, "baseline", "The baseline has no error" if baseline == 0 else "No error to compare")
    return Figure(1 - error / baseline, "baseline")


def _both(actual: ArrayLike, forecast: ArrayLike) -> tuple[Floats, Floats]:
    a, f = np.asarray(actual, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    known = ~(np.isnan(a) | np.isnan(f))
    return a[known], f[known]


def _share(part: float, whole: float, of: str = "actual") -> Figure:
    return Figure(None, of, f"The {of} is zero") if whole == 0 else Figure(float(part / whole), of)


# --- intervals ---


def pinball(actual: ArrayLike, quantile: ArrayLike, level: float) -> float:
    """Mean pinball loss of forecasts of one quantile; 0 = perfect. In the unit of the amounts."""
    miss = np.asarray(actual, dtype=np.float64) - np.asarray(quantile, dtype=np.float64)
    return float(np.mean(np.maximum(level * miss, (level - 1) * miss)))


def crps(actual: float, paths: ArrayLike) -> float:
    """Continuous ranked probability score of a forecast given as draws: E|X - a| - E|X - X'| / 2 (Gneiting, Raftery 2007)."""
    x = np.sort(np.asarray(paths, dtype=np.float64))
    n = len(x)
    spread = float((x * (2 * np.arange(1, n + 1) - n - 1)).sum() / n**2)
    return float(np.abs(x - actual).mean() - spread)


def coverage(actual: ArrayLike, low: ArrayLike, high: ArrayLike) -> tuple[float, float]:
    """Share of actuals inside [low, high], and the mean width of the interval as a share of the mean actual."""
    a, lo, hi = (np.asarray(x, dtype=np.float64) for x in (actual, low, high))
    if not len(a):
        return float("nan"), float("nan")
    centre = np.abs(a).mean()
    return float(((a >= lo) & (a <= hi)).mean()), float((hi - lo).mean() / centre) if centre else float("nan")


def cluster_bootstrap(
    statistic: Callable[[Ints], float], cluster: ArrayLike, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a statistic of rows, drawing whole clusters: the weeks of a period are one observation.

    `statistic` takes numbers of rows. NaN where there are fewer than two clusters.
    """
    _, code = np.unique(np.asarray(cluster), return_inverse=True)
    groups = [np.flatnonzero(code == c) for c in range(code.max() + 1)] if len(code) else []
    if len(groups) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    found = [
        statistic(np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])) for _ in range(draws)
    ]
    if np.isnan(found).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# --- chances ---


def brier(won: ArrayLike, p: ArrayLike) -> float:
    """Mean squared difference of chance and outcome."""
    return float(np.mean((np.asarray(p, dtype=np.float64) - np.asarray(won, dtype=np.float64)) ** 2))


def log_loss(won: ArrayLike, p: ArrayLike) -> float:
    """Mean negative log-likelihood of the outcomes."""
    y, q = np.asarray(won, dtype=np.float64), np.clip(np.asarray(p, dtype=np.float64), CLIP, 1 - CLIP)
    return float(-np.mean(y * np.log(q) + (1 - y) * np.log1p(-q)))


def auc(won: ArrayLike, score: ArrayLike) -> float:
    """Chance that a won deal scores above one that was not, ties count half; NaN where only one kind is there."""
    y, s = np.asarray(won, dtype=bool), np.asarray(score, dtype=np.float64)
    up, down = int(y.sum()), int((~y).sum())
    if not up or not down:
        return float("nan")
    _, code, count = np.unique(s, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2
    return float((rank[code][y].sum() - up * (up + 1) / 2) / (up * down))


def ece(won: ArrayLike, p: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: mean |share won - mean chance| over bins of equal mass."""
    y, q = np.asarray(won, dtype=np.float64), np.asarray(p, dtype=np.float64)
    if not len(y):
        return float("nan")
    order = np.argsort(q, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    return float(sum(abs(y[part].mean() - q[part].mean()) * len(part) for part in parts) / len(y))


def calibration_curve(won: ArrayLike, p: ArrayLike, bins: int = BINS) -> tuple[Floats, Floats, Ints]:
    """Mean chance, share won and rows of each bin of equal mass."""
    y, q = np.asarray(won, dtype=np.float64), np.asarray(p, dtype=np.float64)
    order = np.argsort(q, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, max(1, len(order)))) if len(part)]
    return (
        np.array([q[part].mean() for part in parts]),
        np.array([y[part].mean() for part in parts]),
        np.array([len(part) for part in parts], dtype=np.int64),
    )


def calibration_slope(won: ArrayLike, p: ArrayLike) -> tuple[float, float]:
    """Slope and intercept of the outcomes on the log-odds (Cox 1958); 1 and 0 = calibrated, slope < 1 = too sure of itself."""
    y, q = np.asarray(won, dtype=np.float64), np.clip(np.asarray(p, dtype=np.float64), 1e-9, 1 - 1e-9)
    if y.min(initial=1) == y.max(initial=0):
        return float("nan"), float("nan")
    x = np.column_stack([np.log(q / (1 - q)), np.ones(len(q))])
    b = np.array([1.0, 0.0])
    for _ in range(50):
        m = 1 / (1 + np.exp(-np.clip(x @ b, -30, 30)))
        h = (x * np.maximum(m * (1 - m), 1e-12)[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(h, x.T @ (y - m))
        b = b + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(b[0]), float(b[1])


def amount_calibration(won: ArrayLike, p: ArrayLike, amount: ArrayLike) -> Figure:
    """Sum of p x amount against the amount won, as a share; 1 = calibrated where the money is."""
    y, q, a = (np.asarray(x, dtype=np.float64) for x in (won, p, amount))
    return _share(float((q * a).sum()), float((y * a).sum()), "won")


# --- the measures of the M4 competition (Makridakis, Spiliotis, Assimakopoulos 2020) ---


def smape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """200 mean |A - F| / (|A| + |F|), in percent."""
    a, f = np.asarray(actual, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    whole = np.abs(a) + np.abs(f)
    return float(200 * np.mean(np.divide(np.abs(a - f), whole, out=np.zeros_like(whole), where=whole > 0)))


def _scale(past: ArrayLike, season: int) -> float:
    y = np.asarray(past, dtype=np.float64)
    return float(np.abs(y[season:] - y[:-season]).mean()) if len(y) > season else float("nan")


def mase(actual: ArrayLike, forecast: ArrayLike, past: ArrayLike, season: int = 1) -> float:
    """Mean absolute error against that of the (seasonal) naive forecast within the past."""
    error = np.abs(np.asarray(actual, dtype=np.float64) - np.asarray(forecast, dtype=np.float64)).mean()
    scale = _scale(past, season)
    return float(error / scale) if scale else float("nan")


def owa(smape_mean: float, mase_mean: float, naive_smape: float, naive_mase: float) -> float:
    """Overall weighted average: the mean of both measures, each against the seasonally adjusted naive method."""
    return (smape_mean / naive_smape + mase_mean / naive_mase) / 2


def msis(
    actual: ArrayLike, low: ArrayLike, high: ArrayLike, past: ArrayLike, season: int = 1, alpha: float = 0.05
) -> float:
    """Mean scaled interval score of (1 - alpha) intervals: width, and 2 / alpha for each unit outside."""
    a, lo, hi = (np.asarray(x, dtype=np.float64) for x in (actual, low, high))
    score = hi - lo + 2 / alpha * (np.maximum(lo - a, 0) + np.maximum(a - hi, 0))
    scale = _scale(past, season)
    return float(score.mean() / scale) if scale else float("nan")
