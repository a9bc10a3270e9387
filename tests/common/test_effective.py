"""Intervals, and what was true on a day as known on another."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.effective import Change, Interval, gaps_and_overlaps, state_as_of, value_as_of, versions
from salesops.common.errors import InvalidData, UsageError

INTERVALS = st.builds(
    lambda start, length: Interval(start, None if length is None else start + length),
    st.integers(0, 30),
    st.none() | st.integers(1, 12),
)
CHANGES = st.lists(
    st.builds(
        Change,
        record=st.integers(1, 2),
        field=st.sampled_from(["stage", "amount"]),
        value=st.integers(0, 9) | st.none(),
        effective=st.integers(0, 6),
        recorded=st.integers(0, 6),
    ),
    max_size=14,
).map(lambda rows: [Change(r.record, r.field, r.value, r.effective, r.recorded, n) for n, r in enumerate(rows)])


def points(interval: Interval[int]) -> set[int]:
    return {point for point in range(60) if interval.contains(point)}


@given(INTERVALS, INTERVALS)
def test_intervals_agree_with_their_points(one: Interval[int], other: Interval[int]) -> None:
    shared = one.intersect(other)
    assert one.overlaps(other) == other.overlaps(one) == bool(points(one) & points(other))
    assert (points(shared) if shared else set()) == points(one) & points(other)


@given(st.lists(INTERVALS, max_size=6))
def test_gaps_and_overlaps_agree_with_their_points(intervals: list[Interval[int]]) -> None:
    gaps, overlaps = gaps_and_overlaps(intervals)
    counts = {point: sum(one.contains(point) for one in intervals) for point in range(60)}
    covered = [point for point, count in counts.items() if count]
    inside = range(min(covered, default=0), max(covered, default=-1) + 1)
    assert {point for gap in gaps for point in points(gap)} == {point for point in inside if not counts[point]}
    assert sorted(point for one in overlaps for point in points(one)) == [p for p in range(60) if counts[p] > 1]


def test_an_end_is_the_first_day_outside() -> None:
    employed = Interval(date(2017, 1, 1), date(2017, 4, 1))
    assert employed.contains(date(2017, 3, 31))
    assert not employed.contains(date(2017, 4, 1))
    assert not employed.overlaps(Interval(date(2017, 4, 1)))
    assert str(Interval(date(2017, 4, 1))) == "[2017-04-01, open)"
    with pytest.raises(InvalidData, match="cannot end"):
        Interval(date(2017, 4, 1), date(2017, 4, 1))


def test_a_later_recording_of_the_same_effective_time_replaces() -> None:
    rows = [
        Change(1, "stage", "Won", 3, 3, 0),
        Change(1, "stage", "Lost", 3, 9, 1),
        Change(1, "stage", "Open", 1, 1, 2),
    ]
    assert [value_as_of(rows, 1, "stage", 5, known) for known in (5, 8, 9, None)] == ["Won", "Won", "Lost", "Lost"]
    assert value_as_of(rows, 1, "stage", 2) == "Open"
    assert value_as_of(rows, 1, "stage", 0, default="?") == "?"
    assert value_as_of(rows, 2, "stage", 5) is None


def test_rows_recorded_at_once_are_successive_in_source_order() -> None:
    rows = [Change(1, "stage", name, 3, 3, n) for n, name in enumerate(["Qualified", "Demo", "Won"])]
    assert value_as_of(rows[::-1], 1, "stage", 3, 3) == "Won"


def test_a_backdated_row_does_not_hide_a_later_one() -> None:
    rows = [Change(1, "amount", 500, 5, 5, 0), Change(1, "amount", 400, 2, 9, 1)]
    assert value_as_of(rows, 1, "amount", 6, 9) == 500
    assert value_as_of(rows, 1, "amount", 3, 9) == 400
    assert value_as_of(rows, 1, "amount", 3, 8) is None


def test_as_of_later_than_known_is_refused() -> None:
    with pytest.raises(UsageError):
        value_as_of([], 1, "stage", date(2017, 2, 1), date(2017, 1, 1))
    with pytest.raises(UsageError):
        state_as_of([], 2, 1)


@settings(max_examples=80)
@given(CHANGES, st.integers(0, 7), st.integers(0, 3))
def test_state_and_versions_agree_with_the_oracle(changes: list[Change[int]], as_of: int, later: int) -> None:
    known = as_of + later
    state = state_as_of(changes, as_of, known)
    held = [one for one in versions(changes, known) if one.interval.contains(as_of)]
    for record in (1, 2):
        for field in ("stage", "amount"):
            expected = value_as_of(changes, record, field, as_of, known, default="none")
            assert state.get(record, {}).get(field, "none") == expected
            found = [one.value for one in held if (one.record, one.field) == (record, field)]
            assert found == ([] if expected == "none" else [expected])
