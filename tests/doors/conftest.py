"""A small company (examples/crm) behind its doors: one process serves its workspace, commands and Python reach it there."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

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


def with_toml(folder: Path, *lines: str) -> None:
    """Settings of a workspace, before those that it has; none twice."""
    file = folder / "salesops.toml"
    names = tuple(f"{line.partition('=')[0].strip()} =" for line in lines)
    kept = [line for line in file.read_text().splitlines() if not line.startswith(names)]
    file.write_text("\n".join([*lines, *kept]) + "\n")


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


# REST


@dataclass(frozen=True)
class Answered:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Served:
    """A workspace served over HTTP by `salesops serve`, in processes of its own."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.folder, self.options, self.environment, self.port = folder, options, environment, _free_port()
        self.tokens: dict[str, str] = {}
        self.log: list[str] = []
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "salesops.cli", "serve", "-w", str(self.folder), "--port", str(self.port), "--no-worker", *self.options],
            stderr=subprocess.PIPE, text=True, cwd=self.folder.parent, env={**kept, **self.environment}, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        self._until_it_answers()

    def kill(self) -> None:
        """Kill the server and its workers, without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "",
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answered:
        """Send a request (as a user whose token is known), give the answer."""
        sent = dict(headers or {})
        if user:
            sent.setdefault("Authorization", f"Bearer {self.tokens[user]}")
        content = raw
        if body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, quote(path, safe="/?&=%:,.'+-_~"), content, sent)
            answer = connection.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def items(self, path: str, user: str) -> list[Any]:
        """Everything of a list, page by page."""
        found: list[Any] = []
        link: str | None = path
        while link:
            page = self("GET", link, user=user)
            assert page.status == 200, page.text
            found += page.json["items"]
            link = page.json["next"]
        return found

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.log.append(line)

    def _until_it_answers(self) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self("GET", "/health").status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        self.process.kill()
        raise RuntimeError(f"the server does not answer:\n{''.join(self.log)}")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def token(door: Door, user: str, scopes: str = "admin") -> str:
    """A token of a user, made by the workspace's owner."""
    made = door("user", "token", "create", user, "--name", "test", "--scopes", scopes)
    assert made.code == 0, made.err
    return made.out.strip()


@pytest.fixture(scope="module")
def rest(acme: Door) -> Iterator[Served]:
    """The example CRM over HTTP, with a token for each of its users."""
    served = Served(acme.folder)
    served.tokens = {name: token(acme, name) for name in ("owner", "ben", "mara", "ada", "fay")}
    yield served
    served.close()
    assert not [line for line in served.log if "Traceback" in line], "".join(served.log)
