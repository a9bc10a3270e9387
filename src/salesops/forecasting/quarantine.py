"""Columns that know the outcome: filled in or emptied after it. A single feature, or whether it is filled at all, tells too well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .accuracy import auc
from .features import OWN_LABELS, TIMING
from .tables import Flags, Floats, Ints

if TYPE_CHECKING:
    from .deals import History

FEWEST: Final = 50
"""Closed deals from which columns are judged."""
EITHER: Final = 10
"""Of them won, and lost, at least."""
MOST: Final = 20_000


def leaky(history: History, on: np.datetime64, teaching: Ints) -> list[tuple[str, str]]:
    """Columns of numbers and labels to leave out, each with why: AUC of the column alone, or of its being filled.

    Two questions, as known on the day: won or lost, of deals that had closed; and won in the period or not, of the rows that teach.
    The engine's own figures of time (days left, expected close) are exempt: they are the calendar.
    """
    closed, won = history.labels.closed, history.labels.won_at_last
    ended = np.flatnonzero((closed <= on) & (history.snapshots.as_of <= on))
    questions = [("won or lost", ended, won[ended]), ("won in the period", teaching, history.labels.won[teaching, 0])]
    out: list[tuple[str, str]] = []
    for name in [*history.frame.numbers, *history.frame.codes]:
        if name in TIMING or name in OWN_LABELS or name in history.settings.hidden:
            continue
        for question, rows, answer in questions:
            rows, answer = _thinned(rows, answer)
            if not _enough(history.snapshots.deal[rows], answer):
                continue
            if found := _judged(history, name, rows, answer):
                out.append((name, f"{found} of {question}"))
                break
    return out


def _thinned(rows: Ints, answer: Flags) -> tuple[Ints, Flags]:
    stride = -(-len(rows) // MOST) if len(rows) else 1
    return rows[::stride], answer[::stride]


def _enough(deal: Ints, answer: Flags) -> bool:
    yes, no = len(np.unique(deal[answer])), len(np.unique(deal[~answer]))
    return yes + no >= FEWEST and min(yes, no) >= EITHER


def _judged(history: History, name: str, rows: Ints, answer: Flags) -> str:
    settings = history.settings
    if name in history.frame.numbers:
        values = history.frame.numbers[name][rows]
        filled = ~np.isnan(values)
        score = _signed(values, filled, answer)
    else:
        code = history.frame.codes[name][rows]
        filled = code >= 0
        score = _rate(code, history.snapshots.deal[rows], answer)
    missing = auc(answer, filled.astype(np.float64))
    if max(missing, 1 - missing) > settings.leak_missing_auc:
        return f"being filled tells (AUC {max(missing, 1 - missing):.3f})"
    alone = auc(answer, score)
    if alone > settings.leak_auc:
        return f"it tells alone (AUC {alone:.3f})"
    return ""


def _signed(values: Floats, filled: Flags, answer: Flags) -> Floats:
    """The number, turned so that more of it means yes; unknown in the middle."""
    if not filled.any():
        return np.zeros(len(values))
    score = np.where(filled, values, np.median(values[filled]))
    return score if auc(answer, score) >= 0.5 else -score


def _rate(code: Ints, deal: Ints, answer: Flags) -> Floats:
    """The share of yes of a label's level, of the other half of the deals: no deal speaks for itself."""
    out = np.full(len(code), answer.mean() if len(answer) else 0.0)
    half = (deal * 2_654_435_761 >> 8) % 2
    size = int(code.max(initial=-1)) + 2
    for side in (0, 1):
        learn, use = half != side, half == side
        count = np.bincount(code[learn] + 1, minlength=size)
        yes = np.bincount(code[learn] + 1, weights=answer[learn].astype(float), minlength=size)
        mean = answer[learn].mean() if learn.any() else 0.0
        out[use] = ((yes + 5 * mean) / (count + 5))[code[use] + 1]
    return out
