"""Answers against targets: whose a target is, which period, what adds up and what does not, who sees it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, Session, World, d

from salesops.common.errors import UsageError
from salesops.metrics.query import query
from salesops.metrics.scorecard import scorecard


def goal(
    world: World, starts: str, ends: str, amount: int | None = None, number: str | None = None, **fields: Any
) -> None:
    """A target; `number` is a share or count, `person`, `team` and `unit` are names."""
    person = fields.pop("person", None)
    for name, table in (("team", "team"), ("business_unit", "business_unit")):
        if isinstance(fields.get(name), str):
            fields[name] = world.ids(table, fields[name])
    if number is not None:
        fields |= {"number": int(Decimal(number) * 1_000_000), "currency": None}
    world.quota(person, starts, ends, amount, **{"kind": "goal", **fields})


def company() -> World:
    """Two teams under Mia; Ann won 100 and lost a deal in Q1, Bob won 300; Cid sold nothing."""
    world = World(today="2024-05-10")
    world.people("Ann", "Bob", "Cid", "Mia")
    world.stages("New:10")
    world.member("North", "Ann")
    world.member("South", "Bob")
    world.member("South", "Cid")
    world.manages("Mia", "Ann")
    world.unit("EMEA")
    world.deal("A", "2024-01-01", owner="Ann", amount=100, business_unit="EMEA").won("2024-02-10")
    world.deal("B", "2024-01-01", owner="Ann", amount=900, business_unit="EMEA").lost("2024-02-11")
    world.deal("C", "2024-01-01", owner="Bob", amount=300).won("2024-03-10")
    q1 = ("2024-01-01", "2024-03-31")
    goal(world, *q1, 500)
    goal(world, *q1, 600, kind="plan")
    goal(world, *q1, 150, team="North", business_unit="EMEA")  # a team's, though it names the unit that the team is in
    goal(world, *q1, 250, team="South")
    goal(world, *q1, 1000, business_unit="EMEA", kind="plan")
    goal(world, *q1, 200, person="Ann", team="North")
    goal(world, *q1, 50, person="Cid")
    goal(world, *q1, number="0.6", metric="win_rate", team="North")
    goal(world, *q1, number="40", metric="sales_cycle_days")
    return world


@pytest.fixture(scope="module")
def session() -> Session:
    return company().session()


def against(
    session: Session, metric: str = "bookings", by: str = "", of: str = "target", actor: Actor = BOSS, **more: Any
) -> dict[str, Any]:
    """Value, target, gap, share and whether it is met, by group."""
    rows = query(session, actor, metric, by=by, **{"period": "2024-Q1", "compare": of, **more}).to_pylist()
    return {
        row[by] if by else row["period"]: tuple(
            row[metric + part] for part in ("", "__target", "__gap", "__reached", "__met")
        )
        for row in rows
    }


def test_each_level_has_its_own_line(session: Session) -> None:
    """400 won against the company's goal of 500: nothing of the teams', people's or units' is added to it.

    The unit's is its plan of 1,000, not that and its team's 150; Cid sold nothing, so 0 of 50; Bob's is not set, which is not 0.
    """
    assert against(session) == {"2024-Q1": (400, 500, -100, 0.8, False)}
    assert against(session, of="plan") == {"2024-Q1": (400, 600, -200, pytest.approx(400 / 600), False)}
    assert against(session, by="team") == {
        "North": (100, 150, -50, pytest.approx(100 / 150), False),
        "South": (300, 250, 50, 1.2, True),
    }
    assert against(session, by="business_unit") == {
        "(none)": (300, None, None, None, None),
        "EMEA": (100, 1000, -900, 0.1, False),
    }
    assert against(session, by="owner") == {
        "Ann": (100, 200, -100, 0.5, False), "Bob": (300, None, None, None, None), "Cid": (0, 50, -50, 0.0, False),
    }  # fmt: skip


def test_the_total_has_the_companys_target(session: Session) -> None:
    """500, whatever the teams' add up to."""
    rows = query(session, BOSS, "bookings", by="team", period="2024-Q1", compare="target", totals=True).to_pylist()
    assert [(row["team"], row["bookings__target"], row["bookings__met"]) for row in rows] == [
        ("North", 150, False), ("South", 250, True), ("(all)", 500, False),
    ]  # fmt: skip


def test_any_metric(session: Session) -> None:
    """North won one of two, 50 % against 60 %; the mean cycle, (40 + 69) / 2 days, is above 40, and less is better."""
    assert against(session, "win_rate", "team")["North"] == (
        0.5,
        0.6,
        pytest.approx(-0.1),
        pytest.approx(0.5 / 0.6),
        False,
    )
    assert against(session, "win_rate", "team")["South"] == (1.0, None, None, None, None)
    assert against(session, "win_rate.value", "team")["North"][1] is None  # another variant has targets of its own
    assert against(session, "sales_cycle_days") == {"2024-Q1": (54.5, 40, 14.5, 1.3625, False)}


def test_periods_add_up_once() -> None:
    """The year's goal counts for the year, though quarters have theirs; two halves cover a year, three quarters do not.

    A share of two halves is not the share of the year.
    """
    world = company()
    goal(world, "2024-04-01", "2024-06-30", 700)
    for half in (("2024-01-01", "2024-06-30"), ("2024-07-01", "2024-12-31")):
        goal(world, *half, number="10", metric="created_deals", team="North")
        goal(world, *half, number="0.5", metric="win_rate")
    session = world.session()
    answer = query(session, BOSS, "bookings", period="2024", compare="target")
    assert answer.to_pylist()[0]["bookings__target"] is None
    assert "bookings: 1 not set: the targets in the period do not cover the whole of it once" in answer.notes
    assert against(session, "created_deals", "team", period="2024")["North"][1] == 20
    answer = query(session, BOSS, "win_rate", period="2024", compare="target")
    assert answer.to_pylist()[0]["win_rate__target"] is None
    assert "win_rate: 1 not set: its targets of shorter periods do not add up to one of a longer" in answer.notes
    goal(world, "2024-01-01", "2024-12-31", 5000)
    assert against(world.session(), period="2024")["2024"][1] == 5000
    assert against(world.session(), period="2024-Q2")["2024-Q2"][1] == 700


def test_a_version_counts_since_its_day_and_the_later_record_of_two() -> None:
    """500 until the end of January, 450 from February; a second record that says the same again replaces the first."""
    world = company()
    first = next(row for row in world.rows["target"] if row["amount"] == 5_000_000 and row["kind"] == "goal")
    world.rows["target"].append({**first, "day_from": d("2024-02-01"), "amount": 4_500_000})
    first["day_to"] = d("2024-02-01")
    assert against(world.session(), as_of="2024-01-31")["2024-Q1"][1] == 500
    assert against(world.session())["2024-Q1"][1] == 450
    goal(world, "2024-01-01", "2024-03-31", 800)
    assert against(world.session())["2024-Q1"][1] == 800
    goal(world, "2024-01-01", "2024-03-31", 900, status="draft")
    goal(world, "2024-01-01", "2024-03-31", None)
    assert against(world.session())["2024-Q1"][1] == 800


def test_currency() -> None:
    """A goal of 100 EUR is 110 at the plan rate, whatever the spot rate; without a rate it is not known."""
    world = company()
    world.rate("EUR", "2023-12-01", "1.1", kind="plan")
    world.rate("EUR", "2023-12-01", "2")
    goal(world, "2024-01-01", "2024-03-31", 100, person="Bob", currency="EUR")
    goal(world, "2024-01-01", "2024-03-31", 100, person="Mia", currency="CHF")
    answer = query(world.session(), BOSS, "bookings", by="owner", period="2024-Q1", compare="target")
    assert {row["owner"]: row["bookings__target"] for row in answer.to_pylist()} == {"Ann": 200, "Bob": 110, "Cid": 50}
    assert "bookings: 1 not known: there is no plan rate for the currency of a target" in answer.notes


def test_who_sees_a_target(session: Session) -> None:
    """Mia sees Ann's and all of North's, not South's; the company's does not stand beside the part that she sees. Ann's own is hers."""
    world = company()
    session = world.session()
    mia, ann = (Actor(name, world.ids("person", name), False) for name in ("Mia", "Ann"))
    assert {k: v[1] for k, v in against(session, by="owner", actor=mia).items()} == {"Ann": 200}
    assert {k: v[1] for k, v in against(session, by="team", actor=mia).items()} == {"North": 150}
    assert against(session, by="team", actor=ann)["North"][1] == 150  # she is all of North
    assert against(session, actor=mia)["2024-Q1"][:2] == (100, None)
    assert against(session, actor=ann)["2024-Q1"][:2] == (100, 200)
    assert against(session, by="business_unit", actor=mia)["EMEA"][1] is None


def test_what_has_no_target(session: Session) -> None:
    """Other groups, filters, and the quota of bookings, which is another metric."""
    for question, said in (
        ({"by": "region"}, "targets are set for the company"), ({"where": "team = 'North'"}, "a target stands for everything"),
        ({"of": "quota"}, "quotas and what is credited"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            against(session, **question)


def test_on_the_scorecard() -> None:
    """The goal of this quarter beside its figure; what nobody set is None."""
    world = company()
    goal(world, "2024-04-01", "2024-06-30", number="0.3", metric="win_rate")
    world.deal("D", "2024-04-01", owner="Ann", amount=10).won("2024-05-01")
    rows = {row["metric"]: (row["2024-Q2"], row["target"], row["met"]) for row in scorecard(world.session(), BOSS).rows}
    assert rows["win_rate"] == (1.0, 0.3, True)
    assert rows["bookings"] == (10, None, None)
