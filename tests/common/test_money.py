"""Money, rates and shares without floats."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common import money as m
from salesops.common.errors import InvalidData
from salesops.common.money import Money

UNITS = st.integers(-(10**16), 10**16)


@pytest.mark.parametrize(
    ("value", "units"),
    [("1200.50", 12_005_000), (Decimal("-0.0001"), -1), (7, 70_000), (" 3 ", 30_000), ("1E+3", 10_000_000), ("0", 0)],
)
def test_to_units(value: Decimal | int | str, units: int) -> None:
    assert m.to_units(value) == units


@pytest.mark.parametrize(
    "value", [1.5, True, "abc", "", "1,200", "1_200", "NaN", Decimal("Infinity"), None, "1e99", "1e-99999"]
)
def test_what_is_no_exact_amount_is_refused(value: object) -> None:
    with pytest.raises(InvalidData):
        m.to_units(value)  # type: ignore[arg-type]


def test_more_than_four_decimals_need_a_policy() -> None:
    with pytest.raises(InvalidData, match="more than 4 decimals"):
        m.to_units("0.00005")
    assert [m.to_units(text, "half_even") for text in ("0.00005", "0.00015", "-0.00025")] == [0, 2, -2]
    assert [m.to_units(text, "half_up") for text in ("0.00005", "0.00015", "-0.00025")] == [1, 2, -3]
    with pytest.raises(InvalidData, match="too large"):
        m.to_units(10**15)


@given(UNITS)
def test_units_survive_a_round_trip(units: int) -> None:
    assert m.to_units(m.from_units(units)) == units
    assert m.from_units(units) * m.SCALE == units


@given(st.integers(-(10**20), 10**20), st.integers(-(10**6), 10**6).filter(bool))
def test_division_rounds_as_decimal_does(numerator: int, denominator: int) -> None:
    for policy, decimal_policy in (("half_even", ROUND_HALF_EVEN), ("half_up", ROUND_HALF_UP)):
        tie = Fraction(numerator, denominator).limit_denominator(10**9) % 1 == Fraction(1, 2)
        found = m.divide(numerator, denominator, policy)  # type: ignore[arg-type]
        assert abs(Fraction(numerator, denominator) - found) <= Fraction(1, 2)
        if tie:
            exact = Decimal(2 * numerator // denominator) / 2
            assert found == int(exact.quantize(Decimal(1), decimal_policy))


def test_conversion_is_exact_then_half_to_even() -> None:
    assert m.convert(10_000, Decimal("1.0845")) == 10_845
    assert [m.convert(units, Decimal("0.5")) for units in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]
    assert m.convert_at(10_000, m.rate_to_int("1.0845")) == 10_845
    with pytest.raises(InvalidData):
        m.convert(1, 1.1)  # type: ignore[arg-type]


@given(UNITS, st.integers(1, 10**14))
def test_a_stored_rate_converts_as_the_rate_itself(units: int, stored: int) -> None:
    exact = Fraction(units * stored, m.RATE_SCALE)
    if abs(exact) < m.MAX_UNITS - 1:
        assert m.convert(units, m.rate_from_int(stored)) == m.convert_at(units, stored) == round(exact)


def test_rates_and_shares() -> None:
    assert m.rate_to_int("0.0000000001") == 1
    assert m.rate_from_int(10_845_000_000) == Decimal("1.0845")
    assert (m.to_ppm("0.25"), m.from_ppm(250_000)) == (250_000, Decimal("0.25"))
    for bad in ("0", "-1", "0.00000000001"):
        with pytest.raises(InvalidData):
            m.rate_to_int(bad)


def test_minor_units_follow_iso_4217() -> None:
    digits = {code: m.minor_digits(code) for code in ("EUR", "JPY", "KRW", "KWD", "BHD", "OMR", "TND", "CLF", "HUF")}
    assert digits == {"EUR": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3, "CLF": 4, "HUF": 2}
    assert len(m.CURRENCIES) > 160
    assert not m.CURRENCIES & m.FORMER_CURRENCIES
    assert m.check_currency("HRK") == "HRK"  # deals of before 2023
    with pytest.raises(InvalidData, match="'eur' is not a currency"):
        m.minor_digits("eur")


def test_rounding_to_the_minor_unit_happens_by_policy() -> None:
    half = Money.of("2.345", "EUR")
    assert m.round_minor(half) == Money.of("2.34", "EUR")
    assert m.round_minor(half, "half_up") == Money.of("2.35", "EUR")
    assert m.to_minor(Money.of("2.5", "JPY"), "half_even") == 2
    assert m.from_minor(1234, "KWD") == Money.of("1.234", "KWD")
    with pytest.raises(InvalidData, match="finer than the minor unit"):
        m.to_minor(half)


def test_money_of_two_currencies_never_mixes() -> None:
    euros, dollars = Money.of(1, "EUR"), Money.of(1, "USD")
    assert euros + euros - euros == euros
    assert -euros < euros <= euros
    assert euros != dollars
    for mix in (lambda: euros + dollars, lambda: euros - dollars, lambda: euros < dollars, lambda: euros >= dollars):
        with pytest.raises(InvalidData, match="Convert one of them"):
            mix()
    with pytest.raises(TypeError):
        euros + 1  # type: ignore[operator]
    with pytest.raises(InvalidData):
        Money(1.5, "EUR")  # type: ignore[arg-type]


def test_plain_format() -> None:
    assert m.format_money(Money.of("-1234567.5", "EUR")) == "-1,234,567.50 EUR"
    assert m.format_money(Money.of("1234.5", "JPY")) == "1,234 JPY"
    assert m.format_money(Money.of("1234.5", "JPY"), exact=True) == "1,234.5 JPY"
    assert str(Money.of("1.2345", "KWD")) == "1.234 KWD"


@settings(max_examples=50)
@given(UNITS, st.sampled_from(sorted(m.CURRENCIES)))
def test_minor_units_survive_a_round_trip(minor: int, code: str) -> None:
    if abs(minor) < 10**14:
        assert m.to_minor(m.from_minor(minor, code)) == minor
