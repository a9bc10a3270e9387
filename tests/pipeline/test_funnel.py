"""The funnel in its three kinds, stage by stage conversion, and curves, worked by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, Actor, World
from tests.pipeline.test_waterfall import DAY, DEALS, ZERO, random_world

from salesops.common.errors import NotFound, UsageError
from salesops.metrics.definitions import Part
from salesops.metrics.lint import metric_problems
from salesops.pipeline import funnel as funnels
from salesops.pipeline.asking import made
from salesops.pipeline.conversion import PARTS, stage_deals, stage_report
from salesops.pipeline.curves import curve_deals, cycle_curves
from salesops.pipeline.funnel import funnel, funnel_records
from salesops.pipeline.velocity import velocity, velocity_change


@pytest.fixture
def world() -> World:
    """Stages New, Demo, Offer. Three deals of January, one of March; two leads of January, one of them converted in March."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob")
    w.deal("wins", "2024-01-01", owner="Ann", amount=100).on("2024-01-11", stage="Demo").on(
        "2024-01-31", stage="Offer"
    ).won("2024-03-01")
    w.deal("skips", "2024-01-02", owner="Ann", amount=50).on("2024-02-01", stage="Offer").lost("2024-02-11")
    w.deal("stays", "2024-01-03", owner="Bob", amount=7)
    w.deal("young", "2024-03-05", owner="Bob", amount=20).on("2024-06-25", stage="Demo")
    w.lead("X", "2024-01-01", converted="2024-03-05", deal="young", owner="Bob")
    w.lead("Y", "2024-01-02", owner="Ann")
    return w


def steps(answer: Any) -> list[tuple[str, int, int | None]]:
    """Steps with count and value."""
    return [(r["step"], r["count"], None if r["value"] is None else int(r["value"])) for r in answer.to_pylist()]


def test_a_cohort_is_followed_to_today(world: World) -> None:
    """Created in January: the lead of March's conversion counts, the deal of March does not."""
    answer = funnel(world.session(), BOSS, kind="cohort", from_="2024-01", to="2024-01")
    assert steps(answer) == [
        ("Leads", 2, None),
        ("Leads converted", 1, None),
        ("Deals", 3, 157),
        ("New", 3, 157),
        ("Demo", 2, 150),
        ("Offer", 2, 150),
        ("Won", 1, 100),
    ]
    rows = answer.to_pylist()
    assert [r["of_previous"] for r in rows] == [None, 0.5, None, 1.0, 2 / 3, 1.0, 0.5]
    assert rows[-1]["of_first"] == 1 / 3


def test_one_period_stands_for_its_days(world: World) -> None:
    """`period` is from its first to its last day; many periods (a grain), or a period beside days, are refused."""
    session = world.session()
    assert steps(funnel(session, BOSS, period="2024-01")) == steps(funnel(session, BOSS, from_="2024-01", to="2024-01"))
    found = funnel_records(session, BOSS, "Deals", period="2024-01", limit=2)
    assert (len(found), found.total, found.to_dict()["total"]) == (2, 3, 3)
    assert stage_report(session, BOSS, period="2024-01").to_pylist()[0]["entered"] == 3
    assert len(curve_deals(session, BOSS, period="2024-01", start="creation")) == 3
    for wrong in ({"period": "quarter"}, {"period": "2024-01", "to": "2024-01-31"}):
        for ask in (funnel, stage_report, cycle_curves):
            with pytest.raises(UsageError):
                ask(session, BOSS, **wrong)


def test_active_counts_every_event_in_its_own_period(world: World) -> None:
    """In March: one deal created, one won, one lead converted; nobody created a lead."""
    assert steps(funnel(world.session(), BOSS, kind="active", from_="2024-03")) == [
        ("Leads", 0, None),
        ("Leads converted", 1, None),
        ("Deals", 1, 20),
        ("New", 1, 20),
        ("Won", 1, 100),
    ]


def test_a_snapshot_takes_all_that_there_is_at_the_end(world: World) -> None:
    """At the end of February nothing is won yet."""
    answer = funnel(world.session(), BOSS, kind="snapshot", from_="2024-02")
    assert steps(answer) == [
        ("Leads", 2, None),
        ("Leads converted", 0, None),
        ("Deals", 3, 157),
        ("New", 3, 157),
        ("Demo", 2, 150),
        ("Offer", 2, 150),
        ("Won", 0, 0),
    ]
    assert str(answer.as_of) == "2024-02-29"


def test_by_owner_and_scoped(world: World) -> None:
    """Every group has its own steps; a rep sees the own ones."""
    session = world.session()
    rows = funnel(session, BOSS, from_="2024-01", by="owner").to_pylist()
    assert [(r["owner"], r["step"], r["count"]) for r in rows if r["kind"] in ("opportunity", "won")] == [
        ("Ann", "Deals", 2), ("Ann", "Won", 1), ("Bob", "Deals", 1), ("Bob", "Won", 0),
    ]  # fmt: skip
    answer = funnel(session, Actor("Bob", world.ids("person", "Bob"), False), from_="2024-01")
    assert (steps(answer)[2], answer.hidden) == (("Deals", 1, 7), 2)


def listed(answer: Any) -> list[str]:
    """Names of the records."""
    return [r["name"] for r in answer.to_pylist()]


def test_every_step_opens_to_its_records(world: World) -> None:
    """As many as the step counts, in every kind."""
    session = world.session()
    for kind, period in (("cohort", "2024-01"), ("active", "2024-03"), ("snapshot", "2024-02")):
        for row in funnel(session, BOSS, kind=kind, from_=period).to_pylist():
            page = funnel_records(session, BOSS, row["step"], kind=kind, from_=period)
            assert len(page) == row["count"], (kind, row["step"])
    assert listed(funnel_records(session, BOSS, "Offer", from_="2024-01")) == ["wins", "skips"]
    assert listed(funnel_records(session, BOSS, "Leads converted", from_="2024-01")) == ["X"]
    page = funnel_records(session, BOSS, "Deals", cell={"owner": "Bob"}, limit=1)
    assert (listed(page), page.notes[0], page.notes[1]) == (["stays"], "1 to 1 of 2", "value of all 27.00 USD")
    bob = Actor("Bob", world.ids("person", "Bob"), False)
    assert listed(funnel_records(session, bob, "Deals")) == ["stays", "young"]
    assert funnel_records(session, BOSS, "Nowhere").empty == {"list": "no record fits"}


def test_a_stage_opens_to_its_deals(world: World) -> None:
    """Entered = moved on + lost + here."""
    session = world.session()
    assert listed(stage_deals(session, BOSS, "Demo")) == ["wins", "skips", "young"]
    assert listed(stage_deals(session, BOSS, "Offer", of="lost")) == ["skips"]
    assert listed(stage_deals(session, BOSS, "Demo", of="here", cell={"owner": "Bob"})) == ["young"]
    assert [(r["name"], r["age_days"]) for r in curve_deals(session, BOSS, limit=2).to_pylist()] == [
        ("stays", 179),
        ("young", 117),
    ]


def test_leads_that_know_no_account_are_left_out_with_a_note(world: World) -> None:
    """Deals are still shown."""
    answer = funnel(world.session(), BOSS, from_="2024-01", by="account")
    assert answer.to_pylist()[0]["step"] == "Deals"
    assert any(note.startswith("leads are left out") for note in answer.notes)
    with pytest.raises(UsageError, match="by stage already"):
        funnel(world.session(), BOSS, by="stage")
    with pytest.raises(UsageError, match="no funnel"):
        funnel(world.session(), BOSS, kind="past")
    with pytest.raises(NotFound):
        funnel(world.session(), BOSS, pipeline="Support")


def test_conversion_dwell_maturity_and_leak(world: World) -> None:
    """Four arrive at New, all visits to New end after 10, 30 and 112 days but one: old enough is who arrived p75 = 112 days ago."""
    rows = {r["stage"]: r for r in stage_report(world.session(), BOSS).to_pylist()}
    new, demo, offer = rows["New"], rows["Demo"], rows["Offer"]
    assert (new["entered"], new["moved_on"], new["lost"], new["here"], new["conversion"]) == (4, 3, 0, 1, 0.75)
    assert (demo["entered"], demo["moved_on"], demo["here"]) == (3, 2, 1)
    assert (offer["entered"], offer["moved_on"], offer["lost"], int(offer["lost_value"])) == (2, 1, 1, 50)
    assert (new["old_enough"], new["decided"]) == (1.0, 0.75)
    assert demo["old_enough"] == 2 / 3  # completed visits to Demo: 20 days; the young one came 5 days ago
    assert (demo["median_days"], offer["median_days"]) == (20, 10)
    assert new["median_days"] == 30  # 10, 30 and 112 days; one of 179 is not over
    assert [r["leak"] for r in (new, demo, offer)] == ["", "", "count, value"]


def test_conversion_by_owner_is_scoped_and_says_why_it_is_empty(world: World) -> None:
    """Bob's are two deals."""
    session = world.session()
    bob = Actor("Bob", world.ids("person", "Bob"), False)
    assert [(r["stage"], r["entered"]) for r in stage_report(session, bob).to_pylist()] == [("New", 2), ("Demo", 1)]
    rows = stage_report(session, BOSS, by="owner").to_pylist()
    assert [(r["owner"], r["stage"], r["entered"]) for r in rows][:2] == [("Ann", "New", 2), ("Ann", "Demo", 2)]
    assert "no deal reached a stage" in stage_report(session, BOSS, from_="2023").empty["stage_conversion"]


def test_curves_censor_what_is_open(world: World) -> None:
    """Won after 60, lost after 40, open for 179 and 117 days: S(40) = 3/4, S(60) = 3/4 x 2/3 = 1/2; won 1/4, lost 1/4."""
    answer = cycle_curves(world.session(), BOSS)
    rows = [
        (r["day"], r["at_risk"], r["won"], r["lost"], r["share_won"], r["share_lost"], r["share_open"])
        for r in answer.to_pylist()
    ]
    assert rows == [(40, 4, 0, 1, 0.0, 0.25, 0.75), (60, 3, 1, 0, 0.25, 0.25, 0.5)]
    assert "4 deals, median days to won not reached, to any close 60; fewer than 5" in " ".join(answer.notes)
    low, high = answer.to_pylist()[1]["share_open_low"], answer.to_pylist()[1]["share_open_high"]
    assert 0 < low < 0.5 < high < 1


def test_curves_at_days_and_by_group(world: World) -> None:
    """Day 50 lies between: as on day 40. Bob has no ended deal: his curve is flat."""
    rows = cycle_curves(world.session(), BOSS, at=[0, 50]).to_pylist()
    assert [(r["day"], r["at_risk"], r["share_open"]) for r in rows] == [(0, 4, 1.0), (50, 3, 0.75)]
    rows = cycle_curves(world.session(), BOSS, by="owner", at=[60]).to_pylist()
    assert [(r["owner"], r["share_won"], r["share_open"]) for r in rows] == [("Ann", 0.5, 0.0), ("Bob", 0.0, 1.0)]
    with pytest.raises(UsageError, match="cannot start"):
        cycle_curves(world.session(), BOSS, start="birth")
    assert "no deal was created" in cycle_curves(world.session(), BOSS, from_="2023").empty["curve"]


def test_velocity_and_its_change(world: World) -> None:
    """First quarter: 4 deals worked x 100 x 1/2 / 60 days = 3.33 a day."""
    session = world.session()
    row = velocity(session, BOSS, from_="2024-Q1").to_pylist()[0]
    assert (row["deals"], int(row["average_value"]), row["win_rate"], row["cycle_days"]) == (4, 100, 0.5, 60.0)
    assert row["velocity"] == pytest.approx(4 * 100 * 0.5 / 60)
    assert "velocity" in " ".join(velocity(session, BOSS, from_="2023").empty.values())
    assert "2024-Q2" in velocity_change(session, BOSS, "2024-Q1", "2024-Q2").empty["sales_velocity"]
    world.deal("later", "2024-04-01", amount=200).won("2024-05-01")
    answer = velocity_change(world.session(), BOSS, "2024-Q1", "2024-Q2")
    *drivers, whole = answer.to_pylist()
    assert [r["driver"] for r in drivers] == ["opportunities", "average won value", "win rate", "cycle days"]
    assert sum(r["change"] for r in drivers) == pytest.approx(whole["change"])
    assert whole["after"] == pytest.approx(3 * 200 * 1 / 30)


@pytest.mark.parametrize(
    "parts",
    [
        PARTS,
        *funnels._LEADS.values(),
        *({"deals": Part(one)} for one in funnels._STAGES.values()),
        {"deals": Part("deal_state", "value")},
    ],
)
def test_statements_use_portable_constructs_only(parts: dict[str, Part]) -> None:
    """As the lint knows them."""
    assert metric_problems(made("parts", parts)) == []


def test_pipelines_have_their_own_steps(world: World) -> None:
    """A second pipeline with one stage: its deal is not in the steps of the first."""
    number = world.thing("pipeline", "Renewals", kind="sales")
    for place, (name, kind) in enumerate([("Due", "open"), ("Renewed", "won")], 1):
        row = {"pipeline": number, "position": place, "kind": kind, "probability": 0}
        world.thing("stage", name, qualified=False, **row)
        world.stage_of[name] = row
    world.deal("renewal", "2024-01-09", owner="Ann", amount=5, stage="Due").on("2024-02-01", stage="Renewed")
    session = world.session()
    session.con.execute(f"UPDATE opportunity SET pipeline = {number} WHERE name = 'renewal'")
    rows = [
        (r["pipeline"], r["step"], r["count"])
        for r in funnel(session, BOSS, from_="2024-01").to_pylist()
        if r["kind"] != "lead"
    ]
    assert rows == [
        ("Renewals", "Deals", 1), ("Renewals", "Due", 1), ("Renewals", "Won", 1),
        ("Sales", "Deals", 3), ("Sales", "New", 3), ("Sales", "Demo", 2), ("Sales", "Offer", 2), ("Sales", "Won", 1),
    ]  # fmt: skip
    assert steps(funnel(session, BOSS, from_="2024-01", pipeline="Renewals")) == [
        ("Deals", 1, 5),
        ("Due", 1, 5),
        ("Won", 1, 5),
    ]


# Identities -------------------------------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(DEALS, st.sampled_from(["active", "cohort", "snapshot"]))
def test_groups_add_up_to_the_whole_funnel(deals: list[list[dict[str, Any]]], kind: str) -> None:
    """Random histories: by rep, every step adds up to the step of the whole, by count and by value."""
    session = random_world(deals).session()
    question: dict[str, Any] = {"kind": kind, "from_": ZERO, "to": ZERO + 25 * DAY, "as_of": ZERO + 30 * DAY}
    whole = {r["step"]: (r["count"], r["value"] or 0) for r in funnel(session, BOSS, **question).to_pylist()}
    sums: dict[str, list[Any]] = {}
    for row in funnel(session, BOSS, by="owner", **question).to_pylist():
        found = sums.setdefault(row["step"], [0, 0])
        found[0] += row["count"]
        found[1] += row["value"] or 0
    assert {step: tuple(found) for step, found in sums.items() if any(found)} == {
        k: v for k, v in whole.items() if any(v)
    }


@settings(max_examples=12)
@given(DEALS)
def test_who_entered_a_stage_moved_on_or_was_lost_or_is_there(deals: list[list[dict[str, Any]]]) -> None:
    """Random histories: nobody is counted twice or forgotten; each number opens to as many deals."""
    session = random_world(deals).session()
    for row in stage_report(session, BOSS).to_pylist():
        assert row["entered"] == row["moved_on"] + row["lost"] + row["here"]
        for of in ("entered", "moved_on", "lost", "here"):
            assert len(stage_deals(session, BOSS, row["stage"], of=of)) == row[of]


@settings(max_examples=12)
@given(DEALS)
def test_curves_share_out_every_deal(deals: list[list[dict[str, Any]]]) -> None:
    """Random histories: won, lost and open add up to 1 on every day; all that ended show once; bands hold their share."""
    session = random_world(deals).session()
    listed_deals = curve_deals(session, BOSS, start="creation").to_pylist()
    rows = cycle_curves(session, BOSS, start="creation").to_pylist()
    for row in rows:
        assert row["share_won"] + row["share_lost"] + row["share_open"] == pytest.approx(1)
        assert row["share_won_low"] <= row["share_won"] <= row["share_won_high"]
    for status in ("won", "lost"):
        assert sum(row[status] for row in rows) == sum(deal["status"] == status for deal in listed_deals)
