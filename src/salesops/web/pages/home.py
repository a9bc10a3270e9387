"""Home: the scorecard of whoever asks, what changed, what needs attention, who made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from salesops.metrics.answer import Answer
from salesops.metrics.catalogue import asked
from salesops.metrics.query import figures
from salesops.pipeline.attention import slipping, stale
from salesops.pipeline.queries import waterfall
from salesops.web.shell import drawn, shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from .parts import BARS, Tile

TILES = (
    "bookings", "quota_attainment", "pipeline_coverage", "win_rate", "sales_cycle_days", "average_deal_size", "created_deals",
    "open_pipeline",
)  # fmt: skip
MULTIPLES = frozenset({"pipeline_coverage"})
MONTHLY = ("bookings", "win_rate", "sales_cycle_days", "average_deal_size", "created_deals")
"""Tiles whose sparkline is the metric of the last twelve months."""
SHOWN = 6
SAME = 0.02
"""A change of bookings that is called none."""


@dataclass(frozen=True)
class Move:
    """A row of "what changed": its name, figure, deals, and bar."""

    bar: str
    title: str
    figure: str
    count: int
    step: drawn.Step
    colour: str


@page("", "home", warm=True)
def home(request: Request) -> HttpResponse:
    """The scorecard."""
    with asking(request) as ask:
        figures = _figures(ask)
        facts = {
            "tiles": _tiles(ask, *figures), "answer": _answer(ask, *figures), "changed": _changed(ask),
            "attention": _attention(ask), "team": _team(ask), "hidden": figures[0].hidden,
        }  # fmt: skip
        return render(request, "home/home.html", facts)


def _figures(ask: Asking) -> tuple[Answer, Answer | None]:
    names = ",".join(TILES)
    return ask.metrics(names, **ask.question.asked()), (
        ask.of(figures, names, **ask.question.asked(then=True)) if ask.question.then else None
    )


def _tiles(ask: Asking, now: Answer, then: Answer | None) -> list[Tile]:
    values, former = now.to_pylist()[0], then.to_pylist()[0] if then else {}
    sparks = _sparks(ask)
    found = []
    for name in TILES:
        one = asked(name)
        unit, value, before = one.unit, values[name], former.get(name)
        multiple = name in MULTIPLES
        figure = shown.times(value) if multiple else shown.shown(value, unit, now.currency, place="tile")
        change = shown.delta(value, before, unit, one.metric.better, now.currency, multiple=multiple)
        found.append(Tile(name, one.metric.title, figure, _note(name, values, now.currency), change, sparks.get(name)))
    return found


def _note(name: str, values: dict[str, Any], currency: str) -> str:
    """What stands under a figure: the parts that say how much it rests on."""
    if name == "win_rate":
        return _("%(won)s of %(closed)s closed") % {
            "won": values["win_rate__won"],
            "closed": values["win_rate__closed"],
        }
    if name == "quota_attainment" and values["quota_attainment__quota"]:
        return _("of %(quota)s") % {"quota": shown.money(values["quota_attainment__quota"], currency, compact=True)}
    if name == "pipeline_coverage":
        return _("of the quota that remains") if values[name] is not None else _("no quota remains")
    if name == "bookings":
        return _("%(n)s deals won") % {"n": shown.number(values["bookings__won__n"])}
    if name == "open_pipeline":
        return _("closing in the period")
    return ""


def _sparks(ask: Asking) -> dict[str, drawn.Spark | None]:
    last = ask.question.calendar.period_of(min(ask.question.as_of, ask.question.period.end), "month")
    first = last
    for _n in range(11):
        first = ask.question.calendar.previous(first)
    given = {name: value for name, value in ask.question.asked().items() if name not in ("period",)}
    rows = ask.of(
        figures,
        ",".join(MONTHLY),
        **given | {"period": "month", "from_": first.start, "to": min(last.end, ask.question.as_of)},
    ).to_pylist()
    return {name: drawn.spark([row[name] for row in rows]) for name in MONTHLY}


def _answer(ask: Asking, now: Answer, then: Answer | None) -> dict[str, Any]:
    """The answer line: outcome, gap, main cause, from the page's own numbers."""
    values = now.to_pylist()[0]
    quota, attained = values["quota_attainment__quota"], values["quota_attainment"]
    found: dict[str, Any] = {"won": shown.money(values["bookings"] or 0, now.currency, compact=True)}
    if quota and attained is not None:
        found["attained"] = shown.shown(attained, "ratio", place="tile")
        gap = Decimal(values["quota_attainment__credited"] or 0) - Decimal(quota)
        found["gap"] = shown.money(abs(gap), values.get("quota_attainment__currency") or now.currency, compact=True)
        found["over"] = gap >= 0
    if then is not None:
        found |= _cause(values, then.to_pylist()[0])
    return found


def _cause(values: dict[str, Any], former: dict[str, Any]) -> dict[str, Any]:
    """Whether deals won or their size moved bookings: of those that moved the same way as bookings, the one that moved more."""
    pairs = {
        "size": (values["average_deal_size"], former["average_deal_size"]), "count": (values["bookings__won__n"], former["bookings__won__n"]),
        "all": (values["bookings"], former["bookings"]),
    }  # fmt: skip
    if not all(now and then for now, then in pairs.values()):
        return {}
    moved = {name: float(now) / float(then) - 1 for name, (now, then) in pairs.items()}
    whole = moved.pop("all")
    causes = {name: by for name, by in moved.items() if by * whole > 0}
    if abs(whole) < SAME or not causes:
        return {"cause": "none"} if abs(whole) < SAME else {}
    cause = max(causes, key=lambda name: abs(causes[name]))
    return {"cause": cause, "more": whole > 0}


def _changed(ask: Asking) -> dict[str, Any]:
    """The movements of the last seven days of what closes in the period."""
    q = ask.question
    until = min(q.as_of, q.period.end)
    since = until - timedelta(days=6)
    asked_: dict[str, Any] = {"where": q.where} if q.where else {}
    found = ask.of(waterfall, since, until, scope="all_open", **asked_)
    rows = {row["bar"]: row for row in found.to_pylist()}
    names = [name for name in BARS if name not in ("start", "end") and rows[name]["count"]]
    moves = [Decimal(rows[name]["sign"]) * rows[name]["value"] for name in names]
    steps = drawn.flow(moves)
    colours = {
        "won": "better",
        "created": "own",
        "pulled_in": "own",
        "increased": "own",
        "reopened": "own",
        "reassigned_in": "own",
        "currency": "own",
    }
    return {
        "since": since, "until": until, "currency": found.currency, "start": rows["start"], "end": rows["end"],
        "net": shown.signed_value(sum(moves, Decimal(0)), "money", found.currency),
        "start_figure": shown.money(rows["start"]["value"], found.currency, compact=True),
        "end_figure": shown.money(rows["end"]["value"], found.currency, compact=True),
        "moves": [
            Move(name, str(BARS[name]), shown.signed_value(move, "money", found.currency), rows[name]["count"], step, colours.get(name, "worse"))
            for name, move, step in zip(names, moves, steps, strict=True)
        ],
    }  # fmt: skip


def _attention(ask: Asking) -> dict[str, Any]:
    """Deals that slip or have gone quiet, the largest first."""
    q = ask.question
    asked_: dict[str, Any] = {"as_of": q.as_of, **({"where": q.where} if q.where else {})}
    rows = [{**row, "kind": "slipping"} for row in _worst(ask.of(slipping, limit=1000, **asked_))]
    rows += [{**row, "kind": "stale"} for row in _worst(ask.of(stale, limit=1000, **asked_))]
    ranked = sorted(rows, key=lambda row: -(row["value"] or 0))
    currency = ask.session.manifest.reporting_currency
    seen: dict[int, dict[str, Any]] = {}
    for row in ranked:
        figure = shown.money(row["value"], currency, compact=True) if row["value"] is not None else ""
        seen.setdefault(
            row["id"], {**row, "figure": figure, "name": row["name"] or _("Deal %(id)s") % {"id": row["id"]}}
        )
    return {"rows": list(seen.values())[:SHOWN], "total": len(seen)}


def _worst(found: Answer) -> Sequence[dict[str, Any]]:
    return found.to_pylist()


def _team(ask: Asking) -> dict[str, Any]:
    """Who made it: by manager for who sees everybody, by rep below that."""
    by = "owner" if ask.question.scope or not ask.actor.sees_all else "manager"
    found = ask.of(figures, "bookings,quota_attainment,win_rate,open_pipeline", by=by, **ask.question.asked())
    rows = sorted(found.to_pylist(), key=lambda row: -(row["bookings"] or 0))
    pace = ask.question.day / ask.question.period.days
    return {
        "by": by, "pace": round(pace * 100),
        "rows": [_member(row, by, found.currency, pace) for row in rows if row["bookings"] or row["quota_attainment__quota"]][:12],
        "total": len(rows),
    }  # fmt: skip


def _member(row: dict[str, Any], by: str, currency: str, pace: float) -> dict[str, Any]:
    attained = row["quota_attainment"]
    own = row.get("quota_attainment__currency") or currency
    return {
        "name": row[by], "id": row[f"{by}_id"], "won": shown.shown(row["bookings"], "money", currency),
        "quota": shown.money(row["quota_attainment__quota"], own, compact=True) if row["quota_attainment__quota"] else _("not set"),
        "attained": shown.shown(attained, "ratio", place="tile"), "width": drawn.share(attained, 1.0),
        "mark": round(pace * 100, 1), "win_rate": shown.shown(row["win_rate"], "ratio"),
        "open": shown.shown(row["open_pipeline"], "money", currency),
    }  # fmt: skip
