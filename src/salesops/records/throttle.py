"""How often somebody may try to sign in: by account and by address, in the state database, so that all workers count together.

An attempt is counted before it is looked at, so that many at once are no way around. After the free ones each next attempt waits
twice as long as the one before (5 s, 10 s, ... 15 minutes). A good attempt forgets those of its account; a day without any forgets
all. Names that no account has are counted alike, under a digest: what people type into the wrong field is stored nowhere.
"""

from __future__ import annotations

import hashlib
from typing import Any

from . import audit, context

FREE = {"account": 5, "code": 5, "address": 25}
"""Attempts without a wait, by what is counted."""
FIRST, LONGEST = 5, 15 * 60
"""Seconds of the first wait, and of the longest."""
FORGOTTEN = 24 * 3600


def attempt(**what: str) -> int:
    """Count an attempt (`account=`, `code=`, `address=`) and give 0; or the seconds to wait, when nothing is counted."""
    from django.db import transaction

    from .models import SignInCount

    keys = {_key(kind, name): kind for kind, name in what.items() if name}
    now = context.clock()
    with transaction.atomic():
        audit.lock()
        SignInCount.objects.filter(last__lt=now - FORGOTTEN * 1_000_000).delete()
        rows = {row.key: row for row in SignInCount.objects.filter(key__in=keys)}
        if (until := max((row.until for row in rows.values()), default=0)) > now:
            return -(-(until - now) // 1_000_000)
        for key, kind in keys.items():
            row = rows.get(key) or SignInCount(key=key)
            row.tries += 1
            row.last, row.until = now, now + wait(kind, row.tries) * 1_000_000
            row.save()
    return 0


def wait(kind: str, tries: int) -> int:
    """Seconds until the next attempt after so many.

    >>> [wait("account", n) for n in (4, 5, 6, 7, 13)]
    [0, 5, 10, 20, 900]
    """
    over = tries - FREE[kind]
    return 0 if over < 0 else min(FIRST * 2 ** min(over, 20), LONGEST)


def good(**what: str) -> None:
    """The attempt was good: its account starts anew, its address is not charged for it."""
    from django.db import transaction
    from django.db.models import F

    from .models import SignInCount

    with transaction.atomic():
        audit.lock()
        address = what.pop("address", "")
        SignInCount.objects.filter(key__in=[_key(kind, name) for kind, name in what.items()]).delete()
        SignInCount.objects.filter(key=_key("address", address), tries__gt=0).update(tries=F("tries") - 1, until=0)


def use_link(text: str, seconds: int) -> bool:
    """Use a sign-in link up; False when it was used before."""
    from django.db import transaction

    from .models import UsedLink

    now = context.clock()
    with transaction.atomic():
        audit.lock()
        UsedLink.objects.filter(until__lt=now).delete()
        _, made = UsedLink.objects.get_or_create(
            digest=_key("link", text), defaults={"until": now + seconds * 1_000_000}
        )
    return made


def _key(kind: str, name: str) -> str:
    return f"{kind}:{hashlib.sha256(name.strip().casefold().encode(errors='replace') if kind != 'link' else name.encode()).hexdigest()}"


def state() -> dict[str, Any]:
    """How many accounts and addresses wait now."""
    from .models import SignInCount

    waiting = SignInCount.objects.filter(until__gt=context.clock()).values_list("key", flat=True)
    kinds = [key.split(":")[0] for key in waiting]
    return {kind: kinds.count(kind) for kind in FREE}
