"""Holds what the engine is given about one payee: service, quotas, credits, achievements, events. All in minor units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from salesops.compensation.crediting import Credit
from salesops.compensation.plan import Days
from salesops.compensation.quotas import Service


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount for an interval: a quota of one quota window, a target incentive, a salary."""

    valid: Days
    cents: int


@dataclass(frozen=True, slots=True)
class RatioPart:
    """What a deal adds to the numerator and denominator of a ratio measure."""

    on: date
    num: int
    den: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a deal. ``line`` names the negative line that came with it, if there is one.

    ``cash`` and ``invoiced`` carry an amount; any other kind is a clawback's cause or a milestone.
    """

    deal: str
    kind: str
    on: date
    cents: int = 0
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Awarded:
    """What a SPIFF, contest or pool gives a payee in a period."""

    component: str
    period: str
    deal: str
    cents: int


@dataclass(frozen=True, slots=True)
class Payee:
    """One payee under one plan.

    ``credits`` by measure (windfalls not yet applied), ``carried`` what was accumulated by measure under an earlier plan
    that carries, ``achieved`` by (component, goal, window key), ``fields`` what pools may weigh by.
    """

    payee: str
    service: Service
    credits: Mapping[str, Sequence[Credit]] = field(default_factory=dict)
    ratios: Mapping[str, Sequence[RatioPart]] = field(default_factory=dict)
    quotas: Mapping[str, Sequence[Sum]] = field(default_factory=dict)
    targets: Sequence[Sum] = ()
    salaries: Sequence[Sum] = ()
    achieved: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    events: Sequence[Event] = ()
    awards: Sequence[Awarded] = ()
    carried: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)


def on_day(sums: Sequence[Sum], day: date) -> int | None:
    """Give the amount that is valid on a day, None if there is none."""
    return next((one.cents for one in sums if day in one.valid), None)
