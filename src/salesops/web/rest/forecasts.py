"""Forecasts: the board, what people called, and calling."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.forecasting.actions import submit
from salesops.forecasting.queries import board, call_history
from salesops.output import plain
from salesops.web.serving import sessions

from . import schemas as s
from .asked import LIMIT, MOST, listed, page, place_of, whole
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
