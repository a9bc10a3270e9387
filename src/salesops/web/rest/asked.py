"""What a request asks for: parameters that exist, pages, and the form of the answer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse

from salesops.common.errors import UsageError
from salesops.output import as_csv, plain
from salesops.spreadsheet import Table, book

LIMIT = 100
MOST = 1000
JSON, CSV = "application/json", "text/csv"
LINES = "application/x-ndjson"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGING = ("limit", "cursor")


# Parameters


def check_parameters(request: HttpRequest) -> None:
    """Raise UsageError for a query parameter that the operation does not have: a slip of the pen is no other question."""
    match = request.resolver_match
    if match is None or not request.GET:
        return
    path = template_of(match.route)
    known = _parameters().get((path, (request.method or "").lower()), frozenset())
    if unknown := sorted(set(request.GET) - known):
        listed = ", ".join(sorted(known)) or "none"
        raise UsageError(f"there is no parameter {', '.join(unknown)} here", remedy=f"Parameters: {listed}")


def template_of(route: str) -> str:
    """A route as the document writes it.

    >>> template_of("api/v1/records/<entity>/<path:key>/history")
    '/api/v1/records/{entity}/{key}/history'
    """
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


@cache
def _parameters() -> dict[tuple[str, str], frozenset[str]]:
    from .root import api

    found = {}
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            found[(path, method)] = frozenset(names)
    return found


def pairs(given: Sequence[str]) -> dict[str, str]:
    """`owner=Ann Lee` pairs as a mapping."""
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{one!r} is no name=value", remedy="Write for example cell=owner=Ann Lee")
        found[name.strip()] = value.strip()
    return found


# Pages


def place_of(request: HttpRequest, cursor: str) -> dict[str, Any]:
    """Where a cursor goes on; empty for the first page. Raises UsageError for one of another question."""
    if not cursor:
        return {}
    try:
        held = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=="))
        place, question = held["at"], held["of"]
    except (ValueError, KeyError, TypeError):
        raise UsageError("the cursor cannot be read", remedy="Follow the `next` link as it was given") from None
    if not isinstance(place, dict) or not all(type(one) in (int, str) for one in place.values()):
        raise UsageError("the cursor cannot be read", remedy="Follow the `next` link as it was given")
    if any(isinstance(one, int) and not 0 <= one < 2**63 for one in place.values()):
        raise UsageError("the cursor cannot be read", remedy="Follow the `next` link as it was given")
    if question != _question(request):
        raise UsageError("the cursor belongs to another question", remedy="Follow the `next` link, or start without it")
    return place


def page(
    request: HttpRequest,
    items: list[Any],
    total: int,
    limit: int,
    next_place: Mapping[str, Any] | None,
    **beside: Any,
) -> dict[str, Any]:
    """A page: its items, how many there are in all, and the link to the next page (null on the last)."""
    link = None
    if next_place is not None:
        held = json.dumps({"at": dict(next_place), "of": _question(request)}, separators=(",", ":"))
        asked = request.GET.copy()
        asked["cursor"] = base64.urlsafe_b64encode(held.encode()).decode().rstrip("=")
        link = f"{request.path}?{asked.urlencode()}"
    return {"items": items, "total": total, "limit": limit, "next": link, **beside}


def offset_page(
    request: HttpRequest,
    items: list[Any],
    total: int,
    limit: int,
    place: Mapping[str, Any],
    state: object,
    **beside: Any,
) -> dict[str, Any]:
    """A page counted by offset. `changed` says whether the data changed since the first page, so that rows may have moved."""
    start = int(place.get("offset", 0))
    first = str(place.get("state", state))
    end = start + len(items)
    following = {"offset": end, "state": first} if items and end < total else None
    return page(request, items, total, limit, following, changed=first != str(state), **beside)


def _question(request: HttpRequest) -> str:
    kept = sorted((name, values) for name, values in request.GET.lists() if name not in PAGING)
    return hashlib.sha256(json.dumps([request.path, kept]).encode()).hexdigest()[:12]


# The form of the answer


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A JSON answer: exact numbers and dates as text."""
    text = json.dumps(plain(body), ensure_ascii=False, allow_nan=False)
    response = HttpResponse(text, content_type="application/json", status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def wants_file(request: HttpRequest) -> bool:
    """Say whether the asker would rather have CSV or XLSX than JSON."""
    return request.get_preferred_type([JSON, CSV, XLSX]) in (CSV, XLSX)


def file_answer(request: HttpRequest, table: Table, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A table as CSV or as XLSX (with its definitions on a second sheet), whichever is asked for; both safe to open in a spreadsheet."""
    if request.get_preferred_type([JSON, CSV, XLSX]) == XLSX:
        response = HttpResponse(book(table), content_type=XLSX)
        response["Content-Disposition"] = 'attachment; filename="salesops.xlsx"'
    else:
        response = HttpResponse(as_csv(table.rows, table.columns), content_type=f"{CSV}; charset=utf-8")
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def listed(request: HttpRequest, body: Mapping[str, Any], table: Table | None = None) -> HttpResponse:
    """A page as JSON, or as a file of its rows (`table`, else its items) with the total and the next page in headers."""
    if not wants_file(request):
        return answer(body)
    if table is None:
        flat = [{name: _flat(value) for name, value in row.items()} for row in body["items"]]
        table = Table(flat, list(dict.fromkeys(name for row in flat for name in row)))
    link = {"Link": f'<{body["next"]}>; rel="next"'} if body["next"] else {}
    return file_answer(request, table, {"X-Total-Count": str(body["total"]), **link})


def whole(request: HttpRequest, rows: Sequence[Any], limit: int, cursor: str) -> HttpResponse:
    """A page of rows that are all there already."""
    place = place_of(request, cursor)
    start = int(place.get("offset", 0))
    state = hashlib.sha256(json.dumps(plain(rows)).encode()).hexdigest()[:12]
    return listed(request, offset_page(request, list(rows[start : start + limit]), len(rows), limit, place, state))


def _flat(value: Any) -> Any:
    """A value as a cell holds it: what has parts, as JSON."""
    return json.dumps(plain(value), ensure_ascii=False) if isinstance(value, (Mapping, list, tuple)) else value
