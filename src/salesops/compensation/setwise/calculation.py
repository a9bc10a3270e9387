"""Runs the steps of a calculation in their order, and gives the results as Arrow tables in their one order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from salesops.common.errors import Problem
from salesops.common.expressions import Schema
from salesops.common.periods import FiscalCalendar
from salesops.compensation.plan import Plan
from salesops.compensation.setwise import caps, credits, earning, facts, gates, pennies, results, scope, windows
from salesops.compensation.setwise.work import Grain, Work, begin, pay_periods


@dataclass(frozen=True)
class Outcome:
    """What a calculation found: its work (with the tables in ``calc``), and what is wrong in people's data."""

    work: Work
    problems: tuple[Problem, ...]

    def lines(self) -> pa.Table:
        """Give the earning lines, by payee, component, period and their order."""
        return pa.Table.from_batches(results.lines(self.work), results.LINE)

    def results(self) -> pa.Table:
        """Give the component results, by payee, component and period."""
        return results.results(self.work)

    def credits(self) -> pa.Table:
        """Give the direct credits, by payee, measure and their order."""
        return results.credits(self.work)


def calculate(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    calendar: FiscalCalendar,
    schema: Schema,
    through: date,
    grain: Grain = "deal",
) -> Outcome:
    """Calculate a plan's pay periods from its first day on, with what is credited through a day.

    Raises InvalidData for a plan that uses what this back end does not do.
    """
    scope.check(plan, grain)
    begin(con)
    return run(Work(con, plan, calendar, schema, pay_periods(plan, calendar, through), through, grain))


def run(work: Work) -> Outcome:
    """Run the steps of a calculation, of all payees or of the work's subset."""
    facts.check_amounts(work)
    problems = facts.read_lines(work)
    credits.number_names(work)
    problems += credits.credit_directly(work)
    credits.roll_up(work)
    who, wrong = windows.payees(work)
    problems += wrong
    found = windows.read_windows(work)
    problems += windows.make_steps(work, found, who)
    gates.make_openings(work, found, who)
    earning.accumulate(work)
    earning.make_lines(work)
    pennies.round_totals(work)
    gates.show(work)
    pennies.spread(work)
    caps.keep(work)
    return Outcome(work, _distinct(problems))


def _distinct(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))
