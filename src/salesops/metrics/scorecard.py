"""The scorecard: the figures a sales manager asks for first, this fiscal quarter beside the last one, and who made them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops.common.periods import Period
from salesops.spreadsheet import Exported, Table

from .query import query
from .session import Actor, calendar_of

CLOSED = (
    "bookings", "won_deals", "win_rate", "average_deal_size", "sales_cycle_days", "created_deals", "lead_conversion",
    "sales_velocity", "quota_attainment", "quota_attainment_rate",
)  # fmt: skip
OPEN = ("open_pipeline.all_open", "open_pipeline", "weighted_pipeline", "pipeline_coverage")
COVERAGE = "pipeline_coverage"
BY_MANAGER = ("bookings", "win_rate", "quota_attainment")


@dataclass(frozen=True)
class Scorecard(Exported):
    """`rows`: metric, figure, unit, the exact value in either quarter (by its key), the `target` of this quarter and whether it is
    `met` (None: not set); `managers`: the best first.

    `reached` are the quarters whose quota is reached, so that there is no remaining one to cover; `hidden` counts the
    records of this quarter that are not the reader's.
    """

    as_of: date
    currency: str
    before: Period
    now: Period
    rows: list[dict[str, Any]]
    managers: list[dict[str, Any]]
    reached: frozenset[str]
    hidden: int

    def table(self) -> Table:
        """The figures as they are written to a file; amounts in the scorecard's currency, shares as parts of 1."""
        about = [
            ("as of", self.as_of), ("currency", self.currency), *((one.key, f"{one.start} to {one.end}") for one in (self.before, self.now)),
            ("quota reached", ", ".join(sorted(self.reached)) or "none"), ("hidden records, not yours", self.hidden),
        ]  # fmt: skip
        return Table(
            self.rows, ["metric", "figure", "unit", self.before.key, self.now.key, "target", "met"], about=about
        )


def scorecard(session: Any, actor: Actor) -> Scorecard:
    """The figures of what the actor may see; what is open is as of the same day of either quarter."""
    calendar, today = calendar_of(session), session.manifest.today
    now = calendar.period_of(today, "quarter")
    before = calendar.previous(now)
    rows: dict[str, dict[str, Any]] = {}
    reached, hidden, currency = set(), 0, ""
    for quarter in (before, now):
        for names, day in (
            (CLOSED, min(quarter.end, today)),
            (OPEN, min(quarter.start + (today - now.start), quarter.end)),
        ):
            compare = "target" if quarter is now else None
            answer = query(session, actor, names, period=quarter.key, as_of=day, compare=compare)
            values = answer.to_pylist()[0]
            for one in (column for column in answer.columns if column.kind == "metric"):
                row = rows.setdefault(one.name, {"metric": one.name, "figure": one.title, "unit": one.unit})
                row[quarter.key] = values[one.name]
                if compare:
                    row |= {"target": values[f"{one.name}__target"], "met": values[f"{one.name}__met"]}
            if names == OPEN and _is_reached(values):
                reached.add(quarter.key)
            hidden, currency = answer.hidden if names == CLOSED else hidden, answer.currency
    managers = query(session, actor, BY_MANAGER, by="manager", period=now.key).to_pylist()
    ranked = sorted(managers, key=lambda row: -(row["bookings"] or 0))
    shown = [{name: row[name] for name in ("manager", *BY_MANAGER)} for row in ranked]
    return Scorecard(today, currency, before, now, list(rows.values()), shown, frozenset(reached), hidden)


def _is_reached(values: dict[str, Any]) -> bool:
    """Say whether coverage has no value because nothing of the quota remains."""
    quota, credited = values[f"{COVERAGE}__quota"], values[f"{COVERAGE}__credited"]
    return bool(values[COVERAGE] is None and quota and credited is not None and quota <= credited)
