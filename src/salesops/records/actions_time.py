"""The weekly time survey: what a person says about a week, in minutes by category (`time_report`, made in the product).

One report a category and week, dated by the week's last day. Saying it again corrects the rows of before, so that a week is
never counted twice; categories that an import brought stand beside and are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from salesops.common.errors import InvalidData, Problem, UsageError

from . import audit, context, history, scope
from .access import Actor, require
from .entities import entity as entity_of
from .names import APP
from .writing import change_set

CATEGORIES = ("selling", "outreach", "customer", "admin", "crm_entry", "internal", "training", "travel", "other")
"""What a week is split into: the first three are selling time (`facts/reported.sql`)."""
MOST = 7 * 24 * 60
"""Minutes of a week."""


def reported(actor: Actor, last: date) -> dict[str, int]:
    """Minutes by category that the actor's own person reported in the product for the week that ends with `last`."""
    return {category: minutes for _, category, minutes in _rows(actor, last) if minutes}


def answered(actor: Actor, first: date, last: date) -> set[int]:
    """The people, of those whom the actor sees, with any report of time from one day to another (both included)."""
    entity = entity_of("time_report")
    rows = _live().filter(at__gte=context.day_start(first), at__lt=context.day_end(last), deleted=False)
    return set(rows.filter(scope.visible_filter(actor, entity)).values_list("person", flat=True).distinct()) - {None}


def report_week(actor: Actor, last: date, minutes: Mapping[str, int]) -> int:
    """Report the week that ends with `last` for the actor's own person; gives how many categories were written.

    What was said before and is not in `minutes` (or 0 there) is taken back. Only the week before this one can be reported, until it
    ends. Raises UsageError for another week or a user who is nobody's, InvalidData with every wrong figure.
    """
    from django.db import transaction

    entity = entity_of("time_report")
    require(actor, "create", entity)
    if actor.person is None:
        raise UsageError(
            f"{actor.username} is no person of the company, so there is no week to report",
            remedy="Ask an admin to link your user to a person (Settings, People and access)",
        )
    if not 1 <= (context.today() - last).days <= 7:
        raise UsageError(f"the week to {last} cannot be reported now", remedy="Report last week, until this week ends")
    _check(minutes)
    with transaction.atomic():
        audit.lock()
        there = {category: (number, told) for number, category, told in _rows(actor, last)}
        told = {category: told for category, (_, told) in there.items()}
        wanted = {category: value for category, value in minutes.items() if value != told.get(category, 0)}
        wanted |= {category: 0 for category, value in told.items() if value and category not in minutes}
        if not wanted:
            return 0
        with change_set(actor, "edit", entity) as edit:
            for category in sorted(wanted):
                value = {"minutes": wanted[category]}
                if category in there:
                    edit.correct(entity, there[category][0], value)
                else:
                    about = {"person": actor.person, "category": category, "at": context.day_start(last)}
                    edit.create(entity, about | value)
    return len(wanted)


def _check(minutes: Mapping[str, int]) -> None:
    problems = [
        Problem("time_report", None, category, "is no category of the survey", f"Categories: {', '.join(CATEGORIES)}")
        for category in minutes if category not in CATEGORIES
    ]  # fmt: skip
    problems += [
        Problem("time_report", None, category, f"{value} minutes are not possible", "Give 0 or more", value=str(value))
        for category, value in minutes.items() if value < 0
    ]  # fmt: skip
    if (total := sum(minutes.values())) > MOST:
        problems.append(Problem("time_report", None, "minutes", "the sum is more than a week has", "Give 168 hours at most", value=str(total)))  # fmt: skip
    if not problems and not total:
        problems.append(
            Problem("time_report", None, "minutes", "no hours were given", "Give hours to one kind at least")
        )
    if problems:
        first = problems[0]
        raise InvalidData(f"the week cannot be reported: {first.problem}", remedy=first.remedy, problems=problems)


def _live() -> Any:
    rows = entity_of("time_report").model.objects
    return rows.filter(recorded_to__isnull=True, batch__in=history.live_batches())


def _rows(actor: Actor, last: date) -> list[tuple[int, str, int]]:
    """(id, category, minutes) of the survey's reports of the actor's person for a week."""
    if actor.person is None:
        return []
    at = context.day_start(last)
    rows = _live().filter(person=actor.person, system=APP, at=at, deleted=False, category__in=CATEGORIES)
    return list(rows.order_by("id").values_list("id", "category", "minutes"))
