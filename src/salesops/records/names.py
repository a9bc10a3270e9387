"""Source ids that undoing a batch left: names of records that nothing describes or refers to any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import sqltools, values
from .entities import Entity, entities
from .history import chunks

APP = "app"


def drop_unused(among: Mapping[str, set[int]] | None = None) -> dict[str, list[int]]:
    """Remove the source ids that came with batches that are no longer live and that nothing live needs; gives {entity: records}.

    A name that a source gave is needed while a live fact describes the record or a live fact or row refers to it. The product's own name of
    a record it made says nothing to anybody: it is needed only while a live fact describes the record. `among` looks at these records only.
    """
    from .models import Batch, SourceId

    gone = Batch.objects.exclude(status=Batch.LIVE).values("id")
    dropped: dict[str, list[int]] = {}
    for entity in entities().values():
        sources = SourceId.objects.filter(entity=entity.code, batch__in=gone)
        if among is not None:
            sources = sources.filter(record__in=among.get(entity.name, ()))
        found = {pk: (record, system) for pk, record, system in sources.values_list("pk", "record", "system")}
        if not found:
            continue
        unused = {record for record, _system in found.values()}
        unused -= _described(entity, unused)
        named = {record for record, system in found.values() if system != APP} & unused
        unused -= _referred(entity, named) if named else set()
        for part in chunks([pk for pk, (record, _system) in found.items() if record in unused]):
            SourceId.objects.filter(pk__in=part).delete()
        if unused:
            dropped[entity.name] = sorted(unused)
    return dropped


def mentioned(batch: int) -> dict[str, set[int]]:
    """The records that an edit describes or refers to, by entity."""
    from .models import Change

    found: dict[str, set[int]] = {}
    for entity in entities().values():
        targets = {name: f.target for name, f in values.all_fields(entity).items() if f.kind == "ref" and f.target}
        if entity.shape == "versioned":
            for record, name, value in Change.objects.filter(batch=batch, entity=entity.code).values_list(
                "record", "field", "value"
            ):
                found.setdefault(entity.name, set()).add(record)
                if name in targets and value:
                    found.setdefault(targets[name], set()).add(int(value))
            continue
        names = [name for name in targets if name in entity.by_name]
        for row in entity.model.objects.filter(batch=batch).values_list(*names):
            for name, value in zip(names, row, strict=True):
                if value is not None:
                    found.setdefault(targets[name], set()).add(value)
    return found


def _described(entity: Entity, records: Iterable[int]) -> set[int]:
    """Those of which a live fact says something."""
    found: set[int] = set()
    for part in chunks(sorted(records)):
        sql = f"SELECT DISTINCT record FROM records_change WHERE entity = {entity.code} AND {sqltools.LIVE} AND record IN ({sqltools.ids(part)})"
        found |= {int(row[0]) for row in sqltools.rows(sql)}
    return found


def _referred(target: Entity, records: set[int]) -> set[int]:
    """Those to which a live fact or row refers."""
    found: set[int] = set()
    for entity in entities().values():
        names = [f.name for f in entity.fields if f.kind == "ref" and f.target == target.name]
        for name in names:
            found |= _by_fact(entity, name, records) if entity.shape == "versioned" else _by_row(entity, name, records)
    return found


def _by_row(entity: Entity, name: str, records: set[int]) -> set[int]:
    sql = f'SELECT DISTINCT "{name}" FROM {entity.table} WHERE {sqltools.LIVE} AND "{name}" IS NOT NULL'
    return {int(row[0]) for row in sqltools.rows(sql)} & records


def _by_fact(entity: Entity, name: str, records: set[int]) -> set[int]:
    said = sqltools.asserted("c", name)
    sql = (
        f"SELECT DISTINCT v FROM (SELECT {said} AS v FROM records_change c WHERE c.entity = {entity.code} "
        f"AND c.field IN ('*', {sqltools.text(name)}) AND c.{sqltools.LIVE}) x WHERE v IS NOT NULL AND v <> {sqltools.null_mark()}"
    )
    return {int(row[0]) for row in sqltools.rows(sql)} & records
