"""Pages and the rule of each: who may open it. A view that is not registered here has no address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from salesops.common.errors import NotAllowed
from salesops.records import access

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Route:
    """One address: its pattern, its name, and the action of `access.PERMISSIONS` that it takes ("" = anybody signed in, "open" =
    no sign-in needed)."""

    pattern: str
    name: str
    action: str
    view: View
    methods: tuple[str, ...]


ROUTES: list[Route] = []
SET_UP = frozenset({"account", "sign-out"})
"""What opens to somebody who has yet to set up the second factor that everybody needs."""


def page(
    pattern: str, name: str, action: str = "read", methods: tuple[str, ...] = ("GET",), warm: bool = False
) -> Callable[[View], View]:
    """Register a view under an address. The view gets a request with `actor`; who may not take `action` gets a page that says so.
    `warm`: it only shows answers, which cost much, and is made again for its readers after a refresh (`warming`)."""

    def registered(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **given: Any) -> HttpResponse:
            from .answers import not_allowed, wrong_method
            from .warming import note

            if request.method not in (*methods, "HEAD"):
                return wrong_method(request, methods)
            if action == "open":
                return view(request, *args, **given)
            actor: Any = request.actor  # type: ignore[attr-defined]
            if actor is None:
                return to_sign_in(request)
            if request.must_set_up and name not in SET_UP:  # type: ignore[attr-defined]
                return HttpResponseRedirect(reverse("account"))
            try:
                if action:
                    access.require(actor, action)
                response = view(request, *args, **given)
                if warm and response.status_code == 200:
                    note(request)
                return response
            except NotAllowed as error:
                return not_allowed(request, error)

        ROUTES.append(Route(pattern, name, action, guarded, methods))
        return guarded

    return registered


def urls() -> list[URLPattern]:
    """The addresses of every registered page."""
    return [path(route.pattern, route.view, name=route.name) for route in ROUTES]


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Ask who it is, and come back; a part of a page sends the whole page there."""
    wanted = request.get_full_path() if request.method == "GET" and "HX-Request" not in request.headers else "/"
    address = f"{reverse('sign-in')}?{urlencode({'next': wanted})}"
    if "HX-Request" in request.headers:
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    return HttpResponseRedirect(address)
