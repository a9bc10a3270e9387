"""Alerts over a small company: a planted drop is called out and explained by whom it came from, a quiet one is left alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from salesops.common.errors import UsageError
from salesops.metrics.alerts import alerts

from .build import BOSS, Actor, World

MONTHS = [(2022 + n // 12, n % 12 + 1) for n in range(30)]  # 2022-01 to 2024-06
USUAL = {"Ann": (12, 11, 13, 12, 10, 14), "Bob": (8, 9, 7, 8, 9, 7)}  # deals won a month, over and over


def company(lost: str = "", today: str = "2024-07-10") -> World:
    """Ann and Bob win 20 deals of 100 a month; in June 2024 one of them wins a single one."""
    w = World(today=today)
    w.people("Ann", "Bob")
    w.stages("New:10")
    for n, (year, month) in enumerate(MONTHS):
        for name, many in USUAL.items():
            for k in range(1 if (lost, n) == (name, 29) else many[n % 6]):
                day = date(year, month, k + 2).isoformat()
                w.deal(f"{name} {n} {k}", created=day, owner=name, amount=100, source="Web" if k % 2 else "Event").won(
                    day
                )
    return w


@pytest.fixture(scope="module")
def dropped() -> Any:
    world = company("Ann")
    return world, world.session()


def test_a_planted_drop_is_called_out_and_explained(dropped: Any) -> None:
    """June: 8 deals where some 20 were expected; all of it is Ann's, who has some 60 % of the deals."""
    _, session = dropped
    found = alerts(session, BOSS, "won_deals", by="owner,source")
    (row,) = found.to_pylist()
    assert (row["metric"], row["period"], row["direction"], row["since"]) == ("won_deals", "2024-06", "drop", "2024-06")
    assert row["value"] == 8
    assert row["expected"] == pytest.approx(20, abs=2)
    assert row["value"] < row["low"] < row["expected"] < row["high"]
    assert row["distance"] > 1
    assert (row["dimension"], row["group"]) == ("owner", "Ann")
    assert row["share"] == pytest.approx(1, abs=0.15)
    assert row["usual_share"] == pytest.approx(0.6, abs=0.1)
    assert "drop in 2024-06, 8 where" in row["words"]
    assert "one month of 24" in row["words"]
    assert "owner Ann made" in row["words"]
    assert found.notes[0].startswith("1 metric was judged; by chance alone one metric is called out 0.5 times a year")


def test_money_falls_with_it(dropped: Any) -> None:
    """Bookings in whole units of the currency."""
    _, session = dropped
    (row,) = alerts(session, BOSS, "bookings", by="owner").to_pylist()
    assert (row["value"], row["unit"], row["group"]) == (800, session.manifest.reporting_currency, "Ann")


def test_a_quiet_company_has_no_alert() -> None:
    """The answer says so, and what was judged."""
    found = alerts(company().session(), BOSS, "won_deals,bookings,created_deals")
    assert len(found) == 0
    assert "nothing lies outside" in found.empty["alerts"]
    assert "as expected: won_deals, bookings, created_deals" in found.notes


def test_a_month_that_is_not_over_is_not_judged() -> None:
    """On 30 June the month still runs: nobody is told of a drop in it."""
    found = alerts(company("Ann", today="2024-06-30").session(), BOSS, "won_deals")
    assert len(found) == 0


def test_a_rep_is_told_of_his_own_only(dropped: Any) -> None:
    """Bob's deals are as ever; Ann sees her drop and nobody else's name; both are told that there is more."""
    world, session = dropped
    bob = alerts(session, Actor("Bob", world.ids("person", "Bob"), False), "won_deals")
    assert len(bob) == 0
    assert bob.hidden > 0
    ann = alerts(session, Actor("Ann", world.ids("person", "Ann"), False), "won_deals", by="owner,source").to_pylist()
    assert [row["value"] for row in ann] == [1]
    assert ann[0]["group"] != "Bob"


def test_a_share_is_judged_by_its_numbers(dropped: Any) -> None:
    """Everything was won: the win rate is 100 % in every month, and no news."""
    _, session = dropped
    assert len(alerts(session, BOSS, "win_rate")) == 0


def test_a_share_that_falls_is_explained_by_who_lost() -> None:
    """From 80 % to 44 % in June, because Bob, who decides two of five deals, won none of his."""
    w = World(today="2024-07-10")
    w.people("Ann", "Bob")
    w.stages("New:10")
    for n, (year, month) in enumerate(MONTHS):
        for name, many in (("Ann", 24), ("Bob", 16)):
            for k in range(many):
                day = date(year, month, k + 2).isoformat()
                deal = w.deal(f"{name} {n} {k}", created=day, owner=name, amount=100)
                won = (k + n) % 5 != 0 and not (name == "Bob" and n == 29)
                _ = deal.won(day) if won else deal.lost(day)
    (row,) = alerts(w.session(), BOSS, "win_rate", by="owner").to_pylist()
    assert (row["direction"], row["group"], row["unit"]) == ("drop", "Bob", "ratio")
    assert row["value"] < 0.55 < row["low"]
    assert row["usual_share"] == pytest.approx(0.4)
    assert row["expected"] == pytest.approx(0.8, abs=0.02)


def test_a_share_of_nothing_is_not_judged() -> None:
    """Nothing was decided in July: the win rate has no value there, which is neither as expected nor a drop."""
    found = alerts(company(today="2024-08-05").session(), BOSS, "win_rate")
    assert len(found) == 0
    assert "win_rate: no value in 2024-07" in found.notes
    assert not any("as expected" in note for note in found.notes)


def test_what_is_too_early_is_said() -> None:
    """Sixteen months of history are needed before the first judgement."""
    found = alerts(company().session(), BOSS, "won_deals", from_="2023-06-01")
    assert any("too early" in note for note in found.notes)


def test_what_cannot_be_watched_is_refused(dropped: Any) -> None:
    """Medians are no sums; a quarter is no grain; a dimension that is named must exist."""
    _, session = dropped
    with pytest.raises(UsageError, match="cannot be split"):
        alerts(session, BOSS, "sales_cycle_days.median")
    with pytest.raises(UsageError, match="week or month"):
        alerts(session, BOSS, "won_deals", period="quarter")
    with pytest.raises(UsageError):
        alerts(session, BOSS, "won_deals", by="colour")
