"""Tables that the engine reads and their checks: snapshots of open deals, what became of deals, periods, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salesops.common.errors import InvalidData
from salesops.common.periods import Period

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[Any]
Days = NDArray[np.datetime64]

NO_AMOUNT: Final = int(np.iinfo(np.int64).min)
"""Stands for an amount that is not known."""
UNKNOWN: Final = ""
"""Stands for a label that is not known."""
NEVER: Final = np.datetime64("NaT", "D")


def days(values: ArrayLike) -> Days:
    """Days as datetime64[D]; NaT = not known."""
    return np.asarray(values, dtype="datetime64[D]")


def numbers_of(values: Days) -> Floats:
    """Days since 1970-01-01 as floats; NaN where not known."""
    return np.where(np.isnat(values), np.nan, values.astype(np.int64).astype(np.float64))


def texts(values: ArrayLike) -> Texts:
    """Labels as an array of str; None and "" = not known."""
    found = np.asarray(values, dtype=object)
    return np.where(found == None, UNKNOWN, found).astype(str)  # noqa: E711 - elementwise


def _same_length(name: str, length: int, columns: Mapping[str, Any]) -> None:
    for column, values in columns.items():
        if len(values) != length:
            raise InvalidData(
                f"{name}: column {column} has {len(values)} rows, the others {length}", "Give columns of equal length"
            )


@dataclass(frozen=True)
class Snapshots:
    """Open deals on as-of days, one row per deal and day, as known that evening. See the package for the columns."""

    as_of: Days
    deal: Ints
    amount: Ints
    labels: Mapping[str, Texts] = field(default_factory=dict)
    created: Days | None = None
    stage_since: Days | None = None
    expected_close: Days | None = None
    numbers: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "as_of", days(self.as_of))
        object.__setattr__(self, "deal", np.asarray(self.deal, dtype=np.int64))
        object.__setattr__(self, "amount", np.asarray(self.amount, dtype=np.int64))
        object.__setattr__(self, "labels", {k: _labels(v) for k, v in sorted(self.labels.items())})
        object.__setattr__(
            self, "numbers", {k: np.asarray(v, dtype=np.float64) for k, v in sorted(self.numbers.items())}
        )
        columns: dict[str, Any] = {"deal": self.deal, "amount": self.amount, **self.labels, **self.numbers}
        for name in ("created", "stage_since", "expected_close"):
            values = getattr(self, name)
            made = np.full(len(self.as_of), NEVER) if values is None else days(values)
            object.__setattr__(self, name, made)
            columns[name] = made
        _same_length("Snapshots", len(self.as_of), columns)
        if np.isnat(self.as_of).any():
            raise InvalidData("Snapshots: a row has no as-of day", "Give the day that the row describes")

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: Any) -> Snapshots:
        """Some rows, given by number or as flags."""
        return Snapshots(
            self.as_of[rows], self.deal[rows], self.amount[rows], {k: v[rows] for k, v in self.labels.items()},
            self.day("created")[rows], self.day("stage_since")[rows], self.day("expected_close")[rows],
            {k: v[rows] for k, v in self.numbers.items()},
        )  # fmt: skip

    def on(self, day: ArrayLike) -> Snapshots:
        """The rows of one as-of day, in order of deals."""
        rows = np.flatnonzero(self.as_of == days(day))
        return self.take(rows[np.argsort(self.deal[rows], kind="stable")])

    def upto(self, day: ArrayLike) -> Snapshots:
        """The rows of as-ofs up to and including a day."""
        return self.take(self.as_of <= days(day))

    def day(self, name: str) -> Days:
        """A column of days."""
        return np.asarray(getattr(self, name))

    def label(self, name: str) -> Texts:
        """A column of labels; all unknown where the table has none of that name."""
        return self.labels[name] if name in self.labels else np.full(len(self), UNKNOWN)


def _labels(values: Any) -> Texts:
    made = np.asarray(values)
    return made if made.dtype.kind == "U" else texts(values)


@dataclass(frozen=True)
class Outcomes:
    """What became of every deal ever created: `closed` NaT = open, `amount` as closed (NO_AMOUNT = not known)."""

    deal: Ints
    created: Days
    closed: Days
    won: Flags
    amount: Ints
    labels: Mapping[str, Texts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deal", np.asarray(self.deal, dtype=np.int64))
        object.__setattr__(self, "created", days(self.created))
        object.__setattr__(self, "closed", days(self.closed))
        object.__setattr__(self, "won", np.asarray(self.won, dtype=np.bool_) & ~np.isnat(self.closed))
        object.__setattr__(self, "amount", np.asarray(self.amount, dtype=np.int64))
        object.__setattr__(self, "labels", {k: _labels(v) for k, v in sorted(self.labels.items())})
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "labels"} | dict(self.labels)
        _same_length("Outcomes", len(self.deal), columns)
        if len(np.unique(self.deal)) != len(self.deal):
            raise InvalidData("Outcomes: a deal has several rows", "Give one row per deal: the close that stands")

    def __len__(self) -> int:
        return len(self.deal)

    def take(self, rows: Any) -> Outcomes:
        """Some rows, given by number or as flags."""
        return Outcomes(
            self.deal[rows], self.created[rows], self.closed[rows], self.won[rows], self.amount[rows],
            {k: v[rows] for k, v in self.labels.items()},
        )  # fmt: skip

    def known_on(self, day: ArrayLike) -> Outcomes:
        """What could be known on a day: deals created by then; what closed later is open, without an amount."""
        day = days(day)
        kept = self.take((self.created <= day) | (self.closed <= day))
        later = ~(kept.closed <= day)
        return Outcomes(
            kept.deal, kept.created, np.where(later, NEVER, kept.closed), kept.won & ~later,
            np.where(later, NO_AMOUNT, kept.amount), kept.labels,
        )  # fmt: skip

    def label(self, name: str) -> Texts:
        """A column of labels; all unknown where the table has none of that name."""
        return self.labels[name] if name in self.labels else np.full(len(self), UNKNOWN)

    def of(self, deal: Ints) -> Ints:
        """Rows of deals; -1 = the table does not have it."""
        if not len(self):
            return np.full(len(deal), -1)
        order = np.argsort(self.deal, kind="stable")
        place = np.minimum(np.searchsorted(self.deal[order], deal), len(order) - 1)
        return np.where(self.deal[order][place] == deal, order[place], -1)

    @property
    def value(self) -> Floats:
        """Amount in 10^-4 as a float; zero where it is not known or the deal was not won."""
        return np.where(self.won & (self.amount != NO_AMOUNT), self.amount, 0).astype(np.float64)


@dataclass(frozen=True)
class Periods:
    """Consecutive periods; both ends inside."""

    start: Days
    end: Days
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", days(self.start))
        object.__setattr__(self, "end", days(self.end))
        if not len(self.start) or (self.start[1:] != self.end[:-1] + 1).any() or (self.end < self.start).any():
            raise InvalidData("Periods must follow one another without a gap", "Give them in order of time")
        _same_length("Periods", len(self.start), {"end": self.end, "keys": self.keys})

    @classmethod
    def of(cls, periods: Sequence[Period]) -> Periods:
        """Calendar periods as columns."""
        return cls(
            days(np.array([p.start for p in periods], dtype="datetime64[D]")),
            days(np.array([p.end for p in periods], dtype="datetime64[D]")),
            tuple(p.key for p in periods),
        )

    def __len__(self) -> int:
        return len(self.start)

    def index(self, day: ArrayLike) -> Ints:
        """The number of the period that each day falls into; -1 = none (NaT, too).

        An evening that ends a period belongs to the period: nothing of it is left.
        """
        asked = days(day)
        place = np.searchsorted(self.start, np.where(np.isnat(asked), self.start[0], asked), side="right") - 1
        inside = ~np.isnat(asked) & (asked >= self.start[0]) & (asked <= self.end[-1])
        return np.where(inside, place, -1)

    def week(self, day: ArrayLike) -> Ints:
        """The week of its period that each day falls into, 1 = the first seven days."""
        asked = days(day)
        return (asked - self.start[np.maximum(self.index(asked), 0)]).astype(np.int64) // 7 + 1


@dataclass(frozen=True)
class Settings:
    """Thresholds and choices of the engine; the defaults are those of the design."""

    stage_table: Mapping[str, float] = field(default_factory=dict)
    """Share of the deals in a stage that are won at last, as the company believes: the prior of the cold start."""
    prior_deals: float = 20.0
    """How many deals a line of the stage table is worth."""
    hidden: frozenset[str] = frozenset()
    """Labels and numbers that are no feature (they may still cut the answer)."""
    rates_from: int = 1
    """Closed deals from which own rates are mixed with the stage table."""
    regression_from: int = 50
    """Closed deals (won and lost) from which the regression is allowed."""
    boosting_from: int = 1_000
    """Closed deals from which gradient boosting may challenge."""
    boosting: bool = False
    """Let gradient boosting challenge (needs the extra `gbm`)."""
    most_rows: int = 40_000
    """Rows at most in one fit; older as-ofs are thinned first."""
    horizon_periods: int = 4
    """How many periods after its own "ever" looks ahead."""
    leak_auc: float = 0.90
    leak_missing_auc: float = 0.60
    threads: int = 2
    seed: int = 20_261_123
