"""Scores by source, object and owner; who sees what; what is left out when tables are absent."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from salesops.common.errors import NotFound, UsageError
from salesops.sources.quality import queries

BOSS = SimpleNamespace(person=None, sees_all=True)
ANN, BOB, CEO = 11, 12, 10


@pytest.fixture
def company(world: Any) -> Any:
    """Ann and Bob report to the boss; each has two deals, and one of Ann's was won without a close date."""
    for person, name in ((ANN, "Ann"), (BOB, "Bob"), (CEO, "Boss")):
        world.add("person", person, name=name, email=f"{name.lower()}@acme.com")
        world.add(
            "reporting_closure", ancestor=person, person=person, depth=0, valid_from=dt.date.min, valid_to=dt.date.max
        )
    for person in (ANN, BOB):
        world.add(
            "reporting_closure", ancestor=CEO, person=person, depth=1, valid_from=dt.date.min, valid_to=dt.date.max
        )
    world.add("opportunity", 1, owner=ANN, status="won", name="A")
    world.add("opportunity", 2, owner=ANN, status="won", name="B", actual_close="2024-02-01")
    world.add("opportunity", 3, owner=BOB, status="lost", name="C", actual_close="2024-02-01")
    world.add("opportunity", 4, owner=BOB, status="lost", name="D")
    for record, system in ((1, "crm"), (2, "crm"), (3, "crm"), (4, "sheet")):
        world.add("source_system", record, entity="opportunity", system=system)
    return world


def test_a_score_is_the_share_that_keeps_the_rule(company: Any) -> None:
    result = queries.check(company, BOSS, rule="opportunity.closed_without_date").results[0]
    assert (result.checked, result.failing, result.score) == (4, 2, 0.5)
    assert [(s.label, s.score) for s in result.by_owner] == [("Ann", 0.5), ("Bob", 0.5)]
    assert [(s.label, s.checked, s.failing) for s in result.by_system] == [("crm", 3, 1), ("sheet", 1, 1)]


def test_scores_add_up_over_entities_dimensions_and_owners(company: Any) -> None:
    report = queries.check(company, BOSS)
    for scores in (report.by_entity, report.by_dimension, report.by_owner, report.by_system):
        assert sum(s.checked for s in scores) == report.overall.checked
        assert sum(s.failing for s in scores) == report.overall.failing
    assert not [r.left_out for r in report.results if r.left_out]


def test_a_rep_sees_their_own_a_manager_those_below(company: Any) -> None:
    def seen(person: int | None) -> set[int]:
        actor = SimpleNamespace(person=person, sees_all=False)
        return {i.id for i in queries.issues(company, actor, "opportunity.closed_without_date").rows}

    assert seen(ANN) == {1}
    assert seen(BOB) == {4}
    assert seen(CEO) == {1, 4}
    assert seen(None) == set()


def test_the_list_comes_in_pages(company: Any) -> None:
    first = queries.issues(company, BOSS, "opportunity.closed_without_date", limit=1)
    second = queries.issues(company, BOSS, "opportunity.closed_without_date", limit=1, offset=1)
    assert (first.total, [i.id for i in first.rows], [i.id for i in second.rows]) == (2, [1], [4])
    assert first.rows[0].owner_name == "Ann"


def test_freshness_counts_days_since_the_last_change(company: Any) -> None:
    found = {(f.system, f.entity): (f.records, f.days) for f in queries.check(company, BOSS).freshness}
    assert found == {("crm", "opportunity"): (3, 29), ("sheet", "opportunity"): (1, 29)}


def test_without_source_systems_everything_else_still_works(company: Any) -> None:
    company.con.execute("DROP TABLE source_system")
    report = queries.check(company, BOSS, entity="opportunity")
    assert report.freshness == ()
    assert [s.label for s in report.by_system] == ["(none)"]


def test_a_rule_without_its_tables_is_left_out_with_a_reason(company: Any) -> None:
    company.con.execute("DROP TABLE employment")
    result = queries.check(company, BOSS, rule="opportunity.owner_had_left").results[0]
    assert result.left_out == "there is no table employment"
    assert result.score is None


def test_deleted_records_and_later_versions_are_not_looked_at(company: Any) -> None:
    company.add("opportunity", 5, owner=ANN, status="won", deleted=True)
    company.add("opportunity", 6, owner=ANN, status="won", day_from="2024-07-01")
    assert queries.check(company, BOSS, rule="opportunity.closed_without_date").results[0].checked == 4


def test_unknown_rules_entities_and_pages_are_refused(world: Any) -> None:
    with pytest.raises(NotFound):
        queries.check(world, BOSS, rule="opportunity.nonsense")
    with pytest.raises(NotFound):
        queries.check(world, BOSS, entity="spaceship")
    with pytest.raises(UsageError):
        queries.issues(world, BOSS, "opportunity.unchanged", limit=-1)
