"""People analytics: figures by person, the mix of the best, ramp curves, fair comparison - and who sees what of it."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, World

from salesops.common.errors import UsageError
from salesops.metrics import people
from salesops.workspace import Config

Q2 = {"period": "2024-Q2"}
REPS = [f"R{n}" for n in range(1, 10)]


def opened(w: World, shown: bool = True, minimum: int = 3) -> Any:
    """A session whose workspace shows figures of groups to peers, or not."""
    session = w.session()
    session.workspace = SimpleNamespace(config=Config(peer_aggregates=shown, peer_minimum=minimum))  # type: ignore[attr-defined]
    return session


@pytest.fixture(scope="module")
def team() -> World:
    """Nine reps since 2022, Mara above R1 to R3. In the second quarter Rn has a quota of 100 and wins one deal of 10 n and loses
    9 - n (R9 none); R7 to R9 spend all their time on calls (60 minutes), the others half of it (30, and 30 on paperwork)."""
    w = World(today="2024-06-30")
    w.people(*REPS, "Mara")
    w.hours(480)
    for n, name in enumerate(REPS, 1):
        w.job(name, "2022-01-01")
        w.quota(name, "2024-04-01", "2024-06-30", 100)
        w.deal(f"won {name}", "2024-04-01", owner=name, amount=10 * n, segment="SMB").won("2024-05-10")
        for lost in range(9 - n):
            w.deal(f"lost {name} {lost}", "2024-04-01", owner=name, segment="SMB").lost("2024-05-10")
        w.act("call", "2024-05-02", name, 60 if n > 6 else 30)
        if n <= 6:
            w.act("admin", "2024-05-02", name, 30)
    for name in REPS[:3]:
        w.manages("Mara", name)
    return w


def me(w: World, name: str) -> Actor:
    return Actor(name, w.ids("person", name), sees_all=False)


# What the best do otherwise ------------------------------------------------------------------------------------------------


def test_the_mix_of_the_top_quarter(team: World) -> None:
    """ceil(9 / 4) = 3 best: R7 to R9, all calls; the rest half: +50 points of calls, -50 of paperwork."""
    found = people.mix(opened(team), BOSS, **Q2)
    assert found.to_pylist() == [
        {"kind": "admin", "top": 0.0, "rest": 0.5, "gap": -0.5},
        {"kind": "call", "top": 1.0, "rest": 0.5, "gap": 0.5},
    ]
    assert (found.beside["top_people"], found.beside["rest_people"]) == (3, 6)


def test_the_mix_is_refused_for_groups_in_which_nobody_can_hide(team: World) -> None:
    """Three are fewer than five; the reason is a note."""
    found = people.mix(opened(team, minimum=5), BOSS, **Q2)
    assert found.rows == ()
    assert "at least 5 each" in found.notes[-1]


def test_a_rep_sees_the_mix_only_where_the_setting_allows(team: World) -> None:
    """Without it he is alone, and a manager has her three."""
    assert len(people.mix(opened(team), me(team, "R1"), **Q2).rows) == 2
    for name in ("R1", "Mara"):
        assert people.mix(opened(team, shown=False), me(team, name), **Q2).rows == ()


# Figures by person ------------------------------------------------------------------------------------------------------


def test_everybodys_figures(team: World) -> None:
    """R1: 2 activities on 42 working days (from the first activity on, 2 May, to 28 June), 30 of 20,160 minutes with customers."""
    rows = {row["owner"]: row for row in people.activity(opened(team), BOSS, **Q2).to_pylist()}
    assert set(rows) == {*REPS, "(all)"}
    assert rows["R1"]["activities"] == 2
    assert rows["R1"]["selling_time_share"] == rows["R1"]["non_selling_share"] == 30 / (42 * 480)
    assert rows["R1"]["activities_per_day"] == 1 / 42  # paperwork is none of the five kinds
    assert rows["(all)"]["activities"] == 15
    kinds = people.activity(opened(team), BOSS, kinds=True, **Q2).to_pylist()
    assert {(r["owner"], r["kind"]): r["activities.minutes"] for r in kinds}[("(all)", "call")] == 3 * 60 + 6 * 30


def test_who_sees_whose_figures(team: World) -> None:
    """A rep himself, a manager her people; all of them as one figure only by the setting."""
    for name, seen in (("R5", {"R5"}), ("Mara", {"R1", "R2", "R3"})):
        off = people.activity(opened(team, shown=False), me(team, name), **Q2)
        assert {row["owner"] for row in off.rows} == seen
        assert any("peer_aggregates is off" in note for note in off.notes)
        on = people.activity(opened(team), me(team, name), **Q2)
        assert {row["owner"] for row in on.rows} == seen | {"(all)"}
        assert on.rows[-1]["activities"] == 15


def test_what_is_left_of_a_group_hides_as_many(team: World) -> None:
    """Of nine, Mara sees three: behind the rest are six, fewer than seven. R5 sees one of them: eight are left, enough."""
    assert "(all)" not in {
        row["owner"] for row in people.activity(opened(team, minimum=7), me(team, "Mara"), **Q2).rows
    }
    assert "(all)" in {row["owner"] for row in people.activity(opened(team, minimum=7), me(team, "R5"), **Q2).rows}


def test_a_filter_does_not_carve_one_person_out_of_the_group(team: World) -> None:
    """All, less all but one, would be that one."""
    found = people.activity(opened(team), me(team, "R5"), where="owner <> 'R1'", **Q2)
    assert {row["owner"] for row in found.rows} == {"R5"}
    assert any("two such parts would tell of one person" in note for note in found.notes)


def test_a_user_who_is_nobody_sees_nobody(team: World) -> None:
    """No person, no figures."""
    nobody = Actor("guest", None, sees_all=False)
    assert people.activity(opened(team, shown=False), nobody, **Q2).rows == ()
    assert people.compare(opened(team, shown=False), nobody, **Q2).rows == ()


# Fair comparison --------------------------------------------------------------------------------------------------------


def test_everybody_against_the_same_position(team: World) -> None:
    """One position: SMB, 25 months and more. Won 9 of 9 + 36 closed. R9, all won, of one deal: drawn far towards 20 %."""
    found = people.compare(opened(team), BOSS, **Q2)
    rows = {row["owner"]: row for row in found.to_pylist()}
    assert {(row["segment"], row["tenure"], row["people"]) for row in found.rows} == {("SMB", "25 and more", 9)}
    assert rows["R1"]["group_mean"] == 9 / 45
    assert (rows["R9"]["value"], rows["R9"]["records"]) == (1.0, 1)
    assert 0.2 <= rows["R9"]["fair"] < 0.6
    assert rows["R1"]["value"] == 1 / 9


def test_who_sees_the_comparison(team: World) -> None:
    """A rep himself against the others where that is shown, else only the own figure; a manager with three has no group of four."""
    on, off = (people.compare(opened(team, shown), me(team, "R9"), **Q2).rows for shown in (True, False))
    assert [row["owner"] for row in on] == ["R9"]
    assert on[0]["group_mean"] == 0.2
    assert (off[0]["value"], off[0]["group_mean"], off[0]["stands"]) == (1.0, None, "too few to compare")
    mara = people.compare(opened(team, False), me(team, "Mara"), **Q2)
    assert {row["owner"]: row["stands"] for row in mara.rows} == dict.fromkeys(REPS[:3], "too few to compare")


def test_only_shares_are_compared(team: World) -> None:
    """The remedy names them."""
    with pytest.raises(UsageError, match="cannot be compared by 'pay'"):
        people.compare(opened(team), BOSS, metric="pay", **Q2)


# Newcomers --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def newcomers() -> World:
    """Old1 to Old3 win 100 in every month of 2024. Three start on 15 January, so that February is their month 1:
    New1 wins 0, 100, 140 and comes to (0 + 100 + 140) / 3 = 80 % of 100 in month 3; New2 wins nothing in five months;
    New3 wins nothing and leaves at the end of April. Mara is above New1."""
    w = World(today="2024-06-30")
    w.people("Old1", "Old2", "Old3", "New1", "New2", "New3", "Mara")
    for name in ("Old1", "Old2", "Old3"):
        w.job(name, "2022-01-01")
        for month in range(1, 7):
            w.deal(f"{name} {month}", "2024-01-01", owner=name, amount=100).won(f"2024-0{month}-15")
    for name in ("New1", "New2", "New3"):
        w.job(name, "2024-01-15", "2024-05-01" if name == "New3" else None)
        w.deal(f"{name} open", "2024-02-01", owner=name)
    w.deal("a", "2024-02-01", owner="New1", amount=100).won("2024-03-10")
    w.deal("b", "2024-02-01", owner="New1", amount=140).won("2024-04-10")
    w.manages("Mara", "New1")
    return w


def test_the_ramp_curve(newcomers: World) -> None:
    """One of three there in month 3; fewer than half ever: no median. Levels only of months with three people."""
    found = people.ramp(opened(newcomers), BOSS)
    rows = found.to_pylist()
    assert [row["people"] for row in rows] == [3, 3, 3, 2, 2]
    assert [row["median"] for row in rows] == [0, 0, 0, None, None]
    assert [row["reached"] for row in rows] == pytest.approx([0, 0, 1 / 3, 1 / 3, 1 / 3])
    assert (found.beside["target"], found.beside["rep_ramp_months"]) == (Decimal(100), None)
    assert [(one["owner"], one["months"], one["reached"]) for one in found.beside["newcomers"]] == [
        ("New1", 3, True), ("New2", 5, False), ("New3", 3, False),
    ]  # fmt: skip


def test_who_sees_the_ramp(newcomers: World) -> None:
    """Mara sees New1 by name; the curve only by the setting, and not where two others would be behind the rest of it."""
    rep = me(newcomers, "Old1")
    assert len(people.ramp(opened(newcomers), rep).rows) == 5
    assert people.ramp(opened(newcomers), rep).beside["newcomers"] == []
    mara = people.ramp(opened(newcomers), me(newcomers, "Mara"))
    assert mara.rows == ()
    assert [one["owner"] for one in mara.beside["newcomers"]] == ["New1"]
    assert people.ramp(opened(newcomers, shown=False), rep).rows == ()
