"""Bearer tokens: who acts, and what the token may be used for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from salesops.common.errors import NotAllowed, UsageError
from salesops.records import actions_tokens
from salesops.records.access import Actor

from .limit import check_rate


class Token(HttpBearer):
    """A token with a scope; the roles of its user are asked by queries and actions."""

    openapi_description = "A token of `salesops user token create`: `Authorization: Bearer so_...`"

    def __init__(self, scope: str = "") -> None:
        self.scope = scope
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        found = actions_tokens.authenticate(token)
        if found is None:
            return None
        actor, scopes = found
        check_rate(token.split("_")[1])
        if self.scope and not actions_tokens.allows(scopes, self.scope):
            raise NotAllowed(
                f"this token lacks the scope {self.scope}",
                remedy=f"Make one that has it: salesops user token create --scopes {self.scope}",
            )
        from .asked import check_parameters

        check_parameters(request)
        request.scopes = scopes  # type: ignore[attr-defined]
        return actor


def stored_number(number: int, what: str) -> int:
    """A number that a database can hold; raises UsageError for another."""
    if not 0 < number < 2**63:
        raise UsageError(f"{number} is no number of a {what}", remedy="Give a number that was listed")
    return number


def actor_of(request: HttpRequest) -> Actor:
    """Who acts in this request."""
    actor: Actor = request.auth  # type: ignore[attr-defined]
    return actor
