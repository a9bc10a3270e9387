"""The commands of the metric room: a thin door to `query`, `explain` and `drill`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import click

from salesops.common.errors import UsageError
from salesops.output import format_option, shown, write_answer, write_explanation, write_rows, write_table

from .alerts import METRICS as WATCHED
from .alerts import YEAR
from .alerts import alerts as ask_alerts
from .alerts import expectations as ask_expectations
from .catalogue import metrics as all_metrics
from .change import explain_change
from .cohorts import GRAINS, KINDS
from .cohorts import METRICS as MEASURES
from .cohorts import cohorts as ask_cohorts
from .cohorts import members as cohort_members
from .defined.commands import check, define, definitions, undefine
from .defined.kept import defined
from .drill import drill as drill_records
from .explain import explain as explain_metric
from .guide.commands import guide
from .query import query as ask
from .request import AGAINST, COMPARISONS
from .scorecard import BY_MANAGER, COVERAGE, Scorecard
from .scorecard import scorecard as score


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day", "Write for example 2017-12-31") from None


@contextmanager
def session_of(obj: Any, as_known_on: str | None) -> Iterator[Any]:
    """The session of a command: the workspace's current generation, as known on a day."""
    with obj.session(_day(as_known_on)) as session:
        yield session


def cell_of(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`owner=Ann` pairs as a mapping."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} is no cell", "Write for example --cell owner='Ann Lee'")
        found[name.strip()] = value.strip()
    return found


def question(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every question takes."""
    for option in reversed(
        (
            click.option("--period", help="day, week, month, quarter, year, or one period such as 2017-Q3."),
            click.option("--from", "from_", help="First day (or a period), inclusive."),
            click.option("--to", help="Last day (or a period), inclusive."),
            click.option("--where", help="A filter, for example: region = 'West' and amount > 1000."),
            click.option("--as-of", help="As of the evening of this day (default: the warehouse's today)."),
            click.option("--as-known-on", help="Only what had been recorded by this day."),
            click.option("--currency", help="Currency of amounts (default: the workspace's)."),
            click.option(
                "--calendar", help="The business unit by whose fiscal calendar periods are counted, or workspace."
            ),
        )
    ):
        command = option(command)
    return command


@click.group("metrics")
def metrics() -> None:
    """Ask for numbers, see where they come from, open their records."""


@metrics.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, form: str) -> None:
    """Every metric with its variants, those that people defined in this workspace among them."""
    from salesops.workspace import CONFIG

    known = dict(all_metrics())
    if (ctx.obj.path / CONFIG).exists():
        with ctx.obj.session() as session:
            known |= defined(session)
    rows = [
        {
            "metric": one.id,
            "title": one.title,
            "unit": one.unit.replace("_", " "),
            "better": one.better,
            "date_basis": one.date_basis,
            "variants": ", ".join(v.name for v in one.variants if v.name)
            or (f"salesops {one.table}" if one.table else ""),
            "question": one.question,
        }
        for one in known.values()
    ]
    write_rows(rows, form, titles={"date_basis": "date basis"})


metrics.add_command(guide)
for _command in (define, undefine, check, definitions):
    metrics.add_command(_command)


@metrics.command("query")
@click.argument("names")
@click.option("--by", default="", help="Dimensions, separated by commas: owner, team, region, product ...")
@question
@click.option("--compare", type=click.Choice(COMPARISONS), help="What to set beside it.")
@click.option(
    "--against",
    type=click.Choice(AGAINST),
    help="The targets beside it (the goal, else the plan), or those of one kind.",
)
@click.option("--totals", is_flag=True, help="Add the total over all dimension values.")
@click.option("--parts", is_flag=True, help="Show numerators, denominators and counts, too.")
@format_option
@click.pass_context
def query(
    ctx: click.Context, names: str, as_known_on: str | None, form: str, parts: bool, against: str | None, **options: Any
) -> None:
    """Answer NAMES (separated by commas), such as win_rate,bookings or win_rate.value."""
    if against is not None:
        if options["compare"] not in (None, against):
            raise UsageError("an answer has one comparison beside it", "Give --compare or --against")
        options["compare"] = against
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(ask(session, ctx.obj.actor, names, **options), form, parts=parts)


@metrics.command("change")
@click.argument("name")
@click.option("--by", default="", help="Dimensions, separated by commas: owner, team, region ...")
@click.option("--from", "from_", required=True, help="The period before, such as 2017-Q2, or 2017-04-01..2017-05-15.")
@click.option("--to", required=True, help="The period after.")
@click.option("--where", help="A filter, for example: region = 'West' and amount > 1000.")
@click.option("--as-of", help="As of the evening of this day (default: the warehouse's today).")
@click.option("--as-known-on", help="Only what had been recorded by this day.")
@click.option("--currency", help="Currency of amounts (default: the workspace's).")
@click.option("--calendar", help="The business unit by whose fiscal calendar periods are counted, or workspace.")
@format_option
@click.pass_context
def change(ctx: click.Context, name: str, as_known_on: str | None, form: str, **options: Any) -> None:
    """Say why NAME (a sum or a ratio of sums) changed: mix, rate and volume by group, or the drivers of velocity."""
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(explain_change(session, ctx.obj.actor, name, **options), form)


@metrics.command("alerts")
@click.option("--metrics", default="", help=f"Metrics to watch, separated by commas (default: {', '.join(WATCHED)}).")
@click.option("--period", type=click.Choice(tuple(YEAR)), default="month", show_default=True, help="The grain.")
@click.option("--by", default="", help="Among which dimensions the explanation is sought, separated by commas.")
@click.option("--from", "from_", help="Use the history from this day (or period) on.")
@click.option("--where", help="A filter, for example: region = 'West'.")
@click.option("--as-of", help="As of the evening of this day (default: the warehouse's today).")
@click.option("--as-known-on", help="Only what had been recorded by this day.")
@click.option("--currency", help="Currency of amounts (default: the workspace's).")
@click.option("--calendar", help="The business unit by whose fiscal calendar periods are counted, or workspace.")
@click.option("--alerts-per-year", default=0.5, show_default=True, help="How many a year chance may cause in a metric.")
@format_option
@click.pass_context
def alerts(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """Unexpected drops and surges of the latest finished period, how unusual they are, and what moved them."""
    with session_of(ctx.obj, as_known_on) as session:
        found = ask_alerts(session, ctx.obj.actor, **options)
    if form != "table":
        write_answer(found, form)
        return
    rows = [{"alert": row["words"]} for row in found.to_pylist()]
    if rows:
        click.echo("\n".join(row["alert"] for row in rows))
    else:
        click.echo(f"No alert: {next(iter(found.empty.values()))}.")
    click.echo("\n".join(f"  {note}" for note in found.notes))


@metrics.command("expectations")
@click.argument("name")
@click.option("--period", type=click.Choice(tuple(YEAR)), default="month", show_default=True, help="The grain.")
@click.option("--from", "from_", help="Use the history from this day (or period) on.")
@click.option("--where", help="A filter, for example: region = 'West'.")
@click.option("--as-of", help="As of the evening of this day (default: the warehouse's today).")
@click.option("--as-known-on", help="Only what had been recorded by this day.")
@click.option("--currency", help="Currency of amounts (default: the workspace's).")
@click.option("--calendar", help="The business unit by whose fiscal calendar periods are counted, or workspace.")
@click.option("--alerts-per-year", default=0.5, show_default=True, help="How many a year chance may cause in a metric.")
@format_option
@click.pass_context
def expectations(ctx: click.Context, name: str, as_known_on: str | None, form: str, **options: Any) -> None:
    """A metric by finished periods beside what was expected of each, as alerts judge it."""
    with session_of(ctx.obj, as_known_on) as session:
        write_answer(ask_expectations(session, ctx.obj.actor, name, **options), form)


@metrics.command("explain")
@click.argument("name")
@click.option("--cell", multiple=True, help="A dimension's value, for example owner='Ann Lee'. Repeat for several.")
@question
@format_option
@click.pass_context
def explain(
    ctx: click.Context, name: str, cell: tuple[str, ...], as_known_on: str | None, form: str, **options: Any
) -> None:
    """Say how NAME came about: formula, definition, inputs, what was left out, how to see its records."""
    with session_of(ctx.obj, as_known_on) as session:
        write_explanation(explain_metric(session, ctx.obj.actor, name, cell=cell_of(cell), **options), form)


@metrics.command("drill")
@click.argument("name")
@click.option("--cell", multiple=True, help="A dimension's value, for example owner='Ann Lee'. Repeat for several.")
@click.option("--offset", default=0, show_default=True, help="Records to skip.")
@click.option("--limit", default=100, show_default=True, help="Records to show.")
@question
@format_option
@click.pass_context
def drill(
    ctx: click.Context, name: str, cell: tuple[str, ...], as_known_on: str | None, form: str, offset: int, limit: int,
    **options: Any,
) -> None:  # fmt: skip
    """List the records behind NAME, with what each adds to it."""
    from decimal import Decimal

    with session_of(ctx.obj, as_known_on) as session:
        found = drill_records(session, ctx.obj.actor, name, cell=cell_of(cell), offset=offset, limit=limit, **options)
    if form == "xlsx":
        write_table(found.table())
        return
    units = {part: "money" if part in found.money else "count" for part in found.totals}
    rows = [
        {k: Decimal(v).scaleb(-4) if k in found.money and v is not None else v for k, v in row.items()}
        for row in found.to_pylist()
    ]
    notes = [f"records {offset + 1:,} to {offset + len(rows):,} of {found.total:,}"] if rows else ["no records"]
    if found.hidden:
        notes.append(f"{found.hidden:,} more, not yours")
    totals = {k: Decimal(v).scaleb(-4) if k in found.money else v for k, v in found.totals.items()}
    beside = {"total": found.total, "totals": totals, "offset": offset, "limit": limit, "hidden": found.hidden}
    write_rows(rows, form, units=units, currency=found.currency, notes=notes, beside=beside)


@click.command("cohorts")
@click.option(
    "--of", type=click.Choice(tuple(KINDS)), default="orders", show_default=True, help="What makes a customer."
)
@click.option(
    "--period",
    type=click.Choice(GRAINS),
    default="quarter",
    show_default=True,
    help="The length of a cohort and of an age.",
)
@click.option("--from", "from_", help="First day (or a period) of the cohorts.")
@click.option("--to", help="Last day (or a period) of the cohorts; what they bought later counts all the same.")
@click.option("--by", default="", help="Dimensions of the customer, separated by commas: segment, owner, region ...")
@click.option("--where", help="A filter, for example: segment = 'SMB'.")
@click.option(
    "--measure", type=click.Choice(tuple(MEASURES)), default="retention", show_default=True, help="What a table shows."
)
@click.option("--ages", type=int, help="The highest age to show.")
@click.option("--open", "opened", help="List the customers of this cohort instead, for example 2017-01.")
@click.option("--age", type=int, help="With --open: only those active at this age.")
@click.option("--cell", multiple=True, help="With --open: a slice, for example segment=SMB.")
@click.option("--offset", default=0, show_default=True, help="With --open: customers to skip.")
@click.option("--limit", default=100, show_default=True, help="With --open: customers to show.")
@click.option("--as-of", help="As of the evening of this day (default: the warehouse's today).")
@click.option("--as-known-on", help="Only what had been recorded by this day.")
@click.option("--currency", help="Currency of amounts (default: the workspace's).")
@click.option("--calendar", help="The business unit by whose fiscal calendar periods are counted, or workspace.")
@format_option
@click.pass_context
def cohorts(
    ctx: click.Context, as_known_on: str | None, measure: str, form: str, opened: str | None, age: int | None,
    cell: tuple[str, ...], offset: int, limit: int, **options: Any,
) -> None:  # fmt: skip
    """Customers by first purchase: how many stay and what they bring, by age in periods (every measure in JSON and CSV)."""
    if opened:
        _members(ctx.obj, as_known_on, form, opened, age, cell, offset=offset, limit=limit, **options)
        return
    with session_of(ctx.obj, as_known_on) as session:
        found = ask_cohorts(session, ctx.obj.actor, **options)
    if form != "table":
        write_answer(found, form)
        return
    shape = found.matrix(measure)
    unit = MEASURES[measure][1]
    units = {name: unit if name.isdigit() else "count" if name == "customers" else "" for name in shape.column_names}
    notes = [f"{MEASURES[measure][0]}, by age in {options['period']}s; as of {found.as_of}", *found.notes]
    notes += [f"{found.hidden:,} more, not yours"] if found.hidden else []
    write_rows(shape.to_pylist(), form, columns=shape.column_names, units=units, currency=found.currency, notes=notes)


def _members(
    obj: Any, as_known_on: str | None, form: str, cohort: str, age: int | None, cell: tuple[str, ...], **options: Any
) -> None:
    """Write the customers of one cohort."""
    kept = {name: options[name] for name in ("of", "where", "as_of", "currency", "calendar", "offset", "limit")}
    with session_of(obj, as_known_on) as session:
        found = cohort_members(session, obj.actor, cohort, age, cell=cell_of(cell), **kept)
    rows = found.to_pylist()
    first = found.offset + 1
    notes = [f"customers {first:,} to {found.offset + len(rows):,} of {found.total:,}"] if rows else ["no customers"]
    beside = {"total": found.total, "revenue": found.revenue, "offset": found.offset, "limit": found.limit}
    units = {"purchases": "count", "revenue": "money"}
    names = ["id", "name", "first_day", "purchases", "revenue"]
    write_rows(rows, form, columns=names, units=units, currency=found.currency, notes=notes, beside=beside)


@click.command("scorecard")
@format_option
@click.pass_context
def scorecard(ctx: click.Context, form: str) -> None:
    """The figures asked for first: this fiscal quarter beside the last one."""
    with ctx.obj.session() as session:
        card = score(session, ctx.obj.actor)
    write_scorecard(card, ctx.obj.workspace.config.name, form)


def write_scorecard(card: Scorecard, company: str, form: str = "table") -> None:
    """Write a scorecard: two tables for people, exact values and everything beside them as JSON, the figures as CSV."""
    keys = [card.before.key, card.now.key]
    notes = [f"{card.hidden:,} more, not yours"] if card.hidden else []
    if form != "table":
        beside = {
            "company": company, "as_of": card.as_of, "currency": card.currency, "managers": card.managers,
            "quota_reached": sorted(card.reached), "hidden": card.hidden,
        }  # fmt: skip
        write_rows(
            card.rows, form, columns=["metric", "figure", "unit", *keys, "target", "met"], notes=notes, beside=beside
        )
        return

    def told(row: dict[str, Any], key: str) -> str:
        if row["metric"] == COVERAGE and key in card.reached:
            return "reached"
        return shown(row[key], row["unit"], card.currency)

    click.echo(f"{company}: {card.now.label} ({card.now.start} to {card.now.end}), as of {card.as_of}\n")
    rows = [{"figure": row["figure"], **{key: told(row, key) for key in keys}} for row in card.rows]
    if any(row["target"] is not None for row in card.rows):
        keys.append("target")
        yet = " so far" if card.as_of < card.now.end else ""
        for row, one in zip(rows, card.rows, strict=True):
            met = "" if one["met"] is None else f", {'met' if one['met'] else 'not met'}{yet}"
            goal = one["target"]
            row["target"] = "not set" if goal is None else shown(goal, one["unit"], card.currency) + met
    write_rows(rows, "table", columns=["figure", *keys], units=dict.fromkeys(keys, "text"), notes=notes)
    if card.managers:
        click.echo()
        units = {row["metric"]: row["unit"] for row in card.rows}
        columns = ["manager", *BY_MANAGER]
        write_rows(card.managers[:8], "table", columns=columns, units=units, currency=card.currency)
