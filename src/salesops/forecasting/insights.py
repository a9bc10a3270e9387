"""How people call, and what a period warns of: questions over stored calls, the stored forecast and the deals of today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from salesops.common.errors import NotFound, UsageError
from salesops.common.instants import day_of
from salesops.common.money import from_units
from salesops.common.periods import Period
from salesops.metrics.organisation import organisation
from salesops.metrics.query import query
from salesops.metrics.request import as_day
from salesops.metrics.session import calendar_of
from salesops.metrics.sql import day as sql_day
from salesops.pipeline.attention import stale
from salesops.pipeline.deals import open_deals
from salesops.records import context, scope
from salesops.records.access import Actor, require

from . import stored, warnings
from .backtest import BLEND
from .calls import Caller, caller_bias, value_added
from .queries import _converted, _rates, board, calls, period_of
from .results import COMPANY
from .rollup import CATEGORIES
from .runs import latest, place, rows_of, seen

PERIODS = 8
"""How many ended periods back calls are held against what came."""
MANY = 10_000
"""Deals that a warning looks at."""


# How people call


@dataclass(frozen=True)
class _Said:
    """One call: of whose number, by whom, in which week of which period (0 = before it began), how much."""

    person: int
    by: int | None
    scope: str
    period: int
    week: int
    at: int
    amount: int


@dataclass(frozen=True)
class _Past:
    """Calls of ended periods beside what came; `own` and `team` actuals by (person, period), `boss` by the end of each period."""

    spans: tuple[Period, ...]
    weeks: tuple[int, ...]
    said: tuple[_Said, ...]
    own: Mapping[tuple[int, int], int]
    team: Mapping[tuple[int, int], int]
    boss: tuple[Mapping[int, int | None], ...]
    names: Mapping[int, str]
    currency: str
    lost: int
    """Calls without an amount, or in a currency without a rate: left out."""

    def actual(self, person: int, period: int, scope_: str) -> int:
        return (self.team if scope_ == "team" else self.own).get((person, period), 0)


def callers(
    session: Any, actor: Actor, *, category: str = "commit", periods: int = PERIODS, as_of: date | str | None = None
) -> dict[str, Any]:
    """How good everybody's calls of the last ended periods were, for the people that the actor may see.

    Of each person: what becomes of 100 called (`factor`, shrunk to what callers are like), scatter, pattern, and by week of the period the
    mean and the standard deviation of call / actual. `layers`: what each step took off the error (weighted): calls against the period before,
    managers against the sum of their people's calls, figures put beside a call against that call, the model against the calls of the top.
    A call stands until the next one. Actuals are what was won in the period by the day (own deals, or with those below at its end).
    """
    require(actor, "read")
    if category not in CATEGORIES:
        raise UsageError(f"{category!r} is no category that is called", f"Categories: {', '.join(CATEGORIES)}")
    if not 1 <= periods <= 40:
        raise UsageError(f"{periods} periods cannot be asked for", "Ask for 1 to 40")
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    past = _past(session, actor, category, periods, on)
    seen_ = None if actor.sees_all else scope.visible_people(actor)
    found, notes = _biases(past, seen_)
    standing = _standing(past)
    rows = [
        _caller_row(past, standing, key, one)
        for key, one in sorted(found.items(), key=lambda each: (each[1].factor, each[0]))
    ]
    return {
        "as_of": str(on), "category": category, "periods": [one.key for one in past.spans], "currency": past.currency, "rows": rows,
        "layers": _layers(past, standing, seen_, session), "notes": notes,
    }  # fmt: skip


def _past(session: Any, actor: Actor, category: str, periods: int, on: date) -> _Past:
    """Of the whole company, whoever asks: a person's record is the same for everybody who may see it."""
    everybody = replace(actor, roles=frozenset({"owner"}))
    calendar, unit = calendar_of(session), session.manifest.reporting_currency
    grain = str(context.option("forecast_period", "quarter") or "quarter")
    spans = [calendar.previous(calendar.period_of(on, grain))]  # type: ignore[arg-type]
    while len(spans) < periods + 1:  # one more: the naive forecast of the first
        spans.insert(0, calendar.previous(spans[0]))
    known = {(one.start, one.end): number for number, one in enumerate(spans) if number}
    rows = calls(everybody, until=context.day_end(on), category=category, since=spans[1].start)
    rows = [row for row in rows if row["person"] is not None and (row["starts_on"], row["ends_on"]) in known]
    codes = {row["currency"] or context.currency() for row in rows}
    rates, zone = _rates(session, codes, unit, min(on, session.manifest.today)), context.time_zone()
    said, lost = [], 0
    for row in rows:
        number = known[row["starts_on"], row["ends_on"]]
        span, day, amount = spans[number], day_of(row["at"], zone), _converted(row, unit, rates)
        lost += amount is None
        if amount is not None and day <= span.end:
            week = 0 if day < span.start else (day - span.start).days // 7 + 1
            said.append(_Said(row["person"], row["made_by"], row["scope"] or "own", number, week, row["at"], amount))
    own: dict[tuple[int, int], int] = {}
    team: dict[tuple[int, int], int] = {}
    bosses: list[Mapping[int, int | None]] = []
    names: dict[int, str] = {}
    for number, span in enumerate(spans):
        tree = organisation(session, everybody, as_of=min(span.end, on))
        paths = {seat.person: seat.path for seat in tree.seats}
        names |= {seat.person: seat.name for seat in (*tree.seats, *tree.left)}
        bosses.append({seat.person: seat.manager for seat in tree.seats})
        won = query(session, everybody, "bookings", by="owner", from_=span.start, to=span.end, as_of=on, currency=unit)
        for row in won.rows.select(["owner_id", "bookings"]).to_pylist():
            if row["owner_id"] is not None and row["bookings"] is not None:
                person, amount = int(row["owner_id"]), int(row["bookings"].scaleb(4))
                own[person, number] = own.get((person, number), 0) + amount
                for above in (*paths.get(person, ()), person):
                    team[above, number] = team.get((above, number), 0) + amount
    weeks = tuple((one.days + 6) // 7 for one in spans)
    return _Past(tuple(spans[1:]), weeks, tuple(said), own, team, tuple(bosses), names, unit, lost)


def _biases(past: _Past, allowed: set[int] | None) -> tuple[dict[tuple[int, str], Caller], list[str]]:
    """The caller's own calls against what came. They are shrunk to everybody's, where enough people call that nobody's can be told from it."""
    mine = [one for one in past.said if one.by == one.person]
    people = {one.person for one in mine}
    few = len(people) < int(context.option("peer_minimum", 5) or 5)
    if allowed is not None:
        people &= allowed
    used = [one for one in mine if one.person in people or not few]
    found = caller_bias(
        [f"{one.person}:{one.scope}" for one in used], [one.period for one in used], [one.amount for one in used],
        [past.actual(one.person, one.period, one.scope) for one in used],
    )  # fmt: skip
    notes = [] if mine else ["Nobody called an ended period"]
    if past.lost and allowed is None:
        notes.append(f"{past.lost:,} calls are left out: no amount, or no rate of their currency")
    if few and allowed is not None and people:
        notes.append("Fewer people call than a figure of all of them needs: shrunk to the calls that you may see")
    told = {(int(name.split(":")[0]), name.split(":")[1]): one for name, one in found.items()}
    return {key: one for key, one in told.items() if key[0] in people}, notes


Standing = dict[tuple[int, str, int], np.ndarray]
"""By person, scope and period: the call that stands at the end of each week (NaN before the first)."""


def _standing(past: _Past, by_others: bool = False) -> Standing:
    found: Standing = {}
    for one in sorted(past.said, key=lambda each: each.at):
        if (one.by != one.person) is by_others:
            key = (one.person, one.scope, one.period)
            weeks = found.setdefault(key, np.full(past.weeks[one.period] + 1, np.nan))
            weeks[one.week :] = one.amount
    return found


def _caller_row(past: _Past, standing: Standing, key: tuple[int, str], one: Caller) -> dict[str, Any]:
    person, kind = key
    mine = {number: weeks for (who, scope_, number), weeks in standing.items() if (who, scope_) == key}
    rows = []
    for week in range(1, max((len(weeks) for weeks in mine.values()), default=1)):
        pairs = [
            (weeks[week], past.actual(person, number, kind)) for number, weeks in mine.items() if week < len(weeks)
        ]
        ratios = np.array([call / actual for call, actual in pairs if actual > 0 and not np.isnan(call)])
        if len(ratios):
            spread = round(float(ratios.std(ddof=1)), 4) if len(ratios) > 1 else None
            rows.append(
                {"week": week, "periods": len(ratios), "mean": round(float(ratios.mean()), 4), "deviation": spread}
            )
    return {
        "person": past.names.get(person, str(person)), "person_id": str(person), "scope": kind, "periods": one.periods, "calls": one.calls,
        "own": None if one.own is None else round(one.own, 4), "factor": round(one.factor, 4), "scatter": round(one.scatter, 4), "words": one.words,
        "pattern": warnings.pattern(one), "weeks": rows,
    }  # fmt: skip


def _layers(past: _Past, standing: Standing, allowed: set[int] | None, session: Any) -> list[dict[str, Any]]:
    """Each step against the one before, week by week, over weeks in which both spoke; one row for all people seen, and one a person."""
    beside = _standing(past, by_others=True)
    steps: dict[str, list[tuple[int | None, int, float, float, float]]] = {
        "calls over the period before": [],
        "managers over their people": [],
        "figures beside calls": [],
    }
    for (person, kind, number), weeks in standing.items():
        if allowed is not None and person not in allowed:
            continue
        actual = past.actual(person, number, kind)
        before = float(past.actual(person, number - 1, kind)) if person in past.boss[number - 1] else np.nan
        below = _below(past, standing, person, number) if kind == "team" else None
        other = beside.get((person, kind, number))
        for week in range(1, len(weeks)):
            if np.isnan(weeks[week]):
                continue
            steps["calls over the period before"].append((person, number, actual, before, weeks[week]))
            if below is not None:
                steps["managers over their people"].append((person, number, actual, below[week], weeks[week]))
            if other is not None:
                steps["figures beside calls"].append((person, number, actual, weeks[week], other[week]))
    if allowed is None:
        steps["the model over the calls of the top"] = _model(past, standing)
    found = []
    for what, rows in steps.items():
        whole = _added(what, "", "", rows)
        if whole is not None:
            found.append(whole)
            for person in sorted({one[0] for one in rows if one[0] is not None}):
                one = _added(
                    what, past.names.get(person, str(person)), str(person), [each for each in rows if each[0] == person]
                )
                found += [one] if one is not None else []
    return found


def _below(past: _Past, standing: Standing, person: int, number: int) -> Any:
    """What a manager's people called together by the end of each week; NaN where one of those who called the period had not spoken yet."""
    people = [who for who, boss in past.boss[number].items() if boss == person]
    each = [standing.get((who, "team", number), standing.get((who, "own", number))) for who in people]
    spoken = [one for one in each if one is not None]
    return np.sum(spoken, axis=0) if spoken and len(spoken) == len(people) else np.full(past.weeks[number] + 1, np.nan)


def _model(past: _Past, standing: Standing) -> list[tuple[int | None, int, float, float, float]]:
    """The company's past forecasts by the shipped method beside what the people at the top called."""
    held = stored.read_backtest(place())
    if held is None:
        return []
    own = held[0].only(method=BLEND, dimension=COMPANY, horizon=0)
    rows: list[tuple[int | None, int, float, float, float]] = []
    spans = {number + 1: span for number, span in enumerate(past.spans)}
    for i in range(len(own)):
        day = own.as_of[i].astype(object)
        number = next((each for each, span in spans.items() if span.start <= day <= span.end), None)
        if number is None or np.isnan(own.actual[i]):
            continue
        tops = [who for who, boss in past.boss[number].items() if boss is None]
        said = [standing.get((who, "team", number), standing.get((who, "own", number))) for who in tops]
        week = (day - spans[number].start).days // 7 + 1
        if tops and all(one is not None for one in said):
            total = float(np.sum([one[week] for one in said if one is not None]))
            rows.append((None, number, float(own.actual[i]), total, float(own.forecast[i])))
    return rows


def _added(
    what: str, person: str, person_id: str, rows: list[tuple[int | None, int, float, float, float]]
) -> dict[str, Any] | None:
    if not rows:
        return None
    _, number, actual, before, after = (np.array(one, dtype=object) for one in zip(*rows, strict=True))
    first, second = value_added(actual.astype(float), {"before": before.astype(float), "after": after.astype(float)})
    if second.wape is None or first.wape is None or second.added is None or not second.rows:
        return None
    known = ~(np.isnan(before.astype(float)) | np.isnan(after.astype(float)))
    return {
        "step": what, "person": person, "person_id": person_id, "weeks": second.rows, "periods": len(set(number[known].tolist())),
        "error_before": round(first.wape, 4), "error": round(second.wape, 4), "added": round(second.added, 4),
    }  # fmt: skip


# Early warnings


def early_warnings(
    session: Any,
    actor: Actor,
    *,
    period: str | None = None,
    as_of: date | str | None = None,
    kind: str = "",
    through: Any = None,
) -> dict[str, Any]:
    """What a period warns of, for the people that the actor may see, each with its deals or person: gap to the target, coverage below what the
    win rate needs, dependence on a single deal, deals in commit that are stale or past their close date, people who call too high or too low.

    Gap and single deals need a stored forecast; without one the others are told, and a note says so.
    """
    require(actor, "read")
    if kind and kind not in warnings.KINDS:
        raise UsageError(f"there is no warning {kind!r}", f"Warnings: {', '.join(warnings.KINDS)}")
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    span = period_of(session, period, on)
    found_board = board(session, actor, period=span.key, as_of=on, through=through)
    rate = _win_rate(session, actor, on)
    lines, run, notes = _lines(session, actor, found_board, span, on)
    found = [one for line in lines for one in warnings.of_standing(line, rate)]
    if rate is not None and not actor.sees_all:
        notes.append("The win rate is that of the deals that you may see")
    if rate is None:
        notes.append("No deal was closed in the last year: no win rate, so coverage is not judged")
    found += warnings.of_commits(_commits(session, actor, span, on), on)
    past = _past(session, actor, "commit", PERIODS, on)
    biases, told = _biases(past, None if actor.sees_all else scope.visible_people(actor))
    found += warnings.of_callers({person: one for (person, _), one in biases.items()}, past.names)
    rows = [_warning_row(one) for one in warnings.in_order(found) if not kind or one.kind == kind]
    return {
        "period": span.key, "as_of": str(on), "currency": found_board.currency, "run": run, "win_rate": None if rate is None else round(rate, 4),
        "rows": rows, "notes": list(dict.fromkeys((*found_board.notes, *notes, *told))),
    }  # fmt: skip


def _win_rate(session: Any, actor: Actor, on: date) -> float | None:
    """The win rate by value over the last year, of the deals that the actor may see."""
    value = query(session, actor, "win_rate.value", from_=on - timedelta(days=364), to=on, as_of=on).value()
    return None if value is None else float(value)


def _lines(
    session: Any, actor: Actor, found: Any, span: Period, on: date
) -> tuple[list[warnings.Standing], int | None, list[str]]:
    """The company (for who sees everything) and everybody on the board, with what the newest forecast expects of them."""
    notes: list[str] = []
    nodes: dict[int | None, Any] = {}
    deals: dict[int, list[warnings.Deal]] = {}
    number = None
    try:
        run = latest(span.key, on)
    except NotFound as error:
        notes.append(f"{error.message[0].upper()}{error.message[1:]}: gaps and single deals are not told")
    else:
        number = run.number
        visible = seen(actor, run)
        for person, node in visible.people.items():
            nodes[person] = node
        nodes[None] = next((one for one in visible.others if one.dimension == COMPANY), None)
        deals = _deals_by_line(session, actor, run, found)
        if str(run.forecast.as_of) != str(on):
            notes.append(f"The forecast is of {run.forecast.as_of}")
    lines = [
        warnings.Standing(
            person, found.names.get(person, str(person)), found.targets.get(person, found.street.get(person)), line.deals["closed"],
            line.deals["pipeline"] - line.deals["closed"], *_expected(nodes.get(person)), deals.get(person, ()),
        )
        for person in found.order for line in [found.lines[person]]
    ]  # fmt: skip
    if actor.sees_all and lines:
        tops = [found.lines[one] for one in found.order if found.lines[one].depth == 0]
        target = sum(found.targets.values()) or None
        booked, all_ = sum(one.deals["closed"] for one in tops), sum(one.deals["pipeline"] for one in tops)
        every = sorted(
            {one.id: one for each in deals.values() for one in each}.values(), key=lambda one: (-one.expected, one.id)
        )
        lines.insert(0, warnings.Standing(None, "", target, booked, all_ - booked, *_expected(nodes.get(None)), every))
    return lines, number, notes


def _expected(node: Any) -> tuple[int | None, float | None]:
    return (None, None) if node is None else (node.expected, node.p_target)


def _deals_by_line(session: Any, actor: Actor, run: Any, found: Any) -> dict[int, list[warnings.Deal]]:
    """Open deals of a forecast by everybody at and above their owners, the largest expected amount first."""
    scores, horizon = run.forecast.scores, run.forecast.horizon
    paths = {seat.person: (*seat.path, seat.person) for seat in found.tree.seats}
    result: dict[int, list[warnings.Deal]] = {}
    for row in rows_of(session, actor, run):
        deal, expected = int(scores.deal[row]), int(scores.value[row, horizon])
        name, _, owner = run.deals[deal]
        if expected > 0 and owner.isdigit():
            due = None if np.isnat(scores.due[row]) else scores.due[row].astype(object)
            one = warnings.Deal(deal, name, found.names.get(int(owner), owner), int(scores.amount[row]), expected, due)
            for person in paths.get(int(owner), ()):
                if person in found.lines:
                    result.setdefault(person, []).append(one)
    return result


def _commits(session: Any, actor: Actor, span: Period, on: date) -> list[warnings.Deal]:
    """Open deals in commit that are due by the end of the period, with why those are stale that are."""
    asked: dict[str, Any] = {"where": "forecast_category = 'commit'", "as_of": on, "limit": MANY}
    rows = open_deals(session, actor, closing_to=span.end, **asked).to_pylist()
    if not rows:
        return []
    quiet = {row["id"]: row["reason"] for row in stale(session, actor, **asked).to_pylist()}
    ids, day = ", ".join(str(int(row["id"])) for row in rows), sql_day(on)
    found = session.query(
        f"SELECT id, owner FROM opportunity WHERE id IN ({ids}) AND day_from <= {day} AND {day} < day_to"
    )
    owners = {row["id"]: row["owner"] for row in found.to_pylist()}
    return [
        warnings.Deal(
            int(row["id"]), row["name"] or str(row["id"]), row["owner"] or "", 0 if row["value"] is None else int(row["value"].scaleb(4)), 0,
            row["expected_close"], quiet.get(row["id"], ""), owners.get(row["id"]),
        )
        for row in rows
    ]  # fmt: skip


def _warning_row(one: warnings.Warning) -> dict[str, Any]:
    return {
        "kind": one.kind, "person": one.name, "person_id": "" if one.person is None else str(one.person), "words": one.words,
        "amount": None if one.amount is None else from_units(one.amount), "share": None if one.share is None else round(one.share, 4),
        "deals": [
            {"id": str(deal.id), "name": deal.name, "owner": deal.owner, "amount": from_units(deal.amount), "expected": from_units(deal.expected),
             "due": deal.due, "why": deal.quiet}
            for deal in one.deals
        ],
    }  # fmt: skip


__all__ = ["callers", "early_warnings"]
