"""Before and after a change, a campaign or a launch: any metric of the catalogue that is a sum or a ratio of sums, by unit (person,
team, region ...) and week or month, handed to `effect.measure`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from salesops.common.errors import UsageError
from salesops.metrics.change import formula, pieces, worth
from salesops.metrics.query import _hidden, run
from salesops.metrics.request import Cell, understand
from salesops.metrics.session import Actor
from salesops.metrics.sql import NO_ID, NONE

from .effect import Effect, measure

SEASONS: Final = {"week": 52, "month": 12}
ALWAYS: Final = "a unit without a record in a period counts as 0 there"
NOTHING: Final = {
    "owner": "a person without a record counts as 0 in the whole periods of their employment (where none is known, from their first "
    "deal on), before and after as absent",
    "team": "a team without a record counts as 0 in the whole periods in which it has members, before and after as absent",
}
_THERE: Final = {
    "owner": """
        SELECT p.id, COALESCE(e.first_day, o.first_day) AS first_day, e.end_day
        FROM (SELECT DISTINCT id FROM person) AS p
        LEFT JOIN (SELECT person, MIN(valid_from) AS first_day, MAX(valid_to) AS end_day FROM employment GROUP BY person) AS e
          ON e.person = p.id
        LEFT JOIN (SELECT owner, MIN(created_on) AS first_day FROM opportunity GROUP BY owner) AS o ON o.owner = p.id
    """,
    "team": """
        SELECT team AS id, MIN(valid_from) AS first_day, MAX(valid_to) AS end_day FROM team_member GROUP BY team
    """,
}
"""Since when and until when (exclusive) a unit was there; null where that is not known."""


@dataclass(frozen=True)
class Comparison:
    """What followed: the effect, in the metric's unit (money in whole units of `currency`), and what it was reckoned from.

    `periods` are those compared, `since` the first of them after the change; `touched` and `others` name the units.
    """

    metric: str
    title: str
    unit: str
    currency: str
    grain: str
    since: str
    periods: tuple[str, ...]
    by: str
    touched: tuple[str, ...]
    others: tuple[str, ...]
    effect: Effect
    as_of: date
    as_known_on: date | None
    generation: str
    notes: tuple[str, ...]
    hidden: int

    def words(self) -> str:
        """The answer as sentences."""
        return self.effect.words()

    def to_dict(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        found = self.effect
        trend = None if found.trend is None else vars(found.trend) | {"doubtful": found.trend.doubtful}
        figures = {name: getattr(found, name) for name in found.__dataclass_fields__ if name != "trend"}
        return {
            "metric": self.metric, "unit": self.unit, "currency": self.currency, "grain": self.grain, "since": self.since,
            "by": self.by, "touched": list(self.touched), "untouched": list(self.others), "periods": list(self.periods),
            **{name: list(value) if isinstance(value, tuple) else value for name, value in figures.items()}, "relative": found.relative,
            "trend": trend, "words": self.words(), "as_of": self.as_of.isoformat(),
            "as_known_on": self.as_known_on.isoformat() if self.as_known_on else None, "generation": self.generation,
            "said": list(self.notes), "hidden": self.hidden,
        }  # fmt: skip


def before_after(
    session: Any,
    actor: Actor,
    metric: str,
    since: date | str,
    *,
    by: str = "owner",
    touched: Sequence[str] = (),
    grain: str = "month",
    from_: date | str | None = None,
    to: date | str | None = None,
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
    season: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """How `metric` moved from the period that holds the day `since` on, for the units `touched` (their names; none = all of them,
    then there is nothing to compare with) against the others. `by` is one dimension, `grain` week or month; only whole periods that had
    ended by the as-of day count. `season` sets every period against the one a year before.

    A sum is compared as the mean per unit and period, a ratio as the ratio of its sums. Refused in words where there is too
    little to say; UsageError for another kind of metric or a day outside the periods.
    """
    if grain not in SEASONS:
        raise UsageError(f"{grain!r} is no grain to compare by", f"Use {' or '.join(SEASONS)}")
    request = understand(
        session,
        [metric],
        by=by,
        period=grain,
        from_=from_,
        to=to,
        where=where,
        as_of=as_of,
        currency=currency,
        calendar=calendar,
    )
    if len(request.by) != 1:
        raise UsageError("units are the values of one dimension", "Write for example --by owner")
    day = (
        since
        if isinstance(since, date)
        else date.fromisoformat(since)
        if since[:4].isdigit() and len(since) == 10
        else None
    )
    start_day = day or request.calendar.parse_period(str(since)).start
    cells = [cell for cell in request.cells if cell.end <= request.as_of]
    start = next((n for n, cell in enumerate(cells) if cell.start >= start_day), None)
    if start in (None, 0):
        span = f"{cells[0].start} to {cells[-1].end}" if cells else "no whole period"
        raise UsageError(
            f"there is no {grain} on both sides of {start_day} ({span})", "Ask with --from and --to around it"
        )
    assert start is not None
    one = request.asked[0]
    raw = run(session, actor, request).to_pylist()
    top, bottom = pieces(one, formula(one, *raw))
    names = _names(raw)
    place = {cell.key: n for n, cell in enumerate(cells)}
    value = np.zeros((len(names), len(cells)))
    records = np.zeros((len(names), len(cells)))
    order = {key: n for n, key in enumerate(names)}
    for row in raw:
        if (column := place.get(row["period"])) is not None:
            value[order[row["d0"]], column] = worth(top, row)
            records[order[row["d0"]], column] = worth(bottom, row) if bottom is not None else 1
    if one.unit.startswith("money"):
        value /= 10_000
    if bottom is None:
        value[(value == 0) & ~_there(session, request.by[0], list(names), cells)] = np.nan
    chosen = _chosen(touched, names)
    flags = np.array([key in chosen for key in names], dtype=np.bool_)
    years = SEASONS[grain] if season else None
    straddles: list[str] = []
    before_cell = cells[start - 1]
    if before_cell.start < start_day <= before_cell.end:  # the change fell into this period: on neither side
        keep = [n for n in range(len(cells)) if n != start - 1]
        value, records, start = value[:, keep], records[:, keep], start - 1
        cells = [cells[n] for n in keep]
        straddles = [f"{before_cell.key} holds the change and is left out"]
        if start == 0:
            raise UsageError(f"there is no whole {grain} before {start_day}", "Ask with an earlier --from")
    found = (
        measure(
            value,
            flags,
            start,
            records=records if bottom is not None else None,
            season=years,
            confidence=confidence,
            seed=seed,
        )
        if len(names)
        else Effect(refused=f"There are no records by {by} in these periods")
    )
    hidden = _hidden(session, actor, request)
    notes = [
        *straddles,
        "it compares; whether the change was the cause depends on who was chosen for it",
        *([NOTHING.get(request.by[0], ALWAYS)] if bottom is None else []),
        *([f"{hidden:,} more, not yours"] if hidden else []),
    ]
    return Comparison(
        one.name, f"{one.metric.title}, {one.variant.title}", one.unit, request.currency, grain, cells[start].key,
        tuple(cell.key for cell in cells), request.by[0], tuple(names[key] for key in names if key in chosen),
        tuple(names[key] for key in names if key not in chosen), found, request.as_of, session.as_known_on, session.generation,
        tuple(notes), hidden,
    )  # fmt: skip


def _there(session: Any, by: str, units: Sequence[Any], cells: Sequence[Cell]) -> NDArray[np.bool_]:
    """Whether each unit was there in the whole of each period: before somebody joins, nothing is not 0."""
    found = {row["id"]: row for row in session.query(_THERE[by]).to_pylist()} if by in _THERE else {}
    first, last = np.array([c.start for c in cells], "datetime64[D]"), np.array([c.end for c in cells], "datetime64[D]")
    known = [found.get(unit, {}) for unit in units]
    since = np.array([one.get("first_day") or date.min for one in known], "datetime64[D]")
    until = np.array([one.get("end_day") or date.max for one in known], "datetime64[D]")
    if by == "owner":  # a first deal in the middle of a period does not say that its owner was not there before
        begun = np.array([one.get("end_day") is not None for one in known])
        there: NDArray[np.bool_] = np.where(begun[:, None], since[:, None] <= first, since[:, None] <= last)
        return there & (last < until[:, None])
    whole: NDArray[np.bool_] = (since[:, None] <= first) & (last < until[:, None])
    return whole


def _names(raw: Sequence[Mapping[str, Any]]) -> dict[Any, str]:
    """Units by key, in the order of their names."""
    found = {}
    for row in raw:
        key = row["d0"]
        label = row.get("n0", key)
        found[key] = NONE if key == NO_ID else str(key if label is None else label)
    return dict(sorted(found.items(), key=lambda item: (item[1], str(item[0]))))


def _chosen(touched: Sequence[str], names: Mapping[Any, str]) -> set[Any]:
    if not touched:
        return set(names)
    wanted = {one.strip().casefold() for one in touched}
    found = {key for key, name in names.items() if name.casefold() in wanted or str(key) in wanted}
    missing = wanted - {names[key].casefold() for key in found} - {str(key) for key in found}
    if missing:
        near = ", ".join(list(names.values())[:10])
        raise UsageError(
            f"no unit is called {', '.join(sorted(missing))}", f"Units: {near}{' ...' if len(names) > 10 else ''}"
        )
    return found
