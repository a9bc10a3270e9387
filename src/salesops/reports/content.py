"""What a report shows: a metric question, the scorecard or a page, asked as its owner, as figures, a table, and a page for paper.

Figures are asked as the pages ask them: a period that is not over is compared with the former one up to the same day.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from salesops.common.errors import NotFound, UsageError
from salesops.common.periods import FiscalCalendar, Period
from salesops.metrics.answer import Answer
from salesops.metrics.catalogue import asked
from salesops.metrics.defined.kept import stamp_of
from salesops.metrics.request import names
from salesops.metrics.session import calendar_of
from salesops.records import audit
from salesops.records.access import Actor
from salesops.spreadsheet import Table, book
from salesops.web.serving import sessions, workspace
from salesops.web.shell import shown
from salesops.web.shell.asking import Asking
from salesops.web.shell.question import Question

KINDS = ("scorecard", "metrics", "view")
COMPARED = ("", "previous", "year_ago", "target")
RELATIVE = re.compile(r"(this|last) (day|week|month|quarter|year)")
PERIODS = (
    "this week",
    "last week",
    "this month",
    "last month",
    "this quarter",
    "last quarter",
    "this year",
    "last year",
)
MULTIPLES = frozenset({"pipeline_coverage"})
MOST_ROWS = 500
"""Rows of a table on paper; the XLSX has all."""


@dataclass(frozen=True)
class Figure:
    """One figure as people read it: its name, value, the former value, the change."""

    name: str
    title: str
    value: shown.Shown
    former: shown.Shown | None = None
    delta: shown.Delta | None = None

    @property
    def line(self) -> str:
        """The figure in words: Bookings: €1.09M (+4.2% more; before: €1.05M)."""
        found = f"{self.title}: {self.value}"
        if self.delta is not None and self.former is not None:
            found += f" ({self.delta.text} {self.delta.word}; {_('before')}: {self.former})"
        elif self.former is not None:
            found += f" ({_('before')}: {self.former})"
        return found


@dataclass(frozen=True)
class Content:
    """A report, made. `digest` is of its figures alone, so that a day's passing changes nothing; `page` is HTML for paper."""

    title: str
    period: str
    as_of: date
    figures: tuple[Figure, ...]
    lines: tuple[str, ...]
    table: Table | None
    page: str
    digest: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    xlsx: bytes | None = None
    unusual: tuple[str, ...] = ()

    def book(self) -> bytes:
        """The report as XLSX; raises UsageError where it has none."""
        if self.xlsx is not None:
            return self.xlsx
        if self.table is None:
            raise UsageError("this page offers no XLSX", "Choose PDF")
        return book(self.table)


def check(question: Mapping[str, Any], session: Any = None) -> dict[str, Any]:
    """A report's question as it is stored; raises UsageError for one that cannot be asked."""
    kind = str(question.get("kind", "scorecard"))
    if kind not in KINDS:
        raise UsageError(f"there is no report of kind {kind!r}", f"Use {', '.join(KINDS)}")
    period = str(question.get("period") or "this quarter").strip()
    if kind == "view":
        page = str(question.get("page", ""))
        if not page.startswith("/") or page.startswith(("//", "/api/", "/static/")):
            raise UsageError(
                f"{page!r} is no page of this workspace", "Give its path, for example /records/opportunity"
            )
        return {"kind": kind, "page": page, "query": str(question.get("query", "")).lstrip("?")}
    period_of(period, FiscalCalendar(), date(2026, 1, 1))
    compare = str(question.get("compare") or "")
    if compare not in COMPARED:
        raise UsageError(f"there is no comparison {compare!r}", f"Use {', '.join(COMPARED[1:])}, or none")
    found: dict[str, Any] = {
        "kind": kind,
        "period": period,
        "compare": compare,
        "where": str(question.get("where") or ""),
    }
    if kind == "metrics":
        found |= {name: list(names(question.get(name) or ())) for name in ("metrics", "by")}
        if not found["metrics"]:
            raise UsageError("the report has no metric", "For example: bookings, win_rate")
    return found


def period_of(text: str, calendar: FiscalCalendar, today: date) -> Period:
    """The period that a text names: this or last day, week, month, quarter, year, or one such as 2026-Q3."""
    found = RELATIVE.fullmatch(text.lower())
    if found is None:
        return calendar.parse_period(text)
    period = calendar.period_of(today, found[2])  # type: ignore[arg-type]
    return period if found[1] == "this" else calendar.previous(period)


@contextmanager
def asking(actor: Actor, period: str = "this quarter", against: str = "", where: str = "") -> Iterator[Asking]:
    """The workspace's figures as an actor sees them, for a period."""
    with sessions.use() as session:
        calendar, today = calendar_of(session), session.manifest.today
        one = period_of(period, calendar, today)
        question = Question(
            scope=None, period=one, against=against or "none", as_of=today, as_known_on=None, currency="", today=today,
            calendar=calendar, given={},
        )  # fmt: skip
        yield Asking(session, actor, question, stamp_of(session))


def make(name: str, question: Mapping[str, Any], actor: Actor) -> Content:
    """Make a report of a name and question, as an actor sees it."""
    if question["kind"] == "view":
        return _view(name, question, actor)
    with asking(actor, question["period"], question["compare"]) as ask:
        if question["kind"] == "scorecard":
            return _scorecard(name, question, ask)
        return _metrics(name, question, ask)


# Metrics


def _metrics(name: str, question: Mapping[str, Any], ask: Asking) -> Content:
    metrics, by, where = question["metrics"], question["by"], question["where"] or None
    compare = question["compare"]
    given = {**ask.question.asked(), "by": by, "where": where}
    now = ask.metrics(",".join(metrics), **given, **({"compare": "target"} if compare == "target" else {}))
    then = None
    if compare in ("previous", "year_ago"):
        then = ask.metrics(",".join(metrics), **{**ask.question.asked(then=True), "by": by, "where": where})
    former = {} if then is None else {tuple(row[one] for one in by): row for row in then.to_pylist()}
    rows = [(row, former.get(tuple(row[one] for one in by), {})) for row in now.to_pylist()]
    figured = [[_figure(now, column.name, row, before, compare) for column in _measured(now)] for row, before in rows]
    table = _with_former(now, rows, then, compare)
    listed = [
        {"heads": [row[one] for one in by], "figures": figures} for (row, _), figures in zip(rows, figured, strict=True)
    ]
    figures = tuple(figured[0]) if figured and not by else ()
    lines = [f"{' · '.join(map(str, one['heads']))}: " + "; ".join(f.line for f in one["figures"]) for one in listed] if by else [
        one.line for one in figures
    ]  # fmt: skip
    facts = {
        "columns": list(by), "metrics": _measured(now), "rows": listed[:MOST_ROWS], "more": max(0, len(listed) - MOST_ROWS),
        "figures": figures, "definitions": [one.metric for one in now.asked], "notes": now.notes, "compare": compare,
    }  # fmt: skip
    return _content(name, question, ask, figures, lines, table, facts)


def _measured(answer: Answer) -> list[Any]:
    return [one for one in answer.columns if one.kind == "metric"]


def _figure(answer: Answer, name: str, row: Mapping[str, Any], before: Mapping[str, Any], compare: str) -> Figure:
    one = next(column for column in answer.asked if column.name == name)
    currency = row.get(f"{name}__currency") or answer.currency
    multiple = one.metric.id in MULTIPLES
    value, was = row[name], row.get(f"{name}__target") if compare == "target" else before.get(name)

    def seen(value: Any) -> shown.Shown:
        return shown.times(value) if multiple else shown.shown(value, one.unit, currency, place="tile")

    change = shown.delta(value, was, one.unit, one.metric.better, currency, multiple=multiple)
    title = one.metric.title if not one.variant.name else f"{one.metric.title}, {one.variant.title}"
    return Figure(name, title, seen(value), seen(was) if compare else None, change)


def _with_former(answer: Answer, rows: Sequence[Any], then: Answer | None, compare: str) -> Table:
    """The answer's table, the former values beside it."""
    from dataclasses import replace

    table = answer.table()
    if then is None:
        return table
    added = [(column.name, f"{column.name}__{compare}") for column in _measured(answer)]
    made = [
        {**shown_, **{new: before.get(old) for old, new in added}}
        for shown_, (_, before) in zip(table.rows, rows, strict=True)
    ]
    return replace(
        table, rows=made, columns=[*table.columns, *(new for _, new in added)],
        units={**table.units, **{new: table.units[old] for old, new in added if old in table.units}},
        about=[*table.about, ("compared with", f"{then.from_} to {then.to}, as of {then.as_of}")],
    )  # fmt: skip


# The scorecard


def _scorecard(name: str, question: Mapping[str, Any], ask: Asking) -> Content:
    """The tiles of Home with what changed and who made it; the XLSX has the same figures with their definitions."""
    from salesops.web.pages import home

    asked_ = {**question, "metrics": list(home.TILES), "by": [], "compare": question["compare"] or "previous"}
    with_against = Asking(ask.session, ask.actor, _against(ask.question, asked_["compare"]), ask.definitions)
    made = _metrics(name, asked_, with_against)
    page = Page("/", f"period={ask.question.period.key}&against={asked_['compare']}").html(ask.actor)
    return Content(
        made.title, made.period, made.as_of, made.figures, made.lines, made.table, page, made.digest, made.facts
    )


def _against(question: Question, against: str) -> Question:
    from dataclasses import replace

    return replace(question, against=against)


def _content(
    name: str,
    question: Mapping[str, Any],
    ask: Asking,
    figures: Sequence[Figure],
    lines: Sequence[str],
    table: Table,
    facts: Mapping[str, Any],
) -> Content:
    q = ask.question
    said = {
        **facts, "title": name, "company": workspace().config.name, "period": q.period, "as_of": q.as_of, "question": question,
        "reader": ask.actor.username, "against": q.then,
    }  # fmt: skip
    page = render_to_string("reports/paper.html", said)
    plain = {"metrics": list(table.columns), "rows": [list(row.values()) for row in table.rows], "period": q.period.key}
    told = [
        {"metric": one.name, "title": one.title, "value": str(one.value), "change": one.delta and one.delta.text} for one in figures
    ]  # fmt: skip
    return Content(
        name, q.period.label, q.as_of, tuple(figures), tuple(lines), table, page, audit.digest_of(plain),
        {"period": q.period.key, "as_of": q.as_of.isoformat(), "figures": told},
    )  # fmt: skip


# Pages


@dataclass(frozen=True)
class Page:
    """A page of the product, asked for as a reader would."""

    path: str
    query: str

    def answer(self, actor: Actor) -> Any:
        """The response of the page; NotFound where there is none, NotAllowed where it is not the actor's to open."""
        from io import BytesIO

        from django.contrib.sessions.backends.db import SessionStore
        from django.core.handlers.wsgi import WSGIRequest
        from django.http import Http404
        from django.urls import resolve

        request: Any = WSGIRequest(
            {
                "REQUEST_METHOD": "GET", "PATH_INFO": self.path, "QUERY_STRING": self.query, "SERVER_NAME": "localhost",
                "SERVER_PORT": "80", "wsgi.input": BytesIO(), "wsgi.url_scheme": "http",
            }
        )  # fmt: skip
        request.actor, request.session, request.user_name, request.must_set_up = (
            actor,
            SessionStore(),
            actor.username,
            False,
        )
        try:
            match = request.resolver_match = resolve(self.path)
        except Http404:
            raise NotFound(f"there is no page {self.path}", remedy="Save the view again and choose it") from None
        response = match.func(request, *match.args, **match.kwargs)
        if response.status_code != 200:
            raise NotFound(f"the page {self.path} cannot be shown to {actor.username} ({response.status_code})")
        return response

    def html(self, actor: Actor) -> str:
        """The page's HTML."""
        return str(self.answer(actor).content.decode())


def _view(name: str, question: Mapping[str, Any], actor: Actor) -> Content:
    view = Page(question["page"], question["query"])
    page = view.html(actor)
    main = re.search(r"<main.*?</main>", page, re.DOTALL)
    text = _text(main[0] if main else page)
    answer = re.search(r'<p class="answer">(.*?)</p>', page, re.DOTALL)
    with sessions.use() as session:
        today = session.manifest.today
    found = re.search(r'href="(/[^"]*\bxlsx\b[^"]*)"', page)
    return Content(
        name, "", today, (), (_text(answer[1]),) if answer else (), None, page, audit.digest_of(text), {"page": view.path},
        xlsx=_file(html.unescape(found[1]), actor) if found else None,
    )  # fmt: skip


def _file(address: str, actor: Actor) -> bytes | None:
    path, _, query = address.partition("?")
    response = Page(path, query).answer(actor)
    content = b"".join(response) if response.streaming else response.content
    return bytes(content)


def _text(markup: str) -> str:
    bare = re.sub(r"<(script|style|form|template)\b.*?</\1>|<[^>]+>", " ", markup, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def unusual(question: Mapping[str, Any], actor: Actor) -> tuple[str, ...]:
    """What `metrics.alerts` finds of the report's metrics in the latest finished month, in words."""
    from salesops.metrics.alerts import METRICS, alerts

    wanted = [name for name in question.get("metrics") or METRICS if asked(name).metric.additive is not None]
    with sessions.use() as session:
        found = alerts(session, actor, wanted, where=question.get("where") or None)
    return tuple(str(row["words"]) for row in found.to_pylist())
