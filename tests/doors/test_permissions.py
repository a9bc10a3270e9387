"""Who sees what, through the doors: Ben (rep) has six deals, Mara (manager) hers and Ben's and Ann's, Ada (auditor) reads all, Fay sees pay."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .conftest import Door

BENS = {"Cedar rollout", "Alder extras", "Cedar labs", "Birch service", "Cedar imaging"}
ANNS = {"Alder starter", "Birch plant 1", "Elm pilot", "Birch plant 2", "Birch plant 3"}


def deals(door: Door, *words: str) -> set[str]:
    return {
        row["name"] for row in door("record", "list", "opportunity", "--limit", "0", "--format", "json", *words).rows
    }


def test_record_list(acme: Door) -> None:
    """A rep lists what is theirs, a manager what is their people's, an auditor everything."""
    assert deals(acme, "--as", "ben") == BENS
    assert deals(acme, "--as", "mara") == BENS | ANNS
    assert len(deals(acme, "--as", "ada")) == 19
    assert len(deals(acme)) == 19


def test_one_record(acme: Door) -> None:
    """Somebody else's deal does not exist for a rep: not shown, not in its history, not to be edited."""
    for words in (
        ("show", "opportunity", "D01"),
        ("history", "opportunity", "D01"),
        ("edit", "opportunity", "D01", "amount=1"),
    ):
        assert acme("record", *words, "--as", "ben").code == 4
    assert acme("record", "show", "opportunity", "D03", "--as", "ben").code == 0
    assert acme("record", "show", "opportunity", "D01", "--as", "mara").code == 0
    assert acme("record", "edit", "opportunity", "D01", "amount=1", "--as", "ada").code == 3


@pytest.mark.parametrize(("user", "bookings"), [("ben", 70_000), ("mara", 125_000), ("ada", 175_000)])
def test_metrics(acme: Door, user: str, bookings: int) -> None:
    """Ben won 30,000 + 40,000, Ann 55,000, Cleo and Dan 50,000: a total counts what its reader may open."""
    answer = acme("metrics", "query", "bookings", "--period", "2025", "--as", user, "--format", "json").json
    assert Decimal(answer["rows"][0]["bookings"]) == bookings
    assert bool(answer["hidden"]) == (user != "ada")


def test_by_owner_names_nobody_else(acme: Door) -> None:
    """A split by owner has no line for people whose deals are not the reader's."""
    words = ("metrics", "query", "bookings", "--by", "owner", "--period", "2025", "--format", "json")
    assert {row["owner"] for row in acme(*words, "--as", "ben").rows} == {"Ben Okoye"}
    assert {row["owner"] for row in acme(*words, "--as", "mara").rows} == {"Ben Okoye", "Ann Lee"}


def test_drill_and_explain(acme: Door) -> None:
    """The records behind a number are those of the reader, and how many more there are is said."""
    opened = acme("metrics", "drill", "bookings", "--period", "2025", "--as", "ben", "--format", "json").json
    assert {row["name"] for row in opened["rows"]} == {"Cedar rollout", "Cedar labs"}
    assert opened["hidden"] > 0
    told = acme("explain", "bookings", "--period", "2025", "--as", "ben")
    assert "70,000" in told.out
    assert "more, not yours" in told.out
    assert "70,000" not in acme("explain", "bookings", "--period", "2025").out


def test_waterfall(acme: Door) -> None:
    """Ben at the end of March: Cedar labs (40,000); in the second quarter two come, one is won, one lost."""
    words = ("pipeline", "waterfall", "--from", "2025-Q2", "--scope", "all_open", "--format", "json")
    bars = {row["bar"]: (row["count"], Decimal(row["value"])) for row in acme(*words, "--as", "ben").rows}
    assert {name: bars[name] for name in ("start", "created", "won", "lost", "end")} == {
        "start": (1, 40_000), "created": (2, 27_000), "won": (1, 40_000), "lost": (1, 9_000), "end": (1, 18_000),
    }  # fmt: skip
    listed = acme(
        "pipeline", "waterfall", "--from", "2025-Q2", "--scope", "all_open", "--bar", "created", "--as", "ben"
    )
    assert "Cedar imaging" in listed.out
    assert "Birch plant 3" not in listed.out


def test_quality(acme: Door) -> None:
    """Lists to fix hold the reader's records only."""
    whole = {row["rule"]: row for row in acme("quality", "--format", "json").rows}
    mine = {row["rule"]: row for row in acme("quality", "--as", "ben", "--format", "json").rows}
    rule = "opportunity.next_step_missing"
    assert mine[rule]["to_fix"] < whole[rule]["to_fix"]
    listed = acme("quality", "list", rule, "--as", "ben", "--format", "json").rows
    assert {row["owner"] for row in listed} == {"Ben Okoye"}


def test_pay_is_masked(acme: Door) -> None:
    """A grade is read by finance and by the person, not by the manager."""
    made = acme(
        "record", "create", "employment", "person=Ben Okoye", "grade=G7", "pay_currency=USD", "valid_from=2025-01-01"
    )
    assert made.code == 0, made.err
    key = made.out.strip()
    read = {name: acme("record", "show", "employment", key, "--as", name).out for name in ("fay", "ben", "mara")}
    assert ["G7" in read[name] for name in ("fay", "ben", "mara")] == [True, True, False]
    assert "•••" in read["mara"]
    assert acme("record", "list", "employment", "--where", "grade = 'G7'", "--as", "mara").code != 0


def test_the_auditor(acme: Door) -> None:
    """Reads the audit log and every record; changes nothing."""
    assert acme("audit", "verify", "--as", "ada").code == 0
    actions = {row["action"] for row in acme("audit", "list", "--limit", "0", "--as", "ada", "--format", "json").rows}
    assert len(actions) > 1
    for words in (
        ("record", "create", "account", "name=Gum"), ("import", "undo", "1"), ("user", "create", "eve"),
        ("rule", "add", "account", "industry", "a", "b"),
    ):  # fmt: skip
        assert acme(*words, "--as", "ada").code == 3, words


def test_a_rep_does_not_run_the_place(acme: Door, tmp_path: object) -> None:
    """Imports, users, backups and the audit log are not a rep's."""
    for words in (
        ("import", "list"), ("import", "errors", "1"), ("import", "undo", "1"), ("user", "create", "eve"),
        ("audit", "list"), ("backup", f"{tmp_path}/b.zip"),
    ):  # fmt: skip
        assert acme(*words, "--as", "ben").code == 3, words


def test_python_asks_as_somebody(acme: Door) -> None:
    """The Python door has the same walls; a user who is none is refused."""
    assert acme.python("result = ws('ben').records.list('opportunity').total") == len(BENS)
    assert acme.python("result = float(ws().as_user('ben').metrics.query('bookings', period='2025').value())") == 70_000
    assert acme.python("ws('ben').records.show('opportunity', 'D01')")["error"] == "NotFound"
    assert acme.python("ws('ada').records.create('account', {'name': 'Gum'})")["error"] == "NotAllowed"
    assert acme.python("ws('nobody')")["error"] == "NotAllowed"
    assert acme.python("ws('ben').imports.list()")["error"] == "NotAllowed"


def test_deactivated(acme: Door) -> None:
    """An account out of use may do nothing."""
    assert acme("user", "create", "gone", "--roles", "exec").code == 0
    assert acme("user", "deactivate", "gone").code == 0
    assert acme("record", "list", "account", "--as", "gone").code == 3
