"""Money that follows won deals: orders, invoices, payments, subscriptions; and the company's costs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from salesops.demo import people
from salesops.demo.columns import date_text, dates, flags, ids, instants, join, money, same, scaled, words
from salesops.demo.days import DAY, FOREVER, MICROS, NULL, Flags, Ints, month_start, months, on_workday
from salesops.demo.dealbook import Book
from salesops.demo.folder import Folder
from salesops.demo.market import campaign_of, changes_of
from salesops.demo.organisation import Catalogue, World, interval, numbered, stamped
from salesops.demo.selling import RENEWAL, Contracts, Deals, net

HOUR = 3600 * MICROS


def write(world: World, folder: Folder, found: Catalogue, deals: Deals, made: Book, old: Contracts, block: int) -> int:
    """Write what the won deals of a block bring; the number of changes."""
    won = np.flatnonzero(deals.is_won & (made.quoted != NULL) & ~made.dead)
    _subscriptions(world, folder, found, deals, made, old, won, block)
    if not len(won):
        return 0
    rng = world.p.rng("orders", block)
    order, line = np.nonzero(deals.product[won] >= 0)
    changes, number, ordered = _orders(world, folder, found, deals, made, won, rng)
    _order_lines(world, folder, found, deals, made, won, number, ordered, order, line)
    return changes + _invoices(world, folder, deals, made, won, number, ordered, order, line, rng)


def _orders(
    world: World, folder: Folder, found: Catalogue, deals: Deals, made: Book, won: Ints, rng: np.random.Generator
) -> tuple[int, Ints, Ints]:
    seats, n = world.staff.seats, len(won)
    seat, day = deals.seat[won], deals.closing[won] // DAY
    number = folder.next_id("order") + np.arange(n)
    moment = np.minimum(deals.closing[won] + rng.integers(1, 48, n) * HOUR, world.span.closing)
    ordered = moment // DAY
    columns = {
        "number": join("SO-", pa.array(100_000 + number).cast(pa.string())),
        "account": ids("account", deals.account[won]),
        "opportunity": ids("opportunity", deals.first + won),
        "owner": ids("person", made.owner_at_close[won]),
        "ordered_on": dates(ordered),
        "shipped_on": dates(np.full(n, NULL)),
        "amount": money(made.amount[won]),
        "currency": words(seats.unit[seat], world.currencies),
        "status": same("open", n),
        "segment": words(seats.segment[seat], [s["name"] for s in world.p.company["segments"]]),
        "region": words(seats.region[seat], [r["name"] for r in world.p.company["regions"]]),
        "business_unit": ids("business_unit", seats.unit[seat]),
    }
    folder.write("order", pa.table({"id": ids("order", number), **columns, **stamped(moment)}))
    history = changes_of(world, "order")
    shipped = on_workday(day + rng.integers(4, 35, n))
    at = np.maximum(shipped * DAY + 15 * HOUR, moment + HOUR)
    history.add("shipped_on", number, at, date_text(at // DAY))
    history.add("status", number, at, same("fulfilled", n))
    folder.write("order_history", history.table())
    return history.count, number, moment


def _order_lines(
    world: World, folder: Folder, found: Catalogue, deals: Deals, made: Book, won: Ints, number: Ints, moment: Ints,
    order: Ints, line: Ints,
) -> None:  # fmt: skip
    deal = won[order]
    product, quantity, price = deals.product[deal, line], deals.quantity[deal, line], deals.price[deal, line]
    discount = made.discount[deal, line]
    amount = net(quantity, price, discount)
    unit = world.staff.seats.unit[deals.seat[deal]]
    level = np.array([round(u["price"] * 100) for u in world.p.company["units"]])[unit]
    cost = quantity * (found.cost[product] * level // 100)
    columns = {
        "order": ids("order", number[order]),
        "product": ids("product", product),
        "quantity": scaled(quantity * 10_000, 4),
        "price": money(price),
        "discount": scaled(discount),
        "amount": money(amount),
        "cost": money(cost),
        "profit": money(amount - cost),
        "currency": words(unit, world.currencies),
    }
    numbered(folder, "order_line", columns | stamped(moment[order]))


def _invoices(
    world: World, folder: Folder, deals: Deals, made: Book, won: Ints, number: Ints, moment: Ints, order: Ints,
    line: Ints, rng: np.random.Generator,
) -> int:  # fmt: skip
    spec, unit = world.p.company["money"], world.staff.seats.unit[deals.seat[won]]
    issued = on_workday(moment // DAY + rng.integers(1, 6, len(won)))
    there = np.flatnonzero((issued <= world.span.last) & (issued * DAY + 9 * HOUR > moment))
    first = folder.next_id("invoice")
    invoice = first + np.arange(len(there))
    due = issued[there] + spec["payment_days"]
    _invoice_rows(
        world, folder, deals, won[there], number[there], issued[there], due, made.amount[won[there]], "invoice"
    )
    back = there[(rng.random(len(there)) < spec["credit_note"]) & (issued[there] + 20 <= world.span.last)]
    credit = -(made.amount[won[back]] // 1000 * 100)
    _invoice_rows(
        world, folder, deals, won[back], number[back], issued[back] + 20, issued[back] + 20, credit, "credit_note"
    )
    which = np.full(len(won), -1)
    which[there] = invoice
    some = np.flatnonzero(which[order] >= 0)
    deal, row = won[order[some]], line[some]
    quantity = deals.quantity[deal, row]
    columns = {
        "invoice": ids("invoice", which[order[some]]),
        "product": ids("product", deals.product[deal, row]),
        "quantity": scaled(quantity * 10_000, 4),
        "amount": money(net(quantity, deals.price[deal, row], made.discount[deal, row])),
        "currency": words(unit[order[some]], world.currencies),
    }
    if len(some):
        numbered(folder, "invoice_line", columns | stamped(issued[order[some]] * DAY + 9 * HOUR))
    return _payments(world, folder, deals, made, won[there], invoice, due, rng)


def _invoice_rows(
    world: World,
    folder: Folder,
    deals: Deals,
    deal: Ints,
    order: Ints,
    issued: Ints,
    due: Ints,
    amount: Ints,
    kind: str,
) -> None:
    if not len(deal):
        return
    number = folder.next_id("invoice") + np.arange(len(deal))
    columns = {
        "number": join("IN-" if kind == "invoice" else "CN-", pa.array(500_000 + number).cast(pa.string())),
        "kind": same(kind, len(deal)),
        "account": ids("account", deals.account[deal]),
        "order": ids("order", order),
        "issued_on": dates(issued),
        "due_on": dates(due),
        "amount": money(amount),
        "currency": words(world.staff.seats.unit[deals.seat[deal]], world.currencies),
        "status": same("open", len(deal)),
    }
    folder.write("invoice", pa.table({"id": ids("invoice", number), **columns, **stamped(issued * DAY + 9 * HOUR)}))


def _payments(
    world: World,
    folder: Folder,
    deals: Deals,
    made: Book,
    deal: Ints,
    invoice: Ints,
    due: Ints,
    rng: np.random.Generator,
) -> int:
    """Most pay about when it is due, some late, in two parts, or never."""
    spec, n = world.p.company["money"], len(deal)
    luck = rng.random(n)
    lateness = np.clip(rng.normal(0, 1, n) * spec["late_payment_days"], -25, 90).astype(np.int64)
    paid = on_workday(due + lateness)
    partial = luck < spec["partial"]
    full = np.where(partial, made.amount[deal] // 200 * 100, made.amount[deal])
    rest = made.amount[deal] - full
    last = np.where(partial, on_workday(paid + rng.integers(15, 60, n)), paid)
    pays = luck < 1 - spec["unpaid"]
    for some, day, amount in ((pays, paid, full), (pays & partial, last, rest)):
        row = np.flatnonzero(some & (day <= world.span.last))
        columns = {
            "at": instants(day[row] * DAY + 11 * HOUR),
            "account": ids("account", deals.account[deal[row]]),
            "invoice": ids("invoice", invoice[row]),
            "amount": money(amount[row]),
            "currency": words(world.staff.seats.unit[deals.seat[deal[row]]], world.currencies),
        }
        if len(row):
            numbered(folder, "payment", columns)
    history = changes_of(world, "invoice")
    history.add("status", invoice, last * DAY + 12 * HOUR, same("paid", n), pays)
    folder.write("invoice_history", history.table())
    return history.count


def _subscriptions(
    world: World, folder: Folder, found: Catalogue, deals: Deals, made: Book, old: Contracts, won: Ints, block: int
) -> None:
    """Yearly terms: old contracts until their renewal is decided, and the recurring lines of won deals."""
    rng = world.p.rng("subscriptions", block)
    renewal = np.full(len(old.account), -1)
    about = np.flatnonzero((deals.type == RENEWAL) & ~made.dead)
    renewal[deals.renews[about]] = about
    decided = (renewal >= 0) & (deals.closing != NULL)[renewal]
    ends = np.where(decided, old.anniversary, FOREVER)
    churned = (rng.random(len(ends)) < world.p.company["money"]["churn"]) & (renewal < 0)
    ends = np.where(churned & (old.anniversary > world.span.first), old.anniversary, ends)
    monthly = np.maximum(old.quantity * old.price // 12 // 100 * 100, 100)
    _terms(world, folder, found, old.account, old.product, old.seat, monthly, old.starts, ends)
    deal, line = np.nonzero((deals.product[won] >= 0) & found.recurring[np.maximum(deals.product[won], 0)])
    deal = won[deal]
    begins = deals.closing[deal] // DAY + rng.integers(1, 15, len(deal))
    renewed = deals.type[deal] == RENEWAL
    if len(old.account):
        begins = np.where(renewed, old.anniversary[np.maximum(deals.renews[deal], 0)], begins)
    amount = net(deals.quantity[deal, line], deals.price[deal, line], made.discount[deal, line])
    monthly = np.maximum(amount // 12 // 100 * 100, 100)
    _following(world, folder, found, rng, deals, deal, line, monthly, begins)


def _following(
    world: World, folder: Folder, found: Catalogue, rng: np.random.Generator, deals: Deals, deal: Ints, line: Ints,
    monthly: Ints, begins: Ints,
) -> None:  # fmt: skip
    """Terms of a year that follow one another: some end, some grow, prices rise a little."""
    spec = world.p.company["money"]
    current = np.flatnonzero(begins <= world.span.last)
    while len(current):
        over = begins[current] + 365 <= world.span.last
        ends = np.where(over, begins[current] + 365, FOREVER)
        row = deal[current]
        _terms(
            world, folder, found, deals.account[row], deals.product[row, line[current]], deals.seat[row],
            monthly[current], begins[current], ends,
        )  # fmt: skip
        current = current[over & (rng.random(len(current)) >= spec["churn"])]
        growth = np.where(rng.random(len(current)) < spec["expansion"], 125, 103)
        monthly[current] = monthly[current] * growth // 100 // 100 * 100
        begins[current] += 365


def _terms(
    world: World, folder: Folder, found: Catalogue, account: Ints, product: Ints, seat: Ints, monthly: Ints,
    begins: Ints, ends: Ints,
) -> None:  # fmt: skip
    keep = np.flatnonzero((begins < ends) & (begins <= world.span.last))
    if not len(keep):
        return
    margin = np.rint(1_000_000 * (1 - found.cost / found.list_price[6, 0])).astype(np.int64)
    columns = {
        "account": ids("account", account[keep]),
        "product": ids("product", product[keep]),
        "recurring_amount": money(monthly[keep]),
        "currency": words(world.staff.seats.unit[seat[keep]], world.currencies),
        "margin": scaled(margin[product[keep]]),
    }
    numbered(folder, "subscription", columns | interval(begins[keep], ends[keep]))


def costs(world: World, folder: Folder, credited: Ints) -> None:
    """Pay, tools and campaigns of every month; `credited` is (person, quarter of the span) in 10^-4."""
    span = world.span
    both = months(np.array([span.first, span.last]))
    for month in range(int(both[0]), int(both[1]) + 1):
        _month_costs(world, folder, month, credited)


def _month_costs(world: World, folder: Folder, month: int, credited: Ints) -> None:
    spec, stints, seats = world.p.company["money"], world.staff.stints, world.staff.seats
    start = int(month_start(np.array([month]))[0])
    some = np.flatnonzero((stints.from_day <= start) & (stints.to_day > start))
    person, seat = stints.person[some], stints.seat[some]
    unit = seats.unit[seat]
    level = np.array([u["price"] for u in world.p.company["units"]])[unit]
    salary = np.array([spec["salary"][word] for word in people.ROLES])[seats.role[seat]]
    pay = np.rint(salary * level).astype(np.int64) * 10_000
    _cost_rows(world, folder, start, "salary", "sales", person, unit, pay)
    every = np.arange(len(world.currencies))
    tools = np.bincount(unit, minlength=len(every)) * round(spec["tools_per_person"] * 10_000)
    _cost_rows(world, folder, start, "tools", "sales", np.full(len(every), -1), every, tools)
    if month % 3 == 2:
        quarter = month // 3 - world.span.quarter_numbers[0]
        earned = credited[person, quarter] // 10_000 * round(spec["commission"] * 10_000)
        row = np.flatnonzero(earned > 0)
        _cost_rows(world, folder, start, "commission", "sales", person[row], unit[row], earned[row])
    _campaign_costs(world, folder, month, start)


def _campaign_costs(world: World, folder: Folder, month: int, start: int) -> None:
    market, units = world.p.company["market"], len(world.currencies)
    unit, channel = (
        a.ravel() for a in np.meshgrid(np.arange(units), np.arange(len(market["channels"])), indexing="ij")
    )
    budget = np.array(market["channel_budget"])[channel] * max(0.05, world.p.reps / 60) / 3
    noise = world.p.rng("campaign cost", month).uniform(0.8, 1.15, len(unit))
    campaign = campaign_of(world, np.full(len(unit), max(start, world.span.first)), unit, channel)
    amount = np.rint(budget * noise).astype(np.int64) * 10_000
    paid = np.array(market["channel_paid"])[channel]
    none = np.full(len(unit), -1)
    _cost_rows(world, folder, start, "programme", "marketing", none, unit, amount, campaign, paid)


def _cost_rows(
    world: World, folder: Folder, start: int, category: str, function: str, person: Ints, unit: Ints, amount: Ints,
    campaign: Ints | None = None, paid: Flags | None = None,
) -> None:  # fmt: skip
    n = len(unit)
    if not n:
        return
    columns = {
        "at": instants(np.full(n, start * DAY + 12 * HOUR)),
        "function": same(function, n),
        "category": same(category, n),
        "campaign": ids("campaign", np.full(n, -1) if campaign is None else campaign),
        "business_unit": ids("business_unit", unit),
        "person": ids("person", person),
        "month": dates(np.full(n, start)),
        "amount": money(amount),
        "currency": words(unit, world.currencies),
        "paid": flags(np.zeros(n, dtype=bool) if paid is None else paid),
    }
    numbered(folder, "cost", columns)
