"""People analytics behind its doors: a rep sees himself, through the command line as through Python."""

from __future__ import annotations

from .conftest import Door


def test_a_rep_sees_himself_only(acme: Door) -> None:
    """The setting is off in a new workspace: no total, and the note says why."""
    words = ("people", "compare", "--period", "2025-Q1", "--format", "json")
    everybody, own = acme(*words).json, acme(*words, "--as", "ben").json
    assert len(everybody["rows"]) > 1
    assert [row["owner"] for row in own["rows"]] == ["Ben Okoye"]
    assert own["rows"][0]["stands"] == "too few to compare"
    assert any("peer_aggregates is off" in note for note in own["notes"])


def test_the_same_in_python(acme: Door) -> None:
    """Rows and what stands beside them."""
    rows = acme("people", "compare", "--period", "2025-Q1", "--format", "json").rows
    found = acme.python("result = ws().people.compare(period='2025-Q1').to_dict()")
    assert found["rows"] == rows
    assert found["beside"]["metric"] == "win_rate"
    assert acme.python("result = ws('ben').people.activity(period='2025-Q1').to_pylist()") == []


def test_what_cannot_be_compared_is_refused(acme: Door) -> None:
    """The command names what can."""
    said = acme("people", "compare", "--metric", "pay")
    assert said.code == 2
    assert "win_rate" in said.err
