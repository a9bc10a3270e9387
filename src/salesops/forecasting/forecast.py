"""The forecast of a period: every node from the same items (booked deals, open deals, arrivals), the blend's difference shared over
what is still to come, intervals from joint paths. Money is rounded once, per item; every level is a sum of items and adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from salesops.common.errors import InvalidData

from . import backtest, methods, simulate
from .deals import DealModel, History
from .methods import Cut, Day
from .results import COMPANY, BackTest, Forecast, Method, NodeForecast
from .scenario import Scenario, applied
from .tables import Floats, Ints

Node = tuple[str, str]


@dataclass(frozen=True)
class Items:
    """What a forecast consists of, in 10^-4: one row per booked deal, open deal and past winner that stands for arrivals."""

    booked: Ints
    open: Ints
    arrivals: Ints
    adjustment: Ints
    """Of open deals first, then of arrivals."""


def forecast(
    history: History, model: DealModel, on: Any, horizon: int = 0, dimensions: Sequence[str] = (),
    targets: Mapping[Node, int] | None = None, past: BackTest | None = None, paths: int = 1000,
    scenario: Scenario | None = None,
) -> Forecast:  # fmt: skip
    """Forecast the period of a day (`horizon` 0) or one of the next two, for the company and the values of some labels.

    `targets`: amounts by (dimension, value), ("company", "") for all. `past`: a back-test; what was not known on the day is left out.
    Without one the components are mixed evenly and intervals are as simulated.
    Raises InvalidData where the period is not in the table, or the model was trained on later days.
    """
    on = np.datetime64(on, "D")
    now = int(history.periods.index(on))
    if now < 0 or now + horizon >= len(history.periods):
        raise InvalidData(
            f"No period is on record for {on}, {horizon} ahead", "Give periods up to three after the as-of"
        )
    if model.on > on:
        raise InvalidData(f"The model was trained on {model.on}, after {on}", "Train one for the day")
    day = methods.day(history, model, on, horizon)
    if scenario is not None:
        day = applied(day, scenario)
    cuts = [methods.cut(history, name) for name in (COMPANY, *dimensions)]
    found = {name: float(value[0]) for name, value in methods.values(day, cuts[0]).items()}
    mix = backtest.learn(day, found, past if past is not None else backtest.nothing())
    items, factor, notes = _items(day, found, mix, scenario)
    drawn = simulate.paths(day, cuts, paths, history.settings.seed)
    nodes: list[NodeForecast] = []
    for nodes_of, draws in zip(cuts, drawn, strict=True):
        nodes += _nodes(day, nodes_of, draws, items, factor, mix, targets or {})
    weight = dict(zip(mix.components, mix.weights.tolist(), strict=True))
    told = tuple(
        Method(name, None if np.isnan(v) else round(v), weight.get(name, 0.0), "" if not np.isnan(v) else _why(name))
        for name, v in found.items()
        if name != "booked"
    )
    won = day.booked_rows
    booked = dict(zip(day.known.deal[won].tolist(), items.booked.tolist(), strict=True))
    return Forecast(
        on, history.periods.keys[day.target], horizon, day.week, day.scores.tier, tuple(nodes), told, day.scores,
        booked, (*notes, *_notes(day, mix, past)),
    )  # fmt: skip


def _why(name: str) -> str:
    return {
        "year ago": "The same period of the year before is not on record",
        "commit": "No categories or no expected closes",
        "commit and best case": "No categories or no expected closes",
        "linearity": "Nothing was booked yet at this time of past periods",
    }.get(name, "Not enough on record")


def _items(
    day: Day, found: dict[str, float], mix: backtest.Mix, scenario: Scenario | None
) -> tuple[Items, float, list[str]]:
    """The items, the factor by which the blend moves what is still to come, and notes."""
    known = day.known
    booked = known.value[day.booked_rows].astype(np.int64)
    open_ = day.scores.value[:, day.horizon]
    came = day.arrivals
    value = came.weight * known.value[came.rows]
    arrivals = (
        shares(round(came.value), value) if len(value) and value.sum() > 0 else np.zeros(len(came.rows), np.int64)
    )
    base = int(booked.sum())
    coming = np.concatenate([open_, arrivals])
    whole = int(coming.sum())
    total = max(round(mix.of(found)), base)
    notes: list[str] = []
    if whole <= 0:
        if total > base:
            notes.append("Nothing is open and no deals are expected to arrive: the blend has nothing to be shared over")
        return Items(booked, open_, arrivals, np.zeros(len(coming), np.int64)), 1.0, notes
    difference = total - base - whole
    return Items(booked, open_, arrivals, shares(difference, coming.astype(np.float64))), (total - base) / whole, notes


def shares(total: int, weight: Floats) -> Ints:
    """Divide whole units in proportion to weights (largest remainder, ties to the earlier row); the parts add up to the total."""
    whole = float(weight.sum())
    if not len(weight) or whole <= 0:
        return np.zeros(len(weight), dtype=np.int64)
    exact = np.abs(total) * (weight / whole)
    part = np.floor(exact).astype(np.int64)
    left = abs(total) - int(part.sum())
    order = np.argsort(-(exact - part), kind="stable")
    order = order[weight[order] > 0]
    part[order[: max(left, 0)]] += 1
    if left < 0 or left > len(order):  # only by rounding of floats in huge sums
        part[order[0]] += left - min(max(left, 0), len(order))
    return part if total >= 0 else -part


def _nodes(
    day: Day, nodes: Cut, draws: Floats, items: Items, factor: float, mix: backtest.Mix, targets: Mapping[Node, int]
) -> list[NodeForecast]:
    """The nodes of one dimension, in order of their values; those with nothing in them and no target are left out."""
    size = len(nodes.values)
    here = nodes.outcomes[day.known_rows]
    deals, arrivals = nodes.rows[day.rows], here[day.arrivals.rows]

    def summed(code: Ints, amounts: Ints) -> Ints:
        out = np.zeros(size, dtype=np.int64)
        np.add.at(out, code, amounts)
        return out

    booked, open_ = summed(here[day.booked_rows], items.booked), summed(deals, items.open)
    came, adjusted = summed(arrivals, items.arrivals), summed(np.concatenate([deals, arrivals]), items.adjustment)
    count = np.bincount(deals, minlength=size)
    mean = draws.mean(axis=1)
    centre = np.where(mean > 0, open_ + came, 0).astype(np.float64)
    scale = np.divide(centre, mean, out=np.ones(size), where=mean > 0)  # the mean of the paths is that of the items
    low, high = np.quantile(draws, [0.1, 0.9], axis=1) * scale
    whole = float(items.open.sum() + items.arrivals.sum())
    widen = mix.width(nodes.dimension, centre, whole, (high - low) / backtest.NORMAL_80)
    final = np.maximum(backtest.spread(draws * scale[:, None], centre[:, None], factor, widen[:, None]), 0)
    edges = np.rint(booked[:, None] + np.quantile(final, [0.1, 0.5, 0.9], axis=1).T).astype(np.int64)
    floor = np.rint(simulate.noise(day, nodes)).astype(np.int64)
    out = []
    for i, value in enumerate(nodes.values.tolist()):
        target = targets.get((nodes.dimension, value))
        if not (count[i] or booked[i] or came[i] or target is not None or nodes.dimension == COMPANY):
            continue
        out.append(
            NodeForecast(
                nodes.dimension, value, int(count[i]), int(booked[i]), int(open_[i]), int(came[i]), int(adjusted[i]),
                int(edges[i, 0]), int(edges[i, 1]), int(edges[i, 2]), int(floor[i]), target,
                None if target is None else _chance(booked[i] + final[i], target),
            )
        )  # fmt: skip
    seen = set(nodes.values.tolist())
    extra = [(name, amount) for (kind, name), amount in targets.items() if kind == nodes.dimension and name not in seen]
    out += [
        NodeForecast(
            nodes.dimension,
            name,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            amount,
            1.0 if amount <= 0 else _chance(np.zeros(draws.shape[1]), amount),
        )
        for name, amount in sorted(extra)
    ]
    return out


def _chance(total: Floats, target: int) -> float:
    """Share of the paths that reach a target; never quite 0 or 1, unless what is booked already reaches it."""
    if total.min() >= target:
        return 1.0 if total.max() == total.min() or target <= 0 else (len(total) + 0.5) / (len(total) + 1)
    return float(((total >= target).sum() + 0.5) / (len(total) + 1))


def _notes(day: Day, mix: backtest.Mix, past: BackTest | None) -> list[str]:
    out = [f"{day.scores.tier.name}: {day.scores.tier.reason}"]
    if past is None or not mix.periods:
        out.append("No back-test of a past period: the components are mixed evenly and intervals are as simulated")
    else:
        out.append(f"Weights and intervals learned from {mix.periods} past periods")
    if day.arrivals.note:
        out.append(day.arrivals.note)
    missing = int((~day.scores.stated).sum())
    if missing:
        out.append(f"{missing} of {len(day.scores)} open deals state no amount: the usual one stands in")
    out += [f"Left out: {text}" for text in day.scores.quarantined]
    return out
