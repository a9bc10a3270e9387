"""Explains a result: each line in a sentence, each component as a tree from cents down to credit, band, rate and quota."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from salesops.common.explain import Explanation
from salesops.common.money import minor_digits
from salesops.compensation.accumulate import EarningLine
from salesops.compensation.crediting import Credit
from salesops.compensation.interpret import ComponentResult
from salesops.compensation.plan import Plan
from salesops.compensation.rates import Constant, Slabs, Smooth
from salesops.compensation.words import money, percent, rate

_KINDS = {"own": "", "true_up": " more", "reversal": " less", "multiplier": " by the multiplier"}


def sentence(line: EarningLine, currency: str, quota: Fraction | None = None) -> str:
    """Give a line in words: ``30,000.00 of deal D2 filled band 0 to 100,000.00 at 8 %: 2,400.00``."""
    amount = money(line.cents, currency)
    if line.rate is None:
        return f"{line.deal}: {amount}{_KINDS[line.kind]}"
    band = f"band {_edge(line.low, currency, quota, '0')} to {_edge(line.high, currency, quota, 'the top')}"
    if line.kind == "own":
        return f"{money(line.base, currency)} of deal {line.deal} filled {band} at {rate(line.rate)}: {amount}"
    why = {
        "": "",
        "quota": " as the quota to date moved",
        "gate": " as a condition opened or closed",
        "year": " over the year",
    }
    cause = why.get(line.cause, f" as {line.cause} moved the rate")
    return f"{money(line.base, currency)} of deal {line.deal} at {rate(line.rate)}{_KINDS[line.kind]}{cause}: {amount}"


def _edge(cents: int | None, currency: str, quota: Fraction | None, otherwise: str) -> str:
    if cents is None:
        return otherwise
    return money(cents, currency) if not quota else percent(Fraction(cents) / quota, 2)


def explanation(plan: Plan, result: ComponentResult, credits: tuple[Credit, ...] = ()) -> Explanation:
    """Give a component's result of a period as a tree: what was counted, quota, attainment, lines, cap, and why not."""
    component = plan.component(result.component)
    currency = plan.currency
    inputs: list[Explanation] = [
        _money("Credited in the window before", result.before, currency),
        _money("Credited in the window now", result.after, currency),
    ]
    standing = result.standing
    if standing is not None and standing.quota is not None:
        inputs.append(_money("Effective quota", standing.quota, currency))
        if standing.attainment is not None:
            inputs.append(
                Explanation("Attainment", _ratio(standing.attainment), "ratio", formula="credited / effective quota")
            )
    if result.factor != 1:
        inputs.append(Explanation("Factor", _ratio(result.factor), formula="multipliers and matrices"))
    for line in result.lines:
        inputs.append(
            Explanation(
                sentence(line, currency), _decimal(line.cents, currency), currency, definition=line.cause or None
            )
        )
    if result.forfeited:
        inputs.append(_money("Above the cap", -result.forfeited, currency))
    if result.deferred:
        inputs.append(_money("Moved to the next period", -result.deferred, currency))
    inputs += [_credit(one, currency) for one in credits]
    notes = () if result.is_open else ("A condition is not met, so it pays nothing to date",)
    return Explanation(
        component.title or component.id if component is not None else result.component,
        _decimal(result.cents, currency), currency, formula=component.kind if component is not None else None,
        rule=f"rounded {plan.rounding.mode} once for the period", definition=f"{plan.plan} version {plan.version}",
        inputs=tuple(inputs), notes=notes, empty_reason=str(result.problem) if result.problem else None,
    )  # fmt: skip


def _credit(one: Credit, currency: str) -> Explanation:
    others = tuple(f"Not by {loser}" for loser in one.losers)
    share = "" if one.share == 1 else f", {percent(one.share, 4)}"
    return Explanation(
        f"Credit of {one.deal}/{one.line} by {one.rule or one.credit_type}{share}",
        _decimal(one.amount, currency),
        currency,
        notes=others,
    )


def _money(title: str, cents: Fraction | int, currency: str) -> Explanation:
    return Explanation(title, _decimal(cents, currency), currency)


def _decimal(cents: Fraction | int, currency: str) -> Decimal:
    exact = Fraction(cents) / 10 ** minor_digits(currency)
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def _ratio(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def next_pays(earning: Slabs | Smooth | Constant, s: int, more: int) -> Fraction:
    """Give what the next ``more`` of credit would pay at S: the slope that a statement shows (F(S + more) - F(S))."""
    return earning.total(s + more) - earning.total(s)
