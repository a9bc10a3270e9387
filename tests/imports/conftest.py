"""Tests of the import.

One process serves one workspace and one database, so what needs a workspace lies in `state/` and `real/` and runs in processes of its own,
once on SQLite and once on PostgreSQL (`test_backends.py`). One of them alone, on SQLite:

    SALESOPS_STATE_TESTS=1 python -m pytest tests/imports/state/test_ownership.py
"""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("SALESOPS_STATE_TESTS") else ["state", "real"]
