"""How the pipeline moved: the waterfall of a window, by slice, bar by bar to its deals, and what changed deal by deal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import UsageError
from salesops.metrics.answer import Answer, Column, money_column
from salesops.pipeline.changes import changes
from salesops.pipeline.queries import waterfall, waterfall_drill
from salesops.pipeline.waterfall import BUCKETS
from salesops.web.shell import drawn, shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from ..parts import BARS
from .common import WHOLE, Head, chosen, day_of, file_of, list_page, listed, own_link, scoped

MOVES = {"stage": gettext_lazy("Stage"), "close_date": gettext_lazy("Close date"), "owner": gettext_lazy("Owner")}
SCOPES = {"all_open": gettext_lazy("All open"), "closing_in_period": gettext_lazy("Closing in the window")}
WINDOWS = {"week": gettext_lazy("Last 7 days"), "period": gettext_lazy("Period"), "days": gettext_lazy("From, to")}
SLICES = {
    "": gettext_lazy("The whole"), "owner": gettext_lazy("Owner"), "team": gettext_lazy("Team"), "manager": gettext_lazy("Manager"),
    "business_unit": gettext_lazy("Business unit"), "region": gettext_lazy("Region"), "pipeline": gettext_lazy("Pipeline"),
    "stage": gettext_lazy("Stage"), "product_line": gettext_lazy("Product line"), "product": gettext_lazy("Product"),
    "segment": gettext_lazy("Segment"), "industry": gettext_lazy("Industry"), "source": gettext_lazy("Source"),
    "type": gettext_lazy("Deal type"), "account": gettext_lazy("Account"),
}  # fmt: skip
GROUPS = 100
"""Slices of a page."""
LISTED = 25


@dataclass(frozen=True)
class Window:
    """What the waterfall is asked: its days, which deals are in scope, what it is split by."""

    name: str
    first: date
    last: date
    scope: str
    by: str

    def asked(self, ask: Asking) -> dict[str, Any]:
        return {"scope": self.scope, **scoped(ask)}


@dataclass(frozen=True)
class Move:
    """A bar: its name, signed figure short and exact, deals, its place in the drawing, colour, and the address of its deals."""

    bar: str
    title: str
    figure: str
    exact: str
    count: int
    step: drawn.Step | None
    colour: str
    link: str


def window_of(request: Request, ask: Asking) -> Window:
    """The window of the address: seven days up to the as-of day, the period, or two days."""
    q = ask.question
    name = chosen(request, "window", tuple(WINDOWS))
    scope, by = chosen(request, "deals", tuple(SCOPES)), request.GET.get("by", "")
    first, last = min(q.as_of, q.period.end) - timedelta(days=6), min(q.as_of, q.period.end)
    if name == "period" and q.period.start <= q.as_of:
        first = q.period.start
        last = q.period.end if scope == "closing_in_period" and q.as_of == q.today and not q.as_known_on else last
    if name == "days":
        first, last = day_of(request, "from") or first, day_of(request, "to") or last
    if last < first:
        raise UsageError(f"the window ends on {last}, before it starts on {first}", "Choose the earlier day first")
    return Window(name, first, last, scope, by)


@page("pipeline/movement", "pipeline-movement", warm=True)
def movement(request: Request) -> HttpResponse:
    """The waterfall, its slices, and what changed deal by deal."""
    with asking(request) as ask:
        window = window_of(request, ask)
        found = ask.of(waterfall, window.first, window.last, **window.asked(ask))
        if request.GET.get("list") != "changes" and (file := file_of(request, found, "movement")):
            return file
        changed = ask.of(changes, window.first, window.last, limit=WHOLE, **window.asked(ask))
        kept = kind = request.GET.get("kind", "")
        listed_ = (
            changed
            if not kept
            else replace(changed, rows=changed.rows.filter(pc.equal(changed.rows.column("change"), kind)))
        )
        if request.GET.get("list") == "changes" and (file := file_of(request, listed_, "changes", _heads(), "day")):
            return file
        counts = {row["values"]: row["counts"] for row in pc.value_counts(changed.rows.column("change")).to_pylist()}
        facts = {
            "window": window, "flow": _flow(ask, window, found), "split": _split(request, ask, window) if window.by else None,
            "view": chosen(request, "view", ("chart", "table")), "kind": kind, "total": changed.rows.num_rows,
            "kinds": [(name, title, counts[name], own_link(request, kind=name)) for name, title in {**BARS, **MOVES}.items() if name in counts],
            "all_kinds": own_link(request, kind=None), "list": _changes(request, listed_), "notes": found.notes, "hidden": found.hidden,
            "windows": [(name, title, own_link(request, window=name, **{"from": None, "to": None})) for name, title in WINDOWS.items() if name != "days"],
            "scopes": [(name, title, own_link(request, deals=name)) for name, title in SCOPES.items()], "slices": SLICES.items(),
            "kept": [(name, value) for name, value in request.GET.items() if name not in ("window", "from", "to", "by", "offset", "format")],
            "same_window": [(name, request.GET[name]) for name in ("window", "from", "to") if request.GET.get(name)],
            "csv": own_link(request, format="csv", list=None), "xlsx": own_link(request, format="xlsx", list=None),
        }  # fmt: skip
        return render(request, "pipeline/movement.html", facts)


def _changes(request: Request, found: Answer) -> Any:
    one = listed(request, found, _heads(found.currency), order="day", key="deal_id", size=LISTED)
    return replace(
        one, csv=own_link(request, format="csv", list="changes"), xlsx=own_link(request, format="xlsx", list="changes")
    )


def _heads(currency: str = "") -> tuple[Head, ...]:
    words = {**BARS, **MOVES}

    def side(name: str) -> Any:
        return lambda row: _was(row, name)

    return (
        Head("deal", _("Deal"), "name"), Head("day", _("Day"), "day", True),
        Head("change", _("Change"), show=lambda row: str(words.get(row["change"], row["change"]))),
        Head("became", _("Was, became"), "diff", True, show=side("became"), was=side("was")),
        Head("effect", _("Effect"), "money", show=lambda row: "" if row["change"] in MOVES else shown.money(row["effect"], currency)),
    )  # fmt: skip


def _was(row: Mapping[str, Any], name: str) -> str:
    value = row[name] or ""
    if row["change"] == "close_date" and value[:4].isdigit():
        return shown.day(date.fromisoformat(value[:10]))
    return value


def _link(ask: Asking, window: Window, bar: str, **more: Any) -> str:
    """The address of the deals of a bar."""
    days = {"window": "days", "from": window.first, "to": window.last, "deals": window.scope, "bar": bar}
    return reverse("pipeline-moves") + ask.question.link(**days, **more)


def _flow(ask: Asking, window: Window, found: Answer) -> dict[str, Any]:
    """Every bar of the whole, drawn from zero, and the sum that they make."""
    rows = {row["bar"]: row for row in found.to_pylist()}
    if not rows:
        return {"moves": [], "currency": found.currency}
    names = [name for name in BUCKETS if name not in ("start", "end")]
    signed = {name: Decimal(rows[name]["sign"]) * rows[name]["value"] for name in names}
    live = [name for name in names if rows[name]["count"] or signed[name]]
    steps = dict(zip(live, drawn.flow([signed[name] for name in live]), strict=True))

    def exact(value: Decimal) -> str:
        return shown.money(value, found.currency)

    total = {name: rows[name]["value"] for name in ("start", "end")}
    into, out = (sum((v for v in signed.values() if (v > 0) is up), Decimal(0)) for up in (True, False))
    return {
        "currency": found.currency, "net": shown.signed_value(into + out, "money", found.currency),
        "moves": [
            Move(
                name, str(BARS[name]), shown.signed_value(signed[name], "money", found.currency), exact(signed[name]), rows[name]["count"],
                steps.get(name), _colour(name, signed[name]), _link(ask, window, name),
            )
            for name in names
        ],
        "ends": {
            name: {
                "figure": shown.money(total[name], found.currency, compact=True), "exact": exact(total[name]), "count": rows[name]["count"],
                "link": _link(ask, window, name),
            }
            for name in total
        },
        "sum": {"start": exact(total["start"]), "into": exact(into), "out": exact(abs(out)), "end": exact(total["end"])},
        "balances": total["start"] + into + out == total["end"],
    }  # fmt: skip


def _colour(bar: str, value: Decimal) -> str:
    if bar == "won":
        return "better"
    return "own" if value >= 0 else "worse"


def _split(request: Request, ask: Asking, window: Window) -> dict[str, Any]:
    """Slices by bars: every column adds up to the bar of the whole (a deal of several products counts in each)."""
    found = ask.of(waterfall, window.first, window.last, by=window.by, **window.asked(ask))
    slices: dict[str, dict[str, Any]] = {}
    for row in found.to_pylist():
        number = row.get(f"{window.by}_id")
        key = str(number) if number is not None else row[window.by]
        slices.setdefault(key, {"title": row[window.by], "bars": {}})["bars"][row["bar"]] = row
    ranked = sorted(
        slices.items(), key=lambda one: -max(one[1]["bars"]["start"]["value"], one[1]["bars"]["end"]["value"])
    )
    columns = [
        name
        for name in BUCKETS
        if name in ("start", "end") or any(one["bars"][name]["count"] for one in slices.values())
    ]

    def cell(key: str, row: dict[str, Any]) -> dict[str, Any]:
        value = row["value"] * (row["sign"] or 1)
        empty = not row["count"] and not value
        return {"figure": "" if empty else shown.money(value, found.currency, compact=True), "exact": shown.money(value, found.currency),
                "count": row["count"], "link": _link(ask, window, row["bar"], by=window.by, slice=key)}  # fmt: skip

    totals = {
        name: sum((one["bars"][name]["value"] * (one["bars"][name]["sign"] or 1) for one in slices.values()), Decimal(0)) for name in columns
    }  # fmt: skip
    return {
        "title": SLICES.get(window.by, window.by), "columns": [BARS[name] for name in columns], "count": len(ranked), "shown": min(len(ranked), GROUPS),
        "rows": [(one["title"], [cell(key, one["bars"][name]) for name in columns]) for key, one in ranked[:GROUPS]],
        "totals": [(shown.money(totals[name], found.currency, compact=True), shown.money(totals[name], found.currency)) for name in columns],
    }  # fmt: skip


@page("pipeline/movement/deals", "pipeline-moves")
def moved(request: Request) -> HttpResponse:
    """The deals of one bar, with what each adds."""
    with asking(request) as ask:
        window, bar = window_of(request, ask), chosen(request, "bar", BUCKETS)
        by, key = window.by, request.GET.get("slice", "")
        cell = {by: int(key) if key.lstrip("-").isdecimal() else key} if by and key else None
        found = ask.of(
            waterfall_drill, window.first, window.last, bucket=bar, cell=cell, by=by, limit=WHOLE, **window.asked(ask)
        )  # fmt: skip
        answer = _listed(ask, window, found)
        first, last = shown.day(window.first), shown.day(window.last)
        note = _("From %(first)s to %(last)s. In all %(value)s.") % {
            "first": first, "last": last, "value": shown.money(Decimal(found["value"]).scaleb(-4), answer.currency),
        }  # fmt: skip
        heads = (Head("name", _("Deal"), "name"), Head("day", _("Day"), "day"), Head("value", _("Value"), "money"))
        days = {"window": "days", "from": window.first, "to": window.last, "deals": window.scope, "by": by}
        back = (_("Movement"), reverse("pipeline-movement") + ask.question.link(**days))
        return list_page(request, answer, heads, title=str(BARS[bar]), note=note, back=back, name=f"movement-{bar}")


def _listed(ask: Asking, window: Window, found: Mapping[str, Any]) -> Answer:
    """The deals of a bar as an answer."""
    session, rows = ask.session, found["rows"]
    table = pa.table({
        "name": pa.array([row["name"] for row in rows], pa.string()), "id": pa.array([row["id"] for row in rows], pa.int64()),
        "day": pa.array([row["day"] for row in rows], pa.date32()), "value": money_column(pa.array([row["value"] for row in rows], pa.int64())),
    })  # fmt: skip
    columns = (
        Column("name", "deal", "dimension"), Column("id", "id", "id"), Column("day", "day", "dimension"),
        Column("value", "value", "metric", "money"),
    )  # fmt: skip
    return Answer(
        rows=table, columns=columns, from_=window.first, to=window.last, as_of=window.last, as_known_on=session.as_known_on,
        generation=session.generation, currency=(ask.question.currency or session.manifest.reporting_currency).upper(),
        where=ask.question.where or "", total=found["total"],
    )  # fmt: skip
