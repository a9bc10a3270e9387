"""Holds what reading a file needs and gives: the reader's options, one column's profile, and the staged file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from salesops.common.errors import Problem

Kind = Literal["text", "integer", "number", "money", "percent", "date", "instant", "boolean", "empty"]
ROW = "_row"


@dataclass(frozen=True)
class ReadOptions:
    """What a person may declare about a file; ``None`` means: find out.

    ``header_row`` is the line (CSV) or sheet row of the column names, 0 if there are none. ``null_tokens`` are texts
    that mean *missing* in every column. ``max_cell`` is in characters, the other limits in bytes; ``problem_limit`` is
    how many problems of one kind are listed one by one before they are summed up.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    decimal: str | None = None
    date_order: str | None = None
    currency: str | None = None
    null_tokens: tuple[str, ...] | None = None
    time_zone: str | None = None
    max_cell: int = 1_000_000
    max_columns: int = 5_000
    max_unpacked: int = 2 * 1024**3
    max_unpacked_gzip: int = 8 * 1024**3
    max_ratio: int = 200
    problem_limit: int = 1_000
    memory_limit: str = "1GB"
    threads: int = 2


@dataclass(frozen=True)
class ColumnProfile:
    """How one column is to be parsed, found by counting over the whole column.

    ``date_format`` holds one or more strptime patterns joined by ``|`` (or ``epoch_s``, ``epoch_ms``, ``epoch_us``);
    ``forms`` names the other spellings that occur (currency, parentheses, trailing_minus, exponent, percent,
    month_first_spelling ...). ``filled`` counts values that are not null, ``distinct`` is approximate, ``misfits``
    counts values that do not parse as ``kind``. ``certain`` is False where a person should look; ``note`` says why.
    """

    name: str
    kind: Kind
    decimal: str | None = None
    thousands: str | None = None
    date_order: str | None = None
    date_format: str | None = None
    has_offset: bool = False
    currency: str | None = None
    filled: int = 0
    distinct: int = 0
    examples: tuple[str, ...] = ()
    certain: bool = True
    note: str = ""
    misfits: int = 0
    forms: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give all fields as a JSON-ready mapping."""
        return {**asdict(self), "examples": list(self.examples), "forms": list(self.forms)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> ColumnProfile:
        """Rebuild a profile from ``to_dict``."""
        return cls(**{**stored, "examples": tuple(stored["examples"]), "forms": tuple(stored["forms"])})


@dataclass(frozen=True)
class StagedFile:
    """One Parquet file of text columns plus ``_row``, and how to read it.

    ``rows`` are the rows kept, ``rejected`` those left out (each reported, or summed up, in ``problems``).
    ``file_date`` is an ISO date; ``file_date_from`` is ``name`` or ``modified``.
    """

    source: str
    format: str
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    rows: int
    columns: tuple[ColumnProfile, ...]
    sha256: str
    file_date: str
    file_date_from: str
    parquet_path: str
    problems: tuple[Problem, ...] = ()
    rejected: int = 0
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> ColumnProfile:
        """Give the profile of the named column; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Give all fields as a JSON-ready mapping."""
        return {
            **asdict(self),
            "columns": [column.to_dict() for column in self.columns],
            "problems": [problem.to_dict() for problem in self.problems],
            "notes": list(self.notes),
        }


@dataclass
class Draft:
    """What a format's reader hands to the stager: the raw Parquet file and what it learned on the way."""

    parquet: str
    format: str
    names: list[str]
    rows: int
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    rejected: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
