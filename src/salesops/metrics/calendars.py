"""By whose fiscal calendar a question counts its periods: the workspace's, or that of the one business unit it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salesops.common.errors import InvalidData, UsageError
from salesops.common.expressions import parse
from salesops.common.expressions.tree import Compare, Constant, Field, Logic, Node, OneOf
from salesops.common.periods import UnitCalendar

from .dimensions import GRAINS, Dimensions, labels
from .facts import fact
from .filters import Filter

UNIT = "business_unit"
WORKSPACE = "workspace"


def unit_calendar(
    session: Any, where: str | Mapping[str, Any] | None, over: str, named: str | None = None
) -> UnitCalendar | None:
    """The calendar of the unit that `named` says, else of the one unit that `where` keeps; None: the workspace's.

    `over` is the fact that `where` filters. Raises UsageError where no unit is called `named`, or its calendar cannot be used.
    """
    known: tuple[UnitCalendar, ...] = getattr(session.manifest, "calendars", ())
    if named is None and not known:
        return None
    wanted: Any = named
    if named is None:
        wanted = _of_mapping(where) if isinstance(where, Mapping) else _of_text(session, where, over)
    elif named.strip().casefold() == WORKSPACE:
        return None
    if wanted is None:
        return None
    found = {one.number: one for one in known if wanted in (one.unit, one.name) or wanted == str(one.unit)}
    if named is not None and not found:
        _check(session, named)
    if len(found) != 1:
        return None
    own = next(iter(found.values()))
    if own.problem:
        raise UsageError(
            f"the fiscal calendar of {own.name} cannot be used: {own.problem}", "Correct that calendar and refresh"
        )
    return own


def note_of(own: UnitCalendar | None, grain: str, by: tuple[str, ...] = ()) -> list[str]:
    """What an answer says of its calendar, where that is a unit's and the answer has periods."""
    if own is None or (grain == "all" and not any(name.endswith(tuple(f"_{g}" for g in GRAINS)) for name in by)):
        return []
    return [
        f"periods are those of the fiscal calendar of {own.name} ({own.calendar.described}), not of the workspace's"
    ]


def _check(session: Any, named: str) -> None:
    rows = session.query(labels(UNIT)).to_pylist()
    if not any(named in (row["label"], str(row["id"])) for row in rows):
        units = ", ".join(sorted(row["label"] for row in rows if row["label"])) or "there is none yet"
        raise UsageError(f"there is no business unit {named!r}", f"Units: {units}; or {WORKSPACE}")


def _of_mapping(where: Mapping[str, Any]) -> Any:
    value = where.get(UNIT)
    several = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
    return several[0] if len(several) == 1 else None


def _of_text(session: Any, where: str | None, over: str) -> Any:
    if not where or UNIT not in where:
        return None
    try:
        tree = parse(where, Filter(Dimensions(session, fact(over)))._schema(), "bool", "where").node
    except InvalidData:  # told with the field's name when the question is built
        return None
    return _kept(tree)


def _kept(node: Node) -> Any:
    """The one unit to which a condition keeps, None where it may hold for several."""
    match node:
        case Logic(word="and"):
            return next((unit for part in node.parts if (unit := _kept(part)) is not None), None)
        case Compare(comparison="==" | "=", left=Field(name="business_unit"), right=Constant(value=unit)):
            return unit
        case Compare(comparison="==" | "=", left=Constant(value=unit), right=Field(name="business_unit")):
            return unit
        case OneOf(value=Field(name="business_unit"), options=(Constant(value=unit),)):
            return unit
        case _:
            return None
