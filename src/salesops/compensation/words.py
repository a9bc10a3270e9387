"""Writes amounts, shares and days for people: statements, letters, traces and problems of compensation."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from salesops.common.money import divide, minor_digits
from salesops.compensation.plan import Days, Duration, Point


def money(cents: int, currency: str, code: bool = False) -> str:
    """Write minor units with the currency's decimals.

    >>> money(-123456, "USD"), money(1234, "JPY", code=True)
    ('-1,234.56', '1,234 JPY')
    """
    digits = minor_digits(currency)
    text = f"{Decimal(cents).scaleb(-digits):,}" if digits else f"{cents:,}"
    return f"{text} {currency}" if code else text


def percent(ratio: Fraction | int, places: int = 2, trim: bool = True) -> str:
    """Write a ratio as a percentage, rounded half up.

    >>> percent(Fraction(1, 8)), percent(Fraction(767045, 1000000), 4), percent(1)
    ('12.5 %', '76.7045 %', '100 %')
    """
    numerator, denominator = Fraction(ratio).as_integer_ratio()
    number = Decimal(divide(numerator * 100 * 10**places, denominator, "half_up")).scaleb(-places)
    text = f"{number:f}"
    return f"{text.rstrip('0').rstrip('.') if trim and '.' in text else text} %"


def rate(ppm: int) -> str:
    """Write parts per million as a percentage with the decimals that it needs."""
    return percent(Fraction(ppm, 1_000_000), 4)


def factor(ppm: int) -> str:
    """Write parts per million as a factor: ``1.136``."""
    text = f"{Decimal(ppm).scaleb(-6):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def point(value: Point, currency: str | None) -> str:
    """Write a break-point: a percentage of the quota, money, or a count (no currency)."""
    if value.attainment is not None:
        return rate(value.attainment)
    amount = value.amount or 0
    return f"{amount:,}" if currency is None else money(amount, currency, code=True)


def days(value: Days) -> str:
    """Write a range of days, both ends inside it."""
    return f"from {value.start}" if value.end is None else f"{value.start} to {value.end - timedelta(days=1)}"


def after(start: date, length: Duration) -> date:
    """Give the first day that lies outside a time from a day on: months and years keep the day of the month."""
    if length.unit == "days":
        return start + timedelta(days=length.count)
    months = start.year * 12 + start.month - 1 + length.count * (12 if length.unit == "years" else 1)
    year, month = divmod(months, 12)
    last = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(start.day, last))


def duration(length: Duration) -> str:
    """Write a length of time."""
    return f"{length.count} {length.unit if length.count != 1 else length.unit.removesuffix('s')}"
