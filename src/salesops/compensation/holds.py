"""Computes what of an earning is held back until something happens: milestones, and cash as it comes in.

A milestone's cents are cumulative: released so far = round(share reached x amount); a release is the difference. It is
monotone unless cash is reversed. What is not above zero is never held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from salesops.common.money import PPM
from salesops.compensation.exact import rounded
from salesops.compensation.plan import Holdback, RoundingMode

AT_ONCE: Final = "booking"
CASH: Final = "cash"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a deal has come: days of its milestones, and money invoiced and received by the day that is asked."""

    reached: Mapping[str, date]
    invoiced: int = 0
    cash: int = 0


def share_reached(hold: Holdback, progress: Progress, day: date) -> Fraction:
    """Give the share of an earning that is released by the end of a day: ``booking`` always, ``cash`` min(1, cash / invoiced)."""
    total = Fraction(0)
    for milestone in hold.milestones:
        part = Fraction(milestone.share, PPM)
        if milestone.on == AT_ONCE:
            total += part
        elif milestone.on == CASH:
            total += part * paid_share(progress)
        elif milestone.on in progress.reached and progress.reached[milestone.on] <= day:
            total += part
    return total


def paid_share(progress: Progress) -> Fraction:
    """Give the part of what was invoiced that came in, between 0 and 1; nothing invoiced: 0."""
    if progress.invoiced <= 0:
        return Fraction(0)
    return min(Fraction(1), max(Fraction(0), Fraction(progress.cash, progress.invoiced)))


def released(hold: Holdback | None, amount: int, progress: Progress, day: date, mode: RoundingMode = "half_up") -> int:
    """Give what of an earned amount is payable by the end of a day; without a holdback, and below zero, all of it."""
    if hold is None or amount <= 0:
        return amount
    return rounded(amount * share_reached(hold, progress, day), mode)
