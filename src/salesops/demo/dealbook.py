"""Tables of the opportunities: initial values, every change until the last day, lines, splits and contacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from salesops.demo import names
from salesops.demo.changes import Changes
from salesops.demo.columns import (
    date_text,
    dates,
    flags,
    ids,
    integers,
    join,
    money,
    money_text,
    pick,
    runs,
    same,
    scaled,
    texts,
    words,
)
from salesops.demo.days import DAY, FOREVER, MICROS, NULL, Flags, Floats, Ints, month_start, months, on_workday
from salesops.demo.folder import Folder
from salesops.demo.market import Accounts, Leads, changes_of, company_names
from salesops.demo.organisation import Catalogue, World, interval, numbered, stamped, territory_of
from salesops.demo.people import ENGINEER
from salesops.demo.selling import (
    CLOSED,
    CLOSED_AGAIN,
    RENEWAL,
    REOPENED,
    SLOTS,
    WON,
    Deals,
    net,
)

CATEGORIES = ("omitted", "pipeline", "best_case", "commit", "closed")
CATEGORY_OF_STAGE = np.array([0, 0, 1, 1, 2, 3, 4, 0])


@dataclass(frozen=True)
class Book:
    """What the tables of the deals say besides the deals: used by orders, targets and activities."""

    amount: Ints
    """Final net value of the lines, 10^-4."""
    quoted: Ints
    """When the lines came into being; NULL = never (yet)."""
    deleted: Ints
    """When the deal was deleted; NULL = never."""
    discount: Ints
    """The discount in force at the end, (deal, line)."""
    owner_at_close: Ints
    split: Ints
    """The person who shares the credit; -1 = nobody."""

    @property
    def dead(self) -> Flags:
        """Deleted by the last day."""
        return self.deleted != NULL


@dataclass(frozen=True)
class Errors:
    """Which deals carry which entry error."""

    no_close_date: Flags
    won_with_loss_reason: Flags
    negative_cycle: Flags
    no_amount: Flags
    owner_left: Flags
    lost_zero_amount: Flags


def errors(world: World, count: int, block: int) -> Errors:
    """Draw the entry errors (none when they are switched off)."""
    rng, spec = world.p.rng("dirt", block), world.p.company["dirt"]
    return Errors(*(rng.random(count) < (spec[name] if world.p.dirt else 0.0) for name in Errors.__dataclass_fields__))


def book(world: World, deals: Deals, wrong: Errors, block: int) -> Book:
    """Amounts, times and people that the tables share."""
    rng, selling, n = world.p.rng("book", block), world.p.company["selling"], len(deals)
    quoted = np.where(deals.at[:, 3] != NULL, deals.at[:, 3], deals.at[:, 4])
    quoted = np.where((quoted > world.span.closing) | wrong.no_amount, NULL, quoted)
    haggled = (deals.at[:, 4] != NULL) & (deals.at[:, 4] <= world.span.closing)
    discount = np.where(haggled[:, None], deals.better, deals.discount)
    amount = np.where(deals.product >= 0, net(deals.quantity, deals.price, discount), 0).sum(axis=1)
    life = np.maximum(np.where(deals.closing == NULL, world.span.closing, deals.closing) - deals.created, DAY)
    deleted = deals.created + (rng.random(n) * (life + 20 * DAY)).astype(np.int64) // MICROS * MICROS + DAY
    chosen = (rng.random(n) < selling["deletion_share"]) & ~deals.won & (deleted <= world.span.closing)
    day = np.where(deals.closing == NULL, world.span.last, deals.closing // DAY)
    owner = world.staff.owner(deals.seat, day)
    return Book(
        np.where(wrong.no_amount, NULL, amount), quoted, np.where(chosen, deleted, NULL), discount, owner,
        _partner(world, deals, rng, owner, day),
    )  # fmt: skip


def _partner(world: World, deals: Deals, rng: np.random.Generator, owner: Ints, day: Ints) -> Ints:
    """A colleague of the next seat shares the credit of some deals."""
    neighbour = np.where(deals.seat + 1 < world.staff.seats.reps, deals.seat + 1, deals.seat - 1)
    shared = (rng.random(len(deals)) < world.p.company["selling"]["split_share"]) & (neighbour >= 0)
    stint = world.staff.stints.at(np.maximum(neighbour, 0), day)
    person = world.staff.stints.person[np.maximum(stint, 0)]
    same_unit = world.staff.seats.unit[np.maximum(neighbour, 0)] == world.staff.seats.unit[deals.seat]
    return np.where(shared & (stint >= 0) & same_unit & (person != owner), person, -1)


def write(
    world: World, folder: Folder, found: Catalogue, deals: Deals, made: Book, wrong: Errors, accounts: Accounts,
    leads: Leads, block: int, wanted: int | None,
) -> int:  # fmt: skip
    """Write opportunities with everything below them; `wanted` changes where given. Gives the number of changes."""
    rng = world.p.rng("opportunity", block)
    history = changes_of(world, "opportunity")
    first_amount = _amounts(world, deals, made, wrong, rng, history)
    _stages(world, deals, history)
    category = _categories(world, deals, rng, history)
    expected = _expected(world, deals, rng, history)
    _owners(world, deals, wrong, history)
    _endings(world, deals, made, wrong, rng, history)
    lines = _lines(world, folder, found, deals, made)
    _steps(world, deals, made, rng, history, lines, wanted)
    lead = np.full(len(deals), -1)
    lead[leads.deal[leads.deal >= 0]] = np.flatnonzero(leads.deal >= 0)
    columns = _columns(world, deals, wrong, accounts, leads, lead, rng, first_amount, category, expected)
    number = ids("opportunity", deals.number)
    folder.write("opportunity", pa.table({"id": number, **columns, **stamped(deals.created)}))
    folder.write("opportunity_history", history.table())
    _splits(world, folder, deals, made, rng)
    _people(world, folder, deals, accounts, rng)
    return history.count + lines


def _columns(
    world: World, deals: Deals, wrong: Errors, accounts: Accounts, leads: Leads, lead: Ints, rng: np.random.Generator,
    amount: Ints, category: Ints, expected: Ints,
) -> dict[str, pa.Array]:  # fmt: skip
    company, seats, n = world.p.company, world.staff.seats, len(deals)
    unit, day = seats.unit[deals.seat], deals.created // DAY
    name, _ = company_names(deals.account, unit)
    line = np.maximum(deals.product[:, 0], 0)
    has_lead = lead >= 0
    touched = np.where(
        has_lead, leads.created[np.maximum(lead, 0)] // DAY if len(leads) else 0, day - rng.integers(0, 9, n)
    )
    late = np.where(deals.at[:, CLOSED] == NULL, day, deals.at[:, CLOSED] // DAY) + rng.integers(5, 60, n)
    stage = _stage_number(deals, _first_stage(deals))
    label = [x["name"] for x in company["products"]]
    return {
        "name": join(name, " - ", words(line, label), words(deals.type, ("", " (more)", " (renewal)"))),
        "account": ids("account", deals.account),
        "owner": ids("person", world.staff.owner(deals.seat, day)),
        "pipeline": ids("pipeline", (deals.type == RENEWAL).astype(np.int64)),
        "stage": ids("stage", stage),
        "amount": money(amount),
        "currency": words(unit, world.currencies),
        "expected_close": dates(expected),
        "actual_close": dates(np.full(n, NULL)),
        "type": words(deals.type, ("new", "expansion", "renewal")),
        "category": words(category, CATEGORIES),
        "source": words(np.where(has_lead, 0, deals.source), company["selling"]["sources"]),
        "campaign": ids("campaign", np.where(has_lead, leads.campaign[np.maximum(lead, 0)] if len(leads) else 0, -1)),
        "next_step": words(rng.integers(0, len(names.NEXT_STEPS), n), names.NEXT_STEPS),
        "loss_reason": same(None, n),
        "competitor": same(None, n),
        "first_contact": dates(np.where(wrong.negative_cycle, late, np.minimum(touched, day))),
        "probability_override": scaled(np.where(rng.random(n) < 0.02, 350_000, NULL)),
        "business_unit": ids("business_unit", unit),
        "territory": ids("territory", territory_of(world, deals.seat)),
        "segment": words(seats.segment[deals.seat], [s["name"] for s in company["segments"]]),
        "region": words(seats.region[deals.seat], [r["name"] for r in company["regions"]]),
    }


def _first_stage(deals: Deals) -> Ints:
    return np.asarray(1 + np.argmax(deals.at[:, :5] == deals.created[:, None], axis=1))


def _stage_number(deals: Deals, stage: Ints) -> Ints:
    return np.asarray(np.where(deals.type == RENEWAL, 7, 0) + stage - 1)


def _stages(world: World, deals: Deals, history: Changes) -> None:
    first = _first_stage(deals)
    for slot in range(SLOTS):
        later = (deals.at[:, slot] != NULL) & ~((slot < 5) & (first == slot + 1))
        value = ids("stage", _stage_number(deals, np.maximum(deals.stage[:, slot], 1)))
        history.add("stage", deals.number, deals.at[:, slot], value, later)


def _categories(world: World, deals: Deals, rng: np.random.Generator, history: Changes) -> Ints:
    """The forecast category follows the stage, with a representative's own view in one of ten cases."""
    n = len(deals)
    current = CATEGORY_OF_STAGE[_first_stage(deals)]
    start = current.copy()
    for slot in range(SLOTS):
        happens = (deals.at[:, slot] != NULL) & (deals.at[:, slot] > deals.created)
        usual = CATEGORY_OF_STAGE[deals.stage[:, slot]]
        own = np.clip(usual + rng.choice([-1, 0, 1], n, p=[0.05, 0.9, 0.05]), 0, 3)
        view = np.where(deals.stage[:, slot] >= WON, usual, own)
        changed = happens & (view != current)
        history.add("category", deals.number, deals.at[:, slot], words(view, CATEGORIES), changed)
        current = np.where(happens, view, current)
    return start


def _amounts(world: World, deals: Deals, made: Book, wrong: Errors, rng: np.random.Generator, history: Changes) -> Ints:
    """Estimates first (too high in the mean, some empty), then the sum of the lines when they are quoted."""
    n, optimism = len(deals), world.p.company["selling"]["amount_optimism"]
    listed = np.where(deals.product >= 0, net(deals.quantity, deals.price, deals.discount), 0).sum(axis=1)
    best = np.where(deals.product >= 0, net(deals.quantity, deals.price, deals.better), 0).sum(axis=1)
    skipped = deals.at[:, 3] == NULL
    quote = np.where(skipped, best, listed)
    estimate = _round_up(quote * np.exp(rng.normal(optimism, 0.25, n)), 1000)
    from_quote = made.quoted == deals.created
    first = np.where(rng.random(n) < 0.08, NULL, estimate)
    first = np.where(from_quote, quote, first)
    first = np.where(wrong.no_amount, NULL, first)
    second = _round_up(quote * np.exp(rng.normal(optimism / 2, 0.12, n)), 500)
    revised = (deals.at[:, 1] > deals.created) & (rng.random(n) < 0.5) & ~wrong.no_amount
    history.add("amount", deals.number, deals.at[:, 1], money_text(second), revised)
    quoted = (made.quoted != NULL) & ~from_quote
    history.add("amount", deals.number, made.quoted, money_text(quote), quoted)
    haggled = ~skipped & (deals.at[:, 4] != NULL) & (best != listed) & ~wrong.no_amount
    history.add("amount", deals.number, deals.at[:, 4], money_text(best), haggled)
    return first


def _round_up(value: Floats, step: int) -> Ints:
    unit = step * 10_000
    return np.maximum(1, np.rint(value / unit)).astype(np.int64) * unit


def _expected(world: World, deals: Deals, rng: np.random.Generator, history: Changes) -> Ints:
    """Too early at first, then pushed out about when the day comes; the neglected are left in the past."""
    low, high = world.p.company["selling"]["optimism"]
    n, begin = len(deals), deals.created // DAY
    end = np.where(deals.at[:, CLOSED_AGAIN] == NULL, deals.at[:, CLOSED], deals.at[:, CLOSED_AGAIN]) // DAY
    life = np.minimum(end - begin - deals.delay, 150)
    first = _to_month_end(begin + np.maximum(7, (life * rng.uniform(low, high, n)).astype(np.int64)), rng)
    expected, moment = first.copy(), begin.copy()
    careful = rng.random(n) > 0.10
    for _ in range(6):
        moment = np.maximum(on_workday(expected + rng.integers(-6, 5, n)), moment + 1)
        pushed = careful & (expected < end) & (moment < end)
        new = np.maximum(expected, moment) + rng.integers(15, 60, n)
        new = np.where(np.abs(new - end) < 20, np.where(rng.random(n) < 0.5, end, new), new)
        when = moment * DAY + (12 * 3600 + rng.integers(0, 10_000, n)) * MICROS
        history.add("expected_close", deals.number, when, date_text(new), pushed & (when > deals.created))
        expected = np.where(pushed, new, expected)
        careful &= pushed
    return first


def _to_month_end(day: Ints, rng: np.random.Generator) -> Ints:
    last = month_start(months(day) + 1) - 1
    return np.where(rng.random(len(day)) < 0.4, last, day)


def _endings(world: World, deals: Deals, made: Book, wrong: Errors, rng: np.random.Generator, history: Changes) -> None:
    """What closing, reopening and deleting write; the deleted have no changes after that."""
    selling, market, n = world.p.company["selling"], world.p.company["market"], len(deals)
    number = deals.number
    reason = pick(rng, selling["loss_share"], n)
    reason = np.where(deals.hit & (rng.random(n) < 0.7), selling["loss_reasons"].index("Lost to competitor"), reason)
    met = (rng.random(n) < 0.22) & (deals.at[:, 2] > deals.created) & ~deals.hit
    rival = rng.integers(0, len(market["competitors"]), n)
    history.add("competitor", number, deals.at[:, 2], words(rival, market["competitors"]), met)
    same_day = same(world.p.company["bad_quarter"]["competitor"], n)
    history.add("competitor", number, deals.at[:, CLOSED], same_day, deals.hit)
    for slot in (CLOSED, CLOSED_AGAIN):
        at = deals.at[:, slot]
        lost = deals.stage[:, slot] > WON
        there = at != NULL
        history.add("actual_close", number, at, date_text(at // DAY), there & ~wrong.no_close_date)
        told = there & (lost | wrong.won_with_loss_reason)
        history.add("loss_reason", number, at, words(reason, selling["loss_reasons"]), told)
        history.add("amount", number, at, same("0.0000", n), there & lost & wrong.lost_zero_amount)
    again = deals.at[:, REOPENED]
    history.add("actual_close", number, again, same(None, n), (again != NULL) & ~wrong.no_close_date)
    history.add("loss_reason", number, again, same(None, n), again != NULL)
    restored = (again != NULL) & wrong.lost_zero_amount & ~wrong.no_amount & (made.quoted != NULL)
    history.add("amount", number, again, money_text(made.amount), restored)
    history.cut(np.where(made.dead, made.deleted, FOREVER * DAY), deals.first)
    history.add("deleted", number, made.deleted, same("1", n), made.dead)


def _owners(world: World, deals: Deals, wrong: Errors, history: Changes) -> None:
    """A deal still open goes to whoever takes over the seat, unless nobody thought of it."""
    until = np.where(deals.closing == NULL, world.span.last + 1, deals.closing // DAY + 1)
    until = np.where(deals.at[:, REOPENED] == NULL, until, np.minimum(until, deals.at[:, CLOSED] // DAY + 1))
    record, day, person = world.staff.hand_overs(deals.seat, deals.created // DAY, until)
    made = ~wrong.owner_left[record]
    history.add("owner", deals.number[record], day * DAY + 7 * 3600 * MICROS, ids("person", person), made)


def _lines(world: World, folder: Folder, found: Catalogue, deals: Deals, made: Book) -> int:
    """Write the lines of what was quoted, with the discount that negotiation added; the number of changes."""
    deal, line = np.nonzero((deals.product >= 0) & (made.quoted != NULL)[:, None] & ~made.dead[:, None])
    if not len(deal):
        return 0
    pick_ = (deal, line)
    quoted, haggle = made.quoted[deal], deals.at[deal, 4]
    first = np.where(deals.at[deal, 3] == NULL, deals.better[pick_], deals.discount[pick_])
    product, quantity, price = deals.product[pick_], deals.quantity[pick_], deals.price[pick_]
    number = folder.next_id("opportunity_line") + np.arange(len(deal))
    unit = world.staff.seats.unit[deals.seat[deal]]
    recurring = found.recurring[product]
    columns = {
        "opportunity": ids("opportunity", deals.first + deal),
        "product": ids("product", product),
        "quantity": scaled(quantity * 10_000, 4),
        "price": money(price),
        "amount": money(net(quantity, price, first)),
        "discount": scaled(first),
        "currency": words(unit, world.currencies),
        "term_months": integers(np.where(recurring, 12, NULL)),
        "recurring": flags(recurring),
    }
    folder.write("opportunity_line", pa.table({"id": ids("opportunity_line", number), **columns, **stamped(quoted)}))
    history = changes_of(world, "opportunity_line")
    second = deals.better[pick_]
    better = (haggle != NULL) & (second != first) & (haggle > quoted)
    history.add("discount", number, haggle, scaled(second).cast(pa.string()), better)
    history.add("amount", number, haggle, money_text(net(quantity, price, second)), better)
    folder.write("opportunity_line_history", history.table())
    return history.count


def _steps(
    world: World, deals: Deals, made: Book, rng: np.random.Generator, history: Changes, others: int, wanted: int | None
) -> None:
    """Next steps over a deal's life: as many as make up the wanted number of changes."""
    n = len(deals)
    end = np.where(deals.closing == NULL, world.span.closing, deals.closing)
    end = np.where(made.dead, np.minimum(made.deleted, end), end) - MICROS
    life = np.maximum(end - deals.created, 0)
    missing = n * 2 if wanted is None else wanted - history.count - others
    if missing < 0:
        history.thin(("category", "expected_close"), -missing, rng)
        return
    deal = np.searchsorted(np.cumsum(life) / max(1, life.sum()), rng.random(missing), side="right")
    deal = np.minimum(deal, n - 1)
    when = deals.created[deal] + (rng.random(missing) * life[deal]).astype(np.int64)
    day = when // DAY
    opens = world.opens(world.staff.seats.unit[deals.seat[deal]])
    neat = on_workday(day) * DAY + (opens * 3600 + rng.integers(0, 28_800, missing)) * MICROS
    inside = (neat > deals.created[deal]) & (neat < end[deal])
    when = np.clip(np.where(inside, neat, when // MICROS * MICROS), deals.created[deal] + MICROS, None)
    history.add(
        "next_step", deals.number[deal], when, words(rng.integers(0, len(names.NEXT_STEPS), missing), names.NEXT_STEPS)
    )


def _splits(world: World, folder: Folder, deals: Deals, made: Book, rng: np.random.Generator) -> None:
    day = deals.created // DAY
    shared = np.flatnonzero((made.split >= 0) & ~made.dead)
    engineers = world.staff.seats.of(ENGINEER)
    helped = np.flatnonzero((rng.random(len(deals)) < world.p.company["selling"]["overlay_share"]) & ~made.dead)
    helper = world.staff.owner(rng.choice(engineers, len(helped)), day[helped]) if len(engineers) else np.zeros(0, int)
    helped = helped[: len(helper)]
    deal = np.concatenate([shared, shared, helped])
    person = np.concatenate([made.owner_at_close[shared], made.split[shared], helper])
    share = np.repeat([600_000, 400_000, 1_000_000], [len(shared), len(shared), len(helped)])
    columns = {
        "opportunity": ids("opportunity", deals.first + deal),
        "person": ids("person", person),
        "share": scaled(share),
        "kind": words((np.arange(len(deal)) >= 2 * len(shared)).astype(np.int64), ("credit", "overlay")),
    }
    if len(deal):
        numbered(folder, "opportunity_split", columns | interval(day[deal], np.full(len(deal), FOREVER)))


def _people(world: World, folder: Folder, deals: Deals, accounts: Accounts, rng: np.random.Generator) -> None:
    row = accounts.row(deals.account)
    count = np.minimum(1 + rng.integers(0, 3, len(deals)), accounts.contacts[row])
    deal, within = runs(count)
    created = deals.created[deal]
    columns = {
        "opportunity": ids("opportunity", deals.first + deal),
        "contact": ids("contact", accounts.first_contact[row[deal]] + within),
        "role": words(np.minimum(within, 2), ("Decision maker", "Champion", "User")),
        "primary": flags(within == 0),
    }
    numbered(folder, "opportunity_contact", columns | stamped(created))


def pipelines(world: World, folder: Folder) -> None:
    """Write both pipelines and their stages, in the order of their numbers."""
    rows = world.p.company["pipelines"]
    start = stamped(np.full(len(rows), (world.span.first - 1600) * DAY))
    columns = {
        "name": texts([r["name"] for r in rows]),
        "kind": same("sales", len(rows)),
        "business_unit": same(None, len(rows)),
    }
    numbered(folder, "pipeline", columns | start)
    pipeline, position = runs(np.array([len(r["stages"]) for r in rows]))
    every = [(r["stages"][i], r["probability"][i], r["pitch"][i], r["qualified"][i]) for r in rows for i in range(7)]
    columns = {
        "name": texts([e[0] for e in every]),
        "pipeline": ids("pipeline", pipeline),
        "position": integers(position + 1),
        "kind": words(np.maximum(position - 4, 0), ("open", "won", "lost")),
        "probability": scaled(np.array([round(e[1] * 1_000_000) for e in every], dtype=np.int64)),
        "pitch": flags(np.array([e[2] for e in every])),
        "qualified": flags(np.array([e[3] for e in every])),
        "category": words(CATEGORY_OF_STAGE[position + 1], CATEGORIES),
    }
    numbered(folder, "stage", columns | stamped(np.full(len(every), (world.span.first - 1600) * DAY)))
