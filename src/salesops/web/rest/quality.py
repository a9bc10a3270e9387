"""Data quality: scores, rules, and the records that break one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from salesops.records import access
from salesops.sources.quality import queries
from salesops.sources.quality.rules import rules
from salesops.web.serving import sessions

from . import schemas as s
from .asked import LIMIT, MOST, answer, file_answer, listed, offset_page, place_of, wants_file
from .auth import Token, actor_of

router = Router(tags=["quality"], auth=Token("quality:read"))


def _score(one: Any) -> dict[str, Any]:
    return {"label": one.label, "checked": one.checked, "failing": one.failing, "score": one.score}


@router.get("/quality", response=s.QualityOut, operation_id="check_quality", summary="Check the quality")
def check_quality(
    request: HttpRequest,
    entity: str = Query("", max_length=100, description="Only rules about this entity"),
    rule: str = Query("", max_length=200, description="Only this rule"),
) -> HttpResponse:
    """The score of every rule, summed by entity, dimension, source system and owner; how fresh each source is."""
    with sessions.use() as session:
        report = queries.check(session, actor_of(request), entity or None, rule or None)
    if wants_file(request):
        return file_answer(request, report.table())
    listed = [
        {"rule": r.rule.id, "entity": r.rule.entity, "dimension": r.rule.dimension, "severity": r.rule.severity,
         "title": r.rule.title, "checked": r.checked, "failing": r.failing, "score": r.score, "left_out": r.left_out}
        for r in report.results
    ]  # fmt: skip
    sums = {
        name: [_score(one) for one in getattr(report, name)]
        for name in ("by_entity", "by_dimension", "by_system", "by_owner")
    }
    fresh = [asdict(one) for one in report.freshness]
    return answer({"overall": _score(report.overall), "rules": listed, **sums, "freshness": fresh})


@router.get("/quality/rules", response=s.Rules, operation_id="list_quality_rules", summary="List quality rules")
def list_rules(request: HttpRequest) -> HttpResponse:
    """Every rule: what it looks at, why it matters, what to do."""
    access.require(actor_of(request), "quality")
    names = ("id", "entity", "dimension", "severity", "title", "why", "remedy")
    return answer({"items": [{name: getattr(one, name) for name in names} for one in rules().values()]})


@router.get("/quality/errors", response=s.Rows, operation_id="list_quality_errors", summary="Rows kept out by imports")
def list_errors(
    request: HttpRequest, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str = Query("", max_length=2000)
) -> HttpResponse:
    """Rows of all imports that were kept out, or let in with a warning, the newest import first."""
    place = place_of(request, cursor)
    total, rows = queries.row_errors(actor_of(request), limit, int(place.get("offset", 0)))
    return listed(request, offset_page(request, rows, total, limit, place, total))


@router.get(
    "/quality/rules/{rule}/records", response=s.Rows, operation_id="list_quality_records", summary="Records to fix"
)
def list_issues(
    request: HttpRequest, rule: str, limit: int = Query(LIMIT, ge=1, le=MOST), cursor: str = Query("", max_length=2000)
) -> HttpResponse:
    """The records that break a rule, with their owners."""
    place = place_of(request, cursor)
    with sessions.use() as session:
        found = queries.issues(session, actor_of(request), rule, limit, int(place.get("offset", 0)))
        generation = session.generation
    rows = [
        {**asdict(one), "id": str(one.id), "owner": None if one.owner is None else str(one.owner)} for one in found.rows
    ]
    return listed(request, offset_page(request, rows, found.total, limit, place, generation))
