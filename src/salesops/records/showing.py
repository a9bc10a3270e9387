"""How the commands of this room print rows: a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import click

FORMATS = ("table", "json", "csv")
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def format_option(command: Any) -> Any:
    """The option `--format` that every reading command has."""
    return click.option("--format", "style", type=click.Choice(FORMATS), default="table", show_default=True)(command)


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str], style: str, *, note: str = "") -> None:
    """Print rows. The note stands under a table, in `note` of JSON, and nowhere in CSV."""
    if style == "json":
        found = [{name: _plain(row.get(name)) for name in columns} for row in rows]
        click.echo(json.dumps({"rows": found, **({"note": note} if note else {})}, indent=2, ensure_ascii=False))
    elif style == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
        click.echo(out.getvalue(), nl=False)
    else:
        _table(rows, columns, note)


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str], note: str) -> None:
    cells = [[" ".join(_text(row.get(name)).split()) for name in columns] for row in rows]
    widths = [max(len(name), *(len(row[n]) for row in cells)) if cells else len(name) for n, name in enumerate(columns)]
    for line in ([name.replace("_", " ") for name in columns], ["-" * width for width in widths], *cells):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if note:
        click.echo(f"\n{note}")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str, list, dict)) else str(value)


def _cell(value: Any) -> str:
    """A CSV cell that a spreadsheet never takes for a formula."""
    text = value.isoformat() if isinstance(value, date) else _text(value)
    number = text[:1] == "-" and text[1:].replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(_RISKY) and not number else text
