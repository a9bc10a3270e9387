"""Migration 0005: source ids of workspaces made before it are known by their digest, also to merges that may be undone."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

from tests.records.state.company import rolled_back

from salesops.common.ids import record_id
from salesops.records import actions
from salesops.records.access import actor_for


def test_source_ids_get_their_digest(ws: Any) -> None:
    from django.apps import apps
    from django.db import connection

    from salesops.records.models import SourceId

    step = importlib.import_module("salesops.records.migrations.0005_source_id_digest")
    with rolled_back():
        owner = actor_for(ws)
        kept, lost = (actions.create_record(owner, "account", {"name": n}) for n in ("Kept", "Lost"))
        actions.merge_records(owner, "account", kept, lost)
        before = sorted(SourceId.objects.values_list("pk", "entity", "system", "external_id", "record"))
        merge = actions_of("merge")
        for number, row in enumerate(SourceId.objects.order_by("pk"), start=1):
            SourceId.objects.filter(pk=row.pk).update(id=number)  # as they were numbered
            merge.summary = (
                merge.summary.replace(str(row.pk), str(number), 1) if row.record != row.pk else merge.summary
            )
        merge.save()
        step.digests(apps, SimpleNamespace(connection=connection))
        assert sorted(SourceId.objects.values_list("pk", "entity", "system", "external_id", "record")) == before
        for pk, _entity, system, external, _record in before:
            assert pk == record_id("account", system, external) or external not in ("Kept", "Lost")
        actions.undo(owner, actions_of("merge").pk)
        assert set(SourceId.objects.filter(entity=code()).values_list("record", flat=True)) >= {kept, lost}


def actions_of(kind: str) -> Any:
    from salesops.records.models import Batch

    return Batch.objects.filter(summary__contains='"moved"').latest("pk") if kind == "merge" else None


def code() -> int:
    from salesops.records.entities import entity

    return entity("account").code
