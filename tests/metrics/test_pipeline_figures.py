"""Odds, coverage needed, efficiency, time in stage, slips and stale deals: worked by hand on a few deals."""

from __future__ import annotations

from typing import Any

import pytest
from tests.metrics.build import BOSS, World

from salesops.common.errors import UsageError
from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.query import query

Q1 = "2024-Q1"
MIDDLE = "2024-02-15"  # the 46th day of the quarter, as 15 November and 15 August are of theirs


def ask(session: Any, metric: str, **question: Any) -> Any:
    """The value of one metric in one cell."""
    return query(session, BOSS, [metric], **question).value()


def by(session: Any, metric: str, dimension: str, **question: Any) -> dict[str, Any]:
    """The values of one metric by one dimension."""
    rows = query(session, BOSS, [metric], by=dimension, **question).to_pylist()
    return {row[dimension]: row[metric] for row in rows}


# Odds ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odds() -> World:
    """Asked on 15 February 2024. The stage New has 10 %, Demo 50 %.

    | deal | stage | amount | own odds | should close |
    | A    | New   | 90     | 25 %     | 1 March      |
    | B    | Demo  | 200    |          | 1 March      |
    | C    | New   | 1,000  |          | 1 June       |

    Deals that stood in New as far into an earlier quarter:

    | deal | on          | amount then | afterwards                                         |
    | P1   | 15 Nov 2023 | 100         | won in December (for 70)                           |
    | P2   | 15 Nov 2023 | 300         | lost in December                                   |
    | P3   | 15 Nov 2023 | 100         | won in January, so not in its quarter              |
    | P4   | 15 Aug 2023 | 100         | won in September                                   |
    | P5   | 15 Nov 2021 | 5,000       | lost; nine quarters ago, so not counted            |
    | P6   | 15 Nov 2023 | 700         | deleted in January, so not counted                 |
    | P7   | not there   | 900         | created on 16 November and lost on 17 November     |
    """
    w = World(today="2024-02-15")
    w.people("Ann", "Bob")
    w.deal("A", "2024-02-01", owner="Ann", amount=90, probability_override="0.25", expected_close="2024-03-01")
    w.deal("B", "2024-02-01", owner="Bob", amount=200, expected_close="2024-03-01").on("2024-02-02", stage="Demo")
    w.deal("C", "2024-02-01", owner="Bob", amount=1000, expected_close="2024-06-01")
    w.deal("P1", "2023-10-05", amount=100).won("2023-12-01", amount=70)
    w.deal("P2", "2023-11-01", amount=300).lost("2023-12-15", amount=0)
    w.deal("P3", "2023-11-01", amount=100).won("2024-01-10")
    w.deal("P4", "2023-08-01", amount=100).won("2023-09-10")
    w.deal("P5", "2021-11-01", amount=5000).lost("2021-12-01")
    w.deal("P6", "2023-11-01", amount=700).deleted("2024-01-02")
    w.deal("P7", "2023-11-16", amount=900).lost("2023-11-17")
    return w


def test_weighted_by_stage_and_by_the_owners_odds(odds: World) -> None:
    """90 x 10 % + 200 x 50 % = 109; with the own 25 % of A 22.50 + 100 = 122.50, and B takes its stage's."""
    session = odds.session()
    assert ask(session, "weighted_pipeline", period=Q1) == 109
    answer = query(session, BOSS, "weighted_pipeline.override", period=Q1)
    assert str(answer.value()) == "122.5000"
    assert "1 of 2 deals without a probability of their own, by that of the stage" in answer.notes[0]


def test_weighted_by_history(odds: World) -> None:
    """New: P1 and P4 of P1 to P4, 200 / 600; nothing ever stood in Demo, so B takes its stage's: 90 / 3 + 100 = 130."""
    session = odds.session()
    answer = query(session, BOSS, "weighted_pipeline.history", period=Q1)
    assert str(answer.value()) == "130.0000"
    assert "1 of 2 deals in a stage without such a history, by its probability" in answer.notes[0]
    assert by(session, "weighted_pipeline.history", "owner", period=Q1) == {"Ann": 30, "Bob": 100}
    rows = drill(session, BOSS, "weighted_pipeline.history", period=Q1).to_pylist()
    assert [(row["name"], row["value"]) for row in rows] == [("A", 300_000), ("B", 1_000_000)]


def test_history_of_the_next_quarter_and_of_all_time(odds: World) -> None:
    """C should close next quarter, which begins in 46 days. 46 days before the last eight quarters P4 (for October 2023) and P5
    (for January 2022) stood in New, and neither was won in the quarter that followed: 0. All time has no period before it, so
    the stages' odds: 9 + 100 + 100."""
    session = odds.session()
    assert ask(session, "weighted_pipeline.history", period="2024-Q2") == 0
    assert ask(session, "weighted_pipeline.history") == 209


def test_history_by_month_is_of_months(odds: World) -> None:
    """March begins in 15 days. 15 days before each of the last eight months that have ended, June 2023 to January 2024:

    | evening | for       | stood in New                        | won in that month |
    | 17 Dec  | January   | P3 100                              | P3 100            |
    | 16 Nov  | December  | P1 100, P2 300, P3 100, P7 900      | P1 100            |
    | 17 Oct  | November  | P1 100                              |                   |
    | 17 Aug  | September | P4 100                              | P4 100            |

    300 of 1,700: A is worth 90 x 3 / 17 = 15.8824, B 100. In February nothing should close.
    """
    rows = query(
        odds.session(), BOSS, "weighted_pipeline.history", period="month", from_="2024-02", to="2024-03"
    ).to_pylist()  # fmt: skip
    assert [str(row["weighted_pipeline.history"]) for row in rows] == ["0.0000", "115.8824"]


def test_odds_take_the_rate_of_their_evening() -> None:
    """10 EUR at 1.10 on 15 November won, 10 USD lost: 11 / 21 of 42 USD."""
    w = World(today=MIDDLE)
    w.rate("EUR", "2023-01-01", "1.10")
    w.rate("EUR", "2023-11-16", "2")
    w.deal("A", "2024-02-01", amount=42, expected_close="2024-03-01")
    w.deal("P", "2023-11-01", amount=10, currency="EUR").won("2023-12-01")
    w.deal("Q", "2023-11-01", amount=10).lost("2023-12-01")
    assert ask(w.session(), "weighted_pipeline.history", period=Q1) == 22


# Coverage -------------------------------------------------------------------------------------------------------------------


def test_coverage_needed_is_of_the_last_four_closed_periods() -> None:
    """22 won and 78 lost in 2023 need 4.55 times. Neither the running quarter nor the fifth one back counts."""
    w = World(today=MIDDLE)
    w.deal("W", "2023-01-01", amount=22).won("2023-02-01")
    w.deal("L", "2023-01-01", amount=78).lost("2023-12-31")
    w.deal("now", "2024-01-01", amount=500).won("2024-02-01")
    w.deal("before", "2022-01-01", amount=500).won("2022-12-31")
    session = w.session()
    assert round(ask(session, "pipeline_coverage.needed", period=Q1), 2) == 4.55
    next_one = ask(session, "pipeline_coverage.needed", period="2024-Q2")  # this quarter has not ended
    assert round(next_one, 2) == 4.55
    last = query(session, BOSS, "pipeline_coverage.needed", period="quarter", from_="2023-Q4", to=Q1).to_pylist()
    assert [round(row["pipeline_coverage.needed"], 2) for row in last] == [1.0, 4.55]  # 2022-Q4 to 2023-Q3: only wins
    before = query(session, BOSS, "pipeline_coverage.needed", period="2023-Q4", compare="previous").to_pylist()[0]
    assert before["pipeline_coverage.needed__previous"] == 1.0  # 2022-Q3 to 2023-Q2
    assert ask(session, "pipeline_coverage.needed") is None  # nothing is before all time


# Efficiency ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def yields() -> Any:
    """Three months, the first quarter of 2024.

    | deal | owner | created | amount | now                   |
    | A    | Ann   | 5 Jan   | 100    | won 20 Jan            |
    | B    | Ann   | 10 Jan  | 300    | won 10 Feb            |
    | C    | Bob   | 15 Jan  | 100    | lost 1 Mar            |
    | D    | Bob   | 1 Feb   | 500    | open                  |

    Spent in January: 60 on sales, 40 on marketing, 900 on service; in February 25 on sales.
    """
    w = World(today="2024-03-31")
    w.people("Ann", "Bob")
    w.deal("A", "2024-01-05", owner="Ann", amount=100).won("2024-01-20")
    w.deal("B", "2024-01-10", owner="Ann", amount=300).won("2024-02-10")
    w.deal("C", "2024-01-15", owner="Bob", amount=100).lost("2024-03-01", amount=0)
    w.deal("D", "2024-02-01", owner="Bob", amount=500)
    w.cost("2024-01-01", 60)
    w.cost("2024-01-01", 40, "marketing")
    w.cost("2024-01-01", 900, "service")
    w.cost("2024-02-01", 25)
    return w.session()


def test_yield_of_the_created_cohort(yields: Any) -> None:
    """January created 500, of which 400 is won; February 500, nothing yet; March nothing. The quarter 400 / 1,000."""
    months = {"period": "month", "from_": "2024-01", "to": "2024-03"}
    rows = query(yields, BOSS, "pipeline_efficiency", **months).to_pylist()
    assert [row["pipeline_efficiency"] for row in rows] == [0.8, 0.0, None]
    assert ask(yields, "pipeline_efficiency", period=Q1) == 0.4
    assert query(yields, BOSS, "pipeline_efficiency", period=Q1).to_pylist()[0]["pipeline_efficiency__decided"] == 500
    assert ask(yields, "pipeline_efficiency", period=Q1, as_of="2024-01-31") == 0.2  # 100 / 500
    assert by(yields, "pipeline_efficiency", "owner", period=Q1) == {"Ann": 1.0, "Bob": 0.0}


def test_won_of_what_was_open_and_created(yields: Any) -> None:
    """February: 300 won of 400 open on 31 January and 500 created: 1 / 3. March: nothing of 600. The quarter: 400 / 1,000."""
    rows = query(yields, BOSS, "pipeline_efficiency.opening", period="month", from_="2024-02", to="2024-03").to_pylist()
    assert [row["pipeline_efficiency.opening"] for row in rows] == [pytest.approx(1 / 3, rel=1e-12), 0.0]
    assert ask(yields, "pipeline_efficiency.opening", period=Q1) == 0.4
    found = drill(yields, BOSS, "pipeline_efficiency.opening", period="2024-02")
    assert found.totals == {"won": 3_000_000, "opening": 4_000_000, "created": 5_000_000}


def test_won_per_cost(yields: Any) -> None:
    """January: 400 for 100, service is no sales cost. February 0 for 25. March cost nothing: no value."""
    rows = query(
        yields, BOSS, "pipeline_efficiency.per_cost", period="month", from_="2024-01", to="2024-03"
    ).to_pylist()  # fmt: skip
    assert [row["pipeline_efficiency.per_cost"] for row in rows] == [4.0, 0.0, None]
    with pytest.raises(UsageError, match="costs cannot be split by 'owner'"):
        by(yields, "pipeline_efficiency.per_cost", "owner", period=Q1)


# Care -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def care() -> World:
    """Asked on 31 March. Four visits of New have ended, after 5, 10, 20 and 40 days: p75 is row ceil(3) = 20 days.

    | deal | in    | since  | last activity                       | days | next step | close date | stale | kept |
    | O1   | New   | 1 Mar  |                                     | 30   | yes       | 30 Apr     | yes   |      |
    | O2   | New   | 1 Jan  | call held on 20 March               | 11   | yes       | 30 Apr     |       | yes  |
    | O3   | New   | 11 Mar |                                     | 20   |           | 30 Apr     |       |      |
    | O4   | New   | 1 Mar  | a machine's e-mail, a booked call   | 30   | yes       | 30 Apr     | yes   |      |
    | O5   | Demo  | 1 Feb  | (no visit of Demo has ended)        | 59   | yes       | 1 Mar      |       |      |
    | O6   | New   | 25 Mar |                                     | 6    | yes       | 31 Mar     |       | yes  |
    """
    w = World(today="2024-03-31")
    w.people("Ann", "Bob")
    for days, day in ((5, "2023-01-06"), (10, "2023-01-11"), (20, "2023-01-21"), (40, "2023-02-10")):
        w.deal(f"H{days}", "2023-01-01", owner="Ann").lost(day)
    later: dict[str, Any] = {"next_step": "call", "expected_close": "2024-04-30"}
    w.deal("O1", "2024-03-01", owner="Ann", amount=100, **later)
    w.deal("O2", "2024-01-01", owner="Ann", amount=200, **later)
    w.deal("O3", "2024-03-11", owner="Ann", amount=300, expected_close="2024-04-30")
    w.deal("O4", "2024-03-01", owner="Bob", amount=400, **later)
    w.deal("O5", "2024-02-01", owner="Bob", amount=500, stage="Demo", next_step="call", expected_close="2024-03-01")
    w.deal("O6", "2024-03-25", owner="Bob", amount=600, next_step="call", expected_close="2024-03-31")
    w.activity("O2", "2024-03-20")
    w.activity("O2", "2024-01-05")
    w.activity("O4", "2024-03-30", "email_out", automatic=True)
    w.activity("O4", "2024-03-29", "call", "booked")
    return w


def test_stale_deals(care: World) -> None:
    """O1 and O4, 2 of 6, worth 500; O3 waits exactly 20 days, which is not longer."""
    session = care.session()
    assert ask(session, "stale_opportunities", period=Q1) == 2
    assert ask(session, "stale_opportunities.share", period=Q1) == pytest.approx(2 / 6, rel=1e-12)
    assert ask(session, "stale_opportunities.value", period=Q1) == 500
    assert by(session, "stale_opportunities", "owner", period=Q1) == {"Ann": 1, "Bob": 1}
    assert by(session, "stale_opportunities", "stage", period=Q1) == {"New": 2, "Demo": 0}
    assert [row["name"] for row in drill(session, BOSS, "stale_opportunities", period=Q1).to_pylist()] == ["O1", "O4"]


def test_every_evening_has_its_own_stale_deals(care: World) -> None:
    """29 February: O2 was last called 55 days before. 31 January: 26 days before. On 31 January 2023 three visits had ended,
    5, 10 and 20 days: nobody had waited longer than 20 but H40, who was in New for 30 days. It never adds up over time."""
    session = care.session()
    answer = query(session, BOSS, "stale_opportunities", period="month", from_="2024-01", to="2024-03")
    assert [row["stale_opportunities"] for row in answer.to_pylist()] == [1, 1, 2]
    assert any("never adds up over time" in note for note in answer.notes)
    assert ask(session, "stale_opportunities", period="2023-01") == 1
    assert ask(session, "stale_opportunities", as_of="2023-01-06") == 0  # 5 days, as the only visit that has ended
    assert ask(session, "stale_opportunities", as_of="2023-01-07") == 3


def test_upkeep(care: World) -> None:
    """O2 and O6 of six: O6 is due on the day itself. O1 and O4 are stale, O3 has no next step, the date of O5 is past."""
    session = care.session()
    row = query(session, BOSS, "pipeline_efficiency.upkeep", period=Q1).to_pylist()[0]
    parts = ("kept", "open", "without_next_step", "date_past_or_none", "stale")
    assert [row[f"pipeline_efficiency.upkeep__{part}"] for part in parts] == [2, 6, 1, 1, 2]
    assert by(session, "pipeline_efficiency.upkeep", "owner", period=Q1) == {
        "Ann": pytest.approx(1 / 3), "Bob": pytest.approx(1 / 3),
    }  # fmt: skip


# Time in stage ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visits() -> World:
    """Visits of New that began in January 2024, asked on 31 March: 5, 10, 20 days, and one that lasts for 80 days already.
    The deal of 5 days came back to New in February, for 3 days."""
    w = World(today="2024-03-31")
    w.people("Ann", "Bob")
    w.deal("A", "2024-01-01", owner="Ann").on("2024-01-06", stage="Demo").on("2024-02-01", stage="New").won(
        "2024-02-04"
    )
    w.deal("B", "2024-01-01", owner="Ann").on("2024-01-11", stage="Demo")
    w.deal("C", "2024-01-01", owner="Bob").lost("2024-01-21")
    w.deal("D", "2024-01-11", owner="Bob")
    return w


def test_time_in_stage(visits: World) -> None:
    """S = 3/4, 2/4 at 10 days, 1/4 at 20. Of those that ended: rows ceil(3 / 2) and ceil(9 / 4) of 5, 10, 20."""
    session = visits.session()
    january = {"period": "2024-01", "where": "stage = 'New'"}
    assert ask(session, "time_in_stage_days", **january) == 10
    assert ask(session, "time_in_stage_days.p75", **january) == 20
    assert ask(session, "time_in_stage_days.completed", **january) == 10
    assert ask(session, "time_in_stage_days.completed_p75", **january) == 20
    # February: A came back to New for 3 days. In Demo since January: A 26 days; B, 80 days, still there: S = 1/2 at 26.
    assert by(session, "time_in_stage_days", "stage", period="2024-02") == {"New": 3}
    assert by(session, "time_in_stage_days", "stage", period="2024-01") == {"New": 10, "Demo": 26}
    assert by(session, "time_in_stage_days", "owner", period=Q1) == {"Ann": 10, "Bob": 20}  # 3, 5, 10, 26, 80+; 20, 80+


def test_a_stay_that_lasts_is_no_short_stay(visits: World) -> None:
    """On 12 January A and B have left New, after 5 and 10 days; C is there for 11 days, D for 1: S(5) = 2/3, S(10) = 1/3.
    A day before B leaves, half of the four may still stay: no value, and it is said why."""
    session = visits.session()
    question = {"period": "2024-01", "where": "stage = 'New'"}
    assert ask(session, "time_in_stage_days", as_of="2024-01-12", **question) == 10
    assert ask(session, "time_in_stage_days.p75", as_of="2024-01-12", **question) is None
    assert ask(session, "time_in_stage_days.completed_p75", as_of="2024-01-12", **question) == 10
    assert ask(session, "time_in_stage_days", as_of="2024-01-10", **question) is None
    told = explain(session, BOSS, "time_in_stage_days", as_of="2024-01-10", **question)
    assert "may still last longer" in str(told.empty_reason)


# Slips ----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def due() -> World:
    """What should close in the first quarter on the eve of it, and what became of it by 31 March.

    | deal | owner | amount | date on the eve | afterwards                                             | slipped | or past | pushes |
    | A    | Ann   | 100    | 28 Feb          | moved to 15 April on 1 February                        | yes     | yes     | 1      |
    | B    | Ann   | 200    | 1 Mar           | won on 1 March                                         |         |         |        |
    | C    | Ann   | 300    | 31 Mar          | open                                                   |         | yes     |        |
    | D    | Bob   | 400    | 10 Feb          | moved to 20 March on 10 January, to 30 June on 1 March | yes     | yes     | 2      |
    | E    | Bob   | 50     | 20 Mar          | moved to 5 April and back, then lost on 25 March       |         |         | 1      |
    | H    | Bob   | 150    | 1 Mar           | the date was emptied on 1 February                     | yes     | yes     |        |

    F came on 5 January, G should close in the second quarter: neither was due.
    """
    w = World(today="2024-04-30")
    w.people("Ann", "Bob")
    for name, owner, amount, day in (
        ("A", "Ann", 100, "2024-02-28"), ("B", "Ann", 200, "2024-03-01"), ("C", "Ann", 300, "2024-03-31"),
        ("D", "Bob", 400, "2024-02-10"), ("E", "Bob", 50, "2024-03-20"), ("H", "Bob", 150, "2024-03-01"),
        ("G", "Bob", 999, "2024-06-30"),
    ):  # fmt: skip
        w.deal(name, "2023-12-01", owner=owner, amount=amount, expected_close=day)
    w.deal("F", "2024-01-05", owner="Ann", amount=999, expected_close="2024-02-01").on(
        "2024-01-20", expected_close="2024-05-01"
    )
    w.deals["A"].on("2024-02-01", expected_close="2024-04-15", amount=7777)
    w.deals["B"].won("2024-03-01")
    w.deals["D"].on("2024-01-10", expected_close="2024-03-20").on("2024-03-01", expected_close="2024-06-30")
    w.deals["E"].on("2024-02-01", expected_close="2024-04-05").on("2024-02-02", expected_close="2024-03-20")
    w.deals["E"].lost("2024-03-25")
    w.deals["H"].on("2024-02-01", expected_close=None)
    return w


def test_slip_rate(due: World) -> None:
    """A, D and H of six, 650 of 1,200 by what they were worth on the eve; with C, whose date is past, 4 and 950."""
    session = due.session()
    assert ask(session, "slip_rate", period=Q1) == 0.5
    assert ask(session, "slip_rate.value", period=Q1) == pytest.approx(650 / 1200, rel=1e-12)
    assert ask(session, "slip_rate.or_past", period=Q1) == pytest.approx(4 / 6, rel=1e-12)
    assert ask(session, "slip_rate.or_past_value", period=Q1) == pytest.approx(950 / 1200, rel=1e-12)
    assert ask(session, "slip_rate.pushes", period=Q1) == 4
    assert by(session, "slip_rate", "owner", period=Q1) == {"Ann": pytest.approx(1 / 3), "Bob": pytest.approx(2 / 3)}
    assert by(session, "slip_rate.pushes", "owner", period=Q1) == {"Ann": 1, "Bob": 3}


def test_slips_of_a_running_quarter_and_of_months(due: World) -> None:
    """On 15 February A and H have left the quarter. In February A and D were due: A left it, D had left before it began."""
    session = due.session()
    assert ask(session, "slip_rate", period=Q1, as_of="2024-02-15") == pytest.approx(2 / 6, rel=1e-12)
    assert ask(session, "slip_rate.pushes", period=Q1, as_of="2024-02-15") == 3
    rows = query(session, BOSS, "slip_rate,slip_rate.pushes", period="month", from_="2024-02", to="2024-03").to_pylist()
    assert [row["slip_rate__due"] for row in rows] == [1, 4]  # A; B, C, D, E (H has no date any more)
    assert [row["slip_rate"] for row in rows] == [1.0, 0.25]
    assert [row["slip_rate.pushes"] for row in rows] == [1, 1]


def test_what_was_not_due_cannot_slip(due: World) -> None:
    """A quarter that begins after the day of the question has no eve yet."""
    session = due.session()
    assert ask(session, "slip_rate", period="2024-Q2", as_of="2024-03-30") is None
    reason = explain(session, BOSS, "slip_rate", period="2024-Q2", as_of="2024-03-30").empty_reason
    assert "there are no deals open on the eve" in str(reason)
    found = drill(session, BOSS, "slip_rate", period=Q1)
    assert found.totals == {"slipped": 3, "due": 6}


def test_a_deleted_deal_neither_slips_nor_was_due(due: World) -> None:
    """D deleted in April: asked then 2 of 5, asked as of March still 3 of 6."""
    due.deals["D"].deleted("2024-04-10")
    session = due.session()
    assert ask(session, "slip_rate", period=Q1) == 0.4
    assert ask(session, "slip_rate", period=Q1, as_of="2024-03-31") == 0.5
