"""The shared real data, checked against known figures."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from salesops.sources.reading import StagedFile, loses_precision_sql, parse_sql, stage


def ask(file: StagedFile, select: str) -> tuple[object, ...]:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        found = con.execute(f"SELECT {select} FROM read_parquet(?)", [file.parquet_path]).fetchone()
    assert found is not None
    return found


def sql(file: StagedFile, column: str, kind: str, zone: str = "UTC") -> str:
    return parse_sql(f'"{column}"', kind, file.column(column), zone)


def test_maven_with_two_digit_years_equals_maven_with_iso_dates(shared: Path, tmp_path: Path) -> None:
    files = [
        stage(shared / "data" / folder / "sales_pipeline.csv", tmp_path / folder)
        for folder in ("maven_crm", "maven_crm_ddmmyy")
    ]
    assert [f.column("engage_date").date_order for f in files] == ["ymd", "dmy"]
    assert all(f.column(c).certain for f in files for c in ("engage_date", "close_date"))
    with duckdb.connect() as con:
        one, two = (
            con.execute(
                f"SELECT _row, opportunity_id, {sql(f, 'engage_date', 'date')}, {sql(f, 'close_date', 'date')},"
                f" {sql(f, 'close_value', 'money')} FROM read_parquet(?)",
                [f.parquet_path],
            ).fetchall()
            for f in files
        )
    assert one == two
    assert len(one) == 8_800
    won = ask(files[0], f"sum({sql(files[0], 'close_value', 'money')}) FILTER (WHERE deal_stage = 'Won')")
    assert won == (10_005_534 * 10_000,)


def test_superstore_sales_are_exact(shared: Path, tmp_path: Path) -> None:
    file = stage(shared / "data" / "superstore" / "superstore.csv", tmp_path)
    assert (file.encoding, file.rows, file.column("Order Date").date_order) == ("utf-8-sig", 9_994, "mdy")
    lossy = loses_precision_sql('"Sales"', "money", file.column("Sales"))
    total, lost = ask(file, f"sum({sql(file, 'Sales', 'money')}), count(*) FILTER (WHERE {lossy})")
    assert (Decimal(str(total)) / 10_000, lost) == (Decimal("2297200.8603"), 0)
    first = ask(
        file, f"min({sql(file, 'Order Date', 'date')})::VARCHAR, max({sql(file, 'Order Date', 'date')})::VARCHAR"
    )
    assert (str(first[0])[:7], str(first[1])[:7]) == ("2015-01", "2018-12")
    assert file.column("Postal Code").kind == "text"


def test_the_helpdesk_log_says_the_same_in_both_formats(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "process_logs"
    log, table = stage(folder / "Helpdesk.xes.gz", tmp_path), stage(folder / "Helpdesk.csv", tmp_path)
    figures = [
        ask(f, f"count(*), count(DISTINCT case_id), count(DISTINCT activity), sum({sql(f, 'timestamp', 'instant')})")
        for f in (log, table)
    ]
    assert figures[0] == figures[1]
    assert figures[0][:3] == (21_348, 4_580, 14)


def test_cdnow_and_bank(shared: Path, tmp_path: Path) -> None:
    file = stage(shared / "data" / "cdnow" / "cdnow_restored_1997.csv", tmp_path)
    assert (file.rows, file.column("id").kind) == (69_659, "text")
    assert ask(file, f"sum({sql(file, 'amt', 'money')})") == (25_003_156_300,)
    bank = stage(shared / "data" / "bank_marketing" / "bank-additional.csv", tmp_path)
    assert (bank.delimiter, bank.rows, bank.column("y").kind) == (";", 4_119, "boolean")
    assert bank.column("emp.var.rate").misfits == 21  # a spreadsheet wrote ##### where a column was too narrow


@pytest.mark.parametrize("folder", ["fivetran_hubspot", "fivetran_salesforce", "x_education", "fortune500", "febrl"])
def test_every_typed_column_parses_but_for_its_misfits(shared: Path, tmp_path: Path, folder: str) -> None:
    kinds = {"number": "scaled:6", "percent": "scaled:6"}
    for path in sorted((shared / "data" / folder).glob("*.csv")):
        file = stage(path, tmp_path)
        typed = [c for c in file.columns if c.kind not in ("text", "empty")]
        for column in typed:
            name = '"' + column.name.replace('"', '""') + '"'
            parsed = parse_sql(name, kinds.get(column.kind, column.kind), column, "UTC")
            failed = ask(file, f"count(*) FILTER (WHERE {name} IS NOT NULL AND {parsed} IS NULL)")
            assert failed == (column.misfits,), (path.name, column)
