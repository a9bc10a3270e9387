"""The command `salesops report`: a thin door to reports and alerts."""

from __future__ import annotations

from typing import Any

import click

from salesops.output import format_option, say, write_rows

FORMS, ONLY = ("pdf", "xlsx", "text"), ("changed", "alert")


@click.group("report")
def report() -> None:
    """Figures and pages that are sent at times, by e-mail or to a chat; alerts. The worker sends: salesops serve, or salesops worker."""


@report.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, form: str) -> None:
    """Your reports."""
    from salesops.records.commands_settings import moment

    from .actions import list_reports

    actor = ctx.obj.actor
    rows = [
        {**row, "recipients": ", ".join(row["recipients"]), "next": moment(row["next"]), "shows": described(row["question"])}
        for row in list_reports(actor)
    ]  # fmt: skip
    columns = ["id", "name", "shows", "form", "schedule", "only", "next", "recipients", "active", "owner"]
    write_rows(rows, form, columns=columns)


@report.command("create")
@click.argument("name")
@click.option("--metrics", help="Metrics, separated by commas (without them: the scorecard).")
@click.option("--by", default="", help="Dimensions, separated by commas.")
@click.option(
    "--period",
    default="this quarter",
    show_default=True,
    help="this or last day, week, month, quarter, year; or 2026-Q3.",
)
@click.option("--compare", type=click.Choice(("previous", "year_ago", "target")))
@click.option("--where", default="", help="A filter, for example: region = 'West'.")
@click.option("--page", help="A page with its filters in the place of figures, for example /records/opportunity.")
@click.option("--as-file", "kind", type=click.Choice(FORMS), default="pdf", show_default=True)
@click.option(
    "--to", "recipients", multiple=True, help="An e-mail address, https:// or a chat's address; may be repeated."
)
@click.option("--schedule", default="", help="For example: weekly monday 07:00 (without it: by hand).")
@click.option("--only", type=click.Choice(ONLY), help="Send only if it changed, or if something is unusual.")
@click.pass_context
def create(ctx: click.Context, name: str, kind: str, **given: Any) -> None:
    """Make a report. It shows what you see."""
    actor = ctx.obj.actor
    from .actions import create_report

    path, _, query = (given["page"] or "").partition("?")
    what = "view" if path else "metrics" if given["metrics"] else "scorecard"
    question = {
        "kind": what,
        "page": path,
        "query": query,
        **{one: given[one] for one in ("metrics", "by", "period", "compare", "where")},
    }
    number = create_report(
        actor, name, question, form=kind, recipients=given["recipients"], schedule=given["schedule"], only=given["only"] or ""
    )  # fmt: skip
    say(f"created report {number}", report=number)


@report.command("run")
@click.argument("number", type=int)
@click.pass_context
def run(ctx: click.Context, number: int) -> None:
    """Have the worker make and send a report now."""
    actor = ctx.obj.actor
    from .actions import run_report

    job = run_report(actor, number)
    say(f"run {job} is noted; the worker sends it", run=job)


@report.command("pause")
@click.argument("number", type=int)
@click.option("--resume", is_flag=True, help="Go on.")
@click.pass_context
def pause(ctx: click.Context, number: int, resume: bool) -> None:
    """Stop sending a report for a while; times that pass meanwhile are not made up for."""
    actor = ctx.obj.actor
    from .actions import edit_report

    edit_report(actor, number, active=resume)
    say(f"report {number} {'goes on' if resume else 'is paused'}", report=number, active=resume)


@report.command("delete")
@click.argument("number", type=int)
@click.pass_context
def delete(ctx: click.Context, number: int) -> None:
    """Delete a report."""
    actor = ctx.obj.actor
    from .actions import delete_report

    delete_report(actor, number)
    say(f"report {number} is deleted", report=number)


@report.command("history")
@click.argument("number", type=int)
@format_option
@click.pass_context
def history(ctx: click.Context, number: int, form: str) -> None:
    """The runs of a report: what was sent to whom, or why not."""
    actor = ctx.obj.actor
    from salesops.records.commands_settings import moment

    from .actions import history as ask

    rows = [
        {
            "run": run["run"], "due": moment(run["due"]), "status": run["status"], "recipient": one.get("recipient", ""),
            "sent": moment(one.get("sent")), "problem": one.get("problem") or run.get("problem") or run.get("skipped", ""),
        }
        for run in ask(actor, number)
        for one in run["sent"] or [{}]
    ]  # fmt: skip
    write_rows(rows, form, columns=["run", "due", "status", "recipient", "sent", "problem"])


@report.command("alerts")
@format_option
@click.pass_context
def alerts(ctx: click.Context, form: str) -> None:
    """Your alerts."""
    actor = ctx.obj.actor
    from .alerts import list_alerts

    rows = [{**row, "recipients": ", ".join(row["recipients"])} for row in list_alerts(actor)]
    write_rows(rows, form, columns=["id", "metric", "rule", "active", "firing", "recipients"])


@report.command("alert")
@click.argument("metric")
@click.argument("rule")
@click.option(
    "--to", "recipients", multiple=True, help="Besides your inbox: an e-mail address, https:// or a chat's address."
)
@click.pass_context
def alert(ctx: click.Context, metric: str, rule: str, recipients: tuple[str, ...]) -> None:
    """Tell me when METRIC is where it should not be: "below 20%", "drops by 10% in this month"."""
    actor = ctx.obj.actor
    from .alerts import create_alert

    number = create_alert(actor, metric, rule, recipients)
    say(f"created alert {number}", alert=number)


@report.command("edit-alert")
@click.argument("number", type=int)
@click.option("--metric", help="Another metric.")
@click.option("--rule", help='Another rule, such as "below 20%".')
@click.option("--to", "recipients", multiple=True, help="Besides your inbox, in the place of those that there are.")
@click.option("--pause/--resume", "paused", default=None, help="Stop telling for a while, or go on.")
@click.pass_context
def edit_alert(
    ctx: click.Context,
    number: int,
    metric: str | None,
    rule: str | None,
    recipients: tuple[str, ...],
    paused: bool | None,
) -> None:
    """Change, pause or resume an alert."""
    from .alerts import edit_alert

    active = None if paused is None else not paused
    edit_alert(ctx.obj.actor, number, metric=metric, rule=rule, recipients=recipients or None, active=active)
    say(f"changed alert {number}", alert=number)


@report.command("delete-alert")
@click.argument("number", type=int)
@click.pass_context
def delete_alert(ctx: click.Context, number: int) -> None:
    """Delete an alert."""
    from .alerts import delete_alert

    delete_alert(ctx.obj.actor, number)
    say(f"alert {number} is deleted", alert=number)


def described(question: dict[str, Any]) -> str:
    """What a report shows, in words."""
    if question["kind"] == "view":
        return str(question["page"]) + (f"?{question['query']}" if question["query"] else "")
    if question["kind"] == "scorecard":
        return f"scorecard, {question['period']}"
    by = f" by {', '.join(question['by'])}" if question["by"] else ""
    return f"{', '.join(question['metrics'])}{by}, {question['period']}"
