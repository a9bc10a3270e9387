"""What is no table gets a clear error with a remedy, and nothing half-written stays behind."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import os
import zipfile
from pathlib import Path

import duckdb
import pytest
from tests.sources_reading.support import Stager

from salesops.common.errors import InvalidData, SalesopsError, WorkspaceError
from salesops.sources.reading import ReadOptions, stage, staging

XML = '<?xml version="1.0"?>'
BILLION_LAUGHS = f'{XML}<!DOCTYPE log [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><log><trace x="&b;"/></log>'


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n \n", "nothing but blank lines"),
        ("a.csv", b"a,b\n1,\x002\n", "binary data"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 40_000 + b"\0", "binary data"),
        ("a.csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "PNG picture"),
        ("a.csv", b"%PDF-1.7\n...", "PDF document"),
        ("a.csv", b"MZ\x90\0" * 50, "Windows program"),
        ("a.csv", zipped(a=b"x"), "ZIP archive"),
        ("a.csv", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "calendar file"),
        ("a.csv", b"\xef\xbb\xbfBEGIN:VCARD\nEND:VCARD\n", "contact card"),
        ("a.csv", b"<!DOCTYPE html>\n<html><body></body></html>", "web page"),
        ("a.csv", b"From: a@example.com\nTo: b@example.com\nSubject: hello\n\nHi, you\n", "e-mail message"),
        ("a.csv", b'<?xml version="1.0"?><rss></rss>', "no XES event log"),
        ("a.json", b'[{"a": 1}]', "one JSON document"),
        ("a.json", b'{\n "a": 1\n}', "one JSON document"),
        ("a.jsonl", b"nothing\nhere\n", "no JSON object"),
        ("a.xlsx", b"PK\x03\x04 broken", "damaged workbook"),
        ("a.xlsx", b"a,b\n1,2\n", "Excel workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "cannot be read as a workbook"),
        ("a.xlsx", zipped(xl__workbook=b"<x/>"), "cannot be read as a workbook"),
        ("a.parquet", b"PAR1" + b"x" * 100 + b"PAR1", "damaged Parquet"),
        ("a.csv.gz", gzip.compress(b"a,b\n" * 100, mtime=0)[:-12], "damaged gzip"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "empty once unpacked"),
        ("a.xes", f"{XML}\n<log>\n<trace>\n</log>".encode(), "broken XML at line 4"),
        ("a.xes", f"{XML}\n<log><trace>".encode(), "broken XML at line 2"),
        ("a.xes", BILLION_LAUGHS.encode(), "document type or entities"),
        ("a.xes", f"{XML}<log>{'<a>' * 500}{'</a>' * 500}</log>".encode(), "nests elements too deeply"),
        ("a.csv", ",".join(f"c{i}" for i in range(6_000)).encode() + b"\n", "6000 columns"),
    ],
)
def test_refused_with_a_remedy_and_nothing_left_behind(
    staged: Stager, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(InvalidData, match=said) as caught:
        staged(name, content)
    assert caught.value.remedy
    assert name in caught.value.message
    assert not list((tmp_path / "out").glob("*"))
    assert not list((tmp_path / "out").glob(".*"))


def test_missing_files_folders_and_forbidden_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidData, match="does not exist"):
        stage(tmp_path / "none.csv", tmp_path / "out")
    with pytest.raises(InvalidData, match="is a folder"):
        stage(tmp_path, tmp_path / "out")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InvalidData, match="no ordinary file"):
        stage(tmp_path / "pipe.csv", tmp_path / "out")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr("salesops.sources.reading.content.os.access", lambda *_: False)
    with pytest.raises(InvalidData, match="may not be read"):
        stage(tmp_path / "a.csv", tmp_path / "out")


def test_a_gzip_bomb(staged: Stager, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="unpacks to far more"):
        staged("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 100_000), max_unpacked_gzip=100_000)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_workbook_bomb(staged: Stager) -> None:
    bomb = zipped(xl__workbook=b"<x/>", sheet=b" " * (40 << 20))
    with pytest.raises(InvalidData, match="unpacks to 40 MB"):
        staged("a.xlsx", bomb)
    with pytest.raises(InvalidData, match="more than is allowed"):
        staged("a.xlsx", zipped(xl__workbook=os.urandom(3_000)), max_unpacked=1_000)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
        duckdb.IOException('Could not write all bytes to file "x": File too large'),
    ],
)
def test_a_full_disk(staged: Stager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def full(*_: object) -> object:
        raise error

    monkeypatch.setitem(staging._READERS, "csv", full)
    with pytest.raises(WorkspaceError, match=r"disk is full.*Free some space"):
        staged("a.csv", "a,b\n1,2\n")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_declared_wrongly(staged: Stager) -> None:
    with pytest.raises(InvalidData, match="no known encoding"):
        staged("a.csv", "a,b\n1,2\n", encoding="klingon")
    for wrong in ("utf-16-x", "hex", "rot13", "undefined", "\0", "é"):  # unknown, or no encoding of text
        for name, text in (("a.csv", "a,b\n1,2\n"), ("a.jsonl", '{"a": 1}\n')):
            with pytest.raises(InvalidData, match="no known encoding"):
                staged(name, text, encoding=wrong)
    with pytest.raises(InvalidData, match="is not all ascii"):
        staged("a.csv", "a,b\nü,2\n", encoding="ascii")
    with pytest.raises(InvalidData, match="not one character"):
        staged("a.csv", "a,b\n1,2\n", delimiter="<>")
    with pytest.raises(InvalidData, match="no column names on line 9"):
        staged("a.csv", "a,b\n1,2\n", header_row=9)


def test_names_and_values_cannot_reach_the_sql(staged: Stager) -> None:
    header = '"a""; DROP TABLE t; --",\'; SELECT 1; --,x'
    file = staged("it's.csv", f'{header}\n\'; --,"""",2016-10-20\n')
    assert [c.name for c in file.columns] == ['a"; DROP TABLE t; --', "'; SELECT 1; --", "x"]
    assert file.rows == 1


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"[", b"<", b'"', b"a", b",", b"\r", b"-\n=", b"(9"]
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_tiny_files_are_read_or_refused(staged: Stager, name: str, content: bytes) -> None:
    with contextlib.suppress(SalesopsError):
        assert staged(name, content).columns


def test_every_calendar_file_is_recognised(shared: Path, tmp_path: Path) -> None:
    for path in sorted((shared / "data" / "calendar").glob("*.ics")):
        with pytest.raises(InvalidData) as caught:
            stage(path, tmp_path / "out", ReadOptions())
        assert caught.value.remedy
    assert list((tmp_path / "out").iterdir()) == []


def test_a_column_may_have_any_name(staged: Stager) -> None:
    file = staged("a.csv", "file_row_number,c0,select\n7,8,9\n")
    assert [c.name for c in file.columns] == ["file_row_number", "c0", "select"]
    assert [c.examples for c in file.columns] == [("7",), ("8",), ("9",)]
