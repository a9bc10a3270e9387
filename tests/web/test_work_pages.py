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


def test_a_week_is_reported_in_one_save(site: Site) -> None:
    """What a person says moves the metric of reported selling time, can be said again, and managers see who has not answered."""
    page = site.get("rep", "/playbook/my-week").text
    last = re.search(r'name="last" value="([\d-]+)"', page)
    assert last
    assert "not answered yet" in page
    manager = site.get("manager", "/playbook/my-week").text
    missing = re.search(r'aria-labelledby="missing">.*?</section>', manager, re.DOTALL)
    assert missing
    name = site.door.python("result = {one['username']: one['person_name'] for one in ws().users.list()}")["rep"]
    assert f">{name}</a>" in missing[0]

    def share() -> list[float | None]:
        literal = f"owner = '{name}'"
        question = f"'selling_time_share.reported', from_='{last[1]}', to='{last[1]}', where={literal!r}"
        asked = (
            f"result = [row['selling_time_share.reported'] for row in ws('ops').metrics.query({question}).to_pylist()]"
        )
        return site.door.python(asked)  # type: ignore[no-any-return]

    refused = site.post("rep", "/playbook/my-week", last=last[1], selling="many", admin="2")
    assert refused.status == 400
    assert 'value="many"' in refused.text
    assert site.post("rep", "/playbook/my-week", last=last[1], selling="200").status == 400
    assert site.post("rep", "/playbook/my-week", last="2020-01-05", selling="2").status == 400
    assert (
        site.post("rep", "/playbook/my-week", last=last[1], selling="20", outreach="7:30", admin="12,5").status == 302
    )
    assert share() == [0.6875]
    page = site.get("rep", "/playbook/my-week").text
    assert 'value="7.5"' in page
    assert "69%" in page or "68.8%" in page
    assert site.post("rep", "/playbook/my-week", last=last[1], selling="10", admin="10").status == 302
    assert share() == [0.5]
    assert f">{name}</a>" not in site.get("manager", "/playbook/my-week").text
    assert "no week of yours" in site.get("ops", "/playbook/my-week").text
    assert site.post("ops", "/playbook/my-week", last=last[1], selling="1").status == 400


def test_who_is_named_in_a_comment_is_told(site: Site) -> None:
    """It stands in the inbox and is counted beside it until the inbox is opened; a longer name is somebody else's."""
    deal = site.door.python("result = str(ws('rep').records.list('opportunity', limit=1).rows[0]['id'])")
    name = site.door.python("result = {one['username']: one['person_name'] for one in ws().users.list()}")["rep"]
    owner = site.door.python(f"result = ws().records.show('opportunity', {deal!r}).values['owner']")
    person = site.door.python("result = {one['username']: one['person'] for one in ws().users.list()}")["rep"]
    site.get("exec", "/inbox")  # all that was written before is read
    site.get("rep", "/inbox")
    assert "side-count" not in site.get("exec", "/account").text
    site.door.python(f"ws('ops').comments.create('opportunity', {deal!r}, 'Ask @Exec, or @{name}.'); result = 1")
    site.door.python(f"ws('ops').comments.create('opportunity', {deal!r}, 'Not for @executive'); result = 1")
    assert re.search(r'class="side-count"[^>]*>1<', site.get("exec", "/account").text)
    more = 2 if str(owner) == str(person) else 1
    assert re.search(rf'class="side-count"[^>]*>{more}<', site.get("rep", "/account").text)
    inbox = site.get("exec", "/inbox").text
    assert "Ask @Exec" in inbox
    assert "names you" in inbox
    assert "Not for @executive" not in inbox
    assert "side-count" not in site.get("exec", "/account").text
    assert "side-count" not in site.get("ops", "/account").text, "one's own comment"
