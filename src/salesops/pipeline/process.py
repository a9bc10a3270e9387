"""Cases step by step: where they wait (transitions) and which activities are done again (rework), from process logs or from the
stage histories of deals. All of it is counted in SQL; the rows are as many as there are transitions or activities.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from salesops.common.errors import NotAllowed, UsageError
from salesops.metrics.answer import Answer, Column
from salesops.metrics.dimensions import labels
from salesops.metrics.request import as_day
from salesops.metrics.session import Actor
from salesops.metrics.sql import FOREVER, day, literal, live, parse

from .movements import Where, pipeline_of, scoped

KINDS = ("log", "stages")
NONE = "(none)"
US_PER_DAY = 86_400_000_000


def steps_sql(of: str, as_of: date, pipeline: int | None) -> str:
    """Steps of cases: case_key (text), activity, at, place, next_activity, wait (microseconds to the next step, null at the last)."""
    at = day(as_of)
    if of == "log":
        only = "" if pipeline is None else f" AND e.pipeline = {pipeline}"
        order = "OVER (PARTITION BY e.pipeline, e.case_id ORDER BY e.at, e.line, e.id)"
        return f"""
            SELECT e.pipeline, e.case_id AS case_key, COALESCE(e.activity, '{NONE}') AS activity,
                   LEAD(COALESCE(e.activity, '{NONE}')) {order} AS next_activity, LEAD(e.at) {order} - e.at AS wait
            FROM stage_event AS e WHERE e.on_day <= {at}{only}
        """
    only = "" if pipeline is None else f" AND o.pipeline = {pipeline}"
    return f"""
        SELECT o.pipeline, CAST(h.opportunity AS VARCHAR) AS case_key, COALESCE(s.name, '{NONE}') AS activity,
               CASE WHEN h.next_day <= {at} THEN COALESCE(t.name, '{NONE}') END AS next_activity,
               CASE WHEN h.next_day <= {at} THEN h.next_at - h.at END AS wait
        FROM stage_history AS h
        JOIN opportunity AS o ON o.id = h.opportunity AND {live("o", at)}
        LEFT JOIN stage AS s ON s.id = h.stage AND s.day_to = {FOREVER}
        LEFT JOIN stage AS t ON t.id = h.next_stage AND t.day_to = {FOREVER}
        WHERE h.day <= {at}{only}
    """


def transitions_sql(steps: str) -> str:
    """Rows (activity, next_activity, moves, cases, total, median, p75), waits in microseconds, by row number."""
    return f"""
        SELECT activity, next_activity, COUNT(*) AS moves, COUNT(DISTINCT case_key) AS cases, CAST(SUM(wait) AS BIGINT) AS total,
               MAX(CASE WHEN place = (size + 1) // 2 THEN wait END) AS median,
               MAX(CASE WHEN place = (3 * size + 3) // 4 THEN wait END) AS p75
        FROM (
            SELECT activity, next_activity, case_key, wait,
                   ROW_NUMBER() OVER (PARTITION BY activity, next_activity ORDER BY wait) AS place,
                   COUNT(*) OVER (PARTITION BY activity, next_activity) AS size
            FROM ({steps}) AS s WHERE NOT next_activity IS NULL
        ) AS r GROUP BY activity, next_activity
    """


def rework_sql(steps: str) -> str:
    """Rows (activity, cases, again_cases, occurrences, again): cases with the activity, those that repeat it, times, repeats."""
    return f"""
        SELECT activity, COUNT(*) AS cases, SUM(CASE WHEN times > 1 THEN 1 ELSE 0 END) AS again_cases, SUM(times) AS occurrences,
               SUM(times - 1) AS again
        FROM (SELECT pipeline, case_key, activity, COUNT(*) AS times FROM ({steps}) AS s GROUP BY pipeline, case_key, activity) AS c
        GROUP BY activity
    """


def _steps(
    session: Any, actor: Actor, of: str, pipeline: str | None, as_of: date | str | None, where: Where
) -> tuple[str, date]:
    if of not in KINDS:
        raise UsageError(f"there are no steps of {of!r}", f"Use {' or '.join(KINDS)}")
    if of == "log" and not actor.sees_all:
        raise NotAllowed(f"{actor.username} may not see the cases of process logs", "Ask for --of stages")
    if of == "log" and where is not None:
        raise UsageError("a process log has no fields to filter by", "Use --pipeline, or --of stages")
    limit = session.as_known_on or session.manifest.today
    on = limit if as_of is None else as_day(as_of, "as_of")
    if session.as_known_on is not None and on > session.as_known_on:
        raise UsageError(f"as of {on} is later than as known on {session.as_known_on}", "Ask as of an earlier day")
    steps = steps_sql(of, on, None if pipeline is None else pipeline_of(session, pipeline))
    return (steps if of == "log" else scoped(session, actor, on, steps, where)), on


def transitions(
    session: Any,
    actor: Actor,
    *,
    of: str = "log",
    pipeline: str | None = None,
    as_of: date | str | None = None,
    where: Where = None,
    limit: int | None = None,
) -> Answer:
    """Where cases wait: from step to step, moves, cases, waiting in all and its share of all waiting, median and p75 days (by row
    number); the largest total first: the bottlenecks. The last step of a case waits for nothing."""
    steps, on = _steps(session, actor, of, pipeline, as_of, where)
    rows = session.query(transitions_sql(steps)).to_pylist()
    rows.sort(key=lambda row: (-row["total"], row["activity"], row["next_activity"]))
    whole = sum(row["total"] for row in rows)
    shown = rows[:limit] if limit else rows
    columns = (
        Column("from_step", "from", "dimension"), Column("to_step", "to", "dimension"), Column("moves", "moves", "metric", "count"),
        Column("cases", "cases", "metric", "count"), Column("mean_days", "mean days", "metric", "days"),
        Column("median_days", "median days", "metric", "days"), Column("p75_days", "p75 days", "metric", "days"),
        Column("total_days", "days in all", "metric", "days"), Column("share", "share of all waiting", "metric", "ratio"),
    )  # fmt: skip
    data = [
        {"from_step": row["activity"], "to_step": row["next_activity"], "moves": row["moves"], "cases": row["cases"],
         "mean_days": row["total"] / row["moves"] / US_PER_DAY, "median_days": row["median"] / US_PER_DAY,
         "p75_days": row["p75"] / US_PER_DAY, "total_days": row["total"] / US_PER_DAY, "share": row["total"] / whole if whole else None}
        for row in shown
    ]  # fmt: skip
    notes = [
        f"{len(rows):,} transitions, {sum(row['moves'] for row in rows):,} moves, {whole / US_PER_DAY:,.2f} days of waiting in all"
    ]
    return _answer(
        session, columns, data, on, notes, {} if rows else {"transitions": "no case has two steps as of that day"}
    )


def rework(
    session: Any,
    actor: Actor,
    *,
    of: str = "log",
    pipeline: str | None = None,
    as_of: date | str | None = None,
    where: Where = None,
) -> Answer:
    """Which steps are done again: by step, cases with it, cases that repeat it and their share, times, repeats; most repeats first."""
    steps, on = _steps(session, actor, of, pipeline, as_of, where)
    rows = session.query(rework_sql(steps)).to_pylist()
    rows.sort(key=lambda row: (-row["again"], row["activity"]))
    columns = (
        Column("step", "step", "dimension"), Column("cases", "cases", "metric", "count"),
        Column("again_cases", "cases that repeat it", "metric", "count"), Column("share", "share of its cases", "metric", "ratio"),
        Column("times", "times", "metric", "count"), Column("again", "repeats", "metric", "count"),
    )  # fmt: skip
    data = [
        {"step": row["activity"], "cases": row["cases"], "again_cases": int(row["again_cases"]),
         "share": int(row["again_cases"]) / row["cases"], "times": int(row["occurrences"]), "again": int(row["again"])}
        for row in rows
    ]  # fmt: skip
    notes = ["every row of a log is an event" if of == "log" else "a repeated save of the same stage is no event"]
    return _answer(session, columns, data, on, notes, {} if rows else {"rework": "there are no cases as of that day"})


def transition_cases(
    session: Any, actor: Actor, from_step: str, to_step: str, *, of: str = "log", pipeline: str | None = None,
    as_of: date | str | None = None, where: Where = None, offset: int = 0, limit: int = 100,
) -> Answer:  # fmt: skip
    """The cases of one transition, the longest wait first; of stage histories the deal's name."""
    steps, on = _steps(session, actor, of, pipeline, as_of, where)
    where = f"activity = {literal(from_step).sql('duckdb')} AND next_activity = {literal(to_step).sql('duckdb')}"
    found = session.query(
        f"SELECT case_key, wait FROM ({steps}) AS s WHERE {where} ORDER BY wait DESC, case_key LIMIT {int(limit)} OFFSET {int(offset)}"
    ).to_pylist()
    count = session.query(f"SELECT COUNT(*) AS n FROM ({steps}) AS s WHERE {where}").column(0)[0].as_py()
    names = _deal_names(session, of, [row["case_key"] for row in found])
    columns = (
        Column("case", "case", "dimension"), Column("name", "name", "dimension"), Column("days", "days waited", "metric", "days"),
    )  # fmt: skip
    rows = [
        {"case": row["case_key"], "name": names.get(row["case_key"]), "days": row["wait"] / US_PER_DAY} for row in found
    ]
    notes = [f"{offset + 1:,} to {offset + len(rows):,} of {count:,}"] if rows else []
    return _answer(session, columns, rows, on, notes, {} if rows else {"cases": "no case goes that way"}, count)


def _deal_names(session: Any, of: str, keys: list[str]) -> dict[str, str]:
    """Names of deals by their case key; of process logs nothing, their key is the name."""
    if of == "log" or not keys:
        return {}
    ids = ", ".join(str(int(key)) for key in keys)
    return {
        str(r["id"]): r["label"]
        for r in session.query(labels("opportunity").where(parse(f"id IN ({ids})"))).to_pylist()
    }


def _answer(
    session: Any,
    columns: tuple[Column, ...],
    rows: list[dict[str, Any]],
    on: date,
    notes: list[str],
    empty: dict[str, str],
    total: int | None = None,
) -> Answer:
    kinds = {"count": pa.int64(), "": pa.string()}
    table = pa.table(
        [pa.array([row[c.name] for row in rows], kinds.get(c.unit, pa.float64())) for c in columns],
        [c.name for c in columns],
    )
    return Answer(
        rows=table, columns=columns, from_=None, to=on, as_of=on, as_known_on=session.as_known_on, generation=session.generation,
        currency=session.manifest.reporting_currency, notes=tuple(notes), empty=empty, total=total,
    )  # fmt: skip
