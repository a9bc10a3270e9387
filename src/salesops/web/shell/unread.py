"""How many comments concern the reader since they opened the inbox last. The browser keeps how far they have read, for each user apart."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from salesops.records import actions_work
from salesops.records.access import Actor

COOKIE = "told"
YEAR = 365 * 86_400
MOST = 99
"""So many are counted; more are not told apart."""


def seen(request: HttpRequest) -> int:
    """The number of the latest comment that the reader has seen in this browser; 0 for none."""
    text = request.get_signed_cookie(COOKIE, default="", salt=_actor(request).username)
    return int(text) if text and text.isdigit() else 0


def mark(request: HttpRequest, response: HttpResponse) -> None:
    """Everything up to now is seen."""
    number = str(actions_work.last_comment())
    response.set_signed_cookie(
        COOKIE, number, salt=_actor(request).username, max_age=YEAR, httponly=True, samesite="Lax",
        secure=request.is_secure(),
    )  # fmt: skip


def waiting(request: HttpRequest) -> SimpleLazyObject:
    """The count, asked for where a template shows it."""
    return SimpleLazyObject(lambda: len(actions_work.told(_actor(request), after=seen(request), most=MOST)))


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined]
