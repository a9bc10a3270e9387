"""Works out the stages of an import: what each is called, in which order, and whether it is open, won or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import duckdb

from salesops.sources.mapping import Condition, Mapping, Part, Rule, Source, StageRow
from salesops.sources.reading import StagedFile
from salesops.sources.words import is_pitch, is_qualified, stage_kind, stage_kinds, stage_rank, truthy

_WON_FLAGS = ("iswon", "closedwon", "won")
_CLOSED_FLAGS = ("isclosed", "closed", "propertyhsisclosed", "hsisclosed", "metadata.isclosed", "metadataisclosed")
_TYPES = ("type", "statustype", "kind")
_MOST = 500  # a column with more distinct values holds no stages


@dataclass(frozen=True)
class Seen:
    """A stage as a file shows it."""

    id: str
    name: str
    closed: bool | None
    won: bool | None
    rows: int
    order: float = 0.0


@dataclass
class StageFacts:
    """What the files of one import say of stages: in stage files (`described`), and by the deals in them (`used`)."""

    mapping: Mapping
    described: dict[str, list[Seen]] = field(default_factory=dict)
    used: dict[str, Seen] = field(default_factory=dict)

    def add(self, file: StagedFile, parts: Sequence[Part]) -> None:
        """Read the stages that a file describes or uses."""
        for part in parts:
            if part.entity == "stage" and part.id:
                name = part.fields.get("name", Source(column=part.id[0])).column or part.id[0]
                self.described[file.source] = _seen(file, part.id[0], name)
            stage = part.fields.get("stage")
            if part.entity == "opportunity" and stage and stage.column:
                stem = "".join(ch for ch in stage.column.lower() if ch.isalnum()).removesuffix("id")
                label = _flag(file, (f"{stem}label", f"{stem}name")) or stage.column
                for seen in _seen(file, stage.column, label, stage.when):
                    self.used.setdefault(seen.id, seen)
            if part.entity == "opportunity" and part.history and "stage" in part.history.names.values():
                for seen in _history(file, part):
                    self.used.setdefault(seen.id, seen)

    @property
    def known(self) -> set[str]:
        return {s.id for seen in self.described.values() for s in seen}


def describe_stages(
    facts: StageFacts, parts: Sequence[Part]
) -> tuple[list[Part], list[StageRow], list[Rule], list[str]]:
    """Parts whose stage files say the kind of each stage, `[[stage]]` rows for the others, value rules, and notes.

    A stage file's kind is written as value rules on its id (`closedwon` is read as `won`), which people can correct.
    """
    rules: list[Rule] = []
    notes: list[str] = []
    kinds = {row.id: row.kind for row in facts.mapping.stages}
    done: list[Part] = []
    for part in parts:
        if part.entity == "stage" and part.match in facts.described:
            part, found = _stage_file(part, facts.described[part.match])
            rules += found
            kinds |= {r.found: r.becomes or "open" for r in found if r.field == "kind"}
        done.append(part)
    names = {seen.name for found in facts.described.values() for seen in found}
    rows = {row.id: row for row in facts.mapping.stages}
    new = [s for i, s in facts.used.items() if i not in rows and i not in facts.known and s.name not in names]
    for row in infer_stages(new):
        rows[row.id] = row
        kinds[row.id] = row.kind
        notes.append(f"stage {row.name!r} is taken as {row.kind}" + (", a pitch" if row.pitch else ""))
    closed = tuple(i for i, kind in kinds.items() if kind in ("won", "lost"))
    done = [_closing(part, closed) for part in done]
    return done, list(rows.values()), rules, notes


def infer_stages(seen: Sequence[Seen]) -> list[StageRow]:
    """Stages with kinds and order: by the file's flags where it has some, else by their names; closed ones last."""
    plain = stage_kinds(s.name for s in seen if s.closed is None)
    rows = []
    for stage in seen:
        kind = plain[stage.name] if stage.closed is None else stage_kind(stage.name, stage.closed, stage.won)
        rows.append((kind, stage))
    rows.sort(
        key=lambda r: ({"open": 0, "won": 1, "lost": 2}[r[0]], r[1].order, stage_rank(r[1].name), -r[1].rows, r[1].name)
    )
    return [
        StageRow(
            id=s.id, name=s.name, kind=kind, position=n,
            pitch=kind == "open" and is_pitch(s.name), qualified=kind == "open" and is_qualified(s.name),
        )
        for n, (kind, s) in enumerate(rows, start=1)
    ]  # fmt: skip


def _stage_file(part: Part, seen: list[Seen]) -> tuple[Part, list[Rule]]:
    column = part.id[0]
    plain = stage_kinds(s.name for s in seen)
    rules = []
    for stage in seen:
        kind = plain[stage.name] if stage.closed is None else stage_kind(stage.name, stage.closed, stage.won)
        rules.append(Rule("stage", "kind", stage.id, kind))
    fields = {**part.fields, "kind": Source(column=column)}
    for name, test in (("pitch", is_pitch), ("qualified", is_qualified)):
        if name not in fields and any(test(s.name) for s in seen):
            fields[name] = Source(column=column)
            rules += [Rule("stage", name, s.id, "true" if test(s.name) else "false") for s in seen]
    return replace(part, fields=fields), rules


def _closing(part: Part, closed: tuple[str, ...]) -> Part:
    """A close date is the actual one in every closed stage, not only in those that a mapping could name beforehand."""
    actual, stage = part.fields.get("actual_close"), part.fields.get("stage")
    if not (actual and stage and actual.when and actual.when.column == stage.column):
        return part
    values = tuple(dict.fromkeys((*actual.when.values, *closed)))
    return replace(part, fields={**part.fields, "actual_close": replace(actual, when=Condition(stage.column, values))})


# Reading -------------------------------------------------------------------------------------------------------------


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _flag(file: StagedFile, names: Sequence[str]) -> str:
    found = {"".join(ch for ch in c.name.lower() if ch.isalnum()): c.name for c in file.columns}
    return next((found[n] for n in names if n in found), "")


def distinct(
    file: StagedFile, columns: Sequence[str], where: str = "TRUE", limit: int = _MOST
) -> list[tuple[str | None, ...]]:
    """The distinct combinations of text columns with their number of rows (last), the first seen first."""
    listed = ", ".join(f"trim({_quote(c)})" for c in columns)
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT {listed}, count(*) FROM read_parquet(?) WHERE {where} GROUP BY ALL ORDER BY min(_row) "
            f"LIMIT {limit + 1}",
            [file.parquet_path],
        ).fetchall()


def _seen(file: StagedFile, column: str, name: str, when: Condition | None = None) -> list[Seen]:
    """Stages of a column, with their flags where the file has some."""
    won, closed, kind = _flag(file, _WON_FLAGS), _flag(file, _CLOSED_FLAGS), _flag(file, _TYPES)
    order = _flag(file, ("probability", "probability%", "defaultprobability"))
    test = "TRUE"
    if when:
        words = ", ".join("'" + v.lower().replace("'", "''") + "'" for v in when.values)
        test = f"coalesce(lower(trim({_quote(when.column)})), '') {'NOT ' if when.negate else ''}IN ({words})"
    columns = [column, name, won or column, closed or column, kind or column, order or column]
    found: dict[str, Seen] = {}
    for id_, label, is_won, is_closed, type_, rank, rows in distinct(file, columns, test, 20_000):
        if not id_:
            continue
        state = _state(is_won if won else None, is_closed if closed else None, type_ if kind else None)
        place = _number(rank) if order else 0.0
        before = found.get(id_)
        if before and before.rows >= int(rows or 0):
            found[id_] = replace(before, rows=before.rows + int(rows or 0))
        else:
            found[id_] = Seen(id_, label or id_, *state, int(rows or 0) + (before.rows if before else 0), place)
    return list(found.values()) if len(found) <= _MOST else []


def _state(won: str | None, closed: str | None, kind: str | None) -> tuple[bool | None, bool | None]:
    """(closed, won) as the source says; (None, None) where it says nothing."""
    word = (kind or "").strip().lower()
    if word in ("won", "lost", "active", "open"):
        return word in ("won", "lost"), word == "won"
    if won is None and closed is None:
        return None, None
    is_won = truthy(won)
    return (truthy(closed) if closed is not None else is_won or None), is_won if won is not None else None


def _number(text: str | None) -> float:
    try:
        return float((text or "0").strip(" %"))
    except ValueError:
        return 0.0


def _history(file: StagedFile, part: Part) -> list[Seen]:
    assert part.history is not None
    theirs = [k.lower().replace("'", "''") for k, v in part.history.names.items() if v == "stage"]
    words = ", ".join(f"'{t}'" for t in theirs)
    found = distinct(file, [part.history.value], f"lower(trim({_quote(part.history.field)})) IN ({words})")
    return [Seen(str(v), str(v), None, None, int(n or 0)) for v, n in found if v] if len(found) <= _MOST else []
