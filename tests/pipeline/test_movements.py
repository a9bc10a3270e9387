"""Stage matrix, moves and process variants, worked by hand."""

from __future__ import annotations

import pytest
from tests.metrics.build import BOSS, Actor, World, d

from salesops.common.errors import NotAllowed, NotFound, UsageError
from salesops.metrics.lint import problems
from salesops.metrics.sql import parse
from salesops.pipeline import stages, variants
from salesops.pipeline.explain import explain_waterfall
from salesops.pipeline.movements import process_variants, stage_flow, stage_matrix


@pytest.fixture
def world() -> World:
    """Five deals of the second quarter."""
    w = World(today="2024-07-31")
    w.people("Ann", "Bob")
    w.deal("moves", "2024-01-01", owner="Ann", amount=1).on("2024-05-01", stage="Demo").on("2024-05-09", stage="Offer")
    w.deal("stays", "2024-01-01", owner="Bob", amount=2)
    w.deal("new", "2024-04-02", owner="Ann", amount=4).on("2024-04-09", stage="Demo")
    w.deal("closed before", "2024-01-01", owner="Ann", amount=8).won("2024-02-01").on("2024-05-05", amount=9)
    w.deal("deleted", "2024-01-01", owner="Ann", amount=16).deleted("2024-05-05")
    return w


def test_the_matrix_compares_two_evenings(world: World) -> None:
    """Deals that were closed on both evenings do not show; a deal that is gone goes to (deleted)."""
    rows = stage_matrix(world.session(), BOSS, "2024-Q2").to_pylist()
    assert [(r["from_stage"], r["to_stage"], r["count"], int(r["value"])) for r in rows] == [
        ("(new)", "Demo", 1, 4),
        ("New", "New", 1, 2),
        ("New", "Offer", 1, 1),
        ("New", "(deleted)", 1, 16),
    ]


def test_the_flow_counts_every_move(world: World) -> None:
    """`moves` moves twice."""
    rows = stage_flow(world.session(), BOSS, "2024-Q2").to_pylist()
    assert [(r["from_stage"], r["to_stage"], r["count"]) for r in rows] == [
        ("(new)", "New", 1),
        ("New", "Demo", 2),
        ("Demo", "Offer", 1),
    ]


def test_movements_are_scoped(world: World) -> None:
    """Bob owns one deal."""
    bob = Actor("Bob", world.ids("person", "Bob"), False)
    assert [r["count"] for r in stage_matrix(world.session(), bob, "2024-Q2").to_pylist()] == [1]
    assert stage_flow(world.session(), bob, "2024-Q2").to_pylist() == []
    assert [r["path"] for r in process_variants(world.session(), bob, of="stages").to_pylist()] == ["New"]
    with pytest.raises(NotAllowed):
        process_variants(world.session(), bob)


def test_movements_are_filtered(world: World) -> None:
    """By the state of the last evening; a deleted deal by its last."""
    session = world.session()
    assert [r["count"] for r in stage_matrix(session, BOSS, "2024-Q2", where="owner = 'Bob'").to_pylist()] == [1]
    rows = stage_matrix(session, BOSS, "2024-Q2", where="owner = 'Ann'").to_pylist()
    assert [(r["from_stage"], r["to_stage"]) for r in rows] == [
        ("(new)", "Demo"),
        ("New", "Offer"),
        ("New", "(deleted)"),
    ]
    assert len(stage_flow(session, BOSS, "2024-Q2", where={"owner": "Bob"})) == 0
    found = process_variants(session, BOSS, of="stages", where="owner = 'Bob'")
    assert [r["path"] for r in found.to_pylist()] == ["New"]
    with pytest.raises(UsageError, match="no fields to filter by"):
        process_variants(session, BOSS, where="owner = 'Bob'")


def test_variants_of_a_log_keep_repeats() -> None:
    """Two cases take a > b; one repeats a: another path, and rework."""
    w = World()
    w.events("1", "2024-01-01 a", "2024-01-03 b")
    w.events("2", "2024-01-01 a", "2024-01-02 a", "2024-01-04 b")
    w.events("3", "2024-01-05 a", "2024-01-06 b")
    answer = process_variants(w.session(), BOSS)
    rows = answer.to_pylist()
    assert [(r["path"], r["cases"], r["events"], r["rework"], r["mean_days"]) for r in rows] == [
        ("a > b", 2, 2, 0, 1.5),
        ("a > a > b", 1, 3, 1, 3.0),
    ]
    assert answer.notes == ("2 paths of 3 cases",)
    assert process_variants(w.session(), BOSS, as_of="2024-01-02").to_pylist()[0]["path"] == "a"
    with pytest.raises(NotFound, match="no pipeline"):
        process_variants(w.session(), BOSS, pipeline="Support")


def test_explain_waterfall_balances(world: World) -> None:
    """The explanation says so."""
    found = explain_waterfall(world.session(), BOSS, "2024-Q2", scope="all_open")
    assert found.find("created") is not None
    assert "increased" in str(found.formula)


@pytest.mark.parametrize(
    "sql",
    [
        stages.matrix(d("2024-03-31"), d("2024-06-30"), "USD"),
        stages.flow(d("2024-04-01"), d("2024-06-30")),
        variants.counted(variants.staged(d("2024-06-30"), 1)),
        variants.counted(variants.logged(d("2024-06-30"), 1, "e.at, e.id")),
    ],
)
def test_statements_use_portable_constructs_only(sql: str) -> None:
    """As the lint knows them."""
    assert list(problems("statement", parse(sql))) == []
