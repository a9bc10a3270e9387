"""The tables of the warehouse contract, made by hand: empty but for the rows that a test adds."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

EXTRA = {"opportunity": {"status": "VARCHAR", "closed_on": "DATE", "value": "BIGINT", "value_source": "VARCHAR"}}
STAGES = "opportunity visit stage position next_stage next_position at next_at"
OTHER = {
    "stage_history": dict.fromkeys(STAGES.split(" "), "BIGINT")
    | {"kind": "VARCHAR", "next_kind": "VARCHAR", "day": "DATE", "next_day": "DATE"},
    "rate_day": {"kind": "VARCHAR", "currency": "VARCHAR", "to_currency": "VARCHAR", "day": "DATE", "rate": "BIGINT"},
    "reporting_closure": {
        "ancestor": "BIGINT",
        "person": "BIGINT",
        "depth": "BIGINT",
        "valid_from": "DATE",
        "valid_to": "DATE",
    },
    "undated": {"entity": "VARCHAR", "id": "BIGINT"},
    "source_system": {"id": "BIGINT", "entity": "VARCHAR", "system": "VARCHAR"},
}
KINDS = {"text": "VARCHAR", "kind": "VARCHAR", "date": "DATE", "boolean": "BOOLEAN"}
ALWAYS, FOREVER, TODAY = date(1, 1, 1), date(9999, 12, 31), date(2024, 6, 30)


class World:
    """`add` puts a record into a table; `query` answers as a session does."""

    def __init__(self) -> None:
        from salesops.records.entities import entities

        self.con = duckdb.connect()
        self.manifest = SimpleNamespace(today=TODAY, reporting_currency="USD", time_zone="UTC")
        self.shapes = {name: entity.shape for name, entity in entities().items()}
        for name, entity in entities().items():
            columns = {f.name: KINDS.get(f.kind, "BIGINT") for f in entity.fields}
            if entity.shape == "versioned":
                technical = {"day_from": "DATE", "day_to": "DATE", "deleted": "BOOLEAN", "created_on": "DATE"}
            elif entity.shape == "interval":
                technical = {"recorded_from": "BIGINT"}
            else:
                technical = {"on_day": "DATE", "recorded_from": "BIGINT"}
            self._create(name, {"id": "BIGINT", **columns, **technical, **EXTRA.get(name, {})})
        for name, columns in OTHER.items():
            self._create(name, columns)

    def _create(self, name: str, columns: dict[str, str]) -> None:
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        self.con.execute(f'CREATE TABLE "{name}" ({listed})')

    def add(self, table: str, record: int | None = None, **row: Any) -> World:
        """One row; dates may be ISO texts. A versioned record is there, unchanged, since 2024-06-01."""
        row = {**({"id": record} if record is not None else {}), **row}
        if self.shapes.get(table) == "versioned":
            since = {"day_from": date(2024, 6, 1), "day_to": FOREVER, "deleted": False, "created_on": date(2024, 1, 1)}
            row = {**since, **row}
        if self.shapes.get(table) == "interval":
            row = {"valid_from": ALWAYS, "valid_to": FOREVER, **row}
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        self.con.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(row.values()))
        return self

    def query(self, sql: Any) -> pa.Table:
        return self.con.execute(sql).to_arrow_table()


@pytest.fixture(scope="session", autouse=True)
def entities_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Configure Django as `salesops.open` does, once in a process."""
    from django.apps import apps

    if not apps.ready:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.web.settings")
        os.environ.setdefault("SALESOPS_WORKSPACE", str(Path(tmp_path_factory.mktemp("workspace"))))
        import django

        django.setup()


@pytest.fixture
def world() -> World:
    return World()
