"""Questions of this room that the metric room answers: parts of facts by dimension, as the actor sees them.

The parts here are no metrics of the catalogue, but they are counted by the same statement: same filters, same dimensions, same
rules of sight, same currencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import UsageError
from salesops.common.periods import GRAINS
from salesops.metrics.answer import Answer, Column, money_column
from salesops.metrics.build import Builder
from salesops.metrics.definitions import Asked, Metric, Part, Variant
from salesops.metrics.dimensions import labels
from salesops.metrics.facts import fact
from salesops.metrics.notes import notes_of
from salesops.metrics.query import _hidden, run, where_text
from salesops.metrics.request import BEGINNING, Request, understand
from salesops.metrics.session import Actor
from salesops.metrics.sql import FOREVER, NO_ID, NONE, parse

Day = date | str
UNITS = {
    "money": pa.int64(),
    "count": pa.int64(),
    "days": pa.float64(),
    "ratio": pa.float64(),
    "money_per_day": pa.float64(),
}


def made(name: str, parts: Mapping[str, Part]) -> Asked:
    """Parts of facts as a question's metric; its value is the first part."""
    metric = Metric(
        name, name.replace("_", " "), "", "count", "none", "", (Variant("", name, "", next(iter(parts)), parts),)
    )
    return Asked(metric, metric.variants[0])


def one_period(period: str | None, from_: Day | None, to: Day | None) -> tuple[Day | None, Day | None]:
    """First and last of a question about one stretch of days: those of `period` (such as 2017-Q3) where it is named, else as given.

    Raises UsageError for a grain, which names many periods, and for a period beside days.
    """
    if not period:
        return from_, to
    if period in GRAINS:
        raise UsageError(f"this is asked over one period, not by {period}", "Name one, such as 2017-Q3, or its days")
    if from_ is not None or to is not None:
        raise UsageError(
            f"the days are given twice: by the period {period} and by themselves", "Give the one or the other"
        )
    return period, None


def asking(session: Any, name: str, parts: Mapping[str, Part], **question: Any) -> Request:
    """A request for parts of facts; `question` takes what `metrics.query.query` takes (by, from_, to, period, where, as_of ...)."""
    return replace(understand(session, "won_deals", **question), asked=(made(name, parts),))


@dataclass(frozen=True)
class Group:
    """One group of an answer: its labels and ids by dimension, and the numbers found."""

    cell: dict[str, Any]
    ids: dict[str, int | None]
    found: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.found.get(name)


class Figures(list[Group]):
    """Groups of an answer, with the request and the raw result that they were read from."""

    def __init__(self, groups: Iterable[Group], request: Request, raw: pa.Table) -> None:
        super().__init__(groups)
        self.request, self.raw = request, raw


def figures(session: Any, actor: Actor, request: Request) -> Figures:
    """The parts of a request (one period), by group: sums in 10^-4 or counts; `<part>__n` is the number of records used."""
    raw = run(session, actor, request)
    one = request.asked[0]
    wanted = {f"m0__{part}{end}": f"{part}{end}" for part in one.variant.parts for end in ("", "__n", "__out")}
    names = {column: name for column, name in wanted.items() if column in raw.column_names}
    groups = [
        Group(*_cell(row, request), {"period": row["period"], **{name: row[column] for column, name in names.items()}})
        for row in raw.to_pylist()
    ]
    return Figures(groups, request, raw)


def spread(
    session: Any, actor: Actor, request: Request, name: str, columns: Sequence[str], where: str = ""
) -> list[Group]:
    """How often each combination of some columns of a fact occurs, by group: `n` beside the columns. Set-based; the rows are as
    many as there are different combinations."""
    builder = Builder(session, actor, request)
    one = fact(name)
    keys = builder.keys(one)
    select = builder.rows(one, columns)
    select = select.select(*(parse(f"{sql} AS {alias}") for alias, sql in keys.items()))
    select = select.select(*(parse(f"f.{column}") for column in columns), "COUNT(*) AS n")
    if where:
        select = select.where(parse(where))
    select = select.group_by(*(parse(sql) for sql in keys.values()), *(f"f.{column}" for column in columns))
    tables = [each.table for each in builder.resolved(one)]
    rows = session.query(labelled(select, tables, builder.periods(), "s")).to_pylist()
    found = [Group(*_cell(row, request), {name: row[name] for name in ("period", *columns, "n")}) for row in rows]
    return sorted(found, key=lambda group: [str(group.cell[name]) for name in request.by])


def labelled(
    select: exp.Select, tables: Sequence[str], ctes: Iterable[tuple[str, exp.Expression]], alias: str
) -> exp.Select:
    """A statement with the names of its keys d0, d1, ... as n0, n1, ..."""
    outer = exp.select(f"{alias}.*").from_(exp.alias_(select.subquery(), alias, table=True))
    for n, table in enumerate(tables):
        if table:
            join = exp.alias_(labels(table).subquery(), f"l{n}", table=True)
            outer = outer.join(join, on=parse(f"l{n}.id = {alias}.d{n}"), join_type="left").select(
                f"l{n}.label AS n{n}"
            )
    for name, tree in ctes:
        outer = outer.with_(name, as_=tree, copy=False)
    return outer


NAMED = {"owner": "person", "owner_now": "person", "stage": "stage", "account": "account", "pipeline": "pipeline"}


def listing(
    session: Any,
    actor: Actor,
    request: Request,
    name: str,
    columns: Mapping[str, str],
    *,
    where: str = "",
    order: str = "f.day, f.id",
    cell: Mapping[str, Any] | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Answer:
    """A page of the records of a fact where a condition over its columns holds: id, name and `columns` (name -> unit; `owner` and `stage` as
    names, `text` and `day` as they are). `cell` keeps to one group of an answer. Notes say how many there are in all."""
    one = fact(name)
    request = replace(request, within={**(request.within or {}), **(cell or {})} or None)
    needs = {"id", *columns, *(column.name for column in parse(f"{where or '1 = 1'}").find_all(exp.Column))}
    needs |= {column.name for column in parse(f"({order.replace(' DESC', '')})").find_all(exp.Column)}
    entity = "lead" if one.entity == "lead" else "opportunity"
    ordered = [parse_order(part) for part in order.split(",")]

    def page(builder: Builder) -> exp.Select:
        """How many fit and what they are worth, beside each row of the page; without a row, alone."""
        fitting = builder.rows(one, needs)
        fitting = fitting.select(*(exp.column(column, table="f", quoted=True) for column in sorted(needs)))
        rows = exp.select("f.id AS id", "named.label AS name").from_("fitting AS f")
        joined = {"named": entity, **{f"x_{column}": NAMED[column] for column in columns if column in NAMED}}
        for alias, table in joined.items():
            key = "id" if alias == "named" else alias[2:]
            source = exp.alias_(labels(table).subquery(), alias, table=True)
            rows = rows.join(source, on=parse(f"{alias}.id = f.{key}"), join_type="left")
        rows = rows.select(*(parse(f"x_{c}.label AS {c}" if c in NAMED else f"f.{c} AS {c}") for c in columns))
        rows = rows.select(*(exp.alias_(each.this, f"o{n}") for n, each in enumerate(ordered))).order_by(*ordered)
        rows = rows.limit(exp.Placeholder(this="limit")).offset(exp.Placeholder(this="offset"))
        worth = "CAST(SUM(f.value) AS BIGINT)" if "value" in columns else "CAST(NULL AS BIGINT)"
        sums = exp.select("COUNT(*) AS all_n", f"{worth} AS all_value").from_("fitting AS f")
        select = exp.select("s.all_n", "s.all_value", "p.*").from_(sums.subquery("s"))
        select = select.join(rows.subquery("p"), on=parse("1 = 1"), join_type="left")
        again = [
            exp.Ordered(this=exp.column(f"o{n}", "p"), desc=each.args["desc"], nulls_first=False)
            for n, each in enumerate(ordered)
        ]
        return select.order_by(*again).with_("fitting", as_=fitting.where(parse(where)) if where else fitting)

    text = Builder(session, actor, request).text(
        ("listing", name, tuple(columns), where, order), page, more={"limit": int(limit), "offset": int(offset)}
    )
    rows = session.query(text).to_pylist()
    found = rows[0]
    rows = [row for row in rows if row["id"] is not None]
    shown = [Column("name", entity.replace("opportunity", "deal"), "dimension"), Column("id", "id", "id")]
    for column, unit in columns.items():
        plain = unit in ("text", "day")
        kind = "day" if unit == "day" else "dimension" if plain else "metric"
        shown.append(Column(column, column.replace("_", " "), kind, "" if plain else unit))
    told = [f"{offset + 1:,} to {offset + len(rows):,} of {found['all_n']:,}" if rows else "none"]
    if found["all_value"] is not None:
        told.append(f"value of all {Decimal(found['all_value']).scaleb(-4):,.2f} {request.currency}")
    empty = {} if rows else {"list": "no record fits"}
    others = hidden(session, actor, replace(request, within=None))
    return answer(session, request, shown, rows, notes=told, hidden=others, empty=empty, total=found["all_n"])


def parse_order(text: str) -> Any:
    """`f.days DESC` as an ordered expression; nulls last."""
    column, _, way = text.strip().partition(" ")
    return exp.Ordered(this=parse(column), desc=way.upper() == "DESC", nulls_first=False)


def _cell(row: Mapping[str, Any], request: Request) -> tuple[dict[str, Any], dict[str, int | None]]:
    cell: dict[str, Any] = {}
    ids: dict[str, int | None] = {}
    for n, name in enumerate(request.by):
        key = row[f"d{n}"]
        if f"n{n}" in row:
            cell[name] = NONE if key == NO_ID else row[f"n{n}"] if row[f"n{n}"] is not None else str(key)
            ids[name] = None if key == NO_ID else key
        else:
            cell[name] = str(key)
    return cell, ids


def stages_of(session: Any) -> dict[int, dict[str, Any]]:
    """Today's stages by id: name, pipeline (id), pipeline_name, position, kind, pitch."""
    cache: dict[str, Any] = session.__dict__.setdefault("_metric_columns", {})
    if "pipeline stages" not in cache:
        rows = session.query(
            "SELECT s.id, s.name, s.pipeline, p.name AS pipeline_name, s.position, COALESCE(s.kind, 'open') AS kind, s.pitch "
            f"FROM stage AS s LEFT JOIN pipeline AS p ON p.id = s.pipeline AND p.day_to = {FOREVER} WHERE s.day_to = {FOREVER}"
        ).to_pylist()
        rows.sort(key=lambda r: (r["pipeline_name"] or "", r["position"] or 0, r["name"] or ""))
        cache["pipeline stages"] = {row["id"]: row for row in rows}
    known: dict[int, dict[str, Any]] = cache["pipeline stages"]
    return known


def hidden(session: Any, actor: Actor, request: Request) -> int:
    """Records of the period that are not the actor's."""
    return _hidden(session, actor, request)


def notes(session: Any, actor: Actor, *found: Figures) -> list[str]:
    """What answers say beside their rows: left out, undated, assumed, calendars."""
    told: list[str] = []
    for one in found:
        told += notes_of(session, actor, one.request, one.raw)
    return list(dict.fromkeys(told))


def answer(
    session: Any,
    request: Request,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    *,
    notes: Iterable[str] = (),
    hidden: int = 0,
    empty: Mapping[str, str] | None = None,
    total: int | None = None,
) -> Answer:
    """Rows of plain values as an answer: money is given in 10^-4 (an `int`)."""
    arrays = []
    for one in columns:
        values = [row.get(one.name) for row in rows]
        if one.unit == "money":
            arrays.append(money_column(pa.array(values, pa.int64())))
        elif one.unit:
            arrays.append(pa.array(values, UNITS.get(one.unit, pa.float64())))
        elif one.kind == "id":
            arrays.append(pa.array(values, pa.int64()))
        elif one.kind == "day":
            arrays.append(pa.array(values, pa.date32()))
        else:
            arrays.append(pa.array([None if value is None else str(value) for value in values], pa.string()))
    told = [*notes, *([f"{hidden:,} more, not yours"] if hidden else [])]
    return Answer(
        rows=pa.table(arrays, names=[one.name for one in columns]),
        columns=tuple(
            Column(one.name, one.title, "dimension" if one.kind == "day" else one.kind, one.unit) for one in columns
        ),
        from_=None if request.first == BEGINNING else request.first,
        to=request.last,
        as_of=request.as_of,
        as_known_on=session.as_known_on,
        generation=session.generation,
        currency=request.currency,
        notes=tuple(dict.fromkeys(told)),
        hidden=hidden,
        empty=dict(empty or {}),
        where=where_text(request.where),
        total=total,
    )


def dimension_columns(request: Request) -> list[Column]:
    """The columns of the dimensions of a request, with their ids."""
    from salesops.metrics.dimensions import REFS

    found = [Column(name, name.replace("_", " "), "dimension") for name in request.by]
    return found + [Column(f"{name}_id", f"{name} id", "id") for name in request.by if name in REFS]


def of_group(group: Group) -> dict[str, Any]:
    """The cells of a group as columns of a row."""
    return {**group.cell, **{f"{name}_id": one for name, one in group.ids.items()}}


def ratio(part: float | int | None, whole: float | int | None) -> float | None:
    """part / whole; no value where either is missing or the whole is zero."""
    return None if part is None or not whole else part / whole
