"""Makes payees from the rows of the tables in (the contract in ``compensation``): the plain path from facts to the interpreter.

For previews of a few people, worked examples, and the check of a sample inside an official run. Whole companies are
calculated over tables (``setwise``), which must give the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from salesops.common.errors import Problem
from salesops.common.expressions import Expression, Schema, parse
from salesops.common.money import PPM
from salesops.compensation import crediting, measures
from salesops.compensation.crediting import Claim, Credit, Crediting, DealLine, Holder
from salesops.compensation.facts import Event, Payee, RatioPart, Sum
from salesops.compensation.plan import HOUSE, PRIMARY, ROLLUP, CreditRule, Days, Measure, Plan, Spiff
from salesops.compensation.quotas import Service
from salesops.compensation.schema import DEAL

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The tables in, as rows by column name. A table that a plan does not use may be left out."""

    deal_line: Sequence[Row] = ()
    claim: Sequence[Row] = ()
    closure: Sequence[Row] = ()
    assignment: Sequence[Row] = ()
    absence: Sequence[Row] = ()
    quota: Sequence[Row] = ()
    target: Sequence[Row] = ()
    salary: Sequence[Row] = ()
    achievement: Sequence[Row] = ()
    rate: Sequence[Row] = ()
    deal_event: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Payees, ready to be interpreted; deal lines that nobody gets; and what is wrong, which is not paid on."""

    payees: tuple[Payee, ...]
    uncredited: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def gather(plan: Plan, rows: Rows, schema: Schema | None = None) -> Gathered:
    """Credit the deals of a plan and give each of its payees what is theirs."""
    work = _Gather(plan, rows, {**DEAL, **(schema or {})})
    return work.run()


def claims_of(
    plan: Plan, lines: Iterable[Row], holders: Sequence[Holder] = (), schema: Schema | None = None
) -> list[Claim]:
    """Give the claims that a plan's crediting rules make on deals; a reversal makes none of its own.

    ``to`` of a rule is a field that holds a payee, ``territory`` (the holders of ``row['territory']`` on its day), or
    ``split`` (the claims that came with the facts). Without a rule for primary credit the owner is credited.
    """
    fields = {**DEAL, **(schema or {})}
    rules = list(plan.crediting)
    if not any(rule.type == PRIMARY for rule in rules):
        rules.append(CreditRule(to="owner"))
    conditions = {n: parse(rule.when, fields, "bool") for n, rule in enumerate(rules) if rule.when is not None}
    found: dict[Claim, None] = {}
    for row in lines:
        for n, rule in enumerate(rules):
            if row.get("reverses") is None and (n not in conditions or conditions[n].matches(row)):
                found.update(dict.fromkeys(_claims(rule, row, holders)))
    return list(found)


def _claims(rule: CreditRule, row: Row, holders: Sequence[Holder]) -> list[Claim]:
    deal = row["deal"]
    if rule.to == "territory":
        days = {
            "booked": row["credited_on"], "created": row.get("deal.created_on"), "period_end": row.get("period_end"),
            "closed_won_stage_entry": row.get("deal.close_date"),
        }  # fmt: skip
        known = {name: day for name, day in days.items() if day is not None}
        return crediting.territory_claims(
            rule, deal, row.get("territory") or row.get("deal.territory") or "", known, holders
        )
    payee = row.get(rule.to)
    if rule.to == "split" or not payee:
        return []
    return [Claim(deal, rule.type, rule.source, rule.id or rule.to, payee, Fraction(rule.share, PPM))]


class _Gather:
    def __init__(self, plan: Plan, rows: Rows, schema: Schema) -> None:
        self.plan, self.rows, self.schema = plan, rows, schema
        self.problems: list[Problem] = []
        self.uncredited: list[Problem] = []
        self.claims = [_claim(row) for row in rows.claim]
        self.closure = [
            crediting.Line(r["ancestor"], r["person"], r["depth"], Days(r["valid_from"], r["valid_to"]))
            for r in rows.closure
        ]
        dates = {(row["deal"], row["line"]): row["credited_on"] for row in rows.deal_line}
        self.mirrored = {
            (row["deal"], row["line"]): dates[row["deal"], row["reverses"]]
            for row in rows.deal_line
            if row.get("reverses") is not None and (row["deal"], row["reverses"]) in dates
        }
        self.caps = {
            rule.type: (rule.cap_group, rule.max_total) for rule in plan.crediting if rule.max_total is not None
        }

    def run(self) -> Gathered:
        credits: dict[str, list[Credit]] = {}
        ratios: dict[str, dict[str, list[RatioPart]]] = {}
        for measure in self.plan.measures:
            if measure.ratio is None:
                credits[measure.name] = self.credited(measure, measure.amount or "")
            else:
                ratios[measure.name] = self.ratio(measure)
        for component in self.plan.components:
            if isinstance(component, Spiff) and component.measure is None:
                credits[component.id] = self.qualifying(component)
        by_payee: dict[str, dict[str, list[Credit]]] = defaultdict(lambda: defaultdict(list))
        for name, listed in credits.items():
            for credit in listed:
                by_payee[credit.payee][name].append(credit)
        found = tuple(
            self.payee(row, by_payee[row["payee"]], ratios)
            for row in self.rows.assignment
            if row.get("plan") in (None, self.plan.plan)
        )
        return Gathered(found, tuple(dict.fromkeys(self.uncredited)), tuple(dict.fromkeys(self.problems)))

    # Credits ----------------------------------------------------------------------------------------------------------

    def credited(self, measure: Measure, formula: str) -> list[Credit]:
        """Credit the deal lines of a measure: direct credits of its types, or the roll-up of its team's."""
        lines = self.lines(measure, formula)
        return self.roll(measure, self.outcome(lines))

    def outcome(self, lines: Sequence[DealLine]) -> Crediting:
        outcome = crediting.credit_lines(lines, self.claims, self.caps)
        self.uncredited += outcome.uncredited
        self.problems += outcome.problems
        return outcome

    def roll(self, measure: Measure, outcome: Crediting) -> list[Credit]:
        found = [c for c in outcome.credits if c.credit_type in measure.credit and c.payee != HOUSE]
        if ROLLUP in measure.credit:
            found += crediting.roll_up(outcome.credits, self.closure, measure, self.mirrored)
        return sorted(found, key=lambda one: one.order)

    def lines(self, measure: Measure, formula: str) -> list[DealLine]:
        """Give the deal lines of a measure with their amounts in the plan's currency, converted whole and rounded once."""
        where = None if measure.where is None else parse(measure.where, self.schema, "bool")
        amount = parse(formula, self.schema)
        found: list[DealLine] = []
        for row in self.rows.deal_line:
            if where is not None and not where.matches(row):
                continue
            cents = self.cents(amount, measure, row)
            if cents is not None:
                found.append(
                    DealLine(
                        row["deal"], row["line"], cents, row["credited_on"], row.get("booked_at"), row.get("reverses")
                    )
                )
        return found

    def cents(self, amount: Expression, measure: Measure, row: Row) -> int | None:
        stored = amount.stored(row)
        if stored is None:
            return None
        if amount.type.kind != "money":
            return int(stored) // 10**amount.scale
        currency = row.get("currency") or self.plan.currency
        if currency == self.plan.currency:
            return measures.to_plan_cents(stored, currency, (), self.plan.rounding.mode)
        rate = self.rate(measure.rate, currency, row["credited_on"])
        if rate is None:
            what = f"Deal {row['deal']} is in {currency}, and there is no {measure.rate} rate to {self.plan.currency} on {row['credited_on']}"
            remedy = "Load the rate; nothing is paid on this deal until then"
            self.problems.append(Problem("rates", None, currency, what, remedy, record=row["deal"]))
            return None
        return measures.to_plan_cents(stored, self.plan.currency, (rate,), self.plan.rounding.mode)

    def rate(self, kind: str, currency: str, day: date) -> int | None:
        found = (
            row["rate"]
            for row in self.rows.rate
            if row["kind"] == kind and row["currency"] == currency and row["to_currency"] == self.plan.currency
            and day in Days(row["valid_from"], row["valid_to"])
        )  # fmt: skip
        return next(found, None)

    def ratio(self, measure: Measure) -> dict[str, list[RatioPart]]:
        """Give each payee's parts of a ratio: numerator and denominator credited apart."""
        assert measure.ratio is not None
        above, below = (self.credited(measure, formula) for formula in (measure.ratio.num, measure.ratio.den))
        found: dict[str, list[RatioPart]] = defaultdict(list)
        for credits, place in ((above, 0), (below, 1)):
            for credit in credits:
                parts = (credit.amount, 0) if place == 0 else (0, credit.amount)
                found[credit.payee].append(RatioPart(credit.credited_on, *parts))
        return found

    def qualifying(self, spiff: Spiff) -> list[Credit]:
        """Give the credits that qualify for a SPIFF: one each, minus one where the line takes a deal back."""
        where = None if spiff.where is None else parse(spiff.where, self.schema, "bool")
        lines = [
            DealLine(row["deal"], row["line"], 1, row["credited_on"], row.get("booked_at"), row.get("reverses"))
            for row in self.rows.deal_line
            if where is None or where.matches(row)
        ]
        back = {
            (row["deal"], row["line"])
            for row in self.rows.deal_line
            if row.get("reverses") is not None or row.get("kind") in ("cancelled", "returned", "churned")
        }
        found = [
            credit
            for credit in self.outcome(lines).credits
            if credit.credit_type in spiff.credit and credit.payee != HOUSE
        ]
        return [replace(one, counted=-1 if (one.deal, one.line) in back else 1) for one in found]

    # Payees -----------------------------------------------------------------------------------------------------------

    def payee(
        self, row: Row, credits: Mapping[str, list[Credit]], ratios: Mapping[str, Mapping[str, list[RatioPart]]]
    ) -> Payee:
        name = row["payee"]
        hired = row.get("hired_on") or row["valid_from"]
        ends = [end for end in (row.get("valid_to"), row.get("left_on")) if end is not None]
        away = tuple(Days(r["valid_from"], r["valid_to"]) for r in self.rows.absence if r["payee"] == name)
        active = Days(max(row["valid_from"], hired), min(ends, default=None))
        deals = {credit.deal for listed in credits.values() for credit in listed}
        events = [
            Event(r["deal"], r["kind"], r["on_day"], r.get("cents") or 0, r.get("line"))
            for r in self.rows.deal_event
            if r["deal"] in deals
        ]
        fields = {key: row[key] for key in row if key not in ("payee", "plan", "valid_from", "valid_to")}
        fields["level_weight"] = row.get("level_weight_ppm") or PPM
        return Payee(
            name, Service(active, row.get("ramp_from") or hired, away), dict(credits),
            {measure: parts.get(name, []) for measure, parts in ratios.items()},
            _sums(self.rows.quota, name, "quota"), _sums(self.rows.target, name).get("", []), _sums(self.rows.salary, name).get("", []),
            {(r["component"], r["goal"], r["period"]): r["ppm"] for r in self.rows.achievement if r["payee"] == name},
            events, fields=fields,
        )  # fmt: skip


def _claim(row: Row) -> Claim:
    share = Fraction(row["num"], row["den"])
    return Claim(
        row["deal"],
        row["credit_type"],
        row["source"],
        row["rule"],
        row["payee"],
        share,
        row.get("line"),
        row.get("priority") or 0,
    )


def _sums(rows: Iterable[Row], payee: str, key: str | None = None) -> dict[str, list[Sum]]:
    found: dict[str, list[Sum]] = defaultdict(list)
    for row in rows:
        if row["payee"] == payee:
            found[row[key] if key else ""].append(Sum(Days(row["valid_from"], row["valid_to"]), row["cents"]))
    return found
