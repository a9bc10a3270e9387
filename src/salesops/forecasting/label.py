"""Which rows may teach, and what they teach: outcomes of snapshot rows, each with the day from which it is known.

A row may be learned from on a day T only if its label's window had ended by T, whether or not the deal has closed already:
otherwise the fast ones are learned and the slow ones are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .results import HORIZONS
from .tables import NEVER, NO_AMOUNT, Days, Flags, Floats, Ints, Outcomes, Periods, Snapshots


@dataclass(frozen=True)
class Labels:
    """Outcomes of snapshot rows. Learn from a row only where `known` (or `known_ever`) is on or before the as-of."""

    period: Ints
    """Number of the period that the as-of falls into; -1 = none."""
    won: Flags
    """(row, horizon): won in that period."""
    open_after: Flags
    """(row, horizon): still open after that period."""
    known: Days
    """(row, horizon): the end of that period."""
    ever: Flags
    """Won within the periods that "ever" looks ahead."""
    known_ever: Days
    closed: Days
    """When the deal closed; NaT = open."""
    won_at_last: Flags
    ratio: Floats
    """Amount as won against amount as stated; NaN where the deal was not won or either is not known."""


def labels(snapshots: Snapshots, outcomes: Outcomes, periods: Periods, ahead: int) -> Labels:
    """The labels of all rows; a deal that the outcomes do not have counts as open."""
    row = outcomes.of(snapshots.deal)
    there = row >= 0
    at = np.maximum(row, 0)
    size = len(snapshots)
    if len(outcomes):
        closed = np.where(there, outcomes.closed[at], NEVER)
        won_last = there & outcomes.won[at]
        final = np.where(there, outcomes.amount[at], NO_AMOUNT)
    else:
        closed, won_last, final = np.full(size, NEVER), np.zeros(size, dtype=bool), np.full(size, NO_AMOUNT)
    period = periods.index(snapshots.as_of)
    inside = periods.index(closed)
    won = np.zeros((size, HORIZONS), dtype=bool)
    still = np.zeros((size, HORIZONS), dtype=bool)
    known = np.full((size, HORIZONS), NEVER)
    for h in range(HORIZONS):
        end = _end(periods, period, h)
        known[:, h] = end
        won[:, h] = won_last & (inside == period + h) & (closed > snapshots.as_of)
        still[:, h] = ~(closed <= end)
    far = _end(periods, period, ahead)
    ever = won_last & (closed > snapshots.as_of) & (closed <= far)
    told = won_last & (final != NO_AMOUNT) & (snapshots.amount != NO_AMOUNT) & (snapshots.amount > 0)
    ratio = np.full(size, np.nan)
    ratio[told] = final[told] / snapshots.amount[told]
    return Labels(period, won, still, known, ever, far, closed, won_last, ratio)


def _end(periods: Periods, period: Ints, ahead: int) -> Days:
    """The end of the period so many later; NaT where the table does not have it."""
    number = period + ahead
    fine = (period >= 0) & (number < len(periods))
    return np.where(fine, periods.end[np.clip(number, 0, len(periods) - 1)], NEVER)


def history_start(outcomes: Outcomes) -> np.datetime64:
    """The first close on record: what lies before it was not watched. NaT where nothing has closed."""
    closed = outcomes.closed[~np.isnat(outcomes.closed)]
    return closed.min() if len(closed) else NEVER
