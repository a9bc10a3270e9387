"""Alerts: which metrics lie unexpectedly low or high in the latest finished period, how unusual that is, and what moved them.

Every metric becomes a series by week or month as known now, of the records that the actor may see, and `surges.watch` judges its last
period by those before it. What moved it is the group that made more of the difference than its size explains (`surges.attribute`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import NotFound, UsageError

from .answer import Answer, Column
from .change import formula, pieces, worth
from .definitions import Asked
from .pieces import is_money
from .query import _hidden, run, where_text
from .request import Cell, Request, names, understand
from .session import Actor
from .sql import NO_ID, NONE
from .surges import LEAST, WINDOW, Alert, Kind, Moved, Watch, attribute, watch

YEAR: Final = {"week": 52, "month": 12}
METRICS: Final = ("bookings", "won_deals", "created_deals", "win_rate")
"""What is watched where nothing is named."""
DIMENSIONS: Final = ("owner", "team", "region", "source", "segment", "type")
"""By what an alert is explained where nothing is named, as far as a metric has it."""
Group = tuple[Any, str]
Pairs = dict[Group, tuple[int, int]]


@dataclass(frozen=True)
class Series:
    """A metric by finished periods: values (money in whole units of the currency), denominators of a share, and how it is judged."""

    one: Asked
    cells: tuple[Cell, ...]
    values: np.ndarray
    counts: np.ndarray | None
    kind: Kind


@dataclass(frozen=True)
class Mover:
    """The group that made more of a difference than its size explains: its share of the difference, and of what was before."""

    dimension: str
    group: str
    share: float
    usual: float


def alerts(
    session: Any,
    actor: Actor,
    metrics: str | Sequence[str] = METRICS,
    *,
    period: str = "month",
    by: str | Sequence[str] = (),
    from_: date | str | None = None,
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
    alerts_per_year: float = 0.5,
) -> Answer:
    """The metrics that lie outside the expected in the latest finished `period` (week or month): a row each, the most unusual first.

    A period is finished when its last day lies before today and not after `as_of`. `by` are the dimensions among which the explanation is
    sought (default: those of `DIMENSIONS` that the metric has). `alerts_per_year` is how many alerts a year chance alone may cause in one
    metric. Columns: value, expected, the limits low and high, distance (in limits: an alert is beyond 1), since (the
    period in which the run began), the group that moved it with its share of the difference and of what was before, words.

    UsageError for a metric that is neither a sum nor a ratio of sums, or another grain. Notes say what was too early to judge.
    """
    if period not in YEAR:
        raise UsageError(f"{period!r} is no grain to watch by", f"Use {' or '.join(YEAR)}")
    if not 0 < alerts_per_year < YEAR[period]:
        raise UsageError(f"{alerts_per_year} alerts a year cannot be", f"Use more than 0 and fewer than {YEAR[period]}")
    question: dict[str, Any] = {"where": where, "as_of": as_of, "currency": currency, "calendar": calendar}
    asked = tuple(names(metrics)) or METRICS
    rows: list[dict[str, Any]] = []
    quiet: list[str] = []
    early: list[str] = []
    hidden, request = 0, None
    for name in asked:
        request = understand(session, [name], period=period, from_=from_, **question)
        series = _series(session, actor, request)
        hidden = max(hidden, _hidden(session, actor, request))
        last = len(series.cells) - 1
        if last < LEAST:
            early.append(
                f"{series.one.name}: too early to judge, {last + 1} finished {period}s of the {LEAST + 1} that it takes"
            )
            continue
        if np.isnan(series.values[last]):
            early.append(f"{series.one.name}: no value in {series.cells[last].key}")
            continue
        seen = watch(series.values, series.kind, YEAR[period], counts=series.counts, alerts_per_year=alerts_per_year)
        alert = next((one for one in seen.alerts if one.last == last), None)
        if alert is None:
            quiet.append(series.one.name)
            continue
        moved = _mover(session, actor, series, alert, tuple(names(by)), period, question)
        rows.append(_row(series, seen, alert, moved, period, alerts_per_year, request))
    assert request is not None
    rows.sort(key=lambda row: (-row["distance"], row["metric"]))
    judged = len(rows) + len(quiet)
    notes = [
        *_chance(judged, period, alerts_per_year),
        *([f"as expected: {', '.join(quiet)}"] if quiet else []),
        *early,
    ]
    return _answer(
        session, request, rows, [*notes, *([f"{hidden:,} more, not yours"] if hidden else [])], hidden, period
    )


def expectations(
    session: Any,
    actor: Actor,
    metric: str,
    *,
    period: str = "month",
    from_: date | str | None = None,
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
    alerts_per_year: float = 0.5,
) -> Answer:
    """One metric by finished periods with what was expected of each: a row a period with value, expected, low and high, as
    `alerts` judges them; null where it was too early to tell. Amounts are in whole units. UsageError as for `alerts`.
    """
    if period not in YEAR:
        raise UsageError(f"{period!r} is no grain to watch by", f"Use {' or '.join(YEAR)}")
    request = understand(
        session, [metric], period=period, from_=from_, where=where, as_of=as_of, currency=currency, calendar=calendar
    )
    series = _series(session, actor, request)
    figures = {"value": series.values, "expected": None, "low": None, "high": None}
    if len(series.cells) > LEAST:
        seen = watch(series.values, series.kind, YEAR[period], counts=series.counts, alerts_per_year=alerts_per_year)
        figures |= {"expected": seen.expected[0], "low": seen.low[0], "high": seen.high[0]}
    unknown = np.full(len(series.cells), np.nan)
    arrays = [
        pa.array([None if np.isnan(each) else float(each) for each in (unknown if one is None else one)], pa.float64())
        for one in figures.values()
    ]
    unit = series.one.unit
    return Answer(
        rows=pa.table([pa.array([cell.key for cell in series.cells], pa.string()), *arrays], names=["period", *figures]),
        columns=(Column("period", "period", "period"), *(Column(name, name, "metric", unit) for name in figures)),
        from_=None, to=None, as_of=request.as_of, as_known_on=session.as_known_on, generation=session.generation,
        currency=request.currency, hidden=_hidden(session, actor, request), where=where_text(request.where),
    )  # fmt: skip


def _series(session: Any, actor: Actor, request: Request) -> Series:
    """The metric by finished periods, from the first that has a record."""
    cells = [cell for cell in request.cells if cell.end <= request.as_of and cell.end < session.manifest.today]
    one = request.asked[0]
    raw = run(session, actor, request).to_pylist()
    top, bottom = pieces(one, formula(one, *raw))
    at = {row["period"]: row for row in raw}
    pairs = [
        (worth(top, at[c.key]), 1 if bottom is None else worth(bottom, at[c.key])) if c.key in at else (0, 0)
        for c in cells
    ]
    start = next((n for n, (value, count) in enumerate(pairs) if value or (bottom is not None and count)), len(pairs))
    cells, pairs = cells[start:], pairs[start:]
    tops = np.array([value for value, _ in pairs], dtype=np.float64)
    counts = np.array([count for _, count in pairs], dtype=np.float64)
    money = [is_money(one.variant.parts[column.name.removesuffix("__n")]) for column in top.find_all(exp.Column)]
    scale = 10_000 if one.unit.startswith("money") else 1
    if bottom is None:
        return Series(one, tuple(cells), tops / scale, None, "sum" if any(money) or (tops < 0).any() else "count")
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(counts > 0, tops / counts / scale, np.nan)
    share = one.unit == "ratio" and not any(money) and bool(np.nanmax(values, initial=0) <= 1)
    return Series(one, tuple(cells), values, counts if share else None, "ratio" if share else "sum")


def _mover(
    session: Any,
    actor: Actor,
    series: Series,
    alert: Alert,
    by: tuple[str, ...],
    period: str,
    question: Mapping[str, Any],
) -> Mover | None:
    """The group, over all dimensions, whose share of the difference is furthest above its share before; None where none is.

    Before is the same period a year ago where two years are known, else the eight periods before the run.
    """
    year = YEAR[period]
    last = len(series.cells) - 1
    before = [last - year] if last >= 2 * year else list(range(max(0, alert.first - WINDOW), alert.first))
    found = []
    for dimension in by or DIMENSIONS:
        try:
            then, now = _pairs(session, actor, series, dimension, period, before, last, question)
        except (UsageError, NotFound):
            if by:
                raise
            continue
        kind: Kind = "ratio" if series.kind == "ratio" or _is_ratio(series) else series.kind
        if len({**then, **now}) > 1 and (mover := _furthest(dimension, then, now, kind, alert, len(before))):
            found.append(mover)
    return max(found, key=lambda one: one.share - one.usual, default=None)


def _is_ratio(series: Series) -> bool:
    return "/" in series.one.variant.value


def _pairs(
    session: Any,
    actor: Actor,
    series: Series,
    dimension: str,
    period: str,
    before: list[int],
    last: int,
    question: Mapping[str, Any],
) -> tuple[Pairs, Pairs]:
    """By group: numerator and denominator (or sum and records) of the periods before, and of the last one."""
    cells = series.cells
    span: dict[str, Any] = {"from_": cells[before[0]].start, "to": cells[last].end}
    request = understand(session, [series.one.name], by=[dimension], period=period, **span, **question)
    raw = run(session, actor, request).to_pylist()
    top, bottom = pieces(series.one, formula(series.one, *raw))
    count = exp.column(f"{top.name}__n") if bottom is None else bottom
    earlier = {cells[n].key for n in before}
    then: Pairs = {}
    now: Pairs = {}
    for row in raw:
        side = then if row["period"] in earlier else now if row["period"] == cells[last].key else None
        if side is None:
            continue
        label = row.get("n0", row["d0"])
        group = (row["d0"], NONE if row["d0"] == NO_ID else str(row["d0"] if label is None else label))
        value, many = side.get(group, (0, 0))
        side[group] = (value + worth(top, row), many + worth(count, row))
    return then, now


def _furthest(dimension: str, then: Pairs, now: Pairs, kind: Kind, alert: Alert, periods: int) -> Mover | None:
    """The group that made the most of the difference beyond its size. Sums of several periods are set against as many times the last."""
    times = 1 if kind == "ratio" else periods
    parts: list[Moved[Group]] = attribute(then, {key: (a * times, b * times) for key, (a, b) in now.items()}, kind)
    whole = sum(part.change for part in parts)
    if not whole or (whole > 0) != (alert.direction == "surge"):
        return None
    place = 1 if kind == "ratio" else 0
    size = sum(pair[place] for pair in then.values())
    movers = [
        Mover(dimension, part.group[1], part.share, then.get(part.group, (0, 0))[place] / size if size else 0.0)
        for part in parts if part.share is not None and part.share > 0
    ]  # fmt: skip
    best = max(movers, key=lambda one: one.share - one.usual, default=None)
    return best if best is not None and best.share > best.usual else None


def _row(
    series: Series, seen: Watch, alert: Alert, moved: Mover | None, period: str, rate: float, request: Request
) -> dict[str, Any]:
    last = len(series.cells) - 1
    value = float(series.values[last])
    expected, low, high = (float(one[0, last]) for one in (seen.expected, seen.low, seen.high))
    new = alert.first == last
    cell = series.cells[last]
    row = {
        "metric": series.one.name, "period": cell.key, "from": cell.start, "to": cell.end, "direction": alert.direction,
        "value": value, "unit": request.currency if series.one.unit == "money" else series.one.unit.replace("_", " "),
        "expected": expected, "low": low, "high": high, "distance": alert.score, "since": series.cells[alert.first].key,
        "dimension": moved and moved.dimension, "group": moved and moved.group, "share": moved and moved.share,
        "usual_share": moved and moved.usual,
    }  # fmt: skip
    began = "" if new else f" (it began in {row['since']})"
    why = "no group stands out" if moved is None else _why(moved, alert)
    times = YEAR[period] / rate
    words = (
        f"{series.one.metric.title}: {alert.direction} in {cell.key}{began}, {_told(value, series)} where {_told(expected, series)} was expected "
        f"({_told(low, series)} to {_told(high, series)}); {alert.score:.1f} times the distance that chance alone exceeds in one "
        f"{period} of {times:,.0f}; {why}"
    )
    return {**row, "words": words}


def _told(value: float, series: Series) -> str:
    return f"{value:.1%}" if series.one.unit == "ratio" else f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.4g}"


def _why(moved: Mover, alert: Alert) -> str:
    return f"{moved.dimension} {moved.group} made {moved.share:.0%} of the {alert.direction}, with {moved.usual:.0%} of what was before"


def _chance(judged: int, period: str, rate: float) -> list[str]:
    """How often such an alert comes by chance, in one metric and in all that were judged."""
    if not judged:
        return ["nothing could be judged"]
    together = rate * judged
    return [
        f"{judged} {'metric was' if judged == 1 else 'metrics were'} judged; by chance alone one metric is called out {rate:g} times a year, "
        f"all of these together about {together:g} times (once in {12 / together:,.1f} months)"
    ]


def _answer(
    session: Any, request: Request, rows: list[dict[str, Any]], notes: list[str], hidden: int, period: str
) -> Answer:
    text, number, day = pa.string(), pa.float64(), pa.date32()
    kinds = {
        "metric": text, "period": text, "from": day, "to": day, "direction": text, "value": number, "unit": text, "expected": number,
        "low": number, "high": number, "distance": number, "since": text, "dimension": text, "group": text, "share": number,
        "usual_share": number, "words": text,
    }  # fmt: skip
    units = {"share": "ratio", "usual_share": "ratio"}
    titles = {"low": "lowest expected", "high": "highest expected", "distance": "distance, in limits", "since": "began in",
              "share": "share of the difference", "usual_share": "share before"}  # fmt: skip
    columns = tuple(
        Column(name, titles.get(name, name), "metric" if kind == number else "dimension", units.get(name, ""))
        for name, kind in kinds.items()
    )
    none = {} if rows else {"alerts": f"nothing lies outside the expected in the latest finished {period}"}
    return Answer(
        rows=pa.table([pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()], names=list(kinds)),
        columns=columns, from_=None, to=None, as_of=request.as_of, as_known_on=session.as_known_on, generation=session.generation,
        currency=request.currency, notes=tuple(notes), hidden=hidden, empty=none, where=where_text(request.where),
    )  # fmt: skip
