"""Asking: periods, as of, filters, dimensions, currency, what is said beside the numbers, who sees what."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, World

from salesops.common.errors import InvalidData, NotFound, UsageError
from salesops.metrics.catalogue import every
from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.query import query


@pytest.fixture
def world() -> World:
    """Ann reports to Bob; Cid is somebody else's."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob", "Cid")
    w.manages("Bob", "Ann")
    return w


def values(answer: Any, name: str, key: str) -> dict[Any, Any]:
    """One column by another."""
    return {row[key]: row[name] for row in answer.to_pylist()}


# Periods and days -------------------------------------------------------------------------------------------------------


def test_periods_are_given_with_both_edges(world: World) -> None:
    """Inclusive; every period of the span has a row, an empty one too."""
    world.deal("A", "2024-01-01", amount=5).won("2024-03-31")
    answer = query(world.session(), BOSS, "bookings", period="quarter", from_="2024-01-01", to="2024-06-30")
    assert [(r["period"], r["from"], r["to"], r["bookings"]) for r in answer.to_pylist()] == [
        ("2024-Q1", date(2024, 1, 1), date(2024, 3, 31), 5),
        ("2024-Q2", date(2024, 4, 1), date(2024, 6, 30), 0),
    ]


@pytest.mark.parametrize(
    "question", [{"period": "2024-Q1"}, {"from_": "2024-Q1"}, {"from_": "2024-01", "to": "2024-03-31"}]
)
def test_a_period_can_be_named_in_several_ways(world: World, question: dict[str, str]) -> None:
    """All mean the first quarter."""
    world.deal("A", "2024-01-01", amount=5).won("2024-03-31")
    world.deal("B", "2024-01-01", amount=7).won("2024-04-01")
    assert query(world.session(), BOSS, "bookings", **question).value() == 5


def test_as_of_takes_the_state_of_that_evening(world: World) -> None:
    """Won in March for 5, corrected to 6 in April, lost in May, deleted in June."""
    deal = world.deal("A", "2024-01-01", amount=5).won("2024-03-10").on("2024-04-10", amount=6)
    deal.lost("2024-05-10").deleted("2024-06-10")
    session = world.session()

    def won(as_of: str) -> Any:
        return query(session, BOSS, "bookings", period="2024-Q1", as_of=as_of).value()

    assert [won(day) for day in ("2024-03-09", "2024-03-10", "2024-04-10", "2024-05-10", "2024-06-10")] == [
        0,
        5,
        6,
        0,
        0,
    ]
    lost = query(session, BOSS, "lost_deals", period="2024-Q2", as_of="2024-05-31").value()
    assert lost == 1  # its latest close counts, once


def test_later_than_known_is_refused(world: World) -> None:
    """Nobody can have known it."""
    session = world.session()
    session.as_known_on = date(2024, 3, 31)
    with pytest.raises(UsageError, match="later than as known on"):
        query(session, BOSS, "bookings", as_of="2024-04-01")
    assert query(session, BOSS, "bookings").as_of == date(2024, 3, 31)
    with pytest.raises(UsageError, match="Open it with"):
        query(session, BOSS, "bookings", as_known_on="2024-05-31")


def test_open_evenings_as_of_each_period_end(world: World) -> None:
    """A deleted deal is in no past period, unless every evening is asked as of itself. Both ways of computing agree."""
    world.deal("A", "2024-01-01", amount=5).on("2024-02-10", amount=8).deleted("2024-05-01")
    world.deal("B", "2024-01-20", owner="Ann", amount=100).won("2024-03-31")
    session = world.session()
    name = "open_pipeline.all_open"
    months = {"period": "month", "from_": "2024-01", "to": "2024-06"}
    now = query(session, BOSS, name, **months)
    assert list(values(now, name, "period").values()) == [100, 100, 0, 0, 0, 0]
    then = query(session, BOSS, name, as_of="period_end", **months)
    assert list(values(then, name, "period").values()) == [105, 108, 8, 8, 0, 0]
    slow = query(session, BOSS, name, as_of="period_end", where="amount > 0", **months)
    assert slow.rows == then.rows
    with pytest.raises(UsageError, match="as of each period's end"):
        query(session, BOSS, "bookings", as_of="period_end", **months)


# Dimensions -------------------------------------------------------------------------------------------------------------


def test_a_won_deal_stays_with_the_owner_and_team_of_its_close_day(world: World) -> None:
    """Ann won it in Red; she moved to Blue, and the deal to Cid."""
    world.member("Red", "Ann", None, "2024-04-01")
    world.member("Blue", "Ann", "2024-04-01")
    world.deal("A", "2024-01-01", owner="Ann", amount=5).won("2024-03-10").on("2024-05-01", owner="Cid")
    session = world.session()
    assert values(query(session, BOSS, "bookings", by="owner"), "bookings", "owner") == {"Ann": 5}
    assert values(query(session, BOSS, "bookings", by="team"), "bookings", "team") == {"Red": 5}
    assert values(query(session, BOSS, "bookings", by="manager"), "bookings", "manager") == {"Bob": 5}


def test_two_teams_on_one_day_do_not_multiply(world: World) -> None:
    """The row with the lowest id decides; what belongs to nobody is a group of its own."""
    world.member("Red", "Ann")
    world.member("Blue", "Ann")
    world.deal("A", "2024-01-01", owner="Ann", amount=5).won("2024-03-10")
    world.deal("B", "2024-01-01", owner="Cid", amount=7).won("2024-03-10")
    world.deal("C", "2024-01-01", owner=None, amount=9).won("2024-03-10")
    answer = query(world.session(), BOSS, "bookings", by="team", totals=True)
    assert values(answer, "bookings", "team") == {"Red": 5, "(none)": 16, "(all)": 21}


def test_by_product_the_amount_is_allocated_over_lines(world: World) -> None:
    """100 over 1 : 1 : 1 by largest remainder; a deal without lines is (none); the parts add up."""
    world.deal("A", "2024-01-01", amount=100).won("2024-03-10")
    world.deal("B", "2024-01-01", amount=7).won("2024-03-10")
    for product, line in (("P", "L"), ("Q", "L"), ("R", "M")):
        world.line("A", product, 10, line)
    session = world.session()
    found = values(query(session, BOSS, "bookings", by="product"), "bookings", "product")
    assert {k: str(v) for k, v in found.items()} == {"P": "33.3334", "Q": "33.3333", "R": "33.3333", "(none)": "7.0000"}
    found = values(query(session, BOSS, "bookings", by="product_line"), "bookings", "product_line")
    assert found == {"L": Decimal("66.6667"), "M": Decimal("33.3333"), "(none)": 7}
    assert drill(session, BOSS, "bookings", cell={"product": "P"}).totals == {"won": 333_334}


def test_custom_fields_and_fields_of_the_account(world: World) -> None:
    """As dimension and filter."""
    world.thing("account", "Acme", industry="Steel", region="West")
    world.deal("A", "2024-01-01", amount=5, account="Acme", custom_tier="gold").won("2024-03-10")
    world.deal("B", "2024-01-01", amount=7).won("2024-03-10")
    session = world.session()
    assert values(query(session, BOSS, "bookings", by="custom.tier"), "bookings", "custom.tier") == {
        "gold": 5,
        "(none)": 7,
    }
    assert values(query(session, BOSS, "bookings", by="industry"), "bookings", "industry") == {"Steel": 5, "(none)": 7}
    assert values(query(session, BOSS, "bookings", by="region"), "bookings", "region") == {"West": 5, "(none)": 7}
    assert query(session, BOSS, "bookings", where="custom.tier = 'gold'").value() == 5
    assert query(session, BOSS, "bookings", where={"account.industry": "Steel"}).value() == 5


def test_filters(world: World) -> None:
    """An expression, a mapping of names, ids, several values, and nothing."""
    world.deal("A", "2024-01-01", owner="Ann", amount=5, source="web").won("2024-03-10")
    world.deal("B", "2024-01-01", owner="Cid", amount=7).won("2024-03-10")
    session = world.session()

    def won(where: Any) -> Any:
        return query(session, BOSS, "bookings", where=where).value()

    assert won("owner = 'Ann'") == 5
    assert won("amount > 5 and owner in ('Ann', 'Cid')") == 7
    assert won({"owner": ["Ann", "Cid"]}) == 12
    assert won({"owner": world.ids("person", "Cid")}) == 7
    assert won({"source": None}) == 7
    assert won({"source": ["web", "(none)"]}) == 12
    with pytest.raises(InvalidData):
        won("nobody = 'Ann'")
    with pytest.raises(UsageError, match="no field"):
        won({"nobody": 1})


def test_quotes_in_names_are_data(world: World) -> None:
    """Nothing of a question is pasted into SQL."""
    world.people("O'Hara')--")
    world.deal("A", "2024-01-01", owner="O'Hara')--", amount=5).won("2024-03-10")
    session = world.session()
    assert query(session, BOSS, "bookings", where={"owner": "O'Hara')--"}).value() == 5
    assert values(query(session, BOSS, "bookings", by="owner"), "bookings", "owner") == {"O'Hara')--": 5}


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"metrics": "win_rat"}, NotFound),
        ({"metrics": "win_rate.values"}, NotFound),
        ({"metrics": ""}, UsageError),
        ({"metrics": "pipeline_waterfall"}, UsageError),
        ({"metrics": "win_rate", "by": "colour"}, UsageError),
        ({"metrics": "win_rate", "period": "fortnight"}, UsageError),
        ({"metrics": "win_rate", "from_": "2024-02-01", "to": "2024-01-01"}, UsageError),
        ({"metrics": "win_rate", "as_of": "today"}, UsageError),
        ({"metrics": "win_rate", "compare": "yesterday", "period": "month"}, UsageError),
    ],
)
def test_mistakes_name_their_remedy(world: World, question: dict[str, Any], error: type[Exception]) -> None:
    """And what could be written instead."""
    with pytest.raises(error) as caught:
        query(world.session(), BOSS, question.pop("metrics"), **question)
    assert caught.value.remedy  # type: ignore[attr-defined]


# Money ------------------------------------------------------------------------------------------------------------------


def test_amounts_convert_per_record_half_to_even(world: World) -> None:
    """0.0001 x 1.5 = 0.00015 -> 0.0002; 0.0003 x 1.5 = 0.00045 -> 0.0004; a currency without a rate is unknown."""
    world.rate("EUR", "2023-06-01", "1.5")
    world.deal("A", "2024-01-01", amount="0.0001", currency="EUR").won("2024-03-10")
    world.deal("B", "2024-01-01", amount="0.0003", currency="EUR").won("2024-03-10")
    world.deal("C", "2024-01-01", amount=5, currency="XAF").won("2024-03-10")
    answer = query(world.session(), BOSS, "bookings")
    assert answer.value() == Decimal("0.0006")
    assert "bookings: 1 left out of won: the amount is unknown" in answer.notes


def test_all_unknown_is_no_value_nothing_is_zero(world: World) -> None:
    """Null is not zero."""
    world.deal("A", "2024-01-01", amount=None).won("2024-03-10")
    answer = query(world.session(), BOSS, "bookings", period="2024-Q1")
    assert answer.value() is None
    assert "left out: the amount is unknown" in answer.empty["bookings"]
    assert query(world.session(), BOSS, "bookings", period="2024-Q2").value() == 0


def test_targets_stand_beside(world: World) -> None:
    """A goal of the company for the quarter."""
    world.deal("A", "2024-01-01", amount=50).won("2024-03-10")
    world.quota(None, "2024-01-01", "2024-03-31", 200, kind="goal")
    row = query(world.session(), BOSS, "bookings", period="2024-Q1", compare="target").to_pylist()[0]
    assert (row["bookings__target"], row["bookings__reached"]) == (200, 0.25)


# Who sees ---------------------------------------------------------------------------------------------------------------


def test_visible_and_hidden_add_up(world: World) -> None:
    """Ann sees hers, Bob also Ann's, a user without a person nothing; the rest is counted, not summed."""
    for n, owner in enumerate(("Ann", "Ann", "Bob", "Cid", None)):
        world.deal(f"D{n}", "2024-01-01", owner=owner, amount=10**n).won("2024-03-10")
    session = world.session()
    seen = {}
    for name in ("Ann", "Bob", "Cid"):
        answer = query(session, Actor(name, world.ids("person", name), False), "bookings,won_deals")
        row = answer.to_pylist()[0]
        seen[name] = (int(row["bookings"]), row["won_deals"], answer.hidden)
    assert seen == {"Ann": (11, 2, 3), "Bob": (111, 3, 2), "Cid": (1000, 1, 4)}
    nobody = query(session, Actor("x", None, False), "won_deals")
    assert (nobody.value(), nobody.hidden, nobody.notes[-1]) == (0, 5, "5 more, not yours")


def test_the_count_of_undated_records_is_the_companys(world: World) -> None:
    """Only those who see all records learn how many have no date."""
    world.add("undated", entity="opportunity", id=1)
    session = world.session()
    ann = Actor("Ann", world.ids("person", "Ann"), False)
    for actor, told in ((BOSS, True), (ann, False)):
        notes = [*query(session, actor, "bookings").notes, *explain(session, actor, "bookings").notes]
        assert any("have no date" in note for note in notes) is told


def test_owner_now_and_owner_then_both_see(world: World) -> None:
    """Ann won it, Cid has it now."""
    world.deal("A", "2024-01-01", owner="Ann", amount=5).won("2024-03-10").on("2024-05-01", owner="Cid")
    session = world.session()
    for name in ("Ann", "Bob", "Cid"):
        assert query(session, Actor(name, world.ids("person", name), False), "bookings").value() == 5


@pytest.mark.parametrize("name", [one.name for one in every()])
def test_permissions_hold_in_every_metric_drill_and_explanation(name: str) -> None:
    """Somebody who owns nothing sees no record of any metric, through any door."""
    w = World(today="2024-06-30")
    w.people("Ann", "Zed")
    w.deal("A", "2024-01-01", owner="Ann", amount=5, type="new", expected_close="2024-05-01").won("2024-03-10")
    w.deal("B", "2024-01-01", owner="Ann", amount=5, expected_close="2024-05-01")
    w.lead("l", "2024-01-02", "2024-01-09", "A", owner="Ann")
    w.events("1", "2024-01-01 a", "2024-01-03 b")
    w.job("Ann", "2023-01-01")
    w.hours(480)
    w.act("meeting", "2024-02-01", "Ann", 30, external=True, booked="2024-01-30")
    w.act("proposal", "2024-02-01", "Ann", 30, opportunity="B")
    w.report("Ann", "2024-02-01", selling=30, admin=30)
    w.line("A", "licence", 5, recurring=True, term_months=12)
    w.deal("C", "2023-12-01", owner="Ann", amount=5, expected_close="2024-05-01")
    w.deal("D", "2023-12-01", owner="Ann", amount=5).won("2023-12-10")
    w.activity("C", "2024-02-01", "demo")
    w.people("Nell")
    w.job("Nell", "2024-01-01")
    w.deal("N", "2024-01-01", owner="Nell", account=w.account("Acme", owner=w.ids("person", "Ann"))).won("2024-02-01")
    w.order_line(w.order("Acme", "2024-02-01", 5, owner="Ann"), "2024-02-01", "licence", 5, cost=3)
    w.invoice("Acme", "2024-02-02", 5)
    w.happens("payment", "2024-02-03", 5, invoice=1)
    w.subscribes("Acme", "2023-11-01", None, 5, "0.8")
    w.subscribes("Beta", "2024-01-05", None, 5, "0.8")
    w.cost("2024-01-01", 5, person=w.ids("person", "Ann"))
    w.quota("Ann", "2024-01-01", "2024-12-31", 5)
    w.calls("Ann", "2024-01-02", "2024-01-01", "2024-03-31", 5)
    period = (
        "2024-Q1" if name.startswith(("forecast_", "wape")) else "2024"
    )  # only what has ended is held against its calls
    session, zed = w.session(), Actor("Zed", w.ids("person", "Zed"), False)
    answer = query(session, zed, [name], period=period)
    figures = {k: v for k, v in answer.to_pylist()[0].items() if "__" in k and not k.endswith("__currency")}
    assert not any(figures.values())
    assert answer.hidden > 0
    assert drill(session, zed, name, period=period).total == 0
    assert not any(
        one.value for one in explain(session, zed, name, period=period).walk() if one.inputs == () and one.value != 0
    )


# Drill and explanation ----------------------------------------------------------------------------------------------------


def test_the_drill_sums_to_the_cell_in_pages(world: World) -> None:
    """Three deals, two a page."""
    for n in range(3):
        world.deal(f"D{n}", "2024-01-01", owner="Ann", amount=n + 1).won(f"2024-03-1{n}")
    world.deal("other", "2024-01-01", owner="Bob").won("2024-03-10")
    session = world.session()
    page = drill(session, BOSS, "bookings", cell={"owner": "Ann"}, limit=2)
    assert (page.total, page.totals["won"]) == (3, 60_000)
    assert [(r["name"], r["day"], r["won"]) for r in page.to_pylist()] == [
        ("D0", date(2024, 3, 10), 10_000),
        ("D1", date(2024, 3, 11), 20_000),
    ]
    assert [
        r["name"] for r in drill(session, BOSS, "bookings", cell={"owner": "Ann"}, limit=2, offset=2).to_pylist()
    ] == ["D2"]


def test_a_drilled_record_is_named_by_its_source(world: World) -> None:
    """The id in the source stands beside the name; a record made in the product has none, a merged one the first."""
    for name in ("A", "B"):
        world.deal(name, "2024-01-01", owner="Ann").won("2024-03-10")
        world.add(
            "source_system", id=world.ids("opportunity", name), entity="opportunity", system="app", external_id="0"
        )
    for system, key in (("crm", "1C1I7A6R"), ("old", "9Z")):
        world.add(
            "source_system", id=world.ids("opportunity", "A"), entity="opportunity", system=system, external_id=key
        )
    for period in ({}, {"period": "quarter"}):
        rows = drill(world.session(), BOSS, "bookings", **period).to_pylist()  # type: ignore[arg-type]
        assert {row["name"]: row["external_id"] for row in rows} == {"A": "1C1I7A6R", "B": None}


def test_explanation(world: World) -> None:
    """Formula, inputs, definition, the way to the records."""
    world.deal("A", "2024-01-01").won("2024-03-10")
    world.deal("B", "2024-01-01").lost("2024-03-10")
    found = explain(world.session(), BOSS, "win_rate", period="2024-Q1")
    assert (found.value, found.formula) == (0.5, "won / (won + lost)")
    assert {one.title: one.value for one in found.inputs} == {"won": 1, "closed": 2}
    assert found.records is not None
    assert found.records["metric"] == "win_rate"
    assert found.command == "salesops metrics drill win_rate --period 2024-Q1 --as-of 2024-06-30"
    assert found.render().startswith("Win rate, by count: 50.00 %\n")
    west = explain(world.session(), BOSS, "bookings", from_="2024-01-01", where="name = 'A'", cell={"owner": "Ann"})
    assert str(west.command).endswith("--from 2024-01-01 --to 2024-06-30 --as-of 2024-06-30 "
                                      "--where 'name = '\"'\"'A'\"'\"'' --cell owner=Ann")  # fmt: skip
    assert "win_rate" in str(found.definition)
    empty = explain(world.session(), BOSS, "win_rate", period="2024-Q2")
    assert "there are no deals won or lost" in str(empty.empty_reason)


# The other period beside it -----------------------------------------------------------------------------------------------


def test_groups_that_only_the_other_period_has_are_shown_too(world: World) -> None:
    """Ann won 5 in the first quarter, Bob 7 and then 14; Cid's first win, and nobody's, are in the second."""
    world.deal("A", "2024-01-01", owner="Ann", amount=5).won("2024-03-10")
    world.deal("B", "2024-01-01", owner="Bob", amount=7).won("2024-03-10")
    world.deal("C", "2024-01-01", owner="Bob", amount=14).won("2024-04-10")
    world.deal("D", "2024-01-01", owner="Cid", amount=1).won("2024-04-10")
    world.deal("E", "2024-01-01", amount=2).won("2024-04-10")
    session = world.session()
    for compare, question in (("previous", {"period": "2024-Q2"}), ("previous", {"from_": "2024-Q2"})):
        rows = query(session, BOSS, "bookings,won_deals", by="owner", compare=compare, **question).to_pylist()
        found = {
            row["owner"]: (row["bookings"], row[f"bookings__{compare}"], row["bookings__change"], row["won_deals"])
            for row in rows
        }
        assert found == {
            "(none)": (2, None, None, 1), "Ann": (None, 5, None, None), "Bob": (14, 7, 1.0, 1), "Cid": (1, None, None, 1),
        }  # fmt: skip
        assert [row["owner"] for row in rows] == ["(none)", "Ann", "Bob", "Cid"]
        assert {row["from"] for row in rows} == {date(2024, 4, 1)}


def test_the_year_before_by_month_has_its_own_groups(world: World) -> None:
    """Ann won in April 2023, Bob in April 2024: each month of either is set beside the other year's."""
    world.deal("A", "2023-01-01", owner="Ann", amount=5, source="Web").won("2023-04-10")
    world.deal("B", "2024-01-01", owner="Bob", amount=7, source="Fair").won("2024-04-10")
    for by, names in (("owner", ("Ann", "Bob")), ("source", ("Web", "Fair"))):
        rows = query(world.session(), BOSS, "bookings", by=by, period="month", from_="2024-04", to="2024-05",
                     compare="year_ago", totals=True).to_pylist()  # fmt: skip
        found = {(row["period"], row[by]): (row["bookings"], row["bookings__year_ago"]) for row in rows}
        assert found == {
            ("2024-04", names[0]): (None, 5), ("2024-04", names[1]): (7, None), ("2024-04", "(all)"): (7, 5),
            ("2024-05", "(all)"): (0, 0),
        }  # fmt: skip
