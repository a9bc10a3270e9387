"""The pages over HTTP: what a view costs the server, what a page weighs, and fifty people clicking.

The company is served by `salesops serve` in processes of its own, on loopback; what they spent is read from `/proc` (Linux).
"""

from __future__ import annotations

import gzip
import http.client
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPEATS = 20
PEOPLE = 50
REPEAT_MS, FIRST_S, WEIGHT_KB = 200.0, 1.5, 320.0
"""The limits: processor time of a repeated view, of the first after a refresh; kilobytes that a browser fetches for a page, gzipped."""
PAGES = {
    "home": "/", "pipeline": "/pipeline", "deals": "/pipeline/deals", "list of opportunities": "/records/opportunity",
    "record": "/record/opportunity/{deal}", "metric explorer": "/metric/bookings?by=owner", "records index": "/records",
}  # fmt: skip
WAIT_S = (2.0, 8.0)
"""How long somebody reads before the next click."""
STATIC = re.compile(r"""(?:href|src)="(/static/[^"]+)\"""")
CHARTS = re.compile(r'data-charts="(/static/[^"]+)"')  # fetched where a chart is drawn
INNER = re.compile(r"""(?:from|import)\s*\(?\s*["'](\./[\w.-]+\.js)["']|url\(["']?([\w./-]+\.(?:css|svg|png))["']?\)""")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Got:
    """An answer: status, content as it came (gzipped where it did), and the seconds that it took."""

    status: int
    content: bytes
    seconds: float
    heads: dict[str, str]

    @property
    def text(self) -> str:
        packed = self.heads.get("content-encoding") == "gzip"
        return (gzip.decompress(self.content) if packed else self.content).decode()


class Server:
    """A workspace served on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        words = ["serve", "-w", str(folder), "--port", str(self.port)]
        self.process = subprocess.Popen([sys.executable, "-m", "salesops.cli", *words], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 300
        while True:
            try:
                if Visitor(self.port).get("/health").status == 200:
                    return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise RuntimeError(f"the server of {folder} does not answer") from None
                time.sleep(0.2)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)

    def cpu(self) -> float:
        """Processor seconds, of user and system, that the server and its workers have spent so far."""
        parents: dict[int, list[tuple[int, float]]] = {}
        spent = 0.0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            used = (int(fields[11]) + int(fields[12])) / TICK
            parents.setdefault(int(fields[1]), []).append((int(stat.parent.name), used))
            spent += used if int(stat.parent.name) == self.process.pid else 0.0
        below = [self.process.pid]
        while below:
            for pid, used in parents.get(below.pop(), ()):
                spent += used
                below.append(pid)
        return spent


@dataclass
class Visitor:
    """Somebody with a browser: keeps cookies and one connection."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Got:
        """A page or file, as a browser asks for it."""
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            sent = {"Accept-Encoding": "gzip", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
            connection.request("GET", path, headers=sent)
            answer = connection.getresponse()
            content = answer.read()
            for one in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = one.partition(";")[0].partition("=")
                self.cookies[name] = value
            heads = {name.lower(): value for name, value in answer.getheaders()}
            return Got(answer.status, content, time.perf_counter() - started, heads)
        finally:
            connection.close()


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """The workspace served, until the block ends."""
    server = Server(folder)
    try:
        yield server
    finally:
        server.close()


def visitors(server: Server, found_links: list[str]) -> list[Visitor]:
    """People signed in by their links."""
    found = []
    for link in found_links:
        one = Visitor(server.port)
        if one.get(link).status != 302 or not one.cookies:
            raise RuntimeError("a sign-in link does not sign in")
        found.append(one)
    return found


def view(server: Server, visitor: Visitor, path: str, times: int = 1) -> tuple[float, float]:
    """Processor and wall seconds of one view (the mean of `times`); raises RuntimeError where the page is an error."""
    before, started = server.cpu(), time.perf_counter()
    for _ in range(times):
        said = visitor.get(path)
        if said.status != 200:
            raise RuntimeError(f"{path}: status {said.status}")
    return (server.cpu() - before) / times, (time.perf_counter() - started) / times


def weight(visitor: Visitor, path: str) -> dict[str, int]:
    """Bytes on the wire of a page and of every file that it names, gzipped: fonts left out."""
    page = visitor.get(path)
    found = {path: len(page.content)}
    ahead = STATIC.findall(page.text) + (CHARTS.findall(page.text) if ' data-chart="' in page.text else [])
    while ahead:
        name = ahead.pop().partition("?")[0]
        if name in found or name.endswith((".woff2", ".woff", ".ttf")):
            continue
        got = visitor.get(name)
        if got.status != 200:
            raise RuntimeError(f"{name}: status {got.status}, named by {path}")
        packed = got.heads.get("content-encoding") == "gzip" or name.endswith((".png", ".ico"))
        found[name] = len(got.content) if packed else len(gzip.compress(got.content, 6))
        if name.endswith((".js", ".css")):
            folder = name.rpartition("/")[0]
            ahead += [f"{folder}/{(js or other).removeprefix('./')}" for js, other in INNER.findall(got.text)]
    return found


@dataclass
class Clicks:
    """What the people clicking met: seconds of every answer, errors by what they were."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def quantile(self, share: float) -> float:
        ranked = sorted(self.seconds)
        return ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else 0.0


def clicking(people: list[Visitor], paths: list[str], seconds: float, wait: tuple[float, float] = WAIT_S) -> Clicks:
    """Each of the people opens pages, one after the other with a pause to read, until the time is over."""
    found, until = Clicks(), time.monotonic() + seconds

    def one(number: int, visitor: Visitor) -> None:
        chance = random.Random(number)
        pause = chance.uniform(0, wait[1])  # nobody starts at the same moment
        while time.monotonic() + pause < until:
            time.sleep(pause)
            path = chance.choice(paths)
            try:
                said = visitor.get(path)
                with found.lock:
                    found.seconds.append(said.seconds)
                    if said.status != 200 and not (
                        said.status == 404 and path.startswith("/record/")
                    ):  # not theirs to see
                        found.errors.append(f"{path}: status {said.status}")
            except OSError as error:
                with found.lock:
                    found.errors.append(f"{path}: {error!r}")
            pause = chance.uniform(*wait)

    threads = [threading.Thread(target=one, args=each) for each in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def links(folder: str, people: str) -> dict[str, Any]:
    """Sign-in links of the owner and of so many users (reps and their managers in turn, made where there are none), and a deal."""
    from salesops import workspace

    workspace.open_workspace(folder)
    from salesops.records import access, actions_users
    from salesops.records.models import Opportunity, ReportingLine, User

    owner = access.actor_for()
    current = ReportingLine.objects.filter(recorded_to=None, deleted=False)
    led = sorted(set(current.exclude(manager=None).values_list("manager", flat=True)))
    reps = sorted(set(Opportunity.objects.exclude(owner=None).values_list("owner", flat=True).distinct()))
    linked = [one for pair in zip(reps, led * len(reps), strict=False) for one in pair][: int(people)]
    there = set(User.objects.values_list("username", flat=True))
    found = [actions_users.sign_in_link(owner, owner.username)]
    for number, person in enumerate(linked):
        name = f"visitor{number}"
        if name not in there:
            role = "manager" if person in led else "rep"
            actions_users.create_user(owner, name, roles=role, person=str(person))
        found.append(actions_users.sign_in_link(owner, name))
    deal = Opportunity.objects.exclude(owner=None).order_by("-amount").values_list("id", flat=True).first()
    return {"links": found, "deal": deal}
