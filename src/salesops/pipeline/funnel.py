"""The funnel from lead to win in three kinds, each its own question (terms.md, "Funnel, cost and retention"):

- `active`: every event in its own period: leads created, leads converted, deals created, stages reached, deals won *in the period*;
- `cohort`: what became, by D, of the leads and deals *created* in the period;
- `snapshot`: every lead and deal that there is at the end of the period, by the furthest that it came by then.

A stage is reached at the first arrival at or beyond it; skips count as passed, returns once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer, Column
from salesops.metrics.build import Builder
from salesops.metrics.definitions import Part
from salesops.metrics.request import Request, names
from salesops.metrics.session import Actor
from salesops.metrics.sql import NONE

from . import asking
from .asking import Group, ratio
from .movements import pipeline_of

KINDS = ("active", "cohort", "snapshot")
UNKNOWN = "the amount is unknown"
WON = "status = 'won'"
RULES = {
    "active": "active: every event in its own period; a step may hold more than the one before it",
    "cohort": "cohort: records created in the period, and what became of them by the as-of day; young cohorts are not through yet",
    "snapshot": "snapshot: every record that there is at the end, whenever it was created, by the furthest that it came",
}

_LEADS = {
    "active": {"leads": Part("lead"), "converted": Part("lead_converted")},
    "cohort": {"leads": Part("lead"), "converted": Part("lead", where="converted = 1")},
    "snapshot": {"leads": Part("lead_state"), "converted": Part("lead_state", where="converted = 1")},
}  # fmt: skip
_DEALS = {"active": ("created", "closed"), "cohort": ("created", "created"), "snapshot": ("deal_state", "deal_state")}
_STAGES = {"active": "stage_entry", "cohort": "stage_reached", "snapshot": "stage_furthest"}


def funnel(
    session: Any,
    actor: Actor,
    *,
    kind: str = "cohort",
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
    """Leads, leads converted, deals, every open stage in order, deals won: count and value by step, and by group.

    `of_previous` and `of_first` set a step against the one before it and against the deals (leads: against the leads).
    A value is that of the deals of the step, in the asked currency; leads have none. `pipeline` keeps to one; where there are
    several each has its own steps.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no funnel {kind!r}", f"Use {', '.join(KINDS)}")
    from_, to = asking.one_period(period, from_, to)
    question: dict[str, Any] = {
        "by": by, "from_": from_, "to": to, "where": where, "as_of": as_of, "currency": currency, "calendar": calendar,
    }  # fmt: skip
    if kind == "snapshot":
        question |= _at_the_end(session, question)
    if "stage" in names(by):
        raise UsageError("a funnel is by stage already", "Split it by owner, team, region, source ...")
    born, won = _DEALS[kind]
    deals = asking.asking(session, "deals", {
        "deals": Part(born), "value": Part(born, "value", left_out=UNKNOWN),
        "won": Part(won, where=WON), "won_value": Part(won, "value", WON, left_out=UNKNOWN),
    }, **question)  # fmt: skip
    step = Part(_STAGES[kind])
    stages = asking.asking(session, "stages", {
        "reached": step, "value": replace(step, measure="value", left_out=UNKNOWN),
    }, **question)  # fmt: skip
    if pipeline is not None:
        within = {"pipeline": pipeline_of(session, pipeline)}
        deals, stages = replace(deals, within=within), replace(stages, within=within)
    leads, told = _leads(session, actor, kind, question) if pipeline is None else (None, [])
    found, several = _by_pipeline(session, actor, deals)
    by_lead = None if leads is None else asking.figures(session, actor, leads)
    reached = asking.figures(session, actor, replace(stages, by=(*stages.by, "stage")))
    rows = _rows(asking.stages_of(session), by_lead, found, reached, deals.by, several)
    columns = [
        *asking.dimension_columns(deals), *([Column("pipeline", "pipeline", "dimension")] if several else []),
        Column("step", "step", "dimension"), Column("kind", "kind", "dimension"), Column("stage_id", "stage id", "id"),
        Column("count", "records", "metric", "count"), Column("value", "value", "metric", "money"),
        Column("of_previous", "of the step before", "metric", "ratio"), Column("of_first", "of the first", "metric", "ratio"),
    ]  # fmt: skip
    notes = [RULES[kind], *told, *asking.notes(session, actor, found, *([by_lead] if by_lead is not None else []))]
    empty = (
        {} if any(row["count"] for row in rows) else {"funnel": f"there are no leads and no deals, as of {deals.as_of}"}
    )
    return asking.answer(
        session, deals, columns, rows, notes=notes, hidden=asking.hidden(session, actor, deals), empty=empty
    )


def funnel_records(
    session: Any,
    actor: Actor,
    step: str,
    *,
    kind: str = "cohort",
    cell: Mapping[str, Any] | None = None,
    pipeline: str | None = None,
    period: str | None = None,
    from_: date | str | None = None,
    to: date | str | None = None,
    offset: int = 0,
    limit: int = 100,
    **question: Any,
) -> Answer:
    """The records of one step of a funnel, page by page: `step` as the funnel names it (Leads, Leads converted, Deals, a stage, Won);
    `cell` the group's values by dimension."""
    if kind not in KINDS:
        raise UsageError(f"there is no funnel {kind!r}", f"Use {', '.join(KINDS)}")
    question["from_"], question["to"] = asking.one_period(period, from_, to)
    if kind == "snapshot":
        question |= _at_the_end(session, question)
    own, where, fact_name = dict(cell or {}), "", _DEALS[kind][0]
    columns = {"owner": "text", "day": "day", "value": "money"}
    if step in ("Leads", "Leads converted"):
        part = _LEADS[kind]["leads" if step == "Leads" else "converted"]
        fact_name, where, columns = (
            part.fact,
            part.where.replace("converted", "f.converted"),
            {"owner": "text", "day": "day"},
        )
    elif step == "Won":
        fact_name, where = _DEALS[kind][1], "f.status = 'won'"
    elif step != "Deals":
        fact_name, own["stage"] = _STAGES[kind], step
    request = asking.asking(session, "records", {"records": Part(fact_name)}, **question)
    if pipeline is not None:
        own["pipeline"] = pipeline_of(session, pipeline)
    return asking.listing(
        session, actor, request, fact_name, columns, where=where, cell=own, offset=offset, limit=limit
    )


def _at_the_end(session: Any, question: dict[str, Any]) -> dict[str, Any]:
    """A snapshot is asked of everything until the end of the period, as of that evening."""
    asked = asking.asking(session, "end", {"deals": Part("deal_state")}, **question)
    end = min(asked.last, asked.as_of)
    return {"from_": None, "to": end, "as_of": end}


def _leads(session: Any, actor: Actor, kind: str, question: dict[str, Any]) -> tuple[Request | None, list[str]]:
    """The request for leads, None where they do not know what is asked by (with a note)."""
    request = asking.asking(session, "leads", _LEADS[kind], **question)
    try:
        Builder(session, actor, request).statement()
    except UsageError as problem:
        return None, [f"leads are left out: {problem.message if hasattr(problem, 'message') else problem}"]
    return request, []


def _by_pipeline(session: Any, actor: Actor, deals: Request) -> tuple[asking.Figures, bool]:
    """The figures of deals, by pipeline where there are several, and whether there are."""
    if "pipeline" in deals.by or deals.within:
        return asking.figures(session, actor, deals), False
    found = asking.figures(session, actor, replace(deals, by=(*deals.by, "pipeline")))
    if len({group.cell["pipeline"] for group in found if group["deals"] or group["won"]}) > 1:
        return found, True
    whole = [
        Group(
            {n: one for n, one in g.cell.items() if n != "pipeline"},
            {n: one for n, one in g.ids.items() if n != "pipeline"},
            g.found,
        )
        for g in found
        if g["deals"] or g["won"]
    ]
    zero = [] if whole or deals.by else [Group({}, {}, {"deals": 0, "value": 0, "won": 0, "won_value": 0})]
    return asking.Figures([*whole, *zero], deals, found.raw), False


def _rows(
    known: Mapping[int, Any], leads: asking.Figures | None, deals: asking.Figures, stages: asking.Figures, by: Sequence[str],
    several: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """Steps of every group, leads before deals, stages in their order."""
    reached: dict[tuple[Any, ...], list[Group]] = {}
    for group in stages:
        own = known.get(group.ids["stage"] or 0, {})
        key = _key(group, by) + ((own.get("pipeline_name") or NONE,) if several else ())
        reached.setdefault(key, []).append(group)
    by_lead = {_key(g, by): g for g in leads or ()}
    by_deal = {_key(g, (*by, "pipeline") if several else by): g for g in deals}
    for (
        key,
        groups,
    ) in reached.items():  # active: stages reached by deals that were neither created nor won in the period
        if key not in by_deal:
            cell = {**{name: groups[0].cell[name] for name in by}, **({"pipeline": key[-1]} if several else {})}
            by_deal[key] = Group(cell, {n: one for n, one in groups[0].ids.items() if n in by}, {"deals": 0, "won": 0})
    place = {number: n for n, number in enumerate(known)}
    rows: list[dict[str, Any]] = []
    for key in sorted({key[: len(by)] for key in by_deal} | set(by_lead), key=str):
        if key in by_lead:
            rows += _lead_steps(by_lead[key])
        for whole in sorted((k for k in by_deal if k[: len(by)] == key), key=str):
            steps = sorted(reached.get(whole, []), key=lambda g: place.get(g.ids["stage"] or 0, -1))
            rows += _deal_steps(by_deal[whole], steps, known)
    return rows


def _key(group: Group, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(group.cell[name] for name in names)


def _lead_steps(group: Group) -> list[dict[str, Any]]:
    created, converted = group["leads"], group["converted"]
    cell = asking.of_group(group)
    return [
        {**cell, "step": "Leads", "kind": "lead", "count": created},
        {**cell, "step": "Leads converted", "kind": "lead", "count": converted, "of_previous": ratio(converted, created),
         "of_first": ratio(converted, created)},
    ]  # fmt: skip


def _deal_steps(deal: Group, stages: Sequence[Group], known: Mapping[int, Any]) -> list[dict[str, Any]]:
    cell = asking.of_group(deal)
    rows = [{**cell, "step": "Deals", "kind": "opportunity", "count": deal["deals"], "value": deal["value"]}]
    for group in stages:
        own = known.get(group.ids["stage"] or 0, {})
        rows.append({**cell, "step": group.cell["stage"], "kind": "pitch" if own.get("pitch") else "stage",
                     "stage_id": group.ids["stage"], "count": group["reached"], "value": group["value"]})  # fmt: skip
    rows.append({**cell, "step": "Won", "kind": "won", "count": deal["won"], "value": deal["won_value"]})
    for before, row in pairwise(rows):
        row["of_previous"], row["of_first"] = (
            ratio(row["count"], before["count"]),
            ratio(row["count"], rows[0]["count"]),
        )
    return rows
