"""How good calls were, with a pencil: Ann calls 100,000 and wins 90,000; Bob calls 40,000 and wins 50,000."""

from __future__ import annotations

from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, World

from salesops.metrics.drill import drill
from salesops.metrics.query import query

PEOPLE: dict[str, int] = {}
Q2 = ("2024-04-01", "2024-06-30")


@pytest.fixture(scope="module")
def called() -> Any:
    """In the quarter before, Ann won 60,000 and Bob 50,000; Cleo calls nothing and wins 7,000 in it.

    | who | said on  | commit  |                                                            |
    | Ann | 3 April  | 100,000 | the last within two weeks; on 10 May 120,000, on 20 June 95,000 |
    | Ann | 2 April  |  70,000 | an earlier word                                            |
    | Bob | 8 April  |  40,000 | a best case of 90,000, a call of his team, and one for another period beside it |
    """
    w = World(today="2024-07-15")
    w.people("Ann", "Bob", "Cleo", "Mia")
    PEOPLE["Bob"] = w.ids("person", "Bob") or 0
    for name, owner, day, amount in (
        ("A", "Ann", "2024-05-05", 90_000), ("B", "Bob", "2024-06-06", 50_000), ("C", "Cleo", "2024-05-20", 7_000),
        ("A0", "Ann", "2024-02-05", 60_000), ("B0", "Bob", "2024-02-06", 50_000),
    ):  # fmt: skip
        w.deal(name, "2024-01-10", owner=owner, amount=amount).won(day)
    w.calls("Ann", "2024-04-02", *Q2, 70_000)
    w.calls("Ann", "2024-04-03", *Q2, 100_000)
    w.calls("Ann", "2024-05-10", *Q2, 120_000)
    w.calls("Ann", "2024-06-20", *Q2, 95_000)
    w.calls("Bob", "2024-04-08", *Q2, 40_000)
    w.calls("Bob", "2024-04-09", *Q2, 90_000, category="best_case")
    w.calls("Bob", "2024-04-09", *Q2, 500_000, scope="team")
    w.calls("Bob", "2024-04-09", *Q2, 1, made_by=w.ids("person", "Mia"))
    w.calls("Bob", "2024-04-09", "2024-07-01", "2024-09-30", 33_000)
    return w.session()


def one(session: Any, name: str, **asked: Any) -> Any:
    rows = query(session, BOSS, name, period="2024-Q2", **asked).to_pylist()
    return rows[0][name] if rows else None


def test_both_forecast_errors_name_their_denominator(called: Any) -> None:
    """Ann alone is the case of the terms: called 100,000, won 90,000: -11.11 % of actual, -10 % of forecast, 90 % came in."""
    ann = {"where": "owner = 'Ann'"}
    assert one(called, "forecast_error_pct", **ann) == pytest.approx(-1 / 9)
    assert one(called, "forecast_variance_pct", **ann) == pytest.approx(-0.10)
    assert one(called, "forecast_attainment_pct", **ann) == pytest.approx(0.90)


def test_errors_of_people_do_not_cancel(called: Any) -> None:
    """Together 140,000 called and won: no bias. Person by person 10,000 + 10,000 are missed of 140,000. Cleo did not call: she is in none."""
    assert one(called, "forecast_bias") == 0
    assert one(called, "wape") == pytest.approx(20_000 / 140_000)


def test_the_day_of_the_call_is_part_of_the_name(called: Any) -> None:
    """By the middle Ann had said 120,000, last 95,000; Bob's word is the same."""
    assert one(called, "wape.middle") == pytest.approx(40_000 / 140_000)
    assert one(called, "wape.last") == pytest.approx(15_000 / 140_000)


def test_value_added_over_the_period_before(called: Any) -> None:
    """Taking the quarter before misses 30,000 of Ann and 0 of Bob: the calls, which miss 20,000, add 10,000 of 140,000."""
    assert one(called, "forecast_value_added") == pytest.approx(10_000 / 140_000)


def test_a_period_that_runs_has_no_accuracy(called: Any) -> None:
    """Nothing is said of the third quarter before it has ended; a rep asks about oneself only."""
    rows = query(called, BOSS, "wape", period="2024-Q3").to_pylist()
    assert not rows or rows[0]["wape"] is None
    bob = Actor("bob", person=PEOPLE["Bob"], sees_all=False, sees_pay=False)
    assert [row["owner"] for row in query(called, bob, "wape", by="owner", period="2024-Q2").to_pylist()] == ["Bob"]


def test_a_figure_opens_to_the_calls(called: Any) -> None:
    """Two calls stand behind the error: Ann's of 3 April and Bob's of 8 April."""
    found = drill(called, BOSS, "wape", period="2024-Q2")
    assert found.total == 2
