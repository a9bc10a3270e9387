"""Computes prizes by rank, within a group. Ties share the prizes of their ranks, or each gets the rank's, or are broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby

from salesops.common.allocation import allocate
from salesops.compensation.plan import Contest


@dataclass(frozen=True, slots=True)
class Entrant:
    """Somebody in a contest: the value that is ranked, and what breaks ties: when it was reached, and how many deals."""

    payee: str
    value: Fraction | int
    qualifies: bool = True
    reached_on: date | None = None
    deals: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Award:
    """A place and its prize in minor units. ``rank`` is shared by ties."""

    payee: str
    rank: int
    cents: int
    group: str = ""


def awards(contest: Contest, entrants: Iterable[Entrant]) -> list[Award]:
    """Give the places and prizes of those who qualify, group by group."""
    groups: dict[str, list[Entrant]] = defaultdict(list)
    for entrant in entrants:
        if entrant.qualifies:
            groups[entrant.group if contest.within else ""].append(entrant)
    return [award for group in sorted(groups) for award in _ranked(contest, groups[group], group)]


def _ranked(contest: Contest, entrants: Sequence[Entrant], group: str) -> list[Award]:
    ordered = sorted(entrants, key=lambda one: one.payee)
    ordered.sort(key=lambda one: _place(contest, one))
    found: list[Award] = []
    rank = place = 0  # dense rank, and how many are placed
    for _, tied in groupby(ordered, key=lambda one: _place(contest, one)):
        payees = [one.payee for one in tied]
        found += [
            Award(payee, place + 1, cents, group) for payee, cents in _prizes(contest, payees, rank, place).items()
        ]
        rank, place = rank + 1, place + len(payees)
    return found


def _prizes(contest: Contest, payees: Sequence[str], rank: int, place: int) -> dict[str, int]:
    if contest.ties == "dense":
        prize = contest.prizes[rank] if rank < len(contest.prizes) else 0
        return dict.fromkeys(payees, prize)
    return allocate(sum(contest.prizes[place : place + len(payees)]), dict.fromkeys(payees, 1))


def _place(contest: Contest, one: Entrant) -> tuple[object, ...]:
    keys: list[object] = [-one.value]
    if contest.ties == "tie_break":
        for rule in contest.tie_break:
            keys.append((one.reached_on or date.max) if rule == "earliest_to_reach" else -one.deals)
    return tuple(keys)
