"""Commands over data quality: `quality`, `quality rules`, `quality list RULE`, `quality errors`.

The root command puts on `ctx.obj` the acting user (`actor`) and a way to open a warehouse session (`session()`).
"""

from __future__ import annotations

from typing import Any

import click

from salesops.output import format_option, write_rows

from . import queries
from .rules import rules


@click.group(invoke_without_command=True)
@click.option("--entity", default=None, help="Only rules about this entity.")
@click.option(
    "--by", type=click.Choice(["rule", "entity", "dimension", "system", "owner"]), default="rule", show_default=True
)
@format_option
@click.pass_context
def quality(ctx: click.Context, entity: str | None, by: str, form: str) -> None:
    """How good the data is: what was checked, what is to be fixed, and the score."""
    if ctx.invoked_subcommand:
        return
    with ctx.obj.session() as session:
        report = queries.check(session, ctx.obj.actor, entity)
    if by == "rule":
        asked = [r for r in report.results if r.checked]
        asked.sort(key=lambda r: (-r.failing, r.rule.id))
        rows: list[dict[str, Any]] = [
            {
                "rule": r.rule.id,
                "severity": r.rule.severity,
                "checked": r.checked,
                "to_fix": r.failing,
                "score": _percent(r.score),
            }
            for r in asked
        ]
        columns = ["rule", "severity", "checked", "to_fix", "score"]
    else:
        scores = [s for s in getattr(report, f"by_{by}") if s.checked]
        rows = [{by: s.label, "checked": s.checked, "to_fix": s.failing, "score": _percent(s.score)} for s in scores]
        columns = [by, "checked", "to_fix", "score"]
    whole = report.overall
    notes = [f"Overall {_percent(whole.score)}; salesops quality list RULE shows what to fix"]
    if left := [r.rule.id for r in report.results if r.left_out]:
        notes.append(f"Not asked, for want of their records: {', '.join(left)}")
    write_rows(rows, form, columns=columns, notes=notes)


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
    notes = [f"{found.rule.title}: {first}-{offset + len(rows)} of {found.total}", found.rule.remedy]
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
    write_rows(rows, form, columns=columns, notes=[f"{len(rows)} of {total} rows"], beside={"total": total})


def _percent(score: float | None) -> str:
    return "n/a" if score is None else f"{score:.2%}"
