"""The engine's tables out of the warehouse, for a preview of one person: won deals with their shares, the reporting line, quotas, rates.

Facts are those of the session. What records do not hold (target incentives, objectives, cash) is not made up: a plan that needs it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from salesops.common.money import PPM, convert_at, divide, minor_digits
from salesops.metrics.sql import day as sql_day

from .gather import Rows, claims_of
from .plan import Plan

FOREVER = date(9999, 12, 31)


@dataclass(frozen=True)
class Given:
    """The tables, and names of deals and people by id."""

    rows: Rows
    deals: Mapping[str, str]
    people: Mapping[str, str]
    notes: tuple[str, ...]


def facts(session: Any, plan: Plan, person: int, through: date) -> Given:
    """What a plan needs to know of a person up to a day: deals won in the fiscal years that it holds, and what they are credited by."""
    first = plan.effective.start
    lines, names, valued = _deals(session, first, through)
    splits = _splits(session, first, through)
    owned = [
        {"deal": one.deal, "line": one.line, "credit_type": one.credit_type, "source": one.source, "rule": one.rule, "payee": one.payee,
         "num": one.share.numerator, "den": one.share.denominator, "priority": one.priority}
        for one in claims_of(plan, lines)
    ]  # fmt: skip
    people = {
        str(row["id"]): row["name"]
        for row in session.query("SELECT id, name FROM person WHERE day_to = CAST('9999-12-31' AS DATE)").to_pylist()
    }
    assignment, notes = _assignment(session, plan, person)
    quotas, more = _quotas(session, plan, person)
    rows = Rows(
        deal_line=lines, claim=[*splits, *owned], closure=_closure(session, person), assignment=assignment, absence=_absences(session, person),
        quota=quotas, rate=_rates(session, plan, lines),
    )  # fmt: skip
    return Given(rows, names, people, (*notes, *more, *_annual(plan, len(lines) - valued)))


def _deals(session: Any, first: date, last: date) -> tuple[list[dict[str, Any]], dict[str, str], int]:
    sql = f"""
        SELECT o.id, o.name, COALESCE(k.value, o.value) AS amount, COALESCE(k.currency, o.currency) AS currency, COALESCE(k.owner, o.owner) AS owner,
               o.closed_on, o.created_on, o.type, o.source, COALESCE(o.segment, ac.segment) AS segment, COALESCE(o.region, ow.region) AS region,
               o.territory, ac.name AS account, ac.country, ac.industry, n.acv, n.lines, n.known
        FROM opportunity AS o
        LEFT JOIN opportunity AS k ON k.id = o.id AND k.day_from <= o.closed_on AND o.closed_on < k.day_to
        LEFT JOIN account AS ac ON ac.id = o.account AND ac.day_from <= o.closed_on AND o.closed_on < ac.day_to
        LEFT JOIN person AS ow ON ow.id = COALESCE(k.owner, o.owner) AND ow.day_from <= o.closed_on AND o.closed_on < ow.day_to
        LEFT JOIN (
            SELECT l.opportunity, COUNT(*) AS lines, COUNT(l.amount) AS known, CAST(SUM(l.amount * 12 // l.term_months) AS BIGINT) AS acv
            FROM opportunity_line AS l
            LEFT JOIN product AS g ON g.id = l.product AND g.day_to = CAST('9999-12-31' AS DATE)
            WHERE l.day_to = CAST('9999-12-31' AS DATE) AND NOT l.deleted AND COALESCE(l.recurring, g.recurring) AND l.term_months > 0
            GROUP BY l.opportunity
        ) AS n ON n.opportunity = o.id
        WHERE o.day_to = CAST('9999-12-31' AS DATE) AND NOT o.deleted AND o.status = 'won'
          AND o.closed_on BETWEEN {sql_day(first)} AND {sql_day(last)}
        ORDER BY o.closed_on, o.id
    """
    rows, names, valued = [], {}, 0
    for row in session.query(sql).to_pylist():
        deal, amount = str(row["id"]), row["amount"]
        names[deal] = row["name"] or deal
        known = bool(row["lines"]) and row["lines"] == row["known"]
        valued += known
        rows.append({
            "deal": deal, "line": "1", "kind": "booked", "reverses": None, "credited_on": row["closed_on"], "booked_at": None,
            "currency": row["currency"], "owner": None if row["owner"] is None else str(row["owner"]),
            "territory": None if row["territory"] is None else str(row["territory"]),
            "deal.id": deal, "deal.name": row["name"], "deal.stage": "won", "deal.amount": amount, "deal.tcv": amount, "deal.revenue": amount,
            "deal.acv": row["acv"] if known else amount, "deal.booked_on": row["closed_on"], "deal.close_date": row["closed_on"],
            "deal.created_on": row["created_on"], "deal.type": row["type"], "deal.source": row["source"], "deal.segment": row["segment"],
            "deal.region": row["region"], "deal.owner": None if row["owner"] is None else str(row["owner"]), "deal.account": row["account"],
            "deal.currency": row["currency"], "account.name": row["account"], "account.country": row["country"], "account.industry": row["industry"],
        })  # fmt: skip
    return rows, names, valued


def _annual(plan: Plan, missing: int) -> list[str]:
    """Says it where a plan counts annual value and deals have no recurring lines to take it from."""
    used = any("deal.acv" in (one.amount or "") for one in plan.measures)
    return (
        [f"{missing:,} deals have no recurring lines with a value and a term: their amount stands for deal.acv"]
        if used and missing
        else []
    )


def _splits(session: Any, first: date, last: date) -> list[dict[str, Any]]:
    sql = f"""
        SELECT s.opportunity, s.person, s.share, COALESCE(s.kind, 'credit') AS kind
        FROM opportunity_split AS s
        JOIN opportunity AS o ON o.id = s.opportunity AND o.day_to = CAST('9999-12-31' AS DATE) AND NOT o.deleted AND o.status = 'won'
          AND s.valid_from <= o.closed_on AND o.closed_on < s.valid_to
        WHERE NOT s.person IS NULL AND NOT s.share IS NULL AND o.closed_on BETWEEN {sql_day(first)} AND {sql_day(last)}
        ORDER BY s.opportunity, s.person
    """
    return [
        {"deal": str(row["opportunity"]), "line": None, "credit_type": "primary" if row["kind"] == "credit" else "overlay", "source": "split",
         "rule": "split", "payee": str(row["person"]), "num": row["share"], "den": PPM, "priority": 0}
        for row in session.query(sql).to_pylist()
    ]  # fmt: skip


def _closure(session: Any, person: int) -> list[dict[str, Any]]:
    rows = session.query(
        f"SELECT person, depth, valid_from, valid_to FROM reporting_closure WHERE ancestor = {int(person)}"
    ).to_pylist()
    return [
        {"ancestor": str(person), "person": str(row["person"]), "depth": row["depth"], "valid_from": row["valid_from"], "valid_to": _end(row["valid_to"])}
        for row in rows
    ]  # fmt: skip


def _assignment(session: Any, plan: Plan, person: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The person on the plan for as long as both last."""
    rows = session.query(
        f"SELECT MIN(valid_from) AS hired, MAX(valid_to) AS until FROM employment WHERE person = {int(person)}"
    ).to_pylist()
    hired, until = rows[0]["hired"], rows[0]["until"]
    notes = (
        [] if hired is not None else ["no employment is on record: the whole time of the plan counts, without a ramp"]
    )
    start = max(plan.effective.start, hired) if hired and hired.year > 1 else plan.effective.start
    left = _end(until) if until else None
    row = {
        "payee": str(person), "plan": plan.plan, "valid_from": start, "valid_to": plan.effective.end, "hired_on": hired if hired and hired.year > 1 else start,
        "left_on": left, "pay_currency": plan.currency,
    }  # fmt: skip
    return [row], notes


def _absences(session: Any, person: int) -> list[dict[str, Any]]:
    rows = session.query(
        f"SELECT valid_from, valid_to FROM absence WHERE person = {int(person)} AND kind = 'leave'"
    ).to_pylist()
    return [{"payee": str(person), "valid_from": row["valid_from"], "valid_to": _end(row["valid_to"])} for row in rows]


def _quotas(session: Any, plan: Plan, person: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The person's published quotas, in the plan's currency at the plan rate of their first day; for every measure with a quota."""
    sql = f"""
        SELECT t.starts_on, t.ends_on, t.amount, COALESCE(t.currency, '{session.manifest.reporting_currency}') AS currency, r.rate
        FROM target AS t
        LEFT JOIN rate_day AS r ON r.kind = 'plan' AND r.currency = t.currency AND r.to_currency = '{plan.currency}' AND r.day = t.starts_on
        WHERE t.day_to = CAST('9999-12-31' AS DATE) AND NOT t.deleted AND t.kind = 'quota' AND t.metric LIKE 'bookings%'
          AND COALESCE(t.status, 'published') = 'published' AND t.person = {int(person)} AND NOT t.amount IS NULL
        ORDER BY t.starts_on, t.id
    """
    found, notes = [], []
    digits = minor_digits(plan.currency)
    measures = [one.of for one in plan.quotas] or [one.name for one in plan.measures if one.ratio is None]
    for row in session.query(sql).to_pylist():
        units = row["amount"]
        if row["currency"] != plan.currency:
            if row["rate"] is None:
                notes.append(
                    f"the quota of {row['starts_on']} is in {row['currency']}, and there is no plan rate to {plan.currency}"
                )
                continue
            units = convert_at(units, row["rate"])
        cents = divide(units, 10 ** (4 - digits), "half_up")
        found += [
            {
                "payee": str(person),
                "quota": name,
                "valid_from": row["starts_on"],
                "valid_to": row["ends_on"] + timedelta(days=1),
                "cents": cents,
            }
            for name in measures
        ]
    return found, notes


def _rates(session: Any, plan: Plan, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rates of the days on which deals in other currencies were credited: spot as the rate of record, and the plan rate."""
    pairs = sorted(
        {(row["currency"], row["credited_on"]) for row in lines if row["currency"] and row["currency"] != plan.currency}
    )
    if not pairs:
        return []
    values = ", ".join(f"('{code}', {sql_day(on)})" for code, on in pairs)
    sql = f"""
        SELECT r.kind, r.currency, r.day, r.rate FROM rate_day AS r
        JOIN (SELECT * FROM (VALUES {values}) AS v(code, day)) AS w ON w.code = r.currency AND w.day = r.day
        WHERE r.to_currency = '{plan.currency}' AND r.kind IN ('spot', 'plan')
    """
    return [
        {"kind": "record" if row["kind"] == "spot" else "plan", "currency": row["currency"], "to_currency": plan.currency, "valid_from": row["day"],
         "valid_to": row["day"] + timedelta(days=1), "rate": row["rate"], "rate_id": f"{row['kind']} {row['currency']} {row['day']}"}
        for row in session.query(sql).to_pylist()
    ]  # fmt: skip


def _end(day: date | None) -> date | None:
    return None if day is None or day == FOREVER else day
