"""Who one is, tokens, targets, and the audit log."""

from __future__ import annotations

import json
from datetime import date

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router

from salesops import __version__
from salesops.records import access, actions_tokens, audit, queries
from salesops.records.actions_targets import put_target
from salesops.web.serving import workspace

from . import schemas as s
from .asked import LIMIT, LINES, MOST, answer, listed, page, place_of
from .auth import Token, actor_of, stored_number
from .records import _now, given_listing, moment
from .writing import Done, no_key, write

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


@router.get(
    "/targets", auth=Token("targets:read"), response=s.RecordPage, operation_id="list_targets", summary="List targets"
)
def list_targets(
    request: HttpRequest,
    where: str = Query(
        "", max_length=10_000, description="A filter, for example: metric = 'bookings' and person = 'Ben Okoye'"
    ),
    order: str = Query("", max_length=1000),
    as_of: date | None = None,
    as_known_on: date | None = None,
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The targets that you may see: your own, your people's, your team's."""
    place = place_of(request, cursor)
    going = {"offset": int(place.get("offset", 0))} if order else {"after": place.get("after")}
    listing = queries.list_records(
        actor_of(request),
        "target",
        where=where,
        order=order,
        limit=limit,
        as_of=as_of,
        as_known_on=as_known_on,
        **going,
    )
    return given_listing(request, listing, listing.fields, limit, order, place)


@router.put("/targets", auth=Token("targets:write"), response={200: s.RecordFull, 201: s.RecordFull}, operation_id="set_target",
            summary="Set a target")  # fmt: skip
def set_target(request: HttpRequest, body: s.TargetIn) -> HttpResponse:
    """Set the target of a person, team or unit for a metric and a span of days: changed where there is one, else created (201)."""
    return write(request, lambda: _set_target(request, body))


def _set_target(request: HttpRequest, body: s.TargetIn) -> Done:
    given = {name: value for name, value in body.dict().items() if name != "effective" and value is not None}
    record, created = put_target(actor_of(request), given, effective=body.effective)
    return _now(request, "target", record, 201) if created else _now(request, "target", record)


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
