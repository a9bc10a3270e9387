# ruff: noqa: C408
"""A warehouse made by hand: tiny readable rows become the tables of docs/internals.md in an in-memory DuckDB.

w = World(today="2024-06-30")
w.people("Ann", "Bob"); w.stages("New:10", "Demo:50:qualified")
w.deal("A", created="2024-01-05", owner="Ann", amount=100).on("2024-02-01", stage="Demo").won("2024-03-01")
session = w.session()
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa

from salesops.common.instants import start_of_day
from salesops.common.money import rate_to_int, to_ppm, to_units
from salesops.common.periods import CALENDAR_COLUMNS, FiscalCalendar, UnitCalendar

ALWAYS, FOREVER = date(1, 1, 1), date(9999, 12, 31)

TEXT, INT, DAY, FLAG = "VARCHAR", "BIGINT", "DATE", "BOOLEAN"
VERSIONED = {
    "opportunity": dict(
        name=TEXT, account=INT, owner=INT, pipeline=INT, stage=INT, amount=INT, currency=TEXT, expected_close=DAY,
        actual_close=DAY, type=TEXT, category=TEXT, source=TEXT, campaign=INT, next_step=TEXT, loss_reason=TEXT,
        competitor=TEXT, first_contact=DAY, probability_override=INT, business_unit=INT, territory=INT, segment=TEXT,
        region=TEXT, custom_tier=TEXT, status=TEXT, closed_on=DAY, value=INT, value_source=TEXT,
    ),
    "lead": dict(
        name=TEXT, owner=INT, status=TEXT, source=TEXT, campaign=INT, industry=TEXT, country=TEXT, business_unit=INT,
        converted_at=INT, converted_on=DAY, converted_opportunity=INT, converted_contact=INT, qualified_at=INT, qualified_on=DAY,
        created=INT,
    ),
    "account": dict(name=TEXT, owner=INT, industry=TEXT, segment=TEXT, region=TEXT, country=TEXT),
    "person": dict(name=TEXT, title=TEXT, region=TEXT, country=TEXT),
    "team": dict(name=TEXT),
    "territory": dict(name=TEXT),
    "campaign": dict(name=TEXT, paid=TEXT, channel=TEXT),
    "order": dict(number=TEXT, account=INT, opportunity=INT, owner=INT, ordered_on=DAY, amount=INT, currency=TEXT, status=TEXT,
                  segment=TEXT, region=TEXT, business_unit=INT),
    "order_line": {"order": INT, "product": INT, "quantity": INT, "price": INT, "discount": INT, "amount": INT, "cost": INT,
                   "profit": INT, "currency": TEXT},
    "invoice": dict(number=TEXT, kind=TEXT, account=INT, issued_on=DAY, amount=INT, currency=TEXT, status=TEXT),
    "business_unit": dict(name=TEXT, calendar=INT, country=TEXT, time_zone=TEXT),
    "product": dict(name=TEXT, line=TEXT, recurring=FLAG),
    "pipeline": dict(name=TEXT, kind=TEXT),
    "stage": dict(name=TEXT, pipeline=INT, position=INT, kind=TEXT, category=TEXT, probability=INT, pitch=FLAG, qualified=FLAG),
    "opportunity_line": dict(opportunity=INT, product=INT, quantity=INT, price=INT, amount=INT, discount=INT, currency=TEXT,
                             term_months=INT, recurring=FLAG),
    "target": dict(
        metric=TEXT, kind=TEXT, person=INT, team=INT, business_unit=INT, period=TEXT, starts_on=DAY, ends_on=DAY, amount=INT,
        currency=TEXT, number=INT, status=TEXT,
    ),
}  # fmt: skip
INTERVAL = {
    "reporting_line": dict(person=INT, manager=INT, kind=TEXT),
    "team_member": dict(team=INT, person=INT, role=TEXT),
    "territory_assignment": dict(territory=INT, account=INT),
    "opportunity_split": dict(opportunity=INT, person=INT, share=INT, kind=TEXT),
    "employment": dict(person=INT, role=TEXT, legal_entity=INT, fte=INT),
    "working_time": dict(calendar=INT, person=INT, monday=INT, tuesday=INT, wednesday=INT, thursday=INT, friday=INT, saturday=INT,
                         sunday=INT),
    "holiday": dict(calendar=INT, country=TEXT, name=TEXT),
    "absence": dict(person=INT, kind=TEXT),
    "subscription": dict(account=INT, product=INT, recurring_amount=INT, currency=TEXT, margin=INT),
}  # fmt: skip
EVENT = {
    "stage_event": dict(pipeline=INT, case_id=TEXT, opportunity=INT, activity=TEXT, stage=INT, lifecycle=TEXT, line=INT),
    "activity": dict(
        kind=TEXT, direction=TEXT, owner=INT, account=INT, contact=INT, lead=INT, opportunity=INT, minutes=INT, external=FLAG,
        automatic=FLAG, status=TEXT, booked_at=INT, booked_on=DAY, outcome=TEXT, visibility=TEXT, recorded_from=INT, assumed=FLAG,
    ),
    "cost": dict(function=TEXT, category=TEXT, campaign=INT, business_unit=INT, person=INT, month=DAY, amount=INT, currency=TEXT,
                 paid=FLAG),
    "payment": dict(account=INT, invoice=INT, amount=INT, currency=TEXT),
    "time_report": dict(person=INT, category=TEXT, minutes=INT),
    "forecast_call": dict(
        person=INT, scope=TEXT, starts_on=DAY, ends_on=DAY, category=TEXT, type=TEXT, amount=INT, currency=TEXT, due_on=DAY, made_by=INT,
        adjusts=INT, reason=TEXT, note=TEXT,
    ),
}  # fmt: skip
OTHER = {
    "stage_history": dict(
        opportunity=INT, visit=INT, stage=INT, kind=TEXT, position=INT, at=INT, day=DAY, next_stage=INT, next_kind=TEXT,
        next_position=INT, next_at=INT, next_day=DAY,
    ),
    "rate_day": dict(kind=TEXT, currency=TEXT, to_currency=TEXT, day=DAY, rate=INT),
    "reporting_closure": dict(ancestor=INT, person=INT, depth=INT, valid_from=DAY, valid_to=DAY),
    "undated": dict(entity=TEXT, id=INT),
    "source_system": dict(id=INT, entity=TEXT, system=TEXT, external_id=TEXT),
}  # fmt: skip


def d(text: str | date) -> date:
    """A day from text."""
    return text if isinstance(text, date) else date.fromisoformat(text)


def moment(text: str) -> int:
    """Microseconds since 1970 of `day` or `dayThh:mm`, UTC."""
    day, _, clock = text.partition("T")
    hours, _, minutes = clock.partition(":")
    return start_of_day(d(day), "UTC") + (int(hours or 0) * 60 + int(minutes or 0)) * 60_000_000


@dataclass
class Actor:
    """Who asks, in tests."""

    username: str = "owner"
    person: int | None = None
    sees_all: bool = True
    sees_pay: bool = True


BOSS = Actor()


@dataclass
class Session:
    """The warehouse session of the contract, over tables made by hand."""

    con: duckdb.DuckDBPyConnection
    manifest: Any
    calendar: FiscalCalendar
    generation: str = "gen-test"
    as_known_on: date | None = None
    asked: list[str] = field(default_factory=list)

    def query(self, sql: Any) -> pa.Table:
        text = sql if isinstance(sql, str) else sql.sql(dialect="duckdb")
        self.asked.append(text)
        return self.con.execute(text).to_arrow_table()


class Deal:
    """One opportunity and its evenings: every call to `on` sets fields from that day on."""

    def __init__(self, world: World, name: str, created: date, fields: dict[str, Any]) -> None:
        self.world, self.name, self.created = world, name, created
        self.id = world.ids("opportunity", name)
        self.steps: dict[date, dict[str, Any]] = {created: fields}

    def on(self, day: str | date, **fields: Any) -> Deal:
        self.steps.setdefault(d(day), {}).update(fields)
        return self

    def won(self, day: str | date, **fields: Any) -> Deal:
        return self.on(day, stage="Won", actual_close=d(day), **fields)

    def lost(self, day: str | date, **fields: Any) -> Deal:
        return self.on(day, stage="Lost", actual_close=d(day), **fields)

    def deleted(self, day: str | date) -> Deal:
        return self.on(day, deleted=True)


class World:
    """Rows of a small company; `session()` turns them into the tables of the contract."""

    def __init__(
        self, today: str = "2024-12-31", currency: str = "USD", calendar: FiscalCalendar | None = None
    ) -> None:
        self.today, self.currency = d(today), currency
        self.calendar = calendar or FiscalCalendar()
        self.names: dict[tuple[str, str], int] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.deals: dict[str, Deal] = {}
        self.leads: list[dict[str, Any]] = []
        self.stage_of: dict[str, dict[str, Any]] = {}
        self.first_rate = d("2023-01-01")
        self.calendars: list[UnitCalendar] = []
        self.stages("New:10", "Demo:50:qualified", "Offer:80")

    def ids(self, table: str, name: str | None) -> int | None:
        """The id of a name; ids follow the order in which names are first used."""
        if name is None:
            return None
        return self.names.setdefault((table, name), len(self.names) + 1)

    def add(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)

    def thing(self, table: str, name: str, **fields: Any) -> int:
        """A reference record that always was."""
        number = self.ids(table, name)
        assert number is not None
        self.add(
            table, id=number, name=name, day_from=ALWAYS, day_to=FOREVER, created_on=ALWAYS, deleted=False, **fields
        )
        return number

    def unit(self, name: str, calendar: FiscalCalendar | None = None) -> None:
        """A business unit, with a fiscal calendar of its own if one is given."""
        number = self.thing("business_unit", name)
        if calendar is not None:
            self.calendars.append(UnitCalendar(number, name, len(self.calendars) + 1, calendar))

    def people(self, *names: str, **fields: Any) -> None:
        for name in names:
            self.thing("person", name, **fields)

    def stages(self, *specs: str) -> None:
        """`name:probability%[:qualified][:pitch]` in order; Won and Lost are always there."""
        self.rows["stage"], self.rows["pipeline"] = [], []
        line = self.thing("pipeline", "Sales", kind="sales")
        for n, spec in enumerate([*specs, "Won:100", "Lost:0"]):
            name, probability, *flags = spec.split(":")
            kind = {"Won": "won", "Lost": "lost"}.get(name, "open")
            row = dict(pipeline=line, position=n + 1, kind=kind, probability=int(probability) * 10_000)
            self.thing("stage", name, qualified="qualified" in flags, pitch="pitch" in flags, **row)
            self.stage_of[name] = row

    def interval(
        self, table: str, from_: str | date | None = None, to: str | date | None = None, **fields: Any
    ) -> None:
        self.add(
            table, id=len(self.rows.get(table, [])) + 1, valid_from=d(from_) if from_ else ALWAYS,
            valid_to=d(to) if to else FOREVER, **fields,
        )  # fmt: skip

    def manages(self, manager: str, person: str, from_: str | None = None, to: str | None = None) -> None:
        self.interval(
            "reporting_line",
            from_,
            to,
            manager=self.ids("person", manager),
            person=self.ids("person", person),
            kind="line",
        )

    def member(self, team: str, person: str, from_: str | None = None, to: str | None = None) -> None:
        if ("team", team) not in self.names:
            self.thing("team", team)
        self.interval("team_member", from_, to, team=self.ids("team", team), person=self.ids("person", person))

    def split(self, deal: str, person: str, share: str, kind: str = "credit") -> None:
        self.interval(
            "opportunity_split", opportunity=self.ids("opportunity", deal), person=self.ids("person", person),
            share=to_ppm(share), kind=kind,
        )  # fmt: skip

    def quota(self, person: str | None, starts: str, ends: str, amount: int | None, **fields: Any) -> None:
        self.add(
            "target", id=len(self.rows.get("target", [])) + 1, day_from=ALWAYS, day_to=FOREVER, created_on=ALWAYS, deleted=False,
            **dict(dict(kind="quota", metric="bookings", status="published", person=self.ids("person", person),
                        starts_on=d(starts), ends_on=d(ends), amount=None if amount is None else to_units(amount), currency=self.currency),
                   **fields),
        )  # fmt: skip

    def rate(self, currency: str, from_: str, rate: str, kind: str = "spot", to: str = "") -> None:
        """The rate of a currency to another (default: the reporting currency) from a day on."""
        day, to = d(from_), to or self.currency
        self.rows["rate_day"] = [
            r
            for r in self.rows.get("rate_day", [])
            if not (r["currency"] == currency and r["to_currency"] == to and r["kind"] == kind and r["day"] >= day)
        ]
        while day <= self.today + timedelta(400):
            self.add("rate_day", kind=kind, currency=currency, to_currency=to, day=day, rate=rate_to_int(rate))
            day += timedelta(1)

    def deal(self, name: str, created: str | date, **fields: Any) -> Deal:
        defaults: dict[str, Any] = dict(stage="New", amount=100, expected_close=None)
        self.deals[name] = Deal(self, name, d(created), {**defaults, **fields})
        return self.deals[name]

    def line(self, deal: str, product: str, amount: int | str | None, line: str = "", **fields: Any) -> None:
        if ("product", product) not in self.names:
            self.thing("product", product, line=line or None)
        self.add(
            "opportunity_line", id=len(self.rows.get("opportunity_line", [])) + 1, day_from=ALWAYS, day_to=FOREVER,
            created_on=ALWAYS, deleted=False, opportunity=self.ids("opportunity", deal), product=self.ids("product", product),
            amount=None if amount is None else to_units(amount), **fields,
        )  # fmt: skip

    def lead(
        self, name: str, created: str, converted: str | None = None, deal: str | None = None, **fields: Any
    ) -> None:
        number, day = self.ids("lead", name), d(created.partition("T")[0])
        row = dict(
            fields, id=number, name=name, deleted=False, created_on=day, created=moment(created),
            owner=self.ids("person", fields.get("owner")),
        )  # fmt: skip
        if converted is None:
            self.add("lead", day_from=day, day_to=FOREVER, **row)
            return
        until = d(converted)
        if until > day:
            self.add("lead", day_from=day, day_to=until, **row)
        done = dict(
            converted_at=start_of_day(until, "UTC") + 1,
            converted_on=until,
            converted_opportunity=self.ids("opportunity", deal or name),
        )
        self.add("lead", day_from=until, day_to=FOREVER, **row, **done)

    def activity(self, deal: str | None, day: str, kind: str = "call", status: str = "held", **fields: Any) -> None:
        """Something that was done on a day, for a deal or not; `written` is the day on which it was recorded (default: the same)."""
        at, written = start_of_day(d(day), "UTC"), start_of_day(d(fields.pop("written", day)), "UTC")
        self.add(
            "activity", id=len(self.rows.get("activity", [])) + 1, on_day=d(day), at=at, recorded_from=written, assumed=False, kind=kind,
            status=status, **dict(dict(opportunity=self.ids("opportunity", deal), automatic=False, external=True), **fields),
        )  # fmt: skip

    def cost(self, month: str, amount: int | str, function: str = "sales", **fields: Any) -> None:
        """What was spent in the month that begins on a day."""
        day = d(month)
        self.add(
            "cost", id=len(self.rows.get("cost", [])) + 1, on_day=day, at=start_of_day(day, "UTC"), month=day,
            function=function, amount=to_units(amount), **dict(dict(currency=self.currency), **fields),
        )  # fmt: skip

    def job(
        self, person: str, from_: str | None = None, to: str | None = None, unit: str | None = None, **fields: Any
    ) -> None:
        """Employment of a person; `fte` is a share such as "0.5"."""
        if "fte" in fields:
            fields["fte"] = to_ppm(fields["fte"])
        self.interval(
            "employment", from_, to, person=self.ids("person", person), legal_entity=self.ids("business_unit", unit), **fields
        )  # fmt: skip

    def hours(self, minutes: int, days: int = 5, **of: Any) -> None:
        """Working time: the first `days` of the week, each so many minutes; of a calendar, a person or (neither) everybody."""
        names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        if "person" in of:
            of["person"] = self.ids("person", of["person"])
        self.interval("working_time", **of, **{name: minutes if n < days else 0 for n, name in enumerate(names)})

    def act(self, kind: str, when: str, owner: str | None, minutes: int | None = None, **fields: Any) -> None:
        """An activity at `day` or `dayThh:mm` (UTC), held unless its status says otherwise; `booked` is a day."""
        for name, table in (
            ("account", "account"),
            ("contact", "contact"),
            ("lead", "lead"),
            ("opportunity", "opportunity"),
        ):
            if isinstance(fields.get(name), str):
                fields[name] = self.ids(table, fields[name])
        if booked := fields.pop("booked", None):
            fields.update(booked_on=d(booked), booked_at=start_of_day(d(booked), "UTC") + 1)
        self.add(
            "activity", id=len(self.rows.get("activity", [])) + 1, at=moment(when), on_day=d(when.partition("T")[0]), kind=kind,
            owner=self.ids("person", owner), minutes=minutes, **{"status": "held", **fields},
        )  # fmt: skip

    def report(self, person: str, day: str, **minutes: int) -> None:
        """What a person says a day went into: minutes by category."""
        for category, spent in minutes.items():
            self.add(
                "time_report", id=len(self.rows.get("time_report", [])) + 1, at=moment(day), on_day=d(day),
                person=self.ids("person", person), category=category, minutes=spent,
            )  # fmt: skip

    def calls(self, person: str, day: str, starts: str, ends: str, amount: int, **fields: Any) -> None:
        """A person calls the commit of a period, in whole units."""
        who = self.ids("person", person)
        self.add(
            "forecast_call", id=len(self.rows.get("forecast_call", [])) + 1, at=moment(day), on_day=d(day),
            **{"person": who, "made_by": who, "scope": "own", "starts_on": d(starts), "ends_on": d(ends), "category": "commit",
               "amount": amount * 10_000, "currency": "USD", **fields},
        )  # fmt: skip

    def events(self, case: str, *steps: str, pipeline: str = "Log") -> None:
        """`day activity` each; a time of day may follow the day after a T."""
        if ("pipeline", pipeline) not in self.names:
            self.thing("pipeline", pipeline, kind="process")
        for step in steps:
            when, activity = step.split(" ", 1)
            day, _, hours = when.partition("T")
            self.add(
                "stage_event", id=len(self.rows.get("stage_event", [])) + 1, on_day=d(day), case_id=case, activity=activity,
                at=start_of_day(d(day), "UTC") + int(float(hours or 0) * 3_600_000_000),
                pipeline=self.ids("pipeline", pipeline),
            )  # fmt: skip

    def account(self, name: str | None, **fields: Any) -> int | None:
        """The id of an account, which is made when it is named first."""
        if name is not None and ("account", name) not in self.names:
            self.thing("account", name, **fields)
        return self.ids("account", name)

    def subscribes(self, account: str | None, from_: str | None, to: str | None, amount: int | str | None, margin: str | None = None,
                   product: str | None = None, **fields: Any) -> None:  # fmt: skip
        """A customer pays this a month from a day on, up to (not including) another."""
        if product is not None and ("product", product) not in self.names:
            self.thing("product", product, line=fields.pop("line", None))
        self.interval(
            "subscription", from_, to, account=self.account(account), product=self.ids("product", product),
            recurring_amount=None if amount is None else to_units(amount), margin=None if margin is None else to_ppm(margin), **fields,
        )  # fmt: skip

    def dated(self, table: str, day: str, amount: int | str | None, **fields: Any) -> int:
        """A record of the day on which it came into being: an order, an order line, an invoice."""
        number = len(self.rows.get(table, [])) + 1
        self.add(
            table, id=number, number=f"{table} {number}", day_from=d(day), day_to=FOREVER, created_on=d(day), deleted=False,
            amount=None if amount is None else to_units(amount), **fields,
        )  # fmt: skip
        return number

    def order(self, account: str | None, day: str, amount: int | str | None, **fields: Any) -> int:
        fields["owner"] = self.ids("person", fields.get("owner"))
        return self.dated("order", day, amount, account=self.account(account), ordered_on=d(day), **fields)

    def order_line(self, order: int, day: str, product: str, amount: int | str | None, **fields: Any) -> None:
        if ("product", product) not in self.names:
            self.thing("product", product, line=fields.pop("line", None))
        money = {name: to_units(fields.pop(name)) for name in ("cost", "profit", "price") if name in fields}
        self.dated("order_line", day, amount, order=order, product=self.ids("product", product), **money, **fields)

    def invoice(self, account: str, day: str, amount: int | str, **fields: Any) -> int:
        return self.dated("invoice", day, amount, account=self.account(account), issued_on=d(day), **fields)

    def happens(self, table: str, day: str, amount: int | str | None, **fields: Any) -> None:
        """An event with an amount: a payment, a cost."""
        self.add(
            table, id=len(self.rows.get(table, [])) + 1, on_day=d(day), at=start_of_day(d(day), "UTC"),
            amount=None if amount is None else to_units(amount), **fields,
        )  # fmt: skip

    # Tables ---------------------------------------------------------------------------------------------------------------

    def _versions(self, deal: Deal) -> None:
        state: dict[str, Any] = dict(deleted=False, actual_close=None)
        days = sorted(deal.steps)
        visits: list[dict[str, Any]] = []
        last_value = None
        for n, day in enumerate(days):
            step = dict(deal.steps[day])
            state.update(step)
            stage = self.stage_of[state["stage"]]
            if not visits or visits[-1]["stage"] != self.ids("stage", state["stage"]):
                visits.append(
                    dict(opportunity=deal.id, visit=len(visits) + 1, stage=self.ids("stage", state["stage"]), day=day,
                         kind=stage["kind"], position=stage["position"], at=start_of_day(day, "UTC"))
                )  # fmt: skip
            amount = None if state["amount"] is None else to_units(state["amount"])
            if stage["kind"] == "lost" and amount == 0:
                value = last_value
            else:
                value = amount if amount is not None else last_value
            last_value = value
            closed = stage["kind"] != "open"
            entered = next((v["day"] for v in reversed(visits) if v["kind"] != "open"), None)
            row = {k: v for k, v in state.items() if k in VERSIONED["opportunity"] or k == "deleted"}
            for key, table in (("owner", "person"), ("account", "account"), ("campaign", "campaign"), ("territory", "territory"),
                               ("business_unit", "business_unit")):  # fmt: skip
                if isinstance(row.get(key), str):
                    row[key] = self.ids(table, row[key])
            for key in ("expected_close", "first_contact"):
                row[key] = d(row[key]) if row.get(key) else None
            if row.get("probability_override") is not None:
                row["probability_override"] = to_ppm(row["probability_override"])
            row.update(
                id=deal.id, name=deal.name, day_from=day, day_to=days[n + 1] if n + 1 < len(days) else FOREVER,
                created_on=deal.created, stage=self.ids("stage", state["stage"]), pipeline=self.ids("pipeline", "Sales"),
                amount=amount, value=value, currency=state.get("currency") or self.currency, status=stage["kind"],
                closed_on=(state["actual_close"] or entered) if closed else None,
                actual_close=state["actual_close"] if closed else None,
            )  # fmt: skip
            self.add("opportunity", **row)
        for one, after in zip(visits, [*visits[1:], None], strict=True):
            if after is not None:
                one.update({f"next_{k}": after[k] for k in ("stage", "kind", "position", "at", "day")})
            self.add("stage_history", **one)

    def _closure(self) -> None:
        lines = [r for r in self.rows.get("reporting_line", []) if r.get("kind") in (None, "line")]
        seen = []
        todo = [(r["id"], r["id"], 0, ALWAYS, FOREVER) for r in self.rows.get("person", [])]
        while todo:
            ancestor, person, depth, start, end = todo.pop()
            seen.append(dict(ancestor=ancestor, person=person, depth=depth, valid_from=start, valid_to=end))
            for r in lines:
                a, b = max(start, r["valid_from"]), min(end, r["valid_to"])
                if r["manager"] == person and a < b and depth < 10:
                    todo.append((ancestor, r["person"], depth + 1, a, b))
        self.rows["reporting_closure"] = seen

    def session(self) -> Session:
        """The tables, in a DuckDB of their own."""
        self.rows["opportunity"], self.rows["stage_history"] = [], []
        for deal in self.deals.values():
            self._versions(deal)
        self._closure()
        con = duckdb.connect()
        version = dict(id=INT, day_from=DAY, day_to=DAY, deleted=FLAG, created_on=DAY)
        interval = dict(id=INT, valid_from=DAY, valid_to=DAY)
        shapes = {name: {**version, **fields} for name, fields in VERSIONED.items()}
        shapes |= {name: {**interval, **fields} for name, fields in INTERVAL.items()}
        shapes |= {name: {**dict(id=INT, at=INT, on_day=DAY), **fields} for name, fields in EVENT.items()}
        shapes |= OTHER
        for name, columns in shapes.items():
            fill(con, name, columns, self.rows.get(name, []))
        calendar = self.calendar.calendar_rows(d("2015-01-01"), d("2026-12-31"))
        table = pa.table({n: list(v) for n, v in zip(CALENDAR_COLUMNS, zip(*calendar, strict=True), strict=True)})
        con.register("calendar_day", table)
        for own in self.calendars:
            days = zip(*own.calendar.calendar_rows(d("2015-01-01"), d("2026-12-31")), strict=True)
            table = pa.table({n: list(v) for n, v in zip(CALENDAR_COLUMNS, days, strict=True)})
            con.register("own_days", table)
            rows = f"SELECT {own.number}::BIGINT AS calendar, * FROM own_days"
            con.execute(
                f"{'CREATE TABLE unit_calendar_day AS' if own.number == 1 else 'INSERT INTO unit_calendar_day'} {rows}"
            )
        used = {r.get("currency") for r in self.rows["opportunity"]} - {None}
        money = ("order", "order_line", "invoice", "payment", "subscription", "cost")
        manifest = SimpleNamespace(
            reporting_currency=self.currency, time_zone="UTC", today=self.today, calendars=tuple(self.calendars),
            rows={name: len(self.rows.get(name, [])) for name in shapes},
            currencies={"opportunity": sorted(used),
                        **{name: sorted({r.get("currency") or self.currency for r in self.rows.get(name, [])}) for name in money},
                        "opportunity_line": sorted({r.get("currency") for r in self.rows.get("opportunity_line", [])} - {None}),
                        "target": sorted({r.get("currency") for r in self.rows.get("target", [])} - {None})},
        )  # fmt: skip
        return Session(con, manifest, self.calendar)


_ARROW = {TEXT: pa.string(), INT: pa.int64(), DAY: pa.date32(), FLAG: pa.bool_()}


def fill(con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    """A table of these rows; what a row does not say is null."""
    arrays = [pa.array([row.get(column) for row in rows], _ARROW[kind]) for column, kind in columns.items()]
    con.register("incoming", pa.table(arrays, names=list(columns)))
    con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')
    con.unregister("incoming")
