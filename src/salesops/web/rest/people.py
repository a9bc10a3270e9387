"""Who one is, tokens, targets, and the audit log."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router

from salesops import __version__
from salesops.common.errors import UsageError
from salesops.metrics import goals, survey
from salesops.records import access, actions_time, actions_tokens, audit
from salesops.records.approvals import Waiting
from salesops.web.serving import sessions, workspace

from . import schemas as s
from .asked import LIMIT, LINES, MOST, answer, listed, page, place_of, whole
from .auth import Token, actor_of, stored_number
from .records import _now, moment, show_history
from .writing import Done, no_key, waits, write

router = Router(tags=["people"])
ADMIN = Token("admin")


@router.get("/me", auth=Token(), response=s.Me, operation_id="show_me", summary="Show who you are")
def show_me(request: HttpRequest) -> HttpResponse:
    """The user that the token acts as, its roles, the token's scopes, and the workspace."""
    actor, config = actor_of(request), workspace().config
    body = {
        "username": actor.username, "roles": sorted(actor.roles), "person": None if actor.person is None else str(actor.person),
        "sees_all": actor.sees_all, "scopes": sorted(request.scopes), "workspace": config.name,  # type: ignore[attr-defined]
        "currency": config.currency, "time_zone": config.time_zone, "today": workspace().today, "version": __version__,
    }  # fmt: skip
    return answer(body)


# Tokens


@router.get("/tokens", auth=ADMIN, response=s.Tokens, operation_id="list_tokens", summary="List tokens")
def list_tokens(request: HttpRequest, username: str = Query("", max_length=150)) -> HttpResponse:
    """Your tokens, or everybody's if you manage users; never their secrets."""
    rows = actions_tokens.list_tokens(actor_of(request), username)
    times = ("created", "expires", "last_used", "revoked")
    return answer(
        {"items": [{**row, "scopes": row["scopes"].split(), **{n: moment(row[n]) for n in times}} for row in rows]}
    )


@router.post("/tokens", auth=ADMIN, response={201: s.TokenMade}, operation_id="create_token", summary="Create a token")
def create_token(request: HttpRequest, body: s.TokenIn) -> HttpResponse:
    """Make a token; it is shown once. An Idempotency-Key is refused here: the answer would have to be stored."""
    no_key(request, "a token is not made with an Idempotency-Key: it is stored nowhere")
    made = actions_tokens.create_token(
        actor_of(request), body.username, name=body.name, scopes=body.scopes, expires=body.expires
    )
    return Done({"token": made}, 201).response()


@router.post(
    "/tokens/{number}/revoke", auth=ADMIN, response=s.TokenNumber, operation_id="revoke_token", summary="Revoke a token"
)
def revoke_token(request: HttpRequest, number: int) -> HttpResponse:
    """End a token for good."""

    def act() -> Done:
        actions_tokens.revoke_token(actor_of(request), stored_number(number, "token"))
        return Done({"revoked": number})

    return write(request, act)


# Targets

TARGETS, SET = Token("targets:read"), Token("targets:write")


@router.get("/targets", auth=TARGETS, response=s.Rows, operation_id="list_targets", summary="List targets")
def list_targets(
    request: HttpRequest,
    metric: str = Query("", max_length=200, description="Only of this metric (in this variant)"),
    kind: Literal["goal", "plan", "quota", ""] = Query("", description="Only of this kind"),
    period: str = Query("", max_length=100, description="Those that share a day with this period"),
    of: str = Query("", max_length=300, description="Of this person, team or unit, or of the company"),
    where: str = Query("", max_length=10_000, description="A filter by fields of the record"),
    as_of: date | None = Query(None, description="As they were at the end of this day"),
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The targets that you may see (your own, your people's, your team's), one row each: of whom, period and days, value, unit, status.
    `remark` tells of one that no answer takes."""
    asked: dict[str, Any] = {
        "metric": metric, "kind": kind, "period": period, "of": of, "where": where, "as_of": as_of, "as_known_on": as_known_on,
    }  # fmt: skip
    with sessions.use() as session:
        rows = goals.list_targets(session, actor_of(request), **asked)
    return whole(request, rows, limit, cursor)


@router.put(
    "/targets", auth=SET, response={200: s.RecordFull, 201: s.RecordFull, 202: s.Waiting}, operation_id="set_target", summary="Set a target"
)  # fmt: skip
def set_target(request: HttpRequest, body: s.TargetIn) -> HttpResponse:
    """Set what a metric should be in a `period` (or from `starts_on` to `ends_on`): of the person, team or unit that is named, else of
    the company. Changed where there is one of the same metric, kind, owner and days, else created (201)."""
    with sessions.use() as session:
        return write(request, lambda: _set_target(request, session, body))


def _set_target(request: HttpRequest, session: Any, body: s.TargetIn) -> Done:
    given = body.dict(
        exclude={"metric", "period", "starts_on", "ends_on", "value", "amount", "number"}, exclude_none=True
    )
    values = [one for one in (body.value, body.amount, body.number) if one is not None]
    if len(values) != 1:
        raise UsageError("a target has one value", remedy="Give `value`: an amount, a number, or a share such as 32%")
    days = (body.starts_on, body.ends_on) if body.starts_on and body.ends_on else None
    if bool(body.starts_on) != bool(body.ends_on) or not (body.period or days):
        raise UsageError(
            "it is not said for which days", remedy="Give `period`, such as 2026-Q3, or `starts_on` and `ends_on`"
        )
    period = body.period or f"{body.starts_on}..{body.ends_on}"
    done = goals.set_target(session, actor_of(request), body.metric, period, values[0], days=days, **given)
    if isinstance(done, Waiting):
        return waits(done)
    return _now(request, "target", int(done["id"]), 201 if done["done"] == "created" else 200)


@router.post(
    "/targets/{record}/withdraw", auth=SET, response={200: s.RecordFull, 202: s.Waiting}, operation_id="withdraw_target", summary="Withdraw a target"
)  # fmt: skip
def withdraw_target(
    request: HttpRequest, record: int, effective: date | None = Query(None, description="Since when (default: now)")
) -> HttpResponse:
    """From then on nobody has set it, which is not the same as 0. Its history stays."""

    def act() -> Done:
        waiting = goals.withdraw_target(actor_of(request), stored_number(record, "target"), effective=effective)
        if waiting:
            return waits(waiting)
        return _now(request, "target", record)

    return write(request, act)


@router.get(
    "/targets/{record}/history", auth=TARGETS, response=s.History, operation_id="show_target_history",
    summary="Show versions of a target",
)  # fmt: skip
def show_target_history(request: HttpRequest, record: int) -> HttpResponse:
    """Every version, oldest first: what it said, since when it was true, when it was learned, who said so."""
    return show_history(request, "target", str(stored_number(record, "target")))


# The week


@router.get(
    "/my-week", auth=Token("work:read"), response=s.WeekOut, operation_id="show_my_week", summary="Show my week"
)
def show_my_week(request: HttpRequest) -> HttpResponse:
    """Your own week to report: its days, minutes by kind as you reported them, and as your activities say."""
    with sessions.use() as session:
        return answer(survey.my_week(session, actor_of(request)))


@router.put(
    "/my-week", auth=Token("work:write"), response=s.WeekOut, operation_id="report_week", summary="Report my week"
)
def report_week(request: HttpRequest, body: s.WeekIn) -> HttpResponse:
    """Report last week in minutes by kind, all of them at once; saying it again corrects it, until this week ends."""

    with sessions.use() as session:

        def act() -> Done:
            actions_time.report_week(actor_of(request), body.last, body.minutes)
            return Done(survey.my_week(session, actor_of(request)))

        return write(request, act)


# Audit


@router.get(
    "/audit", auth=Token("audit:read"), response=s.AuditPage, operation_id="list_audit", summary="List audit entries"
)
def list_audit(
    request: HttpRequest,
    user: str = Query("", max_length=150),
    action: str = Query("", max_length=100),
    entity: str = Query("", max_length=100),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Who did what, the latest first."""
    place = place_of(request, cursor)
    rows, total = audit.entries(
        actor_of(request), limit=limit, user=user, action=action, entity=entity, before=place.get("before")
    )
    following = {"before": rows[-1]["id"]} if len(rows) == limit else None
    items = [
        {**row, "at": moment(row["at"]), "record": None if row["record"] is None else str(row["record"]),
         "detail": json.loads(row["detail"])}
        for row in rows
    ]  # fmt: skip
    return listed(request, page(request, items, total, limit, following))


@router.get(
    "/audit/export", auth=Token("audit:read"), response=s.Line, operation_id="export_audit", summary="Export the log"
)
def export_audit(request: HttpRequest) -> StreamingHttpResponse:
    """The whole log in its order, one JSON object a line; `salesops audit verify --file` checks it without the database."""
    lines = (f"{line}\n" for line in audit.export(actor_of(request)))
    return StreamingHttpResponse(lines, content_type=LINES)


@router.get(
    "/audit/verify",
    auth=Token("audit:read"),
    response=s.Verified,
    operation_id="verify_audit",
    summary="Verify the log",
)
def verify_audit(request: HttpRequest, head: str = Query("", max_length=64)) -> HttpResponse:
    """Walk the chain of entries; `head` is the hash of the last one as somebody wrote it down elsewhere."""
    access.require(actor_of(request), "read_audit")
    return answer(audit.verify(actor_of(request), head=head).to_dict())
