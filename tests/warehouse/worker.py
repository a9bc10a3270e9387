"""What a process of its own does to a workspace in the tests of faults: `python -m tests.warehouse.worker TASK FOLDER [N]`."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from salesops import workspace
from salesops.common.errors import SalesopsError


def build(folder: Path, deals: int) -> None:
    """A company with some deals, refreshed once."""
    ws = workspace.create(folder, workspace.Config(name="Acme", currency="EUR", today="2024-12-31"))
    from tests.warehouse.state.world import World

    World(ws).stages()
    edit(folder, deals)
    refresh(folder)


def edit(folder: Path, deals: int) -> None:
    """Another batch about every deal."""
    ws = workspace.open_workspace(folder)
    from tests.warehouse.state.world import Fact, World, at

    now = at("2024-03-01") + time.time_ns() // 1_000_000 % 10**9
    World(ws).write(
        Fact("opportunity", n, "*", {"name": f"D{n}", "stage": 1, "amount": n}, now, now) for n in range(1, deals + 1)
    )


def refresh(folder: Path, _n: int = 0) -> None:
    """A full refresh."""
    ws = workspace.open_workspace(folder)
    from salesops.warehouse import refresh as run

    print(run(ws, full=True).generation)


def full_disk(folder: Path, limit: int) -> None:
    """A full refresh that may not write files larger than `limit` bytes."""
    ws = workspace.open_workspace(folder)
    from salesops.warehouse import refresh as run

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        run(ws, full=True)
    except SalesopsError as error:
        print(type(error).__name__, error, "|", error.remedy)


def look(folder: Path, _n: int = 0) -> None:
    """What the current generation says, and whether every file that any generation names is there."""
    ws = workspace.open_workspace(folder)
    from salesops.warehouse import open_session
    from salesops.warehouse.generations import load

    named: set[str] = set()
    for manifest in ws.warehouse.glob("gen-*.json"):
        found = load(ws.warehouse, manifest.stem)
        named |= found.files() if found else set()
    files = {p.name for p in (ws.warehouse / "files").iterdir()}
    with open_session(ws) as session:
        count = session.query(
            "SELECT count(DISTINCT id) AS n, sum(amount)::BIGINT AS total FROM opportunity"
        ).to_pylist()[0]
        print(
            json.dumps(
                {
                    "generation": session.generation,
                    **count,
                    "missing": sorted(named - files),
                    "loose": sorted(files - named),
                }
            )
        )


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
