"""Fiscal calendars that units have of their own (the workspace's year starts in February): in every generation that needs them."""

from __future__ import annotations

from typing import Any

from tests.warehouse.state.world import World, day

from salesops.common.periods import FiscalCalendar


def unit(number: int, name: str, **calendar: Any) -> None:
    """The current rows of a unit and of its calendar, as every way of writing leaves them."""
    from salesops.records.models import BusinessUnit, Calendar

    own = Calendar.objects.create(id=number, name=f"{name}'s", **calendar).pk if calendar else None
    BusinessUnit.objects.create(id=number, name=name, calendar=own)


def told(world: World) -> list[tuple[str, int, FiscalCalendar, str]]:
    from salesops.warehouse import open_session

    with open_session(world.ws) as session:
        return [(c.name, c.number, c.calendar, c.problem) for c in session.manifest.calendars]


def quarters(world: World, on: str) -> list[tuple[Any, ...]]:
    return world.ask(f"SELECT calendar, quarter_key FROM unit_calendar_day WHERE day = '{on}' ORDER BY calendar")


def test_what_a_calendar_does_not_say_is_as_in_the_workspace(world: World) -> None:
    world.stages()
    unit(1, "Japan", start_month=4)
    unit(2, "Korea", start_month=4, pattern="month")  # the same calendar
    unit(3, "Shops", pattern="445", week_start=6, year_named_by="start")
    unit(4, "Here", start_month=2)  # the workspace's own
    unit(5, "Chile")
    world.refresh()
    april = FiscalCalendar(start_month=4)
    shops = FiscalCalendar("445", start_month=2, week_start=6, year_named_by="start")
    assert told(world) == [("Japan", 1, april, ""), ("Korea", 1, april, ""), ("Shops", 2, shops, "")]
    assert quarters(world, "2024-04-01") == [(1, "FY2025-Q1"), (2, "FY2024-Q1")]
    assert world.ask("SELECT quarter_key FROM calendar_day WHERE day = '2024-04-01'") == [("FY2025-Q1",)]


def test_another_calendar_is_in_the_next_generation(world: World) -> None:
    from salesops.records.models import Calendar

    world.stages()
    world.refresh()
    unit(1, "Japan", start_month=4)
    assert world.refresh().kind == "full"
    assert quarters(world, "2024-06-30") == [(1, "FY2025-Q1")]
    world.record("opportunity", 1, "2024-03-01", name="A", stage=1)
    assert world.refresh().kind == "incremental"
    assert quarters(world, "2024-06-30") == [(1, "FY2025-Q1")]
    Calendar.objects.update(start_month=7)
    assert world.refresh().kind == "full"
    assert quarters(world, "2024-06-30") == [(1, "FY2024-Q4")]
    Calendar.objects.update(start_month=13)
    world.refresh()
    problem = told(world)[0][3]
    assert "Japan's" in problem
    assert "month 13" in problem


def test_a_question_about_a_unit_asks_by_its_calendar(world: World) -> None:
    from salesops.metrics.query import query
    from salesops.records.access import Actor
    from salesops.warehouse import open_session

    world.stages()
    unit(1, "Japan", start_month=4)
    world.record("business_unit", 1, "2020-01-01", name="Japan", calendar=1)
    world.record("opportunity", 1, "2024-04-10", name="A", stage=3, amount=70_000, business_unit=1)
    world.refresh()
    with open_session(world.ws) as session:
        boss = Actor("boss", frozenset({"owner"}), None)
        where = "business_unit = 'Japan'"
        found = query(session, boss, "bookings", by="closed_quarter", period="quarter", from_="2024-04-01", where=where)
    row = found.to_pylist()[0]
    assert (row["period"], row["closed_quarter"], row["from"], int(row["bookings"])) == (
        "FY2025-Q1", "FY2025-Q1", day("2024-04-01"), 7,
    )  # fmt: skip
    assert any("fiscal calendar of Japan (months, year from April)" in note for note in found.notes)
