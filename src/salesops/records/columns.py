"""How each field kind is typed in columnar work, and how a day is taken from an instant, as DuckDB SQL."""

from __future__ import annotations

from dataclasses import dataclass

from .entities import Entity, Field

# "This value was asserted to be empty", in a typed column where NULL means "not asserted".
EMPTY = {"VARCHAR": "chr(1)", "BIGINT": "(-9223372036854775807)", "DATE": "DATE '0001-01-01'", "TINYINT": "2"}
FOREVER = "DATE '9999-12-31'"
BEGINNING_US = -62135596800000000  # 0001-01-01: true for as long as anybody can ask


def sql_type(kind: str) -> str:
    """The working column type of a field kind while versions are built (booleans travel as TINYINT)."""
    if kind in ("text", "kind"):
        return "VARCHAR"
    if kind == "date":
        return "DATE"
    return "TINYINT" if kind == "boolean" else "BIGINT"


@dataclass(frozen=True)
class Column:
    """A column of a warehouse table: `field` is its name in the history, `name` its name in the table."""

    name: str
    field: str
    kind: str
    target: str = ""

    @property
    def type(self) -> str:
        return sql_type(self.kind)

    @property
    def empty(self) -> str:
        return EMPTY[self.type]

    def out(self, expression: str) -> str:
        """The finished value: asserted-empty becomes NULL, booleans become BOOLEAN."""
        value = f"nullif({expression}, {self.empty})"
        return f"({value} = 1)" if self.kind == "boolean" else value


def columns_of(entity: Entity, custom: list[Field]) -> list[Column]:
    """The fields of an entity and its declared custom fields, as columns."""
    own = [Column(f.name, f.name, f.kind, f.target) for f in entity.fields]
    return own + [Column(f"custom_{f.name}", f"custom.{f.name}", f.kind, f.target) for f in custom]


def day_sql(instant: str, time_zone: str) -> str:
    """The business day of an instant (microseconds)."""
    if time_zone == "UTC":
        return f"make_timestamp({instant})::DATE"
    return f"timezone('{time_zone}', timezone('UTC', make_timestamp({instant})))::DATE"


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


DELETED = Column("deleted", "deleted", "boolean")

# Things that happen: without any date of their own they belong to no day. The rest (people, products, stages ...) always were.
DATED_BY_NATURE = {"opportunity", "lead", "order", "invoice", "target"}


def since_ever(entity: Entity) -> int | None:
    """The effective instant of a record without any date: always, or none where a date is part of its nature."""
    return None if entity.name in DATED_BY_NATURE else BEGINNING_US


def custom_fields() -> dict[str, list[Field]]:
    """The declared custom fields of each entity."""
    from .models import CustomField

    found: dict[str, list[Field]] = {}
    for c in CustomField.objects.order_by("entity", "name"):
        words = tuple(c.words.split(",")) if c.words else ()
        found.setdefault(c.entity, []).append(Field(c.name, c.kind, c.target, words, c.title, custom=True))
    return found
