"""Approvals in the browser: what is proposed waits in somebody else's inbox, with what it changes. Alerts: set, changed, paused, dropped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from tests.doors.conftest import with_toml
from tests.web.conftest import Reader, Site


@pytest.fixture
def asking(site: Site) -> Iterator[Site]:
    """The site where erasure, roles and changes of three records or more take two."""
    with_toml(site.folder, 'approvals = "erasure, roles, bulk_edit"', "approvals_from_rows = 3")
    yield site
    with_toml(site.folder, 'approvals = "none"')


def roles(site: Site) -> dict[str, str]:
    found: dict[str, str] = site.door.python("result = {one['username']: one['roles'] for one in ws().users.list()}")
    return found


def test_a_role_waits_for_the_other_admin(asking: Site, reader: Callable[..., Reader]) -> None:
    """Proposed by the admin, found in the owner's inbox, declined only with a reason, approved, told to the admin."""
    site = asking
    site.door.python("ws().users.create('hana', roles='rep')")
    change = {"do": "edit", "username": "hana", "active": "on"}
    assert site.post("admin", "/settings/people", roles="ops", **change).status == 302
    assert "it is done when one of these approves it: owner" in site.get("admin", "/settings/people").text
    assert roles(site)["hana"] == "rep"

    inbox = site.get("owner", "/inbox").text
    number = re.search(r'href="/approvals/(\d+)">Change the account hana', inbox)
    assert number
    path = f"/approvals/{number[1]}"
    assert "Change the account hana" not in site.get("ops", "/inbox").text
    assert site.get("ops", path).status == 404
    page = site.get("owner", path).text
    assert re.search(r"<td>rep</td><td>ops</td>", page)
    assert site.post("admin", path, do="approve").status == 400
    refused = site.post("owner", path, do="decline", reason=" ")
    assert (refused.status, "Say why" in refused.text) == (400, True)

    for theme, width in (("light", 1440), ("dark", 1440), ("light", 390)):
        seen = reader("owner", theme, width)
        for address in (path, "/approvals", "/inbox"):
            seen.open(address)
            assert not seen.axe(), (address, theme)
            assert not seen.scrolls_sideways, (address, width)
        assert not seen.said

    seen = reader("owner")
    seen.open(path)
    seen.page.fill("#reason", "She takes over the imports")
    seen.page.click("button[value=approve]")
    seen.page.wait_for_url("**/approvals")
    assert roles(site)["hana"] == "ops"
    assert "She takes over the imports" in site.get("admin", "/inbox").text
    assert "approved" in site.get("admin", "/approvals").text
    assert site.post("owner", path, do="approve").status == 400


def test_what_changed_meanwhile_is_shown_as_stale(asking: Site) -> None:
    """No button approves it, and no form does."""
    site = asking
    site.door.python("ws().users.create('ivo', roles='rep')")
    site.post("admin", "/settings/people", do="edit", username="ivo", active="on", roles="exec")
    path = re.search(r'href="(/approvals/\d+)">Change the account ivo', site.get("owner", "/approvals").text)
    assert path
    site.door.python("ws().users.edit('ivo', roles='manager')")
    page = site.get("owner", path[1]).text
    assert "Stale." in page
    assert 'value="approve"' not in page
    assert site.post("owner", path[1], do="approve").status == 400
    assert site.post("admin", path[1], do="withdraw").status == 302
    assert roles(site)["ivo"] == "manager"


def test_many_records_wait(asking: Site) -> None:
    """Rows that were ticked by a rep: proposed with before and after, done by ops."""
    site = asking
    deals = site.door.python("result = [str(row['id']) for row in ws('rep').records.list('opportunity', limit=3).rows]")
    sent = {"pick": deals, "field": "next_step", "value": "Ask for the order"}
    assert site.post("rep", "/records/opportunity", **sent).status == 302
    waits = re.search(r'href="(/approvals/\d+)">Set next_step of 3', site.get("ops", "/approvals").text)
    assert waits
    assert "Ask for the order" in site.get("ops", waits[1]).text
    assert site.post("ops", waits[1], do="approve").status == 302
    told = site.door.python(
        f"result = [ws().records.show('opportunity', key).values['next_step'] for key in {deals!r}]"
    )
    assert told == ["Ask for the order"] * 3


def test_alerts_of_ones_own_stand_beside_what_is_unusual(site: Site, reader: Callable[..., Reader]) -> None:
    """Set, changed, paused and dropped on one page; a rule that is none is told there."""
    said = site.post("rep", "/alerts", do="alert", metric="bookings", rule="often")
    assert (said.status, "is no rule of an alert" in said.text) == (400, True)
    assert site.post("rep", "/alerts", do="alert", metric="bookings", rule="below 10").status == 302
    number = re.search(r'name="number" value="(\d+)"', site.get("rep", "/alerts").text)
    assert number
    edit = {"do": "edit", "number": number[1], "metric": "win_rate", "rule": "below 20%", "to": "a@acme.test"}
    assert site.post("exec", "/alerts", **edit).status == 400
    assert site.post("rep", "/alerts", **edit).status == 302
    assert site.post("rep", "/alerts", do="pause", number=number[1]).status == 302
    kept = site.door.python("result = ws('rep').reports.alerts()")
    assert [(one["metric"], one["rule"], one["active"]) for one in kept] == [
        ("win_rate", "below 0.2 in this quarter", False)
    ]
    seen = reader("rep", width=390)
    seen.open("/alerts")
    assert (seen.axe(), seen.said, seen.scrolls_sideways) == ([], [], False)
    assert site.post("rep", "/alerts", do="resume", number=number[1]).status == 302
    assert site.post("rep", "/alerts", do="drop", number=number[1]).status == 302
    assert site.door.python("result = ws('rep').reports.alerts()") == []
    assert "Tell me when" not in site.get("auditor", "/alerts").text


def test_what_was_read_is_read_in_every_browser(site: Site) -> None:
    """A comment that names the rep is new once, wherever they sign in."""
    deal = site.door.python("result = str(ws('rep').records.list('opportunity', limit=1).rows[0]['id'])")
    site.door.python(f"ws('manager').comments.create('opportunity', {deal!r}, 'Well done @rep')")
    assert 'data-s="now"' in site.get("rep", "/inbox").text
    elsewhere = Site.__new__(Site)
    elsewhere.__dict__ = {**site.__dict__, "_cookies": {}}
    page = elsewhere.get("rep", "/inbox").text
    assert "Well done" in page
    assert 'data-s="now"' not in page
