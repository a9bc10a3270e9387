"""Computes what is taken back when a deal fails within a time: at the paid rate, by recomputing, or pro rata.

Posted in the period of the event. Day N itself is outside a window of N days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from salesops.compensation.accumulate import credit_lines
from salesops.compensation.crediting import Credit
from salesops.compensation.exact import MICRO, rounded
from salesops.compensation.plan import Clawback, RoundingMode
from salesops.compensation.rates import Earning
from salesops.compensation.words import after


def applies(rule: Clawback, event: str, credited_on: date, on_day: date) -> bool:
    """Say whether an event on a day takes back what was paid for a deal that was credited on another."""
    return event in rule.on and credited_on <= on_day < after(credited_on, rule.within)


def amount(
    rule: Clawback,
    paid: int,
    credited_on: date,
    on_day: date,
    without: int | None = None,
    mode: RoundingMode = "half_up",
) -> int:
    """Give what is taken back, as a positive amount of minor units.

    ``paid`` is what was earned on the deal, ``without`` the difference that recomputing the window without it makes
    (needed by ``recompute``). ``pro_rata``: the part of the window's days that is left; all within ``full_within``.
    """
    if rule.method == "at_paid_rate":
        return paid
    if rule.method == "recompute":
        assert without is not None, "recompute needs the window without the deal"
        return without
    if rule.full_within is not None and on_day < after(credited_on, rule.full_within):
        return paid
    whole = (after(credited_on, rule.within) - credited_on).days
    return rounded(Fraction(paid * (whole - (on_day - credited_on).days), whole), mode)


def without_deal(earning: Earning, credits: Sequence[Credit], deal: str, mode: RoundingMode = "half_up") -> int:
    """Give what a window pays less what it would pay without a deal (and its later lines): accelerators unwind too."""
    rest = [credit for credit in credits if credit.deal != deal]
    paid, other = (sum(line.raw for line in credit_lines(earning, part)) for part in (credits, rest))
    return rounded(Fraction(paid, MICRO), mode) - rounded(Fraction(other, MICRO), mode)


def offset(owed: int, payable: int, max_offset_ppm: int) -> int:
    """Give how much of a debt is taken from this period's payable: at most a share of it, rounded down."""
    return min(owed, max(0, payable) * max_offset_ppm // MICRO)
