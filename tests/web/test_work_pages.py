"""Inbox and saved views."""

from __future__ import annotations

import re

from tests.web.conftest import Site


def test_a_task_goes_to_somebody_and_is_done(site: Site) -> None:
    """It stands in their inbox, not in others'."""
    assert (
        site.post("manager", "/inbox", do="task", title="Call Alder back", owner="rep", due="2020-01-31").status == 302
    )
    page = site.get("rep", "/inbox").text
    assert "Call Alder back" in page
    assert "late" in page
    assert "Call Alder back" not in site.get("exec", "/inbox").text
    number = re.search(r'name="number" value="(\d+)"', page)
    assert number
    assert site.post("exec", "/inbox", do="finish", number=number[1]).status in (400, 403)
    assert site.post("rep", "/inbox", do="finish", number=number[1]).status == 302
    assert "Call Alder back" not in site.get("rep", "/inbox").text


def test_a_view_is_saved_shared_and_dropped(site: Site) -> None:
    """Everybody opens a shared one with their own numbers; a private one is nobody else's."""
    site.post("ops", "/views", name="Last year", page="/", query="period=2025", shared="on")
    site.post("ops", "/views", name="Mine alone", page="/", query="against=none")
    seen = site.get("rep", "/").text
    assert "Last year" in seen
    assert "Mine alone" not in seen
    assert "Mine alone" in site.get("ops", "/").text
    number = re.search(r'href="/\?period=2025".*?name="number" value="(\d+)"', site.get("ops", "/").text, re.DOTALL)
    assert number
    assert site.post("rep", "/views", do="drop", number=number[1], page="/").status == 403
    assert site.post("ops", "/views", do="drop", number=number[1], page="/").status == 302
    assert "Last year" not in site.get("rep", "/").text


def test_a_view_leads_nowhere_else(site: Site) -> None:
    """An address of another server is no page of ours."""
    assert site.post("ops", "/views", name="x", page="//evil.example/", query="").location == "/"
