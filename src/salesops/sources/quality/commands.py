"""Commands over data quality: `quality`, `quality rules`, `quality list RULE`, `quality errors`.

The root command puts on `ctx.obj` the acting user (`actor`) and a way to open a warehouse session (`session()`).
"""

from __future__ import annotations

from typing import Any

import click

from salesops.output import format_option, shown, write_rows

from . import queries
from .rules import rules

SEVERITIES = ("error", "warning", "info")


@click.group(invoke_without_command=True)
@click.option("--entity", default=None, help="Only rules about this entity.")
@click.option(
    "--by", type=click.Choice(["rule", "entity", "dimension", "system", "owner"]), default="rule", show_default=True
)
@click.option("--all", "every", is_flag=True, help="Rules that have nothing to fix, too.")
@format_option
@click.pass_context
def quality(ctx: click.Context, entity: str | None, by: str, every: bool, form: str) -> None:
    """How good the data is: the score, and what is to be fixed, the most serious first."""
    if ctx.invoked_subcommand:
        return
    with ctx.obj.session() as session:
        report = queries.check(session, ctx.obj.actor, entity)
    if by == "rule":
        asked = sorted((r for r in report.results if r.checked), key=_urgency)
        columns = ["rule", "severity", "checked", "to_fix", "score"]
        rows: list[dict[str, Any]] = [
            {"rule": r.rule.id, "severity": r.rule.severity} | _counts(r.checked, r.failing, r.score, form)
            for r in asked
            if every or form != "table" or r.failing
        ]
        clean = len(asked) - len(rows)
    else:
        scores = [s for s in getattr(report, f"by_{by}") if s.checked]
        columns = [by, "checked", "to_fix", "score"]
        rows = [{by: s.label} | _counts(s.checked, s.failing, s.score, form) for s in scores]
        clean = 0
    overall = _overall(report)
    notes = []
    if clean:
        notes.append(f"{clean} more {'rule has' if clean == 1 else 'rules have'} nothing to fix (--all shows them)")
    if any(r.failing for r in report.results):
        notes.append("What to fix: salesops quality list RULE")
    if left := [r.rule.id for r in report.results if r.left_out]:
        notes.append(f"Not asked, for want of their records: {', '.join(left)}")
    if form != "table":
        notes.insert(0, overall)
    elif rows or clean:
        click.echo(f"{overall}\n")
    if clean and not rows:
        click.echo("\n".join(["Nothing to fix.", *(f"  {note}" for note in notes)]))
        return
    units = {"checked": "count", "to_fix": "count"} | ({"score": "ratio"} if form == "xlsx" else {})
    write_rows(rows, form, columns=columns, units=units, notes=notes)


def _urgency(result: queries.RuleResult) -> tuple[bool, int, int, str]:
    """What is to be fixed first: errors, warnings, infos; within them the most frequent."""
    return not result.failing, SEVERITIES.index(result.rule.severity), -result.failing, result.rule.id


def _counts(checked: int, failing: int, score: float | None, form: str) -> dict[str, Any]:
    return {"checked": checked, "to_fix": failing, "score": _percent(score, form)}


def _overall(report: queries.QualityReport) -> str:
    """The score of everything, then of every dimension."""
    parts = [f"{s.label} {_percent(s.score, 'table')}" for s in report.by_dimension if s.checked]
    return f"Overall {_percent(report.overall.score, 'table')}" + (f": {', '.join(parts)}" if parts else "")


@quality.command("rules")
@format_option
def rules_(form: str) -> None:
    """All rules: what each looks at and why it matters."""
    rows = [
        {"rule": r.id, "dimension": r.dimension, "severity": r.severity, "title": r.title, "why": r.why}
        for r in rules().values()
    ]
    write_rows(rows, form, columns=["rule", "dimension", "severity", "title", "why"])


@quality.command("list")
@click.argument("rule")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0)
@format_option
@click.pass_context
def list_(ctx: click.Context, rule: str, limit: int, offset: int, form: str) -> None:
    """The records that break RULE, with their owners and what to do."""
    with ctx.obj.session() as session:
        found = queries.issues(session, ctx.obj.actor, rule, limit, offset)
    rows = [
        {"id": i.id, "name": i.name, "owner": i.owner_name, "system": i.system, "value": i.value} for i in found.rows
    ]
    first = offset + 1 if rows else 0
    notes = [f"{found.rule.title}: {first:,}-{offset + len(rows):,} of {found.total:,}", found.rule.remedy]
    write_rows(
        rows, form, columns=["id", "name", "owner", "system", "value"], notes=notes, beside={"total": found.total}
    )


@quality.command("errors")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0)
@format_option
@click.pass_context
def errors(ctx: click.Context, limit: int, offset: int, form: str) -> None:
    """Rows of imports that were kept out, or let in with a warning."""
    total, rows = queries.row_errors(ctx.obj.actor, limit, offset)
    columns = ["batch", "source", "row", "field", "value", "problem", "remedy", "severity"]
    write_rows(rows, form, columns=columns, notes=[f"{len(rows):,} of {total:,} rows"], beside={"total": total})


def _percent(score: float | None, form: str) -> str | float | None:
    """A score for people, as a number in XLSX; in JSON and CSV without a space, for programs that read it."""
    if form == "xlsx":
        return score
    if form == "table":
        return shown(score, "ratio")
    return "n/a" if score is None else f"{score:.2%}"
