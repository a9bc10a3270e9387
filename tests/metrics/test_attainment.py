"""Credit, quotas and who they belong to."""

from __future__ import annotations

from typing import Any

import pytest
from tests.metrics.build import BOSS, World

from salesops.metrics.drill import drill
from salesops.metrics.explain import explain
from salesops.metrics.query import query
from salesops.output import write_answer

Q1 = "2024-Q1"


def row(session: Any, **question: Any) -> list[dict[str, Any]]:
    """Attainment rows of the first quarter."""
    return query(session, BOSS, "quota_attainment", period=Q1, **question).to_pylist()


@pytest.fixture
def world() -> World:
    """Ann and Bob with 100 each."""
    w = World(today="2024-12-31")
    w.people("Ann", "Bob", "Eve")
    w.quota("Ann", "2024-01-01", "2024-03-31", 100)
    w.quota("Bob", "2024-01-01", "2024-03-31", 100)
    return w


def test_splits_divide_the_credit_without_losing_a_unit(world: World) -> None:
    """A third each of 0.0001 x 100,000 + 1: the parts add up; the owner, who has no part, has no credit."""
    world.deal("A", "2024-01-01", owner="Eve", amount="10.0001").won("2024-02-01")
    world.split("A", "Ann", "0.333333")
    world.split("A", "Bob", "0.666667")
    found = {one["owner"]: one["quota_attainment__credited"] for one in row(world.session(), by="owner")}
    assert sum(found.values()) == row(world.session())[0]["quota_attainment__credited"]
    assert {name: str(value) for name, value in found.items()} == {"Ann": "3.3334", "Bob": "6.6667"}


def test_overlay_counts_for_the_person_never_for_a_total(world: World) -> None:
    """Bob helps with half of Ann's deal."""
    world.deal("A", "2024-01-01", owner="Ann", amount=80).won("2024-02-01")
    world.split("A", "Bob", "0.5", "overlay")
    found = {one["owner"]: one["quota_attainment"] for one in row(world.session(), by="owner")}
    assert found == {"Ann": 0.8, "Bob": 0.4}
    assert row(world.session())[0]["quota_attainment"] == 0.4  # 80 / 200


def test_drafts_nulls_and_zeros_are_no_quota(world: World) -> None:
    """Eve has a draft, a zero and an empty one."""
    world.quota("Eve", "2024-01-01", "2024-03-31", 100, status="draft")
    world.quota("Eve", "2024-01-01", "2024-03-31", 0)
    world.quota("Eve", "2024-01-01", "2024-03-31", None)
    found = row(world.session())[0]
    assert (found["quota_attainment__quota"], found["quota_attainment__quota__n"]) == (200, 2)
    assert (
        query(world.session(), BOSS, "quota_attainment_rate", period=Q1).to_pylist()[0][
            "quota_attainment_rate__bearing"
        ]
        == 2
    )


def test_a_team_has_its_members_quotas_by_days(world: World) -> None:
    """Ann is in Red for 31 of 91 days, then in Blue: 34.0659 and 65.9341 of her 100."""
    world.member("Red", "Ann", None, "2024-02-01")
    world.member("Blue", "Ann", "2024-02-01")
    found = {one["team"]: str(one["quota_attainment__quota"]) for one in row(world.session(), by="team")}
    assert found == {"Red": "34.0659", "Blue": "65.9341", "(none)": "100.0000"}


def test_prorated_by_days_employed_less_long_leave(world: World) -> None:
    """Ann joined on 1 February (60 of 91 days); Bob was away for 45 days, a fortnight would not count."""
    ann, bob = world.ids("person", "Ann"), world.ids("person", "Bob")
    world.interval("employment", "2024-02-01", person=ann)
    world.interval("employment", None, person=bob)
    world.interval("absence", "2024-01-01", "2024-02-15", person=bob, kind="parental")
    world.interval("absence", "2024-03-01", "2024-03-15", person=bob, kind="leave")
    answer = query(world.session(), BOSS, "quota_attainment.prorated", by="owner", period=Q1).to_pylist()
    found = {one["owner"]: str(one["quota_attainment.prorated__quota"]) for one in answer}
    assert found == {"Ann": "65.9341", "Bob": "50.5495"}


def test_a_year_and_its_quarters_are_not_counted_twice(world: World) -> None:
    """Ann has a year's quota beside the quarter's: the year asks for the year's, the quarter for the quarter's."""
    world.quota("Ann", "2024-01-01", "2024-12-31", 400)
    session = world.session()
    year = query(session, BOSS, "quota_attainment", by="owner", period="2024").to_pylist()
    assert {one["owner"]: int(one["quota_attainment__quota"]) for one in year} == {"Ann": 400, "Bob": 100}
    quarter = row(session, by="owner")
    assert {one["owner"]: int(one["quota_attainment__quota"]) for one in quarter} == {"Ann": 100, "Bob": 100}


# In which currency ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def abroad() -> World:
    """A company that reports in USD.

    | who | quota     | won in the quarter      | spot on that day                  | plan rate |
    | Ann | 1,000 EUR | 600 EUR, 440 USD        | 1 EUR = 1.25 USD, 1 USD = 0.8 EUR | 1.10 USD  |
    | Bob | 500 USD   | 200 EUR                 | the same                          |           |
    | Cid | 100 GBP   | 125 EUR                 | 1 GBP = 1.5 USD, so 0.666.. GBP   | 1.40 USD  |
    """
    w = World(today="2024-12-31")
    w.people("Ann", "Bob", "Cid")
    w.rate("EUR", "2023-12-01", "1.25")
    w.rate("GBP", "2023-12-01", "1.5")
    w.rate("USD", "2023-12-01", "0.8", to="EUR")
    w.rate("USD", "2023-12-01", "0.6666666667", to="GBP")
    w.rate("EUR", "2023-12-01", "1.10", "plan")
    w.rate("GBP", "2023-12-01", "1.40", "plan")
    w.quota("Ann", "2024-01-01", "2024-03-31", 1000, currency="EUR")
    w.quota("Bob", "2024-01-01", "2024-03-31", 500, currency="USD")
    w.quota("Cid", "2024-01-01", "2024-03-31", 100, currency="GBP")
    w.deal("A", "2024-01-01", owner="Ann", amount=600, currency="EUR").won("2024-02-01")
    w.deal("B", "2024-01-01", owner="Ann", amount=440, currency="USD").won("2024-02-02")
    w.deal("C", "2024-01-01", owner="Bob", amount=200, currency="EUR").won("2024-02-03")
    w.deal("D", "2024-01-01", owner="Cid", amount=125, currency="EUR").won("2024-02-04")
    return w


def money(one: dict[str, Any], name: str = "quota_attainment") -> tuple[str, str, str]:
    """Currency, credited and quota of a row."""
    return one[f"{name}__currency"], str(one[f"{name}__credited"]), str(one[f"{name}__quota"])


def test_one_person_is_measured_in_the_currency_of_the_quota(abroad: World) -> None:
    """Ann 600 + 440 x 0.8 of 1,000 EUR; Bob 200 x 1.25 of 500 USD; Cid 125 EUR = 156.25 USD = 104.1667 of 100 GBP."""
    found = {one["owner"]: one for one in row(abroad.session(), by="owner")}
    assert money(found["Ann"]) == ("EUR", "952.0000", "1000.0000")
    assert money(found["Bob"]) == ("USD", "250.0000", "500.0000")
    assert money(found["Cid"]) == ("GBP", "104.1667", "100.0000")
    assert [found[name]["quota_attainment"] for name in ("Ann", "Bob")] == [0.952, 0.5]
    prorated = query(abroad.session(), BOSS, "quota_attainment.prorated", by="owner", period=Q1).to_pylist()
    assert money(prorated[0], "quota_attainment.prorated") == ("EUR", "952.0000", "1000.0000")


def test_it_stays_so_in_whatever_currency_the_question_is_asked(abroad: World) -> None:
    """Asked in EUR or GBP, the answer by person is the same: only the sum of all three is in the asked currency."""
    session = abroad.session()
    answers = [row(session, by="owner", currency=code) for code in ("USD", "EUR", "GBP")]
    assert (
        [money(one) for one in answers[0]] == [money(one) for one in answers[1]] == [money(one) for one in answers[2]]
    )
    assert row(session, currency="EUR")[0]["quota_attainment__currency"] == "EUR"


def test_a_sum_over_currencies_takes_the_plan_rate_for_quotas_and_the_spot_rate_for_credits(abroad: World) -> None:
    """(600 + 200 + 125) x 1.25 + 440 = 1,596.25 of 1,000 x 1.10 + 500 + 100 x 1.40 = 1,740 USD."""
    answer = query(abroad.session(), BOSS, "quota_attainment", period=Q1)
    assert money(answer.to_pylist()[0]) == ("USD", "1596.2500", "1740.0000")
    assert "1 with quotas in several currencies, in USD: quotas at the plan rate" in answer.notes[0]


def test_a_group_with_quotas_in_one_currency_is_in_that_currency(abroad: World) -> None:
    """A team of Ann alone, a total filtered to her, and a team of two whose quotas are both in EUR."""
    abroad.member("Red", "Ann")
    abroad.member("Blue", "Bob")
    abroad.member("Blue", "Cid")
    session = abroad.session()
    answer = query(session, BOSS, "quota_attainment", by="team", period=Q1)
    teams = {one["team"]: money(one) for one in answer.to_pylist()}
    assert teams == {"Red": ("EUR", "952.0000", "1000.0000"), "Blue": ("USD", "406.2500", "640.0000")}
    assert "worked in the quota's currency where all quotas of a group are in one (EUR: 1)" in answer.notes[0]
    assert money(row(session, where={"owner": "Ann"})[0]) == ("EUR", "952.0000", "1000.0000")


def test_a_person_with_quotas_in_two_currencies_is_a_sum_over_currencies(abroad: World) -> None:
    """Bob moved in the quarter: 500 USD and 100 EUR at plan 1.10 = 610 USD."""
    abroad.quota("Bob", "2024-01-01", "2024-03-31", 100, currency="EUR")
    found = {one["owner"]: money(one) for one in row(abroad.session(), by="owner")}
    assert found["Bob"] == ("USD", "250.0000", "610.0000")


def test_quarters_with_quotas_in_different_currencies_each_take_their_own(abroad: World) -> None:
    """Ann's quota of the second quarter is in USD: 100 EUR won there are 125 of 1,000 USD."""
    abroad.quota("Ann", "2024-04-01", "2024-06-30", 1000, currency="USD")
    abroad.deal("E", "2024-01-01", owner="Ann", amount=100, currency="EUR").won("2024-05-01")
    found = query(abroad.session(), BOSS, "quota_attainment", period="quarter", from_="2024-Q1", to="2024-Q2",
                  where={"owner": "Ann"}).to_pylist()  # fmt: skip
    assert [money(one) for one in found] == [("EUR", "952.0000", "1000.0000"), ("USD", "125.0000", "1000.0000")]


def test_without_a_rate_of_two_currencies_the_reporting_one_is_between_them(abroad: World) -> None:
    """125 EUR to GBP: 1.25 x 0.6666666667 = 0.8333333334 GBP each. A direct rate goes first."""
    assert money(row(abroad.session(), by="owner")[2]) == ("GBP", "104.1667", "100.0000")
    abroad.rate("EUR", "2023-12-01", "0.9", to="GBP")
    assert money(row(abroad.session(), by="owner")[2]) == ("GBP", "112.5000", "100.0000")


def test_the_share_of_reps_at_quota_takes_the_same_figure_of_each(abroad: World) -> None:
    """Ann would reach 1,190 of 1,100 USD, but has 952 of 1,000 EUR; Bob is at half; Cid is over: 1 of 3."""
    found = query(abroad.session(), BOSS, "quota_attainment_rate", period=Q1).to_pylist()[0]
    assert (found["quota_attainment_rate__reached"], found["quota_attainment_rate__bearing"]) == (1, 3)
    by = query(abroad.session(), BOSS, "quota_attainment_rate", by="owner", period=Q1).to_pylist()
    assert {one["owner"]: one["quota_attainment_rate"] for one in by} == {"Ann": 0.0, "Bob": 0.0, "Cid": 1.0}


def test_its_records_and_its_explanation_are_in_that_currency_too(abroad: World) -> None:
    """Ann's two deals and her quota: 600 + 352 and 1,000 EUR."""
    session = abroad.session()
    records = drill(session, BOSS, "quota_attainment", cell={"owner": "Ann"}, period=Q1)
    assert (records.currency, records.totals) == ("EUR", {"credited": 9_520_000, "quota": 10_000_000})
    whole = drill(session, BOSS, "quota_attainment", period=Q1)
    assert (whole.currency, whole.totals) == ("USD", {"credited": 15_962_500, "quota": 17_400_000})
    told = explain(session, BOSS, "quota_attainment", cell={"owner": "Ann"}, period=Q1)
    assert {one.title: str(one.value) for one in told.inputs} == {
        "credited": "952.00 EUR", "quota": "1,000.00 EUR",
    }  # fmt: skip


def test_a_table_shows_each_amount_in_its_own_currency(abroad: World, capsys: pytest.CaptureFixture[str]) -> None:
    """As `metrics query --parts` prints it."""
    write_answer(query(abroad.session(), BOSS, "quota_attainment", by="owner", period=Q1), parts=True)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "2024-Q1 2024-01-01 2024-03-31 Ann 95.20 % EUR 952.00 EUR 2 0 1,000.00 EUR 1 0" in lines
