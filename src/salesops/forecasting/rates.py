"""Chances from few outcomes or none: the stage table as a prior, own rates by stage and age mixed in as deals close.

Chance in a period = chance ever x share of it that falls into the period, by where the expected close lies. Both parts start from
what is believed beforehand and move to what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .regression import logit
from .results import HORIZONS, Reasons
from .tables import Floats, Ints, Periods, Settings, Snapshots, Texts

if TYPE_CHECKING:
    from .deals import History

EVEN: Final = 0.2
"""What is believed of a stage that no table and no outcome speaks of."""
AGES: Final = (30, 90, 180)
"""Bounds of the classes of age, in days."""
TIMING: Final = {
    "due in the period": (0.60, 0.25, 0.08),
    "due in the next": (0.15, 0.50, 0.20),
    "due later": (0.05, 0.15, 0.40),
    "no date": (0.35, 0.30, 0.15),
}
"""Share of the chance that falls into this period, the next and the one after, as believed beforehand."""
TIMING_PRIOR: Final = 10.0
AGE_PRIOR: Final = 20.0
NAMES: Final = ("stage", "age", "timing")


@dataclass(frozen=True)
class Rates:
    """Chance ever by stage, and by stage and class of age, with the deals it rests on; timing by where the expected close lies."""

    stage: dict[str, tuple[float, float]]
    """Chance, and the deals that it is worth (prior and own)."""
    aged: dict[tuple[str, int], tuple[float, float]]
    base: float
    prior: float
    timing: dict[str, tuple[float, ...]]

    def chances(self, snapshots: Snapshots, periods: Periods) -> tuple[Floats, Floats, Floats, Reasons]:
        """(deal, horizon) chances, chance ever, (deal, horizon) still open after, reasons."""
        stage, code = np.unique(snapshots.label("stage"), return_inverse=True)
        ever_of_stage = np.array([self.stage.get(str(s), (self.base, 0.0))[0] for s in stage])[code]
        ever = self._table(stage)[code, _age_class(snapshots), 0]
        due, code = np.unique(_due(snapshots, periods), return_inverse=True)
        share = np.array([self.timing[str(d)] for d in due]).reshape(-1, HORIZONS)[code]
        left = periods.end[np.maximum(periods.index(snapshots.as_of), 0)] > snapshots.as_of
        share[:, 0] *= left
        p = ever[:, None] * share
        still = 1 - np.cumsum(share, axis=1)
        base = float(logit(np.array([self.base]))[0])
        parts = np.column_stack(
            [logit(ever_of_stage) - base, logit(ever) - logit(ever_of_stage), logit(p[:, 0]) - logit(ever)]
        ).reshape(-1, len(NAMES))
        return p, ever, still, Reasons(NAMES, base, parts)

    def of(self, stage: str, age: int) -> tuple[float, float]:
        """Chance ever of a stage and class of age, and the deals that it is worth."""
        return self.aged.get((stage, age), self.stage.get(stage, (self.base, self.prior)))

    def _table(self, stage: Texts) -> Floats:
        """(stage, class of age, chance and deals)."""
        table = [self.of(str(s), a) for s in stage for a in range(len(AGES) + 1)]
        return np.array(table, dtype=np.float64).reshape(len(stage), len(AGES) + 1, 2)

    def log_odds_error(self, snapshots: Snapshots) -> Floats:
        """Standard error of the log-odds of each deal's chance: that of a share seen among so many deals."""
        stage, code = np.unique(snapshots.label("stage"), return_inverse=True)
        p, n = self._table(stage)[code, _age_class(snapshots)].T
        return np.asarray(1 / np.sqrt(np.maximum(n, 1.0) * np.clip(p * (1 - p), 0.02, None)))


def learn(history: History, on: np.datetime64) -> Rates:
    """The rates as known on a day."""
    settings: Settings = history.settings
    table = dict(settings.stage_table)
    closed = history.labels.closed
    rows = np.flatnonzero((closed <= on) & (history.snapshots.as_of <= on) & (history.snapshots.as_of < closed))
    won = history.labels.won_at_last[rows]
    stage = history.snapshots.label("stage")[rows]
    deal = history.snapshots.deal[rows]
    known = history.outcomes.known_on(on)
    shut = ~np.isnat(known.closed)
    start = float(np.mean(list(table.values()))) if table else EVEN
    base = float((known.won.sum() + settings.prior_deals * start) / (shut.sum() + settings.prior_deals))
    rates: dict[str, tuple[float, float]] = {}
    aged: dict[tuple[str, int], tuple[float, float]] = {}
    place = _age_class(history.snapshots.take(rows)) if len(rows) else np.zeros(0, dtype=np.int64)
    for name in sorted(set(table) | set(stage.tolist())):
        prior = table.get(name, base)
        rates[name] = _mixed(stage == name, deal, won, prior, settings.prior_deals)
        for a in range(len(AGES) + 1):
            here = (stage == name) & (place == a)
            if here.any():
                aged[name, a] = _mixed(here, deal, won, rates[name][0], AGE_PRIOR)
    return Rates(rates, aged, base, settings.prior_deals, _timing(history, on, rows, won))


def _mixed(here: Texts, deal: Ints, won: Texts, prior: float, worth: float) -> tuple[float, float]:
    """Share of distinct deals that were won, shrunk to a prior worth so many deals."""
    n = len(np.unique(deal[here]))
    w = len(np.unique(deal[here & won]))
    return (w + worth * prior) / (n + worth), n + worth


def _timing(history: History, on: np.datetime64, rows: Ints, won: Texts) -> dict[str, tuple[float, ...]]:
    """Where wins fell, by where they were expected; every deal counts once."""
    rows = rows[won & (history.labels.known[rows, HORIZONS - 1] <= on)]
    due = _due(history.snapshots.take(rows), history.periods) if len(rows) else np.zeros(0, dtype=str)
    out = {}
    for name, prior in TIMING.items():
        here = rows[due == name]
        _, first, count = np.unique(history.snapshots.deal[here], return_index=True, return_counts=True)
        weight = 1 / np.repeat(count, count) if len(here) else np.zeros(0)
        order = np.argsort(history.snapshots.deal[here], kind="stable")
        fell = history.labels.won[here[order]].astype(float).T @ weight if len(here) else np.zeros(HORIZONS)
        out[name] = tuple(((np.array(prior) * TIMING_PRIOR + fell) / (TIMING_PRIOR + len(first))).tolist())
    return out


def _age_class(snapshots: Snapshots) -> Ints:
    created = snapshots.day("created")
    days = np.where(np.isnat(created), 0, (snapshots.as_of - created).astype(np.int64))
    return np.searchsorted(np.array(AGES), days, side="right")


def _due(snapshots: Snapshots, periods: Periods) -> Texts:
    """Where the expected close lies; what is overdue counts as due in the period."""
    expected = snapshots.day("expected_close")
    now = periods.index(snapshots.as_of)
    end = periods.end[np.clip(now, 0, len(periods) - 1)]
    following = periods.end[np.clip(now + 1, 0, len(periods) - 1)]
    return np.select(
        [np.isnat(expected), expected <= end, expected <= following],
        ["no date", "due in the period", "due in the next"],
        "due later",
    )
