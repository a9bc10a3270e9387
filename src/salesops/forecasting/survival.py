"""How deals of an age end, all ways competing, where watching began late for some (Aalen and Johansen 1978, left truncation)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .label import history_start
from .tables import NO_AMOUNT, Days, Floats, Ints, Outcomes

WON, LOST = 1, 2


@dataclass(frozen=True)
class Incidence:
    """By age in whole days: S(t), still open, and F(t), won and lost; S + won + lost = 1."""

    open: Floats
    won: Floats
    lost: Floats

    def within(self, age: Ints, days: Ints, cause: int = WON) -> Floats:
        """Chance that a deal open at an age ends so within some more days; zero at ages beyond all that was seen."""
        ended = self.won if cause == WON else self.lost
        last = len(self.open) - 1
        begin, end = np.clip(age, 0, last), np.clip(age + np.maximum(days, 0), 0, last)
        left = self.open[begin]
        return np.divide(ended[end] - ended[begin], left, out=np.zeros(len(begin)), where=left > 1e-12)


def aalen_johansen(entry: Ints, leaving: Ints, cause: Ints) -> Incidence:
    """Incidence from ages at which watching began (-1 = from the first day), ended, and how (0 = still open, 1, 2).

    Somebody who leaves on a day was at risk on it; who enters on a day is at risk from the next. Ties need no care: events of one day
    are counted together, before the censorings.
    """
    size = int(leaving.max()) + 1 if len(leaving) else 1
    enters = np.bincount(entry + 1, minlength=size + 2)[:size]
    leaves = np.bincount(leaving, minlength=size)[:size]
    risk = np.cumsum(enters) - np.concatenate([[0], np.cumsum(leaves)[:-1]])
    won = np.bincount(leaving[cause == WON], minlength=size)
    lost = np.bincount(leaving[cause == LOST], minlength=size)
    people = np.maximum(risk, 1)
    left = np.cumprod(1 - np.minimum((won + lost) / people, 1))
    before = np.concatenate([[1.0], left[:-1]])
    return Incidence(left, np.cumsum(before * won / people), np.cumsum(before * lost / people))


def incidence_on(outcomes: Outcomes, on: np.datetime64) -> Incidence:
    """The incidence by age as known on a day (`outcomes` cut to it): deals watched from the first close on record."""
    start = history_start(outcomes)
    if np.isnat(start):
        return Incidence(np.ones(1), np.zeros(1), np.zeros(1))
    shut = ~np.isnat(outcomes.closed)
    ended = np.where(shut, outcomes.closed, on)
    keep = (ended >= start) & ~np.isnat(outcomes.created) & (ended >= outcomes.created)
    created, ended = outcomes.created[keep], ended[keep]
    entry = np.where(created >= start, -1, (start - created).astype(np.int64) - 1)
    leaving = (ended - created).astype(np.int64)
    cause = np.where(~shut[keep], 0, np.where(outcomes.won[keep], WON, LOST))
    return aalen_johansen(entry, leaving, cause)


def age(created: Days, on: np.datetime64) -> Ints:
    """Whole days since creation; 0 where it is not known."""
    return np.where(np.isnat(created), 0, np.maximum((on - created).astype(np.int64), 0))


def expected_value(outcomes: Outcomes, on: np.datetime64, created: Days, amount: Floats, until: np.datetime64) -> float:
    """Sum of chance x amount to be won by a day, of deals open on `on`, by age alone. `outcomes` as known on `on`."""
    found = incidence_on(outcomes, on)
    left = np.full(len(created), int((until - on).astype(np.int64)), dtype=np.int64)
    return float(found.within(age(created, on), left) @ np.where(np.isnan(amount), 0, amount))


def usual_amount(outcomes: Outcomes) -> float:
    """The mean amount of won deals, 10^-4; 0 where none is known."""
    known = outcomes.won & (outcomes.amount != NO_AMOUNT)
    return float(outcomes.amount[known].mean()) if known.any() else 0.0
