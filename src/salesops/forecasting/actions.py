"""Saying what will be booked: one's own call, or a manager's figure beside that of somebody below. Nothing said is ever changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from salesops.common.errors import InvalidData, NotAllowed, Problem, UsageError
from salesops.common.money import check_currency, to_units
from salesops.metrics.organisation import organisation
from salesops.records import access, audit, context, scope
from salesops.records.access import Actor, require
from salesops.records.entities import entity as entity_of
from salesops.records.noted import enqueue
from salesops.records.writing import change_set, current_tick

from . import stored
from .queries import TYPES, _person, calls, deadline, moment, period_of
from .rollup import CATEGORIES

ON_BEHALF = ("owner", "admin", "ops", "exec")
"""Roles that may say a figure beside anybody's."""


def ask_run(actor: Actor) -> bool:
    """Have the worker make today's forecast now; says whether that is new: what waits, runs, or was made from the same records is not
    asked for twice. Role: office, finance, executives, engineers. `runs.running` tells how far it is."""
    from django.db import transaction

    from salesops.records.models import JobRun

    require(actor, "forecast")
    with transaction.atomic():
        audit.lock()
        under_way = JobRun.objects.filter(kind="forecast", key__isnull=False, status__in=("waiting", "running"))
        if under_way.exists():
            under_way.filter(status="waiting").update(
                due=context.clock()
            )  # one that waits for another try waits no longer
            return False
        grain = context.option("forecast_period", "quarter") or "quarter"
        key = f"forecast:{context.today()}:{grain}:{current_tick()}"
        over = ("failed",) if stored.numbers(context.folder() / "forecasts") else ("failed", "done")
        tried = JobRun.objects.filter(key__startswith=key, status__in=over).count()
        new = enqueue(
            "forecast",
            f"{key}:{tried}" if tried else key,
            access.ensure_owner(),
            subject="forecast",
            asked_by=actor.username,
        )
        if new:
            audit.write(actor, "forecast.ask", entity="forecast", rows=1, detail={"as_of": str(context.today())})
        return new


@dataclass(frozen=True)
class Said:
    """What a submission wrote: the calls by category (none where the same had been said for the same deadline), and that deadline's day."""

    ids: Mapping[str, str]
    due_on: date
    adjusts: bool


def submit(
    session: Any,
    actor: Actor,
    amounts: Mapping[str, Any],
    *,
    period: str | None = None,
    person: object | None = None,
    type: str | None = None,
    currency: str | None = None,
    note: str = "",
    reason: str = "",
) -> Said:
    """Call a period: `amounts` by category (commit, best_case, pipeline), cumulative, closed deals included.

    Of the actor's own number; with `person`, a manager's figure beside that of somebody below (or anybody, by role), which needs a
    `reason` and leaves the person's call as it was. It counts for the next deadline. What was said for it already in the same words is not
    written again. Raises InvalidData with every wrong figure, NotAllowed, UsageError for a period that has ended.
    """
    require(actor, "call")
    if type is not None and type not in TYPES:
        raise UsageError(f"there are no {type!r} deals", f"Use {', '.join(TYPES)}, or none for all")
    span = period_of(session, period)
    if span.end < context.today():
        raise UsageError(f"{span.key} ended on {span.end}", "Call a period that still runs, or one to come")
    tree = organisation(session, actor)
    who = _whose(actor, person, {seat.person: seat for seat in tree.seats})
    other = who != actor.person
    if other and not reason.strip():
        raise UsageError(
            "a figure beside somebody's call needs a reason", "Say why, for the one who called and those who read it"
        )
    code = check_currency(currency or context.currency())
    units = _checked(amounts)
    team = any(seat.manager == who for seat in tree.seats)
    said = _Saying(
        actor, who, "team" if team else "own", span.start, span.end, type, code, note.strip(), reason.strip()
    )
    return said.write(units, deadline().day(moment()))


def _whose(actor: Actor, person: object | None, seats: Mapping[int, Any]) -> int:
    if person is None:
        if actor.person is None:
            raise UsageError(
                f"{actor.username} is no person of the company, so there is no number to call",
                "Ask an admin to link your user to a person (Settings, People and access), or name a person",
            )
        return actor.person
    who = _person(person, seats)
    if who != actor.person and not actor.has(*ON_BEHALF) and who not in scope.visible_people(actor):
        raise NotAllowed(f"{actor.username} may not call for {seats[who].name}", "Only those above a person may")
    return who


def _checked(amounts: Mapping[str, Any]) -> dict[str, int]:
    """The amounts in 10^-4, checked all at once: known categories, numbers, none above the next."""
    problems: list[Problem] = []
    units: dict[str, int] = {}
    for name, value in amounts.items():
        if name not in CATEGORIES:
            problems.append(
                _problem(name, "is no category that is called", f"Categories: {', '.join(CATEGORIES)}", value)
            )
            continue
        try:
            units[name] = to_units(Decimal(str(value).strip()))
        except (InvalidOperation, ValueError, InvalidData):
            problems.append(
                _problem(name, f"{value!r} is no amount", "Write a number such as 125000 or 125000.50", value)
            )
            continue
        if units[name] < 0:
            problems.append(_problem(name, "is below zero", "Give 0 or more", value))
    named = [name for name in CATEGORIES if name in units]
    for low, high in pairwise(named):
        if units[low] > units[high]:
            remedy = f"Amounts are cumulative: {high.replace('_', ' ')} holds {low.replace('_', ' ')}"
            problems.append(_problem(high, f"is less than {low.replace('_', ' ')}", remedy, amounts[high]))
    if not amounts:
        problems.append(_problem("commit", "no amount was given", "Give at least one of " + ", ".join(CATEGORIES), ""))
    if problems:
        first = problems[0]
        raise InvalidData(
            f"the call cannot be taken: {first.field} {first.problem}", remedy=first.remedy, problems=problems
        )
    return units


def _problem(field: str, problem: str, remedy: str, value: Any) -> Problem:
    return Problem("forecast_call", None, field, problem, remedy, value=str(value))


@dataclass(frozen=True)
class _Saying:
    """Who says what of whom."""

    actor: Actor
    who: int
    scope: str
    starts_on: date
    ends_on: date
    type: str | None
    currency: str
    note: str
    reason: str

    def write(self, units: Mapping[str, int], due_on: date) -> Said:
        from django.db import transaction

        entity = entity_of("forecast_call")
        with transaction.atomic():
            audit.lock()
            there = self._there()
            new = {
                name: amount
                for name, amount in units.items()
                if not self._same(there.get((name, self.actor.person)), amount, due_on)
            }
            ids: dict[str, str] = {}
            if new:
                with change_set(self.actor, "call", entity) as edit:
                    for name, amount in new.items():
                        ids[name] = str(
                            edit.create(entity, self._row(name, amount, due_on, there.get((name, self.who))))
                        )
        return Said(ids, due_on, self.who != self.actor.person)

    def _there(self) -> dict[tuple[str, int | None], dict[str, Any]]:
        """The newest call by category and who said it."""
        rows = calls(self.actor, starts_on=self.starts_on, ends_on=self.ends_on, person=self.who, type=self.type)
        return {(row["category"], row["made_by"]): row for row in rows if row["scope"] == self.scope}

    def _same(self, row: Mapping[str, Any] | None, amount: int, due_on: date) -> bool:
        return row is not None and (row["amount"], row["due_on"], row["currency"], row["note"] or "", row["reason"] or "") == (
            amount, due_on, self.currency, self.note, self.reason,
        )  # fmt: skip

    def _row(self, category: str, amount: int, due_on: date, theirs: Mapping[str, Any] | None) -> dict[str, Any]:
        other = self.who != self.actor.person
        return {
            "at": context.now(), "person": self.who, "scope": self.scope, "starts_on": self.starts_on, "ends_on": self.ends_on, "category": category,
            "type": self.type, "amount": amount, "currency": self.currency, "due_on": due_on, "made_by": self.actor.person,
            "adjusts": theirs["id"] if other and theirs is not None else None, "note": self.note or None, "reason": (self.reason or None) if other else None,
        }  # fmt: skip
