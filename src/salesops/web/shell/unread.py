"""What waits for the reader: comments that concern them since they opened the inbox last (kept for each user in the database), and
proposals to decide."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from salesops.records import actions_work, approvals
from salesops.records.access import Actor

MOST = 99
"""So many comments are counted; more are not told apart."""


def waiting(request: HttpRequest) -> SimpleLazyObject:
    """The count, asked for where a template shows it."""
    return SimpleLazyObject(lambda: _count(request.actor))  # type: ignore[attr-defined]


def _count(actor: Actor) -> int:
    return len(actions_work.told(actor, after=actions_work.seen(actor), most=MOST)) + approvals.waiting_for(actor)
