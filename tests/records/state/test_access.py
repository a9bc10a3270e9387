"""Who sees and may do what."""

from __future__ import annotations

from datetime import date

import pytest
from tests.records.state.company import Company

from salesops.common.errors import NotAllowed, NotFound
from salesops.records import access, actions, actions_users, queries, scope
from salesops.records.entities import entities, entity


def test_everybody_sees_their_own_and_managers_what_lies_below(company: Company) -> None:
    company.deal("A", "Ann")
    company.deal("B", "Bob")
    company.deal("Z", "Zoe")
    expected = {"ann": ["A"], "bob": ["B"], "mark": ["A", "B"], "vera": ["A", "B"], "zoe": ["Z"]}
    assert {name: company.names(company.user(name)) for name in expected} == expected
    for role in ("ops", "finance", "auditor", "engineer", "exec", "admin"):
        assert company.names(company.user(role)) == ["A", "B", "Z"]


def test_a_move_never_rewrites_who_sees_what_was_won(company: Company) -> None:
    """Ann wins a deal in March 2017 under Mark; in 2018 she moves to Zoe's team, and hands her deals to Bob."""
    won = company.deal("Won", "Ann")
    actions.edit_record(
        company.owner,
        "opportunity",
        won,
        {"stage": company.stages["won"], "actual_close": "2017-03-15", "amount": "1000"},
        effective=date(2017, 3, 15),
    )
    line = next(
        row
        for row in queries.list_records(company.owner, "reporting_line").rows
        if row["person"] == company.people["Ann"]
    )
    actions.end_record(company.owner, "reporting_line", line["id"], date(2018, 1, 1))
    actions.create_record(
        company.owner,
        "reporting_line",
        {"person": "Ann", "manager": "Zoe", "kind": "line", "valid_from": "2018-01-01"},
    )
    actions.edit_record(company.owner, "opportunity", won, {"owner": "Bob"}, effective=date(2018, 2, 1))
    assert company.names(company.user("ann")) == ["Won"]  # the owner at the close
    assert company.names(company.user("bob")) == ["Won"]  # the owner of now
    assert company.names(company.user("mark")) == ["Won"]  # above Ann in March 2017, and above Bob now
    assert company.names(company.user("zoe")) == []  # above Ann now, not when she won it
    shown = queries.show_record(company.owner, "opportunity", won, as_of=date(2017, 12, 31))
    assert shown.values["owner"] == company.people["Ann"]
    with pytest.raises(NotAllowed):
        actions.edit_record(company.user("ann"), "opportunity", won, {"amount": "1"})


def test_what_has_no_owner_takes_the_sight_of_what_it_belongs_to(company: Company) -> None:
    deal = company.deal("A", "Ann")
    product = actions.create_record(company.owner, "product", {"name": "GTX"})
    actions.create_record(
        company.owner, "opportunity_line", {"opportunity": deal, "product": product, "quantity": "2", "amount": "10.50"}
    )
    account = actions.create_record(company.owner, "account", {"name": "Nobody's"})
    actions.edit_record(company.owner, "opportunity", deal, {"account": account})
    for name, seen in (("ann", 1), ("mark", 1), ("bob", 0), ("zoe", 0)):
        assert queries.list_records(company.user(name), "opportunity_line").total == seen
        assert queries.list_records(company.user(name), "account").total == seen
    contact = actions.create_record(company.owner, "contact", {"name": "Chris", "account": account})
    assert queries.show_record(company.user("ann"), "contact", contact).values["name"] == "Chris"
    with pytest.raises(NotFound):
        queries.show_record(company.user("bob"), "contact", contact)


def test_what_is_not_listed_nobody_sees(company: Company) -> None:
    assert set(scope.SCOPES) == set(entities()), "every entity has said how it is reached"
    stranger = access.Actor("ann", frozenset())
    assert scope.visible_sql(stranger, entity("opportunity"), "v") == scope.NOBODY


@pytest.mark.parametrize("reader", ["ann", "bob", "mark", "exec", "ops", "auditor"])
def test_pay_fields_are_masked(company: Company, reader: str) -> None:
    job = actions.create_record(
        company.owner,
        "employment",
        {"person": "Ann", "role": "AE", "grade": "L3", "pay_currency": "PLN", "cost_centre": "4711"},
    )
    shown = queries.show_record(company.user(reader), "employment", job).values
    hidden = {"grade", "pay_currency", "cost_centre"}
    assert all((shown[name] == access.MASKED) == (reader != "ann") for name in hidden)
    assert shown["role"] == "AE"
    if reader != "ann":
        listing = queries.list_records(company.user(reader), "employment")
        assert listing.rows[0]["grade"] == access.MASKED
        with pytest.raises(NotAllowed):
            queries.list_records(company.user(reader), "employment", where="grade = 'L3'")
        with pytest.raises(NotAllowed):
            queries.list_records(company.user(reader), "employment", order="-grade")
        assert "L3" not in str(queries.history_of(company.user(reader), "employment", job))
    assert queries.show_record(company.user("finance"), "employment", job).values["grade"] == "L3"


def test_an_inactive_user_may_do_nothing(company: Company) -> None:
    ann = company.user("ann")
    actions_users.deactivate_user(company.owner, "ann")
    with pytest.raises(NotAllowed):
        queries.list_records(ann, "opportunity")
    with pytest.raises(NotAllowed):
        company.user("ann")
    with pytest.raises(NotAllowed):
        company.user("nobody")


@pytest.mark.parametrize("role", access.ROLES)
def test_the_table_of_permissions_holds_in_actions(company: Company, role: str) -> None:
    name = f"one-{role}"
    actions_users.create_user(company.owner, name, roles=role)
    actor = company.user(name)
    account = {"name": "X"}
    if role in ("owner", "admin", "ops"):
        assert actions.create_record(actor, "account", account)
    else:  # managers and reps without a person own nothing; the rest may not write accounts
        with pytest.raises(NotAllowed):
            actions.create_record(actor, "account", account)
    if role in ("owner", "admin", "ops", "finance"):
        assert actions.create_record(actor, "product", {"name": "P"})
    else:
        with pytest.raises(NotAllowed):
            actions.create_record(actor, "product", {"name": "P"})
    if role not in ("owner", "admin"):
        with pytest.raises(NotAllowed):
            actions_users.create_user(actor, "new")


def test_a_rep_creates_for_themselves_only(company: Company) -> None:
    ann = company.user("ann")
    mine = actions.create_record(ann, "lead", {"name": "Lee"})
    assert queries.show_record(ann, "lead", mine).values["owner"] == company.people["Ann"]
    with pytest.raises(NotAllowed):
        actions.create_record(ann, "lead", {"name": "Kim", "owner": "Zoe"})
    with pytest.raises(NotAllowed):
        actions.delete_record(ann, "lead", mine)
    assert queries.list_records(company.owner, "lead").total == 1


def test_private_activities_keep_their_content(company: Company) -> None:
    given = {"kind": "call", "owner": "Ann", "subject": "Salary", "visibility": "private", "at": "2017-03-01 10:00"}
    actions.create_record(company.owner, "activity", given)
    assert queries.list_records(company.user("ann"), "activity").rows[0]["subject"] == "Salary"
    for reader in ("mark", "ops", "finance"):
        assert queries.list_records(company.user(reader), "activity").rows[0]["subject"] == access.MASKED
    assert queries.list_records(company.user("bob"), "activity").total == 0
