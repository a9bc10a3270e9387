"""A mapping suggested for any table: what it holds, by names and content of its columns and by the other files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from salesops.sources.mapping import Condition, Mapping, Part, Rule, Source, StageRow
from salesops.sources.reading import ColumnProfile, StagedFile
from salesops.sources.stages import Seen, infer_stages
from salesops.sources.suggest_columns import HINTS, NEEDS, find_fields, key
from salesops.sources.suggest_deals import deal_parts
from salesops.sources.suggest_values import Values
from salesops.sources.words import object_name, plain

_MISSING = {"select", "please select", "none", "not specified", "unspecified"}
_HELPERS = {"id", "product", "quantity", "close", "expected", "manager", "team", "list_price", "order"}


@dataclass(frozen=True)
class Suggestion:
    """A mapping to start from; `custom` gives the kinds of the custom fields to declare, by entity.

    `confidence` is 0 to 1.
    """

    mapping: Mapping
    notes: tuple[str, ...]
    confidence: float
    custom: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class Table:
    """One file as the suggestion sees it."""

    file: StagedFile
    entity: str
    fields: dict[str, ColumnProfile]
    confidence: float
    stages: list[Seen] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    @property
    def match(self) -> str:
        return pattern(self.file.source)

    def name(self, field_: str) -> str:
        """The column of a field, noted as read; empty when there is none."""
        found = self.fields.get(field_)
        if found is None:
            return ""
        self.used.add(found.name)
        return found.name


def pattern(file_name: str) -> str:
    """A shell pattern for this file and its later editions: dates and numbers may differ."""
    stem = PurePath(file_name)
    name = re.sub(r"\d{2,}([-_.]\d{1,})*", "*", stem.name[: len(stem.name) - len("".join(stem.suffixes))] or stem.name)
    return (re.sub(r"\*+", "*", name + "*")).replace("[", "?")


def classify(file: StagedFile) -> Table | None:
    """What kind of table a file is; None when nothing speaks for any kind."""
    named = object_name(file.source) + " " + plain(file.source)
    best: Table | None = None
    for entity, (needed, helpful) in NEEDS.items():
        fields = find_fields(entity, file.columns)
        if not all(name in fields for name in needed):
            continue
        hits = sum(name in fields for name in helpful)
        hint = bool(re.search(HINTS.get(entity, "^$"), named))
        if hits == 0 and not hint:
            continue
        if entity == "product" and ("stage" in find_fields("opportunity", file.columns)):
            continue
        score = (len(needed) + hits) / (len(needed) + len(helpful)) * 0.7 + 0.3 * hint
        if best is None or score > best.confidence + 0.02:
            best = Table(file, entity, fields, round(min(1.0, score), 2))
    return best


def suggest(staged: StagedFile | Sequence[StagedFile], system: str | None = None) -> Suggestion:
    """A mapping for one file or for several that belong together, with notes on every guess that needs a look."""
    files = [staged] if isinstance(staged, StagedFile) else list(staged)
    tables, notes = [], []
    for file in files:
        table = classify(file)
        if table is None:
            notes.append(
                f"{file.source}: no kind of table was recognised; taken as leads, correct it or leave the file out"
            )
            table = Table(file, "lead", find_fields("lead", file.columns), 0.1)
        else:
            notes.append(f"{file.source}: read as {_TITLES[table.entity]}")
        tables.append(table)
        notes += [f"{file.source}, {c.name}: {c.note}" for c in file.columns if not c.certain]
    values = Values({t.entity: t for t in tables})
    parts: list[Part] = []
    stages: list[StageRow] = []
    rules: list[Rule] = []
    for table in sorted(tables, key=lambda t: _ORDER.index(t.entity)):
        made = _BUILDERS.get(table.entity, _plain_parts)(table, values, notes)
        extra = _custom(table, made)
        parts += [replace(p, fields={**p.fields, **extra}) if n == 0 else p for n, p in enumerate(made)]
        stages += infer_stages(table.stages)
    parts += values.placeholders(parts)
    rules += values.rules(notes)
    rules += _missing_words(tables, parts, values, notes)
    for stage in stages:
        notes.append(f"stage {stage.name!r} is taken as {stage.kind}" + (", a pitch" if stage.pitch else ""))
    name = system or _system(files)
    confidence = min((t.confidence for t in tables), default=0.0) if len(tables) == len(files) else 0.0
    mapping = Mapping(name, name, tuple(parts), tuple(stages), tuple(rules))
    return Suggestion(mapping, tuple(dict.fromkeys(notes)), confidence, _declared(tables, parts))


def _missing_words(tables: Sequence[Table], parts: Sequence[Part], values: Values, notes: list[str]) -> list[Rule]:
    """Value rules for words that stand for "nobody chose anything"."""
    found = []
    by_match = {t.match: t for t in tables}
    for part in parts:
        table = by_match[part.match]
        texts = {c.name for c in table.file.columns if c.kind == "text" and c.distinct <= 200}
        for name, source in part.fields.items():
            if source.column in texts:
                for word in sorted(t for t in values.texts(table, source.column) if t.strip(" -").lower() in _MISSING):
                    found.append(Rule(part.entity, name, word, None))
                    notes.append(f"{table.file.source}: {word!r} in {source.column} is read as missing")
    return found


def _system(files: Sequence[StagedFile]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", PurePath(files[0].source).name.split(".")[0].lower()).strip("_") if files else ""
    return re.sub(r"(_\d+)+$", "", stem) or "file"


def _custom(table: Table, parts: Sequence[Part]) -> dict[str, Source]:
    """Every column that nothing reads becomes a custom field of the table's first part."""
    if not parts:
        return {}
    found: dict[str, Source] = {}
    for column in table.file.columns:
        if column.name in table.used or column.kind == "empty" or key(column.name).startswith("fivetran"):
            continue
        found.setdefault(f"custom.{custom_name(column.name)}", Source(column=column.name))
    return found


def _declared(tables: Sequence[Table], parts: Sequence[Part]) -> dict[str, dict[str, str]]:
    """The kinds of the custom fields that the parts fill, by entity."""
    kinds = {(t.match, c.name): _custom_kind(c) for t in tables for c in t.file.columns}
    found: dict[str, dict[str, str]] = {}
    for part in parts:
        for name, source in part.fields.items():
            if name.startswith("custom."):
                found.setdefault(part.entity, {})[name.removeprefix("custom.")] = kinds.get(
                    (part.match, source.column), "text"
                )
    return found


# Builders: one kind of table -> the parts that read it ---------------------------------------------------------------


def _sources(table: Table, values: Values, skip: frozenset[str] = frozenset()) -> dict[str, Source]:
    """The fields that stand in the table as they are; references by id or by name, whichever the target file has."""
    found: dict[str, Source] = {}
    for name in table.fields:
        if name in _HELPERS or name in skip:
            continue
        column = table.name(name)
        if name in ("account", "owner", "person", "opportunity", "parent"):
            target = {"owner": "person", "parent": "account"}.get(name, name)
            found[name] = values.reference(table, target, column)
        elif name in ("discount", "probability_override") and values.largest(table, column) > 1:
            found[name] = Source(column=column, scale="percent")
        else:
            found[name] = Source(column=column)
    return found


def _identity(table: Table) -> tuple[str, ...]:
    """The id column, when it is filled and unique; none = content and occurrence."""
    column = table.fields.get("id")
    if column is None or column.filled < table.file.rows or column.distinct < 0.5 * table.file.rows:
        return ()
    return (table.name("id"),)


def _plain_parts(table: Table, values: Values, notes: list[str]) -> list[Part]:
    entity = {"purchase": "order"}.get(table.entity, table.entity)
    fields = _sources(table, values)
    identity = _identity(table)
    if not identity and entity not in ("exchange_rate", "target", "order"):
        notes.append(f"{table.file.source}: no column identifies a row; rows are told apart by their content")
    if entity in ("account", "contact", "lead", "product", "person") and identity:
        values.offer(entity, table, identity[0], table.name("name") or identity[0])
    if entity == "lead" and "created" not in fields:
        notes.append(
            f"{table.file.source}: no column says when a lead was created; undated leads are in no answer about days"
        )
    return [Part(table.match, entity, identity, fields)]


def _person(table: Table, values: Values, notes: list[str]) -> list[Part]:
    identity = table.name("id") or table.name("name")
    values.offer("person", table, identity, table.name("name") or identity)
    parts = [Part(table.match, "person", (identity,), _sources(table, values))]
    manager = table.name("manager")
    if manager:
        boss = values.reference(table, "person", manager)
        if boss.by == "id":
            known = {i.lower() for i in values.texts(table, identity)}
            if not {m.lower() for m in values.texts(table, manager)} <= known:
                filled = Condition(manager, ("",), negate=True)
                parts.insert(0, Part(table.match, "person", (manager,), {"name": Source(column=manager)}, only=filled))
        line = {"person": Source(column=identity), "manager": boss, "kind": Source(value="line")}
        parts.append(
            Part(table.match, "reporting_line", (identity,), line, only=Condition(manager, ("",), negate=True))
        )
    team = table.name("team")
    if team:
        filled = Condition(team, ("",), negate=True)
        parts.append(Part(table.match, "team", (team,), {"name": Source(column=team)}, only=filled))
        member = {"person": Source(column=identity), "team": Source(column=team)}
        parts.append(Part(table.match, "team_member", (identity,), member, only=filled))
    return sorted(parts, key=lambda p: (p.entity != "person", len(p.fields) < 2)) if manager else parts


def _product(table: Table, values: Values, notes: list[str]) -> list[Part]:
    identity, price = table.name("id"), table.name("list_price")
    values.offer("product", table, identity, table.name("name") or identity)
    fields = {"product": Source(column=identity), "list_price": Source(column=price)}
    if "currency" in table.fields:
        fields["currency"] = Source(column=table.name("currency"))
    notes.append(f"{table.file.source}: {price} is taken as the list price that always was")
    return [
        Part(table.match, "product", (identity,), _sources(table, values)),
        Part(table.match, "price", (identity,), fields),
    ]


def _order_lines(table: Table, values: Values, notes: list[str]) -> list[Part]:
    order = table.name("order")
    whole = ("ordered_on", "shipped_on", "segment", "region", "status", "currency", "account", "owner")
    every = _sources(table, values, frozenset({"family", "line"}))
    if "quantity" in table.fields:
        every["quantity"] = Source(column=table.name("quantity"))
    head = {name: source for name, source in every.items() if name in whole}
    head = {"number": Source(column=order), "created": Source(column=table.name("ordered_on")), **head}
    lines = {name: source for name, source in every.items() if name not in whole}
    lines["order"] = Source(column=order)
    lines["created"] = Source(column=table.name("ordered_on"))
    if "currency" in every:
        lines["currency"] = every["currency"]
    product = table.name("product")
    if product:
        lines["product"] = values.reference(table, "product", product)
        details: dict[str, Source] = {
            name: Source(column=table.name(name)) for name in ("family", "line") if name in table.fields
        }
        values.describe("product", table, product, details)
    notes.append(
        f"{table.file.source}: each row is a line of the order in {order}; equal lines count as often as they occur"
    )
    _spread(table, values, order, product, head, lines)
    return [Part(table.match, "order", (order,), head), Part(table.match, "order_line", (), lines)]


def _spread(
    table: Table, values: Values, order: str, product: str, head: dict[str, Source], lines: dict[str, Source]
) -> None:
    """Columns that nothing reads are custom fields of what decides them: the order, the product, else the line."""
    for column in table.file.columns:
        if column.name in table.used or column.kind == "empty":
            continue
        name = custom_name(column.name)
        if values.decides(table, order, column.name):
            head[f"custom.{name}"] = Source(column=column.name)
        elif product and values.decides(table, product, column.name):
            values.describe("product", table, product, {f"custom.{name}": Source(column=column.name)})
        else:
            lines[f"custom.{name}"] = Source(column=column.name)
        table.used.add(column.name)


def custom_name(column: str) -> str:
    """The name of the custom field that a column becomes."""
    return re.sub(r"[^a-z0-9]+", "_", plain(column)).strip("_")[:60] or "column"


def _custom_kind(column: ColumnProfile) -> str:
    return "scaled:6" if column.kind in ("number", "percent", "money") else column.kind


def _purchases(table: Table, values: Values, notes: list[str]) -> list[Part]:
    fields = _sources(table, values)
    fields["created"] = Source(column=table.name("ordered_on"))
    notes.append(f"{table.file.source}: each row is one order of the customer in {table.name('account')}")
    return [Part(table.match, "order", (), fields)]


def _process(table: Table, values: Values, notes: list[str]) -> list[Part]:
    fields: dict[str, Source] = {
        name: Source(column=table.name(name))
        for name in ("case_id", "activity", "at", "lifecycle", "resource")
        if name in table.fields
    }
    name = re.sub(r"\.(csv|xes|xlsx|parquet|jsonl)(\.gz)?$", "", PurePath(table.file.source).name, flags=re.I)
    fields["pipeline"] = Source(value=name)
    for column in table.file.columns:  # XES repeats what it has mapped already
        if re.search(r"_2$|^case:", column.name) or key(column.name) in ("amountreq", "regdate", "extra"):
            table.used.add(column.name)
    notes.append(f"{table.file.source}: a log of cases; its events belong to the pipeline {name!r}")
    return [Part(table.match, "stage_event", (), fields)]


def _deals(table: Table, values: Values, notes: list[str]) -> list[Part]:
    parts, stages = deal_parts(
        table, values, notes, _sources(table, values, frozenset({"stage", "amount", "created"})), _identity(table)
    )
    table.stages = stages
    return parts


def _targets(table: Table, values: Values, notes: list[str]) -> list[Part]:
    fields = _sources(table, values)
    fields["kind"], fields["metric"] = Source(value="quota"), Source(value="bookings")
    fields["status"] = Source(value="published")
    if "team" in table.fields:
        fields["team"] = Source(column=table.name("team"))
    notes.append(f"{table.file.source}: {table.name('amount')} is taken as a quota of bookings")
    return [Part(table.match, "target", (), fields)]


_BUILDERS = {
    "opportunity": _deals, "order_line": _order_lines, "purchase": _purchases, "stage_event": _process, "person": _person,
    "product": _product, "target": _targets,
}  # fmt: skip
_ORDER = [
    "person",
    "product",
    "account",
    "contact",
    "lead",
    "exchange_rate",
    "opportunity",
    "order_line",
    "purchase",
    "stage_event",
    "activity",
    "target",
]
_TITLES = {
    "opportunity": "opportunities", "order_line": "order lines", "purchase": "purchases, one order a row", "stage_event": "a process log",
    "lead": "leads", "contact": "contacts", "account": "accounts", "product": "products and list prices", "person": "people and who they report to",
    "target": "quotas", "exchange_rate": "exchange rates", "activity": "activities",
}  # fmt: skip
