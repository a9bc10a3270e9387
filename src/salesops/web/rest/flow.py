"""How deals flow: funnel, conversion by stage, curves, velocity, transitions, rework, changes, what needs attention, what followed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.metrics.answer import Answer
from salesops.metrics.change import explain_change
from salesops.pipeline.attention import slipping, stale
from salesops.pipeline.changes import changes
from salesops.pipeline.compare import before_after
from salesops.pipeline.conversion import stage_deals, stage_report
from salesops.pipeline.curves import curve_deals, cycle_curves
from salesops.pipeline.deals import open_deals
from salesops.pipeline.funnel import funnel, funnel_records
from salesops.pipeline.process import rework, transition_cases, transitions
from salesops.pipeline.velocity import velocity, velocity_change
from salesops.web.serving import sessions

from . import schemas as s
from .asked import LIMIT, MOST, answer, listed, offset_page, pairs, place_of
from .auth import Token, actor_of
from .metrics import LONG, asked, body_of, given_answer

router = Router(tags=["pipeline"], auth=Token("metrics:read"))
Steps = Literal["log", "stages"]
Cells = Query([], description="A dimension's value, for example owner=Ben Okoye; repeat for several")


class Known(s.Given):
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day")


class Since(Known):
    """A question about the deals of a span of days."""

    from_: str = Query("", alias="from", max_length=100, description="First day (or a period), inclusive")
    to: str = Query("", max_length=100, description="Last day (or a period), inclusive")
    where: str = Query("", max_length=LONG, description="A filter, for example: region = 'West' and amount > 1000")
    as_of: str = Query("", max_length=100, description="As of the evening of this day (default: today)")
    currency: str = Query("", max_length=10)
    calendar: str = Query(
        "", max_length=200, description="The business unit whose fiscal calendar counts, or workspace"
    )


class Cohort(Since):
    """One about the deals of one period."""

    period: str = Query("", max_length=100, description="The period, such as 2025-Q2, in the place of from and to")


class Split(Cohort):
    by: str = Query("", max_length=1000, description="Dimensions, separated by commas")


class Paced(Split):
    period: str = Query("", max_length=100, description="day, week, month, quarter, year, or one period")


class Process(Known):
    of: Steps = Query("log", description="Of process logs, or of deals' stages")
    pipeline: str = Query("", max_length=300, description="Only this pipeline")
    where: str = Query("", max_length=LONG, description="With of=stages: a filter, for example: region = 'West'")
    as_of: date | None = Query(None, description="As of the evening of this day (default: today)")


class Care(Known):
    where: str = Query("", max_length=LONG)
    as_of: str = Query("", max_length=100)
    currency: str = Query("", max_length=10)


class Change(Known):
    from_: str = Query(
        alias="from", min_length=1, max_length=100, description="The earlier period, for example 2025-Q1"
    )
    to: str = Query(min_length=1, max_length=100, description="The later period, for example 2025-Q2")
    by: str = Query("", max_length=1000)
    where: str = Query("", max_length=LONG)
    as_of: str = Query("", max_length=100)
    currency: str = Query("", max_length=10)
    calendar: str = Query("", max_length=200)


def _ask(request: HttpRequest, ask: Callable[..., Answer], *first: Any, **question: Any) -> HttpResponse:
    """The answer of a query over a session of the asked day of knowing."""
    with sessions.use(question.pop("as_known_on", None)) as session:
        return given_answer(request, ask(session, actor_of(request), *first, **question))


def _list(
    request: HttpRequest, ask: Callable[..., Answer], limit: int, cursor: str, *first: Any, **question: Any
) -> HttpResponse:
    """A page of records behind a number."""
    place = place_of(request, cursor)
    start = int(place.get("offset", 0))
    with sessions.use(question.pop("as_known_on", None)) as session:
        found = ask(session, actor_of(request), *first, offset=start, limit=limit, **question)
    body = body_of(found)
    items, total = body.pop("rows"), body.pop("total")
    return listed(request, offset_page(request, items, total, limit, place, found.generation, **body), found.table())


@router.get(
    "/metrics/{name}/change", response=s.AnswerOut, operation_id="explain_change", summary="Why a metric changed"
)
def show_change(request: HttpRequest, name: str, q: Query[Change]) -> HttpResponse:
    """What mix, rate and volume of each group added to the change of a metric from one period to another."""
    return _ask(request, explain_change, name, **asked(q))


@router.get("/pipeline/funnel", response=s.AnswerOut, operation_id="show_funnel", summary="Show the funnel")
def show_funnel(
    request: HttpRequest,
    q: Query[Split],
    kind: Literal["active", "cohort", "snapshot"] = "cohort",
    pipeline: str = Query("", max_length=300),
) -> HttpResponse:
    """From lead to win: count and value of every step, against the one before and against the first."""
    return _ask(request, funnel, kind=kind, pipeline=pipeline or None, **asked(q))


@router.get(
    "/pipeline/funnel/records", response=s.Listed, operation_id="list_funnel_records", summary="Records of a step"
)
def list_funnel(
    request: HttpRequest,
    q: Query[Cohort],
    step: str = Query(max_length=300, description="As the funnel names it", example="Won"),
    kind: Literal["active", "cohort", "snapshot"] = "cohort",
    pipeline: str = Query("", max_length=300),
    cell: list[str] = Cells,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The leads or deals of one step of a funnel."""
    more = {"kind": kind, "pipeline": pipeline or None, "cell": pairs(cell) or None}
    return _list(request, funnel_records, limit, cursor, step, **more, **asked(q))


@router.get(
    "/pipeline/conversion", response=s.AnswerOut, operation_id="show_conversion", summary="Show conversion by stage"
)
def show_conversion(request: HttpRequest, q: Query[Split], pipeline: str = Query("", max_length=300)) -> HttpResponse:
    """Stage by stage: entered, moved on, days, what was lost, what is still there, how old the cohort is."""
    return _ask(request, stage_report, pipeline=pipeline or None, **asked(q))


@router.get(
    "/pipeline/conversion/records", response=s.Listed, operation_id="list_stage_deals", summary="Deals of a stage"
)
def list_stage_deals(
    request: HttpRequest,
    q: Query[Cohort],
    stage: str = Query(max_length=300, example="Proposal"),
    of: Literal["entered", "moved_on", "lost", "here"] = "entered",
    pipeline: str = Query("", max_length=300),
    cell: list[str] = Cells,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The deals behind a number of the conversion by stage."""
    more = {"of": of, "pipeline": pipeline or None, "cell": pairs(cell) or None}
    return _list(request, stage_deals, limit, cursor, stage, **more, **asked(q))


@router.get("/pipeline/curves", response=s.AnswerOut, operation_id="show_curves", summary="Show cycle curves")
def show_curves(
    request: HttpRequest,
    q: Query[Split],
    start: Literal["first_contact", "creation", "qualified"] = "first_contact",
    at: list[int] = Query([], description="Days to show (default: every day on which a deal ended)"),
    confidence: float = Query(0.95, gt=0.5, lt=1),
) -> HttpResponse:
    """Shares won, lost and open by day since the start; open deals are censored, never left out."""
    return _ask(request, cycle_curves, start=start, at=tuple(at), confidence=confidence, **asked(q))


@router.get("/pipeline/curves/records", response=s.Listed, operation_id="list_curve_deals", summary="Deals of a curve")
def list_curve_deals(
    request: HttpRequest,
    q: Query[Cohort],
    start: Literal["first_contact", "creation", "qualified"] = "first_contact",
    cell: list[str] = Cells,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """How long each deal took or has taken, the longest first."""
    return _list(request, curve_deals, limit, cursor, start=start, cell=pairs(cell) or None, **asked(q))


@router.get("/pipeline/velocity", response=s.AnswerOut, operation_id="show_velocity", summary="Show velocity")
def show_velocity(
    request: HttpRequest,
    q: Query[Paced],
    variant: Literal["", "closed"] = "",
) -> HttpResponse:
    """Velocity a day with its drivers: deals, average value, win rate, cycle."""
    return _ask(request, velocity, variant=variant, **asked(q))


@router.get(
    "/pipeline/velocity/change", response=s.AnswerOut, operation_id="explain_velocity", summary="Why velocity changed"
)
def show_velocity_change(request: HttpRequest, q: Query[Change], variant: Literal["", "closed"] = "") -> HttpResponse:
    """What each driver added to the change of velocity from one period to another."""
    question = asked(q)
    return _ask(request, velocity_change, question.pop("from_"), question.pop("to"), variant=variant, **question)


@router.get(
    "/pipeline/transitions", response=s.AnswerOut, operation_id="show_transitions", summary="Show where cases wait"
)
def show_transitions(request: HttpRequest, q: Query[Process]) -> HttpResponse:
    """From step to step: moves, cases, waiting in all; the bottlenecks first."""
    return _ask(request, transitions, **asked(q))


@router.get(
    "/pipeline/transitions/records", response=s.Listed, operation_id="list_transition_cases", summary="Cases that wait"
)
def list_transition_cases(
    request: HttpRequest,
    q: Query[Process],
    from_step: str = Query(max_length=1000),
    to_step: str = Query(max_length=1000),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The cases of one transition, the longest wait first."""
    return _list(request, transition_cases, limit, cursor, from_step, to_step, **asked(q))


@router.get("/pipeline/rework", response=s.AnswerOut, operation_id="show_rework", summary="Show rework")
def show_rework(request: HttpRequest, q: Query[Process]) -> HttpResponse:
    """Which steps are done again."""
    return _ask(request, rework, **asked(q))


@router.get("/pipeline/changes", response=s.Listed, operation_id="list_changes", summary="What changed, deal by deal")
def list_changes(
    request: HttpRequest,
    period: str = Query("", max_length=100, description="The period, such as 2025-Q2, in the place of from and to"),
    from_: str = Query("", alias="from", max_length=100, description="First day, or a period"),
    to: str = Query("", max_length=100, description="Last day (default: today)"),
    scope: Literal["closing_in_period", "all_open"] = "all_open",
    kinds: str = Query("", max_length=1000, description="Only these kinds, separated by commas"),
    where: str = Query("", max_length=LONG),
    currency: str = Query("", max_length=10),
    as_known_on: date | None = None,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Every change since a day: deal, kind, was, became, effect."""
    question = {"where": where or None, "currency": currency or None, "as_known_on": as_known_on}
    days = {"period": period or None, "from_": from_ or None, "to": to or None}
    return _list(request, changes, limit, cursor, scope=scope, kinds=kinds, **days, **question)


@router.get("/pipeline/slipping", response=s.Listed, operation_id="list_slipping", summary="Deals that slip")
def list_slipping(
    request: HttpRequest,
    q: Query[Cohort],
    cell: list[str] = Cells,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Deals that were due in a period and slipped, the largest first."""
    return _list(request, slipping, limit, cursor, cell=pairs(cell) or None, **asked(q))


@router.get("/pipeline/deals", response=s.Listed, operation_id="list_open_deals", summary="Open deals")
def list_open_deals(
    request: HttpRequest,
    q: Query[Care],
    closing_from: date | None = Query(None, description="Expected to close on this day or later"),
    closing_to: date | None = Query(None, description="Expected to close on this day or before"),
    undated: bool = Query(False, description="Only those without an expected close"),
    least: Decimal | None = Query(None, description="Worth at least this, in the asked currency"),
    most: Decimal | None = Query(None, description="Worth at most this, in the asked currency"),
    text: str = Query("", max_length=1000, description="With these words in their name", example="rollout"),
    cell: list[str] = Cells,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Deals open on the evening of the day, the largest first; their count and value are those of `open_pipeline.all_open`."""
    asks = {
        "closing_from": closing_from,
        "closing_to": closing_to,
        "undated": undated,
        "least": least,
        "most": most,
        "text": text,
    }
    return _list(request, open_deals, limit, cursor, cell=pairs(cell) or None, **asks, **asked(q))


@router.get("/pipeline/stale", response=s.Listed, operation_id="list_stale", summary="Deals where nothing happens")
def list_stale(
    request: HttpRequest,
    q: Query[Care],
    cell: list[str] = Cells,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Open deals that are quiet for longer than is usual in their stage, the longest first."""
    return _list(request, stale, limit, cursor, cell=pairs(cell) or None, **asked(q))


@router.get("/pipeline/effect", response=s.EffectOut, operation_id="show_effect", summary="What followed a change")
def show_effect(
    request: HttpRequest,
    q: Query[Since],
    metric: str = Query(max_length=200, example="bookings"),
    since: date = Query(example="2025-04-01"),
    by: str = Query("owner", max_length=100),
    touched: list[str] = Query([], description="The units that the change touched; repeat for several"),
    grain: Literal["week", "month"] = "month",
    season: bool = Query(False, description="Every period against the one a year before"),
    confidence: float = Query(0.95, gt=0.5, lt=1),
) -> HttpResponse:
    """How a metric moved from a day on for those whom a change touched, against the others; or why that cannot be said."""
    question = asked(q)
    with sessions.use(question.pop("as_known_on", None)) as session:
        found = before_after(
            session, actor_of(request), metric, since, by=by, touched=touched, grain=grain, season=season,
            confidence=confidence, **question,
        )  # fmt: skip
    return answer(found.to_dict())
