"""Reads the guide from its TOML files, once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from .definitions import Advice, Applies, Benchmark, BusinessModel, Data, Problem, Question, Reason, Source

FILES = ("problems", "business_models", "metrics", "benchmarks")


@cache
def load() -> Data:
    """The guide that is delivered with salesops."""
    return read({name: (files(__package__) / f"{name}.toml").read_text(encoding="utf-8") for name in FILES})


def read(texts: Mapping[str, str]) -> Data:
    """A guide from the texts of its four files. A key that it does not know raises TypeError, one that is missing KeyError
    or TypeError: the files are part of the program."""
    problems, models, advice, figures = (tomllib.loads(texts[name], parse_float=Decimal) for name in FILES)
    return Data(
        {name: Problem(name, watch=_reasons(row.pop("watch")), **row) for name, row in problems.items()},
        {name: _model(name, row) for name, row in models.items()},
        {name: _advice(name, row) for name, row in advice.items()},
        _benchmarks(figures),
    )


def _reasons(rows: Iterable[Mapping[str, str]]) -> tuple[Reason, ...]:
    return tuple(Reason(**row) for row in rows)


def _model(name: str, row: dict[str, Any]) -> BusinessModel:
    excluded = {one["metric"]: Applies(applies=False, **one) for one in row.pop("not")}
    return BusinessModel(name, first=tuple(row.pop("first")), excluded=excluded, **row)


def _advice(name: str, row: dict[str, Any]) -> Advice:
    questions: dict[str, Any] = {side: tuple(map(_question, row.pop(side, ()))) for side in ("up", "down", "either")}
    return Advice(
        name, cautions=tuple(row.pop("cautions", ())), read_with=_reasons(row.pop("with")), **questions, **row
    )


def _question(row: dict[str, Any]) -> Question:
    lists: dict[str, Any] = {name: tuple(row.pop(name).split(",")) for name in ("metrics", "by") if name in row}
    return Question(**row, **lists)


def _benchmarks(figures: dict[str, Any]) -> tuple[Benchmark, ...]:
    sources = {name: Source(**row) for name, row in figures["sources"].items()}
    found = []
    for row in figures["benchmark"]:
        numbers: dict[str, Any] = {name: Decimal(row.pop(name)) for name in ("value", "low", "high") if name in row}
        found.append(Benchmark(source=sources[row.pop("source")], **row, **numbers))
    return tuple(found)
