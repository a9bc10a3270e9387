"""A newcomer imports the Maven files in the browser, mends the product names, and opens the win rate down to a deal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.conftest import Site

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A workspace without a record, served."""
    from tests.doors.conftest import Door

    folder = tmp_path_factory.mktemp("wizard") / "ws"
    door = Door(folder)
    assert door("init", folder, "--name", "Maven").code == 0
    door.close()
    site = Site(folder)
    yield site
    site.close()


@pytest.fixture(scope="module")
def page(browser: Any, fresh: Site) -> Iterator[Any]:
    """The newcomer's browser, signed in by the link that the server prints."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(fresh.url + fresh.link("owner"))
    yield page
    context.close()


def loaded(page: Any) -> None:
    page.wait_for_selector("body[data-ready]", state="attached", timeout=60_000)


def test_the_empty_workspace_says_what_to_do(page: Any, fresh: Site) -> None:
    """One primary action."""
    page.goto(f"{fresh.url}/data/imports")
    assert "Nothing was imported yet" in page.inner_text("main")
    page.click("main .empty >> text=Import files")
    loaded(page)


def test_files_are_looked_at_before_anything_is_loaded(page: Any, fresh: Site, shared: Path) -> None:
    """Detected formats, samples, decisions in words; the dictionary, which is no data, is left out."""
    page.set_input_files("#files", [str(path) for path in sorted((shared / "data" / "maven_crm").glob("*.csv"))])
    page.click("text=Look at the files")
    page.wait_for_selector("text=What was decided", timeout=60_000)
    assert fresh.door.python("result = len(ws().imports.list())") == 0
    page.uncheck("label:has-text('data_dictionary.csv') input")
    page.click("text=Read only the chosen files")
    page.wait_for_selector("text=What was decided", timeout=60_000)
    assert "no kind of table was recognised" not in page.inner_text("main")
    assert "GTXPro" in page.inner_text("section:has(#rules-head)")
    page.fill("#rule-found", "GTXPro")
    page.fill("#rule-becomes", "GTX Pro")
    page.click("text=Add the rule")
    page.wait_for_selector("text=What was decided", timeout=60_000)
    assert page.locator("section:has(#rules-head) li").count() == 1


def test_a_broken_mapping_is_told_and_kept(page: Any) -> None:
    """What was typed is not lost."""
    page.click("text=The mapping as text")
    good = page.input_value("#mapping-text")
    page.fill(
        "#mapping-text", good.replace("[[file]]", "[[fil]]", 1).replace('entity = "account"', 'entity = "acount"')
    )
    page.click("text=Look again with this mapping")
    page.wait_for_selector("[role=alert]")
    page.go_back()
    loaded(page)


def test_it_loads_and_the_win_rate_opens_down_to_a_deal(page: Any, fresh: Site) -> None:
    """63.2 % of 6,711 closed deals, in two clicks from its records."""
    page.click("button:has-text('Load')")
    page.wait_for_selector("text=See the scorecard", timeout=120_000)
    page.goto(f"{fresh.url}/?as_of=2017-12-31&period=2017")
    loaded(page)
    assert "63.2%" in page.inner_text(".tile:has-text('Win rate') .tile-value").replace("\n", "")
    page.click(".tile:has-text('Win rate') [data-why]")
    page.wait_for_selector("#why:popover-open")
    assert "63.15" in page.inner_text("#why")
    page.click("#why a:has-text('Records')")
    page.wait_for_url("**/records**")
    loaded(page)
    assert "of 6,711" in page.inner_text("main")
    page.click("main tbody th a >> nth=0")
    page.wait_for_url("**/record/opportunity/*")


def test_an_import_is_taken_back(page: Any, fresh: Site) -> None:
    """Undo asks by naming the counts; then nothing counts."""
    page.goto(f"{fresh.url}/data/imports")
    page.click("tbody th a >> nth=0")
    loaded(page)
    page.click("text=Undo the import >> nth=0")
    page.click("#undo >> text=Undo the import >> nth=-1")
    page.wait_for_selector(".badge:has-text('undone')", timeout=60_000)
    assert fresh.door.python("result = ws().metrics.query('won_deals').value()") in (0, None)
