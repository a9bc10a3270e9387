"""Targets: one record for each metric, kind, owner and span of days; saying it again makes a version of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from salesops.common.errors import Changed, UsageError

from . import actions, audit, queries
from .access import Actor

WHOSE = ("person", "team", "business_unit")


@dataclass(frozen=True)
class Seen:
    """What somebody saw before changing a target: its value (None: nobody had set it)."""

    value: Decimal | None


def put_target(
    actor: Actor, given: dict[str, Any], *, effective: actions.When = None, seen: Seen | None = None
) -> tuple[int, bool]:
    """Set a target from `metric`, `kind`, `starts_on`, `ends_on` and its values: the record, and whether it was created.

    It is of the `person`, `team` or `business_unit` that is named, of the company without one. Where there is a target of the same
    metric, kind, owner and days, its values are changed; what is equal already is not written. Where it is not what was `seen` any
    more, and not what is given either, nothing is written and Changed says what it is now, and by whom.
    """
    from django.db import transaction

    whose = {name: given[name] for name in WHOSE if given.get(name) is not None}
    if len(whose) > 1:
        raise UsageError("a target is of a person, a team or a business unit", remedy="Name one of them")
    tests = [f"{name} = {_text(given[name])}" for name in ("metric", "kind", "starts_on", "ends_on")]
    for name in WHOSE:
        found = queries.show_record(actor, name, whose[name]).id if name in whose else None
        tests.append(f"{name}.id is null" if found is None else f"{name}.id = '{found}'")
        if found is not None:
            given = {**given, name: found}
    with transaction.atomic():
        audit.lock()
        there = queries.list_records(actor, "target", where=" and ".join(tests), limit=1)
        if seen is not None:
            _check(
                actor,
                there.rows[0]["id"] if there.rows else None,
                seen,
                _read(given.get("amount", given.get("number"))),
            )
        if there.rows:
            record = int(there.rows[0]["id"])
            actions.edit_record(actor, "target", record, given, effective=effective)
            return record, False
        return actions.create_record(actor, "target", given, effective=effective), True


def withdraw_target(actor: Actor, record: object, *, effective: actions.When = None, seen: Seen | None = None) -> None:
    """Withdraw a target: from then on nobody has set it (which is not the same as 0). Its history stays. Changed as for `put_target`."""
    from django.db import transaction

    with transaction.atomic():
        audit.lock()
        if seen is not None:
            _check(actor, record, seen, None)
        actions.edit_record(actor, "target", record, {"status": "withdrawn"}, effective=effective)


def _check(actor: Actor, record: object | None, seen: Seen, wanted: Decimal | None) -> None:
    """Raise Changed where a target has become another than the one that was seen, and than the one that is wanted."""
    now, who = None, ""
    if record is not None:
        there = queries.show_record(actor, "target", record)
        if there.values["status"] != "withdrawn" and not there.deleted:
            fields = {one.name: one for one in there.fields}
            amount, number = (
                queries.value_of(there.values, fields[name], there.labels) for name in ("amount", "number")
            )
            now = _read(number if amount is None else amount)
        who = queries.history_of(actor, "target", there.id)[-1]["user"]
    if now in (seen.value, wanted):
        return
    said = "withdrawn" if now is None else f"set to {now.normalize():f}"
    raise Changed(f"the target was {said} by {who or 'somebody'} meanwhile", "Keep that value, or set yours again")


def _read(value: Any) -> Decimal | None:
    """A value as a number; None where there is none, or it is not one (which the record tells, with its field)."""
    text = str(value if value is not None else "").strip()
    try:
        return Decimal(text.removesuffix("%").strip()) / 100 if text.endswith("%") else Decimal(text)
    except InvalidOperation:
        return None


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
