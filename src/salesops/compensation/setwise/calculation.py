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
from salesops.compensation.setwise import credits, earning, facts, pennies, scope, windows
from salesops.compensation.setwise.work import Grain, Work, begin, pay_periods


@dataclass(frozen=True)
class Outcome:
    """What a calculation found: its work (with the tables in ``calc``), and what is wrong in people's data."""

    work: Work
    problems: tuple[Problem, ...]

    def lines(self) -> pa.Table:
        """Give the earning lines, by payee, component, period and their order."""
        return self.work.con.execute(LINES).to_arrow_table()

    def results(self) -> pa.Table:
        """Give the component results, by payee, component and period."""
        return self.work.con.execute(RESULTS).to_arrow_table()

    def credits(self) -> pa.Table:
        """Give the credits, by measure, payee and their order."""
        return self.work.con.execute(CREDITS).to_arrow_table()


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
    work = Work(con, plan, calendar, schema, pay_periods(plan, calendar, through), through, grain)
    problems = facts.read_lines(work)
    credits.number_names(work)
    problems += credits.credit_directly(work)
    credits.roll_up(work)
    who, wrong = windows.payees(work)
    problems += wrong
    problems += windows.make_steps(work, windows.read_windows(work), who)
    earning.accumulate(work)
    earning.make_lines(work)
    pennies.round_totals(work)
    pennies.spread(work)
    _name_components(work)
    return Outcome(work, _distinct(problems))


def _distinct(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))


def _name_components(work: Work) -> None:
    work.put(
        "component",
        {"c": "INTEGER", "component": "VARCHAR"},
        ((n, one.id) for n, one in enumerate(work.plan.components)),
    )


LINES = """
    SELECT y.payee, x.component, t.key AS period, CASE WHEN f.ord < 0 THEN '(none)' ELSE coalesce(l.deal, '') END AS deal,
        coalesce(l.line, '') AS line, coalesce(k.credit_type, '') AS credit_type,
        CAST(row_number() OVER (PARTITION BY f.k ORDER BY f.phase, f.cause_ord, f.own, f.ord, f.tier, f.rate) AS INTEGER) AS seq,
        CASE f.kind WHEN 0 THEN 'own' WHEN 1 THEN 'true_up' ELSE 'reversal' END AS kind,
        CASE WHEN f.phase = 0 THEN 'quota' WHEN f.own = 0 THEN j.deal || '/' || j.line END AS cause,
        f.tier, f.low AS from_cents, f.high AS to_cents, CAST(f.base AS BIGINT) AS base_cents, f.rate AS rate_ppm, CAST(f.raw AS BIGINT) AS raw, f.cents
    FROM calc.paid f JOIN calc.step s USING (k) JOIN calc.payee y ON y.p = s.p JOIN calc.component x ON x.c = s.c JOIN calc.period t ON t.t = s.t
    LEFT JOIN calc.kind k ON k.y = f.y LEFT JOIN calc.line l ON l.n = f.n LEFT JOIN calc.line j ON j.n = f.cause_n
    ORDER BY s.p, s.c, s.t, f.phase, f.cause_ord, f.own, f.ord, f.tier, f.rate"""

RESULTS = """
    WITH reached AS (SELECT k, min(s1 - counted) AS low, sum(counted) AS sum FROM calc.axis GROUP BY k),
    to_date AS (
        SELECT s.*, CAST(coalesce(sum(r.sum) OVER (PARTITION BY s.g ORDER BY s.place ROWS UNBOUNDED PRECEDING), 0) AS BIGINT) AS s_after,
            CAST(coalesce(r.sum, 0) AS BIGINT) AS moved_by FROM calc.step s LEFT JOIN reached r USING (k))
    SELECT y.payee, x.component, t.key AS period, d.s_after - d.moved_by AS s_before, d.s_after,
        CAST(d.quota_num AS DECIMAL(38, 0)) AS quota_num, CAST(d.quota_den AS DECIMAL(38, 0)) AS quota_den, r.computed AS computed_cents, r.computed AS cents
    FROM to_date d JOIN calc.result r USING (k) JOIN calc.payee y ON y.p = d.p JOIN calc.component x ON x.c = d.c JOIN calc.period t ON t.t = d.t
    ORDER BY d.p, d.c, d.t"""

CREDITS = """
    SELECT c.a, y.payee, k.credit_type, l.deal, l.line, l.credited_on, c.cents, c.w AS num, c.whole AS den, r.rule
    FROM calc.credit c JOIN calc.payee y USING (p) JOIN calc.kind k USING (y) JOIN calc.line l USING (n) LEFT JOIN calc.rule r USING (k)
    ORDER BY c.a, c.p, c.n, c.y"""
