"""The pages of the pipeline: they say what the room's queries say, every number opens, files hold what the list holds, and nobody sees more
than is theirs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.web.conftest import Reader, Site

pytestmark = pytest.mark.timeout(900)
TABS = ("", "/movement", "/funnel", "/deals", "/velocity", "/hygiene", "/process")


def text(page: str) -> str:
    """What a page's main part says, on one line."""
    body = re.sub(r"<script.*?</script>", " ", page[page.index("<main") :], flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def rows(page: str, after: str) -> list[list[str]]:
    """The cells of the first table after some words, row by row."""
    table = page[page.index(after) :]
    table = table[: table.index("</table>")]
    cells = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)
    ]
    return [[" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in cells]


def amount(shown: str) -> Decimal:
    """$1,234.50 as a number."""
    return Decimal(shown.replace("\u2212", "-").replace("$", "").replace(",", ""))


def links(page: str, to: str) -> list[str]:
    """Addresses that lead to a page."""
    return [unescape(one) for one in re.findall(r'href="([^"]+)"', page) if one.split("?")[0] == to]


def asked(site: Site, what: str, user: str = "") -> Any:
    """What the rooms answer."""
    return site.door.python(f"result = ws({user!r} or None).{what}")


def test_overview_says_what_the_metrics_say(site: Site) -> None:
    """The tile, the sums by stage, the list of deals and its file all tell of the same deals."""
    page = site.get("owner", "/pipeline").text
    one = asked(site, "metrics.query('open_pipeline.all_open,open_pipeline.all_open_count').to_pylist()")[0]
    count, value = one["open_pipeline.all_open_count"], Decimal(one["open_pipeline.all_open"])
    assert f"All {count:,} deals" in text(page)
    stages = links(page, "/pipeline/deals")
    listed = site.get("owner", "/pipeline/deals").text
    assert rows(listed, "data-rows")[-1][0] == f"All {count:,}"
    assert amount(rows(listed, "data-rows")[-1][-1]) == value.quantize(Decimal("0.01"))
    by_stage = {link for link in stages if "stage=" in link}
    kept = list(csv.DictReader(io.StringIO(site.get("owner", "/pipeline/deals?format=csv").text)))
    assert (len(kept), sum(Decimal(row["value"]) for row in kept if row["value"])) == (count, value)
    each = [list(csv.DictReader(io.StringIO(site.get("owner", f"{link}&format=csv").text))) for link in by_stage]
    assert sorted(row["id"] for some in each for row in some) == sorted(row["id"] for row in kept)


def test_deals_are_filtered_sorted_and_turned(site: Site) -> None:
    """Filters stand in the address and hold together; a wrong one says what to write; none left over says how to get them back."""
    everything = list(csv.DictReader(io.StringIO(site.get("owner", "/pipeline/deals?format=csv").text)))
    chosen = everything[len(everything) // 2]
    asks = {"owner": chosen["owner"], "stage": chosen["stage"], "month": chosen["expected_close"][:7], "least": "1"}
    page = site.get("owner", f"/pipeline/deals?{urlencode(asks)}&sort=expected_close").text
    fits = [
        row for row in everything
        if row["owner"] == chosen["owner"] and row["stage"] == chosen["stage"] and row["value"] and Decimal(row["value"]) >= 1
        and row["expected_close"][:7] == asks["month"]
    ]  # fmt: skip
    found = rows(page, "data-rows")
    assert {row[0] for row in found[1:-1]} == {row["name"] for row in fits}
    assert found[-1][0] in (f"All {len(fits)}", f"{len(fits)} record")
    assert 'aria-sort="ascending"' in page
    word = chosen["name"].split()[0].lower()
    named = site.get("owner", f"/pipeline/deals?{urlencode({'text': word})}&format=csv").text
    assert {row["name"] for row in csv.DictReader(io.StringIO(named))} == {
        row["name"] for row in everything if word in row["name"].lower()
    }
    refused = site.get("owner", "/pipeline/deals?least=much")
    assert (refused.status, "Write for example 25000" in refused.text) == (400, True)
    assert "Drop the filters" in site.get("owner", "/pipeline/deals?text=nosuchdeal").text


def test_the_waterfall_adds_up_and_every_bar_opens(site: Site) -> None:
    """Start, moves and end as exact figures; the deals of a bar add up to it; the slices add up to the whole."""
    for asks in ({"window": "period"}, {"window": "period", "deals": "closing_in_period"}):
        page = site.get("owner", f"/pipeline/movement?{urlencode({**asks, 'view': 'table', 'by': 'team'})}").text
        table = {row[0]: row[1:] for row in rows(page, 'aria-label="Movement"')[1:]}
        moves = [amount(value) for name, (value, _n) in table.items() if name not in ("Start", "End")]
        assert abs(amount(table["Start"][0]) + sum(moves) - amount(table["End"][0])) <= Decimal(
            "0.07"
        )  # shown to the cent
        assert "adds up" in text(page)
        split = page[page.index('aria-label="Movement by slice"') :]
        foot = split[split.index("<tfoot>") :]
        totals = [amount(one) for one in re.findall(r'<td class="num" title="([^"]+)"', foot[: foot.index("</tfoot>")])]
        assert (totals[0], totals[-1]) == (amount(table["Start"][0]), amount(table["End"][0]))
        won = next(
            link for link in links(page, "/pipeline/movement/deals") if "bar=won" in link and "slice=" not in link
        )
        deals = list(csv.DictReader(io.StringIO(site.get("owner", f"{won}&format=csv").text)))
        assert len(deals) == int(table["Won"][1].replace(",", ""))
        assert sum(Decimal(row["value"]) for row in deals).quantize(Decimal("0.01")) == -amount(table["Won"][0])
    changed = site.get("owner", "/pipeline/movement?window=period&kind=won").text
    assert rows(changed, 'aria-label="What changed, deal by deal"')[1][1:][1] == "Won"


def test_the_funnel_opens_step_by_step(site: Site) -> None:
    """Every step of every kind leads to as many records as it counts, and so does every number of the stage report."""
    for kind in ("cohort", "active", "snapshot"):
        page = site.get("owner", f"/pipeline/funnel?kind={kind}").text
        counted = {}
        for name, count in re.findall(
            r'<th scope="row"><a class="pipe-to" href="([^"]+)">.*?<td class="num medium">([\d,]+)</td>', page, re.S
        ):
            counted[unescape(name)] = int(count.replace(",", ""))
        assert len(counted) >= 6
        for link, count in list(counted.items())[:: 3 if kind != "cohort" else 1]:
            assert len(list(csv.DictReader(io.StringIO(site.get("owner", f"{link}&format=csv").text)))) == count, link
    numbers = re.findall(r'<a class="n" href="(/pipeline/funnel/stage[^"]+)">([\d,]+)</a>', page)
    for link, count in numbers[:4]:
        found = site.get("owner", f"{unescape(link)}&format=csv").text
        assert len(list(csv.DictReader(io.StringIO(found)))) == int(count), link
    assert "share won" not in text(page)
    assert '"unit": "%"' in page  # the curves


def test_the_process_map_opens_its_cases(site: Site) -> None:
    """Each curve of the map is named with its moves and leads to as many cases; the paths' shares add up to all."""
    page = site.get("owner", "/pipeline/process").text
    edges = re.findall(r'<a href="([^"]+)" aria-label="([^"]+): ([\d,]+) moves', page)
    assert len(edges) >= 6
    for link, name, moves in edges[-3:]:
        cases = list(csv.DictReader(io.StringIO(site.get("owner", f"{unescape(link)}&format=csv").text)))
        assert (len(cases), name) == (int(moves.replace(",", "")), name)
    paths = list(csv.DictReader(io.StringIO(site.get("owner", "/pipeline/process?list=variants&format=csv").text)))
    assert abs(float(paths[-1]["cumulative"]) - 1) < 1e-9
    said = site.get("owner", "/pipeline/process?metric=win_rate&since=2026-03-01&grain=month&unit=owner").text
    assert (
        "confidence" in text(said) or "This cannot be said." in text(said) or "cannot be told from chance" in text(said)
    )
    wrong = site.get("owner", "/pipeline/process?metric=win_rate&since=2026-03-01&unit=owner&touched=Nobody")
    assert (wrong.status, "no unit is called" in text(wrong.text), 'value="2026-03-01"' in wrong.text) == (
        200,
        True,
        True,
    )


def test_hygiene_lists_what_the_metrics_count(site: Site) -> None:
    """As many slipping and stale deals as the room finds; an owner's are a part of them."""
    period = re.search(r"slipped out of ([\w-]+)", text(site.get("owner", "/pipeline/hygiene").text))
    assert period
    queries = {"slipping": f"pipeline.slipping({period[1]!r}, limit=10000)", "stale": "pipeline.stale(limit=10000)"}
    for which, query in queries.items():
        expected = asked(site, f"{query}.to_pylist()")
        found = list(csv.DictReader(io.StringIO(site.get("owner", f"/pipeline/hygiene?show={which}&format=csv").text)))
        assert {row["name"] for row in found} == {row["name"] for row in expected}
        assert len(found) == len(expected)
        if found:
            owner = found[0]["owner_now"]
            some = site.get(
                "owner", f"/pipeline/hygiene?{urlencode({'show': which, 'owner': owner, 'format': 'csv'})}"
            ).text
            assert {row["owner_now"] for row in csv.DictReader(io.StringIO(some))} == {owner}


def test_a_rep_sees_only_what_is_theirs(site: Site) -> None:
    """Lists, counts and files hold the rep's own deals; the process log is not offered."""
    own = asked(site, "metrics.query('open_pipeline.all_open_count').to_pylist()", "rep")[0][
        "open_pipeline.all_open_count"
    ]
    found = list(csv.DictReader(io.StringIO(site.get("rep", "/pipeline/deals?format=csv").text)))
    owners = {row["owner"] for row in found}
    assert (len(found), len(owners)) == (own, min(own, 1))
    everybody = {
        row["owner"] for row in csv.DictReader(io.StringIO(site.get("owner", "/pipeline/deals?format=csv").text))
    }
    for tab in TABS:
        said = site.get("rep", f"/pipeline{tab}")
        assert said.status == 200, tab
        assert not [name for name in everybody - owners if name in text(said.text)], tab
    assert site.get("rep", "/pipeline/process?of=log").status == 403


def test_the_scope_bar_moves_every_tab(site: Site) -> None:
    """A team, another period, a past day, nothing to compare with: every tab answers, an empty one says why."""
    team = asked(site, "metrics.query('open_pipeline.all_open_count', by='team').to_pylist()")[0]["team"]
    for asks in (
        {"scope": f"team:{team}", "against": "year_ago"}, {"period": "2026-02", "against": "none", "as_of": "2026-02-10"},
        {"period": "2019-Q1"}, {"scope": "owner:Nobody At All"}, {"period": "2026-Q1", "as_known_on": "2026-03-01"},
    ):  # fmt: skip
        for tab in TABS:
            said = site.get("owner", f"/pipeline{tab}?{urlencode(asks)}")
            assert said.status == 200, (asks, tab, text(said.text)[:300])


def test_lists_and_charts_work_in_the_browser(reader: Callable[..., Reader]) -> None:
    """A bar leads to its deals, a heading sorts, the table stands beside the chart, and a list is clean for axe."""
    here = reader("owner")
    here.open("/pipeline")
    here.page.wait_for_selector("[data-chart=months] svg")
    here.page.click("a.pipe-to >> nth=0")
    here.page.wait_for_url("**/pipeline/deals?stage=*")
    here.page.wait_for_selector("body[data-ready]", state="attached")
    here.page.click("a.sort:has-text('Created')")
    here.page.wait_for_url("**sort=created_on*")
    assert "stage=" in here.page.url
    for path in (
        "/pipeline/movement/deals?bar=won&window=period",
        "/pipeline/funnel?view=table",
        "/pipeline/movement?view=table&by=owner",
    ):
        here.open(path)
        assert (here.axe(), here.scrolls_sideways) == ([], False), path
    assert here.said == []
