"""One workspace for this process, and every test inside a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.records.state.company import Company

from salesops import workspace


@pytest.fixture(scope="session")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The workspace of this process; `DATABASE_URL` says on which database."""
    folder: Path = tmp_path_factory.mktemp("records") / "acme"
    config = workspace.Config(name="Acme", currency="EUR", time_zone="Europe/Warsaw", approvals="none")
    return workspace.create(folder, config)


@pytest.fixture
def clean(ws: Any) -> Iterator[Any]:
    """The workspace, left as it was found."""
    from tests.records.state.company import rolled_back

    with rolled_back():
        yield ws


@pytest.fixture
def company(clean: Any) -> Company:
    """A small sales team: Vera manages Mark, Mark manages Ann and Bob; Zoe works elsewhere."""
    return Company.build(clean)
