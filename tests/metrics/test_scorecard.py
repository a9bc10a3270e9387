"""The scorecard: two quarters side by side, within what the reader may see."""

from __future__ import annotations

from tests.metrics.build import BOSS, Actor, World

from salesops.metrics.scorecard import scorecard


def _world() -> World:
    world = World(today="2024-05-10")
    world.people("Ann", "Bob")
    world.stages("New:10", "Demo:50:qualified")
    world.deal("A", "2024-01-05", owner="Ann", amount=100).won("2024-02-10")
    world.deal("B", "2024-04-01", owner="Ann", amount=300).won("2024-05-02")
    world.deal("C", "2024-04-01", owner="Bob", amount=700).won("2024-05-03")
    world.deal("D", "2024-04-01", owner="Ann", amount=50, expected_close="2024-06-01")
    world.quota("Ann", "2024-04-01", "2024-06-30", 400)
    return world


def test_two_quarters_side_by_side() -> None:
    """Bookings of 100 in the first quarter, 1,000 so far in the second, whose quota of 400 is reached."""
    card = scorecard(_world().session(), BOSS)
    figures = {row["metric"]: (row["2024-Q1"], row["2024-Q2"]) for row in card.rows}
    assert figures["bookings"] == (100, 1000)
    assert figures["open_pipeline"][1] == 50
    assert (figures["pipeline_coverage"], card.reached) == ((None, None), {"2024-Q2"})
    assert (card.before.key, card.now.key, card.hidden) == ("2024-Q1", "2024-Q2", 0)


def test_a_rep_sees_their_own() -> None:
    """Ann has 300 of the 1,000, and 100 of her quota to go: 50 / 100 is open."""
    world = _world()
    card = scorecard(world.session(), Actor("Ann", world.ids("person", "Ann"), False))
    figures = {row["metric"]: row["2024-Q2"] for row in card.rows}
    assert (figures["bookings"], figures["pipeline_coverage"], card.reached) == (300, 0.5, frozenset())
    assert sum(row["bookings"] or 0 for row in card.managers) == 300
    assert card.hidden >= 1
