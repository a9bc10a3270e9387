"""Mappings that are ready for the exports of Salesforce, HubSpot, Pipedrive and Close: choosing and fitting them.

A ready mapping writes `A | B` where systems, versions and sync tools spell a column differently. `resolve` chooses what
a file has; `prepare` does so for a whole import and works out the stages: the result is an ordinary mapping.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from salesops.sources.mapping import Condition, History, Mapping, Milestone, Part, Source, parse_mapping
from salesops.sources.reading import StagedFile
from salesops.sources.stages import StageFacts, describe_stages

_ENOUGH, _FEWEST = 0.4, 6  # share and number of a part's columns by which alone a file is known


@dataclass(frozen=True)
class Resolved:
    """The parts that read a file, with its real column names; columns that it lacks; columns that nothing reads."""

    file: str
    parts: tuple[Part, ...]
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    coverage: float = 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: columns that a mapping could have read."""
        return (f"{self.file} has no column for: {'; '.join(self.missing)}",) if self.missing and self.parts else ()


class Recognised(NamedTuple):
    """The ready mapping that fits a set of files best, how well (0 to 1), and why."""

    mapping: Mapping
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """A mapping fitted to the files of one import, and what a person should know about it."""

    mapping: Mapping
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    missing: Dict[str, tuple[str, ...]] = field(default_factory=dict)


def key(name: str) -> str:
    """A column's name without case, spaces and other signs: `Close Date`, `CloseDate` and `close_date` are one."""
    return "".join(ch for ch in name.casefold() if ch.isalnum())


@cache
def ready_mappings() -> dict[str, Mapping]:
    """The mappings that come with salesops, by name."""
    folder = files("salesops.sources") / "ready"
    texts = {f.name: f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".toml")}
    return {m.name: m for m in (parse_mapping(text, name) for name, text in sorted(texts.items()))}


def recognise(found: Dict[str, Sequence[str]]) -> Recognised | None:
    """The ready mapping for files given as name -> columns; None when none knows a fair part of them."""
    best: Recognised | None = None
    for mapping in ready_mappings().values():
        resolved = [resolve(mapping, name, columns) for name, columns in found.items()]
        known = [r for r in resolved if r.parts]
        if not known or len(known) * 4 < len(found):
            continue
        score = sum(r.coverage for r in known) / len(found)
        reasons = tuple(
            f"{r.file}: {', '.join(sorted({p.entity for p in r.parts}))} ({r.coverage:.0%} of its usual columns)"
            for r in known
        )
        if score >= 0.15 and (best is None or score > best.score):
            best = Recognised(mapping, round(score, 4), reasons)
    return best


def resolve(mapping: Mapping, file_name: str, columns: Sequence[str]) -> Resolved:
    """Fit a mapping to one file: parts with the file's own column names, absent optional columns dropped and reported.

    A file whose name says nothing is taken by the parts that know most of its columns. Without its id, its time of
    change or the columns of its history, a part is not used.
    """
    headers = _Headers(columns)
    named = [p for p in mapping.parts if p.takes(file_name)]
    fitted = [f for f in (_fit(p, headers) for p in named) if f]
    if not named:
        fitted = _by_columns(mapping, headers)
    parts = tuple(replace(f.part, match=file_name) for f in fitted)
    missing = tuple(dict.fromkeys(m for f in fitted for m in f.missing))
    used = {key(c) for f in fitted for c in f.used}
    unused = tuple(c for c in columns if key(c) not in used)
    coverage = max((f.coverage for f in fitted), default=0.0)
    return Resolved(file_name, parts, missing, unused, coverage)


def prepare(mapping: Mapping, staged: Sequence[StagedFile]) -> Prepared:
    """Fit a mapping to all files of one import, and describe the stages that their deals are in.

    Stage files give kinds (won, lost, open) from their own flags or names; stages that no file describes are added as
    `[[stage]]`. A close date counts as the actual one in every stage that turns out to be closed.
    """
    notes: list[str] = []
    parts: list[Part] = []
    unread, missing = [], {}
    facts = StageFacts(mapping)
    for file in staged:
        resolved = resolve(mapping, file.source, [c.name for c in file.columns])
        if not resolved.parts:
            unread.append(file.source)
            continue
        if resolved.missing:
            missing[file.source] = resolved.missing
        parts += resolved.parts
        facts.add(file, resolved.parts)
    parts, stages, rules, told = describe_stages(facts, parts)
    notes += told
    notes += [f"{name} is not read: no part of the mapping {mapping.name} knows it" for name in unread]
    fitted = replace(mapping, parts=tuple(parts), stages=tuple(stages), rules=(*mapping.rules, *rules))
    return Prepared(fitted, tuple(notes), tuple(unread), missing)


# Fitting one part ----------------------------------------------------------------------------------------------------


class _Headers:
    """A file's columns, found by any spelling."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.names = {key(c): c for c in reversed(columns)}
        self.exact = set(columns)

    def find(self, wanted: str) -> str:
        """The file's own name of a column given as `A | B`; empty when it has none of them."""
        if wanted in self.exact:
            return wanted
        return next((self.names[key(w)] for w in wanted.split("|") if key(w) in self.names), "")


@dataclass(frozen=True)
class _Fitted:
    part: Part
    missing: list[str]
    used: list[str]
    coverage: float


def _fit(part: Part, headers: _Headers) -> _Fitted | None:
    identity = tuple(headers.find(name) for name in part.id)
    only = _condition(part.only, headers)
    changed = headers.find(part.changed_at) if part.changed_at else ""
    history = _history(part.history, headers) if part.history else None
    if (
        not all(identity)
        or (part.only and not only)
        or (part.changed_at and not changed)
        or (part.history and not history)
    ):
        return None
    missing: list[str] = []
    fields: dict[str, Source] = {}
    for name, source in part.fields.items():
        found = _source(source, headers)
        if found is None:
            missing.append(_said(source.column))
        else:
            fields[name] = found
    wanted = [s for s in part.fields.values() if s.column]
    read = [s.column for s in fields.values() if s.column]
    deleted = headers.find(part.deleted) if part.deleted else ""
    milestones = tuple(m for m in (_milestone(m, headers) for m in part.milestones) if m)
    if wanted and not read and not milestones:
        return None
    if part.entity == "activity" and not part.mode and "at" not in fields:
        return None
    used = [*identity, *read, changed, deleted, *(s.otherwise for s in fields.values()), *(m.at for m in milestones)]
    used += [s.when.column for s in fields.values() if s.when] + ([only.column] if only else [])
    used += [history.field, history.value, history.at, history.old] if history else []
    coverage = 1.0 if history else (len(read) + len(identity)) / max(1, len(wanted) + len(identity))
    fitted = replace(
        part,
        id=identity,
        fields=fields,
        only=only,
        changed_at=changed,
        history=history,
        deleted=deleted,
        milestones=milestones,
        recorded_at=headers.find(part.recorded_at) if part.recorded_at else "",
        seq=headers.find(part.seq) if part.seq else "",
    )
    return _Fitted(fitted, missing, [u for u in used if u], coverage)


def _said(alternatives: str) -> str:
    return " or ".join([a.strip() for a in alternatives.split("|")][:2])


def _source(source: Source, headers: _Headers) -> Source | None:
    if not source.column:
        return source
    column = headers.find(source.column)
    when = _condition(source.when, headers)
    if not column or (source.when and not when):
        return None
    return replace(
        source,
        column=column,
        when=when,
        at=headers.find(source.at) if source.at else "",
        known_from=headers.find(source.known_from) if source.known_from else "",
        otherwise=headers.find(source.otherwise) if source.otherwise else "",
    )


def _condition(condition: Condition | None, headers: _Headers) -> Condition | None:
    column = headers.find(condition.column) if condition else ""
    return replace(condition, column=column) if condition and column else None


def _history(history: History, headers: _Headers) -> History | None:
    field_, value, at = (headers.find(name) for name in (history.field, history.value, history.at))
    if not (field_ and value and at):
        return None
    old = headers.find(history.old) if history.old else ""
    recorded = headers.find(history.recorded) if history.recorded else ""
    seq = headers.find(history.seq) if history.seq else ""
    return replace(history, field=field_, value=value, at=at, old=old, recorded=recorded, seq=seq)


def _milestone(milestone: Milestone, headers: _Headers) -> Milestone | None:
    at = headers.find(milestone.at)
    fields = {}
    for name, value in milestone.fields.items():
        column = headers.find(value[1:]) if value.startswith("$") else ""
        if column or not value.startswith("$"):
            fields[name] = f"${column}" if column else value
    return Milestone(at, fields) if at and fields else None


def _by_columns(mapping: Mapping, headers: _Headers) -> list[_Fitted]:
    """The parts of that kind of file of which most columns are here."""
    kinds: dict[str, list[_Fitted]] = {}
    for part in mapping.parts:
        fitted = _fit(part, headers)
        if fitted:
            kinds.setdefault(part.match, []).append(fitted)

    def known(found: list[_Fitted]) -> tuple[float, int]:
        return max(f.coverage for f in found), len({c for f in found for c in f.used})

    best = max(kinds.values(), key=lambda found: known(found)[0] * known(found)[1], default=[])
    return best if best and known(best)[0] >= _ENOUGH and known(best)[1] >= _FEWEST else []
