"""The public figures of the Maven CRM sample (shared data), loaded by hand into the tables of the contract."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.metrics.build import BOSS, World, d

from salesops.metrics.query import query
from salesops.pipeline.movements import process_variants
from salesops.pipeline.queries import waterfall


@pytest.fixture(scope="module")
def maven(shared: Path) -> Any:
    """8,800 deals; those without an engage date have no date at all."""
    w = World(today="2017-12-31")
    folder = shared / "data" / "maven_crm"
    with (folder / "sales_teams.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            w.people(row["sales_agent"], region=row["regional_office"])
            if ("person", row["manager"]) not in w.names:
                w.people(row["manager"])
            w.manages(row["manager"], row["sales_agent"])
    with (folder / "sales_pipeline.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["engage_date"]:
                w.add("undated", entity="opportunity", id=w.ids("opportunity", row["opportunity_id"]))
                continue
            deal = w.deal(row["opportunity_id"], row["engage_date"], owner=row["sales_agent"], amount=None, stage="New")
            if row["deal_stage"] == "Won":
                deal.won(row["close_date"], amount=row["close_value"])
            elif row["deal_stage"] == "Lost":
                deal.lost(row["close_date"], amount=row["close_value"])
    return w.session()


def test_figures(maven: Any) -> None:
    """As shared/data/README.md gives them."""
    row = query(
        maven, BOSS,
        "won_deals,lost_deals,win_rate,bookings,average_deal_size,sales_cycle_days,sales_cycle_days.closed,"
        "sales_cycle_days.closed_median,sales_cycle_days.km_any_close",
    ).to_pylist()[0]  # fmt: skip
    assert (row["won_deals"], row["lost_deals"], row["bookings"]) == (4238, 2473, 10_005_534)
    assert round(row["win_rate"], 6) == 0.631501
    assert round(row["average_deal_size"], 4) == 2360.9094
    assert round(row["sales_cycle_days"], 6) == 51.781973
    assert round(row["sales_cycle_days.closed"], 6) == 47.985397
    assert (row["sales_cycle_days.closed_median"], row["sales_cycle_days.km_any_close"]) == (45, 69)


def test_bookings_by_month_manager_and_region(maven: Any) -> None:
    """And Darcel Schlecht."""
    rows = query(maven, BOSS, "bookings", period="month", from_="2017-03", to="2017-12").to_pylist()
    assert [int(row["bookings"]) for row in rows] == [
        1134672, 721932, 1025713, 1338466, 696932, 1050059, 1235264, 731980, 938943, 1131573,
    ]  # fmt: skip
    rows = query(maven, BOSS, "bookings", by="manager").to_pylist()
    assert {row["manager"]: int(row["bookings"]) for row in rows} == {
        "Melvin Marxen": 2251930, "Summer Sewald": 1964750, "Rocco Neubert": 1960545, "Celia Rouche": 1603897,
        "Cara Losch": 1130049, "Dustin Brinkmann": 1094363,
    }  # fmt: skip
    rows = query(maven, BOSS, "bookings", by="region").to_pylist()
    assert {row["region"]: int(row["bookings"]) for row in rows} == {
        "West": 3568647,
        "Central": 3346293,
        "East": 3090594,
    }
    row = query(maven, BOSS, "won_deals,win_rate,bookings", where={"owner": "Darcel Schlecht"}).to_pylist()[0]
    assert (row["won_deals"], row["win_rate__closed"], row["bookings"]) == (349, 553, 1_153_214)


def test_open_deals_and_the_waterfall(maven: Any) -> None:
    """1,686 + 2,770 created - 1,257 won - 790 lost = 2,409."""
    name = "open_pipeline.all_open_count"
    rows = query(maven, BOSS, name, period="quarter", from_="2017-Q1", to="2017-12-31").to_pylist()
    assert [row[name] for row in rows] == [1330, 1686, 2409, 1589]
    answer = waterfall(maven, BOSS, "2017-07-01", "2017-09-30", scope="all_open")
    counts = {row["bar"]: row["count"] for row in answer.to_pylist() if row["count"] and row["bar"] != "increased"}
    assert counts == {"start": 1686, "created": 2770, "won": 1257, "lost": 790, "end": 2409}
    assert any("500 records (opportunity) have no date" in note for note in query(maven, BOSS, "win_rate").notes)


@pytest.fixture(scope="module")
def helpdesk(shared: Path) -> Any:
    """The process log as it is."""
    file = next((shared / "data" / "process_logs").glob("*elpdesk*.csv"), None)
    if file is None:
        pytest.skip("no helpdesk log in the shared data")
    w = World(today="2026-01-01")
    session = w.session()
    head = file.read_text(encoding="utf-8").splitlines()[0].split(",")
    case, activity, time = (next(c for c in head if word in c.lower()) for word in ("case", "activity", "time"))
    session.con.execute(f"""
        INSERT INTO stage_event (id, "at", on_day, pipeline, case_id, activity)
        SELECT row_number() OVER (), epoch_us(t), t::DATE, 1, c, a FROM (
            SELECT "{case}" AS c, "{activity}" AS a, CAST("{time}" AS TIMESTAMPTZ) AS t FROM read_csv('{file}', all_varchar=true))
    """)
    return session


def test_helpdesk(helpdesk: Any) -> None:
    """4,580 cases, 226 variants, the largest 2,366; 40.857680 days."""
    row = query(helpdesk, BOSS, "cases,case_duration_days").to_pylist()[0]
    assert row["cases"] == 4580
    assert round(row["case_duration_days"], 6) == 40.857680
    answer = process_variants(helpdesk, BOSS)
    assert (len(answer), answer.to_pylist()[0]["cases"]) == (226, 2366)
    assert d("2017-01-01")
