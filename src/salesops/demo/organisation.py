"""Tables of the organisation: units, calendars, people and their jobs, teams, territories, exchange rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from salesops.demo import names, people
from salesops.demo.changes import Changes
from salesops.demo.columns import (
    dates,
    flags,
    ids,
    instants,
    integers,
    join,
    money,
    runs,
    same,
    scaled,
    texts,
    words,
)
from salesops.demo.days import DAY, FOREVER, MICROS, Flags, Floats, Ints, Span, as_date, holidays, number
from salesops.demo.folder import Folder
from salesops.demo.parameters import Parameters

TITLES = (
    ("Account Executive", "Senior Account Executive", "Principal Account Executive"),
    ("Sales Manager",) * 3, ("Regional Director",) * 3, ("Vice President of Sales",) * 3,
    ("Chief Revenue Officer",) * 3,
    ("Sales Development Rep", "Senior Sales Development Rep", "Lead Sales Development Rep"),
    ("Sales Engineer", "Senior Sales Engineer", "Principal Sales Engineer"),
    ("Sales Operations Analyst", "Senior Sales Operations Analyst", "Sales Operations Manager"),
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What every other part of the simulation leans on."""

    p: Parameters
    span: Span
    staff: people.Staff
    closed: Flags
    """(unit, day of span): weekends and holidays."""
    rate: Floats
    """(unit, week of span): US dollars for one unit of the unit's currency."""

    @property
    def currencies(self) -> list[str]:
        """The currency of each unit."""
        return [u["currency"] for u in self.p.company["units"]]

    def opens(self, unit: Ints) -> Ints:
        """The hour (UTC) at which offices of the units open."""
        return np.array([u["opens"] for u in self.p.company["units"]], dtype=np.int64)[unit]


def build(p: Parameters) -> World:
    """The staff, the closed days and the exchange rates."""
    span = Span(number(p.start), number(p.end), p.company)
    return World(p, span, people.build(p, span), _closed(p, span), _rates(p, span))


def _closed(p: Parameters, span: Span) -> Flags:
    day = np.arange(span.first, span.last + 1)
    closed = np.tile((day + 3) % 7 >= 5, (len(p.company["units"]), 1))
    for i, unit in enumerate(p.company["units"]):
        for when, _name in _holidays(p, unit["country"]):
            if span.first <= number(when) <= span.last:
                closed[i, number(when) - span.first] = True
    return closed


def _holidays(p: Parameters, country: str) -> list[tuple[date, str]]:
    return [h for year in range(p.start.year, p.end.year + 2) for h in sorted(holidays(country, year))]


def _rates(p: Parameters, span: Span) -> Floats:
    weeks = span.length // 7 + 1
    rows = []
    for unit in p.company["units"]:
        spec = p.company["rates"].get(unit["currency"])
        if spec is None:
            rows.append(np.ones(weeks))
            continue
        walk = np.cumsum(p.rng(f"rate {unit['currency']}").normal(0, spec["noise"], weeks))
        bridge = walk - walk[-1] * np.linspace(0, 1, weeks)
        rows.append(np.linspace(spec["first"], spec["last"], weeks) * np.exp(bridge))
    return np.asarray(np.round(np.array(rows), 4), dtype=np.float64)


def write(world: World, folder: Folder, off: tuple[Ints, Ints, Ints, Ints]) -> None:
    """Write every table of the organisation; `off` are the absences."""
    _units(world, folder)
    _calendars(world, folder)
    _rate_rows(world, folder)
    _persons(world, folder)
    _employments(world, folder)
    _lines(world, folder)
    _teams(world, folder)
    _territories(world, folder)
    _absences(world, folder, off)
    _skills(world, folder)


def stamped(created: Ints) -> dict[str, pa.Array]:
    """The columns that every versioned entity carries: the row states the values at its creation."""
    return {"created": instants(created), "changed_at": instants(created)}


def at_start(world: World, count: int) -> dict[str, pa.Array]:
    """Creation long before the first day, for records that were always there."""
    return stamped(np.full(count, (world.span.first - 1600) * DAY + 9 * 3600 * MICROS))


def numbered(folder: Folder, entity: str, columns: dict[str, pa.Array]) -> None:
    """Write rows under the next ids of their entity."""
    count = len(next(iter(columns.values())))
    first = folder.next_id(entity)
    folder.write(entity, pa.table({"id": ids(entity, np.arange(first, first + count)), **columns}))


def interval(from_day: Ints, to_day: Ints) -> dict[str, pa.Array]:
    """The two days of an interval entity."""
    return {"valid_from": dates(from_day), "valid_to": dates(to_day)}


def _units(world: World, folder: Folder) -> None:
    units = world.p.company["units"]
    count = len(units)
    n = np.arange(count)
    columns = {
        "name": texts([u["name"] for u in units]),
        "kind": same("legal_entity", count),
        "parent": ids("business_unit", np.where(n == 0, -1, 0)),
        "currency": texts([u["currency"] for u in units]),
        "country": texts([u["country"] for u in units]),
        "calendar": ids("calendar", n),
        "time_zone": texts([u["time_zone"] for u in units]),
    }
    numbered(folder, "business_unit", columns | at_start(world, count))


def _calendars(world: World, folder: Folder) -> None:
    units = world.p.company["units"]
    count = len(units)
    columns = {
        "name": texts([f"{u['name']}, calendar year" for u in units]),
        "pattern": same("month", count),
        "start_month": integers(np.full(count, 1)),
        "week_start": integers(np.zeros(count, dtype=np.int64)),
        "year_named_by": same("end", count),
    }
    numbered(folder, "calendar", columns | at_start(world, count))
    days = {d: integers(np.full(count, 480)) for d in ("monday", "tuesday", "wednesday", "thursday", "friday")}
    days |= {d: integers(np.zeros(count, dtype=np.int64)) for d in ("saturday", "sunday")}
    always = np.full(count, world.span.first - 1600)
    reference = {"calendar": ids("calendar", np.arange(count)), "person": same(None, count)}
    numbered(folder, "working_time", reference | days | interval(always, np.full(count, FOREVER)))
    rows = [(i, u["country"], *h) for i, u in enumerate(units) for h in _holidays(world.p, u["country"])]
    day = np.array([number(row[2]) for row in rows])
    columns = {
        "calendar": ids("calendar", np.array([row[0] for row in rows])),
        "country": texts([row[1] for row in rows]),
        "name": texts([row[3] for row in rows]),
    }
    numbered(folder, "holiday", columns | interval(day, day + 1))


def _rate_rows(world: World, folder: Folder) -> None:
    rows: list[tuple[str, str, int, int, int]] = []
    span = world.span
    for unit, currency in enumerate(world.currencies):
        if currency not in world.p.company["rates"]:
            continue
        starts = span.first + 7 * np.arange(world.rate.shape[1])
        starts[0] = span.first - 1600
        ends = np.append(starts[1:], FOREVER)
        raw = np.rint(world.rate[unit] * 10_000).astype(np.int64) * 10**6
        rows += [(currency, "spot", int(a), int(b), int(r)) for a, b, r in zip(starts, ends, raw, strict=True)]
        plan = world.p.company["rates"][currency]["plan"]
        first, last = as_date(span.first).year, as_date(span.last).year + 1
        for year in range(first, last + 1):
            begin = span.first - 1600 if year == first else number(date(year, 1, 1))
            value = round((plan + 0.01 * (year - first)) * 10_000) * 10**6
            rows.append((currency, "plan", begin, FOREVER if year == last else number(date(year + 1, 1, 1)), value))
    columns = {
        "currency": texts([r[0] for r in rows]),
        "to_currency": same("USD", len(rows)),
        "kind": texts([r[1] for r in rows]),
        "rate": scaled(np.array([r[4] for r in rows], dtype=np.int64), 10),
    }
    numbered(folder, "exchange_rate", columns | interval(*(np.array([r[i] for r in rows]) for i in (2, 3))))


def _persons(world: World, folder: Folder) -> None:
    staff, rng = world.staff, world.p.rng("names")
    count, seat = staff.persons, people.main_seat(staff)
    seats, units = staff.seats, world.p.company["units"]
    first, last = rng.integers(0, len(names.FIRST), count), rng.integers(0, len(names.LAST), count)
    name = [f"{names.FIRST[a]} {names.LAST[b]}" for a, b in zip(first, last, strict=True)]
    local = [f"{names.FIRST[a]}.{names.LAST[b]}".lower() for a, b in zip(first, last, strict=True)]
    domain = world.p.company["domain"]
    email = (
        [f"{text}{'' if local.index(text) == i else i}@{domain}" for i, text in enumerate(local)]
        if count < 500
        else [f"{text}{i}@{domain}" for i, text in enumerate(local)]
    )
    begin, _end = people.employed(staff)
    city_of = [[c[1] for c in names.CITIES if c[0] == r] for r in range(7)]
    titles, first_title = _titles(world)
    columns = {
        "name": texts(name),
        "first_name": words(first, names.FIRST),
        "last_name": words(last, names.LAST),
        "email": texts(email),
        "other_emails": same(None, count),
        "title": first_title,
        "region": words(seats.region[seat], [r["name"] for r in world.p.company["regions"]]),
        "location": texts(
            [city_of[int(r) % 7][i % len(city_of[int(r) % 7])] for i, r in enumerate(seats.region[seat])]
        ),
        "country": words(seats.unit[seat], [u["country"] for u in units]),
        "languages": words(seats.region[seat] % len(names.LANGUAGES), names.LANGUAGES),
        "time_zone": words(seats.unit[seat], [u["time_zone"] for u in units]),
    }
    numbered(folder, "person", columns | stamped((begin - 10) * DAY + 10 * 3600 * MICROS))
    folder.write("person_history", titles.table())


def _jobs(world: World) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Stints cut where the grade rises: (stint, role, grade, from, to)."""
    stints, months = world.staff.stints, world.p.company["people"]["grade_months"]
    parts = []
    for g, (low, high) in enumerate(zip([0, *months], [*months, 10**4], strict=True)):
        begin = np.maximum(stints.from_day, stints.hired + low * 30)
        end = np.minimum(stints.to_day, np.where(high == 10**4, FOREVER, stints.hired + high * 30))
        end = np.where(end > world.span.last, FOREVER, end)
        some = np.flatnonzero((begin < end) & (begin <= world.span.last))
        parts.append((some, world.staff.seats.role[stints.seat[some]], np.full(len(some), g), begin[some], end[some]))
    columns = [np.concatenate([part[i] for part in parts]) for i in range(5)]
    order = np.lexsort((columns[3], stints.person[columns[0]]))
    stint, role, grade, begin, end = (column[order] for column in columns)
    return stint, role, grade, begin, end


def _titles(world: World) -> tuple[Changes, pa.Array]:
    """Titles on joining, and what they became."""
    stint, role, grade, begin, _end = _jobs(world)
    person = world.staff.stints.person[stint]
    flat = [title for titles in TITLES for title in titles]
    code = role * 3 + np.where((role >= people.MANAGER) & (role <= people.CRO), 0, grade)
    title = words(code, flat)
    first = np.unique(person, return_index=True)[1]
    later = np.ones(len(person), dtype=bool)
    later[first] = False
    same_title = np.append(True, code[1:] == code[:-1])
    changes = Changes("person", world.span.closing)
    changes.add("title", person, begin * DAY + 8 * 3600 * MICROS, title, later & ~same_title)
    return changes, title.take(pa.array(first))


def _employments(world: World, folder: Folder) -> None:
    stint, role, grade, begin, end = _jobs(world)
    staff = world.staff
    seat, person = staff.stints.seat[stint], staff.stints.person[stint]
    columns = {
        "person": ids("person", person),
        "role": words(role, people.ROLES),
        "grade": words(grade, ("I", "II", "III")),
        "fte": scaled(np.full(len(person), 1_000_000)),
        "legal_entity": ids("business_unit", staff.seats.unit[seat]),
        "cost_centre": words(staff.seats.region[seat], [f"CC-{100 + 10 * i}" for i in range(20)]),
        "employee_number": join("E", pa.array(person + 10_000).cast(pa.string())),
        "pay_currency": words(staff.seats.unit[seat], world.currencies),
    }
    numbered(folder, "employment", columns | interval(begin, end))


def _lines(world: World, folder: Folder) -> None:
    stints, seats = world.staff.stints, world.staff.seats
    child, parent, begin, end = people.overlaps(stints, seats.parent[stints.seat], stints.from_day, stints.to_day)
    apart = stints.person[child] != stints.person[parent]
    child, parent, begin, end = child[apart], parent[apart], begin[apart], end[apart]
    columns = {
        "person": ids("person", stints.person[child]),
        "manager": ids("person", stints.person[parent]),
        "kind": same("line", len(child)),
    }
    numbered(folder, "reporting_line", columns | interval(begin, np.where(end > world.span.last, FOREVER, end)))


def _teams(world: World, folder: Folder) -> None:
    seats, stints = world.staff.seats, world.staff.stints
    regions = world.p.company["regions"]
    used = np.unique(seats.team_region)
    unit_of = np.array([r["unit"] for r in regions])
    within = np.arange(len(seats.team_region)) - np.searchsorted(seats.team_region, seats.team_region)
    label = [regions[r]["name"] for r in used] + [
        f"{regions[r]['name']} {i + 1}" for r, i in zip(seats.team_region, within, strict=True)
    ]
    parent = np.concatenate([np.full(len(used), -1), np.searchsorted(used, seats.team_region)])
    region = np.concatenate([used, seats.team_region])
    columns = {
        "name": texts(label),
        "parent": ids("team", parent),
        "business_unit": ids("business_unit", unit_of[region]),
        "kind": words((parent >= 0).astype(np.int64), ("region", "field")),
    }
    numbered(folder, "team", columns | at_start(world, len(label)))
    member = np.flatnonzero(seats.team[stints.seat] >= 0)
    columns = {
        "team": ids("team", seats.team[stints.seat[member]] + len(used)),
        "person": ids("person", stints.person[member]),
        "role": words(seats.role[stints.seat[member]], people.ROLES),
    }
    numbered(folder, "team_member", columns | interval(stints.from_day[member], stints.to_day[member]))


def territory_of(world: World, seat: Ints) -> Ints:
    """The number of the territory that a representative's seat sells in."""
    return 1 + len(world.p.company["units"]) + len(world.p.company["regions"]) + seat


def _territories(world: World, folder: Folder) -> None:
    seats, stints, company = world.staff.seats, world.staff.stints, world.p.company
    units, regions = len(company["units"]), len(company["regions"])
    region = seats.region[: seats.reps]
    within = np.arange(seats.reps) - np.searchsorted(region, region)
    segments = [s["name"] for s in company["segments"]]
    label = ["World", *(u["name"] for u in company["units"]), *(r["name"] for r in company["regions"])]
    label += [
        f"{company['regions'][r]['name']} {segments[s]} {i + 1}"
        for r, s, i in zip(region, seats.segment[: seats.reps], within, strict=True)
    ]
    unit_of = np.array([r["unit"] for r in company["regions"]])
    parent = np.concatenate([[-1], np.zeros(units, dtype=np.int64), 1 + unit_of, 1 + units + region])
    kind = np.repeat([0, 1, 2, 3], [1, units, regions, seats.reps])
    rule = [None] * (1 + units) + [f"region = '{r['name']}'" for r in company["regions"]] + [None] * seats.reps
    columns = {
        "name": texts(label),
        "parent": ids("territory", parent),
        "kind": words(kind, ("world", "unit", "region", "patch")),
        "rule": texts(rule),
    }
    numbered(folder, "territory", columns | at_start(world, len(label)))
    some = np.flatnonzero(seats.role[stints.seat] == people.REP)
    columns = {
        "territory": ids("territory", territory_of(world, stints.seat[some])),
        "person": ids("person", stints.person[some]),
        "role": same("owner", len(some)),
    }
    numbered(folder, "territory_member", columns | interval(stints.from_day[some], stints.to_day[some]))


def _absences(world: World, folder: Folder, off: tuple[Ints, Ints, Ints, Ints]) -> None:
    columns = {"person": ids("person", off[0]), "kind": words(off[1], ("leave", "sick", "parental"))}
    numbered(folder, "absence", columns | interval(off[2], off[3]))


def _skills(world: World, folder: Folder) -> None:
    staff, rng = world.staff, world.p.rng("skills")
    count = len(names.SKILLS)
    person, which = runs(np.full(staff.persons, count))
    level = np.clip(np.rint(3 + 2.5 * np.log(staff.skill[person]) + rng.normal(0, 0.8, len(person))), 1, 5)
    begin = people.employed(staff)[0][person]
    columns = {
        "person": ids("person", person),
        "skill": words(which, names.SKILLS),
        "level": integers(level.astype(np.int64)),
    }
    numbered(folder, "person_skill", columns | interval(begin + 30, np.full(len(person), FOREVER)))


@dataclass(frozen=True)
class Catalogue:
    """Products and their list prices: `list_price[year, unit, product]` in 10^-4, from `first_year` on."""

    first_year: int
    list_price: Ints
    cost: Ints
    recurring: Flags
    line: list[str]

    def price(self, year: Ints, unit: Ints, product: Ints) -> Ints:
        """List prices in the units' currencies."""
        return self.list_price[year - self.first_year, unit, product]


def catalogue(world: World, folder: Folder) -> Catalogue:
    """Write products, price books, prices and stock; give what selling needs of them."""
    company, first = world.p.company, as_date(world.span.first).year - 6
    products, units = company["products"], company["units"]
    years = as_date(world.span.last).year + 1 - first
    base = np.array([x["price"] for x in products])
    level = np.array([u["price"] for u in units])
    growth = (1 + company["catalogue"]["yearly_increase"]) ** (np.arange(years) - 6)
    price = np.rint(base * level[:, None] * growth[:, None, None] / 5).astype(np.int64) * 5 * 10_000
    cost = np.array([round(x["cost"] * 10_000) for x in products], dtype=np.int64)
    found = Catalogue(first, price, cost, np.array([x["recurring"] for x in products]), [x["line"] for x in products])
    _product_rows(world, folder, found)
    _price_rows(world, folder, found)
    _stock_rows(world, folder, found)
    return found


def _product_rows(world: World, folder: Folder, found: Catalogue) -> None:
    products = world.p.company["products"]
    columns = {
        "name": texts([x["name"] for x in products]),
        "product_code": texts([x["code"] for x in products]),
        "line": texts(found.line),
        "family": texts(["Software" if x["unit"] == "seat" else x["line"] for x in products]),
        "unit": texts([x["unit"] for x in products]),
        "recurring": flags(found.recurring),
        "standard_cost": money(found.cost),
        "currency": same("USD", len(products)),
    }
    numbered(folder, "product", columns | at_start(world, len(products)))


def _price_rows(world: World, folder: Folder, found: Catalogue) -> None:
    units = world.p.company["units"]
    columns = {
        "name": texts([f"List {u['currency']}" for u in units]),
        "currency": texts(world.currencies),
        "standard": flags(np.ones(len(units), dtype=bool)),
    }
    numbered(folder, "price_book", columns | at_start(world, len(units)))
    years, _, products = found.list_price.shape
    year, unit, product = (a.ravel() for a in np.meshgrid(np.arange(years), np.arange(len(units)), np.arange(products)))
    begin = np.array([number(date(found.first_year + int(y), 1, 1)) for y in year])
    end = np.array([FOREVER if y == years - 1 else number(date(found.first_year + int(y) + 1, 1, 1)) for y in year])
    price = found.list_price[year, unit, product]
    floor = np.rint(price * world.p.company["catalogue"]["floor"] / 10_000).astype(np.int64) * 10_000
    columns = {
        "price_book": ids("price_book", unit),
        "product": ids("product", product),
        "currency": words(unit, world.currencies),
        "list_price": money(price),
        "floor_price": money(floor),
    }
    numbered(folder, "price", columns | interval(begin, end))


def _stock_rows(world: World, folder: Folder, found: Catalogue) -> None:
    places, rng = world.p.company["catalogue"]["stock_locations"], world.p.rng("stock")
    devices = np.flatnonzero(np.array(found.line) == "Devices")
    weeks = np.arange(world.span.first, world.span.last + 1, 7)
    week, place, device = (a.ravel() for a in np.meshgrid(weeks, np.arange(len(places)), devices))
    level = (
        40 * max(1, world.p.reps // 20) * (1 + np.sin(week / 17.0 + device) * 0.8) * rng.uniform(0.6, 1.3, len(week))
    )
    columns = {
        "at": instants(week * DAY + 6 * 3600 * MICROS),
        "product": ids("product", device),
        "location": words(place, places),
        "quantity": scaled(np.maximum(level, 0).astype(np.int64) * 10_000, 4),
    }
    numbered(folder, "stock_level", columns)
