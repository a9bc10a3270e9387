"""What the product tells a user in the inbox, once for a key."""

from __future__ import annotations

from typing import Any

from salesops.common.errors import NotFound

from . import context
from .access import Actor


def notify(user: str, key: str, title: str, text: str = "", link: str = "") -> bool:
    """Tell a user something in the inbox, once for a key; says whether it is new."""
    from .models import Notice

    if Notice.objects.filter(key=key).exists():
        return False
    row = Notice(user=user, key=key, title=title, text=text, link=link, created=context.clock())
    Notice.objects.bulk_create([row], ignore_conflicts=True)
    return True


def unread(actor: Actor, most: int = 50) -> list[dict[str, Any]]:
    """What the actor was told and has not put away, the latest first."""
    from .models import Notice

    rows = Notice.objects.filter(user=actor.username, read__isnull=True).order_by("-id")
    return [dict(row) for row in rows.values("id", "title", "text", "link", "created")[:most]]


def put_away(actor: Actor, number: int) -> None:
    """Put a notice of one's own away."""
    from .models import Notice

    if not Notice.objects.filter(pk=number, user=actor.username).update(read=context.clock()):
        raise NotFound(f"there is no notice {number}", remedy="Load the page again")
