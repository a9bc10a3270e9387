"""Filters and orders over the state database: an expression of people as SQL for SQLite or PostgreSQL.

A filter sees business values: the day of an instant, the label of a reference (only where the asker may see the record
referred to), a custom field by its name. `<reference>.id` compares ids as text.
"""

from __future__ import annotations

from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.common.expressions import FieldKind, FieldType, parse

from . import scope, sqltools, values
from .access import Actor, filterable
from .entities import Entity, Field
from .entities import entity as entity_of

_RATE_PLACES = 6


def schema_of(entity: Entity) -> dict[str, FieldType]:
    """The fields that a filter of this entity may name, with their types."""
    found: dict[str, FieldType] = {"id": FieldType("text"), "deleted": FieldType("bool")}
    for name, field in values.all_fields(entity).items():
        found[name] = FieldType(_kind(field))
        if field.custom:
            found.setdefault(name.removeprefix(values.CUSTOM), found[name])
        if field.kind == "ref":
            found[f"{name}.id"] = FieldType("text")
    return found


_KINDS: dict[str, FieldKind] = {
    "text": "text",
    "kind": "text",
    "ref": "text",
    "date": "date",
    "instant": "date",
    "integer": "count",
    "boolean": "bool",
    "money": "money",
}


def _kind(field: Field) -> FieldKind:
    return "rate" if field.kind.startswith("scaled") else _KINDS[field.kind]


def where_sql(actor: Actor, entity: Entity, where: str, source: str, key: str) -> str:
    """The condition on `v.<key>` that a filter stands for, over the rows of `source`.

    Raises InvalidData for a formula that cannot be read, NotAllowed for a masked field.
    """
    formula = parse(where, schema_of(entity), expect="bool", source="where")
    filterable(actor, entity, _names(entity, formula.fields))
    columns = "".join(
        f', {column_sql(actor, entity, name, "f")} AS "{name}"' for name in sorted(formula.fields) if name != key
    )
    condition = formula.sql().transform(_portable)
    text = condition.sql(dialect="postgres" if sqltools.is_postgres() else "sqlite")
    picks = f'CAST(f.{key} AS TEXT) AS "{key}", f.{key} AS chosen_{columns}'
    return f"v.{key} IN (SELECT g.chosen_ FROM (SELECT {picks} FROM {source} f) g WHERE {text})"


def _portable(node: exp.Expression) -> exp.Expression:
    """What DuckDB writes, as SQLite and PostgreSQL read it."""
    if not isinstance(node, exp.Cast):
        return node
    kind = node.to.sql(dialect="duckdb").upper()
    if kind == "DATE" and not sqltools.is_postgres():
        return node.this  # days are ISO text there
    if kind in ("INT128", "HUGEINT"):
        return exp.cast(node.this, "DECIMAL(38, 0)" if sqltools.is_postgres() else "BIGINT")
    return node


def _names(entity: Entity, fields: frozenset[str]) -> list[str]:
    return [name.removesuffix(".id") for name in fields]


def contains_sql(actor: Actor, entity: Entity, name: str, text: str) -> str:
    """The condition on rows `v` that a text field, or the label of a reference, has a text within, in any case of its letters.

    Raises UsageError for another kind of field, NotAllowed for a masked one.
    """
    field = values.find_field(values.all_fields(entity), name)
    if field is None or field.kind not in ("text", "kind", "ref"):
        raise UsageError(f"{entity.name} has no text {name!r} to search in", remedy="Filter it by = < or >")
    filterable(actor, entity, [field.name])
    wanted = text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"LOWER({column_sql(actor, entity, field.name, 'v')}) LIKE {sqltools.text(f'%{wanted}%')} ESCAPE '!'"


def order_sql(actor: Actor, entity: Entity, order: str, key: str) -> str:
    """ORDER BY of `name,-other` over rows `v`: empty values last, ties by id."""
    found = []
    for part in filter(None, (one.strip() for one in order.split(","))):
        name, descending = part.removeprefix("-"), part.startswith("-")
        if name not in schema_of(entity):
            raise UsageError(f"{entity.name} has no field {name!r} to sort by", remedy="Write name or -name")
        filterable(actor, entity, [name.removesuffix(".id")])
        column = column_sql(actor, entity, name, "v", sort=True)
        found.append(f"CASE WHEN {column} IS NULL THEN 1 ELSE 0 END, {column}{' DESC' if descending else ''}")
    return ", ".join([*found, f"v.{key}"])


def column_sql(actor: Actor, entity: Entity, name: str, alias: str, *, sort: bool = False) -> str:
    """The value of a field as a filter sees it; `sort` keeps the stored value of numbers and instants."""
    if name in ("id", "deleted"):
        return f"{alias}.{name}" if sort or name == "deleted" else f"CAST({alias}.{name} AS TEXT)"
    fields = values.all_fields(entity)
    if name.endswith(".id") and name.removesuffix(".id") in fields:
        return f"CAST({_stored(fields[name.removesuffix('.id')], alias)} AS TEXT)"
    field = values.find_field(fields, name)
    assert field is not None  # the schema has been checked
    stored = _stored(field, alias)
    if field.kind == "ref":
        return _label(actor, field, stored, alias)
    if sort:
        return stored
    if field.kind == "instant":
        return sqltools.day_of(stored)
    if field.kind.startswith("scaled") and field.places != _RATE_PLACES:
        shift = _RATE_PLACES - field.places
        return f"({stored} * {10**shift})" if shift > 0 else f"({stored} / {10**-shift})"
    return stored


def _stored(field: Field, alias: str) -> str:
    if field.custom:
        return sqltools.typed(sqltools.member(f"{alias}.custom", field.name.removeprefix(values.CUSTOM)), field)
    return f'{alias}."{field.name}"'


def _label(actor: Actor, field: Field, stored: str, alias: str) -> str:
    target = entity_of(field.target)
    if not target.label_field:
        return f"CAST({stored} AS TEXT)"
    inner = f"{alias}l"
    seen = scope.visible_sql(actor, target, inner)
    condition = f" AND {seen}" if seen else ""
    merged = (
        f"SELECT CAST(c.value AS BIGINT) FROM records_change c WHERE c.entity = {target.code} AND c.record = {stored} "
        f"AND c.field = 'merged_into' AND c.{sqltools.LIVE} ORDER BY {sqltools.order('c')} LIMIT 1"
    )
    onward = f"COALESCE(({merged}), {stored})"
    return f"(SELECT {inner}.{target.label_field} FROM {target.table} {inner} WHERE {inner}.id = {onward}{condition})"
