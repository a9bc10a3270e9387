"""A workspace in UTC for each shared data set, emptied before every module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.imports import kit

from salesops import workspace


@pytest.fixture(scope="session")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("real") / "acme"
    return workspace.create(folder, workspace.Config(name="Acme", today="2019-12-31"))


class Taken:
    """A data set imported twice, refreshed, and open for questions."""

    def __init__(self, ws: Any, mapping: str, files: list[Path]) -> None:
        from salesops.records.access import actor_for
        from salesops.sources.imports import import_files
        from salesops.warehouse import refresh
        from salesops.warehouse.generations import load
        from salesops.warehouse.refresh import discard
        from salesops.warehouse.session import Session

        for file in ws.mappings.glob("*.toml"):
            file.unlink()
        kit.clear()
        discard(ws)
        chosen = {"mapping": str(kit.EXAMPLES / f"{mapping}.toml")}
        self.first = import_files(ws, actor_for(ws), files, **chosen)
        self.again = import_files(ws, actor_for(ws), files, **chosen)
        refresh(ws, full=True)
        generation = load(ws.warehouse)
        assert generation is not None
        self.session = Session(ws, generation)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.session.query(sql).to_pylist()]

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]


@pytest.fixture
def take(ws: Any, shared: Path) -> Any:
    """Import files of a shared data set with its committed mapping."""

    def taken(mapping: str, folder: str, *names: str) -> Taken:
        return Taken(ws, mapping, [shared / "data" / folder / name for name in names])

    return taken
