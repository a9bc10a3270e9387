"""Approvals by the command line and Python: what is proposed, by whom it is decided, and how that ends."""

from __future__ import annotations

from .conftest import Door, with_toml


def test_from_proposal_to_decision(empty: Door) -> None:
    """Alone one approves oneself; of two, one proposes and the other decides."""
    assert empty("user", "create", "adele", "--roles", "admin").out.strip() == "created adele"
    (alone,) = empty("approval", "list", "--status", "all", "--format", "json").rows
    assert (alone["title"], alone["policy"], alone["decided_by"]) == (
        "Create the account adele",
        "self-approved",
        "owner",
    )

    said = empty("user", "create", "otto", "--roles", "ops", "--note", "He imports", "--as", "adele")
    assert (said.code, "proposal 2 waits for owner" in said.out) == (0, True)
    assert "otto" not in empty("user", "list").out
    assert empty("approval", "list", "--mine", "--as", "adele", "--format", "json").rows == []
    shown = empty("approval", "show", "2")
    assert "He imports" in shown.out
    assert [row["after"] for row in empty("approval", "show", "2", "--format", "json").rows] == ["otto", "ops"]
    assert empty("approval", "approve", "2", "--as", "adele").code == 3
    assert empty("approval", "decline", "2").code == 2
    assert empty("approval", "approve", "2", "--reason", "Good").code == 0
    assert "otto" in empty("user", "list").out
    assert empty("approval", "approve", "2").code == 5
    assert empty("approval", "show", "99").code == 4

    assert empty("user", "edit", "otto", "--roles", "exec", "--as", "adele", "--format", "json").json["approval"] == 3
    assert empty("approval", "decline", "3", "--reason", "He needs to import").code == 0
    assert empty("user", "edit", "otto", "--roles", "exec", "--as", "adele").code == 0
    assert empty("approval", "withdraw", "4").code == 3
    assert empty("approval", "withdraw", "4", "--as", "adele").code == 0
    told = empty.python("result = [[one['number'], one['status']] for one in ws('adele').approvals.list('decided')]")
    assert told == [[4, "withdrawn"], [3, "declined"], [2, "approved"], [1, "approved"]]
    waiting = empty.python("result = ws('adele').users.edit('otto', roles='finance').to_dict()")
    assert waiting["approvers"] == ["owner"]
    assert empty.python("ws('adele').approvals.approve(5)")["error"] == "NotAllowed"
    assert empty("audit", "verify").code == 0
    actions = [row["action"] for row in empty("audit", "list", "--entity", "approval", "--format", "json").rows]
    assert actions[::-1] == [
        "approval.self", "approval.propose", "approval.approve", "approval.propose", "approval.decline", "approval.propose",
        "approval.withdraw", "approval.propose",
    ]  # fmt: skip


def test_settings_that_are_none(empty: Door) -> None:
    """A word that is no kind, or a policy that is none, is refused with those that there are."""
    with_toml(empty.folder, 'approvals = "everything"', 'approval_policy = "three"')
    said = empty("user", "list")
    with_toml(empty.folder, 'approvals = "erasure, roles"', 'approval_policy = ""')
    assert said.code == 7
    assert "use erasure, roles, bulk_edit, import_undo, past_targets, or none" in said.err
    assert 'approval_policy must be "two_person" or "self"' in said.err
