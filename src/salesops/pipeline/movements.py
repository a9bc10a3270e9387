"""Stage movements and process variants, scoped to what the asking user may see."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from salesops.common.errors import NotAllowed, NotFound, UsageError
from salesops.metrics.answer import Answer, Column, money_column
from salesops.metrics.session import Actor, currencies_of
from salesops.metrics.sql import day

from . import stages, variants
from .queries import span

LABELS = {stages.NEW: "(new)", stages.GONE: "(deleted)", 0: "(none)"}


def _names(session: Any) -> dict[int, str]:
    rows = session.query("SELECT id, name, position FROM stage WHERE day_to = CAST('9999-12-31' AS DATE)").to_pylist()
    return {row["id"]: row["name"] for row in sorted(rows, key=lambda r: (r["position"] or 0, r["name"] or ""))}


def _visible(session: Any, actor: Actor, last: date) -> str:
    """SQL of the ids of the deals that the actor sees on that evening, or now; empty for those who see all."""
    from .versions import _mine

    test = _mine(session, actor, last)
    if test is None:
        return ""
    return f"""
        SELECT f.id FROM opportunity AS f
        JOIN (SELECT id, owner FROM opportunity WHERE day_to = CAST('9999-12-31' AS DATE)) AS now_ ON now_.id = f.id
        WHERE f.day_from <= {day(last)} AND {day(last)} < f.day_to AND ({test})
    """


def _scoped(session: Any, actor: Actor, last: date, sql: str) -> str:
    seen = _visible(session, actor, last)
    if not seen:
        return sql
    sql = sql.replace("FROM opportunity AS o", f"FROM (SELECT * FROM opportunity WHERE id IN ({seen})) AS o")
    return sql.replace(
        "FROM stage_history AS h", f"FROM (SELECT * FROM stage_history WHERE opportunity IN ({seen})) AS h"
    )


def stage_matrix(
    session: Any, actor: Actor, from_: date | str, to: date | str | None = None, *, currency: str | None = None
) -> Answer:
    """From stage to stage between the evening before `from_` and the evening of `to`: deals and value.

    A deal that was created between them comes from "(new)", one that was deleted goes to "(deleted)".
    """
    first, last = span(session, from_, to)
    code = (currency or session.manifest.reporting_currency).upper()
    used = currencies_of(session)
    plain = used is not None and used <= {code}
    sql = stages.matrix(first - timedelta(days=1), last, None if plain else code)
    return _moves(session, actor, sql, first, last, code, True)


def stage_flow(session: Any, actor: Actor, from_: date | str, to: date | str | None = None) -> Answer:
    """Every real move from stage to stage on the days from `from_` to `to`; a deal may move several times."""
    first, last = span(session, from_, to)
    return _moves(session, actor, stages.flow(first, last), first, last, session.manifest.reporting_currency, False)


def _moves(session: Any, actor: Actor, sql: str, first: date, last: date, code: str, valued: bool) -> Answer:
    raw = session.query(_scoped(session, actor, last, sql))
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
    limit: int | None = None,
) -> Answer:
    """Distinct paths of cases with their counts, the most frequent first: of process logs, or of deals' stages.

    `pipeline` names one pipeline (default: all). Rows: path, cases, share, events, mean_days, rework (cases that repeat an
    activity). Notes count the paths and cases in all.
    """
    if of not in ("log", "stages"):
        raise UsageError(f"there are no variants of {of!r}", "Use log or stages")
    on = session.manifest.today if as_of is None else as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    if session.as_known_on is not None and on > session.as_known_on:
        raise UsageError(f"as of {on} is later than as known on {session.as_known_on}", "Ask as of an earlier day")
    number = None if pipeline is None else pipeline_of(session, pipeline)
    if of == "log":
        if not actor.sees_all:
            raise NotAllowed(f"{actor.username} may not see the cases of process logs", "Ask for --of stages")
        order = "e.at, e.line, e.id"
        cases = variants.logged(on, number, order)
    else:
        cases = _scoped(session, actor, on, variants.staged(on, number))
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
