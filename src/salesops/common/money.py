"""Computes with money: integers in 10^-4 of the major unit, ISO 4217 currencies, ten-place rates, parts per million.

Nothing here is ever a float. Rounding is half to even unless a policy says otherwise, and happens once, at a named
grain.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from salesops.common.errors import InvalidData

SCALE: Final = 10_000
"""Units of stored money in one major unit (one dollar is 10,000 units)."""
RATE_PLACES: Final = 10
RATE_SCALE: Final = 10**RATE_PLACES
PPM: Final = 1_000_000
"""Parts in a whole, for shares, probabilities and splits."""
MAX_UNITS: Final = 2**63 - 1
"""The largest amount that a BIGINT column holds: about 922 million million major units."""

Rounding = Literal["half_even", "half_up"]


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


CURRENCIES: Final = _codes(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
    CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
    HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
    USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """
)
"""ISO 4217 codes of money in use (no metals, funds of the IMF kind or test codes)."""

FORMER_CURRENCIES: Final = _codes(
    """
    ANG ATS BEF BGN BYR CUC CYP DEM EEK ESP FIM FRF GHC GRD HRK IEP ITL LTL LUF LVL MRO MTL MZM NLG PTE ROL SIT SKK SLL
    SRG STD TMM TRL VEB VEF ZMK ZWL
    """
)
"""Codes that were withdrawn since 1999: amounts of past years may still carry them."""

_MINOR_DIGITS: Final = {
    **dict.fromkeys(_codes("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF BYR"), 0),
    **dict.fromkeys(_codes("BHD IQD JOD KWD LYD OMR TND"), 3),
    **dict.fromkeys(_codes("CLF UYW"), 4),
    **dict.fromkeys(_codes("BEF ESP GRD ITL LUF PTE TRL"), 0),
}


def check_currency(code: str) -> str:
    """Give the code itself if ISO 4217 knows it (former codes included), else raise InvalidData."""
    if code in CURRENCIES or code in FORMER_CURRENCIES:
        return code
    raise InvalidData(
        f"'{code}' is not a currency code", "Use a three-letter ISO 4217 code in capitals, such as EUR or USD"
    )


def minor_digits(currency: str) -> int:
    """Give the decimals of the currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD, 4 for CLF."""
    return _MINOR_DIGITS.get(check_currency(currency), 2)


def divide(numerator: int, denominator: int, policy: Rounding = "half_even") -> int:
    """Divide two integers and round to the nearest integer; halves to even, or away from zero (half_up).

    >>> divide(5, 2), divide(7, 2), divide(-5, 2), divide(-5, 2, "half_up")
    (2, 4, -2, -3)
    """
    if denominator == 0:
        raise ZeroDivisionError("a zero denominator gives no value; decide before dividing")
    if policy not in ("half_even", "half_up"):
        raise InvalidData(f"'{policy}' is not a rounding policy", "Use half_even or half_up")
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    whole, rest = divmod(abs(numerator), abs(denominator))
    twice, size = 2 * rest, abs(denominator)
    if twice > size or (twice == size and (policy == "half_up" or whole % 2 == 1)):
        whole += 1
    return sign * whole


def to_units(value: Decimal | int | str, rounding: Rounding | None = None) -> int:
    """Convert an amount in major units to stored units of 10^-4.

    Text is plain decimal notation (``1200.50``, no thousands separators). A float, text that is no number, and more
    than four decimals without a ``rounding`` policy raise InvalidData.

    >>> to_units("1200.5"), to_units(3), to_units("0.00005", "half_even")
    (12005000, 30000, 0)
    """
    return _within_bigint(_scaled(value, SCALE, 4, "an amount", rounding))


def from_units(units: int) -> Decimal:
    """Convert stored units to a Decimal in major units with four places.

    >>> from_units(12005000)
    Decimal('1200.5000')
    """
    return _decimal(units, 4)


def rate_to_int(rate: Decimal | int | str, rounding: Rounding | None = None) -> int:
    """Convert an exchange rate to an integer with ten places; a rate must be above zero."""
    scaled = _scaled(rate, RATE_SCALE, RATE_PLACES, "an exchange rate", rounding)
    if scaled <= 0:
        raise InvalidData(f"An exchange rate must be above zero, not {rate}", "Give units of one currency per another")
    return _within_bigint(scaled)


def rate_from_int(stored: int) -> Decimal:
    """Convert a stored rate back to a Decimal with ten places."""
    return _decimal(stored, RATE_PLACES)


def to_ppm(share: Decimal | int | str, rounding: Rounding | None = None) -> int:
    """Convert a share (``0.25``) to parts per million (250,000).

    >>> to_ppm("0.25"), to_ppm(1)
    (250000, 1000000)
    """
    return _within_bigint(_scaled(share, PPM, 6, "a share", rounding))


def from_ppm(parts: int) -> Decimal:
    """Convert parts per million to a share with six places."""
    return _decimal(parts, 6)


def convert(units: int, rate: Decimal | int) -> int:
    """Convert stored units by a rate, exactly, then round half to even to 10^-4.

    >>> convert(10_000, Decimal("1.0845"))
    10845
    """
    if isinstance(rate, (float, bool)):
        raise InvalidData("A rate must be exact, not a float", "Pass a Decimal, or an int")
    numerator, denominator = Decimal(rate).as_integer_ratio()
    return _within_bigint(divide(units * numerator, denominator))


def convert_at(units: int, stored_rate: int) -> int:
    """Convert stored units by a stored ten-place rate, as a column of rates holds it. Same rounding as ``convert``."""
    return _within_bigint(divide(units * stored_rate, RATE_SCALE))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in 10^-4 of the major unit of a currency. Adds and compares only within one currency.

    >>> Money.of("10.25", "EUR") + Money.of(1, "EUR")
    Money(units=112500, currency='EUR')
    """

    units: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int):
            raise InvalidData(f"Money counts whole units of 10^-4, not {self.units!r}", "Use Money.of('12.50', 'EUR')")
        check_currency(self.currency)

    @classmethod
    def of(cls, value: Decimal | int | str, currency: str, rounding: Rounding | None = None) -> Money:
        """Make money from an amount in major units."""
        return cls(to_units(value, rounding), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, four places."""
        return from_units(self.units)

    def __add__(self, other: Money) -> Money:
        return Money(self.units + self._same(other, "add"), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.units - self._same(other, "subtract"), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.units, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.units), self.currency)

    def __bool__(self) -> bool:
        return self.units != 0

    def __lt__(self, other: Money) -> bool:
        return self.units < self._same(other, "compare")

    def __le__(self, other: Money) -> bool:
        return self.units <= self._same(other, "compare")

    def __gt__(self, other: Money) -> bool:
        return self.units > self._same(other, "compare")

    def __ge__(self, other: Money) -> bool:
        return self.units >= self._same(other, "compare")

    def __str__(self) -> str:
        return format_money(self)

    def _same(self, other: Money, verb: str) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"cannot {verb} Money and {type(other).__name__}")
        if other.currency != self.currency:
            raise InvalidData(
                f"Cannot {verb} {self.currency} and {other.currency}",
                "Convert one of them first, at a named rate and day",
            )
        return other.units


def round_minor(money: Money, policy: Rounding = "half_even") -> Money:
    """Round money to the minor unit of its currency (cents for EUR, whole yen for JPY)."""
    step = _minor_step(money.currency)
    return Money(divide(money.units, step, policy) * step, money.currency)


def to_minor(money: Money, policy: Rounding | None = None) -> int:
    """Give the count of minor units (cents). A finer amount raises InvalidData unless a rounding policy is given."""
    step = _minor_step(money.currency)
    if policy is None and money.units % step:
        raise InvalidData(
            f"{money.amount} {money.currency} is finer than the minor unit", "Round it first, by a named policy"
        )
    return divide(money.units, step, policy or "half_even")


def from_minor(minor: int, currency: str) -> Money:
    """Make money from a count of minor units."""
    return Money(minor * _minor_step(currency), currency)


def format_money(money: Money, exact: bool = False) -> str:
    """Write money for logs and plain text; pages format by locale instead.

    Shows the currency's own decimals, rounded half to even; ``exact`` shows further decimals where they are not zero.

    >>> format_money(Money.of("-1234567.5", "EUR")), format_money(Money.of("1234.5", "JPY"), exact=True)
    ('-1,234,567.50 EUR', '1,234.5 JPY')
    """
    digits = minor_digits(money.currency)
    if not exact:
        return f"{_decimal(to_minor(money, 'half_even'), digits):,} {money.currency}"
    while digits < 4 and money.units % 10 ** (4 - digits):
        digits += 1
    return f"{_decimal(divide(money.units, 10 ** (4 - digits)), digits):,} {money.currency}"


def _minor_step(currency: str) -> int:
    return int(10 ** (4 - minor_digits(currency)))


def _decimal(scaled: int, places: int) -> Decimal:
    digits = tuple(int(digit) for digit in str(abs(scaled)))
    return Decimal((int(scaled < 0), digits, -places))


def _within_bigint(units: int) -> int:
    if abs(units) > MAX_UNITS:
        raise InvalidData(f"{units} is too large to store", "Check the figure: it exceeds 922 million million")
    return units


def _scaled(value: Decimal | int | str, scale: int, places: int, what: str, rounding: Rounding | None) -> int:
    number = _number(value, what)
    if number and abs(number.adjusted()) > 60:
        raise InvalidData(f"{value!r} is far out of range for {what}", "Check the figure")
    numerator, denominator = number.as_integer_ratio()
    if rounding is None and (numerator * scale) % denominator:
        raise InvalidData(f"{value} has more than {places} decimals for {what}", "Round it first, by a named policy")
    return divide(numerator * scale, denominator, rounding or "half_even")


def _number(value: object, what: str) -> Decimal:
    if isinstance(value, (bool, float)) or not isinstance(value, (Decimal, int, str)):
        raise InvalidData(
            f"{value!r} ({type(value).__name__}) is not exact enough for {what}",
            "Pass a Decimal, an int or decimal text",
        )
    try:
        number = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or (isinstance(value, str) and "_" in value):
        raise InvalidData(f"{value!r} is not {what}", "Write a plain number such as 1200.50")
    return number
