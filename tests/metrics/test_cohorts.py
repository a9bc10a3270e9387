"""Cohorts of customers, worked by hand: who came when, who stays, what they bring, and what is not known yet."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest
from tests.metrics.build import BOSS, Actor, World
from tests.metrics.test_customers import subscribers

from salesops.common.errors import UsageError
from salesops.metrics import lint
from salesops.metrics.build import Builder
from salesops.metrics.cohorts import KINDS, _request, _statement, cohorts, members
from salesops.metrics.query import query


@pytest.fixture(scope="module")
def shop() -> Any:
    """Orders of five customers, as of 20 April 2024.

    | customer | segment | January | February | March | April |
    | Acme     | SMB     | 100, 20 |          | 30    |       |
    | Beta     | Big     | 50      | 10       |       | 5     |
    | Coda     | SMB     |         | 40       | 40    |       |
    | Dune     |         |         | (unknown)|       |       |
    | Eggs     | Big     |         |          |       | 7     |
    """
    w = World(today="2024-04-20")
    w.people("Ann", "Bob")
    for name, segment, owner in (
        ("Acme", "SMB", "Ann"),
        ("Beta", "Big", "Bob"),
        ("Coda", "SMB", "Ann"),
        ("Dune", None, None),
        ("Eggs", "Big", "Bob"),
    ):
        w.account(name, segment=segment, owner=w.ids("person", owner))
    for name, day, amount in (
        ("Acme", "2024-01-05", 100), ("Acme", "2024-01-05", 20), ("Acme", "2024-03-09", 30), ("Beta", "2024-01-31", 50),
        ("Beta", "2024-02-01", 10), ("Beta", "2024-04-02", 5), ("Coda", "2024-02-10", 40), ("Coda", "2024-03-10", 40),
        ("Dune", "2024-02-11", None), ("Eggs", "2024-04-03", 7),
    ):  # fmt: skip
        w.order(name, day, amount)
    return w.session()


def cells(answer: Any, measure: str) -> dict[str, list[Any]]:
    """One measure by cohort, at each age."""
    found: dict[str, list[Any]] = {}
    for row in answer.to_pylist():
        found.setdefault(row["cohort"], []).append(row[measure])
    return found


def test_customers_by_month_of_their_first_order(shop: Any) -> None:
    """January: Acme and Beta. In February Beta, in March Acme, in April (which runs) Beta. March brought nobody."""
    answer = cohorts(shop, BOSS, period="month")
    assert cells(answer, "active") == {
        "2024-01": [2, 1, 1, 1], "2024-02": [2, 1, 0], "2024-04": [1], "(all)": [4, 2, 1],
    }  # fmt: skip
    assert cells(answer, "customers") == {
        "2024-01": [2] * 4, "2024-02": [2] * 3, "2024-04": [1], "(all)": [4, 4, 2],
    }  # fmt: skip
    assert cells(answer, "retention")["2024-01"] == [1, 0.5, 0.5, 0.5]
    assert cells(answer, "complete")["2024-01"] == [True, True, True, False]


def test_revenue_by_age(shop: Any) -> None:
    """January's 170, 10, 30 and so far 5. Dune's order has no amount: February's 40 is what is known, and a note says so."""
    answer = cohorts(shop, BOSS, period="month")
    assert cells(answer, "revenue") == {
        "2024-01": [170, 10, 30, 5], "2024-02": [40, 40, 0], "2024-04": [7], "(all)": [210, 50, 30],
    }  # fmt: skip
    assert cells(answer, "revenue_retention")["2024-01"] == pytest.approx([1, 10 / 170, 30 / 170, 5 / 170])
    assert cells(answer, "revenue_retention")["(all)"] == pytest.approx([1, 50 / 210, 30 / 170])
    assert cells(answer, "value_to_date")["2024-01"] == [85, 90, 105, 107.5]
    assert cells(answer, "value_to_date")["(all)"] == [52.5, 65, 105]
    assert any("1 amounts are unknown" in note for note in answer.notes)
    assert any("2024-04 runs until 2024-04-30" in note for note in answer.notes)


def test_all_cohorts_at_an_age_are_those_that_are_complete_there(shop: Any) -> None:
    """At age 2 only January's; its age 3 is April, which runs, and so is in no sum."""
    rows = {row["age"]: row for row in cohorts(shop, BOSS, period="month").to_pylist() if row["cohort"] == "(all)"}
    assert [(age, row["cohorts"], row["retention"]) for age, row in rows.items()] == [
        (0, 2, 1),
        (1, 2, 0.5),
        (2, 1, 0.5),
    ]


def test_a_matrix_for_people(shop: Any) -> None:
    """A row per cohort, a column per age."""
    answer = cohorts(shop, BOSS, period="month", ages=2)
    rows = answer.matrix("retention", complete=True).to_pylist()
    assert rows[0] == {"cohort": "2024-01", "customers": 2, "0": 1.0, "1": 0.5, "2": 0.5}
    assert rows[2] == {"cohort": "2024-04", "customers": 1, "0": None, "1": None, "2": None}
    assert answer.matrix("revenue").to_pylist()[1]["1"] == Decimal(40)
    with pytest.raises(UsageError, match="have no 'luck'"):
        answer.matrix("luck")


def test_cohorts_by_segment_and_filtered(shop: Any) -> None:
    """The customer's segment of the first day."""
    answer = cohorts(shop, BOSS, period="month", by="segment", to="2024-01")
    rows = [(r["cohort"], r["segment"], r["age"], r["active"]) for r in answer.to_pylist() if r["cohort"] != "(all)"]
    assert rows == [
        *(("2024-01", "Big", age, active) for age, active in enumerate([1, 1, 0, 1])),
        *(("2024-01", "SMB", age, active) for age, active in enumerate([1, 0, 1, 0])),
    ]
    filtered = cohorts(shop, BOSS, period="month", where="segment = 'SMB'")
    assert cells(filtered, "active") == {"2024-01": [1, 0, 1, 0], "2024-02": [1, 1, 0], "(all)": [2, 1, 1]}
    assert [row["account"] for row in cohorts(shop, BOSS, by="account", period="year").to_pylist()] == [
        "Acme", "Beta", "Coda", "Dune", "Eggs",
    ]  # fmt: skip


def test_cohorts_as_of_a_day(shop: Any) -> None:
    """On 9 February Coda was not there; February runs."""
    answer = cohorts(shop, BOSS, period="month", as_of="2024-02-09")
    assert cells(answer, "active") == {"2024-01": [2, 1], "(all)": [2]}
    assert cells(cohorts(shop, BOSS, period="month", from_="2024-02"), "active") == {
        "2024-02": [2, 1, 0], "2024-04": [1], "(all)": [2, 1],
    }  # fmt: skip
    assert cohorts(shop, BOSS, as_of="2023-06-01").to_pylist() == []


def test_the_customers_of_a_cell(shop: Any) -> None:
    """Who came in January and bought in March; who came in February, with what they brought so far."""
    found = members(shop, BOSS, "2024-01", 2)
    assert [(row["name"], row["purchases"], row["revenue"]) for row in found.to_pylist()] == [("Acme", 1, 30)]
    found = members(shop, BOSS, "2024-02")
    assert [(row["name"], str(row["first_day"]), row["revenue"]) for row in found.to_pylist()] == [
        ("Coda", "2024-02-10", 80), ("Dune", "2024-02-11", None),
    ]  # fmt: skip
    assert (members(shop, BOSS, "2024-Q1", 0, cell={"segment": "SMB"}).total, members(shop, BOSS, "2024").total) == (
        2,
        5,
    )
    assert [row["name"] for row in members(shop, BOSS, "2024", offset=3, limit=1).to_pylist()] == ["Dune"]
    with pytest.raises(UsageError, match="has no age 5"):
        members(shop, BOSS, "2024-01", 5)


@pytest.mark.parametrize("of", ["orders", "subscriptions"])
def test_every_cell_opens_to_its_customers(shop: Any, of: str) -> None:
    """As many, and with the same revenue."""
    session = shop if of == "orders" else subscribers().session()
    for row in cohorts(session, BOSS, of=of, period="month").to_pylist():
        if row["cohort"] != "(all)":
            found = members(session, BOSS, row["cohort"], row["age"], of=of)
            assert (found.total, found.revenue or 0) == (row["active"], row["revenue"])
            assert members(session, BOSS, row["cohort"], of=of).total == row["customers"]


def test_a_rep_sees_cohorts_of_their_customers(shop: Any) -> None:
    """Ann's Acme and Coda; three more are counted."""
    number = shop.con.execute("SELECT id FROM person WHERE name = 'Ann'").fetchone()[0]
    answer = cohorts(shop, Actor("ann", person=number, sees_all=False), period="month")
    assert cells(answer, "active") == {"2024-01": [1, 0, 1, 0], "2024-02": [1, 1, 0], "(all)": [2, 1, 1]}
    assert answer.hidden == 3


def test_subscribers_by_quarter() -> None:
    """Of 2023-Q4: Acme 100, Beta 200, Coda 50 in its last evening; Eggs had left by then (70), and is back in the next quarter."""
    w = subscribers()
    w.subscribes("Old", None, None, 1000)
    answer = cohorts(w.session(), BOSS, of="subscriptions")
    assert cells(answer, "customers") == {"2023-Q4": [4, 4], "2024-Q1": [1], "(all)": [5, 4]}
    assert cells(answer, "active") == {"2023-Q4": [3, 3], "2024-Q1": [1], "(all)": [4, 3]}
    assert cells(answer, "revenue") == {"2023-Q4": [350, 140 + 150 + 90], "2024-Q1": [300], "(all)": [650, 380]}
    assert cells(answer, "value_to_date")["(all)"] == [None, None]  # evenings never add up
    assert any("1 customers have a subscription without a first day" in note for note in answer.notes)


def test_customers_by_first_win() -> None:
    """Acme wins again a quarter later."""
    w = World(today="2024-06-30")
    w.account("Acme")
    w.account("Beta")
    w.deal("A", "2024-01-01", account="Acme", amount=10).won("2024-02-01")
    w.deal("B", "2024-01-01", account="Acme", amount=30).won("2024-05-01")
    w.deal("C", "2024-01-01", account="Beta", amount=20).won("2024-03-01")
    w.deal("D", "2024-01-01", account="Beta", amount=20).lost("2024-05-01")
    answer = cohorts(w.session(), BOSS, of="wins")
    assert cells(answer, "active") == {"2024-Q1": [2, 1], "(all)": [2, 1]}
    assert cells(answer, "revenue") == {"2024-Q1": [30, 30], "(all)": [30, 30]}


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"of": "luck"}, "no cohorts of 'luck'"),
        ({"period": "day"}, "'day' is no grain"),
        ({"ages": -1}, "highest age"),
        ({"by": "stage"}, "cannot be split by 'stage'"),
        ({"from_": "2024-03", "to": "2024-01"}, "before they start"),
    ],
)
def test_what_cannot_be_asked(shop: Any, question: dict[str, Any], message: str) -> None:
    """With the remedy."""
    with pytest.raises(UsageError, match=message) as raised:
        cohorts(shop, BOSS, **question)
    assert raised.value.remedy


@pytest.mark.parametrize("of", KINDS)
def test_the_statement_means_the_same_on_every_engine(shop: Any, of: str) -> None:
    """Nothing in it that the lint refuses."""
    request, born = _request(shop, KINDS[of], "month", "2024-01-01", None, "owner", None, None, "EUR", None)
    assert list(lint.problems(of, _statement(Builder(shop, BOSS, request), KINDS[of], born))) == []


# Real data ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cdnow(shared: Path) -> Any:
    """69,659 purchases of 23,570 customers, as orders."""
    w = World(today="1998-06-30")
    table = pyarrow.csv.read_csv(
        shared / "data" / "cdnow" / "cdnow_restored_1997.csv",
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"amt": pyarrow.decimal128(12, 4), "id": pyarrow.string()}
        ),
    )
    session = w.session()
    session.con.register("bought", table)
    session.con.execute(
        """INSERT INTO "order" BY NAME SELECT row_number() OVER () AS id, CAST(id AS BIGINT) + 1000000 AS account, date AS ordered_on,
        date AS created_on, date AS day_from, DATE '9999-12-31' AS day_to, false AS deleted, 'USD' AS currency,
        CAST(amt * 10000 AS BIGINT) AS amount FROM bought"""
    )
    return session


def test_cdnow(cdnow: Any) -> None:
    """As shared/data/README.md gives it: 2,500,315.63 in all, 0.488587 came back, 106.080426 each."""
    row = query(cdnow, BOSS, "order_revenue,repeat_purchase_share,customer_value_to_date").to_pylist()[0]
    assert row["order_revenue"] == Decimal("2500315.63")
    assert round(row["repeat_purchase_share"], 6) == 0.488587
    assert round(row["customer_value_to_date"], 6) == 106.080426


def test_cohorts_of_cdnow(cdnow: Any) -> None:
    """Everybody came in the first quarter of 1997; what they brought at every age is what was ordered in every period."""
    answer = cohorts(cdnow, BOSS)
    found = cells(answer, "revenue")
    assert list(found) == ["1997-Q1", "(all)"]
    assert cells(answer, "customers")["1997-Q1"][0] == 23_570
    ordered = query(cdnow, BOSS, "order_revenue", period="quarter").to_pylist()
    assert found["1997-Q1"] == [row["order_revenue"] for row in ordered]
    bought = query(cdnow, BOSS, "active_customers.buying", period="quarter").to_pylist()
    assert cells(answer, "active")["1997-Q1"] == [row["active_customers.buying"] for row in bought]
    assert round(cells(answer, "value_to_date")["1997-Q1"][-1], 6) == 106.080426
