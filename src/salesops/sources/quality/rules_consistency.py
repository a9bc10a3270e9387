"""Rules about values that contradict each other, and records that point at nothing."""

from __future__ import annotations

from .rules import Rule, Severity

_SPLITS = """(
    SELECT o.id, o.name, o.owner, sum(s.share)::BIGINT AS share FROM opportunity_split s
    JOIN {opportunity} o ON o.id = s.opportunity
    WHERE coalesce(s.kind, 'credit') = 'credit' AND s.valid_from <= coalesce(o.closed_on, {today})
      AND coalesce(o.closed_on, {today}) < s.valid_to GROUP BY ALL)"""
_ORDER_SUMS = """(
    SELECT o.id, o.number AS name, o.owner, o.amount, sum(l.amount)::BIGINT AS lines, count(*) = count(l.amount) AS complete
    FROM {order} o JOIN {order_line} l ON l."order" = o.id WHERE o.amount IS NOT NULL GROUP BY ALL)"""
_OVERLAPS = """(
    SELECT a.id, p.name, a.person AS owner, a.person, a.valid_from, min(b.valid_from) AS other FROM reporting_line a
    LEFT JOIN {person} p ON p.id = a.person
    LEFT JOIN reporting_line b ON b.person = a.person AND b.id <> a.id AND coalesce(b.kind, 'line') = 'line'
         AND greatest(a.valid_from, b.valid_from) < least(a.valid_to, b.valid_to) AND b.manager IS DISTINCT FROM a.manager
    WHERE coalesce(a.kind, 'line') = 'line' GROUP BY ALL)"""
_BACK = """(
    SELECT o.id, o.name, o.owner, max(CASE WHEN h.kind = 'won' AND h.next_kind IN ('open', 'lost') THEN h.next_day END) AS back,
           min(h.day) AS first_day, any_value(o.created_on) AS created_on
    FROM stage_history h JOIN {opportunity} o ON o.id = h.opportunity GROUP BY o.id, o.name, o.owner)"""
_LEFT = (
    "LEFT JOIN (SELECT person, max(valid_to) AS until, bool_or(valid_from <= b.day AND b.day < valid_to) AS here, b.deal "
    "FROM employment JOIN (SELECT id AS deal, owner, coalesce(closed_on, {today}) AS day FROM {opportunity}) b "
    "ON b.owner = employment.person GROUP BY person, b.deal) e ON e.deal = r.id"
)
_UNDATED = """(
    SELECT id, NULL::VARCHAR AS name, NULL::BIGINT AS owner, TRUE AS undated FROM undated WHERE entity = '%s'
    UNION ALL SELECT id, NULL, NULL, FALSE FROM {%s})"""


def _dangling(
    entity: str, field: str, target: str, severity: Severity, owner: str = "NULL", name: str = "NULL"
) -> Rule:
    what = f"{entity.replace('_', ' ')} whose {field} is not here"
    return Rule(
        f"{entity}.{field}_unknown", what[0].upper() + what[1:], "consistency", entity, severity,
        f"Answers by {field} have no name for it", f"Import the {target} that it points at, or correct the reference",
        "t.id IS NULL", f'r."{field}"', f'r."{field}" IS NOT NULL',
        joins=f"LEFT JOIN (SELECT id FROM \"{target}\" UNION SELECT id FROM undated WHERE entity = '{target}') t "
        f'ON t.id = r."{field}"', owner=owner, name=name, needs=(target,),
    )  # fmt: skip


def _undated(entity: str) -> Rule:
    return Rule(
        f"{entity}.undated", f"{entity.title()} without any date", "completeness", entity, "error",
        "It is in no answer about days", "Fill in the day of creation, or map the column that holds it",
        "r.undated", "'no date'", source=_UNDATED % (entity, entity), needs=("undated",),
    )  # fmt: skip


RULES = [
    *(_undated(entity) for entity in ("opportunity", "lead", "order")),
    Rule(
        "opportunity.closed_without_date", "Closed deal without a close date", "consistency", "opportunity", "warning",
        "The day of the last entry into a closed stage is taken instead, and may be wrong", "Enter the day on which it closed",
        "r.actual_close IS NULL", "r.status", "r.status <> 'open'",
    ),
    Rule(
        "opportunity.open_with_close_date", "Open deal with an actual close date", "consistency", "opportunity", "warning",
        "Either the stage or the date is wrong", "Close the deal, or empty the date", "r.actual_close IS NOT NULL",
        "r.actual_close", "r.status = 'open'",
    ),
    Rule(
        "opportunity.won_with_loss_reason", "Won deal with a reason of loss", "consistency", "opportunity", "warning",
        "Reasons of losses count a won deal, or the deal was lost", "Empty the reason, or correct the stage",
        "r.loss_reason IS NOT NULL", "r.loss_reason", "r.status = 'won'",
    ),
    Rule(
        "opportunity.won_for_nothing", "Won deal with an amount of zero", "consistency", "opportunity", "warning",
        "It raises the win rate and lowers the average deal size", "Enter the amount", "r.value = 0", "'0'",
        "r.status = 'won' AND r.value IS NOT NULL",
    ),
    Rule(
        "opportunity.closed_before_created", "Deal that closed before it was created", "consistency", "opportunity", "error",
        "Its cycle is negative and it is left out of the sales cycle", "Correct one of the two dates",
        "r.closed_on < r.created_on", "r.closed_on || ' < ' || r.created_on", "r.closed_on IS NOT NULL AND r.created_on IS NOT NULL",
    ),
    Rule(
        "opportunity.negative_cycle", "Deal whose first contact is after its close", "consistency", "opportunity", "error",
        "Its cycle is negative and it is left out of the sales cycle", "Correct the day of first contact",
        "r.first_contact > r.closed_on", "r.first_contact || ' > ' || r.closed_on", "r.first_contact IS NOT NULL AND r.closed_on IS NOT NULL",
    ),
    Rule(
        "opportunity.owner_had_left", "Deal whose owner was not employed on the day that counts", "consistency", "opportunity", "warning",
        "It counts for somebody who had left: at the close for closed deals, today for open ones", "Give the deal to somebody who is here",
        "NOT e.here", "e.until", "e.person IS NOT NULL", joins=_LEFT, needs=("employment",),
    ),
    Rule(
        "opportunity.stage_order", "Deal that entered a stage before it was created", "consistency", "opportunity", "warning",
        "Time in stage and conversion are wrong", "Correct the day of creation, or the stage history",
        "r.first_day < r.created_on", "r.first_day", source=_BACK, needs=("stage_history",),
    ),
    Rule(
        "opportunity.left_won", "Deal that left a won stage", "consistency", "opportunity", "info",
        "What was booked is not booked any more", "Check that the deal was really reopened", "r.back IS NOT NULL", "r.back",
        source=_BACK, needs=("stage_history",),
    ),
    Rule(
        "opportunity.currency_without_rate", "Deal whose currency has no exchange rate", "consistency", "opportunity", "error",
        "Its amount is unknown in the reporting currency", "Import an exchange rate for the currency and day",
        "x.rate IS NULL", "r.currency", "r.currency IS NOT NULL AND r.currency <> '{reporting}' AND r.value IS NOT NULL",
        joins="LEFT JOIN rate_day x ON x.currency = r.currency AND x.to_currency = '{reporting}' AND x.kind = 'spot' "
        "AND x.day = coalesce(r.closed_on, {today})", needs=("rate_day",),
    ),
    Rule(
        "opportunity.splits_not_whole", "Deal whose credit shares do not add up to 100 %", "consistency", "opportunity", "error",
        "People get too much or too little credit", "Correct the shares", "r.share <> 1000000", "round(r.share / 10000.0, 2) || ' %'",
        source=_SPLITS, needs=("opportunity_split",),
    ),
    Rule(
        "order.total_differs", "Order whose amount is not the sum of its lines", "consistency", "order", "warning",
        "Sales by product and sales by order differ", "Correct the order or its lines",
        "abs(r.amount - r.lines) > 100", "(r.amount / 10000.0)::DECIMAL(18, 2) || ' against ' || (r.lines / 10000.0)::DECIMAL(18, 2)",
        "r.complete", source=_ORDER_SUMS, needs=("order_line",),
    ),
    Rule(
        "order.shipped_before_ordered", "Order that was shipped before it was ordered", "consistency", "order", "warning",
        "One of the dates is wrong", "Correct the date", "r.shipped_on < r.ordered_on", "r.shipped_on || ' < ' || r.ordered_on",
        "r.shipped_on IS NOT NULL AND r.ordered_on IS NOT NULL", name="r.number",
    ),
    Rule(
        "lead.converted_without_deal", "Converted lead without an opportunity", "consistency", "lead", "info",
        "Conversion counts leads that became a deal; this one became none", "Link the opportunity, or accept it",
        "r.converted_opportunity IS NULL", "'converted'", "r.converted_at IS NOT NULL",
    ),
    Rule(
        "lead.converted_before_created", "Lead that converted before it was created", "consistency", "lead", "error",
        "Its conversion time is negative", "Correct one of the two dates", "r.converted_at < r.created",
        "make_timestamp(r.converted_at)::DATE", "r.converted_at IS NOT NULL AND r.created IS NOT NULL",
    ),
    Rule(
        "reporting_line.overlap", "Person with two managers at a time", "consistency", "reporting_line", "error",
        "Their figures count twice in the line above", "End one of the two lines, or make it a matrix line",
        "r.other IS NOT NULL", "r.valid_from || ' and ' || r.other", source=_OVERLAPS, needs=("reporting_line",),
    ),
    Rule(
        "reporting_line.self", "Person who reports to themselves", "consistency", "reporting_line", "error",
        "The line above them ends there", "Correct the manager", "r.manager = r.person", "r.person", owner="r.person", name="NULL",
    ),
    Rule(
        "account.own_parent", "Account that is its own parent", "consistency", "account", "warning",
        "The group of companies cannot be summed", "Empty or correct the parent", "r.parent = r.id", "r.parent", "r.parent IS NOT NULL",
    ),
    _dangling("opportunity", "account", "account", "warning", "r.owner", "r.name"),
    _dangling("opportunity", "owner", "person", "warning", "r.owner", "r.name"),
    _dangling("opportunity", "stage", "stage", "error", "r.owner", "r.name"),
    _dangling("opportunity_line", "opportunity", "opportunity", "error"),
    _dangling("opportunity_line", "product", "product", "warning"),
    _dangling("contact", "account", "account", "warning", "r.owner", "r.name"),
    _dangling("account", "parent", "account", "info", "r.owner", "r.name"),
    _dangling("order_line", "order", "order", "error"),
    _dangling("order_line", "product", "product", "warning"),
    _dangling("activity", "opportunity", "opportunity", "info", "r.owner", "r.subject"),
    _dangling("activity", "owner", "person", "info", "r.owner", "r.subject"),
    _dangling("reporting_line", "manager", "person", "warning", "r.person"),
]  # fmt: skip
