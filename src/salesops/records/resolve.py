"""Finds records by what people call them: id, external id, `system:external id`, unique name or e-mail address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from salesops.common.errors import Conflict, NotFound, Problem
from salesops.common.ids import SEPARATOR, record_id

from . import history, scope, sqltools, values
from .access import Actor
from .entities import Entity, Field
from .entities import entity as entity_of


def live_sql(entity: Entity, alias: str) -> str:
    """The condition that a row counts now (deleted ones included)."""
    return history.known_sql(alias) if entity.shape != "versioned" else "1 = 1"


def find_record(actor: Actor, entity: Entity, key: object, *, deleted: bool = False, now_only: bool = False) -> int:
    """The id of the one visible record that `key` names; a merged record's key gives the one that it lives on in.

    Raises NotFound when there is none that the actor sees, Conflict when several have that name.
    """
    found = candidates(actor, entity, str(key).strip(), deleted=deleted, now_only=now_only)
    if not found:
        raise NotFound(
            f"there is no {entity.name} {str(key)!r} that you can see",
            remedy=f"salesops record list {entity.name}; name it by id, external id, system:external id or name",
        )
    if len(found) > 1:
        listed = ", ".join(str(one) for one in found[:5])
        raise Conflict(f"{len(found)} {entity.name} records are called {str(key)!r}", remedy=f"Give the id: {listed}")
    return found[0]


def candidates(actor: Actor, entity: Entity, key: str, *, deleted: bool = False, now_only: bool = False) -> list[int]:
    """Visible records that a key names, by the first way of naming that finds any."""
    for ids in _ways(entity, key):
        if not ids:
            continue
        onward = history.redirects(entity) if entity.shape == "versioned" else {}
        seen = _visible(actor, entity, {onward.get(one, one) for one in ids}, deleted, now_only)
        if seen:
            return sorted(seen)
    return []


def _ways(entity: Entity, key: str) -> Iterable[list[int]]:
    if key.isdigit() and len(key) < 20 and int(key) < 2**63:
        yield [int(key)]
    yield from _by_source(entity, key)
    yield _by_label(entity, key)


def _by_source(entity: Entity, key: str) -> Iterable[list[int]]:
    system, colon, external = key.partition(":")
    if entity.shape != "versioned":
        rows = entity.model.objects.filter(recorded_to__isnull=True)
        if colon:
            yield list(rows.filter(system=system, external_id=external).values_list("id", flat=True))
        yield list(rows.filter(external_id=key).values_list("id", flat=True)) if key else []
        return
    from .models import Batch, SourceId
    from .names import APP

    ids = SourceId.objects.filter(entity=entity.code)
    if SEPARATOR in key:
        return
    if system and colon:
        yield list(ids.filter(pk=record_id(entity.name, system, external)).values_list("record", flat=True))
    known = {APP, *Batch.objects.exclude(system="").values_list("system", flat=True).distinct()}
    wanted = [record_id(entity.name, one, key) for one in sorted(known)]
    yield list(ids.filter(pk__in=wanted).values_list("record", flat=True))
    yield list(ids.filter(external_id=key).values_list("record", flat=True))  # a system that only references name


def _by_label(entity: Entity, key: str) -> list[int]:
    from django.db.models import Q

    wanted = Q()
    for name in {entity.label_field, "email"} & set(entity.by_name):
        wanted |= Q(**{f"{name}__iexact" if name == "email" else name: key})
    if not wanted:
        return []
    return list(entity.model.objects.filter(wanted).order_by("id").values_list("id", flat=True)[:100])


def _visible(actor: Actor, entity: Entity, ids: set[int], deleted: bool, now_only: bool) -> set[int]:
    condition = scope.visible_sql(actor, entity, "v", now_only=now_only)
    sql = f"SELECT v.id FROM {entity.table} v WHERE v.id IN ({sqltools.ids(ids)}) AND {live_sql(entity, 'v')}"
    if not deleted:
        sql += " AND NOT v.deleted"
    return {row[0] for row in sqltools.rows(sql + (f" AND ({condition})" if condition else ""))}


def parse_fields(
    actor: Actor, entity: Entity, given: dict[str, Any], fields: dict[str, Field]
) -> tuple[dict[str, Any], list[Problem]]:
    """Raw values of what somebody gave for a record's fields, and everything that is wrong with it, at once."""
    raw: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        field = values.find_field(fields, name)
        if field is None:
            remedy = f"Fields: {', '.join(fields)}"
            problems.append(Problem(entity.name, None, name, f"{entity.name} has no such field", remedy))
        elif field.kind == "ref" and value not in (None, ""):
            try:
                raw[field.name] = find_record(actor, entity_of(field.target), value)
            except (NotFound, Conflict) as error:
                problems.append(
                    Problem(entity.name, None, field.name, error.message, error.remedy, value=str(value)[:200])
                )
        else:
            raw[field.name], found = values.parse(entity, field, value)
            problems += found
    return raw, problems


def labels(actor: Actor, wanted: dict[str, Iterable[int]]) -> dict[str, dict[int, str]]:
    """Labels of records by entity: {entity: {id: label}}. Merged records give the label of the one they live on in.

    A record that the actor may not see has no label here; doors show its id only.
    """
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for name, ids in wanted.items():
        entity = entity_of(name)
        if not entity.label_field or entity.shape != "versioned":
            continue
        onward = history.redirects(entity)
        targets = {one: onward.get(one, one) for one in ids if one is not None}
        text: dict[int, str] = {}
        for chunk in history.chunks(sorted(set(targets.values()))):
            seen = scope.visible_ids(actor, entity, chunk)
            rows = entity.model.objects.filter(id__in=seen).values_list("id", entity.label_field)
            text |= {record: label for record, label in rows if label is not None}
        found[name] = {one: text[target] for one, target in targets.items() if target in text}
    return found
