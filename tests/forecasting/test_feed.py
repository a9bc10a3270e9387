"""What the model is fed, with a pencil: rows of past evenings hold what was true and known on them, whatever is learned later."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.metrics.build import BOSS, World

from salesops.forecasting.feed import Feed, feed
from salesops.forecasting.tables import NO_AMOUNT

D = date(2024, 6, 30)
"""A Sunday: evenings are Sundays."""


def world(*, later: bool = False) -> World:
    """Ann works for Mia. Of her deals, as of Sundays:

    | deal | what happens |
    | A | created 5 May with 1,000 at New, should close 20 June; 20 May to Demo; 1 June 1,500, pushed ten days; 24 June back to New |
    | B | created 1 May, no amount, won 15 June with 700 |
    | C | created and lost between two Sundays |

    `later`: everything that comes after 30 June, and an activity of 20 June that is written down on 5 July.
    """
    w = World(today="2024-12-31" if later else str(D))
    w.people("Mia", "Ann", region="West")
    w.manages("Mia", "Ann")
    w.member("Field", "Ann")
    a = w.deal("A", "2024-05-05", owner="Ann", amount=1_000, expected_close="2024-06-20")
    a.on("2024-05-20", stage="Demo").on("2024-06-01", amount=1_500, expected_close="2024-06-30").on(
        "2024-06-24", stage="New", next_step="Call"
    )
    b = w.deal("B", "2024-05-01", owner="Ann", amount=None, category="best_case").won("2024-06-15", amount=700)
    w.deal("C", "2024-06-10", owner="Mia", amount=50).lost("2024-06-12")
    for day in ("2024-05-06", "2024-06-03", "2024-06-08", "2024-06-09"):
        w.activity("A", day)
    w.activity("A", "2024-06-21", written="2024-06-22")  # a day late: as good as on the day
    w.activity("A", "2024-06-07", status="cancelled")
    w.activity("B", "2024-06-14", written="2024-06-26")  # far too late for the evening of 16 June
    if later:
        a.on("2024-07-02", stage="Offer", amount=9_000, expected_close="2024-12-01").lost("2024-08-01")
        b.on("2024-09-01", amount=1)
        w.deal("E", "2024-07-01", owner="Ann", amount=5).won("2024-07-03")
        w.activity("A", "2024-07-01")
        w.manages("Mia", "Bob", "2024-07-01")
    return w


def row(found: Feed, day: str, deal: str, names: dict[str, Any]) -> dict[str, Any]:
    """A row of the snapshots by name, with its labels and numbers."""
    table = found.history.snapshots
    place = np.flatnonzero((table.as_of == np.datetime64(day)) & (table.deal == names[deal]))
    assert len(place) == 1, (day, deal)
    at = int(place[0])
    told = {name: values[at].item() for name, values in (*table.labels.items(), *table.numbers.items())}
    days = {name: str(getattr(table, name)[at]) for name in ("created", "stage_since", "expected_close")}
    return {"amount": int(table.amount[at]), **days, **told}


@pytest.fixture(scope="module")
def fed() -> tuple[Feed, dict[str, Any]]:
    w = world()
    return feed(w.session(), BOSS, as_of=D, weeks=10), {name: w.ids("opportunity", name) for name in "ABC"} | {
        "Field": str(w.ids("team", "Field"))
    }


def test_rows_of_evenings(fed: tuple[Feed, dict[str, Any]]) -> None:
    """A on 9 June: pushed once by ten days, one change of amount, in Demo since 20 May, three activities in seven days, the fourth of 34 days ago
    in none. On 30 June it is back in New since the 24th."""
    found, names = fed
    on = row(found, "2024-06-09", "A", names)
    wanted = {
        "amount": 1_500_0000, "created": "2024-05-05", "stage_since": "2024-05-20", "expected_close": "2024-06-30", "stage": "Demo", "team": names["Field"],
        "region": "West", "category": "pipeline", "pushes": 1, "days_pushed": 10, "stage_back": 0, "amount_changes": 1, "activities_7": 3,
        "activities_14": 3, "activities_30": 3, "days_since_activity": 0, "next_step": 0,
    }  # fmt: skip
    assert {name: on[name] for name in wanted} == wanted
    before = row(found, "2024-05-19", "A", names)
    assert [before[name] for name in ("amount", "stage", "pushes", "activities_14", "expected_close")] == [
        1_000_0000,
        "New",
        0,
        1,
        "2024-06-20",
    ]
    last = row(found, "2024-06-30", "A", names)
    assert [last[name] for name in ("stage", "stage_since", "stage_back", "next_step", "days_since_activity")] == [
        "New",
        "2024-06-24",
        1,
        1,
        9,
    ]
    assert (on["line.0"], on["line.1"]) == (str(found_person(found, "Mia")), on["owner"])


def found_person(found: Feed, name: str) -> str:
    return next(one for one, called in found.names.items() if called == name)


def test_open_deals_and_outcomes(fed: tuple[Feed, dict[str, Any]]) -> None:
    """B is in the evenings up to 9 June with no amount, and then won with 700; C was open on no Sunday, and is an outcome all the same."""
    found, names = fed
    table, outcomes = found.history.snapshots, found.history.outcomes
    assert [str(one) for one in table.as_of[table.deal == names["B"]]] == [
        f"2024-{one}" for one in ("05-05", "05-12", "05-19", "05-26", "06-02", "06-09")
    ]
    assert set(table.amount[table.deal == names["B"]].tolist()) == {NO_AMOUNT}
    assert row(found, "2024-06-09", "B", names)["category"] == "best_case"
    assert not (table.deal == names["C"]).any()
    known = {
        int(deal): (str(outcomes.closed[i]), bool(outcomes.won[i]), int(outcomes.amount[i]))
        for i, deal in enumerate(outcomes.deal)
    }
    assert known == {
        names["A"]: ("NaT", False, NO_AMOUNT),
        names["B"]: ("2024-06-15", True, 700_0000),
        names["C"]: ("2024-06-12", False, 50_0000),
    }


def test_what_is_written_late_is_in_no_earlier_evening(fed: tuple[Feed, dict[str, Any]]) -> None:
    """The call of 14 June about B was written down on the 26th; B is open on no evening after. A call of 21 June, written a day later, is in 23 June."""
    found, names = fed
    assert row(found, "2024-06-23", "A", names)["activities_7"] == 1
    w = world()
    w.activity("A", "2024-06-19", written="2024-06-28")
    late = feed(w.session(), BOSS, as_of=D, weeks=10)
    assert row(late, "2024-06-23", "A", names)["activities_7"] == 1  # as before
    assert row(late, "2024-06-30", "A", names)["activities_14"] == 2  # known by then


def test_the_future_changes_no_byte_of_the_past(fed: tuple[Feed, dict[str, Any]]) -> None:
    """Half a year later, asked as of the same day: every column of evenings and outcomes is the same, byte for byte."""
    found, _ = fed
    again = feed(world(later=True).session(), BOSS, as_of=D, weeks=10)
    for one, other in (
        (found.history.snapshots, again.history.snapshots),
        (found.history.outcomes, again.history.outcomes),
    ):
        for each in fields(one):
            mine, theirs = getattr(one, each.name), getattr(other, each.name)
            for name, values in mine.items() if isinstance(mine, dict) else {"": mine}.items():
                now = theirs[name] if isinstance(theirs, dict) else theirs
                assert np.asarray(values).tobytes() == np.asarray(now).tobytes(), (each.name, name)
    assert again.history.snapshots.labels.keys() == found.history.snapshots.labels.keys()


def test_the_evenings_are_weekly(fed: tuple[Feed, dict[str, Any]]) -> None:
    days = sorted(set(fed[0].history.snapshots.as_of.astype(object).tolist()))
    assert days[-1] == D
    assert {b - a for a, b in pairwise(days)} == {timedelta(days=7)}
