"""What went wrong, as `application/problem+json` (RFC 9457): type, title, status, detail, remedy, and the list of problems."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from salesops.common.errors import (
    Busy,
    Changed,
    Conflict,
    InvalidData,
    NotAllowed,
    NotFound,
    SalesopsError,
    UsageError,
    WorkspaceError,
)

from .limit import TooOften

MEDIA = "application/problem+json"
STATUS: Mapping[type[SalesopsError], int] = {
    UsageError: 400, NotAllowed: 403, NotFound: 404, Changed: 412, Conflict: 409, InvalidData: 422, Busy: 503,
    WorkspaceError: 503,
}  # fmt: skip
TITLES = {
    400: "The request cannot be understood",
    401: "No valid token",
    403: "Not allowed",
    404: "Not found",
    405: "This address does not take that method",
    409: "Conflict",
    412: "Changed since",
    413: "Too large",
    415: "Another kind of content is needed",
    422: "Invalid data",
    429: "Too many calls",
    500: "A fault of salesops",
    503: "Not available now",
}
logger = logging.getLogger("salesops.rest")


class TooLarge(SalesopsError):
    """More content than may be sent at once."""


class KeyReused(SalesopsError):
    """An Idempotency-Key that came before with another call."""


class WrongContent(SalesopsError):
    """Content of a kind that the operation does not take."""


OWN: Mapping[type[SalesopsError], int] = {TooLarge: 413, KeyReused: 422, WrongContent: 415, TooOften: 429}


def problem(
    status: int,
    detail: str,
    remedy: str = "",
    problems: Iterable[Mapping[str, Any]] = (),
    *,
    kind: str = "",
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """An answer that says what went wrong and what to do."""
    title = TITLES.get(status, "Failed")
    body = {
        "type": f"urn:salesops:problem:{kind or title.lower().replace(' ', '-')}", "title": title, "status": status,
        "detail": detail, "remedy": remedy, "problems": [dict(one) for one in problems],
    }  # fmt: skip
    response = HttpResponse(json.dumps(body, ensure_ascii=False, default=str), content_type=MEDIA, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def status_of(error: SalesopsError) -> int:
    """The HTTP status that says what kind of mistake it is."""
    for kind in type(error).__mro__:
        if (found := OWN.get(kind) or STATUS.get(kind)) is not None:
            return found
    return 500


def of_error(request: HttpRequest, error: SalesopsError) -> HttpResponse:
    """The answer to an error that salesops raised on purpose."""
    status = status_of(error)
    headers = {"Retry-After": "5"} if status == 503 else {}
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.wait)
    listed = [one.to_dict() for one in error.problems]
    kind = _words(type(error).__name__)
    return problem(status, error.message, error.remedy, listed, kind=kind, headers=headers)


def _words(name: str) -> str:
    return "".join(f"-{one.lower()}" if one.isupper() else one for one in name).strip("-")


def of_validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """The answer to values that do not fit the schema: every one of them, by place and field."""
    listed = []
    for one in error.errors:
        place, *path = [str(part) for part in one["loc"]]
        field = ".".join(path) or None
        text = str(one["msg"])
        listed.append(
            {"source": place, "row": None, "field": field, "problem": text, "remedy": "See the schema of the operation",
             "value": None, "record": None, "severity": "error"}
        )  # fmt: skip
    first = listed[0] if listed else {"field": "", "problem": "the request does not fit the schema"}
    detail = f"{first['field'] or first.get('source', '')}: {first['problem']}"
    return problem(422, detail, "Correct what is listed; the schema is at openapi.json", listed, kind="invalid-data")


def of_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The answer to an error of the framework."""
    if isinstance(error, AuthenticationError):
        return problem(
            401, "this address needs a token that is known, not expired, not revoked, of an active user",
            "Send 'Authorization: Bearer TOKEN'; make one with salesops user token create",
            kind="no-token", headers={"WWW-Authenticate": 'Bearer realm="salesops"'},
        )  # fmt: skip
    remedy = "Send JSON as the schema says" if error.status_code == 400 else ""
    return problem(error.status_code, str(error), remedy)


def of_missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The answer for an address that is none."""
    return problem(
        404, f"there is nothing at {request.path}", "The addresses are listed at /api/v1/docs", kind="not-found"
    )


def of_bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The answer to a request that cannot be read at all."""
    if isinstance(exception, RequestDataTooBig):
        return problem(413, "the content is too large", "Send less at once; upload files at /api/v1/imports/files")
    return problem(400, str(exception or "") or "the request cannot be read", "Check the request")


def of_anything(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to what nobody expected: text that no database can hold, a machine that fails, or a fault of ours."""
    if isinstance(error, UnicodeEncodeError) or "NUL (0x00)" in str(error):
        return problem(422, "the request holds characters that cannot be stored", "Remove them", kind="invalid-data")
    if isinstance(error, (BadRequest, SuspiciousOperation)):
        return of_bad_request(request, error)
    if type(error).__name__ == "OperationalError" and "locked" in str(error):
        return of_error(request, Busy("another process is writing to this workspace", remedy="Try again in a moment"))
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem(500, "salesops did not expect this", "Please report it; the server's log shows where it happened")


def of_server_error(request: HttpRequest) -> HttpResponse:
    """Django's last resort."""
    return problem(500, "salesops did not expect this", "Please report it; the server's log shows where it happened")


def methods_as_problems(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: an address that does not take a method says so like everything else that goes wrong."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != 405:
            return response
        allowed = response.get("Allow", "")
        return problem(405, f"{request.path} takes {allowed}", "See /api/v1/docs", headers={"Allow": allowed})

    return answer


HANDLERS: tuple[tuple[type[Exception], Any], ...] = (
    (SalesopsError, of_error), (ValidationError, of_validation), (HttpError, of_http), (Http404, of_missing),
    (Exception, of_anything),
)  # fmt: skip
