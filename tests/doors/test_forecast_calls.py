"""Forecast calls through the doors: said, said beside, rolled up, never changed; and nobody sees or says what is not theirs."""

from __future__ import annotations

import pytest

from .conftest import Door

LATER = "2027-Q1"


@pytest.fixture(scope="module")
def called(acme: Door) -> Door:
    """Ben calls 50,000 and 80,000; Mara makes 40,000 of his commit."""
    done = acme(
        "--as", "ben", "forecast", "call", "commit=50000", "best_case=80000", "--period", LATER, "--note", "Cedar signs"
    )
    assert done.code == 0, done.err
    said = acme.python(
        f"result = ws('mara').forecasts.call({{'commit': '40000'}}, period='{LATER}', person='Ben Okoye', reason='Cedar slips').adjusts"
    )
    assert said is True
    return acme


def test_the_board_keeps_both_figures(called: Door) -> None:
    """40,000 count of Ben, his 50,000 are kept beside; Mara's team is what rolls up."""
    rows = {row["person"]: row for row in called("forecast", "board", "--period", LATER, "--format", "json").rows}
    ben, mara = rows["Ben Okoye"], rows["Mara Stone"]
    assert (ben["commit"], ben["commit_from"], ben["commit_original"], ben["reason"]) == (
        "40000.0000",
        "adjusted",
        "50000.0000",
        "Cedar slips",
    )
    assert (ben["best_case"], ben["best_case_from"], ben["note"]) == ("80000.0000", "call", "Cedar signs")
    assert (mara["commit"], mara["commit_from"], mara["depth"]) == ("40000.0000", "rolled_up", 0)


def test_said_again_in_the_same_words_is_said_once(called: Door) -> None:
    again = called(
        "--as", "ben", "forecast", "call", "commit=50000", "best_case=80000", "--period", LATER, "--note", "Cedar signs"
    )
    assert again.lines[0].startswith("Nothing new")
    rows = called("--as", "ben", "forecast", "calls", "--period", LATER, "--format", "json").rows
    assert [(row["made_by"], row["category"], row["amount"]) for row in rows] == [
        ("Mara Stone", "commit", "40000.0000"), ("Ben Okoye", "best_case", "80000.0000"), ("Ben Okoye", "commit", "50000.0000"),
    ]  # fmt: skip
    assert rows[0]["adjusts"] == rows[2]["id"]


def test_every_wrong_figure_is_told_and_nothing_is_written(called: Door) -> None:
    """More commit than best case, a word for a number, a category that does not exist."""
    refused = called(
        "--as", "ben", "forecast", "call", "commit=9", "best_case=4", "pipeline=lots", "stretch=1", "--period", LATER
    )
    assert refused.code != 0
    for told in ("is less than commit", "'lots' is no amount", "no category that is called"):
        assert told in refused.err
    late = called("--as", "ben", "forecast", "call", "commit=9", "--period", "2025-Q1")
    assert "ended on 2025-03-31" in late.err
    assert len(called("forecast", "calls", "--period", LATER, "--format", "json").rows) == 3


def test_nobody_sees_or_calls_what_is_not_theirs(called: Door) -> None:
    """Ben sees himself only, and cannot speak for Ann; Mara does not see Noor's people; a figure beside a call needs a reason."""
    assert [
        row["person"] for row in called("--as", "ben", "forecast", "board", "--period", LATER, "--format", "json").rows
    ] == ["Ben Okoye"]
    assert (
        "may not call for Ann Lee"
        in called(
            "--as", "ben", "forecast", "call", "commit=1", "--person", "Ann Lee", "--reason", "x", "--period", LATER
        ).err
    )
    seen = [
        row["person"] for row in called("--as", "mara", "forecast", "board", "--period", LATER, "--format", "json").rows
    ]
    assert sorted(seen) == ["Ann Lee", "Ben Okoye", "Mara Stone"]
    assert (
        "whose forecast you may see"
        in called("--as", "mara", "forecast", "board", "--top", "Noor Haddad", "--period", LATER).err
    )
    assert (
        "needs a reason"
        in called("--as", "mara", "forecast", "call", "commit=1", "--person", "Ann Lee", "--period", LATER).err
    )
    assert (
        "may not call"
        in called(
            "--as", "ada", "forecast", "call", "commit=1", "--person", "Ann Lee", "--reason", "x", "--period", LATER
        ).err
    )


def test_a_call_is_a_record_that_nobody_types_over(called: Door) -> None:
    """It is in the audit log under its own name, and a rep cannot edit it."""
    call = called("--as", "ben", "forecast", "calls", "--period", LATER, "--format", "json").rows[-1]["id"]
    assert called("--as", "ben", "record", "edit", "forecast_call", call, "amount=1").code != 0
    assert any(
        row["action"] == "call" and row["user"] == "ben" for row in called("audit", "list", "--format", "json").rows
    )
