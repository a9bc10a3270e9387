"""Shows answers: as a table on a terminal, as JSON, CSV or XLSX. Text that a spreadsheet would run as a formula is defused."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from salesops.common.errors import SalesopsError, UsageError
from salesops.spreadsheet import RISKY, Table, book, save

FORMATS = ("table", "json", "csv", "xlsx")
FIGURE = re.compile(r"-?[\d,]+(\.\d+)?( ?%| days| months| min| a day| per rep| [A-Z]{3}(/day)?)?")
WORDS = {"days": "days", "months": "months", "minutes": "min", "per_day": "a day", "per_rep": "per rep"}

NOTHING = {
    "record list": "No such record. Import some (salesops import FILE ...), or add one: salesops record create ENTITY name=value",
    "metrics query": "Import records first (salesops import FILE ...), or ask about another period.",
    "metrics drill": "Ask about another period or cell.",
    "pipeline stages": "No deal moved in these days.",
    "pipeline changes": "Nothing changed in these days.",
    "pipeline conversion": "Ask about another period.",
    "pipeline curves": "Ask about another period.",
    "pipeline transitions": "Import a process log, or ask with --of stages.",
    "pipeline slipping": "No deal slipped.",
    "pipeline stale": "No deal is stale.",
    "pipeline rework": "Import a process log, or ask with --of stages.",
    "metrics change": "Ask about other periods.",
    "pipeline variants": "Import a process log, or ask with --of stages.",
    "cohorts": "Import orders, or ask with --of subscriptions or --of wins.",
    "import list": "No import yet: salesops import FILE ...",
    "import errors": "No row was refused, none had a warning.",
    "import conflicts": "No value is in dispute.",
    "field list": "No custom field yet: salesops field declare ENTITY NAME",
    "field conflicts": "No value is in dispute.",
    "rule list": "No value rule yet: salesops rule add ENTITY FIELD FOUND BECOMES",
    "target list": "No target yet: salesops target set METRIC PERIOD VALUE",
    "task list": "Nothing to do.",
    "comment list": "No comment yet: salesops comment create ENTITY KEY TEXT",
    "user token list": "No token yet: salesops user token create --name NAME --scopes SCOPES",
    "quality": "There is nothing to check yet: salesops import FILE ...",
    "quality list": "Nothing to fix.",
    "quality errors": "No row was refused, none had a warning.",
    "audit list": "Nothing was done that fits.",
}
"""What a table without rows says, by command."""

DEFAULT = click.core.ParameterSource.DEFAULT
_WRITTEN, _BOOK = "salesops.written", "salesops.book"


def _asked_form(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """The format given with the command, else the one given before it, else that of the file's name."""
    return value or asked_form(ctx)


def asked_form(ctx: click.Context) -> str:
    """The format that was asked for: by name, or by the name of the file that the answer goes to; else a table.

    Raises UsageError for an XLSX without a file.
    """
    given = ctx.find_root().params
    file = given.get("output")
    suffix = file.suffix.lower().removeprefix(".") if file else ""
    form: str = given.get("form") or (suffix if suffix in FORMATS else "table")
    if form == "xlsx" and file is None:
        raise UsageError("an XLSX is written to a file", remedy="Name it: --output answer.xlsx")
    return form


def _to_file(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.find_root().params["output"] = value


def format_option(command: Any) -> Any:
    """The options of every command that answers: `--format` and `--output`."""
    for option in (
        click.option(
            "--output",
            type=click.Path(dir_okay=False, path_type=Path),
            callback=_to_file,
            expose_value=False,
            is_eager=True,
            help="Write the answer to this file (.xlsx, .csv, .json).",
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(FORMATS),
            callback=_asked_form,
            help="How to write the answer (default: table, or as the file's name says).",
        ),
    ):
        command = option(command)
    return command


def write_file(ctx: click.Context, text: str) -> Path:
    """Write what a command said to the file that was asked for: the workbook that it made, else its text."""
    content = ctx.meta.get(_BOOK)
    return save(ctx.find_root().params["output"], text.encode() if content is None else content)


def is_written(ctx: click.Context) -> bool:
    """Say whether the answer was written in the format that was asked for (`write_rows` and its like do)."""
    return bool(ctx.meta.get(_WRITTEN))


def _mark_written() -> None:
    ctx = click.get_current_context(silent=True)
    if ctx is not None:
        ctx.meta[_WRITTEN] = True


def _nothing() -> str:
    """What to do where this command has no rows to show."""
    ctx = click.get_current_context(silent=True)
    names = []
    while ctx is not None and ctx.parent is not None:
        names.append(ctx.info_name or "")
        ctx = ctx.parent
    return NOTHING.get(" ".join(reversed(names)), "Nothing to show.")


def defused(value: Any) -> Any:
    """Text that a spreadsheet would read as a formula, with an apostrophe before it; numbers and dates as they are.

    >>> defused("=1+1"), defused(-5)
    ("'=1+1", -5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(RISKY) else value


def plain(value: Any) -> Any:
    """A value as JSON holds it: exact numbers and dates as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def shown(value: Any, unit: str = "", currency: str = "") -> str:
    """A value for people, by its unit; money in the minor unit of its currency (rounded half to even).

    >>> shown(0.25, "ratio"), shown(None), shown(Decimal("1200.5000"), "money", "EUR"), shown(2777.7777, "money_per_day", "EUR")
    ('25.00 %', '', '1,200.50 EUR', '2,777.78 EUR/day')
    >>> shown(Decimal("1200.5"), "money", "JPY"), shown(None, "ratio")
    ('1,200 JPY', 'n/a')
    """
    if value is None:
        return "n/a" if unit else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if unit == "ratio":
        return f"{float(value) * 100:,.2f} %"
    if unit in WORDS:
        return f"{float(value):,.2f} {WORDS[unit]}"
    if unit in ("money", "money_per_day"):
        per = "/day" if unit == "money_per_day" else ""
        return f"{Decimal(value):,.{_minor(currency)}f} {currency}".rstrip() + per
    if unit == "count":
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return str(value)


def _minor(currency: str) -> int:
    """The decimal places in which a currency is paid: 2 where it is unknown."""
    from salesops.common.money import minor_digits

    try:
        return minor_digits(currency)
    except SalesopsError:
        return 2


def write_rows(
    rows: Sequence[Mapping[str, Any]],
    form: str = "table",
    *,
    columns: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    currency: str = "",
    currencies: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
    beside: Mapping[str, Any] | None = None,
    nothing: Mapping[str, str] | None = None,
) -> None:
    """Write rows to standard output (`notes` to standard error for CSV, so that a pipe gets rows only), or as XLSX to the file asked for.

    `columns` are those to show, in order; `units` say how numbers are read in a table; `currencies` name, for columns of money,
    the column that holds each row's currency (elsewhere it is `currency`); `beside` goes into the JSON next to
    `rows`, and what is one value in it onto the sheet Definitions of an XLSX; `nothing` is what a table says in a column where there
    is no value. A table without rows says what to do next.
    """
    _mark_written()
    names = list(columns) if columns is not None else list(rows[0]) if rows else []
    if form == "json":
        listed = [{name: plain(row.get(name)) for name in names} for row in rows]
        body = {"rows": listed, "notes": list(notes), **plain(dict(beside or {}))} | {"rows": listed}
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    elif form == "csv":
        click.echo(as_csv(rows, names), nl=False)
        for note in notes:
            click.echo(note, err=True)
    elif form == "xlsx":
        about = [*_facts(beside or {}, currency, units or {}), *(("note", one) for one in notes)]
        told = _columns(names, titles or {}, units or {})
        write_table(Table(rows, names, units or {}, currency, currencies or {}, about, told))
    else:
        if rows:
            _table(rows, names, titles or {}, units or {}, currency, currencies or {}, nothing or {})
        else:
            click.echo(_nothing())
        for note in notes:
            click.echo(f"  {note}")


def write_table(table: Table) -> None:
    """Make the XLSX of a table for the file that was asked for; the command and its options come first in its definitions."""
    _mark_written()
    click.get_current_context().meta[_BOOK] = book(replace(table, about=[*_question(), *table.about]))


def write_text(text: str, form: str = "table", /, **facts: Any) -> None:
    """Write what was done: a sentence for people, `facts` as one JSON object or one CSV row."""
    _mark_written()
    if form == "json":
        click.echo(json.dumps(plain(facts), ensure_ascii=False, indent=2))
    elif form in ("csv", "xlsx"):
        write_rows([facts], form)
    else:
        click.echo(text)


def say(text: str, /, **facts: Any) -> None:
    """`write_text` in the format given anywhere in the command, for one without an option of its own."""
    ctx = click.get_current_context(silent=True)
    write_text(text, asked_form(ctx) if ctx else "table", **facts)


def _question() -> list[tuple[str, Any]]:
    """The command that is run, what it is, and every option that was given."""
    ctx = click.get_current_context(silent=True)
    if ctx is None or ctx.parent is None:
        return []
    found: list[tuple[str, Any]] = [("asked", ctx.command_path), ("answers", (ctx.command.help or "").split("\n\n")[0])]
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if param.name != "form" and value is not None and ctx.get_parameter_source(param.name or "") != DEFAULT:
            words = ", ".join(map(str, value)) if isinstance(value, tuple) else plain(value)
            found.append((param.opts[0], words))
    return found


def _facts(beside: Mapping[str, Any], currency: str, units: Mapping[str, str]) -> list[tuple[str, Any]]:
    """What stands beside the rows and is one value, and the currency where there are amounts."""
    found = [(name.replace("_", " "), value) for name, value in beside.items() if _is_one(value)]
    money = currency and any(unit.startswith("money") for unit in units.values())
    return found + ([("currency", currency)] if money and "currency" not in beside else [])


def _is_one(value: Any) -> bool:
    return isinstance(value, (bool, int, float, Decimal, date, str))


def _columns(names: Sequence[str], titles: Mapping[str, str], units: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "column": name,
            "title": titles.get(name, name.replace("_", " ")),
            "unit": units.get(name, "").replace("_", " "),
        }
        for name in names
    ]


def as_csv(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Rows as CSV text with a heading, safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([defused(name) for name in names])
    for row in rows:
        writer.writerow(["" if (value := row.get(name)) is None else defused(_cell(value)) for name in names])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, Decimal, str)) else plain(value)


def _table(
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    titles: Mapping[str, str],
    units: Mapping[str, str],
    currency: str,
    currencies: Mapping[str, str],
    nothing: Mapping[str, str],
) -> None:
    """A table as wide as the terminal, or as wide as it needs to be where there is none (a pipe, a file)."""
    heads = [titles.get(name, name) for name in names]

    def code(row: Mapping[str, Any], name: str) -> str:
        return row.get(currencies[name]) or currency if name in currencies else currency

    def cell(row: Mapping[str, Any], name: str) -> str:
        if row.get(name) is None and name in nothing:
            return nothing[name]
        return shown(row.get(name), units.get(name, ""), code(row, name))

    cells = [[cell(row, name) for name in names] for row in rows]
    right = [bool(units.get(name)) or (n > 0 and _numeric([row[n] for row in cells])) for n, name in enumerate(names)]
    if not sys.stdout.isatty():
        click.echo(_plain_table(heads, cells, right))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for n, (head, is_right) in enumerate(zip(heads, right, strict=True)):
        # What a row is called and its figures stay whole where the terminal is narrow; other text is broken at its words.
        table.add_column(
            Text(head), justify="right" if is_right else "left", overflow="fold", no_wrap=is_right or n == 0
        )
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def _numeric(cells: Sequence[str]) -> bool:
    """Say whether a column holds figures, with or without a unit, and nothing else but gaps."""
    held = [cell for cell in cells if cell and cell != "n/a"]
    return bool(held) and all(FIGURE.fullmatch(cell) for cell in held)


def _plain_table(heads: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Aligned lines without colour, never wrapped, nothing trailing."""
    flat = [[" ".join(cell.split()) if "\n" in cell else cell for cell in row] for row in cells]
    widths = [max(map(_width, column)) for column in zip(heads, *flat, strict=True)]
    lines = []
    for row in (heads, *flat):
        padded = [
            f"{' ' * (width - _width(cell))}{cell}" if is_right else f"{cell}{' ' * (width - _width(cell))}"
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _width(text: str) -> int:
    """The columns that a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )


def write_answer(answer: Any, form: str = "table", *, parts: bool = False) -> None:
    """Write an `Answer`: JSON, CSV and XLSX with every column, a table with the metrics (and their parts when asked)."""
    if form == "xlsx":
        write_table(answer.table())
        return
    rows = answer.to_pylist()
    names = [one.name for one in answer.columns]
    if form == "table":
        kept = ("period", "dimension", "metric", "comparison", *(["part"] if parts else []))
        names = [one.name for one in answer.columns if one.kind in kept]
        names = _without_dull(rows, names)
    units = {one.name: one.unit for one in answer.columns if one.unit}
    currencies = {one.name: one.currency for one in answer.columns if getattr(one, "currency", "")}
    notes = [*_heading(answer), *answer.notes, *(f"{name}: no value, {why}" for name, why in answer.empty.items())]
    beside = {key: value for key, value in answer.to_dict().items() if key != "rows"}
    nothing = {
        one.name: "not set" for one in answer.columns if one.kind == "comparison" and one.name.endswith("__target")
    }
    write_rows(
        rows, form, columns=names, units=units, currency=answer.currency, currencies=currencies, notes=notes,
        beside=beside, nothing=nothing,
    )  # fmt: skip


def _without_dull(rows: Sequence[Mapping[str, Any]], names: list[str]) -> list[str]:
    """Hide the edges of the period where there is one row for all time."""
    dull = {name for name in ("from", "to") if all(row.get(name) is None for row in rows)}
    return [name for name in names if name not in dull]


def _heading(answer: Any) -> list[str]:
    span = "" if answer.from_ is None or answer.to is None else f"{answer.from_} to {answer.to}, both inclusive; "
    known = "" if answer.as_known_on is None else f", as known on {answer.as_known_on}"
    return [f"{span}as of {answer.as_of}{known}; generation {answer.generation}"]


def write_explanation(explanation: Any, form: str = "table") -> None:
    """Write an `Explanation`: as a tree, as JSON, or as CSV with a row for every node (`level` 0 is the number itself)."""
    if form in ("csv", "xlsx"):
        columns = ["level", "title", "value", "unit", "formula", "rule", "definition", "notes"]
        write_rows(list(_flat(explanation.to_dict(), 0)), form, columns=columns)
        return
    _mark_written()
    if form == "table":
        click.echo(explanation.render())
    else:
        click.echo(json.dumps(explanation.to_dict(), ensure_ascii=False, indent=2))


def _flat(node: Mapping[str, Any], level: int) -> Iterator[dict[str, Any]]:
    value: Any = node.get("value")
    unit = node.get("unit", "")
    if isinstance(value, Mapping):
        value, unit = value["amount"], value["currency"]
    yield {**node, "level": level, "value": value, "unit": unit, "notes": "; ".join(node.get("notes") or ())}
    for one in node.get("inputs", ()):
        yield from _flat(one, level + 1)
