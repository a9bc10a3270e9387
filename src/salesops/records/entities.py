"""The entities of the data model, read off the stored models: the one place that imports, the CLI, the warehouse and the
data dictionary ask what an entity is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from salesops.common.errors import NotFound

# Columns that every record carries and that are not fields a user maps.
TECHNICAL = {
    "id", "row", "batch", "custom", "deleted", "system", "external_id", "recorded_from", "recorded_to", "assumed", "closed_by",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field: `kind` is text, integer, boolean, date, instant, money, scaled:N, ref or kind (a word of `words`)."""

    name: str
    kind: str
    target: str = ""
    words: tuple[str, ...] = ()
    help: str = ""
    custom: bool = False

    @property
    def places(self) -> int:
        """Decimal places of a money or scaled field."""
        return 4 if self.kind == "money" else int(self.kind.split(":")[1])


@dataclass(frozen=True)
class Entity:
    """One entity: its name, its shape (versioned, interval, event), its fields and its stored model."""

    name: str
    shape: str
    code: int
    model: Any
    fields: tuple[Field, ...]
    label_field: str
    help: str

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    @property
    def table(self) -> str:
        return str(self.model._meta.db_table)

    def field(self, name: str) -> Field:
        """The field of this name; raises NotFound with the names that exist."""
        if name not in self.by_name:
            raise NotFound(f"{self.name} has no field {name!r}", remedy=f"Fields: {', '.join(self.by_name)}")
        return self.by_name[name]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _field(column: Any) -> Field:
    return Field(
        name=column.name,
        kind=column.kind,
        target=getattr(column, "target", ""),
        words=tuple(getattr(column, "words", ())),
        help=str(column.help_text),
    )


def _entity(model: Any) -> Entity:
    fields = tuple(_field(column) for column in model._meta.fields if column.name not in TECHNICAL)
    return Entity(
        name=_snake(model.__name__),
        shape=model.shape,
        code=model.code,
        model=model,
        fields=fields,
        label_field=model.label_field,
        help=(model.__doc__ or "").strip() if not (model.__doc__ or "").startswith(model.__name__) else "",
    )


@cache
def entities() -> dict[str, Entity]:
    """Every entity by name, in the order of the data model."""
    from django.apps import apps

    found = [_entity(m) for m in apps.get_app_config("records").get_models() if getattr(m, "code", 0)]
    return {entity.name: entity for entity in sorted(found, key=lambda e: e.code)}


def entity(name: str) -> Entity:
    """The entity of this name (singular, snake case; a plural or a space is understood)."""
    wanted = name.strip().lower().replace(" ", "_").replace("-", "_")
    known = entities()
    for candidate in (wanted, wanted.removesuffix("s"), wanted.removesuffix("ies") + "y", wanted.removesuffix("es")):
        if candidate in known:
            return known[candidate]
    raise NotFound(f"there is no entity {name!r}", remedy=f"Entities: {', '.join(known)}")
