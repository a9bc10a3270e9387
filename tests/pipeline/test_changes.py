"""What changed, deal by deal: worked by hand, and equal to the waterfall for random histories."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, Actor, World
from tests.pipeline.test_waterfall import DAY, DEALS, ZERO, random_world

from salesops.common.errors import UsageError
from salesops.metrics.lint import problems
from salesops.metrics.sql import parse
from salesops.pipeline.changes import _BOTH, _listed, _moved, changes
from salesops.pipeline.queries import waterfall
from salesops.pipeline.waterfall import Window


@pytest.fixture
def world() -> World:
    """A little of everything in May."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob")
    w.deal("grows", "2024-01-01", owner="Ann", amount=10, expected_close="2024-06-01").on("2024-05-02", amount=25).on(
        "2024-05-03", stage="Demo", owner="Bob", expected_close="2024-07-01"
    )
    w.deal("new", "2024-05-04", owner="Bob", amount=4)
    w.deal("won", "2024-01-01", owner="Ann", amount=8).won("2024-05-05")
    w.deal("gone", "2024-01-01", owner="Ann", amount=16).deleted("2024-05-06")
    w.deal("back", "2024-01-01", owner="Ann", amount=32).lost("2024-02-01").on("2024-05-07", stage="Demo")
    w.deal("quiet", "2024-01-01", owner="Bob", amount=64)
    return w


def test_every_change_with_its_effect(world: World) -> None:
    """In order of days; moves have no effect of their own."""
    answer = changes(world.session(), BOSS, "2024-05-01")
    assert [(r["deal"], r["change"], r["was"], r["became"], int(r["effect"])) for r in answer.to_pylist()] == [
        ("grows", "increased", "10.00 USD", "25.00 USD", 15),
        ("grows", "close_date", "2024-06-01", "2024-07-01", 0),
        ("grows", "owner", "Ann", "Bob", 0),
        ("grows", "stage", "New", "Demo", 0),
        ("new", "created", None, None, 4),
        ("won", "won", None, None, -8),
        ("won", "stage", "New", "Won", 0),
        ("gone", "deleted", None, None, -16),
        ("back", "reopened", None, None, 32),
        ("back", "stage", "Lost", "Demo", 0),
    ]
    assert "effects in all +27.00 USD: the waterfall's end less its start" in answer.notes
    assert "won: 1 of 1 deals, -8.00 USD" in answer.notes


def test_pages_kinds_filters_and_sight(world: World) -> None:
    """A page says of how many; Bob sees what is his."""
    session = world.session()
    answer = changes(session, BOSS, "2024-05-01", kinds="stage", limit=2)
    assert ([r["deal"] for r in answer.to_pylist()], answer.notes[-1]) == (["grows", "won"], "changes 1 to 2 of 3")
    bob = Actor("Bob", world.ids("person", "Bob"), False)
    found = changes(session, bob, "2024-05-01")
    assert {r["deal"] for r in found.to_pylist()} == {"grows", "new"}
    assert found.hidden == 3
    assert [
        r["deal"] for r in changes(session, BOSS, "2024-05-01", where="owner = 'Bob'", kinds="created").to_pylist()
    ] == ["new"]
    with pytest.raises(UsageError, match="no change 'renamed'"):
        changes(session, BOSS, "2024-05-01", kinds="renamed")
    assert changes(session, BOSS, "2024-06-20").empty == {"changes": "nothing changed in these days"}


@settings(max_examples=20)
@given(DEALS, st.sampled_from(["all_open", "closing_in_period"]))
def test_effects_are_the_waterfall(deals: list[list[dict[str, Any]]], scope: str) -> None:
    """The sum of the effects is end less start, and by kind they are the bars."""
    session = random_world(deals).session()
    days = (ZERO + 10 * DAY, ZERO + 30 * DAY)
    bars = {r["bar"]: r for r in waterfall(session, BOSS, *days, scope=scope).to_pylist()}
    found = changes(session, BOSS, *days, scope=scope, limit=1000).to_pylist()
    assert sum((r["effect"] for r in found), Decimal(0)) == bars["end"]["value"] - bars["start"]["value"]
    for bar, row in bars.items():
        if bar not in ("start", "end"):
            mine = [r["effect"] for r in found if r["change"] == bar]
            assert (len(mine), abs(sum(mine, Decimal(0)))) == (row["count"], row["value"])


def test_the_statement_uses_portable_constructs_only() -> None:
    """As the lint knows them."""
    for mine in (False, True):
        limit = " AND b.mine = 1" if mine else ""
        for sql in (_listed(limit), _moved(Window(ZERO, ZERO + 30 * DAY), limit), _BOTH):
            assert list(problems("changes", parse(sql))) == []
