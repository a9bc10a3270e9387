"""Metrics in the browser: the explorer and its figures, the catalogue, own definitions, the guide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.web.conftest import Reader, Site

pytestmark = pytest.mark.timeout(900)


def value(site: Site, name: str, **asked: str) -> float:
    """What the rooms say: the reference of what a page shows."""
    given = ", ".join(f"{key}={text!r}" for key, text in asked.items())
    return float(site.door.python(f"result = str(ws().metrics.query({name!r}, {given}).value())"))


def test_the_explorer_shows_the_number_and_opens_it(site: Site, reader: Callable[..., Reader]) -> None:
    """The number of the period is the rooms'; a click says where it is from, a second shows the deals."""
    here = reader("owner")
    here.open("/metric/win_rate?period=2026-Q2&view=table")
    shown = f"{value(site, 'win_rate', period='2026-Q2') * 100:.1f}%"
    assert shown in here.page.inner_text(".answer")
    assert shown in here.page.inner_text("tr:has-text('2026-Q2')")
    here.page.wait_for_selector("#other")
    variants = here.page.inner_text("section:has(#other)")
    assert f"{value(site, 'win_rate.value', period='2026-Q2') * 100:.1f}%" in variants
    here.page.click("tr:has-text('2026-Q2') [data-why] >> nth=0")
    here.page.wait_for_selector("#why:popover-open")
    assert f"{value(site, 'win_rate', period='2026-Q2') * 100:.2f}" in here.page.inner_text("#why")
    here.page.click("#why a:has-text('Records')")
    here.page.wait_for_url("**/records**")
    assert "Records 1 to" in here.page.inner_text("main")


def test_the_explorer_splits_filters_and_gives_files(site: Site) -> None:
    """Groups by period with a total of all records; a filter goes into every figure and file; a wrong one is told, not used."""
    split = site.get("owner", "/metric/bookings?period=2026-Q2&by=owner&view=table&periods=4")
    assert split.status == 200
    assert "data-why" in split.text
    assert "1 to" in split.text
    names = site.door.python(
        "result = [r['owner'] for r in ws().metrics.query('bookings', by='owner', period='2026-Q2').to_pylist()]"
    )
    assert all(name in split.text for name in names)
    kept = site.get("owner", f"/metric/bookings?period=2026-Q2&where=owner+%3D+'{names[0]}'".replace(" ", "+"))
    assert f"where=owner+%3D+%27{names[0].replace(' ', '+')}" in kept.text
    wrong = site.get("owner", "/metric/bookings?period=2026-Q2&where=colour+%3D+1")
    assert wrong.status == 200
    assert "The filter was not used." in wrong.text
    file = site.get("owner", "/metric/bookings/answer.csv?period=2026-Q2&by=owner&periods=4")
    assert file.headers["Content-Disposition"].endswith('bookings-2026-Q2.csv"')
    assert file.text.startswith("period,from,to,owner,owner_id,bookings")
    assert site.get("owner", "/metric/bookings/answer.xlsx?period=2026-Q2").text.startswith("PK")


def test_a_rep_sees_the_rep_only(site: Site) -> None:
    """The explorer of a rep lists no other rep."""
    names = site.door.python("result = [r['owner'] for r in ws().metrics.query('bookings', by='owner').to_pylist()]")
    said = site.get("rep", "/metric/bookings?by=owner&view=table&grain=year")
    assert said.status == 200
    assert len([name for name in names if name in said.text]) == 1


def test_the_catalogue_finds_and_the_guide_tells(site: Site) -> None:
    """Every metric is listed; a word narrows it; a problem names what to watch, with values."""
    whole = site.get("owner", "/metrics").text
    assert all(
        f"/metric/{name}" in whole
        for name in site.door.python("from salesops.metrics.catalogue import metrics; result = list(metrics())")
    )
    found = site.get("owner", "/metrics?q=decided").text
    assert "/metric/win_rate" in found
    assert "/metric/selling_time_share" not in found
    told = site.get("owner", "/guide?problem=quota_missed").text
    assert "/metric/quota_attainment" in told
    assert "data-why" in told


def test_own_metrics_are_defined_changed_and_ended(site: Site) -> None:
    """A mistake is told with its line and keeps what was typed; a definition becomes a metric, and is ended; a rep may not."""
    text = '[big_wins]\nkind = "count"\nfact = "closed"\nwhere = "status = \'won\' and value > 5000"\n'
    checked = site.post("ops", "/metrics/check", definition=text.replace("closed", "clsed"))
    assert "row 3" in checked.text
    wrong = site.post("ops", "/metrics/define", definition=text.replace("value >", "worth >"))
    assert wrong.status == 400
    assert "worth &gt; 5000" in wrong.text
    assert "row 4" in wrong.text
    assert site.post("rep", "/metrics/define", definition=text).status in (400, 403)
    made = site.post("ops", "/metrics/define", definition=text)
    assert (made.status, made.location) == (302, "/metric/big_wins")
    assert site.get("owner", "/metric/big_wins?period=2026-Q2").status == 200
    assert "/metrics/define?of=big_wins" in site.get("ops", "/metrics").text
    assert site.get("owner", "/metric/big_wins/answer.xlsx?period=2026-Q2").status == 200
    assert site.post("ops", "/metrics/define", of="big_wins", do="end", definition="").status == 302
    assert site.get("owner", "/metric/big_wins").status == 404


def test_targets_are_set_one_cell_at_a_time(site: Site, reader: Callable[..., Reader]) -> None:
    """Typing saves; 0 is not the same as not set; who comes second sees both values and chooses; a rep may not write."""
    here = reader("ops")
    here.open("/targets?metric=win_rate&year=FY2026")
    cell = "#t-company-2026-Q2"
    here.page.fill(f"{cell} input[type=number]", "32")
    here.page.keyboard.press("Enter")
    here.page.wait_for_selector(f"{cell}.is-saved")
    assert here.page.input_value(f"{cell} input[type=number]") == "32"
    listed = "result = [[r['period'], str(r['value']), r['status']] for r in ws().targets.list(metric='win_rate', of='company') if r['period'] == '2026-Q2']"
    assert site.door.python(listed) == [["2026-Q2", "0.32", "published"]]

    field = {"metric": "win_rate", "kind": "goal", "whose": "company", "id": "", "period": "2026-Q2"}
    said = site.post("finance", "/targets/cell", **field, was="0.32", value="35")
    assert "Saved" in said.text
    here.page.fill(f"{cell} input[type=number]", "30")  # still shows 32
    here.page.keyboard.press("Tab")
    here.page.wait_for_selector(f"{cell}.is-conflict")
    told = here.page.inner_text(cell)
    assert "0.35 by finance" in told
    assert "You wrote 30" in told
    assert site.door.python(listed)[0][1] == "0.35"
    here.page.click(f"{cell} button:has-text('Take 30')")
    here.page.wait_for_selector(f"{cell}.is-saved")
    assert site.door.python(listed)[0][1] == "0.3"

    here.page.click(f"{cell} a")
    here.page.wait_for_selector("#target-history table")
    assert ["finance" in here.page.inner_text("#target-history"), here.axe(), here.said] == [True, [], []]
    assert "Saved" in site.post("ops", "/targets/cell", **field, was="0.3", value="0").text
    assert site.door.python(listed)[0][1:] == ["0", "published"]
    assert "Not set any more" in site.post("ops", "/targets/cell", **field, was="0", value="").text
    assert site.door.python(listed)[0][2] == "withdrawn"
    assert "not set" in site.get("owner", "/targets?metric=win_rate&year=FY2026").text
    assert site.post("rep", "/targets/cell", **field, was="", value="99").status in (403, 200)
    assert site.door.python(listed)[0][2] == "withdrawn"


def test_alerts_say_what_the_rooms_say(site: Site) -> None:
    """Every watched metric has its series; those outside the expected are named first, with what moved them."""
    said = site.get("owner", "/alerts?metric=bookings&metric=win_rate&metric=sales_cycle_days.km")
    assert said.status == 200
    assert said.text.count("data-chart=") == 2
    assert "sales_cycle_days.km" in said.text  # a median cannot be watched, and says so
    rows = site.door.python(
        "result = [dict(r, **{'from': '', 'to': ''}) for r in ws().metrics.alerts('bookings,win_rate').to_pylist()]"
    )
    assert said.text.count("made ") >= len([row for row in rows if row["group"]])
    assert said.text.count(">drop<") + said.text.count(">surge<") == len(rows)


def test_a_split_that_a_metric_lacks_is_told_at_the_field(site: Site) -> None:
    """The page stands, without the split, and says why."""
    page = site.get("owner", "/metric/cac?by=stage")
    assert page.status == 200, page.text[:500]
    assert 'id="by-error"' in page.text
    assert 'aria-describedby="by-error"' in page.text
