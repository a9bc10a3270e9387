"""Finds currencies in values and headers. Pure. A sign that several currencies share is resolved, and said so."""

from __future__ import annotations

import re

_CODES = (
    "AED ARS AUD BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JOD JPY KES KRW"
    " KWD KZT MAD MXN MYR NGN NOK NZD OMR PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD"
    " UYU VND ZAR"
)
CODES = frozenset(_CODES.split())
SIGNS: dict[str, str | None] = {
    "US$": "USD",
    "A$": "AUD",
    "C$": "CAD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "R$": "BRL",
    "€": "EUR",
    "£": "GBP",
    "zł": "PLN",
    "₩": "KRW",
    "₹": "INR",
    "₺": "TRY",
    "₽": "RUB",
    "₴": "UAH",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "₱": "PHP",
    "Kč": "CZK",
    "Ft": "HUF",
    "lei": "RON",
    "$": "USD",
    "¥": "JPY",
    "￥": "JPY",
    "円": "JPY",
    "원": "KRW",
    "Fr.": "CHF",
    "kr": None,
    "kr.": None,
}
SHARED = {
    "$": "taken as US dollars",
    "¥": "taken as Japanese yen",
    "￥": "taken as Japanese yen",
    "Fr.": "taken as CHF",
}
_BLANK = " \u00a0\u202f"
_SIGN = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
_MARK = rf"(?:{_SIGN}|{'|'.join(sorted(CODES))})"
_BEFORE = re.compile(rf"({_MARK})[{_BLANK}]?(?=[-+−(]?[{_BLANK}]?[.,]?[9\d])")
_AFTER = re.compile(rf"(?<=[9\d.,\-−])[{_BLANK}]?({_MARK})$")
_HEADER_CODE = re.compile(r"[(\[]\s*([A-Za-z]{3})\s*[)\]]|(?:\bin |[_ /-])([A-Za-z]{3})$")
_HEADER_SIGN = re.compile(rf"[(\[]?\s*({_SIGN})\s*[)\]]?$")
# For SQL: the same marks at either end of a number (RE2).
SQL_MARK = rf"^([-+−(]?)[{_BLANK}]*{_MARK}[{_BLANK}]*|[{_BLANK}]*{_MARK}[{_BLANK}]*(\)?)$"


def strip_currency(body: str) -> tuple[str, str]:
    """Split a number from the currency sign or code before or after it; the mark is empty if there is none."""
    before = _BEFORE.match(body)
    if before:
        return body[before.end() :], before.group(1)
    after = _AFTER.search(body)
    return (body[: after.start()], after.group(1)) if after else (body, "")


def code_of(mark: str) -> str | None:
    """The ISO code of a sign or code, or None where it could be several."""
    return mark if mark in CODES else SIGNS.get(mark)


def header_currency(name: str) -> str | None:
    """The currency that a column's name states: Amount (EUR), price_usd, Betrag in CHF, Price €."""
    found = _HEADER_CODE.search(name)
    if found:
        code = (found.group(1) or found.group(2)).upper()
        if code in CODES and code not in ("ALL", "TRY"):
            return code
    sign = _HEADER_SIGN.search(name)
    if sign and not sign.group(1).isalpha():
        return SIGNS[sign.group(1)]
    return None
