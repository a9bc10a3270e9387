"""What people do to records: create, edit, end, delete, restore, merge, undo.

Each checks permission and scope, validates everything at once, and writes in one transaction with its audit entry and
its outbox event (`records.writing.change_set`). Settings, users and work have modules of their own (`actions_*`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from salesops.common.errors import Changed, Conflict, InvalidData, NotAllowed, Problem, UsageError

from . import access, approvals, audit, context, history, resolve, scope, values
from .access import Actor, require
from .approvals import Decided, Kind, Line, Plan, Waiting
from .entities import Entity, Field, entities
from .entities import entity as entity_of
from .writing import change_set, undo_batch

MOST_TOGETHER = 500
"""How many records one action changes together."""
When = date | int | None
"""When new values became true: a day (its first instant), an instant, or now."""


def create_record(actor: Actor, name: str, given: dict[str, Any], *, effective: When = None) -> int:
    """Create a record from values as people write them (or Python values) and give its id.

    An empty owner becomes the actor's person where the actor does not see everything; money without a currency is in
    the workspace's. Raises InvalidData with every problem, NotAllowed when the record would lie outside the actor's
    scope.
    """
    entity = entity_of(name)
    require(actor, "create", entity)
    fields = values.all_fields(entity)
    raw, problems = resolve.parse_fields(actor, entity, given, fields)
    raw = {field: value for field, value in raw.items() if value is not None}
    _defaults(actor, entity, raw)
    problems += _missing(entity, raw) + _invalid(entity, raw)
    _stop(problems, f"the {entity.name} cannot be created")
    _not_past(entity, raw)
    _unmasked(actor, entity, raw, {**raw, "visibility": None})
    with change_set(actor, "create", entity, effective=effective) as edit:
        record = edit.create(entity, raw)
        edit.refresh()
        _within(actor, entity, record)
    return record


def edit_record(
    actor: Actor,
    name: str,
    key: object,
    given: dict[str, Any],
    *,
    effective: When = None,
    expected: int | None = None,
    was: Mapping[str, str | None] | None = None,
) -> int:
    """Give a record new values; what is equal already is not written. Gives the record's version afterwards.

    `effective` says since when the values are true (an interval or event is corrected as a whole, so it takes none).
    `expected` is the version that the editor saw: another one raises Changed. `was` holds the canonical text of fields as
    the editor saw them: where one of those to be written holds another value now, Changed names it, and nothing is
    written; changes of other fields do not matter. Fields that a source owns are refused.
    """
    entity = entity_of(name)
    require(actor, "edit", entity)
    if effective is not None and entity.shape != "versioned":
        raise UsageError(f"a {entity.name} has its own times", remedy="Set valid_from, valid_to or at instead")
    record = _editable(actor, entity, key)
    fields = values.all_fields(entity)
    raw, problems = resolve.parse_fields(actor, entity, given, fields)
    current = _current(entity, record, fields)
    _not_past(entity, current)
    problems += _owned_by_source(entity, record, raw) + _invalid(entity, {**current, **raw}, changed=raw)
    _stop(problems, f"the {entity.name} cannot be changed")
    _unmasked(actor, entity, raw, current)
    if effective is None:
        raw = {field: value for field, value in raw.items() if current.get(field) != value}
    if not raw:
        _expect(entity, record, expected)
        return history.version_of(entity, record)
    with change_set(actor, "edit", entity, effective=effective) as edit:
        _expect(entity, record, expected)
        _as_seen(entity, record, raw, was or {}, fields)
        edit.change(entity, record, raw)
    return history.version_of(entity, record)


def edit_records(
    actor: Actor, name: str, keys: Iterable[object], given: dict[str, Any], *, note: str = ""
) -> tuple[int | None, int] | Waiting:
    """Give many records the same values, all or none, in one batch: (the batch, how many records changed).

    At most `MOST_TOGETHER` keys. The batch is None where every record has the values already. Of many (`approvals_from_rows`) it may
    need approval: then nothing is changed yet. Raises InvalidData with every problem and its record, NotAllowed where one belongs to
    somebody else.
    """
    entity = entity_of(name)
    require(actor, "edit", entity)
    ids = list(dict.fromkeys(keys))
    if not given or not ids:
        raise UsageError("nothing was chosen to change", remedy="Choose records, a field and its new value")
    if len(ids) > MOST_TOGETHER:
        raise UsageError(
            f"{len(ids):,} records are too many at once", remedy=f"Change at most {MOST_TOGETHER} together"
        )
    fields = values.all_fields(entity)
    raw, problems = resolve.parse_fields(actor, entity, given, fields)
    _stop(problems, f"the {entity.name} records cannot be changed")
    changed, before = _together(actor, entity, ids, raw)
    if len(changed) < approvals.from_rows():
        return _edit_together(actor, entity, changed, approvals.at_once)
    held = {
        "entity": entity.name,
        "records": sorted(changed),
        "values": {n: values.to_text(fields[n], v) for n, v in raw.items()},
    }
    digest = audit.digest_of([held["records"], held["values"]])[:16]
    what = f"Set {', '.join(sorted(raw))} of {len(changed):,} {entity.name} records"
    lines = _lines(actor, entity, changed, before)
    more = sum(map(len, changed.values())) - len(lines)
    plan = Plan("bulk_edit", what, entity.name, digest, held, _base(held), lines, more)
    done: tuple[int | None, int] | Waiting = approvals.through(
        actor, plan, lambda decided: _edit_together(actor, entity, changed, decided), note
    )
    return done


def not_too_many(count: int) -> None:
    """Raise Conflict where so many changes in one call would need approval: what each record gets is said to `edit_records` instead."""
    if count >= approvals.from_rows() and approvals.guards("bulk_edit"):
        raise Conflict(
            f"{count:,} changes in one call need approval",
            remedy="Give the records the same values together, or import a file",
        )


def _together(
    actor: Actor, entity: Entity, keys: Iterable[object], raw: dict[str, Any]
) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """What each record would get of raw values that it does not have, and what it has instead."""
    fields = values.all_fields(entity)
    problems: list[Problem] = []
    changed: dict[int, dict[str, Any]] = {}
    before: dict[int, dict[str, Any]] = {}
    for key in keys:
        record = _editable(actor, entity, key)
        current = _current(entity, record, fields)
        _not_past(entity, current)
        found = _owned_by_source(entity, record, raw) + _invalid(entity, {**current, **raw}, changed=raw)
        problems += [replace(one, record=str(record)) for one in found]
        _unmasked(actor, entity, raw, current)
        if new := {field: value for field, value in raw.items() if current.get(field) != value}:
            changed[record] = new
            before[record] = {field: current.get(field) for field in new}
    _stop(problems, f"the {entity.name} records cannot be changed")
    return changed, before


def _edit_together(
    actor: Actor, entity: Entity, changed: dict[int, dict[str, Any]], decided: Decided
) -> tuple[int | None, int]:
    if not changed:
        return None, 0
    with change_set(actor, "edit", entity) as edit:
        decided()
        for record, new in changed.items():
            edit.change(entity, record, new)
    return edit.batch, len(changed)


def _lines(
    actor: Actor, entity: Entity, changed: dict[int, dict[str, Any]], before: dict[int, dict[str, Any]]
) -> list[Line]:
    """What changes, as people read it: one line a record and field (as many as are listed at all)."""
    fields = values.all_fields(entity)
    shown = list(changed)[: approvals.MOST_LINES]
    wanted: dict[str, list[int]] = {entity.name: shown}
    for row in [*(changed[one] for one in shown), *(before[one] for one in shown)]:
        for name, value in row.items():
            if fields[name].kind == "ref" and value is not None:
                wanted.setdefault(fields[name].target, []).append(value)
    labels = resolve.labels(actor, {**wanted})

    def text(name: str, value: Any) -> str:
        if value is not None and fields[name].kind == "ref":
            return str(labels.get(fields[name].target, {}).get(value) or value)
        return "" if value is None else values.shown(fields[name], value)

    return [
        Line(f"{labels.get(entity.name, {}).get(record) or record}: {name}", text(name, before[record][name]), text(name, value))
        for record in shown
        for name, value in changed[record].items()
    ]  # fmt: skip


def _base(held: dict[str, Any]) -> str:
    """What the fields of the records hold now."""
    entity = entity_of(held["entity"])
    fields = values.all_fields(entity)
    rows = [_current(entity, record, fields) for record in held["records"]]
    return audit.digest_of(
        [[values.to_text(fields[name], row.get(name)) for name in sorted(held["values"])] for row in rows]
    )


def _apply(actor: Actor, held: dict[str, Any], decided: Decided) -> tuple[int | None, int]:
    """A bulk edit that was approved: checked again as on the day that it was proposed."""
    entity = entity_of(held["entity"])
    require(actor, "edit", entity)
    fields = values.all_fields(entity)
    raw = {name: values.from_text(fields[name], text) for name, text in held["values"].items()}
    changed, _before = _together(actor, entity, held["records"], raw)
    return _edit_together(actor, entity, changed, decided)


def _pay(actor: Actor, held: dict[str, Any]) -> bool:
    """Whether what changes is masked for the actor."""
    return bool(access.masked_fields(actor, entity_of(held["entity"])) & set(held["values"]))


approvals.register(Kind("bulk_edit", "Change of many records", "approve", _apply, _base, _pay))


def end_record(actor: Actor, name: str, key: object, last: date) -> int:
    """End an interval: `last` is the first day on which it holds no longer."""
    entity = entity_of(name)
    if entity.shape != "interval":
        raise UsageError(f"a {entity.name} does not end", remedy="Only intervals have a valid_to")
    return edit_record(actor, name, key, {"valid_to": last})


def delete_record(actor: Actor, name: str, key: object, *, effective: When = None, expected: int | None = None) -> int:
    """Delete a record: it is in no answer as of that moment or later, and in those as of earlier days. Gives its id."""
    return _set_deleted(actor, name, key, True, effective, expected)


def restore_record(actor: Actor, name: str, key: object, *, effective: When = None) -> int:
    """Bring a deleted record back. A merged one comes back by undoing the merge."""
    return _set_deleted(actor, name, key, False, effective, None)


def _set_deleted(actor: Actor, name: str, key: object, deleted: bool, effective: When, expected: int | None) -> int:
    entity = entity_of(name)
    action = "delete" if deleted else "restore"
    require(actor, action, entity)
    record = _editable(actor, entity, key, deleted=not deleted)
    _not_past(entity, _current(entity, record, values.all_fields(entity)))
    rows = entity.model.objects.filter(id=record)
    if entity.shape != "versioned":
        rows = rows.filter(recorded_to__isnull=True, batch__in=history.live_batches())
    if bool(rows.values_list("deleted", flat=True).first()) == deleted:
        raise Conflict(
            f"{entity.name} {record} is {'deleted already' if deleted else 'not deleted'}",
            remedy="Nothing is to be done",
        )
    with change_set(actor, action, entity, effective=effective if entity.shape == "versioned" else None) as edit:
        _expect(entity, record, expected)
        edit.delete(entity, record, deleted)
    return record


def merge_records(actor: Actor, name: str, winner: object, loser: object, *, fill: bool = True) -> int:
    """Merge two records of a versioned entity: the loser is deleted and redirects to the winner, whose id is given.

    The loser's source ids point to the winner, so that later imports of it arrive there; references to the loser stay
    as they are and read as the winner (`history.redirects`). `fill` takes the loser's values where the winner has none.
    `undo` takes the merge back.
    """
    entity = entity_of(name)
    require(actor, "merge", entity)
    if entity.shape != "versioned":
        raise UsageError(f"{entity.name} records cannot be merged", remedy="Delete the one that is wrong")
    kept, lost = _editable(actor, entity, winner), _editable(actor, entity, loser)
    if kept == lost:
        raise UsageError("a record cannot be merged with itself", remedy="Name two records")
    fields = values.all_fields(entity)
    mine, theirs = _current(entity, kept, fields), _current(entity, lost, fields)
    taken = {n: theirs[n] for n in fields if fill and mine.get(n) is None and theirs.get(n) is not None}
    from .models import SourceId

    with change_set(actor, "merge", entity) as edit:
        edit.set(entity, kept, {**taken, "merged_from": lost})
        edit.set(entity, lost, {"deleted": True, "merged_into": kept})
        sources = SourceId.objects.filter(entity=entity.code, record=lost)
        edit.undo["winner"] = kept
        edit.undo["moved"] = [[pk, lost] for pk in sources.order_by("pk").values_list("pk", flat=True)]
        sources.update(record=kept)
        edit.detail |= {"winner": kept, "loser": lost}
    return kept


def undo(actor: Actor, batch: int) -> int:
    """Undo one edit (or merge) made in the product, by its batch; gives how many records it affected.

    One's own edit is everybody's to undo who may still change its records; that of others takes the permission `undo`.
    """
    if not access.may(actor, "undo") and not _own_edit(actor, batch):
        require(actor, "undo")
    return undo_batch(actor, batch)


def abilities(actor: Actor, name: str, record: int) -> frozenset[str]:
    """What an actor may do with one record that he sees: edit, delete, restore, merge."""
    entity = entity_of(name)
    if not scope.may_see(actor, entity, record, now_only=True):
        return frozenset()
    wanted = ("edit", "delete", "restore", *(("merge",) if entity.shape == "versioned" else ()))
    return frozenset(action for action in wanted if access.may(actor, action, entity))


def may_undo(actor: Actor, batch: int) -> bool:
    """Whether `undo` would let the actor undo a batch."""
    return access.may(actor, "undo") or _own_edit(actor, batch)


# Checks


def _editable(actor: Actor, entity: Entity, key: object, *, deleted: bool = False) -> int:
    """The record that a key names, which the actor may change; raises NotFound (not seen) or NotAllowed (only seen)."""
    record = resolve.find_record(actor, entity, key, deleted=deleted)
    if not scope.may_see(actor, entity, record, now_only=True):
        raise NotAllowed(
            f"{entity.name} {record} belongs to somebody else now", remedy="Ask its owner, their manager or sales ops"
        )
    return record


def _not_past(entity: Entity, raw: Mapping[str, Any]) -> None:
    """A target of a period that has ended changes through the targets' own action, which has it approved."""
    if entity.name == "target" and is_past(raw.get("ends_on")) and approvals.guards("past_targets"):
        raise Conflict(
            "a target of a period that has ended is changed with an approval",
            remedy="Set or withdraw it as a target: salesops target set",
        )


def is_past(last: date | str | None) -> bool:
    """Whether a last day lies before today."""
    return last is not None and date.fromisoformat(str(last)) < context.today()


def _within(actor: Actor, entity: Entity, record: int) -> None:
    if not scope.may_see(actor, entity, record, now_only=True):
        raise NotAllowed(
            f"{actor.username} may not create a {entity.name} that belongs to others",
            remedy="Name yourself, or somebody below you, as the owner",
        )


def _own_edit(actor: Actor, batch: int) -> bool:
    """Whether a batch is an edit by this actor, who may change everything that it touched now."""
    from .models import Batch, Change

    row = Batch.objects.filter(pk=batch, kind="edit", user=actor.username).first()
    touched = entities().get(json.loads(row.summary).get("entity", "")) if row is not None else None
    if touched is None or not access.may(actor, "edit", touched):
        return False
    rows = (
        Change.objects.filter(batch=batch)
        if touched.shape == "versioned"
        else touched.model.objects.filter(batch=batch)
    )
    column = "record" if touched.shape == "versioned" else "id"
    ids = set(rows.values_list(column, flat=True))
    return all(scope.may_see(actor, touched, record, now_only=True) for record in ids)


def _as_seen(
    entity: Entity, record: int, raw: dict[str, Any], was: Mapping[str, str | None], fields: dict[str, Field]
) -> None:
    """Raise Changed where a field to be written holds another value than the editor saw; called inside the transaction."""
    now = _current(entity, record, fields)
    held = {name: values.to_text(fields[name], now.get(name)) for name in raw if name in was}
    moved = [name for name, text in held.items() if text != (was[name] or None)]
    if moved:
        remedy = "Keep yours or take theirs"
        problems = [Problem(entity.name, None, name, "was changed by somebody else", remedy) for name in moved]
        raise Changed(f"{', '.join(moved)}: changed by somebody else meanwhile", remedy=remedy, problems=problems)


def _expect(entity: Entity, record: int, expected: int | None) -> None:
    if expected is not None and (found := history.version_of(entity, record)) != expected:
        raise Changed(
            f"{entity.name} {record} has changed since (version {found}, not {expected})",
            remedy="Look at it again, then repeat the change",
        )


def _stop(problems: list[Problem], what: str) -> None:
    if problems:
        first = problems[0]
        raise InvalidData(f"{what}: {first.problem}", remedy=first.remedy, problems=problems)


def _unmasked(actor: Actor, entity: Entity, raw: dict[str, Any], row: dict[str, Any]) -> None:
    about = {**row, **dict.fromkeys(raw, True), "person": row.get("person"), "owner": row.get("owner")}
    about["visibility"] = row.get("visibility")
    masked = [name for name, value in access.mask(actor, entity, about).items() if value == access.MASKED]
    if refused := sorted(set(masked) & set(raw)):
        raise NotAllowed(f"{actor.username} may not write {', '.join(refused)}", remedy="Ask finance or an admin")


def _defaults(actor: Actor, entity: Entity, raw: dict[str, Any]) -> None:
    known = entity.by_name
    owner = scope.SCOPES.get(entity.name, scope.Scope()).person
    if owner and owner not in raw and not actor.sees_all and actor.person is not None:
        raw[owner] = actor.person
    if "currency" in known and "currency" not in raw and any(_is_money(known[n]) for n in raw if n in known):
        raw["currency"] = context.currency()


def _is_money(field: Field) -> bool:
    return field.kind == "money"


def _missing(entity: Entity, raw: dict[str, Any]) -> list[Problem]:
    if entity.shape == "versioned" and entity.label_field and entity.label_field not in raw:
        return [Problem(entity.name, None, entity.label_field, "is missing", f"Give {entity.label_field}=...")]
    return []


def _invalid(entity: Entity, raw: dict[str, Any], changed: dict[str, Any] | None = None) -> list[Problem]:
    """Rules over more than one field."""
    found = []
    start, end = raw.get("valid_from"), raw.get("valid_to")
    if start is not None and end is not None and end <= start:
        found.append(
            Problem(
                entity.name, None, "valid_to", f"{end} does not lie after {start}",
                "valid_to is the first day on which it holds no longer", value=str(end),
            )
        )  # fmt: skip
    if changed is not None and entity.shape == "versioned" and changed.get(entity.label_field, True) is None:
        found.append(Problem(entity.name, None, entity.label_field, "cannot be emptied", "Give a name"))
    stage, pipeline = raw.get("stage"), raw.get("pipeline")
    if entity.name == "opportunity" and stage is not None and pipeline is not None:
        from .models import Stage

        of = Stage.objects.filter(id=stage).values_list("pipeline", flat=True).first()
        if of is not None and of != pipeline:
            remedy = "Choose a stage of the deal's pipeline"
            found.append(Problem(entity.name, None, "stage", "belongs to another pipeline", remedy))
    if entity.name == "reporting_line" and raw.get("person") is not None and raw.get("person") == raw.get("manager"):
        found.append(Problem(entity.name, None, "manager", "is the person themselves", "Name another manager"))
    return found


def _owned_by_source(entity: Entity, record: int, raw: dict[str, Any]) -> list[Problem]:
    from .actions_settings import owners_of

    owners = owners_of(entity, record)
    remedy = "Change it there, or let the app own it: salesops field own"
    return [
        Problem(entity.name, None, name, "belongs to the source system", remedy)
        for name in raw
        if owners.get(name) == "source"
    ]


def _current(entity: Entity, record: int, fields: dict[str, Field]) -> dict[str, Any]:
    """The raw current values of a record, custom ones included."""
    rows = entity.model.objects.filter(id=record)
    if entity.shape != "versioned":
        rows = rows.filter(recorded_to__isnull=True, batch__in=history.live_batches()).order_by("-row")
    row = dict(rows.values()[0])
    held = json.loads(row["custom"] or "{}")
    found = {name: row[name] for name in entity.by_name}
    for name in fields:
        if name.startswith(values.CUSTOM):
            found[name] = values.from_text(fields[name], held.get(name.removeprefix(values.CUSTOM)))
    return found
