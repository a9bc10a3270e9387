"""Takes one payee out of a stored run: facts for the interpreter, a preview with deals that are not there yet, a check.

The interpreter computes one payee in hundredths of a second and knows every kind of plan; the stored run gives it the
payee's credits, of managers by day as the run has them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

import duckdb

from salesops.common.periods import FiscalCalendar
from salesops.compensation.crediting import Credit
from salesops.compensation.facts import Payee, Sum
from salesops.compensation.interpret import Result, entitlement
from salesops.compensation.plan import PRIMARY, ROLLUP, Days, Measure, Plan
from salesops.compensation.setwise import credits
from salesops.compensation.setwise.store import Run
from salesops.compensation.setwise.windows import service
from salesops.compensation.setwise.work import begin


@dataclass(frozen=True, slots=True)
class Closing:
    """A deal that somebody might close: what it would add to a measure (minor units, or units of a count)."""

    measure: str
    on: date
    cents: int
    deal: str = "(preview)"


def preview(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    calendar: FiscalCalendar,
    through: date,
    run: Run,
    payee: str,
    closings: Iterable[Closing] = (),
) -> Result | None:
    """Give what a payee earns with some more deals; None for somebody who is not under the plan."""
    found = facts_of(con, plan, run, payee)
    if found is None:
        return None
    more: dict[str, list[Credit]] = {name: list(credits) for name, credits in found.credits.items()}
    for n, one in enumerate(closings, 1):
        more.setdefault(one.measure, []).append(
            _credit(payee, (PRIMARY, one.deal, str(n), one.on, None, one.cents, 1, 1, "preview"))
        )
    return entitlement(plan, replace(found, credits=more), calendar, through)


def facts_of(con: duckdb.DuckDBPyConnection, plan: Plan, run: Run, payee: str) -> Payee | None:
    """Give a payee's facts: credits of the stored run; service, quotas and targets of the tables in ``given``."""
    if not con.execute("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'calc'").fetchall():
        begin(con)
    assigned = con.execute(
        "SELECT valid_from, valid_to, hired_on, left_on, ramp_from FROM given.assignment WHERE payee = ? AND plan = ?",
        [payee, plan.plan],
    ).fetchall()
    if len(assigned) != 1:
        return None
    away = con.execute(
        "SELECT valid_from, valid_to FROM given.absence WHERE payee = ? ORDER BY ALL", [payee]
    ).fetchall()
    quotas: dict[str, list[Sum]] = defaultdict(list)
    for measure, start, end, cents in con.execute(
        "SELECT quota, valid_from, valid_to, cents FROM given.quota WHERE payee = ? ORDER BY ALL", [payee]
    ).fetchall():
        quotas[measure].append(Sum(Days(start, end), cents))
    targets = con.execute(
        "SELECT valid_from, valid_to, cents FROM given.target WHERE payee = ? ORDER BY ALL", [payee]
    ).fetchall()
    begins, ends, hired, left, ramp = assigned[0]
    found = service(begins, ends, hired, left, ramp, [Days(start, end) for start, end in away])
    sums = [Sum(Days(start, end), cents) for start, end, cents in targets]
    return Payee(payee, found, _credits_of(con, plan, run, payee), quotas=quotas, targets=sums)


def differences(
    con: duckdb.DuckDBPyConnection, plan: Plan, calendar: FiscalCalendar, through: date, run: Run, payees: Sequence[str]
) -> list[str]:
    """Give the payees whose stored lines or results are not what the interpreter gives them: none, or the run is wrong."""
    return [
        payee
        for payee in payees
        if _stored(con, run, payee) != _worked(preview(con, plan, calendar, through, run, payee))
    ]


def _stored(con: duckdb.DuckDBPyConnection, run: Run, payee: str) -> tuple[list[Any], list[Any]]:
    lines = con.execute(f"""SELECT component, period, deal, line, credit_type, kind, coalesce(cause, ''), tier, base_cents, rate_ppm, raw, cents
        FROM ({run.sql("lines")}) WHERE payee = ? ORDER BY component, period, seq""", [payee]).fetchall()  # fmt: skip
    results = con.execute(
        f"SELECT component, period, s_before, s_after, cents FROM ({run.sql('results')}) WHERE payee = ? ORDER BY ALL",
        [payee],
    ).fetchall()
    return lines, results


def _worked(result: Result | None) -> tuple[list[Any], list[Any]]:
    paid = [] if result is None else sorted((key, one) for key, one in result.results.items() if one.problem is None)
    lines = [
        (*key, e.deal, e.line, e.credit_type, e.kind, e.cause, e.tier, e.base, e.rate, e.raw, e.cents) for key, one in paid for e in one.lines
    ]  # fmt: skip
    return lines, [(*key, one.before, one.after, one.cents) for key, one in paid]


def _credits_of(con: duckdb.DuckDBPyConnection, plan: Plan, run: Run, payee: str) -> dict[str, list[Credit]]:
    rows = con.execute(f"""SELECT measure, credit_type, deal, line, credited_on, booked_at, cents, num, den, rule
        FROM ({run.sql("credits")}) WHERE payee = ? AND part = ''""", [payee]).fetchall()  # fmt: skip
    found: dict[str, list[Credit]] = {}
    for measure in plan.measures:
        found[measure.name] = [
            _credit(payee, row[1:]) for row in rows if row[0] == measure.name and row[1] in measure.credit
        ]
        if ROLLUP in measure.credit:
            found[measure.name] += _rolled(con, measure, run, payee, dict(run.about)["grain"])
    return found


def _rolled(con: duckdb.DuckDBPyConnection, measure: Measure, run: Run, payee: str, grain: str) -> list[Credit]:
    """Give a manager's credit, by deal line or by day, as the run has it."""
    if grain == "day":
        rows = con.execute(f"""SELECT '(' || credited_on || ')', '', credited_on, NULL, cents FROM ({run.sql("rolled")})
            WHERE payee = ? AND measure = '{measure.name}' AND part = ''""", [payee]).fetchall()  # fmt: skip
    else:
        rows = _by_deal(con, measure, run, payee)
    return [
        _credit(payee, (ROLLUP, deal, line, on, booked, cents, 1, 1, "roll-up"))
        for deal, line, on, booked, cents in rows
    ]


def _by_deal(con: duckdb.DuckDBPyConnection, measure: Measure, run: Run, payee: str) -> list[Any]:
    own = (
        "UNION ALL SELECT ?, DATE '0001-01-01', NULL" if measure.include_self and not measure.exclude_own_direct else ""
    )
    types = ", ".join(f"'{one}'" for one in measure.of)
    return con.execute(f"""
        WITH below AS (SELECT person, valid_from, valid_to FROM given.closure WHERE ancestor = ? AND {credits.levels(measure)} {own})
        SELECT deal, line, credited_on, booked_at, sum(cents)::BIGINT FROM ({run.sql("credits")}) c
        WHERE measure = '{measure.name}' AND part = '' AND credit_type IN ({types}) AND EXISTS (
            SELECT 1 FROM below b WHERE b.person = c.payee AND c.managed_on >= b.valid_from AND (b.valid_to IS NULL OR c.managed_on < b.valid_to))
        GROUP BY ALL""", [payee, payee] if own else [payee]).fetchall()  # fmt: skip


def _credit(payee: str, row: tuple[Any, ...]) -> Credit:
    kind, deal, line, on, booked, cents, num, den, rule = row
    return Credit(payee, kind, deal, line, on, booked, cents, Fraction(num, den), rule or "", (), cents, cents, cents)
