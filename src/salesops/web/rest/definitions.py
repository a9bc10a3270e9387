"""Metrics that people define: what counts now, what counted once, checking, defining, ending."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.metrics.defined import kept
from salesops.web.serving import sessions

from . import schemas as s
from .asked import LIMIT, MOST, answer, whole
from .auth import Token, actor_of
from .records import moment
from .writing import Done, write

router = Router(tags=["definitions"])
READ, WRITE = Token("metrics:read"), Token("metrics:write")


@router.get("/definitions", auth=READ, response=s.Rows, operation_id="list_definitions", summary="List definitions")
def list_definitions(
    request: HttpRequest,
    name: str = Query("", max_length=200, description="Only this metric"),
    as_of: date | None = Query(
        None, description="Those of `define` that counted at the end of this day, with their text"
    ),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The metrics that people defined: kind, unit, where the definition stands, its version, how many mistakes it has."""
    if as_of is not None:
        return whole(request, _dated(kept.history(actor_of(request), name, as_of)), limit, cursor)
    with sessions.use() as session:
        rows = [row for row in kept.listed(session, actor_of(request)) if name in ("", row["metric"])]
    return whole(request, rows, limit, cursor)


def _dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, **{at: moment(row[at]) for at in ("created", "ended")}} for row in rows]


@router.get(
    "/definitions/history", auth=READ, response=s.Rows, operation_id="list_definition_history",
    summary="Every definition that there was",
)  # fmt: skip
def list_history(
    request: HttpRequest,
    name: str = Query("", max_length=200, description="Only this metric"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Every definition that was made with `define`: its text and version, since and until when it counted, by whom."""
    return whole(request, _dated(kept.history(actor_of(request), name)), limit, cursor)


@router.post(
    "/definitions", auth=WRITE, response=s.DefinitionsDone, operation_id="define_metrics", summary="Define metrics"
)
def define(request: HttpRequest, body: s.DefinitionIn) -> HttpResponse:
    """Take the metrics that a text (TOML) defines: all of them, or none where one has a mistake; every mistake is listed."""
    with sessions.use() as session:
        return write(
            request, lambda: Done({"items": kept.define(session, actor_of(request), body.definition, body.name)})
        )


@router.post(
    "/definitions/check", auth=READ, response=s.DefinitionsChecked, operation_id="check_definitions",
    summary="Check definitions",
)  # fmt: skip
def check(request: HttpRequest, body: s.DefinitionCheck) -> HttpResponse:
    """Every mistake of a text together with what is defined already, or (without a text) of all that is defined. Changes nothing."""
    text: Any = body.definition
    with sessions.use() as session:
        problems = kept.check(session, actor_of(request), text, body.name)
    return answer({"mistakes": [one.to_dict() for one in problems]})


@router.delete(
    "/definitions/{name}", auth=WRITE, response=s.DefinitionEnded, operation_id="undefine_metric",
    summary="End a definition",
)  # fmt: skip
def undefine(request: HttpRequest, name: str) -> HttpResponse:
    """End a definition that was made with `define`; its history stays. Refused while others are made of it."""
    with sessions.use() as session:

        def act() -> Done:
            kept.undefine(session, actor_of(request), name)
            return Done({"undefined": name})

        return write(request, act)
