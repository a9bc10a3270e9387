"""Records, data quality, the organisation, people and the audit log in the browser: read, change without overwriting, take back."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from tests.web.conftest import ROLES, Reader, Site

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def deal(site: Site) -> dict[str, str]:
    """An open deal of the representative: its number, name, account and next step."""
    row = site.door.python(
        "found = ws().as_user('rep').records.list('opportunity', where='actual_close is null and amount > 0', limit=1); "
        "row = found.rows[0]; result = {n: str(found.value(row, found.entity.field(n))) for n in ('name', 'account', 'owner', 'next_step')}"
        " | {'id': str(row['id'])}"
    )
    return {name: str(text) for name, text in row.items()}


def form_of(text: str) -> dict[str, str]:
    """What the edit form holds: the hidden values and what stands in its inputs."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", text):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and name[1] != "csrfmiddlewaretoken":
            found[name[1]] = html.unescape(value[1]) if value else ""
    for name, inside in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    return found


def saved(site: Site, deal: dict[str, str], name: str) -> Any:
    return site.door.python(
        f"r = ws().records.show('opportunity', {deal['id']}); result = str(r.value(r.entity.field({name!r})))"
    )


def test_a_record_tells_what_it_is_and_was(site: Site, deal: dict[str, str]) -> None:
    """Facts with links, what the source calls it, the first version; as of a day before it was there, it says so."""
    page = site.get("rep", f"/record/opportunity/{deal['id']}")
    assert page.status == 200
    assert html.escape(deal["name"], quote=True) in page.text
    assert "First version" in page.text
    assert "What each source calls it" in page.text
    assert re.search(r'href="/record/account/\d+[^"]*">' + re.escape(html.escape(deal["account"])), page.text)
    before = site.get("rep", f"/record/opportunity/{deal['id']}?as_of=2001-01-01")
    assert before.status == 404
    assert "was not there on 1 Jan 2001" in before.text


def test_two_people_edit_one_record_and_nobody_overwrites(site: Site, deal: dict[str, str]) -> None:
    """Other fields may differ; the same field shows both values, and is written only when somebody says so again. Undo takes it back."""
    path = f"/change/opportunity/{deal['id']}"
    mine, theirs = form_of(site.get("rep", path).text), form_of(site.get("ops", path).text)
    assert mine["next_step"] == theirs["next_step"]
    said = site.post("ops", path, **{**theirs, "next_step": "Call the lab"})
    assert said.status == 302, said.text[:2000]
    assert saved(site, deal, "next_step") == "Call the lab"

    other = site.post("rep", path, **{**mine, "competitor": "Somebody Ltd"})  # another field: no conflict
    assert other.status == 302, other.text[:2000]
    clash = site.post(
        "rep",
        path,
        **{**mine, "next_step": "Send the offer", "competitor": "Somebody Ltd", "shown.competitor": "Somebody Ltd"},
    )
    assert clash.status == 409
    assert "Call the lab" in clash.text
    assert 'value="Send the offer"' in clash.text
    assert saved(site, deal, "next_step") == "Call the lab"
    again = site.post("rep", path, **form_of(clash.text))  # keeps mine, having seen theirs
    assert again.status == 302
    assert saved(site, deal, "next_step") == "Send the offer"

    page = site.get("rep", f"/record/opportunity/{deal['id']}").text
    assert "<del>Call the lab</del><ins>Send the offer</ins>" in page
    undo = re.search(r'action="(/undo/\d+)"', page)
    assert undo
    assert site.post("exec", undo[1]).status == 403  # not theirs to undo
    assert site.post("rep", undo[1]).status == 302
    assert saved(site, deal, "next_step") == "Call the lab"


def test_what_cannot_be_read_stays_in_the_form(site: Site, deal: dict[str, str]) -> None:
    """Every fault stands beside its field, everything typed is kept, nothing is saved."""
    path = f"/change/opportunity/{deal['id']}"
    held = form_of(site.get("ops", path).text)
    said = site.post("ops", path, **{**held, "amount": "lots", "account": "No Such Company", "competitor": "Kept Ltd"})
    assert said.status == 422
    for text in ("is no number", "there is no account", 'value="lots"', 'value="Kept Ltd"', "Nothing was saved."):
        assert text in html.unescape(said.text), text
    assert saved(site, deal, "competitor") != "Kept Ltd"


def test_delete_restore_and_roles(site: Site, deal: dict[str, str]) -> None:
    """A manager deletes and restores; an auditor reads and changes nothing; what a rep may not see has no page."""
    path = f"/record/opportunity/{deal['id']}"
    assert "Edit deal" not in site.get("auditor", path).text
    assert site.get("auditor", f"/change/opportunity/{deal['id']}").status == 403
    assert site.post("rep", f"/delete/opportunity/{deal['id']}").status == 403
    assert site.post("manager", f"/delete/opportunity/{deal['id']}").location == path
    assert "deleted" in site.get("manager", path).text
    assert site.post("manager", f"/restore/opportunity/{deal['id']}").status == 302
    assert ">deleted<" not in site.get("manager", path).text
    hidden = site.door.python(
        "w = ws(); seen = {r['id'] for r in w.as_user('rep').records.list('opportunity').rows}; "
        "result = [[str(r['id']), r['name']] for r in w.records.list('opportunity').rows if r['id'] not in seen][:1]"
    )
    for number, name in hidden:
        for address in (f"/record/opportunity/{number}", f"/work/opportunity/{number}", f"/merge/opportunity/{number}"):
            said = site.get("rep", address)
            assert said.status in (403, 404), address
            assert name not in said.text


def test_lists_filter_page_and_change_together(site: Site) -> None:
    """The count is the room's, filters stand in the address, a fault in one says so; many rows change in one step and go back in one."""
    for entity in ("opportunity", "account", "reporting_line", "employment", "activity", "stage"):
        assert site.get("rep", f"/records/{entity}").status == 200, entity
    total = site.door.python("result = ws().as_user('rep').records.list('opportunity').total")
    assert f"of {total:,}" in site.get("rep", "/records/opportunity?order=-amount").text
    assert site.get("owner", "/records/account?where=" + quote("owner = = 3")).status == 422
    masked = site.get("rep", "/records/employment?f.grade=II")
    assert masked.status == 422
    assert "masked" in masked.text
    rows = re.findall(r'name="pick" value="(\d+)"', site.get("ops", "/records/account?order=name").text)[:3]
    said = site.post(
        "ops", "/records/account", pick=rows, field="industry", value="Glass", next="/records/account?f.industry=glass"
    )
    assert said.location == "/records/account?f.industry=glass", said.text[:1500]
    page = site.get("ops", said.location).text
    assert "Changed 3 records: Industry" in page
    assert set(rows) <= set(re.findall(r'name="pick" value="(\d+)"', page))
    undo = re.search(r'action="(/undo/\d+)"', page)
    assert undo
    assert site.post("ops", undo[1]).status == 302
    assert "No record meets this filter" in site.get("ops", "/records/account?f.industry=glass").text
    file = site.get("rep", "/records/opportunity/file/csv?cols=name")
    assert file.headers["Content-Type"].startswith("text/csv")
    assert len(file.text.splitlines()) == total + 1
    assert site.get("rep", "/records/opportunity/file/xlsx").status == 200
    assert site.get("finance", "/create/account").status == 403


def test_comments_and_tasks(site: Site, deal: dict[str, str]) -> None:
    """Text stays text, one's own is one's own, a task is finished; who may not see the record sees none of it."""
    path = f"/work/opportunity/{deal['id']}"
    said = site.post("rep", path, text="Ask @ops <script>alert(1)</script>")
    assert said.status == 200
    assert '<b class="mention">@ops</b> &lt;script&gt;' in said.text
    number = re.search(rf'hx-post="({path}/comment/\d+)"', said.text)
    assert number
    assert "belongs to rep" in site.post("exec", number[1], do="edit", text="changed").text
    assert "Ask nobody" in site.post("rep", number[1], do="edit", text="Ask nobody").text
    said = site.post("rep", path, title="Call back", due="2001-01-01", owner="rep")
    assert "was due" in said.text
    task = re.search(rf'hx-post="({path}/task/\d+)"', said.text)
    assert task
    assert "<s>Call back</s>" in site.post("rep", task[1], do="done").text
    assert site.post("rep", path, title="").status == 422


def test_quality_organisation_people_audit(site: Site) -> None:
    """What each page says is what its room says; the log is for those who may read it, and its chain holds."""
    sound = site.door.python(
        "r = ws().quality.check(); result = [r.overall.failing, [x.rule.id for x in r.results if x.failing][:1]]"
    )
    assert f"<strong>{sound[0]:,}</strong> are to fix" in site.get("owner", "/data/quality").text
    for rule in sound[1]:
        assert re.search(r'href="/record/\w+/\d+', site.get("owner", f"/data/quality/{rule}").text)
        assert site.get("owner", f"/data/quality/{rule}/file/csv").status == 200
    people = site.get("rep", "/plans/organisation")
    assert "data-tree" in people.text
    assert 'aria-expanded="true" aria-label="People below' in people.text
    assert people.status == 200
    assert "people on" in people.text
    for view in ("activity", "mix", "ramp", "compare"):
        for role in ("owner", "manager", "rep"):
            assert site.get(role, f"/playbook/people?view={view}").status == 200, (role, view)
    assert "peer_aggregates" in site.get("rep", "/playbook/people?view=compare").text
    for role in ROLES:
        assert site.get(role, "/settings/audit").status == (200 if role in ("owner", "admin", "auditor") else 403), role
    assert "entries hold" in site.post("auditor", "/settings/audit/verify").text
    assert "does not hold" in site.post("auditor", "/settings/audit/verify", head="0" * 64).text
    assert "undo" in site.get("auditor", "/settings/audit?action=undo").text


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_record_pages_are_clean(
    site: Site, deal: dict[str, str], reader: Callable[..., Reader], theme: str, width: int
) -> None:
    """No console error, no serious axe finding, no sideways scroll on the pages below the menu."""
    person = site.door.python(f"result = str(ws().records.show('person', {deal['owner']!r}).id)")
    account = site.door.python(f"result = str(ws().records.show('account', {deal['account']!r}).id)")
    here = reader("owner", theme, width, 844 if width == 390 else 900)
    problems = {}
    paths = [
        f"/record/opportunity/{deal['id']}",
        f"/record/person/{person}",
        f"/record/account/{account}",
        "/records/opportunity",
    ]
    paths += [f"/change/opportunity/{deal['id']}", "/create/lead", f"/merge/account/{account}", "/records/employment"]
    paths += [
        "/playbook/people?view=mix",
        "/playbook/people?view=ramp",
        "/playbook/people?view=compare",
        "/data/quality?all=1",
    ]
    for path in paths:
        here.said.clear()
        here.open(path)
        here.page.wait_for_load_state("networkidle")
        if found := [*here.axe(), *here.said, *(["scrolls sideways"] if here.scrolls_sideways else [])]:
            problems[path] = found
    assert problems == {}
