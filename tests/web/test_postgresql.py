"""Pages of a workspace whose records are in PostgreSQL: every page of the menu opens, forms are taken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import ROOT, PostgresServer
from tests.doors.conftest import Door
from tests.web.conftest import Site

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]
FORMS = {
    "/inbox": {"do": "task", "title": "Call Alder"},
    "/views": {"name": "This page", "page": "/", "query": ""},
    "/settings/people": {"do": "create", "username": "zoe", "roles": "rep"},
    "/settings/keys": {"do": "create", "name": "script", "scopes": "admin"},
    "/account": {"do": "password", "new": "long enough 1", "again": "long enough 1"},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Site]:
    """The example CRM, its records in PostgreSQL."""
    url = postgres.create_database()
    folder = tmp_path_factory.mktemp("pages") / "ws"
    door = Door(folder)
    assert door("init", folder, "--database-url", url).code == 0
    assert door("import", ROOT / "examples" / "crm").code == 6
    door.close()
    site = Site(folder)
    yield site
    site.close()
    postgres.drop_database(url)


def test_every_page_opens(served: Site) -> None:
    """And those below the menu: a metric, its provenance and records, a list, a deal, its form."""
    menu = served.door.python(
        "ws(); from salesops.web.shell.nav import PAGES; from django.urls import reverse; result = [reverse(t.name) for p in PAGES for t in p.tabs]"
    )
    deal = served.door.python("result = str(ws().records.list('opportunity').rows[0]['id'])")
    deeper = ["/account", "/palette?q=al", "/metric/win_rate", "/number/win_rate/why", "/number/win_rate/records"]
    deeper += ["/records/opportunity", f"/record/opportunity/{deal}", f"/change/opportunity/{deal}"]
    statuses = {path: served.get("owner", path).status for path in [*menu, *deeper]}
    assert {path: status for path, status in statuses.items() if status != 200} == {}


def test_forms_are_taken(served: Site) -> None:
    """Each writes what it says, and its entry of the audit log, in one transaction."""
    before = served.door.python("result = ws().audit.list(limit=1)[1]")
    assert {path: served.post("owner", path, **fields).status for path, fields in FORMS.items()} == dict.fromkeys(
        FORMS, 302
    )
    assert served.post("owner", "/sign-in", username="owner", password="wrong").status == 403
    assert served.door.python("result = ws().audit.list(limit=1)[1]") > before + len(FORMS)
    assert served.door.python("result = ws().audit.verify().ok")
