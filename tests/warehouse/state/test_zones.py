"""A unit's own time zone: days on both sides of midnight, and the same answers from every way to a warehouse.

The workspace is in Warsaw (UTC+1 in winter). Unit 1 is in New York (UTC-5, six hours behind), unit 2 in Auckland (UTC+13, twelve
ahead), unit 3 has no zone of its own.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.warehouse.state.test_known import SETTINGS
from tests.warehouse.state.world import DAYS, ZONE, Fact, World, at, day

from salesops.common.instants import end_of_day, from_us, to_us

NEW_YORK, AUCKLAND, PLAIN = 1, 2, 3
ZONES = {NEW_YORK: "America/New_York", AUCKLAND: "Pacific/Auckland", PLAIN: None}
STAGE_DAYS = "SELECT stage, day FROM stage_history WHERE opportunity = {} ORDER BY visit"


def unit(number: int, zone: str | None) -> None:
    """A unit's current row, as every way of writing leaves it."""
    from salesops.records.models import BusinessUnit

    BusinessUnit.objects.update_or_create(id=number, defaults={"name": f"Unit {number}", "time_zone": zone})


@pytest.fixture
def company(world: World) -> World:
    """Four stages and three units."""
    world.stages()
    for number, zone in ZONES.items():
        unit(number, zone)
    return world


def moment(local: str, zone: str = "Europe/Warsaw") -> int:
    return to_us(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)))


def deal(world: World, record: int, local: str, known: int | None = None, **values: Any) -> None:
    """A deal described at a Warsaw time, known the same moment."""
    when = moment(local)
    world.write([Fact("opportunity", record, "*", {"name": "A", "stage": 1, **values}, when, known or when)])


def move(world: World, record: int, local: str, **values: Any) -> None:
    when = moment(local)
    world.write([Fact("opportunity", record, n, v, when, when, k) for k, (n, v) in enumerate(values.items())], "edit")


def test_a_day_ends_at_the_units_midnight(company: World) -> None:
    for record, number in ((1, NEW_YORK), (2, AUCKLAND), (3, PLAIN), (4, None)):
        deal(company, record, "2024-02-06 09:30", business_unit=number)
        move(company, record, "2024-02-15 05:59", stage=2)  # 14 February 23:59 in New York
        move(company, record, "2024-02-16 06:01", stage=1)  # 16 February 00:01
        move(company, record, "2024-02-20 11:59", stage=2)  # 20 February 23:59 in Auckland
        move(company, record, "2024-02-21 12:01", stage=3)  # 22 February 00:01
    company.refresh()
    west, east, plain, none = (company.ask(STAGE_DAYS.format(n)) for n in (1, 2, 3, 4))
    days = {name: [d.day for _, d in found] for name, found in (("west", west), ("east", east), ("plain", plain))}
    assert days == {"west": [6, 14, 16, 20, 21], "east": [6, 15, 16, 20, 22], "plain": [6, 15, 16, 20, 21]}
    assert none == plain
    closed = company.ask("SELECT id, closed_on, day_from FROM opportunity WHERE status = 'won' ORDER BY id")
    assert [(n, c.day, d.day) for n, c, d in closed] == [(1, 21, 21), (2, 22, 22), (3, 21, 21), (4, 21, 21)]


def test_a_record_is_created_on_its_units_day(company: World) -> None:
    deal(company, 1, "2024-03-01 02:00", business_unit=NEW_YORK)  # 29 February 20:00
    deal(company, 2, "2024-03-01 14:00", business_unit=AUCKLAND)  # 2 March 02:00
    deal(company, 3, "2024-03-01 02:00")
    company.refresh()
    assert company.ask("SELECT id, created_on, day_from FROM opportunity ORDER BY id") == [
        (1, day("2024-02-29"), day("2024-02-29")),
        (2, day("2024-03-02"), day("2024-03-02")),
        (3, day("2024-03-01"), day("2024-03-01")),
    ]


def test_a_date_without_a_time_is_that_date_everywhere(company: World) -> None:
    """An import writes a mere date as the workspace's midnight. What follows within hours falls on no earlier day."""
    deal(company, 1, "2024-03-01 00:00", business_unit=NEW_YORK)
    move(company, 1, "2024-03-01 02:00", stage=2)
    move(company, 1, "2024-03-03 00:00", stage=3)
    company.refresh()
    assert [(s, d.day) for s, d in company.ask(STAGE_DAYS.format(1))] == [(1, 1), (2, 1), (3, 3)]


def test_a_lead_is_converted_on_its_units_day(company: World) -> None:
    """20:00 on 29 February in New York: a conversion of February there, of March in Warsaw."""
    from salesops.metrics.query import query
    from salesops.records.access import Actor
    from salesops.warehouse import open_session

    when = moment("2024-03-01 02:00")
    for record, number in ((1, NEW_YORK), (2, None)):
        made = {"name": f"L{record}", "business_unit": number}
        done = {"converted_at": when, "converted_opportunity": 9}
        company.write([Fact("lead", record, "*", made, at("2024-02-05"), at("2024-02-05"))])
        company.write([Fact("lead", record, "*", done, when, when)])
    company.refresh()
    assert company.ask("SELECT id, converted_on, day_from FROM lead WHERE converted_at > 0 ORDER BY id") == [
        (1, day("2024-02-29"), day("2024-02-29")),
        (2, day("2024-03-01"), day("2024-03-01")),
    ]
    with open_session(company.ws) as session:
        for as_of, rate in (("2024-02-28", 0.0), ("2024-02-29", 0.5), ("2024-03-01", 1.0)):
            found = query(session, Actor("boss", frozenset({"owner"}), None), "lead_conversion", as_of=as_of)
            assert found.value() == rate, as_of


def test_an_event_falls_on_its_units_day(company: World) -> None:
    for record, number in ((1, NEW_YORK), (2, AUCKLAND), (3, PLAIN), (4, None)):
        company.row("cost", record, at=moment("2024-03-01 02:00"), business_unit=number, amount=1, recorded_from=0)
    company.refresh()
    days = [d.isoformat() for (d,) in company.ask("SELECT on_day FROM cost ORDER BY id")]
    assert days == ["2024-02-29", "2024-03-01", "2024-03-01", "2024-03-01"]


def test_a_deal_that_changes_unit_keeps_the_days_that_it_had(company: World) -> None:
    deal(company, 1, "2024-03-01 02:00", business_unit=NEW_YORK)  # 29 February there
    move(company, 1, "2024-03-05 02:00", stage=2)  # 4 March there
    company.refresh(full=True)
    move(company, 1, "2024-03-10 09:00", business_unit=PLAIN)
    move(company, 1, "2024-03-12 02:00", stage=3)  # 12 March in Warsaw
    assert company.refresh().kind == "incremental"
    assert [d.isoformat() for _, d in company.ask(STAGE_DAYS.format(1))] == ["2024-02-29", "2024-03-04", "2024-03-12"]


def test_the_unit_said_at_a_moment_counts_for_all_of_that_moment(company: World) -> None:
    """A history says one field a row: the first rows of a deal do not stand in another zone than its unit's."""
    when = moment("2024-03-01 02:00")
    rows = [("stage", 1), ("name", "A"), ("business_unit", NEW_YORK)]
    company.write(Fact("opportunity", 1, n, v, when, when, k) for k, (n, v) in enumerate(rows))
    company.refresh()
    assert company.ask("SELECT day_from, created_on FROM opportunity") == [(day("2024-02-29"), day("2024-02-29"))]


def test_a_unit_that_was_emptied_is_no_unit(company: World) -> None:
    deal(company, 1, "2024-03-01 02:00", business_unit=NEW_YORK)
    move(company, 1, "2024-03-05 02:00", business_unit=None, stage=2)
    company.refresh()
    assert [d.isoformat() for _, d in company.ask(STAGE_DAYS.format(1))] == ["2024-02-29", "2024-03-05"]


def test_another_zone_of_a_unit_makes_all_days_anew(company: World) -> None:
    deal(company, 1, "2024-03-01 02:00", business_unit=NEW_YORK)
    company.refresh()
    unit(NEW_YORK, "Europe/Warsaw")
    assert company.refresh().kind == "full"
    assert company.ask("SELECT created_on FROM opportunity") == [(day("2024-03-01"),)]
    unit(NEW_YORK, "Mars/Olympus")  # a zone that nobody knows is none
    assert company.refresh().kind == "unchanged"


def test_an_evening_in_the_west_is_known_when_the_workspace_knew_it(company: World) -> None:
    """20:00 on 29 February in New York is 1 March in Warsaw: true on 29 February, and not yet known on that day."""
    deal(company, 1, "2024-02-20 12:00", business_unit=NEW_YORK)
    move(company, 1, "2024-03-01 02:00", stage=3)
    company.refresh()
    won = "SELECT day_from FROM opportunity WHERE status = 'won'"
    assert company.ask(won) == [(day("2024-02-29"),)]
    assert company.ask(won, known=day("2024-02-29")) == []
    assert company.ask(won, known=day("2024-03-01")) == [(day("2024-02-29"),)]


def test_without_an_own_zone_nothing_is_joined(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company of one zone runs the same SQL whether it has units or not."""
    from salesops.warehouse import zones

    def refused(*_: Any) -> None:
        raise AssertionError("a company of one zone needs none of this")

    monkeypatch.setattr(zones, "place", refused)
    world.stages()
    unit(PLAIN, None)
    unit(4, "Europe/Warsaw")
    deal(world, 1, "2024-03-01 02:00", business_unit=4)
    world.refresh()
    assert world.ask("SELECT created_on FROM opportunity") == [(day("2024-03-01"),)]


# The plain reading, and every way to a warehouse ------------------------------------------------------------------------


@st.composite
def histories(draw: Any) -> list[Fact]:
    """Deals that change stage, amount and unit at odd hours; some of it learned late."""
    found = []
    for _ in range(draw(st.integers(5, 40))):
        effective = at(draw(st.sampled_from(DAYS[:8])), draw(st.sampled_from([0, 3, 5, 9, 13, 23])))
        recorded = effective + draw(st.sampled_from([0, 0, 0, 1, 30])) * 3_600_000_000
        fields = {"stage": draw(st.integers(1, 4)), "amount": draw(st.integers(1, 9))}
        if draw(st.booleans()):
            fields["business_unit"] = draw(st.sampled_from([NEW_YORK, AUCKLAND, PLAIN, None]))
        whole = draw(st.booleans())
        name = "*" if whole else draw(st.sampled_from(sorted(fields)))
        value = fields if whole else fields[name]
        found.append(Fact("opportunity", draw(st.integers(1, 4)), name, value, effective, recorded, len(found)))
    return found


def said(fact: Fact) -> dict[str, Any]:
    """The fields that a fact speaks of."""
    return fact.value if fact.field == "*" else {fact.field: fact.value}


def days_of(found: list[Fact]) -> list[tuple[Fact, date]]:
    """The facts of one record in order, each with its day, one after the other."""
    ordered = sorted(found, key=lambda f: (f.effective, f.recorded, f.seq))
    days: list[tuple[Fact, date]] = []
    for fact in ordered:
        units = [
            said(f)["business_unit"] for f in ordered if f.effective <= fact.effective and "business_unit" in said(f)
        ]  # type: ignore[operator]
        there = from_us(fact.effective or 0).astimezone(ZONE)
        if units and ZONES.get(units[-1]) and (there.hour, there.minute) != (0, 0):
            there = there.astimezone(ZoneInfo(ZONES[units[-1]] or ""))
        days.append((fact, max([there.date(), *(d for _, d in days)])))
    return days


def oracle(found: list[Fact], as_of: date, known: date | None) -> dict[int, tuple[Any, ...]]:
    """Stage, amount and unit of every deal that was there on a day."""
    heard = [f for f in found if known is None or f.recorded < end_of_day(known, ZONE)]
    there: dict[int, tuple[Any, ...]] = {}
    for record in {f.record for f in heard}:
        state: dict[str, Any] = {}
        for fact, its in days_of([f for f in heard if f.record == record]):
            if its <= as_of:
                state |= said(fact)
        if state:
            there[record] = tuple(state.get(n) for n in ("stage", "amount", "business_unit"))
    return there


@SETTINGS
@given(first=histories(), second=histories())
def test_every_way_gives_the_days_of_the_plain_reading(world: World, first: list[Fact], second: list[Fact]) -> None:
    world.empty()
    world.stages()
    for number, zone in ZONES.items():
        unit(number, zone)
    world.write(first)
    world.refresh(full=True)
    world.write(second)
    assert world.refresh().kind == "incremental"
    patched, known = world.everything(), world.everything(DAYS[4])
    found = [*first, *second]
    for as_of in DAYS[:10]:
        for k in (None, DAYS[4], DAYS[9] + timedelta(days=5)):
            if k is None or as_of <= k:
                sql = (
                    f"SELECT id, stage, amount, business_unit FROM opportunity WHERE day_from <= '{as_of}' "
                    f"AND '{as_of}' < day_to AND created_on <= '{as_of}'"
                )
                assert {r: tuple(v) for r, *v in world.ask(sql, k)} == oracle(found, as_of, k), (as_of, k)
    world.refresh(full=True)
    assert world.everything() == patched
    assert world.everything(DAYS[4]) == known
