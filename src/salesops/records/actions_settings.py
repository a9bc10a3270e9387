"""What people declare about records: custom fields, words of closed lists, value rules, who owns a field, conflicts."""

from __future__ import annotations

import re
from typing import Any

from salesops.common.errors import Conflict, InvalidData, NotFound, UsageError

from . import audit, values
from .access import Actor, require
from .entities import Entity, entities
from .entities import entity as entity_of
from .writing import change_set, emit

KINDS = {
    **{kind: kind for kind in ("text", "integer", "money", "date", "instant", "boolean", "kind", "ref")},
    "number": "scaled:6",
    "share": "scaled:6",
}
"""What a custom field may hold, and the field kind that it is stored as."""
OWNERS = ("app", "source")


def _record(actor: Actor, action: str, entity: Entity | str, detail: dict[str, Any]) -> None:
    name = entity if isinstance(entity, str) else entity.name
    audit.write(actor, action, entity=name, rows=1, detail=detail)
    emit(action, {"entity": name, **detail})


# Custom fields


def declare_field(
    actor: Actor,
    name: str,
    field: str,
    kind: str = "text",
    *,
    title: str = "",
    words: tuple[str, ...] = (),
    target: str = "",
) -> None:
    """Declare a custom field of an entity, or change its title and words; its kind stays while it is declared."""
    from django.db import transaction

    from .models import CustomField

    entity = entity_of(name)
    require(actor, "manage_settings")
    field = field.removeprefix(values.CUSTOM)
    stored = KINDS.get(kind)
    if stored is None:
        raise UsageError(f"there is no kind of field {kind!r}", remedy=f"Kinds: {', '.join(KINDS)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,58}", field) or field in entity.by_name:
        remedy = "Use lower-case letters, digits and underscores, and no name of a built-in field"
        raise InvalidData(f"{field!r} cannot name a custom field of {entity.name}", remedy=remedy)
    if stored == "kind" and not words:
        raise UsageError("a field of kind needs its words", remedy="Give --words a,b,c")
    if bad := [word for word in words if not re.fullmatch(r"\S{1,60}", word)]:
        raise InvalidData(f"{', '.join(bad)}: words have no spaces", remedy="Join them by underscores")
    target = entity_of(target).name if stored == "ref" else ""
    with transaction.atomic():
        audit.lock()
        there = CustomField.objects.filter(entity=entity.name, name=field).first()
        if there is not None and (there.kind, there.target) != (stored, target):
            raise Conflict(f"{field} is declared as {there.kind}", remedy="Retire it first, or choose another name")
        columns = {"kind": stored, "title": title, "target": target, "words": " ".join(words)}
        CustomField.objects.update_or_create(entity=entity.name, name=field, defaults=columns)
        _record(actor, "field.declare", entity, {"field": field, **columns})


def retire_field(actor: Actor, name: str, field: str) -> None:
    """Take a custom field out of use. Its history stays, and shows again when it is declared anew."""
    from django.db import transaction

    from .models import CustomField

    entity = entity_of(name)
    require(actor, "manage_settings")
    with transaction.atomic():
        audit.lock()
        found = CustomField.objects.filter(entity=entity.name, name=field.removeprefix(values.CUSTOM))
        if not found.delete()[0]:
            raise NotFound(f"{entity.name} has no custom field {field!r}", remedy="salesops field list")
        _record(actor, "field.retire", entity, {"field": field})


def list_fields(actor: Actor, name: str = "") -> list[dict[str, Any]]:
    """The declared custom fields (of one entity)."""
    from .models import CustomField

    require(actor, "read")
    found = CustomField.objects.order_by("entity", "name")
    if name:
        found = found.filter(entity=entity_of(name).name)
    return [dict(row) for row in found.values("entity", "name", "kind", "title", "target", "words")]


def declare_word(actor: Actor, name: str, field: str, word: str, title: str = "") -> None:
    """Add a word to the closed list of a kind field."""
    from django.db import transaction

    from .models import DeclaredWord

    entity = entity_of(name)
    require(actor, "manage_settings")
    if entity.field(field).kind != "kind":
        raise UsageError(f"{entity.name}.{field} is no closed list", remedy="Words are for fields of kind 'kind'")
    word = word.strip().lower().replace(" ", "_")
    if not word:
        raise UsageError("the word is empty", remedy="Give a word")
    with transaction.atomic():
        audit.lock()
        DeclaredWord.objects.update_or_create(entity=entity.name, field=field, word=word, defaults={"title": title})
        _record(actor, "word.declare", entity, {"field": field, "word": word})


# Value rules


def add_rule(actor: Actor, name: str, field: str, found: str, becomes: str | None, *, system: str = "*") -> int:
    """From the next import on, read `found` in a field as `becomes` (None: as empty); gives the rule's number."""
    from django.db import transaction

    from .models import ValueRule

    entity = entity_of(name)
    require(actor, "manage_settings")
    if values.find_field(values.all_fields(entity), field) is None:
        entity.field(field)
    with transaction.atomic():
        audit.lock()
        rule, _ = ValueRule.objects.update_or_create(
            entity=entity.name, field=field, system=system, found=found, defaults={"becomes": becomes}
        )
        detail = {"field": field, "system": system, "found": found, "becomes": becomes}
        _record(actor, "rule.add", entity, detail)
    return int(rule.pk)


STAYS = "later imports read the text as it is written; what the rule corrected stays (undo the import that applied it, or edit)"
"""What to know of a rule that was removed."""


def remove_rule(actor: Actor, number: int) -> None:
    """Remove a value rule. Values that it corrected stay: `salesops import undo` takes those of an import away."""
    from django.db import transaction

    from .models import ValueRule

    require(actor, "manage_settings")
    with transaction.atomic():
        audit.lock()
        rule = ValueRule.objects.filter(pk=number).first()
        if rule is None:
            raise NotFound(f"there is no value rule {number}", remedy="salesops rule list")
        rule.delete()
        _record(actor, "rule.remove", rule.entity, {"field": rule.field, "found": rule.found})


def list_rules(actor: Actor, name: str = "") -> list[dict[str, Any]]:
    """The value rules (of one entity)."""
    from .models import ValueRule

    require(actor, "read")
    rows = ValueRule.objects.order_by("entity", "field", "system", "found")
    if name:
        rows = rows.filter(entity=entity_of(name).name)
    return [dict(row) for row in rows.values("id", "entity", "field", "system", "found", "becomes")]


# Ownership and conflicts


def owners_of(entity: Entity, record: int | None) -> dict[str, str]:
    """Who owns which field of a record: what is said of the record comes before what is said of its entity."""
    from django.db.models import Q

    from .models import FieldOwner

    rows = FieldOwner.objects.filter(Q(record=record) | Q(record=None), entity=entity.name)
    found = list(rows.values_list("field", "owner", "record"))
    general = {field: owner for field, owner, one in found if one is None}
    return general | {field: owner for field, owner, one in found if one is not None}


def set_owner(actor: Actor, name: str, field: str, owner: str, *, record: object | None = None) -> None:
    """Say who decides a field, of one record or of an entity: `app` (imports leave it), `source`, or '' (nobody)."""
    from django.db import transaction

    from . import resolve
    from .models import FieldOwner

    entity = entity_of(name)
    require(actor, "manage_settings")
    known = values.find_field(values.all_fields(entity), field) or entity.field(field)
    if owner not in (*OWNERS, ""):
        raise UsageError(f"{owner!r} owns no field", remedy="Use app or source")
    one = None if record is None else resolve.find_record(actor, entity, record)
    with transaction.atomic():
        audit.lock()
        FieldOwner.objects.filter(entity=entity.name, record=one, field=known.name).delete()
        if owner:
            FieldOwner.objects.create(entity=entity.name, record=one, field=known.name, owner=owner)
        _record(actor, "field.own", entity, {"field": known.name, "record": one, "owner": owner})


def list_conflicts(actor: Actor, *, resolved: bool = False) -> list[dict[str, Any]]:
    """Values of sources that were not taken because the app owns the field."""
    from .models import ImportConflict

    require(actor, "read_settings")
    rows = ImportConflict.objects.order_by("id")
    return [dict(row) for row in (rows if resolved else rows.filter(resolved="")).values()]


def resolve_conflict(actor: Actor, number: int, take: str) -> None:
    """Settle a conflict: `kept` leaves the app's value, `offered` takes the source's."""
    from .models import ImportConflict

    require(actor, "import")
    if take not in ("kept", "offered"):
        raise UsageError(f"{take!r} settles nothing", remedy="Use kept or offered")
    row = ImportConflict.objects.filter(pk=number, resolved="").first()
    if row is None:
        raise NotFound(f"there is no open conflict {number}", remedy="salesops field conflicts")
    entity = entities()[row.entity]
    field = values.find_field(values.all_fields(entity), row.field) or entity.field(row.field)
    with change_set(actor, "resolve_conflict", entity) as edit:
        if not ImportConflict.objects.filter(pk=number, resolved="").update(resolved=take):
            raise Conflict(f"conflict {number} was settled by somebody else", remedy="Look at the list again")
        if take == "offered":
            edit.change(entity, row.record, {field.name: values.from_text(field, row.offered)})
        edit.detail |= {"conflict": number, "take": take}
