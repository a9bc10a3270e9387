"""What the pages of the pipeline share: the question's scope, lists that sort and turn pages by their address, files of them, bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer
from salesops.metrics.sql import NONE
from salesops.output import as_csv
from salesops.spreadsheet import book
from salesops.web.shell import drawn, shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking
from salesops.web.shell.question import equals

Words = str | Promise
WHOLE = 100_000
"""How many records of a list are read at once; the total is told beside them where there are more."""
PAGE = 100
NUMBERS = ("money", "count", "days", "ratio")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def scoped(ask: Asking, *more: str | None, currency: bool = True) -> dict[str, Any]:
    """What the scope bar's team (and further filters) and currency are to a query of the room."""
    parts = [f"({one})" for one in (ask.question.where, *more) if one]
    found: dict[str, Any] = {"where": " and ".join(parts)} if parts else {}
    return {**found, "currency": ask.question.currency} if currency and ask.question.currency else found


def spanned(ask: Asking, *, then: bool = False) -> dict[str, Any]:
    """The period of the scope bar as `from_`, `to` and `as_of`; `then`: the compared one."""
    q = ask.question
    period, as_of = (q.then, q.then_as_of) if then else (q.period, q.as_of)
    assert period is not None
    return {"from_": period.start, "to": period.end, "as_of": as_of}


def only(name: str, value: str) -> str | None:
    """A filter to one value of a dimension; `(none)` is the empty one."""
    if not value:
        return None
    return f"{name} is null" if value == NONE else equals(name, value)


def chosen(request: HttpRequest, name: str, among: Sequence[str]) -> str:
    """A parameter that must be one of these; the first where it is not given."""
    value = request.GET.get(name) or among[0]
    if value not in among:
        raise UsageError(f"{name} cannot be {value!r}", f"Use {', '.join(among)}")
    return value


def day_of(request: HttpRequest, name: str) -> date | None:
    """A day of the address."""
    text = request.GET.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{text!r} is no day for {name}", "Write for example 2026-09-30") from None


def pipelines(ask: Asking) -> list[str]:
    """The names of the pipelines that have open stages, in order."""
    from salesops.pipeline.asking import stages_of

    return list(dict.fromkeys(one["pipeline_name"] for one in stages_of(ask.session).values() if one["pipeline_name"]))


def own_link(request: HttpRequest, **changes: Any) -> str:
    """This address with parameters changed (None or empty drops one), on the first page."""
    query = request.GET.copy()
    query.pop("offset", None)
    for key, value in changes.items():
        query.pop(key, None)
        if value not in ("", None):
            query[key] = str(value)
    return "?" + query.urlencode()


# Lists


@dataclass(frozen=True)
class Head:
    """A column of a list: its name in the answer, its title, what it holds (name, text, reason, diff, day, money, count, days, ratio),
    whether it leaves on a phone, how a row's cell reads where that is not the value itself, and the column of what it was."""

    name: str
    title: Words
    kind: str = "text"
    wide: bool = False
    show: Callable[[Mapping[str, Any]], str] | None = None
    was: Callable[[Mapping[str, Any]], str] | None = None


@dataclass(frozen=True)
class Shown:
    """A column as the page shows it, with the link that sorts by it."""

    head: Head
    link: str
    sorted: str

    @property
    def num(self) -> bool:
        return self.head.kind in NUMBERS


@dataclass(frozen=True)
class Cell:
    """A cell: its text, its kind, and where it leads."""

    text: str
    kind: str
    wide: bool
    was: str = ""
    key: str = ""


@dataclass(frozen=True)
class Listed:
    """A page of a list, with its totals."""

    columns: list[Shown]
    rows: list[list[Cell]]
    totals: list[Cell]
    count: int
    known: int
    first: int
    last: int
    before: str
    next: str
    csv: str
    xlsx: str
    entity: str
    currency: str
    hidden: int

    @property
    def capped(self) -> bool:
        return self.known > self.count


def listed(
    request: Request, found: Answer, heads: Sequence[Head], *, order: str = "-value", key: str = "id", entity: str = "opportunity",
    size: int = PAGE, known: int | None = None,
) -> Listed:  # fmt: skip
    """A page of the rows of an answer, sorted by the column that the address names (`-` = the largest first), else by `order`."""
    table = in_order(request, found.rows, heads, order)
    count = table.num_rows
    start = min(_offset(request), max(count - 1, 0) // size * size)
    rows = table.slice(start, size).to_pylist()
    totals = [
        Cell(
            _text(_sum(table, head.name), head.kind, found.currency) if head.kind == "money" else "",
            head.kind,
            head.wide,
        )
        for head in heads
    ]
    end = start + len(rows)
    return Listed(
        columns=_columns(request, heads, order), rows=[[_cell(row, head, found.currency, key) for head in heads] for row in rows],
        totals=totals, count=count, known=count if known is None else known, first=start + 1 if rows else 0, last=end,
        before=_page(request, max(start - size, 0)) if start else "", next=_page(request, end) if end < count else "",
        csv=own_link(request, format="csv"), xlsx=own_link(request, format="xlsx"), entity=entity, currency=found.currency,
        hidden=found.hidden,
    )  # fmt: skip


def in_order(request: HttpRequest, table: pa.Table, heads: Sequence[Head], order: str) -> pa.Table:
    """The rows in the order that the address asks for; those without a value come last."""
    asked = request.GET.get("sort") or order
    name = asked.removeprefix("-")
    if name not in {head.name for head in heads}:
        raise UsageError(f"the list cannot be sorted by {name!r}", f"Columns: {', '.join(head.name for head in heads)}")
    way = "descending" if asked.startswith("-") else "ascending"
    return table.take(pc.sort_indices(table, sort_keys=[(name, way)], null_placement="at_end"))


def file_of(
    request: HttpRequest, found: Answer, name: str, heads: Sequence[Head] = (), order: str = "-value"
) -> HttpResponse | None:
    """The answer as the file that the address asks for (`format` csv or xlsx), all its rows; None where it asks for none."""
    form = request.GET.get("format", "")
    if not form:
        return None
    chosen(request, "format", ("csv", "xlsx"))
    table = replace(found, rows=in_order(request, found.rows, heads, order) if heads else found.rows).table()
    body = book(table) if form == "xlsx" else as_csv(table.rows, table.columns).encode()
    response = HttpResponse(body, content_type=XLSX if form == "xlsx" else "text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def list_page(
    request: Request, found: Answer, heads: Sequence[Head], *, title: str, note: str, back: tuple[str, str], name: str,
    order: str = "-value", key: str = "id", entity: str = "opportunity",
) -> HttpResponse:  # fmt: skip
    """The page of the records behind a number, or its file. `back` is where they stand: title and address."""
    file = file_of(request, found, name, heads, order)
    if file is not None:
        return file
    page = listed(request, found, heads, order=order, key=key, entity=entity, known=found.total)
    facts = {"title": title, "note": note, "back": back, "list": page, "notes": notes(found)}
    return render(request, "pipeline/records.html", facts)


def notes(found: Answer) -> list[str]:
    """What the answer says beside its rows, without the count of the list, which the page says itself."""
    own = (" of ", "value of all ", "none", "changes ")
    return [one for one in found.notes if not (one[:1].isdigit() and " to " in one) and not one.startswith(own[1:])]


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("offset") or "0"
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _page(request: HttpRequest, offset: int) -> str:
    query = request.GET.copy()
    query["offset"] = str(offset)
    return "?" + query.urlencode()


def _columns(request: HttpRequest, heads: Sequence[Head], order: str) -> list[Shown]:
    asked = request.GET.get("sort") or order
    found = []
    for head in heads:
        here = asked.removeprefix("-") == head.name
        down = asked.startswith("-")
        way = ("descending" if down else "ascending") if here else "none"
        next_ = head.name if here and down else f"-{head.name}" if here or head.kind in NUMBERS else head.name
        found.append(Shown(head, own_link(request, sort=next_), way))
    return found


def _cell(row: Mapping[str, Any], head: Head, currency: str, key: str) -> Cell:
    value = row[head.name]
    number = str(row[key]) if head.kind == "name" and row.get(key) is not None else ""
    text = head.show(row) if head.show else _text(value, head.kind, currency)
    if head.kind == "name" and not text:
        text = number
    return Cell(text, head.kind, head.wide, head.was(row) if head.was else "", number)


def _text(value: Any, kind: str, currency: str) -> str:
    if value is None:
        return str(_("n/a")) if kind == "money" else ""
    if kind == "money":
        return shown.money(value, currency)
    if kind == "day":
        return shown.day(value)
    if kind == "ratio":
        return str(shown.shown(value, "ratio"))
    if kind == "days":
        return shown.number(value, 1)
    return shown.number(value) if kind == "count" else str(value)


def _sum(table: pa.Table, name: str) -> Decimal:
    """The exact sum of an amount; what is unknown is worth nothing."""
    found = pc.sum(table.column(name).cast(pa.decimal256(60, 4))).as_py()
    return Decimal(0) if found is None else found


# Bars beside a table


@dataclass(frozen=True)
class Bar:
    """A row with a bar: its name, figures, share of the longest bar (of 1000), and where it leads."""

    title: str
    figure: str
    exact: str
    count: int
    width: float
    link: str
    group: str = ""


def bars(
    rows: Sequence[Mapping[str, Any]], *, title: str, value: str, count: str, currency: str, link: Callable[[Mapping[str, Any]], str],
    group: str = "",
) -> list[Bar]:  # fmt: skip
    """Rows as bars of one scale."""
    most = max((row[value] or Decimal(0) for row in rows), default=Decimal(0))
    return [
        Bar(
            row[title], shown.money(row[value] or 0, currency, compact=True), shown.money(row[value] or 0, currency),
            row[count] or 0, drawn.share(row[value], most, 1000), link(row), row.get(group, "") if group else "",
        )
        for row in rows
    ]  # fmt: skip
