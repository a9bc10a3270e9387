"""Customers by the period in which they came, followed by age: how many stay, and what they bring.

A *cohort* is the customers whose first purchase (order, win) or first subscription lies in one period. Its *age* is counted in
periods: at age 0 is the period in which they came. *Active* = who bought in the period of that age, or has a subscription
in its last evening. Retention = active / customers of the cohort; revenue retention = revenue / revenue at age 0. A cell is *complete*
when its period has ended; the row of all cohorts adds up, at each age, those that are complete there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.common.periods import Grain

from .answer import Answer, Column, money_column
from .build import Builder
from .dimensions import labels
from .facts import fact
from .followed import follow
from .notes import assumed, undated
from .query import _check_known, _real
from .request import Cell, Request, _cell, _edge, first_day, understand
from .scope import visible
from .session import Actor
from .sql import parse

ALL = "(all)"
GRAINS: tuple[Grain, ...] = ("week", "month", "quarter", "year")
MOST = 600


@dataclass(frozen=True)
class Kind:
    """What makes somebody a customer: the fact of what they do, that of when they came (empty: the same), and the metric whose
    amounts these are."""

    fact: str
    came: str
    metric: str
    adds_up: bool
    told: str


KINDS: Mapping[str, Kind] = {
    "orders": Kind("cohort_ordered", "", "order_revenue", True, "first order; active = ordered in the period"),
    "wins": Kind("cohort_won", "", "bookings", True, "first deal won; active = won another in the period"),
    "subscriptions": Kind(
        "cohort_subscribed", "first_subscription", "mrr", False,
        "first subscription; active = has one in the period's last evening; revenue a month, at the rate of the first day",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Cohorts(Answer):
    """An answer with one row per cohort, dimension values and age, and one per age over all cohorts (cohort "(all)").

    Columns: cohort, from, to, dimensions, age, period (that age's), cohorts, customers, active, retention, revenue,
    revenue_retention, value_to_date (revenue up to that age for each customer; none for subscriptions), complete.
    """

    def matrix(self, measure: str = "retention", *, complete: bool = False) -> pa.Table:
        """A row per cohort and a column per age of one measure; `complete` leaves running periods empty."""
        known = [one.name for one in self.columns if one.kind == "metric"]
        if measure not in known:
            raise UsageError(f"cohorts have no {measure!r}", f"Measures: {', '.join(known)}")
        fixed = [one.name for one in self.columns if one.kind == "dimension" or one.name == "cohort"]
        ages = sorted(set(self.rows.column("age").to_pylist()))
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self.rows.to_pylist():
            line = found.setdefault(
                tuple(row[name] for name in fixed),
                {**{name: row[name] for name in fixed}, "customers": row["customers"]},
            )
            if row["complete"] or not complete:
                line[str(row["age"])] = row[measure]
        kind = self.rows.schema.field(measure).type
        types = {**{name: pa.string() for name in fixed}, "customers": pa.int64(), **{str(age): kind for age in ages}}
        return pa.table(
            {name: pa.array([line.get(name) for line in found.values()], type_) for name, type_ in types.items()}
        )


def cohorts(
    session: Any,
    actor: Actor,
    *,
    of: str = "orders",
    period: str = "quarter",
    from_: date | str | None = None,
    to: date | str | None = None,
    by: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    ages: int | None = None,
    as_of: date | str | None = None,
    as_known_on: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
) -> Cohorts:
    """Cohorts of customers by the `period` (week, month, quarter, year) of their first purchase, `of` orders, wins or subscriptions.

    `from_` and `to` bound the cohorts, not their later purchases; `ages` is the highest age shown. `by` and `where` take dimensions of
    the customer, as of the first day. Purchases are those known as of `as_of`. Raises UsageError, with the remedy.
    """
    _check_known(session, as_known_on)
    kind, grain = _kind(of, period)
    if ages is not None and ages < 0:
        raise UsageError(f"the highest age cannot be {ages}", "Write 0 or more")
    request, born = _request(session, kind, grain, from_, to, by, where, as_of, currency, calendar)
    builder = Builder(session, actor, request)
    rows = session.query(_statement(builder, kind, born or list(request.cells)))
    periods, ended = [cell.key for cell in request.cells], [cell.end <= request.as_of for cell in request.cells]
    table, columns = _table(
        follow(rows if born else rows.slice(0, 0), periods, ended, len(request.by), ages), request, kind
    )
    return Cohorts(
        rows=table,
        columns=columns,
        from_=_real(request.first) if born else None,
        to=born[-1].end if born else None,
        as_of=request.as_of,
        as_known_on=session.as_known_on,
        generation=session.generation,
        currency=request.currency,
        notes=tuple(_notes(session, actor, request, kind, int(pc.sum(rows.column("unknown")).as_py() or 0), builder)),
        hidden=_hidden(session, actor, builder, kind),
        versions={"cohorts": f"{of} by {period}"},
    )


@dataclass(frozen=True)
class Members:
    """The customers of one cohort (at one age: the active ones), a page of them. `rows`: id, name, first_day, purchases,
    revenue (exact, in `currency`); `total` and `revenue` are those of all pages, equal to the cell of the cohorts."""

    rows: pa.Table
    total: int
    revenue: Decimal | None
    offset: int
    limit: int
    currency: str

    def to_pylist(self) -> list[dict[str, Any]]:
        """The page as dictionaries."""
        found: list[dict[str, Any]] = self.rows.to_pylist()
        return found


def members(
    session: Any,
    actor: Actor,
    cohort: str,
    age: int | None = None,
    *,
    of: str = "orders",
    cell: Mapping[str, Any] | None = None,
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    as_known_on: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Members:
    """The customers of a cohort such as 2017-01 or 2017-Q1: those active at `age`, or (no age) all who came, with what they brought
    so far (subscriptions: nothing, evenings never add up). `cell` maps dimensions to values. Raises UsageError, with the remedy.
    """
    _check_known(session, as_known_on)
    start = understand(session, _kind(of, "month")[0].metric, as_of=as_of, calendar=calendar, where=where)
    named = start.calendar.parse_period(cohort)
    kind, grain = _kind(of, named.grain)
    request, born = _request(session, kind, grain, named.start, named.end, (), where, as_of, currency, calendar)
    request = replace(request, within=dict(cell) if cell else None)
    if not born or (age is not None and not 0 <= age < len(request.cells)):
        raise UsageError(
            f"{cohort} has no age {age} as of {request.as_of}", "Ask for a cohort and an age that have begun"
        )
    builder = Builder(session, actor, request)
    came = _came(builder, kind) if age is None else None
    base = (
        came.select("NULL AS value")
        if came
        else builder.rows(fact(kind.fact), {"account", "first_day", "value"}).select(
            parse(f"{builder.period_key(fact(kind.fact))} AS period"), "f.account", "f.first_day", "f.value"
        )
    )
    at = f" AND u.period = {exp.Literal.string(request.cells[age].key).sql('duckdb')}" if age is not None else ""
    each = parse(
        "SELECT u.account AS id, u.first_day, COUNT(*) AS purchases, CAST(SUM(u.value) AS BIGINT) AS revenue FROM base AS u "
        f"WHERE u.first_day >= {_day(named.start)} AND u.first_day <= {_day(named.end)}{at} GROUP BY u.account, u.first_day"
    )
    if age is None and not kind.adds_up:
        each = parse(
            "SELECT u.account AS id, u.first_day, 0 AS purchases, CAST(NULL AS BIGINT) AS revenue FROM base AS u "
            f"WHERE u.first_day >= {_day(named.start)} AND u.first_day <= {_day(named.end)}"
        )
    sums = parse("SELECT COUNT(*) AS n, CAST(SUM(e.revenue) AS BIGINT) AS revenue FROM each_ AS e")
    page = parse(
        f"SELECT e.id, l.label AS name, e.first_day, e.purchases, e.revenue FROM each_ AS e "
        f"LEFT JOIN ({labels('account').sql('duckdb')}) AS l ON l.id = e.id ORDER BY e.first_day, e.id LIMIT {int(limit)} OFFSET {int(offset)}"
    )
    for statement in (sums, page):
        assert isinstance(statement, exp.Select)
        for alias, tree in [*builder.periods(), ("base", base), ("each_", each)]:
            statement.with_(alias, as_=tree.copy(), copy=False)
    found, rows = session.query(sums).to_pylist()[0], session.query(page)
    revenue = money_column(rows.column("revenue"))
    place = rows.column_names.index("revenue")
    return Members(
        rows=rows.set_column(place, "revenue", revenue), total=found["n"],
        revenue=None if found["revenue"] is None else Decimal(found["revenue"]).scaleb(-4),
        offset=offset, limit=limit, currency=request.currency,
    )  # fmt: skip


def _kind(of: str, period: str) -> tuple[Kind, Grain]:
    """What makes a customer and how long a period is, checked."""
    if of not in KINDS:
        raise UsageError(f"there are no cohorts of {of!r}", f"Use {', '.join(KINDS)}")
    grain = next((one for one in GRAINS if one == period), None)
    if grain is None:
        raise UsageError(f"{period!r} is no grain of cohorts", f"Use {', '.join(GRAINS)}")
    return KINDS[of], grain


def _request(
    session: Any, kind: Kind, period: Grain, from_: Any, to: Any, by: Any, where: Any, as_of: Any, currency: Any, calendar: Any
) -> tuple[Request, list[Cell]]:  # fmt: skip
    """The question over every period from the first cohort to the as-of day, and the cells of the cohorts asked for."""
    one = understand(session, kind.metric, by=by, where=where, as_of=as_of, currency=currency, calendar=calendar)
    first = first_day(session, [fact(kind.fact).since] if fact(kind.fact).since else ())
    start = _edge(one.calendar, from_, "from") if from_ is not None else first
    end = one.as_of if to is None else min(_edge(one.calendar, to, "to"), one.as_of)
    if start is None or start > one.as_of:
        return replace(one, cells=(_cell(one.calendar.period_of(one.as_of, period), one.as_of),), grain=period), []
    if end < start:
        raise UsageError(f"the cohorts end on {end}, before they start on {start}", "Write the earlier day first")
    periods = one.calendar.periods(period, start, one.as_of)
    if len(periods) > MOST:
        raise UsageError(
            f"{len(periods):,} periods of a {period} are too many", "Ask by month or quarter, or with --from"
        )
    cells = tuple(_cell(each, one.as_of) for each in periods)
    return replace(one, cells=cells, grain=period), [cell for cell in cells if cell.start <= end]


def _statement(builder: Builder, kind: Kind, born: list[Cell]) -> exp.Select:
    """By cohort, dimensions and period: active customers and their revenue; rows without a period count who came."""
    one = fact(kind.fact)
    keys = builder.keys(one)
    base = builder.rows(one, {"account", "first_day", "value"})
    base = base.select(
        *(parse(f"{sql} AS {alias}") for alias, sql in keys.items()), "f.account", "f.first_day", "f.value"
    )
    by = "".join(f", u.{name}" for name in keys if name != "period")
    cells = ", ".join(
        f"({exp.Literal.string(cell.key).sql('duckdb')}, {_day(cell.start)}, {_day(cell.end)})"
        for cell in born or builder.request.cells
    )
    cohort = f'(VALUES {cells}) AS v(key, "start", "end")'
    on = 'v."start" <= u.{0} AND u.{0} <= v."end"'
    active = parse(
        f"SELECT v.key AS cohort{by}, u.period, COUNT(DISTINCT u.account) AS customers, SUM(u.value) AS revenue, "
        f"COUNT(*) - COUNT(u.value) AS unknown FROM base AS u JOIN {cohort} ON {on.format('first_day')} GROUP BY v.key{by}, u.period"
    )
    came = _came(builder, kind)
    size = parse(
        f"SELECT v.key AS cohort{by}, CAST(NULL AS VARCHAR) AS period, COUNT(DISTINCT u.account) AS customers, "
        f"0 AS revenue, 0 AS unknown FROM {'came' if came else 'base'} AS u JOIN {cohort} ON {on.format('first_day')} GROUP BY v.key{by}"
    )
    found = exp.select("r.*").from_(
        exp.alias_(exp.Subquery(this=exp.union(active, size, distinct=False)), "r", table=True)
    )
    for n, table in enumerate(_tables(builder, one)):
        if table:
            found = found.select(f"l{n}.label AS n{n}").join(
                exp.alias_(labels(table).subquery(), f"l{n}", table=True),
                on=parse(f"l{n}.id = r.d{n}"),
                join_type="left",
            )
    for alias, tree in [*builder.periods(), ("base", base), *([("came", came)] if came else [])]:
        found = found.with_(alias, as_=tree, copy=False)
    return found


def _came(builder: Builder, kind: Kind) -> exp.Select | None:
    """Who came when, where that is another fact: a customer may leave before the first evening."""
    if not kind.came:
        return None
    one = fact(kind.came)
    keys = {name: sql for name, sql in builder.keys(one).items() if name != "period"}
    select = builder.rows(one, {"account"})
    return select.select(
        *(parse(f"{sql} AS {alias}") for alias, sql in keys.items()), "f.account", "f.day AS first_day"
    )


def _tables(builder: Builder, one: Any) -> list[str]:
    return [each.table for each in builder.resolved(one)]


def _day(value: date) -> str:
    return f"DATE '{value.isoformat()}'"


METRICS = {
    "retention": ("still active", "ratio", pa.float64()),
    "active": ("active customers", "count", pa.int64()),
    "revenue": ("revenue", "money", pa.int64()),
    "revenue_retention": ("revenue of that at age 0", "ratio", pa.float64()),
    "value_to_date": ("revenue so far for each customer", "money", pa.float64()),
}


def _table(found: Any, request: Request, kind: Kind) -> tuple[pa.Table, tuple[Column, ...]]:
    """What `follow` gives, as the columns of the answer."""
    import polars as pl

    cells = pl.DataFrame(
        {
            "cohort": [cell.key for cell in request.cells],
            "from": [cell.start for cell in request.cells],
            "to": [cell.end for cell in request.cells],
        },
        schema_overrides={"from": pl.Date, "to": pl.Date},
    )
    per_customer = pl.col("value") / pl.col("customers") / 10_000
    frame = (
        found.join(cells, on="cohort", how="left", maintain_order="left")
        .rename({f"t{n}": name for n, name in enumerate(request.by)})
        .with_columns(
            cohort=pl.col("cohort").fill_null(ALL),
            retention=pl.col("active") / pl.col("customers"),
            revenue_retention=pl.when(pl.col("start") != 0).then(pl.col("revenue") / pl.col("start")),
            value_to_date=per_customer if kind.adds_up else pl.lit(None, pl.Float64),
        )
    )
    columns = (
        Column("cohort", "cohort", "period"), Column("from", "from", "part"), Column("to", "to", "part"),
        *(Column(name, name.replace("_", " "), "dimension") for name in request.by),
        Column("age", "age", "period"), Column("period", "period", "part"), Column("cohorts", "cohorts", "part", "count"),
        Column("customers", "customers", "comparison", "count"),
        *(Column(name, title, "metric", unit) for name, (title, unit, _) in METRICS.items()),
        Column("complete", "complete", "comparison"),
    )  # fmt: skip
    types = {
        "from": pa.date32(),
        "to": pa.date32(),
        "age": pa.int64(),
        "cohorts": pa.int64(),
        "customers": pa.int64(),
        "complete": pa.bool_(),
    }
    types |= {name: type_ for name, (_, _, type_) in METRICS.items()}
    arrays = [frame.get_column(one.name).to_arrow().cast(types.get(one.name, pa.string())) for one in columns]
    arrays = [
        money_column(array) if one.name == "revenue" else array for one, array in zip(columns, arrays, strict=True)
    ]
    return pa.table(arrays, names=[one.name for one in columns]), columns


def _notes(session: Any, actor: Actor, request: Request, kind: Kind, unknown: int, builder: Builder) -> Iterator[str]:
    yield f"a customer belongs to the period of the {kind.told}"
    running = request.cells[-1]
    if running.end > request.as_of:
        yield f"{running.key} runs until {running.end}: its figures are not complete, and not in {ALL}"
    if unknown:
        yield f"{unknown:,} amounts are unknown and in no revenue"
    entity = fact(kind.fact).undated
    if entity and actor.sees_all and (count := undated(session, entity)):
        yield f"{count:,} records ({entity}) have no date and are in no answer about days"
    if kind.came and (count := _always(session)):
        yield f"{count:,} customers have a subscription without a first day: they are in no cohort"
    if session.as_known_on is not None:
        yield assumed(session)


def _always(session: Any) -> int:
    sql = "SELECT COUNT(DISTINCT account) AS n FROM subscription WHERE valid_from = CAST('0001-01-01' AS DATE)"
    return int(session.query(sql).column(0)[0].as_py())


def _hidden(session: Any, actor: Actor, builder: Builder, kind: Kind) -> int:
    """Customers who are not the reader's."""
    if visible(session, actor) is None:
        return 0
    one = fact(kind.came or kind.fact)
    select = builder.rows(one, {"account"}, (), seen=False, where=False).select("COUNT(DISTINCT f.account) AS n")
    for alias, tree in builder.periods():
        select = select.with_(alias, as_=tree, copy=False)
    return int(session.query(select).column(0)[0].as_py())
