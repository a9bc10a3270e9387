"""The living demo company: simulated, imported and refreshed in a workspace of its own, once."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from salesops.common.errors import Conflict
from salesops.common.progress import Progress, Silent
from salesops.workspace import CONFIG, Config, Workspace, create, open_workspace

from .parameters import Parameters
from .simulate import write_company

MARK = "demo.json"
QUIET: dict[str, object] = {"worker": {"forecast": "never"}}
"""The first forecast tests itself on past weeks for a minute or two: in the demo somebody asks for it (Forecast now)."""


@dataclass(frozen=True)
class Demo:
    """The demo's workspace, and whether it had to be built now."""

    workspace: Workspace
    built: bool


def open_demo(path: Path, parameters: Parameters, progress: Progress | None = None) -> Demo:
    """Open the demo company in `path`, building it when it is missing or was left half-built.

    Raises Conflict when `path` holds a workspace that is no demo.
    """
    mark = path / MARK
    if (path / CONFIG).exists():
        if not mark.exists():
            raise Conflict(f"{path} is a workspace of your own", remedy="Choose another folder for the demo")
        workspace = open_workspace(path)
        from salesops.warehouse.generations import load

        if json.loads(mark.read_text(encoding="utf-8")).get("ready") and load(workspace.warehouse):
            return Demo(workspace, False)
    else:
        path.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps({"ready": False}), encoding="utf-8")
        workspace = create(path, Config(name="Demo company", today=str(parameters.end), extra=dict(QUIET)))
    _fill(workspace, parameters, progress or Silent())
    mark.write_text(json.dumps({"ready": True}), encoding="utf-8")
    return Demo(workspace, True)


def _fill(workspace: Workspace, parameters: Parameters, progress: Progress) -> None:
    files = workspace.work / "demo"
    shutil.rmtree(files, ignore_errors=True)
    with progress.task("Simulating three years of selling", None):
        write_company(files, parameters)
    # Loaded only now: stored models need an opened workspace.
    from salesops.records import access
    from salesops.sources.imports import import_files
    from salesops.warehouse import refresh

    actor = access.actor_for(workspace)
    import_files(workspace, actor, [files], system="demo", file_date=parameters.end, progress=progress)
    refresh(workspace, progress=progress)
    shutil.rmtree(files, ignore_errors=True)
