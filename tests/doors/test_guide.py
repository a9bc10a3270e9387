"""The KPI guide behind its doors: command line and Python, in every form, with and without a business model."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Door


def test_problems_and_models_without_a_workspace(acme: Door, tmp_path: Path) -> None:
    """The guide needs no records."""
    said = acme("metrics", "guide", "--workspace", tmp_path)
    assert said.code == 0, said.err
    assert any(line.startswith("weak_cash Cash is short cac, ") for line in said.lines)
    assert any(line.startswith("one_price One product at one price") for line in said.lines)


def test_a_problem_and_a_metric(acme: Door) -> None:
    """As a table for people, with a command to copy; nothing measured yet is hidden."""
    said = acme("metrics", "guide", "--problem", "quota_missed", "--metric", "bookings", "--period", "2025-Q1")
    assert said.code == 0, said.err
    assert "rep_ramp_months" in said.out
    assert "salesops pipeline waterfall --from 2025-Q1" in said.out
    assert "Read together with" in said.out


def test_the_same_as_json_csv_and_in_python(acme: Door) -> None:
    """JSON has the parts in full, CSV one list; a question of the guide is asked as it stands."""
    words = ("metrics", "guide", "--metric", "win_rate", "--period", "2025-Q1")
    full = acme(*words, "--format", "json").json
    asked = next(one for one in full["down"] if one["query"].get("by") == ["loss_reason"])
    assert full["benchmarks"][0]["value"] == "0.473"
    assert full["benchmarks"][0]["source"]["published"] == "2019"
    rows = acme.python(f"result = ws().metrics.query(**{asked['query']!r}).to_pylist()")
    assert sum(row["lost_deals"] for row in rows) > 0
    assert acme(*asked["command"].split()[1:], "--format", "json").rows[0]["lost_deals"] == rows[0]["lost_deals"]
    listed = acme(*words, "--format", "csv").out.splitlines()
    assert listed[0] == "part,name,text,detail"
    assert len(listed) == len(full["rows"]) + 1
    python = "ws().metrics.guide(metric='win_rate', period='2025-Q1').to_dict()"
    assert acme.python(f"result = {python}")["down"] == full["down"]


def test_the_next_questions_are_answered(acme: Door) -> None:
    """One after another, as the acting user; another command's question is named, one that nothing measures is said to be so."""
    words = ("metrics", "guide", "--metric", "bookings", "--period", "2025-Q1", "--ask", "down")
    said = acme(*words)
    assert said.code == 0, said.err
    assert "Fewer deals, smaller ones, or fewer won?" in said.out
    assert "salesops pipeline waterfall --from 2025-Q1" in said.out
    full = acme(*words, "--format", "json").json
    won = full["answers"][0]["answer"]["rows"][0]["won_deals"]
    assert (
        won == acme("metrics", "query", "won_deals", "--period", "2025-Q1", "--format", "json").rows[0]["won_deals"] > 0
    )
    assert [one["command"] for one in full["answers"] if one["answer"] is None] == [
        "salesops pipeline waterfall --from 2025-Q1"
    ]
    mine = acme(*words, "--format", "json", "--as", "ben").json["answers"][0]["answer"]
    assert mine["rows"][0]["won_deals"] < won
    assert acme("metrics", "guide", "--ask", "down").code == 2


def test_an_unknown_business_model_is_refused(acme: Door, tmp_path: Path) -> None:
    """An unknown one is refused, with those there are; nothing is made."""
    refused = acme("init", tmp_path / "shop", "--business-model", "barter")
    assert refused.code == 2
    assert "use subscription, usage, one_price" in " ".join(refused.err.split())
    assert not (tmp_path / "shop" / "salesops.toml").exists()


@pytest.mark.parametrize("given", [(), ("--business-model", "one_price")])
def test_what_means_nothing_in_the_business(tmp_path: Path, given: tuple[str, ...]) -> None:
    """One product at one price: deals are counted, their size says nothing."""
    door = Door(tmp_path / "ws")
    try:
        assert door("init", door.folder, *(() if given else ("--business-model", "one_price"))).code == 0
        watched = door("metrics", "guide", "--problem", "weak_cash", "--format", "json", *given).json
        assert [one["metric"] for one in watched["not"]] == ["average_deal_size"]
        assert "won_deals" in [one["metric"] for one in watched["watch"]]
        assert "average_deal_size" not in [one["metric"] for one in watched["watch"]]
        text = "result = ws().metrics.guide(metric='average_deal_size').section('reading')[0]['applies']"
        assert door.python(text) is bool(given)
    finally:
        door.close()
