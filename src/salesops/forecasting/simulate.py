"""Joint paths of what is still to come: open deals and arrivals under shocks that whole periods, owners and segments share, with
uncertain coefficients and amounts. Sums of nodes are sums of paths, so quantiles are those of the sums and never sums of quantiles.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .methods import Cut, Day
from .regression import logit
from .tables import Floats, Ints

CHUNK: Final = 250
"""Paths at a time: 10,000 deals take 10 MB a table."""


def paths(day: Day, cuts: list[Cut], count: int, seed: int) -> list[Floats]:
    """For each cut, (node, path): what will be added to what is booked (10^-4, floats); the same draws for all cuts."""
    rng = np.random.default_rng([seed, int(day.on.astype(np.int64)) & 0xFFFFFFFF, day.horizon])
    out = [np.zeros((len(c.values), count)) for c in cuts]
    for begin in range(0, count, CHUNK):
        width = min(CHUNK, count - begin)
        common = day.model.shocks.period * rng.standard_normal(width)
        won = _open(day, common, width, rng)
        for place, nodes in zip(out, cuts, strict=True):
            _sum(place[:, begin : begin + width], nodes.rows[day.rows], won)
        _arrive(day, cuts, [place[:, begin : begin + width] for place in out], common, rng)
    return out


def _open(day: Day, common: Floats, width: int, rng: np.random.Generator) -> Floats:
    """(deal, path): the amount won, zero where not."""
    p = day.scores.p[:, day.horizon]
    many = len(p)
    if not many:
        return np.zeros((0, width))
    history = day.history
    frame = history.frame.take(day.rows)
    eta = logit(p).astype(np.float32)[:, None] + common.astype(np.float32)
    eta = eta + day.model.uncertainty(day.snapshots, frame, width, rng).astype(np.float32)
    for name, spread in (("owner", day.model.shocks.owner), ("segment", day.model.shocks.segment)):
        if name in frame.codes:
            code = frame.codes[name]
            draws = rng.standard_normal((len(frame.levels[name]) + 1, width), dtype=np.float32)
            eta += np.float32(spread) * draws[code]
    chance = 1 / (1 + np.exp(-np.clip(eta, -30, 30)))
    chance *= (p / np.maximum(chance.mean(axis=1), 1e-12)).astype(np.float32)[:, None]
    deal, path = np.nonzero(rng.random((many, width), dtype=np.float32) < chance)
    noise = day.model.amounts.noise
    amount = day.scores.amount[deal] * np.exp(noise * rng.standard_normal(len(deal)) - noise**2 / 2)
    out = np.zeros((many, width))
    out[deal, path] = amount
    return out


def _sum(into: Floats, code: Ints, values: Floats) -> None:
    """Add rows of values to the row of their node."""
    if not len(code):
        return
    order = np.argsort(code, kind="stable")
    sorted_code = code[order]
    starts = np.flatnonzero(np.r_[True, sorted_code[1:] != sorted_code[:-1]])
    into[sorted_code[starts]] += np.add.reduceat(values[order], starts, axis=0)


def _arrive(day: Day, cuts: list[Cut], into: list[Floats], common: Floats, rng: np.random.Generator) -> None:
    """Add deals that do not exist yet: as many as a period's own level of arrivals gives, each like one of the past."""
    found = day.arrivals
    if found.number <= 0 or not len(found.rows):
        return
    width = len(common)
    level = np.exp(found.sd * rng.standard_normal(width) - found.sd**2 / 2)
    number = rng.poisson(found.number * level)
    path = np.repeat(np.arange(width), number)
    drawn = rng.choice(found.rows, size=len(path), p=found.weight)
    value = day.known.value
    usual = float(found.weight @ value[found.rows])
    amount = value[drawn] * (found.value / found.number / usual if usual > 0 else 0.0)
    for place, nodes in zip(into, cuts, strict=True):
        np.add.at(place, (nodes.outcomes[day.known_rows[drawn]], path), amount)


def noise(day: Day, nodes: Cut) -> Floats:
    """Expected absolute error (10^-4) of somebody who knows every chance: sqrt(2 / pi) x the standard deviation of the sum."""
    p, a = day.scores.p[:, day.horizon], day.scores.amount.astype(np.float64)
    spread = day.model.amounts.noise**2
    variance = np.bincount(nodes.rows[day.rows], weights=a**2 * (p * (1 - p) + p * spread), minlength=len(nodes.values))
    found = day.arrivals
    if found.number > 0 and len(found.rows):
        value = day.known.value[found.rows]
        square = np.bincount(
            nodes.outcomes[day.known_rows[found.rows]], weights=found.weight * value**2, minlength=len(nodes.values)
        )
        variance = variance + found.number * square
    return np.asarray(np.sqrt(2 / np.pi * variance))
