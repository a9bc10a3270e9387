"""Holds the double entries of a payee's pay, and what may be posted: every entry balances to zero across accounts.

Accounts (from the payee's side; a balance above zero is owed to the payee): ``earned`` passes on what a period earned,
``held`` until a milestone, ``payable`` to be paid, ``paid``, ``draw_advance`` (below zero: to be repaid),
``negative_carry`` (below zero: to be taken from later pay), ``forfeited`` above a cap, ``forgiven`` a negative period that
the plan does not recover, ``cost_contra`` the company's side. Nothing is changed or removed: a correction is a REVERSAL
and a new entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from salesops.common.errors import InvalidData

Account = Literal[
    "earned", "held", "payable", "paid", "draw_advance", "negative_carry", "forfeited", "forgiven", "cost_contra"
]
EntryType = Literal[
    "EARN", "PPA", "ADJUST", "HOLD", "RELEASE", "CAP_FORFEIT", "DRAW_ADV", "DRAW_RECOVER", "DRAW_FORGIVE", "CLAWBACK",
    "OFFSET", "WRITE_OFF", "FX", "PAY", "PAY_RETURN", "REVERSAL",
]  # fmt: skip

MOVES: Final[Mapping[EntryType, frozenset[tuple[Account, Account]]]] = {
    "EARN": frozenset({("cost_contra", "earned")}),
    "PPA": frozenset({("cost_contra", "earned")}),
    "ADJUST": frozenset({("cost_contra", "earned")}),
    "CAP_FORFEIT": frozenset({("earned", "forfeited")}),
    "HOLD": frozenset({("earned", "held")}),
    "RELEASE": frozenset({("earned", "payable"), ("held", "payable")}),
    "DRAW_ADV": frozenset({("draw_advance", "payable")}),
    "DRAW_RECOVER": frozenset({("payable", "draw_advance")}),
    "DRAW_FORGIVE": frozenset({("cost_contra", "draw_advance")}),
    "CLAWBACK": frozenset({("negative_carry", "cost_contra"), ("held", "cost_contra")}),
    "OFFSET": frozenset({("payable", "negative_carry"), ("negative_carry", "earned"), ("negative_carry", "payable"),
                         ("draw_advance", "negative_carry"), ("negative_carry", "draw_advance")}),
    "WRITE_OFF": frozenset({("cost_contra", "negative_carry"), ("forgiven", "earned")}),
    "FX": frozenset({("cost_contra", "payable")}),
    "PAY": frozenset({("payable", "paid")}),
    "PAY_RETURN": frozenset({("paid", "payable")}),
}  # fmt: skip
"""From which account to which each type moves money; a negative amount moves it back."""

COUNTED: Final = ("EARN", "PPA", "CLAWBACK")
"""Types whose sum per key is what is already posted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: an amount moved from one account to another, for a component, origin period and deal."""

    payee: str
    type: EntryType
    source: Account
    target: Account
    cents: int
    period: str
    origin_period: str
    component: str = ""
    deal: str = ""
    code: str = ""
    reason: str = ""
    reverses: str = ""
    run_seq: int = 0
    base: int = 0  # of a HOLD: the amount that milestones release

    @property
    def moves(self) -> tuple[tuple[Account, int], tuple[Account, int]]:
        """What the entry does to each account; the sum is always zero."""
        return (self.source, -self.cents), (self.target, self.cents)

    @property
    def key(self) -> tuple[str, ...]:
        """What may be posted only once: a second post of the same run adds nothing."""
        return (
            self.payee, self.component, self.period, self.origin_period,
            f"{self.type}:{self.source}>{self.target}:{self.deal}:{self.code}:{self.reason}", str(self.run_seq),
        )  # fmt: skip


def entry(
    payee: str, kind: EntryType, source: Account, target: Account, cents: int, period: str, **fields: Any
) -> Entry:
    """Make an entry; raise InvalidData if entries of this type do not move money between these accounts."""
    if kind != "REVERSAL" and (source, target) not in MOVES[kind]:
        raise InvalidData(f"{kind} does not move money from {source} to {target}", "Use an entry type that does")
    origin = fields.pop("origin_period", period)
    return replace(Entry(payee, kind, source, target, cents, period, origin), **fields)


def reversal(original: Entry, period: str, reason: str) -> Entry:
    """Make the entry that undoes another, in the open period. Reversing a reversal brings the original back."""
    return replace(
        original, type="REVERSAL", source=original.target, target=original.source, period=period, reason=reason,
        reverses="|".join(original.key),
    )  # fmt: skip


def balances(entries: Iterable[Entry]) -> dict[str, dict[Account, int]]:
    """Give the balance of every payee's accounts: the sum of what the entries move."""
    found: dict[str, dict[Account, int]] = defaultdict(lambda: defaultdict(int))
    for one in entries:
        for account, cents in one.moves:
            found[one.payee][account] += cents
    return {payee: dict(accounts) for payee, accounts in found.items()}


def post(ledger: Iterable[Entry], new: Iterable[Entry]) -> list[Entry]:
    """Give the entries that posting adds: those that are not zero and whose key is not yet there."""
    there = {one.key for one in ledger}
    found: list[Entry] = []
    for one in new:
        if one.cents and one.key not in there:
            there.add(one.key)
            found.append(one)
    return found


def open_by_deal(entries: Iterable[Entry], account: Account) -> dict[tuple[str, str, str, str], int]:
    """Give what is still in an account per (payee, component, origin period, deal); empty ones are left out."""
    found: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for one in entries:
        for moved, cents in one.moves:
            if moved == account:
                found[one.payee, one.component, one.origin_period, one.deal] += cents
    return {key: cents for key, cents in found.items() if cents}
