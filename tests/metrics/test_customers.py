"""Customers, cost and revenue, worked by hand on a few rows; and the worked figures of the definitions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, World, d

from salesops.common.errors import NotAllowed, UsageError
from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.query import query

Q1 = "2024-Q1"


def ask(session: Any, metric: str, **question: Any) -> Any:
    """The value of one metric in one cell."""
    return query(session, BOSS, [metric], **question).value()


def by(session: Any, metric: str, dimension: str, **question: Any) -> dict[str, Any]:
    """The values of one metric by one dimension."""
    rows = query(session, BOSS, [metric], by=dimension, **question).to_pylist()
    return {row[dimension]: row[metric] for row in rows}


def near(value: Any) -> Any:
    """To twelve digits."""
    return pytest.approx(float(value), rel=1e-12)


# Subscriptions --------------------------------------------------------------------------------------------------------


def subscribers() -> World:
    """Five customers of the first quarter of 2024, whose eve is 31 December 2023.

    | customer | product | from   | to (not included) | a month | margin | eve | end |
    | Acme     | seats   | 1 Nov  |                   | 100     | 80 %   | 100 | 140 |
    |          | support | 10 Feb |                   | 40      |        |     |     |
    | Beta     | seats   | 1 Dec  | 1 Feb             | 200     | 80 %   | 200 | 150 |
    |          | seats   | 1 Feb  |                   | 150     | 80 %   |     |     |
    | Coda     | seats   | 1 Dec  | 15 Jan            | 50      | 80 %   | 50  |     |
    | Dune     | seats   | 10 Jan |                   | 300     | 50 %   |     | 300 |
    | Eggs     | seats   | 1 Oct  | 1 Dec             | 70      | 80 %   |     | 90  |
    |          | seats   | 1 Mar  |                   | 90      | 80 %   |     |     |
    """
    w = World(today="2024-03-31")
    w.people("Ann", "Bob")
    for name, owner, segment in (
        ("Acme", "Ann", "SMB"),
        ("Beta", "Bob", "Big"),
        ("Coda", "Bob", "SMB"),
        ("Dune", "Ann", "Big"),
    ):
        w.account(name, owner=w.ids("person", owner), segment=segment)
    w.subscribes("Acme", "2023-11-01", None, 100, "0.8", "seats", line="software")
    w.subscribes("Acme", "2024-02-10", None, 40, None, "support", line="service")
    w.subscribes("Beta", "2023-12-01", "2024-02-01", 200, "0.8", "seats")
    w.subscribes("Beta", "2024-02-01", None, 150, "0.8", "seats")
    w.subscribes("Coda", "2023-12-01", "2024-01-15", 50, "0.8", "seats")
    w.subscribes("Dune", "2024-01-10", None, 300, "0.5", "seats")
    w.subscribes("Eggs", "2023-10-01", "2023-12-01", 70, "0.8", "seats")
    w.subscribes("Eggs", "2024-03-01", None, 90, "0.8", "seats")
    return w


@pytest.fixture(scope="module")
def subscribed() -> Any:
    """The world of `subscribers`."""
    return subscribers().session()


def test_recurring_revenue(subscribed: Any) -> None:
    """140 + 150 + 300 + 90 on 31 March. End of January: Acme 100, Beta 200, Dune 300; of February: 140, 150, 300."""
    assert ask(subscribed, "mrr", period=Q1) == 680
    assert ask(subscribed, "arr", period=Q1) == 8160
    assert ask(subscribed, "mrr", period=Q1, as_of="2024-01-14") == 100 + 200 + 50 + 300  # Coda is still there
    answer = query(subscribed, BOSS, "mrr,active_customers", period="month", from_="2024-01", to="2024-03")
    assert [row["mrr"] for row in answer.to_pylist()] == [600, 590, 680]
    assert [row["active_customers"] for row in answer.to_pylist()] == [3, 3, 4]
    assert any("never adds up over time" in note for note in answer.notes)
    assert by(subscribed, "mrr", "owner", period=Q1) == {"(none)": 90, "Ann": 440, "Bob": 150}
    assert by(subscribed, "mrr", "product", period=Q1) == {"seats": 640, "support": 40}
    assert by(subscribed, "mrr", "product_line", period=Q1) == {"service": 40, "software": 640}
    assert by(subscribed, "active_customers", "segment", period=Q1) == {"(none)": 1, "Big": 2, "SMB": 1}
    assert ask(subscribed, "active_customers.start", period=Q1) == 3


def test_movement_of_recurring_revenue_balances(subscribed: Any) -> None:
    """350 + 390 new (Dune, Eggs again) + 40 - 50 (Beta) - 50 (Coda) = 680, and so in every slice."""
    names = ["start", "new", "expansion", "contraction", "churn", "currency"]
    asked = ["mrr", *(f"mrr.{name}" for name in names)]
    row = query(subscribed, BOSS, asked, period=Q1).to_pylist()[0]
    assert [row[f"mrr.{name}"] for name in names] == [350, 390, 40, 50, 50, 0]
    for dimension in ("owner", "segment", "account"):
        for one in query(subscribed, BOSS, asked, by=dimension, period=Q1).to_pylist():
            start, new, more, less, gone, currency = (one[f"mrr.{name}"] or 0 for name in names)
            assert start + new + more - less - gone + currency == (one["mrr"] or 0)


def test_net_and_gross_retention(subscribed: Any) -> None:
    """(140 + 150) / 350 and (100 + 150) / 350. January alone: Acme 100, Beta 200, Coda gone. Eggs never counts: it is new again."""
    assert ask(subscribed, "nrr", period=Q1) == near(Decimal(290) / 350)
    assert ask(subscribed, "grr", period=Q1) == near(Decimal(250) / 350)
    assert ask(subscribed, "nrr", period="2024-01") == near(Decimal(300) / 350)
    assert by(subscribed, "nrr", "segment", period=Q1) == {"(none)": None, "Big": 0.75, "SMB": near(Decimal(140) / 150)}
    assert by(subscribed, "grr", "account", period=Q1) == {
        "Acme": 1.0,
        "Beta": 0.75,
        "Coda": 0.0,
        "Dune": None,
        "Eggs": None,
    }
    # As of 10 February the first quarter ends there: Beta has shrunk, Acme has grown.
    assert ask(subscribed, "nrr", period=Q1, as_of="2024-02-09") == near(Decimal(250) / 350)
    assert ask(subscribed, "grr", period="2023-Q2") is None


def test_churn(subscribed: Any) -> None:
    """Lost 50 by contraction and 50 by leaving of 350; one of three customers left. A month: 1 - (5/7)^(1/3)."""
    assert ask(subscribed, "revenue_churn", period=Q1) == near(Decimal(100) / 350)
    assert ask(subscribed, "revenue_churn.left", period=Q1) == near(Decimal(50) / 350)
    assert ask(subscribed, "revenue_churn.monthly", period=Q1) == pytest.approx(1 - (250 / 350) ** (1 / 3), rel=1e-9)
    assert ask(subscribed, "revenue_churn.monthly", period="2024-01") == pytest.approx(50 / 350, rel=1e-9)
    assert ask(subscribed, "customer_churn", period=Q1) == near(Decimal(1) / 3)
    assert ask(subscribed, "customer_churn.monthly", period=Q1) == pytest.approx(1 - (2 / 3) ** (1 / 3), rel=1e-9)
    assert ask(subscribed, "revenue_churn.monthly", period="2024-03") == 0
    assert (
        by(subscribed, "revenue_churn.monthly", "account", period=Q1)["Coda"] == 1
    )  # all of it: ln 0 is not asked for


def test_the_rate_of_the_start_counts_in_retention() -> None:
    """100 EUR at 1.1 on the eve and 1.2 at the end: revenue 120, of which 10 is currency; nobody grew."""
    w = World(today="2024-03-31")
    w.rate("EUR", "2023-01-01", "1.1")
    w.rate("EUR", "2024-02-01", "1.2")
    w.subscribes("Acme", "2023-06-01", None, 100, "0.5", currency="EUR")
    w.subscribes("Beta", "2024-03-01", None, 10, "0.5", currency="EUR")
    w.subscribes("Coda", "2023-06-01", None, 10, "0.5", currency="XXX")  # has no rate
    session = w.session()
    assert ask(session, "mrr", period=Q1) == 132
    assert ask(session, "nrr", period=Q1) == 1.0
    row = query(session, BOSS, "mrr.start,mrr.new,mrr.currency", period=Q1).to_pylist()[0]
    assert (row["mrr.start"], row["mrr.new"], row["mrr.currency"]) == (110, 11, 11)
    assert "1 left out of start: the amount is unknown" in " ".join(query(session, BOSS, "nrr", period=Q1).notes)


def test_lifetime_value_of_8000() -> None:
    """500 x 0.8 / 0.05: twenty customers of 500, one leaves in a month; in a quarter the same churn a month is 1 - 0.95^3."""
    w = World(today="2024-03-31")
    for n in range(20):
        w.subscribes(f"c{n}", "2023-01-01", None if n else "2024-01-20", 500, "0.8")
    session = w.session()
    assert ask(session, "ltv", period="2024-01") == pytest.approx(8000, rel=1e-9)
    assert ask(session, "ltv", period=Q1) == pytest.approx(400 / (1 - 0.95 ** (1 / 3)), rel=1e-9)
    assert ask(session, "ltv", period="2024-02") is None  # no churn: no value, and no infinite one
    # Up to 15 January nothing happened; of the half month to the 20th, 20 / 31 of a month has passed.
    assert ask(session, "ltv", period="2024-01", as_of="2024-01-15") is None
    value = ask(session, "ltv", period="2024-01", as_of="2024-01-20")
    assert value == pytest.approx(400 / (1 - 0.95 ** (31 / 20)), rel=1e-5)


def test_lifetime_value_leaves_unknown_margins_out(subscribed: Any) -> None:
    """680 / 4 customers; margin (100 + 150 + 90) x 0.8 + 300 x 0.5 of 640; churn 1 - (250 / 350)^(1/3)."""
    margin = (340 * 0.8 + 150) / 640
    assert ask(subscribed, "ltv", period=Q1) == pytest.approx(170 * margin / (1 - (250 / 350) ** (1 / 3)), rel=1e-9)
    w = World(today="2024-03-31")
    w.subscribes("Acme", "2023-01-01", None, 500)
    w.subscribes("Beta", "2023-01-01", "2024-02-01", 500)
    answer = query(w.session(), BOSS, "ltv", period=Q1)
    assert answer.value() is None
    assert "no gross margin is known" in " ".join(answer.notes)


# Cost -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spending() -> Any:
    """Four deals won, three customers, and what was spent.

    | deal | account | created | won    | campaign    | | month    | function  | what     | amount |
    | A    | Acme    | 1 Jan   | 30 Jan | Ads (paid)  | | January  | sales     | salaries | 900    |
    | B    | Beta    | 10 Jan  | 10 Feb | Fair        | | January  | marketing | Ads      | 300    |
    | C    | Acme    | 1 Feb   | 3 Mar  |             | | February | marketing | Fair     | 150    |
    | D    | Coda    | 2 Mar   | 30 Mar | Mail        | | February | marketing | Mail, paid | 60   |
    |      |         |         |        |             | | March    | general   | rent     | 500    |
    |      |         |         |        |             | | March    | (unknown) |          | 40     |
    """
    w = World(today="2024-04-30")
    w.thing("business_unit", "North")
    for name, paid, channel in (("Ads", "yes", "online"), ("Fair", "no", "events"), ("Mail", None, "online")):
        w.thing("campaign", name, paid=paid, channel=channel)
    for name, account, created, won, campaign in (
        ("A", "Acme", "2024-01-01", "2024-01-30", "Ads"), ("B", "Beta", "2024-01-10", "2024-02-10", "Fair"),
        ("C", "Acme", "2024-02-01", "2024-03-03", None), ("D", "Coda", "2024-03-02", "2024-03-30", "Mail"),
    ):  # fmt: skip
        w.account(account)
        w.deal(name, created, account=account, campaign=campaign).won(won)
    w.happens("cost", "2024-01-31", 900, function="sales", category="salaries", person=w.ids("person", "Ann"))
    ads, fair, mail = (w.ids("campaign", name) for name in ("Ads", "Fair", "Mail"))
    w.happens("cost", "2024-01-05", 300, function="marketing", campaign=ads, month=d("2024-01-01"))
    w.happens("cost", "2024-02-20", 150, function="marketing", campaign=fair)
    w.happens("cost", "2024-02-21", 60, function="marketing", campaign=mail, paid=True)
    w.happens("cost", "2024-03-01", 500, function="general", category="rent")
    w.happens("cost", "2024-03-31", 40)
    return w.session()


def test_cost_of_a_customer(spending: Any) -> None:
    """1,410 / 3; with rent and unknown 1,950 / 3; 1,410 / 4 deals; paid 300 + 60 for Acme and Coda."""
    assert ask(spending, "cac", period=Q1) == 470
    assert ask(spending, "cac.fully_loaded", period=Q1) == 650
    assert ask(spending, "cac.per_deal", period=Q1) == 352.5
    assert ask(spending, "cac.paid", period=Q1) == 180
    assert by(spending, "cac.paid", "campaign", period=Q1) == {"Ads": 300, "Mail": 60, "Fair": None, "(none)": None}
    # By channel: (300 + 60) / Acme and Coda, 150 / Beta; salaries and the unknown 40 were for no channel, and won nobody.
    assert by(spending, "cac", "campaign.channel", period=Q1) == {"online": 180, "events": 150, "(none)": None}
    assert ask(spending, "cac", period="2024-01") == 1200
    assert by(spending, "new_customers", "campaign", period=Q1) == {"Ads": 1, "Fair": 1, "Mail": 1}


def test_a_months_cost_is_whole(spending: Any) -> None:
    """The salaries of 31 January belong to the first: a question about that week has them, one about its end has none."""
    assert ask(spending, "cac", from_="2024-01-01", to="2024-01-31") == 1200
    assert ask(spending, "cac", from_="2024-01-15", to="2024-01-31") is None  # a customer, and no cost recorded: not 0
    assert ask(spending, "cac", period="2024-01", as_of="2024-01-30") == 300  # the salaries were not there yet


def test_cost_lagged_by_the_median_cycle(spending: Any) -> None:
    """Cycles of 28, 29, 31 and 31 days: row 2 is 29 days, one month. January's 1,200 counts in February, for Beta."""
    answer = query(spending, BOSS, "cac.lagged", period="month", from_="2024-01", to="2024-04")
    assert [row["cac.lagged"] for row in answer.to_pylist()] == [None, 1200, 210, None]
    assert [row["cac.lagged__lag_months"] for row in answer.to_pylist()] == [None, 1, 1, None]


def test_costs_convert_on_the_first_of_their_month() -> None:
    """50 EUR of February at 1.2 although they were booked when a EUR was 2."""
    w = World(today="2024-04-30")
    w.rate("EUR", "2023-01-01", "1.2")
    w.rate("EUR", "2024-02-15", "2")
    w.account("Acme")
    w.deal("A", "2024-01-01", account="Acme").won("2024-02-20")
    w.happens("cost", "2024-02-29", 50, function="sales", currency="EUR")
    assert ask(w.session(), "cac", period="2024-02") == 60


def test_costs_cannot_be_split_by_what_they_do_not_have(spending: Any) -> None:
    """A salary is nobody's customer segment, and pay is not shown by person."""
    for dimension in ("segment", "owner", "person"):
        with pytest.raises(UsageError, match="cannot be split"):
            query(spending, BOSS, "cac", by=dimension, period=Q1)


def test_costs_are_opened_by_those_who_see_pay(spending: Any) -> None:
    """An executive sees the sum; finance its records. A rep sees no cost, and so no value."""
    found = drill(spending, BOSS, "cac", period=Q1)
    assert (found.totals["cost"], found.totals["customers"], found.total) == (1410_0000, 3, 7)
    with pytest.raises(NotAllowed, match="pay may be among them"):
        drill(spending, Actor("mia", sees_pay=False), "cac", period=Q1)
    rep = Actor("ann", person=1, sees_all=False, sees_pay=False)
    assert query(spending, rep, "cac", period=Q1).value() is None


def test_payback_and_ratio() -> None:
    """CAC 1,000 / (250 x 0.8) = 5 months; lifetime value 8,000 / 1,000 = 8."""
    w = World(today="2024-01-31")
    for n in range(20):
        w.subscribes(f"c{n}", "2023-01-01", None if n else "2024-01-20", 500, "0.8")
    w.account("New")
    w.deal("A", "2023-12-01", account="New").won("2024-01-05")
    w.subscribes("New", "2024-01-10", None, 250, "0.8")
    w.happens("cost", "2024-01-10", 1000, function="marketing")
    session = w.session()
    assert ask(session, "cac_payback_months", period="2024-01") == 5
    worth = (19 * 500 + 250) / 20 * 0.8 / 0.05
    assert ask(session, "ltv_cac", period="2024-01") == pytest.approx(worth / 1000, rel=1e-9)
    text = str(explain(session, BOSS, "cac_payback_months", period="2024-01").value)
    assert text == "5.0"


# Purchases ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop() -> Any:
    """Orders and invoices of four customers.

    | customer | orders                                              | invoices                                  |
    | Acme     | 5 Jan 100, 5 Jan 20, 9 Feb 30                       | 6 Jan 120; credit note of 8 Feb 20        |
    | Beta     | 7 Jan 50                                            | 8 Jan 50, 9 Mar 10                        |
    | Coda     | 1 Feb, two lines of 10 (cost 4) and 5 (profit 1)    |                                           |
    | Dune     | 2 Mar 70 cancelled                                  | void 70                                   |
    | (none)   | 3 Mar 8                                             |                                           |
    """
    w = World(today="2024-03-31")
    w.people("Ann")
    w.account("Acme", segment="SMB", owner=w.ids("person", "Ann"))
    w.account("Beta", segment="Big")
    w.order("Acme", "2024-01-05", 100, owner="Ann")
    w.order("Acme", "2024-01-05", 20)
    w.order("Acme", "2024-02-09", 30)
    w.order("Beta", "2024-01-07", 50)
    lines = w.order("Coda", "2024-02-01", None)
    w.order_line(lines, "2024-02-01", "nails", 10, line="hardware", cost=4)
    w.order_line(lines, "2024-02-01", "glue", 5, line="chemicals", profit=1)
    w.order("Dune", "2024-03-02", 70, status="cancelled")
    w.order(None, "2024-03-03", 8)
    first = w.invoice("Acme", "2024-01-06", 120)
    w.invoice("Acme", "2024-02-08", 20, kind="credit_note")
    w.invoice("Beta", "2024-01-08", 50, kind="invoice")
    w.invoice("Beta", "2024-03-09", 10)
    w.invoice("Dune", "2024-03-03", 70, status="void")
    w.happens("payment", "2024-01-20", 100, invoice=first)
    w.happens("payment", "2024-02-20", 15, account=w.ids("account", "Beta"))
    return w.session()


def test_repeat_purchases(shop: Any) -> None:
    """Acme bought on two days, Beta and Coda on one; two orders of one day are one purchase day."""
    assert ask(shop, "repeat_purchase_share") == near(Decimal(1) / 3)
    assert ask(shop, "repeat_purchase_share", period="2024-01") == 0  # so far: Acme and Beta, once each
    assert ask(shop, "repeat_purchase_share.in_period", period="2024-02") == 0
    assert by(shop, "repeat_purchase_share", "segment") == {"(none)": 0.0, "Big": 0.0, "SMB": 1.0}
    # A credit note is no purchase day: by invoices only Beta came back.
    assert ask(shop, "repeat_purchase_share.invoiced") == 0.5
    assert ask(shop, "repeat_purchase_share", as_of="2024-02-08") == 0


def test_customer_value_to_date(shop: Any) -> None:
    """(150 + 50 + 15) / 3; invoiced (100 + 60) / 2; at the end of January (120 + 50) / 2."""
    assert ask(shop, "customer_value_to_date") == near(Decimal(215) / 3)
    assert ask(shop, "customer_value_to_date.invoiced") == 80
    assert ask(shop, "customer_value_to_date", period="2024-01") == 85
    rows = query(shop, BOSS, "customer_value_to_date", period="month").to_pylist()
    assert [row["period"] for row in rows] == ["2024-01", "2024-02", "2024-03"]  # since the first order
    assert [row["customer_value_to_date"] for row in rows] == [85, near(Decimal(215) / 3), near(Decimal(215) / 3)]


def test_invoices_stand_in_where_there_are_no_orders() -> None:
    """And the answer says so."""
    w = World(today="2024-03-31")
    w.invoice("Acme", "2024-01-06", 120)
    w.invoice("Acme", "2024-01-07", 80)
    answer = query(w.session(), BOSS, "repeat_purchase_share,customer_value_to_date")
    row = answer.to_pylist()[0]
    assert (row["repeat_purchase_share"], row["customer_value_to_date"]) == (1.0, 200)
    assert any("there are no orders: invoices are counted" in note for note in answer.notes)


def test_ordered_invoiced_paid(shop: Any) -> None:
    """Orders 100 + 20 + 30 + 50 + 15 + 8; invoices 120 - 20 + 50 + 10; payments 100 + 15."""
    names = "order_revenue,order_revenue.orders,order_revenue.average,invoiced,invoiced.credit_notes,paid"
    row = query(shop, BOSS, names, period=Q1).to_pylist()[0]
    assert [row[name] for name in names.split(",")] == [223, 6, near(Decimal(223) / 6), 160, -20, 115]
    assert by(shop, "order_revenue", "account", period=Q1) == {"(none)": 8, "Acme": 150, "Beta": 50, "Coda": 15}
    assert by(shop, "order_revenue", "owner", period=Q1) == {"(none)": 123, "Ann": 100}
    assert by(shop, "order_revenue.lines", "product_line", period=Q1) == {"chemicals": 5, "hardware": 10}
    assert by(shop, "paid", "account", period=Q1) == {"Acme": 100, "Beta": 15}
    assert by(shop, "invoiced", "owner", period=Q1) == {"(none)": 60, "Ann": 100}
    assert by(shop, "active_customers.buying", "segment", period="2024-02") == {"(none)": 1, "Big": 0, "SMB": 1}
    answer = query(shop, BOSS, "active_customers", period="2024-01")
    assert answer.value() == 2
    assert any("customers who ordered in the period are counted" in note for note in answer.notes)


def test_order_margin(shop: Any) -> None:
    """Nails 10 - 4, glue 1: 7 of 15."""
    assert ask(shop, "order_margin", period=Q1) == near(Decimal(7) / 15)
    assert ask(shop, "order_margin.profit", period=Q1) == 7
    assert by(shop, "order_margin", "product", period=Q1) == {"glue": 0.2, "nails": 0.6}


def test_new_customers(shop: Any, spending: Any, subscribed: Any) -> None:
    """By first win, first order, first subscription (Eggs comes in October and never again)."""
    assert ask(spending, "new_customers", period=Q1) == 3
    rows = query(shop, BOSS, "new_customers.first_order", period="month", from_="2024-01", to="2024-03").to_pylist()
    assert [row["new_customers.first_order"] for row in rows] == [2, 1, 0]
    rows = query(subscribed, BOSS, "new_customers.first_subscription", period="quarter").to_pylist()
    assert [(row["period"], row["new_customers.first_subscription"]) for row in rows] == [("2023-Q4", 4), (Q1, 1)]


def test_the_records_behind_a_figure(shop: Any, subscribed: Any) -> None:
    """Customers by name, orders by number; the parts add up to the answer."""
    found = drill(subscribed, BOSS, "nrr", period=Q1)
    rows = {row["name"]: (row["now"], row["start"]) for row in found.to_pylist()}
    assert rows == {"Acme": (1400000, 1000000), "Beta": (1500000, 2000000), "Coda": (0, 500000)}
    assert (found.totals["now"], found.totals["start"], found.money) == (2900000, 3500000, {"now", "start"})
    found = drill(shop, BOSS, "order_revenue", period=Q1, cell={"account": "Acme"})
    assert [(row["name"], row["value"]) for row in found.to_pylist()] == [
        ("order 1", 1000000), ("order 2", 200000), ("order 3", 300000),
    ]  # fmt: skip


def test_a_rep_sees_the_customers_they_own(subscribed: Any) -> None:
    """Ann: Acme and Dune; the others are counted, not summed."""
    ann = Actor(
        "ann", person=subscribed.con.execute("SELECT id FROM person WHERE name = 'Ann'").fetchone()[0], sees_all=False
    )
    answer = query(subscribed, ann, "mrr", period=Q1)
    assert (answer.value(), answer.hidden) == (440, 2)
