"""Source ids are known by their digest: two indexes that grow at their ends instead of three that do not."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from django.db import migrations, models

from salesops.common.ids import record_id


def digests(apps: Any, schema_editor: Any) -> None:
    """Give every source id its digest, also where a merge that may be undone remembers it."""
    from salesops.records.entities import entities

    names = {e.code: e.name for e in entities().values()}
    source_id, batch = apps.get_model("records", "SourceId"), apps.get_model("records", "Batch")
    rows = source_id.objects.order_by("pk").values_list("pk", "entity", "system", "external_id").iterator(10_000)
    became = {pk: record_id(names[entity], system, external) for pk, entity, system, external in rows}
    pairs = iter(became.items())
    mark = "?" if schema_editor.connection.vendor == "sqlite" else "%s"
    while part := list(islice(pairs, 10_000)):
        with schema_editor.connection.cursor() as cursor:
            rows_ = [(new, old) for old, new in part]
            target = cursor.connection if mark == "?" else cursor
            target.executemany(f"UPDATE records_sourceid SET id = {mark} WHERE id = {mark}", rows_)
    for merge in batch.objects.filter(summary__contains='"moved"'):
        summary = json.loads(merge.summary)
        _moved(summary, became)
        merge.summary = json.dumps(summary)
        merge.save()


def _moved(summary: Any, became: dict[int, int]) -> None:
    if not isinstance(summary, dict):
        return
    if "moved" in summary:
        summary["moved"] = [[became.get(pk, pk), record] for pk, record in summary["moved"]]
    for value in summary.values():
        _moved(value, became)


class Migration(migrations.Migration):

    atomic = True

    dependencies = [
        ('records', '0004_api_tokens'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='sourceid', name='source_id_once'),
        migrations.RemoveIndex(model_name='sourceid', name='source_id_record'),
        migrations.RunPython(digests, migrations.RunPython.noop),
        migrations.AlterField(model_name='sourceid', name='id', field=models.BigIntegerField(primary_key=True, serialize=False)),
        migrations.AlterField(model_name='sourceid', name='record', field=models.BigIntegerField(db_index=True)),
    ]
