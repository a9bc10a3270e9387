"""What stands on a record's page: its facts in groups, its timeline, its stages, and the lists of what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.records import access, context, queries
from salesops.records.access import Actor
from salesops.records.entities import Entity, Field, entity
from salesops.records.values import shown as plain_shown
from salesops.web.shell import cells, shown
from salesops.web.shell.cells import Cell
from salesops.web.shell.words import Words, field_title, many_of

FEW = 8
"""How many rows a list on a record's page shows."""
VERSIONS = 40
"""How many versions a timeline shows before it asks."""

PLACE = frozenset(
    {"street", "city", "state", "postal_code", "country", "region", "location", "latitude", "longitude", "time_zone"}
)
REACH = frozenset({"email", "other_emails", "phone", "website"})
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "opportunity": ("name", "account", "owner", "stage", "amount", "expected_close", "actual_close", "type", "source"),
    "account": ("name", "owner", "type", "industry", "segment", "country", "employees", "revenue"),
    "contact": ("name", "account", "title", "role", "email", "phone"),
    "lead": ("name", "company", "owner", "status", "source", "created", "converted_at", "country"),
    "order": ("number", "account", "owner", "ordered_on", "amount", "status", "opportunity"),
    "invoice": ("number", "kind", "account", "issued_on", "due_on", "amount", "status"),
    "person": ("name", "title", "email", "region", "country"),
    "activity": ("at", "kind", "subject", "owner", "account", "opportunity", "minutes", "status"),
    "opportunity_line": ("product", "opportunity", "quantity", "price", "discount", "amount"),
    "opportunity_split": ("person", "opportunity", "share", "kind", "valid_from", "valid_to"),
    "opportunity_contact": ("contact", "opportunity", "role", "primary"),
    "order_line": ("product", "order", "quantity", "price", "discount", "amount", "profit"),
    "invoice_line": ("product", "invoice", "quantity", "amount"),
    "subscription": ("product", "account", "recurring_amount", "valid_from", "valid_to"),
    "reporting_line": ("person", "manager", "kind", "valid_from", "valid_to"),
    "employment": ("person", "role", "grade", "fte", "pay_currency", "valid_from", "valid_to"),
    "team_member": ("person", "team", "role", "valid_from", "valid_to"),
    "target": ("metric", "period", "person", "team", "business_unit", "amount", "number", "kind", "status"),
    "campaign": ("name", "kind", "channel", "starts_on", "ends_on", "budget", "paid"),
    "campaign_member": ("at", "campaign", "contact", "lead", "status"),
    "product": ("name", "product_code", "line", "family", "recurring", "standard_cost"),
    "team": ("name", "kind", "parent", "business_unit"),
}
"""The columns that a list of an entity shows unless somebody chooses others."""
RELATED: Mapping[str, tuple[tuple[str, str, Words], ...]] = {
    "opportunity": (
        ("opportunity_line", "opportunity", gettext_lazy("Lines")), ("opportunity_split", "opportunity", gettext_lazy("Splits")),
        ("opportunity_contact", "opportunity", gettext_lazy("Contacts")), ("order", "opportunity", gettext_lazy("Orders")),
        ("activity", "opportunity", gettext_lazy("Activities")),
    ),
    "account": (
        ("opportunity", "account", gettext_lazy("Deals")), ("order", "account", gettext_lazy("Orders")),
        ("contact", "account", gettext_lazy("Contacts")), ("subscription", "account", gettext_lazy("Subscriptions")),
        ("invoice", "account", gettext_lazy("Invoices")), ("account", "parent", gettext_lazy("Accounts below it")),
        ("territory_assignment", "account", gettext_lazy("Territories")), ("activity", "account", gettext_lazy("Activities")),
    ),
    "contact": (
        ("opportunity_contact", "contact", gettext_lazy("Deals")), ("campaign_member", "contact", gettext_lazy("Campaigns")),
        ("consent", "contact", gettext_lazy("Consents")), ("activity", "contact", gettext_lazy("Activities")),
        ("engagement_event", "contact", gettext_lazy("Engagement")),
    ),
    "lead": (
        ("campaign_member", "lead", gettext_lazy("Campaigns")), ("consent", "lead", gettext_lazy("Consents")),
        ("activity", "lead", gettext_lazy("Activities")), ("engagement_event", "lead", gettext_lazy("Engagement")),
    ),
    "person": (
        ("reporting_line", "person", gettext_lazy("Reports to, now and then")),
        ("reporting_line", "manager", gettext_lazy("Who reports here, now and then")),
        ("employment", "person", gettext_lazy("Employment")), ("team_member", "person", gettext_lazy("Teams")),
        ("target", "person", gettext_lazy("Targets")), ("territory_member", "person", gettext_lazy("Territories")),
        ("opportunity", "owner", gettext_lazy("Deals")), ("account", "owner", gettext_lazy("Accounts")),
        ("lead", "owner", gettext_lazy("Leads")), ("absence", "person", gettext_lazy("Absences")),
        ("person_skill", "person", gettext_lazy("Skills")),
    ),
    "team": (
        ("team_member", "team", gettext_lazy("Members, now and then")), ("target", "team", gettext_lazy("Targets")),
        ("team", "parent", gettext_lazy("Teams below it")),
    ),
    "order": (("order_line", "order", gettext_lazy("Lines")), ("invoice", "order", gettext_lazy("Invoices"))),
    "invoice": (("invoice_line", "invoice", gettext_lazy("Lines")), ("payment", "invoice", gettext_lazy("Payments"))),
    "product": (("price", "product", gettext_lazy("Prices")), ("opportunity_line", "product", gettext_lazy("Deal lines"))),
    "price_book": (("price", "price_book", gettext_lazy("Prices")),),
    "campaign": (
        ("lead", "campaign", gettext_lazy("Leads")), ("opportunity", "campaign", gettext_lazy("Deals")),
        ("cost", "campaign", gettext_lazy("Costs")), ("campaign_member", "campaign", gettext_lazy("Members")),
    ),
    "territory": (
        ("territory_member", "territory", gettext_lazy("People")), ("territory_assignment", "territory", gettext_lazy("Accounts")),
        ("territory", "parent", gettext_lazy("Territories below it")), ("opportunity", "territory", gettext_lazy("Deals")),
    ),
    "pipeline": (("stage", "pipeline", gettext_lazy("Stages")), ("opportunity", "pipeline", gettext_lazy("Deals"))),
    "stage": (("opportunity", "stage", gettext_lazy("Deals that are in it now")),),
    "business_unit": (("business_unit", "parent", gettext_lazy("Units below it")), ("team", "business_unit", gettext_lazy("Teams"))),
    "calendar": (("holiday", "calendar", gettext_lazy("Holidays")), ("working_time", "calendar", gettext_lazy("Working times"))),
}  # fmt: skip
"""The lists on a record's page: entity, the field that refers to the record, title."""
LARGE = frozenset({"activity", "engagement_event", "campaign_member", "consent"})
"""Entities of so many rows that their lists come after the page."""
ORDER: Mapping[str, str] = {"activity": "-at", "engagement_event": "-at", "campaign_member": "-at", "consent": "-at",
    "opportunity": "-created", "order": "-ordered_on", "invoice": "-issued_on", "lead": "-created", "stage": "position",
    "reporting_line": "-valid_from", "employment": "-valid_from", "team_member": "-valid_from", "absence": "-valid_from",
    "target": "-starts_on", "price": "-valid_from", "cost": "-at", "payment": "-at", "subscription": "-valid_from"}  # fmt: skip
DOWN = "-created"
"""Newest first where nothing else is said."""


# Facts


@dataclass(frozen=True)
class Fact:
    """A field of a record as its page shows it."""

    name: str
    title: str
    cell: Cell
    assumed: bool = False
    help: str = ""


def facts(record: queries.Record) -> tuple[list[tuple[str, list[Fact]]], list[str]]:
    """The fields that hold something, in groups, and the titles of those that are empty."""
    groups: dict[str, list[Fact]] = {}
    empty = []
    for one in record.fields:
        if one.name == record.entity.label_field:
            continue
        found = cells.cell(record.values, one, record.labels)
        if not found.text:
            empty.append(field_title(one.name))
            continue
        fact = Fact(one.name, field_title(one.name), found, one.name in record.assumed, one.help)
        groups.setdefault(group_of(one), []).append(fact)
    order = [str(title) for title in TITLES.values()]
    return sorted(groups.items(), key=lambda pair: order.index(pair[0])), empty


TITLES: Mapping[str, Words] = {
    "about": gettext_lazy("About"), "belongs": gettext_lazy("Belongs to"), "money": gettext_lazy("Figures"), "days": gettext_lazy("Days"),
    "reach": gettext_lazy("Reach"), "place": gettext_lazy("Place"), "own": gettext_lazy("Your own fields"),
}  # fmt: skip


def group_of(one: Field) -> str:
    """The group of facts that a field stands in."""
    if one.custom:
        return str(TITLES["own"])
    if one.name in PLACE:
        return str(TITLES["place"])
    if one.name in REACH:
        return str(TITLES["reach"])
    if one.kind == "ref":
        return str(TITLES["belongs"])
    if one.kind in ("date", "instant"):
        return str(TITLES["days"])
    if cells.is_number(one) or one.name.endswith("currency"):
        return str(TITLES["money"])
    return str(TITLES["about"])


def title_of(kind: Entity, row: Mapping[str, Any], labels: Mapping[str, Mapping[int, str]]) -> str:
    """What a record is called: its name, else what it refers to and when it was."""
    if kind.label_field:
        return str(row.get(kind.label_field) or _("(no name)"))
    named = [
        labels.get(one.target, {}).get(row[one.name], "")
        for one in kind.fields
        if one.kind == "ref" and isinstance(row.get(one.name), int)
    ]
    text = " · ".join([name for name in named if name][:2])
    when = cells.moment(row["at"]) if row.get("at") is not None else shown.day(row.get("valid_from"))
    return " · ".join(part for part in (text, when) if part) or _("(no name)")


# Timeline


@dataclass(frozen=True)
class Said:
    """One field of a version: what it was and what it became."""

    title: str
    was: str
    became: str


@dataclass(frozen=True)
class Version:
    """One version of a record for its timeline."""

    first: bool
    when: str
    day: date | None
    learned: str  # "" where it was learned when it became true; "assumed" where that is not known
    assumed: bool
    who: str
    kind: str
    batch: int
    said: tuple[Said, ...]
    more: int
    deleted: bool | None


SHOWN_AT_FIRST = 6


def timeline(history: Sequence[Mapping[str, Any]], kind: Entity, as_of: date | None) -> list[Version]:
    """Every version, the latest first: what changed, since when, when it was learned, by whom."""
    held: dict[str, str] = {}
    found = []
    for place, version in enumerate(history):
        said, gone = [], None
        for name, became in version["fields"].items():
            was = held.get(name, "")
            held[name] = became
            if name == "deleted":
                gone = became == _("yes") if place or became == _("yes") else None
                continue
            if name in ("created", "merged_into", "merged_from") and not place:
                continue
            if was != became:
                said.append(Said(field_title(name), was, became))
        effective = version["effective"] if kind.shape == "versioned" else version["recorded"]
        day = None if effective is None else context.day_of(effective)
        if as_of is not None and day is not None and day > as_of:
            continue
        if place and not said and gone is None:
            continue
        found.append(
            Version(
                first=not place, when=cells.moment(effective), day=day, learned=_learned(version, kind), assumed=version["assumed"],
                who=version["user"], kind=version["kind"], batch=version["batch"],
                said=tuple(one for one in said if place or one.became)[: None if place else SHOWN_AT_FIRST],
                more=0 if place else max(0, sum(bool(one.became) for one in said) - SHOWN_AT_FIRST), deleted=gone,
            )
        )  # fmt: skip
    return found[::-1]


def _learned(version: Mapping[str, Any], kind: Entity) -> str:
    if kind.shape != "versioned" or version["assumed"] or version["effective"] is None:
        return ""
    if context.day_of(version["recorded"]) == context.day_of(version["effective"]):
        return ""
    return cells.moment(version["recorded"])


def written(one: Field, raw: Any, *, currency: str | None = None, label: str | None = None) -> str:
    """A value of the past, for the timeline."""
    if raw is None:
        return ""
    if one.kind == "ref":
        return label if label is not None else _("not yours to see")
    if one.kind == "money":
        return cells.cell({one.name: raw, "currency": currency}, one, {}).text
    return cells.text(one, raw) if raw != access.MASKED else plain_shown(one, raw)


def last_edit(history: Sequence[Mapping[str, Any]]) -> int | None:
    """The batch of the latest edit made here."""
    return max((version["batch"] for version in history if version["kind"] == "edit"), default=None)


# Stages


@dataclass(frozen=True)
class Step:
    """A stage that a deal was in: since when, and how many days."""

    stage: str
    since: date | None
    days: int | None
    now: bool = False


def steps(history: Sequence[Mapping[str, Any]], today: date, ended: bool) -> list[Step]:
    """The stages of a deal in the order in which it was in them."""
    found: list[Step] = []
    for version in history:
        stage = version["fields"].get("stage")
        day = None if version["effective"] is None else context.day_of(version["effective"])
        if not stage or (day is not None and day > today) or (found and found[-1].stage == stage):
            continue
        if found and found[-1].since is not None and day is not None:
            found[-1] = replace(found[-1], days=(day - found[-1].since).days)
        found.append(Step(stage, day, None))
    if found:
        last = found[-1]
        days = None if ended or last.since is None else (today - last.since).days
        found[-1] = replace(last, days=days, now=not ended)
    return found


# Lists


@dataclass(frozen=True)
class Related:
    """A list of what belongs to a record: the first rows and how many there are."""

    entity: str
    field: str
    title: str
    total: int
    heads: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[int, str, tuple[Cell, ...]], ...]
    where: str
    named: bool
    today: bool = False  # the page shows another day, this list does not follow it

    @property
    def more(self) -> bool:
        return self.total > len(self.rows)


def related(
    actor: Actor, name: str, field: str, record: int, title: str, as_of: date | None, as_known_on: date | None
) -> Related:
    """The records of an entity that refer to a record: what happened until the day; versioned records are those of today, and say so."""
    kind = entity(name)
    past = as_of is not None or as_known_on is not None
    found = queries.list_records(
        actor, name, refers={field: record}, order=ORDER.get(name, DOWN if kind.shape == "versioned" else ""), limit=FEW,
        as_of=as_of if kind.shape == "event" else None, as_known_on=as_known_on if kind.shape != "versioned" else None,
    )  # fmt: skip
    heads, rows = table(found, [one for one in columns(found.fields, name) if one.name != field])
    return Related(name, field, title, found.total, heads, rows, f"{field}.id = '{record}'", bool(kind.label_field),
                   past and kind.shape == "versioned")  # fmt: skip


def columns(fields: Sequence[Field], name: str, chosen: Sequence[str] = ()) -> list[Field]:
    """The fields that a list shows: those chosen, else the usual ones, else the first eight."""
    by_name = {one.name: one for one in fields}
    wanted = [one for one in chosen if one in by_name] or [one for one in COLUMNS.get(name, ()) if one in by_name]
    return [by_name[one] for one in wanted] or [one for one in fields if one.name != "created"][:8]


def table(
    found: queries.Listing, chosen: Sequence[Field]
) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[int, str, tuple[Cell, ...]], ...]]:
    """Heads (title, is a number) and rows (id, name, cells) of a list; the name stands apart from the cells."""
    label = found.entity.label_field
    rest = [one for one in chosen if one.name != label]
    heads = tuple((field_title(one.name), cells.is_number(one)) for one in rest)
    rows = tuple(
        (
            row["id"],
            title_of(found.entity, row, found.labels),
            tuple(cells.cell(row, one, found.labels) for one in rest),
        )
        for row in found.rows
    )
    return heads, rows


def name_head(kind: Entity) -> str:
    """What the first column of a list is called."""
    return field_title(kind.label_field) if kind.label_field else many_of(kind.name)
