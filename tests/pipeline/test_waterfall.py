"""The waterfall: worked by hand, and against a slow oracle that walks every evening of every deal."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, Actor, World

from salesops.common.errors import UsageError
from salesops.metrics.lint import problems
from salesops.metrics.sql import parse
from salesops.pipeline.queries import waterfall, waterfall_drill
from salesops.pipeline.versions import versions
from salesops.pipeline.waterfall import SIGNS, Slice, Window, bars

QUARTER = ("2024-04-01", "2024-06-30")
DAY = timedelta(days=1)


def by_slice(answer: Any, by: str = "") -> dict[str, dict[str, tuple[int, Decimal]]]:
    """Bars that are not empty, by slice."""
    found: dict[str, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for row in answer.to_pylist():
        if row["count"]:
            found[row[by] if by else ""][row["bar"]] = (row["count"], row["value"])
    return found


def balance(slices: dict[str, dict[str, tuple[int, Decimal]]]) -> None:
    """Every slice balances, by count and by value."""
    for found in slices.values():
        value = sum(SIGNS.get(bar, 0) * one for bar, (_, one) in found.items())
        assert value == found.get("end", (0, Decimal(0)))[1], found
        moved = sum(
            SIGNS.get(bar, 0) * n for bar, (n, _) in found.items() if bar not in ("increased", "decreased", "currency")
        )
        assert moved == found.get("end", (0, 0))[0], found


@pytest.fixture
def world() -> World:
    """Ann and Bob in the second quarter of 2024."""
    w = World(today="2024-07-31")
    w.people("Ann", "Bob", "Cid")
    w.manages("Bob", "Ann")
    return w


def test_worked_closing_in_period(world: World) -> None:
    """One deal for each bar; amounts are powers of two, so that every sum tells what is in it."""
    w, inside, outside = world, "2024-06-15", "2024-09-15"
    w.deal("stays", "2024-01-01", amount=1, expected_close=inside)
    w.deal("grows", "2024-01-01", amount=2, expected_close=inside).on("2024-05-01", amount=10).on(
        "2024-05-02", amount=6
    )
    w.deal("created", "2024-04-02", amount=4, expected_close=inside)
    w.deal("pulled in", "2024-01-01", amount=8, expected_close=outside).on("2024-05-05", expected_close=inside)
    w.deal("reopened", "2024-01-01", amount=16, expected_close=inside).lost("2024-03-01").on("2024-04-20", stage="Demo")
    w.deal("won", "2024-01-01", amount=32, expected_close=inside).won("2024-05-20")
    w.deal("lost", "2024-01-01", amount=64, expected_close=inside).lost("2024-05-21", amount=0)
    w.deal("pushed out", "2024-01-01", amount=128, expected_close=inside).on("2024-05-22", expected_close=outside)
    w.deal("deleted", "2024-01-01", amount=256, expected_close=inside).deleted("2024-05-23")
    w.deal("never here", "2024-01-01", amount=512, expected_close=outside)
    w.deal("won early", "2024-01-01", amount=1024, expected_close=outside).won("2024-06-01")
    w.deal("out and back", "2024-01-01", amount=2048, expected_close=inside).on(
        "2024-05-01", expected_close=outside
    ).on("2024-06-01", expected_close=inside)
    found = by_slice(waterfall(w.session(), BOSS, *QUARTER))
    balance(found)
    assert {bar: (n, int(value)) for bar, (n, value) in found[""].items()} == {
        "start": (7, 1 + 2 + 32 + 64 + 128 + 256 + 2048),
        "created": (1, 4),
        "reopened": (1, 16),
        "pulled_in": (2, 8 + 1024),
        "increased": (1, 8),
        "decreased": (1, 4),
        "won": (2, 32 + 1024),
        "lost": (1, 64),
        "pushed_out": (1, 128),
        "deleted": (1, 256),
        "end": (6, 1 + 6 + 4 + 8 + 16 + 2048),
    }


def test_created_and_won_inside_shows_in_both(world: World) -> None:
    """Also on one and the same day."""
    world.deal("quick", "2024-05-01", amount=5, expected_close="2024-05-30").won("2024-05-20", amount=7)
    world.deal("same day", "2024-05-02", amount=3, stage="Won")
    found = by_slice(waterfall(world.session(), BOSS, *QUARTER, scope="all_open"))
    assert found[""] == {"created": (2, 8), "increased": (1, 2), "won": (2, 10)}


def test_a_reassigned_deal_leaves_one_rep_and_enters_the_other(world: World) -> None:
    """Ann hands a deal of 100 to Bob, who lifts it to 130 and wins it. What happens later is not Ann's."""
    deal = world.deal("A", "2024-01-01", owner="Ann", amount=100, expected_close="2024-06-01")
    deal.on("2024-05-01", owner="Bob").on("2024-05-10", amount=130).won("2024-06-01").on("2024-06-10", owner="Cid")
    found = by_slice(waterfall(world.session(), BOSS, *QUARTER, by="owner"), "owner")
    balance(found)
    assert found == {
        "Ann": {"start": (1, 100), "reassigned_out": (1, 100)},
        "Bob": {"reassigned_in": (1, 100), "increased": (1, 30), "won": (1, 130)},
    }


def test_a_person_who_changes_team_takes_open_deals_along(world: World) -> None:
    """The deal itself does not change; its slice does."""
    world.member("Red", "Ann", "2024-01-01", "2024-05-10")
    world.member("Blue", "Ann", "2024-05-20")
    world.deal("A", "2024-01-01", owner="Ann", amount=100, expected_close="2024-06-01")
    found = by_slice(waterfall(world.session(), BOSS, *QUARTER, by="team"), "team")
    balance(found)
    assert found == {
        "Red": {"start": (1, 100), "reassigned_out": (1, 100)},
        "(none)": {"reassigned_in": (1, 100), "reassigned_out": (1, 100)},
        "Blue": {"reassigned_in": (1, 100), "end": (1, 100)},
    }


def test_currency_is_the_revaluation_from_entry_to_exit() -> None:
    """100 EUR open at both ends, the euro rises from 1.10 to 1.25: 110 + 15 = 125. An increase of 10 EUR counts at 1.20."""
    w = World(today="2024-07-31")
    w.rate("EUR", "2024-01-01", "1.10")
    w.rate("EUR", "2024-05-01", "1.20")
    w.rate("EUR", "2024-06-01", "1.25")
    w.deal("A", "2024-01-01", amount=100, currency="EUR")
    found = by_slice(waterfall(w.session(), BOSS, *QUARTER, scope="all_open"))
    assert found[""] == {"start": (1, 110), "currency": (1, 15), "end": (1, 125)}
    w.deals["A"].on("2024-05-02", amount=110).won("2024-05-20")
    found = by_slice(waterfall(w.session(), BOSS, *QUARTER, scope="all_open"))
    assert found[""] == {"start": (1, 110), "increased": (1, 12), "currency": (1, 10), "won": (1, 132)}


def test_every_bar_opens_to_its_deals(world: World) -> None:
    """The drill sums to the bar."""
    world.deal("A", "2024-01-01", owner="Ann", amount=5, expected_close="2024-06-01").won("2024-05-01")
    world.deal("B", "2024-01-01", owner="Bob", amount=6, expected_close="2024-06-01").won("2024-05-02")
    session = world.session()
    page = waterfall_drill(session, BOSS, *QUARTER, bucket="won", limit=1)
    assert (page["total"], page["value"], [row["name"] for row in page["rows"]]) == (2, 110_000, ["A"])
    page = waterfall_drill(session, BOSS, *QUARTER, bucket="won", by="owner", cell={"owner": "Bob"})
    assert [(row["name"], row["day"]) for row in page["rows"]] == [("B", date(2024, 5, 2))]
    with pytest.raises(UsageError, match="no bar"):
        waterfall_drill(session, BOSS, *QUARTER, bucket="winning")


def test_a_rep_sees_own_deals_a_manager_those_below(world: World) -> None:
    """Hidden deals are counted, never summed."""
    world.deal("A", "2024-01-01", owner="Ann", amount=5, expected_close="2024-06-01")
    world.deal("B", "2024-01-01", owner="Bob", amount=6, expected_close="2024-06-01")
    world.deal("C", "2024-01-01", owner="Cid", amount=7, expected_close="2024-06-01")
    session = world.session()
    ann, bob = (Actor(name, world.ids("person", name), False) for name in ("Ann", "Bob"))
    seen = waterfall(session, ann, *QUARTER)
    assert (by_slice(seen)[""]["end"], seen.hidden) == ((1, 5), 2)
    seen = waterfall(session, bob, *QUARTER)
    assert (by_slice(seen)[""]["end"], seen.hidden) == ((2, 11), 1)
    assert by_slice(waterfall(session, BOSS, *QUARTER, where="owner = 'Cid'"))[""]["end"] == (1, 7)


# Against an oracle ------------------------------------------------------------------------------------------------------

STEP = st.fixed_dictionaries(
    {
        "day": st.integers(0, 40),
        "stage": st.sampled_from(["New", "Demo", "Won", "Lost"]),
        "owner": st.sampled_from(["Ann", "Bob", None]),
        "amount": st.sampled_from([1, 10, 100, None]),
        "close": st.sampled_from([None, 5, 15, 25, 35]),
        "deleted": st.booleans(),
    }
)
DEALS = st.lists(st.lists(STEP, min_size=1, max_size=6, unique_by=lambda s: s["day"]), min_size=1, max_size=5)
ZERO = date(2024, 1, 1)


def evening(steps: list[dict[str, Any]], on: int) -> dict[str, Any] | None:
    """The state of a deal in the evening of a day; None before it was created."""
    past = [step for step in steps if step["day"] <= on]
    if not past:
        return None
    state = dict(past[-1])
    known = [step["amount"] for step in past if step["amount"] is not None]
    state["value"] = known[-1] if known else 0
    state["closed"] = state["stage"] in ("Won", "Lost")
    return state


def oracle(deals: list[list[dict[str, Any]]], first: int, last: int, scope: str, by_owner: bool) -> dict[Any, Any]:
    """(slice, bar) -> [count, value], evening by evening."""
    found: dict[Any, list[int]] = defaultdict(lambda: [0, 0])

    def put(key: Any, bar: str, value: int) -> None:
        found[key, bar][0] += 1
        found[key, bar][1] += value

    for steps in deals:
        steps = sorted(steps, key=lambda step: step["day"])
        days = range(first - 1, last + 1)
        states = {on: evening(steps, on) for on in days}

        def shut(on: int, states: Any = states) -> bool:
            return states[on] is not None and not states[on]["deleted"] and states[on]["closed"]

        def opened(on: int, states: Any = states) -> bool:
            return states[on] is not None and not states[on]["deleted"] and not states[on]["closed"]

        def inside(on: int, states: Any = states) -> bool:
            close = states[on]["close"] if states[on] else None
            return opened(on) and (scope == "all_open" or (close is not None and first <= close <= last))

        closings = [on for on in days if on >= first and shut(on) and (states[on - 1] is None or opened(on - 1))]
        closing = closings[-1] if closings else None

        def owner(on: int, states: Any = states, closing: Any = closing) -> Any:
            if not by_owner:
                return ""
            frozen = closing is not None and on >= closing and shut(on)
            return states[closing if frozen else on]["owner"] or "(none)"

        for key in {owner(on) for on in days if states[on]}:
            mine = [on for on in days if inside(on) and owner(on) == key]
            if mine:
                entry = mine[0]
                if entry == first - 1:
                    bar = "start"
                elif states[entry - 1] is None:
                    bar = "created"
                elif not opened(entry - 1):
                    bar = "reopened"
                else:
                    bar = "reassigned_in" if inside(entry - 1) else "pulled_in"
            elif shut(last) and closing is not None and owner(last) == key:
                entry = closing
                if states[entry - 1] is None:
                    bar = "created"
                else:
                    bar = "reassigned_in" if inside(entry - 1) and owner(entry - 1) != key else "pulled_in"
            else:
                continue
            put(key, bar, states[entry]["value"])
            stays = owner(last) == key
            end = last if stays else mine[-1]
            for on in range(entry + 1, end + 1):
                change = states[on]["value"] - states[on - 1]["value"]
                if change:
                    put(key, "increased" if change > 0 else "decreased", abs(change))
            if not stays:
                bar = "reassigned_out"
            elif inside(last):
                bar = "end"
            elif states[last]["deleted"]:
                bar = "deleted"
            else:
                bar = states[last]["stage"].lower() if shut(last) else "pushed_out"
            put(key, bar, states[end]["value"])
    return {key: tuple(value) for key, value in found.items()}


@settings(max_examples=50)
@given(DEALS, st.sampled_from(["all_open", "closing_in_period"]), st.booleans())
def test_equals_the_oracle_and_balances(deals: list[list[dict[str, Any]]], scope: str, by_owner: bool) -> None:
    """Random histories: the same bars as the oracle, in every slice; and the identity."""
    w = World(today="2024-12-31")
    w.people("Ann", "Bob")
    for n, steps in enumerate(deals):
        ordered = sorted(steps, key=lambda step: step["day"])
        deal = w.deal(f"D{n}", ZERO + ordered[0]["day"] * DAY)
        for step in ordered:
            close = None if step["close"] is None else ZERO + step["close"] * DAY
            fields = {name: step[name] for name in ("stage", "owner", "amount", "deleted")}
            deal.on(ZERO + step["day"] * DAY, expected_close=close, **fields)
    first, last = 10, 30
    by = "owner" if by_owner else ""
    answer = waterfall(w.session(), BOSS, ZERO + first * DAY, ZERO + last * DAY, scope=scope, by=by)
    got = by_slice(answer, by)
    balance(got)
    flat = {(key, bar): (n, int(value)) for key, found in got.items() for bar, (n, value) in found.items()}
    assert flat == oracle(deals, first, last, scope, by_owner)


def test_the_statement_uses_portable_constructs_only(world: World) -> None:
    """With and without slices and currencies."""
    session = world.session()
    for currency in (None, "USD"):
        for by in ((), ("owner",), ("team",)):
            window = Window(date(2024, 4, 1), date(2024, 6, 30), currency=currency)
            text, slices, _ = versions(session, BOSS, window, by, None)
            for name, sql in bars(window, slices, text):
                assert list(problems(name, parse(sql))) == []
    assert Slice().names == []
