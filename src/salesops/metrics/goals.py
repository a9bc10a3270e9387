"""Setting and listing targets of any metric: of the company, a business unit, a team or a person, for a fiscal period."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from salesops.common.errors import NotFound, UsageError
from salesops.common.periods import Period
from salesops.records import actions_targets, queries
from salesops.records.access import Actor
from salesops.records.actions_targets import WHOSE, Seen, put_target
from salesops.records.approvals import Waiting

from .calendars import unit_calendar
from .catalogue import asked
from .defined.kept import defined
from .definitions import Asked
from .session import calendar_of
from .target import is_amount

MOST = Decimal(10)
"""A share above this without a % is taken for a slip of the pen: 32 for 32 %."""


def set_target(
    session: Any,
    actor: Actor,
    metric: str,
    period: str,
    value: Any,
    *,
    kind: str = "goal",
    person: object | None = None,
    team: object | None = None,
    business_unit: object | None = None,
    currency: str | None = None,
    status: str = "published",
    provenance: str | None = None,
    effective: date | None = None,
    seen: Seen | None = None,
    days: tuple[date, date] | None = None,
    note: str = "",
) -> dict[str, Any] | Waiting:
    """Set what a metric (in one of its variants) should be in a period: `2026-Q3`, `FY2026`, `2026-03` or `2026-01-15..2026-02-28`.

    It is of the person, team or unit that is named, of the company without one; a unit's period is one of its own calendar. Shares
    are written `32 %` or 0.32. Setting it again makes a version, true from `effective` (default: now). Where `days` are
    said besides, they must be those of the period. Gives the record, and whether it was new. Raises NotFound for no such metric,
    UsageError for what it cannot be, Changed where it is not what was `seen` any more. One of a past period may need approval: then it is
    not set yet.
    """
    one = asked(metric, defined(session))
    unit = None if business_unit is None else queries.show_record(actor, "business_unit", business_unit).id
    span = span_of(session, period, unit)
    if days is not None and days != (span.start, span.end):
        raise UsageError(
            f"{span.key} is {span.start} to {span.end} here, not {days[0]} to {days[1]}", "Say the period, or its days"
        )
    money = is_amount(one)
    if currency and not money:
        raise UsageError(f"{one.name} is no amount of money", "Leave the currency out")
    given: dict[str, Any] = {
        "metric": one.name, "kind": kind, "period": span.key, "starts_on": span.start, "ends_on": span.end, "status": status,
        "person": person, "team": team, "business_unit": unit,
        ("amount" if money else "number"): _checked(one, value), "currency": currency, "provenance": provenance,
    }  # fmt: skip
    given = {name: said for name, said in given.items() if said is not None}
    done = put_target(actor, given, effective=effective, seen=seen, note=note)
    if isinstance(done, Waiting):
        return done
    record, created = done
    return {
        "id": str(record), "done": "created" if created else "changed", "metric": one.name, "kind": kind, "period": span.key,
        "starts_on": span.start, "ends_on": span.end,
    }  # fmt: skip


def withdraw_target(
    actor: Actor, record: object, *, effective: date | None = None, seen: Seen | None = None, note: str = ""
) -> Waiting | None:
    """Withdraw a target: from then on nobody has set it (which is not the same as 0). Its history stays."""
    return actions_targets.withdraw_target(actor, record, effective=effective, seen=seen, note=note)


def span_of(session: Any, period: str, unit: int | None = None) -> Period:
    """The days of a target's period: by the calendar of its unit where that has one of its own, else by the workspace's."""
    own = unit_calendar(session, None, "closed", str(unit)) if unit is not None else None
    return (own.calendar if own else calendar_of(session)).parse_period(period)


def list_targets(
    session: Any,
    actor: Actor,
    *,
    metric: str = "",
    kind: str = "",
    period: str = "",
    of: str = "",
    where: str = "",
    as_of: date | None = None,
    as_known_on: date | None = None,
) -> list[dict[str, Any]]:
    """The targets that the actor may see, one row each, by metric, days and owner; `of` names a person, team or unit, or `company`.

    `period` keeps those that share a day with it, `where` filters by
    fields of the record. `remark` tells of one that no answer takes: no such metric, no value.
    """
    known = defined(session)
    listing = queries.list_records(actor, "target", where=where, as_of=as_of, as_known_on=as_known_on)
    span = calendar_of(session).parse_period(period) if period else None
    wanted = asked(metric, known).name if metric else ""
    fields = {one.name: one for one in listing.fields}
    rows = []
    for row in listing.rows:
        said = {name: listing.value(row, fields[name]) for name in fields if not name.startswith("custom.")}
        whose = next((name for name in WHOSE if row[name] is not None), "")
        name = str(said[whose]) if whose else "company"
        one, remark = _asked(str(said["metric"] or ""), known)
        value = said["amount"] if one is not None and is_amount(one) else said["number"]
        if isinstance(value, Decimal):
            value = Decimal(f"{value.normalize():f}")
        if one is not None and value is None:
            remark = "it has no value: an amount for money, else a number"
        if (
            (wanted and (one.name if one else said["metric"]) != wanted)
            or (kind and said["kind"] != kind)
            or (of and of != name)
        ):
            continue
        starts, ends = said["starts_on"], said["ends_on"]
        if span is not None and (starts is None or ends is None or starts > span.end or ends < span.start):
            continue
        rows.append(
            {
                "metric": said["metric"],
                "kind": said["kind"],
                "of": name,
                "of_id": str(row[whose]) if whose else None,
                "scope": whose.replace("_", " ") or "company",
                "period": said["period"],
                "starts_on": starts,
                "ends_on": ends,
                "value": value,
                "currency": said["currency"] if one is not None and is_amount(one) else None,
                "status": said["status"],
                "provenance": said["provenance"],
                "id": str(row["id"]),
                "unit": one.unit if one else "",
                "remark": remark,
            }
        )
    return sorted(
        rows,
        key=lambda row: (str(row["metric"]), str(row["starts_on"]), str(row["scope"]), row["of"], str(row["kind"])),
    )


def _asked(name: str, known: Any) -> tuple[Asked | None, str]:
    try:
        return asked(name, known), ""
    except (NotFound, UsageError):
        return None, "there is no metric of this name: no answer takes it"


def _checked(one: Asked, value: Any) -> Any:
    """A value as `records` reads it; raises UsageError for a share that was surely meant in per cent."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise UsageError("nothing is said of the target", "Give a value; withdraw a target that holds no longer")
    if one.unit == "ratio" and not str(value).strip().endswith("%"):
        try:
            large = abs(Decimal(str(value).strip())) > MOST
        except InvalidOperation:
            return value  # told with the field's name when it is read
        if large:
            raise UsageError(f"{one.name} is a share, and {value} would be {value} times the whole", f"Write {value} %")
    return value
