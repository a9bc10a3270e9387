"""Makes column names unique, and finds the date of which a file's name speaks. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from salesops.sources.reading.engine import BLANKS
from salesops.sources.reading.model import ROW
from salesops.sources.reading.problems import ProblemList

_DATE_IN_NAME = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)")


def unique_names(raw: Sequence[str | None], problems: ProblemList, row: int | None) -> list[str]:
    """Give every column a name that no other has, ignoring case; each change is reported as a warning."""
    names: list[str] = []
    taken = {ROW}
    for position, cell in enumerate(raw, start=1):
        wanted = " ".join((cell or "").strip(BLANKS).split())[:200] or f"column_{position}"
        name, number = wanted, 2
        while name.lower() in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name.lower())
        names.append(name)
        if not (cell or "").strip(BLANKS):
            if row is not None:
                problems.warn(
                    f"Column {position} has no name; it is called {name}", "Name the column", row=row, field=name
                )
        elif name != wanted:
            problems.warn(
                f"The name {wanted} occurs twice; column {position} is called {name}",
                "Give each column a name of its own",
                row=row,
                field=name,
            )
    return names


def date_in_name(name: str) -> dt.date | None:
    """Give the last ISO-like date (2026-01-31, 20260131) in a file name, or None."""
    found = None
    for year, _, month, day in _DATE_IN_NAME.findall(name):
        try:
            date = dt.date(int(year), int(month), int(day))
        except ValueError:
            continue
        found = date if 1970 <= date.year <= 2100 else found
    return found
