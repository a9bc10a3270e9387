"""Workbooks, Parquet, JSON Lines and event logs become the same kind of staged file."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.sources_reading.support import Stager, rows_of

from salesops.common.errors import InvalidData
from salesops.sources.reading import ROW, ColumnProfile, stage


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook(staged: Stager) -> None:
    rows: list[list[object]] = [
        ["Deal", "Amount", "Closed", "At", "Won", "Note"],
        ["a", 1200.5, dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 14, 30), True, "=cmd|' /C calc'!A0"],
        [None] * 6,
        ["b", 3, dt.date(2026, 2, 1), dt.datetime(2026, 2, 1), False, " x "],
    ]
    rows[1][5] = "'=cmd|calc"
    file = staged("deals.xlsx", workbook(("Empty", []), ("Deals", rows), ("Other", [["x"], [1]])))
    assert (file.format, file.sheet, file.rows) == ("xlsx", "Deals", 2)
    assert rows_of(file) == [
        (2, "a", "1200.5", "2026-01-31", "2026-01-31 14:30:00", "true", "'=cmd|calc"),
        (4, "b", "3", "2026-02-01", "2026-02-01", "false", "x"),
    ]
    assert [c.kind for c in file.columns] == ["text", "number", "date", "instant", "boolean", "text"]
    assert file.notes == ("Read sheet Deals; not read: Empty, Other",)


def test_a_sheet_may_be_named_and_a_workbook_may_have_a_title_above(staged: Stager) -> None:
    rows: list[list[object]] = [["Pipeline"], [], [None, "id", "amount"], [None, 1, 2.5], [None, 2, 3.5]]
    content = workbook(("A", [["x"], [1]]), ("B", rows))
    file = staged("a.csv", content, sheet="B")
    assert [c.name for c in file.columns] == ["id", "amount"]
    assert rows_of(file) == [(4, "1", "2.5"), (5, "2", "3.5")]
    with pytest.raises(InvalidData, match=r"no sheet 'C'.*Declare one of: A, B"):
        staged("a.xlsx", content, sheet="C")


def test_parquet(staged: Stager) -> None:
    at = dt.datetime(2026, 1, 31, 12, 0, 0, 250000)
    table = pa.table(
        {
            "id": pa.array([1, 2, None], pa.int64()),
            "amount": pa.array([Decimal("10.50"), None, Decimal("-3.25")], pa.decimal128(18, 2)),
            "share": pa.array([0.1, 2.0, float("nan")]),
            "day": pa.array([dt.date(2026, 1, 31)] * 3),
            "at": pa.array([at] * 3, pa.timestamp("us", tz="Europe/Berlin")),
            "tags": pa.array([["a"], [], None]),
            "name": ["x", "", " y "],
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    file = staged("a.parquet", out.getvalue())
    stamp = "2026-01-31T12:00:00.25Z"
    assert rows_of(file) == [
        (1, "1", "10.50", "0.1", "2026-01-31", stamp, '["a"]', "x"),
        (2, "2", None, "2", "2026-01-31", stamp, "[]", None),
        (3, None, "-3.25", None, "2026-01-31", stamp, None, "y"),
    ]
    assert [c.kind for c in file.columns] == ["integer", "number", "number", "date", "instant", "text", "text"]
    assert file.column("at").has_offset


def test_json_lines(staged: Stager) -> None:
    text = (
        '{"id": 1, "amount": 10.50, "owner": {"name": "A", "team": {"id": 7}}, "tags": ["x", {"y": 1.0}]}\n'
        "not json\n\n"
        '{"id": 2, "won": true, "ID": "b", "big": 12345678901234567890.123}\n[1]\n'
    )
    file = staged("a.jsonl", text)
    columns = ["id", "amount", "owner.name", "owner.team.id", "tags", "won", "ID_2", "big"]
    assert [c.name for c in file.columns] == columns
    assert rows_of(file) == [
        (1, "1", "10.50", "A", "7", '["x", {"y": 1.0}]', None, None, None),
        (4, "2", None, None, None, None, "true", "b", "12345678901234567890.123"),
    ]
    assert [p.row for p in file.problems if p.severity == "error"] == [2, 5]


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0"{namespace}>
  <global scope="event"><string key="concept:name" value="name"/></global>
  <string key="creator" value="somebody"/>
  <trace>
    <string key="concept:name" value="Case 1"/><string key="region" value="West"/>
    <event>
      <string key="concept:name" value="Open"><string key="inner" value="x"/></string>
      <date key="time:timestamp" value="2026-01-31T12:00:00.000+01:00"/>
      <string key="org:resource" value="Ann"/>
    </event>
    <event>
      <string key="concept:name" value="Close"/><string key="lifecycle:transition" value="complete"/>
      <date key="time:timestamp" value="2026-02-01T12:00:00.000+01:00"/><int key="cost" value="5"/>
    </event>
  </trace>
</log>
"""


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://www.xes-standard.org"'])
@pytest.mark.parametrize("packed", [False, True])
def test_event_logs(staged: Stager, namespace: str, packed: bool) -> None:
    text = XES.format(namespace=namespace).encode()
    file = staged("log.xes.gz", gzip.compress(text)) if packed else staged("log.xes", text)
    columns = ["case_id", "activity", "timestamp", "lifecycle", "resource", "case:region", "cost"]
    assert [c.name for c in file.columns] == columns
    assert rows_of(file) == [
        (1, "Case 1", "Open", "2026-01-31T12:00:00.000+01:00", None, "Ann", "West", None),
        (2, "Case 1", "Close", "2026-02-01T12:00:00.000+01:00", "complete", None, "West", "5"),
    ]
    assert (file.format, file.column("timestamp").kind) == ("xes", "instant")


def test_what_a_staged_file_tells(staged: Stager, tmp_path: Path) -> None:
    file = staged("deals 2026-01-31.csv", "a,b\n1,x\n")
    assert (file.file_date, file.file_date_from) == ("2026-01-31", "name")
    assert staged("export_20260228_2.csv", "a,b\n1,x\n").file_date == "2026-02-28"
    assert staged("deals.csv", "a,b\n1,x\n").file_date_from == "modified"
    told = file.to_dict()
    assert told["sha256"] == file.sha256
    assert ColumnProfile.from_dict(told["columns"][0]) == file.columns[0]
    schema = pq.read_schema(file.parquet_path)
    assert schema.names == [ROW, "a", "b"]
    assert [str(t) for t in schema.types] == ["int64", "string", "string"]
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [".parquet"] * 3


def test_a_link_to_a_file_is_followed(staged: Stager, tmp_path: Path) -> None:
    staged("real.csv", "a,b\n1,2\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert stage(tmp_path / "link.csv", tmp_path / "out").rows == 1
