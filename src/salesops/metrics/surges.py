"""Finds unexpected drops and surges in series of period values, and says which groups moved them.

Each period is compared with what the periods before it led to expect: the level of late (a median, so that one odd
period does not move it) and, from two full seasons on, what is usual at this place in the season and the trend. How far is far is
not taken from a table: the very same reckoning is run over seeded series of nothing but chance, and the distance that chance
exceeds as seldom as asked for is the limit. What chance alone does to small numbers is a floor under the spread.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salesops.common.allocation import sorted_keys
from salesops.common.errors import InvalidData

from .decompose import Pair, ratio_change, sum_change

K = TypeVar("K", bound=Hashable)
Floats = NDArray[np.float64]
Kind = Literal["count", "sum", "ratio"]

WINDOW: Final = 8  # periods whose median is the level
ERRORS: Final = 24  # latest differences from the expected whose spread is the scale
LEAST: Final = 2 * WINDOW  # periods before the first judgement: 8 for the level, then 8 differences for the scale
SEASONS: Final = 5  # latest seasons that say what is usual
DRAWS: Final = 400  # series of chance from which the limits are taken; fewer where a season has more than 52 periods
MAD: Final = 1.4826022185056018  # standard deviation of a normal distribution, in median absolute deviations
END: Final = 0.5  # a run ends when a period lies within this part of the limit


@dataclass(frozen=True)
class Alert:
    """A run of periods that lie far from the expected on one side; told once, at its first period.

    `series` and `first`..`last` are places in the given array; `value`, `expected`, `low` and `high` are those of the first
    period; `score` is its distance in limits (an alert is beyond 1).
    """

    series: int
    first: int
    last: int
    direction: Literal["drop", "surge"]
    value: float
    expected: float
    low: float
    high: float
    score: float

    def words(self) -> str:
        """The alert as a sentence."""
        return (
            f"{self.direction}: {self.value:,.6g} where {self.expected:,.6g} was expected "
            f"({self.low:,.6g} to {self.high:,.6g})"
        )


@dataclass(frozen=True)
class Watch:
    """What was expected of each period (series x periods; NaN = too early to tell), and the alerts by series and time."""

    expected: Floats
    low: Floats
    high: Floats
    alerts: tuple[Alert, ...]


@dataclass(frozen=True)
class Moved(Generic[K]):
    """What one group added to a change, and its share of the whole change (more than 1 or below 0 where groups moved against
    each other; None where the whole did not change). The parts are those of `decompose`; None where a kind has no such part.
    """

    group: K
    change: float
    share: float | None
    volume: float | None = None
    mix: float | None = None
    rate: float | None = None


def watch(
    values: ArrayLike,
    kind: Kind,
    periods_per_year: int,
    season: int | None = None,
    counts: ArrayLike | None = None,
    alerts_per_year: float = 0.5,
) -> Watch:
    """Judge every period of one or many series by the periods before it; later ones change no earlier judgement.

    `values` is a series, or series x periods, oldest first, complete periods only; NaN = no value. `kind`: `count` of records,
    `sum` of amounts (or a mean), or `ratio` of two counts, whose denominators are `counts`. `season` is the number of periods
    after which the season repeats (default: a year; 7 for days of the week; 1 = none). `alerts_per_year` is how many periods
    of a year of nothing but chance may be called out, drops and surges together; the first 16 periods are never judged.

    Counts and sums are judged on a square-root scale, on which the noise of a count is 1 whatever its size: 2 sqrt(x + 3/8)
    (Anscombe, 1948), and sqrt |x| with its sign. Differences of ratios are taken in units of sqrt(p (1 - p) / n), less half a
    record (continuity).

    Expected at t: median of the last 8 periods less their season, plus trend, plus the season of t. Season: median over the
    last (at most 5) full seasons of the difference from that season's median and trend; trend: between the medians of the first
    and the last of them; both only from two full seasons on. Spread: 1.4826 x median of the last 24 absolute differences; for
    counts and ratios not below 1, which is what chance alone makes. A series that jumps about by itself from period to
    period, or has few large amounts, alarms somewhat more often than asked for (tests: still at most once a year).

    InvalidData for shapes that do not fit, a negative count, a ratio without counts.
    """
    x = np.atleast_2d(np.asarray(values, dtype=np.float64))
    season = periods_per_year if season is None else season
    n = _checked(x, kind, counts, periods_per_year, season, alerts_per_year)
    y = _scale(x, kind)
    expected, noise, spread = _judge(y, season, kind != "sum", n)
    limit = _limits(x.shape[1], season, alerts_per_year / periods_per_year, kind != "sum")
    reach = limit * spread * noise
    with np.errstate(invalid="ignore", divide="ignore"):
        away = np.abs(y - expected) if n is None else np.maximum(np.abs(y - expected) - 0.5 / np.maximum(n, 1), 0)
        score = np.where(away > 0, np.sign(y - expected) * away / reach, 0.0)
    score[np.isnan(y) | np.isnan(reach)] = np.nan
    middle, low, high = (_unscale(one, kind) for one in (expected, expected - reach, expected + reach))
    return Watch(middle, low, high, tuple(_alerts(x, middle, low, high, score)))


def attribute(before: Mapping[K, Pair], after: Mapping[K, Pair], kind: Kind) -> list[Moved[K]]:
    """Which groups moved a number between two periods of equal length: most of the whole change first, ties by key.

    Each mapping gives by group (count, count) for a `count`, (sum, records) for a `sum`, (numerator, denominator) for a
    `ratio`, in whole numbers; a group that is absent has none. The changes add up to the whole change: exactly for counts and
    sums, to rounding for ratios. Formulas and errors: `decompose.ratio_change`, `decompose.sum_change`.
    """
    if kind == "ratio":
        ratio = ratio_change(before, after)
        found = [
            Moved(k, p.change, p.change / ratio.change if ratio.change else None, mix=p.mix, rate=p.rate)
            for k, p in ratio.parts.items()
        ]
        return _most_first(found, ratio.change)
    whole = sum(v for v, _ in after.values()) - sum(v for v, _ in before.values())
    if kind == "count":
        changes = {k: after.get(k, (0, 0))[0] - before.get(k, (0, 0))[0] for k in sorted_keys({**before, **after})}
        return _most_first([Moved(k, c, c / whole if whole else None) for k, c in changes.items()], whole)
    parts = sum_change(before, after).parts
    return _most_first(
        [Moved(k, p.change, p.change / whole if whole else None, p.volume, p.mix, p.rate) for k, p in parts.items()],
        whole,
    )


def _most_first(found: list[Moved[K]], whole: float) -> list[Moved[K]]:
    """Groups that moved with the whole first, the largest on top; by size alone where the whole did not change."""
    if whole == 0:
        return sorted(found, key=lambda one: -abs(one.change))
    return sorted(found, key=lambda one: -one.change if whole > 0 else one.change)


def _checked(
    x: Floats, kind: Kind, counts: ArrayLike | None, periods_per_year: int, season: int, alerts_per_year: float
) -> Floats | None:
    if x.ndim != 2 or periods_per_year < 1 or season < 1 or not 0 < alerts_per_year < periods_per_year:
        raise InvalidData(
            "These series cannot be watched",
            "Pass series x periods, a season of 1 or more, and fewer alerts than periods a year",
        )
    if kind == "count" and (x < 0).any():
        raise InvalidData("A count is negative", "Use the kind 'sum' for values that may be")
    if kind != "ratio":
        return None
    if counts is None:
        raise InvalidData("A ratio is judged by its denominators", "Pass them as counts")
    n = np.broadcast_to(np.atleast_2d(np.asarray(counts, dtype=np.float64)), x.shape)
    if not (n >= 0).all() or ((x < 0) | (x > 1)).any():
        raise InvalidData("A ratio lies outside 0 to 1, or its count is negative", "Use the kind 'sum' for means")
    return n


def _scale(x: Floats, kind: Kind) -> Floats:
    if kind == "count":
        return 2 * np.sqrt(x + 0.375)
    return np.sign(x) * np.sqrt(np.abs(x)) if kind == "sum" else x


def _unscale(y: Floats, kind: Kind) -> Floats:
    if kind == "count":
        return np.maximum((np.maximum(y, 0) / 2) ** 2 - 0.375, 0)
    return np.sign(y) * y**2 if kind == "sum" else np.clip(y, 0, 1)


def _judge(y: Floats, season: int, floor: bool, n: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Expected value, noise of chance (its unit) and spread in that unit, series x periods; NaN before anything can be said.

    A period without a value counts as the expected one in what follows, and not at all in the spread.
    """
    y = y.copy()
    series, length = y.shape
    gaps = np.isnan(y)
    expected = np.full((series, length), np.nan)
    noise, spread = np.ones((series, length)), np.full((series, length), np.nan)
    errors = np.full((series, length), np.nan)
    if gaps.any():
        start = np.where(gaps.all(axis=1), np.nan, _median(np.where(gaps, np.nan, y)[:, :WINDOW], 1))
        y[:, :WINDOW] = np.where(gaps[:, :WINDOW], start[:, None], y[:, :WINDOW])
    for t in range(WINDOW, length):
        expected[:, t] = _expect(y[:, :t], season)
        if n is not None:
            many = np.maximum(n[:, t], 1)
            p = (np.clip(expected[:, t], 0, 1) * many + 0.5) / (many + 1)
            noise[:, t] = np.sqrt(p * (1 - p) / many)
        if t >= LEAST:
            size = MAD * _median(np.abs(errors[:, max(WINDOW, t - ERRORS) : t]), 1)
            spread[:, t] = np.maximum(size, 1.0) if floor else size
        errors[:, t] = (y[:, t] - expected[:, t]) / noise[:, t]
        y[:, t] = np.where(gaps[:, t], expected[:, t], y[:, t])
    return expected, noise, spread


def _expect(past: Floats, season: int) -> Floats:
    """The value expected next, by series."""
    seasons = min(past.shape[1] // season, SEASONS)
    if season == 1 or seasons < 2:
        return _median(past[:, -WINDOW:], 1)
    blocks = past[:, -seasons * season :].reshape(len(past), seasons, season)
    levels = _median(blocks, 2)
    slope = (levels[:, -1] - levels[:, 0]) / ((seasons - 1) * season)
    place = np.arange(season) - (season - 1) / 2
    usual = _median(blocks - levels[:, :, None] - (slope[:, None] * place)[:, None, :], 1)
    back = np.arange(-WINDOW, 0)
    rest = past[:, -WINDOW:] - usual[:, back % season] - slope[:, None] * back
    return _median(rest, 1) + usual[:, 0]


def _median(values: Floats, axis: int) -> Floats:
    """The median that skips NaN only where there is one (much faster without)."""
    if np.isnan(values).any():
        with np.errstate(all="ignore"):
            kept = np.isfinite(values).any(axis=axis, keepdims=True)
            return np.nanmedian(np.where(kept, values, 0.0), axis=axis) + np.where(kept, 0.0, np.nan).squeeze(axis)
    return np.median(values, axis=axis)


def _limits(length: int, season: int, rate: float, floor: bool) -> Floats:
    """By period, the distance in spreads that chance exceeds in `rate` of all periods; NaN where nothing is judged."""
    stages = _stages(length, season)
    known = _simulated(-(-max(length, LEAST + ERRORS + WINDOW) // season) * season, season, rate, floor)
    return np.array([known[stage] if stage else np.nan for stage in stages])


def _stages(length: int, season: int) -> list[tuple[int, int] | None]:
    """What a judgement rests on, by period: full seasons seen, and differences seen in steps of 8."""
    return [
        None if t < LEAST else (min(t // season, SEASONS) if season > 1 else 0, min((t - WINDOW) // 8, ERRORS // 8))
        for t in range(length)
    ]


@lru_cache(maxsize=64)
def _simulated(length: int, season: int, rate: float, floor: bool) -> dict[tuple[int, int], float]:
    """The limit of each stage: a quantile of the distances of series of normal noise (seeded), by the very same reckoning."""
    length = min(length, (SEASONS + 1) * season if season > 1 else LEAST + ERRORS + 64)
    length = max(length, LEAST + ERRORS + 2 * WINDOW)
    draws = min(DRAWS, DRAWS * 52 // season)  # a stage then has the more periods
    noise = np.random.default_rng(20).standard_normal((length, max(draws, 40))).T
    expected, _noise, spread = _judge(noise, season, floor, None)
    distance = np.abs(noise - expected) / spread
    stages = _stages(length, season)
    found = {}
    for stage in {one for one in stages if one}:
        rows = [t for t, one in enumerate(stages) if one == stage]
        found[stage] = float(np.quantile(distance[:, rows], 1 - rate))
    return found


def _alerts(x: Floats, expected: Floats, low: Floats, high: Floats, score: Floats) -> list[Alert]:
    """One alert a run, in order of series and time. Only series that ever cross the limit are looked at one by one."""
    found = []
    for row in np.flatnonzero((np.abs(np.nan_to_num(score)) > 1).any(axis=1)).tolist():
        side, first = 0.0, 0
        for t, value in enumerate(score[row].tolist()):
            if value != value:  # no value, or too early
                continue
            if side and value * side <= END:
                found.append((row, first, t - 1, side))
                side = 0.0
            if not side and abs(value) > 1:
                side, first = float(np.sign(value)), t
        if side:
            found.append((row, first, score.shape[1] - 1, side))
    return [
        Alert(
            series=row,
            first=first,
            last=last,
            direction="surge" if side > 0 else "drop",
            value=float(x[row, first]),
            expected=float(expected[row, first]),
            low=float(low[row, first]),
            high=float(high[row, first]),
            score=abs(float(score[row, first])),
        )
        for row, first, last, side in found
    ]
