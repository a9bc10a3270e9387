"""Values of records as pages show them: money with its currency, days as people write them, references as links, masks as masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from salesops.common.instants import from_us
from salesops.records import access, context
from salesops.records.entities import Field

from . import shown

SHARES = frozenset({"probability", "probability_override", "share", "discount", "margin", "fte"})
"""Scaled fields that are a part of a whole: shown in percent."""


@dataclass(frozen=True)
class Cell:
    """One value in a place: its text, the record that it leads to, and whether it is a number."""

    text: str = ""
    entity: str = ""
    id: int | None = None
    number: bool = False
    masked: bool = False
    title: str = ""


def cell(row: Mapping[str, Any], one: Field, labels: Mapping[str, Mapping[int, str]]) -> Cell:
    """A raw value of a row."""
    raw = row.get(one.name)
    if raw is None:
        return Cell(number=is_number(one))
    if raw == access.MASKED:
        return Cell(access.MASKED, masked=True, title=_("Not yours to read"))
    if one.kind == "ref":
        label = labels.get(one.target, {}).get(raw)
        return Cell(_("not yours to see"), title=str(raw)) if label is None else Cell(label, one.target, raw)
    if one.kind == "money":
        return Cell(shown.money(Decimal(raw).scaleb(-4), row.get("currency") or context.currency()), number=True)
    return Cell(text(one, raw), number=is_number(one))


def text(one: Field, raw: Any) -> str:
    """A raw value that is no reference and no amount, in the reader's language."""
    if one.kind.startswith("scaled"):
        value = Decimal(raw).scaleb(-one.places)
        if one.name in SHARES:
            return f"{_plain(value * 100)}%"
        return _plain(value)
    if one.kind == "integer":
        return (
            str(raw) if one.name in ("founded", "position", "line", "start_month", "week_start") else shown.number(raw)
        )
    if one.kind == "date":
        return shown.day(raw if isinstance(raw, date) else date.fromisoformat(str(raw)))
    if one.kind == "instant":
        return moment(raw)
    if one.kind == "boolean":
        return _("yes") if raw else _("no")
    if one.kind == "kind":
        return str(raw).replace("_", " ")
    return str(raw)


def moment(instant: int | None) -> str:
    """An instant in the workspace's time zone; without a time where it is midnight."""
    if instant is None:
        return ""
    local = from_us(instant).astimezone(ZoneInfo(context.time_zone()))
    if not (local.hour or local.minute or local.second):
        return shown.day(local.date())
    return f"{shown.day(local.date())}, {date_format(local, pgettext('time format', 'H:i'))}"


def is_number(one: Field) -> bool:
    return one.kind in ("money", "integer") or one.kind.startswith("scaled")


def typed(one: Field, raw: Any) -> str:
    """A raw value as somebody would type it into a form; references as ids."""
    if raw is None:
        return ""
    if one.kind == "money":
        return _bare(Decimal(raw).scaleb(-4))
    if one.kind.startswith("scaled"):
        value = Decimal(raw).scaleb(-one.places)
        return f"{_bare(value * 100)}%" if one.name in SHARES else _bare(value)
    if one.kind == "instant":
        local = from_us(raw).astimezone(ZoneInfo(context.time_zone())).replace(tzinfo=None, microsecond=0)
        return local.isoformat(timespec="seconds" if local.second else "minutes")
    if one.kind == "boolean":
        return "yes" if raw else "no"
    return str(raw)


def _plain(value: Decimal) -> str:
    places = max(0, -int(value.normalize().as_tuple().exponent))
    return shown.number(value, places)


def _bare(value: Decimal) -> str:
    found = f"{value:f}"
    return found.rstrip("0").rstrip(".") if "." in found else found


def link(entity: str, record: int, query: str = "") -> str:
    return reverse("record", args=[entity, record]) + query
