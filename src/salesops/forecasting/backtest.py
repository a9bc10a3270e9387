"""Rolling origin: what would have been forecast on every past as-of, by every method and node, beside what came.

Each forecast is made with what was known on its day only. The blend and the correction of intervals are learned from as-ofs whose
period had ended by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np

from . import accuracy, blend, methods, simulate
from .deals import DealModel, History, train
from .methods import MEAN, MODEL, REST, SURVIVAL, Cut, Day
from .results import COMPANY, HORIZONS, BackTest
from .tables import Days, Floats, Ints

BLEND: Final = "blend"
NORMAL_80: Final = 2 * 1.2815515594
"""Width of the central 80 % of a normal distribution, in standard deviations."""
TRUST: Final = 6.0
"""Periods that the simulated width of intervals is worth against past errors."""
Step = Callable[[int, int], None]


def backtest(
    history: History, as_ofs: Days | None = None, horizons: Sequence[int] = (0,), dimensions: Sequence[str] = (),
    refit_days: int = 28, paths: int = 200, step: Step | None = None, each: Callable[[Day], None] | None = None,
) -> BackTest:  # fmt: skip
    """Forecast the current period (horizon 0) and, where asked, the next two, on past as-ofs (default: all in the snapshots).

    `dimensions` are labels whose nodes are forecast, too. The model is trained anew after `refit_days`. `step(done, all)` is called
    after each as-of, `each(day)` for each forecast (`Chances().add` gathers the chances of deals).
    Rows of `blend` have corrected intervals, rows of `model` the simulated ones.
    """
    days = np.unique(history.snapshots.as_of) if as_ofs is None else np.unique(as_ofs)
    days = days[history.periods.index(days) >= 0]
    cuts = [methods.cut(history, name) for name in (COMPANY, *dimensions)]
    actual = [_actual(history, c) for c in cuts]
    parts: list[BackTest] = []
    model: DealModel | None = None
    for i, on in enumerate(days):
        if model is None or (on - model.on).astype(np.int64) >= refit_days or model.basis is None:
            model = train(history, on, max(horizons) + 1, model, dates=False)
        for horizon in horizons:
            if int(history.periods.index(on)) + horizon >= len(history.periods):
                continue
            today = methods.day(history, model, on, horizon)
            if each is not None:
                each(today)
            raw = _raw(today, cuts, actual, paths)
            mixed = blended(today, raw, _together(parts))
            parts += [raw, mixed]
        if step is not None:
            step(i + 1, len(days))
    return _together(parts)


def _actual(history: History, nodes: Cut) -> Floats:
    """(node, period): what was booked in the end."""
    outcomes, periods = history.outcomes, history.periods
    number = periods.index(outcomes.closed)
    inside = outcomes.won & (number >= 0)
    cell = nodes.outcomes[inside] * len(periods) + number[inside]
    found = np.bincount(cell, weights=outcomes.value[inside], minlength=len(nodes.values) * len(periods))
    return found.reshape(len(nodes.values), len(periods)).astype(np.float64)


def _raw(day: Day, cuts: list[Cut], actual: list[Floats], paths: int) -> BackTest:
    """The rows of one as-of, without the blend."""
    drawn = simulate.paths(day, cuts, paths, day.history.settings.seed)
    ended = day.history.periods.end[day.target] <= day.history.through
    rows = []
    for nodes, draws, truth in zip(cuts, drawn, actual, strict=True):
        found = methods.values(day, nodes)
        booked = found.pop("booked")
        floor = simulate.noise(day, nodes)
        low, middle, high = booked + np.quantile(draws, [0.1, 0.5, 0.9], axis=1)
        came = truth[:, day.target] if ended else np.full(len(booked), np.nan)
        keep = (found[MODEL] > 0) | (came > 0) | (np.nan_to_num(found[MEAN]) > 0)
        keep |= np.array([nodes.dimension == COMPANY])
        for name, values in found.items():
            own = name == MODEL
            gap = np.full(len(booked), np.nan)
            rows.append(
                _rows(
                    day, nodes, keep, name, values, booked, came, *((low, middle, high, floor) if own else (gap,) * 4)
                )
            )
    return _together(rows)


def _rows(day: Day, nodes: Cut, keep: Any, name: str, *columns: Floats) -> BackTest:
    """Rows of one method: forecast, booked, actual, p10, p50, p90, noise of the kept nodes."""
    n = int(keep.sum())
    forecast, booked, came, low, middle, high, floor = (c[keep] for c in columns)
    return BackTest(
        np.full(n, day.on), np.full(n, day.target), np.full(n, day.week), np.full(n, day.horizon),
        np.full(n, nodes.dimension, dtype="U40"), nodes.values[keep], np.full(n, name, dtype="U40"), forecast, booked,
        came, low, middle, high, floor, np.full(n, day.history.periods.end[day.target]),
    )  # fmt: skip


def nothing() -> BackTest:
    """A back-test without rows."""
    none = np.zeros(0)
    whole, text, date = none.astype(np.int64), none.astype("U1"), none.astype("datetime64[D]")
    return BackTest(date, whole, whole, whole, text, text, text, *(none,) * 7, date)


def _together(parts: Sequence[BackTest]) -> BackTest:
    if not parts:
        return nothing()
    return BackTest(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(BackTest)})


# --- what is learned from a back-test ---


@dataclass(frozen=True)
class Mix:
    """How the components of a day are mixed, and how wide intervals have to be against the simulated ones."""

    components: tuple[str, ...]
    weights: Floats
    widen: dict[str, float]
    """By dimension."""
    periods: int
    """Past periods that it was learned from."""

    doubt: float = 0.0
    """How far the components disagree (10^-4, a standard deviation), fading as past periods tell whom to believe."""

    def width(self, dimension: str, coming: Floats, whole: float, sd: Floats) -> Floats:
        """The factor on the simulated spread of nodes: what past errors ask for, and each node's part of the doubt.

        `coming`: what is to come at the nodes, `whole` at the company; `sd`: the simulated standard deviation.
        """
        part = np.divide(self.doubt * coming, whole * sd, out=np.zeros(len(sd)), where=(sd > 0) & (whole > 0))
        return np.asarray(np.hypot(self.widen.get(dimension, 1.0), part), dtype=np.float64)

    def of(self, today: dict[str, float]) -> float:
        """The mixed value."""
        return sum(float(w) * today[name] for name, w in zip(self.components, self.weights, strict=True) if w > 0)


def components(day: Day, today: dict[str, float]) -> tuple[str, ...]:
    """What is mixed: deals from the bottom up, how periods fill, and past totals."""
    few = day.whole_periods < methods.WHOLE and not np.isnan(today.get(SURVIVAL, np.nan))
    return (SURVIVAL if few else MODEL, REST, MEAN)


def learn(day: Day, today: dict[str, float], past: BackTest) -> Mix:
    """Weights and widths from the part of a back-test that was known on the day; `today`: the company's value by method."""
    known = past.known_on(day.on)
    known = known.take((known.horizon == day.horizon) & ~np.isnan(known.actual))
    names = components(day, today)
    company = known.take((known.dimension == COMPANY) & np.isin(known.method, names))
    keys, row = np.unique(np.stack([company.as_of.astype(np.int64), company.period]), axis=1, return_inverse=True)
    row = row.reshape(-1)
    size = keys.shape[1] if keys.size else 0
    error, week = np.full((size, len(names)), np.nan), np.zeros(size, dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(company.actual > 0, (company.forecast - company.actual) / company.actual, np.nan)
    for j, name in enumerate(names):
        mine = company.method == name
        error[row[mine], j] = relative[mine]
        week[row[mine]] = company.week[mine]
    usable = np.array([not np.isnan(today.get(name, np.nan)) for name in names])
    if not usable.any():
        names, usable = (MODEL,), np.ones(1, dtype=bool)
        error = np.full((size, 1), np.nan)
    periods = keys[1] if size else np.zeros(0, dtype=np.int64)
    found = blend.weights(error, periods, week, day.week, usable)
    count = len(np.unique(periods))
    mix = Mix(names, found, _widths(known), count)
    middle = mix.of(today)
    apart = sum(float(w) * (today[name] - middle) ** 2 for name, w in zip(names, found, strict=True) if w > 0)
    return replace(mix, doubt=float(np.sqrt(apart * TRUST / (TRUST + count))))


def _widths(known: BackTest) -> dict[str, float]:
    """By dimension: the factor that makes 80 % of past errors of the blend lie inside the simulated intervals, shrunk to 1.

    Errors are of the part still to come, each in standard deviations of its own simulation; every period counts once.
    """
    out: dict[str, float] = {}
    for name in np.unique(known.dimension):
        here = known.take(known.dimension == name)
        model, mixed = here.take(here.method == MODEL), here.take(here.method == BLEND)
        if not len(mixed):
            continue
        place = {key: i for i, key in enumerate(zip(model.as_of.tolist(), model.value.tolist(), strict=True))}
        row = np.array([place.get(key, -1) for key in zip(mixed.as_of.tolist(), mixed.value.tolist(), strict=True)])
        sd = (model.p90 - model.p10)[row] / NORMAL_80
        fine = (row >= 0) & (sd > 0)
        if not fine.any():
            continue
        score = np.abs(mixed.actual - mixed.forecast)[fine] / sd[fine]
        period = mixed.period[fine]
        distinct, code, count = np.unique(period, return_inverse=True, return_counts=True)
        order = np.argsort(score, kind="stable")
        mass = np.cumsum((1 / count[code])[order]) / len(distinct)
        at = score[order][min(np.searchsorted(mass, 0.8), len(order) - 1)]
        factor = float(np.clip(at / (NORMAL_80 / 2), 0.5, 3.0))
        out[str(name)] = float((len(distinct) * factor + TRUST) / (len(distinct) + TRUST))
    return out


def blended(day: Day, raw: BackTest, past: BackTest) -> BackTest:
    """Rows of the blend for the nodes of one as-of: mixed at the company, shared over the part still to come."""
    company = raw.take(raw.dimension == COMPANY)
    today = dict(zip(company.method.tolist(), company.forecast.tolist(), strict=True))
    mix = learn(day, today, past)
    total = mix.of(today)
    rows = raw.take(raw.method == MODEL)
    whole = rows.take(rows.dimension == COMPANY)
    coming = float(whole.forecast[0] - whole.booked[0])
    factor = max(0.0, (total - float(whole.booked[0])) / coming) if coming > 0 else 1.0
    to_come = factor * (rows.forecast - rows.booked)
    forecast = rows.booked + to_come
    widen = np.ones(len(rows))
    for name in np.unique(rows.dimension):
        here = rows.dimension == name
        sd = (rows.p90 - rows.p10)[here] / NORMAL_80
        widen[here] = mix.width(str(name), (rows.forecast - rows.booked)[here], coming, sd)
    edges = {
        name: rows.booked
        + np.maximum(0, spread(getattr(rows, name) - rows.booked, rows.forecast - rows.booked, factor, widen))
        for name in ("p10", "p50", "p90")
    }
    return BackTest(
        rows.as_of, rows.period, rows.week, rows.horizon, rows.dimension, rows.value,
        np.full(len(rows), BLEND, dtype="U40"), forecast, rows.booked, rows.actual, edges["p10"], edges["p50"],
        edges["p90"], rows.noise, rows.known,
    )  # fmt: skip


def spread(coming: Floats, mean: Floats, factor: float, widen: Floats) -> Floats:
    """Points of the distribution of what is to come: moved to the blend's mean and widened around it."""
    return factor * mean + widen * (coming - mean)


# --- how good it was ---


@dataclass
class Chances:
    """Chances of deals on past as-ofs beside what came, of periods that have ended: the material of calibration."""

    p: list[Floats] = field(default_factory=list)
    won: list[Floats] = field(default_factory=list)
    amount: list[Floats] = field(default_factory=list)

    def add(self, day: Day) -> None:
        """Take the deals of a day."""
        history = day.history
        if history.periods.end[day.target] > history.through:
            return
        self.p.append(day.scores.p[:, day.horizon])
        self.won.append(history.labels.won[day.rows, day.horizon].astype(np.float64))
        self.amount.append(day.scores.amount.astype(np.float64))

    def figures(self) -> dict[str, float | None]:
        """Log-loss, Brier, AUC, calibration error (15 bins of equal mass), slope, and the money: sum p x amount / amount won."""
        if not self.p:
            return {}
        p, won, amount = (np.concatenate(part) for part in (self.p, self.won, self.amount))
        return {
            "rows": float(len(p)),
            "log_loss": accuracy.log_loss(won, p),
            "brier": accuracy.brier(won, p),
            "auc": accuracy.auc(won, p),
            "ece": accuracy.ece(won, p),
            "slope": accuracy.calibration_slope(won, p)[0],
            "money": accuracy.amount_calibration(won, p, amount).value,
        }

    def curve(self) -> tuple[Floats, Floats, Ints]:
        """The calibration curve: mean chance, share won, rows of each bin."""
        return accuracy.calibration_curve(np.concatenate(self.won), np.concatenate(self.p))


@dataclass(frozen=True)
class Score:
    """Errors of one method on one level."""

    method: str
    dimension: str
    horizon: int
    weeks: str
    rows: int
    periods: int
    wape: float | None
    interval: tuple[float, float]
    """95 % interval of the WAPE, drawing whole periods."""
    bias: float | None
    to_go: float | None
    within_10: float | None
    coverage: float | None
    width: float | None
    pinball: float | None
    """Mean pinball loss of P10, P50 and P90, as a share of the mean actual."""
    noise: float | None
    """Expected absolute error of somebody who knows every chance, as a share of the actual."""
    skill: dict[str, float]
    """1 - WAPE / WAPE of each baseline, over the same rows."""


WEEKS: Final = (("all", 1, 99), ("1-4", 1, 4), ("5-8", 5, 8), ("9-", 9, 99))


def summary(test: BackTest, weeks: Sequence[tuple[str, int, int]] = WEEKS, draws: int = 200) -> list[Score]:
    """Errors by method, dimension, horizon and weeks of the period, of forecasts whose period has ended."""
    ended = test.take(~np.isnan(test.actual))
    out = []
    for dimension in np.unique(ended.dimension):
        for horizon in range(HORIZONS):
            level = ended.only(dimension=dimension, horizon=horizon)
            for label, low, high in weeks:
                part = level.take((level.week >= low) & (level.week <= high))
                found = {str(m): part.only(method=m) for m in np.unique(part.method)}
                out += [_score(name, rows, found, label, draws) for name, rows in found.items() if len(rows)]
    return out


def _score(name: str, rows: BackTest, every: dict[str, BackTest], weeks: str, draws: int) -> Score:
    told = rows.take(~np.isnan(rows.forecast))
    wape = accuracy.wape(told.actual, told.forecast).value

    def again(chosen: Ints) -> float:
        whole = np.abs(told.actual[chosen]).sum()
        return float(np.abs(told.actual - told.forecast)[chosen].sum() / whole) if whole else float("nan")

    ranged = told.take(~np.isnan(told.p10))
    inside, width = accuracy.coverage(ranged.actual, ranged.p10, ranged.p90) if len(ranged) else (None, None)
    loss = None
    if len(ranged) and ranged.actual.sum():
        parts = [
            accuracy.pinball(ranged.actual, q, level)
            for q, level in ((ranged.p10, 0.1), (ranged.p50, 0.5), (ranged.p90, 0.9))
        ]
        loss = float(np.mean(parts) / np.abs(ranged.actual).mean())
    floor = ranged.noise.sum() / ranged.actual.sum() if len(ranged) and ranged.actual.sum() else None
    skill: dict[str, float] = {}
    for other in methods.BASELINES:
        if other in every and other != name:
            both = _shared(told, every[other])
            if len(both[0]) and (base := accuracy.wape(both[1].actual, both[1].forecast).value):
                mine = accuracy.wape(both[0].actual, both[0].forecast).value
                if mine is not None:
                    skill[other] = 1 - mine / base
    first = told.dimension[0] if len(told) else rows.dimension[0]
    return Score(
        name, str(first), int(rows.horizon[0]), weeks, len(told), len(np.unique(told.period)), wape,
        accuracy.cluster_bootstrap(again, told.period, draws) if len(told) else (float("nan"),) * 2,
        accuracy.bias(told.actual, told.forecast).value,
        accuracy.to_go_wape(told.actual, told.forecast, told.booked).value,
        accuracy.within(told.actual, told.forecast, 0.1).value, inside, width, loss, floor, skill,
    )  # fmt: skip


def _shared(mine: BackTest, other: BackTest) -> tuple[BackTest, BackTest]:
    """Rows of both methods for the same as-of and node, in the same order."""
    other = other.take(~np.isnan(other.forecast))
    first, second = (np.char.add(np.char.add(t.as_of.astype(str), "|"), t.value) for t in (mine, other))
    _, a, b = np.intersect1d(first, second, return_indices=True)
    return mine.take(a), other.take(b)
