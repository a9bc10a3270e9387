"""The scorecard: the figures a sales manager asks for first, this quarter beside the last one, with who made them."""

from __future__ import annotations

from typing import Any

import click

from salesops.common.periods import Period
from salesops.metrics.query import query
from salesops.output import shown, write_rows
from salesops.workspace import Workspace

FIGURES = (
    "bookings", "won_deals", "win_rate", "average_deal_size", "sales_cycle_days", "created_deals", "lead_conversion",
    "sales_velocity", "quota_attainment", "quota_attainment_rate",
)  # fmt: skip
OPEN = ("open_pipeline.all_open", "open_pipeline", "weighted_pipeline", "pipeline_coverage")


def print_scorecard(workspace: Workspace) -> None:
    """Print the scorecard of the current fiscal quarter and the one before it."""
    from salesops.warehouse import open_session

    with open_session(workspace) as session:
        calendar = workspace.config.calendar
        now = calendar.period_of(session.manifest.today, "quarter")
        before = calendar.previous(now)
        rows = _figures(session, workspace, (before, now))
        click.echo(f"{workspace.config.name}: {now.label} ({now.start} to {now.end}), as of {session.manifest.today}\n")
        write_rows(rows, "table", columns=["figure", before.key, now.key])
        click.echo()
        _by_manager(session, workspace, now.key)


def _figures(session: Any, workspace: Workspace, quarters: tuple[Period, Period]) -> list[dict[str, Any]]:
    """One row a figure; what is open is as of the same day of each quarter."""
    from salesops.records.access import actor_for

    actor = actor_for(workspace)
    rows: list[dict[str, Any]] = []
    into = session.manifest.today - quarters[1].start
    answers = {
        q.key: [
            query(session, actor, FIGURES, period=q.key, as_of=min(q.end, session.manifest.today)),
            query(session, actor, OPEN, period=q.key, as_of=min(q.start + into, q.end)),
        ]
        for q in quarters
    }
    keys = [q.key for q in quarters]
    for part in (0, 1):
        for column in answers[keys[0]][part].columns:
            if column.kind != "metric":
                continue
            row = {"figure": column.title}
            for key in keys:
                answer = answers[key][part]
                values = answer.to_pylist()
                row[key] = shown(values[0].get(column.name) if values else None, column.unit, answer.currency)
            rows.append(row)
    return rows


def _by_manager(session: Any, workspace: Workspace, key: str) -> None:
    from salesops.records.access import actor_for

    answer = query(
        session, actor_for(workspace), ["bookings", "win_rate", "quota_attainment"], by="manager", period=key
    )
    ranked = sorted(answer.to_pylist(), key=lambda r: -(r["bookings"] or 0))
    units = {c.name: c.unit for c in answer.columns}
    columns = ["manager", "bookings", "win_rate", "quota_attainment"]
    write_rows(ranked[:8], "table", columns=columns, units=units, currency=answer.currency)
