"""Computes contract cost assets of commissions: ASC 340-40 and IFRS 15 paragraphs 91 to 104.

Amounts are cumulative and rounded: amortisation of a month = round(cost x elapsed at its end / whole) - round(cost x
elapsed at its start / whole), so rounding never drifts and the last month lands on zero. ``daily`` counts days,
``whole_month`` counts months, the month of the start as one. Forfeits do not capitalise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from salesops.compensation.exact import rounded, share
from salesops.compensation.plan import Capitalize, Duration, RoundingMode
from salesops.compensation.words import after

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asset:
    """A capitalised cost: from ``start`` over ``[start, end)``. ``expensed`` at once under the practical expedient."""

    commission: int
    fringe: int
    start: date
    end: date
    method: Literal["daily", "whole_month"] = "daily"
    expensed: bool = False
    policy: str = ""

    @property
    def cost(self) -> int:
        """What is capitalised: commission and fringe."""
        return self.commission + self.fringe


@dataclass(frozen=True, slots=True)
class Amortisation:
    """A month of an asset: opening + additions - amortised - written_off = closing. ``month`` is its first day."""

    month: date
    opening: int
    additions: int
    amortised: int
    written_off: int
    closing: int


def asset(
    rule: Capitalize, commission: int, start: date, term: Duration | None = None, mode: RoundingMode = "half_up"
) -> Asset:
    """Give the asset of a commission: over the rule's benefit period, or over ``term`` (a contract's, where commensurate).

    Under the expedient a period of at most twelve months is expensed at once.
    """
    end = after(start, term or rule.benefit_period)
    expensed = rule.expedient and end <= after(start, Duration(1, "years"))
    return Asset(commission, share(commission, rule.fringe, mode), start, end, rule.method, expensed, rule.policy)


def amortised(one: Asset, upto: date, mode: RoundingMode = "half_up") -> int:
    """Give what is amortised before a day (``[start, upto)``), never more than the cost."""
    if one.expensed:
        return one.cost if upto > one.start else 0
    if one.method == "whole_month":
        whole = _months(one.start, one.end)
        elapsed = min(max(_months(one.start, upto) + (upto.day > 1), 0), whole) if upto > one.start else 0
    else:
        whole = (one.end - one.start).days
        elapsed = min(max((upto - one.start).days, 0), whole)
    return rounded(Fraction(one.cost * elapsed, whole), mode)


def schedule(one: Asset, churned: date | None = None, mode: RoundingMode = "half_up") -> list[Amortisation]:
    """Give every month of an asset until it is zero; on the day of churn what is left is written off."""
    found: list[Amortisation] = []
    month, book = date(one.start.year, one.start.month, 1), 0
    while not found or found[-1].closing:
        following = after(month, Duration(1, "months"))
        added = one.cost if not found else 0
        ends = churned is not None and churned < following
        upto = churned if ends and churned is not None else following
        part = amortised(one, upto, mode) - amortised(one, max(month, one.start), mode)
        if not found:
            part = amortised(one, upto, mode)
        written = book + added - part if ends else 0
        closing = book + added - part - written
        found.append(Amortisation(month, book, added, part, written, closing))
        month, book = following, closing
    return found


def write_off(one: Asset, churned: date, clawed_back: int = 0, mode: RoundingMode = "half_up") -> tuple[int, int, int]:
    """Give (amortised, written off, loss) at a churn: the loss is net of what is clawed back."""
    gone = amortised(one, churned, mode)
    return gone, one.cost - gone, one.cost - gone - clawed_back


def by_year(rows: Iterable[Amortisation]) -> dict[int, int]:
    """Give amortisation by calendar year."""
    found: dict[int, int] = {}
    for row in rows:
        found[row.month.year] = found.get(row.month.year, 0) + row.amortised
    return found


def roll_forward(schedules: Iterable[Sequence[Amortisation]], first: date, last: date) -> Amortisation:
    """Give opening, additions, amortisation, write-offs and closing of assets over the months from first to last."""
    opening = additions = gone = written = 0
    for rows in schedules:
        before = [row for row in rows if row.month < first]
        inside = [row for row in rows if first <= row.month <= last]
        opening += before[-1].closing if before else 0
        additions += sum(row.additions for row in inside)
        gone += sum(row.amortised for row in inside)
        written += sum(row.written_off for row in inside)
    return Amortisation(first, opening, additions, gone, written, opening + additions - gone - written)


def current_part(one: Asset, on: date, mode: RoundingMode = "half_up") -> tuple[int, int]:
    """Give the book value at the end of a day as (amortised within twelve months, later)."""
    start = on + _DAY
    book = one.cost - amortised(one, start, mode)
    within = amortised(one, after(start, Duration(1, "years")), mode) - amortised(one, start, mode)
    return within, book - within


def impairment(book: int, remaining_consideration: int, direct_costs: int) -> int:
    """Give what must be written down: book value above remaining consideration less direct costs, never below zero."""
    return max(0, book - max(0, remaining_consideration - direct_costs))


def _months(first: date, upto: date) -> int:
    return (upto.year - first.year) * 12 + upto.month - first.month
