"""How the deals of a cohort end over time: the share still open (Kaplan-Meier) and the shares won and lost (competing ends), open
deals censored, with bands. See `metrics.survival` for the formulas and their sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from statistics import NormalDist
from typing import Any, Final

import numpy as np

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer, Column
from salesops.metrics.definitions import Part
from salesops.metrics.session import Actor
from salesops.metrics.survival import Curves, incidence, kaplan_meier

from . import asking

STARTS: Final = {"first_contact": "age_days", "creation": "created_age_days", "qualified": "qualified_age_days"}
LEAST: Final = 5  # deals of a group, below which a note warns
RULE = (
    "all deals created in the period, by D; open deals are censored, never left out; won and lost compete: at each day the shares won, "
    "lost and still open add up to 1"
)


def cycle_curves(
    session: Any,
    actor: Actor,
    *,
    period: str | None = None,
    from_: date | str | None = None,
    to: date | str | None = None,
    by: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    start: str = "first_contact",
    at: Sequence[int] = (),
    confidence: float = 0.95,
    currency: str | None = None,
    calendar: str | None = None,
) -> Answer:
    """One row per group and day since `start` (first_contact, creation or qualified): deals at risk, ended that day, and the shares won,
    lost and open up to and including it, with bands. `at` names the days to show (default: every day on which something ended).

    Notes give each group's deals and its Kaplan-Meier medians: to won (lost and open censored; variant km) and to any close.
    """
    if start not in STARTS:
        raise UsageError(f"a cycle cannot start at {start!r}", f"Use {', '.join(STARTS)}")
    if not 0 < confidence < 1:
        raise UsageError(f"{confidence} is no confidence", "Write for example 0.95")
    column = STARTS[start]
    from_, to = asking.one_period(period, from_, to)
    question: dict[str, Any] = {
        "by": by, "from_": from_, "to": to, "where": where, "as_of": as_of, "currency": currency, "calendar": calendar,
    }  # fmt: skip
    request = asking.asking(
        session, "cycle", {"deals": Part("created", column, left_out="no start, or closed before it")}, **question
    )
    found = asking.spread(session, actor, request, "created", (column, "status"))
    rows = [group for group in found if group[column] is not None]
    keys = {tuple(group.cell.values()): group for group in rows}
    order = {key: n for n, key in enumerate(keys)}
    columns = [
        *asking.dimension_columns(request), Column("day", "day", "metric", "count"), Column("at_risk", "open before", "metric", "count"),
        Column("won", "won", "metric", "count"), Column("lost", "lost", "metric", "count"),
        Column("censored", "still open", "metric", "count"), Column("share_won", "share won", "metric", "ratio"),
        Column("share_won_low", "from", "part", "ratio"), Column("share_won_high", "to", "part", "ratio"),
        Column("share_lost", "share lost", "metric", "ratio"), Column("share_open", "share open", "metric", "ratio"),
        Column("share_open_low", "from", "part", "ratio"), Column("share_open_high", "to", "part", "ratio"),
    ]  # fmt: skip
    out: list[dict[str, Any]] = []
    told = [RULE]
    if rows:
        days, weight, group = (np.array(x) for x in zip(*(
            (g[column], g["n"], order[tuple(g.cell.values())]) for g in rows), strict=True))  # fmt: skip
        cause = np.array([{"won": 1, "lost": 2}.get(g["status"], 0) for g in rows])
        out = _rows(days, cause, weight, group, [asking.of_group(g) for g in keys.values()], at, confidence)
        told += _medians(days, cause, weight, group, list(keys))
    told += asking.notes(session, actor, asking.figures(session, actor, replace(request, by=())))
    empty = {} if rows else {"curve": f"no deal was created in the period, as of {request.as_of}"}
    return asking.answer(
        session, request, columns, out, notes=told, hidden=asking.hidden(session, actor, request), empty=empty
    )


def curve_deals(
    session: Any, actor: Actor, *, start: str = "first_contact", cell: Mapping[str, Any] | None = None, period: str | None = None,
    from_: date | str | None = None, to: date | str | None = None, offset: int = 0, limit: int = 100, **question: Any,
) -> Answer:  # fmt: skip
    """The deals of a curve, page by page: how many days each took or has taken, and how it stands; the longest first."""
    if start not in STARTS:
        raise UsageError(f"a cycle cannot start at {start!r}", f"Use {', '.join(STARTS)}")
    column = STARTS[start]
    from_, to = asking.one_period(period, from_, to)
    request = asking.asking(session, "records", {"deals": Part("created", column)}, from_=from_, to=to, **question)
    columns = {"owner": "text", "day": "day", "status": "text", column: "count", "value": "money"}
    order = f"f.{column} DESC, f.id"
    return asking.listing(
        session,
        actor,
        request,
        "created",
        columns,
        where=f"NOT f.{column} IS NULL",
        order=order,
        cell=cell,
        offset=offset,
        limit=limit,
    )


def _rows(
    days: Any,
    cause: Any,
    weight: Any,
    group: Any,
    cells: Sequence[dict[str, Any]],
    at: Sequence[int],
    confidence: float,
) -> list[dict[str, Any]]:
    ended = incidence(days, cause, weight, group)
    curve = ended.overall
    low, high = curve.band(confidence)
    won_low, won_high = _share_band(ended.incidence[:, 0], ended.variance[:, 0], confidence)
    lost = incidence_counts(curve, days, cause == 2, weight, group)
    found = []
    for n, cell in enumerate(cells):
        begin, end = int(curve.start[n]), int(curve.start[n + 1])
        times = curve.time[begin:end]
        if len(at):
            places = [
                (int(t), begin + int(np.searchsorted(times, t, side="right")) - 1, bool(t in times)) for t in sorted(at)
            ]
            places = [(t, row, real) for t, row, real in places if t <= times[-1] or curve.survival[end - 1] == 0]
        else:
            places = [(int(curve.time[row]), row, True) for row in range(begin, end) if curve.events[row] > 0]
        for t, row, real in places:
            before = row < begin
            at_risk = curve.at_risk[begin] if before else curve.at_risk[row] if real else _left(curve, row)
            found.append({
                **cell, "day": t, "at_risk": round(float(at_risk)), "won": round(float(curve.events[row] - lost[row])) if real else 0,
                "lost": round(float(lost[row])) if real else 0, "censored": round(float(curve.censored[row])) if real else 0,
                "share_won": 0.0 if before else float(ended.incidence[row, 0]),
                "share_won_low": 0.0 if before else float(won_low[row]), "share_won_high": 0.0 if before else float(won_high[row]),
                "share_lost": 0.0 if before else float(ended.incidence[row, 1]),
                "share_open": 1.0 if before else float(curve.survival[row]),
                "share_open_low": 1.0 if before else _known(low[row]), "share_open_high": 1.0 if before else _known(high[row]),
            })  # fmt: skip
    return found


def incidence_counts(curve: Curves, days: Any, mark: Any, weight: Any, group: Any) -> Any:
    """How many marked cases there are in each row of a curve."""
    ranks = np.unique(curve.time)
    width = len(ranks) + 1
    sizes = np.diff(curve.start)
    cells = np.repeat(curve.groups, sizes) * width + np.searchsorted(ranks, curve.time)
    rows = np.searchsorted(cells, group * width + np.searchsorted(ranks, days))
    return np.bincount(rows[mark], weight[mark], len(cells))


def _left(curve: Curves, row: int) -> Any:
    return curve.at_risk[row] - curve.events[row] - curve.censored[row]


def _share_band(share: Any, variance: Any, confidence: float) -> tuple[Any, Any]:
    """The pointwise band of a cumulative incidence F, log-log of 1 - F: it stays between 0 and 1 (Kalbfleisch and Prentice, 1980)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = 1 - share
        width = z * np.sqrt(variance) / -(rest * np.log(rest))
        low, high = 1 - rest ** np.exp(-width), 1 - rest ** np.exp(width)
    flat = (share <= 0) | (share >= 1)
    return np.where(flat, share, low), np.where(flat, share, high)


def _medians(days: Any, cause: Any, weight: Any, group: Any, keys: Sequence[tuple[Any, ...]]) -> list[str]:
    won = kaplan_meier(days, cause == 1, weight, group).median()
    any_close = kaplan_meier(days, cause > 0, weight, group).median()
    total = np.bincount(group, weight, len(keys))
    found = []
    for n, key in enumerate(keys):
        name = f"{', '.join(map(str, key))}: " if key else ""
        few = f"; fewer than {LEAST}, read it as single cases" if total[n] < LEAST else ""
        found.append(
            f"{name}{round(float(total[n])):,} deals, median days to won {_text(won[n])}, to any close {_text(any_close[n])}{few}"
        )
    return found


def _text(value: float) -> str:
    return "not reached" if np.isnan(value) else f"{value:,.0f}"


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
