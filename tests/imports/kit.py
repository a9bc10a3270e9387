"""What the import tests share: small files, a mapping for them, and everything that a workspace holds as plain values."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "mappings"

MAPPING = """
name = "crm"
system = "crm"

[[file]]
match = "people*"
entity = "person"
id = "id"
[file.fields]
name = "name"
email = "email"

[[file]]
match = "lines*"
entity = "reporting_line"
id = "person"
[file.fields]
person = "person"
manager = "manager"
kind = { value = "line" }

[[file]]
match = "companies*"
entity = "account"
id = "id"
[file.fields]
name = "name"
city = "city"
industry = "industry"
employees = "employees"

[[file]]
match = "deals*"
entity = "opportunity"
id = "id"
[file.fields]
name = "name"
created = "created"
owner = "owner"
account = { column = "company", by = "name" }
stage = "stage"
amount = "amount"
currency = "currency"
"custom.tier" = "tier"

[[file]]
match = "versions*"
entity = "opportunity"
id = "id"
changed_at = "changed"
recorded_at = "learned"
deleted = "gone"
[file.fields]
created = "created"
name = "name"
amount = "amount"
stage = "stage"
owner = "owner"
"custom.tier" = "tier"

[[file]]
match = "changes*"
entity = "opportunity"
id = "id"
[file.history]
field = "field"
value = "value"
old = "old"
at = "at"

[[file]]
match = "roles*"
entity = "team_member"
id = "id"
changed_at = "changed"
[file.fields]
team = "team"
person = "person"
role = "role"
valid_from = "from"
valid_to = "to"

[[file]]
match = "calls*"
entity = "activity"
id = "id"
[file.fields]
kind = { value = "call" }
at = "at"
owner = "owner"
minutes = "minutes"
outcome = "outcome"

[[file]]
match = "visits*"
entity = "activity"
id = []
[file.fields]
kind = { value = "meeting" }
at = "at"
owner = "owner"
subject = "subject"

[[stage]]
id = "Open"
name = "Open"
position = 1

[[stage]]
id = "Won"
name = "Won"
kind = "won"
position = 2

[[stage]]
id = "Lost"
name = "Lost"
kind = "lost"
position = 3
"""

Row = Mapping[str, Any]


def write_csv(path: Path, rows: Sequence[Row] | str) -> Path:
    """A CSV file of these rows (or of this text, lines indented as in the test)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(rows, str):
        lines = [line.strip() for line in rows.strip().splitlines()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


# Everything that a workspace holds -----------------------------------------------------------------------------------


def dump() -> dict[str, list[Any]]:
    """Everything that counts, without the numbers that a database hands out: equal for equal states.

    Current rows, live facts, live rows with both recorded times, source ids, bad rows and conflicts of live imports.
    """
    from salesops.records.entities import entities
    from salesops.records.models import Batch, Change, ImportConflict, RowError, SourceId

    live = Batch.objects.filter(status="live").values("id")
    columns = ("entity", "record", "field", "value", "effective", "recorded", "assumed")
    found = {
        "facts": [_parsed(row) for row in Change.objects.filter(batch__in=live).values_list(*columns)],
        "sources": list(SourceId.objects.values_list("entity", "system", "external_id", "record")),
        "errors": list(RowError.objects.filter(batch__in=live).values_list("source", "row", "field", "problem")),
        "conflicts": list(
            ImportConflict.objects.filter(batch__in=live).values_list("entity", "record", "field", "kept", "offered")
        ),
    }
    for entity in entities().values():
        names = ["id", *entity.by_name, "deleted", "custom"]
        rows = entity.model.objects.all()
        if entity.shape != "versioned":
            names += ["system", "external_id", "recorded_from", "recorded_to", "assumed"]
            rows = rows.filter(batch__in=live)
        found[entity.name] = [_custom_parsed(row, names.index("custom")) for row in rows.values_list(*names)]
    return {name: sorted(map(repr, map(tuple, rows))) for name, rows in found.items() if rows}


def _parsed(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A fact with its members in order."""
    if row[2] != "*":
        return row
    return (*row[:3], json.dumps(json.loads(row[3]), sort_keys=True), *row[4:])


def _custom_parsed(row: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    return (*row[:place], sorted(json.loads(row[place] or "{}").items()), *row[place + 1 :])


def fingerprint(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()


def as_of(entity_name: str, days: Iterable[date], known: date | None = None) -> dict[str, Any]:
    """The records of an entity as of each day, as known on a day."""
    from salesops.records.entities import entity
    from salesops.records.history import rows_as_known, state_as_of
    from salesops.records.models import Change

    e = entity(entity_name)
    found: dict[str, Any] = {}
    for day in days:
        if known is not None and day > known:
            continue
        if e.shape == "versioned":
            ids = list(Change.objects.filter(entity=e.code).values_list("record", flat=True).distinct())
            found[str(day)] = sorted((k, sorted(v.items())) for k, v in state_as_of(e, ids, day, known).items())
        else:
            rows = rows_as_known(e, None, known, day)
            found[str(day)] = sorted(tuple(str(row[n]) for n in ("id", *e.by_name)) for row in rows)
    return found


def meaning(days: Sequence[date]) -> dict[str, Any]:
    """What the state means: deals, members and activities now, as of every day, and as known on every day."""
    found: dict[str, Any] = {}
    for name in ("opportunity", "team_member", "activity"):
        found[name] = as_of(name, days)
        for known in days:
            found[f"{name} known {known}"] = as_of(name, days, known)
    state = dump()
    return found | {"now": {name: rows for name, rows in state.items() if name not in ("facts", "errors")}}


def clear() -> None:
    """Forget every record, setting and audit entry; users stay."""
    from django.apps import apps
    from django.db import connection, transaction

    tables = [
        m._meta.db_table for m in apps.get_app_config("records").get_models() if m.__name__ not in ("User", "Clock")
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}"')
