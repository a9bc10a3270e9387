"""Who is signed in: a session holds the user's name and a digest of the password, so that a new password ends it."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from salesops.records import access, context
from salesops.records.access import Actor
from salesops.records.models import User


def actor_of(request: HttpRequest) -> Actor | None:
    """The actor of a request's session; None when nobody is signed in, or the account has ended or has a new password."""
    session = request.session
    name = session.get("user")
    if not name:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None or not constant_time_compare(session.get("proof", ""), user.get_session_auth_hash()):
        session.flush()
        return None
    request.user_name = user.name or user.username  # type: ignore[attr-defined]
    return Actor(user.username, frozenset(user.roles.split()) & frozenset(access.ROLES), user.person, "web")


def sign_in(request: HttpRequest, user: User) -> None:
    """Begin a session of a user; the old session's key is worth nothing any more."""
    request.session.cycle_key()
    request.session["user"] = user.username
    request.session["proof"] = user.get_session_auth_hash()
    request.session["since"] = context.clock()


def check(username: str, password: str) -> User | None:
    """The active user of a name and password; takes as long for a name that there is not."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        User().set_password(password)
        return None
    return user if user.check_password(password) else None
