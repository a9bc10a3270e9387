"""The one way to ask for a number: many metrics, by dimensions and periods, as of a day, as known on a day, as an actor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import UsageError

from .answer import Answer, Column, money_column
from .build import Builder, apart
from .definitions import Asked
from .dimensions import REFS, labels
from .facts import fact
from .notes import notes_of
from .pieces import is_money
from .request import AGAINST, BEGINNING, COMPARISONS, END, Request, first_day, shifted, since_of, understand
from .scope import visible
from .series import SeriesBuilder, fits
from .session import Actor
from .sql import NO_ID, NONE
from .target import Goals, is_amount, targets

ALL = "(all)"
MOST_KNOWN = 2000
"""How many counts of what is hidden a session keeps."""


def query(
    session: Any,
    actor: Actor,
    metrics: str | Sequence[str],
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    from_: date | str | None = None,
    to: date | str | None = None,
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    as_known_on: date | str | None = None,
    currency: str | None = None,
    variants: Mapping[str, str] | Sequence[str] = (),
    compare: str | None = None,
    totals: bool = False,
    calendar: str | None = None,
) -> Answer:
    """Answer a question about the records that the actor may see.

    `metrics` are names such as `win_rate`, `win_rate.value`; `by` dimension names; `period` a grain (day, week, month,
    quarter, year) or one period (`2017-Q3`); `from_` and `to` days (both inclusive) or periods; `where` an expression or a
    mapping of fields to values; `as_of` a day (default: the session's today) or `period_end` (each period as of its own
    end); `compare` previous, year_ago or target; `calendar` the business unit whose fiscal calendar counts, or `workspace`
    (default: that of the one unit which `where` keeps, else the workspace's). `as_known_on` belongs to the session: it is checked here, because the
    session must have been opened for it. Raises UsageError and NotFound, with the remedy.
    """
    _check_known(session, as_known_on)
    request = understand(
        session, metrics, by=by, period=period, from_=from_, to=to, where=where, as_of=as_of, currency=currency,
        variants=variants, calendar=calendar,
    )  # fmt: skip
    if compare is not None and compare not in COMPARISONS:
        raise UsageError(f"there is no comparison {compare!r}", f"Use {', '.join(COMPARISONS)}")
    return answer(session, actor, request, compare, totals)


def figures(session: Any, actor: Actor, metrics: str | Sequence[str], **question: Any) -> Answer:
    """The answer of `query` without the number of what is hidden from the actor (0): counting that takes as long as the answer."""
    return answer(session, actor, understand(session, metrics, **question), count=False)


def answer(
    session: Any, actor: Actor, request: Request, compare: str | None = None, totals: bool = False, count: bool = True
) -> Answer:
    """Answer a request that was understood; `count`: with the number of records that are not the actor's."""
    raw = run(session, actor, request)
    notes = notes_of(session, actor, request, raw)
    goals: list[Goals] = []
    if compare in AGAINST:
        goals = [targets(session, actor, request, one, compare) for one in request.asked]
        notes += [note for one in goals for note in one.notes]
        raw = _with_targets(session, raw, goals, request)
    if compare in ("previous", "year_ago"):
        then = run(session, actor, shifted(request, compare))
        both = _with_former(raw, then, request)
        table, columns = _beside(*_shape(both, request), both, then, request, compare)
    else:
        table, columns = _shape(raw, request)
    if goals:
        table, columns = _against(table, columns, raw, goals, request)
    if totals and request.by:
        whole = replace(request, by=())
        table = _with_totals(table, answer(session, actor, whole, compare, count=False).rows, request)
    hidden = _hidden(session, actor, request) if count else 0
    if hidden:
        notes.append(f"{hidden:,} more, not yours")
    return Answer(
        rows=table,
        columns=tuple(columns),
        from_=_edge(session, request, first=True),
        to=_edge(session, request, first=False),
        as_of=request.as_of,
        as_known_on=session.as_known_on,
        generation=session.generation,
        currency=request.currency,
        notes=tuple(notes),
        hidden=hidden,
        empty=_empty(raw, request),
        versions={one.name: one.version for one in request.asked},
        asked=request.asked,
        where=where_text(request.where),
    )


def run(session: Any, actor: Actor, request: Request) -> pa.Table:
    """The raw result: period, d0.., n0.. (labels), m0.., m0__part.., sorted by period and labels."""
    if fits(session, actor, request):
        return session.query(SeriesBuilder(session, actor, request).statement())
    own = any(one.variant.own_currency for one in request.asked)
    return session.query(Builder(session, actor, request).text("metrics", Builder.body, own=own, windows=True))


def where_text(where: str | Mapping[str, Any] | None) -> str:
    """The filter of a question as text."""
    return "; ".join(f"{k} = {v}" for k, v in where.items()) if isinstance(where, Mapping) else where or ""


def _check_known(session: Any, as_known_on: date | str | None) -> None:
    if as_known_on is None:
        return
    day = as_known_on if isinstance(as_known_on, date) else date.fromisoformat(as_known_on)
    if session.as_known_on != day:
        raise UsageError(
            f"this session knows what was known {'now' if session.as_known_on is None else f'on {session.as_known_on}'}",
            f"Open it with as_known_on={day.isoformat()}",
        )


def _shape(raw: pa.Table, request: Request) -> tuple[pa.Table, list[Column]]:
    """The raw result as people read it."""
    names: list[str] = []
    arrays: list[Any] = []
    columns: list[Column] = []

    def put(column: Column, array: Any) -> None:
        columns.append(column)
        names.append(column.name)
        arrays.append(array)

    places = {cell.key: n for n, cell in enumerate(request.cells)}
    keys = raw.column("period").to_pylist()
    put(Column("period", "period", "period"), pa.array(keys, pa.string()))
    put(Column("from", "from", "period"), pa.array([_real(request.cells[places[k]].start) for k in keys], pa.date32()))
    put(Column("to", "to", "period"), pa.array([_real(request.cells[places[k]].end) for k in keys], pa.date32()))
    for n, name in enumerate(request.by):
        ids = raw.column(f"d{n}").to_pylist()
        if f"n{n}" in raw.column_names:
            shown = raw.column(f"n{n}").to_pylist()
            text = [
                NONE if i == NO_ID else label if label is not None else str(i)
                for i, label in zip(ids, shown, strict=True)
            ]
            put(Column(name, name.replace("_", " "), "dimension"), pa.array(text, pa.string()))
            put(
                Column(f"{name}_id", f"{name} id", "id"), pa.array([None if i == NO_ID else i for i in ids], pa.int64())
            )
        else:
            put(Column(name, name.replace("_", " "), "dimension"), pa.array([str(i) for i in ids], pa.string()))
    for n, one in enumerate(request.asked):
        for column, array in _metric(raw, n, one):
            put(column, array)
    table = pa.table(arrays, names=names)
    if request.by or len(request.cells) > 1:
        order = pa.array([places[k] for k in keys], pa.int64())
        labels = [(name, "ascending") for name in request.by]
        ids = [(f"{name}_id", "ascending") for name in request.by if f"{name}_id" in names]
        table = (
            table.append_column("_place", order)
            .sort_by([("_place", "ascending"), *labels, *ids])
            .drop_columns("_place")
        )
    return table, columns


def _metric(raw: pa.Table, n: int, one: Asked) -> list[tuple[Column, Any]]:
    value = raw.column(f"m{n}")
    exact = one.unit == "money" and pa.types.is_integer(value.type)
    found = [(Column(one.name, f"{one.metric.title}, {one.variant.title}", "metric", one.unit), value)]
    if exact:
        found = [(found[0][0], money_column(value))]
    own = f"{one.name}__currency" if one.variant.own_currency else ""
    if own:
        found.append((Column(own, "currency", "part"), raw.column(f"m{n}__currency")))
    for name, part in one.variant.parts.items():
        for suffix in ("", "__n", "__out", "__told"):
            column = f"m{n}__{name}{suffix}"
            if column not in raw.column_names or (suffix == "__n" and part.measure == "1"):
                continue
            money = not suffix and is_money(part)
            array = money_column(raw.column(column)) if money else raw.column(column)
            title = (
                name.replace("_", " ") + {"": "", "__n": ", records", "__out": ", left out", "__told": ", told"}[suffix]
            )
            unit, place = ("money", own) if money else ("count", "")
            found.append((Column(f"{one.name}__{name}{suffix}", title, "part", unit, place), array))
    return found


def _real(day: date) -> date | None:
    return None if day in (BEGINNING, END) else day


def _edge(session: Any, request: Request, first: bool) -> date | None:
    day = request.first if first else request.last
    if _real(day) is not None:
        return day
    return (first_day(session, since_of(request.asked)) or request.as_of) if first else request.as_of


def _row_keys(raw: pa.Table, request: Request) -> list[tuple[Any, ...]]:
    columns = [raw.column("period").to_pylist(), *(raw.column(f"d{n}").to_pylist() for n in range(len(request.by)))]
    return list(zip(*columns, strict=True))


def _shaped_keys(table: pa.Table, request: Request) -> list[tuple[Any, ...]]:
    columns = [table.column("period").to_pylist()]
    for name in request.by:
        if f"{name}_id" in table.column_names:
            columns.append([NO_ID if one is None else one for one in table.column(f"{name}_id").to_pylist()])
        else:
            columns.append(table.column(name).to_pylist())
    return list(zip(*columns, strict=True))


def _with_former(raw: pa.Table, then: pa.Table, request: Request) -> pa.Table:
    """The raw result with a row, all of whose figures are null, for every group that only the other period has."""
    now = set(_row_keys(raw, request))
    gone = then.filter(pa.array([key not in now for key in _row_keys(then, request)], pa.bool_()))
    keys = {"period"} | {f"{letter}{n}" for letter in "dn" for n in range(len(request.by))}
    columns = [
        gone.column(field.name).cast(field.type) if field.name in keys else pa.nulls(gone.num_rows, field.type)
        for field in raw.schema
    ]
    return pa.concat_tables([raw, pa.table(columns, schema=raw.schema)])


def _beside(
    table: pa.Table, columns: list[Column], raw: pa.Table, then: pa.Table, request: Request, compare: str
) -> tuple[pa.Table, list[Column]]:
    """Add the value of the other period and the change against it, as a share of it."""
    now = {key: n for n, key in enumerate(_row_keys(raw, request))}
    old = {key: n for n, key in enumerate(_row_keys(then, request))}
    keys = _shaped_keys(table, request)
    for n, one in enumerate(request.asked):
        values, before = raw.column(f"m{n}").to_pylist(), then.column(f"m{n}").to_pylist()
        left = [before[old[key]] if key in old else None for key in keys]
        right = [values[now[key]] for key in keys]
        change = [None if a in (None, 0) or b is None else (b - a) / abs(a) for a, b in zip(left, right, strict=True)]
        exact = one.unit == "money" and pa.types.is_integer(raw.column(f"m{n}").type)
        array = money_column(pa.array(left, pa.int64())) if exact else pa.array(left, raw.column(f"m{n}").type)
        table = table.append_column(f"{one.name}__{compare}", array)
        table = table.append_column(f"{one.name}__change", pa.array(change, pa.float64()))
        columns.append(Column(f"{one.name}__{compare}", compare.replace("_", " "), "comparison", one.unit))
        columns.append(Column(f"{one.name}__change", "change", "comparison", "ratio"))
    return table, columns


def _with_targets(session: Any, raw: pa.Table, goals: list[Goals], request: Request) -> pa.Table:
    """The raw result with a row for every group that has a target and no record: a sum of nothing is 0, another figure null."""
    there = set(_row_keys(raw, request))
    missing = sorted({key for one in goals for key in one.by_cell} - there)
    if not missing or not request.by:
        return raw
    names = {row["id"]: row["label"] for row in session.query(labels(REFS[request.by[0]])).to_pylist()}
    columns = []
    for field in raw.schema:
        head, _, part = field.name.partition("__")
        values: list[Any] = [None] * len(missing)
        if field.name == "period":
            values = [key[0] for key in missing]
        elif field.name in ("d0", "n0"):
            values = [key[1] if field.name == "d0" else names.get(key[1]) for key in missing]
        elif head[1:].isdigit() and not part and request.asked[int(head[1:])].metric.additive == "additive":
            values = [0] * len(missing)
        columns.append(pa.array(values, field.type))
    return pa.concat_tables([raw, pa.table(columns, schema=raw.schema)])


def _against(
    table: pa.Table, columns: list[Column], raw: pa.Table, goals: list[Goals], request: Request
) -> tuple[pa.Table, list[Column]]:
    """Add the target, how far the value is from it, its share of it, and whether it is met (unknown where neither way is better)."""
    keys = _shaped_keys(table, request)
    now = {key: n for n, key in enumerate(_row_keys(raw, request))}
    for n, (one, wanted) in enumerate(zip(request.asked, goals, strict=True)):
        exact = one.unit == "money" and pa.types.is_integer(raw.column(f"m{n}").type)
        found = raw.column(f"m{n}").to_pylist()
        values = [found[now[key]] for key in keys]
        goal = [wanted.by_cell.get(key) for key in keys]
        if is_amount(one) and not exact:
            goal = [None if one_ is None else one_ / 10_000 for one_ in goal]
        gap = [None if g is None or v is None else v - g for v, g in zip(values, goal, strict=True)]
        reached = [None if not g or v is None else float(v) / float(g) for v, g in zip(values, goal, strict=True)]
        met = [
            None if g is None or one.metric.better == "none" else g >= 0 if one.metric.better == "up" else g <= 0
            for g in gap
        ]

        def figures(several: list[Any], exact: bool = exact) -> Any:
            return money_column(pa.array(several, pa.int64())) if exact else pa.array(several, pa.float64())

        for name, title, unit, array in (
            ("target", "target", one.unit, figures(goal)), ("gap", "above the target", one.unit, figures(gap)),
            ("reached", "of target", "ratio", pa.array(reached, pa.float64())), ("met", "target met", "", pa.array(met, pa.bool_())),
        ):  # fmt: skip
            table = table.append_column(f"{one.name}__{name}", array)
            columns.append(Column(f"{one.name}__{name}", title, "comparison", unit))
    return table, columns


def _with_totals(table: pa.Table, extra: pa.Table, request: Request) -> pa.Table:
    rows = extra
    for name in table.column_names:
        if name in rows.column_names:
            continue
        label = ALL if name in request.by else None
        rows = rows.append_column(name, pa.array([label] * rows.num_rows, table.schema.field(name).type))
    return pa.concat_tables([table, rows.select(table.column_names)])


def _hidden(session: Any, actor: Actor, request: Request) -> int:
    """Records of the periods that are not the actor's. Filters do not count here: they would tell what is in them."""
    if visible(session, actor) is None:
        return 0
    builder = Builder(session, actor, replace(request, by=()))
    known: dict[str, int] = session.__dict__.setdefault("_metric_hidden", {})
    if len(known) > MOST_KNOWN:
        known.clear()
    total = 0
    used = {(part.fact, part.window) for one in request.asked for part in one.variant.parts.values()}
    for name, window in sorted(pair for pair in used if not fact(pair[0]).derived):

        def count(over: Builder, name: str = name) -> exp.Expression:
            return apart(
                over, lambda one: one.rows(fact(name), (), (), seen=False, where=False).select("COUNT(*) AS n")
            )

        text = builder.over(window).text(("hidden", name), count)
        found = known.get(text)
        if found is None:  # else another question of the page has counted it
            found = known[text] = session.query(text).column(0)[0].as_py()
        total = max(total, found)
    return total


def _empty(raw: pa.Table, request: Request) -> dict[str, str]:
    """Why a metric has no value anywhere in the answer."""
    found = {}
    for n, one in enumerate(request.asked):
        if any(value is not None for value in raw.column(f"m{n}").to_pylist()):
            continue
        found[one.name] = why_empty(raw, n, one, request)
    return found


def why_empty(raw: pa.Table, n: int, one: Asked, request: Request) -> str:
    """The reason why a metric has no value."""
    for name, part in one.variant.parts.items():
        if not (raw.num_rows and any(raw.column(f"m{n}__{name}__n").to_pylist())):
            what = fact(part.fact).title + (f" where {part.where}" if part.where else "")
            out = f"m{n}__{name}__out"
            left = sum(filter(None, raw.column(out).to_pylist())) if out in raw.column_names and raw.num_rows else 0
            if left:
                return f"{left:,} records ({what}) were left out: {part.left_out}"
            limits = " and this filter" if request.where or request.within else ""
            return f"there are no {what} in the period{limits}, as of {request.as_of}"
    return one.metric.empty_rule
