"""Tells from the shape of a value (every digit written 9) which kinds it can have. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from salesops.sources.reading.currency import strip_currency

_TIME = (
    r"(?:(?P<sep>T|[ ]+|,[ ]*)(?P<time>9{1,2}:99(?P<sec>:99(?P<frac>[.,]9{1,9})?)?)(?P<half>[ ]?[AaPp][Mm])?)?"
    r"(?P<offset>[ ]?(?:Z|z|UTC|GMT|[+-]99(?::?99)?))?"
)
_DATES = (
    ("ymd4", re.compile(r"9999(?P<s>[-/.])9{1,2}(?P=s)9{1,2}" + _TIME)),
    ("xyz4", re.compile(r"9{1,2}(?P<s>[-/.])9{1,2}(?P=s)9999" + _TIME)),
    ("xyz2", re.compile(r"9{1,2}(?P<s>[-/.])9{1,2}(?P=s)99" + _TIME)),
    ("cjk", re.compile(r"9999(?P<s>年)9{1,2}月9{1,2}日" + _TIME)),
    ("dmon", re.compile(r"9{1,2}(?P<s>[- /]|\. ?)(?P<mon>[A-Za-z]{3,9})(?P<t>[- /]|, ?|\. ?)(?P<y>9999|99)" + _TIME)),
    ("mond", re.compile(r"(?P<mon>[A-Za-z]{3,9})(?P<s>[- ])9{1,2}(?P<t>, ?| |-)(?P<y>9999|99)" + _TIME)),
)
_NAMES = "january february march april may june july august september october november december"
_MONTHS = _NAMES.split()
_SHORT = [month[:3] for month in _MONTHS]
_GAP = " \u00a0\u202f"
_NUMBER = re.compile(rf"9+(?:[.,'’{_GAP}]9+)*[.,]?(?:[eE][+-]?9+)?|[.,]9+(?:[eE][+-]?9+)?")
DIGITS_IN, DIGITS_OUT = "012345678", "999999999"


def shape_of(value: str) -> str:
    """Write every ASCII digit as 9, as the SQL of ``shape_sql`` does."""
    return value.translate(str.maketrans(DIGITS_IN, DIGITS_OUT))


@dataclass(frozen=True)
class DateShape:
    """A date or instant: ``family`` says which parts come in which place, ``time`` is the strptime text of the rest."""

    family: str
    pattern: str
    time: str
    fraction: bool
    offset: bool
    long_fraction: bool = False

    @property
    def ambiguous(self) -> bool:
        """Whether the order of day, month and year is not told by the shape."""
        return self.family in ("xyz2", "xyz4")

    def format(self, order: str) -> str:
        """The strptime pattern under an order of day, month and year."""
        year = "%y" if self.family == "xyz2" else "%Y"
        parts = {"d": "%d", "m": "%m", "y": year}
        date = self.pattern
        for mark, letter in zip("123", order, strict=True):
            date = date.replace(f"<{mark}>", parts[letter])
        return date + self.time


def date_shape(shape: str) -> DateShape | None:
    """Recognise a date or instant, or None."""
    for family, pattern in _DATES:
        found = pattern.fullmatch(shape)
        if not found:
            continue
        groups = found.groupdict()
        if groups["offset"] and not groups["time"]:
            return None
        date = _date_pattern(family, groups)
        if date is None:
            return None
        long = len(groups["frac"] or "") > 7
        return DateShape(family, date, _time_pattern(groups), bool(groups["frac"]), bool(groups["offset"]), long)
    return None


def _date_pattern(family: str, groups: dict[str, str]) -> str | None:
    sep = groups["s"]
    if family == "ymd4":
        return f"%Y{sep}%m{sep}%d"
    if family == "cjk":
        return "%Y年%m月%d日"
    if family in ("xyz2", "xyz4"):
        return f"<1>{sep}<2>{sep}<3>"
    month, year = groups["mon"].lower(), "%Y" if groups["y"] == "9999" else "%y"
    if month not in _MONTHS and month not in _SHORT:
        return None
    code = "%b" if month in _SHORT else "%B"
    if family == "dmon":
        return f"%d{sep}{code}{groups['t']}{year}"
    return f"{code}{sep}%d{groups['t']}{year}"


def _time_pattern(groups: dict[str, str]) -> str:
    if not groups["time"]:
        return ""
    hour = "%I" if groups["half"] else "%H"
    seconds = ":%S" if groups["sec"] else ""
    fraction = f"{groups['frac'][0]}%f" if groups["frac"] else ""
    half = (" " if (groups["half"] or "").startswith(" ") else "") + "%p" if groups["half"] else ""
    return f"{groups['sep']}{hour}:%M{seconds}{fraction}{half}"


@dataclass(frozen=True)
class NumberShape:
    """A number: decimal and thousands sign where the shape tells them, ``either`` the one sign that could be both."""

    decimal: str | None = None
    thousands: str | None = None
    either: str | None = None
    forms: frozenset[str] = frozenset()
    symbol: str = ""
    digits: int = 0

    @property
    def whole(self) -> bool:
        """Whether there is nothing but digits and perhaps a sign in front."""
        return not (self.decimal or self.thousands or self.either or self.symbol or self.forms - {"plus"})


def number_shape(shape: str) -> NumberShape | None:
    """Recognise a number with its signs, currency and percent, or None."""
    forms: set[str] = set()
    body = shape.strip()
    if body.startswith("(") and body.endswith(")"):
        forms.add("parentheses")
        body = body[1:-1].strip()
    body, sign = _lead_sign(body)
    body, symbol = strip_currency(body)
    if symbol:
        forms.add("currency")
    if not sign:
        body, sign = _lead_sign(body)
    if body.endswith("%"):
        forms.add("percent")
        body = body[:-1].rstrip(_GAP)
    if body.endswith(("-", "−")):
        if sign:
            return None
        forms.add("trailing_minus")
        body = body[:-1].rstrip(_GAP)
    if sign == "−":
        forms.add("long_minus")
    if sign == "+":
        forms.add("plus")
    if not _NUMBER.fullmatch(body):
        return None
    return _separators(body, frozenset(forms), symbol)


def _lead_sign(body: str) -> tuple[str, str]:
    return (body[1:].lstrip(_GAP), body[0]) if body[:1] in ("-", "+", "−") and body else (body, "")


def _separators(body: str, forms: frozenset[str], symbol: str) -> NumberShape | None:
    mantissa, _, exponent = body.lower().partition("e")
    if exponent:
        forms = forms | {"exponent"}
    digits = mantissa.count("9")
    signs = [char for char in mantissa if char != "9"]
    if not signs:
        return NumberShape(forms=forms, symbol=symbol, digits=digits)
    last, groups = signs[-1], re.split(r"[^9]", mantissa)
    if len(set(signs)) > 2:
        return None
    if len(signs) == 1 and last in ".,":
        if len(groups[1]) == 3 and 1 <= len(groups[0]) <= 3 and not exponent:
            return NumberShape(either=last, forms=forms, symbol=symbol, digits=digits)
        return NumberShape(decimal=last, forms=forms, symbol=symbol, digits=digits)
    if len(set(signs)) == 1:
        return NumberShape(thousands=last, forms=forms, symbol=symbol, digits=digits) if _grouped(groups) else None
    if last not in ".," or signs.count(last) > 1 or not _grouped(groups[:-1]):
        return None
    return NumberShape(decimal=last, thousands=signs[0], forms=forms, symbol=symbol, digits=digits)


def _grouped(groups: list[str]) -> bool:
    """Groups of three, or the Indian way: three at the end and two before."""
    if not 1 <= len(groups[0]) <= 3 or len(groups[-1]) != 3:
        return False
    middle = {len(group) for group in groups[1:-1]}
    return middle <= {3} or (middle <= {2} and len(groups[0]) <= 2)
