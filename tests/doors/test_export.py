"""Answers as files: every value of an XLSX and a CSV is that of the answer, with its definitions beside it."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.common.errors import UsageError
from salesops.output import as_csv
from salesops.spreadsheet import Table, book

from .conftest import Door


def opened(content: bytes | Path) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content) if isinstance(content, bytes) else content)


def rows_of(content: bytes | Path) -> list[dict[str, Any]]:
    """The rows of the first sheet by its heading."""
    head, *rows = opened(content)["Answer"].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def about(content: Path) -> dict[str, Any]:
    """The facts of the second sheet; the last one where a name occurs more than once."""
    return {row[0]: row[1] for row in opened(content)["Definitions"].iter_rows(values_only=True) if row[0]}


def meant(content: Path, column: str) -> dict[str, Any]:
    """What the second sheet says of a column of the answer."""
    rows = list(opened(content)["Definitions"].iter_rows(values_only=True))
    start = next(n for n, row in enumerate(rows) if row[0] == "column")
    found = next(row for row in rows[start + 1 :] if row[0] == column)
    return dict(zip(rows[start], found, strict=True))


def same(cell: Any, value: Any, kind: str = "") -> bool:
    """Whether a cell holds a value as JSON gives it: amounts and days are text there; an empty text is an empty cell."""
    if value == "":
        return cell is None
    if isinstance(cell, datetime):
        return cell.date().isoformat() == value
    if isinstance(cell, (int, float)) and isinstance(value, str):
        return Decimal(repr(cell)) == Decimal(value)
    return str(cell) == str(value) if kind == "id" and value is not None else bool(cell == value)


# The file


def test_numbers_amounts_days_and_text_keep_their_kind() -> None:
    """Seventeen digits of a share, four places of an amount; an id is text, because a spreadsheet would round it."""
    row = {
        "share": 0.1 + 0.2, "amount": Decimal("1234567.8901"), "yen": Decimal("1200"), "day": date(2026, 2, 28), "n": 3,
        "id": 6_917_529_027_641_081_857, "huge": Decimal("99999999999999.9999"), "ok": True, "none": None, "name": "Zoë\nLtd",
        "code": "JPY",
    }  # fmt: skip
    units = {"share": "ratio", "amount": "money", "yen": "money", "n": "count"}
    made = book(Table([row], list(row), units, "EUR", {"yen": "code"}))
    sheet = opened(made)["Answer"]
    cells = {cell.value: sheet.cell(2, n) for n, cell in enumerate(sheet[1], 1)}
    read = {name: cell.value for name, cell in cells.items()}
    assert read["share"] == 0.1 + 0.2
    assert read["amount"] == 1234567.8901
    assert (read["n"], read["ok"], read["none"], read["name"]) == (3, True, None, "Zoë\nLtd")
    assert read["day"] == datetime(2026, 2, 28)
    assert read["id"] == "6917529027641081857"
    assert read["huge"] == "99999999999999.9999"
    assert {name: cells[name].number_format for name in ("share", "amount", "yen", "day", "n")} == {
        "share": "0.00%", "amount": "#,##0.00 [$EUR]", "yen": "#,##0 [$JPY]", "day": "yyyy-mm-dd", "n": "#,##0",
    }  # fmt: skip
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:K2"
    assert sheet.column_dimensions["A"].width >= 8


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", "-Ltd"])
def test_text_is_never_a_formula(text: str) -> None:
    """In XLSX it is quoted text with its characters as they are; in CSV an apostrophe stands before it."""
    made = opened(book(Table([{"name": text}], ["name"])))["Answer"]["A2"]
    assert (made.value, made.data_type, made.quotePrefix) == (text, "s", True)
    assert next(csv.DictReader(io.StringIO(as_csv([{"name": text}], ["name"]))))["name"] == f"'{text}"
    head = opened(book(Table([], [text])))["Answer"]["A1"]
    assert (head.value, head.data_type) == (text, "s")


def test_negative_numbers_are_no_text() -> None:
    """A sign before a number is no formula."""
    made = opened(book(Table([{"n": -5, "d": Decimal("-1.50")}], ["n", "d"])))["Answer"]
    assert (made["A2"].value, made["B2"].value) == (-5, -1.5)
    assert as_csv([{"n": -5, "d": Decimal("-1.50")}], ["n", "d"]) == "n,d\n-5,-1.50\n"


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53), 2**53),
    st.decimals(-(10**9), 10**9, places=4),
    st.dates(date(1900, 3, 1)),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1),
    st.none(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_every_value_comes_back(values: list[tuple[Any, Any]]) -> None:
    """What is written is what is read: a number with all its digits, a day, a text."""
    made = rows_of(book(Table([{"a": a, "b": b, "n": 1} for a, b in values], ["a", "b", "n"])))
    for row, wanted in zip(made, values, strict=True):
        for cell, value in zip((row["a"], row["b"]), wanted, strict=True):
            if isinstance(value, Decimal):
                assert Decimal(repr(cell)) == value
            elif isinstance(value, date):
                assert cell.date() == value
            else:
                assert cell == value


def test_characters_that_no_file_holds_are_marked() -> None:
    """Control characters and halves of characters would make the file unreadable."""
    assert rows_of(book(Table([{"a": "x\x00\ud800y\r\nz"}], ["a"]))) == [{"a": "x\ufffd\ufffdy\nz"}]
    assert len(rows_of(book(Table([{"a": "x" * 40_000}], ["a"])))[0]["a"]) == 32_767


def test_a_sheet_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than a sheet holds are refused, not cut."""
    monkeypatch.setattr("salesops.spreadsheet.MOST_ROWS", 2)
    with pytest.raises(UsageError, match="CSV"):
        book(Table([{"a": 1}] * 3, ["a"]))


# Commands and Python

QUESTIONS = {
    "query": ("metrics", "query", "bookings,win_rate,sales_cycle_days", "--by", "owner", "--period", "quarter",
              "--from", "2025-Q1", "--to", "2025-Q2", "--compare", "previous"),
    "waterfall": ("pipeline", "waterfall", "--from", "2025-Q2", "--scope", "all_open", "--by", "owner"),
    "funnel": ("pipeline", "funnel", "--kind", "snapshot", "--to", "2025-06-30"),
    "conversion": ("pipeline", "conversion"),
    "stages": ("pipeline", "stages", "--from", "2025-Q2"),
    "changes": ("pipeline", "changes", "--from", "2025-04-01", "--to", "2025-06-30"),
    "drill": ("metrics", "drill", "bookings", "--period", "2025"),
    "cohorts": ("cohorts", "--of", "wins", "--as-of", "2025-06-30"),
    "records": ("record", "list", "opportunity", "--limit", "0"),
    "rules": ("quality", "rules"),
    "metrics": ("metrics", "list"),
}  # fmt: skip


@pytest.mark.parametrize("words", QUESTIONS.values(), ids=list(QUESTIONS))
@pytest.mark.parametrize("user", ["owner", "ben"])
def test_every_table_is_a_file(acme: Door, tmp_path: Path, words: tuple[str, ...], user: str) -> None:
    """Row for row and value for value what the same command says as JSON."""
    wanted = acme(*words, "--as", user, "--format", "json")
    file = tmp_path / "answer.xlsx"
    done = acme(*words, "--as", user, "--output", file)
    assert (done.code, done.out) == (0, ""), done.err
    found = rows_of(file)
    assert len(found) == len(wanted.rows)
    assert found or user == "ben"
    for cells, row in zip(found, wanted.rows, strict=True):
        assert list(cells) == list(row)
        for name, value in row.items():
            kind = "id" if name == "id" or name.endswith("_id") else ""
            assert same(cells[name], value, kind), (name, cells[name], value)
    assert about(file)["asked"] == f"salesops {' '.join(words[:2] if words[0] != 'cohorts' else words[:1])}"


def test_definitions_stand_beside_the_answer(acme: Door, tmp_path: Path) -> None:
    """As of, as known on, filter, what is hidden; and of each metric its question, formula, variant, unit and version."""
    file = tmp_path / "ben.xlsx"
    acme("metrics", "query", "bookings,win_rate.value", "--by", "owner", "--period", "2025", "--as", "ben", "--as-of", "2025-06-30",
         "--as-known-on", "2099-01-01", "--where", "amount > 1000", "--output", file)  # fmt: skip
    facts = about(file)
    assert facts["as of"] == datetime(2025, 6, 30)
    assert facts["as known on"] == datetime(2099, 1, 1)
    assert (facts["from (inclusive)"], facts["to (inclusive)"]) == (datetime(2025, 1, 1), datetime(2025, 12, 31))
    assert (facts["currency"], facts["filter"]) == ("USD", "amount > 1000")
    assert facts["hidden records, not yours"] > 0
    assert facts["generation"]
    win_rate = meant(file, "win_rate.value")
    assert (win_rate["metric"], win_rate["variant"], win_rate["unit"]) == ("win_rate", "value", "ratio")
    assert "/" in win_rate["formula"]
    assert win_rate["definition"]
    assert len(win_rate["version"]) == 12
    assert meant(file, "bookings")["unit"] == "money"


def test_amounts_carry_their_currency(acme: Door, tmp_path: Path) -> None:
    """A column of money is formatted as money, in a query and in a list of records."""
    for words, column in ((QUESTIONS["query"], "bookings"), (QUESTIONS["records"], "amount")):
        file = tmp_path / "answer.xlsx"
        acme(*words, "--format", "xlsx", "--output", file)
        sheet = opened(file)["Answer"]
        place = [cell.value for cell in sheet[1]].index(column) + 1
        amounts = [sheet.cell(n, place) for n in range(2, sheet.max_row + 1)]
        assert {cell.number_format for cell in amounts if cell.value is not None} == {"#,##0.00 [$USD]"}
        assert all(isinstance(cell.value, (int, float)) for cell in amounts if cell.value is not None)


def test_quality_as_a_file(acme: Door, tmp_path: Path) -> None:
    """Scores are numbers in it."""
    file = tmp_path / "quality.xlsx"
    acme("quality", "--output", file)
    told = acme("quality", "--format", "json").rows
    assert [f"{row['score']:.2%}" for row in rows_of(file)] == [row["score"] for row in told]


def test_text_formats_go_to_a_file_too(acme: Door, tmp_path: Path) -> None:
    """As the file's name says, or as --format says; the same text as without a file."""
    for name, form in (("a.csv", "csv"), ("a.json", "json"), ("a.txt", "table")):
        file = tmp_path / name
        assert acme(*QUESTIONS["query"], "--output", file).code == 0
        assert file.read_text() == acme(*QUESTIONS["query"], "--format", form).out
    file = tmp_path / "b.dat"
    acme(*QUESTIONS["query"], "--output", file, "--format", "csv")
    assert file.read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_what_cannot_be_written_is_told(acme: Door, tmp_path: Path) -> None:
    """An XLSX needs a file; a folder that is not there is named; a failed question leaves the file that was there."""
    done = acme(*QUESTIONS["query"], "--format", "xlsx")
    assert (done.code, "--output answer.xlsx" in done.err) == (2, True)
    missing = acme(*QUESTIONS["query"], "--output", tmp_path / "none" / "a.xlsx")
    assert missing.code == 7
    assert "none" in missing.err
    kept = tmp_path / "kept.xlsx"
    kept.write_text("before")
    assert acme("metrics", "query", "no_such", "--output", kept).code == 4
    assert kept.read_text() == "before"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["kept.xlsx"]


PYTHON = {
    "query": ("metrics.query('bookings', by='owner', period='2025')", "bookings"),
    "waterfall": ("pipeline.waterfall('2025-Q2', scope='all_open')", "value"),
    "drill": ("metrics.drill('bookings', period='2025')", "external_id"),
    "records": ("records.list('opportunity')", "amount"),
    "quality": ("quality.check()", "score"),
    "people": ("people.activity(period='2025')", "owner"),
}


@pytest.mark.parametrize(("text", "column"), PYTHON.values(), ids=list(PYTHON))
def test_python_writes_the_same(acme: Door, tmp_path: Path, text: str, column: str) -> None:
    """`to_xlsx` and `to_csv` of every answer hold the same rows."""
    a, b = tmp_path / "a.xlsx", tmp_path / "b.csv"
    done = acme.python(
        f"found = ws().{text}\nfound.to_xlsx({str(a)!r})\nfound.to_csv({str(b)!r})\nresult = found.table().rows"
    )
    assert isinstance(done, list), done
    found = rows_of(a)
    with b.open(newline="") as lines:
        listed = list(csv.DictReader(lines))
    assert len(found) == len(listed) == len(done)
    for cells, text_cells, row in zip(found, listed, done, strict=True):
        assert column in cells
        for name in cells:
            assert same(cells[name], row[name]), (name, cells[name], row[name])
            assert (
                text_cells[name] == ""
                if row[name] is None
                else same(text_cells[name].removeprefix("'"), str(row[name]))
            )
