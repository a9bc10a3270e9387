"""How deals go: which are opened, how long they live, which stages they pass, how they end and what they are worth.

One row per opportunity of a block of seats. Times are instants (microseconds since 1970) as if the company went on
for ever; whoever writes them drops what lies after the last day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.demo import people
from salesops.demo.columns import micro_hash, pick, spread
from salesops.demo.days import (
    DAY,
    MICROS,
    NULL,
    Flags,
    Floats,
    Ints,
    number,
    office,
    on_workday,
    quarter_end,
    quarters,
)
from salesops.demo.organisation import Catalogue, World

NEW, EXPANSION, RENEWAL = range(3)
WON, LOST = 6, 7
SLOTS = 10
"""Moments of a deal: entry into stages 1 to 5, back, onward again, closed, reopened, closed again."""
BACK, AGAIN, CLOSED, REOPENED, CLOSED_AGAIN = range(5, 10)


@dataclass(frozen=True)
class Plan:
    """How many deals every stint opens, how many accounts every seat has, and the blocks of seats worked at a time."""

    stints: Ints
    deals: Ints
    """Deals of each of these stints."""
    accounts: Ints
    """Accounts of each seat."""
    first_account: Ints
    renewals: int
    blocks: list[tuple[int, int]]


@dataclass
class Deals:
    """Opportunities of one block, column by column. `first` is the number of its first one."""

    first: int
    seat: Ints
    account: Ints
    created: Ints
    type: Ints
    won: Flags
    """How it ends, or would."""
    at: Ints
    """(deal, slot): the instant of each moment; NULL where it does not happen."""
    stage: Ints
    """(deal, slot): the stage entered, 1 to 7."""
    product: Ints
    """(deal, line): -1 = no line."""
    quantity: Ints
    price: Ints
    discount: Ints
    """First discount in parts per million, (deal, line)."""
    better: Ints
    """Discount after negotiation."""
    source: Ints
    hit: Flags
    """Lost to the competitor of the bad quarter."""
    renews: Ints
    """Contract that it renews, -1 = none."""
    last: Ints
    """The instant of the last day's end; what comes later has not happened."""
    delay: Ints
    """Days by which the bad quarter put off the close: nobody had expected them."""

    def __len__(self) -> int:
        return len(self.seat)

    @property
    def number(self) -> Ints:
        """Numbers of the opportunities."""
        return self.first + np.arange(len(self))

    @property
    def closing(self) -> Ints:
        """The instant of the last close that has happened; NULL while open."""
        both = self.at[:, [CLOSED, CLOSED_AGAIN]]
        happened = (both != NULL) & (both <= self.last[0])
        reopened = (self.at[:, REOPENED] != NULL) & (self.at[:, REOPENED] <= self.last[0])
        return np.where(happened[:, 1], both[:, 1], np.where(happened[:, 0] & ~reopened, both[:, 0], NULL))

    @property
    def is_won(self) -> Flags:
        """Won by the last day."""
        return (self.closing != NULL) & (self._last_stage == WON)

    @property
    def is_lost(self) -> Flags:
        """Lost by the last day."""
        return (self.closing != NULL) & (self._last_stage == LOST)

    @property
    def _last_stage(self) -> Ints:
        second = self.closing == self.at[:, CLOSED_AGAIN]
        return np.where(second, self.stage[:, CLOSED_AGAIN], self.stage[:, CLOSED])


@dataclass(frozen=True)
class Contracts:
    """Recurring business that can come up for renewal: customers of old, by account."""

    account: Ints
    seat: Ints
    product: Ints
    quantity: Ints
    price: Ints
    starts: Ints
    anniversary: Ints
    """The day on which it may be renewed inside the span."""


def plan(world: World, block_size: int = 100_000) -> Plan:
    """Share the opportunities out to stints and cut the seats into blocks."""
    p, seats, stints = world.p, world.staff.seats, world.staff.stints
    reps = np.flatnonzero((seats.role[stints.seat] == people.REP) & (stints.from_day <= world.span.last))
    renewals = round(p.opportunity_count * p.company["selling"]["renewal_share"]) if p.opportunity_count >= 12 else 0
    rate = np.array([s["rate"] for s in p.company["segments"]])[seats.segment[stints.seat[reps]]]
    effective = _ramped(world, reps, np.ones(len(reps))) - _ramped(world, reps, np.zeros(len(reps)))
    weight = effective * rate * np.sqrt(world.staff.skill[stints.person[reps]])
    deals = spread(p.opportunity_count - renewals, weight)
    per_seat = np.bincount(stints.seat[reps], weights=deals, minlength=seats.reps).astype(np.int64)
    accounts = np.maximum(1, np.rint(per_seat * p.company["market"]["accounts_per_opportunity"])).astype(np.int64)
    first = np.cumsum(accounts) - accounts
    cuts = np.searchsorted(np.cumsum(per_seat), np.arange(block_size, per_seat.sum(), block_size))
    edges = np.unique(np.concatenate([[0], cuts, [seats.reps]]))
    blocks = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    return Plan(reps, deals, accounts, first, renewals, blocks)


def _ramp_table(world: World) -> Floats:
    """Full days of work done after so many days on the job."""
    return np.concatenate([[0.0], np.cumsum(0.4 + 0.6 * people.ramp(world.p, np.arange(9000)))])


def _ramped(world: World, stint: Ints, part: Floats) -> Floats:
    """Ramped days of each stint at the start (part 0), the end (part 1) or between, counted within the span."""
    table, stints = _ramp_table(world), world.staff.stints
    begin = np.maximum(stints.from_day[stint], world.span.first) - stints.hired[stint]
    end = np.minimum(stints.to_day[stint], world.span.last + 1) - stints.hired[stint]
    return np.asarray(table[begin] + part * (table[np.maximum(end, begin)] - table[begin]))


def contracts(world: World, plan: Plan, block: int, found: Catalogue) -> Contracts:
    """The recurring contracts that customers of a block had before the first day."""
    rng, company = world.p.rng("contracts", block), world.p.company
    begin, end = plan.blocks[block]
    seat = np.repeat(np.arange(begin, end), plan.accounts[begin:end])
    account = plan.first_account[begin] + np.arange(len(seat))
    old = np.flatnonzero(world.staff.seats.opens[seat] <= world.span.first)
    old = old[rng.random(len(old)) < company["market"]["customers_at_start"]]
    segment = world.staff.seats.segment[seat[old]]
    product = _products(world, found, rng, segment, only_recurring=True)
    starts = world.span.first - rng.integers(0, 1000, len(old))
    years = (world.span.length + 364) // 365
    first_in = starts + 365 * ((world.span.first - starts + 364) // 365)
    anniversary = first_in + 365 * rng.integers(0, years, len(old))
    value = _size(world, rng, segment) * 0.7
    unit = world.staff.seats.unit[seat[old]]
    price = found.price(np.full(len(old), _year(np.array([world.span.first]))[0]), unit, product)
    quantity = np.maximum(1, np.rint(value * 10_000 / price)).astype(np.int64)
    return Contracts(account[old], seat[old], product, quantity, price, starts, anniversary)


def _year(day: Ints) -> Ints:
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _products(
    world: World, found: Catalogue, rng: np.random.Generator, segment: Ints, only_recurring: bool = False
) -> Ints:
    share = np.array([x["segments"] for x in world.p.company["products"]])
    if only_recurring:
        share = share * found.recurring[:, None]
    total = np.cumsum(share, axis=0) / share.sum(axis=0)
    return np.asarray((rng.random(len(segment)) >= total[:, segment]).sum(axis=0), dtype=np.int64)


def _size(world: World, rng: np.random.Generator, segment: Ints) -> Floats:
    rows = world.p.company["segments"]
    median, width = np.array([s["deal"] for s in rows]), np.array([s["spread"] for s in rows])
    return np.asarray(median[segment] * np.exp(rng.normal(0, 1, len(segment)) * width[segment]))


@dataclass
class _Draft:
    """Deals before their moments are worked out; days are whole."""

    seat: Ints
    account: Ints
    day: Ints
    type: Ints
    source: Ints
    win: Floats
    """Chance of winning before type and quarter."""
    luck: Floats
    close: Ints
    renews: Ints
    hit: Flags
    delay: Ints


def deals(world: World, plan: Plan, block: int, found: Catalogue, old: Contracts, first: int) -> Deals:
    """The opportunities of one block of seats, new business first, then expansions and renewals in one order."""
    rng = world.p.rng("deals", block)
    base = _opened(world, plan, block, rng)
    _typed(world, base)
    wanted = spread(plan.renewals, [plan.accounts[a:b].sum() for a, b in plan.blocks])[block]
    draft = _together(base, _renewals(world, rng, old, int(wanted)))
    won = draft.luck < _chance(world, draft)
    return _lived(world, plan, block, found, draft, won, old, first)


def _opened(world: World, plan: Plan, block: int, rng: np.random.Generator) -> _Draft:
    """New opportunities: by whom, when, with which account."""
    p, staff, span = world.p, world.staff, world.span
    begin, end = plan.blocks[block]
    seat_of = staff.stints.seat[plan.stints]
    mine = (seat_of >= begin) & (seat_of < end)
    stint = np.repeat(plan.stints[mine], plan.deals[mine])
    n, seat = len(stint), staff.stints.seat[stint]
    tenure = np.searchsorted(_ramp_table(world), _ramped(world, stint, rng.random(n)), side="right") - 1
    day = span.seasonal(staff.stints.hired[stint] + tenure + rng.random(n))
    low = np.maximum(staff.stints.from_day[stint], span.first)
    high = np.minimum(staff.stints.to_day[stint], span.last + 1) - 1
    day = np.clip(day, low, high)
    account = plan.first_account[seat] + (rng.random(n) ** 1.3 * plan.accounts[seat]).astype(np.int64)
    selling, segment = p.company["selling"], staff.seats.segment[seat]
    source = pick(rng, selling["source_share"], n)
    tenure = day - staff.stints.hired[stint]
    person = staff.stints.person[stint]
    win = staff.skill[person] ** 0.8 * (0.55 + 0.45 * people.ramp(p, tenure))
    win *= np.array([s["win"] for s in p.company["segments"]])[segment] * np.array(selling["source_win"])[source]
    length = np.array([s["cycle"] for s in p.company["segments"]])[segment]
    length = length * np.exp(rng.normal(0, selling["cycle_spread"], n)) / staff.skill[person] ** 0.2
    length *= np.where(rng.random(n) < selling["stall_share"], 1.7, 1.0)
    length *= np.where(rng.random(n) < selling["zombie_share"], 3.0, 1.0)
    close = _pulled(world, rng, day + np.maximum(2, length).astype(np.int64))
    luck = rng.random(n)
    draft = _Draft(
        seat, account, day, np.zeros(n, dtype=np.int64), source, win, luck, np.maximum(close, day), np.full(n, -1),
        np.zeros(n, dtype=bool), np.zeros(n, dtype=np.int64),
    )  # fmt: skip
    _pushed_out(world, rng, draft)
    return draft


def _pulled(world: World, rng: np.random.Generator, close: Ints) -> Ints:
    """Deals due shortly before a quarter's end close in its last days, more so at the end of the year."""
    selling, end = world.p.company["selling"], quarter_end(close)
    chance = np.where(quarters(end) % 4 == 3, selling["year_end_pull"], selling["quarter_end_pull"])
    pulled = (end - close < 30) & (rng.random(len(close)) < chance)
    return on_workday(np.where(pulled, end - (rng.random(len(close)) ** 2 * 10).astype(np.int64), close))


def _bad(world: World, seat: Ints, close: Ints) -> tuple[Flags, Flags]:
    """Which deals fall into the bad quarter of its region, and which into the quarter after it."""
    bad = world.p.company["bad_quarter"]
    there = np.array([r["name"] == bad["region"] for r in world.p.company["regions"]])[world.staff.seats.region[seat]]
    quarter = quarters(np.array([number(bad["starts"])]))[0]
    return there & (quarters(close) == quarter), there & (quarters(close) == quarter + 1)


def _pushed_out(world: World, rng: np.random.Generator, draft: _Draft) -> None:
    bad = world.p.company["bad_quarter"]
    inside, _ = _bad(world, draft.seat, draft.close)
    pushed = inside & (rng.random(len(draft.seat)) < bad["delayed"])
    low, high = bad["delay_days"]
    delay = rng.integers(low, high, len(draft.seat))
    later = np.where(pushed, on_workday(draft.close + delay), draft.close)
    draft.delay, draft.close = later - draft.close, later


def _chance(world: World, draft: _Draft) -> Floats:
    """The chance of winning, all told; marks the losses that the bad quarter caused."""
    rates, bad = world.p.company["selling"]["win"], world.p.company["bad_quarter"]
    usual = np.array([rates["new"], rates["expansion"], rates["renewal"]])[draft.type]
    usual = np.minimum(usual * np.where(draft.type == RENEWAL, 1.0, draft.win), 0.95)
    inside, after = _bad(world, draft.seat, draft.close)
    spared = draft.type == RENEWAL
    told = usual * np.where(inside & ~spared, bad["win"], 1.0) * np.where(after & ~spared, bad["aftermath"], 1.0)
    draft.hit = (inside | after) & (draft.luck >= told) & (draft.luck < usual)
    return np.asarray(told)


def _typed(world: World, draft: _Draft) -> None:
    """An opportunity with an account that has bought before is an expansion."""
    never = np.iinfo(np.int64).max
    won = draft.luck < _chance(world, draft)
    base = int(draft.account.min()) if len(draft.account) else 0
    first_win = np.full(int(draft.account.max()) - base + 1 if len(draft.account) else 0, never)
    np.minimum.at(first_win, draft.account[won] - base, draft.close[won])
    draft.type = np.where(draft.day > first_win[draft.account - base], EXPANSION, NEW)


def _renewals(world: World, rng: np.random.Generator, old: Contracts, wanted: int) -> _Draft:
    """Renewals of contracts that come to an end within the span, as many as wanted (or as there are)."""
    span = world.span
    due = np.flatnonzero((old.anniversary - 20 > span.first) & (old.anniversary - 70 < span.last))
    which = np.sort(rng.permutation(due)[:wanted])
    n, anniversary = len(which), old.anniversary[which]
    day = np.clip(on_workday(anniversary - rng.integers(60, 100, n)), span.first, span.last)
    close = np.maximum(on_workday(anniversary - rng.integers(-3, 25, n)), day + 1)
    return _Draft(
        old.seat[which], old.account[which], day, np.full(n, RENEWAL), np.full(n, -1), np.ones(n), rng.random(n), close,
        which, np.zeros(n, dtype=bool), np.zeros(n, dtype=np.int64),
    )  # fmt: skip


def _together(a: _Draft, b: _Draft) -> _Draft:
    """Both kinds, in the order of their days."""
    order = np.lexsort((np.concatenate([a.account, b.account]), np.concatenate([a.day, b.day])))
    columns = {name: np.concatenate([getattr(a, name), getattr(b, name)])[order] for name in a.__dataclass_fields__}
    return _Draft(**columns)


def _lived(
    world: World, plan: Plan, block: int, found: Catalogue, draft: _Draft, won: Flags, old: Contracts, first: int
) -> Deals:
    """Every moment of every deal, and what is in it."""
    rng = world.p.rng("stages", block)
    unit = world.staff.seats.unit[draft.seat]
    opens = world.opens(unit)
    n = len(draft.seat)
    created = office(draft.day, opens, rng.random(n) * 0.5)
    close = office(draft.close, opens, 0.55 + rng.random(n) * 0.44)
    at, stage, finally_won = _moments(
        world, rng, draft, won, created, np.maximum(close, created + 3600 * MICROS), opens
    )
    product, quantity, price, discount, better = _lines(world, rng, found, draft, old)
    deals = Deals(
        first, draft.seat, draft.account, created, draft.type, finally_won, at, stage, product, quantity, price,
        discount, better, draft.source, draft.hit, draft.renews, np.full(1, world.span.closing), draft.delay,
    )  # fmt: skip
    return deals


def _moments(
    world: World, rng: np.random.Generator, draft: _Draft, won: Flags, created: Ints, close: Ints, opens: Ints
) -> tuple[Ints, Ints, Flags]:
    selling, n = world.p.company["selling"], len(won)
    reach = np.where(won, 5, 1 + pick(rng, selling["furthest_lost"], n))
    reach = np.where((draft.type == RENEWAL) & ~won, np.maximum(reach, 2), reach)
    start = np.minimum(1 + pick(rng, selling["first_stage"], n), reach)
    step = np.arange(1, 6)
    skipped = (rng.random((n, 5)) < selling["skip_share"]) & (step > start[:, None]) & (step < reach[:, None])
    entered = (step >= start[:, None]) & (step <= reach[:, None]) & ~skipped
    weight = np.where(entered, rng.gamma(1.5, 1.0, (n, 5)) * np.array([1.0, 1.1, 1.0, 1.2, 0.8]), 0.0) + 1e-9
    part = np.cumsum(weight, axis=1) / weight.sum(axis=1)[:, None]
    part = np.concatenate([np.zeros((n, 1)), part[:, :-1]], axis=1)
    life = (close - created).astype(float)[:, None]
    at = np.full((n, SLOTS), NULL)
    stage = np.zeros((n, SLOTS), dtype=np.int64)
    at[:, :5] = np.where(entered, created[:, None] + (part * life).astype(np.int64) // MICROS * MICROS, NULL)
    at[np.arange(n), start - 1] = created
    stage[:, :5] = np.where(entered, step, 0)
    _regress(rng, selling["regression_share"], at, stage, reach, close)
    at[:, CLOSED], stage[:, CLOSED] = close, np.where(won, WON, LOST)
    finally_won = _reopen(rng, selling, at, stage, reach, won, opens)
    return _in_office(at, opens), stage, finally_won


def _regress(rng: np.random.Generator, share: float, at: Ints, stage: Ints, reach: Ints, close: Ints) -> None:
    """Some deals fall back by a stage and come on again."""
    some = np.flatnonzero((reach >= 3) & (rng.random(len(reach)) < share))
    entry = at[some, reach[some] - 1]
    rest = close[some] - entry
    at[some, BACK], stage[some, BACK] = entry + rest // 3, reach[some] - 1
    at[some, AGAIN], stage[some, AGAIN] = entry + rest * 2 // 3, reach[some]


def _reopen(
    rng: np.random.Generator, selling: dict[str, float], at: Ints, stage: Ints, reach: Ints, won: Flags, opens: Ints
) -> Flags:
    """Some losses are reopened and decided again."""
    n = len(won)
    some = np.flatnonzero(~won & (rng.random(n) < selling["reopen_share"]))
    at[some, REOPENED] = at[some, CLOSED] + rng.integers(15, 60, len(some)) * DAY
    day = on_workday(at[some, REOPENED] // DAY + rng.integers(15, 70, len(some)))
    at[some, CLOSED_AGAIN] = office(day, opens[some], 0.6 + 0.3 * rng.random(len(some)))
    stage[some, REOPENED] = reach[some]
    second = rng.random(len(some)) < selling["reopen_win"]
    stage[some, CLOSED_AGAIN] = np.where(second, WON, LOST)
    out = won.copy()
    out[some] = second
    return out


def _in_office(at: Ints, opens: Ints) -> Ints:
    """Moments moved to office hours of working days, still in their order, a minute apart at least."""
    n = len(at)
    moved = at.copy()
    for slot in (1, 2, 3, 4, BACK, AGAIN, REOPENED):
        day = on_workday(at[:, slot] // DAY)
        when = office(day, opens, micro_hash(np.arange(n), np.full(n, slot), at[:, slot]))
        is_first = at[:, slot] == np.where(at == NULL, np.iinfo(np.int64).max, at).min(axis=1)
        moved[:, slot] = np.where((at[:, slot] == NULL) | is_first, at[:, slot], when)
    _forward(moved, range(CLOSED))
    limit = at[:, CLOSED]
    for slot in range(AGAIN, -1, -1):
        here = moved[:, slot] != NULL
        moved[:, slot] = np.where(here, np.minimum(moved[:, slot], limit - 60 * MICROS), NULL)
        limit = np.where(here, moved[:, slot], limit)
    _forward(moved, range(SLOTS))
    return moved


def _forward(at: Ints, slots: range) -> None:
    """Put every moment a minute after the one before it, where it is not later anyway."""
    before = np.full(len(at), NULL)
    for slot in slots:
        here = at[:, slot] != NULL
        at[:, slot] = np.where(here, np.maximum(at[:, slot], before + 60 * MICROS * (before != NULL)), NULL)
        before = np.where(here, at[:, slot], before)


def _lines(
    world: World, rng: np.random.Generator, found: Catalogue, draft: _Draft, old: Contracts
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Up to three products with quantities that add up to the size of a deal of its segment and type."""
    seat = draft.seat
    n, segment, unit = len(seat), world.staff.seats.segment[seat], world.staff.seats.unit[seat]
    count = 1 + (rng.random(n) < 0.45) + (rng.random(n) < 0.15)
    product = np.stack([_products(world, found, rng, segment) for _ in range(3)], axis=1)
    product[:, 1] = np.where(product[:, 1] == product[:, 0], -1, product[:, 1])
    product[:, 2] = np.where((product[:, 2] == product[:, 0]) | (product[:, 2] == product[:, 1]), -1, product[:, 2])
    product[np.arange(3) >= count[:, None]] = -1
    level = np.array([u["price"] for u in world.p.company["units"]])[unit]
    value = _size(world, rng, segment) * level * np.where(draft.type == EXPANSION, 0.6, 1.0)
    part = np.where(product >= 0, np.array([0.7, 0.22, 0.08]), 0.0)
    part /= part.sum(axis=1)[:, None]
    year = _year(draft.day)
    price = found.price(year[:, None], unit[:, None], np.maximum(product, 0))
    quantity = np.maximum(1, np.rint(value[:, None] * part * 10_000 / price)).astype(np.int64)
    is_renewal = np.flatnonzero(draft.type == RENEWAL)
    renewed = draft.renews[is_renewal]
    product[is_renewal] = -1
    product[is_renewal, 0] = old.product[renewed]
    growth = rng.choice([0.8, 1.0, 1.0, 1.0, 1.1, 1.25], len(is_renewal))
    quantity[is_renewal, 0] = np.maximum(1, np.rint(old.quantity[renewed] * growth)).astype(np.int64)
    price[is_renewal, 0] = found.price(year[is_renewal], unit[is_renewal], old.product[renewed])
    discount = (rng.integers(0, 4, (n, 1)) * 25_000) + np.zeros((n, 3), dtype=np.int64)
    better = discount + (rng.random((n, 1)) < 0.4) * rng.integers(1, 5, (n, 1)) * 25_000
    return product, quantity, price, discount, better


def net(quantity: Ints, price: Ints, discount: Ints) -> Ints:
    """Net value of lines in 10^-4, rounded to the cent (half up)."""
    return (quantity * price * ((1_000_000 - discount) // 1_000) + 50_000) // 100_000 * 100
