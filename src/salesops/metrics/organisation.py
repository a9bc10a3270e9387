"""The organisation as of a day: who reports to whom, how many people are below each, and who moved since another day.

People and reporting lines are open to everybody who is signed in (`records.scope`); what people sold is not, so amounts come from the
metric query of whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from .request import as_day
from .sql import day

LIMIT = 50
"""How many steps a chain of managers may have."""


@dataclass(frozen=True)
class Seat:
    """One person in the tree: `depth` from the top, `people` employed at and below, `change` since the other day.

    `change` is joined, moved, left or ""; `former` is the manager of the other day where it was another.
    """

    person: int
    name: str
    title: str
    manager: int | None
    depth: int
    direct: int
    people: int
    change: str = ""
    former: str = ""
    path: tuple[int, ...] = ()


@dataclass(frozen=True)
class Organisation:
    """The tree of a day, parents before their people and people by name, and those who were there on the other day only."""

    seats: tuple[Seat, ...]
    left: tuple[Seat, ...]
    as_of: date
    then: date | None

    @property
    def people(self) -> int:
        return len(self.seats)

    def to_dict(self) -> dict[str, Any]:
        """The tree, JSON-ready: people by their ids as text, days as text."""
        from salesops.output import plain

        found: dict[str, Any] = plain(
            {
                "as_of": self.as_of,
                "then": self.then,
                "people": self.people,
                "seats": _told(self.seats),
                "left": _told(self.left),
            }
        )
        return found

    def changed(self, change: str) -> tuple[Seat, ...]:
        """Those who joined, moved or left."""
        return self.left if change == "left" else tuple(one for one in self.seats if one.change == change)


def _told(seats: Iterable[Seat]) -> list[dict[str, Any]]:
    """Seats as dictionaries, without their paths: parents stand before their people."""
    return [
        {
            "person": str(one.person), "name": one.name, "title": one.title, "manager": None if one.manager is None else str(one.manager),
            "depth": one.depth, "direct": one.direct, "people": one.people, "change": one.change, "former": one.former,
        }
        for one in seats
    ]  # fmt: skip


def organisation(
    session: Any, actor: Any, *, as_of: date | str | None = None, then: date | str | None = None
) -> Organisation:
    """Everybody employed on a day (default: today) under the manager of that day; `then` compares with another day.

    A person without a manager who is employed stands at the top. Where nobody's employment is on record, everybody on record counts.
    """
    as_of = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    then = None if then is None else as_day(then, "then")
    names, titles = _people(session, as_of)
    now, before = _lines(session, as_of), _lines(session, then) if then else {}
    here, there = _employed(session, as_of, names), _employed(session, then, names) if then else set()
    parents = _without_circles({one: _employed_manager(one, now, here) for one in here})
    seats = tuple(_tree(here, parents, names, titles, _changes(here, there, now, before) if then else {}, before))
    gone = sorted(there - here, key=lambda one: names.get(one, ""))
    left = tuple(
        Seat(
            one,
            names.get(one, str(one)),
            titles.get(one, ""),
            before.get(one),
            0,
            0,
            0,
            "left",
            names.get(before.get(one) or 0, ""),
        )
        for one in gone
    )
    return Organisation(seats, left, as_of, then)


def chain(session: Any, actor: Any, person: int, *, as_of: date) -> list[tuple[int, str]]:
    """(id, name) of the managers of a person on a day, the nearest first."""
    names, _ = _people(session, as_of)
    lines = _lines(session, as_of)
    found: list[tuple[int, str]] = []
    seen = {person}
    at = lines.get(person)
    while at is not None and at not in seen and len(found) < LIMIT:
        found.append((at, names.get(at, str(at))))
        seen.add(at)
        at = lines.get(at)
    return found


def below(organisation: Organisation, amounts: Mapping[int, Any]) -> dict[int, Any]:
    """The sum of what everybody at and below a person has; people without an amount add nothing."""
    found: dict[int, Any] = {}
    for seat in organisation.seats:
        amount = amounts.get(seat.person)
        if amount is None:
            continue
        for one in (*seat.path, seat.person):
            found[one] = found.get(one, 0) + amount
    return found


def _people(session: Any, as_of: date) -> tuple[dict[int, str], dict[int, str]]:
    """Names and titles: those of the day, else the first known."""
    on = day(as_of)
    sql = (
        f"SELECT id, arg_max(name, CASE WHEN day_from <= {on} THEN day_from - {on} ELSE {on} - day_from - 100000 END) AS name, "
        f"arg_max(title, day_from) FILTER (WHERE day_from <= {on}) AS title FROM person GROUP BY id"
    )
    rows = session.query(sql).to_pylist()
    return {row["id"]: row["name"] or str(row["id"]) for row in rows}, {row["id"]: row["title"] or "" for row in rows}


def _lines(session: Any, as_of: date) -> dict[int, int]:
    """{person: manager} by the reporting line of a day."""
    on = day(as_of)
    sql = (
        "SELECT person, arg_max(manager, (valid_from, id)) AS manager FROM reporting_line "
        f"WHERE coalesce(kind, 'line') = 'line' AND valid_from <= {on} AND {on} < valid_to AND manager IS NOT NULL GROUP BY person"
    )
    return {row["person"]: row["manager"] for row in session.query(sql).to_pylist()}


def _employed(session: Any, as_of: date, names: Mapping[int, str]) -> set[int]:
    on = day(as_of)
    if not session.query("SELECT count(*) AS n FROM employment").to_pylist()[0]["n"]:
        sql = f"SELECT id AS person FROM person WHERE day_from <= {on} AND {on} < day_to AND NOT deleted AND coalesce(created_on, {on}) <= {on}"
    else:
        sql = f"SELECT DISTINCT person FROM employment WHERE valid_from <= {on} AND {on} < valid_to AND person IS NOT NULL"
    return {row["person"] for row in session.query(sql).to_pylist() if row["person"] in names}


def _employed_manager(person: int, lines: Mapping[int, int], here: set[int]) -> int | None:
    """The nearest manager who is employed on the day: who has left stands in nobody's way."""
    seen = {person}
    at = lines.get(person)
    while at is not None and at not in here and at not in seen:
        seen.add(at)
        at = lines.get(at)
    return at if at in here and at not in seen else None


def _without_circles(parents: dict[int, int | None]) -> dict[int, int | None]:
    """Parents in which nobody is above himself: whoever is, stands at the top."""
    for one in sorted(parents):
        at, seen = parents[one], {one}
        while at is not None and at not in seen:
            seen.add(at)
            at = parents[at]
        if at == one:
            parents[one] = None
    return parents


def _changes(here: set[int], there: set[int], now: Mapping[int, int], before: Mapping[int, int]) -> dict[int, str]:
    return {one: "joined" if one not in there else "moved" if now.get(one) != before.get(one) else "" for one in here}


def _tree(
    here: Iterable[int], parents: Mapping[int, int | None], names: Mapping[int, str], titles: Mapping[int, str],
    changes: Mapping[int, str], before: Mapping[int, int],
) -> list[Seat]:  # fmt: skip
    children: dict[int | None, list[int]] = {}
    for one in here:
        children.setdefault(parents[one], []).append(one)
    size: dict[int, int] = {}
    found: list[Seat] = []

    def count(one: int) -> int:
        size[one] = 1 + sum(count(child) for child in children.get(one, ()))
        return size[one]

    def walk(one: int, path: tuple[int, ...]) -> None:
        change = changes.get(one, "")
        former = names.get(before.get(one) or 0, "") if change == "moved" else ""
        found.append(
            Seat(one, names.get(one, str(one)), titles.get(one, ""), parents[one], len(path), len(children.get(one, ())), size[one], change, former, path)
        )  # fmt: skip
        for child in sorted(children.get(one, ()), key=lambda each: (not children.get(each), names.get(each, ""))):
            walk(child, (*path, one))

    tops = sorted(children.get(None, ()), key=lambda one: (not children.get(one), names.get(one, "")))
    for top in tops:
        count(top)
        walk(top, ())
    return found
