"""Filters: an expression in the language of formulas, or a mapping of fields to values, as a condition on one fact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.common.expressions import FieldKind, FieldType
from salesops.common.expressions import parse as parse_formula

from .dimensions import Dimensions, Resolved, labels
from .sql import NONE, left_join, literal, parse

MONEY = ("value", "amount")


class Filter:
    """One `where` on one fact: the condition, and the columns and joins that it needs."""

    def __init__(self, dimensions: Dimensions, *conditions: str | Mapping[str, Any] | None) -> None:
        self.dimensions = dimensions
        self.columns: set[str] = set()
        self.joins: list[exp.Join] = []
        self.condition: Any = None
        for where in conditions:
            if isinstance(where, Mapping):
                self._mapping(where)
            elif where:
                self._formula(where)

    def _and(self, one: exp.Expression) -> None:
        self.condition = one if self.condition is None else exp.and_(self.condition, one)

    def _mapping(self, where: Mapping[str, Any]) -> None:
        for name, value in where.items():
            several = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
            column, ids = self._field(name)
            if ids is not None and all(isinstance(one, int) and not isinstance(one, bool) for one in several):
                column = ids
            empty = any(one is None or one == NONE for one in several)
            rest = [literal(one) for one in several if one is not None and one != NONE]
            tests: list[exp.Expression] = []
            if rest:
                tests.append(exp.In(this=column.copy(), expressions=rest))
            if empty:
                tests.append(exp.Is(this=column.copy(), expression=exp.Null()))
            self._and(exp.paren(exp.or_(*tests)))

    def _formula(self, where: str) -> None:
        schema = self._schema()
        formula = parse_formula(where, schema, "bool", "where")
        columns = {name: self._field(name)[0] for name in formula.fields}
        self._and(exp.paren(formula.sql(lambda name: columns[name].copy())))

    def _schema(self) -> dict[str, FieldType]:
        names = self.dimensions.known()
        schema: dict[str, FieldType] = {name: FieldType("text") for name in names}
        for column, kind in self.dimensions.attributes.items():
            name = column.replace("custom_", "custom.", 1) if column.startswith("custom_") else column
            if name not in schema:
                schema[name] = FieldType(_kind(name, kind))
        for head in ("owner", "account", "campaign", "stage", "pipeline"):
            if head in schema:
                self._dotted_schema(head, schema)
        return schema

    def _dotted_schema(self, head: str, schema: dict[str, FieldType]) -> None:
        from .dimensions import REFS
        from .session import custom_columns

        for column in custom_columns(self.dimensions.session, REFS[head]):
            name = column.replace("custom_", "custom.", 1) if column.startswith("custom_") else column
            schema[f"{head}.{name}"] = FieldType("text")

    def _field(self, name: str) -> tuple[exp.Expression, exp.Expression | None]:
        """The SQL of a field as people compare it (names, not ids), and of its id where it is a reference."""
        found: Resolved | None = self.dimensions._resolve(name)
        if found is None:
            column = name.replace("custom.", "custom_", 1)
            if not self.dimensions.has(column):
                known = ", ".join(self.dimensions.known())
                raise UsageError(f"{self.dimensions.fact.title} has no field {name!r}", f"Fields: {known}")
            self.columns.add(column)
            return exp.column(exp.to_identifier(column, quoted=True), table="f"), None
        self.columns |= found.columns
        self.joins += found.joins
        key = parse(found.key)
        if not found.table:
            return key, None
        alias = f"n_{name}"
        self.joins.append(left_join(labels(found.table), alias, f"{alias}.id = {found.key}"))
        return parse(f"{alias}.label"), key


def _kind(name: str, arrow_type: str) -> FieldKind:
    if name in MONEY:
        return "money"
    if name.startswith("date") or arrow_type.startswith("date"):
        return "date"
    if arrow_type == "bool":
        return "bool"
    return "text" if "string" in arrow_type else "count"
