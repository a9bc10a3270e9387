"""Computes what a pay period pays somebody, from earnings to payable, as ledger entries.

In this order: earnings and prior-period differences, forfeits, holdback and releases, draw or guarantee, clawbacks,
offset of what is owed, negative carry. Pay is never below zero: what is missing is carried to later periods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from salesops.common.money import PPM
from salesops.compensation import draws
from salesops.compensation.ledger import Account, Entry, EntryType, entry
from salesops.compensation.plan import Draw, Negative


@dataclass(frozen=True, slots=True)
class Earned:
    """Something that a period earns: a deal's line of a component, by origin period. ``held`` stays in ``held``."""

    component: str
    cents: int
    code: str = "COMM"
    deal: str = ""
    origin_period: str = ""
    type: EntryType = "EARN"
    held: int = 0
    base: int = 0  # what milestones release, where a part is held
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Forfeit:
    """What a cap took of a component (below zero: what comes back, as an earlier period's cap took too much)."""

    component: str
    cents: int
    origin_period: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """What a milestone releases of a deal's earning (below zero: a receipt was reversed)."""

    component: str
    deal: str
    origin_period: str
    cents: int
    code: str = "COMM"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a clawback takes back of a deal, as a positive amount; ``held_from`` names the period whose held money it is."""

    component: str
    deal: str
    cents: int
    held_from: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """What comes over from earlier periods: the draw balance that is owed, and debts by component (both positive)."""

    draw: int = 0
    debts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policies:
    """What the plan says about settling: how negative components and offsets go, and its draw."""

    draw: Draw | None = None
    negative: Mapping[str, Negative] = field(default_factory=dict)
    max_offset: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settled period: its entries, what is payable, and what goes over to the next."""

    entries: tuple[Entry, ...]
    payable: int
    closing: Opening
    draw: draws.DrawMove | None
    carried: int
    forgiven: int


class _Book:
    """Collects the entries of one payee and period, and keeps the sum that is payable."""

    def __init__(self, payee: str, period: str) -> None:
        self.payee, self.period = payee, period
        self.entries: list[Entry] = []
        self.payable = 0

    def put(self, kind: EntryType, source: Account, target: Account, cents: int, **fields: Any) -> None:
        if cents:
            self.entries.append(entry(self.payee, kind, source, target, cents, self.period, **fields))
            self.payable += cents * ((target == "payable") - (source == "payable"))


def settle(
    payee: str,
    period: str,
    earned: Sequence[Earned],
    policies: Policies,
    opening: Opening | None = None,
    *,
    forfeits: Sequence[Forfeit] = (),
    releases: Sequence[Release] = (),
    taken: Sequence[Taken] = (),
    draw: draws.DrawPeriod | None = None,
) -> Settlement:
    """Give the entries of a payee's period. ``draw`` holds the period's draw; its ``earned`` is filled in here."""
    opening = opening or Opening()
    book = _Book(payee, period)
    debts = dict(opening.debts)
    carried, forgiven = _earnings(book, earned, forfeits, policies, debts)
    for one in releases:
        book.put("RELEASE", "held", "payable", one.cents, component=one.component, deal=one.deal,
                 origin_period=one.origin_period, code=one.code)  # fmt: skip
    moved = _draw(book, policies.draw, draw, opening.draw, debts)
    for claw in taken:
        if claw.held_from:
            book.put("CLAWBACK", "held", "cost_contra", claw.cents, component=claw.component, deal=claw.deal,
                     origin_period=claw.held_from, code="CLAWBACK")  # fmt: skip
            continue
        book.put(
            "CLAWBACK",
            "negative_carry",
            "cost_contra",
            claw.cents,
            component=claw.component,
            deal=claw.deal,
            code="CLAWBACK",
        )
        debts[claw.component] = debts.get(claw.component, 0) + claw.cents
    _offsets(book, policies, debts, draw, {} if carried is None else carried)
    if book.payable < 0:
        short = -book.payable
        book.put("OFFSET", "negative_carry", "payable", short, reason="pay below zero")
        debts[""] = debts.get("", 0) + short
    closing = Opening(
        opening.draw if moved is None else moved.closing, {key: owed for key, owed in sorted(debts.items()) if owed}
    )
    return Settlement(tuple(book.entries), book.payable, closing, moved, sum(carried.values()), forgiven)


def _earnings(
    book: _Book, earned: Sequence[Earned], forfeits: Sequence[Forfeit], policies: Policies, debts: dict[str, int]
) -> tuple[dict[str, int], int]:
    """Post earnings and pass them on: held, forfeited, payable; a component below zero by the plan's policy."""
    kept: dict[str, int] = {}
    codes: dict[str, str] = {}
    for one in earned:
        origin = one.origin_period or book.period
        fields = {
            "component": one.component,
            "deal": one.deal,
            "origin_period": origin,
            "code": one.code,
            "reason": one.reason,
        }
        book.put(one.type, "cost_contra", "earned", one.cents, **fields)
        book.put("HOLD", "earned", "held", one.held, base=one.base or one.cents, **fields)
        kept[one.component] = kept.get(one.component, 0) + one.cents - one.held
        codes.setdefault(one.component, one.code)
    for cut in forfeits:
        book.put("CAP_FORFEIT", "earned", "forfeited", cut.cents, component=cut.component,
                 origin_period=cut.origin_period or book.period)  # fmt: skip
        kept[cut.component] = kept.get(cut.component, 0) - cut.cents
    carried: dict[str, int] = {}
    forgiven = 0
    for component, cents in kept.items():
        how = policies.negative.get(component, "carry_negative") if cents < 0 else "recover"
        if how == "carry_negative":
            book.put(
                "OFFSET", "negative_carry", "earned", -cents, component=component, reason="negative period carried"
            )
            carried[component] = -cents
            debts[component] = debts.get(component, 0) - cents
        elif how == "floor_zero":
            book.put("WRITE_OFF", "forgiven", "earned", -cents, component=component, reason="negative period forgiven")
            forgiven -= cents
        else:
            book.put("RELEASE", "earned", "payable", cents, component=component, code=codes.get(component, ""))
    return carried, forgiven


def _draw(
    book: _Book, draw: Draw | None, period: draws.DrawPeriod | None, opening: int, debts: dict[str, int]
) -> draws.DrawMove | None:
    if draw is None or period is None:
        return None
    moved = draws.move(
        draw,
        opening,
        draws.DrawPeriod(book.payable, period.amount, period.advances, period.year_end, period.terminated),
    )
    book.put("DRAW_ADV", "draw_advance", "payable", moved.advance, component="(draw)", code="DRAW_ADV")
    book.put("DRAW_RECOVER", "payable", "draw_advance", moved.recovered, component="(draw)", code="DRAW_REC")
    book.put("DRAW_FORGIVE", "cost_contra", "draw_advance", moved.forgiven, component="(draw)", code="GUAR")
    if moved.subsidy:
        book.put("EARN", "cost_contra", "earned", moved.subsidy, component="(guarantee)", code="GUAR")
        book.put("RELEASE", "earned", "payable", moved.subsidy, component="(guarantee)", code="GUAR")
    if moved.owed:
        book.put("OFFSET", "negative_carry", "draw_advance", moved.owed, component="(draw)", reason="draw to collect")
        debts["(draw)"] = debts.get("(draw)", 0) + moved.owed
    return moved


def _offsets(
    book: _Book, policies: Policies, debts: dict[str, int], draw: draws.DrawPeriod | None, new: Mapping[str, int]
) -> None:
    """Take debts from what is payable, by component, each at most its share; what this period carried waits."""
    guaranteed = (
        draw.amount if draw is not None and policies.draw is not None and not policies.draw.offset_allowed else 0
    )
    whole = max(0, book.payable - guaranteed)
    left = whole
    for component in sorted(debts):
        owed = debts[component] - new.get(component, 0)
        most = whole * policies.max_offset.get(component, PPM) // PPM
        part = max(0, min(owed, left, most))
        if part:
            book.put("OFFSET", "payable", "negative_carry", part, component=component, code="CLAWBACK")
            debts[component] -= part
            left -= part
