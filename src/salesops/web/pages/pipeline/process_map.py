"""Draws how cases go: steps from left to right, transitions as curves, wider for more cases, darker for longer waits, each with its label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

WIDTH, HEIGHT, PITCH, ROW = 116, 46, 196, 118
"""Size of a step, and how far steps stand apart, in pixels."""
THIN, THICK = 1.5, 10.0
TONES = 4
EDGE = 14
LETTER = 6.4
"""About how wide a letter of a label is."""


@dataclass(frozen=True)
class Node:
    """A step: its name (cut to fit, and whole), cases, and place."""

    name: str
    short: str
    cases: int
    x: float
    y: float
    final: str = ""

    @property
    def middle(self) -> float:
        return self.x + WIDTH / 2

    @property
    def text_y(self) -> float:
        return self.y + 20

    @property
    def under_y(self) -> float:
        return self.y + 36


@dataclass(frozen=True)
class Edge:
    """A transition: its curve, width, tone (1 light .. 4 dark), label and place, what it says in words, where it leads."""

    path: str
    width: float
    tone: int
    label: str
    x: float
    y: float
    box: float
    title: str
    link: str

    @property
    def half(self) -> float:
        return self.box / 2


@dataclass(frozen=True)
class Drawing:
    """A process map: its size, steps and transitions, thin ones first."""

    width: int
    height: int
    nodes: list[Node]
    edges: list[Edge]
    bounds: list[tuple[int, float, float]]
    """Tones with the mean days from and up to which they stand."""


def drawing(
    steps: Sequence[tuple[str, int, str, int]],
    moves: Sequence[Mapping[str, Any]],
    *,
    label: Callable[[Mapping[str, Any]], str],
    title: Callable[[Mapping[str, Any]], str],
    link: Callable[[Mapping[str, Any]], str],
) -> Drawing:
    """A map of steps (name, column, kind, cases) and moves (`from_step`, `to_step`, `moves`, `mean_days`). Steps of one column stand below each
    other in the order given; `kind` lost goes lowest, so that what is lost falls."""
    above = 40 + 30 * max((_reach(steps, one) for one in moves if _reach(steps, one) > 1), default=0)
    nodes = _placed(steps, float(above))
    most = max((one["moves"] for one in moves), default=1)
    longest = max((one["mean_days"] for one in moves), default=0.0)
    drawn = [
        _edge(one, nodes, most, longest, label(one), title(one), link(one))
        for one in sorted(moves, key=lambda one: one["moves"]) if one["from_step"] in nodes and one["to_step"] in nodes
    ]  # fmt: skip
    bounds = (
        [(tone, longest * (tone - 1) / TONES, longest * tone / TONES) for tone in range(1, TONES + 1)]
        if longest
        else []
    )
    width = max((node.x for node in nodes.values()), default=0) + WIDTH + EDGE
    back = max((-_reach(steps, one) for one in moves), default=0)
    lowest = max((node.y for node in nodes.values()), default=0) + HEIGHT
    height = max(lowest + EDGE, above + HEIGHT + (50 + 30 * back if back > 0 else 0))
    return Drawing(round(width), round(height), list(nodes.values()), drawn, bounds)


def _reach(steps: Sequence[tuple[str, int, str, int]], one: Mapping[str, Any]) -> int:
    """How many columns a move goes on between steps of the main row; back is negative."""
    place = {name: column for name, column, kind, _cases in steps if kind != "lost"}
    if one["from_step"] not in place or one["to_step"] not in place:
        return 0
    return place[one["to_step"]] - place[one["from_step"]]


def _placed(steps: Sequence[tuple[str, int, str, int]], top: float) -> dict[str, Node]:
    columns = {column: n for n, column in enumerate(sorted({column for _name, column, _kind, _cases in steps}))}
    rows: dict[int, int] = {}
    found = {}
    for name, column, kind, cases in sorted(steps, key=lambda one: (one[1], one[2] == "lost")):
        row = rows.get(column, 0) + (1 if kind == "lost" and rows.get(column, 0) else 0)
        rows[column] = row + 1
        short = name if len(name) <= 16 else f"{name[:15]}…"
        found[name] = Node(name, short, cases, EDGE + columns[column] * PITCH, top + row * ROW, kind)
    return found


def _edge(
    one: Mapping[str, Any], nodes: Mapping[str, Node], most: int, longest: float, label: str, title: str, link: str
) -> Edge:
    a, b = nodes[one["from_step"]], nodes[one["to_step"]]
    width = THIN + (THICK - THIN) * sqrt(one["moves"] / most)
    tone = 1 if not longest else max(1, min(TONES, int(one["mean_days"] / longest * TONES - 1e-9) + 1))
    path, x, y = _curve(a, b)
    return Edge(
        path, round(width, 1), tone, label, round(x, 1), round(y, 1), round(len(label) * LETTER + 8, 1), title, link
    )


def _curve(a: Node, b: Node) -> tuple[str, float, float]:
    """The curve from one step to another, and where its label stands."""
    if a.name == b.name:
        return (
            f"M{a.middle - 18:g} {a.y:g}C{a.middle - 30:g} {a.y - 34:g} {a.middle + 30:g} {a.y - 34:g} {a.middle + 18:g} {a.y - 2:g}",
            a.middle, a.y - 32,
        )  # fmt: skip
    span = round((b.x - a.x) / PITCH)
    middle = HEIGHT / 2
    if span == 1 and abs(a.y - b.y) < 1:  # to the next step
        return (
            f"M{a.x + WIDTH:g} {a.y + middle:g}L{b.x - 3:g} {b.y + middle:g}",
            (a.x + WIDTH + b.x) / 2,
            a.y + middle - 16,
        )
    if b.y > a.y:  # down, to a step of a lower row
        low, bend = b.y + middle, a.middle + 26
        return (
            f"M{a.middle:g} {a.y + HEIGHT:g}C{a.middle:g} {low:g} {bend:g} {low:g} {max(bend, b.x - 60):g} {low:g}L{b.x - 3:g} {low:g}"
            if b.x > a.middle + 30 else f"M{a.middle:g} {a.y + HEIGHT:g}L{b.middle:g} {b.y - 3:g}",
            a.middle, a.y + HEIGHT + 22,
        )  # fmt: skip
    if a.y > b.y:  # up again: opened anew
        low = a.y + HEIGHT
        return (
            f"M{a.middle:g} {low:g}C{a.middle:g} {low + 34:g} {b.middle - 24:g} {low + 34:g} {b.middle - 24:g} {b.y + HEIGHT + 3:g}",
            b.middle - 24, b.y + HEIGHT + 46,
        )  # fmt: skip
    lift = 26 + 30 * abs(span)
    if span >= 0:  # past some steps: above
        y = a.y - lift
        return (
            f"M{a.middle + 14:g} {a.y:g}C{a.middle + 40:g} {y:g} {b.middle - 40:g} {y:g} {b.middle - 14:g} {b.y - 3:g}",
            (a.middle + b.middle) / 2,
            a.y - lift * 0.75 - 2,
        )
    y = a.y + HEIGHT + lift  # back: below
    return (
        f"M{a.middle - 20:g} {a.y + HEIGHT:g}C{a.middle - 40:g} {y:g} {b.middle + 40:g} {y:g} {b.middle + 20:g} {b.y + HEIGHT + 3:g}",
        (a.middle + b.middle) / 2, a.y + HEIGHT + lift * 0.75,
    )  # fmt: skip
