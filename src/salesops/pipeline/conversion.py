"""Where deals go on, how long they stay, and where most is lost: stage by stage, by entry cohort, with the cohort's maturity.

The cohort of a stage are the deals that first arrived at or beyond it in the period (terms.md, `stage_conversion`); its dwell is
that of the visits begun in the period, unfinished ones censored (Kaplan-Meier).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer, Column
from salesops.metrics.definitions import Part
from salesops.metrics.request import Request, names
from salesops.metrics.session import Actor
from salesops.metrics.survival import kaplan_meier

from . import asking
from .asking import Group, ratio
from .movements import pipeline_of
from .norms import stage_norms

UNKNOWN = "the amount is unknown"
PARTS = {
    "entered": Part("stage_entry"),
    "value": Part("stage_entry", "value", left_out=UNKNOWN),
    "moved_on": Part("stage_entry", where="moved_on = 1"),
    "lost": Part("stage_entry", where="status = 'lost' AND moved_on = 0"),
    "lost_value": Part("stage_entry", "value", "status = 'lost' AND moved_on = 0", left_out=UNKNOWN),
    "here": Part("stage_entry", where="status = 'open' AND moved_on = 0"),
}
RULES = (
    "cohort: deals that first arrived at or beyond the stage in the period; skips count as passed, returns once",
    "old enough: share of the cohort that arrived at least the stage's p75 of completed visits ago; below 100 % the conversion may "
    "still rise",
    "days: visits begun in the period, unfinished ones censored (Kaplan-Meier); n/a where too few have ended",
)


def stage_report(
    session: Any,
    actor: Actor,
    *,
    period: str | None = None,
    from_: date | str | None = None,
    to: date | str | None = None,
    by: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    pipeline: str | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
) -> Answer:
    """One row per group and stage: entered, moved on, conversion, lost there (count, value), still there, how much of the cohort is
    old enough and decided, median and p75 days, and whether most is lost here (`leak`: by count, by value)."""
    from_, to = asking.one_period(period, from_, to)
    split = tuple(name for name in dict.fromkeys(names(by)) if name != "stage")
    request = asking.asking(
        session, "stages", PARTS, by=(*split, "stage"), from_=from_, to=to, where=where, as_of=as_of, currency=currency,
        calendar=calendar,
    )  # fmt: skip
    if pipeline is not None:
        request = replace(request, within={"pipeline": pipeline_of(session, pipeline)})
    found = asking.figures(session, actor, request)
    groups = [g for g in found if g["entered"]]
    known = asking.stages_of(session)
    place = {number: n for n, number in enumerate(known)}
    groups.sort(key=lambda g: (*(str(g.cell[n]) for n in split), place.get(g.ids["stage"] or 0, -1)))
    old = _old_enough(session, actor, request)
    dwell = _dwell(session, actor, request)
    leaks = {("lost", key): stage for key, stage in _leaks(groups, split, "lost").items()}
    leaks |= {("lost_value", key): stage for key, stage in _leaks(groups, split, "lost_value").items()}
    rows = []
    for group in groups:
        key, stage = tuple(group.cell[n] for n in split), group.ids["stage"]
        entered = group["entered"]
        median, p75 = dwell.get((*key, stage), (None, None))
        most = [name for name, part in (("count", "lost"), ("value", "lost_value")) if leaks.get((part, key)) == stage]
        rows.append({
            **asking.of_group(group), "pipeline": known.get(stage or 0, {}).get("pipeline_name"), "entered": entered,
            "value": group["value"], "moved_on": group["moved_on"], "conversion": ratio(group["moved_on"], entered),
            "lost": group["lost"], "lost_value": group["lost_value"], "here": group["here"],
            "old_enough": ratio(old.get((*key, stage)), entered),
            "decided": ratio(group["moved_on"] + group["lost"], entered), "median_days": median, "p75_days": p75,
            "leak": ", ".join(most),
        })  # fmt: skip
    dims = [one for one in asking.dimension_columns(request) if one.name != "stage_id"]
    several = len({row["pipeline"] for row in rows}) > 1
    columns = [
        *(one for one in dims if one.name != "stage"), *([Column("pipeline", "pipeline", "dimension")] if several else []),
        Column("stage", "stage", "dimension"), Column("stage_id", "stage id", "id"),
        Column("entered", "entered", "metric", "count"), Column("value", "value entered", "part", "money"),
        Column("moved_on", "moved on", "metric", "count"), Column("conversion", "conversion", "metric", "ratio"),
        Column("lost", "lost here", "metric", "count"), Column("lost_value", "value lost here", "metric", "money"),
        Column("here", "still here", "metric", "count"), Column("old_enough", "old enough", "metric", "ratio"),
        Column("decided", "decided", "metric", "ratio"), Column("median_days", "median days", "metric", "days"),
        Column("p75_days", "p75 days", "metric", "days"), Column("leak", "most is lost here, by", "dimension"),
    ]  # fmt: skip
    told = [*RULES, *asking.notes(session, actor, found)]
    empty = {} if rows else {"stage_conversion": f"no deal reached a stage in the period, as of {request.as_of}"}
    return asking.answer(
        session, request, columns, rows, notes=told, hidden=asking.hidden(session, actor, request), empty=empty
    )


OF = {
    "entered": "",
    "moved_on": "f.moved_on = 1",
    "lost": "f.status = 'lost' AND f.moved_on = 0",
    "here": "f.status = 'open' AND f.moved_on = 0",
}


def stage_deals(
    session: Any,
    actor: Actor,
    stage: str,
    *,
    of: str = "entered",
    cell: Mapping[str, Any] | None = None,
    pipeline: str | None = None,
    period: str | None = None,
    from_: date | str | None = None,
    to: date | str | None = None,
    offset: int = 0,
    limit: int = 100,
    **question: Any,
) -> Answer:
    """The deals behind a number of the stage report: `of` entered, moved_on, lost or here."""
    if of not in OF:
        raise UsageError(f"a stage has no deals {of!r}", f"Use {', '.join(OF)}")
    from_, to = asking.one_period(period, from_, to)
    request = asking.asking(session, "records", {"entered": PARTS["entered"]}, from_=from_, to=to, **question)
    own = {**(cell or {}), "stage": stage, **({} if pipeline is None else {"pipeline": pipeline_of(session, pipeline)})}
    columns = {"owner": "text", "day": "day", "status": "text", "value": "money"}
    return asking.listing(
        session, actor, request, "stage_entry", columns, where=OF[of], cell=own, offset=offset, limit=limit
    )


def _leaks(groups: Sequence[Group], split: Sequence[str], part: str) -> dict[tuple[Any, ...], int | None]:
    """By group, the stage in which most was lost; the earlier of two alike."""
    best: dict[tuple[Any, ...], tuple[int, int | None]] = {}
    for group in groups:
        key, lost = tuple(group.cell[n] for n in split), group[part] or 0
        if lost > best.get(key, (0, None))[0]:
            best[key] = (lost, group.ids["stage"])
    return {key: stage for key, (_, stage) in best.items()}


def _old_enough(session: Any, actor: Actor, request: Request) -> dict[tuple[Any, ...], int]:
    """How many of each cohort arrived at least the stage's p75 ago; stages without a completed visit have no norm."""
    norms = stage_norms(session, request.as_of)
    found: dict[tuple[Any, ...], int] = {}
    for group in asking.spread(session, actor, request, "stage_entry", ("day",)):
        stage = group.ids["stage"]
        if (norm := norms.get(stage or 0)) is not None:
            key = (*(group.cell[n] for n in request.by if n != "stage"), stage)
            found[key] = found.get(key, 0) + (group["n"] if (request.as_of - group["day"]).days >= norm["p75"] else 0)
    return found


def _dwell(session: Any, actor: Actor, request: Request) -> dict[tuple[Any, ...], tuple[float | None, float | None]]:
    """Median and p75 days of the visits that began in the period, by group and stage."""
    rows = asking.spread(session, actor, request, "stage_visit", ("days", "completed"))
    if not rows:
        return {}
    keys = [(*(group.cell[n] for n in request.by if n != "stage"), group.ids["stage"]) for group in rows]
    order = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    curves = kaplan_meier(
        np.array([g["days"] for g in rows]), np.array([g["completed"] == 1 for g in rows]),
        np.array([g["n"] for g in rows]), np.array([order[key] for key in keys]),
    )  # fmt: skip
    median, p75 = curves.median(), curves.quantile(0.75)
    return {key: (_known(median[n]), _known(p75[n])) for key, n in order.items()}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
