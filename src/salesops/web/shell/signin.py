"""Who is signed in: a session holds the user's name and a digest of the password, so that a new password ends it.

A way in (password, link, provider) ends in `enter`, which asks for the second factor where the user has one. Until then the session
holds who is `waiting`, and signs nobody in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import ngettext

from salesops.records import access, actions_second_factor, audit, context, throttle
from salesops.records.access import Actor
from salesops.records.models import User

from .client import address_of, browser_of

SEEN = 300_000_000
"""How old, in microseconds, the time of the last request may be before it is written again."""
WAITING = 600_000_000
"""How long, in microseconds, a session waits for the second factor."""
IDLE = 24 * 60
"""Minutes without a request that end a session, where the setting `idle_minutes` says nothing."""


def actor_of(request: HttpRequest) -> Actor | None:
    """The actor of a request's session; None when nobody is signed in, the session was idle too long, or the account has ended or
    has a new password. Sets `request.must_set_up` where the user still lacks a second factor that everybody needs."""
    session = request.session
    name = session.get("user")
    if not name:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    good = user is not None and constant_time_compare(session.get("proof", ""), user.get_session_auth_hash())
    if user is None or not good or _idle(session):
        session.flush()
        return None
    request.user_name = user.name or user.username  # type: ignore[attr-defined]
    request.must_set_up = not user.second_factor and actions_second_factor.required()  # type: ignore[attr-defined]
    return Actor(user.username, frozenset(user.roles.split()) & frozenset(access.ROLES), user.person, "web")


def _idle(session: Any) -> bool:
    """Whether the session's last request is too long ago; notes this one now and then."""
    now, seen = context.clock(), session.get("seen", session.get("since", 0))
    limit = int(context.option("idle_minutes", IDLE)) * 60_000_000
    if limit and now - seen > limit:
        return True
    if now - seen > min(SEEN, limit // 4 or SEEN):
        session["seen"] = now
    return False


# Signing in


def check(username: str, password: str) -> User | None:
    """The active user of a name and password; takes as long for a name that there is not."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        User().set_password(password)
        return None
    return user if user.check_password(password) else None


def enter(request: HttpRequest, user: User, how: str, following: str = "/") -> HttpResponse:
    """The user has shown who they are by `how` (password, link, provider): signed in, or asked for the second factor."""
    if not user.second_factor:
        sign_in(request, user)
        written(request, "sign_in", user.username, how=how)
        return HttpResponseRedirect(following)
    request.session.flush()
    request.session["waiting"] = {
        "user": user.username, "proof": user.get_session_auth_hash(), "how": how, "next": following, "since": context.clock(),
    }  # fmt: skip
    request.session.set_expiry(WAITING // 1_000_000)
    return HttpResponseRedirect(reverse("sign-in-code"))


def waiting(request: HttpRequest) -> tuple[User, dict[str, Any]] | None:
    """Whose second factor this session waits for, and what it noted; None after ten minutes."""
    held = request.session.get("waiting")
    if not held or context.clock() - held["since"] > WAITING:
        return None
    user = User.objects.filter(username=held["user"], is_active=True).first()
    if user is None or not constant_time_compare(held["proof"], user.get_session_auth_hash()):
        return None
    return user, held


def sign_in(request: HttpRequest, user: User) -> None:
    """Begin a session of a user; the old session's key is worth nothing any more. Sessions that have ended are swept."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    request.session.pop("waiting", None)
    request.session.set_expiry(None)
    request.session.cycle_key()
    request.session.update({
        "user": user.username, "proof": user.get_session_auth_hash(), "since": context.clock(), "seen": context.clock(),
        "address": address_of(request), "browser": browser_of(request.headers.get("User-Agent", "")),
    })  # fmt: skip


def written(request: HttpRequest, action: str, username: str, **detail: Any) -> None:
    """An entry of the audit log on an attempt. Names that no account has are not written down: they may be passwords."""
    known = User.objects.filter(username=username).exists()
    actor = Actor(username if known else "nobody", frozenset(), None, "web")
    with transaction.atomic():
        audit.write(actor, action, entity="user", rows=1, detail={**detail, "address": address_of(request)})


def in_words(seconds: int) -> str:
    """What somebody reads who has to wait, with the time left."""
    if seconds < 60:
        text = ngettext(
            "Too many attempts. Try again in %(n)s second.", "Too many attempts. Try again in %(n)s seconds.", seconds
        )
        return text % {"n": seconds}
    minutes = -(-seconds // 60)
    text = ngettext(
        "Too many attempts. Try again in %(n)s minute.", "Too many attempts. Try again in %(n)s minutes.", minutes
    )
    return text % {"n": minutes}


# Sessions


@dataclass(frozen=True)
class Open:
    """One session of a user: `number` names it in a form and is worth nothing else."""

    number: str
    since: int
    seen: int
    address: str
    browser: str
    here: bool
    row: Session


def sessions_of(username: str, here: str | None = None) -> list[Open]:
    """The open sessions of a user, the latest used first; `here` is the key of the one that asks."""
    found = []
    for row in Session.objects.filter(expire_date__gt=timezone.now()):
        held = row.get_decoded()
        if held.get("user") == username:
            since = held.get("since", 0)
            number = hashlib.sha256(row.session_key.encode()).hexdigest()[:16]
            found.append(
                Open(
                    number,
                    since,
                    held.get("seen", since),
                    held.get("address", ""),
                    held.get("browser", ""),
                    row.session_key == here,
                    row,
                )
            )
    return sorted(found, key=lambda one: (not one.here, -one.seen))


def attempt(request: HttpRequest, **what: str) -> int:
    """Count an attempt from this request's address: 0, or the seconds to wait."""
    return throttle.attempt(address=address_of(request), **what)


def good(request: HttpRequest, **what: str) -> None:
    """The attempt that was counted was good."""
    throttle.good(address=address_of(request), **what)
