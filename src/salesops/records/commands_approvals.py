"""Commands over approvals: what waits, what it changes, and the decision."""

from __future__ import annotations

import click

from salesops.output import format_option, say, write_rows

from . import approvals

note_option = click.option("--note", default="", help="Why, for who approves it (where it needs that).")


@click.group()
def approval() -> None:
    """Proposals that wait for somebody else's approval, and those that were decided."""


@approval.command("list")
@click.option(
    "--status", type=click.Choice(["open", "decided", "all", "approved", "declined", "withdrawn", "replaced"]),
    default="open", show_default=True,
)  # fmt: skip
@click.option("--mine", is_flag=True, help="Only those that wait for your decision.")
@format_option
@click.pass_context
def list_(ctx: click.Context, status: str, mine: bool, form: str) -> None:
    """List proposals: those that you made, and those that you may decide."""
    from .commands_settings import moment

    rows = [
        {**row, "asked": moment(row["asked"]), "decided": moment(row["decided"]), "policy": _policy(row)}
        for row in approvals.listed(ctx.obj.actor, status, mine=mine)
    ]
    columns = ["number", "title", "asked_by", "asked", "status", "stale", "policy", "decided_by", "decided", "reason"]
    write_rows(rows, form, columns=columns, notes=[f"{len(rows)} proposals"])


def _policy(row: dict[str, object]) -> str:
    return "self-approved" if row["self_approved"] else "two persons"


@approval.command("show")
@click.argument("number", type=int)
@format_option
@click.pass_context
def show(ctx: click.Context, number: int, form: str) -> None:
    """What proposal NUMBER changes, before and after; who asked, who decided."""
    from .commands_settings import moment

    one = approvals.show(ctx.obj.actor, number)
    rows = [{"what": what, "before": before, "after": after} for what, before, after in one["lines"]]
    notes = [
        f"{one['title']} ({one['status']}, {_policy(one)})",
        f"asked by {one['asked_by']}, {moment(one['asked'])}" + (f": {one['note']}" if one["note"] else ""),
    ]
    if one["decided_by"]:
        why = f": {one['reason']}" if one["reason"] else ""
        notes.append(f"{one['status']} by {one['decided_by']}, {moment(one['decided'])}{why}")
    if one["more"]:
        notes.append(f"{one['more']} more lines")
    if one["stale"]:
        notes.append("Stale: what it is about has changed since; it can only be declined, withdrawn or proposed again")
    beside = {name: value for name, value in one.items() if name != "lines"}
    write_rows(rows, form, columns=["what", "before", "after"], notes=notes, beside=beside)


@approval.command("approve")
@click.argument("number", type=int)
@click.option("--reason", default="")
@click.pass_context
def approve(ctx: click.Context, number: int, reason: str) -> None:
    """Approve proposal NUMBER of somebody else: it is done now."""
    approvals.approve(ctx.obj.actor, number, reason)
    say(f"approved and done: proposal {number}", approved=number)


@approval.command("decline")
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why; it is told to who proposed it.")
@click.pass_context
def decline(ctx: click.Context, number: int, reason: str) -> None:
    """Decline proposal NUMBER of somebody else."""
    approvals.decline(ctx.obj.actor, number, reason)
    say(f"declined proposal {number}", declined=number)


@approval.command("withdraw")
@click.argument("number", type=int)
@click.option("--reason", default="")
@click.pass_context
def withdraw(ctx: click.Context, number: int, reason: str) -> None:
    """Take a proposal of your own back."""
    approvals.withdraw(ctx.obj.actor, number, reason)
    say(f"withdrawn proposal {number}", withdrawn=number)
