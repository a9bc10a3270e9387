"""Computes survival curves: the time until something happens where some have not got there yet (Kaplan-Meier), and the
share that ends in each of several ways (Aalen-Johansen).

Whole columns in, whole columns out: rows are counted by group and time, then everything is a running sum or product inside
a group. A million rows in thousands of groups take part of a second; no step visits a row by itself.

At one moment events come before censorings, as usual: who is censored at t was still at risk of the events of t.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salesops.common.errors import InvalidData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE: Final = (
    1e-12  # S(t) <= 0.5 must hold for a product of fractions that is 0.5 on paper (as in `pieces.kaplan_meier`)
)
DENSE_CELLS: Final = (
    1 << 22
)  # counting by group and time needs one cell for each pair; beyond this, and four a row, it sorts


@dataclass(frozen=True)
class Curves:
    """One Kaplan-Meier curve for each group: a row for each different time of a group, in order of group and time.

    `groups` holds the sorted keys; the rows of group g are `start[g]:start[g + 1]`. `at_risk` counts who was there just
    before the time, `events` and `censored` what happened at it. `survival` is S(t), the share to whom nothing has happened
    up to and including t; `greenwood` is the running sum of d / (n (n - d)), so that Var S = S^2 x greenwood (infinite
    where nobody is left: S is 0).
    """

    groups: NDArray[Any]
    start: Ints
    time: NDArray[Any]
    at_risk: Floats
    events: Floats
    censored: Floats
    survival: Floats
    greenwood: Floats

    def variance(self) -> Floats:
        """Greenwood's variance of S(t), by row; NaN where S is 0 (Greenwood 1926)."""
        with np.errstate(invalid="ignore"):
            return self.survival**2 * self.greenwood

    def band(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper end of the pointwise interval of S(t), by row: S^exp(+-z sqrt(greenwood) / ln S).

        The log-log form stays between 0 and 1 (Kalbfleisch and Prentice, 1980). Before the first event both ends are 1;
        where S is 0 they are NaN, because nothing is left to tell from.
        """
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            width = z * np.sqrt(self.greenwood) / -np.log(self.survival)
            low, high = self.survival ** np.exp(width), self.survival ** np.exp(-width)
        untouched, gone = self.survival >= 1, self.survival <= 0
        return (
            np.where(untouched, 1.0, np.where(gone, np.nan, low)),
            np.where(untouched, 1.0, np.where(gone, np.nan, high)),
        )

    def quantile(self, share: float) -> Floats:
        """By group: the first time at which at least `share` have had the event, S(t) <= 1 - share; NaN where it was never
        reached. Without censoring this is the value in row ceil(share x n) of the ascending times.
        """
        if not 0 < share <= 1:
            raise InvalidData(f"A quantile of {share} does not exist", "Ask for a share above 0 and at most 1")
        return self._first(self.survival <= 1 - share + TOLERANCE)

    def median(self) -> Floats:
        """By group: the first t with S(t) <= 0.5; NaN where fewer than half have had the event (terms.md)."""
        return self.quantile(0.5)

    def quantile_interval(self, share: float, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """By group: the times at which the lower and the upper end of the band cross 1 - share; NaN = not within what was
        seen (Brookmeyer and Crowley, 1982). Where the curve ends at 0 its last time bounds the lower one.
        """
        low, high = self.band(confidence)
        bound = 1 - share + TOLERANCE
        gone = self.survival <= 0
        return self._first((low <= bound) | gone), self._first(high <= bound)

    def at(self, times: ArrayLike) -> Floats:
        """S at each of some times, as a matrix of groups x times; NaN after the last time seen, unless S is 0 there."""
        return self._pick(self.survival, np.asarray(times), 1.0)

    def restricted_mean(self, until: float | None = None) -> tuple[Floats, Floats]:
        """By group: the mean time spent before the event within the first `until` units, and its standard error.

        The area under S up to `until`; without it, up to the last time of each group (then compare groups only after giving
        one). NaN where `until` lies beyond what was seen of the group and S is not 0. The error is the square root of the sum of
        A_j^2 d_j / (n_j (n_j - d_j)), A_j = area from t_j on (Klein and Moeschberger, 2003, 4.5).
        """
        if not len(self.groups):
            return np.zeros(0), np.zeros(0)
        begin, end = self.start[:-1], self.start[1:]
        last = self.time[end - 1].astype(np.float64)
        limit = last if until is None else np.full(len(last), float(until))
        by_row = np.repeat(limit, end - begin)
        t = np.minimum(self.time, by_row)
        following = np.append(t[1:], 0.0)
        following[end - 1] = limit
        area = self.survival * (following - t)  # from this time to the next one
        whole = np.add.reduceat(area, begin) + np.minimum(self.time[begin], limit)
        upto = _running(area, self.start, np.add)
        rest = np.repeat(upto[end - 1], end - begin) - upto + area
        left = self.at_risk - self.events
        term = np.divide(self.events, self.at_risk * left, out=np.zeros_like(left), where=left > 0)
        error = np.sqrt(np.add.reduceat(np.where(self.time <= by_row, rest**2 * term, 0.0), begin))
        unknown = (limit > last) & (self.survival[end - 1] > 0)
        return np.where(unknown, np.nan, whole), np.where(unknown, np.nan, error)

    def _first(self, reached: NDArray[np.bool_]) -> Floats:
        found = np.full(len(self.groups), np.nan)
        rows = np.flatnonzero(reached)
        group = np.searchsorted(self.start, rows, side="right") - 1
        first = np.flatnonzero(np.append(True, group[1:] != group[:-1])) if len(rows) else rows
        found[group[first]] = self.time[rows[first]]
        return found

    def _pick(self, column: Floats, times: NDArray[Any], before: float) -> Floats:
        """The value of a step function at some times, groups x times."""
        ranks, rank = np.unique(self.time, return_inverse=True)
        width = len(ranks) + 1
        sizes = np.diff(self.start)
        keys = np.repeat(np.arange(len(sizes)), sizes) * width + rank
        wanted = np.searchsorted(ranks, times, side="right") - 1  # rank of the last known time, -1 = before all
        rows = np.searchsorted(keys, np.arange(len(sizes))[:, None] * width + wanted[None, :], side="right") - 1
        early = rows < self.start[:-1, None]
        found = np.where(early, before, column[np.maximum(rows, 0)])
        last = self.start[1:] - 1
        beyond = (times[None, :] > self.time[last][:, None]) & (self.survival[last] > 0)[:, None]
        return np.where(beyond, np.nan, found)


@dataclass(frozen=True)
class Incidence:
    """The share that has ended in each way by each time, all ways competing (Aalen and Johansen, 1978).

    `overall` is the Kaplan-Meier curve of ending in any way; `incidence[:, k]` is F_k(t), the share ended by `causes[k]`
    up to t, by row of `overall`; `variance` is its variance. The incidences and S add up to 1 at every row: unlike one minus
    a Kaplan-Meier curve that calls the other endings censored, which answers what would be if nothing else could happen.
    """

    overall: Curves
    causes: tuple[int, ...]
    incidence: Floats
    variance: Floats

    def at(self, cause: int, times: ArrayLike) -> Floats:
        """The share ended by one cause at some times, groups x times; NaN after the last time seen unless nobody was left."""
        return self.overall._pick(self.incidence[:, self.causes.index(cause)], np.asarray(times), 0.0)


def kaplan_meier(
    days: ArrayLike, event: ArrayLike, count: ArrayLike | None = None, group: ArrayLike | None = None
) -> Curves:
    """Kaplan-Meier curves by group: S(t) = product over t_j <= t of (n_j - d_j) / n_j.

    `days` is how long each row was watched, `event` whether it ended so (else censored: still open, or ended otherwise),
    `count` how many cases a row stands for (default 1), `group` a sortable key (integers are fastest; default: one group).
    For `sales_cycle_days.km`: event = won; for `km_any_close`: won or lost. The order of rows changes nothing.
    InvalidData for columns of different lengths, a missing or negative time, a negative or missing count. Rows of count 0 and
    groups of nothing else do not show.
    """
    happened = np.asarray(event)
    if happened.dtype != np.bool_ and not np.isin(happened, (0, 1)).all():
        raise InvalidData("An event is yes or no", "Pass booleans, or use incidence() for several ways to end")
    groups, start, time, total, (events,) = _table(days, [happened.astype(np.bool_)], count, group)
    return _curves(groups, start, time, total, events)


def incidence(
    days: ArrayLike,
    cause: ArrayLike,
    count: ArrayLike | None = None,
    group: ArrayLike | None = None,
    causes: tuple[int, ...] = (1, 2),
) -> Incidence:
    """Cumulative incidence by cause: F_k(t) = sum over t_j <= t of S(t_j-) d_kj / n_j (Aalen-Johansen).

    `cause` is 0 for a censored row (still open), else one of `causes` (1 = won, 2 = lost). The variance is that of the delta method
    (Marubini and Valsecchi, 1995, 10.2). Other columns and errors as for `kaplan_meier`.
    """
    ended = np.asarray(cause)
    if not np.isin(ended, (0, *causes)).all():
        raise InvalidData("A way to end that is not listed", f"Use 0 for censored and {', '.join(map(str, causes))}")
    groups, start, time, total, by_cause = _table(days, [ended == one for one in causes], count, group)
    overall = _curves(groups, start, time, total, np.sum(by_cause, axis=0) if len(by_cause) else np.zeros(len(time)))
    n, d = overall.at_risk, overall.events
    left = n - d
    before = np.append(1.0, overall.survival[:-1]) if len(n) else n
    before[start[:-1]] = 1.0
    hazard = np.divide(d, n * left, out=np.zeros_like(n), where=left > 0)

    def total_of(values: Floats) -> Floats:
        return _running(values, start, np.add)

    shares, variances = [], []
    for dk in by_cause:
        f = total_of(before * dk / n)
        spread = f**2 * total_of(hazard) - 2 * f * total_of(f * hazard) + total_of(f**2 * hazard)
        own = total_of(before**2 * (n - dk) * dk / n**3)
        both = f * total_of(before * dk / n**2) - total_of(f * before * dk / n**2)
        shares.append(f)
        variances.append(np.maximum(spread + own - 2 * both, 0.0))
    return Incidence(overall, tuple(causes), np.column_stack(shares), np.column_stack(variances))


def _curves(groups: NDArray[Any], start: Ints, time: NDArray[Any], total: Floats, events: Floats) -> Curves:
    running = np.append(0.0, np.cumsum(total))
    at_risk = np.repeat(running[start[1:]], np.diff(start)) - running[:-1]
    left = at_risk - events
    factor = np.divide(left, at_risk, out=np.zeros_like(left), where=at_risk > 0)
    term = np.divide(events, at_risk * left, out=np.full_like(left, np.inf), where=left > 0)
    survival, greenwood = _running(factor, start, np.multiply), _running(term, start, np.add)
    return Curves(groups, start, time, at_risk, events, total - events, survival, greenwood)


def _table(
    days: ArrayLike, marks: list[NDArray[np.bool_]], count: ArrayLike | None, group: ArrayLike | None
) -> tuple[NDArray[Any], Ints, NDArray[Any], Floats, list[Floats]]:
    """Cases and marked cases by group and time: groups, where each starts, times, cases, marked cases for each mark."""
    time = np.asarray(days)
    if time.dtype.kind not in "iuf":
        raise InvalidData("Times must be numbers", "Pass days as integers or floats")
    if time.dtype.kind == "f" and not np.isfinite(time).all():
        raise InvalidData("A time is missing or infinite", "Leave rows without a time out, and count them beside it")
    if time.size and time.min() < 0:
        raise InvalidData("A time is negative", "Leave such rows out, and list them (terms.md: negative cycles)")
    weight = None if count is None else np.asarray(count, dtype=np.float64)
    keys = np.zeros(len(time), dtype=np.int64) if group is None else np.asarray(group)
    if any(len(column) != len(time) for column in (keys, *marks, *([] if weight is None else [weight]))):
        raise InvalidData("The columns differ in length", "Pass one time, event, count and group for each row")
    if weight is not None:
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise InvalidData("A count is missing or negative", "Counts are zero or more")
        kept = weight > 0
        if not kept.all():
            time, keys, weight, marks = time[kept], keys[kept], weight[kept], [mark[kept] for mark in marks]
    groups, code = _codes(keys)
    times, rank = _ranks(time)
    width = max(len(times), 1)
    cell = code * width + rank
    cells, amounts = _sums(cell, width * len(groups), weight, marks)
    start = np.searchsorted(cells, np.arange(len(groups) + 1) * width)
    return groups, start, times[cells % width], amounts[0], amounts[1:]


def _sums(cell: Ints, size: int, weight: Floats | None, marks: list[NDArray[np.bool_]]) -> tuple[Ints, list[Floats]]:
    """The cells that occur, ascending, and in each of them the cases and the marked cases."""
    if size > max(DENSE_CELLS, 4 * len(cell)):
        cells, cell = np.unique(cell, return_inverse=True)
        size, used = len(cells), None
    else:
        cells, used = np.zeros(0, dtype=np.int64), True

    def summed(mark: NDArray[np.bool_] | None) -> Floats:
        where = cell if mark is None else cell[mark]
        what = weight if mark is None or weight is None else weight[mark]
        return np.bincount(where, what, size).astype(np.float64)

    amounts = [summed(None)]
    if used:
        cells = np.flatnonzero(amounts[0])
        amounts[0] = amounts[0][cells]
        return cells, amounts + [summed(mark)[cells] for mark in marks]
    return cells, amounts + [summed(mark) for mark in marks]


def _codes(keys: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Distinct keys, sorted, and the place of each row's key among them."""
    if keys.dtype.kind in "iu" and len(keys):
        return _ranks(keys)
    groups, code = np.unique(keys, return_inverse=True)
    return groups, code


def _ranks(values: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Distinct values, sorted, and each row's rank; by counting where they are integers of small range, else by sorting."""
    if values.dtype.kind in "iu" and len(values):
        low = int(values.min())
        if int(values.max()) - low < max(DENSE_CELLS, 4 * len(values)):
            offset = values.astype(np.int64) - low
            there = np.bincount(offset) > 0
            return np.flatnonzero(there) + low, (np.cumsum(there) - 1)[offset]
    found, rank = np.unique(values, return_inverse=True)
    return found, rank


def _running(values: Floats, start: Ints, operation: np.ufunc) -> Floats:
    """Running sums or products that begin anew with each group; one step a group, or one step a place inside the groups,
    whichever are fewer. (A difference of running totals would lose digits over thousands of groups.)
    """
    result = values.astype(np.float64, copy=True)
    sizes = np.diff(start)
    if len(sizes) <= (sizes.max() if len(sizes) else 0):
        for begin, end in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
            operation.accumulate(values[begin:end], out=result[begin:end])
        return result
    by_size = np.argsort(-sizes, kind="stable")
    first, longest = start[:-1][by_size], sizes[by_size]
    alive = np.searchsorted(-longest, -np.arange(1, longest[0] if len(longest) else 1), side="left")
    for place, many in enumerate(alive.tolist(), start=1):
        rows = first[:many] + place
        result[rows] = operation(result[rows - 1], values[rows])
    return result
