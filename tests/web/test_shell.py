"""The shell: every page for every role, in both themes and widths; sign-in; nothing without a rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.web.conftest import ROLES, Reader, Site

pytestmark = pytest.mark.timeout(900)
OPEN = {"sign-in", "sign-in-link", "sign-in-code", "sign-in-provider", "sign-in-back"}


def routes(site: Site) -> list[dict[str, Any]]:
    """Every address of the pages, as the program registers them."""
    found: list[dict[str, Any]] = site.door.python(
        "ws(); import salesops.web.pages; from salesops.web.shell.routes import ROUTES; "
        "result = [{'pattern': r.pattern, 'name': r.name, 'action': r.action, 'methods': list(r.methods)} for r in ROUTES]"
    )
    return found


def test_no_address_is_without_a_rule(site: Site) -> None:
    """Every address that Django knows is the API's, a word on health, or a registered page; few are open to anybody."""
    known = site.door.python(
        "ws(); from salesops.web.urls import urlpatterns; result = [[str(u.pattern), getattr(u, 'name', '') or ''] for u in urlpatterns]"
    )
    registered = {route["name"] for route in routes(site)}
    others = {pattern for pattern, name in known if name not in registered}
    assert others == {"health", "health/metrics", "api/v1/docs/start.js", "api/v1/docs/files/<str:name>", "api/v1/"}
    assert {route["name"] for route in routes(site) if route["action"] == "open"} == OPEN


def test_nobody_sees_a_page_without_signing_in(site: Site) -> None:
    """Every page sends a stranger to the sign-in, and says nothing on the way."""
    for route in routes(site):
        if route["name"] in OPEN or "GET" not in route["methods"]:
            continue
        path = "/" + route["pattern"].replace("<str:entity>", "opportunity")
        path = re.sub(r"<\w+:\w+>", "1", path)
        said = site.get("", path)
        assert said.status in (302, 404), (path, said.status)
        assert said.status == 404 or said.location.startswith("/sign-in?"), (path, said.location)


def test_every_page_of_the_menu_opens_for_every_role(site: Site) -> None:
    """What the menu shows opens; what it does not show is refused with a word on whom to ask."""
    tabs = site.door.python(
        "ws(); from salesops.web.shell.nav import PAGES; from django.urls import reverse; "
        "result = [[t.name, t.action, reverse(t.name)] for p in PAGES for t in p.tabs]"
    )
    for role in ROLES:
        allowed = site.door.python(
            f"ws(); from salesops.records import access; a = access.actor_for(None, {role!r}, 'web'); "
            f"result = [access.may(a, action) for action in {[tab[1] for tab in tabs]!r}]"
        )
        for (name, _, path), may in zip(tabs, allowed, strict=True):
            said = site.get(role, path)
            assert said.status == (200 if may else 403), (role, name, said.status, said.text[:400])


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_pages_are_clean(site: Site, reader: Callable[..., Reader], theme: str, width: int) -> None:
    """No console error, no serious axe finding, no sideways scroll: every page of the menu."""
    paths = site.door.python(
        "ws(); from salesops.web.shell.nav import PAGES; from django.urls import reverse; result = [reverse(t.name) for p in PAGES for t in p.tabs]"
    )
    here = reader("owner", theme, width, 844 if width == 390 else 900)
    problems = {}
    for path in [*paths, "/account", "/nowhere"]:
        here.said.clear()
        here.open(path)
        found = [*here.axe(), *(text for text in here.said if "404" not in text or path != "/nowhere")]
        if here.scrolls_sideways:
            found.append("scrolls sideways")
        if found:
            problems[path] = found
    assert problems == {}


def test_a_number_opens_down_to_a_deal_in_two_clicks(reader: Callable[..., Reader]) -> None:
    """Tile, popover, records: a deal's own page is the next link."""
    here = reader("owner")
    here.open("/")
    here.page.click(".tile:has-text('Win rate') [data-why]")
    here.page.wait_for_selector("#why:popover-open")
    assert "won" in here.page.inner_text("#why")
    here.page.click("#why a:has-text('Records')")
    here.page.wait_for_url("**/records**")
    here.page.wait_for_selector("body[data-ready]", state="attached")
    assert "Records 1 to" in here.page.inner_text("main")
    here.page.click("main tbody th a >> nth=0")
    here.page.wait_for_url("**/record/opportunity/*")


def test_the_palette_finds_people_and_metrics(reader: Callable[..., Reader]) -> None:
    """Ctrl K, a word, Enter."""
    here = reader("owner")
    here.open("/")
    here.page.keyboard.press("Control+k")
    here.page.keyboard.type("win rate")
    here.page.wait_for_selector("#palette .menu-item:has-text('Win rate')")
    here.page.keyboard.press("Enter")
    here.page.wait_for_url("**/metric/win_rate*")


def test_passwords_and_sign_out(site: Site) -> None:
    """A wrong password says no more than that; a right one comes back to the page that was asked for; sign-out ends it."""
    site.door.python("ws().users.set_password('finance', 'a long enough word')")
    assert site.post("finance", "/sign-in", username="finance", password="wrong").status == 403
    said = site.post("finance", "/sign-in", username="finance", password="a long enough word", next="//evil.example")
    assert (said.status, said.location) == (302, "/")
    assert site.post("finance", "/sign-out").location == "/sign-in"
    assert site.get("finance", "/").location.startswith("/sign-in?")


def test_headers_protect(site: Site) -> None:
    """No inline script or style, no frame, no guess of types; our answers are not kept by others."""
    headers = site.get("owner", "/").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"].startswith("private")
