"""The forecast in the browser: a rep calls in one form, the manager puts a figure beside it, the board keeps both."""

from __future__ import annotations

from collections.abc import Callable

from .conftest import Reader, Site

PERIOD = "2026-Q4"


def test_a_rep_calls_and_the_manager_adjusts(site: Site, reader: Callable[..., Reader]) -> None:
    """120k and 150,000 are understood; the manager's 100,000 counts, the 120,000 stay beside it, crossed out."""
    rep = reader("rep")
    rep.open(f"/forecast/call?period={PERIOD}")
    rep.page.fill("#c-commit", "120k")
    rep.page.fill("#c-best_case", "150,000")
    rep.page.fill("#c-note", "Two signatures")
    assert rep.axe() == []
    rep.page.get_by_role("button", name="Call it").click()
    rep.page.wait_for_url("**/forecast?*")
    assert "$120k" in rep.page.inner_text("main")
    name = rep.page.inner_text("tbody tr:first-child th a")
    manager = reader("manager", theme="dark", width=390)
    manager.open(f"/forecast?period={PERIOD}")
    manager.page.get_by_role("link", name=f"Adjust {name}").click()
    manager.page.fill("#c-commit", "100000")
    manager.page.fill("#c-reason", "One signature slips")
    manager.page.get_by_role("button", name="Put it beside the call").click()
    manager.page.wait_for_url("**/forecast?*")
    row = manager.page.locator("tbody tr", has=manager.page.get_by_role("link", name=name, exact=True))
    assert row.locator("del").first.inner_text() == "$120k"
    assert row.locator("ins").first.inner_text() == "$100k"
    assert manager.axe() == []
    assert not manager.scrolls_sideways
    manager.open(f"/forecast/history?period={PERIOD}")
    assert manager.page.locator("tbody tr").count() == 3
    assert rep.said + manager.said == []


def test_what_is_wrong_is_told_beside_what_was_typed(site: Site) -> None:
    """More commit than best case: refused with the reason, the figures stay in the form; a user who is nobody is told what to do."""
    said = site.post("rep", f"/forecast/call?period={PERIOD}", commit="9", best_case="4")
    assert (said.status, "is less than commit" in said.text, 'value="9"' in said.text) == (400, True, True)
    assert "There is no number of yours to call" in site.get("ops", f"/forecast/call?period={PERIOD}").text


def test_the_model_beside_the_calls(site: Site, reader: Callable[..., Reader]) -> None:
    """After a run the board has its range, the deals their reasons, and the movement adds up; a rep sees own deals only."""
    for day in ("2026-09-16", "2026-09-30"):
        done = site.door(
            "forecast",
            "run",
            "--as-of",
            day,
            "--weeks",
            "40",
            *(("--backtest",) if day == "2026-09-30" else ("--no-backtest",)),
        )
        assert done.code == 0, done.err
    owner = reader("owner")
    for path in (
        "/forecast",
        "/forecast/deals",
        "/forecast/changes",
        "/forecast/accuracy",
        "/forecast/accuracy?view=table",
    ):
        assert owner.open(f"{path}{'&' if '?' in path else '?'}period=2026-Q3").status == 200
        assert owner.axe() == []
        assert not owner.scrolls_sideways
    assert owner.said == []
    owner.open("/forecast?period=2026-Q3")
    assert owner.page.locator("svg.range").count() > 3
    moved = site.door.python(
        "found = ws().forecasts.changes(period='2026-Q3', days=14); result = [str(found['difference']), str(sum(r['amount'] for r in found['rows']))]"
    )
    assert moved[0] == moved[1]
    mine = site.door.python("result = sorted({r['owner'] for r in ws('rep').forecasts.deals(period='2026-Q4')})")
    every = site.door.python("result = sorted({r['owner'] for r in ws().forecasts.deals(period='2026-Q4')})")
    assert len(mine) <= 1 < len(every)
    assert site.get("rep", "/forecast/accuracy").status == 403
