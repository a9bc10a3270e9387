"""The kind of a column, found from the whole of it: dates under each order, numbers under each locale, flags, ids."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sources_reading.support import Stager, parsed

from salesops.sources.reading import ColumnProfile, ReadOptions, parse_sql, stage


def column(staged: Stager, values: list[str], header: str = "x", **options: object) -> ColumnProfile:
    lines = [f"id\t{header}", *(f"k{i}\t{value}" for i, value in enumerate(values))]
    return staged("a.tsv", "\n".join(lines), **{"delimiter": "\t", "header_row": 1, **options}).column(header)


@pytest.mark.parametrize(
    ("values", "kind", "order", "expected"),
    [
        (["2016-10-20", "2016-1-5"], "date", "ymd", [dt.date(2016, 10, 20), dt.date(2016, 1, 5)]),
        (["2016/10/20", "2016/01/05"], "date", "ymd", [dt.date(2016, 10, 20), dt.date(2016, 1, 5)]),
        (["20.10.2016", "5.1.2016"], "date", "dmy", [dt.date(2016, 10, 20), dt.date(2016, 1, 5)]),
        (["10/20/2016", "1/5/2016"], "date", "mdy", [dt.date(2016, 10, 20), dt.date(2016, 1, 5)]),
        (["4-Nov-2017", "12-Dec-17"], "date", "dmy", [dt.date(2017, 11, 4), dt.date(2017, 12, 12)]),
        (["Nov 4, 2017", "December 12, 2017"], "date", "mdy", [dt.date(2017, 11, 4), dt.date(2017, 12, 12)]),
        (["2017年11月4日", "2017年12月12日"], "date", "ymd", [dt.date(2017, 11, 4), dt.date(2017, 12, 12)]),
        (["31/12/68", "31/12/69"], "date", "dmy", [dt.date(2068, 12, 31), dt.date(1969, 12, 31)]),
    ],
)
def test_spellings_of_dates(staged: Stager, values: list[str], kind: str, order: str, expected: list[dt.date]) -> None:
    profile = column(staged, values)
    assert (profile.kind, profile.date_order, profile.certain) == (kind, order, True), profile
    assert parsed(parse_sql("v", "date", profile, "UTC"), list(values)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2021-01-07 6:49:18", "2021-01-07T05:49:18"),
        ("2021-01-07T06:49:18.5", "2021-01-07T05:49:18.500000"),
        ("2021-01-07 06:49:18.123456789", "2021-01-07T05:49:18.123456"),
        ("2021-01-07T06:49:18Z", "2021-01-07T06:49:18"),
        ("2021-01-07T06:49:18+02:00", "2021-01-07T04:49:18"),
        ("2021-01-07 06:49:18 -0330", "2021-01-07T10:19:18"),
        ("2021-01-07 06:49:18 UTC", "2021-01-07T06:49:18"),
        ("13/01/2021 6:49 PM", "2021-01-13T17:49:00"),
        ("07.01.2021 18:49", "2021-01-07T17:49:00"),
        ("4-Nov-2021 06:49", "2021-11-04T05:49:00"),
    ],
)
def test_spellings_of_instants(staged: Stager, value: str, expected: str) -> None:
    profile = column(staged, [value])
    assert profile.kind == "instant"
    [micros] = parsed(parse_sql("v", "instant", profile, "Europe/Berlin"), [value])
    assert dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=micros) == dt.datetime.fromisoformat(expected)


def test_instants_with_and_without_time_and_offset_in_one_column(staged: Stager) -> None:
    values = ["2021-07-07", "2021-07-07 10:00:00", "2021-07-07T10:00:00+00:00", "2021-07-07T10:00:00.25Z"]
    profile = column(staged, values)
    assert (profile.kind, profile.has_offset, profile.misfits) == ("instant", True, 0)
    at = [f"2021-07-{d}" for d in ("06T22:00:00", "07T08:00:00", "07T10:00:00", "07T10:00:00.250000")]
    expected = [
        int((dt.datetime.fromisoformat(a) - dt.datetime(1970, 1, 1)) / dt.timedelta(microseconds=1)) for a in at
    ]
    assert parsed(parse_sql("v", "instant", profile, "Europe/Berlin"), list(values)) == expected
    days = parsed(parse_sql("v", "date", profile, "Asia/Tokyo"), list(values))
    assert days == [dt.date(2021, 7, 7)] * 4


def test_epochs_only_where_the_name_says_so(staged: Stager) -> None:
    values = ["1082040961", "1082155839"]
    assert column(staged, values, "reference").kind == "integer"
    profile = column(staged, values, "created_at")
    assert (profile.kind, profile.date_format) == ("instant", "epoch_s")
    assert parsed(parse_sql("v", "instant", profile, "Asia/Tokyo"), ["1082040961", "x"]) == [1082040961000000, None]
    assert column(staged, ["1082040961123"], "time").date_format == "epoch_ms"


def test_the_column_with_a_day_over_12_settles_its_siblings(staged: Stager) -> None:
    file = staged("a.csv", "opened,closed\n03/04/2016,25/04/2016\n05/06/2016,11/07/2016\n")
    assert [(c.date_order, c.certain) for c in file.columns] == [("dmy", True), ("dmy", True)]
    assert "as in the other date columns" in file.column("opened").note


def test_an_order_nobody_can_know_is_assumed_and_said_so(staged: Stager) -> None:
    profile = column(staged, ["03/04/2016", "05/06/2016"])
    assert (profile.date_order, profile.certain) == ("dmy", False)
    assert "no value over 12" in profile.note
    assert column(staged, ["03/04/2016", "05/06/2016"], date_order="mdy").date_order == "mdy"
    file = staged("a.csv", "d,price\n03/04/2016,$5.00\n05/06/2016,$6.00\n")
    assert file.column("d").date_order == "mdy"


def test_one_value_that_is_no_date_stays_a_date_column(staged: Stager) -> None:
    profile = column(staged, [*(f"2016-10-{d:02d}" for d in range(1, 20)), "soon"])
    assert (profile.kind, profile.misfits, profile.certain) == ("date", 1, False)
    assert parsed(parse_sql("v", "date", profile, "UTC"), ["soon", "2016-02-30", "2016-02-29", None])[:2] == [
        None,
        None,
    ]


dates = st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(dates, min_size=1, max_size=20),
    st.sampled_from(["dmy", "mdy", "ymd"]),
    st.sampled_from("-/."),
    st.booleans(),
    st.booleans(),
)
def test_dates_round_trip_under_their_declared_order(
    tmp_path: Path, days: list[dt.date], order: str, sign: str, short: bool, padded: bool
) -> None:
    def spelt(day: dt.date) -> str:
        year = f"{day.year % 100:02d}" if short else str(day.year)
        parts = {"d": f"{day.day:02d}" if padded else str(day.day), "m": f"{day.month:02d}", "y": year}
        if short and order == "ymd":
            parts["d"] = f"{day.day:02d}"
        return sign.join(parts[letter] for letter in order)

    values = [spelt(day) for day in days]
    path = tmp_path / "dates.csv"
    path.write_text("id,x\n" + "".join(f"a,{value}\n" for value in values))
    profile = stage(path, tmp_path / "out", ReadOptions(date_order=order, header_row=1)).column("x")
    assert profile.kind == "date"
    assert parsed(parse_sql("v", "date", profile, "UTC"), list(values)) == days


@pytest.mark.parametrize(
    ("values", "decimal", "thousands"),
    [
        (["1.234,56", "7,5"], ",", "."),
        (["1,234.56", "7.5"], ".", ","),
        (["1 234,56", "7,5"], ",", " "),
        (["1\u00a0234,56", "7,5"], ",", " "),
        (["1'234.56", "7.5"], ".", "'"),
        (["1.234.567", "7"], None, "."),
        (["12,34,567.50", "7.5"], ".", ","),
        (["0.123", "0.456"], ".", None),
        (["1.05e3", "2E-2"], ".", None),
    ],
)
def test_decimal_and_thousands_signs(
    staged: Stager, values: list[str], decimal: str | None, thousands: str | None
) -> None:
    profile = column(staged, values)
    assert (profile.decimal, profile.thousands, profile.misfits, profile.certain) == (decimal, thousands, 0, True)


def test_a_sign_before_three_digits_everywhere_is_not_certain(staged: Stager) -> None:
    point = column(staged, ["1.234", "5.678"])
    comma = column(staged, ["1,234", "5,678"])
    assert (point.decimal, point.thousands, point.certain) == (".", None, False)
    assert (comma.decimal, comma.thousands, comma.certain, comma.kind) == (None, ",", False, "integer")
    file = staged("a.csv", "x;y\n1.234;1,5\n5.678;2,75\n")
    assert (file.column("x").thousands, file.column("x").certain) == (".", True)


@pytest.mark.parametrize(
    ("header", "values", "currency"),
    [
        ("x", ["€5", "€ 6.50"], "EUR"),
        ("x", ["5,00 €", "6,50 €"], "EUR"),
        ("x", ["CHF 5", "CHF 6"], "CHF"),
        ("x", ["12.50 zł", "3 zł"], "PLN"),
        ("x", ["-£5", "(£6.50)"], "GBP"),
        ("Amount (EUR)", ["5", "6"], "EUR"),
        ("price_usd", ["5", "6"], "USD"),
        ("x", ["12 kr", "13 kr"], None),
        ("x", ["€5", "£6"], None),
    ],
)
def test_money(staged: Stager, header: str, values: list[str], currency: str | None) -> None:
    profile = column(staged, values, header)
    assert (profile.kind, profile.currency) == ("money", currency)
    assert profile.certain == (currency is not None)


@pytest.mark.parametrize("bad", ["999999999999999999", "+48600100200", "0050", "tbd"])
def test_a_few_bad_cells_leave_an_amount_an_amount(staged: Stager, bad: str) -> None:
    """2 % at most, where the heading says that it is one; anywhere else such digits are a name for something."""
    values = [str(1000 + n) for n in range(98)]
    profile = column(staged, [*values, bad, bad], "Amount")
    assert (profile.kind, profile.certain) == ("integer", False)
    assert profile.note.startswith("2 values")
    if bad != "tbd":
        assert column(staged, [*values, bad, bad, bad], "Amount").kind == "text"
        assert column(staged, [*values, bad, bad], "code").kind == "text"


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("code", ["01902", "10001"], "text"),
        ("billing_postal_code", ["42420", "90001"], "text"),
        ("phone", ["5551234567", "5551234568"], "text"),
        ("x", ["+49301234567", "+49301234568"], "text"),
        ("x", ["555-1234", "555-9876"], "text"),
        ("x", ["123456789012345", "123456789012346"], "text"),
        ("siren", ["123 456 789", "987 654 321"], "text"),
        ("year", ["1996", "2001"], "integer"),
        ("share", ["50%", "7.5 %"], "percent"),
        ("x", ["1.5", "2"], "number"),
        ("x", ["-3", "5"], "integer"),
        ("x", ["Yes", "No", "yes"], "boolean"),
        ("x", ["TRUE", "FALSE"], "boolean"),
        ("is_deleted", ["0", "1"], "boolean"),
        ("count", ["0", "1"], "integer"),
        ("x", ["", ""], "empty"),
        ("x", ["NA", "None"], "text"),
        ("birth_date", ["19081209", "19990219"], "date"),
        ("x", ["19081209", "19990219"], "integer"),
        ("x", ["Yes", "No", "Maybe"], "text"),
        ("ip", ["192.168.1.10", "10.0.0.1"], "text"),
        ("version", ["1.2.3.4", "1.10.2.1"], "text"),
    ],
)
def test_other_kinds(staged: Stager, header: str, values: list[str], kind: str) -> None:
    assert column(staged, values, header).kind == kind
