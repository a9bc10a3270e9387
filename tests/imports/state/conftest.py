"""One workspace for this process, emptied before every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.imports import kit

from salesops import workspace
from salesops.common.ids import record_id


class Desk:
    """An office that imports small files: `desk.take("deals", rows, "2018-01-10")`."""

    def __init__(self, ws: Any, folder: Path) -> None:
        from salesops.records.access import actor_for

        self.ws, self.folder, self.number = ws, folder, 0
        self.owner = actor_for(ws)
        self.mapping = folder / "crm.toml"
        self.mapping.write_text(kit.MAPPING, encoding="utf-8")

    def file(self, name: str, rows: Sequence[kit.Row] | str) -> Path:
        self.number += 1
        return kit.write_csv(self.folder / f"in-{self.number}" / f"{name}.csv", rows)

    def take(self, name: str, rows: Sequence[kit.Row] | str, day: str = "2018-01-01", **asked: Any) -> Any:
        return self.files({name: rows}, day, **asked)

    def files(self, files: dict[str, Sequence[kit.Row] | str], day: str = "2018-01-01", **asked: Any) -> Any:
        """Import these files together, dated to a day."""
        from salesops.sources.imports import import_files

        self.number += 1
        paths = [kit.write_csv(self.folder / f"in-{self.number}" / f"{n}.csv", rows) for n, rows in files.items()]
        chosen = {"mapping": str(self.mapping)} | asked
        return import_files(self.ws, self.owner, paths, file_date=date.fromisoformat(day), **chosen)

    def undo(self, batch: int) -> None:
        from salesops.sources.imports import undo_import

        undo_import(self.ws, self.owner, batch)

    def now(self, entity: str, external: str, system: str = "crm") -> Any:
        """The current row of a record, by its source id; None when there is none."""
        from salesops.records.entities import entity as find

        return find(entity).model.objects.filter(pk=record_id(entity, system, external)).first()

    def conflicts(self) -> list[tuple[str, str | None, str | None]]:
        from salesops.records.models import ImportConflict

        return sorted(ImportConflict.objects.values_list("field", "kept", "offered"))

    def problems(self) -> list[dict[str, Any]]:
        from salesops.records.models import RowError

        return list(RowError.objects.order_by("id").values())


@pytest.fixture(scope="session")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The workspace of this process; `DATABASE_URL` says on which database."""
    folder: Path = tmp_path_factory.mktemp("imports") / "acme"
    return workspace.create(folder, workspace.Config(name="Acme", time_zone="Europe/Warsaw", today="2018-12-31"))


@pytest.fixture
def desk(ws: Any, tmp_path: Path) -> Desk:
    """An empty workspace and somebody who imports."""
    kit.clear()
    for file in ws.mappings.glob("*"):
        file.unlink()
    return Desk(ws, tmp_path)


@pytest.fixture
def compare() -> Callable[[str, Any], None]:
    """Keep what a test found under a name: `test_backends.py` looks whether both databases gave the same."""

    def keep(name: str, found: Any) -> None:
        folder = os.environ.get("SALESOPS_FOUND")
        if folder:
            Path(folder, f"{name}.txt").write_text(kit.fingerprint(found), encoding="utf-8")

    return keep
