"""Holds how a number came about: a tree of title, value, formula, rule and inputs, down to the records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from salesops.common.money import Money, format_money


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explained value.

    ``value`` None means that there is no value, and ``empty_reason`` says why. ``formula`` is in words or symbols
    (``won / (won + lost)``), ``rule`` the named reading or policy that was applied, ``definition`` the version of the
    definition or source. ``inputs`` are explained in turn. ``records`` is the query that opens the records behind the
    value, as a JSON-ready mapping.
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

    def to_dict(self) -> dict[str, Any]:
        """Give the tree as a JSON-ready mapping; exact numbers as text, absent parts left out."""
        found: dict[str, Any] = {"title": self.title, "value": _plain(self.value)}
        for key in ("unit", "formula", "rule", "definition", "empty_reason"):
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
        """Give the tree as indented plain text.

        >>> print(Explanation("Win rate", Decimal("0.3"), formula="won / (won + lost)",
        ...       inputs=(Explanation("won", 3), Explanation("lost", 7))).render())
        Win rate: 0.3
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
        if self.records is not None:
            query = ", ".join(f"{key}={_plain(value)}" for key, value in self.records.items())
            yield f"{bar}records: {query}"
        for n, one in enumerate(self.inputs):
            last = n == len(self.inputs) - 1
            yield from one._lines(f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}")

    def _shown(self) -> str:
        if self.value is None:
            return f"n/a ({self.empty_reason})" if self.empty_reason else "n/a"
        if isinstance(self.value, Money):
            return format_money(self.value, exact=True)
        shown = f"{self.value:,}" if isinstance(self.value, (int, Decimal)) else str(self.value)
        shown = str(self.value) if isinstance(self.value, bool) else shown
        return f"{shown} {self.unit}" if self.unit else shown


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
