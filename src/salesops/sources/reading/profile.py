"""Finds the kind of every column by counting over the whole of it: shapes first, then real dates and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from salesops.sources.reading.engine import name, text
from salesops.sources.reading.model import ColumnProfile, ReadOptions
from salesops.sources.reading.numbers import NumberColumn, misfit, number_kind, settle_signs, why_text
from salesops.sources.reading.orders import DateColumn, measure, settle
from salesops.sources.reading.parse import BOOLEANS, local_text_sql
from salesops.sources.reading.shapes import DIGITS_IN, DIGITS_OUT, date_shape, number_shape, shape_of

# Read as null only in a column that is otherwise numbers, dates or booleans; the profile's note says so.
_NULLS = "na n/a n.a. #n/a none null nil nan nat - -- — ? (null) \\n undefined #null! #value! #div/0!"
NULL_LIKE = frozenset(_NULLS.split())
_MOST_SHAPES = 5_000
_DATES_NEEDED, _NUMBERS_NEEDED, _GATE = 0.8, 0.9, 0.3
_FLAG = re.compile(r"^(is|has|can|was|did|do|does|should)[_ A-Z]|flag|_(yn|bool)$|active$|deleted$|enabled$", re.I)
_MOMENT = re.compile(r"time|date|epoch|unix|(^|_)ts$|_at$|created|updated|modified", re.I)
_DAY = re.compile(r"date|(^|_)day($|_)|dob|birth|_on$|_dt$|datum|fecha", re.I)
_EPOCHS = {10: "epoch_s", 13: "epoch_ms", 16: "epoch_us"}


@dataclass
class _Column:
    name: str
    base: ColumnProfile
    longest: int = 0
    leading_zeros: int = 0
    shapes: list[tuple[str, int]] = field(default_factory=list)
    null_like: dict[str, int] = field(default_factory=dict)
    found: DateColumn | NumberColumn | None = None


@dataclass(frozen=True)
class Profiled:
    """The profiles, the texts to be read as null in each column, and the longest cell of each column in characters."""

    columns: list[ColumnProfile]
    nulls: dict[str, list[str]]
    longest: dict[str, int]


def profile_columns(
    con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str], options: ReadOptions, comma_likely: bool
) -> Profiled:
    """Profile the text columns ``names`` of ``table`` (an SQL table expression)."""
    columns = [column for start in range(0, len(names), 40) for column in _facts(con, table, names[start : start + 40])]
    for column in columns:
        if column.base.filled and _worth_counting(con, table, column):
            _shapes(con, table, column)
            _candidate(con, table, column)
    numbers = [c.found for c in columns if isinstance(c.found, NumberColumn)]
    settle_signs(numbers, options.decimal, comma_likely or options.decimal == ",")
    dollars = any(shape.symbol in ("$", "US$", "USD") for column in numbers for shape, _ in column.shapes)
    settle([c.found for c in columns if isinstance(c.found, DateColumn)], options.date_order, dollars)
    profiles = [_finished(con, table, column, options) for column in columns]
    nulls = {
        c.name: list(c.null_like) for c, p in zip(columns, profiles, strict=True) if p.kind != "text" and c.null_like
    }
    return Profiled(profiles, nulls, {column.name: column.longest for column in columns})


def _facts(con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> list[_Column]:
    parts = []
    for column in names:
        c = name(column)
        zeros = f"count(*) FILTER (WHERE {c} BETWEEN '00' AND '0:' AND length({c}) > 1)"
        parts += [f"count({c})", f"approx_count_distinct({c})", f"max(length({c}))", zeros]
    found = con.execute(f"SELECT {', '.join(parts)} FROM {table}").fetchone()
    assert found is not None
    columns = []
    for i, column in enumerate(names):
        filled, distinct, longest, zeros = found[4 * i : 4 * i + 4]
        base = ColumnProfile(column, "text" if filled else "empty", filled=filled, distinct=min(distinct, filled))
        columns.append(_Column(column, base, longest or 0, zeros))
    return columns


def _worth_counting(con: duckdb.DuckDBPyConnection, table: str, column: _Column) -> bool:
    """Look at a sample for examples, and to spare free text the full count; a kind needs far more than this gate."""
    c = name(column.name)
    head = con.execute(f"SELECT left({c}, 200) FROM {table} WHERE {c} IS NOT NULL LIMIT 1000").fetchall()
    examples = tuple(list(dict.fromkeys(row[0] for row in head))[:5])
    column.base = replace(column.base, examples=examples)
    sample = con.execute(
        f"SELECT v FROM (SELECT left({c}, 80) AS v FROM {table} WHERE {c} IS NOT NULL)"
        " USING SAMPLE reservoir(1000 ROWS) REPEATABLE (7)"
    ).fetchall()
    values = [row[0] for row in sample]
    return sum(_typed(value) for value in values) >= _GATE * len(values)


def _typed(value: str) -> bool:
    shape, lower = shape_of(value), value.lower()
    return lower in BOOLEANS or lower in NULL_LIKE or bool(date_shape(shape) or number_shape(shape))


def _shapes(con: duckdb.DuckDBPyConnection, table: str, column: _Column) -> None:
    c = name(column.name)
    found = con.execute(
        f"SELECT translate(left({c}, 80), '{DIGITS_IN}', '{DIGITS_OUT}') AS shape, count(*) FROM {table}"
        f" WHERE {c} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MOST_SHAPES + 1}"
    ).fetchall()
    if len(found) <= _MOST_SHAPES:
        column.shapes = found


def _candidate(con: duckdb.DuckDBPyConnection, table: str, column: _Column) -> None:
    column.null_like = {shape: count for shape, count in column.shapes if shape.lower() in NULL_LIKE}
    real = column.base.filled - sum(column.null_like.values())
    if real <= 0 or not column.shapes:
        return
    dates = [(date, count) for shape, count in column.shapes if (date := date_shape(shape))]
    if dates and sum(count for _, count in dates) >= _DATES_NEEDED * real:
        column.found = DateColumn(column.name, dates)
        measure(con, table, column.found, _local(column.name, column.found))
        if max(column.found.fits.values()) < _DATES_NEEDED * real:
            column.found = None
        return
    numbers = [(found, count) for shape, count in column.shapes if (found := number_shape(shape))]
    if numbers and sum(count for _, count in numbers) >= _NUMBERS_NEEDED * real:
        column.found = NumberColumn(column.name, numbers, column.leading_zeros)
        if column.found.signs("either"):
            column.found.zero_before = _zero_before(con, table, column.name)


def _zero_before(con: duckdb.DuckDBPyConnection, table: str, column: str) -> int:
    c = name(column)
    found = con.execute(f"SELECT count(*) FROM {table} WHERE regexp_matches({c}, '^[^0-9]*0[.,]')").fetchone()
    assert found is not None
    return int(found[0])


def _local(column: str, dates: DateColumn) -> str:
    offset = any(shape.offset for shape, _ in dates.shapes)
    return local_text_sql(name(column), offset, any(shape.long_fraction for shape, _ in dates.shapes))


def _finished(con: duckdb.DuckDBPyConnection, table: str, column: _Column, options: ReadOptions) -> ColumnProfile:
    real = column.base.filled - sum(column.null_like.values())
    if isinstance(column.found, DateColumn):
        profile = _date_profile(column.base, column.found, real)
    elif isinstance(column.found, NumberColumn):
        profile = _number_profile(con, table, column, column.found, real, options)
    else:
        profile = _boolean_profile(column, real)
    if profile.kind == "text" or not column.null_like:
        return profile
    tokens = ", ".join(sorted(column.null_like))
    note = f"{sum(column.null_like.values())} values ({tokens}) are read as missing"
    return replace(profile, filled=real, note=_joined(profile.note, note))


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _date_profile(base: ColumnProfile, dates: DateColumn, real: int) -> ColumnProfile:
    order = dates.order or "ymd"
    timed = any(shape.time for shape, _ in dates.shapes)
    misfits = real - dates.fits.get(order, 0)
    note = _joined(dates.note, f"{misfits} values are no date" if misfits else "")
    forms = ("long_fraction",) if any(shape.long_fraction for shape, _ in dates.shapes) else ()
    return replace(
        base,
        kind="instant" if timed else "date",
        date_order=order,
        date_format="|".join(dates.formats(order)),
        has_offset=any(shape.offset for shape, _ in dates.shapes),
        certain=dates.certain and not misfits,
        note=note,
        misfits=misfits,
        forms=forms,
    )


def _number_profile(
    con: duckdb.DuckDBPyConnection, table: str, column: _Column, numbers: NumberColumn, real: int, options: ReadOptions
) -> ColumnProfile:
    digits = {shape.digits for shape, _ in numbers.shapes}
    whole = all(shape.whole for shape, _ in numbers.shapes)
    total = sum(count for _, count in numbers.shapes)
    special = _special(con, table, column, digits) if whole and total == real else None
    if special:
        return special
    reason = why_text(numbers)
    if reason:
        column.null_like = {}
        return replace(column.base, note=reason)
    fitting = sum(count for shape, count in numbers.shapes if not misfit(shape, numbers))
    kind, currency, note = number_kind(numbers, options.currency)
    misfits = real - fitting
    return replace(
        column.base,
        kind=kind,
        decimal=numbers.decimal,
        thousands=numbers.thousands,
        currency=currency,
        certain=numbers.certain and not misfits and not note,
        note=_joined(numbers.note, note, f"{misfits} values are no number" if misfits else ""),
        misfits=misfits,
        forms=numbers.forms,
    )


def _special(con: duckdb.DuckDBPyConnection, table: str, column: _Column, digits: set[int]) -> ColumnProfile | None:
    """Whole numbers that are something else by their name: flags of 0 and 1, epoch times, dates such as 20260131."""
    tests: list[tuple[bool, str, Callable[[], ColumnProfile]]] = [
        (
            digits == {1} and bool(_FLAG.search(column.name)),
            "{c} IN ('0', '1')",
            lambda: replace(column.base, kind="boolean", note="0 and 1 in a column named as a flag"),
        ),
        (
            len(digits) == 1 and digits <= set(_EPOCHS) and bool(_MOMENT.search(column.name)),
            "{c} NOT LIKE '-%'",
            lambda: replace(
                column.base, kind="instant", date_format=_EPOCHS[next(iter(digits))], note="counted from 1970 in UTC"
            ),
        ),
        (
            digits == {8} and bool(_DAY.search(column.name)),
            "year(try_strptime({c}, '%Y%m%d')) BETWEEN 1800 AND 2200",
            lambda: replace(column.base, kind="date", date_order="ymd", date_format="%Y%m%d"),
        ),
    ]
    for applies, condition, profile in tests:
        if applies:
            c = name(column.name)
            found = con.execute(f"SELECT count(*) FROM {table} WHERE {condition.format(c=c)}").fetchone()
            assert found is not None
            misfits = column.base.filled - sum(column.null_like.values()) - int(found[0])
            if misfits <= 0.05 * column.base.filled:
                made = profile()
                note = _joined(made.note, f"{misfits} values do not fit" if misfits else "")
                return replace(made, misfits=misfits, certain=not misfits, note=note)
    return None


def _boolean_profile(column: _Column, real: int) -> ColumnProfile:
    flags = sum(count for shape, count in column.shapes if shape.lower() in BOOLEANS)
    if flags and flags == real:
        return replace(column.base, kind="boolean")
    return column.base


def null_condition(column: str, tokens: Sequence[str]) -> str:
    """SQL of a column in which the given texts are null."""
    c = name(column)
    listed = ", ".join(text(token) for token in tokens)
    return f"CASE WHEN {c} IN ({listed}) THEN NULL ELSE {c} END"
