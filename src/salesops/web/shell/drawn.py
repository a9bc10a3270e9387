"""Small drawings that the server makes: sparklines, meters, the bars of a waterfall. Figures to coordinates, nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

WIDTH, HEIGHT, EDGE = 92, 36, 3
BARS = 1000


@dataclass(frozen=True)
class Spark:
    """A sparkline in a box of 92 x 36: the path of what is known, its last point, and the path it is set beside."""

    path: str
    x: float
    y: float
    beside: str = ""


def spark(values: Sequence[Any], beside: Sequence[Any] = ()) -> Spark | None:
    """A sparkline of values from the oldest to the latest (None leaves a gap); None for fewer than two."""
    known = [float(one) for one in (*values, *beside) if one is not None]
    if len([one for one in values if one is not None]) < 2:
        return None
    low, high = min(known), max(known)

    def points(series: Sequence[Any]) -> list[tuple[float, float] | None]:
        step = (WIDTH - 2 * EDGE + 2) / max(len(series) - 1, 1)
        return [
            None if one is None else (round(2 + n * step, 1), round(_height(float(one), low, high), 1))
            for n, one in enumerate(series)
        ]

    own = points(values)
    last = next(point for point in reversed(own) if point is not None)
    return Spark(_path(own), *last, _path(points(beside)) if beside else "")


def _height(value: float, low: float, high: float) -> float:
    if high == low:
        return HEIGHT / 2
    return HEIGHT - EDGE - (value - low) / (high - low) * (HEIGHT - 2 * EDGE)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    parts, pen = [], False
    for point in points:
        if point is None:
            pen = False
            continue
        parts.append(f"{'L' if pen else 'M'}{point[0]} {point[1]}")
        pen = True
    return "".join(parts)


@dataclass(frozen=True)
class Step:
    """One movement of a waterfall as a bar in a box 1000 wide: where it starts, how wide it is, where the next one begins."""

    x: float
    width: float
    end: float


def flow(moves: Sequence[Decimal]) -> list[Step]:
    """Bars of successive moves from zero, scaled so that the least and the greatest sum touch the edges."""
    sums, total = [Decimal(0)], Decimal(0)
    for move in moves:
        total += move
        sums.append(total)
    low, high = min(sums), max(sums)
    span = (high - low) or Decimal(1)

    def at(value: Decimal) -> float:
        return round(float((value - low) / span) * BARS, 1)

    return [
        Step(
            min(at(before), at(after)),
            max(round(abs(at(after) - at(before)), 1), 1.0 if before != after else 0.0),
            at(after),
        )
        for before, after in itertools.pairwise(sums)
    ]


def share(value: Any, of: Any, width: int = 100) -> float:
    """How much of a box of this width a part fills; between nothing and all of it."""
    if value is None or not of:
        return 0.0
    return round(min(max(float(value) / float(of), 0.0), 1.0) * width, 1)
