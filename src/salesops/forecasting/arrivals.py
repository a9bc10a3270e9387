"""Deals that do not exist yet: created after the as-of and won inside the period, as past periods brought them from the same day on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .label import history_start
from .survival import incidence_on, usual_amount
from .tables import NO_AMOUNT, Floats, Ints, Outcomes, Periods

RECENT: Final = 8
"""Past periods at most that are looked at."""
HALF_LIFE: Final = 4.0
"""Periods after which one counts half."""
WINDOW: Final = 91
"""Days before the as-of over which creation is counted."""
CAUTION: Final = 10.0
"""Deals of no change that the growth of creation is shrunk by."""

BELIEVED: Final = 0.02
"""Variance of the share by which periods differ in their arrivals, as believed beforehand, for 91 days ahead."""
WORTH: Final = 4.0
"""Periods that this belief is worth."""


@dataclass(frozen=True)
class Arrivals:
    """What deals created from now on will bring into a period.

    `rows` are past winners (rows of the outcomes) that stand for those to come, drawn with `weight` (sums to 1); `number` of wins
    and `value` (10^-4) are expected; `sd` is the standard deviation of the share by which whole periods differ.
    """

    value: float
    number: float
    rows: Ints
    weight: Floats
    sd: float
    periods: int
    note: str = ""


def arrivals(known: Outcomes, periods: Periods, on: np.datetime64, target: int) -> Arrivals:
    """Arrivals into the period number `target`, from what was known on the day (`known` = outcomes cut to it)."""
    end = periods.end[target]
    left = int((end - on).astype(np.int64))
    start = history_start(known)
    nothing = np.zeros(0, dtype=np.int64)
    if left <= 0:
        return Arrivals(0.0, 0.0, nothing, np.zeros(0), 0.0, 0)
    if np.isnat(start):
        return Arrivals(0.0, 0.0, nothing, np.zeros(0), 0.0, 0, "No deal has closed yet: new ones are not forecast")
    past = np.flatnonzero((periods.end <= on) & (periods.start >= start))[-RECENT:]
    past = past[periods.end[past] - left >= _begin(known)]
    if not len(past):
        return _by_age(known, periods, on, target, left)
    now = _created(known, on) * left / WINDOW
    value, number, growth, weight = (np.zeros(len(past)) for _ in range(4))
    rows, share = [], []
    for i, k in enumerate(past):
        cut = periods.end[k] - left
        growth[i] = (now + CAUTION) / (((known.created > cut) & (known.created <= periods.end[k])).sum() + CAUTION)
        won = np.flatnonzero(
            known.won & (known.created > cut) & (known.closed >= periods.start[k]) & (known.closed <= periods.end[k])
        )
        value[i], number[i] = known.value[won].sum(), len(won)
        weight[i] = 0.5 ** ((past[-1] - k) / HALF_LIFE)
        rows.append(won)
        share.append(np.full(len(won), weight[i] * growth[i]))
    weight /= weight.sum()
    whole = np.concatenate(share) if share else np.zeros(0)
    level = growth * number
    mean = float(weight @ level)
    spread = max(0.0, float(weight @ (level - mean) ** 2) - mean) / mean**2 if mean else 0.0
    worth = len(past)
    believed = BELIEVED * max(1.0, left / WINDOW)  # the further ahead, the less sure
    return Arrivals(
        float(weight @ (growth * value)), mean, np.concatenate(rows) if rows else nothing,
        whole / whole.sum() if whole.sum() else whole, float(np.sqrt((worth * spread + WORTH * believed) / (worth + WORTH))), worth,
    )  # fmt: skip


def _begin(known: Outcomes) -> np.datetime64:
    """The first creation on record."""
    created = known.created[~np.isnat(known.created)]
    return created.min() if len(created) else np.datetime64("2262-01-01", "D")


def _created(known: Outcomes, until: np.datetime64) -> float:
    """Deals created in the window before a day, scaled up where the record begins inside it."""
    begin = max(until - WINDOW, _begin(known) - 1)
    days = max(1, int((until - begin).astype(np.int64)))
    return float(((known.created > begin) & (known.created <= until)).sum()) * WINDOW / days


def _by_age(known: Outcomes, periods: Periods, on: np.datetime64, target: int, left: int) -> Arrivals:
    """Without a whole past period: rate of creation x share won by then at that age x the usual amount."""
    found = incidence_on(known, on)
    begin = np.maximum(0, int((periods.start[target] - on).astype(np.int64)) - np.arange(1, left + 1))
    to_end = left - np.arange(1, left + 1)
    share = found.within(np.zeros(left, dtype=np.int64), to_end) - np.where(
        begin > 0, found.within(np.zeros(left, dtype=np.int64), begin), 0
    )
    number = _created(known, on) / WINDOW * float(np.maximum(share, 0).sum())
    rows = np.flatnonzero(known.won & (known.amount != NO_AMOUNT))
    even = np.full(len(rows), 1 / len(rows)) if len(rows) else np.zeros(0)
    note = "No whole past period: new deals are forecast from the rate of creation and the ages at which deals close"
    return Arrivals(number * usual_amount(known), number, rows, even, 0.3, 0, note)
