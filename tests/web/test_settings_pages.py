"""Settings in the browser's words: invite, roles, tokens, fields, one's own password."""

from __future__ import annotations

import re

from tests.web.conftest import Site


def test_somebody_is_invited_by_a_link(site: Site) -> None:
    """The link signs in once the account is there; the audit log says who made it."""
    said = site.post("admin", "/settings/people", do="create", username="nina", name="Nina Berg", roles="exec")
    assert said.location == "/settings/people"
    page = site.get("admin", "/settings/people")
    link = re.search(r"http://[^\s<\"]+/sign-in/link/[^\s<\"]+", page.text)
    assert link
    path = link[0].split("/", 3)[3]
    assert site.get("", f"/{path}").location == "/"
    assert site.get("", f"/{path}x").status == 403


def test_what_is_wrong_is_said_and_nothing_is_done(site: Site) -> None:
    """An admin makes no owner; a name that is taken is told."""
    said = site.post("admin", "/settings/people", do="create", username="boss", roles="owner")
    assert said.status == 400
    assert "may not change an owner" in said.text
    assert "boss" not in [row["username"] for row in site.door.python("result = ws().users.list()")]
    assert site.post("manager", "/settings/people", do="create", username="eve", roles="admin").status == 403


def test_a_token_is_shown_once(site: Site) -> None:
    """Made by a rep for themselves, good for what it names, worth nothing when revoked."""
    assert site.post("rep", "/settings/keys", do="create", name="script", scopes="metrics:read").status == 302
    token = re.search(r"so_\w+[\w-]+", site.get("rep", "/settings/keys").text)
    assert token
    assert token[0] not in site.get("rep", "/settings/keys").text
    asked = {"Authorization": f"Bearer {token[0]}"}
    assert site.served("GET", "/api/v1/me", headers=asked).status == 200
    number = re.search(r'name="number" value="(\d+)"', site.get("rep", "/settings/keys").text)
    assert number
    site.post("rep", "/settings/keys", do="revoke", number=number[1])
    assert site.served("GET", "/api/v1/me", headers=asked).status == 401


def test_fields_and_rules(site: Site) -> None:
    """A field is declared and retired; what is no name is refused with the remedy; a reader sees no form."""
    assert site.post("ops", "/settings", do="field", entity="opportunity", field="tier", kind="text").status == 302
    assert "custom.tier" in site.get("ops", "/settings").text
    refused = site.post("ops", "/settings", do="field", entity="opportunity", field="Big Tier", kind="text")
    assert refused.status == 400
    assert "lower-case" in refused.text
    assert site.post("ops", "/settings", do="retire", entity="opportunity", field="tier").status == 302
    assert 'value="rule"' not in site.get("auditor", "/settings").text
    assert site.get("rep", "/settings").status == 403


def test_a_new_password_ends_the_other_sessions(site: Site) -> None:
    """The one that changed it goes on."""
    site.get("exec", "/")
    elsewhere = Site.__new__(Site)
    elsewhere.__dict__ = {**site.__dict__, "_cookies": {}}
    assert elsewhere.get("exec", "/account").status == 200
    said = site.post("exec", "/account", do="password", new="correct horse battery", again="correct horse battery")
    assert said.location == "/account"
    assert site.get("exec", "/account").status == 200
    assert elsewhere.get("exec", "/account").status == 302
