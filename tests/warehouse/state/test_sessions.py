"""Sessions and generations: what is open keeps answering, what nobody needs is swept, spilled work is removed."""

from __future__ import annotations

import os

from tests.warehouse.state.world import World


def test_an_open_session_keeps_its_generation(world: World) -> None:
    from salesops.warehouse import open_session

    world.stages()
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1, amount=1)
    world.refresh()
    folder = world.ws.warehouse
    with open_session(world.ws) as session:
        for amount in range(2, 7):
            world.set("opportunity", 1, f"2024-03-0{amount}", amount=amount)
            world.refresh(full=True)
            for file in (folder / "files").iterdir():
                os.utime(file, (0, 0))
        assert session.query("SELECT max(amount) AS n FROM opportunity").to_pylist() == [{"n": 1}]
        assert (folder / f"{session.generation}.json").exists()
    world.set("opportunity", 1, "2024-03-09", amount=9)
    world.refresh()
    names = sorted(p.stem for p in folder.glob("gen-*.json"))
    assert len(names) == world.ws.config.keep_generations
    assert session.generation not in names
    assert world.ask("SELECT max(amount) FROM opportunity") == [(9,)]
    assert not list((world.ws.work / "spill").glob("*"))


def test_nothing_new_makes_no_generation(world: World) -> None:
    world.stages()
    made = world.refresh()
    again = world.refresh()
    assert (made.kind, again.kind, again.generation) == ("full", "unchanged", made.generation)


def test_many_patches_are_folded_into_the_table(world: World) -> None:
    """A table too large to be rewritten gets a delta and a mask; when a tenth is masked it is rewritten."""
    import sys

    world.stages()
    for record in range(1, 31):
        world.record("opportunity", record, "2024-03-01", name=f"D{record}", stage=1, amount=record)
    world.refresh()
    module = sys.modules["salesops.warehouse.refresh"]
    small, module.SMALL = module.SMALL, 0  # type: ignore[attr-defined]
    try:
        for record in (1, 2, 1, 3, 4, 5, 6):
            world.set("opportunity", record, "2024-04-01", amount=100)
            assert world.refresh().kind == "incremental"
            rows = world.ask("SELECT id, amount FROM opportunity WHERE day_to > '9999-01-01' ORDER BY id")
            assert [r[0] for r in rows] == list(range(1, 31))
            assert rows[record - 1][1] == 100
    finally:
        module.SMALL = small  # type: ignore[attr-defined]
    patched = world.everything()
    world.refresh(full=True)
    assert world.everything() == patched
    many, module.SPLIT_FROM = module.SPLIT_FROM, 1  # type: ignore[attr-defined]
    try:
        world.refresh(full=True)  # what still holds in one file, the past in another
    finally:
        module.SPLIT_FROM = many  # type: ignore[attr-defined]
    names = [file.name for file in (world.ws.warehouse / "files").glob("opportunity-*")]
    assert {name.rpartition("_")[2] for name in names} >= {"now.parquet", "past.parquet"}
    assert world.everything() == patched


def test_an_undo_takes_names_with_it(world: World) -> None:
    """Account 6 is known by name only, from an import; an edit refers to it. With import and edit undone nobody needs the name.
    An account made in the product and undone was never there."""
    from django.db import transaction

    from salesops.records import actions
    from salesops.records.access import actor_for
    from salesops.records.entities import entities
    from salesops.records.models import Batch, SourceId
    from salesops.records.names import drop_unused
    from salesops.records.writing import next_tick

    owner, named = actor_for(world.ws), world.batch()
    SourceId.objects.create(
        id=6, entity=entities()["account"].code, system="crm", external_id="Six", record=6, batch=named.pk
    )
    world.stages()
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1)
    from salesops.records.history import recompute_current

    recompute_current(entities()["opportunity"], [1])

    def latest() -> int:
        return int(Batch.objects.order_by("-id").values_list("id", flat=True)[0])

    from salesops.records.writing import change_set

    with change_set(owner, "edit", entities()["opportunity"]) as change:
        change.set(entities()["opportunity"], 1, {"account": 6})
    edit = latest()
    with transaction.atomic():
        named.status, named.tick = Batch.UNDONE, next_tick()
        named.save()
        drop_unused()
    actions.create_record(owner, "account", {"name": "Made here"})
    made = latest()
    world.refresh()
    accounts = "SELECT name FROM account ORDER BY name"
    assert world.ask(accounts) == [("Made here",), ("Six",)]
    actions.undo(owner, made)
    assert world.refresh().kind == "incremental"
    assert world.ask(accounts) == [("Six",)]
    actions.undo(owner, edit)
    assert world.refresh().kind == "incremental"
    assert world.ask(accounts) == []
    assert world.ask("SELECT * FROM source_system") == []
    patched = world.everything()
    world.refresh(full=True)
    assert world.everything() == patched
