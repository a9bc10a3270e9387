"""Finds how a delimited text file is laid out: delimiter, line of the column names, names, first line of data."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from salesops.common.errors import InvalidData
from salesops.sources.reading.engine import BLANKS
from salesops.sources.reading.model import ReadOptions
from salesops.sources.reading.naming import unique_names
from salesops.sources.reading.problems import ProblemList

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 512 << 10
_DATA = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,' ]*%?\)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True)
class Layout:
    """``header`` is the line of the names (0: none), ``skip`` the lines before the data, ``plain`` whether none of
    those lines is continued inside quotes; ``line_bytes`` the mean length of a sampled line."""

    delimiter: str
    names: list[str]
    header: int
    skip: int
    plain: bool
    line_bytes: int


@dataclass(frozen=True)
class _Record:
    line: int
    last_line: int
    cells: list[str]


def find_layout(path: Path, options: ReadOptions, problems: ProblemList) -> Layout:
    """Find the layout from the head of a UTF-8 file; reports names that had to be made up or made unique."""
    sample = _sample(path)
    if options.delimiter is not None and len(options.delimiter) != 1:
        raise InvalidData(f"The delimiter {options.delimiter!r} is not one character", "Declare one such as , or ;")
    found = {d: _records(sample, d) for d in ([options.delimiter] if options.delimiter else DELIMITERS)}
    delimiter = max(found, key=lambda d: _score(found[d]))
    records = found[delimiter]
    if not records:
        raise InvalidData(f"{problems.source} holds nothing but blank lines", "Export it again")
    usual = Counter(len(record.cells) for record in records).most_common(1)[0][0]
    header = _header(records, usual, options, problems)
    width = max(usual, len(header.cells) if header else 0)
    if width > options.max_columns:
        raise InvalidData(
            f"{problems.source} has {width} columns, more than {options.max_columns}", "Export only the columns needed"
        )
    line_bytes = max(1, len(sample) // max(1, sample.count("\n")))
    if header is None:
        skip = records[0].line - 1
        names = unique_names([None] * width, problems, None)
        return Layout(delimiter, names, 0, skip, True, line_bytes)
    cells: list[str | None] = [*header.cells, *[None] * (width - len(header.cells))]
    before = [record for record in records if record.line <= header.line]
    plain = all(record.line == record.last_line for record in before)
    return Layout(
        delimiter, unique_names(cells, problems, header.line), header.line, header.last_line, plain, line_bytes
    )


def _sample(path: Path) -> str:
    with path.open("r", encoding="utf-8", errors="replace", newline="") as file:
        text = file.read(_SAMPLE).lstrip("\ufeff")
        if len(text) < _SAMPLE - 1:
            return text
    cut = max(text.rfind("\n"), text.rfind("\r"))
    return text[: cut + 1] if cut > 0 else text


def _records(sample: str, delimiter: str, limit: int = 2_000) -> list[_Record]:
    records: list[_Record] = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    before = 0
    old = csv.field_size_limit(max(len(sample) + 1, 1 << 20))
    try:
        for cells in reader:
            if any(cell.strip(BLANKS) for cell in cells) or len(cells) > 1:
                records.append(_Record(before + 1, reader.line_num, cells))
            before = reader.line_num
            if len(records) >= limit:
                break
    except csv.Error:
        pass
    finally:
        csv.field_size_limit(old)
    if len(records) > 2 and records[-1].last_line - records[-1].line > 50:
        records.pop()
    return records


def _score(records: list[_Record]) -> float:
    if not records:
        return -1.0
    width, count = Counter(len(record.cells) for record in records).most_common(1)[0]
    agrees = 0.1 if len(records[0].cells) == width else 0.0
    return (count / len(records)) * (1 - 1 / width) + (agrees if width > 1 else 0.0)


def _header(records: list[_Record], usual: int, options: ReadOptions, problems: ProblemList) -> _Record | None:
    if options.header_row == 0:
        return None
    if options.header_row is not None:
        chosen = next((record for record in records if record.line == options.header_row), None)
        if chosen is None:
            raise InvalidData(
                f"{problems.source} has no column names on line {options.header_row}", "Declare the right header row"
            )
        return chosen
    needed = max(1 if usual == 1 else 2, round(0.6 * usual))
    position = next((i for i, r in enumerate(records) if sum(bool(c.strip(BLANKS)) for c in r.cells) >= needed), 0)
    header = records[position]
    if position:
        problems.warn(
            f"The first {header.line - 1} lines are not part of the table; the column names are on line {header.line}",
            "Declare the header row if this is wrong",
            row=header.line,
        )
    below = records[position + 1].cells if position + 1 < len(records) else []
    if position == 0 and looks_like_data(header.cells, below):
        problems.warn(
            "The first line holds values, not column names; the columns are called column_1, column_2 ...",
            "Put the names on the first line, or declare header row 1",
            row=header.line,
        )
        return None
    return header


def looks_like_data(first: list[str], below: list[str]) -> bool:
    """Say whether a first row is data: most of its cells are amounts or dates (not years) as in the row below."""
    cells = [cell.strip(BLANKS) for cell in first]
    filled = [cell for cell in cells if cell]
    data = [c for c in filled if _DATA.fullmatch(c) and not _YEAR.fullmatch(c)]
    if not filled or len(data) * 2 <= len(filled):
        return False
    return all(
        bool(_DATA.fullmatch(a)) == bool(_DATA.fullmatch(b.strip(BLANKS)))
        for a, b in zip(cells, below, strict=False)
        if a and b.strip(BLANKS)
    )
