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
        if row["count"] or row["value"]:
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


def add_up(slices: Any, whole: Any, counts: bool = True) -> None:
    """Every bar of the slices adds up to the bar of the whole, by count and by value; reassigned nets to zero."""
    found: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for row in slices.to_pylist():
        found[row["bar"]][0] += row["count"]
        found[row["bar"]][1] += row["value"]
    assert found["reassigned_in"][1] == found["reassigned_out"][1]
    for row in whole.to_pylist():
        if row["bar"] == "reassigned_in":
            assert (row["count"], row["value"]) == (0, 0)
        elif row["bar"] != "reassigned_out":
            got = found[row["bar"]] if row["bar"] in found else [0, Decimal(0)]
            if row["bar"] in ("increased", "decreased", "currency") or not counts:
                assert got[1] == row["value"], row["bar"]
            else:
                assert got == [row["count"], row["value"]], row["bar"]


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


def test_a_deal_that_comes_back_has_one_entry_and_one_exit(world: World) -> None:
    """Bob lifts Ann's deal from 100 to 110 and gives it back: Ann gained 10 elsewhere, and no deal came or went."""
    deal = world.deal("A", "2024-01-01", owner="Ann", amount=100, expected_close="2024-06-01")
    deal.on("2024-05-01", owner="Bob").on("2024-05-10", amount=110).on("2024-05-20", owner="Ann")
    answer = waterfall(world.session(), BOSS, *QUARTER, by="owner")
    found = by_slice(answer, "owner")
    balance(found)
    assert found == {
        "Ann": {"start": (1, 100), "reassigned_in": (0, 10), "end": (1, 110)},
        "Bob": {"reassigned_in": (1, 100), "increased": (1, 10), "reassigned_out": (1, 110)},
    }
    add_up(answer, waterfall(world.session(), BOSS, *QUARTER))


def test_what_changes_on_the_day_of_the_handover_is_the_new_owners(world: World) -> None:
    """Out at 100, in at 100, then 30 more: what is reassigned nets to zero."""
    deal = world.deal("A", "2024-01-01", owner="Ann", amount=100, expected_close="2024-06-01")
    deal.on("2024-05-01", owner="Bob", amount=130)
    found = by_slice(waterfall(world.session(), BOSS, *QUARTER, by="owner"), "owner")
    assert found == {
        "Ann": {"start": (1, 100), "reassigned_out": (1, 100)},
        "Bob": {"reassigned_in": (1, 100), "increased": (1, 30), "end": (1, 130)},
    }


def test_out_of_scope_a_deal_stays_where_it_was(world: World) -> None:
    """Pushed out and then handed to Bob: it was Ann's that was pushed out."""
    deal = world.deal("A", "2024-01-01", owner="Ann", amount=100, expected_close="2024-06-01")
    deal.on("2024-05-01", expected_close="2024-09-01").on("2024-05-20", owner="Bob")
    found = by_slice(waterfall(world.session(), BOSS, *QUARTER, by="owner"), "owner")
    assert found == {"Ann": {"start": (1, 100), "pushed_out": (1, 100)}}


def test_by_product_line_the_lines_divide_every_amount(world: World) -> None:
    """A deal of 100 with lines 1 : 2 grows to 101: cents are divided by largest remainder, and both slices add up to the whole."""
    world.deal("A", "2024-01-01", amount=100, expected_close="2024-06-01").on("2024-05-01", amount=101).won(
        "2024-06-01"
    )
    world.deal("B", "2024-04-02", amount=7, expected_close="2024-06-01")
    world.line("A", "Pen", 1, line="Office")
    world.line("A", "Robot", 2, line="Machines")
    answer = waterfall(world.session(), BOSS, *QUARTER, by="product_line")
    found = by_slice(answer, "product_line")
    balance(found)
    add_up(answer, waterfall(world.session(), BOSS, *QUARTER), counts=False)
    third = Decimal("33.3333")
    assert found["Office"] == {"start": (1, third), "increased": (1, Decimal("0.3334")), "won": (1, Decimal("33.6667"))}
    assert found["Machines"]["won"] == (1, Decimal("67.3333"))
    assert found["(none)"] == {"created": (1, 7), "end": (1, 7)}
    page = waterfall_drill(
        world.session(), BOSS, *QUARTER, bucket="won", by="product_line", cell={"product_line": "Office"}
    )
    assert (page["total"], page["value"]) == (1, 336_667)


def test_what_moves_between_products_is_reassigned(world: World) -> None:
    """60 of 100 are Pens at the start; at the end it is all Robots."""
    world.deal("A", "2024-01-01", amount=100, expected_close="2024-06-01", owner="Ann")
    world.line("A", "Pen", 60)
    world.line("A", "Robot", 40)
    for row in world.rows["opportunity_line"]:
        if row["product"] == world.ids("product", "Pen"):
            row["day_to"] = date(2024, 5, 1)
    answer = waterfall(world.session(), BOSS, *QUARTER, by="product,owner")
    assert {
        (r["product"], r["owner"], r["bar"]): (r["count"], r["value"]) for r in answer.to_pylist() if r["value"]
    } == {
        ("Pen", "Ann", "start"): (1, 60),
        ("Pen", "Ann", "reassigned_out"): (1, 60),
        ("Robot", "Ann", "start"): (1, 40),
        ("Robot", "Ann", "reassigned_in"): (0, 60),
        ("Robot", "Ann", "end"): (1, 100),
    }
    with pytest.raises(UsageError, match="cannot be filtered by product"):
        waterfall(world.session(), BOSS, *QUARTER, where="product = 'Pen'")


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
        moments = [on for on in days if inside(on)]
        if closings and shut(last):
            moments = sorted({*moments, closings[-1]})
        if not moments:
            continue
        entry = moments[0]
        if entry == first - 1:
            bar = "start"
        elif states[entry - 1] is None:
            bar = "created"
        else:
            bar = "pulled_in" if opened(entry - 1) else "reopened"

        def owner(on: int, states: Any = states) -> Any:
            return (states[on]["owner"] or "(none)") if by_owner else ""

        at = owner(entry)  # the slice of the latest moment in scope
        ledger = [(at, bar, 1, states[entry]["value"])]
        for on in range(entry + 1, last + 1):
            if on in moments and owner(on) != at:
                ledger += [(at, "out", -1, states[on - 1]["value"]), (owner(on), "in", 1, states[on - 1]["value"])]
                at = owner(on)
            change = states[on]["value"] - states[on - 1]["value"]
            if change:
                put(at, "increased" if change > 0 else "decreased", abs(change))
        if inside(last):
            bar = "end"
        elif states[last]["deleted"]:
            bar = "deleted"
        else:
            bar = states[last]["stage"].lower() if shut(last) else "pushed_out"
        ledger.append((at, bar, -1, states[last]["value"]))
        for key in {row[0] for row in ledger}:
            (_, came, _, worth), *between, (_, went, _, left) = [row for row in ledger if row[0] == key]
            put(key, "reassigned_in" if came == "in" else came, worth)
            put(key, "reassigned_out" if went == "out" else went, left)
            if gain := sum(way * value for _, _, way, value in between):
                found[key, "reassigned_in" if gain > 0 else "reassigned_out"][1] += abs(gain)
    return {key: tuple(value) for key, value in found.items()}


LINES = st.lists(
    st.tuples(st.sampled_from(["Pen", "Robot", "Desk"]), st.integers(0, 5), st.integers(0, 20), st.integers(21, 45)),
    max_size=4,
)


@settings(max_examples=25)
@given(
    DEALS, st.lists(LINES, min_size=5, max_size=5), st.sampled_from(["product", "product_line,owner"]), st.booleans()
)
def test_products_balance_and_add_up(deals: list[list[dict[str, Any]]], lines: Any, by: str, abroad: bool) -> None:
    """Random histories with lines that come and go, in a currency whose rate moves: every slice balances to the last digit,
    and the slices add up to the whole."""
    w = random_world(deals, "EUR" if abroad else None)
    if abroad:
        w.rate("EUR", "2023-12-01", "1.07")
        w.rate("EUR", "2024-01-15", "1.13")
        w.rate("EUR", "2024-01-25", "0.99")
    for n, own in enumerate(lines[: len(deals)]):
        for product, weight, start, stop in own:
            w.line(f"D{n}", product, weight, line="Office" if product != "Robot" else "Machines")
            w.rows["opportunity_line"][-1].update(day_from=ZERO + start * DAY, day_to=ZERO + stop * DAY)
    days = (ZERO + 10 * DAY, ZERO + 30 * DAY)
    answer = waterfall(w.session(), BOSS, *days, scope="all_open", by=by)
    names = by.split(",")
    found: dict[Any, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for row in answer.to_pylist():
        found[tuple(row[name] for name in names)][row["bar"]] = (row["count"], row["value"])
    balance(found)
    add_up(answer, waterfall(w.session(), BOSS, *days, scope="all_open"), counts=False)


@settings(max_examples=15)
@given(
    DEALS,
    st.sampled_from(["owner", "team", "stage", "owner,stage"]),
    st.sampled_from(["all_open", "closing_in_period"]),
    st.lists(
        st.tuples(st.sampled_from(["Red", "Blue"]), st.sampled_from(["Ann", "Bob"]), st.integers(0, 40)), max_size=4
    ),
)
def test_slices_in_a_foreign_currency_add_up(
    deals: list[list[dict[str, Any]]], by: str, scope: str, teams: Any
) -> None:
    """Random histories, people who change team, a rate that moves: every slice balances, every bar adds up, currency included."""
    w = random_world(deals, "EUR")
    for day, rate in (("2023-12-01", "1.07"), ("2024-01-15", "1.13"), ("2024-01-25", "0.99")):
        w.rate("EUR", day, rate)
    for team, person, start in teams:
        w.member(team, person, str(ZERO + start * DAY), str(ZERO + (start + 9) * DAY))
    session, days = w.session(), (ZERO + 10 * DAY, ZERO + 30 * DAY)
    answer = waterfall(session, BOSS, *days, scope=scope, by=by)
    found: dict[Any, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for row in answer.to_pylist():
        found[tuple(row[name] for name in by.split(","))][row["bar"]] = (row["count"], row["value"])
    balance(found)
    add_up(answer, waterfall(session, BOSS, *days, scope=scope))


def random_world(deals: list[list[dict[str, Any]]], currency: str | None = None) -> World:
    """Deals D0, D1, ... with these steps."""
    w = World(today="2024-12-31")
    w.people("Ann", "Bob")
    for n, steps in enumerate(deals):
        ordered = sorted(steps, key=lambda step: step["day"])
        deal = w.deal(f"D{n}", ZERO + ordered[0]["day"] * DAY, **({"currency": currency} if currency else {}))
        for step in ordered:
            close = None if step["close"] is None else ZERO + step["close"] * DAY
            fields = {name: step[name] for name in ("stage", "owner", "amount", "deleted")}
            deal.on(ZERO + step["day"] * DAY, expected_close=close, **fields)
    return w


@settings(max_examples=50)
@given(DEALS, st.sampled_from(["all_open", "closing_in_period"]), st.booleans())
def test_equals_the_oracle_and_balances(deals: list[list[dict[str, Any]]], scope: str, by_owner: bool) -> None:
    """Random histories: the same bars as the oracle, in every slice; and the identity."""
    w = random_world(deals)
    first, last = 10, 30
    by = "owner" if by_owner else ""
    answer = waterfall(w.session(), BOSS, ZERO + first * DAY, ZERO + last * DAY, scope=scope, by=by)
    got = by_slice(answer, by)
    balance(got)
    flat = {(key, bar): (n, int(value)) for key, found in got.items() for bar, (n, value) in found.items()}
    assert flat == oracle(deals, first, last, scope, by_owner)
    if by_owner:
        whole = waterfall(w.session(), BOSS, ZERO + first * DAY, ZERO + last * DAY, scope=scope)
        add_up(answer, whole)


def test_the_statement_uses_portable_constructs_only(world: World) -> None:
    """With and without slices and currencies."""
    session = world.session()
    for currency in (None, "USD"):
        for by in ((), ("owner",), ("team",), ("owner", "product")):
            window = Window(date(2024, 4, 1), date(2024, 6, 30), currency=currency)
            text, slices, _ = versions(session, BOSS, window, by, None)
            for name, sql in bars(window, slices, text):
                assert list(problems(name, parse(sql))) == []
    assert Slice().names == []
