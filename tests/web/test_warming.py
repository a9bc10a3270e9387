"""After a refresh the pages of who was here of late are made again, as they may see them now."""

from __future__ import annotations

from tests.web.conftest import Site

OPEN = """
import sys
from django.test import Client
from salesops.records import access, actions, actions_users
import salesops.web.urls
from salesops.warehouse import session as sessions
from salesops.warehouse.refresh import refresh
from salesops.web.serving import workspace
from salesops.web.shell import asking
from salesops.web.shell.warming import warming

asked = []
plain = sessions.Session.query
sessions.Session.query = lambda self, *given: asked.append(given) or plain(self, *given)
owner = ws().actor

def reader(name):
    client = Client()
    client.get(actions_users.sign_in_link(owner, name))
    return client

def shown(client, path):
    asked.clear()
    return client.get(path).content.decode().partition("<main")[2], len(asked)

pages = [(name, path) for name in ("rep", "exec", "finance") for path in ("/", "/metric/bookings?by=owner")]
clients = {name: reader(name) for name in ("rep", "exec", "finance")}
for name, path in pages:
    clients[name].get(path)
clients["rep"].get("/records")
noted = warming.recent()
actions.create_record(owner, "account", {"name": "Warmth Ltd"})
refresh(workspace())
actions_users.deactivate_user(owner, "finance")
warmed = warming.warm()
again = {f"{name} {path}": shown(clients[name], path) for name, path in pages if name != "finance"}
asking.kept.held.clear()
fresh = {f"{name} {path}": shown(clients[name], path) for name, path in pages if name != "finance"}
sessions.Session.query = plain
actions_users.edit_user(owner, "finance", active=True)
result = {
    "noted": sorted(noted), "pages": sorted(pages), "warmed": warmed, "again": [n for _, n in again.values()], "fresh": [n for _, n in fresh.values()],
    "same": [again[one][0] == fresh[one][0] and len(again[one][0]) > 1000 for one in again],
    "own": again["exec /"][0] != again["rep /"][0],
}
"""


def test_pages_are_made_again_for_their_readers(site: Site) -> None:
    """Three readers, two costly pages each (and a cheap one); a record is made, and finance's account ends: four pages are made, and their
    readers find them without a question to the warehouse, the same as made afresh."""
    found = site.door.python(OPEN)
    assert "noted" in found, found
    assert found["noted"] == found["pages"]
    assert found["warmed"] == 4
    assert found["again"] == [0] * 4
    assert all(count > 0 for count in found["fresh"])
    assert all(found["same"])
    assert found["own"]
