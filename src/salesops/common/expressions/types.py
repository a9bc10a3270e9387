"""Holds the kinds of values in formulas and how the warehouse stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from salesops.common.errors import InvalidData
from salesops.common.money import RATE_PLACES

FieldKind = Literal["money", "rate", "count", "date", "text", "bool"]
Kind = Literal["money", "rate", "count", "number", "date", "text", "bool", "null", "unknown"]
"""``number`` has no unit (a literal, or a product or quotient of rates and counts); ``null`` is the bare word null;
``unknown`` is a part that already has a problem."""

SCALE: Final[Mapping[str, int]] = {"money": 4, "rate": 6, "count": 0, "number": RATE_PLACES}
"""Decimal places in which each numeric kind is stored, as an integer: money in 10^-4, rates in parts per million."""

DIGITS: Final[Mapping[str, int]] = {"money": 15, "rate": 8, "count": 9}
"""Digits that a stored field may be expected to have; the arithmetic of a formula is refused if 38 cannot hold it."""

MAX_DIGITS: Final = 38
QUOTIENT_PLACES: Final = RATE_PLACES
"""Places to which a division is rounded, half to even."""


@dataclass(frozen=True, slots=True)
class FieldType:
    """What a field holds: money in BIGINT 10^-4, a rate in BIGINT parts per million, a count, a date, text or a bool.

    ``currency`` is the one of a money field; None means that of the record, which compares only with its like.
    """

    kind: FieldKind
    currency: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("money", "rate", "count", "date", "text", "bool"):
            raise InvalidData(f"'{self.kind}' is no kind of field", "Use money, rate, count, date, text or bool")
        if self.currency is not None and self.kind != "money":
            raise InvalidData(f"A {self.kind} has no currency", "Give a currency to money fields only")


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of any part of a formula. A ``literal`` takes the unit that its surroundings ask for."""

    kind: Kind
    currency: str | None = None
    literal: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it can be calculated with."""
        return self.kind in SCALE

    def __str__(self) -> str:
        if self.kind == "money":
            return f"money in {self.currency or 'the currency of the record'}"
        return _TITLES.get(self.kind, self.kind)


_TITLES: Final[Mapping[str, str]] = {
    "count": "a count",
    "rate": "a rate",
    "number": "a plain number",
    "date": "a date",
    "bool": "a yes/no",
}


Schema = Mapping[str, FieldType]
UNKNOWN: Final = ValueType("unknown")
BOOL: Final = ValueType("bool")
