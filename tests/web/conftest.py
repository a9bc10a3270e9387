"""A small demo company behind `salesops serve`, a user of every role, and a real browser (Debian's Chromium).

| fixture   | gives                                                                                             |
| --------- | ------------------------------------------------------------------------------------------------- |
| `site`    | the served company; `site.get(user, path)` asks as a user, `site.post(...)` sends a form          |
| `browser` | Chromium; skips with a reason where it is not installed                                           |
| `reader`  | `reader(user, theme=, width=)`: a page of the browser, signed in, that notes what the console says |
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.conftest import ROOT
from tests.doors.conftest import Door, Served, with_toml

ROLES = ("owner", "admin", "ops", "finance", "exec", "engineer", "auditor", "manager", "rep")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Said:
    """What the server answered: text for pages, `location` where it sends the browser."""

    status: int
    headers: dict[str, str]
    text: str
    content: bytes = b""

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


class Site:
    """A served workspace; sessions of its users by their name."""

    def __init__(self, folder: Path, door: Door | None = None) -> None:
        self.folder = folder
        self.door = door or Door(folder)
        self.served = Served(folder)
        self._cookies: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.served.port}"

    def link(self, user: str) -> str:
        """The path that signs a user in."""
        said = self.door("user", "link", user)
        assert said.code == 0, said.err
        return said.out.strip()

    def get(self, user: str, path: str, **headers: str) -> Said:
        """A page as a user sees it; redirects are not followed. An empty user is nobody."""
        return self.send("GET", path, None, user, headers)

    def post(self, user: str, path: str, /, **fields: str | list[str]) -> Said:
        """A form sent by a user, with the token that our pages carry."""
        page = self.get(user, "/account")
        if page.status == 302:  # the session has ended
            del self._cookies[user]
            page = self.get(user, "/account")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text
        body = urlencode({**fields, "csrfmiddlewaretoken": token[1]}, doseq=True)
        return self.send("POST", path, body, user, {"Content-Type": "application/x-www-form-urlencoded"})

    def close(self) -> None:
        self.served.close()
        self.door.close()

    def send(self, method: str, path: str, body: str | None, user: str, headers: dict[str, str]) -> Said:
        if user and user not in self._cookies:
            self.send("GET", self.link(user), None, "", {"X-As": user})
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        name = user or sent.pop("X-As", "")
        if user:
            sent["Cookie"] = self._cookies[user]
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=120)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            given = "; ".join(one.split(";")[0] for one in answer.headers.get_all("Set-Cookie") or ())
            if given and name:
                held = dict(pair.split("=", 1) for pair in self._cookies.get(name, "").split("; ") if pair)
                held |= dict(pair.split("=", 1) for pair in given.split("; "))
                self._cookies[name] = "; ".join(f"{key}={value}" for key, value in held.items())
            heads = {name.title(): text for name, text in answer.getheaders()}
            content = answer.read()
            return Said(answer.status, heads, content.decode(errors="replace"), content)
        finally:
            connection.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Eight representatives and two years; users named as their roles, the manager and the rep are people of the company."""
    folder = tmp_path_factory.mktemp("web") / "company"
    made = "from salesops.demo.build import open_demo; from salesops.demo.parameters import Parameters; import sys, pathlib; "
    made += "open_demo(pathlib.Path(sys.argv[1]), Parameters.load(reps=8, years=2, activities='light'))"
    subprocess.run([sys.executable, "-c", made, str(folder)], cwd=ROOT, check=True, capture_output=True, timeout=600)
    with_toml(folder, 'approvals = "none"')
    site = Site(folder)
    rows = site.door.python("result = ws().metrics.query('bookings', by='owner,manager').to_pylist()")
    rows = [row for row in rows if row["manager"] != "(none)"]
    people = {"rep": rows[0]["owner"], "manager": rows[0]["manager"]}
    for role in ROLES[1:]:
        linked = ("--person", people[role]) if role in people else ()
        said = site.door("user", "create", role, "--roles", role, *linked)
        assert said.code == 0, said.err
    yield site
    site.close()


# The browser


@dataclass
class Reader:
    """A page of the browser, and what its console and its failed requests said."""

    page: Any
    said: list[str] = field(default_factory=list)
    url: str = ""

    def open(self, path: str) -> Any:
        """Go to a path and wait until the page is drawn; gives the answer."""
        answer = self.page.goto(self.url + path)
        self.page.wait_for_selector("body[data-ready]", state="attached", timeout=20_000)
        return answer

    def axe(self) -> list[str]:
        """What axe finds of level serious or critical, as `rule: where`."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['target']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    @property
    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (scripts/chromium.sh)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def reader(browser: Any, site: Site) -> Iterator[Callable[..., Reader]]:
    """Open a page of the browser as a user, in a theme and a width."""
    contexts = []

    def opened(user: str = "owner", theme: str = "light", width: int = 1440, height: int = 900) -> Reader:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        contexts.append(context)
        found = Reader(context.new_page(), url=site.url)
        found.page.on(
            "console", lambda said: found.said.append(said.text) if said.type in ("error", "warning") else None
        )
        found.page.on("pageerror", lambda error: found.said.append(str(error)))
        found.page.goto(site.url + site.link(user))
        return found

    yield opened
    for context in contexts:
        context.close()


os.environ.setdefault("NO_PROXY", "127.0.0.1")
