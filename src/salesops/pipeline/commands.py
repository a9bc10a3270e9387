"""The commands of the pipeline room: waterfall, stage movements, variants."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import click

from salesops.metrics.commands import cell_of, session_of
from salesops.output import format_option, write_answer, write_explanation, write_rows

from .explain import explain_waterfall
from .movements import process_variants, stage_flow, stage_matrix
from .queries import waterfall as ask_waterfall
from .queries import waterfall_drill
from .waterfall import BUCKETS, SCOPES


def window(command: Any) -> Any:
    """The options of a window of days."""
    for option in (
        click.option("--as-known-on", help="Only what had been recorded by this day."),
        click.option("--to", help="Last day, or a period that ends on it."),
        click.option("--from", "from_", required=True, help="First day, or a period such as 2017-Q3."),
    ):
        command = option(command)
    return command


def scoped(command: Any) -> Any:
    """The options of a waterfall."""
    for option in (
        click.option("--currency", help="Currency of amounts (default: the workspace's)."),
        click.option("--where", help="A filter; deals that come to match it are reassigned in."),
        click.option("--by", default="", help="Dimensions, separated by commas."),
        click.option("--scope", type=click.Choice(SCOPES), default=SCOPES[0], show_default=True),
    ):
        command = option(command)
    return window(command)


@click.group("pipeline")
def pipeline() -> None:
    """What is open, how it changed, where it moved."""


@pipeline.command("waterfall")
@scoped
@click.option("--bar", type=click.Choice(BUCKETS), help="List the deals of this bar instead.")
@click.option("--cell", multiple=True, help="With --bar: a slice, for example owner='Ann Lee'.")
@click.option("--offset", default=0, show_default=True)
@click.option("--limit", default=100, show_default=True)
@format_option
@click.pass_context
def waterfall(
    ctx: click.Context, as_known_on: str | None, bar: str | None, cell: tuple[str, ...], offset: int, limit: int,
    form: str, **options: Any,
) -> None:  # fmt: skip
    """What changed the pipeline between the evening before --from and the evening of --to."""
    with session_of(ctx.obj, as_known_on) as session:
        if bar is None:
            write_answer(ask_waterfall(session, ctx.obj.actor, **options), form)
            return
        found = waterfall_drill(
            session, ctx.obj.actor, bucket=bar, cell=cell_of(cell), offset=offset, limit=limit, **options
        )
    rows = [{**row, "value": Decimal(row["value"]).scaleb(-4)} for row in found["rows"]]
    notes = [f"records {offset + 1:,} to {offset + len(rows):,} of {found['total']:,}"] if rows else ["no deals"]
    beside = {"total": found["total"], "value": Decimal(found["value"]).scaleb(-4)}
    write_rows(rows, form, units={"value": "money"}, notes=notes, beside=beside)


@pipeline.command("explain")
@scoped
@format_option
@click.pass_context
def explain(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """Say how the waterfall is made, and that it balances."""
    with session_of(ctx.obj, as_known_on) as session:
        write_explanation(explain_waterfall(session, ctx.obj.actor, **options), form)


@pipeline.command("stages")
@window
@click.option("--moves", is_flag=True, help="Count every move instead of comparing two evenings.")
@format_option
@click.pass_context
def stages(ctx: click.Context, as_known_on: str | None, moves: bool, form: str, from_: str, to: str | None) -> None:
    """From which stage to which: deals between two evenings, or every move between two days."""
    with session_of(ctx.obj, as_known_on) as session:
        ask = stage_flow if moves else stage_matrix
        write_answer(ask(session, ctx.obj.actor, from_, to), form)


@pipeline.command("variants")
@click.option("--pipeline", "name", help="Only this pipeline.")
@click.option("--of", type=click.Choice(("log", "stages")), default="log", show_default=True)
@click.option("--as-of", help="As of the evening of this day.")
@click.option("--as-known-on", help="Only what had been recorded by this day.")
@click.option("--limit", default=20, show_default=True, help="Paths to show; 0 for all.")
@format_option
@click.pass_context
def variants(
    ctx: click.Context, name: str | None, of: str, as_of: str | None, as_known_on: str | None, limit: int, form: str
) -> None:
    """Distinct paths of cases and how often each was taken."""
    with session_of(ctx.obj, as_known_on) as session:
        found = process_variants(session, ctx.obj.actor, pipeline=name, as_of=as_of, of=of, limit=limit or None)
        write_answer(found, form)
