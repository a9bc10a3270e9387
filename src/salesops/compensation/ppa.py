"""Computes postings as differences: new result less what is already posted, for each key. Nothing where it is zero.

First close, recalculation and prior-period adjustment are this one function; the type of a posting says whether its
origin period is the open one (EARN) or an earlier one (PPA).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """What a posting is about: payee, component, the period whose result it is, and the deal."""

    payee: str
    component: str
    origin_period: str
    deal: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A difference to post in the open period: what the key was and is now, in minor units."""

    key: Key
    period: str
    before: int
    after: int

    @property
    def cents(self) -> int:
        """What is posted."""
        return self.after - self.before

    @property
    def type(self) -> str:
        """EARN for the open period itself, PPA for an earlier one."""
        return "EARN" if self.key.origin_period == self.period else "PPA"


def deltas(result: Mapping[Key, int], posted: Mapping[Key, int], period: str) -> list[Delta]:
    """Give what to post in the open period so that what is posted equals the result, ordered by key."""
    keys = sorted(set(result) | set(posted))
    found = [Delta(key, period, posted.get(key, 0), result.get(key, 0)) for key in keys]
    return [delta for delta in found if delta.cents]


def after(posted: Mapping[Key, int], new: list[Delta]) -> dict[Key, int]:
    """Give what is posted once some differences are."""
    found = dict(posted)
    for delta in new:
        found[delta.key] = found.get(delta.key, 0) + delta.cents
    return found
