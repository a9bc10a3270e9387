"""Mappings: small text files that say how a source's files become records.

    name = "maven"
    system = "maven"                      # whose ids these are

    [[file]]
    match = "sales_pipeline*"             # file names, as a shell pattern; case does not matter
    entity = "opportunity"
    id = ["opportunity_id"]               # columns that make the external id; none = content and occurrence
    [file.fields]
    created = "engage_date"               # field = column
    owner = { column = "sales_agent" }    # a reference holds the other record's external id in this system ...
    account = { column = "account", by = "name", known_from = "close_date" }      # ... or its name
    currency = { value = "USD" }          # a constant
    actual_close = { column = "close_date", when = { column = "deal_stage", is = ["Won", "Lost"] } }

One source file may be named by several `[[file]]` parts: a pipeline export can give opportunities and their lines. A
part with `changed_at` says that each row states the record as it was from that time on; a part with `history` holds one
changed field per row. `[[stage]]` describes stages that no file describes; `[[rule]]` corrects values.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from salesops.common.errors import InvalidData, NotFound, Problem
from salesops.records.entities import entity as find_entity
from salesops.sources.words import object_name


@dataclass(frozen=True)
class Condition:
    """The source column must hold one of these texts (compared without case)."""

    column: str
    values: tuple[str, ...]
    negate: bool = False


@dataclass(frozen=True)
class Source:
    """Where a field's value comes from.

    `by`: how a reference names its target (`id`, or `name` / `email` of a record that is here). `at`: the column
    whose date says from when the value holds. `known_from`: the same for a whole column that was only learned then; rows
    without that date hold from the file's date.
    """

    column: str = ""
    value: str | None = None
    by: str = "id"
    at: str = ""
    known_from: str = ""
    when: Condition | None = None
    system: str = ""
    scale: str = (
        ""  # "percent": 50 means 0.5; "minor": cents; "thousands", "millions"; "seconds", "milliseconds" (of minutes)
    )
    otherwise: str = ""  # column that is read where `when` does not hold


@dataclass(frozen=True)
class Milestone:
    """On the day in column `at`, these fields took these values (a constant, or `$column`)."""

    at: str
    fields: dict[str, str]


@dataclass(frozen=True)
class History:
    """Columns of a table that holds one changed field per row."""

    field: str
    value: str
    at: str
    old: str = ""
    recorded: str = ""
    seq: str = ""
    names: dict[str, str] = dataclasses.field(default_factory=dict)  # the source's field name -> ours
    canonical: bool = False  # values are in the public import format: no detection


@dataclass(frozen=True)
class Part:
    """How one kind of file becomes rows of one entity."""

    match: str
    entity: str
    id: tuple[str, ...] = ()
    fields: dict[str, Source] = field(default_factory=dict)
    changed_at: str = ""
    recorded_at: str = ""
    seq: str = ""
    deleted: str = ""
    history: History | None = None
    milestones: tuple[Milestone, ...] = ()
    only: Condition | None = None
    mode: str = ""  # delta | snapshot; empty = as asked for at the import
    id_prefix: str = ""  # put before the id, where one file's ids repeat another's

    def takes(self, file_name: str) -> bool:
        """Whether a file of this name is read by this part: by a pattern, or by the name of what the file holds.

        `match` may give several, separated by `|`: `deals` takes `deals.csv` and `crm-exports-all-deals-2024.csv`.
        """
        patterns = [p.strip().lower() for p in self.match.split("|")]
        return object_name(file_name) in patterns or any(fnmatch.fnmatch(file_name.lower(), p) for p in patterns)


@dataclass(frozen=True)
class StageRow:
    """A stage that no file describes."""

    id: str
    name: str
    kind: str = "open"
    position: int = 0
    probability: str = ""
    pitch: bool = False
    qualified: bool = False
    pipeline: str = ""


@dataclass(frozen=True)
class Rule:
    """`found` in this field is read as `becomes` (None = empty)."""

    entity: str
    field: str
    found: str
    becomes: str | None


@dataclass(frozen=True)
class Mapping:
    """A whole mapping. `options` are reading options for every file (encoding, date_order, decimal ...)."""

    name: str
    system: str
    parts: tuple[Part, ...]
    stages: tuple[StageRow, ...] = ()
    rules: tuple[Rule, ...] = ()
    options: dict[str, str] = field(default_factory=dict)

    def parts_for(self, file_name: str) -> list[Part]:
        return [p for p in self.parts if p.takes(file_name)]


def _condition(values: Any) -> Condition | None:
    if not values:
        return None
    words = values.get("is", values.get("is_not", []))
    words = [words] if isinstance(words, str) else words
    return Condition(values["column"], tuple(str(w) for w in words), "is_not" in values)


def _source(values: Any) -> Source:
    if isinstance(values, str):
        return Source(column=values)
    return Source(**{**values, "when": _condition(values.get("when"))})


def _part(values: dict[str, Any]) -> Part:
    identity = values.get("id", ())
    history = values.get("history")
    return Part(
        match=values["match"],
        entity=find_entity(values["entity"]).name,
        id=(identity,) if isinstance(identity, str) else tuple(identity),
        fields={name: _source(v) for name, v in values.get("fields", {}).items()},
        changed_at=values.get("changed_at", ""),
        recorded_at=values.get("recorded_at", ""),
        seq=values.get("seq", ""),
        deleted=values.get("deleted", ""),
        history=History(**history) if history else None,
        milestones=tuple(Milestone(m["at"], dict(m["fields"])) for m in values.get("milestone", ())),
        only=_condition(values.get("only")),
        mode=values.get("mode", ""),
        id_prefix=values.get("id_prefix", ""),
    )


def parse_mapping(text: str, source: str = "mapping") -> Mapping:
    """The mapping that a text says; raises InvalidData with every mistake and its place."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidData(f"{source} is not readable: {error}", remedy="Correct the line that it names") from error
    problems: list[Problem] = []
    parts = []
    for number, part in enumerate(values.get("file", ()), start=1):
        try:
            parts.append(_part(part))
        except (KeyError, TypeError, NotFound) as error:
            problems.append(Problem(source, number, None, f"[[file]] {number}: {error}", "See docs/guides/import.md"))
    problems += [p for part in parts for p in _check(part, source)]
    if problems:
        raise InvalidData(f"{source} has {len(problems)} mistakes", remedy="Correct them all", problems=tuple(problems))
    return Mapping(
        name=values.get("name", Path(source).stem),
        system=values.get("system", values.get("name", "file")),
        parts=tuple(parts),
        stages=tuple(StageRow(**s) for s in values.get("stage", ())),
        rules=tuple(Rule(r["entity"], r["field"], r["found"], r.get("becomes")) for r in values.get("rule", ())),
        options={k: str(v) for k, v in values.get("options", {}).items()},
    )


def _check(part: Part, source: str) -> list[Problem]:
    known = find_entity(part.entity).by_name
    return [
        Problem(source, None, name, f"{part.entity} has no field {name!r}", f"Fields: {', '.join(known)}")
        for name in part.fields
        if name not in known and not name.startswith("custom.")
    ]


def _plain_condition(condition: Condition) -> dict[str, Any]:
    return {"column": condition.column, "is_not" if condition.negate else "is": list(condition.values)}


def _plain_source(source: Source) -> Any:
    values: dict[str, Any] = {}
    for name in ("column", "value", "at", "known_from", "system", "scale", "otherwise"):
        if getattr(source, name):
            values[name] = getattr(source, name)
    if source.by != "id":
        values["by"] = source.by
    if source.when:
        values["when"] = _plain_condition(source.when)
    return values["column"] if set(values) == {"column"} else values


def _plain_part(part: Part) -> dict[str, Any]:
    values: dict[str, Any] = {"match": part.match, "entity": part.entity, "id": list(part.id)}
    for name in ("changed_at", "recorded_at", "seq", "deleted", "mode", "id_prefix"):
        if getattr(part, name):
            values[name] = getattr(part, name)
    if part.only:
        values["only"] = _plain_condition(part.only)
    if part.history:
        kept = {k: v for k, v in vars(part.history).items() if v}
        values["history"] = kept
    values["fields"] = {name: _plain_source(s) for name, s in part.fields.items()}
    if part.milestones:
        values["milestone"] = [{"at": m.at, "fields": m.fields} for m in part.milestones]
    return values


def render_mapping(mapping: Mapping) -> str:
    """The text of a mapping; `parse_mapping` reads it back to the same."""
    values: dict[str, Any] = {"name": mapping.name, "system": mapping.system}
    if mapping.options:
        values["options"] = mapping.options
    values["file"] = [_plain_part(p) for p in mapping.parts]
    if mapping.stages:
        values["stage"] = [{k: v for k, v in vars(s).items() if v not in ("", False)} for s in mapping.stages]
    if mapping.rules:
        values["rule"] = [{k: v for k, v in vars(r).items() if v is not None} for r in mapping.rules]
    return tomli_w.dumps(values)


def load_mapping(path: Path) -> Mapping:
    """The mapping in a file."""
    if not path.exists():
        raise NotFound(f"there is no mapping {path}", remedy="salesops mapping list shows those that exist")
    return parse_mapping(path.read_text(encoding="utf-8"), path.name)
