"""What a row of a snapshot says about a deal: numbers and labels as of its day, nothing else; and the columns of a regression.

Features depend on the row and on the calendar only: no fact of another day, row or deal can change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .survival import Incidence
from .tables import NO_AMOUNT, UNKNOWN, Flags, Floats, Ints, Periods, Snapshots, Texts, numbers_of

Design = NDArray[np.float32]

LEFT: Final = (7, 21, 42, 65)
"""Bounds of "time left", days to the period's end."""
KNOTS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
FEWEST: Final = 30
"""Rows that a label must have for an effect of its own."""
CROSSED: Final = (("stage", "time left"), ("expected", "time left"), ("stage", "expected"), ("type", "expected"))
"""Pairs of labels that work together."""
TIMING: Final = ("days left", "age", "days in stage", "amount", "expected close", "expected close against the end")
"""Numbers of the engine's own, in this order."""
BY_AGE: Final = "usual by age"
OWN_LABELS: Final = ("time left", "expected", "season")
SPREAD: Final[Mapping[str, float]] = {"owner": 0.3, "team": 0.3, "region": 0.3, "season": 0.3}
"""Standard deviation of effects on the log-odds, as believed beforehand; the others have `USUAL`."""
USUAL: Final = 0.7
CURVE: Final = 0.5


@dataclass(frozen=True)
class Frame:
    """Features of rows: numbers (NaN = not known) and labels as codes into sorted `levels` (code of "" = -1)."""

    numbers: dict[str, Floats]
    codes: dict[str, Ints]
    levels: dict[str, Texts]
    age: Ints
    """Whole days since creation (0 where not known)."""

    def __len__(self) -> int:
        return len(next(iter(self.numbers.values())))

    def take(self, rows: Ints | Flags) -> Frame:
        """Some rows."""
        numbers = {k: v[rows] for k, v in self.numbers.items()}
        return Frame(numbers, {k: v[rows] for k, v in self.codes.items()}, self.levels, self.age[rows])

    def by_age(self, usual: Incidence) -> Floats:
        """Log-odds of being won in the rest of the period as deals of that age usually are, at least 1 in 1,000."""
        share = np.clip(usual.within(self.age, self.numbers["days left"].astype(np.int64)), 0.001, 0.999)
        return np.asarray(np.log(share / (1 - share)))


def frame(snapshots: Snapshots, periods: Periods) -> Frame:
    """The features of snapshot rows."""
    period = np.maximum(periods.index(snapshots.as_of), 0)
    now, end = numbers_of(snapshots.as_of), numbers_of(periods.end[period])
    expected = numbers_of(snapshots.day("expected_close"))
    stated = snapshots.amount != NO_AMOUNT
    own = (
        end - now,
        np.log1p(np.maximum(now - numbers_of(snapshots.day("created")), 0)),
        np.log1p(np.maximum(now - numbers_of(snapshots.day("stage_since")), 0)),
        np.log(np.where(stated, np.maximum(snapshots.amount, 10_000) / 10_000, np.nan)),
        np.clip(expected - now, -90, 180),
        np.clip(expected - end, -120, 120),
    )
    numbers = dict(zip(TIMING, own, strict=True))
    numbers |= {name: np.sign(x) * np.log1p(np.abs(x)) for name, x in snapshots.numbers.items()}
    made: dict[str, Texts] = {
        "time left": _left(end - now),
        "expected": _expected(expected, now, end),
        "season": (snapshots_month(periods)[period]),
        **snapshots.labels,
    }
    codes: dict[str, Ints] = {}
    levels: dict[str, Texts] = {}
    for name, values in made.items():
        found, code = np.unique(values, return_inverse=True)
        known = found != UNKNOWN
        shift = np.cumsum(known) - 1
        levels[name] = found[known]
        codes[name] = np.where(known, shift, -1)[code.reshape(-1)]
    since = now - numbers_of(snapshots.day("created"))
    return Frame(numbers, codes, levels, np.where(np.isnan(since), 0, np.maximum(since, 0)).astype(np.int64))


def snapshots_month(periods: Periods) -> Texts:
    """The month in which each period ends: its season."""
    month = periods.end.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.char.add("ends in month ", month.astype(str))


def _left(left: Floats) -> Texts:
    names = np.array(["last week", "last three weeks", "last six weeks", "middle", "beginning"])
    return names[np.searchsorted(np.array(LEFT), left)]


def _expected(expected: Floats, now: Floats, end: Floats) -> Texts:
    """Where the expected close lies."""
    with np.errstate(invalid="ignore"):
        return np.select(
            [
                np.isnan(expected), expected < now - 30, expected < now, expected <= np.minimum(now + 14, end),
                expected <= end, expected <= end + 30, expected <= end + 91,
            ],
            ["no date", "long overdue", "overdue", "within two weeks", "later in the period", "the month after", "the next period"],
            "later",
        )  # fmt: skip


@dataclass(frozen=True)
class Basis:
    """The columns of a regression, as learned from training rows: bends of numbers, levels of labels, pairs of labels.

    `groups[j]` says which reason column j belongs to; `spread` the prior standard deviation of its coefficient.
    """

    numbers: dict[str, tuple[float, float, Floats, Floats]]
    """Mean, standard deviation, knots, and means of the bent columns."""
    labels: dict[str, Ints]
    """Levels that have a column: by code, the column's number, or -1."""
    pairs: dict[tuple[str, str], tuple[int, Ints]]
    names: tuple[str, ...]
    groups: Ints
    spread: Floats
    usual: Incidence
    """How deals of an age usually end, as known on the day of the training."""
    keys: tuple[str, ...]
    """What each column is, the same from one training to the next."""

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.groups)

    def design(self, rows: Frame) -> Design:
        """The matrix of some rows."""
        out = np.zeros((len(rows), self.width), dtype=np.float32)
        at = 0
        for name, (mean, scale, knots, centre) in self.numbers.items():
            x = rows.by_age(self.usual) if name == BY_AGE else rows.numbers[name]
            known = ~np.isnan(x)
            z = np.where(known, x, mean)
            out[:, at] = (z - mean) / scale
            for k, knot in enumerate(knots):
                out[:, at + 1 + k] = np.where(known, np.maximum(z - knot, 0) / scale - centre[k], 0)
            at += 1 + len(knots)
            out[:, at] = ~known
            at += 1
        for name, column in self.labels.items():
            _mark(out, column, rows.codes[name])
        for pair, (width, column) in self.pairs.items():
            _mark(out, column, _pair(rows, pair, width))
        return out


def _mark(out: Design, column: Ints, code: Ints) -> None:
    """Set the column of each row's level to 1; a level unknown to the training has none."""
    there = np.flatnonzero((code >= 0) & (code < len(column)))
    there = there[column[code[there]] >= 0]
    out[there, column[code[there]]] = 1


def _pair(rows: Frame, pair: tuple[str, str], width: int) -> Ints:
    first, second = rows.codes[pair[0]], rows.codes[pair[1]]
    return np.where((first >= 0) & (second >= 0), first * width + second, -1)


def basis(rows: Frame, hidden: frozenset[str], usual: Incidence) -> Basis:
    """Learn the columns from training rows; `hidden` names are left out."""
    numbers: dict[str, tuple[float, float, Floats, Floats]] = {}
    names: list[str] = []
    groups: list[int] = []
    spread: list[float] = []
    keys: list[str] = []
    for name, x in (rows.numbers | {BY_AGE: rows.by_age(usual)}).items():
        known = x[~np.isnan(x)]
        if name in hidden or len(known) < FEWEST or not (scale := float(known.std())):
            continue
        knots = np.unique(np.quantile(known, KNOTS))
        knots = knots[(knots > known.min()) & (knots < known.max())]
        centre = np.array([np.maximum(known - k, 0).mean() / scale for k in knots])
        numbers[name] = (float(known.mean()), scale, knots, centre)
        names.append(name)
        groups += [len(names) - 1] * (len(knots) + 2)
        spread += [CURVE] * (len(knots) + 2)
        keys += [f"{name}/{k}" for k in range(len(knots) + 1)] + [f"{name}/unknown"]
    labels: dict[str, Ints] = {}
    for name, code in rows.codes.items():
        if name in hidden:
            continue
        column = _columns(code, len(rows.levels[name]), len(groups))
        if (count := int((column >= 0).sum())) < 2:
            continue
        labels[name] = column
        names.append(name)
        groups += [len(names) - 1] * count
        spread += [SPREAD.get(name, USUAL)] * count
        keys += [f"{name}={rows.levels[name][i]}" for i in np.flatnonzero(column >= 0)]
    pairs: dict[tuple[str, str], tuple[int, Ints]] = {}
    for pair in CROSSED:
        if not all(name in labels for name in pair):
            continue
        width = len(rows.levels[pair[1]])
        column = _columns(_pair(rows, pair, width), width * len(rows.levels[pair[0]]), len(groups))
        if count := int((column >= 0).sum()):
            pairs[pair] = (width, column)
            names.append(" and ".join(pair))
            groups += [len(names) - 1] * count
            spread += [CURVE] * count
            first, second = (rows.levels[part] for part in pair)
            keys += [f"{names[-1]}={first[i // width]}/{second[i % width]}" for i in np.flatnonzero(column >= 0)]
    return Basis(
        numbers, labels, pairs, tuple(names), np.array(groups, dtype=np.int64), np.array(spread), usual, tuple(keys)
    )  # fmt: skip


def _columns(code: Ints, size: int, first: int) -> Ints:
    """A column for each level that is frequent enough."""
    frequent = np.bincount(code[code >= 0], minlength=max(size, 1)) >= FEWEST
    return np.where(frequent, first + np.cumsum(frequent) - 1, -1)
