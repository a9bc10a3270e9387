"""Erasing a person, contact or lead: who it is goes everywhere, what is counted stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import Door

pytestmark = pytest.mark.slow
TOTALS = """
from salesops.metrics.catalogue import metrics
result = {}
for name in sorted(metrics()):
    try:
        result[name] = repr(ws().metrics.query(name, period='2025').to_pylist())
    except Exception as error:
        result[name] = type(error).__name__
"""


def stored(folder: Path) -> bytes:
    """The whole state as it lies on the disk, freed pages not counted."""
    import sqlite3

    with sqlite3.connect(folder / "state.sqlite") as connection:
        return "\n".join(connection.iterdump()).encode()


def test_who_it_was_is_gone_and_every_metric_is_what_it_was(acme: Door) -> None:
    """A contact with history, an activity that names it, a comment, a second record of the same e-mail."""
    made: dict[str, Any] = acme.python(
        "w = ws(); account = w.records.list('account', limit=1).rows[0]['id']\n"
        "one = w.records.create('contact', {'name': 'Quilla Vandermeer', 'first_name': 'Quilla', 'last_name': 'Vandermeer',"
        " 'email': 'quilla@vandermeer.example', 'phone': '+31 20 5550199', 'account': str(account)})\n"
        "w.records.edit('contact', one, {'email': 'q.vandermeer@old.example'})\n"
        "lead = w.records.create('lead', {'name': 'Q. V.', 'email': 'q.vandermeer@old.example', 'company': 'Acme'})\n"
        "w.records.create('activity', {'kind': 'meeting', 'at': '2017-03-01T10:00:00Z', 'contact': str(one), 'status': 'held',"
        " 'subject': 'Lunch with Quilla', 'participants': 'Quilla@Vandermeer.example, x@acme.example'})\n"
        "w.records.create('activity', {'kind': 'note', 'at': '2017-03-02T10:00:00Z', 'subject': 'Ask Quilla Vandermeer'})\n"
        "result = {'contact': one, 'lead': lead}"
    )
    before = acme.python(TOTALS)
    assert sum(text != "UsageError" for text in before.values()) > 40
    assert b"vandermeer" in stored(acme.folder).lower()

    refused = acme("record", "erase", "contact", made["contact"], "--confirm", "Somebody Else")
    assert (refused.code, "nothing was erased" in refused.err) == (2, True)
    assert (
        acme("record", "erase", "contact", made["contact"], "--confirm", "Quilla Vandermeer", "--as", "mara").code == 3
    )
    said = acme(
        "record", "erase", "contact", "Quilla Vandermeer", "--confirm", "quilla  vandermeer", "--format", "json"
    ).json
    assert said["also"] == [{"entity": "lead", "record": made["lead"]}]

    after = acme.python(TOTALS)
    assert after == before
    shown = acme.python(f"result = ws().records.show('contact', {made['contact']}).values")
    assert shown["name"].startswith("Erased contact ")
    assert (shown["phone"], shown["email"].endswith("@erased.invalid")) == ("erased", True)
    assert (
        "vandermeer"
        not in json.dumps(acme.python(f"result = repr(ws().records.history('contact', {made['contact']}))")).lower()
    )

    acme.python(f"result = ws().records.erase('lead', {made['lead']}, confirm='Q. V.')['also']")
    assert b"vandermeer" not in stored(acme.folder).lower()
    assert acme("audit", "verify").code == 0
    entry = acme("audit", "list", "--action", "record.erase", "--format", "json").rows[0]
    assert entry["user"] == "owner"


def test_a_person_of_the_company(acme: Door) -> None:
    """The account ends first; figures by owner stay, under another name."""
    asked = "result = sorted(row['bookings'] or 0 for row in ws().metrics.query('bookings', by='owner', period='2025').to_pylist())"
    before = acme.python(asked)
    refused = acme("record", "erase", "person", "Ben Okoye", "--confirm", "Ben Okoye")
    assert (refused.code, "deactivate ben" in refused.err) == (5, True)
    acme("user", "deactivate", "ben")
    assert acme("record", "erase", "person", "Ben Okoye", "--confirm", "Ben Okoye").code == 0
    assert acme.python(asked) == before
    assert b"Ben Okoye" not in stored(acme.folder)
    owners = acme.python(
        "result = [row['owner'] for row in ws().metrics.query('bookings', by='owner', period='2025').to_pylist()]"
    )
    assert "Ben Okoye" not in owners
    assert any(str(one).startswith("Erased person ") for one in owners)
