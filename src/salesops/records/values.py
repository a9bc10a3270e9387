"""Values of fields in three forms: raw (as stored), canonical text (as in `Change`), and as people read and write.

Raw values are Python's: money and `scaled:N` are integers in 10^-4 and 10^-N, instants microseconds, dates `date`,
booleans `bool`, references ids. Canonical text is what `Change.value` and custom fields hold: integers in digits, dates
ISO, booleans `1`/`0`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from salesops.common.errors import InvalidData, Problem
from salesops.common.instants import from_us, to_us, zone_name
from salesops.common.money import CURRENCIES, FORMER_CURRENCIES, MAX_UNITS, Money, format_money

from . import context
from .entities import Entity, Field

CUSTOM = "custom."
TRUE, FALSE = {"1", "true", "yes", "y", "on"}, {"0", "false", "no", "n", "off"}
_LONGEST = 1_000_000
DELETED = Field("deleted", "boolean")
MERGED_INTO = Field("merged_into", "ref")
MERGED_FROM = Field("merged_from", "ref")
TECHNICAL = {field.name: field for field in (DELETED, MERGED_INTO, MERGED_FROM)}
"""Fields that history knows and no mapping writes: a deletion, and both ends of a merge."""


class Unreadable(ValueError):
    """A value that is none of its kind: what is wrong, and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


# Fields of an entity


def custom_fields(entity: Entity) -> tuple[Field, ...]:
    """The declared custom fields of an entity, as fields named `custom.<name>`."""
    from .models import CustomField

    return tuple(
        Field(CUSTOM + row.name, row.kind, row.target, tuple(row.words.split()), row.title, custom=True)
        for row in CustomField.objects.filter(entity=entity.name).order_by("name")
    )


def own_fields(entity: Entity) -> tuple[Field, ...]:
    """Fields that are columns of an entity, without its times of validity."""
    return tuple(field for field in entity.fields if field.name not in ("valid_from", "valid_to", "at"))


def all_fields(entity: Entity) -> dict[str, Field]:
    """Every field by name: the entity's own, then its custom ones."""
    return {field.name: field for field in (*entity.fields, *custom_fields(entity))}


def find_field(fields: dict[str, Field], name: str) -> Field | None:
    """The field of a name; a custom field is also found without its prefix."""
    return fields.get(name) or fields.get(CUSTOM + name)


def words_of(entity: Entity, field: Field) -> tuple[str, ...]:
    """The words that a kind field may hold: its closed list and those declared for it."""
    from .models import DeclaredWord

    declared = DeclaredWord.objects.filter(entity=entity.name, field=field.name).order_by("word")
    return (*field.words, *declared.values_list("word", flat=True))


# Raw <-> canonical text


def to_text(field: Field, raw: Any) -> str | None:
    """Canonical text of a raw value; None stays None."""
    if raw is None:
        return None
    if field.kind in ("text", "kind"):
        return str(raw)
    if field.kind == "boolean":
        return "1" if raw else "0"
    if field.kind == "date":
        return raw.isoformat() if isinstance(raw, date) else str(raw)
    return str(int(raw))


def from_text(field: Field, text: str | None) -> Any:
    """The raw value of canonical text."""
    if text is None:
        return None
    if field.kind in ("text", "kind"):
        return text
    if field.kind == "boolean":
        return text == "1"
    if field.kind == "date":
        return date.fromisoformat(text)
    return int(text)


def to_python(field: Field, raw: Any) -> Any:
    """A raw value as Python programs read it: Decimal for money and scaled numbers, a moment in UTC for instants."""
    if raw is None:
        return None
    if field.kind == "money" or field.kind.startswith("scaled"):
        return Decimal(raw).scaleb(-field.places)
    if field.kind == "instant":
        return from_us(raw)
    return raw


def display(field: Field, raw: Any, *, currency: str | None = None, label: str | None = None) -> str:
    """A raw value for people (plain text; pages format by locale). Empty text for no value."""
    if raw is None:
        return ""
    if field.kind == "ref":
        return label if label is not None else str(raw)
    if field.kind == "money":
        amount = _plain(Decimal(raw).scaleb(-4))
        return f"{amount} {currency}" if currency else amount
    if field.kind.startswith("scaled"):
        return _plain(Decimal(raw).scaleb(-field.places))
    if field.kind == "instant":
        moment = from_us(raw).astimezone(ZoneInfo(context.time_zone()))
        return moment.isoformat(sep=" ", timespec="seconds" if moment.microsecond == 0 else "microseconds")
    if field.kind == "boolean":
        return "yes" if raw else "no"
    return str(raw)


def shown(field: Field, raw: Any, *, currency: str | None = None, label: str | None = None) -> str:
    """A raw value for a table that people read: `1,132.00 USD` (further decimals where they are not zero), and moments
    in local time without seconds, or time of day, that are zero. Otherwise as `display`."""
    if raw is not None and field.kind == "money":
        known = currency in CURRENCIES or currency in FORMER_CURRENCIES
        text = format_money(Money(raw, currency if known and currency else "USD"), exact=True)
        return text if known else text.removesuffix(" USD")
    if raw is not None and field.kind == "instant":
        moment = from_us(raw).astimezone(ZoneInfo(context.time_zone())).replace(tzinfo=None)
        if not moment.second and not moment.microsecond:
            whole = not moment.hour and not moment.minute
            return moment.date().isoformat() if whole else moment.isoformat(sep=" ", timespec="minutes")
        return moment.isoformat(sep=" ")
    return display(field, raw, currency=currency, label=label)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# What people write


def parse(entity: Entity, field: Field, value: Any, source: str = "") -> tuple[Any, list[Problem]]:
    """The raw value of what somebody gave (text, or a Python value of the right type), and what is wrong with it.

    Empty text and None empty the field. References are resolved by `records.resolve`, which calls this for the rest.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, []
    try:
        return _parse(entity, field, value.strip() if isinstance(value, str) else value), []
    except Unreadable as error:
        where = source or entity.name
        return None, [Problem(where, None, field.name, error.problem, error.remedy, value=str(value)[:200])]


def _parse(entity: Entity, field: Field, value: Any) -> Any:
    kind = field.kind
    if is_zone(entity, field):
        return _zone(str(value))
    if kind == "text":
        return _text(field, value)
    if kind == "kind":
        return _word(entity, field, str(value))
    if kind == "boolean":
        return _boolean(value)
    if kind == "date":
        return _day(value)
    if kind == "instant":
        return _instant(value)
    if kind in ("integer", "ref"):
        return _integer(value)
    return _scaled(field, value)


def _text(field: Field, value: Any) -> str:
    text = str(value)
    if "\x00" in text or "\x01" in text:
        raise Unreadable("text with control characters", "Remove them")
    if len(text) > _LONGEST:
        raise Unreadable(f"{len(text):,} characters are too many", f"Keep it below {_LONGEST:,}")
    code = field.name == "currency" or field.name.endswith("_currency")
    if code and text.upper() not in CURRENCIES | FORMER_CURRENCIES:
        raise Unreadable(f"{text!r} is no currency", "Use an ISO 4217 code such as EUR or USD")
    return text.upper() if code else text


def is_zone(entity: Entity, field: Field) -> bool:
    """Whether a field says in which time zone days end."""
    return (entity.name, field.name, field.custom) == ("business_unit", "time_zone", False)


def _zone(text: str) -> str:
    try:
        return zone_name(text)
    except InvalidData as error:
        raise Unreadable(error.message, error.remedy) from None


def _word(entity: Entity, field: Field, text: str) -> str:
    words = words_of(entity, field)
    for candidate in (text, text.lower(), re.sub(r"[\s-]+", "_", text.lower())):
        if candidate in words:
            return candidate
    raise Unreadable(f"{text!r} is no {field.name} of {entity.name}", f"Use one of: {', '.join(words)}")


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise Unreadable(f"{value!r} is neither yes nor no", "Write yes or no")


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        raise Unreadable(f"{value} is a moment, not a day", "Give a date")
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Unreadable(f"{value!r} is no date", "Write it as 2017-03-31") from None


def _instant(value: Any) -> int:
    """Microseconds of a moment; a moment without a zone is local, a date means its first instant."""
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, date):
            return context.day_start(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            return value
        elif re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
            return context.day_start(date.fromisoformat(str(value)))
        else:
            moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(context.time_zone()))
        return to_us(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        raise Unreadable(
            f"{value!r} is no moment", "Write it as 2017-03-31 14:30 or 2017-03-31T14:30:00+02:00"
        ) from None


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,19}", str(value)) or abs(int(value)) > MAX_UNITS:
        raise Unreadable(f"{value!r} is no whole number", "Write digits only")
    return int(value)


def _scaled(field: Field, value: Any) -> int:
    """The integer of 10^-places; more decimals than that are refused, never rounded in silence."""
    text = str(value)
    percent = text.endswith("%") and field.kind == "scaled:6"
    with localcontext(prec=100):
        try:
            number = Decimal(text.removesuffix("%").strip() if percent else text) / (100 if percent else 1)
        except (InvalidOperation, ValueError):
            number = Decimal("NaN")
        if isinstance(value, bool) or "_" in text or not number.is_finite():
            raise Unreadable(f"{value!r} is no number", "Write a plain number such as 1200.50")
        if number and number.adjusted() > 30:
            raise Unreadable(f"{value} is too large to store", "Check the figure")
        scaled = number.scaleb(field.places)
        if scaled != scaled.to_integral_value():
            raise Unreadable(f"{value} has more than {field.places} decimals", "Round it first")
    if abs(scaled) > MAX_UNITS:
        raise Unreadable(f"{value} is too large to store", "Check the figure")
    return int(scaled)
