"""kill -9 of web, worker and both at random while people edit, import, approve and have reports sent: on both databases nothing is lost, nothing
is done twice, the audit log holds.

People are threads that call over REST as careful programs do: each call has an Idempotency-Key, and is repeated until it is answered.
`SALESOPS_KILL_SECONDS` says how long it goes on (default 14 s, after which what was begun is finished and counted).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tests.doors.conftest import ROOT, Answered, Door, Served, _free_port, token, with_toml
from tests.doors.test_rest import upload
from tests.jobs.test_worker import Post

SECONDS = float(os.environ.get("SALESOPS_KILL_SECONDS", "14"))
V1 = "/api/v1"
MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
from = "sales@acme.test"
[worker]
refresh = "never"
forecast = "never"
sweep = "never"
"""
HELD = """
import json
from salesops.records.models import ApprovalRequest, AuditEntry, Batch, Change, JobRun, Account, User
here = ws()
result = {
    "steps": [v for v in Change.objects.filter(field="next_step", value__startswith="E-").order_by("id").values_list("value", flat=True)],
    "edits": [json.loads(d)["fields"] for d in AuditEntry.objects.filter(action="edit", user__in=["ann", "otto"]).values_list("detail", flat=True)],
    "imports": [[b.status, json.loads(b.summary).get("files")] for b in Batch.objects.filter(kind="import").order_by("id")][1:],
    "firms": list(Account.objects.filter(name__startswith="Firm ").values_list("name", flat=True)),
    "roles": dict(User.objects.filter(username__startswith="temp").values_list("username", "roles")),
    "decided": [[r.subject_id, r.status] for r in ApprovalRequest.objects.filter(kind="roles", subject_id__startswith="temp")],
    "given": [json.loads(d)["user"] for d in AuditEntry.objects.filter(action="user.edit").values_list("detail", flat=True)],
    "approved": AuditEntry.objects.filter(action="approval.approve").count(),
    "runs": [[r.status, r.result] for r in JobRun.objects.filter(kind="report")],
    "waiting": JobRun.objects.filter(status__in=["waiting", "running"]).count(),
    "verify": here.audit.verify().to_dict(),
}
"""


class Town:
    """A workspace, its web server and its worker, a mail server, and what was answered to people."""

    def __init__(self, folder: Path, url: str) -> None:
        self.environment = {"DATABASE_URL": url} if url else {}
        self.post = Post()
        self.mail = Controller(self.post, hostname="127.0.0.1", port=_free_port())
        self.mail.start()
        self.door = Door(folder / "ws", **self.environment)
        assert self.door("init", self.door.folder, "--name", "Acme").code == 0
        assert self.door("import", ROOT / "examples" / "crm").code == 6
        with_toml(self.door.folder, 'approvals = "none"')
        for name, role in (("adele", "admin"), ("otto", "ops"), *((f"temp{n}", "rep") for n in range(60))):
            self.door.python(f"ws().users.create({name!r}, roles={role!r})")
        self.door.python("ws().users.create('ann', roles='rep', person='Ann Lee')")
        with_toml(self.door.folder, 'approvals = "roles"')
        with (self.door.folder / "salesops.toml").open("a") as file:
            file.write(MAIL.format(port=self.mail.port))
        self.report = self.door.python(
            "result = ws().reports.create('Now', {'kind': 'metrics', 'metrics': 'won_deals', 'period': '2025'}, form='text', recipients='x@acme.test')"
        )
        self.web = Served(self.door.folder, **self.environment)
        self.web.tokens = {name: token(self.door, name) for name in ("owner", "adele", "otto", "ann")}
        self.worker = self._worker()
        self.kills: Counter[str] = Counter()
        self.failures: list[str] = []

    def _worker(self) -> subprocess.Popen[bytes]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SALESOPS_") and k != "DATABASE_URL"}
        words = ("worker", "-w", str(self.door.folder), "--lease", "1.5", "--tick", "0.3")
        command = [sys.executable, "-m", "salesops.cli", *words]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**kept, **self.environment})

    def kill(self, what: str) -> None:
        """Kill the web server, the worker or both, without a word, and start them again."""
        if what in ("worker", "both"):
            self.worker.send_signal(signal.SIGKILL)
            self.worker.wait(timeout=30)
        if what in ("web", "both"):
            self.web.kill()
            self.web.start()
        if what in ("worker", "both"):
            self.worker = self._worker()
        self.kills[what] += 1

    def insist(self, user: str, ask: Callable[[], Answered], *fine: int) -> Answered:
        """Repeat a call until it is answered; what the server refuses is a failure of the test."""
        until = time.monotonic() + 150
        while time.monotonic() < until:
            try:
                said = ask()
            except (OSError, HTTPException):
                time.sleep(0.1)
                continue
            if said.status in (200, 201, 202, *fine):
                return said
            if said.status not in (429, 503):
                raise AssertionError(f"{user}: {said.status} {said.text}")
            time.sleep(0.2)
        raise AssertionError(f"{user} is not answered")

    def call(
        self, user: str, method: str, path: str, body: Any = None, key: str = "", fine: tuple[int, ...] = ()
    ) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.insist(user, lambda: self.web(method, V1 + path, body, user=user, headers=headers), *fine).json

    # People

    def edits(self, user: str, deal: str, until: float) -> list[str]:
        """Edit one deal again and again; gives what was answered as done."""
        done: list[str] = []
        while time.monotonic() < until:
            text = f"E-{user}-{len(done)}"
            self.call(user, "PATCH", f"/records/opportunity/{deal}", {"values": {"next_step": text}}, key=text)
            done.append(text)
        return done

    def imports(self, until: float) -> list[str]:
        """Import one file after the other; gives the names of the accounts that they hold."""
        done: list[str] = []
        while time.monotonic() < until:
            n = len(done) // 2
            names = [f"Firm {n}a", f"Firm {n}b"]
            rows = "".join(f"{n}-{place},{name},Oslo\n" for place, name in enumerate(names))
            content = f"id,name,city\n{rows}".encode()
            sent = self.insist(
                "otto", lambda n=n, content=content: upload(self.web, {f"firms{n}.csv": content}, "otto", **{"Idempotency-Key": f"up-{n}"})  # type: ignore[misc]
            )  # fmt: skip
            call = {"upload": sent.json["upload"], "system": "firms"}
            job = self.call("otto", "POST", "/imports", call, key=f"import-{n}", fine=(404,))["job"]
            while (state := self.call("otto", "GET", f"/imports/jobs/{job}?wait=2"))["status"] not in (
                "done",
                "failed",
            ):
                if state["status"] == "interrupted" and n % 2:  # every other one is left to the worker
                    self.call("otto", "POST", f"/imports/jobs/{job}/resume", fine=(404, 409))
                time.sleep(0.1)
            assert state["status"] == "done", state
            done += names
        return done

    def approvals(self, until: float) -> list[str]:
        """The owner proposes a higher role, the admin approves it; gives the accounts."""
        done: list[str] = []
        while time.monotonic() < until and len(done) < 60:
            name = f"temp{len(done)}"
            made = self.call("owner", "PATCH", f"/users/{name}", {"roles": ["exec"]}, key=f"role-{name}")
            said = self.call(
                "adele", "POST", f"/approvals/{made['approval']}/approve", {"reason": "fine"}, key=f"yes-{name}"
            )
            assert said["status"] == "approved"
            done.append(name)
        return done

    def reports(self, until: float) -> list[str]:
        """Have a report sent; gives the runs."""
        done: list[str] = []
        while time.monotonic() < until:
            run = self.call("owner", "POST", f"/reports/{self.report}/run", key=f"run-{len(done)}")["run"]
            done.append(str(run))
            time.sleep(1)
        return done

    def close(self) -> None:
        self.worker.kill()
        self.worker.wait(timeout=30)
        self.web.close()
        self.door.close()
        self.mail.stop()


def live(town: Town, seconds: float, seed: int) -> dict[str, list[str]]:
    """Let everybody work while processes are killed; gives what everybody was told is done."""
    until = time.monotonic() + seconds
    found: dict[str, list[str]] = {}
    work: dict[str, Callable[[], list[str]]] = {
        "ann": lambda: town.edits("ann", "D01", until), "otto": lambda: town.edits("otto", "D07", until),
        "imports": lambda: town.imports(until), "approvals": lambda: town.approvals(until), "reports": lambda: town.reports(until),
    }  # fmt: skip

    def run(name: str) -> None:
        try:
            found[name] = work[name]()
        except BaseException as error:
            town.failures.append(f"{name}: {error!r}")
            raise

    people = [threading.Thread(target=run, args=(name,)) for name in work]
    for one in people:
        one.start()
    dice = random.Random(seed)
    for what in ("web", "worker", "both"):  # each once at least
        time.sleep(dice.uniform(1.0, 3.0))
        town.kill(what)
    while time.monotonic() < until:
        time.sleep(dice.uniform(0.5, 4.0))
        town.kill(dice.choice(("web", "worker", "both")))
    for one in people:
        one.join(timeout=180)
    assert not town.failures, town.failures
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_random_nothing_is_lost_and_nothing_done_twice(tmp_path: Path, database_url: str | None) -> None:
    town = Town(tmp_path, database_url or "")
    try:
        done = live(town, SECONDS, seed=int(os.environ.get("SALESOPS_KILL_SEED", "4")))
        end = time.monotonic() + 120
        while (held := town.door.python(HELD))["waiting"]:
            assert time.monotonic() < end, held["runs"]
            time.sleep(0.3)

        assert all(done.values()), {name: len(one) for name, one in done.items()}
        # Every edit that was acknowledged is there, once, with its entry in the log.
        assert Counter(held["steps"]) == Counter(done["ann"] + done["otto"])
        assert len(held["edits"]) == len(held["steps"])
        # Every file is in once, and so is every row of it.
        assert [status for status, _ in held["imports"]].count("live") == len(done["imports"]) // 2
        assert Counter(held["firms"]) == Counter(done["imports"])
        # Every approval did what it approved, once.
        names = done["approvals"]
        assert {name: held["roles"][name] for name in names} == dict.fromkeys(names, "exec")
        assert Counter(map(tuple, held["decided"])) == Counter((name, "approved") for name in names)
        assert Counter(held["given"]) == Counter(names)
        assert held["approved"] == len(names)
        # Every run was sent; a message that a killed worker was sending came again under its own id.
        ids = Counter(str(mail["Message-ID"]) for mail in town.post.mails)
        assert len(ids) == len(held["runs"]) == len(done["reports"])
        assert {status for status, _ in held["runs"]} == {"done"}
        assert sum(ids.values()) - len(ids) <= town.kills["worker"] + town.kills["both"]
        assert held["verify"]["ok"], held["verify"]
        print(f"{dict(town.kills)} kills; { ({name: len(one) for name, one in done.items()}) } done")
    finally:
        town.close()
