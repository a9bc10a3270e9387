"""The SQL that parses, against Python's Decimal and zoneinfo as oracle: exact, or NULL, or said to be rounded."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources_reading.support import parsed

from salesops.common.errors import UsageError
from salesops.sources.reading import ColumnProfile, loses_precision_sql, parse_sql

TEXT = ColumnProfile("x", "text")
PLAIN = ColumnProfile("x", "number", decimal=".")
LOCALES = {
    "plain": PLAIN,
    "english": ColumnProfile("x", "number", decimal=".", thousands=",", forms=("parentheses",)),
    "german": ColumnProfile("x", "number", decimal=",", thousands=".", forms=("trailing_minus",)),
    "french": ColumnProfile("x", "number", decimal=",", thousands=" "),
    "swiss": ColumnProfile("x", "number", decimal=".", thousands="'"),
}
BIGGEST = 2**63 - 1
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**13), max_value=10**13)


def units(value: Decimal, places: int) -> int | None:
    whole = int((value * 10**places).to_integral_value(ROUND_HALF_EVEN))
    return whole if -BIGGEST <= whole <= BIGGEST else None


def spelt(value: Decimal, profile: ColumnProfile) -> str:
    text = f"{abs(value):,f}" if profile.thousands else f"{abs(value):f}"
    text = text.replace(",", "T").replace(".", profile.decimal or ".").replace("T", profile.thousands or "")
    if value >= 0:
        return text
    if "parentheses" in profile.forms:
        return f"({text})"
    return f"{text}-" if "trailing_minus" in profile.forms else f"-{text}"


@settings(max_examples=60, deadline=None)
@given(st.lists(amounts, min_size=1, max_size=30), st.sampled_from(sorted(LOCALES)))
def test_amounts_of_every_locale_are_exact(values: list[Decimal], locale: str) -> None:
    profile = LOCALES[locale]
    texts: list[str | None] = [spelt(value, profile) for value in values]
    assert parsed(parse_sql("v", "money", profile), texts) == [units(value, 4) for value in values]
    assert not any(parsed(loses_precision_sql("v", "money", profile), texts))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15), min_size=1),
    st.sampled_from(["money", "scaled:0", "scaled:2", "scaled:6", "scaled:10"]),
)
def test_any_decimal_is_exact_or_rounded_half_even_and_said_so(values: list[Decimal], kind: str) -> None:
    places = 4 if kind == "money" else int(kind.split(":")[1])
    kept = [value for value in values if -18 - places <= value.as_tuple().exponent <= 100]  # type: ignore[operator]
    kept = [value for value in kept if abs(abs(value) * 10**places - BIGGEST) > 2]
    texts: list[str | None] = [str(value) for value in kept]
    profile = ColumnProfile("x", "number", decimal=".", forms=("exponent",))
    assert parsed(parse_sql("v", kind, profile), texts) == [units(value, places) for value in kept]
    lost = parsed(loses_precision_sql("v", kind, profile), texts)
    inside = [units(value, places) is not None for value in kept]
    rounded = [value * 10**places != (value * 10**places).to_integral_value() for value in kept]
    assert lost == [r and i for r, i in zip(rounded, inside, strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=30))
def test_the_spelling_of_any_float_is_never_read_wrongly(values: list[float]) -> None:
    texts: list[str | None] = [repr(value) for value in values]
    got = parsed(parse_sql("v", "money", PLAIN), texts)
    lost = parsed(loses_precision_sql("v", "money", PLAIN), texts)
    for value, result, rounded in zip(values, got, lost, strict=True):
        exact = Decimal(repr(value)) * 10_000
        if result is None:
            assert abs(exact) > BIGGEST
        else:
            assert abs(result - exact) <= Decimal("0.5000001")
            assert rounded == (result != exact)


def test_half_even_and_precision() -> None:
    texts: list[str | None] = [
        "0.00005",
        "0.00015",
        "-0.00005",
        "-0.00015",
        "0.000051",
        "1.05e3",
        "5e-5",
        "0e-40",
        "1e-40",
    ]
    assert parsed(parse_sql("v", "money", PLAIN), texts) == [0, 2, 0, -2, 1, 10_500_000, 0, 0, 0]
    lost = parsed(loses_precision_sql("v", "money", PLAIN), texts)
    assert lost == [True, True, True, True, True, False, True, False, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1,234.50", 12_345_000),
        ("-$5", -50_000),
        ("$-5", -50_000),
        ("($5.25)", -52_500),
        ("$(5.25)", -52_500),
        ("5.25-", -52_500),
        ("−5.25", -52_500),
        ("€ 5", 50_000),
        ("5 €", 50_000),
        ("CHF 5.50", 55_000),
        ("5.50 kr.", 55_000),
        ("US$ 7", 70_000),
        ("+7", 70_000),
        ("50%", 5_000),
        ("1e2", 1_000_000),
        (".5", 5_000),
        ("5.", 50_000),
    ],
)
def test_spellings_of_amounts(text: str, expected: int) -> None:
    assert parsed(parse_sql("v", "money", TEXT), [text]) == [expected]


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1_000", "0x10", "--1", "1e", "12abc", "1.2.3", "$", "nan", "inf", "1 2", "€", "1e400", "٣", None],
)
@pytest.mark.parametrize("profile", [TEXT, PLAIN])
@pytest.mark.parametrize("kind", ["money", "integer", "scaled:6"])
def test_what_is_no_number_is_null(text: str | None, profile: ColumnProfile, kind: str) -> None:
    assert parsed(parse_sql("v", kind, profile), [text]) == [None]


def test_integers() -> None:
    texts: list[str | None] = ["12", "-7", "12.0", "12.5", "1e3", str(BIGGEST), str(BIGGEST + 1), "1,234"]
    expected = [12, -7, 12, None, 1000, BIGGEST, None, 1234]
    assert parsed(parse_sql("v", "integer", TEXT), texts) == expected


def test_percent_is_a_share() -> None:
    profile = ColumnProfile("x", "percent", decimal=".", forms=("percent",))
    assert parsed(parse_sql("v", "scaled:6", profile), ["50%", "7.5 %", "-0.0001%", "0.5"]) == [
        500_000,
        75_000,
        -1,
        500_000,
    ]


def test_booleans() -> None:
    texts: list[str | None] = ["Yes", "FALSE", "1", "0", "ja", "perhaps", None, " true "]
    assert parsed(parse_sql("v", "boolean", TEXT), texts) == [True, False, True, False, True, None, None, True]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2037, 12, 30)), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_local_times_become_instants(moments: list[dt.datetime], zone: str) -> None:
    profile = ColumnProfile("x", "instant", date_format="%Y-%m-%d %H:%M:%S|%Y-%m-%d %H:%M:%S.%f")
    clear = [m for m in moments if not _doubtful(m, zone)]
    texts: list[str | None] = [str(moment) for moment in clear]
    expected = [_micros(moment.replace(tzinfo=ZoneInfo(zone))) for moment in clear]
    assert parsed(parse_sql("v", "instant", profile, zone), texts) == expected


def _micros(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def _doubtful(moment: dt.datetime, zone: str) -> bool:
    there = moment.replace(tzinfo=ZoneInfo(zone))
    return there.utcoffset() != there.replace(fold=1).utcoffset()


def test_hours_that_a_clock_leaps_over_or_goes_through_twice() -> None:
    got = parsed(parse_sql("v", "instant", TEXT, "Europe/Berlin"), ["2021-03-28 02:30:00", "2021-10-31 02:30:00"])
    at = [dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=micros) for micros in got]
    assert at == [dt.datetime(2021, 3, 28, 1, 30), dt.datetime(2021, 10, 31, 1, 30)]


def test_a_quote_in_a_zone_or_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="no known time zone"):
        parse_sql("v", "instant", TEXT, "UTC'; DROP TABLE t; --")
    for kind in ("number", "scaled:99", "float"):
        with pytest.raises(UsageError, match="no kind"):
            parse_sql("v", kind, TEXT)


def test_impossible_dates_are_null() -> None:
    texts: list[str | None] = ["2021-02-29", "0000-00-00", "16-01-02", "infinity", "epoch", "2021-02-28x", "2021-02-28"]
    assert parsed(parse_sql("v", "date", TEXT), texts) == [*[None] * 6, dt.date(2021, 2, 28)]
