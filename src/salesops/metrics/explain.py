"""How a metric's value came about: formula, definition, inputs, rule, what was left out, and how to see the records."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from salesops.common.explain import Explanation
from salesops.common.money import Money, from_units

from .definitions import Asked, Part
from .facts import fact
from .notes import notes_of
from .pieces import is_money
from .query import _hidden, run, why_empty
from .request import BEGINNING, END, Cell, Request, understand
from .session import Actor


def explain(
    session: Any, actor: Actor, metric: str, *, cell: Mapping[str, Any] | None = None, **question: Any
) -> Explanation:
    """Explain one metric in one cell; `cell` and `question` as for `drill.drill`. Several periods are explained in turn."""
    request = replace(understand(session, [metric], **question), within=dict(cell) if cell else None, by=())
    one = request.asked[0]
    raw = run(session, actor, request)
    rows = {row["period"]: row for row in raw.to_pylist()}
    notes = [*notes_of(session, actor, request, raw), *_stand(session, request)]
    if hidden := _hidden(session, actor, replace(request, within=None)):
        notes.append(f"{hidden:,} more, not yours")
    found = [_of_row(session, raw, rows[cell_.key], one, request, cell_) for cell_ in request.cells]
    if request.asked[0].variant.parts and not any(
        row[f"m0__{name}__n"] for row in rows.values() for name in one.variant.parts
    ):
        notes.insert(0, why_empty(raw, 0, one, request))
    if len(found) == 1:
        return replace(found[0], notes=tuple(notes))
    return Explanation(one.metric.title, formula=one.variant.formula, inputs=tuple(found), notes=tuple(notes))


def _stand(session: Any, request: Request) -> list[str]:
    known = session.as_known_on
    place = "" if known is None else f", as known on {known}"
    span = ", ".join(f"{cell.start} to {cell.end}" for cell in request.cells[:1])
    return [f"as of {request.as_of}{place}, generation {session.generation}", f"period {span}, both days inclusive"]


def _of_row(session: Any, raw: Any, row: Mapping[str, Any], one: Asked, request: Request, cell: Cell) -> Explanation:
    key, value = cell.key, row["m0"]
    fell_back = bool(one.variant.fallback) and not row.get(f"m0__{one.variant.needs}")
    inputs = tuple(_part(name, part, row, request) for name, part in one.variant.parts.items())
    basis = f"date basis: {one.metric.date_basis}"
    rule = "; ".join(text for text in (one.variant.rule, basis, f"currency: {one.metric.currency_rule}") if text)
    several = len(request.cells) > 1
    return Explanation(
        title=f"{one.metric.title}, {one.variant.title}" + (f", {key}" if several else ""),
        value=_value(value, one, request),
        unit=_unit(value, one, request),
        formula=one.variant.formula if not fell_back else f"{one.variant.formula} - {one.variant.fallback_note}",
        rule=rule,
        definition=f"{one.name} {one.version}",
        inputs=inputs,
        empty_reason=None if value is not None else why_empty(_only(raw, key), 0, one, request),
        records={
            "metric": one.name, "period": key, "as_of": request.as_of, "where": request.where, "cell": request.within,
            **({"calendar": request.named} if request.named else {}),
        },
        command=_command(session, one, request, cell),
    )  # fmt: skip


def _unit(value: Any, one: Asked, request: Request) -> str:
    """The unit of a value; exact money carries its own."""
    if one.unit == "money":
        return "" if isinstance(value, int) else request.currency
    if one.unit == "money_per_day":
        return f"{request.currency} a day"
    return {"count": "", "per_day": "a day", "per_rep": "per rep"}.get(one.unit, one.unit)


def _command(session: Any, one: Asked, request: Request, cell: Cell) -> str | None:
    """The command that lists the records of one period; None where a filter was not written as text."""
    if isinstance(request.where, Mapping):
        return None
    words = ["salesops", "metrics", "drill", one.name]
    if cell.key == "all" or ".." in cell.key:
        words += ["--from", cell.start.isoformat()] if cell.start != BEGINNING else []
        words += ["--to", cell.end.isoformat()] if cell.key != "all" and cell.end != END else []
    else:
        words += ["--period", cell.key]
    words += ["--as-of", "period_end" if request.each else request.as_of.isoformat()]
    if session.as_known_on is not None:
        words += ["--as-known-on", session.as_known_on.isoformat()]
    if request.currency != session.manifest.reporting_currency:
        words += ["--currency", request.currency]
    words += ["--calendar", request.named] if request.named else []
    words += ["--where", request.where] if request.where else []
    for name, value in (request.within or {}).items():
        words += ["--cell", f"{name}={value}"]
    return shlex.join(words)


def _only(raw: Any, key: str) -> Any:
    import pyarrow.compute as pc

    return raw.filter(pc.equal(raw.column("period"), key))


def _value(value: Any, one: Asked, request: Request) -> Any:
    if value is None or one.unit in ("ratio", "count", "days", "months", "minutes", "per_day", "per_rep"):
        return value
    if isinstance(value, int):
        return Money(value, request.currency)
    return Decimal(repr(value))


def _part(name: str, part: Part, row: Mapping[str, Any], request: Request) -> Explanation:
    value: Any = row[f"m0__{name}"]
    if value is not None and is_money(part):
        code = row.get("m0__currency", request.currency)
        value = Money(value, code) if abs(value) < 2**63 else from_units(value)
    n = row[f"m0__{name}__n"]
    notes = []
    if part.measure != "1":
        notes.append(f"{n:,} records")
    if out := row.get(f"m0__{name}__out"):
        notes.append(f"{out:,} left out: {part.left_out}")
    if told := row.get(f"m0__{name}__told"):
        notes.append(f"{told:,} {part.told}")
    how = {
        "sum": "sum of" if part.measure != "1" else "number of",
        "median": "median of",
        "p25": "first quartile of",
        "p75": "third quartile of",
        "p90": "90th percentile of",
        "km": "Kaplan-Meier median of",
        "km_p75": "Kaplan-Meier third quartile of",
        "km_p90": "Kaplan-Meier 90th percentile of",
    }
    what = part.measure if part.measure != "1" else fact(part.fact).title
    across = f"of every {' and '.join(name.replace('_', ' ') for name in part.across)}" if part.across else ""
    return Explanation(
        title=name.replace("_", " "),
        value=value,
        formula=f"{how[part.how]} {what}" + (f" over {fact(part.fact).title}" if part.measure != "1" else ""),
        rule="; ".join(filter(None, (f"where {part.where}" if part.where else "", across))) or None,
        notes=tuple(notes),
    )
