"""Settles how the numbers of a column are written: decimal and thousands sign, currency, percent. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from salesops.sources.reading.currency import SHARED, code_of, header_currency
from salesops.sources.reading.model import Kind
from salesops.sources.reading.shapes import NumberShape

FEW = 0.02
"""The share of values that may look like something else in a column that is named as an amount."""
_AMOUNT = re.compile(r"amount|price|revenue|value|cost|sales|profit", re.I)
_PHONE = re.compile(r"phone|fax|mobile|telefon|(^|[_ ])tel([_ ]|$)", re.I)
_POSTAL = re.compile(r"(^|[^a-z])zip|zip_?code|postal|postcode|post_code|plz", re.I)
_SPACES = {"\u00a0": " ", "\u202f": " ", "’": "'"}


@dataclass
class NumberColumn:
    """A column of numbers: its shapes with their counts, and what was found about their spelling."""

    name: str
    shapes: list[tuple[NumberShape, int]]
    leading_zeros: int = 0
    zero_before: int = 0
    decimal: str | None = None
    thousands: str | None = None
    certain: bool = True
    note: str = ""

    def signs(self, part: str) -> Counter[str]:
        """How often each sign occurs as ``decimal``, ``thousands`` or ``either``."""
        found: Counter[str] = Counter()
        for shape, count in self.shapes:
            sign = getattr(shape, part)
            if sign:
                found[_SPACES.get(sign, sign)] += count
        return found

    @property
    def forms(self) -> tuple[str, ...]:
        """The spellings beside plain digits that occur."""
        return tuple(sorted(set().union(*(shape.forms for shape, _ in self.shapes))))


def why_text(column: NumberColumn) -> str:
    """Say why digits are no number but a name for something (postal code, telephone, long id), or nothing."""
    shapes = [shape for shape, _ in column.shapes]
    if all(shape.whole for shape in shapes):
        few = FEW * sum(count for _, count in column.shapes) if _AMOUNT.search(column.name) else 0
        long = sum(count for shape, count in column.shapes if shape.digits >= 15)
        plus = sum(count for shape, count in column.shapes if "plus" in shape.forms and shape.digits >= 8)
        if column.leading_zeros > few:
            return "digits with leading zeros are kept as text"
        if long > few:
            return "digits of 15 places and more are kept as text"
        if plus > few or _PHONE.search(column.name):
            return "telephone numbers are kept as text"
        if column.leading_zeros + long + plus:
            column.certain = False
            column.note = f"{column.leading_zeros + long + plus} values look like no amount"
    if _POSTAL.search(column.name) and not column.signs("decimal"):
        return "postal codes are kept as text"
    groups = {shape.thousands for shape in shapes}
    if len(shapes) == 1 and shapes[0].digits >= 9 and groups <= {" ", "\u00a0", "\u202f"} and not shapes[0].symbol:
        return "" if shapes[0].decimal or None in groups else "digits in groups of one length are kept as text"
    return ""


def settle_signs(columns: Sequence[NumberColumn], declared: str | None, comma_likely: bool) -> None:
    """Choose decimal and thousands signs: from the column itself, else from the others, else the default."""
    votes: Counter[str] = Counter()
    for column in columns:
        if _alone(column, declared) and column.decimal:
            votes[column.decimal] += 1
    usual = votes.most_common(1)[0][0] if votes else ("," if comma_likely else ".")
    for column in columns:
        if column.decimal is None and column.thousands is None and column.signs("either"):
            _ambiguous(column, usual, bool(votes))


def _alone(column: NumberColumn, declared: str | None) -> bool:
    """Settle what the column tells by itself; False where its only sign could be either."""
    decimals, thousands, either = (column.signs(part) for part in ("decimal", "thousands", "either"))
    if declared:
        column.decimal = declared
    elif decimals:
        column.decimal = decimals.most_common(1)[0][0]
    elif thousands:
        other = [sign for sign in either if sign not in thousands]
        column.decimal = other[0] if other else None
    elif either and column.zero_before:
        column.decimal = either.most_common(1)[0][0]
    elif either:
        return False
    grouping = [sign for sign, _ in (thousands + either).most_common() if sign != column.decimal]
    column.thousands = grouping[0] if grouping else None
    return True


def _ambiguous(column: NumberColumn, usual: str, voted: bool) -> None:
    sign = column.signs("either").most_common(1)[0][0]
    if sign == usual:
        column.decimal = sign
    else:
        column.thousands = sign
    column.certain = voted
    role = "decimal" if sign == usual else "thousands"
    because = "as in the other columns" if voted else "assumed"
    column.note = f"every {sign!r} stands before three digits: {because} a {role} sign"


def misfit(shape: NumberShape, column: NumberColumn) -> bool:
    """Whether a number's signs contradict those chosen for its column."""
    decimal = shape.decimal and _SPACES.get(shape.decimal, shape.decimal)
    grouping = shape.thousands and _SPACES.get(shape.thousands, shape.thousands)
    if decimal and decimal != column.decimal:
        return True
    if grouping and grouping != column.thousands:
        return True
    return bool(shape.either) and shape.either not in (column.decimal, column.thousands)


def number_kind(column: NumberColumn, declared: str | None) -> tuple[Kind, str | None, str]:
    """Give the kind, the currency if one is known, and a note about it."""
    total = sum(count for _, count in column.shapes)
    percent = sum(count for shape, count in column.shapes if "percent" in shape.forms)
    if percent * 2 >= total:
        return "percent", None, ""
    marks = {shape.symbol for shape, _ in column.shapes if shape.symbol}
    header = header_currency(column.name)
    if marks or header:
        code, note = _currency(marks, declared or header)
        return "money", code, note
    if declared and _AMOUNT.search(column.name):
        return "money", declared, ""
    exponent = any("exponent" in shape.forms for shape, _ in column.shapes)
    whole = not exponent and not column.signs("decimal") and column.decimal not in column.signs("either")
    return ("integer" if whole else "number"), None, ""


def _currency(marks: set[str], stated: str | None) -> tuple[str | None, str]:
    codes = {code_of(mark) for mark in marks} - {None}
    if stated and (not codes or (len(marks) == 1 and (marks & set(SHARED)))):
        return stated, ""
    if len(codes) > 1:
        return None, f"several currencies: {', '.join(sorted(str(code) for code in codes))}"
    if not codes:
        return stated, f"{', '.join(sorted(marks))} stands for several currencies: declare which"
    shared = [f"{mark} {SHARED[mark]}" for mark in sorted(marks) if mark in SHARED]
    return codes.pop(), "; ".join(shared)
