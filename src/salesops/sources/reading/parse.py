"""Writes the SQL that turns a column of text into a kind, by its profile; the values of user data never enter the SQL.

Amounts go through DECIMAL, never DOUBLE. Naive times are local to a time zone; in the hour that a clock goes through
twice the second passage is meant, and a time that a clock leaps over is read as if it had not leapt yet (ICU's rules).
"""

from __future__ import annotations

import re
import zoneinfo
from functools import lru_cache

from salesops.common.errors import UsageError
from salesops.sources.reading.currency import CODES, SIGNS
from salesops.sources.reading.engine import text, trimmed
from salesops.sources.reading.model import ColumnProfile

TRUE = ("true", "yes", "y", "t", "ja", "oui", "tak", "sí", "si", "wahr", "vrai", "on")
FALSE = ("false", "no", "n", "f", "nein", "non", "nie", "falsch", "faux", "off")
BOOLEANS = frozenset((*TRUE, *FALSE))
_GAP = " \u00a0\u202f"
_B = f"[{_GAP}]*"
_MARK = "(?:" + "|".join(re.escape(m) for m in (*sorted(SIGNS, key=len, reverse=True), *sorted(CODES))) + ")"
_OFFSET = r"(:[0-9]{2}(?:[.,][0-9]{1,9})?(?:[ ]?[AaPp][Mm])?)[ ]?(Z|z|UTC|GMT|([+-])([0-9]{2}):?([0-9]{2})?)$"
_FALLBACK = tuple(
    f"%Y-%m-%d{rest}" for rest in ("", " %H:%M", "T%H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f")
)
_EPOCH = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_NUMERIC = ("integer", "number", "money", "percent")
_SCALED = re.compile(r"scaled:(\d{1,2})")


def parse_sql(column_sql: str, kind: str, profile: ColumnProfile, time_zone: str = "UTC") -> str:
    """Give DuckDB SQL that converts the text ``column_sql`` to ``kind``; NULL where a value cannot be converted.

    ``date`` -> DATE; ``instant`` -> BIGINT microseconds since 1970 UTC; ``integer`` -> BIGINT; ``money`` -> BIGINT in
    10^-4, half-even beyond (``loses_precision_sql`` tells where); ``scaled:N`` -> BIGINT in 10^-N, '50%' being 0.5;
    ``boolean``; ``text``. Raises UsageError for another kind or an unknown time zone.
    """
    column = f"({column_sql})"
    if kind == "text":
        return f"({trimmed(column)})"
    if kind == "boolean":
        return _boolean(column)
    if kind == "date":
        return _date(column, profile, _zone(time_zone))
    if kind == "instant":
        return _instant(column, profile, _zone(time_zone))
    if kind == "integer":
        return _integer(column, profile)
    return _scaled(column, _places(kind), profile)


def loses_precision_sql(column_sql: str, kind: str, profile: ColumnProfile) -> str:
    """Give SQL that is true where ``parse_sql`` of ``money`` or ``scaled:N`` has to round a value; false where null."""
    column, places = f"({column_sql})", _places(kind)
    value = "TRY_CAST(s AS DECIMAL(38, 18))"
    fraction = "length(regexp_extract(rtrim(split_part(s, 'e', 1), '0'), '[.]([0-9]*)$', 1))"
    shift = "TRY_CAST(split_part(s, 'e', 2) AS INTEGER)"
    tiny = f"({fraction} - {shift} > 18 AND regexp_matches(split_part(s, 'e', 1), '[1-9]'))"
    inside = f"TRY_CAST(floor({value}) AS BIGINT) IS NOT NULL"
    rounds = f"{inside} AND ({value} <> floor({value}) OR {tiny})"
    lossy = f"list_transform([{_shifted(column, places, profile)}], lambda s: {rounds})"
    exact = _fast_match(column, places, profile)
    return f"coalesce(CASE WHEN {exact} THEN false ELSE {lossy}[1] END, false)"


def _places(kind: str) -> int:
    found = _SCALED.fullmatch(kind)
    if kind != "money" and not (found and int(found.group(1)) <= 12):
        raise UsageError(
            f"{kind!r} is no kind that text can be converted to",
            "Use text, boolean, date, instant, integer, money or scaled:0 to scaled:12",
        )
    return 4 if found is None else int(found.group(1))


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(time_zone: str) -> str:
    if time_zone not in _zones():
        raise UsageError(f"{time_zone!r} is no known time zone", "Name one such as Europe/Berlin or UTC")
    return text(time_zone)


def _boolean(column: str) -> str:
    yes, no = (", ".join(text(word) for word in words) for words in ((*TRUE, "1"), (*FALSE, "0")))
    lower = f"lower(({trimmed(column)}))"
    return f"(CASE WHEN {lower} IN ({yes}) THEN true WHEN {lower} IN ({no}) THEN false END)"


# Numbers


def _plain(profile: ColumnProfile) -> bool:
    """Whether every number is written with digits, a point and a leading sign only."""
    return profile.kind in _NUMERIC and not profile.forms and not profile.thousands and profile.decimal in (None, ".")


def _fast_width(places: int) -> tuple[int, int]:
    """The width of a DECIMAL in which value and value x 10^places both fit, and the digits before the point."""
    width = 18 if places <= 4 else 38
    return width, min(18 - places, width - 2 * places)


def _fast_match(column: str, places: int, profile: ColumnProfile) -> str:
    """SQL that is true for numbers that a narrow DECIMAL holds exactly as they stand."""
    point = "" if _signs(profile)[0] == "," else rf"(?:[.][0-9]{{0,{places}}})?"
    return f"regexp_full_match({column}, '[+-]?[0-9]{{1,{_fast_width(places)[1]}}}{point}')"


def _scaled(column: str, places: int, profile: ColumnProfile) -> str:
    fast = f"CAST(TRY_CAST({column} AS DECIMAL({_fast_width(places)[0]}, {places})) * {10**places} AS BIGINT)"
    value = f"TRY_CAST({_shifted(column, places, profile)} AS DECIMAL(38, 18))"
    up = "(v - floor(v) > 0.5 OR (v - floor(v) = 0.5 AND CAST(floor(v) AS HUGEINT) % 2 <> 0))"
    rounded = f"TRY_CAST(CAST(floor(v) AS HUGEINT) + CASE WHEN {up} THEN 1 ELSE 0 END AS BIGINT)"
    slow = f"list_transform([{value}], lambda v: {rounded})[1]"
    return f"(CASE WHEN {_fast_match(column, places, profile)} THEN {fast} ELSE {slow} END)"


def _integer(column: str, profile: ColumnProfile) -> str:
    plain = f"regexp_full_match({column}, '[+-]?[0-9]{{1,18}}')"
    value = f"TRY_CAST({_shifted(column, 0, profile)} AS DECIMAL(38, 18))"
    whole = "CASE WHEN v = floor(v) THEN TRY_CAST(CAST(v AS HUGEINT) AS BIGINT) END"
    slow = f"list_transform([{value}], lambda v: {whole})[1]"
    return f"(CASE WHEN {plain} THEN TRY_CAST({column} AS BIGINT) ELSE {slow} END)"


def _shifted(column: str, places: int, profile: ColumnProfile) -> str:
    """SQL of the text ``<mantissa>e<exponent>`` of value x 10^places, NULL for what is no number.

    A lambda over a list of one keeps each part of the expression from being written, and computed, several times.
    """
    exponent = "coalesce(TRY_CAST(regexp_extract(c, '[eE]([+-]?[0-9]+)$', 1) AS INTEGER), 0)"
    percent = "" if _plain(profile) else f" - CASE WHEN contains({column}, '%') THEN 2 ELSE 0 END"
    parts = f"regexp_replace(c, '[eE].*$', '') || 'e' || ({exponent} + {places}{percent})"
    return f"list_transform([{_canonical(column, profile)}], lambda c: {parts})[1]"


def _canonical(column: str, profile: ColumnProfile) -> str:
    """SQL of the number as ``-12.5e3``, NULL where the text is no number as the profile says numbers are written."""
    exponent = "(?:[eE][+-]?[0-9]{1,3})?"
    if _plain(profile):
        number = rf"[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+){exponent}"
        return f"CASE WHEN regexp_full_match({column}, {text(number)}) THEN {column} END"
    decimal, thousands = _signs(profile)
    known = profile.kind in _NUMERIC and "currency" not in profile.forms
    mark = "" if known else f"(?:{_MARK})?{_B}"
    group = {" ": f"[{_GAP}]", "'": "['’]"}.get(thousands, re.escape(thousands))
    point = re.escape(decimal)
    core = rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}|[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+"
    whole = rf"[-+−(]?{_B}{mark}[-+−(]?{_B}(?:{core}){exponent}{_B}[-−%]?{_B}{mark}[-−%]?\)?"
    twice = r"[-+−(][-+−(]|[-+−(].*[^eE][-+−(]"
    valid = (
        f"regexp_full_match({column}, {text(whole)}) AND NOT regexp_matches({column}, {text(twice)})"
        f" AND contains({column}, '(') = contains({column}, ')')"
    )
    negative = f"regexp_matches({column}, '(^|[^eE])[-−(]')"
    head, tail = rf"^(?:{_MARK}|[-+−({_GAP}])+", rf"(?:{_MARK}|[-−)%{_GAP}])+$"
    if not mark:
        head, tail = f"^[-+−({_GAP}]+", f"[-−)%{_GAP}]+$"
    bare = f"regexp_replace(regexp_replace({column}, {text(head)}, ''), {text(tail)}, '')"
    bare = f"regexp_replace({bare}, {text(group)}, '', 'g')"
    bare = bare if decimal == "." else f"replace({bare}, {text(decimal)}, '.')"
    return f"CASE WHEN {valid} THEN CASE WHEN {negative} THEN '-' ELSE '' END || {bare} END"


def _signs(profile: ColumnProfile) -> tuple[str, str]:
    if profile.decimal:
        return profile.decimal, profile.thousands or ("," if profile.decimal == "." else ".")
    return (",", ".") if profile.thousands == "." else (".", profile.thousands or ",")


# Dates and instants


def local_text_sql(column: str, offset: bool, long_fraction: bool) -> str:
    """SQL of a date or time without its offset, and with at most six places of a second."""
    found = f"regexp_replace({column}, {text(_OFFSET)}, '\\1')" if offset else column
    return f"regexp_replace({found}, '([.,][0-9]{{6}})[0-9]+', '\\1')" if long_fraction else found


def _local(column: str, profile: ColumnProfile) -> str:
    """SQL of the TIMESTAMP as it is written, before any offset or time zone."""
    declared = bool(profile.date_format) and not str(profile.date_format).startswith("epoch")
    patterns = str(profile.date_format).split("|") if declared else list(_FALLBACK)
    offset, long = (profile.has_offset, "long_fraction" in profile.forms) if declared else (True, True)
    listed = ", ".join(text(pattern) for pattern in patterns)
    value = f"try_strptime({local_text_sql(column, offset, long)}, [{listed}])"
    digits = f"regexp_matches({column}, '[0-9]')"  # not infinity, not epoch
    return f"(CASE WHEN {digits} AND year({value}) BETWEEN 1000 AND 9999 THEN {value} END)"


def _epoch(column: str, profile: ColumnProfile) -> str | None:
    factor = _EPOCH.get(profile.date_format or "")
    if factor is None:
        return None
    matches = f"regexp_full_match({column}, '-?[0-9]{{1,{12 if factor == 1_000_000 else 16}}}')"
    return f"(CASE WHEN {matches} THEN TRY_CAST({column} AS BIGINT) * {factor} END)"


def _instant(column: str, profile: ColumnProfile, zone: str) -> str:
    epoch = _epoch(column, profile)
    if epoch:
        return epoch
    local = _local(column, profile)
    naive = f"epoch_us(timezone({zone}, {local}))"
    if not profile.has_offset and profile.date_format:
        return naive
    part = [f"regexp_extract({column}, {text(_OFFSET)}, {group})" for group in range(6)]
    minutes = f"(coalesce(TRY_CAST({part[4]} AS INTEGER), 0) * 60 + coalesce(TRY_CAST({part[5]} AS INTEGER), 0))"
    shift = f"CASE WHEN {part[3]} = '-' THEN -1 ELSE 1 END * {minutes} * 60000000::BIGINT"
    return f"(CASE WHEN {part[2]} = '' THEN {naive} ELSE epoch_us({local}) - {shift} END)"


def _date(column: str, profile: ColumnProfile, zone: str) -> str:
    timed = profile.kind == "instant" and (profile.has_offset or str(profile.date_format).startswith("epoch"))
    if timed or not profile.date_format:
        return f"CAST(timezone({zone}, make_timestamptz({_instant(column, profile, zone)})) AS DATE)"
    return f"CAST({_local(column, profile)} AS DATE)"
