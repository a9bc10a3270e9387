"""What people called, beside what their deals say: the board, a person's own form, and the history of every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from salesops.common.errors import NotFound, UsageError
from salesops.common.instants import from_us
from salesops.common.money import convert_at, from_units
from salesops.common.periods import Period
from salesops.metrics.organisation import Organisation, organisation
from salesops.metrics.query import query
from salesops.metrics.request import as_day
from salesops.metrics.session import calendar_of
from salesops.metrics.sql import day as sql_day
from salesops.records import context, history, scope
from salesops.records.access import Actor, require
from salesops.records.entities import entity as entity_of
from salesops.spreadsheet import Exported, Table

from .deadlines import Deadline, parse_deadline
from .rollup import CATEGORIES, Call, Counted, Line, cumulative, roll_up

Through = Callable[..., Any]
"""Asks a query of another room: `through(query, *first, **asked)`."""
TYPES = ("new", "expansion", "renewal")
DEADLINE = "Mon 10:00"
GRAINS = ("month", "quarter", "year")


def deadline() -> Deadline:
    """The weekly deadline of calls: the setting `forecast_deadline`, in the workspace's time zone where it names none."""
    return parse_deadline(str(context.option("forecast_deadline", "") or DEADLINE), context.time_zone())


def moment() -> datetime:
    """The business moment that it is now."""
    return from_us(context.now())


def period_of(session: Any, period: str | None, as_of: date | None = None) -> Period:
    """The forecast period of this name; without one the one that holds the day, by the setting `forecast_period` (quarter)."""
    calendar = calendar_of(session)
    if period:
        found = calendar.parse_period(period)
        if found.grain not in GRAINS:
            raise UsageError(f"{period} is no period of a forecast", f"Name a {', a '.join(GRAINS)}, such as 2026-Q4")
        return found
    grain = str(context.option("forecast_period", "quarter") or "quarter")
    return calendar.period_of(as_of or session.manifest.today, grain)  # type: ignore[arg-type]


def calls(
    actor: Actor, *, starts_on: date | None = None, ends_on: date | None = None, until: int | None = None, person: int | None = None,
    type: str | None = None, every_type: bool = False, category: str = "", since: date | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The calls that the actor may see, oldest first, as raw values; of a period (or of those that begin `since` a day), a person, a category, a
    type of deals (None: all types together)."""
    require(actor, "read")
    entity = entity_of("forecast_call")
    rows = entity.model.objects.filter(recorded_to__isnull=True, batch__in=history.live_batches(), deleted=False)
    rows = rows.filter(scope.visible_filter(actor, entity))
    if starts_on is not None:
        rows = rows.filter(starts_on=starts_on, ends_on=ends_on)
    if since is not None:
        rows = rows.filter(starts_on__gte=since)
    if category:
        rows = rows.filter(category=category)
    if until is not None:
        rows = rows.filter(at__lt=until)
    if person is not None:
        rows = rows.filter(person=person)
    if not every_type:
        rows = rows.filter(type=type) if type else rows.filter(type__isnull=True)
    names = ("id", *(field.name for field in entity.fields))
    return list(rows.order_by("at", "id").values(*names))


# The board


@dataclass(frozen=True)
class Board(Exported):
    """The forecast of a period, a line a person under `top`, managers before their people.

    `lines` by person: deals and own deals (cumulative), what counts of each category, what the person said; `before` the same a week
    earlier; `targets` the quota, and `street` the sum of those below. Amounts in 10^-4 of `currency`.
    """

    period: Period
    as_of: date
    then: date
    currency: str
    tree: Organisation
    order: tuple[int, ...]
    lines: Mapping[int, Line]
    before: Mapping[int, Line]
    targets: Mapping[int, int]
    street: Mapping[int, int]
    names: Mapping[int, str]
    generation: str
    type: str | None
    notes: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """A row a person, amounts as decimals."""
        return [self._row(person) for person in self.order]

    def table(self) -> Table:
        tails = ("", "_deals", "_from", "_week_ago")
        columns = ["person", "depth", "target", "closed", *(f"{name}{tail}" for name in CATEGORIES for tail in tails)]
        columns += ["said_on", "note", "reason"]
        about = [
            ("Period", f"{self.period.key}, {self.period.start} to {self.period.end}"), ("As of", self.as_of), ("Week ago", self.then),
            ("Currency", self.currency), ("Generation", self.generation),
            ("Amounts", "cumulative: commit holds closed, best case holds commit, pipeline holds best case"),
        ]  # fmt: skip
        return Table(self.rows(), columns, about=about)

    def _row(self, person: int) -> dict[str, Any]:
        line, before = self.lines[person], self.before.get(person)
        found: dict[str, Any] = {
            "person": self.names.get(person, str(person)), "person_id": str(person), "depth": line.depth,
            "target": _decimal(self.targets.get(person, self.street.get(person))), "closed": from_units(line.deals["closed"]),
        }  # fmt: skip
        for name in CATEGORIES:
            one = line.counted[name]
            found |= {
                name: from_units(one.amount), f"{name}_deals": from_units(line.deals[name]), f"{name}_from": one.origin,
                f"{name}_original": _decimal(one.original.amount if one.original else None), f"{name}_missing": one.missing,
                f"{name}_week_ago": from_units(before.counted[name].amount) if before else None,
            }  # fmt: skip
        said = max((one for one in line.mine.values()), key=lambda one: (one.at, one.id), default=None)
        adjusted = next((one.call for one in line.counted.values() if one.origin == "adjusted"), None)
        return found | {
            "said_on": context.day_of(said.at) if said else None, "due_on": said.due_on if said else None, "note": said.note if said else "",
            "reason": adjusted.reason if adjusted else "",
        }  # fmt: skip


def _decimal(units: int | None) -> Decimal | None:
    return None if units is None else from_units(units)


def board(
    session: Any, actor: Actor, *, period: str | None = None, as_of: date | str | None = None, top: object | None = None,
    type: str | None = None, currency: str | None = None, through: Through | None = None,
) -> Board:  # fmt: skip
    """The forecast board of a period (default: the current one) as of a day, of the people that the actor may see.

    `top`: only this person and everybody below; `type` new, expansion or renewal: only such deals, and calls of such deals. The tree is the
    reporting line of the day; a call counts by the moment it was made. `through` asks the queries of other rooms (`through(query, *first,
    **asked)`), so that a door can keep their answers; calls are read anew every time. Raises UsageError and NotFound, with the remedy.
    """
    ask = through or partial(_ask, session, actor)
    require(actor, "read")
    _check_type(type)
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    span, then = period_of(session, period, on), on - timedelta(days=7)
    tree = ask(organisation, as_of=on)
    parents = _parents(actor, tree, on, top)
    unit = currency or session.manifest.reporting_currency
    where = f"type = '{type}'" if type else None
    now, notes = _deals(ask, span, on, unit, where)
    once, _ = _deals(ask, span, then, unit, where)
    lines = roll_up(parents, now, _calls(session, actor, span, on, unit, type))
    before = roll_up(parents, once, _calls(session, actor, span, then, unit, type))
    quotas = _quotas(session, ask, span, on, unit) if not type else {}
    order = tuple(seat.person for seat in tree.seats if seat.person in lines)
    return Board(
        span, on, then, unit, tree, order, lines, before, quotas, _street(order, parents, quotas), {one.person: one.name for one in tree.seats},
        session.generation, type, notes,
    )  # fmt: skip


def _check_type(type: str | None) -> None:
    if type is not None and type not in TYPES:
        raise UsageError(f"there are no {type!r} deals", f"Use {', '.join(TYPES)}, or none for all")


def _parents(actor: Actor, tree: Organisation, on: date, top: object | None) -> dict[int, int | None]:
    """The part of the tree that the actor may see: everybody, or themselves and those below."""
    seats = {seat.person: seat for seat in tree.seats}
    seen = set(seats) if actor.sees_all else scope.visible_people(actor, on) & set(seats)
    if top is not None:
        root = _person(top, seats)
        if root not in seen:
            raise NotFound(f"there is no person {top!r} whose forecast you may see", "Name somebody who reports to you")
        seen = {one for one in seen if one == root or root in seats[one].path}
    parents = {one: seats[one].manager if seats[one].manager in seen else None for one in seen}
    return parents


def _person(named: object, seats: Mapping[int, Any]) -> int:
    """The id of a person named by id or name; raises NotFound."""
    text = str(named).strip()
    if text.lstrip("-").isdigit() and int(text) in seats:
        return int(text)
    found = [one for one, seat in seats.items() if seat.name.casefold() == text.casefold()]
    if len(found) != 1:
        what = "nobody is called" if not found else "several people are called"
        raise NotFound(f"{what} {text!r}", "Give the id: salesops forecast board shows it")
    return found[0]


def _ask(session: Any, actor: Actor, query_: Callable[..., Any], *first: Any, **asked: Any) -> Any:
    return query_(session, actor, *first, **asked)


def _deals(
    ask: Through, span: Period, on: date, unit: str, where: str | None
) -> tuple[dict[int, dict[str, int]], tuple[str, ...]]:
    """By person: what is closed in the period by the day, and what is open and should close in it, by category (not cumulative)."""
    found: dict[int, dict[str, int]] = {}
    asked: dict[str, Any] = {"from_": span.start, "to": span.end, "as_of": on, "currency": unit, "where": where}
    won = ask(query, "bookings", by="owner", **asked)
    due = ask(query, "open_pipeline", by=("owner", "forecast_category"), **asked)
    for row in won.rows.select(["owner_id", "bookings"]).to_pylist():
        _add(found, row["owner_id"], "closed", row["bookings"])
    for row in due.rows.select(["owner_id", "forecast_category", "open_pipeline"]).to_pylist():
        _add(found, row["owner_id"], row["forecast_category"], row["open_pipeline"])
    return found, tuple(dict.fromkeys((*won.notes, *due.notes)))


def _add(found: dict[int, dict[str, int]], person: int | None, category: str, amount: Decimal | None) -> None:
    if person is not None and amount is not None and category != "omitted":
        of = found.setdefault(int(person), {})
        of[category] = of.get(category, 0) + int(amount.scaleb(4))


def _calls(session: Any, actor: Actor, span: Period, on: date, unit: str, type: str | None) -> list[Call]:
    rows = calls(actor, starts_on=span.start, ends_on=span.end, until=context.day_end(on), type=type)
    rates = _rates(
        session, {row["currency"] or context.currency() for row in rows}, unit, min(on, session.manifest.today)
    )
    return [
        Call(
            row["id"], row["person"], row["scope"] or "own", row["category"], _converted(row, unit, rates), row["made_by"], row["at"],
            row["due_on"], row["adjusts"], row["note"] or "", row["reason"] or "",
        )
        for row in rows if row["person"] is not None and row["category"] in CATEGORIES
    ]  # fmt: skip


def _rates(session: Any, currencies: set[Any], unit: str, on: date, kind: str = "spot") -> dict[str, int]:
    """The rate of the day from each currency to `unit`, 10^-10."""
    named = ", ".join(f"'{code}'" for code in sorted(code for code in currencies if code and code != unit))
    if not named:
        return {}
    sql = f"SELECT currency, rate FROM rate_day WHERE kind = '{kind}' AND to_currency = '{unit}' AND day = {sql_day(on)} AND currency IN ({named})"
    return {row["currency"]: int(row["rate"]) for row in session.query(sql).to_pylist()}


def _converted(row: Mapping[str, Any], unit: str, rates: Mapping[str, int]) -> int | None:
    """The amount of a call in `unit`; nothing where there is no rate."""
    code = row["currency"] or context.currency()
    if row["amount"] is None or code == unit:
        return row["amount"]
    return convert_at(row["amount"], rates[code]) if code in rates else None


def _quotas(session: Any, ask: Through, span: Period, on: date, unit: str) -> dict[int, int]:
    """Everybody's quota of the period, in `unit` at the plan rate."""
    found = ask(query, "quota_attainment", by="owner", from_=span.start, to=span.end, as_of=on, currency=unit)
    own = {row["owner_id"]: row for row in found.to_pylist() if row["owner_id"] is not None}
    rates = _rates(session, {row["quota_attainment__currency"] for row in own.values()}, unit, span.start, "plan")
    result = {}
    for person, row in own.items():
        amount, code = row["quota_attainment__quota"], row["quota_attainment__currency"]
        if amount is None or (code != unit and code not in rates):
            continue
        units = int(amount.scaleb(4))
        result[int(person)] = units if code == unit else convert_at(units, rates[code])
    return result


def _street(order: tuple[int, ...], parents: Mapping[int, int | None], quotas: Mapping[int, int]) -> dict[int, int]:
    """The sum of the quotas of everybody below a person (who may have one, too)."""
    found: dict[int, int] = {}
    for person in order:
        at = parents.get(person)
        while at is not None and person in quotas:
            found[at] = found.get(at, 0) + quotas[person]
            at = parents.get(at)
    return found


# One's own form, and the history


@dataclass(frozen=True)
class Form:
    """What a person sees before calling: their deals by category (cumulative), what they said last, and until when this week's call is due."""

    person: int
    name: str
    scope: str
    period: Period
    line: Line
    before: Line | None
    target: int | None
    currency: str
    due: datetime
    in_time: bool
    adjusted: tuple[Counted, ...]


def form(
    session: Any, actor: Actor, *, period: str | None = None, person: object | None = None, type: str | None = None,
    currency: str | None = None, through: Through | None = None,
) -> Form:  # fmt: skip
    """What somebody needs to call a period: one's own (default), or that of a person below. Raises UsageError for who is no person."""
    if person is None and actor.person is None:
        raise UsageError(
            f"{actor.username} is no person of the company, so there is nothing to call",
            "Ask an admin to link your user to a person (Settings, People and access), or name a person",
        )
    found = board(
        session, actor, period=period, top=person if person is not None else actor.person, type=type, currency=currency
    )
    who = found.order[0]
    due = deadline()
    team = any(seat.manager == who for seat in found.tree.seats)
    line = found.lines[who]
    return Form(
        who, found.names[who], "team" if team else "own", found.period, line, found.before.get(who), found.targets.get(who, found.street.get(who)),
        found.currency, due.due(moment()), _said_this_week(line, due), tuple(one for one in line.counted.values() if one.origin == "adjusted"),
    )  # fmt: skip


def _said_this_week(line: Line, due: Deadline) -> bool:
    day = due.day(moment())
    return bool(line.mine) and all(one.due_on == day for one in line.mine.values())


def call_history(
    session: Any,
    actor: Actor,
    *,
    period: str | None = None,
    person: object | None = None,
    category: str = "",
    limit: int = 1000,
) -> list[dict[str, Any]]:
    """Every call of a period that the actor may see, newest first: whose, by whom, what, when, in time for which deadline, with reason and note."""
    span = period_of(session, period)
    tree = organisation(session, actor)
    names = {seat.person: seat.name for seat in (*tree.seats, *tree.left)}
    one = _person(person, {seat.person: seat for seat in tree.seats}) if person is not None else None
    found = calls(actor, starts_on=span.start, ends_on=span.end, person=one, every_type=True)
    rows = [
        {
            "id": str(row["id"]), "at": from_us(row["at"]), "person": names.get(row["person"], str(row["person"])), "person_id": str(row["person"]),
            "made_by": names.get(row["made_by"], "") if row["made_by"] else "", "scope": row["scope"], "period": span.key,
            "category": row["category"], "type": row["type"] or "", "amount": _decimal(row["amount"]), "currency": row["currency"] or context.currency(),
            "due_on": row["due_on"], "adjusts": str(row["adjusts"] or ""), "reason": row["reason"] or "", "note": row["note"] or "",
        }
        for row in reversed(found) if not category or row["category"] == category
    ]  # fmt: skip
    return rows[:limit]


__all__ = ["Board", "Form", "board", "call_history", "calls", "cumulative", "deadline", "form", "moment", "period_of"]
