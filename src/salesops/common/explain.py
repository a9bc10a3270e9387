"""Holds how a number came about: a tree of title, value, formula, rule and inputs, down to the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from salesops.common.money import CURRENCIES, FORMER_CURRENCIES, Money, format_money, minor_digits


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explained value.

    ``value`` None means that there is no value, and ``empty_reason`` says why. ``formula`` is in words or symbols
    (``won / (won + lost)``), ``rule`` the named reading or policy that was applied, ``definition`` the version of the
    definition or source. ``inputs`` are explained in turn. ``records`` is the query that opens the records behind the
    value, as a JSON-ready mapping, and ``command`` the command that does. ``unit`` `ratio` is read as a percentage.
    """

    title: str
    value: Any = None
    unit: str = ""
    formula: str | None = None
    rule: str | None = None
    definition: str | None = None
    inputs: tuple[Explanation, ...] = ()
    notes: tuple[str, ...] = ()
    empty_reason: str | None = None
    records: Mapping[str, Any] | None = field(default=None, hash=False)
    command: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the tree as a JSON-ready mapping; exact numbers as text, absent parts left out."""
        found: dict[str, Any] = {"title": self.title, "value": _plain(self.value)}
        for key in ("unit", "formula", "rule", "definition", "empty_reason", "command"):
            if getattr(self, key):
                found[key] = getattr(self, key)
        if self.notes:
            found["notes"] = list(self.notes)
        if self.records is not None:
            found["records"] = _plain(self.records)
        if self.inputs:
            found["inputs"] = [one.to_dict() for one in self.inputs]
        return found

    def render(self) -> str:
        """Give the tree as indented plain text, rounded for people: money to its minor unit, ratios to 0.01 %.

        >>> print(Explanation("Win rate", Decimal("0.3"), "ratio", formula="won / (won + lost)",
        ...       inputs=(Explanation("won", 3), Explanation("lost", 7))).render())
        Win rate: 30.00 %
        │  = won / (won + lost)
        ├─ won: 3
        └─ lost: 7
        """
        return "\n".join(self._lines("", ""))

    def walk(self) -> Iterator[Explanation]:
        """Go through this explanation and everything below it, parents first."""
        yield self
        for one in self.inputs:
            yield from one.walk()

    def find(self, title: str) -> Explanation | None:
        """Give the first explanation of that title in the tree."""
        return next((one for one in self.walk() if one.title == title), None)

    def _lines(self, first: str, rest: str) -> Iterator[str]:
        yield f"{first}{self.title}: {self._shown()}"
        bar = f"{rest}│  " if self.inputs else f"{rest}   "
        if self.formula:
            yield f"{bar}= {self.formula}"
        for label, text in (("rule", self.rule), ("definition", self.definition)):
            if text:
                yield f"{bar}{label}: {text}"
        for note in self.notes:
            yield f"{bar}note: {note}"
        if self.command is not None:
            yield f"{bar}records: {self.command}"
        elif self.records is not None:
            query = ", ".join(f"{key}={_plain(value)}" for key, value in self.records.items())
            yield f"{bar}records: {query}"
        for n, one in enumerate(self.inputs):
            last = n == len(self.inputs) - 1
            yield from one._lines(f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}")

    def _shown(self) -> str:
        if self.value is None:
            return f"n/a ({self.empty_reason})" if self.empty_reason else "n/a"
        if isinstance(self.value, Money):
            return format_money(self.value)
        number = isinstance(self.value, (int, float, Decimal)) and not isinstance(self.value, bool)
        if number and self.unit == "ratio":
            return f"{self.value * 100:,.2f} %"
        digits = self._digits() if number else None
        shown = str(self.value) if not number else f"{self.value:,}" if digits is None else f"{self.value:,.{digits}f}"
        return f"{shown} {self.unit}" if self.unit else shown

    def _digits(self) -> int | None:
        """The decimals in which people read a number of this unit; None = as many as it has."""
        currency = self.unit.partition(" ")[0]
        if currency in CURRENCIES or currency in FORMER_CURRENCIES:
            return minor_digits(currency)
        return 2 if isinstance(self.value, float) else None


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(_plain(one)) for one in value)
    return value
