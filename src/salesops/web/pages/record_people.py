"""What the pages of people and teams show besides: their numbers, the reporting line then and now."""

from __future__ import annotations

from typing import Any

from salesops.metrics.catalogue import asked
from salesops.records import queries
from salesops.web.shell import shown
from salesops.web.shell.asking import Asking
from salesops.web.shell.question import equals

FIGURES = ("bookings", "quota_attainment", "win_rate", "open_pipeline")


def person(ask: Asking, found: queries.Record) -> dict[str, Any]:
    """Somebody's numbers of the period beside the compared one, and who they report to, now and then."""
    name = found.values.get("name") or ""
    return {**_figures(ask, f"owner:{name}", equals("owner", name)), "line": _line(ask, found.id)}


def team(ask: Asking, found: queries.Record) -> dict[str, Any]:
    """A team's numbers of the period beside the compared one."""
    name = found.values.get("name") or ""
    return _figures(ask, f"team:{name}", equals("team", name))


def _figures(ask: Asking, scope: str, where: str) -> dict[str, Any]:
    q = ask.question
    asked_ = {**q.asked(), "where": where}
    now = ask.metrics(",".join(FIGURES), **asked_)
    then = ask.metrics(",".join(FIGURES), **{**q.asked(then=True), "where": where}).to_pylist()[0] if q.then else {}
    values = now.to_pylist()[0]
    tiles = []
    for name in FIGURES:
        one = asked(name)
        value = shown.shown(values[name], one.unit, now.currency, place="tile")
        change = shown.delta(values[name], then.get(name), one.unit, one.metric.better, now.currency)
        tiles.append({"metric": name, "title": one.metric.title, "value": value, "delta": change})
    return {"tiles": tiles, "scope": scope}


def _line(ask: Asking, person_id: int) -> dict[str, Any]:
    """The chain of managers of a person as of the day and as of the compared day."""
    from salesops.metrics.organisation import chain

    q = ask.question
    now = ask.of(chain, person_id, as_of=q.as_of)
    then = ask.of(chain, person_id, as_of=q.then_as_of) if q.then_as_of else []
    return {
        "now": now,
        "then": then,
        "moved": bool(q.then) and [one[0] for one in now] != [one[0] for one in then],
        "then_day": q.then_as_of,
    }
