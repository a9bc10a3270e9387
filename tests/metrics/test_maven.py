"""The public figures of the Maven CRM sample (shared data), loaded by hand into the tables of the contract."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.metrics.build import BOSS, World
from tests.pipeline.test_waterfall import add_up

from salesops.metrics.change import explain_change
from salesops.metrics.query import query
from salesops.pipeline.changes import changes
from salesops.pipeline.curves import cycle_curves
from salesops.pipeline.funnel import funnel
from salesops.pipeline.movements import process_variants
from salesops.pipeline.process import rework, transitions
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


def test_slices_of_the_waterfall_add_up(maven: Any) -> None:
    """By rep, manager and region, in both scopes: 2,770 created, 1,257 won and 790 lost in the third quarter."""
    for scope in ("all_open", "closing_in_period"):
        whole = waterfall(maven, BOSS, "2017-Q3", scope=scope)
        for by in ("owner", "manager", "region"):
            slices = waterfall(maven, BOSS, "2017-Q3", scope=scope, by=by)
            add_up(slices, whole)
            assert len(slices) > len(whole)


def test_what_changed_deal_by_deal(maven: Any) -> None:
    """As the waterfall counts it."""
    notes = changes(maven, BOSS, "2017-07-01", "2017-09-30", limit=1).notes
    told = {note.split(":")[0]: note.split(" ")[1] for note in notes if " deals" in note}
    assert (told["created"], told["won"], told["lost"]) == ("2,770", "1,257", "790")
    bars = {r["bar"]: r["value"] for r in waterfall(maven, BOSS, "2017-Q3", scope="all_open").to_pylist()}
    assert f"effects in all {bars['end'] - bars['start']:+,.2f} USD: the waterfall's end less its start" in notes


def test_funnel_curves_and_changes_of_figures(maven: Any) -> None:
    """Won 4,238 of 8,300 dated deals; median to any close 69 days; bookings of the second and third quarter by region."""
    steps = {r["step"]: r["count"] for r in funnel(maven, BOSS, kind="snapshot").to_pylist()}
    assert (steps["Deals"], steps["Won"]) == (8300, 4238)
    steps = {r["step"]: r["count"] for r in funnel(maven, BOSS, kind="active", from_="2017-Q3").to_pylist()}
    assert (steps["Deals"], steps["Won"]) == (2770, 1257)
    answer = cycle_curves(maven, BOSS)
    assert any(note.startswith("8,300 deals") and note.endswith("to any close 69") for note in answer.notes)
    last = answer.to_pylist()[-1]
    assert last["share_won"] + last["share_lost"] + last["share_open"] == pytest.approx(1)
    rows = explain_change(maven, BOSS, "bookings", by="region", from_="2017-Q2", to="2017-Q3").to_pylist()
    assert (rows[-1]["before"], rows[-1]["after"]) == (3_086_111, 2_982_255)
    assert sum(r["volume"] + r["mix"] + r["rate"] for r in rows[:-1]) == -103_856


@pytest.fixture(scope="module")
def helpdesk(shared: Path) -> Any:
    """The process log as it is."""
    return log_of(shared, "Helpdesk.csv")


def log_of(shared: Path, name: str) -> Any:
    """A session over a process log."""
    file = shared / "data" / "process_logs" / name
    if not file.exists():
        pytest.skip(f"no {name} in the shared data")
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
    waits(helpdesk, 21_348, 4_580, 40.857680)


def waits(session: Any, events: int, cases: int, days: float) -> None:
    """Every event but the last of a case waits for the next one; all waiting is the sum of the cases' durations."""
    rows = transitions(session, BOSS).to_pylist()
    assert sum(r["moves"] for r in rows) == events - cases
    assert sum(r["total_days"] for r in rows) == pytest.approx(cases * days, rel=1e-8)
    assert sum(r["share"] for r in rows) == pytest.approx(1)
    assert [r["total_days"] for r in rows] == sorted((r["total_days"] for r in rows), reverse=True)
    assert sum(r["times"] for r in rework(session, BOSS).to_pylist()) == events


def test_bpi_2013(shared: Path) -> None:
    """1,487 cases; mean 178.884876 days, median 82.022."""
    session = log_of(shared, "BPI_Challenge_2013_closed_problems.csv")
    row = query(session, BOSS, "cases,case_duration_days,case_duration_days.median").to_pylist()[0]
    assert row["cases"] == 1487
    assert row["case_duration_days"] == pytest.approx(178.884876, rel=1e-8)
    assert round(row["case_duration_days.median"], 3) == 82.022
    waits(session, 6_660, 1_487, 178.884876)
