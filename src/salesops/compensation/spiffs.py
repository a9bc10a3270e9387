"""Computes SPIFFs: a fixed sum for each qualifying credit, within a payee cap and then a budget.

A cancelled deal takes its award back. The award that crosses a first-come budget is paid in part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from salesops.common.allocation import allocate
from salesops.compensation.crediting import Credit
from salesops.compensation.plan import Spiff


@dataclass(frozen=True, slots=True)
class SpiffAward:
    """What a qualifying credit is awarded: as computed, and after the payee cap and the budget."""

    payee: str
    deal: str
    line: str
    computed: int
    cents: int


def awards(spiff: Spiff, qualifying: Iterable[Credit]) -> list[SpiffAward]:
    """Give the awards of qualifying credits of all payees, in the order of credits.

    ``per: unit`` multiplies by the credit's counted units. A deal of several lines is awarded once, at its first line; a
    negative line takes the award of its deal back.
    """
    ordered = sorted(qualifying, key=lambda one: (one.order, one.payee))
    computed = _computed(spiff, ordered)
    after_cap = _payee_capped(spiff, ordered, computed)
    cents = _budgeted(spiff, after_cap)
    return [
        SpiffAward(c.payee, c.deal, c.line, was, now)
        for c, was, now in zip(ordered, computed, cents, strict=True)
        if was or now
    ]


def _computed(spiff: Spiff, ordered: Sequence[Credit]) -> list[int]:
    found: list[int] = []
    held: dict[tuple[str, str], int] = defaultdict(int)
    for credit in ordered:
        key = credit.payee, credit.deal
        if spiff.per == "unit":
            award = spiff.pay * credit.counted
        elif credit.counted < 0:
            award = -held[key]
        else:
            award = spiff.pay if credit.counted > 0 and not held[key] else 0
        held[key] += award
        found.append(award)
    return found


def _payee_capped(spiff: Spiff, ordered: Sequence[Credit], computed: Sequence[int]) -> list[int]:
    if spiff.payee_cap is None:
        return list(computed)
    sums: dict[str, int] = defaultdict(int)
    found: list[int] = []
    for credit, award in zip(ordered, computed, strict=True):
        before = min(sums[credit.payee], spiff.payee_cap)
        sums[credit.payee] += award
        found.append(min(sums[credit.payee], spiff.payee_cap) - before)
    return found


def _budgeted(spiff: Spiff, amounts: Sequence[int]) -> list[int]:
    total = sum(amounts)
    if spiff.budget is None or total <= spiff.budget:
        return (
            list(amounts)
            if spiff.budget is None or spiff.on_exhaust == "prorate"
            else _first_come(spiff.budget, amounts)
        )
    if spiff.on_exhaust == "first_come":
        return _first_come(spiff.budget, amounts)
    kept = [max(0, amount) for amount in amounts]  # what was taken back frees budget and is no weight
    below = [min(0, amount) for amount in amounts]
    parts = allocate(spiff.budget - sum(below), dict(enumerate(kept)))
    return [parts[n] + below[n] for n in range(len(amounts))]


def _first_come(budget: int, amounts: Sequence[int]) -> list[int]:
    found: list[int] = []
    spent = 0
    for amount in amounts:
        before = min(spent, budget)
        spent += amount
        found.append(min(spent, budget) - before)
    return found
