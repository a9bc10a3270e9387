"""Questions about the pipeline, scoped to what the asking user may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer, Column, money_column
from salesops.metrics.calendars import note_of, unit_calendar
from salesops.metrics.dimensions import FANNED, labels
from salesops.metrics.request import names
from salesops.metrics.session import Actor, calendar_of, currencies_of
from salesops.metrics.sql import NO_ID, NONE, day, literal, parse, subquery

from .asking import one_period
from .versions import versions
from .waterfall import BUCKETS, SCOPES, SIGNS, Slice, Window, bars

BARS_DO_NOT_ADD = "bars do not add up over time: a longer window shows a deal's net way in and out"


@dataclass(frozen=True)
class Asked:
    """A waterfall that was understood."""

    window: Window
    by: tuple[str, ...]
    where: str | Mapping[str, Any] | None
    currency: str


def _understand(
    session: Any,
    from_: date | str,
    to: date | str | None,
    scope: str,
    by: str | Sequence[str],
    where: str | Mapping[str, Any] | None,
    currency: str | None,
) -> Asked:
    if scope not in SCOPES:
        raise UsageError(f"there is no scope {scope!r}", f"Use {' or '.join(SCOPES)}")
    first, last = span(session, from_, to, where)
    code = (currency or session.manifest.reporting_currency).upper()
    used = currencies_of(session)
    plain = used is not None and used <= {code}
    wanted = tuple(dict.fromkeys(names(by)))
    wanted = (
        *(n for n in wanted if n not in FANNED),
        *(n for n in wanted if n in FANNED),
    )  # what divides deals comes last
    return Asked(Window(first, last, scope, None if plain else code), wanted, where, code)


def days_of(
    period: str | None, from_: date | str | None, to: date | str | None
) -> tuple[date | str, date | str | None]:
    """First and last of a window, given as days or by its period (2017-Q3). Raises UsageError where there is neither."""
    first, last = one_period(period, from_, to)
    if first is None:
        raise UsageError("it is not said from which day on", "Name a period, such as 2017-Q3, or the first day")
    return first, last


def span(
    session: Any,
    from_: date | str,
    to: date | str | None,
    where: str | Mapping[str, Any] | None = None,
    named: str | None = None,
) -> tuple[date, date]:
    """First and last day of a window given as two days, two periods or one period; checks what is known.

    Periods are those of the workspace's fiscal calendar, or of the one business unit that `named` says or `where` keeps.
    """
    own = unit_calendar(session, where, "open", named or None)
    calendar = own.calendar if own else calendar_of(session)
    first = calendar.parse_period(from_).start if isinstance(from_, str) else from_
    end: date | str = from_ if to is None else to
    last = calendar.parse_period(end).end if isinstance(end, str) else end
    limit = session.as_known_on or session.manifest.today
    if to is None and last > limit:
        last = limit
    if last < first:
        raise UsageError(f"the window ends on {last}, before it starts on {first}", "Write the earlier day first")
    if session.as_known_on is not None and last > session.as_known_on:
        raise UsageError(
            f"the window ends on {last}, later than as known on {session.as_known_on}",
            f"End it by {session.as_known_on}",
        )
    return first, last


def waterfall(
    session: Any,
    actor: Actor,
    from_: date | str | None = None,
    to: date | str | None = None,
    *,
    period: str | None = None,
    scope: str = "closing_in_period",
    by: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    currency: str | None = None,
) -> Answer:
    """The bars from the evening before `from_` to the evening of `to`: one row per slice and bar, with count and value.

    `scope` is closing_in_period (open deals that should close between the two days) or all_open. With `by`, deals that
    change slice inside the window are reassigned out of one and into the other. Exact: every slice balances.
    """
    asked = _understand(session, *days_of(period, from_, to), scope, by, where, currency)
    text, slices, tables = versions(session, actor, asked.window, asked.by, asked.where)
    keys = slices.shown
    select = exp.select(*(f"b.{key}" for key in keys), "b.bucket", "SUM(b.n) AS n", "SUM(b.value) AS value").from_(
        "bar AS b"
    )
    if slices.mine:
        select = select.where("b.mine = 1")
    select = select.group_by(*(f"b.{key}" for key in keys), "b.bucket")
    grouped = exp.select(
        *(f"s.{key}" for key in keys), "s.bucket", "CAST(s.n AS BIGINT) AS n", "CAST(s.value AS BIGINT) AS value"
    )
    grouped = _named(grouped.from_(exp.alias_(select.subquery(), "s", table=True)), tables)
    raw = session.query(_with(grouped, bars(asked.window, slices, text)))
    rows, columns = _shape(raw, asked, tables)
    hidden = _hidden(session, actor, asked) if not actor.sees_all else 0
    notes = [BARS_DO_NOT_ADD, *note_of(unit_calendar(session, where, "open"), "range")]
    if hidden:
        notes.append(f"{hidden:,} more, not yours")
    if unknown := _unknown(session, actor, asked):
        notes.append(f"{unknown:,} deals have an unknown amount on the last evening: counted, worth nothing here")
    return Answer(
        rows=rows,
        columns=tuple(columns),
        from_=asked.window.first,
        to=asked.window.last,
        as_of=asked.window.last,
        as_known_on=session.as_known_on,
        generation=session.generation,
        currency=asked.currency,
        notes=tuple(notes),
        hidden=hidden,
        empty={} if rows.num_rows else {"pipeline_waterfall": "no deal was in scope on any evening of the window"},
    )


def waterfall_drill(
    session: Any,
    actor: Actor,
    from_: date | str | None = None,
    to: date | str | None = None,
    *,
    bucket: str,
    period: str | None = None,
    cell: Mapping[str, Any] | None = None,
    scope: str = "closing_in_period",
    by: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    currency: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> dict[str, Any]:
    """The deals of one bar: id, name, day, value in 10^-4; `cell` maps the slice's dimensions to ids or texts.

    Gives `rows`, `total` (rows in all), `value` (their sum: the bar's), `offset` and `limit`.
    """
    if bucket not in BUCKETS:
        raise UsageError(f"there is no bar {bucket!r}", f"Bars: {', '.join(BUCKETS)}")
    asked = _understand(session, *days_of(period, from_, to), scope, by, where, currency)
    text, slices, tables = versions(session, actor, asked.window, asked.by, asked.where)
    tests = [f"b.bucket = '{bucket}'"] + (["b.mine = 1"] if slices.mine else [])
    for n, name in enumerate(asked.by):
        if cell and name in cell:
            tests.append(_cell_test(n, cell[name], tables[n]))
    parts = bars(asked.window, slices, text)
    body = exp.select("b.id", "n.label AS name", "b.day", "CAST(b.value AS BIGINT) AS value").from_("bar AS b")
    body = body.join(
        exp.alias_(labels("opportunity").subquery(), "n", table=True), on=parse("n.id = b.id"), join_type="left"
    )
    body = body.where(*(parse(test) for test in tests)).order_by("b.day", "b.id", "b.value").limit(limit).offset(offset)
    sums = exp.select("COUNT(*) AS n", "CAST(SUM(b.value) AS BIGINT) AS value").from_("bar AS b")
    sums = sums.where(*(parse(test) for test in tests))
    found = session.query(_with(sums, parts)).to_pylist()[0]
    rows = session.query(_with(body, parts)).to_pylist()
    return {"rows": rows, "total": found["n"], "value": found["value"] or 0, "offset": offset, "limit": limit}


def _cell_test(n: int, value: Any, table: str) -> str:
    if value is None or value == NONE:
        value = NO_ID if table else NONE
    if table and isinstance(value, str):
        return f'b.k{n} IN (SELECT id FROM "{table}" WHERE name = {literal(value).sql("duckdb")})'
    return f"b.k{n} = {literal(value).sql('duckdb')}"


def _with(select: Any, parts: Sequence[tuple[str, str]]) -> Any:
    for name, text in parts:
        select = select.with_(name, as_=parse(text), copy=False)
    return select


def _named(select: exp.Select, tables: Sequence[str]) -> exp.Select:
    for n, table in enumerate(tables):
        if table:
            alias = exp.alias_(labels(table).subquery(), f"l{n}", table=True)
            select = select.join(alias, on=parse(f"l{n}.id = s.k{n}"), join_type="left").select(f"l{n}.label AS n{n}")
    return select


def _shape(raw: pa.Table, asked: Asked, tables: Sequence[str]) -> tuple[pa.Table, list[Column]]:
    """Every bar of every slice, in order, empty ones as 0."""
    found: dict[tuple[Any, ...], dict[str, tuple[int, int]]] = {}
    shown: dict[tuple[Any, ...], list[str]] = {}
    keys = [f"k{n}" for n in range(len(asked.by))]
    for row in raw.to_pylist():
        key = tuple(row[name] for name in keys)
        found.setdefault(key, {})[row["bucket"]] = (row["n"], row["value"] or 0)
        shown[key] = [_label(row, n, table) for n, table in enumerate(tables)]
    if not keys and not found:
        found[()], shown[()] = {}, []
    order = sorted(found, key=lambda key: (shown[key], str(key)))
    out: list[dict[str, Any]] = []
    for key in order:
        for bucket in BUCKETS:
            n, value = found[key].get(bucket, (0, 0))
            cells = dict(zip(asked.by, shown[key], strict=True))
            ids = {
                f"{name}_id": None if one == NO_ID else one
                for name, one, table in zip(asked.by, key, tables, strict=True)
                if table
            }
            out.append({**cells, **ids, "bar": bucket, "sign": SIGNS.get(bucket, 0), "count": n, "value": value})
    ids_of = [f"{name}_id" for name, table in zip(asked.by, tables, strict=True) if table]
    types = {
        **{name: pa.string() for name in asked.by}, **{name: pa.int64() for name in ids_of},
        "bar": pa.string(), "sign": pa.int64(), "count": pa.int64(), "value": pa.int64(),
    }  # fmt: skip
    table = pa.Table.from_pylist(out, schema=pa.schema(list(types.items())))
    table = table.set_column(table.schema.get_field_index("value"), "value", money_column(table.column("value")))
    columns = [Column(name, name.replace("_", " "), "dimension") for name in asked.by]
    columns += [Column(name, name.replace("_", " "), "id") for name in ids_of]
    columns += [
        Column("bar", "bar", "dimension"), Column("sign", "sign", "part", "count"),
        Column("count", "deals", "metric", "count"), Column("value", "value", "metric", "money"),
    ]  # fmt: skip
    return table, columns


def _label(row: Mapping[str, Any], n: int, table: str) -> str:
    if not table:
        return str(row[f"k{n}"])
    if row[f"k{n}"] == NO_ID:
        return NONE
    return row[f"n{n}"] if row[f"n{n}"] is not None else str(row[f"k{n}"])


def _hidden(session: Any, actor: Actor, asked: Asked) -> int:
    """Deals with any bar that are not the actor's."""
    text, slices, _ = versions(session, actor, asked.window, (), None)
    sql = exp.select("COUNT(DISTINCT b.id) AS n").from_("bar AS b").where("b.mine = 0")
    found: int = session.query(_with(sql, bars(asked.window, Slice(0, slices.mine), text))).column(0)[0].as_py()
    return found


def _unknown(session: Any, actor: Actor, asked: Asked) -> int:
    text, slices, _ = versions(session, actor, asked.window, (), asked.where)
    last = day(asked.window.last)
    sql = exp.select("COUNT(*) AS n").from_(subquery(text, "w"))
    sql = sql.where(parse(f"w.inside = 1 AND w.value IS NULL AND w.since <= {last} AND {last} < w.until"))
    if slices.mine:
        sql = sql.where("w.mine = 1")
    found: int = session.query(sql).column(0)[0].as_py()
    return found
