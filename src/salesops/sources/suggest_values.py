"""Compares the values of files that belong together: what a reference means, and which spellings are one."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from typing import TYPE_CHECKING

import duckdb

from salesops.sources.mapping import Condition, Part, Rule, Source
from salesops.sources.stages import distinct

if TYPE_CHECKING:
    from salesops.sources.suggest import Table

_MOST = 20_000


def _key(text: str) -> str:
    return "".join(ch for ch in text.casefold() if ch.isalnum())


class Values:
    """What the files of one suggestion hold of each other."""

    def __init__(self, tables: Dict[str, Table]) -> None:
        self.tables = tables
        self._texts: dict[tuple[str, str], frozenset[str]] = {}
        self._offered: dict[str, tuple[set[str], set[str]]] = {}  # entity -> its ids, its names
        self._wanted: dict[tuple[str, str, str], dict[str, Source]] = {}  # (entity, match, column) -> what describes it
        self._references: list[tuple[Table, str, str]] = []

    def texts(self, table: Table, column: str) -> frozenset[str]:
        """The distinct texts of a column (the first 20,000)."""
        place = (table.file.parquet_path, column)
        if place not in self._texts:
            self._texts[place] = frozenset(str(v[0]) for v in distinct(table.file, [column], limit=_MOST) if v[0])
        return self._texts[place]

    def largest(self, table: Table, column: str) -> float:
        """The greatest number in a column; 0 when it has none."""
        quoted = column.replace('"', '""')
        sql = f"""SELECT max(TRY_CAST(rtrim(replace("{quoted}", ',', '.'), ' %') AS DOUBLE)) FROM read_parquet(?)"""
        with duckdb.connect() as con:
            found = con.execute(sql, [table.file.parquet_path]).fetchone()
        return float(found[0]) if found and found[0] is not None else 0.0

    def decides(self, table: Table, column: str, other: str) -> bool:
        """Whether every value of a column goes with one value of the other."""
        a, b = (f'"{name.replace(chr(34), chr(34) * 2)}"' for name in (column, other))
        sql = f"SELECT count(DISTINCT {a}) = count(DISTINCT ({a}, {b})) FROM read_parquet(?)"
        with duckdb.connect() as con:
            found = con.execute(sql, [table.file.parquet_path]).fetchone()
        return bool(found and found[0])

    def offer(self, entity: str, table: Table, identity: str, name: str) -> None:
        """This table describes records of the entity."""
        ids, names = self._offered.setdefault(entity, (set(), set()))
        ids |= self.texts(table, identity)
        names |= self.texts(table, name)

    def describe(self, entity: str, table: Table, column: str, details: dict[str, Source]) -> None:
        """These columns say more of the records that `column` names."""
        self._wanted.setdefault((entity, table.match, column), {}).update(details)

    def reference(self, table: Table, entity: str, column: str) -> Source:
        """How the column refers to the entity: by id, or by name where that is what its file matches better."""
        self._references.append((table, entity, column))
        self._wanted.setdefault((entity, table.match, column), {})
        described = self._described(entity)
        if described is None:
            return Source(column=column)
        ids, names = described
        here = self.texts(table, column)
        by_id, by_name = len(here & ids), len(here & names)
        return Source(column=column, by="name") if by_name > by_id else Source(column=column)

    def _described(self, entity: str) -> tuple[set[str], set[str]] | None:
        if entity in self._offered:
            return self._offered[entity]
        table = self.tables.get(entity)
        if table is None or entity not in ("account", "product", "person", "opportunity"):
            return None
        identity = table.fields.get("id") or table.fields.get("name")
        name = table.fields.get("name") or identity
        if identity is None or name is None:
            return None
        return set(self.texts(table, identity.name)), set(self.texts(table, name.name))

    def placeholders(self, parts: list[Part]) -> list[Part]:
        """Parts that make the records that are only named: customers of an order file, reps of a pipeline."""
        here = {p.entity for p in parts}
        made = []
        for (entity, match, column), details in self._wanted.items():
            if entity in here or entity not in ("account", "person", "product"):
                continue
            filled = Condition(column, ("",), negate=True)
            made.append(Part(match, entity, (column,), {"name": Source(column=column), **details}, only=filled))
        return made

    def rules(self, notes: list[str]) -> list[Rule]:
        """Value rules for references that differ from a known record only by case, spaces or signs."""
        found: list[Rule] = []
        for table, entity, column in self._references:
            described = self._described(entity)
            if described is None:
                continue
            known = {_key(t): t for t in sorted(described[0] | described[1])}
            here = self.texts(table, column)
            for text in sorted(here - described[0] - described[1]):
                meant = known.get(_key(text))
                if meant and _key(text):
                    for where, field in _fields_of(table.entity, entity):
                        found.append(Rule(where, field, text, meant))
                    notes.append(f"{table.file.source}: {text!r} in {column} is read as {meant!r}")
        return found


def _fields_of(table: str, entity: str) -> list[tuple[str, str]]:
    """(entity, field) that a reference column of such a table fills."""
    if entity == "product":
        return [("opportunity_line" if table == "opportunity" else "order_line", "product")]
    if entity == "person":
        return [("reporting_line", "manager")] if table == "person" else [(_plain(table), "owner")]
    return [(_plain(table), "parent" if table == entity else entity)]


def _plain(table: str) -> str:
    return {"order_line": "order", "purchase": "order"}.get(table, table)
