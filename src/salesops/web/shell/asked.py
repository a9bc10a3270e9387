"""A request as pages get it: with who acts, and (once a session answers it) what the scope bar says."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from salesops.common.errors import UsageError
from salesops.records.access import Actor

from .question import Question


class Request(HttpRequest):
    """Set by the middleware `Acting` (`actor`, `user_name`, `must_set_up`) and by `asking` (`question`, `generation`)."""

    actor: Actor
    user_name: str
    must_set_up: bool
    question: Question
    generation: str


def is_api(request: HttpRequest) -> bool:
    """Say whether a program asks over REST: it is answered with problems, not pages."""
    return request.path.startswith("/api/")


def inside(address: str, fallback: str = "/") -> str:
    """An address that a form named, where it is one of this server; else the fallback."""
    ours = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if ours else fallback


def number_of(text: str) -> int:
    """A number that a form of ours holds."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise UsageError(_("%(text)s is no number") % {"text": repr(text)}, _("Load the page again"))
    return int(text)
