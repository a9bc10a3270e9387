"""Who acts, what a role may do, and which fields it may read. Which records it may see: `records.scope`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from salesops.common.errors import NotAllowed, UsageError

from . import context
from .entities import Entity

ROLES = ("owner", "admin", "ops", "finance", "exec", "engineer", "auditor", "manager", "rep")
SEES_ALL = frozenset({"owner", "admin", "ops", "finance", "exec", "engineer", "auditor"})
SEES_PAY = frozenset({"owner", "admin", "finance"})
MASKED = "•••"
"""What a reader sees in place of a value that is not theirs to read."""

_OFFICE = frozenset({"owner", "admin", "ops"})
_ALL = frozenset(ROLES)
PERMISSIONS: Mapping[str, frozenset[str]] = {
    "read": _ALL,
    "create": _OFFICE | {"finance", "manager", "rep"},
    "edit": _OFFICE | {"finance", "manager", "rep"},
    "delete": _OFFICE | {"finance", "manager"},
    "restore": _OFFICE | {"finance", "manager"},
    "undo": _OFFICE,
    "merge": _OFFICE,
    "erase": frozenset({"owner", "admin"}),  # what tells who somebody is, for good
    "approve": _OFFICE | {"finance"},  # what others propose, where its kind asks for nothing more
    "import": _OFFICE | {"finance"},
    "undo_import": _OFFICE,
    "write_back": _OFFICE,
    "refresh": _OFFICE | {"finance", "engineer"},
    "quality": _ALL,
    "export": _ALL,
    "work": _ALL,  # comments, tasks, saved views of one's own
    "manage_work": _OFFICE,
    "report": _OFFICE | {"finance", "exec", "manager", "rep"},  # reports and alerts of one's own
    "call": _OFFICE | {"exec", "manager", "rep"},  # say what will be booked: of oneself and of those below
    "forecast": _OFFICE | {"finance", "exec", "engineer"},  # make the company's forecast and its back-test
    "read_accuracy": _ALL - {"rep"},  # how good the company's forecasts were
    "send_out": _OFFICE,  # to addresses on the web: chats and webhooks
    "define_metrics": _OFFICE,
    "read_settings": _OFFICE | {"finance", "engineer", "auditor"},
    "manage_settings": _OFFICE,  # custom fields, words, value rules, field ownership, mappings
    "manage_users": frozenset({"owner", "admin"}),
    "read_audit": frozenset({"owner", "admin", "auditor"}),
    "backup": frozenset({"owner", "admin"}),
    "restore_backup": frozenset({"owner", "admin"}),
}
"""Which roles may take an action. What is not listed, nobody may."""

_MARKET = frozenset(
    {"account", "contact", "lead", "campaign_member", "consent"}
    | {"opportunity", "opportunity_line", "opportunity_split", "opportunity_contact", "activity", "time_report"}
)
_MONEY = frozenset(
    {"employment", "order", "order_line", "invoice", "invoice_line", "payment", "subscription", "cost"}
    | {"exchange_rate", "target", "product", "price", "price_book"}
)
WRITES: Mapping[str, frozenset[str] | None] = {
    "owner": None,
    "admin": None,
    "ops": None,
    "finance": _MONEY,
    "manager": _MARKET,
    "rep": _MARKET,
}
"""Which entities a role may write (None: all)."""

PAY_FIELDS: Mapping[str, frozenset[str]] = {
    "employment": frozenset({"pay_currency", "grade", "cost_centre", "employee_number"}),
    "absence": frozenset({"kind"}),
    "cost": frozenset({"amount", "category", "function"}),
}
"""Fields that only `SEES_PAY` and the row's own person read."""

PRIVATE_FIELDS: Mapping[str, frozenset[str]] = {"activity": frozenset({"subject", "participants", "outcome"})}
"""Fields that only the owner of a row reads where its `visibility` is `private`."""


@dataclass(frozen=True)
class Actor:
    """Who acts: the user, the roles, the person that the user is, and the door they came through."""

    username: str
    roles: frozenset[str]
    person: int | None = None
    door: str = "python"

    def has(self, *roles: str) -> bool:
        """Say whether the actor has any of these roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def sees_all(self) -> bool:
        return not self.roles.isdisjoint(SEES_ALL)

    @property
    def sees_pay(self) -> bool:
        return not self.roles.isdisjoint(SEES_PAY)


def parse_roles(text: str | Iterable[str]) -> frozenset[str]:
    """Give the roles named in a text (separated by spaces or commas); raises UsageError for an unknown one."""
    names = text.replace(",", " ").split() if isinstance(text, str) else list(text)
    if unknown := [name for name in names if name not in ROLES]:
        raise UsageError(f"there is no role {', '.join(map(repr, unknown))}", remedy=f"Roles: {', '.join(ROLES)}")
    return frozenset(names)


def ensure_owner() -> str:
    """Give the name of the workspace's owner account; made when there is none yet (at `init`)."""
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    from .models import User

    with transaction.atomic():
        for username, roles in User.objects.filter(is_active=True).order_by("id").values_list("username", "roles"):
            if "owner" in roles.split():
                return str(username)
        columns = {"name": "Owner", "roles": "owner", "created": context.clock(), "password": make_password(None)}
        User.objects.get_or_create(username="owner", defaults=columns)
    return "owner"


def actor_for(workspace: Any = None, username: str | None = None, door: str = "python") -> Actor:
    """Give the actor of a user name, or of the workspace's owner account when none is given.

    Raises NotAllowed when there is no such user, or it is not active. `workspace` is the opened one: this process
    serves no other.
    """
    from .models import User

    name = username or ensure_owner()
    user = User.objects.filter(username=name).first()
    if user is None or not user.is_active:
        raise NotAllowed(f"there is no active user {name!r}", remedy="salesops user list shows who there is")
    return Actor(name, frozenset(user.roles.split()) & frozenset(ROLES), user.person, door)


def require(actor: Actor, action: str, entity: Entity | str | None = None) -> None:
    """Raise NotAllowed unless the actor is an active user whose roles may take the action (on this entity)."""
    from .models import User

    roles = actor.roles & PERMISSIONS.get(action, frozenset())
    name = entity if isinstance(entity, str) or entity is None else entity.name
    if roles and name is not None and action in ("create", "edit", "delete", "restore", "merge"):
        roles = frozenset(role for role in roles if _writes(role, name))
    if not roles:
        what = f"{action.replace('_', ' ')} {name or ''}".strip()
        raise NotAllowed(f"{actor.username} may not {what}", remedy="Ask somebody with the role: " + _who(action, name))
    if not User.objects.filter(username=actor.username, is_active=True).exists():
        raise NotAllowed(f"{actor.username} is no active user", remedy="Ask an admin to activate the account")


def may(actor: Actor, action: str, entity: Entity | str | None = None) -> bool:
    """Say whether `require` would let the actor pass."""
    try:
        require(actor, action, entity)
    except NotAllowed:
        return False
    return True


def roles_allow(actor: Actor, action: str) -> bool:
    """Say whether the actor's roles may take an action, without asking again whether the account is active: for a reader whose account
    was read for the same request."""
    return not actor.roles.isdisjoint(PERMISSIONS.get(action, frozenset()))


def _writes(role: str, entity: str) -> bool:
    allowed = WRITES.get(role, frozenset())
    return allowed is None or entity in allowed


def _who(action: str, entity: str | None) -> str:
    roles = [role for role in ROLES if role in PERMISSIONS.get(action, ())]
    if entity is not None and action in ("create", "edit", "delete", "restore", "merge"):
        roles = [role for role in roles if _writes(role, entity)]
    return ", ".join(roles) or "nobody"


# Field masks


def masked_fields(actor: Actor, entity: Entity) -> frozenset[str]:
    """Fields of an entity that are masked for this actor in rows about other people; they cannot filter or sort."""
    hidden = frozenset() if actor.sees_pay else PAY_FIELDS.get(entity.name, frozenset())
    return hidden | PRIVATE_FIELDS.get(entity.name, frozenset())


def mask(actor: Actor, entity: Entity, row: dict[str, Any]) -> dict[str, Any]:
    """Give the row with what this actor may not read replaced by `MASKED` (empty values stay empty)."""
    hidden: frozenset[str] = frozenset()
    own = actor.person is not None and actor.person in (row.get("person"), row.get("owner"))
    if not own and not actor.sees_pay:
        hidden |= PAY_FIELDS.get(entity.name, frozenset()) if _about_person(entity, row) else frozenset()
    if not own and row.get("visibility") == "private":
        hidden |= PRIVATE_FIELDS.get(entity.name, frozenset())
    if not hidden:
        return row
    return {name: MASKED if name in hidden and value is not None else value for name, value in row.items()}


def _about_person(entity: Entity, row: dict[str, Any]) -> bool:
    """A cost without a person is no pay; employment and absence always are somebody's."""
    return entity.name != "cost" or row.get("person") is not None


def filterable(actor: Actor, entity: Entity, names: Iterable[str]) -> None:
    """Raise NotAllowed when a filter or an order would tell what a masked field holds."""
    pay = frozenset() if actor.sees_pay else PAY_FIELDS.get(entity.name, frozenset())
    private = frozenset() if entity.name != "activity" else PRIVATE_FIELDS["activity"]
    if refused := sorted((pay | private) & set(names)):
        raise NotAllowed(
            f"{actor.username} may not filter or sort {entity.name} by {', '.join(refused)}",
            remedy="These fields are masked; ask finance or an admin",
        )
