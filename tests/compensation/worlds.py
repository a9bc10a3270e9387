"""Random companies for the set-oriented calculation: tables in, plans, and what the plain modules make of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa

from salesops.common.expressions import FieldType
from salesops.common.periods import FiscalCalendar
from salesops.compensation import crediting, interpret, quotas, rates
from salesops.compensation.facts import Payee, Sum
from salesops.compensation.plan import (
    HOUSE,
    ROLLUP,
    Band,
    Cap,
    CreditRule,
    Curve,
    CurvePoint,
    Days,
    Flat,
    Gate,
    GateComponent,
    Measure,
    OfTarget,
    Per,
    Plan,
    Point,
    Quota,
    Step,
    StepBonus,
    Target,
    Tiered,
    UnitBand,
    UnitRate,
    Windfall,
)  # fmt: skip

CALENDAR = FiscalCalendar()
SCHEMA = {"deal.acv": FieldType("money"), "deal.units": FieldType("count"), "deal.type": FieldType("text")}
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
DAY = timedelta(days=1)


@dataclass
class World:
    """The rows of every table in, as tuples in the order of the columns below."""

    deal_line: list[tuple[Any, ...]] = field(default_factory=list)
    claim: list[tuple[Any, ...]] = field(default_factory=list)
    closure: list[tuple[Any, ...]] = field(default_factory=list)
    assignment: list[tuple[Any, ...]] = field(default_factory=list)
    absence: list[tuple[Any, ...]] = field(default_factory=list)
    quota: list[tuple[Any, ...]] = field(default_factory=list)

    def tables(self, order: random.Random | None = None) -> dict[str, pa.Table]:
        """The rows as Arrow tables, in a random order if one is given."""
        found = {}
        for name, columns in COLUMNS.items():
            rows = list(getattr(self, name))
            if order is not None:
                order.shuffle(rows)
            schema = pa.schema(columns)
            arrays = [pa.array([row[n] for row in rows], kind) for n, (_, kind) in enumerate(columns)]
            found[name] = pa.Table.from_arrays(arrays, schema=schema)
        return found


_TEXT, _DAY, _INT, _SMALL = pa.string(), pa.date32(), pa.int64(), pa.int32()
COLUMNS = {
    "deal_line": [("deal", _TEXT), ("line", _TEXT), ("kind", _TEXT), ("reverses", _TEXT), ("credited_on", _DAY), ("booked_at", _INT),
                  ("currency", _TEXT), ("deal.acv", _INT), ("deal.units", _INT), ("deal.type", _TEXT)],
    "claim": [("deal", _TEXT), ("line", _TEXT), ("credit_type", _TEXT), ("source", _TEXT), ("rule", _TEXT), ("payee", _TEXT), ("num", _INT),
              ("den", _INT), ("priority", _SMALL)],
    "closure": [("ancestor", _TEXT), ("person", _TEXT), ("depth", _SMALL), ("valid_from", _DAY), ("valid_to", _DAY)],
    "assignment": [("payee", _TEXT), ("plan", _TEXT), ("valid_from", _DAY), ("valid_to", _DAY), ("hired_on", _DAY), ("left_on", _DAY),
                   ("ramp_from", _DAY), ("pay_currency", _TEXT), ("region", _TEXT), ("level_weight_ppm", _INT)],
    "absence": [("payee", _TEXT), ("valid_from", _DAY), ("valid_to", _DAY)],
    "quota": [("payee", _TEXT), ("quota", _TEXT), ("valid_from", _DAY), ("valid_to", _DAY), ("cents", _INT)],
}  # fmt: skip

REPS, LEADS, HEADS = ("ada", "bo", "cy", "dee"), ("lea", "leo"), ("vic",)


def world(seed: int, deals: int = 40) -> World:
    """A small company of one year: splits, overlays, overrides, reversals, changes of manager, people who join and leave."""
    r = random.Random(seed)
    found = World()
    for n in range(deals):
        _deal(r, found, f"D{r.randrange(10**6):06}-{n}")
    _people(r, found)
    return found


def _deal(r: random.Random, found: World, deal: str) -> None:
    day = FIRST + r.randrange(365) * DAY
    kind = r.choice(("new", "new", "expansion", "renewal"))
    amounts = [
        r.choice((r.randrange(1, 10**9), r.randrange(1, 2_000) * 10_000, 700_000_000))
        for _ in range(r.choice((1, 1, 1, 2)))
    ]
    for n, amount in enumerate(amounts, 1):
        booked = r.choice((None, r.randrange(10)))
        units = r.randrange(0, 9)
        found.deal_line.append((deal, f"L{n}", "booked", None, day, booked, "USD", amount, units, kind))
        if r.random() < 0.2:
            later = min(day + r.randrange(60) * DAY, LAST)
            found.deal_line.append((deal, f"R{n}", "cancelled", f"L{n}", later, booked, "USD", -amount, -units, kind))
    if r.random() < 0.05:
        return  # nobody is credited
    owner = r.choice(REPS)
    found.claim.append((deal, None, "primary", "owner", "owner", owner, 1, 1, 0))
    roll = r.random()
    if roll < 0.4:
        parts = r.choice(([600_000, 400_000], [333_333, 333_333, 333_334], [250_000, 750_000], [500_000, 490_000]))
        for payee, part in zip(r.sample(REPS, len(parts)), parts, strict=True):
            found.claim.append((deal, None, "primary", "split", "split", payee, part, 1_000_000, 0))
    elif roll < 0.5:
        for payee, num, den in zip(r.sample(REPS, 3), (1, 1, 5), (7, 2, 14), strict=True):
            found.claim.append((deal, None, "primary", "split", "sevenths", payee, num, den, 0))
    elif roll < 0.6:
        found.claim.append((deal, "L1", "primary", "override", "by hand", r.choice(REPS), 1, 1, 0))
    if r.random() < 0.3:
        for payee in r.sample(REPS, r.choice((1, 2))):
            share = r.choice((500_000, 333_333, 1_000_000))
            found.claim.append((deal, None, "overlay", "owner", "overlay", payee, share, 1_000_000, 0))


def edited(r: random.Random, world: World, count: int, quotas: bool = True) -> tuple[list[str], list[str]]:
    """Change, remove and add deals, and perhaps one quota; give the deals and payees that are changed."""
    deals = sorted({row[0] for row in world.deal_line})
    changed = r.sample(deals, count)
    for place, deal in enumerate(changed):
        if place % 3 == 0:  # another amount
            world.deal_line = [(*row[:7], row[7] * 2, *row[8:]) if row[0] == deal else row for row in world.deal_line]
        elif place % 3 == 1:  # another owner
            world.claim = [
                (*row[:5], r.choice(REPS), *row[6:]) if row[0] == deal and row[3] == "owner" else row
                for row in world.claim
            ]
        else:  # gone
            world.deal_line = [row for row in world.deal_line if row[0] != deal]
            world.claim = [row for row in world.claim if row[0] != deal]
    _deal(r, world, fresh := f"N{r.randrange(10**6)}")
    if not quotas:
        return [*changed, fresh], []
    payee = r.choice((*REPS, *LEADS))
    world.quota = [(*row[:4], row[4] + 1_000) if row[0] == payee else row for row in world.quota]
    return [*changed, fresh], [payee]


def _people(r: random.Random, found: World) -> None:
    far = None
    for rep in REPS:
        change = FIRST + r.randrange(1, 364) * DAY
        first, second = r.choice(LEADS), r.choice(LEADS)
        found.closure += [
            (first, rep, 1, date(2020, 1, 1), change),
            (second, rep, 1, change, far),
            (rep, rep, 0, date(2020, 1, 1), far),
        ]
        found.closure.append((HEADS[0], rep, 2, date(2020, 1, 1), far))
    for lead in LEADS:
        found.closure += [(HEADS[0], lead, 1, date(2020, 1, 1), far), (lead, lead, 0, date(2020, 1, 1), far)]
    found.closure.append((HEADS[0], HEADS[0], 0, date(2020, 1, 1), far))
    for name in (*REPS, *LEADS, *HEADS):
        hired = r.choice((date(2020, 1, 1), FIRST + r.randrange(200) * DAY))
        left = r.choice((None, None, LAST - r.randrange(100) * DAY))
        found.assignment.append((name, "p", date(2020, 1, 1), None, hired, left, None, "USD", None, 1_000_000))
        if r.random() < 0.3:
            start = FIRST + r.randrange(300) * DAY
            found.absence.append((name, start, start + r.randrange(1, 40) * DAY))
        base = r.randrange(10**6, 10**8)
        for measure in ("m", "team", "units"):
            found.quota.append((name, measure, FIRST, LAST + DAY, base if measure != "units" else 50))


# Plans ----------------------------------------------------------------------------------------------------------------


def plan(seed: int) -> Plan:
    """A random plan of the kinds that earn by credit."""
    r = random.Random(seed)
    measures = (
        Measure(name="m", credit=r.choice((("primary",), ("primary", "overlay"))), amount="deal.acv",
                where=r.choice((None, "deal.type in ('new', 'expansion')"))),
        Measure(name="team", credit=("rollup",), amount="deal.acv", levels=r.choice(("1", "2", "all")),  # type: ignore[arg-type]
                include_self=r.random() < 0.3, exclude_own_direct=r.random() < 0.2, of=r.choice((("primary",), ("primary", "overlay")))),
        Measure(name="units", amount="deal.units", unit="count"),
    )  # fmt: skip
    quotas_ = tuple(
        Quota(of=one, window="year", amount=r.choice((None, None, 5_000_000)) if one != "units" else 60,
              proration=r.choice(("calendar_days", "whole_months", "none")),
              seasonality=r.choice(((), (200_000, 250_000, 250_000, 300_000))), ramp=r.choice(((), (), (250_000, 500_000, 1_000_000))),
              relief=r.choice(("quota", "none")), breakpoints=r.choice(("to_date", "full")))
        for one in ("m", "team", "units")
    )  # fmt: skip
    return Plan(
        plan="p", effective=Days(FIRST, LAST + DAY), currency=r.choice(("USD", "USD", "USD")), pay_period=r.choice(("month", "quarter")), measures=measures,
        crediting=(CreditRule(type="overlay", max_total=r.choice((None, 1_000_000))),), quotas=quotas_,
        target_incentive=Target(amount=Per(r.randrange(10**5, 10**7), "year"), proration=r.choice(("calendar_days", "none"))),
        windfall=r.choice((None, None, Windfall(measure="m", above=3_000_000, count=r.choice((250_000, 0, 333_333))))),
        cap=_cap(r, ("period",)),
        components=(*(_component(r, n) for n in range(r.choice((1, 2, 3)))), *_gates(r)),
    )  # fmt: skip


def _component(r: random.Random, n: int) -> Any:
    common = {
        "id": f"c{n}", "measure": r.choice(("m", "m", "team", "units")), "window": r.choice((None, "quarter", "year")),
        "accumulate": r.choice(("period", "ytd")), "zero_quota": r.choice(("error", "full", "none")),
    }  # fmt: skip
    common["cap"] = _cap(r)
    common["gate"] = _gate(r, ("c0", "m") if n else ("m", "team")) if r.random() < 0.25 else None
    gate, deductible = r.choice(((None, None), (None, None), (_point(r), None), (None, _point(r))))
    kind = r.choice(("flat", "tiered", "tiered", "retroactive", "curve", "step", "unit"))
    if kind == "flat":
        return Flat(**common, rate=r.randrange(0, 200_001), gate_at=gate, deductible=deductible)
    if kind in ("tiered", "retroactive"):
        edges = sorted(r.sample(range(0, 1_600_000, 100_000), r.choice((1, 2, 3))))
        tos = [Point(attainment=edge) if r.random() < 0.99 else Point(amount=edge) for edge in edges]
        bands = tuple(Band(to=to, rate=r.randrange(0, 200_000)) for to in [*tos, None])
        mode = "retroactive" if kind == "retroactive" else "marginal"
        return Tiered(**common, bands=bands, mode=mode, gate_at=gate, deductible=deductible)  # type: ignore[arg-type]
    if kind == "curve":
        places = sorted(r.sample(range(0, 2_000_000, 50_000), 3))
        common["cap"] = _cap(r, ("window", "deal"))
        return Curve(
            **common,
            points=tuple(CurvePoint(x, r.randrange(0, 2_000_000)) for x in places),
            weight=r.choice((None, 600_000)),
        )
    if kind == "step":
        places = sorted(r.sample(range(0, 2_000_000, 50_000), 2))
        common["cap"] = _cap(r, ("window", "deal"))
        return StepBonus(**common, steps=tuple(Step(at=Point(attainment=x), pay=r.randrange(0, 10**6)) for x in places))
    return UnitRate(
        **{**common, "measure": "units"},
        bands=(UnitBand(to=5, pay=r.randrange(1, 5_000)), UnitBand(pay=r.randrange(1, 5_000))),
    )


def _gates(r: random.Random) -> tuple[GateComponent, ...]:
    return (GateComponent(id="gate", applies_to=("c0",), when=_gate(r)),) if r.random() < 0.25 else ()


def _gate(r: random.Random, refs: tuple[str, ...] = ("m", "team")) -> Gate:
    of = r.choice(("attainment", "amount"))
    at = r.randrange(0, 1_000_000, 100_000) if of == "attainment" else r.randrange(0, 10**7)
    return Gate(ref=r.choice(refs), of=of, op=r.choice((">=", ">", "<", "<=")), at=at)  # type: ignore[arg-type]


def _cap(r: random.Random, scopes: tuple[str, ...] = ("window", "period", "year", "deal")) -> Cap | None:
    above = r.choice((r.randrange(10**4, 10**6), OfTarget(r.randrange(0, 3_000_000))))
    kind, scope = r.choice(("hard", "soft")), r.choice(scopes)
    return r.choice((None, Cap(above=above, kind=kind, pay=r.choice((0, 333_333, 500_000)), scope=scope)))  # type: ignore[arg-type]


def _point(r: random.Random) -> Point:
    return Point(attainment=r.randrange(0, 1_200_000, 50_000))


# What the plain modules make of it --------------------------------------------------------------------------------------


def expected(plan: Plan, world: World) -> dict[str, interpret.Result]:
    """What the interpreter gives each payee, credit by credit."""
    credits = {measure.name: credited(plan, measure, world) for measure in plan.measures}
    found = {}
    for row in world.assignment:
        name, hired, left = row[0], row[4], row[5]
        away = tuple(Days(a[1], a[2]) for a in sorted(world.absence) if a[0] == name)
        service = quotas.Service(Days(max(row[2], hired), left), hired, away)
        own = {measure: [c for c in every if c.payee == name] for measure, every in credits.items()}
        bases = {q[1]: [Sum(Days(q[2], q[3]), q[4])] for q in world.quota if q[0] == name}
        found[name] = interpret.entitlement(plan, Payee(name, service, own, quotas=bases), CALENDAR, LAST)
    return found


def credited(plan: Plan, measure: Measure, world: World) -> list[crediting.Credit]:
    """The credits of a measure, of all payees, in their total order."""
    lines = [line for row in world.deal_line if (line := _line(measure, row)) is not None]
    claims = [crediting.Claim(c[0], c[2], c[3], c[4], c[5], Fraction(c[6], c[7]), c[1], c[8]) for c in world.claim]
    caps = {rule.type: (rule.cap_group, rule.max_total) for rule in plan.crediting if rule.max_total is not None}
    everything = [
        line for row in world.deal_line if (line := _line(Measure(name="x", amount="deal.acv"), row)) is not None
    ]
    days = {(one.deal, one.line): one.credited_on for one in everything}
    mirrored = {(one.deal, one.line): days[one.deal, one.reverses] for one in everything if one.reverses}
    direct = crediting.credit_lines(lines, claims, caps).credits
    found = [c for c in direct if c.credit_type in measure.credit]
    if ROLLUP in measure.credit:
        closure = [crediting.Line(k[0], k[1], k[2], Days(k[3], k[4])) for k in world.closure]
        found += crediting.roll_up(direct, closure, measure, mirrored)
    return sorted((c for c in found if c.payee != HOUSE), key=lambda c: c.order)


def _line(measure: Measure, row: tuple[Any, ...]) -> crediting.DealLine | None:
    if measure.where and row[9] not in ("new", "expansion"):
        return None
    amount = row[8] if measure.unit == "count" else rates.rounded(Fraction(row[7], 100))
    return crediting.DealLine(row[0], row[1], amount, row[4], row[5], row[3])
