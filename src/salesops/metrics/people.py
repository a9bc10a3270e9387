"""People analytics: what everybody does, what the best quarter does otherwise, how newcomers come up, who stands out among those
in the same position - as far as the reader may see it.

A rep sees himself, a manager his people, roles that see every record everybody. What a group as a whole does is shown to others only
where the setting `peer_aggregates` allows it, and never where fewer than `peer_minimum` people would be behind it, or behind what is
left of it without those whom the reader sees anyway. Pay is never in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from salesops.common.errors import UsageError
from salesops.common.periods import FiscalCalendar, Period
from salesops.spreadsheet import Exported, Table
from salesops.workspace import Config

from .answer import Answer
from .dimensions import labels
from .peers import Ramp, fair_standing, mix_gap, tenure_band
from .peers import ramp as ramp_of
from .query import query
from .request import as_day, first_day
from .session import Actor, calendar_of
from .sql import day

FIGURES = (
    "activities",
    "activities_per_day",
    "activities.minutes",
    "prospect_meetings",
    "selling_time_share",
    "non_selling_share",
)
COMPARED: Mapping[str, tuple[str, str]] = {
    "win_rate": ("won", "closed"),
    "lead_conversion": ("converted", "created"),
    "qualification_rate": ("qualified", "created"),
}
"""Shares by which people can be compared, and the two counts that each is made of."""
ALL = "(all)"
ALWAYS = date(1, 1, 1)
UNITS = {"people": "count", "months": "months", "month": "count"}


@dataclass(frozen=True)
class Everybody:
    """Who is asked about where a group as a whole is shown: every record counts, no name leaves this module."""

    username: str = "(everybody)"
    person: int | None = None
    sees_all: bool = True
    sees_pay: bool = False


@dataclass(frozen=True)
class Reader:
    """What one actor may see of people: `seen` are those whose figures are shown by name (None: everybody)."""

    actor: Actor
    seen: frozenset[int] | None
    peers: bool
    minimum: int
    filtered: bool = False

    @property
    def whole(self) -> Any:
        """As whom figures of groups are worked out: everybody where that may be shown, else what the reader sees."""
        return Everybody() if self.peers and not self.filtered and self.seen is not None else self.actor

    def shows(self, person: int | None) -> bool:
        """Whether the figures of a person may be shown by name."""
        return self.seen is None or person in self.seen

    def refusal(self, group: int, seen: int) -> str:
        """Why the figures of a group of so many, of whom the reader sees so many by name, are not shown; '' where they are."""
        if self.seen is None:
            return ""
        if self.filtered:
            return "figures of the group are not shown for a part that a filter picks out: two such parts would tell of one person"
        if not self.peers:
            return "figures of the group are not shown: the setting peer_aggregates is off"
        rest = group - seen
        if group < self.minimum or 0 < rest < self.minimum:
            return f"figures of the group are not shown: at least {self.minimum} people must be behind them"
        return ""


@dataclass(frozen=True)
class Figures(Exported):
    """A table about people: `columns` names each column's unit ('' = text), `beside` holds what belongs to the whole table."""

    rows: tuple[dict[str, Any], ...]
    columns: Mapping[str, str]
    from_: date | None
    to: date | None
    as_of: date
    generation: str
    currency: str = ""
    notes: tuple[str, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(row) for row in self.rows]

    def table(self) -> Table:
        """The rows as they are written to a file."""
        about = [
            ("from (inclusive)", self.from_), ("to (inclusive)", self.to), ("as of", self.as_of), ("generation", self.generation),
            ("currency", self.currency), *(("note", one) for one in self.notes),
        ]  # fmt: skip
        told = [
            {"column": name, "title": name.replace("_", " "), "unit": unit.replace("_", " ")}
            for name, unit in self.columns.items()
        ]
        return Table(self.rows, list(self.columns), self.columns, self.currency, about=about, definitions=told)

    def to_dict(self) -> dict[str, Any]:
        """Rows and everything beside them, JSON-ready: exact numbers and dates as text."""
        from salesops.output import plain

        found: dict[str, Any] = plain(vars(self) | {"rows": list(self.rows)})
        return {"from" if name == "from_" else name: value for name, value in found.items()}


def reader(session: Any, actor: Actor, where: Any = None) -> Reader:
    """What the actor may see of people, by the reporting line of today and the workspace's settings; `where` is the question's."""
    workspace = getattr(session, "workspace", None)
    config: Config = workspace.config if workspace is not None else Config()
    return Reader(actor, _seen(session, actor), config.peer_aggregates, config.peer_minimum, bool(where))


def _seen(session: Any, actor: Actor) -> frozenset[int] | None:
    if actor.sees_all:
        return None
    if actor.person is None:
        return frozenset()
    today = day(session.manifest.today)
    sql = (
        f"SELECT DISTINCT z.person FROM reporting_closure AS z WHERE z.ancestor = {int(actor.person)} "
        f"AND z.valid_from <= {today} AND {today} < z.valid_to"
    )
    return frozenset(session.query(sql).column(0).to_pylist()) | {actor.person}


# Activity and time ------------------------------------------------------------------------------------------------------


def activity(session: Any, actor: Actor, *, kinds: bool = False, **question: Any) -> Figures:
    """Counts, minutes, selling and other time by person, and of all of them where that may be shown.

    `kinds`: counts and minutes by person and kind instead. `question` takes what `query.query` takes (period, from_, to, as_of, where).
    Shares are of contracted minutes, captured: an estimate.
    """
    who = reader(session, actor, question.get("where"))
    names = ("activities", "activities.minutes") if kinds else FIGURES
    answer = query(session, actor, names, by="owner,kind" if kinds else "owner", **question)
    shown = ["owner", *(["kind"] if kinds else []), *names]
    rows = [{name: row[name] for name in shown} for row in answer.to_pylist()]
    reps = query(session, who.whole, "prospect_meetings.per_rep", **question).to_pylist()
    group = sum(row["prospect_meetings.per_rep__reps"] for row in reps)
    mine = query(session, actor, "prospect_meetings.per_rep", **question).to_pylist()
    refused = who.refusal(group, sum(row["prospect_meetings.per_rep__reps"] for row in mine))
    if not refused:
        total = query(session, who.whole, names, by="kind" if kinds else (), **question)
        rows += [{**dict.fromkeys(shown), "owner": ALL, **_of(row, shown)} for row in total.to_pylist()]
    notes = (*answer.notes, *([refused] if refused else [f"{ALL}: {group:,} people with a working day in the period"]))
    return _figures(answer, rows, {**_units(answer), "kind": ""}, notes, people=None if refused else group)


def mix(session: Any, actor: Actor, **question: Any) -> Figures:
    """What the top quarter by attainment does otherwise: mean share of minutes by kind, top, rest and the gap (`activity_mix_gap`).

    Without the setting `peer_aggregates` only the people whom the reader sees count. Refused, with the reason as a note, where the
    top quarter or the rest has fewer than `peer_minimum` people.
    """
    who = reader(session, actor, question.get("where"))
    attained = query(session, who.whole, "quota_attainment", by="owner", **question)
    spent = query(session, who.whole, "activities.minutes", by="owner,kind", **question)
    measure = {row["owner_id"]: row["quota_attainment"] for row in attained.to_pylist()}
    minutes: dict[Any, dict[str, int]] = {}
    for row in spent.to_pylist():
        if row["owner_id"] is not None and row["activities.minutes"]:
            minutes.setdefault(row["owner_id"], {})[row["kind"]] = row["activities.minutes"]
    measure.pop(None, None)
    found = mix_gap(measure, minutes, who.minimum)
    rows = [
        {"kind": kind, "top": found.top[kind], "rest": found.rest[kind], "gap": gap}
        for kind, gap in sorted(found.gap.items(), key=lambda one: (-abs(one[1]), one[0]))
    ]
    columns = {"kind": "", "top": "ratio", "rest": "ratio", "gap": "ratio"}
    notes = [*spent.notes, *([found.refused] if found.refused else [])]
    if found.left_out:
        notes.append(f"{found.left_out:,} people without an attainment or without minutes are left out")
    return _figures(
        spent, rows, columns, tuple(dict.fromkeys(notes)),
        top_people=found.top_people, rest_people=found.rest_people, left_out=found.left_out, refused=found.refused,
    )  # fmt: skip


# Newcomers --------------------------------------------------------------------------------------------------------------


def ramp(session: Any, actor: Actor, *, as_of: date | str | None = None, currency: str | None = None) -> Figures:
    """How newcomers come up to the level of the tenured, by month since the start (`rep_ramp_months`).

    Productivity is the amount won in a full month of employment, by owner. One row a month: newcomers there, the median of what they
    won, the share who had come to 80 % of the tenured median (three months rolling; leavers and those on the way are censored).
    `beside["newcomers"]` lists those whom the reader sees: months watched, and whether they got there. People whose start is not known,
    and months before the first deal on record, are left out.
    """
    who = reader(session, actor)
    question: dict[str, Any] = {"as_of": as_of, "currency": currency}
    months = _months(calendar_of(session), session, as_of)
    jobs = _jobs(session)
    jobs = {person: span for person, span in jobs.items() if who.whole is not actor or who.shows(person)}
    won = query(session, who.whole, "bookings", by="owner", period="month", **_window(months), **question)
    person, since, produced = _person_months(jobs, months, won)
    found = ramp_of(person, since, produced, who.minimum)
    rows = _ramp_rows(found)
    names = dict(
        zip(*(session.query(labels("person")).column(name).to_pylist() for name in ("id", "label")), strict=True)
    )
    newcomers = [
        {"owner": names.get(one, str(one)), "started": jobs[one][0], "months": int(watched), "reached": bool(there)}  # type: ignore[index]
        for one, watched, there in zip(found.people, found.months, found.reached, strict=False)
        if who.shows(one)  # type: ignore[arg-type]
    ]
    mine = sum(who.shows(one) for one in found.people)  # type: ignore[arg-type]
    refused = found.refused or (who.refusal(len(found.people), mine) if who.whole is not actor else "")
    columns = {"month": "count", "people": "count", "median": "money", "reached": "ratio"}
    beside = {
        "target": None if refused or found.target is None else _money(found.target),
        "rep_ramp_months": None if refused else found.median,
        "newcomers": newcomers, "refused": refused,
    }  # fmt: skip
    notes = (*won.notes, *([refused] if refused else ["the median is shown for months with enough people only"]))
    return _figures(won, [] if refused else rows, columns, notes, **beside)


def _ramp_rows(found: Ramp) -> list[dict[str, Any]]:
    if found.curve is None:
        return []
    steps = found.curve.at(np.arange(1, len(found.present) + 1, dtype=np.float64))[0].tolist()
    return [
        {"month": n, "people": people, "median": None if level is None else _money(level),
         "reached": None if np.isnan(left) else 1.0 - left}
        for n, (people, level, left) in enumerate(zip(found.present, found.level, steps, strict=True), 1)
    ]  # fmt: skip


def _money(units: float) -> Any:
    from decimal import Decimal

    return Decimal(int(units)).scaleb(-4)


def _jobs(session: Any) -> dict[int, tuple[date, date]]:
    """First and last day (exclusive) of everybody who owns a deal and whose start is known."""
    sql = (
        "SELECT e.person, MIN(e.valid_from) AS start, MAX(e.valid_to) AS stop FROM employment AS e "
        "JOIN (SELECT DISTINCT o.owner FROM opportunity AS o) AS s ON s.owner = e.person GROUP BY e.person"
    )
    rows = session.query(sql).to_pylist()
    return {row["person"]: (row["start"], row["stop"]) for row in rows if row["start"] > ALWAYS}


def _months(calendar: FiscalCalendar, session: Any, as_of: date | str | None) -> list[Period]:
    """The full months from the first deal or lead on record to the as-of day; UsageError where there is none."""
    last = session.manifest.today if as_of is None else as_day(as_of, "as_of")
    first = first_day(session)
    found = calendar.periods("month", first, last) if first is not None and first <= last else []
    found = [one for one in found if first is not None and first <= one.start and one.end <= last]
    if not found:
        raise UsageError("there is no full month on record yet", "Import deals, or ask as of a later day")
    return found


def _window(months: list[Period]) -> dict[str, Any]:
    return {"from_": months[0].start, "to": months[-1].end}


def _person_months(
    jobs: Mapping[int, tuple[date, date]], months: list[Period], won: Answer
) -> tuple[list[int], Any, Any]:
    """Columns of person-months in full employment: person, full months since the start, amount won in 10^-4."""
    people = np.array(sorted(jobs), dtype=np.int64)
    starts = np.array([one.start.toordinal() for one in months])
    ends = np.array([one.end.toordinal() for one in months])
    begin = np.array([jobs[one][0].toordinal() for one in people.tolist()], dtype=np.int64)
    stop = np.array([jobs[one][1].toordinal() for one in people.tolist()], dtype=np.int64)
    before = np.array([_full_months(jobs[one][0], months[0].start) for one in people.tolist()], dtype=np.int64)
    grid = (begin[:, None] <= starts[None, :]) & (ends[None, :] < stop[:, None])
    first = np.searchsorted(starts, begin)
    amounts = np.zeros(grid.shape, dtype=np.int64)
    place = {number: n for n, number in enumerate(people.tolist())}
    column = {one.start: n for n, one in enumerate(months)}
    for owner, start, value in zip(
        *(won.rows.column(name).to_pylist() for name in ("owner_id", "from", "bookings")), strict=True
    ):
        if owner in place and value is not None:
            amounts[place[owner], column[start]] += int(value.scaleb(4))
    row, month = np.nonzero(grid)
    since = month - first[row] + 1 + before[row]
    return people[row].tolist(), since, amounts[row, month]


def _full_months(start: date, until: date) -> int:
    """Full calendar months from a start to a later day; 0 where it is not later."""
    if start >= until:
        return 0
    first = start if start.day == 1 else (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return max(0, (until.year - first.year) * 12 + until.month - first.month)


# Fair comparison --------------------------------------------------------------------------------------------------------


def compare(session: Any, actor: Actor, *, metric: str = "win_rate", **question: Any) -> Figures:
    """Everybody whom the reader sees against those in the same position: the same segment and the same band of tenure.

    `metric` is a share (win_rate, lead_conversion, qualification_rate). The segment of a person is that of most of the deals opened by D (ties
    by name); tenure is full months from the start to the last day of the question. `fair` is the share drawn towards the group's by
    how little is behind it (empirical Bayes), `low` to `high` its 90 % interval; `stands` compares that with the group's. A group that
    is too small, or may not be shown, leaves the person's own figure alone.
    """
    if metric not in COMPARED:
        raise UsageError(f"people cannot be compared by {metric!r}", f"Use {', '.join(COMPARED)}")
    who = reader(session, actor, question.get("where"))
    part, whole = (f"{metric}__{one}" for one in COMPARED[metric])
    answer = query(session, who.whole, metric, by="owner", **question)
    found = [row for row in answer.to_pylist() if row["owner_id"] is not None]
    names = {row["owner_id"]: row["owner"] for row in found}
    group = _positions(session, who.whole, names, answer)
    standing = fair_standing(
        {row["owner_id"]: row[part] for row in found}, {row["owner_id"]: row[whole] for row in found}, group, "share",
        minimum=who.minimum,
    )  # fmt: skip
    size: dict[Any, int] = {}
    mine: dict[Any, int] = {}
    for one in standing:
        size[one.group] = size.get(one.group, 0) + (one.value is not None)
        mine[one.group] = mine.get(one.group, 0) + (one.value is not None and who.shows(one.person))
    counts = {row["owner_id"]: row[whole] for row in found}
    rows, refusals = [], []
    for one in standing:
        if not who.shows(one.person):
            continue
        refused = who.refusal(size[one.group], mine[one.group]) if who.whole is not actor else ""
        refusals += [refused] if refused else []
        row = {
            "owner": names[one.person], "segment": one.group[0], "tenure": one.group[1],  # type: ignore[index]
            "records": counts[one.person], "value": one.value, "people": None if refused else one.people,
        }  # fmt: skip
        for name in ("group_mean", "fair", "low", "high"):
            row[name] = None if refused else getattr(one, name)
        rows.append(row | {"stands": "too few to compare" if refused else one.stands})
    columns = {"owner": "", "segment": "", "tenure": "", "records": "count", "value": "ratio", "people": "count"}
    columns |= dict.fromkeys(("group_mean", "fair", "low", "high"), "ratio") | {"stands": ""}
    if who.whole is actor and who.seen is not None:
        refusals.append(
            "compared with those whom the reader sees only"
            + ("" if who.filtered else ": the setting peer_aggregates is off")
        )
    return _figures(answer, rows, columns, tuple(dict.fromkeys((*answer.notes, *refusals))), metric=metric)


def _positions(session: Any, whole: Any, names: Mapping[int, str], answer: Answer) -> dict[int, tuple[str, str]]:
    """The segment and the band of tenure of everybody."""
    opened = query(session, whole, "created_deals", by="owner,segment", as_of=answer.as_of).to_pylist()
    segment: dict[int, tuple[int, str]] = {}
    for row in sorted(opened, key=lambda one: one["segment"]):
        if row["owner_id"] in names and row["created_deals"] > segment.get(row["owner_id"], (0, ""))[0]:
            segment[row["owner_id"]] = (row["created_deals"], row["segment"])
    jobs = _jobs(session)
    last = min(answer.to or answer.as_of, answer.as_of) + timedelta(days=1)
    return {
        one: (
            segment.get(one, (0, "(none)"))[1],
            tenure_band(_full_months(jobs[one][0], last)) if one in jobs else "(unknown)",
        )
        for one in names
    }


# Pieces -----------------------------------------------------------------------------------------------------------------


def _of(row: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}


def _units(answer: Answer) -> dict[str, str]:
    return {"owner": "", **{one.name: one.unit for one in answer.columns if one.kind == "metric"}}


def _figures(
    answer: Answer, rows: list[dict[str, Any]], columns: Mapping[str, str], notes: tuple[str, ...], **beside: Any
) -> Figures:
    kept = {name: unit for name, unit in columns.items() if not rows or name in rows[0]}
    return Figures(
        tuple(rows), kept, answer.from_, answer.to, answer.as_of, answer.generation, answer.currency, notes,
        {"hidden": answer.hidden, **beside},
    )  # fmt: skip
