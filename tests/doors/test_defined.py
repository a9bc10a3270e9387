"""Metrics of one's own through the doors: the guide's examples, files and state, who may define, mistakes with their places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import ROOT, Door

GUIDE = (ROOT / "docs" / "guides" / "metrics.md").read_text(encoding="utf-8")
EXAMPLES = re.search(r"^```toml\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
BAD = '[one]\nkind = "count"\nfact = "closed"\nwhere = "regon = \'x\'"\n[bookings]\nkind = "count"\nfact = "closd"\n'


@pytest.fixture
def mine(acme: Door) -> Path:
    """The guide's examples as a file."""
    assert EXAMPLES is not None
    file = acme.folder.parent / "mine.toml"
    file.write_text(EXAMPLES.group(1), encoding="utf-8")
    return file


def test_the_guides_examples(acme: Door, mine: Path) -> None:
    """They are defined, listed and answered; 175,000 were won in 2025, and the running total ends with it."""
    assert acme("metrics", "check", mine).out == "the definitions hold\n"
    said = acme("metrics", "define", mine, "--format", "json")
    assert said.code == 0, said.err
    assert {row["done"] for row in said.rows} == {"defined"}
    assert {row["done"] for row in acme("metrics", "define", mine, "--format", "json").rows} == {"unchanged"}
    names = [row["metric"] for row in said.rows]
    assert names == ["smb_bookings", "large_deal_share", "bookings_to_date", "won_within_60_days", "smb_share"]
    rows = acme("metrics", "query", "bookings,bookings_to_date", "--period", "quarter", "--from", "2025-01-01", "--to", "2025-12-31",
                "--format", "json").rows  # fmt: skip
    total = 0.0
    for row in rows:
        total += float(row["bookings"])
        assert float(row["bookings_to_date"]) == total
    assert total == 175_000
    assert set(names) <= {row["metric"] for row in acme("metrics", "list", "--format", "json").rows}
    assert set(names) <= set(acme.python("result = list(ws().metrics.list())"))
    for name in names:
        assert acme("metrics", "query", name, "--by", "owner", "--period", "2025").code == 0
        assert acme("metrics", "explain", name, "--period", "2025-Q1").code == 0
        assert acme("metrics", "drill", name, "--period", "2025-Q1").code == 0
    assert "## bookings_to_date" in acme("metrics", "definitions", "--page").out


def test_ben_sees_his_own(acme: Door, mine: Path) -> None:
    """Ben won 70,000: in a metric of the company's own, too."""
    acme("metrics", "define", mine)
    rows = acme("metrics", "query", "bookings_to_date", "--period", "2025", "--as", "ben", "--format", "json").json
    assert float(rows["rows"][0]["bookings_to_date"]) == 70_000
    assert rows["hidden"] > 0
    assert acme("metrics", "define", mine, "--as", "ben").code == 3
    assert acme("metrics", "undefine", "smb_share", "--as", "ben").code == 3
    assert acme("metrics", "define", mine, "--as", "fay").code == 3


def test_history_audit_and_end(acme: Door, mine: Path) -> None:
    """A change ends one version and begins another; what others are made of stays."""
    acme("metrics", "define", mine)
    changed = mine.with_name("changed.toml")
    changed.write_text('[smb_share]\nkind = "derived"\nformula = "smb_bookings / bookings * 1"\n', encoding="utf-8")
    assert acme("metrics", "define", changed, "--format", "json").rows[0]["done"] == "changed"
    past = acme("metrics", "definitions", "smb_share", "--history", "--format", "json").rows
    assert [bool(row["ended"]) for row in past] == [True, False]
    assert len({row["version"] for row in past}) == 2
    refused = acme("metrics", "undefine", "smb_bookings")
    assert refused.code == 5
    assert "smb_share would have no value" in refused.err
    assert acme("metrics", "undefine", "smb_share").code == 0
    assert acme("metrics", "query", "smb_share").code == 4
    assert acme("metrics", "undefine", "smb_share").code == 4
    actions = [row["action"] for row in acme("audit", "list", "--format", "json").rows]
    assert actions[:2] == ["metric.undefine", "metric.define"]
    assert acme("audit", "verify").code == 0


def test_its_advice_and_what_held_on_a_day(acme: Door) -> None:
    """The guide tells what the definition says; a definition of today counted not yesterday, and is one version of an answer."""
    text = '[big_wins]\nkind = "count"\nfact = "closed"\nwhere = "status = \'won\' and value > 50000"\n'
    text += 'owner = "Mara"\nwatch_for = "One large deal is not a trend."\nread_with = "won_deals"\n'
    assert acme.python(f"result = ws().metrics.define({text!r})")[0]["done"] == "defined"
    page = acme("metrics", "guide", "--metric", "big_wins", "--format", "json").json
    assert (page["reading"][0]["owner"], page["reading"][0]["cautions"]) == ("Mara", ["One large deal is not a trend."])
    assert page == page | acme.python("result = ws().metrics.guide(metric='big_wins').to_dict()")
    now = acme("metrics", "definitions", "big_wins", "--format", "json").rows[0]
    version = now["version"]
    today = acme.python("import datetime; result = str(datetime.date.today() + datetime.timedelta(days=1))")
    held = acme("metrics", "definitions", "big_wins", "--as-of", today, "--format", "json").rows
    assert [(row["version"], row["ended"]) for row in held] == [(version, "")]
    assert acme("metrics", "definitions", "big_wins", "--as-of", "2020-01-01", "--format", "json").rows == []
    assert acme.python("result = ws().metrics.definitions('big_wins', as_of='2020-01-01')") == []
    assert acme("metrics", "query", "big_wins", "--format", "json").json["definitions"] == {"big_wins": now["computed"]}
    assert acme("metrics", "query", "big_wins", "--output", acme.folder.parent / "big.xlsx").code == 0
    assert acme("metrics", "undefine", "big_wins").code == 0


def test_nothing_of_a_text_with_mistakes_is_taken(acme: Door) -> None:
    """Every mistake at once, with its line; the metric that was whole is not defined either."""
    file = acme.folder.parent / "bad.toml"
    file.write_text(BAD + '[good]\nkind = "count"\nfact = "closed"\n', encoding="utf-8")
    for command in ("define", "check"):
        said = acme("metrics", command, file)
        assert said.code == 6
        assert "bad.toml, row 4, one.where, character 1: There is no field 'regon'. Did you mean 'region'?" in said.err
        assert "bad.toml, row 5, bookings: There already is the metric bookings" in said.err
    assert acme("metrics", "query", "good").code == 4


def test_files_of_the_workspace(acme: Door) -> None:
    """A file in metrics/ counts as soon as it is saved; a broken one is told, and takes no other metric with it."""
    folder = acme.folder / "metrics"
    folder.mkdir(exist_ok=True)
    (folder / "own.toml").write_text('[all_closed]\nkind = "count"\nfact = "closed"\n', encoding="utf-8")
    assert acme("metrics", "query", "all_closed", "--format", "json").rows[0]["all_closed"] > 0
    (folder / "bad.toml").write_text(BAD, encoding="utf-8")
    assert acme("metrics", "query", "all_closed").code == 0
    assert "metrics/bad.toml, row 4" in acme("metrics", "query", "one").err
    assert acme("metrics", "check").code == 6
    assert "metrics/own.toml" in acme("metrics", "undefine", "all_closed").err
    for file in folder.iterdir():
        file.unlink()
    assert acme("metrics", "query", "all_closed").code == 4


def test_a_custom_field(acme: Door) -> None:
    """Declared as an amount it is summed as one; retired, its metric says why it has no value, and the others go on."""
    assert acme("field", "declare", "opportunity", "fee", "--kind", "money").code == 0
    assert acme("record", "edit", "opportunity", "D01", "custom.fee=12.50", "--effective", "2025-01-20").code == 0
    text = '[fees]\nkind = "sum"\nfact = "closed"\nmeasure = "custom.fee * 2"\nwhere = "custom.fee > 10"\n'
    done = acme.python(f"result = ws().metrics.define({text!r})")
    assert done[0]["done"] == "defined", done
    assert float(acme("metrics", "query", "fees", "--format", "json").rows[0]["fees"]) == 25
    assert acme("metrics", "query", "fees", "--currency", "EUR").code == 0
    assert acme("field", "retire", "opportunity", "fee").code == 0
    assert acme("refresh", "--full").code == 0
    said = acme("metrics", "query", "fees")
    assert (said.code, "There is no field 'custom.fee'" in said.err) == (6, True), said
    assert acme("metrics", "query", "bookings").code == 0
    assert acme("metrics", "undefine", "fees").code == 0
