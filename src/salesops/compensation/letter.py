"""Writes a plan in words: the letter that a payee acknowledges, from the same object that is calculated. Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from salesops.compensation.identity import content_hash
from salesops.compensation.plan import (
    AnyComponent,
    Band,
    Cap,
    Clawback,
    Contest,
    Curve,
    Draw,
    Flat,
    Gate,
    GateComponent,
    Holdback,
    Limit,
    Matrix,
    Mbo,
    Measure,
    Multiplier,
    OfTarget,
    Per,
    Plan,
    Point,
    Pool,
    Quota,
    Salary,
    Spiff,
    StepBonus,
    Tiered,
    UnitRate,
)
from salesops.compensation.words import days, duration, factor, money, point, rate

_EACH = {"month": "every month", "quarter": "every quarter", "half": "every half year", "year": "every year"}
_METHODS = {
    "at_paid_rate": "what was paid on it is taken back",
    "recompute": "the period is worked out again without it, and the difference is taken back",
    "pro_rata": "the part of what was paid that belongs to the remaining days is taken back",
}
_PRORATION = {
    "calendar_days": "by calendar days", "working_days": "by working days",
    "whole_months": "by whole months (present on the 15th)", "none": "not at all",
}  # fmt: skip


def letter(plan: Plan, payee: str = "") -> str:
    """Give the plan letter: what counts, what is paid for it, and the terms, each from a setting of the plan."""
    words = _Words(plan)
    lines = [f"# {plan.title or plan.plan}", ""]
    if payee:
        lines += [f"For {payee}.", ""]
    lines += [
        f"Plan {plan.plan}, version {plan.version}, {days(plan.effective)}, in {plan.currency}. Paid {_EACH[plan.pay_period]}.",
        "",
    ]
    if plan.description:
        lines += [plan.description, ""]
    for title, found in (("What counts", words.counts()), ("What it pays", words.pays()), ("Terms", words.terms())):
        listed = list(found)
        if listed:
            lines += [f"## {title}", "", *(f"- {one}" for one in listed), ""]
    lines.append(f"Content {content_hash(plan)[:16]}.")
    return "\n".join(lines) + "\n"


def component_words(plan: Plan, component: AnyComponent) -> list[str]:
    """Give a component in sentences: what it pays first, then its conditions."""
    return list(_Words(plan).component(component))


class _Words:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def money(self, cents: int) -> str:
        return money(cents, self.plan.currency, code=True)

    def per(self, amount: Per) -> str:
        return f"{self.money(amount.cents)} a {amount.window.replace('half', 'half year')}"

    def limit(self, limit: Limit) -> str:
        return f"{rate(limit.ppm)} of the target incentive" if isinstance(limit, OfTarget) else self.money(limit)

    def point(self, value: Point, measure: str | None) -> str:
        found = self.plan.measure(measure)
        counts = found is not None and found.unit == "count"
        return point(value, None if counts else self.plan.currency) + (
            " of quota" if value.attainment is not None else ""
        )

    # What counts ------------------------------------------------------------------------------------------------------

    def counts(self) -> Iterator[str]:
        for measure in self.plan.measures:
            yield self.measure(measure)
        for quota in self.plan.quotas:
            yield self.quota(quota)
        target = self.plan.target_incentive
        if target is not None:
            amount = (
                f"is {self.per(target.amount)}"
                if target.amount is not None
                else f"is set for each person, for a {target.window}"
            )
            yield f"The target incentive {amount}; who joins or leaves has it prorated {_PRORATION[target.proration]}."
        windfall = self.plan.windfall
        if windfall is not None:
            yield (
                f"Of one deal, what lies above {self.money(windfall.above)} of your share counts by {rate(windfall.count)}"
                f" for {' and '.join(windfall.affects)}."
            )

    def measure(self, one: Measure) -> str:
        what = f"{one.ratio.num} / {one.ratio.den}" if one.ratio is not None else str(one.amount)
        whose = (
            "of your team's deals, each once"
            if "rollup" in one.credit
            else f"of deals credited to you ({', '.join(one.credit)})"
        )
        return f"**{one.title or one.name}**: `{what}` {whose}" + (f", where `{one.where}`." if one.where else ".")

    def quota(self, one: Quota) -> str:
        text = (
            f"The quota of {one.of} is "
            + (f"{self.money(one.amount)} " if one.amount is not None else "set for each person, ")
            + f"for a {one.window}"
        )
        if one.seasonality:
            text += f", spread as {', '.join(rate(part) for part in one.seasonality)}"
        text += f"; who joins or leaves has it prorated {_PRORATION[one.proration]}"
        if one.ramp:
            text += (
                f"; in the first months of service it is {', '.join(rate(part) for part in one.ramp)}, month by month"
            )
        return f"{text}. Days of leave {'lower it' if one.relief == 'quota' else 'do not lower it'}."

    # What it pays -----------------------------------------------------------------------------------------------------

    def pays(self) -> Iterator[str]:
        for component in self.plan.components:
            sentences = list(self.component(component))
            yield f"**{component.title or component.id}**: {' '.join(sentences)}"

    def component(self, one: AnyComponent) -> Iterator[str]:
        yield self.kind(one)
        if one.accumulate == "ytd":
            yield "It accumulates over the fiscal year."
        elif one.accumulate == "rolling":
            yield f"It looks at the last {one.rolling} pay periods together."
        elif one.window is not None and one.window != self.plan.pay_period:
            yield f"It accumulates over a {one.window}."
        if one.gate is not None:
            yield f"It pays only if {self.gate(one.gate)}."
        if one.cap is not None:
            yield self.cap(one.cap)
        if one.hold is not None:
            yield self.hold(one.hold)
        if one.clawback is not None:
            yield self.clawback(one.clawback)
        if one.award:
            yield "This is an award in kind, not money."

    def kind(self, one: AnyComponent) -> str:
        match one:
            case Salary():
                return f"{self.per(one.amount)} of base pay." if one.amount is not None else "Base pay as agreed."
            case Flat():
                return f"{rate(one.rate)} of {one.measure}{self._from(one)}."
            case Tiered():
                what = (
                    "everything is paid at the rate of the band that is reached"
                    if one.mode == "retroactive"
                    else "each band pays its own part"
                )
                return f"{self.bands(one.bands, one.measure)} of {one.measure}{self._from(one)}; {what}."
            case Curve():
                parts = [f"{rate(p.payout)} of the target at {rate(p.attainment)} of quota" for p in one.points]
                share = "" if one.weight is None else f" {rate(one.weight)} of the target incentive is its part."
                return f"{', '.join(parts)}; in a straight line between these points, nothing below the first, no more above the last.{share}"
            case StepBonus():
                steps = ", ".join(
                    f"{self.limit(step.pay)} from {self.point(step.at, one.measure)}" for step in one.steps
                )
                return f"{steps}: the highest step that is reached, not their sum."
            case UnitRate():
                lows = [None, *(band.to for band in one.bands)]
                parts = [
                    f"{self.money(band.pay)} for each{'' if low is None else f' from unit {low + 1} on'}"
                    for low, band in zip(lows, one.bands, strict=False)
                ]
                return f"{', '.join(parts)} of {one.measure}."
            case Multiplier():
                base = " (the base rate only)" if one.on == "base" else ""
                return f"The pay of {', '.join(one.applies_to)} is multiplied by {self.factors(one)}{base}."
            case Matrix():
                return self.matrix(one)
            case GateComponent():
                return f"{', '.join(one.applies_to)} pays only if {self.gate(one.when)}."
            case Mbo():
                whole = (
                    self.money(one.amount)
                    if one.amount is not None
                    else f"{rate(one.weight if one.weight is not None else 1_000_000)} of the target incentive"
                )
                goals = ", ".join(f"{goal.title or goal.id} {rate(goal.weight)}" for goal in one.goals)
                return f"{whole}, by objectives: {goals}; each counts at most {rate(one.goal_cap)}."
            case Spiff():
                return self.spiff(one)
            case Contest():
                return self.contest(one)
            case Pool():
                fund = (
                    self.money(one.amount) if one.amount is not None else f"{rate(one.share_of or 0)} of {one.measure}"
                )
                return f"A share of {fund}, divided by `{one.by}`."

    def _from(self, one: Flat | Tiered) -> str:
        if one.gate_at is not None:
            return f", from the first unit once {self.point(one.gate_at, one.measure)} is reached, nothing before"
        return "" if one.deductible is None else f", only on what lies above {self.point(one.deductible, one.measure)}"

    def bands(self, bands: tuple[Band, ...], measure: str | None) -> str:
        parts = [
            f"{rate(bands[0].rate)}" + ("" if bands[0].to is None else f" below {self.point(bands[0].to, measure)}")
        ]
        parts += [
            f"{rate(band.rate)} from {self.point(low.to, measure)}"
            for low, band in pairwise(bands)
            if low.to is not None
        ]
        return ", ".join(parts)

    def factors(self, one: Multiplier) -> str:
        if one.factor is not None:
            return factor(one.factor)
        if one.points:
            return ", ".join(f"{factor(p.factor)} at {rate(p.at)}" for p in one.points) + f" of {one.measure}"
        return (
            ", ".join(
                f"{factor(b.factor)}" + (f" below {rate(b.to)}" if b.to is not None else " above") for b in one.bands
            )
            + f" of {one.measure}"
        )

    def matrix(self, one: Matrix) -> str:
        cells = [
            f"{factor(cell)} at {rate(row)} of {one.rows.measure} and {rate(col)} of {one.cols.measure}"
            for row, cells in zip(one.rows.at, one.cells, strict=True)
            for col, cell in zip(one.cols.at, cells, strict=True)
        ]
        between = "in straight lines between these" if one.mode == "bilinear" else "the cell that is reached counts"
        return f"The pay of {', '.join(one.applies_to)} is multiplied by {', '.join(cells)}; {between}, the nearest outside."

    def contest(self, one: Contest) -> str:
        ties = {"pool": "share their prizes", "dense": "each get the prize", "tie_break": "are told apart"}[one.ties]
        text = f"Prizes of {', '.join(self.money(prize) for prize in one.prizes)} by {one.rank_by}"
        text += f" within each {one.within}" if one.within else ""
        text += f", for who has {self.gate(one.qualify)}" if one.qualify else ""
        return f"{text}; who is tied {ties if one.ties != 'tie_break' else ties + ' by ' + ', then '.join(one.tie_break).replace('_', ' ')}."

    def spiff(self, one: Spiff) -> str:
        text = f"{self.money(one.pay)} for each {one.per}{f' where `{one.where}`' if one.where else ''}, {days(one.during)}"
        if one.payee_cap is not None:
            text += f", at most {self.money(one.payee_cap)} for one person"
        if one.budget is not None:
            how = (
                "first come, first served" if one.on_exhaust == "first_come" else "cut in proportion if it is exceeded"
            )
            text += f", within a budget of {self.money(one.budget)} ({how})"
        return f"{text}."

    # Conditions and terms -----------------------------------------------------------------------------------------------

    def gate(self, gate: Gate) -> str:
        limit = rate(gate.at) if gate.of in ("attainment", "value") else self.money(gate.at)
        words = {">=": "at least", ">": "more than", "<": "less than", "<=": "at most"}[gate.op]
        of = {"attainment": "attainment", "amount": "amount", "earned": "earnings", "value": "value"}[gate.of]
        return f"{f'{gate.ref} has ' if gate.ref else ''}{of} of {words} {limit}"

    def cap(self, cap: Cap) -> str:
        what = {
            "hard": "nothing is paid",
            "soft": f"{rate(cap.pay)} is paid",
            "defer": "the rest moves to the next period",
        }[cap.kind]
        scope = {"deal": "on one deal", "window": "", "period": "in a pay period", "year": "in a year"}[cap.scope]
        return f"Above {self.limit(cap.above)}{' ' + scope if scope else ''} {what}."

    def hold(self, hold: Holdback) -> str:
        parts = [
            f"{rate(part.share)} {'at booking' if part.on == 'booking' else 'as cash comes in' if part.on == 'cash' else 'at ' + part.on}"
            for part in hold.milestones
        ]
        return f"It is released {', '.join(parts)}."

    def clawback(self, one: Clawback) -> str:
        text = f"If the deal is {' or '.join(one.on)} within {duration(one.within)}, {_METHODS[one.method]}"
        if one.full_within is not None:
            text += f" (all of it within {duration(one.full_within)})"
        return f"{text}{'' if one.max_offset == 1_000_000 else f', from later pay at most {rate(one.max_offset)} of each'}."

    def terms(self) -> Iterator[str]:
        plan = self.plan
        if plan.cap is not None:
            yield f"All components together: {self.cap(plan.cap).replace('Above', 'above', 1)}"
        for draw in (plan.draw, plan.guarantee):
            if draw is not None:
                yield self.draw(draw)
        if plan.true_up is not None:
            how = "only upward" if plan.true_up.mode == "lift_only" else "up or down"
            yield f"At the year's end {plan.true_up.component} is worked out over the whole year and adjusted {how}."
        mode = "halves go up" if plan.rounding.mode == "half_up" else "halves go to the even one"
        yield f"Pay is rounded once for each component and pay period ({mode})."

    def draw(self, one: Draw) -> str:
        kind = "Pay is lifted to" if one.pays == "top_up" else "On top of earnings there is"
        text = f"{kind} {self.per(one.amount)}" + (
            f" for the first {one.months} months" if one.months is not None else ""
        )
        if not one.recoverable:
            return f"{text}; it is not repaid."
        how = {
            "down_to_draw": "from earnings above it",
            "down_to_zero": "from all earnings",
            "percent": f"from {rate(one.percent)} of earnings above it",
        }[one.recover]
        ends = "; what is owed at the fiscal year's end is forgiven" if one.expires == "fiscal_year_end" else ""
        leaver = "repays it from the last pay" if one.on_termination == "collect" else "owes nothing"
        return f"{text}; it is an advance that is repaid {how}{ends}. Who leaves {leaver}."
