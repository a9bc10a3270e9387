"""How numbers look: by kind and by place (tile, table, exact), in the reader's language. The rules are those of the look's section 5."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from salesops.common.errors import SalesopsError
from salesops.common.money import minor_digits

MINUS = "\u2212"
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
STEPS = ((Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
MONEY = ("money", "money_per_day")


@dataclass(frozen=True)
class Shown:
    """A number in a place: its text, the unit beside it, and the exact value for the title."""

    text: str
    unit: str = ""
    exact: str = ""
    none: bool = False

    def __str__(self) -> str:
        return f"{self.text}{self.unit}"


@dataclass(frozen=True)
class Delta:
    """A change: its direction, whether that is good, and both in words."""

    direction: str  # up, down, flat
    meaning: str  # better, worse, ""
    text: str
    word: str


def money(value: Any, currency: str, *, compact: bool = False) -> str:
    """An amount with its currency: compact to three significant digits (€1.09M), else with the digits in which it is paid."""
    amount = Decimal(value)
    sign = MINUS if amount < 0 else ""
    amount = abs(amount)
    mark = SIGNS.get(currency, f"{currency}\u00a0")
    if not compact:
        return f"{sign}{mark}{number(amount, _digits(currency))}"
    for step, letter in STEPS:
        if amount >= step * Decimal("0.9995"):
            scaled = amount / step
            return f"{sign}{mark}{number(scaled, max(0, 2 - _places(scaled)))}{letter}"
    return f"{sign}{mark}{number(amount, 0 if amount >= 100 or amount == amount.to_integral() else 2)}"


def number(value: Any, digits: int = 0) -> str:
    """A number with thousands grouped and so many decimals, in the reader's language, with the true minus sign."""
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    text = number_format(abs(rounded), digits, use_l10n=True, force_grouping=True)
    return f"{MINUS}{text}" if rounded < 0 else text


def shown(value: Any, unit: str, currency: str = "", *, place: str = "table") -> Shown:
    """A metric's value: `place` is tile (compact), table, or exact. None is n/a, never 0."""
    if value is None:
        return Shown(_("n/a"), none=True)
    exact = _exact(value, unit, currency)
    if unit in MONEY:
        per = _("/day") if unit == "money_per_day" else ""
        text = exact.removesuffix(per) if place == "exact" else money(value, currency, compact=True)
        return Shown(text, per, exact)
    if unit == "ratio":
        share = Decimal(str(value)) * 100
        return Shown(number(share, 2 if place == "exact" else 1), "%", exact)
    if unit == "count":
        return Shown(number(value, 0 if value == int(value) else 1), "", exact)
    if unit in ("days", "months", "minutes", "hours"):
        whole = abs(float(value)) >= 10 and place == "tile"
        return Shown(number(value, 0 if whole else 1), f"\u00a0{_words(unit, float(value))}", exact)
    return Shown(number(value, 2), "", exact)


def times(value: Any) -> Shown:
    """A ratio that people read as a multiple: coverage 2.6x."""
    return Shown(_("n/a"), none=True) if value is None else Shown(number(value, 1), "x", f"{number(value, 4)}x")


def delta(
    value: Any, former: Any, unit: str, better: str, currency: str = "", *, multiple: bool = False
) -> Delta | None:
    """The change from a former value: of a ratio in points, of days in days, of amounts and counts in percent. None where either is missing."""
    if value is None or former is None:
        return None
    change = Decimal(str(value)) - Decimal(str(former))
    direction = "flat" if change == 0 else "up" if change > 0 else "down"
    if direction == "flat":
        return Delta("flat", "", "0", _("same"))
    good = {"up": change > 0, "down": change < 0}.get(better)
    meaning = "" if good is None else "better" if good else "worse"
    if multiple:
        text, word = f"{signed(change, 1)}x", _("higher") if change > 0 else _("lower")
    elif unit == "ratio":
        text, word = f"{signed(change * 100, 1)} {_('pp')}", _("higher") if change > 0 else _("lower")
    elif unit in ("days", "minutes", "hours", "months"):
        text, word = (
            f"{signed(change, 0 if abs(change) >= 10 else 1)}",
            _words(unit, float(change)) + " " + (_("longer") if change > 0 else _("shorter")),
        )
    elif former == 0:
        text, word = signed_value(change, unit, currency), _("more") if change > 0 else _("less")
    else:
        text, word = f"{signed(change / abs(Decimal(str(former))) * 100, 1)}%", _("more") if change > 0 else _("less")
    return Delta(direction, meaning, text, word)


def signed(value: Any, digits: int) -> str:
    """A number with its sign, plus included."""
    text = number(value, digits)
    return text if text.startswith(MINUS) else f"+{text}"


def signed_value(value: Any, unit: str, currency: str) -> str:
    text = str(shown(value, unit, currency))
    return text if text.startswith(MINUS) else f"+{text}"


def day(value: date | None) -> str:
    """A day as people write it here: 17 Nov 2026."""
    return "" if value is None else date_format(value, pgettext("date format", "j M Y"))


def day_short(value: date) -> str:
    return date_format(value, pgettext("date format", "j M"))


def _exact(value: Any, unit: str, currency: str) -> str:
    if unit in MONEY:
        return money(value, currency) + (_("/day") if unit == "money_per_day" else "")
    if unit == "ratio":
        return f"{number(Decimal(str(value)) * 100, 4)}%"
    if unit == "count":
        return number(value, 0 if value == int(value) else 4)
    if unit in ("days", "months", "minutes", "hours"):
        return f"{number(value, 4)} {_words(unit, float(value))}"
    return number(value, 4)


def _words(unit: str, value: float) -> str:
    n = 1 if abs(value) == 1 else 2
    return {
        "days": ngettext("day", "days", n), "months": ngettext("month", "months", n), "minutes": _("min"),
        "hours": ngettext("hour", "hours", n),
    }[unit]  # fmt: skip


def _places(value: Decimal) -> int:
    return max(len(str(int(value.quantize(Decimal("0.01"))))) - 1, 0)


def _digits(currency: str) -> int:
    try:
        return minor_digits(currency)
    except SalesopsError:
        return 2
