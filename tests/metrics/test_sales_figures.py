"""Pitches, reasons of losses, a team's own target, new reps, growth: worked by hand on a few deals."""

from __future__ import annotations

from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, World

from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.peers import ramp
from salesops.metrics.query import query

Q1 = "2024-Q1"


def ask(session: Any, metric: str, **question: Any) -> Any:
    """The value of one metric in one cell."""
    return query(session, BOSS, [metric], **question).value()


def by(session: Any, metric: str, dimensions: str, **question: Any) -> dict[Any, Any]:
    """The values of one metric by one dimension, or by several (then the keys are tuples)."""
    names = dimensions.split(",")
    rows = query(session, BOSS, [metric], by=dimensions, **question).to_pylist()
    return {row[names[0]] if len(names) == 1 else tuple(row[name] for name in names): row[metric] for row in rows}


# Pitches ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pitches() -> Any:
    """Entering Demo is a pitch; so is a demo, proposal or presentation that was held.

    | deal | owner | pitched                                             | now        |
    | A    | Ann   | 10 Jan, entered Demo                                | won 1 Feb  |
    | B    | Bob   | 20 Jan, held a presentation; entered Demo on 5 Feb  | open       |
    | C    | Ann   | never: the demo of 15 Jan was only booked           | lost       |
    | D    | Bob   | never: the proposal of 1 Feb was sent by a machine  | open       |
    | E    | Ann   | 3 Feb, held a proposal                              | lost 1 Mar |
    | F    | Ann   | 2 Apr, after the day of the question                | open       |
    """
    w = World(today="2024-04-30")
    w.stages("New:10", "Demo:50:pitch")
    w.people("Ann", "Bob")
    w.deal("A", "2024-01-01", owner="Ann").on("2024-01-10", stage="Demo").won("2024-02-01")
    w.deal("B", "2024-01-01", owner="Bob").on("2024-02-05", stage="Demo")
    w.deal("C", "2024-01-01", owner="Ann").lost("2024-02-01")
    w.deal("D", "2024-01-01", owner="Bob")
    w.deal("E", "2024-01-01", owner="Ann").lost("2024-03-01")
    w.deal("F", "2024-01-01", owner="Ann").on("2024-04-02", stage="Demo")
    w.activity("B", "2024-01-20", "presentation")
    w.activity("C", "2024-01-15", "demo", "booked")
    w.activity("C", "2024-01-16", "call")
    w.activity("D", "2024-02-01", "proposal", automatic=True)
    w.activity("E", "2024-02-03", "proposal")
    w.activity("E", "2024-02-10", "demo")
    return w.session()


def test_close_rate(pitches: Any) -> None:
    """January A and B: 1 / 2; February E: 0 / 1; the quarter 1 / 3. On 31 January nothing was won yet."""
    months = query(pitches, BOSS, "close_rate", period="month", from_="2024-01", to="2024-03", as_of="2024-03-31")
    assert [row["close_rate"] for row in months.to_pylist()] == [0.5, 0.0, None]
    assert ask(pitches, "close_rate", period=Q1) == pytest.approx(1 / 3, rel=1e-12)
    assert ask(pitches, "close_rate", period=Q1, as_of="2024-01-31") == 0.0
    assert by(pitches, "close_rate", "owner", period=Q1) == {"Ann": 0.5, "Bob": 0.0}
    row = query(pitches, BOSS, "close_rate", period=Q1).to_pylist()[0]
    assert (row["close_rate__decided"], row["close_rate__pitched"]) == (2, 3)  # its maturity


def test_the_records_of_a_close_rate(pitches: Any) -> None:
    """A, B and E, each on the day of its first pitch."""
    found = drill(pitches, BOSS, "close_rate", period=Q1)
    assert [(row["name"], str(row["day"]), row["won"]) for row in found.to_pylist()] == [
        ("A", "2024-01-10", 1), ("B", "2024-01-20", None), ("E", "2024-02-03", None),
    ]  # fmt: skip
    assert found.totals == {"won": 1, "pitched": 3, "decided": 2}
    reason = explain(pitches, BOSS, "close_rate", period="2023-Q1").empty_reason
    assert "there are no deals that got a first pitch" in str(reason)


# Why deals are lost -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def losses() -> Any:
    """Four lost deals: Ann 100 by price and 50 by product, Bob 300 by price and 50 for no recorded reason; one is won."""
    w = World(today="2024-03-31")
    w.people("Ann", "Bob")
    w.deal("A", "2024-01-01", owner="Ann", amount=100).lost("2024-02-01", loss_reason="price")
    w.deal("B", "2024-01-01", owner="Ann", amount=50).lost("2024-02-01", loss_reason="product")
    w.deal("C", "2024-01-01", owner="Bob", amount=300).lost("2024-02-01", loss_reason="price", amount=0)
    w.deal("D", "2024-01-01", owner="Bob", amount=50).lost("2024-03-01")
    w.deal("E", "2024-01-01", owner="Bob", amount=900).won("2024-03-01")
    return w.session()


def test_reasons_of_losses(losses: Any) -> None:
    """Price 2 / 4, product and nobody knows 1 / 4 each; of each rep the own losses are the whole. By value price is 400 / 500."""
    assert by(losses, "win_loss_reasons", "loss_reason", period=Q1) == {"price": 0.5, "product": 0.25, "(none)": 0.25}
    assert by(losses, "win_loss_reasons", "owner,loss_reason", period=Q1) == {
        ("Ann", "price"): 0.5, ("Ann", "product"): 0.5, ("Bob", "price"): 0.5, ("Bob", "(none)"): 0.5,
    }  # fmt: skip
    assert by(losses, "win_loss_reasons.value", "loss_reason", period=Q1)["price"] == 0.8
    months = query(losses, BOSS, "win_loss_reasons", by="loss_reason", period="month", from_="2024-02", to="2024-03")
    assert [(row["period"], row["loss_reason"], round(row["win_loss_reasons"], 2)) for row in months.to_pylist()] == [
        ("2024-02", "price", 0.67), ("2024-02", "product", 0.33), ("2024-03", "(none)", 1.0),
    ]  # fmt: skip


def test_a_reason_is_explained_and_opened_as_it_is_shown(losses: Any) -> None:
    """2 of 4, not 2 of 2: the other reasons belong to the whole. What is not the reader's does not."""
    cell = {"loss_reason": "price"}
    told = explain(losses, BOSS, "win_loss_reasons", cell=cell, period=Q1)
    assert [(one.title, one.value, one.rule) for one in told.inputs] == [
        ("lost", 2, "where status = 'lost'"), ("all lost", 4, "where status = 'lost'; of every loss reason"),
    ]  # fmt: skip
    assert told.value == 0.5
    found = drill(losses, BOSS, "win_loss_reasons", cell=cell, period=Q1)
    assert found.totals == {"lost": 2, "all_lost": 4}
    assert [(row["name"], row["lost"], row["all_lost"]) for row in found.to_pylist()] == [
        ("A", 1, 1), ("B", None, 1), ("C", 1, 1), ("D", None, 1),
    ]  # fmt: skip
    ann = Actor("ann", losses.query("SELECT id FROM person WHERE name = 'Ann'").column(0)[0].as_py(), sees_all=False)
    rows = query(losses, ann, "win_loss_reasons", by="loss_reason", period=Q1).to_pylist()
    assert {row["loss_reason"]: row["win_loss_reasons"] for row in rows} == {"price": 0.5, "product": 0.5}


# The team's own target ------------------------------------------------------------------------------------------------------


def test_a_team_is_measured_by_its_own_target() -> None:
    """Ann and Bob of Red won 60 each: 120 of the team's 150, and 120 of the 200 that its members have. The year's target
    beside it is not added to the quarter's; Blue has members' quotas, but no target."""
    w = World(today="2024-03-31")
    w.people("Ann", "Bob", "Cid")
    for name, team in (("Ann", "Red"), ("Bob", "Red"), ("Cid", "Blue")):
        w.member(team, name)
        w.quota(name, "2024-01-01", "2024-03-31", 100)
        w.deal(f"deal of {name}", "2024-01-01", owner=name, amount=60).won("2024-02-01")
    w.quota(None, "2024-01-01", "2024-03-31", 150, team=w.ids("team", "Red"))
    w.quota(None, "2024-01-01", "2024-12-31", 700, team=w.ids("team", "Red"))
    session = w.session()
    assert by(session, "quota_attainment.team_target", "team", period=Q1) == {"Red": 0.8, "Blue": None}
    assert by(session, "quota_attainment", "team", period=Q1) == {"Red": 0.6, "Blue": 0.6}
    year = query(session, BOSS, "quota_attainment.team_target", by="team", period="2024").to_pylist()
    assert [int(row["quota_attainment.team_target__quota"]) for row in year if row["team"] == "Red"] == [700]
    assert drill(session, BOSS, "quota_attainment.team_target", cell={"team": "Red"}, period=Q1).totals == {
        "credited": 1_200_000, "quota": 1_500_000,
    }  # fmt: skip


# New reps --------------------------------------------------------------------------------------------------------------------

MONTHS = [f"2024-{month:02}" for month in range(1, 13)]
NEW = {
    "N1": ("2024-01-01", None, {"2024-02": 80, "2024-03": 80, "2024-04": 80}),
    "N2": ("2024-01-01", None, dict.fromkeys(MONTHS, 90)),
    "N3": ("2024-01-15", None, {"2024-01": 999, "2024-04": 240}),
    "N4": ("2024-01-01", "2024-05-01", {"2024-01": 10}),
    "N5": ("2024-01-01", None, {"2024-06": 10}),
}


@pytest.fixture(scope="module")
def newcomers() -> World:
    """Five tenured reps win 100 a month each; five start in January 2024.

    | rep | from   | wins                | three months' mean reaches 80 in                                |
    | N1  | 1 Jan  | 80 from Feb to Apr  | month 4 (Feb, Mar, Apr); Jan to Mar is 53                       |
    | N2  | 1 Jan  | 90 a month          | month 3, the first that there can be                            |
    | N3  | 15 Jan | 240 in April        | month 3: the first full month is February, (0 + 0 + 240) / 3    |
    | N4  | 1 Jan  | 10                  | never: left at the end of April, censored at month 4            |
    | N5  | 1 Jan  | 10                  | never: censored at month 12                                     |
    """
    w = World(today="2024-12-31")
    for n in range(1, 6):
        w.people(f"T{n}")
        w.interval("employment", "2022-01-01", person=w.ids("person", f"T{n}"))
        for month in [*(f"2023-{m:02}" for m in range(1, 13)), *MONTHS]:
            w.deal(f"T{n} {month}", f"{month}-01", owner=f"T{n}", amount=100).won(f"{month}-05")
    for name, (start, end, wins) in NEW.items():
        w.people(name)
        w.interval("employment", start, end, person=w.ids("person", name))
        for month, amount in wins.items():
            w.deal(f"{name} {month}", f"{month}-01", owner=name, amount=amount).won(f"{month}-28")
    w.deal("N4 open", "2024-01-02", owner="N4")
    w.people("no rep")
    w.interval("employment", "2024-01-01", person=w.ids("person", "no rep"))  # neither deal nor quota: no newcomer
    return w


def test_ramp_of_new_reps(newcomers: World) -> None:
    """At 3 months S = 3/5; at 4 one of the three left gets there: 3/5 x 2/3 = 0.4. So 4 months, as `metrics.peers` says."""
    session = newcomers.session()
    assert ask(session, "rep_ramp_months", period=Q1) == 4
    rows = [
        (name, number, wins.get(month, 0))
        for name, (start, end, wins) in NEW.items()
        for number, month in enumerate((m for m in MONTHS if m > start[:7] or start.endswith("-01")), 1)
        if end is None or month < end[:7]
    ]
    assert ramp(*zip(*rows, strict=True), tenured=[100] * 60).median == 4


def test_ramp_is_not_shown_of_fewer_than_five(newcomers: World) -> None:
    """Of nobody alone; nor before anybody got there, nor where nobody started."""
    session = newcomers.session()
    assert set(by(session, "rep_ramp_months", "owner", period=Q1).values()) == {None}
    assert ask(session, "rep_ramp_months", period=Q1, as_of="2024-02-29") is None
    told = explain(session, BOSS, "rep_ramp_months", cell={"owner": "N1"}, period=Q1)
    assert "fewer than 5 new reps" in str(told.empty_reason)
    assert "there are no reps whose first full month was seen" in str(
        explain(session, BOSS, "rep_ramp_months", period="2024-Q3").empty_reason
    )


def test_ramp_needs_a_level() -> None:
    """Nobody is known to be tenured: five started in January, and nobody said since when the other five are here."""
    w = World(today="2024-12-31")
    for n in range(1, 6):
        w.people(f"U{n}")
        w.interval("employment", None, person=w.ids("person", f"U{n}"))
        for month in MONTHS:
            w.deal(f"U{n} {month}", "2024-01-01", owner=f"U{n}").won(f"{month}-10")
    for n in range(1, 6):
        w.people(f"N{n}")
        w.interval("employment", "2024-01-01", person=w.ids("person", f"N{n}"))
        w.deal(f"D{n}", "2024-01-01", owner=f"N{n}").won("2024-02-01")
    answer = query(w.session(), BOSS, "rep_ramp_months", period=Q1)
    assert answer.value() is None
    assert "5 records (reps whose first full month was seen) were left out: fewer than 5 tenured" in str(answer.empty)


def test_the_months_of_each_newcomer_are_listed(newcomers: World) -> None:
    """As the table above says."""
    found = drill(newcomers.session(), BOSS, "rep_ramp_months", period=Q1)
    assert {row["name"]: row["months"] for row in found.to_pylist()} == {"N1": 4, "N2": 3, "N3": 3, "N4": 4, "N5": 12}


# Growth -----------------------------------------------------------------------------------------------------------------------


def test_growth_against_the_year_before() -> None:
    """120 in the first quarter of 2024 after 100 a year before: +20 %; 240 in the quarter before: -50 %."""
    w = World(today="2024-03-31")
    for day, amount in (("2023-02-01", 100), ("2023-12-01", 240), ("2024-02-01", 120)):
        w.deal(day, day, amount=amount).won(day)
    session = w.session()
    for compare, before, change in (("year_ago", 100, 0.2), ("previous", 240, -0.5)):
        row = query(session, BOSS, "bookings", period=Q1, compare=compare).to_pylist()[0]
        assert (row["bookings"], row[f"bookings__{compare}"], row["bookings__change"]) == (120, before, change)
