"""Settles the order of day, month and year where the shape of the dates leaves it open, over all columns of a file.

An order under which every value of the column is a real date wins. Where several do: with two-digit years, the place
with few different values is the year; then the order of the file's other date columns; then the default, day first
(month first if amounts are in US dollars), marked as not certain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from salesops.sources.reading.engine import name, text
from salesops.sources.reading.shapes import DateShape

ORDERS = ("dmy", "mdy", "ymd")


@dataclass
class DateColumn:
    """A column of dates: its shapes with their counts, how many values each order fits, and the outcome."""

    name: str
    shapes: list[tuple[DateShape, int]]
    fits: dict[str, int] = field(default_factory=dict)
    year_first: float = 0.0
    order: str | None = None
    certain: bool = True
    note: str = ""

    @property
    def total(self) -> int:
        """How many values look like dates."""
        return sum(count for _, count in self.shapes)

    @property
    def open(self) -> bool:
        """Whether the shapes alone leave the order open."""
        return any(shape.ambiguous for shape, _ in self.shapes)

    @property
    def two_digit(self) -> bool:
        """Whether years have two digits."""
        return any(shape.family == "xyz2" for shape, _ in self.shapes)

    def formats(self, order: str) -> list[str]:
        """The strptime patterns under an order, two-digit years first (so that 16 is not the year 16)."""
        found = list(dict.fromkeys(shape.format(order) for shape, _ in self.shapes))
        return sorted(found, key=lambda pattern: "%y" not in pattern)


def measure(con: duckdb.DuckDBPyConnection, table: str, column: DateColumn, value_sql: str) -> None:
    """Count over the whole column how many values are real dates under each possible order."""
    orders = [o for o in ORDERS if column.two_digit or o != "ymd"] if column.open else ["ymd"]
    counts = ", ".join(f"count(try_strptime({value_sql}, {_list(column.formats(order))}))" for order in orders)
    found = con.execute(f"SELECT {counts} FROM {table} WHERE {name(column.name)} IS NOT NULL").fetchone()
    assert found is not None
    column.fits = dict(zip(orders, found, strict=True))
    if column.two_digit:
        pattern = text("^([0-9]+)[-/.][0-9]+[-/.]([0-9]+)")
        parts = ", ".join(
            f"count(DISTINCT regexp_extract({name(column.name)}, {pattern}, {group})::INTEGER)" for group in (1, 2)
        )
        row = con.execute(
            f"SELECT {parts} FROM {table} WHERE regexp_matches({name(column.name)}, {pattern})"
        ).fetchone()
        assert row is not None
        column.year_first = row[1] / max(1, row[0])


def _list(patterns: Sequence[str]) -> str:
    return "[" + ", ".join(text(pattern) for pattern in patterns) + "]"


def settle(columns: Sequence[DateColumn], declared: str | None, month_first: bool) -> None:
    """Choose an order for every column, each by its own values first, then by those of the others."""
    for column in columns:
        _alone(column, declared)
    votes = Counter(c.order for c in columns if c.open and c.order and c.certain)
    sibling = votes.most_common(1)[0][0] if votes else None
    for column in columns:
        if column.order is None:
            _together(column, sibling, _joint(columns), "mdy" if month_first else "dmy")


def _alone(column: DateColumn, declared: str | None) -> None:
    if declared in ORDERS and column.open:
        column.order = declared
        return
    if not column.open:
        column.order = "ymd" if all(s.family in ("ymd4", "cjk") for s, _ in column.shapes) else None
        column.order = column.order or ("dmy" if column.shapes[0][0].family == "dmon" else "mdy")
        column.fits = {column.order: max(column.fits.values())}
        return
    whole = _whole(column)
    if len(whole) == 1:
        column.order = whole[0]
        if column.two_digit and whole[0] != "ymd" and column.fits.get("ymd", 0) == column.total:
            column.certain = column.year_first <= 0.5 and column.total >= 5
            column.note = "" if column.certain else "too few values to tell the year's place"
    elif not whole:
        column.order = max(column.fits, key=lambda order: column.fits[order])
        column.certain = False
        column.note = f"no order fits all dates: {column.order} fits {column.fits[column.order]} of {column.total}"


def _whole(column: DateColumn) -> list[str]:
    """Orders under which every value is a date; a leading two-digit year only where its place looks like a year's."""
    whole = [order for order in column.fits if column.fits[order] == column.total]
    if "ymd" in whole and len(whole) > 1:
        if column.year_first > 1.0 and column.total >= 5:
            return ["ymd"]
        whole.remove("ymd")
    return whole


def _joint(columns: Sequence[DateColumn]) -> list[str]:
    """Orders under which all values of all open columns are dates."""
    together = [c for c in columns if c.open]
    return [o for o in ("dmy", "mdy") if all(c.fits.get(o) == c.total for c in together)]


def _together(column: DateColumn, sibling: str | None, joint: list[str], default: str) -> None:
    whole = _whole(column)
    if sibling in whole:
        column.order = sibling
        column.note = f"both day first and month first fit: {sibling} as in the other date columns"
        return
    column.order = joint[0] if len(joint) == 1 else default
    column.certain = False
    column.note = f"no value over 12 in the first or second part: assumed {column.order}"
