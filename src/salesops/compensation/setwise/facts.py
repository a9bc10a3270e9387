"""Reads deal lines: one number for each in the total order of credits, its period, and its amount in every measure.

Texts (deals, payees, types of credit) become numbers that sort as their bytes do, so that every later step compares
integers. ``calc.line`` has a row per deal line of the calculated days:

    n BIGINT (place in the order credited_on, booked_at with null first, deal, line), deal, line, credited_on,
    booked_at, t INTEGER (pay period), claim_line (the line whose claims count: of a reversal the mirrored one),
    managed_on DATE (the day whose reporting line counts), and a BIGINT ``a0, a1, ...`` for each amount: minor units of
    the plan's currency or whole units, null where the line is not in the measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from salesops.common.errors import InvalidData, Problem
from salesops.common.expressions import Expression, parse
from salesops.common.money import RATE_PLACES, minor_digits
from salesops.compensation.plan import Measure
from salesops.compensation.setwise.work import Work


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount that is accumulated: a measure's (``part`` is kept for what ratios are made of)."""

    measure: Measure
    number: int
    part: str = ""
    formula: str | None = None

    @property
    def column(self) -> str:
        """Its column in ``calc.line``."""
        return f"a{self.number}"


def amounts(work: Work) -> list[Amount]:
    """Give every amount of the plan, numbered in the order of its measures. Ratios are no amounts."""
    listed = [one for one in work.plan.measures if one.ratio is None]
    return [Amount(measure, number, formula=measure.amount) for number, measure in enumerate(listed)]


def check_amounts(work: Work) -> None:
    """Raise InvalidData for a measure whose formula does not give what its unit says: nothing is guessed."""
    for one in amounts(work):
        kind = None if one.formula is None else parse(one.formula, work.schema).type
        if kind is None or kind.kind != one.measure.unit or kind.currency is not None:
            raise InvalidData(
                f"Measure {one.measure.name} needs an amount that is {one.measure.unit}, in the currency of the deal, not {kind or 'nothing'}",
                "Write a formula that gives it, or calculate the plan with the interpreter",
            )  # fmt: skip


def read_lines(work: Work) -> list[Problem]:
    """Make ``calc.line`` and ``calc.period``; give a problem for each deal that cannot be converted, or comes twice."""
    work.put("period", {"t": "INTEGER", "key": "VARCHAR", "first": "DATE", "last": "DATE"},
             ((t, p.key, p.start, p.end) for t, p in enumerate(work.periods)))  # fmt: skip
    listed = amounts(work)
    picked = "".join(f", {_amount(work, one)} AS {one.column}" for one in listed)
    inside = f"d.credited_on BETWEEN DATE '{work.first}' AND DATE '{work.last}'" + (
        " AND d.deal IN (SELECT deal FROM calc.wanted)" if work.subset else ""
    )
    reversals = f"""SELECT d.deal, d.line, o.line AS claim_line, o.credited_on AS managed_on
        FROM given.deal_line d JOIN given.deal_line o ON o.deal = d.deal AND o.line = d.reverses
        WHERE d.reverses IS NOT NULL AND {inside}"""
    rates = _rates(work)
    work.make("line", f"""
        WITH reversal AS ({reversals}),
        read AS (
            SELECT d.deal, d.line, d.credited_on, d.booked_at,
                coalesce(v.claim_line, d.line) AS claim_line, coalesce(v.managed_on, d.credited_on) AS managed_on,
                {_unpriced(work)} AS unpriced{picked}
            FROM given.deal_line d LEFT JOIN reversal v ON v.deal = d.deal AND v.line = d.line {rates}
            WHERE {inside})
        SELECT row_number() OVER (PARTITION BY 1 ORDER BY r.credited_on, r.booked_at NULLS FIRST, r.deal, r.line) AS n, r.*, p.t
        FROM read r JOIN calc.period p ON r.credited_on BETWEEN p.first AND p.last""")  # fmt: skip
    return [*_twice(work), *_unpriced_problems(work)]


def _amount(work: Work, one: Amount) -> str:
    measure = one.measure
    counted = _stored(work, one)
    if measure.unit == "money":
        counted = _cents(work, counted, measure.rate)
    if measure.where:
        counted = f"CASE WHEN {_sql(parse(measure.where, work.schema, 'bool'))} THEN {counted} END"
    return f"CAST({counted} AS BIGINT)"


def _stored(work: Work, one: Amount) -> str:
    return "NULL" if one.formula is None else f"({_sql(parse(one.formula, work.schema))})"


def _sql(formula: Expression) -> str:
    return formula.sql(lambda name: exp.column(exp.to_identifier(name, quoted=True), table="d")).sql("duckdb")


def _cents(work: Work, stored: str, rate: str) -> str:
    """SQL of money of 10^-4 in minor units: converted whole, then rounded once, half up."""
    digits = minor_digits(work.plan.currency)
    own = f"calc.half_up({stored}, {10 ** (4 - digits)})" if digits < 4 else stored
    foreign = f"calc.half_up(CAST({stored} AS HUGEINT) * {rate}_rate.rate, {10 ** (RATE_PLACES + 4 - digits)}::HUGEINT)"
    return f"CASE WHEN d.currency = '{work.plan.currency}' THEN {own} ELSE {foreign} END"


def _kinds(work: Work) -> list[str]:
    return sorted({one.rate for one in work.plan.measures if one.unit == "money"})


def _rates(work: Work) -> str:
    return " ".join(
        f"""LEFT JOIN given.rate {kind}_rate ON {kind}_rate.kind = '{kind}' AND {kind}_rate.currency = d.currency
            AND {kind}_rate.to_currency = '{work.plan.currency}' AND d.currency <> '{work.plan.currency}'
            AND d.credited_on >= {kind}_rate.valid_from
            AND (d.credited_on < {kind}_rate.valid_to OR {kind}_rate.valid_to IS NULL)"""
        for kind in _kinds(work)
    )


def _unpriced(work: Work) -> str:
    missing = " OR ".join(f"{kind}_rate.rate IS NULL" for kind in _kinds(work)) or "false"
    return f"(d.currency IS DISTINCT FROM '{work.plan.currency}' AND ({missing}))"


def _unpriced_problems(work: Work) -> Iterator[Problem]:
    found = work.rows("""SELECT l.deal, any_value(d.currency ORDER BY d.line), min(l.credited_on) FROM calc.line l
        JOIN given.deal_line d ON d.deal = l.deal AND d.line = l.line WHERE l.unpriced GROUP BY l.deal ORDER BY l.deal""")
    for deal, currency, day in found:
        yield Problem(
            "rates", None, "currency", f"There is no rate from {currency or 'no currency'} to {work.plan.currency} on {day} for deal {deal}",
            "Enter a rate for that day; until then nobody is paid on this deal", record=deal,
        )  # fmt: skip


def _twice(work: Work) -> Iterator[Problem]:
    found = work.rows("SELECT deal, line FROM calc.line GROUP BY deal, line HAVING count(*) > 1 ORDER BY deal, line")
    if found:
        work.run(
            "DELETE FROM calc.line WHERE deal IN (SELECT deal FROM calc.line GROUP BY deal, line HAVING count(*) > 1)"
        )
    for deal, line in found:
        yield Problem(
            "deals", None, "line", f"Line {line} of deal {deal} comes more than once",
            "Keep one row for it, or end overlapping rates of its currency; until then nobody is paid on this deal", record=deal,
        )  # fmt: skip
