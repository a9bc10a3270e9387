"""The API root: every room's router under one document."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import ninja
from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError
from ninja.openapi.docs import DocsBase
from ninja.parser import Parser

from . import (
    analysis,
    approvals,
    definitions,
    flow,
    forecasts,
    imports,
    metrics,
    people,
    pipeline,
    quality,
    records,
    reports,
    settings,
    users,
    work,
)
from .openapi import Api
from .problems import HANDLERS, WrongContent

STATIC = Path(ninja.__file__).parent / "static" / "ninja"
VERSION = "1.2.0"
DESCRIPTION = """\
Records, imports, metrics, pipeline, quality, targets, settings, work, approvals, reports, accounts and audit of a salesops workspace.

Every call acts as the user of its token, sees what that user sees and does what that user may do, within the scopes of the token.
Errors are `application/problem+json` with a remedy. Lists have a `total` and a `next` link until everything was given.
What gives rows gives them as CSV or XLSX, too, where `Accept` asks for it.
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>salesops API</title>
<link rel="stylesheet" href="/api/v1/docs/files/swagger-ui.css"></head>
<body><div id="swagger-ui" data-url="/api/v1/openapi.json"></div>
<script src="/api/v1/docs/files/swagger-ui-bundle.js"></script><script src="/api/v1/docs/start.js"></script></body></html>
"""
START = """SwaggerUIBundle({url: document.getElementById("swagger-ui").dataset.url, dom_id: "#swagger-ui", deepLinking: true});
"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)


class Docs(DocsBase):
    """The document to read and to try, with what it needs served from here."""

    def render_page(self, request: HttpRequest, api: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(PAGE, headers={"Content-Security-Policy": POLICY})


class Exact(Parser):
    """JSON whose numbers stay exact, and whose text can be stored."""

    def parse_body(self, request: HttpRequest) -> Any:
        kind = (request.content_type or "").lower()
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise WrongContent(f"the content is {kind}", remedy="Send application/json")
        try:
            found = json.loads(request.body, parse_float=Decimal, parse_constant=_no_number)
            json.dumps(found, ensure_ascii=False, default=str).encode()  # half a surrogate cannot be stored
        except (ValueError, RecursionError):
            raise HttpError(400, "the content is no JSON that can be read") from None
        return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


api = Api(
    title="salesops", version=VERSION, description=DESCRIPTION, docs=Docs(), parser=Exact(), urls_namespace="rest",
    openapi_extra={"info": {"license": {"name": "Apache-2.0"}}},
)  # fmt: skip
for router in (
    records.router,
    imports.router,
    flow.router,
    metrics.router,
    analysis.router,
    definitions.router,
    pipeline.router,
    forecasts.router,
    quality.router,
    people.router,
    users.router,
    settings.router,
    work.router,
    approvals.router,
    reports.router,
):
    api.add_router("", router)
for kind, handler in HANDLERS:
    api.add_exception_handler(kind, handler)
