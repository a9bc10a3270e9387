"""Explains the change of a metric between two periods by mix, rate and volume along a dimension, or velocity by its drivers.

The parts are those of `decompose`; they add up to the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa
from sqlglot import exp

from salesops.common.errors import InvalidData, UsageError

from .answer import Answer, Column, money_column
from .decompose import VELOCITY, ratio_change, sum_change, velocity_change
from .definitions import Asked
from .notes import notes_of
from .query import ALL, _hidden, run
from .request import Request, understand
from .session import Actor
from .sql import NO_ID, NONE, parse

KINDS = (
    "Sums (won / closed, amount / deals are ratios of sums; bookings, created_deals are sums) can be split; medians, "
    "Kaplan-Meier and quotas cannot"
)
RATIO_RULE = (
    "mix: a group's share of the denominator changed, times how far its ratio lies from the whole's; rate: its ratio changed, times its "
    "share; both at the mean of the two periods"
)
SUM_RULE = "volume: how many records there are in all; mix: the group's share of them; rate: its average; each at the mean effect over all orders of change"
VELOCITY_RULE = "each driver's logarithmic share of the change (Ang, 2004); where a driver is zero, its mean effect over all orders of change"


@dataclass(frozen=True)
class Side:
    """One of the two periods: its request and its parts by group."""

    request: Request
    raw: pa.Table

    def groups(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Rows by key of the group."""
        keys = [f"d{n}" for n in range(len(self.request.by))]
        return {tuple(row[key] for key in keys): row for row in self.raw.to_pylist()}


def explain_change(
    session: Any,
    actor: Actor,
    metric: str,
    *,
    by: str | Sequence[str] = (),
    from_: date | str,
    to: date | str,
    where: str | Mapping[str, Any] | None = None,
    as_of: date | str | None = None,
    currency: str | None = None,
    calendar: str | None = None,
) -> Answer:
    """What made `metric` change from one period to another (`2017-Q2`, `2017-05`, or two days `2017-04-01..2017-05-15`).

    With `by`, one row per group: its value before and after, and what its mix, rate and (of a sum) volume added to the change of the
    whole; the last row is the whole. Sales velocity without `by`: one row per driver. UsageError for a metric that is
    neither a sum nor a ratio of sums.
    """
    sides = [_side(session, actor, metric, by, period, where, as_of, currency, calendar) for period in (from_, to)]
    one = sides[0].request.asked[0]
    if not sides[0].request.by and one.metric.id == "sales_velocity":
        return _velocity(session, actor, one, *sides)
    return _groups(session, actor, one, *sides)


def _side(
    session: Any,
    actor: Actor,
    metric: str,
    by: Any,
    period: date | str,
    where: Any,
    as_of: Any,
    currency: Any,
    calendar: Any,
) -> Side:
    first, dots, last = str(period).partition("..")
    edges = (
        {"from_": first, "to": last} if dots else {"period": first} if _named(first) else {"from_": first, "to": first}
    )
    request = understand(
        session, [metric], by=by, where=where, as_of=as_of, currency=currency, calendar=calendar, **edges
    )  # fmt: skip
    if len(request.asked) != 1 or len(request.cells) != 1:
        raise UsageError(f"{period!r} is not one period", "Write for example --from 2017-Q2 --to 2017-Q3")
    return Side(request, run(session, actor, request))


def _named(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return True
    return False


def formula(one: Asked, *rows: Mapping[str, Any]) -> str:
    """The formula that counts in these rows: the fallback where nothing in any of them keeps to the first."""
    if one.variant.fallback and not any(row[f"m0__{one.variant.needs}"] for row in rows):
        return one.variant.fallback
    return one.variant.value


def pieces(one: Asked, text: str) -> tuple[exp.Expression, exp.Expression | None]:
    """Numerator and denominator of a formula (None: a sum); UsageError where it is neither."""
    tree = parse(text)
    top, bottom = (tree.this.unnest(), tree.expression.unnest()) if isinstance(tree, exp.Div) else (tree, None)
    for piece in (top, bottom):
        if piece is None:
            continue
        names = [column.name for column in piece.find_all(exp.Column)]
        parts = [one.variant.parts[name.removesuffix("__n")] for name in names]
        plain = all(
            isinstance(n, (exp.Column, exp.Identifier, exp.Add, exp.Sub, exp.Mul, exp.Paren, exp.Literal))
            for n in piece.walk()
        )
        if not plain or any(part.how != "sum" or part.across for part in parts):
            raise UsageError(f"the change of {one.name} cannot be split into mix and rate", KINDS)
    if bottom is None and not isinstance(top, exp.Column):
        raise UsageError(f"the change of {one.name} cannot be split into mix and rate", KINDS)
    if one.variant.own_currency:
        raise UsageError(f"{one.name} may be worked in a currency of each group", KINDS)
    return top, bottom


def worth(piece: exp.Expression, row: Mapping[str, Any]) -> int:
    """A formula of whole numbers; what is unknown counts as nothing, as it does in the sum."""
    if isinstance(piece, exp.Column):
        return int(row[f"m0__{piece.name}"] or 0)
    if isinstance(piece, exp.Literal):
        return int(piece.name)
    if isinstance(piece, exp.Paren):
        return worth(piece.this, row)
    left, right = worth(piece.this, row), worth(piece.expression, row)
    return left + right if isinstance(piece, exp.Add) else left - right if isinstance(piece, exp.Sub) else left * right


def _groups(session: Any, actor: Actor, one: Asked, before: Side, after: Side) -> Answer:
    text = formula(one, *before.raw.to_pylist(), *after.raw.to_pylist())
    top, bottom = pieces(one, text)
    count = exp.column(f"{top.name}__n") if bottom is None else bottom
    sides = [side.groups() for side in (before, after)]
    pairs = [{key: (worth(top, row), worth(count, row)) for key, row in side.items()} for side in sides]
    money = one.unit == "money"
    empty: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    names = ("mix", "rate") if bottom is not None else ("volume", "mix", "rate")
    try:
        change: Any = sum_change(*pairs) if bottom is None else ratio_change(*pairs)
    except InvalidData as problem:
        change, empty = None, {one.name: str(problem)}
    if change is not None:
        scale = 10_000 if money and bottom is not None else 1

        def of(pair: tuple[int, int]) -> Any:
            if bottom is None:
                return pair[0]
            return float(Fraction(*pair) / scale) if pair[1] else None

        for key, part in change.parts.items():
            was, now = pairs[0].get(key, (0, 0)), pairs[1].get(key, (0, 0))
            rows.append({
                **_cell(key, before.request, sides), "before": of(was), "after": of(now), "change": part.change / scale
                if scale > 1 else part.change, **{n: getattr(part, n) / scale if scale > 1 else getattr(part, n) for n in names},
            })  # fmt: skip
        rows.sort(key=lambda row: (-abs(row["change"]), str(row)))
        whole = {
            "before": change.before,
            "after": change.after,
            "change": change.change,
            **{n: getattr(change, n) for n in names},
        }
        if scale > 1:
            whole = {name: value / scale for name, value in whole.items()}
        total = dict.fromkeys(before.request.by, ALL) | whole
        rows = [*rows, total] if before.request.by else [whole]
    columns = [
        *(Column(name, name.replace("_", " "), "dimension") for name in before.request.by),
        *(Column(name, _title(name, before, after), "metric", one.unit) for name in ("before", "after")),
        Column("change", "share of the change", "metric", one.unit), *(Column(n, n, "metric", one.unit) for n in names),
    ]  # fmt: skip
    rule = SUM_RULE if bottom is None else RATIO_RULE
    return _answer(session, actor, before, after, columns, rows, [rule], empty)


def _title(name: str, before: Side, after: Side) -> str:
    return (before if name == "before" else after).request.cells[0].key


def _cell(
    key: tuple[Any, ...], request: Request, sides: Sequence[Mapping[tuple[Any, ...], Mapping[str, Any]]]
) -> dict[str, Any]:
    row = next(side[key] for side in sides if key in side)
    found = {}
    for n, (name, one) in enumerate(zip(request.by, key, strict=True)):
        label = row.get(f"n{n}")
        found[name] = (NONE if one == NO_ID else str(one) if label is None else label) if f"n{n}" in row else str(one)
    return found


def _velocity(session: Any, actor: Actor, one: Asked, before: Side, after: Side) -> Answer:
    """One row per driver of velocity, and the whole."""
    drivers = [_drivers(side) for side in (before, after)]
    rows: list[dict[str, Any]] = []
    empty: dict[str, str] = {}
    rule = VELOCITY_RULE
    if any(found is None for found in drivers):
        short = " and ".join(
            side.request.cells[0].key for side, found in zip((before, after), drivers, strict=True) if found is None
        )
        empty = {
            one.name: f"velocity has no value in {short}: it needs a won deal of known amount and a cycle above zero"
        }
    else:
        was, now = (tuple(found.values()) for found in drivers if found is not None)
        change = velocity_change(was, now)
        units = ("count", "money", "ratio", "days")
        for name, unit, a, b in zip(VELOCITY, units, was, now, strict=True):
            scale = 10_000 if unit == "money" else 1
            rows.append(
                {
                    "driver": name,
                    "before": float(a) / scale,
                    "after": float(b) / scale,
                    "change": change.parts[name] / 10_000,
                }
            )
        rows.append({"driver": "velocity", "before": change.before / 10_000, "after": change.after / 10_000,
                     "change": change.change / 10_000})  # fmt: skip
        rule = f"{VELOCITY_RULE}; method: {change.method}"
    columns = [
        Column("driver", "driver", "dimension"), Column("before", _title("before", before, after), "metric", "figure"),
        Column("after", _title("after", before, after), "metric", "figure"),
        Column("change", "added to velocity", "metric", "money_per_day"),
    ]  # fmt: skip
    return _answer(
        session,
        actor,
        before,
        after,
        columns,
        rows,
        [rule, "win rate is a share, the cycle in days, velocity an amount a day"],
        empty,
    )


def _drivers(side: Side) -> dict[str, Fraction] | None:
    """Deals, average won value (10^-4), win rate, mean cycle days of a period; None where one has no value."""
    row = side.raw.to_pylist()[0]

    def part(name: str) -> int:
        return int(row.get(f"m0__{name}") or 0)

    value_n, days_n = part("value__n"), part("days__n")
    if not (value_n and days_n and part("closed") and part("days")):
        return None
    return {
        "opportunities": Fraction(part("closed") + part("open")),
        "average won value": Fraction(part("value"), value_n),
        "win rate": Fraction(part("won"), part("closed")),
        "cycle days": Fraction(part("days"), days_n),
    }


def _answer(
    session: Any, actor: Actor, before: Side, after: Side, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]],
    told: Sequence[str], empty: dict[str, str],
) -> Answer:  # fmt: skip
    names = [one.name for one in columns]
    arrays = []
    for one in columns:
        values = [row.get(one.name) for row in rows]
        if one.kind != "metric":
            arrays.append(pa.array(values, pa.string()))
        elif one.unit == "money" and all(value is None or isinstance(value, int) for value in values):
            arrays.append(money_column(pa.array(values, pa.int64())))
        elif one.unit == "count":
            arrays.append(pa.array(values, pa.int64()))
        else:
            arrays.append(pa.array(values, pa.float64()))
    spans = [
        f"{name}: {side.request.first} to {side.request.last}, both inclusive"
        for name, side in (("from", before), ("to", after))
    ]
    notes = [*spans, *told]
    for side in (before, after):
        notes += notes_of(session, actor, side.request, side.raw)
    hidden = max(_hidden(session, actor, side.request) for side in (before, after))
    if hidden:
        notes.append(f"{hidden:,} more, not yours")
    request = after.request
    return Answer(
        rows=pa.table(arrays, names=names), columns=tuple(columns), from_=before.request.first, to=request.last, as_of=request.as_of,
        as_known_on=session.as_known_on, generation=session.generation, currency=request.currency, notes=tuple(dict.fromkeys(notes)),
        hidden=hidden, empty=empty, versions={one.name: one.version for one in request.asked}, asked=request.asked,
    )  # fmt: skip
