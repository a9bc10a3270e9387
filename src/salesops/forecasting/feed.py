"""The engine's tables out of the warehouse: open deals on past evenings, what became of deals, periods, the tree.

An evening is the state that was true of it, as known to the session; activities that were written down more than a day later are in no
earlier evening. A session as known on a past day (`as_known_on`) makes the forecast of that day without anything that was learned since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.metrics.dimensions import by_owner
from salesops.metrics.organisation import Organisation, organisation
from salesops.metrics.request import first_day
from salesops.metrics.session import calendar_of
from salesops.metrics.sql import converted
from salesops.metrics.sql import day as sql_day

from .deals import History, prepare
from .tables import NO_AMOUNT, Outcomes, Periods, Settings, Snapshots, days

WEEKS = 104
"""How many past evenings are looked at: one a week, on the weekday of the last."""
LINE = "line."
"""Labels of the reporting line: `line.0` is the person at the top above an owner, `line.1` the next below ... down to the owner."""
LABELS = ("stage", "pipeline", "owner", "team", "region", "segment", "source", "type", "category")
NUMBERS = (
    "pushes", "days_pushed", "stage_back", "amount_changes", "activities_7", "activities_14", "activities_30", "days_since_activity", "next_step",
)  # fmt: skip
QUIET = 56
"""Days without an activity from which on longer is the same."""
FORECAST = "CASE WHEN o.category = 'closed' THEN 'commit' ELSE COALESCE(o.category, st.category, 'pipeline') END"


@dataclass(frozen=True)
class Feed:
    """What the engine is asked with: its tables, the day, the currency, names of people and deals."""

    history: History
    on: np.datetime64
    currency: str
    names: Mapping[str, str]
    """Of people by id as text."""
    deals: Mapping[int, tuple[str, str, str]]
    """Name, stage and owner (id as text) of deals that are open on the day or closed in its period."""
    depth: int
    """How deep the reporting line is: `line.0` to `line.(depth - 1)`."""


def feed(session: Any, actor: Any, *, as_of: date | None = None, grain: str = "quarter", weeks: int = WEEKS) -> Feed:
    """Everything that a forecast as of a day (default: today) is made from; of the whole company, whoever asks."""
    on = as_of or session.manifest.today
    currency = session.manifest.reporting_currency
    evenings = _evenings(session, on, weeks)
    tree = organisation(session, actor, as_of=on)
    lines = _lines(tree)
    snapshots = _snapshots(session, evenings, currency, lines)
    outcomes, deals = _outcomes(session, on, currency, lines)
    periods = _periods(session, evenings, outcomes, on, grain)
    stages = session.query(
        "SELECT name, MAX(probability) AS p FROM stage WHERE kind = 'open' AND day_to = CAST('9999-12-31' AS DATE) AND NOT deleted GROUP BY name"
    )
    table = {row["name"]: row["p"] / 1_000_000 for row in stages.to_pylist() if row["name"] and row["p"] is not None}
    depth = max((len(line) for line in lines.values()), default=0)
    settings = Settings(stage_table=table, hidden=frozenset(f"{LINE}{n}" for n in range(depth)))
    names = {str(seat.person): seat.name for seat in (*tree.seats, *tree.left)}
    return Feed(prepare(snapshots, outcomes, periods, settings), np.datetime64(on, "D"), currency, names, deals, depth)


def _evenings(session: Any, on: date, weeks: int) -> list[date]:
    first = first_day(session) or on
    found = [on - timedelta(days=7 * n) for n in range(weeks)]
    return sorted(day for day in found if day >= first or day == on)


def _lines(tree: Organisation) -> dict[int, tuple[int, ...]]:
    """Of every person: those above from the top down, and themselves."""
    return {seat.person: (*seat.path, seat.person) for seat in tree.seats}


def _rates(alias: str, value: str, code: str, day: str, currency: str) -> tuple[str, str]:
    """SQL of an amount in `currency` at the spot rate of a day, and the join that finds the rate."""
    on = f"{alias}.kind = 'spot' AND {alias}.currency = {code} AND {alias}.to_currency = '{currency}' AND {alias}.day = {day}"
    own = f"CASE WHEN COALESCE({code}, '{currency}') = '{currency}' THEN {value} ELSE {converted(value, f'{alias}.rate')} END"
    return own, f"LEFT JOIN rate_day AS {alias} ON {on}"


def _snapshots(session: Any, evenings: list[date], currency: str, lines: Mapping[int, tuple[int, ...]]) -> Snapshots:
    values = ", ".join(f"({sql_day(one)})" for one in evenings)
    last = sql_day(evenings[-1])
    amount, rate = _rates("r", "o.value", "o.currency", "e.day", currency)
    moved = "LAG({0}) OVER (PARTITION BY o.id ORDER BY o.day_from) AS was_{0}"
    total = "SUM(CASE WHEN {0} THEN {1} ELSE 0 END) OVER (PARTITION BY v.id ORDER BY v.day_from) AS {2}"
    sql = f"""
        WITH evening AS (SELECT * FROM (VALUES {values}) AS x(day)),
        v AS (
            SELECT o.id, o.day_from, o.day_to, o.created_on, o.deleted, o.status, o.value, o.currency, o.owner, o.stage, o.pipeline,
                   o.expected_close, o.source, o.type, o.category, o.region, o.segment, o.account, o.next_step, st.position,
                   {moved.format("expected_close")}, {moved.format("value")}, {moved.format("stage")},
                   LAG(st.position) OVER (PARTITION BY o.id ORDER BY o.day_from) AS was_position
            FROM opportunity AS o
            LEFT JOIN stage AS st ON st.id = o.stage AND st.day_to = CAST('9999-12-31' AS DATE)
        ),
        w AS (
            SELECT v.*,
                   {total.format("v.expected_close > v.was_expected_close", "1", "pushes")},
                   {total.format("v.expected_close > v.was_expected_close", "DATE_DIFF('day', v.was_expected_close, v.expected_close)", "days_pushed")},
                   {total.format("v.position < v.was_position", "1", "stage_back")},
                   {total.format("v.value <> v.was_value", "1", "amount_changes")},
                   MAX(CASE WHEN v.was_stage IS NULL OR v.stage <> v.was_stage THEN v.day_from END)
                       OVER (PARTITION BY v.id ORDER BY v.day_from) AS since
            FROM v
        ),
        acted AS (
            SELECT a.opportunity, e.day, SUM(CASE WHEN DATE_DIFF('day', a.on_day, e.day) < 7 THEN 1 ELSE 0 END) AS n7,
                   SUM(CASE WHEN DATE_DIFF('day', a.on_day, e.day) < 14 THEN 1 ELSE 0 END) AS n14,
                   SUM(CASE WHEN DATE_DIFF('day', a.on_day, e.day) < 30 THEN 1 ELSE 0 END) AS n30, MAX(a.on_day) AS latest
            FROM activity AS a
            JOIN evening AS e ON a.on_day <= e.day AND DATE_DIFF('day', a.on_day, e.day) < {QUIET}
            WHERE NOT a.opportunity IS NULL AND COALESCE(a.status, 'held') = 'held'
              AND (a.assumed OR a.recorded_from < 86400000000 * (DATE_DIFF('day', CAST('1970-01-01' AS DATE), e.day) + 2) OR e.day = {last})
            GROUP BY a.opportunity, e.day
        )
        SELECT e.day AS as_of, o.id AS deal, {amount} AS amount, o.created_on, o.since, o.expected_close, st.name AS stage, pl.name AS pipeline,
               o.owner, t.team, COALESCE(o.region, ow.region) AS region, COALESCE(o.segment, ac.segment) AS segment, o.source, o.type,
               {FORECAST} AS category, o.pushes, o.days_pushed, o.stage_back, o.amount_changes, COALESCE(c.n7, 0) AS activities_7,
               COALESCE(c.n14, 0) AS activities_14, COALESCE(c.n30, 0) AS activities_30,
               COALESCE(DATE_DIFF('day', c.latest, e.day), {QUIET}) AS days_since_activity,
               CASE WHEN o.next_step IS NULL THEN 0 ELSE 1 END AS next_step
        FROM evening AS e
        JOIN w AS o ON o.day_from <= e.day AND e.day < o.day_to AND o.created_on <= e.day AND o.status = 'open' AND NOT o.deleted
        LEFT JOIN stage AS st ON st.id = o.stage AND st.day_from <= e.day AND e.day < st.day_to
        LEFT JOIN pipeline AS pl ON pl.id = o.pipeline AND pl.day_to = CAST('9999-12-31' AS DATE)
        LEFT JOIN account AS ac ON ac.id = o.account AND ac.day_from <= e.day AND e.day < ac.day_to
        LEFT JOIN person AS ow ON ow.id = o.owner AND ow.day_from <= e.day AND e.day < ow.day_to
        LEFT JOIN ({by_owner("team")}) AS t ON t.person = o.owner AND t.day_from <= e.day AND e.day < t.day_to
        LEFT JOIN acted AS c ON c.opportunity = o.id AND c.day = e.day
        {rate}
        ORDER BY e.day, o.id
    """
    rows = session.query(sql)
    labels = {name: _texts(rows.column(name)) for name in LABELS} | _line_labels(rows.column("owner"), lines)
    return Snapshots(
        _days(rows.column("as_of")), _whole(rows.column("deal")), _whole(rows.column("amount"), NO_AMOUNT), labels, _days(rows.column("created_on")),
        _days(rows.column("since")), _days(rows.column("expected_close")), {name: _floats(rows.column(name)) for name in NUMBERS},
    )  # fmt: skip


def _outcomes(
    session: Any, on: date, currency: str, lines: Mapping[int, tuple[int, ...]]
) -> tuple[Outcomes, dict[int, tuple[str, str, str]]]:
    """What became of every deal by the day, and names of those that a page shows."""
    amount, rate = _rates(
        "r", "COALESCE(k.value, o.value)", "COALESCE(k.currency, o.currency)", "o.closed_on", currency
    )
    at = sql_day(on)
    sql = f"""
        SELECT o.id AS deal, o.name, o.created_on, CASE WHEN o.status = 'open' THEN NULL ELSE o.closed_on END AS closed, o.status = 'won' AS won,
               CASE WHEN o.status = 'open' THEN NULL ELSE {amount} END AS amount, COALESCE(k.owner, o.owner) AS owner, st.name AS stage,
               pl.name AS pipeline, t.team, COALESCE(o.region, ow.region) AS region, COALESCE(o.segment, ac.segment) AS segment, o.source, o.type,
               {FORECAST} AS category
        FROM opportunity AS o
        LEFT JOIN opportunity AS k ON k.id = o.id AND k.day_from <= o.closed_on AND o.closed_on < k.day_to
        LEFT JOIN stage AS st ON st.id = o.stage AND st.day_from <= {at} AND {at} < st.day_to
        LEFT JOIN pipeline AS pl ON pl.id = o.pipeline AND pl.day_to = CAST('9999-12-31' AS DATE)
        LEFT JOIN account AS ac ON ac.id = o.account AND ac.day_from <= {at} AND {at} < ac.day_to
        LEFT JOIN person AS ow ON ow.id = COALESCE(k.owner, o.owner) AND ow.day_from <= {at} AND {at} < ow.day_to
        LEFT JOIN ({by_owner("team")}) AS t ON t.person = COALESCE(k.owner, o.owner) AND t.day_from <= COALESCE(o.closed_on, {at})
          AND COALESCE(o.closed_on, {at}) < t.day_to
        {rate}
        WHERE o.day_from <= {at} AND {at} < o.day_to AND o.created_on <= {at} AND NOT o.deleted
        ORDER BY o.id
    """
    rows = session.query(sql)
    labels = {name: _texts(rows.column(name)) for name in LABELS} | _line_labels(rows.column("owner"), lines)
    outcomes = Outcomes(
        _whole(rows.column("deal")), _days(rows.column("created_on")), _days(rows.column("closed")),
        np.asarray(pc.fill_null(rows.column("won"), False).to_numpy(zero_copy_only=False), dtype=bool), _whole(rows.column("amount"), NO_AMOUNT), labels,
    )  # fmt: skip
    recent = pc.or_kleene(
        pc.is_null(rows.column("closed")), pc.greater_equal(rows.column("closed"), on - timedelta(days=400))
    )
    named = rows.filter(recent).select(["deal", "name", "stage", "owner"]).to_pylist()
    return outcomes, {
        row["deal"]: (row["name"] or str(row["deal"]), row["stage"] or "", str(row["owner"] or "")) for row in named
    }


def _periods(session: Any, evenings: list[date], outcomes: Outcomes, on: date, grain: str) -> Periods:
    """Consecutive periods from the first outcome to three after that of the day."""
    calendar = calendar_of(session)
    closed = outcomes.closed[~np.isnat(outcomes.closed)]
    first = min([evenings[0], *([closed.min().astype(object)] if len(closed) else [])])
    last = calendar.period_of(on, grain)  # type: ignore[arg-type]
    for _ in range(3):
        last = calendar.next(last)
    return Periods.of(calendar.periods(grain, first, last.end))  # type: ignore[arg-type]


def _line_labels(owner: pa.ChunkedArray, lines: Mapping[int, tuple[int, ...]]) -> dict[str, Any]:
    """`line.n` of every row: the person at depth n at or above its owner."""
    people = owner.fill_null(-1).to_numpy()
    known, place = np.unique(people, return_inverse=True)
    depth = max((len(line) for line in lines.values()), default=0)
    return {
        f"{LINE}{n}": np.array([str(lines[one][n]) if one in lines and len(lines[one]) > n else "" for one in known.tolist()], dtype=str)[place]
        if len(known) else np.zeros(0, dtype="U1")
        for n in range(depth)
    }  # fmt: skip


def _texts(column: pa.ChunkedArray) -> Any:
    return np.asarray(column.cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False), dtype=str)


def _whole(column: pa.ChunkedArray, missing: int = 0) -> Any:
    return column.cast(pa.int64()).fill_null(missing).to_numpy()


def _floats(column: pa.ChunkedArray) -> Any:
    return column.cast(pa.float64()).fill_null(float("nan")).to_numpy()


def _days(column: pa.ChunkedArray) -> Any:
    return days(column.cast(pa.date32()).to_numpy(zero_copy_only=False))
