"""One workspace for this process, emptied before every test."""

from __future__ import annotations

from typing import Any

import pytest
from tests.warehouse.state.world import World

from salesops import workspace


@pytest.fixture(scope="session")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The workspace of this process; `DATABASE_URL` says on which database. Its days end in Warsaw."""
    config = workspace.Config(
        name="Acme", currency="EUR", time_zone="Europe/Warsaw", today="2024-12-31", fiscal_start_month=2
    )
    return workspace.create(tmp_path_factory.mktemp("warehouse") / "acme", config)


@pytest.fixture
def world(ws: Any) -> World:
    """An empty company to write facts into."""
    found = World(ws)
    found.empty()
    return found
