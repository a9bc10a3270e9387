"""Lists of deals that slip, and of deals where nothing happens: worked by hand, and equal to their metrics."""

from __future__ import annotations

import pytest
from tests.metrics.build import BOSS, Actor, World

from salesops.metrics.lint import problems
from salesops.metrics.query import query
from salesops.metrics.sql import parse
from salesops.pipeline.attention import pushes_sql, slipping, stale


@pytest.fixture
def world() -> World:
    """Deals due in the second quarter, seen on 31 July."""
    w = World(today="2024-07-31")
    w.people("Ann", "Bob")
    due = {"expected_close": "2024-05-15"}
    w.deal("moved", "2024-01-01", owner="Ann", amount=10, expected_close="2024-04-10").on("2024-02-01", **due).on(
        "2024-05-01", expected_close="2024-06-01"
    ).on("2024-05-20", expected_close="2024-09-01")
    w.deal("past", "2024-01-01", owner="Bob", amount=30, **due)
    w.deal("removed", "2024-01-01", owner="Ann", amount=20, **due).on("2024-06-01", expected_close=None)
    w.deal("won", "2024-01-01", owner="Ann", amount=40, **due).on("2024-01-11", stage="Demo").won("2024-05-15")
    w.deal("later", "2024-01-01", owner="Bob", amount=50, expected_close="2024-12-01")
    return w


def test_deals_that_slipped(world: World) -> None:
    """With the reason, how far, and how often they were pushed: in the period, and in all."""
    session = world.session()
    answer = slipping(session, BOSS, "2024-Q2")
    rows = [
        (r["name"], r["owner_now"], r["reason"], r["days"], r["pushes"], r["pushes_in_all"]) for r in answer.to_pylist()
    ]
    assert rows == [
        ("past", "Bob", "open, and the close date is past", 46, 0, 0),
        ("removed", "Ann", "close date removed", None, 0, 0),
        ("moved", "Ann", "close date moved out, to a later day", 109, 2, 3),
    ]
    assert query(session, BOSS, "slip_rate.or_past", period="2024-Q2").to_pylist()[0]["slip_rate.or_past__slipped"] == 3
    assert answer.notes[0] == "1 to 3 of 3"
    bob = Actor("Bob", world.ids("person", "Bob"), False)
    found = slipping(session, bob, "2024-Q2")
    assert ([r["name"] for r in found.to_pylist()], found.hidden) == (["past"], 3)
    assert [r["name"] for r in slipping(session, BOSS, "2024-Q2", cell={"owner": "Ann"}, limit=1).to_pylist()] == [
        "removed"
    ]
    assert slipping(session, BOSS, "2023-Q2").empty == {"slipping": "no deal that was due in the period slipped"}


def test_deals_where_nothing_happens(world: World) -> None:
    """The only completed visit to New took 10 days: every open deal there is quiet for longer, the longest first, ties by id."""
    session = world.session()
    answer = stale(session, BOSS, where="owner = 'Bob'")
    rows = [(r["name"], r["stage"], r["quiet_days"], r["usual_days"]) for r in answer.to_pylist()]
    assert rows == [("past", "New", 212, 10), ("later", "New", 212, 10)]
    assert answer.to_pylist()[0]["reason"].startswith(
        "no activity since it entered the stage 212 days ago; three of four"
    )
    all_ = query(session, BOSS, "stale_opportunities").to_pylist()[0]
    assert len(stale(session, BOSS)) == all_["stale_opportunities"] == 4
    assert stale(session, BOSS, as_of="2024-01-05").empty.keys() == {"stale"}


def test_pushes_use_portable_constructs_only() -> None:
    """As the lint knows them."""
    assert list(problems("pushes", parse(pushes_sql([1, 2], "DATE '2024-06-30'")))) == []
