"""What business units have of their own, as it is now: the time zone in which their days end, and a fiscal calendar."""

from __future__ import annotations

from dataclasses import replace

from salesops.common.errors import InvalidData
from salesops.common.periods import FiscalCalendar, UnitCalendar


def unit_zones() -> dict[int, str]:
    """The time zone of each business unit that has one."""
    from .models import BusinessUnit

    named = BusinessUnit.objects.exclude(time_zone=None).exclude(time_zone="")
    return dict(named.values_list("id", "time_zone"))


def unit_calendars(workspace: FiscalCalendar) -> list[UnitCalendar]:
    """The fiscal calendar of each business unit whose calendar is another than the workspace's, in the order of their ids.

    What a calendar does not say is as in the workspace's. Equal calendars have one number. A calendar that cannot be is given with
    what is wrong in it: only questions about its unit fail.
    """
    from .models import BusinessUnit, Calendar

    rows = {c.pk: c for c in Calendar.objects.all()}
    numbers: dict[FiscalCalendar, int] = {}
    found = []
    for unit in BusinessUnit.objects.filter(deleted=False).exclude(calendar=None).order_by("id"):
        row = rows.get(unit.calendar)
        if row is None:
            continue
        own = {
            "kind": row.pattern,
            "start_month": row.start_month,
            "week_start": row.week_start,
            "year_named_by": row.year_named_by,
        }
        calendar, problem = workspace, ""
        try:
            calendar = replace(workspace, **{name: value for name, value in own.items() if value is not None})
        except InvalidData as error:
            problem = f"{row.name or 'its calendar'}: {error}"
        if calendar != workspace or problem:
            number = numbers.setdefault(calendar, len(numbers) + 1)
            found.append(UnitCalendar(unit.pk, unit.name or str(unit.pk), number, calendar, problem))
    return found
