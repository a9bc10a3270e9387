"""What people do to user accounts. A user is never deleted: the audit log names it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Any

from salesops.common.errors import Changed, Conflict, InvalidData, NotAllowed, NotFound, Problem

from . import approvals, audit, context, resolve
from .access import SEES_ALL, Actor, parse_roles, require
from .approvals import Decided, Kind, Line, Plan, Waiting
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
    note: str = "",
) -> Waiting | None:
    """Create an account; without a password it cannot sign in, only be acted as by who can read the workspace.

    One with a role that sees all records may need approval: then nothing is done yet, and `Waiting` is given.
    """
    require(actor, "manage_users")
    wanted = parse_roles(roles)
    _may_grant(actor, wanted, frozenset())
    linked = None if person in (None, "") else resolve.find_record(actor, entity_of("person"), person)
    held = _new(username, name=name, roles=_text(wanted), person=linked, password=password, pay_group=pay_group)
    if not wanted & SEES_ALL:
        _create(actor, held, approvals.at_once)
        return None
    lines = [Line("account", "", username), Line("roles", "", _text(wanted))]
    plan = Plan("roles", f"Create the account {username}", "user", username, held, _base(held), lines)
    done: Waiting | None = approvals.through(actor, plan, lambda decided: _create(actor, held, decided), note)
    return done


def _new(
    username: str, *, name: str, roles: str, person: int | None = None, password: str | None = None, pay_group: str = ""
) -> dict[str, Any]:
    """The columns of a new account; raises InvalidData or Conflict where there cannot be one of the name."""
    from .models import User

    if not re.fullmatch(r"[\w.@+-]{1,150}", username):
        raise InvalidData(f"{username!r} cannot be a user name", remedy="Use letters, digits and . @ + - _")
    if User.objects.filter(username__iexact=username).exists():
        raise Conflict(f"there is a user {username!r} already", remedy="Choose another name")
    user = User(username=username, name=name, roles=roles, person=person, pay_group=pay_group)
    _set_password(user, password)
    columns = ("username", "name", "roles", "person", "pay_group", "password")
    return {"new": True, **{column: getattr(user, column) for column in columns}}


def _create(actor: Actor, held: dict[str, Any], decided: Decided) -> None:
    from django.db import transaction

    from .models import User

    with transaction.atomic():
        audit.lock()
        decided()
        if User.objects.filter(username__iexact=held["username"]).exists():
            raise Conflict(f"there is a user {held['username']!r} already", remedy="Choose another name")
        columns = {name: value for name, value in held.items() if name != "new"}
        user = User.objects.create(**columns, created=context.clock())
        _written(actor, "user.create", user.username, {"roles": user.roles, "person": user.person})


def edit_user(
    actor: Actor,
    username: str,
    *,
    name: str | None = None,
    roles: str | Iterable[str] | None = None,
    person: object | None = None,
    active: bool | None = None,
    pay_group: str | None = None,
    note: str = "",
) -> Waiting | None:
    """Change an account; what is None stays, an empty `person` unlinks. The last active owner stays one.

    Another role that sees all records, or an account with one made active again, may need approval: then nothing is done yet.
    """
    require(actor, "manage_users")
    linked = resolve.find_record(actor, entity_of("person"), person) if person not in (None, "") else None
    user = _user(username)
    before = frozenset(user.roles.split())
    wanted = before if roles is None else parse_roles(roles)
    _may_grant(actor, wanted, before)
    said = {
        "name": name,
        "roles": None if roles is None else _text(wanted),
        "pay_group": pay_group,
        "is_active": active,
    }
    held: dict[str, Any] = {
        "username": username,
        **{column: value for column, value in said.items() if value is not None},
    }
    if person is not None:
        held["person"] = linked
    if not _elevates(user, held):
        _edit(actor, held, approvals.at_once)
        return None
    shown = {column: value for column, value in held.items() if column != "username" and value != getattr(user, column)}
    lines = [Line(_called(column), _said(getattr(user, column)), _said(value)) for column, value in shown.items()]
    plan = Plan("roles", f"Change the account {username}", "user", username, held, _base(held), lines)
    done: Waiting | None = approvals.through(actor, plan, lambda decided: _edit(actor, held, decided), note)
    return done


def _edit(actor: Actor, held: dict[str, Any], decided: Decided) -> None:
    from django.db import transaction

    with transaction.atomic():
        audit.lock()
        decided()
        user = _user(held["username"])
        if decided is approvals.at_once and approvals.asks_for("roles") and _elevates(user, held):
            raise Changed(f"the account {user.username} was changed meanwhile", remedy="Look at it again, then repeat")
        before = frozenset(user.roles.split())
        for column, value in held.items():
            setattr(user, column, value)
        _may_grant(actor, frozenset(user.roles.split()), before)
        user.save()
        _keep_an_owner()
        detail = {"roles": user.roles, "person": user.person, "active": user.is_active, "name": user.name}
        _written(actor, "user.edit", user.username, detail)


def _elevates(user: Any, held: dict[str, Any]) -> bool:
    """Whether the account sees all records afterwards by a role that it does not have, or not while it is out of use."""
    after = frozenset(held.get("roles", user.roles).split()) if held.get("is_active", user.is_active) else frozenset()
    before = frozenset(user.roles.split()) if user.is_active else frozenset()
    return bool((after - before) & SEES_ALL)


def _called(column: str) -> str:
    return {"is_active": "active"}.get(column, column.replace("_", " "))


def _said(value: Any) -> str:
    return {True: "yes", False: "no", None: ""}.get(value, str(value)) if not isinstance(value, str) else value


def _base(held: dict[str, Any]) -> str:
    """The account as it is now: its roles, and whether it is active; or that there is none yet."""
    from .models import User

    return audit.digest_of(
        list(User.objects.filter(username__iexact=held["username"]).values_list("roles", "is_active"))
    )


def _apply(actor: Actor, held: dict[str, Any], decided: Decided) -> None:
    require(actor, "manage_users")
    _may_grant(actor, frozenset(held.get("roles", "").split()), frozenset())
    if held.pop("new", False):
        _create(actor, held, decided)
    else:
        _edit(actor, held, decided)


approvals.register(Kind("roles", "Roles of an account", "manage_users", _apply, _base))


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
    held = _new(email.lower(), name=name, roles=str(role), person=only)
    _create(actor_for(None, door="provider"), held, approvals.at_once)  # the settings have said so
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
