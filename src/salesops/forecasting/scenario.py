"""What if: deals that drop out or slip, other win rates and cycles, more arrivals, hires. Changes scores and arrivals, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .methods import Day
from .regression import logit, sigmoid
from .tables import Floats


@dataclass(frozen=True)
class Hire:
    """Somebody who starts on a day and is as productive as the others after `ramp_days` (a straight line up to it)."""

    starts: np.datetime64
    ramp_days: int = 90


@dataclass(frozen=True)
class Scenario:
    """Changes to a forecast; the defaults change nothing."""

    name: str = ""
    dropped: frozenset[int] = frozenset()
    """Deals that will not be won."""
    slipped: frozenset[int] = frozenset()
    """Deals that move one period on."""
    won: frozenset[int] = frozenset()
    """Deals that will be won in this period."""
    win_odds: float = 1.0
    """Factor on the odds of every deal."""
    cycle_days: int = 0
    """Days by which deals close later (negative: sooner)."""
    arrivals: float = 1.0
    """Factor on deals that do not exist yet."""
    hires: tuple[Hire, ...] = ()


def applied(day: Day, scenario: Scenario) -> Day:
    """A day as the scenario has it. The chances of deals stay chances: none is below 0, their sum over periods at most 1."""
    p = day.scores.p.copy()
    deal = day.scores.deal
    if scenario.win_odds != 1:
        shifted = sigmoid(logit(p) + np.log(max(scenario.win_odds, 1e-9)))
        p = np.where((p > 0) & (p < 1), shifted, p)
        p /= np.maximum(p.sum(axis=1, keepdims=True), 1)
    p = _moved(day, p, scenario.cycle_days)
    slip = np.isin(deal, list(scenario.slipped))
    p[slip] = np.column_stack([np.zeros(int(slip.sum())), p[slip, 0], p[slip, 1] + p[slip, 2]])
    p[np.isin(deal, list(scenario.dropped))] = 0
    p[np.isin(deal, list(scenario.won))] = (1.0, 0.0, 0.0)
    value = np.rint(p * day.scores.amount[:, None]).astype(np.int64)
    factor = scenario.arrivals * (1 + sum(_share(day, hire) for hire in scenario.hires))
    came = replace(day.arrivals, value=day.arrivals.value * factor, number=day.arrivals.number * factor)
    scores = replace(day.scores, p=p, value=value, p_ever=np.maximum(day.scores.p_ever, p.sum(axis=1)))
    return replace(day, scores=scores, arrivals=came)


def _moved(day: Day, p: Floats, later: int) -> Floats:
    """Wins spread evenly over the rest of each period, all moved by some days."""
    if not later:
        return p
    periods = day.history.periods
    now = int(periods.index(day.on))
    out = np.zeros_like(p)
    for h in range(p.shape[1]):
        k = min(now + h, len(periods) - 1)
        begin = max(periods.start[k], day.on + 1)
        length = max(int((periods.end[k] - begin).astype(np.int64)) + 1, 1)
        part = min(1.0, abs(later) / length)
        to = h + 1 if later > 0 else max(h - 1, 0)
        out[:, h] += p[:, h] * (1 - part)
        if to < p.shape[1]:
            out[:, to] += p[:, h] * part
    return out


def _share(day: Day, hire: Hire) -> float:
    """What a hire adds to the arrivals of the period, as a share: days there, ramped, over those of everybody who owns an open deal."""
    end = day.history.periods.end[day.target]
    left = int((end - day.on).astype(np.int64))
    owners = len(np.unique(day.snapshots.label("owner")))
    if left <= 0 or not owners:
        return 0.0
    tenure = np.arange(1, left + 1) - int((hire.starts - day.on).astype(np.int64))
    worked = np.clip(tenure / max(hire.ramp_days, 1), 0, 1)
    return float(worked.sum()) / left / owners
