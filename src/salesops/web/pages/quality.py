"""Data quality: scores by source, object and owner, every rule with its list to fix, how fresh each source is."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from salesops.common.errors import NotFound
from salesops.output import as_csv
from salesops.sources.quality.queries import Issues, QualityReport, RuleResult, Score, check, find_rule, issues
from salesops.spreadsheet import Table, book
from salesops.web.shell import shown
from salesops.web.shell.asked import Request
from salesops.web.shell.asking import Asking, asking
from salesops.web.shell.routes import page
from salesops.web.shell.words import Words, many_of

PAGE = 100
MOST = 100_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SEVERITIES: dict[str, tuple[Words, str]] = {
    "error": (gettext_lazy("error"), "bad"), "warning": (gettext_lazy("warning"), "warn"), "info": (gettext_lazy("hint"), ""),
}  # fmt: skip
DIMENSIONS: dict[str, tuple[Words, Words]] = {
    "completeness": (gettext_lazy("Completeness"), gettext_lazy("what should be filled in is")),
    "validity": (gettext_lazy("Validity"), gettext_lazy("values can be true")),
    "uniqueness": (gettext_lazy("Uniqueness"), gettext_lazy("nothing is there twice")),
    "freshness": (gettext_lazy("Freshness"), gettext_lazy("what is open is kept up")),
    "consistency": (gettext_lazy("Consistency"), gettext_lazy("records agree with each other")),
}
VIEWS = ("object", "source", "owner")


@page("data/quality", "quality", action="quality")
def quality(request: Request) -> HttpResponse:
    """The report: one figure per dimension, scores by object, source or owner, and every rule with how much is to fix."""
    with asking(request) as ask:
        report: QualityReport = ask.of(check)
        wanted = {name: request.GET.get(name, "") for name in ("entity", "dimension", "severity")}
        results = [
            one
            for one in report.results
            if one.checked and all(not value or getattr(one.rule, name) == value for name, value in wanted.items())
        ]
        sound = [one for one in results if not one.failing]
        if "all" not in request.GET:
            results = [one for one in results if one.failing]
        by = request.GET.get("by", "object") if request.GET.get("by") in VIEWS else "object"
        facts = {
            "overall": _score(report.overall), "to_fix": report.overall.failing, "checked": report.overall.checked,
            "dimensions": [
                {**_score(one), "name": one.label, "title": DIMENSIONS[one.label][0], "says": DIMENSIONS[one.label][1]} for one in report.by_dimension
            ],
            "by": by, "scores": _scores(report, by), "rules": sorted((_rule(one) for one in results), key=_worst), "all_rules": len(report.results),
            "sound": len(sound) if "all" not in request.GET else 0, "wanted": wanted, "entities": [(one.label, many_of(one.label)) for one in report.by_entity],
            "severities": [(name, title) for name, (title, _s) in SEVERITIES.items()],
            "left_out": [one for one in report.results if one.left_out],
            "fresh": [{**vars(one), "many": many_of(one.entity)} for one in sorted(report.freshness, key=lambda one: -(one.days or 0))],
            "worst": _worst_rule(report),
        }  # fmt: skip
        return render(request, "data/quality.html", facts)


@page("data/quality/<str:rule>", "quality-rule", action="quality")
def rule(request: Request, rule: str) -> HttpResponse:
    """The records that break a rule, 100 a page, as a list to fix."""
    with asking(request) as ask:
        one = find_rule(rule)
        start = int(request.GET["offset"]) if request.GET.get("offset", "").isdigit() else 0
        found: Issues = ask.of(issues, one.id, PAGE, start)
        report: QualityReport = ask.of(check, rule=one.id)
        facts = {
            "rule": one, "rows": found.rows, "total": found.total, "first": start + 1 if found.rows else 0, "last": start + len(found.rows),
            "next": start + PAGE if start + PAGE < found.total else None, "before": max(start - PAGE, 0) if start else None,
            "result": _rule(report.results[0]), "many": many_of(one.entity), "owners": _top(report.by_owner), "systems": _top(report.by_system),
        }  # fmt: skip
        return render(request, "data/rule.html", facts)


@page("data/quality/<str:rule>/file/<str:form>", "quality-file", action="quality")
def file(request: Request, rule: str, form: str) -> HttpResponse:
    """The whole list to fix as CSV or XLSX."""
    if form not in ("csv", "xlsx"):
        raise NotFound(f"there is no file of kind {form}", remedy="Use csv or xlsx")
    with asking(request) as ask:
        found = _every(ask, rule)
        names = ["id", "name", "owner", "source", "value", "remedy"]
        rows = [
            {
                "id": str(one.id),
                "name": one.name,
                "owner": one.owner_name,
                "source": one.system,
                "value": one.value,
                "remedy": one.remedy,
            }
            for one in found.rows
        ]
        about = [("rule", found.rule.title), ("why", found.rule.why), ("records to fix", found.total)]
        table = Table(rows, names, about=about)
        content = as_csv(rows, names).encode() if form == "csv" else book(table)
        response = HttpResponse(content, content_type="text/csv; charset=utf-8" if form == "csv" else XLSX)
        response["Content-Disposition"] = f'attachment; filename="{found.rule.id}.{form}"'
        return response


def _every(ask: Asking, rule: str) -> Issues:
    found: Issues = ask.of(issues, rule, MOST, 0)
    return found


def _score(one: Score) -> dict[str, Any]:
    return {
        "label": one.label,
        "checked": one.checked,
        "failing": one.failing,
        "figure": percent(one.score),
        "score": one.score,
    }


def percent(score: float | None) -> str:
    """A share of sound records: never 100% while something is to fix."""
    if score is None:
        return _("n/a")
    text = str(shown.shown(score, "ratio"))
    return str(shown.shown(0.999, "ratio")) if score < 1 and text == str(shown.shown(1, "ratio")) else text


def _scores(report: QualityReport, by: str) -> list[dict[str, Any]]:
    scores = {"object": report.by_entity, "source": report.by_system, "owner": report.by_owner}[by]
    rows = [
        {**_score(one), "title": many_of(one.label) if by == "object" else one.label} for one in scores if one.checked
    ]
    return sorted(rows, key=lambda row: (row["score"], row["title"]))


def _rule(one: RuleResult) -> dict[str, Any]:
    title, sign = SEVERITIES[one.rule.severity]
    return {
        "id": one.rule.id, "title": one.rule.title, "why": one.rule.why, "entity": one.rule.entity, "many": many_of(one.rule.entity),
        "dimension": DIMENSIONS[one.rule.dimension][0], "severity": title, "s": sign, "checked": one.checked, "failing": one.failing,
        "figure": percent(one.score), "score": one.score, "order": list(SEVERITIES).index(one.rule.severity),
    }  # fmt: skip


def _worst(row: dict[str, Any]) -> tuple[Any, ...]:
    return (not row["failing"], row["order"], -row["failing"], row["title"])


def _worst_rule(report: QualityReport) -> dict[str, Any] | None:
    broken = [_rule(one) for one in report.results if one.failing]
    return min(broken, key=_worst) if broken else None


def _top(scores: tuple[Score, ...]) -> list[dict[str, Any]]:
    return sorted((_score(one) for one in scores if one.failing), key=lambda row: -row["failing"])[:8]
