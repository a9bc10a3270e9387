"""What is open: key figures, by stage, by month of expected close, the largest deals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from salesops.metrics.answer import Answer
from salesops.metrics.catalogue import asked
from salesops.metrics.sql import NONE
from salesops.pipeline.asking import stages_of
from salesops.pipeline.deals import open_deals
from salesops.records import access
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from ..parts import Tile
from .common import Bar, Listed, bars, chosen, listed, scoped
from .deals import HEADS

OPEN, OPEN_COUNT = "open_pipeline.all_open", "open_pipeline.all_open_count"
DUE, DUE_COUNT = "open_pipeline", "open_pipeline.count"
SLIPPED = "slip_rate.or_past_value"
FIGURES = (
    OPEN, OPEN_COUNT, DUE, DUE_COUNT, "pipeline_coverage", "pipeline_coverage.needed", "weighted_pipeline", "created_deals.value",
    "created_deals", "win_rate", SLIPPED,
)  # fmt: skip
LARGEST = 10


@page("pipeline", "pipeline", warm=True)
def overview(request: Request) -> HttpResponse:
    """The open pipeline as of the day of the scope bar."""
    with asking(request) as ask:
        now = ask.metrics(",".join(FIGURES), **ask.question.asked())
        then = ask.metrics(",".join(FIGURES), **ask.question.asked(then=True)) if ask.question.then else None
        values, former = now.to_pylist()[0], then.to_pylist()[0] if then else {}
        facts = {
            "tiles": _tiles(values, former, now.currency), "answer": _answer(values, now.currency), "stages": _stages(ask),
            "months": _months(ask), "largest": _largest(request, ask), "view": chosen(request, "view", ("chart", "table")),
            "hidden": now.hidden, "may_import": access.may(ask.actor, "import"), "currency": now.currency,
        }  # fmt: skip
        return render(request, "pipeline/overview.html", facts)


def _tiles(values: dict[str, Any], former: dict[str, Any], currency: str) -> list[Tile]:
    def tile(name: str, title: str, note: str, *, column: str = "", multiple: bool = False, better: str = "") -> Tile:
        one, column = asked(name), column or name
        unit = "money" if column != name else one.unit
        value, before = values[column], former.get(column)
        figure = shown.times(value) if multiple else shown.shown(value, unit, currency, place="tile")
        change = shown.delta(value, before, unit, better or one.metric.better, currency, multiple=multiple)
        return Tile(name, title, figure, note, change)

    money = {name: shown.money(values[name] or 0, currency, compact=True) for name in (DUE,)}
    needed = values["pipeline_coverage.needed"]
    won = {"won": shown.number(values["win_rate__won"]), "closed": shown.number(values["win_rate__closed"])}
    return [
        tile(OPEN, _("Open pipeline"), _("%(n)s deals") % {"n": shown.number(values[OPEN_COUNT])}),
        tile("pipeline_coverage", _("Coverage"), _coverage(values, needed), multiple=True),
        tile("weighted_pipeline", _("Weighted pipeline"), _("of %(due)s due in the period") % {"due": money[DUE]}),
        tile("created_deals.value", _("Created"), _("%(n)s deals") % {"n": shown.number(values["created_deals"])}),
        tile("win_rate", _("Win rate"), _("%(won)s of %(closed)s closed") % won),
        tile(SLIPPED, _("Slipping"), _slipping(values), column=f"{SLIPPED}__slipped", better="down"),
    ]  # fmt: skip


def _coverage(values: dict[str, Any], needed: Any) -> str:
    if not values["pipeline_coverage__quota"]:
        return _("no quota is set")
    if values["pipeline_coverage"] is None:
        return _("the quota is met")
    return (
        _("needs %(needed)s") % {"needed": shown.times(needed)}
        if needed is not None
        else _("of the quota that remains")
    )


def _slipping(values: dict[str, Any]) -> str:
    if values[SLIPPED] is None:
        return _("nothing was due")
    return _("%(share)s of what was due") % {"share": shown.shown(values[SLIPPED], "ratio")}


def _answer(values: dict[str, Any], currency: str) -> dict[str, Any]:
    """The answer line: what is open, whether it is enough, what takes most away."""
    found: dict[str, Any] = {
        "open": shown.money(values[OPEN] or 0, currency, compact=True), "count": values[OPEN_COUNT],
        "due": shown.money(values[DUE] or 0, currency, compact=True), "due_count": values[DUE_COUNT],
    }  # fmt: skip
    coverage, needed = values["pipeline_coverage"], values["pipeline_coverage.needed"]
    if coverage is not None:
        found["coverage"] = shown.times(coverage)
        if needed is not None:
            found |= {"needed": shown.times(needed), "enough": Decimal(str(coverage)) >= Decimal(str(needed))}
    slipped = values[f"{SLIPPED}__slipped"]
    if slipped:
        found["slipped"] = shown.money(slipped, currency, compact=True)
    return found


def _deals(ask: Asking, **filters: Any) -> str:
    """The address of open deals that fit."""
    return reverse("pipeline-deals") + ask.question.link(**filters)


def _whole(ask: Asking) -> dict[str, Any]:
    """The question of all open deals of the evening: the period has no part in it."""
    return {**scoped(ask), "period": ask.question.period.key, "as_of": ask.question.as_of}


def _stages(ask: Asking) -> list[tuple[str, list[Bar], str, int]]:
    """Open deals by stage in the order of their pipeline: pipeline, bars, its value and count."""
    found = ask.metrics(f"{OPEN},{OPEN_COUNT}", by="pipeline,stage", **_whole(ask))
    place = {number: n for n, number in enumerate(stages_of(ask.session))}
    rows = [row for row in found.to_pylist() if row[OPEN_COUNT]]
    rows.sort(key=lambda row: (row["pipeline"], place.get(row["stage_id"] or 0, -1)))
    made = bars(
        rows, title="stage", value=OPEN, count=OPEN_COUNT, currency=found.currency, group="pipeline",
        link=lambda row: _deals(ask, stage=row["stage"], pipeline=row["pipeline"]),
    )  # fmt: skip
    groups = dict.fromkeys(one.group for one in made)
    return [
        (
            name, [one for one in made if one.group == name],
            shown.money(sum((row[OPEN] or Decimal(0) for row in rows if row["pipeline"] == name), Decimal(0)), found.currency, compact=True),
            sum(row[OPEN_COUNT] for row in rows if row["pipeline"] == name),
        )
        for name in groups
    ]  # fmt: skip


def _months(ask: Asking) -> dict[str, Any]:
    """Open deals by month of expected close, those without one last; what is past due is told by the month."""
    found = ask.metrics(f"{OPEN},{OPEN_COUNT}", by="expected_month", **_whole(ask))
    rows = sorted(
        (row for row in found.to_pylist() if row[OPEN_COUNT]),
        key=lambda row: (row["expected_month"] == NONE, row["expected_month"]),
    )
    made = bars(
        rows, title="expected_month", value=OPEN, count=OPEN_COUNT, currency=found.currency,
        link=lambda row: _deals(ask, month=row["expected_month"]),
    )  # fmt: skip
    this = ask.question.calendar.period_of(ask.question.as_of, "month").key
    largest = max(rows, key=lambda row: row[OPEN] or 0, default=None)
    most = {} if largest is None else {
        "month": largest["expected_month"], "value": shown.money(largest[OPEN] or 0, found.currency, compact=True),
    }  # fmt: skip
    return {
        "bars": made, "most": most, "this": this, "past": [one for one in made if one.title < this],
        "chart": _chart(made, rows, most, found),
    }  # fmt: skip


def _chart(made: list[Bar], rows: list[dict[str, Any]], most: dict[str, Any], found: Answer) -> dict[str, Any]:
    texts = [f"{one.figure}, {shown.number(one.count)}" for one in made]
    return {
        "kind": "bar", "categories": [one.title for one in made], "unit": "",
        "series": [{
            "name": _("Open value, deals"), "role": "own", "values": [float(row[OPEN] or 0) for row in rows], "shown": texts,
            "links": [one.link for one in made],
        }],
        "summary": _("Open pipeline by month of expected close. Most in %(month)s: %(value)s.") % most if most else _("Nothing is open."),
    }  # fmt: skip


def _largest(request: Request, ask: Asking) -> Listed:
    found = ask.of(open_deals, as_of=ask.question.as_of, limit=LARGEST, **scoped(ask))
    heads = [head for head in HEADS if head.name != "pipeline"]
    return listed(request, found, heads, known=found.total)
