"""Stage movements and process variants, scoped to what the asking user may see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import NotAllowed, NotFound, UsageError
from salesops.metrics.answer import Answer, Column, money_column
from salesops.metrics.calendars import unit_calendar
from salesops.metrics.dimensions import Dimensions
from salesops.metrics.facts import fact
from salesops.metrics.filters import Filter
from salesops.metrics.request import as_day
from salesops.metrics.session import Actor, currencies_of
from salesops.metrics.sql import day, parse, subquery

from . import stages, variants
from .queries import days_of, span

LABELS = {stages.NEW: "(new)", stages.GONE: "(deleted)", 0: "(none)"}


def _names(session: Any) -> dict[int, str]:
    rows = session.query("SELECT id, name, position FROM stage WHERE day_to = CAST('9999-12-31' AS DATE)").to_pylist()
    return {row["id"]: row["name"] for row in sorted(rows, key=lambda r: (r["position"] or 0, r["name"] or ""))}


Where = str | Mapping[str, Any] | None


def _kept(session: Any, actor: Actor, last: date, where: Where) -> str:
    """SQL of the ids of the deals that the actor sees, and that the filter keeps, by their state on that evening (of a deleted deal, its
    last) or their owner now; empty where that is all of them."""
    from .versions import mine, now

    limits = Filter(Dimensions(session, fact("open"), unit_calendar(session, where, "open")), where)
    tests = [one for one in (mine(session, actor, last), limits.condition) if one is not None]
    if not tests:
        return ""
    base = f"SELECT o.*, {day(last)} AS basis FROM opportunity AS o WHERE o.day_from <= {day(last)} AND {day(last)} < o.day_to"
    select = exp.select("f.id").from_(subquery(base, "f"))
    for join in (*limits.joins, now()):
        select.append("joins", join.copy())
    return select.where(*(parse(one) if isinstance(one, str) else one for one in tests)).sql("duckdb")


def scoped(session: Any, actor: Actor, last: date, sql: str, where: Where = None) -> str:
    """A statement over deals or their stage histories, reduced to the deals that the actor sees and the filter keeps."""
    seen = _kept(session, actor, last, where)
    if not seen:
        return sql
    sql = sql.replace("FROM opportunity AS o", f"FROM (SELECT * FROM opportunity WHERE id IN ({seen})) AS o")
    return sql.replace(
        "FROM stage_history AS h", f"FROM (SELECT * FROM stage_history WHERE opportunity IN ({seen})) AS h"
    )


def stage_matrix(
    session: Any,
    actor: Actor,
    from_: date | str | None = None,
    to: date | str | None = None,
    *,
    period: str | None = None,
    where: Where = None,
    currency: str | None = None,
    calendar: str | None = None,
) -> Answer:
    """From stage to stage between the evening before `from_` and the evening of `to`: deals and value.

    A deal that was created between them comes from "(new)", one that was deleted goes to "(deleted)". `calendar` names the unit by
    whose fiscal calendar periods are counted, or `workspace` (default: the unit that `where` keeps to, else the workspace).
    """
    first, last = span(session, *days_of(period, from_, to), where, calendar)
    code = (currency or session.manifest.reporting_currency).upper()
    used = currencies_of(session)
    plain = used is not None and used <= {code}
    sql = stages.matrix(first - timedelta(days=1), last, None if plain else code)
    return _moves(session, actor, sql, first, last, code, True, where)


def stage_flow(
    session: Any, actor: Actor, from_: date | str | None = None, to: date | str | None = None, *, period: str | None = None,
    where: Where = None, calendar: str | None = None,
) -> Answer:  # fmt: skip
    """Every real move from stage to stage on the days from `from_` to `to`; a deal may move several times."""
    first, last = span(session, *days_of(period, from_, to), where, calendar)
    code = session.manifest.reporting_currency
    return _moves(session, actor, stages.flow(first, last), first, last, code, False, where)


def _moves(
    session: Any, actor: Actor, sql: str, first: date, last: date, code: str, valued: bool, where: Where
) -> Answer:
    raw = session.query(scoped(session, actor, last, sql, where))
    names = _names(session)
    place = {stages.NEW: -2, **{one: n for n, one in enumerate(names)}, 0: 9998, stages.GONE: 9999}
    rows = sorted(raw.to_pylist(), key=lambda r: (place.get(r["from_stage"], 9997), place.get(r["to_stage"], 9997)))
    label = {**names, **LABELS}
    data: dict[str, Any] = {
        "from_stage": pa.array([label.get(r["from_stage"], str(r["from_stage"])) for r in rows], pa.string()),
        "to_stage": pa.array([label.get(r["to_stage"], str(r["to_stage"])) for r in rows], pa.string()),
        "count": pa.array([r["n"] for r in rows], pa.int64()),
    }
    columns = [
        Column("from_stage", "from", "dimension"), Column("to_stage", "to", "dimension"),
        Column("count", "deals" if valued else "moves", "metric", "count"),
    ]  # fmt: skip
    notes = []
    if valued:
        data["value"] = money_column(pa.array([r["value"] for r in rows], pa.int64()))
        columns.append(Column("value", "value", "metric", "money"))
        if unknown := sum(r["unknown"] for r in rows):
            notes.append(f"{unknown:,} deals have an unknown amount: counted, not summed")
    return Answer(
        rows=pa.table(data), columns=tuple(columns), from_=first, to=last, as_of=last, as_known_on=session.as_known_on,
        generation=session.generation, currency=code, notes=tuple(notes),
        empty={} if rows else {"stages": "no deal moved"},
    )  # fmt: skip


def process_variants(
    session: Any,
    actor: Actor,
    *,
    pipeline: str | None = None,
    as_of: date | str | None = None,
    of: str = "log",
    where: Where = None,
    limit: int | None = None,
) -> Answer:
    """Distinct paths of cases with their counts, the most frequent first: of process logs, or of deals' stages.

    `pipeline` names one pipeline (default: all). Rows: path, cases, share, events, mean_days, rework (cases that repeat an
    activity). Notes count the paths and cases in all.
    """
    if of not in ("log", "stages"):
        raise UsageError(f"there are no variants of {of!r}", "Use log or stages")
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    if session.as_known_on is not None and on > session.as_known_on:
        raise UsageError(f"as of {on} is later than as known on {session.as_known_on}", "Ask as of an earlier day")
    number = None if pipeline is None else pipeline_of(session, pipeline)
    if of == "log":
        if not actor.sees_all:
            raise NotAllowed(f"{actor.username} may not see the cases of process logs", "Ask for --of stages")
        if where is not None:
            raise UsageError("a process log has no fields to filter by", "Use --pipeline, or --of stages")
        order = "e.at, e.line, e.id"
        cases = variants.logged(on, number, order)
    else:
        cases = scoped(session, actor, on, variants.staged(on, number), where)
    raw = session.query(variants.counted(cases))
    total = sum(raw.column("cases").to_pylist())
    shares = pa.array([n / total for n in raw.column("cases").to_pylist()], pa.float64())
    table = pa.table(
        {
            "path": raw.column("path"), "cases": raw.column("cases"), "share": shares,
            "events": raw.column("events").cast(pa.int64()), "rework": raw.column("rework").cast(pa.int64()),
            "mean_days": raw.column("mean_days"),
        }
    )  # fmt: skip
    columns = (
        Column("path", "path", "dimension"), Column("cases", "cases", "metric", "count"),
        Column("share", "share of cases", "metric", "ratio"), Column("events", "events", "metric", "count"),
        Column("rework", "cases with rework", "metric", "count"), Column("mean_days", "mean days", "metric", "days"),
    )  # fmt: skip
    return Answer(
        rows=table.slice(0, limit) if limit else table, columns=columns, from_=None, to=on, as_of=on,
        as_known_on=session.as_known_on, generation=session.generation, currency=session.manifest.reporting_currency,
        notes=(f"{table.num_rows:,} paths of {total:,} cases",),
        empty={} if total else {"variants": "there are no cases as of that day"},
    )  # fmt: skip


def pipeline_of(session: Any, name: str) -> int:
    """The id of the pipeline of this name; NotFound with those that there are."""
    rows = session.query("SELECT id, name FROM pipeline WHERE day_to = CAST('9999-12-31' AS DATE)").to_pylist()
    found = [row["id"] for row in rows if (row["name"] or "").casefold() == name.casefold()]
    if not found:
        raise NotFound(
            f"there is no pipeline {name!r}", f"Pipelines: {', '.join(sorted(r['name'] or '' for r in rows))}"
        )
    return int(found[0])
