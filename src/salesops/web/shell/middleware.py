"""What stands around every page: who acts, the headers that protect, and errors told as pages."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from salesops.common.errors import NotAllowed, NotFound, SalesopsError

from . import answers, signin
from .asked import is_api

Handler = Callable[[HttpRequest], HttpResponse]
POLICY = "; ".join(
    [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
    ]
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class Acting:
    """Sets `request.actor`: who is signed in, or None. Programs show a token to the API instead."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = None if is_api(request) else signin.actor_of(request)  # type: ignore[attr-defined]
        return self.get_response(request)


class Protected:
    """Headers of every page: what a browser may load, and from where (the API sets its own). A name that is not ours is refused."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/health"):
            request.get_host()  # raises DisallowedHost: status 400
        response = self.get_response(request)
        if settings.SERVED_AS.startswith("https://"):
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if is_api(request):
            return response
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith(settings.STATIC_URL):
            return response
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class Told:
    """Exceptions of the rooms become pages that say what happened and what to do."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if is_api(request):
            return None
        if isinstance(error, NotAllowed):
            return answers.not_allowed(request, error)
        if isinstance(error, NotFound):
            return answers.not_found(request, error)
        if isinstance(error, SalesopsError):
            return answers.failed(request, error)
        return answers.broken(request)
