# ruff: noqa: E501 - tables read best with one entry on a line
"""Rules about single values: are they there, can they be true, do they occur once, are they fresh."""

from __future__ import annotations

from salesops.common.money import CURRENCIES

from .rules import Rule, Severity

_CODES = ", ".join(f"'{code}'" for code in sorted(CURRENCIES))
_EMAIL = r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;]{2,}$"
_NOBODY = "NULL"

# (entity, field, severity, only where, why it matters)
_EXPECTED: list[tuple[str, str, Severity, str, str]] = [
    ("opportunity", "account", "error", "TRUE", "Without an account a deal is in no answer by customer, industry or segment"),
    ("opportunity", "owner", "error", "TRUE", "A deal that nobody owns is in no rep's and no team's figures"),
    ("opportunity", "stage", "error", "TRUE", "Without a stage nobody can say whether the deal is open, won or lost"),
    ("opportunity", "name", "info", "TRUE", "People find a deal by its name"),
    ("opportunity", "expected_close", "warning", "r.status = 'open'", "A deal without a close date is in no forecast and no coverage"),
    ("opportunity", "next_step", "info", "r.status = 'open'", "A deal without a next step tends to stall"),
    ("opportunity", "type", "info", "TRUE", "New business cannot be told from renewals"),
    ("opportunity", "source", "info", "TRUE", "Nobody can say which source brings deals that are won"),
    ("opportunity", "loss_reason", "warning", "r.status = 'lost'", "Reasons of losses cannot be counted"),
    ("account", "name", "error", "TRUE", "An account without a name cannot be found or matched"),
    ("account", "owner", "info", "TRUE", "Nobody looks after the account"),
    ("account", "industry", "info", "TRUE", "Answers by industry leave its deals under (none)"),
    ("account", "country", "info", "TRUE", "Territories and maps leave the account out"),
    ("contact", "account", "warning", "TRUE", "Meetings with the contact count for no customer"),
    ("contact", "email", "warning", "TRUE", "Messages and meetings cannot be matched to the contact"),
    ("lead", "owner", "warning", "TRUE", "A lead that nobody owns is answered by nobody"),
    ("lead", "source", "info", "TRUE", "Conversion by source leaves the lead under (none)"),
    ("person", "name", "error", "TRUE", "People cannot be told apart in answers by rep"),
    ("person", "email", "info", "TRUE", "Users, calendars and mail cannot be matched to the person"),
    ("product", "name", "error", "TRUE", "Products cannot be told apart"),
    ("opportunity_line", "product", "warning", "TRUE", "The line's value is under (none) in answers by product"),
    ("opportunity_line", "quantity", "warning", "TRUE", "Without a quantity the line has no list value"),
    ("order", "account", "warning", "TRUE", "The order counts for no customer"),
    ("order_line", "product", "warning", "TRUE", "The line's value is under (none) in answers by product"),
    ("order_line", "amount", "warning", "TRUE", "The line is left out of sales"),
    ("target", "amount", "warning", "r.number IS NULL AND coalesce(r.status, '') <> 'draft'", "A target without a value is no quota: nobody's attainment counts"),
]  # fmt: skip
_OWNERS = {"opportunity": "r.owner", "account": "r.owner", "contact": "r.owner", "lead": "r.owner", "person": "r.id", "order": "r.owner", "target": "r.person"}  # fmt: skip
_NAMES = {"opportunity_line": "NULL", "order_line": "NULL", "order": "r.number", "target": "r.period"}


def _line_joins(entity: str) -> tuple[str, str]:
    parent = {"opportunity_line": "opportunity", "order_line": "order"}.get(entity)
    if parent is None:
        return "", _OWNERS.get(entity, _NOBODY)
    return f'LEFT JOIN {{{parent}}} p ON p.id = r."{parent}"', "p.owner"


def _expected(entity: str, field: str, severity: Severity, where: str, why: str) -> Rule:
    joins, owner = _line_joins(entity)
    what = f"{entity.replace('_', ' ')} without {field.replace('_', ' ')}"
    return Rule(
        f"{entity}.{field}_missing", what[0].upper() + what[1:], "completeness", entity, severity, why,
        f"Fill in {field.replace('_', ' ')}, or map the column that holds it", f'r."{field}" IS NULL', applies=where,
        joins=joins, owner=owner, name=_NAMES.get(entity, "r.name"),
    )  # fmt: skip


def _email(entity: str) -> Rule:
    return Rule(
        f"{entity}.email_invalid", f"E-mail address of a {entity} that cannot be one", "validity", entity, "warning",
        "Messages bounce, and people cannot be matched", "Correct the address",
        f"NOT regexp_matches(trim(r.email), '{_EMAIL.replace('{', '{{').replace('}', '}}')}')", "r.email", "r.email IS NOT NULL", owner=_OWNERS[entity],
    )  # fmt: skip


def _currency(entity: str) -> Rule:
    return Rule(
        f"{entity}.currency_invalid", f"Currency of {entity.replace('_', ' ')} that is no ISO 4217 code", "validity", entity, "error",
        "The amount cannot be converted and is left out of sums", "Write a code such as USD or EUR, or add a value rule",
        f"r.currency NOT IN ({_CODES})", "r.currency", "r.currency IS NOT NULL", owner=_OWNERS[entity], name=_NAMES.get(entity, "r.name"),
    )  # fmt: skip


def _repeated(entity: str, field: str, severity: Severity, key: str, where: str, why: str) -> Rule:
    joined = f"JOIN (SELECT {key} AS k, count(*) AS n FROM {{{entity}}} r WHERE {where} GROUP BY 1) g ON g.k = {key}"
    return Rule(
        f"{entity}.{field}_repeated", f"{entity.title()}s that share one {field.replace('_', ' ')}", "uniqueness", entity, severity,
        why, "Merge them if they are one; else correct the value", "g.n > 1", f'{key}', where, joins=joined, owner=_OWNERS.get(entity, _NOBODY),
    )  # fmt: skip


_SAME_DEAL = "concat_ws('|', r.account, lower(trim(coalesce(r.name, ''))), coalesce(r.value, -1), r.created_on, coalesce(r.owner, 0))"

RULES = [
    *(_expected(*row) for row in _EXPECTED),
    Rule(
        "opportunity.amount_missing", "Deal whose value nobody knows", "completeness", "opportunity", "error",
        "It is counted, but in no sum: pipeline and bookings are too low", "Enter the amount, or lines with list prices",
        "r.value IS NULL", applies="r.status <> 'lost'",
    ),
    Rule(
        "lead.unreachable", "Lead with neither e-mail nor phone", "completeness", "lead", "warning", "Nobody can answer it",
        "Ask for an address, or close the lead", "r.email IS NULL AND r.phone IS NULL",
    ),
    *(_email(entity) for entity in ("person", "contact", "lead")),
    *(_currency(entity) for entity in ("opportunity", "order", "target")),
    Rule(
        "opportunity.amount_negative", "Deal with a negative amount", "validity", "opportunity", "error",
        "It lowers pipeline and bookings", "Correct the amount; book a reduction as a credit note",
        "r.amount < 0", "(r.amount / 10000.0)::DECIMAL(18, 2)", "r.amount IS NOT NULL",
    ),
    Rule(
        "opportunity.probability_out_of_range", "Probability below 0 % or above 100 %", "validity", "opportunity", "error",
        "Weighted pipeline is wrong", "Write a share between 0 and 1, or a percentage with scale = \"percent\" in the mapping",
        "r.probability_override NOT BETWEEN 0 AND 1000000", "r.probability_override / 1e6", "r.probability_override IS NOT NULL",
    ),
    Rule(
        "stage.probability_out_of_range", "Stage whose probability is below 0 % or above 100 %", "validity", "stage", "error",
        "Weighted pipeline is wrong", "Correct the stage", "r.probability NOT BETWEEN 0 AND 1000000", "r.probability / 1e6",
        "r.probability IS NOT NULL", owner=_NOBODY,
    ),
    Rule(
        "opportunity.closed_in_future", "Closed deal whose day of closing lies ahead", "validity", "opportunity", "error",
        "It is missing from the period in which it was won or lost", "Correct the close date, or the stage",
        "r.actual_close > {today}", "r.actual_close", "r.status <> 'open' AND r.actual_close IS NOT NULL",
    ),
    Rule(
        "opportunity.date_impossible", "Deal with a date before 1970 or after 2100", "validity", "opportunity", "error",
        "Dates like these come from a wrong date order or an empty cell read as zero", "Correct the date, or name the date order",
        "least(r.created_on, r.actual_close, r.expected_close) < DATE '1970-01-02' OR greatest(r.created_on, r.actual_close, "
        "r.expected_close) > DATE '2100-01-01'", "concat_ws(', ', r.created_on, r.expected_close, r.actual_close)",
    ),
    Rule(
        "opportunity_line.quantity_invalid", "Line with a quantity of zero or less", "validity", "opportunity_line", "warning",
        "Its list value is zero or negative", "Correct the quantity", "r.quantity <= 0", "r.quantity / 10000.0", "r.quantity IS NOT NULL",
        joins=_line_joins("opportunity_line")[0], owner="p.owner", name="p.name",
    ),
    Rule(
        "opportunity_line.discount_invalid", "Line with a discount below 0 % or above 100 %", "validity", "opportunity_line", "warning",
        "The net price is wrong", "Correct the discount; the mapping may need scale = \"percent\"",
        "r.discount NOT BETWEEN 0 AND 1000000", "r.discount / 1e6", "r.discount IS NOT NULL",
        joins=_line_joins("opportunity_line")[0], owner="p.owner", name="p.name",
    ),
    Rule(
        "activity.minutes_invalid", "Activity that took less than nothing or more than a day", "validity", "activity", "warning",
        "Selling time is wrong", "Correct the minutes; the source may give seconds", "r.minutes NOT BETWEEN 0 AND 1440", "r.minutes",
        "r.minutes IS NOT NULL", name="r.subject",
    ),
    _repeated("account", "name", "warning", "lower(trim(r.name))", "trim(coalesce(r.name, '')) <> ''", "One customer counts as several"),
    _repeated("contact", "email", "warning", "lower(trim(r.email))", "trim(coalesce(r.email, '')) <> ''", "One human being counts as several"),
    _repeated("lead", "email", "info", "lower(trim(r.email))", "trim(coalesce(r.email, '')) <> ''", "Lead counts are too high and conversion too low"),
    _repeated("person", "email", "error", "lower(trim(r.email))", "trim(coalesce(r.email, '')) <> ''", "One rep's figures are split over several"),
    _repeated("person", "name", "warning", "lower(trim(r.name))", "trim(coalesce(r.name, '')) <> ''", "One rep's figures may be split over several"),
    _repeated("product", "name", "warning", "lower(trim(r.name))", "trim(coalesce(r.name, '')) <> ''", "One product's sales are split over several"),
    _repeated("opportunity", "content", "warning", _SAME_DEAL, "r.account IS NOT NULL AND trim(coalesce(r.name, '')) <> ''", "The same deal counts twice"),
    Rule(
        "opportunity.unchanged", "Open deal without any change for 60 days", "freshness", "opportunity", "warning",
        "It is probably dead, and pipeline too high", "Ask the owner: move it on, or close it",
        "r.day_from < {today} - 60", "{today} - r.day_from || ' days'", "r.status = 'open'",
    ),
    Rule(
        "opportunity.close_date_past", "Open deal whose expected close is past", "freshness", "opportunity", "warning",
        "It is in a forecast for a period that is over", "Set a new close date, or close the deal",
        "r.expected_close < {today}", "r.expected_close", "r.status = 'open' AND r.expected_close IS NOT NULL",
    ),
    Rule(
        "lead.unchanged", "Lead that nobody touched for 30 days and that did not convert", "freshness", "lead", "info",
        "Leads go cold within days", "Answer it, or close it", "r.day_from < {today} - 30", "{today} - r.day_from || ' days'",
        "r.converted_at IS NULL",
    ),
]  # fmt: skip
