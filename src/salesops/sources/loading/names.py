"""Source ids that an undone import left: names of records that nothing describes or refers to any more."""

from __future__ import annotations

from collections.abc import Iterable

from salesops.records import sqltools
from salesops.records.entities import Entity, entities
from salesops.records.history import chunks
from salesops.records.models import Batch, SourceId


def drop_unused() -> int:
    """Remove the source ids that came with imports that are no longer live and that no live fact or row needs; gives how many."""
    gone = Batch.objects.filter(kind__in=["import", "demo"]).exclude(status=Batch.LIVE).values("id")
    dropped = 0
    for code, entity in {e.code: e for e in entities().values()}.items():
        found = dict(SourceId.objects.filter(entity=code, batch__in=gone).values_list("pk", "record"))
        if not found:
            continue
        records = set(found.values())
        unused = records - _described(entity, records)
        unused -= _referred(entity, unused) if unused else set()
        for part in chunks([pk for pk, record in found.items() if record in unused]):
            dropped += SourceId.objects.filter(pk__in=part).delete()[0]
    return dropped


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
