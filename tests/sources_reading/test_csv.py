"""Delimited text: encodings, delimiters, headers, line numbers, and that no row is lost unreported."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sources_reading.support import Stager, rows_of

from salesops.sources.reading import ReadOptions, stage


def test_line_numbers_of_a_plain_file(staged: Stager) -> None:
    file = staged("deals.csv", "id,amount\na,1\nb,2\n")
    assert (file.format, file.encoding, file.delimiter, file.rows) == ("csv", "utf-8", ",", 2)
    assert rows_of(file) == [(2, "a", "1"), (3, "b", "2")]
    assert file.problems == ()


def test_line_numbers_with_line_ends_in_quotes_blank_lines_and_bad_rows(staged: Stager) -> None:
    text = 'id,note,x\n1,"two\nlines",a\n\n2,short\n3,b,c\n4,too,many,cells\n5,"say ""hi""",d\n'
    file = staged("notes.csv", text)
    assert rows_of(file) == [(2, "1", "two\nlines", "a"), (6, "3", "b", "c"), (8, "5", 'say "hi"', "d")]
    assert [(p.row, p.value) for p in file.problems] == [(5, "2,short"), (7, "4,too,many,cells")]
    assert file.problems[0].problem == "The row has 2 cells instead of 3; it was left out"
    assert file.rejected == 2


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(staged: Stager, line_end: str) -> None:
    file = staged("a.csv", line_end.join(["id,x", "1,a", "2", "", "3,c", ""]))
    assert rows_of(file) == [(2, "1", "a"), (5, "3", "c")]
    assert [p.row for p in file.problems] == [3]


def test_mixed_line_ends(staged: Stager) -> None:
    file = staged("a.csv", 'id,x\r\n1,a\n2,"b\nb"\r\n3,c')
    assert rows_of(file) == [(2, "1", "a"), (3, "2", "b\nb"), (5, "3", "c")]


def test_a_quotation_mark_that_is_never_closed_loses_one_row(staged: Stager) -> None:
    file = staged("a.csv", 'id,x\n1,a\n2,"open\n3,c\n4,"d"\n')
    assert rows_of(file) == [(2, "1", "a"), (4, "3", "c"), (5, "4", "d")]
    assert [p.row for p in file.problems] == [3]
    assert "quotation mark" in file.problems[0].problem


def test_a_quotation_mark_inside_a_plain_cell_is_kept(staged: Stager) -> None:
    assert rows_of(staged("a.csv", 'id,x\n1,5" pipe\n2,b\n')) == [(2, "1", '5" pipe'), (3, "2", "b")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(staged: Stager, delimiter: str) -> None:
    rows = [["name", "amount", "note"], ["Müller", "1.5", "a"], ["Smith", "2.5", "b"]]
    file = staged("a.csv", "\n".join(delimiter.join(row) for row in rows))
    assert file.delimiter == delimiter
    assert [column.name for column in file.columns] == rows[0]


def test_semicolons_with_decimal_commas(staged: Stager) -> None:
    file = staged("a.csv", "name;amount\na;1,50\nb;2,75\nc;1.003,25\n")
    assert file.delimiter == ";"
    amount = file.column("amount")
    assert (amount.kind, amount.decimal, amount.thousands) == ("number", ",", ".")


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", ["Müller", "Łódź", "日本"]),
        ("utf-8-sig", ["Müller", "Łódź", "日本"]),
        ("utf-16", ["Müller", "Łódź", "日本"]),
        ("utf-16-le", ["Mueller", "Łódź", "abc"]),
        ("cp1252", ["Müller", "Besançon – 5 €", "Málaga"]),
        ("cp1250", ["Łódź", "Gdańsk", "Świnoujście", "Kraków", "Wałbrzych"]),
        ("cp932", ["株式会社日本", "営業部", "東京都港区"]),
        ("gb18030", ["北京市海淀区", "销售部门", "张伟"]),
        ("cp1251", ["Компания", "Продажи", "Москва"]),
    ],
)
def test_encodings(staged: Stager, encoding: str, words: list[str]) -> None:
    file = staged("a.csv", ("name,n\n" + "".join(f"{word},1\n" for word in words)).encode(encoding))
    assert [row[1] for row in rows_of(file)] == words


def test_one_damaged_character_does_not_change_the_encoding_of_the_rest(staged: Stager) -> None:
    content = ("name,n\n" + "Müller,1\n" * 50).encode() + b"M\xfcller,2\n"
    file = staged("a.csv", content)
    assert [row[1] for row in rows_of(file)] == ["Müller"] * 50 + ["M\ufffdller"]
    assert [(p.row, p.severity) for p in file.problems] == [(52, "warning")]


def test_names_are_made_unique_and_reported(staged: Stager) -> None:
    file = staged("a.csv", "Name,,name,_row\nx,y,z,w\n")
    assert [c.name for c in file.columns] == ["Name", "column_2", "name_2", "_row_2"]
    assert {p.severity for p in file.problems} == {"warning"}
    assert len(file.problems) == 3


def test_lines_above_the_names(staged: Stager) -> None:
    file = staged("a.csv", "Pipeline report\n\nid,amount,owner\n1,2,a\n3,4,b\n5,6,c\n")
    assert [c.name for c in file.columns] == ["id", "amount", "owner"]
    assert [row[0] for row in rows_of(file)] == [4, 5, 6]
    assert "line 3" in file.problems[0].problem


def test_a_file_without_names(staged: Stager) -> None:
    file = staged("a.csv", "1,2016-10-20,5.5\n2,2016-10-21,6.5\n")
    assert [c.name for c in file.columns] == ["column_1", "column_2", "column_3"]
    assert rows_of(file)[0] == (1, "1", "2016-10-20", "5.5")
    assert rows_of(staged("b.csv", "a,b\nc,d\n", header_row=0)) == [(1, "a", "b"), (2, "c", "d")]


def test_header_only_is_no_error(staged: Stager) -> None:
    for content in ("a,b\n", "a,b", "a,b\n\n\n"):
        file = staged("a.csv", content)
        assert (file.rows, [c.kind for c in file.columns]) == (0, ["empty", "empty"])
        assert rows_of(file) == []
        assert [p.severity for p in file.problems] == ["warning"]


def test_blank_cells_and_declared_tokens_are_null_others_are_kept(staged: Stager) -> None:
    file = staged("a.csv", "a,b\n  x ,NA\n-none-,None\n\t,z\n", null_tokens=("-none-",))
    assert rows_of(file) == [(2, "x", "NA"), (3, None, "None"), (4, None, "z")]


def test_na_is_missing_in_a_column_of_numbers_and_said_so(staged: Stager) -> None:
    file = staged("a.csv", "name,amount\nNA,1\nb,NA\nc,2.5\nd,n/a\n")
    assert rows_of(file) == [(2, "NA", "1"), (3, "b", None), (4, "c", "2.5"), (5, "d", None)]
    amount = file.column("amount")
    assert (amount.kind, amount.filled) == ("number", 2)
    assert "2 values (NA, n/a) are read as missing" in amount.note


def test_a_cell_that_is_too_long_loses_only_its_row(staged: Stager) -> None:
    file = staged("a.csv", f"id,x\n1,a\n2,{'x' * 1_500_000}\n3,c\n")
    assert [row[0] for row in rows_of(file)] == [2, 4]
    assert (file.rows, file.rejected, file.problems[0].row) == (2, 1, 3)
    file = staged("b.csv", f"id,x\n1,a\n2,{'x' * 40_000_000}\n3,c\n")
    assert [row[0] for row in rows_of(file)] == [2, 4]
    assert file.problems[0].row == 3


def test_problems_beyond_the_limit_are_summed_up(staged: Stager) -> None:
    file = staged("a.csv", "id,x\n" + "1\n" * 30 + "2,b\n", problem_limit=10, header_row=1)
    assert (file.rows, file.rejected, len(file.problems)) == (1, 30, 11)
    assert file.problems[-1].problem.startswith("20 more of")


def test_gzip(staged: Stager) -> None:
    import gzip

    assert rows_of(staged("a.csv.gz", gzip.compress(b"id,x\n1,a\n"))) == [(2, "1", "a")]


cells = st.text(st.sampled_from('ab ,;"\n\r|\u00e9'), max_size=6).map(lambda s: s.replace("\r", "").strip())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_writes_is_read_back_with_its_lines(
    tmp_path: Path, rows: list[tuple[str, ...]], line_end: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end)
    writer.writerow(["first", "second", "third"])
    expected, line = [], 2
    for row in rows:
        writer.writerow(row)
        expected.append((line, *(cell or None for cell in row)))
        line += 1 + sum(cell.count("\n") for cell in row)
    path = tmp_path / "round.csv"
    path.write_bytes(out.getvalue().encode())
    file = stage(path, tmp_path / "out", ReadOptions(delimiter=",", header_row=1))
    assert rows_of(file) == expected


@pytest.mark.slow
def test_a_large_file_with_everything_wrong_has_every_line_right(tmp_path: Path) -> None:
    rng = random.Random(5)
    lines, expected, bad, line = ["id,b,c\n"], [], [], 2
    for i in range(200_000):
        kind = rng.random()
        if kind < 0.002:
            text = f"{i},short\n"
            bad.append(line)
        elif kind < 0.03:
            text = f'{i},"multi\n\nline ""q"" {"z" * rng.randint(0, 200)}",y\n'
            expected.append((line, str(i)))
        elif kind < 0.032:
            text = "\n"
        else:
            text = f"{i},{'w' * rng.randint(1, 200)},y\n"
            expected.append((line, str(i)))
        lines.append(text)
        line += text.count("\n")
    path = tmp_path / "large.csv"
    path.write_text("".join(lines), newline="")
    file = stage(path, tmp_path / "out", ReadOptions(problem_limit=10_000))
    assert rows_of(file, "id") == expected
    assert [p.row for p in file.problems] == bad
