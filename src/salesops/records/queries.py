"""Reads of records, scoped to the actor: lists, one record with its labels and versions, its history, search."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from salesops.common.errors import NotFound, UsageError
from salesops.spreadsheet import Exported, Table

from . import access, context, filters, history, resolve, scope, sqltools, values
from .access import Actor, require
from .entities import Entity, Field
from .entities import entity as entity_of


@dataclass(frozen=True)
class Listing(Exported):
    """One page of records: raw values by field, labels of references by entity and id, and the count of all pages."""

    entity: Entity
    fields: tuple[Field, ...]
    rows: list[dict[str, Any]]
    total: int
    offset: int = 0
    labels: dict[str, dict[int, str]] = field(default_factory=dict)
    last: int | None = None  # where the next page goes on (`after`); None where there is none, or the page is sorted
    where: str = ""
    as_of: date | None = None
    as_known_on: date | None = None

    def text(self, row: dict[str, Any], one: Field) -> str:
        """A value of a row for people."""
        return shown_of(row, one, self.labels)

    def value(self, row: dict[str, Any], one: Field) -> Any:
        """A value of a row for programs: exact numbers, dates; a reference as its label, or its id as text."""
        return value_of(row, one, self.labels)

    def held(self) -> list[Field]:
        """The fields that any row has a value of."""
        return [one for one in self.fields if any(row.get(one.name) is not None for row in self.rows)]

    def table(self, chosen: Sequence[Field] | None = None) -> Table:
        """The page as it is written to a file, with the `chosen` fields (default: those that any row has a value of)."""
        chosen = self.held() if chosen is None else chosen
        money = [one.name for one in chosen if one.kind == "money"]
        own = "currency" in self.entity.by_name
        rows = [
            {**({"currency": row["currency"]} if own else {}), "id": str(row["id"])}
            | {one.name: self.value(row, one) for one in chosen}
            for row in self.rows
        ]
        days = [
            ("as of", self.as_of or "now"),
            ("as known on", self.as_known_on or "now"),
            ("filter", self.where or "none"),
        ]
        about = [
            ("records of", self.entity.name),
            *days,
            ("records in all", self.total),
            ("records skipped", self.offset),
        ]
        told = [{"column": one.name, "kind": one.kind, "definition": one.help} for one in chosen]
        return Table(
            rows, ["id", *(one.name for one in chosen)], dict.fromkeys(money, "money"), context.currency(),
            dict.fromkeys(money, "currency") if own else {}, about, told,
        )  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One record as shown: raw values, labels, what sources call it, its version, and which values are assumed."""

    entity: Entity
    id: int
    fields: tuple[Field, ...]
    values: dict[str, Any]
    labels: dict[str, dict[int, str]]
    source_ids: list[tuple[str, str]]
    version: int
    assumed: tuple[str, ...]
    deleted: bool
    merged_from: tuple[int, ...] = ()
    as_of: date | None = None
    as_known_on: date | None = None

    def text(self, one: Field) -> str:
        return shown_of(self.values, one, self.labels)

    def value(self, one: Field) -> Any:
        return value_of(self.values, one, self.labels)


def text_of(
    row: dict[str, Any], one: Field, labels: dict[str, dict[int, str]], write: Callable[..., str] = values.display
) -> str:
    """A raw value of a row as text, as `write` writes it; a masked one as the mask."""
    raw = row.get(one.name)
    if raw == access.MASKED:
        return access.MASKED
    label = labels.get(one.target, {}).get(raw) if one.kind == "ref" and raw is not None else None
    return write(one, raw, currency=row.get("currency"), label=label)


def shown_of(row: dict[str, Any], one: Field, labels: dict[str, dict[int, str]]) -> str:
    """A raw value of a row for a table; an amount of a row that may name its currency and does not is the workspace's."""
    if one.kind == "money" and "currency" in row and row["currency"] is None:
        row = {**row, "currency": context.currency()}
    return text_of(row, one, labels, values.shown)


def value_of(row: dict[str, Any], one: Field, labels: dict[str, dict[int, str]]) -> Any:
    """A raw value of a row as programs read it: Decimal, date, bool, text; a moment as local ISO text."""
    raw = row.get(one.name)
    if raw is None or raw == access.MASKED or one.kind in ("ref", "instant"):
        return text_of(row, one, labels) or None
    return values.to_python(one, raw)


def _custom(row: dict[str, Any], fields: dict[str, Field]) -> dict[str, Any]:
    """The row with its custom values under `custom.<name>`, raw."""
    held = json.loads(row.pop("custom", None) or "{}")
    for name in [name for name in fields if name.startswith(values.CUSTOM)]:
        row[name] = values.from_text(fields[name], held.get(name.removeprefix(values.CUSTOM)))
    return row


def _labels(actor: Actor, fields: dict[str, Field], rows: list[dict[str, Any]]) -> dict[str, dict[int, str]]:
    wanted: dict[str, list[int]] = {}
    for one in fields.values():
        if one.kind == "ref":
            ids = [row[one.name] for row in rows if isinstance(row.get(one.name), int)]
            wanted.setdefault(one.target, []).extend(ids)
    return resolve.labels(actor, dict(wanted))


# Lists


def list_records(
    actor: Actor,
    name: str,
    *,
    where: str = "",
    order: str = "",
    limit: int | None = None,
    offset: int = 0,
    as_of: date | None = None,
    as_known_on: date | None = None,
    deleted: bool = False,
    after: int | None = None,
    refers: Mapping[str, int] | None = None,
    contains: Mapping[str, str] | None = None,
) -> Listing:
    """The visible records that meet a filter, with the total over all pages.

    Pages by `after` (the `last` of the page before; not with `order`) neither repeat nor miss a record while others write.
    `refers` takes records whose field refers to a record (or to one merged into it), `contains` those whose text, or the label
    of whose reference, has a text within.
    `order` is `name,-other`; `limit` None gives all. Deleted records come only when asked for. Raises InvalidData for a
    filter that cannot be read, NotAllowed for one over a masked field, UsageError when `as_of` is after `as_known_on`.
    """
    entity = entity_of(name)
    require(actor, "read", entity)
    key = "id" if entity.shape == "versioned" else "row"
    source = history.as_of_sql(entity, as_of, as_known_on)
    conditions = [] if deleted else ["NOT v.deleted"]
    if seen := scope.visible_sql(actor, entity, "s"):
        conditions.append(f"v.{key} IN (SELECT s.{key} FROM {entity.table} s WHERE {seen})")
    if where.strip():
        conditions.append(filters.where_sql(actor, entity, where, source, key))
    for field_name, target in (refers or {}).items():
        conditions.append(f'v."{field_name}" IN ({sqltools.ids(_same(entity.field(field_name), target))})')
    conditions += [filters.contains_sql(actor, entity, name, text) for name, text in (contains or {}).items()]
    if after is not None and (order or offset):
        raise UsageError("a sorted list has no place to go on after", remedy="Use offset, or leave the order out")
    rest = f"FROM {source} v" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
    total = int(sqltools.rows(f"SELECT COUNT(*) {rest}")[0][0])
    if after is not None:
        rest += f" {'AND' if conditions else 'WHERE'} v.{key} > {int(after)}"
    fields = values.all_fields(entity)
    names = ["id", "deleted", "custom", *entity.by_name]
    picks = ", ".join([*(f'v."{column}"' for column in names), f"v.{key} AS place_"])
    page = f" ORDER BY {filters.order_sql(actor, entity, order, key)}"
    if limit is not None:
        page += f" LIMIT {max(0, int(limit))} OFFSET {max(0, int(offset))}"
    elif offset:
        page += f" {'' if sqltools.is_postgres() else 'LIMIT -1 '}OFFSET {max(0, int(offset))}"
    read = sqltools.rows(f"SELECT {picks} {rest}{page}")
    found = [dict(zip(names, row, strict=False)) for row in read]
    last = int(read[-1][-1]) if read and limit is not None and len(read) == limit and not order else None
    rows = [access.mask(actor, entity, _custom(_python(entity, row), fields)) for row in found]
    labels = _labels(actor, fields, rows)
    return Listing(entity, tuple(fields.values()), rows, total, offset, labels, last, where.strip(), as_of, as_known_on)


def _same(one: Field, record: int) -> list[int]:
    """A record and those that were merged into it: what a stored reference to it may hold."""
    if one.kind != "ref":
        raise UsageError(f"{one.name} is no reference", remedy="Filter by its value")
    target = entity_of(one.target)
    return [record, *(sorted(_merged_into(target, record)) if target.shape == "versioned" else [])]


def _python(entity: Entity, row: dict[str, Any]) -> dict[str, Any]:
    """SQLite gives days as text and booleans as numbers; make them what they are."""
    row["deleted"] = bool(row["deleted"])
    for one in entity.fields:
        raw = row[one.name]
        if raw is None:
            continue
        if one.kind == "date" and isinstance(raw, str):
            row[one.name] = date.fromisoformat(raw)
        elif one.kind == "boolean":
            row[one.name] = bool(raw)
    return row


def find(actor: Actor, name: str, text: str, limit: int = 20) -> list[tuple[int, str]]:
    """(id, label) of visible records whose label or e-mail contains a text, the shortest label first."""
    entity = entity_of(name)
    require(actor, "read", entity)
    if not entity.label_field or entity.shape != "versioned":
        raise NotFound(f"{entity.name} has no name to search by", remedy="Use list with a filter")
    from django.db.models import Q
    from django.db.models.functions import Length

    wanted = Q(**{f"{entity.label_field}__icontains": text})
    if "email" in entity.by_name:
        wanted |= Q(email__icontains=text)
    rows = entity.model.objects.filter(wanted, scope.visible_filter(actor, entity), deleted=False)
    rows = rows.order_by(Length(entity.label_field), entity.label_field, "id")
    return [(record, label or "") for record, label in rows.values_list("id", entity.label_field)[:limit]]


# One record


def show_record(
    actor: Actor,
    name: str,
    key: object,
    *,
    as_of: date | None = None,
    as_known_on: date | None = None,
) -> Record:
    """One record by id, external id, `system:external id` or name, now or as of a day as known on another.

    Raises NotFound when there is none that the actor sees, or none on that day.
    """
    entity = entity_of(name)
    require(actor, "read", entity)
    history.check_days(as_of, as_known_on)
    record = resolve.find_record(actor, entity, key, deleted=True)
    fields = values.all_fields(entity)
    row = _one(entity, record, as_of, as_known_on)
    if row is None:
        day = as_of or as_known_on
        raise NotFound(f"{entity.name} {key!r} was not there on {day}", remedy="Ask as of a later day")
    shown = access.mask(actor, entity, _custom(row, fields))
    merged = () if entity.shape != "versioned" else tuple(sorted(_merged_into(entity, record)))
    return Record(
        entity=entity,
        id=record,
        fields=tuple(fields.values()),
        values=shown,
        labels=_labels(actor, fields, [shown]),
        source_ids=_source_ids(entity, record),
        version=history.version_of(entity, record),
        assumed=_assumed(entity, record, as_of, as_known_on),
        deleted=bool(row["deleted"]),
        merged_from=merged,
        as_of=as_of,
        as_known_on=as_known_on,
    )


def _one(entity: Entity, record: int, as_of: date | None, as_known_on: date | None) -> dict[str, Any] | None:
    names = ["id", "deleted", "custom", *entity.by_name]
    picks = ", ".join(f'v."{column}"' for column in names)
    if entity.shape == "versioned" and (as_of is not None or as_known_on is not None):
        conditions = history.days_sql("c", as_of, as_known_on)
        source = f"({history.pivot_sql(entity, f'c.record = {record}{conditions}')})"
    else:
        source = history.as_of_sql(entity, as_of, as_known_on)
    rows = sqltools.rows(f"SELECT {picks} FROM {source} v WHERE v.id = {record}")
    if not rows:
        return None
    row = _python(entity, dict(zip(names, rows[-1], strict=True)))
    created = row.get("created")
    if as_of is not None and created is not None and context.day_of(created) > as_of:
        return None
    return None if row["deleted"] and as_of is not None else row


def _merged_into(entity: Entity, record: int) -> set[int]:
    return {loser for loser, winner in history.redirects(entity).items() if winner == record}


def _source_ids(entity: Entity, record: int) -> list[tuple[str, str]]:
    if entity.shape != "versioned":
        rows = entity.model.objects.filter(id=record).order_by("-row").values_list("system", "external_id")
        return list(rows[:1])
    from .models import SourceId

    found = SourceId.objects.filter(entity=entity.code, record=record).order_by("system", "external_id")
    return list(found.values_list("system", "external_id"))


def _assumed(entity: Entity, record: int, as_of: date | None, as_known_on: date | None) -> tuple[str, ...]:
    """Fields whose deciding value has an assumed recorded time."""
    if entity.shape != "versioned":
        return ()
    where = f"c.record = {record}{history.days_sql('c', as_of, as_known_on)}"
    sql = sqltools.winners(entity, where)
    return tuple(sorted(row[1] for row in sqltools.rows(sql) if row[5]))


def history_of(
    actor: Actor, name: str, key: object, write: Callable[..., str] = values.display
) -> list[dict[str, Any]]:
    """The versions of a record, oldest first: what each said, when it was true, when we learned it, who said so.

    Values are text for people, as `write` writes them; masked fields are masked.
    """
    from .models import Batch

    entity = entity_of(name)
    require(actor, "read", entity)
    record = resolve.find_record(actor, entity, key, deleted=True)
    fields = values.all_fields(entity) | {"deleted": values.DELETED}
    fields |= {name: Field(name, "ref", target=entity.name) for name in ("merged_into", "merged_from")}
    found = history.versions(entity, record)
    raw_rows = []
    for version in found:
        known = {name: text for name, text in version["fields"].items() if name in fields}
        raw_rows.append({name: values.from_text(fields[name], text) for name, text in known.items()})
    labels = _labels(actor, fields, raw_rows)
    batches = Batch.objects.in_bulk({version["batch"] for version in found})
    context_row = _one(entity, record, None, None) or {}
    shown = []
    for version, raw in zip(found, raw_rows, strict=True):
        about = {name: context_row.get(name) for name in ("person", "owner", "visibility", "currency")}
        masked = access.mask(actor, entity, {**about, **raw})
        batch = batches.get(version["batch"])
        shown.append(
            {
                "effective": version["effective"],
                "recorded": version["recorded"],
                "recorded_to": version.get("recorded_to"),
                "assumed": version["assumed"],
                "batch": version["batch"],
                "kind": batch.kind if batch else "",
                "user": batch.user if batch else "",
                "fields": {name: text_of(masked, fields[name], labels, write) for name in raw},
            }
        )
    return shown
