"""Computes who was above whom and when: the closure of dated reporting lines, in a hierarchy that changes over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from salesops.common.allocation import sorted_keys
from salesops.common.errors import Problem

N = TypeVar("N", bound=Hashable)

_OPEN: Final = date.max.toordinal() + 1
_Span = tuple[int, int]  # [from, to) as day numbers


@dataclass(frozen=True, slots=True)
class Line(Generic[N]):
    """``child`` reports to ``parent`` over ``[start, end)``, None still open; ``kind`` tells matrix lines apart."""

    child: N
    parent: N
    start: date
    end: date | None = None
    kind: str = "line"


@dataclass(frozen=True, slots=True)
class ClosureRow(Generic[N]):
    """``ancestor`` is ``depth`` steps above ``descendant`` over ``[start, end)``; depth 1 is the direct manager."""

    ancestor: N
    descendant: N
    depth: int
    start: date
    end: date | None


@dataclass(frozen=True, slots=True)
class Closure(Generic[N]):
    """Every pair above each other with its dates, and what is wrong with the lines (errors first)."""

    rows: tuple[ClosureRow[N], ...]
    problems: tuple[Problem, ...]


def closure(
    lines: Iterable[Line[N]],
    kind: str = "line",
    name: Callable[[N], str] = str,
    source: str = "reporting lines",
) -> Closure[N]:
    """Give all pairs (ancestor, descendant) with depth and dates, by intersecting the intervals along each chain.

    Only lines of one ``kind`` are followed. Rows of one pair never overlap: where two chains lead to the same ancestor,
    the shorter counts. Nobody is a row above themselves. Problems (as values, with ``name`` for people): a line to
    oneself, a line that ends before it starts (both ignored), people who report to each other in a circle, and two
    parents at once. Pairs within a circle are kept.
    """
    by_child, problems = _checked(list(lines), kind, name, source)
    covered: dict[tuple[N, N], list[_Span]] = {}
    rows: list[ClosureRow[N]] = []
    circles: dict[N, list[_Span]] = {}
    level: dict[tuple[N, N], list[_Span]] = {}
    for child, held in by_child.items():
        for start, end, parent in held:
            level.setdefault((child, parent), []).append((start, end))
    depth = 1
    while level:
        fresh: dict[tuple[N, N], list[_Span]] = {}
        for pair, spans in level.items():
            new = _minus(_merged(spans), covered.get(pair, []))
            if not new:
                continue
            covered[pair] = _merged(covered.get(pair, []) + new)
            child, ancestor = pair
            if child == ancestor:
                circles.setdefault(child, []).extend(new)
                continue
            fresh[pair] = new
            rows.extend(ClosureRow(ancestor, child, depth, _day(start), _end(end)) for start, end in new)
        level, depth = _above(fresh, by_child), depth + 1
    problems += _circle_problems(circles, by_child, name, source)
    problems += _double_problems(by_child, name, source)
    return Closure(tuple(rows), tuple(problems))


def subtree(
    rows: Iterable[ClosureRow[N]], root: N, day: date, max_depth: int | None = None, include_root: bool = True
) -> set[N]:
    """Give everybody below ``root`` on a day (``max_depth=1``: the direct reports), with the root itself if asked."""
    found = {
        row.descendant
        for row in rows
        if row.ancestor == root and _covers(row, day) and (max_depth is None or row.depth <= max_depth)
    }
    return found | {root} if include_root else found


def ancestors(rows: Iterable[ClosureRow[N]], person: N, day: date) -> list[N]:
    """Give everybody above a person on a day, the direct manager first."""
    above = [(row.depth, row.ancestor) for row in rows if row.descendant == person and _covers(row, day)]
    return [ancestor for _, ancestor in sorted(above, key=lambda one: one[0])]


def _covers(row: ClosureRow[N], day: date) -> bool:
    return row.start <= day and (row.end is None or day < row.end)


def _checked(
    lines: list[Line[N]], kind: str, name: Callable[[N], str], source: str
) -> tuple[dict[N, list[tuple[int, int, N]]], list[Problem]]:
    by_child: dict[N, list[tuple[int, int, N]]] = defaultdict(list)
    problems: list[Problem] = []
    for line in lines:
        if line.kind != kind:
            continue
        start, end = line.start.toordinal(), _OPEN if line.end is None else line.end.toordinal()
        if line.child == line.parent:
            problems.append(
                Problem(
                    source, None, "parent", f"{name(line.child)} reports to themselves from {line.start}",
                    "Name another manager, or none", record=str(line.child),
                )
            )  # fmt: skip
        elif end <= start:
            problems.append(
                Problem(
                    source, None, "end",
                    f"{name(line.child)} reports to {name(line.parent)} until {line.end}, before it starts"
                    f" on {line.start}",
                    "Let it end after it starts; the end is the first day on which it no longer holds",
                    record=str(line.child),
                )
            )  # fmt: skip
        else:
            by_child[line.child].append((start, end, line.parent))
    for spans in by_child.values():
        spans.sort(key=lambda span: (span[0], span[1]))
    return dict(by_child), problems


def _above(
    pairs: dict[tuple[N, N], list[_Span]], by_child: dict[N, list[tuple[int, int, N]]]
) -> dict[tuple[N, N], list[_Span]]:
    """Take every chain one step up, over the days that both the chain and the next line hold."""
    found: dict[tuple[N, N], list[_Span]] = {}
    for (child, ancestor), spans in pairs.items():
        for line_start, line_end, parent in by_child.get(ancestor, ()):
            for start, end in spans:
                low, high = max(start, line_start), min(end, line_end)
                if low < high:
                    found.setdefault((child, parent), []).append((low, high))
    return found


def _merged(spans: list[_Span]) -> list[_Span]:
    if len(spans) < 2:
        return spans
    found: list[_Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _minus(spans: list[_Span], taken: list[_Span]) -> list[_Span]:
    """Give the parts of merged spans outside other merged spans."""
    if not taken:
        return spans
    found: list[_Span] = []
    for start, end in spans:
        for taken_start, taken_end in taken:
            if taken_end <= start or end <= taken_start:
                continue
            if start < taken_start:
                found.append((start, taken_start))
            start = max(start, taken_end)
        if start < end:
            found.append((start, end))
    return found


def _circle_problems(
    circles: dict[N, list[_Span]], by_child: dict[N, list[tuple[int, int, N]]], name: Callable[[N], str], source: str
) -> list[Problem]:
    told: set[tuple[frozenset[N], _Span]] = set()
    problems: list[Problem] = []
    for person in sorted_keys(circles):
        for start, end in sorted(circles[person]):
            chain = _chain_back(person, start, by_child)
            key = (frozenset(chain), (start, end))
            if key in told:
                continue
            told.add(key)
            names = " -> ".join(name(one) for one in [*chain, person])
            problems.append(
                Problem(
                    source, None, "parent", f"People report to each other in a circle {_dates(start, end)}: {names}",
                    "End one of these lines before the circle begins", record=str(person),
                )
            )  # fmt: skip
    return problems


def _chain_back(person: N, day: int, by_child: dict[N, list[tuple[int, int, N]]]) -> list[N]:
    """Give the shortest chain from a person up to themselves on a day."""
    came_from: dict[N, N] = {}
    queue = [person]
    for one in queue:
        for start, end, parent in by_child.get(one, ()):
            if not start <= day < end:
                continue
            if parent == person:
                chain = [one]
                while chain[-1] != person:
                    chain.append(came_from[chain[-1]])
                return chain[::-1]
            if parent not in came_from:
                came_from[parent] = one
                queue.append(parent)
    return [person]


def _double_problems(
    by_child: dict[N, list[tuple[int, int, N]]], name: Callable[[N], str], source: str
) -> list[Problem]:
    problems: list[Problem] = []
    for child, spans in by_child.items():
        _, end, parent = spans[0]
        for later_start, later_end, later in spans[1:]:
            if later_start < end and parent != later:
                both = _dates(later_start, min(end, later_end))
                problems.append(
                    Problem(
                        source, None, "parent",
                        f"{name(child)} reports to both {name(parent)} and {name(later)} {both}",
                        "End the first line on the day the second starts, or make one of them a matrix line",
                        record=str(child),
                    )
                )  # fmt: skip
            if later_end > end:
                end, parent = later_end, later
    return problems


def _dates(start: int, end: int) -> str:
    return f"from {_day(start)} on" if end >= _OPEN else f"from {_day(start)} to {_day(end - 1)}"


def _day(ordinal: int) -> date:
    return date.fromordinal(ordinal)


def _end(ordinal: int) -> date | None:
    return None if ordinal >= _OPEN else date.fromordinal(ordinal)
