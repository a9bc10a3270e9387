"""The API over PostgreSQL: what depends on the database holds there, too (repeated calls at once, bulk, imports, odd text)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Answered, Door, Served, token
from .test_rest import upload

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
V1 = "/api/v1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: Any, exports: Path) -> Iterator[Served]:
    """The example CRM in PostgreSQL, served by two workers."""
    url = postgres.create_database()
    door = Door(tmp_path_factory.mktemp("pg") / "ws", DATABASE_URL=url)
    assert door("init", door.folder).code == 0
    assert door("import", exports).code == 6
    assert door("user", "create", "ben", "--roles", "rep", "--person", "Ben Okoye").code == 0
    served = Served(door.folder, "--workers", "2", DATABASE_URL=url)
    served.tokens = {name: token(door, name) for name in ("owner", "ben")}
    yield served
    served.close()
    door.close()
    postgres.drop_database(url)


def test_the_same_call_ten_times_at_once(server: Served) -> None:
    """Ten programs send one call with one key: one record, one answer."""
    answers: list[Answered] = []

    def send() -> None:
        answers.append(
            server(
                "POST",
                f"{V1}/records/account",
                {"values": {"name": "Only"}},
                user="owner",
                headers={"Idempotency-Key": "only"},
            )
        )

    threads = [threading.Thread(target=send) for _ in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.status for one in answers} == {201}
    assert len({one.text for one in answers}) == 1
    assert sorted("idempotency-replayed" in one.headers for one in answers) == [False] + [True] * 9
    assert len(server.items(f"{V1}/records/account?where=name = 'Only'", "owner")) == 1


def test_two_edits_of_one_version(server: Served) -> None:
    """Of two edits that expect the same version one is done, the other is told so."""
    made = server("POST", f"{V1}/records/account", {"values": {"name": "Race"}}, user="owner")
    where, tag = made.headers["location"], {"If-Match": made.headers["etag"]}
    answers: list[int] = []

    def send(word: str) -> None:
        answers.append(server("PATCH", where, {"values": {"industry": word}}, user="owner", headers=tag).status)

    threads = [threading.Thread(target=send, args=(word,)) for word in ("Tin", "Zinc")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [200, 412]


def test_bulk_imports_and_odd_text(server: Served) -> None:
    """A mistake in a bulk call leaves nothing; an import is in and undone; text that PostgreSQL cannot hold is the asker's mistake."""
    steps = [{"do": "create", "values": {"name": "Half"}}, {"do": "create", "values": {"name": "Bad", "revenue": "x"}}]
    assert server("POST", f"{V1}/bulk/account", {"operations": steps}, user="owner").status == 422
    assert not server.items(f"{V1}/records/account?where=name = 'Half'", "owner")
    number = upload(server, {"accounts.csv": b"id,name,city\n1,Firm one,Oslo\n2,Firm two,Rome\n"}).json["upload"]
    job = server("POST", f"{V1}/imports?wait=60", {"upload": number, "system": "files"}, user="owner").json
    assert job["status"] == "done", job
    batch, key = job["result"]["batch"], {"Idempotency-Key": "undo"}
    undone = server("POST", f"{V1}/imports/{batch}/undo", user="owner", headers=key)
    assert undone.json["status"] == "undone"
    assert server("POST", f"{V1}/imports/{batch}/undo", user="owner", headers=key).json == undone.json
    for values in ({"name": "a\x00b"}, {"name": "Nul", "industry": "\x00"}):
        assert server("POST", f"{V1}/records/account", {"values": values}, user="owner").status in (400, 422)
    assert server("GET", f"{V1}/records/account/a%00b", user="owner").status in (400, 404, 422)
    assert server("GET", f"{V1}/records/account?where=name = 'a%00b'", user="owner").status in (200, 400, 422)
    assert server("GET", f"{V1}/audit?user=a%00b", user="owner").status in (200, 400, 422)
    assert server("GET", f"{V1}/audit/verify", user="owner").json["ok"] is True
    assert server("GET", f"{V1}/records/opportunity/D01", user="ben").status == 404
