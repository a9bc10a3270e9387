"""Who works where and when: seats, the stints of the people on them, managers, teams, territories, absences.

A *seat* is a place in the organisation (a territory to sell in, a team to lead); a *stint* is one person on one seat
during `[from_day, to_day)`. Ownership of records follows the seat, so a vacancy is covered by the seat's manager.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from salesops.demo.columns import spread
from salesops.demo.days import FOREVER, Flags, Floats, Ints, Span, month_start
from salesops.demo.parameters import Parameters

ROLES = ("rep", "manager", "director", "vp", "cro", "developer", "engineer", "operations")
REP, MANAGER, DIRECTOR, VP, CRO, DEVELOPER, ENGINEER, OPERATIONS = range(8)


@dataclass(frozen=True)
class Seats:
    """One row per seat; `parent` is the seat that it reports to (-1: none), `team` -1 outside sales teams."""

    role: Ints
    unit: Ints
    region: Ints
    team: Ints
    parent: Ints
    segment: Ints
    opens: Ints
    reps: int
    team_region: Ints
    """The region of each team."""

    def of(self, role: int) -> Ints:
        """Numbers of the seats of a role."""
        return np.flatnonzero(self.role == role)


@dataclass(frozen=True)
class Stints:
    """One row per stint, ordered by seat and day. `hired` is when the person began as what they are there."""

    seat: Ints
    person: Ints
    from_day: Ints
    to_day: Ints
    hired: Ints

    def __len__(self) -> int:
        return len(self.seat)

    def at(self, seat: Ints, day: Ints) -> Ints:
        """The stint that holds each seat on each day; -1 where it is vacant."""
        found = np.searchsorted(self._key, seat * 10**7 + day + 10**6, side="right") - 1
        safe = np.maximum(found, 0)
        inside = (found >= 0) & (self.seat[safe] == seat) & (day < self.to_day[safe])
        return np.where(inside, safe, -1)

    @cached_property
    def _key(self) -> Ints:
        return self.seat * 10**7 + self.from_day + 10**6


@dataclass(frozen=True)
class Staff:
    """The organisation over time. `skill` is each person's productivity (1 = usual)."""

    seats: Seats
    stints: Stints
    skill: Floats
    persons: int
    holders: Stints
    """Who owns the records of a seat: its stints, and the managers who cover its vacancies."""

    def owner(self, seat: Ints, day: Ints) -> Ints:
        """The person who owns a seat's records on a day (before the first stint: its first person)."""
        found = self.holders.at(seat, day)
        first = np.searchsorted(self.holders.seat, seat)
        return self.holders.person[np.where(found < 0, first, found)]

    def hand_overs(self, seat: Ints, after: Ints, until: Ints) -> tuple[Ints, Ints, Ints]:
        """Changes of owner of records of seats, after one day and before another: (record, day, new person)."""
        key = self.holders._key
        begin = np.searchsorted(key, seat * 10**7 + after + 10**6, side="right")
        end = np.searchsorted(key, seat * 10**7 + np.minimum(until, FOREVER) + 10**6, side="left")
        begin = np.maximum(begin, np.searchsorted(self.holders.seat, seat) + 1)
        count = np.maximum(end - begin, 0)
        record = np.repeat(np.arange(len(seat)), count)
        row = np.arange(len(record)) - np.repeat(np.cumsum(count) - count, count) + begin[record]
        return record, self.holders.from_day[row], self.holders.person[row]


def build(p: Parameters, span: Span) -> Staff:
    """The whole staff of the span, from a single founder to ten thousand representatives."""
    seats = _seats(p, span)
    stints = _renumbered(_promoted(_moved(_stints(p, span, seats), seats, p, span), seats, p, span))
    persons = int(stints.person.max()) + 1
    rng = p.rng("skill")
    skill = np.exp(rng.normal(0.0, p.company["people"]["skill_spread"], persons))
    return Staff(seats, stints, skill, persons, _holders(stints, seats))


def _seats(p: Parameters, span: Span) -> Seats:
    people, regions = p.company["people"], p.company["regions"]
    rng = p.rng("seats")
    region = np.repeat(np.arange(len(regions)), spread(p.reps, [r["share"] for r in regions]))
    size = people["team_size"]
    within = np.arange(p.reps) - np.searchsorted(region, region)
    in_region = np.bincount(region, minlength=len(regions))
    teams_in_region = np.where(in_region > 0, np.maximum(1, np.rint(in_region / size).astype(np.int64)), 0)
    first_team = np.cumsum(teams_in_region) - teams_in_region
    team = first_team[region] + within * teams_in_region[region] // in_region[region]
    team_region = np.repeat(np.arange(len(regions)), teams_in_region)
    unit_of = np.array([r["unit"] for r in regions], dtype=np.int64)
    segment = _segments(p, p.reps)
    opens = np.where(rng.random(p.reps) < people["seats_open_at_start"], -1, 0)
    opens = np.where(opens < 0, span.first, span.first + (rng.random(p.reps) * 0.8 * span.length).astype(np.int64))
    opens[np.unique(team, return_index=True)[1]] = span.first
    rows = [[REP, unit_of[region[i]], region[i], team[i], -1, segment[i], opens[i]] for i in range(p.reps)]
    return _with_management(p, span, rows, unit_of, team_region)


def _segments(p: Parameters, count: int) -> Ints:
    """Segments in a fixed rotation, so that every team sells to all of them."""
    share = np.array([s["share"] for s in p.company["segments"]])
    given = np.zeros(len(share))
    out = np.zeros(count, dtype=np.int64)
    for i in range(count):
        given += share
        out[i] = 1 if i == 0 else int(np.argmax(given))
        given[out[i]] -= 1
    return out


def _with_management(p: Parameters, span: Span, rows: list[list[int]], unit_of: Ints, team_region: Ints) -> Seats:
    """Add managers, directors, vice presidents, the head, and those who support; link every seat to its superior."""
    people = p.company["people"]
    rows = [[int(v) for v in row] for row in rows]

    def add(role: int, region: int, team: int = -1, parent: int = -1) -> int:
        rows.append([role, int(unit_of[region]), int(region), team, parent, -1, span.first])
        return len(rows) - 1

    head = add(CRO, 0) if p.reps >= 2 else -1
    units = sorted({int(unit_of[r]) for r in team_region})
    many = len(team_region)
    vps = {u: add(VP, int(np.flatnonzero(unit_of == u)[0]), parent=head) if many >= 3 else head for u in units}
    above: dict[int, int] = {}
    for region in sorted({int(r) for r in team_region}):
        teams = np.flatnonzero(team_region == region)
        for number, team in enumerate(teams):
            if number % people["managers_per_director"] == 0:
                vp = vps[int(unit_of[region])]
                director = add(DIRECTOR, region, parent=vp) if len(teams) >= 2 else vp
            above[int(team)] = add(MANAGER, region, int(team), director) if p.reps >= 4 else director
    for row in rows[: p.reps]:
        row[4] = above[row[3]]
    support = ((DEVELOPER, "developer"), (ENGINEER, "engineer"), (OPERATIONS, "operations"))
    for role, word in support:
        count = p.reps // people[f"representatives_per_{word}"]
        for i in range(count):
            like = rows[(i * p.reps) // count]
            add(role, like[2], like[3] if role == DEVELOPER else -1, like[4] if role == DEVELOPER else head)
    role, unit, region, team, parent, segment, opens = np.array(rows, dtype=np.int64).T
    return Seats(role, unit, region, team, parent, segment, opens, p.reps, team_region)


def _stints(p: Parameters, span: Span, seats: Seats) -> Stints:
    """People come, stay for an exponential time, leave; representatives' seats stay vacant for a while."""
    people, rng = p.company["people"], p.rng("stints")
    junior = (seats.role == REP) | (seats.role == DEVELOPER)
    mean = 365.0 / np.where(junior, people["attrition_rep"], people["attrition_manager"])
    low, high = people["vacancy_days"]
    begin = np.where(seats.opens > span.first, seats.opens, span.first - rng.integers(30, 1500, len(mean)))
    first = True
    found = []
    while (begin <= span.last).any():
        stay = 150 + rng.exponential(mean).astype(np.int64)
        end = np.maximum(begin, span.first + 20) + stay if first else begin + stay
        vacancy = np.where(seats.role == REP, rng.integers(low, high, len(mean)), 0)
        some = np.flatnonzero(begin <= span.last)
        found.append((some, begin[some], np.where(end > span.last, FOREVER, end)[some]))
        begin, first = np.where(end > span.last, FOREVER, end + vacancy), False
    seat, from_day, to_day = (np.concatenate([part[i] for part in found]) for i in range(3))
    return _sorted(seat, np.arange(len(seat)), from_day, to_day, from_day)


def _sorted(seat: Ints, person: Ints, from_day: Ints, to_day: Ints, hired: Ints) -> Stints:
    order = np.lexsort((from_day, seat))
    return Stints(seat[order], person[order], from_day[order], to_day[order], hired[order])


def _moved(stints: Stints, seats: Seats, p: Parameters, span: Span) -> Stints:
    """Now and then two representatives of a unit exchange their seats at the start of a quarter."""
    rng = p.rng("moves")
    rows = list(zip(*(c.tolist() for c in _columns(stints)), strict=True))
    wanted = int(p.company["people"]["moves_a_year"] * p.reps * p.years / 2)
    touched: set[int] = set()
    for _ in range(wanted):
        day = int(month_start(np.array([rng.choice(span.quarter_numbers) * 3]))[0])
        fits = [
            i
            for i in rng.integers(0, len(stints), 40).tolist()
            if i not in touched and seats.role[rows[i][0]] == REP and rows[i][2] < day - 120 and rows[i][3] > day + 90
        ]
        pair = next(((a, b) for a in fits for b in fits if _exchangeable(seats, rows[a][0], rows[b][0])), None)
        if pair is None or day <= span.first:
            continue
        for here, there in (pair, pair[::-1]):
            mover = stints.person[there]
            rows.append((rows[here][0], int(mover), day, int(stints.to_day[there]), int(stints.hired[there])))
        touched |= set(pair)
        rows = _exchange_ends(rows, pair, day)
    return _sorted(*(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)))


def _exchangeable(seats: Seats, a: int, b: int) -> bool:
    return bool(seats.unit[a] == seats.unit[b] and seats.team[a] != seats.team[b])


def _exchange_ends(rows: list[tuple[int, ...]], pair: tuple[int, int], day: int) -> list[tuple[int, ...]]:
    """End both old stints; the new ones keep the end that belongs to the *seat*, so that later people still fit."""
    a, b = pair
    rows[-2] = (*rows[-2][:3], rows[a][3], rows[-2][4])
    rows[-1] = (*rows[-1][:3], rows[b][3], rows[-1][4])
    for i in pair:
        rows[i] = (*rows[i][:3], day, rows[i][4])
    return rows


def _promoted(stints: Stints, seats: Seats, p: Parameters, span: Span) -> Stints:
    """Half of the manager seats that fall free go to somebody of the team, whose own seat is filled anew."""
    rng = p.rng("promotions")
    seat, person, from_day, to_day, hired = (column.copy() for column in _columns(stints))
    people = int(person.max()) + 1
    extra: list[tuple[int, int, int, int, int]] = []
    heirs = np.flatnonzero((seats.role[seat] == MANAGER) & (from_day > span.first))
    by_parent = np.where(seats.role[seat] == REP, seats.parent[seat], -1)
    last_stint = {int(who): int(end) for who, end in zip(person, to_day, strict=True) if end}
    for i in heirs[rng.random(len(heirs)) < p.company["people"]["promotion_share"]]:
        day = int(from_day[i])
        free = (by_parent == seat[i]) & (from_day < day - 365) & (to_day > day + 60)
        if not free.any():
            continue
        j = int(np.flatnonzero(free)[np.argmin(hired[free])])
        if last_stint[int(person[j])] != to_day[j]:
            continue
        begin = day + int(rng.integers(*p.company["people"]["vacancy_days"]))
        if begin < min(int(to_day[j]), span.last):
            extra.append((int(seat[j]), people, begin, int(to_day[j]), begin))
            people += 1
        person[i], to_day[j] = person[j], day
    if extra:
        more = np.array(extra, dtype=np.int64).T
        seat, person, from_day, to_day, hired = (
            np.concatenate([old, new]) for old, new in zip((seat, person, from_day, to_day, hired), more, strict=True)
        )
    return _sorted(seat, person, from_day, to_day, hired)


def _columns(stints: Stints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    return stints.seat, stints.person, stints.from_day, stints.to_day, stints.hired


def _renumbered(stints: Stints) -> Stints:
    """People numbered without gaps, in the order of their seats."""
    person = np.unique(stints.person, return_inverse=True)[1].astype(np.int64)
    return Stints(stints.seat, person, stints.from_day, stints.to_day, stints.hired)


def _holders(stints: Stints, seats: Seats) -> Stints:
    """Stints plus the manager's cover of vacancies between and after them (without a manager: the last person)."""
    seat = stints.seat
    following = np.append(seat[1:], -1)
    next_from = np.where(following == seat, np.append(stints.from_day[1:], 0), FOREVER)
    gap = np.flatnonzero((stints.to_day < next_from) & (seats.parent[seat] >= 0))
    if not len(gap):
        return stints
    superior = seats.parent[seat[gap]]
    cover = stints.person[np.maximum(stints.at(superior, stints.to_day[gap]), 0)]
    return _sorted(
        np.concatenate([seat, seat[gap]]),
        np.concatenate([stints.person, cover]),
        np.concatenate([stints.from_day, stints.to_day[gap]]),
        np.concatenate([stints.to_day, next_from[gap]]),
        np.concatenate([stints.hired, stints.hired[gap]]),
    )


def overlaps(stints: Stints, seat: Ints, from_day: Ints, to_day: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Stints of other seats that overlap intervals: (interval, stint, from, to)."""
    key = stints._key
    begin = np.searchsorted(key, seat * 10**7 + from_day + 10**6, side="right") - 1
    begin = np.maximum(begin, np.searchsorted(stints.seat, seat))
    end = np.searchsorted(key, seat * 10**7 + np.minimum(to_day, FOREVER) + 10**6, side="left")
    count = np.where(seat >= 0, np.maximum(end - begin, 0), 0)
    row = np.repeat(np.arange(len(seat)), count)
    stint = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + begin[row]
    start = np.maximum(from_day[row], stints.from_day[stint])
    stop = np.minimum(to_day[row], stints.to_day[stint])
    keep = start < stop
    return row[keep], stint[keep], start[keep], stop[keep]


def absences(p: Parameters, span: Span, staff: Staff) -> tuple[Ints, Ints, Ints, Ints]:
    """Holidays and illness of everybody: (person, kind code 0 leave / 1 sick / 2 parental, from, to)."""
    rng, people = p.rng("absences"), p.company["people"]
    begin, end = employed(staff)
    slots = span.length // 60
    person = np.repeat(np.arange(staff.persons), slots)
    start = span.first + 60 * np.tile(np.arange(slots), staff.persons)
    low, high = people["leave_days"]
    leave_on = rng.random(len(person)) < 0.7
    leave_from = start + rng.integers(0, 20, len(person))
    leave_to = leave_from + rng.integers(low, high, len(person)) * 7 // 5
    sick_from = start + rng.integers(35, 50, len(person))
    sick_to = sick_from + 1 + rng.integers(0, 4, len(person))
    sick_on = rng.random(len(person)) < people["sick_share"]
    rows = (
        np.concatenate([person[leave_on], person[sick_on]]),
        np.repeat([0, 1], [leave_on.sum(), sick_on.sum()]),
        np.concatenate([leave_from[leave_on], sick_from[sick_on]]),
        np.concatenate([leave_to[leave_on], sick_to[sick_on]]),
    )
    inside = (rows[2] >= begin[rows[0]]) & (rows[3] <= np.minimum(end[rows[0]], span.last + 30))
    order = np.lexsort((rows[2][inside], rows[0][inside]))
    return tuple(column[inside][order] for column in rows)


def employed(staff: Staff) -> tuple[Ints, Ints]:
    """First day and end (exclusive) of everybody's employment."""
    begin = np.full(staff.persons, FOREVER, dtype=np.int64)
    end = np.zeros(staff.persons, dtype=np.int64)
    np.minimum.at(begin, staff.stints.person, staff.stints.from_day)
    np.maximum.at(end, staff.stints.person, staff.stints.to_day)
    return begin, end


def main_seat(staff: Staff) -> Ints:
    """The first seat that each person held."""
    order = np.argsort(-staff.stints.from_day, kind="stable")
    seat = np.zeros(staff.persons, dtype=np.int64)
    seat[staff.stints.person[order]] = staff.stints.seat[order]
    return seat


def available(p: Parameters, span: Span, staff: Staff, off: tuple[Ints, Ints, Ints, Ints], closed: Flags) -> Flags:
    """Who works on which day: (person, day of span); `closed` is (unit, day) without work."""
    begin, end = employed(staff)
    day = np.arange(span.first, span.last + 1)
    there = (day >= begin[:, None]) & (day < end[:, None])
    there &= ~closed[staff.seats.unit[main_seat(staff)]]
    delta = np.zeros((staff.persons, span.length + 1), dtype=np.int8)
    np.add.at(delta, (off[0], np.clip(off[2] - span.first, 0, span.length)), 1)
    np.add.at(delta, (off[0], np.clip(off[3] - span.first, 0, span.length)), -1)
    return np.asarray(there & (np.cumsum(delta, axis=1, dtype=np.int8)[:, :-1] == 0))


def ramp(p: Parameters, tenure: Ints) -> Floats:
    """Productivity after so many days on the job, 1 = full."""
    people = p.company["people"]
    part = np.clip(tenure / people["ramp_days"], 0, 1)
    return np.asarray(people["ramp_start"] + (1 - people["ramp_start"]) * part)


def grade(p: Parameters, tenure: Ints) -> Ints:
    """0, 1 or 2 after so many days."""
    low, high = p.company["people"]["grade_months"]
    return (tenure >= low * 30).astype(np.int64) + (tenure >= high * 30)
