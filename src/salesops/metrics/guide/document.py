"""Writes the guide as a page: `python -m salesops.metrics.guide.document > docs/kpi-guide.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .data import load
from .definitions import Advice, Benchmark, BusinessModel, Problem, Question, Source

HEAD = """# The KPI guide

This page is generated (`python -m salesops.metrics.guide.document > docs/kpi-guide.md`) from the tables in
`src/salesops/metrics/guide`. Ask it for your own case with `salesops metrics guide` ([guides/metrics.md](guides/metrics.md));
there it also says which metrics are measured already. Definitions are in [metrics.md](metrics.md).

- [Problems](#problems): which figures to watch
- [Business models](#business-models): which figures mean nothing
- [Metrics](#metrics): how to read each, what to read with it, what to ask when it moves
- [What others report](#what-others-report): benchmarks, with source and date
"""


def page() -> str:
    """The whole page as Markdown."""
    data = load()
    lines = [HEAD, "## Problems"]
    for problem in data.problems.values():
        lines += ["", *_problem(problem)]
    lines += [
        "",
        "## Business models",
        "",
        "The setting `business_model` of a workspace; without it everything applies.",
    ]
    for model in data.models.values():
        lines += ["", *_model(model)]
    lines += ["", "## Metrics"]
    for one in data.advice.values():
        lines += ["", *_advice(one)]
    lines += ["", *_benchmarks(data.benchmarks)]
    return "\n".join(lines) + "\n"


def _problem(one: Problem) -> Iterator[str]:
    yield f"### {one.title}"
    yield ""
    yield f"`{one.name}`: {one.signs} **First:** {one.first}"
    yield ""
    yield from _table(("watch", "why"), ((_link(each.metric), each.why) for each in one.watch))


def _model(one: BusinessModel) -> Iterator[str]:
    yield f"### {one.title}"
    yield ""
    yield f"`{one.name}`: {one.means} Look first at {', '.join(map(_link, one.first))}."
    yield ""
    rows = (
        (_link(each.metric), each.why, _link(each.instead) if each.instead else "") for each in one.excluded.values()
    )
    yield from _table(("means nothing", "why", "look at"), rows)


def _advice(one: Advice) -> Iterator[str]:
    yield f"### {one.metric}"
    yield ""
    yield one.reads
    yield ""
    yield from (f"- {caution}" for caution in one.cautions)
    yield ""
    yield from _table(("read together with", "why"), ((_link(each.metric), each.why) for each in one.read_with))
    yield ""
    asked = [*_asked("up", one.up), *_asked("down", one.down), *_asked("up or down", one.either)]
    yield from _table(("when it goes", "ask", "by"), asked)


def _asked(side: str, questions: Sequence[Question]) -> Iterator[tuple[str, str, str]]:
    for one in questions:
        yield side, one.ask, f"`{one.command}`"


def _benchmarks(figures: Sequence[Benchmark]) -> Iterator[str]:
    yield "## What others report"
    yield ""
    yield "Only figures that a public page gives; a metric without one has none. Read the difference before comparing."
    yield ""
    numbers: dict[Source, int] = {}
    rows = []
    for one in figures:
        number = numbers.setdefault(one.source, len(numbers) + 1)
        name = _link(one.metric) + (f" (`{one.variant}`)" if one.variant else "")
        rows.append((name, one.shown, one.measure, one.difference, f"[{number}](#sources)"))
    yield from _table(("metric", "figure", "what", "difference from ours", "source"), rows)
    yield ""
    yield "### Sources"
    yield ""
    for source, number in numbers.items():
        dated = f" (date: {source.dated_by})" if source.dated_by else ""
        of = ", ".join(filter(None, (source.population, source.sample)))
        yield f"{number}. {source.publisher}: *{source.title}*, {source.published}{dated}. Of {of}. <{source.url}>"


def _link(metric: str) -> str:
    return f"[`{metric}`](#{metric})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


if __name__ == "__main__":
    print(page(), end="")
