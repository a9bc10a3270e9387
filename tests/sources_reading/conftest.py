"""Shared fixtures for reading files: write content to a file and stage it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.sources_reading.support import Stager

from salesops.sources.reading import ReadOptions, StagedFile, stage


@pytest.fixture
def staged(tmp_path: Path) -> Stager:
    """Write content to a file and stage it: ``staged("a.csv", "x,y\\n1,2\\n", header_row=1)``."""

    def make(name: str, content: str | bytes, **options: Any) -> StagedFile:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return stage(path, tmp_path / "out", ReadOptions(**options))

    return make
