"""Quotas of representatives, plans of units and teams, goals, and benchmarks of others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from salesops.demo import people
from salesops.demo.changes import Changes
from salesops.demo.columns import dates as date_column
from salesops.demo.columns import ids, money, money_text, same, scaled, texts, words
from salesops.demo.days import DAY, MICROS, NULL, Floats, Ints, month_start, quarters
from salesops.demo.dealbook import Book
from salesops.demo.folder import Folder
from salesops.demo.organisation import World, numbered, stamped
from salesops.demo.selling import Deals

HOUR = 3600 * MICROS


def _won(deals: Deals, made: Book) -> Ints:
    return np.flatnonzero(deals.is_won & ~made.dead & (made.amount != NULL))


def shares(deals: Deals, made: Book) -> tuple[Ints, Ints, Ints]:
    """Who is credited with what of the won deals of a block, and on which day: (person, day, amount), owners before partners."""
    won = _won(deals, made)
    amount, owner, partner, day = made.amount[won], made.owner_at_close[won], made.split[won], deals.closing[won] // DAY
    given = np.where(partner >= 0, amount * 4 // 10, 0)
    shared = np.flatnonzero(partner >= 0)
    return (
        np.concatenate([owner, partner[shared]]),
        np.concatenate([day, day[shared]]),
        np.concatenate([amount - given, given[shared]]),
    )


def credit(world: World, deals: Deals, made: Book, credited: Ints, won_by_seat: Ints) -> None:
    """Add the won deals of a block to what people are credited with, and to the bookings of seats, by quarter."""
    person, day, amount = shares(deals, made)
    np.add.at(credited, (person, quarters(day) - world.span.quarter_numbers[0]), amount)
    won = _won(deals, made)
    quarter = quarters(deals.closing[won] // DAY) - world.span.quarter_numbers[0]
    np.add.at(won_by_seat, (deals.seat[won], quarter), made.amount[won])


def _expected(world: World, won_by_seat: Ints) -> Floats:
    """Mean quarterly bookings of a seat by (unit, segment), from seats and quarters that sold at all, 10^-4."""
    seats = world.staff.seats
    units, segments = len(world.currencies), len(world.p.company["segments"])
    level = np.array([u["price"] for u in world.p.company["units"]])
    unit, segment = seats.unit[: seats.reps], seats.segment[: seats.reps]
    sold = won_by_seat > 0
    plain = won_by_seat.sum(axis=1) / level[unit] / np.maximum(sold.sum(axis=1), 1)
    mean = np.zeros((units, segments))
    for s in range(segments):
        here = segment == s
        deal = world.p.company["segments"][s]["deal"] * 10_000 * 3
        mean[:, s] = (plain[here].mean() if here.any() and plain[here].any() else deal) * level
    return mean


def write(world: World, folder: Folder, won_by_seat: Ints) -> int:
    """Write all targets; the number of changes. Call it after every block has added its credits."""
    spec, stints, seats = world.p.company["targets"], world.staff.stints, world.staff.seats
    expected, changes = _expected(world, won_by_seat), 0
    plans: dict[tuple[str, int, int], int] = {}
    for quarter in world.span.quarter_numbers.tolist():
        start, end = (int(d) for d in month_start(np.array([quarter * 3, quarter * 3 + 3])))
        row = np.flatnonzero(
            (seats.role[stints.seat] == people.REP) & (stints.from_day < end) & (stints.to_day > start)
        )
        row = row[np.minimum(stints.to_day[row], end) - np.maximum(stints.from_day[row], start) > 20]
        row = row[np.unique(stints.person[row], return_index=True)[1]]
        seat = stints.seat[row]
        years = (quarter - world.span.quarter_numbers[0]) / 4
        factor = (
            spec["share_of_expected"]
            * spec["quarter"][quarter % 4]
            * (1 + spec["growth"]) ** (years - world.p.years / 2)
        )
        tenure = np.maximum(start + 45 - stints.hired[row], 0)
        days = np.minimum(stints.to_day[row], end) - np.maximum(stints.from_day[row], start)
        full = expected[seats.unit[seat], seats.segment[seat]] * factor
        quota = full * (0.3 + 0.7 * people.ramp(world.p, tenure)) * np.where(days < 80, days / 91, 1.0)
        amount = _rounded(quota, spec["rounding"], full)
        changes += _quotas(world, folder, quarter, start, end, stints.person[row], seats.unit[seat], amount)
        for level, scope in (("unit", seats.unit[seat]), ("team", seats.team[seat])):
            for which in np.unique(scope).tolist():
                plans[(level, quarter, which)] = int(amount[scope == which].sum())
    _plans(world, folder, plans)
    _goals(world, folder)
    _benchmarks(world, folder)
    return changes


def _rounded(quota: Floats, step: float, full: Floats) -> Ints:
    unit = np.where(full > 20 * step * 10_000, step, step / 5) * 10_000
    return np.asarray(np.maximum(np.rint(quota / unit), 1) * unit).astype(np.int64)


def _key(quarter: int) -> str:
    return f"{1970 + quarter // 4}-Q{quarter % 4 + 1}"


def _columns(n: int, **given: pa.Array) -> dict[str, pa.Array]:
    """A target's columns in their order, empty where not given."""
    none = same(None, n)
    return {
        "metric": given.get("metric", same("bookings", n)),
        "kind": given["kind"],
        "person": given.get("person", none),
        "team": given.get("team", none),
        "business_unit": given.get("business_unit", none),
        "period": given["period"],
        "starts_on": given["starts_on"],
        "ends_on": given["ends_on"],
        "amount": given.get("amount", pa.nulls(n, pa.decimal128(18, 4))),
        "currency": given.get("currency", none),
        "number": given.get("number", pa.nulls(n, pa.decimal128(18, 6))),
        "status": given["status"],
        "provenance": given["provenance"],
    }


def _quotas(
    world: World, folder: Folder, quarter: int, start: int, end: int, person: Ints, unit: Ints, amount: Ints
) -> int:
    """Drafted two weeks before the quarter, published before it; a few are relieved in its middle."""
    n, rng = len(person), world.p.rng("quota", quarter)
    if not n:
        return 0
    number = folder.next_id("target") + np.arange(n)
    drafted = np.full(n, (start - 14) * DAY + 9 * HOUR)
    columns = _columns(
        n, kind=same("quota", n), person=ids("person", person), business_unit=ids("business_unit", unit),
        period=same(_key(quarter), n), starts_on=date_column(np.full(n, start)),
        ends_on=date_column(np.full(n, end - 1)),
        amount=money(amount), currency=words(unit, world.currencies), status=same("draft", n),
        provenance=same("Top-down plan, ramped", n),
    )  # fmt: skip
    folder.write("target", pa.table({"id": ids("target", number), **columns, **stamped(drafted)}))
    history = Changes("target", world.span.closing)
    history.add("status", number, drafted + 7 * DAY, same("published", n))
    relieved = rng.random(n) < 0.02
    history.add("amount", number, drafted + 60 * DAY, money_text(amount * 9 // 10 // 10_000 * 10_000), relieved)
    folder.write("target_history", history.table())
    return history.count


def _plans(world: World, folder: Folder, plans: dict[tuple[str, int, int], int]) -> None:
    """What the company needs of its units and teams: less than the quotas handed out."""
    over = world.p.company["targets"]["over_assignment"]
    unit_of = np.array([r["unit"] for r in world.p.company["regions"]])
    regions = len(np.unique(world.staff.seats.team_region))
    rows = list(plans.items())
    n = len(rows)
    quarter = np.array([key[1] for key, _ in rows])
    which = np.array([key[2] for key, _ in rows])
    of_team = np.array([key[0] == "team" for key, _ in rows])
    unit = np.where(of_team, unit_of[world.staff.seats.team_region[np.where(of_team, which, 0)]], which)
    start, end = month_start(quarter * 3), month_start(quarter * 3 + 3) - 1
    amount = np.array([round(value / over / 10**8) * 10**8 or value for _, value in rows], dtype=np.int64)
    columns = _columns(
        n, kind=same("plan", n), team=ids("team", np.where(of_team, which + regions, -1)),
        business_unit=ids("business_unit", unit), period=texts([_key(int(q)) for q in quarter]),
        starts_on=date_column(start), ends_on=date_column(end), amount=money(amount),
        currency=words(unit, world.currencies), status=same("published", n),
        provenance=same(f"Street quota / {over}", n),
    )  # fmt: skip
    numbered(folder, "target", columns | stamped((start - 20) * DAY))


def _goals(world: World, folder: Folder) -> None:
    goals = (("win_rate", 260_000), ("prospect_meetings", 40_000_000), ("sales_cycle_days", 60_000_000))
    rows = [(name, value, int(q)) for q in world.span.quarter_numbers for name, value in goals]
    n = len(rows)
    quarter = np.array([r[2] for r in rows])
    start = month_start(quarter * 3)
    columns = _columns(
        n, metric=texts([r[0] for r in rows]), kind=same("goal", n), period=texts([_key(r[2]) for r in rows]),
        starts_on=date_column(start), ends_on=date_column(month_start(quarter * 3 + 3) - 1),
        number=scaled(np.array([r[1] for r in rows], dtype=np.int64)), status=same("published", n),
        provenance=same("Sales leadership", n),
    )  # fmt: skip
    numbered(folder, "target", columns | stamped((start - 20) * DAY))


def _benchmarks(world: World, folder: Folder) -> None:
    rows = (("win_rate", 240_000), ("sales_cycle_days", 68_000_000), ("quota_attainment_rate", 530_000),
            ("selling_time_share", 340_000), ("lead_conversion", 110_000))  # fmt: skip
    n = len(rows)
    published = np.full(n, world.span.first - 60)
    columns = {
        "metric": texts([r[0] for r in rows]),
        "segment": same("B2B software and devices (simulated)", n),
        "value": scaled(np.array([r[1] for r in rows], dtype=np.int64)),
        "source": same("Simulated industry survey", n),
        "published_on": date_column(published),
    }
    numbered(folder, "benchmark", columns | stamped(published * DAY))
