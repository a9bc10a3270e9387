"""The commands of the pipeline room: thin doors to its questions."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import click

from salesops.common.errors import UsageError
from salesops.metrics.commands import cell_of, session_of
from salesops.output import format_option, write_answer, write_explanation, write_rows

from .attention import slipping as ask_slipping
from .attention import stale as ask_stale
from .changes import changes as ask_changes
from .compare import before_after
from .conversion import OF, stage_deals, stage_report
from .curves import STARTS, curve_deals, cycle_curves
from .deals import open_deals as ask_deals
from .explain import explain_waterfall
from .funnel import KINDS as FUNNELS
from .funnel import funnel as ask_funnel
from .funnel import funnel_records
from .movements import process_variants, stage_flow, stage_matrix
from .process import rework as ask_rework
from .process import transition_cases
from .process import transitions as ask_transitions
from .queries import waterfall as ask_waterfall
from .queries import waterfall_drill
from .velocity import velocity as ask_velocity
from .velocity import velocity_change
from .waterfall import BUCKETS, SCOPES

OPTIONS: Final = {
    "from": click.option("--from", "from_", help="First day, or a period such as 2017-Q3."),
    "to": click.option("--to", help="Last day, or a period that ends on it."),
    "by": click.option("--by", default="", help="Dimensions, separated by commas: owner, team, region ..."),
    "where": click.option("--where", help="A filter, for example: region = 'West'."),
    "as_of": click.option("--as-of", help="As of the evening of this day (default: the warehouse's today)."),
    "as_known_on": click.option("--as-known-on", help="Only what had been recorded by this day."),
    "currency": click.option("--currency", help="Currency of amounts (default: the workspace's)."),
    "calendar": click.option(
        "--calendar", help="The business unit by whose fiscal calendar periods are counted, or workspace."
    ),
}
"""What several commands take."""


def amount(text: str) -> Decimal:
    """An amount as somebody writes it; click tells a ValueError as a wrong option."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None


def taking(*names: str) -> Any:
    """The options of these names, in their order."""

    def decorate(command: Any) -> Any:
        for name in reversed(names):
            command = OPTIONS[name](command)
        return command

    return decorate


def one_period(command: Any) -> Any:
    """The option of the period."""
    return click.option("--period", help="The period, such as 2017-Q3, in the place of --from and --to.")(command)


def window(command: Any) -> Any:
    """The options of a window of days."""
    return one_period(taking("from", "to", "as_known_on")(command))


def scoped(command: Any) -> Any:
    """The options of a waterfall."""
    for option in (
        OPTIONS["currency"],
        click.option("--where", help="A filter; deals that come to match it are reassigned in."),
        click.option("--by", default="", help="Dimensions, separated by commas."),
        click.option("--scope", type=click.Choice(SCOPES), default=SCOPES[0], show_default=True),
    ):
        command = option(command)
    return window(command)


dated = taking("from", "to", "by", "where", "as_of", "as_known_on", "currency", "calendar")
"""The options of a question about deals, without its period."""


def cohort(command: Any) -> Any:
    """The options of a question about the deals of one period."""
    return one_period(dated(command))


def paged(command: Any) -> Any:
    """The options of a list of records behind a number."""
    for option in (
        click.option("--limit", default=100, show_default=True, help="Records to show."),
        click.option("--offset", default=0, show_default=True, help="Records to skip."),
        click.option("--cell", multiple=True, help="Of which group, for example owner='Ann Lee'. Repeat for several."),
    ):
        command = option(command)
    return command


def _without(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}


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
@click.option("--where", help="A filter on the deals as of the last evening, for example: region = 'West'.")
@click.option("--calendar", help="The business unit by whose fiscal calendar periods are counted, or workspace.")
@format_option
@click.pass_context
def stages(ctx: click.Context, as_known_on: str | None, moves: bool, form: str, **options: Any) -> None:
    """From which stage to which: deals between two evenings, or every move between two days."""
    with session_of(ctx.obj, as_known_on) as session:
        ask = stage_flow if moves else stage_matrix
        write_answer(ask(session, ctx.obj.actor, **options), form)


@pipeline.command("funnel")
@cohort
@click.option("--kind", type=click.Choice(FUNNELS), default="cohort", show_default=True)
@click.option("--pipeline", help="Only this pipeline (without leads).")
@click.option("--step", help="List the records of this step instead: Leads, Deals, a stage, Won.")
@paged
@format_option
@click.pass_context
def funnel(
    ctx: click.Context, as_known_on: str | None, form: str, step: str | None, cell: tuple[str, ...], offset: int, limit: int,
    **options: Any,
) -> None:  # fmt: skip
    """From lead to win: active in the period, created in it (cohort), or all there is at its end (snapshot)."""
    with session_of(ctx.obj, as_known_on) as session:
        if step is not None:
            page: dict[str, Any] = {"cell": cell_of(cell), "offset": offset, "limit": limit}
            write_answer(funnel_records(session, ctx.obj.actor, step, **page, **_without(options, "by")), form)
            return
        write_answer(ask_funnel(session, ctx.obj.actor, **options), form)


@pipeline.command("conversion")
@cohort
@click.option("--pipeline", help="Only this pipeline.")
@click.option("--stage", help="List the deals of this stage instead.")
@click.option(
    "--of", type=click.Choice(tuple(OF)), default="entered", show_default=True, help="With --stage: which of them."
)
@paged
@format_option
@click.pass_context
def conversion(
    ctx: click.Context, as_known_on: str | None, form: str, stage: str | None, of: str, cell: tuple[str, ...], offset: int,
    limit: int, **options: Any,
) -> None:  # fmt: skip
    """Stage by stage: who goes on, how long it takes, where most is lost, whether the cohort is old enough to tell."""
    with session_of(ctx.obj, as_known_on) as session:
        if stage is not None:
            page: dict[str, Any] = {"of": of, "cell": cell_of(cell), "offset": offset, "limit": limit}
            write_answer(stage_deals(session, ctx.obj.actor, stage, **page, **_without(options, "by")), form)
            return
        write_answer(stage_report(session, ctx.obj.actor, **options), form)


@pipeline.command("curves")
@cohort
@click.option("--start", type=click.Choice(tuple(STARTS)), default="first_contact", show_default=True)
@click.option("--at", default="", help="Days to show, separated by commas (default: each on which a deal ended).")
@click.option("--confidence", default=0.95, show_default=True)
@click.option("--deals", is_flag=True, help="List the deals instead, the longest first.")
@paged
@format_option
@click.pass_context
def curves(
    ctx: click.Context, as_known_on: str | None, form: str, at: str, deals: bool, cell: tuple[str, ...], offset: int, limit: int,
    **options: Any,
) -> None:  # fmt: skip
    """Shares won, lost and still open by day, open deals censored, with bands."""
    with session_of(ctx.obj, as_known_on) as session:
        if deals:
            page: dict[str, Any] = {"cell": cell_of(cell), "offset": offset, "limit": limit}
            write_answer(curve_deals(session, ctx.obj.actor, **page, **_without(options, "by", "confidence")), form)
            return
        write_answer(cycle_curves(session, ctx.obj.actor, at=_days(at), **options), form)


def _days(text: str) -> list[int]:
    try:
        return [int(one) for one in text.split(",") if one.strip()]
    except ValueError:
        raise UsageError(f"{text!r} are no days", "Write for example --at 30,60,90") from None


@pipeline.command("velocity")
@dated
@click.option("--period", help="day, week, month, quarter, year, or one period such as 2017-Q3.")
@click.option("--variant", default="", help="closed: count closed deals only.")
@click.option("--change", is_flag=True, help="Say what each driver added from the period --from to the period --to.")
@format_option
@click.pass_context
def velocity(
    ctx: click.Context, as_known_on: str | None, form: str, change: bool, from_: str | None, to: str | None, period: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """What the pipeline earns a day, and its drivers: deals, average value, win rate, cycle."""
    with session_of(ctx.obj, as_known_on) as session:
        if not change:
            write_answer(ask_velocity(session, ctx.obj.actor, from_=from_, to=to, period=period, **options), form)
            return
        if from_ is None or to is None or period is not None:
            raise UsageError("a change is from one period to another", "Write --change --from 2017-Q2 --to 2017-Q3")
        write_answer(velocity_change(session, ctx.obj.actor, from_, to, **options), form)


@pipeline.command("changes")
@window
@click.option("--scope", type=click.Choice(SCOPES), default="all_open", show_default=True)
@click.option("--kind", "kinds", default="", help="Only these, separated by commas: created, won, stage, owner ...")
@taking("where", "currency")
@click.option("--offset", default=0, show_default=True)
@click.option("--limit", default=100, show_default=True)
@format_option
@click.pass_context
def changes(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """What changed from --from to --to (default: today), deal by deal, with its effect on the open pipeline."""
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(ask_changes(session, ctx.obj.actor, **options), form)


@pipeline.command("slipping")
@click.option("--period", help="The period in which they were due, such as 2017-Q3.")
@click.option("--from", "from_", help="First day (or a period), inclusive.")
@click.option("--to", help="Last day (or a period), inclusive.")
@taking("where", "as_of", "as_known_on", "currency", "calendar")
@paged
@format_option
@click.pass_context
def slipping(ctx: click.Context, as_known_on: str | None, form: str, cell: tuple[str, ...], **options: Any) -> None:
    """List deals that were due in a period and slipped: why, how far, how often pushed. The largest first."""
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(ask_slipping(session, ctx.obj.actor, cell=cell_of(cell), **options), form)


@pipeline.command("deals")
@click.option("--closing-from", type=click.DateTime(["%Y-%m-%d"]), help="Expected to close on this day or later.")
@click.option("--closing-to", type=click.DateTime(["%Y-%m-%d"]), help="Expected to close on this day or before.")
@click.option("--undated", is_flag=True, help="Only those without an expected close.")
@click.option("--least", type=amount, help="Worth at least this, in the asked currency.")
@click.option("--most", type=amount, help="Worth at most this, in the asked currency.")
@click.option("--text", default="", help="With these words in their name.")
@taking("where", "as_of", "as_known_on", "currency")
@paged
@format_option
@click.pass_context
def deals(ctx: click.Context, as_known_on: str | None, form: str, cell: tuple[str, ...], **options: Any) -> None:
    """List open deals, the largest first."""
    for name in ("closing_from", "closing_to"):
        options[name] = options[name] and options[name].date()
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(ask_deals(session, ctx.obj.actor, cell=cell_of(cell), **options), form)


@pipeline.command("stale")
@taking("where", "as_of", "as_known_on", "currency")
@paged
@format_option
@click.pass_context
def stale(ctx: click.Context, as_known_on: str | None, form: str, cell: tuple[str, ...], **options: Any) -> None:
    """List open deals where nothing happens for longer than the p75 of their stage. The longest quiet first."""
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(ask_stale(session, ctx.obj.actor, cell=cell_of(cell), **options), form)


def cases(command: Any) -> Any:
    """The options of a question about cases."""
    for option in (
        OPTIONS["as_known_on"],
        click.option("--as-of", help="As of the evening of this day."),
        click.option("--where", help="With --of stages: a filter, for example: region = 'West'."),
        click.option("--of", type=click.Choice(("log", "stages")), default="log", show_default=True),
        click.option("--pipeline", help="Only this pipeline."),
    ):
        command = option(command)
    return command


@pipeline.command("variants")
@cases
@click.option("--limit", default=20, show_default=True, help="Paths to show; 0 for all.")
@format_option
@click.pass_context
def variants(ctx: click.Context, as_known_on: str | None, form: str, limit: int, **options: Any) -> None:
    """Distinct paths of cases and how often each was taken."""
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(process_variants(session, ctx.obj.actor, limit=limit or None, **options), form)


@pipeline.command("transitions")
@cases
@click.option("--limit", default=20, show_default=True, help="Rows to show; 0 for all transitions.")
@click.option(
    "--cases",
    nargs=2,
    metavar="FROM TO",
    help="List the cases that go from one step to another, the longest wait first.",
)
@format_option
@click.pass_context
def transitions(
    ctx: click.Context, as_known_on: str | None, form: str, limit: int, cases: tuple[str, str] | None, **options: Any
) -> None:
    """Where cases wait: from step to step, the bottlenecks first."""
    with session_of(ctx.obj, as_known_on) as session:
        if cases:
            write_answer(transition_cases(session, ctx.obj.actor, *cases, limit=limit or 100, **options), form)
            return
        write_answer(ask_transitions(session, ctx.obj.actor, limit=limit or None, **options), form)


@pipeline.command("rework")
@cases
@format_option
@click.pass_context
def rework(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """Which steps are done again, and how often."""
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(ask_rework(session, ctx.obj.actor, **options), form)


@pipeline.command("effect")
@click.argument("metric")
@click.option("--since", required=True, help="The day of the change, the campaign's start, the launch.")
@click.option("--by", default="owner", show_default=True, help="What the units are: owner, team, region ...")
@click.option("--touched", multiple=True, help="A unit that the change touched; repeat for several. None: all of them.")
@click.option("--grain", type=click.Choice(("week", "month")), default="month", show_default=True)
@click.option("--season", is_flag=True, help="Set every period against the one a year before.")
@click.option("--from", "from_", help="First day (or a period), inclusive.")
@click.option("--to", help="Last day (or a period), inclusive.")
@taking("where", "as_of", "as_known_on", "currency", "calendar")
@click.option("--confidence", default=0.95, show_default=True)
@format_option
@click.pass_context
def effect(ctx: click.Context, metric: str, as_known_on: str | None, form: str, **options: Any) -> None:
    """Compare METRIC before and after a day, the touched units against the others, with how sure one can be."""
    with session_of(ctx.obj, as_known_on) as session:
        found = before_after(session, ctx.obj.actor, metric, **options)
    body = found.to_dict()
    row = {
        "metric": found.metric, "effect": body["effect"], "from": body["low"], "to": body["high"], "p_value": body["p_value"],
        "before": body["before"], "after": body["after"], "untouched_change": body["change_untreated"], "since": found.since,
    }  # fmt: skip
    beside = {name: value for name, value in body.items() if name not in row}
    write_rows([row], form, notes=[found.words(), *found.notes], beside=beside)
