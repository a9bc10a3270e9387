"""Reads the cached values of one sheet of a workbook (xlsx, xlsm, xlsb, xls, ods) through calamine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import python_calamine
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from salesops.common.errors import InvalidData
from salesops.sources.reading.batches import BatchWriter
from salesops.sources.reading.engine import BLANKS
from salesops.sources.reading.layout import looks_like_data
from salesops.sources.reading.model import Draft, ReadOptions
from salesops.sources.reading.naming import unique_names
from salesops.sources.reading.problems import ProblemList

_HEADER_SEARCH = 50
Row = tuple[int, list[str | None]]


def read_workbook(
    path: Path, work: Path, options: ReadOptions, problems: ProblemList, con: duckdb.DuckDBPyConnection
) -> Draft:
    """Stage one sheet: the one declared, else the first visible one that holds data."""
    try:
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
            title, sheet, others = _choose(book, options, problems)
            rows = _filled_rows(sheet)
    except python_calamine.PasswordError as error:
        raise InvalidData(f"{problems.source} is protected by a password", "Save it without one") from error
    except (python_calamine.CalamineError, python_calamine.ZipError, python_calamine.XmlError, ValueError) as error:
        raise InvalidData(
            f"{problems.source} cannot be read as a workbook: {str(error)[:200]}", "Open it in Excel and save it again"
        ) from error
    names, first, rows_below = _header(rows, options, problems, title)
    target = work / "raw.parquet"
    writer = BatchWriter(target, names, options.max_cell, problems)
    try:
        for number, cells in rows_below:
            writer.add(number, cells[first : first + len(names)])
        writer.finish(con)
    finally:
        writer.abandon()
    if writer.rows == 0:
        problems.warn("The sheet holds no rows below its column names", "Check the export if rows were expected")
    draft = Draft(str(target), "xlsx", names, writer.rows, sheet=title)
    if others:
        draft.notes.append(f"Read sheet {title}; not read: {', '.join(others)}")
    return draft


def _choose(
    book: CalamineWorkbook, options: ReadOptions, problems: ProblemList
) -> tuple[str, CalamineSheet, list[str]]:
    tables = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    names = [meta.name for meta in tables]
    if options.sheet is not None:
        if options.sheet not in names:
            raise InvalidData(
                f"{problems.source} has no sheet {options.sheet!r}", f"Declare one of: {', '.join(names) or 'none'}"
            )
        return options.sheet, book.get_sheet_by_name(options.sheet), [n for n in names if n != options.sheet]
    for meta in sorted(tables, key=lambda meta: meta.visible != SheetVisibleEnum.Visible):
        sheet = book.get_sheet_by_name(meta.name)
        if sheet.height and sheet.width:
            return meta.name, sheet, [n for n in names if n != meta.name]
    raise InvalidData(f"{problems.source} has no sheet with data", "Check that the right workbook was saved")


def _filled_rows(sheet: CalamineSheet) -> list[Row]:
    """Rows that hold anything, as text, each with its number in the sheet."""
    start = sheet.start
    offset = 1 + (start[0] if start else 0)
    values: Sequence[Sequence[Any]] = sheet.to_python(skip_empty_area=True)
    rows: list[Row] = []
    for number, cells in enumerate(values, start=offset):
        texts = [as_text(cell) for cell in cells]
        if any(cell is not None for cell in texts):
            rows.append((number, texts))
    return rows


def as_text(value: Any) -> str | None:
    """Write a cell's value canonically: ISO dates, plain whole numbers, shortest exact floats, true and false."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.strip(BLANKS) or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)


def _header(
    rows: list[Row], options: ReadOptions, problems: ProblemList, title: str
) -> tuple[list[str], int, list[Row]]:
    """Give the names, the first column of the table, and the rows below the names."""
    if not rows:
        raise InvalidData(f"Sheet {title} of {problems.source} is empty", "Declare the sheet that holds the data")
    width = max(len(cells) for _, cells in rows)
    if width > options.max_columns:
        raise InvalidData(f"{problems.source} has {width} columns, more than {options.max_columns}", "Delete some")
    position = _header_position(rows, options, problems)
    if position is None:
        return unique_names([None] * width, problems, None), 0, rows
    number, cells = rows[position]
    below = rows[position + 1 :]
    last = max((i for i, c in enumerate(cells) if c is not None), default=0)
    last = max([last, *(i for _, row in below for i in range(last + 1, len(row)) if row[i] is not None)])
    first = next((i for i, c in enumerate(cells) if c is not None), 0)
    first = min([first, *(i for _, row in below for i in range(first) if row[i] is not None)])
    return unique_names(cells[first : last + 1], problems, number), first, below


def _header_position(rows: list[Row], options: ReadOptions, problems: ProblemList) -> int | None:
    if options.header_row == 0:
        return None
    if options.header_row is not None:
        found = next((i for i, (number, _) in enumerate(rows) if number == options.header_row), None)
        if found is None:
            raise InvalidData(f"Row {options.header_row} of {problems.source} is empty", "Declare the right header row")
        return found
    filled = [sum(cell is not None for cell in cells) for _, cells in rows[:_HEADER_SEARCH]]
    usual = sorted(filled)[len(filled) // 2]
    position = next((i for i, count in enumerate(filled) if count >= max(min(2, usual), round(0.6 * usual))), 0)
    if position:
        problems.warn(
            f"The rows above row {rows[position][0]} are not part of the table; it holds the column names",
            "Declare the header row if this is wrong",
            row=rows[position][0],
        )
    elif len(rows) > 1 and looks_like_data(*([cell or "" for cell in cells] for _, cells in rows[:2])):
        problems.warn(
            "The first row holds values, not column names; the columns are called column_1, column_2 ...",
            "Put the names in the first row, or declare header row 1",
            row=rows[0][0],
        )
        return None
    return position
