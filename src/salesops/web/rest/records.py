"""Records of every entity: list, show, history, create, edit, delete, restore, undo, bulk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.common.errors import InvalidData, NotFound, Problem, SalesopsError, UsageError
from salesops.common.instants import from_us
from salesops.records import access, actions, actions_erase, history, queries, values
from salesops.records import entities as all_entities
from salesops.records.approvals import Waiting
from salesops.records.entities import Entity, Field
from salesops.records.writing import current_tick

from . import schemas as s
from .asked import LIMIT, MOST, answer, listed, offset_page, page, place_of, wants_file
from .auth import Token, actor_of
from .writing import Done, waits, write

router = Router(tags=["records"])
READ, WRITE = Token("records:read"), Token("records:write")


# Values


def moment(instant: int | None) -> str | None:
    """An instant as text in UTC."""
    return None if instant is None else from_us(instant).isoformat()


def shown(row: Mapping[str, Any], fields: tuple[Field, ...], labels: dict[str, dict[int, str]]) -> dict[str, Any]:
    """A row as the API gives it: `values` by field, and which are masked."""
    found: dict[str, Any] = {}
    masked = []
    for one in fields:
        raw = row.get(one.name)
        if raw == access.MASKED:
            masked.append(one.name)
            found[one.name] = None
        elif raw is None:
            found[one.name] = None
        elif one.kind == "ref":
            found[one.name] = {"id": str(raw), "label": labels.get(one.target, {}).get(raw)}
        elif one.kind == "instant":
            found[one.name] = moment(raw)
        else:
            found[one.name] = _exact(values.to_python(one, raw))
    return {"values": found, "masked": masked}


def _exact(value: Any) -> Any:
    return value if isinstance(value, (bool, int, str)) else f"{value:f}" if hasattr(value, "scaleb") else str(value)


def given(values_in: Mapping[str, Any]) -> dict[str, Any]:
    """Values as an action takes them: a reference by its id."""
    return {name: one.id if isinstance(one, s.ReferenceIn) else one for name, one in values_in.items()}


def full(record: queries.Record) -> dict[str, Any]:
    """One record as the API gives it."""
    return {
        "id": str(record.id), "deleted": record.deleted, **shown(record.values, record.fields, record.labels),
        "version": record.version,
        "source_ids": [{"system": system, "id": external} for system, external in record.source_ids],
        "assumed": list(record.assumed), "merged_from": [str(one) for one in record.merged_from],
        "as_of": record.as_of, "as_known_on": record.as_known_on,
    }  # fmt: skip


def etag(version: int) -> str:
    return f'"{version}"'


def expected_version(request: HttpRequest) -> int | None:
    """The version that If-Match names; None without one (or for `*`). Raises UsageError for what is no ETag of ours."""
    text = str(request.headers.get("If-Match", "")).strip()
    if text in ("", "*"):
        return None
    number = text.strip('"')
    if text != f'"{number}"' or not number.isascii() or not number.isdigit() or len(number) > 18:
        raise UsageError(f"If-Match {text[:80]!r} is no ETag of a record", remedy="Send the ETag as it was given")
    return int(number)


# Entities


def _entity(one: Entity) -> dict[str, Any]:
    fields = [
        {"name": f.name, "kind": f.kind, "target": f.target, "words": list(values.words_of(one, f)) if f.kind == "kind" else [],
         "help": f.help}
        for f in values.all_fields(one).values()
    ]  # fmt: skip
    return {"name": one.name, "shape": one.shape, "help": one.help, "fields": fields}


@router.get("/entities", auth=READ, response=s.Entities, operation_id="list_entities", summary="List entities")
def list_entities(request: HttpRequest) -> HttpResponse:
    """Every entity with its shape and its fields, custom ones included."""
    access.require(actor_of(request), "read")
    return answer({"items": [_entity(one) for one in all_entities.entities().values()]})


@router.get(
    "/entities/{entity}", auth=READ, response=s.EntityInfo, operation_id="show_entity", summary="Show an entity"
)
def show_entity(request: HttpRequest, entity: str) -> HttpResponse:
    """One entity with its fields."""
    access.require(actor_of(request), "read")
    return answer(_entity(all_entities.entity(entity)))


# Reading


@router.get("/records/{entity}", auth=READ, response=s.RecordPage, operation_id="list_records", summary="List records")
def list_records(
    request: HttpRequest,
    entity: str,
    where: str = Query(
        "", description="A filter, for example: owner = 'Ben Okoye' and amount > 1000", max_length=10_000
    ),
    order: str = Query("", description="Fields to sort by: name,-amount", max_length=1000),
    fields: str = Query("", description="Fields to give, separated by commas (default: all)", max_length=5000),
    as_of: date | None = Query(None, description="The state at the end of this day"),
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day"),
    deleted: bool = Query(False, description="Deleted records, too"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
    cursor: str = Query("", max_length=2000),
) -> HttpResponse:
    """The records of an entity that you may see. Without `order`, pages neither repeat nor miss a record while others write."""
    place = place_of(request, cursor)
    going = {"offset": int(place.get("offset", 0))} if order else {"after": place.get("after")}
    listing = queries.list_records(
        actor_of(request), entity, where=where, order=order, limit=limit, as_of=as_of, as_known_on=as_known_on,
        deleted=deleted, **going,
    )  # fmt: skip
    chosen = _chosen(listing, fields)
    return given_listing(request, listing, chosen, limit, order, place)


def given_listing(
    request: HttpRequest,
    listing: queries.Listing,
    chosen: tuple[Field, ...],
    limit: int,
    order: str,
    place: Mapping[str, Any],
) -> HttpResponse:
    """A page of records as JSON, or as CSV or XLSX."""
    if wants_file(request):
        return listed(request, _page(request, listing, [], limit, order, place), listing.table(chosen))
    items = [
        {"id": str(row["id"]), "deleted": row["deleted"], **shown(row, chosen, listing.labels)} for row in listing.rows
    ]
    return answer(_page(request, listing, items, limit, order, place))


def _page(
    request: HttpRequest, listing: queries.Listing, items: list[Any], limit: int, order: str, place: Mapping[str, Any]
) -> dict[str, Any]:
    if order:
        body = offset_page(request, listing.rows, listing.total, limit, place, current_tick())
        return {**body, "items": items}
    following = {"after": listing.last} if listing.last is not None else None
    return page(request, items, listing.total, limit, following, changed=False)


def _chosen(listing: queries.Listing, names: str) -> tuple[Field, ...]:
    known = {one.name: one for one in listing.fields}
    found = []
    for name in filter(None, (one.strip() for one in names.split(","))):
        one = values.find_field(known, name)
        if one is None:
            raise UsageError(f"{listing.entity.name} has no field {name!r}", remedy=f"Fields: {', '.join(known)}")
        found.append(one)
    return tuple(found) or listing.fields


# A key may hold a slash, so that what hangs on a record is named before the record itself.


@router.get(
    "/records/{entity}/{path:key}/history",
    auth=READ,
    response=s.History,
    operation_id="show_history",
    summary="Show a history",
)
def show_history(request: HttpRequest, entity: str, key: str) -> HttpResponse:
    """Every version, oldest first: what it said, since when it was true, when it was learned, who said so."""
    found = queries.history_of(actor_of(request), entity, key)
    times = ("effective", "recorded", "recorded_to")
    return answer({"items": [{**one, **{name: moment(one[name]) for name in times}} for one in found]})


@router.post(
    "/records/{entity}/{path:key}/restore", auth=WRITE, response=s.RecordFull, operation_id="restore_record",
    summary="Restore a deleted record",
)  # fmt: skip
def restore_record(request: HttpRequest, entity: str, key: str) -> HttpResponse:
    """Bring a deleted record back."""

    def act() -> Done:
        return _now(request, entity, actions.restore_record(actor_of(request), entity, key))

    return write(request, act)


@router.post(
    "/records/{entity}/{path:key}/merge",
    auth=WRITE,
    response=s.RecordFull,
    operation_id="merge_records",
    summary="Merge records",
)
def merge_records(request: HttpRequest, entity: str, key: str, body: s.Merge) -> HttpResponse:
    """Merge another record into this one: its ids lead here from now on. Undone by its batch."""

    def act() -> Done:
        return _now(request, entity, actions.merge_records(actor_of(request), entity, key, body.loser, fill=body.fill))

    return write(request, act)


@router.post(
    "/records/{entity}/{path:key}/erase", auth=WRITE, response={200: s.Erased, 202: s.Waiting}, operation_id="erase_record",
    summary="Erase who somebody is",
)  # fmt: skip
def erase_record(request: HttpRequest, entity: str, key: str, body: s.EraseIn) -> HttpResponse:
    """Erase who a person, contact or lead is, for good: in the record, its history and wherever it is named. Counts and amounts stay.
    Where the workspace asks for approval nothing is erased yet (202)."""

    def act() -> Done:
        done = actions_erase.erase(actor_of(request), entity, key, confirm=body.confirm, note=body.note)
        if isinstance(done, Waiting):
            return waits(done)
        also = [{**one, "record": str(one["record"])} for one in done["also"]]
        return Done(
            {**done, "record": str(done["record"]), "records": [str(one) for one in done["records"]], "also": also}
        )

    return write(request, act)


@router.get(
    "/records/{entity}/{path:key}",
    auth=READ,
    response=s.RecordFull,
    operation_id="show_record",
    summary="Show a record",
)
def show_record(
    request: HttpRequest,
    entity: str,
    key: str,
    as_of: date | None = Query(None, description="The state at the end of this day"),
    as_known_on: date | None = Query(None, description="Only what had been recorded by this day"),
) -> HttpResponse:
    """One record by id, external id, `system:external id`, unique name or e-mail address. The ETag is for If-Match."""
    record = queries.show_record(actor_of(request), entity, key, as_of=as_of, as_known_on=as_known_on)
    return answer(full(record), headers={"ETag": etag(record.version)})


# Writing


def _now(request: HttpRequest, entity: str, record: int, status: int = 200) -> Done:
    """The record as it is after a write, with its ETag and address; no content where it is no longer the actor's to see."""
    try:
        found = queries.show_record(actor_of(request), entity, record)
    except NotFound:
        return Done(None, 204)
    headers = {"ETag": etag(found.version)}
    if status == 201:
        headers["Location"] = f"/api/v1/records/{found.entity.name}/{record}"
    return Done(full(found), status, headers)


@router.post(
    "/records/{entity}",
    auth=WRITE,
    response={201: s.RecordFull},
    operation_id="create_record",
    summary="Create a record",
)
def create_record(request: HttpRequest, entity: str, body: s.Creation) -> HttpResponse:
    """Create a record; everything that is wrong with the values is said at once."""

    def act() -> Done:
        made = actions.create_record(actor_of(request), entity, given(body.values), effective=body.effective)
        return _now(request, entity, made, 201)

    return write(request, act)


@router.patch(
    "/records/{entity}/{path:key}",
    auth=WRITE,
    response=s.RecordFull,
    operation_id="edit_record",
    summary="Edit a record",
)
def edit_record(request: HttpRequest, entity: str, key: str, body: s.Edit) -> HttpResponse:
    """Give a record new values. With If-Match it is refused (412) where somebody changed the record since."""
    version = expected_version(request)

    def act() -> Done:
        actor = actor_of(request)
        record = _record(request, entity, key)
        actions.edit_record(actor, entity, record, given(body.values), effective=body.effective, expected=version)
        return _now(request, entity, record)

    return write(request, act)


def _record(request: HttpRequest, entity: str, key: str) -> int:
    """The id behind a key, before a write that may change the name by which it was called."""
    return queries.show_record(actor_of(request), entity, key).id


@router.delete(
    "/records/{entity}/{path:key}",
    auth=WRITE,
    response=s.RecordFull,
    operation_id="delete_record",
    summary="Delete a record",
)
def delete_record(
    request: HttpRequest, entity: str, key: str, effective: date | None = Query(None, description="The day since when")
) -> HttpResponse:
    """Delete a record; answers about earlier days still know it. Heeds If-Match."""
    version = expected_version(request)

    def act() -> Done:
        made = actions.delete_record(actor_of(request), entity, key, effective=effective, expected=version)
        return _now(request, entity, made)

    return write(request, act)


@router.post(
    "/edits/{batch}/undo", auth=WRITE, response=dict[str, int], operation_id="undo_edit", summary="Undo an edit"
)
def undo_edit(request: HttpRequest, batch: int) -> HttpResponse:
    """Undo an edit or a merge by its batch (shown by a record's history); gives the number of records."""
    if not 0 < batch < 2**63:
        raise NotFound(f"there is no edit with batch {batch}", remedy="A record's history shows the batches")
    return write(request, lambda: Done({"batch": batch, "records": actions.undo(actor_of(request), batch)}))


@router.post(
    "/bulk/{entity}", auth=WRITE, response=s.BulkDone, operation_id="bulk_records", summary="Change many records"
)
def bulk_records(request: HttpRequest, entity: str, body: s.Bulk) -> HttpResponse:
    """Up to 500 operations, all or none: where one is refused nothing is done, and every problem is listed with its row.

    For more, upload a file and import it."""
    return write(request, lambda: Done({"items": _bulk(request, entity, body.operations)}))


@router.post(
    "/bulk/{entity}/edit", auth=WRITE, response={200: s.TogetherDone, 202: s.Waiting}, operation_id="edit_together", summary="Edit records together"
)  # fmt: skip
def edit_together(request: HttpRequest, entity: str, body: s.Together) -> HttpResponse:
    """Give up to 500 records the same values, all or none, in one batch that can be undone as one."""

    def act() -> Done:
        done = actions.edit_records(actor_of(request), entity, body.keys, given(body.values), note=body.note)
        return waits(done) if isinstance(done, Waiting) else Done({"batch": done[0], "changed": done[1]})

    return write(request, act)


def _bulk(request: HttpRequest, name: str, operations: list[s.Operation]) -> list[dict[str, Any]]:
    actor, entity = actor_of(request), all_entities.entity(name)
    done: list[dict[str, Any]] = []
    failed: list[tuple[int, SalesopsError]] = []
    actions.not_too_many(sum(one.do != "create" for one in operations))
    with transaction.atomic():
        for row, one in enumerate(operations, 1):
            try:
                with transaction.atomic():
                    record = _one(actor, name, one)
                    done.append({"do": one.do, "id": str(record), "version": history.version_of(entity, record)})
            except SalesopsError as error:
                failed.append((row, error))
        if failed:
            raise _together(entity, failed)
    return done


def _one(actor: access.Actor, name: str, one: s.Operation) -> int:
    if one.do == "create":
        return actions.create_record(actor, name, given(one.values), effective=one.effective)
    if not one.key:
        raise UsageError(f"{one.do} needs a key", remedy="Name the record by its id")
    if one.do == "edit":
        record = queries.show_record(actor, name, one.key).id
        actions.edit_record(actor, name, record, given(one.values), effective=one.effective, expected=one.version)
        return record
    if one.do == "delete":
        return actions.delete_record(actor, name, one.key, effective=one.effective, expected=one.version)
    return actions.restore_record(actor, name, one.key, effective=one.effective)


def _together(entity: Entity, failed: list[tuple[int, SalesopsError]]) -> SalesopsError:
    """One error that lists what is wrong in every row; of their kind where they are all of one."""
    problems: list[Problem] = []
    for row, error in failed:
        own = error.problems or (Problem(entity.name, None, None, error.message, error.remedy),)
        problems += [replace(problem, row=row) for problem in own]
    kinds = {type(error) for _, error in failed}
    kind = kinds.pop() if len(kinds) == 1 else InvalidData
    first = failed[0][1]
    return kind(f"operation {failed[0][0]}: {first.message}; nothing was done", remedy=first.remedy, problems=problems)
