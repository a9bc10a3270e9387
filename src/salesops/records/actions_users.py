"""What people do to user accounts. A user is never deleted: the audit log names it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Any

from salesops.common.errors import Conflict, InvalidData, NotAllowed, NotFound, Problem

from . import audit, context, resolve
from .access import Actor, parse_roles, require
from .entities import entity as entity_of
from .writing import emit


def list_users(actor: Actor) -> list[dict[str, Any]]:
    """Every account: user name, name, roles, person, whether it is active."""
    from .models import User

    require(actor, "manage_users")
    rows = User.objects.order_by("username").values("username", "name", "roles", "person", "pay_group", "is_active")
    found = list(rows)
    people = resolve.labels(actor, {"person": [row["person"] for row in found if row["person"]]}).get("person", {})
    return [{**row, "person_name": people.get(row["person"] or 0, "")} for row in found]


def create_user(
    actor: Actor,
    username: str,
    *,
    name: str = "",
    roles: str | Iterable[str] = "rep",
    person: object | None = None,
    password: str | None = None,
    pay_group: str = "",
) -> None:
    """Create an account; without a password it cannot sign in, only be acted as by who can read the workspace."""
    from django.db import transaction

    from .models import User

    require(actor, "manage_users")
    wanted = parse_roles(roles)
    _may_grant(actor, wanted, frozenset())
    if not re.fullmatch(r"[\w.@+-]{1,150}", username):
        raise InvalidData(f"{username!r} cannot be a user name", remedy="Use letters, digits and . @ + - _")
    linked = None if person in (None, "") else resolve.find_record(actor, entity_of("person"), person)
    with transaction.atomic():
        audit.lock()
        if User.objects.filter(username__iexact=username).exists():
            raise Conflict(f"there is a user {username!r} already", remedy="Choose another name")
        user = User(username=username, name=name, roles=_text(wanted), person=linked, created=context.clock())
        user.pay_group = pay_group
        _set_password(user, password)
        user.save()
        _written(actor, "user.create", username, {"roles": user.roles, "person": linked})


def edit_user(
    actor: Actor,
    username: str,
    *,
    name: str | None = None,
    roles: str | Iterable[str] | None = None,
    person: object | None = None,
    active: bool | None = None,
    pay_group: str | None = None,
) -> None:
    """Change an account; what is None stays, an empty `person` unlinks. The last active owner stays one."""
    from django.db import transaction

    require(actor, "manage_users")
    linked = resolve.find_record(actor, entity_of("person"), person) if person not in (None, "") else None
    with transaction.atomic():
        audit.lock()
        user = _user(username)
        before = frozenset(user.roles.split())
        wanted = before if roles is None else parse_roles(roles)
        _may_grant(actor, wanted, before)
        user.roles = _text(wanted)
        user.name = user.name if name is None else name
        user.pay_group = user.pay_group if pay_group is None else pay_group
        user.person = user.person if person is None else linked
        user.is_active = user.is_active if active is None else active
        user.save()
        _keep_an_owner()
        detail = {"roles": user.roles, "person": user.person, "active": user.is_active, "name": user.name}
        _written(actor, "user.edit", username, detail)


def deactivate_user(actor: Actor, username: str) -> None:
    """Deactivate an account: it may do nothing from now on."""
    edit_user(actor, username, active=False)


def set_password(actor: Actor, username: str, password: str) -> None:
    """Set a password: one's own, or anybody's for who manages users."""
    from django.db import transaction

    if actor.username == username:
        require(actor, "read")
    else:
        require(actor, "manage_users")
    with transaction.atomic():
        audit.lock()
        user = _user(username)
        if actor.username != username:
            _may_grant(actor, frozenset(user.roles.split()), frozenset())
        _set_password(user, password)
        user.save()
        _written(actor, "user.password", username, {})


LINK_SALT = "salesops.sign-in-link"
LINK_SECONDS = 15 * 60


def sign_in_link(actor: Actor, username: str) -> str:
    """The address at which a user is signed in without a password, once, within fifteen minutes: one's own, or anybody's for who manages users.

    A new password makes it worthless.
    """
    from django.core import signing
    from django.db import transaction

    if actor.username != username:
        require(actor, "manage_users")
    user = _user(username)
    if actor.username != username:
        _may_grant(actor, frozenset(user.roles.split()), frozenset())
    if not user.is_active:
        raise NotAllowed(f"{username} is no active user", remedy="Activate the account first")
    with transaction.atomic():
        _written(actor, "user.link", username, {})
    held = {"user": username, "proof": user.get_session_auth_hash()[:16], "once": secrets.token_hex(8)}
    return f"/sign-in/link/{signing.dumps(held, salt=LINK_SALT)}"


def user_of_link(text: str) -> Any:
    """The user of the last part of a sign-in link; None when it is older than fifteen minutes, or not ours."""
    from django.core import signing
    from django.utils.crypto import constant_time_compare

    from .models import User

    try:
        held = signing.loads(text, salt=LINK_SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    user = User.objects.filter(username=held["user"], is_active=True).first()
    good = user is not None and constant_time_compare(held["proof"], user.get_session_auth_hash()[:16])
    return user if good else None


def user_of_email(email: str, name: str = "") -> Any:
    """The active user whom a provider vouches for by a verified e-mail; None where nobody is meant, or more than one.

    The user name is the e-mail, or the person's e-mail is; owners and admins by user name only, because others may edit a person.
    With the setting `oidc_create_role` an account is made for an e-mail that nobody has.
    """
    from .access import actor_for
    from .models import Person, User

    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        return None
    named = list(User.objects.filter(username__iexact=email)[:2])
    people = Person.objects.filter(email__iexact=email, deleted=False).values("id")
    linked = [] if named else list(User.objects.filter(person__in=people)[:2])
    found = named or [user for user in linked if not {"owner", "admin"} & set(user.roles.split())]
    if named or linked:
        return found[0] if len(found) == len(named or linked) == 1 and found[0].is_active else None
    role = context.option("oidc_create_role", "")
    if not role or not re.fullmatch(r"[\w.@+-]{1,150}", email):
        return None
    only = people[0]["id"] if len(people[:2]) == 1 else None
    create_user(actor_for(None, door="provider"), email.lower(), name=name, roles=str(role), person=only)
    return User.objects.get(username=email.lower())


def _user(username: str) -> Any:
    from .models import User

    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFound(f"there is no user {username!r}", remedy="salesops user list")
    return user


def _may_grant(actor: Actor, wanted: frozenset[str], before: frozenset[str]) -> None:
    """Only an owner makes, changes or unmakes owners."""
    if "owner" in wanted | before and not actor.has("owner"):
        raise NotAllowed(f"{actor.username} may not change an owner's account", remedy="Ask an owner")


def _keep_an_owner() -> None:
    from .models import User

    if not any("owner" in u.roles.split() for u in User.objects.filter(is_active=True)):
        raise Conflict("this is the last active owner", remedy="Make somebody else an owner first")


def _set_password(user: Any, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    if len(password) < 8:
        problem = Problem("user", None, "password", "is too short", "Use at least 8 characters")
        raise InvalidData("the password is too short", remedy="Use at least 8 characters", problems=[problem])
    user.set_password(password)


def _text(roles: frozenset[str]) -> str:
    return " ".join(sorted(roles))


def _written(actor: Actor, action: str, username: str, detail: dict[str, Any]) -> None:
    audit.write(actor, action, entity="user", rows=1, detail={"user": username, **detail})
    emit(action, {"user": username})
