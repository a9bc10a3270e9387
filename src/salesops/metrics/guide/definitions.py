"""What the guide is made of: frozen values, read from the TOML files beside this module."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from salesops.common.errors import NotFound

from ..catalogue import asked, metrics

Direction = Literal["up", "down"]
PERIOD = "PERIOD"
TABLES: Mapping[str, bool] = {
    "pipeline waterfall": True,
    "pipeline stages": True,
    "pipeline variants": False,
    "cohorts": False,
}
"""Commands that answer with a table of their own; true: they need one period, not a grain."""
_ONE_PERIOD = re.compile(r"(FY)?\d{4}.*")


def head(name: str) -> str:
    """The metric of a name such as `win_rate.value`."""
    return name.strip().replace(":", ".").partition(".")[0]


def missing(name: str) -> bool:
    """Say whether nothing measures this yet (metric or variant)."""
    if head(name) in metrics() and metrics()[head(name)].table:
        return False
    try:
        asked(name)
    except NotFound:
        return True
    return False


@dataclass(frozen=True)
class Question:
    """A question to ask next, and the query that answers it: `metrics` by dimensions, or a `table` of its own.

    `period` is a grain or one period; `compare` as in a query.
    """

    ask: str
    metrics: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    period: str = "quarter"
    where: str = ""
    compare: str = ""
    table: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What it asks for that nothing measures yet."""
        return tuple(name for name in self.metrics if missing(name))

    @property
    def askable(self) -> bool:
        """Say whether it can be asked as it stands."""
        return not self.missing and not (TABLES.get(self.table) and not _ONE_PERIOD.match(self.period))

    @property
    def query(self) -> dict[str, Any]:
        """The arguments: of `metrics.query`, or of the table's query (`pipeline.waterfall`, `pipeline.variants` ...)."""
        if self.table:
            found = {"from_": self.period if self.askable else PERIOD, "by": self.by, "where": self.where}
            return {name: value for name, value in found.items() if value} if TABLES[self.table] else {}
        found = {
            "metrics": self.metrics, "by": self.by, "period": self.period, "where": self.where, "compare": self.compare,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}

    @property
    def command(self) -> str:
        """The query as a command line."""
        words = ["salesops", *(self.table.split() if self.table else ("metrics", "query", ",".join(self.metrics)))]
        for name, value in self.query.items():
            if name != "metrics":
                words += [f"--{name.rstrip('_')}", ",".join(value) if isinstance(value, tuple) else str(value)]
        return " ".join(map(_quoted, words))

    def within(self, period: str = "", where: str = "") -> Question:
        """The same question about the period and the records that somebody is looking at."""
        both = " and ".join(f"({one})" for one in (self.where, where)) if self.where and where else self.where or where
        return replace(self, period=period or self.period, where=both)

    def without(self, excluded: Container[str]) -> Question | None:
        """The same question without these metrics; None when nothing is left to ask."""
        left = tuple(name for name in self.metrics if head(name) not in excluded)
        return replace(self, metrics=left) if left or self.table else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the question, its query, its command, and whether it can be asked."""
        return {
            "ask": self.ask,
            "table": self.table,
            "query": {name: list(value) if isinstance(value, tuple) else value for name, value in self.query.items()},
            "command": self.command,
            "askable": self.askable,
            "missing": list(self.missing),
        }


@dataclass(frozen=True)
class Reason:
    """A metric, and why it is named."""

    metric: str
    why: str


@dataclass(frozen=True)
class Watch:
    """A metric to watch for a problem. Where it stands in for one that means nothing in the business, `instead_of` names
    that one, and `why` says why; `measured`: the catalogue has it."""

    metric: str
    why: str
    instead_of: str = ""

    @property
    def measured(self) -> bool:
        return head(self.metric) in metrics()


@dataclass(frozen=True)
class Problem:
    """A problem as people tell it, what to look at before anything is decided, and the metrics to watch, in order."""

    name: str
    title: str
    signs: str
    first: str
    watch: tuple[Reason, ...]


@dataclass(frozen=True)
class Applies:
    """Whether a metric means something in a business, why not, and what to look at instead."""

    metric: str
    applies: bool
    why: str = ""
    instead: str = ""


@dataclass(frozen=True)
class BusinessModel:
    """A way of doing business: the metrics to look at first, and those that mean nothing in it."""

    name: str
    title: str
    means: str
    first: tuple[str, ...]
    excluded: Mapping[str, Applies] = field(hash=False)


@dataclass(frozen=True)
class Advice:
    """How to read one metric; questions for when it moves (`either` in both directions)."""

    metric: str
    reads: str
    cautions: tuple[str, ...] = ()
    read_with: tuple[Reason, ...] = ()
    up: tuple[Question, ...] = ()
    down: tuple[Question, ...] = ()
    either: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Source:
    """A public page: `url` was read; `published` is a year, month or day, taken from the page unless `dated_by` says else."""

    publisher: str
    title: str
    url: str
    published: str
    population: str
    sample: str = ""
    dated_by: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A figure of others: `value`, or `low` to `high`, in `unit` (ratio = fraction, days, minutes, months, or money in
    `currency`), of whom (`segment`, `source`), and how it was made otherwise than ours (`difference`)."""

    metric: str
    source: Source
    measure: str
    unit: str
    difference: str
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    variant: str = ""
    currency: str = ""
    printed: str = ""
    segment: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def shown(self) -> str:
        """The figure for people."""
        if self.printed:
            return self.printed
        if self.value is None:
            return f"{_shown(self.low, self.unit)} to {_shown(self.high, self.unit)}{_suffix(self)}"
        return f"{_shown(self.value, self.unit)}{_suffix(self)}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: exact figures as text."""
        figures = {
            name: None if (one := getattr(self, name)) is None else str(one) for name in ("value", "low", "high")
        }
        return {**asdict(self), **figures, "segment": dict(self.segment), "shown": self.shown}


def _quoted(word: str) -> str:
    """A word of a command line; in double quotes where it holds single ones only, so that people can read it."""
    plain = "'" in word and not re.search(r'["$`\\!]', word)
    return f'"{word}"' if plain else shlex.quote(word)


def _shown(value: Decimal | None, unit: str) -> str:
    if value is None:
        return "?"
    number = value * 100 if unit == "ratio" else value
    return f"{number.normalize():,f}"


def _suffix(one: Benchmark) -> str:
    return {"ratio": " %", "money": f" {one.currency}"}.get(one.unit, f" {one.unit}")


@dataclass(frozen=True)
class Data:
    """The whole guide."""

    problems: Mapping[str, Problem]
    models: Mapping[str, BusinessModel]
    advice: Mapping[str, Advice]
    benchmarks: tuple[Benchmark, ...]
