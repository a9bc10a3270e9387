"""Why a metric changed: mix, rate and volume along a dimension."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, World

from salesops.common.errors import UsageError
from salesops.metrics.change import explain_change
from salesops.metrics.query import query


@pytest.fixture
def world() -> World:
    """Ann wins 1 of 2 and then 1 of 1, Bob 0 of 1 and then 1 of 2."""
    w = World(today="2024-12-31")
    w.people("Ann", "Bob")
    for n, (owner, day, won, amount) in enumerate([
        ("Ann", "2024-02-01", True, 10), ("Ann", "2024-02-02", False, 1), ("Bob", "2024-02-03", False, 1),
        ("Ann", "2024-05-01", True, 30), ("Bob", "2024-05-02", True, 20), ("Bob", "2024-05-03", False, 1),
    ]):  # fmt: skip
        deal = w.deal(f"D{n}", "2024-01-01", owner=owner, amount=amount)
        deal.won(day) if won else deal.lost(day)
    return w


def test_a_ratio_by_mix_and_rate(world: World) -> None:
    """Win rate 1/3 -> 2/3. Ann: share 2/3 -> 1/3, rate 1/2 -> 1; Bob: share 1/3 -> 2/3, rate 0 -> 1/2. Mean of the whole: 1/2."""
    rows = explain_change(world.session(), BOSS, "win_rate", by="owner", from_="2024-Q1", to="2024-Q2").to_pylist()
    assert {r["owner"]: (round(r["mix"], 6), round(r["rate"], 6)) for r in rows} == {
        "Ann": (round(-1 / 3 * 1 / 4, 6), 0.25),
        "Bob": (round(1 / 3 * -1 / 4, 6), 0.25),
        "(all)": (round(-1 / 6, 6), 0.5),
    }
    assert (rows[-1]["before"], rows[-1]["after"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_a_sum_by_volume_mix_and_rate(world: World) -> None:
    """Bookings 10 -> 50: exact to the last digit."""
    answer = explain_change(world.session(), BOSS, "bookings", by="owner", from_="2024-Q1", to="2024-Q2")
    *groups, whole = answer.to_pylist()
    assert (whole["before"], whole["after"], whole["change"]) == (10, 50, 40)
    assert sum(r["change"] for r in groups) == 40
    assert all(r["volume"] + r["mix"] + r["rate"] == r["change"] for r in [*groups, whole])
    assert any("2024-Q1" in c.title for c in answer.columns)


def test_an_average_falls_back_and_is_in_money(world: World) -> None:
    """Deals have no type: all won deals; 10 -> 25."""
    rows = explain_change(
        world.session(), BOSS, "average_deal_size", by="owner", from_="2024-02-01..2024-02-28", to="2024-05"
    ).to_pylist()
    assert (rows[-1]["before"], rows[-1]["after"]) == (10.0, 25.0)
    assert rows[-1]["mix"] + rows[-1]["rate"] == pytest.approx(15.0)


def test_what_cannot_be_split_is_refused(world: World) -> None:
    """Medians, and a question about two periods."""
    session = world.session()
    with pytest.raises(UsageError, match="cannot be split"):
        explain_change(session, BOSS, "sales_cycle_days.median", by="owner", from_="2024-Q1", to="2024-Q2")
    answer = explain_change(session, BOSS, "win_rate", by="owner", from_="2023-Q1", to="2024-Q2")
    assert answer.to_pylist() == []
    assert "no value" in answer.empty["win_rate"]


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Ann", "Bob", None]),
            st.integers(1, 28),
            st.sampled_from([1, 4]),
            st.booleans(),
            st.integers(0, 99),
        ),
        min_size=2,
        max_size=12,
    ),
    st.sampled_from(["bookings", "won_deals", "created_deals"]),
)
def test_the_parts_add_up_to_what_query_says(deals: list[tuple[str | None, int, int, bool, int]], metric: str) -> None:
    """Any deals: the parts are the change of the metric itself."""
    w = World(today="2024-12-31")
    w.people("Ann", "Bob")
    for n, (owner, day, month, won, amount) in enumerate(deals):
        deal = w.deal(f"D{n}", f"2024-{month:02}-01", owner=owner, amount=amount)
        if won:
            deal.won(f"2024-{month:02}-{day:02}")
    session = w.session()
    rows = explain_change(session, BOSS, metric, by="owner", from_="2024-Q1", to="2024-Q2").to_pylist()
    found = [query(session, BOSS, metric, period=period).value() for period in ("2024-Q1", "2024-Q2")]
    assert rows[-1]["change"] == found[1] - found[0]
    assert sum(row["volume"] + row["mix"] + row["rate"] for row in rows[:-1]) == found[1] - found[0]
