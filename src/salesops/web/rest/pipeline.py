"""The pipeline: waterfall, the deals of a bar, explanation, stage movements, process variants."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.pipeline.explain import explain_waterfall
from salesops.pipeline.movements import process_variants, stage_flow, stage_matrix
from salesops.pipeline.queries import waterfall, waterfall_drill
from salesops.web.serving import sessions

from . import schemas as s
from .asked import LIMIT, MOST, listed, offset_page, pairs, place_of
from .auth import Token, actor_of
from .metrics import LONG, asked, given_answer, given_explanation

router = Router(tags=["pipeline"], auth=Token("metrics:read"))


class Window(s.Given):
    period: str = Query("", max_length=100, description="The period, such as 2026-Q1, in the place of from and to")
    from_: str = Query("", alias="from", max_length=100, description="First day, or a period such as 2026-Q1")
    to: str = Query("", max_length=100, description="Last day, or a period that ends on it")
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day")


class Waterfall(Window):
    scope: Literal["closing_in_period", "all_open"] = "closing_in_period"
    by: str = Query("", max_length=1000, description="Dimensions, separated by commas")
    where: str = Query("", max_length=LONG, description="A filter; deals that come to match it are reassigned in")
    currency: str = Query("", max_length=10)


@router.get("/pipeline/waterfall", response=s.AnswerOut, operation_id="show_waterfall", summary="Show the waterfall")
def show_waterfall(request: HttpRequest, q: Query[Waterfall]) -> HttpResponse:
    """What changed the pipeline between the evening before `from` and the evening of `to`."""
    question = asked(q)
    with sessions.use(question.pop("as_known_on", None)) as session:
        return given_answer(request, waterfall(session, actor_of(request), **question))


@router.get(
    "/pipeline/waterfall/explain", response=s.ExplanationOut, operation_id="explain_waterfall", summary="Explain it"
)
def explain_it(request: HttpRequest, q: Query[Waterfall]) -> HttpResponse:
    """How the waterfall is made, and that it balances."""
    question = asked(q)
    with sessions.use(question.pop("as_known_on", None)) as session:
        return given_explanation(request, explain_waterfall(session, actor_of(request), **question))


@router.get("/pipeline/waterfall/{bar}", response=s.DrillOut, operation_id="drill_waterfall", summary="Deals of a bar")
def drill_bar(
    request: HttpRequest,
    bar: str,
    q: Query[Waterfall],
    cell: list[str] = Query([], description="A slice, for example owner=Ben Okoye; repeat for several"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The deals of one bar, with what each adds."""
    question, place = asked(q), place_of(request, cursor)
    with sessions.use(question.pop("as_known_on", None)) as session:
        found = waterfall_drill(
            session, actor_of(request), bucket=bar, cell=pairs(cell) or None, offset=int(place.get("offset", 0)), limit=limit,
            **question,
        )  # fmt: skip
        generation = session.generation
        currency = question.get("currency", session.manifest.reporting_currency).upper()
    rows = [{**row, "id": str(row["id"]), "value": _money(row["value"])} for row in found["rows"]]
    beside = {"totals": {"value": _money(found["value"])}, "generation": generation, "currency": currency}
    return listed(request, offset_page(request, rows, found["total"], limit, place, generation, **beside))


def _money(units: int | None) -> Decimal | None:
    return None if units is None else Decimal(units).scaleb(-4)


@router.get("/pipeline/stages", response=s.AnswerOut, operation_id="show_stages", summary="Show stage movements")
def show_stages(
    request: HttpRequest,
    q: Query[Window],
    moves: bool = Query(False, description="Every move, not two evenings"),
    where: str = Query("", max_length=LONG, description="A filter on the deals as of the last evening"),
    calendar: str = Query(
        "", max_length=200, description="The business unit whose fiscal calendar counts, or workspace"
    ),
) -> HttpResponse:
    """From which stage to which: deals between two evenings, or every move between two days."""
    question = asked(q)
    known = question.pop("as_known_on", None)
    with sessions.use(known) as session:
        ask: Any = stage_flow if moves else stage_matrix
        return given_answer(
            request, ask(session, actor_of(request), where=where or None, calendar=calendar or None, **question)
        )


@router.get("/pipeline/variants", response=s.AnswerOut, operation_id="show_variants", summary="Show process variants")
def show_variants(
    request: HttpRequest,
    pipeline: str = Query("", max_length=300, description="Only this pipeline"),
    as_of: date | None = None,
    as_known_on: date | None = None,
    of: Literal["log", "stages"] = "log",
    where: str = Query("", max_length=LONG, description="With of=stages: a filter on deals"),
    most: int | None = Query(None, ge=1, le=1_000_000, description="Only the most frequent (default: all paths)"),
) -> HttpResponse:
    """Distinct paths of cases and how often each was taken: all of them, unless `most` says how many. Notes count them in all."""
    asking: dict[str, Any] = {
        "pipeline": pipeline or None,
        "as_of": as_of,
        "of": of,
        "where": where or None,
        "limit": most,
    }
    with sessions.use(as_known_on) as session:
        found = process_variants(session, actor_of(request), **asking)
        return given_answer(request, found)
