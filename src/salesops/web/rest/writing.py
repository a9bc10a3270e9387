"""Writing calls: the answer to an Idempotency-Key is stored in the transaction of what was done, and given again to a repetition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from salesops.common.errors import UsageError
from salesops.output import plain
from salesops.records import audit, context
from salesops.records.approvals import Waiting

from .auth import actor_of
from .problems import KeyReused

KEPT_FOR = 7 * 24 * 3600 * 1_000_000
"""For how long, in microseconds, an answer is kept."""
LONGEST = 255


@dataclass(frozen=True)
class Done:
    """What a writing call did: the status and body of its answer, and headers."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, replayed: bool = False) -> HttpResponse:
        text = "" if self.status == 204 else json.dumps(plain(self.body), ensure_ascii=False, allow_nan=False)
        return _response(text, self.status, self.headers, replayed)


def waits(waiting: Waiting) -> Done:
    """Nothing was done yet: a proposal waits for somebody else's approval."""
    return Done(waiting.to_dict(), 202)


def write(request: HttpRequest, act: Callable[[], Done], content: str = "") -> HttpResponse:
    """Run a writing call in one transaction with its stored answer: both are there, or neither.

    `content` stands for what was sent where that is not the body itself (files). An error is not stored: nothing was done,
    and the call may be repeated with the same key.
    """
    key = key_of(request)
    if not key:
        return act().response()
    digest = digest_of(request, content)
    with transaction.atomic():
        audit.lock()  # calls with the same key wait for each other here
        if (earlier := replay(request, key, digest)) is not None:
            return earlier
        done = act()
        store(request, key, digest, done)
    return done.response()


def no_key(request: HttpRequest, why: str) -> None:
    """Refuse an Idempotency-Key, where the call or its answer may be stored nowhere."""
    if key_of(request):
        raise UsageError(why, remedy="Leave the header out")


def key_of(request: HttpRequest) -> str:
    """The call's Idempotency-Key; empty for none. Raises UsageError for one that is too long."""
    key = str(request.headers.get("Idempotency-Key", "")).strip()
    if len(key) > LONGEST or not key.isprintable():
        raise UsageError(
            "the Idempotency-Key is too long", remedy=f"Use at most {LONGEST} characters, for example a UUID"
        )
    return key


def digest_of(request: HttpRequest, content: str = "") -> str:
    """A digest of everything that a call says: method, address, condition and content."""
    said = [request.method, request.get_full_path(), request.headers.get("If-Match", ""), content]
    digest = hashlib.sha256(json.dumps(said).encode())
    if not content:
        digest.update(request.body)
    return digest.hexdigest()


def replay(request: HttpRequest, key: str, digest: str) -> HttpResponse | None:
    """The stored answer to a key; None where there is none. Raises KeyReused where the key came with another call."""
    from salesops.records.models import AnsweredKey

    row = AnsweredKey.objects.filter(user=actor_of(request).username, key=key).first()
    if row is None:
        return None
    if row.digest != digest:
        raise KeyReused(
            "this Idempotency-Key was used for another call",
            remedy="Use a new key for every new call; a UUID is a good one",
        )
    return _response(row.body, row.status, json.loads(row.headers), True)


def store(request: HttpRequest, key: str, digest: str, done: Done) -> None:
    """Keep the answer, inside the caller's transaction; answers that are too old go."""
    from salesops.records.models import AnsweredKey

    if not key:
        return
    now = context.clock()
    AnsweredKey.objects.filter(created__lt=now - KEPT_FOR).delete()
    AnsweredKey.objects.create(
        user=actor_of(request).username, key=key, digest=digest, status=done.status, created=now,
        headers=json.dumps(dict(done.headers)),
        body="" if done.status == 204 else json.dumps(plain(done.body), ensure_ascii=False, allow_nan=False),
    )  # fmt: skip


def _response(text: str, status: int, headers: Mapping[str, str], replayed: bool) -> HttpResponse:
    response = HttpResponse(text, content_type="application/json", status=status)
    for name, value in headers.items():
        response[name] = value
    if replayed:
        response["Idempotency-Replayed"] = "true"
    return response
