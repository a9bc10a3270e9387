"""The forecast's model: the deals behind it with their reasons, why it moved, and how good it was on past weeks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import NotFound
from salesops.common.money import from_units
from salesops.forecasting import runs
from salesops.forecasting.actions import ask_run
from salesops.forecasting.queries import GRAINS, period_of
from salesops.forecasting.results import NodeForecast
from salesops.output import as_csv
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page
from salesops.web.shell.words import Words

PAGE = 100
KINDS: dict[str, Words] = {
    "won": gettext_lazy("Won"), "created": gettext_lazy("Created"), "pulled in": gettext_lazy("Pulled in"),
    "probability": gettext_lazy("Better or worse chance"),
    "amount": gettext_lazy("Amount"), "pushed": gettext_lazy("Pushed out"), "lost": gettext_lazy("Lost"), "reversed": gettext_lazy("No longer won"),
    "arrivals": gettext_lazy("Deals still to come"), "adjustment": gettext_lazy("Blend with other methods"),
}  # fmt: skip
STEPS: dict[str, Words] = {
    "Reading": gettext_lazy("Reading the records"), "Testing on past weeks": gettext_lazy("Testing on past weeks"),
    "Learning": gettext_lazy("Learning from closed deals"), "Simulating": gettext_lazy("Simulating"),
}  # fmt: skip
METHODS: dict[str, Words] = {
    "blend": gettext_lazy("Our forecast (blend)"), "model": gettext_lazy("Model of deals"), "survival by age": gettext_lazy("Survival by age"),
    "previous period": gettext_lazy("Previous period"), "year ago": gettext_lazy("Same period a year ago"),
    "mean of four": gettext_lazy("Mean of four periods"),
    "booked and usual rest": gettext_lazy("Booked and the usual rest"), "linearity": gettext_lazy("Booked over the usual share"),
    "theta": gettext_lazy("Theta"),
    "stage table, all open": gettext_lazy("Stage table, all open deals"), "stage table, due in the period": gettext_lazy("Stage table, deals due"),
    "own stage rates, due in the period": gettext_lazy("Own stage rates, deals due"), "commit": gettext_lazy("Commit deals"),
    "commit and best case": gettext_lazy("Commit and best case deals"),
}  # fmt: skip


@page("forecast/deals", "forecast-deals")
def deals(request: Request) -> HttpResponse:
    """Open deals by what they are expected to bring: chance, amount, close, and the reasons."""
    with asking(request) as ask:
        try:
            rows = runs.deals(
                ask.session, request.actor, period=period_key(ask), as_of=ask.question.as_of, limit=100_000
            )
            found = runs.latest(_key(ask), ask.question.as_of)
        except NotFound as error:
            return render(request, "forecast/none.html", {"problem": error, "title": _("Deals")})
        currency = found.about["currency"]
        if request.GET.get("format") == "csv":
            names = [
                "id",
                "name",
                "owner",
                "stage",
                "p",
                "p_later",
                "p_ever",
                "slip",
                "expected_close",
                "due",
                "amount",
                "expected",
                "why",
            ]
            lines = [
                {**row, "why": "; ".join(f"{one['what']} {one['log_odds']:+.3f}" for one in row["reasons"])}
                for row in rows
            ]
            return HttpResponse(as_csv(lines, names), content_type="text/csv; charset=utf-8")
        start = _offset(request)
        facts = {
            "run": found, "as_of": _day(found.forecast.as_of), "currency": currency, "total": len(rows), "first": min(start + 1, len(rows)),
            "last": min(start + PAGE, len(rows)), "next": start + PAGE if start + PAGE < len(rows) else None, "before": max(start - PAGE, 0) if start else None,
            "rows": [_deal(row, currency) for row in rows[start : start + PAGE]], "tier": found.forecast.tier,
            "sum": shown.shown(sum((row["expected"] for row in rows), Decimal(0)), "money", currency), "notes": found.forecast.notes,
            "unit": shown.shown(sum((row["amount"] for row in rows), Decimal(0)), "money", currency),
        }  # fmt: skip
        return render(request, "forecast/deals.html", facts)


@page("forecast/changes", "forecast-changes")
def changes(request: Request) -> HttpResponse:
    """Why the forecast is another than a week (a day, a month) ago, by kind and deal by deal."""
    with asking(request) as ask:
        text = request.GET.get("days", "")
        days = int(text) if text.isdigit() and 1 <= int(text) <= 400 else 7
        try:
            found = runs.moved(ask.session, request.actor, period=period_key(ask), as_of=ask.question.as_of, days=days)
        except NotFound as error:
            facts = {"problem": error, "title": _("Movement"), "days": days, "choices": _choices()}
            return render(request, "forecast/none.html", facts)
        if request.GET.get("format") == "csv":
            return HttpResponse(
                as_csv(found["rows"], ["kind", "id", "name", "owner", "stage", "before", "after", "amount"]),
                content_type="text/csv; charset=utf-8",
            )
        currency = found["currency"]
        kinds = _kinds(found["rows"], currency)
        difference = found["difference"]
        facts = {
            "found": found, "days": days, "choices": _choices(), "kinds": kinds, "currency": currency, "up": difference is not None and difference >= 0,
            "difference": None if difference is None else shown.shown(abs(difference), "money", currency), "before": date.fromisoformat(found["before"]),
            "after": date.fromisoformat(found["after"]), "main": kinds[0] if kinds else None,
            "rows": [{**row, "title": KINDS.get(row["kind"], row["kind"]), "shown": _signed(row["amount"], currency)} for row in found["rows"][:PAGE]],
            "total": len(found["rows"]),
            "chart": _bars(kinds) if kinds else None,
        }  # fmt: skip
        return render(request, "forecast/changes.html", facts)


@page("forecast/accuracy", "forecast-accuracy", action="read_accuracy")
def accuracy(request: Request) -> HttpResponse:
    """How far off every method was on past weeks, how often the range held, and the forecasts beside what came."""
    with asking(request) as ask:
        try:
            found = runs.accuracy(request.actor, weeks=request.GET.get("weeks") or "all")
        except NotFound as error:
            return render(request, "forecast/none.html", {"problem": error, "title": _("Accuracy")})
        scores = sorted(found["scores"], key=lambda one: 9 if one["wape"] is None else one["wape"])
        own = next((one for one in scores if one["method"] == "blend"), None)
        naive = [
            one
            for one in scores
            if one["method"] in ("previous period", "year ago", "mean of four", "linearity") and one["wape"] is not None
        ]
        best = min(naive, key=lambda one: one["wape"], default=None)
        facts = {
            "found": found, "rows": [_score(one, scores) for one in scores], "weeks": found["weeks"], "asked": found["asked"],
            "own": _score(own, scores) if own else None, "naive": _score(best, scores) if best else None, "as_of": date.fromisoformat(found["about"]["as_of"]),
            "chart": _past(found["points"], ask.session.manifest.reporting_currency), "view": request.GET.get("view") or "chart",
            "points": _past_rows(found["points"], ask.session.manifest.reporting_currency),
        }  # fmt: skip
        return render(request, "forecast/accuracy.html", facts)


@page("forecast/run", "forecast-run", action="forecast", methods=("GET", "POST"))
def make(request: Request) -> HttpResponse:
    """Ask the worker for a forecast of today, and tell how far it is: the part of the board that looks again while it runs."""
    if request.method == "POST":
        ask_run(request.actor)
    state = runs.running(request.actor)
    facts = {
        "state": state,
        "going": state["status"] in ("waiting", "running"),
        "title": STEPS.get(state["what"], state["what"]),
    }
    response = render(request, "forecast/run.html", facts)
    if request.method == "GET" and state["status"] == "done" and "was" in request.GET:
        response["HX-Refresh"] = "true"
    return response


# Shared -------------------------------------------------------------------------------------------------------------------


def period_key(ask: Asking) -> str | None:
    """The period of the scope bar where it can be forecast, else that which holds its as-of day."""
    return ask.question.period.key if ask.question.period.grain in GRAINS else None


def _key(ask: Asking) -> str:
    return period_of(ask.session, period_key(ask), ask.question.as_of).key


def _day(value: Any) -> date:
    found: date = value.astype(object)
    return found


def _offset(request: Request) -> int:
    text = request.GET.get("offset", "")
    return int(text) if text.isdigit() else 0


def nodes(ask: Asking, key: str) -> tuple[Any, Mapping[int, NodeForecast]]:
    """The newest forecast of a period up to the day of the scope bar, and its nodes by person; (None, {}) without one."""
    try:
        found = runs.seen(ask.actor, runs.latest(key, ask.question.as_of))
    except NotFound:
        return None, {}
    return found.run, found.people


def ranged(node: NodeForecast | None, call: int, target: int | None, currency: str) -> dict[str, Any] | None:
    """What the board shows of a node: expected, its range, and where range, model, call and target stand on a line of 300."""
    if node is None:
        return None
    most = max(node.p90, call, target or 0, 1) * 1.05

    def at(units: int) -> float:
        return round(max(units, 0) / most * 300, 1)

    def money(units: int) -> shown.Shown:
        return shown.shown(from_units(units), "money", currency)

    return {
        "expected": money(node.expected), "low": money(node.p10), "high": money(node.p90), "from": at(node.p10), "wide": max(at(node.p90) - at(node.p10), 1.5),
        "model": at(node.expected), "call": at(call), "target": None if target is None else at(target),
        "chance": None if node.p_target is None else shown.shown(round(node.p_target, 4), "ratio", place="tile"),
        "gap": shown.signed_value(from_units(call - node.expected), "money", currency), "above": call > node.p90,
    }  # fmt: skip


def _deal(row: Mapping[str, Any], currency: str) -> dict[str, Any]:
    reasons = [
        {"what": one["what"], "up": one["log_odds"] > 0, "size": f"{one['log_odds']:+.2f}".replace("-", shown.MINUS)}
        for one in row["reasons"][:3]
    ]
    return {
        **row, "chance": shown.shown(Decimal(str(row["p"])), "ratio"), "width": round(row["p"] * 100, 1),
        "ever": shown.shown(Decimal(str(row["p_ever"])), "ratio"),
        "worth": shown.shown(row["amount"], "money", currency), "brings": shown.shown(row["expected"], "money", currency), "reasons": reasons,
        "slips": None if row["slip"] is None else shown.shown(Decimal(str(row["slip"])), "ratio"),
    }  # fmt: skip


def _choices() -> list[tuple[int, Words]]:
    return [(1, _("The forecast before")), (7, _("A week")), (28, _("Four weeks"))]


def _signed(amount: Decimal, currency: str) -> str:
    return shown.signed_value(amount, "money", currency)


def _kinds(rows: Iterable[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    """Sums by kind, the largest first."""
    sums: dict[str, list[Any]] = {}
    for row in rows:
        held = sums.setdefault(row["kind"], [Decimal(0), 0])
        held[0] += row["amount"]
        held[1] += 1
    found = [
        {"kind": kind, "title": str(KINDS.get(kind, kind)), "amount": amount, "shown": _signed(amount, currency), "count": count}
        for kind, (amount, count) in sums.items() if amount
    ]  # fmt: skip
    return sorted(found, key=lambda one: -abs(one["amount"]))


def _bars(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    def of(sign: int) -> list[float | None]:
        return [float(one["amount"]) if one["amount"] * sign > 0 else None for one in kinds]

    told = [one["shown"] for one in kinds]
    series = [
        {"name": _("raised it"), "values": of(1), "shown": told, "role": "better", "stack": "kinds"},
        {"name": _("lowered it"), "values": of(-1), "shown": told, "role": "worse", "stack": "kinds"},
    ]  # fmt: skip
    summary = ", ".join(f"{one['title']} {one['shown']}" for one in kinds)
    return {
        "kind": "bars",
        "categories": [one["title"] for one in kinds],
        "series": series,
        "unit": "",
        "summary": summary,
    }


def _score(one: Mapping[str, Any], scores: list[dict[str, Any]]) -> dict[str, Any]:
    most = max((each["wape"] for each in scores if each["wape"] is not None), default=1) or 1

    def share(value: Any) -> str:
        return (
            _("n/a")
            if value is None or value != value
            else str(shown.shown(Decimal(str(round(float(value), 6))), "ratio"))
        )

    bias = one["bias"]
    side = "" if bias is None or bias != bias or abs(bias) < 0.0005 else _("high") if bias > 0 else _("low")
    return {
        "method": one["method"], "title": METHODS.get(one["method"], one["method"]), "wape": share(one["wape"]), "rows": one["rows"], "periods": one["periods"],
        "low": share(one["interval"][0]) if one["interval"] else "", "high": share(one["interval"][1]) if one["interval"] else "",
        "bias": share(abs(bias)) if bias is not None and bias == bias else _("n/a"), "side": side, "within": share(one["within_10"]),
        "coverage": share(one["coverage"]) if one["coverage"] is not None else "", "noise": share(one["noise"]) if one["noise"] is not None else "",
        "width": round(100 * (one["wape"] or 0) / most, 1), "own": one["method"] == "blend",
    }  # fmt: skip


def _past(points: list[dict[str, Any]], currency: str) -> dict[str, Any]:
    """The forecasts of past weeks with their range, and what came of the period that each week belongs to."""

    def line(name: str, role: str, key: str, band: str = "") -> dict[str, Any]:
        values = [one[key] for one in points]
        told = [
            _("n/a") if value is None else shown.money(Decimal(str(round(value, 2))), currency, compact=True)
            for value in values
        ]
        return {"name": name, "values": values, "shown": told, "role": role, **({"band": band} if band else {})}

    series = [
        line(_("P10"), "low", "p10", "own"), line(_("P90"), "high", "p90", "own"), line(_("Forecast"), "own", "forecast"),
        line(_("What came in the period"), "target", "actual"), line(_("Booked by then"), "compare", "booked"),
    ]  # fmt: skip
    return {
        "kind": "line",
        "categories": [one["as_of"] for one in points],
        "series": series,
        "unit": "",
        "summary": _("Forecasts of past weeks beside what came"),
    }


def _past_rows(points: list[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
    def money(value: float | None) -> shown.Shown:
        return shown.shown(None if value is None else Decimal(str(round(value, 4))), "money", currency)

    return [
        {
            **one,
            "day": date.fromisoformat(one["as_of"]),
            **{f"{key}_shown": money(one[key]) for key in ("forecast", "actual", "booked", "p10", "p90")},
        }
        for one in reversed(points)
    ]
