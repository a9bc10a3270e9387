"""Answers that are no page of their own: not allowed, not found, wrong method, and what people did wrong."""

from __future__ import annotations

import logging
import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from salesops.common.errors import NotAllowed, SalesopsError

log = logging.getLogger("salesops.web")


def told(request: HttpRequest, title: str, text: str, remedy: str, status: int, reference: str = "") -> HttpResponse:
    """A page (or, for a part of a page, a banner) that says what happened, what did not happen, and what to do."""
    template = "shell/told_part.html" if "HX-Request" in request.headers else "shell/told.html"
    facts = {"title": title, "text": text, "remedy": remedy, "reference": reference}
    return render(request, template, facts, status=status)


def not_allowed(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    """What somebody may not do, and whom to ask."""
    return told(request, _("This is not yours to open"), str(error), error.remedy, 403)


def wrong_method(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse:
    response = told(request, _("That cannot be done here"), _("The address does not take this kind of call."), "", 405)
    response["Allow"] = ", ".join(methods)
    return response


def not_found(request: HttpRequest, error: Exception | None = None) -> HttpResponse:
    text = _("There is no page at this address, or the record is not yours to see.")
    return told(request, _("Nothing is here"), text, _("Search with Ctrl K, or go home"), 404)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from a page of ours, or from one that is older than the session."""
    return told(
        request, _("This form is too old"), _("Nothing was changed."), _("Load the page again and repeat it"), 403
    )


def failed(request: HttpRequest, error: SalesopsError) -> HttpResponse:
    """What was asked wrongly, in the words of the room that refused it."""
    return told(request, _("That could not be answered"), str(error), getattr(error, "remedy", "") or "", 400)


def broken(request: HttpRequest) -> HttpResponse:
    """A fault of ours: a reference to tell, which stands in the log beside the trace."""
    reference = uuid.uuid4().hex[:8]
    route = (
        request.resolver_match.route if request.resolver_match else ""
    )  # an address may hold a secret, its route does not
    log.error("reference %s: %s /%s", reference, request.method, route, exc_info=True)
    text = _("Something went wrong on our side. Nothing was changed.")
    return told(
        request, _("This page could not be shown"), text, _("Try again, or report the reference"), 500, reference
    )
