"""Open deals over many evenings in one pass: the same integers as a scan per evening, in every currency."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, Actor, Session, World, d

from salesops.metrics.build import Builder
from salesops.metrics.query import query
from salesops.metrics.request import Request, understand
from salesops.metrics.series import SeriesBuilder, fits

START = d("2024-01-01")
NAMES = ["open_pipeline.all_open", "open_pipeline.all_open_count"]
AMOUNT = st.one_of(st.none(), st.sampled_from(["0", "0.0001", "0.0003", "-0.0005", "7.0001", "7.0001", "123456.7891"]))
CURRENCY = st.sampled_from(["USD", "EUR", "EUR", "CHF", "GBP"])
CHANGE = st.one_of(
    st.fixed_dictionaries({"amount": AMOUNT}),
    st.fixed_dictionaries({"currency": CURRENCY}),
    st.fixed_dictionaries({"owner": st.sampled_from(["Ann", "Bob", None])}),
    st.fixed_dictionaries({"stage": st.sampled_from(["New", "Demo", "Offer", "Won", "Lost"])}),
    st.fixed_dictionaries({"deleted": st.booleans()}),
)
DEAL = st.fixed_dictionaries(
    {
        "created": st.integers(-40, 120),
        "amount": AMOUNT,
        "currency": CURRENCY,
        "owner": st.sampled_from(["Ann", "Bob", None]),
        "changes": st.lists(st.tuples(st.integers(0, 150), CHANGE), max_size=5),
    }
)
RATE = st.tuples(st.integers(-60, 150), st.sampled_from(["0.5", "1.5", "1.0845678901", "0.0000000001", "85.25"]))


def build(deals: list[dict[str, Any]], rates: list[tuple[int, str]]) -> Session:
    """Deals in four currencies: francs at half a dollar, euro with rates from some day on, pounds without any."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob")
    w.rate("CHF", "2023-10-01", "0.5")
    for since, rate in sorted(rates):
        w.rate("EUR", str(START + timedelta(since)), rate)
    for n, row in enumerate(deals):
        created = START + timedelta(row["created"])
        deal = w.deal(f"D{n}", created, amount=row["amount"], currency=row["currency"], owner=row["owner"])
        for after, change in sorted(row["changes"], key=lambda one: one[0]):
            deal.on(created + timedelta(after), **change)
    return w.session()


def both(session: Session, request: Request) -> tuple[list[Any], list[Any]]:
    """The raw rows of the one pass, and of a scan per evening."""
    assert fits(session, BOSS, request)
    found = []
    for builder in (SeriesBuilder, Builder):
        rows = session.query(builder(session, BOSS, request).statement()).to_pylist()
        found.append(sorted(rows, key=lambda row: [str(value) for value in row.values()]))
    return found[0], found[1]


@settings(max_examples=40)
@given(
    st.lists(DEAL, min_size=1, max_size=8),
    st.lists(RATE, max_size=3),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(["", "owner", "stage,owner", "source"]),
    st.sampled_from([None, "2024-05-21", "period_end"]),
    st.sampled_from(["USD", "CHF"]),
    st.sampled_from([NAMES, NAMES[:1], NAMES[1:]]),
)
def test_the_one_pass_equals_asking_every_evening(
    deals: list[dict[str, Any]],
    rates: list[tuple[int, str]],
    period: str,
    by: str,
    as_of: str | None,
    currency: str,
    names: list[str],
) -> None:
    """Random deals: changed, lost, deleted and restored, unknown, with and without a rate; in dollars or in another currency."""
    session = build(deals, rates)
    request = understand(
        session, names, by=by, period=period, from_="2024-01-03", to="2024-05-20", as_of=as_of, currency=currency
    )
    fast, slow = both(session, request)
    assert fast == slow


def test_each_evening_converts_deal_by_deal() -> None:
    """Three deals of 0.0001 at 0.5: each is half a unit and goes to the even 0; one sum converted would have been 0.0002."""
    w = World(today="2024-03-31")
    w.rate("EUR", "2024-01-10", "0.5")
    w.rate("EUR", "2024-01-20", "1.5")
    for name in "ABC":
        w.deal(name, "2024-01-01", amount="0.0001", currency="EUR")
    w.deal("D", "2024-01-01", amount="2")
    w.deal("E", "2024-01-01", amount=None)
    session = w.session()
    question: dict[str, Any] = {"period": "week", "from_": "2024-01-01", "to": "2024-01-28", "as_of": "period_end"}
    rows = query(session, BOSS, NAMES[0], **question).to_pylist()
    part = f"{NAMES[0]}__value"
    # Evenings of the 7th (no rate yet), the 14th (half a unit: 0), the 21st and the 28th (one and a half: 2 each).
    assert [int(row[part] * 10_000) for row in rows] == [20_000, 20_000, 20_006, 20_006]
    assert [row[f"{part}__n"] for row in rows] == [1, 4, 4, 4]
    assert [row[f"{part}__out"] for row in rows] == [4, 1, 1, 1]
    assert not any("opportunity AS o JOIN period" in sql for sql in session.asked)


def test_no_rate_at_all_is_no_value() -> None:
    """Where every amount is unknown there is no value, but deals are counted."""
    w = World(today="2024-03-31")
    w.deal("A", "2024-01-01", amount="5", currency="GBP")
    rows = query(w.session(), BOSS, NAMES, period="month", from_="2024-01-01", as_of="period_end").to_pylist()
    assert [(row[NAMES[0]], row[NAMES[1]]) for row in rows] == [(None, 1)] * 3


@pytest.mark.parametrize("who", ["Ann", "Bob"])
def test_who_does_not_see_all_asks_every_evening(who: str) -> None:
    """A restricted actor is served by the general way, with their own deals only."""
    w = World(today="2024-03-31")
    w.people("Ann", "Bob")
    w.rate("EUR", "2023-12-01", "2")
    w.deal("A", "2024-01-01", amount="5", currency="EUR", owner="Ann")
    session = w.session()
    actor = Actor(who, w.ids("person", who), False)
    question: dict[str, Any] = {"period": "month", "from_": "2024-01-01", "as_of": "period_end"}
    assert not fits(session, actor, understand(session, NAMES, **question))
    rows = query(session, actor, NAMES, **question).to_pylist()
    assert [row[NAMES[1]] for row in rows] == [1 if who == "Ann" else 0] * 3
