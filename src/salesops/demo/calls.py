"""What representatives call every Monday of a quarter: what is closed by then, and what they see coming, each in one's own way."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from salesops.demo import people
from salesops.demo.columns import dates as date_column
from salesops.demo.columns import ids, instants, money, same, words
from salesops.demo.days import DAY, MICROS, Ints, month_start, quarters, weekday
from salesops.demo.dealbook import Book
from salesops.demo.folder import Folder
from salesops.demo.organisation import World, numbered
from salesops.demo.selling import Deals
from salesops.demo.targets import shares

WEEKS = 15
"""Stretches of a quarter from Monday to Monday; the first ends on its first Monday."""
MOST = 500
"""More representatives than this call nothing: the figures would be millions."""


def credit(world: World, deals: Deals, made: Book, credited: Ints) -> None:
    """Add the won deals of a block to what people closed, by quarter and week of it."""
    person, day, amount = shares(deals, made)
    quarter = quarters(day)
    week = np.maximum((day - _first_monday(month_start(quarter * 3))) // 7 + 1, 0)
    np.add.at(credited, (person, quarter - world.span.quarter_numbers[0], week), amount)


def _first_monday(start: Ints) -> Ints:
    return start + -weekday(start) % 7


def write(world: World, folder: Folder, credited: Ints) -> None:
    """Write the calls of every quarter: commit and best case, every Monday morning, until the last day of the span."""
    seats, stints = world.staff.seats, world.staff.stints
    if seats.reps > MOST:
        return
    rng = world.p.rng("calls")
    bias, spread = rng.normal(0.05, 0.18, world.staff.persons), rng.uniform(0.15, 0.45, world.staff.persons)
    for place, quarter in enumerate(world.span.quarter_numbers.tolist()):
        start, end = (int(d) for d in month_start(np.array([quarter * 3, quarter * 3 + 3])))
        monday = _first_monday(np.array([start])) + 7 * np.arange(WEEKS - 1)
        monday = monday[(monday < end) & (monday * DAY + 9 * 3600 * MICROS < world.span.closing)]
        row = np.flatnonzero(
            (seats.role[stints.seat] == people.REP) & (stints.from_day < end) & (stints.to_day > start)
        )
        row, week = (one.ravel() for one in np.meshgrid(row, np.arange(len(monday)), indexing="ij"))
        here = (stints.from_day[row] <= monday[week]) & (monday[week] < stints.to_day[row])
        row, week = row[here], week[here]
        if not len(row):
            continue
        person = stints.person[row]
        closed = credited[:, place].cumsum(axis=1)
        known, final = closed[person, week], closed[person, -1]
        sure = (final - known) * np.exp(bias[person] + spread[person] * rng.normal(0, 1, len(row)))
        hope = sure + (final - known) * 0.35 * rng.random(len(row)) + final * 0.06
        commit, best = (known + np.rint(value / 10**7) * 10**7 for value in (sure, hope))
        _write(
            world,
            folder,
            (start, end, quarter),
            person,
            seats.unit[stints.seat[row]],
            monday[week],
            commit,
            np.maximum(commit, best),
        )


def _write(
    world: World,
    folder: Folder,
    quarter: tuple[int, int, int],
    person: Ints,
    unit: Ints,
    monday: Ints,
    commit: Ints,
    best: Ints,
) -> None:
    """Commit and best case of each row, made on the morning of the deadline."""
    start, end, number = quarter
    rng = world.p.rng("called", number)
    n = 2 * len(person)
    who, day, of = np.tile(person, 2), np.tile(monday, 2), np.repeat([0, 1], len(person))
    at = day * DAY + 8 * 3600 * MICROS + np.tile(rng.integers(0, 3600, len(person)), 2) * MICROS
    columns = {
        "at": instants(at), "person": ids("person", who), "scope": same("own", n), "starts_on": date_column(np.full(n, start)),
        "ends_on": date_column(np.full(n, end - 1)), "category": words(of, ("commit", "best_case")), "type": same(None, n),
        "amount": money(np.concatenate([commit, best]).astype(np.int64)), "currency": words(np.tile(unit, 2), world.currencies),
        "due_on": date_column(day), "made_by": ids("person", who), "adjusts": pa.nulls(n, pa.int64()), "reason": same(None, n), "note": same(None, n),
    }  # fmt: skip
    numbered(folder, "forecast_call", columns)
