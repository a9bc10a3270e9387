"""Targets through the doors: set, listed, versioned, withdrawn, and beside an answer; in a terminal what nobody set is "not set"."""

from __future__ import annotations

import pytest

from .conftest import Door


def test_a_share_and_an_amount(acme: Door) -> None:
    """32 % of deals won, and 300,000 booked, in 2025: of the company, and of Ben; nobody has said what Mara should win."""
    said = acme(
        "target",
        "set",
        "win_rate",
        "2025",
        "32%",
        "--why",
        "plan 2025",
        "--effective",
        "2025-01-01",
        "--format",
        "json",
    )
    assert (said.code, said.rows[0]["done"]) == (0, "created"), said.err
    one = acme.python(
        "result = ws().targets.set('bookings', '2025', '300000', person='Ben Okoye', effective='2025-01-01')"
    )
    assert (one["done"], one["starts_on"], one["ends_on"]) == ("created", "2025-01-01", "2025-12-31")
    row = acme("metrics", "query", "win_rate", "--period", "2025", "--against", "target", "--format", "json").rows[0]
    assert row["win_rate__target"] == 0.32
    assert row["win_rate__met"] == (row["win_rate"] >= 0.32)
    same = acme.python("result = ws().metrics.query('win_rate', period='2025', compare='target').to_dict()['rows']")
    assert same == [row]
    lines = acme("metrics", "query", "bookings", "--period", "2025", "--by", "owner", "--against", "goal").lines
    assert any("Ben Okoye" in line and "300,000.00 USD" in line for line in lines)
    assert any("not set" in line for line in lines)
    listed = acme("target", "list", "--period", "2025-Q3").lines
    assert any(
        line.startswith("win_rate goal company company 2025 2025-01-01 2025-12-31 32.00 % published") for line in listed
    )
    assert any(
        line.startswith("bookings goal person Ben Okoye 2025 2025-01-01 2025-12-31 300,000.00 USD") for line in listed
    )


def test_a_version_and_an_end(acme: Door) -> None:
    """40 % from July on; asked as of June it is still 35 %. A withdrawn target is not set; setting it again brings it back."""
    first = acme("target", "set", "win_rate", "2025-Q2", "0.35", "--effective", "2025-01-01", "--format", "json").rows[
        0
    ]
    again = acme("target", "set", "win_rate", "2025-Q2", "40 %", "--effective", "2025-07-01", "--format", "json").rows[
        0
    ]
    assert (again["id"], again["done"]) == (first["id"], "changed")

    def goal(*more: str) -> object:
        asked = ("metrics", "query", "win_rate", "--period", "2025-Q2", "--against", "target", "--format", "json")
        return acme(*asked, *more).rows[0]["win_rate__target"]

    assert (goal("--as-of", "2025-06-30"), goal("--as-of", "2025-07-01")) == (0.35, 0.4)
    assert [one["value"] for one in acme.python("result = ws().targets.list('win_rate', period='2025-Q2', kind='goal', as_of='2025-06-30')")
            if one["id"] == first["id"]] == ["0.35"]  # fmt: skip
    assert acme("target", "withdraw", first["id"]).code == 0
    assert goal() is None
    assert acme("target", "set", "win_rate", "2025-Q2", "41%").code == 0
    assert goal() == 0.41


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("win_rat", "2025", "32%"), 4, "win_rate"),
        (("win_rate", "2025", "32"), 2, "Write 32 %"),
        (("win_rate", "2025", ""), 2, "nothing is said"),
        (("win_rate", "20x5", "32%"), 2, "is not a period"),
        (("win_rate", "2025", "32%", "--currency", "EUR"), 2, "no amount of money"),
        (("bookings", "2025", "much"), 6, "is no number"),
        (("bookings", "2025", "1", "--team", "Nowhere"), 4, "Nowhere"),
        (("bookings", "2025", "1", "--team", "x", "--person", "Ben Okoye"), 2, "a person, a team or a business unit"),
    ],
)
def test_what_cannot_be(acme: Door, words: tuple[str, ...], code: int, said: str) -> None:
    """Each with its remedy."""
    found = acme("target", "set", *words)
    assert (found.code, said in found.err) == (code, True), (found.code, found.err)


def test_who_may(acme: Door) -> None:
    """A rep sees their own targets and sets none; finance may."""
    assert acme("target", "set", "bookings", "2025", "1", "--as", "ben").code == 3
    assert {row["of"] for row in acme("target", "list", "bookings", "--as", "ben", "--format", "json").rows} <= {
        "Ben Okoye"
    }
    assert acme("target", "set", "bookings", "2026-Q1", "5000", "--as", "fay").code == 0
