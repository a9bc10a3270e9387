"""Reads JSON Lines: one object on each line, nested objects flattened with dots, lists kept as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from salesops.common.errors import InvalidData
from salesops.sources.reading.batches import BatchWriter, reject_long_cell
from salesops.sources.reading.encoding import as_utf8
from salesops.sources.reading.model import Draft, ReadOptions
from salesops.sources.reading.naming import unique_names
from salesops.sources.reading.problems import ProblemList

_DEPTH = 20


def read_jsonl(
    path: Path, work: Path, options: ReadOptions, problems: ProblemList, con: duckdb.DuckDBPyConnection
) -> Draft:
    """Stage a JSON Lines file; numbers keep their spelling, lines that are no object are reported."""
    source = as_utf8(path, work, options, problems)
    target = work / "raw.parquet"
    writer = BatchWriter(target, [], options.max_cell, problems)
    places: dict[str, int] = {}
    try:
        for line, record in _objects(source.path, options, problems):
            cells: list[str | None] = [None] * len(places)
            for key, value in flatten(record):
                place = places.setdefault(key, len(places))
                if place == len(cells):
                    cells.append(None)
                cells[place] = value
            if len(places) > len(writer.names):
                writer.names = _names(places, options, problems)
            writer.add(line, cells)
        if not places:
            raise InvalidData(f"{problems.source} holds no JSON object", "Write one object on each line")
        unique_names(list(places), problems, None)
        writer.finish(con)
    finally:
        writer.abandon()
    return Draft(str(target), "jsonl", writer.names, writer.rows, encoding=source.encoding)


def _names(places: dict[str, int], options: ReadOptions, problems: ProblemList) -> list[str]:
    if len(places) > options.max_columns:
        raise InvalidData(
            f"{problems.source} has more than {options.max_columns} different keys", "Export only those needed"
        )
    return unique_names(list(places), ProblemList(problems.source, 0), None)


def _objects(path: Path, options: ReadOptions, problems: ProblemList) -> Iterator[tuple[int, dict[str, Any]]]:
    longest = 8 * options.max_cell
    with path.open("r", encoding="utf-8-sig", errors="replace", newline="\n") as file:
        number, inside = 0, False
        for part in iter(lambda: file.readline(longest), ""):
            whole = part.endswith("\n") or len(part) < longest
            if inside:
                inside = not whole
                continue
            number += 1
            if not whole:
                inside = True
                reject_long_cell(problems, number, "The line", len(part), longest)
                continue
            record = _parsed(part, number, problems) if part.strip() else None
            if record is not None:
                yield number, record


def _parsed(line: str, number: int, problems: ProblemList) -> dict[str, Any] | None:
    try:
        record = json.loads(line, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    except (ValueError, RecursionError) as error:
        why = f"line is no JSON ({error.msg})" if isinstance(error, json.JSONDecodeError) else "line is no JSON"
        problems.reject(
            f"The {why}; it was left out", "Correct the line", number, line.strip(), "a line that is no JSON"
        )
        return None
    if isinstance(record, dict):
        return record
    problems.reject(
        "The line is no JSON object; it was left out", "Write one object, {...}, on each line", number, line.strip()
    )
    return None


class _Number(str):
    """A JSON number in the spelling of the file."""

    __slots__ = ()


def flatten(record: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str | None]]:
    """Give (dotted key, text) pairs of an object; lists, and objects too deep, become JSON text."""
    for key, value in record.items():
        full = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < _DEPTH:
            yield from flatten(value, f"{full}.", depth + 1)
        elif isinstance(value, (dict, list)):
            yield full, _json_text(value) if value else None
        elif isinstance(value, bool):
            yield full, "true" if value else "false"
        else:
            yield full, None if value is None else _readable(str(value))


def _json_text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_json_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_json_text(item) for item in value) + "]"
    if isinstance(value, _Number):
        return str(value)
    return _readable(json.dumps(value, ensure_ascii=False))


def _readable(value: str) -> str:
    """Replace what UTF-8 cannot hold (lone surrogates) and zero characters."""
    if value.isascii():
        return value.replace("\0", "\ufffd")
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
