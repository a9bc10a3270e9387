"""Real files with the committed mappings give the figures of the data's own README, to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from salesops.metrics.cohorts import cohorts
from salesops.metrics.drill import drill
from salesops.metrics.query import query
from salesops.records.access import Actor

from .conftest import Taken

BOSS = Actor("owner", frozenset({"owner"}))

MAVEN = ("accounts.csv", "products.csv", "sales_teams.csv", "sales_pipeline.csv")
NOW = "day_to = DATE '9999-12-31' AND NOT deleted"
MONTHLY = [1134672, 721932, 1025713, 1338466, 696932, 1050059, 1235264, 731980, 938943, 1131573]


def as_of(day: str) -> str:
    return f"day_from <= DATE '{day}' AND DATE '{day}' < day_to AND created_on <= DATE '{day}' AND NOT deleted"


@pytest.mark.parametrize("folder", ["maven_crm", "maven_crm_ddmmyy"])
def test_maven_in_both_editions(take: Any, folder: str) -> None:
    """The edition with dates such as 20-10-16 gives the same without being told the format."""
    maven = take("maven", folder, *MAVEN)
    assert (maven.first.status, maven.first.errors, maven.again.status) == ("live", 0, "unchanged")
    counts = dict(maven.rows(f"SELECT status, count(*) FROM opportunity WHERE {as_of('2017-12-31')} GROUP BY 1"))
    assert counts == {"won": 4238, "lost": 2473, "open": 1589}
    assert maven.one("SELECT count(*) FROM undated WHERE entity = 'opportunity'") == 500
    won = f"FROM opportunity WHERE {as_of('2017-12-31')} AND status = 'won'"
    assert maven.one(f"SELECT sum(value) {won}") == 10_005_534_0000
    assert maven.one(f"SELECT count(*) FROM opportunity WHERE {NOW} AND status <> 'open'") == 6711
    assert round(4238 / 6711, 6) == 0.631501
    cycle = maven.one(
        f"SELECT sum(closed_on - created_on) / count(*) FROM opportunity WHERE {as_of('2017-12-31')} AND status <> 'open'"
    )
    assert round(cycle, 6) == 47.985397
    assert round(maven.one(f"SELECT sum(closed_on - created_on) / count(*) {won}"), 6) == 51.781973
    assert round(maven.one(f"SELECT sum(value) / count(*) / 10000 {won}"), 4) == 2360.9094
    middle = maven.rows(f"SELECT value {won} ORDER BY value")
    assert (middle[2118][0] + middle[2119][0]) / 2 == 1117_0000
    for day, number in (("2017-03-31", 1330), ("2017-06-30", 1686), ("2017-09-30", 2409), ("2017-12-31", 1589)):
        assert maven.one(f"SELECT count(*) FROM opportunity WHERE {as_of(day)} AND status = 'open'") == number
    third = "BETWEEN DATE '2017-07-01' AND DATE '2017-09-30'"
    assert maven.one(f"SELECT count(*) FROM opportunity WHERE {NOW} AND created_on {third}") == 2770
    closed = dict(maven.rows(f"SELECT status, count(*) FROM opportunity WHERE {NOW} AND closed_on {third} GROUP BY 1"))
    assert closed == {"won": 1257, "lost": 790}
    monthly = maven.rows(
        f"SELECT sum(value) // 10000 {won} GROUP BY date_trunc('month', closed_on) ORDER BY date_trunc('month', closed_on)"
    )
    assert [row[0] for row in monthly] == MONTHLY
    _maven_people(maven, won)
    _maven_corrections(maven)


def _maven_people(maven: Any, won: str) -> None:
    people = "JOIN person p ON p.id = o.owner AND p.day_to = DATE '9999-12-31'"
    deals = f"FROM (SELECT * {won}) o"
    managers = maven.rows(
        f"SELECT m.name, sum(o.value) // 10000 {deals} JOIN reporting_line r ON r.person = o.owner AND r.valid_from <= o.closed_on "
        "AND o.closed_on < r.valid_to JOIN person m ON m.id = r.manager GROUP BY 1"
    )
    assert dict(managers) == {
        "Melvin Marxen": 2_251_930, "Summer Sewald": 1_964_750, "Rocco Neubert": 1_960_545, "Celia Rouche": 1_603_897,
        "Cara Losch": 1_130_049, "Dustin Brinkmann": 1_094_363,
    }  # fmt: skip
    regions = maven.rows(f"SELECT p.region, sum(o.value) // 10000 {deals} {people} GROUP BY 1")
    assert dict(regions) == {"West": 3_568_647, "Central": 3_346_293, "East": 3_090_594}
    best = maven.rows(
        f"SELECT p.name, count(*), sum(o.value) // 10000 {deals} {people} GROUP BY 1 ORDER BY 3 DESC LIMIT 1"
    )
    assert best == [("Darcel Schlecht", 349, 1_153_214)]
    closed = f"SELECT count(*) FROM opportunity o {people} WHERE o.day_to = DATE '9999-12-31' AND o.status <> 'open' AND p.name = 'Darcel Schlecht'"
    assert maven.one(closed) == 553


def _maven_corrections(maven: Any) -> None:
    named = "SELECT count(*) FROM opportunity_line l JOIN product p ON p.id = l.product WHERE p.name = 'GTX Pro'"
    assert maven.one(f"{named} AND l.day_to = DATE '9999-12-31'") == 1480
    assert maven.one("SELECT count(*) FROM product WHERE name = 'GTXPro'") == 0
    assert maven.one("SELECT count(*) FROM account WHERE industry = 'technolgy' OR country = 'Philipines'") == 0
    subsidiaries = maven.rows("SELECT count(*), count(DISTINCT parent) FROM account WHERE parent IS NOT NULL")
    assert subsidiaries == [(15, 7)]


def test_superstore_to_the_last_digit(take: Any) -> None:
    store = take("superstore", "superstore", "superstore.csv")
    assert (store.first.status, store.first.errors, store.again.status) == ("live", 0, "unchanged")
    totals = store.rows(f"SELECT sum(amount), sum(profit), count(*) FROM order_line WHERE {NOW}")
    assert totals == [(22_972_008_603, 2_863_970_217, 9994)]  # the exact duplicate line counts twice
    assert store.one(f'SELECT count(*) FROM "order" WHERE {NOW}') == 5009
    assert store.one(f"SELECT count(*) FROM account WHERE {NOW}") == 793
    monthly = store.rows(
        f"SELECT date_trunc('month', created_on) AS m, sum(amount) FROM order_line WHERE {NOW} GROUP BY 1 ORDER BY 1"
    )
    assert len(monthly) == 48
    assert [monthly[0][1], monthly[-1][1]] == [142_368_950, 838_293_188]
    _superstore_metrics(store.session)


def _superstore_metrics(session: Any) -> None:
    """An order has no amount of its own: it is worth its lines."""
    names = "order_revenue,order_revenue.lines,order_revenue.orders,order_margin.profit,repeat_purchase_share"
    row = query(session, BOSS, names, as_of="2018-12-31").to_pylist()[0]
    assert row["order_revenue"] == row["order_revenue.lines"] == Decimal("2297200.8603")
    assert (row["order_margin.profit"], row["order_revenue.orders"]) == (Decimal("286397.0217"), 5009)
    assert row["repeat_purchase_share__customers"] == 793
    months = query(session, BOSS, "order_revenue", period="month", as_of="2018-12-31").to_pylist()
    assert [months[n]["order_revenue"] for n in (0, -1)] == [Decimal("14236.895"), Decimal("83829.3188")]
    assert (months[0]["period"], months[-1]["period"], len(months)) == ("2015-01", "2018-12", 48)
    for dimension in ("segment", "region"):
        rows = query(session, BOSS, "order_revenue", by=dimension, as_of="2018-12-31").to_pylist()
        assert sum(one["order_revenue"] for one in rows) == Decimal("2297200.8603")
        assert {one[dimension] for one in rows} >= {"segment": {"Consumer"}, "region": {"West"}}[dimension]
    lines = query(session, BOSS, "order_margin.profit", by="product_line", as_of="2018-12-31").to_pylist()
    assert (len(lines), sum(one["order_margin.profit"] for one in lines)) == (17, Decimal("286397.0217"))
    years = cohorts(session, BOSS, period="year", as_of="2018-12-31").matrix("revenue").to_pylist()
    assert [row["cohort"] for row in years] == ["2015", "2016", "2017", "2018", "(all)"]
    assert sum(year[age] or 0 for year in years[:-1] for age in "0123") == Decimal("2297200.8603")
    assert sum(year["customers"] for year in years[:-1]) == 793


@pytest.mark.parametrize("file", ["Helpdesk.csv", "Helpdesk.xes.gz"])
def test_helpdesk_as_table_and_as_log(take: Any, file: str) -> None:
    log = take("helpdesk", "process_logs", file)
    assert (log.first.errors, log.again.status) == (0, "unchanged")
    assert log.one("SELECT count(*) FROM stage_event") == 21_348
    assert log.one("SELECT count(DISTINCT activity) FROM stage_event") == 14
    _cases(log, 4_580, 40.857680)
    cases = "SELECT string_agg(activity, '>' ORDER BY \"at\", line) AS v FROM stage_event GROUP BY case_id"
    variants = log.rows(f"SELECT v, count(*) FROM ({cases}) GROUP BY 1")
    assert (len(variants), max(n for _, n in variants)) == (226, 2_366)


def test_bpi_2013(take: Any) -> None:
    log = take("bpi2013", "process_logs", "BPI_Challenge_2013_closed_problems.csv")
    assert (log.first.errors, log.again.status) == (0, "unchanged")
    assert log.one("SELECT count(*) FROM stage_event") == 6_660
    days = _cases(log, 1_487, 178.884876)
    assert round(days[len(days) // 2], 3) == 82.022


def _cases(log: Any, count: int, mean: float) -> list[float]:
    """The days from the first to the last event of each case, in order."""
    rows = log.rows(
        "SELECT (max(e.at) - min(e.at)) / 86400000000.0 AS days FROM stage_event e GROUP BY case_id ORDER BY 1"
    )
    days = [row[0] for row in rows]
    assert len(days) == count
    assert sum(days) / count == pytest.approx(mean, abs=1e-6)  # the README cuts the last digit off
    return days


def test_cdnow(take: Any) -> None:
    shop = take("cdnow", "cdnow", "cdnow_restored_1997.csv")
    assert (shop.first.status, shop.first.errors, shop.again.status) == ("live", 0, "unchanged")
    assert shop.one(f'SELECT sum(amount) FROM "order" WHERE {NOW}') == 25_003_156_300
    assert shop.rows(
        f'SELECT count(*), count(DISTINCT account), min(ordered_on)::VARCHAR, max(ordered_on)::VARCHAR FROM "order" WHERE {NOW}'
    ) == [(69_659, 23_570, "1997-01-01", "1998-06-30")]
    twice = shop.one(
        f'SELECT avg((n > 1)::INTEGER) FROM (SELECT count(DISTINCT ordered_on) AS n FROM "order" WHERE {NOW} GROUP BY account)'
    )
    assert round(twice, 6) == 0.488587
    row = query(shop.session, BOSS, "repeat_purchase_share,customer_value_to_date").to_pylist()[0]
    assert round(row["repeat_purchase_share"], 6) == 0.488587
    assert round(row["customer_value_to_date"], 6) == 106.080426
    assert json.loads(json.dumps(shop.first.to_dict(), default=str))["status"] == "live"


PAIRS = """
    SELECT least(src, dst) || '-' || greatest(src, dst) AS conversation, arg_min(src, (time, line)) AS asker,
           arg_min(dst, (time, line)) AS answerer, min(time) AS opened_at
    FROM (SELECT *, row_number() OVER (PARTITION BY 1 ORDER BY time, src, dst) AS line FROM raw) GROUP BY 1
"""
MESSAGES = """
    SELECT row_number() OVER (PARTITION BY 1 ORDER BY time, src, dst) AS message, conversation, src AS sender,
           CASE WHEN src = answerer THEN 'out' ELSE 'in' END AS direction, time AS sent_at
    FROM raw JOIN pairs ON conversation = least(src, dst) || '-' || greatest(src, dst)
"""


def test_messages(ws: Any, shared: Path, tmp_path: Path) -> None:
    """Whoever writes first asks: 6,458 of 13,838 were ever answered, half of those within 3.9103 hours (row ceil(n / 2)).

    Unanswered ones are censored, not dropped: fewer than half were answered, so the median has no value.
    """
    con = duckdb.connect()
    raw = shared / "data" / "messages" / "CollegeMsg.txt"
    con.execute("CREATE TABLE raw AS SELECT * FROM read_csv(?, delim = ' ', header = true)", [str(raw)])
    con.execute(f"CREATE TABLE pairs AS {PAIRS}")
    for name, sql in (("conversations", "SELECT * FROM pairs"), ("messages", MESSAGES)):
        con.execute(f"COPY ({sql} ORDER BY ALL) TO '{tmp_path / name}.csv'")
    talk = Taken(ws, "messages", [tmp_path / "conversations.csv", tmp_path / "messages.csv"])
    assert (talk.first.status, talk.first.errors, talk.again.status) == ("live", 0, "unchanged")
    assert talk.one("SELECT count(*) FROM activity") == 59_835
    names = "lead_response_minutes,lead_response_minutes.within_hour"
    row = query(talk.session, BOSS, names).to_pylist()[0]
    assert row["lead_response_minutes"] is None
    assert (row["lead_response_minutes__answered"], row["lead_response_minutes__waited__n"]) == (6_458, 13_838)
    replies = "SELECT min(time) - opened_at AS s FROM raw JOIN pairs ON src = answerer AND dst = asker GROUP BY conversation, opened_at"
    within = con.execute(f"SELECT count(*) FROM ({replies}) WHERE s <= 3600").fetchall()[0][0]
    assert row["lead_response_minutes.within_hour"] == within / 13_838
    waits = []
    for offset in range(0, 13_838, 1000):
        page = drill(talk.session, BOSS, "lead_response_minutes", offset=offset, limit=1000)
        waits += [one["waited"] for one in page.to_pylist() if one["answered"]]
    assert len(waits) == 6_458
    assert round(sorted(waits)[(6_458 + 1) // 2 - 1] / 3_600_000_000, 4) == 3.9103
