"""Computes earning lines from credits in their total order: what each deal pays, where a band or gate moves others, per period.

One window of one payee and component. ``Step`` is the state of one pay period in it: F at the quota of that period's
end, the credits of that period, the factor of multipliers and whether linked gates are open. A line carries ``raw``
(10^-6 minor units), which sums exactly to F; cents come from ``exact.pennies`` so that they sum to the period's pay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from salesops.common.allocation import allocate
from salesops.common.money import divide
from salesops.compensation.crediting import Credit
from salesops.compensation.exact import MICRO, Exact, pennies, rounded
from salesops.compensation.plan import RoundingMode
from salesops.compensation.rates import Earning, Slab, Slabs

LineKind = Literal["own", "true_up", "reversal", "multiplier"]


@dataclass(frozen=True, slots=True)
class EarningLine:
    """What a credit earns in one band: ``raw`` = base x rate_ppm; ``cents`` after rounding of the whole period.

    ``cause`` is the ``deal/line`` that moved the rate of an earlier credit, or ``quota`` or ``gate``.
    """

    deal: str
    line: str
    credit_type: str
    kind: LineKind
    tier: int
    low: int | None
    high: int | None
    base: int
    rate: int | None
    raw: int
    cause: str = ""
    cents: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One pay period of a window."""

    period: str
    earning: Earning
    credits: tuple[Credit, ...]
    factor: Fraction = Fraction(1)
    on_base: bool = False
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class PeriodPay:
    """What a period of a window pays: accumulated credit before and after, exact pay to date, cents and lines."""

    period: str
    before: int
    after: int
    exact: Fraction
    computed: int
    lines: tuple[EarningLine, ...]


def credit_lines(earning: Earning, credits: Sequence[Credit], start: int = 0) -> list[EarningLine]:
    """Give the lines of credits in order, from accumulated credit ``start`` on; they sum to F(end) - F(start).

    Retroactive tiers and gates give true-up lines to every earlier credit where a credit moves the rate of all.
    """
    if not isinstance(earning, Slabs):
        return _smooth_lines(earning, credits, start)
    if earning.retroactive:
        return _retroactive_lines(earning, credits, start)
    return _marginal_lines(earning, credits, start)


def _smooth_lines(earning: Earning, credits: Sequence[Credit], start: int) -> list[EarningLine]:
    found: list[EarningLine] = []
    s, paid = start, earning.raw(start)
    if paid and not start:  # what is paid before anything is sold
        found.append(EarningLine("(none)", "", "", "own", 0, None, None, 0, None, paid))
    for credit in credits:
        s += credit.counted
        raw = earning.raw(s)
        part = raw - paid
        if credit.paid != credit.counted and credit.counted:
            part = divide(part * credit.paid, credit.counted)
        found.append(_line(credit, "own", None, credit.paid, None, part))
        paid = raw
    return found


def _marginal_lines(earning: Slabs, credits: Sequence[Credit], start: int) -> list[EarningLine]:
    found: list[EarningLine] = []
    pieces: list[EarningLine] = _opening(earning, start)
    s, shown = start, earning.is_open(start)
    for credit in credits:
        own = _pieces(earning, credit, s)
        s += credit.counted
        is_open = earning.is_open(s)
        if is_open != shown:
            kind: LineKind = "true_up" if is_open else "reversal"
            sign = 1 if is_open else -1
            cause = f"{credit.deal}/{credit.line}"
            found += [replace(one, kind=kind, base=sign * one.base, raw=sign * one.raw, cause=cause) for one in pieces]
            shown = is_open
        pieces += own
        if is_open:
            found += own
    return found


def _opening(earning: Slabs, start: int) -> list[EarningLine]:
    """Give what was accumulated before (under an earlier plan, with ``carry``) as lines that only a gate moves."""
    found = earning.pieces(0, start) if start else []
    return [EarningLine("(opening)", "", "", "own", s.tier, s.low, s.high, b, s.rate, b * s.rate) for s, b in found]


def _pieces(earning: Slabs, credit: Credit, s: int) -> list[EarningLine]:
    """Give a credit's lines by band. Where pay has another base than the bands (a windfall), it is spread alike."""
    found = earning.pieces(s, s + credit.counted)
    bases = [base for _, base in found]
    if credit.paid != credit.counted and found:
        bases = list(allocate(credit.paid, {n: abs(base) for n, base in enumerate(bases)}).values())
    return [
        _line(credit, "own", slab, base, slab.rate, base * slab.rate)
        for (slab, _), base in zip(found, bases, strict=True)
    ]


def _retroactive_lines(earning: Slabs, credits: Sequence[Credit], start: int) -> list[EarningLine]:
    found: list[EarningLine] = []
    earlier: list[Credit] = []
    s, rate = start, earning.rate(start)
    for credit in credits:
        s += credit.counted
        slab, now = earning.reached(s), earning.rate(s)
        if now != rate:
            kind: LineKind = "true_up" if now > rate else "reversal"
            cause = f"{credit.deal}/{credit.line}"
            if start:
                found.append(
                    EarningLine(
                        "(opening)",
                        "",
                        "",
                        kind,
                        slab.tier,
                        slab.low,
                        slab.high,
                        start,
                        now - rate,
                        start * (now - rate),
                        cause,
                    )
                )
            found += [
                replace(_line(one, kind, slab, one.paid, now - rate, one.paid * (now - rate)), cause=cause)
                for one in earlier
            ]
        found.append(_line(credit, "own", slab, credit.paid, now, credit.paid * now))
        earlier.append(credit)
        rate = now
    return found


def _line(credit: Credit, kind: LineKind, slab: Slab | None, base: int, rate: int | None, raw: int) -> EarningLine:
    low, high, tier = (None, None, 0) if slab is None else (slab.low, slab.high, slab.tier)
    return EarningLine(credit.deal, credit.line, credit.credit_type, kind, tier, low, high, base, rate, raw)


# Periods of a window --------------------------------------------------------------------------------------------------


def window_pay(steps: Iterable[Step], mode: RoundingMode = "half_up", start: int = 0) -> list[PeriodPay]:
    """Give what each period of a window pays, in order: round(pay to date) less what the periods before paid.

    Pay to date is the sum over periods of (F now - F before) x factor, exact; while a linked gate is shut it is 0.
    Where break-points moved since the period before, earlier credits get true-up lines.
    """
    found: list[PeriodPay] = []
    seen: list[Credit] = []
    accrued: list[tuple[EarningLine, Fraction]] = []
    lines_before: list[EarningLine] = []
    before_earning: Earning | None = None
    paid, exact, was_open, s = 0, Fraction(0), True, start
    for step in steps:
        before = s
        all_credits = [*seen, *step.credits]
        now = credit_lines(step.earning, all_credits, start)
        moved = before_earning is not None and before_earning != step.earning
        if moved:
            earlier = credit_lines(step.earning, seen, start)
            fresh = [*_differences(earlier, lines_before, seen), *now[len(earlier) :]]
        else:
            fresh = now[len(lines_before) :]
        new = _with_factor(fresh, step)
        accrued += new
        exact += _grown(before_earning, step, before, all_credits, start, new)
        shown = list(accrued) if step.is_open and not was_open else new if step.is_open else []
        if not step.is_open and was_open:
            shown = [(_reversed(line), -amount) for line, amount in accrued[: len(accrued) - len(new)]]
        to_date = exact if step.is_open else Fraction(0)
        total = rounded(to_date, mode)
        cents = pennies([amount for _, amount in shown], total - paid)
        lines = tuple(replace(line, cents=part) for (line, _), part in zip(shown, cents, strict=True))
        s = start + sum(credit.counted for credit in all_credits)
        found.append(PeriodPay(step.period, before, s, to_date, total - paid, lines))
        paid, was_open, before_earning, lines_before, seen = total, step.is_open, step.earning, now, all_credits
    return found


def _grown(
    earlier: Earning | None,
    step: Step,
    before: int,
    credits: Sequence[Credit],
    start: int,
    new: Sequence[tuple[EarningLine, Fraction]],
) -> Fraction:
    """Give by how much exact pay grew: the lines' sum, and for curves and steps F itself, which lines round to 10^-6."""
    if isinstance(step.earning, Slabs) or any(one.paid != one.counted for one in credits):
        return sum((amount for _, amount in new), Fraction(0))
    after = start + sum(one.counted for one in credits)
    grown = _net(step.earning, after, start)
    return (grown - (Fraction(0) if earlier is None else _net(earlier, before, start))) * step.factor


def _net(earning: Earning, s: int, start: int) -> Fraction:
    return earning.total(s) - (earning.total(start) if start else 0)


def _reversed(line: EarningLine) -> EarningLine:
    return replace(line, kind="reversal", base=-line.base, raw=-line.raw, cause="gate")


def _with_factor(lines: Iterable[EarningLine], step: Step) -> list[tuple[EarningLine, Fraction]]:
    """Give lines with their exact cents: times the factor, or with base rate x (factor - 1) of each credit added."""
    if not step.on_base or not isinstance(step.earning, Slabs):
        return [(line, Fraction(line.raw, MICRO) * step.factor) for line in lines]
    found = [(line, Fraction(line.raw, MICRO)) for line in lines]
    rate = step.earning.base_rate
    for credit in step.credits if step.factor != 1 else ():
        line = _line(credit, "multiplier", step.earning.slabs[0], credit.paid, rate, credit.paid * rate)
        found.append((line, Fraction(line.raw, MICRO) * (step.factor - 1)))
    return found


def _differences(
    now: Sequence[EarningLine], before: Sequence[EarningLine], credits: Sequence[Credit]
) -> list[EarningLine]:
    """Give true-up lines of earlier credits whose bands or rates moved with the quota: what they earn now less before."""
    found: list[EarningLine] = []
    places = {(c.deal, c.line, c.credit_type): n for n, c in enumerate(credits)}
    sums: dict[tuple[int, EarningLine], tuple[int, int]] = {}
    for lines, sign in ((now, 1), (before, -1)):
        for line in lines:
            place = places.get((line.deal, line.line, line.credit_type), -1)
            key = place, _bare(line)
            base, raw = sums.get(key, (0, 0))
            sums[key] = base + sign * line.base, raw + sign * line.raw
    for (_, line), (base, raw) in sorted(
        sums.items(), key=lambda item: (item[0][0], item[0][1].tier, item[0][1].rate or 0)
    ):
        if raw:
            found.append(replace(line, kind="true_up", base=base, raw=raw, cause="quota"))
    return found


def _bare(line: EarningLine) -> EarningLine:
    return replace(line, kind="own", base=0, raw=0, cause="", cents=0, low=None, high=None)


# Whole windows ----------------------------------------------------------------------------------------------------------


def rolling(amounts: Sequence[int], length: int) -> list[int]:
    """Give the sums of the last ``length`` periods up to each period.

    >>> rolling([10, 20, 30, 40], 3)
    [10, 30, 60, 90]
    """
    return [sum(amounts[max(0, n - length + 1) : n + 1]) for n in range(len(amounts))]


def true_up(year: Exact, paid: int, lift_only: bool, mode: RoundingMode = "half_up") -> int:
    """Give the adjustment at the year's end: F of the whole year less what its periods paid, only upward or signed."""
    difference = rounded(year, mode) - paid
    return max(0, difference) if lift_only else difference
