"""Shows answers: as a table on a terminal, as JSON or as CSV. Text that a spreadsheet would run as a formula is defused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click

FORMATS = ("table", "json", "csv")
RISKY = ("=", "+", "-", "@", "\t", "\r")

format_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to write the answer."
)


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
    """A value for people, by its unit; money exact, with its currency.

    >>> shown(0.25, "ratio"), shown(None), shown(Decimal("1200.5000"), "money", "EUR"), shown(2777.7777, "money_per_day", "EUR")
    ('25.00 %', 'n/a', '1,200.50 EUR', '2,777.78 EUR/day')
    """
    if value is None:
        return "n/a" if unit else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if unit == "ratio":
        return f"{float(value) * 100:,.2f} %"
    if unit == "days":
        return f"{float(value):,.2f} days"
    if unit == "money":
        return f"{_money(value)} {currency}".strip()
    if unit == "money_per_day":
        return f"{float(value):,.2f} {currency}/day"
    if unit == "count":
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return str(value)


def _money(value: Any) -> str:
    if not isinstance(value, Decimal):
        return f"{float(value):,.2f}"
    places = 2 if value == value.quantize(Decimal("0.01")) else 4
    return f"{value:,.{places}f}"


def write_rows(
    rows: Sequence[Mapping[str, Any]],
    form: str = "table",
    *,
    columns: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    currency: str = "",
    notes: Iterable[str] = (),
    beside: Mapping[str, Any] | None = None,
) -> None:
    """Write rows to standard output (`notes` to standard error for CSV, so that a pipe gets rows only).

    `columns` are those to show, in order; `units` say how numbers are read in a table; `beside` goes into the JSON next to
    `rows`.
    """
    names = list(columns) if columns is not None else list(rows[0]) if rows else []
    if form == "json":
        body = {"rows": [{name: plain(row.get(name)) for name in names} for row in rows], **plain(dict(beside or {}))}
        body.setdefault("notes", list(notes))
        click.echo(json.dumps(body, ensure_ascii=False, indent=2))
    elif form == "csv":
        click.echo(as_csv(rows, names), nl=False)
        for note in notes:
            click.echo(note, err=True)
    else:
        _table(rows, names, titles or {}, units or {}, currency)
        for note in notes:
            click.echo(f"  {note}")


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
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(Text(titles.get(name, name)), justify="right" if name in units else "left")
    for row in rows:
        table.add_row(*(Text(shown(row.get(name), units.get(name, ""), currency)) for name in names))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(200, 24 * len(names)))
    console.print(table)


def write_answer(answer: Any, form: str = "table", *, parts: bool = False) -> None:
    """Write an `Answer`: JSON and CSV with every column, a table with the metrics (and their parts when asked)."""
    rows = answer.to_pylist()
    names = [one.name for one in answer.columns]
    if form == "table":
        kept = ("period", "dimension", "metric", "comparison", *(["part"] if parts else []))
        names = [one.name for one in answer.columns if one.kind in kept]
        names = _without_dull(rows, names)
    units = {one.name: one.unit for one in answer.columns if one.unit}
    notes = [*_heading(answer), *answer.notes, *(f"{name}: no value, {why}" for name, why in answer.empty.items())]
    beside = {key: value for key, value in answer.to_dict().items() if key != "rows"}
    write_rows(rows, form, columns=names, units=units, currency=answer.currency, notes=notes, beside=beside)


def _without_dull(rows: Sequence[Mapping[str, Any]], names: list[str]) -> list[str]:
    """Hide the edges of the period where there is one row for all time."""
    dull = {name for name in ("from", "to") if all(row.get(name) is None for row in rows)}
    return [name for name in names if name not in dull]


def _heading(answer: Any) -> list[str]:
    span = "" if answer.from_ is None or answer.to is None else f"{answer.from_} to {answer.to}, both inclusive; "
    known = "" if answer.as_known_on is None else f", as known on {answer.as_known_on}"
    return [f"{span}as of {answer.as_of}{known}; generation {answer.generation}"]


def write_explanation(explanation: Any, form: str = "table") -> None:
    """Write an `Explanation`: as a tree, or as JSON (CSV has no form for a tree: JSON is written)."""
    if form == "table":
        click.echo(explanation.render())
    else:
        click.echo(json.dumps(explanation.to_dict(), ensure_ascii=False, indent=2))
