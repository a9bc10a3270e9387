"""Writes tables as XLSX files that open as they are meant: numbers as numbers, amounts in their currency, days as days.

A file has the sheet "Answer" (frozen heading, filter, widths) and the sheet "Definitions": what was asked, as of when, what
is hidden, and what each column means. Text is never a formula: a cell of text stays text, and one that a
spreadsheet might take for a formula is marked as quoted, which keeps its characters as they are.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from salesops.common.errors import SalesopsError, UsageError
from salesops.common.explain import Explanation
from salesops.common.money import Money

ANSWER, DEFINITIONS = "Answer", "Definitions"
RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
"""How text begins that a spreadsheet may run as a formula."""
MOST_ROWS: Final = 1_048_575  # of a sheet, without its heading
MOST_TEXT: Final = 32_767  # characters of a cell
EXACT: Final = 2**53  # whole numbers beyond are rounded by spreadsheets
WIDEST, NARROWEST, LOOKED_AT = 60, 8, 500
FORMATS: Final[Mapping[str, str]] = {
    "ratio": "0.00%",
    "count": "#,##0",
    "days": "#,##0.00",
    "months": "#,##0.00",
    "minutes": "#,##0.00",
    "per_day": "#,##0.00",
    "per_rep": "#,##0.00",
}
UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no XML may hold."""
DAY, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"


@dataclass(frozen=True)
class Table:
    """What is written: rows, the columns to show in order, and how to read them.

    `units` name each column's unit; amounts are in `currency`, or in the one that a row holds in the column that
    `currencies` names. `about` are facts about the whole answer, in order; `definitions` rows about its columns.
    """

    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[str]
    units: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    currencies: Mapping[str, str] = field(default_factory=dict)
    about: Sequence[tuple[str, Any]] = ()
    definitions: Sequence[Mapping[str, Any]] = ()


class Exported:
    """What can be written as a file: its class says what is in the `table`."""

    def table(self) -> Table:
        """What is written."""
        raise NotImplementedError

    def to_xlsx(self, path: Path | str) -> Path:
        """Write it as XLSX: the rows on the sheet Answer; on Definitions what they mean, as of when, and what was left out."""
        return save(path, book(self.table()))

    def to_csv(self, path: Path | str) -> Path:
        """Write the rows as CSV; text that a spreadsheet would run as a formula is defused."""
        from salesops.output import as_csv

        table = self.table()
        return save(path, as_csv(table.rows, table.columns).encode())


def explanation_table(found: Explanation) -> Table:
    """An explanation as rows, each above what it is made of: `level` 0 is what was asked for."""
    rows = list(_levels(found, 0))
    return Table(
        rows, ["level", "title", "value", "unit", "formula", "rule", "definition", "notes", "no value", "records"]
    )


def _levels(found: Explanation, level: int) -> Iterator[dict[str, Any]]:
    value, unit = found.value, found.unit
    if isinstance(value, Money):
        unit, value = value.currency, value.amount
    yield {
        "level": level, "title": found.title, "value": value, "unit": unit, "formula": found.formula, "rule": found.rule,
        "definition": found.definition, "notes": "\n".join(found.notes) or None, "no value": found.empty_reason,
        "records": found.command,
    }  # fmt: skip
    for one in found.inputs:
        yield from _levels(one, level + 1)


def book(table: Table) -> bytes:
    """The XLSX file of a table. Raises UsageError where a sheet cannot hold so many rows."""
    from openpyxl import Workbook

    if len(table.rows) > MOST_ROWS:
        raise UsageError(
            f"a sheet holds {MOST_ROWS:,} rows, the answer has {len(table.rows):,}",
            remedy="Write CSV (--format csv), or ask for less",
        )
    made = Workbook(write_only=True)
    _answer(made.create_sheet(ANSWER), table)
    _definitions(made.create_sheet(DEFINITIONS), table)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def save(path: Path | str, content: bytes) -> Path:
    """Write a file whole or not at all; one that is there is replaced."""
    file = Path(path)
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return file


def _answer(sheet: Any, table: Table) -> None:
    from openpyxl.utils import get_column_letter

    names = list(table.columns)
    sheet.freeze_panes = "A2"
    for place, name in enumerate(names, 1):
        texts = [name, *(_seen(row.get(name), table.units.get(name, "")) for row in table.rows[:LOOKED_AT])]
        sheet.column_dimensions[get_column_letter(place)].width = _wide(texts)
    if names:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{len(table.rows) + 1}"
    sheet.append([_bold(sheet, name) for name in names])
    for row in table.rows:
        sheet.append([_cell(sheet, row.get(name), _format(table, row, name)) for name in names])


def _definitions(sheet: Any, table: Table) -> None:
    """Facts about the answer in two columns, an empty row, then the columns of the answer with what they mean."""
    heads = list(dict.fromkeys(name for one in table.definitions for name in one))
    for letter, width in zip("ABCDEFGHIJKL", (26, 34, 14, 14, *[30] * 8), strict=True):
        sheet.column_dimensions[letter].width = width
    for name, value in table.about:
        sheet.append([_bold(sheet, name), _cell(sheet, value, "")])
    if heads:
        sheet.append([])
        sheet.append([_bold(sheet, name) for name in heads])
    for one in table.definitions:
        sheet.append([_cell(sheet, one.get(name), "") for name in heads])


def _bold(sheet: Any, text: str) -> Any:
    from openpyxl.styles import Font

    cell = _cell(sheet, text, "")
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, value: Any, form: str) -> Any:
    """A value as a cell of its kind; None is an empty one."""
    from openpyxl.cell import WriteOnlyCell

    if value is None:
        return None
    if isinstance(value, bool):
        return WriteOnlyCell(sheet, value)
    if (figure := _figure(value)) is not None:
        cell = WriteOnlyCell(sheet, 0)
        cell._value = figure  # its digits as they are: openpyxl itself would write 16 of a float's 17
        cell.number_format = form or "General"
        return cell
    if isinstance(value, date) and getattr(value, "tzinfo", None) is None and value.year >= 1900:
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = MOMENT if isinstance(value, datetime) else DAY
        return cell
    text = value.isoformat() if isinstance(value, date) else str(value)
    cell = WriteOnlyCell(sheet, _clean(text))
    cell.data_type = "s"
    if text.startswith(RISKY):
        cell.quotePrefix = True
    return cell


def _figure(value: Any) -> str | None:
    """The digits of a number that a spreadsheet reads back exactly; None for what is none, or has too many (such as an id)."""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return str(value) if abs(value) <= EXACT else None
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f") if Decimal(repr(float(value))) == value else None
    return None


def _clean(text: str) -> str:
    """Text as XML may hold it: ends of lines as \\n, other control characters marked, cut where a cell ends."""
    kept = UNFIT.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))
    return kept if len(kept) <= MOST_TEXT else kept[: MOST_TEXT - 1] + "…"


def _format(table: Table, row: Mapping[str, Any], name: str) -> str:
    unit = table.units.get(name, "")
    if unit not in ("money", "money_per_day"):
        return FORMATS.get(unit, "")
    code = (row.get(table.currencies[name]) if name in table.currencies else None) or table.currency
    return money_format(code) + ('"/day"' if unit == "money_per_day" else "")


def money_format(currency: str) -> str:
    """The number format of amounts in a currency, with its minor digits.

    >>> money_format("EUR"), money_format("JPY")
    ('#,##0.00 [$EUR]', '#,##0 [$JPY]')
    """
    from salesops.common.money import minor_digits

    try:
        digits = minor_digits(currency)
    except SalesopsError:
        digits, currency = 2, ""
    return "#,##0" + ("." + "0" * digits if digits else "") + (f" [${currency}]" if currency else "")


def _seen(value: Any, unit: str) -> str:
    """About as many characters as a cell shows."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return f"{value:,.2f}" + (" EUR" if unit.startswith("money") else "")
    return "" if value is None else str(value)


def _wide(texts: Iterable[str]) -> int:
    longest = max((len(line) for text in texts for line in text.split("\n")), default=0)
    return min(max(longest + 2, NARROWEST), WIDEST)
