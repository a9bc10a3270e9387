"""What a plan would pay a person, on the records as they are: nothing is stored, nothing is posted, nobody is paid by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from salesops.common.errors import NotAllowed, NotFound, UsageError
from salesops.common.money import minor_digits
from salesops.metrics.request import as_day
from salesops.metrics.session import calendar_of
from salesops.records import queries as records
from salesops.records.access import Actor, require
from salesops.spreadsheet import Exported, Table

from . import gallery, group, statements, trace
from .accumulate import EarningLine
from .feed import facts
from .gather import gather
from .interpret import ComponentResult
from .plan import Plan
from .reader import Document, read

CONTESTS = ("contest", "pool", "spiff")


def plan_of(named: str) -> Document:
    """A plan: a file, or the name of an example plan. Raises InvalidData with every mistake and its line, NotFound."""
    path = Path(named)
    if path.is_file():
        return read(path.read_text(encoding="utf-8"), path.name)
    if named in gallery.names():
        return gallery.plan(named)
    raise NotFound(
        f"there is no plan {named!r}", f"Give a file, or the name of an example: {', '.join(gallery.names())}"
    )


@dataclass(frozen=True)
class Preview(Exported):
    """What a plan would pay somebody: a row a component and period, with its lines in words; what is wrong, and what nobody is credited with."""

    plan: Plan
    person: str
    through: date
    rows: tuple[Mapping[str, Any], ...]
    payable: Mapping[str, Decimal]
    problems: tuple[Any, ...]
    notes: tuple[str, ...]
    generation: str

    def table(self) -> Table:
        columns = ["period", "component", "credited", "quota", "attainment", "earned", "forfeited"]
        about = [
            ("Plan", f"{self.plan.plan}, version {self.plan.version}"), ("Person", self.person), ("Through", self.through), ("Currency", self.plan.currency),
            ("Generation", self.generation), ("A preview", "nothing is stored or paid"), *(("note", note) for note in self.notes),
        ]  # fmt: skip
        return Table([{name: row[name] for name in columns} for row in self.rows], columns, about=about)

    def to_dict(self) -> dict[str, Any]:
        from salesops.output import plain

        found: dict[str, Any] = plain({
            "plan": self.plan.plan, "version": self.plan.version, "person": self.person, "through": self.through, "currency": self.plan.currency,
            "rows": list(self.rows), "payable": dict(self.payable), "problems": [one.to_dict() for one in self.problems], "notes": list(self.notes),
            "generation": self.generation,
        })  # fmt: skip
        return found


def preview(
    session: Any, actor: Actor, document: Document, person: object | None = None, *, through: date | str | None = None
) -> Preview:
    """What a plan would pay a person (default: oneself) up to a day (default: today), by component and pay period, with every line in words.

    For oneself, or by who sees pay (owner, admin, finance). Raises NotAllowed, NotFound, UsageError for a plan that has not begun.
    """
    require(actor, "read")
    if person is None and actor.person is None:
        raise UsageError(f"{actor.username} is no person of the company", "Name a person (--person)")
    if not actor.sees_pay and person is not None:
        found = _person(actor, person)
        if found != actor.person:
            raise NotAllowed("what a plan pays somebody else is not yours to see", "Ask finance or an admin")
    who = actor.person if person is None else _person(actor, person)
    assert who is not None
    on = session.manifest.today if through is None else as_day(through, "through")
    plan = document.plan
    if on < plan.effective.start:
        raise UsageError(
            f"{plan.plan} begins on {plan.effective.start}", "Ask about a later day, or change `effective`"
        )
    last = on if plan.effective.end is None else min(on, plan.effective.end)
    given = facts(session, plan, who, last)
    gathered = gather(plan, given.rows)
    calendar = calendar_of(session)
    payee = gathered.payees[0]
    result = group.entitlements(plan, [payee], calendar, last)[payee.payee]
    settled = statements.statement(plan, payee, calendar, result).settlements
    rows = [_row(plan, one, given.deals) for one in result.results.values()]
    notes = [*given.notes, *_notes(plan, len(gathered.uncredited))]
    scale = minor_digits(plan.currency)
    payable = {period: Decimal(one.payable).scaleb(-scale) for period, one in settled.items()}
    about_them = [one for one in gathered.problems if not given.deals or str(one.record) in _credited(payee)]
    return Preview(
        plan, given.people.get(str(who), str(who)), last, tuple(rows), payable, (*result.problems, *about_them), tuple(notes), session.generation
    )  # fmt: skip


def _credited(payee: Any) -> set[str]:
    return {credit.deal for listed in payee.credits.values() for credit in listed}


def _person(actor: Actor, named: object) -> int:
    return int(records.show_record(actor, "person", named).id)


def _notes(plan: Plan, uncredited: int) -> list[str]:
    found = ["a preview: nothing is stored, posted or paid"]
    kinds = sorted({one.kind for one in plan.components if one.kind in CONTESTS})
    if kinds:
        found.append(f"{', '.join(kinds)}: as if nobody else took part")
    if uncredited:
        found.append(f"{uncredited:,} deals are credited to nobody")
    return found


def _row(plan: Plan, one: ComponentResult, deals: Mapping[str, str]) -> dict[str, Any]:
    scale = minor_digits(plan.currency)

    def money(cents: int | Fraction | None) -> Decimal | None:
        if cents is None:
            return None
        exact = Fraction(cents)
        return (Decimal(exact.numerator) / Decimal(exact.denominator)).scaleb(-scale)

    standing = one.standing
    quota = standing.quota if standing else None
    lines = [
        {
            "deal": deals.get(line.deal, line.deal),
            "id": line.deal,
            "words": _words(line, plan, quota, deals),
            "amount": money(line.cents),
        }
        for line in one.lines
    ]
    attainment = standing.attainment if standing else None
    return {
        "period": one.period, "component": one.component, "credited": money(one.after), "quota": money(quota),
        "attainment": None if attainment is None else round(float(attainment), 6), "earned": money(one.cents), "forfeited": money(one.forfeited),
        "lines": lines, "problem": str(one.problem) if one.problem else "",
    }  # fmt: skip


def _words(line: EarningLine, plan: Plan, quota: Fraction | None, deals: Mapping[str, str]) -> str:
    """A line in words, with the deal's name in the place of its id."""
    return trace.sentence(line, plan.currency, quota).replace(line.deal, deals.get(line.deal, line.deal))
