"""Every way to forecast a period's bookings, by node, from what was known on one day: the model, survival by age, how periods
usually fill up, totals of past periods, and the weighted pipelines and calls that people use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from . import topdown
from .arrivals import Arrivals, arrivals
from .deals import DealModel, History
from .results import COMPANY, DealScores
from .survival import age, incidence_on
from .tables import NEVER, Floats, Ints, Outcomes, Snapshots, Texts

MODEL: Final = "model"
SURVIVAL: Final = "survival by age"
REST: Final = "booked and usual rest"
MEAN: Final = "mean of four"
BASELINES: Final[tuple[str, ...]] = (
    "stage table, all open", "stage table, due in the period", "own stage rates, due in the period", "commit",
    "commit and best case", "previous period", "year ago", MEAN, "linearity",
)  # fmt: skip
WHOLE: Final = 4
"""Whole past periods from which the regression takes the place of survival in the blend: weeks of one period are one observation."""
COMMIT: Final = frozenset({"commit"})
BEST: Final = frozenset({"commit", "best_case", "best case"})


@dataclass(frozen=True)
class Cut:
    """Nodes of one dimension: their values, and the node of each outcome and of each snapshot row of the history."""

    dimension: str
    values: Texts
    outcomes: Ints
    rows: Ints


def cut(history: History, dimension: str) -> Cut:
    """The nodes of a label (or of the company as a whole)."""
    if dimension == COMPANY:
        return Cut(
            dimension,
            np.array([""]),
            np.zeros(len(history.outcomes), np.int64),
            np.zeros(len(history.snapshots), np.int64),
        )
    first, second = history.outcomes.label(dimension), history.snapshots.label(dimension)
    values, code = np.unique(np.concatenate([first, second]), return_inverse=True)
    code = code.reshape(-1).astype(np.int64)
    return Cut(dimension, values, code[: len(first)], code[len(first) :])


@dataclass(frozen=True)
class Day:
    """What was known on one day, for one period to be forecast."""

    history: History
    model: DealModel
    on: np.datetime64
    target: int
    """Number of the period that is forecast."""
    horizon: int
    rows: Ints
    """Snapshot rows of the day."""
    snapshots: Snapshots
    scores: DealScores
    known_rows: Ints
    """Rows of the outcomes that existed on the day."""
    known: Outcomes
    arrivals: Arrivals

    @property
    def week(self) -> int:
        """The week of the period in which the day lies."""
        return int(self.history.periods.week(self.on))

    @property
    def booked_rows(self) -> Ints:
        """Rows of `known` won in the period by the day."""
        periods = self.history.periods
        inside = (self.known.closed >= periods.start[self.target]) & (self.known.closed <= periods.end[self.target])
        return np.flatnonzero(self.known.won & inside)

    @property
    def whole_periods(self) -> int:
        """Whole past periods on record."""
        return len(topdown.series(self.known, self.history.periods, self.on).values)


def day(history: History, model: DealModel, on: np.datetime64, horizon: int) -> Day:
    """Score a day's deals and put together what was known on it."""
    rows = history.rows(on)
    snapshots = history.snapshots.take(rows)
    scores = model.score(snapshots, history.frame.take(rows))
    target = int(history.periods.index(on)) + horizon
    outcomes = history.outcomes
    known_rows = np.flatnonzero((outcomes.created <= on) | (outcomes.closed <= on))
    known = outcomes.known_on(on)
    came = arrivals(known, history.periods, on, target)
    return Day(history, model, on, target, horizon, rows, snapshots, scores, known_rows, known, came)


def values(day: Day, nodes: Cut) -> dict[str, Floats]:
    """By method: the forecast of every node (10^-4 as floats; NaN = the method cannot tell)."""
    size, periods = len(nodes.values), day.history.periods
    known, here = day.known, nodes.outcomes[day.known_rows]
    deals = nodes.rows[day.rows]

    def by_node(code: Ints, amounts: Floats) -> Floats:
        return np.bincount(code, weights=amounts, minlength=size).astype(np.float64)

    value = known.value
    won_in = day.booked_rows
    booked = by_node(here[won_in], value[won_in])
    came = by_node(here[day.arrivals.rows], day.arrivals.weight * value[day.arrivals.rows])
    came *= day.arrivals.value / came.sum() if came.sum() > 0 else 0.0
    expected = day.scores.amount.astype(np.float64)
    out = {"booked": booked, MODEL: booked + by_node(deals, day.scores.p[:, day.horizon] * expected) + came}
    chance = _survival(day)
    aged = not len(day.rows) or np.isnat(day.snapshots.day("created")).mean() <= 0.5
    told = aged and not np.isnat(_start(day))
    out[SURVIVAL] = booked + by_node(deals, chance * expected) + came if told else _none(size)
    out |= _totals(day, here, value, booked, size)
    out |= _pipelines(day, deals, expected, booked, by_node)
    if nodes.dimension == COMPANY:
        series = topdown.series(known, periods, day.on)
        if len(series.values) >= topdown.SHORTEST:
            out["theta"] = topdown.theta(series.values, day.horizon + 1, series.per_year)[-1:]
    return out


def _none(size: int) -> Floats:
    return np.full(size, np.nan)


def _start(day: Day) -> np.datetime64:
    closed = day.known.closed[~np.isnat(day.known.closed)]
    return closed.min() if len(closed) else NEVER


def _survival(day: Day) -> Floats:
    """Chance of each deal to be won in the period, by its age alone."""
    found = incidence_on(day.known, day.on)
    old = age(day.snapshots.day("created"), day.on)
    periods = day.history.periods
    end = int((periods.end[day.target] - day.on).astype(np.int64))
    begin = max(0, int((periods.start[day.target] - day.on).astype(np.int64)) - 1)
    until = np.full(len(old), end, dtype=np.int64)
    return found.within(old, until) - (found.within(old, np.full(len(old), begin)) if begin else 0.0)


def _totals(day: Day, code: Ints, value: Floats, booked: Floats, size: int) -> dict[str, Floats]:
    """Methods of past totals and of filling, all nodes at once."""
    periods, known = day.history.periods, day.known
    series = topdown.series(known, periods, day.on)
    names = ("previous period", "year ago", MEAN, REST, "linearity")
    out = {name: _none(size) for name in names}
    if not len(series.values):
        return out
    count = len(series.values)
    number = periods.index(known.closed) - series.first
    inside = known.won & (number >= 0) & (number < count)
    cell = code[inside] * count + number[inside]
    total = np.bincount(cell, weights=value[inside], minlength=size * count).reshape(size, count).astype(np.float64)
    left = (periods.end[day.target] - day.on).astype(np.int64)
    early = known.closed[inside] <= periods.end[number[inside] + series.first] - left
    filled = (
        np.bincount(cell, weights=value[inside] * early, minlength=size * count).reshape(size, count).astype(np.float64)
    )
    recent = slice(-topdown.CURVE, None)
    out["previous period"] = total[:, -1]
    out[MEAN] = total[:, recent].mean(axis=1)
    back = series.per_year - day.horizon % series.per_year
    if count >= series.per_year:
        out["year ago"] = total[:, -back]
    out[REST] = booked + (total - filled)[:, recent].mean(axis=1)
    whole, part = total[:, recent].sum(axis=1), filled[:, recent].sum(axis=1)
    share = np.divide(part, whole, out=np.zeros(size), where=whole > 0)
    out["linearity"] = np.divide(booked, share, out=_none(size), where=share > 0)
    return out


def _pipelines(day: Day, code: Ints, amount: Floats, booked: Floats, by_node: object) -> dict[str, Floats]:
    """Weighted pipelines and calls: what people do without a model."""
    assert callable(by_node)
    snapshots, periods = day.snapshots, day.history.periods
    expected = snapshots.day("expected_close")
    due = (expected >= periods.start[day.target]) & (expected <= periods.end[day.target])
    if day.horizon == 0:
        due |= expected < periods.start[day.target]
    stated = np.where(snapshots.amount >= 0, snapshots.amount, 0).astype(np.float64)
    stage = snapshots.label("stage")
    table = day.history.settings.stage_table
    size = len(booked)
    out = {name: _none(size) for name in BASELINES[:5]}
    dated = not np.isnat(expected).all()
    if table:
        share = np.array([table.get(str(s), 0.0) for s in stage]) if len(stage) else np.zeros(0)
        out["stage table, all open"] = booked + by_node(code, share * stated)
        if dated:
            out["stage table, due in the period"] = booked + by_node(code, share * stated * due)
    if dated:
        own = day.model.rates.stage
        share = (
            np.array([own.get(str(s), (day.model.rates.base, 0.0))[0] for s in stage]) if len(stage) else np.zeros(0)
        )
        out["own stage rates, due in the period"] = booked + by_node(code, share * stated * due)
    category = np.char.lower(snapshots.label("category")) if len(stage) else stage
    if dated and (category != "").any():
        for name, kinds in (("commit", COMMIT), ("commit and best case", BEST)):
            out[name] = booked + by_node(code, stated * due * np.isin(category, list(kinds)))
    return out
