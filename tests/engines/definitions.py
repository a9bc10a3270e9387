"""Random definitions of metrics and questions to them, over a small company made by hand that has the corners engines differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w
from hypothesis import strategies as st
from tests.metrics.build import World

from salesops.common.expressions import FieldType

FACTS = [
    "closed", "created", "open_state", "credit", "stage_visit", "stage_in", "lead", "lead_converted", "activity", "worked",
    "quota", "ordered", "order_line", "invoiced", "paid", "subscribed", "spent", "employed", "workday", "offer", "deal_state",
]  # fmt: skip
METRICS = [
    "bookings", "won_deals", "lost_deals", "created_deals", "win_rate", "win_rate.value", "average_deal_size", "sales_cycle_days",
    "open_pipeline", "weighted_pipeline", "created_leads", "lead_conversion", "activities", "activities.minutes", "order_revenue",
    "order_margin", "invoiced", "mrr", "new_customers", "head_count", "quota_attainment", "cac", "sales_cycle_days.median",
]  # fmt: skip
KEYS = ["id", "account", "owner", "opportunity", None]
WORDS = ["West", "west", "Ä", "", "o'Neill", "Ann", "call", "won", "%", "USD"]
DIMENSIONS = ["", "owner", "region", "team", "manager", "account", "product", "source", "segment", "stage", "owner,region", "kind",
              "currency", "created_quarter", "account.segment", "custom.tier"]  # fmt: skip
LARGE = "900719925474.0993"
"""In 10^-4 the first whole number that a binary float cannot hold."""
NUMBERS = ["0", "1", "2", "3.5", "0.0001", "100", "-7", "1000000"]


def company() -> World:
    """Forty deals of three people and nobody in two currencies, with leads, activities, orders, subscriptions, costs and quotas."""
    w = World(today="2024-09-30")
    w.people("Ann", "bob", region="West")
    w.people("o'Neill", region=None)
    w.manages("Ann", "bob", "2024-02-01")
    w.member("Red", "Ann", None, "2024-03-10")
    w.member("red", "Ann", "2024-03-10")
    w.member("Ä", "bob")
    w.rate("EUR", "2023-01-01", "0.5")
    w.rate("EUR", "2024-05-01", "1.0845678901")
    w.hours(480)
    owners, regions, accounts = ["Ann", "bob", "o'Neill", None], ["West", "west", "Ä", "", None], ["Acme", "acme", None]
    for name in accounts:
        w.account(name, segment="SMB" if name == "Acme" else None)
    for n in range(40):
        created = f"2024-{n % 8 + 1:02d}-{n * 7 % 28 + 1:02d}"
        amount = (
            LARGE if n % 11 == 5 else None if n % 7 == 3 else f"{(-1) ** (n % 5 // 4) * n * n}.{n * 3331 % 10000:04d}"
        )
        deal = w.deal(
            f"D{n}", created, owner=owners[n % 4], amount=amount, currency=["USD", "EUR"][n % 3 == 1], region=regions[n % 5],
            account=w.account(accounts[n % 3]), source=["web", "Web", None][n % 3], custom_tier=["gold", None][n % 2],
            expected_close=f"2024-{n % 9 + 1:02d}-15",
        )  # fmt: skip
        if n % 4 == 1:
            deal.on(f"2024-{n % 8 + 1:02d}-28", stage="Demo", owner=owners[(n + 1) % 4])
        if n % 3 != 2:
            (deal.won if n % 2 else deal.lost)(f"2024-{n % 8 + 2:02d}-{n * 5 % 28 + 1:02d}")
        if n % 13 == 6:
            deal.deleted("2024-09-20")
        for product in ("P", "Q", "p")[: n % 4]:
            w.line(f"D{n}", product, n % 3, line=["Hard", None][n % 2])
        if n % 5 == 0:
            w.split(f"D{n}", "Ann", "0.333333")
            w.split(f"D{n}", "bob", "0.666667")
        w.lead(f"L{n}", f"{created}T{n % 24:02d}:30", *((f"2024-09-{n % 28 + 1:02d}", f"D{n}") if n % 4 == 0 else ()),
               owner=owners[n % 4], source=["web", None][n % 2])  # fmt: skip
        w.act(["call", "email_out", "proposal", "meeting"][n % 4], f"{created}T{n % 24:02d}:59", owners[n % 3], [None, 0, 15, 61][n % 4],
              opportunity=f"D{n}", direction=["in", "out", None][n % 3], outcome=["positive", None][n % 2])  # fmt: skip
    for n in range(12):
        order = w.order(accounts[n % 2], f"2024-{n % 9 + 1:02d}-03", [None, 0, "0.0001", 700][n % 4], owner=owners[n % 4],
                        currency=["USD", "EUR"][n % 2])  # fmt: skip
        w.order_line(order, f"2024-{n % 9 + 1:02d}-03", "P", n * 10, quantity=n % 3, cost=n * 4)
        w.invoice(
            "Acme",
            f"2024-{n % 9 + 1:02d}-05",
            n * 11,
            currency=["USD", "EUR"][n % 2],
            kind=["invoice", "credit_note"][n % 5 == 4],
        )
        w.subscribes(accounts[n % 2], f"2024-{n % 9 + 1:02d}-01", [None, "2024-08-15"][n % 3 == 0], n * 13, "0.7")
        w.cost(
            f"2024-{n % 9 + 1:02d}-01",
            n * 17,
            function=["sales", "marketing"][n % 2],
            category=["pay", None][n % 3 == 0],
        )
    w.job("Ann", "2023-01-01", role="rep")
    w.job("bob", "2024-02-15", role="rep", fte="0.5")
    for starts, ends, amount in (
        ("2024-01-01", "2024-03-31", 900),
        ("2024-04-01", "2024-06-30", 0),
        ("2024-07-01", "2024-09-30", None),
    ):
        w.quota("Ann", starts, ends, amount)
        w.quota("bob", starts, ends, 333)
    return w


def atoms(fields: Mapping[str, FieldType]) -> st.SearchStrategy[str]:
    """A condition on one field, of the kind that its type allows."""

    def of(name: str) -> st.SearchStrategy[str]:
        kind = fields[name].kind
        empty = st.sampled_from([f"{name} is null", f"{name} is not null"])
        if kind == "text":
            word = st.sampled_from(WORDS).map(lambda text: "'" + text.replace("'", "''") + "'")
            several = st.lists(word, min_size=1, max_size=3).map(lambda found: f"{name} in ({', '.join(found)})")
            return st.one_of(
                st.tuples(st.sampled_from(["=", "!="]), word).map(lambda t: f"{name} {t[0]} {t[1]}"), several, empty
            )
        if kind == "date":
            day = st.sampled_from(["'2024-02-29'", "'2024-05-01'", "'2025-01-01'"])
            return st.one_of(
                st.tuples(st.sampled_from(["<", ">=", "="]), day).map(lambda t: f"{name} {t[0]} {t[1]}"), empty
            )
        if kind == "bool":
            return st.one_of(st.sampled_from([name, f"not {name}"]), empty)
        number = st.sampled_from(NUMBERS)
        return st.one_of(
            st.tuples(st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), number).map(
                lambda t: f"{name} {t[0]} {t[1]}"
            ),
            st.tuples(number, number).map(lambda t: f"{name} between {t[0]} and {t[1]}"),
            st.tuples(st.sampled_from(["* 2", "/ 3", "/ 7", "+ 1", "* 0.3"]), number).map(
                lambda t: f"{name} {t[0]} > {t[1]}"
            ),
            empty,
        )

    return st.sampled_from(sorted(fields)).flatmap(of)


def conditions(fields: Mapping[str, FieldType]) -> st.SearchStrategy[str]:
    """Conditions joined by and, or, not."""
    return st.recursive(
        atoms(fields),
        lambda inner: st.one_of(
            inner.map(lambda one: f"not ({one})"),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        ),
        max_leaves=4,
    )


def measures(fields: Mapping[str, FieldType]) -> st.SearchStrategy[str]:
    """Numbers of a record: fields, days between dates, and what is worked out of them."""
    numbers = sorted(name for name, one in fields.items() if one.kind in ("money", "count", "rate", "number"))
    dates = sorted(name for name, one in fields.items() if one.kind == "date")
    leaves = [
        st.sampled_from(found) for found in (numbers, [f"{a} - {b}" for a in dates for b in dates if a != b]) if found
    ]
    if not leaves:
        return st.just("day")  # refused
    leaf = st.one_of(*leaves)
    scaled = st.tuples(leaf, st.sampled_from("*/"), st.sampled_from(NUMBERS)).map(lambda t: f"({t[0]}) {t[1]} {t[2]}")
    joined = st.tuples(st.one_of(leaf, scaled), st.sampled_from("+-*/"), leaf).map(
        lambda t: f"({t[0]}) {t[1]} ({t[2]})"
    )
    return st.one_of(leaf, leaf, scaled, joined)


def pieces(known: Mapping[str, Mapping[str, FieldType]], measure: bool = True) -> st.SearchStrategy[dict[str, str]]:
    """A fact, perhaps with a condition and a measure."""

    def of(name: str) -> st.SearchStrategy[dict[str, str]]:
        more = {"where": conditions(known[name])} | ({"measure": measures(known[name])} if measure else {})
        return st.fixed_dictionaries({"fact": st.just(name)}, optional=more)

    return st.sampled_from(sorted(known)).flatmap(of)


def definitions(known: Mapping[str, Mapping[str, FieldType]]) -> st.SearchStrategy[str]:
    """TOML of a metric `made`, and of `base` where it is made of that; `known` are the fields of facts."""
    piece, plain = pieces(known), pieces(known, measure=False)
    key = st.sampled_from(KEYS)
    side = st.tuples(plain, key).map(lambda t: t[0] | ({"key": t[1]} if t[1] else {}))
    names = st.sampled_from([*METRICS, "base", "2", "0.25"])
    formula = st.recursive(
        names,
        lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        max_leaves=3,
    )
    total = pieces(known).map(lambda one: {"kind": "sum" if "measure" in one else "count", **one})
    ratio = st.tuples(piece, piece).map(lambda t: {"kind": "ratio", "numerator": t[0], "denominator": t[1]})
    reach = st.tuples(side, side, st.sampled_from([0, 7, 30, 365])).map(
        lambda t: {"kind": "conversion", "from": t[0], "to": t[1], "within": t[2]}
    )
    windows = st.sampled_from(["year", "quarter", "month", "30 days", "365 days"])
    running = st.tuples(st.sampled_from([*METRICS, "base", "base", "base"]), windows).map(
        lambda t: {"kind": "cumulative", "of": t[0], "window": t[1]}
    )
    derived = formula.map(lambda text: {"kind": "derived", "formula": text})
    return st.tuples(st.one_of(total, total, total, ratio, ratio, reach, running, derived), total).map(
        lambda t: tomli_w.dumps({"made": t[0], "base": t[1]})
    )


def asking(known: Mapping[str, FieldType]) -> st.SearchStrategy[dict[str, Any]]:
    """Dimensions, periods, the day, the currency and a filter; `known` are the fields of a deal."""
    spans = st.sampled_from(
        [{}, {"period": "month", "from_": "2024-01-01", "to": "2024-12-31"}, {"period": "quarter"}, {"period": "2024-Q2"},
         {"period": "week", "from_": "2024-03-01", "to": "2024-04-15"}, {"from_": "2025-01-01", "to": "2025-01-31"}]
    )  # fmt: skip
    more = st.fixed_dictionaries(
        {"by": st.sampled_from(DIMENSIONS)},
        optional={
            "as_of": st.sampled_from(["2024-03-31", "2024-06-15"]),
            "currency": st.just("EUR"),
            "where": atoms(known),
        },
    )
    return st.tuples(spans, more).map(lambda t: {**t[0], **t[1]})
