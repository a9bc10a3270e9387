"""The metric explorer: one metric over periods, by dimensions, against what was and what should be, and why it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import InvalidData, NotFound, SalesopsError, UsageError
from salesops.common.periods import Period
from salesops.metrics.answer import Answer
from salesops.metrics.catalogue import asked, metrics
from salesops.metrics.change import explain_change
from salesops.metrics.defined.kept import defined
from salesops.metrics.definitions import Asked
from salesops.metrics.dimensions import of_metric
from salesops.metrics.guide import benchmarks, guide, when_it_moves
from salesops.metrics.guide.definitions import Question as GuideQuestion
from salesops.metrics.guide.definitions import head
from salesops.metrics.request import any_days, first_day, since_of
from salesops.output import as_csv
from salesops.spreadsheet import book
from salesops.web.serving import workspace
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from .numbers import both

GRAINS = {
    "day": gettext_lazy("Day"), "week": gettext_lazy("Week"), "month": gettext_lazy("Month"), "quarter": gettext_lazy("Quarter"),
    "year": gettext_lazy("Year"),
}  # fmt: skip
COUNTS = {"day": 14, "week": 13, "month": 12, "quarter": 8, "year": 8}
"""How many periods of a grain are shown where nothing is said."""
SEVERAL = (8, 12, 13, 14, 16, 24)
PAGE = 100
BESIDE = 12
"""Rows of a table that stands under its chart."""
LINES = 6
"""How many groups a chart draws; the table has all."""
OWNERS = ("owner", "team", "business_unit")
"""Dimensions whose groups may have targets."""
TABLES = {
    "pipeline waterfall": ("pipeline-movement", gettext_lazy("Pipeline movement")), "pipeline stages": ("pipeline-funnel", gettext_lazy("Funnel")),
    "pipeline variants": ("pipeline-process", gettext_lazy("Process")),
}  # fmt: skip
"""Where a table of the guide or the catalogue has a page of its own."""
CHANGED_BY = ("region", "team", "source", "segment", "type", "owner", "stage", "product", "account")
"""By what a change is explained where nothing is said: the first of these that the metric has."""
CHANGED = 10
"""How many groups of a change are shown before all are asked for."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Look:
    """What an explorer's address asks: a metric by periods of a grain, by up to two dimensions, with a filter of its own."""

    one: Asked
    grain: str
    periods: tuple[Period, ...]
    by: tuple[str, ...]
    choices: tuple[str, ...]
    filter: str
    view: str
    until: date

    @property
    def name(self) -> str:
        return self.one.name

    def question(self, ask: Asking) -> dict[str, Any]:
        """The question of the whole series."""
        q = ask.question
        found = {
            "period": self.grain, "from_": self.periods[0].start, "to": self.until, "as_of": q.as_of,
            "where": both(q.where, self.filter),
        }  # fmt: skip
        return {**found, "currency": q.currency} if q.currency else found


@dataclass(frozen=True)
class Cell:
    """A figure of a table: its text, its value for sorting, and the address of where it comes from."""

    figure: shown.Shown
    value: Any = None
    why: str = ""


@page("metric/<str:name>", "metric", warm=True)
def metric(request: Request, name: str) -> HttpResponse:
    """The explorer of one metric."""
    with asking(request) as ask:
        try:
            one = asked(name, defined(ask.session))
        except InvalidData as broken:
            return render(request, "metrics/broken.html", {"name": name, "error": broken}, status=400)
        except UsageError as table:
            found = metrics()[head(name)]
            if found.table and (place := TABLES.get(found.table.partition(" --")[0])):
                return HttpResponseRedirect(reverse(place[0]) + ask.question.link())
            return render(request, "metrics/table.html", {"metric": found, "error": table})
        look, problem = _look(request, ask, one)
        now = ask.metrics(look.name, **_asked(ask, look))
        split_problem: SalesopsError | None = None
        try:
            shape = _shape(request, ask, look)
        except (UsageError, InvalidData) as error:
            if not look.by:
                raise
            split_problem, look = error, replace(look, by=())
            shape = _shape(request, ask, look)
        facts = {
            "metric": one.metric, "variant": one.variant, "name": look.name, "look": look, "problem": problem, "now": now,
            "unit": one.unit.replace("_", " "), "grains": GRAINS, "several": SEVERAL, "notes": now.notes,
            "choices": [(each, _dimension(each)) for each in look.choices], "filter_given": request.GET.get("where", ""),
            **_headline(ask, look, now), **shape, "split_problem": split_problem, "own": one.metric.id not in metrics(),
        }  # fmt: skip
        return render(request, "metrics/metric.html", facts)


@page("metric/<str:name>/beside", "metric-beside")
def metric_beside(request: Request, name: str) -> HttpResponse:
    """The part of the explorer that takes longer: why it changed, the other definitions, what to read with it and to ask."""
    with asking(request) as ask:
        look, _problem = _look(request, ask, asked(name, defined(ask.session)))
        facts = {
            "metric": look.one.metric, "name": look.name, "look": look, "variants": _variants(ask, look), **_guide(ask, look),
            "change": _change(request, ask, look),
        }  # fmt: skip
        return render(request, "metrics/metric_beside.html", facts)


@page("metric/<str:name>/answer.<str:form>", "metric-file", action="export")
def metric_file(request: Request, name: str, form: str) -> HttpResponse:
    """What the explorer shows as a file: CSV, or XLSX with the definitions on a sheet of their own."""
    if form not in ("csv", "xlsx"):
        raise NotFound(f"there is no form {form!r}", "Use csv or xlsx")
    with asking(request) as ask:
        look, problem = _look(request, ask, asked(name, defined(ask.session)))
        if problem is not None:
            raise problem
        against = ask.question.against
        more: dict[str, Any] = {"compare": against} if against in ("previous", "year_ago") else {}
        table = ask.metrics(look.name, by=look.by, **more, **look.question(ask)).table()
        content = book(table) if form == "xlsx" else as_csv(table.rows, table.columns).encode()
        kind = XLSX if form == "xlsx" else "text/csv; charset=utf-8"
        response = HttpResponse(content, content_type=kind)
        response["Content-Disposition"] = f'attachment; filename="{look.name}-{ask.question.period.key}.{form}"'
        return response


# What is asked ------------------------------------------------------------------------------------------------------------


def _look(request: Request, ask: Asking, one: Asked) -> tuple[Look, SalesopsError | None]:
    """What the address asks; a filter that cannot be read is left out, and told."""
    q, given = ask.question, request.GET
    grain = given.get("grain", "") or (q.period.grain if q.period.grain in GRAINS else "month")
    if grain not in GRAINS:
        raise UsageError(f"there is no grain {grain!r}", f"Use {', '.join(GRAINS)}")
    many = given.get("periods", "")
    count = min(max(int(many), 2), 60) if many.isdigit() else COUNTS[grain]
    until = q.period.end if any_days([one]) else min(q.period.end, max(q.as_of, q.period.start))
    choices = tuple(of_metric(ask.session, one))
    named = [given.get("by", ""), given.get("and", "")]
    by = tuple(dict.fromkeys(each for each in (*named[0].split(","), named[1]) if each))[:2]
    look = Look(one, grain, _periods(ask, one, grain, until, count), by, choices, given.get("where", "").strip(),
                "table" if given.get("view") == "table" else "chart", until)  # fmt: skip
    if not look.filter:
        return look, None
    try:
        ask.metrics(look.name, **_asked(ask, look))
    except (UsageError, InvalidData) as problem:
        return replace(look, filter=""), problem
    return look, None


def _periods(ask: Asking, one: Asked, grain: Any, until: date, count: int) -> tuple[Period, ...]:
    """So many periods, the latest that of a day, none before the first record."""
    calendar, first = ask.question.calendar, first_day(ask.session, since_of([one]))
    found = [calendar.period_of(until, grain)]
    while len(found) < count and found[0].start.year > 2:
        before = calendar.previous(found[0])
        if first is not None and before.end < first:
            break
        found.insert(0, before)
    return tuple(found)


def _asked(ask: Asking, look: Look, *, then: bool = False) -> dict[str, Any]:
    given = ask.question.asked(then=then)
    return {**given, "where": both(ask.question.where, look.filter)}


def _dimension(name: str) -> str:
    return _("rep") if name == "owner" else name.replace("_", " ").replace(".", ": ")


def _address(
    ask: Asking, route: str, look: Look, period: str, cells: Mapping[str, str] | None = None, **changes: Any
) -> str:
    """Where a figure comes from, or its records: of one period and cell, under the page's filter."""
    more = [("cell", f"{name}={value}") for name, value in (cells or {}).items()]
    more += [("where", look.filter)] if look.filter else []
    link = ask.question.link(period=period, **changes)
    return reverse(route, args=[look.name]) + link + (("&" if link else "?") + urlencode(more) if more else "")


# What is answered ---------------------------------------------------------------------------------------------------------


def _headline(ask: Asking, look: Look, now: Answer) -> dict[str, Any]:
    """The value of the period, what it is set beside, and the sentence of both."""
    q, one = ask.question, look.one
    row = now.to_pylist()[0]
    value = row[look.name]
    former = ask.metrics(look.name, **_asked(ask, look, then=True)).to_pylist()[0][look.name] if q.then else None
    goal = _targets(ask, look, {"period": q.period.key, "as_of": q.as_of}).get(q.period.key)
    counts = [
        row[key] for key in row if key.startswith(f"{look.name}__") and key.endswith("__n") and row[key] is not None
    ]
    only = [
        row[f"{look.name}__{part}"]
        for part, made in one.variant.parts.items()
        if made.measure == "1" and made.how == "sum"
    ]
    facts = {
        "value": _figure(value, look, now.currency, "tile"), "why": _address(ask, "why", look, q.period.key),
        "records": _address(ask, "number-records", look, q.period.key), "count": max([*counts, *filter(None, only)], default=0),
        "former_why": _address(ask, "why", look, q.then.key, as_of=q.then_as_of) if q.then else "",
        "delta": shown.delta(value, former, one.unit, one.metric.better, now.currency),
        "former": _figure(former, look, now.currency, "tile") if q.then else None,
        "target": _goal(look, value, goal, now.currency),
    }  # fmt: skip
    return {"headline": facts, "answer": _sentences(ask, look, now, facts)}


def _sentences(ask: Asking, look: Look, now: Answer, facts: Mapping[str, Any]) -> list[str]:
    """The answer line: outcome, what it was, what it should be."""
    q = ask.question
    words = {"title": look.one.metric.title, "value": facts["value"], "period": q.period.key}
    if facts["value"].none:
        reason = now.empty.get(look.name, look.one.metric.empty_rule)
        found = [_("%(title)s has no value in %(period)s: %(reason)s.") % {**words, "reason": reason}]
    elif q.as_of < q.period.end:
        found = [_("%(title)s is %(value)s so far in %(period)s.") % words]
    else:
        found = [_("%(title)s was %(value)s in %(period)s.") % words]
    if q.then and facts["former"] and not facts["former"].none and facts["delta"]:
        told = {
            "former": facts["former"],
            "then": q.then.key,
            "change": f"{facts['delta'].text}\u00a0{facts['delta'].word}",
        }
        if facts["delta"].direction == "flat":
            found.append(_("It was the same in %(then)s.") % told)
        elif q.as_of < q.period.end:
            found.append(_("On the same day of %(then)s it was %(former)s: %(change)s now.") % told)
        else:
            found.append(_("In %(then)s it was %(former)s: %(change)s.") % told)
    if goal := facts["target"]:
        told = {"target": goal["figure"], "gap": goal["gap"]}
        if goal["met"] is None:
            found.append(_("The target is %(target)s.") % told)
        elif goal["met"]:
            found.append(_("The target of %(target)s is met.") % told)
        else:
            found.append(_("The target is %(target)s: %(gap)s away.") % told)
    return found


def _figure(value: Any, look: Look, currency: str, place: str = "table") -> shown.Shown:
    if look.one.metric.id == "pipeline_coverage":
        return shown.times(value)
    return shown.shown(value, look.one.unit, currency, place=place)


def _goal(look: Look, value: Any, goal: Any, currency: str) -> dict[str, Any] | None:
    """A target, how far the value is from it, and whether it is met (None: unknown, or neither way is better)."""
    if goal is None:
        return None
    better, met = look.one.metric.better, None
    if value is not None and better != "none":
        met = value >= goal if better == "up" else value <= goal
    gap = None if value is None else abs(Decimal(str(value)) - Decimal(str(goal)))
    away = _("%(n)s pp") % {"n": shown.number(gap * 100, 1)} if gap is not None and look.one.unit == "ratio" else ""
    return {
        "figure": _figure(goal, look, currency, "tile"), "value": goal, "met": met,
        "gap": away or str(_figure(gap, look, currency, "tile")),
    }  # fmt: skip


def _targets(ask: Asking, look: Look, asked_: Mapping[str, Any]) -> dict[str, Any]:
    """The targets by period of whom the scope bar names; none under a filter, and none of scopes that have no targets."""
    q = ask.question
    kind, name = q.scope or ("", "")
    if look.filter or (kind and kind not in OWNERS):
        return {}
    given = {**asked_, "currency": q.currency} if q.currency else dict(asked_)
    try:
        found = ask.metrics(look.name, by=(kind,) if kind else (), compare="target", **given).to_pylist()
    except UsageError:  # a metric whose targets are another's
        return {}
    rows = [row for row in found if not kind or row[kind] == name]
    return {row["period"]: row[f"{look.name}__target"] for row in rows if row[f"{look.name}__target"] is not None}


def _shape(request: Request, ask: Asking, look: Look) -> dict[str, Any]:
    """Chart and table: the periods as rows, or groups as rows and periods as columns."""
    against = ask.question.against
    compare = against if against in ("previous", "year_ago") else None
    whole = ask.metrics(look.name, **({"compare": compare} if compare else {}), **look.question(ask))
    wanted = look.question(ask)
    goals = _targets(ask, look, {name: wanted[name] for name in ("period", "from_", "to", "as_of")})
    if not look.by:
        return {"chart": _line(ask, look, whole, compare, goals), "rows": _rows(ask, look, whole, compare, goals), "pivot": None,
                "compare": compare, "goals": bool(goals)}  # fmt: skip
    split = ask.metrics(look.name, by=look.by, **look.question(ask))
    groups = _groups(look, split)
    return {"chart": _lines(ask, look, groups, split), "rows": (), "pivot": _pivot(request, ask, look, groups, split, whole),
            "compare": compare, "goals": bool(goals)}  # fmt: skip


def _rows(
    ask: Asking, look: Look, whole: Answer, compare: str | None, goals: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """A row a period, the latest first."""
    found = []
    for row in reversed(whole.to_pylist()):
        value, former = row[look.name], row.get(f"{look.name}__{compare}")
        open_ = row["to"] is not None and row["to"] > ask.question.as_of
        found.append({
            "period": row["period"], "from": row["from"], "open": open_,
            "cell": Cell(_figure(value, look, whole.currency), value, _address(ask, "why", look, row["period"])),
            "former": _figure(former, look, whole.currency) if compare else None,
            "delta": shown.delta(value, former, look.one.unit, look.one.metric.better, whole.currency) if compare and not open_ else None,
            "target": _goal(look, value, goals.get(row["period"]), whole.currency),
            "records": _address(ask, "number-records", look, row["period"]),
        })  # fmt: skip
    return found


def _line(ask: Asking, look: Look, whole: Answer, compare: str | None, goals: Mapping[str, Any]) -> dict[str, Any]:
    rows = whole.to_pylist()
    series = [_series(ask, look, look.one.metric.title, rows, look.name, whole.currency, role="own")]
    if compare == "year_ago":
        series.append(
            _series(
                ask, look, _("a year ago"), rows, f"{look.name}__year_ago", whole.currency, role="compare", links=False
            )
        )
    if goals:
        aimed = [{**row, "goal": goals.get(row["period"])} for row in rows]
        series.append(_series(ask, look, _("target"), aimed, "goal", whole.currency, role="target", links=False))
    return _chart(look, [row["period"] for row in rows], series)


def _series(
    ask: Asking, look: Look, name: str, rows: Sequence[Mapping[str, Any]], column: str, currency: str, *, role: str = "",
    links: bool = True, cells: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    found: dict[str, Any] = {
        "name": name, "values": [None if row[column] is None else float(row[column]) for row in rows],
        "shown": [str(_figure(row[column], look, currency)) for row in rows],
    }  # fmt: skip
    if links:
        found["links"] = [_address(ask, "number-records", look, row["period"], cells) for row in rows]
    return {**found, "role": role} if role else found


def _chart(look: Look, categories: list[str], series: list[dict[str, Any]]) -> dict[str, Any]:
    told = "; ".join(f"{one['name']}: {', '.join(one['shown'])}" for one in series[:LINES])
    summary = _("%(title)s by %(grain)s, %(first)s to %(last)s") % {
        "title": look.one.metric.title, "grain": str(GRAINS[look.grain]).lower(), "first": categories[0], "last": categories[-1],
    }  # fmt: skip
    adds = look.one.metric.additive == "additive" and len(series) == 1
    return {"kind": "bar" if adds else "line", "categories": categories, "series": series,
            "unit": "%" if look.one.unit == "ratio" and look.one.metric.id != "pipeline_coverage" else "", "summary": f"{summary}. {told}"}  # fmt: skip


Groups = dict[tuple[str, ...], dict[str, Any]]


def _groups(look: Look, split: Answer) -> Groups:
    """By group: its value in each period, and its label cells."""
    found: Groups = {}
    for row in split.to_pylist():
        key = tuple(str(row[f"{name}_id"] if row.get(f"{name}_id") is not None else row[name]) for name in look.by)
        group = found.setdefault(
            key,
            {"labels": [row[name] for name in look.by], "cells": dict(zip(look.by, key, strict=True)), "values": {}},
        )
        group["values"][row["period"]] = row[look.name]
    return found


def _order(group: Mapping[str, Any], key: str) -> tuple[bool, float]:
    value = group["values"].get(key)
    return value is None, 0.0 if value is None else -abs(float(value))


def _lines(ask: Asking, look: Look, groups: Groups, split: Answer) -> dict[str, Any]:
    """A line for each of the largest groups of the latest period."""
    last = look.periods[-1].key
    largest = sorted(groups.values(), key=lambda group: _order(group, last))[:LINES]
    series = []
    for group in largest:
        rows = [{"period": one.key, "v": group["values"].get(one.key)} for one in look.periods]
        series.append(_series(ask, look, ", ".join(group["labels"]), rows, "v", split.currency, cells=group["cells"]))
    return _chart(look, [one.key for one in look.periods], series)


def _pivot(request: Request, ask: Asking, look: Look, groups: Groups, split: Answer, whole: Answer) -> dict[str, Any]:
    """Groups as rows, periods as columns, the change in the latest; sorted and paged."""
    keys = [one.key for one in look.periods]
    sort = request.GET.get("sort") or f"-{keys[-1]}"
    column, down = sort.removeprefix("-"), sort.startswith("-")
    if column in keys:
        rows = sorted(
            groups.values(),
            key=lambda g: ((v := g["values"].get(column)) is None, 0 if v is None else -v if down else v),
        )
    else:
        rows = sorted(groups.values(), key=lambda g: [label.casefold() for label in g["labels"]], reverse=down)
    text = request.GET.get("offset", "")
    start = int(text) if text.isdigit() and int(text) < len(rows) else 0
    page_ = PAGE if look.view == "table" else BESIDE
    goals = _group_targets(ask, look)
    former = keys[-2] if len(keys) > 1 else ""
    closed = look.periods[-1].end <= ask.question.as_of
    totals = {row["period"]: row[look.name] for row in whole.to_pylist()}

    def line(group: Mapping[str, Any]) -> dict[str, Any]:
        values = group["values"]
        cells = [
            Cell(
                _figure(values.get(key), look, split.currency),
                values.get(key),
                _address(ask, "why", look, key, group["cells"]),
            )
            for key in keys
        ]
        change = (
            shown.delta(values.get(keys[-1]), values.get(former), look.one.unit, look.one.metric.better, split.currency)
            if closed
            else None
        )
        goal = goals.get(group["cells"][look.by[0]]) if len(look.by) == 1 else None
        return {"labels": group["labels"], "cells": cells, "delta": change, "target": _goal(look, values.get(keys[-1]), goal, split.currency),
                "records": _address(ask, "number-records", look, keys[-1], group["cells"])}  # fmt: skip

    return {
        "dimensions": [_dimension(name) for name in look.by], "rows": [line(group) for group in rows[start : start + page_]],
        "columns": [(key, key if not down and key == column else f"-{key}", "" if key != column else "descending" if down else "ascending")
                    if key != column or not down else (key, key, "descending") for key in keys],
        "name_sort": ("name", "-name" if sort == "name" else "name", "ascending" if sort == "name" else "descending" if sort == "-name" else ""),
        "totals": [Cell(_figure(totals.get(key), look, whole.currency), totals.get(key), _address(ask, "why", look, key)) for key in keys],
        "first": min(start + 1, len(rows)), "last": min(start + page_, len(rows)), "total": len(rows), "has_targets": bool(goals),
        "next": start + page_ if start + page_ < len(rows) else None, "before": max(start - page_, 0) if start else None,
        "drawn": min(LINES, len(rows)), "closed": closed and bool(former), "former": former,
    }  # fmt: skip


def _group_targets(ask: Asking, look: Look) -> dict[str, Any]:
    """The targets of the latest period by group (id), where the groups are such as have targets."""
    if look.by not in {(name,) for name in OWNERS} or look.filter or ask.question.scope:
        return {}
    q, name = ask.question, look.by[0]
    given = {"currency": q.currency} if q.currency else {}
    try:
        found = ask.metrics(
            look.name, by=look.by, compare="target", period=look.periods[-1].key, as_of=q.as_of, **given
        )
    except UsageError:
        return {}
    rows = found.to_pylist()
    return {
        str(row[f"{name}_id"]): row[f"{look.name}__target"] for row in rows if row[f"{look.name}__target"] is not None
    }


# What stands beside -------------------------------------------------------------------------------------------------------


def _variants(ask: Asking, look: Look) -> list[dict[str, Any]]:
    """The number under every definition of the metric, this one included; a definition that cannot answer here says why."""
    found = []
    for variant in look.one.metric.variants:
        one = Asked(look.one.metric, variant)
        told: dict[str, Any] = {"name": one.name, "title": variant.title, "formula": variant.formula, "rule": variant.rule,
                                "current": one.name == look.name, "version": one.version, "why": "", "reason": ""}  # fmt: skip
        try:
            answer = ask.metrics(one.name, **_asked(ask, look))
            value = answer.to_pylist()[0][one.name]
            told |= {
                "figure": _figure(value, replace(look, one=one), answer.currency),
                "reason": answer.empty.get(one.name, ""),
            }
            told["why"] = _address(ask, "why", replace(look, one=one), ask.question.period.key)
        except SalesopsError as problem:
            told |= {"figure": shown.shown(None, "count"), "reason": str(problem)}
        found.append(told)
    return found


def _guide(ask: Asking, look: Look) -> dict[str, Any]:
    """How to read the metric: what to read with it (with values), what to ask when it moves, what others report."""
    metric_, model = look.one.metric, _model()
    named = dict.fromkeys(metric_.reads_with, "")
    reading: Mapping[str, Any] = {}
    questions: list[dict[str, Any]] = []
    figures: tuple[Any, ...] = ()
    try:
        told = guide(metric=metric_.id, business_model=model)
        reading = (told.section("reading") or ({},))[0]
        named |= {row["metric"]: row["why"] for row in told.section("with")}
        for direction in ("up", "down"):
            asked_ = when_it_moves(metric_.id, direction, ask.question.period.key, "", model)
            questions += [_question(ask, one, direction) for one in asked_]
        figures = benchmarks(look.name)
    except NotFound:
        pass  # one of the users' own: the guide does not know it
    either = [one["ask"] for one in questions]
    merged: dict[str, dict[str, Any]] = {}
    for one in questions:
        merged.setdefault(one["ask"], one if either.count(one["ask"]) == 1 else {**one, "when": ""})
    return {"reading": reading, "reads_with": [beside(ask, name, why) for name, why in named.items()],
            "questions": list(merged.values()), "benchmarks": figures}  # fmt: skip


def _model() -> str | None:
    return getattr(workspace().config, "business_model", "") or None


def _question(ask: Asking, one: GuideQuestion, direction: str) -> dict[str, Any]:
    """A question of the guide and the explorers that answer it; of a table of its own, the command."""
    given = {"by": ",".join(one.by), "where": one.where, "against": one.compare}
    link = ask.question.link(**{name: value for name, value in given.items() if value})
    answers = [(_title(name), reverse("metric", args=[name]) + link) for name in one.metrics if name not in one.missing]
    place = TABLES.get(one.table)
    if place:
        answers.append((str(place[1]), reverse(place[0]) + ask.question.link()))
    return {
        "ask": one.ask,
        "when": direction,
        "metrics": answers,
        "command": one.command if one.table and not place else "",
    }


def _title(name: str) -> str:
    one = metrics().get(head(name))
    if one is None:
        return name
    variant = one.variant(name.partition(".")[2])
    return f"{one.title}, {variant.title}" if variant is not None and "." in name else one.title


def beside(ask: Asking, name: str, why: str = "") -> dict[str, Any]:
    """Another metric with its value in the period: not measured yet, and a table, are told in words."""
    told: dict[str, Any] = {
        "name": name,
        "title": _title(name),
        "why_told": why,
        "figure": None,
        "why": "",
        "state": "",
        "delta": None,
    }
    try:
        one = asked(name, defined(ask.session))
    except NotFound:
        return {**told, "state": "missing"}
    except SalesopsError:
        return {**told, "state": "table"}
    try:
        found = ask.metrics(name, **ask.question.asked())
        value = found.to_pylist()[0][one.name]
        figure = (
            shown.times(value) if one.metric.id == "pipeline_coverage" else shown.shown(value, one.unit, found.currency)
        )
        if ask.question.then:
            former = ask.metrics(name, **ask.question.asked(then=True)).to_pylist()[0][one.name]
            told["delta"] = shown.delta(value, former, one.unit, one.metric.better, found.currency)
        told |= {
            "figure": figure,
            "why": reverse("why", args=[one.name]) + ask.question.link(),
            "reason": found.empty.get(one.name, ""),
        }
    except SalesopsError as problem:
        told |= {"state": "unanswered", "reason": str(problem)}
    return told


def _change(request: Request, ask: Asking, look: Look) -> dict[str, Any] | None:
    """What made the metric change: by mix, rate and volume along a dimension; None where nothing is compared."""
    q = ask.question
    if q.then is None:
        return None
    then_as_of = q.then_as_of
    assert then_as_of is not None
    fits = [name for name in CHANGED_BY if name in look.choices]
    by = request.GET.get("change_by", "")
    if by not in look.choices:
        by = look.by[0] if look.by else next(iter(fits), "")
    partly = q.as_of < q.period.end
    spans = (
        (f"{q.then.start}..{then_as_of}", f"{q.period.start}..{max(q.as_of, q.period.start)}")
        if partly
        else (q.then.key, q.period.key)
    )
    velocity = look.one.metric.id == "sales_velocity" and not look.by
    facts: dict[str, Any] = {
        "by": by,
        "partly": partly,
        "then": q.then.key,
        "now": q.period.key,
        "choices": [(one, _dimension(one)) for one in look.choices],
    }
    try:
        found = ask.of(
            explain_change, look.name, by="" if velocity else by, from_=spans[0], to=spans[1], where=both(q.where, look.filter),
            as_of=q.as_of, **({"currency": q.currency} if q.currency else {}),
        )  # fmt: skip
    except SalesopsError as problem:
        return {**facts, "problem": problem}
    names = [one for one in found.columns if one.kind == "metric"]
    head_ = next((one for one in found.columns if one.kind == "dimension"), None)
    rows = [_changed(row, names, head_.name if head_ else "", look, found) for row in found.to_pylist()]
    most = len(rows) if request.GET.get("change") == "all" else CHANGED
    return {
        **facts, "columns": [one.title for one in names], "rows": rows[:-1][:most], "whole": rows[-1] if rows else None,
        "total": max(len(rows) - 1, 0), "first": _("driver") if velocity else _dimension(by), "notes": found.notes,
        "empty": "; ".join(found.empty.values()),
    }  # fmt: skip


def _changed(row: Mapping[str, Any], names: Sequence[Any], head_: str, look: Look, found: Answer) -> dict[str, Any]:
    cells = []
    for column in names:
        value = row[column.name]
        if column.name in ("before", "after") and column.unit != "figure":
            cells.append(str(_figure(value, look, found.currency)))
        elif column.unit == "figure":
            cells.append(_("n/a") if value is None else shown.number(value, 2))
        elif column.unit == "ratio":
            cells.append(_("n/a") if value is None else f"{shown.signed(Decimal(str(value)) * 100, 2)} {_('pp')}")
        elif column.unit == "count":
            cells.append(_("n/a") if value is None else shown.signed(value, 0))
        else:
            cells.append(_("n/a") if value is None else shown.signed_value(value, column.unit, found.currency))
    label = row.get(head_, "") if head_ else ""
    return {"label": _("All") if label == "(all)" else label, "cells": cells}
