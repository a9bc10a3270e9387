"""Computes with effective dating: intervals ``[start, end)``, and what was true on a day as known on another.

``value_as_of`` is the plain reading of the settled rules, row by row. The columnar engines must agree with it: it is
their oracle in tests, not the way to answer questions over many records.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Generic, TypeVar

from salesops.common.errors import InvalidData, UsageError

P = TypeVar("P", date, int)
"""A point in time: a day, or an instant in microseconds. Never both in one comparison."""


@dataclass(frozen=True, slots=True)
class Interval(Generic[P]):
    """A stretch of time ``[start, end)``; ``end`` None means that it is still open. Never empty."""

    start: P
    end: P | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise InvalidData(
                f"An interval cannot end at {self.end} when it starts at {self.start}",
                "The end is the first day that no longer belongs to it, so it lies after the start",
            )

    def contains(self, point: P) -> bool:
        """Say whether a point lies inside."""
        return self.start <= point and (self.end is None or point < self.end)

    def overlaps(self, other: Interval[P]) -> bool:
        """Say whether two intervals have a point in common."""
        return (other.end is None or self.start < other.end) and (self.end is None or other.start < self.end)

    def intersect(self, other: Interval[P]) -> Interval[P] | None:
        """Give the part that both share, None if there is none."""
        if not self.overlaps(other):
            return None
        end = other.end if self.end is None else self.end if other.end is None else min(self.end, other.end)
        return Interval(max(self.start, other.start), end)

    def __str__(self) -> str:
        return f"[{self.start}, {'open' if self.end is None else self.end})"


def gaps_and_overlaps(intervals: Iterable[Interval[P]]) -> tuple[list[Interval[P]], list[Interval[P]]]:
    """Give the stretches between first start and last end that none covers, and those that more than one covers.

    Both come in order and merged: three intervals over the same day make one overlap.
    """
    gaps: list[Interval[P]] = []
    overlaps: list[Interval[P]] = []
    covered: Interval[P] | None = None
    for interval in sorted(intervals, key=lambda one: one.start):
        if covered is None:
            covered = interval
            continue
        if covered.end is not None and covered.end < interval.start:
            gaps.append(Interval(covered.end, interval.start))
        shared = covered.intersect(interval)
        if shared is not None:
            _append_merged(overlaps, shared)
        if covered.end is not None and (interval.end is None or interval.end > covered.end):
            covered = Interval(covered.start, interval.end)
    return gaps, overlaps


@dataclass(frozen=True, slots=True)
class Change(Generic[P]):
    """One row of history: from ``effective`` on, ``field`` of ``record`` was ``value``; we learned it at ``recorded``.

    ``seq`` is the order in the source among rows recorded at the same time. A value None is a value: emptied.
    """

    record: Hashable
    field: str
    value: Any
    effective: P
    recorded: P
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Version(Generic[P]):
    """A value of a field of a record over ``interval`` of effective time, and when that was recorded."""

    record: Hashable
    field: str
    value: Any
    interval: Interval[P]
    recorded: P


def change_as_of(
    changes: Iterable[Change[P]], record: Hashable, field: str, as_of: P, as_known_on: P | None = None
) -> Change[P] | None:
    """Give the row that decides a field of a record as of a point, as known on another (None: on everything recorded).

    The row greatest in (effective, recorded, seq) among those effective and recorded by then; None if there is none.
    Raises UsageError if the first point is later than the second.
    """
    _check_known(as_of, as_known_on)
    candidates = (
        change
        for change in changes
        if change.record == record
        and change.field == field
        and change.effective <= as_of
        and (as_known_on is None or change.recorded <= as_known_on)
    )
    return max(candidates, key=_order, default=None)


def value_as_of(
    changes: Iterable[Change[P]],
    record: Hashable,
    field: str,
    as_of: P,
    as_known_on: P | None = None,
    default: Any = None,
) -> Any:
    """Give the value of a field of a record as of a point, as known on another; ``default`` if no row says.

    A deal moved to Won on 3 May, and a correction of 9 May says that it was Lost on 3 May:

    >>> rows = [Change(1, "stage", "Won", 3, 3), Change(1, "stage", "Lost", 3, 9)]
    >>> value_as_of(rows, 1, "stage", 5, 8), value_as_of(rows, 1, "stage", 5, 9)
    ('Won', 'Lost')
    """
    change = change_as_of(changes, record, field, as_of, as_known_on)
    return default if change is None else change.value


def state_as_of(changes: Iterable[Change[P]], as_of: P, as_known_on: P | None = None) -> dict[Hashable, dict[str, Any]]:
    """Give every record's fields as of a point, as known on another: {record: {field: value}}."""
    _check_known(as_of, as_known_on)
    latest: dict[tuple[Hashable, str], Change[P]] = {}
    for change in changes:
        if change.effective > as_of or (as_known_on is not None and change.recorded > as_known_on):
            continue
        kept = latest.get((change.record, change.field))
        if kept is None or _order(kept) <= _order(change):
            latest[change.record, change.field] = change
    state: dict[Hashable, dict[str, Any]] = {}
    for (record, field), change in latest.items():
        state.setdefault(record, {})[field] = change.value
    return state


def versions(changes: Iterable[Change[P]], as_known_on: P | None = None) -> list[Version[P]]:
    """Give the intervals over which each value held, as known on a point; replaced rows are gone.

    One version per (record, field, effective), the last of its interval open, ordered by first appearance of record and
    field, then by time. Equal neighbours stay apart, so that every version keeps its own recorded time.
    """
    kept: dict[tuple[Hashable, str], dict[P, Change[P]]] = {}
    for change in changes:
        if as_known_on is not None and change.recorded > as_known_on:
            continue
        rows = kept.setdefault((change.record, change.field), {})
        other = rows.get(change.effective)
        if other is None or _order(other) <= _order(change):
            rows[change.effective] = change
    found: list[Version[P]] = []
    for (record, field), by_effective in kept.items():
        ordered = [by_effective[effective] for effective in sorted(by_effective)]
        for n, change in enumerate(ordered):
            following = ordered[n + 1 : n + 2]
            held = Interval(change.effective, following[0].effective) if following else Interval(change.effective)
            found.append(Version(record, field, change.value, held, change.recorded))
    return found


def _order(change: Change[P]) -> tuple[P, P, int]:
    return change.effective, change.recorded, change.seq


def _check_known(as_of: P, as_known_on: P | None) -> None:
    if as_known_on is not None and as_of > as_known_on:
        raise UsageError(
            f"As of {as_of} cannot be answered as known on {as_known_on}",
            "Ask as of a day no later than the one of knowing",
        )


def _append_merged(merged: list[Interval[P]], interval: Interval[P]) -> None:
    """Append an interval, or widen the last one, which starts no later, if the two touch."""
    last = merged[-1] if merged else None
    if last is None or (last.end is not None and last.end < interval.start):
        merged.append(interval)
    elif last.end is not None and (interval.end is None or interval.end > last.end):
        merged[-1] = replace(last, end=interval.end)
