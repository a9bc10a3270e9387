"""The second factor: six digits of an authenticator (TOTP, RFC 6238: 30 seconds, SHA-1), and ten recovery codes.

The secret is stored sealed (`records.sealing`), a code is good once, one step before and after counts for clocks that differ. Of a
recovery code only a SHA-256 is kept: it has 80 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any

import pyotp

from salesops.common.errors import Conflict, InvalidData, NotAllowed, WorkspaceError

from . import audit, context
from .access import Actor, require
from .actions_users import _may_grant, _user, _written
from .sealing import seal, unseal

STEP = 30
CODES = 10


def required() -> bool:
    """Whether the setting `second_factor` asks everybody for one."""
    return bool(context.option("second_factor", "") == "required")


def new_secret() -> str:
    """A new secret of 160 bits, as base 32: nothing is stored until `confirm`."""
    return pyotp.random_base32()


def address_of(secret: str, username: str, company: str) -> str:
    """The `otpauth://` address that authenticators read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=company)


def confirm(actor: Actor, secret: str, code: str) -> list[str]:
    """Set up one's own second factor: the secret, once its code is right. Gives the recovery codes; they are not shown again."""
    from django.db import transaction

    require(actor, "read")
    step = _step_of(secret, code)
    if step is None:
        raise InvalidData(
            "this code does not belong to the secret",
            remedy="Write the six digits that are shown now; check the clock of the device",
        )
    with transaction.atomic():
        audit.lock()
        user = _user(actor.username)
        if user.second_factor:
            raise Conflict("there is a second factor already", remedy="Turn it off first")
        user.second_factor, user.second_factor_step = seal(secret), step
        user.save(update_fields=["second_factor", "second_factor_step"])
        codes = _new_codes(actor.username)
        _written(actor, "user.second_factor", actor.username, {"state": "on"})
    return codes


def renew_codes(actor: Actor, code: str) -> list[str]:
    """New recovery codes in place of the old ones, for a code."""
    from django.db import transaction

    _prove(actor, code)
    with transaction.atomic():
        audit.lock()
        codes = _new_codes(actor.username)
        _written(actor, "user.second_factor", actor.username, {"state": "new recovery codes"})
    return codes


def turn_off(actor: Actor, code: str) -> None:
    """Take one's own second factor away, for a code; refused where the workspace requires one."""
    if required():
        raise NotAllowed(
            "everybody needs a second factor here", remedy="Ask an admin to reset it if the device is lost"
        )
    _prove(actor, code)
    _remove(actor, actor.username, "off")


def reset_second_factor(actor: Actor, username: str) -> None:
    """Take somebody's second factor away who has lost it; an owner's only by an owner."""
    require(actor, "manage_users")
    user = _user(username)
    _may_grant(actor, frozenset(user.roles.split()), frozenset())
    if not user.second_factor:
        raise Conflict(f"{username} has no second factor", remedy="Nothing is to be done")
    _remove(actor, username, "reset")


def check_code(username: str, text: str) -> str:
    """What kind of code of a user this is, "code" or "recovery", and use it up; empty when it is none that is good."""
    from .models import RecoveryCode, User

    user = User.objects.filter(username=username, is_active=True).first()
    if user is None or not user.second_factor:
        return ""
    given = re.sub(r"[\s-]", "", text)
    if re.fullmatch(r"[0-9]{6}", given):
        try:
            step = _step_of(unseal(user.second_factor), given)
        except WorkspaceError:
            return ""
        newer = User.objects.filter(pk=user.pk, second_factor_step__lt=step or 0)
        return "code" if step is not None and newer.update(second_factor_step=step) else ""
    rows = RecoveryCode.objects.filter(user=username, digest=_digest(username, given), used=None)
    return "recovery" if rows.update(used=context.clock()) else ""


def second_factor_of(username: str) -> dict[str, Any]:
    """Whether a user has one, and how many recovery codes are left."""
    from .models import RecoveryCode, User

    has = User.objects.filter(username=username).exclude(second_factor="").exists()
    return {
        "on": has,
        "codes": RecoveryCode.objects.filter(user=username, used=None).count() if has else 0,
        "required": required(),
    }


def who_has_one(actor: Actor) -> set[str]:
    """The user names that have a second factor."""
    from .models import User

    require(actor, "manage_users")
    return set(User.objects.exclude(second_factor="").values_list("username", flat=True))


def _prove(actor: Actor, code: str) -> None:
    from . import throttle

    require(actor, "read")
    if seconds := throttle.attempt(code=actor.username):
        raise NotAllowed("too many codes were wrong", remedy=f"Try again in {seconds} seconds")
    if not check_code(actor.username, code):
        raise InvalidData(
            "this code is not good, or was used before", remedy="Write the code that is shown now, or a recovery code"
        )
    throttle.good(code=actor.username)


def _remove(actor: Actor, username: str, how: str) -> None:
    from django.db import transaction

    from .models import RecoveryCode, User

    with transaction.atomic():
        audit.lock()
        User.objects.filter(username=username).update(second_factor="", second_factor_step=0)
        RecoveryCode.objects.filter(user=username).delete()
        _written(actor, "user.second_factor", username, {"state": how})


def _new_codes(username: str) -> list[str]:
    from .models import RecoveryCode

    RecoveryCode.objects.filter(user=username).delete()
    made = [secrets.token_hex(10) for _ in range(CODES)]
    now = context.clock()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=username, digest=_digest(username, one), created=now) for one in made
    )
    return ["-".join(re.findall(".{5}", one)) for one in made]


def _step_of(secret: str, code: str) -> int | None:
    """The step of 30 seconds, the one now or beside it, whose code this is."""
    given = re.sub(r"\s", "", code)
    now = context.clock() // 1_000_000 // STEP
    codes = pyotp.TOTP(secret, interval=STEP)
    return (
        next((step for step in (now, now - 1, now + 1) if hmac.compare_digest(codes.generate_otp(step), given)), None)
        if given.isascii()
        else None
    )


def _digest(username: str, code: str) -> str:
    return hashlib.sha256(f"{username}:{code.lower()}".encode()).hexdigest()
