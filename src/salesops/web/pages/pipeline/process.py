"""How the process really runs: a map of its transitions, where cases wait, their paths, what is done again, what followed a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow.compute as pc
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from salesops.common.errors import SalesopsError
from salesops.metrics.answer import Answer
from salesops.metrics.catalogue import asked
from salesops.pipeline.asking import stages_of
from salesops.pipeline.compare import Comparison, before_after
from salesops.pipeline.movements import process_variants
from salesops.pipeline.process import rework, transition_cases, transitions
from salesops.pipeline.variants import ARROW
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page

from .common import WHOLE, Head, chosen, day_of, file_of, list_page, listed, own_link, pipelines, scoped
from .process_map import Drawing, drawing

EDGES = {"14": 14, "24": 24, "all": 10_000}
VARIANTS = 20
METRICS = ("win_rate", "bookings", "won_deals", "average_deal_size", "created_deals", "stage_conversion")
UNITS = {"owner": gettext_lazy("Owner"), "team": gettext_lazy("Team"), "region": gettext_lazy("Region")}
GRAINS = {"month": gettext_lazy("Month"), "week": gettext_lazy("Week")}
FORM = ("metric", "unit", "grain", "touched", "since", "offset", "format", "list")
"""Parameters that the form of a comparison sets, or that it drops."""
LISTS = ("transitions", "variants", "rework")


@page("pipeline/process", "pipeline-process")
def process(request: Request) -> HttpResponse:
    """The map, bottlenecks first, then variants and rework; what followed a change."""
    with asking(request) as ask:
        question, several = _question(request, ask), pipelines(ask)
        moves = ask.of(transitions, **question)
        paths = _cumulative(ask.of(process_variants, **question))
        again = ask.of(rework, **question)
        lists = {"transitions": (moves, "transitions"), "variants": (paths, "variants"), "rework": (again, "rework")}
        found, name = lists[chosen(request, "list", LISTS)]
        if file := file_of(request, found, name):
            return file
        edges, of = chosen(request, "edges", tuple(EDGES)), question["of"]
        variants = listed(request, paths, HEADS, order="-cases", key="path", size=VARIANTS, entity="")
        shown_moves = sorted(moves.to_pylist(), key=lambda row: -row["moves"])[: EDGES[edges]]
        facts = {
            "of": of, "logged": ask.actor.sees_all and _has_log(ask), "map": _map(ask, question, again, paths, shown_moves) if shown_moves else None,
            "ofs": [(one, title, own_link(request, of=one, pipeline=None)) for one, title in (("stages", _("Stages of deals")), ("log", _("Process log")))],
            "pipelines": [(one, own_link(request, pipeline=one)) for one in several] if len(several) > 1 else [],
            "pipeline": question.get("pipeline") or "", "moves": [_move(ask, question, row) for row in moves.to_pylist()],
            "edges": [(one, _("all") if one == "all" else one, own_link(request, edges=one)) for one in EDGES], "edge": edges,
            "share": shown.shown(sum(row["moves"] for row in shown_moves) / max(sum(row["moves"] for row in moves.to_pylist()), 1), "ratio"),
            "shown": len(shown_moves), "total": len(moves), "variants": _variants_files(request, variants),
            "rework": [{**row, "share": shown.shown(row["share"], "ratio")} for row in again.to_pylist() if row["again"]],
            "answer": _answer(moves, paths), "unscoped": of == "log" and ask.question.scope is not None, "compare": _compare(request, ask),
            "created": chosen(request, "created", ("all", "period")),
            "cohorts": [(one, title, own_link(request, created=one)) for one, title in (("all", _("All deals")), ("period", _("Created in the period")))],
            "files": {name: (own_link(request, format="csv", list=name), own_link(request, format="xlsx", list=name)) for name in LISTS},
            "notes": [*moves.notes, *again.notes],
        }  # fmt: skip
        return render(request, "pipeline/process.html", facts)


def _question(request: Request, ask: Asking) -> dict[str, Any]:
    """Of what, in which pipeline, as of when; a process log has no team and no field to filter by."""
    of = chosen(request, "of", ("stages", "log"))
    found: dict[str, Any] = {"of": of, "as_of": ask.question.as_of}
    if of == "stages":
        period = ask.question.period
        created = f"created_on >= date '{period.start}' and created_on <= date '{period.end}'"
        found |= scoped(
            ask, created if chosen(request, "created", ("all", "period")) == "period" else None, currency=False
        )
    several = pipelines(ask)
    pipeline = request.GET.get("pipeline") or (_busiest(ask, several) if of == "stages" and len(several) > 1 else "")
    return {**found, "pipeline": pipeline} if pipeline else found


def _busiest(ask: Asking, several: Sequence[str]) -> str:
    """The pipeline in which most deals are open."""
    count = "open_pipeline.all_open_count"
    rows = ask.metrics(count, by="pipeline", as_of=ask.question.as_of).to_pylist()
    known = [row for row in rows if row["pipeline"] in several and row[count]]
    return max(known, key=lambda row: row[count])["pipeline"] if known else several[0]


def _has_log(ask: Asking) -> bool:
    """Whether any process log was imported."""
    return bool(ask.session.query("SELECT id FROM stage_event LIMIT 1").num_rows)


def _answer(moves: Answer, paths: Answer) -> dict[str, Any] | None:
    """Where most waiting is, and how many cases go the commonest way."""
    rows, first = moves.to_pylist(), paths.rows.slice(0, 1).to_pylist()
    if not rows or not first:
        return None
    worst = rows[0]
    return {
        "from": worst["from_step"], "to": worst["to_step"], "share": shown.shown(worst["share"], "ratio"),
        "median": shown.number(worst["median_days"], 1), "paths": len(paths), "common": shown.shown(first[0]["share"], "ratio"),
    }  # fmt: skip


def _move(ask: Asking, question: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    days = {name: shown.number(row[name], 1) for name in ("mean_days", "median_days", "p75_days")}
    return {
        **row,
        **days,
        "total_days": shown.number(row["total_days"]),
        "share": shown.shown(row["share"], "ratio"),
        "link": _cases(ask, question, row),
    }


def _cases(ask: Asking, question: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    created = "period" if "created_on" in (question.get("where") or "") else ""
    return reverse("pipeline-cases") + ask.question.link(
        step=row["from_step"], to=row["to_step"], of=question["of"], pipeline=question.get("pipeline", ""), created=created
    )  # fmt: skip


def _map(
    ask: Asking, question: Mapping[str, Any], again: Answer, paths: Answer, kept: Sequence[Mapping[str, Any]]
) -> Drawing:
    """The map of the most frequent transitions."""
    cases = {row["step"]: row["cases"] for row in again.to_pylist()}
    steps = {name for row in kept for name in (row["from_step"], row["to_step"])}
    columns = _of_stages(ask, question, steps) if question["of"] == "stages" else _of_paths(paths, steps)

    def days(value: float) -> str:
        return shown.number(value, 0 if value >= 10 else 1)

    def title(row: Mapping[str, Any]) -> str:
        return _("%(from)s to %(to)s: %(moves)s moves, median %(median)s days, mean %(mean)s days") % {
            "from": row["from_step"], "to": row["to_step"], "moves": shown.number(row["moves"]), "median": days(row["median_days"]),
            "mean": days(row["mean_days"]),
        }  # fmt: skip

    return drawing(
        [(name, column, kind, cases[name]) for name, (column, kind) in columns.items()], kept, title=title,
        label=lambda row: _("%(n)s, %(days)s d") % {"n": shown.number(row["moves"]), "days": days(row["median_days"])},
        link=lambda row: _cases(ask, question, row),
    )  # fmt: skip


def _of_stages(ask: Asking, question: Mapping[str, Any], steps: set[str]) -> dict[str, tuple[int, str]]:
    """Stages in the order of their pipeline; closed ones in one last column, what is lost lowest."""
    pipeline = question.get("pipeline")
    known = [
        one
        for one in stages_of(ask.session).values()
        if one["name"] in steps and (not pipeline or one["pipeline_name"] == pipeline)
    ]
    names = dict.fromkeys(one["name"] for one in known if one["kind"] == "open")
    found = {name: (n, "open") for n, name in enumerate(names)}
    closed = {one["name"]: (len(names), one["kind"]) for one in known if one["kind"] != "open"}
    rest = {name: (len(names) + 1, "open") for name in sorted(steps) if name not in found and name not in closed}
    return {**found, **closed, **rest}


def _of_paths(paths: Answer, steps: set[str]) -> dict[str, tuple[int, str]]:
    """Activities in the order of their mean place in the cases."""
    place: dict[str, list[int]] = {name: [0, 0] for name in steps}
    for row in paths.to_pylist():
        for n, name in enumerate(row["path"].split(ARROW)):
            if name in place:
                place[name][0] += n * row["cases"]
                place[name][1] += row["cases"]
    ranked = sorted(steps, key=lambda name: (place[name][0] / max(place[name][1], 1), name))
    return {name: (n, "open") for n, name in enumerate(ranked)}


# Variants

HEADS = (
    Head("path", gettext_lazy("Path"), "path"), Head("cases", gettext_lazy("Cases"), "count"), Head("share", gettext_lazy("Share"), "ratio"),
    Head("cumulative", gettext_lazy("Together"), "ratio", True), Head("mean_days", gettext_lazy("Mean days"), "days", True),
    Head("rework", gettext_lazy("With rework"), "count", True),
)  # fmt: skip


def _cumulative(paths: Answer) -> Answer:
    """The paths with the share that they and all more frequent ones make."""
    return replace(
        paths, rows=paths.rows.append_column("cumulative", pc.cumulative_sum(paths.rows.column("share"))),
        columns=(*paths.columns, replace(next(one for one in paths.columns if one.name == "share"), name="cumulative", title="share, together")),
    )  # fmt: skip


def _variants_files(request: Request, found: Any) -> Any:
    return replace(
        found,
        csv=own_link(request, format="csv", list="variants"),
        xlsx=own_link(request, format="xlsx", list="variants"),
    )


@page("pipeline/process/cases", "pipeline-cases")
def cases(request: Request) -> HttpResponse:
    """The cases of one transition, the longest wait first."""
    with asking(request) as ask:
        question = _question(request, ask)
        step, to = request.GET.get("step", ""), request.GET.get("to", "")
        found = ask.of(transition_cases, step, to, limit=WHOLE, **question)
        deals = question["of"] == "stages"
        heads = (
            Head("name" if deals else "case", _("Deal") if deals else _("Case"), "name"),
            Head("days", _("Days waited"), "days"),
        )
        back = (
            _("Process"),
            reverse("pipeline-process") + ask.question.link(of=question["of"], pipeline=question.get("pipeline", "")),
        )
        title = _("From %(step)s to %(to)s") % {"step": step, "to": to}
        return list_page(
            request, found, heads, title=title, note=_("How long each case waited in the first step before it went on."), back=back,
            name="cases", order="-days", key="case", entity="opportunity" if deals else "",
        )  # fmt: skip


# Before and after a change


def _compare(request: Request, ask: Asking) -> dict[str, Any]:
    """The form of a comparison, and what it found: in words, or why it cannot be said."""
    metric, by = chosen(request, "metric", METRICS), chosen(request, "unit", tuple(UNITS))
    grain, touched = chosen(request, "grain", tuple(GRAINS)), request.GET.getlist("touched")
    found: dict[str, Any] = {
        "metrics": [(name, asked(name).metric.title) for name in METRICS], "metric": metric, "units": UNITS.items(), "unit": by,
        "grains": GRAINS.items(), "grain": grain, "touched": touched, "names": _names(ask, by),
        "kept": [(name, value) for name, value in request.GET.items() if name not in FORM],
    }  # fmt: skip
    since = day_of(request, "since")
    if since is None:
        return found
    found["since"] = since
    try:
        result = ask.of(
            before_after,
            metric,
            since,
            by=by,
            touched=tuple(touched),
            grain=grain,
            as_of=ask.question.as_of,
            **_around(ask, since),
            **scoped(ask),
        )
    except SalesopsError as error:
        return {**found, "problem": str(error)}
    return {
        **found,
        "words": _words(result),
        "refused": result.effect.refused,
        "said": [*result.effect.notes, *result.notes],
    }


def _around(ask: Asking, since: date) -> dict[str, Any]:
    """From two years before the change to the as-of day."""
    return {
        "from_": ask.question.calendar.period_of(since.replace(year=since.year - 2, day=1), "month").start,
        "to": ask.question.as_of,
    }


def _names(ask: Asking, by: str) -> list[str]:
    rows = ask.metrics("created_deals", by=by, **{**ask.question.asked(), "period": "year"}).to_pylist()
    return sorted({row[by] for row in rows if row[by]})


def _words(found: Comparison) -> dict[str, Any] | None:
    """The effect with its interval in words; None where there is too little to say."""
    effect = found.effect
    if effect.effect is None or effect.low is None or effect.high is None:
        return None

    def text(value: float) -> str:
        if found.unit == "ratio":
            return f"{shown.signed(value * 100, 1)} {_('pp')}"
        return (
            shown.signed_value(value, found.unit, found.currency)
            if found.unit.startswith("money")
            else shown.signed(value, 2)
        )

    def level(value: float | None) -> str:
        return "" if value is None else str(shown.shown(value, found.unit, found.currency))

    better = asked(found.metric).metric.better
    sure = effect.low > 0 or effect.high < 0
    up = effect.effect > 0
    meaning = "" if not sure or better not in ("up", "down") else "better" if up == (better == "up") else "worse"
    beside = (
        ngettext("%(n)s other", "%(n)s others", effect.units_untreated) % {"n": shown.number(effect.units_untreated)}
        if effect.units_untreated
        else ""
    )
    return {
        "title": found.title, "effect": text(effect.effect), "low": text(effect.low), "high": text(effect.high), "sure": sure, "up": up,
        "confidence": shown.number(effect.confidence * 100), "meaning": meaning, "before": level(effect.before), "after": level(effect.after),
        "beside": beside, "touched": effect.units_treated, "records": effect.records, "chance": shown.number(effect.p_value or 0, 3),
        "periods_before": effect.periods_before, "periods_after": effect.periods_after, "since": found.since,
        "doubtful": effect.trend is not None and effect.trend.doubtful,
    }  # fmt: skip
