"""Whose fiscal calendar counts: the workspace's (years from January), or that of the one unit a question is about.

Japan's year starts in April and is named by the year in which it ends: FY2024-Q1 is April to June 2023. Ireland's starts in
October. Chile has no calendar of its own.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.metrics.build import BOSS, Session, World

from salesops.common.errors import UsageError
from salesops.common.periods import FiscalCalendar, UnitCalendar
from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.query import query
from salesops.pipeline.movements import stage_flow, stage_matrix
from salesops.pipeline.queries import span, waterfall

JAPAN, IRELAND = FiscalCalendar(start_month=4), FiscalCalendar(start_month=10)
NOTE = "periods are those of the fiscal calendar of Japan (months, year from April), not of the workspace's"


@pytest.fixture(scope="module")
def session() -> Session:
    """One won deal a month and unit in 2023: 1 in January, 2 in February ... for Japan, ten times as much for Chile."""
    w = World(today="2024-03-15")
    w.unit("Chile")
    w.unit("Japan", JAPAN)
    w.unit("Ireland", IRELAND)
    for month in range(1, 13):
        day = f"2023-{month:02d}-10"
        w.deal(f"J{month}", day, amount=month, business_unit="Japan").won(day)
        w.deal(f"C{month}", day, amount=10 * month, business_unit="Chile").won(day)
    return w.session()


def asked(session: Session, **question: Any) -> tuple[dict[str, int], tuple[str, ...]]:
    """Bookings by period, and the notes."""
    found = query(session, BOSS, "bookings", **question)
    return {row["period"]: int(row["bookings"]) for row in found.to_pylist()}, found.notes


def test_a_question_about_one_unit_counts_its_quarters(session: Session) -> None:
    found, notes = asked(
        session, period="quarter", from_="2023-01-01", to="2023-12-31", where="business_unit = 'Japan'"
    )
    assert found == {"FY2023-Q4": 6, "FY2024-Q1": 15, "FY2024-Q2": 24, "FY2024-Q3": 33}
    assert NOTE in notes
    whole = query(session, BOSS, "bookings", period="FY2024-Q1", where={"business_unit": "Japan"})
    assert whole.value() == 15
    assert (whole.from_, whole.to) == (date(2023, 4, 1), date(2023, 6, 30))


def test_other_questions_count_the_workspaces(session: Session) -> None:
    year = {"2023-Q1": 66, "2023-Q2": 165, "2023-Q3": 264, "2023-Q4": 363}
    span = {"period": "quarter", "from_": "2023-01-01", "to": "2023-12-31"}
    found, notes = asked(session, **span)
    assert found == year
    assert notes == ()
    one = {key: value // 11 for key, value in year.items()}
    assert asked(session, where="business_unit = 'Chile'", **span) == ({k: 10 * v for k, v in one.items()}, ())
    for two in (
        "business_unit = 'Japan' or business_unit = 'Chile'", "business_unit in ('Japan', 'Chile')", "not business_unit = 'Ireland'",
        "business_unit != 'Ireland'", "amount < 1000",
    ):  # fmt: skip
        assert asked(session, where=two, **span) == (year, ()), two
    grouped = query(session, BOSS, "bookings", by="business_unit", **span)
    assert {row["period"] for row in grouped.to_pylist()} == set(year)


@pytest.mark.parametrize(
    "where",
    [
        "amount < 1000 and business_unit = 'Japan'",
        "business_unit in ('Japan')",
        "'Japan' = business_unit",
        {"business_unit": ["Japan"], "type": None},
    ],
)
def test_every_way_of_naming_one_unit(session: Session, where: Any) -> None:
    found = query(session, BOSS, "bookings", period="FY2024-Q1", where=where)
    assert (found.value(), found.notes) == (15, (NOTE,))


def test_a_calendar_asked_for_by_name(session: Session) -> None:
    found, notes = asked(session, period="FY2024-Q1", calendar="Japan")
    assert found == {"FY2024-Q1": 165}
    assert notes == (NOTE,)
    here, notes = asked(session, period="2023-Q2", calendar="workspace", where="business_unit = 'Japan'")
    assert here == {"2023-Q2": 15}
    assert notes == ()
    assert asked(session, period="2023-Q2", calendar="Chile") == ({"2023-Q2": 165}, ())
    with pytest.raises(UsageError, match="there is no business unit 'Peru'") as refused:
        asked(session, period="quarter", calendar="Peru")
    assert "Chile, Ireland, Japan; or workspace" in (refused.value.remedy or "")


def test_comparisons_and_calendar_dimensions_stay_in_the_units_calendar(session: Session) -> None:
    found = query(session, BOSS, "bookings", period="FY2024-Q1", compare="previous", calendar="Japan")
    assert int(found.to_pylist()[0]["bookings__previous"]) == 66  # January to March
    closed = query(session, BOSS, "bookings", by="closed_quarter", where="business_unit = 'Japan'")
    assert {row["closed_quarter"]: int(row["bookings"]) for row in closed.to_pylist()} == {
        "FY2023-Q4": 6, "FY2024-Q1": 15, "FY2024-Q2": 24, "FY2024-Q3": 33,
    }  # fmt: skip
    assert closed.notes == (NOTE,)
    assert asked(session, where="business_unit = 'Japan'")[1] == ()  # no period, no calendar


def test_drill_and_explanation_take_the_same_calendar(session: Session) -> None:
    one = drill(session, BOSS, "bookings", period="FY2024-Q1", where="business_unit = 'Japan'")
    assert [row["name"] for row in one.to_pylist()] == ["J4", "J5", "J6"]
    told = explain(session, BOSS, "bookings", period="FY2024-Q1", calendar="Japan")
    assert "--calendar Japan" in (told.command or "")
    assert (told.records or {})["calendar"] == "Japan"
    assert NOTE in told.notes


def test_the_waterfall_of_a_unit(session: Session) -> None:
    assert span(session, "FY2024-Q1", None, "business_unit = 'Japan'") == (date(2023, 4, 1), date(2023, 6, 30))
    found = waterfall(session, BOSS, "FY2024-Q1", where="business_unit = 'Japan'")
    assert (found.from_, NOTE in found.notes) == (date(2023, 4, 1), True)


def test_stage_movements_of_a_unit(session: Session) -> None:
    """April to June, named or by the filter: three deals of Japan, three of Chile."""
    for ask in (stage_matrix, stage_flow):
        named = ask(session, BOSS, "FY2024-Q1", calendar="Japan")
        kept = ask(session, BOSS, "FY2024-Q1", where="business_unit = 'Japan'")
        here = ask(session, BOSS, "FY2024-Q1", calendar="workspace", where="business_unit = 'Japan'")
        assert (named.from_, named.to) == (kept.from_, kept.to) == (date(2023, 4, 1), date(2023, 6, 30))
        assert (sum(r["count"] for r in named.to_pylist()), sum(r["count"] for r in kept.to_pylist())) in (
            (6, 3),
            (12, 6),
        )
        assert here.from_ == date(2024, 1, 1)


def test_a_calendar_that_cannot_be_fails_only_its_unit(session: Session) -> None:
    wrong = UnitCalendar(
        session.manifest.calendars[0].unit, "Japan", 1, FiscalCalendar(), "A fiscal year cannot start in month 13"
    )
    kept = session.manifest.calendars
    session.manifest.calendars = (wrong, kept[1])
    try:
        assert asked(session, period="2023-Q2")[0] == {"2023-Q2": 165}
        with pytest.raises(
            UsageError, match=r"calendar of Japan cannot be used: A fiscal year cannot start in month 13"
        ):
            asked(session, period="quarter", where="business_unit = 'Japan'")
    finally:
        session.manifest.calendars = kept


@settings(max_examples=8, deadline=None)
@given(month=st.integers(1, 12), kind=st.sampled_from(["month", "445", "454", "544"]))
def test_a_unit_is_told_what_a_workspace_of_its_calendar_would_be(month: int, kind: Any) -> None:
    """Bookings by quarter and year of a unit: as in a company whose calendar that is."""
    own = FiscalCalendar(kind, month)
    unit, company = World(today="2024-03-15"), World(today="2024-03-15", calendar=own)
    unit.unit("Japan", own)
    for w in (unit, company):
        for number, day in enumerate(("2022-01-31", "2022-07-02", "2022-09-30", "2022-12-31", "2023-02-05"), 1):
            w.deal(str(number), day, amount=number, business_unit="Japan").won(day)
    for grain in ("quarter", "year"):
        where = "business_unit = 'Japan'"
        assert asked(unit.session(), period=grain, where=where)[0] == asked(company.session(), period=grain)[0]
