"""Plans through the doors: read, tested, in words, compared; what one would pay is one's own to see, or of who sees pay."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Door

PLAN = """\
plan: simple
effective: 2025-01-01 .. 2025-12-31
currency: USD
pay_period: quarter
measures:
  won: {amount: deal.amount}
components:
  - {id: commission, kind: flat, measure: won, rate: RATE}
tests:
  - {given: {deals: [1_000.00]}, expect: {commission: EXPECTED}}
"""


@pytest.fixture
def plans(tmp_path: Path) -> dict[str, str]:
    """Ten percent, twelve percent, and one whose worked test is wrong."""
    found = {}
    for name, rate, expected in (("ten", "10%", "100.00"), ("twelve", "12%", "120.00"), ("wrong", "10%", "99.99")):
        file = tmp_path / f"{name}.yaml"
        file.write_text(PLAN.replace("RATE", rate).replace("EXPECTED", expected), encoding="utf-8")
        found[name] = str(file)
    return found


def test_a_plan_is_text_that_is_tested_told_and_compared(acme: Door, plans: dict[str, str]) -> None:
    assert acme("comp", "plan", "test", plans["ten"]).out.strip() == "1 worked tests, all to the cent."
    wrong = acme("comp", "plan", "test", plans["wrong"])
    assert wrong.code != 0
    assert "99.99" in wrong.out
    changed = acme("comp", "plan", "diff", plans["ten"], plans["twelve"], "--format", "json").rows
    assert ("10%", "12%") in [(row["before"], row["after"]) for row in changed]
    assert "10 %" in acme("comp", "plan", "letter", plans["ten"], "--for", "Ben Okoye").out
    assert acme("comp", "plan", "lint", plans["ten"]).code == 0
    assert acme("comp", "plan", "gallery", "03-ae-tiered").out.startswith("plan: ae-tiered")


def test_every_example_plan_passes_its_tests(acme: Door) -> None:
    for row in acme("comp", "plan", "gallery").lines[1:]:
        name = row.split()[0]
        done = acme("comp", "plan", "test", name)
        assert done.code == 0, (name, done.out)


def test_ten_percent_of_what_ben_won(acme: Door, plans: dict[str, str]) -> None:
    """Every quarter a tenth of the bookings credited to him; the lines add up, to the cent."""
    rows = acme("comp", "preview", plans["ten"], "--person", "Ben Okoye", "--format", "json").rows
    asked = ("--by", "owner", "--period", "quarter", "--from", "2025-01-01", "--to", "2025-12-31")
    won = acme("metrics", "query", "quota_attainment", *asked, "--format", "json").rows
    credited = {row["period"]: float(row["quota_attainment__credited"]) for row in won if row["owner"] == "Ben Okoye"}
    for row in rows:
        assert float(row["credited"]) == pytest.approx(credited.get(row["period"], 0.0), abs=0.01)
        assert float(row["earned"]) == pytest.approx(float(row["credited"]) / 10, abs=0.006)
        assert sum(float(line["amount"]) for line in row["lines"]) == pytest.approx(float(row["earned"]), abs=1e-9)
    assert any(float(row["earned"]) for row in rows)


def test_pay_is_ones_own_to_see(acme: Door, plans: dict[str, str]) -> None:
    """Ben sees what the plan pays him; not what it pays Ann. His manager and the auditor do not see it either; finance does."""
    assert acme("--as", "ben", "comp", "preview", plans["ten"]).code == 0
    assert acme("--as", "fay", "comp", "preview", plans["ten"], "--person", "Ben Okoye").code == 0
    for user in ("ben", "mara", "ada"):
        refused = acme("--as", user, "comp", "preview", plans["ten"], "--person", "Ann Lee")
        assert refused.code != 0
        assert "not yours to see" in refused.err
