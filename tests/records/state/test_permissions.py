"""Whatever a rep or manager asks, nothing outside their scope comes back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.records.state.company import Company, put_change, rolled_back

from salesops.common.errors import NotAllowed, NotFound
from salesops.records import access, actions, queries, scope
from salesops.records.access import Actor
from salesops.records.entities import entity

PEOPLE = ("Vera", "Mark", "Ann", "Bob", "Zoe")
people = st.sampled_from(PEOPLE)
START = date(2017, 1, 1)
days = st.integers(1, 300)
lines = st.lists(st.tuples(people, people, days, st.integers(1, 300)), max_size=5)
deals = st.lists(
    st.tuples(people, st.none() | st.tuples(people, days), st.none() | days), min_size=1, max_size=4
)  # first owner, a later owner from a day on, the day it was won


def day(number: int) -> date:
    return START + timedelta(days=number)


def above(held: list[tuple[str, str, int, int]], boss: str, person: str, when: date) -> bool:
    """The plain reading: is `boss` the person, or above them on that day?"""
    seen, level = {person}, {person}
    while level:
        level = {m for p, m, start, length in held if p in level and day(start) <= when < day(start + length)} - seen
        seen |= level
    return boss in seen


@pytest.fixture
def flat(company: Company) -> Company:
    """The company before anybody reports to anybody."""
    for row in queries.list_records(company.owner, "reporting_line").rows:
        actions.delete_record(company.owner, "reporting_line", row["id"])
    return company


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines, deals)
def test_scope_is_what_the_rule_says(flat: Company, held: Any, found: Any) -> None:
    company = flat
    held = [line for line in held if line[0] != line[1]]
    with rolled_back():
        for person, manager, start, length in held:
            span = {"valid_from": day(start), "valid_to": day(start + length)}
            actions.create_record(
                company.owner, "reporting_line", {"person": person, "manager": manager, "kind": "line", **span}
            )
        expected: dict[str, set[str]] = {name: set() for name in PEOPLE}
        for number, (first, later, won) in enumerate(found):
            name = f"D{number}"
            record = actions.create_record(
                company.owner, "opportunity", {"name": name, "owner": first, "created": START}, effective=START
            )
            owner, then = first, first
            if later:
                owner = later[0]
                actions.edit_record(company.owner, "opportunity", record, {"owner": owner}, effective=day(later[1]))
                then = owner if won is not None and later[1] <= won else first
            if won is not None:
                closing = {"stage": company.stages["won"], "actual_close": day(won)}
                actions.edit_record(company.owner, "opportunity", record, closing, effective=day(won))
            today = company.workspace.today
            for reader in PEOPLE:
                if above(held, reader, owner, today) or (won is not None and above(held, reader, then, day(won))):
                    expected[reader].add(name)
        for reader in PEOPLE:
            assert set(company.names(company.user(reader.lower()))) == expected[reader], reader


@pytest.fixture
def everything(company: Company) -> Company:
    """One record of every entity that belongs to Zoe, in one way or another."""
    owner = company.owner
    account = actions.create_record(owner, "account", {"name": "Secret account", "owner": "Zoe"})
    contact = actions.create_record(owner, "contact", {"name": "Secret contact", "account": account})
    lead = actions.create_record(owner, "lead", {"name": "Secret lead", "owner": "Zoe"})
    deal = company.deal("Secret deal", "Zoe", account=account)
    order = actions.create_record(owner, "order", {"number": "Secret order", "account": account})
    invoice = actions.create_record(owner, "invoice", {"number": "Secret invoice", "order": order})
    at = {"at": "2017-03-01"}
    for name, columns in (
        ("opportunity_line", {"opportunity": deal}),
        ("opportunity_split", {"opportunity": deal, "person": "Zoe"}),
        ("opportunity_contact", {"opportunity": deal, "contact": contact}),
        ("stage_event", {"opportunity": deal, **at}),
        ("activity", {"owner": "Zoe", "subject": "Secret", "opportunity": deal, "visibility": "all", **at}),
        ("engagement_event", {"lead": lead, **at}),
        ("time_report", {"person": "Zoe", **at}),
        ("campaign_member", {"contact": contact, **at}),
        ("consent", {"lead": lead, **at}),
        ("order_line", {"order": order}),
        ("invoice_line", {"invoice": invoice}),
        ("payment", {"invoice": invoice, **at}),
        ("subscription", {"account": account}),
        ("cost", {"person": "Zoe", "amount": "1", **at}),
        ("target", {"person": "Zoe", "amount": "1"}),
        ("forecast_call", {"person": "Zoe", "amount": "1", **at}),
    ):
        actions.create_record(owner, name, columns)
    return company


def test_no_query_gives_a_rep_what_is_somebody_elses(everything: Company) -> None:
    closed = [name for name, one in scope.SCOPES.items() if not one.open]
    for reader in ("ann", "mark", "bob", "vera"):
        actor = everything.user(reader)
        for name in closed:
            record = queries.list_records(everything.owner, name).rows[0]["id"]
            assert queries.list_records(actor, name).total == 0, name
            assert queries.list_records(actor, name, deleted=True, as_of=date.today()).total == 0, name
            assert queries.list_records(actor, name, where=f"id = '{record}'").total == 0, name
            for ask in (queries.show_record, queries.history_of, actions.edit_record, actions.delete_record):
                given = ({"created": None},) if ask is actions.edit_record else ()
                with pytest.raises((NotFound, NotAllowed)):
                    ask(actor, name, record, *given)  # type: ignore[operator]
            kind = entity(name)
            assert not kind.model.objects.filter(scope.visible_filter(actor, kind)).exists()
            if kind.label_field and kind.shape == "versioned":
                assert queries.find(actor, name, "Secret") == []
    for name in closed:
        assert queries.list_records(everything.user("zoe"), name).total == 1, name


def test_labels_and_filters_do_not_tell_either(everything: Company) -> None:
    mine = everything.deal("Mine", "Ann")
    secret = queries.show_record(everything.owner, "account", "Secret account").id
    actions.edit_record(everything.owner, "opportunity", mine, {"account": secret})
    ann = everything.user("ann")
    shown = queries.show_record(ann, "opportunity", mine)
    assert "Secret" not in shown.text(entity("opportunity").by_name["account"])
    assert queries.list_records(ann, "opportunity", where="account = 'Secret account'").total == 0
    with pytest.raises(NotFound):
        queries.show_record(ann, "account", "Secret account")


def test_a_made_up_actor_gets_nothing(everything: Company) -> None:
    for actor in (Actor("ghost", frozenset({"owner"})), Actor("ann", frozenset({"king"})), Actor("ann", frozenset())):
        with pytest.raises(NotAllowed):
            queries.list_records(actor, "opportunity")
        with pytest.raises(NotAllowed):
            actions.create_record(actor, "account", {"name": "X"})


def test_an_import_can_hand_a_deal_over_and_back(company: Company) -> None:
    """Ownership in history that came with an import counts like any other."""
    deal = company.deal("A", "Ann")
    when = queries.history_of(company.owner, "opportunity", deal)[0]["effective"]
    put_change(deal, "owner", str(company.people["Zoe"]), when + 1, when + 1)
    assert (company.names(company.user("ann")), company.names(company.user("zoe"))) == ([], ["A"])
    assert access.may(company.user("zoe"), "edit", "opportunity")
