"""What people say that will be booked."""

from __future__ import annotations

from . import fields as f
from .base import Event


class ForecastCall(Event):
    """What somebody says of a person's number in a period, on a day: never changed, only said anew.

    Amounts are cumulative: commit holds what is closed, best case holds commit, pipeline holds best case. A call that adjusts
    another leaves it as it was.
    """

    code = 73
    person = f.ref("person", "Whose number it is", db_index=True)
    scope = f.kind("own", "team", help_text="Their own deals, or those of everybody below them, too")
    starts_on = f.day("First day of the period")
    ends_on = f.day("Last day of the period")
    category = f.kind("pipeline", "best_case", "commit")
    type = f.kind("new", "expansion", "renewal", help_text="Empty: every type of deal")
    amount = f.money("Cumulative: everything in this category and above, what is closed included")
    currency = f.currency()
    due_on = f.day("Day of the deadline that it was in time for")
    made_by = f.ref("person", "Who said it; empty = somebody who is no person of the company")
    adjusts = f.integer("The id of the call that a manager put this one beside")
    reason = f.text("Why a manager says another figure")
    note = f.text()
