"""Targets: one record for each metric, kind, owner and span of days; saying it again makes a version of it."""

from __future__ import annotations

from typing import Any

from salesops.common.errors import UsageError

from . import actions, queries
from .access import Actor

WHOSE = ("person", "team", "business_unit")


def put_target(actor: Actor, given: dict[str, Any], *, effective: actions.When = None) -> tuple[int, bool]:
    """Set a target from `metric`, `kind`, `starts_on`, `ends_on` and its values: the record, and whether it was created.

    It is of the `person`, `team` or `business_unit` that is named, of the company without one. Where there is a target of the same
    metric, kind, owner and days, its values are changed; what is equal already is not written.
    """
    whose = {name: given[name] for name in WHOSE if given.get(name) is not None}
    if len(whose) > 1:
        raise UsageError("a target is of a person, a team or a business unit", remedy="Name one of them")
    tests = [f"{name} = {_text(given[name])}" for name in ("metric", "kind", "starts_on", "ends_on")]
    for name in WHOSE:
        found = queries.show_record(actor, name, whose[name]).id if name in whose else None
        tests.append(f"{name}.id is null" if found is None else f"{name}.id = '{found}'")
        if found is not None:
            given = {**given, name: found}
    there = queries.list_records(actor, "target", where=" and ".join(tests), limit=1)
    if there.rows:
        record = int(there.rows[0]["id"])
        actions.edit_record(actor, "target", record, given, effective=effective)
        return record, False
    return actions.create_record(actor, "target", given, effective=effective), True


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
