"""Why a forecast moved: the difference of two forecasts of one period, deal by deal, adding up to the last unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from salesops.common.errors import InvalidData

from .results import Forecast

Kind = Literal[
    "created", "won", "lost", "pulled in", "pushed", "amount", "probability", "reversed", "arrivals", "adjustment"
]


@dataclass(frozen=True)
class Change:
    """One reason: a deal (None for arrivals and the blend's adjustment) and what it added to the company's forecast (10^-4)."""

    kind: Kind
    deal: int | None
    amount: int
    before: int
    after: int
    """The deal's expected amount in both forecasts (won deals: what they brought)."""


def changes(before: Forecast, after: Forecast, end: np.datetime64 | None = None) -> list[Change]:
    """Reasons in order of their size; their amounts add up to the difference of the two forecasts.

    An open deal has up to two: its amount at the old chance, and its chance at the new amount - called pulled in or pushed where its
    stated close moved over the `end` of the period. Raises InvalidData for forecasts of different periods.
    """
    if before.period != after.period:
        raise InvalidData(
            f"The forecasts are of different periods, {before.period} and {after.period}", "Compare two of one period"
        )
    out: list[Change] = []
    old, new = _rows(before), _rows(after)
    for deal in sorted(old.keys() | new.keys() | before.booked.keys() | after.booked.keys()):
        out += _deal(deal, before, after, old, new, end)
    for kind, first, second in (
        ("arrivals", before.node().arrivals, after.node().arrivals),
        ("adjustment", before.node().adjustment, after.node().adjustment),
    ):
        if first != second:
            out.append(Change(kind, None, second - first, first, second))  # type: ignore[arg-type]
    return sorted(out, key=lambda c: (-abs(c.amount), c.deal or 0, c.kind))


def _rows(forecast: Forecast) -> dict[int, int]:
    return {int(deal): i for i, deal in enumerate(forecast.scores.deal)}


def _deal(
    deal: int, before: Forecast, after: Forecast, old: dict[int, int], new: dict[int, int], end: np.datetime64 | None
) -> list[Change]:
    was_booked, is_booked = before.booked.get(deal), after.booked.get(deal)
    first = (was_booked or 0) + _open(before, old.get(deal))
    second = (is_booked or 0) + _open(after, new.get(deal))
    if was_booked is not None and is_booked is not None:
        return [Change("amount", deal, second - first, first, second)] if first != second else []
    if is_booked is not None:
        return [Change("won", deal, second - first, first, second)]
    if was_booked is not None:
        return [Change("reversed", deal, second - first, first, second)]
    if deal not in new:
        return [Change("lost", deal, -first, first, 0)]
    if deal not in old:
        return [Change("created", deal, second, 0, second)]
    if first == second:
        return []
    i, j = old[deal], new[deal]
    p = float(before.scores.p[i, before.horizon])
    by_amount = round(p * (int(after.scores.amount[j]) - int(before.scores.amount[i])))
    found = []
    if by_amount:
        found.append(Change("amount", deal, by_amount, first, second))
    if rest := second - first - by_amount:
        found.append(Change(_moved(before, after, i, j, end), deal, rest, first, second))
    return found


def _open(forecast: Forecast, row: int | None) -> int:
    return 0 if row is None else int(forecast.scores.value[row, forecast.horizon])


def _moved(before: Forecast, after: Forecast, i: int, j: int, end: np.datetime64 | None) -> Kind:
    if end is None:
        return "probability"
    inside = [bool(f.scores.due[row] <= end) for f, row in ((before, i), (after, j))]
    if inside[0] == inside[1]:
        return "probability"
    return "pulled in" if inside[1] else "pushed"
