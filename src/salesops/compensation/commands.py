"""The commands of compensation: plans as tested text, and what one would pay."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

import click

from salesops.common.errors import InvalidData
from salesops.common.money import from_minor
from salesops.output import format_option, say, shown, write_rows

DAY = click.DateTime(["%Y-%m-%d"])


@click.group("comp")
def comp() -> None:
    """Compensation: plans as readable, tested text; what a plan pays, deal by deal."""


@comp.group("plan")
def plan() -> None:
    """A plan is one text file with worked tests inside; PLAN is a file, or the name of an example."""


@plan.command("gallery")
@click.argument("name", required=False)
def gallery_(name: str | None) -> None:
    """List the example plans, or print one to begin with."""
    from . import gallery

    if name is None:
        plans = {one: gallery.plan(one).plan for one in gallery.names()}
        rows = [
            {"name": name, "title": one.title, "components": ", ".join(each.kind for each in one.components)}
            for name, one in plans.items()
        ]
        write_rows(rows, "table")
        return
    from .queries import plan_of

    click.echo(plan_of(name).text, nl=False)


@plan.command("lint")
@click.argument("named", metavar="PLAN")
@format_option
def lint_(named: str, form: str) -> None:
    """Say what is wrong with a plan (with the line), and what its readers should know: cliffs, dead zones, gaps."""
    from . import lint
    from .queries import plan_of

    found = lint.findings(plan_of(named).plan, Path(named).name)
    if form == "table" and not found:
        say("Nothing to say: the plan reads, its parts fit, no cliff or dead zone.")
        return
    write_rows([one.to_dict() for one in found], form, columns=["severity", "field", "problem", "remedy"])


@plan.command("test")
@click.argument("named", metavar="PLAN")
@format_option
def test_(named: str, form: str) -> None:
    """Run the worked tests inside a plan; a cent of difference fails (exit code 6)."""
    from . import tested
    from .queries import plan_of

    document = plan_of(named)
    found = tested.run(document.plan)
    count = len(document.plan.tests)
    if not found:
        if form == "table":
            say(
                f"{count} worked tests, all to the cent."
                if count
                else "The plan has no worked tests: write some, they block a wrong plan."
            )
        else:
            write_rows([{"tests": count, "differences": 0}], form)
        return
    write_rows([{"test": one.test, "what": one.what, "told": str(one)} for one in found], form, columns=["told"])
    raise InvalidData(f"{len(found)} of the worked tests' figures differ", "Change the plan, or the expectation")


@plan.command("letter")
@click.argument("named", metavar="PLAN")
@click.option("--for", "payee", default="", help="The name in the letter.")
def letter_(named: str, payee: str) -> None:
    """Print the plan letter: the plan in words, from the same text."""
    from .letter import letter
    from .queries import plan_of

    click.echo(letter(plan_of(named).plan, payee))


@plan.command("diff")
@click.argument("before")
@click.argument("after")
@format_option
def diff_(before: str, after: str, form: str) -> None:
    """Say what another version changes, term by term."""
    from .diff import changes
    from .queries import plan_of

    found = changes(plan_of(before).plan, plan_of(after).plan)
    if form == "table" and not found:
        say("Nothing is another: the plans mean the same.")
        return
    write_rows([{"where": one.where, "before": one.before, "after": one.after} for one in found], form)


@plan.command("cost")
@click.argument("named", metavar="PLAN")
@format_option
def cost_(named: str, form: str) -> None:
    """What somebody with an example quota earns at 60 to 150 % of it, and what that costs of each unit sold."""
    from .lint import cost_by_attainment
    from .queries import plan_of

    document = plan_of(named).plan
    money = partial(_minor, currency=document.currency)
    rows = [
        {"attainment": f"{one.attainment / 10_000:.0f} %", **{name: money(cents) for name, cents in one.by_component},
         "total": money(one.total), "of sales": "" if one.of_sales is None else f"{float(one.of_sales):.2%}"}
        for one in cost_by_attainment(document)
    ]  # fmt: skip
    write_rows(rows, form)


def _minor(cents: int, currency: str) -> str:
    return shown(from_minor(cents, currency).amount, "money", currency)


@comp.command("preview")
@click.argument("named", metavar="PLAN")
@click.option("--person", help="Whose pay (name, e-mail or id); your own without it.")
@click.option("--through", type=DAY, help="Up to this day (default: today).")
@click.option("--period", help="Only this pay period, such as 2026-Q3.")
@click.option("--lines", is_flag=True, help="Every line in words: deal, band, rate.")
@format_option
@click.pass_context
def preview_(
    ctx: click.Context,
    named: str,
    person: str | None,
    through: datetime | None,
    period: str | None,
    lines: bool,
    form: str,
) -> None:
    """What PLAN would pay a person, on the records as they are. Nothing is stored or paid.

    Your own, or anybody's for those who see pay (owner, admin, finance).
    """
    from .queries import plan_of, preview

    document = plan_of(named)
    with ctx.obj.session() as session:
        found = preview(session, ctx.obj.actor, document, person, through=through.date() if through else None)
    rows = [row for row in found.rows if period in (None, row["period"])]
    notes = [*(f"problem: {one}" for one in found.problems), *found.notes]
    notes += [
        f"payable {key}: {shown(value, 'money', found.plan.currency)}"
        for key, value in found.payable.items()
        if period in (None, key)
    ]
    if lines:
        told = [
            {"period": row["period"], "component": row["component"], **line} for row in rows for line in row["lines"]
        ]
        write_rows(told, form, columns=["period", "component", "amount", "words"], notes=notes)
        return
    if form != "table":
        write_rows(rows, form, notes=notes)
        return
    code = found.plan.currency
    table = [
        {
            "period": row["period"], "component": row["component"], "credited": shown(row["credited"], "money", code),
            "quota": "" if row["quota"] is None else shown(row["quota"], "money", code),
            "attainment": "" if row["attainment"] is None else f"{row['attainment']:.2%}",
            "earned": shown(row["earned"], "money", code), "problem": row["problem"],
        }
        for row in rows
    ]  # fmt: skip
    write_rows(table, form, notes=notes)
