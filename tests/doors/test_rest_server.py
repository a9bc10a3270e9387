"""Two workers on one workspace, killed at any moment: what was answered is there once, what was repeated is answered again."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

import pytest

from .conftest import Door, Served, token
from .test_rest import upload

V1 = "/api/v1"


@pytest.fixture(scope="module")
def pair(acme: Door) -> Iterator[Served]:
    """The example CRM, served by two workers."""
    served = Served(acme.folder, "--workers", "2")
    served.tokens = {"owner": token(acme, "owner")}
    yield served
    served.close()


def workers(served: Served) -> list[int]:
    """The processes that answer."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [line.split(None, 2) for line in listed]
    return [int(pid) for pid, parent, what in rows if int(parent) == served.process.pid and "spawn_main" in what]


def insist(served: Served, *request: Any, **more: Any) -> Any:
    """Repeat a call until it is answered, as a careful program does."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            return served(*request, user="owner", **more)
        except (OSError, HTTPException):
            time.sleep(0.2)
    raise AssertionError(f"no answer to {request}")


def test_both_workers_answer(pair: Served) -> None:
    """Two processes serve; an edit through either is in the answers of both."""
    assert len(workers(pair)) == 2
    made = pair("POST", f"{V1}/records/account", {"values": {"name": "Twin"}}, user="owner").json["id"]
    for _ in range(10):
        assert pair("GET", f"{V1}/records/account/{made}", user="owner").status == 200
        number = pair("GET", f"{V1}/metrics/query?metrics=bookings&period=2025", user="owner").json["rows"][0][
            "bookings"
        ]
        assert number == "175000.0000"


@pytest.mark.slow
def test_killed_and_repeated(pair: Served) -> None:
    """Programs write while workers are killed in turn: each record is there once, the log is whole, repetitions are answered alike."""
    over, made = threading.Event(), {}

    def program(name: str) -> None:
        n = 0
        while not over.is_set():
            call, key = {"values": {"name": f"{name}-{n}"}}, {"Idempotency-Key": f"{name}-{n}"}
            made[f"{name}-{n}"] = insist(pair, "POST", f"{V1}/records/account", call, headers=key)
            n += 1

    programs = [threading.Thread(target=program, args=(name,)) for name in ("first", "second", "third")]
    for one in programs:
        one.start()
    alive = workers(pair)
    for _ in range(3):  # the server gives up on a worker that dies within seconds of its birth
        time.sleep(3.5)
        os.kill(alive.pop(0), signal.SIGKILL)
        alive += [pid for pid in _until_two(pair) if pid not in alive]
    over.set()
    for one in programs:
        one.join()
    assert len(made) > 30
    assert {answer.status for answer in made.values()} == {201}
    found = Counter(row["values"]["name"] for row in pair.items(f"{V1}/records/account?limit=1000", "owner"))
    assert {name: found[name] for name in made} == dict.fromkeys(made, 1)
    assert not [name for name in found if name.startswith(("first-", "second-", "third-")) and name not in made]
    for name, answer in list(made.items())[:20]:
        call, key = {"values": {"name": name}}, {"Idempotency-Key": name}
        again = pair("POST", f"{V1}/records/account", call, user="owner", headers=key)
        assert (again.json, again.headers["idempotency-replayed"]) == (answer.json, "true")
    assert pair("GET", f"{V1}/audit/verify", user="owner").json["ok"] is True


def _until_two(served: Served) -> list[int]:
    """The workers, once there are two again."""
    until = time.monotonic() + 60
    while len(found := workers(served)) != 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert len(found) == 2
    return found


@pytest.mark.slow
def test_an_import_whose_server_is_killed(pair: Served) -> None:
    """The job says that it was interrupted; resumed, or started again with its key, it goes on and is in once."""
    rows = "".join(f"{n},Firm {n},City {n % 90}\n" for n in range(20_000))
    number = upload(pair, {"accounts.csv": f"id,name,city\n{rows}".encode()}).json["upload"]
    call = {"upload": number, "system": "files"}
    key = {"Idempotency-Key": "big-import"}
    started = pair("POST", f"{V1}/imports", call, user="owner", headers=key)
    assert started.status == 202, started.text
    time.sleep(0.5)
    pair.kill()
    pair.start()
    job = insist(pair, "GET", f"{V1}/imports/jobs/{started.json['job']}")
    assert job.json["status"] == "interrupted", job.text
    assert insist(pair, "POST", f"{V1}/imports", call, headers=key).json["job"] == started.json["job"]
    done = insist(pair, "POST", f"{V1}/imports/jobs/{started.json['job']}/resume?wait=60")
    assert done.json["status"] == "done", done.text
    assert done.json["result"]["status"] in ("live", "resumed", "unchanged")
    assert (
        pair("GET", f"{V1}/records/account?where=city = 'City 7'&limit=1", user="owner").json["total"]
        == 20_000 // 90 + 1
    )
    assert pair("POST", f"{V1}/imports/jobs/{started.json['job']}/resume", user="owner").status == 409
