"""Forecasts: the board, what people called, and calling; what the model expects, why it moved, how good it was, what it warns of."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.common.errors import UsageError
from salesops.forecasting import insights, runs
from salesops.forecasting.actions import ask_run, submit
from salesops.forecasting.queries import board, call_history
from salesops.forecasting.scenario import Hire, Scenario
from salesops.output import plain
from salesops.web.serving import sessions

from . import schemas as s
from .asked import LIMIT, MOST, answer, listed, page, place_of, whole
from .auth import Token, actor_of
from .writing import Done, write

router = Router(tags=["forecast"])
READ, CALL = Token("forecast:read"), Token("forecast:write")
Types = Literal["new", "expansion", "renewal", ""]
PERIOD = "A month, quarter or year, such as 2026-Q4 (default: the current one)"


class CallIn(s.Given):
    """What somebody says will be booked; amounts are cumulative, what is closed included."""

    commit: Decimal | str | None = Field(None, description="At least this", examples=["120000"])
    best_case: Decimal | str | None = Field(None, description="With luck, commit included", examples=["180000"])
    pipeline: Decimal | str | None = Field(None, description="If everything closes, best case included")
    period: str | None = Field(None, max_length=100, description=PERIOD, examples=["2027-Q1"])
    person: str | None = Field(
        None, max_length=300, description="Somebody below you: your figure beside their call, which needs a reason"
    )
    type: Literal["new", "expansion", "renewal"] | None = Field(None, description="Only of deals of this type")
    currency: str | None = Field(
        None, max_length=3, description="Of the amounts (default: the workspace's)", examples=["USD"]
    )
    note: str = Field("", max_length=2000, description="What stands behind it")
    reason: str = Field("", max_length=2000, description="Why another figure than theirs")


class CallDone(Schema):
    due_on: date = Field(description="The day of the deadline that it counts for")
    calls: dict[str, str] = Field(
        description="The ids of what was written, by category; empty where the same had been said for this deadline"
    )
    adjusts: bool = Field(description="Whether it stands beside the call of somebody else")


@router.get(
    "/forecast/board", auth=READ, response=s.Rows, operation_id="show_forecast_board", summary="Show the forecast board"
)
def show_board(
    request: HttpRequest,
    period: str = Query("", max_length=100, description=PERIOD),
    as_of: date | None = Query(None, description="As it was in the evening of this day (default: today)"),
    top: str = Query("", max_length=300, description="Only this person (name or id) and everybody below"),
    type: Types = Query("", description="Only deals and calls of this type"),
    currency: str = Query("", max_length=10),
) -> HttpResponse:
    """A row a person that you may see, managers before their people: target, closed, and of each category what counts (cumulative), where
    it is from (call, adjusted, rolled_up, deals), the call before a manager's figure, and the same a week earlier."""
    with sessions.use(None) as session:
        found = board(
            session, actor_of(request), period=period or None, as_of=as_of, top=top or None, type=type or None, currency=currency or None
        )  # fmt: skip
    rows = plain(found.rows())
    about = {
        "period": found.period.key, "as_of": found.as_of, "then": found.then, "currency": found.currency, "generation": found.generation,
        "notes": list(found.notes),
    }  # fmt: skip
    return listed(request, page(request, rows, len(rows), len(rows), None, **about), found.table())


@router.get(
    "/forecast/calls", auth=READ, response=s.Rows, operation_id="list_forecast_calls", summary="List forecast calls"
)
def list_calls(
    request: HttpRequest,
    period: str = Query("", max_length=100, description=PERIOD),
    person: str = Query("", max_length=300, description="Only of this person (name or id)"),
    category: Literal["commit", "best_case", "pipeline", ""] = "",
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Every call of a period that you may see, newest first: whose, by whom, how much, for which deadline, with reason and note."""
    place_of(request, cursor)
    with sessions.use(None) as session:
        rows = call_history(
            session, actor_of(request), period=period or None, person=person or None, category=category, limit=100_000
        )
    return whole(request, plain(rows), limit, cursor)


@router.post(
    "/forecast/calls", auth=CALL, response={201: CallDone}, operation_id="call_forecast", summary="Call a forecast"
)
def call_forecast(request: HttpRequest, body: CallIn) -> HttpResponse:
    """Say what will be booked. Nothing said is ever changed: said again, it is a new call; in the same words for the same deadline it is none."""
    amounts = {
        name: value for name in ("commit", "best_case", "pipeline") if (value := getattr(body, name)) is not None
    }
    given = body.dict(exclude={"commit", "best_case", "pipeline"})

    def act() -> Done:
        said = submit(session, actor_of(request), amounts, **given)
        return Done({"due_on": said.due_on, "calls": dict(said.ids), "adjusts": said.adjusts}, 201)

    with sessions.use(None) as session:
        return write(request, act)


# The model

AS_OF = "The newest forecast made for this day or before (default: today)"
PERSON = "Only of this person (name or id) and everybody below"


class RunState(Schema):
    """What the worker does about forecasts."""

    status: Literal["waiting", "running", "failed", "done", "none"]
    what: str = Field(description="The step that it is at")
    done: int
    all: int
    asked_by: str = Field(description="Who asked; empty for the nightly one")
    since: datetime | None
    finished: datetime | None
    problem: str = Field(description="Of one that failed or is tried again, for those who may make forecasts")


class RunAsked(RunState):
    new: bool = Field(description="False where one waits, runs, or was made from the same records")


class AccuracyOut(Schema):
    """How good the forecasts of past weeks were."""

    about: dict[str, Any] = Field(description="When and as of which day the back-test was made")
    weeks: list[str] = Field(description="What may be asked for as `weeks`")
    asked: str
    scores: list[s.Row] = Field(
        description="A row a method: weighted error with its interval over periods, bias, coverage, noise floor, skill"
    )
    points: list[s.Row] = Field(
        description="The company's forecasts by the shipped method, week by week, beside what came"
    )


class HireIn(s.Given):
    starts: date = Field(examples=["2026-10-01"])
    ramp_days: int = Field(90, ge=0, le=3650, description="Days until as productive as the others")


class ScenarioIn(s.Given):
    """What if. What is left out changes nothing."""

    name: str = Field("scenario", max_length=200)
    horizon: int = Field(0, description="0: the current period, 1: the next")
    dropped: list[str] = Field([], max_length=10_000, description="Deals (ids) that will not be won")
    slipped: list[str] = Field([], max_length=10_000, description="Deals that move one period on")
    won: list[str] = Field([], max_length=10_000, description="Deals that will be won")
    win_odds: float = Field(1.0, ge=0.01, le=100, description="Factor on the odds of every deal", examples=[0.8])
    cycle_days: int = Field(0, ge=-365, le=365, description="Days by which deals close later")
    arrivals: float = Field(1.0, ge=0, le=100, description="Factor on deals that do not exist yet")
    hires: list[HireIn] = Field([], max_length=1000)


class ScenarioOut(Schema):
    """The forecast of today (`base_...`) beside the same with the changes, of the company, everybody and every cut."""

    period: str
    as_of: date
    currency: str
    scenario: str
    rows: list[s.Row]
    notes: list[str]


def _rows(request: HttpRequest, found: dict[str, Any], name: str = "rows") -> HttpResponse:
    """All rows of an answer, and what stands beside them."""
    told = plain(found)
    rows = told.pop(name)
    return listed(request, page(request, rows, len(rows), len(rows), None, **told))


@router.get("/forecast", auth=READ, response=s.Rows, operation_id="show_forecast", summary="Show the forecast")
def show_forecast(
    request: HttpRequest, period: str = Query("", max_length=100, description=PERIOD), as_of: date | None = Query(None, description=AS_OF)
) -> HttpResponse:  # fmt: skip
    """A row a person that you may see and, for those who see everything, the company and its cuts: expected = booked + open + arrivals +
    adjustment, P10 to P90, target and the chance to reach it. Beside it the methods with their weights, and what limits the answer."""
    with sessions.use(None) as session:
        return _rows(request, runs.show(session, actor_of(request), period=period or None, as_of=as_of))


@router.get(
    "/forecast/deals",
    auth=READ,
    response=s.Rows,
    operation_id="list_forecast_deals",
    summary="List deals of the forecast",
)
def list_deals(
    request: HttpRequest,
    period: str = Query("", max_length=100, description=PERIOD),
    as_of: date | None = Query(None, description=AS_OF),
    person: str = Query("", max_length=300, description=PERSON),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The open deals behind a forecast, the largest expected amount first: chance in the period, later and ever, expected close, slip, amount if
    won, and the reasons of the chance (log-odds)."""
    place_of(request, cursor)
    with sessions.use(None) as session:
        rows = runs.deals(
            session, actor_of(request), period=period or None, as_of=as_of, person=person or None, limit=1_000_000
        )
    return whole(request, plain(rows), limit, cursor)


@router.get(
    "/forecast/changes",
    auth=READ,
    response=s.Rows,
    operation_id="list_forecast_changes",
    summary="Show why the forecast moved",
)
def list_changes(
    request: HttpRequest,
    period: str = Query("", max_length=100, description=PERIOD),
    as_of: date | None = Query(None, description=AS_OF),
    days: int = Query(7, ge=1, le=400, description="Against the forecast of so many days before (1: the one before)"),
) -> HttpResponse:
    """Deal by deal: created, won, lost, pulled in, pushed, amount, probability; arrivals. For those who see everything the amounts add up to
    `difference`."""
    with sessions.use(None) as session:
        return _rows(request, runs.moved(session, actor_of(request), period=period or None, as_of=as_of, days=days))


@router.get(
    "/forecast/accuracy",
    auth=READ,
    response=AccuracyOut,
    operation_id="show_forecast_accuracy",
    summary="Show how good forecasts were",
)
def show_accuracy(
    request: HttpRequest,
    weeks: str = Query("all", max_length=100, description="Weeks of the period: all, 1-4, 5-8 or 9-"),
) -> HttpResponse:
    """Every method on past weeks, each time with what was known then. For managers and those who see everything."""
    return answer(plain(runs.accuracy(actor_of(request), weeks=weeks)))


@router.get(
    "/forecast/callers",
    auth=READ,
    response=s.Rows,
    operation_id="list_callers",
    summary="Show how good people's calls were",
)
def list_callers(
    request: HttpRequest,
    category: Literal["commit", "best_case", "pipeline"] = "commit",
    periods: int = Query(8, ge=1, le=40, description="How many ended periods back"),
) -> HttpResponse:
    """A row a caller that you may see: what becomes of 100 called (shrunk), scatter, pattern, call / actual by week of the period. `layers`:
    how much error each step took off the one before it."""
    with sessions.use(None) as session:
        return _rows(request, insights.callers(session, actor_of(request), category=category, periods=periods))


@router.get(
    "/forecast/warnings",
    auth=READ,
    response=s.Rows,
    operation_id="list_forecast_warnings",
    summary="List early warnings",
)
def list_warnings(
    request: HttpRequest,
    period: str = Query("", max_length=100, description=PERIOD),
    as_of: date | None = Query(None, description="As of the evening of this day (default: today)"),
    kind: str = Query("", max_length=100, description="Only of this kind, such as gap or stale commit"),
) -> HttpResponse:
    """Gap to the target, coverage below what the win rate needs, dependence on a single deal, deals in commit that are stale or past their close
    date, people who call too high or too low; each with its deals or person."""
    with sessions.use(None) as session:
        found = insights.early_warnings(session, actor_of(request), period=period or None, as_of=as_of, kind=kind)
        return _rows(request, found)


@router.get(
    "/forecast/runs", auth=READ, response=s.Rows, operation_id="list_forecast_runs", summary="List stored forecasts"
)
def list_runs(
    request: HttpRequest,
    period: str = Query("", max_length=100, description="Only of this period, such as 2026-Q4"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
) -> HttpResponse:
    """The stored forecasts, the newest first; `worker` says whether one is being made, and how far it is."""
    actor = actor_of(request)
    rows = plain(runs.listed(actor, period=period, limit=limit))
    return listed(request, page(request, rows, len(rows), limit, None, worker=plain(runs.running(actor))))


@router.post(
    "/forecast/runs", auth=CALL, response={202: RunAsked}, operation_id="make_forecast", summary="Make the forecast now"
)
def make_forecast(request: HttpRequest) -> HttpResponse:
    """Have the worker make today's forecast now. What waits, runs, or was made from the same records is not made twice."""

    def act() -> Done:
        new = ask_run(actor_of(request))
        return Done({"new": new, **plain(runs.running(actor_of(request)))}, 202)

    return write(request, act)


@router.post(
    "/forecast/scenario", auth=READ, response=ScenarioOut, operation_id="try_scenario", summary="Try a scenario"
)
def try_scenario(request: HttpRequest, body: ScenarioIn) -> HttpResponse:
    """The forecast of today beside the same if something happened: deals that drop out, slip or are won, other odds and cycles, more arrivals,
    hires. Stores nothing."""
    what = Scenario(
        body.name, _ids(body.dropped), _ids(body.slipped), _ids(body.won), body.win_odds, body.cycle_days, body.arrivals,
        tuple(Hire(np.datetime64(one.starts, "D"), one.ramp_days) for one in body.hires),
    )  # fmt: skip
    with sessions.use(None) as session:
        return answer(plain(runs.scenario(session, actor_of(request), what, horizon=body.horizon)))


def _ids(given: list[str]) -> frozenset[int]:
    if wrong := [one for one in given if not one.strip().isdigit() or int(one) >= 2**63]:
        raise UsageError(f"{wrong[0]!r} is no id of a deal", "GET /forecast/deals shows the ids")
    return frozenset(int(one) for one in given)
