"""Credit, quotas and who they belong to."""

from __future__ import annotations

from typing import Any

import pytest
from tests.metrics.build import BOSS, World, d

from salesops.metrics.query import query

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


def test_quotas_take_the_plan_rate_credits_the_spot_rate() -> None:
    """1,000 EUR at plan 1.10; 500 EUR won at spot 1.20: 600 / 1,100."""
    w = World(today="2024-12-31")
    w.people("Ann")
    w.rate("EUR", "2023-12-01", "1.20")
    w.rate("EUR", "2023-12-01", "1.10", "plan")
    w.quota("Ann", "2024-01-01", "2024-03-31", 1000, currency="EUR")
    w.deal("A", "2024-01-01", owner="Ann", amount=500, currency="EUR").won(d("2024-02-01"))
    found = row(w.session())[0]
    assert (found["quota_attainment__credited"], found["quota_attainment__quota"]) == (600, 1100)
