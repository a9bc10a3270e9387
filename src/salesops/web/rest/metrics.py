"""Metrics: the catalogue, questions (JSON or CSV), the records behind a number, explanations, the guide, the scorecard."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.common.errors import UsageError
from salesops.common.explain import Explanation
from salesops.metrics.answer import Answer
from salesops.metrics.catalogue import metric as find_metric
from salesops.metrics.catalogue import metrics as all_metrics
from salesops.metrics.defined.kept import defined, known
from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.guide import guide
from salesops.metrics.guide.answers import answers
from salesops.metrics.guide.definitions import head
from salesops.metrics.query import query
from salesops.metrics.scorecard import scorecard
from salesops.records import access
from salesops.spreadsheet import explanation_table
from salesops.web.serving import sessions, workspace

from . import schemas as s
from .asked import LIMIT, MOST, answer, file_answer, listed, offset_page, pairs, place_of, wants_file
from .auth import Token, actor_of

router = Router(tags=["metrics"])
READ = Token("metrics:read")
LONG = 10_000


class Question(s.Given):
    """What every question takes."""

    period: str = Query(
        "", max_length=100, description="day, week, month, quarter, year, or one period such as 2026-Q1"
    )
    from_: str = Query("", alias="from", max_length=100, description="First day (or a period), inclusive")
    to: str = Query("", max_length=100, description="Last day (or a period), inclusive")
    where: str = Query("", max_length=LONG, description="A filter, for example: region = 'West' and amount > 1000")
    as_of: str = Query("", max_length=100, description="As of the evening of this day, or period_end (default: today)")
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day")
    currency: str = Query("", max_length=10, description="Currency of amounts (default: the workspace's)")
    calendar: str = Query(
        "", max_length=200, description="The business unit whose fiscal calendar counts, or workspace"
    )


def asked(question: Any) -> dict[str, Any]:
    """A question as the rooms take it: what was not said is left out."""
    held = {name: getattr(question, name) for name in type(question).model_fields}
    return {name: value for name, value in held.items() if value not in ("", None)}


def body_of(found: Answer) -> dict[str, Any]:
    """An answer for JSON: ids as text, for they are larger than the numbers of many a reader."""
    body = found.to_dict()
    ids = [one.name for one in found.columns if one.kind == "id" or one.name == "id"]
    for row in body["rows"] if ids else ():
        row |= {name: None if row[name] is None else str(row[name]) for name in ids if name in row}
    return body


def given_answer(request: HttpRequest, found: Answer) -> HttpResponse:
    """An answer as JSON, or as CSV or XLSX where that is asked for (what stands beside the rows is in headers)."""
    if not wants_file(request):
        return answer(body_of(found))
    headers = {
        "X-As-Of": str(found.as_of), "X-Generation": found.generation, "X-Currency": found.currency,
        "X-Hidden": str(found.hidden),
    }  # fmt: skip
    return file_answer(request, found.table(), headers)


@router.get("/metrics", auth=READ, response=s.Metrics, operation_id="list_metrics", summary="List metrics")
def list_metrics(request: HttpRequest) -> HttpResponse:
    """Every metric with its variants and formulas: those of the catalogue, then those that people defined."""
    with sessions.use() as session:
        return answer({"items": [asdict(one) for one in known(session, actor_of(request)).values()]})


@router.get("/metrics/query", auth=READ, response=s.AnswerOut, operation_id="query_metrics", summary="Ask for numbers")
def query_metrics(
    request: HttpRequest,
    q: Query[Question],
    metrics: str = Query(description="Names, separated by commas", max_length=2000, example="win_rate,bookings"),
    by: str = Query("", description="Dimensions, separated by commas: owner, team, product ...", max_length=1000),
    compare: Literal["previous", "year_ago", "target", "goal", "plan", "quota", ""] = Query(
        "", description="What to set beside it"
    ),
    totals: bool = Query(False, description="The total over all dimension values, too"),
) -> HttpResponse:
    """Many metrics by dimensions and periods, as of and as known on any day. All rows, always."""
    question = asked(q)
    known_on = question.pop("as_known_on", None)
    more: dict[str, Any] = {"by": by, "compare": compare or None, "totals": totals}
    with sessions.use(known_on) as session:
        return given_answer(request, query(session, actor_of(request), metrics, **question, **more))


@router.get("/metrics/{name}", auth=READ, response=s.MetricOut, operation_id="show_metric", summary="Show a metric")
def show_metric(request: HttpRequest, name: str) -> HttpResponse:
    """The definition of one metric."""
    with sessions.use() as session:
        return answer(asdict(find_metric(name, known(session, actor_of(request)))))


@router.get(
    "/metrics/{name}/drill",
    auth=READ,
    response=s.DrillOut,
    operation_id="drill_metric",
    summary="Records behind a number",
)
def drill_metric(
    request: HttpRequest,
    name: str,
    q: Query[Question],
    cell: list[str] = Query([], description="A dimension's value, for example owner=Ben Okoye; repeat for several"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The records behind a metric in one cell, with what each adds; `totals` are the parts of the number."""
    question, place = asked(q), place_of(request, cursor)
    known_on = question.pop("as_known_on", None)
    with sessions.use(known_on) as session:
        found = drill(
            session, actor_of(request), name, cell=pairs(cell) or None, offset=int(place.get("offset", 0)), limit=limit,
            **question,
        )  # fmt: skip
    rows = [
        {
            key: _money(value) if key in found.money else str(value) if key == "id" else value
            for key, value in row.items()
        }
        for row in found.to_pylist()
    ]
    totals = {key: _money(value) if key in found.money else value for key, value in found.totals.items()}
    beside = {
        "totals": totals, "hidden": found.hidden, "as_of": found.as_of, "generation": found.generation,
        "currency": found.currency,
    }  # fmt: skip
    return listed(
        request, offset_page(request, rows, found.total, limit, place, found.generation, **beside), found.table()
    )


def _money(units: int | None) -> Decimal | None:
    return None if units is None else Decimal(units).scaleb(-4)


@router.get(
    "/metrics/{name}/explain",
    auth=READ,
    response=s.ExplanationOut,
    operation_id="explain_metric",
    summary="Explain a number",
)
def explain_metric(
    request: HttpRequest,
    name: str,
    q: Query[Question],
    cell: list[str] = Query([], description="A dimension's value, for example owner=Ben Okoye; repeat for several"),
) -> HttpResponse:
    """How a number came about: formula, inputs, rule, what was left out, how to see the records."""
    question = asked(q)
    known_on = question.pop("as_known_on", None)
    with sessions.use(known_on) as session:
        found = explain(session, actor_of(request), name, cell=pairs(cell) or None, **question)
    return given_explanation(request, found)


def given_explanation(request: HttpRequest, found: Explanation) -> HttpResponse:
    """An explanation as JSON, or its lines as CSV or XLSX."""
    return file_answer(request, explanation_table(found)) if wants_file(request) else answer(found.to_dict())


@router.get("/guide", auth=READ, response=s.GuideOut, operation_id="ask_guide", summary="Ask the KPI guide")
def ask_guide(
    request: HttpRequest,
    problem: str = Query("", max_length=200),
    metric: str = Query("", max_length=200),
    business_model: str | None = Query(None, max_length=100, description="Default: the workspace's setting"),
    period: str = Query("", max_length=100),
    where: str = Query("", max_length=LONG),
    segment: list[str] = Query([], description="Of the benchmarks, for example country=US; repeat for several"),
    ask: Literal["up", "down"] | None = Query(
        None, description="Answer the questions for when the metric went up, or down"
    ),
) -> HttpResponse:
    """What to watch for a problem, how to read a metric and what to ask when it moves, or the problems there are.

    With `ask`, the next questions are answered: `answers` has each with its answer (null where nothing measures it yet)."""
    actor = actor_of(request)
    access.require(actor, "read")
    model = workspace().config.business_model if business_model is None else business_model
    if ask:
        if not metric:
            raise UsageError("`ask` needs a metric", remedy="For example: metric=win_rate&ask=down")
        with sessions.use() as session:
            found = answers(session, actor, metric, ask, period=period, where=where, business_model=model)
        return answer({"business_model": model, **found.to_dict()})
    own = None
    if metric and head(metric) not in all_metrics():
        with sessions.use() as session:
            own = defined(session)
    told = guide(problem or None, metric or None, model, period, where, pairs(segment) or None, own)
    return answer(told.to_dict())


@router.get(
    "/scorecard", auth=READ, response=s.ScorecardOut, operation_id="show_scorecard", summary="Show the scorecard"
)
def show_scorecard(request: HttpRequest) -> HttpResponse:
    """The figures asked for first: this fiscal quarter beside the last one, and who made them."""
    with sessions.use() as session:
        card = scorecard(session, actor_of(request))
    if wants_file(request):
        return file_answer(request, card.table())
    body = {
        "as_of": card.as_of, "currency": card.currency, "rows": card.rows, "managers": card.managers,
        "quota_reached": sorted(card.reached), "hidden": card.hidden,
    }  # fmt: skip
    return answer(body)
