"""The forecast board: what everybody's deals say, what they said themselves, what managers made of it, added up the reporting line.

All amounts are integers of 10^-4 in one currency, cumulative: commit holds closed, best case holds commit, pipeline holds best case. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CATEGORIES = ("commit", "best_case", "pipeline")
"""What is called, from the surest on."""


Key = tuple[int, str, str, bool]
"""Person, scope, category, and whether the person said it."""


@dataclass(frozen=True)
class Call:
    """One call as it stands: of a person's number (their own deals, or with those below), by somebody, for one category."""

    id: int
    person: int
    scope: str
    category: str
    amount: int | None
    made_by: int | None
    at: int
    due_on: object = None
    adjusts: int | None = None
    note: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Counted:
    """What counts of one category on a line: `origin` is call, adjusted, rolled_up (from below), or deals (nobody called).

    `original` is the call that a manager adjusted; `missing` counts people below without a call, whose deals counted instead.
    """

    amount: int
    origin: str
    call: Call | None = None
    original: Call | None = None
    missing: int = 0


@dataclass(frozen=True)
class Line:
    """A person on the board. `deals`: cumulative amounts of the deals by category, with `closed`; of their own and those below."""

    person: int
    depth: int
    deals: Mapping[str, int]
    own: Mapping[str, int]
    counted: Mapping[str, Counted]
    mine: Mapping[str, Call] = field(default_factory=dict)


def cumulative(single: Mapping[str, int]) -> dict[str, int]:
    """closed, commit, best_case and pipeline, each holding those before it.

    >>> cumulative({"closed": 10, "best_case": 5})
    {'closed': 10, 'commit': 10, 'best_case': 15, 'pipeline': 15}
    """
    total, found = 0, {}
    for name in ("closed", *CATEGORIES):
        total += single.get(name, 0)
        found[name] = total
    return found


def roll_up(
    parents: Mapping[int, int | None], single: Mapping[int, Mapping[str, int]], calls: Iterable[Call]
) -> dict[int, Line]:
    """The board's line of every person of `parents` (person -> manager, tops have none).

    `single`: amounts of each person's own deals by category (not cumulative). `calls`: every call of the period up to the moment asked about,
    in any order. What counts of a person: the newest figure that somebody above put beside the newest call, else that call, else (of
    managers) what rolls up from below and the own call, else the deals.
    """
    below: dict[int | None, list[int]] = {}
    for person, manager in parents.items():
        below.setdefault(manager if manager in parents else None, []).append(person)
    latest = _latest(calls)
    found: dict[int, Line] = {}
    stack: list[tuple[int, int, bool]] = [(one, 0, False) for one in below.get(None, ())]
    while stack:
        person, depth, ready = stack.pop()
        if not ready:
            stack.append((person, depth, True))
            stack += [(one, depth + 1, False) for one in below.get(person, ())]
            continue
        found[person] = _line(person, depth, below.get(person, []), single, latest, found)
    return found


def _latest(calls: Iterable[Call]) -> dict[Key, Call]:
    """The newest call of each person by scope and category, and the newest figure of somebody else beside it."""
    found: dict[Key, Call] = {}
    for one in calls:
        key = (one.person, one.scope, one.category, one.made_by == one.person)
        if key not in found or (found[key].at, found[key].id) < (one.at, one.id):
            found[key] = one
    return found


def _line(
    person: int, depth: int, reports: list[int], single: Mapping[int, Mapping[str, int]],
    latest: Mapping[Key, Call], found: Mapping[int, Line],
) -> Line:  # fmt: skip
    own = cumulative(single.get(person, {}))
    deals = {name: own[name] + sum(found[one].deals[name] for one in reports) for name in own}
    scope = "team" if reports else "own"
    counted, mine = {}, {}
    for category in CATEGORIES:
        said = latest.get((person, scope, category, True))
        if said is not None:
            mine[category] = said
        counted[category] = _counted(person, category, scope, said, own, reports, latest, found)
    return Line(person, depth, deals, own, counted, mine)


def _counted(
    person: int, category: str, scope: str, said: Call | None, own: Mapping[str, int], reports: list[int],
    latest: Mapping[Key, Call], found: Mapping[int, Line],
) -> Counted:  # fmt: skip
    adjusted = latest.get((person, scope, category, False))
    if adjusted is not None and adjusted.amount is not None and (said is None or adjusted.adjusts == said.id):
        return Counted(adjusted.amount, "adjusted", adjusted, said)
    if said is not None and said.amount is not None:
        return Counted(said.amount, "call", said)
    alone = latest.get((person, "own", category, True)) if reports else None
    if not reports:
        return Counted(own[category], "deals", missing=1 if own["pipeline"] else 0)
    parts = [found[one].counted[category] for one in reports]
    mine = alone.amount if alone is not None and alone.amount is not None else own[category]
    missing = sum(one.missing for one in parts) + (1 if alone is None and own["pipeline"] else 0)
    origin = "deals" if alone is None and all(one.origin == "deals" for one in parts) else "rolled_up"
    return Counted(mine + sum(one.amount for one in parts), origin, missing=missing)
