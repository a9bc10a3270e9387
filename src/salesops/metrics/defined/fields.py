"""What definitions may name of a fact: its fields with their types, and the SQL that each stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from sqlglot import exp

from salesops.common.expressions import FieldKind, FieldType

from ..build import Builder
from ..definitions import Asked, Metric, Part, Variant
from ..dimensions import FANNED, REFS, Dimensions
from ..facts import Fact, fact, facts
from ..pieces import MONEY_COLUMNS
from ..request import Cell, Request
from ..session import custom_columns
from .columns import AMOUNT, NAMED, amount, quoted

Counted = Literal["count", "days", "minutes", "months"]

INTERNAL: Final = frozenset({"closed_before", "open_odds", "business_hours"})
"""Facts that are steps of a calculation and mean nothing by themselves."""
_TECHNICAL = """
    id period basis owner_now at unit quota_currency duration waited open_waited allowed fte meetings month n open before
    day_from day_to deleted created late assumed merged_into merged_from valid_from valid_to system recorded_from row batch
    value_source label
"""
TECHNICAL: Final = frozenset(_TECHNICAL.split())
"""Columns that are no fields for people, or whose scale is none of the language's."""
KINDS: Final[Mapping[str, FieldKind]] = {
    "text": "text", "kind": "text", "date": "date", "boolean": "bool", "integer": "count", "money": "money", "scaled:6": "rate",
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """One field: its type, the SQL of its column over the fact, and what a count of it counts."""

    type: FieldType
    sql: str
    unit: Counted = "count"


def countable() -> list[str]:
    """The facts that definitions may count and sum."""
    return [name for name in facts() if name not in INTERNAL]


def fields_of(session: Any, name: str) -> dict[str, Known]:
    """The fields of a fact by the names that people write; found once per session."""
    cache = session.__dict__.setdefault("_metric_columns", {})
    key = f"fields of {name}"
    if key not in cache:
        cache[key] = _fields(session, fact(name))
    found: dict[str, Known] = cache[key]
    return found


def column_types(session: Any, one: Fact) -> dict[str, str]:
    """The columns that the file of a fact names, with their Arrow types."""
    builder = _builder(session, one)
    tree = exp.select("*").from_(builder.source(one, one.columns).subquery("s")).limit(0)
    for alias, table in builder.periods():
        tree = tree.with_(alias, as_=table, copy=False)
    return {field.name: str(field.type) for field in session.query(tree).schema}


def has_key(session: Any, one: Fact, name: str) -> bool:
    """Whether records of a fact can be told apart, or matched, by this column."""
    return name in one.columns or name in Dimensions(session, one).attributes


def _builder(session: Any, one: Fact) -> Builder:
    variant = Variant("", "", "", "x", {"x": Part(one.name)})
    metric = Metric("x", "", "", "count", "none", "", (variant,))
    cell = Cell("2024-Q1", date(2024, 1, 1), date(2024, 3, 31), date(2024, 3, 31))
    currency = session.manifest.reporting_currency
    request = Request((Asked(metric, variant),), (cell,), "quarter", (), date(2024, 3, 31), currency)
    return Builder(session, _NOBODY, request)


@dataclass(frozen=True)
class _Nobody:
    username: str = ""
    person: int | None = None
    sees_all: bool = True


_NOBODY: Final = _Nobody()


def _fields(session: Any, one: Fact) -> dict[str, Known]:
    dimensions = Dimensions(session, one)
    found: dict[str, Known] = {}
    refused = {*FANNED, *(("team", "manager") if one.spans else ())}
    for name in dimensions.known():
        if name not in refused:
            found[name] = _dimension(dimensions, name)
    for head in REFS:
        if dimensions.has(head):
            for column in custom_columns(session, REFS[head]):
                name = f"{head}.{_shown(column)}"
                if column not in TECHNICAL and dimensions._resolve(name) is not None:
                    found.setdefault(name, Known(FieldType("text"), quoted(NAMED + name)))
    for column, kind in column_types(session, one).items():
        if column not in TECHNICAL and column not in found and (known := _own(column, kind)) is not None:
            found[column] = known
    kinds = _kinds(session, one.record or one.entity)
    for column, arrow in dimensions.attributes.items():
        name = _shown(column)
        if column in one.columns or column in TECHNICAL or name in found:
            continue
        if (known := _attribute(column, arrow, kinds.get(column, ""), one)) is not None:
            found[name] = known
    return found


def _shown(column: str) -> str:
    return column.replace("custom_", "custom.", 1) if column.startswith("custom_") else column


def _dimension(dimensions: Dimensions, name: str) -> Known:
    resolved = dimensions.resolve(name)
    if not resolved.joins and not resolved.table and resolved.key == f"f.{name}":
        return Known(FieldType("text"), quoted(name))
    return Known(FieldType("text"), quoted(NAMED + name))


def _own(column: str, arrow: str) -> Known | None:
    """A column that the fact's file names."""
    if column in MONEY_COLUMNS or column.endswith("_value"):
        return Known(FieldType("money"), quoted(column))
    if column == "probability":
        return Known(FieldType("rate"), quoted(column))
    if _is_reference(column):
        return Known(FieldType("text"), f"CAST({quoted(column)} AS VARCHAR)")
    unit: Counted = "days" if column.endswith("days") and column != "purchase_days" else "count"
    unit = column if column in ("minutes", "months") else unit  # type: ignore[assignment]
    kind = _of_arrow(arrow)
    return None if kind is None else Known(FieldType(kind), quoted(column), unit)


def _attribute(column: str, arrow: str, kind: str, one: Fact) -> Known | None:
    """A field of the record that the fact is about."""
    if kind == "money" or (not kind and column == "amount"):
        if amount(one.select(), exp.null()) is None:
            return None
        return Known(FieldType("money"), quoted(AMOUNT + column))
    if _is_reference(column) or kind == "ref":
        return Known(FieldType("text"), f"CAST({quoted(column)} AS VARCHAR)")
    if (kind and kind not in KINDS) or column.endswith("_at"):
        return None
    typed = KINDS.get(kind) or _of_arrow(arrow)
    return (
        None
        if typed is None
        else Known(FieldType(typed), quoted(column), "minutes" if column == "minutes" else "count")
    )


def _of_arrow(arrow: str) -> FieldKind | None:
    if arrow.startswith("date"):
        return "date"
    if arrow in ("string", "large_string"):
        return "text"
    return "bool" if arrow == "bool" else "count" if arrow.startswith("int") or arrow.startswith("decimal") else None


_IDS = """
    opportunity lead contact account order invoice subscription first_win converted_opportunity converted_contact
    converted_account paid_by calendar person
"""
_REFERENCES: Final = frozenset(_IDS.split())


def _is_reference(column: str) -> bool:
    return column in _REFERENCES or column in REFS


def _kinds(session: Any, table: str) -> dict[str, str]:
    """The kinds of a table's columns, as the records declare them; empty where there are no records behind the session."""
    if getattr(session, "workspace", None) is None:
        return {}
    from salesops.records.columns import custom_fields
    from salesops.records.entities import entities

    entity = entities().get(table)
    found = {field.name: field.kind for field in entity.fields} if entity is not None else {}
    return found | {
        f"custom_{field.name.removeprefix('custom.')}": field.kind for field in custom_fields().get(table, [])
    }
