"""The commands of the forecast: `forecast board`, `call`, `calls`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from salesops.output import format_option, say, shown, write_rows

from .rollup import CATEGORIES

DAY = click.DateTime(["%Y-%m-%d"])
TYPES = ("new", "expansion", "renewal")
FROM = {"call": "called", "adjusted": "adjusted", "rolled_up": "from below", "deals": "from deals"}


@click.group("forecast")
def forecast() -> None:
    """What will be booked: what the deals say, what people call, how good that was."""


@forecast.command("board")
@click.option("--period", help="Such as 2026-Q4 (default: the current one).")
@click.option("--as-of", type=DAY, help="As it was at the end of this day.")
@click.option("--top", help="Only this person (name or id) and everybody below.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Only deals and calls of this type.")
@click.option("--currency", help="In this currency (default: the reporting currency).")
@format_option
@click.pass_context
def board_(
    ctx: click.Context,
    period: str | None,
    as_of: datetime | None,
    top: str | None,
    type_: str | None,
    currency: str | None,
    form: str,
) -> None:
    """A line a person: target, closed, commit and best case as they count, and where each figure is from.

    Amounts are cumulative: commit holds what is closed, best case holds commit.
    """
    from .queries import board

    with ctx.obj.session() as session:
        found = board(
            session, ctx.obj.actor, period=period, as_of=as_of.date() if as_of else None, top=top, type=type_, currency=currency
        )  # fmt: skip
    if form != "table":
        write_rows(found.rows(), form, notes=list(found.notes))
        return
    write_rows(
        [_line(row, found.currency) for row in found.rows()],
        form,
        notes=[f"{found.period.key} as of {found.as_of}", *found.notes],
    )


def _line(row: dict[str, Any], currency: str) -> dict[str, Any]:
    def money(value: Any) -> str:
        return "" if value is None else shown(value, "money", currency)

    told = {
        "person": "  " * row["depth"] + row["person"],
        "target": money(row["target"]),
        "closed": money(row["closed"]),
    }
    for name in ("commit", "best_case"):
        told |= {name: money(row[name]), f"{name} is": FROM[row[f"{name}_from"]]}
    return told | {"pipeline": money(row["pipeline_deals"]), "said on": row["said_on"] or ""}


@forecast.command("call")
@click.argument("amounts", nargs=-1, required=True, metavar="CATEGORY=AMOUNT ...")
@click.option("--period", help="Such as 2026-Q4 (default: the current one).")
@click.option("--person", help="Put the figure beside the call of somebody below you (name or id); needs --reason.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Only of deals of this type.")
@click.option("--currency", help="Of the amounts (default: the workspace's).")
@click.option("--note", default="", help="What stands behind it.")
@click.option("--reason", default="", help="Why another figure than theirs.")
@format_option
@click.pass_context
def call(
    ctx: click.Context, amounts: tuple[str, ...], period: str | None, person: str | None, type_: str | None, currency: str | None,
    note: str, reason: str, form: str,
) -> None:  # fmt: skip
    """Call a period: commit=120000 best_case=180000. Cumulative amounts, what is closed included; it counts for the next deadline."""
    from .actions import submit

    given = dict(_pair(text) for text in amounts)
    with ctx.obj.session() as session:
        said = submit(
            session, ctx.obj.actor, given, period=period, person=person, type=type_, currency=currency, note=note, reason=reason
        )  # fmt: skip
    if form == "table":
        say(
            f"Called for the deadline of {said.due_on}."
            if said.ids
            else f"Nothing new: this was said for the deadline of {said.due_on} already."
        )
        return
    write_rows(
        [
            {"category": name, "id": one, "due_on": said.due_on, "adjusts": said.adjusts}
            for name, one in said.ids.items()
        ],
        form,
    )


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(
            f"{text!r} is no CATEGORY=AMOUNT: write for example commit=120000. Categories: {', '.join(CATEGORIES)}"
        )
    return name.strip().replace("-", "_"), value.strip()


@forecast.command("calls")
@click.option("--period", help="Such as 2026-Q4 (default: the current one).")
@click.option("--person", help="Only of this person (name or id).")
@click.option("--category", type=click.Choice(CATEGORIES))
@format_option
@click.pass_context
def calls_(ctx: click.Context, period: str | None, person: str | None, category: str | None, form: str) -> None:
    """Every call of a period that you may see, newest first; calls never change, they are said anew."""
    from .queries import call_history

    with ctx.obj.session() as session:
        rows = call_history(session, ctx.obj.actor, period=period, person=person, category=category or "")
    if form == "table":
        rows = [
            {**row, "at": f"{row['at']:%Y-%m-%d %H:%M}", "amount": shown(row["amount"], "money", row["currency"])}
            for row in rows
        ]
        write_rows(
            rows, form, columns=["at", "person", "made_by", "category", "type", "amount", "due_on", "reason", "note"]
        )
        return
    write_rows(rows, form)


from . import commands_runs  # noqa: E402, F401 - the commands of the model join the group
