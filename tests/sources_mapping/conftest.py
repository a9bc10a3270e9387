"""Mappings need the entities, and those need Django."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def entities_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Configure Django as `salesops.open` does, once in a process."""
    from django.apps import apps

    if not apps.ready:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.web.settings")
        os.environ.setdefault("SALESOPS_WORKSPACE", str(Path(tmp_path_factory.mktemp("workspace"))))
        import django

        django.setup()


@pytest.fixture(scope="session")
def shared(shared: Path) -> Path:
    """The data sets within the shared folder."""
    return shared / "data"
