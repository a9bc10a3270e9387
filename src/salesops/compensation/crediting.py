"""Computes who gets credit of a deal: precedence of rules, splits, overlays, reversals, roll-ups, territory as of a day.

A claim says that somebody may be credited; the best source of a credit type wins and the losers are kept ("why not
me?"). Money is whole minor units of the plan's currency, converted and rounded before it is split.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from salesops.common.errors import Problem
from salesops.common.money import PPM
from salesops.compensation.exact import rounded, shared_out, split
from salesops.compensation.plan import HOUSE, PRIMARY, ROLLUP, CreditRule, Days, Measure
from salesops.compensation.words import percent, rate

PRECEDENCE: Final = ("override", "named_account", "territory", "split", "owner", "house")
"""Sources of claims, the strongest first. A deal's own split stands before its owner, behind rules and overrides."""


@dataclass(frozen=True, slots=True)
class DealLine:
    """A fact that can carry credit. ``amount`` is in minor units; a reversal names the line of the deal it mirrors."""

    deal: str
    line: str
    amount: int
    credited_on: date
    booked_at: int | None = None
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody may be credited with a share of a deal (or of one ``line``) by a rule of a source."""

    deal: str
    credit_type: str
    source: str
    rule: str
    payee: str
    share: Fraction
    line: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """What counts for a payee. ``counted`` fills bands and quota, ``paid`` is the base of pay (windfalls lower them)."""

    payee: str
    credit_type: str
    deal: str
    line: str
    credited_on: date
    booked_at: int | None
    amount: int
    share: Fraction = Fraction(1)
    rule: str = ""
    losers: tuple[str, ...] = ()
    counted: int = 0
    paid: int = 0
    attained: int = 0

    @property
    def order(self) -> tuple[date, int, int, str, str, str]:
        """The total order of credits."""
        known = self.booked_at is not None
        return self.credited_on, int(known), self.booked_at or 0, self.deal, self.line, self.credit_type


@dataclass(frozen=True, slots=True)
class Crediting:
    """The outcome for some deals: credits in total order, lines that nobody gets, and what is wrong."""

    credits: tuple[Credit, ...]
    uncredited: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def credit_lines(
    lines: Iterable[DealLine], claims: Iterable[Claim], max_total: Mapping[str, tuple[str, int]] | None = None
) -> Crediting:
    """Credit deal lines directly.

    ``max_total`` gives for overlay types (cap group, most ppm of all types of that group on a deal); a deal above it is
    refused whole for these types. Shares of type primary must sum to one exactly: a deal that does not gets nothing of
    that type and a problem. A primary line without a claim is credited to ``(house)`` and queued as uncredited.
    """
    by_deal: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_deal[claim.deal].append(claim)
    found: list[Credit] = []
    uncredited: list[Problem] = []
    problems: list[Problem] = []
    for line, original in _with_originals(lines):
        own = [claim for claim in by_deal[line.deal] if claim.line in (None, original.line)]
        refused = _overlay_problem(line, own, max_total or {})
        if refused:
            problems.append(refused)
        types = dict.fromkeys([PRIMARY, *sorted(claim.credit_type for claim in own)])
        for credit_type in types:
            if refused and credit_type in (max_total or {}):
                continue
            winners, losers = winning([claim for claim in own if claim.credit_type == credit_type])
            if not winners:
                uncredited.append(_nobody(line))
                winners = [Claim(line.deal, PRIMARY, "house", HOUSE, HOUSE, Fraction(1))]
            wrong = _sum_problem(line, winners) if credit_type == PRIMARY else None
            if wrong:
                problems.append(wrong)
                continue
            found += _credits(line, credit_type, winners, losers)
    return Crediting(
        tuple(sorted(found, key=lambda one: (one.order, one.payee))), tuple(uncredited), _distinct(problems)
    )


def winning(claims: Sequence[Claim]) -> tuple[list[Claim], list[str]]:
    """Give the claims of the one rule that wins for a credit type, and the names of the rules that lose."""
    if not claims:
        return [], []
    best = min(claims, key=_rank)
    winners = [claim for claim in claims if _rank(claim) == _rank(best)]
    losers = sorted(
        {f"{claim.source}: {claim.rule} ({claim.payee})" for claim in claims if _rank(claim) != _rank(best)}
    )
    return sorted(winners, key=lambda claim: claim.payee), losers


def _rank(claim: Claim) -> tuple[int, int, str]:
    return PRECEDENCE.index(claim.source), claim.priority, claim.rule


def _with_originals(lines: Iterable[DealLine]) -> list[tuple[DealLine, DealLine]]:
    """Pair each line with the one whose credits it mirrors: itself, or the original of a reversal."""
    listed = list(lines)
    known = {(line.deal, line.line): line for line in listed}
    return [(line, known.get((line.deal, line.reverses or line.line), line)) for line in listed]


def _credits(line: DealLine, credit_type: str, winners: Sequence[Claim], losers: Sequence[str]) -> list[Credit]:
    shares = shares_of(winners)
    amounts = shared_out(line.amount, shares)
    rules = {claim.payee: claim.rule for claim in winners}
    return [
        Credit(payee, credit_type, line.deal, line.line, line.credited_on, line.booked_at, amount, shares[payee],
               rules[payee], tuple(losers), amount, amount, amount)
        for payee, amount in amounts.items()
    ]  # fmt: skip


def shares_of(claims: Iterable[Claim]) -> dict[str, Fraction]:
    """Add up the shares of each payee."""
    shares: dict[str, Fraction] = {}
    for claim in claims:
        shares[claim.payee] = shares.get(claim.payee, Fraction(0)) + claim.share
    return shares


def ppm_shares(shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Give shares that sum to one in parts per million; the odd ones go to the largest remainders, ties by key."""
    return split(PPM, dict(shares))


def _sum_problem(line: DealLine, winners: Sequence[Claim]) -> Problem | None:
    total = sum((claim.share for claim in winners), Fraction(0))
    if total == 1 and all(claim.share >= 0 for claim in winners):
        return None
    return Problem(
        "splits", None, "share", f"The split of deal {line.deal} sums to {percent(total, 6)}, not 100 %",
        "Correct the shares; until then nobody is paid on this deal", record=line.deal,
    )  # fmt: skip


def _overlay_problem(
    line: DealLine, claims: Sequence[Claim], max_total: Mapping[str, tuple[str, int]]
) -> Problem | None:
    totals: dict[str, Fraction] = defaultdict(Fraction)
    for credit_type in max_total:
        winners, _ = winning([claim for claim in claims if claim.credit_type == credit_type])
        totals[max_total[credit_type][0]] += sum((claim.share for claim in winners), Fraction(0))
    for group, most in sorted(set(max_total.values())):
        if totals[group] * PPM > most:
            return Problem(
                "crediting", None, group,
                f"Overlay credit of deal {line.deal} is {percent(totals[group])}, above the most of {rate(most)}",
                "Remove an overlay from the deal, or raise max_total in the plan", record=line.deal,
            )  # fmt: skip
    return None


def _nobody(line: DealLine) -> Problem:
    return Problem(
        "crediting", None, "owner", f"Nobody is credited with line {line.line} of deal {line.deal}",
        "Give the deal an owner, a split, a territory with a payee, or a rule", record=line.deal, severity="warning",
    )  # fmt: skip


def _distinct(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))


# Roll-ups -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch in which somebody reports to an ancestor; depth 1 is the own manager."""

    ancestor: str
    person: str
    depth: int
    valid: Days


def roll_up(
    direct: Iterable[Credit],
    closure: Iterable[Line],
    measure: Measure,
    originals: Mapping[tuple[str, str], date] | None = None,
) -> list[Credit]:
    """Give managers' credits: per manager, deal and line the sum of direct credits of their subtree, once each.

    The subtree is that of the crediting day; for a reversal ``originals`` names the day of the line that it mirrors, so
    that it goes to the same managers. ``exclude_own_direct`` leaves a manager's own deals out even with ``include_self``.
    """
    above: dict[str, list[Line]] = defaultdict(list)
    for one in closure:
        above[one.person].append(one)
    most = {"1": 1, "2": 2}.get(measure.levels)
    sums: dict[tuple[str, str, str], Credit] = {}
    for credit in direct:
        if credit.credit_type not in measure.of or credit.payee == HOUSE:
            continue
        day = (originals or {}).get((credit.deal, credit.line), credit.credited_on)
        managers = {
            one.ancestor
            for one in above[credit.payee]
            if one.depth >= 1 and (most is None or one.depth <= most) and day in one.valid
        }
        if measure.include_self and not measure.exclude_own_direct:
            managers.add(credit.payee)
        for manager in managers - ({credit.payee} if measure.exclude_own_direct else set()):
            key = manager, credit.deal, credit.line
            kept = sums.get(key)
            amount = credit.amount + (kept.amount if kept else 0)
            sums[key] = Credit(manager, ROLLUP, credit.deal, credit.line, credit.credited_on, credit.booked_at, amount,
                               rule="roll-up", counted=amount, paid=amount, attained=amount)  # fmt: skip
    return sorted(sums.values(), key=lambda one: (one.order, one.payee))


# Territories ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds a territory in a role over an interval."""

    territory: str
    payee: str
    valid: Days
    role: str = ""


def territory_claims(
    rule: CreditRule, deal: str, territory: str, days: Mapping[str, date], holders: Iterable[Holder]
) -> list[Claim]:
    """Give the claims of a territory rule on a deal: whoever holds the territory on the rule's day.

    ``days`` are the days that ``as_of`` may name; ``booked`` and ``created`` decide about protection: a deal created
    before a change of holder and booked less than ``protect_days`` after it is split between both. Nobody on that day
    gives no claim (the deal is then uncredited or goes to a weaker rule).
    """
    held = sorted(
        (h for h in holders if h.territory == territory and h.role == rule.role), key=lambda h: (h.valid.start, h.payee)
    )
    name = rule.id or f"territory {territory} as of {rule.as_of}"
    protected = _protected(rule, days, held)
    if protected:
        return [
            Claim(deal, rule.type, "territory", f"{name}, transition", payee, share * Fraction(rule.share, PPM))
            for payee, share in protected
        ]
    day = days.get(rule.as_of)
    share = Fraction(rule.share, PPM)
    return (
        []
        if day is None
        else [Claim(deal, rule.type, "territory", name, h.payee, share) for h in held if day in h.valid]
    )


def _protected(rule: CreditRule, days: Mapping[str, date], held: Sequence[Holder]) -> list[tuple[str, Fraction]]:
    created, booked = days.get("created"), days.get("booked")
    if rule.transition is None or created is None or booked is None:
        return []
    for before, after in itertools.pairwise(held):
        change = after.valid.start
        inside = created < change <= booked < change + timedelta(days=rule.transition.protect_days)
        if inside and before.valid.end == change and before.payee != after.payee and booked in after.valid:
            first, second = (Fraction(part, PPM) for part in rule.transition.split)
            return [(before.payee, first), (after.payee, second)]
    return []


def holder_problems(holders: Iterable[Holder]) -> list[Problem]:
    """Give a problem for every two payees who hold one territory in one role at the same time."""
    by_place: dict[tuple[str, str], list[Holder]] = defaultdict(list)
    for holder in holders:
        by_place[holder.territory, holder.role].append(holder)
    found: list[Problem] = []
    for (territory, _), held in sorted(by_place.items()):
        ordered = sorted(held, key=lambda one: (one.valid.start, one.payee))
        for before, after in itertools.pairwise(ordered):
            if before.valid.end is None or after.valid.start < before.valid.end:
                found.append(Problem(
                    "assignments", None, "valid_from", f"{before.payee} and {after.payee} hold territory {territory} at the same time from {after.valid.start}",
                    "End one of the two, or give them different roles", record=territory,
                ))  # fmt: skip
    return found


# Windfalls ------------------------------------------------------------------------------------------------------------


def counted(amount: int, above: int, ppm: int) -> Fraction:
    """Give what counts of an amount: all up to a threshold, a share of what lies above it; negatives mirror.

    >>> counted(1_000_000, 250_000, 250_000)
    Fraction(437500, 1)
    """
    size = abs(amount)
    kept = Fraction(size) if size <= above else above + Fraction((size - above) * ppm, PPM)
    return kept if amount >= 0 else -kept


def with_windfall(credits: Iterable[Credit], above: int, ppm: int, affects: Sequence[str]) -> list[Credit]:
    """Apply a windfall rule to a payee's credits, deal by deal: later lines of a deal carry the difference.

    The whole share of the payee in the deal so far decides, so an amendment re-evaluates the deal and counts what
    changed. Bands are always filled by what counts. ``pay``: that is the base of pay, too, else the full amount is.
    ``quota``: attainment counts it, else the full amount.
    """
    so_far: dict[tuple[str, str, str], int] = {}
    found: list[Credit] = []
    for credit in sorted(credits, key=lambda one: one.order):
        key = credit.payee, credit.credit_type, credit.deal
        before = so_far.get(key, 0)
        so_far[key] = before + credit.amount
        part = rounded(counted(before + credit.amount, above, ppm)) - rounded(counted(before, above, ppm))
        found.append(
            replace(
                credit,
                counted=part,
                paid=part if "pay" in affects else credit.amount,
                attained=part if "quota" in affects else credit.amount,
            )
        )
    return found
