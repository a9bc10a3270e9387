"""What the backup tests run in processes of their own: `python -m tests.records.worker WORK FOLDER [ARGUMENT]`."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from salesops import workspace as rooms


def fill(folder: Path, _argument: str) -> None:
    """A workspace with records, history, a mapping and a warehouse generation."""
    from salesops.records import access, actions

    ws = rooms.create(folder, rooms.Config(name="Acme", currency="EUR", time_zone="Europe/Warsaw"))
    owner = access.actor_for(ws)
    person = actions.create_record(owner, "person", {"name": "Ann \t\\N 'quoted' Zoë"})
    for number in range(20):
        deal = actions.create_record(
            owner, "opportunity", {"name": f"D{number}", "owner": person, "amount": str(number)}
        )
        actions.edit_record(owner, "opportunity", deal, {"next_step": "line one\nline two"})
    actions.delete_record(owner, "opportunity", deal)
    (ws.mappings / "crm.toml").write_text("name = 'crm'\n")
    (ws.warehouse / "files").mkdir()
    for name in ("a.parquet", "b.parquet", "old.parquet"):
        (ws.warehouse / "files" / name).write_bytes(name.encode() * 1000)
    tables = {"opportunity": {"base": ["a.parquet"], "delta": "b.parquet", "mask": ""}}
    (ws.warehouse / "gen-2.json").write_text(json.dumps({"number": 2, "tables": tables}))
    (ws.warehouse / "CURRENT").write_text("gen-2")


def backup(folder: Path, argument: str) -> None:
    from salesops.backup import backup as write

    print(write(rooms.open_workspace(folder), argument).tick)


def busy(folder: Path, argument: str) -> None:
    """Create accounts, edit them, comment on them, make tasks: until told to stop (a file named by the argument)."""
    from salesops.records import access, actions, actions_work

    ws = rooms.open_workspace(folder)
    owner = access.actor_for(ws)
    number = 0
    while not Path(argument).exists():
        number += 1
        account = actions.create_record(owner, "account", {"name": f"A{number}", "city": "Oslo"})
        actions.edit_record(owner, "account", account, {"city": f"City {number}"})
        actions_work.create_work(owner, "comment", subject="account", subject_id=str(account), text=f"Seen {number}")
        actions_work.create_work(owner, "task", title=f"Call {number}")
        print(number, flush=True)


def moment(folder: Path, argument: str) -> None:
    """What was written up to one moment, table by table: `TICK:HEAD`, the tick and the last audit entry of then; without, all there is.

    Current values of accounts are worked out from their history up to then; without a moment they are those that stand.
    """
    rooms.open_workspace(folder)
    from salesops.records import audit
    from salesops.records.entities import entity
    from salesops.records.models import Account, AuditEntry, Batch, Change, Comment, Outbox, SourceId, Task

    assert audit.verify().ok
    tick, _, head = argument.partition(":")
    last = AuditEntry.objects.get(hash=head) if head else AuditEntry.objects.order_by("id").last()
    assert last is not None
    later = AuditEntry.objects.filter(id__gt=last.pk).order_by("id").first()
    batches = Batch.objects.filter(tick__lte=int(tick)) if tick else Batch.objects.all()
    made = {row.pk for row in batches}
    kept: dict[str, list[Any]] = {
        "audit": list(AuditEntry.objects.filter(id__lte=last.pk).order_by("id").values()),
        "batch": list(batches.order_by("id").values()),
        "change": [row for row in Change.objects.order_by("id").values() if row["batch"] in made],
        "source": [row for row in SourceId.objects.order_by("id").values() if row["batch"] in made],
        "outbox": list(Outbox.objects.filter(created__lt=later.at if later else 2**62).order_by("id").values()),
        "comment": list(Comment.objects.filter(created__lte=last.at).order_by("id").values()),
        "task": list(Task.objects.filter(created__lte=last.at).order_by("id").values()),
    }
    if head:
        values: dict[int, dict[str, Any]] = {}
        of_accounts = [row for row in kept["change"] if row["entity"] == entity("account").code]
        for row in sorted(of_accounts, key=lambda one: (one["effective"], one["recorded"], one["seq"], one["id"])):
            values.setdefault(row["record"], {})[row["field"]] = row["value"]
        current = sorted((record, row["name"], row["city"]) for record, row in values.items())
    else:
        current = sorted(Account.objects.values_list("id", "name", "city"))
    found = {name: [len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()] for name, rows in kept.items()}
    print(json.dumps(found | {"current": [list(row) for row in current]}))


def content(folder: Path, _argument: str) -> None:
    """Everything that the workspace holds, as one digest a table and file."""
    from django.apps import apps

    from salesops.records import audit

    ws = rooms.open_workspace(folder)
    found: dict[str, Any] = {"verify": audit.verify().to_dict(), "config": (folder / rooms.CONFIG).read_text()}
    for model in apps.get_app_config("records").get_models():
        rows = [sorted(row.items()) for row in model.objects.order_by("pk").values()]
        found[model.__name__] = [len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()]
    for part in (ws.warehouse, ws.mappings):
        for file in sorted(part.rglob("*")):
            if file.is_file():
                found[str(file.relative_to(folder))] = hashlib.sha256(file.read_bytes()).hexdigest()
    print(json.dumps(found))


def edit(folder: Path, _argument: str) -> None:
    """One more edit: sequences and the audit chain go on."""
    from salesops.records import access, actions, audit

    ws = rooms.open_workspace(folder)
    actions.create_record(access.actor_for(ws), "account", {"name": "After"})
    assert audit.verify().ok


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
