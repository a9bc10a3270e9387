"""Importing by the command line: what is said, what is refused, twice the same, undo, mappings."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Door


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[], Door]]:
    """Makes workspaces of a test's own."""
    made: list[Door] = []

    def make() -> Door:
        door = Door(tmp_path / f"ws{len(made)}")
        assert door("init", door.folder).code == 0
        made.append(door)
        return door

    yield make
    for door in made:
        door.close()


def won(door: Door) -> dict[str, str]:
    """Deals won in 2025, by source."""
    rows = door(
        "metrics", "query", "won_deals", "--by", "source", "--period", "2025", "--format", "csv"
    ).out.splitlines()
    place = rows[0].split(",").index("won_deals")
    return {row.split(",")[rows[0].split(",").index("source")]: row.split(",")[place] for row in rows[1:]}


def test_a_story_of_an_import(fresh: Callable[[], Door], exports: Path, tmp_path: Path) -> None:
    """Preview, import, again, undo, rule, correction, again: the README's path, with its figures."""
    door, files = fresh(), Path(shutil.copytree(exports, tmp_path / "crm"))
    preview = door("import", files, "--dry-run")
    assert preview.code == 6
    assert "Would import (nothing was changed)" in preview.out
    assert 'entity = "opportunity"' in preview.out
    assert door("import", "list", "--format", "json").rows == []

    first = door("import", files)
    assert first.code == 6
    assert "opportunity 19 19 0" in first.lines
    assert "stage 'Proposal' is taken as open, a pitch" in first.lines
    assert "every one of them: salesops import errors 1" in first.lines
    before = won(door)
    assert before == {"Event": "1", "Referal": "2", "Referral": "2", "Web": "4"}

    again = door("import", files)
    assert (again.code, again.lines[0]) == (0, "Nothing new: these files are in already (import 1).")
    assert won(door) == before

    undone = door("import", "undo", 1, "--format", "json").json
    assert undone["counts"]["opportunity"] == 19
    assert won(door) == {}
    assert door("import", "undo", 1).code == 5

    assert door("rule", "add", "opportunity", "source", "Referal", "Referral").code == 0
    deals = files / "opportunities.csv"
    deals.write_text(deals.read_text(encoding="utf-8").replace("2025-02-30", "2025-09-30"), encoding="utf-8")
    second = door("import", files)
    assert second.code == 0, second
    assert won(door) == {"Event": "1", "Referral": "4", "Web": "4"}
    listed = door("import", "list", "--format", "json").rows
    assert [(row["batch"], row["status"], row["errors"]) for row in listed] == [(2, "live", 0), (1, "undone", 1)]


def test_other_bytes_same_records(fresh: Callable[[], Door], exports: Path, tmp_path: Path) -> None:
    """Rows in another order are other files; they change nothing."""
    door = fresh()
    assert door("import", exports).code == 6
    other = Path(shutil.copytree(exports, tmp_path / "crm"))
    for file in other.iterdir():
        heading, *rows = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join([heading, *reversed(rows)]) + "\n", encoding="utf-8")
    counts = {row["entity"]: (row["new"], row["changed"]) for row in door("import", other, "--format", "json").rows}
    assert set(counts.values()) <= {(0, 0)}, counts


def test_problems_are_grouped(fresh: Callable[[], Door], tmp_path: Path) -> None:
    """Forty bad dates are one line with a number, the first rows and an example; the list has all of them."""
    rows = [f"D{n},Deal {n},Won,{n}.50,2025-01-{n % 28 + 1:02}" for n in range(160)]
    rows += [f"E{n},Deal {n},Won,1.00,2025-02-3{n % 2}" for n in range(40)]
    (tmp_path / "deals.csv").write_text("\n".join(["deal_id,name,stage,amount,close_date", *rows]), encoding="utf-8")
    door = fresh()
    said = door("import", tmp_path / "deals.csv")
    assert said.code == 6
    [line] = [line for line in said.lines if line.startswith("deals.csv close_date is no date")]
    assert line.split()[5:10] == ["40", "162,", "163,", "164", "..."]
    assert len(said.out.splitlines()) < 30
    [group] = door("import", "errors", 1, "--grouped", "--format", "json").rows
    assert (group["times"], group["rows"], group["example"]) == (40, "162, 163, 164 ...", "2025-02-30")
    every = door("import", "errors", 1, "--limit", 0, "--format", "json").json
    assert {row["row"] for row in every["rows"]} == set(range(162, 202))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("book.csv", b"PK\x03\x04 no table"),
        ("empty.csv", b""),
        ("noise.xlsx", b"\x00\x01\x02" * 100),
        ("log.xes", b"<log><trace></log>"),
    ],
)
def test_files_that_are_no_tables(fresh: Callable[[], Door], tmp_path: Path, name: str, content: bytes) -> None:
    """Such a file is named with what to do, and nothing is imported."""
    (tmp_path / name).write_bytes(content)
    door = fresh()
    done = door("import", tmp_path / name)
    assert done.code == 6, done
    assert name in done.err
    assert "Traceback" not in done.err
    assert door("import", "list", "--format", "json").rows == []


def test_mappings_by_name(acme: Door, exports: Path, tmp_path: Path) -> None:
    """The mapping that was used is listed and shown; a suggested one can be written, and is not overwritten."""
    names = {row["mapping"]: row["kind"] for row in acme("mapping", "list", "--format", "json").rows}
    assert names.items() >= {"salesforce": "ready", "hubspot": "ready", "pipedrive": "ready", "close": "ready"}.items()
    [own] = [name for name, kind in names.items() if kind == "workspace"]
    assert (
        acme("mapping", "show", own, "--format", "json").json["text"].strip()
        == acme("mapping", "show", own).out.strip()
    )
    target = tmp_path / "mine.toml"
    assert acme("mapping", "suggest", exports, "--out", target).code == 0
    assert 'entity = "opportunity"' in target.read_text(encoding="utf-8")
    assert acme("mapping", "suggest", exports, "--out", target).code == 5
