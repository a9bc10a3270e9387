"""What one person proposes and another decides: done only then, as proposed, and once; the database holds the rules, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.records.state.company import Company, rolled_back

from salesops.common.errors import Changed, Conflict, InvalidData, NotAllowed, NotFound
from salesops.records import access, actions, actions_erase, actions_targets, actions_users, approvals, audit, notices
from salesops.records.approvals import Waiting

EVERY = "erasure, roles, bulk_edit, import_undo, past_targets"


@pytest.fixture
def settings(company: Company) -> Iterator[Callable[..., None]]:
    """Write settings of the workspace; they are as before afterwards."""
    file = company.workspace.path / "salesops.toml"
    before = file.read_text()
    kept = "\n".join(line for line in before.splitlines() if not line.startswith("approval"))

    def said(**given: Any) -> None:
        file.write_text("\n".join([*(f"{name} = {json.dumps(value)}" for name, value in given.items()), kept]))

    said(approvals=EVERY, approvals_from_rows=3)
    yield said
    file.write_text(before)


def roles_of(username: str) -> str:
    from salesops.records.models import User

    return str(User.objects.get(username=username).roles)


def log() -> list[tuple[str, str]]:
    from salesops.records.models import AuditEntry

    return list(AuditEntry.objects.order_by("id").values_list("action", "user"))


def test_a_higher_role_is_given_by_two(company: Company, settings: Any) -> None:
    """The owner proposes, the admin approves; each may do only their part, and the log names both."""
    owner, admin, ops = (company.user(name) for name in ("owner", "admin", "ops"))
    waiting = actions_users.edit_user(owner, "zoe", roles="ops", note="She takes over the imports")
    assert isinstance(waiting, Waiting)
    assert waiting.approvers == ("admin",)
    assert roles_of("zoe") == "rep"

    with pytest.raises(NotAllowed, match="your own"):
        approvals.approve(owner, waiting.number)
    for reader in (ops, company.user("ann")):
        with pytest.raises(NotFound):
            approvals.approve(reader, waiting.number)
    assert approvals.waiting_for(admin) == 1
    seen = approvals.listed(admin, mine=True)[0]
    assert (seen["title"], seen["lines"], seen["note"]) == (
        "Change the account zoe", [["roles", "rep", "ops"]], "She takes over the imports",
    )  # fmt: skip

    approvals.approve(admin, waiting.number)
    assert roles_of("zoe") == "ops"
    assert log()[-2:] == [("approval.approve", "admin"), ("user.edit", "owner")]
    told = notices.unread(owner)
    assert [one["title"] for one in told] == ["Approved: Change the account zoe"]
    with pytest.raises(Conflict, match="approved already"):
        approvals.approve(admin, waiting.number)
    assert audit.verify().ok


def test_what_elevates_nobody_is_done_at_once(company: Company, settings: Any) -> None:
    """A name, a lower role, a new rep; but not an account with all records that is made active again."""
    owner = company.user("owner")
    assert actions_users.edit_user(owner, "zoe", name="Zoe Q.", roles="manager") is None
    assert actions_users.edit_user(owner, "exec", roles="rep") is None
    assert actions_users.create_user(owner, "new", roles="rep") is None
    assert actions_users.edit_user(owner, "finance", active=False) is None
    assert isinstance(actions_users.edit_user(owner, "finance", active=True), Waiting)
    assert isinstance(actions_users.create_user(owner, "second", roles="admin", password="long enough"), Waiting)
    from salesops.records.models import User

    assert not User.objects.filter(username="second").exists()


def test_declined_with_a_reason_and_withdrawn(company: Company, settings: Any) -> None:
    owner, admin = company.user("owner"), company.user("admin")
    first = actions_users.edit_user(owner, "zoe", roles="exec")
    assert first is not None
    with pytest.raises(InvalidData, match="with a reason"):
        approvals.decline(admin, first.number, " ")
    approvals.decline(admin, first.number, "She is a representative")
    assert notices.unread(owner)[0]["text"] == "By admin: She is a representative"
    second = actions_users.edit_user(owner, "zoe", roles="exec")
    assert second is not None
    with pytest.raises(NotAllowed):
        approvals.withdraw(admin, second.number)
    approvals.withdraw(owner, second.number)
    assert [row["status"] for row in approvals.listed(owner, "decided")] == ["withdrawn", "declined"]
    assert roles_of("zoe") == "rep"


def test_what_changed_meanwhile_is_stale_and_never_done(company: Company, settings: Any) -> None:
    """Proposed again it leans on what is now; the old one is replaced."""
    owner, admin = company.user("owner"), company.user("admin")
    first = actions_users.edit_user(owner, "zoe", roles="rep ops")
    assert first is not None
    actions_users.edit_user(owner, "zoe", roles="manager")
    assert approvals.show(admin, first.number)["stale"]
    with pytest.raises(Changed):
        approvals.approve(admin, first.number)
    assert roles_of("zoe") == "manager"
    again = actions_users.edit_user(admin, "zoe", roles="ops")
    assert isinstance(again, Waiting)
    assert approvals.show(owner, first.number)["status"] == "replaced"
    approvals.approve(owner, again.number)
    assert roles_of("zoe") == "ops"


def test_the_proposer_must_still_be_allowed(company: Company, settings: Any) -> None:
    """It is done with the roles that the proposer has at the approval."""
    owner, admin = company.user("owner"), company.user("admin")
    waiting = actions_users.edit_user(admin, "zoe", roles="exec")
    assert waiting is not None
    actions_users.edit_user(owner, "admin", roles="rep")
    with pytest.raises(NotAllowed):
        approvals.approve(owner, waiting.number)
    actions_users.deactivate_user(owner, "admin")
    with pytest.raises(NotAllowed, match="no active user"):
        approvals.approve(owner, waiting.number)
    assert roles_of("zoe") == "rep"
    approvals.decline(owner, waiting.number, "He has left")


def test_who_is_alone_approves_oneself_and_it_is_shown(company: Company, settings: Any) -> None:
    """Nobody else may approve: done at once, recorded as self-approved. So it is under the policy `self`."""
    owner = company.user("owner")
    actions_users.deactivate_user(owner, "admin")
    assert actions_users.edit_user(owner, "zoe", roles="ops") is None
    settings(approvals=EVERY, approval_policy="self")
    assert actions_users.create_user(owner, "second", roles="admin") is None
    rows = approvals.listed(owner, "decided")
    assert [(row["self_approved"], row["status"], row["decided_by"]) for row in rows] == [
        (True, "approved", "owner")
    ] * 2
    settings(approvals=EVERY, approval_policy="two_person")
    assert isinstance(actions_users.edit_user(owner, "ann", roles="ops"), Waiting)
    settings(approvals="none")
    assert actions_users.edit_user(owner, "bob", roles="ops") is None
    assert len(approvals.listed(owner, "all")) == 3


def test_an_erasure_waits_and_leaves_no_name_behind(company: Company, settings: Any) -> None:
    from salesops.records.models import ApprovalRequest, Notice

    owner, admin = company.user("owner"), company.user("admin")
    contact = actions.create_record(owner, "contact", {"name": "Quilla Vandermeer", "email": "q@vandermeer.example"})
    waiting = actions_erase.erase(admin, "contact", contact, confirm="Quilla Vandermeer")
    assert isinstance(waiting, Waiting)
    assert ("record.erase", "admin") not in log()
    actions.edit_record(owner, "contact", contact, {"title": "CEO"})
    with pytest.raises(Changed):
        approvals.approve(owner, waiting.number)
    waiting = actions_erase.erase(admin, "contact", contact, confirm="Quilla Vandermeer")
    assert isinstance(waiting, Waiting)
    done = approvals.approve(owner, waiting.number)
    assert done["record"] == contact
    kept = list(ApprovalRequest.objects.values_list("title", flat=True)) + list(
        Notice.objects.values_list("title", flat=True)
    )
    assert len(kept) == 3
    assert "Vandermeer" not in repr(kept)


def test_many_records_are_changed_by_two(company: Company, settings: Any) -> None:
    """Three of four would change: that is many here. One that changed meanwhile makes all of it stale."""
    owner, ops, rep = company.user("owner"), company.user("ops"), company.user("ann")
    deals = [company.deal(f"D{n}", "Ann", amount="100") for n in range(4)]
    assert actions.edit_records(owner, "opportunity", deals[:2], {"next_step": "Call"})[1] == 2  # type: ignore[index]
    with pytest.raises(Conflict, match="need approval"):
        actions.not_too_many(4)
    waiting = actions.edit_records(rep, "opportunity", deals, {"amount": "250.50", "next_step": "Call"})
    assert isinstance(waiting, Waiting)
    assert "ops" in waiting.approvers
    assert "ann" not in waiting.approvers
    row = approvals.show(ops, waiting.number)
    assert ["D0: amount", "100.00", "250.50"] in row["lines"]
    assert len(row["lines"]) == 6
    with pytest.raises(NotFound):
        approvals.show(company.user("bob"), waiting.number)
    with rolled_back():
        actions.edit_record(rep, "opportunity", deals[3], {"amount": "120"})
        assert approvals.show(ops, waiting.number)["stale"]
    batch, count = approvals.approve(ops, waiting.number)
    assert count == 4
    assert actions.undo(owner, batch) == 4


def test_pay_is_not_shown_to_who_may_not_read_it(company: Company, settings: Any) -> None:
    """A change of grades is approved by finance; ops does not see it, nor its values."""
    owner = company.user("owner")
    rows = [
        actions.create_record(owner, "employment", {"person": one, "grade": "G1", "valid_from": "2020-01-01"})
        for one in list(company.people.values())[:3]
    ]
    waiting = actions.edit_records(owner, "employment", rows, {"grade": "G9"})
    assert isinstance(waiting, Waiting)
    assert waiting.approvers == ("admin", "finance")
    assert approvals.listed(company.user("ops")) == []
    approvals.approve(company.user("finance"), waiting.number)


def test_a_target_of_a_past_period(company: Company, settings: Any) -> None:
    """Set, changed and withdrawn with an approval; no other door writes it."""
    owner, finance = company.user("owner"), company.user("finance")
    given = {
        "metric": "bookings",
        "kind": "goal",
        "period": "2017",
        "starts_on": "2017-01-01",
        "ends_on": "2017-12-31",
        "amount": "500",
    }
    waiting = actions_targets.put_target(owner, given)
    assert isinstance(waiting, Waiting)
    record, created = approvals.approve(finance, waiting.number)
    assert created
    waiting = actions_targets.put_target(owner, {**given, "amount": "700"})
    assert isinstance(waiting, Waiting)
    assert approvals.show(finance, waiting.number)["lines"] == [["bookings", "500", "700"]]
    for write in (
        lambda: actions.edit_record(owner, "target", record, {"amount": "1"}),
        lambda: actions.delete_record(owner, "target", record),
        lambda: actions.create_record(owner, "target", given),
    ):
        with pytest.raises(Conflict, match="with an approval"):
            write()
    assert approvals.approve(finance, waiting.number) == (record, False)
    waiting = actions_targets.withdraw_target(owner, record)
    assert isinstance(waiting, Waiting)
    approvals.approve(finance, waiting.number)
    assert actions_targets.put_target(
        owner, {**given, "period": "2999", "starts_on": "2999-01-01", "ends_on": "2999-12-31"}
    )


def test_the_database_refuses_what_the_rules_refuse(company: Company, settings: Any) -> None:
    """Nobody approves what they proposed, a decision has its time and its maker, two about the same do not wait."""
    from django.db import IntegrityError, transaction

    from salesops.records.models import ApprovalRequest

    waiting = actions_users.edit_user(company.user("owner"), "zoe", roles="ops")
    assert waiting is not None
    row = ApprovalRequest.objects.filter(pk=waiting.number)
    for wrong in (
        {"status": "approved", "decided_by": "owner", "decided": 1}, {"status": "approved"}, {"status": "gone"}, {"policy": "none"},
        {"decided_by": "admin"}, {"status": "declined", "decided_by": "admin", "decided": 1},
        {"status": "approved", "policy": "self", "decided_by": "admin", "decided": 1},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            row.update(**wrong)
    held = row.values().get()
    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalRequest.objects.create(**{**held, "id": None})


def test_every_kind_may_be_asked_for(company: Company) -> None:
    """The words of the setting are the kinds that there are, and each takes a permission that there is."""
    from salesops.workspace import APPROVALS

    assert set(approvals.kinds()) == set(APPROVALS)
    assert {one.permission for one in approvals.kinds().values()} <= set(access.PERMISSIONS)
