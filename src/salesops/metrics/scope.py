"""Which records of a fact an actor sees: what they own, now or at the date basis, and what people below them own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .session import Actor
from .sql import day


def below(me: int | str, person: str, at: str) -> str:
    """The condition that a person (SQL) is `me`, or stood below `me` in the reporting line on the day `at` (SQL)."""
    return (
        f"{person} = {me} OR EXISTS (SELECT 1 FROM reporting_closure AS z WHERE z.ancestor = {me} AND z.person = {person}"
        f" AND z.valid_from <= {at} AND {at} < z.valid_to)"
    )


def visible(session: Any, actor: Actor, owned: bool = True, at: Callable[[str], str] | None = None) -> str | None:
    """The condition on a fact `f` (columns owner, owner_now, basis); None when the actor sees every record.

    `at` gives the SQL of `me` and `today`, where they are not to be written into the condition."""
    if actor.sees_all:
        return None
    if actor.person is None or not owned:
        return "1 = 0"
    me = at("me") if at else str(int(actor.person))
    today = at("today") if at else day(session.manifest.today)
    # `below` may be null where there is no owner: what belongs to nobody is not theirs.
    return f"COALESCE({below(me, 'f.owner', 'f.basis')} OR {below(me, 'f.owner_now', today)}, FALSE)"
