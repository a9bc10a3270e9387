"""Where cases wait and what is done again; before and after a change."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.metrics.build import BOSS, Actor, World

from salesops.common.errors import NotAllowed, UsageError
from salesops.metrics.lint import problems
from salesops.metrics.sql import parse
from salesops.pipeline import process
from salesops.pipeline.compare import before_after
from salesops.pipeline.norms import stage_norms_sql
from salesops.pipeline.process import rework, transition_cases, transitions


def test_waiting_by_transition() -> None:
    """a > b waits 2 and 4 days, b > c 1 day, b > b 3 days: 10 days in all."""
    w = World()
    w.events("1", "2024-01-01 a", "2024-01-03 b", "2024-01-04 c")
    w.events("2", "2024-01-01 a", "2024-01-05 b", "2024-01-08 b")
    answer = transitions(w.session(), BOSS)
    rows = [
        (r["from_step"], r["to_step"], r["moves"], r["mean_days"], r["median_days"], r["p75_days"], r["share"])
        for r in answer.to_pylist()
    ]
    assert rows == [
        ("a", "b", 2, 3.0, 2.0, 4.0, 0.6),
        ("b", "b", 1, 3.0, 3.0, 3.0, 0.3),
        ("b", "c", 1, 1.0, 1.0, 1.0, 0.1),
    ]
    assert answer.notes == ("3 transitions, 4 moves, 10.00 days of waiting in all",)
    assert [(r["step"], r["cases"], r["again_cases"], r["share"], r["again"]) for r in rework(w.session(), BOSS).to_pylist()] == [
        ("b", 2, 1, 0.5, 1), ("a", 2, 0, 0.0, 0), ("c", 1, 0, 0.0, 0),
    ]  # fmt: skip
    assert [(r["case"], r["days"]) for r in transition_cases(w.session(), BOSS, "a", "b").to_pylist()] == [
        ("2", 4.0),
        ("1", 2.0),
    ]
    assert [r["moves"] for r in transitions(w.session(), BOSS, as_of="2024-01-03").to_pylist()] == [1]


def test_stage_histories_are_scoped() -> None:
    """Deals' stages for whoever sees the deals; process logs only for those who see all."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob")
    w.deal("A", "2024-01-01", owner="Ann").on("2024-01-11", stage="Demo").on("2024-01-12", stage="New").on(
        "2024-01-22", stage="Demo"
    )
    w.deal("B", "2024-01-01", owner="Bob").on("2024-01-04", stage="Demo")
    session = w.session()
    rows = transitions(session, BOSS, of="stages").to_pylist()
    assert [(r["from_step"], r["to_step"], r["moves"], r["total_days"]) for r in rows] == [
        ("New", "Demo", 3, 23.0), ("Demo", "New", 1, 1.0),
    ]  # fmt: skip
    found = transition_cases(session, BOSS, "New", "Demo", of="stages", limit=1)
    assert ([(r["name"], r["days"]) for r in found.to_pylist()], found.notes) == ([("A", 10.0)], ("1 to 1 of 3",))
    bob = Actor("Bob", w.ids("person", "Bob"), False)
    assert [r["moves"] for r in transitions(session, bob, of="stages").to_pylist()] == [1]
    assert [(r["step"], r["again"]) for r in rework(session, BOSS, of="stages").to_pylist()] == [
        ("Demo", 1),
        ("New", 1),
    ]
    with pytest.raises(NotAllowed):
        rework(session, bob)
    assert transitions(World().session(), BOSS).empty == {"transitions": "no case has two steps as of that day"}


@pytest.mark.parametrize(
    "sql",
    [
        process.transitions_sql(process.steps_sql("log", date(2024, 6, 30), 1)),
        process.transitions_sql(process.steps_sql("stages", date(2024, 6, 30), 1)),
        process.rework_sql(process.steps_sql("log", date(2024, 6, 30), None)),
        stage_norms_sql("DATE '2024-06-30'"),
    ],
)
def test_statements_use_portable_constructs_only(sql: str) -> None:
    """As the lint knows them."""
    assert list(problems("statement", parse(sql))) == []


def coached(weeks: int = 16) -> World:
    """Ten coached reps win half of two deals a week and then both; ten others always half (each week's luck alternates)."""
    w = World(today="2024-12-31")
    names = [f"Rep {n:02}" for n in range(20)]
    w.people(*names)
    for n, name in enumerate(names):
        for week in range(weeks):
            day = date(2024, 1, 3) + timedelta(weeks=week)
            better = n < 10 and week >= weeks // 2
            for k in range(2):
                won = better or (k + n * week) % 2 == 0
                deal = w.deal(f"{name} {week} {k}", date(2024, 1, 1), owner=name, amount=1)
                deal.won(day) if won else deal.lost(day)
    return w


def test_before_and_after_a_change_by_rep_and_week() -> None:
    """The win rate of the coached rises by half, that of the others does not."""
    session = coached().session()
    found = before_after(
        session, BOSS, "win_rate", "2024-02-26", by="owner", grain="week", from_="2024-01-01", to="2024-04-21",
        touched=[f"Rep {n:02}" for n in range(10)],
    )  # fmt: skip
    assert (found.effect.units_treated, found.effect.units_untreated, found.effect.periods_before) == (10, 10, 8)
    assert found.effect.effect == pytest.approx(0.5)
    assert found.effect.low is not None
    assert found.effect.low > 0.3
    assert found.since == "2024-W09"
    assert found.to_dict()["words"] == found.words()
    assert "8 periods before and 8 after" in found.words()


def test_a_change_within_a_period_leaves_that_period_out() -> None:
    """28 February 2024 lies within a week: it is on neither side."""
    found = before_after(
        coached().session(), BOSS, "won_deals", "2024-02-28", by="owner", grain="week", from_="2024-01-01", to="2024-04-21",
        touched=["Rep 00"],
    )  # fmt: skip
    assert found.notes[0] == "2024-W09 holds the change and is left out"
    assert (len(found.periods), found.since) == (15, "2024-W10")
    assert "Too little to compare" in found.words()


def test_who_has_not_joined_yet_is_absent_not_0() -> None:
    """Rep 19 joins on 29 January and wins one deal a week, as the nine others untouched do: their level before is 1, not 0.95.

    Rep 18, employed all the time, wins nothing from 28 February on: that is 0.
    """
    w = World(today="2024-12-31")
    names = [f"Rep {n:02}" for n in range(20)]
    w.people(*names)
    for n, name in enumerate(names):
        w.job(name, "2024-01-29" if n == 19 else "2020-01-01")
        for week in range(16):
            if (n == 19 and week < 4) or (n == 18 and week >= 8):
                continue
            for k in range(2 if n < 10 and week >= 8 else 1):
                day = date(2024, 1, 3) + timedelta(weeks=week)
                w.deal(f"{name} {week} {k}", "2023-12-01", owner=name, amount=1).won(day)
    found = before_after(
        w.session(), BOSS, "won_deals", "2024-02-26", by="owner", grain="week", from_="2024-01-01", to="2024-04-21",
        touched=names[:10],
    )  # fmt: skip
    assert (found.effect.before, found.effect.after) == (1, 2)
    assert found.effect.change_untreated == pytest.approx(0.9 - 1)
    assert found.effect.effect == pytest.approx(1.1)
    assert any("before and after as absent" in note for note in found.notes)


def test_what_cannot_be_compared_is_refused() -> None:
    """Unknown units, a median, a day outside."""
    session = coached(4).session()
    with pytest.raises(UsageError, match="no unit is called zoe"):
        before_after(
            session, BOSS, "win_rate", "2024-02-01", touched=["Zoe"], grain="week", from_="2024-01-01", to="2024-03-31"
        )
    with pytest.raises(UsageError, match="cannot be split"):
        before_after(session, BOSS, "sales_cycle_days.median", "2024-02-01", from_="2024-01-01", to="2024-03-31")
    with pytest.raises(UsageError, match="both sides"):
        before_after(session, BOSS, "win_rate", "2025-02-01", from_="2024-01-01", to="2024-03-31")
