"""Asks the guide. Nothing here looks at a company's records; a question that it gives back is asked of them elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from salesops.common.errors import NotFound, UsageError

from ..catalogue import metrics
from ..definitions import Metric
from .data import load
from .definitions import (
    Advice,
    Applies,
    Benchmark,
    BusinessModel,
    Direction,
    Problem,
    Question,
    Reason,
    Watch,
    head,
)

T = TypeVar("T")


def watch(problem: str, business_model: str | None = None) -> tuple[Watch, ...]:
    """The metrics to watch for a problem, the first one first, each with the reason.

    What means nothing in the business is replaced by what stands in for it there, or left out. Raises NotFound.
    """
    found: dict[str, Watch] = {}
    wanted = _problem(problem).watch
    named = {one.metric for one in wanted}
    for one in wanted:
        verdict = applies(one.metric, business_model)
        if verdict.applies:
            found[one.metric] = Watch(one.metric, one.why)
        elif verdict.instead and verdict.instead not in named | found.keys():
            found[verdict.instead] = Watch(verdict.instead, verdict.why, one.metric)
    return tuple(found.values())


def applies(metric: str, business_model: str | None = None) -> Applies:
    """Whether a metric means something in a business, and if not, why and what to look at instead. Raises NotFound."""
    name = _advice(metric).metric
    model = _model(business_model)
    return model.excluded.get(name, Applies(name, True)) if model else Applies(name, True)


def read_with(metric: str, business_model: str | None = None) -> tuple[Reason, ...]:
    """What to read together with a metric, and why; nothing that means nothing in the business. Raises NotFound."""
    return tuple(one for one in _advice(metric).read_with if applies(one.metric, business_model).applies)


def when_it_moves(
    metric: str, direction: str, period: str = "", where: str = "", business_model: str | None = None
) -> tuple[Question, ...]:
    """The next questions when a metric went `up` or `down`, each as a query: over `period` (a grain or a period such as
    2017-Q3) and `where` (a filter) when they are given; no metric that means nothing in the business is asked for.

    Raises NotFound and UsageError.
    """
    if direction not in get_args(Direction):
        raise UsageError(f"{direction!r} is no direction", "Use up or down")
    one, model = _advice(metric), _model(business_model)
    excluded = model.excluded if model else {}
    asked = (each.without(excluded) for each in (*(one.up if direction == "up" else one.down), *one.either))
    return tuple(each.within(period, where) for each in asked if each is not None)


def benchmarks(metric: str, segment: Mapping[str, str] | None = None, **more: str) -> tuple[Benchmark, ...]:
    """What others report of a metric: first what is nearest to the segment (`business_model`, `country`, `industry`,
    `source`, `contract_value`, `company`), then the newest. What is said of another segment is left out.

    Raises NotFound for a metric, UsageError for a kind of segment that no figure has.
    """
    name, wanted = _advice(metric).metric, {**(segment or {}), **more}
    kinds = {kind for one in load().benchmarks for kind in one.segment}
    if unknown := sorted(set(wanted) - kinds):
        raise UsageError(f"no benchmark is told by {', '.join(unknown)}", f"Use {', '.join(sorted(kinds))}")
    variant = metric.strip().replace(":", ".").partition(".")[2]
    found = [
        one for one in load().benchmarks
        if one.metric == name and (not variant or one.variant == variant)
        and all(one.segment.get(kind, value).casefold() == value.casefold() for kind, value in wanted.items())
    ]  # fmt: skip
    newest = sorted(found, key=lambda one: one.source.published, reverse=True)
    return tuple(sorted(newest, key=lambda one: -len(wanted.keys() & one.segment.keys())))


# The pages of one question --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """A part of an answer of the guide: rows with the same columns."""

    part: str
    title: str
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Guide:
    """What the guide says to one question, for one business model ("" = not said: everything applies)."""

    business_model: str
    sections: tuple[Section, ...]

    def section(self, part: str) -> tuple[dict[str, Any], ...]:
        """The rows of a part: problems, models, watch, not, reading, with, up, down, benchmarks."""
        return next((one.rows for one in self.sections if one.part == part), ())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the rows by part."""
        return {"business_model": self.business_model, **{one.part: list(one.rows) for one in self.sections}}


def guide(
    problem: str | None = None,
    metric: str | None = None,
    business_model: str | None = None,
    period: str = "",
    where: str = "",
    segment: Mapping[str, str] | None = None,
    own: Mapping[str, Metric] | None = None,
) -> Guide:
    """What to watch for a problem, how to read a metric, or (neither given) the problems there are.

    With a business model, what means nothing in it is said as well. `own` are metrics that people defined: what they say of them
    (owner, watch_for, read_with) is the advice. Raises NotFound with what is near.
    """
    model = _model(business_model)
    name = model.name if model else ""
    sections: list[Section] = []
    if problem:
        sections += _about_problem(_problem(problem), name)
    if metric and own and head(metric) in own:
        sections += _about_own(own[head(metric)], own)
    elif metric:
        sections += _about_metric(metric, name, period, where, segment)
    if not problem and not metric:
        sections += _overview(model)
    return Guide(name, tuple(one for one in sections if one.rows))


def _overview(model: BusinessModel | None) -> Iterable[Section]:
    data = load()
    rows = [
        {"problem": one.name, "title": one.title, "watch": ", ".join(each.metric for each in watch(one.name, model.name if model else None))}
        for one in data.problems.values()
    ]  # fmt: skip
    yield Section("problems", "Problems, and what to watch", tuple(rows))
    if model is None:
        kinds = [{"business model": one.name, "title": one.title, "means": one.means} for one in data.models.values()]
        yield Section("models", "Business models", tuple(kinds))
        return
    first = [{"metric": name, "measured": _measured(name), "reads": data.advice[name].reads} for name in model.first]
    yield Section("first", f"{model.title}: look at first", tuple(first))
    no = [{"metric": one.metric, "why": one.why, "instead": one.instead} for one in model.excluded.values()]
    yield Section("not", f"{model.title}: what means nothing", tuple(no))


def _about_problem(one: Problem, model: str) -> Iterable[Section]:
    yield Section("problem", "", ({"problem": one.name, "title": one.title, "signs": one.signs, "first": one.first},))
    rows = [{**asdict(each), "measured": each.measured} for each in watch(one.name, model)]
    yield Section("watch", "Watch", tuple(rows))
    out = [verdict for each in one.watch if not (verdict := applies(each.metric, model)).applies]
    yield Section(
        "not",
        "Means nothing in this business",
        tuple({"metric": v.metric, "why": v.why, "instead": v.instead} for v in out),
    )


def _about_metric(
    metric: str, model: str, period: str, where: str, segment: Mapping[str, str] | None
) -> Iterable[Section]:
    one, verdict = _advice(metric), applies(metric, model)
    row = {
        "metric": one.metric, "reads": one.reads, "cautions": list(one.cautions), "measured": _measured(one.metric),
        "applies": verdict.applies, "why": verdict.why, "instead": verdict.instead,
    }  # fmt: skip
    yield Section("reading", "", (row,))
    yield Section("with", "Read together with", tuple(asdict(each) for each in read_with(metric, model)))
    for direction in get_args(Direction):
        asked = when_it_moves(metric, direction, period, where, model)
        yield Section(direction, f"When it goes {direction}, ask", tuple(each.to_dict() for each in asked))
    yield Section("benchmarks", "What others report", tuple(each.to_dict() for each in benchmarks(metric, segment)))


def _about_own(one: Metric, own: Mapping[str, Metric]) -> Iterable[Section]:
    """What people say of a metric that they defined."""
    row = {
        "metric": one.id, "reads": one.question, "cautions": [one.watch_for] if one.watch_for else [], "measured": True,
        "applies": True, "why": "", "instead": "", "owner": one.owner,
    }  # fmt: skip
    yield Section("reading", "", (row,))
    known = {**metrics(), **own}
    both = [{"metric": name, "why": known[head(name)].question} for name in one.reads_with if head(name) in known]
    yield Section("with", "Read together with", tuple(both))


def _measured(metric: str) -> bool:
    return head(metric) in metrics()


def _problem(name: str) -> Problem:
    return _named(name, load().problems, "problem")


def _model(name: str | None) -> BusinessModel | None:
    return _named(name, load().models, "business model") if name else None


def _advice(metric: str) -> Advice:
    return _named(head(metric), load().advice, "metric")


def _named(name: str, known: Mapping[str, T], what: str) -> T:
    wanted = name.strip().replace("-", "_")
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, 3)
    remedy = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(known)}"
    raise NotFound(f"the guide knows no {what} {name!r}", remedy)
