"""What people do all day: calls, e-mails, meetings and the rest; engagement of leads; what people report themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.demo import people
from salesops.demo.columns import flags, ids, instants, integers, join, pick, runs, same, words
from salesops.demo.days import DAY, MICROS, NULL, Flags, Floats, Ints, months, office
from salesops.demo.dealbook import Book
from salesops.demo.folder import Folder
from salesops.demo.market import Accounts, Leads
from salesops.demo.organisation import World, numbered
from salesops.demo.selling import Deals

KINDS = (
    "call", "email_out", "email_in", "meeting", "demo", "proposal", "presentation", "social", "message", "admin",
    "crm_entry", "training", "internal", "travel",
)  # fmt: skip
(
    CALL, EMAIL_OUT, EMAIL_IN, MEETING, DEMO, PROPOSAL, PRESENTATION, SOCIAL, MESSAGE, ADMIN, CRM_ENTRY, TRAINING,
    INTERNAL, TRAVEL,
) = range(14)  # fmt: skip
SUBJECTS = (
    "Call", "Follow-up", "Re: Follow-up", "Meeting", "Demo", "Proposal", "Presentation", "Social contact", "Message",
    "Paperwork", "CRM upkeep", "Training", "Team meeting", "Travel",
)  # fmt: skip
HELD, CANCELLED, NO_SHOW = 1, 2, 3
STATUS = ("booked", "held", "cancelled", "no_show")


@dataclass
class Acts:
    """Activities of one kind of origin, column by column; -1 refers to nothing."""

    kind: Ints
    at: Ints
    owner: Ints
    account: Ints
    contact: Ints
    lead: Ints
    deal: Ints
    minutes: Ints
    automatic: Flags
    status: Ints
    booked: Ints


def _acts(kind: Ints, at: Ints, owner: Ints, minutes: Ints, **given: Ints) -> Acts:
    n = len(kind)
    none, held = np.full(n, -1), np.full(n, HELD)
    columns = {"account": none, "contact": none, "lead": none, "deal": none, "automatic": np.zeros(n, dtype=bool)}
    columns |= {"status": held, "booked": np.full(n, NULL)} | given
    return Acts(kind, at, owner, minutes=minutes, **columns)


def _minutes(rng: np.random.Generator, mean: float, count: int) -> Ints:
    return np.maximum(2, rng.gamma(3.0, mean / 3.0, count)).astype(np.int64)


def write(
    world: World, folder: Folder, block: tuple[int, int, int], deals: Deals, made: Book, accounts: Accounts,
    leads: Leads, at_work: Flags | None,
) -> None:  # fmt: skip
    """Write the activities of a block (number, first seat, end seat) at the level that the parameters ask for."""
    if world.p.activities == "none":
        return
    rng = world.p.rng("activities", block[0])
    milestones = _milestones(world, rng, deals, made, accounts)
    if world.p.activities == "light" or at_work is None:
        _write(world, folder, milestones)
        return
    days = _rep_days(world, block, at_work)
    for acts in (
        milestones,
        _deal_work(world, rng, deals, made, accounts, at_work),
        _prospecting(world, rng, block, days, accounts),
        _own_time(world, rng, days),
        _answers(world, rng, leads),
    ):
        _write(world, folder, acts)
    _engagement(world, folder, rng, leads)
    _time_reports(world, folder, rng, days)


def _write(world: World, folder: Folder, acts: Acts) -> None:
    keep = np.flatnonzero((acts.at <= world.span.closing) & (acts.at != NULL))
    order = keep[np.argsort(acts.at[keep], kind="stable")]
    a = Acts(*(getattr(acts, name)[order] for name in Acts.__dataclass_fields__))
    if not len(order):
        return
    outside = (a.account >= 0) | (a.lead >= 0)
    kind = a.kind
    direction = np.select([kind == EMAIL_IN, kind <= MESSAGE], [1, 0], 2)
    participants = join("person-", ids("contact", a.contact), f"@{world.p.company['domain']}")
    columns = {
        "at": instants(a.at),
        "kind": words(kind, KINDS),
        "direction": words(direction, ("out", "in", "none")),
        "subject": words(kind, SUBJECTS),
        "owner": ids("person", a.owner),
        "account": ids("account", a.account),
        "contact": ids("contact", a.contact),
        "lead": ids("lead", a.lead),
        "opportunity": ids("opportunity", a.deal),
        "minutes": integers(a.minutes),
        "participants": participants,
        "external": flags(outside),
        "automatic": flags(a.automatic),
        "status": words(a.status, STATUS),
        "booked_at": instants(a.booked),
        "outcome": words(
            np.where((kind == CALL) & outside, a.at // MICROS % 3, -1), ("reached", "no answer", "voicemail")
        ),
        "visibility": same("all", len(order)),
    }
    numbered(folder, "activity", columns)


def _life_end(world: World, deals: Deals, made: Book) -> Ints:
    end = np.where(deals.closing == NULL, world.span.closing, deals.closing)
    return np.where(made.dead, np.minimum(end, made.deleted), end)


def _contact(accounts: Accounts, deals: Deals, deal: Ints) -> Ints:
    return accounts.first_contact[accounts.row(deals.account[deal])]


def _milestones(world: World, rng: np.random.Generator, deals: Deals, made: Book, accounts: Accounts) -> Acts:
    """The first meeting, the demo and the proposal of every deal that came so far, all held."""
    end = _life_end(world, deals, made)
    parts = []
    for kind, at, mean in ((MEETING, deals.at[:, 1], 45), (DEMO, deals.at[:, 2], 55), (PROPOSAL, made.quoted, 40)):
        deal = np.flatnonzero((at != NULL) & (at <= end))
        when = at[deal] - rng.integers(5, 50, len(deal)) * 60 * MICROS
        when = np.maximum(when, deals.created[deal] + MICROS)
        parts.append((np.full(len(deal), kind), when, deal, _minutes(rng, mean, len(deal))))
    kind_of, when, deal, minutes = (np.concatenate([part[i] for part in parts]) for i in range(4))
    owner = world.staff.owner(deals.seat[deal], when // DAY)
    booked = np.maximum(when - rng.integers(1, 12, len(deal)) * DAY, deals.created[deal])
    return _acts(
        kind_of, when, owner, minutes, account=deals.account[deal], contact=_contact(accounts, deals, deal),
        deal=deals.first + deal, booked=np.where(kind_of == PROPOSAL, NULL, booked),
    )  # fmt: skip


def _deal_work(
    world: World, rng: np.random.Generator, deals: Deals, made: Book, accounts: Accounts, at_work: Flags
) -> Acts:
    """Calls, e-mails and meetings about open deals, on days on which their owner works."""
    spec, end = world.p.company["activity"], _life_end(world, deals, made)
    life = np.minimum(np.maximum(end - deals.created, 0), 120 * DAY)
    rates = [spec["deal_calls_month"], spec["deal_emails_month"], spec["deal_emails_month"] * spec["replies"] * 2]
    rates.append(spec["deal_meetings_month"])
    parts = []
    for kind, rate in zip((CALL, EMAIL_OUT, EMAIL_IN, MEETING), rates, strict=True):
        effort = np.where(deals.won, 1.15, 0.95) if kind == MEETING else 1.0
        count = rng.poisson(rate * 1.45 * effort * life / (30 * DAY))
        parts.append(np.stack([np.full(count.sum(), kind), np.repeat(np.arange(len(deals)), count)]))
    kind_of, deal = np.concatenate(parts, axis=1)
    day = (deals.created[deal] + (rng.random(len(deal)) * life[deal]).astype(np.int64)) // DAY
    owner = world.staff.owner(deals.seat[deal], day)
    opens = world.opens(world.staff.seats.unit[deals.seat[deal]])
    when = office(day, opens, rng.random(len(deal)))
    there = at_work[owner, np.clip(day - world.span.first, 0, world.span.length - 1)]
    keep = np.flatnonzero(there & (when > deals.created[deal]) & (when < end[deal]))
    kind_of, deal, owner, when = kind_of[keep], deal[keep], owner[keep], when[keep]
    n = len(keep)
    talk = np.where(kind_of == CALL, _minutes(rng, spec["call_minutes"], n), _minutes(rng, spec["meeting_minutes"], n))
    minutes = np.where((kind_of == EMAIL_OUT) | (kind_of == EMAIL_IN), NULL, talk)
    luck = rng.random(n)
    gone = np.where(
        luck < spec["cancelled"], CANCELLED, np.where(luck < spec["cancelled"] + spec["no_show"], NO_SHOW, HELD)
    )
    booked = np.maximum(when - rng.integers(1, 10, n) * DAY, deals.created[deal])
    return _acts(
        kind_of, when, owner, minutes, account=deals.account[deal], contact=_contact(accounts, deals, deal),
        deal=deals.first + deal, status=np.where(kind_of == MEETING, gone, HELD),
        booked=np.where(kind_of == MEETING, booked, NULL),
    )  # fmt: skip


@dataclass(frozen=True)
class RepDays:
    """Every day on which a representative of the block works."""

    person: Ints
    seat: Ints
    day: Ints


def _rep_days(world: World, block: tuple[int, int, int], at_work: Flags) -> RepDays:
    stints, span = world.staff.stints, world.span
    mine = np.flatnonzero((stints.seat >= block[1]) & (stints.seat < block[2]) & (stints.from_day <= span.last))
    begin = np.maximum(stints.from_day[mine], span.first)
    end = np.minimum(stints.to_day[mine], span.last + 1)
    row, within = runs(np.maximum(end - begin, 0))
    person, day = stints.person[mine][row], begin[row] + within
    keep = at_work[person, day - span.first]
    return RepDays(person[keep], stints.seat[mine][row][keep], day[keep])


def _each_day(rng: np.random.Generator, rate: float | Floats, days: RepDays) -> Ints:
    """Rows of the days, each as often as something happens on it."""
    return np.repeat(np.arange(len(days.day)), rng.poisson(rate, len(days.day)))


def _prospecting(
    world: World, rng: np.random.Generator, block: tuple[int, int, int], days: RepDays, accounts: Accounts
) -> Acts:
    """Calls, e-mails and social contacts with accounts of one's own, deal or not."""
    spec = world.p.company["activity"]
    rates = (
        (CALL, spec["account_calls"]), (EMAIL_OUT, spec["account_emails"]), (EMAIL_OUT, spec["automatic_emails"]),
        (EMAIL_IN, spec["account_emails"] * spec["replies"]), (SOCIAL, spec["social"][0]),
    )  # fmt: skip
    drive = world.staff.skill[days.person] ** 0.5
    rows = [_each_day(rng, rate * drive, days) for _, rate in rates]
    row = np.concatenate(rows)
    kind = np.repeat([k for k, _ in rates], [len(r) for r in rows])
    automatic = np.repeat(np.arange(len(rows)) == 2, [len(r) for r in rows])
    seat = days.seat[row]
    first = np.searchsorted(accounts.seat, seat)
    count = np.searchsorted(accounts.seat, seat, side="right") - first
    account = first + (rng.random(len(row)) * count).astype(np.int64)
    when = office(days.day[row], world.opens(world.staff.seats.unit[seat]), rng.random(len(row)))
    keep = np.flatnonzero(accounts.created[account] < when)
    kind, row, account, when = kind[keep], row[keep], account[keep], when[keep]
    timed = (kind == CALL) | (kind == SOCIAL)
    minutes = np.where(timed, _minutes(rng, spec["call_minutes"], len(keep)), NULL)
    return _acts(
        kind, when, days.person[row], minutes, account=accounts.first + account,
        contact=accounts.first_contact[account], automatic=automatic[keep],
    )  # fmt: skip


def _own_time(world: World, rng: np.random.Generator, days: RepDays) -> Acts:
    """What is not selling."""
    spec = world.p.company["activity"]
    kinds = (
        (CRM_ENTRY, "crm_entry"),
        (ADMIN, "admin"),
        (INTERNAL, "internal"),
        (TRAVEL, "travel"),
        (TRAINING, "training"),
    )
    lazy = world.staff.skill[days.person] ** -0.3
    rows = [_each_day(rng, spec[word][0] * lazy, days) for _, word in kinds]
    row = np.concatenate(rows)
    kind = np.repeat([k for k, _ in kinds], [len(r) for r in rows])
    minutes = np.concatenate([_minutes(rng, spec[word][1], len(r)) for (_, word), r in zip(kinds, rows, strict=True)])
    when = office(days.day[row], world.opens(world.staff.seats.unit[days.seat[row]]), rng.random(len(row)))
    return _acts(kind, when, days.person[row], minutes)


def _answers(world: World, rng: np.random.Generator, leads: Leads) -> Acts:
    """The machine's receipt at once, the first human answer, and attempts after it."""
    n = len(leads)
    number = leads.first + np.arange(n)
    receipt = np.flatnonzero(rng.random(n) < 0.5)
    first = np.flatnonzero(leads.answered != NULL)
    more = np.repeat(first, rng.integers(0, 4, len(first)))
    lead = np.concatenate([receipt, first, more])
    later = leads.answered[more] + rng.integers(1, 10, len(more)) * DAY
    weekend = ((later // DAY + 3) % 7) >= 5
    later = later + weekend * 2 * DAY
    when = np.concatenate([leads.created[receipt] + 60 * MICROS, leads.answered[first], later])
    human = np.repeat([False, True, True], [len(receipt), len(first), len(more)])
    kind = np.where(human & (rng.random(len(lead)) < 0.6), CALL, EMAIL_OUT)
    minutes = np.where(kind == CALL, _minutes(rng, 7, len(lead)), NULL)
    owner = leads.owner[lead]
    return _acts(kind, when, owner, minutes, lead=number[lead], automatic=~human)


def _engagement(world: World, folder: Folder, rng: np.random.Generator, leads: Leads) -> None:
    """Visits, opens, clicks and forms of leads: the more, the warmer."""
    n = len(leads)
    lead = np.repeat(np.arange(n), rng.poisson(2.2 * np.exp(0.55 * leads.behaviour), n))
    after = rng.exponential(6.0, len(lead)) - 1.5
    when = leads.created[lead] + (after * DAY).astype(np.int64) // MICROS * MICROS
    keep = np.flatnonzero((when <= world.span.closing) & (when >= world.span.first * DAY))
    lead, when = lead[keep], when[keep]
    kind = pick(rng, [0.42, 0.33, 0.18, 0.07], len(lead))
    pages = ("/pricing", "/product", "/blog/lab-data", "/demo", "/customers", "/newsletter")
    columns = {
        "at": instants(when),
        "kind": words(kind, ("visit", "open", "click", "form")),
        "contact": same(None, len(lead)),
        "lead": ids("lead", leads.first + lead),
        "account": same(None, len(lead)),
        "campaign": ids("campaign", leads.campaign[lead]),
        "url": words(np.where(kind == 1, -1, rng.integers(0, len(pages), len(lead))), pages),
    }
    if len(lead):
        numbered(folder, "engagement_event", columns)


def _time_reports(world: World, folder: Folder, rng: np.random.Generator, days: RepDays) -> None:
    """One day a month, everybody says how the day went (and rounds)."""
    key = days.person * 10_000 + months(days.day)
    chosen = np.unique(key, return_index=True)[1]
    chosen = chosen[rng.random(len(chosen)) < 0.8]
    shares = np.array([0.34, 0.14, 0.18, 0.14, 0.12, 0.08])
    row, category = runs(np.full(len(chosen), len(shares)))
    minutes = np.rint(480 * shares[category] * rng.uniform(0.6, 1.4, len(row)) / 15).astype(np.int64) * 15
    at = days.day[chosen[row]] * DAY + 17 * 3600 * MICROS
    columns = {
        "at": instants(at),
        "person": ids("person", days.person[chosen[row]]),
        "category": words(category, ("selling", "outreach", "admin", "crm_entry", "internal", "travel")),
        "minutes": integers(minutes),
    }
    if len(row):
        numbered(folder, "time_report", columns)


def calendar_of_work(world: World, off: tuple[Ints, Ints, Ints, Ints]) -> Flags | None:
    """Who works on which day, where activities need it."""
    if world.p.activities != "full":
        return None
    return people.available(world.p, world.span, world.staff, off, world.closed)
