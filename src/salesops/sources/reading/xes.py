"""Reads an XES event log as a stream: one row per event, with the attributes of its trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import duckdb

from salesops.common.errors import InvalidData
from salesops.sources.reading.batches import BatchWriter
from salesops.sources.reading.model import Draft, ReadOptions
from salesops.sources.reading.naming import unique_names
from salesops.sources.reading.problems import ProblemList

_FIRST = ("case_id", "activity", "timestamp", "lifecycle", "resource")
_EVENT = {
    "concept:name": "activity",
    "time:timestamp": "timestamp",
    "lifecycle:transition": "lifecycle",
    "org:resource": "resource",
}
_VALUES = {"string", "date", "int", "float", "boolean", "id"}


def read_xes(
    path: Path, work: Path, options: ReadOptions, problems: ProblemList, con: duckdb.DuckDBPyConnection
) -> Draft:
    """Stage an event log; ``_row`` is the ordinal of the event. Broken XML, DTDs and entities are refused."""
    target = work / "raw.parquet"
    writer = BatchWriter(target, _FIRST, options.max_cell, problems)
    log = _Log(writer, options, problems)
    parser = _parser(log, problems.source)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
        if log.events == 0:
            problems.warn("The event log holds no events", "Check the export if events were expected")
        unique_names(list(log.places), problems, None)
        writer.finish(con)
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        raise InvalidData(
            f"{problems.source} is broken XML at line {error.lineno}: {why}", "Export the event log again"
        ) from error
    finally:
        writer.abandon()
    return Draft(str(target), "xes", writer.names, writer.rows)


@dataclass
class _Log:
    """The state of the parse: the open elements and the attributes of the open trace and event."""

    writer: BatchWriter
    options: ReadOptions
    problems: ProblemList
    open: list[str] = field(default_factory=list)
    trace: dict[str, str] = field(default_factory=dict)
    event: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=lambda: {name: i for i, name in enumerate(_FIRST)})
    events: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition("}")[2].rpartition(":")[2]
        parent = self.open[-1] if self.open else ""
        self.open.append(tag)
        if len(self.open) > 200:
            raise InvalidData(f"{self.problems.source} nests elements too deeply", "Export the event log again")
        if tag == "trace":
            self.trace = {}
        elif tag == "event":
            self.event = {}
        elif tag in _VALUES and parent in ("trace", "event"):
            self._attribute(parent, attributes.get("key", ""), attributes.get("value", ""))

    def _attribute(self, parent: str, key: str, value: str) -> None:
        if parent == "event":
            self.event[_EVENT.get(key, key)] = value
        else:
            self.trace["case_id" if key == "concept:name" else f"case:{key}"] = value

    def end(self, _: str) -> None:
        if self.open.pop() == "event":
            self.events += 1
            self._write({**self.trace, **self.event})

    def _write(self, record: dict[str, str]) -> None:
        new = [key for key in record if key not in self.places]
        if new:
            for key in new:
                self.places[key] = len(self.places)
            if len(self.places) > self.options.max_columns:
                raise InvalidData(
                    f"{self.problems.source} has more than {self.options.max_columns} different attributes",
                    "Export only those needed",
                )
            self.writer.names = unique_names(list(self.places), ProblemList(self.problems.source, 0), None)
        cells: list[str | None] = [None] * len(self.places)
        for key, value in record.items():
            cells[self.places[key]] = value
        self.writer.add(self.events, cells)


def _parser(log: _Log, source: str) -> expat.XMLParserType:
    def refuse(*_: object) -> None:
        raise InvalidData(
            f"{source} declares a document type or entities, which an event log has no need of",
            "Export the event log again without them",
        )

    parser = expat.ParserCreate()
    parser.buffer_text = True
    handlers: dict[str, Callable[..., None]] = {
        "StartElementHandler": log.start,
        "EndElementHandler": log.end,
        "StartDoctypeDeclHandler": refuse,
        "EntityDeclHandler": refuse,
        "ExternalEntityRefHandler": refuse,
    }
    for handler, function in handlers.items():
        setattr(parser, handler, function)
    return parser
