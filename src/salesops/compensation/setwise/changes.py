"""Calculates anew only what a change reaches: the payees of changed deals, their managers, and nobody else.

The tables in ``given`` hold the state after the change; the run before says who was credited with the changed deals.
Direct credits of everybody else come from the stored run. What is stored on top of the run is what a calculation of
everybody would give these payees, so that both together are equal to it, byte for byte (``store.compact``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import duckdb

from salesops.common.errors import InvalidData
from salesops.common.expressions import Schema
from salesops.common.periods import FiscalCalendar
from salesops.compensation.plan import ROLLUP, Plan
from salesops.compensation.setwise import calculation, scope, store
from salesops.compensation.setwise.work import Grain, Subset, Work, begin, pay_periods


def recalculate(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    calendar: FiscalCalendar,
    schema: Schema,
    through: date,
    parent: store.Run,
    deals: Iterable[str],
    payees: Iterable[str] = (),
    grain: Grain = "day",
) -> calculation.Outcome:
    """Calculate the payees whom changed ``deals`` reach, and ``payees`` (with their managers); store it with ``parent``.

    ``payees`` names everybody of whom a row of assignment, absence, quota, target or reporting line changed (of a line:
    the person and the managers before and after). Raises InvalidData where the run before is of another plan, day, grain
    or version of the calculation.
    """
    scope.check(plan, grain)
    begin(con)
    work = Work(con, plan, calendar, schema, pay_periods(plan, calendar, through), through, grain)
    if store.about(work) != parent.about:
        raise InvalidData(f"Run {parent.name} is of another plan, day, grain or version", "Calculate all payees")
    work.put("changed", {"deal": "VARCHAR"}, ((deal,) for deal in sorted(set(deals))))
    payees = sorted(set(payees))
    work.put("named", {"payee": "VARCHAR"}, ((payee,) for payee in payees))
    _reached(work, parent)
    work.subset = _subset(parent, grain, bool(payees))
    return calculation.run(work)


def _subset(parent: store.Run, grain: Grain, people_changed: bool) -> Subset:
    """Say what is taken from the run before: managers' sums by day where no reporting line can have changed, else credits."""
    people = "SELECT payee FROM calc.person"
    if grain == "day" and not people_changed:
        return Subset(f"SELECT * FROM ({parent.sql('credits')}) WHERE payee IN ({people})", parent.sql("rolled"))
    return Subset(parent.sql("credits", people))


def _reached(work: Work, parent: store.Run) -> None:
    """Make ``calc.person``, ``calc.dirty`` and ``calc.wanted``."""
    changed = "deal IN (SELECT deal FROM calc.changed)"
    work.make("touched", f"""
        SELECT payee FROM calc.named UNION SELECT payee FROM given.claim WHERE {changed}
        UNION SELECT payee FROM ({parent.sql("credits")}) WHERE {changed}""")  # fmt: skip
    rolls = any(ROLLUP in one.credit for one in work.plan.measures)
    managers = "SELECT ancestor FROM given.closure WHERE person IN (SELECT payee FROM calc.touched)"
    work.make("dirty", "SELECT payee FROM calc.touched" + (f" UNION {managers}" if rolls else ""))
    people = "SELECT payee FROM calc.dirty"
    if rolls and work.grain == "deal":  # a manager's deals are those of everybody below
        people += " UNION SELECT person FROM given.closure WHERE ancestor IN (SELECT payee FROM calc.dirty)"
    work.make("person", people)
    work.make(
        "wanted",
        "SELECT deal FROM calc.changed UNION SELECT deal FROM given.claim WHERE payee IN (SELECT payee FROM calc.person)",
    )
