"""The public import format: one file per entity, columns named as the fields. It needs no mapping file.

`account.parquet`, `opportunity.csv` ... hold `id`, the fields, and, for versioned entities, `changed_at`: the row states the record from that
time on. `<entity>_history.*` holds `id, field, value, effective, recorded, seq`. References hold the other record's id.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from salesops.records.entities import entities

from .loading.typed import NATIVE
from .mapping import History, Mapping, Part, Source
from .reading import ColumnProfile, StagedFile

FORMAT = "salesops"


def native_file(path: Path) -> StagedFile | None:
    """A Parquet file of the public format as it lies, or None: it is typed already, so nothing has to be found out."""
    if path.suffix.lower() != ".parquet" or not _entity_of(path.name):
        return None
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    if "id" not in names:
        return None
    named = re.search(r"(20\d\d-\d\d-\d\d)", path.name)
    day = named.group(1) if named else str(date.fromtimestamp(path.stat().st_mtime))
    return StagedFile(
        source=path.name, format=NATIVE, encoding=None, delimiter=None, sheet=None, rows=file.metadata.num_rows,
        columns=tuple(ColumnProfile(name=n, kind="text") for n in names), sha256="", file_date=day,
        file_date_from="name" if named else "modified", parquet_path=str(path),
    )  # fmt: skip


def is_native(files: dict[str, list[str]]) -> bool:
    """Whether every file is named as an entity (or its history) and has an id column."""
    return bool(files) and all(_entity_of(name) and "id" in columns for name, columns in files.items())


def native_mapping(files: dict[str, list[str]], system: str = FORMAT) -> Mapping:
    """The mapping of a folder in the public import format; `files` gives each file's columns."""
    return Mapping(FORMAT, system, tuple(_part(name, columns) for name, columns in files.items()))


def _entity_of(file: str) -> str:
    stem = Path(file).name.split(".")[0].lower().removesuffix("_history")
    return stem if stem in entities() else ""


def _part(file: str, columns: list[str]) -> Part:
    name = _entity_of(file)
    entity = entities()[name]
    if Path(file).name.split(".")[0].lower().endswith("_history"):
        history = History(
            field="field", value="value", at="effective",
            recorded="recorded" if "recorded" in columns else "", seq="seq" if "seq" in columns else "", canonical=True,
        )  # fmt: skip
        return Part(match=file, entity=name, id=("id",), history=history)
    fields = {c: Source(column=c) for c in columns if c in entity.by_name or c.startswith("custom.")}
    return Part(
        match=file,
        entity=name,
        id=("id",),
        fields=fields,
        changed_at="changed_at" if "changed_at" in columns else "",
        recorded_at="recorded_at" if "recorded_at" in columns else "",
        deleted="deleted" if "deleted" in columns else "",
    )
