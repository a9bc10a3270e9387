"""Early warnings of a period: rules over what is expected, what is open and how people call. Pure: amounts are integers of 10^-4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from .calls import Caller

Kind = Literal["gap", "coverage", "single deal", "stale commit", "past its close date", "happy ears", "sandbagging"]
KINDS: Final[tuple[Kind, ...]] = (
    "gap",
    "coverage",
    "single deal",
    "past its close date",
    "stale commit",
    "happy ears",
    "sandbagging",
)
ONE_DEAL: Final = 0.2
"""Share of what is expected (what is booked included) that may hang on a single open deal."""
LEAST_PERIODS: Final = 3
"""Periods that somebody must have called before a pattern is told."""
PATTERN: Final = 0.2
"""How far from 1 the shrunk factor of a caller must be: 100 called bring less than 80, or more than 120."""


@dataclass(frozen=True)
class Deal:
    """A deal as warnings name it. `expected`: its part of the forecast; `amount`: what it states; `quiet`: why it is stale."""

    id: int
    name: str
    owner: str
    amount: int
    expected: int = 0
    due: date | None = None
    quiet: str = ""
    person: int | None = None
    """The owner's id."""


@dataclass(frozen=True)
class Standing:
    """Where a person's line (with everybody below) or the company (None) stands in the period; None = not known."""

    person: int | None
    name: str
    target: int | None = None
    booked: int = 0
    pipeline: int = 0
    """Stated amounts of open deals that should close in the period."""
    expected: int | None = None
    p_target: float | None = None
    deals: Sequence[Deal] = ()
    """Open deals of the forecast, the largest expected amount first."""


@dataclass(frozen=True)
class Warning:
    """One warning: of whom (None: the company), in words, how much is at stake, and the deals that it is about."""

    kind: Kind
    person: int | None
    name: str
    words: str
    amount: int | None
    share: float | None
    deals: tuple[Deal, ...] = ()


def of_standing(line: Standing, win_rate: float | None) -> list[Warning]:
    """Gap to the target, coverage, and dependence on a single deal; of each only what can be told.

    Coverage = pipeline / what is missing; it must be at least 1 / win rate (by value), for that is what is won of it. The gap opens
    to the deals with the largest expected amounts, coverage to the largest ones.
    """
    found = []
    if line.target and line.expected is not None and line.expected < line.target:
        gap = line.target - line.expected
        chance = "" if line.p_target is None else f", the chance to reach it {line.p_target:.0%}"
        words = f"{gap / line.target:.0%} of the target is not expected{chance}"
        found.append(Warning("gap", line.person, line.name, words, gap, gap / line.target, tuple(line.deals[:5])))
    missing = line.target - line.booked if line.target else 0
    if missing > 0 and win_rate:
        coverage, needed = line.pipeline / missing, 1 / win_rate
        if coverage < needed:
            words = (
                f"{coverage:.1f} times what is missing is open; a win rate of {win_rate:.0%} needs {needed:.1f} times"
            )
            largest = sorted(line.deals, key=lambda one: (-one.amount, one.id))[:5]
            short = round(missing / win_rate) - line.pipeline
            found.append(Warning("coverage", line.person, line.name, words, short, coverage * win_rate, tuple(largest)))
    return found + _single(line)


def _single(line: Standing) -> list[Warning]:
    if not line.deals or not line.expected or line.expected < 0:
        return []
    first = max(line.deals, key=lambda one: (one.expected, -one.id))
    share = first.expected / line.expected
    if share <= ONE_DEAL:
        return []
    words = f"{min(share, 1):.0%} of what is expected hangs on {first.name}"
    return [Warning("single deal", line.person, line.name, words, first.expected, min(share, 1.0), (first,))]


def of_commits(commits: Sequence[Deal], today: date) -> list[Warning]:
    """Deals in commit that nobody touches, or whose close date is past; one warning for each owner and kind.

    >>> [one.words for one in of_commits([Deal(1, "Elm", "Ann", 5, due=date(2026, 1, 1))], date(2026, 2, 1))]
    ['1 deal in commit should have closed already']
    """
    found = []
    late = [one for one in commits if one.due is not None and one.due < today]
    quiet = [one for one in commits if one.quiet and one not in late]
    no_touch = "in commit without activity for longer than usual in the stage"
    for kind, deals, words in (
        ("past its close date", late, "in commit should have closed already"),
        ("stale commit", quiet, no_touch),
    ):
        for person, owner in sorted({(one.person or 0, one.owner) for one in deals}):
            mine = tuple(
                sorted((one for one in deals if (one.person or 0) == person), key=lambda one: (-one.amount, one.id))
            )
            many = f"{len(mine)} deal{'s' if len(mine) > 1 else ''} {words}"
            total = sum(one.amount for one in mine)
            found.append(Warning(kind, person or None, owner, many, total, None, mine))  # type: ignore[arg-type]
    return found


def pattern(caller: Caller) -> Literal["happy ears", "sandbagging", ""]:
    """What somebody's calls look like: always too high, always too low, or nothing that could be told."""
    if caller.periods < LEAST_PERIODS or abs(1 - caller.factor) <= PATTERN:
        return ""
    return "happy ears" if caller.factor < 1 else "sandbagging"


def of_callers(callers: Mapping[int, Caller], names: Mapping[int, str]) -> list[Warning]:
    """People whose calls are too high or too low, period after period, after shrinking."""
    found = []
    for person, one in callers.items():
        if kind := pattern(one):
            words = f"{one.words[0].upper()}{one.words[1:]}"
            found.append(Warning(kind, person, names.get(person, str(person)), words, None, one.factor))
    return found


def in_order(found: Sequence[Warning]) -> list[Warning]:
    """By kind, the largest amount first."""
    return sorted(found, key=lambda one: (KINDS.index(one.kind), -(one.amount or 0), one.person or 0))
