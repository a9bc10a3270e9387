"""Formulas: read, checked, and the same in DuckDB and in Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from salesops.common.errors import InvalidData
from salesops.common.expressions import Expression, FieldType, check, parse

SCHEMA: Mapping[str, FieldType] = {
    "amount": FieldType("money"),
    "list_price": FieldType("money"),
    "in_usd": FieldType("money", "USD"),
    "probability": FieldType("rate"),
    "discount": FieldType("rate"),
    "seats": FieldType("count"),
    "visits": FieldType("count"),
    "close_date": FieldType("date"),
    "created": FieldType("date"),
    "stage": FieldType("text"),
    "custom.region": FieldType("text"),
    "is_new": FieldType("bool"),
    "Deal size": FieldType("count"),
}
SQL_TYPES = {"date": "DATE", "text": "VARCHAR", "bool": "BOOLEAN"}  # the others are BIGINT
ROW = {
    "amount": 12_500_000, "list_price": 20_000_000, "in_usd": 1, "probability": 250_000, "discount": 100_000,
    "seats": 40, "visits": 0, "close_date": date(2017, 3, 31), "created": date(2017, 1, 1), "stage": "Won",
    "custom.region": "EMEA", "is_new": True, "Deal size": 3,
}  # fmt: skip


def in_duckdb(expression: Expression, rows: list[dict[str, Any]]) -> list[Any]:
    connection = duckdb.connect()
    columns = ", ".join(f'"{name}" {SQL_TYPES.get(kind.kind, "BIGINT")}' for name, kind in SCHEMA.items())
    connection.execute(f"create table t (n integer, {columns})")
    places = ", ".join("?" * (len(SCHEMA) + 1))
    for n, row in enumerate(rows):
        connection.execute(f"insert into t values ({places})", [n, *(row.get(name) for name in SCHEMA)])
    sql = expression.sql().sql("duckdb")
    return [value for (value,) in connection.execute(f"select {sql} from t order by n").fetchall()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stage = 'Won' and amount > 1000", True),
        ("stage == 'Won' AND NOT (amount <= 1_000)", True),
        ("stage <> 'Won' OR seats BETWEEN 40 AND 50", True),
        ("seats not between 1 and 39 and stage in ('Won', \"Lost\")", True),
        ("stage not in ['Won'] or custom.region = 'EMEA'", True),
        ("`custom.region` != 'EM''EA'", True),
        ("`Deal size` = 3", True),
        ("10 < seats <= 40", True),
        ("close_date >= '2017-01-01' and close_date < DATE '2017-04-01'", True),
        ("close_date - created = 89", True),
        ("created + 90 > close_date", True),
        ("seats is null", False),
        ("seats is not None", True),
        ("visits = null_is_no_name", InvalidData),
        ("amount * probability >= 312.5", True),
        ("amount / list_price = 0.625", True),
        ("amount / visits is null", True),
        ("amount / visits > 0", None),
        ("amount / visits > 0 or is_new", True),
        ("not (amount / visits > 0)", None),
        ("is_new = true and not is_new = false", True),
        ("(is_new)", True),
        ("amount in (1250, 0.5)", True),
        ("-amount < -(1 + 2) * 100", True),
        ("(amount - list_price) / list_price < -0.3", True),
        ("amount * (1 - discount) = 1125", True),
    ],
)
def test_conditions_in_words_of_sql_and_of_python(text: str, expected: bool | type | None) -> None:
    if expected is InvalidData:
        with pytest.raises(InvalidData, match="There is no field"):
            parse(text, SCHEMA)
        return
    condition = parse(text, SCHEMA, expect="bool")
    assert condition.evaluate(ROW) is expected
    assert condition.matches(ROW) is (expected is True)
    assert in_duckdb(condition, [ROW]) == [expected]


@pytest.mark.parametrize(
    ("text", "kind", "value", "stored"),
    [
        ("amount", "money", Decimal("1250.0000"), 12_500_000),
        ("amount * probability", "money", Decimal("312.5000"), 3_125_000),
        ("amount / 3", "money", Decimal("416.6667"), 4_166_667),
        ("amount / list_price", "number", Decimal("0.6250000000"), 6_250_000_000),
        ("probability + 0.1", "rate", Decimal("0.350000"), 350_000),
        ("seats * `Deal size` - 1", "count", Decimal(119), 119),
        ("1 / 3", "number", Decimal("0.3333333333"), 3_333_333_333),
        ("close_date - created", "count", Decimal(89), 89),
        ("close_date - 31", "date", date(2017, 2, 28), date(2017, 2, 28)),
        ("stage", "text", "Won", "Won"),
        ("amount / visits", "money", None, None),
        ("if(amount > 1000, amount * 8%, 0)", "money", Decimal("100.0000"), 1_000_000),
        ("if(amount / visits > 0, 1, 2.5)", "number", Decimal("2.5000000000"), 25_000_000_000),
        ("if(is_new, stage, 'old')", "text", "Won", "Won"),
        ("min(amount, list_price, 1_300.5)", "money", Decimal("1250.0000"), 12_500_000),
        ("max(close_date, 2017-05-01)", "date", date(2017, 5, 1), date(2017, 5, 1)),
        ("max(amount, amount / visits)", "money", None, None),
        ("coalesce(amount / visits, list_price)", "money", Decimal("2000.0000"), 20_000_000),
        ("abs(amount - list_price)", "money", Decimal("750.0000"), 7_500_000),
        ("round(amount / 16, 1)", "money", Decimal("78.1000"), 781_000),
        ("round(0 - amount / 4)", "money", Decimal("-313.0000"), -3_130_000),
        ("floor(0 - amount / 4)", "money", Decimal("-313.0000"), -3_130_000),
        ("ceil(amount / 4)", "money", Decimal("313.0000"), 3_130_000),
        ("year(close_date) * 100 + month(close_date)", "count", Decimal(201_703), 201_703),
        ("quarter(close_date) + day(created)", "count", Decimal(2), 2),
        ("max(in_usd, 250_000 USD)", "money", Decimal("250000.0000"), 2_500_000_000),
    ],
)
def test_figures_come_in_the_unit_of_their_kind(text: str, kind: str, value: object, stored: object) -> None:
    figure = parse(text, SCHEMA)
    assert figure.type.kind == kind
    assert figure.evaluate(ROW) == value
    assert figure.stored(ROW) == stored
    assert in_duckdb(figure, [ROW]) == [stored]


@pytest.mark.parametrize(
    ("text", "at", "problem", "remedy"),
    [
        ("", 1, "empty", "stage = 'Won'"),
        ("stag = 'Won'", 1, "no field 'stag'", "Did you mean 'stage'?"),
        ("stage > 'A'", 9, "no order", "in"),
        ("amount > in_usd", 10, "Cannot compare money", "one currency"),
        ("amount * list_price > 3", 1, "no meaning", ""),
        ("amount = seats", 10, "Cannot compare money", "same unit"),
        ("probability > seats", 15, "Cannot compare a rate with a count", ""),
        ("amount = null", 10, "equal to null", "is null"),
        ("amount > '1000'", 10, "with text", "without"),
        ("stage = 'Won' && is_new", 15, "character &", "'and'"),
        ("amount > 1e5", 10, "character 1", ""),
        ("(amount > 1", 1, "cannot be understood", "bracket"),
        ("is_new is_new", 8, "cannot be understood", ""),
        ("amount between 1", 1, "no 'and'", "between 1 and 5"),
        ("seats / 0 > 1", 1, "by zero", ""),
        ("amount / seats / seats > 1", 1, "division inside a division", "a / (b * c)"),
        ("close_date > '2017-02-30'", 14, "not a date", "2017-03-31"),
        ("close_date + seats > created", 1, "no meaning", "number of days"),
        ("amount and is_new", 1, "needs a condition", "amount > 0"),
        ("stage in ()", 1, "empty", ""),
        ("stage in ('a', null)", 16, "cannot hold null", "is null"),
        ("stage in (stage)", 11, "literals only", ""),
        ("seats is 3", 1, "null only", "="),
        ("__import__('os').system('x')", 17, "character .", ""),
        ("print(1)", 1, "no field|cannot be called", ""),
        ("stage[0] = 'W'", 1, "not part of the language", ""),
        ("amount > 250_000 USD", 10, "Cannot compare money", "one currency"),
        ("in_usd > 250_000 EUR", 10, "Cannot compare money", "one currency"),
        ("in_usd > 250_000 ABC", 10, "not a currency code", "ISO 4217"),
        ("close_date > 2017-02-30", 14, "not a date", "2017-03-31"),
        ("if(amount, 1, 2) > 1", 4, "needs a condition", "amount > 0"),
        ("if(is_new, 1) > 1", 1, "needs three values", "if(amount > 1000, 2, 1)"),
        ("min(amount, seats) > 1", 13, "mixes money", "same unit"),
        ("max(stage, 'a') = 'b'", 1, "needs numbers or dates", ""),
        ("round(amount, 9) > 1", 1, "0 to 4 decimals", "round(amount, 2)"),
        ("year(amount) > 1", 1, "needs one date", "close_date"),
        ("{1}", 1, "character {", ""),
        ("lambda: 1", 7, "character :", ""),
        ("amount ** 2 > 1", 9, "cannot be understood", ""),
        ("'open", 1, "character '", "Close the text"),
        ("amount", 1, "A bool is needed", "amount > 0"),
        ("123456789012345678901 > seats", 1, "too long", ""),
        ("probability * probability * probability * probability * probability > 1", 1, "digits", "fewer"),
        ("(" * 60 + "is_new" + ")" * 60, 41, "nested brackets", "Split"),
        ("not " * 300 + "is_new", 245, "nested too deeply", "Split"),
        ("is_new or " * 350 + "is_new", 1, "more than 600 words", "Split"),
        ("is_new" + " " * 5000, 1, "4000 characters", "Split"),
    ],
)
def test_mistakes_name_their_place_and_remedy(text: str, at: int, problem: str, remedy: str) -> None:
    found = check(text, SCHEMA, expect="bool", source="plan")
    assert len(found) >= 1
    assert found[0].field == f"character {at}"
    assert any(part in found[0].problem for part in problem.split("|"))
    assert remedy in found[0].remedy
    with pytest.raises(InvalidData):
        parse(text, SCHEMA, expect="bool")


def test_all_mistakes_are_told_at_once() -> None:
    found = check("foo = 1 and stage > 'x' and amount + seats > 1", SCHEMA)
    assert [problem.field for problem in found] == ["character 1", "character 21", "character 29"]
    with pytest.raises(InvalidData, match="has 3 problems") as caught:
        parse("foo = 1 and stage > 'x' and amount + seats > 1", SCHEMA)
    assert caught.value.problems[0].source == "formula"


def test_text_of_a_person_never_becomes_sql_or_python() -> None:
    text = "stage = '''; drop table t; --' or stage = \"zażółć \\n `x`\""
    condition = parse(text, SCHEMA)
    assert in_duckdb(condition, [ROW, {"stage": "'; drop table t; --"}, {"stage": "zażółć \\n `x`"}]) == [
        False,
        True,
        True,
    ]


def test_fields_are_known_and_columns_can_be_renamed() -> None:
    condition = parse("amount > 1000 and stage = 'Won' or close_date is null", SCHEMA)
    assert condition.fields == {"amount", "stage", "close_date"}
    renamed = condition.sql(lambda name: exp.column(f"{name}_now", "o")).sql("duckdb")
    assert renamed == "((o.amount_now > 10000000) AND (o.stage_now = 'Won')) OR (o.close_date_now IS NULL)"


def test_a_field_named_like_a_word_of_the_language_is_a_field() -> None:
    schema = {"date": FieldType("date"), "in": FieldType("count"), "lambda": FieldType("bool")}
    assert parse("date > '2017-01-01' and in > 3 and lambda", schema).fields == {"date", "in", "lambda"}


def test_values_that_are_not_stored_values_are_refused() -> None:
    for row in ({"amount": 1.5}, {"amount": True}, {"amount": Decimal(1)}):
        with pytest.raises(InvalidData, match="not a stored money"):
            parse("amount > 1", SCHEMA).evaluate(row)
    assert parse("amount > 1", SCHEMA).evaluate({}) is None
    with pytest.raises(InvalidData):
        FieldType("rate", "EUR")


def test_a_figure_that_does_not_fit_is_an_error_and_never_a_wrong_figure() -> None:
    huge = parse("amount * seats", SCHEMA)
    row = {"amount": 10**15 - 1, "seats": 10**9 - 1}
    with pytest.raises(InvalidData, match="too large"):
        huge.stored(row)
    with pytest.raises(duckdb.ConversionException):
        in_duckdb(huge, [row])


WORDS = """amount seats stage close_date is_new = != < + - * / ( ) [ ] , . and or not in is null between true 'x'
    '2017-01-01' 3 0.5 `a` ** : lambda if for await DATE # \\ ; @ é"""
PIECES = st.sampled_from([*WORDS.split(), "\n"])


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=9).map(" ".join) | st.text(max_size=20))
def test_any_text_is_read_or_has_problems(text: str) -> None:
    if not check(text, SCHEMA):
        parse(text, SCHEMA).sql().sql("duckdb")
        parse(text, SCHEMA).evaluate(ROW)


def test_a_long_or_is_no_problem() -> None:
    condition = parse(" or ".join(["seats = 1"] * 150), SCHEMA)
    assert in_duckdb(condition, [ROW]) == [condition.evaluate(ROW)] == [False]


# Random formulas over random rows

TEXTS = st.sampled_from(["Won", "Lost", "o'neil", 'say "x"', "", "é"])


def nullable(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "amount": nullable(st.integers(-3, 3) | st.integers(-(10**15) + 1, 10**15 - 1) | st.just(20_000)),
            "list_price": nullable(st.integers(-3, 3) | st.integers(-(10**12), 10**12)),
            "in_usd": nullable(st.integers(-9, 9)),
            "probability": nullable(st.integers(0, 1_000_000) | st.integers(-(10**8) + 1, 10**8 - 1)),
            "discount": nullable(st.sampled_from([0, 1, 250_000, 500_000, 1_000_000])),
            "seats": nullable(st.integers(-5, 5) | st.integers(-(10**9) + 1, 10**9 - 1)),
            "visits": nullable(st.integers(-2, 2)),
            "close_date": nullable(st.dates(date(1990, 1, 1), date(2060, 1, 1))),
            "created": nullable(st.dates(date(2016, 12, 20), date(2017, 1, 10))),
            "stage": nullable(TEXTS),
            "custom.region": nullable(TEXTS),
            "is_new": nullable(st.booleans()),
            "Deal size": nullable(st.integers(0, 3)),
        }
    ),
    min_size=1,
    max_size=6,
)
NUMBERS = st.sampled_from(["0", "1", "2", "3.5", "0.25", "0.0001", "1000", "(-7)"])
MONEY = st.recursive(
    st.sampled_from(["amount", "list_price"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-"]), inner | NUMBERS),
        st.tuples(inner, st.sampled_from(["*", "/"]), st.sampled_from(["probability", "discount", "seats", "2", "3"])),
        inner.map(lambda one: ("-", one)),
        st.tuples(
            st.sampled_from(["min(", "max(", "coalesce(", "if(is_new, "]),
            inner,
            st.just(","),
            inner | NUMBERS,
            st.just(")"),
        ),
        st.tuples(st.sampled_from(["round(", "floor(", "ceil(", "abs("]), inner, st.just(")")),
    ).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=3,
)
RATES = st.sampled_from(["probability", "discount", "(1 - discount)", "(probability * discount)", "(probability / 3)"])
RATIOS = st.sampled_from(["(seats / visits)", "(amount / list_price)", "(discount / `Deal size`)", "(2 / 3)"])
COUNTS = st.sampled_from(
    [
        "seats",
        "visits",
        "`Deal size`",
        "(seats * visits - 1)",
        "(close_date - created)",
        "month(close_date)",
        "max(seats, 0)",
        "if(is_new, seats, visits)",
    ]
)
DATES = st.sampled_from(
    [
        "close_date",
        "created",
        "'2017-01-01'",
        "(created + 5)",
        "(created - 30)",
        "2017-01-03",
        "min(created, close_date)",
    ]
)
ORDER = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "==", "<>"])
TESTS = st.one_of(
    st.tuples(MONEY, ORDER, MONEY | NUMBERS),
    st.tuples(RATES, ORDER, RATES | RATIOS | NUMBERS),
    st.tuples(COUNTS, ORDER, COUNTS | NUMBERS),
    st.tuples(st.sampled_from(["close_date", "created"]), ORDER, DATES),
    st.tuples(
        st.sampled_from(["stage", "custom.region"]),
        st.sampled_from(["=", "!="]),
        st.sampled_from(["'Won'", "stage", "'é'"]),
    ),
    st.tuples(st.sampled_from(["stage"]), st.sampled_from(["in", "not in"]), st.just("('Won', 'o''neil', '')")),
    st.tuples(MONEY, st.sampled_from(["in", "not in"]), st.just("(0, 2, 0.5)")),
    st.tuples(COUNTS, st.sampled_from(["between", "not between"]), NUMBERS, st.just("and"), NUMBERS),
    st.tuples(MONEY | RATES | RATIOS | DATES, st.sampled_from(["is null", "is not null"])),
    st.just(("is_new",)),
).map(" ".join)
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.tuples(st.just("("), inner, st.sampled_from(["and", "or"]), inner, st.just(")")),
        inner.map(lambda one: ("not", "(", one, ")")),
        st.tuples(st.just("("), inner, st.just(")"), st.sampled_from(["=", "!="]), st.just("("), inner, st.just(")")),
    ).map(" ".join),
    max_leaves=5,
)


def agree(text: str, rows: list[dict[str, Any]]) -> None:
    problems = check(text, SCHEMA)
    if any("division inside" in problem.problem or "digits" in problem.problem for problem in problems):
        return
    expression = parse(text, SCHEMA)
    try:
        expected = [expression.stored(row) for row in rows]
    except InvalidData:
        with pytest.raises(duckdb.ConversionException):
            in_duckdb(expression, rows)
        return
    assert in_duckdb(expression, rows) == expected, text


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, ROWS)
def test_duckdb_and_decimal_agree_on_conditions(text: str, rows: list[dict[str, Any]]) -> None:
    agree(text, rows)


@settings(max_examples=100, deadline=None)
@given(MONEY | RATES | RATIOS | COUNTS | DATES.filter(lambda text: text[0] not in "'2"), ROWS)
def test_duckdb_and_decimal_agree_on_figures(text: str, rows: list[dict[str, Any]]) -> None:
    agree(text, rows)
