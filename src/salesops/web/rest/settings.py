"""What people declare: custom fields, words of closed lists, who owns a field, conflicts with imports, value rules; and the refresh."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.records import actions_settings
from salesops.warehouse import refresh
from salesops.web.serving import workspace

from . import schemas as s
from .asked import LIMIT, MOST, answer, whole
from .auth import Token, actor_of, stored_number
from .writing import Done, write

router = Router(tags=["settings"])
READ, WRITE = Token("settings:read"), Token("settings:write")


# Custom fields and words


@router.get("/fields", auth=READ, response=s.Rows, operation_id="list_fields", summary="List custom fields")
def list_fields(
    request: HttpRequest,
    entity: str = Query("", max_length=100),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The declared custom fields (of one entity)."""
    return whole(request, actions_settings.list_fields(actor_of(request), entity), limit, cursor)


@router.put(
    "/fields/{entity}/{name}", auth=WRITE, response=s.Declared, operation_id="declare_field", summary="Declare a custom field"
)  # fmt: skip
def declare_field(request: HttpRequest, entity: str, name: str, body: s.FieldIn) -> HttpResponse:
    """Declare a custom field of an entity, or change its title and words; its kind stays while it is declared."""

    def act() -> Done:
        given: dict[str, Any] = {"title": body.title, "words": tuple(body.words), "target": body.target}
        actions_settings.declare_field(actor_of(request), entity, name, body.kind, **given)
        return Done({"entity": entity, "declared": f"custom.{name.removeprefix('custom.')}"})

    return write(request, act)


@router.delete(
    "/fields/{entity}/{name}", auth=WRITE, response=s.Retired, operation_id="retire_field", summary="Retire a custom field"
)  # fmt: skip
def retire_field(request: HttpRequest, entity: str, name: str) -> HttpResponse:
    """Take a custom field out of use; its history stays."""

    def act() -> Done:
        actions_settings.retire_field(actor_of(request), entity, name)
        return Done({"entity": entity, "retired": name})

    return write(request, act)


@router.post(
    "/fields/{entity}/{name}/words", auth=WRITE, response=s.WordAdded, operation_id="add_word", summary="Add a word"
)
def add_word(request: HttpRequest, entity: str, name: str, body: s.WordIn) -> HttpResponse:
    """Add a word to the closed list of a field."""

    def act() -> Done:
        actions_settings.declare_word(actor_of(request), entity, name, body.word, body.title)
        return Done({"entity": entity, "field": name, "word": body.word})

    return write(request, act)


@router.put(
    "/fields/{entity}/{name}/owner", auth=WRITE, response=s.Owned, operation_id="own_field", summary="Say who owns a field"
)  # fmt: skip
def own_field(request: HttpRequest, entity: str, name: str, body: s.OwnerIn) -> HttpResponse:
    """Say who decides a field, of an entity or of one record: the app (imports leave it alone), the source, or nobody."""

    def act() -> Done:
        owner = "" if body.owner == "nobody" else body.owner
        actions_settings.set_owner(actor_of(request), entity, name, owner, record=body.record)
        return Done({"entity": entity, "field": name, "owner": body.owner, "record": body.record})

    return write(request, act)


# Conflicts


@router.get(
    "/conflicts", auth=READ, response=s.Rows, operation_id="list_conflicts", summary="List conflicts of imports"
)
def list_conflicts(
    request: HttpRequest,
    settled: bool = Query(False, description="Settled ones, too"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """Values of sources that were not taken because the app owns the field."""
    rows = actions_settings.list_conflicts(actor_of(request), resolved=settled)
    return whole(request, [{**row, "record": str(row["record"])} for row in rows], limit, cursor)


@router.post(
    "/conflicts/{number}/settle", auth=WRITE, response=s.Settled, operation_id="settle_conflict", summary="Settle a conflict"
)  # fmt: skip
def settle_conflict(request: HttpRequest, number: int, body: s.SettleIn) -> HttpResponse:
    """Leave what was `kept`, or take what the source `offered`."""

    def act() -> Done:
        actions_settings.resolve_conflict(actor_of(request), stored_number(number, "conflict"), body.take)
        return Done({"settled": number, "take": body.take})

    return write(request, act)


# Value rules


@router.get("/rules", auth=READ, response=s.Rows, operation_id="list_rules", summary="List value rules")
def list_rules(
    request: HttpRequest,
    entity: str = Query("", max_length=100),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """How values of sources are read, in every import."""
    return whole(request, actions_settings.list_rules(actor_of(request), entity), limit, cursor)


@router.post("/rules", auth=WRITE, response={201: s.RuleNumber}, operation_id="add_rule", summary="Add a value rule")
def add_rule(request: HttpRequest, body: s.RuleIn) -> HttpResponse:
    """Read `found` in a field as `becomes` (null: as missing), from the next import on and in what earlier ones read."""

    def act() -> Done:
        given = (body.entity, body.field, body.found, body.becomes)
        return Done({"rule": actions_settings.add_rule(actor_of(request), *given, system=body.system)}, 201)

    return write(request, act)


@router.delete(
    "/rules/{number}", auth=WRITE, response=s.RuleNumber, operation_id="remove_rule", summary="Remove a value rule"
)
def remove_rule(request: HttpRequest, number: int) -> HttpResponse:
    """Remove a value rule."""

    def act() -> Done:
        actions_settings.remove_rule(actor_of(request), stored_number(number, "value rule"))
        return Done({"rule": number})

    return write(request, act)


# The warehouse


@router.post(
    "/refresh", auth=WRITE, response=s.RefreshedOut, operation_id="refresh_warehouse", summary="Refresh the warehouse"
)
def refresh_warehouse(
    request: HttpRequest, full: bool = Query(False, description="Build everything anew")
) -> HttpResponse:
    """Bring the warehouse up to the records and answer when that is done. Questions do it themselves; a repeated call does nothing new."""
    done = refresh(workspace(), actor=actor_of(request), full=full)
    return answer(
        {"generation": done.generation, "kind": done.kind, "records": done.records, "seconds": round(done.seconds, 2)}
    )
