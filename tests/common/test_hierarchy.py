"""Who was above whom, and when."""

from __future__ import annotations

from datetime import date, timedelta
from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.hierarchy import Line, ancestors, closure, subtree

Q1, Q2, Q3 = date(2017, 1, 1), date(2017, 4, 1), date(2017, 7, 1)
ORIGIN = date(2017, 1, 1)


def day(n: int) -> date:
    return ORIGIN + timedelta(days=n)


def test_a_rep_who_changes_team_is_below_both_directors_in_turn() -> None:
    found = closure([Line("rep", "ann", Q1, Q3), Line("rep", "bob", Q3), Line("ann", "vp", Q1), Line("bob", "vp", Q2)])
    rows = {(row.ancestor, row.descendant, row.depth, row.start, row.end) for row in found.rows}
    assert rows == {
        ("ann", "rep", 1, Q1, Q3),
        ("bob", "rep", 1, Q3, None),
        ("vp", "ann", 1, Q1, None),
        ("vp", "bob", 1, Q2, None),
        ("vp", "rep", 2, Q1, None),  # through ann, then through bob: one row
    }
    assert found.problems == ()
    assert ancestors(found.rows, "rep", Q2) == ["ann", "vp"]
    assert subtree(found.rows, "ann", Q2) == {"ann", "rep"}
    assert subtree(found.rows, "vp", Q3, max_depth=1, include_root=False) == {"ann", "bob"}


def test_a_circle_is_named_with_people_and_dates() -> None:
    lines = [Line(1, 2, Q1, Q3), Line(2, 3, Q1), Line(3, 1, Q2), Line(4, 1, Q1)]
    found = closure(lines, name={1: "Ann", 2: "Bob", 3: "Cy", 4: "Dee"}.__getitem__)
    (problem,) = found.problems
    assert problem.problem == (
        "People report to each other in a circle from 2017-04-01 to 2017-06-30: Ann -> Bob -> Cy -> Ann"
    )
    assert subtree(found.rows, 1, Q3) == {1, 2, 3, 4}


def test_a_swap_at_different_times_is_no_circle() -> None:
    assert closure([Line("a", "b", Q1, Q2), Line("b", "a", Q2)]).problems == ()


def test_two_managers_lines_to_oneself_and_backward_lines_are_told_all_at_once() -> None:
    lines = [Line("a", "b", Q1), Line("a", "c", Q2, Q3), Line("a", "d", Q3), Line("x", "x", Q1), Line("y", "z", Q2, Q1)]
    problems = [problem.problem for problem in closure(lines).problems]
    assert problems == [
        "x reports to themselves from 2017-01-01",
        "y reports to z until 2017-01-01, before it starts on 2017-04-01",
        "a reports to both b and c from 2017-04-01 to 2017-06-30",
        "a reports to both b and d from 2017-07-01 on",
    ]


def test_matrix_lines_are_a_hierarchy_of_their_own() -> None:
    lines = [Line("a", "b", Q1), Line("a", "c", Q1, kind="product")]
    assert [row.ancestor for row in closure(lines).rows] == ["b"]
    assert [row.ancestor for row in closure(lines, kind="product").rows] == ["c"]


LINES = st.lists(
    st.builds(
        lambda child, parent, start, length: Line(
            child, parent, day(start), None if length is None else day(start + length)
        ),
        st.integers(1, 6),
        st.integers(1, 6),
        st.integers(0, 12),
        st.none() | st.integers(1, 8),
    ).filter(lambda line: line.child != line.parent),
    max_size=9,
)


@settings(max_examples=80)
@given(LINES)
def test_the_closure_is_that_of_every_single_day(lines: list[Line[int]]) -> None:
    found = closure(lines)
    circular = False
    for today in map(day, range(25)):
        above: dict[int, set[int]] = {}
        for line in lines:
            if line.start <= today and (line.end is None or today < line.end):
                above.setdefault(line.child, set()).add(line.parent)
        expected: dict[tuple[int, int], int] = {}
        for person in range(1, 7):
            level, depth, seen = above.get(person, set()), 1, set[int]()
            while level:
                for one in level - seen:
                    expected[one, person] = depth
                seen |= level
                level, depth = {up for one in level for up in above.get(one, set())} - seen, depth + 1
        circular = circular or any(one == other for one, other in expected)
        pairs = [
            ((row.ancestor, row.descendant), row.depth)
            for row in found.rows
            if row.start <= today and (row.end is None or today < row.end)
        ]
        assert len(pairs) == len(dict(pairs))
        assert dict(pairs) == {pair: depth for pair, depth in expected.items() if pair[0] != pair[1]}
    assert circular == any("circle" in problem.problem for problem in found.problems)


def test_ten_thousand_people_with_four_moves_take_seconds() -> None:
    lines = [
        Line(child, max(0, (child - 1) // 8 - move % 3) if child > 8 else 0, day(move * 300), day(move * 300 + 300))
        for child in range(1, 10_000)
        for move in range(4)
    ]
    started = perf_counter()
    found = closure(lines)
    assert found.problems == ()
    assert len(found.rows) > 40_000
    assert perf_counter() - started < 20
