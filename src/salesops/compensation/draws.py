"""Computes draws: money ahead of earnings, and how it is repaid. One row for a payee and pay period.

``E`` is what was earned and is payable in the period, ``d`` the draw of the period (prorated by days where somebody is
there for a part), ``bal`` the balance that is owed. Opening, advance, recovered, forgiven, closing:

* recoverable guarantee (``top_up``): E < d: advance = d - E, pay = d, bal += advance.
  E >= d: recovered r, pay = E - r, bal -= r, with r = min(bal, E - d) for ``down_to_draw``, min(bal, p x (E - d)) rounded
  down for ``percent``, min(bal, E) for ``down_to_zero`` (pay may then fall below the draw).
* recoverable additive: advance = d every period, pay = E + d - r, bal += d - r; r is taken of the opening balance and of
  this period's earnings: min(bal, E - d) (``down_to_draw``), min(bal, p x E) (``percent``), min(bal, E) (``down_to_zero``).
* non-recoverable guarantee: pay = max(E, d), the difference is a subsidy. Non-recoverable additive: pay = E + d.

``max_balance`` stops new advances at that balance and never forgives: pay is then below the draw. After ``months`` of
service under the plan nothing is advanced any more, while the balance is repaid as before. At a fiscal year's end
``expires`` forgives the closing balance; on termination it is forgiven, or collected from the last pay (what is left is
owed: the caller carries it). Always: pay = E + advance + subsidy - recovered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from salesops.common.money import PPM
from salesops.compensation.plan import Draw


@dataclass(frozen=True, slots=True)
class DrawMove:
    """What a draw does in a period. ``pay`` = earned + advance + subsidy - recovered; ``owed`` is left on termination."""

    opening: int
    earned: int
    advance: int
    recovered: int
    forgiven: int
    subsidy: int
    closing: int
    pay: int
    owed: int = 0


@dataclass(frozen=True, slots=True)
class DrawPeriod:
    """A pay period as a draw sees it: earnings, the draw's amount in it, and what ends with it."""

    earned: int
    amount: int
    advances: bool = True
    year_end: bool = False
    terminated: bool = False


def move(draw: Draw, opening: int, period: DrawPeriod) -> DrawMove:
    """Give what a draw does in one period, from the balance that was owed at its start."""
    d = period.amount if period.advances else 0
    earned = period.earned
    if not draw.recoverable:
        subsidy = d if draw.pays == "additive" else max(0, d - earned)
        return DrawMove(opening, earned, 0, 0, 0, subsidy, opening, earned + subsidy)
    wanted = d if draw.pays == "additive" else max(0, d - earned)
    advance = min(wanted, room(draw, opening))
    recovered = _recovered(draw, opening, earned, period.amount)
    forgiven, owed = 0, 0
    balance = opening + advance - recovered
    if period.terminated and draw.on_termination == "collect":
        more = min(balance, max(0, earned + advance - recovered))
        recovered, balance = recovered + more, balance - more
        owed, balance = balance, 0
    elif period.terminated or (period.year_end and draw.expires == "fiscal_year_end"):
        forgiven, balance = balance, 0
    return DrawMove(opening, earned, advance, recovered, forgiven, 0, balance, earned + advance - recovered, owed)


def room(draw: Draw, balance: int) -> int:
    """Give the most that may still be advanced."""
    return 10**18 if draw.max_balance is None else max(0, draw.max_balance - balance)


def _recovered(draw: Draw, balance: int, earned: int, amount: int) -> int:
    above = max(0, earned - amount)
    if draw.pays == "top_up" and earned < amount:
        return 0
    if draw.recover == "down_to_zero":
        return min(balance, max(0, earned))
    if draw.recover == "percent":
        of = max(0, earned) if draw.pays == "additive" else above
        return min(balance, of * draw.percent // PPM)
    return min(balance, above)


def run(draw: Draw, periods: Iterable[DrawPeriod], opening: int = 0) -> list[DrawMove]:
    """Give the moves of consecutive periods."""
    found: list[DrawMove] = []
    for period in periods:
        found.append(move(draw, opening, period))
        opening = found[-1].closing
    return found
