"""What holds for any data: additive metrics add up, drills sum to their cells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, World, d

from salesops.metrics.catalogue import metrics
from salesops.metrics.drill import drill
from salesops.metrics.query import query

ADDITIVE = [
    one.id for one in metrics().values() if one.additive == "additive" and one.id not in ("cases", "created_leads")
]
START = d("2024-01-01")
DEAL = st.fixed_dictionaries(
    {
        "created": st.integers(0, 80),
        "closes": st.one_of(st.none(), st.integers(0, 90)),
        "won": st.booleans(),
        "owner": st.sampled_from(["Ann", "Bob", "Cid", None]),
        "amount": st.one_of(st.none(), st.integers(-50, 5000)),
        "currency": st.sampled_from(["USD", "EUR"]),
        "lines": st.lists(st.tuples(st.sampled_from(["P", "Q", "R"]), st.integers(0, 9)), max_size=3),
        "gone": st.one_of(st.none(), st.integers(1, 60)),
    }
)


def build(deals: list[dict[str, Any]]) -> World:
    """Two teams, two currencies, moving people."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob", "Cid", region="West")
    w.manages("Bob", "Ann", "2024-02-01")
    w.member("Red", "Ann", None, "2024-02-10")
    w.member("Blue", "Ann", "2024-02-10")
    w.member("Red", "Bob")
    w.member("Blue", "Bob", "2024-02-15")
    w.rate("EUR", "2023-12-01", "1.0845678901")
    for n, row in enumerate(deals):
        created = START + timedelta(row["created"])
        amount = None if row["amount"] is None else f"{row['amount']}.{n:04d}"
        deal = w.deal(f"D{n}", created, owner=row["owner"], amount=amount, currency=row["currency"])
        if row["closes"] is not None:
            (deal.won if row["won"] else deal.lost)(created + timedelta(row["closes"]))
        if row["gone"] is not None:
            deal.deleted(created + timedelta(100 + row["gone"]))
        for product, weight in row["lines"]:
            w.line(f"D{n}", product, weight)
    return w


@settings(max_examples=8)
@given(st.lists(DEAL, min_size=1, max_size=6), st.sampled_from(["2024-03-31", "2024-06-30"]))
def test_additive_metrics_add_up_over_any_partition(deals: list[dict[str, Any]], as_of: str) -> None:
    """By owner, team, manager, product, month: the parts are the whole, and the drill is the cell."""
    session = build(deals).session()
    question = {"from_": "2024-01-01", "to": "2024-12-31", "as_of": as_of}
    whole = query(session, BOSS, ADDITIVE, **question).to_pylist()[0]
    for by, period in (
        ("owner", None),
        ("team", None),
        ("manager,owner", None),
        ("region", None),
        ("", "month"),
        ("team", "week"),
    ):
        rows = query(session, BOSS, ADDITIVE, by=by, period=period, **question).to_pylist()
        for name in ADDITIVE:
            assert sum(row[name] or 0 for row in rows) == (whole[name] or 0), (by, period, name)
    rows = query(session, BOSS, "bookings", by="product", **question).to_pylist()
    assert sum(row["bookings"] or 0 for row in rows) == (whole["bookings"] or 0)
    for row in query(session, BOSS, "bookings", by="team", **question).to_pylist():
        page = drill(session, BOSS, "bookings", cell={"team": row["team"]}, **question)
        assert page.totals["won"] == int((row["bookings"] or 0) * 10_000)
