"""The commands of targets: `target set`, `list`, `withdraw`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from salesops.common.errors import UsageError
from salesops.output import format_option, say, shown, write_rows
from salesops.records.approvals import Waiting

from . import goals
from .target import KINDS

DAY = click.DateTime(["%Y-%m-%d"])
KIND = tuple(kind for kind in KINDS if kind != "target")


def _day(moment: datetime | None) -> Any:
    return None if moment is None else moment.date()


@click.group("target")
def target() -> None:
    """What a metric should be: of the company, a unit, a team or a person, by period."""


@target.command("set")
@click.argument("metric")
@click.argument("period")
@click.argument("value")
@click.option("--kind", type=click.Choice(KIND), default="goal", show_default=True)
@click.option("--person", help="Of a person: name, e-mail or id.")
@click.option("--team", help="Of a team.")
@click.option("--unit", "business_unit", help="Of a business unit (a department).")
@click.option("--currency", help="Of an amount (default: the workspace's).")
@click.option("--status", type=click.Choice(("draft", "published")), default="published", show_default=True)
@click.option("--why", "provenance", help="Where it comes from, for example: plan 2026, second version.")
@click.option("--effective", type=DAY, help="The day since when it is true (default: now).")
@format_option
@click.pass_context
def set_(
    ctx: click.Context, metric: str, period: str, value: str, effective: datetime | None, form: str, **given: Any
) -> None:
    """Set METRIC (or a variant) for PERIOD, such as 2026-Q3, to VALUE: an amount, a number, or a share such as 32%.

    Of the company, unless a person, team or unit is named. Setting it again makes a version of it.
    """
    with ctx.obj.session() as session:
        done = goals.set_target(session, ctx.obj.actor, metric, period, value, effective=_day(effective), **given)
    write_rows([done.to_dict() if isinstance(done, Waiting) else done], form)


@target.command("list")
@click.argument("metric", default="")
@click.option("--kind", type=click.Choice(KIND), default=None)
@click.option("--period", default="", help="Those that share a day with this period.")
@click.option("--of", default="", help="Of this person, team or unit, or of the company.")
@click.option("--as-of", type=DAY, help="As they were at the end of this day.")
@click.option("--as-known-on", type=DAY, help="Only what had been recorded by this day.")
@format_option
@click.pass_context
def list_(
    ctx: click.Context, metric: str, kind: str | None, period: str, of: str, as_of: datetime | None,
    as_known_on: datetime | None, form: str,
) -> None:  # fmt: skip
    """List the targets (of METRIC) that you may see."""
    with ctx.obj.session() as session:
        rows = goals.list_targets(
            session, ctx.obj.actor, metric=metric, kind=kind or "", period=period, of=of, as_of=_day(as_of),
            as_known_on=_day(as_known_on),
        )  # fmt: skip
    if form == "table":
        rows = [{**row, "value": shown(row["value"], row["unit"], row["currency"] or "")} for row in rows]
        columns = ["metric", "kind", "scope", "of", "period", "starts_on", "ends_on", "value", "status", "id"]
        columns += ["remark"] if any(row["remark"] for row in rows) else []
        write_rows(rows, form, columns=columns, titles={"starts_on": "from", "ends_on": "to"})
        return
    write_rows(rows, form)


@target.command("withdraw")
@click.argument("record")
@click.option("--effective", type=DAY, help="The day since when it holds no longer (default: now).")
@click.pass_context
def withdraw(ctx: click.Context, record: str, effective: datetime | None) -> None:
    """Withdraw a target by its id: it is not set any more. Its history stays (salesops record history target ID)."""
    if not record.strip().isdigit():
        raise UsageError(f"{record!r} is no id of a target", "salesops target list shows the ids")
    if waiting := goals.withdraw_target(ctx.obj.actor, record, effective=_day(effective)):
        return say(str(waiting), **waiting.to_dict())
    say(f"withdrawn {record}", withdrawn=record)
