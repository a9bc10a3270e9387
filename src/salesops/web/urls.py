"""Addresses: pages, the API, its docs, and a word on the server's health."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from salesops import __version__

from . import observed, pages  # noqa: F401  (registers every page)
from .rest import problems
from .rest.root import START, STATIC, api
from .shell import answers, routes
from .shell.asked import is_api


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problems.of_bad_request(request, exception) if is_api(request) else answers.not_found(request)


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problems.of_missing(request, exception) if is_api(request) else answers.not_found(request)


def handler500(request: HttpRequest) -> HttpResponse:
    return problems.of_server_error(request) if is_api(request) else answers.broken(request)


FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


def health(request: HttpRequest) -> HttpResponse:
    """Whether this server answers, and its database does (503 where not)."""
    from django.db import DatabaseError

    from salesops.records.writing import current_tick

    try:
        tick = current_tick()
    except DatabaseError:
        return JsonResponse({"status": "no database", "version": __version__}, status=503)
    return JsonResponse({"status": "ok", "version": __version__, "tick": tick})


def docs_start(request: HttpRequest) -> HttpResponse:
    return HttpResponse(START, content_type="text/javascript")


def docs_file(request: HttpRequest, name: str) -> HttpResponse | FileResponse:
    if name not in FILES:
        return problems.of_missing(request)
    return FileResponse((STATIC / name).open("rb"), content_type=FILES[name])


urlpatterns = [
    path("health", health),
    path("health/metrics", observed.metrics),
    path("api/v1/docs/start.js", docs_start),
    path("api/v1/docs/files/<str:name>", docs_file),
    path("api/v1/", api.urls),
    *routes.urls(),
]
