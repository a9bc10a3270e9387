"""A small company (examples/crm) behind its doors: one process serves its workspace, commands and Python reach it there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json["rows"]
        return found

    @property
    def lines(self) -> list[str]:
        return [" ".join(line.split()) for line in self.out.splitlines()]


class Door:
    """A workspace, served by a process of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder.parent, env={**kept, **environment},
        )  # fmt: skip

    def __call__(self, *words: object) -> Said:
        """Run a command over the workspace (`--workspace` is added where it is not given)."""
        given = [str(word) for word in words]
        if not {"--workspace", "-w"} & set(given):
            given = ["--workspace", str(self.folder), *given]
        answer = self._ask(given)
        return Said(answer["code"], answer["out"], answer["err"])

    def python(self, text: str) -> Any:
        """Run Python with `ws(user)`; gives what it leaves in `result`, or the error that it raised."""
        answer = self._ask(text)
        return answer.get("result", answer)

    def _ask(self, asked: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process that serves {self.folder} ended over {asked}"
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example CRM's files, with the impossible date in row 21."""
    return Path(shutil.copytree(ROOT / "examples" / "crm", tmp_path_factory.mktemp("files") / "crm"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A workspace without a record."""
    door = Door(tmp_path_factory.mktemp("empty") / "ws")
    assert door("init", door.folder).code == 0
    yield door
    door.close()


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, exports: Path) -> Iterator[Door]:
    """The example CRM, imported (exit code 6: one row is refused), with Ben (rep), Mara (manager), Ada (auditor), Fay (finance)."""
    door = Door(tmp_path_factory.mktemp("acme") / "ws")
    assert door("init", door.folder, "--name", "Acme").code == 0
    assert door("import", exports).code == 6
    for name, role, person in (
        ("ben", "rep", "Ben Okoye"), ("mara", "manager", "Mara Stone"), ("ada", "auditor", ""), ("fay", "finance", ""),
    ):  # fmt: skip
        linked = ("--person", person) if person else ()
        assert door("user", "create", name, "--roles", role, *linked).code == 0
    yield door
    door.close()
