"""Writes the data dictionary as a page: `python -m salesops.records.dictionary > docs/data-dictionary.md`.

Everything in it is read off the stored models (`records.entities`) and the rules of access, so that it cannot lag behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from .access import PAY_FIELDS, PRIVATE_FIELDS
from .entities import Entity, Field, entities

HEAD = """# Data dictionary

This page is generated (`python -m salesops.records.dictionary > docs/data-dictionary.md`). It lists every entity that can be imported, listed, created,
edited and deleted, with its fields. Your own fields come on top: `salesops field declare ENTITY NAME`.

**Shapes.** *Versioned*: one current row per record; every value that it ever had stays known, with the day since when it was true and the day on which it was
learned. *Interval*: true from `valid_from` up to, not including, `valid_to`; empty = always was, still is. *Event*: happened `at` an instant.

**Kinds.** `text`; `integer`; `number (n)` and `share`: exact decimals with n places (a share is written 0.25 or 25%); `money`: up to four decimals, in the
`currency` of the same row, else the workspace's; `date`; `instant`: a moment, written in local time or with its offset; `yes/no`; `word`: one of the words
listed (a workspace may declare more: `salesops word add`); `-> entity`: a reference, written as the other record's id, external id, name or e-mail address.

**How it is imported.** In a mapping, a file has `entity = "..."`, an `id` and `[file.fields]` that name these fields
([guides/import.md](guides/import.md)). A table that is named and laid out as here needs no mapping: the *public format* is one file per entity
(CSV, Parquet, JSON Lines ...) with the columns `id` and the fields, references as the other row's `id`; versioned entities may have
`changed_at` (the row states the record from then on) and a second file `<entity>_history` with `id, field, value, effective, recorded, seq`.
"""

GROUPS = {
    10: "Organisation", 20: "Market", 30: "Catalogue", 40: "Selling", 50: "Interaction", 60: "Money", 70: "Targets",
}  # fmt: skip

ABOUT = {
    "team": "People who share a target or a queue; they come and go as team members.",
    "team_member": "Who belongs to a team, in which role, and when.",
    "absence": "When a person does not work.",
    "person_skill": "What a person can do, at which level, and since when.",
    "territory": "A part of the market: by place, segment, product line or names.",
    "territory_member": "Who works a territory, in which role, and when.",
    "consent": "Consent given or withdrawn, and addresses that must not be written to.",
    "campaign": "A marketing campaign: kind, channel, days, budget.",
    "campaign_member": "Who was reached by a campaign, and what came of it.",
    "product": "What is sold.",
    "price_book": "A list of prices, in one currency.",
    "stock_level": "How much of a product was there at a moment.",
    "pipeline": "A sequence of stages: of sales, or of another process.",
    "stage": "A step of a pipeline: open, won or lost.",
    "opportunity": "A deal: what might be sold to whom, by whom, for how much and when.",
    "opportunity_line": "A product in a deal.",
    "opportunity_contact": "The part that a contact plays in a deal.",
    "activity": "A call, e-mail, meeting, demo or other use of time.",
    "engagement_event": "What somebody did on the web site or with a message.",
    "order": "What a customer ordered, from a deal or not.",
    "order_line": "A product in an order.",
    "invoice": "What was billed; a credit note is an invoice of that kind.",
    "invoice_line": "A product in an invoice.",
    "payment": "Money that came in for an invoice.",
    "subscription": "What a customer pays again and again, and when.",
    "cost": "What was spent: on people, tools, campaigns.",
}
"""What an entity is, where its model does not say so itself."""

KINDS = {"boolean": "yes/no", "kind": "word"}
SHARES = {"fte", "probability", "probability_override", "discount", "share", "margin"}
"""Fields of six places that are parts of a whole."""


def page() -> str:
    """The whole page as Markdown."""
    known = entities()
    used = _users(known)
    lines = [HEAD, *_index(known)]
    group = ""
    for one in known.values():
        if (name := _group(one)) != group:
            group = name
            lines += ["", f"## {group}"]
        lines += ["", *_entity(one, used.get(one.name, []))]
    return "\n".join(lines) + "\n"


def about(entity: Entity) -> str:
    """What an entity is, in a sentence."""
    return " ".join((entity.help or ABOUT.get(entity.name, "")).split())


def _group(entity: Entity) -> str:
    return GROUPS[max(start for start in GROUPS if start <= max(entity.code, min(GROUPS)))]


def _users(known: dict[str, Entity]) -> dict[str, list[str]]:
    """For every entity the fields elsewhere that refer to it."""
    found: dict[str, list[str]] = {}
    for entity in known.values():
        for field in entity.fields:
            if field.kind == "ref" and field.target in known:
                found.setdefault(field.target, []).append(f"`{entity.name}.{field.name}`")
    return found


def _index(known: dict[str, Entity]) -> Iterator[str]:
    yield "| entity | what it is | shape | fields |"
    yield "| --- | --- | --- | ---: |"
    for one in known.values():
        yield f"| [`{one.name}`](#{one.name}) | {about(one)} | {one.shape} | {len(one.fields)} |"


def _entity(entity: Entity, used: list[str]) -> Iterator[str]:
    yield f"### {entity.name}"
    yield ""
    label = f" A row is called by its `{entity.label_field}`." if entity.label_field else ""
    yield f"{about(entity)} *{entity.shape.capitalize()}*.{label}"
    yield ""
    yield "| field | kind | what it holds |"
    yield "| --- | --- | --- |"
    for field in entity.fields:
        yield f"| `{field.name}` | {_kind(field)} | {_holds(entity, field)} |"
    yield ""
    yield f'Import: `entity = "{entity.name}"`, or a file `{entity.name}.csv`, `.parquet`, `.jsonl` of the public format.'
    if used:
        yield f"Referred to by {', '.join(used)}."


def _kind(field: Field) -> str:
    if field.kind == "ref":
        return (
            f"-> [`{field.target}`](#{field.target})" if field.target in entities() else f"-> {field.target or 'any'}"
        )
    if field.kind == "scaled:6" and field.name in SHARES:
        return "share"
    if field.kind.startswith("scaled:"):
        return f"number ({field.kind.split(':')[1]})"
    return KINDS.get(field.kind, field.kind)


def _holds(entity: Entity, field: Field) -> str:
    said = [field.help] if field.help else []
    if field.words:
        said.append(", ".join(f"`{word}`" for word in field.words))
    if field.name in PAY_FIELDS.get(entity.name, ()):
        said.append("seen by owner, admin, finance and the person only")
    if field.name in PRIVATE_FIELDS.get(entity.name, ()):
        said.append("of a private row seen by its owner only")
    return "; ".join(said).replace("|", "\\|")


def main() -> None:
    """Print the page; no workspace is needed, only the stored models."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.web.settings")
    import django

    django.setup()
    print(page(), end="")


if __name__ == "__main__":
    main()
