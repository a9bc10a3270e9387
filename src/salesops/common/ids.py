"""Computes stable record ids and row keys from content, the same in Python and in DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import md5
from typing import Final

from salesops.common.errors import InvalidData

SEPARATOR: Final = "\x1f"
"""Stands between the parts of a key (the ASCII unit separator)."""


def record_id(entity: str, system: str, external_id: str) -> int:
    """Give the id of a record that a source system knows by ``external_id``: a positive integer of 63 bits.

    The first 8 bytes of the MD5 of ``entity US system US external_id`` (UTF-8) as a big-endian number, shifted right by
    one. With 10 million records of one workspace the chance of any collision is about 5 in a million.

    >>> record_id("opportunity", "crm", "1C1I7A6R")
    7794700678848437488
    """
    _check_part(entity)
    _check_part(system)
    try:
        text = SEPARATOR.join((entity, system, external_id)).encode()
    except UnicodeEncodeError:
        raise InvalidData(
            f"The id {external_id!r} is not valid text", "Read the file with the right encoding"
        ) from None
    return int.from_bytes(md5(text, usedforsecurity=False).digest()[:8], "big") >> 1


def record_id_sql(entity: str, system: str, column_sql: str) -> str:
    """Give the DuckDB expression of ``record_id`` over a text column; null where the column is null.

    DuckDB's ``md5_number_upper`` reads the same bytes in little-endian order, so the hexadecimal digest is used (it is
    no slower).
    """
    _check_part(entity)
    _check_part(system)
    prefix = f"{_literal(entity)} || chr(31) || {_literal(system)} || chr(31)"
    digest = f"md5({prefix} || CAST({column_sql} AS VARCHAR))"
    return f"CAST(CAST('0x' || substr({digest}, 1, 16) AS UBIGINT) >> 1 AS BIGINT)"


def content_key(values: Iterable[object]) -> str:
    """Give a key of 32 hexadecimal digits for a row that has no id: equal for equal values in equal order.

    Null differs from empty text, text from the number that it spells, and no two rows run together. Numbers are equal
    if their values are (1, 1.0 and Decimal('1.00')). Takes text, numbers, bool, dates, moments and None.

    >>> content_key(["a", None]) == content_key(["a", ""]), content_key([1]) == content_key([Decimal("1.00")])
    (False, True)
    """
    try:
        text = "".join(_canonical(value) for value in values).encode()
    except UnicodeEncodeError:
        raise InvalidData("A value is not valid text", "Read the file with the right encoding") from None
    return md5(text, usedforsecurity=False).hexdigest()


def content_key_sql(columns_sql: Sequence[str]) -> str:
    """Give the DuckDB expression of ``content_key`` over text columns."""
    parts = [
        f"CASE WHEN {column} IS NULL THEN 'n;' ELSE 's' || strlen({column}) || ':' || {column} || ';' END"
        for column in columns_sql
    ]
    return f"md5({' || '.join(parts)})" if parts else "md5('')"


def _canonical(value: object) -> str:
    if value is None:
        return "n;"
    if isinstance(value, str):
        return f"s{len(value.encode())}:{value};"
    if isinstance(value, bool):
        return f"b{int(value)};"
    if isinstance(value, (int, float, Decimal)):
        return f"d{_plain(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))};"
    if isinstance(value, datetime):
        return f"m{value.isoformat()};"
    if isinstance(value, date):
        return f"t{value.isoformat()};"
    raise InvalidData(f"A {type(value).__name__} cannot be part of a row's key", "Pass text, numbers, dates or None")


def _plain(number: Decimal) -> str:
    if not number.is_finite():
        return str(number).lower()
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    if not stripped:
        return "0"
    return f"{'-' if sign else ''}{stripped}e{int(exponent) + len(text) - len(stripped)}"


def _check_part(part: str) -> None:
    if SEPARATOR in part or not part:
        raise InvalidData(f"{part!r} cannot name an entity or a system", "Use a name without control characters")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
