"""The commands about people: a thin door to `people`."""

from __future__ import annotations

from typing import Any

import click

from salesops.common.errors import UsageError
from salesops.output import format_option, say, write_rows, write_table
from salesops.records import actions_time

from . import people as ask
from .commands import question, session_of
from .organisation import organisation as tree


@click.group("people")
def people() -> None:
    """What people do, where their time goes, how newcomers come up, who stands out fairly."""


@people.command("activity")
@click.option("--kinds", is_flag=True, help="Counts and minutes by kind of activity.")
@question
@format_option
@click.pass_context
def activity(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """Activities, meetings, selling and other time of everybody."""
    with session_of(ctx.obj, as_known_on) as session:
        _write(ask.activity(session, ctx.obj.actor, **options), form)


@people.command("organisation")
@click.option("--as-of", help="The day (default: the warehouse's today).")
@click.option("--then", help="The day that it is compared with: who joined, moved and left since.")
@click.option("--as-known-on", help="Only what had been recorded by this day.")
@format_option
@click.pass_context
def organisation(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """Who reports to whom on a day, and who joined, moved or left since another."""
    with session_of(ctx.obj, as_known_on) as session:
        told = tree(session, ctx.obj.actor, **options).to_dict()
    rows = [*told["seats"], *told["left"]]
    if form == "table":
        rows = [{**row, "name": "  " * row["depth"] + row["name"]} for row in rows]
    write_rows(
        rows, form, columns=["name", "title", "people", "direct", "change", "former", "person", "manager", "depth"]
    )


@people.command("mix")
@question
@format_option
@click.pass_context
def mix(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """What the top quarter by attainment does otherwise."""
    with session_of(ctx.obj, as_known_on) as session:
        _write(ask.mix(session, ctx.obj.actor, **options), form)


@people.command("ramp")
@click.option("--newcomers", is_flag=True, help="List the newcomers instead of the curve.")
@click.option("--as-of", help="As of the evening of this day (default: the warehouse's today).")
@click.option("--as-known-on", help="Only what had been recorded by this day.")
@click.option("--currency", help="Currency of amounts (default: the workspace's).")
@format_option
@click.pass_context
def ramp(ctx: click.Context, newcomers: bool, as_known_on: str | None, form: str, **options: Any) -> None:
    """How newcomers come up to the level of the tenured, month by month."""
    with session_of(ctx.obj, as_known_on) as session:
        found = ask.ramp(session, ctx.obj.actor, **options)
    if newcomers and form == "table":
        write_rows(found.beside["newcomers"], form, units={"months": "months"}, notes=found.notes)
        return
    _write(found, form)


@people.command("compare")
@click.option("--metric", type=click.Choice(list(ask.COMPARED)), default="win_rate", show_default=True)
@question
@format_option
@click.pass_context
def compare(ctx: click.Context, as_known_on: str | None, form: str, **options: Any) -> None:
    """Everybody against those in the same position: the same segment and tenure."""
    with session_of(ctx.obj, as_known_on) as session:
        _write(ask.compare(session, ctx.obj.actor, **options), form)


def _write(found: ask.Figures, form: str) -> None:
    """Rows, and what stands beside them."""
    if form == "xlsx":
        write_table(found.table())
        return
    beside = {
        "from": found.from_, "to": found.to, "as_of": found.as_of, "generation": found.generation, "currency": found.currency,
        **found.beside,
    }  # fmt: skip
    notes = [f"{found.from_} to {found.to}, both inclusive; as of {found.as_of}", *found.notes]
    write_rows(
        found.rows, form, columns=list(found.columns), units={k: v for k, v in found.columns.items() if v},
        currency=found.currency, notes=notes, beside=beside,
    )  # fmt: skip


@people.command("my-week")
@format_option
@click.pass_context
def my_week(ctx: click.Context, form: str) -> None:
    """Your own week to report: minutes by kind as you reported them, and as your activities say."""
    from . import survey

    with ctx.obj.session() as session:
        found = survey.my_week(session, ctx.obj.actor)
    rows = [
        {"kind": kind, "reported": found["reported"].get(kind), "captured": found["captured"].get(kind)}
        for kind in actions_time.CATEGORIES
    ]
    beside = {"first": found["first"], "last": found["last"]}
    notes = [f"The week from {found['first']} to {found['last']}, in minutes."]
    write_rows(rows, form, columns=["kind", "reported", "captured"], notes=notes, beside=beside)


@people.command("report-week")
@click.argument("minutes", nargs=-1, required=True)
@click.pass_context
def report_week(ctx: click.Context, minutes: tuple[str, ...]) -> None:
    """Report last week in minutes, as kind=minutes pairs (selling=600 admin=240): all of them, what is left out is taken back."""
    from . import survey

    told: dict[str, int] = {}
    for one in minutes:
        kind, _, text = one.partition("=")
        if not text.strip().isdigit():
            raise UsageError(f"{one!r} says no minutes", "Write for example selling=600")
        told[kind.strip()] = int(text)
    with ctx.obj.session() as session:
        _first, last = survey.week_to_report(session)
    count = actions_time.report_week(ctx.obj.actor, last, told)
    say(f"the week to {last} is reported", last=last.isoformat(), written=count)
