"""Corners where engines differ, on rows made by hand, with figures worked by hand: the same on every engine that is there.

Nulls, zero denominators, ties, negative amounts, halves in currency conversion and in splits, empty periods, the order of words.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.engines.conftest import Move
from tests.metrics.build import BOSS, World

from salesops.metrics.query import query


def world() -> World:
    """Ann and Bob sell; Cid does nothing. A euro is half a dollar. Days to close: 10, 20, 20, 40 (Ann), 30 (Bob).

    | deal | owner | created | closed       | amount              |
    | A    | Ann   | 1 Jan   | won 11 Jan   | 100                 |
    | B    | Ann   | 1 Jan   | won 21 Jan   | -30                 |
    | C    | Ann   | 1 Jan   | won 21 Jan   | not known           |
    | D    | Ann   | 1 Jan   | won 10 Feb   | 70                  |
    | E    | Bob   | 1 Apr   | lost 1 May   | 5                   |
    """
    w = World(today="2024-12-31")
    w.people("Ann", "Bob", "Cid")
    w.rate("EUR", "2023-01-01", "0.5")
    w.deal("A", "2024-01-01", owner="Ann", amount=100, region="West", segment="a").won("2024-01-11")
    w.deal("B", "2024-01-01", owner="Ann", amount=-30, segment="B").won("2024-01-21")
    w.deal("C", "2024-01-01", owner="Ann", amount=None, segment="B").won("2024-01-21")
    w.deal("D", "2024-01-01", owner="Ann", amount=70, region="West", segment="Ä").won("2024-02-10")
    w.deal("E", "2024-04-01", owner="Bob", amount=5).lost("2024-05-01")
    return w


@pytest.fixture(scope="module")
def company(moved: Move) -> Any:
    """The five deals, on one engine."""
    return moved(world().session())


def rows(session: Any, name: str, *keys: str, **question: Any) -> list[Any]:
    """The values of a metric with the keys beside them, in the order of the answer."""
    table = query(session, BOSS, name, **question).to_pylist()
    return [tuple(row[key] for key in (*keys, name)) if keys else row[name] for row in table]


YEAR = {"from_": "2024-01-01", "to": "2024-12-31"}
BY_QUARTER = {**YEAR, "period": "quarter"}


def test_what_is_unknown_is_counted_and_worth_nothing(company: Any) -> None:
    """C counts as won; its amount is in no sum and no mean."""
    assert rows(company, "won_deals", period="2024-Q1") == [4]
    assert rows(company, "bookings", period="2024-Q1") == [Decimal(140)]
    assert rows(company, "average_deal_size.all_won", period="2024-Q1") == [pytest.approx(140 / 3, rel=1e-9)]


def test_a_zero_denominator_gives_no_value(company: Any) -> None:
    """Nothing is decided in the second half-year; nothing is won in the second quarter: that is zero of one."""
    assert rows(company, "win_rate", **BY_QUARTER) == [1, 0, None, None]
    assert rows(company, "average_deal_size.all_won", **BY_QUARTER)[1:] == [None, None, None]


def test_a_period_without_records_has_a_row(company: Any) -> None:
    """A sum of nothing is zero; a median of nothing is not there."""
    assert rows(company, "bookings", "period", **BY_QUARTER) == [
        ("2024-Q1", Decimal(140)), ("2024-Q2", 0), ("2024-Q3", 0), ("2024-Q4", 0),
    ]  # fmt: skip
    assert rows(company, "sales_cycle_days.closed_median", **BY_QUARTER) == [20, 30, None, None]


def test_medians_are_row_numbers_and_ties_do_not_matter(company: Any) -> None:
    """Of 10, 20, 20, 40 the second; with 30 among them, of five, the third."""
    assert rows(company, "sales_cycle_days.created_to_won_median", **YEAR) == [20]
    assert rows(company, "sales_cycle_days.closed_median", **YEAR) == [20]
    assert rows(company, "sales_cycle_days.closed_median", "owner", by="owner", **YEAR) == [("Ann", 20), ("Bob", 30)]


def test_groups_come_in_the_order_of_their_bytes(company: Any) -> None:
    """Capitals before small letters, letters with marks after both; what has no segment is a group of its own."""
    assert rows(company, "won_deals", "segment", by="segment", **YEAR) == [
        ("(none)", 0), ("B", 2), ("a", 1), ("Ä", 1),
    ]  # fmt: skip


def test_a_condition_does_not_hold_for_what_is_unknown(company: Any) -> None:
    """Deals without a region are neither in the West nor elsewhere."""
    assert rows(company, "won_deals", where="region = 'West'", **YEAR) == [2]
    assert rows(company, "won_deals", where="region != 'West'", **YEAR) == [0]
    assert rows(company, "won_deals", where="region is null", **YEAR) == [2]


HALVES = [
    ("0.0001", "0"),
    ("0.0003", "0.0002"),
    ("0.0005", "0.0002"),
    ("-0.0001", "0"),
    ("-0.0003", "-0.0002"),
    ("-0.0005", "-0.0002"),
]
"""Euros and what they are in dollars: half a ten-thousandth goes to the even neighbour, whatever the sign."""


def test_halves_are_rounded_to_even(moved: Move) -> None:
    """Each deal is converted by itself; the sum is that of what was converted."""
    w = World(today="2024-12-31")
    w.rate("EUR", "2023-01-01", "0.5")
    for number, (amount, _) in enumerate(HALVES):
        w.deal(f"D{number}", "2024-01-01", amount=amount, currency="EUR", segment=f"s{number}").won("2024-02-01")
    session = moved(w.session())
    found = rows(session, "bookings", "segment", by="segment", **YEAR)
    assert found == [(f"s{number}", Decimal(dollars)) for number, (_, dollars) in enumerate(HALVES)]
    assert rows(session, "bookings", **YEAR) == [0]


def test_an_amount_is_divided_without_a_rest(moved: Move) -> None:
    """Three lines share 0.0002 and -0.0002: two of them get a ten-thousandth more, none is lost, the sign stays."""
    w = World(today="2024-12-31")
    for name, amount in (("Plus", "0.0002"), ("Minus", "-0.0002")):
        w.deal(name, "2024-01-01", amount=amount, segment=name).won("2024-02-01")
        for product in ("P", "Q", "R"):
            w.line(name, product, 1)
    session = moved(w.session())
    found = rows(session, "bookings", "segment", "product", by="segment,product", **YEAR)
    for name, sign in (("Minus", -1), ("Plus", 1)):
        parts = [value for segment, _, value in found if segment == name]
        assert sorted(map(abs, parts)) == [0, Decimal("0.0001"), Decimal("0.0001")]
        assert sum(parts) == sign * Decimal("0.0002")


STATEMENTS = [
    ("7 // 2, -7 // 2, 7 // -2, -7 // -2", (3, -3, -3, 3)),
    ("7 % 3, -7 % 3, 7 % -3", (1, -1, 1)),
    ("CAST(9223372036854775807 AS HUGEINT) * 1000 // 1000", (Decimal(9223372036854775807),)),
    ("SIGN(-5) * 9007199254740993, SIGN(0), SIGN(5)", (-9007199254740993, 0, 1)),
    ("CASE WHEN NULL > 1 THEN 1 ELSE 0 END, COALESCE(NULL, 2), NULLIF(3, 3)", (0, 2, None)),
    ("DATE_DIFF('day', DATE '2024-02-28', DATE '2024-03-01'), DATE_DIFF('day', DATE '2024-03-01', DATE '2024-02-28')", (2, -2)),
    ("CASE WHEN 'a' < 'B' THEN 1 ELSE 0 END, CASE WHEN 'Z' < 'a' THEN 1 ELSE 0 END, CASE WHEN '' IS NULL THEN 1 ELSE 0 END", (0, 1, 0)),
    ("CASE WHEN 'a ' = 'a' THEN 1 ELSE 0 END, CASE WHEN 'A' = 'a' THEN 1 ELSE 0 END", (0, 0)),
    ("CAST(1 AS DOUBLE) / NULLIF(0, 0), CAST(1 AS DOUBLE) / 4", (None, 0.25)),
]  # fmt: skip


def test_statements(company: Any) -> None:
    """Division cuts towards zero, a rest has the sign of the dividend, texts are compared byte by byte, '' is no null."""
    for columns, expected in STATEMENTS:
        names = [f"c{n}" for n in range(len(expected))]
        values = (
            f"SELECT {', '.join(f'v.c{n}' for n in range(len(expected)))} FROM (SELECT {named(columns, names)}) AS v"
        )
        assert tuple(company.query(values).to_pylist()[0].values()) == expected, columns


def named(columns: str, names: list[str]) -> str:
    """Columns with names, by SQLGlot, because commas stand inside of them too."""
    from sqlglot import exp, parse_one

    tree: Any = parse_one(f"SELECT {columns}", dialect="duckdb")
    return ", ".join(exp.alias_(one, name).sql("duckdb") for one, name in zip(tree.expressions, names, strict=True))


def test_sets(company: Any) -> None:
    """Nulls come last in both directions; aggregates leave them out; COUNT(*) does not; nothing adds up to null."""
    three = "(SELECT v.k, v.x FROM (VALUES (1, 5), (2, NULL), (3, -5)) AS v(k, x)) AS t"
    for way, expected in (("", [-5, 5, None]), (" DESC", [5, -5, None])):
        assert company.query(f"SELECT t.x FROM {three} ORDER BY t.x{way}").column(0).to_pylist() == expected
    sums = f"SELECT COUNT(*) AS a, COUNT(t.x) AS b, COUNT(DISTINCT t.x) AS c, SUM(t.x) AS d, MIN(t.x) AS e FROM {three}"
    assert company.query(sums).to_pylist() == [{"a": 3, "b": 2, "c": 2, "d": 0, "e": -5}]
    assert company.query(f"{sums} WHERE t.k > 3").to_pylist() == [{"a": 0, "b": 0, "c": 0, "d": None, "e": None}]
    ranks = f"SELECT t.k, ROW_NUMBER() OVER (PARTITION BY 1 ORDER BY t.x DESC) AS n, LEAD(t.x) OVER (ORDER BY t.k) AS x FROM {three}"
    found = company.query(f"SELECT r.k, r.n, r.x FROM ({ranks}) AS r ORDER BY r.k").to_pylist()
    assert [tuple(one.values()) for one in found] == [(1, 1, None), (2, 3, -5), (3, 2, None)]
    listed = "SELECT COUNT(*) AS n FROM (SELECT 1 AS k UNION SELECT 1 AS k UNION ALL SELECT 1 AS k) AS u"
    assert company.query(listed).to_pylist() == [{"n": 2}]
