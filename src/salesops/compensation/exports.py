"""Computes what leaves the system: payroll rows with control totals, and the journal of the general ledger.

Both come from ledger entries only, so that they cannot say anything else. Nothing at or below zero is ever exported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from salesops.common.errors import InvalidData
from salesops.compensation.exact import share
from salesops.compensation.ledger import Entry
from salesops.compensation.measures import to_pay_cents

_CODES = {"PPA": "PPA", "DRAW_ADV": "DRAW_ADV", "DRAW_RECOVER": "DRAW_REC", "OFFSET": "CLAWBACK"}


@dataclass(frozen=True, slots=True)
class Employment:
    """What payroll must know of a payee."""

    employee_id: str
    legal_entity: str
    currency: str
    cost_center: str = ""


@dataclass(frozen=True, slots=True)
class PayrollRow:
    """One earning code of a payee: the columns of the payroll file, money in minor units."""

    batch_id: str
    employee_id: str
    legal_entity: str
    pay_date: date
    earning_code: str
    amount: int
    currency: str
    cost_center: str
    period_from: date
    period_to: date
    statement_id: str
    run_id: str
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """The control row of a currency: how many rows, and their sum in minor units."""

    currency: str
    count: int
    total: int


def amounts(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    """Give what each payee is paid by earning code: the moves into and out of ``payable``, prior periods apart."""
    listed = list(entries)
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in listed:
        for account, cents in one.moves:
            if account == "payable" and one.type != "PAY":
                found[one.payee][_CODES.get(one.type, one.code or "COMM")] += cents
    released = {(one.payee, one.component) for one in listed if one.type == "RELEASE" and one.source == "earned"}
    for one in listed:  # a correction of the past was released under its component's code: it has a code of its own
        if one.type == "PPA" and (one.payee, one.component) in released:
            found[one.payee][one.code or "COMM"] -= one.cents
            found[one.payee]["PPA"] += one.cents
    return {payee: {code: cents for code, cents in sorted(codes.items()) if cents} for payee, codes in found.items()}


@dataclass(frozen=True, slots=True)
class Batch:
    """What a payroll file is of. ``rates`` gives the stored pay rates from the plan's currency to each pay currency."""

    batch_id: str
    pay_date: date
    period_from: date
    period_to: date
    run_id: str
    currency: str
    rates: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)


def payroll(entries: Iterable[Entry], people: Mapping[str, Employment], batch: Batch) -> list[PayrollRow]:
    """Give the payroll rows of a period's entries, by payee and code, in the pay currency: each code converted and rounded.

    Who nets to zero or less is not in them. InvalidData names who has no employment or no pay rate.
    """
    rows: list[PayrollRow] = []
    missing: list[str] = []
    for payee, codes in sorted(amounts(entries).items()):
        if sum(codes.values()) <= 0:
            continue
        person = people.get(payee)
        if person is None or (person.currency != batch.currency and person.currency not in batch.rates):
            missing.append(payee if person is None else f"{payee} ({person.currency})")
            continue
        rows += [_row(payee, person, code, cents, batch) for code, cents in codes.items()]
    if missing:
        who = ", ".join(missing[:5])
        raise InvalidData(
            f"{who} cannot be paid: no employment or no pay rate",
            "Give employee number, legal entity, pay currency and its pay rate",
        )
    return rows


def _row(payee: str, person: Employment, code: str, cents: int, batch: Batch) -> PayrollRow:
    rates = batch.rates.get(person.currency, ()) if person.currency != batch.currency else ()
    amount = to_pay_cents(cents, batch.currency, person.currency, rates)
    return PayrollRow(
        batch.batch_id, person.employee_id, person.legal_entity, batch.pay_date, code, amount, person.currency, person.cost_center,
        batch.period_from, batch.period_to, batch.statements.get(payee, ""), batch.run_id,
    )  # fmt: skip


def controls(rows: Sequence[PayrollRow]) -> list[Control]:
    """Give the control rows: count and sum for each currency."""
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        found[row.currency].append(row.amount)
    return [Control(currency, len(listed), sum(listed)) for currency, listed in sorted(found.items())]


def acknowledged(rows: Sequence[PayrollRow], said: Sequence[Control]) -> list[str]:
    """Give how an acknowledgement differs from what was sent; nothing means that the batch is paid."""
    sent, got = ({one.currency: one for one in listed} for listed in (controls(rows), said))
    return [
        f"{code}: sent {sent.get(code)}, acknowledged {got.get(code)}"
        for code in sorted(set(sent) | set(got))
        if sent.get(code) != got.get(code)
    ]


# General ledger -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A line of a balanced journal: debit and credit in minor units, of an entity, currency and cost center."""

    batch_key: str
    account: str
    debit: int
    credit: int
    memo: str = ""


def journal(
    key: str,
    earned: int,
    capitalized: int,
    fringe_ppm: int = 0,
    paid: int = 0,
    amortized: int = 0,
    clawed_book: int = 0,
    clawed_gone: int = 0,
) -> list[JournalLine]:
    """Give the balanced journal of a period: earnings (capitalised in part) with employer tax, payment, amortisation, clawback.

    ``capitalized`` is the part of ``earned`` that becomes an asset; its fringe goes with it. A clawback takes
    ``clawed_book`` off the asset (net book) and ``clawed_gone`` off the expense (already amortised).
    """
    tax, tax_asset = share(earned, fringe_ppm), share(capitalized, fringe_ppm)
    moves = [
        ("Deferred contract cost", capitalized + tax_asset, "earned"),
        ("Commission expense", earned - capitalized + tax - tax_asset, "earned"),
        ("Accrued commissions", -earned, "earned"),
        ("Accrued employer tax", -tax, "earned"),
        ("Commission amortization", amortized, "amortised"),
        ("Deferred contract cost", -amortized, "amortised"),
        ("Accrued commissions", paid, "paid"),
        ("Payroll clearing", -paid, "paid"),
        ("Payroll receivable", clawed_book + clawed_gone, "clawback"),
        ("Deferred contract cost", -clawed_book, "clawback"),
        ("Commission expense", -clawed_gone, "clawback"),
    ]
    return [JournalLine(key, account, max(cents, 0), max(-cents, 0), memo) for account, cents, memo in moves if cents]
