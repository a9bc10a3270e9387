"""The forecast as people ask for it: made and stored, shown by reporting line, explained deal by deal, held against what came."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from salesops.common.errors import NotFound, UsageError
from salesops.common.instants import from_us
from salesops.common.money import from_units
from salesops.metrics.request import as_day
from salesops.records import audit, context, scope
from salesops.records.access import Actor, require, roles_allow

from . import backtest as testing
from . import deals as scoring
from . import stored
from .changes import changes as compare
from .feed import LINE, WEEKS, Feed, feed
from .forecast import forecast
from .queries import board, period_of
from .results import COMPANY, BackTest, Forecast, NodeForecast
from .scenario import Scenario
from .stored import Run

DIMENSIONS = ("team", "region", "segment", "type")
HORIZONS = (0, 1)
TEST_DAYS = 28
"""A back-test is made anew after so many days."""
Step = Callable[[str, int, int], None]


def place() -> Path:
    """Where forecasts are stored."""
    return context.folder() / "forecasts"


@dataclass(frozen=True)
class Made:
    """What a run stored: the numbers of its forecasts by period, the seconds it took, whether the back-test was made anew."""

    runs: Mapping[str, int]
    seconds: float
    tested: bool
    notes: tuple[str, ...]


def run(
    session: Any,
    actor: Actor,
    *,
    as_of: date | str | None = None,
    test: bool | None = None,
    weeks: int = WEEKS,
    step: Step | None = None,
    notes: tuple[str, ...] = (),
) -> Made:
    """Forecast the period of a day and the next one, for everybody, and store both. Role: office, finance, executives, engineers.

    `test`: make the back-test anew (default: when there is none, or it is 28 days old); `weeks`: how many past weeks are looked at. `session` must
    know what was known on a past `as_of` (`as_known_on`). `step(what, done, all)` is called as it goes on; `notes` are stored with it. The
    same data gives the same forecast.
    """
    require(actor, "forecast")
    started = time.monotonic()
    tell = step or (lambda *_: None)
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    tell("Reading", 0, 1)
    given = feed(
        session, actor, as_of=on, grain=str(context.option("forecast_period", "quarter") or "quarter"), weeks=weeks
    )
    past, tested = _tested(given, test, tell)
    tell("Learning", 0, 1)
    model = scoring.train(given.history, given.on)
    found: dict[str, int] = {}
    told: dict[str, None] = {}
    for horizon in HORIZONS:
        tell("Simulating", horizon, len(HORIZONS))
        made = _one(session, actor, given, model, horizon, past, None)
        made = replace(made, notes=(*made.notes, *notes))
        about = {
            "generation": session.generation, "currency": given.currency, "made_at": context.clock(), "made_by": actor.username, "version": version("salesops"),
            "seed": given.history.settings.seed, "depth": given.depth, "end": str(_end(given, made)),
        }  # fmt: skip
        found[made.period] = stored.write_run(place(), made, about, given.deals)
        told |= dict.fromkeys(made.notes)
    audit.write(
        actor,
        "forecast.run",
        entity="forecast",
        rows=len(found),
        detail={"as_of": str(on), "runs": found, "generation": session.generation},
    )
    return Made(found, time.monotonic() - started, tested, tuple(told))


def _tested(given: Feed, test: bool | None, tell: Step) -> tuple[BackTest | None, bool]:
    """The back-test to learn from: the stored one while it is young, else one made anew."""
    held = stored.read_backtest(place())
    if held is not None and test is not True:
        age = (given.on - np.datetime64(held[1]["as_of"], "D")).astype(int)
        if test is False or 0 <= age < TEST_DAYS:
            return held[0].known_on(given.on), False
    if test is False:
        return None, False
    made = testing.backtest(
        given.history, dimensions=("team",), step=lambda done, all_: tell("Testing on past weeks", done, all_)
    )
    stored.write_backtest(
        place(), made, {"as_of": str(given.on), "made_at": context.clock(), "version": version("salesops")}
    )
    return made, True


def _one(
    session: Any, actor: Actor, given: Feed, model: Any, horizon: int, past: BackTest | None, scenario: Scenario | None
) -> Forecast:
    lines = [f"{LINE}{n}" for n in range(given.depth)]
    now = int(given.history.periods.index(given.on))
    key = given.history.periods.keys[now + horizon]
    targets = _targets(session, actor, given, key)
    return forecast(given.history, model, given.on, horizon, (*lines, *DIMENSIONS), targets, past, scenario=scenario)


def _targets(session: Any, actor: Actor, given: Feed, key: str) -> dict[tuple[str, str], int]:
    """Quotas of people at their place of the reporting line, and the sum of them for the company."""
    found = board(session, replace(actor, roles=frozenset({"owner"})), period=key, as_of=given.on.astype(object))
    targets: dict[tuple[str, str], int] = {}
    for person in found.order:
        amount = found.targets.get(person, found.street.get(person))
        if amount is not None:
            targets[(f"{LINE}{found.lines[person].depth}", str(person))] = amount
    whole = sum(found.targets.values())
    return targets | ({(COMPANY, ""): whole} if whole else {})


def _end(given: Feed, made: Forecast) -> Any:
    periods = given.history.periods
    return periods.end[periods.keys.index(made.period)]


# Whether one is being made


def running(actor: Actor) -> dict[str, Any]:
    """Whether the worker makes a forecast: `status` waiting, running, failed, done, or none (never asked); how far it is (`what`, `done`
    of `all`), who asked, since when; `problem` of one that failed or is tried again, for those who may make forecasts."""
    from salesops.records.models import JobRun

    require(actor, "read")
    rows = JobRun.objects.filter(kind="forecast", key__isnull=False)
    row = (
        rows.filter(status__in=("running", "waiting")).order_by("status", "due").first()
        or rows.order_by("-finished", "-id").first()
    )
    if row is None:
        return {
            "status": "none",
            "what": "",
            "done": 0,
            "all": 0,
            "asked_by": "",
            "since": None,
            "finished": None,
            "problem": "",
        }
    said = json.loads(row.result)
    return {
        "status": row.status, "what": said.get("what", ""), "done": said.get("done", 0), "all": said.get("all", 0),
        "asked_by": json.loads(row.parameters).get("asked_by", ""), "since": from_us(row.started),
        "finished": from_us(row.finished) if row.finished else None, "problem": said.get("problem", "") if roles_allow(actor, "forecast") else "",
    }  # fmt: skip


def listed(actor: Actor, *, period: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The stored forecasts (of a period), the newest first: day, period, when and by whom made, tier; the company's figure for who sees it."""
    require(actor, "read")
    rows = []
    for head in sorted(stored.heads(place()), key=lambda one: -one["number"]):
        if period and head["period"] != period:
            continue
        node = (
            next((NodeForecast(**one) for one in head["nodes"] if one["dimension"] == COMPANY), None)
            if actor.sees_all
            else None
        )
        rows.append({
            "number": head["number"], "as_of": head["as_of"], "period": head["period"], "week": head["week"], "made_at": from_us(head["about"]["made_at"]),
            "made_by": head["about"]["made_by"], "tier": head["tier"]["name"], "closed_deals": head["tier"]["n"], "generation": head["about"]["generation"],
            "currency": head["about"]["currency"], "expected": None if node is None else from_units(node.expected), "notes": head["notes"],
        })  # fmt: skip
        if len(rows) == limit:
            break
    return rows


# Reading


def latest(period: str, as_of: date | None = None, before: date | None = None) -> Run:
    """The newest stored forecast of a period made for a day up to `as_of` (or before `before`); raises NotFound with the remedy."""
    found = None
    for head in stored.heads(place()):
        day = date.fromisoformat(head["as_of"])
        if head["period"] != period or (as_of and day > as_of) or (before and day >= before):
            continue
        if found is None or (head["as_of"], head["number"]) >= (found["as_of"], found["number"]):
            found = head
    if found is None:
        raise NotFound(
            f"there is no forecast of {period} yet", "salesops forecast run makes one; the worker makes one every night"
        )
    return stored.read_run(place(), found["number"])


def node_row(one: NodeForecast) -> dict[str, Any]:
    """A node as a row, amounts as decimals."""
    money = ("booked", "open", "arrivals", "adjustment", "expected", "p10", "p50", "p90", "noise")
    row = {name: from_units(getattr(one, name)) for name in money}
    return {
        "deals": one.deals,
        **row,
        "target": None if one.target is None else from_units(one.target),
        "p_target": one.p_target,
    }


@dataclass(frozen=True)
class Seen:
    """A stored forecast as one reader may see it. `people`: their nodes by person; `others`: company and cuts, for who sees everything."""

    run: Run
    people: Mapping[int, NodeForecast]
    others: tuple[NodeForecast, ...]


def seen(actor: Actor, run_: Run) -> Seen:
    """What the actor may see of a forecast: themselves and those below; everything by role."""
    require(actor, "read")
    allowed = None if actor.sees_all else scope.visible_people(actor)
    people: dict[int, NodeForecast] = {}
    others = []
    for node in run_.forecast.nodes:
        if node.dimension.startswith(LINE):
            if node.value.isdigit() and (allowed is None or int(node.value) in allowed):
                people[int(node.value)] = node
        elif allowed is None:
            others.append(node)
    return Seen(run_, people, tuple(others))


def show(session: Any, actor: Actor, *, period: str | None = None, as_of: date | str | None = None) -> dict[str, Any]:
    """The newest forecast of a period (as of a day) as rows: one a person that the actor may see, and the cuts; with methods and notes."""
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    key = period_of(session, period, on).key
    found = seen(actor, latest(key, on))
    made = found.run.forecast
    names, teams = _names(session), _names(session, "team")
    rows = [
        {"dimension": "person", "value": names.get(person, str(person)), "id": str(person), "level": int(node.dimension.removeprefix(LINE)), **node_row(node)}
        for person, node in found.people.items()
    ]  # fmt: skip
    rows += [{"dimension": one.dimension, **_cut(one, teams), "level": 0, **node_row(one)} for one in found.others]
    methods = [
        {
            "name": one.name,
            "value": None if one.value is None else from_units(one.value),
            "weight": one.weight,
            "reason": one.reason,
        }
        for one in made.methods
    ]
    return {
        "run": found.run.number, "as_of": str(made.as_of), "period": made.period, "week": made.week, "currency": found.run.about["currency"],
        "tier": made.tier.name, "closed_deals": made.tier.n, "reason": made.tier.reason, "generation": found.run.about["generation"],
        "rows": rows, "methods": methods if actor.sees_all else [], "notes": list(made.notes),
    }  # fmt: skip


def _names(session: Any, of: str = "person") -> dict[int, str]:
    rows = session.query(f"SELECT id, name FROM {of} WHERE day_to = CAST('9999-12-31' AS DATE)").to_pylist()
    return {row["id"]: row["name"] or str(row["id"]) for row in rows}


def _cut(node: NodeForecast, teams: Mapping[int, str]) -> dict[str, str]:
    """How a cut is called: a team, which the model knows by its id, by its name of today."""
    if node.dimension == "team" and node.value.lstrip("-").isdigit():
        return {"value": teams.get(int(node.value), node.value), "id": node.value}
    return {"value": node.value, "id": ""}


def deals(
    session: Any,
    actor: Actor,
    *,
    period: str | None = None,
    as_of: date | str | None = None,
    person: int | str | None = None,
    limit: int = 1000,
) -> list[dict[str, Any]]:
    """The open deals of a forecast that the actor may see (of a person and those below), the largest expected amount first: chance in
    the period, later and ever, expected close, slip, amount if won, expected amount, and the reasons of the chance."""
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    found = latest(period_of(session, period, on).key, on)
    names = _names(session)
    of = None if person is None else _whose(actor, person, names)
    return [_deal(found, row, names) for row in rows_of(session, actor, found, of)[:limit]]


def _whose(actor: Actor, person: int | str, names: Mapping[int, str]) -> int:
    """The id of a person whom the actor may see, by id or name; raises NotFound."""
    allowed = set(names) if actor.sees_all else scope.visible_people(actor) & set(names)
    text = str(person).strip()
    found = [one for one in allowed if str(one) == text or names[one].casefold() == text.casefold()]
    if len(found) != 1:
        raise NotFound(
            f"there is no person {text!r} whose forecast you may see",
            "Give the id: salesops forecast board --format json shows it",
        )
    return found[0]


def rows_of(session: Any, actor: Actor, found: Run, person: int | None = None) -> list[int]:
    """Rows of the scores that the actor may see, by expected amount."""
    require(actor, "read")
    allowed = None if actor.sees_all else scope.visible_people(actor)
    if person is not None:
        below = set(_below(session, person, found))
        allowed = below if allowed is None else below & allowed
    scores, horizon = found.forecast.scores, found.forecast.horizon
    order = np.argsort(-scores.value[:, horizon], kind="stable").tolist()
    if allowed is None:
        return order
    owner = [found.deals[int(one)][2] for one in scores.deal]
    return [row for row in order if owner[row].isdigit() and int(owner[row]) in allowed]


def _below(session: Any, person: int, found: Run) -> list[int]:
    on = found.forecast.as_of.astype(object).isoformat()
    sql = f"SELECT person FROM reporting_closure WHERE ancestor = {int(person)} AND valid_from <= DATE '{on}' AND DATE '{on}' < valid_to"
    return [person, *(row["person"] for row in session.query(sql).to_pylist())]


def _deal(found: Run, row: int, names: Mapping[int, str]) -> dict[str, Any]:
    scores, horizon = found.forecast.scores, found.forecast.horizon
    deal = int(scores.deal[row])
    name, stage, owner = found.deals[deal]
    p = scores.p[row]
    close, due = scores.expected_close[row], scores.due[row]
    return {
        "id": str(deal), "name": name, "stage": stage, "owner": names.get(int(owner), owner) if owner.isdigit() else "", "p": round(float(p[horizon]), 6),
        "p_later": round(float(p[horizon + 1 :].sum()), 6), "p_ever": round(float(scores.p_ever[row]), 6),
        "slip": None if np.isnan(scores.slip[row]) else round(float(scores.slip[row]), 6), "expected_close": None if np.isnat(close) else close.astype(object),
        "due": None if np.isnat(due) else due.astype(object), "amount": from_units(int(scores.amount[row])), "stated": bool(scores.stated[row]),
        "expected": from_units(int(scores.value[row, horizon])),
        "reasons": [{"what": what, "log_odds": round(size, 4)} for what, size in scores.reasons.of(row)],
    }  # fmt: skip


def moved(
    session: Any, actor: Actor, *, period: str | None = None, as_of: date | str | None = None, days: int = 7
) -> dict[str, Any]:
    """Why the forecast of a period is another than `days` ago, deal by deal; the rows of who sees everything add up to the difference."""
    on = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    key = period_of(session, period, on).key
    after = latest(key, on)
    day = after.forecast.as_of.astype(object)
    before = latest(key, day - timedelta(days=days)) if days > 1 else latest(key, before=day)
    allowed = None if actor.sees_all else {str(one) for one in scope.visible_people(actor)}
    names = before.deals | after.deals  # type: ignore[operator]
    people = _names(session)
    rows = []
    for one in compare(before.forecast, after.forecast, np.datetime64(after.about["end"], "D")):
        name, stage, owner = names.get(one.deal or 0, ("", "", ""))
        if allowed is not None and (one.deal is None or owner not in allowed):
            continue
        rows.append({
            "kind": one.kind, "id": str(one.deal or ""), "name": name, "stage": stage, "owner": people.get(int(owner), "") if owner.isdigit() else "",
            "amount": from_units(one.amount), "before": from_units(one.before), "after": from_units(one.after),
        })  # fmt: skip
    return {
        "period": key, "before": str(before.forecast.as_of), "after": str(after.forecast.as_of), "currency": after.about["currency"], "rows": rows,
        "difference": from_units(after.forecast.node().expected - before.forecast.node().expected) if allowed is None else None,
    }  # fmt: skip


def accuracy(actor: Actor, *, weeks: str = "all") -> dict[str, Any]:
    """How good every method was on past weeks: errors of the company's forecasts with intervals over periods, coverage, skill, noise floor."""
    require(actor, "read_accuracy")
    held = stored.read_backtest(place())
    if held is None:
        raise NotFound(
            "no back-test was made yet", "salesops forecast backtest makes one; so does the first salesops forecast run"
        )
    test, about = held
    scores = _scores(str(place()), about["number"])
    names = list(dict.fromkeys(one.weeks for one in scores))
    if weeks not in names:
        raise UsageError(f"there is no {weeks!r} in the back-test", f"Use {', '.join(names)}")
    return {
        "about": about,
        "weeks": names,
        "asked": weeks,
        "scores": [_score(one) for one in scores if one.weeks == weeks],
        "points": _points(test),
    }


def _score(one: testing.Score) -> dict[str, Any]:
    """Scores as a row; what cannot be told is None."""
    row = {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in vars(one).items()}
    skill = {name: None if np.isnan(value) else value for name, value in one.skill.items()}
    return row | {"interval": None if np.isnan(one.interval).any() else list(one.interval), "skill": skill}


@lru_cache(maxsize=4)
def _scores(folder: str, number: int) -> list[testing.Score]:
    """Scores of the company's forecasts of the stored back-test of this number, which never changes."""
    held = stored.read_backtest(Path(folder))
    assert held is not None
    assert held[1]["number"] == number
    return [one for one in testing.summary(held[0]) if one.horizon == 0 and one.dimension == COMPANY]


def _points(test: BackTest) -> list[dict[str, Any]]:
    """The company's forecasts by the shipped method, week by week, beside what came."""
    own = test.only(method=testing.BLEND, dimension=COMPANY, horizon=0)
    return [
        {
            "as_of": str(own.as_of[i]), "week": int(own.week[i]), "forecast": float(own.forecast[i]) / 10_000, "booked": float(own.booked[i]) / 10_000,
            "actual": None if np.isnan(own.actual[i]) else float(own.actual[i]) / 10_000,
            "p10": None if np.isnan(own.p10[i]) else float(own.p10[i]) / 10_000, "p90": None if np.isnan(own.p90[i]) else float(own.p90[i]) / 10_000,
        }
        for i in range(len(own))
    ]  # fmt: skip


def retest(session: Any, actor: Actor, *, step: Step | None = None) -> dict[str, Any]:
    """Make the back-test anew, now."""
    require(actor, "forecast")
    given = feed(session, actor, grain=str(context.option("forecast_period", "quarter") or "quarter"))
    _tested(given, True, step or (lambda *_: None))
    audit.write(actor, "forecast.backtest", entity="forecast", rows=1, detail={"as_of": str(given.on)})
    return accuracy(actor)


def scenario(session: Any, actor: Actor, what: Scenario, *, horizon: int = 0) -> dict[str, Any]:
    """The forecast of today beside the same with a scenario: expected, range and chance of the target of the company and everybody."""
    require(actor, "forecast")
    if horizon not in HORIZONS:
        raise UsageError(f"there is no horizon {horizon}", "Use 0 for the current period, 1 for the next")
    given = feed(session, actor, grain=str(context.option("forecast_period", "quarter") or "quarter"))
    held = stored.read_backtest(place())
    past = held[0].known_on(given.on) if held else None
    model = scoring.train(given.history, given.on)
    base, other = (_one(session, actor, given, model, horizon, past, one) for one in (None, what))
    teams = _names(session, "team")
    rows = []
    for node in base.nodes:
        try:
            then = other.node(node.dimension, node.value)
        except KeyError:
            continue
        label = (
            given.names.get(node.value, node.value) if node.dimension.startswith(LINE) else _cut(node, teams)["value"]
        )
        rows.append({
            "dimension": "person" if node.dimension.startswith(LINE) else node.dimension, "value": label,
            **{f"base_{name}": value for name, value in node_row(node).items()}, **node_row(then),
            "difference": from_units(then.expected - node.expected),
        })  # fmt: skip
    return {
        "period": base.period,
        "as_of": str(base.as_of),
        "currency": given.currency,
        "scenario": what.name,
        "rows": rows,
        "notes": list(other.notes),
    }


__all__ = [
    "Made",
    "accuracy",
    "deals",
    "latest",
    "listed",
    "moved",
    "retest",
    "run",
    "running",
    "scenario",
    "seen",
    "show",
]
