"""Checks the guide against the catalogue and against itself; part of `python -m salesops.metrics.lint`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from salesops.workspace import BUSINESS_MODELS

from ..catalogue import metrics
from ..dimensions import DERIVED, FANNED, PLAIN, REFS
from ..request import COMPARISONS
from .data import load
from .definitions import TABLES, Advice, Benchmark, Data, Question, head, missing
from .terms import TERMS

DIMENSIONS = {*REFS, *PLAIN, *DERIVED, *FANNED}
UNITS = ("ratio", "days", "minutes", "months", "money")
PUBLISHED = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def problems(data: Data | None = None) -> list[str]:
    """Every problem: `<file>: <entry>: <problem>: <remedy>`."""
    data = data or load()
    found = [*_unknown(data), *_problems(data), *_models(data), *_complete(data)]
    for one in data.advice.values():
        found += _advice(one)
    for figure in data.benchmarks:
        found += _benchmark(figure)
    return found


def known(name: str) -> bool:
    """Say whether a name is a metric: of the catalogue (in a variant that it has), or defined and not measured yet."""
    if head(name) in metrics():
        return not missing(name)
    return head(name) in TERMS


def _unknown(data: Data) -> Iterator[str]:
    """Metrics that nobody has defined, wherever they are named."""
    places: list[tuple[str, Iterable[str]]] = [("metrics.toml", data.advice)]
    for one in data.advice.values():
        places.append((f"metrics.toml: {one.metric}: with", (each.metric for each in one.read_with)))
        asked = (name for each in (*one.up, *one.down, *one.either) for name in each.metrics)
        places.append((f"metrics.toml: {one.metric}: questions", asked))
    for problem in data.problems.values():
        places.append((f"problems.toml: {problem.name}", (each.metric for each in problem.watch)))
    for model in data.models.values():
        instead = (each.instead for each in model.excluded.values() if each.instead)
        places.append((f"business_models.toml: {model.name}", (*model.first, *model.excluded, *instead)))
    for figure in data.benchmarks:
        places.append(("benchmarks.toml", (".".join(filter(None, (figure.metric, figure.variant))),)))
    for place, names in places:
        for name in names:
            if not known(name):
                yield f"{place}: {name!r} is neither a metric of the catalogue nor a defined one: correct the name"


def _problems(data: Data) -> Iterator[str]:
    for one in data.problems.values():
        names = [each.metric for each in one.watch]
        if not names:
            yield f"problems.toml: {one.name}: watches nothing: name a metric"
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"problems.toml: {one.name}: {name} is named twice: keep the first"


def _models(data: Data) -> Iterator[str]:
    if set(data.models) != set(BUSINESS_MODELS):
        yield f"business_models.toml: not the models of the setting business_model: use {', '.join(BUSINESS_MODELS)}"
    for one in data.models.values():
        for name in (*one.first, *(each.instead for each in one.excluded.values())):
            if name in one.excluded:
                yield f"business_models.toml: {one.name}: {name} is recommended and means nothing there: name another"


def _complete(data: Data) -> Iterator[str]:
    for name, metric in metrics().items():
        if name not in data.advice:
            yield f"metrics.toml: {name} of the catalogue has no advice: write [{name}] with reads, with and questions"
            continue
        told = {each.metric for each in data.advice[name].read_with}
        for other in metric.reads_with:
            if other not in told:
                yield f"metrics.toml: {name}: the catalogue reads it with {other}: add it to with"
    for name in sorted(TERMS - data.advice.keys()):
        yield f"metrics.toml: {name} is defined and has no advice: write [{name}]"


def _advice(one: Advice) -> Iterator[str]:
    place = f"metrics.toml: {one.metric}"
    if not one.read_with:
        yield f"{place}: is read with nothing: name a metric in with"
    if one.metric in {each.metric for each in one.read_with}:
        yield f"{place}: is read with itself: name another metric"
    for side, asked in (("up", one.up), ("down", one.down)):
        if not (asked or one.either):
            yield f"{place}: has no question for {side}: write one"
    for each in (*one.up, *one.down, *one.either):
        yield from (f"{place}: {each.ask!r}: {text}" for text in _question(each))


def _question(one: Question) -> Iterator[str]:
    if bool(one.metrics) == bool(one.table):
        yield "needs metrics or a table: name one of the two"
    if one.table and one.table not in TABLES:
        yield f"there is no table {one.table!r}: use {', '.join(TABLES)}"
    for name in one.by:
        if name not in DIMENSIONS and "." not in name:
            yield f"there is no dimension {name!r}: use {', '.join(sorted(DIMENSIONS))}"
    if one.compare and one.compare not in COMPARISONS:
        yield f"there is no comparison {one.compare!r}: use {', '.join(COMPARISONS)}"


def _benchmark(one: Benchmark) -> Iterator[str]:
    place = f"benchmarks.toml: {one.metric}: {one.measure!r}"
    figures = [figure for figure in (one.low, one.value, one.high) if figure is not None]
    if one.value is None and (one.low is None or one.high is None):
        yield f"{place}: has no figure: give value, or low and high"
    if figures != sorted(figures):
        yield f"{place}: low, value and high are not in order: correct them"
    if one.unit not in UNITS:
        yield f"{place}: there is no unit {one.unit!r}: use {', '.join(UNITS)}"
    if bool(one.currency) != (one.unit == "money"):
        yield f"{place}: money needs a currency, and nothing else has one"
    if not one.difference:
        yield f"{place}: does not say how it differs from ours: write difference"
    source = one.source
    if not source.url.startswith(("https://", "http://")) or not source.publisher or not source.population:
        yield f"{place}: its source has no publisher, page or population: cite it, or leave the figure out"
    if not PUBLISHED.fullmatch(source.published):
        yield f"{place}: published {source.published!r} is no year, month or day: write for example 2011-03"
