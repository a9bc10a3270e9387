"""Subscriptions, orders and costs of a real workspace: corrected, told late and deleted, and asked about before and after."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.warehouse.state.world import Fact, World, at, day

from salesops.metrics.cohorts import cohorts
from salesops.metrics.query import query
from salesops.records.access import Actor

BOSS = Actor("owner", frozenset({"owner"}))


def ask(world: World, metric: str, known: str | None = None, **question: Any) -> Any:
    """The value of one metric, as known on a day."""
    from salesops.warehouse import open_session

    on: date | None = day(known) if known else None
    with open_session(world.ws, as_known_on=on) as session:
        return query(session, BOSS, metric, as_known_on=on, **question).value()


def test_a_corrected_subscription_is_what_was_known(world: World) -> None:
    """100 a month was recorded in January, and corrected to 120 on 15 June: from the start, not from June on."""
    world.record("account", 1, "2023-01-01", name="Acme")
    amounts = {"account": 1, "currency": "EUR", "valid_from": day("2024-01-10")}
    world.row(
        "subscription",
        1,
        recurring_amount=100_0000,
        recorded_from=at("2024-01-10"),
        recorded_to=at("2024-06-15"),
        **amounts,
    )
    world.row("subscription", 2, recurring_amount=120_0000, recorded_from=at("2024-06-15"), **amounts)
    world.refresh()
    assert ask(world, "mrr", period="2024-03") == 120
    assert ask(world, "mrr", "2024-06-14", period="2024-03") == 100
    assert ask(world, "mrr", "2024-06-15", period="2024-03") == 120
    assert ask(world, "mrr", "2024-01-09") == 0  # nobody had heard of it
    assert ask(world, "nrr", period="2024-03") == 1
    assert ask(world, "new_customers.first_subscription", period="2024-01") == 1


def test_an_order_that_was_told_late_and_one_that_was_deleted(world: World) -> None:
    """Order 1 of 1 March was recorded on the tenth. Order 2 was deleted on 1 May: before that day it is there."""
    world.record("account", 1, "2023-01-01", name="Acme")
    world.record(
        "order", 2, "2024-03-02", number="2", account=1, ordered_on="2024-03-02", amount=50_0000, currency="EUR"
    )
    world.record(
        "order", 1, "2024-03-10", number="1", account=1, ordered_on="2024-03-01", amount=30_0000, currency="EUR"
    )
    world.set("order", 2, "2024-05-01", deleted="1")
    world.refresh()
    assert ask(world, "order_revenue", period="2024-03", as_of="2024-04-30") == 80
    assert ask(world, "order_revenue", period="2024-03") == 30
    assert ask(world, "order_revenue", "2024-03-05", period="2024-03") == 50
    assert ask(world, "repeat_purchase_share", as_of="2024-04-30") == 1
    assert ask(world, "repeat_purchase_share") == 0
    assert ask(world, "customer_value_to_date", as_of="2024-04-30") == 80


def test_cohorts_as_known_on_a_day(world: World) -> None:
    """The second order came to light in April."""
    from salesops.warehouse import open_session

    world.record("account", 1, "2023-01-01", name="Acme")
    world.record(
        "order", 1, "2024-02-01", number="1", account=1, ordered_on="2024-02-01", amount=10_0000, currency="EUR"
    )
    told = {"number": "2", "account": 1, "ordered_on": "2024-03-01", "amount": 20_0000, "currency": "EUR"}
    world.write([Fact("order", 2, "*", told, at("2024-03-01"), at("2024-04-20"))])
    world.refresh()
    for known, revenue in ((day("2024-04-19"), [10, 0]), (day("2024-04-20"), [10, 20])):
        with open_session(world.ws, as_known_on=known) as session:
            rows = cohorts(session, BOSS, period="month", ages=1, as_of="2024-04-10", as_known_on=known).to_pylist()
        assert [row["revenue"] for row in rows if row["cohort"] != "(all)"] == revenue


def test_cost_of_a_customer(world: World) -> None:
    """Currencies of costs alone are enough to convert them; a cost that was withdrawn is gone."""
    world.stages()
    world.record("account", 1, "2023-01-01", name="Acme")
    world.record(
        "opportunity", 1, "2024-03-01", name="A", account=1, stage=1, amount=10_0000, currency="EUR", pipeline=1
    )
    world.set("opportunity", 1, "2024-03-20", stage="3")
    world.row(
        "exchange_rate",
        1,
        currency="USD",
        to_currency="EUR",
        kind="spot",
        rate=5_000_000_000,
        valid_from=day("2024-01-01"),
    )
    world.row(
        "cost",
        2,
        at=at("2024-03-31"),
        function="sales",
        amount=100_0000,
        currency="USD",
        recorded_from=at("2024-04-02"),
    )
    world.row("cost", 3, at=at("2024-03-05"), function="marketing", amount=7_0000, recorded_from=at("2024-03-05"))
    world.refresh()
    assert ask(world, "cac", period="2024-03") == 57
    assert ask(world, "cac", "2024-04-01", period="2024-03") == 7
    assert ask(world, "cac", period="2024-03", currency="USD") == 114
    assert ask(world, "cac", period="2024-04") is None
