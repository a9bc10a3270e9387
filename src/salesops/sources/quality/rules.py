"""What a quality rule is, and the catalogue of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

Dimension = Literal["completeness", "validity", "uniqueness", "freshness", "consistency"]
Severity = Literal["error", "warning", "info"]
DIMENSIONS: tuple[Dimension, ...] = ("completeness", "validity", "uniqueness", "freshness", "consistency")

# Entities whose rows in the warehouse are stretches of days; the others are intervals and events.
VERSIONED = frozenset(
    {"opportunity", "opportunity_line", "opportunity_contact", "account", "contact", "lead", "person", "product"}
    | {"order", "order_line", "target", "stage", "pipeline", "campaign", "invoice", "team"}
)


@dataclass(frozen=True)
class Rule:
    """One rule: of the records `r` of `entity` where `applies` holds, those where `fails` holds are to be fixed.

    All are SQL (DuckDB) over the tables of a session. `value` is what the list to fix shows; `owner` the person who
    should fix it; `joins` follow `r`. `{today}` is the business day, `{reporting}` the reporting currency,
    `{opportunity}` and the like a table of the current records.
    `name` labels a record in the list; `needs` names tables without which the rule says nothing.
    """

    id: str
    title: str
    dimension: Dimension
    entity: str
    severity: Severity
    why: str
    remedy: str
    fails: str
    value: str = "NULL"
    applies: str = "TRUE"
    joins: str = ""
    owner: str = "r.owner"
    name: str = "r.name"
    needs: tuple[str, ...] = ()
    source: str = ""  # in place of the current records of the entity
    groups: str = ""  # SQL of a key: records that share it fail (uniqueness)


def current(entity: str, today: str) -> str:
    """SQL of the current records of an entity."""
    if entity in VERSIONED:
        return (
            f'(SELECT * FROM "{entity}" WHERE day_from <= {today} AND {today} < day_to AND NOT deleted '
            f"AND (created_on IS NULL OR created_on <= {today}))"
        )
    return f'"{entity}"'


def rule_sql(rule: Rule, today: str, reporting: str = "USD") -> str:
    """SQL of all records that a rule looks at: id, name, owner, value, failing."""
    filled = {entity: current(entity, today) for entity in VERSIONED}
    source = rule.source.format(today=today, **filled) if rule.source else current(rule.entity, today)
    joins, applies, fails, value = (
        text.format(today=today, reporting=reporting, **filled)
        for text in (rule.joins, rule.applies, rule.fails, rule.value)
    )
    return (
        f"SELECT r.id, ({rule.name})::VARCHAR AS name, ({rule.owner})::BIGINT AS owner, ({value})::VARCHAR AS value, "
        f"coalesce({fails}, FALSE) AS failing FROM {source} r {joins} WHERE {applies}"
    )


@cache
def rules() -> dict[str, Rule]:
    """Every rule by id, in the order of the dimensions."""
    from . import rules_consistency, rules_fields

    found = [*rules_fields.RULES, *rules_consistency.RULES]
    return {rule.id: rule for rule in sorted(found, key=lambda r: DIMENSIONS.index(r.dimension))}
