"""The market: accounts, their contacts, campaigns, and leads that become opportunities or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.demo import names
from salesops.demo.changes import Changes
from salesops.demo.columns import (
    dates,
    ids,
    instant_text,
    instants,
    integers,
    join,
    money,
    pick,
    runs,
    same,
    scaled,
    texts,
    words,
)
from salesops.demo.days import DAY, MICROS, NULL, Flags, Floats, Ints, month_start, on_workday, quarters
from salesops.demo.folder import Folder
from salesops.demo.organisation import World, interval, numbered, stamped, territory_of
from salesops.demo.people import DEVELOPER
from salesops.demo.selling import NEW, Contracts, Deals, Plan

HOUR = 3600 * MICROS
COMPETITORS_FROM = 9_000_000
"""Numbers of the accounts that are competitors."""
NAME_SPACE = len(names.HEAD) * len(names.TAIL) * len(names.TRADE) * 3
STATUSES = ("new", "working", "qualified", "converted", "disqualified", "nurture")
LEAD_NEW, WORKING, QUALIFIED, CONVERTED, DISQUALIFIED, NURTURE = range(6)


@dataclass(frozen=True)
class Accounts:
    """Accounts of one block; `first` is the number of its first one."""

    first: int
    seat: Ints
    created: Ints
    industry: Ints
    employees: Ints
    city: Ints
    contacts: Ints
    """How many contacts each has."""
    first_contact: Ints
    """The number of each account's first contact."""

    def row(self, account: Ints) -> Ints:
        """Rows of accounts given by number."""
        return account - self.first


def campaigns(world: World, folder: Folder) -> int:
    """One campaign per quarter, unit and channel; the number of quarters. Their order is that of `campaign_of`."""
    units, market = world.p.company["units"], world.p.company["market"]
    channels = market["channels"]
    quarter, unit, channel = (
        a.ravel()
        for a in np.meshgrid(world.span.quarter_numbers, np.arange(len(units)), np.arange(len(channels)), indexing="ij")
    )
    begin, end = month_start(quarter * 3), month_start(quarter * 3 + 3) - 1
    label = [
        f"{channels[c]} {1970 + q // 4} Q{q % 4 + 1} {units[u]['country']}"
        for q, u, c in zip(quarter, unit, channel, strict=True)
    ]
    budget = np.array(market["channel_budget"])[channel] * max(0.05, world.p.reps / 60)
    columns = {
        "name": texts(label),
        "kind": words(channel, channels),
        "channel": words(channel, ["Search", "Online event", "Event", "Web", "E-mail"]),
        "starts_on": dates(begin),
        "ends_on": dates(end),
        "budget": money(np.rint(budget).astype(np.int64) * 10_000),
        "currency": words(unit, world.currencies),
        "paid": words(np.array(market["channel_paid"], dtype=np.int64)[channel], ("no", "yes")),
    }
    numbered(folder, "campaign", columns | stamped((begin - 30) * DAY + 9 * HOUR))
    return len(world.span.quarter_numbers)


def campaign_of(world: World, day: Ints, unit: Ints, channel: Ints) -> Ints:
    """The number of the campaign that ran on a day."""
    units, channels = len(world.p.company["units"]), len(world.p.company["market"]["channels"])
    return ((quarters(day) - world.span.quarter_numbers[0]) * units + unit) * channels + channel


def accounts(world: World, plan: Plan, block: int, deals: Deals, old: Contracts, first_contact: int) -> Accounts:
    """Accounts of a block of seats: those with deals are older than their first one."""
    rng, market = world.p.rng("accounts", block), world.p.company["market"]
    begin, end = plan.blocks[block]
    seat = np.repeat(np.arange(begin, end), plan.accounts[begin:end])
    n, first = len(seat), int(plan.first_account[begin])
    opened = world.staff.stints.from_day[np.searchsorted(world.staff.stints.seat, seat)]
    low = np.maximum(opened, world.span.first - 500)
    day = low + (rng.random(n) * np.maximum(world.span.last - low, 1)).astype(np.int64)
    day[old.account - first] = np.maximum(old.starts, opened[old.account - first])
    created = on_workday(day) * DAY + (world.opens(world.staff.seats.unit[seat]) * 3600 + 1800) * MICROS
    first_deal = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(first_deal, deals.account - first, deals.created)
    lead_time = rng.integers(0, 40, n) * DAY + 600 * MICROS
    floor = opened * DAY + 7 * HOUR
    with_deals = np.minimum(np.maximum(first_deal - lead_time, floor), first_deal - MICROS)
    created = np.where(
        first_deal == np.iinfo(np.int64).max, created, np.minimum(with_deals, np.maximum(created, floor))
    )
    segment = world.staff.seats.segment[seat]
    bounds = np.array([s["employees"] for s in world.p.company["segments"]], dtype=float)[segment]
    employees = np.exp(np.log(bounds[:, 0]) + rng.random(n) * np.log(bounds[:, 1] / bounds[:, 0])).astype(np.int64)
    contacts = 1 + rng.poisson(market["contacts_per_account"] - 1, n)
    return Accounts(
        first, seat, created, pick(rng, market["industry_share"], n), employees, _cities(world, rng, seat), contacts,
        first_contact + np.cumsum(contacts) - contacts,
    )  # fmt: skip


def _cities(world: World, rng: np.random.Generator, seat: Ints) -> Ints:
    region = np.array([c[0] for c in names.CITIES])
    low, count = np.searchsorted(region, np.arange(7)), np.bincount(region)
    where = world.staff.seats.region[seat] % 7
    return np.asarray(low[where] + (rng.random(len(seat)) ** 1.4 * count[where]).astype(np.int64))


def company_names(number: Ints, unit: Ints) -> tuple[pa.Array, pa.Array]:
    """A name of its own for every account number, and the web domain that goes with it."""
    mixed = (number * 7_919 + 12_345) % (NAME_SPACE // 3)
    head, rest = mixed % len(names.HEAD), mixed // len(names.HEAD)
    tail, trade = rest % len(names.TAIL), rest // len(names.TAIL)
    stem = join(words(head, names.HEAD), words(tail, names.TAIL))
    flat = [form for forms in names.FORM for form in forms]
    name = join(stem, " ", words(trade, names.TRADE), " ", words(unit * 3 + number % 3, flat))
    domain = join(pc.utf8_lower(stem), "-", pc.utf8_lower(words(trade, names.TRADE)), ".example")
    return name, domain


def write_accounts(world: World, folder: Folder, found: Accounts, deals: Deals, old: Contracts, block: int) -> int:
    """Write accounts, their history and their territories; the number of changes."""
    seats = world.staff.seats
    n, unit = len(found.seat), seats.unit[found.seat]
    number = found.first + np.arange(n)
    columns = _account_columns(world, found, old, world.p.rng("account details", block), number, unit)
    folder.write("account", pa.table({"id": ids("account", number), **columns, **stamped(found.created)}))
    history = _account_history(world, found, deals, old, number)
    folder.write("account_history", history.table())
    assigned = {
        "territory": ids("territory", territory_of(world, found.seat)),
        "account": ids("account", number),
        "rule": same(None, n),
    }
    numbered(folder, "territory_assignment", assigned | interval(found.created // DAY, np.full(n, 10**6)))
    return history.count


def _account_columns(
    world: World, found: Accounts, old: Contracts, rng: np.random.Generator, number: Ints, unit: Ints
) -> dict[str, pa.Array]:
    seats, market, n = world.staff.seats, world.p.company["market"], len(number)
    kind = np.zeros(n, dtype=np.int64)
    kind[old.account - found.first] = 1
    parent = np.where(rng.random(n) < market["subsidiary_share"], number - 1 - (number % 3), -1)
    parent = np.where(parent >= found.first, parent, -1)
    parent = np.where((parent >= 0) & (found.created[np.maximum(parent - found.first, 0)] <= found.created), parent, -1)
    name, domain = company_names(number, unit)
    revenue = (found.employees * np.exp(rng.normal(11.9, 0.5, n)) / 1000).astype(np.int64) * 1000 * 10_000
    uses = rng.integers(0, 2 ** len(market["tools"]), n) & rng.integers(0, 2 ** len(market["tools"]), n)
    sets = [
        ",".join(t for i, t in enumerate(market["tools"]) if mask >> i & 1) for mask in range(2 ** len(market["tools"]))
    ]
    return {
        "name": name,
        "type": words(kind, ("prospect", "customer")),
        "parent": ids("account", parent),
        "owner": ids("person", world.staff.owner(found.seat, found.created // DAY)),
        "industry": words(found.industry, market["industries"]),
        "segment": words(seats.segment[found.seat], [s["name"] for s in world.p.company["segments"]]),
        "employees": integers(found.employees),
        "revenue": money(revenue),
        "currency": words(unit, world.currencies),
        **_addresses(found.city, rng),
        "region": words(seats.region[found.seat], [r["name"] for r in world.p.company["regions"]]),
        "website": join("https://www.", domain),
        "phone": _phones(rng, n),
        "founded": integers(2020 - (rng.random(n) ** 2 * 110).astype(np.int64)),
        "tools": words(np.where(uses == 0, -1, uses), sets),
    }


def _addresses(city: Ints, rng: np.random.Generator) -> dict[str, pa.Array]:
    n = len(city)
    digits = np.array([c[5] for c in names.CITIES])[city]
    free = pa.array((rng.random(n) * 10**digits).astype(np.int64)).cast(pa.string())
    padded = pc.if_else(pa.array(digits == 2), pc.utf8_lpad(free, 2, "0"), free)
    tail = np.where(np.array([str(c[3]) == "GB" for c in names.CITIES])[city], rng.integers(1, 20, n), 0)
    letters = ["", *(f"{a}{b}" for a in "ABDEH" for b in "JLNP")]
    house = pa.array(rng.integers(1, 300, n)).cast(pa.string())
    street = words(rng.integers(0, len(names.HEAD), n), [f" {h} Street" for h in names.HEAD])
    place = np.array([(c[6], c[7]) for c in names.CITIES])[city] + rng.normal(0, 60_000, (n, 2)).astype(np.int64)
    return {
        "street": join(house, street),
        "city": words(city, [c[1] for c in names.CITIES]),
        "state": words(city, [c[2] for c in names.CITIES]),
        "postal_code": join(words(city, [c[4] for c in names.CITIES]), padded, words(tail, letters)),
        "country": words(city, [c[3] for c in names.CITIES]),
        "latitude": scaled(place[:, 0]),
        "longitude": scaled(place[:, 1]),
    }


def _phones(rng: np.random.Generator, count: int) -> pa.Array:
    return join("+1 555 ", pc.utf8_lpad(pa.array(rng.integers(0, 10**7, count)).cast(pa.string()), 7, "0"))


def changes_of(world: World, entity: str) -> Changes:
    """An empty history of an entity, with the company's share of late entries."""
    selling = world.p.company["selling"]
    return Changes(entity, world.span.closing, selling["late_share"], selling["late_days"])


def _account_history(world: World, found: Accounts, deals: Deals, old: Contracts, number: Ints) -> Changes:
    changes = changes_of(world, "account")
    first_win = np.full(len(number), np.iinfo(np.int64).max)
    won = deals.is_won
    np.minimum.at(first_win, deals.account[won] - found.first, deals.closing[won])
    customers = first_win < np.iinfo(np.int64).max
    customers[old.account - found.first] = False
    changes.add("type", number[customers], first_win[customers], same("customer", int(customers.sum())))
    record, day, person = world.staff.hand_overs(
        found.seat, found.created // DAY, np.full(len(number), world.span.last + 1)
    )
    changes.add("owner", number[record], day * DAY + 7 * HOUR, ids("person", person))
    return changes


def write_competitors(world: World, folder: Folder) -> None:
    """The competitors, as accounts."""
    rivals = world.p.company["market"]["competitors"]
    n = len(rivals)
    columns = {"name": texts(rivals), "type": same("competitor", n), "country": same("US", n)}
    blank = {
        "parent": pa.string(), "owner": pa.string(), "industry": pa.string(), "segment": pa.string(),
        "employees": pa.int64(), "revenue": pa.decimal128(18, 4), "currency": pa.string(), "street": pa.string(),
        "city": pa.string(), "state": pa.string(), "postal_code": pa.string(), "latitude": pa.decimal128(18, 6),
        "longitude": pa.decimal128(18, 6), "region": pa.string(), "website": pa.string(), "phone": pa.string(),
        "founded": pa.int64(), "tools": pa.string(),
    }  # fmt: skip
    columns |= {name: pa.nulls(n, kind) for name, kind in blank.items()}
    order = [
        "name", "type", "parent", "owner", "industry", "segment", "employees", "revenue", "currency", "street", "city",
        "state", "postal_code", "country", "latitude", "longitude", "region", "website", "phone", "founded", "tools",
    ]  # fmt: skip
    created = stamped(np.full(n, (world.span.first - 1000) * DAY))
    number = ids("account", COMPETITORS_FROM + np.arange(n))
    folder.write("account", pa.table({"id": number, **{name: columns[name] for name in order}, **created}))


@dataclass(frozen=True)
class Contacts:
    """Contacts of one block: name codes and accounts."""

    first: int
    account: Ints
    given: Ints
    family: Ints
    copy: Flags
    """Entered a second time, in capitals."""

    def names(self) -> tuple[pa.Array, pa.Array]:
        """Given and family names."""
        given, family = words(self.given, names.FIRST), words(self.family, names.LAST)
        copy = pa.array(self.copy)
        return pc.if_else(copy, pc.utf8_upper(given), given), pc.if_else(copy, pc.utf8_upper(family), family)


def contacts(world: World, folder: Folder, found: Accounts, block: int) -> Contacts:
    """Write the contacts of a block's accounts."""
    rng = world.p.rng("contacts", block)
    account, within = runs(found.contacts)
    n, first = len(account), int(found.first_contact[0])
    given, family = rng.integers(0, len(names.FIRST), n), rng.integers(0, len(names.LAST), n)
    head = found.first_contact[account] - first
    share = world.p.company["dirt"]["repeated_contact"] if world.p.dirt else 0.0
    copy = (within > 0) & (rng.random(n) < share * 2)
    given, family = np.where(copy, given[head], given), np.where(copy, family[head], family)
    made = Contacts(first, account + found.first, given, family, copy)
    _write_contacts(world, folder, found, made, rng, account)
    return made


def contact_emails(world: World, found: Accounts, made: Contacts, row: Ints) -> pa.Array:
    """The addresses of contacts, given by row."""
    account = made.account[row]
    unit = world.staff.seats.unit[found.seat[account - found.first]]
    _, domain = company_names(account, unit)
    given, family = words(made.given[row], names.FIRST), words(made.family[row], names.LAST)
    return join(pc.utf8_lower(given), ".", pc.utf8_lower(family), "@", domain)


def _write_contacts(
    world: World, folder: Folder, found: Accounts, made: Contacts, rng: np.random.Generator, account: Ints
) -> None:
    n, market = len(account), world.p.company["market"]
    given, family = made.names()
    persona = pick(rng, market["persona_share"], n)
    created = found.created[account] + np.where(made.copy, rng.integers(1, 30, n) * DAY, 0)
    created = np.minimum(created, world.span.closing)
    columns = {
        "name": join(given, " ", family),
        "first_name": given,
        "last_name": family,
        "email": contact_emails(world, found, made, np.arange(n)),
        "phone": _phones(rng, n),
        "account": ids("account", made.account),
        "owner": ids("person", world.staff.owner(found.seat[account], created // DAY)),
        "title": words(persona, market["personas"]),
        "role": words(persona, ["User", "Evaluator", "Technical", "Buyer", "User", "User"]),
        "seniority": words(persona, ["Manager", "Manager", "Manager", "Director", "Staff", "Staff"]),
        "role_since": dates(created // DAY - rng.integers(20, 2500, n)),
        "country": words(found.city[account], [c[3] for c in names.CITIES]),
    }
    number = made.first + np.arange(n)
    folder.write("contact", pa.table({"id": ids("contact", number), **columns, **stamped(created)}))


@dataclass(frozen=True)
class Leads:
    """Leads of one block. `deal` is the row of the deal that it became (-1: none)."""

    first: int
    created: Ints
    answered: Ints
    """When somebody first answered; NULL = never."""
    owner: Ints
    unit: Ints
    channel: Ints
    campaign: Ints
    persona: Ints
    industry: Ints
    employees: Ints
    behaviour: Floats
    status: Ints
    qualified: Ints
    ended: Ints
    """When it was converted or given up; NULL = not yet."""
    deal: Ints
    country: Ints

    def __len__(self) -> int:
        return len(self.created)


def leads(world: World, block: int, count: int, deals: Deals, found: Accounts, first: int) -> Leads:
    """Leads of one block: persona, behaviour and a quick answer decide which of them become its new business."""
    p, rng = world.p, world.p.rng("leads", block)
    spec, market = p.company["leads"], p.company["market"]
    persona, behaviour = pick(rng, market["persona_share"], count), rng.normal(0, 1, count)
    industry = pick(rng, np.sqrt(market["industry_share"]), count)
    minutes = np.exp(rng.normal(np.log(spec["response_median_minutes"]), spec["response_spread"], count))
    minutes = np.maximum(minutes, 1.0)
    unanswered = rng.random(count) < spec["unanswered"]
    fit = np.array(market["persona_fit"])[persona] + 0.6 * np.array(market["industry_fit"])[industry]
    quick = -np.clip((np.log(minutes) - np.log(60)) / 2.5, -1, 1.5)
    score = spec["fit_weight"] * fit + spec["behaviour_weight"] * behaviour + spec["response_weight"] * quick
    score = np.where(unanswered, -1e6, score) + rng.logistic(0, 1, count)
    deal = _matched(rng, round(count * spec["conversion"]), deals, score)
    return _lead_lives(world, rng, deals, found, first, deal, score, persona, behaviour, industry, minutes, unanswered)


def _matched(rng: np.random.Generator, wanted: int, deals: Deals, score: Floats) -> Ints:
    """The best leads take inbound deals of new business, others where there are too few."""
    candidates = np.flatnonzero(deals.type == NEW)
    priority = (deals.source[candidates] == 0) * 1.0 + rng.random(len(candidates))
    chosen = candidates[np.argsort(-priority, kind="stable")][: min(wanted, int((deals.type == NEW).sum()))]
    best = np.argsort(-score, kind="stable")[: len(chosen)]
    deal = np.full(len(score), -1, dtype=np.int64)
    answered = best[score[best] > -1e5]
    deal[answered] = rng.permutation(chosen)[: len(answered)]
    return deal


def _lead_lives(
    world: World, rng: np.random.Generator, deals: Deals, found: Accounts, first: int, deal: Ints, score: Floats,
    persona: Ints, behaviour: Floats, industry: Ints, minutes: Floats, unanswered: Flags,
) -> Leads:  # fmt: skip
    span, seats, n = world.span, world.staff.seats, len(deal)
    became = deal >= 0
    row = np.maximum(deal, 0)
    seat = np.where(became, deals.seat[row], deals.seat[rng.integers(0, len(deals), n)])
    unit = seats.unit[seat]
    day = span.seasonal(span.first + rng.random(n) * span.length)
    created = day * DAY + (rng.integers(6, 22, n) * 3600 + rng.integers(0, 3600, n)) * MICROS
    earlier = deals.created[row] - (rng.integers(12, 300, n) * 3600 + rng.integers(0, 3600, n)) * MICROS
    created = np.where(became, np.maximum(earlier, span.first * DAY), created)
    answered = _in_hours(world, rng, created + (minutes * 60).astype(np.int64) * MICROS, unit)
    gap = np.maximum(deals.created[row] - created, 2 * MICROS)
    answered = np.where(became, np.minimum(answered, created + gap // 2), answered) // MICROS * MICROS
    answered = np.where(unanswered | (answered > span.closing), NULL, answered)
    fine = became | ((answered != NULL) & (score > np.quantile(score, 0.72)) & (rng.random(n) < 0.5))
    qualified = np.where(became, created + gap * 8 // 10, answered + rng.integers(1, 9, n) * DAY) // MICROS * MICROS
    ended = np.where(became, deals.created[row], np.where(fine, qualified, answered) + rng.integers(2, 40, n) * DAY)
    ended = np.where((answered == NULL) | (ended > span.closing) | (rng.random(n) < 0.25) & ~became, NULL, ended)
    qualified = np.where(fine & (qualified <= span.closing), qualified, NULL)
    status = np.where(became, CONVERTED, np.where(rng.random(n) < 0.6, DISQUALIFIED, NURTURE))
    account = found.row(deals.account[row])
    channel = pick(rng, [0.26, 0.22, 0.14, 0.26, 0.12], n)
    employees = np.exp(rng.uniform(np.log(5), np.log(20_000), n)).astype(np.int64)
    return Leads(
        first, created, answered, _developer(world, rng, unit, seat, created // DAY), unit, channel,
        campaign_of(world, created // DAY, unit, channel), persona,
        np.where(became, found.industry[account], industry), np.where(became, found.employees[account], employees),
        behaviour, status, qualified, ended, deal, found.city[found.row(deals.account)][rng.integers(0, len(deals), n)]
        if len(deals) else np.zeros(n, dtype=np.int64),
    )  # fmt: skip


def _in_hours(world: World, rng: np.random.Generator, when: Ints, unit: Ints) -> Ints:
    """An answer due outside office hours is given in the first two hours of the next working day."""
    opens = world.opens(unit) * 3600 * MICROS
    day, clock = when // DAY, when % DAY
    day = day + (clock > opens + 9 * HOUR)
    weekend = (day + 3) % 7 - 5
    moved = day + np.where(weekend >= 0, 2 - weekend, 0)
    fits = (moved == when // DAY) & (clock >= opens)
    morning = moved * DAY + opens + (rng.random(len(when)) * 7200).astype(np.int64) * MICROS
    return np.where(fits, when, morning)


def _developer(world: World, rng: np.random.Generator, unit: Ints, seat: Ints, day: Ints) -> Ints:
    """Who answers: somebody of the unit's sales development, else the seat's own representative."""
    seats = world.staff.seats
    chosen = seat.copy()
    for u in np.unique(unit):
        desk = seats.of(DEVELOPER)
        desk = desk[seats.unit[desk] == u]
        if len(desk):
            here = np.flatnonzero(unit == u)
            chosen[here] = rng.choice(desk, len(here))
    return world.staff.owner(chosen, day)


def write_leads(
    world: World, folder: Folder, made: Leads, deals: Deals, found: Accounts, known: Contacts, block: int
) -> int:
    """Write leads, their history, campaign memberships and consent; the number of changes."""
    rng = world.p.rng("lead details", block)
    columns, email = _lead_columns(world, made, deals, found, known, rng)
    number = made.first + np.arange(len(made))
    folder.write("lead", pa.table({"id": ids("lead", number), **columns, **stamped(made.created)}))
    history = _lead_history(world, made, deals, found, number)
    folder.write("lead_history", history.table())
    n = len(made)
    member = {
        "at": instants(made.created),
        "campaign": ids("campaign", made.campaign),
        "contact": same(None, n),
        "lead": ids("lead", number),
        "status": words((made.behaviour > 0).astype(np.int64), ("sent", "responded")),
    }
    numbered(folder, "campaign_member", member)
    _consents(world, folder, made, number, email, rng)
    return history.count


def _lead_columns(
    world: World, made: Leads, deals: Deals, found: Accounts, known: Contacts, rng: np.random.Generator
) -> tuple[dict[str, pa.Array], pa.Array]:
    market, n = world.p.company["market"], len(made)
    became = made.deal >= 0
    row = np.where(became, found.first_contact[found.row(deals.account[np.maximum(made.deal, 0)])] - known.first, 0)
    given = np.where(became, known.given[row], rng.integers(0, len(names.FIRST), n))
    family = np.where(became, known.family[row], rng.integers(0, len(names.LAST), n))
    number = np.where(became, known.account[row], NAME_SPACE // 3 - 1 - (made.first + np.arange(n)) % (NAME_SPACE // 4))
    if world.p.dirt and n > 1:
        again = np.flatnonzero(~became & (rng.random(n) < world.p.company["leads"]["duplicate"]) & (np.arange(n) > 0))
        given[again], family[again], number[again] = given[again - 1], family[again - 1], number[again - 1]
    first, last = words(given, names.FIRST), words(family, names.LAST)
    company, domain = company_names(number, made.unit)
    email = join(pc.utf8_lower(first), ".", pc.utf8_lower(last), "@", domain)
    slug = [c.lower().replace(" ", "-") for c in market["channels"]]
    blank = np.full(n, NULL)
    return {
        "name": join(first, " ", last),
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": _phones(rng, n),
        "company": company,
        "title": words(made.persona, market["personas"]),
        "owner": ids("person", made.owner),
        "status": same("new", n),
        "source": words(made.channel, market["channels"]),
        "campaign": ids("campaign", made.campaign),
        "utm_source": words(made.channel, ("google", "webinar", "fair", "blog", "newsletter")),
        "utm_medium": words(made.channel, ("cpc", "event", "event", "organic", "email")),
        "utm_campaign": words(made.channel, slug),
        "utm_term": words(
            np.where(made.channel == 0, rng.integers(0, 4, n), -1), ("lims", "lab data", "eln", "sensors")
        ),
        "utm_content": same(None, n),
        "persona": words(made.persona, market["personas"]),
        "industry": words(made.industry, market["industries"]),
        "employees": integers(made.employees),
        "country": words(made.unit, [u["country"] for u in world.p.company["units"]]),
        "business_unit": ids("business_unit", made.unit),
        "qualified_at": instants(blank),
        "converted_at": instants(blank),
        "converted_opportunity": same(None, n),
        "converted_account": same(None, n),
        "converted_contact": same(None, n),
    }, email


def _lead_history(world: World, made: Leads, deals: Deals, found: Accounts, number: Ints) -> Changes:
    changes, n = changes_of(world, "lead"), len(made)
    happened = made.ended != NULL
    became = (made.deal >= 0) & happened
    changes.add("status", number, made.answered, same("working", n), made.answered != NULL)
    qualified = made.qualified != NULL
    changes.add("status", number, made.qualified, same("qualified", n), qualified)
    changes.add("qualified_at", number, made.qualified, instant_text(made.qualified), qualified)
    changes.add("status", number, made.ended, words(made.status, STATUSES), happened)
    row = np.maximum(made.deal, 0)
    account = deals.account[row]
    changes.add("converted_at", number, made.ended, instant_text(made.ended), became)
    changes.add("converted_opportunity", number, made.ended, ids("opportunity", deals.first + row), became)
    changes.add("converted_account", number, made.ended, ids("account", account), became)
    contact = found.first_contact[found.row(account)]
    changes.add("converted_contact", number, made.ended, ids("contact", contact), became)
    return changes


def _consents(
    world: World, folder: Folder, made: Leads, number: Ints, email: pa.Array, rng: np.random.Generator
) -> None:
    n = len(made)
    chance = rng.random(n)
    later = made.created + rng.integers(1, 200, n) * DAY
    for kind, some, at in (
        ("consent", chance < 0.62, made.created),
        ("withdrawal", (chance < 0.035) & (later <= world.span.closing), later),
        ("bounce", (chance > 0.98) & (later <= world.span.closing), later),
    ):
        row = np.flatnonzero(some)
        columns = {
            "at": instants(at[row]),
            "contact": same(None, len(row)),
            "lead": ids("lead", number[row]),
            "email": email.take(pa.array(row)),
            "channel": same("email", len(row)),
            "kind": same(kind, len(row)),
            "reason": same({"consent": "Form", "withdrawal": "Unsubscribed"}.get(kind, "Mailbox unknown"), len(row)),
        }
        if len(row):
            numbered(folder, "consent", columns)
