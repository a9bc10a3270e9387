"""Home > Reports in the browser, and what a run makes: PDF and XLSX of figures, of the scorecard and of a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.web.conftest import Reader, Site

MAKE = """
from salesops.records.access import actor_for
from salesops.reports.content import check, make
from salesops.reports.paper import pdf
found = []
ws()
by_owner = {"kind": "metrics", "metrics": "bookings,win_rate", "by": "owner", "compare": "previous"}
for question in ({}, by_owner, {"kind": "view", "page": "/records/opportunity"}):
    made = make("Weekly", check(question), actor_for(None, USER, door="worker"))
    paper = pdf(made.page, made.title, "Acme")
    found.append([paper[:5].decode(), len(paper), made.book()[:2].decode(), list(made.lines)])
result = found
"""


def test_a_report_is_made_changed_paused_and_dropped(site: Site) -> None:
    """What was typed wrongly is told and kept; it is its owner's, and ops may pause it."""
    said = site.post(
        "rep", "/reports", do="create", name="Mine", kind="metrics", metrics="bookings", to="nobody", schedule="often"
    )
    assert said.status == 400
    assert "is no schedule" in said.text
    assert "is no e-mail address" in said.text
    assert 'value="Mine"' in said.text
    said = site.post(
        "rep",
        "/reports",
        do="create",
        name="Mine",
        kind="metrics",
        metrics="bookings",
        to="me@acme.test",
        schedule="weekly mon 7:00",
    )
    assert said.status == 302, said.text
    page = site.get("rep", said.location).text
    assert "me@acme.test" in page
    assert site.get("exec", said.location).status == 404
    assert site.get("auditor", "/reports").status == 403
    assert site.post("ops", said.location, do="edit", name="Yours", to="spy@acme.test").status in (400, 403)
    assert "spy@acme.test" not in site.get("rep", said.location).text
    assert site.post("ops", said.location, do="pause").status == 302
    assert "paused" in site.get("rep", "/reports").text
    assert site.post("rep", said.location, do="run").status == 302
    assert "waiting" in site.get("rep", said.location).text
    assert site.post("rep", said.location, do="delete").status == 302
    assert "Mine" not in site.get("rep", "/reports").text


def test_paper_and_sheets_show_what_the_owner_sees(site: Site) -> None:
    """The rep's report has the rep alone, the owner's everybody."""
    all_, own = (site.door.python(MAKE.replace("USER", who)) for who in ("'owner'", "'rep'"))
    for made in (*all_, *own):
        assert made[0] == "%PDF-", made
        assert made[2] == "PK"
    assert len(all_[1][3]) > len(own[1][3]) == 1


def test_a_notice_is_told_and_put_away(site: Site) -> None:
    site.door.python(
        "from salesops.jobs.queue import notify; ws(); result = notify('rep', 'k1', 'Win rate fell', 'by 5 pp')"
    )
    page = site.get("rep", "/inbox").text
    assert "Win rate fell" in page
    assert "Win rate fell" not in site.get("ops", "/inbox").text
    number = re.search(r'name="number" value="(\d+)"><button class="btn btn-sm" name="do" value="seen"', page)
    assert number
    assert site.post("ops", "/inbox", do="seen", number=number[1]).status == 400
    assert site.post("rep", "/inbox", do="seen", number=number[1]).status == 302
    assert "Win rate fell" not in site.get("rep", "/inbox").text


def test_the_pages_of_reports_are_for_everybody(site: Site, reader: Callable[..., Reader]) -> None:
    """No serious finding of axe, no word in the console, no sideways scroll."""
    said = site.post(
        "ops", "/reports", do="create", name="Weekly figures", to="ann@acme.test", schedule="weekly monday 07:00"
    )
    for theme, width in (("light", 1440), ("dark", 1440), ("light", 390)):
        seen: Any = reader("ops", theme=theme, width=width)
        for path in ("/reports", said.location):
            seen.open(path)
            assert not seen.axe(), path
            assert not seen.scrolls_sideways, path
        assert not seen.said
