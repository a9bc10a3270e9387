"""Every metric and variant, worked by hand on a few deals; and the worked figures of the definitions."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.metrics.build import BOSS, World

from salesops.metrics.catalogue import asked, every
from salesops.metrics.query import query

Q1 = "2024-Q1"


def ask(session: Any, metric: str, **question: Any) -> Any:
    """The value of one metric in one cell."""
    return query(session, BOSS, [metric], **question).value()


def by(session: Any, metric: str, dimension: str, **question: Any) -> dict[str, Any]:
    """The values of one metric by one dimension."""
    rows = query(session, BOSS, [metric], by=dimension, **question).to_pylist()
    return {row[dimension]: row[metric] for row in rows}


@pytest.fixture(scope="module")
def small() -> Any:
    """Six deals of Ann and Bob.

    | deal | owner | created | first contact | qualified | closed           | amount | type      | account |
    | A    | Ann   | 1 Jan   |               | 5 Jan     | 11 Jan won       | 100    | new       | Acme    |
    | B    | Ann   | 1 Jan   | 31 Dec        |           | 20 Jan won       | 300    | expansion | Acme    |
    | C    | Bob   | 1 Jan   |               |           | 31 Jan lost, 0   | 200    | new       | Beta    |
    | D    | Bob   | 10 Jan  |               | 20 Jan    | 9 Feb won        | 60     | new       | Beta    |
    | E    | Ann   | 1 Feb   |               |           | open, 15 Mar     | 500    | new       | Acme    |
    | F    | Bob   | 15 Feb  |               | 1 Mar     | open, 15 Apr     | 40     |           |         |
    """
    w = World(today="2024-03-31")
    w.people("Ann", "Bob")
    w.thing("account", "Acme", industry="Steel")
    w.thing("account", "Beta", industry="Shoes")
    w.deal("A", "2024-01-01", owner="Ann", amount=100, type="new", account="Acme").on("2024-01-05", stage="Demo").won(
        "2024-01-11"
    )
    w.deal(
        "B", "2024-01-01", owner="Ann", amount=300, type="expansion", account="Acme", first_contact="2023-12-31"
    ).won("2024-01-20")  # fmt: skip
    w.deal("C", "2024-01-01", owner="Bob", amount=200, type="new", account="Beta").lost("2024-01-31", amount=0)
    w.deal("D", "2024-01-10", owner="Bob", amount=60, type="new", account="Beta").on("2024-01-20", stage="Demo").won(
        "2024-02-09"
    )
    w.deal("E", "2024-02-01", owner="Ann", amount=500, type="new", account="Acme", expected_close="2024-03-15")
    w.deal("F", "2024-02-15", owner="Bob", amount=40, expected_close="2024-04-15").on("2024-03-01", stage="Demo")
    w.quota("Ann", "2024-01-01", "2024-03-31", 500)
    w.quota("Bob", "2024-01-01", "2024-03-31", 60)
    w.lead("l1", "2024-01-02", "2024-01-09", "A", owner="Ann")
    w.lead("l2", "2024-01-03", owner="Ann")
    w.lead("l3", "2024-02-03", "2024-04-09", "X", owner="Bob")
    w.events("1", "2024-01-01 a", "2024-01-03T12 b")
    w.events("2", "2024-01-01 a", "2024-01-02 a", "2024-01-09 b")
    w.events("3", "2024-02-05 a")
    return w.session()


def test_win_rate(small: Any) -> None:
    """Won A, B, D; lost C: 3 / 4. By value 460 / 660; of the created cohort 3 / 6."""
    assert ask(small, "win_rate", period=Q1) == 0.75
    assert ask(small, "win_rate.value", period=Q1) == pytest.approx(460 / 660, rel=1e-12)
    assert ask(small, "created_win_rate", period=Q1) == 0.5
    row = query(small, BOSS, "win_rate.created_win_rate", period=Q1).to_pylist()[0]
    assert row["win_rate.created_win_rate__decided"] == 4  # maturity 4 of 6
    assert by(small, "win_rate", "owner", period=Q1) == {"Ann": 1.0, "Bob": 0.5}


def test_bookings_and_counts(small: Any) -> None:
    """January 400, February 60, March nothing: 0, not unknown."""
    rows = query(
        small, BOSS, "bookings,won_deals,lost_deals,created_deals", period="month", from_="2024-01", to="2024-03"
    ).to_pylist()
    assert [row["bookings"] for row in rows] == [400, 60, 0]
    assert [row["won_deals"] for row in rows] == [2, 1, 0]
    assert [row["lost_deals"] for row in rows] == [1, 0, 0]
    assert [row["created_deals"] for row in rows] == [4, 2, 0]
    assert ask(small, "created_deals.value", period=Q1) == 1200


def test_growth_is_a_comparison(small: Any) -> None:
    """February 60 after January 400: -85 %."""
    rows = query(small, BOSS, "bookings", period="month", from_="2024-01", to="2024-02", compare="previous").to_pylist()
    assert [row["bookings__previous"] for row in rows] == [0, 400]
    assert [row["bookings__change"] for row in rows] == [None, -0.85]


def test_average_deal_size(small: Any) -> None:
    """New business A and D: 80. All won 460 / 3. First wins A (Acme) and D (Beta): 80. Any: 1,200 / 6."""
    assert ask(small, "average_deal_size", period=Q1) == 80
    assert ask(small, "average_deal_size.all_won", period=Q1) == pytest.approx(460 / 3, rel=1e-12)
    assert ask(small, "average_deal_size.first_win", period=Q1) == 80
    assert ask(small, "average_deal_size.any", period=Q1) == 200


@pytest.fixture(scope="module")
def contracts() -> Any:
    """Lines of deals won in March 2024; EUR are worth 1.2 USD.

    | deal | line                                           | a year                                   |
    | A    | licence 3,600 for 36 months, recurring         | 1,200                                    |
    | A    | support 100 for 7 months, recurring by product | 100 x 12 / 7 = 171.4286                  |
    | A    | set-up 5,000                                   | not recurring                            |
    | B    | 2 licences at 600 less 10 %, 12 months, in EUR | 1,080 EUR = 1,296                        |
    | C    | set-up 9,000                                   | nothing recurring: not counted           |
    | D    | licence 500 without a term                     | unknown: left out                        |
    | E    | licence 700 for 12 months, not won             | not counted                              |
    """
    w = World(today="2024-03-31")
    w.rate("EUR", "2023-12-01", "1.2")
    w.thing("product", "support", recurring=True)
    w.deal("A", "2024-01-01").won("2024-03-01")
    w.line("A", "licence", 3600, recurring=True, term_months=36)
    w.line("A", "support", 100, term_months=7)
    w.line("A", "set-up", 5000)
    w.deal("B", "2024-01-01", currency="EUR").won("2024-03-02")
    w.line("B", "licence", None, quantity=20_000, price=6_000_000, discount=100_000, recurring=True, term_months=12)
    w.deal("C", "2024-01-01").won("2024-03-03")
    w.line("C", "set-up", 9000)
    w.deal("D", "2024-01-01").won("2024-03-04")
    w.line("D", "licence", 500, recurring=True)
    w.deal("E", "2024-01-01")
    w.line("E", "licence", 700, recurring=True, term_months=12)
    return w.session()


def test_annual_contract_value(contracts: Any) -> None:
    """A 1,371.4286 and B 1,296: 2,667.4286 / 2."""
    answer = query(contracts, BOSS, "average_deal_size.acv", period=Q1)
    row = answer.to_pylist()[0]
    assert str(row["average_deal_size.acv__value"]) == "2667.4286"
    assert (row["average_deal_size.acv__value__n"], row["average_deal_size.acv__value__out"]) == (2, 1)
    assert answer.value() == pytest.approx(2667.4286 / 2, rel=1e-12)
    assert "1 left out of value: a recurring line has no net price, term or rate" in answer.notes[0]


def test_a_line_in_another_currency_than_its_deal_is_converted() -> None:
    """100 EUR a year at 1.2, in a deal and a company of USD."""
    w = World(today="2024-03-31")
    w.rate("EUR", "2023-12-01", "1.2")
    w.deal("A", "2024-01-01").won("2024-03-01")
    w.line("A", "licence", 100, recurring=True, term_months=12, currency="EUR")
    assert ask(w.session(), "average_deal_size.acv", period=Q1) == 120


def test_annual_contract_value_by_product(contracts: Any) -> None:
    """Licences 1,200 of A and 1,296 of B; support 171.4286 of A. It adds up."""
    rows = query(contracts, BOSS, "average_deal_size.acv", by="product", period=Q1).to_pylist()
    found = {row["product"]: str(row["average_deal_size.acv__value"]) for row in rows if row["average_deal_size.acv"]}
    assert found == {"licence": "2496.0000", "support": "171.4286"}


def test_average_deal_size_falls_back_and_says_so() -> None:
    """Nobody says which deals are new business."""
    w = World()
    w.deal("A", "2024-01-01", amount=10).won("2024-01-05")
    answer = query(w.session(), BOSS, "average_deal_size", period=Q1)
    assert answer.value() == 10
    assert "all won deals are counted" in answer.notes[0]


def test_sales_cycle(small: Any) -> None:
    """A 10 days, B 20 (19 from creation), D 30; C took 30 to be lost. Qualified to won: A 6, D 20."""
    assert ask(small, "sales_cycle_days", period=Q1) == 20
    assert ask(small, "sales_cycle_days.median", period=Q1) == 20
    assert ask(small, "sales_cycle_days.created_to_won", period=Q1) == pytest.approx(59 / 3, rel=1e-12)
    assert ask(small, "sales_cycle_days.created_to_won_median", period=Q1) == 19
    assert ask(small, "sales_cycle_days.qualified_to_won", period=Q1) == 13
    assert ask(small, "sales_cycle_days.qualified_to_won_median", period=Q1) == 6  # row ceil(2 / 2) of 6, 20
    assert ask(small, "sales_cycle_days.closed", period=Q1) == 22.5
    assert ask(small, "sales_cycle_days.closed_median", period=Q1) == 20  # row ceil(4 / 2) of 10, 20, 30, 30
    notes = query(small, BOSS, "sales_cycle_days", period=Q1).notes
    assert "2 of 3 deals without a first contact, counted from creation" in notes[0]


def test_kaplan_meier(small: Any) -> None:
    """Times 10, 20 (won), 30 (C lost, D won), 45 (F open), 59 (E open); S = 5/6, 4/6, then 3/6 at 30 days."""
    assert ask(small, "sales_cycle_days.km", period=Q1) == 30
    # Any close: at 30 days two of the four left are closed: 4/6 x 2/4 = 1/3.
    assert ask(small, "sales_cycle_days.km_any_close", period=Q1) == 30
    # From creation: 10, 19 (won), 30 (C lost, D won), 45, 59: the same. Qualified: A 6, D 20 (won), F 30 (open): 2/3, 1/3.
    assert ask(small, "sales_cycle_days.created_to_won_km", period=Q1) == 30
    assert ask(small, "sales_cycle_days.qualified_to_won_km", period=Q1) == 20
    notes = query(small, BOSS, "sales_cycle_days.qualified_to_won_km", period=Q1).notes
    assert any("3 left out of median: no qualified stage was entered" in note for note in notes)
    w = World(today="2024-01-31")
    w.deal("A", "2024-01-01").won("2024-01-11")
    w.deal("B", "2024-01-01")
    w.deal("C", "2024-01-01")
    assert ask(w.session(), "sales_cycle_days.km") is None  # S stays at 2/3


def test_kaplan_meier_by_owner_and_by_month(small: Any) -> None:
    """Ann: 10, 20 won, 59 open: 2/3, 1/3. Bob: 30 lost and won, 45 open: won 2/3; any close 1/3 at 30. In February only E and F."""
    assert by(small, "sales_cycle_days.km", "owner", period=Q1) == {"Ann": 20, "Bob": None}
    assert by(small, "sales_cycle_days.km_any_close", "owner", period=Q1) == {"Ann": 20, "Bob": 30}
    rows = query(small, BOSS, "sales_cycle_days.km", period="month", from_="2024-01", to="2024-02").to_pylist()
    assert [row["sales_cycle_days.km"] for row in rows] == [20, None]  # A, B, C, D: 3/4, 2/4 at 20 days
    assert ask(small, "sales_cycle_days.km", period=Q1, as_of="2024-01-31") == 20  # only A, B, C and D were there


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sales_cycle_days_km", "sales_cycle_days.km"),
        ("sales_cycle_days_km.any_close", "sales_cycle_days.km_any_close"),
        ("created_win_rate", "win_rate.created_win_rate"),
    ],
)
def test_names_of_terms_md_that_look_like_metrics(name: str, meant: str) -> None:
    """Are variants of one."""
    assert asked(name).name == meant


def test_negative_cycle_is_left_out_and_counted() -> None:
    """First contact after the close."""
    w = World()
    w.deal("A", "2024-01-01", first_contact="2024-02-01").won("2024-01-05")
    w.deal("B", "2024-01-01").won("2024-01-03")
    answer = query(w.session(), BOSS, "sales_cycle_days", period=Q1)
    assert answer.value() == 2
    assert any("1 left out of days: the cycle would be negative" in note for note in answer.notes)


def test_velocity(small: Any) -> None:
    """n = 3 won + 1 lost + 2 open = 6; 6 x 153.33 x 0.75 / 20 = 34.50 a day. Closed: 4 x 153.33 x 0.75 / 22.5."""
    assert ask(small, "sales_velocity", period=Q1) == pytest.approx(6 * 460 / 3 * 0.75 / 20, rel=1e-12)
    assert ask(small, "sales_velocity.closed", period=Q1) == pytest.approx(4 * 460 / 3 * 0.75 / 22.5, rel=1e-12)
    row = query(small, BOSS, "sales_velocity", period=Q1).to_pylist()[0]
    assert [row[f"sales_velocity__{one}"] for one in ("won", "closed", "open", "days")] == [3, 4, 2, 60]


def test_open_pipeline(small: Any) -> None:
    """E should close in the first quarter, F in the second; both are open on 31 March. Weighted: 10 % and 50 %."""
    assert ask(small, "open_pipeline", period=Q1) == 500
    assert ask(small, "open_pipeline.count", period=Q1) == 1
    assert ask(small, "open_pipeline", period="2024-Q2") == 40
    assert ask(small, "open_pipeline.all_open", period=Q1) == 540
    assert ask(small, "open_pipeline.all_open_count", period=Q1) == 2
    assert ask(small, "open_pipeline.all_open_count", period=Q1, as_of="2024-01-31") == 1  # D
    assert ask(small, "weighted_pipeline", period=Q1) == 50
    assert ask(small, "weighted_pipeline") == 70


def test_open_pipeline_by_month_is_never_added_up(small: Any) -> None:
    """Evenings of 31 January (D), 29 February and 31 March (E, F)."""
    answer = query(small, BOSS, "open_pipeline.all_open", period="month", from_="2024-01", to="2024-03")
    assert [row["open_pipeline.all_open"] for row in answer.to_pylist()] == [60, 540, 540]
    assert any("never adds up over time" in note for note in answer.notes)


def test_attainment(small: Any) -> None:
    """Ann 400 / 500, Bob 60 / 60: team 460 / 560, one of two at quota; remaining quota 100 against 500 open."""
    assert by(small, "quota_attainment", "owner", period=Q1) == {"Ann": 0.8, "Bob": 1.0}
    assert ask(small, "quota_attainment", period=Q1) == pytest.approx(460 / 560, rel=1e-12)
    assert ask(small, "quota_attainment_rate", period=Q1) == 0.5
    assert ask(small, "pipeline_coverage", period=Q1) == 5.0
    assert ask(small, "pipeline_coverage.full_quota", period=Q1) == pytest.approx(500 / 560, rel=1e-12)
    assert ask(small, "pipeline_coverage.needed", period="2024-Q2") == pytest.approx(660 / 460, rel=1e-12)
    assert by(small, "pipeline_coverage", "owner", period=Q1) == {"Ann": 5.0, "Bob": None}  # Bob: reached


def test_stage_conversion(small: Any) -> None:
    """New: all six entered; A, B, D won and F moved on: 4 / 6. Demo: A, D, F, and B passed it: 3 / 4. Offer: 3 / 3."""
    assert by(small, "stage_conversion", "stage", period=Q1) == {
        "New": pytest.approx(4 / 6),
        "Demo": 0.75,
        "Offer": 1.0,
    }
    # Period flow of February and March: New held C no more, so E and F entered; F moved on. Demo held D; F entered; D won.
    flow = by(small, "stage_conversion.period_flow", "stage", from_="2024-02-01", to="2024-03-31")
    assert flow == {"New": 0.5, "Demo": 0.5}


def test_the_leak_is_the_stage_where_most_is_lost(small: Any) -> None:
    """C was lost in New with its last amount, 200, though its close says 0."""
    assert by(small, "stage_conversion.leak", "stage", period=Q1) == {"New": 200, "Demo": 0, "Offer": 0}


def test_lead_conversion(small: Any) -> None:
    """l1 of three; l3 converts after the as-of day, and counts when asked later."""
    assert ask(small, "lead_conversion", period=Q1) == pytest.approx(1 / 3, rel=1e-12)
    assert ask(small, "created_leads", period=Q1) == 3
    assert ask(small, "lead_conversion", period=Q1, as_of="2024-04-30") == pytest.approx(2 / 3, rel=1e-12)


def test_lead_conversion_in_the_other_two_kinds_of_funnel(small: Any) -> None:
    """Created: two in January, one in February. Converted: l1 on 9 January, l3 on 9 April."""
    months = {"period": "month", "from_": "2024-01", "to": "2024-04", "as_of": "2024-04-30"}
    rows = query(small, BOSS, "lead_conversion.active,lead_conversion.end_snapshot", **months).to_pylist()
    active = [tuple(row[f"lead_conversion.active__{part}"] for part in ("converted", "created")) for row in rows]
    assert active == [(1, 2), (0, 1), (0, 0), (1, 0)]
    assert [row["lead_conversion.active"] for row in rows] == [0.5, 0.0, None, None]
    held = [tuple(row[f"lead_conversion.end_snapshot__{part}"] for part in ("converted", "leads")) for row in rows]
    assert held == [(1, 2), (1, 3), (1, 3), (2, 3)]
    assert ask(small, "lead_conversion.active", period=Q1) == pytest.approx(1 / 3, rel=1e-12)
    assert by(small, "lead_conversion.end_snapshot", "owner", period="2024-Q2", as_of="2024-04-30") == {
        "Ann": 0.5,
        "Bob": 1.0,
    }


def test_a_conversion_without_a_time_counts_on_the_day_its_deal_was_entered() -> None:
    """Nobody said when; a lead that was deleted counts nowhere."""
    w = World(today="2024-06-30")
    for name in ("l1", "l2"):
        w.lead(name, "2024-01-02", "2024-02-09", "A")
    for one in w.rows["lead"]:
        one.pop("converted_at", None)
        one.pop("converted_on", None)
        one["deleted"] = one["name"] == "l2" and "converted_opportunity" in one
    session = w.session()
    rows = query(session, BOSS, "lead_conversion.active", period="month", from_="2024-01", to="2024-02").to_pylist()
    assert [row["lead_conversion.active__converted"] for row in rows] == [0, 1]
    assert ask(session, "lead_conversion.active") == 1.0


def test_case_duration(small: Any) -> None:
    """2.5, 8 and 0 days: mean 3.5, median row ceil(3 / 2) = 2.5. Deals' stages: A 10, B 19, C 30, D 30, E 0, F 15."""
    assert ask(small, "case_duration_days") == 3.5
    assert ask(small, "case_duration_days.median") == 2.5
    assert ask(small, "cases") == 3
    assert ask(small, "case_duration_days.stages") == pytest.approx(104 / 6, rel=1e-12)
    assert ask(small, "case_duration_days.stages_median") == 15
    assert ask(small, "cases.stages") == 6


def test_rework_share(small: Any) -> None:
    """Case 2 of three goes through a twice. Of deals: X went back to New and Y saved Demo twice."""
    assert ask(small, "rework_share") == pytest.approx(1 / 3, rel=1e-12)
    assert ask(small, "rework_share.stages") == 0
    w = World()
    w.deal("X", "2024-01-01").on("2024-01-02", stage="Demo").on("2024-01-03", stage="New").won("2024-01-05")
    w.deal("Y", "2024-01-01").on("2024-01-02", stage="Demo").on("2024-01-03", stage="Demo").won("2024-01-05")
    assert ask(w.session(), "rework_share.stages") == 0.5


def test_every_metric_and_variant_is_asked_in_this_folder() -> None:
    """So that a new one is not forgotten."""
    text = "".join(one.read_text(encoding="utf-8") for one in Path(__file__).parent.glob("test_*.py"))
    missing = [one.name for one in every() if one.name not in text and one.variant.name not in text]
    assert missing == []


# Worked figures of the definitions ----------------------------------------------------------------------------------------


def test_100_created_3_won_7_lost_90_open() -> None:
    """30 % against 3 %."""
    w = World(today="2024-03-31")
    for n in range(100):
        deal = w.deal(f"D{n}", "2024-01-01")
        if n < 10:
            (deal.won if n < 3 else deal.lost)("2024-02-01")
    row = query(w.session(), BOSS, "win_rate,created_win_rate", period=Q1).to_pylist()[0]
    assert (row["win_rate"], row["win_rate.created_win_rate"]) == (0.3, 0.03)


def test_velocity_2777_78_a_day() -> None:
    """40 deals x 25,000 x 0.25 / 90 days."""
    w = World(today="2024-06-30")
    for n in range(40):
        deal = w.deal(f"D{n}", "2024-01-01", amount=25_000)
        if n < 5:
            deal.won("2024-03-31")
        elif n < 20:
            deal.lost("2024-03-31")
    answer = query(w.session(), BOSS, "sales_velocity", period="2024-Q1")
    assert round(answer.value(), 2) == 2777.78


def test_coverage_3x_and_4_55x() -> None:
    """4.8 M of open pipeline against 1.6 M of quota; a value win rate of 22 % in the quarters before needs 4.55 times."""
    w = World(today="2024-01-31")
    w.people("Ann")
    w.deal("A", "2024-01-01", owner="Ann", amount=4_800_000, expected_close="2024-03-01")
    w.quota("Ann", "2024-01-01", "2024-03-31", 1_600_000)
    assert ask(w.session(), "pipeline_coverage", period=Q1) == 3.0
    w = World()
    w.deal("W", "2024-01-01", amount=22).won("2024-02-01")
    w.deal("L", "2024-01-01", amount=78).lost("2024-02-01")
    assert round(ask(w.session(), "pipeline_coverage.needed", period="2024-Q2"), 2) == 4.55


def test_money_is_exact() -> None:
    """Ten million deals' worth of a third of a cent would not survive in a float; the answer is a decimal."""
    w = World()
    w.deal("A", "2024-01-01", amount="900000000000.0001").won("2024-01-05")
    w.deal("B", "2024-01-01", amount="0.0001").won("2024-01-05")
    assert ask(w.session(), "bookings") == Decimal("900000000000.0002")
