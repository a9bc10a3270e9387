"""Targets: one record for each metric, kind, owner and span of days; saying it again makes a version of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from salesops.common.errors import Changed, UsageError

from . import actions, approvals, audit, history, queries, resolve
from .access import Actor, require
from .approvals import Decided, Kind, Line, Plan, Waiting
from .entities import entity as entity_of

WHOSE = ("person", "team", "business_unit")


@dataclass(frozen=True)
class Seen:
    """What somebody saw before changing a target: its value (None: nobody had set it)."""

    value: Decimal | None


def put_target(
    actor: Actor, given: dict[str, Any], *, effective: actions.When = None, seen: Seen | None = None, note: str = ""
) -> tuple[int, bool] | Waiting:
    """Set a target from `metric`, `kind`, `starts_on`, `ends_on` and its values: the record, and whether it was created.

    It is of the `person`, `team` or `business_unit` that is named, of the company without one. Where there is a target of the same
    metric, kind, owner and days, its values are changed; what is equal already is not written. Where it is not what was `seen` any
    more, and not what is given either, nothing is written and Changed says what it is now, and by whom. One of a period that
    has ended may need approval: then nothing is written yet.
    """
    from django.db import transaction

    require(actor, "edit", "target")
    given, where = _identified(actor, given)
    with transaction.atomic():
        audit.lock()
        there = queries.list_records(actor, "target", where=where, limit=1)
        record = int(there.rows[0]["id"]) if there.rows else None
        if seen is not None:
            _check(actor, record, seen, _read(given.get("amount", given.get("number"))))
        if not actions.is_past(given.get("ends_on")):
            return _put(actor, record, given, effective, approvals.at_once)
        held = {
            "given": {name: _canonical(value) for name, value in given.items()},
            "record": record,
            "effective": _canonical(effective),
        }
        value = given.get("amount", given.get("number"))
        title = f"Set {given.get('metric')} of {_whose(actor, given)} for {given.get('period') or given.get('ends_on')}"
        line = Line(str(given.get("metric")), _value_of(actor, record), str(value if value is not None else ""))
        key = audit.digest_of(where)[:16]
        plan = Plan("past_targets", title, "target", str(record or key), held, _base(held), [line])
        done: tuple[int, bool] | Waiting = approvals.through(
            actor, plan, lambda decided: _put(actor, record, given, effective, decided), note
        )
        return done


def _identified(actor: Actor, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What was given with the owner's id, and the filter that finds the same target."""
    whose = {name: given[name] for name in WHOSE if given.get(name) is not None}
    if len(whose) > 1:
        raise UsageError("a target is of a person, a team or a business unit", remedy="Name one of them")
    tests = [f"{name} = {_text(given[name])}" for name in ("metric", "kind", "starts_on", "ends_on")]
    for name in WHOSE:
        found = queries.show_record(actor, name, whose[name]).id if name in whose else None
        tests.append(f"{name}.id is null" if found is None else f"{name}.id = '{found}'")
        if found is not None:
            given = {**given, name: found}
    return given, " and ".join(tests)


def _put(
    actor: Actor, record: int | None, given: dict[str, Any], effective: actions.When, decided: Decided
) -> tuple[int, bool]:
    from django.db import transaction

    with transaction.atomic(), approvals.passing("past_targets"):
        decided()
        if record is not None:
            actions.edit_record(actor, "target", record, given, effective=effective)
            return record, False
        return actions.create_record(actor, "target", given, effective=effective), True


def withdraw_target(
    actor: Actor, record: object, *, effective: actions.When = None, seen: Seen | None = None, note: str = ""
) -> Waiting | None:
    """Withdraw a target: from then on nobody has set it (which is not the same as 0). Its history stays. Changed as for `put_target`.

    One of a period that has ended may need approval: then it stands as yet.
    """
    from django.db import transaction

    with transaction.atomic():
        audit.lock()
        require(actor, "edit", "target")
        if seen is not None:
            _check(actor, record, seen, None)
        there = queries.show_record(actor, "target", record)
        if not actions.is_past(there.values.get("ends_on")):
            _withdraw(actor, there.id, effective, approvals.at_once)
            return None
        held = {"withdraw": True, "record": there.id, "effective": _canonical(effective)}
        metric = str(there.values.get("metric"))
        title = f"Withdraw {metric} of {_whose(actor, there.values)} for {there.values.get('period') or there.values.get('ends_on')}"
        plan = Plan(
            "past_targets",
            title,
            "target",
            str(there.id),
            held,
            _base(held),
            [Line(metric, _value_of(actor, there.id), "withdrawn")],
        )
        done: Waiting | None = approvals.through(
            actor, plan, lambda decided: _withdraw(actor, there.id, effective, decided), note
        )
        return done


def _withdraw(actor: Actor, record: int, effective: actions.When, decided: Decided) -> None:
    from django.db import transaction

    with transaction.atomic(), approvals.passing("past_targets"):
        decided()
        actions.edit_record(actor, "target", record, {"status": "withdrawn"}, effective=effective)


def _apply(actor: Actor, held: dict[str, Any], decided: Decided) -> Any:
    effective = held["effective"]
    when = date.fromisoformat(effective) if isinstance(effective, str) else effective
    if held.get("withdraw"):
        return _withdraw(actor, held["record"], when, decided)
    return _put(actor, held["record"], held["given"], when, decided)


def _base(held: dict[str, Any]) -> str:
    """The target's version; or that there is still none of the same metric, owner and days."""
    from .models import Target

    if held["record"] is not None:
        return str(history.version_of(entity_of("target"), held["record"]))
    given = held["given"]
    same = {name: given[name] for name in ("metric", "kind", "starts_on", "ends_on")}
    whose = {name: int(given[name]) if given.get(name) is not None else None for name in WHOSE}
    return audit.digest_of(sorted(Target.objects.filter(deleted=False, **same, **whose).values_list("id", flat=True)))


approvals.register(Kind("past_targets", "Target of a past period", "approve", _apply, _base))


def _canonical(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)


def _whose(actor: Actor, values: Any) -> str:
    """The name of whom a target is of."""
    for name in WHOSE:
        if values.get(name) is not None:
            return str(
                resolve.labels(actor, {name: [int(values[name])]}).get(name, {}).get(int(values[name]), values[name])
            )
    return "the company"


def _value_of(actor: Actor, record: int | None) -> str:
    """What a target is now, as people read it; empty where nobody has set it."""
    if record is None:
        return ""
    there = queries.show_record(actor, "target", record)
    if there.deleted or there.values.get("status") == "withdrawn":
        return ""
    fields = {one.name: one for one in there.fields}
    name = "amount" if there.values.get("amount") is not None else "number"
    value = queries.value_of(there.values, fields[name], there.labels)
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value or "")


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
