"""The command `salesops metrics guide`: a thin door to the guide. It needs no workspace, except to answer (`--ask`); in one,
its setting counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import click

from salesops.common.errors import UsageError
from salesops.output import format_option, write_answer, write_rows
from salesops.workspace import CONFIG, read_config

from ..answer import Answer
from ..catalogue import metrics
from ..defined.kept import defined
from ..definitions import Metric
from .answers import answers
from .ask import Guide, Section
from .ask import guide as ask_guide
from .definitions import Direction, Question, head

COLUMNS = ("name", "text", "detail")
TITLES: Mapping[str, tuple[str, str, str]] = {
    "problems": ("problem", "title", "watch"),
    "models": ("business model", "title", "means"),
    "first": ("metric", "reads", "state"),
    "not": ("metric", "why", "instead"),
    "problem": ("problem", "title", "first"),
    "watch": ("metric", "why", "state"),
    "reading": ("metric", "reads", "state"),
    "with": ("metric", "why", ""),
    "up": ("ask", "command", "state"),
    "down": ("ask", "command", "state"),
    "benchmarks": ("figure", "measure", "source"),
}
"""What the three columns of a part are called, and mostly from which keys of its rows they come."""


@click.command("guide")
@click.option("--problem", help="What to watch for this problem, for example unstable_forecast.")
@click.option("--metric", help="How to read this metric, and what to ask when it moves.")
@click.option("--business-model", help="What you sell (default: the workspace's setting business_model).")
@click.option("--period", default="", help="Ask the next questions over this grain or period, for example 2017-Q3.")
@click.option("--where", default="", help="Ask them of these records, for example: region = 'West'.")
@click.option(
    "--ask", type=click.Choice(get_args(Direction)), help="Answer the questions for when the metric went up, or down."
)
@format_option
@click.pass_context
def guide(ctx: click.Context, business_model: str | None, ask: str | None, form: str, **question: Any) -> None:
    """Which figure to watch for which problem, how to read it, what to ask when it moves, what others report."""
    model = _setting(ctx.obj.path) if business_model is None else business_model
    if ask is None:
        write_guide(ask_guide(business_model=model, own=_own(ctx.obj, question["metric"]), **question), form)
        return
    if not question["metric"]:
        raise UsageError("--ask needs a metric", "For example: salesops metrics guide --metric win_rate --ask down")
    question.pop("problem")
    with ctx.obj.session(None) as session:
        found = answers(session, ctx.obj.actor, question.pop("metric"), ask, business_model=model, **question)
    write_answers(found.items, form)


def _own(obj: Any, metric: str | None) -> Mapping[str, Metric]:
    """The metrics that people defined, where a question is about none of the catalogue and there is a workspace."""
    if not metric or head(metric) in metrics() or not (obj.path / CONFIG).exists():
        return {}
    with obj.session(None) as session:
        return dict(defined(session))


def write_answers(found: Sequence[tuple[Question, Answer | None]], form: str = "table") -> None:
    """Write questions with their answers one after another; as CSV the questions, as JSON both."""
    if form != "table":
        rows = [
            {"ask": one.ask, "command": one.command, "rows": answer and answer.rows.num_rows} for one, answer in found
        ]
        answers = [{**one.to_dict(), "answer": answer and answer.to_dict()} for one, answer in found]
        write_rows(rows, form, columns=("ask", "command", "rows"), beside={"answers": answers})
        return
    for n, (one, answer) in enumerate(found):
        click.echo(f"{chr(10) if n else ''}{one.ask}\n  {one.command}")
        if answer is not None:
            click.echo()
            write_answer(answer)
        elif one.missing:
            click.echo(f"  not measured yet: {', '.join(one.missing)}")


def _setting(folder: Any) -> str:
    """The business model of the workspace in a folder; "" without one."""
    return read_config(folder).business_model if (folder / CONFIG).exists() else ""


def write_guide(found: Guide, form: str = "table") -> None:
    """Write an answer of the guide: a table for each part, one list as CSV, the parts in full as JSON."""
    parts = [(one, list(rows_of(one))) for one in found.sections]
    if form != "table":
        rows = [{"part": one.part, **row} for one, rows in parts for row in rows]
        write_rows(rows, form, columns=("part", *COLUMNS), beside=found.to_dict())
        return
    for n, (one, rows) in enumerate(parts):
        if n:
            click.echo()
        if one.title:
            click.echo(f"{one.title}\n")
        kept = [name for name in COLUMNS if any(row[name] for row in rows)]
        write_rows(rows, columns=kept, titles=dict(zip(COLUMNS, TITLES[one.part], strict=True)))


def rows_of(one: Section) -> Iterator[dict[str, str]]:
    """The rows of a part as three texts."""
    for row in one.rows:
        name, text, detail = (str(row.get(title, "")) for title in TITLES[one.part])
        if one.part in ("up", "down"):
            detail = f"not measured yet: {', '.join(row['missing'])}" if row["missing"] else ""
        elif one.part in ("watch", "first", "reading"):
            detail = _state(row)
        elif one.part == "benchmarks":
            name, detail = row["shown"], _cited(row)
        yield {"name": name, "text": text, "detail": detail}
        if one.part == "reading":
            yield from ({"name": "", "text": caution, "detail": ""} for caution in row["cautions"])


def _state(row: Mapping[str, Any]) -> str:
    """What else is to be known of a metric: in whose place it stands, that it means nothing here, that nothing measures it."""
    said = []
    if row.get("instead_of"):
        said.append(f"in place of {row['instead_of']}")
    if row.get("applies") is False:
        said.append(f"means nothing here: {row['why']}" + (f" Look at {row['instead']}." if row["instead"] else ""))
    if not row["measured"]:
        said.append("not measured yet")
    return "; ".join(said)


def _cited(row: Mapping[str, Any]) -> str:
    source = row["source"]
    of = ", ".join(filter(None, (source["population"], source["sample"])))
    return f"{source['publisher']}, {source['published']}: {of}. {source['url']} Differs from ours: {row['difference']}"
