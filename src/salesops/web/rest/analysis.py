"""Analyses beside the metrics: what people do, alerts, cohorts of customers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.metrics import people
from salesops.metrics.alerts import METRICS, alerts, expectations
from salesops.metrics.cohorts import cohorts, members
from salesops.metrics.organisation import organisation
from salesops.spreadsheet import Table
from salesops.web.serving import sessions

from . import schemas as s
from .asked import LIMIT, MOST, answer, file_answer, listed, offset_page, pairs, place_of, wants_file
from .auth import Token, actor_of
from .metrics import LONG, Question, asked, given_answer

router = Router(tags=["analysis"], auth=Token("metrics:read"))
COMPARED = Literal["win_rate", "lead_conversion", "qualification_rate"]


# People


def _figures(request: HttpRequest, ask: Callable[..., people.Figures], **question: Any) -> HttpResponse:
    """A table about people."""
    with sessions.use(question.pop("as_known_on", None)) as session:
        found = ask(session, actor_of(request), **question)
    return file_answer(request, found.table()) if wants_file(request) else answer(found.to_dict())


@router.get(
    "/people/activity", response=s.FiguresOut, operation_id="show_activity", summary="Show activity and time by person"
)
def show_activity(
    request: HttpRequest, q: Query[Question], kinds: bool = Query(False, description="By kind of activity, too")
) -> HttpResponse:
    """Counts, minutes, selling and other time of everybody whom you see; of all of them where the workspace lets peers see that."""
    return _figures(request, people.activity, kinds=kinds, **asked(q))


@router.get(
    "/people/organisation", response=s.OrganisationOut, operation_id="show_organisation", summary="Show who reports to whom"
)  # fmt: skip
def show_organisation(
    request: HttpRequest,
    as_of: date | None = Query(None, description="The day (default: today)"),
    then: date | None = Query(None, description="Compared with this day: who joined, moved and left since"),
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day"),
) -> HttpResponse:
    """Everybody employed on a day under the manager of that day: parents before their people, then people by name."""
    with sessions.use(as_known_on) as session:
        return answer(organisation(session, actor_of(request), as_of=as_of, then=then).to_dict())


@router.get("/people/mix", response=s.FiguresOut, operation_id="show_mix", summary="Show what the top quarter does")
def show_mix(request: HttpRequest, q: Query[Question]) -> HttpResponse:
    """Shares of minutes by kind of the top quarter by attainment, against the rest. Refused in words where too few people are behind it."""
    return _figures(request, people.mix, **asked(q))


@router.get("/people/ramp", response=s.FiguresOut, operation_id="show_ramp", summary="Show how newcomers come up")
def show_ramp(
    request: HttpRequest,
    as_of: date | None = Query(None, description="As of the evening of this day (default: today)"),
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day"),
    currency: str = Query("", max_length=10),
) -> HttpResponse:
    """How newcomers come up to the level of the tenured, month by month; `beside.newcomers` lists those whom you see."""
    return _figures(request, people.ramp, as_of=as_of, as_known_on=as_known_on, currency=currency or None)


@router.get("/people/compare", response=s.FiguresOut, operation_id="compare_people", summary="Compare people fairly")
def compare_people(request: HttpRequest, q: Query[Question], metric: COMPARED = "win_rate") -> HttpResponse:
    """Everybody whom you see against those of the same segment and tenure. The workspace's settings `peer_aggregates` and
    `peer_minimum` say whether and above which size a group is shown to its peers; `beside` and `notes` tell what was refused."""
    return _figures(request, people.compare, metric=metric, **asked(q))


# Alerts


@router.get("/alerts", response=s.AnswerOut, operation_id="list_alerts", summary="Unexpected drops and surges")
def list_alerts(
    request: HttpRequest,
    metrics: str = Query(
        "", max_length=2000, description=f"Names, separated by commas (default: {', '.join(METRICS)})", example="bookings,win_rate"
    ),
    period: Literal["week", "month"] = "month",
    by: str = Query("", max_length=1000, description="Dimensions among which the explanation is sought"),
    from_: str = Query("", alias="from", max_length=100, description="Use the history from this day (or period) on"),
    where: str = Query("", max_length=LONG, description="A filter, for example: region = 'West'"),
    as_of: str = Query("", max_length=100, description="As of the evening of this day (default: today)"),
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day"),
    currency: str = Query("", max_length=10),
    calendar: str = Query("", max_length=200),
    alerts_per_year: float = Query(0.5, gt=0, lt=12, description="How many a year chance alone may cause in a metric"),
) -> HttpResponse:  # fmt: skip
    """The metrics that lie outside the expected in the latest finished week or month, how unusual that is, and which group moved them."""
    more = {"from_": from_, "where": where, "as_of": as_of, "currency": currency, "calendar": calendar}
    question = {name: value for name, value in more.items() if value}
    with sessions.use(as_known_on) as session:
        found = alerts(
            session, actor_of(request), metrics, period=period, by=by, alerts_per_year=alerts_per_year, **question
        )
        return given_answer(request, found)


@router.get(
    "/alerts/expectations", response=s.AnswerOut, operation_id="show_expectations", summary="A metric beside what was expected"
)  # fmt: skip
def show_expectations(
    request: HttpRequest,
    metric: str = Query(max_length=200, example="bookings"),
    period: Literal["week", "month"] = "month",
    from_: str = Query("", alias="from", max_length=100, description="Use the history from this day (or period) on"),
    where: str = Query("", max_length=LONG, description="A filter, for example: region = 'West'"),
    as_of: str = Query("", max_length=100, description="As of the evening of this day (default: today)"),
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day"),
    currency: str = Query("", max_length=10),
    calendar: str = Query("", max_length=200),
    alerts_per_year: float = Query(0.5, gt=0, lt=12, description="How many a year chance alone may cause in a metric"),
) -> HttpResponse:
    """A row for each finished period: value, expected, low and high, as alerts judge them; null where it was too early to tell."""
    more = {"from_": from_, "where": where, "as_of": as_of, "currency": currency, "calendar": calendar}
    question = {name: value for name, value in more.items() if value}
    with sessions.use(as_known_on) as session:
        found = expectations(
            session, actor_of(request), metric, period=period, alerts_per_year=alerts_per_year, **question
        )
        return given_answer(request, found)


# Cohorts


class Customers(s.Given):
    of: Literal["orders", "subscriptions", "wins"] = Query("orders", description="What makes a customer")
    where: str = Query("", max_length=LONG, description="A filter, for example: segment = 'SMB'")
    as_of: str = Query("", max_length=100, description="As of the evening of this day (default: today)")
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day")
    currency: str = Query("", max_length=10)
    calendar: str = Query("", max_length=200)


@router.get("/cohorts", response=s.AnswerOut, operation_id="show_cohorts", summary="Show cohorts of customers")
def show_cohorts(
    request: HttpRequest,
    q: Query[Customers],
    period: Literal["week", "month", "quarter", "year"] = "quarter",
    from_: str = Query("", alias="from", max_length=100, description="First day (or a period) of the cohorts"),
    to: str = Query("", max_length=100, description="Last day (or a period) of the cohorts"),
    by: str = Query("", max_length=1000, description="Dimensions of the customer, separated by commas"),
    ages: int | None = Query(None, ge=0, le=10_000, description="The highest age to show"),
) -> HttpResponse:
    """Customers by first purchase: how many stay and what they bring, by age in periods. A row for each cohort and age."""
    question = {**asked(q), "period": period, "from_": from_ or None, "to": to or None, "by": by, "ages": ages}
    with sessions.use(question.pop("as_known_on", None)) as session:
        return given_answer(request, cohorts(session, actor_of(request), **question))


@router.get(
    "/cohorts/{cohort}/members", response=s.CohortMembers, operation_id="list_cohort_members", summary="Customers of a cohort"
)  # fmt: skip
def list_members(
    request: HttpRequest,
    cohort: str,
    q: Query[Customers],
    age: int | None = Query(None, ge=0, le=10_000, description="Only those active at this age"),
    cell: list[str] = Query([], description="A dimension's value, for example segment=SMB; repeat for several"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The customers of one cohort, such as 2025-01 or 2025-Q1, with what they brought so far; `revenue` is that of all pages."""
    question, place = asked(q), place_of(request, cursor)
    with sessions.use(question.pop("as_known_on", None)) as session:
        found = members(
            session, actor_of(request), cohort, age, cell=pairs(cell) or None, offset=int(place.get("offset", 0)), limit=limit,
            **question,
        )  # fmt: skip
        generation = session.generation
    rows = [{**row, "id": str(row["id"])} for row in found.to_pylist()]
    beside: dict[str, Decimal | str | None] = {
        "revenue": found.revenue, "currency": found.currency, "generation": generation,
    }  # fmt: skip
    table = Table(
        rows, ["id", "name", "first_day", "purchases", "revenue"], {"purchases": "count", "revenue": "money"}, found.currency
    )  # fmt: skip
    return listed(request, offset_page(request, rows, found.total, limit, place, generation, **beside), table)
